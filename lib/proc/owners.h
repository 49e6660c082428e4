/* SPDX-License-Identifier: MIT */
#ifndef PROC_OWNERS_H
#define PROC_OWNERS_H

#include "base/map.h"
#include "proc/look.h"

/*
 * Brings rows and links together: the inodes of all rows, each once, and for each the links that were found.
 *
 *	rows  ---- inode_of ---->  inodes  <---- inode ----  links (process, fd)
 *
 * From one look to the next it keeps which inodes nobody held: a socket may close, or change hands, between
 * the table and the walk, so that on a running kernel one look alone proves nothing.
 */
struct owner_link {
	uint32_t inode; /* which, by number */
	uint32_t process;
	uint32_t pid;
	int32_t fd;
};

struct owners {
	struct map map;	    /* of inodes */
	uint64_t *inodes;   /* those of the rows, each once */
	uint32_t *n_links;  /* of each inode; later, where its links begin */
	uint32_t *inode_of; /* of each row, by slot: its number, or MAP_NONE */
	size_t n_inodes, room_inodes, room_n_links, room_inode_of;

	struct owner_link *links; /* in the order in which they were found */
	struct owner_link *sorted;
	struct skt_owner *run; /* for one row at a time */
	size_t n_links_all, room_links, room_sorted, room_run;

	uint64_t *unheld_before; /* inodes that nobody held in the look before */
	size_t n_unheld_before, room_unheld_before;
	bool complete_before; /* and that look missed nothing */
};

void owners_init(struct owners *owners);
void owners_release(struct owners *owners);

/* Begin with the rows of the look's snapshot: no links yet. 0 or -ENOMEM. */
int owners_begin(struct owners *owners, struct look *look);

/* Whether a row has this inode: its number, or MAP_NONE. */
uint32_t owners_find(const struct owners *owners, const struct look *look, uint64_t inode);

/* A link to such an inode; its process is named afterwards. 0 or -ENOMEM. */
int owners_add(struct owners *owners, uint32_t inode, uint32_t pid, int32_t fd);

/*
 * Give each row its owners, by pid and then fd, and its owner state. gaps is what the look missed, searched
 * whether there were processes to look at. 0, -ENOMEM or -E2BIG.
 */
int owners_assign(struct owners *owners, struct look *look, uint8_t gaps, bool searched);

#endif
