/* SPDX-License-Identifier: MIT */
#include "render/grid.h"

/* Down to where the last column gives way, then the one before it, then the last again: less of it is of no use. */
#define LAST_ENOUGH   20
#define BEFORE_PLENTY 48
#define BEFORE_ENOUGH 28 /* "(carried) python3 19571/5 +?" */
#define LAST_LEAST    12
#define YIELD_LEAST   12

/*
 * Columns of these ranks give way before the last columns do, and before what is asked of the last but one is more than
 * it can give.
 */
#define EARLY_RANKS 3
#define LATE_RANKS  7
#define BEFORE_LAST 20

bool grid_is_shown(const struct grid *grid, size_t column)
{
	enum skt_spare spare = grid->columns[column].spare;

	if (grid->is_gone[column] || !grid->widths[column])
		return false;
	if (spare == SKT_SPARE_SAME)
		return grid->differs[column];
	if (spare == SKT_SPARE_EMPTY && grid->width)
		return grid->says[column];
	return true;
}

/* How wide a line of all columns is. */
static size_t line_width(const struct grid *grid)
{
	size_t width = 0;

	for (size_t i = 0; i < grid->n_columns; i++)
		if (grid_is_shown(grid, i))
			width += (width ? grid->gap : 0) + grid->widths[i];
	return width;
}

/* By how much that is too wide. */
static size_t excess(const struct grid *grid)
{
	size_t width = line_width(grid);

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

/* Columns of these ranks go to their shorter texts, to ports, or are left out, one after another until all fits. */
static void give_way(struct grid *grid, unsigned first, unsigned last)
{
	for (unsigned rank = first; rank <= last; rank++)
		for (size_t i = 0; i < grid->n_columns && excess(grid); i++) {
			if (grid->columns[i].shortens == rank && !grid->is_short[i]) {
				grid->is_short[i] = true;
				grid->widths[i] = grid->short_widths[i];
			}
			if (grid->columns[i].ports == rank && !grid->is_port[i]) {
				grid->is_port[i] = true;
				grid->widths[i] = grid->port_widths[i];
			}
			if (grid->columns[i].goes == rank)
				grid->is_gone[i] = true;
		}
}

/* What a column that went has left over is for the one that was cut before it went. */
static void widen(struct grid *grid, size_t column, size_t wanted)
{
	size_t width = line_width(grid), lacks = wanted - grid->widths[column];

	if (width < grid->width)
		grid->widths[column] += lacks < grid->width - width ? lacks : grid->width - width;
}

/* A number is not cut: it would be another one. */
static void cut_to(struct grid *grid, size_t column, size_t least)
{
	if (!grid->columns[column].right)
		narrow(grid, column, least);
}

void grid_fit(struct grid *grid)
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
	cut_to(grid, last, LAST_ENOUGH);
	/* one long list of processes must not take everything from all lines */
	cut_to(grid, before, BEFORE_PLENTY);
	give_way(grid, 1, EARLY_RANKS);
	for (size_t i = 0; i < before; i++)
		if (grid->columns[i].least)
			narrow(grid, i, grid->columns[i].least);
	cut_to(grid, before, BEFORE_ENOUGH);
	cut_to(grid, last, LAST_LEAST);
	if (!excess(grid))
		return;
	/* without the last column the one before it may have more room than it was left */
	if (!grid->columns[last].right)
		grid->is_gone[last] = true;
	grid->widths[before] = wanted;
	cut_to(grid, before, BEFORE_ENOUGH);
	give_way(grid, EARLY_RANKS + 1, LATE_RANKS);
	cut_to(grid, before, BEFORE_LAST);
	give_way(grid, LATE_RANKS + 1, GRID_RANKS);
	cut_to(grid, before, 1);
	widen(grid, before, wanted);
}

bool grid_is_cut(const struct grid *grid, size_t column)
{
	return grid->columns[column].yields ||
	       (!grid->yields && column + 2 >= grid->n_columns && !grid->columns[column].right);
}
