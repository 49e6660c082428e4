/* SPDX-License-Identifier: MIT */
/* What a capture makes of a tree of files, well-formed and not. What it makes of a kernel is in capture_live.c. */
#undef _FORTIFY_SOURCE /* read() is this program's own */

#include "tree_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LISTEN_80 "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 100 1"
#define LISTEN_81 "   1: 00000000:0051 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 101 1"
#define ESTAB(ino) \
	"   2: 0100007F:0050 0100007F:C07A 01 00000000:00000000 00:00000000 00000000  1000        0 " #ino " 1"

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

/* Reads of the library go through here: one of them, counted from when this is set, can be made to fail. */
static int reads_left = -1;

ssize_t read(int fd, void *buffer, size_t size)
{
	if (reads_left >= 0 && reads_left-- == 0) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_read, fd, buffer, size);
}

static void put_seed_like_tree(void)
{
	tree_file_table(&tree, SKT_TCP, LISTEN_80, LISTEN_81, ESTAB(102), NULL);
	tree_file_process(&tree, 7, "server", 1, 500);
	tree_file_socket(&tree, 7, 3, 100);
}

static const struct skt_table *table(void)
{
	assert_int_equal(tree.snapshot.n_tables, 1);
	return &tree.snapshot.tables[0];
}

static void assert_open_fails(int code, const char *message)
{
	struct skt_err err;

	assert_int_equal(skt_capture_open(tree.fd, &tree.options, &tree.capture, &err), code);
	assert_null(tree.capture);
	assert_int_equal(err.code, code);
	assert_string_equal(err.path, "tree");
	assert_string_equal(err.message, message);
}

/* ---- what a tree is ---- */

static void a_directory_without_net_is_no_tree(void **state)
{
	(void)state;
	assert_open_fails(-ENOENT, "no tree of /proc: cannot open 'net' in it: No such file or directory");
	tree_file_text(&tree, "net", "");
	assert_open_fails(-ENOTDIR, "no tree of /proc: cannot open 'net' in it: Not a directory");
}

static void a_tree_without_a_wanted_table_is_refused(void **state)
{
	(void)state;
	tree_file_table(&tree, SKT_TCP, NULL);
	tree.options.tables = 1u << SKT_UDP | 1u << SKT_RAW6;
	assert_open_fails(-ENOENT, "none of the wanted tables is in 'net'");
	tree.options.tables |= 1u << SKT_TCP;
	tree_files_capture(&tree);
	assert_int_equal(table()->kind, SKT_TCP);
}

static void only_wanted_tables_are_read_in_the_order_of_their_kinds(void **state)
{
	(void)state;
	for (unsigned kind = SKT_TABLE_KINDS; kind-- > 0;)
		tree_file_table(&tree, kind, NULL);
	tree.options.tables = 1u << SKT_TCP | 1u << SKT_UDP6 | 1u << SKT_RAW;
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_tables, 3);
	assert_int_equal(tree.snapshot.tables[0].kind, SKT_TCP);
	assert_int_equal(tree.snapshot.tables[1].kind, SKT_UDP6);
	assert_int_equal(tree.snapshot.tables[2].kind, SKT_RAW);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(tree.snapshot.tables[i].status, SKT_TABLE_FRESH);
}

static void tells_what_the_tree_says_of_its_host(void **state)
{
	const struct skt_host *host;

	(void)state;
	put_seed_like_tree();
	tree_file_text(&tree, "sys/kernel/hostname", "obi-wan\n");
	tree_file_text(&tree, "sys/kernel/osrelease", "2.6.20\n");
	tree_file_text(&tree, "sys/kernel/random/boot_id", "7f01b9b2-7456-4231-b066-ecdf2a72187c\n");
	tree_file_text(&tree, "stat", "cpu 1 2\nintr 5\nbtime 1795356187\nprocesses 3\n");
	tree_file_link(&tree, "self", "7");
	tree_file_link(&tree, "7/ns/net", "net:[4026531833]");
	tree_files_capture(&tree);
	host = skt_capture_host(tree.capture);
	assert_false(skt_capture_is_live(tree.capture));
	assert_string_equal(host->name, "obi-wan");
	assert_string_equal(host->kernel, "2.6.20");
	assert_string_equal(host->boot_id, "7f01b9b2-7456-4231-b066-ecdf2a72187c");
	assert_int_equal(host->btime, INT64_C(1795356187000000000));
	assert_int_equal(host->net_namespace, 4026531833u);
	assert_int_equal(table()->net_namespace, 4026531833u);
	assert_int_equal(tree_files_process(&tree, 7)->net_namespace, 4026531833u);
}

