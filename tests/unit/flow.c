/* SPDX-License-Identifier: MIT */
/* Flows: what a row a connection says, folded from snapshots that are written down here. */
#include <skt/flow.h>

#include "filter_of.h"
#include "flow_row.h"
#include "random.h"
#include "recording.h"
#include "reel.h"
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Scenes read their tables a millisecond after their second, for a millisecond. */
#define READ(second)	 (SCENE_TIME + (second)*SCENE_SECOND + SCENE_SECOND / 1000)
#define READ_END(second) (READ(second) + SCENE_SECOND / 1000)
#define AT(second)	 (SCENE_TIME + (second)*SCENE_SECOND)

#define INODE 1000

struct tape {
	struct reel reel;
	struct skt_flows *flows;
	struct skt_filter *filter;
	int64_t second;
};

static void begin(struct tape *tape, const char *expression, bool processes)
{
	struct skt_flows_options options = { .kinds = UINT32_MAX, .host = "web1", .boot_time = -1, .seed = 5 };

	memset(tape, 0, sizeof(*tape));
	tape->filter = filter_of(expression);
	options.filter = tape->filter;
	options.processes = processes;
	reel_init(&tape->reel);
	assert_int_equal(skt_flows_new(&options, &tape->flows), 0);
}

/* A snapshot of this second begins, with a table of namespace 1. */
static struct skt_snapshot *second(struct tape *tape, int64_t n)
{
	tape->second = n;
	scene_begin(&tape->reel.next, tape->reel.now.strings, n);
	scene_table(&tape->reel.next, SKT_TCP, 1);
	return &tape->reel.next;
}

/* It is complete. */
static void take(struct tape *tape)
{
	reel_take(&tape->reel);
	assert_int_equal(skt_flows_step(tape->flows, &tape->reel.now, &tape->reel.step, NULL), 0);
}

static void end(struct tape *tape, size_t flows)
{
	assert_int_equal(skt_flows_end(tape->flows, NULL), 0);
	assert_int_equal(skt_flows_count(tape->flows), flows);
}

static void finish(struct tape *tape)
{
	skt_flows_free(tape->flows);
	skt_filter_free(tape->filter);
	reel_release(&tape->reel);
}

/* ---- what a row says ---- */

static struct skt_row owner(const struct skt_row *row, uint32_t i)
{
	assert_true(i < row->sock->n_owners);
	return skt_row_of_owner(row, &skt_row_owners(row)[i]);
}

static struct skt_sock connection(uint16_t local_port, uint64_t inode, unsigned state)
{
	return scene_sock(local_port, 443, inode, inode, state);
}

/* ---- when ---- */

static void a_flow_came_and_went_between_reads(void **state)
{
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin(&tape, NULL, false);
	for (int64_t n = 0; n < 4; n++) {
		struct skt_snapshot *snapshot = second(&tape, n);

		if (n == 1 || n == 2)
			scene_add(snapshot, connection(40000, INODE, SKT_ESTABLISHED));
		take(&tape);
	}
	end(&tape, 1);
	row = skt_flows_row(tape.flows, 0);
	expect_time(&row, "time", READ_END(1));
	expect_text(&row, "host", "web1");
	expect_time(&row, "first_after", READ(0));
	expect_time(&row, "first_seen", READ_END(1));
	expect_time(&row, "last_seen", READ(2));
	expect_time(&row, "last_until", READ_END(3));
	expect_number(&row, "already_there", 0);
	expect_number(&row, "still_there", 0);
	expect_text(&row, "ended", "closed");
	expect_number(&row, "seen", 2);
	expect_number(&row, "local_port", 40000);
	expect_text(&row, "remote_address", "10.0.0.2");
	finish(&tape);
}

/* A table is read in seconds 0, 4 and 8, and waits for its turn in between: what it had is there meanwhile. */
static void a_flow_stays_while_its_table_waits(void **state)
{
	int64_t first, last;
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin(&tape, NULL, false);
	for (int64_t n = 0; n < 10; n++) {
		struct skt_snapshot *snapshot = second(&tape, n);

		if (n < 8)
			scene_add(snapshot, connection(40000, INODE, SKT_ESTABLISHED));
		scene_add(snapshot, connection(40001, INODE + 1, SKT_ESTABLISHED));
		if (n % 4) {
			snapshot->tables[0].status = SKT_TABLE_STALE;
			snapshot->tables[0].read_time = READ(n - n % 4);
		}
		take(&tape);
	}
	end(&tape, 2);
	row = skt_flows_row(tape.flows, 0);
	expect_number(&row, "local_port", 40000);
	expect_time(&row, "last_seen", READ(4));
	skt_flow_stay(&row, &first, &last);
	assert_int_equal(first, READ_END(0));
	/* until the read that no longer found it */
	assert_int_equal(last, AT(7));
	row = skt_flows_row(tape.flows, 1);
	expect_time(&row, "last_seen", READ(8));
	skt_flow_stay(&row, &first, &last);
	assert_int_equal(last, AT(9));
	finish(&tape);
}

