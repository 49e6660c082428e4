/* SPDX-License-Identifier: MIT */
#ifndef SKT_STEP_H
#define SKT_STEP_H

#include <skt/err.h>
#include <skt/snapshot.h>

/*
 * A step: what turns one snapshot into the next. skt_match() finds it, skt_apply() takes it, a recording stores
 * it, and what the tools show of change is read from it. Slots are those of the snapshot it is applied to;
 * strings are ids of that snapshot's table.
 */

/* Stored; never reused. */
enum skt_change {
	SKT_PRESENT = 1, /* there when its table was read for the first time */
	SKT_OPENED = 2,
	SKT_CLOSED = 3,
	SKT_CHANGED = 4,
	SKT_LOST = 5, /* its namespace can no longer be read */
};

const char *skt_change_name(unsigned change);

struct skt_sock_change {
	uint8_t change;		/* enum skt_change */
	uint32_t slot;		/* where the row is, or will be */
	uint32_t fields;	/* for SKT_CHANGED: SKT_BIT(enum skt_field) */
	int64_t after;		/* it happened after this instant (INT64_MIN: no bound) ... */
	int64_t until;		/* ... and until this one */
	struct skt_sock before; /* filled by apply; its owners lie in the snapshot */
	struct skt_sock now;	/* its owners lie in the step, and from apply on in the snapshot */
};

/* What happened to who holds a socket, as far as its owners tell. */
enum skt_hands {
	SKT_HANDS_SAME,
	SKT_HANDS_ACCEPTED, /* nobody's, in a backlog; now held */
	SKT_HANDS_FOUND,    /* it was not known who holds it; now it is, and may have been so before */
	SKT_HANDS_SHARED,   /* more processes hold it: it was inherited over fork(2), or handed on and kept */
	SKT_HANDS_PASSED,   /* a process holds it that did not, and one that did does no more */
	SKT_HANDS_RELEASED, /* fewer processes hold it, or nobody that can be found */
	SKT_HANDS_MOVED,    /* the same processes, by other descriptors */
	SKT_HANDS_ORPHANED, /* closed by all; the kernel still has it (FIN_WAIT, TIME_WAIT, ...) */
};

/* "accepted", "found", ...; NULL where they are the same. */
const char *skt_hands_name(unsigned hands);

enum skt_process_change_kind {
	SKT_PROCESS_APPEARED = 1,
	SKT_PROCESS_EXEC = 2, /* exe or command line differ, with whatever else does */
	SKT_PROCESS_CHANGED = 3,
	SKT_PROCESS_EXITED = 4,
};

const char *skt_process_change_name(unsigned change);

struct skt_process_change {
	uint8_t change;
	uint32_t slot;
	uint32_t fields;	   /* SKT_BIT(enum skt_process_field) */
	struct skt_process before; /* filled by apply */
	struct skt_process now;
};

/* A table that is new, gone, or says something else than before. Its order is told by edits. */
struct skt_table_change {
	uint32_t slot;
	bool raw_changed;     /* now.raw replaces the raw lines */
	struct skt_table now; /* order and n_rows unused; raw owned by the step */
};

/* A row whose timer was read a tick or so off its held instant: no change, but needed to give the line back. */
struct skt_timer_off {
	uint32_t slot;
	int32_t off;	/* ticks; not 0 */
	bool changed;	/* filled by apply: the row is among the changes as well */
	int64_t before; /* filled by apply: the instant from which it was pulled */
};

/*
 * The new order of one table, from its old one, which rows that closed or were lost have left by themselves: keep
 * rows, drop rows (that moved), then put rows taken from step->puts in turn (opened, or moved); repeated. Rows after
 * the last edit are kept.
 */
struct skt_order_edit {
	uint32_t table;
	uint32_t keep;
	uint32_t drop;
	uint32_t put;
};

/*
 * A change whose interval is an instant, from a source that is told rather than looks (the kernel's notice that a
 * socket was destroyed, say). It stands beside the changes that looking finds, and applying a step takes nothing from
 * it.
 */
enum skt_event_field {
	SKT_E_BYTES_SENT,
	SKT_E_BYTES_RECEIVED,
	SKT_E_RTT,
	SKT_E_RETRANSMITS,
	SKT_E_DURATION,
	SKT_E_INODE,
	SKT_E_REMOTE_PORT, /* a reset by this end loses it */
	SKT_E_UID,	   /* the notice does not have it: known where the row is */
	/* no value: a look had seen it, but its row has closed, with this step or one before, and has no slot here */
	SKT_E_LATE,
};

#define SKT_NO_SLOT UINT32_MAX

/*
 * Processes of one step that began and ended within it, at most, and so never held a socket at a look: as many as are
 * worth reading by a person. A host that makes thousands a second has most of them from one program, and each is a slot
 * until its group ends.
 */
#define SKT_LIVED_MAX 1024

/* Events of one step: half of the sockets that a host may have, closed within a tick. */
#define SKT_EVENTS_MAX (1u << 20)

