/* SPDX-License-Identifier: MIT */
#ifndef PROC_WRITTEN_H
#define PROC_WRITTEN_H

#include "proc/look.h"
#include "proc/meta_tree.h"

/*
 * A tree that was written of a snapshot, with .skt-meta, as it is captured:
 *
 *	rc = written_read(&written, ...);		what the file says of the look
 *	snapshot = written_begin(&written, &look);	the look is taken of the tree as of any other
 *	rc = written_end(&written, ..., snapshot);	and put right
 */
struct written {
	bool fresh;		   /* it is being written, and has none yet */
	bool there;		   /* it has one */
	struct skt_buf file;	   /* that */
	struct meta meta;	   /* and how far it was read */
	struct meta_head head;	   /* what it says, */
	struct skt_place place;	   /* too */
	struct told on_the_way;	   /* and what was told on the way to its snapshot */
	struct skt_snapshot plain; /* what the tree itself says; initialised if it has strings */
};

void written_init(struct written *written, bool fresh);
void written_release(struct written *written);

/*
 * Read .skt-meta as far as its head and place, if there is one, through `text`. 0, or what is wrong with it, with err
 * filled.
 */
int written_read(struct written *written, const struct tree *tree, struct skt_buf *text, struct skt_err *err);

/* The look becomes one of the plain tree. Its own snapshot through ret, for written_end(). 0 or -ENOMEM. */
int written_begin(struct written *written, struct look *look, struct skt_snapshot **ret);

/*
 * Make the snapshot what the tree was written of; own is the tree's own namespace. 0, or what is wrong, with err filled
 * where that is -EBADMSG.
 */
int written_end(struct written *written, struct look *look, struct skt_snapshot *ret, uint64_t own,
		struct skt_err *err);

#endif
