/* SPDX-License-Identifier: MIT */
#include "proc/table.h"

#include "proc/line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Asked for at once. The kernel gives a page, whatever the size (Linux 6.18); a tree of files gives it all. */
#define READ_SIZE ((size_t)256 << 10)

/*
 * All bytes of the lines that are no rows, of all tables of a snapshot. A recording has to carry them: what is beyond
 * is counted, and this leaves three quarters of the strings of a group (SKT_STRTAB_MAX) for what matters.
 */
#define RAW_BYTES_MAX ((size_t)64 << 20)

/* One table while it is being read. */
struct reading {
	struct table_reader *reader;
	struct look *look;
	const char *path; /* what messages call it */
	uint8_t kind;
	uint32_t index; /* of the table in the snapshot */
	struct line_format format;
	uint32_t first;	   /* slot of its first row */
	uint64_t line;	   /* that is being taken, from 1 */
	bool believed;	   /* its heading is the kernel's */
	bool skipping;	   /* inside a line that is over the limit */
	uint64_t not_kept; /* lines over a limit */
};

void table_reader_init(struct table_reader *reader, const struct owners *owners, struct ledger *ledger)
{
	memset(reader, 0, sizeof(*reader));
	doubles_init(&reader->doubles);
	reader->owners = owners;
	reader->ledger = ledger;
}

void table_reader_release(struct table_reader *reader)
{
	free(reader->buffer);
	doubles_release(&reader->doubles);
	missed_release(&reader->missed);
	table_reader_init(reader, reader->owners, reader->ledger);
}

static struct skt_table *table_of(const struct reading *reading)
{
	return &reading->look->snapshot->tables[reading->index];
}

static size_t n_rows(const struct reading *reading)
{
	return reading->look->snapshot->n_socks - reading->first;
}

static uint64_t row_hash(const struct reading *reading, const struct skt_sock *sock)
{
	uint64_t hash = skt_strtab_seed(reading->look->snapshot->strings), words[4];

	memcpy(words, sock->local_address, sizeof(sock->local_address));
	memcpy(words + 2, sock->remote_address, sizeof(sock->remote_address));
	hash = hash_mix(hash, sock->inode);
	hash = hash_mix(hash, sock->sk);
	hash = hash_mix(hash, (uint64_t)sock->local_port << 16 | sock->remote_port);
	hash = hash_mix(hash_mix(hash, words[0]), words[2]);
	if (skt_table_kind_is_ipv6(reading->kind))
		hash = hash_mix(hash_mix(hash, words[1]), words[3]);
	return hash;
}

/* Whether two rows, by number in the table, are one. */
static bool same_row(const void *data, uint32_t x, uint32_t y)
{
	const struct reading *reading = data;
	const struct skt_sock *rows = reading->look->snapshot->socks + reading->first, *a = &rows[x], *b = &rows[y];

	return a->inode == b->inode && a->sk == b->sk && a->local_port == b->local_port &&
	       a->remote_port == b->remote_port &&
	       !memcmp(a->local_address, b->local_address, sizeof(a->local_address)) &&
	       !memcmp(a->remote_address, b->remote_address, sizeof(a->remote_address));
}

/*
 * Whether two such rows would be one socket: the kernel's pointer says so, and where it is hidden, a running
 * kernel has no two sockets with the same ends and inode. In a tree without pointers they are twins.
 */
static bool can_be_twice(const struct reading *reading, const struct skt_sock *sock)
{
	return sock->sk || reading->look->tree->live;
}

static int take_row(struct reading *reading, const struct skt_sock *sock)
{
	uint64_t hash = can_be_twice(reading, sock) ? row_hash(reading, sock) : 0;
	uint32_t slot;
	int rc = doubles_add(&reading->reader->doubles, hash);

	return rc ? rc : skt_snapshot_add_sock(reading->look->snapshot, sock, &slot);
}

/* A line that is no row is kept as it stood, within limits. */
static int take_raw(struct reading *reading, const char *line, size_t len)
{
	struct skt_table *table = table_of(reading);
	uint32_t before = (uint32_t)n_rows(reading), text;
	int rc;

	if (table->malformed < UINT32_MAX)
		table->malformed++;
	if (reading->look->raw_lines == SKT_RAW_MAX || len > RAW_BYTES_MAX - reading->look->raw_bytes) {
		reading->not_kept++;
		return 0;
	}
	reading->look->raw_lines++;
	reading->look->raw_bytes += len;
	rc = skt_strtab_add(reading->look->snapshot->strings, line, len, &text);
	return rc ? rc : skt_table_add_raw(table, before, text);
}

