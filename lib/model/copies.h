/* SPDX-License-Identifier: MIT */
#ifndef MODEL_COPIES_H
#define MODEL_COPIES_H

#include "base/map.h"

#include <skt/snapshot.h>

/*
 * A snapshot of rows that were taken from others one by one, each with its table, holders, names and strings: what is
 * in it outlives the group of a recording that a row stood in. Its tables have no order.
 */

/* Numbers of things by hash, which grows. */
struct finder {
	struct map map;
	uint64_t *hashes;
	size_t n, room;
};

struct copies {
	uint64_t seed;
	struct skt_snapshot snapshot;
	struct finder tables, processes; /* of the snapshot, by slot */
};

/* All zeros before. 0 or -ENOMEM, and nothing is to be released then. */
int copies_init(struct copies *copies, uint64_t seed);
void copies_release(struct copies *copies);

/* One process of `now`, which is there once; and one row more: in slot *ret. 0, -ENOMEM, -E2BIG. */
int copies_add_process(struct copies *copies, const struct skt_snapshot *now, uint32_t slot, uint32_t *ret);
int copies_add_row(struct copies *copies, const struct skt_snapshot *now, const struct skt_sock *sock, uint32_t *ret);

#endif
