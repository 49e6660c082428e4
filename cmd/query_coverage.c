/* SPDX-License-Identifier: MIT */
#include "query_coverage.h"

#include "cli.h"
#include "doubts.h"
#include "query_merge.h"
#include "stretch.h"

/*
 * What was looked at. "There is none" is an answer only where something was looked at, nothing was in the way, and what
 * may have been missed between two looks is said.
 */

static void say(const struct skt_file *file, struct skt_buf *line)
{
	skt_buf_byte(line, '\0');
	cli_say("%s: %s", skt_file_name(file), line->failed ? "out of memory" : (char *)line->data);
	skt_buf_clear(line);
}

/* The longest interval that nothing is known of. */
static void put_blind(const struct query *query, const struct skt_coverage *coverage, struct skt_buf *line)
{
	uint32_t heard = coverage->heard_kinds & ~coverage->blind_kinds;

	if (!skt_coverage_blind(coverage) && !heard) {
		skt_buf_text(line, "what was there before or after is not known");
		return;
	}
	if (skt_coverage_blind(coverage)) {
		skt_buf_text(line, "the longest interval between two looks is ");
		skt_duration_format(line, skt_coverage_blind(coverage));
		stretch_put(line, coverage->blind_after, coverage->blind_until, query->render.zone);
		skt_buf_text(line, ": what was there only within one may be missing");
	}
	if (!heard)
		return;
	skt_buf_text(line, skt_coverage_blind(coverage) ? ", but not of" : "between looks each socket of");
	doubts_put_kinds(heard, line);
	skt_buf_text(line, skt_coverage_blind(coverage)
				   ? ": each socket of those that was closed was told of"
				   : " that was closed was told of: only what never came into a table may be missing");
}

static bool is_too_blind(const struct query *query, const struct skt_coverage *coverage)
{
	return query->max_blind >= 0 && skt_coverage_blind(coverage) > query->max_blind;
}

bool query_tell_slice(const struct query *query, const struct skt_file *file, const char *before)
{
	struct skt_buf line;
	bool small;

	skt_buf_init(&line);
	skt_buf_text(&line, before);
	small = query_lacks(query, file, &line);
	if (small)
		say(file, &line);
	skt_buf_release(&line);
	return small;
}

void query_put_why(const struct query *query, struct skt_buf *line)
{
	static const struct {
		unsigned need;
		const char *why;
	} whys[] = {
		{ SKT_NEEDS_OWNERS, "not all who held them could be seen" },
		{ SKT_NEEDS_EVENTS, "what only their end tells was not told" },
		{ SKT_NEEDS_FLOW, "not all of their life was seen" },
	};
	unsigned needs = query->filter ? skt_filter_needs(query->filter) : 0;
	const char *before = ": ";

	for (size_t i = 0; i < sizeof(whys) / sizeof(*whys); i++) {
		if (!(needs & whys[i].need))
			continue;
		skt_buf_printf(line, "%s%s", before, whys[i].why);
		before = ", or ";
	}
	if (!(needs & (SKT_NEEDS_OWNERS | SKT_NEEDS_EVENTS | SKT_NEEDS_FLOW)))
		skt_buf_text(line, ": not all that is asked of them was recorded");
}

/* Why "none" is not "never". */
static bool tell_doubts(const struct query *query, const struct skt_file *file, const struct walk *walk,
			const struct answer *answer)
{
	const struct skt_coverage *coverage = &walk->coverage;
	const struct asked asked = { query->filter, query_kinds(query), walk_tables(walk), query->listening };
	bool doubt = doubts_tell(file, &asked, coverage, query->render.zone);
	struct skt_buf line;

	skt_buf_init(&line);
	if (answer->unknown) {
		doubt = true;
		skt_buf_printf(&line, "cannot say: whether %llu socket%s match%s is not known, first at ",
			       (unsigned long long)answer->unknown, answer->unknown == 1 ? "" : "s",
			       answer->unknown == 1 ? "es" : "");
		skt_time_format(&line, answer->unknown_first, query->render.zone);
		skt_buf_text(&line, ", last at ");
		skt_time_format(&line, answer->unknown_last, query->render.zone);
		query_put_why(query, &line);
		say(file, &line);
	}
	if (is_too_blind(query, coverage)) {
		doubt = true;
		skt_buf_text(&line, "cannot say: the longest interval between two looks is over --max-blind=");
		skt_duration_format(&line, query->max_blind);
		say(file, &line);
	}
	/* wherever it is: of an instant, or beside the stretch, no hole says so */
	if (!doubt && (walk->lost || query_is_damaged(query, file))) {
		doubt = true;
		skt_buf_text(&line, "cannot say: the recording is damaged");
		say(file, &line);
	}
	skt_buf_release(&line);
	return doubt;
}

static void put_nothing(const struct query *query, struct skt_buf *line)
{
	skt_buf_text(line, query->view == VIEW_CHANGES ? "no change matches in " : "nothing matches in ");
}

