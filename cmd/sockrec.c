/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "expression.h"
#include "output.h"
#include "recorder.h"
#include "watch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	OPT_INTERVAL,
	OPT_TICKS,
	OPT_DURATION,
	OPT_COUNT,
	OPT_OUTPUT,
	OPT_ROTATE,
	OPT_KEEP,
	OPT_PROC,
	OPT_TREES,
	OPT_TABLES,
	OPT_NETNS,
	OPT_NETNS_INTERVAL,
	OPT_FULL_WALK,
	OPT_EVENTS,
	OPT_EVENTS_BUFFER,
	OPT_NOTE,
	OPT_SYNC,
	OPT_MAX_SIZE,
	OPT_MIN_FREE,
	OPT_MAX_CPU,
	OPT_NICE,
	OPT_CMDLINE,
	OPT_WATCH,
	OPT_FORMAT,
	OPT_ALL,
	OPT_QUIET
};

static const struct cli_option options[] = {
	[OPT_INTERVAL] = { 'i', "interval", "TIME", "one snapshot each TIME (1s unless told; 200ms, 1m30s, ...)" },
	[OPT_TICKS] = { 0, "ticks", "HOW", "random (unless told): at a random point of each interval; or exact" },
	[OPT_DURATION] = { 'd', "duration", "TIME", "end after TIME (unless told: when interrupted)" },
	[OPT_COUNT] = { 'n', "count", "N", "end after N snapshots" },
	[OPT_OUTPUT] = { 'o', "output", "FILE", "record into FILE, which must not exist yet; - is standard output" },
	[OPT_ROTATE] = { 0, "rotate", "LIMIT",
			 "record into the directory of -o, a new file each SIZE or TIME (64M, 1h)" },
	[OPT_KEEP] = { 0, "keep", "LIMIT", "with --rotate: drop the oldest files beyond SIZE or TIME (2G, 24h)" },
	[OPT_PROC] = { 0, "proc", "DIR", "read this tree instead of /proc" },
	[OPT_TREES] = { 0, "trees", "DIR", "one snapshot of each tree in DIR, at the time that its name says" },
	[OPT_TABLES] = { 0, "tables", "LIST", "only these tables: tcp,tcp6,udp,udp6,udplite,udplite6,raw,raw6" },
	[OPT_NETNS] = { 0, "netns", "WHICH", "network namespaces: all (unless told) that a process lives in, or own" },
	[OPT_NETNS_INTERVAL] = { 0, "netns-interval", "TIME", "read each of the others at least once in TIME (10s)" },
	[OPT_NOTE] = { 0, "note", "TEXT", "keep TEXT in the header" },
	[OPT_FULL_WALK] = { 0, "full-walk", "TIME", "read every descriptor again within TIME (30s unless told)" },
	[OPT_EVENTS] = { 0, "events", "HOW",
			 "auto (unless told): be told of sockets that come and go between snapshots; or none" },
	[OPT_EVENTS_BUFFER] = { 0, "events-buffer", "SIZE",
				"room in the kernel for what is told at once (8M unless told)" },
	[OPT_SYNC] = { 0, "sync", "WHEN", "have the disk keep each block (about a second), each group, or none" },
	[OPT_MAX_SIZE] = { 0, "max-size", "SIZE", "end once the recording has SIZE (64M, 2G, 512K, ...)" },
	[OPT_MIN_FREE] = { 0, "min-free", "SIZE",
			   "end before less than SIZE, or 5%, of the disk is free (5% or 1G unless told)" },
	[OPT_MAX_CPU] = { 0, "max-cpu", "PERCENT", "of one processor: where it would take more, ticks are skipped" },
	[OPT_NICE] = { 0, "nice", "N", "run with this niceness (-10 unless told, where allowed)" },
	[OPT_CMDLINE] = { 0, "cmdline", "HOW", "keep command lines in full, argv0 (the first argument only), or none" },
	[OPT_WATCH] = { 'w', "watch", NULL,
			"print each change as it is seen, of the sockets that EXPR means; record only if there is -o" },
	[OPT_FORMAT] = { 0, "format", "FORMAT", "of what is watched: table (unless told), jsonl, json, csv" },
	[OPT_QUIET] = { 'q', "quiet", NULL, "say nothing on standard error but what is wrong" },
	[OPT_ALL] = { 0, "all", NULL, "watch counters and timers too, and what is there at the start" },
};

static const struct cli cli = {
	.tool = "sockrec",
	.usage = "[OPTION]... [EXPR...]",
	.about = "Record the sockets of this host and the processes that hold them, snapshot by snapshot.",
	.exits = "0 recorded, 2 trouble",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
};

static const char *const sync_names[] = { "block", "group", "none" }; /* enum skt_sync */

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

