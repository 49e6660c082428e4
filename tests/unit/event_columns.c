/* SPDX-License-Identifier: MIT */
#include "recording.h"
#include "sanitized.h"
#include "scene.h"

#include "record/codec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * The section of events: what is put in comes back whatever an event says of its row, and bytes made by hand from
 * skt(5) mean what that page says, or are refused.
 */

enum { WORLDS = SANITIZED ? 10 : 40, STEPS = 20, EVENTS_MOST = 12 };

/* Who writes, and who reads what was written: both have the same rows in the same slots. */
struct pair {
	struct skt_snapshot now, read;
	struct skt_step step, step_read;
	struct encoder encoder;
	struct decoder decoder;
	struct skt_matcher *matcher;
	struct skt_buf sections[SECTION_END];
	uint32_t strings;
};

static void pair_begin(struct pair *pair)
{
	memset(pair, 0, sizeof(*pair));
	assert_int_equal(skt_snapshot_init(&pair->now, NULL, 1), 0);
	assert_int_equal(skt_snapshot_init(&pair->read, NULL, 2), 0);
	skt_step_init(&pair->step);
	skt_step_init(&pair->step_read);
	pair->matcher = skt_matcher_new(3);
	assert_non_null(pair->matcher);
	for (int id = 0; id < SECTION_END; id++)
		skt_buf_init(&pair->sections[id]);
	pair->strings = 1;
}

static void pair_end(struct pair *pair)
{
	skt_snapshot_release(&pair->now);
	skt_snapshot_release(&pair->read);
	skt_step_release(&pair->step);
	skt_step_release(&pair->step_read);
	skt_matcher_free(pair->matcher);
	encoder_release(&pair->encoder);
	decoder_release(&pair->decoder);
	for (int id = 0; id < SECTION_END; id++)
		skt_buf_release(&pair->sections[id]);
}

/* The step that leads to what was seen, which is used up. */
static void pair_step(struct pair *pair, struct skt_snapshot *seen, bool key)
{
	assert_int_equal(skt_match(pair->matcher, &pair->now, seen, key, &pair->step), 0);
	assert_int_equal(skt_apply(&pair->now, &pair->step, NULL), 0);
	skt_snapshot_release(seen);
}

static void pair_encode(struct pair *pair)
{
	for (int id = 0; id < SECTION_END; id++)
		skt_buf_clear(&pair->sections[id]);
	step_encode(&pair->encoder, &pair->step, &pair->now, pair->strings, pair->sections);
	pair->strings = skt_strtab_count(pair->now.strings);
	for (int id = SECTION_META; id < SECTION_END; id++)
		assert_int_equal(skt_buf_status(&pair->sections[id]), 0);
}

static int pair_decode(struct pair *pair, unsigned want, bool key, struct skt_err *err)
{
	struct cur in[SECTION_END];
	int rc;

	for (int id = 0; id < SECTION_END; id++)
		cur_init(&in[id], pair->sections[id].data, pair->sections[id].len);
	skt_err_init(err);
	rc = step_decode(&pair->decoder, in, want, &pair->read, key, &pair->step_read, err);
	if (!rc)
		assert_true(cur_is_done(&in[SECTION_EVENTS]));
	return rc;
}

/* --- what is put in comes back --- */

/* How many events of each sort there were, or there is nothing that the worlds prove. */
struct seen {
	unsigned like_row, unlike_row, of_none, closed, opened, changed, quiet, together, unknown, ipv4, ipv6;
};

static uint64_t any_number(struct random *random)
{
	return random_one_in(random, 3) ? 0 : random_bits(random) >> random_below(random, 64);
}

static void fill(struct random *random, uint8_t bytes[16], bool ipv6)
{
	memset(bytes, 0, 16);
	for (unsigned i = 0; i < (ipv6 ? 16 : 4); i++)
		bytes[i] = (uint8_t)random_bits(random);
}

