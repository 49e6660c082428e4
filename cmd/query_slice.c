/* SPDX-License-Identifier: MIT */
#include "query.h"

#include "cli.h"
#include "recording.h"
#include "sink.h"
#include "slice_facts.h"

#include <skt/selection.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * A slice: a stretch of a recording, or some of its sockets, as a recording. Where sockets are chosen the stretch is
 * walked over twice: which ones they are is known at its end only (skt/selection.h).
 */

/* The slice being written. */
struct making {
	struct query *query;
	const struct skt_file *file;
	const struct walk *walk;
	struct skt_selection *selection; /* NULL: all sockets are kept */
	struct sink sink;
	struct skt_writer *writer;
	struct skt_slice *slice;
	struct skt_mark *marks;
	size_t n_marks, next_mark;

	/* of the header that it has: what no other part of the source may have otherwise */
	char *boot_id;
	int64_t boot_time;
	uint32_t tables;
	int64_t interval;

	int64_t first, last; /* times of the snapshots written; and the instant after the last one's reads */
	int64_t end;
	uint64_t snapshots;
};

static int no_memory(struct skt_err *err)
{
	return skt_err_set(err, -ENOMEM, "out of memory");
}

/* ---- which sockets ---- */

/* Where a group ends, its slots are others in the next. */
static int select_border(struct skt_selection *selection, struct walk *walk, struct skt_err *err)
{
	const uint32_t *slots;
	size_t n;
	int rc = skt_cursor_next_slots(walk->cursor, &slots, &n, err);

	return rc || !slots ? rc : skt_selection_renumber(selection, slots, n, err);
}

/* As query_next(), and the selection knows whose the snapshot is. */
static int select_next(struct query *query, struct skt_selection *selection, struct walk *walk,
		       const struct skt_snapshot **ret_snapshot, struct skt_step **ret_step, struct skt_err *err)
{
	struct skt_origin origin;
	int rc = query_next(query, walk, ret_snapshot, ret_step, err);

	origin = query_origin(query);
	if (rc > 0 && selection)
		skt_selection_run(selection, &origin);
	return rc;
}

static int select_all(struct query *query, struct skt_selection *selection, struct walk *walk, struct skt_err *err)
{
	const struct skt_snapshot *snapshot;
	struct skt_step *step;
	int rc;

	while ((rc = select_next(query, selection, walk, &snapshot, &step, err)) > 0) {
		rc = skt_selection_step(selection, snapshot, step, err);
		if (!rc)
			rc = select_border(selection, walk, err);
		if (rc)
			return rc;
	}
	return rc ? rc : walk_end(walk, err);
}

/* Walk over the stretch once; what was looked at is told when nothing is found. */
static int choose(struct query *query, const struct skt_file *file, const char *instant, struct skt_selection **ret,
		  struct answer *answer, struct skt_err *err)
{
	struct skt_selection_options options = {
		.filter = query->filter, .kinds = query->kinds, .listening = query->listening, .boot_time = -1
	};
	struct skt_selected selected;
	struct walk walk;
	int rc = query_walk(query, file, instant, &walk, err);

	walk.quiet = true;
	if (!rc && skt_selection_new(&options, ret))
		rc = no_memory(err);
	if (!rc)
		rc = select_all(query, *ret, &walk, err);
	if (!rc) {
		selected = skt_selection_again(*ret);
		answer->matched = selected.matched;
		answer->unknown = selected.unknown;
		answer->unknown_first = selected.unknown_first;
		answer->unknown_last = selected.unknown_last;
		query_tell_coverage(query, file, &walk, answer);
	}
	walk_release(&walk);
	return rc;
}

/* ---- the recording ---- */

static const char *fact(const struct skt_header *header, const char *name)
{
	const char *value = skt_header_fact(header, name);

	return value ? value : "";
}

