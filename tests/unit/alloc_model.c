/* SPDX-License-Identifier: MIT */
#include "failing_alloc.h"
#include "naive.h"
#include "random.h"
#include "scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * Every allocation made to fail in turn. Leaks are the sanitizer's and valgrind's to find; here it is seen that each
 * failure is told, that what was to stay as it was did, and that the same works as soon as there is memory.
 */

/* What an operation said: 0, or -ENOMEM when and only when an allocation failed. */
static void assert_told(int rc)
{
	bool failed = failing_alloc_stop();

	assert_int_equal(rc, failed ? -ENOMEM : 0);
}

static void assert_equal(const struct skt_snapshot *a, const struct skt_snapshot *b)
{
	char why[200];

	if (!skt_snapshot_equal(a, b, why, sizeof(why)) || !scene_is_whole(a, why, sizeof(why)))
		fail_msg("%s", why);
}

/* Two that follow each other, and the way between them long enough to have all kinds of change on it. */
static void two_snapshots(uint64_t seed, struct skt_snapshot *a, struct skt_snapshot *b, bool one_table)
{
	struct random random = { .state = seed };
	struct random_world world = { .rows = 20 };
	struct skt_matcher *matcher = skt_matcher_new(1);
	struct skt_step step;

	assert_int_equal(skt_snapshot_init(a, NULL, seed), 0);
	skt_step_init(&step);
	for (int i = 0; i < 6; i++) {
		random_snapshot(&random, &world, a, one_table ? a->strings : NULL, b);
		if (i == 5)
			break;
		assert_int_equal(skt_match(matcher, a, b, !i, &step), 0);
		assert_int_equal(skt_apply(a, &step, NULL), 0);
		skt_snapshot_release(b);
	}
	skt_step_release(&step);
	skt_matcher_free(matcher);
}

static void a_string_table_is_made_or_not(void **state)
{
	(void)state;
	FAILING_ALLOC_EACH(i)
	{
		struct skt_strtab *strings;

		failing_alloc_after(i);
		strings = skt_strtab_new(1);
		assert_int_equal(!strings, failing_alloc_stop());
		skt_strtab_unref(strings);
	}
}

static void a_string_that_was_not_added_can_be_added_later(void **state)
{
	char text[32];

	(void)state;
	FAILING_ALLOC_EACH(i)
	{
		struct skt_strtab *strings = skt_strtab_new(1);
		uint32_t id = 77;
		uint32_t k = 0;
		int rc = 0;

		failing_alloc_after(i);
		for (; !rc && k < 3000; k++)
			rc = skt_strtab_add(strings, text, (size_t)snprintf(text, sizeof(text), "string %u", k), &id);
		k -= rc != 0;
		assert_told(rc);
		assert_int_equal(skt_strtab_count(strings), k + 1);
		/* all that were there are, and the rest come as if nothing had happened */
		for (k = 0; k < 3000; k++) {
			assert_int_equal(skt_strtab_add(strings, text,
							(size_t)snprintf(text, sizeof(text), "string %u", k), &id),
					 0);
			assert_int_equal(id, k + 1);
			assert_string_equal(skt_strtab_get(strings, id, NULL), text);
		}
		skt_strtab_unref(strings);
	}
}

static int fill(struct skt_snapshot *s)
{
	struct skt_table table = { .kind = SKT_TCP, .status = SKT_TABLE_FRESH };
	struct skt_sock sock = scene_sock(1, 2, 3, 4, SKT_ESTABLISHED);
	struct skt_process process = { .pid = 1 };
	struct skt_owner owner = { .process = 0, .fd = 3 };
	uint32_t slot;
	int rc = skt_snapshot_add_process(s, &process, &slot);

	for (uint32_t i = 0; !rc && i < 100; i++) {
		sock.table = i;
		table.net_namespace = i;
		process.pid = i;
		rc = skt_snapshot_add_table(s, &table, &slot);
		if (!rc)
			rc = skt_table_add_raw(&s->tables[i % 3], 0, 0);
		if (!rc)
			rc = skt_snapshot_add_process(s, &process, &slot);
		if (!rc)
			rc = skt_snapshot_add_user(s, 100 - i, 0);
		if (!rc)
			rc = skt_snapshot_add_owners(s, &owner, 1, &sock.first_owner);
		if (!rc) {
			sock.n_owners = 1;
			rc = skt_snapshot_add_sock(s, &sock, &slot);
		}
	}
	return rc;
}

static void filling_stops_where_memory_does(void **state)
{
	(void)state;
	FAILING_ALLOC_EACH(i)
	{
		struct skt_snapshot s;
		int rc;

		failing_alloc_after(i);
		rc = skt_snapshot_init(&s, NULL, 1);
		if (!rc) {
			rc = fill(&s);
			failing_alloc_stop();
			skt_snapshot_release(&s);
		}
		assert_told(rc);
	}
}

static void rows_that_could_not_be_ordered_are_not_shown(void **state)
{
	struct skt_snapshot s;

	(void)state;
	FAILING_ALLOC_EACH(i)
	{
		int rc;

		assert_int_equal(skt_snapshot_init(&s, NULL, 1), 0);
		assert_int_equal(fill(&s), 0);
		failing_alloc_after(i);
		rc = skt_snapshot_order(&s);
		assert_told(rc);
		for (size_t t = 0; t < s.n_tables; t++)
			assert_true(!s.tables[t].n_rows || s.tables[t].order);
		assert_int_equal(skt_snapshot_order(&s), 0);
		for (size_t t = 0; t < s.n_tables; t++)
			assert_int_equal(s.tables[t].n_rows, 1);
		skt_snapshot_release(&s);
	}
}

