/* SPDX-License-Identifier: MIT */
#ifndef MANNERS_H
#define MANNERS_H

#include <stdbool.h>
#include <stdint.h>

/* Being a good guest: run when the host is busy, do not make it so, and have no rights that are not needed. */

/*
 * The niceness to run with. Unless told, -10, if it was started with 0 (with any other somebody has chosen) and may; it
 * is said on stderr that it may not only if told.
 */
void manners_nice(int nice, bool told);

/*
 * Keep these capabilities (1 << CAP_..., of the first 32), as far as they are there, and give up all else, for good:
 * the bounding and ambient sets, and gaining by exec (PR_SET_NO_NEW_PRIVS). Before threads are started, for each has
 * its own.
 *
 * Everything that is to be written later must be open before, or belong to who runs this: CAP_DAC_OVERRIDE is not kept,
 * for with it one may write to any file of the host, and a folder of one's own needs it not.
 */
void manners_drop(uint32_t keep);

/* What the recorder needs to find out who holds which socket: CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH. */
#define MANNERS_RECORDER (UINT32_C(1) << 19 | UINT32_C(1) << 2)

/* Whether this capability (of the first 32) is in effect. */
bool manners_may(unsigned capability);

/* Give memory that is not needed any more back to the host, not to be kept for the next time. */
void manners_memory(void);

/* How much processor time is taken: --max-cpu. An account from which each second of the clock pays for some of it. */
struct spending {
	uint32_t limit; /* millionths of one processor; 0: none */
	int64_t cpu;	/* at the last look */
	int64_t clock;
	int64_t debt; /* ns of processor time spent before they were paid for; negative: saved */
	bool told;
};

/* Begin an account at this instant. */
void spending_begin(struct spending *spending, int64_t now);

/* The instant at which all that was taken is paid for: now or later. */
int64_t spending_ready(struct spending *spending, int64_t now);

#endif
