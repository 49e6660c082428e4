/* SPDX-License-Identifier: MIT */
/* Who holds what, and who that is, in a tree of files. */
#include "tree_files.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ROW(port, state, inode)                                                                                        \
	"   0: 0100007F:" port " 00000000:0000 " state " 00000000:00000000 00:00000000 00000000     0        0 " inode \
	" 1"
#define HAS(process, field) (((process)->has & SKT_BIT(field)) != 0)

static struct tree_files tree;

static int set_up(void **state)
{
	(void)state;
	tree_files_init(&tree);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tree_files_release(&tree);
	return 0;
}

static const struct skt_sock *row(uint64_t inode)
{
	const struct skt_sock *sock = tree_files_row(&tree, inode);

	assert_non_null(sock);
	return sock;
}

static const struct skt_process *process(unsigned pid)
{
	const struct skt_process *found = tree_files_process(&tree, pid);

	assert_non_null(found);
	return found;
}

/* One listener with inode 100, held by process 7 as 3. */
static void put_one(void)
{
	tree_file_table(&tree, SKT_TCP, ROW("0050", "0A", "100"), NULL);
	tree_file_process(&tree, 7, "server", 1, 500);
	tree_file_socket(&tree, 7, 3, 100);
}

static void all_owners_are_found_by_pid_and_fd(void **state)
{
	(void)state;
	tree_file_table(&tree, SKT_TCP, ROW("0050", "0A", "100"), ROW("0051", "0A", "101"), NULL);
	tree_file_table(&tree, SKT_UDP6, NULL);
	for (unsigned pid = 12; pid > 8; pid--)
		tree_file_process(&tree, pid, "worker", 1, pid);
	tree_file_socket(&tree, 12, 3, 100);
	tree_file_socket(&tree, 9, 20, 100);
	tree_file_socket(&tree, 9, 3, 101);
	tree_file_socket(&tree, 9, 100, 100);
	tree_file_socket(&tree, 9, 4, 100);
	tree_file_socket(&tree, 10, 4, 101);
	tree_file_socket(&tree, 11, 4, 999);
	tree_files_capture(&tree);
	assert_string_equal(tree_files_owners(&tree, row(100)), "9/4 9/20 9/100 12/3");
	assert_string_equal(tree_files_owners(&tree, row(101)), "9/3 10/4");
	assert_int_equal(row(100)->owner, SKT_OWNER_HELD);
	assert_int_equal(row(100)->owner_gaps, 0);
	assert_int_equal(tree.snapshot.quality.walk, SKT_WALK_FULL);
	assert_int_equal(tree.snapshot.quality.processes, 4);
	assert_int_equal(tree.snapshot.quality.links, 7);
	/* 11 holds no socket of these tables */
	assert_int_equal(tree.snapshot.n_processes, 3);
	assert_null(tree_files_process(&tree, 11));
}

static void only_links_that_read_as_the_kernels_are_sockets(void **state)
{
	static const char *const others[] = { "socket:[100",
					      "socket:[100]x",
					      "socket:[0100]",
					      "socket:100",
					      "Socket:[100]",
					      "/socket:[100]",
					      "socket:[]",
					      "socket:[-1]",
					      "pipe:[100]",
					      "100",
					      "socket:[18446744073709551716]",
					      "socket:[ 100]" };
	char path[32];

	(void)state;
	put_one();
	for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++) {
		snprintf(path, sizeof(path), "7/fd/%u", 10 + i);
		tree_file_link(&tree, path, others[i]);
	}
	tree_files_capture(&tree);
	assert_string_equal(tree_files_owners(&tree, row(100)), "7/3");
	assert_int_equal(tree.snapshot.quality.links, 13);
	assert_int_equal(tree.snapshot.quality.malformed, 0);
}

static void only_numbers_as_the_kernel_writes_them_are_processes_and_descriptors(void **state)
{
	static const char *const names[] = { "007", "0", "-7", "7a", "99999999999", "4194305", "self" };
	char path[64];

	(void)state;
	put_one();
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/fd/3", names[i]);
		tree_file_link(&tree, path, "socket:[100]");
	}
	tree_file_text(&tree, "8", "a file"); /* no process, and nothing wrong */
	tree_file_link(&tree, "7/fd/04", "socket:[100]");
	tree_file_link(&tree, "7/fd/2147483648", "socket:[100]");
	tree_file_link(&tree, "7/fd/2147483647", "socket:[100]");
	tree_files_capture(&tree);
	assert_string_equal(tree_files_owners(&tree, row(100)), "7/3 7/2147483647");
	assert_int_equal(tree.snapshot.quality.processes, 1);
	assert_int_equal(tree.snapshot.quality.denied, 0);
}

