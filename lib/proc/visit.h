/* SPDX-License-Identifier: MIT */
#ifndef PROC_VISIT_H
#define PROC_VISIT_H

#include "proc/ledger.h"
#include "proc/look.h"
#include "proc/owners.h"

/*
 * A visit to one process: its descriptors are listed and asked what they are, and the ledger has the answers. It may be
 * whole, or ask only for some: then it can be gone on with at a later look.
 *
 *	rc = visit_begin(&visit, ...);
 *	if (!rc) rc = visit_...(&visit);
 *	rc = visit_end(&visit, rc);
 */
struct visit {
	struct look *look;
	struct ledger *ledger;
	struct owners *owners;
	struct ledger_process *process;
	int dir;	/* its directory */
	int fds;	/* its descriptors, or -1 */
	bool vanishing; /* one that was listed was gone when it was asked */
};

int visit_begin(struct visit *visit, struct look *look, struct ledger *ledger, struct owners *owners,
		struct ledger_process *process);

/*
 * After all were listed and asked (rc: what was wrong): whether it exited meanwhile (-ESRCH), or is a zombie whose
 * threads live on, and theirs are asked then. 0, or what is wrong.
 */
int visit_check(struct visit *visit, int rc);

/* All of that: all descriptors, wherever they can be seen. 0, or what is wrong. */
int visit_whole(struct visit *visit);

/*
 * First thing: list them. Those not known before are added, unread, and those that are gone taken out. 0, or what is
 * wrong.
 */
int visit_list(struct visit *visit);

/*
 * Ask `most` of those from the fd `from` on; unread: only what has not been read yet. The fd to go on from, INT32_MAX
 * at the end, or what is wrong.
 */
int32_t visit_links(struct visit *visit, int32_t from, size_t most, bool unread);

/*
 * What a descriptor in a directory `fds` is, whoever asks: 0 with the inode of a socket or 0, -ENOENT where it is
 * closed, or what is wrong.
 */
int visit_ask(const struct tree *tree, int fds, int32_t fd, uint64_t *ret_inode);

/*
 * The same of a descriptor of this process, counted. And: add those in such a directory (or why it is not open) to the
 * ledger's scratch.
 */
int visit_ask_one(struct visit *visit, int fds, int32_t fd, uint64_t *ret_inode);
int visit_list_fds(struct visit *visit, int fds);

/* They were listed and asked by others (batch.h): take this for what there is, with the answer to each of the list. */
#define VISIT_CLOSED UINT64_MAX
void visit_take(struct visit *visit, struct link_list *list, const uint64_t *answers);

/* Ask those whose socket is in no table any more (link_is_lost()). 0, or what is wrong. */
int visit_lost(struct visit *visit);

/*
 * Ask for the lowest numbers that are not known to be open, for that is how the kernel hands them out: until as many
 * are found as it has more open than are known and no inode is wanted, or some have been tried in vain. 0, or what is
 * wrong.
 */
int visit_lowest(struct visit *visit);

/*
 * The end: what came of it is counted in the snapshot's quality. Of a process that could not be read nothing is known
 * afterwards. Returns 0, -ENOMEM or -E2BIG; or 1 for a process that has exited or may not be read.
 */
int visit_end(struct visit *visit, int rc);

/* Or leave it as if it had not begun, so that it can be begun anew. */
void visit_leave(struct visit *visit);

#endif
