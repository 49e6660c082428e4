/* SPDX-License-Identifier: MIT */
/* What differs between two snapshots that lie far apart. */
#include <skt/diff.h>

#include "random.h"
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* An hour apart, with strings of their own, as those of two recordings are. */
struct scene {
	struct skt_snapshot a, b;
	struct skt_diff_options options;
	struct skt_diff diff;
};

static int set_up(void **state)
{
	static struct scene scene;

	memset(&scene, 0, sizeof(scene));
	scene_begin(&scene.a, NULL, 0);
	scene_begin(&scene.b, NULL, 3600);
	scene_table(&scene.a, SKT_TCP, 1);
	scene_table(&scene.b, SKT_TCP, 1);
	/* so that ids of strings are not by chance those of the other side */
	scene_string(&scene.b, "something else");
	scene.options.tables = UINT32_MAX;
	scene.options.seed = 7;
	/* process 720 had begun 8 seconds before the first snapshot, and 900 began 10 seconds after it */
	scene.options.boot_time = SCENE_TIME - 80 * SCENE_SECOND;
	*state = &scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	skt_diff_release(&scene->diff);
	skt_snapshot_release(&scene->a);
	skt_snapshot_release(&scene->b);
	return 0;
}

/* Compare: it must be n differences. */
static void compare(struct scene *scene, size_t n)
{
	scene_end(&scene->a);
	scene_end(&scene->b);
	assert_int_equal(skt_diff_find(&scene->a, &scene->b, &scene->options, &scene->diff), 0);
	assert_int_equal(scene->diff.n, n);
}

static const struct skt_difference *one(struct scene *scene, enum skt_difference_kind kind)
{
	compare(scene, 1);
	assert_int_equal(scene->diff.items[0].kind, kind);
	return &scene->diff.items[0];
}

static struct skt_sock listener(uint16_t port, uint64_t inode)
{
	struct skt_sock sock = scene_sock(port, 0, inode, inode << 8, SKT_LISTEN);

	memset(sock.remote_address, 0, sizeof(sock.remote_address));
	return sock;
}

/* A process that runs a program with arguments, and the row that it holds. */
static uint32_t process(struct skt_snapshot *snapshot, uint32_t pid, const char *exe, const char *cmdline)
{
	uint32_t slot = scene_process(snapshot, pid, pid * 10, "x");
	struct skt_process *made = &snapshot->processes[slot];

	made->exe = scene_string(snapshot, exe);
	made->cmdline = scene_string(snapshot, cmdline);
	made->has |= SKT_BIT(SKT_P_EXE) | SKT_BIT(SKT_P_CMDLINE);
	return slot;
}

static void hold(struct skt_snapshot *snapshot, struct skt_sock sock, uint32_t pid, const char *exe,
		 const char *cmdline)
{
	scene_add_held(snapshot, sock, process(snapshot, pid, exe, cmdline), 3);
}

static void what_is_on_one_side_only_opened_or_closed(void **state)
{
	struct scene *scene = *state;

	scene_add(&scene->a, listener(80, 100));
	scene_add(&scene->a, listener(81, 101));
	scene_add(&scene->b, listener(80, 100));
	scene_add(&scene->b, listener(82, 102));
	compare(scene, 2);
	assert_int_equal(scene->diff.items[0].kind, SKT_DIFF_CLOSED);
	assert_int_equal(scene->diff.items[0].before, 1);
	assert_int_equal(scene->diff.items[0].after, SKT_NO_SLOT);
	assert_int_equal(scene->diff.items[1].kind, SKT_DIFF_OPENED);
	assert_int_equal(scene->diff.items[1].after, 1);
	assert_int_equal(scene->diff.n_same, 1);
	assert_int_equal(scene->diff.items[1].since, SCENE_TIME);
	assert_int_equal(scene->diff.items[1].until, SCENE_TIME + 3600 * SCENE_SECOND);
}

