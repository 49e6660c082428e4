/* SPDX-License-Identifier: MIT */
#include "query.h"

#include "cli.h"
#include "doubts.h"
#include "grow.h"
#include "query_merge.h"
#include "query_shape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Their slots, in the kernel's order; of how many more it is not known. */
static size_t select_sockets(const struct query *query, const struct skt_snapshot *snapshot, uint32_t *slots,
			     size_t *ret_unknown)
{
	size_t n = 0, unknown = 0;

	for (size_t t = 0; t < snapshot->n_tables; t++) {
		const struct skt_table *table = &snapshot->tables[t];

		for (size_t i = 0; i < table->n_rows; i++) {
			struct skt_row row = query_row(query, snapshot, &snapshot->socks[table->order[i]]);
			enum skt_truth wanted = query_wants(query, &row);

			unknown += wanted == SKT_UNKNOWN;
			if (wanted == SKT_TRUE)
				slots[n++] = table->order[i];
		}
	}
	*ret_unknown = unknown;
	return n;
}

/* Which instant it is: in the table's first line, and on stderr where the output is for programs. */
static void print_instant(struct query *query, const struct skt_file *file, const struct skt_snapshot *snapshot,
			  size_t rows)
{
	struct skt_span span = skt_file_span(file);
	struct skt_buf line;

	if (query->merge)
		return;
	skt_buf_init(&line);
	skt_time_format(&line, snapshot->time, query->render.zone);
	skt_buf_printf(&line, ", snapshot %llu of %llu, %zu socket%s", (unsigned long long)snapshot->number,
		       (unsigned long long)span.number, rows, rows == 1 ? "" : "s");
	if (rows != snapshot->live_socks)
		skt_buf_printf(&line, " of %zu", snapshot->live_socks);
	query_tell_line(query, file, &line);
	skt_buf_release(&line);
}

/* A table that could not be read, and why. */
static void tell_table(const struct query *query, const struct skt_file *file, const struct skt_table *table)
{
	struct skt_buf since;

	skt_buf_init(&since);
	if (table->read_time) {
		skt_buf_text(&since, ", its rows are those of ");
		skt_time_format(&since, table->read_time, query->render.zone);
	}
	skt_buf_byte(&since, '\0');
	cli_say("%s: table %s could not be read: %s%s", skt_file_name(file), skt_table_kind_name(table->kind),
		table->error == -EBADMSG ? "it is not such a table as a kernel writes" : strerror(-table->error),
		since.failed ? "" : (char *)since.data);
	skt_buf_release(&since);
}

/* Tables of other network namespaces that waited for their turn. */
static void tell_waiting(const struct query *query, const struct skt_file *file, unsigned stale, int64_t oldest,
			 unsigned unread)
{
	struct skt_buf since;

	if (stale) {
		skt_buf_init(&since);
		skt_time_format(&since, oldest, query->render.zone);
		skt_buf_byte(&since, '\0');
		cli_say("%s: %u tables of other network namespaces waited for their turn: their rows are older, the oldest of %s",
			skt_file_name(file), stale, since.failed ? "?" : (char *)since.data);
		skt_buf_release(&since);
	}
	if (unread)
		cli_say("%s: %u tables had not been read yet", skt_file_name(file), unread);
}

/* Tables whose rows are not of this instant. Whether there are any: where no rows are shown, that is no "no". */
static bool tell_tables(const struct query *query, const struct skt_file *file, const struct skt_snapshot *snapshot)
{
	const uint32_t kinds = query_kinds(query);
	unsigned stale = 0, unread = 0;
	int64_t oldest = INT64_MAX;
	bool any = false;

	for (size_t t = 0; t < snapshot->n_tables; t++) {
		const struct skt_table *table = &snapshot->tables[t];

		if (table->gone || table->status == SKT_TABLE_FRESH || !(kinds & 1u << table->kind))
			continue;
		if (table->error) {
			tell_table(query, file, table);
		} else if (table->read_time) {
			stale++;
			oldest = table->read_time < oldest ? table->read_time : oldest;
		} else {
			unread++;
		}
		any = true;
	}
	tell_waiting(query, file, stale, oldest, unread);
	return any;
}