static void what_is_there_from_first_to_last_has_no_ends(void **state)
{
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin(&tape, NULL, false);
	for (int64_t n = 0; n < 3; n++) {
		scene_add(second(&tape, n), connection(40000, INODE, SKT_ESTABLISHED));
		take(&tape);
	}
	end(&tape, 1);
	row = skt_flows_row(tape.flows, 0);
	expect_null(&row, "first_after");
	expect_time(&row, "first_seen", READ_END(0));
	expect_time(&row, "last_seen", READ(2));
	expect_null(&row, "last_until");
	expect_number(&row, "already_there", 1);
	expect_number(&row, "still_there", 1);
	expect_null(&row, "ended");
	expect_number(&row, "seen", 3);
	finish(&tape);
}

/* The snapshot of second 2 is the first that is looked at. */
static void a_stretch_begins_with_what_is_there(void **state)
{
	struct skt_snapshot *snapshot;
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin(&tape, NULL, false);
	snapshot = second(&tape, 2);
	scene_add(snapshot, connection(40000, INODE, SKT_ESTABLISHED));
	scene_end(snapshot);
	assert_int_equal(skt_flows_begin(tape.flows, snapshot, NULL), 0);
	end(&tape, 1);
	row = skt_flows_row(tape.flows, 0);
	expect_null(&row, "first_after");
	expect_time(&row, "first_seen", READ_END(2));
	expect_time(&row, "last_seen", READ_END(2));
	expect_number(&row, "seen", 1);
	skt_snapshot_release(snapshot);
	finish(&tape);
}

/* TIME_WAIT lasts 60 seconds: one with 59.3 left at second 2 began at 1.3. */
static void a_time_wait_timer_dates_the_close(void **state)
{
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin(&tape, NULL, false);
	for (int64_t n = 0; n < 3; n++) {
		struct skt_snapshot *snapshot = second(&tape, n);
		struct skt_sock sock = connection(40000, n < 2 ? INODE : 0, n < 2 ? SKT_ESTABLISHED : SKT_TIME_WAIT);

		if (n == 2) {
			sock.timer = 3;
			sock.has |= SKT_BIT(SKT_F_TIMER_MS);
			skt_sock_set_ticks(&sock, 5930, snapshot->boottime);
		}
		scene_add(snapshot, sock);
		take(&tape);
	}
	end(&tape, 1);
	row = skt_flows_row(tape.flows, 0);
	expect_time(&row, "close_time", AT(1) + 3 * SCENE_SECOND / 10);
	expect_text(&row, "states", "ESTABLISHED TIME_WAIT");
	expect_number(&row, "seen", 3);
	finish(&tape);
}

/* 20 seconds left: it would have begun long before it was seen to be established. */
static void a_timer_that_cannot_be_is_not_believed(void **state)
{
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin(&tape, NULL, false);
	for (int64_t n = 0; n < 2; n++) {
		struct skt_snapshot *snapshot = second(&tape, n);
		struct skt_sock sock = connection(40000, n ? 0 : INODE, n ? SKT_TIME_WAIT : SKT_ESTABLISHED);

		if (n) {
			sock.timer = 3;
			sock.has |= SKT_BIT(SKT_F_TIMER_MS);
			skt_sock_set_ticks(&sock, 2000, snapshot->boottime);
		}
		scene_add(snapshot, sock);
		take(&tape);
	}
	end(&tape, 1);
	row = skt_flows_row(tape.flows, 0);
	expect_null(&row, "close_time");
	finish(&tape);
}

/* ---- what ---- */

