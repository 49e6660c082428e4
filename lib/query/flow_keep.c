/* SPDX-License-Identifier: MIT */
#include "query/flow.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int flow_keep_string(struct skt_flows *flows, const struct skt_snapshot *snapshot, uint32_t id, uint32_t *ret)
{
	size_t len;
	const char *bytes = skt_strtab_get(snapshot->strings, id, &len);

	return skt_strtab_add(flows->kept.strings, bytes, len, ret);
}

static int compare_owners(const void *x, const void *y)
{
	const struct skt_owner *a = x, *b = y;

	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	return (a->fd > b->fd) - (a->fd < b->fd);
}

/* Who is listed as its owner now, as kept has them, into scratch. */
static int list_owners(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_sock *sock)
{
	if (array_room(&flows->scratch, &flows->room_scratch, sock->n_owners, sizeof(*flows->scratch)))
		return -ENOMEM;
	for (uint32_t i = 0; i < sock->n_owners; i++) {
		const struct skt_owner *owner = &snapshot->owners[sock->first_owner + i];
		uint32_t image;
		int rc = lives_image(flows, snapshot, owner->process, &image);

		if (rc)
			return rc;
		flows->scratch[i] = (struct skt_owner){ .process = image, .fd = owner->fd };
	}
	if (sock->n_owners > 1)
		qsort(flows->scratch, sock->n_owners, sizeof(*flows->scratch), compare_owners);
	return 0;
}

/* Whether the listed ones hold it, or did before it was closed. */
static bool is_held(const struct skt_sock *sock)
{
	return sock->owner != SKT_OWNER_CARRIED;
}

/* One who is listed no more, or as one who held it: the snapshot before this one was the last at which he did. */
static void release(const struct skt_flows *flows, struct hold *hold)
{
	if (hold->last == INT64_MAX)
		hold->last = flows->time;
}

/*
 * Those who held it and those who do: two lists in one order make a third. A look that found nobody, and might have,
 * says nothing of those who did.
 */
static size_t merge(struct skt_flows *flows, const struct skt_sock *kept, const struct skt_snapshot *snapshot,
		    const struct skt_sock *now)
{
	bool silent = !now->n_owners && now->owner == SKT_OWNER_UNKNOWN;
	uint32_t had = 0, is = 0;
	size_t n = 0;

	while (had < kept->n_owners || is < now->n_owners) {
		const struct skt_owner *a = had < kept->n_owners ? &flows->kept.owners[kept->first_owner + had] : NULL;
		const struct skt_owner *b = is < now->n_owners ? &flows->scratch[is] : NULL;
		struct hold merged = { .first = snapshot->time, .last = INT64_MAX };
		int order = !a ? 1 : !b ? -1 : compare_owners(a, b);

		if (order <= 0)
			merged = flows->holds[kept->first_owner + had];
		if (order < 0 ? !silent : !is_held(now))
			release(flows, &merged);
		if (order > 0 && !is_held(now))
			merged = (struct hold){ .first = INT64_MIN, .last = INT64_MIN };
		if (!order && is_held(now))
			merged.last = INT64_MAX;
		flows->merged[n] = order <= 0 ? *a : *b;
		flows->merged_holds[n++] = merged;
		had += order <= 0;
		is += order >= 0;
	}
	return n;
}

static int keep_owners(struct skt_flows *flows, struct skt_sock *kept, const struct skt_snapshot *snapshot,
		       const struct skt_sock *now)
{
	size_t most = (size_t)kept->n_owners + now->n_owners, n;
	int rc = list_owners(flows, snapshot, now);

	if (rc || !most)
		return rc;
	if (array_room(&flows->merged, &flows->room_merged, most, sizeof(*flows->merged)) ||
	    array_room(&flows->merged_holds, &flows->room_merged_holds, most, sizeof(*flows->merged_holds)))
		return -ENOMEM;
	n = merge(flows, kept, snapshot, now);
	/* a list only grows: a longer one is a new run */
	if (n > kept->n_owners)
		rc = skt_snapshot_add_owners(&flows->kept, flows->merged, n, &kept->first_owner);
	if (rc)
		return rc;
	kept->n_owners = (uint32_t)n;
	if (array_room(&flows->holds, &flows->room_holds, flows->kept.n_owners, sizeof(*flows->holds)))
		return -ENOMEM;
	memcpy(flows->holds + kept->first_owner, flows->merged_holds, n * sizeof(*flows->holds));
	return 0;
}

int flow_keep(struct skt_flows *flows, struct flow *flow, const struct skt_snapshot *snapshot,
	      const struct skt_sock *sock)
{
	struct skt_sock row = *sock;
	struct skt_sock none = { .table = flow->place };
	int rc = 0;

	if (flow->kept == NONE)
		rc = skt_snapshot_add_sock(&flows->kept, &none, &flow->kept);
	if (!rc && row.tail)
		rc = flow_keep_string(flows, snapshot, sock->tail, &row.tail);
	if (!rc && row.text)
		rc = flow_keep_string(flows, snapshot, sock->text, &row.text);
	if (rc)
		return rc;
	row.table = flow->place;
	row.first_owner = flows->kept.socks[flow->kept].first_owner;
	row.n_owners = flows->kept.socks[flow->kept].n_owners;
	row.first_last = 0;
	row.n_last = 0;
	row.listed = false;
	flow->boottime = snapshot->boottime;
	rc = keep_owners(flows, &row, snapshot, sock);
	flows->kept.socks[flow->kept] = row;
	return rc;
}

void flow_let_go(struct skt_flows *flows, const struct flow *flow, int64_t when)
{
	const struct skt_sock *sock = &flows->kept.socks[flow->kept];

	for (uint32_t i = 0; i < sock->n_owners; i++) {
		struct hold *hold = &flows->holds[sock->first_owner + i];

		/*
		 * its table may have been read last before the snapshot at which it first matched, and which had its
		 * row
		 */
		if (hold->last == INT64_MAX)
			hold->last = hold->first > when ? hold->first : when;
	}
}
