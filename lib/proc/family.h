/* SPDX-License-Identifier: MIT */
#ifndef PROC_FAMILY_H
#define PROC_FAMILY_H

#include "base/map.h"
#include "proc/look.h"

/*
 * The processes of a snapshot: those that hold sockets, their ancestors up to pid 1, and those that were in
 * the snapshot before and still exist.
 */
struct known_process {
	uint32_t pid;
	bool has_start_time;
	uint64_t start_time;
};

struct family {
	struct map by_pid; /* of the snapshot's processes */
	struct known_process *known;
	size_t n_known, room_known;
};

void family_init(struct family *family);
void family_release(struct family *family);

/* Begin with a snapshot without processes. 0 or -ENOMEM. */
int family_begin(struct family *family);

/* Add one to the snapshot: its slot through ret. 0, -ENOMEM or -E2BIG. */
int family_add(struct family *family, struct look *look, const struct skt_process *process, uint32_t *ret);

/* Add those known from before, and everyone's ancestors; then all of them are known. 0, -ENOMEM or -E2BIG. */
int family_complete(struct family *family, struct look *look);

#endif
