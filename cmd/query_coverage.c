/* SPDX-License-Identifier: MIT */
#include "query.h"

#include "cli.h"
#include "slice_facts.h"

#include <skt/escape.h>

#include <errno.h>
#include <string.h>

/*
 * What was looked at. "There is none" is an answer only where something was looked at, nothing was in the way, and what may
 * have been missed between two looks is said.
 */

const char *query_view_name(enum query_view view)
{
	static const char *const names[VIEWS] = { [VIEW_SOCKETS] = "sockets",
						  [VIEW_FLOWS] = "flows",
						  [VIEW_CHANGES] = "changes",
						  [VIEW_PROCESSES] = "processes",
						  [VIEW_SNAPSHOTS] = "snapshots" };

	return view < VIEWS ? names[view] : "";
}

uint32_t query_kinds(const struct query *query)
{
	return query->kinds & (query->filter ? skt_filter_kinds(query->filter) : UINT32_MAX);
}

int query_walk(struct query *query, const struct skt_file *file, const char *instant, struct walk *walk,
	       struct skt_err *err)
{
	const struct skt_header *header = skt_file_header(file);
	const char *host = skt_header_fact(header, "host.name");
	const struct walk_range range = { .instant = instant,
					  .from = query->from,
					  .to = query->to,
					  .zone = query->render.zone,
					  .now = query->now,
					  .follow = query->follow };

	query->render.host = host ? host : "";
	query->render.boot_time = header->boot_time;
	return walk_begin(walk, file, &range, query_kinds(query), err);
}

/* One or several of what the view shows. */
static void put_count(enum query_view view, uint64_t n, struct skt_buf *line)
{
	const char *name = query_view_name(view);
	size_t len = strlen(name);

	if (n == 1)
		len -= view == VIEW_PROCESSES ? 2 : 1;
	skt_buf_printf(line, "%llu %.*s", (unsigned long long)n, (int)len, name);
}

/* As it was asked for, where it was; else what there is. */
static void put_stretch(const struct query *query, const struct skt_file *file, const struct walk *walk,
			struct skt_buf *line)
{
	struct skt_span span = skt_file_span(file);
	const struct skt_coverage *coverage = &walk->coverage;
	int64_t first = coverage->snapshots ? coverage->first : span.first;
	int64_t last = coverage->snapshots ? coverage->last : span.last;

	if (!span.snapshots) {
		skt_buf_text(line, "of nothing");
		return;
	}
	if (walk->instant) {
		skt_time_format(line, first, query->render.zone);
		return;
	}
	skt_buf_text(line, "from ");
	skt_time_format(line, walk->from != INT64_MIN ? walk->from : first, query->render.zone);
	if (query->follow && walk->to == INT64_MAX) {
		skt_buf_text(line, " on");
		return;
	}
	skt_buf_text(line, " to ");
	skt_time_format(line, walk->to != INT64_MAX ? walk->to : last, query->render.zone);
}

void query_tell_stretch(struct query *query, const struct skt_file *file, enum query_view view, const struct walk *walk,
			const struct answer *counted)
{
	struct skt_buf line;

	skt_buf_init(&line);
	if (query->several)
		skt_buf_printf(&line, "%s: ", skt_file_name(file));
	skt_buf_printf(&line, "%s%s%s ", query->render.host, query->render.host[0] ? " " : "", query_view_name(view));
	put_stretch(query, file, walk, &line);
	if (counted && view != VIEW_SNAPSHOTS) {
		skt_buf_text(&line, ", ");
		put_count(VIEW_SNAPSHOTS, walk->coverage.snapshots, &line);
	}
	if (counted) {
		skt_buf_text(&line, ", ");
		put_count(view, counted->matched, &line);
	}
	skt_buf_byte(&line, '\0');
	if (line.failed)
		query->trouble = true;
	else if (query->render.format == SKT_FORMAT_TABLE && query->render.heading && !query->coverage)
		cli_line(&query->out, (char *)line.data);
	else
		cli_say("%s%s%s", query->several ? "" : skt_file_name(file), query->several ? "" : ": ",
			(char *)line.data);
	skt_buf_release(&line);
}