static void another_state_and_another_uid_are_changes_and_counters_are_none(void **state)
{
	struct scene *scene = *state;
	struct skt_sock sock = scene_sock(80, 40000, 100, 1, SKT_ESTABLISHED);

	scene_add(&scene->a, sock);
	sock.tx_queue = 5;
	sock.cwnd = 100;
	sock.ref = 7;
	scene_add(&scene->b, sock);
	compare(scene, 0);
	skt_diff_release(&scene->diff);
	scene->options.all = true;
	assert_int_equal(one(scene, SKT_DIFF_CHANGED)->fields & SKT_BIT(SKT_F_TX_QUEUE), SKT_BIT(SKT_F_TX_QUEUE));
	skt_diff_release(&scene->diff);
	scene->options.all = false;
	scene->b.socks[0].state = SKT_CLOSE_WAIT;
	scene->b.socks[0].uid = 33;
	assert_int_equal(one(scene, SKT_DIFF_CHANGED)->fields, SKT_BIT(SKT_F_STATE) | SKT_BIT(SKT_F_UID));
}

static void to_go_to_time_wait_is_to_close_and_time_wait_is_quiet(void **state)
{
	struct scene *scene = *state;

	scene_add(&scene->a, scene_sock(80, 40000, 100, 1, SKT_ESTABLISHED));
	scene_add(&scene->a, scene_sock(80, 40001, 0, 2, SKT_TIME_WAIT));
	scene_add(&scene->b, scene_sock(80, 40000, 0, 3, SKT_TIME_WAIT));
	scene_add(&scene->b, scene_sock(80, 40002, 0, 4, SKT_TIME_WAIT));
	assert_int_equal(one(scene, SKT_DIFF_CLOSED)->before, 0);
	skt_diff_release(&scene->diff);
	scene->options.all = true;
	compare(scene, 3);
}

static void a_server_that_was_started_again_is_quiet(void **state)
{
	struct scene *scene = *state;
	const struct skt_difference *item;

	hold(&scene->a, listener(80, 100), 720, "/usr/sbin/nginx", "nginx");
	hold(&scene->b, listener(80, 900), 990, "/usr/sbin/nginx", "nginx");
	item = one(scene, SKT_DIFF_REPLACED);
	assert_true(item->programs_known && item->same_programs);
	assert_true(skt_difference_is_quiet(item));
}

static void another_program_or_other_arguments_at_the_same_address_are_loud(void **state)
{
	static const char *const programs[][2] = { { "/tmp/nginx", "nginx" },
						   { "/usr/sbin/nginx", "nginx -c /tmp/x" } };

	for (unsigned i = 0; i < 2; i++) {
		struct scene *scene = *state;
		const struct skt_difference *item;

		hold(&scene->a, listener(80, 100), 720, "/usr/sbin/nginx", "nginx");
		hold(&scene->b, listener(80, 900), 990, programs[i][0], programs[i][1]);
		item = one(scene, SKT_DIFF_REPLACED);
		assert_true(item->programs_known && !item->same_programs);
		assert_false(skt_difference_is_quiet(item));
		tear_down(state);
		set_up(state);
	}
}

static void who_is_not_known_did_not_start_it_again(void **state)
{
	struct scene *scene = *state;
	const struct skt_difference *item;

	scene_add(&scene->a, listener(80, 100));
	scene_add(&scene->b, listener(80, 900));
	item = one(scene, SKT_DIFF_REPLACED);
	assert_false(item->programs_known);
	assert_false(skt_difference_is_quiet(item));
}

static void workers_are_one_program_however_many_they_are(void **state)
{
	struct scene *scene = *state;
	struct skt_owner owners[4];
	uint32_t slot = scene_add(&scene->a, listener(80, 100));

	for (uint32_t i = 0; i < 4; i++)
		owners[i] = (struct skt_owner){ process(&scene->a, 720 + i, "/usr/sbin/nginx", "nginx"), 6 };
	scene_own(&scene->a, slot, owners, 4);
	scene->a.socks[slot].owner = SKT_OWNER_HELD;
	hold(&scene->b, listener(80, 900), 990, "/usr/sbin/nginx", "nginx");
	assert_true(skt_difference_is_quiet(one(scene, SKT_DIFF_REPLACED)));
}

static void twins_are_counted_and_the_one_that_is_gone_is_named(void **state)
{
	struct scene *scene = *state;
	const struct skt_difference *item;

	for (uint64_t inode = 100; inode < 103; inode++)
		scene_add(&scene->a, listener(443, inode));
	scene_add(&scene->b, listener(443, 102));
	scene_add(&scene->b, listener(443, 100));
	item = one(scene, SKT_DIFF_CLOSED);
	assert_int_equal(scene->a.socks[item->before].inode, 101);
	assert_int_equal(item->twins_before, 3);
	assert_int_equal(item->twins_after, 2);
}

