/* SPDX-License-Identifier: MIT */
#include "query.h"

#include "cli.h"
#include "query_shape.h"

#include <skt/flow.h>

#include <errno.h>
#include <stdlib.h>

static const struct skt_column flow_columns[] = {
	{ .heading = "FIRST", .field = "first_seen", .sign = "<", .signed_by = "already_there" },
	{ .heading = "LAST", .field = "last_seen", .sign = ">", .signed_by = "still_there" },
	{ .heading = "DIR", .field = "direction" },
	{ .heading = "TABLE", .field = "table" },
	{ .heading = "STATES", .field = "states" },
	{ .heading = "MAX RX", .field = "rx_queue_most", .spare = true },
	{ .heading = "MAX TX", .field = "tx_queue_most", .spare = true },
	{ .heading = "RETR", .field = "retransmits_most", .spare = true },
	{ .heading = "LOCAL", .cell = SKT_CELL_LOCAL },
	{ .heading = "REMOTE", .cell = SKT_CELL_REMOTE },
	{ .heading = "NETNS", .cell = SKT_CELL_NETNS, .spare = true },
	{ .heading = "PROCESS PID/FD", .cell = SKT_CELL_HOLDERS },
	{ .heading = "COMMAND", .cell = SKT_CELL_COMMAND },
};

static const struct skt_column process_columns[] = {
	{ .heading = "FIRST", .field = "first_seen", .sign = "<", .signed_by = "already_there" },
	{ .heading = "LAST", .field = "last_seen", .sign = ">", .signed_by = "still_there" },
	{ .heading = "SOCKETS", .field = "sockets" },
	{ .heading = "PID", .field = "pid" },
	{ .heading = "PPID", .field = "ppid" },
	{ .heading = "PARENT", .field = "parent" },
	{ .heading = "USER", .cell = SKT_CELL_USER },
	{ .heading = "CONTAINER", .field = "container", .spare = true },
	{ .heading = "NAME", .field = "comm" },
	{ .heading = "COMMAND", .cell = SKT_CELL_COMMAND },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Rows that are handed over at once, where no columns are to be fitted to all of them. */
#define AT_ONCE 1024

static int fold(struct walk *walk, struct skt_flows *flows, struct skt_err *err)
{
	const struct skt_snapshot *snapshot;
	struct skt_step *step;
	int rc;

	while ((rc = walk_next(walk, &snapshot, &step, err)) > 0) {
		const uint32_t *slots;
		size_t n;

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
		 struct skt_err *err)
{
	size_t at_once = shape_needs_all(query) || n < AT_ONCE ? n : AT_ONCE;
	struct skt_row *rows = malloc((at_once + 1) * sizeof(*rows));
	struct shape shape;
	size_t done = 0;
	int rc = shape_begin(&shape, query, kind, err);

	if (!rc && !rows)
		rc = skt_err_set(err, -ENOMEM, "out of memory");
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

static struct skt_kind kind_of(const struct query *query)
{
	struct skt_kind kind = shape_kind_of(query->view);

	if (query->view == VIEW_PROCESSES) {
		kind.columns = process_columns;
		kind.n_columns = COUNT(process_columns);
	} else {
		kind.columns = flow_columns;
		kind.n_columns = COUNT(flow_columns);
	}
	return kind;
}

int query_flows(struct query *query, const struct skt_file *file, const char *instant, struct skt_err *err)
{
	struct skt_flows_options options = {
		.filter = query->filter,
		.kinds = query_kinds(query),
		.listening = query->listening,
		.processes = query->view == VIEW_PROCESSES && !query->filter,
	};
	struct skt_kind kind = kind_of(query);
	struct skt_flows *flows = NULL;
	struct answer answer = { 0 };
	struct walk walk;
	int rc = query_walk(query, file, instant, &walk, err);

	options.host = query->render.host;
	options.boot_time = query->render.boot_time;
	cli_random(&options.seed, sizeof(options.seed));
	if (!rc && skt_flows_new(&options, &flows))
		rc = skt_err_set(err, -ENOMEM, "out of memory");
	if (!rc)
		rc = fold(&walk, flows, err);
	if (!rc) {
		answer.matched = query->view == VIEW_PROCESSES ? skt_flows_processes(flows) : skt_flows_count(flows);
		answer.unknown = skt_flows_unknown(flows, &answer.unknown_first, &answer.unknown_last);
		/* of many recordings those without an answer have no table, but say why, below */
		if (answer.matched || !query->several)
			query_tell_stretch(query, file, query->view, &walk, &answer);
		if (!query->coverage && (answer.matched || !query->several))
			rc = print(query, flows, &kind, answer.matched, err);
	}
	if (!rc)
		query_tell_coverage(query, file, &walk, &answer);
	skt_flows_free(flows);
	walk_release(&walk);
	return rc;
}