static void states_and_the_largest_counts_are_kept(void **state)
{
	static const uint8_t states[] = { SKT_SYN_SENT, SKT_ESTABLISHED, SKT_ESTABLISHED, SKT_CLOSE_WAIT };
	static const uint32_t tx[] = { 1, 700, 20, 0 }, retransmits[] = { 3, 0, 0, 1 };
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin(&tape, NULL, false);
	for (int64_t n = 0; n < 4; n++) {
		struct skt_sock sock = connection(40000, INODE, states[n]);

		sock.tx_queue = tx[n];
		sock.retransmits = retransmits[n];
		scene_add(second(&tape, n), sock);
		take(&tape);
	}
	end(&tape, 1);
	row = skt_flows_row(tape.flows, 0);
	expect_text(&row, "states", "SYN_SENT ESTABLISHED CLOSE_WAIT");
	expect_text(&row, "state", "CLOSE_WAIT");
	expect_number(&row, "tx_queue_most", 700);
	expect_number(&row, "rx_queue_most", 0);
	expect_number(&row, "retransmits_most", 3);
	expect_number(&row, "tx_queue", 0);
	finish(&tape);
}

static struct skt_sock listener(uint16_t port, uint64_t inode, bool any)
{
	struct skt_sock sock = scene_sock(port, 0, inode, inode, SKT_LISTEN);

	memset(sock.remote_address, 0, sizeof(sock.remote_address));
	if (any)
		memset(sock.local_address, 0, sizeof(sock.local_address));
	return sock;
}

/* The direction of the flow with this local port. */
static void expect_direction(const struct tape *tape, uint16_t port, const char *direction)
{
	for (size_t i = 0; i < skt_flows_count(tape->flows); i++) {
		struct skt_row row = skt_flows_row(tape->flows, i);
		struct skt_value value;

		assert_true(flow_row_get(&row, "local_port", &value));
		if (value.number != port)
			continue;
		if (direction)
			expect_text(&row, "direction", direction);
		else
			expect_null(&row, "direction");
		return;
	}
	fail_msg("no flow of port %u", port);
}

static void listeners_tell_who_called(void **state)
{
	struct skt_sock local = connection(5, 5, SKT_ESTABLISHED), other = connection(80, 9, SKT_ESTABLISHED);
	struct skt_snapshot *snapshot;
	struct tape tape;

	(void)state;
	begin(&tape, NULL, false);
	snapshot = second(&tape, 0);
	scene_table(snapshot, SKT_TCP, 2);
	/* rows in front of the listeners that they belong to */
	scene_add(snapshot, connection(1, 1, SKT_ESTABLISHED));
	scene_add(snapshot, connection(2, 2, SKT_ESTABLISHED));
	scene_add(snapshot, connection(3, 3, SKT_ESTABLISHED));
	scene_add(snapshot, connection(4, 4, SKT_SYN_SENT));
	memset(local.remote_address, 0, sizeof(local.remote_address));
	local.remote_address[0] = 127;
	scene_add(snapshot, local);
	scene_add(snapshot, connection(6, 0, SKT_SYN_RECV));
	scene_add(snapshot, listener(1, 11, true));
	scene_add(snapshot, listener(2, 12, false));
	/* the listener of another namespace is none of theirs */
	other.table = 1;
	scene_add(snapshot, other);
	scene_add(snapshot, listener(80, 13, true));
	take(&tape);
	end(&tape, 10);
	expect_direction(&tape, 1, "in");
	expect_direction(&tape, 2, "in");
	expect_direction(&tape, 3, "out");
	expect_direction(&tape, 4, "out");
	expect_direction(&tape, 5, "local");
	expect_direction(&tape, 6, "in");
	for (size_t i = 0; i < skt_flows_count(tape.flows); i++) {
		struct skt_row row = skt_flows_row(tape.flows, i);

		if (row.sock->inode == 9)
			expect_text(&row, "direction", "out");
		if (row.sock->inode == 13)
			expect_null(&row, "direction");
	}
	finish(&tape);
}

/* One that was accepted while its listener was closed is incoming all the same; one that is made after that calls. */
static void a_listener_counts_as_long_as_it_is_there(void **state)
{
	struct tape tape;

	(void)state;
	begin(&tape, NULL, false);
	scene_add(second(&tape, 0), listener(80, 1, true));
	take(&tape);
	scene_add(second(&tape, 1), scene_sock(80, 5001, 2, 2, SKT_ESTABLISHED));
	take(&tape);
	scene_add(second(&tape, 2), scene_sock(80, 5002, 3, 3, SKT_ESTABLISHED));
	take(&tape);
	end(&tape, 3);
	for (size_t i = 1; i < 3; i++) {
		struct skt_row row = skt_flows_row(tape.flows, i);

		expect_number(&row, "remote_port", 5000 + i);
		expect_text(&row, "direction", i == 1 ? "in" : "out");
	}
	finish(&tape);
}