static void twins_of_two_programs_find_their_own(void **state)
{
	struct scene *scene = *state;

	hold(&scene->a, listener(443, 100), 720, "/bin/a", "a");
	hold(&scene->a, listener(443, 101), 721, "/bin/b", "b");
	hold(&scene->b, listener(443, 901), 921, "/bin/b", "b");
	hold(&scene->b, listener(443, 900), 920, "/bin/a", "a");
	compare(scene, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct skt_difference *item = &scene->diff.items[i];

		assert_true(skt_difference_is_quiet(item));
		assert_int_equal(scene->a.socks[item->before].inode + 800, scene->b.socks[item->after].inode);
	}
}

/* The same socket, held by these pids before and now. */
static const struct skt_difference *held_by(struct scene *scene, const uint32_t *before, size_t n_before,
					    const uint32_t *now, size_t n_now, const char *newcomer)
{
	struct skt_snapshot *snapshots[] = { &scene->a, &scene->b };
	const uint32_t *pids[] = { before, now };
	size_t n[] = { n_before, n_now };

	for (unsigned side = 0; side < 2; side++) {
		uint32_t slot = scene_add(snapshots[side], listener(80, 100));
		struct skt_owner owners[4];

		for (uint32_t i = 0; i < n[side]; i++) {
			const char *exe = pids[side][i] >= 900 ? newcomer : "/bin/a";

			owners[i] = (struct skt_owner){ process(snapshots[side], pids[side][i], exe, exe), 3 };
		}
		scene_own(snapshots[side], slot, owners, (uint32_t)n[side]);
		snapshots[side]->socks[slot].owner = SKT_OWNER_HELD;
	}
	return one(scene, SKT_DIFF_PASSED);
}

#define PIDS(...) (uint32_t[]){ __VA_ARGS__ }, sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t)

static void one_more_holder_shares_it(void **state)
{
	const struct skt_difference *item = held_by(*state, PIDS(100), PIDS(100, 900), "/bin/b");

	assert_int_equal(item->hands, SKT_HANDS_SHARED);
	assert_false(skt_difference_is_quiet(item));
}

static void a_child_that_inherits_it_is_loud_even_if_it_runs_the_same_program(void **state)
{
	const struct skt_difference *item = held_by(*state, PIDS(100), PIDS(100, 900), "/bin/a");

	assert_int_equal(item->hands, SKT_HANDS_SHARED);
	assert_true(item->same_programs);
	assert_false(skt_difference_is_quiet(item));
}

static void a_worker_that_was_started_again_is_quiet(void **state)
{
	const struct skt_difference *item = held_by(*state, PIDS(100, 720), PIDS(100, 900), "/bin/a");

	assert_int_equal(item->hands, SKT_HANDS_PASSED);
	assert_true(skt_difference_is_quiet(item));
}

static void so_it_is_when_the_later_snapshot_is_named_first(void **state)
{
	struct scene *scene = *state;

	scene->a.time += 7200 * SCENE_SECOND;
	scene->options.boot_time += 3600 * SCENE_SECOND;
	assert_true(skt_difference_is_quiet(held_by(scene, PIDS(100, 900), PIDS(100, 720), "/bin/a")));
}

static void who_ran_before_or_came_in_other_numbers_or_is_another_was_not_started_again(void **state)
{
	/* 750 had begun 5 seconds before the first snapshot */
	assert_false(skt_difference_is_quiet(held_by(*state, PIDS(720), PIDS(750), "/bin/a")));
	tear_down(state);
	set_up(state);
	assert_false(skt_difference_is_quiet(held_by(*state, PIDS(720), PIDS(900, 901), "/bin/a")));
	tear_down(state);
	set_up(state);
	assert_false(skt_difference_is_quiet(held_by(*state, PIDS(720), PIDS(900), "/bin/b")));
	tear_down(state);
	set_up(state);
	((struct scene *)*state)->options.boot_time = -1;
	assert_false(skt_difference_is_quiet(held_by(*state, PIDS(720), PIDS(900), "/bin/a")));
}

static void another_holder_had_it_passed_on(void **state)
{
	const struct skt_difference *item = held_by(*state, PIDS(100), PIDS(900), "/bin/b");

	assert_int_equal(item->hands, SKT_HANDS_PASSED);
	assert_false(skt_difference_is_quiet(item));
}

