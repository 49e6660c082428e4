/* SPDX-License-Identifier: MIT */
#ifndef MODEL_MATCH_H
#define MODEL_MATCH_H

#include "base/map.h"
#include "model/copy.h"
#include "model/order.h"
#include "model/pair.h"

#include <skt/step.h>

/* What skt_match() is made of: processes first, for owners name them, then each table's rows. */

struct skt_matcher {
	uint64_t seed;
	struct map map;
	struct pairing pairing;
	struct ordering ordering;
	uint32_t *process_slots; /* for each process of now, its slot in old */
	uint32_t *row_slots;	 /* for each row of the table at hand, its slot in old */
	int32_t *offs;		 /* for each slot of old, by how many ticks its timer is off */
	size_t room_process_slots, room_row_slots, room_offs;
};

/* One match: what it is between, and what it has found so far. */
struct match {
	struct skt_matcher *matcher;
	struct skt_snapshot *old;
	const struct skt_snapshot *now;
	bool from_nothing;
	struct translation translation;
	struct skt_step *step;
	uint32_t next_sock; /* slot of the next socket that opened */
	uint32_t next_process;
};

/* Fill matcher->process_slots and the step's process changes. */
int match_processes(struct match *match);

/* The rows of a table that was read; before is NULL where old had no such table. slot is the table's. */
int match_rows(struct match *match, uint32_t slot, const struct skt_table *before, const struct skt_table *after);

/* All rows of a table that is not there any more are lost. */
int match_lost(struct match *match, uint32_t slot);

#endif
