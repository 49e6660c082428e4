/* SPDX-License-Identifier: MIT */
#include "query.h"

#include "cli.h"
#include "query_shape.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* How long a live recording is left alone before it is looked at again: it is written about once a second. */
#define PATIENCE_NS 200000000

/* Which changes of a step are shown. */
struct choice {
	struct skt_changes of; /* the step */
	uint32_t *which;
	size_t n;
	size_t room;
};

/* Whether the socket of this side of the change is meant. */
static enum skt_truth test(const struct query *query, const struct skt_row *change, bool now)
{
	struct skt_row row;

	if (!skt_row_of_change(change, now, &row))
		return SKT_FALSE;
	/* what it is tested as is a socket */
	row.change = NULL;
	row.step = NULL;
	return query_wants(query, &row);
}

static void count_unknown(struct answer *answer, int64_t when)
{
	if (!answer->unknown++)
		answer->unknown_first = when;
	answer->unknown_last = when;
}

/* Of what was there when the recording, or what is readable of it, begins, nothing changed. */
static bool is_shown(const struct query *query, const struct skt_changes *of, size_t i, const struct skt_row *row)
{
	if (query->all)
		return true;
	return (of->step->from != INT64_MIN || row->event) && !skt_changes_is_quiet(of, i);
}

static int choose(const struct query *query, struct choice *choice, struct answer *answer, struct skt_err *err)
{
	const struct skt_changes *of = &choice->of;

	choice->n = 0;
	if (choice->room < of->n) {
		uint32_t *which = realloc(choice->which, of->n * sizeof(*which));

		if (!which)
			return skt_err_set(err, -ENOMEM, "out of memory");
		choice->which = which;
		choice->room = of->n;
	}
	for (size_t i = 0; i < of->n; i++) {
		struct skt_row row = query_row(query, of->snapshot, NULL);
		struct skt_sock_change room;
		enum skt_truth now, before;

		if (!skt_changes_row(of, i, &room, &row) || !is_shown(query, of, i, &row))
			continue;
		now = test(query, &row, true);
		before = now == SKT_TRUE ? SKT_TRUE : test(query, &row, false);
		if (now == SKT_TRUE || before == SKT_TRUE)
			choice->which[choice->n++] = (uint32_t)i;
		else if (now == SKT_UNKNOWN || before == SKT_UNKNOWN)
			count_unknown(answer, row.event ? row.event->when : of->snapshot->time);
	}
	answer->matched += choice->n;
	return 0;
}

/* Nothing new is there: what was found is handed on meanwhile. false: nobody takes it. */
static bool be_patient(struct query *query)
{
	struct timespec wait = { .tv_nsec = PATIENCE_NS };

	cli_write(&query->out);
	return cli_flush() && !nanosleep(&wait, NULL);
}

/*
 * The socket as it is now, or was, with what is known of the change. Steps do not stay; what is fitted or sorted is
 * kept.
 */
static int shape_step(struct shape *shape, struct choice *choice, struct skt_err *err)
{
	const struct query *query = shape->query;
	bool keep = shape_needs_all(query) && !query->follow;
	struct skt_row *rows = malloc((choice->n + 1) * sizeof(*rows));
	struct skt_sock_change *rooms = malloc((choice->n + 1) * sizeof(*rooms));
	/* where nothing is picked from it, a change is shown as it is */
	bool whole = !query->fields && !shape->counts;
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; rows && rooms && i < choice->n; i++) {
		struct skt_row row = query_row(query, choice->of.snapshot, NULL);

		skt_changes_whole_row(&choice->of, choice->which[i], &rooms[i], &row);
		if (whole)
			rows[n++] = row;
		else if (skt_row_of_change(&row, true, &rows[n]) || skt_row_of_change(&row, false, &rows[n]))
			n++;
	}
	if (!rows || !rooms || choice->of.failed)
		rc = skt_err_set(err, -ENOMEM, "out of memory");
	if (!rc)
		rc = shape_rows(shape, rows, n, keep, err);
	free(rows);
	free(rooms);
	return rc;
}

static int show_step(struct shape *shape, struct choice *choice, struct skt_err *err)
{
	struct query *query = shape->query;

	if (query->coverage)
		return 0;
	/* a terminal may have been given another width meanwhile */
	if (query->follow)
		query->render.width = cli_width();
	if (query->fields || shape->counts || query->merge)
		return shape_step(shape, choice, err);
	if (choice->n > shape->left)
		choice->n = (size_t)shape->left;
	shape->left -= choice->n;
	skt_render_changes(&query->render, &choice->of, choice->which, choice->n, &query->out);
	return 0;
}

