/* SPDX-License-Identifier: MIT */
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void map_init(struct map *map)
{
	memset(map, 0, sizeof(*map));
}

void map_release(struct map *map)
{
	free(map->buckets);
	free(map->next);
	map_init(map);
}

int map_reset(struct map *map, size_t n)
{
	if (n > map->room || !map->buckets) {
		size_t room = 64;
		uint32_t *buckets, *next;

		if (n > UINT32_MAX / 2)
			return -ENOMEM;
		while (room < n)
			room *= 2;
		buckets = malloc(room * sizeof(*buckets));
		next = malloc(room * sizeof(*next));
		if (!buckets || !next) {
			free(buckets);
			free(next);
			return -ENOMEM;
		}
		map_release(map);
		map->buckets = buckets;
		map->next = next;
		map->room = room;
		map->mask = room - 1;
	}
	memset(map->buckets, 0xff, (map->mask + 1) * sizeof(*map->buckets));
	return 0;
}

/* What the compiler does with a 128-bit type, for machines without one. */
uint64_t hash_mix_slow(uint64_t a, uint64_t b)
{
	uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX);
	uint64_t middle1 = (a >> 32) * (b & UINT32_MAX) + (low >> 32);
	uint64_t middle2 = (a & UINT32_MAX) * (b >> 32) + (middle1 & UINT32_MAX);
	uint64_t high = (a >> 32) * (b >> 32) + (middle1 >> 32) + (middle2 >> 32);

	return ((middle2 << 32) | (low & UINT32_MAX)) ^ high;
}

uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t hash = hash_mix(seed, len);
	uint64_t word;

	for (; len >= sizeof(word); len -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = hash_mix(hash, word);
	}
	word = 0;
	if (len)
		memcpy(&word, at, len);
	return hash_mix(hash, word);
}
