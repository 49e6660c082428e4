/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "facts.h"

#include <skt/capture.h>
#include <skt/record.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OPT_INTERVAL, OPT_DURATION, OPT_COUNT, OPT_OUTPUT, OPT_PROC, OPT_TABLES, OPT_NOTE, OPT_SYNC };

static const struct cli_option options[] = {
	[OPT_INTERVAL] = { 'i', "interval", "TIME", "one snapshot each TIME (1s unless told; 200ms, 1m30s, ...)" },
	[OPT_DURATION] = { 'd', "duration", "TIME", "end after TIME (unless told: when interrupted)" },
	[OPT_COUNT] = { 'n', "count", "N", "end after N snapshots" },
	[OPT_OUTPUT] = { 'o', "output", "FILE", "record into FILE, which must not exist yet; - is standard output" },
	[OPT_PROC] = { 0, "proc", "DIR", "read this tree instead of /proc" },
	[OPT_TABLES] = { 0, "tables", "LIST", "only these tables: tcp,tcp6,udp,udp6,udplite,udplite6,raw,raw6" },
	[OPT_NOTE] = { 0, "note", "TEXT", "keep TEXT in the header" },
	[OPT_SYNC] = { 0, "sync", "WHEN", "have the disk keep each block (about a second), each group, or none" },
};

static const struct cli cli = {
	.tool = "sockrec",
	.usage = "[OPTION]...",
	.about = "Record the sockets of this host and the processes that hold them, snapshot by snapshot.",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
};

#define LIVE_TREE "/proc"
#define PASSWD	  "/etc/passwd"

/* How often the status line moves. */
#define STATUS_NS (SKT_NS_PER_S / 4)

struct recorder {
	/* what was asked for */
	int64_t interval;
	int64_t duration; /* 0: no end */
	uint64_t count;	  /* 0: no end */
	const char *output;
	const char *tree;
	const char *note;
	uint32_t tables;
	enum skt_sync sync;
	char **argv;

	/* at work */
	int out;
	int passwd;
	char path[4096];
	struct skt_capture *capture;
	struct skt_writer *writer;
	struct skt_matcher *matcher;
	struct skt_snapshot now;  /* in force: what a reader will have */
	struct skt_snapshot read; /* as just captured */
	struct skt_step step;
	sigset_t signals;

	/* what came of it */
	uint64_t snapshots;
	uint64_t missed;
	int64_t start; /* CLOCK_BOOTTIME */
	int64_t first; /* the same, of the first and the last snapshot */
	int64_t last;
	int64_t status_at;
	bool pipe_closed;
	bool write_failed; /* and was told */
	bool trouble;
	uint64_t told[256]; /* problems told already, by hash */
	size_t n_told;
};

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * SKT_NS_PER_S + now.tv_nsec;
}

static void read_clocks(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	(void)data;
	*ret_realtime = clock_ns(CLOCK_REALTIME);
	*ret_boottime = clock_ns(CLOCK_BOOTTIME);
}

static uint32_t read_tables(const char *list)
{
	uint32_t tables = 0;

	for (const char *next = list; next; list = next) {
		size_t len = strcspn(list, ",");
		char name[16];
		int kind = -1;

		if (len < sizeof(name)) {
			memcpy(name, list, len);
			name[len] = '\0';
			kind = skt_table_kind_of(name);
		}
		if (kind < 0)
			cli_usage("--tables: '%.*s' is none of tcp, tcp6, udp, udp6, udplite, udplite6, raw, raw6",
				  (int)len, list);
		tables |= UINT32_C(1) << (kind & 31);
		next = list[len] ? list + len + 1 : NULL;
	}
	return tables;
}

static enum skt_sync read_sync(const char *when)
{
	static const char *const names[] = { "block", "group", "none" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(when, names[i]))
			return (enum skt_sync)i;
	cli_usage("--sync: '%s' is none of block, group, none", when);
}

/* ---- opening ---- */

