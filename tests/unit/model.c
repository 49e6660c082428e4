/* SPDX-License-Identifier: MIT */
#include "naive.h"
#include "random.h"
#include "scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct skt_snapshot s;

static int set_up(void **state)
{
	(void)state;
	scene_begin(&s, NULL, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	skt_snapshot_release(&s);
	return 0;
}

static void assert_whole(const struct skt_snapshot *snapshot)
{
	char why[200];

	if (!scene_is_whole(snapshot, why, sizeof(why)))
		fail_msg("%s", why);
}

/* --- names --- */

static void every_kind_has_a_name_that_leads_back(void **state)
{
	static const char *const names[] = { "tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6" };

	(void)state;
	assert_int_equal(SKT_TABLE_KINDS, 8);
	for (int kind = 0; kind < SKT_TABLE_KINDS; kind++) {
		assert_string_equal(skt_table_kind_name((unsigned)kind), names[kind]);
		assert_int_equal(skt_table_kind_of(names[kind]), kind);
		assert_int_equal(skt_table_kind_is_ipv6((unsigned)kind), !!strchr(names[kind], '6'));
		assert_int_equal(skt_table_kind_is_tcp((unsigned)kind), !strncmp(names[kind], "tcp", 3));
	}
	assert_string_equal(skt_table_kind_name(SKT_TABLE_KINDS), "");
	assert_string_equal(skt_table_kind_name(UINT32_MAX), "");
	assert_int_equal(skt_table_kind_of("tcp4"), -1);
	assert_int_equal(skt_table_kind_of(""), -1);
}

static void states_are_named_as_the_kernel_numbers_them(void **state)
{
	/* include/net/tcp_states.h */
	static const char *const names[] = { NULL,	  "ESTABLISHED", "SYN_SENT",	"SYN_RECV",   "FIN_WAIT1",
					     "FIN_WAIT2", "TIME_WAIT",	 "CLOSE",	"CLOSE_WAIT", "LAST_ACK",
					     "LISTEN",	  "CLOSING",	 "NEW_SYN_RECV" };

	(void)state;
	assert_int_equal(SKT_STATES, 13);
	assert_null(skt_state_name(0));
	for (unsigned i = 1; i < 13; i++)
		assert_string_equal(skt_state_name(i), names[i]);
	assert_null(skt_state_name(13));
	assert_null(skt_state_name(255));
}

static void numbers_without_a_name_are_no_trouble(void **state)
{
	(void)state;
	assert_string_equal(skt_timer_name(4), "probe");
	assert_null(skt_timer_name(5));
	assert_null(skt_timer_name(255));
	assert_string_equal(skt_owner_state_name(SKT_OWNER_CARRIED), "carried");
	assert_string_equal(skt_owner_state_name(SKT_OWNER_UNHELD), "unheld");
	assert_string_equal(skt_owner_state_name(SKT_OWNER_UNSEEN + 1), "unknown");
	assert_string_equal(skt_owner_gap_name(SKT_GAP_DENIED), "denied");
	assert_string_equal(skt_owner_gap_name(SKT_GAP_VANISHED), "vanished");
	assert_string_equal(skt_owner_gap_name(SKT_GAP_UNSEARCHED), "unsearched");
	assert_string_equal(skt_owner_gap_name(3), "");
	assert_string_equal(skt_table_status_name(SKT_TABLE_STALE), "stale");
	assert_string_equal(skt_table_status_name(3), "unknown");
	assert_string_equal(skt_change_name(SKT_PRESENT), "present");
	assert_string_equal(skt_change_name(SKT_LOST), "lost");
	assert_string_equal(skt_change_name(0), "");
	assert_string_equal(skt_change_name(SKT_LOST + 1), "");
	assert_string_equal(skt_process_change_name(SKT_PROCESS_EXITED), "exited");
	assert_string_equal(skt_process_change_name(SKT_PROCESS_EXITED + 1), "");
}

static void an_address_is_written_as_inet_ntop_does(void **state)
{
	static const uint8_t four[16] = { 192, 0, 2, 1 };
	static const uint8_t six[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 };
	static const uint8_t longest[16] = { 0x12, 0x34, 0x12, 0x34, 0x12, 0x34, 0x12, 0x34,
					     0x12, 0x34, 0x12, 0x34, 0x12, 0x34, 0x12, 0x34 };
	char text[SKT_ADDRESS_SIZE];

	(void)state;
	assert_string_equal(skt_address_format(four, false, text), "192.0.2.1");
	assert_string_equal(skt_address_format(six, true, text), "2001:db8::1");
	assert_string_equal(skt_address_format(mapped, true, text), "::ffff:192.0.2.1");
	assert_string_equal(skt_address_format(longest, true, text), "1234:1234:1234:1234:1234:1234:1234:1234");
}

static void a_container_is_the_last_run_of_64_hex_digits(void **state)
{
#define SIXTEEN	   "0123456789abcdef"
#define SIXTY_FOUR SIXTEEN SIXTEEN SIXTEEN SIXTEEN
#define OTHER          \
	"fedcba987654" \
	"abcd" SIXTEEN SIXTEEN SIXTEEN
	static const struct {
		const char *cgroup;
		const char *container; /* NULL: none */
	} cases[] = {
		{ "0::/system.slice/docker-" SIXTY_FOUR ".scope", "0123456789ab" },
		{ "12:cpu:/docker/" SIXTY_FOUR, "0123456789ab" },
		{ "0::/" SIXTY_FOUR "/" OTHER, "fedcba987654" },
		{ "0::/cri-containerd-" OTHER ".scope\n1:name=x:/", "fedcba987654" },
		{ "0::/" SIXTEEN, NULL },
		{ "0::/" SIXTY_FOUR "0", NULL }, /* 65 are no id */
		{ "0::/0123456789ABCDEF" SIXTEEN SIXTEEN SIXTEEN, NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char id[13] = "unchanged";
		bool found = skt_container_id(cases[i].cgroup, strlen(cases[i].cgroup), id);

		assert_int_equal(found, cases[i].container != NULL);
		assert_string_equal(id, cases[i].container ? cases[i].container : "unchanged");
	}
	/* the length ends it, not NUL */
	assert_false(skt_container_id(SIXTY_FOUR, 63, (char[13]){ "" }));
}

/* --- filling --- */

static void users_are_kept_sorted_and_once_each(void **state)
{
	struct random random = { .state = 3 };
	size_t len;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "user-%d", i);
		assert_int_equal(skt_snapshot_add_user(&s, random_below(&random, 300), scene_string(&s, name)), 0);
		assert_whole(&s);
	}
	assert_true(s.n_users <= 300);
	assert_int_equal(skt_snapshot_add_user(&s, UINT32_MAX, scene_string(&s, "last")), 0);
	assert_string_equal(skt_snapshot_user(&s, UINT32_MAX, &len), "last");
	assert_int_equal(len, 4);
	assert_null(skt_snapshot_user(&s, 300, &len));
	/* the last name given holds */
	skt_snapshot_add_user(&s, UINT32_MAX, scene_string(&s, "renamed"));
	assert_string_equal(skt_snapshot_user(&s, UINT32_MAX, NULL), "renamed");
}

