/* SPDX-License-Identifier: MIT */
#include "scene.h"

#include "base/array.h"
#include "record/digest.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * A step costs what it says, and not what the snapshot is large: a recording made to do harm has a few kilobytes for
 * the large snapshot and one byte for each step. What is quadratic here would take many minutes: the alarm ends it.
 * Times are printed, not asserted.
 */

enum { LIMIT = 100 };

static struct skt_snapshot a;
static struct skt_step step;
static double began;

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int set_up(void **state)
{
	(void)state;
	scene_begin(&a, NULL, 0);
	skt_step_init(&step);
	alarm(LIMIT);
	began = now_ms();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	alarm(0);
	print_message("%.0f ms\n", now_ms() - began);
	skt_snapshot_release(&a);
	skt_step_release(&step);
	return 0;
}

static void take(void)
{
	assert_int_equal(skt_apply(&a, &step, NULL), 0);
	skt_step_clear(&step);
}

static struct skt_sock_change *add_change(uint8_t what, uint32_t slot, uint32_t fields)
{
	assert_int_equal(array_room(&step.socks, &step.room_socks, step.n_socks + 1, sizeof(*step.socks)), 0);
	step.socks[step.n_socks] = (struct skt_sock_change){ .change = what, .slot = slot, .fields = fields };
	return &step.socks[step.n_socks++];
}

static struct skt_table_change *add_table(uint32_t slot, uint64_t net_namespace)
{
	assert_int_equal(array_room(&step.tables, &step.room_tables, step.n_tables + 1, sizeof(*step.tables)), 0);
	step.tables[step.n_tables] = (struct skt_table_change){ .slot = slot };
	step.tables[step.n_tables].now.net_namespace = net_namespace;
	return &step.tables[step.n_tables++];
}

static void many_tables_come_at_once(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SKT_TABLES_MAX; i++)
		add_table(i, i);
	take();
	assert_int_equal(a.n_tables, SKT_TABLES_MAX);
}

static void tables_come_one_a_step(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SKT_TABLES_MAX; i++) {
		add_table(i, i);
		take();
	}
	assert_int_equal(a.n_tables, SKT_TABLES_MAX);
}

/* The same one: what is gone is not looked at any more. */
static void a_table_comes_and_goes(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SKT_TABLES_MAX; i++) {
		add_table(i, 5);
		take();
		add_table(i, 5)->now.gone = true;
		take();
	}
}

static void steps_that_say_nothing_cost_nothing(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SKT_TABLES_MAX; i++) {
		struct skt_table_change *change = add_table(i, i);

		change->raw_changed = true;
		for (int k = 0; k < 16; k++)
			assert_int_equal(skt_table_add_raw(&change->now, 0, 0), 0);
	}
	take();
	for (int i = 0; i < 2000000; i++) {
		step.unordered = i & 1;
		take();
	}
}

static void raw_lines_are_looked_at_when_they_change(void **state)
{
	struct skt_table_change *change = add_table(0, 0);

	(void)state;
	change->raw_changed = true;
	for (uint32_t k = 0; k < SKT_RAW_MAX; k++)
		assert_int_equal(skt_table_add_raw(&change->now, 0, 0), 0);
	take();
	for (int i = 0; i < 1000000; i++) {
		add_table(0, 0)->now.duplicates = (uint32_t)i;
		take();
	}
	assert_int_equal(a.tables[0].n_raw, SKT_RAW_MAX);
	/* more than two groups may have is refused */
	change = add_table(0, 0);
	change->raw_changed = true;
	for (uint32_t k = 0; k < SKT_RAW_MAX; k++)
		assert_int_equal(skt_table_add_raw(&change->now, 0, 0), 0);
	for (uint32_t slot = 1; slot < 3; slot++) {
		change = add_table(slot, slot);
		change->raw_changed = true;
		for (uint32_t k = 0; k < SKT_RAW_MAX; k++)
			assert_int_equal(skt_table_add_raw(&change->now, 0, 0), 0);
	}
	assert_int_equal(skt_apply(&a, &step, NULL), -E2BIG);
}

static void users_are_merged(void **state)
{
	(void)state;
	/* each time the even ones of those below all others: between and before */
	for (uint32_t round = 0; round < 2; round++) {
		assert_int_equal(array_room(&step.users, &step.room_users, SKT_USERS_MAX, sizeof(*step.users)), 0);
		for (uint32_t i = 0; i < SKT_USERS_MAX; i++)
			step.users[step.n_users++] = (struct skt_user){ .uid = 2 * i + 1 - round };
		take();
	}
	assert_int_equal(a.n_users, 2 * SKT_USERS_MAX);
	for (uint32_t i = 0; i < 2 * SKT_USERS_MAX; i++)
		assert_int_equal(a.users[i].uid, i);
}

