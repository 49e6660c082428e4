/* SPDX-License-Identifier: MIT */
#include <skt/shape.h>

#include "query/tuple.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void skt_order_key(const struct skt_order *order, const struct skt_row *row, struct skt_buf *out)
{
	const struct skt_view *fields = &order->fields;
	size_t best = out->len;

	if (!skt_view_has_holder(fields) || row->process || !row->sock || !row->sock->n_owners) {
		tuple_put(fields, row, out);
		return;
	}
	/* of several holders the one that comes first */
	for (uint32_t i = 0; i < row->sock->n_owners && !out->failed; i++) {
		struct skt_row of_owner = skt_row_of_owner(row, &skt_row_owners(row)[i]);
		size_t start = out->len;

		tuple_put(fields, &of_owner, out);
		if (!i || out->failed)
			continue;
		if (skt_order_compare(order, out->data + start, out->data + best) < 0) {
			memmove(out->data + best, out->data + start, out->len - start);
			out->len -= start - best;
		} else {
			out->len = start;
		}
	}
}

int skt_order_compare(const struct skt_order *order, const unsigned char *a, const unsigned char *b)
{
	return tuple_compare(a, b, order->fields.n, order->falling);
}

bool skt_order_is_key(const struct skt_order *order, const unsigned char *key, size_t len)
{
	return tuple_is_whole(key, len, order->fields.n);
}

struct sorter {
	const struct skt_order *order;
	struct skt_buf keys; /* tuples */
	size_t *at;	     /* of each row's */
};

static int compare(const struct sorter *sorter, uint32_t a, uint32_t b)
{
	return skt_order_compare(sorter->order, sorter->keys.data + sorter->at[a], sorter->keys.data + sorter->at[b]);
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
	int rc = -ENOMEM;

	skt_buf_init(&sorter.keys);
	if (!sorter.at || !a || !b || n > UINT32_MAX)
		goto out;
	for (size_t i = 0; i < n; i++) {
		sorter.at[i] = sorter.keys.len;
		skt_order_key(order, &rows[i], &sorter.keys);
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