static int show(struct query *query, struct shape *shape, struct walk *walk, struct answer *answer, struct skt_err *err)
{
	const struct skt_snapshot *snapshot;
	struct choice choice = { 0 };
	struct skt_step *step;
	int rc;

	while ((rc = query_next(query, walk, &snapshot, &step, err)) > 0 || rc == -EAGAIN) {
		if (rc == -EAGAIN && be_patient(query))
			continue;
		if (rc == -EAGAIN)
			break;
		if (!step)
			continue;
		if (skt_changes_take(&choice.of, snapshot, step))
			rc = skt_err_set(err, -ENOMEM, "out of memory");
		else
			rc = choose(query, &choice, answer, err);
		if (rc)
			break;
		rc = show_step(shape, &choice, err);
		if (rc)
			break;
		cli_write(&query->out);
	}
	skt_changes_release(&choice.of);
	free(choice.which);
	return rc && rc != -EAGAIN ? rc : walk_end(walk, err);
}

static uint64_t count_wanted(const struct query *query, const struct skt_snapshot *snapshot)
{
	uint64_t n = 0;

	for (size_t i = 0; i < snapshot->n_socks; i++) {
		struct skt_row row = query_row(query, snapshot, &snapshot->socks[i]);

		n += row.sock->table != SKT_NO_TABLE && query_wants(query, &row) == SKT_TRUE;
	}
	return n;
}

/*
 * How many sockets match in the last snapshot of the stretch. The walk may have read the one behind it; then it is gone
 * to once more. *ret is set where it is there.
 */
static int count_last(const struct query *query, const struct skt_file *file, const struct walk *walk, uint64_t *ret,
		      struct skt_err *err)
{
	struct skt_time time = { .kind = SKT_TIME_NUMBER, .number = walk->number };
	const struct skt_snapshot *snapshot = skt_cursor_snapshot(walk->cursor);
	struct skt_cursor *cursor = NULL;
	int64_t when;
	int rc;

	if (!walk->number)
		return 0;
	if (snapshot && snapshot->number == walk->number) {
		*ret = count_wanted(query, snapshot);
		return 0;
	}
	rc = skt_cursor_new(file, &cursor, err);
	/* what was written after opening, or is dropped meanwhile, cannot be gone to: then nothing is said of it */
	if (!rc && !skt_cursor_seek(cursor, &time, query->render.zone, &when, NULL))
		*ret = count_wanted(query, skt_cursor_snapshot(cursor));
	skt_cursor_free(cursor);
	return rc;
}

/* Where nothing changed, that is not to be taken for nothing being there. */
static int tell_unchanged(struct query *query, const struct skt_file *file, const struct walk *walk,
			  struct skt_err *err)
{
	uint64_t n = 0;
	int rc = count_last(query, file, walk, &n, err);

	if (rc)
		return rc;
	query->tally.none.unchanged += n;
	query->tally.none.with_unchanged += n > 0;
	/* those of many recordings are told together */
	if (n && !query->several)
		cli_say("%s: %llu socket%s, and did not change", skt_file_name(file), (unsigned long long)n,
			n == 1 ? " matches" : "s match");
	return 0;
}

/* A flight recorder that is started again goes on in its directory: it is not known that nothing more comes. */
static void tell_waiting(const struct query *query, const struct skt_file *file)
{
	struct skt_span span = skt_file_span(file);

	if (query->follow && span.files && !span.live)
		cli_say("%s: nobody is recording there now; whoever goes on in this directory is waited for",
			skt_file_name(file));
}

int query_changes(struct query *query, const struct skt_file *file, const char *instant, struct skt_err *err)
{
	struct answer answer = { 0 };
	struct skt_kind kind = shape_kind_of(query, VIEW_CHANGES);
	struct shape shape;
	struct walk walk;
	int begun = query_walk(query, file, instant, &walk, err);
	int rc = shape_begin(&shape, query, &kind, begun ? NULL : err);

	if (begun)
		rc = begun;
	if (!rc) {
		query_tell_stretch(query, file, VIEW_CHANGES, &walk, NULL);
		tell_waiting(query, file);
		rc = show(query, &shape, &walk, &answer, err);
	}
	if (!rc)
		rc = shape_end(&shape, err);
	if (!rc)
		rc = query_walked(query, file, &walk, &answer, err);
	if (!rc && !answer.matched)
		rc = tell_unchanged(query, file, &walk, err);
	shape_release(&shape);
	walk_release(&walk);
	return rc;
}