static void rows_without_inode_are_queued_or_detached(void **state)
{
	static const struct {
		const char *row;
		uint8_t owner;
	} cases[] = {
		{ ROW("0001", "01", "0"), SKT_OWNER_QUEUED },	{ ROW("0002", "02", "0"), SKT_OWNER_DETACHED },
		{ ROW("0003", "03", "0"), SKT_OWNER_QUEUED },	{ ROW("0004", "04", "0"), SKT_OWNER_DETACHED },
		{ ROW("0005", "05", "0"), SKT_OWNER_DETACHED }, { ROW("0006", "06", "0"), SKT_OWNER_DETACHED },
		{ ROW("0007", "07", "0"), SKT_OWNER_DETACHED }, { ROW("0008", "08", "0"), SKT_OWNER_QUEUED },
		{ ROW("0009", "09", "0"), SKT_OWNER_DETACHED }, { ROW("000A", "0A", "0"), SKT_OWNER_DETACHED },
		{ ROW("000B", "0B", "0"), SKT_OWNER_DETACHED }, { ROW("000C", "0C", "0"), SKT_OWNER_QUEUED },
	};

	(void)state;
	tree_file_table(&tree, SKT_TCP, cases[0].row, cases[1].row, cases[2].row, cases[3].row, cases[4].row,
			cases[5].row, cases[6].row, cases[7].row, cases[8].row, cases[9].row, cases[10].row,
			cases[11].row, NULL);
	tree_file_table(&tree, SKT_UDP, cases[0].row, NULL);
	tree_file_process(&tree, 7, "server", 1, 500);
	tree_file_link(&tree, "7/fd/3", "socket:[0]");
	tree_files_capture(&tree);
	for (size_t i = 0; i < 12; i++) {
		assert_int_equal(tree.snapshot.socks[i].owner, cases[i].owner);
		assert_int_equal(tree.snapshot.socks[i].owner_gaps, 0);
	}
	assert_int_equal(tree.snapshot.socks[12].owner, SKT_OWNER_DETACHED);
	assert_int_equal(tree.snapshot.n_owners, 0);
}

static void in_a_tree_one_complete_look_proves_that_nobody_holds(void **state)
{
	(void)state;
	put_one();
	tree_file_table(&tree, SKT_UDP, ROW("0051", "07", "101"), NULL);
	tree_files_capture(&tree);
	assert_int_equal(row(101)->owner, SKT_OWNER_UNHELD);
	assert_int_equal(row(101)->owner_gaps, 0);
}

static void a_process_whose_descriptors_cannot_be_read_leaves_a_gap(void **state)
{
	(void)state;
	put_one();
	tree_file_table(&tree, SKT_UDP, ROW("0051", "07", "101"), NULL);
	tree_file_process(&tree, 8, "denied", 1, 500);
	tree_file_remove(&tree, "8/fd");
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.quality.denied, 1);
	assert_int_equal(row(101)->owner, SKT_OWNER_UNKNOWN);
	assert_int_equal(row(101)->owner_gaps, SKT_GAP_DENIED);
	/* there may be more than this one */
	assert_int_equal(row(100)->owner, SKT_OWNER_HELD);
	assert_int_equal(row(100)->owner_gaps, SKT_GAP_DENIED);
}

static void a_tree_without_processes_says_nothing_of_owners(void **state)
{
	(void)state;
	tree_file_table(&tree, SKT_TCP, ROW("0050", "0A", "100"), NULL);
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.quality.walk, SKT_WALK_NONE);
	assert_int_equal(row(100)->owner, SKT_OWNER_UNKNOWN);
	assert_int_equal(row(100)->owner_gaps, SKT_GAP_UNSEARCHED);
}

