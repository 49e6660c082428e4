/* SPDX-License-Identifier: MIT */
#ifndef MODEL_TABLES_H
#define MODEL_TABLES_H

#include "base/map.h"

#include <skt/snapshot.h>

/*
 * What skt_apply() has to know of all tables of a snapshot, so that a step costs what it says and not what is there: a
 * step of a few bytes may follow 65536 tables. It is found by looking at all of them once, and kept from then on;
 * whoever else changes tables, makes it be forgotten.
 */
struct skt_tables_known {
	struct map by_identity; /* tables that are there, by kind and namespace */
	size_t rows;		/* that stand in the order of some table */
	size_t raw;		/* lines of all tables */

	/* marks of rows and tables by slot, none of them set between two steps */
	bool *row_marks, *table_marks;
	size_t room_rows, room_tables;
};

/* Find it, unless it is known. 0 or -ENOMEM. */
int tables_know(struct skt_snapshot *snapshot);
void tables_forget(struct skt_snapshot *snapshot);

/* The rest is for when it is known. The table there is of this kind and namespace, or MAP_NONE. */
uint32_t tables_find(const struct skt_snapshot *snapshot, uint8_t kind, uint64_t net_namespace);

/* Add one, of which there is none; it has neither rows nor lines. 0, -ENOMEM, -E2BIG. */
int tables_add(struct skt_snapshot *snapshot, const struct skt_table *table);

/* Make room for a mark of each slot. 0 or -ENOMEM. */
int tables_room_for_marks(struct skt_snapshot *snapshot);

/* The table of this slot is going. */
void tables_take(struct skt_snapshot *snapshot, uint32_t slot);

/* Put a table behind all others, whether they are known or not. 0, -ENOMEM, -E2BIG. */
int snapshot_push_table(struct skt_snapshot *snapshot, const struct skt_table *table);

#endif