/* ---- who ---- */

/* Process 100 has it in seconds 0 and 1, process 200 in 1 and 2. */
static void every_owner_is_kept_with_its_time(void **state)
{
	struct skt_row row, one;
	struct tape tape;

	(void)state;
	begin(&tape, NULL, false);
	for (int64_t n = 0; n < 3; n++) {
		struct skt_snapshot *snapshot = second(&tape, n);
		uint32_t a = scene_process(snapshot, 100, 1, "parent"), b = scene_process(snapshot, 200, 2, "child");
		uint32_t slot = scene_add(snapshot, connection(40000, INODE, SKT_ESTABLISHED));
		struct skt_owner owners[] = { { a, 3 }, { b, 4 } };

		scene_own(snapshot, slot, owners + (n == 2), n == 1 ? 2 : 1);
		take(&tape);
	}
	end(&tape, 1);
	row = skt_flows_row(tape.flows, 0);
	assert_int_equal(row.sock->n_owners, 2);
	one = owner(&row, 0);
	expect_text(&one, "comm", "parent");
	expect_number(&one, "fd", 3);
	expect_time(&one, "held_first", AT(0));
	expect_time(&one, "held_last", AT(1));
	one = owner(&row, 1);
	expect_text(&one, "comm", "child");
	expect_number(&one, "fd", 4);
	expect_time(&one, "held_first", AT(1));
	expect_time(&one, "held_last", READ(2));
	finish(&tape);
}

/* A connection in TIME_WAIT is its former holder's, who holds it no more. */
static void who_carries_it_holds_it_no_more(void **state)
{
	struct skt_row row, one;
	struct tape tape;

	(void)state;
	begin(&tape, NULL, false);
	for (int64_t n = 0; n < 3; n++) {
		struct skt_snapshot *snapshot = second(&tape, n);
		uint32_t process = scene_process(snapshot, 100, 1, "curl");

		if (n < 2)
			scene_add_held(snapshot, connection(40000, INODE, SKT_ESTABLISHED), process, 3);
		else
			scene_add(snapshot, connection(40000, 0, SKT_TIME_WAIT));
		take(&tape);
	}
	end(&tape, 1);
	row = skt_flows_row(tape.flows, 0);
	expect_text(&row, "owner", "carried");
	assert_int_equal(row.sock->n_owners, 1);
	one = owner(&row, 0);
	expect_time(&one, "held_last", AT(1));
	finish(&tape);
}

/* The same process is two programs: each held it in its time. */
static void a_process_that_executes_another_program_is_told_apart(void **state)
{
	struct skt_row row, one;
	struct tape tape;

	(void)state;
	begin(&tape, NULL, true);
	for (int64_t n = 0; n < 3; n++) {
		struct skt_snapshot *snapshot = second(&tape, n);
		uint32_t process = scene_process(snapshot, 100, 1, n < 2 ? "sh" : "nc");

		if (n == 2)
			snapshot->processes[process].exe = scene_string(snapshot, "/bin/nc");
		scene_add_held(snapshot, connection(40000, INODE, SKT_ESTABLISHED), process, 3);
		take(&tape);
	}
	end(&tape, 1);
	row = skt_flows_row(tape.flows, 0);
	assert_int_equal(row.sock->n_owners, 2);
	one = owner(&row, 0);
	expect_text(&one, "comm", "sh");
	expect_time(&one, "held_last", AT(1));
	one = owner(&row, 1);
	expect_text(&one, "comm", "nc");
	expect_time(&one, "held_first", AT(2));

	assert_int_equal(skt_flows_processes(tape.flows), 2);
	row = skt_flows_process_row(tape.flows, 0);
	expect_text(&row, "comm", "sh");
	expect_null(&row, "first_after");
	expect_time(&row, "first_seen", AT(0));
	expect_time(&row, "last_seen", AT(1));
	expect_time(&row, "last_until", AT(2));
	expect_text(&row, "ended", "exec");
	expect_number(&row, "sockets", 1);
	row = skt_flows_process_row(tape.flows, 1);
	expect_text(&row, "comm", "nc");
	expect_time(&row, "first_after", AT(1));
	expect_time(&row, "first_seen", AT(2));
	expect_number(&row, "still_there", 1);
	expect_number(&row, "sockets", 1);
	finish(&tape);
}

