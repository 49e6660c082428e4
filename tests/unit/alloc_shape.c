/* SPDX-License-Identifier: MIT */
/* Every allocation made to fail in turn, while rows are sorted and counted. */
#include <skt/shape.h>

#include "failing_alloc.h"
#include "scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct skt_snapshot snapshot;
static struct skt_row rows[2];
static struct skt_view nameable;

static int set_up(void **state)
{
	struct skt_view sockets, flat;

	(void)state;
	scene_begin(&snapshot, NULL, 0);
	scene_table(&snapshot, SKT_TCP, 1);
	scene_add_held(&snapshot, scene_sock(20, 2, 5, 6, SKT_ESTABLISHED), scene_process(&snapshot, 7, 1, "y"), 3);
	scene_add_held(&snapshot, scene_sock(10, 2, 6, 7, SKT_ESTABLISHED), scene_process(&snapshot, 8, 1, "z"), 3);
	scene_end(&snapshot);
	for (size_t i = 0; i < 2; i++)
		rows[i] = (struct skt_row){ .boot_time = -1, .snapshot = &snapshot, .sock = &snapshot.socks[i] };
	skt_view_sockets(&sockets, false);
	skt_view_sockets(&flat, true);
	skt_view_nameable(&sockets, &flat, &nameable);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	skt_snapshot_release(&snapshot);
	return 0;
}

static void rows_are_sorted_or_there_was_no_memory(void **state)
{
	struct skt_order order;

	(void)state;
	assert_int_equal(skt_order_parse("comm,-local_port", &nameable, &order, NULL), 0);
	FAILING_ALLOC_EACH(i)
	{
		uint32_t *which = NULL;
		int rc;

		failing_alloc_after(i);
		rc = skt_order_rows(&order, rows, 2, &which);
		assert_int_equal(rc, failing_alloc_stop() ? -ENOMEM : 0);
		free(which);
	}
}

static int count(struct skt_counts **counts)
{
	struct skt_counts_options options = { .every = SCENE_SECOND, .seed = 1 };
	int rc = skt_fields_parse("pid,local_port,comm", &nameable, &options.by, NULL);

	if (!rc)
		rc = skt_counts_new(&options, counts);
	for (size_t i = 0; i < 20 && !rc; i++)
		rc = skt_counts_add(*counts, 0, &rows[i % 2], (int64_t)i, (int64_t)i * SCENE_SECOND);
	return rc ? rc : skt_counts_end(*counts, 0, NULL);
}

static void rows_are_counted_or_there_was_no_memory(void **state)
{
	(void)state;
	FAILING_ALLOC_EACH(i)
	{
		struct skt_counts *counts = NULL;
		int rc;

		failing_alloc_after(i);
		rc = count(&counts);
		if (failing_alloc_stop()) {
			assert_int_equal(rc, -ENOMEM);
		} else {
			assert_int_equal(rc, 0);
			/* row 1 is there until second 19, row 0 until 18 */
			assert_int_equal(skt_counts_count(counts), 20 + 19);
		}
		skt_counts_free(counts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sorted_or_there_was_no_memory),
		cmocka_unit_test(rows_are_counted_or_there_was_no_memory),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