static int begin(struct making *making, uint64_t first, struct skt_err *err)
{
	const struct skt_writer_options options = { .sync = SKT_SYNC_NONE };
	const struct skt_header *source = skt_cursor_header(making->walk->cursor);
	struct skt_header header = *source;
	struct facts facts;
	uint8_t random[24];
	uint64_t seed;
	int rc;

	facts_init(&facts);
	making->boot_id = strdup(fact(source, "host.boot_id"));
	making->boot_time = source->boot_time;
	making->tables = source->tables;
	making->interval = source->interval;
	rc = making->boot_id ? 0 : no_memory(err);
	if (!rc)
		rc = slice_facts(&facts, making->query, making->file, source, making->walk, first, err);
	header.facts = facts.facts;
	header.n_facts = facts.n;
	header.file_number = 1;
	header.snapshots_before = 0;
	memset(header.chain_before, 0, sizeof(header.chain_before));
	cli_random(random, sizeof(random));
	cli_random(&seed, sizeof(seed));
	if (!rc)
		rc = skt_writer_open(making->sink.fd, making->sink.path, &header, &options, random, &making->writer,
				     err);
	if (!rc && skt_slice_new(making->writer, seed, &making->slice))
		rc = no_memory(err);
	facts_release(&facts);
	return rc;
}

/* A recording has one header, and what it says is so of all of it. */
static int check_run(const struct making *making, const struct skt_snapshot *snapshot, struct skt_err *err)
{
	const struct skt_header *header = skt_cursor_header(making->walk->cursor);
	const char *what = NULL;
	struct skt_buf when;

	if (strcmp(fact(header, "host.boot_id"), making->boot_id) != 0 ||
	    (!*making->boot_id && header->boot_time != making->boot_time))
		what = "the host had been booted again";
	else if (header->tables != making->tables)
		what = "other tables were recorded";
	else if (header->interval != making->interval)
		what = "the interval was another";
	if (!what)
		return 0;
	skt_buf_init(&when);
	skt_time_format(&when, snapshot->time, making->query->render.zone);
	skt_buf_byte(&when, '\0');
	skt_err_set(err, -EINVAL, "at %s %s: make one slice until then (--to), and one from then on (--from)",
		    when.failed ? "some time" : (char *)when.data, what);
	skt_buf_release(&when);
	return skt_err_at(err, skt_file_name(making->file), -1), -EINVAL;
}

/* Marks stand behind the snapshot that was in force. */
static int put_marks(struct making *making, int64_t until, struct skt_err *err)
{
	int rc = 0;

	for (; !rc && making->next_mark < making->n_marks; making->next_mark++) {
		const struct skt_mark *mark = &making->marks[making->next_mark];

		if (mark->time >= until)
			break;
		if (mark->time >= making->first)
			rc = skt_writer_mark(making->writer, mark->time, mark->text, err);
	}
	return rc;
}

static int put(struct making *making, const struct skt_snapshot *snapshot, const struct skt_step *step,
	       struct skt_err *err)
{
	const bool *rows = making->selection ? skt_selection_rows(making->selection) : NULL;
	int rc;

	if (!making->snapshots++) {
		making->first = snapshot->time;
		rc = begin(making, snapshot->number, err);
	} else {
		rc = !step || step->from == INT64_MIN ? check_run(making, snapshot, err) : 0;
		if (!rc)
			rc = put_marks(making, snapshot->time, err);
	}
	making->last = snapshot->time;
	making->end = snapshot->end;
	if (!rc && making->selection)
		skt_slice_events(making->slice, skt_selection_events(making->selection));
	return rc ? rc : skt_slice_add(making->slice, snapshot, step, rows, err);
}

static int put_all(struct making *making, struct walk *walk, struct skt_err *err)
{
	const struct skt_snapshot *snapshot;
	struct skt_step *step;
	int rc;

	while ((rc = select_next(making->query, making->selection, walk, &snapshot, &step, err)) > 0) {
		rc = making->selection ? skt_selection_step(making->selection, snapshot, step, err) : 0;
		if (!rc)
			rc = put(making, snapshot, step, err);
		if (!rc && making->selection)
			rc = select_border(making->selection, walk, err);
		if (rc)
			return rc;
	}
	if (!rc && !making->snapshots) {
		rc = skt_err_set(err, -ERANGE, "there is no snapshot to make a slice of");
		skt_err_at(err, skt_file_name(making->file), -1);
	}
	return rc;
}

/*
 * Whether something is missing behind the last snapshot. What a recorder was writing when it was killed only opening
 * told.
 */
