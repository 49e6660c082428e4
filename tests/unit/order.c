/* SPDX-License-Identifier: MIT */
#include "random.h"
#include "scene.h"

#include <skt/step.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The order of a table's rows is told by the fewest moves. Rows here are numbers: their inodes. */

static struct skt_matcher *matcher;
static struct skt_step step;

static int set_up(void **state)
{
	(void)state;
	matcher = skt_matcher_new(3);
	skt_step_init(&step);
	return !matcher;
}

static int tear_down(void **state)
{
	(void)state;
	skt_matcher_free(matcher);
	skt_step_release(&step);
	return 0;
}

static void fill(struct skt_snapshot *s, int64_t second, const uint32_t *rows, size_t n)
{
	scene_begin(s, NULL, second);
	scene_table(s, SKT_TCP, 1);
	for (size_t i = 0; i < n; i++)
		scene_add(s, scene_sock(80, (uint16_t)rows[i], rows[i], rows[i], SKT_ESTABLISHED));
	scene_end(s);
}

/* Lead the rows of old to those of now. */
static void reorder(const uint32_t *old, size_t n_old, const uint32_t *now, size_t n_now)
{
	struct skt_snapshot a, b;
	char why[200];

	fill(&a, 0, old, n_old);
	fill(&b, 1, now, n_now);
	assert_int_equal(skt_match(matcher, &a, &b, false, &step), 0);
	assert_int_equal(skt_apply(&a, &step, NULL), 0);
	if (!skt_snapshot_equal(&a, &b, why, sizeof(why)) || !scene_is_whole(&a, why, sizeof(why)))
		fail_msg("%s", why);
	skt_snapshot_release(&a);
	skt_snapshot_release(&b);
}

static void assert_edit(size_t i, uint32_t keep, uint32_t drop, uint32_t put)
{
	assert_true(i < step.n_edits);
	assert_int_equal(step.edits[i].keep, keep);
	assert_int_equal(step.edits[i].drop, drop);
	assert_int_equal(step.edits[i].put, put);
}

enum { N = 1000 };

static void count(uint32_t rows[N])
{
	for (uint32_t i = 0; i < N; i++)
		rows[i] = i + 1;
}

static void what_keeps_its_order_needs_no_edit(void **state)
{
	uint32_t rows[N];

	(void)state;
	count(rows);
	reorder(rows, N, rows, N);
	assert_int_equal(step.n_edits, 0);
	assert_int_equal(step.n_puts, 0);
	reorder(NULL, 0, NULL, 0);
	assert_int_equal(step.n_edits, 0);
}

static void a_row_moved_to_the_front_is_put_once(void **state)
{
	uint32_t old[N], now[N];

	(void)state;
	count(old);
	now[0] = old[N - 1];
	memcpy(now + 1, old, (N - 1) * sizeof(*old));
	reorder(old, N, now, N);
	assert_int_equal(step.n_puts, 1);
	assert_int_equal(step.puts[0], N - 1);
	assert_int_equal(step.n_edits, 2);
	assert_edit(0, 0, 0, 1);
	assert_edit(1, N - 1, 1, 0);
}

static void a_row_moved_to_the_end_is_put_once(void **state)
{
	uint32_t old[N], now[N];

	(void)state;
	count(old);
	now[N - 1] = old[0];
	memcpy(now, old + 1, (N - 1) * sizeof(*old));
	reorder(old, N, now, N);
	assert_int_equal(step.n_puts, 1);
	assert_int_equal(step.n_edits, 2);
	assert_edit(0, 0, 1, 0);
	assert_edit(1, N - 1, 0, 1);
}

static void a_row_replaced_in_its_place_is_one_edit(void **state)
{
	uint32_t old[N], now[N];

	(void)state;
	count(old);
	count(now);
	now[500] = 5000;
	reorder(old, N, now, N);
	assert_int_equal(step.n_edits, 1);
	assert_edit(0, 500, 0, 1);
	assert_int_equal(step.puts[0], N);
}

static void rows_that_are_gone_need_no_edit(void **state)
{
	uint32_t old[N], now[N];

	(void)state;
	count(old);
	reorder(old, N, old, 300);
	assert_int_equal(step.n_edits, 0);
	reorder(old, N, old + 300, N - 300);
	assert_int_equal(step.n_edits, 0);
	for (uint32_t i = 0; i < N / 2; i++)
		now[i] = old[2 * i + 1];
	reorder(old, N, now, N / 2);
	assert_int_equal(step.n_edits, 0);
}

