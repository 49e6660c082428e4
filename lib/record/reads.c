/* SPDX-License-Identifier: MIT */
#include "record/reads.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void reads_release(struct reads *reads)
{
	free(reads->tables);
	free(reads->before);
	memset(reads, 0, sizeof(*reads));
}

void reads_forget(struct reads *reads)
{
	reads->n = 0;
	reads->begun = false;
}

void blind_add(struct blind *blind, int64_t after, int64_t until)
{
	uint64_t length = (uint64_t)until - (uint64_t)after, have = (uint64_t)blind->until - (uint64_t)blind->after;

	/* a clock that was set back says nothing */
	if (after == INT64_MIN || until <= after)
		return;
	if (length < have || (length == have && until >= blind->until))
		return;
	blind->after = after;
	blind->until = until;
}

static int compare(const void *x, const void *y)
{
	const struct read *a = x, *b = y;

	if (a->kind != b->kind)
		return a->kind - b->kind;
	return (a->net_namespace > b->net_namespace) - (a->net_namespace < b->net_namespace);
}

/* The rows of a table are of this instant now. */
static void see(const struct reads *reads, struct read *read, const struct skt_table *table, struct blind *blind,
		uint8_t *heard)
{
	int64_t after = read->time != INT64_MIN ? read->time : read->since;

	if (!table->read_time || table->read_time == read->time)
		return;
	if (heard_all(&reads->heard, table->kind, after, table->read_time))
		*heard |= (uint8_t)(1u << table->kind);
	else
		blind_add(&blind[table->kind], after, table->read_time);
	read->time = table->read_time;
}

static struct read new_read(const struct skt_table *table, int64_t since)
{
	return (struct read){ .net_namespace = table->net_namespace,
			      .since = since,
			      .time = INT64_MIN,
			      .kind = table->kind,
			      .there = true };
}

int reads_begin_group(struct reads *reads, const struct skt_snapshot *now, struct blind *blind, uint8_t *heard)
{
	struct read *before = reads->before;
	size_t room = reads->room_before, n_before = 0;
	int64_t since = reads->begun ? reads->time : INT64_MIN;

	heard_step(&reads->heard, now, !reads->begun);
	/* those that were there, to be found by what they are, for slots are others now */
	for (size_t i = 0; i < reads->n; i++)
		if (reads->tables[i].there)
			reads->tables[n_before++] = reads->tables[i];
	if (n_before > 1)
		qsort(reads->tables, n_before, sizeof(*reads->tables), compare);
	reads->before = reads->tables;
	reads->room_before = reads->room;
	reads->tables = before;
	reads->room = room;
	reads->n = 0;
	if (array_room(&reads->tables, &reads->room, now->n_tables, sizeof(*reads->tables)))
		return -ENOMEM;
	for (size_t i = 0; i < now->n_tables; i++) {
		const struct skt_table *table = &now->tables[i];
		struct read *read = &reads->tables[reads->n++], *old = NULL;

		*read = new_read(table, since);
		read->there = !table->gone;
		if (table->gone)
			continue;
		if (n_before)
			old = bsearch(read, reads->before, n_before, sizeof(*read), compare);
		if (old)
			*read = *old;
		see(reads, read, table, blind, heard);
	}
	reads->begun = true;
	reads->time = now->time;
	return 0;
}

int reads_step(struct reads *reads, const struct skt_snapshot *now, const struct skt_step *step, struct blind *blind,
	       uint8_t *heard)
{
	heard_step(&reads->heard, now, false);
	for (size_t i = 0; i < step->n_tables; i++) {
		uint32_t slot = step->tables[i].slot;
		const struct skt_table *table = &now->tables[slot];
		struct read *read;

		if (array_room(&reads->tables, &reads->room, slot + (size_t)1, sizeof(*reads->tables)))
			return -ENOMEM;
		for (; reads->n <= slot; reads->n++)
			reads->tables[reads->n] = (struct read){ .there = false };
		read = &reads->tables[slot];
		if (table->gone) {
			read->there = false;
			continue;
		}
		if (!read->there || read->kind != table->kind || read->net_namespace != table->net_namespace)
			*read = new_read(table, step->from);
		see(reads, read, table, blind, heard);
	}
	reads->time = now->time;
	return 0;
}
