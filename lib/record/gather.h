/* SPDX-License-Identifier: MIT */
#ifndef RECORD_GATHER_H
#define RECORD_GATHER_H

#include "record/queue.h"

/* A writer: the block that it gathers, and of which group that is. */
struct skt_writer {
	struct queue *queue; /* to the output */
	char *name;
	char *next_name; /* of the file that it is to go on in, once it does */
	int64_t interval;

	/* the block being gathered */
	struct output_item item;
	int64_t head_boottime;

	/* the group being written */
	bool began;	/* false: the next snapshot begins one */
	uint64_t group; /* its number, from 1 */
	int64_t group_boottime;
	uint64_t group_snapshots;
	size_t key_bytes; /* of the last key block, as it was handed on */
	/* of the last snapshot added: a clock that is set back begins a group, so times rise within each */
	int64_t last_time;
	uint32_t strings; /* of the group's table, written so far */
	uint32_t digest;

	struct block_head refused; /* after what is gathered: snapshots that no reader would take */
	uint64_t lost;		   /* snapshots that never came to the output */
	uint64_t next_number;	   /* of the snapshot after the last one added */
	uint32_t missed;	   /* ticks since then */

	struct reads reads;
	struct encoder encoder;
	struct skt_matcher *matcher;
};

/*
 * Whether a reader would take the times of this snapshot and of what is written of it, all rows with a key: 0 or
 * -EINVAL.
 */
int gather_check(const struct skt_snapshot *now, const struct skt_step *step, bool key, struct skt_err *err);

/*
 * Take a snapshot and the step that led to it into the block; key: it begins a group, and `now` is dense from here on.
 * 0, or -ENOMEM or -E2BIG, and the block is lost.
 */
int gather(struct skt_writer *writer, struct skt_snapshot *now, const struct skt_step *step, bool key,
	   struct skt_err *err);

#endif
