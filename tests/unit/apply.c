/* SPDX-License-Identifier: MIT */
#include "random.h"
#include "scene.h"

#include <skt/step.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * A step out of a recording is hostile. Here one that fits is bent in one place at a time, and must be refused; under
 * the sanitizers, so that nothing is touched that is not there, and what is left can be released.
 */

static struct skt_snapshot a, b;
static struct skt_matcher *matcher;
static struct skt_step step;

/* Where things are in the step that bend() begins with; found by set_up(). */
static size_t opened, changed, closed, appeared, exited, exec;

static void add(struct skt_snapshot *s, uint32_t table, uint16_t port, uint32_t process)
{
	struct skt_sock sock = scene_sock(port, 1, port, port, SKT_ESTABLISHED);

	sock.table = table;
	sock.timer = 2;
	skt_sock_set_ticks(&sock, 5000, SCENE_BOOTTIME);
	if (process == UINT32_MAX)
		scene_add(s, sock);
	else
		scene_add_held(s, sock, process, port);
}

static size_t find_sock(unsigned change)
{
	for (size_t i = 0; i < step.n_socks; i++)
		if (step.socks[i].change == change)
			return i;
	fail_msg("no socket is %s", skt_change_name(change));
	return 0;
}

static size_t find_process(unsigned change)
{
	for (size_t i = 0; i < step.n_processes; i++)
		if (step.processes[i].change == change)
			return i;
	fail_msg("no process is %s", skt_process_change_name(change));
	return 0;
}

/*
 * Slots of a: sockets 0..3 in tcp, 4..5 in udp, processes 0..2, tables 0..1. In the step 1 closes, 2 changes, 6 and 7
 * open (in udp and in the new table 2), 3 moves to the front, 0 and 5 have timers that are off; process 2 exits, 1
 * execs, 3 appears.
 */
static int set_up(void **state)
{
	struct skt_owner owners[2] = { { 0, 10 }, { 1, 11 } };

	(void)state;
	scene_begin(&a, NULL, 0);
	scene_table(&a, SKT_TCP, 1);
	scene_table(&a, SKT_UDP, 1);
	for (uint32_t i = 0; i < 3; i++)
		scene_process(&a, 100 + i, 1, "old");
	for (uint16_t i = 0; i < 4; i++)
		add(&a, 0, (uint16_t)(100 + i), i < 3 ? i : UINT32_MAX);
	add(&a, 1, 104, 0);
	add(&a, 1, 105, 0);
	scene_end(&a);

	scene_begin(&b, NULL, 1);
	scene_table(&b, SKT_TCP, 1);
	scene_table(&b, SKT_UDP, 1);
	scene_table(&b, SKT_RAW, 1);
	skt_snapshot_add_user(&b, 0, scene_string(&b, "root"));
	scene_process(&b, 100, 1, "old");
	scene_process(&b, 101, 1, "new");
	b.processes[1].exe = scene_string(&b, "/bin/other");
	scene_process(&b, 103, 1, "appeared");
	add(&b, 0, 103, UINT32_MAX);
	add(&b, 0, 100, 0);
	b.socks[1].timer_expires += SKT_TICK_NS;
	add(&b, 0, 102, 2);
	scene_own(&b, 2, owners, 2);
	add(&b, 1, 104, 0);
	add(&b, 1, 105, 0);
	b.socks[4].timer_expires -= SKT_TICK_NS;
	add(&b, 1, 106, 2);
	add(&b, 2, 107, 2);
	scene_end(&b);
	skt_table_add_raw(&b.tables[0], 1, scene_string(&b, "raw one"));
	skt_table_add_raw(&b.tables[0], 2, scene_string(&b, "raw two"));

	matcher = skt_matcher_new(11);
	skt_step_init(&step);
	assert_int_equal(skt_match(matcher, &a, &b, false, &step), 0);
	opened = find_sock(SKT_OPENED);
	changed = find_sock(SKT_CHANGED);
	closed = find_sock(SKT_CLOSED);
	appeared = find_process(SKT_PROCESS_APPEARED);
	exited = find_process(SKT_PROCESS_EXITED);
	exec = find_process(SKT_PROCESS_EXEC);
	assert_int_equal(step.socks[closed].slot, 1);
	assert_int_equal(step.socks[changed].slot, 2);
	assert_int_equal(step.socks[opened].slot, 6);
	assert_int_equal(step.n_socks, 4);
	assert_int_equal(step.n_timers, 2);
	assert_int_equal(step.n_puts, 3);
	assert_int_equal(step.n_users, 1);
	assert_int_equal(step.n_tables, 3);
	assert_int_equal(step.n_owners, 4);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	skt_snapshot_release(&a);
	skt_snapshot_release(&b);
	skt_matcher_free(matcher);
	skt_step_release(&step);
	return 0;
}

