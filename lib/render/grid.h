/* SPDX-License-Identifier: MIT */
#ifndef RENDER_GRID_H
#define RENDER_GRID_H

#include <skt/buf.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Cells in columns as wide as their widest cell. The text of a cell is appended to `text`, escaped, and
 * grid_cell() ends it; cells come row by row.
 *
 * Where a line would not fit the terminal, the last two columns give way, the last first; cells are cut to them.
 * Columns that say how narrow they may get do so in between: the few cells that are wider (IPv6 addresses among
 * IPv4) are not cut, but push what follows to the right. A line is cut to the terminal whatever stands in it.
 *
 * Where some columns say that they yield, it is they that give way instead, the widest first, and their cells are cut.
 */
#define GRID_COLUMNS 100 /* of fields that somebody names there may be as many as a view has */

/* Whether a column is left out where none of its cells says anything. */
enum grid_spare { GRID_KEEP, GRID_SPARE_ON_TERMINAL, GRID_SPARE };

struct grid_column {
	const char *heading;
	bool right; /* for numbers */
	enum grid_spare spare;
	size_t least; /* how narrow it may get; 0 it may not */
	bool yields;  /* before all others, and its cells are cut */
};

struct grid_cell {
	size_t end; /* in text; it begins where the one before it ends */
	size_t width;
};

struct grid {
	const struct grid_column *columns;
	size_t n_columns;
	size_t width; /* of the terminal; 0 nothing is cut */
	struct skt_buf text;
	struct skt_buf cells; /* struct grid_cell */
	size_t at;	      /* the current cell's column */
	size_t widths[GRID_COLUMNS];
	bool says[GRID_COLUMNS]; /* some cell says something */
	bool yields;		 /* some column does */
	size_t gap;		 /* blanks between columns */
};

void grid_init(struct grid *grid, const struct grid_column *columns, size_t n_columns, size_t width);
void grid_release(struct grid *grid);

/* The current cell ends here. says: it would be missed. */
void grid_cell(struct grid *grid, bool says);

/* All lines, the headings first where wanted; once. No line ends in blanks, none is wider than the terminal. */
void grid_print(struct grid *grid, bool heading, struct skt_buf *out);

#endif