/* ---- for people ---- */

static void put_interval(const struct query *query, int64_t after, int64_t until, struct skt_buf *line)
{
	if (after != INT64_MIN) {
		skt_buf_text(line, " from ");
		skt_time_format(line, after, query->render.zone);
	}
	if (until != INT64_MAX) {
		skt_buf_text(line, after != INT64_MIN ? " to " : " up to ");
		skt_time_format(line, until, query->render.zone);
	} else {
		skt_buf_text(line, " on");
	}
}

static void say(const struct skt_file *file, struct skt_buf *line)
{
	skt_buf_byte(line, '\0');
	cli_say("%s: %s", skt_file_name(file), line->failed ? "out of memory" : (char *)line->data);
	skt_buf_clear(line);
}

static void put_hole(const struct query *query, const struct skt_hole *hole, struct skt_buf *line)
{
	switch (hole->kind) {
	case SKT_HOLE_LOST:
		skt_buf_text(line, "snapshots are lost");
		break;
	case SKT_HOLE_TABLE:
	case SKT_HOLE_UNREAD:
		skt_buf_printf(line, "table %s", skt_table_kind_name(hole->table));
		if (hole->net_namespace)
			skt_buf_printf(line, " of network namespace %llu", (unsigned long long)hole->net_namespace);
		if (hole->kind == SKT_HOLE_UNREAD)
			skt_buf_text(line, " was never read");
		else
			skt_buf_printf(line, " could not be read (%s)",
				       hole->error == -EBADMSG ? "it is not such a table as a kernel writes"
							       : strerror(-hole->error));
		break;
	default:
		skt_buf_text(line, "nothing was recorded");
	}
	put_interval(query, hole->after, hole->until, line);
}

/* The longest interval that nothing is known of. */
static void put_blind(const struct query *query, const struct skt_coverage *coverage, struct skt_buf *line)
{
	if (!skt_coverage_blind(coverage)) {
		skt_buf_text(line, "what was there before or after is not known");
		return;
	}
	skt_buf_text(line, "the longest interval between two looks is ");
	skt_duration_format(line, skt_coverage_blind(coverage));
	put_interval(query, coverage->blind_after, coverage->blind_until, line);
	skt_buf_text(line, ": what was there only within one may be missing");
}

static bool is_too_blind(const struct query *query, const struct skt_coverage *coverage)
{
	return query->max_blind >= 0 && skt_coverage_blind(coverage) > query->max_blind;
}

/* Which sockets a slice holds, in words, where others are asked about. */
static bool lacks(const struct query *query, const struct skt_file *file, struct skt_buf *ret)
{
	return slice_is_too_small(skt_file_header(file), query->filter, query_kinds(query), query->listening, ret);
}

bool query_tell_slice(const struct query *query, const struct skt_file *file, const char *before)
{
	struct skt_buf line;
	bool small;

	skt_buf_init(&line);
	skt_buf_text(&line, before);
	small = lacks(query, file, &line);
	if (small)
		say(file, &line);
	skt_buf_release(&line);
	return small;
}

