/* SPDX-License-Identifier: MIT */
#ifndef QUERY_ROWS_H
#define QUERY_ROWS_H

#include "runs.h"

#include <skt/err.h>

/*
 * Rows that do not stay where they are, as what is to be written of them (skt_render_part()): they are shown when all
 * are there, for they are to be sorted, or the columns of a table fitted to them. 0 or a negative errno.
 */

/* The order is that of the runs. */
int rows_keep(struct runs *runs, const struct skt_order *order, const struct skt_render *render,
	      const struct skt_kind *kind, const struct skt_row *rows, size_t n, struct skt_err *err);

/* All of them, and what was shown goes out now and then; nothing can be kept afterwards. */
int rows_show(struct runs *runs, struct skt_render *render, const struct skt_kind *kind, struct skt_buf *out,
	      struct skt_err *err);

/* What a negative errno of runs.h means. */
int rows_failed(int rc, struct skt_err *err);

#endif
