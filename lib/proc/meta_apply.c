/* SPDX-License-Identifier: MIT */
#include "proc/repair.h"

#include "model/tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_wanted(const struct repair *repair, const struct skt_table *table)
{
	const struct skt_capture_options *options = repair->look->options;

	return options->tables & 1u << table->kind && (options->all_namespaces || table->net_namespace == repair->own);
}

/* All lines about a table that is not wanted, or is not what it was. */
static void skip_lines(struct meta *meta)
{
	static const char *const words[] = { "heading", "row", "tail", "text", "raw", "owner" };
	size_t i = 0;

	while (i < sizeof(words) / sizeof(*words))
		i = meta_line(meta, words[i]) ? 0 : i + 1;
}

static void tell_edited(struct repair *repair, const struct skt_table *table, const char *what)
{
	struct skt_err err;
	char path[64];

	skt_err_set(&err, -EBADMSG, "%s: what '%s' says of its rows does not count", what, META_FILE);
	if (table->net_namespace == repair->own)
		snprintf(path, sizeof(path), "net/%s", skt_table_kind_name(table->kind));
	else
		snprintf(path, sizeof(path), "PID/net/%s", skt_table_kind_name(table->kind));
	look_problem(repair->look, &err, path, 0);
}

static int add_table(struct repair *repair, struct meta_table *told, const struct skt_table *read)
{
	struct skt_strtab *strings = repair->now->strings;
	uint32_t table;
	int rc;

	told->table.heading = read ? read->heading : 0;
	if (meta_line(repair->meta, "heading")) {
		told->table.heading = meta_text(repair->meta, strings);
		meta_done(repair->meta);
	}
	if (repair->now->n_tables == SKT_TABLES_MAX)
		return -E2BIG;
	rc = skt_snapshot_add_table(repair->now, &told->table, &table);
	return rc ? rc : repair_lines(repair, told, table, read);
}

static int take_table(struct repair *repair)
{
	const struct skt_table *read = NULL;
	struct meta_table told;
	uint32_t at;
	bool same;

	meta_get_table(repair->meta, &told);
	if (repair->meta->bad)
		return 0;
	at = tables_find(repair->read, told.table.kind, told.table.net_namespace);
	if (at != MAP_NONE) {
		/* two of one */
		if (repair->mentioned[at])
			meta_fail(repair->meta);
		repair->mentioned[at] = true;
		read = &repair->read->tables[at];
	}
	if (!is_wanted(repair, &told.table)) {
		skip_lines(repair->meta);
		return 0;
	}
	if (told.here)
		return add_table(repair, &told, NULL);
	same = read && (uint64_t)read->n_rows + read->n_raw == told.lines &&
	       meta_crc(repair->read, read, repair->head->big_endian, &repair->crc_text) == told.crc;
	if (repair->crc_text.failed)
		return -ENOMEM;
	if (same)
		return add_table(repair, &told, read);
	skip_lines(repair->meta);
	tell_edited(repair, &told.table, read ? "it is not as it was written" : "it is gone");
	return read ? repair_as_read(repair, read) : 0;
}

/* Whether nobody recorded it, and it is there because some reader wants it to be. */
static bool is_made(const struct repair *repair, const struct skt_table *table)
{
	return repair->head->made & 1u << table->kind && table->net_namespace == repair->own && !table->n_rows &&
	       !table->n_raw;
}

/* Whether it could not be read because it is not there: one that there was in a tree before this one. */
static bool is_missing(const struct skt_table *table)
{
	return table->status == SKT_TABLE_UNKNOWN && table->error == -ENOENT;
}

static int by_identity(const void *a, const void *b)
{
	const struct skt_table *x = *(const struct skt_table *const *)a, *y = *(const struct skt_table *const *)b;

	if (x->net_namespace != y->net_namespace)
		return x->net_namespace < y->net_namespace ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

/* Nothing after this expects two tables of one kind and namespace. */
static int check_twice(struct repair *repair)
{
	size_t n = repair->now->n_tables;
	const struct skt_table **all = calloc(n + 1, sizeof(struct skt_table *));

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		all[i] = &repair->now->tables[i];
	qsort(all, n, sizeof(*all), by_identity);
	for (size_t i = 1; i < n; i++)
		if (!by_identity(&all[i - 1], &all[i]))
			meta_fail(repair->meta);
	free(all);
	return 0;
}

static int take_tables(struct repair *repair)
{
	int rc = tables_know(repair->read);

	repair->mentioned = calloc(repair->read->n_tables + 1, sizeof(*repair->mentioned));
	if (rc || !repair->mentioned)
		return -ENOMEM;
	while (!rc && meta_line(repair->meta, "table"))
		rc = take_table(repair);
	for (size_t i = 0; !rc && i < repair->read->n_tables; i++)
		if (!repair->mentioned[i] && !is_made(repair, &repair->read->tables[i]) &&
		    !is_missing(&repair->read->tables[i]))
			rc = repair_as_read(repair, &repair->read->tables[i]);
	return rc ? rc : check_twice(repair);
}

/* ---- all ---- */

static int take_users(struct repair *repair)
{
	struct skt_user user;
	int rc = 0;

	for (size_t i = 0; !rc && i < repair->read->n_users; i++)
		rc = skt_snapshot_add_user(repair->now, repair->read->users[i].uid, repair->read->users[i].name);
	while (!rc && meta_line(repair->meta, "user")) {
		meta_get_user(repair->meta, repair->now->strings, &user);
		if (repair->now->n_users == SKT_USERS_MAX)
			rc = -E2BIG;
		else if (!repair->meta->bad)
			rc = skt_snapshot_add_user(repair->now, user.uid, user.name);
	}
	return rc;
}

/* What was told of processes keeps as much of command lines as is wanted of the others. */
static int take_told(struct repair *repair, struct told *told)
{
	int rc = told_get(repair->meta, repair->now->strings, told);

	for (size_t i = 0; !rc && i < told->n_lived; i++)
		rc = repair_cmdline(repair, &told->lived[i]);
	return rc;
}

static void take_head(struct repair *repair)
{
	const struct meta_head *head = repair->head;

	repair->now->time = head->time;
	repair->now->end = head->end;
	repair->now->boottime = head->boottime;
	repair->now->number = head->number;
	repair->now->missed = head->missed;
	repair->now->quality = head->quality;
}

int meta_apply(struct meta *meta, const struct meta_head *head, struct look *look, struct skt_snapshot *read,
	       uint64_t own, struct told *told, struct skt_err *err)
{
	struct repair repair = {
		.meta = meta, .head = head, .look = look, .now = look->snapshot, .read = read, .own = own
	};
	int rc;

	map_init(&repair.read_by_pid);
	skt_buf_init(&repair.crc_text);
	/* those of the reading were counted for itself */
	look->raw_lines = 0;
	take_head(&repair);
	rc = take_users(&repair);
	if (!rc)
		rc = repair_processes(&repair);
	if (!rc)
		rc = take_tables(&repair);
	if (!rc)
		rc = take_told(&repair, told);
	if (!rc && (!meta_line(meta, "end") || meta->next != meta->end))
		meta_fail(meta);
	if (!rc)
		rc = meta_err(meta, err);
	if (!rc)
		rc = skt_snapshot_order(repair.now);
	map_release(&repair.read_by_pid);
	skt_buf_release(&repair.crc_text);
	free(repair.slots);
	free(repair.slot_of_read);
	free(repair.mentioned);
	free(repair.run);
	return rc;
}
