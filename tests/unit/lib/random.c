/* SPDX-License-Identifier: MIT */
#include "random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

/* splitmix64, by Sebastiano Vigna */
uint64_t random_bits(struct random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint32_t random_below(struct random *random, uint32_t n)
{
	return (uint32_t)(random_bits(random) % n);
}

bool random_one_in(struct random *random, uint32_t n)
{
	return !random_below(random, n);
}

void random_shuffle(struct random *random, uint32_t *items, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		uint32_t j = random_below(random, (uint32_t)i);
		uint32_t item = items[i - 1];

		items[i - 1] = items[j];
		items[j] = item;
	}
}

enum { OWNERS_MAX = 4 };

/* The snapshot being made, and the one it follows. */
struct making {
	struct random *random;
	const struct random_world *world;
	const struct skt_snapshot *before;
	struct skt_snapshot *now;
	uint32_t *process_now; /* for each process of before its slot in now, or UINT32_MAX */
	uint32_t *live;	       /* slots of now's processes */
	uint32_t n_live;
};

/* A row to be: the rows of a table are listed first and added in their order last. */
struct draft {
	struct skt_sock sock;
	struct skt_owner owners[OWNERS_MAX];
	uint32_t n_owners;
};

static void must(int rc)
{
	if (!rc)
		return;
	fprintf(stderr, "random: %s\n", strerror(-rc));
	abort();
}

static void *room(size_t n, size_t size)
{
	void *memory = calloc(n + 1, size);

	must(memory ? 0 : -12);
	return memory;
}

static uint32_t below(struct making *making, uint32_t n)
{
	return random_below(making->random, n);
}

static bool one_in(struct making *making, uint32_t n)
{
	return random_one_in(making->random, n);
}

static uint32_t add_string(struct making *making, const char *text, size_t len)
{
	uint32_t id;

	must(skt_strtab_add(making->now->strings, text, len, &id));
	return id;
}

static uint32_t new_string(struct making *making, const char *what, uint32_t n)
{
	char text[64];

	snprintf(text, sizeof(text), "%s-%u", what, below(making, n));
	/* argv has NUL in it */
	if (one_in(making, 4))
		text[strlen(what)] = '\0';
	return add_string(making, text, strlen(what) + 2);
}

static uint32_t same_string(struct making *making, uint32_t id)
{
	size_t len;
	const char *text = skt_strtab_get(making->before->strings, id, &len);
	char copy[128];

	/* the two tables may be one, and then an add may move the bytes */
	must(len < sizeof(copy) ? 0 : -7);
	memcpy(copy, text, len);
	return add_string(making, copy, len);
}

/* --- processes --- */

static void change_process(struct making *making, struct skt_process *process)
{
	switch (below(making, 10)) {
	case 0:
		process->ppid = below(making, 5);
		break;
	case 1:
		process->uid = below(making, 5);
		break;
	case 2:
		process->comm = new_string(making, "comm", 4);
		break;
	case 3:
		process->exe = new_string(making, "exe", 4);
		process->cmdline = new_string(making, "cmdline", 4);
		break;
	case 4:
		process->exe_deleted = !process->exe_deleted;
		break;
	case 5:
		process->cmdline_truncated = !process->cmdline_truncated;
		break;
	case 6:
		process->cgroup = new_string(making, "cgroup", 3);
		break;
	case 7:
		process->net_namespace = below(making, 3);
		break;
	case 8:
		process->threads = below(making, 4);
		process->state = (uint8_t) "RSDZ"[below(making, 4)];
		break;
	default:
		process->has ^= SKT_BIT(below(making, SKT_P_START_TIME));
		break;
	}
}

static uint32_t add_process(struct making *making, const struct skt_process *process)
{
	uint32_t slot;

	must(skt_snapshot_add_process(making->now, process, &slot));
	making->live[making->n_live++] = slot;
	return slot;
}

static void new_process(struct making *making, uint32_t pid)
{
	struct skt_process process = {
		.pid = pid,
		.ppid = 1,
		.start_time = random_bits(making->random) % 1000000,
		.comm = new_string(making, "comm", 4),
		.exe = new_string(making, "exe", 4),
		.cmdline = new_string(making, "cmdline", 4),
		.threads = 1,
		.state = 'S',
		.has = SKT_BIT(SKT_P_EXITED) - 1,
	};

	add_process(making, &process);
}