static void fits_as_it_is(void **state)
{
	char why[200];

	(void)state;
	assert_int_equal(skt_apply(&a, &step, NULL), 0);
	assert_true(scene_is_whole(&a, why, sizeof(why)));
}

static void a_cleared_step_is_empty(void **state)
{
	(void)state;
	skt_step_clear(&step);
	assert_int_equal(step.n_tables + step.n_processes + step.n_socks + step.n_timers + step.n_edits + step.n_puts +
				 step.n_owners + step.n_users + step.n_events,
			 0);
	assert_false(step.unordered);
	/* and may be cleared and filled again */
	skt_step_clear(&step);
	assert_int_equal(skt_match(matcher, &a, &b, false, &step), 0);
	assert_int_equal(step.n_owners, 4);
	assert_int_equal(skt_apply(&a, &step, NULL), 0);
}

/* The bent step is refused, with a reason. */
static void refused(void)
{
	struct skt_err err;

	skt_err_init(&err);
	assert_int_equal(skt_apply(&a, &step, &err), -EBADMSG);
	assert_int_equal(err.code, -EBADMSG);
	assert_non_null(strstr(err.message, "step does not fit"));
	/* what is left over can be released, and filled anew */
	skt_snapshot_clear(&a, b.strings);
	skt_step_clear(&step);
	assert_int_equal(skt_match(matcher, &a, &b, true, &step), 0);
	assert_int_equal(skt_apply(&a, &step, NULL), 0);
	assert_true(skt_snapshot_equal(&a, &b, NULL, 0));
}

/* The same bend, once for every value. */
#define FOR_EACH(type, value, ...)                                                  \
	for (type values[] = { __VA_ARGS__ }, *at = values, value = *at;            \
	     at < values + sizeof(values) / sizeof(*values) && (value = *at, true); \
	     at++, tear_down(NULL), set_up(NULL))

static uint32_t no_string(void)
{
	return skt_strtab_count(a.strings);
}

static void refuses_a_socket_that_is_not_there(void **state)
{
	(void)state;
	FOR_EACH(uint32_t, slot, 6, 8, 1000, UINT32_MAX)
	{
		/* 6 opens later in the same step */
		step.socks[changed].slot = slot;
		refused();
	}
	FOR_EACH(uint32_t, slot, 6, 8, 1000, UINT32_MAX)
	{
		step.socks[closed].slot = slot;
		refused();
	}
}

static void refuses_a_new_socket_in_any_slot_but_the_next(void **state)
{
	(void)state;
	FOR_EACH(uint32_t, slot, 0, 1, 5, 7, 8, UINT32_MAX)
	{
		step.socks[opened].slot = slot;
		refused();
	}
}

static void refuses_a_change_of_what_has_closed(void **state)
{
	struct skt_sock_change change;

	(void)state;
	step.socks[changed].slot = 1;
	refused();
	tear_down(NULL);
	set_up(NULL);
	/* closed twice */
	change = step.socks[closed];
	step.socks[changed] = change;
	refused();
}

static void refuses_a_change_of_no_known_kind(void **state)
{
	(void)state;
	FOR_EACH(uint8_t, kind, 0, 6, 77, 255)
	{
		step.socks[closed].change = kind;
		refused();
	}
	FOR_EACH(uint8_t, kind, 0, 5, 77, 255)
	{
		step.processes[exited].change = kind;
		refused();
	}
}

