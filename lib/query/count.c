/* SPDX-License-Identifier: MIT */
#include "query/count.h"

#include "base/array.h"
#include "query/tuple.h"

#include <errno.h>
#include <stdlib.h>

/* What comes in. */

static int compare_turns(const void *va, const void *vb)
{
	const struct turn *a = va, *b = vb;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return (a->stretch > b->stretch) - (a->stretch < b->stretch);
}

void counts_squeeze(struct skt_counts *counts)
{
	struct turn *turns = counts->turns;
	size_t n = 0;

	if (counts->n_turns)
		qsort(turns, counts->n_turns, sizeof(*turns), compare_turns);
	for (size_t i = 0; i < counts->n_turns; i++) {
		struct turn *last = n ? &turns[n - 1] : NULL;

		/* one that does not fit is another turn of the same */
		if (last && !compare_turns(last, &turns[i]) &&
		    !__builtin_add_overflow(last->by, turns[i].by, &turns[i].by))
			*last = turns[i];
		else
			turns[n++] = turns[i];
	}
	counts->n_turns = n;
}

/* Where most of them are equal, memory is that of what comes out, not of what comes in. */
#define SQUEEZE_LEAST ((size_t)1 << 20)

int counts_turn(struct skt_counts *counts, uint32_t group, int64_t stretch, int32_t by)
{
	if (!counts->squeeze_at)
		counts->squeeze_at = SQUEEZE_LEAST;
	if (counts->n_turns >= counts->squeeze_at) {
		counts_squeeze(counts);
		counts->squeeze_at = 2 * counts->n_turns > SQUEEZE_LEAST ? 2 * counts->n_turns : SQUEEZE_LEAST;
	}
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

int counts_group(struct skt_counts *counts, const void *tuple, size_t len, uint32_t *ret)
{
	int rc = skt_strtab_add(counts->tuples, tuple, len, ret);

	if (rc)
		return rc;
	if (array_room(&counts->groups, &counts->room_groups, *ret + (size_t)1, sizeof(*counts->groups)))
		return -ENOMEM;
	while (counts->n_groups <= *ret)
		counts->groups[counts->n_groups++] = (struct group){ .count = { 0 } };
	return 0;
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
	rc = counts_group(counts, counts->tuple.data, counts->tuple.len, &id);
	if (rc)
		return rc;
	group = &counts->groups[id];
	if (group->serial[side] == counts->serial)
		return 0;
	group->serial[side] = counts->serial;
	group->count[side]++;
	if (!every)
		return 0;
	rc = counts_turn(counts, id, stretch_of(from, every), 1);
	if (!rc)
		rc = counts_turn(counts, id, stretch_of(to < from ? from : to, every) + 1, -1);
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
