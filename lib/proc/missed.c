/* SPDX-License-Identifier: MIT */
#include "proc/missed.h"

#include "base/array.h"
#include "proc/table.h"
#include "proc/visit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * So many rows are followed from the end of a page: where more went at once, the order that is known says nothing any
 * more.
 */
#define GAP_MOST   1024
#define ROWS_MOST  4096 /* the same of all pages */
#define FIRST_MOST 256	/* so many are believed to have been passed over in a first look */

/* Another reading may pass over others. */
#define READS_MOST 2

/*
 * What readings may take: for nothing but sockets without a known holder, most of which are gone; and for others at
 * least.
 */
#define GUESS_MOST INT64_C(100000000)
#define READS_TAKE INT64_C(500000000)

void missed_release(struct missed *missed)
{
	free(missed->borders);
	free(missed->rows);
	free(missed->inodes);
	free(missed->read);
	free(missed->places);
	memset(missed, 0, sizeof(*missed));
}

void missed_begin(struct missed *missed, int64_t began)
{
	missed->began = began;
	missed->n_borders = 0;
	missed->n_rows = 0;
	missed->n_inodes = 0;
	missed->n_read = 0;
	missed->n_sure = 0;
	missed->n_held = 0;
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

/*
 * The inode (a number) of the first row from `from` up to `to`, or, where that is below, down to it, that was known
 * before; MAP_NONE.
 */
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
	return 0;
}

/* ---- which of them are wanted ---- */

static int compare_inodes(const void *x, const void *y)
{
	const struct missed_inode *a = x, *b = y;

	return compare_numbers(a->inode, b->inode);
}

static int compare_places(const void *x, const void *y)
{
	const struct missed_inode *a = x, *b = y;
	int order = compare_inodes(a, b);

	return order ? order : compare_numbers(a->place, b->place);
}

/* Where rows changed places, one can stand between several pages: it is known once. */
static int sort(struct missed *missed)
{
	struct missed_inode *inodes;
	size_t n = 0;

	if (array_room(&missed->inodes, &missed->room_inodes, missed->n_rows, sizeof(*inodes)))
		return -ENOMEM;
	inodes = missed->inodes;
	for (size_t i = 0; i < missed->n_rows; i++)
		inodes[i] = (struct missed_inode){ .inode = missed->rows[i].inode, .place = i };
	qsort(inodes, missed->n_rows, sizeof(*inodes), compare_places);
	for (size_t i = 0; i < missed->n_rows; i++)
		if (!n || inodes[n - 1].inode != inodes[i].inode)
			inodes[n++] = inodes[i];
	missed->n_inodes = n;
	return 0;
}

static const struct missed_inode *find(const struct missed_inode *inodes, size_t n, uint64_t inode)
{
	const struct missed_inode wanted = { .inode = inode };

	return bsearch(&wanted, inodes, n, sizeof(*inodes), compare_inodes);
}

static struct missed_row *find_row(const struct missed *missed, uint64_t inode)
{
	const struct missed_inode *found = find(missed->inodes, missed->n_inodes, inode);

	return found ? &missed->rows[found->place] : NULL;
}

/*
 * Whether a descriptor still leads to it, or nobody can say: only one that is closed, or another by now, says that it
 * does not.
 */
static bool is_held(struct look *look, int fds, const struct ledger_link *link)
{
	uint64_t inode;
	int rc = fds < 0 ? fds : visit_ask(look->tree, fds, link->fd, &inode);

	return rc ? rc != -ENOENT && rc != -ESRCH : inode == link->inode;
}

/* Which of them one process has still. What a leader that has ended had is its threads'. */
static void ask_process(struct missed *missed, struct look *look, struct ledger *ledger, struct ledger_process *process)
{
	int dir = -1, fds = -1;
	bool opened = false;

	for (size_t i = 0; i < process->n_links; i++) {
		const struct ledger_link *link = &process->links[i];
		struct missed_row *row = link->row < LINK_ROWS ? find_row(missed, link->inode) : NULL;

		if (!row || row->there || row->wanted)
			continue;
		if (!opened && !process->zombie) {
			opened = true;
			dir = ledger_open(ledger, look, process);
			fds = dir < 0 ? dir : ledger_open_at(ledger, look, dir, "fd", TREE_DIRECTORY);
		}
		row->held = process->zombie || is_held(look, fds, link);
		row->wanted = row->held;
		missed->n_held += row->held;
	}
	if (fds >= 0)
		close(fds);
	if (dir >= 0)
		ledger_close(ledger, look, process, dir);
}

/* In a first look: what was read, and where. 0 or -ENOMEM. */
static int note_read(struct missed *missed, const struct table_rows *rows)
{
	if (array_room(&missed->read, &missed->room_read, rows->n, sizeof(*missed->read)))
		return -ENOMEM;
	for (size_t i = 0; i < rows->n; i++)
		missed->read[i] = (struct missed_inode){ .inode = rows->socks[i].inode, .place = i };
	qsort(missed->read, rows->n, sizeof(*missed->read), compare_inodes);
	missed->n_read = rows->n;
	return 0;
}

