/* SPDX-License-Identifier: MIT */
/* What events tell: how they go with the changes that looking finds, and what flows say of them. */
#include <skt/changes.h>
#include <skt/flow.h>

#include "filter_of.h"
#include "flow_row.h"
#include "reel.h"
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AT(second)   (SCENE_TIME + (second)*SCENE_SECOND)
#define MS	     INT64_C(1000000)
#define READ(second) (AT(second) + MS)
#define INODE	     1000
#define EVENTS	     200

/* Snapshots in turn, and what was told before each; seconds from 0. */
struct tape {
	struct reel reel;
	struct skt_changes changes;
	struct skt_flows *flows;
	struct skt_filter *filter;
	struct skt_event events[EVENTS];
	size_t n;
	uint32_t gone_from; /* pid: of those that come from this one on, each had exited again; 0: of none */
};

static void begin(struct tape *tape, const char *expression)
{
	struct skt_flows_options options = { .kinds = UINT32_MAX, .boot_time = -1, .seed = 5 };

	memset(tape, 0, sizeof(*tape));
	tape->filter = filter_of(expression);
	options.filter = tape->filter;
	reel_init(&tape->reel);
	assert_int_equal(skt_flows_new(&options, &tape->flows), 0);
}

/* The next snapshot: a web server listens on port 80, and all is listened to. */
static struct skt_snapshot *second(struct tape *tape, int64_t n)
{
	struct skt_snapshot *next = &tape->reel.next;
	struct skt_sock listener = scene_sock(80, 0, 1, 0xa0, SKT_LISTEN);

	scene_begin(next, tape->reel.now.strings, n);
	scene_table(next, SKT_TCP, 1);
	scene_process(next, 720, 100, "web");
	memset(listener.local_address, 0, 16);
	memset(listener.remote_address, 0, 16);
	scene_add_held(next, listener, 0, 6);
	next->quality.events_tables = 1u << SKT_TCP;
	tape->n = 0;
	return next;
}

/* A socket from 10.0.0.1 to 10.0.0.2 was closed at this instant, having sent so much. */
static struct skt_event *tell(struct tape *tape, uint16_t local_port, uint16_t remote_port, int64_t when, uint64_t sent)
{
	struct skt_sock sock = scene_sock(local_port, remote_port, 0, 0, SKT_CLOSE);
	struct skt_event *event = &tape->events[tape->n++];

	*event = (struct skt_event){ .when = when,
				     .source = SKT_SOURCE_DESTROY,
				     .change = SKT_CLOSED,
				     .state = SKT_CLOSE,
				     .slot = SKT_NO_SLOT,
				     .local_port = local_port,
				     .remote_port = remote_port,
				     .has = SKT_BIT(SKT_E_BYTES_SENT) | SKT_BIT(SKT_E_REMOTE_PORT),
				     .bytes_sent = sent };
	memcpy(event->local_address, sock.local_address, 16);
	memcpy(event->remote_address, sock.remote_address, 16);
	return event;
}

static void take(struct tape *tape)
{
	struct skt_snapshot *now = &tape->reel.now;
	struct skt_step *step = &tape->reel.step;

	reel_take(&tape->reel);
	for (size_t i = 0; tape->gone_from && i < now->n_processes; i++)
		now->processes[i].exited = now->processes[i].pid >= tape->gone_from;
	free(step->events);
	step->events = calloc(tape->n + 1, sizeof(*step->events));
	assert_non_null(step->events);
	memcpy(step->events, tape->events, tape->n * sizeof(*tape->events));
	step->room_events = tape->n + 1;
	step->n_events = tape->n;
	assert_int_equal(skt_changes_take(&tape->changes, now, step), 0);
	assert_int_equal(skt_flows_step(tape->flows, now, step, NULL), 0);
}

static void finish(struct tape *tape)
{
	skt_flows_free(tape->flows);
	skt_filter_free(tape->filter);
	skt_changes_release(&tape->changes);
	reel_release(&tape->reel);
}

static struct skt_row the_flow(struct tape *tape, size_t i, size_t n)
{
	assert_int_equal(skt_flows_end(tape->flows, NULL), 0);
	assert_int_equal(skt_flows_count(tape->flows), n);
	return skt_flows_row(tape->flows, i);
}

