/* SPDX-License-Identifier: MIT */
#include <skt/diff.h>
#include <skt/render.h>

#include "two.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Finding what differs is linear in the rows, also in the worst of rows, and printing it is no worse than sorting. A
 * quadratic step over 100,000 rows would take minutes: the alarm ends it.
 */

enum { LIMIT = 60, MANY = 100000 };

static struct skt_diff diff;

static int set_up(void **state)
{
	(void)state;
	two_begin();
	alarm(LIMIT);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	alarm(0);
	skt_diff_release(&diff);
	two_end();
	return 0;
}

static void go(bool across, size_t differences)
{
	struct skt_diff_options options = { .across = across, .tables = UINT32_MAX, .seed = 9 };
	struct skt_diff_sides sides = { .before = { &a, "", -1 }, .after = { &b, "", -1 } };
	struct skt_render render = { .format = SKT_FORMAT_TABLE };
	struct skt_buf out;

	skt_diff_release(&diff);
	assert_int_equal(skt_diff_find(&a, &b, &options, &diff), 0);
	assert_int_equal(diff.n, differences);
	skt_buf_init(&out);
	skt_render_differences(&render, &sides, diff.items, diff.n, &out);
	assert_false(out.failed);
	skt_buf_release(&out);
}

/* A row of a program of its own, where `of` is given. */
static void add(struct skt_snapshot *snapshot, uint32_t i, struct skt_sock sock, const char *of)
{
	char name[32];
	uint32_t process;

	if (!of) {
		scene_add(snapshot, sock);
		return;
	}
	snprintf(name, sizeof(name), "%s%u", of, i);
	process = scene_process(snapshot, 1 + i, 1 + i, name);
	snapshot->processes[process].exe = scene_string(snapshot, name);
	scene_add_held(snapshot, sock, process, 3);
}

static struct skt_sock any_socket(uint32_t i, uint64_t inode)
{
	return scene_sock((uint16_t)(1 + i % 60000), (uint16_t)(1 + i / 60000), inode, inode, SKT_ESTABLISHED);
}

static void nothing_in_common_is_linear(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		add(&a, i, any_socket(i, 1 + i), NULL);
		add(&b, i, any_socket(i + MANY, MANY + 1 + i), NULL);
	}
	scene_end(&a);
	scene_end(&b);
	go(false, 2 * MANY);
	go(true, 2 * MANY);
}

static void twins_of_one_address_are_linear(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		add(&a, i, scene_sock(443, 0, 1 + i, 0, SKT_LISTEN), NULL);
		add(&b, i, scene_sock(443, 0, MANY + 1 + i, 0, SKT_LISTEN), NULL);
	}
	scene_end(&a);
	scene_end(&b);
	go(false, MANY);
	go(true, 0);
}

static void twins_of_as_many_programs_are_linear(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		add(&a, i, scene_sock(443, 0, 1 + i, 0, SKT_LISTEN), "before");
		add(&b, i, scene_sock(443, 0, MANY + 1 + i, 0, SKT_LISTEN), "after");
	}
	scene_end(&a);
	scene_end(&b);
	go(false, MANY);
	go(true, MANY);
}

static void one_socket_of_many_holders_is_linear(void **state)
{
	static struct skt_owner owners[MANY];
	struct skt_snapshot *sides[] = { &a, &b };

	(void)state;
	for (unsigned side = 0; side < 2; side++) {
		uint32_t slot = scene_add(sides[side], scene_sock(443, 0, 1, 1, SKT_LISTEN));

		for (uint32_t i = 0; i < MANY; i++)
			owners[i] = (struct skt_owner){ scene_process(sides[side], 1 + 2 * i + side, 1, "x"), 3 };
		scene_own(sides[side], slot, owners, MANY);
		sides[side]->socks[slot].owner = SKT_OWNER_HELD;
		scene_end(sides[side]);
	}
	go(false, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(nothing_in_common_is_linear),
		TEST(twins_of_one_address_are_linear),
		TEST(twins_of_as_many_programs_are_linear),
		TEST(one_socket_of_many_holders_is_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