/* Whether the snapshot before has the identity twice: once exited, and once come back. */
static bool is_twice(struct making *making, const struct skt_process *process)
{
	unsigned n = 0;

	for (size_t i = 0; i < making->before->n_processes; i++) {
		const struct skt_process *other = &making->before->processes[i];

		n += skt_process_is_listed(other) && other->pid == process->pid &&
		     other->start_time == process->start_time;
	}
	return n > 1;
}

static void follow_process(struct making *making, uint32_t slot)
{
	struct skt_process process = making->before->processes[slot];
	bool twice = is_twice(making, &process);

	if (process.exited && (twice || !one_in(making, 8)))
		return;
	if (!process.exited && one_in(making, 8)) {
		if (one_in(making, 3))
			new_process(making, process.pid);
		return;
	}
	process.comm = same_string(making, process.comm);
	process.exe = same_string(making, process.exe);
	process.cmdline = same_string(making, process.cmdline);
	process.cgroup = same_string(making, process.cgroup);
	process.exited = false;
	/* two that exited under one identity could not be told apart if they differed */
	if (!twice && !making->before->processes[slot].exited && one_in(making, 4))
		change_process(making, &process);
	making->process_now[slot] = add_process(making, &process);
}

static void make_processes(struct making *making)
{
	const struct skt_snapshot *before = making->before;
	uint32_t *order = room(before->n_processes, sizeof(*order));
	uint32_t more = before->n_processes ? below(making, 3) : 3 + below(making, 6);

	for (uint32_t i = 0; i < before->n_processes; i++) {
		order[i] = i;
		making->process_now[i] = UINT32_MAX;
	}
	if (one_in(making, 4))
		random_shuffle(making->random, order, before->n_processes);
	for (size_t i = 0; i < before->n_processes; i++)
		if (skt_process_is_listed(&before->processes[order[i]]))
			follow_process(making, order[i]);
	for (; more; more--)
		new_process(making, 2 + below(making, 40));
	free(order);
}

/* --- rows --- */

static uint64_t some_sk(struct making *making)
{
	if (making->world->sk_hidden)
		return 0;
	return one_in(making, 3) ? below(making, 4) : random_bits(making->random);
}

static uint64_t some_inode(struct making *making)
{
	return one_in(making, 8) ? UINT64_C(1) << 40 : 1 + below(making, one_in(making, 2) ? 6 : 5000);
}

static bool is_tcp(const struct making *making, uint32_t table)
{
	return skt_table_kind_is_tcp(making->now->tables[table].kind);
}

static uint8_t some_state(struct making *making, uint32_t table)
{
	if (!is_tcp(making, table))
		return one_in(making, 3) ? SKT_ESTABLISHED : SKT_CLOSE;
	return (uint8_t)(1 + below(making, SKT_STATES - 1));
}

/* States that a row without an inode may be in, after its last holder closed it. */
static uint8_t orphan_state(struct making *making, uint32_t table)
{
	static const uint8_t states[] = { SKT_FIN_WAIT1, SKT_FIN_WAIT2, SKT_TIME_WAIT, SKT_TIME_WAIT,
					  SKT_LAST_ACK,	 SKT_CLOSING,	SKT_CLOSE };

	return is_tcp(making, table) ? states[below(making, sizeof(states))] : SKT_CLOSE;
}

static void set_timer(struct making *making, struct skt_sock *sock, uint64_t ticks)
{
	sock->timer = (uint8_t)(ticks || one_in(making, 3) ? 1 + below(making, 4) : 0);
	skt_sock_set_ticks(sock, ticks, making->now->boottime);
}

/* The countdown went on, was read early or late, was armed anew, or ended. */
static void follow_timer(struct making *making, struct skt_sock *sock)
{
	int64_t ticks = (int64_t)skt_sock_ticks(sock, making->now->boottime);
	uint8_t timer = sock->timer;

	if (!skt_sock_has(sock, SKT_F_TIMER_MS)) {
		if (one_in(making, 6))
			set_timer(making, sock, below(making, 2000));
		return;
	}
	if (one_in(making, 8)) {
		set_timer(making, sock, one_in(making, 2) ? 0 : below(making, 10000));
		return;
	}
	ticks += (int64_t)below(making, 9) - 4;
	if (one_in(making, 6))
		ticks += (int64_t)below(making, 60) - 30;
	sock->timer = timer;
	skt_sock_set_ticks(sock, ticks > 0 ? (uint64_t)ticks : 0, making->now->boottime);
}