static int open_writer(struct recorder *recorder, struct skt_err *err)
{
	const struct skt_host *host = skt_capture_host(recorder->capture);
	bool live = skt_capture_is_live(recorder->capture);
	struct skt_header header = {
		.interval = recorder->interval, .tables = recorder->tables, .live = live, .file_number = 1
	};
	struct facts facts;
	uint8_t random[24];
	int rc;

	read_clocks(NULL, &header.start, &header.start_boottime);
	header.boot_time = live ? header.start - header.start_boottime : host->btime;
	header.big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	facts_init(&facts);
	facts_of_host(&facts, host, live);
	facts_of_recorder(&facts, recorder->argv, recorder->tree, recorder->tables);
	facts_add(&facts, "note", recorder->note);
	header.facts = facts.facts;
	header.n_facts = facts.n;
	cli_random(random, sizeof(random));
	rc = skt_writer_open(recorder->out, recorder->path, &header, recorder->sync, random, &recorder->writer, err);
	facts_release(&facts);
	return rc;
}

/* ./HOST-20261122T140300Z.skt; a host name is what a stranger chose, and becomes a plain file name. */
static void default_path(struct recorder *recorder)
{
	const char *host = skt_capture_host(recorder->capture)->name;
	time_t now = (time_t)(clock_ns(CLOCK_REALTIME) / SKT_NS_PER_S);
	char name[65], when[32];
	struct tm utc;
	size_t n = 0;

	for (; host[n] && n < sizeof(name) - 1; n++) {
		bool plain = (host[n] >= 'a' && host[n] <= 'z') || (host[n] >= 'A' && host[n] <= 'Z') ||
			     (host[n] >= '0' && host[n] <= '9') || (n && strchr("-._", host[n]));

		name[n] = plain ? host[n] : '_';
	}
	name[n] = '\0';
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &utc));
	snprintf(recorder->path, sizeof(recorder->path), "./%s-%s.skt", n ? name : "host", when);
}