/* ---- sockets that were seen ---- */

/*
 * How an event says which row it is about: by both ends alone, by its slot, or by the ends of a row that ended with a
 * group.
 */
enum by { BY_ENDS, BY_SLOT, BY_BORDER, BYS };

static void name_row(struct tape *tape, enum by by)
{
	if (by == BY_BORDER)
		tape->events[0].has |= SKT_BIT(SKT_E_LATE);
	for (uint32_t i = 0; by == BY_SLOT && i < tape->reel.now.n_socks; i++)
		if (tape->reel.now.socks[i].table != SKT_NO_TABLE && tape->reel.now.socks[i].local_port == 50000)
			tape->events[0].slot = i;
}

/* One connection that is there at second 1, held by a process of its own, and by second 2 has become this. */
static void play(struct tape *tape, unsigned state, enum by by, int64_t when)
{
	struct skt_snapshot *next;

	for (int64_t n = 0; n < 3; n++) {
		next = second(tape, n);
		if (n == 1)
			scene_add_held(next, scene_sock(50000, 443, INODE, 0xb0, SKT_ESTABLISHED),
				       scene_process(next, 900, 200, "curl"), 3);
		if (n == 2 && state)
			scene_add(next, scene_sock(50000, 443, 0, 0xb0, state));
		if (n == 2) {
			tell(tape, 50000, 443, when, 77);
			name_row(tape, by);
		}
		take(tape);
	}
}

static void an_event_dates_the_end_of_a_socket_that_was_seen(void **state)
{
	struct skt_row row;
	struct tape tape;

	(void)state;
	for (enum by by = BY_ENDS; by < BYS; by++) {
		begin(&tape, NULL);
		play(&tape, 0, by, AT(1) + 300 * MS);
		assert_int_equal(tape.changes.told[0].kind, SKT_TOLD_CHANGE);
		row = the_flow(&tape, 1, 2);
		expect_time(&row, "last_seen", AT(1) + 300 * MS);
		expect_time(&row, "last_until", AT(1) + 300 * MS);
		expect_number(&row, "bytes_sent", 77);
		expect_text(&row, "source", "destroy");
		assert_int_equal(row.sock->n_owners, 1);
		assert_int_equal(row.snapshot->processes[skt_row_owners(&row)->process].pid, 900);
		assert_null(row.candidates);
		finish(&tape);
	}
}

static void what_may_have_happened_a_little_before_is_said_so(void **state)
{
	struct skt_sock_change room;
	struct skt_row row = { 0 };
	struct tape tape;

	(void)state;
	begin(&tape, NULL);
	play(&tape, 0, BY_ENDS, AT(1) + 300 * MS);
	tape.reel.step.events[0].late_us = 40000;
	assert_true(skt_changes_row(&tape.changes, 0, &room, &row));
	assert_true(skt_event_after(row.event) == AT(1) + 260 * MS);
	/* it is certain that the look before still had it, not how long the kernel took */
	assert_true(row.change->after >= AT(1) && row.change->after < AT(1) + 260 * MS);
	assert_true(row.change->until == AT(1) + 300 * MS);
	finish(&tape);
}

/* The change stands once among the changes of the step: with its event, and with those who held it. */
static void a_change_that_was_told_is_shown_once(void **state)
{
	struct skt_sock_change room;
	struct tape tape;
	size_t closed = 0;

	(void)state;
	begin(&tape, NULL);
	play(&tape, 0, BY_SLOT, AT(1) + 300 * MS);
	for (size_t i = 0; i < tape.changes.n; i++) {
		struct skt_row row = { 0 };

		if (!skt_changes_row(&tape.changes, i, &room, &row) || row.change->change != SKT_CLOSED)
			continue;
		closed++;
		assert_non_null(row.event);
		assert_int_equal(row.change->before.n_owners, 1);
	}
	assert_int_equal(closed, 1);
	finish(&tape);
}