static void a_copy_is_made_or_not(void **state)
{
	struct skt_snapshot a, b, copy;

	(void)state;
	two_snapshots(1, &a, &b, false);
	FAILING_ALLOC_EACH(i)
	{
		int rc;

		failing_alloc_after(i);
		rc = skt_snapshot_copy(&a, &copy);
		assert_told(rc);
		if (rc)
			continue;
		assert_equal(&copy, &a);
		skt_snapshot_release(&copy);
	}
	skt_snapshot_release(&a);
	skt_snapshot_release(&b);
}

static void a_compaction_that_failed_has_changed_nothing(void **state)
{
	struct skt_snapshot a, b, before;

	(void)state;
	two_snapshots(2, &a, &b, false);
	assert_int_equal(skt_snapshot_copy(&a, &before), 0);
	FAILING_ALLOC_EACH(i)
	{
		const struct skt_sock *socks = a.socks;
		const struct skt_strtab *strings = a.strings;
		int rc;

		failing_alloc_after(i);
		rc = skt_snapshot_compact(&a);
		assert_told(rc);
		assert_int_equal(rc != 0, a.socks == socks && a.strings == strings);
		assert_equal(&a, &before);
	}
	skt_snapshot_release(&a);
	skt_snapshot_release(&b);
	skt_snapshot_release(&before);
}

static void a_comparison_without_memory_says_no(void **state)
{
	struct skt_snapshot a, b;

	(void)state;
	two_snapshots(3, &a, &b, false);
	FAILING_ALLOC_EACH(i)
	{
		char why[200] = "";
		bool same;

		failing_alloc_after(i);
		same = skt_snapshot_equal(&a, &a, why, sizeof(why));
		assert_int_equal(same, !failing_alloc_stop());
		assert_string_equal(why, same ? "" : "out of memory");
	}
	skt_snapshot_release(&a);
	skt_snapshot_release(&b);
}

static void a_matcher_is_made_or_not(void **state)
{
	(void)state;
	FAILING_ALLOC_EACH(i)
	{
		struct skt_matcher *matcher;

		failing_alloc_after(i);
		matcher = skt_matcher_new(1);
		assert_int_equal(!matcher, failing_alloc_stop());
		skt_matcher_free(matcher);
	}
}

static void match_and_see(uint64_t seed, bool one_table, bool from_nothing)
{
	struct skt_snapshot a, b, before;
	struct skt_step step;

	two_snapshots(seed, &a, &b, one_table);
	if (from_nothing)
		skt_snapshot_clear(&a, b.strings);
	assert_int_equal(skt_snapshot_copy(&a, &before), 0);
	FAILING_ALLOC_EACH(i)
	{
		struct skt_matcher *matcher = skt_matcher_new(1);
		struct skt_snapshot old;
		char why[256];
		int rc;

		assert_int_equal(skt_snapshot_copy(&a, &old), 0);
		skt_step_init(&step);
		failing_alloc_after(i);
		rc = skt_match(matcher, &old, &b, from_nothing, &step);
		assert_told(rc);
		assert_equal(&old, &before);
		/* the matcher, the step and the snapshot are as good as new */
		if (!naive_agrees(matcher, &old, &b, from_nothing, &step, why, sizeof(why)))
			fail_msg("%s", why);
		skt_snapshot_release(&old);
		skt_step_release(&step);
		skt_matcher_free(matcher);
	}
	skt_snapshot_release(&a);
	skt_snapshot_release(&b);
	skt_snapshot_release(&before);
}

static void a_match_that_failed_can_be_had_again(void **state)
{
	(void)state;
	for (uint64_t seed = 4; seed < 10; seed++)
		match_and_see(seed, seed % 2, false);
	match_and_see(10, false, true);
}

static void a_step_that_could_not_be_taken_leaves_what_can_be_released(void **state)
{
	struct skt_snapshot a, b, empty;

	(void)state;
	for (uint64_t seed = 20; seed < 26; seed++) {
		two_snapshots(seed, &a, &b, seed % 2);
		assert_int_equal(skt_snapshot_init(&empty, NULL, 1), 0);
		FAILING_ALLOC_EACH(i)
		{
			struct skt_matcher *matcher = skt_matcher_new(1);
			struct skt_snapshot old;
			struct skt_step step;
			struct skt_err err;
			int rc;

			/* into arrays that are full, and into none at all */
			assert_int_equal(skt_snapshot_copy(seed % 3 ? &a : &empty, &old), 0);
			skt_step_init(&step);
			assert_int_equal(skt_match(matcher, &old, &b, false, &step), 0);
			skt_err_init(&err);
			failing_alloc_after(i);
			rc = skt_apply(&old, &step, &err);
			assert_told(rc);
			assert_int_equal(err.code, rc);
			assert_int_equal(!err.message[0], !rc);
			skt_snapshot_release(&old);
			skt_step_release(&step);
			skt_matcher_free(matcher);
		}
		skt_snapshot_release(&a);
		skt_snapshot_release(&b);
		skt_snapshot_release(&empty);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_string_table_is_made_or_not),
		cmocka_unit_test(a_string_that_was_not_added_can_be_added_later),
		cmocka_unit_test(filling_stops_where_memory_does),
		cmocka_unit_test(rows_that_could_not_be_ordered_are_not_shown),
		cmocka_unit_test(a_copy_is_made_or_not),
		cmocka_unit_test(a_compaction_that_failed_has_changed_nothing),
		cmocka_unit_test(a_comparison_without_memory_says_no),
		cmocka_unit_test(a_matcher_is_made_or_not),
		cmocka_unit_test(a_match_that_failed_can_be_had_again),
		cmocka_unit_test(a_step_that_could_not_be_taken_leaves_what_can_be_released),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
