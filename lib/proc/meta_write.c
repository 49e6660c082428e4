/* SPDX-License-Identifier: MIT */
#include "proc/meta_tree.h"

#include <skt/tree.h>

#include "model/equal.h"
#include "model/tables.h"
#include "proc/told.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* A snapshot, and what reading its tree gave back. */
struct comparison {
	const struct skt_snapshot *is;
	struct skt_snapshot *read;
	struct skt_buf *out;
	struct skt_buf *text; /* of one table */
	bool big_endian;
	uint32_t *number_is;   /* of each process of `is` by slot: its number in .skt-meta, or NOBODY */
	uint32_t *number_read; /* the same of `read` */
};

#define NOBODY UINT32_MAX

uint32_t meta_crc(const struct skt_snapshot *snapshot, const struct skt_table *table, bool big_endian,
		  struct skt_buf *text)
{
	uLong crc = crc32(0, NULL, 0);

	skt_buf_clear(text);
	skt_table_text(snapshot, table, big_endian, text);
	for (size_t at = 0; at < text->len;) {
		size_t part = text->len - at < 1u << 30 ? text->len - at : 1u << 30;

		crc = crc32(crc, text->data + at, (uInt)part);
		at += part;
	}
	return (uint32_t)crc;
}

bool meta_next_line(struct meta_lines *lines, bool *ret_raw)
{
	const struct skt_table *table = lines->table;

	if (lines->raw < table->n_raw && table->raw[lines->raw].before <= lines->row) {
		lines->text = table->raw[lines->raw++].text;
		*ret_raw = true;
		return true;
	}
	if (lines->row == table->n_rows)
		return false;
	lines->slot = table->order[lines->row++];
	*ret_raw = false;
	return true;
}

/* ---- processes ---- */

static void put_process(struct comparison *c, const struct skt_process *is, uint32_t slot_read)
{
	struct meta_process process = { .process = *is, .here = true, .in_tree = slot_read != NOBODY };
	struct skt_process read;

	if (process.in_tree) {
		read = c->read->processes[slot_read];
		read.cmdline_truncated |= is->cmdline_truncated;
		meta_mask(&read, is->has);
		process.here = !equal_processes(c->is, is, c->read, &read);
	}
	meta_put_process(c->out, c->is->strings, &process);
}

/* Of two that were read: which is of the lower number. */
struct numbered {
	uint32_t pid;
	uint32_t slot;
};

static int by_pid(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static uint32_t find_pid(const struct numbered *all, size_t n, uint32_t pid)
{
	struct numbered wanted = { .pid = pid };
	const struct numbered *found = n ? bsearch(&wanted, all, n, sizeof(*all), by_pid) : NULL;

	return found ? found->slot : NOBODY;
}

static int put_processes(struct comparison *c)
{
	size_t n_read = c->read->n_processes;
	struct numbered *read = calloc(n_read + 1, sizeof(*read));
	uint32_t n = 0;

	if (!read)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_read; i++) {
		read[i] = (struct numbered){ .pid = c->read->processes[i].pid, .slot = i };
		c->number_read[i] = NOBODY;
	}
	qsort(read, n_read, sizeof(*read), by_pid);
	for (uint32_t i = 0; i < c->is->n_processes; i++) {
		const struct skt_process *process = &c->is->processes[i];
		uint32_t slot = find_pid(read, n_read, process->pid);

		c->number_is[i] = NOBODY;
		if (!skt_process_is_listed(process))
			continue;
		/* an exited one has no files, and of two with one number the tree has the first */
		if (process->exited || (slot != NOBODY && c->number_read[slot] != NOBODY))
			slot = NOBODY;
		put_process(c, process, slot);
		if (slot != NOBODY)
			c->number_read[slot] = n;
		c->number_is[i] = n++;
	}
	free(read);
	return 0;
}

/* ---- rows ---- */

static bool same_owners(const struct comparison *c, const struct skt_sock *is, const struct skt_sock *read)
{
	if (is->owner != read->owner || is->owner_gaps != read->owner_gaps || is->n_owners != read->n_owners)
		return false;
	for (uint32_t i = 0; i < is->n_owners; i++) {
		const struct skt_owner *x = &c->is->owners[is->first_owner + i];
		const struct skt_owner *y = &c->read->owners[read->first_owner + i];

		if (x->fd != y->fd || c->number_is[x->process] != c->number_read[y->process])
			return false;
	}
	return true;
}