static void limits_are_met(void **state)
{
	struct skt_table table = { .status = SKT_TABLE_FRESH };
	struct skt_sock sock = scene_sock(1, 2, 3, 4, SKT_ESTABLISHED);
	struct skt_process process = { .pid = 1 };
	struct skt_owner owner = { .fd = 1 };
	size_t had;
	uint32_t slot = 77;

	(void)state;
	scene_process(&s, 1, 1, "init");
	/* nothing is allocated up to the limits: the counts are pushed there */
#define LIMIT(count, limit, call)                   \
	do {                                        \
		had = (count);                      \
		(count) = (limit);                  \
		assert_int_equal((call), -E2BIG);   \
		assert_int_equal((count), (limit)); \
		(count) = had;                      \
	} while (0)
	/* two groups' worth: what was, and what takes its place */
#define TWICE(limit) (2 * (size_t)(limit))
	LIMIT(s.n_tables, TWICE(SKT_TABLES_MAX), skt_snapshot_add_table(&s, &table, &slot));
	LIMIT(s.n_socks, TWICE(SKT_SOCKS_MAX), skt_snapshot_add_sock(&s, &sock, &slot));
	LIMIT(s.n_processes, TWICE(SKT_PROCESSES_MAX), skt_snapshot_add_process(&s, &process, &slot));
	LIMIT(s.n_owners, TWICE(SKT_OWNERS_MAX), skt_snapshot_add_owners(&s, &owner, 1, &slot));
	LIMIT(s.n_owners, TWICE(SKT_OWNERS_MAX) - 5, skt_snapshot_add_owners(&s, &owner, 6, &slot));
	LIMIT(s.n_owners, (size_t)1, skt_snapshot_add_owners(&s, &owner, SIZE_MAX, &slot));
	LIMIT(table.n_raw, (size_t)SKT_RAW_MAX, skt_table_add_raw(&table, 0, 0));
#undef TWICE
#undef LIMIT
	assert_int_equal(slot, 77);
	assert_int_equal(s.processes[0].sockets, 0);
	for (uint32_t uid = 0; uid < 2 * SKT_USERS_MAX; uid++)
		assert_int_equal(skt_snapshot_add_user(&s, uid, 0), 0);
	assert_int_equal(skt_snapshot_add_user(&s, 2 * SKT_USERS_MAX, 0), -E2BIG);
	assert_int_equal(skt_snapshot_add_user(&s, 7, scene_string(&s, "renamed")), 0);
}

