/* SPDX-License-Identifier: MIT */
/* What was looked at, and what was not: of snapshots that are written down here. */
#include <skt/coverage.h>

#include "reel.h"
#include "scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Scenes read their tables a millisecond after their second. */
#define AT(second)   (SCENE_TIME + (second)*SCENE_SECOND)
#define READ(second) (AT(second) + SCENE_SECOND / 1000)

#define OTHER 7 /* a namespace that has to wait for its turn */

struct tape {
	struct reel reel;
	struct skt_coverage coverage;
};

static void begin(struct tape *tape, uint32_t kinds)
{
	memset(tape, 0, sizeof(*tape));
	reel_init(&tape->reel);
	assert_int_equal(skt_coverage_init(&tape->coverage, kinds, 5), 0);
}

static void finish(struct tape *tape)
{
	skt_coverage_release(&tape->coverage);
	reel_release(&tape->reel);
}

/* A snapshot of this second begins: with tcp of namespace 1, unless it could not be read. */
static struct skt_snapshot *second(struct tape *tape, int64_t n, int error)
{
	scene_begin(&tape->reel.next, tape->reel.now.strings, n);
	scene_table(&tape->reel.next, SKT_TCP, 1);
	if (error) {
		tape->reel.next.tables[0].status = SKT_TABLE_UNKNOWN;
		tape->reel.next.tables[0].read_time = 0;
		tape->reel.next.tables[0].error = error;
	}
	return &tape->reel.next;
}

/* And with that of the other namespace, read or not. */
static void add_other(struct skt_snapshot *snapshot, bool read)
{
	uint32_t table = scene_table(snapshot, SKT_TCP, OTHER);

	if (read)
		return;
	snapshot->tables[table].status = SKT_TABLE_UNKNOWN;
	snapshot->tables[table].read_time = 0;
}

static void take(struct tape *tape)
{
	reel_take(&tape->reel);
	assert_int_equal(skt_coverage_step(&tape->coverage, &tape->reel.now, &tape->reel.step), 0);
}

static void end(struct tape *tape)
{
	assert_int_equal(skt_coverage_end(&tape->coverage, INT64_MIN, INT64_MAX, tape->reel.now.time), 0);
}

static void expect_blind(const struct tape *tape, int64_t after, int64_t until)
{
	assert_int_equal(tape->coverage.blind_after, after);
	assert_int_equal(tape->coverage.blind_until, until);
	assert_int_equal(skt_coverage_blind(&tape->coverage), until - after);
}

static void expect_hole(const struct tape *tape, size_t i, int kind, int64_t after, int64_t until)
{
	const struct skt_hole *hole = &tape->coverage.holes[i];

	assert_true(i < tape->coverage.n_holes);
	assert_int_equal(hole->kind, kind);
	assert_int_equal(hole->after, after);
	assert_int_equal(hole->until, until);
}

static void the_longest_interval_between_two_reads_is_blind(void **state)
{
	static const int64_t seconds[] = { 0, 1, 4, 5, 6 };
	struct tape tape;

	(void)state;
	begin(&tape, UINT32_MAX);
	for (size_t i = 0; i < 5; i++) {
		struct skt_snapshot *snapshot = second(&tape, seconds[i], 0);

		snapshot->missed = i == 2 ? 2 : 0;
		snapshot->quality.denied = i == 1 ? 9 : 3;
		take(&tape);
	}
	end(&tape);
	assert_int_equal(tape.coverage.snapshots, 5);
	assert_int_equal(tape.coverage.first, AT(0));
	assert_int_equal(tape.coverage.last, AT(6));
	assert_int_equal(tape.coverage.missed, 2);
	assert_int_equal(tape.coverage.denied, 9);
	expect_blind(&tape, READ(1), READ(4));
	assert_int_equal(tape.coverage.n_holes, 0);
	finish(&tape);
}

static void one_look_leaves_no_interval(void **state)
{
	struct tape tape;

	(void)state;
	begin(&tape, UINT32_MAX);
	second(&tape, 3, 0);
	take(&tape);
	end(&tape);
	assert_int_equal(tape.coverage.snapshots, 1);
	expect_blind(&tape, 0, 0);
	finish(&tape);
}

/* Read at 0 and 5; at 1 to 4 it waits, and what it had is stale, which is no hole. */
static void a_namespace_that_waits_for_its_turn_is_blind_meanwhile(void **state)
{
	struct tape tape;

	(void)state;
	begin(&tape, UINT32_MAX);
	for (int64_t n = 0; n < 7; n++) {
		add_other(second(&tape, n, 0), !(n % 5));
		take(&tape);
	}
	end(&tape);
	expect_blind(&tape, READ(0), READ(5));
	assert_int_equal(tape.coverage.n_holes, 0);
	finish(&tape);
}

/* Found at 2, read for the first time at 6. */
static void a_new_namespace_is_blind_until_its_first_turn(void **state)
{
	struct tape tape;

	(void)state;
	begin(&tape, UINT32_MAX);
	for (int64_t n = 0; n < 8; n++) {
		struct skt_snapshot *snapshot = second(&tape, n, 0);

		if (n >= 2)
			add_other(snapshot, n >= 6);
		take(&tape);
	}
	end(&tape);
	expect_blind(&tape, AT(1), READ(6));
	assert_int_equal(tape.coverage.n_holes, 0);
	finish(&tape);
}

