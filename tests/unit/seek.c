/* SPDX-License-Identifier: MIT */
#include "recording.h"
#include "sanitized.h"
#include "scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* Every instant of a recording, and every way to name it, leads to the snapshot that was in force then. */

struct open {
	struct recording recording;
	struct skt_file *file;
	struct skt_cursor *cursor;
	int64_t end;
};

static void open_it(struct open *open)
{
	recording_end(&open->recording);
	open->file = recording_open(&open->recording);
	open->end = skt_file_span(open->file).end;
	assert_int_equal(skt_cursor_new(open->file, &open->cursor, NULL), 0);
}

static void close_it(struct open *open)
{
	skt_cursor_free(open->cursor);
	skt_file_free(open->file);
	recording_release(&open->recording);
}

static int64_t time_at(const struct open *open, size_t i)
{
	return open->recording.made[i].snapshot.time;
}

/*
 * The snapshot in force at an instant, counted from 0, or -1: the last one that is, for a clock that is set back
 * shows some instants twice. Before such a step a snapshot is in force for one interval.
 */
static ssize_t in_force(const struct open *open, int64_t when)
{
	for (size_t i = open->recording.n; i-- > 0;) {
		bool last = i + 1 == open->recording.n;
		int64_t until = last ? open->end + 1 : time_at(open, i + 1);

		if (until <= time_at(open, i))
			until = time_at(open, i) + open->recording.header.interval;
		if (when >= time_at(open, i) && when < until)
			return (ssize_t)i;
	}
	return -1;
}

static int seek(struct open *open, struct skt_time time, int64_t *ret_when, struct skt_err *err)
{
	skt_err_init(err);
	return skt_cursor_seek(open->cursor, &time, SKT_ZONE_UTC, ret_when, err);
}

/* The cursor stands on the i-th snapshot; now and then it is asked to go on. */
static void expect_at(struct open *open, size_t i, struct random *random)
{
	struct skt_step *step;

	recording_expect(&open->recording, i + 1, skt_cursor_snapshot(open->cursor));
	while (random_one_in(random, 4)) {
		int rc = skt_cursor_next(open->cursor, &step, NULL);

		i++;
		assert_int_equal(rc, i < open->recording.n);
		if (!rc)
			break;
		assert_int_equal(step->number, i + 1);
		assert_int_equal(step->from, time_at(open, i - 1));
		recording_expect(&open->recording, i + 1, skt_cursor_snapshot(open->cursor));
	}
}

static void seek_instant(struct open *open, int64_t when, struct random *random)
{
	struct skt_time time = { .kind = SKT_TIME_INSTANT, .ns = when };
	ssize_t expected = in_force(open, when);
	struct skt_err err;
	int64_t got = 0;
	int rc = seek(open, time, &got, &err);

	if (expected < 0) {
		if (rc != -ERANGE)
			fail_msg("nothing is in force at %lld, but %d at #%llu", (long long)when, rc,
				 (unsigned long long)skt_cursor_snapshot(open->cursor)->number);
		assert_string_equal(err.path, RECORDING_NAME);
		return;
	}
	if (rc)
		fail_msg("#%zd is in force at %lld: %s", expected + 1, (long long)when, err.message);
	assert_int_equal(got, when);
	expect_at(open, (size_t)expected, random);
}

static void seek_number(struct open *open, size_t i, struct random *random)
{
	struct skt_time time = { .kind = SKT_TIME_NUMBER, .number = i + 1 };
	struct skt_err err;
	int64_t got = 0;

	assert_int_equal(seek(open, time, &got, &err), 0);
	assert_int_equal(got, time_at(open, i));
	expect_at(open, i, random);
}

/* So long after the first, or before the last. */
static void seek_distance(struct open *open, int64_t when, struct random *random)
{
	bool after = random_one_in(random, 2);
	struct skt_time time = { .kind = after ? SKT_TIME_AFTER_FIRST : SKT_TIME_BEFORE_LAST };
	ssize_t expected = in_force(open, when);
	struct skt_err err;
	int64_t got = 0;
	int rc;

	time.ns = after ? when - time_at(open, 0) : time_at(open, open->recording.n - 1) - when;
	if (time.ns < 0)
		return;
	rc = seek(open, time, &got, &err);
	assert_int_equal(rc, expected < 0 ? -ERANGE : 0);
	if (expected < 0)
		return;
	assert_int_equal(got, when);
	expect_at(open, (size_t)expected, random);
}

