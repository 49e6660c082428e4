/* SPDX-License-Identifier: MIT */
#ifndef MODEL_OPENED_H
#define MODEL_OPENED_H

#include "base/map.h"

#include <skt/snapshot.h>

/*
 * Sockets that opened are remembered until they close. They are known again by table, both ends and inode, for slots
 * are others in each group of a recording.
 */

/* A socket that has opened, or a place that is free again. */
struct opened {
	struct skt_sock sock;
	uint64_t net_namespace;
	uint8_t kind;
	int64_t since; /* it opened after this instant, and until this one */
	int64_t until;
	uint32_t found; /* whatever was said of it */
	uint32_t next;	/* free place */
};

struct opened_set {
	uint64_t seed;
	struct map map; /* of those that are open */
	struct opened *list;
	size_t n, room;
	uint32_t free; /* the first free place */
};

/* All zeros before. */
void opened_init(struct opened_set *set, uint64_t seed);
void opened_release(struct opened_set *set);

/* Remember one. 0 or -ENOMEM. */
int opened_add(struct opened_set *set, const struct skt_table *table, const struct skt_sock *sock, int64_t since,
	       int64_t until, uint32_t found);

/* Find one and forget it: whether it had opened, and when. */
bool opened_forget(struct opened_set *set, const struct skt_table *table, const struct skt_sock *sock,
		   struct opened *ret);

#endif
