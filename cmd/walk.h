/* SPDX-License-Identifier: MIT */
#ifndef WALK_H
#define WALK_H

#include <skt/coverage.h>
#include <skt/record.h>

#include <stdbool.h>
#include <stdint.h>

/* A walk over a stretch of a recording: its snapshots in turn, and what was looked at and what was not. */
struct walk {
	const struct skt_file *file;
	struct skt_cursor *cursor;
	struct skt_coverage coverage;
	int64_t from;			 /* resolved; INT64_MIN: from the first snapshot on */
	int64_t to;			 /* INT64_MAX: up to the last */
	int64_t interval;		 /* of the run that the last snapshot handed out is of ... */
	uint64_t number;		 /* ... and its number; 0: there is none */
	bool instant;			 /* only the snapshot in force at `from` */
	bool begun;			 /* a snapshot was handed out */
	bool set_back;			 /* the clock was: the stretch may begin and end more than once */
	bool pending;			 /* the snapshot in force is the first of the stretch */
	uint32_t tables;		 /* 1 << enum skt_table_kind: that every run so far was to record */
	bool lost;			 /* something could not be read that opening had found nothing wrong with */
	bool follow;			 /* a gap may come that opening could not know of */
	bool quiet;			 /* it is not to be told: another walk over the same stretch does */
	const struct skt_choice *choice; /* of groups, NULL: all are read */
	struct skt_skipped skipped;	 /* what lies between the snapshot before and the one handed out */
};

/* What is asked for: TIMEs as they were given, NULL where they were not. instant excludes the others. */
struct walk_range {
	const char *instant;
	const char *from;
	const char *to;
	enum skt_zone zone;
	int64_t now; /* ns since 1970 */
	bool follow; /* go on while the file grows; from its last snapshot unless told */
	bool alone; /* no other process reads beside this one: a second processor, where there is one, may read ahead */
};

/* 0 or a negative errno; on failure, too, it is to be released. kinds are the tables that coverage is about. */
int walk_begin(struct walk *walk, const struct skt_file *file, const struct walk_range *range, uint32_t kinds,
	       struct skt_err *err);
void walk_release(struct walk *walk);

/*
 * Read the groups of this choice only (borrowed), which a question for the same stretch found. What cannot be read in
 * them is not told: then the walk fails with -EBADMSG and `lost`, and has to be begun anew without a choice.
 */
void walk_choose(struct walk *walk, const struct skt_choice *choice);

/*
 * The next snapshot, and the step that leads to it; the first may have none (NULL), where the stretch begins within a
 * group. Borrowed until the next call. 1, 0 at the end, -EAGAIN: none yet, when following; other negative: no memory.
 * What is damaged is told on stderr and passed over.
 */
int walk_next(struct walk *walk, const struct skt_snapshot **ret_snapshot, struct skt_step **ret_step,
	      struct skt_err *err);

/* The tables that were recorded all over the stretch; of one without snapshots, those that were to be recorded last. */
uint32_t walk_tables(const struct walk *walk);

/* After the last one: coverage is complete. 0 or a negative errno. */
int walk_end(struct walk *walk, struct skt_err *err);

#endif
