/* SPDX-License-Identifier: MIT */
#include "proc/missed.h"

#include "base/array.h"
#include "proc/table.h"
#include "proc/visit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* So many rows are followed from the end of a page: where more went at once, the order that is known says nothing any more. */
#define GAP_MOST  1024
#define ROWS_MOST 4096 /* the same of all pages */

/* Another reading may pass over others. */
#define READS_MOST 2

void missed_release(struct missed *missed)
{
	free(missed->borders);
	free(missed->rows);
	free(missed->by_inode);
	free(missed->read);
	memset(missed, 0, sizeof(*missed));
}

void missed_begin(struct missed *missed)
{
	missed->n_borders = 0;
	missed->n_rows = 0;
	missed->n_inodes = 0;
	missed->all = false;
	missed->n_wanted = 0;
}

int missed_border(struct missed *missed, size_t rows)
{
	if (array_room(&missed->borders, &missed->room_borders, missed->n_borders + 1, sizeof(*missed->borders)))
		return -ENOMEM;
	missed->borders[missed->n_borders++] = rows;
	return 0;
}

/* ---- what stood between two pages ---- */

/* The table that was read. */
struct table_rows {
	const struct owners *owners;
	const struct skt_table *table;
	const struct skt_sock *socks;
	size_t n;
};

/* The inode (a number) of the first row from `from` up to `to`, or, where that is below, down to it, that was known before; MAP_NONE. */
static uint32_t known_row(const struct table_rows *rows, size_t from, size_t to)
{
	while (from != to) {
		uint64_t inode = rows->socks[from < to ? from++ : --from].inode;
		uint32_t number = inode ? owners_find(rows->owners, inode) : MAP_NONE;

		if (number != MAP_NONE)
			return number;
	}
	return MAP_NONE;
}

/* Whether the number is that of an inode of this table. */
static bool is_of(const struct table_rows *rows, uint32_t number)
{
	const struct owners_inode *inode;

	if (number >= rows->owners->n_inodes)
		return false;
	inode = &rows->owners->inodes[number];
	return inode->inode && inode->kind == rows->table->kind && inode->net_namespace == rows->table->net_namespace;
}

static int add_row(struct missed *missed, const struct missed_row *row)
{
	if (array_room(&missed->rows, &missed->room_rows, missed->n_rows + 1, sizeof(*missed->rows)))
		return -ENOMEM;
	missed->rows[missed->n_rows++] = *row;
	return 0;
}

/* Those that stood behind `from` and before `to` (MAP_NONE: the end of the table). 0 or -ENOMEM. */
static int add_gap(struct missed *missed, const struct table_rows *rows, uint32_t from, uint32_t to)
{
	const struct owners_inode *inodes = rows->owners->inodes;
	size_t before = missed->n_rows, n = 0;
	uint32_t number = inodes[from].next;

	for (; number != to && n < GAP_MOST && is_of(rows, number); number = inodes[number].next, n++) {
		const struct missed_row row = { .inode = inodes[number].inode,
						.behind = inodes[from].inode,
						.number = number };

		if (add_row(missed, &row))
			return -ENOMEM;
	}
	/* the rows do not stand as they stood: nothing follows from where they did */
	if (to == MAP_NONE ? n == GAP_MOST : number != to)
		missed->n_rows = before;
	return 0;
}

static int add_gaps(struct missed *missed, const struct table_rows *rows)
{
	uint32_t last = MAP_NONE;
	size_t begin = 0;

	for (size_t i = 0; i < missed->n_borders; i++) {
		size_t border = missed->borders[i], end = i + 1 < missed->n_borders ? missed->borders[i + 1] : rows->n;
		uint32_t before = known_row(rows, border, begin), behind = known_row(rows, border, end);
		int rc;

		begin = border;
		if (before != MAP_NONE)
			last = before;
		if (last == MAP_NONE || (behind == MAP_NONE && i + 1 < missed->n_borders))
			continue;
		rc = add_gap(missed, rows, last, behind);
		if (rc)
			return rc;
		if (missed->n_rows > ROWS_MOST) {
			missed->n_rows = 0;
			return 0;
		}
	}
	/* it has more than a page, and none of it is known */
	missed->all = missed->n_borders && rows->n && last == MAP_NONE && !skt_table_kind_is_tcp(rows->table->kind);
	return 0;
}

