/* SPDX-License-Identifier: MIT */
#ifndef TESTS_NAIVE_H
#define TESTS_NAIVE_H

#include <skt/step.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The rules of skt/step.h once more, each a loop over all pairs: what skt_match() must find between a and b, and the
 * snapshot that skt_apply() must lead to. Slow and plain; it shares no code with lib/model but the types.
 */

#define NAIVE_NONE UINT32_MAX

struct naive_change {
	uint8_t change;	   /* enum skt_change */
	uint32_t old_slot; /* NAIVE_NONE: it opened */
	uint32_t now_slot; /* NAIVE_NONE: it is gone */
	uint32_t fields;
	int64_t after;
	int64_t until;
};

struct naive_process_change {
	uint8_t change; /* enum skt_process_change_kind */
	uint32_t old_slot;
	uint32_t now_slot;
	uint32_t fields;
};

struct naive {
	/* b completed by what a knew: owners that are carried, rows of tables that were not read, users */
	struct skt_snapshot completed;
	uint32_t *sock_was;    /* for each slot of b the slot of a, or NAIVE_NONE */
	uint32_t *process_was; /* the same for processes */
	uint32_t *table_was;   /* the same for tables */
	struct naive_change *changes;
	size_t n_changes;
	struct naive_process_change *process_changes;
	size_t n_process_changes;
	size_t puts; /* rows that an order with the fewest moves puts anew */
};

void naive_find(const struct skt_snapshot *a, const struct skt_snapshot *b, bool from_nothing, struct naive *ret);
void naive_release(struct naive *naive);

/*
 * Match a and b, take the step, and compare everything with the naive answer. a becomes the snapshot that the step
 * leads to. False with the first difference in why.
 */
bool naive_agrees(struct skt_matcher *matcher, struct skt_snapshot *a, const struct skt_snapshot *b, bool from_nothing,
		  struct skt_step *step, char *why, size_t why_size);

#endif
