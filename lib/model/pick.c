/* SPDX-License-Identifier: MIT */
#include <skt/snapshot.h>

#include "base/map.h"
#include "model/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What goes along, and where it will stand: by slot of the snapshot it is picked from. */
struct pick {
	const struct skt_snapshot *from;
	const bool *rows; /* NULL: all */
	struct skt_snapshot *to;
	bool *processes;
	uint32_t *process_slots;
	struct map by_pid; /* of those that live, the first of each pid */
};

static uint64_t pid_hash(const struct pick *pick, uint32_t pid)
{
	return hash_mix(skt_strtab_seed(pick->from->strings), pid);
}

/* Who has this pid now, or MAP_NONE. */
static uint32_t find_pid(const struct pick *pick, uint32_t pid)
{
	uint32_t i = map_first(&pick->by_pid, pid_hash(pick, pid));

	while (i != MAP_NONE && pick->from->processes[i].pid != pid)
		i = map_next(&pick->by_pid, i);
	return i;
}

static int index_pids(struct pick *pick)
{
	const struct skt_snapshot *from = pick->from;

	if (map_reset(&pick->by_pid, from->n_processes))
		return -ENOMEM;
	for (uint32_t i = 0; i < from->n_processes; i++)
		if (!from->processes[i].exited && find_pid(pick, from->processes[i].pid) == MAP_NONE)
			map_add(&pick->by_pid, pid_hash(pick, from->processes[i].pid), i);
	return 0;
}

/* A parent that began after its child is another process, which was given its number. */
static bool can_be_parent(const struct skt_process *parent, const struct skt_process *child)
{
	uint32_t known = parent->has & child->has & SKT_BIT(SKT_P_START_TIME);

	return !known || parent->start_time <= child->start_time;
}

/* A process, and its ancestors as far as they are there. */
static void take_family(struct pick *pick, uint32_t slot)
{
	const struct skt_process *processes = pick->from->processes;

	while (!pick->processes[slot]) {
		uint32_t parent;

		pick->processes[slot] = true;
		if (!(processes[slot].has & SKT_BIT(SKT_P_PPID)) || !processes[slot].ppid)
			return;
		parent = find_pid(pick, processes[slot].ppid);
		if (parent == MAP_NONE || !can_be_parent(&processes[parent], &processes[slot]))
			return;
		slot = parent;
	}
}

static void choose_processes(struct pick *pick)
{
	const struct skt_snapshot *from = pick->from;

	for (size_t i = 0; !pick->rows && i < from->n_processes; i++)
		pick->processes[i] = skt_process_is_listed(&from->processes[i]);
	for (size_t i = 0; pick->rows && i < from->n_socks; i++) {
		const struct skt_sock *sock = &from->socks[i];

		if (sock->table == SKT_NO_TABLE || !pick->rows[i])
			continue;
		for (uint32_t k = 0; k < sock->n_owners; k++)
			take_family(pick, from->owners[sock->first_owner + k].process);
	}
}

static int pick_processes(struct pick *pick)
{
	int rc = index_pids(pick);

	if (rc)
		return rc;
	choose_processes(pick);
	for (size_t i = 0; !rc && i < pick->from->n_processes; i++)
		if (pick->processes[i])
			rc = skt_snapshot_add_process(pick->to, &pick->from->processes[i], &pick->process_slots[i]);
	return rc;
}

static int pick_row(struct pick *pick, const struct skt_sock *from, uint32_t table, uint32_t *ret)
{
	struct skt_sock sock = *from;
	int rc = 0;

	sock.table = table;
	for (uint32_t k = 0; !rc && k < from->n_owners; k++) {
		struct skt_owner owner = pick->from->owners[from->first_owner + k];
		uint32_t at;

		owner.process = pick->process_slots[owner.process];
		rc = skt_snapshot_add_owners(pick->to, &owner, 1, &at);
		if (!k)
			sock.first_owner = at;
	}
	return rc ? rc : skt_snapshot_add_sock(pick->to, &sock, ret);
}

/*
 * Lines that are no rows all go along: what they were is not known. They stand behind as many rows as are left before
 * them.
 */
static int pick_table(struct pick *pick, const struct skt_table *table, uint32_t *ret_slots)
{
	uint32_t t = 0, kept = 0;
	size_t raw = 0;
	int rc = skt_snapshot_add_table(pick->to, table, &t);

	for (size_t i = 0; !rc && i <= table->n_rows; i++) {
		for (; !rc && raw < table->n_raw && (i == table->n_rows || table->raw[raw].before <= i); raw++)
			rc = skt_table_add_raw(&pick->to->tables[t], kept, table->raw[raw].text);
		if (rc || i == table->n_rows || (pick->rows && !pick->rows[table->order[i]]))
			continue;
		rc = pick_row(pick, &pick->from->socks[table->order[i]], t, &ret_slots[table->order[i]]);
		kept++;
	}
	return rc;
}

int skt_snapshot_pick(const struct skt_snapshot *snapshot, const bool *rows, struct skt_snapshot *ret,
		      uint32_t *ret_slots)
{
	struct pick pick = { .from = snapshot, .rows = rows, .to = ret };
	int rc = -ENOMEM;

	map_init(&pick.by_pid);
	skt_snapshot_clear(ret, snapshot->strings);
	ret->number = snapshot->number;
	ret->time = snapshot->time;
	ret->end = snapshot->end;
	ret->boottime = snapshot->boottime;
	ret->missed = snapshot->missed;
	ret->quality = snapshot->quality;
	memset(ret_slots, 0xff, snapshot->n_socks * sizeof(*ret_slots));
	pick.processes = calloc(snapshot->n_processes + 1, sizeof(*pick.processes));
	pick.process_slots = calloc(snapshot->n_processes + 1, sizeof(*pick.process_slots));
	if (pick.processes && pick.process_slots)
		rc = pick_processes(&pick);
	for (size_t i = 0; !rc && i < snapshot->n_tables; i++)
		if (!snapshot->tables[i].gone)
			rc = pick_table(&pick, &snapshot->tables[i], ret_slots);
	for (size_t i = 0; !rc && i < snapshot->n_users; i++)
		rc = skt_snapshot_add_user(ret, snapshot->users[i].uid, snapshot->users[i].name);
	if (!rc)
		rc = skt_snapshot_order(ret);
	map_release(&pick.by_pid);
	free(pick.processes);
	free(pick.process_slots);
	return rc;
}
