/* SPDX-License-Identifier: MIT */
#include "query/flow.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How long TIME_WAIT lasts: TCP_TIMEWAIT_LEN, include/net/tcp.h. */
#define TIME_WAIT_NS	(60 * INT64_C(1000000000))
#define TIMER_TIME_WAIT 3

/*
 * A timer is counted in ticks, from when its row was read: by no more than this it may miss the interval that is known.
 */
#define TIMER_SLACK INT64_C(1000000000)

static int no_memory(struct skt_err *err)
{
	return skt_err_set(err, -ENOMEM, "out of memory");
}

int flow_failed(int rc, struct skt_err *err)
{
	if (rc == -E2BIG)
		return skt_err_set(err, rc, "too many sockets match: at most %u, with %u owners and %zu bytes of text",
				   SKT_SNAPSHOT_TIMES * SKT_SOCKS_MAX, SKT_SNAPSHOT_TIMES * SKT_OWNERS_MAX,
				   SKT_SNAPSHOT_TIMES * SKT_STRTAB_MAX);
	return rc ? no_memory(err) : 0;
}

int skt_flows_new(const struct skt_flows_options *options, struct skt_flows **ret)
{
	struct skt_flows *flows = calloc(1, sizeof(*flows));

	if (!flows)
		return -ENOMEM;
	flows->options = *options;
	flows->counters = options->filter && skt_filter_needs(options->filter) & SKT_NEEDS_STATE;
	lookup_init(&flows->places_by_key);
	lookup_init(&flows->lives_by_pid);
	lookup_init(&flows->old_by_pid);
	lookup_init(&flows->images_by_key);
	lookup_init(&flows->waiting_by_key);
	lookup_init(&flows->closing_by_key);
	listeners_init(&flows->listeners, options->seed);
	if (skt_snapshot_init(&flows->kept, NULL, options->seed) ||
	    skt_flows_run(flows, &(struct skt_origin){ .host = options->host, .boot_time = options->boot_time },
			  NULL)) {
		skt_flows_free(flows);
		return -ENOMEM;
	}
	*ret = flows;
	return 0;
}

void skt_flows_free(struct skt_flows *flows)
{
	if (!flows)
		return;
	skt_snapshot_release(&flows->kept);
	lookup_release(&flows->places_by_key);
	lookup_release(&flows->lives_by_pid);
	lookup_release(&flows->old_by_pid);
	lookup_release(&flows->images_by_key);
	lookup_release(&flows->waiting_by_key);
	lookup_release(&flows->closing_by_key);
	skt_changes_release(&flows->changes);
	listeners_release(&flows->listeners);
	free(flows->holds);
	free(flows->images);
	free(flows->origins);
	free(flows->places);
	free(flows->place_of);
	free(flows->flows);
	free(flows->free);
	free(flows->of_slot);
	free(flows->next_of_slot);
	free(flows->lives);
	free(flows->old_lives);
	free(flows->changed);
	free(flows->waiting);
	free(flows->events);
	free(flows->closing);
	free(flows->candidates);
	free(flows->runs);
	free(flows->lists);
	free(flows->skips);
	free(flows->scratch);
	free(flows->merged);
	free(flows->merged_holds);
	free(flows->order);
	free(flows);
}

/* ---- tables ---- */

static int64_t read_end(const struct skt_table *table, const struct skt_snapshot *snapshot)
{
	return table->read_time ? table->read_time + (int64_t)table->read_us * 1000 : snapshot->time;
}

static int see_user(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_user *user)
{
	uint32_t name;
	int rc = flow_keep_string(flows, snapshot, user->name, &name);

	return rc ? rc : skt_snapshot_add_user(&flows->kept, user->uid, name);
}

/* ---- a flow ---- */

int flow_new(struct skt_flows *flows, uint32_t *ret)
{
	if (flows->n_free) {
		*ret = flows->free[--flows->n_free];
	} else {
		if (flows->n_flows >= NONE ||
		    array_room(&flows->flows, &flows->room_flows, flows->n_flows + 1, sizeof(*flows->flows)))
			return -ENOMEM;
		*ret = (uint32_t)flows->n_flows++;
	}
	memset(&flows->flows[*ret], 0, sizeof(*flows->flows));
	flows->flows[*ret].used = true;
	flows->flows[*ret].kept = NONE;
	flows->flows[*ret].run = NONE;
	flows->flows[*ret].origin = flows->origin;
	return 0;
}

/* When it came into TIME_WAIT, between these two instants, by how long that has still to last. */
static void date_close(struct flow *flow, const struct skt_snapshot *snapshot, const struct skt_sock *sock,
		       int64_t after, int64_t until)
{
	int64_t left, when;

	if (sock->timer != TIMER_TIME_WAIT || !skt_sock_has(sock, SKT_F_TIMER_MS))
		return;
	left = skt_sock_timer_ms(sock, snapshot->boottime) * 1000000;
	if (left > TIME_WAIT_NS || __builtin_sub_overflow(snapshot->time, TIME_WAIT_NS - left, &when))
		return;
	if (after > INT64_MIN + TIMER_SLACK && when < after - TIMER_SLACK)
		return;
	flow->close_time = when < after ? after : when > until ? until : when;
}

