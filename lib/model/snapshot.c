/* SPDX-License-Identifier: MIT */
#include <skt/snapshot.h>

#include "base/array.h"
#include "model/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *skt_table_status_name(unsigned status)
{
	static const char *const names[] = { "unknown", "fresh", "stale" };

	return status < sizeof(names) / sizeof(*names) ? names[status] : "unknown";
}

int skt_snapshot_init(struct skt_snapshot *snapshot, struct skt_strtab *strings, uint64_t seed)
{
	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->strings = strings ? skt_strtab_ref(strings) : skt_strtab_new(seed);
	return snapshot->strings ? 0 : -ENOMEM;
}

static void release_tables(struct skt_snapshot *snapshot)
{
	tables_forget(snapshot);
	for (size_t i = 0; i < snapshot->n_tables; i++) {
		free(snapshot->tables[i].order);
		free(snapshot->tables[i].raw);
	}
	snapshot->n_tables = 0;
}

void skt_snapshot_release(struct skt_snapshot *snapshot)
{
	release_tables(snapshot);
	free(snapshot->tables);
	free(snapshot->socks);
	free(snapshot->owners);
	free(snapshot->processes);
	free(snapshot->users);
	skt_strtab_unref(snapshot->strings);
	memset(snapshot, 0, sizeof(*snapshot));
}

void skt_snapshot_clear(struct skt_snapshot *snapshot, struct skt_strtab *strings)
{
	struct skt_strtab *had = snapshot->strings;

	release_tables(snapshot);
	snapshot->strings = skt_strtab_ref(strings);
	skt_strtab_unref(had);
	snapshot->number = 0;
	snapshot->time = 0;
	snapshot->end = 0;
	snapshot->boottime = 0;
	snapshot->missed = 0;
	memset(&snapshot->quality, 0, sizeof(snapshot->quality));
	snapshot->n_socks = 0;
	snapshot->n_owners = 0;
	snapshot->n_processes = 0;
	snapshot->n_users = 0;
	snapshot->live_socks = 0;
	snapshot->walked = 0;
	snapshot->moved = 0;
}

/* Of all tables; counted where nobody has, as in a copy. */
static size_t raw_lines(const struct skt_snapshot *snapshot)
{
	size_t raw = 0;

	if (snapshot->tables_known)
		return snapshot->tables_known->raw;
	for (size_t i = 0; i < snapshot->n_tables; i++)
		raw += snapshot->tables[i].n_raw;
	return raw;
}

bool skt_snapshot_is_over(const struct skt_snapshot *snapshot)
{
	return snapshot->walked > SKT_WALKED_MAX || snapshot->moved > SKT_MOVED_MAX ||
	       snapshot->n_socks > SKT_SOCKS_MAX || snapshot->n_tables > SKT_TABLES_MAX ||
	       snapshot->n_processes > SKT_PROCESSES_MAX || snapshot->n_owners > SKT_OWNERS_MAX ||
	       snapshot->n_users > SKT_USERS_MAX || skt_strtab_count(snapshot->strings) > SKT_STRINGS_MAX ||
	       skt_strtab_bytes(snapshot->strings) > SKT_STRTAB_MAX || raw_lines(snapshot) > SKT_RAW_MAX;
}

int snapshot_push_table(struct skt_snapshot *snapshot, const struct skt_table *table)
{
	if (snapshot->n_tables >= SKT_SNAPSHOT_TIMES * (size_t)SKT_TABLES_MAX)
		return -E2BIG;
	if (array_room(&snapshot->tables, &snapshot->room_tables, snapshot->n_tables + 1, sizeof(*snapshot->tables)))
		return -ENOMEM;
	snapshot->tables[snapshot->n_tables] = *table;
	snapshot->tables[snapshot->n_tables].order = NULL;
	snapshot->tables[snapshot->n_tables].n_rows = 0;
	snapshot->tables[snapshot->n_tables].raw = NULL;
	snapshot->tables[snapshot->n_tables].n_raw = 0;
	snapshot->n_tables++;
	return 0;
}

int skt_snapshot_add_table(struct skt_snapshot *snapshot, const struct skt_table *table, uint32_t *ret)
{
	int rc = snapshot_push_table(snapshot, table);

	tables_forget(snapshot);
	if (!rc)
		*ret = (uint32_t)snapshot->n_tables - 1;
	return rc;
}

int skt_snapshot_add_sock(struct skt_snapshot *snapshot, const struct skt_sock *sock, uint32_t *ret)
{
	if (snapshot->n_socks >= SKT_SNAPSHOT_TIMES * (size_t)SKT_SOCKS_MAX)
		return -E2BIG;
	if (array_room(&snapshot->socks, &snapshot->room_socks, snapshot->n_socks + 1, sizeof(*snapshot->socks)))
		return -ENOMEM;
	snapshot->socks[snapshot->n_socks] = *sock;
	snapshot->socks[snapshot->n_socks].listed = false;
	snapshot->socks[snapshot->n_socks].n_last = 0;
	*ret = (uint32_t)snapshot->n_socks++;
	snapshot->live_socks++;
	return 0;
}

