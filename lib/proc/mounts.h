/* SPDX-License-Identifier: MIT */
#ifndef PROC_MOUNTS_H
#define PROC_MOUNTS_H

#include "proc/look.h"

/*
 * What is mounted over parts of a live /proc. Whoever may mount can lay another directory over that of a process (or over
 * its fd/), and whoever looks then sees an empty one, or another process. So such a process is not read but denied, unless
 * it is held by a handle from before; and it is a finding.
 *
 * The kernel lists mounts in self/mountinfo and tells by poll(2) when they change: a look at a host where nothing is
 * mounted is one system call.
 */
struct mounted {
	uint32_t pid;
	bool whole;	  /* it lies over the directory of the process itself ... */
	bool descriptors; /* ... or over fd/ or task/ in it; else over something that holders are not told from */
};

/* A host that has more of them hides nothing by them that so many do not tell. */
#define MOUNTED_MAX 1024

struct mounts {
	int fd; /* self/mountinfo; -1: not open */
	bool failed;
	bool current;  /* the list is */
	uint64_t root; /* mount id of /proc */
	struct mounted list[MOUNTED_MAX];
	size_t n;
};

void mounts_init(struct mounts *mounts);
void mounts_release(struct mounts *mounts);

/* Find out what is mounted now; each is a finding. Where the kernel does not tell, nothing is known to be. 0 or -ENOMEM. */
int mounts_look(struct mounts *mounts, struct look *look);

/* Whether what is read of this process may be another's: through a handle on its directory, or without one. */
bool mounts_cover(const struct mounts *mounts, uint32_t pid, bool has_handle);

#endif
