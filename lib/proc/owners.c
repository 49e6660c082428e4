/* SPDX-License-Identifier: MIT */
#include "proc/owners.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void owners_init(struct owners *owners)
{
	memset(owners, 0, sizeof(*owners));
	map_init(&owners->map);
}

void owners_release(struct owners *owners)
{
	map_release(&owners->map);
	free(owners->inodes);
	free(owners->n_links);
	free(owners->inode_of);
	free(owners->links);
	free(owners->sorted);
	free(owners->run);
	free(owners->unheld_before);
	owners_init(owners);
}

static uint64_t inode_hash(const struct look *look, uint64_t inode)
{
	return hash_mix(skt_strtab_seed(look->snapshot->strings), inode);
}

uint32_t owners_find(const struct owners *owners, const struct look *look, uint64_t inode)
{
	uint32_t i = map_first(&owners->map, inode_hash(look, inode));

	while (i != MAP_NONE && owners->inodes[i] != inode)
		i = map_next(&owners->map, i);
	return i;
}

int owners_begin(struct owners *owners, struct look *look)
{
	const struct skt_snapshot *snapshot = look->snapshot;
	size_t n = snapshot->n_socks;

	owners->n_inodes = 0;
	owners->n_links_all = 0;
	if (map_reset(&owners->map, n) ||
	    array_room(&owners->inodes, &owners->room_inodes, n, sizeof(*owners->inodes)) ||
	    array_room(&owners->n_links, &owners->room_n_links, n + 1, sizeof(*owners->n_links)) ||
	    array_room(&owners->inode_of, &owners->room_inode_of, n, sizeof(*owners->inode_of)))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uint64_t inode = snapshot->socks[i].inode;
		uint32_t number = inode ? owners_find(owners, look, inode) : MAP_NONE;

		if (inode && number == MAP_NONE) {
			number = (uint32_t)owners->n_inodes++;
			owners->inodes[number] = inode;
			map_add(&owners->map, inode_hash(look, inode), number);
		}
		owners->inode_of[i] = number;
	}
	memset(owners->n_links, 0, (owners->n_inodes + 1) * sizeof(*owners->n_links));
	return 0;
}

int owners_add(struct owners *owners, uint32_t inode, uint32_t pid, int32_t fd)
{
	if (array_room(&owners->links, &owners->room_links, owners->n_links_all + 1, sizeof(*owners->links)))
		return -ENOMEM;
	owners->links[owners->n_links_all++] = (struct owner_link){ .inode = inode, .pid = pid, .fd = fd };
	return 0;
}

