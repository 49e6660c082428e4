/* SPDX-License-Identifier: MIT */
#include "proc/told.h"
#include "scene.h"

#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * What a tree tells of costs what it is long, however many tables there are: who made it up has both. What is quadratic
 * here would take minutes: the alarm ends it.
 */

enum { LIMIT = 30, EVENTS = SKT_EVENTS_MAX / 2, HERE = 8 };

static struct skt_snapshot now;
static struct skt_step step;
static struct told told;

/* Every eighth table is there, and the others went with the step. */
static int set_up(void **state)
{
	(void)state;
	scene_begin(&now, NULL, 0);
	skt_step_init(&step);
	assert_int_equal(array_room(&step.tables, &step.room_tables, SKT_TABLES_MAX, sizeof(*step.tables)), 0);
	for (uint32_t i = 0; i < SKT_TABLES_MAX; i++) {
		scene_table(&now, SKT_TCP, 1000 + i);
		now.tables[i].gone = i % HERE != 0;
		if (now.tables[i].gone)
			step.tables[step.n_tables++] = (struct skt_table_change){ .slot = i };
	}
	told.events = calloc(EVENTS, sizeof(*told.events));
	assert_non_null(told.events);
	alarm(LIMIT);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	alarm(0);
	told_release(&told);
	skt_step_release(&step);
	skt_snapshot_release(&now);
	return 0;
}

/* No two in turn are of one table. */
static uint32_t table_of_event(uint32_t i)
{
	return i * UINT32_C(7919) % SKT_TABLES_MAX;
}

static void each_event_finds_its_table_among_many(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < EVENTS; i++)
		told.events[i] = (struct told_event){ .kind = SKT_TCP,
						      .net_namespace = 1000 + table_of_event(i),
						      .event = { .when = i } };
	told.n_events = EVENTS;
	assert_int_equal(told_tell(&told, &now, &step), 0);
	assert_int_equal(step.n_events, EVENTS);
	for (uint32_t i = 0; i < EVENTS; i++)
		if (step.events[i].table != table_of_event(i))
			fail_msg("event %u is of table %u", i, step.events[i].table);
}

static void an_event_of_no_table_is_dropped(void **state)
{
	(void)state;
	/* of a kind, and of a namespace, that there is not */
	told.events[0] = (struct told_event){ .kind = SKT_UDP, .net_namespace = 1000 };
	told.events[1] = (struct told_event){ .kind = SKT_TCP, .net_namespace = 999 };
	told.events[2] = (struct told_event){ .kind = SKT_TCP, .net_namespace = 1000 };
	told.n_events = 3;
	assert_int_equal(told_tell(&told, &now, &step), 0);
	assert_int_equal(step.n_events, 1);
	assert_int_equal(step.events[0].table, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_event_finds_its_table_among_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_event_of_no_table_is_dropped, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