/* Say of one thing something else than the row. */
static void differ(struct random *random, const struct skt_snapshot *now, struct skt_event *event)
{
	bool ipv6 = skt_table_kind_is_ipv6(now->tables[event->table].kind);

	switch (random_below(random, 6)) {
	case 0:
		fill(random, event->local_address, ipv6);
		break;
	case 1:
		fill(random, event->remote_address, ipv6);
		break;
	case 2:
		event->local_port = (uint16_t)random_bits(random);
		break;
	case 3:
		event->remote_port = random_one_in(random, 2) ? 0 : (uint16_t)random_bits(random);
		break;
	case 4:
		event->inode = any_number(random);
		break;
	default:
		event->uid = (uint32_t)any_number(random);
		break;
	}
}

static void say_as(struct skt_event *event, const struct skt_sock *row)
{
	event->table = row->table;
	memcpy(event->local_address, row->local_address, 16);
	memcpy(event->remote_address, row->remote_address, 16);
	event->local_port = row->local_port;
	event->remote_port = row->remote_port;
	event->inode = row->inode;
	event->uid = row->uid;
}

/* A row that this step is about in whatever way, or not at all. NULL: there is none of that sort. */
static const struct skt_sock *choose_row(struct random *random, const struct pair *pair, struct skt_event *event,
					 struct seen *seen)
{
	const struct skt_step *step = &pair->step;
	const struct skt_sock_change *change;
	uint32_t slot;

	if (step->n_socks && !random_one_in(random, 4)) {
		change = &step->socks[random_below(random, (uint32_t)step->n_socks)];
		event->slot = change->slot;
		if (change->change == SKT_OPENED || change->change == SKT_PRESENT) {
			seen->opened++;
			return &change->now;
		}
		seen->closed += change->change != SKT_CHANGED;
		seen->changed += change->change == SKT_CHANGED;
		return &change->before;
	}
	if (!pair->now.n_socks)
		return NULL;
	slot = random_below(random, (uint32_t)pair->now.n_socks);
	for (size_t i = 0; i < step->n_socks; i++)
		if (step->socks[i].slot == slot)
			return NULL;
	if (pair->now.socks[slot].table == SKT_NO_TABLE)
		return NULL;
	event->slot = slot;
	seen->quiet++;
	return &pair->now.socks[slot];
}

/* An event may stand in a table that was there before the step, and in one that came. */
static bool may_be_named(const struct pair *pair, uint32_t table)
{
	return table >= pair->read.n_tables || !pair->read.tables[table].gone;
}

static void make_event(struct random *random, const struct pair *pair, struct skt_event *event, struct seen *seen)
{
	const struct skt_snapshot *now = &pair->now;
	const struct skt_sock *row = random_one_in(random, 4) ? NULL : choose_row(random, pair, event, seen);

	if (row) {
		say_as(event, row);
	} else {
		event->slot = SKT_NO_SLOT;
		do
			event->table = random_below(random, (uint32_t)now->n_tables);
		while (!may_be_named(pair, event->table));
		seen->of_none++;
	}
	for (unsigned n = row ? random_below(random, 3) : 4; n; n--) {
		differ(random, now, event);
		seen->unlike_row += row != NULL;
	}
	seen->like_row += row != NULL;
	if (row && random_one_in(random, 8)) {
		uint32_t other = random_below(random, (uint32_t)now->n_tables);
		bool same = skt_table_kind_is_ipv6(now->tables[other].kind) ==
			    skt_table_kind_is_ipv6(now->tables[event->table].kind);

		if (same && may_be_named(pair, other))
			event->table = other;
	}
	seen->ipv6 += skt_table_kind_is_ipv6(now->tables[event->table].kind);
	seen->ipv4 += !skt_table_kind_is_ipv6(now->tables[event->table].kind);
	event->source = (uint8_t)random_below(random, 3);
	event->change = (uint8_t)(1 + random_below(random, 5));
	event->state = (uint8_t)(random_one_in(random, 3) ? random_bits(random) : SKT_CLOSE);
	event->has = (uint32_t)(random_one_in(random, 3) ? random_bits(random) : 255);
	event->bytes_sent = any_number(random);
	event->bytes_received = any_number(random);
	event->rtt_us = (uint32_t)any_number(random);
	event->retransmits = (uint32_t)any_number(random);
	event->duration_us = random_one_in(random, 9) ? UINT64_MAX : any_number(random);
	/* what is not known is mostly 0 */
	if (random_one_in(random, 2)) {
		event->bytes_sent = event->has & SKT_BIT(SKT_E_BYTES_SENT) ? event->bytes_sent : 0;
		event->bytes_received = event->has & SKT_BIT(SKT_E_BYTES_RECEIVED) ? event->bytes_received : 0;
		event->rtt_us = event->has & SKT_BIT(SKT_E_RTT) ? event->rtt_us : 0;
		event->retransmits = event->has & SKT_BIT(SKT_E_RETRANSMITS) ? event->retransmits : 0;
		event->duration_us = event->has & SKT_BIT(SKT_E_DURATION) ? event->duration_us : 0;
	}
	seen->unknown += !(event->has & SKT_BIT(SKT_E_BYTES_SENT)) && event->bytes_sent;
}