/* What is walked along and moved, counted by hand: a group has a limit for it. */
static void what_stands_in_order_is_counted_as_it_is_walked_along(void **state)
{
	enum { ROWS = 5 };

	(void)state;
	for (unsigned t = 0; t < 3; t++) {
		uint32_t table = scene_table(&a, SKT_TCP, t);

		for (uint16_t i = 0; i < ROWS; i++) {
			struct skt_sock sock = scene_sock(80, i, i, i, SKT_LISTEN);

			sock.table = table;
			scene_add(&a, sock);
		}
	}
	scene_end(&a);
	take();
	assert_int_equal(a.walked, 0);
	/* two rows close in table 0, and one in table 1, where an edit puts the last row first */
	add_change(SKT_CLOSED, 0, 0);
	add_change(SKT_LOST, 1, 0);
	add_change(SKT_CLOSED, ROWS, 0);
	assert_int_equal(array_room(&step.edits, &step.room_edits, 2, sizeof(*step.edits)), 0);
	assert_int_equal(array_room(&step.puts, &step.room_puts, 1, sizeof(*step.puts)), 0);
	step.edits[step.n_edits++] = (struct skt_order_edit){ .table = 1, .put = 1 };
	step.edits[step.n_edits++] = (struct skt_order_edit){ .table = 1, .keep = ROWS - 2, .drop = 1 };
	step.puts[step.n_puts++] = 2 * ROWS - 1;
	take();
	assert_int_equal(a.walked, 2 * ROWS);
	assert_int_equal(a.moved, 1);
	/* a change is none of the order's, and a look at no order neither */
	add_change(SKT_CHANGED, 2, SKT_BIT(SKT_F_UID));
	take();
	assert_int_equal(a.walked, 2 * ROWS);
	/* users are walked along when one is named, known or not */
	for (uint32_t uid = 0; uid < 4; uid++) {
		assert_int_equal(array_room(&step.users, &step.room_users, 1, sizeof(*step.users)), 0);
		step.users[step.n_users++] = (struct skt_user){ .uid = uid / 2 };
		take();
	}
	assert_int_equal(a.walked, 2 * ROWS + 0 + 1 + 1 + 2);
	assert_false(skt_snapshot_is_over(&a));
	a.walked = SKT_WALKED_MAX;
	a.moved = SKT_MOVED_MAX;
	assert_false(skt_snapshot_is_over(&a));
	a.walked++;
	assert_true(skt_snapshot_is_over(&a));
	a.walked--;
	a.moved++;
	assert_true(skt_snapshot_is_over(&a));
	skt_snapshot_clear(&a, a.strings);
	assert_false(skt_snapshot_is_over(&a));
}

/* --- the digest of a row that many hold --- */

static uint64_t put(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash / (UINT64_C(1) << 32);
}

/* 16 of them, as two numbers. */
static uint64_t put_bytes(uint64_t hash, const uint8_t *bytes)
{
	for (int half = 0; half < 2; half++) {
		uint64_t value = 0;

		for (int i = 7; i >= 0; i--)
			value = value << 8 | bytes[8 * half + i];
		hash = put(hash, value);
	}
	return hash;
}

/* As the page says. */
static uint32_t digest_by_the_page(const struct skt_sock *row)
{
	uint64_t hash = put(put(put(0, row->table), row->local_port), row->remote_port), owners = 0;

	hash = put_bytes(put_bytes(hash, row->local_address), row->remote_address);
	hash = put(put(put(put(put(hash, row->inode), row->sk), row->rto), row->ato), row->tx_queue);
	hash = put(put(put(put(hash, row->rx_queue), row->retransmits), (uint64_t)(int64_t)row->probes), row->uid);
	hash = put(put(put(hash, (uint64_t)(int64_t)row->ref), row->quick), row->cwnd);
	hash = put(put(put(put(hash, (uint64_t)(int64_t)row->ssthresh), row->drops), row->tail), row->text);
	hash = put(put(put(put(hash, row->has), row->state), row->timer), (uint64_t)row->timer_expires);
	for (uint32_t i = 0; i < row->n_owners; i++)
		owners = put(put(owners, a.owners[row->first_owner + i].process),
			     (uint64_t)(int64_t)a.owners[row->first_owner + i].fd);
	return (uint32_t)put(put(put(put(hash, row->owner), row->owner_gaps), row->n_owners), owners);
}

/* A row with that many holders. */
static uint32_t add_row(uint32_t holders)
{
	struct skt_owner *owners = calloc(holders + 1, sizeof(*owners));
	uint32_t slot = scene_add(&a, scene_sock(80, (uint16_t)holders, holders, holders, SKT_LISTEN));

	assert_non_null(owners);
	for (uint32_t i = 0; i < holders; i++)
		owners[i].fd = (int32_t)i - 5;
	scene_own(&a, slot, owners, holders);
	free(owners);
	return slot;
}

static uint32_t digest_all(void)
{
	uint32_t digest = 0;

	for (size_t i = 0; i < a.n_socks; i++)
		if (a.socks[i].table != SKT_NO_TABLE)
			digest += digest_by_the_page(&a.socks[i]);
	return digest;
}