static bool is_lost_behind(const struct making *making)
{
	size_t n;
	const struct skt_damage *damage = skt_file_damage(making->file, &n);
	bool lost = making->walk->coverage.lost;

	if (making->walk->instant || making->walk->to <= skt_file_span(making->file).end)
		return lost;
	for (size_t i = 0; i < n; i++)
		lost |= damage[i].until == INT64_MAX && !damage[i].facts && !damage[i].restart;
	return lost;
}

/*
 * Until when the last snapshot was in force: until the next one or the end of the stretch, but before what is lost for
 * one interval.
 */
static int64_t end_of(const struct making *making)
{
	struct skt_span span = skt_file_span(making->file);
	int64_t end = making->last + making->interval, to = making->walk->to;

	if (making->walk->instant)
		return end;
	if (!is_lost_behind(making))
		end = to < span.end || span.end < making->last ? to : span.end;
	return to < end ? to : end;
}

static int finish(struct making *making, struct skt_err *err)
{
	int64_t end = end_of(making);
	int rc;

	/* a clock that was set back */
	if (end < making->last || end == INT64_MAX)
		end = making->last;
	rc = put_marks(making, end == INT64_MAX ? end : end + 1, err);
	if (!rc && is_lost_behind(making))
		rc = skt_slice_gap(making->slice, 0, err);
	if (!rc)
		rc = skt_writer_end(making->writer, end, err);
	return rc ? rc : sink_keep(&making->sink, err);
}

static void tell(const struct making *making, const struct answer *answer)
{
	struct skt_buf line;

	skt_buf_init(&line);
	skt_time_format(&line, making->first, making->query->render.zone);
	skt_buf_text(&line, " to ");
	skt_time_format(&line, making->last, making->query->render.zone);
	skt_buf_printf(&line, ", %" PRIu64 " snapshot%s", making->snapshots, making->snapshots == 1 ? "" : "s");
	if (making->selection)
		skt_buf_printf(&line, ", %" PRIu64 " socket%s", answer->matched + answer->unknown,
			       answer->matched + answer->unknown == 1 ? "" : "s");
	skt_buf_byte(&line, '\0');
	cli_say("%s: slice of %s, %s", making->sink.path, skt_file_name(making->file),
		line.failed ? "out of memory" : (char *)line.data);
	skt_buf_release(&line);
}

static int load_marks(struct making *making, struct skt_err *err)
{
	int rc = skt_file_marks(making->file, &making->marks, &making->n_marks, err);

	if (rc > 0) {
		recording_tell_marks(skt_file_name(making->file));
		making->query->trouble = true;
	}
	return rc < 0 ? rc : 0;
}

static int make_slice(struct making *making, const char *instant, struct skt_err *err)
{
	struct walk walk;
	int rc = query_walk(making->query, making->file, instant, &walk, err);

	making->walk = &walk;
	if (!rc)
		rc = load_marks(making, err);
	if (!rc)
		rc = sink_open(&making->sink, making->query->output, err);
	if (!rc)
		rc = put_all(making, &walk, err);
	if (!rc)
		rc = walk_end(&walk, err);
	if (!rc)
		rc = finish(making, err);
	/* of one with an expression it has been told when its sockets were chosen */
	if (!rc && !making->selection)
		query_tell_outside(making->query, making->file, &walk);
	making->query->trouble |= walk.lost;
	skt_slice_free(making->slice);
	skt_writer_free(making->writer);
	sink_drop(&making->sink);
	skt_marks_free(making->marks, making->n_marks);
	free(making->boot_id);
	making->walk = NULL;
	walk_release(&walk);
	return rc;
}

int query_slice(struct query *query, const struct skt_file *file, const char *instant, struct skt_err *err)
{
	bool all = !query->filter && !query->listening && query->kinds == (1u << SKT_TABLE_KINDS) - 1;
	struct making making = { .query = query, .file = file, .sink = { .fd = -1 } };
	struct answer answer = { 0 };
	int rc = all ? 0 : choose(query, file, instant, &making.selection, &answer, err);

	if (!rc)
		rc = make_slice(&making, instant, err);
	if (!rc) {
		/* without an expression what is asked for is the stretch */
		query->matched += all;
		tell(&making, &answer);
	}
	skt_selection_free(making.selection);
	return rc;
}
