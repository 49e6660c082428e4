/* SPDX-License-Identifier: MIT */
#ifndef PROC_TURNS_H
#define PROC_TURNS_H

#include "proc/look.h"
#include "proc/namespaces.h"
#include "proc/table.h"

/*
 * Whose tables are read when. The own namespace's are, at every look. An empty one costs as much as the hash tables of
 * the kernel are long, which all share: 7 ms for TCP where they have half a million buckets; so a hundred containers
 * take turns. The oldest go first, one that was just found before all; and a look goes on with them
 *
 *	as long as that takes no more than a twentieth of the interval	(a few are read each time);
 *	else until those are done that are due, so that in netns_interval all have had their turn, evenly spread;
 *	but, the first of them aside, for no more than half of the interval	(ticks are kept, and turns are late).
 */
struct turn {
	int64_t read_at;
	uint32_t place; /* in the list */
};

struct turns {
	struct table_reader reader;
	struct turn *order; /* by age */
	size_t room_order;
	int64_t credit; /* for each that is due, netns_interval */
	int64_t last;	/* boot time of the look before, if there were others in it */
	bool begun;
};

void turns_init(struct turns *turns, const struct owners *owners, struct ledger *ledger);
void turns_release(struct turns *turns);

/*
 * Put the wanted tables of all namespaces into the snapshot, read or not. Who turns out to live elsewhere by now lends
 * nothing: what is missing of his is not read this time. 0, -ENOMEM or -E2BIG.
 */
int turns_read(struct turns *turns, struct namespaces *all, struct look *look);

#endif
