/* SPDX-License-Identifier: MIT */
#include <skt/diff.h>
#include <skt/render.h>

#include "failing_alloc.h"
#include "model/opened.h"
#include "random.h"
#include "scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Every allocation of a comparison made to fail in turn: each failure is told, and nothing is broken by it. */

struct pair {
	struct skt_snapshot a, b;
	struct skt_step step; /* from a to b, applied to: */
	struct skt_snapshot now;
};

static int set_up(void **state)
{
	static struct pair pair;
	struct random random = { .state = 12 };
	struct random_world world = { .rows = 12 };
	struct skt_matcher *matcher = skt_matcher_new(1);
	struct skt_snapshot nothing;

	assert_int_equal(skt_snapshot_init(&nothing, NULL, 1), 0);
	random_snapshot(&random, &world, &nothing, NULL, &pair.a);
	random_snapshot(&random, &world, &pair.a, NULL, &pair.b);
	assert_int_equal(skt_snapshot_copy(&pair.a, &pair.now), 0);
	skt_step_init(&pair.step);
	assert_int_equal(skt_match(matcher, &pair.now, &pair.b, false, &pair.step), 0);
	assert_int_equal(skt_apply(&pair.now, &pair.step, NULL), 0);
	skt_snapshot_release(&nothing);
	skt_matcher_free(matcher);
	*state = &pair;
	return 0;
}

static int tear_down(void **state)
{
	struct pair *pair = *state;

	skt_snapshot_release(&pair->a);
	skt_snapshot_release(&pair->b);
	skt_snapshot_release(&pair->now);
	skt_step_release(&pair->step);
	return 0;
}

static void a_difference_is_found_or_not(void **state)
{
	const struct pair *pair = *state;
	struct skt_diff_options options = { .tables = UINT32_MAX };
	struct skt_diff diff;

	for (unsigned across = 0; across < 2; across++)
		FAILING_ALLOC_EACH(i)
		{
			int rc;

			options.across = across;
			failing_alloc_after(i);
			rc = skt_diff_find(&pair->a, &pair->b, &options, &diff);
			assert_int_equal(rc, failing_alloc_stop() ? -ENOMEM : 0);
			skt_diff_release(&diff);
		}
}

static void what_passed_in_between_is_found_or_not(void **state)
{
	const struct pair *pair = *state;

	FAILING_ALLOC_EACH(i)
	{
		struct skt_between *between;
		int rc = 0;

		failing_alloc_after(i);
		between = skt_between_new(1);
		/* twice, so that something closes that opened */
		for (unsigned k = 0; between && !rc && k < 2; k++)
			rc = skt_between_step(between, &pair->now, &pair->step);
		if (between && !rc)
			rc = skt_between_end(between, &pair->now, true);
		assert_int_equal(failing_alloc_stop(), !between || rc == -ENOMEM);
		skt_between_free(between);
	}
}

/* Whichever allocation fails, what was asked for again is remembered with all the others. */
static void what_opened_is_remembered_when_there_is_memory_again(void **state)
{
	enum { SOCKS = 300 };
	const struct skt_table table = { .kind = SKT_TCP };
	size_t failed = 0;

	(void)state;
	FAILING_ALLOC_EACH(i)
	{
		struct opened_set set = { .n = 0 };
		struct skt_sock sock;
		struct opened opened;

		opened_init(&set, 1);
		failing_alloc_only(i);
		for (uint16_t k = 1; k <= SOCKS; k++) {
			sock = scene_sock(k, 80, k, 0, SKT_ESTABLISHED);
			if (!opened_add(&set, &table, &sock, k, k, 0))
				continue;
			failed++;
			assert_int_equal(opened_add(&set, &table, &sock, k, k, 0), 0);
		}
		failing_alloc_stop();
		for (uint16_t k = 1; k <= SOCKS; k++) {
			sock = scene_sock(k, 80, k, 0, SKT_ESTABLISHED);
			assert_true(opened_forget(&set, &table, &sock, &opened));
			assert_int_equal(opened.since, k);
			assert_false(opened_forget(&set, &table, &sock, &opened));
		}
		opened_release(&set);
	}
	/* the list and the two arrays of the map, more than once each */
	assert_true(failed > 6);
}

static void differences_are_rendered_or_not(void **state)
{
	static const enum skt_format formats[] = { SKT_FORMAT_TABLE, SKT_FORMAT_JSONL, SKT_FORMAT_CSV };
	const struct pair *pair = *state;
	struct skt_diff_sides sides = { .before = { &pair->a, "", -1 }, .after = { &pair->b, "", -1 } };
	struct skt_diff_options options = { .tables = UINT32_MAX, .all = true };
	struct skt_diff diff;

	assert_int_equal(skt_diff_find(&pair->a, &pair->b, &options, &diff), 0);
	assert_true(diff.n > 5);
	/* the last one is a narrow terminal */
	for (unsigned f = 0; f <= sizeof(formats) / sizeof(*formats); f++)
		FAILING_ALLOC_EACH(i)
		{
			bool narrow = f == sizeof(formats) / sizeof(*formats);
			struct skt_render render = { .format = formats[narrow ? 0 : f],
						     .heading = true,
						     .width = narrow ? 50 : 0 };
			struct skt_buf out;

			skt_buf_init(&out);
			failing_alloc_after(i);
			skt_render_begin(&render, &out);
			skt_render_differences(&render, &sides, diff.items, diff.n, &out);
			skt_render_end(&render, &out);
			assert_int_equal(failing_alloc_stop(), out.failed);
			skt_buf_release(&out);
		}
	skt_diff_release(&diff);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(a_difference_is_found_or_not),
		TEST(what_passed_in_between_is_found_or_not),
		cmocka_unit_test(what_opened_is_remembered_when_there_is_memory_again),
		TEST(differences_are_rendered_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
