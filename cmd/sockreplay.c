/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "clocks.h"
#include "command.h"
#include "expression.h"
#include "replay.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	OPT_FROM,
	OPT_TO,
	OPT_SPEED,
	OPT_FOLLOW,
	OPT_ALL,
	OPT_FORMAT,
	OPT_TZ,
	OPT_TO_TREE,
	OPT_TO_TREES,
	OPT_MOUNT,
	OPT_SELF_TEST,
	OPT_STDIN
};

static const struct cli_option options[] = {
	[OPT_FROM] = { 0, "from", "TIME", "begin with the snapshot in force at TIME" },
	[OPT_TO] = { 0, "to", "TIME", "end with the snapshot in force at TIME" },
	[OPT_SPEED] = { 0, "speed", "N", "N times as fast as it was: 1 is life, 60 an hour in a minute" },
	[OPT_FOLLOW] = { 0, "follow", NULL, "go on with what a recorder is still writing" },
	[OPT_ALL] = { 0, "all", NULL, "print counters and timers too, and what is there at the start" },
	[OPT_FORMAT] = { 0, "format", "FORMAT", "of what is printed: table (unless told), jsonl, json, csv" },
	[OPT_TZ] = { 0, "tz", "ZONE",
		     "zone in which times are read and printed: UTC unless told, 'host' the recorded one" },
	[OPT_TO_TREE] = { 0, "to-tree", "DIR",
			  "write the instant as a tree; with --speed, DIR is a link to one that moves" },
	[OPT_TO_TREES] = { 0, "to-trees", "DIR", "write a tree for every snapshot: sockrec --trees reads them" },
	[OPT_MOUNT] = { 0, "mount", NULL, "lay the tree over /proc for COMMAND, in namespaces of its own" },
	[OPT_SELF_TEST] = { 0, "self-test", NULL, "write every snapshot as a tree, read it back, and compare" },
	[OPT_STDIN] = { '@', NULL, "TIME", "as the operand -@TIME: standard input, at TIME" },
};

static const struct cli cli = {
	.tool = "sockreplay",
	.usage = "[OPTION]... REC[@TIME] [EXPR...] [-- COMMAND [ARG]...]",
	.about =
		"Print the changes of a recording in order, or give an instant of it to programs, as a tree like /proc.",
	.behind = "; a COMMAND, with options of its own, stands behind --",
	.exits = "0 yes, 1 no, 2 trouble or cannot say; with COMMAND its own, or 125, 126, 127 as env(1)",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
};

/* ---- the command line ---- */

/*
 * Take COMMAND off the end: it begins behind the first "--". From here on there is an exit status that is the
 * command's.
 */
static void split_command(struct replay *replay, int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		cli_trouble_is(COMMAND_TROUBLE);
		if (i + 1 == *argc)
			cli_usage("there is no command behind '--'");
		replay->argv = argv + i + 1;
		argv[i] = NULL;
		*argc = i;
		return;
	}
}

static int read_format(const char *name)
{
	int format = skt_format_of(name);

	if (format < 0 || format == SKT_FORMAT_NETSTAT)
		cli_usage("--format: '%s' is none of table, jsonl, json, csv", name);
	return format;
}