int missed_find(struct missed *missed, struct look *look, const struct owners *owners, struct ledger *ledger,
		size_t first)
{
	const struct skt_snapshot *snapshot = look->snapshot;
	bool first_look = !owners->look;
	struct table_rows rows;
	int rc;

	if (!missed->n_borders || snapshot->n_socks == first)
		return 0;
	rows = (struct table_rows){ .owners = owners,
				    .table = &snapshot->tables[snapshot->n_tables - 1],
				    .socks = snapshot->socks + first,
				    .n = snapshot->n_socks - first };
	if (first_look && !skt_table_kind_is_tcp(rows.table->kind))
		return note_read(missed, &rows);
	rc = add_gaps(missed, &rows);
	if (!rc && missed->n_rows)
		rc = sort(missed);
	if (rc || !missed->n_rows)
		return rc;
	for (size_t i = 0; i < rows.n; i++) {
		struct missed_row *row = rows.socks[i].inode ? find_row(missed, rows.socks[i].inode) : NULL;

		if (row)
			row->there = true;
	}
	for (size_t i = 0; i < ledger->n_processes; i++)
		ask_process(missed, look, ledger, &ledger->processes[i]);
	for (size_t i = 0; i < missed->n_inodes; i++) {
		struct missed_row *row = &missed->rows[missed->inodes[i].place];

		/* nobody is known who has it */
		row->wanted |= !row->there && !owners->inodes[row->number].n_links;
		missed->n_wanted += row->wanted;
	}
	return 0;
}

/* ---- what another reading has ---- */

static void take_wanted(struct missed *missed, const struct skt_sock *sock)
{
	struct missed_row *row = find_row(missed, sock->inode);

	if (!row || !row->wanted)
		return;
	row->wanted = false;
	row->found = true;
	row->sock = *sock;
	missed->n_wanted--;
	missed->n_held -= row->held;
}

/* Whether a page ended behind the first of these rows and before the second. */
static bool is_border_between(const struct missed *missed, size_t first, size_t second)
{
	for (size_t i = 0; i < missed->n_borders; i++)
		if (missed->borders[i] > first && missed->borders[i] <= second)
			return true;
	return false;
}

/*
 * The other reading has come to a row that was read, or to the end: what stands before it and was not may have been
 * passed over.
 */
static void come_to(struct missed *missed, size_t place, uint64_t inode)
{
	bool passed_over = missed->n_sure < missed->n_rows && is_border_between(missed, missed->last.place, place);

	for (; missed->n_sure < missed->n_rows; missed->n_sure++)
		missed->rows[missed->n_sure].found = passed_over;
	missed->last = (struct missed_inode){ .inode = inode, .place = place };
}

static int take_at_border(struct missed *missed, const struct skt_sock *sock)
{
	const struct missed_row row = { .inode = sock->inode, .behind = missed->last.inode, .sock = *sock };
	const struct missed_inode *read = find(missed->read, missed->n_read, sock->inode);

	if (read)
		come_to(missed, read->place, read->inode);
	else if (missed->last.inode && missed->n_rows < FIRST_MOST)
		return add_row(missed, &row);
	return 0;
}

/* The whole file, or as much of it as has what is wanted. */
static int read_again(struct missed *missed, struct look *look, const struct line_format *format, int fd, char *buffer,
		      size_t size)
{
	ssize_t n = lseek(fd, 0, SEEK_SET) ? -1 : tree_read(fd, buffer, size);
	int rc = 0;

	missed->last.inode = 0;
	while (!rc && n > 0 && (missed->n_wanted || missed->n_read)) {
		const char *line = buffer, *end = buffer + n, *newline;

		/* the kernel hands out whole lines */
		for (; rc >= 0 && (newline = memchr(line, '\n', (size_t)(end - line))); line = newline + 1) {
			struct skt_sock sock;
			size_t at;

			rc = line_parse(format, line, (size_t)(newline - line), look->snapshot->strings, &sock, &at);
			if (rc <= 0 || !sock.inode)
				continue;
			sock.table = (uint32_t)look->snapshot->n_tables - 1;
			rc = 0;
			if (missed->n_read)
				rc = take_at_border(missed, &sock);
			else
				take_wanted(missed, &sock);
		}
		rc = rc < 0 ? rc : 0;
		n = table_was_last(look->tree, (size_t)n, size) ? 0 : tree_read(fd, buffer, size);
	}
	if (missed->n_read)
		come_to(missed, missed->n_read, 0);
	return rc;
}

/* What other readings may take. */
static int64_t time_for(const struct missed *missed, const struct look *look)
{
	int64_t interval = look->options->interval, budget = look_budget(look);

	if (missed->n_held || missed->n_read)
		return interval / 4 > READS_TAKE ? interval / 4 : READS_TAKE;
	return budget ? budget : GUESS_MOST;
}

int missed_add(struct missed *missed, struct look *look, const struct line_format *format, int fd, char *buffer,
	       size_t size, size_t first)
{
	int64_t took, until;
	int rc = 0;

	if (!missed->n_wanted && !missed->n_read)
		return 0;
	took = look_clock(look, NULL) - missed->began;
	until = missed->began + took + time_for(missed, look);
	/* once for all of them, and again for those that are there for certain */
	for (unsigned n = 0; !rc && n < READS_MOST && look_clock(look, NULL) + took <= until; n++)
		if (n ? missed->n_held : missed->n_wanted + missed->n_read)
			rc = read_again(missed, look, format, fd, buffer, size);
	return rc || !missed->n_rows ? rc : missed_put(missed, look->snapshot, first);
}
