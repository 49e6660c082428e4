/* SPDX-License-Identifier: MIT */
#include "diffing.h"

#include "cli.h"

#include <errno.h>
#include <stdlib.h>

uint64_t diffing_seed(void)
{
	uint64_t seed;

	cli_random(&seed, sizeof(seed));
	return seed;
}

static int no_memory(struct skt_err *err)
{
	return skt_err_set(err, -ENOMEM, "out of memory");
}

/* After a hole there is no snapshot until the next one is read. */
static bool has_reached(const struct skt_cursor *cursor, uint64_t number)
{
	const struct skt_snapshot *snapshot = skt_cursor_snapshot(cursor);

	return snapshot && snapshot->number >= number;
}

/*
 * What opened and closed from the earlier instant to the later one. A hole speaks against it; what is behind it is read
 * all the same.
 */
static int find_between(struct diffing *diffing, struct skt_err *err)
{
	const struct skt_snapshot *a = diffing->before.snapshot, *b = diffing->after.snapshot;
	struct skt_time time = { .kind = SKT_TIME_NUMBER, .number = a->number < b->number ? a->number : b->number };
	uint64_t end = a->number < b->number ? b->number : a->number;
	struct skt_cursor *cursor = NULL;
	struct skt_step *step;
	int64_t when;
	int rc = skt_cursor_new(diffing->before.file, &cursor, err);

	diffing->passing = skt_between_new(diffing_seed());
	if (!diffing->passing)
		rc = no_memory(err);
	if (!rc)
		rc = skt_cursor_seek(cursor, &time, diffing->render.zone, &when, err);
	while (!rc && !has_reached(cursor, end)) {
		rc = skt_cursor_next(cursor, &step, err);
		if (rc < 0 && rc != -ENOMEM) {
			comparable_hole(&diffing->comparison, err);
			skt_err_init(err);
			rc = 0;
			continue;
		}
		if (rc <= 0)
			break;
		rc = skt_between_step(diffing->passing, skt_cursor_snapshot(cursor), step);
		if (rc)
			skt_err_set(err, rc, "%s",
				    rc == -E2BIG ? "too much came and went in between" : "out of memory");
	}
	if (!rc && !has_reached(cursor, end)) {
		skt_err_set(err, -ENODATA, "reading it again ended before snapshot %llu", (unsigned long long)end);
		comparable_hole(&diffing->comparison, err);
		skt_err_init(err);
	} else if (!rc) {
		rc = skt_between_end(diffing->passing, skt_cursor_snapshot(cursor), b->number == end);
		if (rc)
			no_memory(err);
	}
	skt_cursor_free(cursor);
	return rc < 0 ? rc : 0;
}

/* Whether one of its sides is meant, or may be, with what was told of it. */
static enum skt_truth test(const struct diffing *diffing, const struct skt_diff_side *side, uint32_t slot,
			   uint32_t told)
{
	struct skt_row row = { .host = side->host, .boot_time = side->boot_time, .snapshot = side->snapshot };

	if (slot == SKT_NO_SLOT)
		return SKT_FALSE;
	row.sock = &side->snapshot->socks[slot];
	if (told)
		row.event = &diffing->sides.told[told - 1].event;
	return diffing->filter ? skt_filter_test(diffing->filter, &row) : SKT_TRUE;
}

static void choose(struct diffing *diffing, const struct skt_difference *items, size_t n)
{
	const struct skt_diff_sides *sides = &diffing->sides;

	for (size_t i = 0; i < n; i++) {
		const struct skt_difference *item = &items[i];
		const struct skt_diff_side *was = item->passing ? &sides->between : &sides->before;
		const struct skt_diff_side *is = item->passing ? &sides->between : &sides->after;
		enum skt_truth before = test(diffing, was, item->before, item->told);
		enum skt_truth after = test(diffing, is, item->after, item->told);

		/* what stands in TIME_WAIT is among the others already, where that is compared */
		if (diffing->time_wait && item->passing && item->kind != SKT_DIFF_TRANSIENT)
			continue;
		if (before != SKT_TRUE && after != SKT_TRUE) {
			diffing->unknown += before == SKT_UNKNOWN || after == SKT_UNKNOWN;
			continue;
		}
		diffing->counts[skt_difference_is_quiet(item)][item->kind]++;
		diffing->shown[diffing->n_shown++] = *item;
	}
}

int diffing_choose(struct diffing *diffing, struct skt_err *err)
{
	const struct skt_difference *passing = NULL;
	size_t n_passing = 0;

	if (diffing->passing)
		passing = skt_between_found(diffing->passing, &n_passing);
	diffing->shown = malloc((diffing->diff.n + n_passing + 1) * sizeof(*diffing->shown));
	if (!diffing->shown)
		return no_memory(err);
	choose(diffing, diffing->diff.items, diffing->diff.n);
	choose(diffing, passing, n_passing);
	for (size_t i = 0; i < diffing->diff.n_same; i++)
		diffing->same += test(diffing, &diffing->sides.after, diffing->diff.same[i], 0) == SKT_TRUE;
	return 0;
}

/* Of how many sockets that are meant, or may be, it is not known whether they changed hands. */
static size_t count_unsure(const struct diffing *diffing)
{
	const struct skt_diff *diff = &diffing->diff;
	size_t n = 0;

	for (size_t i = 0; i < diff->n_unsure; i++)
		n += test(diffing, &diffing->sides.before, diff->unsure[i].before, 0) != SKT_FALSE ||
		     test(diffing, &diffing->sides.after, diff->unsure[i].after, 0) != SKT_FALSE;
	return n;
}

static struct skt_diff_side side_of(const struct instant *instant)
{
	return (struct skt_diff_side){ .snapshot = instant->snapshot,
				       .host = instant->host,
				       .boot_time = instant->boot_time };
}

int diffing_find(struct diffing *diffing, struct skt_err *err)
{
	const struct instant *before = &diffing->before, *after = &diffing->after;
	struct skt_diff_options asked = { .across = diffing->comparison.across,
					  .uneven = diffing->comparison.uneven,
					  .all = diffing->all,
					  .time_wait = diffing->time_wait,
					  .boot_time = before->boot_time >= 0 ? before->boot_time : after->boot_time,
					  .tables = diffing->comparison.tables,
					  .seed = diffing_seed() };
	int rc = skt_diff_find(before->snapshot, after->snapshot, &asked, &diffing->diff);

	if (rc)
		return no_memory(err);
	diffing->sides.before = side_of(before);
	diffing->sides.after = side_of(after);
	comparable_hands(&diffing->comparison, count_unsure(diffing));
	/* what would be refused anyhow need not be read */
	if (!diffing->between || (diffing->comparison.why.len && !diffing->force))
		return 0;
	rc = find_between(diffing, err);
	diffing->sides.between = side_of(after);
	if (diffing->passing) {
		diffing->sides.between.snapshot = skt_between_snapshot(diffing->passing);
		diffing->sides.told = skt_between_told(diffing->passing);
	}
	return rc;
}
