/* SPDX-License-Identifier: MIT */
#include <skt/render.h>

#include "render/formats.h"

#include <assert.h>
#include <string.h>

static const char *const formats[] = {
	[SKT_FORMAT_TABLE] = "table", [SKT_FORMAT_JSON] = "json",	[SKT_FORMAT_JSONL] = "jsonl",
	[SKT_FORMAT_CSV] = "csv",     [SKT_FORMAT_NETSTAT] = "netstat",
};

int skt_format_of(const char *name)
{
	for (int i = 0; i < (int)(sizeof(formats) / sizeof(*formats)); i++)
		if (!strcmp(formats[i], name))
			return i;
	return -1;
}

void skt_render_begin(struct skt_render *render, struct skt_buf *out)
{
	render->rows = 0;
	render->headed = false;
	if (render->format == SKT_FORMAT_JSON)
		skt_buf_byte(out, '[');
}

void skt_render_end(struct skt_render *render, struct skt_buf *out)
{
	if (render->format == SKT_FORMAT_JSON)
		skt_buf_text(out, render->rows ? "\n]\n" : "]\n");
}

static struct skt_row row_of(const struct skt_render *render, const struct skt_snapshot *snapshot)
{
	return (struct skt_row){
		.render = render, .host = render->host, .boot_time = render->boot_time, .snapshot = snapshot
	};
}

/* Is it time for the names of the columns? */
static bool take_heading(struct skt_render *render)
{
	bool first = !render->headed;

	render->headed = true;
	return first && render->heading;
}

/* An object of an array begins a line, an object on its own ends one. */
static void put_object(struct skt_render *render, const struct skt_view *view, const struct skt_row *row,
		       struct skt_buf *out)
{
	if (render->format == SKT_FORMAT_JSON)
		skt_buf_text(out, render->rows ? ",\n" : "\n");
	json_row(view, row, out);
	if (render->format == SKT_FORMAT_JSONL)
		skt_buf_byte(out, '\n');
	render->rows++;
}

/* A line for each owner, with the number of the row before it. */
static void put_lines(struct skt_render *render, const struct skt_view *view, const struct skt_row *row,
		      struct skt_buf *out)
{
	uint32_t n = row->sock ? row->sock->n_owners : 0;

	render->rows++;
	for (uint32_t i = 0; i < n || !i; i++) {
		struct skt_row owner = n ? skt_row_of_owner(row, &skt_row_owners(row)[i]) : *row;

		skt_buf_number(out, render->rows);
		skt_buf_byte(out, ',');
		csv_row(view, &owner, out);
	}
}

static void csv_sockets(struct skt_render *render, struct skt_row *row, const uint32_t *slots, size_t n,
			struct skt_buf *out)
{
	struct skt_view view;

	skt_view_sockets(&view, true);
	if (take_heading(render)) {
		skt_buf_text(out, "row,");
		csv_heading(&view, out);
	}
	for (size_t i = 0; i < n; i++) {
		row->sock = &row->snapshot->socks[slots[i]];
		put_lines(render, &view, row, out);
	}
}

static void json_sockets(struct skt_render *render, struct skt_row *row, const uint32_t *slots, size_t n,
			 struct skt_buf *out)
{
	struct skt_view view;

	skt_view_sockets(&view, false);
	for (size_t i = 0; i < n; i++) {
		row->sock = &row->snapshot->socks[slots[i]];
		put_object(render, &view, row, out);
	}
}

static void netstat_sockets(struct skt_render *render, struct skt_row *row, const uint32_t *slots, size_t n,
			    struct skt_buf *out)
{
	if (take_heading(render))
		netstat_heading(out);
	for (size_t i = 0; i < n; i++) {
		row->sock = &row->snapshot->socks[slots[i]];
		netstat_socket(row, out);
	}
	render->rows += n;
}

void skt_render_sockets(struct skt_render *render, const struct skt_snapshot *snapshot, const uint32_t *slots, size_t n,
			struct skt_buf *out)
{
	struct skt_row row = row_of(render, snapshot);

	for (size_t i = 0; i < n; i++)
		assert(slots[i] < snapshot->n_socks && snapshot->socks[slots[i]].table != SKT_NO_TABLE);
	switch (render->format) {
	case SKT_FORMAT_TABLE:
		table_sockets(&row, slots, n, out);
		render->rows += n;
		break;
	case SKT_FORMAT_JSON:
	case SKT_FORMAT_JSONL:
		json_sockets(render, &row, slots, n, out);
		break;
	case SKT_FORMAT_CSV:
		csv_sockets(render, &row, slots, n, out);
		break;
	case SKT_FORMAT_NETSTAT:
		netstat_sockets(render, &row, slots, n, out);
		break;
	}
}

void skt_render_processes(struct skt_render *render, const struct skt_snapshot *snapshot, const uint32_t *slots,
			  size_t n, struct skt_buf *out)
{
	struct skt_row row = row_of(render, snapshot);
	bool is_csv = render->format == SKT_FORMAT_CSV;
	struct skt_view view;

	if (render->format == SKT_FORMAT_TABLE || render->format == SKT_FORMAT_NETSTAT) {
		table_processes(&row, slots, n, out);
		render->rows += n;
		return;
	}
	skt_view_processes(&view);
	if (is_csv && take_heading(render))
		csv_heading(&view, out);
	for (size_t i = 0; i < n; i++) {
		row.process = &snapshot->processes[slots[i]];
		if (!is_csv) {
			put_object(render, &view, &row, out);
			continue;
		}
		csv_row(&view, &row, out);
		render->rows++;
	}
}

