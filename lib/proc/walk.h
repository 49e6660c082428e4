/* SPDX-License-Identifier: MIT */
#ifndef PROC_WALK_H
#define PROC_WALK_H

#include "proc/crew.h"
#include "proc/ledger.h"
#include "proc/look.h"
#include "proc/owners.h"

/*
 * The look for owners. Every descriptor of every process is asked in the end, for a count or a number says nothing
 * (dup2(2) over a socket leaves both as they were); but on a large host not in one look.
 *
 * A *round* asks all links of all processes. In the first look, where a round fits into the budget (look_budget(), as
 * long as the last one took), where there is no interval or full_walk is no longer than it, and in a tree of files,
 * each look is one round: SKT_WALK_FULL. Else a look is one by need, SKT_WALK_PARTIAL:
 *
 *	1. New processes are asked wholly; those that are gone went with all that they held when the ledger was begun.
 *	2. In processes whose count of descriptors is another than is known, or while an inode is wanted: descriptors
 *	   whose socket has gone from its table, for another may have taken the number; and where there are more than
 *	   known, or some have gone, the lowest numbers that are not known to be open (a server at work has the same
 *	   count at each look, and the gap between its numbers is elsewhere). This is done whatever it takes: it follows
 *	   what changed.
 *	3. Those whose count still differs are listed, and what is new is asked (but where no more are missing than were
 *	   just found closed: there others will be found so at the next look); while an inode is wanted those without a
 *	   handle are counted, too.
 *	4. The audit: the round is carried on by the share that completes it within full_walk, a part of a process at a
 *	   time.
 *	5. The hunt, while an inode is wanted that the look before did not find either: processes that moved in this
 *	   look or the one before are asked wholly, if that is not too much, and then the round is carried on, for a
 *	   quarter of the budget. (Most of those that are missed once were closed between table and descriptors.)
 *
 * Steps 3 and 4 leave a part of the budget to those after them. The budget is one of time, but as many links are asked
 * in any case as it is good for as a rule: on a busy host most of the time is others'.
 */
struct batch;

struct walk {
	bool underway;	       /* a round is */
	uint32_t at;	       /* it goes on from this pid ... */
	int32_t at_fd;	       /* ... and this descriptor; -1: it has not been listed yet */
	int64_t round_time;    /* ns since 1970 at which it began */
	int64_t round_boot;    /* the same of boot time */
	int64_t round_took;    /* ns that it has taken so far, in all looks */
	int64_t last_took;     /* ns that the last one took; 0: there was none */
	int64_t checked_since; /* when the last one began */
	int64_t last_look;     /* boot time */
	uint32_t hunt_at;      /* the pid from which the next hunt begins */
	struct batch *batch;   /* that asks many at once (batch.h), once one was needed; NULL */
};

/* Of zeros it is one that has not begun. */
void walk_release(struct walk *walk);

/*
 * Look at processes: what was found goes to ledger and owners, what was missed to the snapshot's quality.
 * A tree in which there are no processes at all says nothing of owners: SKT_WALK_NONE. 0 or -ENOMEM.
 */
int walk_look(struct walk *walk, struct look *look, struct ledger *ledger, struct owners *owners);

/*
 * The hands that it worked with, if it had many and they are still there; NULL. And they are not needed any more in
 * this look: where each look has an interval and a budget the first is the only one that is shared out, and they go.
 */
struct crew *walk_crew(const struct walk *walk);
void walk_rest(struct walk *walk, const struct look *look);

#endif
