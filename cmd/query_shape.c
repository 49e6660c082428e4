/* SPDX-License-Identifier: MIT */
#include "query_shape.h"

#include "cli.h"
#include "query_merge.h"
#include "query_rows.h"

#include <skt/flow.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool shape_is_asked(const struct query *query)
{
	return query->fields || query->sort || query->top || query->count_by || query->every;
}

static bool is_counted(const struct query *query)
{
	return query->count_by || query->every;
}

static bool is_table(const struct query *query)
{
	return query->render.format == SKT_FORMAT_TABLE || query->render.format == SKT_FORMAT_NETSTAT;
}

bool shape_is_merged(const struct query *query)
{
	return query->several && (query->sort || query->top || is_counted(query));
}

void shape_check_merged(const struct query *query)
{
	if (shape_is_merged(query) && query->zone && !strcmp(query->zone, "host"))
		cli_usage("--tz=host: one answer over several recordings has one zone: name it");
}

bool shape_needs_all(const struct query *query)
{
	return !is_counted(query) && !query->merge && (query->sort || is_table(query));
}

/* ---- what was asked for ---- */

static int parse_counts(const struct query *query, const struct skt_view *of, struct skt_counts_options *ret,
			struct skt_err *err)
{
	int rc = query->count_by ? skt_fields_parse(query->count_by, of, &ret->by, err) : 0;

	for (size_t i = 0; i < ret->by.n && !rc; i++) {
		const char *name = ret->by.fields[i]->name;

		if (skt_field_is_list(ret->by.fields[i]))
			rc = skt_err_set(err, -EINVAL, "'%s' is a list: count by pid or comm, say", name);
		else if (query->every && !strcmp(name, "time"))
			rc = skt_err_set(err, -EINVAL, "'time' is that of --every already");
	}
	return rc;
}

/* "--sort: 'x' is no field ...": reading the list of names failed, which are to be fields of these. */
static int of_option(int rc, const struct query *query, const char *option, const char *list, const struct skt_view *of,
		     struct skt_err *err)
{
	char message[sizeof(err->message)];

	if (!rc || !err)
		return rc;
	if (rc == -EINVAL)
		shape_tell_whose(query, list, of, err);
	memcpy(message, err->message, sizeof(message));
	return skt_err_set(err, rc, "--%s: %.400s", option, message);
}

/* What is counted is sorted by what it is counted by, and by how often. */
static int parse_order(struct shape *shape, const struct skt_view *of, struct skt_err *err)
{
	const struct query *query = shape->query;
	struct skt_view counts;

	if (!query->sort)
		return 0;
	if (!shape->counts)
		return of_option(skt_order_parse(query->sort, of, &shape->order, err), query, "sort", query->sort, of,
				 err);
	skt_counts_view(shape->counts, false, 0, &counts);
	return of_option(skt_order_parse(query->sort, &counts, &shape->order_of_counts, err), query, "sort", "",
			 &counts, err);
}

/*
 * Each row is put into words when it comes: what it is sorted by has to be of that row, and not of one of its holders.
 */
static int begin_keeping(struct shape *shape, struct skt_err *err)
{
	if (skt_view_has_holder(&shape->order.fields) && !skt_view_has_holder(&shape->chosen))
		return skt_err_set(err, -EINVAL,
				   "--sort: of changes, what a holder has is sorted only where --fields names it");
	if (runs_new(&shape->order, shape->query->top, &shape->kept))
		return skt_err_set(err, -ENOMEM, "out of memory");
	return 0;
}

int shape_begin(struct shape *shape, struct query *query, const struct skt_kind *kind, struct skt_err *err)
{
	struct skt_counts_options counts = { .every = query->every };
	struct skt_view of;
	int rc = 0;

	*shape = (struct shape){
		.query = query, .kind = *kind, .left = query->top ? query->top : UINT64_MAX, .begins = INT64_MIN
	};
	shape_nameable(kind, &of);
	if (query->fields)
		rc = of_option(skt_fields_parse(query->fields, &of, &shape->chosen, err), query, "fields",
			       query->fields, &of, err);
	if (!rc)
		rc = of_option(parse_counts(query, &of, &counts, err), query, "count-by", query->count_by, &of, err);
	if (!rc && is_counted(query)) {
		cli_random(&counts.seed, sizeof(counts.seed));
		if (skt_counts_new(&counts, &shape->counts))
			rc = skt_err_set(err, -ENOMEM, "out of memory");
	}
	if (!rc)
		rc = parse_order(shape, &of, err);
	if (!rc && query->fields)
		shape->kind = (struct skt_kind){ .view = shape->chosen, .flat = shape->chosen, .exact = true };
	return rc;
}