/* Why "none" is not "never". */
static bool tell_doubts(const struct query *query, const struct skt_file *file, const struct walk *walk,
			const struct answer *answer)
{
	const struct skt_coverage *coverage = &walk->coverage;
	bool doubt = false;
	struct skt_buf line;

	skt_buf_init(&line);
	if (!coverage->snapshots) {
		doubt = true;
		skt_buf_text(&line, "cannot say: no snapshot was looked at");
		say(file, &line);
	}
	/* an expression that no table's rows can meet needs none */
	if (query_kinds(query) && !(query_kinds(query) & skt_file_header(file)->tables)) {
		doubt = true;
		skt_buf_text(&line, "cannot say: the tables asked for were not recorded");
		say(file, &line);
	}
	if (query_tell_slice(query, file, "cannot say: "))
		doubt = true;
	if (answer->unknown) {
		doubt = true;
		skt_buf_printf(&line, "cannot say: whether %llu socket%s match%s is not known, first at ",
			       (unsigned long long)answer->unknown, answer->unknown == 1 ? "" : "s",
			       answer->unknown == 1 ? "es" : "");
		skt_time_format(&line, answer->unknown_first, query->render.zone);
		skt_buf_text(&line, ", last at ");
		skt_time_format(&line, answer->unknown_last, query->render.zone);
		say(file, &line);
	}
	for (size_t i = 0; i < coverage->n_holes; i++) {
		doubt = true;
		skt_buf_text(&line, "cannot say: ");
		put_hole(query, &coverage->holes[i], &line);
		say(file, &line);
	}
	if (coverage->more_holes) {
		skt_buf_printf(&line, "cannot say: %llu more such holes", (unsigned long long)coverage->more_holes);
		say(file, &line);
	}
	if (is_too_blind(query, coverage)) {
		doubt = true;
		skt_buf_text(&line, "cannot say: the longest interval between two looks is over --max-blind=");
		skt_duration_format(&line, query->max_blind);
		say(file, &line);
	}
	skt_buf_release(&line);
	return doubt;
}

