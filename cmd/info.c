/* SPDX-License-Identifier: MIT */
#include "info.h"

#include "cli.h"
#include "info_lines.h"
#include "info_totals.h"
#include "recording.h"

#include <skt/escape.h>

#include <inttypes.h>
#include <string.h>

static void header_lines(const struct skt_header *header, bool directory, enum skt_zone zone, struct skt_buf *out)
{
	skt_buf_printf(out, "%-24s %u.%u\n", "format", header->major, header->minor);
	hex_line(out, "recording", header->recording_id, sizeof(header->recording_id));
	if (header->file_number > 1 && !directory) {
		number_line(out, "file number", header->file_number);
		number_line(out, "snapshots before", header->snapshots_before);
		hex_line(out, "chain before", header->chain_before, sizeof(header->chain_before));
	}
	for (size_t i = 0; i < header->n_facts; i++) {
		size_t before = out->len;

		/* names, too, are bytes from outside */
		skt_escape(out, header->facts[i].name, strlen(header->facts[i].name));
		skt_buf_fill(out, ' ', out->len - before < 24 ? 24 - (out->len - before) : 0);
		skt_buf_byte(out, ' ');
		cli_line(out, header->facts[i].value);
	}
	text_line(out, "source", header->live ? "a running kernel" : "a tree of files");
	duration_line(out, "interval", header->interval);
	if (header->boot_time >= 0)
		time_line(out, "booted", header->boot_time, zone);
}

static void directory_lines(const struct skt_span *span, struct skt_buf *out)
{
	number_line(out, "files", span->files);
	number_line(out, "runs of the recorder", span->runs);
	if (span->dropped_files)
		skt_buf_printf(out, "%-24s %" PRIu64 " file%s", "dropped before", span->dropped_files,
			       span->dropped_files == 1 ? "" : "s");
	if (span->dropped_snapshots)
		skt_buf_printf(out, ", %" PRIu64 " snapshots", span->dropped_snapshots);
	if (span->dropped_files)
		skt_buf_byte(out, '\n');
	number_line(out, "other files", span->others);
}

static int mark_lines(const struct skt_file *file, enum skt_zone zone, struct skt_buf *out, struct skt_err *err)
{
	struct skt_mark *marks;
	size_t n;
	int rc = skt_file_marks(file, &marks, &n, err);

	if (rc < 0)
		return rc;
	number_line(out, "marks", n);
	for (size_t i = 0; i < n; i++) {
		skt_buf_text(out, "  ");
		skt_time_format(out, marks[i].time, zone);
		skt_buf_printf(out, " after #%" PRIu64, marks[i].number);
		skt_buf_byte(out, *marks[i].text ? ' ' : '\n');
		if (*marks[i].text)
			cli_line(out, marks[i].text);
	}
	skt_marks_free(marks, n);
	return rc;
}

int show_info(const struct skt_file *file, enum skt_zone zone, struct skt_buf *out, struct skt_err *err)
{
	const struct skt_header *header = skt_file_header(file);
	struct skt_span span = skt_file_span(file);
	struct totals totals = { 0 };
	int rc = totals_read(file, &totals, err);

	if (rc)
		return rc;
	text_line(out, "file", skt_file_name(file));
	header_lines(header, span.files != 0, zone, out);
	if (span.files)
		directory_lines(&span, out);
	number_line(out, "bytes", span.bytes);
	for (unsigned kind = 0; kind < SKT_BLOCK_KINDS; kind++)
		if (span.kinds[kind].blocks)
			skt_buf_printf(out, "  %-21s  %" PRIu64 " in %" PRIu64 " blocks\n", skt_block_kind_name(kind),
				       span.kinds[kind].bytes, span.kinds[kind].blocks);
	number_line(out, "groups", span.groups);
	number_line(out, "snapshots", span.snapshots);
	if (span.snapshots) {
		time_line(out, "first", span.first, zone);
		time_line(out, "last", span.last, zone);
		time_line(out, span.ended ? "ended" : "in force until", span.end, zone);
	}
	text_line(out, "state", span.live ? "being written" : span.ended ? "ended" : "no end: killed, copied or cut");
	number_line(out, "missed ticks", totals.missed + span.missed);
	number_line(out, "most sockets", totals.most);
	number_line(out, "socket changes", totals.changes);
	totals_event_lines(&totals, out);
	if (totals.sockets)
		skt_buf_printf(out, "%-24s %.3f\n", "bytes per row", (double)span.bytes / (double)totals.sockets);
	if (totals.sampled && totals.sampled_text && totals.sockets)
		skt_buf_printf(out, "%-24s 1/%.1f (of the tables alone, without owners)\n", "against raw text",
			       (double)totals.sampled_text / (double)totals.sampled * (double)totals.sockets /
				       (double)span.bytes);
	number_line(out, "clock steps", totals.clock_steps);
	number_line(out, "duplicate rows", totals.duplicates);
	number_line(out, "malformed", totals.malformed);
	number_line(out, "with denied processes", totals.denied);
	number_line(out, "with denied namespaces", totals.netns_denied);
	totals_finding_lines(&totals, zone, out);
	number_line(out, "holes", totals.holes);
	rc = mark_lines(file, zone, out, err);
	if (rc > 0)
		recording_tell_marks(skt_file_name(file));
	/* a gap that the recorder told is a hole, and no damage */
	return rc < 0 ? rc : rc || totals.holes > totals.gaps;
}
