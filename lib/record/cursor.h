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
	size_t block; /* the next one to read */
	struct skt_buf payload;
	struct skt_buf sections[SECTION_END];
	struct cur in[SECTION_END];
	uint32_t left;	 /* steps of the current block not read yet */
	uint64_t number; /* of the next one */
	bool key;	 /* the current block is a key block */

	struct decoder decoder;
	struct skt_matcher *matcher;
	struct skt_snapshot now;
	struct skt_snapshot next;
	bool has_now;  /* now is a snapshot */
	bool has_next; /* next is to take its place */
	struct skt_step step;
	struct skt_step key_step;
};

/* Forget where it stands, and go to before this block, which is a key. */
void cursor_rewind(struct skt_cursor *cursor, size_t block);

#endif
