/* SPDX-License-Identifier: MIT */
#ifndef SKT_SNAPSHOT_H
#define SKT_SNAPSHOT_H

#include <skt/buf.h>
#include <skt/process.h>
#include <skt/sock.h>
#include <skt/strtab.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A snapshot: everything known at one instant. It owns all that is in it.
 *
 *	tables ---- order ----> socks ---- first_owner, n_owners ----> owners ---- process ----> processes
 *	(kernel's   (slots)     (slots)                                (runs)                    (slots)
 *	 order)
 *
 * A socket or process stays in its slot while it lives, so a step can name it by number and is applied
 * in place. Slots, owner runs and strings that are no longer used stay behind until
 * skt_snapshot_compact(), which renumbers everything.
 */

/* Where a table's rows, or an event, come from. Stored; never reused. */
enum skt_source {
	SKT_SOURCE_PROC = 1,
	SKT_SOURCE_DESTROY = 2, /* the kernel's notice that a socket was destroyed (sock_diag(7)) */
};

enum skt_table_status {
	SKT_TABLE_UNKNOWN, /* never read: its rows are not known (and not none) */
	SKT_TABLE_FRESH,   /* read for this snapshot */
	SKT_TABLE_STALE,   /* its rows are those of the last good read, at read_time */
};

const char *skt_table_status_name(unsigned status);

/* A line that is no row, kept as it stood. */
struct skt_raw_line {
	uint32_t before; /* how many rows of the table's order stand before it */
	uint32_t text;	 /* string id, without the newline */
};

/* One table of one network namespace. */
struct skt_table {
	uint8_t kind; /* enum skt_table_kind */
	uint8_t source;
	uint8_t status;
	bool gone;		/* the slot is free */
	uint64_t net_namespace; /* inode; 0 unknown */
	uint32_t heading;	/* string id: the first line, without the newline */
	int32_t error;		/* negative errno of the read that failed, 0 when it did not */
	int64_t read_time;	/* ns since 1970: when its rows were read last; 0 never (skt_time_known()) */
	uint32_t read_us;	/* how long that took */
	uint32_t duplicates;	/* rows dropped because the same was read before */
	uint32_t malformed;	/* lines that are no row: those kept raw and those over the limit */
	uint32_t *order;	/* slots of its rows, in the kernel's order */
	size_t n_rows;
	struct skt_raw_line *raw;
	size_t n_raw;
};

/* How complete the look for owners was. Stored; never reused. */
enum skt_walk {
	SKT_WALK_NONE,
	SKT_WALK_FULL,	  /* every descriptor of every process was read */
	SKT_WALK_PARTIAL, /* by need: those of new processes, what changed, and a part of the others */
};

/* What a healthy host seldom shows: a fact, and no alarm. Stored; never reused. */
enum skt_finding_kind {
	/* something is mounted over /proc/PID or a part of it: what is read there may be another's */
	SKT_FINDING_MOUNT = 1,
	/* pid holds by fd a socket that is in use, and is in no table of its network namespace */
	SKT_FINDING_UNLISTED = 2,
	SKT_FINDING_UNHELD = 3, /* `unheld`, and a complete look after those that say so found nobody either */
};

struct skt_finding {
	uint8_t kind;  /* enum skt_finding_kind */
	uint8_t table; /* enum skt_table_kind; 0 for a mount, as are inode and net_namespace */
	uint32_t pid;  /* 0: nobody's */
	int32_t fd;    /* -1: none */
	uint64_t inode;
	uint64_t net_namespace;
};

/* Of one snapshot. Each is a line for a person; a host that has more of them has one cause for all. */
#define SKT_FINDINGS_MAX 16

