/* SPDX-License-Identifier: MIT */
#ifndef RECORD_READING_H
#define RECORD_READING_H

#include "record/codec.h"

/* A step being read, and the snapshot it will be applied to. */
struct reading {
	struct decoder *decoder;
	struct cur *in; /* the sections */
	struct skt_snapshot *old;
	struct skt_step *step;
	bool no_memory;
};

static inline size_t at_most(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Room for n items in an array of the step; false (and no_memory) where there is none. */
bool reading_room(struct reading *reading, void *array, size_t *have, size_t n, size_t size);

/* A slot in rising order: none stands twice, for all but the first are told by a gap of at least one. */
uint32_t get_next_slot(struct cur *in, uint32_t *slot, bool first);

/* A slot written as the difference to the one before it. */
uint32_t get_slot(struct cur *in, uint32_t *slot);

/* Rows that closed or were lost, came, and changed: everything of a step that is about sockets but timers and order. */
void get_socks(struct reading *reading, unsigned want, bool key);

#endif
