/* SPDX-License-Identifier: MIT */
#include <skt/strtab.h>

#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * All bytes lie in one run, each string followed by NUL:
 *
 *	bytes:   \0 nginx\0 /usr/sbin/nginx\0
 *	ends:     1       7               24      string i is bytes[ends[i-1] .. ends[i]-1)
 */
struct skt_strtab {
	unsigned references;
	uint64_t seed;
	char *bytes;
	size_t size; /* of bytes */
	uint32_t *ends;
	uint64_t *hashes; /* kept so that the map can grow without reading the bytes again */
	uint32_t count;
	uint32_t room;
	struct map map;
};

static size_t start_of(const struct skt_strtab *strings, uint32_t id)
{
	return id ? strings->ends[id - 1] : 0;
}

struct skt_strtab *skt_strtab_new(uint64_t seed)
{
	struct skt_strtab *strings = calloc(1, sizeof(*strings));
	uint32_t id;

	if (!strings)
		return NULL;
	strings->references = 1;
	strings->seed = seed;
	map_init(&strings->map);
	if (skt_strtab_add(strings, "", 0, &id)) {
		skt_strtab_unref(strings);
		return NULL;
	}
	return strings;
}

struct skt_strtab *skt_strtab_ref(struct skt_strtab *strings)
{
	strings->references++;
	return strings;
}

void skt_strtab_unref(struct skt_strtab *strings)
{
	if (!strings || --strings->references)
		return;
	map_release(&strings->map);
	free(strings->bytes);
	free(strings->ends);
	free(strings->hashes);
	free(strings);
}

/* Room for one more string of len bytes. */
static int grow(struct skt_strtab *strings, size_t len)
{
	size_t used = start_of(strings, strings->count);

	if (len > SKT_STRING_MAX || used + len + 1 > 2 * SKT_STRTAB_MAX || strings->count >= 2 * SKT_STRINGS_MAX)
		return -E2BIG;
	if (used + len + 1 > strings->size) {
		size_t size = strings->size ? strings->size : 4096;
		char *bytes;

		while (size < used + len + 1)
			size *= 2;
		bytes = realloc(strings->bytes, size);
		if (!bytes)
			return -ENOMEM;
		strings->bytes = bytes;
		strings->size = size;
	}
	if (strings->count == strings->room) {
		uint32_t room = strings->room ? strings->room * 2 : 64;
		uint32_t *ends = realloc(strings->ends, room * sizeof(*ends));
		uint64_t *hashes;

		if (!ends)
			return -ENOMEM;
		strings->ends = ends;
		hashes = realloc(strings->hashes, room * sizeof(*hashes));
		if (!hashes)
			return -ENOMEM;
		strings->hashes = hashes;
		if (map_reset(&strings->map, room))
			return -ENOMEM;
		for (uint32_t i = 0; i < strings->count; i++)
			map_add(&strings->map, hashes[i], i);
		strings->room = room;
	}
	return 0;
}

int skt_strtab_add(struct skt_strtab *strings, const void *bytes, size_t len, uint32_t *ret_id)
{
	uint64_t hash = hash_bytes(strings->seed, bytes, len);
	size_t start;
	int rc;

	if (strings->count) {
		for (uint32_t i = map_first(&strings->map, hash); i != MAP_NONE; i = map_next(&strings->map, i)) {
			size_t have = start_of(strings, i);

			if (strings->hashes[i] == hash && strings->ends[i] - 1 - have == len &&
			    (!len || !memcmp(strings->bytes + have, bytes, len))) {
				*ret_id = i;
				return 0;
			}
		}
	}
	rc = grow(strings, len);
	if (rc)
		return rc;
	start = start_of(strings, strings->count);
	if (len)
		memcpy(strings->bytes + start, bytes, len);
	strings->bytes[start + len] = '\0';
	strings->ends[strings->count] = (uint32_t)(start + len + 1);
	strings->hashes[strings->count] = hash;
	map_add(&strings->map, hash, strings->count);
	*ret_id = strings->count++;
	return 0;
}

const char *skt_strtab_get(const struct skt_strtab *strings, uint32_t id, size_t *ret_len)
{
	size_t start;

	if (id >= strings->count)
		id = 0;
	start = start_of(strings, id);
	if (ret_len)
		*ret_len = strings->ends[id] - 1 - start;
	return strings->bytes + start;
}

uint32_t skt_strtab_count(const struct skt_strtab *strings)
{
	return strings->count;
}

size_t skt_strtab_bytes(const struct skt_strtab *strings)
{
	return start_of(strings, strings->count);
}

uint64_t skt_strtab_seed(const struct skt_strtab *strings)
{
	return strings->seed;
}
