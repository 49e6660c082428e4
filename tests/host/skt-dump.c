/* SPDX-License-Identifier: MIT */
/*
 * `skt-dump [-n] FILE`: all that a recording holds, in a form that is the same bytes whoever reads the file. -n does
 * without the index. Exit 0, or 2 (and one line on stderr) where the file cannot be opened or its header not be read.
 *
 * Every line is one JSON object. Its keys stand in the order of their bytes, each one is always there, and there is no
 * white space. Numbers are whole and decimal, as far as they go (64 bits, signed where the format's are). Enumerations
 * are the format's numbers. Bytes from the recorded host are strings: 0x20 to 0x7e stand for themselves, but `"` is \",
 * `\` is \\\\ and any other byte is \\xNN with two lower-case digits: what is between the quotes is an escape (\\ and
 * \xNN) inside a JSON string. Addresses, and the recording's id, are all their bytes as lower-case hex digits: 8 for
 * IPv4, 32 for IPv6.
 *
 * The first line is the header. `facts` are [name, value] in the file's order; none where they are damaged.
 *
 *	{"big_endian":false,"boot_time":-1,"chain_before":"00...","facts":[["host.name","web1"]],"facts_damaged":false,
 *	"file_number":1,"interval":1000000000,"live":true,"major":1,"minor":0,"recording_id":"...","snapshots_before":0,
 *	"start":1,"start_boottime":1,"tables":255,"type":"header"}
 *
 * Then comes a line for each snapshot that can be read, in the file's order:
 *
 *	boottime end missed number time type ("snapshot")
 *	events		of the step that led to it, in order. Each: change duration has inode kind late local_address
 *			local_port net_namespace received remote_address remote_port retransmits row (whether it has
 *			one) rtt sent source state time uid
 *	processes	those listed: alive, or exited and named by a row. By pid, start_time, exited, then by their own
 *			text. Each: cgroup cmdline cmdline_truncated comm exe exe_deleted exited has net_namespace pid
 *			ppid start_time state threads uid
 *	quality		checked_since denied events_deaf events_lost_since events_lost_until events_tables findings
 *			links lived_lost lived_more lived_told malformed more_findings netns_denied processes unsearched
 *			vanished walk walk_us; each finding: fd inode kind net_namespace pid table
 *	tables		those not gone, by net_namespace, then kind. Each: duplicates error heading kind malformed
 *			net_namespace raw ([before, text], in order) read_time read_us rows (in order) source status
 *	users		[uid, name], by uid
 *
 * and in each row
 *
 *	ato cwnd drops has inode local_address local_port owner owner_gaps probes quick ref remote_address remote_port
 *	retransmits rto rx_queue sk ssthresh state tail text timer tx_queue uid
 *	expires off	the timer's instant and how many ticks it was off; 0 where there is none
 *	ticks		the column tm->when that they make
 *	owners		[pid, start_time, fd], in order
 *
 * What a row or a process lacks, as `has` tells, is as a reader has it: 0 or "" unless it had a value before.
 *
 * Last comes a line for each place at which reading stopped, with the number of the last snapshot read before it and of
 * the next one after it (0: none), the offset of the block that could not be taken, and what it was:
 *
 *	{"after":7,"next":12,"offset":2231,"type":"stop","what":"damaged"}
 *
 *	damaged		no block that may stand here, a wrong checksum, or a payload that does not decode
 *	gap		the recorder says that it could not write
 *	newer		an intact block that may not be passed over, or a codec, that this version does not know
 *	torn		the file ends inside a block
 *
 * Where reading stops again before it has found a snapshot, that is not a place of its own. Snapshots of a block that
 * were read before its damage was met count as read. A chain value is not looked at: only verifying does that.
 */
#include <skt/buf.h>
#include <skt/record.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- JSON ---- */

