/* SPDX-License-Identifier: MIT */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A hash multimap from 64-bit hashes to the numbers 0 .. n-1 of things that the caller keeps. It
 * stores no keys: who looks something up compares the candidates himself.
 *
 *	for (i = map_first(map, hash); i != MAP_NONE; i = map_next(map, i))
 *		if (equal(things[i], wanted)) ...
 *
 * Candidates come newest first. Memory is kept from one map_reset() to the next.
 */
struct map {
	uint32_t *buckets; /* newest number in each, MAP_NONE where empty */
	uint32_t *next;	   /* for each number the one before it in its bucket */
	size_t mask;	   /* buckets - 1 */
	size_t room;	   /* numbers there is room for */
};

#define MAP_NONE UINT32_MAX

void map_init(struct map *map);
void map_release(struct map *map);

/* Empty, with room for the numbers 0 .. n-1: 0 or -ENOMEM. */
int map_reset(struct map *map, size_t n);

/* Add the number i (below what map_reset() was told, and not in it yet). */
static inline void map_add(struct map *map, uint64_t hash, uint32_t i)
{
	size_t bucket = hash & map->mask;

	map->next[i] = map->buckets[bucket];
	map->buckets[bucket] = i;
}

static inline uint32_t map_first(const struct map *map, uint64_t hash)
{
	return map->buckets[hash & map->mask];
}

static inline uint32_t map_next(const struct map *map, uint32_t i)
{
	return map->next[i];
}

/*
 * Take the number i, which map_first(hash) or map_next() gave with `before` as the candidate ahead of it (MAP_NONE: it
 * was the first).
 */
static inline void map_take(struct map *map, uint64_t hash, uint32_t before, uint32_t i)
{
	if (before == MAP_NONE)
		map->buckets[hash & map->mask] = map->next[i];
	else
		map->next[before] = map->next[i];
}

/*
 * Mix 64 bits more into a hash: the product of two 64-bit numbers, folded to one (the idea of wyhash).
 * Started from a secret seed, others cannot choose bytes that collide.
 */
uint64_t hash_mix_slow(uint64_t a, uint64_t b);

static inline uint64_t hash_mix(uint64_t hash, uint64_t value)
{
	uint64_t a = hash ^ UINT64_C(0xa0761d6478bd642f);
	uint64_t b = value ^ UINT64_C(0xe7037ed1a0b428db) ^ (hash << 32 | hash >> 32);
#ifdef __SIZEOF_INT128__
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
	return hash_mix_slow(a, b);
#endif
}

uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t len);

#endif
