/* SPDX-License-Identifier: MIT */
#ifndef SKT_CHANGES_H
#define SKT_CHANGES_H

#include <skt/field.h>
#include <skt/step.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * All that happened to sockets in a step, what looking found and what was told in between, each once. An event is
 *
 *	a change that looking found too	  the socket closed, or went on in TIME_WAIT: the change, with its instant
 *	of a socket that is still listed  its row, closed
 *	of one that no look has seen	  a row of its own, made of what the event says: its `owner` is `unseen`
 *	late				  a step before this one said already that the socket closed
 *
 * Which is which says the event's slot; where it has none, for one that ends with a group has not (SKT_E_LATE), both
 * ends do, as long as only one socket is meant by them.
 *
 * Who held a socket that no look has seen is not known. Candidates are those who may have: who holds the listener that
 * it was accepted from, and who began and ended within the same step, before the event. They are not owners, and not
 * all who may have.
 */
enum skt_because {
	SKT_BECAUSE_LISTENER = 1, /* it holds the listener at the local end */
	SKT_BECAUSE_LIVED,	  /* it began and ended between the same two looks, and had begun */
};

const char *skt_because_name(unsigned because);

struct skt_candidate {
	uint32_t process; /* slot in the snapshot */
	uint8_t because;
};

/* Of one socket. More are counted and not listed: among so many none is named. */
#define SKT_CANDIDATES_MAX 64

/* Who may have held it. Borrowed from struct skt_changes, until it takes another step. */
struct skt_candidates {
	const struct skt_candidate *list;
	uint32_t n;
	uint32_t more;
};

/* How an event goes with what looking found. */
enum skt_told_kind {
	SKT_TOLD_UNSEEN, /* no look has seen the socket */
	SKT_TOLD_CHANGE, /* it is the change `at` of the step */
	SKT_TOLD_ROW,	 /* it is the row `at` of the snapshot, which is still listed */
	SKT_TOLD_LATE,	 /* a step before this one has the change, and its row is gone */
	SKT_TOLD_BEHIND, /* no look has seen it open; the change `at`, in TIME_WAIT, is what is left of it */
};

struct skt_told {
	uint8_t kind;
	uint32_t at; /* SKT_NO_SLOT: nothing */
};

struct skt_changes {
	const struct skt_snapshot *snapshot;
	const struct skt_step *step;
	struct skt_told *told; /* of each of the step's events */
	size_t n;    /* of both: changes are numbered behind the events, which come in the order of their instants */
	bool failed; /* no memory for candidates: sticks until the next step */

	/* private */
	size_t room_told;
	uint32_t *dated; /* by change: the event that tells of it, from 1; 0 none */
	size_t room_dated;
	uint32_t *order; /* of the step's changes that an event may be, by their ends */
	size_t n_order, room_order;
	uint32_t *by_slot; /* all of them, by their rows */
	size_t room_by_slot;
	struct skt_listening *listening;
	size_t n_listening, room_listening;
	uint32_t *lived; /* processes, by when they began */
	size_t n_lived, room_lived;
	struct skt_candidates **runs; /* that were handed out, the list behind each */
	size_t n_runs, room_runs;
	size_t last_from, last_to, last_lived; /* what the last of them was made of */
	bool sought;			       /* listening and lived are those of the step */
};

/* All zeros is a good beginning. */
void skt_changes_release(struct skt_changes *changes);

/* Those of a step that was just applied to the snapshot, both borrowed. 0 or -ENOMEM. */
int skt_changes_take(struct skt_changes *changes, const struct skt_snapshot *snapshot, const struct skt_step *step);

/*
 * The i-th one, i below n, as a row: its change (in room, where an event makes or dates it), and its event, where there
 * is one. False where an event that has a number of its own says it better.
 */
bool skt_changes_row(const struct skt_changes *changes, size_t i, struct skt_sock_change *room, struct skt_row *ret);

/* The same, and who may have held it. */
bool skt_changes_whole_row(struct skt_changes *changes, size_t i, struct skt_sock_change *room, struct skt_row *ret);

/* The event that tells of the i-th change of the step; SKT_NO_SLOT: none does. */
uint32_t skt_changes_event(const struct skt_changes *changes, size_t i);

/*
 * Whether it is worth no look: what is told late, for it is no news, and what skt_change_is_quiet() says of the others.
 */
bool skt_changes_is_quiet(const struct skt_changes *changes, size_t i);

/*
 * Who may have held the socket of the i-th event, i below the step's n_events. NULL: nobody is known to, or somebody is
 * known who did; or there is no memory, and `failed` says so.
 */
const struct skt_candidates *skt_changes_candidates(struct skt_changes *changes, size_t i);

/*
 * The instant after which it was heard of, and not after event->when. It may have happened before that by as long as
 * the kernel took to tell: whoever knows of a look at which it had not happened yet has the better bound.
 */
int64_t skt_event_after(const struct skt_event *event);

/*
 * "look" for 0 and for tables that were read, "destroy" for what the kernel told of a socket that was destroyed; "" for
 * a number without a name.
 */
const char *skt_source_name(unsigned source);

#endif
