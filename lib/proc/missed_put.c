/* SPDX-License-Identifier: MIT */
/* Rows that were found in another reading of a table, into their places. */
#include "proc/missed.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool same_ends(const struct skt_sock *a, const struct skt_sock *b)
{
	return a->local_port == b->local_port && a->remote_port == b->remote_port &&
	       !memcmp(a->local_address, b->local_address, sizeof(a->local_address)) &&
	       !memcmp(a->remote_address, b->remote_address, sizeof(a->remote_address));
}

/* What has the ends of a socket that was read may have come after it: both were not there at once. */
static void drop_successors(struct missed *missed, const struct skt_snapshot *snapshot, size_t first)
{
	for (size_t i = 0; i < missed->n_rows; i++)
		for (size_t k = first; missed->rows[i].found && k < snapshot->n_socks; k++)
			missed->rows[i].found = !same_ends(&missed->rows[i].sock, &snapshot->socks[k]);
}

/* The slot behind the row of this inode, looked for from `at` on and then from the first. */
static size_t slot_behind(const struct skt_snapshot *snapshot, size_t first, size_t at, uint64_t inode)
{
	for (size_t i = at; i < snapshot->n_socks; i++)
		if (snapshot->socks[i].inode == inode)
			return i + 1;
	for (size_t i = first; i < at; i++)
		if (snapshot->socks[i].inode == inode)
			return i + 1;
	return snapshot->n_socks;
}

static int compare_places(const void *x, const void *y)
{
	const struct missed_place *a = x, *b = y;

	return a->at == b->at ? compare_numbers(a->row, b->row) : compare_numbers(a->at, b->at);
}

/* Where those that were found belong, by slot as slots are before they come. 0 or -ENOMEM. */
static int find_places(struct missed *missed, const struct skt_snapshot *snapshot, size_t first, size_t *ret_n)
{
	size_t at = first, n = 0;
	uint64_t behind = 0;

	if (array_room(&missed->places, &missed->room_places, missed->n_rows, sizeof(*missed->places)))
		return -ENOMEM;
	for (uint32_t i = 0; i < missed->n_rows; i++) {
		const struct missed_row *row = &missed->rows[i];

		if (!row->found)
			continue;
		if (row->behind != behind)
			at = slot_behind(snapshot, first, at, row->behind);
		behind = row->behind;
		missed->places[n++] = (struct missed_place){ .at = at, .row = i };
	}
	if (n)
		qsort(missed->places, n, sizeof(*missed->places), compare_places);
	*ret_n = n;
	return 0;
}

int missed_put(struct missed *missed, struct skt_snapshot *snapshot, size_t first)
{
	struct skt_table *table = &snapshot->tables[snapshot->n_tables - 1];
	size_t from = snapshot->n_socks, n, k = 0;
	uint32_t slot;
	int rc;

	if (missed->n_read)
		drop_successors(missed, snapshot, first);
	rc = find_places(missed, snapshot, first, &n);
	for (size_t i = 0; !rc && i < n; i++)
		rc = skt_snapshot_add_sock(snapshot, &missed->rows[missed->places[i].row].sock, &slot);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < table->n_raw; i++) {
		while (k < n && missed->places[k].at - first < table->raw[i].before)
			k++;
		table->raw[i].before += (uint32_t)k;
	}
	/* from the last one on, so that what stands behind them is moved once */
	while (n--) {
		const struct missed_place *place = &missed->places[n];
		struct skt_sock *socks = snapshot->socks;

		memmove(&socks[place->at + n + 1], &socks[place->at], (from - place->at) * sizeof(*socks));
		socks[place->at + n] = missed->rows[place->row].sock;
		from = place->at;
	}
	return 0;
}
