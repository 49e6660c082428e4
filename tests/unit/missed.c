/* SPDX-License-Identifier: MIT */
/*
 * Rows that a kernel passes over between two pages. Here a table of UDP is a list of numbers, and the kernel is its
 * rule: before each page it counts as many rows off, from the beginning, as it has handed out (net/ipv4/udp.c,
 * udp_get_idx()).
 */
#include "proc/missed.h"
#include "random.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MOST 400
#define PAGE 7

static struct owners owners;
static struct ledger ledger;
static struct missed missed;
static struct tree tree;
static struct look look;
static struct skt_capture_options options;
static struct skt_snapshot snapshot;
static uint32_t rows[MOST]; /* as the kernel has them now: inodes */
static size_t n_rows;

static void stand_still(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	(void)data;
	*ret_realtime = *ret_boottime = 1;
}

static int set_up(void **state)
{
	(void)state;
	owners_init(&owners);
	memset(&ledger, 0, sizeof(ledger));
	memset(&missed, 0, sizeof(missed));
	n_rows = 0;
	tree = (struct tree){ .fd = -1, .live = true, .name = "tree" };
	options = (struct skt_capture_options){ .clock = { stand_still, NULL } };
	look = (struct look){ .tree = &tree, .snapshot = &snapshot, .options = &options };
	return skt_snapshot_init(&snapshot, NULL, 7);
}

static int tear_down(void **state)
{
	(void)state;
	missed_release(&missed);
	owners_release(&owners);
	skt_snapshot_release(&snapshot);
	return 0;
}

static void put(size_t at, uint32_t row)
{
	memmove(rows + at + 1, rows + at, (n_rows++ - at) * sizeof(*rows));
	rows[at] = row;
}

static void take(size_t at)
{
	memmove(rows + at, rows + at + 1, (--n_rows - at) * sizeof(*rows));
}

static void fill(uint32_t n)
{
	for (uint32_t i = 1; i <= n; i++)
		rows[n_rows++] = i;
}

static void begin(void)
{
	const struct skt_table table = { .kind = SKT_UDP, .status = SKT_TABLE_FRESH, .net_namespace = 1 };
	uint32_t index;

	skt_snapshot_clear(&snapshot, snapshot.strings);
	assert_int_equal(skt_snapshot_add_table(&snapshot, &table, &index), 0);
	missed_begin(&missed, 1);
}

/* The next page, of those that the kernel has now. */
static void read_page(void)
{
	if (snapshot.n_socks)
		assert_int_equal(missed_border(&missed, snapshot.n_socks), 0);
	for (size_t end = snapshot.n_socks + PAGE; snapshot.n_socks < end && snapshot.n_socks < n_rows;) {
		const struct skt_sock sock = { .inode = rows[snapshot.n_socks] };
		uint32_t slot;

		assert_int_equal(skt_snapshot_add_sock(&snapshot, &sock, &slot), 0);
	}
}

static void read_rest(void)
{
	while (snapshot.n_socks < n_rows)
		read_page();
}

static void find(void)
{
	assert_int_equal(missed_find(&missed, &look, &owners, &ledger, 0), 0);
}

/* The end of a look: what was read is known in the next one. */
static void end(void)
{
	assert_int_equal(owners_begin(&owners, &look), 0);
	owners_count(&owners, &look, &ledger);
}

/* A first look at 1 ... n. */
static void know(uint32_t n)
{
	fill(n);
	begin();
	read_rest();
	end();
	begin();
}

static bool is_wanted(uint32_t inode)
{
	for (size_t i = 0; i < missed.n_rows; i++)
		if (missed.rows[i].inode == inode)
			return missed.rows[i].wanted;
	return false;
}

static bool is_read(uint32_t inode)
{
	for (size_t i = 0; i < snapshot.n_socks; i++)
		if (snapshot.socks[i].inode == inode)
			return true;
	return false;
}

static void what_was_passed_over_between_two_pages_is_wanted(void **state)
{
	(void)state;
	know(20);
	read_page();
	take(3);
	read_rest();
	find();
	assert_false(is_read(8));
	assert_int_equal(missed.n_wanted, 1);
	assert_true(is_wanted(8));
}

static void what_is_missing_within_a_page_is_gone(void **state)
{
	(void)state;
	know(20);
	take(3);
	read_page();
	take(9);
	read_rest();
	find();
	assert_int_equal(missed.n_wanted, 0);
}

