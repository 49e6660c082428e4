/* SPDX-License-Identifier: MIT */
#ifndef PROC_REPAIR_H
#define PROC_REPAIR_H

#include "base/map.h"
#include "proc/meta_tree.h"

/* Inside meta_apply(): the twin of meta_write.c. */
#define REPAIR_NOBODY UINT32_MAX

struct repair {
	struct meta *meta;
	const struct meta_head *head;
	struct look *look;
	struct skt_snapshot *now; /* the look's, being filled */
	struct skt_snapshot *read;
	uint64_t own;
	uint32_t *slots; /* of processes by number in .skt-meta; REPAIR_NOBODY: not there any more */
	size_t n_slots, room_slots;
	uint32_t *slot_of_read; /* of processes of `read`; REPAIR_NOBODY: not mentioned yet */
	struct map read_by_pid;
	bool *mentioned;       /* tables of `read` */
	struct skt_owner *run; /* owners of one row */
	size_t n_run, room_run;
	struct skt_buf crc_text;
};

/* What the options want of a command line that is told. 0, -ENOMEM or -E2BIG. */
int repair_cmdline(const struct repair *repair, struct skt_process *process);

/*
 * All lines "process", and the processes that the tree has besides. What is wrong with a line sticks in meta. 0,
 * -ENOMEM or -E2BIG.
 */
int repair_processes(struct repair *repair);

/*
 * The lines of a table that is in the snapshot: as they are told, and where they are not as they were read (NULL: none
 * were).
 */
int repair_lines(struct repair *repair, const struct meta_table *told, uint32_t table, const struct skt_table *read);

/* A table as it was read, and nothing else. */
int repair_as_read(struct repair *repair, const struct skt_table *read);

#endif