static void fill_optional(struct making *making, struct skt_sock *sock, uint32_t has)
{
	sock->has = (sock->has & SKT_BIT(SKT_F_TIMER_MS)) | has;
	sock->ref = has & SKT_BIT(SKT_F_REF) ? (int32_t)below(making, 4) : 0;
	sock->rto = has & SKT_BIT(SKT_F_RTO) ? 20 + below(making, 3) : 0;
	sock->ato = has & SKT_BIT(SKT_F_ATO) ? 4 + below(making, 3) : 0;
	sock->quick = has & SKT_BIT(SKT_F_QUICK) ? below(making, 3) : 0;
	sock->cwnd = has & SKT_BIT(SKT_F_CWND) ? 10 + below(making, 3) : 0;
	sock->ssthresh = has & SKT_BIT(SKT_F_SSTHRESH) ? -1 : 0;
	sock->drops = has & SKT_BIT(SKT_F_DROPS) ? below(making, 3) : 0;
	sock->tail = has & SKT_BIT(SKT_F_TAIL) ? new_string(making, "tail", 3) : 0;
	sock->text = has & SKT_BIT(SKT_F_TEXT) ? new_string(making, "text", 3) : 0;
}

static void change_field(struct making *making, struct skt_sock *sock)
{
	switch (below(making, 12)) {
	case 0:
		sock->tx_queue = below(making, 100);
		break;
	case 1:
		sock->rx_queue = below(making, 100);
		break;
	case 2:
		sock->retransmits = below(making, 5);
		break;
	case 3:
		sock->probes = (int32_t)below(making, 5) - 2;
		break;
	case 4:
		sock->uid = below(making, 4);
		break;
	case 5:
		sock->sk = some_sk(making);
		break;
	case 6:
		sock->owner_gaps = (uint8_t)below(making, SKT_GAPS_ALL + 1);
		break;
	case 7:
		sock->owner = (uint8_t)below(making, SKT_OWNER_STATES);
		break;
	case 8:
		if (sock->state != SKT_TIME_WAIT)
			sock->state = some_state(making, sock->table);
		break;
	case 9:
		sock->timer = (uint8_t)below(making, 5);
		break;
	default:
		fill_optional(making, sock,
			      (uint32_t)random_bits(making->random) & SKT_OPTIONAL & ~SKT_BIT(SKT_F_TIMER_MS));
		break;
	}
}

static void add_owner(struct making *making, struct draft *draft)
{
	if (draft->n_owners == OWNERS_MAX || !making->n_live)
		return;
	draft->owners[draft->n_owners++] = (struct skt_owner){
		.process = making->live[below(making, making->n_live)],
		.fd = (int32_t)below(making, 20),
	};
}

static void change_owners(struct making *making, struct draft *draft)
{
	struct skt_owner owner;

	switch (below(making, 4)) {
	case 0:
		add_owner(making, draft);
		break;
	case 1:
		if (draft->n_owners)
			draft->n_owners--;
		break;
	case 2:
		if (draft->n_owners)
			draft->owners[0].fd++;
		break;
	default:
		if (draft->n_owners < 2)
			break;
		owner = draft->owners[0];
		draft->owners[0] = draft->owners[1];
		draft->owners[1] = owner;
		break;
	}
}

/* What capture says of the holders it found; now and then it says what only a recording would. */
static void settle_owner(struct making *making, struct draft *draft)
{
	static const uint8_t without[] = { SKT_OWNER_UNKNOWN, SKT_OWNER_UNHELD, SKT_OWNER_QUEUED };
	static const uint8_t without_inode[] = { SKT_OWNER_UNKNOWN, SKT_OWNER_QUEUED, SKT_OWNER_DETACHED,
						 SKT_OWNER_DETACHED };

	if (one_in(making, 30)) {
		draft->sock.owner = SKT_OWNER_CARRIED;
		return;
	}
	if (!draft->sock.inode && !one_in(making, 30))
		draft->n_owners = 0;
	if (draft->n_owners)
		draft->sock.owner = SKT_OWNER_HELD;
	else if (draft->sock.inode)
		draft->sock.owner = without[below(making, sizeof(without))];
	else
		draft->sock.owner = without_inode[below(making, sizeof(without_inode))];
}

