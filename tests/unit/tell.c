/* SPDX-License-Identifier: MIT */
/* Which row a notice is about. Scenes of two snapshots a second apart; table 0 is read a millisecond after each. */
#include "proc/tell.h"
#include "two.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS INT64_C(1000000)

static struct tell tell;
static bool last; /* the next look is */

static int set_up(void **state)
{
	(void)state;
	two_begin();
	memset(&tell, 0, sizeof(tell));
	last = false;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	two_end();
	tell_release(&tell);
	return 0;
}

/* Somebody was told, at this many ms of the first snapshot, of a row like this. */
static void hear(int64_t ms, struct skt_sock sock)
{
	struct notice notice = { .net_namespace = 1, .kind = SKT_TCP };
	struct notice *more = realloc(tell.waiting, (tell.n_waiting + 1) * sizeof(*more));

	notice.event = (struct skt_event){ .when = SCENE_TIME + ms * MS,
					   .source = SKT_SOURCE_DESTROY,
					   .change = SKT_CLOSED,
					   .slot = SKT_NO_SLOT,
					   .local_port = sock.local_port,
					   .remote_port = sock.remote_port,
					   .has = sock.remote_port ? SKT_BIT(SKT_E_REMOTE_PORT) : 0 };
	memcpy(notice.event.local_address, sock.local_address, 16);
	memcpy(notice.event.remote_address, sock.remote_address, 16);
	assert_non_null(more);
	tell.waiting = more;
	tell.waiting[tell.n_waiting++] = notice;
	tell.room_waiting = tell.n_waiting;
}

/* After a reset by this end. */
static void hear_reset(int64_t ms, struct skt_sock sock)
{
	sock.remote_port = 0;
	memset(sock.local_address, 0, 16);
	hear(ms, sock);
}

/* From a to b; a is b afterwards. */
static void go(void)
{
	struct skt_err err;

	skt_err_init(&err);
	scene_end(&b);
	if (!a.tables[0].order)
		scene_end(&a);
	assert_int_equal(skt_match(matcher, &a, &b, false, &step), 0);
	assert_int_equal(skt_apply(&a, &step, &err), 0);
	assert_int_equal(tell_step(&tell, &a, &step, last), 0);
}

static void next(int64_t second)
{
	skt_snapshot_release(&b);
	scene_begin(&b, NULL, second);
	scene_table(&b, SKT_TCP, 1);
}

static void expect(size_t i, int64_t ms, uint32_t slot)
{
	assert_true(i < step.n_events);
	assert_true(step.events[i].when == SCENE_TIME + ms * MS);
	assert_int_equal(step.events[i].slot, slot);
}

static struct skt_sock one(void)
{
	return scene_sock(1000, 80, 500, 0xaa, SKT_ESTABLISHED);
}

static void a_row_that_closed_is_told_of_with_what_it_had(void **state)
{
	struct skt_sock sock = one();
	uint32_t slot;

	(void)state;
	sock.uid = 33;
	slot = scene_add(&a, sock);
	hear(500, sock);
	go();
	assert_int_equal(step.n_events, 1);
	expect(0, 500, slot);
	assert_int_equal(step.events[0].uid, 33);
	assert_int_equal(step.events[0].inode, 500);
	assert_int_equal(step.events[0].has, SKT_BIT(SKT_E_REMOTE_PORT) | SKT_BIT(SKT_E_UID) | SKT_BIT(SKT_E_INODE));
}

static void a_row_that_became_time_wait_is_told_of(void **state)
{
	uint32_t slot = scene_add(&a, one());

	(void)state;
	scene_add(&b, scene_sock(1000, 80, 0, 0xbb, SKT_TIME_WAIT));
	hear(500, one());
	go();
	assert_int_equal(step.n_events, 1);
	expect(0, 500, slot);
}

static void one_that_came_as_time_wait_is_told_of(void **state)
{
	uint32_t slot = scene_add(&b, scene_sock(1000, 80, 0, 0xbb, SKT_TIME_WAIT));

	(void)state;
	hear(500, one());
	go();
	assert_int_equal(step.n_events, 1);
	expect(0, 500, slot);
	assert_false(step.events[0].has & SKT_BIT(SKT_E_INODE));
}

static void one_that_no_look_has_seen_has_no_row(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(1001, 80, 501, 0xab, SKT_ESTABLISHED));
	scene_add(&b, scene_sock(1001, 80, 501, 0xab, SKT_ESTABLISHED));
	hear(500, one());
	go();
	assert_int_equal(step.n_events, 1);
	expect(0, 500, SKT_NO_SLOT);
	assert_false(step.events[0].has & SKT_BIT(SKT_E_LATE));
}

