/* SPDX-License-Identifier: MIT */
/*
 * A day of a busy host, made in a minute or two: `day OUT.skt [SOCKETS [SECONDS [CHURN]]]`, 10,000
 * and 86,400 unless told.
 *
 * A front server of some service: one connection of a hundred (or CHURN of them all) closes and another opens each
 * second, a tenth exchanges data, three closed of ten stay in TIME_WAIT for a minute. Nothing is captured and nothing
 * is matched: each step is made as skt_match() would make it, applied, and written, by a clock of its own. The same
 * arguments make the same file, byte for byte. Public headers only.
 *
 * A snapshot's slots are void once a step is written, for the writer may compact it: nothing but addresses, inodes and
 * times is kept from one step to the next, rows are found again by their place in the kernel's order.
 */
#include <skt/record.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START	   INT64_C(1795305600000000000) /* 2026-11-22T00:00:00Z */
#define START_BOOT (INT64_C(300000) * SKT_NS_PER_S)

#define SOCKETS_MAX 1000000
#define SECONDS_MAX (7 * 86400)

enum {
	LISTENERS = 50,
	SERVICES = 50,	   /* processes that hold connections */
	VISITOR_EVERY = 5, /* seconds between commands that make one connection and end */
	CLIENTS = 4096, /* peers that come again and again; half of all connections are theirs, the others anybody's */
	CHURN_PERCENT = 1,
	CHURN_MOST = 40, /* of so many one: 30 of 100 stay for a minute, and half of all are to be connected */
	ACTIVE_PERCENT = 10,
	TIME_WAIT_PERCENT = 30, /* of what closes */
	TIMER_OFF_PERCENT = 10, /* rows whose timer is read a tick off its held instant */
};
#define TIME_WAIT_NS (60 * SKT_NS_PER_S)
#define KEEPALIVE_NS (7200 * SKT_NS_PER_S)
#define FIRST_PID    4000

enum { TABLES = 2 };

/* Places in a table's order. */
struct places {
	uint32_t *at;
	size_t n;
};

struct day {
	uint64_t random;
	uint64_t inode;
	uint32_t pid;
	size_t sockets;
	size_t churn; /* that close each second, and as many open */
	uint64_t second;
	uint64_t visitor; /* inode of its connection */
	uint32_t visitor_pid;
	struct skt_snapshot now;
	struct skt_step step;		/* its arrays are ours, with room for any step */
	struct places left[TABLES];	/* by rows that this step closes */
	struct places inserted[TABLES]; /* before these rows of the old order */
	uint64_t *touched;		/* by slot: in which second it last changed */
	size_t slots;
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "day: %s: %s\n", what, why);
	exit(2);
}

static void must(int rc, const char *what)
{
	if (rc)
		die(what, strerror(-rc));
}

static void *allocate(size_t n, size_t size)
{
	void *memory = calloc(n, size);

	if (!memory)
		die("start", "out of memory");
	return memory;
}

/* ---- chance ---- */

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t random_number(struct day *day)
{
	return mix(day->random += UINT64_C(0x9e3779b97f4a7c15));
}

static uint32_t below(struct day *day, size_t n)
{
	return (uint32_t)((random_number(day) >> 32) * n >> 32);
}

static bool percent(struct day *day, unsigned p)
{
	return below(day, 100) < p;
}

/* ---- processes ---- */

static uint32_t add_string(struct day *day, const char *text, size_t len)
{
	uint32_t id;

	must(skt_strtab_add(day->now.strings, text, len, &id), "string");
	return id;
}