/* Process 1 is there all the time, process 50 in seconds 1 and 2, with two sockets one after the other. */
static void processes_say_when_and_how_many_sockets(void **state)
{
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin(&tape, NULL, true);
	for (int64_t n = 0; n < 4; n++) {
		struct skt_snapshot *snapshot = second(&tape, n);

		scene_process(snapshot, 1, 0, "init");
		if (n == 1 || n == 2) {
			uint32_t process = scene_process(snapshot, 50, 77, "curl");

			scene_add_held(snapshot,
				       connection((uint16_t)(40000 + n), INODE + (uint64_t)n, SKT_ESTABLISHED), process,
				       3);
		}
		take(&tape);
	}
	end(&tape, 2);
	assert_int_equal(skt_flows_processes(tape.flows), 2);
	row = skt_flows_process_row(tape.flows, 0);
	expect_text(&row, "comm", "init");
	expect_number(&row, "sockets", 0);
	expect_number(&row, "already_there", 1);
	expect_number(&row, "still_there", 1);
	row = skt_flows_process_row(tape.flows, 1);
	expect_text(&row, "comm", "curl");
	expect_text(&row, "parent", "init");
	expect_number(&row, "sockets", 2);
	expect_time(&row, "first_after", AT(0));
	expect_time(&row, "first_seen", AT(1));
	expect_time(&row, "last_seen", AT(2));
	expect_time(&row, "last_until", AT(3));
	expect_text(&row, "ended", "exited");
	finish(&tape);
}

/* ---- which ---- */

static void a_flow_matches_if_it_did_once(void **state)
{
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin(&tape, "state = CLOSE_WAIT", false);
	for (int64_t n = 0; n < 3; n++) {
		struct skt_snapshot *snapshot = second(&tape, n);

		scene_add(snapshot, connection(40000, 1, n == 1 ? SKT_CLOSE_WAIT : SKT_ESTABLISHED));
		scene_add(snapshot, connection(40001, 2, SKT_ESTABLISHED));
		take(&tape);
	}
	end(&tape, 1);
	row = skt_flows_row(tape.flows, 0);
	expect_number(&row, "local_port", 40000);
	expect_time(&row, "first_seen", READ_END(0));
	expect_text(&row, "states", "ESTABLISHED CLOSE_WAIT ESTABLISHED");
	finish(&tape);
}

