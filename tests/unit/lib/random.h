/* SPDX-License-Identifier: MIT */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <skt/snapshot.h>

#include <stdbool.h>
#include <stdint.h>

/* Numbers that look random and are the same in every run, and snapshots made of them. */

struct random {
	uint64_t state;
};

uint64_t random_bits(struct random *random);
uint32_t random_below(struct random *random, uint32_t n);
bool random_one_in(struct random *random, uint32_t n);

/* 0 .. n-1 in any order. */
void random_shuffle(struct random *random, uint32_t *items, size_t n);

/* What kind of world it is. */
struct random_world {
	bool sk_hidden; /* the kernel does not tell `sk`, or there is no such column */
	uint32_t rows;	/* about so many in a table */
};

/*
 * What capture might have seen after `before` (an empty snapshot: anything): sockets opened, closed and kept, ends
 * reused, inodes lost and gained, twins, rows moved, any field changed, tables unknown, new and gone, processes that
 * appeared, changed and exited, owners added and removed, timers that run down with jitter. Few ports and inodes are
 * used, so that rows are often hard to tell apart; but no two rows of a table share ends, inode and a known `sk`, for
 * capture drops such duplicates. ret is initialised here, with strings (NULL: a table of its own).
 */
void random_snapshot(struct random *random, const struct random_world *world, const struct skt_snapshot *before,
		     struct skt_strtab *strings, struct skt_snapshot *ret);

#endif
