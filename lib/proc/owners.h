/* SPDX-License-Identifier: MIT */
#ifndef PROC_OWNERS_H
#define PROC_OWNERS_H

#include "base/map.h"
#include "proc/ledger.h"
#include "proc/look.h"

/*
 * Brings rows and links together: the inodes of all rows, each once, and for each how many known links lead to it.
 *
 *	rows  ---- inode_of ---->  inodes  <---- row ----  links of the ledger (process, fd)
 *
 * An inode keeps its number for as long as it stands in a table, or its table is not read.
 *
 * What can be said of an inode depends on *rounds*. A round asks every link of every process that exists at its
 * beginning and of all that come while it lasts; it may take one look or many (walk.h). An inode is `new` from when its
 * row is first read, or from when the last known link to it went, until a round that began afterwards is complete:
 *
 *	owner_gaps	unsearched	while it is new
 *			denied		while some process's descriptors may not be read
 *			vanished	unless new: a process ended before it could be asked, in the look that completed
 *					the last round and in each look since
 *	held		at least one link is known
 *	unheld		no link is known, two rounds that began since it became new are complete, and when each of them
 *			was left behind it had neither of denied and vanished. It stays so, without a gap, until a link
 *			is found or somebody is denied: a process that vanished later got it from nobody
 *	unknown		else; unsearched where there is no other gap
 *
 * Why one look without a process that vanished is enough: whoever vanished earlier has no descriptors any more, and
 * whoever he may have given one to was there and has been asked, unless he, too, vanished in that look.
 *
 * Of a tree of files one round is enough: it does not move.
 */
struct owners_inode {
	uint64_t inode; /* 0: the number is free */
	uint64_t net_namespace;
	uint32_t born;	  /* rounds that had begun when it became new */
	uint32_t seen;	  /* the look in which it last stood in a table */
	uint32_t n_links; /* known links */
	uint32_t first;	  /* where its owners begin in `run` */
	/* of the row with an inode behind its own in the look before, the number; MAP_NONE: there was none */
	uint32_t next;
	uint8_t kind;
	bool held;	 /* it had links */
	bool missed;	 /* the look before found nobody who holds it */
	bool gone;	 /* its row is */
	uint32_t unheld; /* the round since which it is known that nobody holds it; 0: it is not */
};

struct owners {
	struct map map;
	uint64_t seed;
	struct owners_inode *inodes;
	uint32_t *inode_of; /* of each row, by slot: its number, or MAP_NONE */
	uint32_t *free;	    /* numbers that are */
	size_t n_inodes, room_inodes, room_inode_of, n_free, room_free;
	struct skt_owner *run; /* of all inodes, one after the other */
	size_t room_run;

	uint32_t look;
	uint32_t begun;		  /* rounds that have begun */
	uint32_t complete;	  /* which of them was completed last, by number from 1 ... */
	uint32_t complete_before; /* ... and which before it */
	bool completing;	  /* one is complete in this look */
	uint8_t gaps;		  /* denied, vanished of the one that was completed last */
	uint8_t gaps_before;	  /* and of the one before it, when it was left behind */
	size_t n_missed;	  /* those of them that the look before missed, too */
	size_t n_wanted;	  /* inodes in a table without a known link, still to be looked for */
};

void owners_init(struct owners *owners);
void owners_release(struct owners *owners);

/*
 * The rows of the look's snapshot: inodes not seen before are new, those of rows that are gone are forgotten. 0 or
 * -ENOMEM.
 */
int owners_begin(struct owners *owners, struct look *look);

/*
 * Count the links that the ledger knows: who has none is wanted. Links to inodes that are in no table any more are
 * `lost`.
 */
void owners_count(struct owners *owners, struct look *look, struct ledger *ledger);

/* The number of an inode that stands in a table, or MAP_NONE. */
uint32_t owners_find(const struct owners *owners, uint64_t inode);

/* Whether this one stands in a table that was read in this look. */
bool owners_is_seen(const struct owners *owners, const struct owners_inode *inode);

/* A link to this inode was found: what its `row` is. And one that had this `row` is gone. */
uint32_t owners_link(struct owners *owners, uint64_t inode);
void owners_unlink(struct owners *owners, uint32_t row);

/* A round begins with what is asked from here on; the one that began last is complete in this look. */
void owners_round_begins(struct owners *owners);
void owners_round_completes(struct owners *owners);

/* ---- assign.c ---- */

/*
 * The end of a look: give each row its owners, by pid and then fd, and its owner state. Holders are in the snapshot by
 * then, and what was missed in its quality. 0, -ENOMEM or -E2BIG.
 */
int owners_assign(struct owners *owners, struct look *look, const struct ledger *ledger);

#endif