/* Events on the step that was taken. Padding is 0, so that they can be compared as bytes. */
static size_t make_events(struct random *random, struct pair *pair, struct seen *seen)
{
	const int64_t most = (INT64_C(1) << 62) - 1;
	struct skt_step *step = &pair->step;
	size_t n = pair->now.n_tables ? random_below(random, EVENTS_MOST) : 0;
	int64_t when = step->time - SKT_NS_PER_S;
	bool any = false;

	for (uint32_t i = 0; i < pair->now.n_tables; i++)
		any |= may_be_named(pair, i);
	n = any ? n : 0;
	free(step->events);
	step->events = calloc(n + 1, sizeof(*step->events));
	assert_non_null(step->events);
	step->room_events = n + 1;
	step->n_events = n;
	for (size_t i = 0; i < n; i++) {
		struct skt_event *event = &step->events[i];
		bool together = i && random_one_in(random, 3);

		make_event(random, pair, event, seen);
		when += together ? 0 : (int64_t)(random_bits(random) >> (24 + random_below(random, 40)));
		/* the earliest and the latest that there may be */
		if (!i && random_one_in(random, 10))
			event->when = step->time - most < -most ? -most : step->time - most;
		else if (i + 1 == n && random_one_in(random, 10))
			event->when = most;
		else
			event->when = when;
		event->late_us = together ? event[-1].late_us : (uint32_t)any_number(random);
		seen->together += i && event->when == event[-1].when && event->late_us == event[-1].late_us;
	}
	return n;
}

static void walk_world(uint64_t seed, unsigned want, struct seen *seen)
{
	static const uint32_t rows[] = { 1, 4, 12, 40 };
	struct random random = { .state = seed };
	struct random_world world = { .rows = rows[random_below(&random, 4)] };
	struct recording front = { .fd = -1 };
	struct skt_err err;
	struct pair pair;

	pair_begin(&pair);
	for (unsigned i = 0; i < STEPS; i++) {
		struct skt_snapshot look;
		size_t n;

		front.now = pair.now;
		recording_random(&front, &random, &world, SKT_NS_PER_S, &look);
		pair_step(&pair, &look, !i);
		n = make_events(&random, &pair, seen);
		pair_encode(&pair);
		if (pair_decode(&pair, want, !i, &err))
			fail_msg("seed %llu, step %u: %s", (unsigned long long)seed, i, err.message);
		assert_int_equal(pair.step_read.n_events, n);
		for (size_t k = 0; k < n; k++)
			if (memcmp(&pair.step_read.events[k], &pair.step.events[k], sizeof(struct skt_event)) != 0)
				fail_msg("seed %llu, step %u, event %zu is another", (unsigned long long)seed, i, k);
		assert_int_equal(skt_apply(&pair.read, &pair.step_read, NULL), 0);
	}
	pair_end(&pair);
}

