/* SPDX-License-Identifier: MIT */
#include "render/formats.h"

#include "render/cells.h"
#include "render/grid.h"
#include "render/holders.h"

#include <skt/escape.h>
#include <skt/time.h>

#include <assert.h>
#include <string.h>

/*
 * Rows of any kind as a table: its columns are what the kind says.
 *
 *	FIRST           LAST             DIR  TABLE  STATES                 LOCAL           REMOTE           PROCESS PID/FD
 *	<14:03:07.600Z  >14:03:09.604Z        tcp    LISTEN                 0.0.0.0:80      0.0.0.0:*        nginx 720/6
 *	14:03:08.601Z   14:03:08.601Z    out  tcp    ESTABLISHED>TIME_WAIT  10.0.0.5:41998  203.0.113.9:443  curl 991/5
 */

/* Of "2026-11-22T14:03:07.123456789Z" the date, what is left of the fraction, and where the zone begins. */
#define DATE_LEN 10
#define CLOCK_AT 11
#define MS_END	 23
#define ZONE_AT	 29

struct table {
	const struct skt_render *render;
	const struct skt_column *columns;
	const struct skt_field_info *fields[GRID_COLUMNS];
	const struct skt_field_info *signs[GRID_COLUMNS];
	size_t n;
	bool one_day;
	bool many_namespaces;
	struct skt_buf scratch;
	struct grid grid;
};

static const struct skt_field_info *find_field(const struct skt_view *view, const char *name)
{
	for (size_t i = 0; name && i < view->n; i++)
		if (!strcmp(view->fields[i]->name, name))
			return view->fields[i];
	return NULL;
}

static void put_time(struct table *table, int64_t when, struct skt_buf *out)
{
	struct skt_buf *text = &table->scratch;

	skt_buf_clear(text);
	skt_time_format(text, when, table->render->zone);
	if (text->failed || text->len < ZONE_AT) {
		out->failed |= text->failed;
		return;
	}
	if (table->one_day)
		skt_buf_add(out, text->data + CLOCK_AT, MS_END - CLOCK_AT);
	else
		skt_buf_add(out, text->data, MS_END);
	skt_buf_add(out, text->data + ZONE_AT, text->len - ZONE_AT);
}

/* What happened one after another. */
static void put_words(const char *text, size_t len, struct skt_buf *out)
{
	for (size_t i = 0; i < len; i++)
		skt_buf_byte(out, text[i] == ' ' ? '>' : (unsigned char)text[i]);
}

static void put_holders(struct table *table, const struct skt_row *row);

/* Whether it says anything. */
static bool put_field(struct table *table, size_t column, const struct skt_row *row)
{
	const struct skt_field_info *field = table->fields[column], *sign = table->signs[column];
	struct skt_buf *out = &table->grid.text;
	struct skt_value value;

	if (field->type == SKT_TYPE_OWNERS) {
		put_holders(table, row);
		return true;
	}
	if ((field->of_process && !row->process) || !skt_field_get(field, row, &value)) {
		skt_buf_byte(out, '-');
		return false;
	}
	if (sign) {
		struct skt_value is;

		if (skt_field_get(sign, row, &is) && is.number)
			skt_buf_text(out, table->columns[column].sign);
	}
	switch (field->type) {
	case SKT_TYPE_NUMBER:
		put_number_value(out, &value);
		return value.number;
	case SKT_TYPE_BOOL:
		skt_buf_text(out, value.number ? "yes" : "no");
		return value.number;
	case SKT_TYPE_TIME:
		put_time(table, value.time, out);
		return true;
	case SKT_TYPE_WORDS:
		put_words(value.text, value.len, out);
		return true;
	case SKT_TYPE_GAPS:
		json_gaps(value.number, out);
		return value.number;
	case SKT_TYPE_FIELDS:
		json_fields(value.number, out);
		return value.number;
	case SKT_TYPE_ARGV:
		/* no more than a terminal could show; a character has at most 4 bytes */
		if (table->render->width && value.len > (size_t)table->render->width * 4)
			value.len = (size_t)table->render->width * 4;
		cell_arguments(value.text, value.len, out);
		return true;
	case SKT_TYPE_BYTES:
		/* the empty text is not null */
		if (!value.len)
			skt_buf_text(out, "''");
		skt_escape(out, value.text, value.len);
		return true;
	default:
		skt_escape(out, value.text, value.len);
		return true;
	}
}

static bool put_endpoint(struct table *table, const struct skt_row *row, bool local)
{
	const struct skt_sock *sock = row->sock;
	bool ipv6 = skt_table_kind_is_ipv6(row->snapshot->tables[sock->table].kind);

	cell_endpoint(local ? sock->local_address : sock->remote_address, ipv6,
		      local ? sock->local_port : sock->remote_port, &table->grid.text);
	return true;
}

/* The list of who holds it; of a socket that nobody does, why. */
static void put_holders(struct table *table, const struct skt_row *row)
{
	struct skt_buf *out = &table->grid.text;
	const struct holder *list;

	holders_put_state(row->sock, out);
	if (!row->sock->n_owners)
		return;
	list = holders_list(row, &table->scratch);
	if (!list) {
		out->failed = true;
		return;
	}
	holders_put(row, list, out);
	if (row->sock->owner_gaps)
		skt_buf_text(out, " +?");
}