static void refuses_a_row_of_no_table(void **state)
{
	(void)state;
	FOR_EACH(uint32_t, table, 3, 4, 1000, SKT_NO_TABLE)
	{
		step.socks[opened].now.table = table;
		refused();
	}
}

static void refuses_a_row_of_a_table_that_is_gone(void **state)
{
	(void)state;
	step.tables[1].now.gone = true;
	refused();
}

static void refuses_rows_left_in_a_table_that_is_gone(void **state)
{
	(void)state;
	step.tables[0].now.gone = true;
	refused();
}

static void refuses_owners_outside_the_step(void **state)
{
	(void)state;
	FOR_EACH(uint32_t, first, 5, 1000, UINT32_MAX)
	{
		step.socks[opened].now.first_owner = first;
		refused();
	}
	FOR_EACH(uint32_t, n, 5, 1000, UINT32_MAX)
	{
		step.socks[opened].now.n_owners = n;
		refused();
	}
	FOR_EACH(uint32_t, n, 5, UINT32_MAX)
	{
		step.socks[changed].now.n_owners = n;
		refused();
	}
	step.socks[opened].now.first_owner = 4;
	step.socks[opened].now.n_owners = UINT32_MAX - 3; /* their sum is 0 */
	refused();
}

static void refuses_an_owner_that_is_no_process(void **state)
{
	(void)state;
	FOR_EACH(uint32_t, process, 4, 1000, UINT32_MAX)
	{
		step.owners[step.socks[opened].now.first_owner].process = process;
		refused();
	}
}

static void refuses_a_new_process_in_any_slot_but_the_next(void **state)
{
	(void)state;
	FOR_EACH(uint32_t, slot, 0, 2, 4, UINT32_MAX)
	{
		step.processes[appeared].slot = slot;
		refused();
	}
}

static void refuses_a_change_of_no_process(void **state)
{
	(void)state;
	/* 3 appears later in the same step */
	assert_true(exec < appeared);
	FOR_EACH(uint32_t, slot, 3, 4, 1000, UINT32_MAX)
	{
		step.processes[exec].slot = slot;
		refused();
	}
}

static void refuses_to_let_a_process_exit_twice(void **state)
{
	struct skt_process_change change;

	(void)state;
	change = step.processes[exited];
	step.processes[exec] = change;
	refused();
}

static void refuses_a_table_in_any_slot_but_its_own_or_the_next(void **state)
{
	(void)state;
	FOR_EACH(uint32_t, slot, 3, 4, 65535, UINT32_MAX)
	{
		step.tables[2].slot = slot;
		refused();
	}
}

static void refuses_tables_twice_or_out_of_order(void **state)
{
	struct skt_table_change change;

	(void)state;
	step.tables[1].slot = 0;
	refused();
	tear_down(NULL);
	set_up(NULL);
	/* the same words once more */
	change = step.tables[0];
	change.raw_changed = false;
	change.now.raw = NULL;
	change.now.n_raw = 0;
	step.tables[1] = change;
	refused();
	tear_down(NULL);
	set_up(NULL);
	change = step.tables[0];
	step.tables[0] = step.tables[1];
	step.tables[1] = change;
	refused();
}

static void refuses_a_table_that_becomes_another(void **state)
{
	(void)state;
	step.tables[0].now.kind = SKT_TCP6;
	refused();
	tear_down(NULL);
	set_up(NULL);
	step.tables[0].now.net_namespace++;
	refused();
}

static void refuses_a_new_table_that_is_there_already(void **state)
{
	(void)state;
	step.tables[2].now.kind = SKT_UDP;
	refused();
}

static void refuses_a_new_table_that_is_gone(void **state)
{
	(void)state;
	step.tables[2].now.gone = true;
	refused();
}