/* Each snapshot, by everything that names it, in any order. */
static void seek_all(struct open *open, struct random *random)
{
	size_t n = open->recording.n;
	uint32_t *order = malloc(n * sizeof(*order));

	assert_non_null(order);
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	random_shuffle(random, order, n);
	for (size_t k = 0; k < n; k++) {
		size_t i = order[k];
		int64_t when = time_at(open, i), next = i + 1 < n ? time_at(open, i + 1) : open->end;

		seek_number(open, i, random);
		seek_instant(open, when, random);
		seek_instant(open, when - 1, random);
		seek_instant(open, when + 1, random);
		seek_instant(open, when + (next - when) / 2, random);
		seek_instant(open, next - 1, random);
		seek_distance(open, when, random);
		seek_distance(open, when + (next - when) / 3, random);
	}
	free(order);
}

static void make_random(struct open *open, uint64_t seed, int64_t interval, unsigned n, uint32_t rows, bool steady)
{
	struct random random = { .state = seed };
	struct random_world world = { .rows = rows };

	recording_begin(&open->recording, interval);
	for (unsigned i = 0; i < n; i++) {
		struct skt_snapshot read;
		int64_t before = open->recording.now.time, changed;

		recording_random(&open->recording, &random, &world, interval, &read);
		/* a steady clock is not set back by an hour now and then */
		changed = i && steady ? before + interval - read.time : 0;
		read.time += changed;
		read.end += changed;
		for (size_t t = 0; t < read.n_tables; t++)
			read.tables[t].read_time += read.tables[t].read_time ? changed : 0;
		recording_add(&open->recording, &read);
		skt_snapshot_release(&read);
	}
	open_it(open);
}

static void every_name_of_a_snapshot_leads_to_it(void **state)
{
	static const struct {
		int64_t interval;
		unsigned n;
		uint32_t rows;
	} chains[] = {
		{ 50 * SKT_NS_PER_MS, 120, 3 },
		{ SKT_NS_PER_S, 70, 4 },
		{ 20 * SKT_NS_PER_S, 20, 8 },
		{ SKT_NS_PER_S, 1, 4 },
		{ SKT_NS_PER_S, 2, 4 },
		/* more groups than go into two index blocks */
		{ 60 * SKT_NS_PER_S, 150, 2 },
	};

	(void)state;
	for (size_t c = 0; c < sizeof(chains) / sizeof(*chains); c++)
		for (uint64_t seed = 1; seed <= (SANITIZED ? 1 : 2); seed++) {
			struct random random = { .state = seed };
			struct open open;

			make_random(&open, 100 * c + seed, chains[c].interval, chains[c].n, chains[c].rows, true);
			seek_all(&open, &random);
			close_it(&open);
		}
}

/* The wall clock is set back by an hour now and then. */
static void it_does_with_a_clock_that_is_set_back(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= (SANITIZED ? 2 : 6); seed++) {
		struct random random = { .state = seed };
		struct open open;

		make_random(&open, 7000 + seed, seed % 2 ? SKT_NS_PER_S : 50 * SKT_NS_PER_MS, 100, 3, false);
		seek_all(&open, &random);
		close_it(&open);
	}
}

/* --- scenes: snapshots at told times --- */

static void scene_at(struct open *open, int64_t time, int64_t boottime)
{
	struct skt_snapshot read;

	scene_begin(&read, NULL, (int64_t)open->recording.n);
	scene_table(&read, SKT_TCP, 1);
	read.time = time;
	read.end = time;
	read.boottime = boottime;
	read.tables[0].read_time = time;
	scene_add(&read, scene_sock((uint16_t)open->recording.n, 80, 5, 6, SKT_ESTABLISHED));
	scene_end(&read);
	recording_add(&open->recording, &read);
	skt_snapshot_release(&read);
}

/* One snapshot a second at these seconds after SCENE_TIME. */
static void make_at(struct open *open, const int *seconds, size_t n)
{
	recording_begin(&open->recording, SKT_NS_PER_S);
	for (size_t i = 0; i < n; i++)
		scene_at(open, SCENE_TIME + seconds[i] * SKT_NS_PER_S, SCENE_BOOTTIME + (int64_t)i * SKT_NS_PER_S);
	open_it(open);
}

static uint64_t number_at(struct open *open, int64_t ms)
{
	struct skt_time time = { .kind = SKT_TIME_INSTANT, .ns = SCENE_TIME + ms * SKT_NS_PER_MS };
	struct skt_err err;
	int64_t when;
	int rc = seek(open, time, &when, &err);

	if (rc == -ERANGE)
		return 0;
	assert_int_equal(rc, 0);
	return skt_cursor_snapshot(open->cursor)->number;
}

