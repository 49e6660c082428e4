/* SPDX-License-Identifier: MIT */
#ifndef PACE_H
#define PACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When what was recorded is due on this machine's clock: counted from one beginning, so that waiting a little too long
 * once is not added to all that follows.
 */
struct pace {
	double speed; /* 1 is life; 0: at once */
	bool begun;
	int64_t base;	/* the recorded host's clock since boot, */
	int64_t start;	/* and ours when that was due */
	int64_t latest; /* the recorded clock went so far: where it goes back, the host was started anew */
};

/* Our clock, which stands still while the machine sleeps. */
int64_t pace_now(void);

/* This instant of the recording is now. */
void pace_begin(struct pace *pace, int64_t boottime);

/* When an instant of the recording is due, on our clock; begins with the first. At once: now. */
int64_t pace_due(struct pace *pace, int64_t boottime);

#endif
