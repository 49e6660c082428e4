/* SPDX-License-Identifier: MIT */
#include "failing_alloc.h"
#include "recording.h"

#include "record/codec.h"
#include "record/events.h"
#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Every allocation made to fail in turn: each failure is told, nothing wrong is written or read, and the same works
 * when there is memory again.
 */

enum { SNAPSHOTS = 9 };

/* What is recorded: several steps in a block, and several groups. */
static struct recording original;

static int set_up(void **state)
{
	(void)state;
	recording_make_small(&original);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	recording_release(&original);
	return 0;
}

static void expect_snapshot(const struct skt_snapshot *snapshot)
{
	assert_non_null(snapshot);
	recording_expect(&original, snapshot->number, snapshot);
}

/* Read all of it: what was read, and how many were told to be lost. */
static void read_all(int fd, bool has[SNAPSHOTS + 1], unsigned *ret_told)
{
	const struct skt_damage *damage;
	struct skt_cursor *cursor;
	struct skt_file *file;
	struct skt_step *step;
	size_t n;
	int rc;

	memset(has, 0, (SNAPSHOTS + 1) * sizeof(*has));
	assert_int_equal(skt_file_open(fd, "x", SKT_OPEN_NO_INDEX, &file, NULL), 0);
	damage = skt_file_damage(file, &n);
	for (*ret_told = 0; n > 0; n--, damage++)
		*ret_told += (unsigned)damage->snapshots;
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	while ((rc = skt_cursor_next(cursor, &step, NULL))) {
		if (rc < 0)
			continue;
		expect_snapshot(skt_cursor_snapshot(cursor));
		has[step->number] = true;
	}
	skt_cursor_free(cursor);
	skt_file_free(file);
}

/* --- writing --- */

static bool told(int rc)
{
	bool failed = failing_alloc_failed();

	/* what was lost before may have been told before */
	if (rc)
		assert_int_equal(rc, -ENOMEM);
	assert_true(!rc || failed);
	return rc != 0;
}

/* Record everything again; the i-th allocation of the writer fails, and all after it until the call returns. */
static bool record_again(int fd, size_t i, struct skt_writer **ret)
{
	static const uint8_t bytes[24] = "twenty-four random bytes";
	const struct skt_writer_options options = { .sync = SKT_SYNC_NONE };
	struct skt_matcher *matcher = skt_matcher_new(1);
	struct skt_writer *writer = NULL;
	struct skt_snapshot now;
	struct skt_step step;
	bool any = false;
	int rc;

	assert_int_equal(skt_snapshot_init(&now, NULL, 1), 0);
	skt_step_init(&step);
	failing_alloc_after(i);
	any = told(skt_writer_open(fd, "x", &original.header, &options, bytes, &writer, NULL));
	failing_alloc_stop();
	for (size_t k = 0; !any && k < SNAPSHOTS; k++) {
		assert_int_equal(skt_match(matcher, &now, &original.made[k].snapshot, !k, &step), 0);
		assert_int_equal(skt_apply(&now, &step, NULL), 0);
		failing_alloc_after(i);
		rc = skt_writer_add(writer, &now, &step, NULL);
		told(rc);
		failing_alloc_stop();
		expect_snapshot(&now);
	}
	if (!any)
		assert_int_equal(skt_writer_end(writer, now.time + SKT_NS_PER_S, NULL), 0);
	skt_step_release(&step);
	skt_snapshot_release(&now);
	skt_matcher_free(matcher);
	*ret = writer;
	return !any;
}

static void a_recorder_without_memory_loses_no_more_than_it_tells(void **state)
{
	(void)state;
	/* every call may make i allocations, from none to more than any needs */
	for (size_t i = 0; i < 120; i++) {
		bool has[SNAPSHOTS + 1];
		struct skt_writer *writer;
		int fd = recording_memfd("", 0);
		unsigned lost;

		if (record_again(fd, i, &writer)) {
			unsigned n = 0;

			read_all(fd, has, &lost);
			for (int k = 1; k <= SNAPSHOTS; k++)
				n += has[k];
			if (n + lost != SNAPSHOTS)
				fail_msg("i %zu n %u lost %u writer lost %llu", i, n, lost,
					 (unsigned long long)skt_writer_lost(writer));
			assert_int_equal(lost, skt_writer_lost(writer));
			if (i == 119)
				assert_int_equal(lost, 0);
		} else {
			assert_int_equal(lseek(fd, 0, SEEK_END), 0);
		}
		skt_writer_free(writer);
		close(fd);
	}
}

