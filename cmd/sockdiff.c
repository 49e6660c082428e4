/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "clocks.h"
#include "diff_counts.h"
#include "diffing.h"
#include "expression.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPT_BETWEEN, OPT_ALL, OPT_COUNT_BY, OPT_FORCE, OPT_FORMAT, OPT_TZ, OPT_QUIET, OPT_NO_HEADER, OPT_STDIN };

static const struct cli_option options[] = {
	[OPT_BETWEEN] = { 0, "between", NULL, "also what opened and closed in between, and how long it lived" },
	[OPT_ALL] = { 0, "all", NULL, "counters, timers, descriptors and TIME_WAIT, too" },
	[OPT_COUNT_BY] = { 0, "count-by", "LIST",
			   "in place of sockets, how many there were and are of each value of these fields" },
	[OPT_FORCE] = { 0, "force", NULL, "compare what is not comparable" },
	[OPT_FORMAT] = { 0, "format", "FORMAT", "table (unless told), json, jsonl or csv" },
	[OPT_TZ] = { 0, "tz", "ZONE",
		     "zone in which times are read and printed: UTC unless told, 'host' the recorded one" },
	[OPT_QUIET] = { 'q', "quiet", NULL, "print nothing where nothing differs" },
	[OPT_NO_HEADER] = { 'H', "no-header", NULL, "neither headings nor totals" },
	[OPT_STDIN] = { '@', NULL, "TIME", "as the operand -@TIME: standard input, at TIME" },
};

static const struct cli cli = {
	.tool = "sockdiff",
	.usage = "[OPTION]... A [B] [EXPR...]",
	.about =
		"Show what differs between two instants: A and B are REC[@TIME], a tree, or /proc; a lone REC: its first and last.",
	.exits = "0 nothing differs, 1 something does, 2 trouble or not comparable",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
};

/* ---- what is compared ---- */

/* --tz=host: the zone that the recorded host had. */
static enum skt_zone host_zone(const struct diffing *diffing)
{
	const struct instant *sides[] = { &diffing->before, &diffing->after };

	for (unsigned i = 0; i < 2; i++) {
		const char *zone =
			sides[i]->file ? skt_header_fact(skt_file_header(sides[i]->file), "host.zone") : NULL;

		if (zone)
			return cli_zone(zone);
	}
	cli_say("the zone of the recorded host is not known; times are UTC");
	return SKT_ZONE_UTC;
}

static int open_sides(struct diffing *diffing, const char *a, const char *b, struct skt_err *err)
{
	struct instant *before = &diffing->before, *after = &diffing->after;
	int rc = instant_open(a, before, err);

	if (rc)
		return rc;
	if (!b && (before->is_tree || before->time))
		cli_usage("'%s' is one instant: name another", a);
	if (!b && skt_file_span(before->file).snapshots == 1)
		cli_usage("'%s' has one snapshot: name another instant", a);
	if (b && !(instant_is_input(a) && instant_is_input(b)))
		return instant_open(b, after, err);
	return instant_open_again(before, b ? b : a, after, err);
}

/* Recordings first: a tree is looked at as they were. */
static int read_sides(struct diffing *diffing, bool lone, struct skt_err *err)
{
	struct instant *sides[] = { &diffing->before, &diffing->after };
	int rc = 0;

	for (unsigned i = 0; !rc && i < 2; i++)
		if (!sides[i]->is_tree)
			rc = instant_seek(sides[i], lone && !i, diffing->render.zone, diffing->now, err);
	for (unsigned i = 0; !rc && i < 2; i++) {
		const struct instant *other = sides[!i];

		if (sides[i]->is_tree)
			rc = instant_look(sides[i], other->snapshot ? other : NULL, err);
	}
	return rc;
}

static void tell_damage(const struct diffing *diffing)
{
	const struct instant *sides[] = { &diffing->before, &diffing->after };

	for (unsigned i = 0; i < 2; i++) {
		size_t n = 0;
		const struct skt_damage *damage = sides[i]->file ? skt_file_damage(sides[i]->file, &n) : NULL;

		if (!i || strcmp(sides[0]->name, sides[1]->name) != 0)
			recording_tell_damage(sides[i]->name, damage, n, diffing->render.zone);
	}
}