static void a_namespace_that_had_no_turn_is_a_hole(void **state)
{
	struct tape tape;

	(void)state;
	begin(&tape, UINT32_MAX);
	for (int64_t n = 0; n < 4; n++) {
		struct skt_snapshot *snapshot = second(&tape, n, 0);

		if (n == 1 || n == 2)
			add_other(snapshot, false);
		take(&tape);
	}
	end(&tape);
	assert_int_equal(tape.coverage.n_holes, 1);
	expect_hole(&tape, 0, SKT_HOLE_UNREAD, AT(0), AT(3));
	assert_int_equal(tape.coverage.holes[0].net_namespace, OTHER);
	finish(&tape);
}

/* Denied at 2 and 3, and again from 6 on. */
static void a_table_that_could_not_be_read_is_a_hole_from_read_to_read(void **state)
{
	struct tape tape;

	(void)state;
	begin(&tape, UINT32_MAX);
	for (int64_t n = 0; n < 8; n++) {
		second(&tape, n, n == 2 || n == 3 || n >= 6 ? -EACCES : 0);
		take(&tape);
	}
	end(&tape);
	assert_int_equal(tape.coverage.n_holes, 2);
	expect_hole(&tape, 0, SKT_HOLE_TABLE, READ(1), READ(4));
	assert_int_equal(tape.coverage.holes[0].error, -EACCES);
	assert_int_equal(tape.coverage.holes[0].table, SKT_TCP);
	expect_hole(&tape, 1, SKT_HOLE_TABLE, READ(5), AT(7));
	finish(&tape);
}

static void tables_that_are_not_asked_about_are_no_holes(void **state)
{
	struct tape tape;

	(void)state;
	begin(&tape, 1u << SKT_UDP);
	for (int64_t n = 0; n < 4; n++) {
		scene_table(second(&tape, n, n ? -EACCES : 0), SKT_UDP, 1);
		take(&tape);
	}
	end(&tape);
	assert_int_equal(tape.coverage.n_holes, 0);
	expect_blind(&tape, READ(0), READ(1));
	finish(&tape);
}

/* Snapshots 0 and 1, a gap, 5 and 6. */
static void a_gap_is_a_hole_and_blind(void **state)
{
	static const int64_t seconds[] = { 0, 1, 5, 6 };
	struct tape tape;

	(void)state;
	begin(&tape, UINT32_MAX);
	for (size_t i = 0; i < 4; i++) {
		second(&tape, seconds[i], 0);
		if (i == 2) {
			skt_coverage_lost(&tape.coverage);
			tape.reel.gap = true;
		}
		take(&tape);
	}
	end(&tape);
	assert_int_equal(tape.coverage.n_holes, 1);
	expect_hole(&tape, 0, SKT_HOLE_LOST, AT(1), AT(5));
	expect_blind(&tape, READ(1), READ(5));
	finish(&tape);
}

static void what_is_lost_at_the_end_has_no_end(void **state)
{
	struct tape tape;

	(void)state;
	begin(&tape, UINT32_MAX);
	second(&tape, 0, 0);
	take(&tape);
	skt_coverage_lost(&tape.coverage);
	end(&tape);
	assert_int_equal(tape.coverage.n_holes, 1);
	expect_hole(&tape, 0, SKT_HOLE_LOST, AT(0), INT64_MAX);
	finish(&tape);
}

/* Asked about 2 to 9: there are snapshots from 3 to 5, the last one in force until 6. */
static void what_lies_outside_the_recording_is_a_hole(void **state)
{
	struct tape tape;

	(void)state;
	begin(&tape, UINT32_MAX);
	for (int64_t n = 3; n <= 5; n++) {
		second(&tape, n, 0);
		take(&tape);
	}
	assert_int_equal(skt_coverage_end(&tape.coverage, AT(2), AT(9), AT(6)), 0);
	assert_int_equal(tape.coverage.n_holes, 2);
	expect_hole(&tape, 0, SKT_HOLE_OUTSIDE, AT(2), AT(3));
	expect_hole(&tape, 1, SKT_HOLE_OUTSIDE, AT(6), AT(9));
	finish(&tape);
}

static void holes_beyond_a_limit_are_counted(void **state)
{
	struct tape tape;

	(void)state;
	begin(&tape, UINT32_MAX);
	for (int64_t n = 0; n < 2 * SKT_HOLES_MAX + 10; n++) {
		second(&tape, n, n % 2 ? -EIO : 0);
		take(&tape);
	}
	end(&tape);
	assert_int_equal(tape.coverage.n_holes, SKT_HOLES_MAX);
	assert_int_equal(tape.coverage.more_holes, 5);
	finish(&tape);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_interval_between_two_reads_is_blind),
		cmocka_unit_test(one_look_leaves_no_interval),
		cmocka_unit_test(a_namespace_that_waits_for_its_turn_is_blind_meanwhile),
		cmocka_unit_test(a_new_namespace_is_blind_until_its_first_turn),
		cmocka_unit_test(a_namespace_that_had_no_turn_is_a_hole),
		cmocka_unit_test(a_table_that_could_not_be_read_is_a_hole_from_read_to_read),
		cmocka_unit_test(tables_that_are_not_asked_about_are_no_holes),
		cmocka_unit_test(a_gap_is_a_hole_and_blind),
		cmocka_unit_test(what_is_lost_at_the_end_has_no_end),
		cmocka_unit_test(what_lies_outside_the_recording_is_a_hole),
		cmocka_unit_test(holes_beyond_a_limit_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
