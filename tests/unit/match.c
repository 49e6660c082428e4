/* SPDX-License-Identifier: MIT */
#include "naive.h"
#include "two.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * The rules of identity one by one, with what must come out written by hand. Each test fills two snapshots, a second
 * apart, and calls go(), which also asks the naive reference.
 */

static int set_up(void **state)
{
	(void)state;
	two_begin();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	two_end();
	return 0;
}

/* From a to b: afterwards a is b, completed. */
static void go(void)
{
	char why[256];

	scene_end(&b);
	if (!a.tables[0].order)
		scene_end(&a);
	if (!naive_agrees(matcher, &a, &b, false, &step, why, sizeof(why)))
		fail_msg("%s", why);
}

/* b is done with; the next one is of this second. */
static void next(int64_t second)
{
	skt_snapshot_release(&b);
	scene_begin(&b, NULL, second);
}

static const struct skt_sock_change *change_of(uint32_t slot)
{
	for (size_t i = 0; i < step.n_socks; i++)
		if (step.socks[i].slot == slot)
			return &step.socks[i];
	return NULL;
}

static const struct skt_process_change *process_change_of(uint32_t slot)
{
	for (size_t i = 0; i < step.n_processes; i++)
		if (step.processes[i].slot == slot)
			return &step.processes[i];
	return NULL;
}

static void assert_change(uint32_t slot, enum skt_change wanted)
{
	const struct skt_sock_change *change = change_of(slot);

	if (!change)
		fail_msg("slot %u has no change", slot);
	assert_string_equal(skt_change_name(change->change), skt_change_name(wanted));
}

static void assert_changed(uint32_t slot, uint32_t fields)
{
	assert_change(slot, SKT_CHANGED);
	assert_int_equal(change_of(slot)->fields, fields);
}

/* The row is gone and another came in its place: they are not one. */
static void assert_replaced(uint32_t slot)
{
	assert_change(slot, SKT_CLOSED);
	assert_int_equal(step.n_socks, 2);
}

static void two_rows(struct skt_sock old, struct skt_sock now)
{
	scene_add(&a, old);
	scene_add(&b, now);
	go();
}

#define F(name) SKT_BIT(SKT_F_##name)

/* --- one row --- */

static void a_row_that_stays_is_no_change(void **state)
{
	(void)state;
	two_rows(scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
	assert_int_equal(step.n_socks, 0);
	assert_int_equal(step.n_edits, 0);
}

static void a_row_that_is_gone_has_closed(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
	go();
	assert_change(0, SKT_CLOSED);
	assert_int_equal(change_of(0)->before.inode, 7);
	assert_int_equal(change_of(0)->now.inode, 0);
}

static void a_row_that_is_new_has_opened(void **state)
{
	(void)state;
	scene_add(&b, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
	go();
	assert_change(0, SKT_OPENED);
	assert_int_equal(change_of(0)->before.inode, 0);
	assert_int_equal(change_of(0)->now.inode, 7);
}

static void a_row_of_the_first_snapshot_is_present(void **state)
{
	char why[256];

	(void)state;
	skt_snapshot_release(&a);
	assert_int_equal(skt_snapshot_init(&a, NULL, 1), 0);
	scene_add(&b, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
	scene_end(&b);
	if (!naive_agrees(matcher, &a, &b, true, &step, why, sizeof(why)))
		fail_msg("%s", why);
	assert_change(0, SKT_PRESENT);
	assert_true(change_of(0)->after == INT64_MIN);
	assert_true(step.from == INT64_MIN);
}

static void each_column_is_a_change_of_its_own(void **state)
{
	struct skt_sock old = scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), now = old;

	(void)state;
	now.tx_queue = 1;
	scene_add(&a, old);
	scene_add(&b, now);
	now = old;
	now.local_port = old.local_port = 81;
	now.probes = -1;
	now.drops = 5;
	now.has |= F(DROPS);
	scene_add(&a, old);
	scene_add(&b, now);
	go();
	assert_changed(0, F(TX_QUEUE));
	assert_changed(1, F(PROBES) | F(DROPS) | F(HAS));
	assert_int_equal(change_of(1)->before.probes, 0);
	assert_int_equal(change_of(1)->now.probes, -1);
}

static void either_end_makes_another_socket(void **state)
{
	struct skt_sock old = scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), now = old;

	(void)state;
	now.remote_address[3] = 9;
	scene_add(&a, old);
	scene_add(&b, now);
	now = old;
	now.local_address[15] = 9;
	scene_add(&b, now);
	now = old;
	now.remote_port++;
	scene_add(&b, now);
	now = old;
	now.local_port++;
	scene_add(&b, now);
	go();
	assert_change(0, SKT_CLOSED);
	for (uint32_t slot = 1; slot < 5; slot++)
		assert_change(slot, SKT_OPENED);
}

static void another_inode_makes_another_socket(void **state)
{
	(void)state;
	two_rows(scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), scene_sock(80, 5000, 8, 0xa, SKT_ESTABLISHED));
	assert_replaced(0);
}

static void inodes_may_exceed_32_bits(void **state)
{
	uint64_t big = (UINT64_C(1) << 32) + 7;

	(void)state;
	two_rows(scene_sock(80, 5000, 7, 0, SKT_ESTABLISHED), scene_sock(80, 5000, big, 0, SKT_ESTABLISHED));
	assert_replaced(0);
}

static void an_unequal_sk_disproves_nothing(void **state)
{
	(void)state;
	two_rows(scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), scene_sock(80, 5000, 7, 0xb, SKT_ESTABLISHED));
	assert_changed(0, F(SK));
}

static void an_sk_that_is_told_no_more_disproves_nothing(void **state)
{
	(void)state;
	two_rows(scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), scene_sock(80, 5000, 7, 0, SKT_ESTABLISHED));
	assert_changed(0, F(SK));
}

/* --- an inode lost --- */

