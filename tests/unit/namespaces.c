/* SPDX-License-Identifier: MIT */
/* Which network namespaces a capture finds, in trees and, with the clock in our hands, on this host. */
#include "tree_files.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define HEADING \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n"
#define LISTEN(ino)                                                                                        \
	HEADING                                                                                            \
	"   0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 " #ino \
	" 1 0000000000"                                                                                    \
	"000000 100 0 0 10 0\n"

static struct tree_files tree;

/* A tree whose own namespace is 100, where pid 1 lives. */
static int set_up(void **state)
{
	(void)state;
	tree_files_init(&tree);
	tree.options.all_namespaces = true;
	tree.options.tables = 1u << SKT_TCP;
	tree_file_process(&tree, 1, "init", 0, 1);
	tree_file_link(&tree, "1/ns/net", "net:[100]");
	tree_file_link(&tree, "self", "1");
	tree_file_text(&tree, "net/tcp", LISTEN(1000));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tree_files_release(&tree);
	return 0;
}

/* A process, or ("80/task/81") a thread, lives in a namespace, and this is the table that it shows. */
static void put_dweller(const char *who, const char *link, const char *table)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/ns/net", who);
	tree_file_link(&tree, path, link);
	snprintf(path, sizeof(path), "%s/net/tcp", who);
	tree_file_text(&tree, path, table);
}

/* The tables of the last snapshot, "100:1000 200:2000": of which namespace, and which inodes are in it. */
static const char *tables(void)
{
	static char text[256];
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < tree.snapshot.n_tables; i++) {
		const struct skt_table *table = &tree.snapshot.tables[i];

		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%llu", i ? " " : "",
				       (unsigned long long)table->net_namespace);
		assert_int_equal(table->status, SKT_TABLE_FRESH);
		for (size_t k = 0; k < table->n_rows; k++)
			at += (size_t)snprintf(text + at, sizeof(text) - at, ":%llu",
					       (unsigned long long)tree.snapshot.socks[table->order[k]].inode);
	}
	return text;
}

static void each_namespace_is_read_once_through_one_that_lives_in_it(void **state)
{
	(void)state;
	tree_file_process(&tree, 7, "a", 1, 5);
	tree_file_process(&tree, 8, "b", 1, 5);
	tree_file_process(&tree, 9, "c", 1, 5);
	put_dweller("7", "net:[200]", LISTEN(2000));
	put_dweller("8", "net:[200]", LISTEN(2001));
	put_dweller("9", "net:[100]", LISTEN(1001));
	tree_files_capture(&tree);
	assert_string_equal(tables(), "100:1000 200:2000");
	assert_int_equal(tree.snapshot.quality.netns_denied, 0);
	tree_files_capture(&tree);
	assert_string_equal(tables(), "100:1000 200:2000");
}

static void a_namespace_that_only_a_thread_lives_in_is_read_through_it(void **state)
{
	(void)state;
	tree_file_process(&tree, 7, "a", 1, 5);
	put_dweller("7", "net:[100]", HEADING);
	put_dweller("7/task/7", "net:[100]", HEADING);
	put_dweller("7/task/12", "net:[300]", LISTEN(3000));
	tree_files_capture(&tree);
	assert_string_equal(tables(), "100:1000 300:3000");
}

static void holders_are_found_for_the_sockets_of_all(void **state)
{
	(void)state;
	tree_file_process(&tree, 7, "a", 1, 5);
	put_dweller("7", "net:[200]", LISTEN(2000));
	tree_file_socket(&tree, 7, 3, 2000);
	tree_file_socket(&tree, 7, 4, 1000);
	tree_files_capture(&tree);
	assert_string_equal(tree_files_owners(&tree, tree_files_row(&tree, 2000)), "7/3");
	assert_string_equal(tree_files_owners(&tree, tree_files_row(&tree, 1000)), "7/4");
}

static void only_the_own_one_is_read_unless_all_are_asked_for(void **state)
{
	(void)state;
	tree_file_process(&tree, 7, "a", 1, 5);
	put_dweller("7", "net:[200]", LISTEN(2000));
	tree.options.all_namespaces = false;
	tree_files_capture(&tree);
	assert_string_equal(tables(), "100:1000");
}

static void a_tree_that_does_not_tell_its_own_namespace_has_that_one_only(void **state)
{
	(void)state;
	tree_file_remove(&tree, "self");
	tree_file_process(&tree, 7, "a", 1, 5);
	put_dweller("7", "net:[200]", LISTEN(2000));
	tree_files_capture(&tree);
	assert_string_equal(tables(), "0:1000");
}

static void what_is_no_process_and_no_namespace_is_passed_over(void **state)
{
	(void)state;
	tree_file_text(&tree, "5", "a file");
	tree_file_text(&tree, "6/ns/net", "no link");
	tree_file_process(&tree, 7, "a", 1, 5);
	put_dweller("7", "mnt:[200]", LISTEN(2000));
	tree_file_process(&tree, 8, "b", 1, 5);
	put_dweller("8", "net:[0]", LISTEN(2001));
	/* a namespace that shows no tables has none */
	tree_file_process(&tree, 9, "c", 1, 5);
	tree_file_link(&tree, "9/ns/net", "net:[300]");
	tree_file_text(&tree, "10/task", "no directory");
	tree_files_capture(&tree);
	assert_string_equal(tables(), "100:1000");
	assert_int_equal(tree.snapshot.quality.netns_denied, 0);
}

