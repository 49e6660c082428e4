/* SPDX-License-Identifier: MIT */
#ifndef TAKEN_H
#define TAKEN_H

#include <stddef.h>

/*
 * The driver's count of inputs that were no nonsense. A corpus of which all is refused at the first line, as a change
 * of the format makes of one, would pass for ever and test nothing. libFuzzer has no such count.
 */
extern size_t fuzz_taken __attribute__((weak));

/* This input got to what the target is there for; once an input, or more often. */
static inline void taken(void)
{
	if (&fuzz_taken)
		fuzz_taken++;
}

#endif
