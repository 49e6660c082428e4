/* SPDX-License-Identifier: MIT */
#ifndef PROC_ROW_H
#define PROC_ROW_H

#include "proc/line.h"

/* How wide the kernel makes a row of each kind of table. */
struct row_layout {
	uint8_t sl;    /* width of the row number */
	uint8_t width; /* of the line: seq_setwidth(); 0: it ends with its last column */
};
extern const struct row_layout row_layouts[SKT_TABLE_KINDS];

/*
 * Read a row that is spelled as the kernel spells it today, which nearly all are, in a quarter of the time that
 * line_parse() takes for any line: columns are where they are expected, or it gives up. true with ret filled as
 * line_parse() would, or false: it is spelled otherwise, or no row.
 */
bool row_parse(const struct line_format *format, const char *line, size_t len, struct skt_sock *ret);

#endif
