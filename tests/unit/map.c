/* SPDX-License-Identifier: MIT */
#include "base/map.h"

#include "base/array.h"
#include "random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct map map;

static int set_up(void **state)
{
	(void)state;
	map_init(&map);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	map_release(&map);
	return 0;
}

static void candidates_come_newest_first(void **state)
{
	(void)state;
	assert_int_equal(map_reset(&map, 3), 0);
	assert_int_equal(map_first(&map, 7), MAP_NONE);
	for (uint32_t i = 0; i < 3; i++)
		map_add(&map, 7, i);
	assert_int_equal(map_first(&map, 7), 2);
	assert_int_equal(map_next(&map, 2), 1);
	assert_int_equal(map_next(&map, 1), 0);
	assert_int_equal(map_next(&map, 0), MAP_NONE);
	assert_int_equal(map_first(&map, 8), MAP_NONE);
}

static void a_candidate_is_taken_from_anywhere(void **state)
{
	(void)state;
	assert_int_equal(map_reset(&map, 4), 0);
	for (uint32_t i = 0; i < 4; i++)
		map_add(&map, 7, i);
	map_take(&map, 7, MAP_NONE, 3); /* the first */
	map_take(&map, 7, 2, 1);	/* one in between */
	map_take(&map, 7, 2, 0);	/* the last */
	assert_int_equal(map_first(&map, 7), 2);
	assert_int_equal(map_next(&map, 2), MAP_NONE);
	map_take(&map, 7, MAP_NONE, 2);
	assert_int_equal(map_first(&map, 7), MAP_NONE);
}

static void a_reset_empties_it_and_makes_room(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 3000; n += 100) {
		assert_int_equal(map_reset(&map, n), 0);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(map_first(&map, i), MAP_NONE);
		for (uint32_t i = 0; i < n; i++)
			map_add(&map, i, i);
	}
	assert_int_equal(map_reset(&map, 1), 0);
	for (uint32_t i = 0; i < 3000; i++)
		assert_int_equal(map_first(&map, i), MAP_NONE);
}

static void no_room_for_more_numbers_than_there_are(void **state)
{
	(void)state;
	assert_int_equal(map_reset(&map, 10), 0);
	map_add(&map, 1, 9);
	assert_int_equal(map_reset(&map, (size_t)UINT32_MAX + 1), -ENOMEM);
	/* it is as it was */
	assert_int_equal(map_first(&map, 1), 9);
}

/* Against a plain array of what each number was added under, few hashes and many so that buckets are shared. */
static void random_work_agrees_with_an_array(void **state)
{
	enum { N = 300 };
	struct random random = { .state = 1 };

	(void)state;
	for (int round = 0; round < 200; round++) {
		uint32_t hashes = 1 + random_below(&random, 400), left = 0;
		uint64_t hash_of[N];
		bool there[N] = { false };

		assert_int_equal(map_reset(&map, N), 0);
		for (uint32_t i = 0; i < N; i++) {
			hash_of[i] = random_below(&random, hashes);
			map_add(&map, hash_of[i], i);
			there[i] = true;
			/* take one of those there are, now and then */
			if (!random_one_in(&random, 3))
				continue;
			for (uint32_t wanted = random_below(&random, i + 1), before = MAP_NONE,
				      k = map_first(&map, hash_of[wanted]);
			     k != MAP_NONE; before = k, k = map_next(&map, k))
				if (k == wanted) {
					map_take(&map, hash_of[wanted], before, k);
					there[k] = false;
					break;
				}
		}
		for (uint32_t i = 0; i < N; i++) {
			uint32_t k = map_first(&map, hash_of[i]);

			while (k != MAP_NONE && k != i)
				k = map_next(&map, k);
			assert_int_equal(k == i, there[i]);
			left += there[i];
		}
		assert_in_range(left, 1, N);
	}
}

static void the_portable_product_is_the_compilers(void **state)
{
	static const uint64_t corners[] = {
		0, 1, 2, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63
	};
	struct random random = { .state = 2 };

	(void)state;
#ifdef __SIZEOF_INT128__
	for (int i = 0; i < 100000; i++) {
		uint64_t a = i < 64 ? corners[i / 8] : random_bits(&random),
			 b = i < 64 ? corners[i % 8] : random_bits(&random);
		__extension__ unsigned __int128 product = (unsigned __int128)a * b;

		assert_true(hash_mix_slow(a, b) == ((uint64_t)product ^ (uint64_t)(product >> 64)));
	}
#else
	(void)corners;
	(void)random;
	skip();
#endif
}

static void bytes_hash_by_content_length_and_seed(void **state)
{
	char bytes[40] = { 0 };
	uint64_t seen[41];

	(void)state;
	/* zeroes of every length, each at every alignment */
	for (size_t len = 0; len <= 40; len++) {
		char *copy = malloc(len + 1);

		seen[len] = hash_bytes(9, bytes, len);
		for (size_t k = 0; k < len; k++)
			assert_true(seen[k] != seen[len]);
		memset(copy, 0, len + 1);
		assert_true(hash_bytes(9, copy + 1, len) == seen[len]);
		assert_true(hash_bytes(8, copy, len) != seen[len]);
		free(copy);
	}
	for (size_t at = 0; at < sizeof(bytes); at++) {
		bytes[at] = 1;
		assert_true(hash_bytes(9, bytes, sizeof(bytes)) != seen[40]);
		bytes[at] = 0;
	}
}

static void an_array_grows_and_keeps_what_it_holds(void **state)
{
	uint32_t *items = NULL;
	size_t room = 0;

	(void)state;
	assert_int_equal(array_room(&items, &room, 0, sizeof(*items)), 0);
	assert_null(items);
	for (uint32_t n = 1; n < 5000; n++) {
		assert_int_equal(array_room(&items, &room, n, sizeof(*items)), 0);
		assert_true(room >= n);
		items[n - 1] = n;
	}
	for (uint32_t n = 1; n < 5000; n++)
		assert_int_equal(items[n - 1], n);
	free(items);
}

static void an_array_too_large_for_memory_is_left_as_it_was(void **state)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX / 2 + 2, SIZE_MAX / 4, SIZE_MAX / 16 + 1 };
	uint64_t *items = NULL, *had;
	size_t room = 0;

	(void)state;
	assert_int_equal(array_room(&items, &room, 3, sizeof(*items)), 0);
	items[2] = 5;
	had = items;
	for (size_t i = 0; i < 4; i++) {
		size_t before = room;

		assert_int_equal(array_room(&items, &room, sizes[i], 16), -ENOMEM);
		assert_ptr_equal(items, had);
		assert_int_equal(room, before);
	}
	assert_int_equal(items[2], 5);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(candidates_come_newest_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_candidate_is_taken_from_anywhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reset_empties_it_and_makes_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_room_for_more_numbers_than_there_are, set_up, tear_down),
		cmocka_unit_test_setup_teardown(random_work_agrees_with_an_array, set_up, tear_down),
		cmocka_unit_test(the_portable_product_is_the_compilers),
		cmocka_unit_test(bytes_hash_by_content_length_and_seed),
		cmocka_unit_test(an_array_grows_and_keeps_what_it_holds),
		cmocka_unit_test(an_array_too_large_for_memory_is_left_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
