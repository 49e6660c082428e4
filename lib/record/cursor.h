/* SPDX-License-Identifier: MIT */
#ifndef RECORD_CURSOR_H
#define RECORD_CURSOR_H

#include "record/ahead.h"
#include "record/file.h"
#include "record/numbering.h"

/*
 * Where a cursor stands. At the start of a group the key frame makes a second snapshot beside the one that is in force;
 * the step between them is found by matching, handed on over the old one, and at the next call the new one takes its
 * place:
 *
 *	now --step--> now        next: the key frame's own, with its own slots and strings
 *	                 \......> now
 */
struct skt_cursor {
	const struct skt_file *file; /* the one that is read */
	bool follow;

	/* in a directory; else whole is file */
	const struct skt_file *whole;
	size_t part;	       /* n_parts: a file that was not there when the directory was opened */
	struct skt_file here;  /* that part, opened: file, unless nothing is open (its fd is -1) */
	struct skt_file *come; /* the one that came since, opened */
	uint64_t base;	       /* snapshots before this file: numbers in it are counted from there */
	bool looked;	       /* once more, since the next file is known */

	unsigned want;

	/* the next block */
	uint64_t offset;
	uint64_t sequence;
	uint64_t number;
	bool in_group; /* a key block was read, and all since */
	bool chosen;   /* it is the key block of a group that was gone to */
	bool ended;
	const struct skt_choice *choice; /* NULL: all groups are read */
	struct skt_skipped skipped;	 /* before what was handed out last */

	bool read_ahead;
	struct ahead *ahead;	   /* in the file it stands in; NULL: not begun, or nobody does */
	struct ahead_block *ready; /* of it the block being read, NULL: it is read here */

	/* the block being read */
	struct skt_buf block;
	uint64_t block_offset;
	struct skt_buf sections[SECTION_END];
	struct cur in[SECTION_END];
	uint32_t left; /* steps not read yet */
	bool key;
	uint64_t step_number;
	uint64_t first_number; /* of the block */
	int64_t first;	       /* times of its snapshots, as its head says */
	int64_t last;

	struct decoder decoder;
	struct skt_matcher *matcher;
	struct skt_snapshot now;
	struct skt_snapshot next;
	bool has_now;	 /* now is a snapshot */
	bool has_next;	 /* next is to take its place */
	uint32_t digest; /* of the rows as the group's key block numbers them */
	struct skt_step step;
	struct skt_step key_step;
	struct numbering numbering; /* from now's slots to next's, for who asked */
};

/* Forget where it stands, and go to before this group (n_groups: the end). */
void cursor_rewind(struct skt_cursor *cursor, size_t group);

/* When the next snapshot was taken: 1, 0 there is none, -1 what stands there cannot be read. */
int cursor_peek(const struct skt_cursor *cursor, int64_t *ret_when);

/*
 * Before the first block of its file, which may be no group's: what is lost or missing there is told as it is anywhere
 * else.
 */
void cursor_begin(struct skt_cursor *cursor);

/*
 * Read the next block that holds steps. 1; 0 at the end; -EAGAIN when following and none is whole yet; or what is lost.
 */
int cursor_next_block(struct skt_cursor *cursor, struct skt_err *err);

/*
 * What stands here cannot be read: the rest of its group is lost. Go on to the next group, and say what is missing;
 * err already says why. tried: not to the group that begins just here. Returns code.
 */
int cursor_pass_hole(struct skt_cursor *cursor, bool tried, struct skt_err *err, int code);

/* As skt_cursor_next(), but in the file it stands in. */
int cursor_next_in_file(struct skt_cursor *cursor, struct skt_step **ret, struct skt_err *err);

/* Stand at the beginning of a part of the directory. keep: what is in force goes on. Nothing is opened yet. */
void cursor_enter(struct skt_cursor *cursor, size_t part, bool keep);

/* Open the part it stands in, unless it is: 0 or a negative errno; then it stands at its end. */
int cursor_reach(struct skt_cursor *cursor, struct skt_err *err);

/*
 * From the end of a file (or where one who follows has to wait: -EAGAIN) on to the next: 1, end (what it was), or what
 * is told of the border.
 */
int cursor_cross(struct skt_cursor *cursor, int end, struct skt_err *err);

/* Let the thread that reads ahead go, before what it reads, or what is wanted of it, is another. */
void cursor_stop_ahead(struct skt_cursor *cursor);

/* Close what is open. */
void cursor_leave(struct skt_cursor *cursor);

#endif