struct skt_quality {
	uint8_t walk;	     /* enum skt_walk */
	uint32_t processes;  /* whose descriptors were looked at, all or some */
	uint32_t links;	     /* descriptors read in this look */
	uint32_t denied;     /* processes whose descriptors could not be read */
	uint32_t vanished;   /* processes that exited during the look */
	uint32_t unsearched; /* processes that the look did not reach */
	uint32_t malformed;  /* files of processes that do not read as the kernel writes them */
	uint32_t walk_us;
	uint32_t netns_denied; /* processes that may live in a network namespace which is not known */
	/* ns since 1970: every descriptor was read since then at least once; 0: not all were yet */
	int64_t checked_since;

	/*
	 * How far the events of the step that led here (struct skt_event) are all there were: of the sockets of these
	 * tables, in all namespaces of the snapshot but the deaf ones, each that went since the snapshot before was
	 * told of, unless it went while something was lost.
	 */
	uint32_t events_tables;	   /* 1 << enum skt_table_kind for each; 0: nobody listened */
	uint32_t events_deaf;	   /* namespaces that were not listened to, or not for all of that time */
	int64_t events_lost_since; /* ns since 1970: more was told than could be taken after this instant ... */
	int64_t events_lost_until; /* ... and until this one; both 0: nothing was lost */

	/*
	 * Processes that began and ended since the snapshot before (skt_change_is_lived()): whether the kernel tells of
	 * them, and whether the step that led here has all there were.
	 */
	bool lived_told;
	bool lived_lost;     /* more were told of than could be taken: nobody knows how many are missing */
	uint32_t lived_more; /* that had no room (SKT_LIVED_MAX) */

	uint32_t n_findings;
	uint32_t more_findings; /* that had no room in the list */
	struct skt_finding findings[SKT_FINDINGS_MAX];
};

/* Put one into the list, or count it where the list is full. */
void skt_quality_add(struct skt_quality *quality, const struct skt_finding *finding);

bool skt_finding_equal(const struct skt_finding *a, const struct skt_finding *b);

/* As a person reads it: one line without its end. */
void skt_finding_text(const struct skt_finding *finding, struct skt_buf *out);

/*
 * An instant where 0 stands for one that is not known: what was read in the nanosecond at which 1970 begins was read in
 * the next one.
 */
static inline int64_t skt_time_known(int64_t when)
{
	return when ? when : 1;
}

struct skt_snapshot {
	uint64_t number;  /* in its recording, from 1; 0 outside one */
	int64_t time;	  /* ns since 1970: the instant before the first table was read */
	int64_t end;	  /* the instant after the last read */
	int64_t boottime; /* CLOCK_BOOTTIME at `time`, ns; `time` itself where there is no such clock */
	uint32_t missed;  /* ticks missed since the snapshot before */
	struct skt_quality quality;

	struct skt_strtab *strings;
	struct skt_table *tables;
	size_t n_tables;
	struct skt_sock *socks;
	size_t n_socks; /* slots, free ones included */
	struct skt_owner *owners;
	size_t n_owners;
	struct skt_process *processes;
	size_t n_processes;	/* slots, free ones included */
	struct skt_user *users; /* by uid, each once */
	size_t n_users;

	/* room taken in each array; private to lib/model */
	size_t room_tables, room_socks, room_owners, room_processes, room_users;
	size_t live_socks; /* rows, free slots not counted */
	struct skt_tables_known *tables_known;
	uint64_t walked, moved; /* by the steps since it was empty: see SKT_WALKED_MAX */
};

/*
 * Limits on what the snapshots of a group hold, slots that are free again and runs of owners that are no longer used
 * included: what a host of two million sockets needs. In memory a snapshot may hold twice as much (SKT_SNAPSHOT_TIMES),
 * for while it takes the step to another group's first snapshot it has all of both.
 */
#define SKT_SOCKS_MAX	   (1u << 21)
#define SKT_TABLES_MAX	   65536      /* eight for each of 8192 namespaces */
#define SKT_PROCESSES_MAX  (1u << 20) /* each of which holds two of those sockets */
#define SKT_OWNERS_MAX	   (1u << 23) /* four of each socket */
#define SKT_RAW_MAX	   (1u << 20) /* of all tables together */
#define SKT_USERS_MAX	   65536
#define SKT_SNAPSHOT_TIMES 2

