/* SPDX-License-Identifier: MIT */
#include "model/copies.h"

#include "base/array.h"
#include "model/holding.h"

#include <errno.h>
#include <stdlib.h>

static void finder_release(struct finder *finder)
{
	map_release(&finder->map);
	free(finder->hashes);
}

/* One number more: that of the thing the caller adds. */
static int finder_add(struct finder *finder, uint64_t hash)
{
	size_t n = finder->n;

	if (n == finder->room) {
		if (array_room(&finder->hashes, &finder->room, n + 1, sizeof(*finder->hashes)) ||
		    map_reset(&finder->map, finder->room)) {
			finder->room = 0;
			return -ENOMEM;
		}
		for (size_t i = 0; i < n; i++)
			map_add(&finder->map, finder->hashes[i], (uint32_t)i);
	}
	finder->hashes[n] = hash;
	map_add(&finder->map, hash, (uint32_t)n);
	finder->n++;
	return 0;
}

int copies_init(struct copies *copies, uint64_t seed)
{
	copies->seed = seed;
	map_init(&copies->tables.map);
	map_init(&copies->processes.map);
	return skt_snapshot_init(&copies->snapshot, NULL, seed);
}

void copies_release(struct copies *copies)
{
	finder_release(&copies->tables);
	finder_release(&copies->processes);
	skt_snapshot_release(&copies->snapshot);
}

static int copy_string(struct copies *copies, const struct skt_snapshot *now, uint32_t *id)
{
	size_t len;
	const char *bytes = skt_strtab_get(now->strings, *id, &len);

	return skt_strtab_add(copies->snapshot.strings, bytes, len, id);
}

static int copy_table(struct copies *copies, const struct skt_table *table, uint32_t *ret)
{
	uint64_t hash = hash_mix(hash_mix(copies->seed, table->kind), table->net_namespace);
	struct skt_table copy = { .kind = table->kind,
				  .source = table->source,
				  .status = SKT_TABLE_FRESH,
				  .net_namespace = table->net_namespace };
	int rc;

	if (copies->tables.n)
		for (uint32_t i = map_first(&copies->tables.map, hash); i != MAP_NONE;
		     i = map_next(&copies->tables.map, i)) {
			const struct skt_table *have = &copies->snapshot.tables[i];

			if (have->kind != table->kind || have->net_namespace != table->net_namespace)
				continue;
			*ret = i;
			return 0;
		}
	rc = skt_snapshot_add_table(&copies->snapshot, &copy, ret);
	return rc ? rc : finder_add(&copies->tables, hash);
}

int copies_add_process(struct copies *copies, const struct skt_snapshot *now, uint32_t slot, uint32_t *ret)
{
	struct skt_process copy = now->processes[slot];
	uint64_t hash;
	int rc = copy_string(copies, now, &copy.comm);

	if (!rc)
		rc = copy_string(copies, now, &copy.exe);
	if (!rc)
		rc = copy_string(copies, now, &copy.cmdline);
	if (!rc)
		rc = copy_string(copies, now, &copy.cgroup);
	if (rc)
		return rc;
	/* who executed another program meanwhile is told as what he was */
	hash = hash_mix(hash_mix(copies->seed, copy.pid), copy.start_time);
	hash = hash_mix(hash, (uint64_t)copy.exe << 32 | copy.cmdline);
	copy.exited = false;
	if (copies->processes.n)
		for (uint32_t i = map_first(&copies->processes.map, hash); i != MAP_NONE;
		     i = map_next(&copies->processes.map, i)) {
			const struct skt_process *have = &copies->snapshot.processes[i];

			if (have->pid != copy.pid || have->start_time != copy.start_time || have->exe != copy.exe ||
			    have->cmdline != copy.cmdline)
				continue;
			*ret = i;
			return 0;
		}
	rc = skt_snapshot_add_process(&copies->snapshot, &copy, ret);
	return rc ? rc : finder_add(&copies->processes, hash);
}

static int copy_owners(struct copies *copies, const struct skt_snapshot *now, struct skt_sock *sock)
{
	struct holding holding = holding_of(sock);
	uint32_t first = 0, at;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < holding.n; i++) {
		struct skt_owner owner = now->owners[holding.first + i];

		rc = copies_add_process(copies, now, owner.process, &owner.process);
		if (!rc)
			rc = skt_snapshot_add_owners(&copies->snapshot, &owner, 1, &at);
		if (!rc && !i)
			first = at;
	}
	sock->first_owner = first;
	sock->n_owners = holding.n;
	sock->first_last = 0;
	sock->n_last = 0;
	return rc;
}

static int copy_user(struct copies *copies, const struct skt_snapshot *now, uint32_t uid)
{
	size_t len;
	const char *name = skt_snapshot_user(now, uid, &len);
	uint32_t id;
	int rc;

	if (!name || skt_snapshot_user(&copies->snapshot, uid, NULL))
		return 0;
	rc = skt_strtab_add(copies->snapshot.strings, name, len, &id);
	return rc ? rc : skt_snapshot_add_user(&copies->snapshot, uid, id);
}

int copies_add_row(struct copies *copies, const struct skt_snapshot *now, const struct skt_sock *sock, uint32_t *ret)
{
	struct skt_sock copy = *sock;
	int rc = copy_table(copies, &now->tables[sock->table], &copy.table);

	if (!rc)
		rc = copy_string(copies, now, &copy.tail);
	if (!rc)
		rc = copy_string(copies, now, &copy.text);
	if (!rc)
		rc = copy_user(copies, now, copy.uid);
	if (!rc)
		rc = copy_owners(copies, now, &copy);
	for (uint32_t i = 0; !rc && i < copy.n_owners; i++) {
		const struct skt_process *process =
			&copies->snapshot.processes[copies->snapshot.owners[copy.first_owner + i].process];

		if (process->has & SKT_BIT(SKT_P_UID))
			rc = copy_user(copies, now, process->uid);
	}
	return rc ? rc : skt_snapshot_add_sock(&copies->snapshot, &copy, ret);
}