static void links_among_processes_are_not_followed(void **state)
{
	(void)state;
	put_one();
	tree_file_link(&tree, "8", "7"); /* many of these would be walked many times */
	tree_file_process(&tree, 9, "linked", 1, 1);
	tree_file_remove(&tree, "9/fd");
	tree_file_link(&tree, "9/fd", "../7/fd");
	tree_file_link(&tree, "7/cmdline", "/etc/hostname");
	tree_file_link(&tree, "7/status", "stat");
	tree_files_capture(&tree);
	assert_string_equal(tree_files_owners(&tree, row(100)), "7/3");
	assert_int_equal(tree.snapshot.quality.denied, 2);
	assert_string_equal(tree_files_problem(&tree, "tree/8/fd", -1),
			    "cannot read descriptors: Too many levels of symbolic links");
	assert_non_null(tree_files_problem(&tree, "tree/9/fd", -1));
	assert_non_null(tree_files_problem(&tree, "tree/7/cmdline", -1));
	assert_false(HAS(process(7), SKT_P_CMDLINE));
	assert_false(HAS(process(7), SKT_P_UID));
}

static void a_descriptor_that_is_no_link_is_told_and_the_others_are_read(void **state)
{
	(void)state;
	put_one();
	tree_file_text(&tree, "7/fd/0", "socket:[100]");
	tree_file_directory(&tree, "7/fd/1");
	tree_files_capture(&tree);
	assert_string_equal(tree_files_owners(&tree, row(100)), "7/3");
	assert_string_equal(tree_files_problem(&tree, "tree/7/fd/0", -1), "is no symbolic link");
	assert_int_equal(tree.snapshot.quality.malformed, 2);
}

static void rows_that_share_an_inode_share_its_owners(void **state)
{
	(void)state;
	tree_file_table(&tree, SKT_TCP, ROW("0050", "0A", "100"), ROW("0050", "0A", "100"), NULL);
	tree_file_process(&tree, 7, "server", 1, 500);
	tree_file_socket(&tree, 7, 3, 100);
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_socks, 2);
	assert_string_equal(tree_files_owners(&tree, &tree.snapshot.socks[0]), "7/3");
	assert_string_equal(tree_files_owners(&tree, &tree.snapshot.socks[1]), "7/3");
	assert_int_equal(process(7)->sockets, 2);
}

static void an_inode_may_have_more_than_32_bits(void **state)
{
	(void)state;
	tree_file_table(&tree, SKT_TCP, ROW("0050", "0A", "4294967297"), ROW("0051", "0A", "1"),
			ROW("0052", "0A", "18446744073709551615"), NULL);
	tree_file_process(&tree, 7, "server", 1, 500);
	tree_file_socket(&tree, 7, 3, UINT64_C(4294967297));
	tree_file_socket(&tree, 7, 4, UINT64_MAX);
	tree_files_capture(&tree);
	assert_string_equal(tree_files_owners(&tree, row(UINT64_C(4294967297))), "7/3");
	assert_string_equal(tree_files_owners(&tree, row(UINT64_MAX)), "7/4");
	assert_int_equal(row(1)->owner, SKT_OWNER_UNHELD);
}

static void threads_of_a_zombie_leader_hold_descriptors(void **state)
{
	(void)state;
	tree_file_table(&tree, SKT_TCP, ROW("0050", "0A", "100"), ROW("0051", "0A", "101"), NULL);
	tree_file_text(&tree, "7/stat", "7 (server) Z 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 500 0 0\n");
	tree_file_directory(&tree, "7/task/7/fd");
	/* the common table as two threads show it, and one that has a table of its own */
	tree_file_link(&tree, "7/task/8/fd/3", "socket:[100]");
	tree_file_link(&tree, "7/task/9/fd/3", "socket:[100]");
	tree_file_link(&tree, "7/task/9/fd/5", "socket:[101]");
	tree_file_bytes(&tree, "7/task/8/cmdline", "server\0-x\0", 10);
	tree_files_capture(&tree);
	assert_string_equal(tree_files_owners(&tree, row(100)), "7/3");
	assert_string_equal(tree_files_owners(&tree, row(101)), "7/5");
	assert_int_equal(process(7)->state, 'Z');
	assert_string_equal(tree_files_string(&tree, process(7)->cmdline), "server");
	assert_int_equal(tree.snapshot.quality.denied, 0);
	assert_int_equal(tree.snapshot.quality.processes, 1);
}

