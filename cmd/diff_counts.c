/* SPDX-License-Identifier: MIT */
#include "diff_counts.h"

#include "cli.h"

#include <errno.h>
#include <stdlib.h>

void diff_counts_parse(const char *list, struct skt_view *ret)
{
	struct skt_view sockets, flat, nameable;
	struct skt_err err;

	skt_view_sockets(&sockets, false);
	skt_view_sockets(&flat, true);
	skt_view_nameable(&sockets, &flat, &nameable);
	skt_err_init(&err);
	if (skt_fields_parse(list, &nameable, ret, &err))
		cli_usage("--count-by: %s", err.message);
	for (size_t i = 0; i < ret->n; i++)
		if (skt_field_is_list(ret->fields[i]))
			cli_usage("--count-by: '%s' is a list: count by pid or comm, say", ret->fields[i]->name);
}

/* Each side is what the expression means by itself. */
static int count(const struct diff_counts *asked, struct skt_counts *counts, const struct skt_diff_side *of,
		 uint32_t slot, unsigned side)
{
	struct skt_row row = { .host = of->host, .boot_time = of->boot_time, .snapshot = of->snapshot };

	if (slot == SKT_NO_SLOT)
		return 0;
	row.sock = &of->snapshot->socks[slot];
	if (asked->filter && skt_filter_test(asked->filter, &row) != SKT_TRUE)
		return 0;
	return skt_counts_add(counts, side, &row, 0, 0);
}

/* What is the same is so on both sides: of it only the later row is known. */
static int count_all(const struct diff_counts *asked, struct skt_counts *counts)
{
	const struct skt_diff *diff = asked->diff;
	const struct skt_diff_sides *sides = asked->sides;
	int rc = 0;

	for (size_t i = 0; i < diff->n && !rc; i++) {
		rc = count(asked, counts, &sides->before, diff->items[i].before, 0);
		if (!rc)
			rc = count(asked, counts, &sides->after, diff->items[i].after, 1);
	}
	for (size_t i = 0; i < diff->n_same && !rc; i++) {
		rc = count(asked, counts, &sides->after, diff->same[i], 0);
		if (!rc)
			rc = count(asked, counts, &sides->after, diff->same[i], 1);
	}
	return rc;
}

static bool is_even(const struct skt_row *row, const struct skt_view *view)
{
	struct skt_value value;

	return skt_field_get(skt_view_find(view, "difference", 10), row, &value) && !value.number;
}

static bool get_forced(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)row;
	ret->number = field->offset;
	ret->negative = false;
	return true;
}

/* The same in each row: whether the two sides are not comparable. The table says it above. */
static void add_forced(const struct diff_counts *asked, struct skt_view *view)
{
	static const char meaning[] = "the snapshots are not comparable and were compared all the same";
	static const struct skt_field_info is_forced[] = {
		{ "forced", SKT_TYPE_BOOL, .get = get_forced, .offset = false, .meaning = meaning },
		{ "forced", SKT_TYPE_BOOL, .get = get_forced, .offset = true, .meaning = meaning },
	};

	if (view->n < SKT_VIEW_FIELDS)
		view->fields[view->n++] = &is_forced[asked->sides->forced];
}

static int print(const struct diff_counts *asked, struct skt_counts *counts, struct skt_render *render,
		 struct skt_buf *out)
{
	size_t n = skt_counts_count(counts), shown = 0;
	struct skt_row *rows = malloc((n + 1) * sizeof(*rows));
	struct skt_kind kind = { .exact = true };

	if (!rows)
		return -ENOMEM;
	skt_counts_view(counts, render->format == SKT_FORMAT_TABLE, 0, &kind.view);
	if (render->format != SKT_FORMAT_TABLE)
		add_forced(asked, &kind.view);
	for (size_t i = 0; i < n; i++) {
		rows[shown] = skt_counts_row(counts, i);
		shown += asked->all || !is_even(&rows[shown], &kind.view);
	}
	skt_render_rows(render, &kind, rows, shown, out);
	free(rows);
	return 0;
}

int diff_counts_show(const struct diff_counts *asked, struct skt_render *render, struct skt_buf *out,
		     struct skt_err *err)
{
	struct skt_counts_options options = { .by = asked->by, .sides = true, .seed = asked->seed };
	struct skt_counts *counts = NULL;
	int rc = skt_counts_new(&options, &counts);

	if (!rc)
		rc = count_all(asked, counts);
	if (!rc)
		rc = skt_counts_end(counts, 0, NULL);
	if (!rc)
		rc = print(asked, counts, render, out);
	skt_counts_free(counts);
	return rc ? skt_err_set(err, rc, rc == -E2BIG ? "too many groups to be counted" : "out of memory") : 0;
}
