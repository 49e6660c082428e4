/* SPDX-License-Identifier: MIT */
#ifndef PROC_PLAN_H
#define PROC_PLAN_H

#include <skt/snapshot.h>

/* What is to stand where in a tree, before any of it is written. */

/* A namespace with tables that is not the host's own: whoever lives in it and has the lowest number shows them. */
struct plan_space {
	uint64_t net_namespace;
	uint32_t lender; /* 0: nobody */
};

/* A link: of two for one descriptor the first is taken. */
struct plan_link {
	uint32_t process; /* slot */
	int32_t fd;
	bool doubtful; /* of a table that is stale, or not said to be held: only where nothing else is known */
	uint64_t inode;
};

struct plan {
	uint64_t own;		   /* whose tables are net/; 0: not known which it is */
	bool *in_tree;		   /* processes, by slot, that have a directory: of two with one number the first */
	struct plan_space *spaces; /* by number */
	size_t n_spaces;
	struct plan_link *links; /* by process, then fd */
	size_t n_links;
};

/* own: 0 where it is not known; then it is that of the first table. 0 or -ENOMEM, and then release it, too. */
int plan_make(struct plan *plan, const struct skt_snapshot *snapshot, uint64_t own);
void plan_release(struct plan *plan);

/* A namespace with tables, other than the own: who lends it, 0 for nobody; and whether there is one of this number. */
uint32_t plan_lender(const struct plan *plan, uint64_t net_namespace);

#endif