static int take_heading(struct reading *reading, const char *line, size_t len)
{
	size_t shown = len < 160 ? len : 160;
	struct skt_err err;

	reading->believed = line_is_heading(reading->kind, line, len);
	if (!reading->believed) {
		while (shown && line[shown - 1] == ' ')
			shown--;
		skt_err_set(&err, -EBADMSG, "heading '%.*s' where a kernel has '%s'", (int)shown, line,
			    line_heading(reading->kind));
		look_problem(reading->look, &err, reading->path, 1);
	}
	return skt_strtab_add(reading->look->snapshot->strings, line, len, &table_of(reading)->heading);
}

/* A line longer than a string may be is not kept, only counted. */
static void skip_line(struct reading *reading)
{
	struct skt_table *table = table_of(reading);
	struct skt_err err;

	reading->line++;
	reading->not_kept++;
	table->malformed++;
	skt_err_set(&err, -E2BIG, "line exceeds the limit of %zu bytes", SKT_STRING_MAX);
	look_problem(reading->look, &err, reading->path, reading->line);
}

/* One line, without its newline; `whole` unless the file ended instead of it. */
static int take_line(struct reading *reading, const char *line, size_t len, bool whole)
{
	struct skt_sock sock;
	struct skt_err err;
	size_t at = 0;
	int rc;

	if (len > SKT_STRING_MAX) {
		skip_line(reading);
		return 0;
	}
	if (++reading->line == 1)
		return take_heading(reading, line, len);
	if (!reading->believed)
		return take_raw(reading, line, len);
	rc = line_parse(&reading->format, line, len, reading->look->snapshot->strings, &sock, &at);
	if (rc < 0)
		return rc;
	if (!whole) {
		/* a number that nothing follows may have been cut, and another inode would be another's socket */
		skt_err_set(&err, -ENODATA, "last line has no newline: %s",
			    rc && skt_sock_has(&sock, SKT_F_REF) ? "columns may be missing" : "not taken for a row");
		look_problem(reading->look, &err, reading->path, reading->line);
		rc = rc && skt_sock_has(&sock, SKT_F_REF);
	} else if (!rc) {
		skt_err_set(&err, -EBADMSG, "no row of such a table from column %zu, at '%.*s'", at + 1,
			    (int)(len - at < 40 ? len - at : 40), line + at);
		look_problem(reading->look, &err, reading->path, reading->line);
	}
	if (!rc)
		return take_raw(reading, line, len);
	sock.table = reading->index;
	return take_row(reading, &sock);
}

/*
 * Take all whole lines of len bytes in the buffer; no newline is among the first `seen`. What is left is moved to
 * the front, its length is returned.
 */
static ssize_t take_lines(struct reading *reading, size_t len, size_t seen)
{
	char *line = reading->reader->buffer, *end = line + len, *newline = line + seen;

	while ((newline = memchr(newline, '\n', (size_t)(end - newline)))) {
		int rc = reading->skipping ? 0 : take_line(reading, line, (size_t)(newline - line), true);

		if (rc)
			return rc;
		reading->skipping = false;
		line = ++newline;
	}
	if (reading->skipping)
		return 0;
	if (line != reading->reader->buffer)
		memmove(reading->reader->buffer, line, (size_t)(end - line));
	return end - line;
}

/* Room for more than the len bytes that are there, or, when they are a line over the limit, instead of them. */
static int make_room(struct reading *reading, size_t *len)
{
	struct table_reader *reader = reading->reader;
	size_t size = reader->size ? 2 * reader->size : READ_SIZE;
	char *buffer;

	if (*len < reader->size)
		return 0;
	if (*len > SKT_STRING_MAX) {
		skip_line(reading);
		reading->skipping = true;
		*len = 0;
		return 0;
	}
	buffer = realloc(reader->buffer, size);
	if (!buffer)
		return -ENOMEM;
	reader->buffer = buffer;
	reader->size = size;
	return 0;
}

bool table_was_last(const struct tree *tree, size_t n, size_t room)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return tree->live && n + LINE_ROW_MAX <= page && room >= page;
}

/* The whole file. Failures of the table are its error, 0 is returned; -ENOMEM and -E2BIG are the capture's. */
static int take_file(struct reading *reading, int fd)
{
	size_t len = 0, seen = 0, room;
	ssize_t n = 0, left;

	do {
		int rc = make_room(reading, &len);

		if (!rc && n && reading->look->tree->live)
			rc = missed_border(&reading->reader->missed, n_rows(reading));
		if (rc)
			return rc;
		seen = len;
		room = reading->reader->size - len;
		n = tree_read(fd, reading->reader->buffer + len, room);
		if (n <= 0)
			break;
		left = take_lines(reading, len + (size_t)n, seen);
		if (left < 0)
			return (int)left;
		len = (size_t)left;
	} while (len || !table_was_last(reading->look->tree, (size_t)n, room));
	if (n < 0)
		table_of(reading)->error = (int32_t)n;
	else if (len)
		return take_line(reading, reading->reader->buffer, len, false);
	return 0;
}

