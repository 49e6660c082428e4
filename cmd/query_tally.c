/* SPDX-License-Identifier: MIT */
#include "query_tally.h"

#include "cli.h"

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

void tally_join(struct tally *tally, const struct tally *more)
{
	for (int i = 0; i < VERDICTS; i++)
		tally->recordings[i] += more->recordings[i];
	add_span(tally, more->snapshots, more->first, more->last);
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
