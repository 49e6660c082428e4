/* SPDX-License-Identifier: MIT */
#include "query/flow.h"

#include <errno.h>
#include <stdlib.h>

enum skt_truth flow_test_whole(const struct skt_flows *flows, const struct flow *flow)
{
	const struct skt_filter *filter = flows->options.filter;
	struct skt_row row = flow_row_of(flows, flow->origin);

	row.subject = flow;
	return filter && skt_filter_needs(filter) & SKT_NEEDS_FLOW ? skt_filter_test_flow(filter, &row) : SKT_TRUE;
}

void flow_count_unknown(struct skt_flows *flows, int64_t first, int64_t last)
{
	if (!flows->unknown++ || first < flows->unknown_first)
		flows->unknown_first = first;
	if (flows->unknown == 1 || last > flows->unknown_last)
		flows->unknown_last = last;
}

static int compare_flows(const void *x, const void *y, void *data)
{
	const struct skt_flows *flows = data;
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
	int64_t first = flows->flows[a].first_seen, second = flows->flows[b].first_seen;

	if (first != second)
		return first < second ? -1 : 1;
	/* rows are kept in the order in which they come */
	return flows->flows[a].kept < flows->flows[b].kept ? -1 : 1;
}

/* How many flows each process held; a run has each of them together. */
static void count_flows(struct skt_flows *flows)
{
	for (size_t i = 0; i < flows->n_order; i++) {
		const struct skt_sock *sock = &flows->kept.socks[flows->flows[flows->order[i]].kept];
		uint32_t last = NONE;

		for (uint32_t k = 0; k < sock->n_owners; k++) {
			uint32_t image = flows->kept.owners[sock->first_owner + k].process;

			flows->images[image].flows += image != last;
			last = image;
		}
	}
}

/* One that matched, for what it was as a whole, too. */
static void choose(struct skt_flows *flows, uint32_t i)
{
	const struct flow *flow = &flows->flows[i];
	enum skt_truth truth = flow_test_whole(flows, flow);

	if (truth == SKT_UNKNOWN)
		flow_count_unknown(flows, flow->first_seen, flow->last_seen);
	if (truth == SKT_TRUE)
		flows->order[flows->n_order++] = i;
}

int skt_flows_end(struct skt_flows *flows, struct skt_err *err)
{
	int rc = 0;

	for (size_t slot = 0; slot < flows->n_of_slot && !rc; slot++)
		if (flows->of_slot[slot] != NONE)
			rc = flow_finish(flows, flows->of_slot[slot], FLOW_STILL,
					 flows->places[flows->flows[flows->of_slot[slot]].place].last_read, INT64_MIN);
	flows->n_of_slot = 0;
	if (!rc)
		rc = flow_settle_closing(flows, INT64_MAX);
	if (!rc)
		rc = flow_list_candidates(flows);
	lives_end(flows);
	flows->order = malloc((flows->n_flows + 1) * sizeof(*flows->order));
	if (rc || !flows->order)
		return flow_failed(rc ? rc : -ENOMEM, err);
	for (uint32_t i = 0; i < flows->n_flows; i++)
		if (flows->flows[i].used)
			choose(flows, i);
	if (flows->n_order > 1)
		qsort_r(flows->order, flows->n_order, sizeof(*flows->order), compare_flows, flows);
	count_flows(flows);
	flows->ended = true;
	return 0;
}

uint64_t skt_flows_unknown(const struct skt_flows *flows, int64_t *ret_first, int64_t *ret_last)
{
	*ret_first = flows->unknown_first;
	*ret_last = flows->unknown_last;
	return flows->unknown;
}
