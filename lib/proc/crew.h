/* SPDX-License-Identifier: MIT */
#ifndef PROC_CREW_H
#define PROC_CREW_H

#include <stddef.h>

/*
 * Hands for work that may be done in any order: a function is called once for each number below n, by whichever hand is
 * free. The caller is hand 0, the others are threads, which wait in between and take no signals. What is shared is the
 * caller's business: before crew_do() all that he wrote is theirs to see, and after it all that they wrote is his.
 */
#define CREW_MAX 4

struct crew;

/* With as many hands, CREW_MAX at most; with fewer where the system has no more threads for us. 0 or -ENOMEM. */
int crew_new(unsigned hands, struct crew **ret);
void crew_free(struct crew *crew);

/* How many there are, the caller's included. */
unsigned crew_hands(const struct crew *crew);

/* Returns when all is done. */
void crew_do(struct crew *crew, size_t n, void (*what)(void *data, size_t i, unsigned hand), void *data);

#endif