static struct skt_process make_process(struct day *day, uint32_t ppid, const char *comm, const char *cmdline,
				       size_t len)
{
	char exe[64];

	snprintf(exe, sizeof(exe), "/usr/bin/%s", comm);
	return (struct skt_process){
		.pid = day->pid += 1 + below(day, 3),
		.ppid = ppid,
		.start_time = (uint64_t)(START_BOOT / SKT_TICK_NS) + day->second * 100,
		.net_namespace = 4026531840,
		.uid = ppid == 1 ? 0 : 33,
		.comm = add_string(day, comm, strlen(comm)),
		.exe = add_string(day, exe, strlen(exe)),
		.cmdline = add_string(day, cmdline, len),
		.cgroup = add_string(day, "0::/system.slice/front.service", 30),
		.threads = 1 + below(day, 16),
		.has = SKT_BIT(SKT_P_PPID) | SKT_BIT(SKT_P_UID) | SKT_BIT(SKT_P_COMM) | SKT_BIT(SKT_P_EXE) |
		       SKT_BIT(SKT_P_CMDLINE) | SKT_BIT(SKT_P_CGROUP) | SKT_BIT(SKT_P_NET_NAMESPACE) |
		       SKT_BIT(SKT_P_THREADS) | SKT_BIT(SKT_P_STATE) | SKT_BIT(SKT_P_START_TIME),
		.state = 'S',
	};
}

static struct skt_process make_service(struct day *day, unsigned number)
{
	static const char *const names[] = { "nginx", "envoy", "java", "postgres", "node" };
	const char *name = names[number % 5];
	char text[256];
	int len = snprintf(text, sizeof(text), "%s%c--worker=%u%c--config=/etc/%s/pool-%u.conf%c--cluster=front-%c%c",
			   name, 0, number, 0, name, number / 5, 0, 'a' + (char)(number % 7), 0);

	return make_process(day, number ? FIRST_PID : 1, name, text, (size_t)len);
}

/* A service that is still there, as a slot. */
static uint32_t random_service(struct day *day)
{
	for (;;) {
		uint32_t slot = below(day, day->now.n_processes);
		const struct skt_process *process = &day->now.processes[slot];

		if (!process->exited && process->pid != 1 && process->pid < FIRST_PID + 3 * (SERVICES + 1))
			return slot;
	}
}

/* ---- rows ---- */

static void set_remote(struct day *day, struct skt_sock *sock, bool ipv6)
{
	uint64_t peer = percent(day, 50) ? mix(below(day, CLIENTS)) : random_number(day);
	unsigned char *at = sock->remote_address;

	if (ipv6) {
		memcpy(at, "\x20\x01\x0d\xb8", 4);
		memcpy(at + 4, &peer, 8);
		memcpy(sock->local_address, "\x20\x01\x0d\xb8\0\x17\0\0\0\0\0\0\0\0\0\x05", 16);
	} else {
		memcpy(at, &peer, 4);
		at[0] = (unsigned char)(at[0] % 223 + 1);
		memcpy(sock->local_address, "\x0a\x17\x04\x05", 4);
	}
}

static const uint16_t service_ports[] = { 443, 443, 443, 80, 8080, 5432, 6379 };

static uint64_t make_sk(struct day *day)
{
	return random_number(day) >> 32;
}

static struct skt_sock make_connection(struct day *day, uint32_t table)
{
	struct skt_sock sock = {
		.table = table,
		.inode = day->inode += 1 + below(day, 40),
		.sk = make_sk(day),
		.rto = 20 + below(day, 12),
		.ato = 4,
		.uid = 33,
		.ref = 1,
		.quick = 2 * below(day, 16) + 1,
		.cwnd = 10,
		.ssthresh = -1,
		.has = SKT_BIT(SKT_F_REF) | SKT_BIT(SKT_F_SK) | SKT_BIT(SKT_F_RTO) | SKT_BIT(SKT_F_ATO) |
		       SKT_BIT(SKT_F_QUICK) | SKT_BIT(SKT_F_CWND) | SKT_BIT(SKT_F_SSTHRESH),
		.state = SKT_ESTABLISHED,
		.owner = SKT_OWNER_HELD,
		.n_owners = 1,
	};

	set_remote(day, &sock, skt_table_kind_is_ipv6(day->now.tables[table].kind));
	if (percent(day, 70)) {
		sock.local_port = service_ports[below(day, sizeof(service_ports) / sizeof(*service_ports))];
		sock.remote_port = (uint16_t)(32768 + below(day, 28000));
	} else {
		sock.local_port = (uint16_t)(32768 + below(day, 28000));
		sock.remote_port = service_ports[below(day, sizeof(service_ports) / sizeof(*service_ports))];
	}
	return sock;
}

