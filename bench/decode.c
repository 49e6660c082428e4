/* SPDX-License-Identifier: MIT */
/*
 * How fast a recording is read: `decode REC [PART...]`, all parts unless told.
 *
 *	open	opening it, by its index and by hopping over every block
 *	seek	opening it and going to a random instant, by index and without
 *	span	five minutes from a random instant on: go there, and take every step
 *	address	who talked to one address, in all of it: every row that came, and nothing of it but its identity; then
 *		the same of the groups that the index names, of a peer that is often there, and of the one that is in
 *		the fewest groups
 *	walk	every step of it
 *	took	how long each snapshot took to capture, as the recording tells: from its first table to its last link,
 *		and of that the walk through descriptors
 *
 * Each part runs in a process of its own, so that its peak of memory is its own. Whoever wants to measure a file that
 * is in the page cache reads it before. Prints one fact a line: name, value, unit. Public headers only.
 */
#include <skt/record.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OPENS 9
#define SEEKS 101
#define SPANS 31
#define WALKS 3
#define SPAN  (300 * SKT_NS_PER_S)

static const char *path;

static _Noreturn void die(const struct skt_err *err)
{
	fprintf(stderr, "decode: %s: %s\n", err->path, err->message);
	exit(2);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Below n; the same from one run to the next (splitmix64). */
static uint64_t random_below(uint64_t n)
{
	static uint64_t state;
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % n;
}

static int by_size(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return a < b ? -1 : a > b;
}

static void tell(const char *what, double value, const char *unit)
{
	printf("%s\t%.*f\t%s\n", what, value < 100 ? 2 : 0, value, unit);
}

static double median(double *times, size_t n)
{
	qsort(times, n, sizeof(*times), by_size);
	return times[n / 2];
}

static void tell_spread(const char *what, double *times, size_t n)
{
	char name[128];

	snprintf(name, sizeof(name), "%s, median", what);
	tell(name, median(times, n), "ms");
	snprintf(name, sizeof(name), "%s, worst of %zu", what, n);
	tell(name, times[n - 1], "ms");
}

struct recording {
	int fd;
	struct skt_file *file;
};

static struct recording open_recording(unsigned flags)
{
	struct recording recording = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	struct skt_err err;

	skt_err_init(&err);
	if (recording.fd < 0) {
		perror(path);
		exit(2);
	}
	if (skt_file_open(recording.fd, path, flags, &recording.file, &err))
		die(&err);
	return recording;
}

static void close_recording(struct recording recording)
{
	skt_file_free(recording.file);
	close(recording.fd);
}

static struct skt_cursor *new_cursor(const struct skt_file *file, unsigned want)
{
	struct skt_cursor *cursor;
	struct skt_err err;

	skt_err_init(&err);
	if (skt_cursor_new(file, &cursor, &err))
		die(&err);
	skt_cursor_want(cursor, want);
	return cursor;
}

static void seek(struct skt_cursor *cursor, int64_t when)
{
	struct skt_time time = { .kind = SKT_TIME_INSTANT, .ns = when };
	struct skt_err err;
	int64_t is;

	skt_err_init(&err);
	if (skt_cursor_seek(cursor, &time, SKT_ZONE_UTC, &is, &err))
		die(&err);
}

/* An instant of the recording that leaves `room` after it, where it is that long. */
static int64_t random_instant(const struct skt_file *file, int64_t room)
{
	struct skt_span span = skt_file_span(file);
	int64_t length = span.last - span.first - room;

	return span.first + (length > 0 ? (int64_t)random_below((uint64_t)length) : 0);
}

static void time_open(unsigned flags, const char *what)
{
	double times[OPENS];

	for (size_t i = 0; i < OPENS; i++) {
		double begin = now_ms();
		struct recording recording = open_recording(flags);

		times[i] = now_ms() - begin;
		close_recording(recording);
	}
	tell_spread(what, times, OPENS);
}

static void part_open(void)
{
	time_open(0, "open, by index");
	time_open(SKT_OPEN_NO_INDEX, "open, no index");
}

static void time_seek(unsigned flags, size_t n, const char *what)
{
	double times[SEEKS];

	for (size_t i = 0; i < n; i++) {
		double begin = now_ms();
		struct recording recording = open_recording(flags);
		struct skt_cursor *cursor = new_cursor(recording.file, SKT_WANT_ALL);

		seek(cursor, random_instant(recording.file, 0));
		times[i] = now_ms() - begin;
		skt_cursor_free(cursor);
		close_recording(recording);
	}
	tell_spread(what, times, n);
}

static void part_seek(void)
{
	time_seek(0, SEEKS, "open and seek, by index");
	time_seek(SKT_OPEN_NO_INDEX, SEEKS / 4, "open and seek, no index");
}

static void time_span(unsigned want, const char *what)
{
	struct recording recording = open_recording(0);
	double times[SPANS];

	for (size_t i = 0; i < SPANS; i++) {
		int64_t when = random_instant(recording.file, SPAN);
		double begin = now_ms();
		struct skt_cursor *cursor = new_cursor(recording.file, want);
		struct skt_step *step;
		struct skt_err err;

		skt_err_init(&err);
		seek(cursor, when);
		for (int rc; (rc = skt_cursor_next(cursor, &step, &err)) != 0 && step->time < when + SPAN;)
			if (rc < 0)
				die(&err);
		skt_cursor_free(cursor);
		times[i] = now_ms() - begin;
	}
	close_recording(recording);
	tell_spread(what, times, SPANS);
}

static void part_span(void)
{
	time_span(SKT_WANT_IDENTITY, "five minutes, identity");
	time_span(SKT_WANT_ALL, "five minutes, all");
}

/* The peer of some row at the middle of the recording; false where nobody talks. */
static bool some_peer(const struct skt_file *file, unsigned char ret[16])
{
	struct skt_span span = skt_file_span(file);
	struct skt_cursor *cursor = new_cursor(file, SKT_WANT_IDENTITY);
	const struct skt_snapshot *now;
	bool found = false;

	seek(cursor, span.first + (span.last - span.first) / 2);
	now = skt_cursor_snapshot(cursor);
	for (size_t i = 0; i < now->n_socks && !found; i++) {
		found = now->socks[i].table != SKT_NO_TABLE && now->socks[i].remote_port;
		if (found)
			memcpy(ret, now->socks[i].remote_address, 16);
	}
	skt_cursor_free(cursor);
	return found;
}

/* How many connections with this peer there were, in these groups (NULL: in all). */
static uint64_t count_connections(const struct skt_file *file, const unsigned char peer[16],
				  const struct skt_choice *choice)
{
	struct skt_cursor *cursor = new_cursor(file, SKT_WANT_IDENTITY);
	struct skt_step *step;
	struct skt_err err;
	uint64_t n = 0;
	int rc;

	skt_err_init(&err);
	skt_cursor_choose(cursor, choice);
	while ((rc = skt_cursor_next(cursor, &step, &err)) != 0) {
		if (rc < 0)
			die(&err);
		for (size_t i = 0; i < step->n_socks; i++) {
			const struct skt_sock_change *change = &step->socks[i];

			if (change->change == SKT_OPENED || change->change == SKT_PRESENT)
				n += !memcmp(change->now.remote_address, peer, 16);
		}
	}
	skt_cursor_free(cursor);
	return n;
}

/* The groups that a peer is in, by opening the file and asking its index. */
static struct skt_choice choose(const struct skt_file *file, const unsigned char peer[16])
{
	struct skt_key key;
	const struct skt_question question = { .keys = &key, .n_keys = 1, .from = INT64_MIN, .to = INT64_MAX };
	struct skt_choice choice;
	struct skt_err err;

	skt_err_init(&err);
	skt_key_of_address(peer, false, &key);
	if (skt_file_find(file, &question, &choice, &err))
		die(&err);
	return choice;
}

/* Of the rows in the middle of the recording the peer that is in the fewest groups. */
static void rare_peer(const struct skt_file *file, unsigned char ret[16])
{
	struct skt_span span = skt_file_span(file);
	struct skt_cursor *cursor = new_cursor(file, SKT_WANT_IDENTITY);
	const struct skt_snapshot *now;
	size_t fewest = SIZE_MAX;

	seek(cursor, span.first + (span.last - span.first) / 2);
	now = skt_cursor_snapshot(cursor);
	for (size_t i = 0; i < now->n_socks && i < 400; i++) {
		const struct skt_sock *sock = &now->socks[i];
		struct skt_choice choice;

		if (sock->table == SKT_NO_TABLE || !sock->remote_port)
			continue;
		choice = choose(file, sock->remote_address);
		if (choice.n_chosen < fewest) {
			fewest = choice.n_chosen;
			memcpy(ret, sock->remote_address, 16);
		}
		skt_choice_release(&choice);
	}
	skt_cursor_free(cursor);
}

static void time_address(const unsigned char peer[16], bool by_keys, const char *what)
{
	struct skt_choice choice = { .n_chosen = 0 };
	double times[WALKS];
	char name[128];
	uint64_t n = 0;

	for (size_t i = 0; i < WALKS; i++) {
		double begin = now_ms();
		struct recording recording = open_recording(0);

		skt_choice_release(&choice);
		if (by_keys)
			choice = choose(recording.file, peer);
		n = count_connections(recording.file, peer, by_keys ? &choice : NULL);
		times[i] = now_ms() - begin;
		close_recording(recording);
	}
	tell_spread(what, times, WALKS);
	snprintf(name, sizeof(name), "%s: connections found", what);
	tell(name, (double)n, "");
	snprintf(name, sizeof(name), "%s: groups read", what);
	if (by_keys)
		tell(name, (double)choice.n_chosen, "");
	skt_choice_release(&choice);
}

static void part_address(void)
{
	struct recording recording = open_recording(0);
	unsigned char often[16], rare[16] = { 0 };
	bool found = some_peer(recording.file, often);

	if (found)
		rare_peer(recording.file, rare);
	close_recording(recording);
	if (!found)
		return;
	time_address(often, false, "one address in all of it, every group");
	time_address(often, true, "one address in all of it, often there");
	time_address(rare, true, "one address in all of it, rare");
}

struct counts {
	uint64_t snapshots, rows, changes, opened, changed;
};

/* From the first step to the last; returns s. */
static double walk(unsigned want, struct counts *counts)
{
	struct recording recording = open_recording(0);
	struct skt_cursor *cursor = new_cursor(recording.file, want);
	double begin = now_ms(), ms;
	struct skt_step *step;
	struct skt_err err;
	int rc;

	skt_err_init(&err);
	*counts = (struct counts){ 0 };
	while ((rc = skt_cursor_next(cursor, &step, &err)) != 0) {
		if (rc < 0)
			die(&err);
		counts->snapshots++;
		counts->rows += skt_cursor_snapshot(cursor)->live_socks;
		counts->changes += step->n_socks;
		for (size_t i = 0; i < step->n_socks && step->from != INT64_MIN; i++) {
			counts->opened += step->socks[i].change == SKT_OPENED;
			counts->changed += step->socks[i].change == SKT_CHANGED;
		}
	}
	ms = now_ms() - begin;
	skt_cursor_free(cursor);
	close_recording(recording);
	return ms / 1e3;
}

static void tell_of(const char *what, const char *kind, const char *which, double value, const char *unit)
{
	char name[128];

	snprintf(name, sizeof(name), "%s, %s%s", what, kind, which);
	tell(name, value, unit);
}

static void time_walk(unsigned want, const char *kind)
{
	struct counts counts;
	double times[WALKS], seconds, later;

	for (size_t i = 0; i < WALKS; i++)
		times[i] = walk(want, &counts);
	seconds = median(times, WALKS);
	later = counts.snapshots > 1 ? (double)(counts.snapshots - 1) : 1;
	tell_of("walk", kind, ", median of 3", seconds, "s");
	tell_of("walk", kind, ": a snapshot", seconds * 1e6 / (double)counts.snapshots, "us");
	tell_of("walk", kind, ": rows", (double)counts.rows / seconds / 1e6, "million/s");
	tell_of("walk", kind, ": changes", (double)counts.changes / seconds / 1e6, "million/s");
	tell_of("rows that came", kind, "", (double)counts.opened / later, "a snapshot");
	tell_of("rows that changed", kind, "", (double)counts.changed / later, "a snapshot");
}

static void part_walk_identity(void)
{
	time_walk(SKT_WANT_IDENTITY, "identity");
}

static void part_walk_all(void)
{
	time_walk(SKT_WANT_ALL, "all");
}

static void part_took(void)
{
	struct recording recording = open_recording(0);
	struct skt_cursor *cursor = new_cursor(recording.file, SKT_WANT_IDENTITY);
	size_t n = 0, most = (size_t)skt_file_span(recording.file).snapshots;
	double *times = calloc(most + 1, sizeof(*times)), *walks = calloc(most + 1, sizeof(*walks));
	struct skt_step *step;
	struct skt_err err;

	skt_err_init(&err);
	while (times && walks && n < most && skt_cursor_next(cursor, &step, &err) > 0) {
		times[n] = (double)(step->end - step->time) / 1e6;
		walks[n++] = (double)step->quality.walk_us / 1e3;
	}
	/* the first has everything to look for */
	if (n > 1) {
		tell("capture, first", times[0], "ms");
		tell_spread("capture, later", times + 1, n - 1);
		tell("look for owners, first", walks[0], "ms");
		tell_spread("look for owners, later", walks + 1, n - 1);
	}
	free(times);
	free(walks);
	skt_cursor_free(cursor);
	close_recording(recording);
}

static const struct part {
	const char *name;
	const char *memory;
	void (*run)(void);
} parts[] = {
	{ "open", "open", part_open },
	{ "seek", "seek", part_seek },
	{ "span", "five minutes", part_span },
	{ "address", "one address in all of it", part_address },
	{ "walk", "walk, identity", part_walk_identity },
	{ "walk", "walk, all", part_walk_all },
	{ "took", NULL, part_took },
};

static void run(const struct part *part)
{
	struct rusage usage;
	char name[64];
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		part->run();
		exit(0);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0 || status) {
		fprintf(stderr, "decode: %s failed\n", part->name);
		exit(2);
	}
	if (!part->memory)
		return;
	snprintf(name, sizeof(name), "%s: peak memory", part->memory);
	tell(name, (double)usage.ru_maxrss / 1024, "MiB");
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: decode REC [open|seek|span|address|walk|took]...\n");
		return 2;
	}
	path = argv[1];
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		bool wanted = argc == 2;

		for (int a = 2; a < argc; a++)
			wanted |= !strcmp(argv[a], parts[i].name);
		if (wanted)
			run(&parts[i]);
	}
	return 0;
}
