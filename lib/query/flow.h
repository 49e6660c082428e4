/* SPDX-License-Identifier: MIT */
#ifndef QUERY_FLOW_H
#define QUERY_FLOW_H

#include <skt/changes.h>
#include <skt/flow.h>

#include "query/listeners.h"
#include "query/lookup.h"

/*
 *	snapshot in force		flows
 *	  tables   -- place_of --->	  places	each table that there ever was, by namespace and kind
 *	  socks	   -- of_slot --->	  flows ------> kept.socks	rows of those that matched, as they were last
 *	  processes - life_of --->	  lives ------> kept.processes	images: a process and the program it ran
 *
 * Slots are the group's and are numbered anew at its border and after a hole; what they lead to stays. `kept` is a
 * snapshot only in that rows can be looked up in it: its tables are the places.
 */

#define NONE UINT32_MAX

/* A table that there was. */
struct place {
	int64_t last_read;   /* ns since 1970; 0 never */
	int64_t read_before; /* the read before that */
	uint64_t reads;
};

/* TCP goes through no more than ten of its states. */
#define FLOW_STATES 16

enum direction { DIRECTION_NONE, DIRECTION_UNKNOWN, DIRECTION_IN, DIRECTION_OUT, DIRECTION_LOCAL, DIRECTIONS };
enum flow_end { FLOW_STILL, FLOW_CLOSED, FLOW_LOST, FLOW_BROKEN, FLOW_ENDS };

struct flow {
	/*
	 * what each change of its row looks at, together: flows are many, and a line of the processor's cache is 64
	 * bytes
	 */
	uint64_t sk;
	uint64_t inode;
	uint32_t most_tx;
	uint32_t most_rx;
	uint32_t most_retransmits;
	uint32_t kept; /* slot in kept.socks; NONE: it has not matched */
	uint8_t states[FLOW_STATES];
	uint8_t n_states;
	uint8_t direction;
	uint8_t end;
	bool was_there;
	bool unknown;
	bool told;    /* an event told of its end: flows->events has it */
	bool closing; /* it is over, and an event that tells of it may still come */
	bool used;    /* else it is free */

	/* who it is */
	uint32_t place;
	uint16_t local_port;
	uint16_t remote_port;
	uint8_t local_address[16];
	uint8_t remote_address[16];

	const struct skt_flows *of;
	int64_t first_after; /* INT64_MIN: no bound */
	int64_t first_seen;
	int64_t last_seen;
	int64_t last_until;   /* INT64_MIN: no bound */
	int64_t stayed;	      /* the last snapshot that had it, be it that its table had been read for it or before */
	int64_t boottime;     /* of the snapshot at which its row was kept last */
	int64_t close_time;   /* by its TIME_WAIT timer; INT64_MIN: none */
	int64_t unknown_time; /* the first and last snapshot at which it was unknown whether it is meant */
	int64_t unknown_last;
	uint64_t reads_before; /* of its table, when it came */
	uint64_t seen;
	uint32_t gaps;
	uint32_t states_text;
	uint32_t behind; /* the skip that it was first seen behind, from 1; 0: none */
	uint32_t run;	 /* of candidates; NONE: there are none */
	uint32_t origin; /* that saw it last */
};

/* A run of the recorder's. */
struct origin {
	struct skt_origin of;
	uint32_t boot; /* the first origin of the same boot */
};

/* A run of candidates, while they are gathered. */
struct run {
	size_t first;
	uint32_t n;
	uint32_t more;
};

/* How long an owner was seen to hold it; beside each of kept.owners. */
struct hold {
	int64_t first; /* INT64_MIN: before it was looked at */
	int64_t last;  /* INT64_MAX: still; INT64_MIN: as first */
};

/* A process of the snapshot in force. */
struct life {
	uint32_t pid;
	uint64_t start_time;
	int64_t after;	   /* it appeared, or began the program that it runs, after this ... */
	int64_t until;	   /* ... and until this */
	int64_t last_seen; /* of one that has exited */
	int64_t last_until;
	bool was_there;
	bool changed;	/* it is another program, or otherwise another, since this step */
	uint32_t image; /* in kept.processes; NONE: not kept */
};

enum image_end { IMAGE_STILL, IMAGE_EXITED, IMAGE_EXEC, IMAGE_BROKEN };

/* One of kept.processes. */
struct image {
	int64_t first_after;
	int64_t first_seen;
	int64_t last_seen;
	int64_t last_until;
	uint64_t flows;	 /* how many it held */
	uint32_t parent; /* comm, a string of kept; NONE unknown */
	uint32_t origin; /* that saw it last */
	uint8_t end;
	bool was_there;
};

