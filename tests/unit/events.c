/* SPDX-License-Identifier: MIT */
#include "recording.h"
#include "scene.h"

#include "record/file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What was told between two snapshots comes back with the step that it was told in, wherever a group begins. */

enum { SNAPSHOTS = 60, EVENTS_MAX = 8 };

/* An event, and where its row stands: that is the same in every numbering. */
struct told {
	struct skt_event event;
	bool has_row;
	uint64_t net_namespace;
	uint8_t kind;
	size_t place; /* in the table's order */
};

struct session {
	struct recording recording;
	struct told told[SNAPSHOTS][EVENTS_MAX];
	size_t n_told[SNAPSHOTS];
	size_t n;
	size_t borders; /* events told in a key block that has a snapshot before it */
};

static size_t place_of(const struct skt_snapshot *now, uint32_t slot)
{
	const struct skt_table *table = &now->tables[now->socks[slot].table];

	for (size_t i = 0; i < table->n_rows; i++)
		if (table->order[i] == slot)
			return i;
	fail_msg("row %u stands nowhere", slot);
	return 0;
}

/* An event about a row that changed with this step, whatever became of it; the n-th of this step. */
static struct told tell(const struct skt_snapshot *now, const struct skt_sock_change *change, size_t n)
{
	bool went = change->change == SKT_CLOSED || change->change == SKT_LOST;
	const struct skt_sock *row = went ? &change->before : &change->now;
	const struct skt_table *table = &now->tables[row->table];
	struct told told = { .has_row = !went, .net_namespace = table->net_namespace, .kind = table->kind };

	told.event = (struct skt_event){
		.when = now->time - 1000 + (int64_t)n,
		.source = 9,
		.change = change->change,
		.state = row->state,
		.slot = change->slot,
		.table = row->table,
		.local_port = row->local_port,
		.remote_port = row->remote_port,
		.uid = row->uid,
		.has = SKT_BIT(SKT_E_BYTES_SENT) | SKT_BIT(SKT_E_DURATION),
		.inode = row->inode,
		.bytes_sent = 100000 + n,
		.duration_us = 7,
		.late_us = UINT32_MAX - (uint32_t)n,
	};
	memcpy(told.event.local_address, row->local_address, 16);
	memcpy(told.event.remote_address, row->remote_address, 16);
	if (told.has_row)
		told.place = place_of(now, change->slot);
	return told;
}

/* Put events on the step that led to the snapshot in force. */
static void add_events(struct session *session)
{
	struct skt_snapshot *now = &session->recording.now;
	struct skt_step *step = &session->recording.step;
	struct told *told = session->told[session->n];
	size_t n = 0;

	for (size_t i = 0; i < step->n_socks && n < EVENTS_MAX - 1; i++) {
		const struct skt_sock *row =
			step->socks[i].change == SKT_OPENED ? &step->socks[i].now : &step->socks[i].before;

		if (step->socks[i].change == SKT_PRESENT || !now->tables[row->table].gone)
			told[n] = tell(now, &step->socks[i], n), n++;
	}
	/* one that no look has seen */
	if (now->n_tables && !now->tables[0].gone) {
		told[n] = (struct told){ .net_namespace = now->tables[0].net_namespace, .kind = now->tables[0].kind };
		told[n].event = (struct skt_event){ .when = now->time, .source = 9, .slot = SKT_NO_SLOT };
		n++;
	}
	session->n_told[session->n] = n;
	free(step->events);
	step->events = calloc(n + 1, sizeof(*step->events));
	assert_non_null(step->events);
	step->room_events = n + 1;
	step->n_events = n;
	for (size_t i = 0; i < n; i++)
		step->events[i] = told[i].event;
}

static void make_session(struct session *session, uint64_t seed, int64_t passed)
{
	struct recording *recording = &session->recording;
	struct random random = { .state = seed };
	struct random_world world = { .rows = 12 };

	memset(session, 0, sizeof(*session));
	recording_begin(recording, passed);
	for (session->n = 0; session->n < SNAPSHOTS; session->n++) {
		struct skt_snapshot read;

		recording_random(recording, &random, &world, passed, &read);
		read.number = session->n + 1;
		assert_int_equal(skt_match(recording->matcher, &recording->now, &read, !session->n, &recording->step),
				 0);
		assert_int_equal(skt_apply(&recording->now, &recording->step, NULL), 0);
		add_events(session);
		assert_int_equal(skt_writer_add(recording->writer, &recording->now, &recording->step, NULL), 0);
		skt_snapshot_release(&read);
	}
	recording_end(recording);
}

