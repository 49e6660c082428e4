/* SPDX-License-Identifier: MIT */
#include "info_totals.h"

#include "cli.h"
#include "info_lines.h"
#include "recording.h"

#include <skt/tree.h>

#include <errno.h>

/*
 * The wall clock was set: it moved against boot time by more than it can be steered between two snapshots (500 ppm,
 * adjtimex(2)).
 */
#define CLOCK_STEP_NS (10 * SKT_NS_PER_MS)

static void add_clock(struct totals *totals, const struct skt_snapshot *now)
{
	int64_t offset = now->time - now->boottime;
	int64_t moved = offset - totals->offset;

	if (totals->snapshots > 1 && (moved > CLOCK_STEP_NS || moved < -CLOCK_STEP_NS))
		totals->clock_steps++;
	totals->offset = offset;
}

/* How long the tables were as text; of one snapshot in many, for to write all again would take long. */
#define SAMPLE 64

static void add_text(struct totals *totals, const struct skt_snapshot *now, bool big_endian)
{
	struct skt_buf text;

	skt_buf_init(&text);
	for (size_t i = 0; i < now->n_tables; i++) {
		skt_buf_clear(&text);
		skt_table_text(now, &now->tables[i], big_endian, &text);
		totals->sampled_text += text.len;
		totals->sampled += now->tables[i].n_rows;
	}
	skt_buf_release(&text);
}

static void add_findings(struct totals *totals, const struct skt_snapshot *now)
{
	const struct skt_quality *quality = &now->quality;

	totals->findings += quality->n_findings != 0;
	totals->more_found |= quality->more_findings != 0;
	for (uint32_t i = 0; i < quality->n_findings; i++) {
		size_t at = 0;

		while (at < totals->n_found && !skt_finding_equal(&totals->found[at], &quality->findings[i]))
			at++;
		if (at < totals->n_found)
			continue;
		if (at == FOUND_MAX) {
			totals->more_found = true;
			continue;
		}
		totals->found[at] = quality->findings[i];
		totals->found_at[at] = now->time;
		totals->n_found++;
	}
}

void totals_finding_lines(const struct totals *totals, enum skt_zone zone, struct skt_buf *out)
{
	number_line(out, "with findings", totals->findings);
	for (size_t i = 0; i < totals->n_found; i++) {
		skt_buf_text(out, "  ");
		skt_time_format(out, totals->found_at[i], zone);
		skt_buf_text(out, "  ");
		skt_finding_text(&totals->found[i], out);
		skt_buf_byte(out, '\n');
	}
	if (totals->more_found)
		skt_buf_text(out, "  and more than are listed here\n");
}

static void add_events(struct totals *totals, const struct skt_step *step, const struct skt_snapshot *now)
{
	const struct skt_quality *quality = &now->quality;

	totals->events += step->n_events;
	totals->heard += quality->events_tables != 0;
	totals->deaf += quality->events_tables && quality->events_deaf;
	totals->lost += quality->events_lost_until != 0;
	totals->lost_ns += quality->events_lost_until - quality->events_lost_since;
	for (size_t i = 0; i < step->n_processes; i++)
		totals->lived += skt_change_is_lived(now, &step->processes[i]);
	totals->lived_heard += quality->lived_told;
	totals->lived_lost += quality->lived_lost;
	totals->lived_more += quality->lived_more;
}

static void event_lines(const struct totals *totals, struct skt_buf *out)
{
	number_line(out, "events", totals->events);
	if (totals->heard < totals->snapshots)
		number_line(out, "  nobody listened", totals->snapshots - totals->heard);
	if (totals->deaf)
		number_line(out, "  not in all namespaces", totals->deaf);
	if (!totals->lost)
		return;
	skt_buf_printf(out, "%-24s %llu, within ", "  some were lost", (unsigned long long)totals->lost);
	skt_duration_format(out, totals->lost_ns / SKT_NS_PER_MS * SKT_NS_PER_MS);
	skt_buf_byte(out, '\n');
}

static void lived_lines(const struct totals *totals, struct skt_buf *out)
{
	if (!totals->lived && !totals->lived_heard)
		return;
	number_line(out, "processes between", totals->lived);
	if (totals->lived_more)
		number_line(out, "  more, not recorded", totals->lived_more);
	if (totals->lived_lost)
		number_line(out, "  some were lost, at", totals->lived_lost);
}

void totals_event_lines(const struct totals *totals, struct skt_buf *out)
{
	event_lines(totals, out);
	lived_lines(totals, out);
}

static void add_snapshot(struct totals *totals, const struct skt_step *step, const struct skt_snapshot *now)
{
	totals->snapshots++;
	add_clock(totals, now);
	totals->sockets += now->live_socks;
	totals->most = now->live_socks > totals->most ? now->live_socks : totals->most;
	totals->missed += now->missed;
	totals->denied += now->quality.denied != 0;
	totals->netns_denied += now->quality.netns_denied != 0;
	totals->malformed += now->quality.malformed;
	add_findings(totals, now);
	add_events(totals, step, now);
	totals->changes += step->from == INT64_MIN ? 0 : step->n_socks;
	for (size_t i = 0; i < now->n_tables; i++) {
		totals->duplicates += now->tables[i].duplicates;
		totals->malformed += now->tables[i].malformed;
	}
}

int totals_read(const struct skt_file *file, struct totals *totals, struct skt_err *err)
{
	struct skt_cursor *cursor = NULL;
	struct skt_step *step;
	struct skt_err hole;
	int rc = skt_cursor_new(file, &cursor, err);

	while (!rc) {
		const struct skt_damage *known;
		int got;

		skt_err_init(&hole);
		got = skt_cursor_next(cursor, &step, &hole);

		if (!got)
			break;
		if (got > 0) {
			const struct skt_snapshot *now = skt_cursor_snapshot(cursor);

			add_snapshot(totals, step, now);
			if (totals->snapshots % SAMPLE == 1)
				add_text(totals, now, skt_file_header(file)->big_endian);
		}
		if (got == -ENOMEM)
			rc = skt_err_set(err, got, "out of memory");
		known = got < 0 ? recording_known(file, &hole) : NULL;
		if (got < 0 && !known)
			cli_err(&hole);
		totals->holes += got < 0 && got != -ERESTART;
		totals->gaps += known && known->gap;
	}
	skt_cursor_free(cursor);
	return rc;
}
