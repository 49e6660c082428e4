/* SPDX-License-Identifier: MIT */
#include "random.h"
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * skt_snapshot_equal() is what the other tests believe, so it is tested first: it must notice every difference, and
 * none where there is none.
 */

/* Two of everything, so that each thing can be changed, exchanged and dropped. */
static void fill(struct skt_snapshot *s)
{
	struct skt_owner both[2];
	struct skt_sock sock;
	uint32_t slot;

	scene_begin(s, NULL, 1);
	s->missed = 2;
	s->quality = (struct skt_quality){
		SKT_WALK_FULL, 10, 20, 30, 40, 50, 60, 70, 80, 90, 3, 1, 91, 92, 1, 0, 5, 2, 0, { { 1, 0, 4, 5, 0, 0 } }
	};
	skt_snapshot_add_user(s, 0, scene_string(s, "root"));
	skt_snapshot_add_user(s, 33, scene_string(s, "www-data"));
	both[0] = (struct skt_owner){ .process = scene_process(s, 100, 5000, "nginx"), .fd = 6 };
	both[1] = (struct skt_owner){ .process = scene_process(s, 101, 5001, "worker"), .fd = 7 };
	for (size_t i = 0; i < 2; i++) {
		struct skt_process *process = &s->processes[i];

		process->has = SKT_BIT(SKT_P_EXITED) - 1;
		process->cmdline = scene_string(s, "nginx: master");
		process->cgroup = scene_string(s, "0::/system.slice");
		process->uid = 33;
		process->net_namespace = 4026531840;
		process->threads = 4;
		process->state = 'S';
	}
	scene_table(s, SKT_TCP, 4026531840);
	scene_table(s, SKT_UDP, 4026531840);
	skt_table_add_raw(&s->tables[0], 0, scene_string(s, "what is this"));
	skt_table_add_raw(&s->tables[0], 1, scene_string(s, "and that"));
	s->tables[0].error = -5;
	s->tables[0].duplicates = 3;
	s->tables[0].malformed = 2;
	sock = scene_sock(80, 40000, 7777, 0xabc, SKT_ESTABLISHED);
	sock.has = SKT_OPTIONAL;
	sock.rto = 20;
	sock.ato = 4;
	sock.quick = 1;
	sock.cwnd = 10;
	sock.ssthresh = 7;
	sock.drops = 1;
	sock.tail = scene_string(s, "tail");
	sock.text = scene_string(s, "text");
	sock.timer = 1;
	skt_sock_set_ticks(&sock, 50, s->boottime);
	slot = scene_add(s, sock);
	scene_own(s, slot, both, 2);
	scene_add_held(s, scene_sock(80, 40001, 7778, 0xdef, SKT_ESTABLISHED), 0, 9);
	sock = scene_sock(53, 0, 9999, 0x123, SKT_CLOSE);
	sock.table = 1;
	scene_add(s, sock);
	scene_end(s);
}

static bool equal(const struct skt_snapshot *a, const struct skt_snapshot *b)
{
	char why[200] = "", back[200] = "";
	bool same = skt_snapshot_equal(a, b, why, sizeof(why));

	/* it does not matter who is first, nor whether the reason is asked for */
	assert_int_equal(skt_snapshot_equal(b, a, back, sizeof(back)), same);
	assert_int_equal(skt_snapshot_equal(a, b, NULL, 0), same);
	assert_int_equal(!why[0], same);
	assert_int_equal(!back[0], same);
	return same;
}

static struct skt_snapshot a, b;

static int set_up(void **state)
{
	(void)state;
	fill(&a);
	fill(&b);
	return !equal(&a, &b);
}

static int tear_down(void **state)
{
	(void)state;
	skt_snapshot_release(&a);
	skt_snapshot_release(&b);
	return 0;
}

/* A plain member of a struct, each of whose bits counts. */
struct member {
	const char *name;
	size_t offset;
	size_t size;
};
#define MEMBER(type, member)                                                 \
	{                                                                    \
#member, offsetof(type, member), sizeof(((type *)0)->member) \
	}

static void assert_every_bit_counts(void *thing, const struct member *members, size_t n)
{
	unsigned char *bytes = thing;

	for (size_t i = 0; i < n; i++)
		for (size_t bit = 0; bit < 8 * members[i].size; bit++) {
			unsigned char *byte = &bytes[members[i].offset + bit / 8];

			*byte ^= (unsigned char)(1 << bit % 8);
			if (equal(&a, &b))
				fail_msg("bit %zu of %s is not looked at", bit, members[i].name);
			*byte ^= (unsigned char)(1 << bit % 8);
		}
	assert_true(equal(&a, &b));
}

