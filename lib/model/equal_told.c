/* SPDX-License-Identifier: MIT */
#include <skt/step.h>

#include "model/equal.h"

#include <stdio.h>
#include <string.h>

/* What an event says of its row. */
enum row { NONE, GONE, LISTED };

static enum row row_of(const struct skt_snapshot *snapshot, const struct skt_event *event)
{
	if (event->slot >= snapshot->n_socks)
		return NONE;
	return snapshot->socks[event->slot].table == SKT_NO_TABLE ? GONE : LISTED;
}

/* Of two rows that are listed: the place in their tables. */
static bool same_place(const struct skt_snapshot *a, const struct skt_event *x, const struct skt_snapshot *b,
		       const struct skt_event *y)
{
	const struct skt_table *at = &a->tables[a->socks[x->slot].table], *bt = &b->tables[b->socks[y->slot].table];
	size_t i = 0;

	while (i < at->n_rows && at->order[i] != x->slot)
		i++;
	return i < at->n_rows && i < bt->n_rows && bt->order[i] == y->slot;
}

static bool same_event(const struct skt_snapshot *a, const struct skt_event *x, const struct skt_snapshot *b,
		       const struct skt_event *y)
{
	const struct skt_table *at = &a->tables[x->table], *bt = &b->tables[y->table];
	enum row row = row_of(a, x);

	return at->kind == bt->kind && at->net_namespace == bt->net_namespace && row == row_of(b, y) &&
	       (row != LISTED || same_place(a, x, b, y)) && x->when == y->when && x->source == y->source &&
	       x->change == y->change && x->state == y->state &&
	       !memcmp(x->local_address, y->local_address, sizeof(x->local_address)) &&
	       !memcmp(x->remote_address, y->remote_address, sizeof(x->remote_address)) &&
	       x->local_port == y->local_port && x->remote_port == y->remote_port && x->uid == y->uid &&
	       x->has == y->has && x->inode == y->inode && x->bytes_sent == y->bytes_sent &&
	       x->bytes_received == y->bytes_received && x->duration_us == y->duration_us && x->rtt_us == y->rtt_us &&
	       x->retransmits == y->retransmits && x->late_us == y->late_us;
}

/* The next one that no look has seen, from *at on; NULL: there is none. */
static const struct skt_process *next_lived(const struct skt_snapshot *snapshot, const struct skt_step *step,
					    size_t *at)
{
	for (; *at < step->n_processes; (*at)++)
		if (skt_change_is_lived(snapshot, &step->processes[*at]))
			return &snapshot->processes[step->processes[(*at)++].slot];
	return NULL;
}

bool skt_told_equal(const struct skt_snapshot *a, const struct skt_step *a_step, const struct skt_snapshot *b,
		    const struct skt_step *b_step, char *why, size_t why_size)
{
	const struct skt_process *x, *y;
	size_t i = 0, k = 0;

	if (a_step->n_events != b_step->n_events) {
		snprintf(why, why ? why_size : 0, "%zu events, not %zu", b_step->n_events, a_step->n_events);
		return false;
	}
	for (size_t n = 0; n < a_step->n_events; n++)
		if (!same_event(a, &a_step->events[n], b, &b_step->events[n])) {
			snprintf(why, why ? why_size : 0, "event %zu is another", n + 1);
			return false;
		}
	do {
		x = next_lived(a, a_step, &i);
		y = next_lived(b, b_step, &k);
		if (!x != !y || (x && !equal_processes(a, x, b, y))) {
			snprintf(why, why ? why_size : 0, "process %u, which no look has seen, is another",
				 x ? x->pid : y->pid);
			return false;
		}
	} while (x);
	return true;
}
