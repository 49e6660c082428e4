/* SPDX-License-Identifier: MIT */
#include "failing_alloc.h"
#include "random.h"
#include "scene.h"

#include <skt/coverage.h>
#include <skt/flow.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/*
 * Every allocation of a fold made to fail in turn, those of the steps that it is handed too. Leaks are the sanitizer's
 * to find.
 */

#define SNAPSHOTS 5
#define GAP	  3 /* before this one */

static void make(struct skt_snapshot *read)
{
	struct random random = { .state = 11 };
	struct random_world world = { .rows = 6 };
	struct skt_snapshot now;

	assert_int_equal(skt_snapshot_init(&now, NULL, 3), 0);
	for (size_t i = 0; i < SNAPSHOTS; i++) {
		random_snapshot(&random, &world, &now, NULL, &read[i]);
		skt_snapshot_release(&now);
		assert_int_equal(skt_snapshot_copy(&read[i], &now), 0);
	}
	skt_snapshot_release(&now);
}

struct fold {
	struct skt_matcher *matcher;
	struct skt_snapshot now;
	struct skt_step step;
	struct skt_flows *flows;
	struct skt_coverage coverage;
	bool has_now;
};

/* As a cursor would hand it out. */
static int take(struct fold *fold, struct skt_snapshot *read, bool nothing)
{
	int rc = 0;

	if (nothing) {
		if (fold->has_now)
			skt_snapshot_release(&fold->now);
		rc = skt_snapshot_init(&fold->now, NULL, 3);
		fold->has_now = !rc;
	}
	if (!rc)
		rc = skt_match(fold->matcher, &fold->now, read, nothing, &fold->step);
	if (nothing)
		fold->step.from = INT64_MIN;
	if (!rc)
		rc = skt_apply(&fold->now, &fold->step, NULL);
	if (!rc)
		rc = skt_coverage_step(&fold->coverage, &fold->now, &fold->step);
	return rc ? rc : skt_flows_step(fold->flows, &fold->now, &fold->step, NULL);
}

static int run(struct fold *fold, struct skt_snapshot *read)
{
	const struct skt_flows_options options = { .kinds = UINT32_MAX, .processes = true, .boot_time = -1 };
	int rc = skt_coverage_init(&fold->coverage, UINT32_MAX, 5);

	fold->matcher = skt_matcher_new(1);
	if (!rc && !fold->matcher)
		rc = -ENOMEM;
	if (!rc)
		rc = skt_flows_new(&options, &fold->flows);
	for (size_t i = 0; i < SNAPSHOTS && !rc; i++)
		rc = take(fold, &read[i], !i || i == GAP);
	if (!rc)
		rc = skt_flows_end(fold->flows, NULL);
	return rc ? rc : skt_coverage_end(&fold->coverage, INT64_MIN, INT64_MAX, fold->now.time);
}

static void a_fold_without_memory_says_so(void **state)
{
	struct skt_snapshot read[SNAPSHOTS];
	size_t runs = 0, flows = 0;

	(void)state;
	make(read);
	FAILING_ALLOC_EACH(i)
	{
		struct fold fold = { 0 };
		bool failed;
		int rc;

		failing_alloc_after(i);
		rc = run(&fold, read);
		failed = failing_alloc_stop();
		assert_int_equal(rc, failed ? -ENOMEM : 0);
		if (!rc)
			flows = skt_flows_count(fold.flows);
		skt_flows_free(fold.flows);
		skt_coverage_release(&fold.coverage);
		skt_matcher_free(fold.matcher);
		skt_step_release(&fold.step);
		if (fold.has_now)
			skt_snapshot_release(&fold.now);
		runs++;
	}
	assert_true(runs > 100);
	assert_true(flows > 5);
	for (size_t i = 0; i < SNAPSHOTS; i++)
		skt_snapshot_release(&read[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fold_without_memory_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
