/* SPDX-License-Identifier: MIT */
#ifndef RECORD_READS_H
#define RECORD_READS_H

#include <skt/step.h>

#include "model/heard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * When each table was read last, from snapshot to snapshot and over the borders of groups: what lies between two reads
 * of a table nobody saw, unless it was listened for. The writer and whoever verifies follow a recording with it, as
 * coverage (skt/coverage.h) does.
 */

/*
 * The longest interval between two reads in which what went was not told of; of equally long ones that which ended
 * first. Both 0: none.
 */
struct blind {
	int64_t after;
	int64_t until;
};

void blind_add(struct blind *blind, int64_t after, int64_t until);

struct read {
	uint64_t net_namespace;
	int64_t since; /* it was not listed at this instant; INT64_MIN: nobody knows */
	int64_t time;  /* of the last read; INT64_MIN: none */
	uint8_t kind;
	bool there;
};

struct reads {
	struct read *tables; /* by slot */
	size_t n, room;
	struct read *before; /* of the group before, while the next one's are found */
	size_t room_before;
	int64_t time; /* of the last snapshot */
	bool begun;
	struct heard heard;
};

void reads_release(struct reads *reads);

/* A gap: what comes next starts from nothing. */
void reads_forget(struct reads *reads);

/*
 * The first snapshot of a group; and one that a step led to. blind has one for each kind of table, heard a bit for each
 * of which there was an interval in which all that went was told of. 0 or -ENOMEM.
 */
int reads_begin_group(struct reads *reads, const struct skt_snapshot *now, struct blind *blind, uint8_t *heard);
int reads_step(struct reads *reads, const struct skt_snapshot *now, const struct skt_step *step, struct blind *blind,
	       uint8_t *heard);

#endif