static void tell_nothing(const struct query *query, const struct skt_file *file, const struct walk *walk)
{
	const struct skt_coverage *coverage = &walk->coverage;
	struct skt_buf line;

	skt_buf_init(&line);
	put_nothing(query, &line);
	query_put_count(VIEW_SNAPSHOTS, coverage->snapshots, &line);
	if (coverage->snapshots) {
		stretch_put(&line, coverage->first, coverage->last, query->render.zone);
		skt_buf_text(&line, "; ");
		put_blind(query, coverage, &line);
	}
	say(file, &line);
	if (coverage->missed) {
		skt_buf_printf(&line, "%llu ticks were missed", (unsigned long long)coverage->missed);
		say(file, &line);
	}
	if (coverage->netns_denied) {
		skt_buf_printf(&line, "up to %u processes may live in network namespaces that were not looked at",
			       coverage->netns_denied);
		say(file, &line);
	}
	skt_buf_release(&line);
}

/* What is said beside the longest interval of all, or instead of it. */
static void put_beside(const struct tally_none *none, struct skt_buf *line)
{
	uint32_t heard = none->heard_kinds & ~none->blind_kinds & ~none->deaf_kinds;

	if (heard) {
		skt_buf_text(line, "; between looks each socket of");
		doubts_put_kinds(heard, line);
		skt_buf_text(line, " that was closed was told of");
	}
	if (none->unrepeated)
		skt_buf_printf(line, "; of %llu what was there before or after is not known",
			       (unsigned long long)none->unrepeated);
	if (none->missed)
		skt_buf_printf(line, "; %llu ticks were missed", (unsigned long long)none->missed);
	if (none->denied)
		skt_buf_printf(line, "; in %llu processes may live in network namespaces that were not looked at",
			       (unsigned long long)none->denied);
}

void query_tell_nothing(const struct query *query)
{
	const struct tally_none *none = &query->tally.none;
	struct skt_buf line;

	if (!none->recordings)
		return;
	skt_buf_init(&line);
	put_nothing(query, &line);
	skt_buf_printf(&line, "%llu recording%s, ", (unsigned long long)none->recordings,
		       none->recordings == 1 ? "" : "s");
	query_put_count(VIEW_SNAPSHOTS, none->snapshots, &line);
	if (none->blind_until > none->blind_after) {
		skt_buf_text(&line, "; the longest interval between two looks is ");
		skt_duration_format(&line, none->blind_until - none->blind_after);
		stretch_put(&line, none->blind_after, none->blind_until, query->render.zone);
		skt_buf_printf(&line, " in %s: what was there only within one may be missing", none->name);
	}
	put_beside(none, &line);
	skt_buf_byte(&line, '\0');
	cli_say("%s", line.failed ? "out of memory" : (char *)line.data);
	if (none->unchanged)
		cli_say("in %llu of them %llu socket%s, and did not change", (unsigned long long)none->with_unchanged,
			(unsigned long long)none->unchanged, none->unchanged == 1 ? " matches" : "s match");
	skt_buf_release(&line);
}

/* Of sockets that may belong to those that are shown. */
void query_tell_unknown(const struct query *query, const struct skt_file *file, uint64_t unknown)
{
	struct skt_buf line;

	if (!unknown)
		return;
	skt_buf_init(&line);
	skt_buf_printf(&line, "of %llu socket%s it is not known whether %s", (unsigned long long)unknown,
		       unknown == 1 ? "" : "s", unknown == 1 ? "it matches" : "they match");
	query_put_why(query, &line);
	say(file, &line);
	skt_buf_release(&line);
}

void query_tell_outside(const struct query *query, const struct skt_file *file, const struct walk *walk)
{
	const struct skt_coverage *coverage = &walk->coverage;
	struct skt_buf line;

	/* of many recordings most are of another time than what is asked about */
	if (query->several)
		return;
	skt_buf_init(&line);
	for (size_t i = 0; i < coverage->n_holes; i++) {
		if (coverage->holes[i].kind != SKT_HOLE_OUTSIDE)
			continue;
		stretch_put_outside(&line, coverage->holes[i].after, coverage->holes[i].until, query->render.zone);
		say(file, &line);
	}
	skt_buf_release(&line);
}

void query_tell_coverage(struct query *query, const struct skt_file *file, const struct walk *walk,
			 const struct answer *answer)
{
	const struct skt_coverage *coverage = &walk->coverage;
	enum verdict verdict = VERDICT_YES;

	query->matched += answer->matched;
	/* what was found stands; that it is all does not */
	query->trouble |= walk->lost;
	if (answer->matched) {
		query_tell_unknown(query, file, answer->unknown);
		query_tell_outside(query, file, walk);
		query_tell_slice(query, file, "");
	} else {
		bool doubt;

		/* of many recordings all that have nothing are told together */
		if (query->several)
			tally_add_none(&query->tally.none, coverage, skt_file_name(file));
		else
			tell_nothing(query, file, walk);
		doubt = tell_doubts(query, file, walk, answer);
		query->unsure |= doubt;
		verdict = doubt ? VERDICT_CANNOT_SAY : VERDICT_NO;
	}
	tally_add(&query->tally, verdict, coverage->snapshots, coverage->first, coverage->last);
	if (query->coverage)
		coverage_json(query, file, walk, answer, verdict_name(verdict));
}

int query_walked(struct query *query, const struct skt_file *file, const struct walk *walk, const struct answer *answer,
		 struct skt_err *err)
{
	int rc = merge_note_walk(query, walk, answer->matched, err);

	if (!rc)
		query_tell_coverage(query, file, walk, answer);
	return rc;
}
