/* SPDX-License-Identifier: MIT */
#ifndef MODEL_ORDER_H
#define MODEL_ORDER_H

#include "model/pair.h"

#include <skt/step.h>

/* Scratch for the longest run of survivors that kept their order. */
struct ordering {
	uint32_t *tails;
	uint32_t *previous;
	bool *kept; /* for each new row */
	size_t room_tails, room_previous, room_kept;
};

void ordering_release(struct ordering *ordering);

/*
 * The edits that turn the old order of a table, less the rows that are gone, into the new one are appended to the step.
 * slots names the new rows' slots, pairing which of them were there before and where. The fewest rows are moved. 0 or
 * -ENOMEM.
 */
int order_find(struct ordering *ordering, const struct pairing *pairing, uint32_t table, size_t n_old, size_t n_now,
	       const uint32_t *slots, struct skt_step *step);

#endif