static void see_row(struct flow *flow, const struct skt_snapshot *snapshot, const struct skt_sock *sock, int64_t after,
		    int64_t until)
{
	bool listening = skt_sock_is_listening(sock, snapshot->tables[sock->table].kind);

	if (!flow->n_states || flow->states[flow->n_states - 1] != sock->state) {
		if (flow->n_states < FLOW_STATES)
			flow->states[flow->n_states++] = sock->state;
		if (sock->state == SKT_TIME_WAIT && flow->close_time == INT64_MIN)
			date_close(flow, snapshot, sock, after, until);
	}
	if (sock->tx_queue > flow->most_tx)
		flow->most_tx = sock->tx_queue;
	/* of a listener it is connections */
	if (sock->rx_queue > flow->most_rx)
		flow->most_rx = sock->rx_queue;
	if (sock->retransmits > flow->most_retransmits)
		flow->most_retransmits = sock->retransmits;
	flow->sk = sock->sk;
	flow->inode = sock->inode;
	if (listening)
		flow->direction = DIRECTION_NONE;
}

/* ---- rows that come ---- */

static int put_slot(struct skt_flows *flows, uint32_t slot, uint32_t flow)
{
	if (array_room(&flows->of_slot, &flows->room_of_slot, slot + (size_t)1, sizeof(*flows->of_slot)))
		return -ENOMEM;
	while (flows->n_of_slot <= slot)
		flows->of_slot[flows->n_of_slot++] = NONE;
	flows->of_slot[slot] = flow;
	return 0;
}

static int open_row(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_sock *sock,
		    uint32_t slot, bool was_there, int64_t after, int64_t until)
{
	const struct skt_table *table = &snapshot->tables[sock->table];
	struct flow key = { .of = flows,
			    .local_port = sock->local_port,
			    .remote_port = sock->remote_port,
			    .inode = sock->inode,
			    .sk = sock->sk,
			    .used = true,
			    .kept = NONE,
			    .run = NONE,
			    .origin = flows->origin,
			    .first_after = was_there ? INT64_MIN : after,
			    .first_seen = until,
			    .behind = flows->skipping ? (uint32_t)flows->n_skips : 0,
			    .close_time = INT64_MIN,
			    .was_there = was_there };
	uint32_t i = NONE;
	struct flow *flow;
	int rc;

	if (!(flows->options.kinds & 1u << table->kind))
		return put_slot(flows, slot, NONE);
	rc = flow_place(flows, snapshot, sock->table, &key.place);
	if (rc)
		return rc;
	memcpy(key.local_address, sock->local_address, 16);
	memcpy(key.remote_address, sock->remote_address, 16);
	if (flows->waiting_by_key.n)
		i = flow_join(flows, &key);
	if (i == NONE) {
		rc = flow_new(flows, &i);
		if (rc)
			return rc;
		flows->flows[i] = key;
		flow = &flows->flows[i];
		flow->reads_before = flows->places[key.place].reads;
		flow->reads_before -= flow->reads_before != 0;
		flow->direction = (uint8_t)flow_direction(flows, flow, sock, table->kind);
	}
	flows->flows[i].origin = flows->origin;
	rc = put_slot(flows, slot, i);
	if (rc)
		return rc;
	see_row(&flows->flows[i], snapshot, sock, after, until);
	return flow_test(flows, &flows->flows[i], snapshot, sock, NULL);
}

/* ---- steps ---- */

static int see_change(struct skt_flows *flows, const struct skt_snapshot *snapshot,
		      const struct skt_sock_change *change)
{
	uint32_t i = change->slot < flows->n_of_slot ? flows->of_slot[change->slot] : NONE;
	struct flow *flow;

	if (change_is_new(change))
		return open_row(flows, snapshot, &change->now, change->slot, change->change == SKT_PRESENT,
				change->after, change->until);
	if (i == NONE)
		return 0;
	flow = &flows->flows[i];
	if (change->change == SKT_CHANGED) {
		see_row(flow, snapshot, &change->now, change->after, change->until);
		return flow_says_anew(flows, flow, change->fields)
			       ? flow_test(flows, flow, snapshot, &change->now, NULL)
			       : 0;
	}
	flows->of_slot[change->slot] = NONE;
	if (change->change == SKT_LOST)
		return flow_finish(flows, i, FLOW_LOST, change->after, change->until);
	return flow_close(flows, snapshot, i, change);
}

/*
 * Whether what is asked may have come true of rows that did not change: by what moves with every snapshot, or a user's
 * name.
 */
static bool asks_again(const struct skt_flows *flows, const struct skt_step *step)
{
	const struct skt_filter *filter = flows->options.filter;

	return filter && (step->n_users || skt_filter_needs(filter) & SKT_NEEDS_LOOKS);
}

