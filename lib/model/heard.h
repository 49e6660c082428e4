/* SPDX-License-Identifier: MIT */
#ifndef MODEL_HEARD_H
#define MODEL_HEARD_H

#include <skt/snapshot.h>

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether all that went between two reads of a table was told of: then it was not missed, though no look has seen it.
 * Asked by whoever follows reads from snapshot to snapshot, and may go over some: so the answer depends on the last two
 * only, and a table that was not read for one of them, for it waits for its turn, is not said to be listened to.
 */
struct heard {
	int64_t before; /* time of the snapshot before the last one; INT64_MAX: nothing is known of before */
	int64_t last;
	uint32_t kinds; /* of whose sockets each that went since then was told of, 1 << enum skt_table_kind */
};

/* The next snapshot; from_nothing: of what was before it nothing is known. */
void heard_step(struct heard *heard, const struct skt_snapshot *now, bool from_nothing);

/*
 * Whether all was told of that went between a read of a table of this kind at the first instant and one of the last
 * snapshot at the other.
 */
static inline bool heard_all(const struct heard *heard, unsigned kind, int64_t after, int64_t until)
{
	return heard->kinds & UINT32_C(1) << kind && after >= heard->before && until >= heard->last;
}

#endif
