/* SPDX-License-Identifier: MIT */
#include <skt/step.h>

#include "base/array.h"
#include "model/reorder.h"
#include "model/step.h"
#include "model/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * A step may come from a recording, so every number in it is checked before it is used. A change says only
 * what changed: TAKE copies a member where its field is in the mask.
 */
#define TAKE(member, field)                        \
	do {                                       \
		if (fields & SKT_BIT(field))       \
			to->member = from->member; \
	} while (0)

static bool has_string(const struct skt_snapshot *snapshot, uint32_t id)
{
	return id < skt_strtab_count(snapshot->strings);
}

/* Raw lines have texts, and stand among the rows one after the other. Behind how many rows is known when these are. */
static bool raw_is_good(const struct skt_snapshot *snapshot, const struct skt_table *table)
{
	for (size_t i = 0; i < table->n_raw; i++)
		if (!has_string(snapshot, table->raw[i].text) || (i && table->raw[i].before < table->raw[i - 1].before))
			return false;
	return true;
}

/* Whether a change may be made to this table. A new one must be new. */
static bool table_fits(const struct skt_snapshot *snapshot, uint32_t slot, const struct skt_table *now)
{
	if (!has_string(snapshot, now->heading) || slot > snapshot->n_tables)
		return false;
	if (slot < snapshot->n_tables) {
		const struct skt_table *table = &snapshot->tables[slot];

		return !table->gone && table->kind == now->kind && table->net_namespace == now->net_namespace;
	}
	return !now->gone && tables_find(snapshot, now->kind, now->net_namespace) == MAP_NONE;
}

/* The raw lines that the table has from here on: those of the change are the snapshot's then. */
static int take_raw(struct skt_snapshot *snapshot, const struct skt_table *table, struct skt_table_change *change)
{
	struct skt_tables_known *known = snapshot->tables_known;
	struct skt_table *now = &change->now;

	if (!change->raw_changed && !now->gone) {
		free(now->raw);
		now->raw = table->raw;
		now->n_raw = table->n_raw;
		return 0;
	}
	if (now->gone) {
		free(now->raw);
		now->raw = NULL;
		now->n_raw = 0;
	}
	if (!raw_is_good(snapshot, now))
		return -EBADMSG;
	known->raw -= table->n_raw;
	known->raw += now->n_raw;
	free(table->raw);
	return 0;
}

static int apply_table(struct skt_snapshot *snapshot, struct skt_table_change *change)
{
	struct skt_table *table;
	int rc = 0;

	if (!table_fits(snapshot, change->slot, &change->now))
		return -EBADMSG;
	if (change->slot == snapshot->n_tables)
		rc = tables_add(snapshot, &change->now);
	table = &snapshot->tables[change->slot];
	if (!rc)
		rc = take_raw(snapshot, table, change);
	if (rc)
		return rc;
	if (change->now.gone)
		tables_take(snapshot, change->slot);
	change->now.order = table->order;
	change->now.n_rows = table->n_rows;
	*table = change->now;
	change->now.raw = NULL;
	change->now.n_raw = 0;
	change->now.order = NULL;
	change->now.n_rows = 0;
	/* two groups' worth: a cursor takes the step to the next one's first snapshot */
	return snapshot->tables_known->raw > SKT_SNAPSHOT_TIMES * (size_t)SKT_RAW_MAX ? -E2BIG : 0;
}

static int apply_tables(struct skt_snapshot *snapshot, struct skt_step *step, struct skt_err *err)
{
	for (size_t i = 0; i < step->n_tables; i++) {
		uint32_t slot = step->tables[i].slot;
		int rc = i && slot <= step->tables[i - 1].slot ? -EBADMSG : apply_table(snapshot, &step->tables[i]);

		if (rc == -EBADMSG)
			return step_misfit(err, "table", slot);
		if (rc)
			return skt_err_set(err, rc, "table %u", slot);
	}
	return 0;
}

/* Copy the fields in the mask, and whether they are known. */
static void take_process_fields(struct skt_process *to, const struct skt_process *from, uint32_t fields)
{
	to->has = (to->has & ~fields) | (from->has & fields);
	TAKE(ppid, SKT_P_PPID);
	TAKE(uid, SKT_P_UID);
	TAKE(comm, SKT_P_COMM);
	TAKE(exe, SKT_P_EXE);
	TAKE(exe_deleted, SKT_P_EXE);
	TAKE(cmdline, SKT_P_CMDLINE);
	TAKE(cmdline_truncated, SKT_P_CMDLINE);
	TAKE(cgroup, SKT_P_CGROUP);
	TAKE(net_namespace, SKT_P_NET_NAMESPACE);
	TAKE(threads, SKT_P_THREADS);
	TAKE(state, SKT_P_STATE);
}

static bool has_strings(const struct skt_snapshot *snapshot, const struct skt_process *process)
{
	return has_string(snapshot, process->comm) && has_string(snapshot, process->exe) &&
	       has_string(snapshot, process->cmdline) && has_string(snapshot, process->cgroup);
}