static void put_text(struct skt_buf *out, const char *bytes, size_t len)
{
	skt_buf_byte(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		if (byte == '"')
			skt_buf_text(out, "\\\"");
		else if (byte == '\\')
			skt_buf_text(out, "\\\\\\\\");
		else if (byte >= 0x20 && byte < 0x7f)
			skt_buf_byte(out, byte);
		else
			skt_buf_printf(out, "\\\\x%02x", byte);
	}
	skt_buf_byte(out, '"');
}

/* A key, and what stands before it: the braces are the caller's. */
static void put_key(struct skt_buf *out, const char *name)
{
	if (out->len && !strchr("{[", out->data[out->len - 1]))
		skt_buf_byte(out, ',');
	skt_buf_printf(out, "\"%s\":", name);
}

static void put_hex(struct skt_buf *out, const char *name, const uint8_t *bytes, size_t len)
{
	put_key(out, name);
	skt_buf_byte(out, '"');
	for (size_t i = 0; i < len; i++)
		skt_buf_printf(out, "%02x", bytes[i]);
	skt_buf_byte(out, '"');
}

static void put_number(struct skt_buf *out, const char *name, uint64_t value)
{
	put_key(out, name);
	skt_buf_printf(out, "%" PRIu64, value);
}

static void put_signed(struct skt_buf *out, const char *name, int64_t value)
{
	put_key(out, name);
	skt_buf_printf(out, "%" PRId64, value);
}

static void put_bool(struct skt_buf *out, const char *name, bool value)
{
	put_key(out, name);
	skt_buf_text(out, value ? "true" : "false");
}

static void put_string(struct skt_buf *out, const char *name, const struct skt_snapshot *snapshot, uint32_t id)
{
	size_t len;
	const char *bytes = skt_strtab_get(snapshot->strings, id, &len);

	put_key(out, name);
	put_text(out, bytes, len);
}

static void begin_list(struct skt_buf *out, const char *name)
{
	put_key(out, name);
	skt_buf_byte(out, '[');
}

/* The comma between the items of a list. */
static void next_item(struct skt_buf *out, size_t i)
{
	if (i)
		skt_buf_byte(out, ',');
}

/* The i-th item of a list: a number and a string. */
static void put_numbered(struct skt_buf *out, size_t i, uint32_t number, const struct skt_snapshot *snapshot,
			 uint32_t id)
{
	size_t len;
	const char *bytes = skt_strtab_get(snapshot->strings, id, &len);

	next_item(out, i);
	skt_buf_printf(out, "[%" PRIu32 ",", number);
	put_text(out, bytes, len);
	skt_buf_byte(out, ']');
}

/* ---- the lines ---- */

static void put_header(struct skt_buf *out, const struct skt_header *header)
{
	skt_buf_byte(out, '{');
	put_bool(out, "big_endian", header->big_endian);
	put_signed(out, "boot_time", header->boot_time);
	put_hex(out, "chain_before", header->chain_before, sizeof(header->chain_before));
	begin_list(out, "facts");
	for (size_t i = 0; i < header->n_facts; i++) {
		next_item(out, i);
		skt_buf_byte(out, '[');
		put_text(out, header->facts[i].name, strlen(header->facts[i].name));
		skt_buf_byte(out, ',');
		put_text(out, header->facts[i].value, strlen(header->facts[i].value));
		skt_buf_byte(out, ']');
	}
	skt_buf_byte(out, ']');
	put_bool(out, "facts_damaged", header->facts_damaged);
	put_number(out, "file_number", header->file_number);
	put_signed(out, "interval", header->interval);
	put_bool(out, "live", header->live);
	put_number(out, "major", header->major);
	put_number(out, "minor", header->minor);
	put_hex(out, "recording_id", header->recording_id, sizeof(header->recording_id));
	put_number(out, "snapshots_before", header->snapshots_before);
	put_signed(out, "start", header->start);
	put_signed(out, "start_boottime", header->start_boottime);
	put_number(out, "tables", header->tables);
	skt_buf_text(out, ",\"type\":\"header\"}\n");
}