static void what_the_last_page_had_no_row_of_is_wanted(void **state)
{
	(void)state;
	know(2 * PAGE + 1);
	read_page();
	read_page();
	take(0);
	/* the kernel is asked once more, and has no more */
	read_page();
	find();
	assert_int_equal(missed.n_wanted, 1);
	assert_true(is_wanted(2 * PAGE + 1));
}

static void who_is_known_to_have_closed_it_is_believed(void **state)
{
	(void)state;
	know(20);
	/* a link led to it, of a process that is no more */
	owners.inodes[owners_find(&owners, 8)].n_links = 1;
	read_page();
	take(3);
	read_rest();
	find();
	assert_false(is_read(8));
	assert_int_equal(missed.n_wanted, 0);
}

/* Row 8 is a socket of our own, of which the ledger knows; whether it is wanted once it was passed over. */
static bool is_wanted_of_ours(int fd, int held, bool zombie)
{
	struct ledger_link link = { .fd = fd };
	struct ledger_process process = { .pid = (uint32_t)getpid(), .zombie = zombie, .links = &link, .n_links = 1 };
	struct stat st;
	bool wanted;

	assert_int_equal(fstat(held, &st), 0);
	tree.fd = open("/proc", O_RDONLY | O_DIRECTORY);
	process.handle = open("/proc/self", O_PATH | O_DIRECTORY);
	ledger.processes = &process;
	ledger.n_processes = 1;
	fill(20);
	rows[7] = (uint32_t)st.st_ino;
	begin();
	read_rest();
	end();
	begin();
	link.inode = st.st_ino;
	link.row = owners_find(&owners, st.st_ino);
	owners.inodes[link.row].n_links = 1;
	read_page();
	take(3);
	read_rest();
	find();
	wanted = is_wanted((uint32_t)st.st_ino);
	assert_int_equal(missed.n_wanted, wanted);
	assert_int_equal(missed.n_held, wanted);
	ledger = (struct ledger){ .n_processes = 0 };
	close(process.handle);
	close(tree.fd);
	return wanted;
}

static void what_a_descriptor_still_leads_to_is_wanted(void **state)
{
	int held = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_true(is_wanted_of_ours(held, held, false));
	close(held);
}

static void what_a_descriptor_leads_to_no_more_is_gone(void **state)
{
	int held = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_false(is_wanted_of_ours(other, held, false));
	close(held);
	close(other);
}

static void what_a_closed_descriptor_led_to_is_gone(void **state)
{
	int held = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_false(is_wanted_of_ours(held + 100, held, false));
	close(held);
}

/* Its descriptors are its threads', and no longer under its own number. */
static void what_a_leader_held_that_has_ended_is_wanted(void **state)
{
	int held = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_true(is_wanted_of_ours(held + 100, held, true));
	close(held);
}

static void a_table_in_another_order_wants_nothing(void **state)
{
	struct random random = { 5 };

	(void)state;
	know(200);
	random_shuffle(&random, rows, n_rows);
	read_rest();
	find();
	assert_int_equal(missed.n_wanted, 0);
}

