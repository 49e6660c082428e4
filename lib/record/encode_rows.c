/* SPDX-License-Identifier: MIT */
#include "record/encode.h"

#include "base/array.h"

#include <stdlib.h>

/* The twin of decode_rows.c and decode_columns.c. */

static bool is_opened(const struct skt_sock_change *change)
{
	return change->change == SKT_OPENED || change->change == SKT_PRESENT;
}

static int by_slot(const void *x, const void *y)
{
	uint32_t a = (*(const struct skt_sock_change *const *)x)->slot;
	uint32_t b = (*(const struct skt_sock_change *const *)y)->slot;

	return a < b ? -1 : a > b;
}

void encoder_choose(struct encoder *encoder, const struct skt_step *step, struct choice choice)
{
	bool sorted = true;

	encoder->n_rows = 0;
	if (array_room(&encoder->rows, &encoder->room, step->n_socks, sizeof(*encoder->rows))) {
		encoder->values.failed = true;
		return;
	}
	for (size_t i = 0; i < step->n_socks; i++) {
		const struct skt_sock_change *change = &step->socks[i];
		bool is = choice.what == SKT_OPENED ? is_opened(change) : change->change == choice.what;

		if (!is || (choice.fields && !(change->fields & choice.fields)))
			continue;
		sorted &= !encoder->n_rows || encoder->rows[encoder->n_rows - 1]->slot < change->slot;
		encoder->rows[encoder->n_rows++] = change;
	}
	if (!sorted)
		qsort(encoder->rows, encoder->n_rows, sizeof(*encoder->rows), by_slot);
}

/* How many were chosen, and their slots. */
static void put_slots(const struct encoder *encoder, struct skt_buf *out)
{
	uint32_t slot = 0;

	skt_buf_varint(out, encoder->n_rows);
	for (size_t i = 0; i < encoder->n_rows; i++) {
		skt_buf_varint(out, encoder->rows[i]->slot - slot);
		slot = encoder->rows[i]->slot;
	}
}

/* The owners of the rows that have this field, as three columns in one: how many, then whose and which descriptor. */
static void put_owners(struct encoder *encoder, const struct skt_snapshot *now, bool opened)
{
	struct skt_buf *out = &encoder->values;
	uint32_t process = 0;

	for (size_t i = 0; i < encoder->n_rows; i++)
		if (opened || encoder->rows[i]->fields & SKT_BIT(SKT_F_OWNERS))
			skt_buf_varint(out, encoder->rows[i]->now.n_owners);
	for (size_t i = 0; i < encoder->n_rows; i++) {
		const struct skt_sock *sock = &encoder->rows[i]->now;

		if (!opened && !(encoder->rows[i]->fields & SKT_BIT(SKT_F_OWNERS)))
			continue;
		for (uint32_t k = 0; k < sock->n_owners; k++) {
			const struct skt_owner *owner = &now->owners[sock->first_owner + k];

			skt_buf_zigzag(out, (int64_t)owner->process - process);
			process = owner->process;
			skt_buf_zigzag(out, owner->fd);
		}
	}
}

static bool has_value(const struct skt_sock_change *change, const struct column *column, bool opened)
{
	return opened || change->fields & SKT_BIT(column->id);
}

static void put_planes(struct encoder *encoder, const struct column *column, bool opened)
{
	struct skt_buf *out = &encoder->values;
	unsigned char *at;
	size_t n = 0;

	for (size_t i = 0; i < encoder->n_rows; i++)
		n += has_value(encoder->rows[i], column, opened);
	at = skt_buf_room(out, n * column->width);
	if (!at)
		return;
	for (size_t i = 0; i < encoder->n_rows; i++)
		if (has_value(encoder->rows[i], column, opened))
			column_put_planes(column, &encoder->rows[i]->now, at++, n);
	out->len += n * column->width;
}