static void another_lends_his_directory_when_the_first_has_gone(void **state)
{
	(void)state;
	tree_file_process(&tree, 7, "a", 1, 5);
	tree_file_process(&tree, 8, "b", 1, 5);
	put_dweller("7", "net:[200]", LISTEN(2000));
	put_dweller("8", "net:[200]", LISTEN(2001));
	tree_files_capture(&tree);
	assert_string_equal(tables(), "100:1000 200:2000");
	tree_file_remove(&tree, "7/ns/net");
	tree_files_capture(&tree);
	assert_string_equal(tables(), "100:1000 200:2001");
}

static void one_that_moved_lends_his_new_namespace_only(void **state)
{
	(void)state;
	tree_file_process(&tree, 7, "a", 1, 5);
	put_dweller("7", "net:[200]", LISTEN(2000));
	tree_files_capture(&tree);
	tree_file_remove(&tree, "7/ns/net");
	tree_file_link(&tree, "7/ns/net", "net:[300]");
	tree_files_capture(&tree);
	assert_string_equal(tables(), "100:1000 300:2000");
}

static void the_tables_of_a_namespace_without_anybody_are_not_there(void **state)
{
	(void)state;
	tree_file_process(&tree, 7, "a", 1, 5);
	put_dweller("7", "net:[200]", LISTEN(2000));
	tree_files_capture(&tree);
	tree_file_remove(&tree, "7/ns/net");
	tree_files_capture(&tree);
	assert_string_equal(tables(), "100:1000");
	assert_int_equal(tree.snapshot.quality.netns_denied, 0);
}

static void messages_name_the_file_that_was_read(void **state)
{
	(void)state;
	tree_file_process(&tree, 7, "a", 1, 5);
	put_dweller("7/task/12", "net:[300]", HEADING "junk\n");
	tree_files_capture(&tree);
	assert_non_null(tree_files_problem(&tree, "tree/7/task/12/net/tcp", 2));
}

/* ---- this host ---- */

static int64_t boottime; /* what the clock says */

static void read_clock(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	(void)data;
	*ret_realtime = TREE_REALTIME + boottime;
	*ret_boottime = boottime;
}

/* Sleeps; with every byte that it is sent it moves to a new namespace, and says that it did. */
static _Noreturn void move_when_told(int from, int to)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(from, &byte, 1) == 1)
		if (unshare(CLONE_NEWNET) || write(to, &byte, 1) != 1)
			_exit(1);
	_exit(0);
}

static bool is_there(const struct skt_snapshot *snapshot, uint64_t inode)
{
	for (size_t i = 0; i < snapshot->n_tables; i++)
		if (snapshot->tables[i].net_namespace == inode)
			return true;
	return false;
}

static uint64_t namespace_of(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void who_moves_when_he_is_old_is_found_within_a_full_walk(void **state)
{
	const int64_t second = INT64_C(1000000000);
	struct skt_capture_options options = {
		.name = "/proc",
		.tables = 1u << SKT_UDP,
		.passwd_fd = -1,
		.clock = { read_clock, NULL },
		.interval = second,
		.full_walk = 20 * second,
		.all_namespaces = true,
	};
	int tell[2], told[2], proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), looks = 0;
	struct skt_capture *capture;
	struct skt_snapshot snapshot;
	struct skt_err err;
	uint64_t inode;
	pid_t pid;
	char byte = 0;

	(void)state;
	assert_int_equal(pipe(tell) | pipe(told), 0);
	pid = fork();
	if (!pid) {
		close(tell[1]);
		close(told[0]);
		move_when_told(tell[0], told[1]);
	}
	close(told[1]);
	boottime = 1000 * second;
	assert_int_equal(skt_snapshot_init(&snapshot, NULL, 1), 0);
	assert_int_equal(skt_capture_open(proc_fd, &options, &capture, &err), 0);
	assert_int_equal(skt_capture_next(capture, &snapshot, &err), 0);
	assert_int_equal(write(tell[1], &byte, 1), 1);
	if (read(told[0], &byte, 1) != 1) {
		/* not ours to do */
		skt_capture_free(capture);
		skt_snapshot_release(&snapshot);
		waitpid(pid, NULL, 0);
		skip();
	}
	inode = namespace_of(pid);
	do {
		boottime += second;
		looks++;
		assert_int_equal(skt_capture_next(capture, &snapshot, &err), 0);
	} while (!is_there(&snapshot, inode) && looks < 100);
	assert_in_range(looks, 1, 21);
	/* he moves again: nobody is left, and that is found out at once, though his new one is not */
	assert_int_equal(write(tell[1], &byte, 1), 1);
	assert_int_equal(read(told[0], &byte, 1), 1);
	assert_int_not_equal(namespace_of(pid), inode);
	boottime += second;
	assert_int_equal(skt_capture_next(capture, &snapshot, &err), 0);
	assert_false(is_there(&snapshot, inode));
	skt_capture_free(capture);
	skt_snapshot_release(&snapshot);
	close(proc_fd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(tell[0]);
	close(tell[1]);
	close(told[0]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(each_namespace_is_read_once_through_one_that_lives_in_it),
		TEST(a_namespace_that_only_a_thread_lives_in_is_read_through_it),
		TEST(holders_are_found_for_the_sockets_of_all),
		TEST(only_the_own_one_is_read_unless_all_are_asked_for),
		TEST(a_tree_that_does_not_tell_its_own_namespace_has_that_one_only),
		TEST(what_is_no_process_and_no_namespace_is_passed_over),
		TEST(another_lends_his_directory_when_the_first_has_gone),
		TEST(one_that_moved_lends_his_new_namespace_only),
		TEST(the_tables_of_a_namespace_without_anybody_are_not_there),
		TEST(messages_name_the_file_that_was_read),
		cmocka_unit_test(who_moves_when_he_is_old_is_found_within_a_full_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