void shape_release(struct shape *shape)
{
	skt_counts_free(shape->counts);
	runs_free(shape->kept);
	memset(shape, 0, sizeof(*shape));
}

/* What is wrong with the names, whichever of the views it will be; *ret_rc is that of the view that takes them. */
static bool view_takes(const struct query *query, enum query_view view, struct skt_err *err)
{
	struct query asked = *query;
	struct skt_kind kind = shape_kind_of(query, view);
	struct shape shape;
	int rc = shape_begin(&shape, &asked, &kind, err);

	shape_release(&shape);
	return !rc;
}

void shape_check(const struct query *query)
{
	const char *what = is_counted(query) ? "--count-by and --every" : "--fields";
	struct skt_err err;
	bool taken;

	if (!shape_is_asked(query))
		return;
	shape_check_merged(query);
	if (query->info || query->verify || query->coverage)
		cli_usage(
			"--fields, --sort, --top, --count-by and --every are of rows: --info, --verify and --coverage have none");
	if (query->render.format == SKT_FORMAT_NETSTAT && (query->fields || is_counted(query)))
		cli_usage("%s: the look of netstat has its own columns", what);
	if (query->fields && is_counted(query))
		cli_usage("--fields: what is counted has the fields that --count-by names");
	if (query->follow && (query->sort || query->top || is_counted(query)))
		cli_usage("--follow has no end: nothing can be sorted or counted before it");
	if (query->view == VIEW_CHANGES && query->sort && !query->fields && !is_counted(query))
		cli_usage("--sort: changes come snapshot by snapshot; name what is to be sorted with --fields");
	skt_err_init(&err);
	if (query->view != VIEW_UNTOLD)
		taken = view_takes(query, query->view, &err);
	else if (query->follow)
		taken = view_takes(query, VIEW_CHANGES, &err);
	else if (query->every || query->n_words || query->from || query->to)
		/* or a REC@TIME, which has fewer */
		taken = view_takes(query, VIEW_FLOWS, &err) || view_takes(query, VIEW_SOCKETS, NULL);
	else
		taken = view_takes(query, VIEW_SOCKETS, &err);
	if (!taken)
		cli_usage("%s", err.message);
}

/* ---- rows ---- */

static void render(struct shape *shape, const struct skt_kind *kind, const struct skt_row *rows, size_t n)
{
	struct query *query = shape->query;

	if (n > shape->left)
		n = (size_t)shape->left;
	shape->left -= n;
	/*
	 * columns are fitted to what comes at once, and where that is all there are, they have names without rows, too
	 */
	if (!n && query->follow)
		return;
	skt_render_rows(&query->render, kind, rows, n, &query->out);
	if (query->follow && is_table(query))
		query->render.heading = false;
	cli_write(&query->out);
}

static int sort(const struct skt_order *order, struct skt_row **rows, size_t n)
{
	struct skt_row *sorted;
	uint32_t *which;

	if (!order->fields.n)
		return 0;
	if (skt_order_rows(order, *rows, n, &which))
		return -ENOMEM;
	sorted = malloc((n + 1) * sizeof(*sorted));
	if (sorted) {
		for (size_t i = 0; i < n; i++)
			sorted[i] = (*rows)[which[i]];
		free(*rows);
		*rows = sorted;
	}
	free(which);
	return sorted ? 0 : -ENOMEM;
}

