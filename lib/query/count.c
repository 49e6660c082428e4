/* SPDX-License-Identifier: MIT */
#include <skt/shape.h>

#include "base/array.h"
#include "query/tuple.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * A group is a string in a table of strings: the values that its rows have in common (tuple.h). By time, what comes in is not counted
 * in each stretch that it touches, which may be all of a day's seconds, but where it begins and behind where it ends; a sweep over
 * these turns makes the counts, and it takes as long as what it says.
 *
 *	 count  3 |        ____
 *	        2 |   ____|    |
 *	        1 |__|         |_____
 *	          +--+----+----+-----  stretches
 *	    turns   +1   +1   -2
 */

struct group {
	uint64_t count[2];
	uint64_t serial[2]; /* of the row that was counted last, on each side: no row twice */
	bool is_top;
};

struct turn {
	int64_t stretch;
	uint32_t group;
	int32_t by;
};

struct count_row {
	const struct skt_counts *counts;
	int64_t stretch;
	uint32_t group;
	uint64_t count[2];
};

struct skt_counts {
	struct skt_counts_options options;
	struct skt_field_info by[SKT_VIEW_FIELDS];
	struct skt_strtab *tuples;
	struct group *groups; /* by the tuple's number; 0 is of the table, and no group */
	size_t n_groups;
	size_t room_groups;
	struct turn *turns;
	size_t n_turns;
	size_t room_turns;
	struct count_row *rows;
	size_t n_rows;
	size_t room_rows;
	uint64_t serial;
	uint64_t most; /* the largest number that is shown, */
	unsigned bar;  /* and how long its bar is */
	struct skt_buf tuple;
};

/* ---- fields ---- */

static bool set_number(struct skt_value *ret, uint64_t number)
{
	ret->number = number;
	ret->negative = false;
	return true;
}

static bool get_by(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct count_row *count = row->subject;
	const char *tuple = skt_strtab_get(count->counts->tuples, count->group, NULL);

	return tuple_get((const unsigned char *)tuple, field->offset, ret);
}

static bool get_stretch(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct count_row *count = row->subject;

	(void)field;
	return !__builtin_mul_overflow(count->stretch, count->counts->options.every, &ret->time);
}

static bool get_count(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct count_row *count = row->subject;

	return set_number(ret, count->count[field->offset]);
}

static uint64_t difference(const uint64_t count[2])
{
	return count[0] > count[1] ? count[0] - count[1] : count[1] - count[0];
}

static bool get_difference(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct count_row *count = row->subject;

	(void)field;
	set_number(ret, difference(count->count));
	ret->negative = count->count[0] > count->count[1];
	return true;
}

static uint64_t weight(const struct skt_counts *counts, const uint64_t count[2])
{
	return counts->options.sides ? difference(count) : count[0];
}

/* What is there has a bar. */
static bool get_bar(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	static const char bars[SKT_BAR_MAX + 1] = "########################";
	const struct count_row *count = row->subject;
	const struct skt_counts *counts = count->counts;
	/* counts are of rows that were in memory: this does not overflow */
	uint64_t number = weight(counts, count->count) * counts->bar;

	(void)field;
	ret->text = bars;
	ret->len = counts->most ? (size_t)((number + counts->most - 1) / counts->most) : 0;
	return true;
}

static const struct skt_field_info time_field = { "time", SKT_TYPE_TIME, .get = get_stretch,
						  .meaning = "when the stretch began" };
static const struct skt_field_info count_field = { "count", SKT_TYPE_NUMBER, .get = get_count,
						   .meaning = "how many rows" };
static const struct skt_field_info bar_field = { "", SKT_TYPE_WORD, .get = get_bar, .meaning = "how many rows" };
static const struct skt_field_info side_fields[] = {
	{ "before", SKT_TYPE_NUMBER, .get = get_count, .offset = 0, .meaning = "how many rows there were" },
	{ "after", SKT_TYPE_NUMBER, .get = get_count, .offset = 1, .meaning = "how many there are" },
	{ "difference", SKT_TYPE_NUMBER, .get = get_difference, .meaning = "how many more" },
};

static void add_counts(const struct skt_counts *counts, struct skt_view *view)
{
	if (counts->options.sides)
		for (size_t i = 0; i < sizeof(side_fields) / sizeof(*side_fields); i++)
			view->fields[view->n++] = &side_fields[i];
	else
		view->fields[view->n++] = &count_field;
}

void skt_counts_view(struct skt_counts *counts, bool for_table, unsigned bar, struct skt_view *ret)
{
	counts->bar = bar < SKT_BAR_MAX ? bar : SKT_BAR_MAX;
	ret->n = 0;
	if (counts->options.every)
		ret->fields[ret->n++] = &time_field;
	if (for_table) {
		add_counts(counts, ret);
		if (bar)
			ret->fields[ret->n++] = &bar_field;
	}
	for (size_t i = 0; i < counts->options.by.n && ret->n < SKT_VIEW_FIELDS - 3; i++)
		ret->fields[ret->n++] = &counts->by[i];
	if (!for_table)
		add_counts(counts, ret);
}

