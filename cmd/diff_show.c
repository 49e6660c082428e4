/* SPDX-License-Identifier: MIT */
#include "diffing.h"

#include "cli.h"
#include "diff_counts.h"

#include <string.h>

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
			       (unsigned long long)skt_file_span(instant->file).number);
	skt_buf_printf(&line, ", %zu socket%s", snapshot->live_socks, snapshot->live_socks == 1 ? "" : "s");
	print_line(diffing, &line);
	skt_buf_release(&line);
}

/* Each of some lines, with what stands before it. */
static void print_lines(struct diffing *diffing, const struct skt_buf *lines, const char *before)
{
	struct skt_buf line;

	skt_buf_init(&line);
	for (size_t at = 0; !lines->failed && at < lines->len; at += strlen((char *)lines->data + at) + 1) {
		skt_buf_printf(&line, "%s%s", before, (char *)lines->data + at);
		print_line(diffing, &line);
	}
	diffing->out.failed |= lines->failed;
	skt_buf_release(&line);
}

void diffing_print_reasons(const struct diffing *diffing)
{
	const struct skt_buf *why = &diffing->comparison.why;

	for (size_t at = 0; !why->failed && at < why->len; at += strlen((char *)why->data + at) + 1)
		cli_say("not comparable: %s", (char *)why->data + at);
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
				      .seed = diffing_seed() };

	if (diffing->count_by)
		return diff_counts_show(&counts, &diffing->render, &diffing->out, err);
	skt_render_differences(&diffing->render, &diffing->sides, diffing->shown, diffing->n_shown, &diffing->out);
	return 0;
}

int diffing_show(struct diffing *diffing, struct skt_err *err)
{
	bool is_different = differs(diffing);
	int rc;

	if (diffing->quiet && !is_different && !diffing->unknown)
		return CLI_YES;
	skt_render_begin(&diffing->render, &diffing->out);
	print_instant(diffing, '-', &diffing->before);
	print_instant(diffing, '+', &diffing->after);
	print_lines(diffing, &diffing->comparison.why, "! not comparable, and compared: ");
	print_lines(diffing, &diffing->comparison.notes, "  ");
	rc = render(diffing, err);
	if (rc)
		return rc;
	skt_render_end(&diffing->render, &diffing->out);
	print_totals(diffing);
	cli_write(&diffing->out);
	if (diffing->unknown)
		cli_say("of %zu differences it is not known whether they are meant", diffing->unknown);
	if (diffing->unknown && !is_different)
		return CLI_TROUBLE;
	return is_different ? CLI_NO : CLI_YES;
}