static void new_row(struct making *making, uint32_t table, struct draft *draft)
{
	static const uint16_t ports[] = { 22, 80, 443, 0, 51000, 51001, 51002 };
	struct skt_sock *sock = &draft->sock;
	uint32_t has = SKT_BIT(SKT_F_REF) | (making->world->sk_hidden ? 0 : SKT_BIT(SKT_F_SK));

	memset(draft, 0, sizeof(*draft));
	sock->table = table;
	sock->local_port = ports[below(making, 7)];
	sock->remote_port = one_in(making, 3) ? (uint16_t)random_bits(making->random) : ports[below(making, 7)];
	sock->local_address[0] = 10;
	sock->local_address[3] = (uint8_t)(1 + below(making, 2));
	sock->remote_address[skt_table_kind_is_ipv6(making->now->tables[table].kind) ? 15 : 3] =
		(uint8_t)below(making, 3);
	sock->state = some_state(making, table);
	sock->inode = sock->state == SKT_TIME_WAIT || one_in(making, 4) ? 0 : some_inode(making);
	sock->sk = some_sk(making);
	sock->uid = below(making, 3);
	fill_optional(making, sock, one_in(making, 3) ? has | SKT_BIT(SKT_F_DROPS) | SKT_BIT(SKT_F_TAIL) : has);
	if (one_in(making, 3))
		set_timer(making, sock, below(making, 3000));
	while (one_in(making, 2))
		add_owner(making, draft);
	settle_owner(making, draft);
}

/* The row of before as it would be read now, if nothing happened to it. */
static void same_row(struct making *making, uint32_t table, const struct skt_sock *was, struct draft *draft)
{
	memset(draft, 0, sizeof(*draft));
	draft->sock = *was;
	draft->sock.table = table;
	draft->sock.listed = false;
	draft->sock.tail = same_string(making, was->tail);
	draft->sock.text = same_string(making, was->text);
	draft->sock.n_owners = 0;
	for (uint32_t i = 0; i < was->n_owners && i < OWNERS_MAX; i++) {
		struct skt_owner owner = making->before->owners[was->first_owner + i];

		owner.process = making->process_now[owner.process];
		if (owner.process != UINT32_MAX)
			draft->owners[draft->n_owners++] = owner;
	}
	follow_timer(making, &draft->sock);
}

/* What became of a row: none, one, or several rows of the same ends. Returns how many. */
static size_t follow_row(struct making *making, uint32_t table, const struct skt_sock *was, struct draft drafts[3])
{
	struct draft *draft = &drafts[0];
	size_t n = 1;

	if (one_in(making, 10))
		return 0;
	same_row(making, table, was, draft);
	while (one_in(making, 4))
		change_field(making, &draft->sock);
	if (one_in(making, 6))
		change_owners(making, draft);
	if (draft->sock.inode && one_in(making, 10)) {
		draft->sock.inode = 0;
		draft->sock.state = orphan_state(making, table);
		draft->sock.sk = one_in(making, 2) ? draft->sock.sk : some_sk(making);
	} else if (!draft->sock.inode && one_in(making, 6)) {
		draft->sock.inode = some_inode(making);
		draft->sock.sk = one_in(making, 2) ? draft->sock.sk : some_sk(making);
	} else if (one_in(making, 20)) {
		draft->sock.inode = some_inode(making);
	}
	settle_owner(making, draft);
	/* another with the same ends: a twin, a rival, a new connection beside TIME_WAIT */
	while (n < 3 && one_in(making, 12)) {
		drafts[n] = *draft;
		drafts[n].n_owners = 0;
		if (!one_in(making, 3))
			drafts[n].sock.inode = one_in(making, 2) ? 0 : some_inode(making);
		if (one_in(making, 2))
			drafts[n].sock.state = some_state(making, table);
		drafts[n].sock.sk = some_sk(making);
		settle_owner(making, &drafts[n]);
		n++;
	}
	return n;
}

static bool is_duplicate(const struct skt_sock *a, const struct skt_sock *b)
{
	return a->sk && a->sk == b->sk && a->inode == b->inode && a->local_port == b->local_port &&
	       a->remote_port == b->remote_port && !memcmp(a->local_address, b->local_address, 16) &&
	       !memcmp(a->remote_address, b->remote_address, 16);
}

static size_t drop_duplicates(struct draft *drafts, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		bool found = false;

		for (size_t k = 0; k < kept && !found; k++)
			found = is_duplicate(&drafts[k].sock, &drafts[i].sock);
		if (!found)
			drafts[kept++] = drafts[i];
	}
	return kept;
}

