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
	free(owners->inode_of);
	free(owners->free);
	free(owners->run);
	owners_init(owners);
}

static uint64_t inode_hash(const struct owners *owners, uint64_t inode)
{
	return hash_mix(owners->seed, inode);
}

uint32_t owners_find(const struct owners *owners, uint64_t inode)
{
	uint32_t i;

	if (!owners->n_inodes)
		return MAP_NONE;
	i = map_first(&owners->map, inode_hash(owners, inode));
	while (i != MAP_NONE && owners->inodes[i].inode != inode)
		i = map_next(&owners->map, i);
	return i;
}

/* ---- inodes come and go ---- */

/* Room for one more. */
static int make_room(struct owners *owners)
{
	size_t n = owners->n_inodes + 1;
	struct map map;

	if (owners->n_free)
		return 0;
	if (array_room(&owners->inodes, &owners->room_inodes, n, sizeof(*owners->inodes)) ||
	    array_room(&owners->free, &owners->room_free, n, sizeof(*owners->free)))
		return -ENOMEM;
	if (owners->map.room >= n)
		return 0;
	map_init(&map);
	if (map_reset(&map, owners->room_inodes))
		return -ENOMEM;
	map_release(&owners->map);
	owners->map = map;
	for (size_t i = 0; i < owners->n_inodes; i++)
		if (owners->inodes[i].inode)
			map_add(&owners->map, inode_hash(owners, owners->inodes[i].inode), (uint32_t)i);
	return 0;
}

static int add_inode(struct owners *owners, uint64_t inode, uint32_t *ret)
{
	uint32_t i;
	int rc = make_room(owners);

	if (rc)
		return rc;
	i = owners->n_free ? owners->free[--owners->n_free] : (uint32_t)owners->n_inodes++;
	owners->inodes[i] = (struct owners_inode){ .inode = inode, .born = owners->begun, .next = MAP_NONE };
	map_add(&owners->map, inode_hash(owners, inode), i);
	*ret = i;
	return 0;
}

static void remove_inode(struct owners *owners, uint32_t number)
{
	uint64_t hash = inode_hash(owners, owners->inodes[number].inode);
	uint32_t before = MAP_NONE, i = map_first(&owners->map, hash);

	while (i != number) {
		before = i;
		i = map_next(&owners->map, i);
	}
	map_take(&owners->map, hash, before, number);
	owners->inodes[number].inode = 0;
	owners->free[owners->n_free++] = number;
}

/* Whether its row is not there because its table was not read in this look. */
static bool is_unread(const struct owners_inode *inode, const struct skt_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_tables; i++)
		if (snapshot->tables[i].kind == inode->kind &&
		    snapshot->tables[i].net_namespace == inode->net_namespace)
			return snapshot->tables[i].status != SKT_TABLE_FRESH;
	return false;
}

/* Is it this one? Then it need not be looked for: rows stay in order. */
static bool is_inode(const struct owners *owners, uint32_t number, uint64_t inode)
{
	return number < owners->n_inodes && owners->inodes[number].inode == inode;
}

/* The number of the inode (not 0) of a row that stands behind the one with `before`. 0 or -ENOMEM. */
static int take_inode(struct owners *owners, uint64_t inode, uint32_t before, uint32_t *ret)
{
	uint32_t number = before == MAP_NONE ? MAP_NONE : owners->inodes[before].next;

	if (!is_inode(owners, number, inode))
		number = owners_find(owners, inode);
	if (number == MAP_NONE && add_inode(owners, inode, &number))
		return -ENOMEM;
	if (before != MAP_NONE)
		owners->inodes[before].next = number;
	*ret = number;
	return 0;
}

/* No row stands behind the one with this number. */
static void end_table(struct owners *owners, uint32_t last)
{
	if (last != MAP_NONE)
		owners->inodes[last].next = MAP_NONE;
}