/* Which of some words the argument is. */
static unsigned read_word(const char *option, const char *argument, const char *const *words, unsigned n)
{
	char all[64] = "";

	for (unsigned i = 0; i < n; i++) {
		if (!strcmp(argument, words[i]))
			return i;
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? ", " : "", words[i]);
	}
	cli_usage("%s: '%s' is none of %s", option, argument, all);
}

static void read_min_free(struct recorder *recorder, const char *argument)
{
	bool percent = strchr(argument, '%');

	recorder->min_free.told = true;
	recorder->min_free.share = percent ? cli_percent("--min-free", argument) : 0;
	recorder->min_free.bytes = percent ? 0 : cli_size("--min-free", argument);
}

/*
 * The names of trees say when, and nobody waits: what is about that does not apply. Nor is anything lost that could not
 * be made again.
 */
static void for_trees(struct recorder *recorder, uint64_t given)
{
	static const int others[] = { OPT_INTERVAL, OPT_TICKS,	 OPT_DURATION, OPT_COUNT,
				      OPT_PROC,	    OPT_MAX_CPU, OPT_ROTATE,   OPT_KEEP };

	for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (given & UINT64_C(1) << others[i])
			cli_usage(
				"--%s does not apply to --trees: there is one snapshot of each tree, at the time that its name says",
				options[others[i]].name);
	if (!(given & UINT64_C(1) << OPT_SYNC))
		recorder->sync = SKT_SYNC_NONE;
}

static void read_format(struct recorder *recorder, const char *argument)
{
	int format = skt_format_of(argument);

	if (format < 0 || format == SKT_FORMAT_NETSTAT)
		cli_usage("--format: '%s' is none of table, jsonl, json, csv", argument);
	recorder->watch.changes.render.format = (enum skt_format)format;
}

/* Options of watching, and of recording, are refused where there is none of it. */
static void for_watch(const struct recorder *recorder, uint64_t given)
{
	static const int of_watch[] = { OPT_FORMAT, OPT_ALL };
	static const int of_file[] = { OPT_NOTE, OPT_SYNC, OPT_MAX_SIZE, OPT_MIN_FREE, OPT_ROTATE, OPT_KEEP };

	for (unsigned i = 0; i < sizeof(of_watch) / sizeof(*of_watch); i++)
		if (!recorder->watch.on && given & UINT64_C(1) << of_watch[i])
			cli_usage("--%s is about --watch", options[of_watch[i]].name);
	for (unsigned i = 0; i < sizeof(of_file) / sizeof(*of_file); i++)
		if (!recorder_records(recorder) && given & UINT64_C(1) << of_file[i])
			cli_usage("--%s: --watch makes no recording unless -o says where", options[of_file[i]].name);
	if (recorder->watch.on && recorder->output && !strcmp(recorder->output, "-"))
		cli_usage("--watch prints on standard output: record into a file (-o FILE), not there too");
}

/* A flight recorder has a directory, and goes on; what ends a single file does not apply. */
static void for_rotation(const struct recorder *recorder)
{
	const struct rotation *rotation = &recorder->rotation;

	if (!rotation->rotate && rotation->keep)
		cli_usage("--keep does not apply without --rotate: a single file keeps all");
	if (!rotation->rotate)
		return;
	if (!recorder->output || !strcmp(recorder->output, "-"))
		cli_usage("--rotate: a directory is needed to record into: -o DIR");
	if (recorder->max_size)
		cli_usage("--max-size does not apply with --rotate: --keep says how much there may be");
	if (rotation->keep_size && rotation->keep_size / 2 < rotation->size)
		cli_usage(
			"--keep: less than two files of --rotate cannot be kept: one is there until the next has grown");
}