static void what_the_tree_does_not_say_of_its_host_is_unknown(void **state)
{
	const struct skt_host *host;
	char long_name[200];

	(void)state;
	put_seed_like_tree();
	memset(long_name, 'x', sizeof(long_name));
	tree_file_bytes(&tree, "sys/kernel/hostname", long_name, sizeof(long_name));
	tree_file_text(&tree, "sys/kernel/osrelease", "");
	tree_file_bytes(&tree, "sys/kernel/random/boot_id", "a\0b\n", 4);
	tree_file_text(&tree, "stat", "cpu 1\nbtime 99999999999999999999\n");
	tree_files_capture(&tree);
	host = skt_capture_host(tree.capture);
	assert_string_equal(host->name, "");
	assert_string_equal(host->kernel, "");
	assert_string_equal(host->boot_id, "");
	assert_int_equal(host->btime, -1);
	assert_int_equal(host->net_namespace, 0);
}

static void times_are_the_clocks(void **state)
{
	(void)state;
	put_seed_like_tree();
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.time, TREE_REALTIME);
	assert_int_equal(tree.snapshot.boottime, TREE_BOOTTIME);
	assert_int_equal(tree.snapshot.end, tree.realtime);
	assert_true(table()->read_time > TREE_REALTIME);
	assert_true(table()->read_us > 0);
	assert_true(tree.snapshot.quality.walk_us > 0);
}

/* ---- tables ---- */

static void rows_stand_in_the_kernels_order(void **state)
{
	(void)state;
	put_seed_like_tree();
	tree_files_capture(&tree);
	assert_int_equal(table()->status, SKT_TABLE_FRESH);
	assert_int_equal(table()->source, SKT_SOURCE_PROC);
	assert_int_equal(table()->n_rows, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(tree.snapshot.socks[table()->order[i]].inode, 100 + i);
	assert_non_null(strstr(tree_files_string(&tree, table()->heading), "  sl  local_address rem_address   st"));
}

static void a_table_that_never_was_is_not_there_and_one_that_went_is_unknown(void **state)
{
	(void)state;
	put_seed_like_tree();
	tree_file_table(&tree, SKT_UDP, NULL);
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_tables, 2);
	tree_file_remove(&tree, "net/udp");
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_tables, 2);
	assert_int_equal(tree.snapshot.tables[0].status, SKT_TABLE_FRESH);
	assert_int_equal(tree.snapshot.tables[1].kind, SKT_UDP);
	assert_int_equal(tree.snapshot.tables[1].status, SKT_TABLE_UNKNOWN);
	assert_int_equal(tree.snapshot.tables[1].error, -ENOENT);
	assert_string_equal(tree_files_problem(&tree, "tree/net/udp", -1), "cannot read: No such file or directory");
}

/* net/tcp cannot be read, and all else goes on. */
static void assert_tcp_unknown(int error, int64_t line, const char *message)
{
	const struct skt_snapshot *snapshot;

	tree_file_table(&tree, SKT_TCP6, NULL);
	snapshot = tree_files_capture(&tree);
	assert_int_equal(snapshot->n_tables, 2);
	assert_int_equal(snapshot->tables[0].kind, SKT_TCP);
	assert_int_equal(snapshot->tables[0].status, SKT_TABLE_UNKNOWN);
	assert_int_equal(snapshot->tables[0].error, error);
	assert_int_equal(snapshot->tables[0].read_time, 0);
	assert_int_equal(snapshot->tables[0].n_rows, 0);
	assert_int_equal(snapshot->n_socks, 0);
	assert_int_equal(snapshot->live_socks, 0);
	assert_int_equal(snapshot->tables[1].status, SKT_TABLE_FRESH);
	assert_non_null(tree_files_problem(&tree, "tree/net/tcp", line));
	assert_string_equal(tree_files_problem(&tree, "tree/net/tcp", line), message);
}