static void set_timer(struct skt_sock *sock, uint8_t timer, int64_t in, int64_t boottime)
{
	sock->timer = timer;
	skt_sock_set_ticks(sock, (uint64_t)(in / SKT_TICK_NS), boottime);
}

static struct skt_sock make_listener(struct day *day, uint32_t table, uint16_t port)
{
	struct skt_sock sock = make_connection(day, table);

	memset(sock.local_address, 0, 16);
	memset(sock.remote_address, 0, 16);
	sock.local_port = port;
	sock.remote_port = 0;
	sock.state = SKT_LISTEN;
	sock.rto = 100;
	sock.ato = 0;
	sock.quick = 0;
	return sock;
}

/* ---- the first snapshot ---- */

static struct skt_owner random_owner(struct day *day)
{
	return (struct skt_owner){ .process = random_service(day), .fd = (int32_t)(5 + below(day, 400)) };
}

static void add_row(struct day *day, struct skt_sock sock)
{
	struct skt_owner owner = random_owner(day);
	uint32_t slot;

	must(skt_snapshot_add_owners(&day->now, &owner, 1, &sock.first_owner), "owner");
	must(skt_snapshot_add_sock(&day->now, &sock, &slot), "socket");
}

static void add_tables(struct day *day)
{
	static const char tcp[] =
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
		"inode                                                     ";
	static const char tcp6[] =
		"  sl  local_address                         remote_address                        st tx_queue rx_queue "
		"tr tm->when retrnsmt   uid  timeout inode";

	for (uint8_t kind = SKT_TCP; kind <= SKT_TCP6; kind++) {
		struct skt_table table = {
			.kind = kind, .source = SKT_SOURCE_PROC, .status = SKT_TABLE_FRESH, .net_namespace = 4026531840
		};
		uint32_t slot;

		table.heading = kind == SKT_TCP ? add_string(day, tcp, sizeof(tcp) - 1)
						: add_string(day, tcp6, sizeof(tcp6) - 1);
		must(skt_snapshot_add_table(&day->now, &table, &slot), "table");
	}
}

/* Four rows of five are IPv4's. */
static void add_rows(struct day *day)
{
	size_t of_tcp = day->sockets * 4 / 5;

	for (size_t i = 0; i < day->sockets; i++) {
		uint32_t table = i >= of_tcp;
		size_t place = table ? i - of_tcp : i;
		struct skt_sock sock;

		if (place < LISTENERS / 2) {
			sock = make_listener(day, table, (uint16_t)(8000 + place));
		} else {
			sock = make_connection(day, table);
			sock.inode = 1000000 + below(day, 9000000);
			if (percent(day, 60))
				set_timer(&sock, 2, below(day, 7200) * SKT_NS_PER_S + 1, START_BOOT);
		}
		add_row(day, sock);
	}
}

static void set_times(struct day *day, int64_t *time, int64_t *end, int64_t *boottime)
{
	int64_t late = 60000 + below(day, 200000);

	*time = START + (int64_t)day->second * SKT_NS_PER_S + late;
	*boottime = START_BOOT + (int64_t)day->second * SKT_NS_PER_S + late;
	*end = *time + 20000000 + below(day, 9000000);
}

static struct skt_quality make_quality(struct day *day)
{
	return (struct skt_quality){ .walk = SKT_WALK_FULL,
				     .processes = 180 + below(day, 3),
				     .links = (uint32_t)day->sockets + 900 + below(day, 100),
				     .walk_us = 9000 + below(day, 3000) };
}