int skt_snapshot_add_process(struct skt_snapshot *snapshot, const struct skt_process *process, uint32_t *ret)
{
	if (snapshot->n_processes >= SKT_SNAPSHOT_TIMES * (size_t)SKT_PROCESSES_MAX)
		return -E2BIG;
	if (array_room(&snapshot->processes, &snapshot->room_processes, snapshot->n_processes + 1,
		       sizeof(*snapshot->processes)))
		return -ENOMEM;
	snapshot->processes[snapshot->n_processes] = *process;
	snapshot->processes[snapshot->n_processes].sockets = 0;
	*ret = (uint32_t)snapshot->n_processes++;
	return 0;
}

int skt_snapshot_add_owners(struct skt_snapshot *snapshot, const struct skt_owner *owners, size_t n,
			    uint32_t *ret_first)
{
	if (n > SKT_SNAPSHOT_TIMES * (size_t)SKT_OWNERS_MAX - snapshot->n_owners)
		return -E2BIG;
	if (array_room(&snapshot->owners, &snapshot->room_owners, snapshot->n_owners + n, sizeof(*snapshot->owners)))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		snapshot->owners[snapshot->n_owners + i] = owners[i];
		snapshot->processes[owners[i].process].sockets++;
	}
	*ret_first = (uint32_t)snapshot->n_owners;
	snapshot->n_owners += n;
	return 0;
}

/* Where uid is in users, or would be. */
static size_t user_place(const struct skt_snapshot *snapshot, uint32_t uid)
{
	return array_below(snapshot->users, snapshot->n_users, sizeof(*snapshot->users), offsetof(struct skt_user, uid),
			   uid);
}

int skt_snapshot_add_user(struct skt_snapshot *snapshot, uint32_t uid, uint32_t name)
{
	size_t at = user_place(snapshot, uid);
	struct skt_user user = { .uid = uid, .name = name };

	if (at < snapshot->n_users && snapshot->users[at].uid == uid) {
		snapshot->users[at] = user;
		return 0;
	}
	if (snapshot->n_users >= SKT_SNAPSHOT_TIMES * (size_t)SKT_USERS_MAX)
		return -E2BIG;
	if (array_room(&snapshot->users, &snapshot->room_users, snapshot->n_users + 1, sizeof(*snapshot->users)))
		return -ENOMEM;
	memmove(snapshot->users + at + 1, snapshot->users + at, (snapshot->n_users - at) * sizeof(*snapshot->users));
	snapshot->users[at] = user;
	snapshot->n_users++;
	return 0;
}

int skt_table_add_raw(struct skt_table *table, uint32_t before, uint32_t text)
{
	struct skt_raw_line *raw;

	if (table->n_raw >= SKT_RAW_MAX)
		return -E2BIG;
	/* no room is kept beside so rare a thing: it grows at each power of two */
	if (!(table->n_raw & (table->n_raw - 1))) {
		raw = realloc(table->raw, (table->n_raw ? table->n_raw * 2 : 1) * sizeof(*raw));
		if (!raw)
			return -ENOMEM;
		table->raw = raw;
	}
	table->raw[table->n_raw++] = (struct skt_raw_line){ .before = before, .text = text };
	return 0;
}

int skt_snapshot_order(struct skt_snapshot *snapshot)
{
	tables_forget(snapshot);
	for (size_t t = 0; t < snapshot->n_tables; t++)
		snapshot->tables[t].n_rows = 0;
	for (size_t i = 0; i < snapshot->n_socks; i++)
		if (snapshot->socks[i].table != SKT_NO_TABLE)
			snapshot->tables[snapshot->socks[i].table].n_rows++;
	for (size_t t = 0; t < snapshot->n_tables; t++) {
		struct skt_table *table = &snapshot->tables[t];
		uint32_t *order = table->n_rows ? malloc(table->n_rows * sizeof(*order)) : NULL;

		if (table->n_rows && !order) {
			for (; t < snapshot->n_tables; t++)
				snapshot->tables[t].n_rows = 0;
			return -ENOMEM;
		}
		free(table->order);
		table->order = order;
		table->n_rows = 0;
	}
	for (size_t i = 0; i < snapshot->n_socks; i++) {
		struct skt_sock *sock = &snapshot->socks[i];

		if (sock->table == SKT_NO_TABLE)
			continue;
		snapshot->tables[sock->table].order[snapshot->tables[sock->table].n_rows++] = (uint32_t)i;
		sock->listed = true;
	}
	return 0;
}

const struct skt_process *skt_snapshot_process(const struct skt_snapshot *snapshot, uint32_t pid, uint64_t start_time)
{
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct skt_process *process = &snapshot->processes[i];

		if (process->pid == pid && process->start_time == start_time && skt_process_is_listed(process))
			return process;
	}
	return NULL;
}

const char *skt_snapshot_user(const struct skt_snapshot *snapshot, uint32_t uid, size_t *ret_len)
{
	size_t at = user_place(snapshot, uid);

	if (at == snapshot->n_users || snapshot->users[at].uid != uid)
		return NULL;
	return skt_strtab_get(snapshot->strings, snapshot->users[at].name, ret_len);
}