static void raw_lines_grow_and_keep_their_order(void **state)
{
	struct skt_table table = { .n_raw = 0 };

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(skt_table_add_raw(&table, i / 3, i), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(table.raw[i].before, i / 3);
		assert_int_equal(table.raw[i].text, i);
	}
	free(table.raw);
}

static void a_table_added_has_no_rows_of_its_own(void **state)
{
	uint32_t order[1] = { 5 };
	struct skt_raw_line raw[1] = { { 0, 0 } };
	struct skt_table table = { .order = order, .n_rows = 1, .raw = raw, .n_raw = 1 };
	uint32_t slot;

	(void)state;
	assert_int_equal(skt_snapshot_add_table(&s, &table, &slot), 0);
	assert_null(s.tables[slot].order);
	assert_null(s.tables[slot].raw);
	assert_int_equal(s.tables[slot].n_rows + s.tables[slot].n_raw, 0);
}

static void order_is_that_of_slots_table_by_table(void **state)
{
	struct skt_sock sock = scene_sock(1, 2, 3, 4, SKT_ESTABLISHED);

	(void)state;
	scene_table(&s, SKT_TCP, 0);
	scene_table(&s, SKT_UDP, 0);
	scene_table(&s, SKT_RAW, 0);
	for (uint32_t i = 0; i < 10; i++) {
		sock.table = i % 3 ? 0 : 1;
		scene_add(&s, sock);
	}
	s.socks[4].table = SKT_NO_TABLE;
	s.live_socks--;
	/* twice gives the same as once */
	for (int round = 0; round < 2; round++) {
		static const uint32_t first[] = { 1, 2, 5, 7, 8 }, second[] = { 0, 3, 6, 9 };

		assert_int_equal(skt_snapshot_order(&s), 0);
		assert_int_equal(s.tables[0].n_rows, 5);
		assert_int_equal(s.tables[1].n_rows, 4);
		assert_int_equal(s.tables[2].n_rows, 0);
		assert_memory_equal(s.tables[0].order, first, sizeof(first));
		assert_memory_equal(s.tables[1].order, second, sizeof(second));
		assert_whole(&s);
	}
}

static void a_process_is_found_by_pid_and_start_time(void **state)
{
	uint32_t slot;

	(void)state;
	scene_process(&s, 100, 1, "first");
	slot = scene_process(&s, 100, 2, "second");
	assert_ptr_equal(skt_snapshot_process(&s, 100, 2), &s.processes[slot]);
	assert_null(skt_snapshot_process(&s, 100, 3));
	assert_null(skt_snapshot_process(&s, 101, 1));
	s.processes[slot].exited = true;
	assert_null(skt_snapshot_process(&s, 100, 2));
	s.processes[slot].sockets = 1;
	assert_non_null(skt_snapshot_process(&s, 100, 2));
}

