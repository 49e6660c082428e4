/* SPDX-License-Identifier: MIT */
#include "query/filter.h"
#include "query/flow.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * What events tell of flows. One of a socket that was seen says when it ended and what it had sent; one of a socket
 * that no look has seen is a flow of its own.
 *
 * A socket may be out of its table before the kernel tells that it is destroyed. So a flow that closes without an
 * event, where somebody listened, waits for one before it is counted or forgotten.
 */

/* The kernel may hold a socket whose row is gone until what it sent has left the machine. */
#define LATE_NS (10 * INT64_C(1000000000))

/* No host has so many sockets with the same ends: a recording that was made up must not make this slow. */
#define TWINS_MAX 64

static int tell(struct skt_flows *flows, uint32_t i, const struct skt_event *event)
{
	if (array_room(&flows->events, &flows->room_events, flows->n_flows, sizeof(*flows->events)))
		return -ENOMEM;
	flows->events[i] = *event;
	flows->flows[i].told = true;
	flows->flows[i].close_time = event->when;
	return 0;
}

/*
 * An event tells of a row, be it there or gone. Whatever a look says of it was asked at each snapshot that had it, and
 * at another it would be true at none; so it is tested again only where it is asked what events tell.
 */
static int test_again(struct skt_flows *flows, uint32_t i, const struct skt_snapshot *snapshot,
		      const struct skt_sock *sock, const struct skt_event *event, bool gone)
{
	const struct skt_filter *filter = flows->options.filter;
	struct skt_snapshot before = *snapshot;

	if (flows->flows[i].kept == NONE && !(filter && filter->of_events))
		return 0;
	/* the last one that had it, of which its timer is, and at which its holders held it */
	if (gone) {
		before.time = flows->time;
		before.boottime = flows->boottime;
	}
	return flow_test(flows, &flows->flows[i], &before, sock, event);
}

/* ---- candidates ---- */

/* Those of a burst are mostly the same, and then they are kept once. */
static int keep_candidates(struct skt_flows *flows, const struct skt_snapshot *snapshot, struct flow *flow,
			   const struct skt_candidates *of)
{
	struct run run = { .first = flows->n_candidates };

	if (!of)
		return 0;
	if (flows->last_run == of) {
		flow->run = (uint32_t)flows->n_runs - 1;
		return 0;
	}
	if (array_room(&flows->candidates, &flows->room_candidates, flows->n_candidates + of->n + 1,
		       sizeof(*flows->candidates)) ||
	    array_room(&flows->runs, &flows->room_runs, flows->n_runs + 1, sizeof(*flows->runs)))
		return -ENOMEM;
	for (uint32_t i = 0; i < of->n; i++) {
		struct skt_candidate candidate = of->list[i];
		int rc = lives_image(flows, snapshot, of->list[i].process, &candidate.process);

		if (rc)
			return rc;
		flows->candidates[flows->n_candidates++] = candidate;
	}
	run.n = of->n;
	run.more = of->more;
	flow->run = (uint32_t)flows->n_runs;
	flows->runs[flows->n_runs++] = run;
	flows->last_run = of;
	return 0;
}

static int find_candidates(struct skt_flows *flows, const struct skt_snapshot *snapshot, uint32_t i, size_t event)
{
	const struct skt_candidates *of;

	if (flows->flows[i].kept == NONE || flows->kept.socks[flows->flows[i].kept].n_owners)
		return 0;
	of = skt_changes_candidates(&flows->changes, event);
	return flows->changes.failed ? -ENOMEM : keep_candidates(flows, snapshot, &flows->flows[i], of);
}

int flow_list_candidates(struct skt_flows *flows)
{
	flows->lists = malloc((flows->n_runs + 1) * sizeof(*flows->lists));
	if (!flows->lists)
		return -ENOMEM;
	for (size_t i = 0; i < flows->n_runs; i++) {
		struct run *run = &flows->runs[i];

		flows->lists[i] = (struct skt_candidates){ .list = run->n ? &flows->candidates[run->first] : NULL,
							   .n = run->n,
							   .more = run->more };
	}
	return 0;
}

/* ---- told late ---- */

static uint64_t key_of(const struct skt_flows *flows, uint32_t place, const uint8_t local[16], uint16_t local_port,
		       const uint8_t remote[16])
{
	uint64_t hash = hash_mix(flows->options.seed, (uint64_t)place << 16 | local_port);

	return hash_bytes(hash_bytes(hash, local, 16), remote, 16);
}