/*
 * Rows to which nothing happened: those whose holder is another program now and, where all are asked again, those not
 * meant yet.
 */
static int revisit(struct skt_flows *flows, const struct skt_snapshot *snapshot, bool all)
{
	int rc = 0;

	for (size_t slot = 0; slot < flows->n_of_slot && !rc; slot++) {
		const struct skt_sock *sock = &snapshot->socks[slot];
		bool changed;

		if (flows->of_slot[slot] == NONE)
			continue;
		changed = all && flows->flows[flows->of_slot[slot]].kept == NONE;
		for (uint32_t k = 0; k < sock->n_owners && !changed; k++)
			changed = flows->lives[snapshot->owners[sock->first_owner + k].process].changed;
		if (changed)
			rc = flow_test(flows, &flows->flows[flows->of_slot[slot]], snapshot, sock, NULL);
	}
	return rc;
}

/* Where what slots meant ends. */
void flow_forget_slots(struct skt_flows *flows)
{
	flows->n_place_of = 0;
	flows->n_of_slot = 0;
}

static void take_time(struct skt_flows *flows, const struct skt_snapshot *snapshot)
{
	flows->begun = true;
	flows->time = snapshot->time;
	flows->boottime = snapshot->boottime;
	flows->boot = flows->origins[flows->origin].boot;
	flows->kept.time = snapshot->time;
	flows->kept.boottime = snapshot->boottime;
}

int skt_flows_begin(struct skt_flows *flows, const struct skt_snapshot *snapshot, struct skt_err *err)
{
	bool again = flows->begun;
	int rc = again ? flow_begin_again(flows, snapshot) : 0;

	flows->time = snapshot->time;
	for (uint32_t i = 0; i < snapshot->n_tables && !rc; i++)
		rc = flow_see_table(flows, snapshot, i);
	for (size_t i = 0; i < snapshot->n_users && !rc; i++)
		rc = see_user(flows, snapshot, &snapshot->users[i]);
	if (!rc)
		rc = lives_begin(flows, snapshot);
	for (size_t i = 0; i < snapshot->n_socks && !rc; i++)
		if (snapshot->socks[i].table != SKT_NO_TABLE)
			rc = flow_add_listener(flows, snapshot, &snapshot->socks[i]);
	for (uint32_t i = 0; i < snapshot->n_socks && !rc; i++) {
		const struct skt_sock *sock = &snapshot->socks[i];

		if (sock->table != SKT_NO_TABLE)
			rc = open_row(flows, snapshot, sock, i, true, INT64_MIN,
				      read_end(&snapshot->tables[sock->table], snapshot));
	}
	if (!rc && again)
		rc = flow_break_waiting(flows);
	take_time(flows, snapshot);
	return flow_failed(rc, err);
}

int skt_flows_step(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_step *step,
		   struct skt_err *err)
{
	bool again = step->from == INT64_MIN && flows->begun && !flows->skipping, others = false, all;
	int rc = again ? flow_begin_again(flows, snapshot) : 0;

	for (size_t i = 0; i < step->n_tables && !rc; i++)
		rc = flow_see_table(flows, snapshot, step->tables[i].slot);
	for (size_t i = 0; i < step->n_users && !rc; i++)
		rc = see_user(flows, snapshot, &step->users[i]);
	if (!rc)
		rc = lives_step(flows, snapshot, step, &others);
	if (!rc)
		rc = flow_see_listeners(flows, snapshot, step);
	if (!rc)
		rc = flow_see_told(flows, snapshot, step);
	for (size_t i = 0; i < step->n_socks && !rc; i++)
		rc = see_change(flows, snapshot, &step->socks[i]);
	if (!rc)
		rc = flow_see_unseen(flows, snapshot, step);
	all = !rc && asks_again(flows, step);
	if (!rc && (others || all))
		rc = revisit(flows, snapshot, all);
	if (!rc && again)
		rc = flow_break_waiting(flows);
	if (!rc)
		rc = flow_forget_listeners(flows, snapshot, step);
	flows->skipping = false;
	take_time(flows, snapshot);
	return flow_failed(rc, err);
}

int skt_flows_renumber(struct skt_flows *flows, const uint32_t *slots, size_t n, struct skt_err *err)
{
	uint32_t *old = flows->of_slot;
	size_t n_old = flows->n_of_slot, room = flows->room_of_slot;

	flows->of_slot = flows->next_of_slot;
	flows->room_of_slot = flows->room_next_of_slot;
	flows->next_of_slot = old;
	flows->room_next_of_slot = room;
	flow_forget_slots(flows);
	for (size_t i = 0; i < n_old && i < n; i++)
		if (old[i] != NONE && slots[i] != SKT_NO_SLOT && put_slot(flows, slots[i], old[i]))
			return no_memory(err);
	lives_set_aside(flows, true);
	return 0;
}
