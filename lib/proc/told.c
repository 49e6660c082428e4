/* SPDX-License-Identifier: MIT */
#include "proc/told.h"

#include "base/array.h"
#include "model/copy.h"
#include "model/step.h"
#include "model/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * No host closes so many sockets with the same ends between two looks: a tree that was made up must not make this slow.
 */
#define TWINS_MAX 64

void told_release(struct told *told)
{
	free(told->events);
	free(told->lived);
	if (told->strings)
		skt_strtab_unref(told->strings);
	memset(told, 0, sizeof(*told));
}

/* ---- writing ---- */

/* Of each row of the snapshot by slot, where it stands in its table. */
static uint32_t *find_places(const struct skt_snapshot *snapshot)
{
	uint32_t *places = calloc(snapshot->n_socks + 1, sizeof(*places));

	for (size_t i = 0; places && i < snapshot->n_tables; i++)
		for (uint32_t k = 0; !snapshot->tables[i].gone && k < snapshot->tables[i].n_rows; k++)
			places[snapshot->tables[i].order[k]] = k;
	return places;
}

static uint32_t row_of(const struct skt_snapshot *snapshot, const uint32_t *places, const struct skt_event *event)
{
	if (event->slot >= snapshot->n_socks)
		return TOLD_NONE;
	return snapshot->socks[event->slot].table == SKT_NO_TABLE ? TOLD_GONE : TOLD_FIRST + places[event->slot];
}

static void put_event(struct skt_buf *out, const struct skt_table *table, uint32_t row, const struct skt_event *event)
{
	skt_buf_printf(out, "event %s", skt_table_kind_name(table->kind));
	meta_put_number(out, table->net_namespace);
	meta_put_number(out, row);
	meta_put_signed(out, event->when);
	meta_put_number(out, event->source);
	meta_put_number(out, event->change);
	meta_put_number(out, event->state);
	meta_put_address(out, event->local_address);
	meta_put_number(out, event->local_port);
	meta_put_address(out, event->remote_address);
	meta_put_number(out, event->remote_port);
	meta_put_number(out, event->has);
	meta_put_number(out, event->uid);
	meta_put_number(out, event->inode);
	meta_put_number(out, event->bytes_sent);
	meta_put_number(out, event->bytes_received);
	meta_put_number(out, event->duration_us);
	meta_put_number(out, event->rtt_us);
	meta_put_number(out, event->retransmits);
	meta_put_number(out, event->late_us);
	skt_buf_byte(out, '\n');
}

static size_t count_lived(const struct skt_snapshot *snapshot, const struct skt_step *step)
{
	size_t n = 0;

	for (size_t i = 0; i < step->n_processes; i++)
		n += skt_change_is_lived(snapshot, &step->processes[i]);
	return n;
}

int told_put(struct skt_buf *out, const struct skt_snapshot *snapshot, const struct skt_step *step)
{
	size_t n_lived = count_lived(snapshot, step);
	uint32_t *places;

	if (!step->n_events && !n_lived)
		return 0;
	/* it would be refused where it is read */
	if (n_lived > SKT_LIVED_MAX)
		return -E2BIG;
	places = find_places(snapshot);
	if (!places)
		return -ENOMEM;
	skt_buf_printf(out, "told %zu %zu\n", step->n_events, n_lived);
	for (size_t i = 0; i < step->n_events; i++) {
		const struct skt_event *event = &step->events[i];

		put_event(out, &snapshot->tables[event->table], row_of(snapshot, places, event), event);
	}
	for (size_t i = 0; i < step->n_processes; i++) {
		struct meta_process process = { .here = true };

		if (!skt_change_is_lived(snapshot, &step->processes[i]))
			continue;
		process.process = snapshot->processes[step->processes[i].slot];
		meta_put_process(out, snapshot->strings, &process);
	}
	free(places);
	return 0;
}

/* ---- reading ---- */

static void get_event(struct meta *meta, struct told_event *ret)
{
	struct skt_event *event = &ret->event;

	memset(ret, 0, sizeof(*ret));
	if (!meta_line(meta, "event"))
		meta_fail(meta);
	ret->kind = meta_kind(meta);
	ret->net_namespace = meta_number(meta, UINT64_MAX);
	ret->row = (uint32_t)meta_number(meta, TOLD_FIRST + SKT_SOCKS_MAX);
	event->when = meta_time(meta);
	event->source = meta_8(meta);
	event->change = meta_8(meta);
	event->state = meta_8(meta);
	meta_address_of(meta, ret->kind, event->local_address);
	event->local_port = (uint16_t)meta_number(meta, UINT16_MAX);
	meta_address_of(meta, ret->kind, event->remote_address);
	event->remote_port = (uint16_t)meta_number(meta, UINT16_MAX);
	event->has = meta_32(meta);
	event->uid = meta_32(meta);
	event->inode = meta_number(meta, UINT64_MAX);
	event->bytes_sent = meta_number(meta, UINT64_MAX);
	event->bytes_received = meta_number(meta, UINT64_MAX);
	event->duration_us = meta_number(meta, UINT64_MAX);
	event->rtt_us = meta_32(meta);
	event->retransmits = meta_32(meta);
	event->late_us = meta_32(meta);
	meta_done(meta);
}

