/* SPDX-License-Identifier: MIT */
/* What opened and closed between two snapshots of one recording. */
#include <skt/diff.h>

#include "reel.h"
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A recorder: each second a snapshot, of which those after the first are given to `between`. */
struct scene {
	struct reel reel;
	struct skt_between *between;
	int64_t second;
	const struct skt_event *events; /* that the next step tells */
	size_t n_events;
};

static int set_up(void **state)
{
	static struct scene scene;

	memset(&scene, 0, sizeof(scene));
	reel_init(&scene.reel);
	scene.between = skt_between_new(4);
	*state = &scene;
	return !scene.between;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	skt_between_free(scene->between);
	reel_release(&scene->reel);
	return 0;
}

static void begin(struct scene *scene)
{
	scene_begin(&scene->reel.next, NULL, scene->second);
	scene_table(&scene->reel.next, SKT_TCP, 1);
}

/* The snapshot has what was put into `next`. */
static void take(struct scene *scene)
{
	bool first = !scene->second++;

	reel_take(&scene->reel);
	if (scene->n_events) {
		free(scene->reel.step.events);
		scene->reel.step.events = malloc(scene->n_events * sizeof(*scene->events));
		assert_non_null(scene->reel.step.events);
		memcpy(scene->reel.step.events, scene->events, scene->n_events * sizeof(*scene->events));
		scene->reel.step.n_events = scene->reel.step.room_events = scene->n_events;
		scene->n_events = 0;
	}
	if (!first)
		assert_int_equal(skt_between_step(scene->between, &scene->reel.now, &scene->reel.step), 0);
}

/* A snapshot with these rows, all held by one process. */
static void look(struct scene *scene, const struct skt_sock *socks, size_t n)
{
	uint32_t process;

	begin(scene);
	process = scene_process(&scene->reel.next, 991, 7, "curl");
	for (size_t i = 0; i < n; i++) {
		if (socks[i].inode)
			scene_add_held(&scene->reel.next, socks[i], process, 5);
		else
			scene_add(&scene->reel.next, socks[i]);
	}
	take(scene);
}

static void look_nothing(struct scene *scene)
{
	begin(scene);
	take(scene);
}

static const struct skt_difference *found(struct scene *scene, size_t n)
{
	size_t have;
	const struct skt_difference *items = skt_between_found(scene->between, &have);

	assert_int_equal(have, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(items[i].kind, SKT_DIFF_TRANSIENT);
		assert_int_equal(items[i].after, SKT_NO_SLOT);
	}
	return items;
}

static void what_came_and_went_is_found_with_its_holder_and_how_long_it_lived(void **state)
{
	struct scene *scene = *state;
	struct skt_sock sock = scene_sock(41998, 443, 100, 1, SKT_ESTABLISHED);
	const struct skt_snapshot *snapshot = skt_between_snapshot(scene->between);
	const struct skt_difference *item;
	const struct skt_sock *was;

	look_nothing(scene);
	look(scene, &sock, 1);
	look(scene, &sock, 1);
	look(scene, &sock, 1);
	look_nothing(scene);
	item = found(scene, 1);
	was = &snapshot->socks[item->before];
	assert_int_equal(was->local_port, 41998);
	assert_int_equal(was->n_owners, 1);
	assert_int_equal(snapshot->processes[snapshot->owners[was->first_owner].process].pid, 991);
	/*
	 * tables are read 1 ms after the snapshot's second, for 1 ms: opened from 0.001 to 1.002, closed from 3.001 to
	 * 4.002
	 */
	assert_int_equal(item->lived_least, 1999 * SCENE_SECOND / 1000);
	assert_int_equal(item->lived_most, 4001 * SCENE_SECOND / 1000);
	assert_int_equal(item->since, SCENE_TIME + SCENE_SECOND / 1000);
	assert_int_equal(item->until, SCENE_TIME + 4 * SCENE_SECOND + SCENE_SECOND / 500);
}