static void the_digest_is_the_pages_however_many_hold_a_row(void **state)
{
	uint32_t digest;

	(void)state;
	scene_table(&a, SKT_TCP, 1);
	scene_process(&a, 1, 1, "x");
	for (uint32_t holders = 0; holders < 40; holders++)
		add_row(holders);
	digest = digest_rows(&a);
	assert_int_equal(digest, digest_all());
	for (uint32_t round = 0; round < 400; round++) {
		uint32_t slot = round * 7 % 40, n = round * 11 % 40;
		struct skt_sock_change *change;

		if (a.socks[slot].table == SKT_NO_TABLE)
			continue;
		step.unordered = true;
		change = add_change(SKT_CHANGED, slot, SKT_BIT(SKT_F_UID));
		change->now.uid = round;
		if (round % 3 == 0) {
			change->fields |= SKT_BIT(SKT_F_OWNERS);
			change->now.n_owners = n;
			assert_int_equal(array_room(&step.owners, &step.room_owners, 40, sizeof(*step.owners)), 0);
			for (; step.n_owners < n; step.n_owners++)
				step.owners[step.n_owners] =
					(struct skt_owner){ .fd = (int32_t)(round + step.n_owners) };
		} else if (round % 50 == 49) {
			change->change = SKT_CLOSED;
		}
		assert_int_equal(skt_apply(&a, &step, NULL), 0);
		digest = digest_step(digest, &a, &step);
		skt_step_clear(&step);
		assert_int_equal(digest, digest_all());
	}
}

static void a_row_that_many_hold_changes_like_any(void **state)
{
	uint32_t digest, slot;

	(void)state;
	scene_table(&a, SKT_TCP, 1);
	scene_process(&a, 1, 1, "x");
	slot = add_row(1u << 20);
	digest = digest_rows(&a);
	for (uint32_t i = 0; i < 200000; i++) {
		add_change(SKT_CHANGED, slot, SKT_BIT(SKT_F_UID))->now.uid = i;
		step.unordered = true;
		assert_int_equal(skt_apply(&a, &step, NULL), 0);
		digest = digest_step(digest, &a, &step);
		skt_step_clear(&step);
	}
	assert_int_equal(digest, digest_all());
}

static void memory_of_a_large_step_is_not_kept_for_small_ones(void **state)
{
	uint32_t slot;

	(void)state;
	scene_table(&a, SKT_TCP, 1);
	scene_process(&a, 1, 1, "x");
	slot = add_row(1);
	for (uint32_t i = 0; i < 50000; i++)
		add_change(SKT_CHANGED, slot, SKT_BIT(SKT_F_UID));
	skt_step_clear(&step);
	for (int i = 0; i < 2; i++) {
		add_change(SKT_CHANGED, slot, SKT_BIT(SKT_F_UID));
		skt_step_clear(&step);
	}
	assert_true(step.room_socks <= 1024);
}

/* --- processes --- */

/* A file may say that a million processes are the same one. */
static void processes_that_are_all_the_same_are_matched(void **state)
{
	enum { MANY = 400000 };
	struct skt_matcher *matcher = skt_matcher_new(3);
	struct skt_snapshot b;

	(void)state;
	for (int again = 0; again < 2; again++) {
		scene_begin(&b, NULL, 1 + again);
		for (int i = 0; i < MANY; i++) {
			struct skt_process process = { .pid = 7, .start_time = 9, .ppid = (uint32_t)again };
			uint32_t slot;

			assert_int_equal(skt_snapshot_add_process(&b, &process, &slot), 0);
		}
		assert_int_equal(skt_match(matcher, &a, &b, !again, &step), 0);
		assert_int_equal(step.n_processes, MANY);
		take();
		skt_snapshot_release(&b);
	}
	/* and have all exited */
	scene_begin(&b, NULL, 3);
	assert_int_equal(skt_match(matcher, &a, &b, false, &step), 0);
	take();
	skt_snapshot_release(&b);
	/* and come back */
	scene_begin(&b, NULL, 4);
	for (int i = 0; i < MANY; i++)
		scene_process(&b, 7, 9, "");
	assert_int_equal(skt_match(matcher, &a, &b, false, &step), 0);
	take();
	skt_snapshot_release(&b);
	skt_matcher_free(matcher);
	assert_int_equal(a.n_processes, 2 * MANY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(many_tables_come_at_once),
		TEST(tables_come_one_a_step),
		TEST(a_table_comes_and_goes),
		TEST(steps_that_say_nothing_cost_nothing),
		TEST(raw_lines_are_looked_at_when_they_change),
		TEST(users_are_merged),
		TEST(what_stands_in_order_is_counted_as_it_is_walked_along),
		TEST(the_digest_is_the_pages_however_many_hold_a_row),
		TEST(a_row_that_many_hold_changes_like_any),
		TEST(memory_of_a_large_step_is_not_kept_for_small_ones),
		TEST(processes_that_are_all_the_same_are_matched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