static int get_events(struct meta *meta, uint64_t n, struct told *ret)
{
	for (uint64_t i = 0; i < n && !meta->bad; i++) {
		struct told_event *last = ret->n_events ? &ret->events[ret->n_events - 1] : NULL, event;

		get_event(meta, &event);
		if (last && event.event.when < last->event.when)
			meta_fail(meta);
		if (array_room(&ret->events, &ret->room_events, ret->n_events + 1, sizeof(*ret->events)))
			return -ENOMEM;
		ret->events[ret->n_events++] = event;
	}
	return 0;
}

static int get_lived(struct meta *meta, uint64_t n, struct told *ret)
{
	for (uint64_t i = 0; i < n && !meta->bad; i++) {
		struct meta_process process = { .here = false };

		if (!meta_line(meta, "process"))
			meta_fail(meta);
		meta_get_process(meta, ret->strings, &process);
		/* one that is listed is not told of */
		if (!process.here || !process.process.exited)
			meta_fail(meta);
		if (array_room(&ret->lived, &ret->room_lived, ret->n_lived + 1, sizeof(*ret->lived)))
			return -ENOMEM;
		ret->lived[ret->n_lived++] = process.process;
	}
	return 0;
}

int told_get(struct meta *meta, struct skt_strtab *strings, struct told *ret)
{
	uint64_t n_events, n_lived;
	int rc;

	if (!meta_line(meta, "told"))
		return 0;
	n_events = meta_number(meta, SKT_EVENTS_MAX);
	n_lived = meta_number(meta, SKT_LIVED_MAX);
	meta_done(meta);
	ret->strings = skt_strtab_ref(strings);
	rc = get_events(meta, n_events, ret);
	return rc ? rc : get_lived(meta, n_lived, ret);
}

/* ---- telling ---- */

/* By which a row is found. Without padding, so that it can be compared as bytes. */
struct ends {
	uint32_t table;
	uint16_t local_port, remote_port;
	uint8_t local_address[16], remote_address[16];
};

struct gone {
	struct ends ends;
	uint32_t slot;
	bool taken;
};

static struct ends ends_of_row(const struct skt_sock *sock)
{
	struct ends ends = { .table = sock->table, .local_port = sock->local_port, .remote_port = sock->remote_port };

	memcpy(ends.local_address, sock->local_address, sizeof(ends.local_address));
	memcpy(ends.remote_address, sock->remote_address, sizeof(ends.remote_address));
	return ends;
}

static struct ends ends_of_event(const struct skt_event *event)
{
	struct ends ends = { .table = event->table,
			     .local_port = event->local_port,
			     .remote_port = event->remote_port };

	memcpy(ends.local_address, event->local_address, sizeof(ends.local_address));
	memcpy(ends.remote_address, event->remote_address, sizeof(ends.remote_address));
	return ends;
}

static int compare_gone(const void *left, const void *right)
{
	const struct gone *a = left, *b = right;
	int order = memcmp(&a->ends, &b->ends, sizeof(a->ends));

	return order ? order : (a->slot > b->slot) - (a->slot < b->slot);
}

/* The rows that went with the step, in order: NULL without memory. */
static struct gone *find_gone(const struct skt_step *step, size_t *ret_n)
{
	struct gone *all = calloc(step->n_socks + 1, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; all && i < step->n_socks; i++)
		if (step->socks[i].change == SKT_CLOSED || step->socks[i].change == SKT_LOST)
			all[n++] = (struct gone){ .ends = ends_of_row(&step->socks[i].before),
						  .slot = step->socks[i].slot };
	if (n)
		qsort(all, n, sizeof(*all), compare_gone);
	*ret_n = n;
	return all;
}