struct skt_event {
	int64_t when;	/* ns since 1970; a notice that comes while a snapshot is taken may be after the step's time */
	uint8_t source; /* enum skt_source */
	uint8_t change; /* enum skt_change */
	uint8_t state;
	uint32_t slot; /* the row it is about; SKT_NO_SLOT: one that no look has seen, but for SKT_E_LATE */
	uint32_t table;
	uint8_t local_address[16]; /* as in struct skt_sock */
	uint8_t remote_address[16];
	uint16_t local_port;
	uint16_t remote_port;
	uint32_t uid;
	uint32_t has; /* SKT_BIT(enum skt_event_field) */
	uint64_t inode;
	uint64_t bytes_sent;
	uint64_t bytes_received;
	uint64_t duration_us;
	uint32_t rtt_us;
	uint32_t retransmits;
	uint32_t late_us; /* it may have happened up to so long before `when`, which is when it was heard */
};

struct skt_step {
	/* of the snapshot it leads to */
	uint64_t number;
	int64_t time;
	int64_t end;
	int64_t boottime;
	uint32_t missed;
	struct skt_quality quality;
	int64_t from;	/* time of the snapshot it starts from; INT64_MIN: it starts from nothing */
	bool unordered; /* edits were not read: the snapshot's tables will have no order */

	struct skt_table_change *tables; /* by slot, each once */
	size_t n_tables;
	struct skt_process_change *processes;
	size_t n_processes;
	struct skt_sock_change *socks;
	size_t n_socks;
	struct skt_timer_off *timers; /* by slot, each once */
	size_t n_timers;
	struct skt_order_edit *edits; /* by table */
	size_t n_edits;
	uint32_t *puts;
	size_t n_puts;
	struct skt_owner *owners;
	size_t n_owners;
	struct skt_user *users; /* names not known before */
	size_t n_users;
	struct skt_event *events; /* by instant */
	size_t n_events;

	/* room taken in each array; private to lib/model */
	size_t room_tables, room_processes, room_socks, room_timers, room_edits, room_puts, room_owners, room_users,
		room_events;
};

void skt_step_init(struct skt_step *step);
void skt_step_release(struct skt_step *step);
void skt_step_clear(struct skt_step *step);

/*
 * Of a change, after it was applied to the snapshot: what happened to who holds the socket. A look that did not find
 * its holders says nothing of them, nor does the next one that finds them where they were. SKT_HANDS_SAME for a change
 * that is not SKT_CHANGED.
 */
enum skt_hands skt_change_hands(const struct skt_snapshot *snapshot, const struct skt_sock_change *change);

/*
 * Whether nothing happened to the socket but that it aged, counted, or was looked at better or worse: queues, timers,
 * retransmits, windows, references, drops, the pointer, and how complete the list of owners is. Not quiet is what
 * opened, closed or was lost, another state, uid or inode, and other hands. What was there at the first look is not
 * quiet either.
 */
bool skt_change_is_quiet(const struct skt_snapshot *snapshot, const struct skt_sock_change *change);

/*
 * Of a change of a process, after it was applied to the snapshot: whether no look has seen it, for it began and ended
 * between two, and a source that is told had to say so.
 */
bool skt_change_is_lived(const struct skt_snapshot *snapshot, const struct skt_process_change *change);

/*
 * Which fields of a changed row differ, SKT_BIT(enum skt_field): each column that came or went in place of SKT_F_HAS.
 */
uint32_t skt_change_fields(const struct skt_sock_change *change);

/*
 * Whether the same was told with both steps, each applied to its snapshot: the same events, of rows that are listed,
 * went or are not known in both, and the same processes that no look has seen. why: where they differ, NULL or a
 * buffer.
 */
bool skt_told_equal(const struct skt_snapshot *a, const struct skt_step *a_step, const struct skt_snapshot *b,
		    const struct skt_step *b_step, char *why, size_t why_size);

/* Scratch memory that is kept from one match to the next, and the seed of its hashes (from getrandom(2), say). */
struct skt_matcher;
struct skt_matcher *skt_matcher_new(uint64_t seed);
void skt_matcher_free(struct skt_matcher *matcher);

/*
 * The step from old to now, by the identity rules:
 *
 *   - The same table, ends and inode are the same socket; equal `sk` goes first, then order, so
 *     that twins (SO_REUSEPORT, UDP) are told apart.
 *   - The same ends with one inode zero are the same connection (it was accepted, or orphaned), unless
 *     two candidates exist and no equal non-zero `sk` decides between them. It is lost only into a state that close(2)
 *     leads to, and gained only by what may wait in a backlog. Nothing follows TIME_WAIT but itself, and it goes first
 *     there.
 *   - A table that could not be read this time keeps its rows, stale, and yields no changes.
 *   - A row that lost its inode keeps its owners, carried.
 *   - A timer's instant is held while its count is no further off than a tick and the time from the snapshot's
 *     instant until its table was read, now or the last time, and pulled to where it agrees (skt_sock_pull_timer()).
 *
 * Strings of now that old lacks are added to old's table (which may be now's own); old is otherwise as
 * before. from_nothing says that old is no snapshot: rows are `present`, not `opened`. 0, -ENOMEM or
 * -E2BIG.
 */
int skt_match(struct skt_matcher *matcher, struct skt_snapshot *old, const struct skt_snapshot *now, bool from_nothing,
	      struct skt_step *ret);

/*
 * Take the step: the snapshot becomes the one it leads to, and the step's changes get their `before`. A step from
 * a recording is hostile: one that does not fit (-EBADMSG) leaves the snapshot unusable but released safely.
 */
int skt_apply(struct skt_snapshot *snapshot, struct skt_step *step, struct skt_err *err);

#endif