static void a_table_that_is_a_directory_is_unknown(void **state)
{
	(void)state;
	tree_file_directory(&tree, "net/tcp");
	assert_tcp_unknown(-EISDIR, -1, "cannot read: Is a directory");
}

static void a_table_that_is_a_fifo_is_not_waited_for(void **state)
{
	(void)state;
	tree_file_directory(&tree, "net");
	assert_int_equal(mkfifoat(tree.fd, "net/tcp", 0644), 0);
	assert_tcp_unknown(-EINVAL, -1, "cannot read: not a regular file");
}

static void a_table_that_leads_out_of_the_tree_is_not_read(void **state)
{
	(void)state;
	tree_file_link(&tree, "net/tcp", "/proc/net/tcp");
	assert_tcp_unknown(-EXDEV, -1, "cannot read: a link that leads out of the tree");
}

static void an_empty_table_is_unknown_for_a_kernel_prints_a_heading(void **state)
{
	(void)state;
	tree_file_text(&tree, "net/tcp", "");
	assert_tcp_unknown(
		-EBADMSG, -1,
		"empty, where a kernel has the heading 'sl local_address rem_address st tx_queue rx_queue tr "
		"tm->when retrnsmt uid timeout inode'");
}

static void under_another_heading_no_line_is_believed(void **state)
{
	const struct skt_table *tcp;

	(void)state;
	tree_file_text(&tree, "net/tcp", "sl local_address   \n" LISTEN_80 "\nx\n");
	assert_tcp_unknown(-EBADMSG, 1,
			   "heading 'sl local_address' where a kernel has 'sl local_address rem_address st tx_queue "
			   "rx_queue tr tm->when retrnsmt uid timeout inode'");
	tcp = &tree.snapshot.tables[0];
	assert_int_equal(tcp->malformed, 2);
	assert_int_equal(tcp->n_raw, 2);
	assert_string_equal(tree_files_string(&tree, tcp->raw[0].text), LISTEN_80);
	assert_string_equal(tree_files_string(&tree, tcp->raw[1].text), "x");
	assert_string_equal(tree_files_string(&tree, tcp->heading), "sl local_address   ");
}

static void a_read_that_fails_half_way_leaves_no_rows(void **state)
{
	struct skt_buf text;
	char row[200];

	(void)state;
	put_seed_like_tree();
	tree_files_capture(&tree);
	/* more than one read takes */
	skt_buf_init(&text);
	skt_buf_text(&text, tree_files_string(&tree, table()->heading));
	for (int i = 0; i < 5000; i++) {
		snprintf(row, sizeof(row),
			 "\n%4d: 00000000:%04X 00000000:0000 0A 00000000:00000000 00:00000000 "
			 "00000000     0        0 %d 1",
			 i, i, i + 1);
		skt_buf_text(&text, i == 3 ? "\nno row" : row);
	}
	skt_buf_byte(&text, '\n');
	tree_file_bytes(&tree, "net/tcp", text.data, text.len);
	skt_buf_release(&text);
	tree_files_capture(&tree);
	assert_int_equal(table()->n_rows, 4999);
	assert_int_equal(table()->malformed, 1);
	reads_left = 2;
	tree_files_capture(&tree);
	reads_left = -1;
	assert_int_equal(table()->status, SKT_TABLE_UNKNOWN);
	assert_int_equal(table()->error, -EIO);
	assert_int_equal(table()->n_rows, 0);
	assert_int_equal(table()->n_raw, 0);
	assert_int_equal(table()->malformed, 0);
	assert_int_equal(tree.snapshot.n_socks, 0);
	tree_files_capture(&tree);
	assert_int_equal(table()->n_rows, 4999);
}