/* The look at second 2 did not come to who holds it. */
static void who_last_held_what_came_and_went_is_its_holder(void **state)
{
	struct scene *scene = *state;
	struct skt_sock sock = scene_sock(41998, 443, 100, 1, SKT_ESTABLISHED);
	const struct skt_snapshot *snapshot = skt_between_snapshot(scene->between);
	const struct skt_sock *was;

	look_nothing(scene);
	look(scene, &sock, 1);
	begin(scene);
	sock.owner = SKT_OWNER_UNKNOWN;
	sock.owner_gaps = SKT_GAP_UNSEARCHED;
	scene_add(&scene->reel.next, sock);
	take(scene);
	look_nothing(scene);
	was = &snapshot->socks[found(scene, 1)->before];
	assert_int_equal(was->n_owners, 1);
	assert_int_equal(snapshot->processes[snapshot->owners[was->first_owner].process].pid, 991);
}

static void what_was_there_before_or_stays_is_not(void **state)
{
	struct scene *scene = *state;
	struct skt_sock socks[2] = { scene_sock(1, 443, 100, 1, SKT_ESTABLISHED),
				     scene_sock(2, 443, 101, 2, SKT_ESTABLISHED) };

	look(scene, socks, 1);
	look(scene, socks, 2);
	look(scene, socks + 1, 1);
	found(scene, 0);
}

static void to_go_to_time_wait_is_the_end(void **state)
{
	struct scene *scene = *state;
	struct skt_sock sock = scene_sock(1, 443, 100, 1, SKT_ESTABLISHED);
	struct skt_sock over = scene_sock(1, 443, 0, 9, SKT_TIME_WAIT);

	look_nothing(scene);
	look(scene, &sock, 1);
	look(scene, &over, 1);
	look(scene, &over, 1);
	look_nothing(scene);
	assert_int_equal(found(scene, 1)->until, SCENE_TIME + 2 * SCENE_SECOND + SCENE_SECOND / 500);
}

static void what_was_over_when_it_was_seen_first_is_found(void **state)
{
	struct scene *scene = *state;
	struct skt_sock over = scene_sock(1, 443, 0, 9, SKT_TIME_WAIT);

	look_nothing(scene);
	look(scene, &over, 1);
	look_nothing(scene);
	assert_int_equal(found(scene, 1)->lived_least, 0);
}

static void one_that_is_accepted_meanwhile_and_closed_is_one(void **state)
{
	struct scene *scene = *state;
	struct skt_sock waiting = scene_sock(80, 50000, 0, 1, SKT_ESTABLISHED);
	struct skt_sock accepted = scene_sock(80, 50000, 100, 1, SKT_ESTABLISHED);
	struct skt_sock closed = scene_sock(80, 50000, 0, 1, SKT_FIN_WAIT2);
	const struct skt_snapshot *snapshot = skt_between_snapshot(scene->between);

	look_nothing(scene);
	look(scene, &waiting, 1);
	look(scene, &accepted, 1);
	look(scene, &closed, 1);
	look_nothing(scene);
	/* carried: it is still known whose it was */
	assert_int_equal(snapshot->socks[found(scene, 1)->before].n_owners, 1);
}

static void a_connection_of_the_same_ends_is_another(void **state)
{
	struct scene *scene = *state;
	struct skt_sock first = scene_sock(1, 443, 100, 1, SKT_ESTABLISHED);
	struct skt_sock second = scene_sock(1, 443, 101, 2, SKT_ESTABLISHED);

	look(scene, &first, 1);
	look(scene, &second, 1);
	look(scene, &first, 1);
	look_nothing(scene);
	/* the one of the beginning is not, nor is what has its inode by chance again */
	assert_int_equal(skt_between_snapshot(scene->between)->socks[found(scene, 2)[0].before].inode, 101);
}