static void a_connection_on_the_ends_of_one_in_time_wait_is_another(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(1000, 80, 0, 0xaa, SKT_TIME_WAIT));
	scene_add(&b, scene_sock(1000, 80, 0, 0xbb, SKT_TIME_WAIT));
	hear(500, one());
	go();
	assert_int_equal(step.n_events, 1);
	expect(0, 500, SKT_NO_SLOT);
}

static void what_is_heard_after_the_table_was_read_waits_for_the_next_look(void **state)
{
	uint32_t slot;

	(void)state;
	slot = scene_add(&a, one());
	scene_add(&b, one());
	b.end = SCENE_TIME + 1100 * MS;
	hear(1050, one());
	go();
	assert_int_equal(step.n_events, 0);
	next(2);
	go();
	assert_int_equal(step.n_events, 1);
	expect(0, 1050, slot);
}

static void but_not_if_its_row_closed_already(void **state)
{
	uint32_t slot = scene_add(&a, one());

	(void)state;
	b.end = SCENE_TIME + 1100 * MS;
	hear(1050, one());
	go();
	assert_int_equal(step.n_events, 1);
	expect(0, 1050, slot);
}

static void nor_for_a_clock_that_was_set_back(void **state)
{
	(void)state;
	hear(3600000, one());
	go();
	assert_int_equal(step.n_events, 1);
}

static void what_is_heard_a_step_late_was_seen_but_has_no_row_any_more(void **state)
{
	struct skt_sock sock = one();

	(void)state;
	sock.uid = 33;
	scene_add(&a, sock);
	go();
	assert_int_equal(step.n_events, 0);
	next(2);
	hear(1200, sock);
	hear(1300, sock);
	go();
	assert_int_equal(step.n_events, 2);
	expect(0, 1200, SKT_NO_SLOT);
	assert_true(step.events[0].has & SKT_BIT(SKT_E_LATE));
	assert_int_equal(step.events[0].uid, 33);
	/* that was one; this is another */
	expect(1, 1300, SKT_NO_SLOT);
	assert_false(step.events[1].has & SKT_BIT(SKT_E_LATE));
}

static void nobody_is_remembered_for_long(void **state)
{
	(void)state;
	scene_add(&a, one());
	go();
	for (int64_t second = 2; second < 9; second++) {
		next(second);
		go();
	}
	next(9);
	hear(8500, one());
	go();
	assert_int_equal(step.n_events, 1);
	assert_false(step.events[0].has & SKT_BIT(SKT_E_LATE));
	assert_int_equal(tell.n_rows, 0);
}

static void a_reset_is_that_of_the_only_row_that_fits(void **state)
{
	uint32_t slot = scene_add(&a, one());

	(void)state;
	scene_add(&a, scene_sock(1001, 80, 501, 0xab, SKT_ESTABLISHED));
	hear_reset(500, one());
	go();
	assert_int_equal(step.n_events, 1);
	expect(0, 500, slot);
	assert_int_equal(step.events[0].remote_port, 80);
	assert_true(step.events[0].has & SKT_BIT(SKT_E_REMOTE_PORT));
	assert_memory_equal(step.events[0].local_address, one().local_address, 16);
}

static void of_two_that_fit_neither_is_guessed(void **state)
{
	(void)state;
	scene_add(&a, one());
	scene_add(&a, scene_sock(1000, 81, 501, 0xab, SKT_ESTABLISHED));
	hear_reset(500, one());
	go();
	assert_int_equal(step.n_events, 1);
	expect(0, 500, SKT_NO_SLOT);
	assert_false(step.events[0].has & SKT_BIT(SKT_E_REMOTE_PORT));
}

static void a_row_whose_own_notice_came_is_not_taken_for_the_reset(void **state)
{
	uint32_t reset, closed;

	(void)state;
	reset = scene_add(&a, one());
	closed = scene_add(&a, scene_sock(1000, 81, 501, 0xab, SKT_ESTABLISHED));
	hear_reset(400, one());
	hear(500, scene_sock(1000, 81, 0, 0, SKT_CLOSE));
	go();
	assert_int_equal(step.n_events, 2);
	expect(0, 400, reset);
	expect(1, 500, closed);
}

static void events_stand_by_instant_whoever_told_first(void **state)
{
	(void)state;
	hear(700, one());
	hear(300, scene_sock(1001, 80, 0, 0, SKT_CLOSE));
	hear(500, scene_sock(1002, 80, 0, 0, SKT_CLOSE));
	go();
	assert_int_equal(step.n_events, 3);
	expect(0, 300, SKT_NO_SLOT);
	expect(1, 500, SKT_NO_SLOT);
	expect(2, 700, SKT_NO_SLOT);
}