static void lines_that_are_no_rows_keep_their_places(void **state)
{
	uint64_t total;
	size_t kept;

	(void)state;
	tree_file_table(&tree, SKT_TCP, "first", LISTEN_80, LISTEN_81, "", "second \001", ESTAB(102), "last", NULL);
	tree_files_capture(&tree);
	assert_int_equal(table()->status, SKT_TABLE_FRESH);
	assert_int_equal(table()->n_rows, 3);
	assert_int_equal(table()->malformed, 4);
	assert_int_equal(table()->n_raw, 4);
	assert_int_equal(table()->raw[0].before, 0);
	assert_int_equal(table()->raw[1].before, 2);
	assert_int_equal(table()->raw[2].before, 2);
	assert_int_equal(table()->raw[3].before, 3);
	assert_string_equal(tree_files_string(&tree, table()->raw[2].text), "second \001");
	assert_string_equal(tree_files_problem(&tree, "tree/net/tcp", 2),
			    "no row of such a table from column 1, at 'first'");
	assert_non_null(tree_files_problem(&tree, "tree/net/tcp", 8));
	skt_capture_problems(tree.capture, &kept, &total);
	assert_int_equal(kept, 4);
	assert_int_equal(total, 4);
}

static void only_the_first_problems_are_kept_and_all_are_counted(void **state)
{
	char text[6000] = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
			  "inode\n";
	const struct skt_err *problems;
	uint64_t total;
	size_t kept;

	(void)state;
	for (int i = 0; i < 1000; i++)
		strcat(text, "bad\n");
	tree_file_text(&tree, "net/tcp", text);
	tree_files_capture(&tree);
	problems = skt_capture_problems(tree.capture, &kept, &total);
	assert_int_equal(kept, SKT_PROBLEMS_MAX);
	assert_int_equal(total, 1000);
	assert_int_equal(problems[63].position, 65);
	tree_file_table(&tree, SKT_TCP, NULL);
	tree_files_capture(&tree);
	skt_capture_problems(tree.capture, &kept, &total);
	assert_int_equal(kept, 0);
	assert_int_equal(total, 0);
}

/* Without its newline, a row may be cut inside its inode: then it would be another's. */
static void the_last_line_may_be_cut(void **state)
{
	static const char cut[] = LISTEN_80 "\n" LISTEN_81;
	char text[400];

	(void)state;
	/* behind the blank after the inode: the inode is whole */
	snprintf(text, sizeof(text), "%s\n%s",
		 "sl local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt "
		 "uid timeout inode",
		 cut);
	tree_file_text(&tree, "net/tcp", text);
	tree_files_capture(&tree);
	assert_int_equal(table()->n_rows, 2);
	assert_string_equal(tree_files_problem(&tree, "tree/net/tcp", 3),
			    "last line has no newline: columns may be missing");
	/* "10" of 101 */
	text[strlen(text) - 3] = '\0';
	tree_file_text(&tree, "net/tcp", text);
	tree_files_capture(&tree);
	assert_int_equal(table()->n_rows, 1);
	assert_int_equal(table()->n_raw, 1);
	assert_int_equal(table()->raw[0].before, 1);
	assert_string_equal(tree_files_problem(&tree, "tree/net/tcp", 3),
			    "last line has no newline: not taken for a row");
	/* anywhere */
	while (strlen(text) > 0) {
		text[strlen(text) - 1] = '\0';
		tree_file_text(&tree, "net/tcp", text);
		tree_files_capture(&tree);
		assert_null(tree_files_row(&tree, 10));
		assert_null(tree_files_row(&tree, 1));
	}
}

/* A line of so many bytes of this kind, between two rows. */
static void put_long_line(size_t len, char byte)
{
	static const char before[] =
		"sl local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout "
		"inode\n" LISTEN_80 "\n";
	static const char after[] = "\n" LISTEN_81 "\n";
	size_t all = sizeof(before) - 1 + len + sizeof(after) - 1;
	char *text = malloc(all);

	assert_non_null(text);
	memcpy(text, before, sizeof(before) - 1);
	memset(text + sizeof(before) - 1, byte, len);
	memcpy(text + all - (sizeof(after) - 1), after, sizeof(after) - 1);
	tree_file_bytes(&tree, "net/tcp", text, all);
	free(text);
}

