/* SPDX-License-Identifier: MIT */
#include "naive.h"
#include "random.h"
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * Timers: the column of ticks is given back exactly, a countdown that goes on is no change, and its instant comes
 * nearer to where it is.
 */

#define TICK SKT_TICK_NS
#define MS   INT64_C(1000000)

static struct skt_sock armed(uint64_t ticks, int64_t boottime)
{
	struct skt_sock sock = scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED);

	sock.timer = 2;
	skt_sock_set_ticks(&sock, ticks, boottime);
	return sock;
}

static void the_column_is_given_back_exactly(void **state)
{
	static const uint64_t corners[] = { 0, 1, 2, 99, 100, 7200 * 100, UINT32_MAX - 1, SKT_TICKS_MAX };
	struct random random = { .state = 5 };

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t ticks = i < 8 ? corners[i] : random_bits(&random) % (SKT_TICKS_MAX + UINT64_C(1));
		/* of any boot, and of a tree without that clock, where it is the time of day */
		int64_t boottime = (int64_t)(random_bits(&random) >> (1 + random_below(&random, 60)));
		struct skt_sock sock;

		if (boottime > INT64_MAX / 2)
			boottime /= 2;
		sock = armed(ticks, boottime);
		assert_int_equal(sock.has, SKT_BIT(SKT_F_REF) | SKT_BIT(SKT_F_SK) | SKT_BIT(SKT_F_TIMER_MS));
		/* to the ms, for what lies below is noise and would be stored */
		assert_true(sock.timer_expires % MS == 0);
		assert_true(skt_sock_ticks(&sock, boottime) == ticks);
		assert_true(skt_sock_timer_ms(&sock, boottime) == (int64_t)ticks * 10);
	}
}

static void a_timer_that_is_off_is_told_from_one_that_expires_now(void **state)
{
	struct skt_sock sock = armed(0, 1000);

	(void)state;
	assert_true(skt_sock_has(&sock, SKT_F_TIMER_MS));
	sock.timer = 0;
	skt_sock_set_ticks(&sock, 0, 1000);
	assert_false(skt_sock_has(&sock, SKT_F_TIMER_MS));
	assert_true(sock.timer_expires == 0);
	assert_int_equal(skt_sock_ticks(&sock, 5), 0);
	/* off, and yet a count: it is kept */
	skt_sock_set_ticks(&sock, 3, 1000);
	assert_int_equal(skt_sock_ticks(&sock, 1000), 3);
}

static void it_counts_down_and_never_below_zero(void **state)
{
	struct skt_sock sock = armed(100, 0);

	(void)state;
	for (int64_t tick = 0; tick <= 100; tick++)
		assert_int_equal(skt_sock_ticks(&sock, tick * TICK), 100 - tick);
	for (int64_t later = 1000; later < 100000; later += 7)
		assert_int_equal(skt_sock_ticks(&sock, later * MS), 0);
	assert_int_equal(skt_sock_ticks(&sock, INT64_MAX), 0);
	assert_true(skt_sock_timer_ms(&sock, INT64_MAX) == 0);
}

/* Which whole ms it is that is nearest is found by walking there. */
static void a_pull_moves_to_the_nearest_ms_that_gives_the_column(void **state)
{
	struct random random = { .state = 8 };

	(void)state;
	for (int i = 0; i < 20000; i++) {
		int64_t boottime = (int64_t)(random_bits(&random) >> (2 + random_below(&random, 60)));
		struct skt_sock sock = armed(random_below(&random, 40), boottime), near;
		int64_t later = boottime + random_below(&random, 1000000000), was, ticks, off;

		sock.timer_expires += ((int64_t)random_below(&random, 20) - 10) * MS;
		near = sock;
		was = (int64_t)skt_sock_ticks(&sock, later);
		ticks = random_below(&random, 60);
		off = ticks - was;
		assert_int_equal(skt_sock_pull_timer(&sock, off, later), off != 0);
		while ((int64_t)skt_sock_ticks(&near, later) != ticks)
			near.timer_expires += off > 0 ? MS : -MS;
		assert_true(sock.timer_expires == near.timer_expires);
	}
}