/*
 * Limits on what the steps of a group cost beyond what they say. A step of a few bytes that puts a row into the order
 * of a table walks along all its rows, and one that names a user along all users: two million rows each second for a
 * minute. A row that moves is dropped by a count, and may stand anywhere in memory: all rows twice.
 */
#define SKT_WALKED_MAX (UINT64_C(1) << 27)
#define SKT_MOVED_MAX  (UINT64_C(1) << 22)

/* Whether it holds more than a group may, after a step was applied to it. A recorder begins another then. */
bool skt_snapshot_is_over(const struct skt_snapshot *snapshot);

/*
 * Empty, with a string table of its own (one reference to strings is taken; NULL: a new one with this seed). 0 or
 * -ENOMEM.
 */
int skt_snapshot_init(struct skt_snapshot *snapshot, struct skt_strtab *strings, uint64_t seed);
void skt_snapshot_release(struct skt_snapshot *snapshot);

/* Empty, memory kept, with a reference to strings in place of the table it had. */
void skt_snapshot_clear(struct skt_snapshot *snapshot, struct skt_strtab *strings);

/* Fill: each adds one and returns its slot through ret, or -ENOMEM or -E2BIG. Pointers into the array move. */
int skt_snapshot_add_table(struct skt_snapshot *snapshot, const struct skt_table *table, uint32_t *ret);
int skt_snapshot_add_sock(struct skt_snapshot *snapshot, const struct skt_sock *sock, uint32_t *ret);
int skt_snapshot_add_process(struct skt_snapshot *snapshot, const struct skt_process *process, uint32_t *ret);
int skt_snapshot_add_owners(struct skt_snapshot *snapshot, const struct skt_owner *owners, size_t n,
			    uint32_t *ret_first);
int skt_snapshot_add_user(struct skt_snapshot *snapshot, uint32_t uid, uint32_t name);
int skt_table_add_raw(struct skt_table *table, uint32_t before, uint32_t text);

/* Set every table's order to its rows in slot order: for a snapshot that was filled in the kernel's order. */
int skt_snapshot_order(struct skt_snapshot *snapshot);

/* The process of this identity, or NULL. Linear: for tests and single questions. */
const struct skt_process *skt_snapshot_process(const struct skt_snapshot *snapshot, uint32_t pid, uint64_t start_time);

/* The user's name, or NULL where it is unknown; borrowed from the string table. */
const char *skt_snapshot_user(const struct skt_snapshot *snapshot, uint32_t uid, size_t *ret_len);

/*
 * Dense again: free slots, unused owner runs and unused strings are dropped, rows stand in slot order
 * table by table, and strings is a new table. Everything read from it before is void. 0, or -ENOMEM with nothing
 * changed.
 */
int skt_snapshot_compact(struct skt_snapshot *snapshot);

/* A dense copy with a string table of its own, given to the caller (init is not needed). 0 or -ENOMEM. */
int skt_snapshot_copy(const struct skt_snapshot *snapshot, struct skt_snapshot *ret);

/*
 * Only these rows (by slot; NULL: all) into ret, which is initialised, and emptied first; strings are shared with
 * snapshot. The processes that hold them go along, with their ancestors as far as they are there (with all rows, all
 * processes do), and everything else: tables, lines that are no rows, users, times and quality. For each of snapshot's
 * slots of rows ret_slots has the one in ret, UINT32_MAX where there is none. 0, -ENOMEM or -E2BIG.
 */
int skt_snapshot_pick(const struct skt_snapshot *snapshot, const bool *rows, struct skt_snapshot *ret,
		      uint32_t *ret_slots);

/*
 * Whether two snapshots say the same: the same times, quality, users, tables in the same order with the same rows in
 * the same order, fields, owners and processes. Slots and string ids may differ. Where they do not, why (unless NULL)
 * names the first difference.
 */
bool skt_snapshot_equal(const struct skt_snapshot *a, const struct skt_snapshot *b, char *why, size_t why_size);

#endif