/* The row as it is now, or was, with each of its owners. */
static void put_change_lines(struct skt_render *render, const struct skt_view *view, const struct skt_row *row,
			     struct skt_buf *out)
{
	struct skt_row side;

	if (skt_row_of_change(row, true, &side) || skt_row_of_change(row, false, &side))
		put_lines(render, view, &side, out);
}

void skt_render_changes(struct skt_render *render, const struct skt_snapshot *now, const struct skt_step *step,
			const uint32_t *which, size_t n, struct skt_buf *out)
{
	struct skt_row row = row_of(render, now);
	bool is_table = render->format == SKT_FORMAT_TABLE || render->format == SKT_FORMAT_NETSTAT;
	bool is_csv = render->format == SKT_FORMAT_CSV;
	struct skt_view view;

	row.step = step;
	skt_view_changes(&view, is_csv);
	if (is_table && take_heading(render))
		table_changes_heading(&row, out);
	if (is_csv && take_heading(render)) {
		skt_buf_text(out, "row,");
		csv_heading(&view, out);
	}
	if (is_table) {
		table_changes(&row, which, n, out);
		render->rows += n;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		row.change = &step->socks[which[i]];
		if (is_csv)
			put_change_lines(render, &view, &row, out);
		else
			put_object(render, &view, &row, out);
	}
}

static void put_exact_line(struct skt_render *render, const struct skt_view *view, const struct skt_row *row,
			   struct skt_buf *out)
{
	render->rows++;
	csv_row(view, row, out);
}

void skt_render_rows(struct skt_render *render, const struct skt_kind *kind, const struct skt_row *rows, size_t n,
		     struct skt_buf *out)
{
	bool is_csv = render->format == SKT_FORMAT_CSV;

	if (render->format == SKT_FORMAT_TABLE || render->format == SKT_FORMAT_NETSTAT) {
		table_rows(kind, rows, n, render, out);
		render->rows += n;
		return;
	}
	if (is_csv && take_heading(render)) {
		if (!kind->exact)
			skt_buf_text(out, "row,");
		csv_heading(kind->exact ? &kind->view : &kind->flat, out);
	}
	for (size_t i = 0; i < n; i++) {
		struct skt_row row = rows[i];

		row.render = render;
		if (is_csv && kind->exact)
			put_exact_line(render, &kind->view, &row, out);
		else if (is_csv)
			put_lines(render, &kind->flat, &row, out);
		else
			put_object(render, &kind->view, &row, out);
	}
}

bool difference_side(const struct skt_render *render, const struct skt_diff_sides *sides,
		     const struct skt_difference *difference, bool after, struct skt_row *ret)
{
	const struct skt_diff_side *side = difference->passing ? &sides->between
					   : after	       ? &sides->after
							       : &sides->before;
	uint32_t slot = after ? difference->after : difference->before;

	if (slot == SKT_NO_SLOT || !side->snapshot)
		return false;
	*ret = (struct skt_row){ .render = render,
				 .host = side->host,
				 .boot_time = side->boot_time,
				 .snapshot = side->snapshot,
				 .sock = &side->snapshot->socks[slot] };
	return true;
}

static void put_difference(struct skt_render *render, const struct skt_diff_sides *sides, const struct skt_view *view,
			   const struct skt_difference *difference, struct skt_buf *out)
{
	struct skt_row before, after, side;
	bool was = difference_side(render, sides, difference, false, &before);
	bool is = difference_side(render, sides, difference, true, &after);
	struct skt_row_pair pair = { was ? &before : NULL, is ? &after : NULL, difference->fields };
	struct skt_diff_row about = { .difference = difference,
				      .host = sides->after.host,
				      .time = sides->after.snapshot->time,
				      .forced = sides->forced };
	struct skt_row row = { .render = render, .subject = &about, .pair = &pair };

	if (render->format != SKT_FORMAT_CSV)
		put_object(render, view, &row, out);
	else if (skt_row_of_change(&row, true, &side) || skt_row_of_change(&row, false, &side))
		put_lines(render, view, &side, out);
}

void skt_render_differences(struct skt_render *render, const struct skt_diff_sides *sides,
			    const struct skt_difference *items, size_t n, struct skt_buf *out)
{
	bool is_csv = render->format == SKT_FORMAT_CSV;
	struct skt_view view;

	if (render->format == SKT_FORMAT_TABLE || render->format == SKT_FORMAT_NETSTAT) {
		out->failed |= table_differences(render, sides, items, n, out) != 0;
		render->rows += n;
		return;
	}
	skt_view_differences(&view, is_csv);
	if (is_csv && take_heading(render)) {
		skt_buf_text(out, "row,");
		csv_heading(&view, out);
	}
	for (size_t i = 0; i < n; i++)
		put_difference(render, sides, &view, &items[i], out);
}
