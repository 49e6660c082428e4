/* SPDX-License-Identifier: MIT */
#ifndef GUARD_H
#define GUARD_H

#include "room.h"

#include <skt/time.h>

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Whatever ends us, nothing of ours is left: no directory, no mount, no process. No process can see to that for itself,
 * so there are two, and each sees to it when the other one is killed:
 *
 *	face		what was started, and is waited for; hands on signals, and its keeper's exit status
 *	  keeper	does the work, in a process group of its own: what is killed as a group does not include it
 *	    COMMAND	in the group of the face, so that a terminal is its own
 *
 * What COMMAND leaves behind when it ends becomes a child of the keeper, and if that is killed, of the face; and is
 * killed.
 */
struct guard {
	sigset_t signals; /* blocked; what ends us unless a command is to have it */
	sigset_t mask;	  /* as it was before, and as a command is to have it */
	mode_t umask;	  /* the same */
	pid_t face;	  /* of a keeper; 0: there is none */
	pid_t group;	  /* that a command is to be in; 0: ours */
	int proc;	  /* the running kernel's /proc, whatever lies over it later */
	pid_t child;	  /* what is waited for; 0: nothing, or it has ended */
	int status;	  /* of the child that has, as wait(2) tells it */
	bool told;	  /* it was told to end, */
	int64_t kill_at;  /* and has until then (pace_now()); 0: it was not, or not by a TERM */
	int signal;	  /* that ended us; SIGKILL: the face is gone */
};

/* Block the signals, and note how all was before. */
void guard_begin(struct guard *guard);

enum guard_event {
	GUARD_TIME,   /* it is time */
	GUARD_CHILD,  /* guard->child has ended: guard->status */
	GUARD_SIGNAL, /* guard->signal says to end */
};

/*
 * Wait until this instant of our clock (pace_now(); INT64_MAX: for ever). Signals go to the child, if there is one and
 * the terminal has not told it already. Of INT and TERM the second one kills it, and GUARD_PATIENCE after a TERM we do.
 */
#define GUARD_PATIENCE (10 * SKT_NS_PER_S)
enum guard_event guard_wait(struct guard *guard, int64_t until);

/* Whether something says to end, between two things to do. */
static inline bool guard_says_to_end(struct guard *guard)
{
	return guard_wait(guard, 0) != GUARD_TIME;
}

/*
 * Run this as the keeper of a room, and then remove the room and what is left of processes. Returns the exit status;
 * does not return where a signal ended it.
 */
int guarded(struct guard *guard, struct room *room, int (*run)(struct guard *guard, void *data), void *data);

/* An exit status that hands on that of a child: 128 and the number of the signal that ended it. */
int guard_status(int status);

/* Die of a signal, so that whoever waits for us knows. */
_Noreturn void guard_die(const struct guard *guard, int signal);

#endif
