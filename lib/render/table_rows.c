/* SPDX-License-Identifier: MIT */
#include "render/formats.h"

#include "render/grid.h"
#include "render/table_cell.h"

#include <skt/time.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * Rows of any kind as a table: its columns are what the kind says.
 *
 *	FIRST           LAST             DIR  TABLE  STATES             LOCAL           REMOTE           PROCESS PID/FD
 *	<14:03:07.600Z  >14:03:09.604Z        tcp    LISTEN             0.0.0.0:80      0.0.0.0:*        nginx 720/6
 *	14:03:08.601Z   14:03:08.601Z    out  tcp    ESTABLISHED        10.0.0.5:41998  203.0.113.9:443  curl 991/5
 */

/*
 * Of "2026-11-22T14:03:07.123456789Z" what is the month's, the clock's, what is left of the fraction, and where the
 * zone begins.
 */
#define DATE_LEN  10
#define MONTH_AT  5
#define CLOCK_AT  11
#define SECOND_AT 19
#define MS_END	  23
#define ZONE_AT	  29

struct table {
	struct table_maker maker;
	struct skt_column own[SKT_VIEW_FIELDS];
	char headings[SKT_VIEW_FIELDS][32]; /* a field's name in capitals: no name is longer */
	struct grid_column columns[GRID_COLUMNS];
	struct grid grid;
	bool one_day;
	bool whole_seconds;
};

static const struct skt_field_info *find_field(const struct skt_view *view, const char *name)
{
	for (size_t i = 0; name && i < view->n; i++)
		if (!strcmp(view->fields[i]->name, name))
			return view->fields[i];
	return NULL;
}

static void make_heading(const char *name, char *heading, size_t size)
{
	size_t i = 0;

	for (; i < size - 1 && name[i]; i++)
		heading[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 'a' + 'A') : name[i];
	heading[i] = '\0';
}

/* What the host says may be of any length. */
static bool is_long(const struct skt_field_info *field)
{
	return field->type == SKT_TYPE_BYTES || field->type == SKT_TYPE_ARGV || skt_field_is_list(field) ||
	       field->type == SKT_TYPE_WORDS || field->type == SKT_TYPE_FIELDS;
}

/* The columns that the kind has, or one for each field. */
static void take_columns(struct table *table, const struct skt_kind *kind)
{
	struct table_maker *maker = &table->maker;

	for (size_t i = 0; i < maker->n && !kind->columns; i++) {
		const struct skt_field_info *field = kind->view.fields[i];

		make_heading(field->name, table->headings[i], sizeof(table->headings[i]));
		table->own[i] = (struct skt_column){ .heading = table->headings[i], .field = field->name };
		table->columns[i].yields = is_long(field);
	}
	for (size_t i = 0; i < maker->n; i++) {
		const struct skt_column *column = &maker->columns[i];
		struct grid_column *shown = &table->columns[i];

		maker->fields[i] = find_field(&kind->view, column->field);
		maker->signs[i] = find_field(&kind->view, column->signed_by);
		assert(maker->fields[i] || column->cell != SKT_CELL_FIELD);
		shown->heading = column->heading;
		shown->right = column->cell == SKT_CELL_NETNS ||
			       (maker->fields[i] && maker->fields[i]->type == SKT_TYPE_NUMBER);
		shown->spare = column->spare;
		shown->least = column->least;
		shown->shortens = column->shortens;
		shown->ports = column->ports;
		shown->goes = column->goes;
	}
}

static void table_init(struct table *table, const struct skt_kind *kind, const struct skt_render *render)
{
	memset(table, 0, sizeof(*table));
	table->maker.render = render;
	table->maker.columns = kind->columns ? kind->columns : table->own;
	table->maker.n = kind->columns ? kind->n_columns : kind->view.n;
	assert(table->maker.n <= GRID_COLUMNS);
	skt_buf_init(&table->maker.scratch);
	skt_buf_init(&table->maker.text);
	take_columns(table, kind);
	grid_init(&table->grid, table->columns, table->maker.n, render->width);
}

static void table_release(struct table *table)
{
	skt_buf_release(&table->maker.scratch);
	skt_buf_release(&table->maker.text);
	grid_release(&table->grid);
}