static void put_values(struct encoder *encoder, const struct column *column, const struct skt_snapshot *now,
		       bool opened)
{
	struct column_context context = { .column = column, .boottime = now->boottime };

	for (size_t i = 0; i < encoder->n_rows; i++) {
		const struct skt_sock_change *change = encoder->rows[i];

		if (!has_value(change, column, opened))
			continue;
		context.ipv6 = skt_table_kind_is_ipv6(now->tables[change->now.table].kind);
		column_put(&context, opened ? NULL : &change->before, &change->now, &encoder->values);
	}
}

/* Every column of a section, of the chosen rows. One that has no values is left out. */
static void put_columns(struct encoder *encoder, const struct skt_snapshot *now, uint8_t section, bool opened,
			struct skt_buf *out)
{
	struct skt_buf *values = &encoder->values;
	unsigned n = 0;

	skt_buf_clear(&encoder->columns);
	for (size_t c = 0; c <= n_row_columns; c++) {
		const struct column *column = c < n_row_columns ? &row_columns[c] : NULL;

		values->len = 0;
		if (column && column->section == section && column->how == HOW_FIXED)
			put_planes(encoder, column, opened);
		else if (column && column->section == section)
			put_values(encoder, column, now, opened);
		else if (!column && section == SECTION_IDENTITY)
			put_owners(encoder, now, opened);
		if (!values->len)
			continue;
		skt_buf_byte(&encoder->columns, column ? column->id : SKT_F_OWNERS);
		skt_buf_varint(&encoder->columns, values->len);
		skt_buf_add(&encoder->columns, values->data, values->len);
		n++;
	}
	skt_buf_varint(out, n);
	skt_buf_add(out, encoder->columns.data, encoder->columns.len);
	out->failed |= encoder->columns.failed | values->failed;
}

/* Of which table each of the chosen rows is, as runs. */
static void put_table_runs(const struct encoder *encoder, struct skt_buf *out)
{
	for (size_t i = 0, run; i < encoder->n_rows; i += run) {
		uint32_t table = encoder->rows[i]->now.table;

		for (run = 1; i + run < encoder->n_rows && encoder->rows[i + run]->now.table == table;)
			run++;
		skt_buf_varint(out, run);
		skt_buf_varint(out, table);
	}
	skt_buf_varint(out, 0);
}

/* Rows that changed in a field of this section: slots, masks, columns. */
static void put_changed(struct encoder *encoder, const struct skt_step *step, const struct skt_snapshot *now,
			uint8_t section, struct skt_buf *out)
{
	uint32_t fields = section == SECTION_IDENTITY ? IDENTITY_FIELDS : ~IDENTITY_FIELDS;

	encoder_choose(encoder, step, (struct choice){ .what = SKT_CHANGED, .fields = fields });
	put_slots(encoder, out);
	for (size_t i = 0; i < encoder->n_rows; i++)
		skt_buf_varint(out, encoder->rows[i]->fields & fields);
	put_columns(encoder, now, section, false, out);
}

void put_socks(struct encoder *encoder, const struct skt_step *step, const struct skt_snapshot *now,
	       struct skt_buf sections[SECTION_END])
{
	encoder_choose(encoder, step, (struct choice){ .what = SKT_CLOSED });
	put_slots(encoder, &sections[SECTION_IDENTITY]);
	encoder_choose(encoder, step, (struct choice){ .what = SKT_LOST });
	put_slots(encoder, &sections[SECTION_IDENTITY]);
	encoder_choose(encoder, step, (struct choice){ .what = SKT_OPENED });
	put_table_runs(encoder, &sections[SECTION_IDENTITY]);
	put_columns(encoder, now, SECTION_IDENTITY, true, &sections[SECTION_IDENTITY]);
	put_columns(encoder, now, SECTION_STATE, true, &sections[SECTION_STATE]);
	put_changed(encoder, step, now, SECTION_IDENTITY, &sections[SECTION_IDENTITY]);
	put_changed(encoder, step, now, SECTION_STATE, &sections[SECTION_STATE]);
}
