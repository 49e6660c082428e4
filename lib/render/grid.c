/* SPDX-License-Identifier: MIT */
#include "render/grid.h"

#include <skt/escape.h>

#include <string.h>

#define GAP 2 /* 1 where that makes it fit */

/* One long list of processes must not push COMMAND out of sight in all lines: a wider cell pushes its own line. */
#define WIDEST 56

static const char ellipsis[] = "\xe2\x80\xa6";

void grid_init(struct grid *grid, const struct grid_column *columns, size_t n_columns, size_t width)
{
	memset(grid, 0, sizeof(*grid));
	grid->columns = columns;
	grid->n_columns = n_columns;
	grid->width = width;
	grid->gap = GAP;
	for (size_t i = 0; i < n_columns; i++)
		grid->yields |= columns[i].yields;
	skt_buf_init(&grid->text);
	skt_buf_init(&grid->cells);
}

void grid_release(struct grid *grid)
{
	skt_buf_release(&grid->text);
	skt_buf_release(&grid->cells);
}

static const struct grid_cell *cells(const struct grid *grid, size_t *ret_n)
{
	*ret_n = grid->cells.len / sizeof(struct grid_cell);
	return (const struct grid_cell *)(const void *)grid->cells.data;
}

static size_t width_of(const struct grid *grid, size_t start, size_t end)
{
	return end > start ? skt_escape_width((char *)grid->text.data + start, end - start) : 0;
}

/* Where the port of the end begins that stands there: with the last colon. What has none stays as it is. */
static size_t port_of(const struct grid *grid, size_t start, size_t end)
{
	for (size_t at = end; at > start; at--)
		if (grid->text.data[at - 1] == ':')
			return at - 1;
	return start;
}

/* Whether it says what the first cell of its column does. */
static bool is_as_first(const struct grid *grid, const struct grid_cell *cells, size_t n, size_t start, size_t end)
{
	size_t first = grid->at ? cells[grid->at - 1].end : 0;
	size_t len = cells[grid->at].short_at - first;

	return n <= grid->at ||
	       (len == end - start && (!len || !memcmp(grid->text.data + first, grid->text.data + start, len)));
}

void grid_cell(struct grid *grid, bool says, size_t short_at)
{
	struct grid_cell cell = { .end = grid->text.len, .short_at = short_at ? short_at : grid->text.len };
	size_t n, start, at = grid->at;
	const struct grid_cell *before = cells(grid, &n);

	if (grid->text.failed || grid->cells.failed)
		return;
	start = n ? before[n - 1].end : 0;
	cell.width = width_of(grid, start, cell.short_at);
	cell.short_width = short_at ? width_of(grid, short_at, cell.end) : cell.width;
	cell.port_width = grid->columns[at].ports ? width_of(grid, port_of(grid, start, cell.short_at), cell.short_at)
						  : cell.width;
	if (cell.width > grid->widths[at])
		grid->widths[at] = cell.width;
	if (cell.short_width > grid->short_widths[at])
		grid->short_widths[at] = cell.short_width;
	if (cell.port_width > grid->port_widths[at])
		grid->port_widths[at] = cell.port_width;
	grid->says[at] |= says;
	grid->differs[at] |= n >= grid->n_columns && !is_as_first(grid, before, n, start, cell.short_at);
	grid->at = (at + 1) % grid->n_columns;
	skt_buf_add(&grid->cells, &cell, sizeof(cell));
}

/* What stands in out from start on, if it is wider than width columns, is cut to them. */
static void cut(struct skt_buf *out, size_t start, size_t width)
{
	const char *text;
	size_t len;

	if (out->failed)
		return;
	text = (const char *)out->data + start;
	if (skt_escape_fit(text, out->len - start, width) == out->len - start)
		return;
	len = skt_escape_fit(text, out->len - start, width - 1);
	while (len && text[len - 1] == ' ')
		len--;
	out->len = start + len;
	skt_buf_text(out, ellipsis);
}

/* One line, from the texts of its cells. A cell begins where its column does, or after the one before it. */
static void put_line(const struct grid *grid, const char *const *texts, const size_t *lens, const size_t *widths,
		     struct skt_buf *out)
{
	size_t line = out->len, column = 0, at = 0;

	for (size_t i = 0; i < grid->n_columns; i++) {
		size_t room = grid->widths[i], width = widths[i], begin = column, start;

		if (!grid_is_shown(grid, i))
			continue;
		column += room + grid->gap;
		if (!lens[i])
			continue;
		if (grid->columns[i].right && width < room)
			begin += room - width;
		if (at && begin < at + grid->gap)
			begin = at + grid->gap;
		skt_buf_fill(out, ' ', begin - at);
		start = out->len;
		skt_buf_add(out, texts[i], lens[i]);
		if (grid->width && width > room && grid_is_cut(grid, i)) {
			cut(out, start, room);
			width = room;
		}
		at = begin + width;
	}
	if (grid->width)
		cut(out, line, grid->width);
	skt_buf_byte(out, '\n');
}

static void put_heading(const struct grid *grid, struct skt_buf *out)
{
	const char *texts[GRID_COLUMNS];
	size_t lens[GRID_COLUMNS];

	for (size_t i = 0; i < grid->n_columns; i++) {
		texts[i] = grid->columns[i].heading;
		lens[i] = strlen(texts[i]);
	}
	put_line(grid, texts, lens, lens, out);
}

static void put_rows(const struct grid *grid, struct skt_buf *out)
{
	const char *texts[GRID_COLUMNS];
	size_t lens[GRID_COLUMNS], widths[GRID_COLUMNS];
	size_t n, begin = 0;
	const struct grid_cell *cell = cells(grid, &n);

	for (; n >= grid->n_columns; n -= grid->n_columns) {
		for (size_t i = 0; i < grid->n_columns; i++, cell++) {
			bool is_short = grid->is_short[i] && cell->short_at < cell->end;
			size_t start = is_short ? cell->short_at : begin, end = is_short ? cell->end : cell->short_at;

			if (grid->is_port[i])
				start = port_of(grid, start, end);
			texts[i] = (const char *)grid->text.data + start;
			lens[i] = end - start;
			widths[i] = grid->is_port[i] ? cell->port_width : is_short ? cell->short_width : cell->width;
			begin = cell->end;
		}
		put_line(grid, texts, lens, widths, out);
	}
}

void grid_print(struct grid *grid, bool heading, struct skt_buf *out)
{
	if (grid->text.failed || grid->cells.failed) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < grid->n_columns; i++) {
		size_t width = strlen(grid->columns[i].heading);

		if (heading && grid->widths[i] < width)
			grid->widths[i] = width;
		if (heading && grid->short_widths[i] < width)
			grid->short_widths[i] = width;
		if (heading && grid->port_widths[i] < width)
			grid->port_widths[i] = width;
		if (!grid->width && grid->widths[i] > WIDEST)
			grid->widths[i] = WIDEST;
	}
	if (grid->width)
		grid_fit(grid);
	if (heading)
		put_heading(grid, out);
	put_rows(grid, out);
}
