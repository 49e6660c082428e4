/* SPDX-License-Identifier: MIT */
#ifndef QUERY_COUNT_H
#define QUERY_COUNT_H

#include <skt/shape.h>

/*
 * A group is a string in a table of strings: the values that its rows have in common (tuple.h). By time, what comes in
 * is not counted in each stretch that it touches, which may be all of a day's seconds, but where it begins and behind
 * where it ends; a sweep over these turns makes the counts, and it takes as long as what it says.
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
	size_t squeeze_at; /* so many turns may be fewer, if equal ones are put together */
	struct count_row *rows;
	size_t n_rows;
	size_t room_rows;
	uint64_t serial;
	uint64_t most; /* the largest number that is shown, */
	unsigned bar;  /* and how long its bar is */
	struct skt_buf tuple;
};

/* What is shown of both sides of a group. */
uint64_t counts_difference(const uint64_t count[2]);
uint64_t counts_weight(const struct skt_counts *counts, const uint64_t count[2]);

/* The group of this tuple, made if need be: 0, -ENOMEM or -E2BIG. */
int counts_group(struct skt_counts *counts, const void *tuple, size_t len, uint32_t *ret);

/* So many come and go in a stretch. 0 or -ENOMEM. */
int counts_turn(struct skt_counts *counts, uint32_t group, int64_t stretch, int32_t by);

/* Turns of one group and stretch become one; they come in the order of groups, and then of time. */
void counts_squeeze(struct skt_counts *counts);

#endif
