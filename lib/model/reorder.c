/* SPDX-License-Identifier: MIT */
#include "model/reorder.h"

#include "model/step.h"
#include "model/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The rows marked leave the order of a table. */
static void remove_marked(struct skt_snapshot *snapshot, struct skt_table *table, const bool *marked)
{
	size_t to = 0;

	for (size_t from = 0; from < table->n_rows; from++) {
		uint32_t slot = table->order[from];

		if (marked[slot])
			snapshot->socks[slot].listed = false;
		else
			table->order[to++] = slot;
	}
	snapshot->tables_known->rows -= table->n_rows - to;
	table->n_rows = to;
}

/* Rows that closed or were lost leave the order of their tables. 0 or -ENOMEM. */
static int remove_rows(struct skt_snapshot *snapshot, const struct skt_step *step)
{
	bool *rows = NULL, *tables = NULL;

	/* marks, for they lie close together: to look at every row itself would cost more than the rest of a step */
	for (size_t i = 0; i < step->n_socks; i++) {
		const struct skt_sock_change *change = &step->socks[i];

		if (change->change != SKT_CLOSED && change->change != SKT_LOST)
			continue;
		if (!rows) {
			rows = calloc(snapshot->n_socks + snapshot->n_tables, sizeof(bool));
			if (!rows)
				return -ENOMEM;
			tables = rows + snapshot->n_socks;
		}
		rows[change->slot] = true;
		tables[change->before.table] = true;
	}
	for (size_t i = 0; rows && i < snapshot->n_tables; i++)
		if (tables[i])
			remove_marked(snapshot, &snapshot->tables[i], rows);
	free(rows);
	return 0;
}

/* How many rows the new order has, or -1 where the edits do not fit the old one, or put more than puts rows. */
static int64_t new_length(const struct skt_table *table, const struct skt_order_edit *edits, size_t n, size_t puts)
{
	size_t length = table->n_rows, left = length;

	for (size_t k = 0; k < n; k++) {
		if (edits[k].keep > left || edits[k].drop > left - edits[k].keep || edits[k].put > puts)
			return -1;
		left -= edits[k].keep + edits[k].drop;
		puts -= edits[k].put;
		length += edits[k].put;
		length -= edits[k].drop;
	}
	return length > SKT_SOCKS_MAX ? -1 : (int64_t)length;
}

/* The rows put stand in the order now. A row that moved was dropped by one edit and put by another, perhaps an earlier one: so this comes last. */
static int list_rows(struct skt_snapshot *snapshot, uint32_t table, const struct skt_step *step, size_t put, size_t end)
{
	for (; put < end; put++) {
		uint32_t slot = step->puts[put];
		struct skt_sock *sock = slot < snapshot->n_socks ? &snapshot->socks[slot] : NULL;

		if (!sock || sock->table != table || sock->listed)
			return -EBADMSG;
		sock->listed = true;
	}
	return 0;
}

/*
 * Take n edits of the step, from number first on, all of one table. They are from outside: -EBADMSG where they do not
 * fit. put is the number of the next of step->puts, advanced past what was used.
 */
static int edit_table(struct skt_snapshot *snapshot, uint32_t table, const struct skt_step *step, size_t first,
		      size_t n, size_t *put)
{
	struct skt_table *t = &snapshot->tables[table];
	size_t from = 0, to = 0, first_put = *put;
	uint32_t *order;
	int64_t length = new_length(t, &step->edits[first], n, step->n_puts - *put);

	if (length < 0)
		return -EBADMSG;
	order = malloc(((size_t)length + 1) * sizeof(*order));
	if (!order)
		return -ENOMEM;
	for (size_t k = first; k < first + n; k++) {
		const struct skt_order_edit *edit = &step->edits[k];

		for (uint32_t i = 0; i < edit->keep; i++)
			order[to++] = t->order[from++];
		for (uint32_t i = 0; i < edit->drop; i++)
			snapshot->socks[t->order[from++]].listed = false;
		for (uint32_t i = 0; i < edit->put; i++)
			order[to++] = step->puts[(*put)++];
	}
	while (from < t->n_rows)
		order[to++] = t->order[from++];
	free(t->order);
	t->order = order;
	t->n_rows = (size_t)length;
	return list_rows(snapshot, table, step, first_put, *put);
}

/* Whether a table and its rows are as they must be after a step that changed either. */
static bool table_is_good(const struct skt_table *table)
{
	return table->gone ? !table->n_rows : !table->n_raw || table->raw[table->n_raw - 1].before <= table->n_rows;
}

/* Every live row stands in its table's order once. */
static int check_order(const struct skt_snapshot *snapshot, const struct skt_step *step, struct skt_err *err)
{
	size_t rows = snapshot->tables_known->rows;

	for (size_t i = 0; i < step->n_tables; i++)
		if (!table_is_good(&snapshot->tables[step->tables[i].slot]))
			return step_misfit(err, "rows of table", step->tables[i].slot);
	if (rows != snapshot->live_socks)
		return step_misfit(err, "number of rows", (uint32_t)rows);
	for (size_t i = 0; i < step->n_socks; i++) {
		const struct skt_sock *sock = &snapshot->socks[step->socks[i].slot];

		if (sock->listed != (sock->table != SKT_NO_TABLE))
			return step_misfit(err, "order of socket", step->socks[i].slot);
		if (sock->table == SKT_NO_TABLE && !table_is_good(&snapshot->tables[step->socks[i].before.table]))
			return step_misfit(err, "rows of table", step->socks[i].before.table);
	}
	return 0;
}

int reorder(struct skt_snapshot *snapshot, const struct skt_step *step, struct skt_err *err)
{
	size_t put = 0;

	if (remove_rows(snapshot, step))
		return skt_err_set(err, -ENOMEM, "order of rows");
	for (size_t first = 0; first < step->n_edits;) {
		uint32_t table = step->edits[first].table;
		size_t n = 1, rows;
		int rc;

		while (first + n < step->n_edits && step->edits[first + n].table == table)
			n++;
		if (table >= snapshot->n_tables || (first && table <= step->edits[first - 1].table))
			return step_misfit(err, "order of table", table);
		rows = snapshot->tables[table].n_rows;
		rc = edit_table(snapshot, table, step, first, n, &put);
		if (rc == -EBADMSG)
			return step_misfit(err, "order of table", table);
		if (rc)
			return skt_err_set(err, rc, "order of table %u", table);
		if (!table_is_good(&snapshot->tables[table]))
			return step_misfit(err, "rows of table", table);
		snapshot->tables_known->rows += snapshot->tables[table].n_rows - rows;
		first += n;
	}
	return check_order(snapshot, step, err);
}

void reorder_forget(struct skt_snapshot *snapshot)
{
	if (!snapshot->tables_known->rows)
		return;
	for (size_t i = 0; i < snapshot->n_tables; i++)
		snapshot->tables[i].n_rows = 0;
	snapshot->tables_known->rows = 0;
}
