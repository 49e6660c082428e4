/* SPDX-License-Identifier: MIT */
#include "render/grid.h"

#include <skt/escape.h>

#include <string.h>

#define GAP 2 /* 1 where that makes it fit */

/* One long list of processes must not push COMMAND out of sight in all lines: a wider cell pushes its own line. */
#define WIDEST 56

/* Down to where the last column gives way, then the one before it, then the last again: less of it is of no use. */
#define LAST_ENOUGH   20
#define BEFORE_ENOUGH 32
#define LAST_LEAST    12
#define YIELD_LEAST   12

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

void grid_cell(struct grid *grid, bool says)
{
	struct grid_cell cell = { .end = grid->text.len };
	size_t n, start;
	const struct grid_cell *before = cells(grid, &n);

	if (grid->text.failed)
		return;
	start = n ? before[n - 1].end : 0;
	if (cell.end > start)
		cell.width = skt_escape_width((char *)grid->text.data + start, cell.end - start);
	if (cell.width > grid->widths[grid->at])
		grid->widths[grid->at] = cell.width;
	grid->says[grid->at] |= says;
	grid->at = (grid->at + 1) % grid->n_columns;
	skt_buf_add(&grid->cells, &cell, sizeof(cell));
}

static bool is_shown(const struct grid *grid, size_t column)
{
	enum grid_spare spare = grid->columns[column].spare;

	if (!grid->says[column] && (spare == GRID_SPARE || (spare == GRID_SPARE_ON_TERMINAL && grid->width)))
		return false;
	return grid->widths[column];
}

/* By how much a line of all columns is too wide. */
static size_t excess(const struct grid *grid)
{
	size_t width = 0;

	for (size_t i = 0; i < grid->n_columns; i++)
		if (is_shown(grid, i))
			width += (width ? grid->gap : 0) + grid->widths[i];
	return width > grid->width ? width - grid->width : 0;
}

/* Take from the column what is needed, and leave it `least` columns if it has that. */
static void narrow(struct grid *grid, size_t column, size_t least)
{
	size_t need = excess(grid), width = grid->widths[column];

	if (width > least)
		grid->widths[column] = width - least > need ? width - need : least;
}

/* The widest column that yields and is wider than `least`, and how wide the next of them is; false: there is none. */
static bool find_widest(const struct grid *grid, size_t least, size_t *ret, size_t *ret_next)
{
	size_t widest = 0, next = least;
	bool found = false;

	for (size_t i = 0; i < grid->n_columns; i++) {
		size_t width = grid->widths[i];

		if (!grid->columns[i].yields || width <= least)
			continue;
		if (!found || width > grid->widths[widest]) {
			next = found && grid->widths[widest] > next ? grid->widths[widest] : next;
			widest = i;
			found = true;
		} else if (width > next) {
			next = width;
		}
	}
	*ret = widest;
	*ret_next = next;
	return found;
}

/* The widest gives way until it is as wide as the next one, then both by turns. */
static void yield(struct grid *grid)
{
	size_t widest, next;

	for (size_t i = 0; i < grid->n_columns; i++)
		if (grid->columns[i].yields && grid->widths[i] > grid->width)
			grid->widths[i] = grid->width;
	while (excess(grid) && find_widest(grid, YIELD_LEAST, &widest, &next))
		narrow(grid, widest, next < grid->widths[widest] ? next : next - 1);
}

static void fit(struct grid *grid)
{
	size_t last = grid->n_columns - 1, before = last - 1;
	size_t wanted;

	if (!excess(grid))
		return;
	grid->gap = 1;
	if (grid->yields || grid->n_columns < 2) {
		yield(grid);
		return;
	}
	wanted = grid->widths[before];
	narrow(grid, last, LAST_ENOUGH);
	for (size_t i = 0; i < before; i++)
		if (grid->columns[i].least)
			narrow(grid, i, grid->columns[i].least);
	narrow(grid, before, BEFORE_ENOUGH);
	narrow(grid, last, LAST_LEAST);
	if (!excess(grid))
		return;
	/* without the last column the one before it may have more room than it was left */
	grid->widths[last] = 0;
	grid->widths[before] = wanted;
	narrow(grid, before, 1);
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

/* Whether a cell that is wider than its column is cut, and does not push the others. */
static bool is_cut(const struct grid *grid, size_t column)
{
	return grid->columns[column].yields || (!grid->yields && column + 2 >= grid->n_columns);
}

/* One line, from the texts of its cells. A cell begins where its column does, or after the one before it. */
static void put_line(const struct grid *grid, const char *const *texts, const size_t *lens, const size_t *widths,
		     struct skt_buf *out)
{
	size_t line = out->len, column = 0, at = 0;

	for (size_t i = 0; i < grid->n_columns; i++) {
		size_t room = grid->widths[i], width = widths[i], begin = column, start;

		if (!is_shown(grid, i))
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
		if (grid->width && width > room && is_cut(grid, i)) {
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
			texts[i] = (const char *)grid->text.data + begin;
			lens[i] = cell->end - begin;
			widths[i] = cell->width;
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
		if (!grid->width && grid->widths[i] > WIDEST)
			grid->widths[i] = WIDEST;
	}
	if (grid->width)
		fit(grid);
	if (heading)
		put_heading(grid, out);
	put_rows(grid, out);
}