static void expect_event(const struct told *told, const struct skt_event *got, const struct skt_snapshot *now,
			 unsigned want)
{
	const struct skt_event *expected = &told->event;
	const struct skt_table *table;

	assert_true(got->table < now->n_tables);
	table = &now->tables[got->table];
	assert_int_equal(table->kind, told->kind);
	assert_int_equal(table->net_namespace, told->net_namespace);
	assert_int_equal(got->when, expected->when);
	assert_int_equal(got->source, expected->source);
	assert_int_equal(got->change, expected->change);
	assert_int_equal(got->state, expected->state);
	assert_memory_equal(got->local_address, expected->local_address, 16);
	assert_memory_equal(got->remote_address, expected->remote_address, 16);
	assert_int_equal(got->local_port, expected->local_port);
	assert_int_equal(got->remote_port, expected->remote_port);
	assert_int_equal(got->uid, expected->uid);
	/* that a row was seen is still told where it has no slot any more */
	assert_int_equal(got->has,
			 expected->has |
				 (got->slot == SKT_NO_SLOT && expected->slot != SKT_NO_SLOT ? SKT_BIT(SKT_E_LATE) : 0));
	assert_int_equal(got->inode, expected->inode);
	assert_int_equal(got->bytes_sent, expected->bytes_sent);
	assert_int_equal(got->duration_us, expected->duration_us);
	assert_int_equal(got->late_us, expected->late_us);
	if (!told->has_row) {
		/* a row that has closed has its slot no longer */
		assert_true(got->slot == SKT_NO_SLOT || now->socks[got->slot].table == SKT_NO_TABLE);
		return;
	}
	assert_true(got->slot < now->n_socks);
	assert_int_equal(now->socks[got->slot].local_port, expected->local_port);
	assert_int_equal(now->socks[got->slot].remote_port, expected->remote_port);
	if (want == SKT_WANT_ALL)
		assert_int_equal(place_of(now, got->slot), told->place);
}

static bool begins_group(const struct skt_file *file, uint64_t number)
{
	for (size_t g = 0; g < file->n_groups; g++)
		if (file->groups[g].number == number)
			return true;
	return false;
}

static void walk(struct session *session, unsigned want)
{
	struct skt_file *file = recording_open(&session->recording);
	struct skt_cursor *cursor;
	struct skt_step *step;

	assert_true(file->n_groups > 3);
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	skt_cursor_want(cursor, want);
	for (size_t i = 0; i < session->n; i++) {
		assert_int_equal(skt_cursor_next(cursor, &step, NULL), 1);
		assert_int_equal(step->number, i + 1);
		assert_int_equal(step->n_events, session->n_told[i]);
		for (size_t k = 0; k < step->n_events; k++)
			expect_event(&session->told[i][k], &step->events[k], skt_cursor_snapshot(cursor), want);
		if (i && begins_group(file, i + 1))
			session->borders += step->n_events;
	}
	assert_int_equal(skt_cursor_next(cursor, &step, NULL), 0);
	skt_cursor_free(cursor);
	skt_file_free(file);
}

static void events_come_back_wherever_groups_begin(void **state)
{
	/* many steps a group, and every one a key */
	static const int64_t passed[] = { SKT_NS_PER_S, 20 * SKT_NS_PER_S, 60 * SKT_NS_PER_S };
	struct session session;

	(void)state;
	for (uint64_t seed = 1; seed <= 9; seed++) {
		make_session(&session, seed, passed[seed % 3]);
		for (unsigned want = SKT_WANT_IDENTITY; want <= SKT_WANT_ALL; want++)
			walk(&session, want);
		assert_true(session.borders > 20);
		recording_release(&session.recording);
	}
}

/* Nothing but its table says of what kind an event is; where that has gone, there is nothing to say it with. */
static void an_event_in_a_table_that_went_is_not_told_in_a_key(void **state)
{
	struct recording recording;
	struct skt_snapshot read;
	struct skt_cursor *cursor;
	struct skt_event event = { .source = 9, .slot = SKT_NO_SLOT, .table = 1 };
	struct skt_file *file;
	struct skt_step *step;

	(void)state;
	recording_begin(&recording, 60 * SKT_NS_PER_S);
	for (int second = 0; second <= 60; second += 60) {
		struct skt_step *made = &recording.step;

		scene_begin(&read, NULL, second);
		read.number = second ? 2 : 1;
		scene_table(&read, SKT_TCP, 1);
		if (!second)
			scene_table(&read, SKT_TCP, 2);
		scene_end(&read);
		assert_int_equal(skt_match(recording.matcher, &recording.now, &read, !second, made), 0);
		assert_int_equal(skt_apply(&recording.now, made, NULL), 0);
		free(made->events);
		made->events = calloc(2, sizeof(event));
		assert_non_null(made->events);
		made->room_events = 2;
		made->n_events = 2;
		event.when = read.time;
		made->events[1] = made->events[0] = event;
		made->events[1].table = 0;
		assert_int_equal(recording.now.tables[1].gone, second != 0);
		assert_int_equal(skt_writer_add(recording.writer, &recording.now, made, NULL), 0);
		skt_snapshot_release(&read);
		skt_step_clear(made);
	}
	recording_end(&recording);
	file = recording_open(&recording);
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	assert_int_equal(skt_cursor_next(cursor, &step, NULL), 1);
	assert_int_equal(step->n_events, 2);
	assert_int_equal(skt_cursor_next(cursor, &step, NULL), 1);
	assert_int_equal(step->n_events, 1);
	assert_int_equal(step->events[0].table, 0);
	skt_cursor_free(cursor);
	skt_file_free(file);
	recording_release(&recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_back_wherever_groups_begin),
		cmocka_unit_test(an_event_in_a_table_that_went_is_not_told_in_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
