/* SPDX-License-Identifier: MIT */
/*
 * Every allocation made to fail in turn while processes that come and go are heard, taken over and told. Leaks are the
 * sanitizer's to find.
 */
#include "proc/lived.h"
#include "failing_alloc.h"
#include "scene.h"
#include "tree_files.h"

#include "proc/connector.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A command line for which a new table of strings has to grow. */
static char long_text[8192];

static struct tree_files files;
static struct tree tree;

static void read_clock(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	(void)data;
	*ret_realtime = SCENE_TIME;
	*ret_boottime = SCENE_BOOTTIME;
}

static int64_t read_monotonic(void *data)
{
	(void)data;
	return SCENE_BOOTTIME;
}

static void hear(struct lived *lived, unsigned what, uint32_t pid, int64_t ms)
{
	const struct connector_event event = {
		.what = (uint8_t)what, .pid = pid, .parent = 90, .when = SCENE_BOOTTIME + ms * SCENE_SECOND / 1000
	};

	lived_hear(lived, &event);
}

/* Whether it came to that in the last go, and was taken over. */
static bool heard, taken;

/* One look and, a second later, another one: between them one that is over and one that lives on. */
static int go(struct lived *lived, struct skt_snapshot *now, struct skt_step *step)
{
	int rc = lived_take(lived, now, false);

	if (rc)
		return rc;
	heard = true;
	hear(lived, CONNECTOR_FORK, 100, 200);
	hear(lived, CONNECTOR_EXEC, 100, 200);
	hear(lived, CONNECTOR_EXIT, 100, 300);
	/* this one is the next step's, and its text goes there with it */
	hear(lived, CONNECTOR_FORK, 101, 1100);
	hear(lived, CONNECTOR_EXEC, 101, 1100);
	now->boottime += SCENE_SECOND;
	rc = lived_take(lived, now, false);
	taken = !rc;
	/* what could not be taken over cannot be told, and asking is no harm */
	if (rc) {
		assert_int_equal(lived_tell(lived, now, step), 0);
		assert_int_equal(step->n_processes, 0);
		return rc;
	}
	return lived_tell(lived, now, step);
}

/*
 * The one that lived on ends, whatever became of what was known of it: no text is another's. Who went before and was
 * not taken over is told now, or that something was lost.
 */
static void judge_later(struct lived *lived, struct skt_snapshot *now, struct skt_step *step)
{
	bool began = false, told = taken;

	hear(lived, CONNECTOR_FORK, 103, 1150);
	hear(lived, CONNECTOR_EXEC, 103, 1150);
	hear(lived, CONNECTOR_EXIT, 101, 1200);
	now->boottime += SCENE_SECOND;
	assert_int_equal(lived_take(lived, now, false), 0);
	skt_step_clear(step);
	step->from = SCENE_TIME;
	assert_int_equal(lived_tell(lived, now, step), 0);
	for (size_t i = 0; i < step->n_processes; i++) {
		const struct skt_process *process = &now->processes[step->processes[i].slot];
		size_t len;

		told |= process->pid == 100;
		if (process->pid != 101)
			continue;
		began = true;
		if (process->has & SKT_BIT(SKT_P_COMM))
			assert_string_equal(skt_strtab_get(now->strings, process->comm, &len), "later");
		if (process->has & SKT_BIT(SKT_P_CMDLINE))
			assert_string_equal(skt_strtab_get(now->strings, process->cmdline, &len), long_text);
	}
	assert_int_equal(began, heard);
	assert_true(told || !heard || now->quality.lived_lost);
}

