/* SPDX-License-Identifier: MIT */
#ifndef PROC_RESIDENTS_H
#define PROC_RESIDENTS_H

#include "proc/look.h"

/*
 * Who is asked where he lives (lib/proc/namespaces.h), and when. Nothing lists the network namespaces of a host, so
 * processes are asked for ns/net:
 *
 *	at the first look	all of them, and the threads of those that have more than one;
 *	at each look		those that are new, until they are two seconds old: who is born into one namespace
 *				moves on to another first thing (ip-netns(8), container runtimes);
 *	once per full_walk	all of them again, a slice at each look: somebody old may move, too;
 *	when one is empty	those who were seen there, then everybody, as fast as the budget allows: only a whole
 *				round that finds nobody says that nobody is left.
 */

/* A process, as it was when it was asked last. */
struct resident {
	uint32_t pid;
	uint8_t asked; /* at how many looks since it was seen first, up to a few */
	bool denied;   /* where it, or a thread of it, lives may not be known */
	int64_t since; /* boot time at which it was seen first */
	uint64_t inode;
};

struct residents {
	struct resident *list, *listed; /* of this look, and room for the next one's; by pid */
	size_t n, room, room_listed;
	struct names processes;
	struct names threads;
	uint64_t own;	   /* the tree's own namespace */
	uint64_t own_file; /* inode of a file by which who may not be asked is seen to live there; 0 unknown */
	uint64_t round;	   /* of asking everybody: the one that is under way */
	uint32_t next;	   /* pid from which it goes on; 0: it has not begun */
	int64_t last;	   /* boot time of the look before */
	bool begun;	   /* there was one */
};

struct namespaces;

void residents_init(struct residents *residents);
void residents_release(struct residents *residents);

/* The tree's own namespace has this number. */
void residents_begin(struct residents *residents, const struct tree *tree, uint64_t own);

/*
 * Find out who is there, now in boot time. Where processes cannot be listed those of the look before stay. 0 or
 * -ENOMEM.
 */
int residents_list(struct residents *residents, const struct look *look, int64_t now);

/* Ask all who are to be asked at this look; namespaces_take() learns where they live. 0 or -ENOMEM. */
int residents_ask(struct namespaces *all, const struct look *look, int64_t now);

/* The round that has to end before everybody will have been asked after this moment. */
uint64_t residents_next_round(const struct residents *residents);

/* How many may live in a namespace that is not known. */
uint32_t residents_denied(const struct residents *residents, const struct look *look);

#endif