static void what_was_told_comes_back_whatever_its_row_says(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= WORLDS; seed++)
		for (unsigned want = SKT_WANT_IDENTITY; want <= SKT_WANT_ALL; want++)
			walk_world(seed, want, &seen);
	assert_true(seen.like_row > 100 && seen.unlike_row > 100 && seen.of_none > 100);
	assert_true(seen.closed > 100 && seen.opened > 100 && seen.changed > 100 && seen.quiet > 100);
	assert_true(seen.together > 100 && seen.unknown > 100 && seen.ipv4 > 100 && seen.ipv6 > 100);
}

/* --- what the page says --- */

/*
 * Slots 0 and 1 are rows of tcp (table 0), slot 2 one of tcp6 (table 1). In the step row 1 closes, row 0 changes its
 * uid, and row 3 comes in tcp: IDENTITY lists 1, 3 and 0, in that order.
 */
struct scene {
	struct pair pair;
	struct skt_buf events; /* in place of what the step has */
};

static struct skt_sock row_of_tcp6(uint32_t table)
{
	struct skt_sock row = scene_sock(443, 50000, 777, 3, SKT_ESTABLISHED);

	memset(row.local_address, 0xfd, 16);
	memset(row.remote_address, 0xfe, 16);
	row.table = table;
	return row;
}

static void look(struct skt_snapshot *ret, int64_t second)
{
	struct skt_sock row = scene_sock(80, 1001, 501, 1, SKT_ESTABLISHED);
	uint32_t tcp6;

	scene_begin(ret, NULL, second);
	scene_table(ret, SKT_TCP, 1);
	tcp6 = scene_table(ret, SKT_TCP6, 1);
	row.uid = second ? 33 : 0;
	scene_add(ret, row);
	if (second)
		scene_add(ret, scene_sock(80, 1003, 503, 4, SKT_ESTABLISHED));
	else
		scene_add(ret, scene_sock(80, 1002, 502, 2, SKT_ESTABLISHED));
	scene_add(ret, row_of_tcp6(tcp6));
	scene_end(ret);
}

static void scene_make(struct scene *scene)
{
	struct skt_snapshot seen;
	struct skt_err err;

	pair_begin(&scene->pair);
	look(&seen, 0);
	pair_step(&scene->pair, &seen, true);
	pair_encode(&scene->pair);
	assert_int_equal(pair_decode(&scene->pair, SKT_WANT_ALL, true, &err), 0);
	assert_int_equal(skt_apply(&scene->pair.read, &scene->pair.step_read, NULL), 0);
	look(&seen, 1);
	pair_step(&scene->pair, &seen, false);
	pair_encode(&scene->pair);
	skt_buf_init(&scene->events);
}

static void scene_unmake(struct scene *scene)
{
	pair_end(&scene->pair);
	skt_buf_release(&scene->events);
}

/* So many events that are alike: closed, as the kernel said, in state CLOSE; and so many columns. */
static void begin_events(struct scene *scene, unsigned n, unsigned columns)
{
	skt_buf_clear(&scene->events);
	skt_buf_varint(&scene->events, n);
	skt_buf_add(&scene->events, "\2\3\7\0", 4);
	skt_buf_varint(&scene->events, columns);
}

static void put_column(struct scene *scene, unsigned id, const char *values, size_t len)
{
	skt_buf_byte(&scene->events, (unsigned char)id);
	skt_buf_varint(&scene->events, len);
	skt_buf_add(&scene->events, values, len);
}

#define COLUMN(id, values) put_column(scene, (id), (values), sizeof(values) - 1)

/* Read the step with these events. */
static int take(struct scene *scene, struct skt_err *err)
{
	struct skt_buf *section = &scene->pair.sections[SECTION_EVENTS];

	skt_buf_clear(section);
	skt_buf_add(section, scene->events.data, scene->events.len);
	return pair_decode(&scene->pair, SKT_WANT_ALL, false, err);
}

static const struct skt_event *good(struct scene *scene, size_t n)
{
	struct skt_err err;

	if (take(scene, &err))
		fail_msg("%s", err.message);
	assert_int_equal(scene->pair.step_read.n_events, n);
	return scene->pair.step_read.events;
}

