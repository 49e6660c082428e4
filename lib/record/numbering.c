/* SPDX-License-Identifier: MIT */
#include "record/numbering.h"

#include <errno.h>
#include <stdlib.h>

/* Which table it is, whatever its slot. */
struct place {
	uint64_t net_namespace;
	uint8_t kind;
	uint32_t slot;
};

static int by_table(const void *x, const void *y)
{
	const struct place *a = x, *b = y;

	if (a->net_namespace != b->net_namespace)
		return a->net_namespace < b->net_namespace ? -1 : 1;
	return a->kind < b->kind ? -1 : a->kind > b->kind;
}

/* The tables that there are, sorted; NULL without memory. */
static struct place *find_places(const struct skt_snapshot *snapshot, size_t *ret_n)
{
	struct place *places = calloc(snapshot->n_tables + 1, sizeof(*places));
	size_t n = 0;

	for (uint32_t i = 0; places && i < snapshot->n_tables; i++) {
		const struct skt_table *table = &snapshot->tables[i];

		if (!table->gone)
			places[n++] =
				(struct place){ .net_namespace = table->net_namespace, .kind = table->kind, .slot = i };
	}
	if (places)
		qsort(places, n, sizeof(*places), by_table);
	*ret_n = n;
	return places;
}

static uint32_t *no_slots(size_t n)
{
	uint32_t *slots = malloc((n + 1) * sizeof(*slots));

	for (size_t i = 0; slots && i < n; i++)
		slots[i] = SKT_NO_SLOT;
	return slots;
}

static void pair_table(const struct numbering *numbering, const struct skt_snapshot *from, uint32_t a,
		       const struct skt_snapshot *to, uint32_t b)
{
	const struct skt_table *x = &from->tables[a], *y = &to->tables[b];

	numbering->tables[a] = b;
	for (size_t i = 0; i < x->n_rows && i < y->n_rows; i++)
		numbering->rows[x->order[i]] = y->order[i];
}

int numbering_find(const struct skt_snapshot *from, const struct skt_snapshot *to, struct numbering *ret)
{
	size_t n_from = 0, n_to = 0, k = 0;
	struct place *a = find_places(from, &n_from), *b = find_places(to, &n_to);
	int rc = 0;

	ret->tables = no_slots(from->n_tables);
	ret->rows = no_slots(from->n_socks);
	if (!a || !b || !ret->tables || !ret->rows)
		rc = -ENOMEM;
	for (size_t i = 0; !rc && i < n_from; i++) {
		while (k < n_to && by_table(&b[k], &a[i]) < 0)
			k++;
		if (k < n_to && !by_table(&b[k], &a[i]))
			pair_table(ret, from, a[i].slot, to, b[k].slot);
	}
	free(a);
	free(b);
	if (rc)
		numbering_release(ret);
	return rc;
}

void numbering_release(struct numbering *numbering)
{
	free(numbering->tables);
	free(numbering->rows);
	numbering->tables = NULL;
	numbering->rows = NULL;
}