static void notices_every_bit_of_the_header(void **state)
{
	static const struct member members[] = {
		MEMBER(struct skt_snapshot, number),
		MEMBER(struct skt_snapshot, time),
		MEMBER(struct skt_snapshot, end),
		MEMBER(struct skt_snapshot, boottime),
		MEMBER(struct skt_snapshot, missed),
		MEMBER(struct skt_snapshot, quality.walk),
		MEMBER(struct skt_snapshot, quality.processes),
		MEMBER(struct skt_snapshot, quality.links),
		MEMBER(struct skt_snapshot, quality.denied),
		MEMBER(struct skt_snapshot, quality.vanished),
		MEMBER(struct skt_snapshot, quality.unsearched),
		MEMBER(struct skt_snapshot, quality.malformed),
		MEMBER(struct skt_snapshot, quality.walk_us),
		MEMBER(struct skt_snapshot, quality.netns_denied),
		MEMBER(struct skt_snapshot, quality.checked_since),
		MEMBER(struct skt_snapshot, quality.events_tables),
		MEMBER(struct skt_snapshot, quality.events_deaf),
		MEMBER(struct skt_snapshot, quality.events_lost_since),
		MEMBER(struct skt_snapshot, quality.events_lost_until),
		MEMBER(struct skt_snapshot, quality.lived_told),
		MEMBER(struct skt_snapshot, quality.lived_lost),
		MEMBER(struct skt_snapshot, quality.lived_more),
		MEMBER(struct skt_snapshot, quality.more_findings),
		MEMBER(struct skt_snapshot, quality.findings[1].kind),
		MEMBER(struct skt_snapshot, quality.findings[1].table),
		MEMBER(struct skt_snapshot, quality.findings[1].pid),
		MEMBER(struct skt_snapshot, quality.findings[1].fd),
		MEMBER(struct skt_snapshot, quality.findings[1].inode),
		MEMBER(struct skt_snapshot, quality.findings[1].net_namespace),
	};

	(void)state;
	assert_every_bit_counts(&b, members, sizeof(members) / sizeof(*members));
}

static void notices_every_bit_of_a_table(void **state)
{
	static const struct member members[] = {
		MEMBER(struct skt_table, kind),	      MEMBER(struct skt_table, source),
		MEMBER(struct skt_table, status),     MEMBER(struct skt_table, net_namespace),
		MEMBER(struct skt_table, heading),    MEMBER(struct skt_table, error),
		MEMBER(struct skt_table, read_time),  MEMBER(struct skt_table, read_us),
		MEMBER(struct skt_table, duplicates), MEMBER(struct skt_table, malformed),
	};

	(void)state;
	assert_every_bit_counts(&b.tables[0], members, sizeof(members) / sizeof(*members));
}

static void notices_every_bit_of_a_raw_line(void **state)
{
	static const struct member members[] = {
		MEMBER(struct skt_raw_line, before),
		MEMBER(struct skt_raw_line, text),
	};

	(void)state;
	assert_every_bit_counts(&b.tables[0].raw[1], members, 2);
}

static void notices_every_bit_of_a_row(void **state)
{
	static const struct member members[] = {
		MEMBER(struct skt_sock, local_port),	MEMBER(struct skt_sock, remote_port),
		MEMBER(struct skt_sock, local_address), MEMBER(struct skt_sock, remote_address),
		MEMBER(struct skt_sock, inode),		MEMBER(struct skt_sock, sk),
		MEMBER(struct skt_sock, rto),		MEMBER(struct skt_sock, ato),
		MEMBER(struct skt_sock, tx_queue),	MEMBER(struct skt_sock, rx_queue),
		MEMBER(struct skt_sock, retransmits),	MEMBER(struct skt_sock, probes),
		MEMBER(struct skt_sock, uid),		MEMBER(struct skt_sock, ref),
		MEMBER(struct skt_sock, quick),		MEMBER(struct skt_sock, cwnd),
		MEMBER(struct skt_sock, ssthresh),	MEMBER(struct skt_sock, drops),
		MEMBER(struct skt_sock, tail),		MEMBER(struct skt_sock, text),
		MEMBER(struct skt_sock, has),		MEMBER(struct skt_sock, state),
		MEMBER(struct skt_sock, timer),		MEMBER(struct skt_sock, owner),
		MEMBER(struct skt_sock, owner_gaps),
	};

	(void)state;
	assert_every_bit_counts(&b.socks[0], members, sizeof(members) / sizeof(*members));
}

