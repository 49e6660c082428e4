/* SPDX-License-Identifier: MIT */
#include "recording.h"
#include "sanitized.h"
#include "scene.h"

#include "record/digest.h"
#include "record/file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * What a recording made to do harm makes a cursor take: a few kilobytes that inflate to as much of one thing as is
 * allowed. SKT_READER_MAX counts all things at their limits; here each has a part of its limit, and with it that part
 * of the memory. LARGE=1 in the environment makes the part 1.
 *
 * A reader is a process of its own, whose memory the kernel measures.
 */

/* Part of all limits that is used. */
static size_t part = 32;

/* A file being made. Its groups have a key block and perhaps one step. */
struct file {
	struct skt_buf bytes;
	uint8_t chain[CHAIN_SIZE];
	uint64_t sequence, number;
	struct skt_snapshot now;
};

static const uint8_t sync_mark[8] = "budget..";

static void begin(struct file *file)
{
	struct skt_header header = { .start = SCENE_TIME, .interval = SKT_NS_PER_S };

	memset(file, 0, sizeof(*file));
	assert_int_equal(header_put(&header, sync_mark, &file->bytes), 0);
	chain_start(file->bytes.data, file->bytes.len, file->chain);
	assert_int_equal(skt_snapshot_init(&file->now, NULL, 1), 0);
}

/* The digest of the rows after this block has to be right, or it is not gone on with. */
static void put_digest(struct file *file, struct skt_buf sections[SECTION_END], bool key, unsigned snapshots)
{
	struct decoder decoder = { .room = 0 };
	struct cur in[SECTION_END];
	struct skt_step step;
	int rc = 0;

	skt_step_init(&step);
	for (int id = 0; id < SECTION_END; id++)
		cur_init(&in[id], sections[id].data, sections[id].len);
	if (key) {
		skt_snapshot_release(&file->now);
		assert_int_equal(skt_snapshot_init(&file->now, NULL, 1), 0);
	}
	/* what is over a limit has none */
	for (; !rc && snapshots; snapshots--) {
		rc = step_decode(&decoder, in, SKT_WANT_ALL, &file->now, key, &step, NULL);
		if (!rc)
			rc = skt_apply(&file->now, &step, NULL);
	}
	skt_buf_le32(&sections[SECTION_META], rc ? 0 : digest_rows(&file->now));
	skt_step_release(&step);
	decoder_release(&decoder);
}

static void put_block(struct file *file, struct skt_buf sections[SECTION_END], bool key, unsigned snapshots)
{
	struct block_head head = { .type = key ? BLOCK_KEY : BLOCK_STEPS, .snapshots = snapshots, .first = SCENE_TIME };
	uint8_t bytes[BLOCK_HEAD_SIZE], tail[BLOCK_TAIL_SIZE];
	struct skt_buf payload;

	put_digest(file, sections, key, snapshots);
	skt_buf_init(&payload);
	assert_int_equal(payload_put(sections, 6, &payload), 0);
	head.length = (uint32_t)payload.len;
	head.sequence = ++file->sequence;
	head.number = file->number + 1;
	file->number += snapshots;
	head.last = head.first;
	block_head_put(&head, sync_mark, bytes);
	chain_next(bytes, payload.data, payload.len, file->chain);
	block_tail_put(bytes, payload.data, payload.len, file->chain, tail);
	skt_buf_add(&file->bytes, bytes, sizeof(bytes));
	skt_buf_add(&file->bytes, payload.data, payload.len);
	skt_buf_add(&file->bytes, tail, sizeof(tail));
	skt_buf_release(&payload);
	for (int id = 0; id < SECTION_END; id++)
		skt_buf_release(&sections[id]);
}

/* How much of each thing a step has. */
struct much {
	size_t strings, string_bytes, tables, raw, users, processes, rows, owners, events;
	uint8_t differs; /* what tells the rows and processes of one group from another's */
};

