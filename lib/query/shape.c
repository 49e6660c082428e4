/* SPDX-License-Identifier: MIT */
#include <skt/shape.h>

#include "query/tuple.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A name is compared with all names letter by letter; none has as many. */
#define NAME_MAX_LEN 32

/* ---- names ---- */

const struct skt_field_info *skt_view_find(const struct skt_view *view, const char *name, size_t len)
{
	for (size_t i = 0; i < view->n; i++)
		if (strlen(view->fields[i]->name) == len && !memcmp(view->fields[i]->name, name, len))
			return view->fields[i];
	return NULL;
}

static void add_nameable(const struct skt_view *from, struct skt_view *to)
{
	for (size_t i = 0; i < from->n && to->n < SKT_VIEW_FIELDS; i++) {
		const struct skt_field_info *field = from->fields[i];

		if (field->type != SKT_TYPE_SOCKET && !skt_view_find(to, field->name, strlen(field->name)))
			to->fields[to->n++] = field;
	}
}

void skt_view_nameable(const struct skt_view *view, const struct skt_view *flat, struct skt_view *ret)
{
	struct skt_view all = { .n = 0 };

	add_nameable(view, &all);
	add_nameable(flat, &all);
	*ret = all;
}

/* How many letters are to be put in, taken out or changed to make one of the other (Levenshtein). */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t row[NAME_MAX_LEN + 1];

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 0; i < a_len; i++) {
		size_t corner = row[0]++;

		for (size_t j = 0; j < b_len; j++) {
			size_t best = corner + (a[i] != b[j]);

			corner = row[j + 1];
			best = best < corner + 1 ? best : corner + 1;
			row[j + 1] = best < row[j] + 1 ? best : row[j] + 1;
		}
	}
	return row[b_len];
}

/* How unlike they are. Who gives a part of a name means one that has it, and shorter ones first. */
static size_t unlikeness(const char *name, size_t len, const char *field)
{
	size_t field_len = strlen(field);

	for (size_t at = 0; len >= 3 && at + len <= field_len; at++)
		if (!memcmp(field + at, name, len))
			return 1;
	return distance(name, len, field, field_len);
}

static int refuse(const char *name, size_t len, const struct skt_view *of, struct skt_err *err)
{
	const char *near[3] = { NULL };
	size_t unlike[3] = { SIZE_MAX, SIZE_MAX, SIZE_MAX };
	size_t likely = 1 + len / 3;

	for (size_t i = 0; i < of->n && len <= NAME_MAX_LEN; i++) {
		const char *field = of->fields[i]->name;
		size_t by = unlikeness(name, len, field);
		size_t at = 3;

		while (at && by < unlike[at - 1])
			at--;
		if (at == 3 || by > likely)
			continue;
		memmove(&near[at + 1], &near[at], (2 - at) * sizeof(*near));
		memmove(&unlike[at + 1], &unlike[at], (2 - at) * sizeof(*unlike));
		near[at] = field;
		unlike[at] = by;
	}
	return skt_err_set(err, -EINVAL, "'%.*s' is no field%s%s%s%s%s%s; see sockquery --list-fields",
			   (int)(len < 64 ? len : 64), name, near[0] ? "; nearest: " : "", near[0] ? near[0] : "",
			   near[1] ? ", " : "", near[1] ? near[1] : "", near[2] ? ", " : "", near[2] ? near[2] : "");
}

static int parse(const char *list, const struct skt_view *of, struct skt_order *ret, bool order, struct skt_err *err)
{
	struct skt_order got = { .fields = { .n = 0 } };

	for (const char *at = list;;) {
		bool falling = order && *at == '-';
		const char *name = at + falling;
		size_t len = strcspn(name, ",");
		const struct skt_field_info *field = skt_view_find(of, name, len);

		if (!len)
			return skt_err_set(err, -EINVAL, "'%s' lacks the name of a field", list);
		if (!field)
			return refuse(name, len, of, err);
		if (skt_view_find(&got.fields, name, len))
			return skt_err_set(err, -EINVAL, "'%s' is named twice", field->name);
		if (order && field->type == SKT_TYPE_OWNERS)
			return skt_err_set(err, -EINVAL, "'%s' is a list and has no order", field->name);
		/* no field twice: there is room */
		got.falling[got.fields.n] = falling;
		got.fields.fields[got.fields.n++] = field;
		if (!name[len])
			break;
		at = name + len + 1;
	}
	*ret = got;
	return 0;
}