/* Say of a table that it is not known: rows of half a table would make sockets of the other half look closed. */
static void disbelieve(struct reading *reading)
{
	struct skt_snapshot *snapshot = reading->look->snapshot;
	struct skt_table *table = table_of(reading);
	struct skt_err err;

	table->status = SKT_TABLE_UNKNOWN;
	table->read_time = 0;
	table->duplicates = 0;
	snapshot->live_socks -= snapshot->n_socks - reading->first;
	snapshot->n_socks = reading->first;
	if (reading->line && !reading->believed) {
		table->error = -EBADMSG; /* told with its heading; its lines stay, raw */
		return;
	}
	reading->look->raw_lines -= table->n_raw;
	free(table->raw);
	table->raw = NULL;
	table->n_raw = 0;
	table->malformed = 0;
	if (table->error) {
		tree_err(&err, table->error, "cannot read");
	} else {
		table->error = -EBADMSG;
		skt_err_set(&err, -EBADMSG, "empty, where a kernel has the heading '%s'", line_heading(reading->kind));
	}
	look_problem(reading->look, &err, reading->path, reading->line);
}

/* Of rows that came twice the first is kept, the others are counted. */
static int drop_doubles(struct reading *reading)
{
	struct skt_snapshot *snapshot = reading->look->snapshot;
	struct doubles *doubles = &reading->reader->doubles;
	struct skt_table *table = table_of(reading);
	struct skt_sock *rows;
	size_t n = n_rows(reading), found = 0, to = 0, raw = 0;
	int rc = doubles_end(doubles, same_row, reading);

	if (rc || !doubles->n_found)
		return rc;
	rows = snapshot->socks + reading->first;
	for (size_t from = 0; from < n; from++) {
		for (; raw < table->n_raw && table->raw[raw].before == from; raw++)
			table->raw[raw].before = (uint32_t)to;
		if (found < doubles->n_found && doubles->found[found] == from)
			found++;
		else
			rows[to++] = rows[from];
	}
	for (; raw < table->n_raw; raw++)
		table->raw[raw].before = (uint32_t)to;
	table->duplicates = (uint32_t)found;
	snapshot->live_socks -= found;
	snapshot->n_socks -= found;
	return 0;
}

static int finish(struct reading *reading, int fd)
{
	struct table_reader *reader = reading->reader;
	struct skt_table *table = table_of(reading);
	struct skt_err err;
	int rc = 0;

	if (table->error || !reading->believed) {
		disbelieve(reading);
	} else {
		table->status = SKT_TABLE_FRESH;
		rc = missed_find(&reader->missed, reading->look, reader->owners, reader->ledger, reading->first);
		if (!rc)
			rc = drop_doubles(reading);
		if (!rc)
			rc = missed_add(&reader->missed, reading->look, &reading->format, fd, reader->buffer,
					reader->size, reading->first);
	}
	if (rc)
		return rc;
	if (reading->not_kept) {
		skt_err_set(&err, -E2BIG,
			    "%llu lines that are no rows were not kept: the limit is %u lines of %zu bytes, %zu in all",
			    (unsigned long long)reading->not_kept, SKT_RAW_MAX, SKT_STRING_MAX, RAW_BYTES_MAX);
		look_problem(reading->look, &err, reading->path, 0);
	}
	return 0;
}

int table_read(struct table_reader *reader, struct look *look, uint8_t kind, uint64_t net_namespace, int fd,
	       const char *path)
{
	struct reading reading = { .reader = reader, .look = look, .kind = kind, .path = path };
	struct skt_table table = { .kind = kind, .source = SKT_SOURCE_PROC, .net_namespace = net_namespace };
	int64_t start = look_clock(look, &table.read_time);
	int rc;

	table.read_time = skt_time_known(table.read_time);
	reading.format = (struct line_format){ .kind = kind,
					       .big_endian = look->options->big_endian,
					       .boottime = look->snapshot->boottime };
	reading.first = (uint32_t)look->snapshot->n_socks;
	table.error = fd < 0 ? fd : 0;
	rc = skt_snapshot_add_table(look->snapshot, &table, &reading.index);
	doubles_begin(&reader->doubles, kind, net_namespace);
	missed_begin(&reader->missed, start);
	if (!rc && fd >= 0)
		rc = take_file(&reading, fd);
	if (!rc) {
		rc = finish(&reading, fd);
		table_of(&reading)->read_us = look_microseconds(look, start);
	}
	return rc;
}

int table_add_unread(struct look *look, uint8_t kind, uint64_t net_namespace, int32_t error)
{
	struct skt_table table = {
		.kind = kind, .source = SKT_SOURCE_PROC, .net_namespace = net_namespace, .error = error
	};
	uint32_t index;

	return skt_snapshot_add_table(look->snapshot, &table, &index);
}
