/* SPDX-License-Identifier: MIT */
#ifndef PROC_WALK_H
#define PROC_WALK_H

#include "proc/family.h"
#include "proc/look.h"
#include "proc/owners.h"

/*
 * The look for owners: every descriptor of every process is asked what it is, for a count or a number says
 * nothing (dup2(2) over a socket leaves both as they were). Whoever holds a socket of the tables is
 * identified while his directory is still open, so that his number cannot have come to mean another.
 */
struct walk {
	struct names processes;
	struct names threads;
	struct names fds;
	uint32_t *pids;
	size_t n_pids, room_pids;
};

void walk_init(struct walk *walk);
void walk_release(struct walk *walk);

/*
 * Look at all processes; what was found goes to owners and family, what was missed to the snapshot's
 * quality. ret_searched is false for a tree in which there are no processes at all: it says nothing of owners.
 * 0, -ENOMEM or -E2BIG.
 */
int walk_all(struct walk *walk, struct look *look, struct owners *owners, struct family *family, bool *ret_searched);

#endif