static void parse(struct recorder *recorder, int argc, char **argv)
{
	const char *argument;
	uint64_t given = 0;
	int option;

	while ((option = cli_next(&cli, argc, argv, &argument)) >= 0) {
		given |= UINT64_C(1) << option;
		switch (option) {
		case OPT_INTERVAL:
			recorder->interval = cli_duration("--interval", argument);
			break;
		case OPT_TICKS:
			recorder->exact = read_word("--ticks", argument, tick_names, 2);
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
			recorder->output = cli_name("--output", argument, "file");
			break;
		case OPT_ROTATE:
			recorder->rotation.rotate = argument;
			rotation_read("--rotate", argument, &recorder->rotation.size, &recorder->rotation.age);
			break;
		case OPT_KEEP:
			recorder->rotation.keep = argument;
			rotation_read("--keep", argument, &recorder->rotation.keep_size, &recorder->rotation.keep_age);
			break;
		case OPT_PROC:
			recorder->tree = argument;
			break;
		case OPT_TREES:
			recorder->trees_dir = argument;
			break;
		case OPT_TABLES:
			recorder->tables = read_tables(argument);
			break;
		case OPT_NETNS:
			recorder->own_netns = read_word("--netns", argument, netns_names, 2);
			break;
		case OPT_NETNS_INTERVAL:
			recorder->netns_interval = cli_duration("--netns-interval", argument);
			break;
		case OPT_NOTE:
			recorder->note = argument;
			break;
		case OPT_QUIET:
			recorder->quiet = true;
			break;
		case OPT_FULL_WALK:
			recorder->full_walk = cli_duration("--full-walk", argument);
			break;
		case OPT_EVENTS:
			recorder->no_events = read_word("--events", argument, event_names, 2);
			break;
		case OPT_EVENTS_BUFFER:
			recorder->hearing.buffer = cli_size("--events-buffer", argument);
			if (!recorder->hearing.buffer)
				cli_usage("--events-buffer: nothing can be told in no bytes");
			break;
		case OPT_SYNC:
			recorder->sync = (enum skt_sync)read_word("--sync", argument, sync_names, 3);
			break;
		case OPT_MAX_SIZE:
			recorder->max_size = cli_size("--max-size", argument);
			if (!recorder->max_size)
				cli_usage("--max-size: nothing can be recorded in no bytes");
			break;
		case OPT_MIN_FREE:
			read_min_free(recorder, argument);
			break;
		case OPT_MAX_CPU:
			recorder->spending.limit = cli_percent("--max-cpu", argument);
			if (!recorder->spending.limit)
				cli_usage("--max-cpu: nothing can be recorded in no time");
			break;
		case OPT_NICE:
			recorder->nice = (int)cli_signed("--nice", argument, -20, 19);
			recorder->nice_told = true;
			break;
		case OPT_CMDLINE:
			recorder->cmdline = (enum skt_cmdline)read_word("--cmdline", argument, cmdline_names, 3);
			break;
		case OPT_WATCH:
			recorder->watch.on = true;
			break;
		case OPT_FORMAT:
			read_format(recorder, argument);
			break;
		case OPT_ALL:
			recorder->watch.changes.all = true;
			break;
		default:
			break;
		}
	}
	if (optind < argc && !recorder->watch.on)
		cli_usage("'%s': an expression is about --watch, and a file to record into is named with -o",
			  argv[optind]);
	if (optind < argc)
		recorder->watch.changes.filter =
			expression_read(argv + optind, (size_t)(argc - optind), SKT_ZONE_UTC, false);
	if (recorder->interval < SKT_NS_PER_MS)
		cli_usage("--interval: less than 1ms is not possible");
	if (recorder->netns_interval < SKT_NS_PER_MS)
		cli_usage("--netns-interval: less than 1ms is not possible");
	if (recorder->trees_dir)
		for_trees(recorder, given);
	for_watch(recorder, given);
	for_rotation(recorder);
}

/*
 * Signals that end the recording, or mark something in it, are blocked and waited for between ticks; not HUP where
 * nohup(1) had it ignored.
 */
static void block_signals(struct recorder *recorder)
{
	struct sigaction hangup;

	sigemptyset(&recorder->signals);
	sigaddset(&recorder->signals, SIGINT);
	sigaddset(&recorder->signals, SIGTERM);
	sigaddset(&recorder->signals, SIGUSR1);
	if (!sigaction(SIGHUP, NULL, &hangup) && hangup.sa_handler != SIG_IGN)
		sigaddset(&recorder->signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &recorder->signals, NULL);
	/*
	 * a closed pipe, or a file that may not grow, is an error of write(2), after which all still ends in good order
	 */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct recorder recorder = {
		.interval = SKT_NS_PER_S,
		.netns_interval = SKT_NETNS_INTERVAL,
		.tree = LIVE_TREE,
		.tables = (1u << SKT_TABLE_KINDS) - 1,
		.full_walk = SKT_FULL_WALK,
		.argv = argv,
		.trees = { .fd = -1 },
		.tree_fd = -1,
		.passwd = -1,
		.out = -1,
		.rotation = { .dir = -1 },
	};
	struct skt_err err;
	int rc;

	cli_begin(&cli);
	manners_memory();
	skt_err_init(&err);
	parse(&recorder, argc, argv);
	block_signals(&recorder);
	umask(umask(0) | 0077);
	if (!recorder.trees_dir || recorder.nice_told)
		manners_nice(recorder.nice, recorder.nice_told);
	rc = recorder_open(&recorder, &err);
	if (!rc)
		rc = recorder_run(&recorder, &err);
	if (recorder.watch.changes.begun)
		rc = watch_end(&recorder, rc, &err);
	if (recorder.writer)
		rc = output_end(&recorder, rc, &err);
	else if (rc)
		cli_err(&err);
	recorder_release(&recorder);
	return cli_end(recorder.trouble || (rc && !recorder.pipe_closed) ? CLI_TROUBLE : CLI_YES);
}