static void begin_day(struct day *day)
{
	struct skt_process init = { .pid = 1, .start_time = 7, .state = 'S', .has = SKT_BIT(SKT_P_STATE) };
	uint32_t slot;

	must(skt_snapshot_init(&day->now, NULL, 1), "snapshot");
	init.comm = add_string(day, "systemd", 7);
	init.has |= SKT_BIT(SKT_P_COMM);
	day->pid = FIRST_PID - 1;
	must(skt_snapshot_add_process(&day->now, &init, &slot), "process");
	for (unsigned i = 0; i < SERVICES; i++) {
		struct skt_process service = make_service(day, i);

		must(skt_snapshot_add_process(&day->now, &service, &slot), "process");
	}
	add_tables(day);
	add_rows(day);
	must(skt_snapshot_order(&day->now), "order");
	set_times(day, &day->now.time, &day->now.end, &day->now.boottime);
	day->now.number = 1;
	day->now.quality = make_quality(day);
}

/* ---- a step ---- */

static struct skt_sock_change *add_change(struct day *day, uint8_t what, uint32_t slot)
{
	struct skt_sock_change *change = &day->step.socks[day->step.n_socks++];

	if (slot >= day->slots)
		die("step", "more slots than there is room for");
	memset(change, 0, sizeof(*change));
	change->change = what;
	change->slot = slot;
	if (what == SKT_CHANGED)
		change->now = day->now.socks[slot];
	day->touched[slot] = day->second;
	return change;
}

/* A change is what differs; one that changes nothing is none. */
static void end_change(struct day *day, struct skt_sock_change *change)
{
	const struct skt_sock *old = &day->now.socks[change->slot];

	change->fields = skt_sock_compare(old, &change->now);
	if (old->timer_expires != change->now.timer_expires)
		change->fields |= SKT_BIT(SKT_F_TIMER_MS);
	if (!change->fields)
		day->step.n_socks--;
}

static void add_place(struct places *places, uint32_t at)
{
	places->at[places->n++] = at;
}

static void close_row(struct day *day, uint32_t table, uint32_t place)
{
	add_change(day, SKT_CLOSED, day->now.tables[table].order[place]);
	add_place(&day->left[table], place);
}

/* Its descriptor is closed, and a small object stands in for it for a minute: no inode, no uid, fewer columns. */
static void begin_time_wait(struct day *day, uint32_t slot)
{
	struct skt_sock_change *change = add_change(day, SKT_CHANGED, slot);
	struct skt_sock *now = &change->now;

	now->state = SKT_TIME_WAIT;
	now->inode = 0;
	now->uid = 0;
	now->owner = SKT_OWNER_CARRIED;
	now->sk = make_sk(day);
	now->ref = 3;
	now->has = SKT_BIT(SKT_F_REF) | SKT_BIT(SKT_F_SK);
	now->rto = now->ato = now->quick = now->cwnd = now->tx_queue = now->rx_queue = 0;
	now->ssthresh = 0;
	set_timer(now, 3, TIME_WAIT_NS, day->step.boottime);
	end_change(day, change);
}

/* Some data went to and fro. What waits to be acknowledged has a timer of its own. */
static void exchange(struct day *day, uint32_t slot)
{
	struct skt_sock_change *change = add_change(day, SKT_CHANGED, slot);
	struct skt_sock *now = &change->now;

	if (percent(day, 55))
		now->quick = below(day, 33);
	if (percent(day, 60))
		now->cwnd = now->cwnd < 60 ? now->cwnd + 1 + below(day, 3) : 10;
	if (percent(day, 30))
		now->rto = 20 + below(day, 12);
	if (percent(day, 30))
		now->ato = 4 * below(day, 2);
	if (percent(day, 25))
		now->rx_queue = now->rx_queue ? 0 : UINT32_C(1) << below(day, 14) | below(day, 1024);
	if (percent(day, 3))
		now->ssthresh = (int32_t)(7 + below(day, 40));
	if (now->timer < 2 && percent(day, 10)) {
		now->tx_queue = now->tx_queue ? 0 : 1 + below(day, 30000);
		now->ref = now->tx_queue ? 2 : 1;
		set_timer(now, now->tx_queue != 0, now->tx_queue ? (int64_t)now->rto * SKT_TICK_NS : 0,
			  day->step.boottime);
	}
	end_change(day, change);
}