static void a_dead_process_has_no_command_line_rather_than_an_empty_one(void **state)
{
	(void)state;
	put_one();
	tree_files_capture(&tree);
	tree_file_text(&tree, "7/stat", "7 (server) Z 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 500 0 0\n");
	tree_file_text(&tree, "7/cmdline", "");
	tree_file_remove(&tree, "7/fd/3");
	tree_files_capture(&tree);
	assert_int_equal(process(7)->state, 'Z');
	assert_false(HAS(process(7), SKT_P_CMDLINE));
	assert_false(HAS(process(7), SKT_P_EXE));
	assert_true(HAS(process(7), SKT_P_COMM));
}

static void a_process_is_read_whole(void **state)
{
	const struct skt_process *p;
	size_t len;

	(void)state;
	put_one();
	tree_file_text(&tree, "7/status", "Name:\tUid:\\n\nUmask:\t0022\nState:\tS (sleeping)\nUid:\t33\t0\t0\t0\n");
	tree_file_bytes(&tree, "7/cmdline", "server\0\0\377\033\n\0", 11);
	tree_file_text(&tree, "7/cgroup", "1:name=systemd:/x\n0::/system.slice/server.service\n");
	tree_file_link(&tree, "7/exe", "/usr/sbin/server");
	tree_file_link(&tree, "7/ns/net", "net:[4026531833]");
	tree_files_capture(&tree);
	p = process(7);
	assert_int_equal(p->has, SKT_BIT(SKT_P_PPID) | SKT_BIT(SKT_P_UID) | SKT_BIT(SKT_P_COMM) | SKT_BIT(SKT_P_EXE) |
					 SKT_BIT(SKT_P_CMDLINE) | SKT_BIT(SKT_P_CGROUP) | SKT_BIT(SKT_P_NET_NAMESPACE) |
					 SKT_BIT(SKT_P_THREADS) | SKT_BIT(SKT_P_STATE) | SKT_BIT(SKT_P_START_TIME));
	assert_int_equal(p->ppid, 1);
	assert_int_equal(p->uid, 33);
	assert_int_equal(p->start_time, 500);
	assert_int_equal(p->threads, 1);
	assert_int_equal(p->state, 'S');
	assert_int_equal(p->net_namespace, 4026531833u);
	assert_string_equal(tree_files_string(&tree, p->comm), "server");
	assert_string_equal(tree_files_string(&tree, p->exe), "/usr/sbin/server");
	assert_false(p->exe_deleted);
	assert_string_equal(tree_files_string(&tree, p->cgroup), "1:name=systemd:/x\n0::/system.slice/server.service");
	assert_memory_equal(skt_strtab_get(tree.snapshot.strings, p->cmdline, &len), "server\0\0\377\033\n\0", 11);
	assert_int_equal(len, 11);
	assert_false(p->cmdline_truncated);
}

static void what_a_tree_lacks_of_a_process_is_unknown(void **state)
{
	uint64_t total;
	size_t kept;

	(void)state;
	tree_file_table(&tree, SKT_TCP, ROW("0050", "0A", "100"), NULL);
	tree_file_socket(&tree, 7, 3, 100);
	tree_files_capture(&tree);
	assert_string_equal(tree_files_owners(&tree, row(100)), "7/3");
	assert_int_equal(process(7)->has, 0);
	skt_capture_problems(tree.capture, &kept, &total);
	assert_int_equal(total, 0);
	assert_int_equal(tree.snapshot.quality.malformed, 0);
	tree_file_text(&tree, "7/comm", "alone\n");
	tree_files_capture(&tree);
	assert_int_equal(process(7)->has, SKT_BIT(SKT_P_COMM));
	assert_string_equal(tree_files_string(&tree, process(7)->comm), "alone");
}

static void a_name_may_hold_anything(void **state)
{
	static const char *const names[] = { ") R 1 1 1 1", "a) S 2 (b", "", ")", "(", " \n\033[31m\377" };

	(void)state;
	tree_file_table(&tree, SKT_TCP, ROW("0050", "0A", "100"), NULL);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		tree_file_process(&tree, 10 + i, names[i], 1, 500 + i);
		tree_file_socket(&tree, 10 + i, 3, 100);
	}
	tree_files_capture(&tree);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_string_equal(tree_files_string(&tree, process(10 + i)->comm), names[i]);
		assert_int_equal(process(10 + i)->ppid, 1);
		assert_int_equal(process(10 + i)->start_time, 500 + i);
	}
}

