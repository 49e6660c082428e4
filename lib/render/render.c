/* SPDX-License-Identifier: MIT */
#include <skt/render.h>

#include "render/formats.h"

#include <assert.h>
#include <stdlib.h>
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
	return (struct skt_row){ .render = render,
				 .host = render->host,
				 .recording = render->recording,
				 .boot_time = render->boot_time,
				 .snapshot = snapshot };
}

/* Is it time for the names of the columns? */
static bool take_heading(struct skt_render *render)
{
	bool first = !render->headed;

	render->headed = true;
	return first && render->heading;
}

/* An object of an array begins a line, an object on its own ends one. */
static void begin_object(struct skt_render *render, struct skt_buf *out)
{
	if (render->format == SKT_FORMAT_JSON)
		skt_buf_text(out, render->rows ? ",\n" : "\n");
	render->rows++;
}

static void end_object(const struct skt_render *render, struct skt_buf *out)
{
	if (render->format == SKT_FORMAT_JSONL)
		skt_buf_byte(out, '\n');
}

static void put_object(struct skt_render *render, const struct skt_view *view, const struct skt_row *row,
		       struct skt_buf *out)
{
	begin_object(render, out);
	json_row(view, row, out);
	end_object(render, out);
}

/* A line for each owner; number: of the row, before each; 0: there is none. */
static void put_owner_lines(const struct skt_view *view, const struct skt_row *row, uint64_t number,
			    struct skt_buf *out)
{
	uint32_t n = row->sock ? row->sock->n_owners : 0;

	for (uint32_t i = 0; i < n || !i; i++) {
		struct skt_row owner = n ? skt_row_of_owner(row, &skt_row_owners(row)[i]) : *row;

		if (number) {
			skt_buf_number(out, number);
			skt_buf_byte(out, ',');
		}
		csv_row(view, &owner, out);
	}
}

static void put_lines(struct skt_render *render, const struct skt_view *view, const struct skt_row *row,
		      struct skt_buf *out)
{
	put_owner_lines(view, row, ++render->rows, out);
}

/* ---- rows of any kind ---- */

static bool is_table(const struct skt_render *render, const struct skt_kind *kind)
{
	return render->format == SKT_FORMAT_TABLE || (render->format == SKT_FORMAT_NETSTAT && !kind->netstat);
}

/* The names of the columns, where they do not come with each call. about: of changes, a row. */
static void put_heading(struct skt_render *render, const struct skt_kind *kind, const struct skt_row *about,
			struct skt_buf *out)
{
	bool is_csv = render->format == SKT_FORMAT_CSV;
	bool is_netstat = render->format == SKT_FORMAT_NETSTAT && kind->netstat;
	bool is_lines = is_table(render, kind) && kind->lines;

	if ((!is_csv && !is_netstat && !is_lines) || !take_heading(render))
		return;
	if (is_netstat)
		netstat_heading(out);
	if (is_lines)
		table_changes_heading(about, out);
	if (is_csv && !kind->exact)
		skt_buf_text(out, "row,");
	if (is_csv)
		csv_heading(kind->exact ? &kind->view : &kind->flat, out);
}

void skt_render_rows(struct skt_render *render, const struct skt_kind *kind, const struct skt_row *rows, size_t n,
		     struct skt_buf *out)
{
	assert(!kind->lines);
	put_heading(render, kind, NULL, out);
	if (is_table(render, kind)) {
		table_rows(kind, rows, n, render, out);
		render->rows += n;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct skt_row row = rows[i];

		row.render = render;
		if (render->format == SKT_FORMAT_NETSTAT) {
			netstat_socket(&row, out);
			render->rows++;
		} else if (render->format != SKT_FORMAT_CSV) {
			put_object(render, &kind->view, &row, out);
		} else if (kind->exact) {
			csv_row(&kind->view, &row, out);
			render->rows++;
		} else {
			put_lines(render, &kind->flat, &row, out);
		}
	}
}

/* The socket as it is now, or was. */
static struct skt_row side_of(const struct skt_row *row)
{
	struct skt_row side = *row;

	if (!skt_row_of_change(row, true, &side))
		skt_row_of_change(row, false, &side);
	return side;
}

void skt_render_part(const struct skt_render *render, const struct skt_kind *kind, const struct skt_row *about,
		     struct skt_buf *out)
{
	struct skt_row row = *about;

