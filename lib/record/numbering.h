/* SPDX-License-Identifier: MIT */
#ifndef RECORD_NUMBERING_H
#define RECORD_NUMBERING_H

#include <skt/step.h>

/*
 * Two numberings of one snapshot, as they meet at a group's border: the tables and rows are the same, in the same
 * order, and stand in other slots. For each slot of one there is that of the other, SKT_NO_SLOT where there is none.
 */
struct numbering {
	uint32_t *tables;
	uint32_t *rows;
};

/* ret is to be released. 0 or -ENOMEM, with nothing in it. */
int numbering_find(const struct skt_snapshot *from, const struct skt_snapshot *to, struct numbering *ret);
void numbering_release(struct numbering *numbering);

#endif
