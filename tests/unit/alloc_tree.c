/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of writing a tree, and of reading it back, made to fail in turn. Leaks are the sanitizer's to find.
 */
#include "failing_alloc.h"
#include "scene.h"
#include "tree_files.h"

#include "model/copy.h"
#include "model/step.h"

#include <skt/tree.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const struct skt_host host = { .name = "obi-wan", .btime = -1, .net_namespace = 100 };

static char text[] = "marked";
static struct skt_place_mark marks[] = { { .time = 1, .back = 1, .text = text }, { .time = 2, .text = text } };
static const struct skt_place place = { .gap = 1, .marks = marks, .n_marks = 2 };

/*
 * Something of each kind: read from the tree, told of a row, of a whole table, of a process that is there and of one
 * that is not.
 */
static void fill(struct skt_snapshot *s)
{
	struct skt_owner owner = { .fd = 8 };
	uint32_t server, gone, lender;

	scene_begin(s, NULL, 3);
	skt_snapshot_add_user(s, 33, scene_string(s, "www-data"));
	server = scene_process(s, 700, 4242, "server");
	gone = scene_process(s, 701, 4243, "gone");
	lender = scene_process(s, 702, 4244, "inside");
	s->processes[gone].exited = true;
	s->processes[lender].has |= SKT_BIT(SKT_P_NET_NAMESPACE);
	s->processes[lender].net_namespace = 200;
	for (unsigned i = 0; i < 3; i++)
		scene_table(s, SKT_TCP, 100 * (i + 1));
	s->tables[0].heading = scene_string(s, "sl local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt "
					       "uid timeout inode");
	skt_table_add_raw(&s->tables[0], 0, scene_string(s, "no row"));
	for (unsigned i = 0; i < 12; i++)
		scene_add_held(s, scene_sock((uint16_t)(80 + i), 0, 1000 + i, 0xabc + i, SKT_LISTEN), server,
			       (int)i + 3);
	owner.process = gone;
	scene_own(s, scene_add(s, scene_sock(90, 41000, 0, 0xabf, SKT_TIME_WAIT)), &owner, 1);
	scene_end(s);
}

/* What was told on the way there: of a row that is listed, of none, and of a process that no look has seen. */
static void tell(struct skt_snapshot *s, struct skt_step *step)
{
	struct skt_process brief = { .pid = 900,
				     .comm = scene_string(s, "curl"),
				     .cmdline = scene_string(s, "curl -s"),
				     .has = SKT_BIT(SKT_P_COMM) | SKT_BIT(SKT_P_CMDLINE) | SKT_BIT(SKT_P_EXITED),
				     .exited = true };
	struct translation same;

	skt_step_init(step);
	step->events = calloc(2, sizeof(*step->events));
	assert_non_null(step->events);
	step->events[step->n_events++] = (struct skt_event){ .when = SCENE_TIME - 5,
							     .source = SKT_SOURCE_DESTROY,
							     .change = SKT_CLOSED,
							     .slot = s->n_socks ? 0 : SKT_NO_SLOT };
	if (s->n_socks) {
		step->events[0].local_port = s->socks[0].local_port;
		memcpy(step->events[0].local_address, s->socks[0].local_address, 16);
		memcpy(step->events[0].remote_address, s->socks[0].remote_address, 16);
	}
	step->events[step->n_events++] = (struct skt_event){ .when = SCENE_TIME,
							     .source = SKT_SOURCE_DESTROY,
							     .change = SKT_CLOSED,
							     .slot = SKT_NO_SLOT,
							     .local_port = 7,
							     .has = SKT_BIT(SKT_E_BYTES_SENT),
							     .bytes_sent = UINT64_MAX };
	assert_int_equal(translation_init(&same, s->strings, s->strings), 0);
	assert_int_equal(step_add_lived(step, s, &same, &brief), 0);
	translation_release(&same);
}

static void assert_told(int rc)
{
	assert_int_equal(rc, failing_alloc_stop() ? -ENOMEM : 0);
}