	row.render = render;
	if (render->format == SKT_FORMAT_JSON || render->format == SKT_FORMAT_JSONL) {
		json_row(&kind->view, &row, out);
	} else if (render->format == SKT_FORMAT_CSV && kind->exact) {
		csv_row(&kind->view, &row, out);
	} else if (render->format == SKT_FORMAT_CSV) {
		row = kind->lines ? side_of(&row) : row;
		put_owner_lines(&kind->flat, &row, 0, out);
	} else if (kind->lines) {
		table_change(&row, out);
	} else if (!is_table(render, kind)) {
		netstat_socket(&row, out);
	} else {
		table_part(kind, &row, render, out);
	}
}

/* Each of its lines with the number of the row. Within a line there is no line end: all are escaped. */
static void number_lines(struct skt_render *render, const struct skt_part *part, struct skt_buf *out)
{
	for (size_t at = 0; at < part->len;) {
		const unsigned char *end = memchr(part->data + at, '\n', part->len - at);
		size_t len = end ? (size_t)(end - part->data) + 1 - at : part->len - at;

		skt_buf_number(out, render->rows);
		skt_buf_byte(out, ',');
		skt_buf_add(out, part->data + at, len);
		at += len;
	}
}

void skt_render_parts(struct skt_render *render, const struct skt_kind *kind, const struct skt_part *parts, size_t n,
		      struct skt_buf *out)
{
	bool is_json = render->format == SKT_FORMAT_JSON || render->format == SKT_FORMAT_JSONL;
	struct skt_row about = { .render = render };

	put_heading(render, kind, &about, out);
	if (!kind->lines && is_table(render, kind)) {
		table_parts(kind, parts, n, render, out);
		render->rows += n;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (is_json)
			begin_object(render, out);
		else
			render->rows++;
		if (render->format == SKT_FORMAT_CSV && !kind->exact)
			number_lines(render, &parts[i], out);
		else
			skt_buf_add(out, parts[i].data, parts[i].len);
		if (is_json)
			end_object(render, out);
	}
}

/* Rows that are made at once. */
#define AT_ONCE 256

void skt_render_sockets(struct skt_render *render, const struct skt_snapshot *snapshot, const uint32_t *slots, size_t n,
			struct skt_buf *out)
{
	/* the columns of a table are fitted to all of them */
	size_t at_once = n < AT_ONCE || render->format == SKT_FORMAT_TABLE ? n : AT_ONCE, done = 0;
	struct skt_row *rows = malloc((at_once + 1) * sizeof(*rows));
	struct skt_kind kind;

	skt_kind_of_sockets(&kind);
	kind.columns++;
	kind.n_columns--;
	out->failed |= !rows;
	while (rows && (done < n || !done)) {
		size_t k = 0;

		for (; k < at_once && done < n; k++, done++) {
			assert(slots[done] < snapshot->n_socks && snapshot->socks[slots[done]].table != SKT_NO_TABLE);
			rows[k] = row_of(render, snapshot);
			rows[k].sock = &snapshot->socks[slots[done]];
		}
		skt_render_rows(render, &kind, rows, k, out);
		if (!k)
			break;
	}
	free(rows);
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

/* ---- changes and differences ---- */

void skt_kind_of_changes(struct skt_kind *ret)
{
	*ret = (struct skt_kind){ .lines = true };
	skt_view_changes(&ret->view, false);
	skt_view_changes(&ret->flat, true);
}

void skt_render_changes(struct skt_render *render, struct skt_changes *changes, const uint32_t *which, size_t n,
			struct skt_buf *out)
{
	struct skt_row row = row_of(render, changes->snapshot);
	struct skt_kind kind;

	skt_kind_of_changes(&kind);
	if (render->several) {
		skt_view_add(&kind.view, &skt_recording_field);
		skt_view_add(&kind.flat, &skt_recording_field);
	}
	put_heading(render, &kind, &row, out);
	if (is_table(render, &kind)) {
		table_changes(&row, changes, which, n, out);
		render->rows += n;
		out->failed |= changes->failed;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct skt_sock_change room;
		struct skt_row side;

		skt_changes_whole_row(changes, which[i], &room, &row);
		side = side_of(&row);
		if (render->format == SKT_FORMAT_CSV)
			put_lines(render, &kind.flat, &side, out);
		else
			put_object(render, &kind.view, &row, out);
	}
	out->failed |= changes->failed;
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
	if (difference->passing && difference->told) {
		const struct skt_diff_told *told = &sides->told[difference->told - 1];

		ret->event = &told->event;
		ret->candidates = told->candidates.n || told->candidates.more ? &told->candidates : NULL;
	}
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
	const struct skt_row *told = is ? &after : &before;
	/* what an event told is the row's, as its sides are */
	struct skt_row row = { .render = render,
			       .boot_time = told->boot_time,
			       .snapshot = told->snapshot,
			       .event = told->event,
			       .candidates = told->candidates,
			       .subject = &about,
			       .pair = &pair };

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
