/* SPDX-License-Identifier: MIT */
#ifndef INSIDE_H
#define INSIDE_H

#include "guard.h"

/*
 * sockreplay --mount: COMMAND in mount, network and process namespaces of its own, with a tree over /proc.
 *
 *	keeper			has made the namespaces, and is in all but the last
 *	  init			process 1 there; lays the tree over /proc, reaps, hands on signals
 *	    COMMAND
 *
 *	/proc			a tmpfs with the tree; `self` and `thread-self` are links to
 *	/proc/.real		procfs, of these processes only
 *
 * Where /proc/net and netlink lead, there are no sockets but those that COMMAND makes. When the init ends, or is
 * killed, the kernel kills the others and drops the mounts. Without privilege there is a user namespace too, in which
 * users stay who they are.
 */
struct inside {
	/* Write the tree into this directory. Called in the init. */
	int (*write)(void *data, int dirfd, struct skt_err *err);
	void *data;
	char **argv;
};

/* Run it; returns the exit status. For a keeper. */
int inside_run(struct guard *guard, const struct inside *inside);

#endif