static void one_holder_less_released_it(void **state)
{
	assert_int_equal(held_by(*state, PIDS(100, 900), PIDS(100), "/bin/b")->hands, SKT_HANDS_RELEASED);
}

static void the_same_process_with_another_executable_is_told(void **state)
{
	struct scene *scene = *state;
	const struct skt_difference *item;

	hold(&scene->a, listener(80, 100), 720, "/usr/sbin/nginx", "nginx");
	hold(&scene->b, listener(80, 100), 720, "/tmp/evil", "nginx");
	item = one(scene, SKT_DIFF_PASSED);
	assert_true(item->executed);
	assert_int_equal(item->process_fields, SKT_BIT(SKT_P_EXE));
	assert_int_equal(scene->b.processes[item->is_process].pid, 720);
	assert_false(skt_difference_is_quiet(item));
}

static void the_same_process_with_other_arguments_is_told(void **state)
{
	static const char before[] = "python3\0a.py", after[] = "python3\0b.py";
	struct scene *scene = *state;
	const struct skt_difference *item;
	uint32_t was, is;

	was = process(&scene->a, 720, "/usr/bin/python3", "");
	is = process(&scene->b, 720, "/usr/bin/python3", "");
	assert_int_equal(skt_strtab_add(scene->a.strings, before, sizeof(before), &scene->a.processes[was].cmdline), 0);
	assert_int_equal(skt_strtab_add(scene->b.strings, after, sizeof(after), &scene->b.processes[is].cmdline), 0);
	scene_add_held(&scene->a, listener(80, 100), was, 3);
	scene_add_held(&scene->b, listener(80, 100), is, 3);
	item = one(scene, SKT_DIFF_PASSED);
	assert_int_equal(item->process_fields, SKT_BIT(SKT_P_CMDLINE));
	assert_true(item->fields & SKT_BIT(SKT_F_OWNERS));
	assert_false(skt_difference_is_quiet(item));
}

/* A process whose executable nobody may read. */
static void hold_hidden(struct skt_snapshot *snapshot, uint32_t pid, const char *comm)
{
	uint32_t slot = scene_process(snapshot, pid, pid * 10, comm);

	snapshot->processes[slot].has &= ~(SKT_BIT(SKT_P_EXE) | SKT_BIT(SKT_P_CMDLINE));
	scene_add_held(snapshot, listener(80, 100), slot, 3);
}

static void where_the_executable_is_not_known_the_name_tells(void **state)
{
	struct scene *scene = *state;

	hold_hidden(&scene->a, 720, "ping");
	hold_hidden(&scene->b, 720, "evil");
	assert_int_equal(one(scene, SKT_DIFF_PASSED)->process_fields, SKT_BIT(SKT_P_COMM));
	tear_down(state);
	set_up(state);
	hold_hidden(&scene->a, 720, "ping");
	hold_hidden(&scene->b, 720, "ping");
	compare(scene, 0);
	tear_down(state);
	set_up(state);
	/* it was known before */
	hold(&scene->a, listener(80, 100), 720, "/bin/x", "x");
	hold_hidden(&scene->b, 720, "evil");
	assert_int_equal(one(scene, SKT_DIFF_PASSED)->process_fields, SKT_BIT(SKT_P_COMM));
}

static void an_orphan_is_one_whether_it_is_known_or_not_whose_it_was(void **state)
{
	struct scene *scene = *state;
	struct skt_sock sock = scene_sock(80, 40000, 0, 1, SKT_FIN_WAIT2);

	/* a gap lies in between, and behind it nobody knows */
	scene_add_held(&scene->a, sock, process(&scene->a, 720, "/bin/a", "a"), 3);
	scene->a.socks[0].owner = SKT_OWNER_CARRIED;
	sock.owner = SKT_OWNER_DETACHED;
	scene_add(&scene->b, sock);
	compare(scene, 0);
}

static void a_process_that_renames_itself_is_no_difference(void **state)
{
	struct scene *scene = *state;

	hold(&scene->a, listener(80, 100), 720, "/usr/sbin/sshd", "sshd: waiting");
	hold(&scene->b, listener(80, 100), 720, "/usr/sbin/sshd", "sshd: serving");
	compare(scene, 0);
}

