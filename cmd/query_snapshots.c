/* SPDX-License-Identifier: MIT */
#include "query.h"

#include "cli.h"
#include "grow.h"
#include "query_shape.h"

#include <skt/coverage.h>

#include <errno.h>
#include <stdlib.h>

/* A snapshot, and whose it is. */
struct look {
	struct skt_look of;
	const char *host;
};

/* All of them, for the columns of a table are fitted to all: given to the caller. */
static int collect(struct query *query, struct walk *walk, struct look **ret, size_t *ret_n, struct skt_err *err)
{
	const struct skt_snapshot *snapshot;
	struct skt_step *step;
	size_t room = 0;
	int rc;

	while ((rc = query_next(query, walk, &snapshot, &step, err)) > 0) {
		if (grow(ret, &room, *ret_n, sizeof(**ret)))
			return skt_err_set(err, -ENOMEM, "out of memory");
		skt_look_of(snapshot, &(*ret)[*ret_n].of);
		(*ret)[(*ret_n)++].host = query->render.host;
	}
	return rc ? rc : walk_end(walk, err);
}

static int print(struct query *query, const struct look *looks, size_t n, struct skt_err *err)
{
	struct skt_row *rows = calloc(n + 1, sizeof(*rows));
	struct skt_kind kind = shape_kind_of(query, VIEW_SNAPSHOTS);
	struct shape shape;
	int rc;

	if (!rows)
		return skt_err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		rows[i].host = looks[i].host;
		rows[i].recording = query->render.recording;
		rows[i].subject = &looks[i].of;
	}
	rc = shape_begin(&shape, query, &kind, err);
	if (!rc)
		rc = shape_rows(&shape, rows, n, false, err);
	if (!rc)
		rc = shape_end(&shape, err);
	shape_release(&shape);
	free(rows);
	return rc;
}

int query_snapshots(struct query *query, const struct skt_file *file, const char *instant, struct skt_err *err)
{
	struct answer answer = { 0 };
	struct look *looks = NULL;
	struct walk walk;
	size_t n = 0;
	int rc = query_walk(query, file, instant, &walk, err);

	if (!rc)
		rc = collect(query, &walk, &looks, &n, err);
	if (!rc) {
		answer.matched = n;
		query_tell_stretch(query, file, VIEW_SNAPSHOTS, &walk, &answer);
		if (!query->coverage)
			rc = print(query, looks, n, err);
	}
	if (!rc)
		rc = query_walked(query, file, &walk, &answer, err);
	free(looks);
	walk_release(&walk);
	return rc;
}
