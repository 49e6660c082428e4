/* SPDX-License-Identifier: MIT */
#include "query/lookup.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>

void lookup_init(struct lookup *lookup)
{
	map_init(&lookup->map);
	lookup->hashes = NULL;
	lookup->n = 0;
	lookup->room = 0;
	lookup->mapped = 0;
}

void lookup_release(struct lookup *lookup)
{
	map_release(&lookup->map);
	free(lookup->hashes);
	lookup_init(lookup);
}

void lookup_clear(struct lookup *lookup)
{
	lookup->n = 0;
	lookup->mapped = 0;
}

int lookup_add(struct lookup *lookup, uint64_t hash)
{
	if (array_room(&lookup->hashes, &lookup->room, lookup->n + 1, sizeof(*lookup->hashes)))
		return -ENOMEM;
	/* twice as many each time: all of them are put in anew */
	if (lookup->n >= lookup->mapped) {
		size_t more = lookup->n < 32 ? 64 : 2 * lookup->n;

		if (map_reset(&lookup->map, more))
			return -ENOMEM;
		lookup->mapped = more;
		for (size_t i = 0; i < lookup->n; i++)
			map_add(&lookup->map, lookup->hashes[i], (uint32_t)i);
	}
	lookup->hashes[lookup->n] = hash;
	map_add(&lookup->map, hash, (uint32_t)lookup->n++);
	return 0;
}