/* Refused, at this byte of the section. */
static void bad_at_as(struct scene *scene, size_t offset, const char *what)
{
	struct skt_err err;
	char expected[80];
	int rc = take(scene, &err);

	snprintf(expected, sizeof(expected), "events section is damaged at its byte %zu", offset);
	if (rc != -EBADMSG || strcmp(err.message, expected) != 0)
		fail_msg("%s: %d, %s; not at byte %zu", what, rc, rc ? err.message : "", offset);
}

#define bad_at(scene, offset) bad_at_as((scene), (offset), __func__)

static void an_event_of_a_row_says_nothing_that_the_row_does(void **state)
{
	struct scene scenes, *scene = &scenes;
	const struct skt_event *event;

	(void)state;
	scene_make(scene);
	/* what closed, what came, what changed, and what is in no list: slot 2, behind three that are */
	begin_events(scene, 4, 5);
	COLUMN(EVENT_SAYS, "\0\0\0\0");
	COLUMN(EVENT_ROW, "\1\2\3\6");
	COLUMN(EVENT_FIELDS, "\0\1\0\0");
	/* 1 s before, then 1 ns after each other: -10^9 is 1999999999, of 31 bits */
	COLUMN(EVENT_WHEN, "\xff\xa7\xd6\xb9\7\2\2\2");
	COLUMN(EVENT_BYTES_SENT, "\5");
	event = good(scene, 4);
	assert_int_equal(event[0].slot, 1);
	assert_int_equal(event[0].remote_port, 1002);
	assert_int_equal(event[0].inode, 502);
	assert_int_equal(event[0].when, SCENE_TIME);
	assert_int_equal(event[0].source, 2);
	assert_int_equal(event[0].change, SKT_CLOSED);
	assert_int_equal(event[0].state, SKT_CLOSE);
	assert_int_equal(event[1].slot, 3);
	assert_int_equal(event[1].remote_port, 1003);
	assert_int_equal(event[1].bytes_sent, 5);
	assert_int_equal(event[1].when, SCENE_TIME + 1);
	/* as it was before this step */
	assert_int_equal(event[2].slot, 0);
	assert_int_equal(event[2].uid, 0);
	assert_int_equal(event[2].remote_port, 1001);
	assert_int_equal(event[3].slot, 2);
	assert_int_equal(event[3].table, 1);
	assert_int_equal(event[3].local_address[15], 0xfd);
	assert_int_equal(event[3].remote_address[0], 0xfe);
	assert_int_equal(event[3].inode, 777);
	assert_int_equal(event[3].when, SCENE_TIME + 3);
	scene_unmake(scene);
}