static void who_was_not_searched_for_may_have_been_there(void **state)
{
	struct scene *scene = *state;

	hold(&scene->a, listener(80, 100), 720, "/bin/a", "a");
	hold(&scene->b, listener(80, 100), 721, "/bin/b", "b");
	scene->a.socks[0].owner_gaps = SKT_GAP_UNSEARCHED;
	scene->b.socks[0].owner_gaps = SKT_GAP_UNSEARCHED;
	compare(scene, 0);
}

/* The same listener, held by 720 in both, and by one other process in the second. */
static void compare_with_one_more(struct scene *scene, uint32_t pid, unsigned gaps_before, unsigned gaps_after,
				  size_t n_differences, size_t n_unsure)
{
	hold(&scene->a, listener(80, 100), 720, "/bin/a", "a");
	hold(&scene->b, listener(80, 100), 720, "/bin/a", "a");
	scene_own(&scene->b, 0, (struct skt_owner[]){ { 0, 3 }, { process(&scene->b, pid, "/bin/b", "b"), 3 } }, 2);
	scene->a.socks[0].owner_gaps = (uint8_t)gaps_before;
	scene->b.socks[0].owner_gaps = (uint8_t)gaps_after;
	compare(scene, n_differences);
	assert_int_equal(scene->diff.n_unsure, n_unsure);
	if (n_unsure)
		assert_int_equal(scene->diff.unsure[0].after, 0);
}

static void who_was_denied_before_may_have_been_there(void **state)
{
	compare_with_one_more(*state, 721, SKT_GAP_DENIED, 0, 0, 1);
}

static void who_began_since_was_not(void **state)
{
	compare_with_one_more(*state, 900, SKT_GAP_DENIED, 0, 1, 0);
}

static void what_is_denied_on_both_sides_is_the_same(void **state)
{
	compare_with_one_more(*state, 721, SKT_GAP_DENIED, SKT_GAP_DENIED, 1, 0);
}

static void unless_they_were_looked_at_with_other_privileges(void **state)
{
	((struct scene *)*state)->options.uneven = true;
	compare_with_one_more(*state, 721, SKT_GAP_DENIED, SKT_GAP_DENIED, 0, 1);
}

static void who_is_denied_now_may_be_there_still(void **state)
{
	struct scene *scene = *state;

	/* two of them, as if the one above had been named in the other order */
	scene->a.time += 7200 * SCENE_SECOND;
	compare_with_one_more(scene, 721, SKT_GAP_DENIED, 0, 0, 1);
}

static void a_denied_look_that_hides_nobody_is_no_matter(void **state)
{
	struct scene *scene = *state;

	hold(&scene->a, listener(80, 100), 720, "/bin/a", "a");
	hold(&scene->b, listener(80, 100), 720, "/bin/a", "a");
	scene->b.socks[0].owner_gaps = SKT_GAP_DENIED;
	compare(scene, 0);
	assert_int_equal(scene->diff.n_unsure, 0);
}

static void whom_nobody_finds_any_more_may_be_who_is_denied(void **state)
{
	struct scene *scene = *state;

	hold(&scene->a, listener(80, 100), 720, "/bin/a", "a");
	scene_add(&scene->b, listener(80, 100));
	scene->b.socks[0].owner = SKT_OWNER_UNKNOWN;
	scene->b.socks[0].owner_gaps = SKT_GAP_DENIED;
	compare(scene, 0);
	assert_int_equal(scene->diff.n_unsure, 1);
}

/* It is not known who holds it now; when it last was, it was another than at first. */
static void who_last_held_it_is_held_against_who_did_before(void **state)
{
	struct scene *scene = *state;
	struct skt_sock *now;

	hold(&scene->a, listener(80, 100), 720, "/bin/a", "a");
	hold(&scene->b, listener(80, 100), 900, "/bin/b", "b");
	now = &scene->b.socks[0];
	now->first_last = now->first_owner;
	now->n_last = now->n_owners;
	now->n_owners = 0;
	now->owner = SKT_OWNER_UNKNOWN;
	now->owner_gaps = SKT_GAP_UNSEARCHED;
	assert_int_equal(one(scene, SKT_DIFF_PASSED)->hands, SKT_HANDS_SHARED);
}