static void put_command(struct table *table, const struct skt_row *about)
{
	struct skt_row row = *about;

	if (!row.process && row.sock && row.sock->n_owners) {
		const struct holder *list = holders_list(about, &table->scratch);

		if (list)
			row.process = &row.snapshot->processes[list->process];
	}
	if (row.process)
		cell_command(&row, &table->grid.text);
}

static bool put_cell(struct table *table, size_t column, const struct skt_row *row)
{
	switch (table->columns[column].cell) {
	case SKT_CELL_FIELD:
		return put_field(table, column, row);
	case SKT_CELL_LOCAL:
		return put_endpoint(table, row, true);
	case SKT_CELL_REMOTE:
		return put_endpoint(table, row, false);
	case SKT_CELL_NETNS:
		skt_buf_number(&table->grid.text, row->snapshot->tables[row->sock->table].net_namespace);
		return table->many_namespaces;
	case SKT_CELL_HOLDERS:
		put_holders(table, row);
		return true;
	case SKT_CELL_USER:
		cell_user(row, row->process->has & SKT_BIT(SKT_P_UID), row->process->uid, &table->grid.text);
		return true;
	case SKT_CELL_COMMAND:
		put_command(table, row);
		return true;
	}
	return false;
}

/* Whether all times that are shown are of one day. */
static bool is_one_day(struct table *table, const struct skt_row *rows, size_t n)
{
	char day[DATE_LEN];
	bool found = false;

	for (size_t i = 0; i < n * table->n; i++) {
		const struct skt_field_info *field = table->fields[i % table->n];
		struct skt_value value;

		if (!field || field->type != SKT_TYPE_TIME || (field->of_process && !rows[i / table->n].process) ||
		    !skt_field_get(field, &rows[i / table->n], &value))
			continue;
		skt_buf_clear(&table->scratch);
		skt_time_format(&table->scratch, value.time, table->render->zone);
		if (table->scratch.failed || table->scratch.len < DATE_LEN)
			return false;
		if (found && memcmp(day, table->scratch.data, DATE_LEN) != 0)
			return false;
		memcpy(day, table->scratch.data, DATE_LEN);
		found = true;
	}
	return true;
}

static bool has_many_namespaces(const struct skt_row *rows, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (rows[i].sock && rows[0].sock &&
		    rows[i].snapshot->tables[rows[i].sock->table].net_namespace !=
			    rows[0].snapshot->tables[rows[0].sock->table].net_namespace)
			return true;
	return false;
}

/* A heading is the field's name in capitals: no name is longer. */
#define HEADING_SIZE 32

static void make_heading(const char *name, char heading[HEADING_SIZE])
{
	size_t i = 0;

	for (; name[i] && i < HEADING_SIZE - 1; i++)
		heading[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 'a' + 'A') : name[i];
	heading[i] = '\0';
}

/* What the host says may be of any length. */
static bool is_long(const struct skt_field_info *field)
{
	return field->type == SKT_TYPE_BYTES || field->type == SKT_TYPE_ARGV || field->type == SKT_TYPE_OWNERS ||
	       field->type == SKT_TYPE_WORDS || field->type == SKT_TYPE_FIELDS;
}

/* The columns that the kind has, or one for each field. */
static void take_columns(struct table *table, const struct skt_kind *kind, struct grid_column *columns,
			 struct skt_column *own, char (*headings)[HEADING_SIZE])
{
	for (size_t i = 0; i < table->n && !kind->columns; i++) {
		table->fields[i] = kind->view.fields[i];
		make_heading(table->fields[i]->name, headings[i]);
		own[i] = (struct skt_column){ .heading = headings[i], .field = table->fields[i]->name };
		columns[i].yields = is_long(table->fields[i]);
	}
	for (size_t i = 0; i < table->n; i++) {
		const struct skt_column *column = &table->columns[i];

		table->fields[i] = find_field(&kind->view, column->field);
		table->signs[i] = find_field(&kind->view, column->signed_by);
		assert(table->fields[i] || column->cell != SKT_CELL_FIELD);
		columns[i].heading = column->heading;
		columns[i].right = table->fields[i] && table->fields[i]->type == SKT_TYPE_NUMBER;
		columns[i].spare = column->spare ? GRID_SPARE : GRID_KEEP;
	}
}

void table_rows(const struct skt_kind *kind, const struct skt_row *rows, size_t n, const struct skt_render *render,
		struct skt_buf *out)
{
	struct skt_column own[SKT_VIEW_FIELDS];
	char headings[SKT_VIEW_FIELDS][HEADING_SIZE];
	struct table table = { .render = render,
			       .columns = kind->columns ? kind->columns : own,
			       .n = kind->columns ? kind->n_columns : kind->view.n };
	struct grid_column columns[GRID_COLUMNS] = { 0 };

	assert(table.n <= GRID_COLUMNS);
	skt_buf_init(&table.scratch);
	take_columns(&table, kind, columns, own, headings);
	table.one_day = is_one_day(&table, rows, n);
	table.many_namespaces = has_many_namespaces(rows, n);
	grid_init(&table.grid, columns, table.n, render->width);
	for (size_t i = 0; i < n; i++) {
		struct skt_row row = rows[i];

		row.render = render;
		for (size_t k = 0; k < table.n; k++)
			grid_cell(&table.grid, put_cell(&table, k, &row));
	}
	grid_print(&table.grid, render->heading, out);
	grid_release(&table.grid);
	skt_buf_release(&table.scratch);
}