static void refuses_a_change_of_a_table_that_is_gone(void **state)
{
	(void)state;
	skt_snapshot_clear(&b, b.strings);
	skt_step_clear(&step);
	assert_int_equal(skt_match(matcher, &a, &b, false, &step), 0);
	assert_int_equal(skt_apply(&a, &step, NULL), 0);
	assert_true(a.tables[0].gone);
	step.n_socks = 0;
	step.n_edits = 0;
	step.n_processes = 0;
	step.tables[0].now.gone = false;
	refused();
}

static void refuses_strings_that_are_not_there(void **state)
{
	uint32_t *places[12];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		n = 0;
		places[n++] = &step.users[0].name;
		places[n++] = &step.tables[0].now.heading;
		places[n++] = &step.tables[2].now.heading;
		places[n++] = &step.tables[0].now.raw[1].text;
		places[n++] = &step.processes[appeared].now.comm;
		places[n++] = &step.processes[appeared].now.exe;
		places[n++] = &step.processes[appeared].now.cmdline;
		places[n++] = &step.processes[appeared].now.cgroup;
		places[n++] = &step.processes[exec].now.exe;
		places[n++] = &step.socks[opened].now.tail;
		places[n++] = &step.socks[opened].now.text;
		places[n++] = &step.socks[changed].now.tail;
		step.socks[changed].fields |= SKT_BIT(SKT_F_TAIL);
		*places[i] = i % 2 ? no_string() : UINT32_MAX;
		refused();
		tear_down(NULL);
		set_up(NULL);
	}
}

static void a_string_that_does_not_change_is_not_looked_at(void **state)
{
	char why[200];

	(void)state;
	step.socks[changed].now.text = UINT32_MAX;
	step.processes[exec].now.cgroup = UINT32_MAX;
	assert_int_equal(skt_apply(&a, &step, NULL), 0);
	assert_true(scene_is_whole(&a, why, sizeof(why)));
}

static void refuses_timers_of_no_socket(void **state)
{
	(void)state;
	/* 1 has closed */
	FOR_EACH(uint32_t, slot, 1, 8, UINT32_MAX)
	{
		step.timers[0].slot = slot;
		refused();
	}
}

static void refuses_timers_of_one_row_twice_or_out_of_order(void **state)
{
	struct skt_timer_off timer = step.timers[0];

	(void)state;
	step.timers[0] = step.timers[1];
	refused();
	tear_down(NULL);
	set_up(NULL);
	step.timers[0] = step.timers[1];
	step.timers[1] = timer;
	refused();
}

static void refuses_ticks_that_no_kernel_prints(void **state)
{
	int64_t left;

	(void)state;
	left = (int64_t)skt_sock_ticks(&a.socks[step.timers[0].slot], step.boottime);
	FOR_EACH(int32_t, off, 0, (int32_t)-left - 1, INT32_MIN)
	{
		step.timers[0].off = off;
		refused();
	}
	/* and those of a row that has no timer, or has none any more */
	a.socks[step.timers[0].slot].has &= ~SKT_BIT(SKT_F_TIMER_MS);
	refused();
}

/* What a change says of an instant is where it was read, so it is not off. */
static void refuses_a_timer_that_is_told_and_off(void **state)
{
	(void)state;
	/* with the change of 2, and as 6 comes */
	step.timers[1] = (struct skt_timer_off){ .slot = 2, .off = 1 };
	step.socks[changed].fields |= SKT_BIT(SKT_F_TIMER_MS);
	refused();
	tear_down(NULL);
	set_up(NULL);
	step.timers[1] = (struct skt_timer_off){ .slot = 6, .off = 1 };
	refused();
}

/* A row that changed in other fields while its timer was off: the change shows it as it was, and as it is. */
static void a_change_shows_its_timer_before_and_after_it_was_pulled(void **state)
{
	const struct skt_sock_change *change = &step.socks[changed];
	struct skt_timer_off last = step.timers[1];
	int64_t was = a.socks[2].timer_expires;

	(void)state;
	assert_int_equal(change->slot, 2);
	assert_false(change->fields & SKT_BIT(SKT_F_TIMER_MS));
	assert_int_equal(last.slot, 5);
	step.timers[1] = (struct skt_timer_off){ .slot = 2, .off = -1 };
	assert_int_equal(skt_apply(&a, &step, NULL), 0);
	assert_true(step.timers[1].changed);
	assert_false(step.timers[0].changed);
	assert_true(step.timers[1].before == was);
	assert_true(change->before.timer_expires == was);
	assert_true(change->now.timer_expires < was);
	assert_true(change->now.timer_expires == a.socks[2].timer_expires);
}

