/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "clocks.h"
#include "comparable.h"
#include "diff_counts.h"
#include "expression.h"
#include "instant.h"

#include <skt/diff.h>
#include <skt/filter.h>
#include <skt/render.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPT_BETWEEN, OPT_ALL, OPT_COUNT_BY, OPT_FORCE, OPT_FORMAT, OPT_TZ, OPT_NO_HEADER };

static const struct cli_option options[] = {
	[OPT_BETWEEN] = { 0, "between", NULL, "also what opened and closed in between, and how long it lived" },
	[OPT_ALL] = { 0, "all", NULL, "counters, timers, descriptors and TIME_WAIT, too" },
	[OPT_COUNT_BY] = { 0, "count-by", "LIST",
			   "in place of sockets, how many there were and are of each value of these fields" },
	[OPT_FORCE] = { 0, "force", NULL, "compare what is not comparable" },
	[OPT_FORMAT] = { 0, "format", "FORMAT", "table (unless told), json, jsonl or csv" },
	[OPT_TZ] = { 0, "tz", "ZONE",
		     "zone in which times are read and printed: UTC unless told, 'host' the recorded one" },
	[OPT_NO_HEADER] = { 'H', "no-header", NULL, "neither headings nor totals" },
};

static const struct cli cli = {
	.tool = "sockdiff",
	.usage = "[OPTION]... A [B] [EXPR...]",
	.about =
		"Show what differs between two instants: A and B are REC[@TIME], a tree, or /proc; a lone REC: its first and last.",
	.options = options,
	.n_options = sizeof(options) / sizeof(*options),
};

struct diffing {
	struct skt_render render;
	const char *zone;
	bool between, all, force;
	const char *count_by; /* as given, NULL without */
	struct skt_view by;   /* its fields */
	int64_t now;
	struct instant before, after;
	struct skt_filter *filter; /* NULL: everything */
	struct comparison comparison;
	struct skt_diff_sides sides;
	struct skt_diff diff;
	struct skt_between *passing;
	struct skt_difference *shown; /* those that the filter lets through */
	size_t n_shown;
	size_t same;			  /* sockets that do not differ */
	size_t unknown;			  /* differences of which the filter cannot say */
	size_t counts[2][SKT_DIFF_KINDS]; /* of those shown: loud, quiet */
	struct skt_buf out;
};

static int no_memory(struct skt_err *err)
{
	return skt_err_set(err, -ENOMEM, "out of memory");
}

static uint64_t seed(void)
{
	uint64_t seed;

	cli_random(&seed, sizeof(seed));
	return seed;
}

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
	return b ? instant_open(b, after, err) : instant_open_again(before, after, err);
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

/* After a hole there is no snapshot until the next one is read. */
static bool has_reached(const struct skt_cursor *cursor, uint64_t number)
{
	const struct skt_snapshot *snapshot = skt_cursor_snapshot(cursor);

	return snapshot && snapshot->number >= number;
}

/* What opened and closed from the earlier instant to the later one. */
static int find_between(struct diffing *diffing, struct skt_err *err)
{
	const struct skt_snapshot *a = diffing->before.snapshot, *b = diffing->after.snapshot;
	struct skt_time time = { .kind = SKT_TIME_NUMBER, .number = a->number < b->number ? a->number : b->number };
	uint64_t end = a->number < b->number ? b->number : a->number;
	struct skt_cursor *cursor = NULL;
	struct skt_step *step;
	int64_t when;
	int rc = skt_cursor_new(diffing->before.file, &cursor, err);

	diffing->passing = skt_between_new(seed());
	if (!diffing->passing)
		rc = no_memory(err);
	if (!rc)
		rc = skt_cursor_seek(cursor, &time, diffing->render.zone, &when, err);
	while (!rc && !has_reached(cursor, end)) {
		rc = skt_cursor_next(cursor, &step, err);
		if (rc < 0 && rc != -ENOMEM && diffing->force) {
			/* what is behind the hole can be read all the same */
			cli_err(err);
			rc = 0;
			continue;
		}
		if (rc <= 0)
			break;
		rc = skt_between_step(diffing->passing, skt_cursor_snapshot(cursor), step);
		if (rc)
			skt_err_set(err, rc, "%s",
				    rc == -E2BIG ? "too much came and went in between" : "out of memory");
	}
	skt_cursor_free(cursor);
	return rc < 0 ? rc : 0;
}

static void check_between(const struct diffing *diffing)
{
	const struct instant *a = &diffing->before, *b = &diffing->after;

	if (!a->file || !b->file ||
	    memcmp(skt_file_header(a->file)->recording_id, skt_file_header(b->file)->recording_id, 16) != 0)
		cli_usage("--between: '%s' and '%s' are not of one recording", a->operand, b->operand);
}

