/* SPDX-License-Identifier: MIT */
#include "naive.h"

#include "scene.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The two snapshots, and the answer being made. */
struct work {
	const struct skt_snapshot *a;
	const struct skt_snapshot *b;
	bool from_nothing;
	struct naive *to;
	uint32_t *process_of_a; /* for each process of a its slot in completed, or NAIVE_NONE */
	uint32_t *process_of_b;
};

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "naive: %s\n", what);
	abort();
}

static uint32_t *new_slots(size_t n)
{
	uint32_t *slots = malloc((n + 1) * sizeof(*slots));

	must(slots, "no memory");
	memset(slots, 0xff, (n + 1) * sizeof(*slots));
	return slots;
}

static bool same_text(const struct work *work, uint32_t a, uint32_t b)
{
	size_t a_len, b_len;
	const char *a_text = skt_strtab_get(work->a->strings, a, &a_len);
	const char *b_text = skt_strtab_get(work->b->strings, b, &b_len);

	return a_len == b_len && !memcmp(a_text, b_text, a_len);
}

/* --- processes: the same pid and start time are the same process; what has exited does not come back --- */

static void pair_processes(struct work *work, bool a_exited, bool b_exited)
{
	uint32_t *was = work->to->process_was;

	for (uint32_t j = 0; j < work->b->n_processes; j++) {
		const struct skt_process *y = &work->b->processes[j];

		if (was[j] != NAIVE_NONE || y->exited != b_exited || !skt_process_is_listed(y))
			continue;
		for (uint32_t i = 0; i < work->a->n_processes && was[j] == NAIVE_NONE; i++) {
			const struct skt_process *x = &work->a->processes[i];
			bool taken = false;

			for (uint32_t k = 0; k < work->b->n_processes; k++)
				taken |= was[k] == i;
			if (!taken && x->exited == a_exited && skt_process_is_listed(x) && x->pid == y->pid &&
			    x->start_time == y->start_time)
				was[j] = i;
		}
	}
}

/* A process that exits loses these first; what they were stays known. */
static uint32_t lost_fields(const struct skt_process *x, const struct skt_process *y)
{
	uint32_t stays = SKT_BIT(SKT_P_EXE) | SKT_BIT(SKT_P_CMDLINE) | SKT_BIT(SKT_P_NET_NAMESPACE);

	return x->has & ~y->has & stays;
}

static uint32_t process_fields(const struct work *work, const struct skt_process *x, const struct skt_process *y)
{
	uint32_t fields = x->has ^ y->has;

	fields |= x->ppid != y->ppid ? SKT_BIT(SKT_P_PPID) : 0;
	fields |= x->uid != y->uid ? SKT_BIT(SKT_P_UID) : 0;
	fields |= !same_text(work, x->comm, y->comm) ? SKT_BIT(SKT_P_COMM) : 0;
	fields |= !same_text(work, x->exe, y->exe) ? SKT_BIT(SKT_P_EXE) : 0;
	fields |= x->exe_deleted != y->exe_deleted ? SKT_BIT(SKT_P_EXE) : 0;
	fields |= !same_text(work, x->cmdline, y->cmdline) ? SKT_BIT(SKT_P_CMDLINE) : 0;
	fields |= x->cmdline_truncated != y->cmdline_truncated ? SKT_BIT(SKT_P_CMDLINE) : 0;
	fields |= !same_text(work, x->cgroup, y->cgroup) ? SKT_BIT(SKT_P_CGROUP) : 0;
	fields |= x->net_namespace != y->net_namespace ? SKT_BIT(SKT_P_NET_NAMESPACE) : 0;
	fields |= x->threads != y->threads ? SKT_BIT(SKT_P_THREADS) : 0;
	fields |= x->state != y->state ? SKT_BIT(SKT_P_STATE) : 0;
	fields |= x->exited != y->exited ? SKT_BIT(SKT_P_EXITED) : 0;
	return fields & ~lost_fields(x, y);
}

static void add_process_change(struct work *work, uint8_t change, uint32_t old_slot, uint32_t now_slot, uint32_t fields)
{
	struct naive *to = work->to;

	to->process_changes[to->n_process_changes++] =
		(struct naive_process_change){ change, old_slot, now_slot, fields };
}