static void refuses_raw_lines_that_stand_nowhere(void **state)
{
	(void)state;
	/* three rows are left in the table */
	FOR_EACH(uint32_t, before, 0, 4, UINT32_MAX)
	{
		step.tables[0].now.raw[1].before = before;
		refused();
	}
	/* and raw lines that stay must still stand among the rows that do */
	assert_int_equal(skt_apply(&a, &step, NULL), 0);
	skt_snapshot_clear(&b, b.strings);
	scene_table(&b, SKT_TCP, 1);
	scene_end(&b);
	assert_int_equal(skt_match(matcher, &a, &b, false, &step), 0);
	free(step.tables[0].now.raw);
	step.tables[0].now.raw = NULL;
	step.tables[0].now.n_raw = 0;
	step.tables[0].raw_changed = false;
	refused();
}

/* Raw lines that the step brings but does not mean are its own to free. */
static void raw_lines_not_meant_are_not_leaked(void **state)
{
	(void)state;
	step.tables[0].raw_changed = false;
	assert_int_equal(skt_apply(&a, &step, NULL), 0);
	assert_int_equal(a.tables[0].n_raw, 0);
}

static void refuses_an_order_that_keeps_more_than_there_is(void **state)
{
	(void)state;
	FOR_EACH(uint32_t, keep, 4, 5, UINT32_MAX)
	{
		step.edits[0].keep = keep;
		refused();
	}
	FOR_EACH(uint32_t, drop, 4, 5, UINT32_MAX)
	{
		step.edits[0].drop = drop;
		refused();
	}
}

static void refuses_an_order_that_puts_more_than_there_is(void **state)
{
	(void)state;
	FOR_EACH(uint32_t, put, 4, 1000, SKT_SOCKS_MAX, SKT_SOCKS_MAX + 1, UINT32_MAX)
	{
		step.edits[0].put = put;
		refused();
	}
	step.n_puts--;
	refused();
}

static void refuses_an_order_that_leaves_out_a_row(void **state)
{
	(void)state;
	/* the one that moved is dropped and not put */
	step.edits[0].put = 0;
	memmove(step.puts, step.puts + 1, --step.n_puts * sizeof(*step.puts));
	refused();
	tear_down(NULL);
	set_up(NULL);
	/* the one that opened is not put */
	for (size_t i = 0; i < step.n_edits; i++)
		if (step.edits[i].table == 2)
			step.n_edits = i;
	refused();
	tear_down(NULL);
	set_up(NULL);
	step.n_edits = 0;
	refused();
}

/* 0 1 2 3, of which 1 closes and 3 moves to the front: without 1 there are two to keep before it is dropped. */
static void a_closed_row_is_none_to_keep_or_to_drop(void **state)
{
	(void)state;
	for (int last = 0; last < 2; last++) {
		/* wherever in the step it closes */
		if (last) {
			struct skt_sock_change change = step.socks[closed];

			step.socks[closed] = step.socks[changed];
			step.socks[changed] = change;
		}
		assert_int_equal(step.edits[1].table, 0);
		assert_int_equal(step.edits[1].keep, 2);
		assert_int_equal(step.edits[1].drop, 1);
		assert_int_equal(skt_apply(&a, &step, NULL), 0);
		assert_int_equal(a.tables[0].n_rows, 3);
		assert_int_equal(a.tables[0].order[0], 3);
		assert_int_equal(a.tables[0].order[1], 0);
		assert_int_equal(a.tables[0].order[2], 2);
		tear_down(NULL);
		set_up(NULL);
		/* four is one too many, for one has left */
		step.edits[1].drop = 2;
		refused();
		tear_down(NULL);
		set_up(NULL);
	}
}

