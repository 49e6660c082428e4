/* SPDX-License-Identifier: MIT */
#ifndef PROC_LOOK_H
#define PROC_LOOK_H

#include <skt/buf.h>
#include <skt/capture.h>

#include "proc/tree.h"

/* What was wrong with the tree during one look: the first few, and how many there were. */
struct problems {
	struct skt_err kept[SKT_PROBLEMS_MAX];
	size_t n;
	uint64_t total;
};

struct mounts;
struct papers;

/* One call of skt_capture_next(), as its parts share it. */
struct look {
	const struct tree *tree;
	const struct skt_capture_options *options;
	struct skt_snapshot *snapshot; /* being filled */
	struct problems *problems;
	const struct mounts *mounts;
	struct skt_buf *text;  /* for one file at a time */
	struct papers *papers; /* of the process that is being identified (papers.h); NULL: none were read beforehand */
	bool whole;	       /* a tree that was written of a snapshot: all of its processes are in it */
	size_t raw_lines;      /* kept so far of all tables, and their bytes */
	size_t raw_bytes;
};

/*
 * Tell a problem: err has code and message, path is relative to the root (NULL: not in it), line counts from 1 (0: the
 * file as a whole).
 */
void look_problem(struct look *look, const struct skt_err *err, const char *path, uint64_t line);

/* The clock: now in ns of boot time, and of 1970 through ret_realtime (unless NULL). */
int64_t look_clock(const struct look *look, int64_t *ret_realtime);

/* Microseconds from start until now, both of boot time. */
uint32_t look_microseconds(const struct look *look, int64_t start);

/*
 * The share of the interval that a look may take for all that can wait: 5 %. 0: there is no interval, and nothing
 * waits.
 */
int64_t look_budget(const struct look *look);

/* Within which time all that is known is to be read again. */
int64_t look_full_walk(const struct look *look);

#endif
