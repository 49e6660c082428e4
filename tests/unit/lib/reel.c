/* SPDX-License-Identifier: MIT */
#include "reel.h"

#include "scene.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void reel_init(struct reel *reel)
{
	memset(reel, 0, sizeof(*reel));
	reel->matcher = skt_matcher_new(1);
	assert_non_null(reel->matcher);
	assert_int_equal(skt_snapshot_init(&reel->now, NULL, 3), 0);
	skt_step_init(&reel->step);
}

void reel_release(struct reel *reel)
{
	skt_matcher_free(reel->matcher);
	skt_step_release(&reel->step);
	skt_snapshot_release(&reel->now);
}

void reel_take(struct reel *reel)
{
	bool nothing = !reel->begun || reel->gap;

	scene_end(&reel->next);
	if (reel->gap) {
		struct skt_strtab *strings = skt_strtab_ref(reel->now.strings);

		skt_snapshot_clear(&reel->now, strings);
		skt_strtab_unref(strings);
	}
	assert_int_equal(skt_match(reel->matcher, &reel->now, &reel->next, nothing, &reel->step), 0);
	if (nothing)
		reel->step.from = INT64_MIN;
	assert_int_equal(skt_apply(&reel->now, &reel->step, NULL), 0);
	skt_snapshot_release(&reel->next);
	reel->begun = true;
	reel->gap = false;
}
