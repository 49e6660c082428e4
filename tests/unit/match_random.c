/* SPDX-License-Identifier: MIT */
#include "naive.h"
#include "random.h"
#include "sanitized.h"
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/*
 * The property that match and apply stand on: for any a and b, the step from a to b leads to b, completed by what a
 * knew; and it says what the naive reference says.
 */

enum { WORLDS = SANITIZED ? 80 : 250, STEPS = 16 };

static struct random_world some_world(struct random *random)
{
	static const uint32_t rows[] = { 2, 5, 12, 30 };

	return (struct random_world){ .sk_hidden = random_one_in(random, 4), .rows = rows[random_below(random, 4)] };
}

/* How a chain of steps is walked. */
struct walk {
	bool one_table;	     /* a and b share their strings, as capture's snapshots do */
	uint32_t compact_in; /* one step in so many is followed by compaction; 0: none */
};

/* Returns whether all is well; says what is not. */
static bool walk_world(uint64_t seed, const struct walk *walk)
{
	struct random random = { .state = seed };
	struct random_world world = some_world(&random);
	struct skt_matcher *matcher = skt_matcher_new(seed);
	struct skt_snapshot a, b;
	struct skt_step step;
	bool good = true;

	assert_non_null(matcher);
	assert_int_equal(skt_snapshot_init(&a, NULL, seed), 0);
	skt_step_init(&step);
	for (unsigned i = 0; good && i < STEPS; i++) {
		char why[256] = "";

		random_snapshot(&random, &world, &a, walk->one_table ? a.strings : NULL, &b);
		if (!scene_is_whole(&b, why, sizeof(why)))
			fail_msg("the test itself: %s", why);
		good = naive_agrees(matcher, &a, &b, !i, &step, why, sizeof(why));
		if (good && walk->compact_in && random_one_in(&random, walk->compact_in))
			assert_int_equal(skt_snapshot_compact(&a), 0);
		if (!good)
			print_message("seed %llu, step %u: %s\n", (unsigned long long)seed, i, why);
		skt_snapshot_release(&b);
	}
	skt_step_release(&step);
	skt_snapshot_release(&a);
	skt_matcher_free(matcher);
	return good;
}

static void walk_worlds(const struct walk *walk)
{
	const char *only = getenv("WORLD");
	unsigned bad = 0;

	/* WORLD=seed looks at the one that failed */
	if (only && *only) {
		assert_true(walk_world(strtoull(only, NULL, 0), walk));
		return;
	}
	for (uint64_t seed = 1; seed <= WORLDS; seed++)
		bad += !walk_world(seed, walk);
	if (bad)
		fail_msg("%u of %d worlds", bad, WORLDS);
}

static void a_step_leads_to_the_snapshot_it_was_matched_with(void **state)
{
	struct walk walk = { .one_table = false };

	(void)state;
	walk_worlds(&walk);
}

static void so_it_does_where_both_share_a_string_table(void **state)
{
	struct walk walk = { .one_table = true };

	(void)state;
	walk_worlds(&walk);
}

static void so_it_does_with_compaction_in_between(void **state)
{
	struct walk walk = { .compact_in = 3 };

	(void)state;
	walk_worlds(&walk);
}

static void so_it_does_with_compaction_after_every_step(void **state)
{
	struct walk walk = { .compact_in = 1, .one_table = true };

	(void)state;
	walk_worlds(&walk);
}

/*
 * Two instants far apart, as sockdiff takes them: both out of recordings, with owners carried, tables stale, processes
 * exited.
 */
