/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int rc)
{
	if (!rc)
		return;
	fprintf(stderr, "scene: %s\n", strerror(-rc));
	abort();
}

void scene_begin(struct skt_snapshot *snapshot, struct skt_strtab *strings, int64_t second)
{
	must(skt_snapshot_init(snapshot, strings, 7));
	snapshot->number = (uint64_t)second + 1;
	snapshot->time = SCENE_TIME + second * SCENE_SECOND;
	snapshot->end = snapshot->time + SCENE_SECOND / 100;
	snapshot->boottime = SCENE_BOOTTIME + second * SCENE_SECOND;
}

void scene_end(struct skt_snapshot *snapshot)
{
	must(skt_snapshot_order(snapshot));
}

uint32_t scene_string(struct skt_snapshot *snapshot, const char *text)
{
	uint32_t id;

	must(skt_strtab_add(snapshot->strings, text, strlen(text), &id));
	return id;
}

uint32_t scene_table(struct skt_snapshot *snapshot, unsigned kind, uint64_t net_namespace)
{
	struct skt_table table = {
		.kind = (uint8_t)kind,
		.source = SKT_SOURCE_PROC,
		.status = SKT_TABLE_FRESH,
		.net_namespace = net_namespace,
		.heading = scene_string(snapshot, "  sl  local_address rem_address   st"),
		.read_time = snapshot->time + SCENE_SECOND / 1000,
		.read_us = 1000,
	};
	uint32_t slot;

	must(skt_snapshot_add_table(snapshot, &table, &slot));
	return slot;
}

struct skt_sock scene_sock(uint16_t local_port, uint16_t remote_port, uint64_t inode, uint64_t sk, unsigned state)
{
	return (struct skt_sock){
		.local_address = { 10, 0, 0, 1 },
		.remote_address = { 10, 0, 0, 2 },
		.local_port = local_port,
		.remote_port = remote_port,
		.inode = inode,
		.sk = sk,
		.state = (uint8_t)state,
		.has = SKT_BIT(SKT_F_REF) | SKT_BIT(SKT_F_SK),
		.ref = 1,
		.owner = inode ? SKT_OWNER_UNHELD : SKT_OWNER_DETACHED,
	};
}

uint32_t scene_add(struct skt_snapshot *snapshot, struct skt_sock sock)
{
	uint32_t slot;

	must(skt_snapshot_add_sock(snapshot, &sock, &slot));
	return slot;
}

uint32_t scene_add_held(struct skt_snapshot *snapshot, struct skt_sock sock, uint32_t process, int32_t fd)
{
	struct skt_owner owner = { .process = process, .fd = fd };
	uint32_t slot = scene_add(snapshot, sock);

	scene_own(snapshot, slot, &owner, 1);
	return slot;
}

void scene_own(struct skt_snapshot *snapshot, uint32_t slot, const struct skt_owner *owners, uint32_t n)
{
	struct skt_sock *sock = &snapshot->socks[slot];

	for (uint32_t i = 0; i < sock->n_owners; i++)
		snapshot->processes[snapshot->owners[sock->first_owner + i].process].sockets--;
	must(skt_snapshot_add_owners(snapshot, owners, n, &sock->first_owner));
	sock->n_owners = n;
	sock->owner = n ? SKT_OWNER_HELD : SKT_OWNER_UNHELD;
}

uint32_t scene_process(struct skt_snapshot *snapshot, uint32_t pid, uint64_t start_time, const char *comm)
{
	struct skt_process process = {
		.pid = pid,
		.ppid = 1,
		.start_time = start_time,
		.comm = scene_string(snapshot, comm),
		.exe = scene_string(snapshot, "/usr/bin/program"),
		.has = SKT_BIT(SKT_P_PPID) | SKT_BIT(SKT_P_COMM) | SKT_BIT(SKT_P_EXE) | SKT_BIT(SKT_P_START_TIME),
	};
	uint32_t slot;

	must(skt_snapshot_add_process(snapshot, &process, &slot));
	return slot;
}

const struct skt_process *scene_pid(const struct skt_snapshot *snapshot, uint32_t pid)
{
	for (size_t i = 0; i < snapshot->n_processes; i++)
		if (snapshot->processes[i].pid == pid)
			return &snapshot->processes[i];
	return NULL;
}

bool scene_holds(const struct skt_snapshot *snapshot, const struct skt_sock *sock, uint32_t pid, int32_t fd)
{
	for (uint32_t i = 0; i < sock->n_owners; i++) {
		const struct skt_owner *owner = &snapshot->owners[sock->first_owner + i];

		if (snapshot->processes[owner->process].pid == pid && owner->fd == fd)
			return true;
	}
	return false;
}

/* What is being checked, and what has been counted of it. */
struct check {
	const struct skt_snapshot *snapshot;
	uint32_t *stands;  /* for each slot, how often it stands in an order */
	uint32_t *sockets; /* for each process, by how many owners it is named */
	size_t live;
	char *why;
	size_t why_size;
};

