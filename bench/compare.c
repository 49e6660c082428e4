/* SPDX-License-Identifier: MIT */
/*
 * How long it takes to find what differs between two instants, and to print it: `compare SOCKETS [PROCESSES]`. Two
 * snapshots are made in memory, for reading them is measured elsewhere (decode); then
 *
 *	1 %	one socket of a hundred closed and another opened, and the counters of all others moved on
 *	boot	the same on another boot, where nothing but ends and programs can be compared
 *	all	no socket is the same
 *	twins	all share one address (SO_REUSEPORT), and half of them are others
 *
 * Each is measured in a process of its own, so that its peak of memory is its own. Times are of the processor, for
 * nothing here waits. Prints one fact a line: name, value, unit. Public headers only.
 */
#include <skt/diff.h>
#include <skt/render.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 9
#define HOUR   (3600 * SKT_NS_PER_S)
#define BEGIN  (INT64_C(1795356187) * SKT_NS_PER_S)

enum world { ONE_PERCENT, BOOT, ALL, TWINS, WORLDS };

static const char *const names[WORLDS] = { "1 %", "another boot", "no socket the same", "twins of one address" };

static void check(int rc)
{
	if (!rc)
		return;
	fprintf(stderr, "compare: %s\n", strerror(-rc));
	exit(2);
}

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double peak_mib(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)used.ru_maxrss / 1024;
}

static int by_size(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return a < b ? -1 : a > b;
}

static double median(double *times)
{
	qsort(times, ROUNDS, sizeof(*times), by_size);
	return times[ROUNDS / 2];
}

static uint32_t string(struct skt_snapshot *snapshot, const char *text, size_t len)
{
	uint32_t id;

	check(skt_strtab_add(snapshot->strings, text, len, &id));
	return id;
}

static void add_processes(struct skt_snapshot *snapshot, uint32_t n, uint32_t first_pid)
{
	for (uint32_t i = 0; i < n; i++) {
		char cmdline[64];
		int len = snprintf(cmdline, sizeof(cmdline), "worker%c--number=%u", 0, i);
		struct skt_process process = { .pid = first_pid + i,
					       .start_time = first_pid + i,
					       .comm = string(snapshot, "worker", 6),
					       .exe = string(snapshot, "/usr/bin/worker", 15),
					       .cmdline = string(snapshot, cmdline, (size_t)len + 1),
					       .has = SKT_BIT(SKT_P_COMM) | SKT_BIT(SKT_P_EXE) |
						      SKT_BIT(SKT_P_CMDLINE) };
		uint32_t slot;

		check(skt_snapshot_add_process(snapshot, &process, &slot));
	}
}

static void add_row(struct skt_snapshot *snapshot, uint32_t number, uint64_t inode, bool twin, uint32_t process,
		    uint32_t moved)
{
	struct skt_sock sock = { .local_port = 443,
				 .remote_port = (uint16_t)(twin ? 0 : number),
				 .local_address = { 10, 0, 0, 5 },
				 .remote_address = { 10, (uint8_t)(number >> 16), 7, 9 },
				 .inode = inode,
				 .sk = inode * 64,
				 .tx_queue = moved,
				 .cwnd = 10 + moved,
				 .state = twin ? SKT_LISTEN : SKT_ESTABLISHED,
				 .has = SKT_BIT(SKT_F_REF) | SKT_BIT(SKT_F_SK) | SKT_BIT(SKT_F_CWND),
				 .owner = SKT_OWNER_HELD,
				 .n_owners = 1 };
	struct skt_owner owner = { process, (int32_t)(number & 0x7fff) };
	uint32_t slot;

	if (twin)
		memset(sock.remote_address, 0, sizeof(sock.remote_address));
	check(skt_snapshot_add_owners(snapshot, &owner, 1, &sock.first_owner));
	check(skt_snapshot_add_sock(snapshot, &sock, &slot));
}

static void make(struct skt_snapshot *snapshot, enum world world, uint32_t n, uint32_t processes, bool later)
{
	struct skt_table table = { .kind = SKT_TCP, .status = SKT_TABLE_FRESH, .net_namespace = 4026531840 };
	bool boot = later && world == BOOT;
	uint32_t slot;

	check(skt_snapshot_init(snapshot, NULL, 11 + later));
	snapshot->time = BEGIN + later * HOUR;
	snapshot->boottime = later * HOUR;
	snapshot->quality.walk = SKT_WALK_FULL;
	check(skt_snapshot_add_table(snapshot, &table, &slot));
	add_processes(snapshot, processes, boot ? 30000 : 1000);
	for (uint32_t i = 0; i < n; i++) {
		bool other = later && (world == ALL || (world == TWINS ? i & 1 : i % 100 == 7));
		uint32_t number = other && world != TWINS ? n + i : i;
		uint64_t inode = 100000 + (uint64_t)(other ? n + i : i) + (boot ? 5000000 : 0);

		add_row(snapshot, number, inode, world == TWINS, i % processes, later);
	}
	check(skt_snapshot_order(snapshot));
}

static void tell(enum world world, const char *what, double value, const char *unit)
{
	printf("%s, %s\t%.1f\t%s\n", names[world], what, value, unit);
}

static void measure(enum world world, uint32_t n, uint32_t processes)
{
	struct skt_snapshot before, after;
	struct skt_diff_options options = { .across = world == BOOT, .tables = UINT32_MAX, .seed = 5 };
	struct skt_diff_sides sides = { .before = { &before, "a", -1 }, .after = { &after, "a", -1 } };
	double finding[ROUNDS], printing[ROUNDS], held;
	struct skt_diff diff;
	struct skt_buf out;

	make(&before, world, n, processes, false);
	make(&after, world, n, processes, true);
	held = peak_mib();
	for (unsigned round = 0; round < ROUNDS; round++) {
		double start = cpu_ms();

		check(skt_diff_find(&before, &after, &options, &diff));
		finding[round] = cpu_ms() - start;
		if (round + 1 < ROUNDS)
			skt_diff_release(&diff);
	}
	printf("%s, differences\t%zu\t\n", names[world], diff.n);
	tell(world, "found in", median(finding), "ms");
	tell(world, "memory for that, a socket of each side", (peak_mib() - held) * 1048576 / n / 2, "bytes");
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct skt_render render = { .format = SKT_FORMAT_TABLE };
		double start = cpu_ms();

		skt_buf_init(&out);
		skt_render_begin(&render, &out);
		skt_render_differences(&render, &sides, diff.items, diff.n, &out);
		skt_render_end(&render, &out);
		printing[round] = cpu_ms() - start;
		check(skt_buf_status(&out));
		skt_buf_release(&out);
	}
	tell(world, "as a table in", median(printing), "ms");
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 50000;
	uint32_t processes = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 50;

	if (argc > 3 || !n || n > SKT_SOCKS_MAX || !processes || processes > 10000) {
		fprintf(stderr, "usage: compare SOCKETS [PROCESSES]\n");
		return 2;
	}
	for (enum world world = 0; world < WORLDS; world++) {
		int status;
		pid_t child = fork();

		if (!child) {
			measure(world, n, processes);
			fflush(stdout);
			_exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) < 0 || status)
			return 2;
	}
	return 0;
}