static void clearing_empties_it_and_changes_its_strings(void **state)
{
	struct skt_strtab *strings = skt_strtab_new(5);
	struct random_world world = { .rows = 10 };
	struct skt_snapshot empty, full;
	size_t owners = 0, missed = 0;
	char why[200] = "";

	(void)state;
	assert_int_equal(skt_snapshot_init(&empty, NULL, 1), 0);
	for (uint64_t seed = 1; seed < 20; seed++) {
		struct random random = { .state = seed };

		random_snapshot(&random, &world, &s, NULL, &full);
		owners += full.n_owners;
		missed += full.missed;
		/* twice: the second time to the table that it has already */
		for (int round = 0; round < 2; round++) {
			skt_snapshot_clear(&full, strings);
			assert_ptr_equal(full.strings, strings);
			if (!skt_snapshot_equal(&full, &empty, why, sizeof(why)))
				fail_msg("%s", why);
			assert_int_equal(full.n_owners + full.n_socks + full.live_socks, 0);
		}
		skt_snapshot_release(&full);
	}
	assert_true(owners && missed);
	assert_int_equal(skt_strtab_count(strings), 1);
	skt_strtab_unref(strings);
	skt_snapshot_release(&empty);
}

/* --- copy and compact --- */

/* A snapshot that many steps have led to, with all that they leave behind. */
static void walk_to(uint64_t seed, struct skt_snapshot *ret)
{
	struct random random = { .state = seed };
	struct random_world world = { .rows = 10 };
	struct skt_matcher *matcher = skt_matcher_new(seed);
	struct skt_step step;

	assert_int_equal(skt_snapshot_init(ret, NULL, seed), 0);
	skt_step_init(&step);
	for (int i = 0; i < 12; i++) {
		struct skt_snapshot now;

		random_snapshot(&random, &world, ret, NULL, &now);
		assert_int_equal(skt_match(matcher, ret, &now, !i, &step), 0);
		assert_int_equal(skt_apply(ret, &step, NULL), 0);
		skt_snapshot_release(&now);
	}
	skt_step_release(&step);
	skt_matcher_free(matcher);
}

static void mark(bool *used, uint32_t id)
{
	used[id] = true;
}

static void assert_dense(const struct skt_snapshot *snapshot)
{
	uint32_t n = skt_strtab_count(snapshot->strings), slot = 0, owner = 0;
	bool *used = calloc(n, sizeof(*used));

	used[0] = true;
	assert_int_equal(snapshot->n_socks, snapshot->live_socks);
	for (size_t t = 0; t < snapshot->n_tables; t++) {
		const struct skt_table *table = &snapshot->tables[t];

		assert_false(table->gone);
		mark(used, table->heading);
		for (size_t i = 0; i < table->n_raw; i++)
			mark(used, table->raw[i].text);
		for (size_t i = 0; i < table->n_rows; i++) {
			const struct skt_sock *sock = &snapshot->socks[table->order[i]];

			assert_int_equal(table->order[i], slot++);
			mark(used, sock->tail);
			mark(used, sock->text);
			if (sock->n_owners)
				assert_int_equal(sock->first_owner, owner);
			owner += sock->n_owners;
		}
	}
	assert_int_equal(snapshot->n_owners, owner);
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		assert_true(skt_process_is_listed(&snapshot->processes[i]));
		mark(used, snapshot->processes[i].comm);
		mark(used, snapshot->processes[i].exe);
		mark(used, snapshot->processes[i].cmdline);
		mark(used, snapshot->processes[i].cgroup);
	}
	for (size_t i = 0; i < snapshot->n_users; i++)
		mark(used, snapshot->users[i].name);
	for (uint32_t id = 0; id < n; id++)
		assert_true(used[id]);
	free(used);
}

static void compaction_drops_what_is_unused_and_nothing_else(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct skt_snapshot snapshot, before;
		char why[200];

		walk_to(seed, &snapshot);
		assert_int_equal(skt_snapshot_copy(&snapshot, &before), 0);
		assert_dense(&before);
		assert_int_equal(skt_snapshot_compact(&snapshot), 0);
		assert_whole(&snapshot);
		assert_dense(&snapshot);
		if (!skt_snapshot_equal(&before, &snapshot, why, sizeof(why)))
			fail_msg("seed %llu: %s", (unsigned long long)seed, why);
		/* a second time it finds nothing to drop */
		assert_int_equal(skt_snapshot_compact(&snapshot), 0);
		assert_int_equal(skt_strtab_count(snapshot.strings), skt_strtab_count(before.strings));
		assert_true(skt_snapshot_equal(&before, &snapshot, why, sizeof(why)));
		skt_snapshot_release(&snapshot);
		skt_snapshot_release(&before);
	}
}