/* ---- what is shown ---- */

/* Whether one of its sides is meant, or may be. */
static enum skt_truth test(const struct diffing *diffing, const struct skt_diff_side *side, uint32_t slot)
{
	struct skt_row row = { .host = side->host, .boot_time = side->boot_time, .snapshot = side->snapshot };

	if (slot == SKT_NO_SLOT)
		return SKT_FALSE;
	row.sock = &side->snapshot->socks[slot];
	return diffing->filter ? skt_filter_test(diffing->filter, &row) : SKT_TRUE;
}

static void choose(struct diffing *diffing, const struct skt_difference *items, size_t n)
{
	const struct skt_diff_sides *sides = &diffing->sides;

	for (size_t i = 0; i < n; i++) {
		const struct skt_difference *item = &items[i];
		const struct skt_diff_side *was = item->kind == SKT_DIFF_TRANSIENT ? &sides->between : &sides->before;
		enum skt_truth before = test(diffing, was, item->before);
		enum skt_truth after = test(diffing, &sides->after, item->after);

		if (before != SKT_TRUE && after != SKT_TRUE) {
			diffing->unknown += before == SKT_UNKNOWN || after == SKT_UNKNOWN;
			continue;
		}
		diffing->counts[skt_difference_is_quiet(item)][item->kind]++;
		diffing->shown[diffing->n_shown++] = *item;
	}
}

static int choose_all(struct diffing *diffing, struct skt_err *err)
{
	const struct skt_difference *passing = NULL;
	size_t n_passing = 0;

	if (diffing->passing)
		passing = skt_between_found(diffing->passing, &n_passing);
	diffing->shown = malloc((diffing->diff.n + n_passing + 1) * sizeof(*diffing->shown));
	if (!diffing->shown)
		return no_memory(err);
	choose(diffing, diffing->diff.items, diffing->diff.n);
	choose(diffing, passing, n_passing);
	for (size_t i = 0; i < diffing->diff.n_same; i++)
		diffing->same += test(diffing, &diffing->sides.after, diffing->diff.same[i]) == SKT_TRUE;
	return 0;
}

static struct skt_diff_side side_of(const struct instant *instant)
{
	return (struct skt_diff_side){ .snapshot = instant->snapshot,
				       .host = instant->host,
				       .boot_time = instant->boot_time };
}

static int find(struct diffing *diffing, struct skt_err *err)
{
	struct skt_diff_options asked = { .across = diffing->comparison.across,
					  .uneven = diffing->comparison.uneven,
					  .all = diffing->all,
					  .tables = diffing->comparison.tables,
					  .seed = seed() };
	int rc = skt_diff_find(diffing->before.snapshot, diffing->after.snapshot, &asked, &diffing->diff);

	if (rc)
		return no_memory(err);
	diffing->sides.before = side_of(&diffing->before);
	diffing->sides.after = side_of(&diffing->after);
	if (diffing->between) {
		rc = find_between(diffing, err);
		diffing->sides.between = side_of(&diffing->after);
		if (diffing->passing)
			diffing->sides.between.snapshot = skt_between_snapshot(diffing->passing);
	}
	return rc ? rc : choose_all(diffing, err);
}

/* A line in the table, or on stderr where the output is for programs. */
static void print_line(struct diffing *diffing, struct skt_buf *line)
{
	skt_buf_byte(line, '\0');
	if (line->failed)
		diffing->out.failed = true;
	else if (diffing->render.format == SKT_FORMAT_TABLE && diffing->render.heading)
		cli_line(&diffing->out, (char *)line->data);
	else
		cli_say("%s", (char *)line->data);
	skt_buf_clear(line);
}

/* Which instants they are. */
static void print_instant(struct diffing *diffing, char sign, const struct instant *instant)
{
	const struct skt_snapshot *snapshot = instant->snapshot;
	struct skt_buf line;

	skt_buf_init(&line);
	skt_buf_printf(&line, "%c %s: %s%s", sign, instant->name, instant->host, *instant->host ? " " : "");
	skt_time_format(&line, snapshot->time, diffing->render.zone);
	if (instant->file)
		skt_buf_printf(&line, ", snapshot %llu of %llu", (unsigned long long)snapshot->number,
			       (unsigned long long)skt_file_span(instant->file).snapshots);
	skt_buf_printf(&line, ", %zu socket%s", snapshot->live_socks, snapshot->live_socks == 1 ? "" : "s");
	print_line(diffing, &line);
	skt_buf_release(&line);
}

