/* SPDX-License-Identifier: MIT */
#include "model/copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int translation_init(struct translation *translation, const struct skt_strtab *from, struct skt_strtab *to)
{
	uint32_t n = skt_strtab_count(from);

	translation->from = from;
	translation->to = to;
	translation->ids = NULL;
	if (from == to)
		return 0;
	translation->ids = malloc(n * sizeof(*translation->ids));
	if (!translation->ids)
		return -ENOMEM;
	memset(translation->ids, 0xff, n * sizeof(*translation->ids));
	return 0;
}

void translation_release(struct translation *translation)
{
	free(translation->ids);
	translation->ids = NULL;
}

int translate(struct translation *translation, uint32_t *id)
{
	uint32_t *known;

	if (!translation->ids || !*id)
		return 0;
	known = &translation->ids[*id];
	if (*known == UINT32_MAX) {
		size_t len;
		const char *bytes = skt_strtab_get(translation->from, *id, &len);
		int rc = skt_strtab_add(translation->to, bytes, len, known);

		if (rc)
			return rc;
	}
	*id = *known;
	return 0;
}

int translate_process(struct translation *translation, struct skt_process *process)
{
	int rc = translate(translation, &process->comm);

	if (!rc)
		rc = translate(translation, &process->exe);
	if (!rc)
		rc = translate(translation, &process->cmdline);
	if (!rc)
		rc = translate(translation, &process->cgroup);
	return rc;
}

static int copy_those(const struct skt_snapshot *from, bool exited, struct skt_snapshot *to,
		      struct translation *translation, uint32_t *slots)
{
	for (size_t i = 0; i < from->n_processes; i++) {
		struct skt_process process = from->processes[i];
		int rc;

		if (process.exited != exited || !skt_process_is_listed(&process))
			continue;
		rc = translate_process(translation, &process);
		if (!rc)
			rc = skt_snapshot_add_process(to, &process, &slots[i]);
		if (rc)
			return rc;
	}
	return 0;
}

/*
 * Those that live, then those that have exited: so skt_match() finds them, and the step to a copy from nothing has its
 * slots.
 */
static int copy_processes(const struct skt_snapshot *from, struct skt_snapshot *to, struct translation *translation,
			  uint32_t *slots)
{
	int rc = copy_those(from, false, to, translation, slots);

	return rc ? rc : copy_those(from, true, to, translation, slots);
}

static int copy_owners(const struct skt_snapshot *from, struct skt_snapshot *to, const uint32_t *slots,
		       struct skt_sock *sock)
{
	uint32_t first = 0;

	for (uint32_t i = 0; i < sock->n_owners; i++) {
		struct skt_owner owner = from->owners[sock->first_owner + i];
		uint32_t at;
		int rc;

		owner.process = slots[owner.process];
		rc = skt_snapshot_add_owners(to, &owner, 1, &at);
		if (rc)
			return rc;
		if (!i)
			first = at;
	}
	sock->first_owner = first;
	return 0;
}

static int copy_table(const struct skt_snapshot *from, const struct skt_table *table, struct skt_snapshot *to,
		      struct translation *translation, const uint32_t *slots)
{
	struct skt_table now = *table;
	uint32_t t;
	int rc = translate(translation, &now.heading);

	if (!rc)
		rc = skt_snapshot_add_table(to, &now, &t);
	for (size_t i = 0; !rc && i < table->n_raw; i++) {
		uint32_t text = table->raw[i].text;

		rc = translate(translation, &text);
		if (!rc)
			rc = skt_table_add_raw(&to->tables[t], table->raw[i].before, text);
	}
	for (size_t i = 0; !rc && i < table->n_rows; i++) {
		struct skt_sock sock = from->socks[table->order[i]];
		uint32_t slot;

		sock.table = t;
		rc = translate(translation, &sock.tail);
		if (!rc)
			rc = translate(translation, &sock.text);
		if (!rc)
			rc = copy_owners(from, to, slots, &sock);
		if (!rc)
			rc = skt_snapshot_add_sock(to, &sock, &slot);
	}
	return rc;
}

int skt_snapshot_copy(const struct skt_snapshot *snapshot, struct skt_snapshot *ret)
{
	struct translation translation = { .ids = NULL };
	struct skt_snapshot copy;
	uint32_t *slots = NULL;
	int rc = skt_snapshot_init(&copy, NULL, skt_strtab_seed(snapshot->strings));

	if (rc)
		return rc;
	rc = -ENOMEM;
	slots = calloc(snapshot->n_processes + 1, sizeof(*slots));
	if (!slots || translation_init(&translation, snapshot->strings, copy.strings))
		goto out;
	copy.number = snapshot->number;
	copy.time = snapshot->time;
	copy.end = snapshot->end;
	copy.boottime = snapshot->boottime;
	copy.missed = snapshot->missed;
	copy.quality = snapshot->quality;
	rc = copy_processes(snapshot, &copy, &translation, slots);
	for (size_t i = 0; !rc && i < snapshot->n_tables; i++)
		if (!snapshot->tables[i].gone)
			rc = copy_table(snapshot, &snapshot->tables[i], &copy, &translation, slots);
	for (size_t i = 0; !rc && i < snapshot->n_users; i++) {
		uint32_t name = snapshot->users[i].name;

		rc = translate(&translation, &name);
		if (!rc)
			rc = skt_snapshot_add_user(&copy, snapshot->users[i].uid, name);
	}
	if (!rc)
		rc = skt_snapshot_order(&copy);
out:
	translation_release(&translation);
	free(slots);
	if (rc)
		skt_snapshot_release(&copy);
	else
		*ret = copy;
	return rc;
}

int skt_snapshot_compact(struct skt_snapshot *snapshot)
{
	struct skt_snapshot dense;
	int rc = skt_snapshot_copy(snapshot, &dense);

	if (rc)
		return rc;
	skt_snapshot_release(snapshot);
	*snapshot = dense;
	return 0;
}