static void find_process_changes(struct work *work)
{
	struct naive *to = work->to;

	to->process_changes = calloc(work->a->n_processes + work->b->n_processes + 1, sizeof(*to->process_changes));
	must(to->process_changes, "no memory");
	for (uint32_t i = 0; i < work->a->n_processes; i++) {
		bool there = work->a->processes[i].exited;

		for (uint32_t j = 0; j < work->b->n_processes; j++)
			there |= to->process_was[j] == i;
		if (!there)
			add_process_change(work, SKT_PROCESS_EXITED, i, NAIVE_NONE, SKT_BIT(SKT_P_EXITED));
	}
	for (uint32_t j = 0; j < work->b->n_processes; j++) {
		uint32_t i = to->process_was[j], fields;
		uint8_t change = SKT_PROCESS_CHANGED;

		if (!skt_process_is_listed(&work->b->processes[j]))
			continue;
		if (i == NAIVE_NONE) {
			add_process_change(work, SKT_PROCESS_APPEARED, i, j, 0);
			continue;
		}
		fields = process_fields(work, &work->a->processes[i], &work->b->processes[j]);
		if (fields & SKT_BIT(SKT_P_EXITED))
			change = SKT_PROCESS_EXITED;
		else if (fields & work->a->processes[i].has & work->b->processes[j].has &
			 (SKT_BIT(SKT_P_EXE) | SKT_BIT(SKT_P_CMDLINE)))
			change = SKT_PROCESS_EXEC;
		if (fields)
			add_process_change(work, change, i, j, fields);
	}
}

/* --- rows --- */

static bool same_ends(const struct skt_sock *x, const struct skt_sock *y)
{
	return !memcmp(x->local_address, y->local_address, 16) && x->local_port == y->local_port &&
	       !memcmp(x->remote_address, y->remote_address, 16) && x->remote_port == y->remote_port;
}

static bool is_one_of(unsigned state, const char *states)
{
	return state && strchr(states, (int)state);
}

/* Waiting in a backlog: the handshake is under way, or done, or the other side has closed already. */
static bool waits_for_accept(const struct skt_sock *sock)
{
	static const char states[] = { SKT_SYN_RECV, SKT_NEW_SYN_RECV, SKT_ESTABLISHED, SKT_CLOSE_WAIT, 0 };

	return !sock->inode && is_one_of(sock->state, states);
}

/* Closed by its last holder, and not done yet: RFC 9293, figure 5, after CLOSE. */
static bool is_orphan(const struct skt_sock *sock)
{
	static const char states[] = {
		SKT_FIN_WAIT1, SKT_FIN_WAIT2, SKT_CLOSING, SKT_LAST_ACK, SKT_TIME_WAIT, SKT_CLOSE, 0
	};

	return !sock->inode && is_one_of(sock->state, states);
}

static bool is_lost(const struct skt_sock *x, const struct skt_sock *y)
{
	return x->inode && x->state != SKT_TIME_WAIT && is_orphan(y);
}

static bool is_gained(const struct skt_sock *x, const struct skt_sock *y)
{
	return waits_for_accept(x) && y->inode;
}

static bool same_sk(const struct skt_sock *x, const struct skt_sock *y)
{
	return x->sk && x->sk == y->sk;
}

/* From the strongest rule to the weakest. */
enum rule { SAME_ALL_OVER, SAME_ALL, SAME_OVER, SAME, LOST_BY_SK, GAINED_BY_SK, RULES };

static bool may_be_one(enum rule rule, const struct skt_sock *x, const struct skt_sock *y)
{
	bool x_over = x->state == SKT_TIME_WAIT, y_over = y->state == SKT_TIME_WAIT;

	if (!same_ends(x, y) || (x_over && !y_over))
		return false;
	switch (rule) {
	case SAME_ALL_OVER:
		return x->inode == y->inode && same_sk(x, y) && x_over == y_over;
	case SAME_ALL:
		return x->inode == y->inode && same_sk(x, y);
	case SAME_OVER:
		return x->inode == y->inode && x_over == y_over && y_over;
	case SAME:
		return x->inode == y->inode;
	case LOST_BY_SK:
		return same_sk(x, y) && is_lost(x, y);
	default:
		return same_sk(x, y) && is_gained(x, y);
	}
}

/* One table before and after; was[j] is the place in x of the row at place j of y. */
struct rows {
	const struct skt_snapshot *a;
	const struct skt_snapshot *b;
	const struct skt_table *x;
	const struct skt_table *y;
	uint32_t *was;
	bool *taken;
};

static const struct skt_sock *x_at(const struct rows *rows, size_t i)
{
	return &rows->a->socks[rows->x->order[i]];
}

static const struct skt_sock *y_at(const struct rows *rows, size_t j)
{
	return &rows->b->socks[rows->y->order[j]];
}

static void pair_in_order(struct rows *rows, enum rule rule)
{
	for (uint32_t j = 0; j < rows->y->n_rows; j++)
		for (uint32_t i = 0; i < rows->x->n_rows && rows->was[j] == NAIVE_NONE; i++)
			if (!rows->taken[i] && may_be_one(rule, x_at(rows, i), y_at(rows, j))) {
				rows->was[j] = i;
				rows->taken[i] = true;
			}
}