static void reorder(struct making *making, uint32_t *order, size_t n)
{
	uint32_t moves = one_in(making, 3) ? below(making, 4) : 0;

	if (one_in(making, 15)) {
		random_shuffle(making->random, order, n);
	} else if (one_in(making, 20)) {
		for (size_t i = 0; i < n / 2; i++) {
			uint32_t item = order[i];

			order[i] = order[n - 1 - i];
			order[n - 1 - i] = item;
		}
	}
	for (; moves && n > 1; moves--) {
		uint32_t from = below(making, (uint32_t)n), to = below(making, (uint32_t)n), item = order[from];

		memmove(order + from, order + from + 1, (n - 1 - from) * sizeof(*order));
		memmove(order + to + 1, order + to, (n - 1 - to) * sizeof(*order));
		order[to] = item;
	}
}

static void add_row(struct making *making, const struct draft *draft)
{
	struct skt_sock sock = draft->sock;
	uint32_t slot;

	must(skt_snapshot_add_owners(making->now, draft->owners, draft->n_owners, &sock.first_owner));
	sock.n_owners = draft->n_owners;
	must(skt_snapshot_add_sock(making->now, &sock, &slot));
}

static void make_rows(struct making *making, uint32_t table, const struct skt_table *was)
{
	size_t n_was = was ? was->n_rows : 0, n = 0;
	uint32_t more = n_was < making->world->rows / 2 ? below(making, making->world->rows) : below(making, 4);
	struct draft *drafts = room(3 * n_was + more, sizeof(*drafts));
	uint32_t *order = room(3 * n_was + more, sizeof(*order));

	for (size_t i = 0; i < n_was; i++)
		/* a world that has grown too full loses every other row */
		if (n_was < (size_t)2 * making->world->rows || one_in(making, 2))
			n += follow_row(making, table, &making->before->socks[was->order[i]], drafts + n);
	for (; more; more--)
		new_row(making, table, &drafts[n++]);
	n = drop_duplicates(drafts, n);
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	/* new rows come in between the others */
	for (size_t i = 0; i < n; i++)
		if (i >= n_was && one_in(making, 2)) {
			uint32_t j = below(making, (uint32_t)i + 1), item = order[i];

			memmove(order + j + 1, order + j, (i - j) * sizeof(*order));
			order[j] = item;
		}
	reorder(making, order, n);
	for (size_t i = 0; i < n; i++)
		add_row(making, &drafts[order[i]]);
	free(order);
	free(drafts);
}

/* --- tables --- */

static void make_raw(struct making *making, uint32_t table, size_t n_rows)
{
	uint32_t before = 0;

	while (one_in(making, 4)) {
		before += below(making, (uint32_t)(n_rows - before) + 1);
		must(skt_table_add_raw(&making->now->tables[table], before, new_string(making, "raw", 3)));
	}
}

static bool has_table(const struct skt_snapshot *snapshot, const struct skt_table *wanted)
{
	for (size_t i = 0; i < snapshot->n_tables; i++)
		if (!snapshot->tables[i].gone && snapshot->tables[i].kind == wanted->kind &&
		    snapshot->tables[i].net_namespace == wanted->net_namespace)
			return true;
	return false;
}

/* Capture's word for a table, and its rows. */
static void make_table(struct making *making, const struct skt_table *was, struct skt_table table)
{
	static const uint32_t read_us[] = { 0, 0, 100, 5000, 10000, 25000, 200000 };
	bool fails = was && was->status == SKT_TABLE_UNKNOWN ? one_in(making, 2) : one_in(making, 8);
	size_t n_before = making->now->n_socks;
	uint32_t slot;

	table.source = SKT_SOURCE_PROC;
	if (fails) {
		table.status = SKT_TABLE_UNKNOWN;
		table.error = -13 * (int32_t)(1 + below(making, 2));
		/* under another heading no line is a row */
		if (one_in(making, 3))
			table.heading = new_string(making, "odd heading", 2);
		must(skt_snapshot_add_table(making->now, &table, &slot));
		if (table.heading)
			make_raw(making, slot, 0);
		return;
	}
	table.status = SKT_TABLE_FRESH;
	table.heading = new_string(making, "heading", one_in(making, 5) ? 3 : 1);
	table.read_time = making->now->time + below(making, 30000000);
	table.read_us = read_us[below(making, 7)];
	table.duplicates = one_in(making, 3) ? below(making, 3) : 0;
	table.malformed = one_in(making, 5) ? below(making, 3) : 0;
	must(skt_snapshot_add_table(making->now, &table, &slot));
	make_rows(making, slot, was);
	make_raw(making, slot, making->now->n_socks - n_before);
}

