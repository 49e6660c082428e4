/* SPDX-License-Identifier: MIT */
#ifndef QUERY_H
#define QUERY_H

#include "query_tally.h"
#include "walk.h"

#include <skt/buf.h>
#include <skt/filter.h>
#include <skt/record.h>
#include <skt/render.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A question to recordings. sockquery.c reads it from the command line and puts it to one recording after another;
 * each view has a file of its own, which answers for one recording that is open.
 */

enum query_view {
	VIEW_SOCKETS,
	VIEW_FLOWS,
	VIEW_CHANGES,
	VIEW_PROCESSES,
	VIEW_SNAPSHOTS,
	VIEWS,
	VIEW_UNTOLD = VIEWS, /* sockets, or flows where an expression or a range is given, but no instant */
};

/* A text that stays: there are few. */
struct text {
	struct text *next;
	char bytes[];
};

/* What was asked for, and what came of it. */
struct query {
	struct skt_render render;
	struct skt_buf out;
	const char *host;    /* whose recording it is; "": not known, or of several hosts */
	const char *boot_id; /* beside render.host and render.boot_time, of the run that is being looked at */
	struct text *texts;  /* of these two: they are borrowed by rows */
	uint32_t kinds;	     /* 1 << enum skt_table_kind */
	bool listening;
	bool all;     /* changes: counters, too, and what was there */
	char **words; /* of the expression, n_words of them */
	size_t n_words;
	struct skt_filter *filter; /* NULL: no expression */
	bool of_flows;		   /* every answer is of flows, and so may the expression be */
	enum query_view view;
	const char *from; /* as given */
	const char *to;
	bool follow;
	const char *output; /* NULL: rows are shown; else a slice is written there */
	bool coverage;	    /* what was looked at, in the place of what was found */
	int64_t max_blind;  /* -1: any */
	const char *zone;   /* as given */
	int64_t now;
	const char *fields; /* --fields, --sort, --count-by as given, NULL without; query_shape.h */
	const char *sort;
	const char *count_by;
	uint64_t top;	     /* 0: all */
	int64_t every;	     /* ns, 0 without */
	struct merge *merge; /* the answers of several recordings are one; NULL: each has its own */
	unsigned open_flags;
	bool several; /* recordings were named */
	bool list_fields;
	bool info;
	bool verify;
	bool verify_chain; /* chain was given */
	uint8_t chain[SKT_CHAIN_SIZE];
	uint64_t matched;
	struct tally tally;
	bool trouble;
	bool no;
	bool unsure; /* where nothing is found, that does not say that there was nothing */
};

/* What came of one recording. */
struct answer {
	uint64_t matched;
	uint64_t unknown; /* sockets of which it is not known whether they match */
	int64_t unknown_first;
	int64_t unknown_last;
};

/* The view's name, as --view has it, and "socket" or "sockets" by how many. */
const char *query_view_name(enum query_view view);

/* What is shown of a recording. time: as given, NULL without. */
enum query_view query_view_of(const struct query *query, const char *time);

/* Of the tables that are asked about, those that the expression may be true in. */
uint32_t query_kinds(const struct query *query);

/* Whether the row's socket is asked about: by options, and then by the expression. */
enum skt_truth query_wants(const struct query *query, const struct skt_row *row);

/* A socket of the snapshot as a row of this host. */
struct skt_row query_row(const struct query *query, const struct skt_snapshot *snapshot, const struct skt_sock *sock);

/* Begin to walk over what is asked about. instant: as given, NULL without. 0 or a negative errno. */
int query_walk(struct query *query, const struct skt_file *file, const char *instant, struct walk *walk,
	       struct skt_err *err);

/*
 * As walk_next(). Each run of the recorder in a directory has its own host, boot and tables: rows from here on are of
 * that which the snapshot is of.
 */
int query_next(struct query *query, struct walk *walk, const struct skt_snapshot **ret_snapshot,
	       struct skt_step **ret_step, struct skt_err *err);

/* Rows from here on are of this run. 0 or -ENOMEM. */
int query_take_run(struct query *query, const struct skt_header *header, struct skt_err *err);
struct skt_origin query_origin(const struct query *query);

/* No row is left that has a host. */
void query_release_texts(struct query *query);

/* So many of what the view shows: "1 flow", "2 flows". */
void query_put_count(enum query_view view, uint64_t n, struct skt_buf *line);

/*
 * The first line of a table, on stderr where the output is for programs: this about the recording, behind the name of
 * its host, or its own.
 */
void query_tell_line(struct query *query, const struct skt_file *file, const struct skt_buf *about);

/*
 * Which stretch it is about: in the table's first line, on stderr where the output is for programs. counted: NULL where
 * that is not known yet.
 */
void query_tell_stretch(struct query *query, const struct skt_file *file, enum query_view view, const struct walk *walk,
			const struct answer *counted);

/* After all rows: what was looked at, as JSON where that is asked for; where nothing was found, why that is so. */
void query_tell_coverage(struct query *query, const struct skt_file *file, const struct walk *walk,
			 const struct answer *answer);

/*
 * The same, and whoever merges the answers of several recordings knows that this one has answered. 0 or a negative
 * errno.
 */
int query_walked(struct query *query, const struct skt_file *file, const struct walk *walk, const struct answer *answer,
		 struct skt_err *err);

/* Behind the answers of several recordings: of those in which nothing matches, what that is worth. */
void query_tell_nothing(const struct query *query);

/*
 * Why of some sockets it is not known whether they match, in words behind those that say so: by what is asked of them.
 */
void query_put_why(const struct query *query, struct skt_buf *line);

/* The sentence about so many beside others that match. */
void query_tell_unknown(const struct query *query, const struct skt_file *file, uint64_t unknown);

/* Where more was asked about than the recording has, beside what was found: what lies before it and behind it. */
void query_tell_outside(const struct query *query, const struct skt_file *file, const struct walk *walk);

/*
 * What opening found damaged, as far as it counts: not the block that is being written by whom --follow follows. And
 * whether something is that was recorded: gaps and restarts are told, and no damage.
 */
const struct skt_damage *query_damage(const struct query *query, const struct skt_file *file, size_t *ret_n);
bool query_is_damaged(const struct query *query, const struct skt_file *file);

/*
 * Whether, as a slice of others, it may lack what is asked about: then which sockets it holds is added to ret, in
 * words.
 */
bool query_lacks(const struct query *query, const struct skt_file *file, struct skt_buf *ret);

/* Whether, as a slice of others, it lacks what is asked about; said behind these words. */
bool query_tell_slice(const struct query *query, const struct skt_file *file, const char *before);

/*
 * The sockets at an instant, the last snapshot unless told: 0 or a negative errno; what could be read is shown all the
 * same.
 */
int query_sockets(struct query *query, const struct skt_file *file, const char *time_text, struct skt_err *err);

/* How many there were at the first snapshot of each stretch of --every: 0 or a negative errno. */
int query_sockets_by_time(struct query *query, const struct skt_file *file, struct skt_err *err);

/* Flows, or processes over time; changes; snapshots: 0 or a negative errno. instant: as given, NULL without. */
int query_flows(struct query *query, const struct skt_file *file, const char *instant, struct skt_err *err);
int query_changes(struct query *query, const struct skt_file *file, const char *instant, struct skt_err *err);
int query_snapshots(struct query *query, const struct skt_file *file, const char *instant, struct skt_err *err);

/* A smaller recording of what is asked about, into query->output: 0 or a negative errno, and then there is none. */
int query_slice(struct query *query, const struct skt_file *file, const char *instant, struct skt_err *err);

#endif