struct skt_flows {
	struct skt_flows_options options;
	bool counters; /* the filter asks for them */
	bool begun;
	bool ended;
	int64_t time; /* of the last snapshot */
	int64_t boottime;
	uint32_t boot; /* likewise, as in struct origin */

	struct origin *origins;
	size_t n_origins, room_origins;
	uint32_t origin; /* of the snapshot in force */

	struct skt_snapshot kept;
	struct hold *holds;
	size_t room_holds;
	struct image *images;
	size_t room_images;

	struct place *places;
	size_t room_places;
	struct lookup places_by_key;
	uint32_t *place_of;
	size_t n_place_of, room_place_of;

	struct flow *flows;
	size_t n_flows, room_flows;
	uint32_t *free;
	size_t n_free, room_free;
	uint32_t *of_slot;
	size_t n_of_slot, room_of_slot;
	uint32_t *next_of_slot; /* after a border, while it is made */
	size_t room_next_of_slot;

	struct life *lives;
	size_t n_lives, room_lives;
	struct life *old_lives; /* of the group or stretch before, until they are found again */
	size_t n_old_lives, room_old_lives;
	struct lookup lives_by_pid; /* numbered by slot */
	struct lookup old_by_pid;
	bool old_over_border; /* they are the same snapshot's, else a gap or a skip lies between */
	struct lookup images_by_key;
	uint32_t *changed; /* slots whose lives say that they changed */
	size_t n_changed, room_changed;

	uint32_t *waiting; /* flows from before a gap, to be joined */
	size_t n_waiting, room_waiting;
	struct lookup waiting_by_key;

	struct skt_flows_skipped *skips;
	size_t n_skips, room_skips;
	bool skipping; /* the next step is the first behind the last of them */

	struct listeners listeners;

	struct skt_changes changes; /* of the step */
	struct skt_event *events;   /* that told of a flow, by its number */
	size_t room_events;
	uint32_t *closing; /* flows, in the order in which they closed */
	size_t n_closing, room_closing;
	struct lookup closing_by_key;
	struct skt_candidate *candidates; /* processes are images */
	size_t n_candidates, room_candidates;
	struct run *runs;
	size_t n_runs, room_runs;
	const struct skt_candidates *last_run; /* of the step, that became the last of those */
	struct skt_candidates *lists;	       /* the same, once nothing moves any more */

	struct skt_owner *scratch; /* owners of a row as kept has them, and merged */
	size_t room_scratch;
	struct skt_owner *merged;
	size_t room_merged;
	struct hold *merged_holds;
	size_t room_merged_holds;

	uint32_t *order; /* of the flows that matched */
	size_t n_order;
	uint64_t unknown;
	int64_t unknown_first;
	int64_t unknown_last;
};

/* flow_fields.c: the words that they are shown as, NULL where there is none; and a field that only flows have. */
const char *direction_name(unsigned direction);
const char *flow_end_name(unsigned end);
const struct skt_field_info *flow_field(const char *name, size_t len);

/* flow_test.c */

/* Is it meant, by what its row says now, or by what an event told of it (NULL: none)? */
int flow_test(struct skt_flows *flows, struct flow *flow, const struct skt_snapshot *snapshot,
	      const struct skt_sock *sock, const struct skt_event *event);

/*
 * Whether a row that changed in these fields may be meant now, or is known better, where it was not before; and one
 * that is meant is kept.
 */
bool flow_says_anew(const struct skt_flows *flows, const struct flow *flow, uint32_t fields);

/* flow_end.c */

/* What is asked of it as a whole, once it is over. */
enum skt_truth flow_test_whole(const struct skt_flows *flows, const struct flow *flow);

/* One more of which it is not known whether it is meant, at these first and last instants. */
void flow_count_unknown(struct skt_flows *flows, int64_t first, int64_t last);

/* flow.c */

/* What is wrong, in words: -ENOMEM, or -E2BIG for what a snapshot cannot hold. */
int flow_failed(int rc, struct skt_err *err);

int flow_new(struct skt_flows *flows, uint32_t *ret);

/* Where what slots meant ends. */
void flow_forget_slots(struct skt_flows *flows);

/* flow_close.c. 0, -ENOMEM or -E2BIG. */

/* It is over: it was seen last then, and was gone until then (INT64_MIN: not seen). What did not match is forgotten. */
int flow_finish(struct skt_flows *flows, uint32_t i, enum flow_end end, int64_t last_seen, int64_t until);

/* Its row is gone. What was told of it knows better when that was, where it was told since it was last read. */
int flow_close(struct skt_flows *flows, const struct skt_snapshot *snapshot, uint32_t i,
	       const struct skt_sock_change *change);