static void put_owners(struct comparison *c, uint64_t line, const struct skt_sock *sock)
{
	skt_buf_printf(c->out, "owner %llu %u %u", (unsigned long long)line, sock->owner, sock->owner_gaps);
	for (uint32_t i = 0; i < sock->n_owners; i++) {
		const struct skt_owner *owner = &c->is->owners[sock->first_owner + i];

		skt_buf_printf(c->out, " %u/%d", c->number_is[owner->process], owner->fd);
	}
	skt_buf_byte(c->out, '\n');
}

/* What the line is, unless the same was read. read: NULL where nothing was. */
static void put_line(struct comparison *c, uint64_t line, const struct meta_lines *is, bool is_raw,
		     const struct meta_lines *read, bool read_raw)
{
	const struct skt_sock *sock, *sock_read;

	if (is_raw) {
		if (!read || !read_raw || !equal_strings(c->is, is->text, c->read, read->text))
			meta_put_raw(c->out, c->is->strings, line, is->text);
		return;
	}
	sock = &c->is->socks[is->slot];
	sock_read = read && !read_raw ? &c->read->socks[read->slot] : NULL;
	if (sock_read && !equal_columns(c->is, sock, c->read, sock_read))
		sock_read = NULL;
	if (!sock_read)
		meta_put_row(c->out, c->is->strings, line, sock, c->is->boottime);
	if (!sock_read || !same_owners(c, sock, sock_read))
		put_owners(c, line, sock);
}

static void put_lines(struct comparison *c, const struct skt_table *is, const struct skt_table *read)
{
	struct meta_lines lines = { .table = is }, lines_read = { .table = read };
	bool raw, read_raw = false;

	for (uint64_t line = 0; meta_next_line(&lines, &raw); line++) {
		if (read)
			meta_next_line(&lines_read, &read_raw);
		put_line(c, line, &lines, raw, read ? &lines_read : NULL, read_raw);
	}
}

static void put_table(struct comparison *c, const struct skt_table *is)
{
	struct meta_table table = { .table = *is, .lines = (uint64_t)is->n_rows + is->n_raw, .here = true };
	uint32_t at = tables_find(c->read, is->kind, is->net_namespace);
	const struct skt_table *read = at == MAP_NONE ? NULL : &c->read->tables[at];

	/* where a line is missing, or is another two, no line is where it was */
	if (read && (uint64_t)read->n_rows + read->n_raw != table.lines)
		read = NULL;
	if (read && !read->heading && is->heading)
		read = NULL;
	if (read && (read->heading || table.lines)) {
		table.here = false;
		table.crc = meta_crc(c->read, read, c->big_endian, c->text);
	} else {
		read = NULL;
	}
	meta_put_table(c->out, &table);
	if (read ? !equal_strings(c->is, is->heading, c->read, read->heading) : is->heading != 0)
		meta_put_text(c->out, "heading", c->is->strings, is->heading);
	put_lines(c, is, read);
}

/* ---- all ---- */

static int compare(struct comparison *c, const struct skt_step *told)
{
	int rc = put_processes(c);

	if (!rc)
		rc = tables_know(c->read);
	for (size_t i = 0; !rc && i < c->is->n_tables; i++)
		if (!c->is->tables[i].gone)
			put_table(c, &c->is->tables[i]);
	if (!rc && told)
		rc = told_put(c->out, c->is, told);
	skt_buf_text(c->out, "end\n");
	if (!rc && c->text->failed)
		rc = -ENOMEM;
	return rc ? rc : skt_buf_status(c->out);
}

int meta_write(const struct skt_snapshot *is, struct skt_snapshot *read, const struct meta_head *head,
	       const struct skt_place *place, struct skt_buf *text, struct skt_buf *out)
{
	struct comparison c = { .is = is, .read = read, .out = out, .text = text, .big_endian = head->big_endian };
	int rc = -ENOMEM;

	skt_buf_clear(out);
	c.number_is = calloc(is->n_processes + 1, sizeof(*c.number_is));
	c.number_read = calloc(read->n_processes + 1, sizeof(*c.number_read));
	if (c.number_is && c.number_read) {
		meta_put_head(out, head);
		meta_put_place(out, place);
		for (size_t i = 0; i < is->n_users; i++)
			meta_put_user(out, is->strings, &is->users[i]);
		rc = compare(&c, place->told);
	}
	free(c.number_is);
	free(c.number_read);
	return rc || out->len <= META_MAX ? rc : -E2BIG;
}