static void a_line_of_two_megabytes_is_kept(void **state)
{
	size_t len;

	(void)state;
	put_long_line((size_t)2 << 20, '\0');
	tree_files_capture(&tree);
	assert_int_equal(table()->n_rows, 2);
	assert_int_equal(table()->n_raw, 1);
	skt_strtab_get(tree.snapshot.strings, table()->raw[0].text, &len);
	assert_int_equal(len, (size_t)2 << 20);
	assert_int_equal(table()->raw[0].before, 1);
}

static void a_line_over_the_limit_is_counted_and_the_next_is_read(void **state)
{
	static const size_t lengths[] = { SKT_STRING_MAX + 1, (size_t)8 << 20, (size_t)21 << 20 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		put_long_line(lengths[i], 'x');
		tree_files_capture(&tree);
		assert_int_equal(table()->status, SKT_TABLE_FRESH);
		assert_int_equal(table()->n_rows, 2);
		assert_int_equal(table()->n_raw, 0);
		assert_int_equal(table()->malformed, 1);
		assert_string_equal(tree_files_problem(&tree, "tree/net/tcp", 3),
				    "line exceeds the limit of 4194304 bytes");
		assert_non_null(tree_files_problem(&tree, "tree/net/tcp", -1));
		assert_non_null(tree_files_row(&tree, 101));
	}
	put_long_line(SKT_STRING_MAX, 'x');
	tree_files_capture(&tree);
	assert_int_equal(table()->n_raw, 1);
}

static void the_same_socket_twice_is_dropped_and_counted(void **state)
{
#define SK(tx, sk) "   0: 0100007F:0050 0100007F:C07A 01 " tx ":00000000 00:00000000 00000000     0        0 9 1 " sk
	(void)state;
	tree_file_table(&tree, SKT_TCP, SK("00000001", "00000000aaaaaaaa"), SK("00000002", "00000000bbbbbbbb"),
			SK("00000003", "00000000aaaaaaaa"), SK("00000004", "00000000bbbbbbbb"), NULL);
	/* another table's row is another socket */
	tree_file_table(&tree, SKT_RAW, SK("00000001", "00000000aaaaaaaa"), NULL);
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_tables, 2);
	assert_int_equal(tree.snapshot.tables[0].n_rows, 2);
	assert_int_equal(tree.snapshot.tables[0].duplicates, 2);
	assert_int_equal(tree.snapshot.tables[1].n_rows, 1);
	/* the first is kept */
	assert_int_equal(tree.snapshot.socks[0].tx_queue, 1);
	assert_int_equal(tree.snapshot.socks[1].tx_queue, 2);
}

static void without_pointers_a_tree_has_twins(void **state)
{
	(void)state;
	tree_file_table(&tree, SKT_TCP, LISTEN_80, SK("00000001", "0000000000000000"),
			SK("00000002", "0000000000000000"), LISTEN_80, NULL);
	tree_files_capture(&tree);
	assert_int_equal(table()->n_rows, 4);
	assert_int_equal(table()->duplicates, 0);
}

/* 100,000 rows with the same ends and inode, in which a list of them all would be searched 5,000,000,000 times. */
static void many_equal_rows_take_linear_time(void **state)
{
	struct skt_buf text;

	(void)state;
	skt_buf_init(&text);
	skt_buf_text(&text,
		     "sl local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode\n");
	for (unsigned i = 0; i < 100000; i++) {
		skt_buf_printf(&text,
			       "   0: 0100007F:0050 0100007F:C07A 01 00000000:00000000 00:00000000 00000000     "
			       "0        0 9 1 %016x\n",
			       i & 1 ? 0 : i);
	}
	assert_false(text.failed);
	tree_file_bytes(&tree, "net/tcp", text.data, text.len);
	skt_buf_release(&text);
	tree_file_process(&tree, 7, "server", 1, 500);
	tree_file_socket(&tree, 7, 3, 9);
	tree_files_capture(&tree);
	assert_int_equal(table()->n_rows, 100000);
	assert_int_equal(tree.snapshot.n_owners, 100000);
}

