/* SPDX-License-Identifier: MIT */
#include "query/flow.h"

#include "base/array.h"

#include <errno.h>
#include <string.h>

/* How a flow ends. */

static int drop_flow(struct skt_flows *flows, uint32_t i)
{
	struct flow *flow = &flows->flows[i];

	if (flow->unknown && flow_test_whole(flows, flow) != SKT_FALSE)
		flow_count_unknown(flows, flow->unknown_time, flow->unknown_last);
	flow->used = false;
	if (array_room(&flows->free, &flows->room_free, flows->n_free + 1, sizeof(*flows->free)))
		return -ENOMEM;
	flows->free[flows->n_free++] = i;
	return 0;
}

/* What it was called at the end, for itself. */
static int write_states(struct skt_flows *flows, struct flow *flow)
{
	char text[FLOW_STATES * 16];
	size_t len = 0;

	for (unsigned i = 0; i < flow->n_states; i++) {
		const char *name = skt_state_name(flow->states[i]);
		static const char digits[] = "0123456789ABCDEF";
		char number[] = { '0', 'x', digits[flow->states[i] >> 4], digits[flow->states[i] & 15], '\0' };
		size_t add;

		name = name ? name : number;
		add = strlen(name);
		if (i)
			text[len++] = ' ';
		memcpy(text + len, name, add);
		len += add;
	}
	return skt_strtab_add(flows->kept.strings, text, len, &flow->states_text);
}

uint64_t flow_count_seen(const struct skt_flows *flows, const struct flow *flow, uint64_t not_counted)
{
	uint64_t before = flow->reads_before + not_counted, reads = flows->places[flow->place].reads;

	return reads > before ? reads - before : 0;
}

int flow_settle(struct skt_flows *flows, uint32_t i)
{
	struct flow *flow = &flows->flows[i];

	if (flow->kept == NONE)
		return drop_flow(flows, i);
	flow_let_go(flows, flow, flow->last_seen);
	return write_states(flows, flow);
}

int flow_finish(struct skt_flows *flows, uint32_t i, enum flow_end end, int64_t last_seen, int64_t until)
{
	struct flow *flow = &flows->flows[i];

	flow->end = (uint8_t)end;
	flow->last_seen = last_seen > flow->first_seen ? last_seen : flow->first_seen;
	flow->last_until = until;
	/* no snapshot had what no look has seen */
	flow->stayed = !flow_is_unseen(flow) && flows->time > flow->last_seen ? flows->time : flow->last_seen;
	flow_mark_skip(flows, flow);
	/* the read that did not find it any more is none; of one that is broken it was counted at the gap */
	if (end != FLOW_BROKEN)
		flow->seen = flow_count_seen(flows, flow, end == FLOW_CLOSED);
	return flow->closing ? flow_wait_for_event(flows, i) : flow_settle(flows, i);
}

int flow_close(struct skt_flows *flows, const struct skt_snapshot *snapshot, uint32_t i,
	       const struct skt_sock_change *change)
{
	struct flow *flow = &flows->flows[i];
	const struct skt_event *event = flow->told ? &flows->events[i] : NULL;
	uint32_t listened = snapshot->quality.events_tables;
	int64_t after;

	if (event && event->when > change->after) {
		after = skt_event_after(event);
		return flow_finish(flows, i, FLOW_CLOSED, after > change->after ? after : change->after, event->when);
	}
	flow->closing = !event && listened & 1u << snapshot->tables[change->before.table].kind;
	return flow_finish(flows, i, FLOW_CLOSED, change->after, change->until);
}