/* What a timer that ran out does: a TIME_WAIT ends, a keepalive begins again, what waited is acknowledged. */
static void run_out(struct day *day, uint32_t table, uint32_t place, uint32_t slot)
{
	struct skt_sock_change *change;

	if (day->now.socks[slot].timer == 3) {
		close_row(day, table, place);
		return;
	}
	change = add_change(day, SKT_CHANGED, slot);
	if (change->now.timer == 1) {
		change->now.tx_queue = 0;
		change->now.ref = 1;
		set_timer(&change->now, 0, 0, day->step.boottime);
	} else {
		set_timer(&change->now, 2, KEEPALIVE_NS - below(day, 60) * SKT_NS_PER_S, day->step.boottime);
	}
	end_change(day, change);
}

/* Everything that time alone does to the rows of a table. */
static void pass_time(struct day *day, uint32_t table)
{
	const struct skt_table *t = &day->now.tables[table];

	for (uint32_t place = 0; place < t->n_rows; place++) {
		uint32_t slot = t->order[place];
		const struct skt_sock *sock = &day->now.socks[slot];

		if (day->visitor && sock->inode == day->visitor)
			close_row(day, table, place);
		else if (!sock->timer)
			continue;
		else if (sock->timer_expires <= day->step.boottime)
			run_out(day, table, place, slot);
	}
}

/* Rows are read at another moment each time, and so a tick more or less than their timers predict. */
static void shift_timers(struct day *day, uint32_t table)
{
	const struct skt_table *t = &day->now.tables[table];

	for (uint32_t place = 0; place < t->n_rows; place++) {
		uint32_t slot = t->order[place];
		const struct skt_sock *sock = &day->now.socks[slot];

		if (day->touched[slot] != day->second && percent(day, TIMER_OFF_PERCENT) &&
		    skt_sock_ticks(sock, day->step.boottime))
			day->step.timers[day->step.n_timers++] =
				(struct skt_timer_off){ .slot = slot, .off = percent(day, 50) ? 1 : -1 };
	}
}

static int by_slot(const void *x, const void *y)
{
	uint32_t a = ((const struct skt_timer_off *)x)->slot, b = ((const struct skt_timer_off *)y)->slot;

	return a < b ? -1 : a > b;
}

/* An established connection that this step has not touched. */
static uint32_t pick(struct day *day, uint32_t *ret_table, uint32_t *ret_place)
{
	size_t of_tcp = day->now.tables[0].n_rows;

	for (;;) {
		uint32_t n = below(day, of_tcp + day->now.tables[1].n_rows), table = n >= of_tcp;
		uint32_t place = table ? n - (uint32_t)of_tcp : n, slot = day->now.tables[table].order[place];

		if (day->now.socks[slot].state != SKT_ESTABLISHED || day->touched[slot] == day->second)
			continue;
		*ret_table = table;
		*ret_place = place;
		return slot;
	}
}

static void close_some(struct day *day, size_t n)
{
	for (; n; n--) {
		uint32_t table, place, slot = pick(day, &table, &place);

		if (percent(day, TIME_WAIT_PERCENT))
			begin_time_wait(day, slot);
		else
			close_row(day, table, place);
	}
}

static void open_row(struct day *day, uint32_t table, struct skt_owner owner)
{
	uint32_t slot = (uint32_t)day->now.n_socks + (uint32_t)day->step.n_puts;
	struct skt_sock_change *change = add_change(day, SKT_OPENED, slot);

	change->now = make_connection(day, table);
	if (percent(day, 60))
		set_timer(&change->now, 2, KEEPALIVE_NS, day->step.boottime);
	change->now.first_owner = (uint32_t)day->step.n_owners;
	day->step.owners[day->step.n_owners++] = owner;
	day->step.puts[day->step.n_puts++] = slot;
	add_place(&day->inserted[table], below(day, day->now.tables[table].n_rows + 1));
}

/* A command that is run now and then; its process comes with the connection and goes with it. */
static struct skt_owner add_visitor(struct day *day)
{
	struct skt_process_change *change = &day->step.processes[day->step.n_processes++];
	char text[128];
	int len = snprintf(text, sizeof(text), "curl%c-fsS%chttps://10.23.4.9/health?run=%" PRIu64 "%c", 0, 0,
			   day->second, 0);

