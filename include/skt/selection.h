/* SPDX-License-Identifier: MIT */
#ifndef SKT_SELECTION_H
#define SKT_SELECTION_H

#include <skt/err.h>
#include <skt/filter.h>
#include <skt/step.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which sockets of a stretch of time are meant, each for its whole life in it: whoever sees a connection once wants to
 * see how it came and went. That is known only at the end of the stretch, so it is walked over twice, in the same way:
 *
 *	skt_selection_step(snapshot, step)	as a cursor yields them; step NULL: the stretch begins with this
 *						snapshot
 *	skt_selection_renumber(slots)		what skt_cursor_next_slots() says, after a step into another group
 *	...
 *	skt_selection_again()
 *	skt_selection_step(), _renumber() ...	now skt_selection_rows() says which are kept
 *
 * A socket is kept if the filter was true or unknown of it at some snapshot; rows are tested when they come, when they
 * change, and when a process that holds them does; at every snapshot where that may say anew what is asked
 * (SKT_NEEDS_LOOKS). A listener is kept as well where one that is kept has its port, for without it nobody could tell
 * who called whom. A socket is followed from step to step: after a gap it is another one. What only an event tells of
 * is tested by itself, and what an event tells of others is tested as well.
 */
struct skt_selection;

struct skt_selection_options {
	const struct skt_filter *filter; /* borrowed; NULL: all are meant */
	uint32_t kinds;			 /* of tables, 1 << enum skt_table_kind */
	bool listening;			 /* only sockets that wait for others (skt_sock_is_listening()) */
	const char *host;		 /* borrowed; NULL unknown */
	int64_t boot_time;		 /* as in struct skt_row */
};

/* What came of the first walk. */
struct skt_selected {
	uint64_t sockets;      /* in all */
	uint64_t matched;      /* of which the filter was true */
	uint64_t unknown;      /* of which it was never true, and unknown at least once ... */
	int64_t unknown_first; /* ... and between which snapshots; 0 where there is none */
	int64_t unknown_last;
};

int skt_selection_new(const struct skt_selection_options *options, struct skt_selection **ret); /* 0 or -ENOMEM */
void skt_selection_free(struct skt_selection *selection);

/* What comes next is of this host and boot, on either walk; texts are borrowed for as long as the selection. */
void skt_selection_run(struct skt_selection *selection, const struct skt_origin *origin);

/* 0, -ENOMEM, or -ESTALE: the second walk is not over what the first was. */
int skt_selection_step(struct skt_selection *selection, const struct skt_snapshot *snapshot,
		       const struct skt_step *step, struct skt_err *err);
int skt_selection_renumber(struct skt_selection *selection, const uint32_t *slots, size_t n, struct skt_err *err);

/* The first walk is at its end. */
struct skt_selected skt_selection_again(struct skt_selection *selection);

/*
 * Of each slot of the last snapshot whether its row is kept; of a row that closed with the last step whether it was.
 * Borrowed until the next call.
 */
const bool *skt_selection_rows(const struct skt_selection *selection);

/*
 * Of each event of the last step whether it is kept: of a socket that is, or of one that no look has seen and that is
 * meant, or may be. Likewise.
 */
const bool *skt_selection_events(const struct skt_selection *selection);

#endif
