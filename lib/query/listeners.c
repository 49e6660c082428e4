/* SPDX-License-Identifier: MIT */
#include "query/listeners.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void listeners_init(struct listeners *listeners, uint64_t seed)
{
	listeners->list = NULL;
	listeners->room = 0;
	listeners->seed = seed;
	lookup_init(&listeners->by_key);
}

void listeners_release(struct listeners *listeners)
{
	free(listeners->list);
	lookup_release(&listeners->by_key);
	listeners_init(listeners, listeners->seed);
}

void listeners_clear(struct listeners *listeners)
{
	lookup_clear(&listeners->by_key);
}

static uint64_t hash_of(const struct listeners *listeners, uint32_t place, const uint8_t address[16], uint16_t port)
{
	uint64_t hash = hash_mix(listeners->seed, (uint64_t)place << 16 | port);

	return hash_bytes(hash, address, 16);
}

static struct listener *find(const struct listeners *listeners, uint32_t place, const uint8_t address[16],
			     uint16_t port)
{
	uint32_t i = lookup_first(&listeners->by_key, hash_of(listeners, place, address, port));

	for (; i != MAP_NONE; i = lookup_next(&listeners->by_key, i)) {
		struct listener *listener = &listeners->list[i];

		if (listener->place == place && listener->port == port && !memcmp(listener->address, address, 16))
			return listener;
	}
	return NULL;
}

int listeners_add(struct listeners *listeners, uint32_t place, const uint8_t address[16], uint16_t port)
{
	struct listener *listener = find(listeners, place, address, port);
	size_t n = listeners->by_key.n;

	if (listener) {
		listener->n++;
		return 0;
	}
	/* nothing is taken out: there are no more of them than ports that were listened on */
	if (array_room(&listeners->list, &listeners->room, n + 1, sizeof(*listeners->list)) ||
	    lookup_add(&listeners->by_key, hash_of(listeners, place, address, port)))
		return -ENOMEM;
	listener = &listeners->list[n];
	listener->place = place;
	listener->port = port;
	memcpy(listener->address, address, 16);
	listener->n = 1;
	return 0;
}

void listeners_remove(struct listeners *listeners, uint32_t place, const uint8_t address[16], uint16_t port)
{
	struct listener *listener = find(listeners, place, address, port);

	if (listener && listener->n)
		listener->n--;
}

bool listeners_has(const struct listeners *listeners, uint32_t place, const uint8_t address[16], uint16_t port)
{
	static const uint8_t any[16];
	const struct listener *listener = find(listeners, place, address, port);

	if (listener && listener->n)
		return true;
	listener = find(listeners, place, any, port);
	return listener && listener->n;
}
