/* SPDX-License-Identifier: MIT */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <skt/time.h>

#include <stdbool.h>
#include <stdint.h>

/*
 * The way between instants and what a clock on the wall shows. A reading of such a clock is counted like an instant:
 * the seconds between 1970-01-01 00:00:00 and it, had the zone always been UTC.
 */

/* Whole seconds, rounded down, and the nanoseconds (0 to 999999999) that are left. */
int64_t instant_split(int64_t when_ns, int64_t *ret_ns);

/* What int64_t nanoseconds reach. */
#define INSTANT_RANGE "1677-09-21T00:12:43.145224192Z to 2262-04-11T23:47:16.854775807Z"

/* The way back; false outside of that range. */
bool instant_join(int64_t s, int64_t ns, int64_t *ret_ns);

/* Seconds that the zone is ahead of UTC at instant s. */
int64_t zone_offset(enum skt_zone zone, int64_t s);

/*
 * What a reading can mean: `count` instants, of which s[] has the first two in order. Where the zone skips it, count
 * is 0, s[] are the instants that it means by the offsets after and before the gap, and resumes is the gap's end.
 */
struct meanings {
	size_t count;
	int64_t s[2];
	int64_t resumes;
};

void zone_meanings(enum skt_zone zone, int64_t wall_s, struct meanings *ret);

#endif