static void time_wait_is_a_state_as_any_other_where_that_is_asked(void **state)
{
	struct scene *scene = *state;

	scene->options.time_wait = true;
	scene_add(&scene->a, scene_sock(80, 40000, 100, 1, SKT_ESTABLISHED));
	scene_add(&scene->a, scene_sock(80, 40001, 0, 2, SKT_TIME_WAIT));
	scene_add(&scene->b, scene_sock(80, 40000, 0, 3, SKT_TIME_WAIT));
	scene_add(&scene->b, scene_sock(80, 40002, 0, 4, SKT_TIME_WAIT));
	compare(scene, 3);
	assert_int_equal(scene->diff.items[0].kind, SKT_DIFF_CLOSED);
	assert_int_equal(scene->diff.items[1].kind, SKT_DIFF_CHANGED);
	assert_int_equal(scene->diff.items[2].kind, SKT_DIFF_OPENED);
}

static void another_descriptor_of_the_same_process_is_no_difference(void **state)
{
	struct scene *scene = *state;

	scene_add_held(&scene->a, listener(80, 100), process(&scene->a, 720, "/bin/a", "a"), 3);
	scene_add_held(&scene->b, listener(80, 100), process(&scene->b, 720, "/bin/a", "a"), 9);
	compare(scene, 0);
	skt_diff_release(&scene->diff);
	scene->options.all = true;
	assert_int_equal(one(scene, SKT_DIFF_CHANGED)->hands, SKT_HANDS_MOVED);
}

static void across_boots_only_the_program_tells(void **state)
{
	struct scene *scene = *state;

	scene->options.across = true;
	/* inode, sk, pid, start time and namespace are others */
	scene->b.tables[0].net_namespace = 77;
	hold(&scene->a, listener(80, 100), 720, "/usr/sbin/nginx", "nginx");
	hold(&scene->b, listener(80, 5), 99, "/usr/sbin/nginx", "nginx");
	/* and by chance the same inode and process, but another program */
	hold(&scene->a, listener(25, 101), 730, "/usr/sbin/exim", "exim");
	hold(&scene->b, listener(25, 101), 730, "/bin/nc", "nc");
	assert_int_equal(one(scene, SKT_DIFF_REPLACED)->before, 1);
	assert_int_equal(scene->diff.n_same, 1);
}

static void across_boots_twins_are_paired_by_program_and_then_by_order(void **state)
{
	struct scene *scene = *state;

	scene->options.across = true;
	hold(&scene->a, listener(443, 100), 720, "/bin/a", "a");
	hold(&scene->a, listener(443, 101), 721, "/bin/b", "b");
	hold(&scene->b, listener(443, 1), 9, "/bin/b", "b");
	hold(&scene->b, listener(443, 2), 8, "/bin/c", "c");
	hold(&scene->b, listener(443, 3), 7, "/bin/c", "c");
	compare(scene, 2);
	assert_int_equal(scene->diff.items[0].kind, SKT_DIFF_REPLACED);
	assert_int_equal(scene->diff.items[0].before, 0);
	assert_int_equal(scene->diff.items[0].after, 1);
	assert_int_equal(scene->diff.items[1].kind, SKT_DIFF_OPENED);
	assert_int_equal(scene->diff.items[1].twins_before, 2);
	assert_int_equal(scene->diff.items[1].twins_after, 3);
}

static void what_was_not_read_on_one_side_is_left_out_on_the_other(void **state)
{
	struct scene *scene = *state;
	uint32_t udp = scene_table(&scene->a, SKT_UDP, 1);
	struct skt_sock sock = scene_sock(53, 0, 200, 0, SKT_CLOSE);

	sock.table = udp;
	scene_add(&scene->a, sock);
	scene_add(&scene->a, listener(80, 100));
	scene->b.tables[0].status = SKT_TABLE_UNKNOWN;
	scene->options.tables = 1u << SKT_TCP;
	compare(scene, 0);
}

static void sockets_of_a_namespace_that_is_gone_are_closed(void **state)
{
	struct scene *scene = *state;
	struct skt_sock sock = listener(80, 200);

	sock.table = scene_table(&scene->a, SKT_TCP, 2);
	scene_add(&scene->a, sock);
	assert_int_equal(one(scene, SKT_DIFF_CLOSED)->before, 0);
}

/* ---- properties ---- */