/* ---- what comes in ---- */

int skt_counts_new(const struct skt_counts_options *options, struct skt_counts **ret)
{
	struct skt_counts *counts = calloc(1, sizeof(*counts));

	if (!counts)
		return -ENOMEM;
	counts->options = *options;
	skt_buf_init(&counts->tuple);
	for (size_t i = 0; i < options->by.n; i++)
		counts->by[i] = (struct skt_field_info){ .name = options->by.fields[i]->name,
							 .type = options->by.fields[i]->type,
							 .is_address = options->by.fields[i]->is_address,
							 .meaning = options->by.fields[i]->meaning,
							 .offset = (uint16_t)i,
							 .get = get_by };
	counts->tuples = skt_strtab_new(options->seed);
	if (!counts->tuples) {
		skt_counts_free(counts);
		return -ENOMEM;
	}
	*ret = counts;
	return 0;
}

void skt_counts_free(struct skt_counts *counts)
{
	if (!counts)
		return;
	skt_strtab_unref(counts->tuples);
	skt_buf_release(&counts->tuple);
	free(counts->groups);
	free(counts->turns);
	free(counts->rows);
	free(counts);
}

static int add_turn(struct skt_counts *counts, uint32_t group, int64_t stretch, int32_t by)
{
	if (array_room(&counts->turns, &counts->room_turns, counts->n_turns + 1, sizeof(*counts->turns)))
		return -ENOMEM;
	counts->turns[counts->n_turns++] = (struct turn){ stretch, group, by };
	return 0;
}

/* The stretch that the instant lies in: rounded down, before 1970 too. Behind the last one there is still another. */
static int64_t stretch_of(int64_t when, int64_t every)
{
	int64_t stretch = when / every - (when % every < 0);

	return stretch < INT64_MAX - 2 ? stretch : INT64_MAX - 2;
}

static int count(struct skt_counts *counts, unsigned side, const struct skt_row *row, int64_t from, int64_t to)
{
	const int64_t every = counts->options.every;
	struct group *group;
	uint32_t id;
	int rc;

	skt_buf_clear(&counts->tuple);
	tuple_put(&counts->options.by, row, &counts->tuple);
	/* no group is "", which is in the table anyway */
	if (!counts->options.by.n)
		skt_buf_byte(&counts->tuple, 0);
	if (counts->tuple.failed)
		return -ENOMEM;
	rc = skt_strtab_add(counts->tuples, counts->tuple.data, counts->tuple.len, &id);
	if (rc)
		return rc;
	if (array_room(&counts->groups, &counts->room_groups, id + 1, sizeof(*counts->groups)))
		return -ENOMEM;
	while (counts->n_groups <= id)
		counts->groups[counts->n_groups++] = (struct group){ .count = { 0 } };
	group = &counts->groups[id];
	if (group->serial[side] == counts->serial)
		return 0;
	group->serial[side] = counts->serial;
	group->count[side]++;
	if (!every)
		return 0;
	rc = add_turn(counts, id, stretch_of(from, every), 1);
	if (!rc)
		rc = add_turn(counts, id, stretch_of(to < from ? from : to, every) + 1, -1);
	return rc;
}

int skt_counts_add(struct skt_counts *counts, unsigned side, const struct skt_row *row, int64_t from, int64_t to)
{
	bool of_holders = skt_view_has_holder(&counts->options.by) && !row->process && row->sock && row->sock->n_owners;
	int rc = 0;

	counts->serial++;
	if (!of_holders)
		return count(counts, side, row, from, to);
	for (uint32_t i = 0; i < row->sock->n_owners && !rc; i++) {
		struct skt_row of_owner = skt_row_of_owner(row, &skt_row_owners(row)[i]);

		rc = count(counts, side, &of_owner, from, to);
	}
	return rc;
}

/* ---- what comes out ---- */

static int compare_groups(const struct skt_counts *counts, uint32_t a, uint32_t b)
{
	const char *x = skt_strtab_get(counts->tuples, a, NULL), *y = skt_strtab_get(counts->tuples, b, NULL);

	return tuple_compare((const unsigned char *)x, (const unsigned char *)y, counts->options.by.n, NULL);
}

static int compare_rows(const void *va, const void *vb)
{
	const struct count_row *a = va, *b = vb;
	uint64_t x = weight(a->counts, a->count), y = weight(b->counts, b->count);

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
		uint64_t number = weight(counts, counts->rows[i].count);

		counts->most = number > counts->most ? number : counts->most;
	}
	return rc;
}

size_t skt_counts_count(const struct skt_counts *counts)
{
	return counts->n_rows;
}

struct skt_row skt_counts_row(const struct skt_counts *counts, size_t i)
{
	return (struct skt_row){ .subject = &counts->rows[i] };
}
