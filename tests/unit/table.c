/* SPDX-License-Identifier: MIT */
/*
 * How often a running kernel is asked for more of a table. Here a pipe is the kernel: when there is no more, it says
 * EAGAIN.
 */
#include "proc/table.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HEADING "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

static struct skt_snapshot snapshot;
static struct table_reader reader;
static struct owners owners;
static struct ledger ledger;
static struct problems problems;
static int ends[2];

static int set_up(void **state)
{
	(void)state;
	memset(&problems, 0, sizeof(problems));
	owners_init(&owners);
	table_reader_init(&reader, &owners, &ledger);
	return pipe2(ends, O_NONBLOCK) || skt_snapshot_init(&snapshot, NULL, 7);
}

static int tear_down(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	table_reader_release(&reader);
	skt_snapshot_release(&snapshot);
	return 0;
}

static void stand_still(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	(void)data;
	*ret_realtime = *ret_boottime = 1;
}

/* The kernel hands out the heading and n rows. */
static void hand_out(unsigned n)
{
	char line[192];

	assert_int_equal(write(ends[1], HEADING, strlen(HEADING)), strlen(HEADING));
	for (unsigned i = 0; i < n; i++) {
		int len = snprintf(line, sizeof(line),
				   "%4u: 0100007F:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0 "
				   "       0 %u 1 %016x 100 0 0 10 0",
				   i, 1000 + i, 5000 + i, 1 + i);

		len = snprintf(line + len, sizeof(line) - (size_t)len, "%*s\n", 149 - len, "") + len;
		assert_int_equal(len, 150);
		assert_int_equal(write(ends[1], line, (size_t)len), len);
	}
}

static const struct skt_table *read_table(bool live)
{
	struct tree tree = { .fd = -1, .live = live, .name = "tree" };
	struct skt_capture_options options = { .clock = { stand_still, NULL } };
	struct look look = { .tree = &tree, .options = &options, .snapshot = &snapshot, .problems = &problems };

	assert_int_equal(table_read(&reader, &look, SKT_TCP, 1, ends[0], "net/tcp"), 0);
	assert_int_equal(skt_snapshot_order(&snapshot), 0);
	return &snapshot.tables[snapshot.n_tables - 1];
}

static void a_kernel_is_not_asked_on_when_its_page_had_room_for_another_row(void **state)
{
	const struct skt_table *table;

	(void)state;
	hand_out(5);
	table = read_table(true);
	assert_int_equal(table->error, 0);
	assert_int_equal(table->status, SKT_TABLE_FRESH);
	assert_int_equal(table->n_rows, 5);
}

static void a_table_of_nothing_but_its_heading_is_read_once(void **state)
{
	const struct skt_table *table;

	(void)state;
	hand_out(0);
	table = read_table(true);
	assert_int_equal(table->status, SKT_TABLE_FRESH);
	assert_int_equal(table->n_rows, 0);
}

/* What follows a page without room for another row is nobody's guess. */
static void a_kernel_is_asked_on_when_its_page_was_full(void **state)
{
	unsigned full = (unsigned)sysconf(_SC_PAGESIZE) / 150;
	const struct skt_table *table;

	(void)state;
	hand_out(full);
	table = read_table(true);
	assert_int_equal(table->error, -EAGAIN);
	assert_int_equal(table->status, SKT_TABLE_UNKNOWN);
}

/* Whoever serves a tree of files may cut it where he likes. */
static void a_tree_of_files_is_asked_until_it_says_that_there_is_no_more(void **state)
{
	const struct skt_table *table;

	(void)state;
	hand_out(5);
	table = read_table(false);
	assert_int_equal(table->error, -EAGAIN);
	assert_int_equal(table->status, SKT_TABLE_UNKNOWN);
}

static void a_line_that_is_not_whole_is_waited_for(void **state)
{
	const struct skt_table *table;

	(void)state;
	hand_out(5);
	assert_int_equal(write(ends[1], "   5: 0100", 10), 10);
	table = read_table(true);
	assert_int_equal(table->error, -EAGAIN);
	assert_int_equal(table->status, SKT_TABLE_UNKNOWN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_kernel_is_not_asked_on_when_its_page_had_room_for_another_row),
		TEST(a_table_of_nothing_but_its_heading_is_read_once),
		TEST(a_kernel_is_asked_on_when_its_page_was_full),
		TEST(a_tree_of_files_is_asked_until_it_says_that_there_is_no_more),
		TEST(a_line_that_is_not_whole_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