static void put_strings(const struct much *much, struct skt_buf *out)
{
	size_t len = much->strings ? much->string_bytes / much->strings : 0;
	char bytes[64] = "";

	skt_buf_varint(out, much->strings);
	for (size_t i = 0; i < much->strings; i++) {
		snprintf(bytes, sizeof(bytes), "%06zx%02x", i, much->differs);
		skt_buf_varint(out, len);
		skt_buf_add(out, bytes, len < 8 ? len : 8);
		if (len > 8)
			skt_buf_fill(out, 'x', len - 8);
	}
}

static void put_meta(const struct much *much, struct skt_buf *out)
{
	struct skt_buf record;
	size_t tables = much->tables ? much->tables : 1;

	skt_buf_init(&record);
	skt_buf_le64(&record, (uint64_t)SCENE_TIME);
	skt_buf_le64(&record, (uint64_t)SCENE_BOOTTIME);
	skt_buf_fill(&record, 0, 10);
	skt_buf_varint(&record, tables);
	for (size_t i = 0; i < tables; i++) {
		skt_buf_varint(&record, i);
		skt_buf_byte(&record, !i && much->raw ? 2 : 0);
		skt_buf_fill(&record, 0, 1);
		skt_buf_fill(&record, 1, 2);
		skt_buf_varint(&record, i << 8 | much->differs);
		skt_buf_fill(&record, 0, 6);
	}
	if (much->raw) {
		skt_buf_varint(&record, much->raw);
		skt_buf_fill(&record, 0, 2 * much->raw);
	}
	skt_buf_varint(&record, much->users);
	for (size_t i = 0; i < much->users; i++) {
		skt_buf_varint(&record, 2 * i + (much->differs & 1));
		skt_buf_byte(&record, 0);
	}
	skt_buf_fill(&record, 0, 9);
	skt_buf_varint(out, record.len);
	skt_buf_add(out, record.data, record.len);
	skt_buf_release(&record);
}

static void put_column(unsigned id, uint8_t byte, size_t len, struct skt_buf *out)
{
	skt_buf_byte(out, (uint8_t)id);
	skt_buf_varint(out, len);
	skt_buf_fill(out, byte, len);
}

static void put_rows(const struct much *much, struct skt_buf *identity)
{
	if (much->rows) {
		skt_buf_varint(identity, much->rows);
		skt_buf_varint(identity, 0);
	}
	skt_buf_varint(identity, 0);
	skt_buf_varint(identity, !much->rows ? 0 : much->owners ? 8 : 7);
	if (!much->rows)
		return;
	put_column(SKT_F_LOCAL_ADDRESS, 1, 4 * much->rows, identity);
	put_column(SKT_F_LOCAL_PORT, much->differs, 2 * much->rows, identity);
	put_column(SKT_F_REMOTE_ADDRESS, 1, 4 * much->rows, identity);
	put_column(SKT_F_REMOTE_PORT, 1, 2 * much->rows, identity);
	put_column(SKT_F_STATE, 1, much->rows, identity);
	put_column(SKT_F_OWNER, 0, much->rows, identity);
	put_column(SKT_F_OWNER_GAPS, 0, much->rows, identity);
	if (much->owners) {
		struct skt_buf owners;

		/* the first row has all of them */
		skt_buf_init(&owners);
		skt_buf_varint(&owners, much->owners);
		skt_buf_fill(&owners, 0, much->rows - 1 + 2 * much->owners);
		skt_buf_byte(identity, SKT_F_OWNERS);
		skt_buf_varint(identity, owners.len);
		skt_buf_add(identity, owners.data, owners.len);
		skt_buf_release(&owners);
	}
}

/* All alike, at the step's time, and 0 but for the change: three bytes each. */
static void put_events(const struct much *much, struct skt_buf *events)
{
	if (much->events) {
		skt_buf_varint(events, much->events);
		skt_buf_add(events, "\0\2\0", 3);
	}
	skt_buf_byte(events, 0);
	if (!much->events)
		return;
	skt_buf_byte(events, 3);
	for (unsigned id = EVENT_SAYS; id <= EVENT_FIELDS; id++)
		put_column(id, 0, much->events, events);
}