/* What was over is: nothing more is to be told of it. */
int flow_settle(struct skt_flows *flows, uint32_t i);

/* How many reads of its table had it; the last not_counted ones had not. */
uint64_t flow_count_seen(const struct skt_flows *flows, const struct flow *flow, uint64_t not_counted);

/* Whether an event is all that is known of it. */
static inline bool flow_is_unseen(const struct flow *flow)
{
	return !flow->n_states;
}

static inline bool change_is_new(const struct skt_sock_change *change)
{
	return change->change == SKT_OPENED || change->change == SKT_PRESENT;
}

/* places.c: tables, and who listens in them. 0, -ENOMEM or -E2BIG. */

/* The place of a table of the snapshot in force. */
int flow_place(struct skt_flows *flows, const struct skt_snapshot *snapshot, uint32_t table, uint32_t *ret);

/* A table was read, if its rows are of another time than they were. */
int flow_see_table(struct skt_flows *flows, const struct skt_snapshot *snapshot, uint32_t slot);

/* A row that waits for others is a listener; others are none. */
int flow_add_listener(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_sock *sock);

/*
 * Before the rows that come are looked at: a listener that came between two looks may have its connections among them.
 */
int flow_see_listeners(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_step *step);

/* And after: one that went was there until then. */
int flow_forget_listeners(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_step *step);

/* A row about what this run saw. */
struct skt_row flow_row_of(const struct skt_flows *flows, uint32_t origin);

/* gap.c. 0 or -ENOMEM. */

/* A gap lies before this snapshot: what was there waits for what is there after it. */
int flow_begin_again(struct skt_flows *flows, const struct skt_snapshot *snapshot);

/* Of those that wait the one that goes on as this, NONE where there is none; of twins the one with the same pointer. */
uint32_t flow_join(struct skt_flows *flows, const struct flow *as);

/* Those who still wait when the first snapshot after the gap has been seen are broken. */
int flow_break_waiting(struct skt_flows *flows);

/* told.c: events. 0, -ENOMEM or -E2BIG. */

/* Before the step's changes are looked at: what is told of sockets that close with it, or did before. */
int flow_see_told(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_step *step);

/* And after: what no look has seen, or only what was left of it. */
int flow_see_unseen(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_step *step);

/* It has just closed, and no event has told of it yet: one may still come. */
int flow_wait_for_event(struct skt_flows *flows, uint32_t i);

/* Of those that wait for one, those that were gone before this instant do no more. */
int flow_settle_closing(struct skt_flows *flows, int64_t before);

/* The end of all: candidates do not move any more. -ENOMEM or 0. */
int flow_list_candidates(struct skt_flows *flows);

/* skip.c. A flow that is seen no more, or that a skip comes after: does what is not read matter to it? */
bool flow_matters(const struct flow *flow);
void flow_mark_skip(struct skt_flows *flows, const struct flow *flow);

/* flow_keep.c: what is copied out of the snapshot in force. 0, -ENOMEM or -E2BIG. */

/* The bytes of a string of the snapshot, as a string of kept. */
int flow_keep_string(struct skt_flows *flows, const struct skt_snapshot *snapshot, uint32_t id, uint32_t *ret);

/* The row of a flow that matches as it is now, with those who hold it added to those who did. */
int flow_keep(struct skt_flows *flows, struct flow *flow, const struct skt_snapshot *snapshot,
	      const struct skt_sock *sock);

/* It is gone: who held it did until `when`. */
void flow_let_go(struct skt_flows *flows, const struct flow *flow, int64_t when);

/* lives.c: processes of the snapshot in force. */

/* All of the snapshot that a stretch begins with. */
int lives_begin(struct skt_flows *flows, const struct skt_snapshot *snapshot);

/* ret_revisit: some that hold sockets are others now, without their sockets having changed. */
int lives_step(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_step *step,
	       bool *ret_revisit);

/* What slots meant is over: at a border, where it is the same snapshot, or at a gap. */
void lives_set_aside(struct skt_flows *flows, bool over_border);

/* What is left of those from before is not there any more: of a border they had exited, of a gap it is not known. */
void lives_forget_old(struct skt_flows *flows);
void lives_end(struct skt_flows *flows);

/* The process as kept.processes has it, put there if need be. */
int lives_image(struct skt_flows *flows, const struct skt_snapshot *snapshot, uint32_t slot, uint32_t *ret);

/* Which way a connection was made, as far as its first sight tells. */
enum direction flow_direction(const struct skt_flows *flows, const struct flow *flow, const struct skt_sock *sock,
			      unsigned kind);

#endif