/* As rows, for what is shaped. Given to the caller; NULL: no memory. */
static struct skt_row *make_rows(const struct query *query, const struct skt_snapshot *snapshot, const uint32_t *slots,
				 size_t n)
{
	struct skt_row *rows = calloc(n + 1, sizeof(*rows));

	for (size_t i = 0; i < n && rows; i++)
		rows[i] = query_row(query, snapshot, &snapshot->socks[slots[i]]);
	return rows;
}

static void print_rows(struct query *query, const struct skt_snapshot *snapshot, const uint32_t *slots, size_t n)
{
	struct skt_kind kind = shape_kind_of(query, VIEW_SOCKETS);
	struct skt_row *rows = make_rows(query, snapshot, slots, n);
	struct shape shape;
	struct skt_err err;
	int rc;

	skt_err_init(&err);
	rc = shape_begin(&shape, query, &kind, &err);
	if (!rc && !rows)
		rc = skt_err_set(&err, -ENOMEM, "out of memory");
	if (!rc)
		rc = shape_rows(&shape, rows, n, false, &err);
	if (!rc)
		rc = shape_end(&shape, &err);
	if (!rc && query->merge)
		rc = merge_note(query, VIEW_SOCKETS, n, snapshot->time, snapshot->time, &err);
	if (rc) {
		cli_err(&err);
		query->trouble = true;
	}
	shape_release(&shape);
	free(rows);
}

static void print_snapshot(struct query *query, const struct skt_file *file, const struct skt_header *header,
			   const struct skt_snapshot *snapshot)
{
	uint32_t *slots = malloc((snapshot->live_socks + 1) * sizeof(*slots));
	enum verdict verdict = VERDICT_YES;
	bool doubt = false;
	size_t n, unknown;

	if (!slots) {
		cli_say("out of memory");
		query->trouble = true;
		return;
	}
	n = select_sockets(query, snapshot, slots, &unknown);
	print_instant(query, file, snapshot, n);
	if (!n && doubts_tell_unrecorded(file, query_kinds(query), header->tables))
		doubt = true;
	if (tell_tables(query, file, snapshot) && !n)
		query->trouble = doubt = true;
	query_tell_unknown(query, file, unknown);
	doubt |= unknown > 0;
	if (query_tell_slice(query, file, n ? "" : "cannot say: "))
		doubt = true;
	if (!n && !doubt && query_is_damaged(query, file)) {
		cli_say("%s: cannot say: the recording is damaged", skt_file_name(file));
		doubt = true;
	}
	query->unsure |= doubt;
	query->matched += n;
	if (!n)
		verdict = doubt ? VERDICT_CANNOT_SAY : VERDICT_NO;
	tally_add(&query->tally, verdict, 1, snapshot->time, snapshot->time);
	print_rows(query, snapshot, slots, n);
	cli_write(&query->out);
	free(slots);
}

int query_sockets(struct query *query, const struct skt_file *file, const char *time_text, struct skt_err *err)
{
	struct skt_cursor *cursor = NULL;
	struct skt_time time = { .kind = SKT_TIME_LAST };
	int64_t when;
	int rc = 0;

	if (time_text)
		rc = skt_time_parse(time_text, query->render.zone, query->now, &time, err);
	if (!rc)
		rc = skt_cursor_new(file, &cursor, err);
	if (!rc)
		rc = skt_cursor_seek(cursor, &time, query->render.zone, &when, err);
	if (cursor && skt_cursor_snapshot(cursor) &&
	    (!rc || (rc != -ERANGE && !(query->open_flags & SKT_OPEN_STRICT)))) {
		const struct skt_header *header = skt_cursor_header(cursor);
		int taken = query_take_run(query, header, rc ? NULL : err);

		query->host = query->render.host;
		if (!taken)
			print_snapshot(query, file, header, skt_cursor_snapshot(cursor));
		rc = rc ? rc : taken;
	}
	skt_cursor_free(cursor);
	return rc;
}