static void an_orphan_is_the_connection_that_lost_its_inode(void **state)
{
	(void)state;
	scene_add_held(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), scene_process(&a, 100, 1, "nginx"), 3);
	scene_add(&b, scene_sock(80, 5000, 0, 0xa, SKT_FIN_WAIT1));
	scene_process(&b, 100, 1, "nginx");
	go();
	assert_changed(0, F(INODE) | F(STATE) | F(OWNER));
	assert_int_equal(a.socks[0].owner, SKT_OWNER_CARRIED);
	assert_int_equal(a.socks[0].n_owners, 1);
	assert_int_equal(a.owners[a.socks[0].first_owner].fd, 3);
	assert_int_equal(a.processes[a.owners[a.socks[0].first_owner].process].pid, 100);
}

static void time_wait_is_a_new_kernel_object_of_the_same_connection(void **state)
{
	struct skt_sock now = scene_sock(80, 5000, 0, 0xfff, SKT_TIME_WAIT);

	(void)state;
	now.uid = 0;
	scene_add_held(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), scene_process(&a, 100, 1, "nginx"), 3);
	scene_add(&b, now);
	go();
	assert_changed(0, F(INODE) | F(STATE) | F(SK) | F(OWNER));
	assert_int_equal(a.socks[0].owner, SKT_OWNER_CARRIED);
}

static void a_carried_socket_names_a_process_that_has_exited(void **state)
{
	(void)state;
	scene_add_held(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), scene_process(&a, 100, 1, "nginx"), 3);
	scene_add(&b, scene_sock(80, 5000, 0, 0xb, SKT_TIME_WAIT));
	go();
	assert_int_equal(process_change_of(0)->change, SKT_PROCESS_EXITED);
	assert_true(a.processes[0].exited);
	assert_non_null(skt_snapshot_process(&a, 100, 1));
	/* and so on, while the row stays */
	next(2);
	scene_table(&b, SKT_TCP, 1);
	scene_add(&b, scene_sock(80, 5000, 0, 0xb, SKT_TIME_WAIT));
	go();
	assert_int_equal(step.n_socks, 0);
	assert_int_equal(step.n_processes, 0);
	assert_int_equal(a.socks[0].owner, SKT_OWNER_CARRIED);
	assert_non_null(skt_snapshot_process(&a, 100, 1));
	/* until it closes */
	next(3);
	scene_table(&b, SKT_TCP, 1);
	go();
	assert_change(0, SKT_CLOSED);
	assert_null(skt_snapshot_process(&a, 100, 1));
}

/*
 * The table was read while the socket was open, its holder's descriptors after it had closed it: nobody is known to
 * hold it.
 */
static void look_between(int64_t second, unsigned owner)
{
	next(second);
	scene_table(&b, SKT_TCP, 1);
	scene_add(&b, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
	b.socks[0].owner = (uint8_t)owner;
	go();
	assert_int_equal(a.socks[0].n_owners, 0);
}

static void orphan(int64_t second)
{
	next(second);
	scene_table(&b, SKT_TCP, 1);
	scene_add(&b, scene_sock(80, 5000, 0, 0xa, SKT_FIN_WAIT1));
	go();
}

static void who_closed_it_between_two_reads_carries_it(void **state)
{
	(void)state;
	scene_add_held(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), scene_process(&a, 100, 1, "nginx"), 3);
	look_between(1, SKT_OWNER_UNKNOWN);
	/* it has exited, and nothing names it for the moment */
	assert_null(skt_snapshot_process(&a, 100, 1));
	look_between(2, SKT_OWNER_UNKNOWN);
	orphan(3);
	assert_changed(0, F(INODE) | F(STATE) | F(OWNER) | F(OWNERS));
	assert_int_equal(a.socks[0].owner, SKT_OWNER_CARRIED);
	assert_int_equal(a.socks[0].n_owners, 1);
	assert_int_equal(a.owners[a.socks[0].first_owner].fd, 3);
	assert_non_null(skt_snapshot_process(&a, 100, 1));
	/* and goes on to, with nothing said again */
	orphan(4);
	assert_int_equal(step.n_socks, 0);
}

static void what_was_found_to_be_held_by_nobody_is_not_carried(void **state)
{
	(void)state;
	scene_add_held(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), scene_process(&a, 100, 1, "nginx"), 3);
	look_between(1, SKT_OWNER_UNKNOWN);
	look_between(2, SKT_OWNER_UNHELD);
	orphan(3);
	assert_int_equal(a.socks[0].owner, SKT_OWNER_DETACHED);
	assert_int_equal(a.socks[0].n_owners, 0);
}

static void the_last_of_several_holders_carries_it(void **state)
{
	struct skt_owner owners[2];

	(void)state;
	owners[0] = (struct skt_owner){ scene_process(&a, 100, 1, "nginx"), 3 };
	owners[1] = (struct skt_owner){ scene_process(&a, 101, 1, "worker"), 4 };
	scene_own(&a, scene_add(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED)), owners, 2);
	next(1);
	scene_table(&b, SKT_TCP, 1);
	scene_add_held(&b, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), scene_process(&b, 101, 1, "worker"), 4);
	go();
	look_between(2, SKT_OWNER_UNKNOWN);
	orphan(3);
	assert_int_equal(a.socks[0].n_owners, 1);
	assert_int_equal(a.processes[a.owners[a.socks[0].first_owner].process].pid, 101);
}

static void gaps_are_carried_with_the_owners(void **state)
{
	(void)state;
	scene_add_held(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), scene_process(&a, 100, 1, "nginx"), 3);
	a.socks[0].owner_gaps = SKT_GAP_DENIED;
	scene_add(&b, scene_sock(80, 5000, 0, 0xa, SKT_FIN_WAIT2));
	b.socks[0].owner_gaps = SKT_GAP_UNSEARCHED;
	scene_process(&b, 100, 1, "nginx");
	go();
	assert_int_equal(a.socks[0].owner_gaps, SKT_GAP_DENIED);
}

static void what_nobody_held_is_not_carried(void **state)
{
	(void)state;
	two_rows(scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), scene_sock(80, 5000, 0, 0xa, SKT_FIN_WAIT1));
	assert_changed(0, F(INODE) | F(STATE) | F(OWNER));
	assert_int_equal(a.socks[0].owner, SKT_OWNER_DETACHED);
}

