/* SPDX-License-Identifier: MIT */
#ifndef TESTS_STEP_TEXT_H
#define TESTS_STEP_TEXT_H

#include <skt/step.h>

/*
 * What a step says, as sorted lines without slots and string ids: two steps that say the same have the same text, from
 * wherever they come. now is the snapshot it was applied to. Given to the caller.
 *
 * exact: timers in full (instant and ticks off), and those that were held off by ticks, one line each. Otherwise the
 * column that they make.
 */
char *step_text(const struct skt_step *step, const struct skt_snapshot *now, bool exact);

/* Whether they are the same; prints the first line that is not. */
bool step_text_same(const char *expected, const char *got);

#endif
