/* SPDX-License-Identifier: MIT */
#ifndef SKT_COVERAGE_H
#define SKT_COVERAGE_H

#include <skt/field.h>
#include <skt/record.h>
#include <skt/step.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What was looked at in a stretch of time: without it "there is none" says nothing. A fold over the steps that a cursor
 * yields, as flows are.
 *
 * A table is known at the instants at which it was read. Between two reads whatever comes and goes is not seen: the
 * longest such interval, of any table that is asked about, is the blind interval. Missed ticks, gaps and turns of
 * namespaces make it longer by themselves. Where each socket that went was told of (struct skt_quality, events_tables),
 * nothing went unseen between two reads, and that interval is not blind. A hole is worse than that: rows that were
 * there at a look, and that this look did not get, or what was told and could not be taken.
 */
enum skt_hole_kind {
	SKT_HOLE_LOST,	  /* snapshots are damaged, or were never written */
	SKT_HOLE_TABLE,	  /* a table could not be read: error */
	SKT_HOLE_UNREAD,  /* a table of a namespace that was found, and that had no turn */
	SKT_HOLE_EVENTS,  /* more sockets went than could be taken down */
	SKT_HOLE_OUTSIDE, /* asked about, but before the first snapshot or after the last one */
};

struct skt_hole {
	uint8_t kind;		/* enum skt_hole_kind */
	uint8_t table;		/* of HOLE_TABLE and HOLE_UNREAD: enum skt_table_kind ... */
	int32_t error;		/* negative errno */
	uint64_t net_namespace; /* ... and whose; 0 unknown */
	int64_t after;		/* what was before this is known (INT64_MIN: nothing is) ... */
	int64_t until;		/* ... and what was from this on (INT64_MAX: nothing is) */
};

/* More are counted, not listed. */
#define SKT_HOLES_MAX 256

struct heard;
struct skt_coverage_place;

struct skt_coverage {
	/* what was found; times are INT64_MIN where there is no snapshot */
	uint64_t snapshots;
	int64_t first; /* of the snapshots looked at */
	int64_t last;
	/* the longest blind interval; both 0: there is none, for nothing was read twice, or all was told of */
	int64_t blind_after;
	int64_t blind_until;
	uint32_t blind_kinds;  /* tables of which there is such an interval, 1 << enum skt_table_kind; */
	uint32_t heard_kinds;  /* and those of which there is one between reads in which all that went was told of */
	uint64_t missed;       /* ticks */
	uint32_t denied;       /* processes whose descriptors could not be read, at the worst snapshot */
	uint32_t netns_denied; /* processes that may live in a namespace that is not known, at the worst snapshot */
	struct skt_hole *holes;
	size_t n_holes;
	uint64_t more_holes;

	/* private */
	uint32_t kinds;
	uint64_t seed;
	bool lost;	  /* since the last snapshot */
	int64_t earliest; /* of the snapshots looked at, whatever the clock did */
	int64_t rest;	  /* until when nothing was looked at after it; INT64_MIN: that was not told */
	size_t room_holes;
	struct skt_coverage_place *places;
	size_t n_places;
	size_t room_places;
	struct heard *heard;
	void *by_key;
};

/* kinds: tables that are asked about, 1 << enum skt_table_kind. 0 or -ENOMEM. */
int skt_coverage_init(struct skt_coverage *coverage, uint32_t kinds, uint64_t seed);
void skt_coverage_release(struct skt_coverage *coverage);

/* The next snapshot, and the step that led to it; NULL: the stretch begins with it. 0 or -ENOMEM. */
int skt_coverage_step(struct skt_coverage *coverage, const struct skt_snapshot *snapshot, const struct skt_step *step);

/* What comes next could not be read, or was never written. */
void skt_coverage_lost(struct skt_coverage *coverage);

/* So many snapshots were not looked at, for what is asked about is in none of them: a step from nothing comes next. */
void skt_coverage_skip(struct skt_coverage *coverage, uint64_t snapshots, int64_t first, int64_t last);

/* And what is known of all of them. */
void skt_coverage_left(struct skt_coverage *coverage, const struct skt_left *left);

/* After the last snapshot nothing was looked at until then, which the stretch reaches to, and so many ticks missed. */
void skt_coverage_rest(struct skt_coverage *coverage, int64_t until, uint64_t missed);

/*
 * The stretch ends: from and to are the instants asked about (INT64_MIN, INT64_MAX: all that there is), and end is
 * until when the last snapshot of the recording is in force. 0 or -ENOMEM.
 */
int skt_coverage_end(struct skt_coverage *coverage, int64_t from, int64_t to, int64_t end);

/* The longest interval in which nothing was looked at, in ns. */
static inline int64_t skt_coverage_blind(const struct skt_coverage *coverage)
{
	return coverage->blind_until - coverage->blind_after;
}

/* A snapshot itself, without what is in it: counts, and how well the look went. */
struct skt_look {
	uint64_t number;
	int64_t time;
	int64_t end;
	uint64_t sockets;
	uint64_t duplicates; /* of all tables */
	uint64_t malformed;
	uint32_t missed;
	uint32_t tables;
	uint32_t stale;
	uint32_t unknown;
	uint32_t failed;
	struct skt_quality quality;
};

void skt_look_of(const struct skt_snapshot *snapshot, struct skt_look *ret);

/* The fields of a row whose subject is a struct skt_look; `snapshot` of the row is not looked at. */
void skt_view_snapshots(struct skt_view *ret);

#endif
