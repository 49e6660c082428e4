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
	size_t n_listed;     /* changes that IDENTITY lists: they stand first in the step, in the order of the file */
	size_t first_opened; /* of them those that came */
	size_t n_opened;
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

/* The number of a string that is there. */
uint32_t get_string(struct reading *reading, struct cur *in);

/* A time written as a difference to the step's. */
int64_t get_time_near(struct cur *in, int64_t base);

/* Records are preceded by their length: what a later version added to their end is passed over. */
struct cur get_record(struct cur *in);

/* ---- decode_meta.c ---- */

/* Everything of a step that is neither about sockets nor about processes. */
void get_meta(struct reading *reading, struct cur *section);

/* ---- decode_columns.c ---- */

/* The kind of a table that is in the old snapshot or comes with this step. */
uint8_t kind_of(const struct reading *reading, uint32_t table);

/* The fields whose change is told in a section, those not known included. */
uint32_t fields_of(uint8_t section);

/* Rows that came: how many, and how many bytes an address column of theirs has. */
struct coming {
	size_t rows;
	size_t address_bytes;
};

/*
 * Look at the columns of rows that came, without taking them: whether those that no row is without are there, and all
 * as long as they must be. Before this has been seen no memory is taken for a row.
 */
bool columns_are_good(struct cur in, const struct coming *coming);

/* Changes of a step whose columns are read together. They do not move meanwhile. */
struct rows {
	struct skt_sock_change **changes;
	uint32_t *fields; /* what each changed in, in this section; NULL: they came */
	size_t n;
};

/*
 * The columns of rows that came, or of those that changed in this section. A column that is not known is passed over.
 * One that is not there means that of rows that came nobody had it; a row that changed in it must have it.
 */
void get_columns(struct reading *reading, uint8_t section, const struct rows *rows, struct cur *in);

/* ---- decode_rows.c ---- */

/* Rows that closed or were lost, came, and changed: everything of a step that is about sockets but timers and order. */
void get_socks(struct reading *reading, unsigned want, bool key);

/* ---- decode_events.c ---- */

/* What was told since the snapshot before. Tables and rows of the step have been read. */
void get_events(struct reading *reading, struct cur *in);

#endif
