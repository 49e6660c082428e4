/* SPDX-License-Identifier: MIT */
#ifndef PROC_UNLISTED_H
#define PROC_UNLISTED_H

#include "proc/ledger.h"
#include "proc/look.h"
#include "proc/namespaces.h"
#include "proc/owners.h"

/*
 * Sockets that a process holds and no table shows. Most have no place in one: they are of another protocol, or new and
 * not bound yet, or closed by the other end, for the kernel lists a TCP socket while it listens or is connected, and a
 * UDP socket while it is bound. So a socket is asked, once it was missing in the look that found it and in the one
 * after it (LINK_STRANGE):
 *
 *	1. its protocol: system.sockprotoname of the descriptor (Linux 6.13 has a call that needs no path for it). Most
 *	   that are in no table are unix sockets, and nothing more is done to them.
 *	2. whether it is in use, and in which namespace: of a copy of the descriptor (pidfd_getfd(2), Linux 5.6, for who
 *	   may trace the process), which is closed at once. Nothing else tells. The namespaces that are known are told
 *	   apart by what their sockets call them (netns_id(), Linux 6.18); before that one that is not our own tells its
 *	   number to CAP_NET_ADMIN only, and without it sockets of others are left alone.
 *	3. One that is in use is a suspect. That the tables did not show it may still be because they were read before
 *	   it was bound, and a table that is read while others change can lack a row. So its table has to be read twice
 *	   more without it. Then it is asked again, at each look: if it is the same socket and still in use, it is a
 *	   finding.
 *
 * Nothing is known of sockets that cannot be asked, and nothing is said of them.
 */
struct suspect {
	uint64_t inode;
	uint64_t net_namespace;
	uint32_t pid;
	int32_t fd;
	uint8_t kind;	/* enum skt_table_kind */
	uint8_t misses; /* how often its table was read without it, since it was found to be in use */
};

/* Who hides more than these is found by these. The others wait until there is room. */
#define SUSPECTS_MAX 64

struct unlisted {
	struct suspect list[SUSPECTS_MAX];
	size_t n;
	uint64_t own_cookie; /* how sockets name our network namespace; 0: not known */
	bool ids;	     /* that is what netns_id() says */
	bool begun;
};

/* After the walk: ask whom it is time to ask. The first of the namespaces is the tree's own. */
void unlisted_look(struct unlisted *unlisted, const struct namespaces *all, struct look *look, struct ledger *ledger,
		   const struct owners *owners);

#endif