/* Of 1 2 3 ... 1000 every third is gone, 1 moves to the end, and 5000 comes before 500. */
static void what_is_kept_is_counted_without_rows_that_are_gone(void **state)
{
	uint32_t old[N], now[N];
	size_t n = 0, before = 0;

	(void)state;
	count(old);
	for (uint32_t row = 2; row <= N; row++) {
		if (row % 3 == 0)
			continue;
		before += row < 500;
		if (row == 500)
			now[n++] = 5000;
		now[n++] = row;
	}
	now[n++] = 1;
	reorder(old, N, now, n);
	assert_int_equal(step.n_edits, 3);
	assert_edit(0, 0, 1, 0);
	assert_edit(1, (uint32_t)before, 0, 1);
	assert_edit(2, (uint32_t)(n - before - 2), 0, 1);
}

static void rows_that_come_in_a_run_are_one_edit(void **state)
{
	uint32_t old[N];

	(void)state;
	count(old);
	reorder(old, 300, old, N);
	assert_int_equal(step.n_edits, 1);
	assert_edit(0, 300, 0, N - 300);
}

static void a_table_may_become_empty_or_begin_so(void **state)
{
	uint32_t rows[N];

	(void)state;
	count(rows);
	reorder(rows, N, NULL, 0);
	assert_int_equal(step.n_edits, 0);
	reorder(NULL, 0, rows, N);
	assert_int_equal(step.n_edits, 1);
	assert_edit(0, 0, 0, N);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(step.puts[i], i);
}

static void two_rows_exchanged_put_one(void **state)
{
	uint32_t old[N], now[N];

	(void)state;
	count(old);
	count(now);
	now[10] = old[11];
	now[11] = old[10];
	reorder(old, N, now, N);
	assert_int_equal(step.n_puts, 1);
}

static void of_rows_reversed_one_stays(void **state)
{
	uint32_t old[N], now[N];

	(void)state;
	count(old);
	for (uint32_t i = 0; i < N; i++)
		now[i] = old[N - 1 - i];
	reorder(old, N, now, N);
	assert_int_equal(step.n_puts, N - 1);
}

static void a_block_moved_is_put_or_what_it_passed_is(void **state)
{
	uint32_t old[N], now[N];

	(void)state;
	count(old);
	memcpy(now, old + 900, 100 * sizeof(*old));
	memcpy(now + 100, old, 900 * sizeof(*old));
	reorder(old, N, now, N);
	assert_int_equal(step.n_puts, 100);
	memcpy(now, old + 100, 900 * sizeof(*old));
	memcpy(now + 900, old, 100 * sizeof(*old));
	reorder(old, N, now, N);
	assert_int_equal(step.n_puts, 100);
}

/* The longest rising run, by dynamic programming. */
static size_t longest(const uint32_t *rows, size_t n)
{
	uint32_t run[N], best = 0;

	for (size_t i = 0; i < n; i++) {
		run[i] = 1;
		for (size_t k = 0; k < i; k++)
			if (rows[k] < rows[i] && run[k] >= run[i])
				run[i] = run[k] + 1;
		best = run[i] > best ? run[i] : best;
	}
	return best;
}

static void any_permutation_is_reached_by_the_fewest_puts(void **state)
{
	struct random random = { .state = 6 };
	uint32_t old[N], now[N];

	(void)state;
	count(old);
	for (int i = 0; i < 300; i++) {
		size_t n = 1 + random_below(&random, i < 290 ? 40 : N);

		count(now);
		random_shuffle(&random, now, n);
		reorder(old, n, now, n);
		assert_int_equal(step.n_puts, n - longest(now, n));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_keeps_its_order_needs_no_edit),
		TEST(a_row_moved_to_the_front_is_put_once),
		TEST(a_row_moved_to_the_end_is_put_once),
		TEST(a_row_replaced_in_its_place_is_one_edit),
		TEST(rows_that_are_gone_need_no_edit),
		TEST(what_is_kept_is_counted_without_rows_that_are_gone),
		TEST(rows_that_come_in_a_run_are_one_edit),
		TEST(a_table_may_become_empty_or_begin_so),
		TEST(two_rows_exchanged_put_one),
		TEST(of_rows_reversed_one_stays),
		TEST(a_block_moved_is_put_or_what_it_passed_is),
		TEST(any_permutation_is_reached_by_the_fewest_puts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
