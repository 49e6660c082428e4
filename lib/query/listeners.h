/* SPDX-License-Identifier: MIT */
#ifndef QUERY_LISTENERS_H
#define QUERY_LISTENERS_H

#include "query/lookup.h"

#include <stdbool.h>
#include <stdint.h>

/* The local ends at which sockets wait for others, and how many do: what tells the ends of a connection apart. */
struct listener {
	uint32_t place; /* of the table */
	uint16_t port;
	uint8_t address[16]; /* zeros: any */
	uint32_t n;
};

struct listeners {
	struct listener *list;
	size_t room;
	struct lookup by_key;
	uint64_t seed;
};

void listeners_init(struct listeners *listeners, uint64_t seed);
void listeners_release(struct listeners *listeners);
void listeners_clear(struct listeners *listeners);

/* One more, or one less. 0 or -ENOMEM. */
int listeners_add(struct listeners *listeners, uint32_t place, const uint8_t address[16], uint16_t port);
void listeners_remove(struct listeners *listeners, uint32_t place, const uint8_t address[16], uint16_t port);

/* Whether somebody waits at this end, by its address or at any. */
bool listeners_has(const struct listeners *listeners, uint32_t place, const uint8_t address[16], uint16_t port);

#endif
