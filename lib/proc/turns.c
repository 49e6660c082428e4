/* SPDX-License-Identifier: MIT */
#include "proc/turns.h"

#include "base/array.h"
#include "proc/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void turns_init(struct turns *turns, const struct owners *owners, struct ledger *ledger)
{
	table_reader_init(&turns->reader, owners, ledger);
	turns->order = NULL;
	turns->room_order = 0;
	turns->credit = 0;
	turns->last = 0;
	turns->begun = false;
}

void turns_release(struct turns *turns)
{
	table_reader_release(&turns->reader);
	free(turns->order);
	turns_init(turns, turns->reader.owners, turns->reader.ledger);
}

/* Of a namespace that was never read it is not known which tables it has: those, most likely, that we have. */
static int add_unread(const struct namespaces *all, const struct netns *netns, struct look *look, uint32_t kinds,
		      int32_t error)
{
	int rc = 0;

	kinds &= netns->read_at == INT64_MIN ? all->list[0].seen : netns->seen;
	for (unsigned kind = 0; !rc && kind < SKT_TABLE_KINDS; kind++)
		if (kinds & 1u << kind)
			rc = table_add_unread(look, (uint8_t)kind, netns->inode, error);
	return rc;
}

/* One table of the namespace that dir shows: 1; 0 if dir shows it no longer; or -ENOMEM, -E2BIG. */
static int read_table(struct turns *turns, struct netns *netns, struct look *look, int dir, uint8_t kind)
{
	char path[NETNS_PATH_SIZE + sizeof("/net/udplite6")];
	uint32_t bit = 1u << kind;
	size_t len;
	int fd, rc;

	netns_path(netns, path);
	len = strlen(path);
	snprintf(path + len, sizeof(path) - len, "%snet/%s", len ? "/" : "", skt_table_kind_name(kind));
	/* in a tree net/ may be a link to another process's, which leads out of its own directory */
	fd = look->tree->live ? tree_open(look->tree, dir, path + len + (len != 0), TREE_LINKS)
			      : tree_open(look->tree, look->tree->fd, path, TREE_LINKS);
	if (!netns_is_there(netns, look, dir) || (!netns->own && mounts_has(look->mounts, fd))) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	if (fd == -ENOENT && !(netns->seen & bit))
		return 1;
	rc = table_read(&turns->reader, look, kind, netns->inode, fd, path);
	if (!rc)
		netns->seen |= bit;
	if (fd >= 0)
		close(fd);
	return rc ? rc : 1;
}

/* All wanted tables of a namespace, read or, where its lender is not there any more, not. */
static int read_tables(struct turns *turns, const struct namespaces *all, struct netns *netns, struct look *look)
{
	uint32_t kinds = look->options->tables;
	int64_t start = look_clock(look, NULL);
	char path[NETNS_PATH_SIZE];
	int dir = look->tree->fd, rc;
	int32_t error = 0;

	netns_path(netns, path);
	if (!netns->own)
		dir = tree_open(look->tree, dir, path, TREE_DIRECTORY | TREE_HANDLE);
	if (dir < 0 && dir != -ENOENT && dir != -ESRCH)
		error = dir; /* no descriptors left, for one */
	rc = dir >= 0 && netns_is_there(netns, look, dir);
	for (unsigned kind = 0; rc > 0 && kind < SKT_TABLE_KINDS; kind++) {
		if (!(kinds & 1u << kind))
			continue;
		rc = read_table(turns, netns, look, dir, (uint8_t)kind);
		if (rc > 0)
			kinds &= ~(1u << kind);
	}
	if (dir >= 0 && !netns->own)
		close(dir);
	if (!rc)
		return add_unread(all, netns, look, kinds, error);
	if (rc < 0)
		return rc;
	netns->read_at = start;
	netns->cost = look_clock(look, NULL) - start;
	return 0;
}

/* ---- whose turn it is ---- */

static int compare_ages(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->read_at != y->read_at)
		return x->read_at < y->read_at ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* All but the own, those first that were read longest ago. */
static int sort_by_age(struct turns *turns, const struct namespaces *all)
{
	if (array_room(&turns->order, &turns->room_order, all->n, sizeof(*turns->order)))
		return -ENOMEM;
	for (size_t i = 1; i < all->n; i++)
		turns->order[i - 1] = (struct turn){ .read_at = all->list[i].read_at, .place = (uint32_t)i };
	qsort(turns->order, all->n - 1, sizeof(*turns->order), compare_ages);
	return 0;
}

/* What one look may spend on the others. */
struct share {
	bool unlimited;
	int64_t interval;
	int64_t netns_interval;
	int64_t start;
	int64_t spent;
	int64_t overdue; /* who was read before this instant would be late at the next look */
};

static struct share share_begin(struct turns *turns, const struct namespaces *all, const struct look *look)
{
	const struct skt_capture_options *options = look->options;
	struct share share = {
		.unlimited = !look->tree->live || !turns->begun || !options->interval,
		.interval = options->interval,
		.netns_interval = options->netns_interval ? options->netns_interval : SKT_NETNS_INTERVAL,
		.start = look_clock(look, NULL),
	};
	int64_t passed = turns->last ? share.start - turns->last : share.interval;

	if (passed < share.interval)
		passed = share.interval;
	if (passed > share.netns_interval)
		passed = share.netns_interval;
	share.overdue = share.start + passed - share.netns_interval;
	turns->credit += (int64_t)(all->n - 1) * passed;
	/* what came too late for its turn is overdue; it is not done twice for that */
	if (turns->credit > (int64_t)all->n * share.netns_interval)
		turns->credit = (int64_t)all->n * share.netns_interval;
	turns->last = share.start;
	return share;
}

static bool has_turn(struct turns *turns, const struct share *share, const struct netns *netns)
{
	bool earned = turns->credit >= share->netns_interval;
	bool due = earned || netns->read_at < share->overdue;
	int64_t most = share->interval / (due ? 2 : 20);

	if (!share->unlimited && share->spent + netns->cost > most && !(due && !share->spent))
		return false;
	turns->credit -= earned ? share->netns_interval : 0;
	return true;
}

static int read_others(struct turns *turns, struct namespaces *all, struct look *look)
{
	struct share share = share_begin(turns, all, look);
	uint32_t kinds = look->options->tables;
	bool turn = true;
	int rc = sort_by_age(turns, all);

	for (size_t i = 0; !rc && i < all->n - 1; i++) {
		struct netns *netns = &all->list[turns->order[i].place];

		turn = turn && (!netns->pid || has_turn(turns, &share, netns));
		if (!turn || !netns->pid) {
			rc = add_unread(all, netns, look, kinds, 0);
			continue;
		}
		rc = read_tables(turns, all, netns, look);
		share.spent = look_clock(look, NULL) - share.start;
	}
	return rc;
}

int turns_read(struct turns *turns, struct namespaces *all, struct look *look)
{
	int rc = read_tables(turns, all, &all->list[0], look);

	if (!rc && all->n > 1)
		rc = read_others(turns, all, look);
	turns->begun = true;
	return rc;
}