static void put_key(struct file *file, const struct much *much)
{
	struct skt_buf sections[SECTION_END];
	struct skt_buf *identity = &sections[SECTION_IDENTITY], *residual = &sections[SECTION_RESIDUAL];
	size_t processes = much->owners && !much->processes ? 1 : much->processes;

	for (int id = 0; id < SECTION_END; id++)
		skt_buf_init(&sections[id]);
	put_strings(much, &sections[SECTION_STRINGS]);
	put_meta(much, &sections[SECTION_META]);
	skt_buf_varint(identity, processes);
	for (size_t i = 0; i < processes; i++) {
		/* appeared, in the next slot, pid, and nothing else is known */
		skt_buf_add(identity, i ? "\21\1\2" : "\21\1\0", 3);
		skt_buf_byte(identity, much->differs);
		skt_buf_fill(identity, 0, 14);
	}
	skt_buf_fill(identity, 0, 2);
	put_rows(much, identity);
	skt_buf_fill(identity, 0, 2);
	skt_buf_fill(&sections[SECTION_STATE], 0, 3);
	skt_buf_varint(residual, 0);
	skt_buf_varint(residual, much->rows ? 1 : 0);
	if (much->rows) {
		skt_buf_fill(residual, 0, 3);
		skt_buf_varint(residual, much->rows);
		skt_buf_varint(residual, much->rows);
		skt_buf_byte(residual, 0);
	}
	skt_buf_varint(residual, 0);
	put_events(much, &sections[SECTION_EVENTS]);
	put_block(file, sections, true, 1);
}

/*
 * Steps that say nothing but that each of so many rows leaves the order of table 0 from its beginning and comes back
 * there.
 */
static void put_moves(struct file *file, unsigned steps, unsigned rows)
{
	struct skt_buf sections[SECTION_END];

	for (int id = 0; id < SECTION_END; id++)
		skt_buf_init(&sections[id]);
	for (unsigned i = 0; i < steps; i++) {
		struct skt_buf *residual = &sections[SECTION_RESIDUAL];

		skt_buf_varint(&sections[SECTION_META], 8 + 8 + 12 + 9);
		skt_buf_le64(&sections[SECTION_META], (uint64_t)SCENE_TIME);
		skt_buf_le64(&sections[SECTION_META], (uint64_t)SCENE_BOOTTIME);
		skt_buf_fill(&sections[SECTION_META], 0, 12 + 9);
		skt_buf_fill(&sections[SECTION_STRINGS], 0, 1);
		skt_buf_fill(&sections[SECTION_IDENTITY], 0, 7);
		skt_buf_fill(&sections[SECTION_STATE], 0, 3);
		skt_buf_fill(&sections[SECTION_EVENTS], 0, 1);
		/* no timer, one edit: table 0, keep 0, drop and put them, which are a run of slots from 0 */
		skt_buf_add(residual, "\0\1\0\0", 4);
		skt_buf_varint(residual, rows);
		skt_buf_varint(residual, rows);
		skt_buf_varint(residual, rows);
		skt_buf_fill(residual, 0, 2);
	}
	put_block(file, sections, false, steps);
}

/* Groups, each with as much as the others, and with nothing the same. Given to the caller. */
static int make(const struct much *much, unsigned groups, size_t *ret_len)
{
	struct file file;
	int fd;

	begin(&file);
	for (unsigned i = 0; i < groups; i++) {
		struct much one = *much;

		one.differs = (uint8_t)(i + 1);
		put_key(&file, &one);
	}
	fd = recording_memfd(file.bytes.data, file.bytes.len);
	*ret_len = file.bytes.len;
	skt_buf_release(&file.bytes);
	skt_snapshot_release(&file.now);
	return fd;
}

/* --- reading --- */

