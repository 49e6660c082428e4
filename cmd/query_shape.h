/* SPDX-License-Identifier: MIT */
#ifndef QUERY_SHAPE_H
#define QUERY_SHAPE_H

#include "query.h"

#include <skt/shape.h>

/*
 * --fields, --sort, --top, --count-by and --every, of the rows of any view: they are handed over as they come, as many
 * at once as stay where they are, and what is to be shown of them is.
 */
struct shape {
	struct query *query;
	struct skt_kind kind;	/* of the rows */
	struct skt_view chosen; /* --fields; n is 0 without */
	struct skt_order order; /* --sort; the same */
	struct skt_order order_of_counts;
	struct skt_counts *counts;
	struct runs *kept; /* rows that do not stay */
	uint64_t left;	   /* of --top */
	int64_t begins;	   /* of --every: nothing is counted before; INT64_MIN unless set after shape_begin() */
};

/* Whether anything of it was asked for. */
bool shape_is_asked(const struct query *query);

/* Whether the answers of all recordings are one (query_merge.h). */
bool shape_is_merged(const struct query *query);

/* What is wrong with that, once it is known that there are several recordings: a message, and exit 2. */
void shape_check_merged(const struct query *query);

/* Whether all rows must be there before one is shown. */
bool shape_needs_all(const struct query *query);

/* What is wrong with it whatever the recording is: a message, and exit 2. */
void shape_check(const struct query *query);

/* 0; -EINVAL: a name is none of this view; -ENOMEM. On failure, too, it is to be released. */
int shape_begin(struct shape *shape, struct query *query, const struct skt_kind *kind, struct skt_err *err);
void shape_release(struct shape *shape);

/*
 * Rows: what shape_needs_all() says of them holds, or keep is set and they are gone after the call. 0 or a negative
 * errno.
 */
int shape_rows(struct shape *shape, const struct skt_row *rows, size_t n, bool keep, struct skt_err *err);

/* All were handed over. */
int shape_end(struct shape *shape, struct skt_err *err);

/* The rows of a view: their fields, and the columns of a table. */
struct skt_kind shape_kind_of(const struct query *query, enum query_view view);

/* What can be named of them. */
void shape_nameable(const struct skt_kind *kind, struct skt_view *ret);

/*
 * A list was refused, which is to be of these fields. Where it was for a name that rows of other views have, err says
 * of which.
 */
void shape_tell_whose(const struct query *query, const char *list, const struct skt_view *of, struct skt_err *err);

/*
 * For query_merge.c: rows as they are shown, given to the caller (free()); and counts, after the last one. 0 or a
 * negative errno.
 */
int shape_spread(const struct shape *shape, const struct skt_row *rows, size_t n, struct skt_row **ret, size_t *ret_n);
int shape_show_counts(struct shape *shape, struct skt_err *err);

/* --list-fields, of a view. */
void shape_list_fields(struct query *query, enum query_view view);

#endif
