/* SPDX-License-Identifier: MIT */
#ifndef COMPARABLE_H
#define COMPARABLE_H

#include "instant.h"

#include <skt/filter.h>

/*
 * Whether two instants can be compared: what was looked for on one side and not on the other would come out as opened or closed,
 * and nothing of the kind happened.
 */
struct comparison {
	const struct instant *before, *after;
	const struct skt_filter *filter; /* what it does not ask for does not matter; NULL: everything does */
	enum skt_zone zone;
	bool whole;	    /* all that is recorded between them is asked for, too */
	struct skt_buf why; /* a line for each reason against it */
	bool across;	    /* they are of two boots or hosts */
	bool uneven;	    /* holders were looked for with other privileges */
	uint32_t tables;    /* that were looked for on both sides */
};

/* Find the reasons: true where there are none. `why` is initialised here, and released by the caller. */
bool comparable(struct comparison *comparison);

#endif
