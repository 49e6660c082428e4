/* SPDX-License-Identifier: MIT */
#include "render/formats.h"

#include <skt/escape.h>
#include <skt/time.h>

#include "render/cells.h"
#include "render/grid.h"
#include "render/holders.h"

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

#define IPV4_ENDPOINT 21 /* 255.255.255.255:65535 */

static const struct grid_column socket_columns[] = {
	{ "TABLE", .right = false },
	{ "STATE", .right = false },
	{ "RX", .right = true, .spare = GRID_SPARE_ON_TERMINAL },
	{ "TX", .right = true, .spare = GRID_SPARE_ON_TERMINAL },
	{ "LOCAL", .least = IPV4_ENDPOINT },
	{ "REMOTE", .least = IPV4_ENDPOINT },
	{ "USER", .least = 8 },
	{ "NETNS", .right = true, .spare = GRID_SPARE },
	{ "PROCESS PID/FD", .right = false },
	{ "COMMAND", .right = false },
};

static const struct grid_column process_columns[] = {
	{ "PID", .right = true },
	{ "PPID", .right = true },
	{ "USER", .least = 8 },
	{ "STATE", .right = false },
	{ "THREADS", .right = true },
	{ "STARTED", .right = false },
	{ "CONTAINER", .spare = GRID_SPARE },
	{ "NAME", .right = false },
	{ "COMMAND", .right = false },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* The last two cells. */
static void put_owners(const struct skt_row *row, struct skt_buf *scratch, struct grid *grid)
{
	struct skt_row first = *row;
	const struct holder *list = NULL;

	holders_put_state(row->sock, &grid->text);
	if (row->sock->n_owners) {
		list = holders_list(row, scratch);
		if (!list) {
			grid->text.failed = true;
			return;
		}
		holders_put(row, list, &grid->text);
		if (row->sock->owner_gaps)
			skt_buf_text(&grid->text, " +?");
	}
	grid_cell(grid, true);
	if (list) {
		first.process = &row->snapshot->processes[list->process];
		cell_command(&first, &grid->text);
	}
	grid_cell(grid, true);
}

static void put_number_cell(uint64_t number, struct grid *grid)
{
	skt_buf_number(&grid->text, number);
	grid_cell(grid, number);
}

static void socket_row(const struct skt_row *row, bool many_namespaces, struct skt_buf *scratch, struct grid *grid)
{
	const struct skt_sock *sock = row->sock;
	const struct skt_table *table = &row->snapshot->tables[sock->table];
	bool ipv6 = skt_table_kind_is_ipv6(table->kind);
	const char *state = skt_state_name(sock->state);

	skt_buf_text(&grid->text, skt_table_kind_name(table->kind));
	if (table->status != SKT_TABLE_FRESH)
		skt_buf_printf(&grid->text, "(%s)", skt_table_status_name(table->status));
	grid_cell(grid, true);
	if (state)
		skt_buf_text(&grid->text, state);
	else
		skt_buf_printf(&grid->text, "0x%02X", sock->state);
	grid_cell(grid, true);
	put_number_cell(sock->rx_queue, grid);
	put_number_cell(sock->tx_queue, grid);
	cell_endpoint(sock->local_address, ipv6, sock->local_port, &grid->text);
	grid_cell(grid, true);
	cell_endpoint(sock->remote_address, ipv6, sock->remote_port, &grid->text);
	grid_cell(grid, true);
	cell_user(row, skt_row_has_uid(row), sock->uid, &grid->text);
	grid_cell(grid, true);
	if (table->net_namespace)
		skt_buf_number(&grid->text, table->net_namespace);
	grid_cell(grid, many_namespaces);
	put_owners(row, scratch, grid);
}

static bool has_many_namespaces(const struct skt_snapshot *snapshot, const uint32_t *slots, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct skt_table *first = &snapshot->tables[snapshot->socks[slots[0]].table];

		if (snapshot->tables[snapshot->socks[slots[i]].table].net_namespace != first->net_namespace)
			return true;
	}
	return false;
}

void table_sockets(const struct skt_row *about, const uint32_t *slots, size_t n, struct skt_buf *out)
{
	bool many = has_many_namespaces(about->snapshot, slots, n);
	struct skt_row row = *about;
	struct skt_buf scratch;
	struct grid grid;

	skt_buf_init(&scratch);
	grid_init(&grid, socket_columns, COUNT(socket_columns), about->render->width);
	for (size_t i = 0; i < n; i++) {
		row.sock = &about->snapshot->socks[slots[i]];
		socket_row(&row, many, &scratch, &grid);
	}
	grid_print(&grid, about->render->heading, out);
	grid_release(&grid);
	skt_buf_release(&scratch);
}

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
	grid_cell(grid, has);
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
	grid_cell(grid, true);
	if (process->exited)
		skt_buf_text(&grid->text, "exited");
	else if (process->has & SKT_BIT(SKT_P_STATE))
		skt_escape(&grid->text, &process->state, 1);
	grid_cell(grid, true);
	put_number_if(process->has & SKT_BIT(SKT_P_THREADS), process->threads, grid);
	put_start(row, scratch, &grid->text);
	grid_cell(grid, true);
	text = skt_strtab_get(row->snapshot->strings, process->cgroup, &len);
	if (process->has & SKT_BIT(SKT_P_CGROUP) && skt_container_id(text, len, container)) {
		skt_buf_text(&grid->text, container);
		grid_cell(grid, true);
	} else {
		grid_cell(grid, false);
	}
	text = skt_strtab_get(row->snapshot->strings, process->comm, &len);
	if (process->has & SKT_BIT(SKT_P_COMM))
		skt_escape(&grid->text, text, len);
	grid_cell(grid, true);
	cell_command(row, &grid->text);
	grid_cell(grid, true);
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