static bool diff_worlds(uint64_t seed)
{
	struct random random = { .state = seed };
	struct random_world world = some_world(&random);
	struct skt_matcher *matcher = skt_matcher_new(seed);
	struct skt_snapshot a, b, now;
	struct skt_step step;
	char why[256] = "";
	bool good = true;

	assert_int_equal(skt_snapshot_init(&a, NULL, seed), 0);
	skt_step_init(&step);
	for (unsigned i = 0, first = random_below(&random, 6); good && i < 10; i++) {
		random_snapshot(&random, &world, &a, NULL, &now);
		good = naive_agrees(matcher, &a, &now, !i, &step, why, sizeof(why));
		skt_snapshot_release(&now);
		if (i == first)
			assert_int_equal(skt_snapshot_copy(&a, &b), 0);
	}
	/* there and back */
	if (good)
		good = naive_agrees(matcher, &b, &a, false, &step, why, sizeof(why));
	skt_snapshot_release(&b);
	if (good) {
		random_snapshot(&random, &world, &a, NULL, &b);
		good = naive_agrees(matcher, &b, &a, false, &step, why, sizeof(why));
		skt_snapshot_release(&b);
	}
	if (!good)
		print_message("seed %llu: %s\n", (unsigned long long)seed, why);
	skt_step_release(&step);
	skt_snapshot_release(&a);
	skt_matcher_free(matcher);
	return good;
}

static void recorded_snapshots_far_apart_match_as_well(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= WORLDS; seed++)
		bad += !diff_worlds(seed);
	if (bad)
		fail_msg("%u of %d worlds", bad, WORLDS);
}

static void unrelated_snapshots_match_as_well(void **state)
{
	struct skt_matcher *matcher = skt_matcher_new(1);
	unsigned bad = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= WORLDS; seed++) {
		struct random random = { .state = seed };
		struct random_world world = some_world(&random);
		struct skt_snapshot nothing, a, b;
		struct skt_step step;
		char why[256] = "";

		assert_int_equal(skt_snapshot_init(&nothing, NULL, seed), 0);
		random_snapshot(&random, &world, &nothing, NULL, &a);
		random_snapshot(&random, &world, &nothing, NULL, &b);
		skt_step_init(&step);
		if (!naive_agrees(matcher, &a, &b, false, &step, why, sizeof(why))) {
			print_message("seed %llu: %s\n", (unsigned long long)seed, why);
			bad++;
		}
		skt_step_release(&step);
		skt_snapshot_release(&a);
		skt_snapshot_release(&b);
		skt_snapshot_release(&nothing);
	}
	skt_matcher_free(matcher);
	if (bad)
		fail_msg("%u of %d worlds", bad, WORLDS);
}

static void a_snapshot_matched_with_itself_yields_no_change(void **state)
{
	struct skt_matcher *matcher = skt_matcher_new(1);

	(void)state;
	for (uint64_t seed = 1; seed <= WORLDS; seed++) {
		struct random random = { .state = seed };
		struct random_world world = some_world(&random);
		struct skt_snapshot nothing, a, b;
		struct skt_step step;

		assert_int_equal(skt_snapshot_init(&nothing, NULL, seed), 0);
		random_snapshot(&random, &world, &nothing, NULL, &a);
		assert_int_equal(skt_snapshot_copy(&a, &b), 0);
		skt_step_init(&step);
		assert_int_equal(skt_match(matcher, &a, &b, false, &step), 0);
		if (step.n_socks || step.n_tables || step.n_processes || step.n_users || step.n_edits || step.n_puts ||
		    step.n_owners || step.n_timers)
			fail_msg("seed %llu: %zu rows, %zu tables, %zu processes, %zu edits, %zu timers",
				 (unsigned long long)seed, step.n_socks, step.n_tables, step.n_processes, step.n_edits,
				 step.n_timers);
		skt_step_release(&step);
		skt_snapshot_release(&a);
		skt_snapshot_release(&b);
		skt_snapshot_release(&nothing);
	}
	skt_matcher_free(matcher);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_leads_to_the_snapshot_it_was_matched_with),
		cmocka_unit_test(so_it_does_where_both_share_a_string_table),
		cmocka_unit_test(so_it_does_with_compaction_in_between),
		cmocka_unit_test(so_it_does_with_compaction_after_every_step),
		cmocka_unit_test(recorded_snapshots_far_apart_match_as_well),
		cmocka_unit_test(unrelated_snapshots_match_as_well),
		cmocka_unit_test(a_snapshot_matched_with_itself_yields_no_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