static void put_owners(struct skt_buf *out, const struct skt_snapshot *snapshot, const struct skt_sock *sock)
{
	begin_list(out, "owners");
	for (uint32_t i = 0; i < sock->n_owners; i++) {
		const struct skt_owner *owner = &snapshot->owners[sock->first_owner + i];
		const struct skt_process *process = &snapshot->processes[owner->process];

		next_item(out, i);
		skt_buf_printf(out, "[%" PRIu32 ",%" PRIu64 ",%" PRId32 "]", process->pid, process->start_time,
			       owner->fd);
	}
	skt_buf_byte(out, ']');
}

static void put_row(struct skt_buf *out, const struct skt_snapshot *snapshot, const struct skt_sock *sock, size_t width)
{
	skt_buf_byte(out, '{');
	put_number(out, "ato", sock->ato);
	put_number(out, "cwnd", sock->cwnd);
	put_number(out, "drops", sock->drops);
	put_signed(out, "expires", sock->timer_expires);
	put_number(out, "has", sock->has);
	put_number(out, "inode", sock->inode);
	put_hex(out, "local_address", sock->local_address, width);
	put_number(out, "local_port", sock->local_port);
	put_number(out, "owner", sock->owner);
	put_number(out, "owner_gaps", sock->owner_gaps);
	put_owners(out, snapshot, sock);
	put_signed(out, "probes", sock->probes);
	put_number(out, "quick", sock->quick);
	put_signed(out, "ref", sock->ref);
	put_hex(out, "remote_address", sock->remote_address, width);
	put_number(out, "remote_port", sock->remote_port);
	put_number(out, "retransmits", sock->retransmits);
	put_number(out, "rto", sock->rto);
	put_number(out, "rx_queue", sock->rx_queue);
	put_number(out, "sk", sock->sk);
	put_signed(out, "ssthresh", sock->ssthresh);
	put_number(out, "state", sock->state);
	put_string(out, "tail", snapshot, sock->tail);
	put_string(out, "text", snapshot, sock->text);
	put_number(out, "ticks", skt_sock_ticks(sock, snapshot->boottime));
	put_number(out, "timer", sock->timer);
	put_number(out, "tx_queue", sock->tx_queue);
	put_number(out, "uid", sock->uid);
	skt_buf_byte(out, '}');
}

static void put_table(struct skt_buf *out, const struct skt_snapshot *snapshot, const struct skt_table *table)
{
	size_t width = skt_table_kind_is_ipv6(table->kind) ? 16 : 4;

	skt_buf_byte(out, '{');
	put_number(out, "duplicates", table->duplicates);
	put_signed(out, "error", table->error);
	put_string(out, "heading", snapshot, table->heading);
	put_number(out, "kind", table->kind);
	put_number(out, "malformed", table->malformed);
	put_number(out, "net_namespace", table->net_namespace);
	begin_list(out, "raw");
	for (size_t i = 0; i < table->n_raw; i++)
		put_numbered(out, i, table->raw[i].before, snapshot, table->raw[i].text);
	skt_buf_byte(out, ']');
	put_signed(out, "read_time", table->read_time);
	put_number(out, "read_us", table->read_us);
	begin_list(out, "rows");
	for (size_t i = 0; i < table->n_rows; i++) {
		next_item(out, i);
		put_row(out, snapshot, &snapshot->socks[table->order[i]], width);
	}
	skt_buf_byte(out, ']');
	put_number(out, "source", table->source);
	put_number(out, "status", table->status);
	skt_buf_byte(out, '}');
}

static void put_process(struct skt_buf *out, const struct skt_snapshot *snapshot, const struct skt_process *process)
{
	skt_buf_byte(out, '{');
	put_string(out, "cgroup", snapshot, process->cgroup);
	put_string(out, "cmdline", snapshot, process->cmdline);
	put_bool(out, "cmdline_truncated", process->cmdline_truncated);
	put_string(out, "comm", snapshot, process->comm);
	put_string(out, "exe", snapshot, process->exe);
	put_bool(out, "exe_deleted", process->exe_deleted);
	put_bool(out, "exited", process->exited);
	put_number(out, "has", process->has);
	put_number(out, "net_namespace", process->net_namespace);
	put_number(out, "pid", process->pid);
	put_number(out, "ppid", process->ppid);
	put_number(out, "start_time", process->start_time);
	put_number(out, "state", process->state);
	put_number(out, "threads", process->threads);
	put_number(out, "uid", process->uid);
	skt_buf_byte(out, '}');
}

