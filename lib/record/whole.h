/* SPDX-License-Identifier: MIT */
#ifndef RECORD_WHOLE_H
#define RECORD_WHOLE_H

#include "record/file.h"
#include "record/output.h"

#include <sys/uio.h>

/*
 * The file of an output: blocks are made, put into the chain, and written whole or not at all.
 */

/* In one write: a gap, and the block behind it. */
#define MOST_PARTS 6

struct output {
	int fd;
	off_t start; /* where in the file it begins: what stands before is never taken back */
	char *name;
	enum skt_sync sync_when;
	int level;	 /* of compression */
	uint64_t synced; /* bytes that the disk keeps */
	bool sync_fails;
	uint8_t sync[8];
	uint8_t id[16];
	uint64_t number;   /* of the file, from 1 */
	uint64_t before;   /* snapshots in those before it */
	uint64_t base;	   /* of them, those of this recorder: numbers begin anew in each file */
	bool torn;	   /* behind what is whole stands a part of a block that could not be cut off */
	bool closed;	   /* it is a pipe that nobody reads any more */
	bool broken;	   /* what the next step block would carry on is lost */
	uint64_t current;  /* group, as whoever gathers counts them */
	uint64_t sequence; /* of the last block */
	struct skt_buf payload;
	struct output_state state;

	/* the group being written, and those that no index tells yet */
	struct group group;
	struct group *groups;
	size_t n_groups, room_groups;
	uint64_t index;		/* offset of the last index block, 0 none */
	size_t keyed;		/* of those groups, so many have had their keys told, or never will */
	struct dictionary keys; /* of the others, and of the group being written */

	struct block_head gap; /* what could not be written since the last block that was */
};

/* What stands around a payload. */
struct frame {
	uint8_t head[BLOCK_HEAD_SIZE];
	uint8_t tail[BLOCK_TAIL_SIZE];
};

/* A block made to be written, with the gap that is to be told before it, and what is so once it has been. */
struct made {
	struct frame gap, block;
	struct iovec parts[MOST_PARTS];
	int n;
	bool with_gap;
	uint64_t sequence;
	uint8_t chain[CHAIN_SIZE];
};

/*
 * The next block, and before it the gap that is to be told, of this head (length and sequence are filled in) and
 * payload, which is borrowed.
 */
void whole_make(struct output *output, struct block_head *head, const struct skt_buf *payload, struct made *ret);

/*
 * Write what was made, and have the disk keep it where that is wanted; key: it begins a group. 0, or why nothing of it
 * is there.
 */
int whole_write(struct output *output, const struct made *made, bool key, struct skt_err *err);

/* Both. */
int whole_write_block(struct output *output, struct block_head *head, const struct skt_buf *payload,
		      struct skt_err *err);

/* Have the disk keep what was written. */
void whole_sync(struct output *output, bool key);

/* Where the next byte goes: 0 in a pipe. */
off_t whole_position(int fd);

/* Write the header, with which the chain begins. */
int whole_begin(struct output *output, const struct skt_buf *header, struct skt_err *err);

#endif
