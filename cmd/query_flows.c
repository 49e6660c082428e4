/* SPDX-License-Identifier: MIT */
#include "query.h"

#include "cli.h"
#include "query_shape.h"

#include <skt/flow.h>

#include <errno.h>
#include <stdlib.h>

/* Rows that are handed over at once, where no columns are to be fitted to all of them. */
#define AT_ONCE 1024

static int fold(struct query *query, struct walk *walk, struct skt_flows *flows, struct skt_err *err)
{
	const struct skt_snapshot *snapshot;
	struct skt_step *step;
	int rc;

	while ((rc = query_next(query, walk, &snapshot, &step, err)) > 0) {
		struct skt_origin origin = query_origin(query);
		const uint32_t *slots;
		size_t n;

		rc = walk->skipped.snapshots ? skt_flows_skip(flows, &walk->skipped, err) : 0;
		if (!rc && (!step || step->from == INT64_MIN))
			rc = skt_flows_run(flows, &origin, err);
		if (rc)
			return rc;
		rc = step ? skt_flows_step(flows, snapshot, step, err) : skt_flows_begin(flows, snapshot, err);
		if (!rc)
			rc = skt_cursor_next_slots(walk->cursor, &slots, &n, err);
		if (!rc && slots)
			rc = skt_flows_renumber(flows, slots, n, err);
		if (rc)
			return rc;
	}
	if (!rc)
		rc = skt_flows_end(flows, err);
	return rc ? rc : walk_end(walk, err);
}

static int print(struct query *query, const struct skt_flows *flows, const struct skt_kind *kind, size_t n,
		 int64_t begins, struct skt_err *err)
{
	size_t at_once = shape_needs_all(query) || n < AT_ONCE ? n : AT_ONCE;
	struct skt_row *rows = malloc((at_once + 1) * sizeof(*rows));
	struct shape shape;
	size_t done = 0;
	int rc = shape_begin(&shape, query, kind, err);

	if (!rc && !rows)
		rc = skt_err_set(err, -ENOMEM, "out of memory");
	shape.begins = begins;
	while (!rc && (done < n || !done)) {
		size_t k = 0;

		for (; k < at_once && done < n; k++, done++)
			rows[k] = query->view == VIEW_PROCESSES ? skt_flows_process_row(flows, done)
								: skt_flows_row(flows, done);
		rc = shape_rows(&shape, rows, k, false, err);
		if (!k)
			break;
	}
	if (!rc)
		rc = shape_end(&shape, err);
	shape_release(&shape);
	free(rows);
	return rc;
}

/* ---- reading only what is asked for ---- */

/* After so many times all is read: each time groups were added, for flows that reach further than was thought. */
#define TRIES 6

/* Groups to be read for this question, where there are fewer than all. */
static int choose(const struct query *query, const struct walk *walk, struct skt_choice *ret, struct skt_err *err)
{
	struct skt_key keys[SKT_FILTER_KEYS];
	struct skt_question question = { .keys = keys, .from = walk->from, .to = walk->to };

	/* a process is told of from its beginning to its end */
	if (!walk->instant && !walk->set_back && query->filter && query->view == VIEW_FLOWS)
		question.n_keys = skt_filter_keys(query->filter, keys, &question.doubts);
	return skt_file_find(walk->file, &question, ret, err);
}

/* Flows that are meant reach into what was gone over: more groups are chosen there. Whether it is so. */
static bool widen(const struct skt_flows *flows, const struct skt_file *file, unsigned tries, struct skt_choice *choice)
{
	const struct skt_flows_skipped *skips;
	bool more = false;
	size_t n;

	skips = skt_flows_skips(flows, &n);
	for (size_t i = 0; i < n; i++) {
		if (skips[i].before)
			skt_choice_widen(choice, file, skips[i].skipped.number_first, (size_t)1 << tries, false);
		if (skips[i].behind)
			skt_choice_widen(choice, file, skips[i].skipped.number_last, (size_t)1 << tries, true);
		more |= skips[i].before || skips[i].behind;
	}
	if (more && (tries + 1 == TRIES || choice->n_chosen > choice->n_groups / 2))
		skt_choice_all(choice);
	return more;
}

/* Begin to walk, and fold all of it; what came of a walk before is forgotten. */
static int fold_anew(struct query *query, const struct skt_file *file, const char *instant,
		     const struct skt_flows_options *options, const struct skt_choice *choice, struct walk *walk,
		     struct skt_flows **flows, struct skt_err *err)
{
	int rc;

	walk_release(walk);
	skt_flows_free(*flows);
	*flows = NULL;
	rc = query_walk(query, file, instant, walk, err);
	if (!rc && skt_flows_new(options, flows))
		rc = skt_err_set(err, -ENOMEM, "out of memory");
	if (rc)
		return rc;
	if (choice->n_chosen < choice->n_groups)
		walk_choose(walk, choice);
	return fold(query, walk, *flows, err);
}

/* The walk has begun; afterwards it is over, or has failed, and is to be released in either case. */
static int fold_chosen(struct query *query, const struct skt_file *file, const char *instant,
		       const struct skt_flows_options *options, struct walk *walk, struct skt_flows **flows,
		       struct skt_err *err)
{
	struct skt_choice choice;
	int rc = choose(query, walk, &choice, err);

	if (rc)
		return rc;
	for (unsigned tries = 0;; tries++) {
		rc = fold_anew(query, file, instant, options, &choice, walk, flows, err);
		/* what is damaged is told in its place among all that is read */
		if (rc == -EBADMSG && walk->choice)
			skt_choice_all(&choice);
		else if (rc || !widen(*flows, file, tries, &choice))
			break;
	}
	/* what was chosen is gone with it */
	walk->choice = NULL;
	skt_choice_release(&choice);
	return rc;
}

int query_flows(struct query *query, const struct skt_file *file, const char *instant, struct skt_err *err)
{
	struct skt_flows_options options = {
		.filter = query->filter,
		.kinds = query_kinds(query),
		.listening = query->listening,
		.boot_time = -1,
		.processes = query->view == VIEW_PROCESSES && !query->filter,
	};
	struct skt_kind kind = shape_kind_of(query, query->view);
	struct skt_flows *flows = NULL;
	struct answer answer = { 0 };
	struct walk walk;
	int rc = query_walk(query, file, instant, &walk, err);

	options.recording = query->render.recording;
	cli_random(&options.seed, sizeof(options.seed));
	if (!rc)
		rc = fold_chosen(query, file, instant, &options, &walk, &flows, err);
	if (!rc) {
		answer.matched = query->view == VIEW_PROCESSES ? skt_flows_processes(flows) : skt_flows_count(flows);
		answer.unknown = skt_flows_unknown(flows, &answer.unknown_first, &answer.unknown_last);
		/* of many recordings those without an answer have no table, but say why, below */
		if (answer.matched || !query->several)
			query_tell_stretch(query, file, query->view, &walk, &answer);
		if (!query->coverage && (answer.matched || !query->several))
			rc = print(query, flows, &kind, answer.matched, walk.from, err);
	}
	if (!rc)
		rc = query_walked(query, file, &walk, &answer, err);
	skt_flows_free(flows);
	walk_release(&walk);
	return rc;
}
