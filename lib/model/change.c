/* SPDX-License-Identifier: MIT */
#include <skt/step.h>

#include "model/holding.h"

/* What only ages, counts, or says how well was looked. */
#define QUIET                                                                                                 \
	(SKT_BIT(SKT_F_TX_QUEUE) | SKT_BIT(SKT_F_RX_QUEUE) | SKT_BIT(SKT_F_TIMER) | SKT_BIT(SKT_F_TIMER_MS) | \
	 SKT_BIT(SKT_F_RETRANSMITS) | SKT_BIT(SKT_F_PROBES) | SKT_BIT(SKT_F_REF) | SKT_BIT(SKT_F_SK) |        \
	 SKT_BIT(SKT_F_RTO) | SKT_BIT(SKT_F_ATO) | SKT_BIT(SKT_F_QUICK) | SKT_BIT(SKT_F_CWND) |               \
	 SKT_BIT(SKT_F_SSTHRESH) | SKT_BIT(SKT_F_DROPS) | SKT_BIT(SKT_F_TAIL) | SKT_BIT(SKT_F_TEXT) |         \
	 SKT_BIT(SKT_F_OWNER) | SKT_BIT(SKT_F_OWNER_GAPS) | SKT_BIT(SKT_F_OWNERS) | SKT_BIT(SKT_F_HAS))

const char *skt_hands_name(unsigned hands)
{
	static const char *const names[] = { NULL,     "accepted", "found", "shared",
					     "passed", "released", "moved", "orphaned" };

	return hands < sizeof(names) / sizeof(*names) ? names[hands] : NULL;
}

/* Who holds a row, or last did. */
struct run {
	const struct skt_owner *at;
	const struct skt_owner *end;
};

static struct run holders(const struct skt_snapshot *snapshot, const struct skt_sock *sock)
{
	struct holding holding = holding_of(sock);
	const struct skt_owner *first = holding.n ? &snapshot->owners[holding.first] : NULL;

	return (struct run){ first, first ? first + holding.n : NULL };
}

/* Owners are listed by pid; a slot decides between one that is gone and another who was given its number. */
static int compare_processes(const struct skt_snapshot *snapshot, const struct skt_owner *a, const struct skt_owner *b)
{
	uint32_t a_pid = snapshot->processes[a->process].pid, b_pid = snapshot->processes[b->process].pid;

	if (a_pid != b_pid)
		return a_pid < b_pid ? -1 : 1;
	return (a->process > b->process) - (a->process < b->process);
}

/* The owner from which on it is another process's. */
static const struct skt_owner *end_of_process(struct run run)
{
	const struct skt_owner *at = run.at;

	while (at < run.end && at->process == run.at->process)
		at++;
	return at;
}

static bool same_descriptors(struct run a, struct run b)
{
	if (a.end - a.at != b.end - b.at)
		return false;
	for (; a.at < a.end; a.at++, b.at++)
		if (a.at->fd != b.at->fd)
			return false;
	return true;
}

/* Two lists, walked side by side. */
static enum skt_hands compare_holders(const struct skt_snapshot *snapshot, struct run before, struct run now)
{
	bool came = false, went = false, moved = false;

	while (before.at < before.end || now.at < now.end) {
		const struct skt_owner *before_end = end_of_process(before), *now_end = end_of_process(now);
		int order = before.at == before.end ? 1
			    : now.at == now.end	    ? -1
						    : compare_processes(snapshot, before.at, now.at);

		went |= order < 0;
		came |= order > 0;
		if (!order)
			moved |= !same_descriptors((struct run){ before.at, before_end },
						   (struct run){ now.at, now_end });
		if (order <= 0)
			before.at = before_end;
		if (order >= 0)
			now.at = now_end;
	}
	if (came)
		return went ? SKT_HANDS_PASSED : SKT_HANDS_SHARED;
	if (went)
		return SKT_HANDS_RELEASED;
	return moved ? SKT_HANDS_MOVED : SKT_HANDS_SAME;
}

enum skt_hands skt_change_hands(const struct skt_snapshot *snapshot, const struct skt_sock_change *change)
{
	struct run before, now;

	if (change->change != SKT_CHANGED)
		return SKT_HANDS_SAME;
	if (change->now.owner == SKT_OWNER_CARRIED)
		return change->before.owner == SKT_OWNER_CARRIED ? SKT_HANDS_SAME : SKT_HANDS_ORPHANED;
	if (!(change->fields & SKT_BIT(SKT_F_OWNERS)))
		return SKT_HANDS_SAME;
	before = holders(snapshot, &change->before);
	now = holders(snapshot, &change->now);
	if (before.at == before.end && now.at < now.end)
		return change->before.owner == SKT_OWNER_QUEUED ? SKT_HANDS_ACCEPTED : SKT_HANDS_FOUND;
	return compare_holders(snapshot, before, now);
}

bool skt_change_is_quiet(const struct skt_snapshot *snapshot, const struct skt_sock_change *change)
{
	return change->change == SKT_CHANGED && !(change->fields & ~QUIET) &&
	       skt_change_hands(snapshot, change) == SKT_HANDS_SAME;
}

uint32_t skt_change_fields(const struct skt_sock_change *change)
{
	uint32_t fields = change->fields & ~SKT_BIT(SKT_F_HAS);

	if (change->fields & SKT_BIT(SKT_F_HAS))
		fields |= (change->before.has ^ change->now.has) & SKT_OPTIONAL;
	return change->change == SKT_CHANGED ? fields : 0;
}