static void make_tables(struct making *making)
{
	static const uint64_t namespaces[] = { 0, UINT64_C(4026531840), 17 };
	const struct skt_snapshot *before = making->before;
	uint32_t *order = room(before->n_tables, sizeof(*order));
	uint32_t more = before->n_tables ? one_in(making, 4) : 1 + below(making, 4);

	for (uint32_t i = 0; i < before->n_tables; i++)
		order[i] = i;
	if (one_in(making, 4))
		random_shuffle(making->random, order, before->n_tables);
	for (size_t i = 0; i < before->n_tables; i++) {
		const struct skt_table *was = &before->tables[order[i]];

		if (!was->gone && !one_in(making, 15))
			make_table(making, was,
				   (struct skt_table){ .kind = was->kind, .net_namespace = was->net_namespace });
	}
	for (; more; more--) {
		struct skt_table table = { .kind = (uint8_t)below(making, SKT_TABLE_KINDS),
					   .net_namespace = namespaces[below(making, 3)] };

		/* a table that was there and is not now is gone: it may come back the next time */
		if (!has_table(making->now, &table) && !has_table(before, &table))
			make_table(making, NULL, table);
	}
	free(order);
}

static void make_users(struct making *making)
{
	for (uint32_t uid = 0; uid < 5; uid++)
		if (one_in(making, 2))
			must(skt_snapshot_add_user(making->now, uid * 1000,
						   new_string(making, "user", one_in(making, 8) ? 9 : 1)));
}

static void make_quality(struct making *making)
{
	struct skt_quality *quality = &making->now->quality;

	quality->walk = (uint8_t)below(making, 3);
	quality->processes = below(making, 100);
	quality->links = below(making, 100);
	quality->denied = below(making, 3);
	quality->vanished = below(making, 3);
	quality->unsearched = below(making, 3);
	quality->malformed = below(making, 3);
	quality->walk_us = below(making, 100000);
	quality->netns_denied = below(making, 3);
	quality->checked_since = below(making, 3) ? making->now->time - below(making, 100000) : 0;
	quality->events_tables = below(making, 1 << SKT_TABLE_KINDS);
	quality->events_deaf = below(making, 3);
	if (one_in(making, 4)) {
		quality->events_lost_until = making->now->time - below(making, 1000);
		quality->events_lost_since = quality->events_lost_until - below(making, 1000);
	}
	/* of what was drawn before: another draw would make other worlds of the seeds that tests have chosen */
	quality->lived_told = quality->walk_us & 1;
	quality->lived_lost = quality->walk_us & 2;
	quality->lived_more = quality->walk_us >> 2 & 3;
	for (uint32_t n = one_in(making, 4) ? below(making, SKT_FINDINGS_MAX + 3) : 0; n; n--)
		skt_quality_add(quality, &(struct skt_finding){ .kind = (uint8_t)(1 + below(making, 3)),
								.table = (uint8_t)below(making, SKT_TABLE_KINDS),
								.pid = below(making, 1000),
								.fd = (int32_t)below(making, 100) - 1,
								.inode = below(making, 100000),
								.net_namespace = below(making, 3) });
}

void random_snapshot(struct random *random, const struct random_world *world, const struct skt_snapshot *before,
		     struct skt_strtab *strings, struct skt_snapshot *ret)
{
	struct making making = { .random = random, .world = world, .before = before, .now = ret };
	int64_t passed = (int64_t)below(&making, 3) * SECOND + below(&making, 1000000000);

	must(skt_snapshot_init(ret, strings, random_bits(random)));
	making.process_now = room(before->n_processes, sizeof(uint32_t));
	making.live = room(2 * before->n_processes + 16, sizeof(uint32_t));
	ret->number = before->number + 1;
	ret->time = (before->number ? before->time : INT64_C(1795356187) * SECOND) + passed;
	/* the clock may be set */
	if (one_in(&making, 20))
		ret->time -= 3600 * SECOND;
	ret->end = ret->time + below(&making, 100000000);
	ret->boottime = (before->number ? before->boottime : 5000 * SECOND) + passed;
	ret->missed = one_in(&making, 4) ? below(&making, 5) : 0;
	make_quality(&making);
	make_users(&making);
	make_processes(&making);
	make_tables(&making);
	must(skt_snapshot_order(ret));
	free(making.process_now);
	free(making.live);
}