/* Two snapshots of one chain, some steps apart. */
static void two_of_a_chain(uint64_t seed, bool hidden, struct skt_snapshot *ret_a, struct skt_snapshot *ret_b)
{
	struct random random = { .state = seed };
	struct random_world world = { .rows = 30, .sk_hidden = hidden };
	struct skt_matcher *matcher = skt_matcher_new(seed);
	struct skt_snapshot now, read;
	struct skt_step step;
	unsigned first = 1 + random_below(&random, 3), last = first + 1 + random_below(&random, 4);

	skt_step_init(&step);
	assert_int_equal(skt_snapshot_init(&now, NULL, seed), 0);
	for (unsigned i = 0; i <= last; i++) {
		random_snapshot(&random, &world, &now, NULL, &read);
		assert_int_equal(skt_match(matcher, &now, &read, !i, &step), 0);
		assert_int_equal(skt_apply(&now, &step, NULL), 0);
		skt_snapshot_release(&read);
		if (i == first || i == last)
			assert_int_equal(skt_snapshot_copy(&now, i == first ? ret_a : ret_b), 0);
	}
	skt_snapshot_release(&now);
	skt_step_release(&step);
	skt_matcher_free(matcher);
}

static const struct skt_diff_options ways[] = {
	{ .tables = UINT32_MAX, .seed = 1 },
	{ .tables = UINT32_MAX, .seed = 2, .all = true },
	{ .tables = UINT32_MAX, .seed = 3, .across = true },
	{ .tables = UINT32_MAX, .seed = 4, .across = true, .all = true },
	{ .tables = UINT32_MAX, .seed = 5, .uneven = true },
};
enum { WAYS = sizeof(ways) / sizeof(*ways), RUNS = 400 };

static void a_snapshot_does_not_differ_from_itself_nor_from_its_copy(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < RUNS; seed++) {
		struct skt_snapshot a, b, copy;

		two_of_a_chain(seed, seed & 1, &a, &b);
		assert_int_equal(skt_snapshot_copy(&b, &copy), 0);
		for (unsigned way = 0; way < WAYS; way++) {
			struct skt_diff diff;

			assert_int_equal(skt_diff_find(&b, &copy, &ways[way], &diff), 0);
			assert_int_equal(diff.n, 0);
			skt_diff_release(&diff);
			assert_int_equal(skt_diff_find(&b, &b, &ways[way], &diff), 0);
			assert_int_equal(diff.n, 0);
			skt_diff_release(&diff);
		}
		skt_snapshot_release(&a);
		skt_snapshot_release(&b);
		skt_snapshot_release(&copy);
	}
}

/*
 * Whether the differences of a kind name, with that slot, the same rows as those of the other kind with the other slot.
 */
static void assert_mirrored(const struct skt_diff *x, uint8_t x_kind, const struct skt_diff *y, uint8_t y_kind,
			    size_t slots)
{
	unsigned char *seen = calloc(slots + 1, 1);

	assert_non_null(seen);
	for (size_t i = 0; i < x->n; i++)
		if (x->items[i].kind == x_kind)
			seen[x_kind == SKT_DIFF_OPENED ? x->items[i].after : x->items[i].before]++;
	for (size_t i = 0; i < y->n; i++)
		if (y->items[i].kind == y_kind)
			seen[y_kind == SKT_DIFF_OPENED ? y->items[i].after : y->items[i].before] ^= 1;
	for (size_t i = 0; i < slots; i++)
		assert_int_equal(seen[i], 0);
	free(seen);
}

static void what_opened_one_way_closed_the_other_way(void **state)
{
	size_t all = 0, kinds[SKT_DIFF_KINDS] = { 0 };

	(void)state;
	for (uint64_t seed = 0; seed < RUNS; seed++) {
		struct skt_snapshot a, b;

		two_of_a_chain(seed, seed & 1, &a, &b);
		for (unsigned way = 0; way < WAYS; way++) {
			struct skt_diff there, back;

			assert_int_equal(skt_diff_find(&a, &b, &ways[way], &there), 0);
			assert_int_equal(skt_diff_find(&b, &a, &ways[way], &back), 0);
			assert_mirrored(&there, SKT_DIFF_OPENED, &back, SKT_DIFF_CLOSED, b.n_socks);
			assert_mirrored(&there, SKT_DIFF_CLOSED, &back, SKT_DIFF_OPENED, a.n_socks);
			for (size_t i = 0; i < there.n; i++)
				kinds[there.items[i].kind]++;
			all += there.n;
			skt_diff_release(&there);
			skt_diff_release(&back);
		}
		skt_snapshot_release(&a);
		skt_snapshot_release(&b);
	}
	/* it was about something */
	for (unsigned kind = SKT_DIFF_OPENED; kind < SKT_DIFF_TRANSIENT; kind++)
		assert_true(kinds[kind] > 100);
	assert_true(all > 1000);
}