static void a_tree_is_written_or_has_no_meta(void **state)
{
	(void)state;
	FAILING_ALLOC_EACH(i)
	{
		struct skt_place told = place;
		struct skt_snapshot snapshot;
		struct tree_files tree;
		struct skt_step step;
		struct skt_err err;
		struct stat st;
		int rc;

		fill(&snapshot);
		tell(&snapshot, &step);
		told.told = &step;
		tree_files_init(&tree);
		skt_err_init(&err);
		failing_alloc_after(i);
		rc = skt_tree_write(&snapshot, &host, &told, tree.fd, &err);
		assert_told(rc);
		assert_int_equal(err.code, rc);
		assert_int_equal(fstatat(tree.fd, ".skt-meta", &st, 0), rc ? -1 : 0);
		tree_files_release(&tree);
		skt_step_release(&step);
		skt_snapshot_release(&snapshot);
	}
}

/*
 * Read the tree of a snapshot with allocations failing in turn: what is read is the snapshot, or it is said that it is
 * not.
 */
static void read_each(struct skt_snapshot *snapshot, void (*begin_failing)(size_t))
{
	struct skt_place told = place;
	struct tree_files tree;
	struct skt_step step;

	tell(snapshot, &step);
	told.told = &step;
	tree_files_init(&tree);
	tree.options.all_namespaces = true;
	assert_int_equal(skt_tree_write(snapshot, &host, &told, tree.fd, NULL), 0);
	FAILING_ALLOC_EACH(i)
	{
		struct skt_capture *capture;
		struct skt_snapshot read;
		struct skt_step again;
		struct skt_err err;
		char why[256] = "";
		int rc;

		skt_step_init(&again);
		assert_int_equal(skt_snapshot_init(&read, NULL, 5), 0);
		assert_int_equal(skt_capture_open(tree.fd, &tree.options, &capture, &err), 0);
		skt_err_init(&err);
		begin_failing(i);
		rc = skt_capture_next(capture, &read, &err);
		assert_int_equal(err.code, rc);
		if (!rc)
			rc = skt_capture_tell(capture, &read, &again);
		assert_told(rc);
		skt_step_clear(&again);
		assert_int_equal(skt_capture_next(capture, &read, &err), 0);
		if (!skt_snapshot_equal(snapshot, &read, why, sizeof(why)))
			fail_msg("%s", why);
		assert_int_equal(skt_capture_tell(capture, &read, &again), 0);
		if (!skt_told_equal(snapshot, &step, &read, &again, why, sizeof(why)))
			fail_msg("%s", why);
		assert_int_equal(again.n_events + again.n_processes, 3);
		skt_step_release(&again);
		skt_capture_free(capture);
		skt_snapshot_release(&read);
	}
	skt_step_release(&step);
	tree_files_release(&tree);
}

static void it_is_read_or_not_and_the_next_time_it_is(void **state)
{
	struct skt_snapshot snapshot;

	(void)state;
	fill(&snapshot);
	read_each(&snapshot, failing_alloc_after);
	skt_snapshot_release(&snapshot);
}

/* More than there is room for at once, and no holder has made room before them. */
static void one_failure_alone_loses_no_process(void **state)
{
	struct skt_snapshot snapshot;

	(void)state;
	scene_begin(&snapshot, NULL, 3);
	scene_table(&snapshot, SKT_TCP, 100);
	for (unsigned i = 0; i < 20; i++)
		scene_process(&snapshot, 700 + i, 4242, "idle");
	scene_end(&snapshot);
	read_each(&snapshot, failing_alloc_only);
	skt_snapshot_release(&snapshot);
}

static void its_capture_begins_or_not(void **state)
{
	struct skt_snapshot snapshot;
	struct tree_files tree;

	(void)state;
	fill(&snapshot);
	tree_files_init(&tree);
	assert_int_equal(skt_tree_write(&snapshot, &host, &place, tree.fd, NULL), 0);
	FAILING_ALLOC_EACH(i)
	{
		struct skt_capture *capture;
		struct skt_err err;
		int rc;

		skt_err_init(&err);
		failing_alloc_after(i);
		rc = skt_capture_open(tree.fd, &tree.options, &capture, &err);
		assert_told(rc);
		assert_int_equal(err.code, rc);
		if (!rc)
			skt_capture_free(capture);
	}
	tree_files_release(&tree);
	skt_snapshot_release(&snapshot);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_is_written_or_has_no_meta),
		cmocka_unit_test(it_is_read_or_not_and_the_next_time_it_is),
		cmocka_unit_test(one_failure_alone_loses_no_process),
		cmocka_unit_test(its_capture_begins_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