static int compare_links(const void *a, const void *b)
{
	const struct owner_link *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

/*
 * Links inode by inode, by pid and then fd; n_links becomes where each inode's begin. They were found in just
 * that order within an inode, as a rule; and threads that share a table show each link more than once.
 */
static int sort_links(struct owners *owners)
{
	struct owner_link *sorted;
	uint32_t start = 0;

	if (array_room(&owners->sorted, &owners->room_sorted, owners->n_links_all, sizeof(*owners->sorted)))
		return -ENOMEM;
	sorted = owners->sorted;
	for (size_t i = 0; i < owners->n_links_all; i++)
		owners->n_links[owners->links[i].inode]++;
	for (size_t i = 0; i < owners->n_inodes; i++) {
		uint32_t n = owners->n_links[i];

		owners->n_links[i] = start;
		start += n;
	}
	for (size_t i = 0; i < owners->n_links_all; i++)
		sorted[owners->n_links[owners->links[i].inode]++] = owners->links[i];
	/* each start has moved to the next one's place */
	memmove(owners->n_links + 1, owners->n_links, owners->n_inodes * sizeof(*owners->n_links));
	owners->n_links[0] = 0;
	for (size_t i = 0; i < owners->n_inodes; i++) {
		uint32_t first = owners->n_links[i], end = owners->n_links[i + 1];

		for (uint32_t k = first; k + 1 < end; k++) {
			if (compare_links(&sorted[k], &sorted[k + 1]) < 0)
				continue;
			qsort(sorted + first, end - first, sizeof(*sorted), compare_links);
			break;
		}
	}
	return 0;
}

/* The links of an inode, each once, as owners in `run`: how many, or -ENOMEM. */
static int64_t make_run(struct owners *owners, uint32_t inode)
{
	uint32_t first = owners->n_links[inode], end = owners->n_links[inode + 1];
	int64_t n = 0;

	if (array_room(&owners->run, &owners->room_run, end - first, sizeof(*owners->run)))
		return -ENOMEM;
	for (uint32_t k = first; k < end; k++) {
		const struct owner_link *link = &owners->sorted[k];

		if (k > first && !compare_links(link - 1, link))
			continue;
		owners->run[n++] = (struct skt_owner){ .process = link->process, .fd = link->fd };
	}
	return n;
}

/* Over all rows: in a tree many rows can share an inode that has many links. */
static uint64_t count_owners(const struct owners *owners, const struct skt_snapshot *snapshot)
{
	uint64_t n = 0;

	for (size_t i = 0; i < snapshot->n_socks; i++)
		if (owners->inode_of[i] != MAP_NONE)
			n += owners->n_links[owners->inode_of[i] + 1] - owners->n_links[owners->inode_of[i]];
	return n;
}

/* No inode: a connection that waits to be accepted, or what is left of one. */
static uint8_t state_without_inode(const struct look *look, const struct skt_sock *sock)
{
	if (!skt_table_kind_is_tcp(look->snapshot->tables[sock->table].kind))
		return SKT_OWNER_DETACHED;
	switch (sock->state) {
	case SKT_ESTABLISHED:
	case SKT_CLOSE_WAIT:
	case SKT_SYN_RECV:
	case SKT_NEW_SYN_RECV:
		return SKT_OWNER_QUEUED;
	default:
		return SKT_OWNER_DETACHED;
	}
}

/* Which inodes were held by nobody in the look before, too; NULL without memory. */
static bool *unheld_twice(struct owners *owners, const struct look *look)
{
	bool *twice = calloc(owners->n_inodes + 1, sizeof(*twice));

	for (size_t i = 0; twice && i < owners->n_unheld_before; i++) {
		uint32_t inode = owners_find(owners, look, owners->unheld_before[i]);

		if (inode != MAP_NONE)
			twice[inode] = true;
	}
	return twice;
}

static int remember_unheld(struct owners *owners, bool complete)
{
	owners->n_unheld_before = 0;
	owners->complete_before = complete;
	for (size_t i = 0; i < owners->n_inodes; i++) {
		if (owners->n_links[i] != owners->n_links[i + 1])
			continue;
		if (array_room(&owners->unheld_before, &owners->room_unheld_before, owners->n_unheld_before + 1,
			       sizeof(*owners->unheld_before)))
			return -ENOMEM;
		owners->unheld_before[owners->n_unheld_before++] = owners->inodes[i];
	}
	return 0;
}

static int assign(struct owners *owners, struct look *look, struct skt_sock *sock, uint32_t inode, uint8_t gaps,
		  bool proven)
{
	int64_t n = make_run(owners, inode);
	int rc;

	if (n < 0)
		return (int)n;
	sock->owner_gaps = gaps;
	if (n) {
		rc = skt_snapshot_add_owners(look->snapshot, owners->run, (size_t)n, &sock->first_owner);
		if (rc)
			return rc;
		sock->owner = SKT_OWNER_HELD;
		sock->n_owners = (uint32_t)n;
	} else if (proven) {
		sock->owner = SKT_OWNER_UNHELD;
	} else {
		/* nothing was missed, and yet this look alone proves nothing: the next one is still to come */
		sock->owner = SKT_OWNER_UNKNOWN;
		sock->owner_gaps = gaps ? gaps : SKT_GAP_UNSEARCHED;
	}
	return 0;
}

int owners_assign(struct owners *owners, struct look *look, uint8_t gaps, bool searched)
{
	struct skt_snapshot *snapshot = look->snapshot;
	bool complete = searched && !gaps, *twice = NULL;
	int rc = sort_links(owners);

	if (!rc && count_owners(owners, snapshot) > SKT_OWNERS_MAX)
		rc = -E2BIG;
	if (!rc && complete && look->tree->live) {
		twice = unheld_twice(owners, look);
		rc = twice ? 0 : -ENOMEM;
	}
	for (size_t i = 0; !rc && i < snapshot->n_socks; i++) {
		struct skt_sock *sock = &snapshot->socks[i];
		uint32_t inode = owners->inode_of[i];
		/* a tree does not move: there one look is enough */
		bool proven = complete &&
			      (!look->tree->live || (owners->complete_before && inode != MAP_NONE && twice[inode]));

		if (inode == MAP_NONE)
			sock->owner = state_without_inode(look, sock);
		else
			rc = assign(owners, look, sock, inode, gaps, proven);
	}
	free(twice);
	return rc ? rc : remember_unheld(owners, complete);
}
