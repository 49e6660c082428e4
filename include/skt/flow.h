/* SPDX-License-Identifier: MIT */
#ifndef SKT_FLOW_H
#define SKT_FLOW_H

#include <skt/err.h>
#include <skt/field.h>
#include <skt/filter.h>
#include <skt/record.h>
#include <skt/step.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Flows: one row for each socket that a stretch of time saw, from its coming to its going. They are a fold over steps,
 * handed over in turn as a cursor yields them:
 *
 *	skt_flows_run(origin)		 before the first of another host or boot than the options say
 *	skt_flows_begin(snapshot)	 or not at all, where the first step starts from nothing
 *	skt_flows_step(snapshot, step)	 ... each after it was applied; and after one that leads into another group
 *	skt_flows_renumber(slots)	 what skt_cursor_next_slots() says
 *	skt_flows_end()
 *
 * A flow is kept if the filter was true for its row at some snapshot; rows are tested when they come and when they
 * change, and at every snapshot where that may say anew what is asked (SKT_NEEDS_LOOKS). One that ends without that is
 * forgotten at once. So memory is that of the sockets that live and of the flows that match.
 *
 * A look knows only instants: everything is told as an interval. What was there at the first look opened nobody knows
 * when; a flow that is there at the last one has no end. Both are said, not guessed.
 *
 * A step from nothing in between stands for a gap or damage, and so does skt_flows_begin() once more. A socket that is
 * there afterwards, in the same namespace and table, with the same ends and the same inode, which is not 0, and within
 * the same boot, is the one from before: its flow goes on, and counts the gap. Every other flow is broken there: it was
 * seen until then, and what became of it is not known. Of a flow's row the host and the
 * time of its boot are those of the run that saw it last.
 *
 * Where a cursor went over groups that nothing of interest stands in, skt_flows_skip() is told before the step. That is
 * no gap. A flow that is meant, and reaches to where that begins or ends, may reach into it: then it is not known yet
 * (skt_flows_skips()), those groups have to be read too, and all is folded again. Where none does, flows are what they
 * would be had everything been read; what a process is said to have done is not.
 */
struct skt_flows;

struct skt_flows_options {
	const struct skt_filter *filter; /* borrowed; NULL: all are meant */
	uint32_t kinds;			 /* of tables, 1 << enum skt_table_kind: rows of others are not followed */
	bool listening;			 /* only sockets that wait for others (skt_sock_is_listening()) */
	bool processes;			 /* keep every process, not only those that held a flow */
	const char *host;		 /* borrowed; NULL unknown */
	const char *recording;		 /* borrowed; as in struct skt_row */
	int64_t boot_time;		 /* as in struct skt_row */
	uint64_t seed;			 /* of hashes */
};

int skt_flows_new(const struct skt_flows_options *options, struct skt_flows **ret);
void skt_flows_free(struct skt_flows *flows);

/*
 * What comes next is of this host and boot, be it the same or another; texts are borrowed for as long as the flows. It
 * is the same boot if the host is, and its boot id, or without one the time of the boot. 0 or -ENOMEM.
 */
int skt_flows_run(struct skt_flows *flows, const struct skt_origin *origin, struct skt_err *err);

/*
 * 0, or -ENOMEM; or -E2BIG where more match than a snapshot may hold sockets, owners or strings (skt/snapshot.h,
 * skt/strtab.h). After a failure it can only be freed.
 */
int skt_flows_begin(struct skt_flows *flows, const struct skt_snapshot *snapshot, struct skt_err *err);
int skt_flows_step(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_step *step,
		   struct skt_err *err);
int skt_flows_renumber(struct skt_flows *flows, const uint32_t *slots, size_t n, struct skt_err *err);
int skt_flows_skip(struct skt_flows *flows, const struct skt_skipped *skipped, struct skt_err *err);
int skt_flows_end(struct skt_flows *flows, struct skt_err *err);

/*
 * What was gone over, after the end: whether flows that are meant, or may be, reach to it from before and from behind.
 */
struct skt_flows_skipped {
	struct skt_skipped skipped;
	bool before;
	bool behind;
};
const struct skt_flows_skipped *skt_flows_skips(const struct skt_flows *flows, size_t *ret_n);

/* How many flows, and processes, there are to show; after the end. */
size_t skt_flows_count(const struct skt_flows *flows);
size_t skt_flows_processes(const struct skt_flows *flows);

/*
 * The i-th flow, in the order in which they were first seen: a row with the fields of skt_view_flows(), and a filter's;
 * and the i-th process, likewise. Borrowed from flows.
 */
struct skt_row skt_flows_row(const struct skt_flows *flows, size_t i);
struct skt_row skt_flows_process_row(const struct skt_flows *flows, size_t i);

/*
 * The snapshots between which this row was a flow's, those included in which its table was not read, but waited for its
 * turn: what may be later than last_seen.
 */
void skt_flow_stay(const struct skt_row *row, int64_t *ret_first, int64_t *ret_last);

/*
 * Sockets of which it is not known whether they match: never true, and unknown at least once. ret_first is the time of
 * the first snapshot at which that was so, ret_last that of the last.
 */
uint64_t skt_flows_unknown(const struct skt_flows *flows, int64_t *ret_first, int64_t *ret_last);

/*
 * The fields of a flow, a socket's as it was seen last among them; flat, with an owner's fields in place of `owners`.
 */
void skt_view_flows(struct skt_view *ret, bool flat);

/* The fields of a process over time. */
void skt_view_flow_processes(struct skt_view *ret);

#endif