/* 40000's timer runs down from 60 seconds and its row is the same in each of them; 40001's has no end. */
static void what_is_asked_comes_true_though_the_row_does_not_change(void **state)
{
	static const struct {
		const char *text;
		size_t flows;
	} cases[] = {
		{ "time > 2026-11-22T14:03:08Z", 2 },
		{ "time > 2026-11-22T14:03:09Z", 0 },
		{ "timer_ms < 59000", 1 },
		{ "timer_ms < 58000", 0 },
		{ "table_status = stale", 2 },
		{ "sport = :40001 and time > 2026-11-22T14:03:08Z", 1 },
		{ "table_status = unknown", 0 },
		{ "not time < 2026-11-22T14:03:09Z", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tape tape;

		begin(&tape, cases[i].text, false);
		for (int64_t n = 0; n < 3; n++) {
			struct skt_snapshot *snapshot = second(&tape, n);
			struct skt_sock closed = connection(40000, 0, SKT_TIME_WAIT);

			closed.timer = 3;
			closed.has |= SKT_BIT(SKT_F_TIMER_MS);
			skt_sock_set_ticks(&closed, (uint64_t)(6000 - n * 100), snapshot->boottime);
			if (n == 2) {
				snapshot->tables[0].status = SKT_TABLE_STALE;
				snapshot->tables[0].read_time = READ(1);
			}
			scene_add(snapshot, closed);
			scene_add(snapshot, connection(40001, 2, SKT_ESTABLISHED));
			take(&tape);
			/* else it would be asked again all the same */
			assert_true(!n || !tape.reel.step.n_socks);
		}
		assert_int_equal(skt_flows_end(tape.flows, NULL), 0);
		if (skt_flows_count(tape.flows) != cases[i].flows)
			fail_msg("%s: %zu flows", cases[i].text, skt_flows_count(tape.flows));
		finish(&tape);
	}
}

/*
 * Of one socket the owners may be incomplete in seconds 1 and 2; in the last second it is known who holds the other
 * one.
 */
static void a_flow_that_never_matched_and_may_have_is_unknown(void **state)
{
	int64_t first, last;
	struct tape tape;

	(void)state;
	begin(&tape, "pid = 100", false);
	for (int64_t n = 0; n < 4; n++) {
		struct skt_snapshot *snapshot = second(&tape, n);
		uint32_t process = scene_process(snapshot, 100, 1, "curl");
		struct skt_sock doubtful = connection(40000, 1, SKT_ESTABLISHED);
		struct skt_sock found = connection(40001, 2, SKT_ESTABLISHED);

		doubtful.owner_gaps = n == 1 || n == 2 ? SKT_GAP_DENIED : 0;
		found.owner_gaps = n < 3 ? SKT_GAP_DENIED : 0;
		doubtful.owner = doubtful.owner_gaps ? SKT_OWNER_UNKNOWN : SKT_OWNER_UNHELD;
		found.owner = SKT_OWNER_UNKNOWN;
		scene_add(snapshot, doubtful);
		if (n < 3)
			scene_add(snapshot, found);
		else
			scene_add_held(snapshot, found, process, 3);
		take(&tape);
	}
	end(&tape, 1);
	assert_int_equal(skt_flows_unknown(tape.flows, &first, &last), 1);
	assert_int_equal(first, AT(1));
	/* rows are tested when they change: in second 2 it said what it had said */
	assert_int_equal(last, AT(1));
	finish(&tape);
}

/* Nothing happened to the socket, but who holds it is another program now. */
static void a_holder_that_executes_what_is_asked_for_makes_it_match(void **state)
{
	struct skt_row row, one;
	struct tape tape;

	(void)state;
	begin(&tape, "comm = nc", false);
	for (int64_t n = 0; n < 2; n++) {
		struct skt_snapshot *snapshot = second(&tape, n);
		uint32_t process = scene_process(snapshot, 100, 1, n ? "nc" : "sh");

		snapshot->processes[process].exe = scene_string(snapshot, n ? "/bin/nc" : "/bin/sh");
		scene_add_held(snapshot, connection(40000, INODE, SKT_ESTABLISHED), process, 3);
		take(&tape);
	}
	end(&tape, 1);
	row = skt_flows_row(tape.flows, 0);
	one = owner(&row, 0);
	expect_text(&one, "comm", "nc");
	finish(&tape);
}

/* ---- over gaps ---- */

/*
 * A and B are there on both sides, B with another inode; C only before, D only after; E is in TIME_WAIT on both,
 * without an inode to know it by.
 */
static void over_a_gap_the_same_inode_is_the_same_socket(void **state)
{
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin(&tape, NULL, false);
	for (int64_t n = 0; n < 2; n++) {
		struct skt_snapshot *snapshot = second(&tape, 10 * n);

		scene_add(snapshot, connection(1, 101, SKT_ESTABLISHED));
		scene_add(snapshot, connection(2, n ? 202 : 102, SKT_ESTABLISHED));
		scene_add(snapshot, n ? connection(4, 104, SKT_ESTABLISHED) : connection(3, 103, SKT_ESTABLISHED));
		scene_add(snapshot, connection(5, 0, SKT_TIME_WAIT));
		tape.reel.gap = n;
		take(&tape);
	}
	end(&tape, 7);
	for (size_t i = 0; i < 7; i++) {
		struct skt_value port;
		bool after;

		row = skt_flows_row(tape.flows, i);
		assert_true(flow_row_get(&row, "local_port", &port));
		after = i >= 4;
		expect_number(&row, "already_there", 1);
		expect_null(&row, "first_after");
		expect_time(&row, "first_seen", READ_END(after ? 10 : 0));
		if (port.number == 1) {
			expect_number(&row, "gaps", 1);
			expect_number(&row, "seen", 2);
			expect_time(&row, "last_seen", READ(10));
			expect_null(&row, "ended");
		} else if (after) {
			expect_number(&row, "gaps", 0);
			expect_number(&row, "still_there", 1);
		} else {
			expect_text(&row, "ended", "gap");
			expect_time(&row, "last_seen", READ_END(0));
			expect_null(&row, "last_until");
			expect_number(&row, "seen", 1);
		}
	}
	finish(&tape);
}

/* ---- over groups ---- */

static uint64_t ends_of(const struct skt_sock *sock)
{
	return (uint64_t)sock->local_port << 48 ^ (uint64_t)sock->remote_port << 32 ^ sock->inode << 8 ^ sock->state;
}

static int compare(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return (a > b) - (a < b);
}

/* As many flows as rows came, and those that are still there are the rows of the last snapshot. Twins abound. */
static void flows_go_on_over_groups(void **state)
{
	const struct skt_flows_options options = { .kinds = UINT32_MAX, .boot_time = -1, .seed = 9 };
	struct recording recording;
	const struct skt_snapshot *now;
	struct skt_cursor *cursor;
	struct skt_flows *flows;
	struct skt_file *file;
	struct skt_step *step;
	uint64_t *rows, *kept;
	size_t came = 0, n = 0, k = 0, borders = 0;

	(void)state;
	recording_make(&recording, 77, 60, 25, 25 * SKT_NS_PER_S);
	file = recording_open(&recording);
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	assert_int_equal(skt_flows_new(&options, &flows), 0);
	while (skt_cursor_next(cursor, &step, NULL) > 0) {
		const uint32_t *slots;
		size_t n_slots;

		for (size_t i = 0; i < step->n_socks; i++)
			came += step->socks[i].change == SKT_OPENED || step->socks[i].change == SKT_PRESENT;
		assert_int_equal(skt_flows_step(flows, skt_cursor_snapshot(cursor), step, NULL), 0);
		assert_int_equal(skt_cursor_next_slots(cursor, &slots, &n_slots, NULL), 0);
		borders += slots != NULL;
		if (slots)
			assert_int_equal(skt_flows_renumber(flows, slots, n_slots, NULL), 0);
	}
	assert_true(borders > 5);
	assert_int_equal(skt_flows_end(flows, NULL), 0);
	assert_int_equal(skt_flows_count(flows), came);
	now = skt_cursor_snapshot(cursor);
	rows = calloc(now->n_socks + 1, sizeof(*rows));
	kept = calloc(came + 1, sizeof(*kept));
	for (size_t i = 0; i < now->n_socks; i++)
		if (now->socks[i].table != SKT_NO_TABLE)
			rows[n++] = ends_of(&now->socks[i]);
	for (size_t i = 0; i < came; i++) {
		struct skt_row row = skt_flows_row(flows, i);
		struct skt_value still;

		assert_true(flow_row_get(&row, "still_there", &still));
		if (still.number)
			kept[k++] = ends_of(row.sock);
	}
	assert_int_equal(k, n);
	qsort(rows, n, sizeof(*rows), compare);
	qsort(kept, k, sizeof(*kept), compare);
	assert_memory_equal(rows, kept, n * sizeof(*rows));
	free(rows);
	free(kept);
	skt_flows_free(flows);
	skt_cursor_free(cursor);
	skt_file_free(file);
	recording_release(&recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_came_and_went_between_reads),
		cmocka_unit_test(a_flow_stays_while_its_table_waits),
		cmocka_unit_test(what_is_there_from_first_to_last_has_no_ends),
		cmocka_unit_test(a_stretch_begins_with_what_is_there),
		cmocka_unit_test(a_time_wait_timer_dates_the_close),
		cmocka_unit_test(a_timer_that_cannot_be_is_not_believed),
		cmocka_unit_test(states_and_the_largest_counts_are_kept),
		cmocka_unit_test(listeners_tell_who_called),
		cmocka_unit_test(a_listener_counts_as_long_as_it_is_there),
		cmocka_unit_test(every_owner_is_kept_with_its_time),
		cmocka_unit_test(who_carries_it_holds_it_no_more),
		cmocka_unit_test(a_process_that_executes_another_program_is_told_apart),
		cmocka_unit_test(processes_say_when_and_how_many_sockets),
		cmocka_unit_test(a_flow_matches_if_it_did_once),
		cmocka_unit_test(what_is_asked_comes_true_though_the_row_does_not_change),
		cmocka_unit_test(a_flow_that_never_matched_and_may_have_is_unknown),
		cmocka_unit_test(a_holder_that_executes_what_is_asked_for_makes_it_match),
		cmocka_unit_test(over_a_gap_the_same_inode_is_the_same_socket),
		cmocka_unit_test(flows_go_on_over_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
