/* SPDX-License-Identifier: MIT */
#ifndef SKT_TREE_H
#define SKT_TREE_H

#include <skt/buf.h>
#include <skt/snapshot.h>

#include <stdbool.h>

/* The way back: what was captured, as the kernel wrote it. */

/*
 * A table as the text that stood in its file: heading, rows in order, lines that are no rows in their places. Row numbers
 * (`sl`) count from 0 again, and rows dropped as duplicates are not there. big_endian is the recorded machine's byte order.
 */
void skt_table_text(const struct skt_snapshot *snapshot, const struct skt_table *table, bool big_endian,
		    struct skt_buf *out);

#endif