static void a_connection_goes_on_in_time_wait_and_was_closed_when_it_was_told(void **state)
{
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin(&tape, NULL);
	play(&tape, SKT_TIME_WAIT, BY_SLOT, AT(1) + 300 * MS);
	row = the_flow(&tape, 1, 2);
	expect_time(&row, "close_time", AT(1) + 300 * MS);
	expect_number(&row, "still_there", 1);
	expect_text(&row, "owner", "carried");
	expect_number(&row, "bytes_sent", 77);
	finish(&tape);
}

static void what_is_told_late_is_of_the_flow_that_closed(void **state)
{
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin(&tape, NULL);
	for (int64_t n = 0; n < 4; n++) {
		struct skt_snapshot *next = second(&tape, n);

		if (n == 1)
			scene_add(next, scene_sock(50000, 443, INODE, 0xb0, SKT_ESTABLISHED));
		if (n == 3)
			tell(&tape, 50000, 443, AT(2) + 300 * MS, 77)->has |= SKT_BIT(SKT_E_LATE);
		take(&tape);
	}
	row = the_flow(&tape, 1, 2);
	expect_number(&row, "bytes_sent", 77);
	expect_time(&row, "last_seen", READ(1) + MS);
	expect_time(&row, "last_until", READ(2) + MS);
	expect_number(&row, "seen", 1);
	finish(&tape);
}

/* ---- and those that were not ---- */

/*
 * Between seconds 0 and 1 a call to port 443 sent 77 bytes and was closed, and nobody saw it. The event, until second 1
 * is taken.
 */
static struct skt_event *begin_unseen(struct tape *tape, const char *expression)
{
	begin(tape, expression);
	second(tape, 0);
	take(tape);
	second(tape, 1);
	return tell(tape, 50000, 443, AT(0) + 300 * MS, 77);
}

static void what_no_look_has_seen_is_a_flow_of_its_own(void **state)
{
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin_unseen(&tape, NULL);
	take(&tape);
	row = the_flow(&tape, 1, 2);
	expect_time(&row, "first_after", READ(0));
	expect_time(&row, "first_seen", AT(0) + 300 * MS);
	expect_time(&row, "last_until", AT(0) + 300 * MS);
	expect_number(&row, "seen", 0);
	expect_number(&row, "already_there", 0);
	expect_text(&row, "direction", "out");
	expect_text(&row, "owner", "unseen");
	expect_text(&row, "states", "");
	/* what only a look tells is not 0, but not known */
	expect_null(&row, "tx_queue");
	expect_null(&row, "inode");
	expect_null(&row, "uid");
	expect_null(&row, "retransmits_most");
	assert_null(row.candidates);
	finish(&tape);
}

static void how_long_it_lasted_says_when_it_opened(void **state)
{
	struct skt_event *event;
	struct skt_row row;
	struct tape tape;

	(void)state;
	event = begin_unseen(&tape, NULL);
	event->has |= SKT_BIT(SKT_E_DURATION);
	event->duration_us = 80000;
	take(&tape);
	row = the_flow(&tape, 1, 2);
	expect_time(&row, "first_after", AT(0) + 220 * MS);
	expect_time(&row, "first_seen", AT(0) + 220 * MS);
	finish(&tape);
}

static void expect_candidate(const struct skt_row *row, uint32_t i, uint32_t pid, unsigned because)
{
	assert_true(row->candidates && i < row->candidates->n);
	assert_int_equal(row->snapshot->processes[row->candidates->list[i].process].pid, pid);
	assert_int_equal(row->candidates->list[i].because, because);
}

/*
 * Accepted on port 80: who listens there may have held it; so may who began and ended in between, if he had begun by
 * then.
 */
static void who_may_have_held_it_is_named_and_holds_nothing(void **state)
{
	struct skt_snapshot *next;
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin(&tape, NULL);
	second(&tape, 0);
	take(&tape);
	next = second(&tape, 1);
	tape.gone_from = 801;
	/* started half a second after second 0, and a tick before second 1 */
	scene_process(next, 801, 500050, "early");
	scene_process(next, 802, 500099, "after");
	tell(&tape, 80, 51000, AT(0) + 700 * MS, 5);
	take(&tape);
	row = the_flow(&tape, 1, 2);
	expect_text(&row, "direction", "in");
	assert_int_equal(row.sock->n_owners, 0);
	assert_non_null(row.candidates);
	assert_int_equal(row.candidates->n, 2);
	expect_candidate(&row, 0, 720, SKT_BECAUSE_LISTENER);
	expect_candidate(&row, 1, 801, SKT_BECAUSE_LIVED);
	assert_int_equal(row.candidates->more, 0);
	finish(&tape);
}