static void an_accepted_connection_has_not_lost_its_inode_while_open(void **state)
{
	static const uint8_t states[] = { SKT_ESTABLISHED, SKT_SYN_RECV, SKT_NEW_SYN_RECV,
					  SKT_CLOSE_WAIT,  SKT_SYN_SENT, SKT_LISTEN };

	(void)state;
	/* these are the client's next connection, from the same port, which nobody has accepted yet */
	for (uint16_t i = 0; i < sizeof(states); i++) {
		scene_add(&a, scene_sock(80, 5000 + i, 7 + i, 0, SKT_ESTABLISHED));
		scene_add(&b, scene_sock(80, 5000 + i, 0, 0, states[i]));
	}
	go();
	for (uint32_t slot = 0; slot < sizeof(states); slot++)
		assert_change(slot, SKT_CLOSED);
	assert_int_equal(step.n_socks, 2 * sizeof(states));
}

static void every_state_after_close_may_be_an_orphans(void **state)
{
	static const uint8_t states[] = { SKT_FIN_WAIT1, SKT_FIN_WAIT2, SKT_CLOSING,
					  SKT_LAST_ACK,	 SKT_TIME_WAIT, SKT_CLOSE };

	(void)state;
	for (uint16_t i = 0; i < sizeof(states); i++) {
		scene_add(&a, scene_sock(80, 5000 + i, 7 + i, 0, SKT_ESTABLISHED));
		scene_add(&b, scene_sock(80, 5000 + i, 0, 0, states[i]));
	}
	go();
	for (uint32_t slot = 0; slot < sizeof(states); slot++)
		assert_change(slot, SKT_CHANGED);
	assert_int_equal(step.n_socks, sizeof(states));
}

static void of_two_that_may_have_lost_it_neither_has(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(80, 5000, 7, 0, SKT_ESTABLISHED));
	scene_add(&a, scene_sock(80, 5000, 8, 0, SKT_ESTABLISHED));
	scene_add(&b, scene_sock(80, 5000, 0, 0, SKT_FIN_WAIT1));
	go();
	assert_change(0, SKT_CLOSED);
	assert_change(1, SKT_CLOSED);
	assert_change(2, SKT_OPENED);
}

static void of_two_orphans_of_one_neither_is_it(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(80, 5000, 7, 0, SKT_ESTABLISHED));
	scene_add(&b, scene_sock(80, 5000, 0, 0, SKT_FIN_WAIT1));
	scene_add(&b, scene_sock(80, 5000, 0, 0, SKT_TIME_WAIT));
	go();
	assert_change(0, SKT_CLOSED);
	assert_int_equal(step.n_socks, 3);
}

static void sk_decides_between_two_that_may_have_lost_it(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
	scene_add(&a, scene_sock(80, 5000, 8, 0xb, SKT_ESTABLISHED));
	scene_add(&b, scene_sock(80, 5000, 0, 0xb, SKT_FIN_WAIT1));
	go();
	assert_change(0, SKT_CLOSED);
	assert_changed(1, F(INODE) | F(STATE) | F(OWNER));
}

static void sk_decides_between_two_orphans(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
	scene_add(&b, scene_sock(80, 5000, 0, 0xb, SKT_FIN_WAIT1));
	scene_add(&b, scene_sock(80, 5000, 0, 0xa, SKT_FIN_WAIT1));
	go();
	assert_changed(0, F(INODE) | F(STATE) | F(OWNER));
	assert_int_equal(a.socks[0].sk, 0xa);
	assert_int_equal(step.n_socks, 2);
}

static void one_whose_inode_is_still_there_is_no_candidate(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(80, 5000, 7, 0, SKT_ESTABLISHED));
	scene_add(&a, scene_sock(80, 5000, 8, 0, SKT_ESTABLISHED));
	scene_add(&b, scene_sock(80, 5000, 0, 0, SKT_FIN_WAIT1));
	scene_add(&b, scene_sock(80, 5000, 8, 0, SKT_ESTABLISHED));
	go();
	assert_changed(0, F(INODE) | F(STATE) | F(OWNER));
	assert_null(change_of(1));
}

/* --- an inode gained --- */

static void an_accepted_connection_has_gained_its_inode(void **state)
{
	uint32_t server;

	(void)state;
	scene_add(&a, scene_sock(80, 5000, 0, 0xa, SKT_ESTABLISHED));
	a.socks[0].owner = SKT_OWNER_QUEUED;
	server = scene_process(&b, 100, 1, "nginx");
	scene_add_held(&b, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), server, 12);
	go();
	assert_changed(0, F(INODE) | F(OWNER) | F(OWNERS));
	assert_int_equal(a.socks[0].owner, SKT_OWNER_HELD);
	assert_int_equal(a.socks[0].n_owners, 1);
}

static void a_handshake_becomes_the_connection(void **state)
{
	(void)state;
	/* a request is another kernel object than the connection that grows from it */
	two_rows(scene_sock(80, 5000, 0, 0xa, SKT_SYN_RECV), scene_sock(80, 5000, 7, 0xb, SKT_ESTABLISHED));
	assert_changed(0, F(INODE) | F(STATE) | F(SK) | F(OWNER));
}

static void a_handshake_becomes_the_queued_connection(void **state)
{
	(void)state;
	two_rows(scene_sock(80, 5000, 0, 0xa, SKT_SYN_RECV), scene_sock(80, 5000, 0, 0xb, SKT_ESTABLISHED));
	assert_changed(0, F(STATE) | F(SK));
}

static void a_connection_closed_by_its_peer_can_still_be_accepted(void **state)
{
	(void)state;
	two_rows(scene_sock(80, 5000, 0, 0, SKT_CLOSE_WAIT), scene_sock(80, 5000, 7, 0, SKT_CLOSE_WAIT));
	assert_changed(0, F(INODE) | F(OWNER));
}

static void an_orphan_gains_no_inode(void **state)
{
	static const uint8_t states[] = { SKT_FIN_WAIT1, SKT_FIN_WAIT2, SKT_CLOSING, SKT_LAST_ACK, SKT_TIME_WAIT };

	(void)state;
	for (uint16_t i = 0; i < sizeof(states); i++) {
		scene_add(&a, scene_sock(80, 5000 + i, 0, 0xa, states[i]));
		scene_add(&b, scene_sock(80, 5000 + i, 7, 0xa, SKT_ESTABLISHED));
	}
	go();
	for (uint32_t slot = 0; slot < sizeof(states); slot++)
		assert_change(slot, SKT_CLOSED);
}