static void no_pull_gives_what_no_kernel_prints(void **state)
{
	struct skt_sock sock = armed(100, 0), none = armed(100, 0), off = { .timer = 0 };
	const int64_t expires = sock.timer_expires;

	(void)state;
	none.has &= ~SKT_BIT(SKT_F_TIMER_MS);
	assert_false(skt_sock_pull_timer(&sock, 0, 0));
	assert_false(skt_sock_pull_timer(&sock, -101, 0));
	assert_false(skt_sock_pull_timer(&sock, INT64_MIN, 0));
	assert_false(skt_sock_pull_timer(&sock, (int64_t)SKT_TICKS_MAX - 99, 0));
	assert_false(skt_sock_pull_timer(&sock, INT64_MAX, 0));
	/* a time of day is a boottime where there is none, but not one before 1970 */
	assert_false(skt_sock_pull_timer(&sock, 1, -1));
	assert_false(skt_sock_pull_timer(&none, 1, 0));
	assert_false(skt_sock_pull_timer(&off, 1, 0));
	assert_true(sock.timer_expires == expires);
	/* the last ones that one can */
	assert_true(skt_sock_pull_timer(&sock, -100, 0));
	assert_int_equal(skt_sock_ticks(&sock, 0), 0);
	assert_true(skt_sock_pull_timer(&sock, SKT_TICKS_MAX, 0));
	assert_true(skt_sock_ticks(&sock, 0) == SKT_TICKS_MAX);
}

static void instants_of_a_damaged_recording_do_not_overflow(void **state)
{
	static const int64_t instants[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX };
	static const int32_t offs[] = { INT32_MIN, -1, 0, INT32_MAX };
	struct skt_sock sock = armed(1, 0);

	(void)state;
	for (int i = 0; i < 7; i++)
		for (int k = 0; k < 7; k++)
			for (int m = 0; m < 4; m++) {
				sock.timer_expires = instants[i];
				assert_true(skt_sock_timer_ms(&sock, instants[k]) >= 0);
				if (instants[i] <= instants[k])
					assert_int_equal(skt_sock_ticks(&sock, instants[k]), 0);
				if (skt_sock_pull_timer(&sock, offs[m], instants[k]))
					assert_in_range(skt_sock_ticks(&sock, instants[k]), 0, SKT_TICKS_MAX);
			}
}

/* --- from snapshot to snapshot --- */

static struct skt_snapshot a, b;
static struct skt_matcher *matcher;
static struct skt_step step;

static int set_up(void **state)
{
	(void)state;
	scene_begin(&a, NULL, 0);
	scene_table(&a, SKT_TCP, 1);
	matcher = skt_matcher_new(11);
	skt_step_init(&step);
	return !matcher;
}

static int tear_down(void **state)
{
	(void)state;
	skt_snapshot_release(&a);
	skt_matcher_free(matcher);
	skt_step_release(&step);
	return 0;
}

/*
 * Read the row with this count, in a snapshot of the instant boottime whose table is read to its end `done` ns later.
 */