/* Those of which there is one on either side. */
static void pair_alone(struct rows *rows, bool (*becomes)(const struct skt_sock *, const struct skt_sock *))
{
	for (uint32_t j = 0; j < rows->y->n_rows; j++) {
		unsigned befores = 0, afters = 0;
		uint32_t found = NAIVE_NONE;

		if (rows->was[j] != NAIVE_NONE)
			continue;
		for (uint32_t i = 0; i < rows->x->n_rows; i++)
			if (!rows->taken[i] && same_ends(x_at(rows, i), y_at(rows, j)) &&
			    becomes(x_at(rows, i), y_at(rows, j))) {
				befores++;
				found = i;
			}
		if (befores != 1)
			continue;
		for (uint32_t k = 0; k < rows->y->n_rows; k++)
			afters += rows->was[k] == NAIVE_NONE && same_ends(x_at(rows, found), y_at(rows, k)) &&
				  becomes(x_at(rows, found), y_at(rows, k));
		if (afters != 1)
			continue;
		rows->was[j] = found;
		rows->taken[found] = true;
	}
}

static bool is_carried(const struct skt_sock *x, const struct skt_sock *y)
{
	return !y->inode && !y->n_owners && (x->owner == SKT_OWNER_HELD || x->owner == SKT_OWNER_CARRIED || x->n_last);
}

/* The row with those who held it last as its owners. */
static struct skt_sock held_last(const struct skt_sock *x)
{
	struct skt_sock row = *x;

	if (x->n_last) {
		row.first_owner = x->first_last;
		row.n_owners = x->n_last;
	}
	return row;
}

static bool same_owners(const struct work *work, const struct skt_sock *x, const struct skt_sock *y)
{
	if (x->n_owners != y->n_owners)
		return false;
	for (uint32_t i = 0; i < x->n_owners; i++) {
		const struct skt_owner *p = &work->a->owners[x->first_owner + i];
		const struct skt_owner *q = &work->b->owners[y->first_owner + i];

		if (p->fd != q->fd || work->to->process_was[q->process] != p->process)
			return false;
	}
	return true;
}

static int64_t read_lag(const struct skt_snapshot *s, const struct skt_table *table)
{
	int64_t lag = (int64_t)table->read_us * 1000;

	if (table->read_time > s->time)
		lag += table->read_time - s->time;
	return lag;
}

/*
 * Whether the countdown is where it was expected: a tick off, and as many as fit into the time until it was read, then
 * or now.
 */
static bool same_timer(const struct work *work, const struct skt_table *table, const struct skt_sock *x,
		       const struct skt_sock *y)
{
	const int64_t tick = 10000000;
	bool x_has = x->has & SKT_BIT(SKT_F_TIMER_MS), y_has = y->has & SKT_BIT(SKT_F_TIMER_MS);
	int64_t expected, column, slack = 1;
	int64_t was = read_lag(work->a, &work->a->tables[x->table]), lag = read_lag(work->b, table);

	if (!x_has || !y_has)
		return x_has == y_has;
	if (x->timer != y->timer || x->timer_expires == y->timer_expires)
		return x->timer == y->timer;
	if (was > lag)
		lag = was;
	/* no read takes that long: the clock was set */
	if (lag > 1000 * tick)
		lag = 1000 * tick;
	for (; lag > 0; lag -= tick)
		slack++;
	expected = x->timer_expires > work->b->boottime ? (x->timer_expires - work->b->boottime) / tick : 0;
	column = y->timer_expires > work->b->boottime ? (y->timer_expires - work->b->boottime) / tick : 0;
	return column - expected <= slack && expected - column <= slack;
}

static uint32_t sock_fields(const struct work *work, const struct skt_table *table, const struct skt_sock *x,
			    const struct skt_sock *y)
{
	bool carried = is_carried(x, y);
	unsigned owner = carried ? SKT_OWNER_CARRIED : y->owner, gaps = carried ? x->owner_gaps : y->owner_gaps;
	uint32_t fields = 0;

	fields |= x->state != y->state ? SKT_BIT(SKT_F_STATE) : 0;
	fields |= x->tx_queue != y->tx_queue ? SKT_BIT(SKT_F_TX_QUEUE) : 0;
	fields |= x->rx_queue != y->rx_queue ? SKT_BIT(SKT_F_RX_QUEUE) : 0;
	fields |= x->timer != y->timer ? SKT_BIT(SKT_F_TIMER) : 0;
	fields |= !same_timer(work, table, x, y) ? SKT_BIT(SKT_F_TIMER_MS) : 0;
	fields |= x->retransmits != y->retransmits ? SKT_BIT(SKT_F_RETRANSMITS) : 0;
	fields |= x->uid != y->uid ? SKT_BIT(SKT_F_UID) : 0;
	fields |= x->probes != y->probes ? SKT_BIT(SKT_F_PROBES) : 0;
	fields |= x->inode != y->inode ? SKT_BIT(SKT_F_INODE) : 0;
	fields |= x->ref != y->ref ? SKT_BIT(SKT_F_REF) : 0;
	fields |= x->sk != y->sk ? SKT_BIT(SKT_F_SK) : 0;
	fields |= x->rto != y->rto ? SKT_BIT(SKT_F_RTO) : 0;
	fields |= x->ato != y->ato ? SKT_BIT(SKT_F_ATO) : 0;
	fields |= x->quick != y->quick ? SKT_BIT(SKT_F_QUICK) : 0;
	fields |= x->cwnd != y->cwnd ? SKT_BIT(SKT_F_CWND) : 0;
	fields |= x->ssthresh != y->ssthresh ? SKT_BIT(SKT_F_SSTHRESH) : 0;
	fields |= x->drops != y->drops ? SKT_BIT(SKT_F_DROPS) : 0;
	fields |= !same_text(work, x->tail, y->tail) ? SKT_BIT(SKT_F_TAIL) : 0;
	fields |= !same_text(work, x->text, y->text) ? SKT_BIT(SKT_F_TEXT) : 0;
	fields |= x->owner != owner ? SKT_BIT(SKT_F_OWNER) : 0;
	fields |= x->owner_gaps != gaps ? SKT_BIT(SKT_F_OWNER_GAPS) : 0;
	fields |= (carried ? x->n_last != 0 : !same_owners(work, x, y)) ? SKT_BIT(SKT_F_OWNERS) : 0;
	fields |= x->has != y->has ? SKT_BIT(SKT_F_HAS) : 0;
	return fields;
}