int flow_wait_for_event(struct skt_flows *flows, uint32_t i)
{
	const struct flow *flow = &flows->flows[i];

	if (array_room(&flows->closing, &flows->room_closing, flows->n_closing + 1, sizeof(*flows->closing)) ||
	    lookup_add(&flows->closing_by_key,
		       key_of(flows, flow->place, flow->local_address, flow->local_port, flow->remote_address)))
		return -ENOMEM;
	flows->closing[flows->n_closing++] = i;
	return 0;
}

static bool is_it(const struct flow *flow, uint32_t place, const struct skt_event *event)
{
	bool port = event->has & SKT_BIT(SKT_E_REMOTE_PORT);

	return flow->place == place && flow->local_port == event->local_port &&
	       (!port || flow->remote_port == event->remote_port) &&
	       !memcmp(flow->local_address, event->local_address, 16) &&
	       !memcmp(flow->remote_address, event->remote_address, 16);
}

/* Without the remote port it has to be the only one. */
static uint32_t find_closing(const struct skt_flows *flows, uint32_t place, const struct skt_event *event)
{
	uint64_t key = key_of(flows, place, event->local_address, event->local_port, event->remote_address);
	uint32_t found = NONE, k;
	unsigned n = 0, twins = 0;

	for (k = lookup_first(&flows->closing_by_key, key); k != MAP_NONE && twins++ < TWINS_MAX;
	     k = lookup_next(&flows->closing_by_key, k)) {
		const struct flow *flow = &flows->flows[flows->closing[k]];

		if (flow->told || !is_it(flow, place, event))
			continue;
		found = flows->closing[k];
		n++;
	}
	return n == 1 || event->has & SKT_BIT(SKT_E_REMOTE_PORT) ? found : NONE;
}

/* Its row is gone: what the event says stands for it where it was not kept. */
static int see_late(struct skt_flows *flows, const struct skt_snapshot *snapshot, size_t n)
{
	const struct skt_event *event = &flows->changes.step->events[n];
	struct skt_sock_change change;
	struct skt_row row = { .host = NULL };
	struct flow *flow;
	uint32_t place, i;
	int rc = flow_place(flows, snapshot, event->table, &place);

	i = rc ? NONE : find_closing(flows, place, event);
	if (i == NONE)
		return rc;
	flow = &flows->flows[i];
	if (event->when > flow->last_seen && event->when < flow->last_until)
		flow->last_until = event->when;
	rc = tell(flows, i, event);
	if (rc || flow->kept != NONE)
		return rc;
	skt_changes_row(&flows->changes, n, &change, &row);
	return test_again(flows, i, snapshot, &change.before, event, true);
}

int flow_settle_closing(struct skt_flows *flows, int64_t before)
{
	size_t n = 0, left = 0;
	int rc = 0;

	if (!flows->n_closing)
		return 0;
	while (n < flows->n_closing && flows->flows[flows->closing[n]].last_until < before && !rc)
		rc = flow_settle(flows, flows->closing[n++]);
	if (!n || rc)
		return rc;
	/* those that are left are numbered anew */
	lookup_clear(&flows->closing_by_key);
	left = flows->n_closing - n;
	memmove(flows->closing, flows->closing + n, left * sizeof(*flows->closing));
	flows->n_closing = 0;
	for (size_t i = 0; i < left && !rc; i++)
		rc = flow_wait_for_event(flows, flows->closing[i]);
	return rc;
}

/* ---- sockets that were seen ---- */

static uint32_t flow_of(const struct skt_flows *flows, uint32_t slot)
{
	return slot < flows->n_of_slot ? flows->of_slot[slot] : NONE;
}

/* What closed, or went on in TIME_WAIT: it is tested as it was when it was seen last. */
static int see_end(struct skt_flows *flows, const struct skt_snapshot *snapshot, uint32_t i,
		   const struct skt_event *event, const struct skt_sock *sock, bool gone)
{
	int rc;

	if (i == NONE || flows->flows[i].told)
		return 0;
	rc = tell(flows, i, event);
	return rc ? rc : test_again(flows, i, snapshot, sock, event, gone);
}

