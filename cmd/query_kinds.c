/* SPDX-License-Identifier: MIT */
#include "query_shape.h"

#include <skt/coverage.h>
#include <skt/flow.h>

#include <string.h>

/*
 * The rows of each view, and the columns of their tables. The first one is for rows of several recordings that are one
 * answer.
 */

/* Whom it talked to and who held it stay, however narrow the terminal; then when it was, and which way. */
static const struct skt_column flow_columns[] = {
	{ .heading = "RECORDING", .cell = SKT_CELL_RECORDING, .shortens = 1 },
	{ .heading = "FIRST", .field = "first_seen", .sign = "<", .signed_by = "already_there", .shortens = 1 },
	{ .heading = "LAST", .field = "last_seen", .sign = ">", .signed_by = "still_there", .shortens = 1, .goes = 9 },
	{ .heading = "DIR", .field = "direction", .goes = 8 },
	{ .heading = "TABLE", .field = "table", .goes = 5 },
	{ .heading = "STATES", .field = "states", .shortens = 2, .goes = 7 },
	{ .heading = "MAX RX", .field = "rx_queue_most", .spare = SKT_SPARE_EMPTY, .goes = 3 },
	{ .heading = "MAX TX", .field = "tx_queue_most", .spare = SKT_SPARE_EMPTY, .goes = 3 },
	{ .heading = "RETR", .field = "retransmits_most", .spare = SKT_SPARE_EMPTY, .goes = 4 },
	{ .heading = "SENT", .field = "bytes_sent", .spare = SKT_SPARE_EMPTY, .goes = 4 },
	{ .heading = "RECEIVED", .field = "bytes_received", .spare = SKT_SPARE_EMPTY, .goes = 4 },
	{ .heading = "LOCAL", .cell = SKT_CELL_LOCAL, .shortens = 3, .ports = 6, .goes = 8 },
	{ .heading = "REMOTE", .cell = SKT_CELL_REMOTE, .shortens = 3 },
	{ .heading = "NETNS", .cell = SKT_CELL_NETNS, .spare = SKT_SPARE_SAME, .goes = 6 },
	{ .heading = "PROCESS PID/FD", .cell = SKT_CELL_HOLDERS },
	{ .heading = "COMMAND", .cell = SKT_CELL_COMMAND },
};

static const struct skt_column process_columns[] = {
	{ .heading = "RECORDING", .cell = SKT_CELL_RECORDING, .shortens = 1 },
	{ .heading = "FIRST", .field = "first_seen", .sign = "<", .signed_by = "already_there", .shortens = 1 },
	{ .heading = "LAST", .field = "last_seen", .sign = ">", .signed_by = "still_there", .shortens = 1, .goes = 9 },
	{ .heading = "SOCKETS", .field = "sockets" },
	{ .heading = "PID", .field = "pid" },
	{ .heading = "PPID", .field = "ppid", .goes = 8 },
	{ .heading = "PARENT", .field = "parent", .goes = 7 },
	{ .heading = "USER", .cell = SKT_CELL_USER, .least = 8, .goes = 6 },
	{ .heading = "CONTAINER", .field = "container", .spare = SKT_SPARE_EMPTY, .goes = 5 },
	{ .heading = "NAME", .field = "comm" },
	{ .heading = "COMMAND", .cell = SKT_CELL_COMMAND },
};

static const struct skt_column snapshot_columns[] = {
	{ .heading = "RECORDING", .cell = SKT_CELL_RECORDING, .shortens = 1 },
	{ .heading = "SNAPSHOT", .field = "snapshot" },
	{ .heading = "TIME", .field = "time", .shortens = 1 },
	{ .heading = "MS", .field = "took_ms" },
	{ .heading = "MISSED", .field = "missed" },
	{ .heading = "SOCKETS", .field = "sockets" },
	{ .heading = "TABLES", .field = "tables", .goes = 4 },
	{ .heading = "STALE", .field = "tables_stale", .spare = SKT_SPARE_EMPTY },
	{ .heading = "UNKNOWN", .field = "tables_unknown", .spare = SKT_SPARE_EMPTY },
	{ .heading = "FAILED", .field = "tables_failed", .spare = SKT_SPARE_EMPTY },
	{ .heading = "DUPLICATES", .field = "duplicates", .spare = SKT_SPARE_EMPTY },
	{ .heading = "MALFORMED", .field = "malformed", .spare = SKT_SPARE_EMPTY },
	{ .heading = "WALK", .field = "walk", .goes = 8 },
	{ .heading = "PROCESSES", .field = "processes", .goes = 7 },
	{ .heading = "DENIED", .field = "denied", .goes = 6 },
	{ .heading = "VANISHED", .field = "vanished", .goes = 5 },
	{ .heading = "UNSEARCHED", .field = "unsearched", .goes = 4 },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void take_columns(const struct query *query, const struct skt_column *columns, size_t n, struct skt_kind *kind)
{
	bool together = query->merge;

	kind->columns = columns + !together;
	kind->n_columns = n - !together;
}

struct skt_kind shape_kind_of(const struct query *query, enum query_view view)
{
	struct skt_kind kind = { .columns = NULL };

	switch (view) {
	case VIEW_FLOWS:
		skt_view_flows(&kind.view, false);
		skt_view_flows(&kind.flat, true);
		take_columns(query, flow_columns, COUNT(flow_columns), &kind);
		break;
	case VIEW_PROCESSES:
		skt_view_flow_processes(&kind.view);
		kind.flat = kind.view;
		take_columns(query, process_columns, COUNT(process_columns), &kind);
		break;
	case VIEW_SNAPSHOTS:
		skt_view_snapshots(&kind.view);
		kind.flat = kind.view;
		take_columns(query, snapshot_columns, COUNT(snapshot_columns), &kind);
		break;
	case VIEW_CHANGES:
		skt_kind_of_changes(&kind);
		break;
	default:
		skt_kind_of_sockets(&kind);
		take_columns(query, kind.columns, kind.n_columns, &kind);
	}
	if (query->several) {
		skt_view_add(&kind.view, &skt_recording_field);
		skt_view_add(&kind.flat, &skt_recording_field);
	}
	return kind;
}

void shape_nameable(const struct skt_kind *kind, struct skt_view *ret)
{
	const char *name = skt_recording_field.name;
	struct skt_view sockets;

	skt_view_nameable(&kind->view, &kind->flat, ret);
	/*
	 * a change has its sockets whole, which list who holds them, or a socket's fields, of which each has one holder
	 */
	if (kind->lines) {
		skt_view_sockets(&sockets, false);
		skt_view_add(ret, skt_view_find(&sockets, "owners", strlen("owners")));
	}
	if (!skt_view_find(ret, name, strlen(name)))
		skt_view_add(ret, &skt_recording_field);
}