/* When it was there: between its first and last look, or at the time that it has. */
static void get_stay(enum query_view view, const struct skt_view *fields, const struct skt_row *row, int64_t *from,
		     int64_t *to)
{
	const struct skt_field_info *first = skt_view_find(fields, "first_seen", strlen("first_seen"));
	const struct skt_field_info *last = skt_view_find(fields, "last_seen", strlen("last_seen"));
	const struct skt_field_info *time = skt_view_find(fields, "time", strlen("time"));
	struct skt_value value = { .time = 0 };

	if (view == VIEW_FLOWS) {
		skt_flow_stay(row, from, to);
		return;
	}
	if (!skt_field_get(first ? first : time, row, &value))
		value.time = 0;
	*from = value.time;
	if (last && skt_field_get(last, row, &value))
		*to = value.time;
	else
		*to = *from;
}

static int count(struct shape *shape, const struct skt_row *rows, size_t n, struct skt_err *err)
{
	for (size_t i = 0; i < n; i++) {
		int64_t from = 0, to = 0;
		int rc;

		if (shape->query->every)
			get_stay(shape->query->view, &shape->kind.view, &rows[i], &from, &to);
		/* what is in force when the stretch begins belongs to it, and to nothing before */
		from = from < shape->begins ? shape->begins : from;
		rc = skt_counts_add(shape->counts, 0, &rows[i], from, to);
		if (rc)
			return skt_err_set(err, rc, rc == -E2BIG ? "too many groups to be counted" : "out of memory");
	}
	return 0;
}

/* A copy, which can be put in order; a row for each holder where their fields are shown. */
int shape_spread(const struct shape *shape, const struct skt_row *rows, size_t n, struct skt_row **ret, size_t *ret_n)
{
	if (skt_view_has_holder(&shape->chosen))
		return skt_rows_of_holders(&shape->chosen, rows, n, ret, ret_n);
	*ret = malloc((n + 1) * sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	if (n)
		memcpy(*ret, rows, n * sizeof(**ret));
	*ret_n = n;
	return 0;
}

int shape_rows(struct shape *shape, const struct skt_row *rows, size_t n, bool keep, struct skt_err *err)
{
	struct skt_row *own = NULL;
	size_t own_n = 0;
	int rc;

	if (shape->counts)
		return count(shape, rows, n, err);
	if (shape->query->merge)
		return merge_rows(shape, rows, n, err);
	if (keep && !shape->kept) {
		rc = begin_keeping(shape, err);
		if (rc)
			return rc;
	}
	if (!keep && !shape->order.fields.n && !skt_view_has_holder(&shape->chosen)) {
		render(shape, &shape->kind, rows, n);
		return 0;
	}
	rc = shape_spread(shape, rows, n, &own, &own_n);
	if (!rc && !keep)
		rc = sort(&shape->order, &own, own_n);
	if (rc)
		skt_err_set(err, rc, "out of memory");
	else if (keep)
		rc = rows_keep(shape->kept, &shape->order, &shape->query->render, &shape->kind, own, own_n, err);
	else
		render(shape, &shape->kind, own, own_n);
	free(own);
	return rc;
}

int shape_show_counts(struct shape *shape, struct skt_err *err)
{
	const struct query *query = shape->query;
	struct skt_kind kind = { .exact = true };
	struct skt_row *rows;
	size_t n;
	int rc = skt_counts_end(shape->counts, query->top < SIZE_MAX ? (size_t)query->top : 0, err);

	if (rc)
		return rc;
	n = skt_counts_count(shape->counts);
	rows = malloc((n + 1) * sizeof(*rows));
	if (!rows)
		return skt_err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		rows[i] = skt_counts_row(shape->counts, i);
	skt_counts_view(shape->counts, query->render.format == SKT_FORMAT_TABLE, query->render.width / 4, &kind.view);
	rc = sort(&shape->order_of_counts, &rows, n);
	shape->left = UINT64_MAX;
	if (!rc)
		render(shape, &kind, rows, n);
	free(rows);
	return rc ? skt_err_set(err, rc, "out of memory") : 0;
}

int shape_end(struct shape *shape, struct skt_err *err)
{
	if (shape->counts && shape->query->merge)
		return merge_counts(shape, err);
	if (shape->counts)
		return shape_show_counts(shape, err);
	if (shape->kept)
		return rows_show(shape->kept, &shape->query->render, &shape->kind, &shape->query->out, err);
	return 0;
}
