/* SPDX-License-Identifier: MIT */
/* Every allocation made to fail in turn while notices become events. Leaks are the sanitizer's to find. */
#include "proc/tell.h"
#include "failing_alloc.h"
#include "scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void notices_become_events_or_there_is_no_memory(void **state)
{
	struct skt_sock sock = scene_sock(1000, 80, 500, 0xaa, SKT_ESTABLISHED);
	struct skt_matcher *matcher = skt_matcher_new(11);
	struct skt_snapshot a, b;
	struct skt_step step;
	struct skt_err err;

	(void)state;
	skt_err_init(&err);
	assert_non_null(matcher);
	FAILING_ALLOC_EACH(i)
	{
		struct tell tell = { .waiting = calloc(2, sizeof(*tell.waiting)), .n_waiting = 2, .room_waiting = 2 };
		int rc;

		scene_begin(&a, NULL, 0);
		scene_begin(&b, NULL, 1);
		scene_table(&a, SKT_TCP, 1);
		scene_table(&b, SKT_TCP, 1);
		scene_add(&a, sock);
		scene_end(&a);
		scene_end(&b);
		skt_step_init(&step);
		assert_int_equal(skt_match(matcher, &a, &b, false, &step), 0);
		assert_int_equal(skt_apply(&a, &step, &err), 0);
		assert_non_null(tell.waiting);
		for (unsigned n = 0; n < 2; n++) {
			tell.waiting[n].net_namespace = 1;
			tell.waiting[n].event.slot = SKT_NO_SLOT;
			tell.waiting[n].event.when = SCENE_TIME + n;
			tell.waiting[n].event.local_port = 1000;
			tell.waiting[n].event.remote_port = 80;
			memcpy(tell.waiting[n].event.local_address, sock.local_address, 16);
			memcpy(tell.waiting[n].event.remote_address, sock.remote_address, 16);
		}
		failing_alloc_after(i);
		rc = tell_step(&tell, &a, &step, false);
		if (failing_alloc_stop()) {
			assert_int_equal(rc, -ENOMEM);
		} else {
			assert_int_equal(rc, 0);
			assert_int_equal(step.n_events, 2);
			assert_int_equal(step.events[0].slot, 0);
			assert_int_equal(step.events[1].slot, SKT_NO_SLOT);
		}
		tell_release(&tell);
		skt_step_release(&step);
		skt_snapshot_release(&a);
		skt_snapshot_release(&b);
	}
	skt_matcher_free(matcher);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(notices_become_events_or_there_is_no_memory) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