/* One item of a list that is sorted by up to three numbers, then by its text. */
struct item {
	uint64_t by[3];
	struct skt_buf text;
};

static int by_numbers(const void *x, const void *y)
{
	const struct item *a = x, *b = y;
	size_t least = a->text.len < b->text.len ? a->text.len : b->text.len;
	int differ;

	for (size_t i = 0; i < sizeof(a->by) / sizeof(*a->by); i++)
		if (a->by[i] != b->by[i])
			return a->by[i] < b->by[i] ? -1 : 1;
	differ = least ? memcmp(a->text.data, b->text.data, least) : 0;
	return differ ? differ : a->text.len < b->text.len ? -1 : a->text.len > b->text.len;
}

/* Print them as an array, and release them. */
static void put_items(struct skt_buf *out, struct item *items, size_t n)
{
	qsort(items, n, sizeof(*items), by_numbers);
	skt_buf_byte(out, '[');
	for (size_t i = 0; i < n; i++) {
		next_item(out, i);
		skt_buf_add(out, items[i].text.data, items[i].text.len);
		out->failed |= items[i].text.failed;
		skt_buf_release(&items[i].text);
	}
	skt_buf_byte(out, ']');
	free(items);
}

static struct item *new_items(struct skt_buf *out, size_t n)
{
	struct item *items = calloc(n + 1, sizeof(*items));

	out->failed |= !items;
	return items;
}

static void put_processes(struct skt_buf *out, const struct skt_snapshot *snapshot)
{
	struct item *items = new_items(out, snapshot->n_processes);
	size_t n = 0;

	for (size_t i = 0; items && i < snapshot->n_processes; i++) {
		const struct skt_process *process = &snapshot->processes[i];
		struct item *item = &items[n];

		if (!skt_process_is_listed(process))
			continue;
		*item = (struct item){ .by = { process->pid, process->start_time, process->exited } };
		put_process(&item->text, snapshot, process);
		n++;
	}
	put_key(out, "processes");
	if (items)
		put_items(out, items, n);
}

static void put_tables(struct skt_buf *out, const struct skt_snapshot *snapshot)
{
	struct item *items = new_items(out, snapshot->n_tables);
	size_t n = 0;

	for (size_t i = 0; items && i < snapshot->n_tables; i++) {
		const struct skt_table *table = &snapshot->tables[i];
		struct item *item = &items[n];

		if (table->gone)
			continue;
		*item = (struct item){ .by = { table->net_namespace, table->kind } };
		put_table(&item->text, snapshot, table);
		n++;
	}
	put_key(out, "tables");
	if (items)
		put_items(out, items, n);
}

static void put_findings(struct skt_buf *out, const struct skt_quality *quality)
{
	begin_list(out, "findings");
	for (uint32_t i = 0; i < quality->n_findings; i++) {
		const struct skt_finding *finding = &quality->findings[i];

		skt_buf_text(out, i ? ",{" : "{");
		put_signed(out, "fd", finding->fd);
		put_number(out, "inode", finding->inode);
		put_number(out, "kind", finding->kind);
		put_number(out, "net_namespace", finding->net_namespace);
		put_number(out, "pid", finding->pid);
		put_number(out, "table", finding->table);
		skt_buf_byte(out, '}');
	}
	skt_buf_byte(out, ']');
}