int skt_fields_parse(const char *list, const struct skt_view *of, struct skt_view *ret, struct skt_err *err)
{
	struct skt_order got;
	int rc = parse(list, of, &got, false, err);

	if (!rc)
		*ret = got.fields;
	return rc;
}

int skt_order_parse(const char *list, const struct skt_view *of, struct skt_order *ret, struct skt_err *err)
{
	return parse(list, of, ret, true, err);
}

/* ---- holders ---- */

bool skt_view_has_holder(const struct skt_view *view)
{
	for (size_t i = 0; i < view->n; i++)
		if (view->fields[i]->of_process)
			return true;
	return false;
}

static bool has_link(const struct skt_view *view)
{
	for (size_t i = 0; i < view->n; i++)
		if (view->fields[i]->of_link)
			return true;
	return false;
}

int skt_rows_of_holders(const struct skt_view *view, const struct skt_row *rows, size_t n, struct skt_row **ret,
			size_t *ret_n)
{
	bool links = has_link(view);
	struct skt_row *more;
	size_t most = 0, got = 0;

	for (size_t i = 0; i < n; i++)
		most += rows[i].sock && rows[i].sock->n_owners ? rows[i].sock->n_owners : 1;
	more = calloc(most + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct skt_owner *owners = rows[i].sock ? skt_row_owners(&rows[i]) : NULL;

		if (!owners) {
			more[got++] = rows[i];
			continue;
		}
		for (uint32_t k = 0; k < rows[i].sock->n_owners; k++)
			if (links || !k || owners[k].process != owners[k - 1].process)
				more[got++] = skt_row_of_owner(&rows[i], &owners[k]);
	}
	*ret = more;
	*ret_n = got;
	return 0;
}

/* ---- order ---- */

struct sorter {
	const struct skt_order *order;
	struct skt_buf keys; /* tuples */
	size_t *at;	     /* of each row's */
};

/* Of several holders the one that comes first. */
static void put_key(struct sorter *sorter, const struct skt_row *row, bool of_holders)
{
	const struct skt_view *fields = &sorter->order->fields;
	struct skt_buf *keys = &sorter->keys;
	size_t best = keys->len;

	if (!of_holders || row->process || !row->sock || !row->sock->n_owners) {
		tuple_put(fields, row, keys);
		return;
	}
	for (uint32_t i = 0; i < row->sock->n_owners && !keys->failed; i++) {
		struct skt_row of_owner = skt_row_of_owner(row, &skt_row_owners(row)[i]);
		size_t start = keys->len;

		tuple_put(fields, &of_owner, keys);
		if (!i || keys->failed)
			continue;
		if (tuple_compare(keys->data + start, keys->data + best, fields->n, sorter->order->falling) < 0) {
			memmove(keys->data + best, keys->data + start, keys->len - start);
			keys->len -= start - best;
		} else {
			keys->len = start;
		}
	}
}

static int compare(const struct sorter *sorter, uint32_t a, uint32_t b)
{
	return tuple_compare(sorter->keys.data + sorter->at[a], sorter->keys.data + sorter->at[b],
			     sorter->order->fields.n, sorter->order->falling);
}