/* One run's files have one id, too, and numbers of their own. */
static bool is_same_file(const struct instant *a, const struct instant *b)
{
	struct stat one, other;

	return !fstat(a->recording.fd, &one) && !fstat(b->recording.fd, &other) && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

static void check_between(const struct diffing *diffing)
{
	const struct instant *a = &diffing->before, *b = &diffing->after;

	if (!a->file || !b->file ||
	    memcmp(skt_file_header(a->file)->recording_id, skt_file_header(b->file)->recording_id, 16) != 0)
		cli_usage("--between: '%s' and '%s' are not of one recording", a->operand, b->operand);
	if (!is_same_file(a, b))
		cli_usage(
			"--between: '%s' and '%s' are not one file, nor one directory, and what is between them is in neither alone",
			a->operand, b->operand);
}

/* All of it: the exit status, or a negative errno. */
static int run(struct diffing *diffing, const char *a, const char *b, struct skt_err *err)
{
	int rc = open_sides(diffing, a, b, err);

	if (rc)
		return rc;
	if (diffing->zone && !strcmp(diffing->zone, "host"))
		diffing->render.zone = host_zone(diffing);
	if (diffing->between)
		check_between(diffing);
	rc = read_sides(diffing, !b, err);
	tell_damage(diffing);
	if (rc)
		return rc;
	diffing->comparison.before = &diffing->before;
	diffing->comparison.after = &diffing->after;
	diffing->comparison.filter = diffing->filter;
	comparable(&diffing->comparison);
	rc = diffing_find(diffing, err);
	if (rc)
		return rc;
	diffing->sides.forced = diffing->comparison.why.len;
	if (diffing->sides.forced && !diffing->force) {
		diffing_print_reasons(diffing);
		return CLI_TROUBLE;
	}
	rc = diffing_choose(diffing, err);
	return rc ? rc : diffing_show(diffing, err);
}

static void release(struct diffing *diffing)
{
	skt_diff_release(&diffing->diff);
	skt_between_free(diffing->passing);
	skt_filter_free(diffing->filter);
	skt_buf_release(&diffing->comparison.why);
	skt_buf_release(&diffing->comparison.notes);
	skt_buf_release(&diffing->out);
	instant_release(&diffing->before);
	instant_release(&diffing->after);
	free(diffing->shown);
}

/* ---- the command line ---- */

static enum skt_format set_format(const char *name)
{
	int format = skt_format_of(name);

	if (format < 0 || format == SKT_FORMAT_NETSTAT)
		cli_usage("--format: '%s' is none of table, json, jsonl, csv", name);
	return (enum skt_format)format;
}

/* Whether a terminal is to have colours: https://no-color.org */
static bool wants_colour(void)
{
	const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(none && *none) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

/* The words -@TIME, which getopt takes for options and moves to the front; and the command line as it was typed. */
struct inputs {
	const char *words[2];
	unsigned n;
	char **typed;
};

static void add_input(struct inputs *inputs, const char *argument, const char *word)
{
	if (argument != word + 2 || word[0] != '-')
		cli_usage("'-@' is no operand without a TIME: write -@TIME");
	if (inputs->n == 2)
		cli_usage("'%s': two instants are named already", word);
	inputs->words[inputs->n++] = word;
}

static size_t place_of(const struct inputs *inputs, const char *word)
{
	size_t i = 0;

	while (inputs->typed[i] && inputs->typed[i] != word)
		i++;
	return i;
}

/* The next operand, where it was typed; NULL: there is none. */
static const char *take_operand(struct inputs *inputs, unsigned *taken, int argc, char **argv, bool first)
{
	const char *input = *taken < inputs->n ? inputs->words[*taken] : NULL;
	const char *word = optind < argc && (first || instant_is_operand(argv[optind])) ? argv[optind] : NULL;

	if (input && (!word || place_of(inputs, input) < place_of(inputs, word))) {
		++*taken;
		return input;
	}
	optind += word != NULL;
	return word;
}

int main(int argc, char **argv)
{
	struct diffing diffing = { .render = { .heading = true, .host = "", .zone = SKT_ZONE_UTC } };
	const char *argument, *a, *b;
	struct inputs inputs = { .n = 0 };
	unsigned taken = 0;
	struct skt_err err;
	int option, rc;

	cli_begin(&cli);
	inputs.typed = calloc((size_t)argc + 1, sizeof(*inputs.typed));
	if (!inputs.typed)
		cli_usage("out of memory");
	memcpy(inputs.typed, argv, (size_t)argc * sizeof(*argv));
	while ((option = cli_next(&cli, argc, argv, &argument)) >= 0) {
		switch (option) {
		case OPT_BETWEEN:
			diffing.between = true;
			break;
		case OPT_ALL:
			diffing.all = true;
			break;
		case OPT_COUNT_BY:
			diffing.count_by = argument;
			diff_counts_parse(argument, &diffing.by);
			break;
		case OPT_FORCE:
			diffing.force = true;
			break;
		case OPT_FORMAT:
			diffing.render.format = set_format(argument);
			break;
		case OPT_TZ:
			diffing.zone = argument;
			break;
		case OPT_QUIET:
			diffing.quiet = true;
			break;
		case OPT_NO_HEADER:
			diffing.render.heading = false;
			break;
		case OPT_STDIN:
			add_input(&inputs, argument, argv[optind - 1]);
			break;
		default:
			break;
		}
	}
	if (diffing.count_by && diffing.between)
		cli_usage("--between: what came and went is neither before nor after, and not counted");
	if (optind == argc && !inputs.n)
		cli_usage("nothing to compare named");
	instant_init(&diffing.before, "");
	instant_init(&diffing.after, "");
	if (diffing.zone && strcmp(diffing.zone, "host"))
		diffing.render.zone = cli_zone(diffing.zone);
	diffing.now = clock_ns(CLOCK_REALTIME);
	diffing.render.width = cli_width();
	diffing.render.colour = wants_colour();
	skt_err_init(&err);
	skt_buf_init(&diffing.out);
	if (!inputs.n)
		expression_check_first(argv + optind, (size_t)(argc - optind));
	a = take_operand(&inputs, &taken, argc, argv, true);
	b = take_operand(&inputs, &taken, argc, argv, false);
	if (taken < inputs.n)
		cli_usage("'%s': two instants are named already", inputs.words[taken]);
	if (optind < argc)
		diffing.filter = expression_read(argv + optind, (size_t)(argc - optind), diffing.render.zone, false);
	diffing.time_wait = diffing.all || (diffing.filter && skt_filter_names_state(diffing.filter, SKT_TIME_WAIT));
	rc = run(&diffing, a, b, &err);
	if (rc < 0)
		cli_err(&err);
	release(&diffing);
	free(inputs.typed);
	return cli_end(rc < 0 ? CLI_TROUBLE : rc);
}
