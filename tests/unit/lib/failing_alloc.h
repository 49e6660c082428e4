/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAILING_ALLOC_H
#define TESTS_FAILING_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/*
 * An allocator that fails when told to. Link with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc (the Makefile does,
 * for tests/unit/alloc_*); only calls from our own objects go through it, none from the C library.
 *
 *	FAILING_ALLOC_EACH(i)
 *		fresh scene, failing_alloc_after(i), operation, failing_alloc_stop(), see that nothing is broken
 *
 * runs the body with the first, the second, the third ... allocation failing, until one run had none to fail.
 */

/* From here on n allocations succeed, and every one after them fails. */
void failing_alloc_after(size_t n);

/* The same, but only the one after n: what does not notice it goes on with something missing. */
void failing_alloc_only(size_t n);

/* Every allocation succeeds again. Returns whether one has failed since. */
bool failing_alloc_stop(void);

/* Whether the last run between after and stop had one fail. */
bool failing_alloc_failed(void);

/* How many bytes were asked for and given since failing_alloc_after(): what realloc grows is counted anew. */
size_t failing_alloc_asked(void);

#define FAILING_ALLOC_EACH(i) for (size_t i = 0; !(i) || failing_alloc_failed(); (i)++)

#endif
