/* SPDX-License-Identifier: MIT */
/* Processes that began and ended between two snapshots: which they are, and that a recording gives them back. */
#include "proc/lived.h"
#include "recording.h"
#include "scene.h"
#include "tree_files.h"

#include "model/step.h"
#include "proc/births.h"
#include "proc/connector.h"
#include "record/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The machine slept for three seconds: boottime is ahead of the clock that messages go by. */
#define ASLEEP (3 * SCENE_SECOND)

static struct tree_files files;
static struct tree tree;
static struct lived *lived;
static struct skt_matcher *matcher;
static struct skt_snapshot now;
static struct skt_step step;
static int64_t second;
static bool last; /* the next look is */

static int64_t read_monotonic(void *data)
{
	(void)data;
	return SCENE_BOOTTIME - ASLEEP;
}

static void read_clock(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	(void)data;
	*ret_realtime = SCENE_TIME;
	*ret_boottime = SCENE_BOOTTIME;
}

static int set_up(void **state)
{
	struct skt_capture_options options = { .clock = { read_clock, NULL }, .processes_clock = read_monotonic };

	(void)state;
	tree_files_init(&files);
	tree = (struct tree){ .fd = files.fd, .name = files.dir };
	lived = lived_new_deaf(&options, &tree);
	matcher = skt_matcher_new(3);
	assert_non_null(lived);
	assert_non_null(matcher);
	assert_int_equal(skt_snapshot_init(&now, NULL, 3), 0);
	skt_step_init(&step);
	second = 0;
	last = false;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	lived_free(lived);
	skt_matcher_free(matcher);
	skt_step_release(&step);
	skt_snapshot_release(&now);
	tree_files_release(&files);
	return 0;
}

/* At so many seconds after that of the scene. */
static void hear(unsigned what, uint32_t pid, double when)
{
	const struct connector_event event = { .what = (uint8_t)what,
					       .pid = pid,
					       .parent = what == CONNECTOR_FORK ? 90 : 0,
					       .when = SCENE_BOOTTIME - ASLEEP + (int64_t)(when * SCENE_SECOND) };

	lived_hear(lived, &event);
}

static void live(uint32_t pid, double from, double to)
{
	hear(CONNECTOR_FORK, pid, from);
	hear(CONNECTOR_EXIT, pid, to);
}

/* The next snapshot, a second after the last one, in which somebody may be who holds a socket. */
static void look(uint32_t seen, uint64_t start_time)
{
	struct skt_snapshot read;

	scene_begin(&read, now.strings, second);
	if (seen)
		scene_process(&read, seen, start_time, "holder");
	scene_end(&read);
	assert_int_equal(lived_take(lived, &read, last), 0);
	assert_int_equal(skt_match(matcher, &now, &read, !second, &step), 0);
	assert_int_equal(skt_apply(&now, &step, NULL), 0);
	assert_int_equal(lived_tell(lived, &now, &step), 0);
	skt_snapshot_release(&read);
	second++;
}

static size_t count(void)
{
	size_t n = 0;

	for (size_t i = 0; i < step.n_processes; i++)
		n += skt_change_is_lived(&now, &step.processes[i]);
	return n;
}

static void who_began_and_ended_between_two_looks_is_in_the_step(void **state)
{
	const struct skt_process *process;

	(void)state;
	look(0, 0);
	assert_false(lived_has_heard(lived));
	live(100, 0.2, 0.3);
	assert_true(lived_has_heard(lived));
	look(0, 0);
	assert_false(lived_has_heard(lived));
	assert_int_equal(count(), 1);
	process = &now.processes[step.processes[0].slot];
	assert_int_equal(process->pid, 100);
	assert_int_equal(process->ppid, 90);
	assert_true(process->exited);
	assert_false(skt_process_is_listed(process));
	/* in ticks of 10 ms, with what the machine slept */
	assert_int_equal(process->start_time, SCENE_BOOTTIME / 10000000 + 20);
	assert_int_equal(process->has, SKT_BIT(SKT_P_PPID) | SKT_BIT(SKT_P_START_TIME) | SKT_BIT(SKT_P_EXITED));
	assert_true(step.quality.lived_told);
	assert_false(step.quality.lived_lost);
	look(0, 0);
	assert_int_equal(step.n_processes, 0);
}

