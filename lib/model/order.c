/* SPDX-License-Identifier: MIT */
#include "model/order.h"

#include "base/array.h"
#include "model/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void ordering_release(struct ordering *ordering)
{
	free(ordering->tails);
	free(ordering->previous);
	free(ordering->kept);
	memset(ordering, 0, sizeof(*ordering));
}

/*
 * Mark the longest increasing run of old places among the new rows (patience sorting): those rows stay,
 * every other survivor moves. tails[k] is the new row at which a run of length k+1 ends lowest.
 */
static void longest_run(struct ordering *ordering, const uint32_t *of_now, size_t n_now)
{
	size_t length = 0;
	uint32_t at;

	for (uint32_t j = 0; j < n_now; j++) {
		size_t low = 0, high = length;

		if (of_now[j] == MAP_NONE)
			continue;
		/* nearly always the next row comes after all before it */
		if (length && of_now[ordering->tails[length - 1]] < of_now[j])
			low = length;
		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (of_now[ordering->tails[middle]] < of_now[j])
				low = middle + 1;
			else
				high = middle;
		}
		ordering->previous[j] = low ? ordering->tails[low - 1] : MAP_NONE;
		ordering->tails[low] = j;
		if (low == length)
			length++;
	}
	at = length ? ordering->tails[length - 1] : MAP_NONE;
	for (; at != MAP_NONE; at = ordering->previous[at])
		ordering->kept[at] = true;
}

static int add_edit(struct skt_step *step, const struct skt_order_edit *edit)
{
	if (array_room(&step->edits, &step->room_edits, step->n_edits + 1, sizeof(*step->edits)))
		return -ENOMEM;
	step->edits[step->n_edits++] = *edit;
	return 0;
}

int order_find(struct ordering *ordering, const struct pairing *pairing, uint32_t table, size_t n_old, size_t n_now,
	       const uint32_t *slots, struct skt_step *step)
{
	uint32_t i = 0, j = 0;

	if (array_room(&ordering->tails, &ordering->room_tails, n_now, sizeof(uint32_t)) ||
	    array_room(&ordering->previous, &ordering->room_previous, n_now, sizeof(uint32_t)) ||
	    array_room(&ordering->kept, &ordering->room_kept, n_now, sizeof(bool)) ||
	    array_room(&step->puts, &step->room_puts, step->n_puts + n_now, sizeof(uint32_t)))
		return -ENOMEM;
	if (n_now)
		memset(ordering->kept, 0, n_now * sizeof(bool));
	longest_run(ordering, pairing->of_now, n_now);
	while (i < n_old || j < n_now) {
		struct skt_order_edit edit = { .table = table };

		for (; i < n_old || j < n_now; i++) {
			if (i < n_old && pairing->of_old[i] == MAP_NONE)
				continue; /* gone, and so not counted */
			if (j == n_now || !ordering->kept[j] || pairing->of_now[j] != i)
				break;
			edit.keep++;
			j++;
		}
		for (; i < n_old && !(pairing->of_old[i] != MAP_NONE && ordering->kept[pairing->of_old[i]]); i++)
			edit.drop += pairing->of_old[i] != MAP_NONE;
		for (; j < n_now && !ordering->kept[j]; j++) {
			step->puts[step->n_puts++] = slots[j];
			edit.put++;
		}
		if ((edit.drop || edit.put) && add_edit(step, &edit))
			return -ENOMEM;
	}
	return 0;
}

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

int order_remove(struct skt_snapshot *snapshot, const struct skt_step *step)
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

int order_apply(struct skt_snapshot *snapshot, uint32_t table, const struct skt_step *step, size_t first, size_t n,
		size_t *put)
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