static void a_stale_table_is_waited_for(void **state)
{
	uint32_t slot;

	(void)state;
	slot = scene_add(&a, one());
	b.tables[0].status = SKT_TABLE_UNKNOWN;
	b.tables[0].read_time = 0;
	hear(500, one());
	go();
	assert_int_equal(step.n_events, 0);
	next(2);
	go();
	assert_int_equal(step.n_events, 1);
	expect(0, 500, slot);
}

static void what_is_in_no_table_that_is_recorded_is_not_told(void **state)
{
	(void)state;
	hear(500, one());
	tell.waiting[0].net_namespace = 2;
	go();
	assert_int_equal(step.n_events, 0);
	assert_int_equal(tell.n_waiting, 0);
}

static void what_went_before_the_first_snapshot_is_not_recorded(void **state)
{
	struct skt_snapshot nothing;
	struct skt_err err;

	(void)state;
	skt_err_init(&err);
	scene_add(&b, scene_sock(1000, 80, 0, 0xbb, SKT_TIME_WAIT));
	scene_end(&b);
	hear(500, one());
	assert_int_equal(skt_snapshot_init(&nothing, NULL, 1), 0);
	assert_int_equal(skt_match(matcher, &nothing, &b, true, &step), 0);
	assert_int_equal(skt_apply(&nothing, &step, &err), 0);
	assert_int_equal(tell_step(&tell, &nothing, &step, false), 0);
	assert_int_equal(step.n_events, 0);
	assert_int_equal(tell.n_waiting, 0);
	skt_snapshot_release(&nothing);
}

static void after_the_last_look_a_row_that_is_still_listed_is_told_of(void **state)
{
	struct skt_sock sock = one();
	uint32_t slot;

	(void)state;
	slot = scene_add(&a, sock);
	scene_add(&b, sock);
	scene_add(&b, scene_sock(1001, 80, 501, 0xab, SKT_ESTABLISHED));
	b.end = SCENE_TIME + 1100 * MS;
	hear(1050, sock);
	/* came and went after its table was read */
	hear(1060, scene_sock(1002, 80, 0, 0, SKT_CLOSE));
	last = true;
	go();
	assert_int_equal(step.n_events, 2);
	expect(0, 1050, slot);
	assert_int_equal(step.events[0].inode, 500);
	expect(1, 1060, SKT_NO_SLOT);
	assert_int_equal(tell.n_waiting, 0);
}

static void then_too_one_heard_before_its_table_was_read_is_another(void **state)
{
	(void)state;
	/* the ends of one that was told of, taken again before the look */
	scene_add(&b, one());
	hear(500, one());
	last = true;
	go();
	assert_int_equal(step.n_events, 1);
	expect(0, 500, SKT_NO_SLOT);
}

static void and_a_reset_is_that_of_the_only_listed_row_that_fits(void **state)
{
	uint32_t slot = scene_add(&a, one());

	(void)state;
	scene_add(&b, one());
	/* what is left of a connection has no socket */
	scene_add(&b, scene_sock(1000, 81, 0, 0xcc, SKT_TIME_WAIT));
	b.end = SCENE_TIME + 1100 * MS;
	hear_reset(1050, one());
	last = true;
	go();
	assert_int_equal(step.n_events, 1);
	expect(0, 1050, slot);
	assert_int_equal(step.events[0].remote_port, 80);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_row_that_closed_is_told_of_with_what_it_had),
		TEST(a_row_that_became_time_wait_is_told_of),
		TEST(one_that_came_as_time_wait_is_told_of),
		TEST(one_that_no_look_has_seen_has_no_row),
		TEST(a_connection_on_the_ends_of_one_in_time_wait_is_another),
		TEST(what_is_heard_after_the_table_was_read_waits_for_the_next_look),
		TEST(but_not_if_its_row_closed_already),
		TEST(nor_for_a_clock_that_was_set_back),
		TEST(what_is_heard_a_step_late_was_seen_but_has_no_row_any_more),
		TEST(nobody_is_remembered_for_long),
		TEST(a_reset_is_that_of_the_only_row_that_fits),
		TEST(of_two_that_fit_neither_is_guessed),
		TEST(a_row_whose_own_notice_came_is_not_taken_for_the_reset),
		TEST(events_stand_by_instant_whoever_told_first),
		TEST(a_stale_table_is_waited_for),
		TEST(what_is_in_no_table_that_is_recorded_is_not_told),
		TEST(what_went_before_the_first_snapshot_is_not_recorded),
		TEST(after_the_last_look_a_row_that_is_still_listed_is_told_of),
		TEST(then_too_one_heard_before_its_table_was_read_is_another),
		TEST(and_a_reset_is_that_of_the_only_listed_row_that_fits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
