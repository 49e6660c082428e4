/* SPDX-License-Identifier: MIT */
#ifndef PROC_BATCH_H
#define PROC_BATCH_H

#include "proc/crew.h"
#include "proc/ledger.h"
#include "proc/look.h"
#include "proc/owners.h"

/*
 * Many processes of a running kernel visited at once, by many hands (crew.h): most of a whole look is the kernel
 * finding out what a descriptor is, and it does that for as many as ask.
 *
 *	begin, in order  ----> list each fd/  ----> ask each descriptor ----> take what was found, in order
 *	(ledger)	       (many hands)	    (many hands)	      (ledger, owners)
 *
 * Hands read and write nothing that others have: what comes of a batch does not depend on who did what. A process with
 * which anything is not as usual is left as it was, for a visit of its own (visit.h).
 */
#define BATCH_MOST 32 /* processes, each with two descriptors of ours */

struct batch;

/* 0 or -ENOMEM. */
int batch_new(unsigned hands, struct batch **ret);
void batch_free(struct batch *batch);

/*
 * Visit n of them, BATCH_MOST at most, wholly. ret_visited[i] says whether it was, and what came of it is known as
 * after visit_end(); else nothing is changed. Not for our own process, whose handles are no descriptors of its own. 0,
 * -ENOMEM or -E2BIG.
 */
int batch_visit(struct batch *batch, struct look *look, struct ledger *ledger, struct owners *owners,
		struct ledger_process **processes, size_t n, bool *ret_visited);

/* Its hands, for other work. */
struct crew *batch_crew(const struct batch *batch);

/* Give back the memory that it took. */
void batch_clear(struct batch *batch);

#endif