/* Which of them: SKT_NO_SLOT, there is none. */
static uint32_t take_gone(struct gone *all, size_t n, const struct skt_event *event)
{
	struct ends ends = ends_of_event(event);
	size_t from = 0, to = n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (memcmp(&all[middle].ends, &ends, sizeof(ends)) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	for (to = from; to < n && to - from < TWINS_MAX && !memcmp(&all[to].ends, &ends, sizeof(ends)); to++)
		if (!all[to].taken) {
			all[to].taken = true;
			return all[to].slot;
		}
	return SKT_NO_SLOT;
}

/* The row at a place of its table, if it has the ends that are told: the tree may have been edited. */
static uint32_t listed(const struct skt_snapshot *now, uint32_t place, const struct skt_event *event)
{
	const struct skt_table *table = &now->tables[event->table];
	struct ends told = ends_of_event(event), is;

	if (table->gone || place >= table->n_rows)
		return SKT_NO_SLOT;
	is = ends_of_row(&now->socks[table->order[place]]);
	return memcmp(&told, &is, sizeof(is)) ? SKT_NO_SLOT : table->order[place];
}

/* A table that went with the step. */
struct gone_table {
	uint64_t net_namespace;
	uint32_t slot;
	uint8_t kind;
};

static int compare_gone_tables(const void *left, const void *right)
{
	const struct gone_table *a = left, *b = right;

	if (a->net_namespace != b->net_namespace)
		return a->net_namespace < b->net_namespace ? -1 : 1;
	return (int)a->kind - (int)b->kind;
}

/* All of those, in order: NULL without memory. */
static struct gone_table *find_gone_tables(const struct skt_snapshot *now, const struct skt_step *step, size_t *ret_n)
{
	struct gone_table *all = calloc(step->n_tables + 1, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; all && i < step->n_tables; i++) {
		uint32_t slot = step->tables[i].slot;
		const struct skt_table *table = &now->tables[slot];

		if (table->gone)
			all[n++] = (struct gone_table){ .net_namespace = table->net_namespace,
							.slot = slot,
							.kind = table->kind };
	}
	if (n)
		qsort(all, n, sizeof(*all), compare_gone_tables);
	*ret_n = n;
	return all;
}

/* The table of an event, of those that are there or went with this step. SKT_NO_TABLE: it is not recorded. */
static uint32_t table_of(const struct skt_snapshot *now, const struct gone_table *gone, size_t n_gone,
			 const struct told_event *told)
{
	const struct gone_table key = { .net_namespace = told->net_namespace, .kind = told->kind }, *found;
	uint32_t here = tables_find(now, told->kind, told->net_namespace);

	if (here != MAP_NONE)
		return here;
	found = n_gone ? bsearch(&key, gone, n_gone, sizeof(*gone), compare_gone_tables) : NULL;
	return found ? found->slot : SKT_NO_TABLE;
}

static int add_events(const struct told *told, const struct skt_snapshot *now, struct skt_step *step)
{
	size_t n_gone, n_gone_tables;
	struct gone *gone = find_gone(step, &n_gone);
	struct gone_table *gone_tables = find_gone_tables(now, step, &n_gone_tables);
	int rc = gone && gone_tables ? 0 : -ENOMEM;

	for (size_t i = 0; !rc && i < told->n_events; i++) {
		const struct told_event *one = &told->events[i];
		uint32_t table = table_of(now, gone_tables, n_gone_tables, one);
		struct skt_event event = one->event;

		if (table == SKT_NO_TABLE)
			continue;
		event.table = table;
		event.slot = SKT_NO_SLOT;
		if (one->row == TOLD_GONE)
			event.slot = take_gone(gone, n_gone, &event);
		else if (one->row >= TOLD_FIRST)
			event.slot = listed(now, one->row - TOLD_FIRST, &event);
		/* that a look had seen it is still true */
		if (one->row != TOLD_NONE && event.slot == SKT_NO_SLOT)
			event.has |= SKT_BIT(SKT_E_LATE);
		step->events[step->n_events++] = event;
	}
	free(gone_tables);
	free(gone);
	return rc;
}

/* There may be thousands of tables, and of events in no order of theirs: who made the tree up chose both. */
static int tell_events(const struct told *told, struct skt_snapshot *now, struct skt_step *step)
{
	if (array_room(&step->events, &step->room_events, step->n_events + told->n_events, sizeof(*step->events)))
		return -ENOMEM;
	return tables_know(now) ? -ENOMEM : add_events(told, now, step);
}

static int tell_lived(const struct told *told, struct skt_snapshot *now, struct skt_step *step)
{
	struct translation translation;
	size_t i = 0;
	int rc = translation_init(&translation, told->strings, now->strings);

	if (rc)
		return rc;
	for (; i < told->n_lived && !rc; i++)
		rc = step_add_lived(step, now, &translation, &told->lived[i]);
	translation_release(&translation);
	if (rc != -E2BIG)
		return rc;
	/* the snapshot is full: what it cannot hold is counted */
	step->quality.lived_more += (uint32_t)(told->n_lived - i + 1);
	now->quality.lived_more = step->quality.lived_more;
	return 0;
}

int told_tell(const struct told *told, struct skt_snapshot *now, struct skt_step *step)
{
	int rc = told->n_events ? tell_events(told, now, step) : 0;

	return rc || !told->n_lived ? rc : tell_lived(told, now, step);
}
