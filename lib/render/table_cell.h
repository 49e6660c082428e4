/* SPDX-License-Identifier: MIT */
#ifndef RENDER_TABLE_CELL_H
#define RENDER_TABLE_CELL_H

#include <skt/render.h>

#include "render/grid.h"

/* The cells of a row, as bytes that own themselves, from which a table is made when all rows are there. */

enum cell_kind { CELL_TEXT, CELL_TIME };

struct table_cell {
	enum cell_kind kind;
	bool says; /* it would be missed */
	const char *text;
	size_t len;
	size_t short_len; /* of another text behind it, for where there is little room; 0: none */
	int64_t time;
	char sign; /* before the time; 0: none */
};

/* What the columns of a table show. */
struct table_maker {
	const struct skt_render *render;
	const struct skt_column *columns;
	const struct skt_field_info *fields[GRID_COLUMNS];
	const struct skt_field_info *signs[GRID_COLUMNS];
	size_t n;
	struct skt_buf scratch;
	struct skt_buf text; /* of the cell that is made */
};

void cells_put(struct table_maker *maker, const struct skt_row *row, struct skt_buf *out);

/* The next one of those that were put: false where that is none. Text is borrowed from them. */
bool cell_get(const unsigned char **at, const unsigned char *end, struct table_cell *ret);

#endif
