/* SPDX-License-Identifier: MIT */
/* Every allocation of a capture made to fail in turn. Leaks are the sanitizer's to find. */
#include "failing_alloc.h"
#include "tree_files.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ROW(n, inode)                                                                                           \
	"   " n ": 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 " inode \
	" 1 tail"

#define TCP_HEADING \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n"

static struct tree_files tree;

static int set_up(void **state)
{
	(void)state;
	tree_files_init(&tree);
	tree_file_table(&tree, SKT_TCP, ROW("0", "100"), ROW("1", "101"), ROW("2", "102"), "no row", ROW("3", "0"),
			NULL);
	tree_file_table(&tree, SKT_UDP, NULL);
	tree_file_process(&tree, 1, "init", 0, 1);
	for (unsigned pid = 10; pid < 40; pid++) {
		tree_file_process(&tree, pid, "server", 1, pid);
		tree_file_socket(&tree, pid, 3, 100);
		tree_file_socket(&tree, pid, 4, 101);
	}
	tree_file_text(&tree, "10/status", "Name:\tserver\nUid:\t33\t0\t0\t0\n");
	tree_file_text(&tree, "10/cmdline", "server");
	tree_file_text(&tree, "10/cgroup", "0::/\n");
	tree_file_link(&tree, "10/exe", "/usr/sbin/server");
	tree_file_link(&tree, "10/ns/net", "net:[4026531833]");
	tree_file_link(&tree, "self", "10");
	/* others, more than there is room for at once: in pairs, so that not everybody is the first in his own */
	tree.options.all_namespaces = true;
	for (unsigned pid = 11; pid < 40; pid++) {
		char path[32], link[32];

		snprintf(path, sizeof(path), "%u/ns/net", pid);
		snprintf(link, sizeof(link), "net:[%u]", 200 + pid / 2);
		tree_file_link(&tree, path, link);
	}
	tree_file_text(&tree, "12/net/tcp", TCP_HEADING ROW("0", "101") "\n");
	tree_file_text(&tree, "sys/kernel/hostname", "obi-wan\n");
	tree_file_text(&tree, "stat", "cpu\nbtime 1\n");
	tree_file_text(&tree, "passwd", "root:x:0:0:::\nwww-data:x:33:33:::\n");
	tree.options.passwd_fd = openat(tree.fd, "passwd", O_RDONLY);
	return tree.options.passwd_fd < 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(tree.options.passwd_fd);
	tree_files_release(&tree);
	return 0;
}

static void assert_told(int rc)
{
	assert_int_equal(rc, failing_alloc_stop() ? -ENOMEM : 0);
}

static void assert_whole(const struct skt_snapshot *snapshot)
{
	assert_int_equal(snapshot->n_tables, 3);
	assert_int_equal(snapshot->tables[2].net_namespace, 206);
	assert_int_equal(snapshot->tables[2].n_rows, 1);
	assert_int_equal(snapshot->tables[0].n_rows, 4);
	assert_int_equal(snapshot->tables[0].n_raw, 1);
	assert_int_equal(snapshot->n_owners, 90);
	assert_int_equal(snapshot->n_processes, 31);
	assert_int_equal(snapshot->n_users, 2);
}

static void a_capture_begins_or_not(void **state)
{
	struct skt_capture *capture = NULL;

	(void)state;
	FAILING_ALLOC_EACH(i)
	{
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
}

static void a_snapshot_is_taken_or_not_and_the_next_one_is(void **state)
{
	(void)state;
	FAILING_ALLOC_EACH(i)
	{
		struct skt_capture *capture;
		struct skt_snapshot snapshot;
		struct skt_err err;
		int rc;

		assert_int_equal(skt_snapshot_init(&snapshot, NULL, 5), 0);
		assert_int_equal(skt_capture_open(tree.fd, &tree.options, &capture, &err), 0);
		skt_err_init(&err);
		failing_alloc_after(i);
		rc = skt_capture_next(capture, &snapshot, &err);
		assert_told(rc);
		assert_int_equal(err.code, rc);
		if (rc)
			assert_string_equal(err.path, "tree");
		assert_int_equal(skt_capture_next(capture, &snapshot, &err), 0);
		assert_whole(&snapshot);
		skt_capture_free(capture);
		skt_snapshot_release(&snapshot);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(a_capture_begins_or_not),
		TEST(a_snapshot_is_taken_or_not_and_the_next_one_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