static void times_before_a_step_back_are_found_still(void **state)
{
	static const int seconds[] = { 10, 11, 12, 5, 6, 7 };
	struct open open;

	(void)state;
	make_at(&open, seconds, 6);
	assert_int_equal(number_at(&open, 4999), 0);
	assert_int_equal(number_at(&open, 5000), 4);
	assert_int_equal(number_at(&open, 6500), 5);
	assert_int_equal(number_at(&open, 7999), 6);
	assert_int_equal(number_at(&open, 8000), 6);
	assert_int_equal(number_at(&open, 8001), 0);
	assert_int_equal(number_at(&open, 9999), 0);
	assert_int_equal(number_at(&open, 10000), 1);
	assert_int_equal(number_at(&open, 11500), 2);
	assert_int_equal(number_at(&open, 12999), 3);
	assert_int_equal(number_at(&open, 13000), 0);
	close_it(&open);
}

static void an_instant_that_the_clock_showed_twice_is_the_later_one(void **state)
{
	static const int seconds[] = { 10, 11, 12, 10, 11, 12, 13 };
	struct open open;

	(void)state;
	make_at(&open, seconds, 7);
	assert_int_equal(number_at(&open, 10000), 4);
	assert_int_equal(number_at(&open, 11500), 5);
	assert_int_equal(number_at(&open, 13000), 7);
	close_it(&open);
}

static void over_a_step_forward_the_snapshot_before_is_in_force(void **state)
{
	static const int seconds[] = { 10, 11, 5000, 5001 };
	struct open open;

	(void)state;
	make_at(&open, seconds, 4);
	assert_int_equal(number_at(&open, 11000), 2);
	assert_int_equal(number_at(&open, 3000000), 2);
	assert_int_equal(number_at(&open, 4999999), 2);
	assert_int_equal(number_at(&open, 5000000), 3);
	close_it(&open);
}

/* The recorder ended after its clock had been set back. */
static void the_last_is_found_although_the_end_was_earlier(void **state)
{
	struct open open;

	(void)state;
	recording_begin(&open.recording, SKT_NS_PER_S);
	scene_at(&open, SCENE_TIME, SCENE_BOOTTIME);
	scene_at(&open, SCENE_TIME + SKT_NS_PER_S, SCENE_BOOTTIME + SKT_NS_PER_S);
	assert_int_equal(skt_writer_end(open.recording.writer, SCENE_TIME - 3600 * SKT_NS_PER_S, NULL), 0);
	open.file = recording_open(&open.recording);
	assert_int_equal(skt_cursor_new(open.file, &open.cursor, NULL), 0);
	assert_true(skt_file_span(open.file).end >= SCENE_TIME + SKT_NS_PER_S);
	assert_int_equal(number_at(&open, 0), 1);
	assert_int_equal(number_at(&open, 1000), 2);
	close_it(&open);
}

/* --- what is not there --- */

static void expect_words(struct open *open, struct skt_time time, enum skt_zone zone, const char *const *words)
{
	struct skt_err err;
	int64_t when = 0;

	skt_err_init(&err);
	assert_int_equal(skt_cursor_seek(open->cursor, &time, zone, &when, &err), -ERANGE);
	assert_int_equal(err.code, -ERANGE);
	assert_string_equal(err.path, RECORDING_NAME);
	for (; *words; words++)
		if (!strstr(err.message, *words))
			fail_msg("'%s' expected in '%s'", *words, err.message);
}

#define WORDS(...)                \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

static void outside_of_it_the_neighbours_are_named(void **state)
{
	static const int seconds[] = { 0, 1, 2 };
	struct skt_time time = { .kind = SKT_TIME_INSTANT };
	struct open open;

	(void)state;
	make_at(&open, seconds, 3);
	time.ns = SCENE_TIME - 1;
	/* SCENE_TIME is 2026-11-22T14:03:07Z */
	expect_words(&open, time, SKT_ZONE_UTC,
		     WORDS("14:03:06.999999999Z", "the first is #1 at 2026-11-22T14:03:07.000000000Z",
			   "the last is #3 at 2026-11-22T14:03:09.000000000Z", "until 2026-11-22T14:03:10.000000000Z"));
	time.ns = SCENE_TIME + 3 * SKT_NS_PER_S + 1;
	expect_words(&open, time, SKT_ZONE_UTC, WORDS("14:03:10.000000001Z", "#1", "#3"));
	/* its end is in it */
	assert_int_equal(number_at(&open, 3000), 3);
	time.ns = INT64_MIN;
	expect_words(&open, time, SKT_ZONE_UTC, WORDS("#1", "#3"));
	time.ns = INT64_MAX;
	expect_words(&open, time, SKT_ZONE_UTC, WORDS("#1", "#3"));
	time.kind = SKT_TIME_AFTER_FIRST;
	time.ns = 3 * SKT_NS_PER_S + 1;
	expect_words(&open, time, SKT_ZONE_UTC, WORDS("14:03:10.000000001Z"));
	time.kind = SKT_TIME_BEFORE_LAST;
	time.ns = 2 * SKT_NS_PER_S + 1;
	expect_words(&open, time, SKT_ZONE_UTC, WORDS("14:03:06.999999999Z"));
	close_it(&open);
}