static void put_quality(struct skt_buf *out, const struct skt_quality *quality)
{
	put_key(out, "quality");
	skt_buf_byte(out, '{');
	put_signed(out, "checked_since", quality->checked_since);
	put_number(out, "denied", quality->denied);
	put_number(out, "events_deaf", quality->events_deaf);
	put_signed(out, "events_lost_since", quality->events_lost_since);
	put_signed(out, "events_lost_until", quality->events_lost_until);
	put_number(out, "events_tables", quality->events_tables);
	put_findings(out, quality);
	put_number(out, "links", quality->links);
	put_bool(out, "lived_lost", quality->lived_lost);
	put_number(out, "lived_more", quality->lived_more);
	put_bool(out, "lived_told", quality->lived_told);
	put_number(out, "malformed", quality->malformed);
	put_number(out, "more_findings", quality->more_findings);
	put_number(out, "netns_denied", quality->netns_denied);
	put_number(out, "processes", quality->processes);
	put_number(out, "unsearched", quality->unsearched);
	put_number(out, "vanished", quality->vanished);
	put_number(out, "walk", quality->walk);
	put_number(out, "walk_us", quality->walk_us);
	skt_buf_byte(out, '}');
}

static void put_event(struct skt_buf *out, const struct skt_snapshot *snapshot, const struct skt_event *event)
{
	const struct skt_table *table = &snapshot->tables[event->table];

	skt_buf_byte(out, '{');
	put_number(out, "change", event->change);
	put_number(out, "duration", event->duration_us);
	put_number(out, "has", event->has);
	put_number(out, "inode", event->inode);
	put_number(out, "kind", table->kind);
	put_number(out, "late", event->late_us);
	put_hex(out, "local_address", event->local_address, sizeof(event->local_address));
	put_number(out, "local_port", event->local_port);
	put_number(out, "net_namespace", table->net_namespace);
	put_number(out, "received", event->bytes_received);
	put_hex(out, "remote_address", event->remote_address, sizeof(event->remote_address));
	put_number(out, "remote_port", event->remote_port);
	put_number(out, "retransmits", event->retransmits);
	put_bool(out, "row", event->slot != SKT_NO_SLOT);
	put_number(out, "rtt", event->rtt_us);
	put_number(out, "sent", event->bytes_sent);
	put_number(out, "source", event->source);
	put_number(out, "state", event->state);
	put_signed(out, "time", event->when);
	put_number(out, "uid", event->uid);
	skt_buf_byte(out, '}');
}

static void put_snapshot(struct skt_buf *out, const struct skt_snapshot *snapshot, const struct skt_step *step)
{
	skt_buf_byte(out, '{');
	put_signed(out, "boottime", snapshot->boottime);
	put_signed(out, "end", snapshot->end);
	begin_list(out, "events");
	for (size_t i = 0; i < step->n_events; i++) {
		next_item(out, i);
		put_event(out, snapshot, &step->events[i]);
	}
	skt_buf_byte(out, ']');
	put_number(out, "missed", snapshot->missed);
	put_number(out, "number", snapshot->number);
	put_processes(out, snapshot);
	put_quality(out, &snapshot->quality);
	put_tables(out, snapshot);
	put_signed(out, "time", snapshot->time);
	put_key(out, "type");
	skt_buf_text(out, "\"snapshot\"");
	begin_list(out, "users");
	for (size_t i = 0; i < snapshot->n_users; i++)
		put_numbered(out, i, snapshot->users[i].uid, snapshot, snapshot->users[i].name);
	skt_buf_text(out, "]}\n");
}

/* ---- reading ---- */

static _Noreturn void die(const char *name, const struct skt_err *err)
{
	fprintf(stderr, "skt-dump: %s: %s\n", name, err->message);
	exit(2);
}

static void print(struct skt_buf *out)
{
	if (out->failed || fwrite(out->data, 1, out->len, stdout) != out->len) {
		fprintf(stderr, "skt-dump: cannot print: %s\n", out->failed ? "out of memory" : strerror(errno));
		exit(2);
	}
	skt_buf_clear(out);
}

/* Where reading stopped. */
struct stop {
	uint64_t offset;
	uint64_t after;
	uint64_t next;
	const char *what;
};

struct stops {
	struct stop *all;
	size_t n;
};