static void a_row_that_closes_twice_is_refused(void **state)
{
	(void)state;
	step.socks[changed] = step.socks[closed];
	refused();
}

static void an_empty_run_of_owners_points_nowhere(void **state)
{
	char why[200];

	(void)state;
	step.socks[opened].now.first_owner = 4;
	step.socks[opened].now.n_owners = 0;
	assert_int_equal(skt_apply(&a, &step, NULL), 0);
	assert_int_equal(a.socks[6].first_owner, 0);
	assert_true(scene_is_whole(&a, why, sizeof(why)));
}

static void refuses_puts_of_wrong_rows(void **state)
{
	(void)state;
	/* not there; closed; of another table; kept as well; of the table but put already */
	FOR_EACH(uint32_t, slot, 8, UINT32_MAX, 1, 4, 0, 6)
	{
		step.puts[0] = slot;
		refused();
	}
	/* one row twice and another not at all */
	step.puts[2] = step.puts[1];
	refused();
}

static void refuses_an_order_of_no_table(void **state)
{
	(void)state;
	FOR_EACH(uint32_t, table, 3, UINT32_MAX)
	{
		step.edits[step.n_edits - 1].table = table;
		refused();
	}
}

static void refuses_tables_ordered_out_of_order(void **state)
{
	struct skt_order_edit edit;

	(void)state;
	/* each group of edits copies its whole table: many groups for one would cost the square */
	assert_int_equal(step.edits[0].table, 0);
	edit = step.edits[step.n_edits - 1];
	step.edits[step.n_edits - 1] = step.edits[0];
	step.edits[0] = edit;
	refused();
}

static void fields_that_are_none_change_nothing(void **state)
{
	(void)state;
	step.socks[changed].fields |= ~(SKT_BIT(SKT_FIELDS) - 1) | SKT_BIT(SKT_F_TABLE) | SKT_BIT(SKT_F_LOCAL_PORT);
	step.socks[changed].now.table = 1;
	step.socks[changed].now.local_port = 1;
	assert_int_equal(skt_apply(&a, &step, NULL), 0);
	assert_int_equal(a.socks[2].table, 0);
	assert_int_equal(a.socks[2].local_port, 102);
}

static void a_step_over_a_limit_is_told_as_such(void **state)
{
	struct skt_err err;
	size_t had = a.n_owners;

	(void)state;
	a.n_owners = 2 * (size_t)SKT_OWNERS_MAX; /* as after very many steps without compaction */
	skt_err_init(&err);
	assert_int_equal(skt_apply(&a, &step, &err), -E2BIG);
	assert_int_equal(err.code, -E2BIG);
	a.n_owners = had;
}

/* Any step with any one byte of its numbers changed: applied or refused, never a snapshot that is not one. */
static void a_bent_byte_anywhere_is_refused_or_harmless(void **state)
{
	static const uint8_t masks[] = { 0x01, 0x02, 0x80, 0xff };
	unsigned applied = 0, tried = 0;

	(void)state;
	for (size_t which = 0; which < 6; which++) {
		for (size_t at = 0;; at++) {
			struct {
				void *bytes;
				size_t size;
			} parts[] = {
				{ step.edits, step.n_edits * sizeof(*step.edits) },
				{ step.puts, step.n_puts * sizeof(*step.puts) },
				{ step.owners, step.n_owners * sizeof(*step.owners) },
				{ step.timers, step.n_timers * sizeof(*step.timers) },
				{ &step.socks[at % step.n_socks].slot, sizeof(uint32_t) },
				{ &step.processes[at % step.n_processes].slot, sizeof(uint32_t) },
			};
			char why[200];
			int rc;

			if (at >= 4 * parts[which].size * (which < 4 ? 1 : 4))
				break;
			((uint8_t *)parts[which].bytes)[at / 4 % parts[which].size] ^= masks[at % 4];
			rc = skt_apply(&a, &step, NULL);
			if (rc && rc != -EBADMSG)
				fail_msg("part %zu, byte %zu: %d", which, at, rc);
			if (!rc && !scene_is_whole(&a, why, sizeof(why)))
				fail_msg("part %zu, byte %zu: %s", which, at, why);
			applied += !rc;
			tried++;
			tear_down(NULL);
			set_up(NULL);
		}
	}
	assert_in_range(applied, 1, tried - 1);
}