/* It happened after the last good read of its table, and before the end of this one. */
static void add_change(struct work *work, uint8_t change, uint32_t old_slot, uint32_t now_slot, uint32_t fields,
		       const struct skt_table *x, const struct skt_table *y)
{
	struct naive_change *to = &work->to->changes[work->to->n_changes++];

	*to = (struct naive_change){
		.change = change,
		.old_slot = old_slot,
		.now_slot = now_slot,
		.fields = fields,
		.after = x ? x->read_time : INT64_MIN,
		.until = y ? y->read_time + (int64_t)y->read_us * 1000 : work->b->time,
	};
	/* who has not looked before cannot say since when it is there, nor that it came */
	if (change == SKT_CHANGED && (fields & (7u << SKT_F_OWNER)) == fields) {
		to->after = work->a->quality.checked_since ? work->a->quality.checked_since : INT64_MIN;
		to->until = work->b->end;
	}
	if (work->from_nothing || !x || x->status == SKT_TABLE_UNKNOWN) {
		to->after = INT64_MIN;
		if (change == SKT_OPENED)
			to->change = SKT_PRESENT;
	}
}

/* The fewest rows to put: those that opened, and the survivors outside the longest run that kept its order. */
static size_t fewest_puts(const struct rows *rows)
{
	size_t n = rows->y->n_rows, longest = 0;
	size_t *run = calloc(n + 1, sizeof(*run));

	must(run, "no memory");
	for (size_t j = 0; j < n; j++) {
		if (rows->was[j] == NAIVE_NONE)
			continue;
		run[j] = 1;
		for (size_t k = 0; k < j; k++)
			if (rows->was[k] != NAIVE_NONE && rows->was[k] < rows->was[j] && run[k] + 1 > run[j])
				run[j] = run[k] + 1;
		longest = run[j] > longest ? run[j] : longest;
	}
	free(run);
	return n - longest;
}

static void find_rows(struct work *work, const struct skt_table *x, const struct skt_table *y)
{
	static const struct skt_table nothing;
	struct rows rows = { .a = work->a, .b = work->b, .x = x ? x : &nothing, .y = y };

	rows.was = new_slots(y->n_rows);
	rows.taken = calloc(rows.x->n_rows + 1, sizeof(bool));
	must(rows.taken, "no memory");
	for (int rule = 0; rule < RULES; rule++)
		pair_in_order(&rows, (enum rule)rule);
	pair_alone(&rows, is_lost);
	pair_alone(&rows, is_gained);
	for (uint32_t i = 0; i < rows.x->n_rows; i++)
		if (!rows.taken[i])
			add_change(work, SKT_CLOSED, rows.x->order[i], NAIVE_NONE, 0, x, y);
	for (uint32_t j = 0; j < y->n_rows; j++) {
		uint32_t fields;

		if (rows.was[j] == NAIVE_NONE) {
			add_change(work, SKT_OPENED, NAIVE_NONE, y->order[j], 0, x, y);
			continue;
		}
		work->to->sock_was[y->order[j]] = rows.x->order[rows.was[j]];
		fields = sock_fields(work, y, x_at(&rows, rows.was[j]), y_at(&rows, j));
		if (fields)
			add_change(work, SKT_CHANGED, rows.x->order[rows.was[j]], y->order[j], fields, x, y);
	}
	work->to->puts += fewest_puts(&rows);
	free(rows.was);
	free(rows.taken);
}

static const struct skt_table *find_table(const struct skt_snapshot *in, const struct skt_table *like)
{
	for (size_t i = 0; i < in->n_tables; i++)
		if (!in->tables[i].gone && in->tables[i].kind == like->kind &&
		    in->tables[i].net_namespace == like->net_namespace)
			return &in->tables[i];
	return NULL;
}