static void addresses_are_in_the_byte_order_of_the_recorded_machine(void **state)
{
	char address[SKT_ADDRESS_SIZE];

	(void)state;
	tree.options.big_endian = true;
	tree_file_table(&tree, SKT_TCP,
			"   0: 7F000001:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1",
			NULL);
	tree_files_capture(&tree);
	assert_string_equal(skt_address_format(tree.snapshot.socks[0].local_address, false, address), "127.0.0.1");
	assert_int_equal(tree.snapshot.socks[0].local_port, 80);
}

static void net_may_be_a_link_inside_the_tree(void **state)
{
	(void)state;
	tree_file_link(&tree, "net", "self/net");
	tree_file_link(&tree, "self", "7");
	tree_file_process(&tree, 7, "server", 1, 500);
	tree_file_text(
		&tree, "7/net/tcp",
		"sl local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode\n" LISTEN_80
		"\n");
	tree_files_capture(&tree);
	assert_int_equal(table()->n_rows, 1);
}

static void a_net_that_leads_out_of_the_tree_is_refused(void **state)
{
	(void)state;
	tree_file_link(&tree, "net", "/proc/net");
	assert_open_fails(-EXDEV, "no tree of /proc: cannot open 'net' in it: Invalid cross-device link");
}

/* As another user, for root may read all. */
static void a_table_that_may_not_be_read_is_unknown(void **state)
{
	pid_t child;
	int status;

	(void)state;
	tree_file_table(&tree, SKT_TCP, LISTEN_80, NULL);
	assert_int_equal(fchmodat(tree.fd, "net/tcp", 0, 0), 0);
	assert_int_equal(fchmod(tree.fd, 0755), 0);
	child = fork();
	if (!child) {
		if (!geteuid() && (setgid(65534) || setuid(65534)))
			_exit(77);
		tree_files_capture(&tree);
		_exit(tree.snapshot.n_tables == 1 && table()->status == SKT_TABLE_UNKNOWN && table()->error == -EACCES
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(a_directory_without_net_is_no_tree),
		TEST(a_tree_without_a_wanted_table_is_refused),
		TEST(only_wanted_tables_are_read_in_the_order_of_their_kinds),
		TEST(tells_what_the_tree_says_of_its_host),
		TEST(what_the_tree_does_not_say_of_its_host_is_unknown),
		TEST(times_are_the_clocks),
		TEST(rows_stand_in_the_kernels_order),
		TEST(a_table_that_never_was_is_not_there_and_one_that_went_is_unknown),
		TEST(a_table_that_is_a_directory_is_unknown),
		TEST(a_table_that_is_a_fifo_is_not_waited_for),
		TEST(a_table_that_leads_out_of_the_tree_is_not_read),
		TEST(a_table_that_may_not_be_read_is_unknown),
		TEST(an_empty_table_is_unknown_for_a_kernel_prints_a_heading),
		TEST(under_another_heading_no_line_is_believed),
		TEST(a_read_that_fails_half_way_leaves_no_rows),
		TEST(lines_that_are_no_rows_keep_their_places),
		TEST(only_the_first_problems_are_kept_and_all_are_counted),
		TEST(the_last_line_may_be_cut),
		TEST(a_line_of_two_megabytes_is_kept),
		TEST(a_line_over_the_limit_is_counted_and_the_next_is_read),
		TEST(the_same_socket_twice_is_dropped_and_counted),
		TEST(without_pointers_a_tree_has_twins),
		TEST(many_equal_rows_take_linear_time),
		TEST(addresses_are_in_the_byte_order_of_the_recorded_machine),
		TEST(net_may_be_a_link_inside_the_tree),
		TEST(a_net_that_leads_out_of_the_tree_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
