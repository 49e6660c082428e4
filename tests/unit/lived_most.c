/* SPDX-License-Identifier: MIT */
/*
 * More processes that no look has seen than there is room for: in a snapshot that is full without them, and in a tree.
 */
#include "model/step.h"
#include "scene.h"
#include "tree_files.h"

#include <skt/record.h>
#include <skt/tree.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static struct skt_snapshot now;
static struct skt_step step;

static int set_up(void **state)
{
	(void)state;
	scene_begin(&now, NULL, 0);
	scene_table(&now, SKT_TCP, 100);
	scene_end(&now);
	now.number = 1;
	skt_step_init(&step);
	step.from = INT64_MIN;
	step.number = now.number;
	step.time = now.time;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	skt_step_release(&step);
	skt_snapshot_release(&now);
	return 0;
}

/* So many are told of. */
static void tell(unsigned n)
{
	struct skt_process brief = { .has = SKT_BIT(SKT_P_EXITED), .exited = true };
	struct translation same;

	assert_int_equal(translation_init(&same, now.strings, now.strings), 0);
	for (unsigned i = 0; i < n; i++) {
		brief.pid = 900 + i;
		assert_int_equal(step_add_lived(&step, &now, &same, &brief), 0);
	}
	translation_release(&same);
}

static int record(struct skt_err *err)
{
	const struct skt_header header = { .start = SCENE_TIME, .interval = SKT_NS_PER_S };
	const struct skt_writer_options options = { .sync = SKT_SYNC_NONE };
	const uint8_t random[24] = "more than there is room";
	struct skt_writer *writer;
	int fd = memfd_create("out.skt", MFD_CLOEXEC), rc;

	skt_err_init(err);
	assert_true(fd >= 0);
	assert_int_equal(skt_writer_open(fd, "out.skt", &header, &options, random, &writer, NULL), 0);
	rc = skt_writer_add(writer, &now, &step, err);
	skt_writer_free(writer);
	close(fd);
	return rc;
}

/* Readers take no more processes than the limit, whoever they are. */
static void what_was_told_counts_among_a_snapshots_processes(void **state)
{
	struct skt_err err;

	(void)state;
	free(now.processes);
	now.processes = calloc(SKT_PROCESSES_MAX + 1, sizeof(*now.processes));
	assert_non_null(now.processes);
	now.n_processes = SKT_PROCESSES_MAX;
	now.room_processes = SKT_PROCESSES_MAX + 1;
	tell(1);
	assert_int_equal(record(&err), -E2BIG);
	assert_non_null(strstr(err.message, "snapshot exceeds what a recording may hold"));
}

static int write_tree(struct tree_files *tree, unsigned n)
{
	static const struct skt_host host = { .name = "obi-wan", .btime = SCENE_TIME };
	struct skt_place place = { .told = &step };

	tell(n);
	tree_files_init(tree);
	tree->options.all_namespaces = true;
	return skt_tree_write(&now, &host, &place, tree->fd, NULL);
}

static void a_tree_tells_of_as_many_as_a_recorder_does(void **state)
{
	struct tree_files tree;
	struct skt_step back;

	(void)state;
	assert_int_equal(write_tree(&tree, SKT_LIVED_MAX), 0);
	tree_files_capture(&tree);
	skt_step_init(&back);
	assert_int_equal(skt_capture_tell(tree.capture, &tree.snapshot, &back), 0);
	assert_int_equal(back.n_processes, SKT_LIVED_MAX);
	skt_step_release(&back);
	tree_files_release(&tree);
}

static void a_tree_that_could_not_be_read_is_not_written(void **state)
{
	struct tree_files tree;

	(void)state;
	assert_int_equal(write_tree(&tree, SKT_LIVED_MAX + 1), -E2BIG);
	tree_files_release(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_told_counts_among_a_snapshots_processes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_tree_tells_of_as_many_as_a_recorder_does, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_tree_that_could_not_be_read_is_not_written, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