static int apply_processes(struct skt_snapshot *snapshot, struct skt_step *step, struct skt_err *err)
{
	for (size_t i = 0; i < step->n_processes; i++) {
		struct skt_process_change *change = &step->processes[i];
		struct skt_process *process;
		bool exits;

		if (change->change == SKT_PROCESS_APPEARED) {
			uint32_t slot;
			int rc;

			if (change->slot != snapshot->n_processes || !has_strings(snapshot, &change->now))
				return step_misfit(err, "new process", change->slot);
			rc = skt_snapshot_add_process(snapshot, &change->now, &slot);
			if (rc)
				return skt_err_set(err, rc, "process %u", change->slot);
			memset(&change->before, 0, sizeof(change->before));
			continue;
		}
		exits = change->change == SKT_PROCESS_EXITED;
		if ((!exits && change->change != SKT_PROCESS_EXEC && change->change != SKT_PROCESS_CHANGED) ||
		    change->slot >= snapshot->n_processes || (exits && snapshot->processes[change->slot].exited))
			return step_misfit(err, "process", change->slot);
		process = &snapshot->processes[change->slot];
		change->before = *process;
		take_process_fields(process, &change->now, change->fields & ~SKT_BIT(SKT_P_EXITED));
		if (!has_strings(snapshot, process))
			return step_misfit(err, "strings of process", change->slot);
		process->exited |= exits;
		change->now = *process;
	}
	return 0;
}

void step_take_fields(struct skt_sock *to, const struct skt_sock *from, uint32_t fields)
{
	TAKE(inode, SKT_F_INODE);
	TAKE(sk, SKT_F_SK);
	TAKE(rto, SKT_F_RTO);
	TAKE(ato, SKT_F_ATO);
	TAKE(tx_queue, SKT_F_TX_QUEUE);
	TAKE(rx_queue, SKT_F_RX_QUEUE);
	TAKE(retransmits, SKT_F_RETRANSMITS);
	TAKE(probes, SKT_F_PROBES);
	TAKE(uid, SKT_F_UID);
	TAKE(ref, SKT_F_REF);
	TAKE(quick, SKT_F_QUICK);
	TAKE(cwnd, SKT_F_CWND);
	TAKE(ssthresh, SKT_F_SSTHRESH);
	TAKE(drops, SKT_F_DROPS);
	TAKE(tail, SKT_F_TAIL);
	TAKE(text, SKT_F_TEXT);
	TAKE(has, SKT_F_HAS);
	TAKE(state, SKT_F_STATE);
	TAKE(timer, SKT_F_TIMER);
	TAKE(timer_expires, SKT_F_TIMER_MS);
	TAKE(owner, SKT_F_OWNER);
	TAKE(owner_gaps, SKT_F_OWNER_GAPS);
}

static void count_owners(struct skt_snapshot *snapshot, const struct skt_sock *sock, int by)
{
	for (uint32_t i = 0; i < sock->n_owners; i++)
		snapshot->processes[snapshot->owners[sock->first_owner + i].process].sockets += (uint32_t)by;
}

/* The owners of `now` move from the step into the snapshot. */
static int take_owners(struct skt_snapshot *snapshot, const struct skt_step *step, struct skt_sock *now,
		       struct skt_err *err)
{
	const struct skt_owner *owners;
	int rc;

	if (now->first_owner > step->n_owners || now->n_owners > step->n_owners - now->first_owner)
		return step_misfit(err, "owners from", now->first_owner);
	if (!now->n_owners) {
		now->first_owner = 0;
		return 0;
	}
	owners = &step->owners[now->first_owner];
	for (uint32_t i = 0; i < now->n_owners; i++)
		if (owners[i].process >= snapshot->n_processes)
			return step_misfit(err, "owner", owners[i].process);
	rc = skt_snapshot_add_owners(snapshot, owners, now->n_owners, &now->first_owner);
	return rc ? skt_err_set(err, rc, "owners") : 0;
}

static int apply_opened(struct skt_snapshot *snapshot, struct skt_step *step, struct skt_sock_change *change,
			struct skt_err *err)
{
	uint32_t slot;
	int rc;

	if (change->slot != snapshot->n_socks)
		return step_misfit(err, "new socket", change->slot);
	if (change->now.table >= snapshot->n_tables || snapshot->tables[change->now.table].gone)
		return step_misfit(err, "socket of table", change->now.table);
	if (!has_string(snapshot, change->now.tail) || !has_string(snapshot, change->now.text))
		return step_misfit(err, "strings of socket", change->slot);
	rc = take_owners(snapshot, step, &change->now, err);
	if (rc)
		return rc;
	rc = skt_snapshot_add_sock(snapshot, &change->now, &slot);
	if (rc)
		return skt_err_set(err, rc, "socket %u", change->slot);
	memset(&change->before, 0, sizeof(change->before));
	return 0;
}

/* In its place: a row is three lines of the processor's cache, and most of what a step says is of rows that changed. */
static int apply_changed(struct skt_snapshot *snapshot, struct skt_step *step, struct skt_sock_change *change,
			 struct skt_err *err)
{
	struct skt_sock *sock = &snapshot->socks[change->slot];

