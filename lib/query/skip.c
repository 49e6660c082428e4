/* SPDX-License-Identifier: MIT */
#include "query/flow.h"

#include "base/array.h"

#include <errno.h>

/* Groups that are not read, for what is meant stands in none of them: the rule is told in skt/flow.h. */

bool flow_matters(const struct flow *flow)
{
	return flow->kept != NONE || flow->unknown;
}

void flow_mark_skip(struct skt_flows *flows, const struct flow *flow)
{
	if (flow->behind && flow_matters(flow))
		flows->skips[flow->behind - 1].behind = true;
}

int skt_flows_skip(struct skt_flows *flows, const struct skt_skipped *skipped, struct skt_err *err)
{
	struct skt_flows_skipped *skip;
	int rc = 0;

	if (array_room(&flows->skips, &flows->room_skips, flows->n_skips + 1, sizeof(*flows->skips)))
		return skt_err_set(err, -ENOMEM, "out of memory");
	skip = &flows->skips[flows->n_skips++];
	*skip = (struct skt_flows_skipped){ .skipped = *skipped };
	for (size_t slot = 0; slot < flows->n_of_slot && !rc; slot++) {
		uint32_t i = flows->of_slot[slot];

		if (i == NONE)
			continue;
		skip->before |= flow_matters(&flows->flows[i]);
		rc = flow_finish(flows, i, FLOW_BROKEN, flows->places[flows->flows[i].place].last_read, INT64_MIN);
	}
	/* what is told late may lie in what is gone over */
	for (size_t i = 0; i < flows->n_closing; i++)
		skip->before |= flow_matters(&flows->flows[flows->closing[i]]);
	rc = rc ? rc : flow_settle_closing(flows, INT64_MAX);
	flow_forget_slots(flows);
	listeners_clear(&flows->listeners);
	lives_set_aside(flows, false);
	flows->skipping = true;
	return rc ? skt_err_set(err, rc, "out of memory") : 0;
}

const struct skt_flows_skipped *skt_flows_skips(const struct skt_flows *flows, size_t *ret_n)
{
	*ret_n = flows->n_skips;
	return flows->skips;
}
