/* SPDX-License-Identifier: MIT */
#ifndef RECORD_CURSOR_H
#define RECORD_CURSOR_H

#include "record/file.h"

/*
 * Where a cursor stands. At the start of a group the key frame makes a second snapshot beside the one that is in force; the
 * step between them is found by matching, handed on over the old one, and at the next call the new one takes its place:
 *
 *	now --step--> now        next: the key frame's own, with its own slots and strings
 *	                 \......> now
 */
struct skt_cursor {
	const struct skt_file *file;
	bool follow;
	unsigned want;

	/* the next block */
	uint64_t offset;
	uint64_t sequence;
	uint64_t number;
	bool in_group; /* a key block was read, and all since */
	bool jump;     /* a gap or a hole came before, or nothing */
	bool ended;

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
};

/* Forget where it stands, and go to before this group (n_groups: the end). */
void cursor_rewind(struct skt_cursor *cursor, size_t group);

/* When the next snapshot was taken: 1, 0 there is none, -1 what stands there cannot be read. */
int cursor_peek(const struct skt_cursor *cursor, int64_t *ret_when);

#endif
