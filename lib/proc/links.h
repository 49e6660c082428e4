/* SPDX-License-Identifier: MIT */
#ifndef PROC_LINKS_H
#define PROC_LINKS_H

#include "proc/ledger.h"
#include "proc/owners.h"

/*
 * What is known of one process's descriptors: its links, by fd. Whatever is changed here is changed for the inodes,
 * too, which count the links that lead to them (owners.h).
 */

/* What this descriptor is: the socket with this inode, or (0) none. */
void links_set(struct owners *owners, struct ledger_process *process, struct ledger_link *link, uint64_t inode);

/* This one is closed: it is nobody's link any more, and is to be taken out of the list (links_sweep()). */
void links_close(struct owners *owners, struct ledger_process *process, struct ledger_link *link);

/* All of them: nothing is known of the process's descriptors. */
void links_drop(struct owners *owners, struct ledger_process *process);

/* The place of the first link from this fd on. */
size_t links_from(const struct ledger_process *process, int32_t fd);

/* Add one that has not been read in its place. 0 or -ENOMEM. */
int links_insert(struct ledger_process *process, size_t at, int32_t fd);

/* Take out those that were closed, of all from this place on. */
void links_sweep(struct ledger_process *process, size_t from);

/*
 * A list of descriptors as /proc has them, each once, takes the place of the links: those that are gone are dropped,
 * those that are new have not been read. The list keeps its room, or that which the links had.
 */
void links_take(struct owners *owners, struct ledger_process *process, struct link_list *list);

/*
 * Add those that a directory (PID/fd or task/TID/fd, open; or why it is not) has, not asked yet; in our own process,
 * where `ours` is its ledger, not the handles. 0, -ENOMEM, or what is wrong.
 */
int link_list_read(struct link_list *list, int fds, struct names *names, const struct ledger *ours);

/* By fd, then by inode. The kernel has them by fd. */
void link_list_sort(struct link_list *list);
int links_compare(const void *a, const void *b);

#endif