static bool wrong(const struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool wrong(const struct check *check, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(check->why, check->why_size, format, args);
	va_end(args);
	return false;
}

static bool string_is_there(const struct check *check, uint32_t id)
{
	return id < skt_strtab_count(check->snapshot->strings) || wrong(check, "string %u is not there", id);
}

static bool table_is_whole(struct check *check, uint32_t t)
{
	const struct skt_snapshot *snapshot = check->snapshot;
	const struct skt_table *table = &snapshot->tables[t];

	if (!string_is_there(check, table->heading))
		return false;
	if (table->gone && table->n_rows)
		return wrong(check, "table %u is gone and has rows", t);
	for (uint32_t i = 0; i < t && !table->gone; i++)
		if (!snapshot->tables[i].gone && snapshot->tables[i].kind == table->kind &&
		    snapshot->tables[i].net_namespace == table->net_namespace)
			return wrong(check, "tables %u and %u are one", i, t);
	for (size_t i = 0; i < table->n_rows; i++) {
		uint32_t slot = table->order[i];

		if (slot >= snapshot->n_socks)
			return wrong(check, "table %u has slot %u in its order", t, slot);
		if (snapshot->socks[slot].table != t)
			return wrong(check, "row %u stands in table %u", slot, t);
		check->stands[slot]++;
	}
	for (size_t i = 0; i < table->n_raw && !table->gone; i++) {
		if (table->raw[i].before > table->n_rows || (i && table->raw[i].before < table->raw[i - 1].before))
			return wrong(check, "a raw line of table %u stands nowhere", t);
		if (!string_is_there(check, table->raw[i].text))
			return false;
	}
	return true;
}

static bool sock_is_whole(struct check *check, uint32_t slot)
{
	const struct skt_snapshot *snapshot = check->snapshot;
	const struct skt_sock *sock = &snapshot->socks[slot];
	bool live = sock->table != SKT_NO_TABLE;

	if (check->stands[slot] != live)
		return wrong(check, "a %s row stands in the order %u times", live ? "live" : "closed",
			     check->stands[slot]);
	if (sock->listed != live)
		return wrong(check, "a %s row is%s listed", live ? "live" : "closed", sock->listed ? "" : " not");
	if (!live)
		return true;
	check->live++;
	if (!string_is_there(check, sock->tail) || !string_is_there(check, sock->text))
		return false;
	if (sock->n_owners > snapshot->n_owners || sock->first_owner > snapshot->n_owners - sock->n_owners)
		return wrong(check, "row %u has owners outside the array", slot);
	for (uint32_t i = 0; i < sock->n_owners; i++) {
		uint32_t process = snapshot->owners[sock->first_owner + i].process;

		if (process >= snapshot->n_processes)
			return wrong(check, "row %u is held by process slot %u", slot, process);
		check->sockets[process]++;
	}
	return true;
}

static bool process_is_whole(const struct check *check, uint32_t slot)
{
	const struct skt_process *process = &check->snapshot->processes[slot];

	if (process->sockets != check->sockets[slot])
		return wrong(check, "process slot %u counts %u sockets and has %u", slot, process->sockets,
			     check->sockets[slot]);
	return string_is_there(check, process->comm) && string_is_there(check, process->exe) &&
	       string_is_there(check, process->cmdline) && string_is_there(check, process->cgroup);
}

static bool is_whole(struct check *check)
{
	const struct skt_snapshot *snapshot = check->snapshot;

	for (uint32_t i = 0; i < snapshot->n_tables; i++)
		if (!table_is_whole(check, i))
			return false;
	for (uint32_t i = 0; i < snapshot->n_socks; i++)
		if (!sock_is_whole(check, i))
			return false;
	if (check->live != snapshot->live_socks)
		return wrong(check, "%zu rows, counted as %zu", check->live, snapshot->live_socks);
	for (uint32_t i = 0; i < snapshot->n_processes; i++)
		if (!process_is_whole(check, i))
			return false;
	for (size_t i = 0; i < snapshot->n_users; i++) {
		if (i && snapshot->users[i].uid <= snapshot->users[i - 1].uid)
			return wrong(check, "users are not sorted");
		if (!string_is_there(check, snapshot->users[i].name))
			return false;
	}
	return true;
}

bool scene_is_whole(const struct skt_snapshot *snapshot, char *why, size_t why_size)
{
	struct check check = { .snapshot = snapshot, .why = why, .why_size = why_size };
	bool whole;

	check.stands = calloc(snapshot->n_socks + 1, sizeof(*check.stands));
	check.sockets = calloc(snapshot->n_processes + 1, sizeof(*check.sockets));
	if (!check.stands || !check.sockets)
		abort();
	whole = is_whole(&check);
	free(check.stands);
	free(check.sockets);
	return whole;
}