static void an_end_that_could_not_be_written_can_be_written_later(void **state)
{
	(void)state;
	FAILING_ALLOC_EACH(i)
	{
		struct random random = { .state = 4 };
		struct random_world world = { .rows = 3 };
		struct recording recording;
		struct skt_file *file;
		int rc;

		recording_begin(&recording, 300 * SKT_NS_PER_MS);
		for (int k = 0; k < 3; k++)
			recording_add_random(&recording, &random, &world, 300 * SKT_NS_PER_MS);
		failing_alloc_after(i);
		rc = skt_writer_end(recording.writer, recording.now.time, NULL);
		/* keys alone are left out without a word: all groups are read then */
		assert_true(failing_alloc_stop() ? !rc || rc == -ENOMEM : !rc);
		if (rc)
			assert_int_equal(skt_writer_end(recording.writer, recording.now.time, NULL), 0);
		file = recording_open(&recording);
		assert_true(skt_file_span(file).ended);
		assert_int_equal(skt_file_span(file).snapshots + skt_writer_lost(recording.writer), 3);
		skt_file_free(file);
		recording_release(&recording);
	}
}

static void events_are_carried_or_not(void **state)
{
	const struct skt_snapshot *now = &original.now;
	struct skt_event event = { .slot = SKT_NO_SLOT };

	(void)state;
	FAILING_ALLOC_EACH(i)
	{
		struct skt_step step;
		int rc;

		skt_step_init(&step);
		failing_alloc_after(i);
		rc = events_carry(&event, 1, now, now, &step);
		assert_int_equal(rc, failing_alloc_stop() ? -ENOMEM : 0);
		assert_int_equal(step.n_events, !rc && !now->tables[0].gone);
		skt_step_release(&step);
	}
}

/* The first snapshot as a step, and told of each of its rows. */
static void step_with_events(struct skt_snapshot *now, struct skt_step *step)
{
	struct skt_matcher *matcher = skt_matcher_new(1);

	assert_int_equal(skt_snapshot_init(now, NULL, 1), 0);
	skt_step_init(step);
	assert_int_equal(skt_match(matcher, now, &original.made[0].snapshot, true, step), 0);
	assert_int_equal(skt_apply(now, step, NULL), 0);
	skt_matcher_free(matcher);
	step->events = calloc(now->n_socks, sizeof(*step->events));
	assert_non_null(step->events);
	step->n_events = step->room_events = now->n_socks;
	for (uint32_t i = 0; i < now->n_socks; i++) {
		step->events[i].slot = i;
		step->events[i].when = now->time;
		step->events[i].inode = i;
		step->events[i].has = SKT_BIT(SKT_E_BYTES_SENT);
		step->events[i].bytes_sent = i;
	}
	assert_true(now->n_socks > 1);
}

static void events_are_written_or_not(void **state)
{
	struct skt_snapshot now;
	struct skt_step step;

	(void)state;
	step_with_events(&now, &step);
	FAILING_ALLOC_EACH(i)
	{
		struct skt_buf sections[SECTION_END];
		struct encoder encoder = { .n_rows = 0 };
		bool failed = false;

		for (int id = 0; id < SECTION_END; id++)
			skt_buf_init(&sections[id]);
		failing_alloc_after(i);
		step_encode(&encoder, &step, &now, 1, sections);
		for (int id = 0; id < SECTION_END; id++)
			failed |= sections[id].failed;
		assert_int_equal(failed, failing_alloc_stop());
		for (int id = 0; id < SECTION_END; id++)
			skt_buf_release(&sections[id]);
		encoder_release(&encoder);
	}
	skt_step_release(&step);
	skt_snapshot_release(&now);
}

static void events_are_read_or_not(void **state)
{
	struct skt_buf sections[SECTION_END];
	struct encoder encoder = { .n_rows = 0 };
	struct skt_snapshot now;
	struct skt_step step;

	(void)state;
	step_with_events(&now, &step);
	for (int id = 0; id < SECTION_END; id++)
		skt_buf_init(&sections[id]);
	step_encode(&encoder, &step, &now, 1, sections);
	FAILING_ALLOC_EACH(i)
	{
		struct decoder decoder = { .room = 0 };
		struct cur in[SECTION_END];
		struct skt_snapshot read;
		struct skt_step again;
		int rc;

		for (int id = 0; id < SECTION_END; id++)
			cur_init(&in[id], sections[id].data, sections[id].len);
		assert_int_equal(skt_snapshot_init(&read, NULL, 1), 0);
		skt_step_init(&again);
		failing_alloc_after(i);
		rc = step_decode(&decoder, in, SKT_WANT_ALL, &read, true, &again, NULL);
		assert_int_equal(rc, failing_alloc_stop() ? -ENOMEM : 0);
		for (size_t k = 0; !rc && k < step.n_events; k++)
			assert_memory_equal(&again.events[k], &step.events[k], sizeof(*step.events));
		skt_step_release(&again);
		skt_snapshot_release(&read);
		decoder_release(&decoder);
	}
	for (int id = 0; id < SECTION_END; id++)
		skt_buf_release(&sections[id]);
	encoder_release(&encoder);
	skt_step_release(&step);
	skt_snapshot_release(&now);
}