/* What is known of it is true, and where there was memory all of it is known. */
static void judge(const struct skt_snapshot *now, const struct skt_step *step, bool whole)
{
	const struct skt_process *process;
	size_t len;

	assert_int_equal(step->n_processes, 1);
	process = &now->processes[step->processes[0].slot];
	assert_int_equal(process->pid, 100);
	assert_int_equal(process->ppid, 90);
	assert_int_equal(process->start_time, SCENE_BOOTTIME / 10000000 + 20);
	assert_true(process->exited);
	if (process->has & SKT_BIT(SKT_P_COMM))
		assert_string_equal(skt_strtab_get(now->strings, process->comm, &len), "curl");
	if (process->has & SKT_BIT(SKT_P_CMDLINE))
		assert_memory_equal(skt_strtab_get(now->strings, process->cmdline, &len), "curl\0-s", 8);
	if (process->has & SKT_BIT(SKT_P_EXE))
		assert_string_equal(skt_strtab_get(now->strings, process->exe, &len), "/usr/bin/curl");
	if (whole)
		assert_int_equal(~process->has & (SKT_BIT(SKT_P_COMM) | SKT_BIT(SKT_P_CMDLINE) | SKT_BIT(SKT_P_EXE)),
				 0);
}

static void each(size_t i, void (*begin_failing)(size_t n))
{
	const struct skt_capture_options options = { .clock = { read_clock, NULL }, .processes_clock = read_monotonic };
	struct skt_snapshot now;
	struct lived *lived;
	struct skt_step step;
	int rc = -ENOMEM;
	bool failed;

	scene_begin(&now, NULL, 0);
	scene_end(&now);
	skt_step_init(&step);
	step.from = SCENE_TIME;
	heard = taken = false;
	begin_failing(i);
	lived = lived_new_deaf(&options, &tree);
	if (lived)
		rc = go(lived, &now, &step);
	failed = failing_alloc_stop();
	assert_true(rc == 0 || (failed && rc == -ENOMEM));
	if (!rc)
		judge(&now, &step, !failed);
	/* it is in order: what is heard next is told of */
	if (lived) {
		judge_later(lived, &now, &step);
		skt_step_clear(&step);
		step.from = SCENE_TIME;
		hear(lived, CONNECTOR_FORK, 102, 2500);
		hear(lived, CONNECTOR_EXIT, 102, 2600);
		now.boottime += 2 * SCENE_SECOND;
		assert_int_equal(lived_take(lived, &now, false), 0);
		assert_int_equal(lived_tell(lived, &now, &step), 0);
		assert_int_equal(step.n_processes, 1);
		assert_int_equal(now.processes[step.processes[0].slot].pid, 102);
	}
	lived_free(lived);
	skt_step_release(&step);
	skt_snapshot_release(&now);
}

static void set_up_tree(void)
{
	uint64_t start = SCENE_BOOTTIME / 10000000 + 20;

	tree_files_init(&files);
	tree = (struct tree){ .fd = files.fd, .name = files.dir };
	tree_file_process(&files, 100, "curl", 1, start);
	tree_file_bytes(&files, "100/cmdline", "curl\0-s", 8);
	tree_file_link(&files, "100/exe", "/usr/bin/curl");
	tree_file_process(&files, 101, "later", 1, start + 90);
	memset(long_text, 'x', sizeof(long_text) - 1);
	tree_file_bytes(&files, "101/cmdline", long_text, sizeof(long_text));
	tree_file_process(&files, 103, "another", 1, start + 90);
	tree_file_bytes(&files, "103/cmdline", "/bin/another", 13);
	tree_file_link(&files, "103/exe", "/usr/bin/another");
}

static void processes_are_told_or_there_is_no_memory(void **state)
{
	(void)state;
	set_up_tree();
	FAILING_ALLOC_EACH(i)
	each(i, failing_alloc_after);
	tree_files_release(&files);
}

static void what_is_missing_makes_nothing_that_is_not_so(void **state)
{
	(void)state;
	set_up_tree();
	FAILING_ALLOC_EACH(i)
	each(i, failing_alloc_only);
	tree_files_release(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_are_told_or_there_is_no_memory),
		cmocka_unit_test(what_is_missing_makes_nothing_that_is_not_so),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
