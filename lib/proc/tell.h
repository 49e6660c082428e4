/* SPDX-License-Identifier: MIT */
#ifndef PROC_TELL_H
#define PROC_TELL_H

#include "proc/notice.h"

/*
 * Which row a notice is about. It names a socket by namespace, table and ends only, and a look sees a socket go before,
 * or after, the notice of it is heard:
 *
 *	heard until its table was read		it belongs to this step
 *	heard after that			... too, if a row with these ends closed or became an orphan in it;
 *						else it waits for the next look at its table
 *	the row closed with an earlier step	it has no slot any more: SKT_E_LATE
 *	the last look of all is over		nothing waits: a listed row closed since its table was read
 *
 * A row can be meant if it closed or was lost, or is what the kernel keeps of a connection without a socket (TIME_WAIT)
 * and was not so before. Each is meant once. Where the remote port is not known (proc/notice.h) a row is taken that
 * agrees in all else, if it is the only one; what the notice lacks is then the row's.
 */

/* How long a row that went without a notice is remembered, and how many are. The kernel tells within milliseconds. */
#define TELL_NS	  INT64_C(5000000000)
#define TELL_ROWS 8192

struct told_row;

struct tell {
	struct notice *waiting; /* for a look at their tables, and what was heard since */
	size_t n_waiting, room_waiting;
	struct told_row *rows; /* that may be meant: those of the step, and before it those of steps before */
	size_t n_rows, room_rows;
};

void tell_release(struct tell *tell);

/*
 * Give the step, which has been applied and led to this snapshot, its events. Nothing is told of a first snapshot: what
 * went before it is not recorded. last: no look comes after it. 0 or -ENOMEM.
 */
int tell_step(struct tell *tell, const struct skt_snapshot *now, struct skt_step *step, bool last);

#endif