/* The one for which no snapshot has been found since, or NULL. */
static struct stop *open_stop(struct stops *stops)
{
	return stops->n && !stops->all[stops->n - 1].next ? &stops->all[stops->n - 1] : NULL;
}

static void add_stop(struct stops *stops, uint64_t offset, uint64_t after, const char *what)
{
	if (open_stop(stops))
		return;
	stops->all = realloc(stops->all, (stops->n + 1) * sizeof(*stops->all));
	if (!stops->all) {
		fputs("skt-dump: out of memory\n", stderr);
		exit(2);
	}
	stops->all[stops->n++] = (struct stop){ .offset = offset, .after = after, .what = what };
}

static const char *what_stopped(int rc)
{
	return rc == -ENODATA ? "gap" : rc == -EPROTONOSUPPORT ? "newer" : "damaged";
}

/* Every snapshot that there is; the number of the last one. */
static uint64_t dump_snapshots(const struct skt_file *file, struct stops *stops, struct skt_buf *out)
{
	struct skt_cursor *cursor;
	struct skt_step *step;
	struct skt_err err;
	uint64_t last = 0;
	int rc;

	skt_err_init(&err);
	if (skt_cursor_new(file, &cursor, &err))
		die(skt_file_name(file), &err);
	while ((rc = skt_cursor_next(cursor, &step, &err)) != 0) {
		if (rc == -ENOMEM)
			die(skt_file_name(file), &err);
		if (rc < 0) {
			add_stop(stops, (uint64_t)err.position, last, what_stopped(rc));
			continue;
		}
		last = skt_cursor_snapshot(cursor)->number;
		if (open_stop(stops))
			open_stop(stops)->next = last;
		put_snapshot(out, skt_cursor_snapshot(cursor), step);
		print(out);
	}
	skt_cursor_free(cursor);
	return last;
}

/* What cannot be read to the file's end is no block that a cursor comes to. */
static void add_tail(const struct skt_file *file, uint64_t last, off_t size, struct stops *stops)
{
	size_t n;
	const struct skt_damage *damage = skt_file_damage(file, &n);

	if (n && !damage[n - 1].facts && damage[n - 1].length &&
	    damage[n - 1].offset + damage[n - 1].length == (uint64_t)size)
		add_stop(stops, damage[n - 1].offset, last, damage[n - 1].torn ? "torn" : "damaged");
}

int main(int argc, char **argv)
{
	unsigned flags = argc == 3 && !strcmp(argv[1], "-n") ? SKT_OPEN_NO_INDEX : 0;
	struct stops stops = { NULL, 0 };
	struct skt_file *file;
	struct skt_err err;
	struct skt_buf out;
	uint64_t last;
	int fd;

	if (argc != (flags ? 3 : 2)) {
		fputs("usage: skt-dump [-n] FILE\n", stderr);
		return 2;
	}
	skt_err_init(&err);
	skt_buf_init(&out);
	fd = open(argv[argc - 1], O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "skt-dump: %s: cannot open: %s\n", argv[argc - 1], strerror(errno));
		return 2;
	}
	if (skt_file_open(fd, argv[argc - 1], flags, &file, &err))
		die(argv[argc - 1], &err);
	put_header(&out, skt_file_header(file));
	print(&out);
	last = dump_snapshots(file, &stops, &out);
	add_tail(file, last, lseek(fd, 0, SEEK_END), &stops);
	for (size_t i = 0; i < stops.n; i++) {
		skt_buf_printf(&out,
			       "{\"after\":%" PRIu64 ",\"next\":%" PRIu64 ",\"offset\":%" PRIu64
			       ",\"type\":\"stop\",\"what\":\"%s\"}\n",
			       stops.all[i].after, stops.all[i].next, stops.all[i].offset, stops.all[i].what);
		print(&out);
	}
	free(stops.all);
	skt_buf_release(&out);
	skt_file_free(file);
	close(fd);
	return fflush(stdout) ? 2 : 0;
}