/* Each row that is not left out is told exactly once, or is the same. */
static void every_row_is_told_once(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < RUNS; seed++) {
		struct skt_snapshot a, b;

		two_of_a_chain(seed, seed & 1, &a, &b);
		for (unsigned way = 0; way < WAYS; way++) {
			size_t before = 0, after = 0, rows = 0;
			struct skt_diff diff;

			assert_int_equal(skt_diff_find(&a, &b, &ways[way], &diff), 0);
			for (size_t i = 0; i < diff.n; i++) {
				before += diff.items[i].before != SKT_NO_SLOT;
				after += diff.items[i].after != SKT_NO_SLOT;
			}
			assert_true(before + diff.n_same <= a.live_socks);
			after += diff.n_same;
			for (size_t i = 0; i < b.n_socks; i++) {
				const struct skt_sock *sock = &b.socks[i];
				bool unread = false;

				if (sock->table == SKT_NO_TABLE || (sock->state == SKT_TIME_WAIT && !ways[way].all))
					continue;
				for (size_t t = 0; t < a.n_tables && !ways[way].across; t++)
					unread |= !a.tables[t].gone && a.tables[t].status == SKT_TABLE_UNKNOWN &&
						  a.tables[t].kind == b.tables[sock->table].kind &&
						  a.tables[t].net_namespace == b.tables[sock->table].net_namespace;
				rows += !unread;
			}
			assert_int_equal(after, rows);
			skt_diff_release(&diff);
		}
		skt_snapshot_release(&a);
		skt_snapshot_release(&b);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(what_is_on_one_side_only_opened_or_closed),
		TEST(another_state_and_another_uid_are_changes_and_counters_are_none),
		TEST(to_go_to_time_wait_is_to_close_and_time_wait_is_quiet),
		TEST(a_server_that_was_started_again_is_quiet),
		TEST(another_program_or_other_arguments_at_the_same_address_are_loud),
		TEST(who_is_not_known_did_not_start_it_again),
		TEST(workers_are_one_program_however_many_they_are),
		TEST(twins_are_counted_and_the_one_that_is_gone_is_named),
		TEST(twins_of_two_programs_find_their_own),
		TEST(one_more_holder_shares_it),
		TEST(a_child_that_inherits_it_is_loud_even_if_it_runs_the_same_program),
		TEST(a_worker_that_was_started_again_is_quiet),
		TEST(so_it_is_when_the_later_snapshot_is_named_first),
		TEST(who_ran_before_or_came_in_other_numbers_or_is_another_was_not_started_again),
		TEST(another_holder_had_it_passed_on),
		TEST(one_holder_less_released_it),
		TEST(the_same_process_with_another_executable_is_told),
		TEST(the_same_process_with_other_arguments_is_told),
		TEST(where_the_executable_is_not_known_the_name_tells),
		TEST(an_orphan_is_one_whether_it_is_known_or_not_whose_it_was),
		TEST(a_process_that_renames_itself_is_no_difference),
		TEST(who_was_not_searched_for_may_have_been_there),
		TEST(who_was_denied_before_may_have_been_there),
		TEST(who_began_since_was_not),
		TEST(what_is_denied_on_both_sides_is_the_same),
		TEST(unless_they_were_looked_at_with_other_privileges),
		TEST(who_is_denied_now_may_be_there_still),
		TEST(a_denied_look_that_hides_nobody_is_no_matter),
		TEST(whom_nobody_finds_any_more_may_be_who_is_denied),
		TEST(who_last_held_it_is_held_against_who_did_before),
		TEST(time_wait_is_a_state_as_any_other_where_that_is_asked),
		TEST(another_descriptor_of_the_same_process_is_no_difference),
		TEST(across_boots_only_the_program_tells),
		TEST(across_boots_twins_are_paired_by_program_and_then_by_order),
		TEST(what_was_not_read_on_one_side_is_left_out_on_the_other),
		TEST(sockets_of_a_namespace_that_is_gone_are_closed),
		cmocka_unit_test(a_snapshot_does_not_differ_from_itself_nor_from_its_copy),
		cmocka_unit_test(what_opened_one_way_closed_the_other_way),
		cmocka_unit_test(every_row_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