static void notices_every_bit_of_a_process(void **state)
{
	static const struct member members[] = {
		MEMBER(struct skt_process, pid),	MEMBER(struct skt_process, ppid),
		MEMBER(struct skt_process, start_time), MEMBER(struct skt_process, net_namespace),
		MEMBER(struct skt_process, uid),	MEMBER(struct skt_process, comm),
		MEMBER(struct skt_process, exe),	MEMBER(struct skt_process, cmdline),
		MEMBER(struct skt_process, cgroup),	MEMBER(struct skt_process, threads),
		MEMBER(struct skt_process, has),	MEMBER(struct skt_process, state),
	};

	(void)state;
	assert_every_bit_counts(&b.processes[1], members, sizeof(members) / sizeof(*members));
	b.processes[1].exe_deleted = true;
	assert_false(equal(&a, &b));
	b.processes[1].exe_deleted = false;
	b.processes[1].cmdline_truncated = true;
	assert_false(equal(&a, &b));
	b.processes[1].cmdline_truncated = false;
	b.processes[1].exited = true; /* it is still named by a row */
	assert_false(equal(&a, &b));
}

static void notices_another_owner(void **state)
{
	struct skt_owner *owners = &b.owners[b.socks[0].first_owner];
	struct skt_owner first = owners[0];

	(void)state;
	owners[0].fd++;
	assert_false(equal(&a, &b));
	owners[0] = first;
	owners[0].process = 1;
	assert_false(equal(&a, &b));
	/* the two exchanged */
	owners[0] = owners[1];
	owners[1] = first;
	assert_false(equal(&a, &b));
	owners[1] = owners[0];
	owners[0] = first;
	assert_true(equal(&a, &b));
	b.socks[0].n_owners = 1;
	assert_false(equal(&a, &b));
	b.socks[0].n_owners = 0;
	assert_false(equal(&a, &b));
}

static void notices_another_count_of_ticks(void **state)
{
	(void)state;
	b.socks[0].timer_expires += SKT_TICK_NS;
	assert_false(equal(&a, &b));
	b.socks[0].timer_expires -= 2 * SKT_TICK_NS;
	assert_false(equal(&a, &b));
	b.socks[0].timer_expires += SKT_TICK_NS;
	assert_true(equal(&a, &b));
	/* where in the tick it expires is not known, so it is no difference */
	b.socks[0].timer_expires += SKT_TICK_NS / 3;
	assert_true(equal(&a, &b));
}

static void notices_rows_that_changed_places(void **state)
{
	uint32_t *order = b.tables[0].order;
	uint32_t first = order[0];

	(void)state;
	order[0] = order[1];
	order[1] = first;
	assert_false(equal(&a, &b));
}

static void notices_a_row_more_or_less(void **state)
{
	(void)state;
	b.tables[0].n_rows--;
	assert_false(equal(&a, &b));
	b.tables[0].n_rows++;
	scene_add(&b, b.socks[1]);
	scene_end(&b);
	assert_false(equal(&a, &b));
}

static void notices_a_raw_line_more_or_less(void **state)
{
	(void)state;
	b.tables[0].n_raw--;
	assert_false(equal(&a, &b));
	b.tables[0].n_raw++;
	skt_table_add_raw(&b.tables[1], 1, scene_string(&b, "more"));
	assert_false(equal(&a, &b));
}

static void notices_a_table_more_or_less(void **state)
{
	(void)state;
	b.tables[1].gone = true;
	assert_false(equal(&a, &b));
	b.tables[1].gone = false;
	scene_table(&b, SKT_RAW, 4026531840);
	assert_false(equal(&a, &b));
	/* as many as a has, but others */
	b.tables[1].gone = true;
	assert_false(equal(&a, &b));
}

static void notices_a_process_more_or_less(void **state)
{
	uint32_t more = scene_process(&b, 102, 5002, "more");

	(void)state;
	assert_false(equal(&a, &b));
	/* it has exited and nothing names it: it is not part of the snapshot */
	b.processes[more].exited = true;
	assert_true(equal(&a, &b));
}

static void notices_another_user(void **state)
{
	(void)state;
	skt_snapshot_add_user(&b, 33, scene_string(&b, "http"));
	assert_false(equal(&a, &b));
	skt_snapshot_add_user(&b, 33, scene_string(&b, "www-data"));
	assert_true(equal(&a, &b));
	skt_snapshot_add_user(&b, 34, scene_string(&b, "backup"));
	assert_false(equal(&a, &b));
	b.n_users--;
	b.users[1].uid = 34;
	assert_false(equal(&a, &b));
}