/* Who does not ask for the order need not read it: every row is what it would be, and stands nowhere. */
static void a_step_without_its_order_is_taken_all_the_same(void **state)
{
	struct skt_snapshot ordered;

	(void)state;
	assert_int_equal(skt_snapshot_copy(&a, &ordered), 0);
	step.n_edits = 0;
	step.n_puts = 0;
	step.unordered = true;
	assert_int_equal(skt_apply(&a, &step, NULL), 0);
	assert_int_equal(skt_match(matcher, &ordered, &b, false, &step), 0);
	assert_int_equal(skt_apply(&ordered, &step, NULL), 0);
	assert_int_equal(a.live_socks, ordered.live_socks);
	assert_int_equal(a.n_socks, ordered.n_socks);
	for (size_t i = 0; i < a.n_socks; i++) {
		assert_int_equal(a.socks[i].table, ordered.socks[i].table);
		assert_int_equal(skt_sock_compare(&a.socks[i], &ordered.socks[i]), 0);
	}
	for (size_t i = 0; i < a.n_tables; i++)
		assert_int_equal(a.tables[i].n_rows, 0);
	skt_snapshot_release(&ordered);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fits_as_it_is),
		TEST(a_cleared_step_is_empty),
		TEST(refuses_a_socket_that_is_not_there),
		TEST(refuses_a_new_socket_in_any_slot_but_the_next),
		TEST(refuses_a_change_of_what_has_closed),
		TEST(refuses_a_change_of_no_known_kind),
		TEST(refuses_a_row_of_no_table),
		TEST(refuses_a_row_of_a_table_that_is_gone),
		TEST(refuses_rows_left_in_a_table_that_is_gone),
		TEST(refuses_owners_outside_the_step),
		TEST(refuses_an_owner_that_is_no_process),
		TEST(refuses_a_new_process_in_any_slot_but_the_next),
		TEST(refuses_a_change_of_no_process),
		TEST(refuses_to_let_a_process_exit_twice),
		TEST(refuses_a_table_in_any_slot_but_its_own_or_the_next),
		TEST(refuses_tables_twice_or_out_of_order),
		TEST(refuses_a_table_that_becomes_another),
		TEST(refuses_a_new_table_that_is_there_already),
		TEST(refuses_a_new_table_that_is_gone),
		TEST(refuses_a_change_of_a_table_that_is_gone),
		TEST(refuses_strings_that_are_not_there),
		TEST(a_string_that_does_not_change_is_not_looked_at),
		TEST(refuses_timers_of_no_socket),
		TEST(refuses_timers_of_one_row_twice_or_out_of_order),
		TEST(refuses_ticks_that_no_kernel_prints),
		TEST(refuses_a_timer_that_is_told_and_off),
		TEST(a_change_shows_its_timer_before_and_after_it_was_pulled),
		TEST(refuses_raw_lines_that_stand_nowhere),
		TEST(raw_lines_not_meant_are_not_leaked),
		TEST(refuses_an_order_that_keeps_more_than_there_is),
		TEST(refuses_an_order_that_puts_more_than_there_is),
		TEST(refuses_an_order_that_leaves_out_a_row),
		TEST(a_closed_row_is_none_to_keep_or_to_drop),
		TEST(a_row_that_closes_twice_is_refused),
		TEST(an_empty_run_of_owners_points_nowhere),
		TEST(refuses_puts_of_wrong_rows),
		TEST(refuses_an_order_of_no_table),
		TEST(refuses_tables_ordered_out_of_order),
		TEST(fields_that_are_none_change_nothing),
		TEST(a_step_over_a_limit_is_told_as_such),
		TEST(a_step_without_its_order_is_taken_all_the_same),
		TEST(a_bent_byte_anywhere_is_refused_or_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