static void of_two_that_may_have_gained_it_neither_has(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(80, 5000, 0, 0, SKT_ESTABLISHED));
	scene_add(&a, scene_sock(80, 5000, 0, 0, SKT_SYN_RECV));
	scene_add(&b, scene_sock(80, 5000, 7, 0, SKT_ESTABLISHED));
	go();
	assert_change(0, SKT_CLOSED);
	assert_change(1, SKT_CLOSED);
	assert_change(2, SKT_OPENED);
}

static void sk_decides_between_two_that_may_have_gained_it(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(80, 5000, 0, 0xa, SKT_ESTABLISHED));
	scene_add(&a, scene_sock(80, 5000, 0, 0xb, SKT_SYN_RECV));
	scene_add(&b, scene_sock(80, 5000, 7, 0xb, SKT_ESTABLISHED));
	go();
	assert_change(0, SKT_CLOSED);
	assert_changed(1, F(INODE) | F(STATE) | F(OWNER));
}

static void of_two_with_an_inode_neither_has_gained_it(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(80, 5000, 0, 0, SKT_ESTABLISHED));
	scene_add(&b, scene_sock(80, 5000, 7, 0, SKT_ESTABLISHED));
	scene_add(&b, scene_sock(80, 5000, 8, 0, SKT_ESTABLISHED));
	go();
	assert_change(0, SKT_CLOSED);
	assert_int_equal(step.n_socks, 3);
}

/* --- TIME_WAIT --- */

static void nothing_follows_time_wait(void **state)
{
	(void)state;
	/* not even the same kernel pointer, which was given out again */
	two_rows(scene_sock(80, 5000, 0, 0xa, SKT_TIME_WAIT), scene_sock(80, 5000, 0, 0xa, SKT_ESTABLISHED));
	assert_replaced(0);
}

static void time_wait_stays_beside_a_new_connection_of_the_same_ends(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(80, 5000, 0, 0xa, SKT_TIME_WAIT));
	scene_add(&b, scene_sock(80, 5000, 0, 0xc, SKT_SYN_RECV));
	scene_add(&b, scene_sock(80, 5000, 0, 0xb, SKT_TIME_WAIT));
	go();
	assert_changed(0, F(SK));
	assert_change(1, SKT_OPENED);
	assert_int_equal(a.socks[1].state, SKT_SYN_RECV);
}

static void time_wait_comes_from_time_wait_before_it_comes_from_an_orphan(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(80, 5000, 0, 0, SKT_FIN_WAIT2));
	scene_add(&a, scene_sock(80, 5000, 0, 0, SKT_TIME_WAIT));
	scene_add(&b, scene_sock(80, 5000, 0, 0, SKT_TIME_WAIT));
	go();
	assert_change(0, SKT_CLOSED);
	assert_null(change_of(1));
}

static void a_connection_ends_in_time_wait_while_its_successor_begins(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
	scene_add(&b, scene_sock(80, 5000, 9, 0xc, SKT_ESTABLISHED));
	scene_add(&b, scene_sock(80, 5000, 0, 0xb, SKT_TIME_WAIT));
	go();
	assert_change(0, SKT_CHANGED);
	assert_int_equal(a.socks[0].state, SKT_TIME_WAIT);
	assert_change(1, SKT_OPENED);
	assert_int_equal(a.socks[1].inode, 9);
}

static void an_orphan_ends_in_time_wait(void **state)
{
	(void)state;
	two_rows(scene_sock(80, 5000, 0, 0xa, SKT_FIN_WAIT2), scene_sock(80, 5000, 0, 0xb, SKT_TIME_WAIT));
	assert_changed(0, F(STATE) | F(SK));
}

/* --- twins --- */

static void reuseport_listeners_are_told_apart_by_inode(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 4; i++)
		scene_add(&a, scene_sock(80, 0, 10 + i, 0, SKT_LISTEN));
	/* the first is gone, the others stand in another order */
	for (uint64_t i = 3; i > 0; i--)
		scene_add(&b, scene_sock(80, 0, 10 + i, 0, SKT_LISTEN));
	go();
	assert_change(0, SKT_CLOSED);
	assert_int_equal(step.n_socks, 1);
}

static void twins_of_one_inode_are_told_apart_by_sk(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(80, 0, 7, 0xa, SKT_LISTEN));
	scene_add(&a, scene_sock(80, 0, 7, 0xb, SKT_LISTEN));
	scene_add(&a, scene_sock(80, 0, 7, 0xc, SKT_LISTEN));
	scene_add(&b, scene_sock(80, 0, 7, 0xc, SKT_LISTEN));
	scene_add(&b, scene_sock(80, 0, 7, 0xa, SKT_LISTEN));
	go();
	assert_change(1, SKT_CLOSED);
	assert_int_equal(step.n_socks, 1);
}

static void twins_without_sk_are_paired_in_order(void **state)
{
	struct skt_sock sock = scene_sock(80, 0, 7, 0, SKT_LISTEN);

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		sock.rx_queue = i;
		scene_add(&a, sock);
	}
	for (uint32_t i = 0; i < 2; i++) {
		sock.rx_queue = i;
		scene_add(&b, sock);
	}
	go();
	assert_change(2, SKT_CLOSED);
	assert_int_equal(step.n_socks, 1);
}

/* Where the rows before them are others, walking side by side must not pair the second with the first. */
static void twins_without_sk_are_paired_in_order_wherever_they_stand(void **state)
{
	struct skt_sock twin = scene_sock(80, 0, 7, 0, SKT_LISTEN);

	(void)state;
	for (uint16_t shift = 0; shift < 30; shift++) {
		for (uint32_t i = 0; i < 2; i++) {
			twin.rx_queue = i;
			scene_add(&a, twin);
		}
		for (uint16_t i = 0; i < shift; i++)
			scene_add(&b, scene_sock(81, i, 100 + i, 0, SKT_ESTABLISHED));
		for (uint32_t i = 0; i < 2; i++) {
			twin.rx_queue = i;
			scene_add(&b, twin);
		}
		go();
		assert_null(change_of(0));
		assert_null(change_of(1));
		tear_down(NULL);
		set_up(NULL);
	}
}

