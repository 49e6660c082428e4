/* SPDX-License-Identifier: MIT */
#ifndef CHANGES_H
#define CHANGES_H

#include <skt/err.h>
#include <skt/filter.h>
#include <skt/render.h>

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* The changes of steps on standard output, one step at a time: what sockrec --watch and sockreplay print. */
struct changes {
	struct skt_render render;  /* its format and zone, host and boot time; the rest is ours */
	bool all;		   /* what only counts, too, and what was there at the start */
	struct skt_filter *filter; /* NULL: all; borrowed */
	sigset_t signals;	   /* blocked; one that comes is an end, and waits until the caller asks for it */

	uint64_t unknown; /* changes of which it is not known whether they match */
	bool begun;
	bool hurry;  /* set by a caller who has heard a signal: who does not read now gets no more */
	bool closed; /* its reader went away, which is an end in good order */
	struct skt_buf text;
	struct skt_changes of; /* the step */
	uint32_t *which;       /* of those that are shown */
	size_t n, room;
};

/* Begin a document. */
void changes_begin(struct changes *changes);

/*
 * Print what is worth it of a step that was just applied to the snapshot. What was there before anybody looked
 * (`first`: nothing is known of before) is not, nor what the filter does not mean. Waits for a slow reader, but not
 * longer than until a signal comes.
 */
int changes_step(struct changes *changes, const struct skt_snapshot *now, const struct skt_step *step, bool first,
		 struct skt_err *err);

/*
 * The same in two: what is shown of the step, changes->n of them, events in front; and print those from a first to
 * behind a last one.
 */
int changes_take(struct changes *changes, const struct skt_snapshot *now, const struct skt_step *step, bool first,
		 struct skt_err *err);
int changes_print(struct changes *changes, size_t from, size_t to, struct skt_err *err);

/* The end of the document, whatever came of the run until then; what it becomes. */
int changes_end(struct changes *changes, int rc, struct skt_err *err);

#endif