static void files_that_do_not_read_as_the_kernels_are_counted(void **state)
{
	static const char *const stats[] = { "",
					     "7",
					     "7 (server",
					     "7 server S 1",
					     "7 (server) S 1 2 3",
					     "7 (server) S x 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 500 0 0\n" };

	(void)state;
	put_one();
	tree_file_text(&tree, "7/status", "Name:\tserver\nUid: 0\n");
	tree_file_text(&tree, "7/exe", "no link");
	tree_file_link(&tree, "7/ns/net", "mnt:[1]");
	for (unsigned i = 0; i < sizeof(stats) / sizeof(*stats); i++) {
		tree_file_text(&tree, "7/stat", stats[i]);
		tree_files_capture(&tree);
		assert_string_equal(tree_files_owners(&tree, row(100)), "7/3");
		assert_int_equal(process(7)->has, 0);
		assert_int_equal(tree.snapshot.quality.malformed, 4);
		assert_string_equal(tree_files_problem(&tree, "tree/7/stat", -1),
				    "does not read as the kernel writes it");
		assert_non_null(tree_files_problem(&tree, "tree/7/status", -1));
		assert_non_null(tree_files_problem(&tree, "tree/7/exe", -1));
		assert_non_null(tree_files_problem(&tree, "tree/7/ns/net", -1));
	}
}

/* As a mount over /proc/7 would show it. */
static void another_process_in_the_place_of_one_is_not_believed(void **state)
{
	(void)state;
	put_one();
	tree_file_text(&tree, "7/stat", "8 (other) S 1 8 8 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 500 0 0\n");
	tree_files_capture(&tree);
	assert_int_equal(row(100)->owner, SKT_OWNER_UNKNOWN);
	assert_int_equal(row(100)->owner_gaps, SKT_GAP_DENIED);
	assert_int_equal(tree.snapshot.quality.denied, 1);
	assert_int_equal(tree.snapshot.n_processes, 0);
	assert_string_equal(tree_files_problem(&tree, "tree/7/stat", -1), "speaks of another process");
}

static void a_deleted_program_is_told_from_its_name(void **state)
{
	(void)state;
	put_one();
	tree_file_link(&tree, "7/exe", "/usr/sbin/server (deleted)");
	tree_files_capture(&tree);
	assert_string_equal(tree_files_string(&tree, process(7)->exe), "/usr/sbin/server");
	assert_true(process(7)->exe_deleted);
	tree_file_remove(&tree, "7/exe");
	tree_file_link(&tree, "7/exe", " (deleted)");
	tree_files_capture(&tree);
	assert_string_equal(tree_files_string(&tree, process(7)->exe), " (deleted)");
	assert_false(process(7)->exe_deleted);
}

static void put_cmdline(size_t len)
{
	char *text = malloc(len);

	assert_non_null(text);
	memset(text, 'x', len);
	tree_file_bytes(&tree, "7/cmdline", text, len);
	free(text);
}

static void a_command_line_is_kept_up_to_two_megabytes(void **state)
{
	static const size_t lengths[] = { 1 << 20, (2 << 20) - 1, 2 << 20, (2 << 20) + 1, 5 << 20 };
	size_t len;

	(void)state;
	put_one();
	for (size_t i = 0; i < 5; i++) {
		put_cmdline(lengths[i]);
		tree_files_capture(&tree);
		skt_strtab_get(tree.snapshot.strings, process(7)->cmdline, &len);
		assert_int_equal(len, lengths[i] < (2 << 20) ? lengths[i] : 2 << 20);
		assert_int_equal(process(7)->cmdline_truncated, lengths[i] > (2 << 20));
	}
}