	step_take_fields(sock, &change->now, change->fields);
	if (!has_string(snapshot, sock->tail) || !has_string(snapshot, sock->text))
		return step_misfit(err, "strings of socket", change->slot);
	if (change->fields & SKT_BIT(SKT_F_OWNERS)) {
		struct skt_sock now = { .first_owner = change->now.first_owner, .n_owners = change->now.n_owners };
		int rc = take_owners(snapshot, step, &now, err);

		if (rc)
			return rc;
		count_owners(snapshot, sock, -1);
		sock->first_last = sock->first_owner;
		sock->n_last = now.n_owners ? 0 : sock->n_owners;
		sock->first_owner = now.first_owner;
		sock->n_owners = now.n_owners;
	}
	if (sock->owner != SKT_OWNER_UNKNOWN)
		sock->n_last = 0;
	change->now = *sock;
	return 0;
}

static int apply_closed(struct skt_snapshot *snapshot, struct skt_sock_change *change)
{
	count_owners(snapshot, &change->before, -1);
	snapshot->socks[change->slot].table = SKT_NO_TABLE;
	snapshot->live_socks--;
	return 0;
}

static int apply_sock(struct skt_snapshot *snapshot, struct skt_step *step, struct skt_sock_change *change,
		      struct skt_err *err)
{
	if (change->change == SKT_OPENED || change->change == SKT_PRESENT)
		return apply_opened(snapshot, step, change, err);
	if (change->slot >= snapshot->n_socks || snapshot->socks[change->slot].table == SKT_NO_TABLE)
		return step_misfit(err, "socket", change->slot);
	change->before = snapshot->socks[change->slot];
	switch (change->change) {
	case SKT_CHANGED:
		return apply_changed(snapshot, step, change, err);
	case SKT_CLOSED:
	case SKT_LOST:
		return apply_closed(snapshot, change);
	default:
		return step_misfit(err, "change of kind", change->change);
	}
}

static int apply_socks(struct skt_snapshot *snapshot, struct skt_step *step, struct skt_err *err)
{
	for (size_t i = 0; i < step->n_socks; i++) {
		int rc = apply_sock(snapshot, step, &step->socks[i], err);

		if (rc)
			return rc;
	}
	return 0;
}

/* How many of the step's users the snapshot does not have. Both stand by rising uids. */
static size_t count_new_users(const struct skt_snapshot *snapshot, const struct skt_step *step)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < step->n_users; i++) {
		while (at < snapshot->n_users && snapshot->users[at].uid < step->users[i].uid)
			at++;
		n += at == snapshot->n_users || snapshot->users[at].uid != step->users[i].uid;
	}
	return n;
}

/* Merged from behind, so that many cost no more than the list is long. */
static int apply_users(struct skt_snapshot *snapshot, const struct skt_step *step, struct skt_err *err)
{
	size_t had = snapshot->n_users, left = step->n_users, to;

	for (size_t i = 0; i < step->n_users; i++)
		if (!has_string(snapshot, step->users[i].name) || (i && step->users[i].uid <= step->users[i - 1].uid))
			return step_misfit(err, "name of user", step->users[i].uid);
	if (!left)
		return 0;
	snapshot->walked += had;
	to = had + count_new_users(snapshot, step);
	if (to > SKT_SNAPSHOT_TIMES * (size_t)SKT_USERS_MAX)
		return skt_err_set(err, -E2BIG, "user %u", step->users[0].uid);
	if (array_room(&snapshot->users, &snapshot->room_users, to, sizeof(*snapshot->users)))
		return skt_err_set(err, -ENOMEM, "out of memory");
	snapshot->n_users = to;
	while (left) {
		const struct skt_user *user = &step->users[left - 1];

		if (had && snapshot->users[had - 1].uid > user->uid) {
			snapshot->users[--to] = snapshot->users[--had];
			continue;
		}
		/* a name takes the place of the one that the uid had */
		had -= had && snapshot->users[had - 1].uid == user->uid;
		snapshot->users[--to] = *user;
		left--;
	}
	return 0;
}

int skt_apply(struct skt_snapshot *snapshot, struct skt_step *step, struct skt_err *err)
{
	int rc;

	snapshot->number = step->number;
	snapshot->time = step->time;
	snapshot->end = step->end;
	snapshot->boottime = step->boottime;
	snapshot->missed = step->missed;
	snapshot->quality = step->quality;
	if (tables_know(snapshot))
		return skt_err_set(err, -ENOMEM, "out of memory");
	rc = apply_users(snapshot, step, err);
	if (!rc)
		rc = apply_tables(snapshot, step, err);
	if (!rc)
		rc = apply_processes(snapshot, step, err);
	if (!rc)
		rc = apply_socks(snapshot, step, err);
	if (!rc)
		rc = apply_timers(snapshot, step, err);
	if (!rc && !step->unordered)
		rc = reorder(snapshot, step, err);
	if (step->unordered)
		reorder_forget(snapshot);
	return rc;
}