/* Walk it, in a process that exits with how many steps there were, or 100 where the last answer was trouble. */
static void walk(int fd)
{
	struct skt_cursor *cursor;
	struct skt_file *file;
	struct skt_step *step;
	struct skt_err err;
	int n = 0, rc;

	skt_err_init(&err);
	if (skt_file_open(fd, "x", 0, &file, NULL) || skt_cursor_new(file, &cursor, NULL))
		_exit(99);
	while ((rc = skt_cursor_next(cursor, &step, &err)) > 0)
		n++;
	if (rc)
		fprintf(stderr, "# %s\n", err.message);
	_exit(rc ? 100 : n);
}

/* The peak of its memory, above that of a process that does nothing, in bytes. */
static size_t peak_of(int fd, int *ret_status)
{
	struct rusage idle, usage;
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	assert_true(wait4(pid, &status, 0, &idle) == pid);
	pid = fork();
	if (!pid)
		walk(fd);
	assert_true(wait4(pid, &status, 0, &usage) == pid);
	if (!WIFEXITED(status))
		fail_msg("reader died: %#x", status);
	*ret_status = WEXITSTATUS(status);
	return (size_t)(usage.ru_maxrss - idle.ru_maxrss) << 10;
}

/* In a process of its own too, for a process has the peak of who forked it. */
static int make_apart(const struct much *much, unsigned groups, size_t *ret_len)
{
	int fd = memfd_create("made", MFD_CLOEXEC), status;
	pid_t pid = fork();
	off_t end;

	if (!pid) {
		char bytes[65536];
		size_t len;
		int made = make(much, groups, &len);

		for (size_t at = 0; at < len; at += sizeof(bytes)) {
			ssize_t n = pread(made, bytes, sizeof(bytes), (off_t)at);

			if (n < 0 || write(fd, bytes, (size_t)n) != n)
				_exit(1);
		}
		_exit(0);
	}
	assert_true(waitpid(pid, &status, 0) == pid && !status);
	end = lseek(fd, 0, SEEK_END);
	*ret_len = (size_t)end;
	return fd;
}

/* Three groups of so much take at most the part of the budget that they have of the limits. */
static void within(const struct much *much)
{
	size_t len, peak, most = (size_t)(SKT_READER_MAX / part) + ((size_t)8 << 20);
	int fd, status;

	if (SANITIZED)
		skip();
	fd = make_apart(much, 3, &len);
	peak = peak_of(fd, &status);
	print_message("file %zu KiB, memory %zu MiB of %zu\n", len >> 10, peak >> 20, most >> 20);
	assert_int_equal(status, 3);
	if (peak > most)
		fail_msg("%zu bytes of %zu", peak, most);
	close(fd);
}

static void rows(void **state)
{
	(void)state;
	within(&(struct much){ .rows = SKT_SOCKS_MAX / part });
}

static void processes(void **state)
{
	(void)state;
	within(&(struct much){ .processes = SKT_PROCESSES_MAX / part });
}

static void holders(void **state)
{
	(void)state;
	within(&(struct much){ .rows = 1, .owners = SKT_OWNERS_MAX / part });
}

static void short_strings(void **state)
{
	size_t n = SKT_STRINGS_MAX / part - 1;

	(void)state;
	within(&(struct much){ .strings = n, .string_bytes = 8 * n });
}

static void long_strings(void **state)
{
	/* a section has their lengths, too, and there is a META */
	size_t n = SKT_STRTAB_MAX / part / 4096 - 64;

	(void)state;
	within(&(struct much){ .strings = n, .string_bytes = 4090 * n });
}

static void tables(void **state)
{
	(void)state;
	within(&(struct much){ .tables = SKT_TABLES_MAX / part });
}

static void raw_lines(void **state)
{
	(void)state;
	within(&(struct much){ .raw = SKT_RAW_MAX / part });
}

static void users(void **state)
{
	(void)state;
	within(&(struct much){ .users = SKT_USERS_MAX / part });
}

static void events(void **state)
{
	(void)state;
	within(&(struct much){ .events = SKT_EVENTS_MAX / part });
}