/* ---- which of them are wanted ---- */

static int compare_inodes(const void *x, const void *y, void *rows)
{
	const struct missed_row *all = rows;

	return compare_numbers(all[*(const uint32_t *)x].inode, all[*(const uint32_t *)y].inode);
}

/* Where rows changed places, one can stand between several pages: it is known once. */
static int sort(struct missed *missed)
{
	size_t n = 0;

	if (array_room(&missed->by_inode, &missed->room_by_inode, missed->n_rows, sizeof(*missed->by_inode)))
		return -ENOMEM;
	for (uint32_t i = 0; i < missed->n_rows; i++)
		missed->by_inode[i] = i;
	qsort_r(missed->by_inode, missed->n_rows, sizeof(*missed->by_inode), compare_inodes, missed->rows);
	for (size_t i = 0; i < missed->n_rows; i++)
		if (!n || missed->rows[missed->by_inode[n - 1]].inode != missed->rows[missed->by_inode[i]].inode)
			missed->by_inode[n++] = missed->by_inode[i];
	missed->n_inodes = n;
	return 0;
}

static struct missed_row *find(const struct missed *missed, uint64_t inode)
{
	size_t low = 0, high = missed->n_inodes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct missed_row *row = &missed->rows[missed->by_inode[middle]];

		if (row->inode == inode)
			return row;
		if (row->inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Which of them one process has still. */
static void ask_process(struct missed *missed, struct look *look, struct ledger *ledger, struct ledger_process *process)
{
	int dir = -1, fds = -1;

	for (size_t i = 0; i < process->n_links; i++) {
		const struct ledger_link *link = &process->links[i];
		struct missed_row *row = link->row < LINK_ROWS ? find(missed, link->inode) : NULL;
		uint64_t inode;

		if (!row || row->there || row->wanted)
			continue;
		if (dir < 0)
			dir = ledger_open(ledger, look, process);
		if (dir >= 0 && fds < 0)
			fds = ledger_open_at(ledger, look, dir, "fd", TREE_DIRECTORY);
		if (fds < 0)
			break;
		row->wanted = !visit_ask(look->tree, fds, link->fd, &inode) && inode == row->inode;
	}
	if (fds >= 0)
		close(fds);
	if (dir >= 0)
		ledger_close(ledger, look, process, dir);
}

static int compare_numbers_of(const void *x, const void *y)
{
	return compare_numbers(*(const uint64_t *)x, *(const uint64_t *)y);
}

/* In a first look: which inodes were read. 0 or -ENOMEM. */
static int note_read(struct missed *missed, const struct table_rows *rows)
{
	if (array_room(&missed->read, &missed->room_read, rows->n, sizeof(*missed->read)))
		return -ENOMEM;
	for (size_t i = 0; i < rows->n; i++)
		missed->read[i] = rows->socks[i].inode;
	qsort(missed->read, rows->n, sizeof(*missed->read), compare_numbers_of);
	missed->n_read = rows->n;
	missed->n_wanted = 1; /* or none, or some: whatever there is */
	return 0;
}

int missed_find(struct missed *missed, struct look *look, const struct owners *owners, struct ledger *ledger,
		size_t first)
{
	const struct skt_snapshot *snapshot = look->snapshot;
	const struct table_rows rows = { .owners = owners,
					 .table = &snapshot->tables[snapshot->n_tables - 1],
					 .socks = snapshot->socks + first,
					 .n = snapshot->n_socks - first };
	int rc = add_gaps(missed, &rows);

	if (!rc && missed->all)
		return note_read(missed, &rows);
	if (!rc && missed->n_rows)
		rc = sort(missed);
	if (rc || !missed->n_rows)
		return rc;
	for (size_t i = 0; i < rows.n; i++) {
		struct missed_row *row = rows.socks[i].inode ? find(missed, rows.socks[i].inode) : NULL;

		if (row)
			row->there = true;
	}
	for (size_t i = 0; i < ledger->n_processes; i++)
		ask_process(missed, look, ledger, &ledger->processes[i]);
	for (size_t i = 0; i < missed->n_inodes; i++) {
		struct missed_row *row = &missed->rows[missed->by_inode[i]];

		row->wanted |= !row->there && !owners->inodes[row->number].n_links;
		missed->n_wanted += row->wanted;
	}
	return 0;
}

/* ---- what another reading has ---- */

static bool was_read(const struct missed *missed, uint64_t inode)
{
	for (size_t i = 0; i < missed->n_rows; i++)
		if (missed->rows[i].inode == inode)
			return true;
	return bsearch(&inode, missed->read, missed->n_read, sizeof(inode), compare_numbers_of);
}

/* Of a first look any row that was not read before, up to ROWS_MOST: so many are new since. 0 or -ENOMEM. */
static int take_any(struct missed *missed, const struct skt_sock *sock, uint64_t behind)
{
	const struct missed_row row = { .inode = sock->inode, .behind = behind, .found = true, .sock = *sock };

	return missed->n_rows == ROWS_MOST || was_read(missed, sock->inode) ? 0 : add_row(missed, &row);
}

static void take_wanted(struct missed *missed, const struct skt_sock *sock)
{
	struct missed_row *row = find(missed, sock->inode);

	if (!row || !row->wanted)
		return;
	row->wanted = false;
	row->found = true;
	row->sock = *sock;
	missed->n_wanted--;
}

static int take_row(struct missed *missed, const struct skt_sock *sock, uint64_t behind)
{
	if (missed->all)
		return take_any(missed, sock, behind);
	take_wanted(missed, sock);
	return 0;
}

/* The whole file, or as much of it as has what is wanted. */
static int read_again(struct missed *missed, struct look *look, const struct line_format *format, int fd, char *buffer,
		      size_t size)
{
	ssize_t n = lseek(fd, 0, SEEK_SET) ? -1 : tree_read(fd, buffer, size);
	uint64_t behind = 0;
	int rc = 0;

	while (!rc && n > 0 && missed->n_wanted) {
		const char *line = buffer, *end = buffer + n, *newline;

		/* the kernel hands out whole lines */
		for (; rc >= 0 && (newline = memchr(line, '\n', (size_t)(end - line))); line = newline + 1) {
			struct skt_sock sock;
			size_t at;

			rc = line_parse(format, line, (size_t)(newline - line), look->snapshot->strings, &sock, &at);
			if (rc <= 0 || !sock.inode)
				continue;
			sock.table = (uint32_t)look->snapshot->n_tables - 1;
			rc = take_row(missed, &sock, behind);
			behind = sock.inode;
		}
		rc = rc < 0 ? rc : 0;
		n = table_was_last(look->tree, (size_t)n, size) ? 0 : tree_read(fd, buffer, size);
	}
	if (missed->all)
		missed->n_wanted = 0;
	return rc;
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

static int put_row(struct look *look, size_t first, size_t at, const struct skt_sock *sock)
{
	struct skt_snapshot *snapshot = look->snapshot;
	struct skt_table *table = &snapshot->tables[snapshot->n_tables - 1];
	uint32_t slot;
	int rc = skt_snapshot_add_sock(snapshot, sock, &slot);

	if (rc)
		return rc;
	memmove(&snapshot->socks[at + 1], &snapshot->socks[at], (slot - at) * sizeof(*snapshot->socks));
	snapshot->socks[at] = *sock;
	for (uint32_t i = 0; i < table->n_raw; i++)
		table->raw[i].before += table->raw[i].before > at - first;
	return 0;
}

static int put_rows(struct missed *missed, struct look *look, size_t first)
{
	uint64_t behind = 0;
	size_t at = first;
	int rc = 0;

	for (size_t i = 0; !rc && i < missed->n_rows; i++) {
		const struct missed_row *row = &missed->rows[i];

		if (!row->found)
			continue;
		if (row->behind != behind)
			at = slot_behind(look->snapshot, first, at, row->behind);
		behind = row->behind;
		rc = put_row(look, first, at++, &row->sock);
	}
	return rc;
}

int missed_add(struct missed *missed, struct look *look, const struct line_format *format, int fd, char *buffer,
	       size_t size, size_t first)
{
	int rc = 0;

	for (unsigned n = 0; !rc && missed->n_wanted && n < READS_MOST; n++)
		rc = read_again(missed, look, format, fd, buffer, size);
	return rc ? rc : put_rows(missed, look, first);
}
