/* SPDX-License-Identifier: MIT */
#include "random.h"
#include "two.h"

#include <skt/step.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Match and apply are linear in the rows, also in the worst of rows. A quadratic step over 100,000 rows would take
 * minutes: the alarm ends it. Times are printed, not asserted.
 */

enum { LIMIT = 60, MANY = 100000 };

static int set_up(void **state)
{
	(void)state;
	two_begin();
	alarm(LIMIT);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	alarm(0);
	two_end();
	return 0;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Match and apply, and see that a is b then. */
static void go(const char *what)
{
	double start = now_ms(), matched, applied;
	size_t rows = b.n_socks;
	char why[200];

	assert_int_equal(skt_match(matcher, &a, &b, false, &step), 0);
	matched = now_ms();
	assert_int_equal(skt_apply(&a, &step, NULL), 0);
	applied = now_ms();
	print_message("# %zu rows, %s: match %.1f ms, apply %.1f ms, %zu changes, %zu puts\n", rows, what,
		      matched - start, applied - matched, step.n_socks, step.n_puts);
	if (!skt_snapshot_equal(&a, &b, why, sizeof(why)) || !scene_is_whole(&a, why, sizeof(why)))
		fail_msg("%s", why);
}

static void finish(void)
{
	scene_end(&a);
	scene_end(&b);
}

/* A server's connections, one row in a hundred replaced. */
static void churn(uint32_t n, bool sk)
{
	struct random random = { .state = 1 };

	for (uint32_t i = 0; i < n; i++) {
		struct skt_sock sock =
			scene_sock(443, (uint16_t)i, 100000 + i, sk ? random_bits(&random) : 0, SKT_ESTABLISHED);

		sock.remote_address[0] = (uint8_t)(i >> 16);
		sock.timer = 2;
		skt_sock_set_ticks(&sock, i, a.boottime);
		scene_add(&a, sock);
		if (random_one_in(&random, 100)) {
			sock.inode += n;
			sock.sk = sk ? random_bits(&random) : 0;
			sock.remote_port = (uint16_t)random_bits(&random);
		}
		skt_sock_set_ticks(&sock, i > 100 ? i - 100 + random_below(&random, 3) - 1 : 0, b.boottime);
		scene_add(&b, sock);
	}
	finish();
	go(sk ? "1 % churn" : "1 % churn, no sk");
	assert_in_range(step.n_socks, n / 100, n / 25);
}

static void churn_is_matched_in_linear_time(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		churn(i % 2 ? MANY : MANY / 2, i < 2);
		tear_down(NULL);
		set_up(NULL);
	}
}

static void every_row_may_have_the_same_ends_and_no_inode(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		struct skt_sock sock = scene_sock(80, 80, 0, 0, SKT_SYN_RECV);

		sock.rx_queue = i;
		scene_add(&a, sock);
		sock.rx_queue = i / 2;
		scene_add(&b, sock);
	}
	finish();
	go("all alike");
}

static void every_row_may_have_the_same_ends_and_another_inode(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		scene_add(&a, scene_sock(80, 80, 1 + i, 0, SKT_LISTEN));
		scene_add(&b, scene_sock(80, 80, MANY - i, 0, SKT_LISTEN));
	}
	finish();
	go("the same ends, from the last to the first");
	assert_int_equal(step.n_socks, 0);
	assert_int_equal(step.n_puts, MANY - 1);
}

static void every_row_may_have_the_same_ends_and_lose_its_inode(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		scene_add(&a, scene_sock(80, 80, 1 + i, i % 3, SKT_ESTABLISHED));
		scene_add(&b, scene_sock(80, 80, 0, i % 5, SKT_FIN_WAIT1));
	}
	finish();
	go("the same ends, all inodes lost");
	tear_down(NULL);
	set_up(NULL);
	for (uint32_t i = 0; i < MANY; i++) {
		scene_add(&a, scene_sock(80, 80, 0, i % 3, SKT_ESTABLISHED));
		scene_add(&b, scene_sock(80, 80, 1 + i, i % 5, SKT_ESTABLISHED));
	}
	finish();
	go("the same ends, all inodes gained");
}

static void every_row_may_change_its_kind_in_time_wait(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		scene_add(&a, scene_sock(80, 80, 0, 0, i % 2 ? SKT_TIME_WAIT : SKT_FIN_WAIT2));
		scene_add(&b, scene_sock(80, 80, 0, 0, i % 3 ? SKT_TIME_WAIT : SKT_ESTABLISHED));
	}
	finish();
	go("the same ends, half of them over");
}