static void a_twin_that_tells_its_sk_does_not_take_the_place_of_one_that_does_not(void **state)
{
	struct skt_sock with = scene_sock(80, 0, 7, 0xa, SKT_LISTEN), without = scene_sock(80, 0, 7, 0, SKT_LISTEN);

	(void)state;
	scene_add(&a, with);
	scene_add(&a, without);
	scene_add(&b, without);
	scene_add(&b, with);
	go();
	assert_int_equal(step.n_socks, 0);
	assert_int_equal(step.n_puts, 1);
}

static void udp_sockets_of_the_same_ends_are_told_apart_by_inode(void **state)
{
	uint32_t t = scene_table(&a, SKT_UDP, 1);

	(void)state;
	assert_int_equal(scene_table(&b, SKT_UDP, 1), t);
	for (uint64_t inode = 20; inode < 25; inode++) {
		struct skt_sock sock = scene_sock(5353, 0, inode, 0, SKT_CLOSE);

		sock.table = t;
		scene_add(&a, sock);
		sock.inode = 44 - inode; /* the same, from the last to the first */
		scene_add(&b, sock);
	}
	go();
	assert_int_equal(step.n_socks, 0);
	assert_int_equal(step.n_puts, 4);
}

static void rows_without_inode_on_both_sides_are_paired_in_order(void **state)
{
	struct skt_sock sock = scene_sock(80, 5000, 0, 0, SKT_SYN_RECV);

	(void)state;
	scene_add(&a, sock);
	sock.retransmits = 1;
	scene_add(&a, sock);
	scene_add(&b, scene_sock(80, 5000, 0, 0, SKT_ESTABLISHED));
	scene_add(&b, scene_sock(80, 5000, 0, 0, SKT_ESTABLISHED));
	go();
	assert_changed(0, F(STATE));
	assert_changed(1, F(STATE) | F(RETRANSMITS));
}

static void rows_without_inode_are_paired_by_sk_first(void **state)
{
	(void)state;
	scene_add(&a, scene_sock(80, 5000, 0, 0xa, SKT_SYN_RECV));
	scene_add(&a, scene_sock(80, 5000, 0, 0xb, SKT_SYN_RECV));
	scene_add(&b, scene_sock(80, 5000, 0, 0xb, SKT_SYN_RECV));
	scene_add(&b, scene_sock(80, 5000, 0, 0xc, SKT_SYN_RECV));
	go();
	assert_changed(0, F(SK));
	assert_null(change_of(1));
}

/* --- tables --- */

static void the_same_row_in_another_table_is_another_socket(void **state)
{
	struct skt_sock sock = scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED);

	(void)state;
	scene_table(&a, SKT_TCP6, 1);
	scene_table(&a, SKT_TCP, 2);
	scene_table(&b, SKT_TCP6, 1);
	scene_table(&b, SKT_TCP, 2);
	scene_add(&a, sock);
	sock.table = 1;
	scene_add(&b, sock);
	sock.table = 2;
	scene_add(&b, sock);
	go();
	assert_change(0, SKT_CLOSED);
	assert_change(1, SKT_OPENED);
	assert_change(2, SKT_OPENED);
}

static void tables_are_known_by_kind_and_namespace_not_by_place(void **state)
{
	struct skt_sock sock = scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED);

	(void)state;
	scene_table(&a, SKT_UDP, 1);
	scene_table(&a, SKT_TCP, 2);
	skt_snapshot_release(&b);
	scene_begin(&b, NULL, 1);
	scene_table(&b, SKT_TCP, 2);
	scene_table(&b, SKT_UDP, 1);
	scene_table(&b, SKT_TCP, 1);
	for (uint32_t i = 0; i < 3; i++) {
		sock.table = i;
		scene_add(&a, sock);
		scene_add(&b, sock);
	}
	go();
	assert_int_equal(step.n_socks, 0);
	assert_int_equal(step.n_edits, 0);
}

static void unknown(struct skt_snapshot *s, uint32_t table, int32_t error)
{
	s->tables[table].status = SKT_TABLE_UNKNOWN;
	s->tables[table].error = error;
	s->tables[table].heading = 0;
	s->tables[table].read_time = 0;
	s->tables[table].read_us = 0;
}

static void a_table_that_was_not_read_keeps_its_rows(void **state)
{
	int64_t read = a.tables[0].read_time;

	(void)state;
	scene_add_held(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), scene_process(&a, 100, 1, "nginx"), 3);
	unknown(&b, 0, -13);
	go();
	assert_int_equal(step.n_socks, 0);
	assert_int_equal(a.tables[0].n_rows, 1);
	assert_int_equal(a.tables[0].status, SKT_TABLE_STALE);
	assert_int_equal(a.tables[0].error, -13);
	assert_true(a.tables[0].read_time == read);
	/* its holder has gone meanwhile, and is remembered as long as the row is */
	assert_true(a.processes[0].exited);
	assert_non_null(skt_snapshot_process(&a, 100, 1));
	/* still not: nothing is said twice */
	next(2);
	scene_table(&b, SKT_TCP, 1);
	unknown(&b, 0, -13);
	go();
	assert_int_equal(step.n_tables, 0);
	/* known again: what happened, happened since the last good read */
	next(3);
	scene_table(&b, SKT_TCP, 1);
	scene_add(&b, scene_sock(80, 5001, 8, 0xb, SKT_ESTABLISHED));
	go();
	assert_change(0, SKT_CLOSED);
	assert_change(1, SKT_OPENED);
	for (uint32_t slot = 0; slot < 2; slot++) {
		assert_true(change_of(slot)->after == read);
		assert_true(change_of(slot)->until == b.tables[0].read_time + 1000 * 1000);
	}
	assert_int_equal(a.tables[0].status, SKT_TABLE_FRESH);
	assert_int_equal(a.tables[0].error, 0);
}