static void what_it_says_itself_goes_before_its_row(void **state)
{
	struct scene scenes, *scene = &scenes;
	const struct skt_event *event;

	(void)state;
	scene_make(scene);
	/* all but the table, of row 1; all of none, heard together with it; and counts that are not known */
	begin_events(scene, 2, 17);
	COLUMN(EVENT_SAYS, "\x7e\xff\3");
	COLUMN(EVENT_ROW, "\1\0");
	COLUMN(EVENT_FIELDS, "\20\0");
	COLUMN(EVENT_WHEN, "\1");
	COLUMN(EVENT_LATE, "\20");
	COLUMN(EVENT_TABLE, "\1");
	COLUMN(EVENT_LOCAL_ADDRESS, "\300\0\2\1ABCDEFGHIJKLMNOP");
	COLUMN(EVENT_LOCAL_PORT, "\1\2\3\4");
	COLUMN(EVENT_REMOTE_ADDRESS, "\0\0\0\0abcdefghijklmnop");
	COLUMN(EVENT_REMOTE_PORT, "\5\6\0\0");
	COLUMN(EVENT_INODE, "\10\3");
	COLUMN(EVENT_UID, "\7\10");
	COLUMN(EVENT_BYTES_SENT, "\11");
	COLUMN(EVENT_RTT, "\12");
	COLUMN(EVENT_RETRANSMITS, "\13");
	COLUMN(EVENT_DURATION_MS, "\2\3");
	COLUMN(EVENT_DURATION_US, "\0\4");
	event = good(scene, 2);
	assert_int_equal(event[0].slot, 1);
	assert_int_equal(event[0].table, 0);
	assert_memory_equal(event[0].local_address, "\300\0\2\1\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_memory_equal(event[0].remote_address, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(event[0].local_port, 0x301);
	assert_int_equal(event[0].remote_port, 5);
	assert_int_equal(event[0].inode, 4);
	assert_int_equal(event[0].uid, 7);
	assert_int_equal(event[0].bytes_sent, 0);
	assert_int_equal(event[0].duration_us, 2000);
	assert_int_equal(event[0].late_us, 8);
	assert_int_equal(event[0].when, SCENE_TIME + SCENE_SECOND - 1);
	assert_int_equal(event[1].slot, SKT_NO_SLOT);
	assert_int_equal(event[1].table, 1);
	assert_memory_equal(event[1].local_address, "ABCDEFGHIJKLMNOP", 16);
	assert_memory_equal(event[1].remote_address, "abcdefghijklmnop", 16);
	assert_int_equal(event[1].local_port, 0x402);
	assert_int_equal(event[1].remote_port, 6);
	assert_int_equal(event[1].inode, 2);
	assert_int_equal(event[1].uid, 8);
	assert_int_equal(event[1].has, 0);
	assert_int_equal(event[1].bytes_sent, 9);
	assert_int_equal(event[1].bytes_received, 0);
	assert_int_equal(event[1].rtt_us, 10);
	assert_int_equal(event[1].retransmits, 11);
	assert_int_equal(event[1].duration_us, 3004);
	assert_int_equal(event[1].late_us, 8);
	assert_int_equal(event[1].when, event[0].when);
	scene_unmake(scene);
}

static void a_column_that_a_later_version_adds_is_passed_over(void **state)
{
	struct scene scenes, *scene = &scenes;

	(void)state;
	scene_make(scene);
	begin_events(scene, 1, 7);
	COLUMN(200, "abc");
	COLUMN(EVENT_SAYS, "\x84\4");
	COLUMN(EVENT_ROW, "\1");
	COLUMN(0, "");
	COLUMN(EVENT_FIELDS, "\x80\x80\x80\1");
	COLUMN(EVENT_LOCAL_PORT, "\5\0");
	COLUMN(200, "");
	assert_int_equal(good(scene, 1)->local_port, 5);
	assert_int_equal(scene->pair.step_read.events->has, 1 << 21);
	scene_unmake(scene);
}

/*
 * Slot 2, behind three rows of IDENTITY, in table 0: of what stands in a table of IPv4 no one may take the rest for an
 * address.
 */
static void in_a_table_of_ipv4_an_event_of_a_row_of_ipv6_has_four_bytes(void **state)
{
	struct scene scenes, *scene = &scenes;
	const struct skt_event *event;

	(void)state;
	scene_make(scene);
	begin_events(scene, 1, 4);
	COLUMN(EVENT_SAYS, "\x80\1");
	COLUMN(EVENT_ROW, "\6");
	COLUMN(EVENT_FIELDS, "\0");
	COLUMN(EVENT_TABLE, "\0");
	event = good(scene, 1);
	assert_int_equal(event->slot, 2);
	assert_memory_equal(event->local_address, "\xfd\xfd\xfd\xfd\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_memory_equal(event->remote_address, "\xfe\xfe\xfe\xfe\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	scene_unmake(scene);
}

/* An event with one byte in each of the first three columns, and so many columns more. It ends behind byte 15. */
static void one(struct scene *scene, const char *says, const char *row, const char *fields, unsigned more)
{
	begin_events(scene, 1, 3 + more);
	put_column(scene, EVENT_SAYS, says, 1);
	put_column(scene, EVENT_ROW, row, 1);
	put_column(scene, EVENT_FIELDS, fields, 1);
}

/*
 * An event of `one`, with what stands in its three bytes, so many columns more, and those; and the byte at which it is
 * refused.
 */
struct refused {
	const char *says, *row, *fields;
	unsigned more;
	struct {
		unsigned id;
		const char *values;
		size_t len;
	} columns[2];
	size_t at;
	const char *what;
};

#define OF(id, values)                                   \
	{                                                \
		EVENT_##id, (values), sizeof(values) - 1 \
	}

static void refuse(struct scene *scene, const struct refused *refused, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		one(scene, refused[i].says, refused[i].row, refused[i].fields, refused[i].more);
		for (unsigned k = 0; k < 2 && refused[i].columns[k].values; k++)
			put_column(scene, refused[i].columns[k].id, refused[i].columns[k].values,
				   refused[i].columns[k].len);
		bad_at_as(scene, refused[i].at, refused[i].what);
	}
}

static void refuses_columns_that_are_not_what_the_page_says(void **state)
{
	static const struct refused refused[] = {
		{ "\2", "\1", "\0", 1, { OF(LOCAL_ADDRESS, "\5\0\0") }, 20, "a value too few" },
		{ "\4", "\1", "\0", 1, { OF(LOCAL_PORT, "\5\0\0") }, 20, "half of one" },
		{ "\4", "\1", "\0", 1, { OF(LOCAL_PORT, "\5\0\0\0") }, 21, "one too many" },
		{ "\0", "\1", "\0", 2, { OF(LOCAL_PORT, "\5\0"), OF(UID, "\1") }, 19, "of a column that nobody has" },
		{ "\4", "\1", "\0", 1, { OF(LOCAL_PORT, "") }, 17, "none" },
		{ "\4", "\1", "\0", 2, { OF(LOCAL_PORT, "\5\0"), OF(LOCAL_PORT, "\5\0") }, 23, "twice" },
		{ "\104", "\1", "\0", 2, { OF(UID, "\5"), OF(LOCAL_PORT, "\5\0") }, 22, "not in order" },
		{ "\0", "\1", "\0", 1, { { 0 } }, 15, "more columns than are there" },
	};
	struct scene scenes, *scene = &scenes;

	(void)state;
	scene_make(scene);
	one(scene, "\4", "\1", "\0", 1);
	COLUMN(EVENT_LOCAL_PORT, "\5\0");
	good(scene, 1);
	refuse(scene, refused, sizeof(refused) / sizeof(*refused));
	scene_unmake(scene);
}

/* 18446744073709551; and 616 us are 2^64 us */
#define MOST_MS "\xef\xcf\x9a\xde\xf4\xa6\xe2\x20"

static void refuses_values_that_are_out_of_range(void **state)
{
	static const struct refused refused[] = {
		{ "\1", "\1", "\0", 0, { { 0 } }, 9, "the first has none before it" },
		{ "\0", "\1", "\0", 1, { OF(LATE, "\1") }, 18, "late by less than nothing" },
		{ "\100", "\1", "\0", 1, { OF(UID, "\x80\x80\x80\x80\20") }, 22, "2^32" },
		{ "\0", "\1", "\20", 1, { OF(DURATION_US, "\xe8\7") }, 19, "1 ms more" },
		{ "\0", "\1", "\20", 2, { OF(DURATION_MS, MOST_MS), OF(DURATION_US, "\xe8\4") }, 29, "2^64 us" },
	};
	struct scene scenes, *scene = &scenes;

	(void)state;
	scene_make(scene);
	refuse(scene, refused, sizeof(refused) / sizeof(*refused));
	/* one less */
	one(scene, "\0", "\1", "\20", 2);
	COLUMN(EVENT_DURATION_MS, MOST_MS);
	COLUMN(EVENT_DURATION_US, "\xe7\4");
	assert_true(good(scene, 1)->duration_us == UINT64_MAX);
	scene_unmake(scene);
}

static void refuses_rows_and_tables_that_are_not_there(void **state)
{
	static const char good_rows[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct scene scenes, *scene = &scenes;

	(void)state;
	scene_make(scene);
	for (size_t i = 0; i < sizeof(good_rows); i++) {
		one(scene, "\0", &good_rows[i], "\0", 0);
		good(scene, 1);
	}
	/* slot 4, and none of all that there might be */
	one(scene, "\0", "\10", "\0", 0);
	bad_at(scene, 12);
	begin_events(scene, 1, 3);
	COLUMN(EVENT_SAYS, "\0");
	COLUMN(EVENT_ROW, "\x80\x80\x80\x80\1");
	COLUMN(EVENT_FIELDS, "\0");
	bad_at(scene, 16);
	begin_events(scene, 1, 4);
	COLUMN(EVENT_SAYS, "\x80\1");
	COLUMN(EVENT_ROW, "\1");
	COLUMN(EVENT_FIELDS, "\0");
	COLUMN(EVENT_TABLE, "\2");
	bad_at(scene, 19);
	scene_unmake(scene);
}

static void refuses_more_events_than_there_are_bytes_for(void **state)
{
	struct scene scenes, *scene = &scenes;

	(void)state;
	scene_make(scene);
	/* two, and a value for one */
	begin_events(scene, 2, 3);
	COLUMN(EVENT_SAYS, "\0");
	COLUMN(EVENT_ROW, "\0");
	COLUMN(EVENT_FIELDS, "\0");
	bad_at(scene, 15);
	/* one too many at once, and in runs */
	skt_buf_clear(&scene->events);
	skt_buf_varint(&scene->events, SKT_EVENTS_MAX + 1);
	skt_buf_add(&scene->events, "\2\3\7\0\0", 5);
	bad_at(scene, 3);
	skt_buf_clear(&scene->events);
	skt_buf_varint(&scene->events, SKT_EVENTS_MAX);
	skt_buf_add(&scene->events, "\2\3\7\1\2\3\7\0\0", 9);
	bad_at(scene, 7);
	assert_int_equal(scene->pair.step_read.n_events, 0);
	scene_unmake(scene);
}

/* --- and how small it is --- */

/* What stands in IDENTITY need not stand here: no byte of ends, inode and uid. */
static void a_pair_that_was_heard_together_takes_a_few_bytes(void **state)
{
	struct skt_event two[2];
	struct scene scenes, *scene = &scenes;
	struct skt_step *step;

	(void)state;
	scene_make(scene);
	step = &scene->pair.step;
	memset(two, 0, sizeof(two));
	for (unsigned i = 0; i < 2; i++) {
		two[i].when = step->time - SKT_NS_PER_S / 100;
		two[i].source = SKT_SOURCE_DESTROY;
		two[i].change = SKT_CLOSED;
		two[i].state = SKT_CLOSE;
		two[i].slot = i;
		two[i].late_us = 100;
		two[i].has = SKT_BIT(SKT_E_RTT);
		two[i].rtt_us = 9;
		say_as(&two[i], &scene->pair.read.socks[i]);
	}
	step->events = calloc(2, sizeof(*two));
	assert_non_null(step->events);
	memcpy(step->events, two, sizeof(two));
	step->n_events = step->room_events = 2;
	pair_encode(&scene->pair);
	/* the run 5, the columns 1: three of two, instant 4, late 2, two of rtt, and two for the head of each */
	assert_int_equal(scene->pair.sections[SECTION_EVENTS].len, 5 + 1 + 3 * (2 + 2) + (2 + 4) + (2 + 2) + (2 + 2));
	scene_unmake(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_told_comes_back_whatever_its_row_says),
		cmocka_unit_test(an_event_of_a_row_says_nothing_that_the_row_does),
		cmocka_unit_test(what_it_says_itself_goes_before_its_row),
		cmocka_unit_test(a_column_that_a_later_version_adds_is_passed_over),
		cmocka_unit_test(in_a_table_of_ipv4_an_event_of_a_row_of_ipv6_has_four_bytes),
		cmocka_unit_test(refuses_columns_that_are_not_what_the_page_says),
		cmocka_unit_test(refuses_values_that_are_out_of_range),
		cmocka_unit_test(refuses_rows_and_tables_that_are_not_there),
		cmocka_unit_test(refuses_more_events_than_there_are_bytes_for),
		cmocka_unit_test(a_pair_that_was_heard_together_takes_a_few_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