static void find_socks(struct work *work)
{
	struct naive *to = work->to;

	to->changes = calloc(work->a->n_socks + work->b->n_socks + 1, sizeof(*to->changes));
	must(to->changes, "no memory");
	for (size_t i = 0; i < work->a->n_tables; i++) {
		const struct skt_table *x = &work->a->tables[i];

		if (!x->gone && !find_table(work->b, x))
			for (size_t k = 0; k < x->n_rows; k++)
				add_change(work, SKT_LOST, x->order[k], NAIVE_NONE, 0, x, NULL);
	}
	for (size_t j = 0; j < work->b->n_tables; j++) {
		const struct skt_table *y = &work->b->tables[j], *x = find_table(work->a, y);

		if (y->gone)
			continue;
		to->table_was[j] = x ? (uint32_t)(x - work->a->tables) : NAIVE_NONE;
		if (!x || y->status != SKT_TABLE_UNKNOWN)
			find_rows(work, x, y);
	}
}

/* --- the snapshot that it leads to --- */

static uint32_t copy_text(struct work *work, const struct skt_strtab *from, uint32_t id)
{
	size_t len;
	const char *text = skt_strtab_get(from, id, &len);
	uint32_t copy;

	must(!skt_strtab_add(work->to->completed.strings, text, len, &copy), "no string");
	return copy;
}

static uint32_t copy_process(struct work *work, const struct skt_snapshot *from, struct skt_process process)
{
	uint32_t slot;

	process.comm = copy_text(work, from->strings, process.comm);
	process.exe = copy_text(work, from->strings, process.exe);
	process.cmdline = copy_text(work, from->strings, process.cmdline);
	process.cgroup = copy_text(work, from->strings, process.cgroup);
	must(!skt_snapshot_add_process(&work->to->completed, &process, &slot), "no process");
	return slot;
}

/* Give a process of completed back what it lost. */
static void complete_process(struct work *work, uint32_t slot, const struct skt_process *x, const struct skt_process *y)
{
	uint32_t lost = lost_fields(x, y), exe, cmdline;
	struct skt_process *process;

	exe = copy_text(work, work->a->strings, x->exe);
	cmdline = copy_text(work, work->a->strings, x->cmdline);
	process = &work->to->completed.processes[slot];
	process->has |= lost;
	if (lost & SKT_BIT(SKT_P_EXE)) {
		process->exe = exe;
		process->exe_deleted = x->exe_deleted;
	}
	if (lost & SKT_BIT(SKT_P_CMDLINE)) {
		process->cmdline = cmdline;
		process->cmdline_truncated = x->cmdline_truncated;
	}
	if (lost & SKT_BIT(SKT_P_NET_NAMESPACE))
		process->net_namespace = x->net_namespace;
}

/* The process of a that a row of a is held by: as b knows it, or exited. */
static uint32_t old_holder(struct work *work, uint32_t slot)
{
	if (work->process_of_a[slot] == NAIVE_NONE) {
		struct skt_process process = work->a->processes[slot];

		process.exited = true;
		work->process_of_a[slot] = copy_process(work, work->a, process);
	}
	return work->process_of_a[slot];
}

/* A row with its columns from one snapshot and its owners from the same or another. */
static void copy_row(struct work *work, uint32_t table, const struct skt_snapshot *from, const struct skt_sock *row,
		     const struct skt_snapshot *holders, const struct skt_sock *held)
{
	struct skt_sock sock = *row;
	uint32_t slot, first = (uint32_t)work->to->completed.n_owners;

	sock.table = table;
	sock.tail = copy_text(work, from->strings, sock.tail);
	sock.text = copy_text(work, from->strings, sock.text);
	for (uint32_t i = 0; i < held->n_owners; i++) {
		struct skt_owner owner = holders->owners[held->first_owner + i];
		uint32_t at;

		owner.process =
			holders == work->a ? old_holder(work, owner.process) : work->process_of_b[owner.process];
		must(!skt_snapshot_add_owners(&work->to->completed, &owner, 1, &at), "no owner");
	}
	sock.first_owner = first;
	sock.n_owners = held->n_owners;
	must(!skt_snapshot_add_sock(&work->to->completed, &sock, &slot), "no row");
}

static uint32_t copy_table(struct work *work, const struct skt_snapshot *from, struct skt_table table)
{
	struct skt_snapshot *to = &work->to->completed;
	uint32_t slot;

	table.heading = copy_text(work, from->strings, table.heading);
	must(!skt_snapshot_add_table(to, &table, &slot), "no table");
	for (size_t i = 0; i < table.n_raw; i++)
		must(!skt_table_add_raw(&to->tables[slot], table.raw[i].before,
					copy_text(work, from->strings, table.raw[i].text)),
		     "no line");
	return slot;
}

