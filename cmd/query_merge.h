/* SPDX-License-Identifier: MIT */
#ifndef QUERY_MERGE_H
#define QUERY_MERGE_H

#include "query_shape.h"
#include "runs.h"

#include <stdio.h>

/*
 * One answer over several recordings: --sort, --top, --count-by and --every are of all their rows together.
 *
 *	a process for each recording			the one that was asked
 *
 *	rows -- shape --> counts, or rows and keys
 *			  merge_send() ---- file ----> merge_receive() ... merge_show()
 *
 * Recordings that one process asks in turn are merged by the same calls, without the file.
 */
struct merge {
	struct query *query;
	struct shape shape;   /* of all: counts, order, kind */
	enum query_view view; /* of all; VIEWS: of none yet */
	struct runs *runs;
	uint64_t recordings; /* that had an answer */
	uint64_t matched;
	int64_t first; /* of what they were asked about */
	int64_t last;
};

/* 0 or -ENOMEM. */
int merge_new(struct query *query, struct merge **ret);
void merge_free(struct merge *merge);

/* Of one recording: so many rows match in a stretch of time. -EINVAL: those of the others are of another view. */
int merge_note(struct query *query, enum query_view view, uint64_t matched, int64_t first, int64_t last,
	       struct skt_err *err);

/* The same, of a walk that is over; 0 where answers are not merged. */
int merge_note_walk(struct query *query, const struct walk *walk, uint64_t matched, struct skt_err *err);

/* What a shape of one recording has. 0 or a negative errno. */
int merge_rows(struct shape *shape, const struct skt_row *rows, size_t n, struct skt_err *err);
int merge_counts(struct shape *shape, struct skt_err *err);

/* From one process to the other: the file is closed when it has been read. */
int merge_send(struct merge *merge, FILE *file, struct skt_err *err);
int merge_receive(struct merge *merge, FILE *file, struct skt_err *err);

/* All of it. */
int merge_show(struct merge *merge, struct skt_err *err);

#endif