/* The rows of the list as the kernel prints them, into a file. */
static int print(void)
{
	FILE *file = tmpfile();
	int fd;

	assert_non_null(file);
	fprintf(file,
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n");
	for (size_t i = 0; i < n_rows; i++)
		fprintf(file,
			"%4zu: 0100007F:%04X 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 %u 2 "
			"0000000000000000 0\n",
			i, 1000 + rows[i], rows[i]);
	fflush(file);
	fd = dup(fileno(file));
	fclose(file);
	return fd;
}

static void read_again(void)
{
	const struct line_format format = { .kind = SKT_UDP, .boottime = 1 };
	char buffer[65536];
	int fd = print();

	assert_int_equal(missed_add(&missed, &look, &format, fd, buffer, sizeof(buffer), 0), 0);
	close(fd);
}

static void what_another_reading_has_is_put_where_it_stood(void **state)
{
	struct skt_table *table;

	(void)state;
	know(30);
	read_page();
	take(0);
	take(0);
	/* 8 and 9 are passed over, and a line that is no row stands before 12 and another before 8 */
	read_rest();
	table = &snapshot.tables[0];
	assert_int_equal(skt_table_add_raw(table, 7, 0), 0);
	assert_int_equal(skt_table_add_raw(table, 9, 0), 0);
	find();
	assert_int_equal(missed.n_wanted, 2);
	/* 9 was closed since */
	for (size_t i = 0; i < n_rows; i++)
		if (rows[i] == 9)
			take(i);
	read_again();
	assert_int_equal(missed.n_wanted, 1);
	assert_int_equal(snapshot.n_socks, 29);
	for (uint32_t i = 0; i < 29; i++)
		assert_int_equal(snapshot.socks[i].inode, i < 8 ? i + 1 : i + 2);
	assert_int_equal(snapshot.socks[7].local_port, 1008);
	assert_int_equal(snapshot.socks[7].table, 0);
	assert_int_equal(table->raw[0].before, 7);
	assert_int_equal(table->raw[1].before, 10);
}

static void a_first_look_has_what_another_reading_has_where_pages_meet(void **state)
{
	(void)state;
	fill(30);
	begin();
	read_page();
	take(0);
	read_page();
	take(1);
	read_rest();
	find();
	assert_false(is_read(8) || is_read(16));
	/* these are new */
	put(3, 99);
	put(20, 98);
	read_again();
	assert_int_equal(snapshot.n_socks, 30);
	for (uint32_t i = 0; i < 30; i++)
		assert_int_equal(snapshot.socks[i].inode, i + 1);
}

static void a_first_look_has_no_socket_beside_the_one_before_it(void **state)
{
	(void)state;
	fill(30);
	begin();
	read_page();
	take(0);
	read_rest();
	find();
	assert_false(is_read(8));
	/* 9, which was read, has the ends that 8 has in the other reading */
	memcpy(snapshot.socks[7].local_address, (const uint8_t[]){ 127, 0, 0, 1 }, 4);
	snapshot.socks[7].local_port = 1008;
	read_again();
	assert_false(is_read(8));
	assert_int_equal(snapshot.n_socks, 29);
}

/* What stood there all the time and is not in what was read: all of that is wanted, and nothing that was read. */
static void all_that_is_passed_over_is_wanted_whatever_comes_and_goes(void **state)
{
	struct random random = { 23 };
	uint32_t next = 1000;
	unsigned found = 0;

	(void)state;
	know(150);
	for (unsigned round = 0; round < 4000; round++) {
		uint32_t was[MOST];
		size_t n_was = n_rows;

		memcpy(was, rows, sizeof(was));
		/* a page that is not full was the last */
		for (size_t before = 0; read_page(), snapshot.n_socks == before + PAGE; before += PAGE) {
			for (unsigned i = random_below(&random, 4); i; i--) {
				if (random_below(&random, 2) && n_rows < MOST - PAGE)
					put(random_below(&random, (uint32_t)n_rows + 1), next++);
				else if (n_rows > 50)
					take(random_below(&random, (uint32_t)n_rows));
			}
		}
		find();
		for (size_t i = 0; i < n_was; i++) {
			bool stands = false;

			for (size_t k = 0; k < n_rows; k++)
				stands |= rows[k] == was[i];
			if (is_read(was[i]))
				assert_false(is_wanted(was[i]));
			else if (stands)
				assert_true(is_wanted(was[i]));
			found += stands && !is_read(was[i]);
		}
		/* all that stands now is what the next look knows */
		begin();
		read_rest();
		end();
		begin();
	}
	assert_true(found > 1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_was_passed_over_between_two_pages_is_wanted),
		TEST(what_is_missing_within_a_page_is_gone),
		TEST(what_the_last_page_had_no_row_of_is_wanted),
		TEST(who_is_known_to_have_closed_it_is_believed),
		TEST(a_table_in_another_order_wants_nothing),
		TEST(what_another_reading_has_is_put_where_it_stood),
		TEST(a_first_look_has_what_another_reading_has_where_pages_meet),
		TEST(a_first_look_has_no_socket_beside_the_one_before_it),
		TEST(what_a_descriptor_still_leads_to_is_wanted),
		TEST(what_a_descriptor_leads_to_no_more_is_gone),
		TEST(what_a_closed_descriptor_led_to_is_gone),
		TEST(what_a_leader_held_that_has_ended_is_wanted),
		TEST(all_that_is_passed_over_is_wanted_whatever_comes_and_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
