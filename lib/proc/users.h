/* SPDX-License-Identifier: MIT */
#ifndef PROC_USERS_H
#define PROC_USERS_H

#include "proc/look.h"

#include <time.h>

/*
 * Names of users, from the recorded host's passwd(5) and from nothing else: a name service would be
 * that of the host this runs on, and could wait. The file is read again when it has changed.
 */
struct user_line {
	uint32_t uid;
	uint32_t name; /* where it begins in the text */
	uint32_t name_len;
	bool wanted; /* by the snapshot at hand */
};

struct users {
	struct skt_buf text; /* the file */
	struct user_line *lines;
	size_t n_lines, room_lines;
	int64_t size; /* of the file when it was read; -1: never */
	struct timespec changed;
};

void users_init(struct users *users);
void users_release(struct users *users);

/* Add the names of all uids in the look's snapshot, where they have one. 0, -ENOMEM or -E2BIG. */
int users_add(struct users *users, struct look *look);

#endif