/* The look at second 1 did not come to who listens. */
static void who_last_held_the_listener_may_have_held_it(void **state)
{
	struct skt_snapshot *next;
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin(&tape, NULL);
	second(&tape, 0);
	take(&tape);
	next = second(&tape, 1);
	scene_own(next, 0, NULL, 0);
	next->socks[0].owner = SKT_OWNER_UNKNOWN;
	next->socks[0].owner_gaps = SKT_GAP_UNSEARCHED;
	tell(&tape, 80, 51000, AT(0) + 700 * MS, 5);
	take(&tape);
	row = the_flow(&tape, 1, 2);
	assert_non_null(row.candidates);
	assert_int_equal(row.candidates->n, 1);
	expect_candidate(&row, 0, 720, SKT_BECAUSE_LISTENER);
	finish(&tape);
}

/* Seventy workers share the listener: so many of them are named, and the others counted. */
static void of_more_who_may_have_held_it_than_are_named_the_others_are_counted(void **state)
{
	enum { WORKERS = 70 };
	struct skt_owner owners[WORKERS];
	struct skt_snapshot *next;
	struct skt_row row;
	struct tape tape;

	(void)state;
	begin(&tape, NULL);
	second(&tape, 0);
	take(&tape);
	next = second(&tape, 1);
	for (uint32_t i = 0; i < WORKERS; i++)
		owners[i] =
			(struct skt_owner){ .process = i ? scene_process(next, 1000 + i, 100, "worker") : 0, .fd = 6 };
	scene_own(next, 0, owners, WORKERS);
	tell(&tape, 80, 51000, AT(0) + 700 * MS, 5);
	take(&tape);
	row = the_flow(&tape, 1, 2);
	assert_non_null(row.candidates);
	assert_int_equal(row.candidates->n, SKT_CANDIDATES_MAX);
	assert_int_equal(row.candidates->more, WORKERS - SKT_CANDIDATES_MAX);
	finish(&tape);
}

/* ---- what is asked ---- */

static void expect_unseen(const char *expression, size_t flows, uint64_t unknown)
{
	int64_t first, last;
	struct tape tape;

	begin_unseen(&tape, expression);
	take(&tape);
	assert_int_equal(skt_flows_end(tape.flows, NULL), 0);
	if (skt_flows_count(tape.flows) != flows || skt_flows_unknown(tape.flows, &first, &last) != unknown)
		fail_msg("%s: %zu flows, %llu unknown", expression, skt_flows_count(tape.flows),
			 (unsigned long long)skt_flows_unknown(tape.flows, &first, &last));
	finish(&tape);
}

static void a_filter_says_what_is_known_of_a_socket_that_no_look_has_seen(void **state)
{
	(void)state;
	expect_unseen("dst 10.0.0.2", 1, 0);
	expect_unseen("dst 10.0.0.3", 0, 0);
	expect_unseen("dport = :443 and bytes_sent > 76", 1, 0);
	expect_unseen("dport = :443 and bytes_sent > 77", 0, 0);
	expect_unseen("bytes_received > 0 and dport = :443", 0, 1);
	expect_unseen("source = destroy", 1, 0);
	expect_unseen("owner = unseen", 1, 0);
	/* nobody knows who it was, or in which states it was seen */
	expect_unseen("comm = curl and dport = :443", 0, 1);
	expect_unseen("not comm = curl and dport = :443", 0, 1);
	expect_unseen("state time-wait and dport = :443", 0, 1);
	expect_unseen("tx_queue > 0 and dport = :443", 0, 1);
	expect_unseen("tx_queue_most > 0 and dport = :443", 0, 1);
	expect_unseen("ended = closed and dport = :443", 1, 0);
	expect_unseen("ended = lost and dport = :443", 0, 0);
	/* but that it was connected */
	expect_unseen("state connected and dport = :443", 1, 0);
}