/* As much of everything as one block has room for. */
static void all_at_once(void **state)
{
	(void)state;
	within(&(struct much){ .rows = SKT_SOCKS_MAX / part,
			       .processes = SKT_PROCESSES_MAX / part,
			       .owners = SKT_OWNERS_MAX / part,
			       .strings = SKT_STRINGS_MAX / part - 1,
			       .string_bytes = SKT_STRINGS_MAX / part * 8 - 8,
			       .tables = SKT_TABLES_MAX / part,
			       .raw = SKT_RAW_MAX / part,
			       .users = SKT_USERS_MAX / part,
			       .events = SKT_EVENTS_MAX / part });
}

/* --- over a limit --- */

/* One more than a limit is refused, and costs no more than the file, and its section inflated. */
static void refused(const struct much *much, size_t inflated)
{
	size_t len, peak;
	int fd, status;

	if (SANITIZED)
		skip();
	fd = make_apart(much, 1, &len);
	peak = peak_of(fd, &status);
	print_message("file %zu KiB, memory %zu MiB\n", len >> 10, peak >> 20);
	assert_int_equal(status, 100);
	assert_true(peak < inflated + 2 * len + ((size_t)8 << 20));
	close(fd);
}

static void one_row_too_many(void **state)
{
	(void)state;
	refused(&(struct much){ .rows = SKT_SOCKS_MAX + 1 }, (size_t)15 * SKT_SOCKS_MAX);
}

static void one_holder_too_many(void **state)
{
	(void)state;
	refused(&(struct much){ .rows = 1, .owners = SKT_OWNERS_MAX + 1 }, (size_t)2 * SKT_OWNERS_MAX);
}

static void one_raw_line_too_many(void **state)
{
	(void)state;
	refused(&(struct much){ .raw = SKT_RAW_MAX + 1 }, (size_t)2 * SKT_RAW_MAX);
}

static void one_process_too_many(void **state)
{
	(void)state;
	refused(&(struct much){ .processes = SKT_PROCESSES_MAX + 1 }, (size_t)18 * SKT_PROCESSES_MAX);
}

static void one_event_too_many(void **state)
{
	(void)state;
	refused(&(struct much){ .events = SKT_EVENTS_MAX + 1 }, (size_t)3 * SKT_EVENTS_MAX);
}

static void one_table_too_many(void **state)
{
	(void)state;
	refused(&(struct much){ .tables = SKT_TABLES_MAX + 1 }, (size_t)20 * SKT_TABLES_MAX);
}

static void one_user_too_many(void **state)
{
	(void)state;
	refused(&(struct much){ .users = SKT_USERS_MAX + 1 }, (size_t)4 * SKT_USERS_MAX);
}

static void one_string_too_many(void **state)
{
	(void)state;
	refused(&(struct much){ .strings = SKT_STRINGS_MAX + 1, .string_bytes = (size_t)8 * (SKT_STRINGS_MAX + 1) },
		(size_t)9 * SKT_STRINGS_MAX);
}

/* --- what steps cost --- */

/* How many snapshots of two groups can be read, each of which has this key and these steps. */
static unsigned readable(size_t rows, unsigned steps, unsigned moves)
{
	struct skt_cursor *cursor;
	struct skt_file *read;
	struct skt_step *step;
	struct file file;
	unsigned n = 0;
	clock_t began;
	int fd, rc;

	begin(&file);
	for (int group = 0; group < 2; group++) {
		put_key(&file, &(struct much){ .rows = rows });
		put_moves(&file, steps, moves);
	}
	fd = recording_memfd(file.bytes.data, file.bytes.len);
	began = clock();
	assert_int_equal(skt_file_open(fd, "x", 0, &read, NULL), 0);
	assert_int_equal(skt_cursor_new(read, &cursor, NULL), 0);
	while ((rc = skt_cursor_next(cursor, &step, NULL)) != 0) {
		assert_true(rc == 1 || rc == -E2BIG);
		n += rc > 0;
	}
	print_message("file %zu bytes, %.0f ms\n", file.bytes.len,
		      1e3 * (double)(clock() - began) / (double)CLOCKS_PER_SEC);
	skt_cursor_free(cursor);
	skt_file_free(read);
	skt_snapshot_release(&file.now);
	skt_buf_release(&file.bytes);
	close(fd);
	return n;
}

