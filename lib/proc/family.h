/* SPDX-License-Identifier: MIT */
#ifndef PROC_FAMILY_H
#define PROC_FAMILY_H

#include "proc/crew.h"
#include "proc/ledger.h"
#include "proc/look.h"
#include "proc/owners.h"

/*
 * The processes of a snapshot and who they are: those that hold sockets, their ancestors up to pid 1, and those that
 * were in the snapshot before and still exist.
 *
 * Who a process is, is read when it is first in a snapshot. Afterwards its stat is read at each look, as far as a part
 * of the budget goes (all of them in turn), and all of it again when that says that it has executed another program,
 * changed its name, become a zombie or got another parent; and all of it within full_walk, for a process can rewrite
 * its command line, and be moved to another cgroup or namespace, without a trace there. So state and threads are as
 * they were then: they change all the time, and are no change of who it is.
 */
struct family {
	uint32_t at; /* pid from which on the next look asks */
};

/*
 * Identify the holders and put them into the snapshot, those that have gone meanwhile aside: they lose their links.
 * Hands, unless crew is NULL, read who they are where many are new. Then the others that belong to it. 0, -ENOMEM or
 * -E2BIG.
 */
int family_holders(struct family *family, struct look *look, struct ledger *ledger, struct owners *owners,
		   struct crew *crew);
int family_others(struct look *look, struct ledger *ledger);

#endif
