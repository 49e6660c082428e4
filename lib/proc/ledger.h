/* SPDX-License-Identifier: MIT */
#ifndef PROC_LEDGER_H
#define PROC_LEDGER_H

#include "base/map.h"
#include "proc/look.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What is known of processes from one look to the next: which there are, which descriptors each has open and which
 * of them are sockets, and who it is. With it a look need not read what it knows already.
 *
 *	ledger ----> processes (by pid) ----> links (by fd): inode of the socket, 0 where it is none
 *
 * A process of which something is known is held by a handle on its directory, which cannot come to mean another:
 * once it is gone the handle says so, whoever has the number by then. Where there is no handle to be had
 * (RLIMIT_NOFILE) its start time is compared at every look; nothing that is known of a process is ever told of another.
 *
 * Of a tree of files nothing is kept but who was in the snapshot before: it is read anew at every look.
 */
struct ledger_link {
	uint64_t inode; /* of the socket; 0: no socket */
	uint32_t row;	/* the number of that inode among those of the tables (owners.h), or one of these: */
	int32_t fd;
};

#define LINK_NONE   MAP_NONE	   /* in no table, and has no place in one that is read */
#define LINK_LOST   (MAP_NONE - 1) /* was in one, and is in none now: closed, most likely, and not asked since */
#define LINK_UNREAD (MAP_NONE - 2) /* the descriptor is there; what it is has not been read yet */
/* And of a socket that is in no table it may be asked whether it should be in one (unlisted.h): */
#define LINK_NEW     (MAP_NONE - 3) /* it was not there when it was read: its row, if it has one, is in the next look */
#define LINK_STRANGE (MAP_NONE - 4) /* nor was it in the next look: it is to be asked */
#define LINK_IDLE    (MAP_NONE - 5) /* it need not be in one now, but may come into one: asked again with its fd */
#define LINK_ROWS    LINK_IDLE	    /* below: a number */

/*
 * Whether its socket has gone from the tables, or was in none of two: most likely it was closed, and others may have
 * its number.
 */
static inline bool link_is_lost(const struct ledger_link *link)
{
	return link->row == LINK_LOST || link->row == LINK_STRANGE;
}

/* Some of them, of a process that is being read (links.h). */
struct link_list {
	struct ledger_link *links;
	size_t n, room;
};

struct ledger_process {
	uint32_t pid;
	bool visited; /* links are what all of its descriptors were when last asked */
	bool denied;
	bool zombie;	 /* its links are those of its threads: they may have the same fd more than once */
	bool no_process; /* a file of a tree */
	bool identified; /* identity is who it is; its strings are those of the ledger's table */
	bool listed;	 /* was in a snapshot */
	bool added;	 /* is in the one that is being filled, in `slot` */
	bool looked_at;	 /* in this look */
	bool has_start;
	bool strange;	 /* some of its links are */
	bool same_entry; /* its directory's entry is the same as in the look before */
	int handle;	 /* its directory, or -1 */
	uint64_t entry;	 /* inode of its directory as the kernel lists it: another one, and it may be another process */
	uint64_t start_time; /* if has_start: known without a handle */
	uint32_t count;	     /* descriptors open, as its directory says (Linux 6.2) */
	uint32_t closed;     /* how many of its lost links this look found closed, even if the number was taken again */
	uint32_t moved;	     /* the look in which one of its descriptors was last found to be another, or closed */
	uint32_t asked;	     /* the look in which the last of its links was asked */
	uint32_t round;	     /* the last round of the audit in which every link was asked */

	struct ledger_link *links; /* by fd */
	size_t n_links, room_links;
	size_t n_sockets;

	struct skt_process identity;
	uint64_t mark;	       /* what execve(2) changes of stat(5), as identity was read */
	int64_t identified_at; /* boot time */
	uint32_t slot;
};

struct ledger {
	struct ledger_process *processes;
	size_t n_processes, room_processes;
	struct ledger_process *other; /* the array that is filled while processes come and go */
	size_t room_other;
	struct link_list scratch;   /* the same for links */
	struct skt_strtab *strings; /* of all identities; one reference */

	size_t n_handles, max_handles;
	bool *is_handle; /* of our own descriptors, by number */
	size_t room_is_handle;
	uint32_t self; /* our own pid in this /proc; 0: not in it */
	bool counts;   /* the kernel says how many descriptors are open */
	struct names names;
	struct names threads;
};

void ledger_init(struct ledger *ledger, const struct tree *tree);
void ledger_release(struct ledger *ledger);

/*
 * Bring the processes into line with those that the tree lists: those that are gone are dropped with all that was
 * known, new ones added, not visited yet. On a live one each handle is asked whether its process still exists, and how
 * many descriptors it has open. 0, -ENOMEM, or why processes cannot be listed (then there are none).
 */
int ledger_begin(struct ledger *ledger, struct look *look);

/* The place of the first process from this pid on. */
size_t ledger_from(const struct ledger *ledger, uint32_t pid);

/* The process of this number, or NULL. */
struct ledger_process *ledger_find(struct ledger *ledger, uint32_t pid);

/* Whether it is known to hold what stands in a table. */
bool ledger_is_holder(const struct ledger_process *process);

/* Forget all that is known of it but its number. */
void ledger_forget(struct ledger *ledger, struct ledger_process *process);

/*
 * The directory of a process, to read from: its handle, or opened anew, and then it is known to be the same process as
 * before. A descriptor for ledger_close(), or a negative errno: -ESRCH where it is gone or another has its number.
 */
int ledger_open(struct ledger *ledger, struct look *look, struct ledger_process *process);

/*
 * Done with it: kept as the process's handle if there is something to hold it for, or closed. 0, or -ESRCH where it
 * went meanwhile.
 */
int ledger_close(struct ledger *ledger, struct look *look, struct ledger_process *process, int dir);

/* A descriptor beneath dir, as tree_open(); when none are left some handles are given up for it. */
int ledger_open_at(struct ledger *ledger, struct look *look, int dir, const char *path, unsigned flags);

/* Make the table of the look's snapshot that of all identities. 0, -ENOMEM or -E2BIG (then nobody is identified). */
int ledger_translate(struct ledger *ledger, struct look *look);

#endif
