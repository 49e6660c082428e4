/* SPDX-License-Identifier: MIT */
/*
 * A tree of files, each a part of the input (0xff ends a part): net/tcp, net/udp6, and of process 7 stat, status,
 * cmdline, cgroup, the link of descriptor 3 and passwd. Two snapshots are taken: the limits of each hold, and every
 * line of a table that was believed can be written back.
 */
#include "proc/line.h"
#include "taken.h"

#include <skt/capture.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum part { TCP, UDP6, STAT, STATUS, CMDLINE, CGROUP, LINK, PASSWD, PARTS };

static const char *const paths[PARTS] = { "net/tcp",   "net/udp6", "7/stat", "7/status",
					  "7/cmdline", "7/cgroup", "7/fd/3", "passwd" };

static char dir[64];
static int root = -1;
static int files[PARTS];

static void must(int ok)
{
	if (!ok) {
		perror(dir);
		exit(1);
	}
}

static void remove_tree(void)
{
	for (int i = 0; i < PARTS; i++)
		unlinkat(root, paths[i], 0);
	unlinkat(root, "7/fd", AT_REMOVEDIR);
	unlinkat(root, "7", AT_REMOVEDIR);
	unlinkat(root, "net", AT_REMOVEDIR);
	rmdir(dir);
}

/* Made once, in memory where there is a place for that: inputs only change what is in the files. */
static void make_tree(void)
{
	const char *tmp = access("/dev/shm", W_OK) ? getenv("TMPDIR") : "/dev/shm";

	snprintf(dir, sizeof(dir), "%s/skt-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	must(mkdtemp(dir) != NULL);
	root = open(dir, O_RDONLY | O_DIRECTORY);
	must(root >= 0 && !mkdirat(root, "net", 0755) && !mkdirat(root, "7", 0755) && !mkdirat(root, "7/fd", 0755));
	for (int i = 0; i < PARTS; i++) {
		files[i] = i == LINK ? -1 : openat(root, paths[i], O_RDWR | O_CREAT, 0644);
		must(i == LINK || files[i] >= 0);
	}
	atexit(remove_tree);
}

static void read_clock(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	int64_t *now = data;

	*now += 1000;
	*ret_realtime = INT64_C(1795356187000000000) + *now;
	*ret_boottime = INT64_C(5000000000000) + *now;
}

static void put(enum part part, const uint8_t *bytes, size_t len)
{
	char target[128];

	if (part != LINK) {
		must(!ftruncate(files[part], 0) && pwrite(files[part], bytes, len, 0) == (ssize_t)len);
		return;
	}
	unlinkat(root, paths[LINK], 0);
	if (len >= sizeof(target))
		len = sizeof(target) - 1;
	memcpy(target, bytes, len);
	target[len] = '\0';
	if (*target)
		must(!symlinkat(target, root, paths[LINK]));
}

/* The lines of the part are the heading, and then rows and raw lines in turn. Duplicates are not there any more. */
static void check_lines(const struct skt_snapshot *snapshot, const struct skt_table *table, const char *at, size_t len)
{
	const char *end = at + len;
	struct line_format format = { .kind = table->kind, .boottime = snapshot->boottime };
	struct skt_buf out;
	size_t row = 0, raw = 0;

	skt_buf_init(&out);
	for (uint64_t n = 0; at < end; n++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *bytes, *colon;
		size_t line = (size_t)((newline ? newline : end) - at), have, want;

		if (!n || (raw < table->n_raw && table->raw[raw].before == row)) {
			bytes = skt_strtab_get(snapshot->strings, n ? table->raw[raw++].text : table->heading, &have);
			if (have != line || memcmp(bytes, at, line))
				abort();
		} else {
			skt_buf_clear(&out);
			if (row == table->n_rows)
				abort();
			line_print(&format, &snapshot->socks[table->order[row++]], (unsigned)strtoul(at, NULL, 10),
				   snapshot->strings, &out);
			colon = memchr(at, ':', line);
			want = (size_t)(at + line - colon);
			if (out.len < want + 1 || memcmp(out.data + out.len - 1 - want, colon, want))
				abort();
		}
		at += line + 1;
	}
	if (row != table->n_rows || raw != table->n_raw || table->n_raw != table->malformed)
		abort();
	skt_buf_release(&out);
}

static void check(const struct skt_snapshot *snapshot, const uint8_t *const *parts, const size_t *lens)
{
	if (snapshot->n_tables != 2)
		abort();
	for (size_t i = 0; i < 2; i++) {
		const struct skt_table *table = &snapshot->tables[i];
		enum part part = table->kind == SKT_TCP ? TCP : UDP6;
		char *text = malloc(lens[part] + 1);

		memcpy(text, parts[part], lens[part]);
		text[lens[part]] = '\0';
		if (table->status == SKT_TABLE_FRESH ? table->error : !table->error || table->n_rows)
			abort();
		if (table->n_rows)
			taken();
		if (table->status == SKT_TABLE_FRESH && !table->duplicates)
			check_lines(snapshot, table, text, lens[part]);
		free(text);
	}
	for (size_t i = 0; i < snapshot->n_socks; i++) {
		const struct skt_sock *sock = &snapshot->socks[i];

		if (sock->first_owner + (size_t)sock->n_owners > snapshot->n_owners ||
		    (sock->owner == SKT_OWNER_HELD) != (sock->n_owners > 0))
			abort();
	}
	for (size_t i = 0; i < snapshot->n_owners; i++)
		if (snapshot->owners[i].process >= snapshot->n_processes)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *parts[PARTS], *end = data + size;
	int64_t now = 0;
	struct skt_capture_options options = { .name = "tree",
					       .tables = 1u << SKT_TCP | 1u << SKT_UDP6,
					       .clock = { read_clock, &now } };
	struct skt_capture *capture;
	struct skt_snapshot snapshot;
	size_t lens[PARTS];

	if (root < 0)
		make_tree();
	for (int i = 0; i < PARTS; i++) {
		const uint8_t *stop = size ? memchr(data, 0xff, (size_t)(end - data)) : NULL;

		parts[i] = data;
		lens[i] = (size_t)((stop ? stop : end) - data);
		data = stop ? stop + 1 : end;
		put((enum part)i, parts[i], lens[i]);
	}
	options.passwd_fd = files[PASSWD];
	if (skt_snapshot_init(&snapshot, NULL, 3) || skt_capture_open(root, &options, &capture, NULL))
		abort();
	for (int i = 0; i < 2; i++) {
		if (skt_capture_next(capture, &snapshot, NULL))
			abort();
		check(&snapshot, parts, lens);
	}
	skt_capture_free(capture);
	skt_snapshot_release(&snapshot);
	return 0;
}
