/* SPDX-License-Identifier: MIT */
#ifndef QUERY_LOOKUP_H
#define QUERY_LOOKUP_H

#include "base/map.h"

/*
 * A map that grows: from hashes to the numbers 0, 1, 2, ... of things that the caller keeps in an array and never takes
 * out. Who looks something up compares the candidates himself, as with the map beneath.
 */
struct lookup {
	struct map map;
	uint64_t *hashes;
	size_t n;
	size_t room;
	size_t mapped; /* how many there is room for in map */
};

void lookup_init(struct lookup *lookup);
void lookup_release(struct lookup *lookup);

/* Empty, memory kept. */
void lookup_clear(struct lookup *lookup);

/* The next number, 0 at first, has this hash: 0 or -ENOMEM. */
int lookup_add(struct lookup *lookup, uint64_t hash);

static inline uint32_t lookup_first(const struct lookup *lookup, uint64_t hash)
{
	return lookup->n ? map_first(&lookup->map, hash) : MAP_NONE;
}

static inline uint32_t lookup_next(const struct lookup *lookup, uint32_t i)
{
	return map_next(&lookup->map, i);
}

#endif
