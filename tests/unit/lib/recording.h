/* SPDX-License-Identifier: MIT */
#ifndef TESTS_RECORDING_H
#define TESTS_RECORDING_H

#include "random.h"

#include <skt/record.h>

/*
 * A recording in memory (memfd_create(2)), made as sockrec makes one, and what it was made of: for every snapshot a
 * copy, and what the step that led to it said. What goes wrong in making it ends the test program.
 */
struct recording {
	int fd;
	struct skt_header header;
	struct skt_writer *writer;
	struct skt_matcher *matcher;
	struct skt_snapshot now; /* in force */
	struct skt_step step;	 /* that led to it: void once the writer has compacted */
	struct recorded {
		struct skt_snapshot snapshot;
		char *step;	 /* if texts are wanted: step_text(), exact */
		char *step_seen; /* the same, not exact: what matching two snapshots by themselves can tell */
	} * made;
	size_t n, room;
	bool texts; /* of the steps: set after recording_begin() by who wants them, for they take most of the time */
	/* puts what was told on the step that led to the snapshot; NULL: nothing was */
	void (*tell)(const struct skt_snapshot *now, struct skt_step *step, struct random *random);
	struct random *random;
};

#define RECORDING_NAME "test.skt"

/* random, 24 bytes, is fixed: the same snapshots make the same bytes. */
void recording_begin(struct recording *recording, int64_t interval);
void recording_release(struct recording *recording);

/* Take this as the next snapshot captured. Its number is set. */
void recording_add(struct recording *recording, struct skt_snapshot *read);

/* Take a random one, passed ns after the last. */
void recording_add_random(struct recording *recording, struct random *random, const struct random_world *world,
			  int64_t passed);

/* Take one in which nothing happened to the one before but that `changes` rows got another queue. */
void recording_add_quiet(struct recording *recording, struct random *random, int64_t passed, unsigned changes);

/*
 * All of a recording: n random snapshots of about so many rows in a table, each passed ns after the last, and the end.
 */
void recording_make(struct recording *recording, uint64_t seed, size_t n, uint32_t rows, int64_t passed);

/* One of nine snapshots: several steps in a block, and several groups. */
void recording_make_small(struct recording *recording);

/* An end block, one interval after the last snapshot. */
void recording_end(struct recording *recording);

/* What capture would say next, passed ns after `now`: given to the caller. */
void recording_random(const struct recording *recording, struct random *random, const struct random_world *world,
		      int64_t passed, struct skt_snapshot *ret);

struct skt_file *recording_open(const struct recording *recording);

/*
 * What was read is what was recorded as the snapshot of this number; else the test fails and says why. NULL: nothing
 * was read.
 */
void recording_expect(const struct recording *recording, uint64_t number, const struct skt_snapshot *read);

/* All the bytes; given to the caller. */
unsigned char *recording_bytes(const struct recording *recording, size_t *ret_len);

/* A memfd that holds these bytes. */
int recording_memfd(const void *bytes, size_t len);

#endif
