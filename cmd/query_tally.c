/* SPDX-License-Identifier: MIT */
#include "query_tally.h"

#include "cli.h"

#include <stdio.h>
#include <string.h>

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[VERDICTS] = { [VERDICT_YES] = "yes",
						     [VERDICT_NO] = "no",
						     [VERDICT_CANNOT_SAY] = "cannot say",
						     [VERDICT_UNREAD] = "could not be read" };

	return names[verdict];
}

static void add_span(struct tally *tally, uint64_t snapshots, int64_t first, int64_t last)
{
	if (!snapshots)
		return;
	if (!tally->snapshots || first < tally->first)
		tally->first = first;
	if (!tally->snapshots || last > tally->last)
		tally->last = last;
	tally->snapshots += snapshots;
}

void tally_add(struct tally *tally, enum verdict verdict, uint64_t snapshots, int64_t first, int64_t last)
{
	tally->recordings[verdict]++;
	add_span(tally, snapshots, first, last);
}

void tally_add_none(struct tally_none *none, const struct skt_coverage *coverage, const char *name)
{
	int64_t blind = skt_coverage_blind(coverage);
	bool unrepeated = !blind && !coverage->heard_kinds;

	none->recordings++;
	none->snapshots += coverage->snapshots;
	none->unrepeated += unrepeated;
	none->denied += coverage->netns_denied > 0;
	none->missed += coverage->missed;
	none->blind_kinds |= coverage->blind_kinds;
	none->heard_kinds |= coverage->heard_kinds;
	none->deaf_kinds |= unrepeated ? 0 : ~coverage->heard_kinds;
	if (blind <= none->blind_until - none->blind_after)
		return;
	none->blind_after = coverage->blind_after;
	none->blind_until = coverage->blind_until;
	snprintf(none->name, sizeof(none->name), "%s", name);
}

static void join_none(struct tally_none *none, const struct tally_none *more)
{
	none->recordings += more->recordings;
	none->snapshots += more->snapshots;
	none->unrepeated += more->unrepeated;
	none->denied += more->denied;
	none->missed += more->missed;
	none->blind_kinds |= more->blind_kinds;
	none->heard_kinds |= more->heard_kinds;
	none->deaf_kinds |= more->deaf_kinds;
	none->unchanged += more->unchanged;
	none->with_unchanged += more->with_unchanged;
	if (more->blind_until - more->blind_after <= none->blind_until - none->blind_after)
		return;
	none->blind_after = more->blind_after;
	none->blind_until = more->blind_until;
	memcpy(none->name, more->name, sizeof(none->name));
}

void tally_join(struct tally *tally, const struct tally *more)
{
	for (int i = 0; i < VERDICTS; i++)
		tally->recordings[i] += more->recordings[i];
	add_span(tally, more->snapshots, more->first, more->last);
	join_none(&tally->none, &more->none);
}

uint64_t tally_count(const struct tally *tally)
{
	uint64_t n = 0;

	for (int i = 0; i < VERDICTS; i++)
		n += tally->recordings[i];
	return n;
}

void tally_tell(const struct tally *tally, enum skt_zone zone)
{
	const char *before = ": ";
	struct skt_buf line;

	skt_buf_init(&line);
	skt_buf_printf(&line, "%llu recordings, %llu snapshot%s", (unsigned long long)tally_count(tally),
		       (unsigned long long)tally->snapshots, tally->snapshots == 1 ? "" : "s");
	if (tally->snapshots) {
		skt_buf_text(&line, " from ");
		skt_time_format(&line, tally->first, zone);
		skt_buf_text(&line, " to ");
		skt_time_format(&line, tally->last, zone);
	}
	for (int i = 0; i < VERDICTS; i++) {
		if (!tally->recordings[i])
			continue;
		skt_buf_printf(&line, "%s%llu %s", before, (unsigned long long)tally->recordings[i],
			       verdict_name((enum verdict)i));
		before = ", ";
	}
	skt_buf_byte(&line, '\0');
	cli_say("%s", line.failed ? "out of memory" : (char *)line.data);
	skt_buf_release(&line);
}