static void read_row(uint8_t timer, uint64_t ticks, int64_t boottime, int64_t done)
{
	struct skt_sock sock = scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED);
	char why[256];

	scene_begin(&b, NULL, 1);
	b.time = SCENE_TIME + boottime;
	b.boottime = boottime;
	scene_table(&b, SKT_TCP, 1);
	/* it may be read after others: a third of the time is theirs */
	b.tables[0].read_time = b.time + done / 3000 * 1000;
	b.tables[0].read_us = (uint32_t)((done - done / 3000 * 1000 + 999) / 1000);
	sock.timer = timer;
	skt_sock_set_ticks(&sock, ticks, boottime);
	scene_add(&b, sock);
	scene_end(&b);
	if (!naive_agrees(matcher, &a, &b, false, &step, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(skt_sock_ticks(&a.socks[0], boottime), ticks);
	skt_snapshot_release(&b);
}

static bool says_changed(void)
{
	return step.n_socks && step.socks[0].fields & SKT_BIT(SKT_F_TIMER_MS);
}

static void start(uint64_t ticks)
{
	scene_add(&a, armed(ticks, a.boottime));
	scene_end(&a);
}

static void a_count_a_tick_off_is_no_change(void **state)
{
	(void)state;
	for (int64_t other = -1; other < 2; other += 2) {
		start(1000);
		for (int64_t second = 1; second < 9; second++) {
			int64_t ticks = 1000 - 100 * second + (second % 3 ? other : 0);

			read_row(2, (uint64_t)ticks, a.boottime + SCENE_SECOND, 0);
			assert_int_equal(step.n_socks, 0);
		}
		tear_down(NULL);
		set_up(NULL);
	}
}

static void a_count_two_ticks_off_is_one(void **state)
{
	(void)state;
	start(1100);
	read_row(2, 1000, a.boottime + SCENE_SECOND, 0);
	read_row(2, 902, a.boottime + SCENE_SECOND, 0);
	assert_true(says_changed());
	/* and is what the next is measured by */
	read_row(2, 801, a.boottime + SCENE_SECOND, 0);
	assert_false(says_changed());
	read_row(2, 699, a.boottime + SCENE_SECOND, 0);
	assert_true(says_changed());
}

static void a_slow_read_may_be_off_by_as_much_as_it_took(void **state)
{
	(void)state;
	start(1000);
	read_row(2, 900 - 21, a.boottime + SCENE_SECOND, 200 * MS);
	assert_false(says_changed());
	/* and by as much the other way when the next one is not slow */
	read_row(2, 800, a.boottime + SCENE_SECOND, 0);
	assert_false(says_changed());
	read_row(2, 700 - 22, a.boottime + SCENE_SECOND, 200 * MS);
	assert_true(says_changed());
	read_row(2, 600 - 22, a.boottime + SCENE_SECOND, 0);
	assert_false(says_changed());
	read_row(2, 500, a.boottime + SCENE_SECOND, 0);
	assert_true(says_changed());
}

static void a_timer_armed_anew_is_a_change(void **state)
{
	(void)state;
	start(20);
	read_row(2, 20, a.boottime + SCENE_SECOND, 0);
	assert_int_equal(step.socks[0].fields, SKT_BIT(SKT_F_TIMER_MS));
}

static void another_timer_is_a_change_though_it_expires_at_the_same_instant(void **state)
{
	(void)state;
	start(1000);
	read_row(1, 900, a.boottime + SCENE_SECOND, 0);
	assert_int_equal(step.socks[0].fields, SKT_BIT(SKT_F_TIMER) | SKT_BIT(SKT_F_TIMER_MS));
}

static void a_timer_switched_off_and_on_is_a_change(void **state)
{
	const uint32_t fields = SKT_BIT(SKT_F_TIMER) | SKT_BIT(SKT_F_TIMER_MS) | SKT_BIT(SKT_F_HAS);

	(void)state;
	start(1000);
	read_row(0, 0, a.boottime + SCENE_SECOND, 0);
	assert_int_equal(step.socks[0].fields, fields);
	read_row(0, 0, a.boottime + SCENE_SECOND, 0);
	assert_int_equal(step.n_socks, 0);
	read_row(2, 500, a.boottime + SCENE_SECOND, 0);
	assert_int_equal(step.socks[0].fields, fields);
}

static void a_timer_that_has_expired_and_is_still_shown_is_no_change(void **state)
{
	(void)state;
	start(50);
	for (int i = 0; i < 20; i++) {
		read_row(2, 0, a.boottime + SCENE_SECOND, 0);
		assert_int_equal(step.n_socks, 0);
	}
}

static void a_count_once_off_is_expected_from_then_on(void **state)
{
	(void)state;
	start(1000);
	read_row(2, 901, a.boottime + SCENE_SECOND, 0);
	assert_int_equal(step.n_timers, 1);
	assert_int_equal(step.timers[0].off, 1);
	read_row(2, 801, a.boottime + SCENE_SECOND, 0);
	assert_int_equal(step.n_timers, 0);
	read_row(2, 700, a.boottime + SCENE_SECOND, 0);
	assert_int_equal(step.n_timers, 1);
	assert_int_equal(step.timers[0].off, -1);
	read_row(2, 600, a.boottime + SCENE_SECOND, 0);
	assert_int_equal(step.n_timers, 0);
}

/* A row that changed in another column while its timer was a tick off: the change says both. */
static void a_change_says_how_far_its_timer_is_off(void **state)
{
	char why[256];
	struct skt_sock sock;

	(void)state;
	start(1000);
	scene_begin(&b, NULL, 1);
	scene_table(&b, SKT_TCP, 1);
	sock = armed(901, b.boottime);
	sock.rx_queue = 5;
	scene_add(&b, sock);
	scene_end(&b);
	if (!naive_agrees(matcher, &a, &b, false, &step, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(step.socks[0].fields, SKT_BIT(SKT_F_RX_QUEUE));
	assert_int_equal(skt_sock_ticks(&step.socks[0].now, b.boottime), 901);
	skt_snapshot_release(&b);
}

/*
 * An hour's countdown, as a kernel of this HZ shows it: jiffies_delta_to_clock_t(expires - jiffies), read somewhere
 * between the snapshot's instant and the end of the table, once a second or so.
 */
static void count_down(uint64_t seed, int64_t hz, int64_t slowest)
{
	struct random random = { .state = seed };
	const int64_t jiffy = SCENE_SECOND / hz, phase = random_below(&random, (uint32_t)jiffy);
	int64_t boottime = a.boottime, changed = 0;
	int64_t expires = (boottime + 3600 * SCENE_SECOND + phase) / jiffy;

	start((uint64_t)((expires - (boottime + phase) / jiffy) * 100 / hz));
	for (int i = 0; i < 3600; i++) {
		int64_t done = slowest / 2 + random_below(&random, (uint32_t)(slowest / 2) + 1);
		int64_t late = random_below(&random, (uint32_t)done + 1), left;

		boottime += 900 * MS + random_below(&random, 200000000);
		left = expires - (boottime + late + phase) / jiffy;
		read_row(2, left > 0 ? (uint64_t)(left * 100 / hz) : 0, boottime, done);
		changed += (int64_t)step.n_socks;
	}
	if (changed)
		fail_msg("HZ %d, %d us: %d changes", (int)hz, (int)(slowest / 1000), (int)changed);
}

static void an_hours_countdown_read_3600_times_is_no_change(void **state)
{
	static const int64_t hz[] = { 100, 250, 300, 1000 };
	static const int64_t slowest[] = { 200000, 3 * MS, 9 * MS, 40 * MS, 300 * MS };

	(void)state;
	for (uint64_t i = 0; i < 4; i++)
		for (uint64_t k = 0; k < 5; k++) {
			count_down(10 * i + k, hz[i], slowest[k]);
			tear_down(NULL);
			set_up(NULL);
		}
}

/*
 * Snapshots at random points of each second, of rows whose timers run out at random instants: ticks of 10 ms are read
 * of a countdown of a kernel whose jiffies last so long (0: one that counts continuously). Returns in how many of a
 * thousand a row was off, in the snapshots behind the first k up to 2 k.
 */
static uint32_t share_off(uint64_t seed, int64_t jiffy, int k)
{
	enum { ROWS = 2000 };
	static int64_t expires[ROWS];
	struct random random = { .state = seed };
	const int64_t begin = a.boottime;
	uint64_t off = 0;

	for (int64_t i = 0; i < ROWS; i++) {
		expires[i] = begin + 3600 * SCENE_SECOND + random_below(&random, 100000000);
		if (jiffy)
			expires[i] -= expires[i] % jiffy;
	}
	for (int n = 0; n <= 2 * k; n++) {
		int64_t boottime = begin + n * SCENE_SECOND + random_below(&random, 1000000000);
		int64_t jiffies = boottime - (jiffy ? boottime % jiffy : 0);

		scene_begin(&b, NULL, n + 1);
		b.boottime = boottime;
		scene_table(&b, SKT_TCP, 1);
		for (uint16_t i = 0; i < ROWS; i++) {
			struct skt_sock sock = scene_sock(80, (uint16_t)(i + 1), i + 1, i + 1, SKT_ESTABLISHED);

			sock.timer = 2;
			skt_sock_set_ticks(&sock, (uint64_t)((expires[i] - jiffies) / TICK), boottime);
			scene_add(&b, sock);
		}
		scene_end(&b);
		assert_int_equal(skt_match(matcher, &a, &b, false, &step), 0);
		assert_int_equal(step.n_socks, n ? 0 : ROWS);
		assert_int_equal(skt_apply(&a, &step, NULL), 0);
		skt_snapshot_release(&b);
		off += n > k ? step.n_timers : 0;
	}
	return (uint32_t)(1000 * off / (uint64_t)(ROWS * k));
}

/*
 * An instant e off is read wrong where a tick ends within e: of random phases e / 10 ms are so. It is then pulled to
 * there, which is on the average half the way, so that e shrinks by e^2 / 20 ms a snapshot, and from the 2.5 ms at
 * which it begins (the middle of a tick) is at most 20 ms / (n + 8) after n. That it stands on a whole ms adds 1/2 ms
 * at most on the average. A kernel that counts jiffies shows an instant up to a jiffy late; two such, taken at random,
 * lie a third of one apart. Without the pull it is e / 10 ms = 25 % for ever.
 */
static void at_random_instants_rows_are_off_ever_less_often(void **state)
{
	static const int64_t jiffies[] = { 0, MS, 4 * MS };

	(void)state;
	for (uint64_t i = 0; i < 3; i++)
		for (int k = 5; k <= 80; k *= 4) {
			int64_t ns = 20 * MS / (k + 8) + MS / 2 + jiffies[i] / 3;
			uint32_t most = (uint32_t)(1000 * ns / TICK), found = share_off(i + 1, jiffies[i], k);

			if (found > most)
				fail_msg("jiffies of %d ms, after %d: %u of 1000 are off, not at most %u",
					 (int)(jiffies[i] / MS), k, found, most);
			tear_down(NULL);
			set_up(NULL);
		}
}

/* On the clock the phase is always the same: what was off once is not any more. */
static void at_regular_instants_a_row_is_off_once_at_most(void **state)
{
	struct random random = { .state = 4 };
	unsigned off = 0;

	(void)state;
	for (int i = 0; i < 50; i++) {
		int64_t expires = a.boottime + 100 * SCENE_SECOND + random_below(&random, 100000000), seen = 0;

		start((uint64_t)((expires - a.boottime) / TICK));
		for (int n = 1; n < 20; n++) {
			/* not the phase at which it was armed */
			int64_t boottime = SCENE_BOOTTIME + n * SCENE_SECOND + 7 * MS;

			read_row(2, (uint64_t)((expires - boottime) / TICK), boottime, 0);
			seen += (int64_t)step.n_timers;
		}
		assert_in_range(seen, 0, 1);
		off += (unsigned)seen;
		tear_down(NULL);
		set_up(NULL);
	}
	assert_in_range(off, 1, 49);
}

static void a_clock_that_was_set_does_not_hold_every_timer(void **state)
{
	char why[256];

	(void)state;
	start(100000);
	scene_begin(&b, NULL, 1);
	scene_table(&b, SKT_TCP, 1);
	/* between the snapshot's instant and the read, somebody set the clock a day forward */
	b.tables[0].read_time += 86400 * SCENE_SECOND;
	scene_add(&b, armed(50000, b.boottime));
	scene_end(&b);
	if (!naive_agrees(matcher, &a, &b, false, &step, why, sizeof(why)))
		fail_msg("%s", why);
	assert_true(says_changed());
	skt_snapshot_release(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_column_is_given_back_exactly),
		cmocka_unit_test(a_timer_that_is_off_is_told_from_one_that_expires_now),
		cmocka_unit_test(it_counts_down_and_never_below_zero),
		cmocka_unit_test(a_pull_moves_to_the_nearest_ms_that_gives_the_column),
		cmocka_unit_test(no_pull_gives_what_no_kernel_prints),
		cmocka_unit_test(instants_of_a_damaged_recording_do_not_overflow),
		TEST(a_count_a_tick_off_is_no_change),
		TEST(a_count_two_ticks_off_is_one),
		TEST(a_slow_read_may_be_off_by_as_much_as_it_took),
		TEST(a_timer_armed_anew_is_a_change),
		TEST(another_timer_is_a_change_though_it_expires_at_the_same_instant),
		TEST(a_timer_switched_off_and_on_is_a_change),
		TEST(a_timer_that_has_expired_and_is_still_shown_is_no_change),
		TEST(a_count_once_off_is_expected_from_then_on),
		TEST(a_change_says_how_far_its_timer_is_off),
		TEST(an_hours_countdown_read_3600_times_is_no_change),
		TEST(at_random_instants_rows_are_off_ever_less_often),
		TEST(at_regular_instants_a_row_is_off_once_at_most),
		TEST(a_clock_that_was_set_does_not_hold_every_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
