/* SPDX-License-Identifier: MIT */
#ifndef SKT_DIFF_H
#define SKT_DIFF_H

#include <skt/changes.h>
#include <skt/field.h>
#include <skt/snapshot.h>
#include <skt/step.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What differs between two snapshots that may lie far apart: hours, boots, hosts. A step says what became of each
 * socket; this says what became of each service, for a server that was started again is the same news however many
 * sockets it has.
 *
 * Sockets are paired by the identity rules of skt_match(), from the earlier snapshot to the later one; what they leave
 * is paired by both ends. Across boots or hosts nothing but the table, both ends and the holders' programs can be
 * compared: inode, `sk`, pid, start time and the namespace's inode are ignored.
 *
 * TIME_WAIT is no socket of anybody's: going there is closing, and what is there is not compared, unless that is asked
 * for.
 */
enum skt_difference_kind {
	SKT_DIFF_OPENED = 1,
	SKT_DIFF_CLOSED,
	SKT_DIFF_CHANGED,   /* the same socket, other fields */
	SKT_DIFF_REPLACED,  /* the same service (table and both ends), another socket or program */
	SKT_DIFF_PASSED,    /* the same socket, other holders */
	SKT_DIFF_TRANSIENT, /* opened and closed in between; what then stands in TIME_WAIT is opened, or closed */
	SKT_DIFF_KINDS,
};

/* "opened", ...; "" for a number that is none. */
const char *skt_difference_name(unsigned kind);

struct skt_difference {
	uint8_t kind;
	uint8_t hands;	      /* enum skt_hands, from before to after */
	bool executed;	      /* a holder is the same process and runs another program: */
	uint32_t was_process; /* which, by its slots ... */
	uint32_t is_process;
	uint32_t process_fields; /* ... and what tells, SKT_BIT(enum skt_process_field): exe, cmdline, comm */
	/* passed on: who began since holds it in place of as many of the same programs that do no more */
	bool restarted;
	bool programs_known; /* of who held it and who holds it, so that this can be said: */
	bool same_programs;  /* they are the same (executable and arguments), each counted once */
	uint32_t before;     /* slots; SKT_NO_SLOT: it is not there */
	uint32_t after;
	uint32_t fields;       /* which differ and matter, SKT_BIT(enum skt_field) */
	uint32_t twins_before; /* how many sockets have this table and these ends, itself included */
	uint32_t twins_after;
	bool passing;	     /* it was there in between: its slot is one of that snapshot, and it lived */
	uint32_t told;	     /* of those that were, of skt_between_told(), from 1; 0: no event told of it */
	int64_t lived_least; /* ns; of one that was there in between */
	int64_t lived_most;
	int64_t since; /* ns since 1970: it happened after this instant ... */
	int64_t until; /* ... and until this one */
};

/*
 * Whether it is told but is no reason to look: a service that was started again by the same programs, or its workers
 * were.
 */
bool skt_difference_is_quiet(const struct skt_difference *difference);

struct skt_diff_options {
	bool across;	/* other boots, or other hosts */
	bool uneven;	/* holders were looked for with other privileges: what was denied to one was not to the other */
	bool all;	/* counters, timers, descriptors and TIME_WAIT, too */
	bool time_wait; /* TIME_WAIT is a state as any other */
	int64_t boot_time; /* ns since 1970, of the boot that both are of; -1: not known */
	/* 1 << enum skt_table_kind: those that were looked at on both sides; rows of others are left out */
	uint32_t tables;
	uint64_t seed; /* of hashes */
};

/*
 * A pair of rows of which it is not known whether they have other holders: one to whom a look was denied may be among
 * them.
 */
struct skt_unsure {
	uint32_t before, after; /* slots */
};

struct skt_diff {
	struct skt_difference *items; /* what closed in before's order, and then the others in after's */
	size_t n;
	uint32_t *same; /* slots of after's rows that do not differ */
	size_t n_same;
	struct skt_unsure *unsure; /* they are among the others, too */
	size_t n_unsure;
	size_t room, room_same, room_unsure;
};

/*
 * Compare. Rows of a table that was never read on one side are left out on the other. Both snapshots have an order. 0,
 * -ENOMEM, and ret is to be released then, too. Time and memory are linear in the rows of both.
 */
int skt_diff_find(const struct skt_snapshot *before, const struct skt_snapshot *after,
		  const struct skt_diff_options *options, struct skt_diff *ret);
void skt_diff_release(struct skt_diff *diff);

/* ---- in between ---- */

/*
 * What opened and closed between two snapshots of one recording: give it each step after the first of them up to the
 * second, applied, and then take what it has found, what only events tell of as well. Rows and holders are copied, for
 * a cursor's strings do not outlive a group.
 */
struct skt_diff_told {
	struct skt_event event;
	struct skt_candidates candidates; /* processes are slots of the snapshot below */
};

struct skt_between;
struct skt_between *skt_between_new(uint64_t seed);
void skt_between_free(struct skt_between *between);

/* 0, -ENOMEM, -E2BIG. */
int skt_between_step(struct skt_between *between, const struct skt_snapshot *now, const struct skt_step *step);

/*
 * After the last step: what has come to stand in TIME_WAIT in that snapshot, and stands there still, opened, where that
 * is the second of the two that are compared. Where it is the first, it closed. 0, -ENOMEM, -E2BIG.
 */
int skt_between_end(struct skt_between *between, const struct skt_snapshot *last, bool is_second);

/* The snapshot that holds the rows, and what there is to say of each; borrowed. Its time is that of the last step. */
const struct skt_snapshot *skt_between_snapshot(const struct skt_between *between);
const struct skt_difference *skt_between_found(const struct skt_between *between, size_t *ret_n);

/* And what was told of it; borrowed. */
const struct skt_diff_told *skt_between_told(const struct skt_between *between);

/* ---- rows ---- */

/* What a row about a difference is about (skt_row.subject). The sides are in its pair. */
struct skt_diff_row {
	const struct skt_difference *difference;
	const char *host; /* of the second snapshot, as its time is */
	int64_t time;
	bool forced; /* they are not comparable, and were compared all the same */
};

/* Its fields; flat, with those of the socket as it is, or was, and of an owner, and what differed before. */
void skt_view_differences(struct skt_view *ret, bool flat);

#endif