static void strings_that_share_a_beginning_differ(void **state)
{
	uint32_t longer, nul;

	(void)state;
	assert_int_equal(skt_strtab_add(b.strings, "nginx: master\0", 14, &longer), 0);
	assert_int_equal(skt_strtab_add(b.strings, "nginx: mast", 11, &nul), 0);
	b.processes[0].cmdline = longer;
	assert_false(equal(&a, &b));
	b.processes[0].cmdline = nul;
	assert_false(equal(&a, &b));
}

static void slots_and_string_ids_do_not_matter(void **state)
{
	struct skt_snapshot c;
	struct skt_owner owners[2];
	struct skt_table table;
	struct skt_process process;
	struct skt_sock sock;
	uint32_t slots[2], slot;

	(void)state;
	/* a once more, everything in reverse, with free slots and strings of nobody in between */
	scene_begin(&c, NULL, 1);
	scene_string(&c, "nobody's");
	scene_string(&c, "www-data");
	c.missed = a.missed;
	c.quality = a.quality;
	skt_snapshot_add_user(&c, 33, scene_string(&c, "www-data"));
	skt_snapshot_add_user(&c, 0, scene_string(&c, "root"));
	slot = scene_process(&c, 1, 1, "exited long ago");
	c.processes[slot].exited = true;
	for (int i = 1; i >= 0; i--) {
		process = a.processes[i];
		process.comm = scene_string(&c, i ? "worker" : "nginx");
		process.exe = scene_string(&c, "/usr/bin/program");
		process.cmdline = scene_string(&c, "nginx: master");
		process.cgroup = scene_string(&c, "0::/system.slice");
		assert_int_equal(skt_snapshot_add_process(&c, &process, &slots[i]), 0);
	}
	scene_table(&c, SKT_TCP6, 1);
	c.tables[0].gone = true;
	for (int i = 1; i >= 0; i--) {
		table = a.tables[i];
		table.heading = scene_string(&c, "  sl  local_address rem_address   st");
		assert_int_equal(skt_snapshot_add_table(&c, &table, &slot), 0);
	}
	skt_table_add_raw(&c.tables[2], 0, scene_string(&c, "what is this"));
	skt_table_add_raw(&c.tables[2], 1, scene_string(&c, "and that"));
	sock = a.socks[2];
	sock.table = 1;
	scene_add(&c, sock);
	sock.table = SKT_NO_TABLE;
	scene_add(&c, sock);
	c.live_socks--;
	owners[0] = (struct skt_owner){ .process = slots[0], .fd = 6 };
	owners[1] = (struct skt_owner){ .process = slots[1], .fd = 7 };
	for (int i = 0; i < 2; i++) {
		sock = a.socks[i];
		sock.table = 2;
		sock.n_owners = 0;
		sock.tail = i ? 0 : scene_string(&c, "tail");
		sock.text = i ? 0 : scene_string(&c, "text");
		slot = scene_add(&c, sock);
		owners[0].fd = i ? 9 : 6;
		scene_own(&c, slot, owners, i ? 1 : 2);
	}
	scene_end(&c);
	assert_true(equal(&a, &c));
	skt_snapshot_release(&c);
}

static void a_random_snapshot_is_equal_to_its_copy_and_to_no_other(void **state)
{
	struct random_world world = { .rows = 8 };
	struct skt_snapshot nothing, one, two, copy;

	(void)state;
	assert_int_equal(skt_snapshot_init(&nothing, NULL, 1), 0);
	for (uint64_t seed = 1; seed < 200; seed++) {
		struct random random = { .state = seed };

		random_snapshot(&random, &world, &nothing, NULL, &one);
		random_snapshot(&random, &world, &nothing, NULL, &two);
		assert_int_equal(skt_snapshot_copy(&one, &copy), 0);
		assert_true(equal(&one, &copy));
		assert_false(equal(&one, &two));
		skt_snapshot_release(&one);
		skt_snapshot_release(&two);
		skt_snapshot_release(&copy);
	}
	skt_snapshot_release(&nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(notices_every_bit_of_the_header, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notices_every_bit_of_a_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notices_every_bit_of_a_raw_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notices_every_bit_of_a_row, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notices_every_bit_of_a_process, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notices_another_owner, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notices_another_count_of_ticks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notices_rows_that_changed_places, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notices_a_row_more_or_less, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notices_a_raw_line_more_or_less, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notices_a_table_more_or_less, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notices_a_process_more_or_less, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notices_another_user, set_up, tear_down),
		cmocka_unit_test_setup_teardown(strings_that_share_a_beginning_differ, set_up, tear_down),
		cmocka_unit_test_setup_teardown(slots_and_string_ids_do_not_matter, set_up, tear_down),
		cmocka_unit_test(a_random_snapshot_is_equal_to_its_copy_and_to_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
