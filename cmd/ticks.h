/* SPDX-License-Identifier: MIT */
#ifndef TICKS_H
#define TICKS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When snapshots are due, in ns from the start. There is one tick in each interval:
 *
 *	0         interval     2 * interval           end
 *	|tick 0       |   tick 1    |     tick 2     |
 *
 * Tick 0 is at once. Exact ticks stand at the beginning of their intervals, random ones anywhere in them, so that who
 * is there only while nobody looks cannot know when that is.
 */
struct ticks {
	int64_t interval;
	int64_t end; /* no tick is due from here on; INT64_MAX: no end */
	bool exact;
	int64_t tick; /* the last one */
};

/*
 * Go on to the next tick that is not due before `ready`, and say when it is; -1 where none is left before the end.
 * Ticks passed over are missed: *ret_missed says how many.
 */
int64_t ticks_next(struct ticks *ticks, int64_t ready, uint32_t *ret_missed);

#endif
