/* SPDX-License-Identifier: MIT */
#ifndef REPLAY_H
#define REPLAY_H

#include "changes.h"
#include "guard.h"
#include "pace.h"
#include "recording.h"

#include <skt/capture.h>
#include <skt/coverage.h>
#include <skt/record.h>

#include <stdbool.h>
#include <stdint.h>

/* sockreplay: what was asked for, and what it is at work with. */
struct replay {
	/* what was asked for */
	char *standard_input; /* "-@TIME" */
	char **words;	      /* EXPR */
	size_t n_words;
	const char *from;
	const char *to;
	const char *zone_name;
	enum skt_zone zone;
	int64_t now;
	bool follow;
	bool mount;
	const char *to_tree;
	const char *to_trees;
	bool self_test;
	char **argv; /* COMMAND; NULL: none */
	struct pace pace;
	struct changes changes;

	/* at work */
	struct guard guard;
	struct room room;
	struct recording recording;
	struct skt_file *file;
	struct skt_host host; /* of the run that recorded what is shown */
	uint32_t recorded;    /* tables that were, all over the stretch: 1 << enum skt_table_kind */
	struct skt_cursor *cursor;
	struct skt_coverage *coverage; /* of the steps that are gone; NULL: nobody asks */
	struct skt_mark *marks;
	size_t n_marks;
	uint64_t placed;	/* the snapshot that has `place`; 0: none yet */
	uint64_t before;	/* the last snapshot before --from that was gone by; 0: none was */
	struct skt_place place; /* its texts are those of marks */

	/* what came of it */
	bool trouble;
};

/* ---- replay_span.c: which snapshots ---- */

/* From the snapshot in force at --from until that in force at --to. */
struct span {
	uint64_t from; /* its number; 0: an instant at which none was, */
	uint64_t to;
	int64_t from_time; /* which is this; INT64_MIN, INT64_MAX: there is no bound */
	int64_t to_time;
	bool at_from; /* the cursor stands there */
	bool to_lost; /* `to` is the last before the one asked for, which cannot be read */
	bool at_to;   /* the last of it was handed out */
	bool over;    /* the cursor stands beyond --to */
	size_t told;  /* of the damage */
};

/*
 * Open the cursor, at the beginning or at --from. Without snapshots, or where a TIME is none of this recording, it
 * fails. What was resolved is said on stderr.
 */
int span_open(struct replay *replay, struct span *span, struct skt_err *err);

/*
 * Go on to the next snapshot of the span: 1, 0 at its end, -EAGAIN when following. What is lost in between is told
 * where it lies, and is trouble; -ENOMEM is the only other failure.
 */
int span_next(struct replay *replay, struct span *span, struct skt_step **ret, struct skt_err *err);

/* At its end replay->coverage is complete. 0 or -ENOMEM. */
int span_cover(struct replay *replay, const struct span *span);

/* ---- replay_steps.c ---- */

/* Print changes; the exit status. */
int replay_steps(struct replay *replay);

/* ---- replay_trees.c ---- */

/* Each of them as the keeper: the exit status. `replay` comes as data. */
int replay_to_tree(struct guard *guard, void *data);
int replay_to_trees(struct guard *guard, void *data);
int replay_command(struct guard *guard, void *data);
int replay_inside(struct guard *guard, void *data);

/* The host is that of the run that this header begins: in a directory another one's may tell another boot. */
void replay_take_host(struct replay *replay, const struct skt_header *header);

/* What a tree of this recording lacks, because it was left out of it, on stderr: nothing in a tree says so. */
void replay_tell_lacks(const struct replay *replay);

/* Whatever went wrong with a tree is told here; the exit status. */
int replay_end(struct replay *replay, int rc, struct skt_err *err);

/*
 * Write the snapshot in force into a new directory of the room. step led to it from the one written before, or from the
 * beginning; NULL: it is one of its own.
 */
int replay_write(struct replay *replay, const char *name, const struct skt_step *step, struct skt_err *err);

/* ---- replay_test.c ---- */

/* As the keeper: the exit status. */
int replay_self_test(struct guard *guard, void *data);

/* ---- replay_place.c ---- */

/*
 * Where the snapshot in force stands in the recording, in replay->place; step as in replay_write(). 0, -ENOMEM or
 * -E2BIG.
 */
int replay_place(struct replay *replay, const struct skt_step *step, struct skt_err *err);
void replay_place_release(struct replay *replay);

/* ---- replay_moving.c ---- */

/* A tree that moves in time. */
int replay_moving(struct guard *guard, void *data);

#endif
