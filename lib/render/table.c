/* SPDX-License-Identifier: MIT */
#include "render/formats.h"

#include <skt/escape.h>
#include <skt/time.h>

#include "render/cells.h"
#include "render/grid.h"

#include <string.h>

/*
 * What a person reads: a socket a line, its owners together, and words where there are none.
 *
 *	TABLE  STATE      RX  TX  LOCAL           REMOTE           USER  PROCESS PID/FD        COMMAND
 *	tcp    LISTEN      0   0  0.0.0.0:80      0.0.0.0:*        root  nginx 720/6 721/6,8   nginx: master process
 *	tcp    TIME_WAIT   0   0  10.0.0.5:41998  203.0.113.9:443  -     (carried) curl 991/5  curl https://...
 *	udp    CLOSE       0   0  0.0.0.0:8472    0.0.0.0:*        root  (unheld)
 *
 * COMMAND is that of the process that is named first. "+?" after a list says that it may be incomplete.
 */

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define IPV4_ENDPOINT 21 /* 255.255.255.255:65535 */

static const struct skt_column socket_columns[] = {
	{ .heading = "RECORDING", .cell = SKT_CELL_RECORDING, .shortens = 1 },
	{ .heading = "TABLE", .cell = SKT_CELL_TABLE, .goes = 5 },
	{ .heading = "STATE", .field = "state", .goes = 7 },
	{ .heading = "RX", .field = "rx_queue", .spare = SKT_SPARE_EMPTY, .goes = 4 },
	{ .heading = "TX", .field = "tx_queue", .spare = SKT_SPARE_EMPTY, .goes = 4 },
	{ .heading = "LOCAL", .cell = SKT_CELL_LOCAL, .least = IPV4_ENDPOINT, .shortens = 3, .ports = 6, .goes = 8 },
	{ .heading = "REMOTE", .cell = SKT_CELL_REMOTE, .least = IPV4_ENDPOINT, .shortens = 3 },
	{ .heading = "USER", .cell = SKT_CELL_USER, .least = 8, .goes = 4 },
	{ .heading = "NETNS", .cell = SKT_CELL_NETNS, .spare = SKT_SPARE_SAME, .goes = 6 },
	{ .heading = "PROCESS PID/FD", .cell = SKT_CELL_HOLDERS },
	{ .heading = "COMMAND", .cell = SKT_CELL_COMMAND },
};

void skt_kind_of_sockets(struct skt_kind *ret)
{
	*ret = (struct skt_kind){ .columns = socket_columns, .n_columns = COUNT(socket_columns), .netstat = true };
	skt_view_sockets(&ret->view, false);
	skt_view_sockets(&ret->flat, true);
}

static const struct grid_column process_columns[] = {
	{ "PID", .right = true },
	{ "PPID", .right = true },
	{ "USER", .least = 8 },
	{ "STATE", .right = false },
	{ "THREADS", .right = true },
	{ "STARTED", .right = false },
	{ "CONTAINER", .spare = SKT_SPARE_EMPTY },
	{ "NAME", .right = false },
	{ "COMMAND", .right = false },
};

/* To the second: a boot time is known no better. */
static void put_start(const struct skt_row *row, struct skt_buf *scratch, struct skt_buf *out)
{
	const size_t at = strlen("2026-11-22T14:03:07"), zone = at + strlen(".123456789");
	int64_t start;

	skt_buf_clear(scratch);
	if (!skt_row_start_time(row, &start))
		return;
	skt_time_format(scratch, start, row->render->zone);
	if (scratch->failed || scratch->len < zone) {
		out->failed |= scratch->failed;
		return;
	}
	skt_buf_add(out, scratch->data, at);
	skt_buf_add(out, scratch->data + zone, scratch->len - zone);
}

static void put_number_if(bool has, uint64_t number, struct grid *grid)
{
	if (has)
		skt_buf_number(&grid->text, number);
	else
		skt_buf_byte(&grid->text, '-');
	grid_cell(grid, has, 0);
}

static void process_row(const struct skt_row *row, struct skt_buf *scratch, struct grid *grid)
{
	const struct skt_process *process = row->process;
	char container[13];
	size_t len;
	const char *text;

	put_number_if(true, process->pid, grid);
	put_number_if(process->has & SKT_BIT(SKT_P_PPID), process->ppid, grid);
	cell_user(row, process->has & SKT_BIT(SKT_P_UID), process->uid, &grid->text);
	grid_cell(grid, true, 0);
	if (process->exited)
		skt_buf_text(&grid->text, "exited");
	else if (process->has & SKT_BIT(SKT_P_STATE))
		skt_escape(&grid->text, &process->state, 1);
	grid_cell(grid, true, 0);
	put_number_if(process->has & SKT_BIT(SKT_P_THREADS), process->threads, grid);
	put_start(row, scratch, &grid->text);
	grid_cell(grid, true, 0);
	text = skt_strtab_get(row->snapshot->strings, process->cgroup, &len);
	if (process->has & SKT_BIT(SKT_P_CGROUP) && skt_container_id(text, len, container)) {
		skt_buf_text(&grid->text, container);
		grid_cell(grid, true, 0);
	} else {
		grid_cell(grid, false, 0);
	}
	text = skt_strtab_get(row->snapshot->strings, process->comm, &len);
	if (process->has & SKT_BIT(SKT_P_COMM))
		skt_escape(&grid->text, text, len);
	grid_cell(grid, true, 0);
	cell_command(row, &grid->text);
	grid_cell(grid, true, 0);
}

void table_processes(const struct skt_row *about, const uint32_t *slots, size_t n, struct skt_buf *out)
{
	struct skt_row row = *about;
	struct skt_buf scratch;
	struct grid grid;

	skt_buf_init(&scratch);
	grid_init(&grid, process_columns, COUNT(process_columns), about->render->width);
	for (size_t i = 0; i < n; i++) {
		row.process = &about->snapshot->processes[slots[i]];
		process_row(&row, &scratch, &grid);
	}
	grid_print(&grid, about->render->heading, out);
	grid_release(&grid);
	skt_buf_release(&scratch);
}
