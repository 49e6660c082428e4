/* SPDX-License-Identifier: MIT */
#include "query/count.h"

#include "base/array.h"
#include "query/tuple.h"

#include <errno.h>
#include <stdlib.h>

/* What comes out. */

static int compare_groups(const struct skt_counts *counts, uint32_t a, uint32_t b)
{
	const char *x = skt_strtab_get(counts->tuples, a, NULL), *y = skt_strtab_get(counts->tuples, b, NULL);

	return tuple_compare((const unsigned char *)x, (const unsigned char *)y, counts->options.by.n, NULL);
}

static int compare_rows(const void *va, const void *vb)
{
	const struct count_row *a = va, *b = vb;
	uint64_t x = counts_weight(a->counts, a->count), y = counts_weight(b->counts, b->count);

	if (a->stretch != b->stretch)
		return a->stretch < b->stretch ? -1 : 1;
	if (x != y)
		return x > y ? -1 : 1;
	return compare_groups(a->counts, a->group, b->group);
}

static int compare_turns(const void *va, const void *vb)
{
	const struct turn *a = va, *b = vb;

	if (a->stretch != b->stretch)
		return a->stretch < b->stretch ? -1 : 1;
	return (a->group > b->group) - (a->group < b->group);
}

static int add_row(struct skt_counts *counts, uint32_t group, int64_t stretch, const uint64_t count[2],
		   struct skt_err *err)
{
	struct count_row row = {
		.counts = counts, .stretch = stretch, .group = group, .count = { count[0], count[1] }
	};

	if (counts->n_rows >= SKT_COUNTS_MAX)
		return skt_err_set(err, -E2BIG, "more than %u counts: ask for longer stretches of time or fewer groups",
				   SKT_COUNTS_MAX);
	if (array_room(&counts->rows, &counts->room_rows, counts->n_rows + 1, sizeof(row)))
		return skt_err_set(err, -ENOMEM, "out of memory");
	counts->rows[counts->n_rows++] = row;
	return 0;
}

/* All groups, with all that was counted. */
static int rank(struct skt_counts *counts, size_t top, struct skt_err *err)
{
	int rc = 0;

	for (uint32_t id = 1; id < counts->n_groups && !rc; id++)
		rc = add_row(counts, id, 0, counts->groups[id].count, err);
	if (rc)
		return rc;
	if (counts->n_rows)
		qsort(counts->rows, counts->n_rows, sizeof(*counts->rows), compare_rows);
	if (top && counts->n_rows > top)
		counts->n_rows = top;
	for (size_t i = 0; i < counts->n_rows; i++)
		counts->groups[counts->rows[i].group].is_top = true;
	return 0;
}

/* The groups that have something at this stretch become rows of it; the others are no longer looked at. */
static int take_stretch(struct skt_counts *counts, int64_t stretch, uint32_t *there, size_t *n, struct skt_err *err)
{
	size_t left = 0, first = counts->n_rows;
	int rc = 0;

	for (size_t i = 0; i < *n && !rc; i++) {
		struct group *group = &counts->groups[there[i]];

		if (!group->count[0]) {
			group->serial[0] = 0;
			continue;
		}
		there[left++] = there[i];
		rc = add_row(counts, there[i], stretch, group->count, err);
	}
	*n = left;
	if (!rc && counts->n_rows > first)
		qsort(counts->rows + first, counts->n_rows - first, sizeof(*counts->rows), compare_rows);
	return rc;
}

/* From here on groups count what is there, and serial[0] is whether they are among those that are. */
static int sweep(struct skt_counts *counts, struct skt_err *err)
{
	uint32_t *there = malloc((counts->n_groups + 1) * sizeof(*there));
	size_t n = 0;
	int rc = 0;

	if (!there)
		return skt_err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < counts->n_groups; i++) {
		counts->groups[i].count[0] = 0;
		counts->groups[i].serial[0] = 0;
	}
	counts->n_rows = 0;
	if (counts->n_turns)
		qsort(counts->turns, counts->n_turns, sizeof(*counts->turns), compare_turns);
	for (size_t t = 0; t < counts->n_turns && !rc;) {
		int64_t stretch = counts->turns[t].stretch;

		for (; t < counts->n_turns && counts->turns[t].stretch == stretch; t++) {
			struct group *group = &counts->groups[counts->turns[t].group];

			if (!group->is_top)
				continue;
			group->count[0] += (uint64_t)(int64_t)counts->turns[t].by;
			if (!group->serial[0])
				there[n++] = counts->turns[t].group;
			group->serial[0] = 1;
		}
		/* nothing turns until the next one; where nobody is there, that is no row */
		do
			rc = take_stretch(counts, stretch++, there, &n, err);
		while (!rc && n && t < counts->n_turns && stretch < counts->turns[t].stretch);
	}
	free(there);
	return rc;
}

int skt_counts_end(struct skt_counts *counts, size_t top, struct skt_err *err)
{
	int rc = rank(counts, top, err);

	if (!rc && counts->options.every)
		rc = sweep(counts, err);
	for (size_t i = 0; i < counts->n_rows; i++) {
		uint64_t number = counts_weight(counts, counts->rows[i].count);

		counts->most = number > counts->most ? number : counts->most;
	}
	return rc;
}
