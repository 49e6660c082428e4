/* SPDX-License-Identifier: MIT */
#ifndef PROC_TOLD_H
#define PROC_TOLD_H

#include "proc/meta.h"

#include <skt/step.h>

/*
 * What was told on the way to a snapshot, in .skt-meta: the events of the step that led to it, and the processes of
 * that step that no look has seen. A tree is of one snapshot, so which row an event is about is said by where that row
 * is:
 *
 *	TOLD_NONE	no row: no look has seen the socket, or its row went before (SKT_E_LATE)
 *	TOLD_GONE	it went with this step: the one with these ends that did. Of several, in order
 *	TOLD_FIRST + N	it is the Nth of its table, from 0
 *
 * Where a tree was edited since, there may be no such row; what was told is told all the same.
 */
enum { TOLD_NONE, TOLD_GONE, TOLD_FIRST };

struct told_event {
	uint64_t net_namespace;
	uint8_t kind;
	uint32_t row;
	struct skt_event event; /* table and slot are found when it is told */
};

/* Harmless where it is all 0. */
struct told {
	struct told_event *events;
	size_t n_events, room_events;
	struct skt_process *lived;
	size_t n_lived, room_lived;
	struct skt_strtab *strings; /* of those; NULL: there are none */
};

void told_release(struct told *told);

/*
 * The lines of a step that was applied to the snapshot. 0, -ENOMEM, or -E2BIG: more processes than a recorder tells of.
 */
int told_put(struct skt_buf *out, const struct skt_snapshot *snapshot, const struct skt_step *step);

/*
 * Those lines, if there are any. The strings are added to this table, of which a reference is kept. What is wrong
 * sticks in meta. 0 or -ENOMEM.
 */
int told_get(struct meta *meta, struct skt_strtab *strings, struct told *ret);

/* Give it to the step, which has been applied and led to this snapshot, and to that. 0 or -ENOMEM. */
int told_tell(const struct told *told, struct skt_snapshot *now, struct skt_step *step);

#endif