static void who_lived_at_a_look_is_not(void **state)
{
	(void)state;
	live(100, -0.5, -0.1);
	hear(CONNECTOR_FORK, 101, -0.5);
	look(0, 0);
	assert_int_equal(step.n_processes, 0);
	assert_false(step.quality.lived_told);
	hear(CONNECTOR_EXIT, 101, 0.5);
	hear(CONNECTOR_FORK, 102, 0.9);
	look(0, 0);
	assert_int_equal(step.n_processes, 0);
	hear(CONNECTOR_EXIT, 102, 1.1);
	hear(CONNECTOR_EXIT, 500, 1.1);
	look(0, 0);
	assert_int_equal(step.n_processes, 0);
}

static void what_is_heard_after_the_instant_of_a_snapshot_is_the_next_ones(void **state)
{
	(void)state;
	look(0, 0);
	/* while the second look goes on: it is told of before that is over */
	live(100, 1.1, 1.2);
	hear(CONNECTOR_FORK, 101, 1.3);
	/* it lived at the look */
	live(102, 0.9, 1.1);
	look(0, 0);
	assert_int_equal(count(), 0);
	hear(CONNECTOR_EXIT, 101, 1.4);
	look(0, 0);
	assert_int_equal(count(), 2);
	assert_int_equal(now.processes[step.processes[0].slot].pid, 100);
	assert_int_equal(now.processes[step.processes[1].slot].pid, 101);
}

