/* SPDX-License-Identifier: MIT */
/*
 * What is more than a group may hold is refused where it is written, and is told as what it is: a reader would not take
 * it.
 */
#include "recording.h"
#include "scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct recording recording;

static int set_up(void **state)
{
	(void)state;
	recording_begin(&recording, SKT_NS_PER_S);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	recording_release(&recording);
	return 0;
}

/*
 * The first snapshot: two tables with so many lines that are no rows. It is in force; what writing it says is returned.
 */
static int add_lines(size_t first, size_t second, struct skt_err *err)
{
	const size_t lines[] = { first, second };
	struct skt_snapshot read, *now = &recording.now;
	uint32_t text;

	scene_begin(&read, NULL, 0);
	read.number = 1;
	text = scene_string(&read, "?");
	for (uint32_t t = 0; t < 2; t++) {
		assert_int_equal(scene_table(&read, SKT_TCP, t + 1), t);
		for (size_t i = 0; i < lines[t]; i++)
			assert_int_equal(skt_table_add_raw(&read.tables[t], 0, text), 0);
	}
	scene_end(&read);
	assert_int_equal(skt_match(recording.matcher, now, &read, true, &recording.step), 0);
	assert_int_equal(skt_apply(now, &recording.step, NULL), 0);
	skt_snapshot_release(&read);
	skt_err_init(err);
	return skt_writer_add(recording.writer, now, &recording.step, err);
}

static void lines_of_all_tables_are_counted_together(void **state)
{
	struct skt_verification verification;
	struct skt_err err;

	(void)state;
	assert_int_equal(add_lines(SKT_RAW_MAX / 2, SKT_RAW_MAX / 2 + 1, &err), -E2BIG);
	assert_non_null(strstr(err.message, "exceeds what a recording may hold"));
	recording_end(&recording);
	assert_int_equal(skt_verify(recording.fd, RECORDING_NAME, NULL, &verification, &err), 0);
	assert_int_equal(verification.verdict, SKT_WHOLE);
	skt_verification_release(&verification);
}

static void as_many_lines_as_may_be_are_written_and_read(void **state)
{
	struct skt_cursor *cursor;
	struct skt_step *step;
	struct skt_file *file;
	struct skt_err err;

	(void)state;
	assert_int_equal(add_lines(SKT_RAW_MAX / 2, SKT_RAW_MAX / 2, &err), 0);
	recording_end(&recording);
	file = recording_open(&recording);
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	assert_int_equal(skt_cursor_next(cursor, &step, NULL), 1);
	assert_int_equal(skt_cursor_snapshot(cursor)->tables[1].n_raw, SKT_RAW_MAX / 2);
	skt_cursor_free(cursor);
	skt_file_free(file);
}

/* More users than a snapshot has room for, so that no copy can be made of it. */
static void what_no_copy_has_room_for_is_no_want_of_memory(void **state)
{
	const size_t n = SKT_SNAPSHOT_TIMES * (size_t)SKT_USERS_MAX + 1;
	struct skt_snapshot *now = &recording.now;
	struct skt_err err;

	(void)state;
	now->number = 1;
	now->users = calloc(n, sizeof(*now->users));
	assert_non_null(now->users);
	for (now->n_users = 0; now->n_users < n; now->n_users++)
		now->users[now->n_users].uid = (uint32_t)now->n_users;
	now->room_users = n;
	skt_err_init(&err);
	assert_int_equal(skt_writer_add(recording.writer, now, &recording.step, &err), -E2BIG);
	assert_non_null(strstr(err.message, "exceeds what a recording may hold"));
}

/* Whether or not all that is known of its tables was found before. */
static void a_snapshot_is_over_however_its_lines_came(void **state)
{
	struct skt_snapshot snapshot;

	(void)state;
	scene_begin(&snapshot, NULL, 0);
	for (uint32_t t = 0; t < 2; t++) {
		scene_table(&snapshot, SKT_TCP, t + 1);
		for (size_t i = 0; i < SKT_RAW_MAX / 2; i++)
			assert_int_equal(skt_table_add_raw(&snapshot.tables[t], 0, 0), 0);
	}
	assert_false(skt_snapshot_is_over(&snapshot));
	assert_int_equal(skt_table_add_raw(&snapshot.tables[0], 0, 0), 0);
	assert_true(skt_snapshot_is_over(&snapshot));
	skt_snapshot_release(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_of_all_tables_are_counted_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(as_many_lines_as_may_be_are_written_and_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_no_copy_has_room_for_is_no_want_of_memory, set_up, tear_down),
		cmocka_unit_test(a_snapshot_is_over_however_its_lines_came),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