	memset(change, 0, sizeof(*change));
	change->change = SKT_PROCESS_APPEARED;
	change->slot = (uint32_t)day->now.n_processes;
	change->now = make_process(day, FIRST_PID, "curl", text, (size_t)len);
	day->visitor_pid = change->now.pid;
	return (struct skt_owner){ .process = change->slot, .fd = 5 };
}

static void end_visitor(struct day *day)
{
	for (uint32_t slot = 0; slot < day->now.n_processes; slot++) {
		if (day->now.processes[slot].pid != day->visitor_pid || day->now.processes[slot].exited)
			continue;
		day->step.processes[day->step.n_processes++] = (struct skt_process_change){
			.change = SKT_PROCESS_EXITED, .slot = slot, .fields = SKT_BIT(SKT_P_EXITED)
		};
	}
	day->visitor = 0;
	day->visitor_pid = 0;
}

/* As many as closed, so that the number of rows stays; numbered table by table, as match numbers them. */
static void open_some(struct day *day)
{
	size_t n = day->left[0].n + day->left[1].n;

	for (size_t i = 0; i < n; i++) {
		bool visits = !i && day->second % VISITOR_EVERY == 0;

		open_row(day, i >= n * 4 / 5, visits ? add_visitor(day) : random_owner(day));
		if (visits)
			day->visitor = day->inode;
	}
}

static int by_place(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return a < b ? -1 : a > b;
}

/* Places that rows come to, as edits of the table's order, in which those that closed are not counted. */
static void edit_order(struct day *day, uint32_t table)
{
	struct places *left = &day->left[table], *put = &day->inserted[table];
	uint32_t at = 0;

	qsort(left->at, left->n, sizeof(*left->at), by_place);
	qsort(put->at, put->n, sizeof(*put->at), by_place);
	for (size_t l = 0, p = 0; p < put->n;) {
		uint32_t place = put->at[p];
		struct skt_order_edit edit = { .table = table };

		for (; l < left->n && left->at[l] < place; l++)
			;
		edit.keep = place - (uint32_t)l - at;
		at += edit.keep;
		for (; p < put->n && put->at[p] == place; p++)
			edit.put++;
		day->step.edits[day->step.n_edits++] = edit;
	}
	left->n = put->n = 0;
}

static void change_tables(struct day *day)
{
	for (uint32_t slot = 0; slot < TABLES; slot++) {
		struct skt_table_change *change = &day->step.tables[day->step.n_tables++];

		*change = (struct skt_table_change){ .slot = slot, .now = day->now.tables[slot] };
		change->now.raw = NULL;
		change->now.n_raw = 0;
		change->now.read_time = day->step.time + 5000000 * slot;
		change->now.read_us = 4000 + below(day, 3000);
	}
}

static void make_step(struct day *day)
{
	struct skt_step *step = &day->step;

	skt_step_clear(step);
	step->number = day->now.number + 1;
	step->from = day->now.time;
	step->quality = make_quality(day);
	set_times(day, &step->time, &step->end, &step->boottime);
	change_tables(day);
	for (uint32_t table = 0; table < TABLES; table++)
		pass_time(day, table);
	if (day->visitor)
		end_visitor(day);
	close_some(day, day->churn);
	open_some(day);
	for (size_t i = 0; i < day->sockets * ACTIVE_PERCENT / 100; i++) {
		uint32_t table, place;

		exchange(day, pick(day, &table, &place));
	}
	for (uint32_t table = 0; table < TABLES; table++) {
		shift_timers(day, table);
		edit_order(day, table);
	}
	qsort(step->timers, step->n_timers, sizeof(*step->timers), by_slot);
}

/* ---- all of it ---- */

static struct day *new_day(size_t sockets, size_t churn)
{
	struct day *day = allocate(1, sizeof(*day));
	size_t room = 3 * sockets + 64;