static void after_the_last_look_nobody_is_left_over(void **state)
{
	(void)state;
	look(0, 0);
	live(100, 0.2, 0.3);
	live(101, 1.1, 1.2);
	/* it lived at the look, but no look has seen it */
	live(102, 0.9, 1.1);
	hear(CONNECTOR_FORK, 103, 1.3);
	last = true;
	look(0, 0);
	assert_int_equal(count(), 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(now.processes[step.processes[i].slot].pid, 100 + i);
}

static void a_process_that_a_look_has_seen_is_no_other_one(void **state)
{
	uint64_t start = SCENE_BOOTTIME / 10000000 + 19;

	(void)state;
	look(0, 0);
	live(100, 0.2, 0.3);
	look(100, start);
	assert_int_equal(count(), 0);
	/* its number, and another process */
	live(100, 1.5, 1.6);
	look(100, start);
	assert_int_equal(count(), 1);
}

static void a_number_that_came_twice_is_two_processes(void **state)
{
	(void)state;
	look(0, 0);
	live(100, 0.2, 0.3);
	live(100, 0.5, 0.6);
	/* the end of the first was lost */
	hear(CONNECTOR_FORK, 101, 0.2);
	live(101, 0.5, 0.6);
	look(0, 0);
	assert_int_equal(count(), 3);
}

static void more_than_a_step_holds_are_counted(void **state)
{
	(void)state;
	look(0, 0);
	for (uint32_t i = 0; i < SKT_LIVED_MAX + 7; i++)
		live(1000 + i, 0.2, 0.3);
	look(0, 0);
	assert_int_equal(count(), SKT_LIVED_MAX);
	assert_int_equal(now.quality.lived_more, 7);
	assert_false(now.quality.lived_lost);
	/* as many live as can be followed, and one more */
	for (uint32_t i = 0; i < LIVED_BIRTHS + 1; i++)
		hear(CONNECTOR_FORK, 100000 + i, 1.5);
	look(0, 0);
	assert_int_equal(count(), 0);
	assert_true(now.quality.lived_lost);
	live(100, 2.1, 2.2);
	look(0, 0);
	assert_int_equal(count(), 1);
	assert_false(now.quality.lived_lost);
}

static void what_can_be_read_when_it_executes_is_known(void **state)
{
	static const char status[] = "Name:\tcurl\nUid:\t1000\t1000\t1000\t1000\n";
	uint64_t start = SCENE_BOOTTIME / 10000000 + 20;
	const struct skt_process *process;
	size_t len;

	(void)state;
	look(0, 0);
	tree_file_process(&files, 100, "curl", 1, start);
	tree_file_text(&files, "100/status", status);
	tree_file_bytes(&files, "100/cmdline", "curl\0-s", 8);
	tree_file_link(&files, "100/exe", "/usr/bin/curl");
	hear(CONNECTOR_FORK, 100, 0.2);
	hear(CONNECTOR_EXEC, 100, 0.2);
	tree_file_remove(&files, "100/cmdline");
	tree_file_remove(&files, "100/exe");
	hear(CONNECTOR_EXIT, 100, 0.3);
	/* somebody else has its number by now */
	tree_file_process(&files, 101, "later", 1, start + 30);
	hear(CONNECTOR_FORK, 101, 0.2);
	hear(CONNECTOR_EXEC, 101, 0.2);
	hear(CONNECTOR_EXIT, 101, 0.3);
	look(0, 0);
	assert_int_equal(count(), 2);
	process = &now.processes[step.processes[0].slot];
	assert_int_equal(process->start_time, start);
	assert_int_equal(process->uid, 1000);
	assert_int_equal(process->ppid, 90);
	assert_string_equal(skt_strtab_get(now.strings, process->comm, &len), "curl");
	assert_string_equal(skt_strtab_get(now.strings, process->exe, &len), "/usr/bin/curl");
	assert_memory_equal(skt_strtab_get(now.strings, process->cmdline, &len), "curl\0-s", 8);
	process = &now.processes[step.processes[1].slot];
	assert_int_equal(process->start_time, start);
	assert_false(process->has & SKT_BIT(SKT_P_COMM));
}

/* ---- in a recording ---- */

static void add_lived(struct recording *recording, uint32_t pid)
{
	struct skt_process process = { .pid = pid,
				       .start_time = 1000 + pid,
				       .uid = 7,
				       .has = SKT_BIT(SKT_P_UID) | SKT_BIT(SKT_P_COMM) | SKT_BIT(SKT_P_START_TIME) |
					      SKT_BIT(SKT_P_EXITED),
				       .exited = true };
	struct translation same;
	char name[16];

	snprintf(name, sizeof(name), "p%u", pid);
	assert_int_equal(skt_strtab_add(recording->now.strings, name, strlen(name), &process.comm), 0);
	assert_int_equal(translation_init(&same, recording->now.strings, recording->now.strings), 0);
	assert_int_equal(step_add_lived(&recording->step, &recording->now, &same, &process), 0);
}

/*
 * Two with each step but the first, of sixty snapshots that are so far from each other; every one is found in its own.
 */
static void come_back(int64_t passed, size_t least_groups)
{
	struct random random = { .state = 5 };
	struct random_world world = { .rows = 12 };
	struct recording recording;
	struct skt_cursor *cursor;
	struct skt_file *file;
	struct skt_step *got;

	recording_begin(&recording, passed);
	for (uint32_t i = 0; i < 60; i++) {
		struct skt_snapshot read;

		recording_random(&recording, &random, &world, passed, &read);
		read.number = i + 1;
		assert_int_equal(skt_match(recording.matcher, &recording.now, &read, !i, &recording.step), 0);
		assert_int_equal(skt_apply(&recording.now, &recording.step, NULL), 0);
		for (uint32_t k = 0; i && k < 2; k++)
			add_lived(&recording, 100000 + 2 * i + k);
		assert_int_equal(skt_writer_add(recording.writer, &recording.now, &recording.step, NULL), 0);
		skt_snapshot_release(&read);
	}
	recording_end(&recording);
	file = recording_open(&recording);
	assert_true(file->n_groups >= least_groups);
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	for (uint32_t i = 0; i < 60; i++) {
		const struct skt_snapshot *there;
		uint32_t n = 0;

		assert_int_equal(skt_cursor_next(cursor, &got, NULL), 1);
		there = skt_cursor_snapshot(cursor);
		for (size_t k = 0; k < got->n_processes; k++) {
			const struct skt_process *process = &there->processes[got->processes[k].slot];
			char name[16];
			size_t len;

			if (!skt_change_is_lived(there, &got->processes[k]))
				continue;
			snprintf(name, sizeof(name), "p%u", 100000 + 2 * i + n);
			assert_int_equal(process->pid, 100000 + 2 * i + n);
			assert_int_equal(process->start_time, 1000 + process->pid);
			assert_int_equal(process->uid, 7);
			assert_string_equal(skt_strtab_get(there->strings, process->comm, &len), name);
			n++;
		}
		assert_int_equal(n, i ? 2 : 0);
	}
	assert_int_equal(skt_cursor_next(cursor, &got, NULL), 0);
	skt_cursor_free(cursor);
	skt_file_free(file);
	recording_release(&recording);
}

static void a_recording_gives_them_back_within_a_group(void **state)
{
	(void)state;
	come_back(SKT_NS_PER_S / 10, 1);
}

static void and_where_each_snapshot_begins_one(void **state)
{
	(void)state;
	come_back(60 * SKT_NS_PER_S, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_began_and_ended_between_two_looks_is_in_the_step, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(who_lived_at_a_look_is_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_heard_after_the_instant_of_a_snapshot_is_the_next_ones, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(after_the_last_look_nobody_is_left_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_process_that_a_look_has_seen_is_no_other_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_number_that_came_twice_is_two_processes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_than_a_step_holds_are_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_can_be_read_when_it_executes_is_known, set_up, tear_down),
		cmocka_unit_test(a_recording_gives_them_back_within_a_group),
		cmocka_unit_test(and_where_each_snapshot_begins_one),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