/* ---- by time ---- */

/* Rows of the snapshot, to be counted, or only to see whether there are any. */
static int count_snapshot(struct shape *shape, const struct skt_snapshot *snapshot, bool counted, struct answer *answer,
			  struct skt_err *err)
{
	const struct query *query = shape->query;
	uint32_t *slots = malloc((snapshot->live_socks + 1) * sizeof(*slots));
	struct skt_row *rows = NULL;
	size_t n = 0, unknown = 0;
	int rc = -ENOMEM;

	if (slots) {
		n = select_sockets(query, snapshot, slots, &unknown);
		rows = make_rows(query, snapshot, slots, n);
	}
	if (rows)
		rc = counted ? shape_rows(shape, rows, n, false, err) : 0;
	else
		skt_err_set(err, rc, "out of memory");
	answer->matched += n;
	if (unknown) {
		answer->unknown_first = answer->unknown ? answer->unknown_first : snapshot->time;
		answer->unknown_last = snapshot->time;
		answer->unknown += unknown;
	}
	free(slots);
	free(rows);
	return rc;
}

/* Those that were counted, in their order. */
struct stretches {
	int64_t *at;
	size_t n, room;
};

/* Whether it is the first time: a clock that was set back comes through the same ones again. */
static int begin_stretch(struct stretches *counted, int64_t stretch, bool *ret_first, struct skt_err *err)
{
	size_t low = 0, high = counted->n;

	/* mostly it is the last one, or behind it */
	if (counted->n && counted->at[counted->n - 1] <= stretch)
		low = counted->n - (counted->at[counted->n - 1] == stretch);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (counted->at[middle] < stretch)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_first = low == counted->n || counted->at[low] != stretch;
	if (!*ret_first)
		return 0;
	if (grow(&counted->at, &counted->room, counted->n, sizeof(*counted->at)))
		return skt_err_set(err, -ENOMEM, "out of memory");
	memmove(counted->at + low + 1, counted->at + low, (counted->n - low) * sizeof(*counted->at));
	counted->at[low] = stretch;
	counted->n++;
	return 0;
}

static int count_walk(struct query *query, struct shape *shape, struct walk *walk, struct answer *answer,
		      struct skt_err *err)
{
	const struct skt_snapshot *snapshot;
	int64_t every = query->every;
	struct stretches counted = { .at = NULL };
	struct skt_step *step;
	int rc;

	while ((rc = query_next(query, walk, &snapshot, &step, err)) > 0) {
		/* what is in force when the stretch that is asked about begins belongs to it */
		int64_t time = snapshot->time < walk->from ? walk->from : snapshot->time;
		int64_t stretch = time / every - (time % every < 0);
		bool is_first;

		rc = begin_stretch(&counted, stretch, &is_first, err);
		/* that nothing matches is said of all that was looked at */
		if (!rc && (is_first || !answer->matched))
			rc = count_snapshot(shape, snapshot, is_first, answer, err);
		if (rc)
			break;
	}
	free(counted.at);
	return rc ? rc : walk_end(walk, err);
}

int query_sockets_by_time(struct query *query, const struct skt_file *file, struct skt_err *err)
{
	struct skt_kind kind = shape_kind_of(query, VIEW_SOCKETS);
	struct answer answer = { 0 };
	struct shape shape;
	struct walk walk;
	int begun = query_walk(query, file, NULL, &walk, err);
	int rc = shape_begin(&shape, query, &kind, begun ? NULL : err);

	if (begun)
		rc = begun;
	if (!rc) {
		query_tell_stretch(query, file, VIEW_SOCKETS, &walk, NULL);
		shape.begins = walk.from;
		rc = count_walk(query, &shape, &walk, &answer, err);
	}
	if (!rc)
		rc = shape_end(&shape, err);
	if (!rc)
		rc = query_walked(query, file, &walk, &answer, err);
	shape_release(&shape);
	walk_release(&walk);
	return rc;
}