static void a_number_that_is_not_there_is_told_with_those_that_are(void **state)
{
	static const int seconds[] = { 0, 1, 2 };
	static const uint64_t numbers[] = { 0, 4, 1000000, UINT64_MAX };
	struct open open;

	(void)state;
	make_at(&open, seconds, 3);
	for (size_t i = 0; i < 4; i++) {
		struct skt_time time = { .kind = SKT_TIME_NUMBER, .number = numbers[i] };

		expect_words(&open, time, SKT_ZONE_UTC, WORDS("#1 to #3"));
	}
	close_it(&open);
}

static void a_distance_that_no_clock_can_show_is_out_of_range(void **state)
{
	static const int seconds[] = { 0, 1 };
	struct skt_time time = { .kind = SKT_TIME_AFTER_FIRST, .ns = INT64_MAX };
	struct skt_err err;
	struct open open;
	int64_t when;

	(void)state;
	make_at(&open, seconds, 2);
	assert_int_equal(seek(&open, time, &when, &err), -ERANGE);
	assert_true(*err.message);
	time.kind = SKT_TIME_BEFORE_LAST;
	assert_int_equal(seek(&open, time, &when, &err), -ERANGE);
	close_it(&open);
}

static void in_an_empty_recording_nothing_is_in_force(void **state)
{
	static const enum skt_time_kind kinds[] = { SKT_TIME_FIRST,	  SKT_TIME_LAST,	SKT_TIME_NUMBER,
						    SKT_TIME_AFTER_FIRST, SKT_TIME_BEFORE_LAST, SKT_TIME_OF_DAY,
						    SKT_TIME_INSTANT };
	struct open open;

	(void)state;
	recording_begin(&open.recording, SKT_NS_PER_S);
	open_it(&open);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct skt_time time = { .kind = kinds[i], .number = 1 };

		expect_words(&open, time, SKT_ZONE_UTC, WORDS("no snapshot"));
		assert_null(skt_cursor_snapshot(open.cursor));
	}
	close_it(&open);
}

static void a_cursor_that_could_not_go_there_can_go_elsewhere(void **state)
{
	static const int seconds[] = { 0, 1, 2, 3 };
	struct skt_time nowhere = { .kind = SKT_TIME_INSTANT, .ns = 0 };
	struct random random = { .state = 1 };
	struct open open;

	(void)state;
	make_at(&open, seconds, 4);
	for (size_t i = 0; i < 4; i++) {
		expect_words(&open, nowhere, SKT_ZONE_UTC, WORDS("#1"));
		seek_number(&open, i, &random);
		expect_words(&open, nowhere, SKT_ZONE_UTC, WORDS("#1"));
		seek_instant(&open, time_at(&open, 3 - i), &random);
	}
	close_it(&open);
}

/* --- times of day --- */

/* 14:03:07 is second 0. */
static struct skt_time of_day(int hour, int minute, int second)
{
	return (struct skt_time){ .kind = SKT_TIME_OF_DAY, .ns = (hour * 3600 + minute * 60 + second) * SKT_NS_PER_S };
}

static void a_time_of_day_is_found_where_there_is_one(void **state)
{
	static const int seconds[] = { 0, 1, 2 };
	struct open open;
	struct skt_err err;
	int64_t when;

	(void)state;
	make_at(&open, seconds, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(seek(&open, of_day(14, 3, 7 + i), &when, &err), 0);
		assert_int_equal(when, SCENE_TIME + i * SKT_NS_PER_S);
		assert_int_equal(skt_cursor_snapshot(open.cursor)->number, i + 1);
	}
	assert_int_equal(seek(&open, of_day(14, 3, 10), &when, &err), 0);
	expect_words(&open, of_day(14, 3, 6), SKT_ZONE_UTC,
		     WORDS("not in the recording", "from 2026-11-22T14:03:07", "to 2026-11-22T14:03:10"));
	expect_words(&open, of_day(14, 3, 11), SKT_ZONE_UTC, WORDS("not in the recording"));
	expect_words(&open, of_day(0, 0, 0), SKT_ZONE_UTC, WORDS("not in the recording"));
	close_it(&open);
}