/* A kernel that is replaced, or a tree that is tampered with: another heading, under which no line is a row. */
static void lines_under_another_heading_are_kept_beside_the_rows_of_before(void **state)
{
	int64_t read = a.tables[0].read_time;
	size_t len;

	(void)state;
	scene_add(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
	skt_table_add_raw(&a.tables[0], 1, scene_string(&a, "odd line"));
	for (int again = 0; again < 2; again++) {
		unknown(&b, 0, -74);
		b.tables[0].heading = scene_string(&b, "other heading");
		b.tables[0].malformed = 2;
		skt_table_add_raw(&b.tables[0], 0, scene_string(&b, "one"));
		skt_table_add_raw(&b.tables[0], 0, scene_string(&b, "two"));
		go();
		/* the second time nothing is new */
		assert_int_equal(step.n_tables, !again);
		assert_int_equal(step.n_socks, 0);
		assert_int_equal(a.tables[0].n_rows, 1);
		assert_int_equal(a.tables[0].status, SKT_TABLE_STALE);
		assert_int_equal(a.tables[0].error, -74);
		assert_true(a.tables[0].read_time == read);
		assert_int_equal(a.tables[0].malformed, 2);
		assert_string_equal(skt_strtab_get(a.strings, a.tables[0].heading, &len), "other heading");
		assert_int_equal(a.tables[0].n_raw, 2);
		assert_string_equal(skt_strtab_get(a.strings, a.tables[0].raw[0].text, &len), "one");
		assert_string_equal(skt_strtab_get(a.strings, a.tables[0].raw[1].text, &len), "two");
		next(2 + again);
		scene_table(&b, SKT_TCP, 1);
	}
	/* what cannot be read at all says nothing, and what was said stays */
	unknown(&b, 0, -13);
	go();
	assert_int_equal(a.tables[0].n_raw, 2);
	assert_int_equal(a.tables[0].error, -13);
}

static void what_a_table_holds_when_first_read_was_there_before(void **state)
{
	(void)state;
	unknown(&a, 0, -13);
	scene_add(&b, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
	go();
	assert_change(0, SKT_PRESENT);
	assert_true(change_of(0)->after == INT64_MIN);
	assert_int_equal(a.tables[0].status, SKT_TABLE_FRESH);
}

static void a_table_never_read_stays_unknown(void **state)
{
	(void)state;
	unknown(&a, 0, -13);
	unknown(&b, 0, -2);
	go();
	assert_int_equal(a.tables[0].status, SKT_TABLE_UNKNOWN);
	assert_int_equal(a.tables[0].error, -2);
}

static void the_rows_of_a_table_that_is_gone_are_lost(void **state)
{
	(void)state;
	scene_table(&a, SKT_UDP, 1);
	scene_add(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
	next(1);
	scene_table(&b, SKT_UDP, 1);
	go();
	assert_change(0, SKT_LOST);
	assert_true(change_of(0)->until == b.time);
	assert_true(a.tables[0].gone);
	/*
	 * the namespace is back, or its number was given to another: it is a new table, whose rows may be older than
	 * this look
	 */
	next(2);
	scene_table(&b, SKT_UDP, 1);
	scene_table(&b, SKT_TCP, 1);
	scene_add(&b, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
	b.socks[0].table = 1;
	go();
	assert_change(1, SKT_PRESENT);
	assert_true(change_of(1)->after == INT64_MIN);
	assert_int_equal(a.n_tables, 3);
}

static void a_table_is_told_of_when_it_says_something_else(void **state)
{
	(void)state;
	skt_table_add_raw(&a.tables[0], 0, scene_string(&a, "odd line"));
	skt_table_add_raw(&b.tables[0], 0, scene_string(&b, "odd line"));
	/* read at the same instant, it says the same */
	b.tables[0].read_time = a.tables[0].read_time;
	go();
	assert_int_equal(step.n_tables, 0);
	next(2);
	scene_table(&b, SKT_TCP, 1);
	b.tables[0].read_time = a.tables[0].read_time;
	skt_table_add_raw(&b.tables[0], 0, scene_string(&b, "odder line"));
	go();
	assert_int_equal(step.n_tables, 1);
	assert_true(step.tables[0].raw_changed);
	next(3);
	scene_table(&b, SKT_TCP, 1);
	b.tables[0].heading = scene_string(&b, "another heading");
	b.tables[0].read_time = a.tables[0].read_time;
	skt_table_add_raw(&b.tables[0], 0, scene_string(&b, "odder line"));
	go();
	assert_int_equal(step.n_tables, 1);
	assert_false(step.tables[0].raw_changed);
}

static void any_raw_line_may_be_the_one_that_changed(void **state)
{
	enum { LINES = 5 };

	(void)state;
	for (uint32_t odd = 0; odd < 2 * LINES; odd++) {
		b.tables[0].read_time = a.tables[0].read_time;
		scene_add(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
		scene_add(&b, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
		for (uint32_t i = 0; i < LINES; i++) {
			/* its text is another, or it and those after it stand behind the row instead of before it */
			uint32_t before = odd >= LINES && i >= odd - LINES;

			skt_table_add_raw(&a.tables[0], 0, scene_string(&a, "line"));
			skt_table_add_raw(&b.tables[0], before, scene_string(&b, i == odd ? "odd" : "line"));
		}
		go();
		assert_int_equal(step.n_tables, 1);
		assert_true(step.tables[0].raw_changed);
		tear_down(NULL);
		set_up(NULL);
	}
}

static void a_change_happened_between_two_reads_of_its_table(void **state)
{
	int64_t read = a.tables[0].read_time;

	(void)state;
	a.tables[0].read_us = 700;
	b.tables[0].read_us = 500;
	scene_add(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
	scene_add(&b, scene_sock(80, 5000, 7, 0xa, SKT_CLOSE_WAIT));
	go();
	assert_true(change_of(0)->after == read);
	assert_true(change_of(0)->until == b.tables[0].read_time + 500 * 1000);
}

/* --- processes and owners --- */

static void a_pid_with_another_start_time_is_another_process(void **state)
{
	(void)state;
	scene_process(&a, 100, 1, "old");
	scene_process(&b, 100, 2, "new");
	go();
	assert_int_equal(process_change_of(0)->change, SKT_PROCESS_EXITED);
	assert_int_equal(process_change_of(1)->change, SKT_PROCESS_APPEARED);
	assert_null(skt_snapshot_process(&a, 100, 1));
	assert_non_null(skt_snapshot_process(&a, 100, 2));
}

static void execve_is_noticed(void **state)
{
	(void)state;
	scene_process(&a, 100, 1, "sh");
	scene_process(&b, 100, 1, "nc");
	b.processes[0].exe = scene_string(&b, "/bin/nc");
	go();
	assert_int_equal(process_change_of(0)->change, SKT_PROCESS_EXEC);
	assert_int_equal(process_change_of(0)->fields, SKT_BIT(SKT_P_COMM) | SKT_BIT(SKT_P_EXE));
	assert_string_equal(skt_strtab_get(a.strings, process_change_of(0)->before.comm, NULL), "sh");
	assert_string_equal(skt_strtab_get(a.strings, process_change_of(0)->now.comm, NULL), "nc");
}

static void another_state_is_no_execve(void **state)
{
	(void)state;
	scene_process(&a, 100, 1, "sh");
	scene_process(&b, 100, 1, "sh");
	b.processes[0].state = 'Z';
	b.processes[0].has |= SKT_BIT(SKT_P_STATE);
	go();
	assert_int_equal(process_change_of(0)->change, SKT_PROCESS_CHANGED);
	assert_int_equal(process_change_of(0)->fields, SKT_BIT(SKT_P_STATE));
}

static void what_exited_comes_back_as_another(void **state)
{
	(void)state;
	scene_add_held(&a, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED), scene_process(&a, 100, 1, "nginx"), 3);
	scene_add(&b, scene_sock(80, 5000, 0, 0xa, SKT_FIN_WAIT1));
	go();
	assert_true(a.processes[0].exited);
	/* it was only overlooked: what is carried still names the one that was thought gone */
	for (int64_t second = 2; second < 4; second++) {
		next(second);
		scene_table(&b, SKT_TCP, 1);
		scene_add(&b, scene_sock(80, 5000, 0, 0xa, SKT_FIN_WAIT1));
		scene_add_held(&b, scene_sock(81, 5000, 8, 0xb, SKT_ESTABLISHED), scene_process(&b, 100, 1, "nginx"),
			       4);
		go();
		assert_int_equal(step.n_processes, second == 2);
		assert_int_equal(a.n_processes, 2);
		assert_false(a.processes[1].exited);
	}
}

static void processes_that_exited_in_both_snapshots_may_differ(void **state)
{
	static const uint8_t exited[] = { 0, 1 };

	(void)state;
	/* as two recordings of one host may have it */
	scene_add_held(&a, scene_sock(80, 5000, 0, 0xa, SKT_TIME_WAIT), scene_process(&a, 100, 1, "nginx"), 3);
	scene_add_held(&a, scene_sock(80, 5001, 0, 0xb, SKT_TIME_WAIT), scene_process(&a, 101, 1, "worker"), 3);
	scene_add_held(&b, scene_sock(80, 5000, 0, 0xa, SKT_TIME_WAIT), scene_process(&b, 100, 1, "renamed"), 3);
	scene_add_held(&b, scene_sock(80, 5001, 0, 0xb, SKT_TIME_WAIT), scene_process(&b, 101, 1, "renamed"), 3);
	for (int i = 0; i < 2; i++) {
		a.socks[i].owner = b.socks[i].owner = SKT_OWNER_CARRIED;
		a.processes[i].exited = exited[i];
		b.processes[i].exited = true;
	}
	go();
	assert_int_equal(process_change_of(0)->change, SKT_PROCESS_EXITED);
	assert_int_equal(process_change_of(0)->fields, SKT_BIT(SKT_P_EXITED) | SKT_BIT(SKT_P_COMM));
	assert_int_equal(process_change_of(1)->change, SKT_PROCESS_CHANGED);
}

static void owners_are_compared_one_by_one(void **state)
{
	struct skt_owner owners[3] = { { 0, 3 }, { 1, 4 }, { 1, 5 } }, other;
	uint32_t slot;

	(void)state;
	/* processes stand in other slots: that is no change */
	scene_process(&a, 100, 1, "one");
	scene_process(&a, 101, 1, "two");
	scene_process(&b, 101, 1, "two");
	scene_process(&b, 100, 1, "one");
	for (uint16_t i = 0; i < 4; i++) {
		slot = scene_add(&a, scene_sock(80, 5000 + i, 7 + i, 0xa, SKT_ESTABLISHED));
		scene_own(&a, slot, owners, 2);
	}
	for (int i = 0; i < 3; i++)
		owners[i].process = !owners[i].process;
	/* the same; one more; one less; the two exchanged */
	slot = scene_add(&b, scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED));
	scene_own(&b, slot, owners, 2);
	slot = scene_add(&b, scene_sock(80, 5001, 8, 0xa, SKT_ESTABLISHED));
	scene_own(&b, slot, owners, 3);
	slot = scene_add(&b, scene_sock(80, 5002, 9, 0xa, SKT_ESTABLISHED));
	scene_own(&b, slot, owners, 1);
	other = owners[0];
	owners[0] = owners[1];
	owners[1] = other;
	slot = scene_add(&b, scene_sock(80, 5003, 10, 0xa, SKT_ESTABLISHED));
	scene_own(&b, slot, owners, 2);
	go();
	assert_null(change_of(0));
	for (slot = 1; slot < 4; slot++)
		assert_changed(slot, F(OWNERS));
	assert_int_equal(a.socks[1].n_owners, 3);
	assert_int_equal(a.socks[2].n_owners, 1);
	assert_int_equal(a.owners[a.socks[3].first_owner].fd, 4);
	/* before and now can both still be read */
	assert_int_equal(change_of(2)->before.n_owners, 2);
	assert_int_equal(a.owners[change_of(2)->before.first_owner + 1].fd, 4);
}

static void the_last_holder_gone_is_a_change(void **state)
{
	(void)state;
	scene_add_held(&a, scene_sock(80, 5000, 7, 0xa, SKT_LISTEN), scene_process(&a, 100, 1, "nginx"), 3);
	scene_add(&b, scene_sock(80, 5000, 7, 0xa, SKT_LISTEN));
	go();
	assert_changed(0, F(OWNER) | F(OWNERS));
	assert_null(skt_snapshot_process(&a, 100, 1));
}

static void user_names_once_known_stay_known(void **state)
{
	(void)state;
	skt_snapshot_add_user(&a, 0, scene_string(&a, "root"));
	skt_snapshot_add_user(&a, 33, scene_string(&a, "www-data"));
	skt_snapshot_add_user(&b, 33, scene_string(&b, "http"));
	skt_snapshot_add_user(&b, 0, scene_string(&b, "root"));
	skt_snapshot_add_user(&b, 5, scene_string(&b, "games"));
	go();
	assert_int_equal(step.n_users, 2);
	next(2);
	scene_table(&b, SKT_TCP, 1);
	go();
	assert_int_equal(step.n_users, 0);
	assert_string_equal(skt_snapshot_user(&a, 33, NULL), "http");
	assert_string_equal(skt_snapshot_user(&a, 0, NULL), "root");
}

static void strings_are_looked_up_across_tables(void **state)
{
	static const char *const tails[2][2] = { { "1 2 3", "1 2 3" }, { "x", "y" } };
	struct skt_sock sock = scene_sock(80, 5000, 7, 0xa, SKT_ESTABLISHED);

	(void)state;
	scene_string(&b, "so that ids differ");
	sock.has |= F(TAIL) | F(TEXT);
	for (int i = 0; i < 2; i++) {
		sock.local_port++;
		sock.tail = scene_string(&a, tails[i][0]);
		sock.text = scene_string(&a, "a line");
		scene_add(&a, sock);
		sock.tail = scene_string(&b, tails[i][1]);
		sock.text = scene_string(&b, "a line");
		scene_add(&b, sock);
	}
	go();
	assert_null(change_of(0));
	assert_changed(1, F(TAIL));
	assert_string_equal(skt_strtab_get(a.strings, a.socks[1].tail, NULL), "y");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_row_that_stays_is_no_change),
		TEST(a_row_that_is_gone_has_closed),
		TEST(a_row_that_is_new_has_opened),
		TEST(a_row_of_the_first_snapshot_is_present),
		TEST(each_column_is_a_change_of_its_own),
		TEST(either_end_makes_another_socket),
		TEST(another_inode_makes_another_socket),
		TEST(inodes_may_exceed_32_bits),
		TEST(an_unequal_sk_disproves_nothing),
		TEST(an_sk_that_is_told_no_more_disproves_nothing),
		TEST(an_orphan_is_the_connection_that_lost_its_inode),
		TEST(time_wait_is_a_new_kernel_object_of_the_same_connection),
		TEST(a_carried_socket_names_a_process_that_has_exited),
		TEST(who_closed_it_between_two_reads_carries_it),
		TEST(what_was_found_to_be_held_by_nobody_is_not_carried),
		TEST(the_last_of_several_holders_carries_it),
		TEST(gaps_are_carried_with_the_owners),
		TEST(what_nobody_held_is_not_carried),
		TEST(an_accepted_connection_has_not_lost_its_inode_while_open),
		TEST(every_state_after_close_may_be_an_orphans),
		TEST(of_two_that_may_have_lost_it_neither_has),
		TEST(of_two_orphans_of_one_neither_is_it),
		TEST(sk_decides_between_two_that_may_have_lost_it),
		TEST(sk_decides_between_two_orphans),
		TEST(one_whose_inode_is_still_there_is_no_candidate),
		TEST(an_accepted_connection_has_gained_its_inode),
		TEST(a_handshake_becomes_the_connection),
		TEST(a_handshake_becomes_the_queued_connection),
		TEST(a_connection_closed_by_its_peer_can_still_be_accepted),
		TEST(an_orphan_gains_no_inode),
		TEST(of_two_that_may_have_gained_it_neither_has),
		TEST(sk_decides_between_two_that_may_have_gained_it),
		TEST(of_two_with_an_inode_neither_has_gained_it),
		TEST(nothing_follows_time_wait),
		TEST(time_wait_stays_beside_a_new_connection_of_the_same_ends),
		TEST(time_wait_comes_from_time_wait_before_it_comes_from_an_orphan),
		TEST(a_connection_ends_in_time_wait_while_its_successor_begins),
		TEST(an_orphan_ends_in_time_wait),
		TEST(reuseport_listeners_are_told_apart_by_inode),
		TEST(twins_of_one_inode_are_told_apart_by_sk),
		TEST(twins_without_sk_are_paired_in_order),
		TEST(twins_without_sk_are_paired_in_order_wherever_they_stand),
		TEST(a_twin_that_tells_its_sk_does_not_take_the_place_of_one_that_does_not),
		TEST(udp_sockets_of_the_same_ends_are_told_apart_by_inode),
		TEST(rows_without_inode_on_both_sides_are_paired_in_order),
		TEST(rows_without_inode_are_paired_by_sk_first),
		TEST(the_same_row_in_another_table_is_another_socket),
		TEST(tables_are_known_by_kind_and_namespace_not_by_place),
		TEST(a_table_that_was_not_read_keeps_its_rows),
		TEST(lines_under_another_heading_are_kept_beside_the_rows_of_before),
		TEST(what_a_table_holds_when_first_read_was_there_before),
		TEST(a_table_never_read_stays_unknown),
		TEST(the_rows_of_a_table_that_is_gone_are_lost),
		TEST(a_table_is_told_of_when_it_says_something_else),
		TEST(any_raw_line_may_be_the_one_that_changed),
		TEST(a_change_happened_between_two_reads_of_its_table),
		TEST(a_pid_with_another_start_time_is_another_process),
		TEST(execve_is_noticed),
		TEST(another_state_is_no_execve),
		TEST(what_exited_comes_back_as_another),
		TEST(processes_that_exited_in_both_snapshots_may_differ),
		TEST(owners_are_compared_one_by_one),
		TEST(the_last_holder_gone_is_a_change),
		TEST(user_names_once_known_stay_known),
		TEST(strings_are_looked_up_across_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
