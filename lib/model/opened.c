/* SPDX-License-Identifier: MIT */
#include "model/opened.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void opened_init(struct opened_set *set, uint64_t seed)
{
	set->seed = seed;
	set->free = MAP_NONE;
	map_init(&set->map);
}

void opened_release(struct opened_set *set)
{
	map_release(&set->map);
	free(set->list);
}

static uint64_t hash_row(const struct opened_set *set, const struct skt_table *table, const struct skt_sock *sock)
{
	uint64_t hash = hash_mix(hash_mix(set->seed, table->kind), table->net_namespace), words[4];

	memcpy(words, sock->local_address, sizeof(sock->local_address));
	memcpy(words + 2, sock->remote_address, sizeof(sock->remote_address));
	hash = hash_mix(hash, ((uint64_t)sock->local_port << 16) | sock->remote_port);
	for (unsigned i = 0; i < 4; i++)
		hash = hash_mix(hash, words[i]);
	return hash_mix(hash, sock->inode);
}

static uint64_t hash_opened(const struct opened_set *set, const struct opened *opened)
{
	struct skt_table table = { .kind = opened->kind, .net_namespace = opened->net_namespace };

	return hash_row(set, &table, &opened->sock);
}

static bool is_it(const struct opened *opened, const struct skt_table *table, const struct skt_sock *sock)
{
	return (opened->sock.state == SKT_TIME_WAIT) == (sock->state == SKT_TIME_WAIT) && opened->kind == table->kind &&
	       opened->net_namespace == table->net_namespace && opened->sock.inode == sock->inode &&
	       opened->sock.local_port == sock->local_port && opened->sock.remote_port == sock->remote_port &&
	       !memcmp(opened->sock.local_address, sock->local_address, sizeof(sock->local_address)) &&
	       !memcmp(opened->sock.remote_address, sock->remote_address, sizeof(sock->remote_address));
}

/* A place for one more, and the hash has room for it. */
static int new_place(struct opened_set *set, uint32_t *ret)
{
	if (set->free != MAP_NONE) {
		*ret = set->free;
		set->free = set->list[*ret].next;
		return 0;
	}
	if (array_room(&set->list, &set->room, set->n + 1, sizeof(*set->list)))
		return -ENOMEM;
	/* by its own room: it may have failed to grow with the list before */
	if (set->n >= set->map.room) {
		if (map_reset(&set->map, set->room))
			return -ENOMEM;
		/* none is free, or there would be no need */
		for (size_t i = 0; i < set->n; i++)
			map_add(&set->map, hash_opened(set, &set->list[i]), (uint32_t)i);
	}
	*ret = (uint32_t)set->n++;
	return 0;
}

int opened_add(struct opened_set *set, const struct skt_table *table, const struct skt_sock *sock, int64_t since,
	       int64_t until, uint32_t found)
{
	uint32_t place;
	int rc = new_place(set, &place);

	if (rc)
		return rc;
	set->list[place] = (struct opened){ .sock = *sock,
					    .net_namespace = table->net_namespace,
					    .kind = table->kind,
					    .since = since,
					    .until = until,
					    .found = found };
	map_add(&set->map, hash_row(set, table, sock), place);
	return 0;
}

bool opened_forget(struct opened_set *set, const struct skt_table *table, const struct skt_sock *sock,
		   struct opened *ret)
{
	uint64_t hash = hash_row(set, table, sock);
	uint32_t before = MAP_NONE;

	if (!set->n)
		return false;
	for (uint32_t i = map_first(&set->map, hash); i != MAP_NONE; before = i, i = map_next(&set->map, i)) {
		if (!is_it(&set->list[i], table, sock))
			continue;
		map_take(&set->map, hash, before, i);
		*ret = set->list[i];
		set->list[i].next = set->free;
		set->free = i;
		return true;
	}
	return false;
}
