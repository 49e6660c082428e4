/* SPDX-License-Identifier: MIT */
#ifndef PROC_BIRTHS_H
#define PROC_BIRTHS_H

#include "base/map.h"
#include "proc/look.h"

/*
 * Processes that began since the last snapshot and what was read of them, as one message after the other says it
 * (proc/lived.h has who hears them, and which are told). Plain data: there is neither a thread here nor a lock.
 */

/* Begun and not ended yet; what is over makes the list incomplete, which is told. 1.3 MB. */
#define LIVED_BIRTHS 8192

/* Bytes of names, paths and command lines of one step. A single command line may have 2 MiB. */
#define LIVED_TEXT ((size_t)8 << 20)

struct birth {
	int64_t began; /* CLOCK_MONOTONIC, ns */
	int64_t ended; /* 0: not yet */
	uint32_t parent;
	bool used, read;
	struct skt_process process; /* strings of `own` */
};

struct births {
	bool lost;     /* a message, or a birth for which there was no room */
	uint32_t more; /* ended, and were too many to be kept */
	uint32_t n_ended, n_read;
	uint32_t most_read; /* of a step: what fits into the share of the interval for what can wait */
	struct birth list[LIVED_BIRTHS];
	uint32_t free[LIVED_BIRTHS];
	size_t n_free;
	struct map by_pid;	 /* those that live */
	struct skt_snapshot own; /* nothing but strings */
	struct look look;	 /* of no snapshot */
	struct problems problems;
	struct skt_buf text;
};

/* All 0 before; options and tree are borrowed. 0 or -ENOMEM; it is released in both cases. */
int births_init(struct births *births, const struct skt_capture_options *options, const struct tree *tree);
void births_release(struct births *births);

/* Whether one more may be read before the next snapshot. */
bool births_may_read(const struct births *births);

/* Take a message: read who executes a program, or has ended and left something. */
struct connector_event;
void births_hear(struct births *births, const struct connector_event *event);

/*
 * Those that have ended until `when` (CLOCK_MONOTONIC), as the recording has them, in no order: how many, at most
 * SKT_LIVED_MAX. asleep is by how much the clock of start times is ahead of that of messages.
 */
size_t births_ended(const struct births *births, int64_t when, int64_t asleep, struct skt_process *ret);

/*
 * Go on after a snapshot: who began after it stays, with strings of its own; those of all others are the caller's. 0 or
 * -ENOMEM: then either nothing has changed, or what was read of some who stay is not known any more, and that others
 * are lost is.
 */
int births_keep_young(struct births *births, int64_t when, struct skt_strtab **ret);

#endif
