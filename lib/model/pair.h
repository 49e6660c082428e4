/* SPDX-License-Identifier: MIT */
#ifndef MODEL_PAIR_H
#define MODEL_PAIR_H

#include "base/map.h"

#include <skt/snapshot.h>

/*
 * Which rows of two readings of one table are the same socket. Rows are named by their place in the
 * table's order.
 */
struct pairing {
	uint32_t *of_old; /* for each old row the new one, MAP_NONE where it is gone */
	uint32_t *of_now; /* for each new row the old one, MAP_NONE where it is new */

	/* scratch, kept */
	struct map map;
	struct map map_now;
	uint32_t *left_old; /* rows not paired yet */
	uint32_t *left_now;
	size_t n_left_old, n_left_now;
	size_t room_old, room_now, room_left_old, room_left_now;
	uint64_t seed;
};

void pairing_init(struct pairing *pairing, uint64_t seed);
void pairing_release(struct pairing *pairing);

/* Pair them, by the identity rules of skt/step.h, in time linear in the rows. 0 or -ENOMEM. */
int pairing_find(struct pairing *pairing, const struct skt_snapshot *old, const struct skt_table *old_table,
		 const struct skt_snapshot *now, const struct skt_table *now_table);

#endif