static void only_so_much_of_a_command_line_is_kept_as_was_asked_for(void **state)
{
	static const struct {
		const char *line;
		size_t len, kept; /* with argv0 */
	} lines[] = { { "server\0--password=x\0", 20, 7 },
		      { "server\0", 7, 7 },
		      { "ser ver", 7, 7 },
		      { "ser ver\0\0", 9, 8 },
		      { "\0x\0", 3, 1 },
		      { "\0", 1, 1 },
		      { "", 0, 0 } };
	size_t len;

	(void)state;
	put_one();
	tree_file_link(&tree, "7/exe", "/usr/sbin/server");
	tree.options.cmdline = SKT_CMDLINE_ARGV0;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		tree_file_bytes(&tree, "7/cmdline", lines[i].line, lines[i].len);
		tree_files_capture(&tree);
		assert_true(HAS(process(7), SKT_P_CMDLINE));
		assert_memory_equal(skt_strtab_get(tree.snapshot.strings, process(7)->cmdline, &len), lines[i].line,
				    lines[i].kept);
		assert_int_equal(len, lines[i].kept);
		assert_int_equal(process(7)->cmdline_truncated, lines[i].kept < lines[i].len);
	}
	/* what was cut before it was looked at is no less cut */
	put_cmdline(5 << 20);
	tree_files_capture(&tree);
	assert_true(process(7)->cmdline_truncated);

	skt_capture_free(tree.capture);
	tree.capture = NULL;
	tree.options.cmdline = SKT_CMDLINE_NONE;
	tree_files_capture(&tree);
	assert_false(HAS(process(7), SKT_P_CMDLINE));
	assert_int_equal(process(7)->cmdline, 0);
	assert_false(process(7)->cmdline_truncated);
	assert_string_equal(tree_files_string(&tree, process(7)->exe), "/usr/sbin/server");
	assert_string_equal(tree_files_string(&tree, process(7)->comm), "server");
}

static void ancestors_are_there_up_to_the_first(void **state)
{
	(void)state;
	put_one();
	tree_file_process(&tree, 7, "server", 60, 500);
	tree_file_process(&tree, 60, "shell", 50, 400);
	tree_file_process(&tree, 50, "login", 1, 300);
	tree_file_process(&tree, 1, "init", 0, 1);
	tree_file_process(&tree, 70, "other", 50, 600);
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_processes, 4);
	assert_int_equal(process(60)->ppid, 50);
	assert_int_equal(process(50)->ppid, 1);
	assert_int_equal(process(1)->ppid, 0);
	assert_null(tree_files_process(&tree, 70));
}

static void a_loop_of_parents_ends(void **state)
{
	(void)state;
	put_one();
	tree_file_process(&tree, 7, "server", 8, 500);
	tree_file_process(&tree, 8, "a", 9, 500);
	tree_file_process(&tree, 9, "b", 7, 500);
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_processes, 3);
	tree_file_process(&tree, 7, "server", 7, 500);
	tree_file_process(&tree, 9, "b", 4294967295u, 500);
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_processes, 3);
}

static void a_process_is_there_for_as_long_as_it_exists(void **state)
{
	(void)state;
	put_one();
	tree_file_process(&tree, 7, "server", 60, 500);
	tree_file_process(&tree, 60, "shell", 0, 400);
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_processes, 2);
	/* it closes its socket */
	tree_file_remove(&tree, "7/fd/3");
	tree_files_capture(&tree);
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_processes, 2);
	/* another has its number */
	tree_file_process(&tree, 7, "server", 60, 501);
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_processes, 1);
	assert_non_null(tree_files_process(&tree, 60));
	tree_file_remove(&tree, "60");
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_processes, 0);
}

static void set_passwd(const char *text, time_t changed)
{
	struct timespec times[2] = { { .tv_sec = changed }, { .tv_sec = changed } };

	tree_file_text(&tree, "passwd", text);
	if (tree.options.passwd_fd < 0)
		tree.options.passwd_fd = openat(tree.fd, "passwd", O_RDONLY | O_CLOEXEC);
	assert_true(tree.options.passwd_fd >= 0);
	assert_int_equal(futimens(tree.options.passwd_fd, times), 0);
}

static const char *user(uint32_t uid)
{
	return skt_snapshot_user(&tree.snapshot, uid, NULL);
}

