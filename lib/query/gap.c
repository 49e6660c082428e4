/* SPDX-License-Identifier: MIT */
#include "query/flow.h"

#include "base/array.h"

#include <errno.h>
#include <string.h>

/* What was there before a gap, and is there after it: the rule is told in skt/flow.h. */

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static bool same_boot(const struct skt_origin *a, const struct skt_origin *b)
{
	bool known = (a->boot_id && *a->boot_id) || (b->boot_id && *b->boot_id);

	return same_text(a->host, b->host) &&
	       (known ? same_text(a->boot_id, b->boot_id) : a->boot_time == b->boot_time);
}

static bool same_origin(const struct skt_origin *a, const struct skt_origin *b)
{
	return same_text(a->host, b->host) && same_text(a->boot_id, b->boot_id) && a->boot_time == b->boot_time;
}

int skt_flows_run(struct skt_flows *flows, const struct skt_origin *origin, struct skt_err *err)
{
	uint32_t n = (uint32_t)flows->n_origins, boot = n;

	for (uint32_t i = 0; i < n; i++) {
		if (same_origin(&flows->origins[i].of, origin)) {
			flows->origin = i;
			return 0;
		}
		if (boot == n && same_boot(&flows->origins[i].of, origin))
			boot = flows->origins[i].boot;
	}
	if (array_room(&flows->origins, &flows->room_origins, flows->n_origins + 1, sizeof(*flows->origins)))
		return skt_err_set(err, -ENOMEM, "out of memory");
	flows->origins[flows->n_origins++] = (struct origin){ .of = *origin, .boot = boot };
	flows->origin = n;
	return 0;
}

struct skt_row flow_row_of(const struct skt_flows *flows, uint32_t origin)
{
	const struct skt_origin *of = &flows->origins[origin].of;

	return (struct skt_row){ .host = of->host,
				 .recording = flows->options.recording,
				 .boot_time = of->boot_time,
				 .snapshot = &flows->kept };
}

static uint64_t flow_hash(const struct skt_flows *flows, const struct flow *flow)
{
	uint64_t hash = hash_mix(flows->options.seed,
				 (uint64_t)flow->place << 32 | (uint64_t)flow->local_port << 16 | flow->remote_port);

	hash = hash_bytes(hash, flow->local_address, 16);
	return hash_mix(hash_bytes(hash, flow->remote_address, 16), flow->inode);
}

static bool same_flow(const struct flow *a, const struct flow *b)
{
	return a->place == b->place && a->local_port == b->local_port && a->remote_port == b->remote_port &&
	       a->inode == b->inode && !memcmp(a->local_address, b->local_address, 16) &&
	       !memcmp(a->remote_address, b->remote_address, 16);
}

/* No host has so many sockets with one inode: a recording that was made up must not make this slow. */
#define TWINS_MAX 64

/* Of the flows that wait behind a gap the one that goes on as this; of twins the one with the same pointer. */
uint32_t flow_join(struct skt_flows *flows, const struct flow *as)
{
	uint32_t found = MAP_NONE, i, flow;
	unsigned twins = 0;

	if (!as->inode)
		return NONE;
	for (i = lookup_first(&flows->waiting_by_key, flow_hash(flows, as)); i != MAP_NONE && twins++ < TWINS_MAX;
	     i = lookup_next(&flows->waiting_by_key, i)) {
		if (flows->waiting[i] == NONE || !same_flow(&flows->flows[flows->waiting[i]], as))
			continue;
		found = i;
		if (flows->flows[flows->waiting[i]].sk == as->sk)
			break;
	}
	if (found == MAP_NONE)
		return NONE;
	flow = flows->waiting[found];
	flows->waiting[found] = NONE;
	flows->flows[flow].gaps++;
	return flow;
}

/* A gap: what was there waits for what is there after it. */
int flow_begin_again(struct skt_flows *flows, const struct skt_snapshot *snapshot)
{
	bool same = snapshot->boottime >= flows->boottime && flows->origins[flows->origin].boot == flows->boot;

	if (flow_settle_closing(flows, INT64_MAX))
		return -ENOMEM;
	flows->n_waiting = 0;
	lookup_clear(&flows->waiting_by_key);
	for (size_t slot = 0; slot < flows->n_of_slot; slot++) {
		uint32_t i = flows->of_slot[slot];
		int rc = 0;

		if (i == NONE)
			continue;
		flows->flows[i].seen = flow_count_seen(flows, &flows->flows[i], 0);
		if (same && flows->flows[i].inode) {
			if (array_room(&flows->waiting, &flows->room_waiting, flows->n_waiting + 1,
				       sizeof(*flows->waiting)) ||
			    lookup_add(&flows->waiting_by_key, flow_hash(flows, &flows->flows[i])))
				return -ENOMEM;
			flows->waiting[flows->n_waiting++] = i;
		} else {
			rc = flow_finish(flows, i, FLOW_BROKEN, flows->places[flows->flows[i].place].last_read,
					 INT64_MIN);
		}
		if (rc)
			return rc;
	}
	/* until then its table was read, and from now on again */
	for (size_t i = 0; i < flows->n_waiting; i++)
		flows->flows[flows->waiting[i]].last_seen =
			flows->places[flows->flows[flows->waiting[i]].place].last_read;
	flow_forget_slots(flows);
	listeners_clear(&flows->listeners);
	lives_set_aside(flows, false);
	if (!same)
		lives_forget_old(flows);
	return 0;
}

/* Those who still wait when the first snapshot after the gap has been seen. */
int flow_break_waiting(struct skt_flows *flows)
{
	int rc = 0;

	for (size_t i = 0; i < flows->n_waiting && !rc; i++)
		if (flows->waiting[i] != NONE)
			rc = flow_finish(flows, flows->waiting[i], FLOW_BROKEN,
					 flows->flows[flows->waiting[i]].last_seen, INT64_MIN);
	flows->n_waiting = 0;
	lookup_clear(&flows->waiting_by_key);
	return rc;
}
