/* SPDX-License-Identifier: MIT */
#ifndef RENDER_GRID_H
#define RENDER_GRID_H

#include <skt/buf.h>
#include <skt/render.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Cells in columns as wide as their widest cell. The text of a cell is appended to `text`, escaped, and
 * grid_cell() ends it; cells come row by row.
 *
 * Where a line would not fit the terminal, columns give way (fit.c). Those that have a rank go to the shorter text of
 * their cells, then of ends to the port alone, or are left out altogether, in the order of their ranks; in between the
 * last two, which hold what may be of any length, are cut, the last first. Columns that say how narrow they may get do
 * so: the few cells that are wider (IPv6 addresses among IPv4) are not cut, but push what follows to the right. A line
 * is cut to the terminal whatever stands in it.
 *
 * Where some columns say that they yield, it is they that give way instead, the widest first, and their cells are cut.
 */
#define GRID_COLUMNS 100 /* of fields that somebody names there may be as many as a view has */
#define GRID_RANKS   9	 /* ranks count from 1; 0 is none */

struct grid_column {
	const char *heading;
	bool right; /* for numbers */
	enum skt_spare spare;
	size_t least;	  /* how narrow it may get; 0 it may not */
	bool yields;	  /* before all others, and its cells are cut */
	uint8_t shortens; /* ranks */
	uint8_t ports;	  /* which of the host's own addresses it is is the lesser half of an end */
	uint8_t goes;
};

struct grid_cell {
	size_t end;	 /* in text; it begins where the one before it ends, */
	size_t short_at; /* and what is shown where the column is short stands from here on; `end`: the same */
	size_t width;
	size_t short_width;
	size_t port_width;
};

struct grid {
	const struct grid_column *columns;
	size_t n_columns;
	size_t width; /* of the terminal; 0 nothing is cut */
	struct skt_buf text;
	struct skt_buf cells; /* struct grid_cell */
	size_t at;	      /* the current cell's column */
	size_t widths[GRID_COLUMNS];
	size_t short_widths[GRID_COLUMNS];
	size_t port_widths[GRID_COLUMNS];
	bool says[GRID_COLUMNS];    /* some cell says something */
	bool differs[GRID_COLUMNS]; /* not all cells say the same */
	bool is_short[GRID_COLUMNS];
	bool is_port[GRID_COLUMNS];
	bool is_gone[GRID_COLUMNS];
	bool yields; /* some column does */
	size_t gap;  /* blanks between columns */
};

void grid_init(struct grid *grid, const struct grid_column *columns, size_t n_columns, size_t width);
void grid_release(struct grid *grid);

/*
 * The current cell ends here. says: it would be missed. short_at: from here on `text` has what is to stand there where
 * there is little room, in the place of what is before it; 0: there is no such text.
 */
void grid_cell(struct grid *grid, bool says, size_t short_at);

/* All lines, the headings first where wanted; once. No line ends in blanks, none is wider than the terminal. */
void grid_print(struct grid *grid, bool heading, struct skt_buf *out);

/* fit.c: make it as wide as the terminal. */
void grid_fit(struct grid *grid);
bool grid_is_shown(const struct grid *grid, size_t column);

/* Whether a cell that is wider than its column is cut, and does not push the others. */
bool grid_is_cut(const struct grid *grid, size_t column);

#endif
