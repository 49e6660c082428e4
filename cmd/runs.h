/* SPDX-License-Identifier: MIT */
#ifndef RUNS_H
#define RUNS_H

#include <skt/render.h>
#include <skt/shape.h>

#include <stdint.h>
#include <stdio.h>

/*
 * Rows of many recordings in one order, however many there are: as bytes, each with the key that it is sorted by. What
 * does not fit into a little memory goes to temporary files, each of them sorted, and a few at a time are merged into
 * one. Rows whose keys are equal stay as they came. Where only the first are wanted, no more of them are kept.
 */
struct runs;

/* The order is borrowed; one without fields leaves all as they came. top: 0 all of them. 0 or -ENOMEM. */
int runs_new(const struct skt_order *order, uint64_t top, struct runs **ret);
void runs_free(struct runs *runs);

/* A row. 0 or a negative errno, as of the next ones: that of a temporary file, too. */
int runs_add(struct runs *runs, const struct skt_buf *key, const struct skt_buf *row);

/*
 * All rows of what runs_write() left in a file, from where it stands on: it is closed when it has been read, or in case
 * of failure.
 */
int runs_add_file(struct runs *runs, FILE *file);

/* All rows in their order, into a file. Nothing can be added afterwards. */
int runs_write(struct runs *runs, FILE *file);

/*
 * The same one after another: 1, with a row that is borrowed until the next call; 0 at the end; -EBADMSG: a file is not
 * what it was.
 */
int runs_next(struct runs *runs, struct skt_part *ret);

#endif