/* --- reading --- */

static void a_file_is_opened_or_not(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 4; flags++) {
		FAILING_ALLOC_EACH(i)
		{
			struct skt_file *file = NULL;
			struct skt_err err;
			int rc;

			skt_err_init(&err);
			failing_alloc_after(i);
			rc = skt_file_open(original.fd, "x", flags, &file, &err);
			assert_int_equal(rc, failing_alloc_stop() ? -ENOMEM : 0);
			assert_int_equal(err.code, rc);
			if (!rc)
				assert_int_equal(skt_file_span(file).snapshots, SNAPSHOTS);
			skt_file_free(file);
		}
	}
}

static void a_damaged_file_is_opened_or_not(void **state)
{
	size_t len;
	unsigned char *bytes = recording_bytes(&original, &len);
	int fd;

	(void)state;
	memset(bytes + len / 3, 0xaa, 10);
	memset(bytes + 2 * len / 3, 0xaa, 10);
	fd = recording_memfd(bytes, len - 3);
	FAILING_ALLOC_EACH(i)
	{
		struct skt_file *file = NULL;
		int rc;

		failing_alloc_after(i);
		rc = skt_file_open(fd, "x", 0, &file, NULL);
		/* and a block that could not be checked for want of memory is not taken for damage */
		assert_int_equal(rc, failing_alloc_stop() ? -ENOMEM : 0);
		skt_file_free(file);
	}
	close(fd);
	free(bytes);
}

/* To the end, or to what is wrong; *last is the number of the last snapshot. */
static int walk_all(struct skt_cursor *cursor, uint64_t *last)
{
	struct skt_step *step;
	int rc;

	while ((rc = skt_cursor_next(cursor, &step, NULL)) > 0)
		*last = step->number;
	return rc;
}

/* With memory again it goes on behind that, where it can. */
static void go_on(struct skt_cursor *cursor, uint64_t last)
{
	struct skt_step *step;
	int rc;

	while (cursor && (rc = skt_cursor_next(cursor, &step, NULL))) {
		if (rc < 0)
			continue;
		assert_true(step->number > last);
		last = step->number;
		expect_snapshot(skt_cursor_snapshot(cursor));
	}
}

/*
 * Walk while memory fails, and then on behind where that got to: what the first walk came to, and whether it lacked
 * memory.
 */
static int walk_failing(const struct skt_file *file, bool ahead, bool *ret_failed)
{
	struct skt_cursor *cursor = NULL;
	uint64_t last = 0;
	int rc = skt_cursor_new(file, &cursor, NULL);

	if (!rc && ahead)
		skt_cursor_read_ahead(cursor);
	if (!rc)
		rc = walk_all(cursor, &last);
	*ret_failed = failing_alloc_stop();
	assert_true(rc || last == SNAPSHOTS);
	go_on(cursor, last);
	skt_cursor_free(cursor);
	return rc;
}

static void what_a_cursor_reads_is_right_or_told(void **state)
{
	struct skt_file *file = recording_open(&original);

	(void)state;
	FAILING_ALLOC_EACH(i)
	{
		bool failed;
		int rc;

		failing_alloc_after(i);
		rc = walk_failing(file, false, &failed);
		assert_int_equal(rc, failed ? -ENOMEM : 0);
	}
	skt_file_free(file);
}

/* Whichever of the two has none: what the thread cannot make ready is read without it. */
static void so_is_what_a_thread_reads_ahead(void **state)
{
	struct skt_file *file = recording_open(&original);

	(void)state;
	FAILING_ALLOC_EACH(i)
	{
		bool failed;
		int rc;

		/* all of them, or one, which is more often the thread's alone */
		if (i % 2)
			failing_alloc_after(i / 2);
		else
			failing_alloc_only(i / 2);
		rc = walk_failing(file, true, &failed);
		assert_true(!rc || (failed && rc == -ENOMEM));
	}
	skt_file_free(file);
}