static void on_several_days_they_are_all_named(void **state)
{
	static const int day = 86400;
	const int seconds[] = { 0, day / 2, day, 2 * day };
	struct open open;
	struct skt_err err;
	int64_t when;

	(void)state;
	make_at(&open, seconds, 4);
	expect_words(&open, of_day(14, 3, 7), SKT_ZONE_UTC,
		     WORDS("3 times", "2026-11-22T14:03:07", "2026-11-23T14:03:07", "2026-11-24T14:03:07"));
	expect_words(&open, of_day(12, 0, 0), SKT_ZONE_UTC,
		     WORDS("2 times", "2026-11-23T12:00:00", "2026-11-24T12:00:00"));
	expect_words(&open, of_day(14, 3, 8), SKT_ZONE_UTC, WORDS("3 times"));
	expect_words(&open, of_day(14, 3, 9), SKT_ZONE_UTC, WORDS("2 times"));
	close_it(&open);
	/* a whole day but for a second: each time is there once */
	make_at(&open, (const int[]){ 0, 3600, day - 2 }, 3);
	assert_int_equal(seek(&open, of_day(14, 3, 7), &when, &err), 0);
	assert_int_equal(skt_cursor_snapshot(open.cursor)->number, 1);
	assert_int_equal(seek(&open, of_day(15, 3, 6), &when, &err), 0);
	assert_int_equal(skt_cursor_snapshot(open.cursor)->number, 1);
	assert_int_equal(seek(&open, of_day(0, 0, 0), &when, &err), 0);
	assert_int_equal(when, SCENE_TIME + (10 * 3600 - 3 * 60 - 7) * SKT_NS_PER_S);
	assert_int_equal(skt_cursor_snapshot(open.cursor)->number, 2);
	close_it(&open);
}

static void a_time_of_day_is_that_of_the_zone(void **state)
{
	static const int seconds[] = { 0, 1 };
	struct skt_time there = of_day(15, 3, 8), here = of_day(14, 3, 8);
	struct open open;
	int64_t when;

	(void)state;
	setenv("TZ", "CET-1", 1);
	tzset();
	make_at(&open, seconds, 2);
	assert_int_equal(skt_cursor_seek(open.cursor, &there, SKT_ZONE_LOCAL, &when, NULL), 0);
	assert_int_equal(skt_cursor_snapshot(open.cursor)->number, 2);
	expect_words(&open, here, SKT_ZONE_LOCAL, WORDS("+01:00"));
	close_it(&open);
	unsetenv("TZ");
	tzset();
}

/* A clock that is set back may show a time of day before the first snapshot's, and one after the last's. */
static void times_of_day_are_found_around_a_step_back(void **state)
{
	static const int seconds[] = { 10, 11, 12, 5, 6, 7 };
	struct open open;
	struct skt_err err;
	int64_t when;

	(void)state;
	make_at(&open, seconds, 6);
	assert_int_equal(seek(&open, of_day(14, 3, 13), &when, &err), 0);
	assert_int_equal(skt_cursor_snapshot(open.cursor)->number, 5);
	assert_int_equal(seek(&open, of_day(14, 3, 18), &when, &err), 0);
	assert_int_equal(skt_cursor_snapshot(open.cursor)->number, 2);
	close_it(&open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_of_a_snapshot_leads_to_it),
		cmocka_unit_test(it_does_with_a_clock_that_is_set_back),
		cmocka_unit_test(times_before_a_step_back_are_found_still),
		cmocka_unit_test(an_instant_that_the_clock_showed_twice_is_the_later_one),
		cmocka_unit_test(over_a_step_forward_the_snapshot_before_is_in_force),
		cmocka_unit_test(the_last_is_found_although_the_end_was_earlier),
		cmocka_unit_test(outside_of_it_the_neighbours_are_named),
		cmocka_unit_test(a_number_that_is_not_there_is_told_with_those_that_are),
		cmocka_unit_test(a_distance_that_no_clock_can_show_is_out_of_range),
		cmocka_unit_test(in_an_empty_recording_nothing_is_in_force),
		cmocka_unit_test(a_cursor_that_could_not_go_there_can_go_elsewhere),
		cmocka_unit_test(a_time_of_day_is_found_where_there_is_one),
		cmocka_unit_test(on_several_days_they_are_all_named),
		cmocka_unit_test(a_time_of_day_is_that_of_the_zone),
		cmocka_unit_test(times_of_day_are_found_around_a_step_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