int flow_see_told(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_step *step)
{
	int rc = skt_changes_take(&flows->changes, snapshot, step);

	flows->last_run = NULL;
	for (size_t i = 0; i < step->n_events && !rc; i++) {
		const struct skt_told *told = &flows->changes.told[i];
		const struct skt_sock_change *change;

		if (told->kind == SKT_TOLD_LATE)
			rc = see_late(flows, snapshot, i);
		if (told->kind != SKT_TOLD_CHANGE)
			continue;
		change = &step->socks[told->at];
		rc = see_end(flows, snapshot, flow_of(flows, change->slot), &step->events[i], &change->before, true);
	}
	if (rc)
		return rc;
	return flow_settle_closing(flows, step->time > INT64_MIN + LATE_NS ? step->time - LATE_NS : INT64_MIN);
}

/* ---- and those that were not ---- */

/*
 * When it opened: after the last look that lacks it, and where it is known how long it lasted, so long before its end.
 */
static void date_begin(const struct skt_flows *flows, const struct skt_event *event, struct flow *flow)
{
	const struct place *place = &flows->places[flow->place];
	int64_t bound = place->last_read <= event->when ? place->last_read : place->read_before;
	int64_t after = skt_event_after(event), until = event->when, lasted = 0;

	bound = bound && bound <= event->when ? bound : INT64_MIN;
	flow->first_after = bound;
	flow->first_seen = event->when;
	if (!(event->has & SKT_BIT(SKT_E_DURATION)) ||
	    __builtin_mul_overflow((int64_t)(event->duration_us & INT64_MAX), 1000, &lasted) ||
	    __builtin_sub_overflow(after, lasted, &after) || __builtin_sub_overflow(until, lasted, &until))
		return;
	flow->first_after = after > bound ? after : bound;
	flow->first_seen = until > bound ? until : bound;
}

static int see_unseen(struct skt_flows *flows, const struct skt_snapshot *snapshot, size_t n)
{
	const struct skt_event *event = &flows->changes.step->events[n];
	unsigned kind = snapshot->tables[event->table].kind;
	int64_t after = skt_event_after(event);
	struct skt_sock_change change;
	struct skt_row row = { .host = NULL };
	struct flow *flow;
	uint32_t place, i;
	int rc;

	if (!(flows->options.kinds & 1u << kind))
		return 0;
	rc = flow_place(flows, snapshot, event->table, &place);
	if (!rc)
		rc = flow_new(flows, &i);
	if (!rc)
		rc = tell(flows, i, event);
	if (rc)
		return rc;
	skt_changes_row(&flows->changes, n, &change, &row);
	flow = &flows->flows[i];
	flow->of = flows;
	flow->place = place;
	flow->local_port = event->local_port;
	flow->remote_port = event->remote_port;
	memcpy(flow->local_address, event->local_address, 16);
	memcpy(flow->remote_address, event->remote_address, 16);
	flow->behind = flows->skipping ? (uint32_t)flows->n_skips : 0;
	flow->reads_before = flows->places[place].reads;
	flow->direction = (uint8_t)flow_direction(flows, flow, &change.before, kind);
	date_begin(flows, event, flow);
	rc = flow_test(flows, flow, snapshot, &change.before, event);
	if (!rc)
		rc = find_candidates(flows, snapshot, i, n);
	return rc ? rc : flow_finish(flows, i, FLOW_CLOSED, after, event->when);
}

int flow_see_unseen(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_step *step)
{
	int rc = 0;

	for (size_t i = 0; i < step->n_events && !rc; i++) {
		const struct skt_told *told = &flows->changes.told[i];
		const struct skt_sock *sock;
		uint32_t slot, flow;

		if (told->kind == SKT_TOLD_UNSEEN)
			rc = see_unseen(flows, snapshot, i);
		if (told->kind != SKT_TOLD_ROW && told->kind != SKT_TOLD_BEHIND)
			continue;
		slot = told->kind == SKT_TOLD_ROW ? told->at : step->socks[told->at].slot;
		sock = &snapshot->socks[slot];
		flow = flow_of(flows, slot);
		rc = see_end(flows, snapshot, flow, &step->events[i], sock, false);
		if (!rc && flow != NONE && told->kind == SKT_TOLD_BEHIND)
			rc = find_candidates(flows, snapshot, flow, i);
	}
	return rc;
}
