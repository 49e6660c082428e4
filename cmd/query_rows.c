/* SPDX-License-Identifier: MIT */
#include "query_rows.h"

#include "cli.h"
#include "grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int rows_failed(int rc, struct skt_err *err)
{
	return rc == -ENOMEM ? skt_err_set(err, rc, "out of memory")
			     : skt_err_set(err, rc, "rows cannot be kept in a temporary file: %s", strerror(-rc));
}

int rows_keep(struct runs *runs, const struct skt_order *order, const struct skt_render *render,
	      const struct skt_kind *kind, const struct skt_row *rows, size_t n, struct skt_err *err)
{
	struct skt_buf key, part;
	int rc = 0;

	skt_buf_init(&key);
	skt_buf_init(&part);
	for (size_t i = 0; i < n && !rc; i++) {
		skt_buf_clear(&key);
		skt_buf_clear(&part);
		skt_order_key(order, &rows[i], &key);
		skt_render_part(render, kind, &rows[i], &part);
		rc = runs_add(runs, &key, &part);
	}
	skt_buf_release(&key);
	skt_buf_release(&part);
	return rc ? rows_failed(rc, err) : 0;
}

/* Rows are borrowed for a moment, and the columns of a table fitted to all. */
static int show_table(struct runs *runs, struct skt_render *render, const struct skt_kind *kind, struct skt_buf *out)
{
	struct skt_part row, *parts = NULL;
	struct skt_buf rows;
	size_t n = 0, room = 0, at = 0;
	int rc;

	skt_buf_init(&rows);
	while ((rc = runs_next(runs, &row)) > 0) {
		rc = grow(&parts, &room, n, sizeof(*parts));
		if (rc)
			break;
		parts[n++].len = row.len;
		skt_buf_add(&rows, row.data, row.len);
	}
	rc = rows.failed ? -ENOMEM : rc;
	for (size_t i = 0; i < n; at += parts[i++].len)
		parts[i].data = rows.data + at;
	if (!rc)
		skt_render_parts(render, kind, parts, n, out);
	skt_buf_release(&rows);
	free(parts);
	return rc;
}

int rows_show(struct runs *runs, struct skt_render *render, const struct skt_kind *kind, struct skt_buf *out,
	      struct skt_err *err)
{
	struct skt_part row;
	int rc;

	if (render->format == SKT_FORMAT_TABLE && !kind->lines) {
		rc = show_table(runs, render, kind, out);
		return rc ? rows_failed(rc, err) : 0;
	}
	skt_render_parts(render, kind, NULL, 0, out);
	while ((rc = runs_next(runs, &row)) > 0) {
		skt_render_parts(render, kind, &row, 1, out);
		if (out->len > 65536)
			cli_write(out);
	}
	return rc ? rows_failed(rc, err) : 0;
}
