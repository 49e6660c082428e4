/* SPDX-License-Identifier: MIT */
/* Every allocation made to fail in turn, while a filter is made and while it is asked. */
#include <skt/filter.h>

#include "failing_alloc.h"
#include "scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *const words[] = {
	"dst 10.0.0.0/8 or (sport in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)",
	"and cmdline ~ 'a.*b')",
	"or comm ~ x",
	"and",
	"comm",
	"=",
	"y z"
};
#define N_WORDS (sizeof(words) / sizeof(*words))

static void check_each(const char *const *text, size_t n)
{
	FAILING_ALLOC_EACH(i)
	{
		struct skt_filter *filter = NULL;
		struct skt_err err;
		int rc;

		skt_err_init(&err);
		failing_alloc_after(i);
		rc = skt_filter_parse((char *const *)text, n, NULL, &filter, &err);
		if (failing_alloc_stop()) {
			assert_int_equal(rc, -ENOMEM);
			assert_string_equal(err.message, "out of memory");
		} else {
			assert_int_equal(rc, 0);
		}
		skt_filter_free(filter);
	}
}

static void a_filter_is_made_or_there_was_no_memory(void **state)
{
	/*
	 * what leading states hold together is one piece more than is written; of some length that is where room ends
	 */
	const char *led[34] = { "state big" };

	(void)state;
	check_each(words, N_WORDS);
	for (size_t n = 1; n < sizeof(led) / sizeof(*led); n++) {
		led[n] = n == 1 ? "fd = 1" : "or fd = 1";
		check_each(led, n + 1);
	}
}

static void asking_it_allocates_nothing(void **state)
{
	struct skt_snapshot snapshot;
	struct skt_row row = { .snapshot = &snapshot };
	struct skt_filter *filter;
	enum skt_truth truth;

	(void)state;
	scene_begin(&snapshot, NULL, 0);
	scene_table(&snapshot, SKT_TCP, 1);
	scene_add_held(&snapshot, scene_sock(20, 2, 5, 6, SKT_ESTABLISHED), scene_process(&snapshot, 7, 1, "y z"), 3);
	scene_end(&snapshot);
	row.sock = &snapshot.socks[0];
	assert_int_equal(skt_filter_parse((char *const *)words, N_WORDS, NULL, &filter, NULL), 0);
	failing_alloc_after(0);
	truth = skt_filter_test(filter, &row);
	assert_false(failing_alloc_stop());
	assert_int_equal(truth, SKT_TRUE);
	skt_filter_free(filter);
	skt_snapshot_release(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_is_made_or_there_was_no_memory),
		cmocka_unit_test(asking_it_allocates_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
