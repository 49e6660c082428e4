/* SPDX-License-Identifier: MIT */
#ifndef PROC_DOUBLES_H
#define PROC_DOUBLES_H

#include "base/map.h"

#include <skt/sock.h>

/*
 * Which rows of a table stand in it twice. Nearly all rows stood in it in the look before, in the same order, so both
 * are walked along side by side: rows that are different ones there are different ones here. Only the others, the
 * strangers, are looked for among all. A row is known by a 64-bit hash of what it is, begun from a secret.
 */

/* The rows of a table in the look before, each once. */
struct doubles_list {
	uint64_t net_namespace; /* of the table */
	uint64_t *hashes;
	size_t n, room;
};

struct doubles {
	struct doubles_list was[SKT_TABLE_KINDS]; /* of each kind the longest table */
	struct doubles_list is;			  /* the one at hand */
	struct doubles_list *known;		  /* the same in the look before, or NULL */
	size_t next;				  /* row of known behind the last one that was met */
	size_t ahead;				  /* how far behind it the next is looked for */
	uint32_t *strangers;
	size_t n_strangers, room_strangers;
	struct map map; /* of strangers */
	uint32_t *found;
	size_t n_found, room_found;
	uint8_t kind;
};

void doubles_init(struct doubles *doubles);
void doubles_release(struct doubles *doubles);

/* Begin with a table. */
void doubles_begin(struct doubles *doubles, uint8_t kind, uint64_t net_namespace);

/* The next row; hash 0: it cannot stand there twice. 0 or -ENOMEM. */
int doubles_add(struct doubles *doubles, uint64_t hash);

/*
 * The table is complete. Of rows with one hash `same` says whether they are one. Rows that stood there before are
 * `found` then, by number from 0, n_found of them, rising; all others are what the next look begins with. 0 or -ENOMEM.
 */
int doubles_end(struct doubles *doubles, bool (*same)(const void *data, uint32_t a, uint32_t b), const void *data);

#endif