/* What each of the things that can be done does not take. */
static void check(const struct replay *replay, unsigned given)
{
	const unsigned of_steps = 1u << OPT_FOLLOW | 1u << OPT_ALL | 1u << OPT_FORMAT;
	const unsigned of_span = 1u << OPT_FROM | 1u << OPT_TO | 1u << OPT_SPEED;
	const unsigned trees = 1u << OPT_TO_TREE | 1u << OPT_TO_TREES | 1u << OPT_SELF_TEST;
	unsigned wrong = 0;
	const char *why = "";

	if (given & trees || replay->argv) {
		wrong = of_steps;
		why = "is about changes that are printed";
	}
	if (!(given & wrong) && replay->recording.time) {
		wrong = of_span | of_steps | 1u << OPT_TO_TREES | 1u << OPT_SELF_TEST;
		why = "is not about one instant: name the recording without @TIME";
	}
	if (!(given & wrong) && given & (1u << OPT_TO_TREES | 1u << OPT_SELF_TEST)) {
		wrong = 1u << OPT_SPEED | 1u << OPT_MOUNT;
		why = "is of no use here";
	}
	if (!(given & wrong) && given & 1u << OPT_MOUNT && replay->pace.speed > 0) {
		wrong = 1u << OPT_MOUNT;
		why = "shows one instant, and --speed many";
	}
	if (!(given & wrong) && (given & 1u << OPT_TO_TREE || replay->argv) && !(given & 1u << OPT_SPEED)) {
		wrong = 1u << OPT_FROM | 1u << OPT_TO;
		why = "does not name an instant (REC@TIME does), unless time moves (--speed)";
	}
	if (!(given & wrong) && !replay->argv) {
		wrong = 1u << OPT_MOUNT;
		why = "needs a command: -- COMMAND";
	}
	for (unsigned i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (given & wrong & 1u << i)
			cli_usage("--%s %s", options[i].name, why);
	for (unsigned i = 0; i < sizeof(options) / sizeof(*options); i++)
		for (unsigned j = i + 1; j < sizeof(options) / sizeof(*options); j++)
			if (given & trees & 1u << i && given & trees & 1u << j)
				cli_usage("--%s and --%s are two things to do", options[i].name, options[j].name);
	if (replay->n_words && (given & trees || replay->argv))
		cli_usage("'%s': an expression is about changes that are printed, and a tree has all there is",
			  replay->words[0]);
	if (replay->recording.time && !replay->to_tree && !replay->argv)
		cli_usage(
			"one instant has no changes: name the recording without @TIME, or --to-tree=DIR, or -- COMMAND");
	if (replay->argv && given & (1u << OPT_TO_TREES | 1u << OPT_SELF_TEST))
		cli_usage("a command is run on one tree, or on one that moves (--speed)");
	if (replay->argv && given & 1u << OPT_TO_TREE && !(given & 1u << OPT_SPEED))
		cli_usage("--to-tree: a command has a tree of its own, unless time moves (--speed)");
}

/* Read all of it; returns the operand. */
static const char *parse(struct replay *replay, unsigned *ret_given, int argc, char **argv)
{
	const char *argument;
	unsigned given = 0;
	int option;

	while ((option = cli_next(&cli, argc, argv, &argument)) >= 0) {
		given |= 1u << option;
		switch (option) {
		case OPT_FROM:
			replay->from = argument;
			break;
		case OPT_TO:
			replay->to = argument;
			break;
		case OPT_SPEED:
			replay->pace.speed = cli_factor("--speed", argument);
			break;
		case OPT_FOLLOW:
			replay->follow = true;
			break;
		case OPT_ALL:
			replay->changes.all = true;
			break;
		case OPT_FORMAT:
			replay->changes.render.format = (enum skt_format)read_format(argument);
			break;
		case OPT_TZ:
			replay->zone_name = argument;
			break;
		case OPT_TO_TREE:
			replay->to_tree = cli_name("--to-tree", argument, "directory");
			break;
		case OPT_TO_TREES:
			replay->to_trees = cli_name("--to-trees", argument, "directory");
			break;
		case OPT_MOUNT:
			replay->mount = true;
			break;
		case OPT_SELF_TEST:
			replay->self_test = true;
			break;
		case OPT_STDIN:
			/* getopt took it for an option; it is an operand */
			free(replay->standard_input);
			if (asprintf(&replay->standard_input, "-@%s", argument) < 0)
				cli_usage("out of memory");
			break;
		default:
			break;
		}
	}
	*ret_given = given;
	if (optind == argc && !replay->standard_input)
		cli_usage("no recording named");
	if (!replay->standard_input)
		expression_check_first(argv + optind, (size_t)(argc - optind));
	replay->words = argv + optind + !replay->standard_input;
	replay->n_words = (size_t)(argc - optind - !replay->standard_input);
	return replay->standard_input ? replay->standard_input : argv[optind];
}

/* ---- the recording ---- */

static int open_recording(struct replay *replay, struct skt_err *err)
{
	int rc = skt_file_open(replay->recording.fd, replay->recording.path, 0, &replay->file, err);

	if (rc)
		return rc;
	replay_take_host(replay, skt_file_header(replay->file));
	if (replay->zone_name)
		replay->zone =
			strcmp(replay->zone_name, "host") ? cli_zone(replay->zone_name) : recording_zone(replay->file);
	/* instants in it are read in the zone that is known by now */
	if (replay->n_words)
		replay->changes.filter = expression_read(replay->words, replay->n_words, replay->zone, false);
	return 0;
}

/* Go to the instant that is to become a tree, and say which it is. */
static int seek(struct replay *replay, struct skt_err *err)
{
	struct skt_time time = { .kind = SKT_TIME_LAST };
	const struct skt_snapshot *snapshot;
	const struct skt_damage *damage;
	struct skt_buf line;
	int64_t when;
	size_t n;
	int rc = 0;

	if (replay->recording.time)
		rc = skt_time_parse(replay->recording.time, replay->zone, replay->now, &time, err);
	if (!rc)
		rc = skt_cursor_new(replay->file, &replay->cursor, err);
	if (!rc)
		rc = skt_cursor_seek(replay->cursor, &time, replay->zone, &when, err);
	damage = skt_file_damage(replay->file, &n);
	recording_tell_damage(skt_file_name(replay->file), damage, n, replay->zone);
	if (rc)
		return rc;
	replay_take_host(replay, skt_cursor_header(replay->cursor));
	snapshot = skt_cursor_snapshot(replay->cursor);
	skt_buf_init(&line);
	skt_buf_printf(&line, "%s%s", replay->host.name, replay->host.name[0] ? " " : "");
	skt_time_format(&line, snapshot->time, replay->zone);
	skt_buf_printf(&line, ", snapshot %llu of %llu, %zu socket%s", (unsigned long long)snapshot->number,
		       (unsigned long long)skt_file_span(replay->file).number, snapshot->live_socks,
		       snapshot->live_socks == 1 ? "" : "s");
	skt_buf_byte(&line, '\0');
	if (!line.failed)
		cli_say("%s: %s", skt_file_name(replay->file), (char *)line.data);
	skt_buf_release(&line);
	return 0;
}

/* ---- places ---- */

/* What is to be there may not be there, or is an empty directory. */
static int check_place(const char *path, struct skt_err *err)
{
	const struct dirent *entry;
	struct stat status;
	bool empty = true;
	DIR *dir;

	if (lstat(path, &status)) {
		if (errno == ENOENT)
			return 0;
		skt_err_sys(err, -errno, "cannot look at it");
		return skt_err_at(err, path, -1);
	}
	if (!S_ISDIR(status.st_mode)) {
		skt_err_set(err, -EEXIST, "it is there already");
		return skt_err_at(err, path, -1);
	}
	dir = opendir(path);
	if (!dir) {
		skt_err_sys(err, -errno, "cannot open");
		return skt_err_at(err, path, -1);
	}
	while ((entry = readdir(dir)))
		empty &= !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	closedir(dir);
	if (!empty) {
		skt_err_set(err, -EEXIST, "there is something in it");
		return skt_err_at(err, path, -1);
	}
	return 0;
}

static int plan(struct replay *replay, struct skt_err *err)
{
	const char *path = replay->to_tree ? replay->to_tree : replay->to_trees, *tmp = getenv("TMPDIR");
	int rc;

	if (replay->mount)
		return 0;
	if (!path)
		return room_plan(&replay->room, tmp && *tmp ? tmp : "/tmp", err);
	rc = room_plan_beside(&replay->room, path, err);
	return rc ? rc : check_place(path, err);
}

/* What is to be done as a keeper; NULL: nothing, changes are printed. */
static int (*work_of(const struct replay *replay))(struct guard *, void *)
{
	if (replay->self_test)
		return replay_self_test;
	if (replay->to_trees)
		return replay_to_trees;
	if ((replay->to_tree || replay->argv) && replay->pace.speed > 0)
		return replay_moving;
	if (replay->to_tree)
		return replay_to_tree;
	if (replay->mount)
		return replay_inside;
	return replay->argv ? replay_command : NULL;
}

static int work(struct replay *replay, struct skt_err *err)
{
	int (*todo)(struct guard *, void *) = work_of(replay);
	int rc = open_recording(replay, err);

	if (rc)
		return rc;
	if (!todo)
		return replay_steps(replay);
	if (todo == replay_to_tree || todo == replay_inside || todo == replay_command)
		rc = seek(replay, err);
	if (!rc)
		rc = plan(replay, err);
	if (!rc && todo != replay_self_test)
		replay_tell_lacks(replay);
	return rc ? rc : guarded(&replay->guard, &replay->room, todo, replay);
}

int main(int argc, char **argv)
{
	struct replay replay = { .zone = SKT_ZONE_UTC, .room = ROOM_NONE, .recording = { .fd = -1 }, .host.btime = -1 };
	const char *operand;
	struct skt_err err;
	unsigned given;
	int rc;

	cli_begin(&cli);
	skt_err_init(&err);
	split_command(&replay, &argc, argv);
	operand = parse(&replay, &given, argc, argv);
	replay.now = clock_ns(CLOCK_REALTIME);
	rc = recording_open(operand, &replay.recording, &err);
	check(&replay, given);
	if (!rc) {
		guard_begin(&replay.guard);
		rc = work(&replay, &err);
	}
	if (rc < 0) {
		cli_err(&err);
		rc = cli_trouble();
	}
	skt_filter_free(replay.changes.filter);
	replay_place_release(&replay);
	skt_cursor_free(replay.cursor);
	skt_file_free(replay.file);
	recording_close(&replay.recording);
	free(replay.standard_input);
	rc = cli_end(rc);
	if (replay.guard.signal)
		guard_die(&replay.guard, replay.guard.signal);
	return rc;
}