/* Whether all times that are shown are of one day, and whether they are whole seconds. */
static void look_at_times(struct table *table, const struct skt_part *parts, size_t n)
{
	struct skt_buf *text = &table->maker.scratch;
	char day[DATE_LEN];
	bool found = false;

	table->one_day = true;
	table->whole_seconds = true;
	for (size_t i = 0; i < n; i++) {
		const unsigned char *at = parts[i].data, *end = at + parts[i].len;
		struct table_cell cell;

		while (at < end && cell_get(&at, end, &cell)) {
			if (cell.kind != CELL_TIME)
				continue;
			skt_buf_clear(text);
			skt_time_format(text, cell.time, table->maker.render->zone);
			table->whole_seconds &= !(cell.time % 1000000000);
			if (text->failed || text->len < DATE_LEN || (found && memcmp(day, text->data, DATE_LEN) != 0)) {
				table->one_day = false;
				continue;
			}
			memcpy(day, text->data, DATE_LEN);
			found = true;
		}
	}
}

/* Returns where the shorter text begins. */
static size_t put_time(struct table *table, const struct table_cell *cell, struct skt_buf *out)
{
	const struct skt_render *render = table->maker.render;
	struct skt_buf *text = &table->maker.scratch;
	size_t from = table->one_day ? CLOCK_AT : 0, short_from = table->one_day ? CLOCK_AT : MONTH_AT, short_at;
	size_t to = table->whole_seconds && render->width ? SECOND_AT : MS_END;

	skt_buf_clear(text);
	skt_time_format(text, cell->time, render->zone);
	if (text->failed || text->len < ZONE_AT) {
		out->failed |= text->failed;
		return 0;
	}
	if (cell->sign)
		skt_buf_byte(out, (unsigned char)cell->sign);
	skt_buf_add(out, text->data + from, to - from);
	skt_buf_add(out, text->data + ZONE_AT, text->len - ZONE_AT);
	short_at = out->len;
	if (cell->sign)
		skt_buf_byte(out, (unsigned char)cell->sign);
	skt_buf_add(out, text->data + short_from, SECOND_AT - short_from);
	return short_at;
}

static void fill(struct table *table, const struct skt_part *part)
{
	const unsigned char *at = part->data, *end = at + part->len;
	struct skt_buf *text = &table->grid.text;

	for (size_t i = 0; i < table->maker.n; i++) {
		struct table_cell cell;
		size_t short_at = 0;

		if (!cell_get(&at, end, &cell)) {
			text->failed = true;
			return;
		}
		if (cell.kind == CELL_TIME) {
			short_at = put_time(table, &cell, text);
		} else {
			skt_buf_add(text, cell.text, cell.len);
			short_at = cell.short_len ? text->len : 0;
			skt_buf_add(text, cell.text + cell.len, cell.short_len);
		}
		grid_cell(&table->grid, cell.says, short_at);
	}
}

void table_part(const struct skt_kind *kind, const struct skt_row *row, const struct skt_render *render,
		struct skt_buf *out)
{
	struct table table;

	table_init(&table, kind, render);
	cells_put(&table.maker, row, out);
	table_release(&table);
}

static void print(struct table *table, const struct skt_part *parts, size_t n, struct skt_buf *out)
{
	look_at_times(table, parts, n);
	for (size_t i = 0; i < n; i++)
		fill(table, &parts[i]);
	grid_print(&table->grid, table->maker.render->heading, out);
}

void table_parts(const struct skt_kind *kind, const struct skt_part *parts, size_t n, const struct skt_render *render,
		 struct skt_buf *out)
{
	struct table table;

	table_init(&table, kind, render);
	print(&table, parts, n, out);
	table_release(&table);
}

void table_rows(const struct skt_kind *kind, const struct skt_row *rows, size_t n, const struct skt_render *render,
		struct skt_buf *out)
{
	struct skt_part *parts = calloc(n + 1, sizeof(*parts));
	struct skt_buf cells;
	struct table table;
	size_t done = 0;

	skt_buf_init(&cells);
	table_init(&table, kind, render);
	for (size_t i = 0; i < n && parts; i++) {
		struct skt_row row = rows[i];

		row.render = render;
		cells_put(&table.maker, &row, &cells);
		parts[i].len = cells.len - done;
		done = cells.len;
	}
	/* they stand where they are only when all are there */
	for (size_t i = 0, at = 0; i < n && parts && !cells.failed; at += parts[i++].len)
		parts[i].data = cells.data + at;
	if (!parts || cells.failed)
		out->failed = true;
	else
		print(&table, parts, n, out);
	table_release(&table);
	skt_buf_release(&cells);
	free(parts);
}