static void tell_nothing(const struct query *query, const struct skt_file *file, const struct walk *walk)
{
	const struct skt_coverage *coverage = &walk->coverage;
	struct skt_buf line;

	skt_buf_init(&line);
	skt_buf_text(&line, "nothing matches in ");
	put_count(VIEW_SNAPSHOTS, coverage->snapshots, &line);
	if (coverage->snapshots) {
		put_interval(query, coverage->first, coverage->last, &line);
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

/* ---- for programs ---- */

static void put_name(struct skt_buf *out, const char *name)
{
	skt_buf_printf(out, ",\"%s\":", name);
}

static void put_text(struct skt_buf *out, const char *name, const char *text)
{
	put_name(out, name);
	skt_buf_byte(out, '"');
	skt_escape_json(out, text, strlen(text));
	skt_buf_byte(out, '"');
}

static void put_number(struct skt_buf *out, const char *name, uint64_t number)
{
	put_name(out, name);
	skt_buf_number(out, number);
}

static void put_time(struct skt_buf *out, const char *name, int64_t when, enum skt_zone zone, bool known)
{
	put_name(out, name);
	if (!known) {
		skt_buf_text(out, "null");
		return;
	}
	skt_buf_byte(out, '"');
	skt_time_format(out, when, zone);
	skt_buf_byte(out, '"');
}

static void json_hole(const struct skt_hole *hole, enum skt_zone zone, struct skt_buf *out)
{
	static const char *const names[] = { [SKT_HOLE_LOST] = "lost",
					     [SKT_HOLE_TABLE] = "table",
					     [SKT_HOLE_UNREAD] = "unread",
					     [SKT_HOLE_OUTSIDE] = "outside" };
	bool table = hole->kind == SKT_HOLE_TABLE || hole->kind == SKT_HOLE_UNREAD;

	skt_buf_printf(out, "{\"hole\":\"%s\"", names[hole->kind]);
	if (table)
		put_text(out, "table", skt_table_kind_name(hole->table));
	else
		skt_buf_text(out, ",\"table\":null");
	if (table && hole->net_namespace)
		put_number(out, "net_namespace", hole->net_namespace);
	else
		skt_buf_text(out, ",\"net_namespace\":null");
	if (hole->error)
		put_text(out, "error", strerror(-hole->error));
	else
		skt_buf_text(out, ",\"error\":null");
	put_time(out, "time_after", hole->after, zone, hole->after != INT64_MIN);
	put_time(out, "time_until", hole->until, zone, hole->until != INT64_MAX);
	skt_buf_byte(out, '}');
}

/* What a slice left out, all the time. */
static void json_slice(const struct query *query, const struct skt_file *file, bool first, struct skt_buf *out)
{
	struct skt_buf which;

	skt_buf_init(&which);
	if (lacks(query, file, &which))
		skt_buf_printf(out,
			       "%s{\"hole\":\"slice\",\"table\":null,\"net_namespace\":null,\"error\":null,"
			       "\"time_after\":null,\"time_until\":null}",
			       first ? "" : ",");
	skt_buf_release(&which);
}

static void json_coverage(struct query *query, const struct skt_file *file, const struct walk *walk,
			  const struct answer *answer, const char *verdict)
{
	const struct skt_coverage *coverage = &walk->coverage;
	enum skt_zone zone = query->render.zone;
	struct skt_buf *out = &query->out;
	bool blind = skt_coverage_blind(coverage) != 0;

	skt_buf_printf(out, "{\"answer\":\"%s\"", verdict);
	put_text(out, "file", skt_file_name(file));
	if (query->render.host[0])
		put_text(out, "host", query->render.host);
	else
		skt_buf_text(out, ",\"host\":null");
	put_text(out, "view", query_view_name(query->view));
	put_time(out, "time_from", walk->from, zone, walk->from != INT64_MIN);
	put_time(out, "time_to", walk->to, zone, walk->to != INT64_MAX);
	put_number(out, "matched", answer->matched);
	put_number(out, "unknown", answer->unknown);
	put_time(out, "unknown_first", answer->unknown_first, zone, answer->unknown != 0);
	put_time(out, "unknown_last", answer->unknown_last, zone, answer->unknown != 0);
	put_number(out, "snapshots", coverage->snapshots);
	put_time(out, "time_first", coverage->first, zone, coverage->snapshots != 0);
	put_time(out, "time_last", coverage->last, zone, coverage->snapshots != 0);
	put_number(out, "blind_ns", (uint64_t)skt_coverage_blind(coverage));
	put_time(out, "blind_after", coverage->blind_after, zone, blind);
	put_time(out, "blind_until", coverage->blind_until, zone, blind);
	put_number(out, "missed", coverage->missed);
	put_number(out, "denied", coverage->denied);
	put_number(out, "netns_denied", coverage->netns_denied);
	put_name(out, "holes");
	skt_buf_byte(out, '[');
	for (size_t i = 0; i < coverage->n_holes; i++) {
		if (i)
			skt_buf_byte(out, ',');
		json_hole(&coverage->holes[i], zone, out);
	}
	json_slice(query, file, !coverage->n_holes, out);
	skt_buf_byte(out, ']');
	put_number(out, "more_holes", coverage->more_holes);
	skt_buf_text(out, "}\n");
	cli_write(out);
}

/* Of sockets that may belong to those that are shown. */
static void tell_more(const struct skt_file *file, const struct answer *answer)
{
	if (answer->unknown)
		cli_say("%s: of %llu socket%s it is not known whether %s", skt_file_name(file),
			(unsigned long long)answer->unknown, answer->unknown == 1 ? "" : "s",
			answer->unknown == 1 ? "it matches" : "they match");
}

void query_tell_coverage(struct query *query, const struct skt_file *file, const struct walk *walk,
			 const struct answer *answer)
{
	const char *verdict = "yes";

	query->matched += answer->matched;
	if (answer->matched) {
		tell_more(file, answer);
		query_tell_slice(query, file, "");
	} else {
		bool doubt;

		tell_nothing(query, file, walk);
		doubt = tell_doubts(query, file, walk, answer);
		query->unsure |= doubt;
		verdict = doubt ? "cannot say" : "no";
	}
	if (query->coverage)
		json_coverage(query, file, walk, answer, verdict);
}