/* What could not be read this time is what it was, and stale; its lines are those that were read now, if some were. */
static void keep_table(struct work *work, const struct skt_table *x, const struct skt_table *y)
{
	bool lines = y->n_raw || (y->heading && !same_text(work, x->heading, y->heading));
	struct skt_table table = lines ? *y : *x;
	uint32_t slot;

	table.status = x->status == SKT_TABLE_UNKNOWN ? SKT_TABLE_UNKNOWN : SKT_TABLE_STALE;
	table.error = y->error;
	table.read_time = x->read_time;
	table.read_us = x->read_us;
	table.duplicates = x->duplicates;
	slot = copy_table(work, lines ? work->b : work->a, table);
	for (size_t i = 0; i < x->n_rows; i++) {
		const struct skt_sock *row = &work->a->socks[x->order[i]];

		copy_row(work, slot, work->a, row, work->a, row);
	}
}

static void complete_table(struct work *work, const struct skt_table *y)
{
	uint32_t slot = copy_table(work, work->b, *y);

	for (size_t j = 0; j < y->n_rows; j++) {
		struct skt_sock row = work->b->socks[y->order[j]];
		uint32_t was = work->to->sock_was[y->order[j]];
		const struct skt_sock *x = was == NAIVE_NONE ? NULL : &work->a->socks[was];

		if (x && is_carried(x, &row)) {
			row.owner = SKT_OWNER_CARRIED;
			row.owner_gaps = x->owner_gaps;
			struct skt_sock last = held_last(x);

			copy_row(work, slot, work->b, &row, work->a, &last);
		} else {
			copy_row(work, slot, work->b, &row, work->b, &row);
		}
	}
}

static void complete_users(struct work *work, const struct skt_snapshot *from)
{
	for (size_t i = 0; i < from->n_users; i++)
		must(!skt_snapshot_add_user(&work->to->completed, from->users[i].uid,
					    copy_text(work, from->strings, from->users[i].name)),
		     "no user");
}

static void complete(struct work *work)
{
	const struct skt_snapshot *b = work->b;
	struct skt_snapshot *to = &work->to->completed;

	must(!skt_snapshot_init(to, NULL, 99), "no memory");
	to->number = b->number;
	to->time = b->time;
	to->end = b->end;
	to->boottime = b->boottime;
	to->missed = b->missed;
	to->quality = b->quality;
	complete_users(work, work->a);
	complete_users(work, b);
	for (uint32_t j = 0; j < b->n_processes; j++) {
		if (!skt_process_is_listed(&b->processes[j]))
			continue;
		work->process_of_b[j] = copy_process(work, b, b->processes[j]);
		if (work->to->process_was[j] == NAIVE_NONE)
			continue;
		work->process_of_a[work->to->process_was[j]] = work->process_of_b[j];
		complete_process(work, work->process_of_b[j], &work->a->processes[work->to->process_was[j]],
				 &b->processes[j]);
	}
	for (size_t j = 0; j < b->n_tables; j++) {
		const struct skt_table *y = &b->tables[j], *x = find_table(work->a, y);

		if (y->gone)
			continue;
		if (x && y->status == SKT_TABLE_UNKNOWN)
			keep_table(work, x, y);
		else
			complete_table(work, y);
	}
	must(!skt_snapshot_order(to), "no memory");
}

void naive_find(const struct skt_snapshot *a, const struct skt_snapshot *b, bool from_nothing, struct naive *ret)
{
	struct work work = { .a = a, .b = b, .from_nothing = from_nothing, .to = ret };

	memset(ret, 0, sizeof(*ret));
	ret->sock_was = new_slots(b->n_socks);
	ret->process_was = new_slots(b->n_processes);
	ret->table_was = new_slots(b->n_tables);
	work.process_of_a = new_slots(a->n_processes);
	work.process_of_b = new_slots(b->n_processes);
	pair_processes(&work, false, false);
	pair_processes(&work, true, true);
	pair_processes(&work, false, true);
	find_process_changes(&work);
	find_socks(&work);
	complete(&work);
	free(work.process_of_a);
	free(work.process_of_b);
}

void naive_release(struct naive *naive)
{
	skt_snapshot_release(&naive->completed);
	free(naive->sock_was);
	free(naive->process_was);
	free(naive->table_was);
	free(naive->changes);
	free(naive->process_changes);
}

/* --- the comparison --- */

struct comparison {
	const struct naive *naive;
	const struct skt_snapshot *a; /* after the step */
	const struct skt_snapshot *b;
	const struct skt_step *step;
	const struct skt_sock *socks_before; /* a's, before the step */
	const struct skt_process *processes_before;
	size_t n_socks_before;
	char *why;
	size_t why_size;
};

