/* SPDX-License-Identifier: MIT */
#ifndef PROC_MOUNTS_H
#define PROC_MOUNTS_H

#include "proc/look.h"

/*
 * What is mounted over parts of a live /proc. Whoever may mount can lay another directory over that of a process (or
 * over its fd/), and whoever looks then sees an empty one, or another process. So such a process is not read but
 * denied, unless it is held by a handle from before; and it is a finding.
 *
 * The kernel lists mounts in self/mountinfo and tells by poll(2) when they change: a look at a host where nothing is
 * mounted is one system call.
 */
enum mounted_over {
	MOUNTED_WHOLE = 1, /* the directory of the process itself */
	MOUNTED_FDS = 2,   /* what tells its descriptors: fd/ */
	MOUNTED_NS = 4,	   /* where it lives: ns/ */
	MOUNTED_NET = 8,   /* the tables of where it lives: net/ */
};

struct mounted {
	uint32_t pid;
	unsigned over; /* of these; task/ has all but the first; 0: something else in it, from which nothing is told */
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

/* Find out what is mounted now. Where the kernel does not tell, nothing is known to be. 0 or -ENOMEM. */
int mounts_look(struct mounts *mounts, struct look *look);

/* Each of them is a finding. */
void mounts_tell(const struct mounts *mounts, struct look *look);

/* Whether something is mounted over one of these of a process, so that what is read there may be another's. */
bool mounts_over(const struct mounts *mounts, uint32_t pid, unsigned of);

/*
 * Whether what was opened lies beneath a mount, one that has come since the look began included. Of a negative fd
 * nothing does.
 */
bool mounts_has(const struct mounts *mounts, int fd);

#endif