/* 2^16 rows can be walked along 2^11 times. */
static void steps_that_walk_along_too_many_rows_are_refused(void **state)
{
	(void)state;
	/* that of the next test is the same, and shorter */
	if (SANITIZED)
		skip();
	assert_int_equal(readable(1u << 16, 1u << 11, 1), 2 * (1 + (1u << 11)));
	assert_int_equal(readable(1u << 16, (1u << 11) + 9, 1), 2 * (1 + (1u << 11)));
}

/* 2^12 rows can be moved 2^10 times, which is along 2^22 only. */
static void steps_that_move_too_many_rows_are_refused(void **state)
{
	(void)state;
	assert_int_equal(readable(1u << 12, 1u << 10, 1u << 12), 2 * (1 + (1u << 10)));
	assert_int_equal(readable(1u << 12, (1u << 10) + 9, 1u << 12), 2 * (1 + (1u << 10)));
}

/* --- sections --- */

/* Two that are good by themselves. */
static void sections_are_limited_together(void **state)
{
	struct skt_buf sections[SECTION_END], ret[SECTION_END], payload;
	struct skt_err err;
	uint8_t *at;

	(void)state;
	skt_buf_init(&payload);
	for (int id = 0; id < SECTION_END; id++) {
		skt_buf_init(&sections[id]);
		skt_buf_init(&ret[id]);
	}
	skt_buf_fill(&sections[SECTION_META], 0, SKT_SECTION_MAX / 2);
	skt_buf_fill(&sections[SECTION_STATE], 0, SKT_SECTION_MAX / 2);
	assert_int_equal(payload_put(sections, 1, &payload), 0);
	assert_int_equal(payload_get(payload.data, payload.len, UINT32_MAX, ret, NULL), 0);
	assert_int_equal(ret[SECTION_STATE].len, SKT_SECTION_MAX / 2);
	skt_buf_byte(&sections[SECTION_STATE], 0);
	payload.len = 0;
	assert_int_equal(payload_put(sections, 1, &payload), -E2BIG);
	/* it says so: only then is it inflated */
	sections[SECTION_STATE].len--;
	assert_int_equal(payload_put(sections, 1, &payload), 0);
	at = payload.data + SECTION_HEAD_SIZE + (payload.data[8] | payload.data[9] << 8 | payload.data[10] << 16);
	assert_int_equal(at[0], SECTION_STATE);
	at[4]++;
	skt_err_init(&err);
	assert_int_equal(payload_get(payload.data, payload.len, UINT32_MAX, ret, &err), -E2BIG);
	assert_non_null(strstr(err.message, "together"));
	assert_int_equal(payload_get(payload.data, payload.len, 1u << SECTION_META, ret, &err), 0);
	skt_buf_release(&payload);
	for (int id = 0; id < SECTION_END; id++) {
		skt_buf_release(&sections[id]);
		skt_buf_release(&ret[id]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(processes),
		cmocka_unit_test(holders),
		cmocka_unit_test(short_strings),
		cmocka_unit_test(long_strings),
		cmocka_unit_test(tables),
		cmocka_unit_test(raw_lines),
		cmocka_unit_test(users),
		cmocka_unit_test(events),
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(one_row_too_many),
		cmocka_unit_test(one_holder_too_many),
		cmocka_unit_test(one_raw_line_too_many),
		cmocka_unit_test(one_process_too_many),
		cmocka_unit_test(one_event_too_many),
		cmocka_unit_test(one_table_too_many),
		cmocka_unit_test(one_user_too_many),
		cmocka_unit_test(one_string_too_many),
		cmocka_unit_test(steps_that_walk_along_too_many_rows_are_refused),
		cmocka_unit_test(steps_that_move_too_many_rows_are_refused),
		cmocka_unit_test(sections_are_limited_together),
	};

	if (getenv("LARGE"))
		part = 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
