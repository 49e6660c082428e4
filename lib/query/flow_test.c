/* SPDX-License-Identifier: MIT */
#include "query/flow.h"

/* Whether a flow is meant. */

int flow_test(struct skt_flows *flows, struct flow *flow, const struct skt_snapshot *snapshot,
	      const struct skt_sock *sock, const struct skt_event *event)
{
	const struct skt_flows_options *options = &flows->options;
	struct skt_row row = flow_row_of(flows, flow->origin);
	enum skt_truth truth = SKT_TRUE;

	row.snapshot = snapshot;
	row.sock = sock;
	row.event = event;
	/* what was told of it stays known */
	if (flow->told)
		row.event = &flows->events[flow - flows->flows];
	if (flow->kept == NONE) {
		if (options->listening && !skt_sock_is_listening(sock, snapshot->tables[sock->table].kind))
			return 0;
		if (options->filter)
			truth = skt_filter_test(options->filter, &row);
		if (truth == SKT_UNKNOWN) {
			if (!flow->unknown)
				flow->unknown_time = snapshot->time;
			flow->unknown_last = snapshot->time;
			flow->unknown = true;
		}
		/* what was not known of it before it is known now */
		if (truth == SKT_FALSE && row.event && skt_filter_is_never(options->filter, &row))
			flow->unknown = false;
		if (truth != SKT_TRUE)
			return 0;
	}
	return flow_keep(flows, flow, snapshot, sock);
}

/* What a change of a row may have to be asked for where counters are not asked about: all others say what they said. */
#define ASKED_ALWAYS                                                                               \
	(SKT_BIT(SKT_F_STATE) | SKT_BIT(SKT_F_UID) | SKT_BIT(SKT_F_INODE) | SKT_BIT(SKT_F_OWNER) | \
	 SKT_BIT(SKT_F_OWNER_GAPS) | SKT_BIT(SKT_F_OWNERS))

bool flow_says_anew(const struct skt_flows *flows, const struct flow *flow, uint32_t fields)
{
	return flow->kept != NONE || flow->unknown || flow->told || flows->counters || fields & ASKED_ALWAYS;
}
