/* SPDX-License-Identifier: MIT */
#ifndef COMPARABLE_H
#define COMPARABLE_H

#include "instant.h"

#include <skt/filter.h>

/*
 * Whether two instants can be compared: what was looked for on one side and not on the other would come out as opened
 * or closed, and nothing of the kind happened.
 */
struct comparison {
	const struct instant *before, *after;
	const struct skt_filter *filter; /* what it does not ask for does not matter; NULL: everything does */
	enum skt_zone zone;
	struct skt_buf why;   /* a line for each reason against it, a NUL behind each */
	struct skt_buf notes; /* the same, of what does not speak against it */
	bool across;	      /* they are of two boots or hosts */
	bool uneven;	      /* holders were looked for with other privileges */
	uint32_t tables;      /* that were looked for on both sides */
};

/*
 * Find the reasons that lie in how the two were made. `why` and `notes` are initialised here, and released by the
 * caller.
 */
void comparable(struct comparison *comparison);

/* Those that lie in what was found: of this many sockets it cannot be said whether they changed hands. */
void comparable_hands(struct comparison *comparison, size_t n_unsure);

/* A hole that was found while what lies between them was read. */
void comparable_hole(struct comparison *comparison, const struct skt_err *hole);

#endif