static int open_output(struct recorder *recorder, struct skt_err *err)
{
	if (recorder->output && !strcmp(recorder->output, "-")) {
		if (isatty(STDOUT_FILENO))
			return skt_err_set(
				err, -EINVAL,
				"a recording is not for a terminal: redirect standard output, or name a file with -o");
		snprintf(recorder->path, sizeof(recorder->path), "standard output");
		recorder->out = STDOUT_FILENO;
		return 0;
	}
	if (recorder->output) {
		if (strlen(recorder->output) >= sizeof(recorder->path))
			return skt_err_set(err, -ENAMETOOLONG, "name of the output exceeds %zu bytes",
					   sizeof(recorder->path) - 1);
		strcpy(recorder->path, recorder->output);
	} else {
		default_path(recorder);
	}
	recorder->out = open(recorder->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (recorder->out < 0) {
		skt_err_sys(err, -errno, "cannot create");
		skt_err_at(err, recorder->path, -1);
		return err->code;
	}
	return 0;
}

static int open_capture(struct recorder *recorder, struct skt_err *err)
{
	bool live = !strcmp(recorder->tree, LIVE_TREE);
	struct skt_capture_options asked = {
		.name = recorder->tree,
		.tables = recorder->tables,
		.big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
		.clock = { .read = read_clocks },
	};
	int tree = open(recorder->tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (tree < 0) {
		skt_err_sys(err, -errno, "cannot open");
		skt_err_at(err, recorder->tree, -1);
		return err->code;
	}
	/* names in another tree are another host's */
	recorder->passwd = live ? open(PASSWD, O_RDONLY | O_CLOEXEC) : -1;
	asked.passwd_fd = recorder->passwd;
	/* both stay open as long as the program runs */
	return skt_capture_open(tree, &asked, &recorder->capture, err);
}

static int open_all(struct recorder *recorder, struct skt_err *err)
{
	uint64_t seed;
	int rc = open_capture(recorder, err);

	cli_random(&seed, sizeof(seed));
	if (!rc)
		rc = open_output(recorder, err);
	if (!rc)
		rc = open_writer(recorder, err);
	if (rc)
		return rc;
	recorder->matcher = skt_matcher_new(seed);
	if (!recorder->matcher || skt_snapshot_init(&recorder->now, NULL, seed) ||
	    skt_snapshot_init(&recorder->read, recorder->now.strings, 0))
		return skt_err_set(err, -ENOMEM, "out of memory");
	skt_step_init(&recorder->step);
	return 0;
}

/* ---- telling ---- */

static uint64_t problem_hash(const struct skt_err *problem)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (const char *text = problem->path; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	for (const char *text = problem->message; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return (hash ^ (uint64_t)problem->position) * UINT64_C(0x100000001b3);
}

/* What is wrong with the tree, each thing once; a recording made of such a tree is trouble at the end. */
static void tell_problems(struct recorder *recorder)
{
	size_t n;
	uint64_t total;
	const struct skt_err *problems = skt_capture_problems(recorder->capture, &n, &total);

	for (size_t i = 0; i < n; i++) {
		uint64_t hash = problem_hash(&problems[i]);
		size_t at = 0;

		while (at < recorder->n_told && recorder->told[at] != hash)
			at++;
		if (at < recorder->n_told || recorder->n_told == sizeof(recorder->told) / sizeof(*recorder->told))
			continue;
		recorder->told[recorder->n_told++] = hash;
		cli_err(&problems[i]);
		if (recorder->n_told == sizeof(recorder->told) / sizeof(*recorder->told))
			cli_say("more is wrong in %s than is told here; every snapshot counts it", recorder->tree);
	}
	if (total > n && recorder->snapshots == 1)
		cli_say("%s: %llu more things are wrong with it", recorder->tree, (unsigned long long)(total - n));
	recorder->trouble |= total != 0;
}

/* Once: whose holders cannot be told, and why. */
static void tell_denied(const struct recorder *recorder)
{
	uint32_t denied = recorder->now.quality.denied;

	if (denied)
		cli_say("%u process%s may not be looked into%s: who holds their sockets will be unknown", denied,
			denied == 1 ? "" : "es", geteuid() ? " by this user (root may)" : ", even by root");
}

static void tell_status(struct recorder *recorder, int64_t now)
{
	struct skt_buf line;

	if (now - recorder->status_at < STATUS_NS || !isatty(STDERR_FILENO))
		return;
	recorder->status_at = now;
	skt_buf_init(&line);
	skt_buf_text(&line, "\r");
	skt_duration_format(&line, (now - recorder->start) / SKT_NS_PER_S * SKT_NS_PER_S);
	skt_buf_printf(&line, "  %llu snapshots  %zu sockets  %llu bytes  %llu missed ticks\033[K",
		       (unsigned long long)recorder->snapshots, recorder->now.live_socks,
		       (unsigned long long)skt_writer_bytes(recorder->writer), (unsigned long long)recorder->missed);
	if (!line.failed)
		fwrite(line.data, 1, line.len, stderr);
	skt_buf_release(&line);
}

static void tell_end(struct recorder *recorder)
{
	uint8_t chain[SKT_CHAIN_SIZE], file[SKT_CHAIN_SIZE];
	uint64_t lost = skt_writer_lost(recorder->writer);
	char chain_text[2 * SKT_CHAIN_SIZE + 1], file_text[2 * SKT_CHAIN_SIZE + 1];
	struct skt_buf span;

	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	skt_buf_init(&span);
	skt_duration_format(&span, (recorder->last - recorder->first) / SKT_NS_PER_MS * SKT_NS_PER_MS);
	skt_buf_byte(&span, '\0');
	if (lost)
		cli_say("%s: %llu snapshots could not be written", recorder->path, (unsigned long long)lost);
	skt_writer_chain(recorder->writer, chain, file);
	cli_hex(chain, sizeof(chain), chain_text);
	cli_hex(file, sizeof(file), file_text);
	/* written down elsewhere, they prove later that nobody changed the file: sockquery --verify */
	cli_say("%s: %s, %llu snapshot%s, %llu missed tick%s%s, chain %s, sha256 %s", recorder->path,
		span.failed ? "?" : (char *)span.data, (unsigned long long)recorder->snapshots,
		recorder->snapshots == 1 ? "" : "s", (unsigned long long)recorder->missed,
		recorder->missed == 1 ? "" : "s", recorder->pipe_closed ? "; its reader went away" : "", chain_text,
		file_text);
	skt_buf_release(&span);
}

/* ---- recording ---- */

/* A full disk may have room again, and the recording tells the gap then; only a pipe without a reader, or no memory, is the end. */
static int write_snapshot(struct recorder *recorder, struct skt_err *err)
{
	int rc = skt_writer_add(recorder->writer, &recorder->now, &recorder->step, err);

	if (!rc || rc == -EPIPE || rc == -ENOMEM)
		return rc;
	if (!recorder->write_failed) {
		cli_err(err);
		cli_say("%s: the recording goes on; what cannot be written is told in it as a gap", recorder->path);
	}
	recorder->write_failed = true;
	recorder->trouble = true;
	return 0;
}

/* Whoever adds a user puts another file in the place of the old one: the descriptor that capture reads is made to follow. */
static void follow_passwd(const struct recorder *recorder)
{
	struct stat open_one, named_one;
	int fd;

	if (recorder->passwd < 0 || fstat(recorder->passwd, &open_one) || stat(PASSWD, &named_one) ||
	    (open_one.st_ino == named_one.st_ino && open_one.st_dev == named_one.st_dev))
		return;
	fd = open(PASSWD, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	dup3(fd, recorder->passwd, O_CLOEXEC);
	close(fd);
}

static int take_snapshot(struct recorder *recorder, uint32_t missed, struct skt_err *err)
{
	int rc;

	follow_passwd(recorder);
	/* the writer may have given `now` another string table */
	skt_snapshot_clear(&recorder->read, recorder->now.strings);
	rc = skt_capture_next(recorder->capture, &recorder->read, err);
	if (rc)
		return rc;
	recorder->read.number = recorder->snapshots + 1;
	recorder->read.missed = missed;
	rc = skt_match(recorder->matcher, &recorder->now, &recorder->read, !recorder->snapshots, &recorder->step);
	if (rc)
		return skt_err_set(err, rc, "out of memory");
	rc = skt_apply(&recorder->now, &recorder->step, err);
	if (!rc)
		rc = write_snapshot(recorder, err);
	if (rc)
		return rc;
	if (!recorder->snapshots++) {
		recorder->first = recorder->now.boottime;
		tell_denied(recorder);
	}
	recorder->last = recorder->now.boottime;
	recorder->missed += missed;
	tell_problems(recorder);
	return 0;
}

/* Wait until this instant: true, or false when a signal says to end. */
static bool wait_until(const struct recorder *recorder, int64_t when)
{
	for (;;) {
		int64_t left = when - clock_ns(CLOCK_BOOTTIME);
		struct timespec timeout = { .tv_sec = 0 };

		if (left > 0) {
			timeout.tv_sec = left / SKT_NS_PER_S;
			timeout.tv_nsec = left % SKT_NS_PER_S;
		}
		/* even when there is no time left, a signal that came during the snapshot is seen */
		if (sigtimedwait(&recorder->signals, NULL, &timeout) > 0)
			return false;
		if (errno == EAGAIN && clock_ns(CLOCK_BOOTTIME) >= when)
			return true;
	}
}

/*
 * Tick k is due at start + k * interval, however long the ones before took, so ticks do not drift. Those that
 * were due while a snapshot was being taken are missed: the next snapshot says how many.
 */
static int record(struct recorder *recorder, struct skt_err *err)
{
	int64_t end = recorder->duration ? recorder->duration : INT64_MAX, tick = 0;
	uint32_t missed = 0;

	recorder->start = clock_ns(CLOCK_BOOTTIME);
	for (;;) {
		int64_t now, next;
		int rc = take_snapshot(recorder, missed, err);

		if (rc)
			return rc;
		now = clock_ns(CLOCK_BOOTTIME);
		tell_status(recorder, now);
		if (recorder->snapshots == recorder->count)
			return 0;
		next = (now - recorder->start + recorder->interval - 1) / recorder->interval;
		if (next <= tick)
			next = tick + 1;
		/* what would be due after the end is not missed */
		if (next > (end - 1) / recorder->interval + 1)
			next = (end - 1) / recorder->interval + 1;
		missed = (uint32_t)(next - tick - 1);
		tick = next;
		if (next > (end - 1) / recorder->interval) {
			/* no tick is due before the end */
			recorder->missed += missed;
			skt_writer_missed(recorder->writer, missed);
			wait_until(recorder, recorder->start + end);
			return 0;
		}
		if (!wait_until(recorder, recorder->start + next * recorder->interval))
			return 0;
	}
}

static void parse(struct recorder *recorder, int argc, char **argv)
{
	const char *argument;
	int option;

	while ((option = cli_next(&cli, argc, argv, &argument)) >= 0) {
		switch (option) {
		case OPT_INTERVAL:
			recorder->interval = cli_duration("--interval", argument);
			break;
		case OPT_DURATION:
			recorder->duration = cli_duration("--duration", argument);
			if (!recorder->duration)
				cli_usage("--duration: nothing can be recorded in no time");
			break;
		case OPT_COUNT:
			recorder->count = cli_number("--count", argument, 1, INT64_MAX);
			break;
		case OPT_OUTPUT:
			recorder->output = argument;
			break;
		case OPT_PROC:
			recorder->tree = argument;
			break;
		case OPT_TABLES:
			recorder->tables = read_tables(argument);
			break;
		case OPT_NOTE:
			recorder->note = argument;
			break;
		case OPT_SYNC:
			recorder->sync = read_sync(argument);
			break;
		default:
			break;
		}
	}
	if (optind < argc)
		cli_usage("there is no operand '%s' to take", argv[optind]);
	if (recorder->interval < SKT_NS_PER_MS)
		cli_usage("--interval: less than 1ms is not possible");
}

/* Signals that end the recording are blocked and waited for between ticks; not HUP where nohup(1) had it ignored. */
static void block_signals(struct recorder *recorder)
{
	struct sigaction hangup;

	sigemptyset(&recorder->signals);
	sigaddset(&recorder->signals, SIGINT);
	sigaddset(&recorder->signals, SIGTERM);
	if (!sigaction(SIGHUP, NULL, &hangup) && hangup.sa_handler != SIG_IGN)
		sigaddset(&recorder->signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &recorder->signals, NULL);
	/* a closed pipe, or a file that may not grow, is an error of write(2), after which all still ends in good order */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

static void close_all(struct recorder *recorder)
{
	skt_writer_free(recorder->writer);
	skt_capture_free(recorder->capture);
	skt_matcher_free(recorder->matcher);
	skt_snapshot_release(&recorder->now);
	skt_snapshot_release(&recorder->read);
	skt_step_release(&recorder->step);
}

int main(int argc, char **argv)
{
	struct recorder recorder = {
		.interval = SKT_NS_PER_S,
		.tree = LIVE_TREE,
		.tables = (1u << SKT_TABLE_KINDS) - 1,
		.argv = argv,
		.out = -1,
	};
	struct skt_err err;
	int rc;

	cli_begin(&cli);
	skt_err_init(&err);
	parse(&recorder, argc, argv);
	block_signals(&recorder);
	umask(umask(0) | 0077);
	rc = open_all(&recorder, &err);
	if (!rc)
		rc = record(&recorder, &err);
	if (recorder.writer) {
		if (!rc)
			rc = skt_writer_end(recorder.writer, clock_ns(CLOCK_REALTIME), &err);
		recorder.pipe_closed = rc == -EPIPE;
		if (rc && !recorder.pipe_closed)
			cli_err(&err);
		tell_end(&recorder);
	} else {
		cli_err(&err);
	}
	close_all(&recorder);
	return cli_end(recorder.trouble || (rc && !recorder.pipe_closed) ? CLI_TROUBLE : CLI_YES);
}