static void every_row_may_be_another(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		scene_add(&a, scene_sock((uint16_t)i, 80, 1 + i, 1 + i, SKT_ESTABLISHED));
		scene_add(&b, scene_sock((uint16_t)i, 81, 1 + i, 1 + i, SKT_ESTABLISHED));
	}
	finish();
	go("all gone, all new");
	assert_int_equal(step.n_socks, 2 * MANY);
}

static void every_row_may_stand_elsewhere(void **state)
{
	struct random random = { .state = 2 };
	uint32_t *order = malloc(MANY * sizeof(*order));

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		order[i] = i;
		scene_add(&a, scene_sock((uint16_t)i, 80, 1 + i, 1 + i, SKT_ESTABLISHED));
	}
	random_shuffle(&random, order, MANY);
	for (uint32_t i = 0; i < MANY; i++)
		scene_add(&b, a.socks[order[i]]);
	free(order);
	finish();
	go("shuffled");
	assert_int_equal(step.n_socks, 0);
}

/* In every second place another row, so that walking side by side falls out of step all the time. */
static void rows_may_come_and_go_everywhere(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		scene_add(i % 3 ? &a : &b, scene_sock((uint16_t)i, 1, 1 + i, 1 + i, SKT_ESTABLISHED));
		scene_add(&a, scene_sock((uint16_t)i, 2, 1 + i, 1 + i, SKT_ESTABLISHED));
		scene_add(&b, scene_sock((uint16_t)i, 2, 1 + i, 1 + i, SKT_ESTABLISHED));
	}
	finish();
	go("half of them come or gone");
	assert_int_equal(step.n_puts, (MANY + 2) / 3);
}

static void every_process_may_hold_every_socket(void **state)
{
	enum { PROCESSES = 1000, ROWS = 1000 };
	struct skt_owner owners[PROCESSES];

	(void)state;
	for (uint32_t i = 0; i < PROCESSES; i++) {
		scene_process(&a, i, 1, "a");
		scene_process(&b, PROCESSES - 1 - i, 1, "b");
		owners[i] = (struct skt_owner){ .process = i, .fd = 3 };
	}
	for (uint16_t i = 0; i < ROWS; i++) {
		scene_own(&a, scene_add(&a, scene_sock(i, 1, 1 + i, 0, SKT_LISTEN)), owners, PROCESSES);
		scene_own(&b, scene_add(&b, scene_sock(i, 1, 1 + i, 0, SKT_LISTEN)), owners, PROCESSES);
	}
	finish();
	go("a million owners");
}

static void there_may_be_very_many_tables_and_processes(void **state)
{
	enum { TABLES = 30000 };

	(void)state;
	for (uint32_t i = 1; i < TABLES; i++) {
		scene_table(&a, i % SKT_TABLE_KINDS, 2 + i);
		scene_table(&b, (TABLES - i) % SKT_TABLE_KINDS, 2 + TABLES - i);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		/* pids and start times that differ in one bit or two */
		scene_process(&a, i, i, "x");
		scene_process(&b, i, i + i % 2, "x");
	}
	for (uint16_t i = 0; i < TABLES; i++) {
		struct skt_sock sock = scene_sock(i, 1, 1 + i, 0, SKT_LISTEN);

		sock.table = i;
		scene_add(&a, sock);
		sock.local_port++;
		scene_add(&b, sock);
	}
	finish();
	/* the reference check of 30,000 tables costs the square itself: only the two calls are timed here */
	assert_int_equal(skt_match(matcher, &a, &b, false, &step), 0);
	assert_int_equal(skt_apply(&a, &step, NULL), 0);
	assert_true(skt_snapshot_equal(&a, &b, NULL, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(churn_is_matched_in_linear_time),
		TEST(every_row_may_have_the_same_ends_and_no_inode),
		TEST(every_row_may_have_the_same_ends_and_another_inode),
		TEST(every_row_may_have_the_same_ends_and_lose_its_inode),
		TEST(every_row_may_change_its_kind_in_time_wait),
		TEST(every_row_may_be_another),
		TEST(every_row_may_stand_elsewhere),
		TEST(rows_may_come_and_go_everywhere),
		TEST(every_process_may_hold_every_socket),
		TEST(there_may_be_very_many_tables_and_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
