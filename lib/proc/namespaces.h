/* SPDX-License-Identifier: MIT */
#ifndef PROC_NAMESPACES_H
#define PROC_NAMESPACES_H

#include "proc/look.h"
#include "proc/residents.h"

/*
 * The network namespaces of a host: the one that is the tree's own (net/ shows it), and every other that some process
 * or thread lives in. In each of those one who lives there is the lender: his net/ shows its tables. He is asked at
 * each look where he lives, and when he has gone or moved another is looked for (lib/proc/residents.h). Once it is
 * certain that nobody is left the namespace is forgotten, and its tables are missing from the snapshot.
 *
 * Its number, an inode, is given to the next namespace within a second (measured), so it is pinned: a descriptor of
 * ns/net keeps it from being used again as long as it is known here, and is closed when nobody lives in it any more;
 * the host does not keep a namespace for us longer than until the next look. Without a descriptor to spare there is no
 * pin, and then a namespace ends with its lender: who comes after him under that number may be another one.
 */
struct netns {
	uint64_t inode;	 /* 0: the tree does not tell its own */
	uint32_t pid;	 /* the lender; 0: none is known */
	uint32_t thread; /* his thread that lives there; 0: he himself */
	int pin;	 /* -1: none */
	uint64_t id;	 /* with a pin: by which the kernel tells it from all others (netns_id()) */
	bool own;	 /* its tables are those under net/ */
	uint32_t seen;	 /* tables that were there once: 1 << enum skt_table_kind */
	int64_t read_at; /* boot time at which they were read last; INT64_MIN: never */
	int64_t cost;	 /* ns that it took */
	bool dead;	 /* it had no pin, and has no lender any more: it is forgotten at the end of this look */
	uint64_t round;	 /* without a lender: that which has to end without one, too */
};

/* Half of the tables that a snapshot may have (SKT_TABLES_MAX); a host full of containers has some hundred. */
#define NETNS_MAX (SKT_TABLES_MAX / SKT_TABLE_KINDS / 2)

struct namespaces {
	struct netns *list; /* its own first, the others in the order in which they were found */
	size_t n, room;
	size_t without;	   /* those that wait for a lender */
	uint32_t pins;	   /* that are open */
	uint32_t pins_max; /* that may be */
	struct residents residents;
};

void namespaces_init(struct namespaces *all);
void namespaces_release(struct namespaces *all);

/* Begin with the tree's own namespace, of this number (0: the tree does not tell). 0 or -ENOMEM. */
int namespaces_begin(struct namespaces *all, const struct tree *tree, uint64_t own);

/*
 * Bring the list up to date, where the options say that all are wanted and the tree tells which is its own. How many
 * processes may live in a namespace that is not in it goes to the snapshot's quality. 0 or -ENOMEM.
 */
int namespaces_look(struct namespaces *all, struct look *look);

/*
 * Somebody lives in the namespace of this number, as the link at path shows: pid, or a thread of his (0: he himself).
 * It is in the list from now on, and has a lender. 0, -ENOMEM, -E2BIG where there are NETNS_MAX, or what is wrong with
 * the link.
 */
int namespaces_take(struct namespaces *all, const struct look *look, uint32_t pid, uint32_t thread, const char *path,
		    uint64_t inode);

/* What its tables are read from: the path of the directory that has net/ in it, "" for the tree's root. */
#define NETNS_PATH_SIZE 32
void netns_path(const struct netns *netns, char path[NETNS_PATH_SIZE]);

/* The number in a link ns/net: 0, or what is wrong (-ENOENT, too, where it is none). */
int netns_read(const struct look *look, int dir, const char *path, uint64_t *ret);

/*
 * The number that a namespace, open at fd, never shares with another (Linux 6.18), which for one of the network is what
 * SO_NETNS_COOKIE says of its sockets; or 0.
 */
uint64_t netns_id(int fd);

/*
 * Whether that directory (a handle) shows the namespace at this moment. It is asked before and after a file in it is
 * opened, so that neither a number that came to mean another process nor a setns(2) lends the name of one namespace to
 * the tables of another.
 */
bool netns_is_there(const struct netns *netns, const struct look *look, int dir);

#endif