static void a_seek_gets_there_or_tells(void **state)
{
	struct skt_file *file = recording_open(&original);

	(void)state;
	for (uint64_t number = 1; number <= SNAPSHOTS; number++) {
		struct skt_cursor *cursor;

		assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
		FAILING_ALLOC_EACH(i)
		{
			struct skt_time time = { .kind = SKT_TIME_NUMBER, .number = number };
			int64_t when;
			int rc;

			failing_alloc_after(i);
			rc = skt_cursor_seek(cursor, &time, SKT_ZONE_UTC, &when, NULL);
			assert_int_equal(rc, failing_alloc_stop() ? -ENOMEM : 0);
			if (!rc) {
				expect_snapshot(skt_cursor_snapshot(cursor));
				assert_int_equal(skt_cursor_snapshot(cursor)->number, number);
			}
		}
		skt_cursor_free(cursor);
	}
	skt_file_free(file);
}

/* A message that cannot be built in full is a shorter one. */
static void a_seek_out_of_range_is_told_without_memory(void **state)
{
	struct skt_file *file = recording_open(&original);
	struct skt_time times[] = { { .kind = SKT_TIME_INSTANT, .ns = 1 },
				    { .kind = SKT_TIME_OF_DAY, .ns = 1 },
				    { .kind = SKT_TIME_NUMBER, .number = 999 } };

	(void)state;
	for (size_t t = 0; t < 3; t++) {
		struct skt_cursor *cursor;

		assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
		FAILING_ALLOC_EACH(i)
		{
			struct skt_err err;
			int64_t when;
			int rc;

			skt_err_init(&err);
			failing_alloc_after(i);
			rc = skt_cursor_seek(cursor, &times[t], SKT_ZONE_UTC, &when, &err);
			failing_alloc_stop();
			assert_int_equal(rc, -ERANGE);
			assert_true(*err.message);
		}
		skt_cursor_free(cursor);
	}
	skt_file_free(file);
}

/* A file of a directory, with these bytes. */
static void make_file(int dir, const char *name, const void *bytes, size_t length)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, bytes, length), length);
	close(fd);
}

/* Open it, and read all of it: how many snapshots, or a negative errno. */
static int read_directory(int fd)
{
	int snapshots = 0;
	struct skt_cursor *cursor = NULL;
	struct skt_file *file = NULL;
	struct skt_mark *marks;
	struct skt_step *step;
	size_t n;
	int rc = skt_file_open(fd, "dir", 0, &file, NULL);

	if (!rc)
		rc = skt_cursor_new(file, &cursor, NULL);
	if (!rc)
		rc = skt_file_marks(file, &marks, &n, NULL);
	if (!rc) {
		skt_marks_free(marks, n);
		while ((rc = skt_cursor_next(cursor, &step, NULL)) > 0)
			snapshots++;
	}
	skt_cursor_free(cursor);
	skt_file_free(file);
	return rc ? rc : snapshots;
}

static void a_directory_is_read_or_not(void **state)
{
	char dir[] = "/tmp/alloc_record.XXXXXX";
	static unsigned char bytes[1 << 20];
	ssize_t length = pread(original.fd, bytes, sizeof(bytes), 0);
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_file(fd, "a.skt", bytes, (size_t)length);
	/* and one that cannot be read */
	make_file(fd, "b.skt", bytes, 100);
	FAILING_ALLOC_EACH(i)
	{
		int rc;

		failing_alloc_after(i);
		rc = read_directory(fd);
		assert_int_equal(rc, failing_alloc_stop() ? -ENOMEM : SNAPSHOTS);
	}
	unlinkat(fd, "a.skt", 0);
	unlinkat(fd, "b.skt", 0);
	close(fd);
	rmdir(dir);
}

static void a_verdict_is_right_or_none(void **state)
{
	(void)state;
	FAILING_ALLOC_EACH(i)
	{
		struct skt_verification verification;
		int rc;

		failing_alloc_after(i);
		rc = skt_verify(original.fd, "x", NULL, &verification, NULL);
		assert_int_equal(rc, failing_alloc_stop() ? -ENOMEM : 0);
		if (rc)
			continue;
		assert_int_equal(verification.verdict, SKT_WHOLE);
		skt_verification_release(&verification);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recorder_without_memory_loses_no_more_than_it_tells),
		cmocka_unit_test(an_end_that_could_not_be_written_can_be_written_later),
		cmocka_unit_test(events_are_carried_or_not),
		cmocka_unit_test(events_are_written_or_not),
		cmocka_unit_test(events_are_read_or_not),
		cmocka_unit_test(a_file_is_opened_or_not),
		cmocka_unit_test(a_damaged_file_is_opened_or_not),
		cmocka_unit_test(what_a_cursor_reads_is_right_or_told),
		cmocka_unit_test(so_is_what_a_thread_reads_ahead),
		cmocka_unit_test(a_seek_gets_there_or_tells),
		cmocka_unit_test(a_seek_out_of_range_is_told_without_memory),
		cmocka_unit_test(a_directory_is_read_or_not),
		cmocka_unit_test(a_verdict_is_right_or_none),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
