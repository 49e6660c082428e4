/* SPDX-License-Identifier: MIT */
#include "pace.h"

#include "clocks.h"

#include <skt/time.h>

int64_t pace_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

void pace_begin(struct pace *pace, int64_t boottime)
{
	pace->begun = true;
	pace->base = boottime;
	pace->latest = boottime;
	pace->start = pace_now();
}

/* In a recording that lies, spans may be longer than anybody lives; what it is rounded to does not matter then. */
static int64_t due(const struct pace *pace, int64_t boottime)
{
	double span = ((double)boottime - (double)pace->base) / pace->speed;

	return span < (double)(INT64_MAX / 4) ? pace->start + (int64_t)span : INT64_MAX / 2;
}

int64_t pace_due(struct pace *pace, int64_t boottime)
{
	if (pace->speed <= 0)
		return pace_now();
	if (!pace->begun)
		pace_begin(pace, boottime);
	if (boottime < pace->latest) {
		/* of the time between two boots nothing is known: it goes on where the one before ended */
		pace->start = due(pace, pace->latest);
		pace->base = boottime;
	}
	pace->latest = boottime;
	return due(pace, boottime);
}