	day->sockets = sockets;
	day->churn = churn;
	/* between two compactions, a minute apart, each second takes new slots for what it opens */
	day->slots = room + 120 * churn;
	day->touched = allocate(day->slots, sizeof(*day->touched));
	skt_step_init(&day->step);
	day->step.tables = allocate(TABLES, sizeof(*day->step.tables));
	day->step.processes = allocate(4, sizeof(*day->step.processes));
	day->step.socks = allocate(room, sizeof(*day->step.socks));
	day->step.timers = allocate(room, sizeof(*day->step.timers));
	day->step.edits = allocate(room, sizeof(*day->step.edits));
	day->step.puts = allocate(room, sizeof(*day->step.puts));
	day->step.owners = allocate(room, sizeof(*day->step.owners));
	for (int table = 0; table < TABLES; table++) {
		day->left[table].at = allocate(room, sizeof(uint32_t));
		day->inserted[table].at = allocate(room, sizeof(uint32_t));
	}
	return day;
}

static void free_day(struct day *day)
{
	for (int table = 0; table < TABLES; table++) {
		free(day->left[table].at);
		free(day->inserted[table].at);
	}
	free(day->touched);
	skt_step_release(&day->step);
	skt_snapshot_release(&day->now);
	free(day);
}

static struct skt_writer *open_writer(int fd, const char *path)
{
	static struct skt_fact facts[] = { { "host.name", "front" }, { "note", "made by bench/day, seen on no host" } };
	static const uint8_t random[24] = "a day that never was...";
	struct skt_header header = {
		.start = START,
		.start_boottime = START_BOOT,
		.boot_time = START - START_BOOT,
		.interval = SKT_NS_PER_S,
		.tables = 1 << SKT_TCP | 1 << SKT_TCP6,
		.facts = facts,
		.n_facts = sizeof(facts) / sizeof(*facts),
	};
	const struct skt_writer_options options = { .sync = SKT_SYNC_NONE };
	struct skt_writer *writer;
	struct skt_err err;

	skt_err_init(&err);
	if (skt_writer_open(fd, path, &header, &options, random, &writer, &err))
		die(path, err.message);
	return writer;
}

static void make_day(struct day *day, struct skt_writer *writer, uint64_t seconds)
{
	struct skt_err err;

	skt_err_init(&err);
	begin_day(day);
	if (skt_writer_add(writer, &day->now, &day->step, &err))
		die("first snapshot", err.message);
	for (day->second = 1; day->second < seconds; day->second++) {
		make_step(day);
		if (skt_apply(&day->now, &day->step, &err) || skt_writer_add(writer, &day->now, &day->step, &err))
			die("step", err.message);
	}
	if (skt_writer_end(writer, START + (int64_t)seconds * SKT_NS_PER_S, &err))
		die("end", err.message);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
	char *end;
	uint64_t value = strtoull(text, &end, 10);

	if (*end || end == text || value < least || value > most) {
		fprintf(stderr, "day: '%s' is no number from %" PRIu64 " to %" PRIu64 "\n", text, least, most);
		exit(2);
	}
	return value;
}

int main(int argc, char **argv)
{
	struct skt_writer *writer;
	struct day *day;
	uint64_t sockets, seconds, churn;
	int fd;

	if (argc < 2 || argc > 5) {
		fprintf(stderr, "usage: day OUT.skt [SOCKETS [SECONDS [CHURN]]]\n");
		return 2;
	}
	sockets = argc > 2 ? number(argv[2], 1000, SOCKETS_MAX) : 10000;
	seconds = argc > 3 ? number(argv[3], 1, SECONDS_MAX) : 86400;
	churn = argc > 4 ? number(argv[4], 0, sockets / CHURN_MOST) : sockets * CHURN_PERCENT / 100;
	day = new_day((size_t)sockets, (size_t)churn);
	fd = open(argv[1], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		perror(argv[1]);
		return 2;
	}
	writer = open_writer(fd, argv[1]);
	make_day(day, writer, seconds);
	printf("snapshots\t%" PRIu64 "\nrows\t%" PRIu64 "\nbytes\t%" PRIu64 "\n", seconds,
	       seconds * (uint64_t)day->sockets, skt_writer_bytes(writer));
	skt_writer_free(writer);
	free_day(day);
	return close(fd) ? 2 : 0;
}
