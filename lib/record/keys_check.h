/* SPDX-License-Identifier: MIT */
#ifndef RECORD_KEYS_CHECK_H
#define RECORD_KEYS_CHECK_H

#include "record/cursor.h"
#include "record/keys.h"

/*
 * Whether what blocks of keys say of their groups is what stands in them. Whoever forges one could hide a group from
 * those who look for somebody in it. A walk over all groups hands each step on, and the dictionary is made anew.
 */
struct keys_check {
	const struct skt_file *file;
	size_t at;	      /* the block whose groups are expected next or being read */
	struct skt_buf bytes; /* of it */
	struct keys_block block;
	size_t group;  /* of its groups, the next one */
	bool in_group; /* the one before is being read */
	bool spoiled;  /* a part of its groups cannot be read: set by whoever walks */
	struct dictionary dictionary;
	struct skt_buf keys;
	struct reads reads;
	int (*wrong)(void *data, uint64_t offset); /* told of a block that is wrong: 0 or -ENOMEM */
	void *data;
};

int keys_check_begin(struct keys_check *check, const struct skt_file *file, int (*wrong)(void *data, uint64_t offset),
		     void *data);
void keys_check_release(struct keys_check *check);

/* The step that the cursor just handed out. 0 or -ENOMEM. */
int keys_check_step(struct keys_check *check, const struct skt_cursor *cursor, const struct skt_step *step);

/* There are no more. */
int keys_check_end(struct keys_check *check);

#endif
