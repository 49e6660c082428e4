/* SPDX-License-Identifier: MIT */
#include "model/reorder.h"

#include "model/step.h"
#include "model/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The rows marked leave the order of a table. */
static void remove_marked(struct skt_snapshot *snapshot, struct skt_table *table)
{
	const bool *marked = snapshot->tables_known->row_marks;
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

static bool has_gone(const struct skt_sock_change *change)
{
	return change->change == SKT_CLOSED || change->change == SKT_LOST;
}

/* The table's order is about to be walked along. Once a step is enough to tell how much that costs. */
static bool mark_table(struct skt_snapshot *snapshot, uint32_t table)
{
	bool *mark = &snapshot->tables_known->table_marks[table];

	if (*mark)
		return false;
	*mark = true;
	snapshot->walked += snapshot->tables[table].n_rows;
	return true;
}

/* Rows that closed or were lost leave the order of their tables, which are marked. */
static void remove_rows(struct skt_snapshot *snapshot, const struct skt_step *step)
{
	/* marks, for they lie close together: to look at every row itself would cost more than the rest of a step */
	bool *rows = snapshot->tables_known->row_marks;

	for (size_t i = 0; i < step->n_socks; i++)
		if (has_gone(&step->socks[i]))
			rows[step->socks[i].slot] = true;
	for (size_t i = 0; i < step->n_socks; i++)
		if (has_gone(&step->socks[i]) && mark_table(snapshot, step->socks[i].before.table))
			remove_marked(snapshot, &snapshot->tables[step->socks[i].before.table]);
	for (size_t i = 0; i < step->n_socks; i++)
		if (has_gone(&step->socks[i]))
			rows[step->socks[i].slot] = false;
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

/*
 * The rows put stand in the order now. A row that moved was dropped by one edit and put by another, perhaps an earlier
 * one: so this comes last.
 */
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

/* Of none there may be no array either. */
static void copy_slots(uint32_t *to, const uint32_t *from, size_t first, size_t n)
{
	if (n)
		memcpy(to, from + first, n * sizeof(*to));
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

		copy_slots(order + to, t->order, from, edit->keep);
		from += edit->keep;
		to += edit->keep;
		for (uint32_t i = 0; i < edit->drop; i++)
			snapshot->socks[t->order[from++]].listed = false;
		snapshot->moved += edit->drop;
		copy_slots(order + to, step->puts, *put, edit->put);
		*put += edit->put;
		to += edit->put;
	}
	copy_slots(order + to, t->order, from, t->n_rows - from);
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

/*
 * Every live row stands in its table's order once. Those that stand there are alive and different ones, so that it is
 * enough to count them; of rows that changed nothing else could be wrong, and they are most of a step.
 */
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

		if (step->socks[i].change == SKT_CHANGED)
			continue;
		if (sock->listed != (sock->table != SKT_NO_TABLE))
			return step_misfit(err, "order of socket", step->socks[i].slot);
		if (sock->table == SKT_NO_TABLE && !table_is_good(&snapshot->tables[step->socks[i].before.table]))
			return step_misfit(err, "rows of table", step->socks[i].before.table);
	}
	return 0;
}

static int edit_tables(struct skt_snapshot *snapshot, const struct skt_step *step, struct skt_err *err)
{
	size_t put = 0;

	for (size_t first = 0; first < step->n_edits;) {
		uint32_t table = step->edits[first].table;
		size_t n = 1, rows;
		int rc;

		while (first + n < step->n_edits && step->edits[first + n].table == table)
			n++;
		if (table >= snapshot->n_tables || (first && table <= step->edits[first - 1].table))
			return step_misfit(err, "order of table", table);
		rows = snapshot->tables[table].n_rows;
		mark_table(snapshot, table);
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
	return 0;
}

/* No mark stays, whether all tables could be taken or not. */
static void unmark_tables(struct skt_snapshot *snapshot, const struct skt_step *step)
{
	bool *marks = snapshot->tables_known->table_marks;

	for (size_t i = 0; i < step->n_socks; i++)
		if (has_gone(&step->socks[i]))
			marks[step->socks[i].before.table] = false;
	for (size_t i = 0; i < step->n_edits; i++)
		if (step->edits[i].table < snapshot->n_tables)
			marks[step->edits[i].table] = false;
}

int reorder(struct skt_snapshot *snapshot, const struct skt_step *step, struct skt_err *err)
{
	int rc;

	if (tables_room_for_marks(snapshot))
		return skt_err_set(err, -ENOMEM, "order of rows");
	remove_rows(snapshot, step);
	rc = edit_tables(snapshot, step, err);
	unmark_tables(snapshot, step);
	return rc ? rc : check_order(snapshot, step, err);
}

void reorder_forget(struct skt_snapshot *snapshot)
{
	if (!snapshot->tables_known->rows)
		return;
	for (size_t i = 0; i < snapshot->n_tables; i++)
		snapshot->tables[i].n_rows = 0;
	snapshot->tables_known->rows = 0;
}