/* Runs of `run` that are in order become runs of twice that. Stable, which qsort(3) is not. */
static void merge(const struct sorter *sorter, const uint32_t *from, uint32_t *to, size_t n, size_t run)
{
	for (size_t start = 0; start < n; start += 2 * run) {
		size_t middle = start + run < n ? start + run : n;
		size_t end = middle + run < n ? middle + run : n;
		size_t a = start, b = middle;

		for (size_t i = start; i < end; i++) {
			if (b >= end || (a < middle && compare(sorter, from[a], from[b]) <= 0))
				to[i] = from[a++];
			else
				to[i] = from[b++];
		}
	}
}

static uint32_t *sort(const struct sorter *sorter, uint32_t *from, uint32_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		from[i] = (uint32_t)i;
	for (size_t run = 1; run < n; run *= 2) {
		uint32_t *swap = from;

		merge(sorter, from, to, n, run);
		from = to;
		to = swap;
	}
	return from;
}

int skt_order_rows(const struct skt_order *order, const struct skt_row *rows, size_t n, uint32_t **ret)
{
	struct sorter sorter = { .order = order, .at = malloc((n + 1) * sizeof(*sorter.at)) };
	uint32_t *a = malloc((n + 1) * sizeof(*a)), *b = malloc((n + 1) * sizeof(*b)), *sorted;
	bool of_holders = skt_view_has_holder(&order->fields);
	int rc = -ENOMEM;

	skt_buf_init(&sorter.keys);
	if (!sorter.at || !a || !b || n > UINT32_MAX)
		goto out;
	for (size_t i = 0; i < n; i++) {
		sorter.at[i] = sorter.keys.len;
		put_key(&sorter, &rows[i], of_holders);
	}
	if (sorter.keys.failed)
		goto out;
	sorted = sort(&sorter, a, b, n);
	*ret = sorted;
	if (sorted == a)
		a = NULL;
	else
		b = NULL;
	rc = 0;
out:
	skt_buf_release(&sorter.keys);
	free(sorter.at);
	free(a);
	free(b);
	return rc;
}

/* ---- rows that stay ---- */

struct skt_kept {
	struct skt_field_info fields[SKT_VIEW_FIELDS];
	struct skt_view view;	/* of those */
	struct skt_view source; /* what is kept */
	struct skt_buf tuples;
	struct skt_buf at; /* size_t of each */
};

static bool get_kept(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	return tuple_get(row->subject, field->offset, ret);
}

int skt_kept_new(const struct skt_view *fields, struct skt_kept **ret)
{
	struct skt_kept *kept = calloc(1, sizeof(*kept));

	if (!kept)
		return -ENOMEM;
	kept->source = *fields;
	for (size_t i = 0; i < fields->n; i++) {
		kept->fields[i] = (struct skt_field_info){ .name = fields->fields[i]->name,
							   .type = fields->fields[i]->type,
							   .is_address = fields->fields[i]->is_address,
							   .meaning = fields->fields[i]->meaning,
							   .offset = (uint16_t)i,
							   .get = get_kept };
		kept->view.fields[i] = &kept->fields[i];
	}
	kept->view.n = fields->n;
	skt_buf_init(&kept->tuples);
	skt_buf_init(&kept->at);
	*ret = kept;
	return 0;
}

void skt_kept_free(struct skt_kept *kept)
{
	if (!kept)
		return;
	skt_buf_release(&kept->tuples);
	skt_buf_release(&kept->at);
	free(kept);
}

int skt_kept_add(struct skt_kept *kept, const struct skt_row *row)
{
	size_t at = kept->tuples.len;

	tuple_put(&kept->source, row, &kept->tuples);
	skt_buf_add(&kept->at, &at, sizeof(at));
	return kept->tuples.failed || kept->at.failed ? -ENOMEM : 0;
}

size_t skt_kept_count(const struct skt_kept *kept)
{
	return kept->at.len / sizeof(size_t);
}

const struct skt_view *skt_kept_view(const struct skt_kept *kept)
{
	return &kept->view;
}

struct skt_row skt_kept_row(const struct skt_kept *kept, size_t i)
{
	const size_t *at = (const size_t *)(const void *)kept->at.data;

	return (struct skt_row){ .subject = kept->tuples.data + at[i] };
}
