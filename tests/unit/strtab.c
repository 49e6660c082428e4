/* SPDX-License-Identifier: MIT */
#include <skt/strtab.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct skt_strtab *strings;

static int set_up(void **state)
{
	(void)state;
	strings = skt_strtab_new(42);
	return !strings;
}

static int tear_down(void **state)
{
	(void)state;
	skt_strtab_unref(strings);
	return 0;
}

static uint32_t add(const char *bytes, size_t len)
{
	uint32_t id = UINT32_MAX;

	assert_int_equal(skt_strtab_add(strings, bytes, len, &id), 0);
	return id;
}

static void assert_holds(uint32_t id, const char *bytes, size_t len)
{
	size_t have;
	const char *text = skt_strtab_get(strings, id, &have);

	assert_int_equal(have, len);
	assert_memory_equal(text, bytes, len);
	assert_int_equal(text[len], 0);
}

static void a_new_table_holds_the_empty_string(void **state)
{
	(void)state;
	assert_int_equal(skt_strtab_count(strings), 1);
	assert_int_equal(skt_strtab_bytes(strings), 1);
	assert_holds(0, "", 0);
	assert_int_equal(add("", 0), 0);
	assert_int_equal(add(NULL, 0), 0);
	assert_int_equal(skt_strtab_count(strings), 1);
}

static void ids_count_in_the_order_of_first_use(void **state)
{
	(void)state;
	assert_int_equal(add("nginx", 5), 1);
	assert_int_equal(add("sshd", 4), 2);
	assert_int_equal(add("nginx", 5), 1);
	assert_int_equal(add("", 0), 0);
	assert_int_equal(add("sshd", 4), 2);
	assert_int_equal(skt_strtab_count(strings), 3);
	assert_int_equal(skt_strtab_bytes(strings), 1 + 6 + 5);
}

static void strings_may_hold_nul(void **state)
{
	static const char argv[] = "a\0\0b\0";

	(void)state;
	/* each is the other's beginning, and C would call them all "a" */
	for (size_t len = 1; len < sizeof(argv); len++)
		assert_int_equal(add(argv, len), len);
	for (size_t len = 1; len < sizeof(argv); len++)
		assert_holds((uint32_t)len, argv, len);
}

static void every_byte_is_kept(void **state)
{
	char bytes[256];
	uint32_t id;

	(void)state;
	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	id = add(bytes, sizeof(bytes));
	assert_holds(id, bytes, sizeof(bytes));
}

static void an_id_that_is_not_there_is_the_empty_string(void **state)
{
	(void)state;
	add("x", 1);
	assert_holds(2, "", 0);
	assert_holds(UINT32_MAX, "", 0);
	assert_string_equal(skt_strtab_get(strings, 77, NULL), "");
}

static size_t number(char text[32], uint32_t i)
{
	/* lengths from 1 to 27, so that ends fall on every alignment */
	return (size_t)snprintf(text, 32, "%u%.*s", i, (int)(i % 17), "abcdefghijklmnopq");
}

static void strings_survive_growth(void **state)
{
	enum { N = 100000 };
	char text[32];

	(void)state;
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(add(text, number(text, i)), i + 1);
	assert_int_equal(skt_strtab_count(strings), N + 1);
	for (uint32_t i = 0; i < N; i++) {
		size_t len = number(text, i);

		assert_holds(i + 1, text, len);
		assert_int_equal(add(text, len), i + 1);
	}
	assert_int_equal(skt_strtab_count(strings), N + 1);
}

static void refuses_a_string_over_the_limit(void **state)
{
	char *bytes = malloc(SKT_STRING_MAX + 1);
	uint32_t id = 77;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'x', SKT_STRING_MAX + 1);
	assert_int_equal(skt_strtab_add(strings, bytes, SKT_STRING_MAX + 1, &id), -E2BIG);
	assert_int_equal(id, 77);
	assert_int_equal(skt_strtab_count(strings), 1);
	id = add(bytes, SKT_STRING_MAX);
	assert_holds(id, bytes, SKT_STRING_MAX);
	free(bytes);
}

static void a_table_lives_until_its_last_reference(void **state)
{
	struct skt_strtab *other = skt_strtab_ref(strings);
	uint32_t id = add("kept", 4);

	(void)state;
	assert_ptr_equal(other, strings);
	skt_strtab_unref(other);
	assert_holds(id, "kept", 4);
	skt_strtab_unref(NULL);
}

static void any_seed_gives_the_same_answers(void **state)
{
	static const uint64_t seeds[] = { 0, 1, UINT64_MAX, UINT64_C(0xa0761d6478bd642f),
					  UINT64_C(0xe7037ed1a0b428db) };

	(void)state;
	for (size_t i = 0; i < sizeof(seeds) / sizeof(*seeds); i++) {
		struct skt_strtab *table = skt_strtab_new(seeds[i]);
		char text[32];
		uint32_t id;

		assert_non_null(table);
		assert_true(skt_strtab_seed(table) == seeds[i]);
		for (int round = 0; round < 2; round++)
			for (uint32_t k = 0; k < 500; k++) {
				assert_int_equal(skt_strtab_add(table, text, number(text, k), &id), 0);
				assert_int_equal(id, k + 1);
			}
		skt_strtab_unref(table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_table_holds_the_empty_string, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ids_count_in_the_order_of_first_use, set_up, tear_down),
		cmocka_unit_test_setup_teardown(strings_may_hold_nul, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_byte_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_id_that_is_not_there_is_the_empty_string, set_up, tear_down),
		cmocka_unit_test_setup_teardown(strings_survive_growth, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_a_string_over_the_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_table_lives_until_its_last_reference, set_up, tear_down),
		cmocka_unit_test_setup_teardown(any_seed_gives_the_same_answers, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
