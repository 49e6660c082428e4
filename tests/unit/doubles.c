/* SPDX-License-Identifier: MIT */
/* Rows that come twice, against comparing each with each. A row is a number here. */
#include "proc/doubles.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 600

static struct doubles doubles;
static uint32_t rows[MOST];
static size_t n_rows;
static uint64_t mixer; /* of numbers to hashes */

static int set_up(void **state)
{
	(void)state;
	doubles_init(&doubles);
	n_rows = 0;
	mixer = UINT64_C(0x9e3779b97f4a7c15);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	doubles_release(&doubles);
	return 0;
}

static bool same(const void *data, uint32_t a, uint32_t b)
{
	const uint32_t *of = data;

	return of[a] == of[b];
}

/*
 * One look at the table as it stands in rows: those found are those that stood there before. Row 0 cannot come twice.
 */
static void look(uint8_t kind, uint64_t net_namespace)
{
	size_t found = 0;

	doubles_begin(&doubles, kind, net_namespace);
	for (size_t i = 0; i < n_rows; i++)
		assert_int_equal(doubles_add(&doubles, rows[i] * mixer), 0);
	assert_int_equal(doubles_end(&doubles, same, rows), 0);
	for (size_t i = 0; i < n_rows; i++) {
		bool before = false;

		for (size_t k = 0; rows[i] && k < i; k++)
			before |= rows[k] == rows[i];
		if (!before)
			continue;
		assert_true(found < doubles.n_found);
		assert_int_equal(doubles.found[found++], i);
	}
	assert_int_equal(found, doubles.n_found);
}

static void put(size_t at, uint32_t row)
{
	memmove(rows + at + 1, rows + at, (n_rows++ - at) * sizeof(*rows));
	rows[at] = row;
}

static void take(size_t at, size_t n)
{
	memmove(rows + at, rows + at + n, (n_rows - at - n) * sizeof(*rows));
	n_rows -= n;
}

static void fill(uint32_t from, size_t n)
{
	n_rows = 0;
	for (uint32_t i = 0; i < n; i++)
		rows[n_rows++] = from + i;
}

static void a_row_comes_twice_in_the_first_look_and_in_later_ones(void **state)
{
	(void)state;
	fill(1, 100);
	put(50, 7);
	look(SKT_TCP, 1);
	assert_int_equal(doubles.n_found, 1);
	look(SKT_TCP, 1);
	assert_int_equal(doubles.n_found, 1);
	take(50, 1);
	look(SKT_TCP, 1);
	assert_int_equal(doubles.n_found, 0);
}

static void a_new_row_in_front_of_itself_where_it_stood_before_is_kept_there(void **state)
{
	(void)state;
	fill(1, 100);
	look(SKT_TCP, 1);
	put(3, 80);
	look(SKT_TCP, 1);
	assert_int_equal(doubles.n_found, 1);
	assert_int_equal(doubles.found[0], 80);
}

static void rows_that_stayed_are_no_strangers_though_hundreds_before_them_went(void **state)
{
	(void)state;
	fill(1, 500);
	look(SKT_TCP, 1);
	take(10, 200);
	look(SKT_TCP, 1);
	/* two more are within reach after each that is not */
	assert_true(doubles.n_strangers && doubles.n_strangers <= 200);
	look(SKT_TCP, 1);
	assert_int_equal(doubles.n_strangers, 0);
	put(100, 599);
	look(SKT_TCP, 1);
	assert_int_equal(doubles.n_strangers, 1);
}

static void what_another_namespace_has_is_not_taken_for_known(void **state)
{
	(void)state;
	fill(1, 100);
	look(SKT_TCP, 1);
	look(SKT_TCP6, 1);
	assert_int_equal(doubles.n_strangers, 100);
	n_rows = 10;
	look(SKT_TCP, 2);
	assert_int_equal(doubles.n_strangers, 10);
	/* and a short one does not put the long one out */
	fill(1, 100);
	look(SKT_TCP, 1);
	assert_int_equal(doubles.n_strangers, 0);
}

static void rows_that_share_a_hash_are_kept(void **state)
{
	(void)state;
	/* 1 and 3, 2 and 4, ... */
	mixer = UINT64_C(1) << 63;
	fill(1, 3);
	put(3, 1);
	look(SKT_TCP, 1);
	assert_int_equal(doubles.n_found, 1);
	assert_int_equal(doubles.found[0], 3);
}

static void finds_what_comparing_each_with_each_finds(void **state)
{
	struct random random = { 11 };

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		unsigned edits = random_below(&random, 8);

		if (!random_below(&random, 40))
			fill(random_below(&random, 500), random_below(&random, 400));
		for (unsigned i = 0; i < edits; i++) {
			size_t at = random_below(&random, (uint32_t)n_rows + 1);

			if (random_below(&random, 2) && n_rows < MOST)
				put(at, random_below(&random, 500));
			else if (random_below(&random, 10) && at < n_rows)
				take(at, 1);
			else
				take(at, random_below(&random, (uint32_t)(n_rows - at) + 1));
		}
		look(SKT_TCP, random_below(&random, 10) ? 1 : 2);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_row_comes_twice_in_the_first_look_and_in_later_ones),
		TEST(a_new_row_in_front_of_itself_where_it_stood_before_is_kept_there),
		TEST(rows_that_stayed_are_no_strangers_though_hundreds_before_them_went),
		TEST(what_another_namespace_has_is_not_taken_for_known),
		TEST(rows_that_share_a_hash_are_kept),
		TEST(finds_what_comparing_each_with_each_finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