static bool wrong(const struct comparison *is, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool wrong(const struct comparison *is, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(is->why, is->why_size, format, args);
	va_end(args);
	return false;
}

/* The slot in a that each row of b came to be in, by its place in the order; NAIVE_NONE for rows that did not come. */
static uint32_t *slots_of_b(const struct comparison *is)
{
	uint32_t *slots = new_slots(is->b->n_socks);

	for (size_t j = 0; j < is->b->n_tables; j++) {
		const struct skt_table *y = &is->b->tables[j], *x = y->gone ? NULL : find_table(is->a, y);

		if (!x || (y->status == SKT_TABLE_UNKNOWN && is->naive->table_was[j] != NAIVE_NONE))
			continue;
		for (size_t k = 0; k < y->n_rows; k++)
			slots[y->order[k]] = x->order[k];
	}
	return slots;
}

static bool same_pairs(const struct comparison *is, const uint32_t *slots)
{
	for (uint32_t j = 0; j < is->b->n_socks; j++) {
		uint32_t was = is->naive->sock_was[j], slot = slots[j];

		if (slot == NAIVE_NONE)
			continue;
		if (was == NAIVE_NONE ? slot < is->n_socks_before : slot != was)
			return wrong(is, "row %u came to be in slot %u and was in %d", j, slot, (int)was);
	}
	return true;
}

/* One and the same row, and not one that looks like it. */
static bool is_sock(const struct skt_sock *p, const struct skt_sock *q)
{
	return p->table == q->table && same_ends(p, q) && !skt_sock_compare(p, q) &&
	       p->timer_expires == q->timer_expires && p->first_owner == q->first_owner && p->n_owners == q->n_owners;
}

static bool is_process(const struct skt_process *p, const struct skt_process *q)
{
	return p->pid == q->pid && !skt_process_compare(p, q);
}

static bool same_change(const struct comparison *is, const struct naive_change *wanted,
			const struct skt_sock_change *found, uint32_t slot)
{
	static const struct skt_sock none;
	const struct skt_sock *before = wanted->old_slot == NAIVE_NONE ? &none : &is->socks_before[wanted->old_slot];

	if (found->change != wanted->change)
		return wrong(is, "slot %u is %s, not %s", slot, skt_change_name(found->change),
			     skt_change_name(wanted->change));
	if (found->fields != wanted->fields)
		return wrong(is, "slot %u changed in %#x, not %#x", slot, found->fields, wanted->fields);
	if (found->after != wanted->after || found->until != wanted->until)
		return wrong(is, "slot %u changed between %lld and %lld, not %lld and %lld", slot,
			     (long long)found->after, (long long)found->until, (long long)wanted->after,
			     (long long)wanted->until);
	if (!is_sock(&found->before, before))
		return wrong(is, "slot %u was not that before", slot);
	if (wanted->now_slot != NAIVE_NONE && !is_sock(&found->now, &is->a->socks[slot]))
		return wrong(is, "slot %u is not that now", slot);
	return true;
}

static bool same_changes(const struct comparison *is, const uint32_t *slots)
{
	if (is->step->n_socks != is->naive->n_changes)
		return wrong(is, "%zu changes, not %zu", is->step->n_socks, is->naive->n_changes);
	for (size_t i = 0; i < is->naive->n_changes; i++) {
		const struct naive_change *wanted = &is->naive->changes[i];
		uint32_t slot = wanted->old_slot != NAIVE_NONE ? wanted->old_slot : slots[wanted->now_slot];
		size_t k = 0;

		while (k < is->step->n_socks && is->step->socks[k].slot != slot)
			k++;
		if (k == is->step->n_socks)
			return wrong(is, "slot %u is not %s", slot, skt_change_name(wanted->change));
		if (!same_change(is, wanted, &is->step->socks[k], slot))
			return false;
	}
	return true;
}

static const struct skt_process_change *find_process_change(const struct comparison *is,
							    const struct naive_process_change *wanted)
{
	for (size_t k = 0; k < is->step->n_processes; k++) {
		const struct skt_process_change *found = &is->step->processes[k];
		bool appeared = wanted->old_slot == NAIVE_NONE && found->change == SKT_PROCESS_APPEARED &&
				found->now.pid == is->b->processes[wanted->now_slot].pid &&
				found->now.start_time == is->b->processes[wanted->now_slot].start_time &&
				found->now.exited == is->b->processes[wanted->now_slot].exited;

		if (appeared || (wanted->old_slot != NAIVE_NONE && found->slot == wanted->old_slot))
			return found;
	}
	return NULL;
}

static bool same_process_changes(const struct comparison *is)
{
	if (is->step->n_processes != is->naive->n_process_changes)
		return wrong(is, "%zu process changes, not %zu", is->step->n_processes, is->naive->n_process_changes);
	for (size_t i = 0; i < is->naive->n_process_changes; i++) {
		const struct naive_process_change *wanted = &is->naive->process_changes[i];
		const struct skt_process_change *found = find_process_change(is, wanted);
		static const struct skt_process none;
		const struct skt_process *before = &none;

		if (!found)
			return wrong(is, "no process is %s", skt_process_change_name(wanted->change));
		if (wanted->old_slot != NAIVE_NONE)
			before = &is->processes_before[wanted->old_slot];
		if (found->change != wanted->change || found->fields != wanted->fields)
			return wrong(is, "process slot %u is %s in %#x, not %s in %#x", found->slot,
				     skt_process_change_name(found->change), found->fields,
				     skt_process_change_name(wanted->change), wanted->fields);
		if (!is_process(&found->before, before))
			return wrong(is, "process slot %u was not that before", found->slot);
		if (!is_process(&found->now, &is->a->processes[found->slot]))
			return wrong(is, "process slot %u is not that now", found->slot);
	}
	return true;
}

static int64_t column(int64_t expires, int64_t boottime)
{
	return expires > boottime ? (expires - boottime) / 10000000 : 0;
}

/* The whole ms nearest to where it was at which the column is what was read: found by walking there. */
static bool same_pull(const struct comparison *is, const struct skt_timer_off *timer)
{
	const int64_t ms = 1000000, boottime = is->b->boottime;
	int64_t was = is->socks_before[timer->slot].timer_expires, at = was - was % ms;
	int64_t read = column(was, boottime) + timer->off, found = is->a->socks[timer->slot].timer_expires;

	while (column(at, boottime) < read)
		at += ms;
	while (column(at, boottime) > read)
		at -= ms;
	if (!timer->off || timer->before != was || found != at)
		return wrong(is, "the timer of slot %u is %d ticks off and comes from %lld to %lld, not %lld",
			     timer->slot, timer->off, (long long)timer->before, (long long)found, (long long)at);
	return true;
}

/* Instants move where a step says so, and nowhere else. */
static bool same_timers(const struct comparison *is)
{
	bool *told = calloc(is->a->n_socks + 1, sizeof(*told));
	bool good = true;

	must(told, "no memory");
	for (size_t i = 0; good && i < is->step->n_timers; i++) {
		good = same_pull(is, &is->step->timers[i]);
		told[is->step->timers[i].slot] = true;
	}
	for (size_t i = 0; i < is->step->n_socks; i++)
		if (is->step->socks[i].change != SKT_CHANGED || is->step->socks[i].fields & SKT_BIT(SKT_F_TIMER_MS))
			told[is->step->socks[i].slot] = true;
	for (uint32_t slot = 0; good && slot < is->n_socks_before; slot++)
		if (!told[slot] && is->a->socks[slot].timer_expires != is->socks_before[slot].timer_expires)
			good = wrong(is, "the timer of slot %u has moved", slot);
	free(told);
	return good;
}

/*
 * A table is told of only when it says something else; where a's old words are those of b, that is read_time at least.
 */
static bool step_is_short(const struct comparison *is)
{
	if (is->step->n_puts != is->naive->puts)
		return wrong(is, "%zu rows are put, not %zu", is->step->n_puts, is->naive->puts);
	return same_timers(is);
}

static bool compare(struct comparison *is)
{
	uint32_t *slots;
	bool good;

	if (!skt_snapshot_equal(&is->naive->completed, is->a, is->why, is->why_size) ||
	    !scene_is_whole(is->a, is->why, is->why_size))
		return false;
	slots = slots_of_b(is);
	good = same_pairs(is, slots) && same_changes(is, slots) && same_process_changes(is) && step_is_short(is);
	free(slots);
	return good;
}

static void *copy_of(const void *items, size_t size)
{
	void *copy = malloc(size + 1);

	must(copy, "no memory");
	if (size)
		memcpy(copy, items, size);
	return copy;
}

static bool take_step(struct skt_matcher *matcher, struct skt_snapshot *a, const struct skt_snapshot *b,
		      bool from_nothing, struct skt_step *step, struct comparison *is)
{
	struct skt_snapshot untouched;
	struct skt_err err;
	bool good;
	int rc;

	must(!skt_snapshot_copy(a, &untouched), "no copy");
	rc = skt_match(matcher, a, b, from_nothing, step);
	good = !rc || wrong(is, "match: %s", strerror(-rc));
	if (good &&
	    (!skt_snapshot_equal(&untouched, a, is->why, is->why_size) || !scene_is_whole(a, is->why, is->why_size)))
		good = false;
	skt_snapshot_release(&untouched);
	skt_err_init(&err);
	rc = good ? skt_apply(a, step, &err) : 0;
	return rc ? wrong(is, "apply: %s", err.message) : good;
}

bool naive_agrees(struct skt_matcher *matcher, struct skt_snapshot *a, const struct skt_snapshot *b, bool from_nothing,
		  struct skt_step *step, char *why, size_t why_size)
{
	void *socks = copy_of(a->socks, a->n_socks * sizeof(*a->socks));
	void *processes = copy_of(a->processes, a->n_processes * sizeof(*a->processes));
	struct naive naive;
	struct comparison is = {
		.naive = &naive,
		.a = a,
		.b = b,
		.step = step,
		.socks_before = socks,
		.processes_before = processes,
		.n_socks_before = a->n_socks,
		.why = why,
		.why_size = why_size,
	};
	bool good;

	naive_find(a, b, from_nothing, &naive);
	good = take_step(matcher, a, b, from_nothing, step, &is) && compare(&is);
	naive_release(&naive);
	free(socks);
	free(processes);
	return good;
}