static void a_copy_shares_nothing_with_its_original(void **state)
{
	struct skt_snapshot copy, again;
	char why[200];

	(void)state;
	skt_snapshot_release(&s);
	walk_to(99, &s);
	assert_int_equal(skt_snapshot_copy(&s, &copy), 0);
	assert_ptr_not_equal(copy.strings, s.strings);
	assert_true(skt_strtab_seed(copy.strings) == skt_strtab_seed(s.strings));
	assert_int_equal(skt_snapshot_copy(&copy, &again), 0);
	/* under ASan the copy could not be read if anything of the first were left in it */
	skt_snapshot_release(&s);
	assert_whole(&copy);
	assert_true(skt_snapshot_equal(&copy, &again, why, sizeof(why)));
	skt_snapshot_release(&again);
	s = copy;
}

static void an_empty_snapshot_can_be_copied_and_compacted(void **state)
{
	struct skt_snapshot copy;

	(void)state;
	assert_int_equal(skt_snapshot_compact(&s), 0);
	assert_int_equal(skt_snapshot_copy(&s, &copy), 0);
	assert_true(skt_snapshot_equal(&s, &copy, NULL, 0));
	skt_snapshot_release(&copy);
	/* and released twice */
	skt_snapshot_release(&copy);
}

static void compaction_leaves_a_shared_string_table_to_the_others(void **state)
{
	struct skt_strtab *shared = skt_strtab_ref(s.strings);
	uint32_t id = scene_string(&s, "another snapshot's");

	(void)state;
	assert_int_equal(skt_snapshot_compact(&s), 0);
	assert_ptr_not_equal(s.strings, shared);
	assert_string_equal(skt_strtab_get(shared, id, NULL), "another snapshot's");
	skt_strtab_unref(shared);
}

static void assert_told(const struct skt_finding *finding, const char *wanted)
{
	struct skt_buf text;

	skt_buf_init(&text);
	skt_finding_text(finding, &text);
	skt_buf_byte(&text, '\0');
	assert_string_equal((char *)text.data, wanted);
	skt_buf_release(&text);
}

/* The numbers come from a recording: any kind, and any table of those that the decoder lets pass. */
static void a_finding_is_told_by_its_numbers_even_where_its_kind_is_new(void **state)
{
	struct skt_finding finding = { .kind = SKT_FINDING_MOUNT, .pid = UINT32_MAX, .fd = -1 };

	(void)state;
	assert_told(&finding,
		    "something is mounted over what /proc has of process 4294967295: what is read there may be "
		    "another's");
	finding = (struct skt_finding){ SKT_FINDING_UNLISTED, SKT_UDP6, 7, 3, UINT64_MAX, 4026531840 };
	assert_told(&finding, "process 7 holds by fd 3 a udp6 socket in use, inode 18446744073709551615, that is in no "
			      "table of network namespace 4026531840");
	finding.kind = SKT_FINDING_UNHELD;
	assert_told(&finding, "nobody holds the udp6 socket with inode 18446744073709551615 of network namespace "
			      "4026531840: it is the kernel's, or its holder is hidden");
	finding.kind = 255;
	assert_told(&finding, "something of a kind that this program does not know (255)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_a_name_that_leads_back),
		cmocka_unit_test(states_are_named_as_the_kernel_numbers_them),
		cmocka_unit_test(numbers_without_a_name_are_no_trouble),
		cmocka_unit_test(an_address_is_written_as_inet_ntop_does),
		cmocka_unit_test(a_container_is_the_last_run_of_64_hex_digits),
		cmocka_unit_test(a_finding_is_told_by_its_numbers_even_where_its_kind_is_new),
		cmocka_unit_test_setup_teardown(users_are_kept_sorted_and_once_each, set_up, tear_down),
		cmocka_unit_test_setup_teardown(limits_are_met, set_up, tear_down),
		cmocka_unit_test(raw_lines_grow_and_keep_their_order),
		cmocka_unit_test_setup_teardown(a_table_added_has_no_rows_of_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(order_is_that_of_slots_table_by_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_process_is_found_by_pid_and_start_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(clearing_empties_it_and_changes_its_strings, set_up, tear_down),
		cmocka_unit_test(compaction_drops_what_is_unused_and_nothing_else),
		cmocka_unit_test_setup_teardown(a_copy_shares_nothing_with_its_original, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_empty_snapshot_can_be_copied_and_compacted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(compaction_leaves_a_shared_string_table_to_the_others, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
