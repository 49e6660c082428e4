/* SPDX-License-Identifier: MIT */
/* What became of who holds a socket, and whether a change is worth a look. */
#include <skt/step.h>

#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A snapshot with three processes, and a change of a row whose owners are runs of it. */
struct scene {
	struct skt_snapshot snapshot;
	struct skt_sock_change change;
};

static int set_up(void **state)
{
	static struct scene scene;

	memset(&scene, 0, sizeof(scene));
	scene_begin(&scene.snapshot, NULL, 0);
	scene_table(&scene.snapshot, SKT_TCP, 1);
	for (uint32_t pid = 100; pid < 103; pid++)
		scene_process(&scene.snapshot, pid, 1, "x");
	scene.change.change = SKT_CHANGED;
	scene.change.fields = SKT_BIT(SKT_F_OWNERS);
	*state = &scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	skt_snapshot_release(&scene->snapshot);
	return 0;
}

static void hold(struct scene *scene, struct skt_sock *sock, const struct skt_owner *owners, size_t n)
{
	sock->owner = n ? SKT_OWNER_HELD : SKT_OWNER_UNKNOWN;
	sock->n_owners = (uint32_t)n;
	assert_int_equal(skt_snapshot_add_owners(&scene->snapshot, owners, n, &sock->first_owner), 0);
}

#define BEFORE(...)                                                             \
	hold(scene, &scene->change.before, (struct skt_owner[]){ __VA_ARGS__ }, \
	     sizeof((struct skt_owner[]){ __VA_ARGS__ }) / sizeof(struct skt_owner))
#define NOW(...)                                                             \
	hold(scene, &scene->change.now, (struct skt_owner[]){ __VA_ARGS__ }, \
	     sizeof((struct skt_owner[]){ __VA_ARGS__ }) / sizeof(struct skt_owner))

static void assert_hands(struct scene *scene, enum skt_hands wanted)
{
	assert_int_equal(skt_change_hands(&scene->snapshot, &scene->change), wanted);
	assert_int_equal(skt_change_is_quiet(&scene->snapshot, &scene->change), wanted == SKT_HANDS_SAME);
}

static void one_more_holder_is_shared(void **state)
{
	struct scene *scene = *state;

	BEFORE({ 1, 3 });
	NOW({ 0, 3 }, { 1, 3 });
	assert_hands(scene, SKT_HANDS_SHARED);
}

static void one_holder_less_is_released(void **state)
{
	struct scene *scene = *state;

	BEFORE({ 0, 3 }, { 1, 3 }, { 1, 4 });
	NOW({ 0, 3 });
	assert_hands(scene, SKT_HANDS_RELEASED);
}

static void another_holder_is_passed(void **state)
{
	struct scene *scene = *state;

	BEFORE({ 0, 3 }, { 1, 3 });
	NOW({ 0, 3 }, { 2, 3 });
	assert_hands(scene, SKT_HANDS_PASSED);
}

static void another_descriptor_is_moved(void **state)
{
	struct scene *scene = *state;

	BEFORE({ 0, 3 }, { 1, 3 });
	NOW({ 0, 3 }, { 1, 3 }, { 1, 4 });
	assert_hands(scene, SKT_HANDS_MOVED);
}

static void a_holder_with_the_number_of_one_that_is_gone_is_another(void **state)
{
	struct scene *scene = *state;
	uint32_t again = scene_process(&scene->snapshot, 100, 2, "y");

	BEFORE({ 0, 3 });
	NOW({ again, 3 });
	assert_hands(scene, SKT_HANDS_PASSED);
}

static void the_first_holder_of_what_was_queued_accepted_it(void **state)
{
	struct scene *scene = *state;

	scene->change.before.owner = SKT_OWNER_QUEUED;
	NOW({ 0, 3 });
	assert_hands(scene, SKT_HANDS_ACCEPTED);
}

static void the_first_holder_of_what_was_unknown_is_found(void **state)
{
	struct scene *scene = *state;

	NOW({ 0, 3 });
	assert_hands(scene, SKT_HANDS_FOUND);
}

static void what_is_carried_from_now_on_is_orphaned_and_only_once(void **state)
{
	struct scene *scene = *state;

	BEFORE({ 0, 3 });
	scene->change.now = scene->change.before;
	scene->change.now.owner = SKT_OWNER_CARRIED;
	assert_hands(scene, SKT_HANDS_ORPHANED);
	scene->change.before.owner = SKT_OWNER_CARRIED;
	assert_hands(scene, SKT_HANDS_SAME);
}

static void a_look_that_missed_its_holder_is_no_news_nor_is_the_next(void **state)
{
	struct scene *scene = *state;
	struct skt_sock missed = { .owner = SKT_OWNER_UNKNOWN, .owner_gaps = SKT_GAP_VANISHED };

	BEFORE({ 0, 3 });
	missed.first_last = scene->change.before.first_owner;
	missed.n_last = 1;
	scene->change.now = missed;
	scene->change.fields |= SKT_BIT(SKT_F_OWNER) | SKT_BIT(SKT_F_OWNER_GAPS);
	assert_hands(scene, SKT_HANDS_SAME);
	scene->change.before = missed;
	NOW({ 0, 3 });
	assert_hands(scene, SKT_HANDS_SAME);
	/* but somebody else is */
	NOW({ 1, 3 });
	assert_hands(scene, SKT_HANDS_PASSED);
}

static void nobody_where_somebody_was_is_released(void **state)
{
	struct scene *scene = *state;

	BEFORE({ 0, 3 });
	scene->change.now.owner = SKT_OWNER_UNHELD;
	assert_hands(scene, SKT_HANDS_RELEASED);
}

static void counters_are_quiet_and_state_and_uid_and_inode_are_not(void **state)
{
	struct scene *scene = *state;

	for (unsigned i = 0; i < SKT_FIELDS; i++) {
		bool loud = i <= SKT_F_STATE || i == SKT_F_UID || i == SKT_F_INODE;

		scene->change.fields = SKT_BIT(i);
		assert_int_equal(skt_change_is_quiet(&scene->snapshot, &scene->change), !loud);
	}
}

static void what_comes_and_goes_is_not_quiet(void **state)
{
	static const uint8_t kinds[] = { SKT_PRESENT, SKT_OPENED, SKT_CLOSED, SKT_LOST };
	struct scene *scene = *state;

	for (unsigned i = 0; i < sizeof(kinds); i++) {
		scene->change.change = kinds[i];
		scene->change.fields = 0;
		assert_false(skt_change_is_quiet(&scene->snapshot, &scene->change));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(one_more_holder_is_shared),
		TEST(one_holder_less_is_released),
		TEST(another_holder_is_passed),
		TEST(another_descriptor_is_moved),
		TEST(a_holder_with_the_number_of_one_that_is_gone_is_another),
		TEST(the_first_holder_of_what_was_queued_accepted_it),
		TEST(the_first_holder_of_what_was_unknown_is_found),
		TEST(what_is_carried_from_now_on_is_orphaned_and_only_once),
		TEST(a_look_that_missed_its_holder_is_no_news_nor_is_the_next),
		TEST(nobody_where_somebody_was_is_released),
		TEST(counters_are_quiet_and_state_and_uid_and_inode_are_not),
		TEST(what_comes_and_goes_is_not_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
