/* SPDX-License-Identifier: MIT */
#ifndef MODEL_DIFF_PAIR_H
#define MODEL_DIFF_PAIR_H

#include "base/map.h"

#include <skt/diff.h>

/* Which rows of two snapshots that lie far apart belong together. */

#define DIFF_NONE UINT32_MAX

/* One of the two snapshots. Arrays have an item for each slot. */
struct diff_side {
	const struct skt_snapshot *snapshot;
	uint32_t *partner;  /* slot on the other side, or DIFF_NONE */
	uint32_t *ends;	    /* which table and ends it has, counted over both sides; DIFF_NONE: it is left out */
	uint64_t *programs; /* of its holders, as one number; 0: not known */
	uint64_t *program;  /* for each process; 0: not known */
};

struct diff_pairs {
	struct diff_side before, after;
	bool *is_other;	      /* for each slot of before: its partner has its ends, but is another socket */
	uint32_t (*twins)[2]; /* for each ends, how many rows have them on either side */
	uint32_t n_ends;
	const struct skt_diff_options *options;
};

/* Find them all: 0 or -ENOMEM, and the pairs are to be released then, too. */
int diff_pairs_find(struct diff_pairs *pairs, const struct skt_snapshot *before, const struct skt_snapshot *after,
		    const struct skt_diff_options *options);
void diff_pairs_release(struct diff_pairs *pairs);

#endif
