/* SPDX-License-Identifier: MIT */
#include "random.h"
#include "scene.h"
#include "tree_files.h"

#include <skt/step.h>
#include <skt/tree.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* The law: what is written as a tree, and captured, is what it was. */

static const struct skt_host some_host = { .name = "obi-wan",
					   .kernel = "6.18.0",
					   .boot_id = "6f1c2a7e-0b1d-4c55-9d61-2b1f0a9c3e11",
					   .btime = INT64_C(1795351187) * SCENE_SECOND };

/* Write, read, compare; tree.snapshot is what was read. Says what is not so. */
static bool comes_back(struct tree_files *tree, const struct skt_snapshot *snapshot, const struct skt_host *host)
{
	char why[256] = "";
	struct skt_err err;

	skt_err_init(&err);
	if (skt_tree_write(snapshot, host, tree->fd, &err)) {
		print_message("write: %s\n", err.message);
		return false;
	}
	tree->options.all_namespaces = true;
	tree_files_capture(tree);
	if (!scene_is_whole(&tree->snapshot, why, sizeof(why)) ||
	    !skt_snapshot_equal(snapshot, &tree->snapshot, why, sizeof(why))) {
		print_message("%s\n", why);
		return false;
	}
	return true;
}

enum { WORLDS = 60, STEPS = 6 };

/* Snapshots as a recording has them: with what was carried, stale and gone. */
static bool world_comes_back(uint64_t seed)
{
	static const uint32_t rows[] = { 2, 5, 12, 30 };
	struct random random = { .state = seed };
	struct random_world world = { .sk_hidden = random_one_in(&random, 4), .rows = rows[random_below(&random, 4)] };
	struct skt_matcher *matcher = skt_matcher_new(seed);
	struct skt_snapshot now, read;
	struct skt_step step;
	bool good = true;

	assert_int_equal(skt_snapshot_init(&now, NULL, seed), 0);
	skt_step_init(&step);
	for (unsigned i = 0; good && i < STEPS; i++) {
		struct skt_host host = some_host;
		struct tree_files tree;

		random_snapshot(&random, &world, &now, NULL, &read);
		assert_int_equal(skt_match(matcher, &now, &read, !i, &step), 0);
		assert_int_equal(skt_apply(&now, &step, NULL), 0);
		skt_snapshot_release(&read);
		host.net_namespace = random_one_in(&random, 2) ? UINT64_C(4026531840) : 0;
		host.big_endian = random_one_in(&random, 2);
		tree_files_init(&tree);
		good = comes_back(&tree, &now, &host);
		if (!good)
			print_message("seed %llu, step %u\n", (unsigned long long)seed, i);
		tree_files_release(&tree);
	}
	skt_step_release(&step);
	skt_snapshot_release(&now);
	skt_matcher_free(matcher);
	return good;
}

static void a_tree_that_is_captured_is_the_snapshot_that_it_was_written_of(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= WORLDS; seed++)
		bad += !world_comes_back(seed);
	if (bad)
		fail_msg("%u of %d worlds", bad, WORLDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_that_is_captured_is_the_snapshot_that_it_was_written_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