static void the_name_of_its_user_is_kept_with_it(void **state)
{
	struct scene *scene = *state;
	struct skt_sock sock = scene_sock(41998, 443, 100, 1, SKT_ESTABLISHED);
	const char *name;
	size_t len;

	sock.uid = 33;
	look_nothing(scene);
	begin(scene);
	assert_int_equal(skt_snapshot_add_user(&scene->reel.next, 33, scene_string(&scene->reel.next, "www-data")), 0);
	scene_add_held(&scene->reel.next, sock, scene_process(&scene->reel.next, 991, 7, "apache2"), 5);
	take(scene);
	look_nothing(scene);
	found(scene, 1);
	name = skt_snapshot_user(skt_between_snapshot(scene->between), 33, &len);
	assert_non_null(name);
	assert_int_equal(len, 8);
	assert_memory_equal(name, "www-data", len);
}

/* Three that came and went; a step later the kernel tells of the second, and of one that there was not. */
static void what_is_told_late_is_of_the_one_that_was_found(void **state)
{
	struct scene *scene = *state;
	struct skt_sock socks[3];
	struct skt_event events[2];
	const struct skt_difference *items;

	for (uint16_t i = 0; i < 3; i++)
		socks[i] = scene_sock((uint16_t)(41990 + i), 443, 100 + i, 1 + i, SKT_ESTABLISHED);
	look_nothing(scene);
	look(scene, socks, 3);
	look_nothing(scene);
	for (uint16_t i = 0; i < 2; i++) {
		events[i] = (struct skt_event){ .when = scene->reel.now.time + 1,
						.source = SKT_SOURCE_DESTROY,
						.change = SKT_CLOSED,
						.slot = SKT_NO_SLOT,
						.local_port = (uint16_t)(41991 + 100 * i),
						.remote_port = 443,
						.bytes_sent = 4711,
						.has = SKT_BIT(SKT_E_LATE) | SKT_BIT(SKT_E_REMOTE_PORT) |
						       SKT_BIT(SKT_E_BYTES_SENT) };
		memcpy(events[i].local_address, socks[0].local_address, 16);
		memcpy(events[i].remote_address, socks[0].remote_address, 16);
	}
	scene->events = events;
	scene->n_events = 2;
	look_nothing(scene);
	items = found(scene, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct skt_sock *was = &skt_between_snapshot(scene->between)->socks[items[i].before];

		assert_int_equal(items[i].told, was->local_port == 41991 ? 1 : 0);
	}
	assert_int_equal(skt_between_told(scene->between)[0].event.bytes_sent, 4711);
}

static void thousands_are_found_and_their_places_used_again(void **state)
{
	enum { EACH = 500, TIMES = 20 };
	static struct skt_sock socks[EACH];
	struct scene *scene = *state;

	look_nothing(scene);
	for (unsigned i = 0; i < TIMES; i++) {
		for (uint32_t k = 0; k < EACH; k++)
			socks[k] =
				scene_sock((uint16_t)(1 + k), (uint16_t)(1 + i), 1 + i * EACH + k, 0, SKT_ESTABLISHED);
		look(scene, socks, EACH);
	}
	look_nothing(scene);
	found(scene, (size_t)EACH * TIMES);
	/* and one table and one process are enough for all */
	assert_int_equal(skt_between_snapshot(scene->between)->n_tables, 1);
	assert_int_equal(skt_between_snapshot(scene->between)->n_processes, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(what_came_and_went_is_found_with_its_holder_and_how_long_it_lived),
		TEST(who_last_held_what_came_and_went_is_its_holder),
		TEST(what_was_there_before_or_stays_is_not),
		TEST(to_go_to_time_wait_is_the_end),
		TEST(what_was_over_when_it_was_seen_first_is_found),
		TEST(one_that_is_accepted_meanwhile_and_closed_is_one),
		TEST(a_connection_of_the_same_ends_is_another),
		TEST(the_name_of_its_user_is_kept_with_it),
		TEST(what_is_told_late_is_of_the_one_that_was_found),
		TEST(thousands_are_found_and_their_places_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
