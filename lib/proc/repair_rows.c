/* SPDX-License-Identifier: MIT */
#include "proc/repair.h"

#include "base/array.h"

#include <errno.h>
#include <string.h>

static int put_owner(struct repair *repair, uint32_t slot, int32_t fd)
{
	if (slot == REPAIR_NOBODY)
		return 0;
	if (array_room(&repair->run, &repair->room_run, repair->n_run + 1, sizeof(*repair->run)))
		return -ENOMEM;
	repair->run[repair->n_run++] = (struct skt_owner){ .process = slot, .fd = fd };
	return 0;
}

/* The line "owner" of a row. */
static int take_owners(struct repair *repair, struct skt_sock *sock)
{
	struct meta *meta = repair->meta;
	int rc = 0;

	sock->owner = meta_8(meta);
	sock->owner_gaps = meta_8(meta);
	while (!rc && meta_more(meta)) {
		uint64_t number = meta_number(meta, UINT32_MAX);
		int64_t fd;

		scan_byte(&meta->line, '/');
		fd = scan_signed(&meta->line, -(int64_t)INT32_MAX, INT32_MAX);
		if (meta->line.bad || number >= repair->n_slots)
			meta_fail(meta);
		else
			rc = put_owner(repair, repair->slots[number], (int32_t)fd);
	}
	meta_done(meta);
	return rc;
}

/* Its owners as the tree's links have them. */
static int read_owners(struct repair *repair, const struct skt_sock *read)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < read->n_owners; i++) {
		const struct skt_owner *owner = &repair->read->owners[read->first_owner + i];

		rc = put_owner(repair, repair->slot_of_read[owner->process], owner->fd);
	}
	return rc;
}

static int add_row(struct repair *repair, uint32_t table, struct skt_sock sock)
{
	uint32_t slot;
	int rc;

	if (repair->now->n_socks >= SKT_SOCKS_MAX || repair->n_run > SKT_OWNERS_MAX - repair->now->n_owners)
		return -E2BIG;
	sock.table = table;
	sock.n_owners = (uint32_t)repair->n_run;
	sock.first_owner = 0;
	rc = skt_snapshot_add_owners(repair->now, repair->run, repair->n_run, &sock.first_owner);
	return rc ? rc : skt_snapshot_add_sock(repair->now, &sock, &slot);
}

static int add_raw(struct repair *repair, uint32_t table, uint32_t before, uint32_t text)
{
	struct skt_table *now = &repair->now->tables[table];

	if (repair->look->raw_lines == SKT_RAW_MAX)
		return -E2BIG;
	repair->look->raw_lines++;
	return skt_table_add_raw(now, before, text);
}

/* Whether the next line of .skt-meta is this one about line `number` of the table. */
static bool is_about(struct repair *repair, const char *word, uint64_t number)
{
	struct meta ahead = *repair->meta;

	if (!meta_line(&ahead, word) || meta_number(&ahead, UINT64_MAX) != number || ahead.line.bad)
		return false;
	*repair->meta = ahead;
	return true;
}

/* An address of IPv4 has four bytes, and no recording has a place for more. */
static bool has_ends_of(const struct skt_sock *sock, unsigned kind)
{
	static const uint8_t none[12];

	return skt_table_kind_is_ipv6(kind) || (!memcmp(sock->local_address + 4, none, sizeof(none)) &&
						!memcmp(sock->remote_address + 4, none, sizeof(none)));
}

/* One line of a table: as it is told, or as it was read (NULL: it was not). */
static int take_line(struct repair *repair, uint32_t table, uint32_t rows, uint64_t line, const struct meta_lines *read,
		     bool read_raw, bool *ret_raw)
{
	struct skt_strtab *strings = repair->now->strings;
	struct skt_sock sock;
	uint32_t text;
	int rc = 0;

	*ret_raw = is_about(repair, "raw", line);
	if (*ret_raw) {
		text = meta_text(repair->meta, strings);
		meta_done(repair->meta);
		return repair->meta->bad ? 0 : add_raw(repair, table, rows, text);
	}
	repair->n_run = 0;
	if (is_about(repair, "row", line)) {
		meta_get_row(repair->meta, strings, repair->head->boottime, &sock);
		if (!has_ends_of(&sock, repair->now->tables[table].kind))
			meta_fail(repair->meta);
	} else if (!read) {
		meta_fail(repair->meta);
	} else if (read_raw) {
		*ret_raw = true;
		return add_raw(repair, table, rows, read->text);
	} else {
		sock = repair->read->socks[read->slot];
	}
	if (repair->meta->bad)
		return 0;
	if (is_about(repair, "owner", line))
		rc = take_owners(repair, &sock);
	else if (read && !read_raw)
		rc = read_owners(repair, &repair->read->socks[read->slot]);
	return rc || repair->meta->bad ? rc : add_row(repair, table, sock);
}

int repair_lines(struct repair *repair, const struct meta_table *told, uint32_t table, const struct skt_table *read)
{
	struct meta_lines lines = { .table = read };
	uint32_t rows = 0;
	int rc = 0;

	for (uint64_t line = 0; !rc && !repair->meta->bad && line < told->lines; line++) {
		bool raw, read_raw = false;

		/* the file is as it was when its lines were counted */
		if (read && !meta_next_line(&lines, &read_raw))
			meta_fail(repair->meta);
		rc = take_line(repair, table, rows, line, read ? &lines : NULL, read_raw, &raw);
		rows += !raw;
	}
	return rc;
}

int repair_as_read(struct repair *repair, const struct skt_table *read)
{
	struct meta_lines lines = { .table = read };
	struct skt_table now = *read;
	uint32_t table, rows = 0;
	bool raw;
	int rc;

	if (now.status == SKT_TABLE_FRESH)
		now.read_time = skt_time_known(repair->now->time);
	rc = skt_snapshot_add_table(repair->now, &now, &table);
	while (!rc && meta_next_line(&lines, &raw)) {
		if (raw) {
			rc = add_raw(repair, table, rows, lines.text);
			continue;
		}
		repair->n_run = 0;
		rc = read_owners(repair, &repair->read->socks[lines.slot]);
		if (!rc)
			rc = add_row(repair, table, repair->read->socks[lines.slot]);
		rows++;
	}
	return rc;
}