int owners_begin(struct owners *owners, struct look *look)
{
	const struct skt_snapshot *snapshot = look->snapshot;
	uint32_t before = MAP_NONE;
	size_t n = snapshot->n_socks;

	owners->completing = false;
	if (!owners->look++)
		owners->seed = skt_strtab_seed(snapshot->strings);
	if (!look->tree->live) {
		owners->n_inodes = 0;
		owners->n_free = 0;
		if (map_reset(&owners->map, 0))
			return -ENOMEM;
	}
	if (array_room(&owners->inode_of, &owners->room_inode_of, n, sizeof(*owners->inode_of)))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct skt_sock *sock = &snapshot->socks[i];
		uint32_t number;

		if (i && sock->table != sock[-1].table) {
			end_table(owners, before);
			before = MAP_NONE;
		}
		owners->inode_of[i] = MAP_NONE;
		if (!sock->inode)
			continue;
		if (take_inode(owners, sock->inode, before, &number))
			return -ENOMEM;
		owners->inode_of[i] = before = number;
		owners->inodes[number].seen = owners->look;
		owners->inodes[number].kind = snapshot->tables[sock->table].kind;
		owners->inodes[number].net_namespace = snapshot->tables[sock->table].net_namespace;
	}
	end_table(owners, before);
	return 0;
}

/* ---- links ---- */

bool owners_is_seen(const struct owners *owners, const struct owners_inode *inode)
{
	return inode->inode && inode->seen == owners->look;
}

/* Whether it is to be looked for. What two rounds did not find is found by the audit or not at all. */
static bool is_wanted(const struct owners *owners, const struct owners_inode *inode)
{
	return owners_is_seen(owners, inode) && !inode->n_links &&
	       (inode->held || owners->complete_before <= inode->born);
}

uint32_t owners_link(struct owners *owners, uint64_t number)
{
	uint32_t row = number ? owners_find(owners, number) : MAP_NONE;
	struct owners_inode *inode;

	if (row == MAP_NONE)
		return number ? LINK_NEW : LINK_NONE;
	inode = &owners->inodes[row];
	owners->n_wanted -= is_wanted(owners, inode);
	owners->n_missed -= is_wanted(owners, inode) && inode->missed;
	inode->n_links++;
	inode->held = true;
	inode->missed = false;
	inode->unheld = 0;
	return row;
}

void owners_unlink(struct owners *owners, uint32_t row)
{
	if (row < LINK_ROWS && !--owners->inodes[row].n_links)
		owners->n_wanted += is_wanted(owners, &owners->inodes[row]);
}

/* The links of one process, counted. */
static void count_links(struct owners *owners, struct ledger_process *process)
{
	process->strange = false;
	for (size_t i = 0; i < process->n_links; i++) {
		struct ledger_link *link = &process->links[i];

		if (!link->inode || link->row == LINK_UNREAD)
			continue;
		if (link->row < LINK_ROWS && owners->inodes[link->row].gone)
			link->row = LINK_LOST;
		if (link->row >= LINK_ROWS) {
			uint32_t row = owners_find(owners, link->inode);

			if (row == MAP_NONE || owners->inodes[row].gone) {
				/* the tables were read once more, and it is in none */
				if (link->row == LINK_NEW)
					link->row = LINK_STRANGE;
				process->strange |= link->row == LINK_STRANGE;
				continue;
			}
			link->row = row;
		}
		owners->inodes[link->row].n_links++;
		owners->inodes[link->row].held = true;
		owners->inodes[link->row].unheld = 0;
	}
}

void owners_count(struct owners *owners, struct look *look, struct ledger *ledger)
{
	for (size_t i = 0; i < owners->n_inodes; i++) {
		struct owners_inode *inode = &owners->inodes[i];

		inode->n_links = 0;
		inode->gone = inode->inode && !owners_is_seen(owners, inode) && !is_unread(inode, look->snapshot);
	}
	for (size_t i = 0; i < ledger->n_processes; i++)
		count_links(owners, &ledger->processes[i]);
	owners->n_wanted = 0;
	owners->n_missed = 0;
	for (size_t i = 0; i < owners->n_inodes; i++) {
		struct owners_inode *inode = &owners->inodes[i];

		if (inode->gone) {
			remove_inode(owners, (uint32_t)i);
		} else {
			owners->n_wanted += is_wanted(owners, inode);
			owners->n_missed += is_wanted(owners, inode) && inode->missed;
		}
	}
}

/* ---- rounds ---- */

void owners_round_begins(struct owners *owners)
{
	owners->begun++;
}

void owners_round_completes(struct owners *owners)
{
	owners->completing = true;
}