/* Who was given data was established, and who ended in a state was in it. */
static void a_filter_knows_states_that_such_a_socket_was_in_for_certain(void **state)
{
	static const struct {
		const char *expression;
		bool got;
		size_t flows;
		uint64_t unknown;
	} cases[] = {
		{ "state established", false, 0, 1 },
		{ "state established", true, 1, 0 },
		{ "state syn-sent", true, 0, 1 },
		{ "state last-ack", false, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct skt_event *event;
		int64_t first, last;
		struct tape tape;

		event = begin_unseen(&tape, cases[i].expression);
		event->state = SKT_LAST_ACK;
		if (cases[i].got) {
			event->has |= SKT_BIT(SKT_E_BYTES_RECEIVED);
			event->bytes_received = 1;
		}
		take(&tape);
		assert_int_equal(skt_flows_end(tape.flows, NULL), 0);
		if (skt_flows_count(tape.flows) != cases[i].flows ||
		    skt_flows_unknown(tape.flows, &first, &last) != cases[i].unknown)
			fail_msg("%s%s", cases[i].expression, cases[i].got ? ", of one that got data" : "");
		finish(&tape);
	}
}

/* A test of bytes is unknown while a socket lives, and known when it was told of. */
static void what_was_unknown_while_it_lived_is_known_at_its_end(void **state)
{
	int64_t first, last;
	struct tape tape;

	(void)state;
	begin(&tape, "dport = :443 and bytes_sent > 100");
	play(&tape, 0, BY_SLOT, AT(1) + 300 * MS);
	assert_int_equal(skt_flows_end(tape.flows, NULL), 0);
	assert_int_equal(skt_flows_count(tape.flows), 0);
	assert_int_equal(skt_flows_unknown(tape.flows, &first, &last), 0);
	finish(&tape);
	begin(&tape, "dport = :443 and bytes_sent > 76 and comm = curl");
	play(&tape, SKT_TIME_WAIT, BY_SLOT, AT(1) + 300 * MS);
	the_flow(&tape, 0, 1);
	finish(&tape);
}

static void a_reset_loses_the_ends_and_they_are_not_guessed(void **state)
{
	struct skt_event *event;
	struct skt_row row;
	struct tape tape;

	(void)state;
	event = begin_unseen(&tape, "dport = :443 or dst 10.0.0.2");
	event->has = 0;
	event->remote_port = 0;
	memset(event->local_address, 0, 16);
	take(&tape);
	row = the_flow(&tape, 0, 1);
	expect_null(&row, "remote_port");
	expect_null(&row, "local_address");
	expect_text(&row, "remote_address", "10.0.0.2");
	expect_null(&row, "bytes_sent");
	finish(&tape);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_dates_the_end_of_a_socket_that_was_seen),
		cmocka_unit_test(what_may_have_happened_a_little_before_is_said_so),
		cmocka_unit_test(a_change_that_was_told_is_shown_once),
		cmocka_unit_test(a_connection_goes_on_in_time_wait_and_was_closed_when_it_was_told),
		cmocka_unit_test(what_is_told_late_is_of_the_flow_that_closed),
		cmocka_unit_test(what_no_look_has_seen_is_a_flow_of_its_own),
		cmocka_unit_test(how_long_it_lasted_says_when_it_opened),
		cmocka_unit_test(who_may_have_held_it_is_named_and_holds_nothing),
		cmocka_unit_test(who_last_held_the_listener_may_have_held_it),
		cmocka_unit_test(of_more_who_may_have_held_it_than_are_named_the_others_are_counted),
		cmocka_unit_test(a_filter_says_what_is_known_of_a_socket_that_no_look_has_seen),
		cmocka_unit_test(a_filter_knows_states_that_such_a_socket_was_in_for_certain),
		cmocka_unit_test(what_was_unknown_while_it_lived_is_known_at_its_end),
		cmocka_unit_test(a_reset_loses_the_ends_and_they_are_not_guessed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
