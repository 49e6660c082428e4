/* SPDX-License-Identifier: MIT */
#ifndef RECORD_AHEAD_H
#define RECORD_AHEAD_H

#include "record/file.h"

/*
 * A thread that reads ahead of a cursor: it inflates the blocks that come next and decodes their steps, which is more
 * than half of what reading costs.
 *
 *	thread	 block ---> sections ---> steps	   (against an outline: model/outline.h)
 *				|	    |
 *	cursor		    sections	  steps ---> apply, digest, borders, ...
 *
 * It decides nothing. The cursor finds each block by itself, in whatever order and with whatever is wrong with it, and
 * asks whether that one is ready; where it is not, for it is damaged, or large, or of another group than the thread
 * thought, the cursor reads it itself, as it does without a thread. A thread begins at a group's key block, so it needs
 * nothing of the cursor.
 *
 * What is ready and not taken is bounded, and so it does not run away.
 */

struct ahead_step {
	struct skt_step step;
	struct cur in[SECTION_END]; /* behind it */
	uint32_t strings;	    /* that there were before it */
};

/* A block that is ready. Whoever has taken it may swap its sections and steps with others: they are used again. */
struct ahead_block {
	struct ahead_block *next; /* private */
	size_t bytes;		  /* private */
	uint64_t offset;
	struct block_head head;
	struct skt_buf sections[SECTION_END];
	struct ahead_step *steps; /* the first ones of it, perhaps not all */
	size_t n_steps, room_steps;
};

struct ahead;

/*
 * Begin with the first group at this offset or behind it. file is borrowed; of the groups those that are chosen (NULL:
 * all) are read, as they are chosen now. want: as of a cursor. 0 or a negative errno.
 */
int ahead_new(const struct skt_file *file, unsigned want, const struct skt_choice *choice, uint64_t offset,
	      struct ahead **ret);
void ahead_free(struct ahead *ahead);

/*
 * The block at this offset, waited for if the thread is at it or will be: borrowed until the next call. NULL: it has to
 * be read. Offsets rise from call to call, or nothing is ready any more.
 */
struct ahead_block *ahead_take(struct ahead *ahead, uint64_t offset, const struct block_head *head);

/* The sections that are read for what is wanted, a bit each. */
uint32_t sections_wanted(unsigned want);

#endif