static void users_of_sockets_and_processes_have_names(void **state)
{
	(void)state;
	put_one();
	tree_file_table(
		&tree, SKT_TCP, ROW("0050", "0A", "100"),
		"   1: 0100007F:0051 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 101",
		"   1: 0100007F:0052 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 102", NULL);
	tree_file_text(&tree, "7/status", "Name:\tserver\nUid:\t33\t0\t0\t0\n");
	set_passwd(
		"root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/:\n# comment\n+::::::\n:x:1000:\nnobody\n"
		"x:y:1000\nlaura:x:1000:1000:::\nsecond:x:1000:1000:::\nbad:x:1001x:\nbig:x:4294967296:0:\nlast:x:5:5",
		1000);
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_users, 3);
	assert_string_equal(user(0), "root");
	assert_string_equal(user(33), "www-data");
	assert_string_equal(user(1000), "laura");
	assert_null(user(1001));
	/* read again when it has changed */
	set_passwd("admin:x:0:0:root:/root:/bin/sh\n", 2000);
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_users, 1);
	assert_string_equal(user(0), "admin");
	set_passwd("\0\n\n:::\n", 3000);
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_users, 0);
	close(tree.options.passwd_fd);
}

static void a_passwd_that_is_no_file_is_told(void **state)
{
	(void)state;
	put_one();
	tree.options.passwd_fd = tree.fd;
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_users, 0);
	assert_string_equal(tree_files_problem(&tree, "", -1),
			    "names of users: passwd is no regular file: Invalid argument");
}

/* fixtures/proc/seed: the document from which all this began. */
static void the_seeds_socket_is_cherokees(void **state)
{
	int fd = open("fixtures/proc/seed", O_RDONLY | O_DIRECTORY), swap = tree.fd;
	const struct skt_sock *sock;

	(void)state;
	assert_true(fd >= 0);
	tree.fd = fd;
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_socks, 10);
	for (size_t i = 0; i < 10; i++)
		assert_false(skt_sock_has(&tree.snapshot.socks[i], SKT_F_TEXT));
	sock = row(4847458);
	assert_int_equal(sock->local_port, 80);
	assert_int_equal(sock->state, SKT_LISTEN);
	assert_string_equal(tree_files_owners(&tree, sock), "28850/3");
	assert_string_equal(tree_files_string(&tree, process(28850)->comm), "cherokee-worker");
	assert_string_equal(tree_files_string(&tree, process(28850)->cmdline), "/usr/sbin/cherokee-worker");
	assert_int_equal(tree.snapshot.quality.malformed, 0);
	close(fd);
	tree.fd = swap;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(all_owners_are_found_by_pid_and_fd),
		TEST(only_links_that_read_as_the_kernels_are_sockets),
		TEST(only_numbers_as_the_kernel_writes_them_are_processes_and_descriptors),
		TEST(rows_without_inode_are_queued_or_detached),
		TEST(in_a_tree_one_complete_look_proves_that_nobody_holds),
		TEST(a_process_whose_descriptors_cannot_be_read_leaves_a_gap),
		TEST(a_tree_without_processes_says_nothing_of_owners),
		TEST(links_among_processes_are_not_followed),
		TEST(a_descriptor_that_is_no_link_is_told_and_the_others_are_read),
		TEST(rows_that_share_an_inode_share_its_owners),
		TEST(an_inode_may_have_more_than_32_bits),
		TEST(threads_of_a_zombie_leader_hold_descriptors),
		TEST(a_dead_process_has_no_command_line_rather_than_an_empty_one),
		TEST(a_process_is_read_whole),
		TEST(what_a_tree_lacks_of_a_process_is_unknown),
		TEST(a_name_may_hold_anything),
		TEST(files_that_do_not_read_as_the_kernels_are_counted),
		TEST(another_process_in_the_place_of_one_is_not_believed),
		TEST(a_deleted_program_is_told_from_its_name),
		TEST(a_command_line_is_kept_up_to_two_megabytes),
		TEST(only_so_much_of_a_command_line_is_kept_as_was_asked_for),
		TEST(ancestors_are_there_up_to_the_first),
		TEST(a_loop_of_parents_ends),
		TEST(a_process_is_there_for_as_long_as_it_exists),
		TEST(users_of_sockets_and_processes_have_names),
		TEST(a_passwd_that_is_no_file_is_told),
		TEST(the_seeds_socket_is_cherokees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