/* Why they are not comparable: what is printed in spite of it says so. */
static void print_reasons(struct diffing *diffing)
{
	const struct skt_buf *why = &diffing->comparison.why;
	struct skt_buf line;

	skt_buf_init(&line);
	for (size_t at = 0; !why->failed && at < why->len; at += strlen((char *)why->data + at) + 1) {
		if (diffing->force) {
			skt_buf_printf(&line, "! not comparable, and compared: %s", (char *)why->data + at);
			print_line(diffing, &line);
		} else {
			cli_say("not comparable: %s", (char *)why->data + at);
		}
	}
	skt_buf_release(&line);
	if (!diffing->force)
		cli_say("--force compares them all the same");
}

static void add_counts(struct skt_buf *line, const size_t *counts, const char *first)
{
	const char *separator = first;

	for (unsigned kind = SKT_DIFF_OPENED; kind < SKT_DIFF_KINDS; kind++) {
		if (!counts[kind])
			continue;
		skt_buf_printf(line, "%s%zu %s", separator, counts[kind], skt_difference_name(kind));
		separator = ", ";
	}
}

static void print_totals(struct diffing *diffing)
{
	struct skt_buf line;

	if (diffing->render.format != SKT_FORMAT_TABLE || !diffing->render.heading)
		return;
	skt_buf_init(&line);
	add_counts(&line, diffing->counts[0], "");
	if (!line.len)
		skt_buf_text(&line, "no difference");
	add_counts(&line, diffing->counts[1], "; of the same programs ");
	skt_buf_printf(&line, "; %zu the same", diffing->same);
	print_line(diffing, &line);
	skt_buf_release(&line);
}

static bool differs(const struct diffing *diffing)
{
	for (unsigned kind = 0; kind < SKT_DIFF_KINDS; kind++)
		if (diffing->counts[0][kind])
			return true;
	return false;
}

static int render(struct diffing *diffing, struct skt_err *err)
{
	struct diff_counts counts = { .diff = &diffing->diff,
				      .sides = &diffing->sides,
				      .filter = diffing->filter,
				      .by = diffing->by,
				      .all = diffing->all,
				      .seed = seed() };

	if (diffing->count_by)
		return diff_counts_show(&counts, &diffing->render, &diffing->out, err);
	skt_render_differences(&diffing->render, &diffing->sides, diffing->shown, diffing->n_shown, &diffing->out);
	return 0;
}

/* The exit status, or a negative errno. */
static int show(struct diffing *diffing, struct skt_err *err)
{
	bool is_different;
	int rc;

	skt_render_begin(&diffing->render, &diffing->out);
	print_instant(diffing, '-', &diffing->before);
	print_instant(diffing, '+', &diffing->after);
	if (diffing->sides.forced)
		print_reasons(diffing);
	rc = render(diffing, err);
	if (rc)
		return rc;
	skt_render_end(&diffing->render, &diffing->out);
	print_totals(diffing);
	cli_write(&diffing->out);
	is_different = differs(diffing);
	if (diffing->unknown)
		cli_say("of %zu differences it is not known whether they are meant", diffing->unknown);
	if (diffing->unknown && !is_different)
		return CLI_TROUBLE;
	return is_different ? CLI_NO : CLI_YES;
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
	diffing->comparison.whole = diffing->between;
	diffing->sides.forced = !comparable(&diffing->comparison);
	if (diffing->sides.forced && !diffing->force) {
		print_reasons(diffing);
		return CLI_TROUBLE;
	}
	rc = find(diffing, err);
	return rc ? rc : show(diffing, err);
}

static void release(struct diffing *diffing)
{
	skt_diff_release(&diffing->diff);
	skt_between_free(diffing->passing);
	skt_filter_free(diffing->filter);
	skt_buf_release(&diffing->comparison.why);
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

	return isatty(STDOUT_FILENO) && !(none && *none) && terminal && strcmp(terminal, "dumb") != 0;
}

int main(int argc, char **argv)
{
	struct diffing diffing = { .render = { .heading = true, .host = "", .zone = SKT_ZONE_UTC } };
	const char *argument, *a, *b;
	struct skt_err err;
	int option, rc;

	cli_begin(&cli);
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
		case OPT_NO_HEADER:
			diffing.render.heading = false;
			break;
		default:
			break;
		}
	}
	if (diffing.count_by && diffing.between)
		cli_usage("--between: what came and went is neither before nor after, and not counted");
	if (optind == argc)
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
	a = argv[optind++];
	b = optind < argc && instant_is_operand(argv[optind]) ? argv[optind++] : NULL;
	if (optind < argc)
		diffing.filter = expression_read(argv + optind, (size_t)(argc - optind), diffing.render.zone);
	rc = run(&diffing, a, b, &err);
	if (rc < 0)
		cli_err(&err);
	release(&diffing);
	return cli_end(rc < 0 ? CLI_TROUBLE : rc);
}
