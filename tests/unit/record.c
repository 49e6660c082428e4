/* SPDX-License-Identifier: MIT */
#include "recording.h"
#include "sanitized.h"
#include "scene.h"
#include "step_text.h"

#include "record/file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What was recorded comes back: every snapshot, and every step, over many groups. */

/* Is this snapshot (counted from 0) the first of its group? */
static bool begins_group(const struct skt_file *file, size_t i)
{
	for (size_t g = 0; g < file->n_groups; g++)
		if (file->groups[g].number == i + 1)
			return true;
	return false;
}

static bool same_snapshot(const struct recording *recording, size_t i, const struct skt_snapshot *got)
{
	char why[256] = "";

	if (got && skt_snapshot_equal(&recording->made[i].snapshot, got, why, sizeof(why)) &&
	    scene_is_whole(got, why, sizeof(why)))
		return true;
	print_message("snapshot #%zu: %s\n", i + 1, got ? why : "there is none");
	return false;
}

static bool same_text(const char *expected, char *got)
{
	bool same = step_text_same(expected, got);

	free(got);
	return same;
}

/* What matching the snapshot before with this one says, and what the cursor handed out. */
static bool same_as_matched(const struct recording *recording, size_t i, const struct skt_step *got,
			    const struct skt_snapshot *now)
{
	struct skt_matcher *matcher = skt_matcher_new(i);
	struct skt_snapshot before;
	struct skt_step step;
	char *expected;
	bool same;

	assert_non_null(matcher);
	skt_step_init(&step);
	assert_int_equal(skt_snapshot_copy(&recording->made[i - 1].snapshot, &before), 0);
	assert_int_equal(skt_match(matcher, &before, &recording->made[i].snapshot, false, &step), 0);
	assert_int_equal(skt_apply(&before, &step, NULL), 0);
	expected = step_text(&step, &before, false);
	same = same_text(expected, step_text(got, now, false));
	free(expected);
	skt_step_release(&step);
	skt_snapshot_release(&before);
	skt_matcher_free(matcher);
	return same;
}

/*
 * One that was gone and came back while a carried socket named it: which of the two then exits, only the recorder
 * knows.
 */
static bool has_process_twice(const struct skt_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->n_processes; i++)
		for (size_t k = 0; k < i; k++)
			if (snapshot->processes[i].pid == snapshot->processes[k].pid &&
			    snapshot->processes[i].start_time == snapshot->processes[k].start_time)
				return true;
	return false;
}

/*
 * One that had exited and that no row named any more, and that a row is carried by again: the snapshot before does not
 * show it.
 */
static bool has_process_back(const struct skt_snapshot *before, const struct skt_snapshot *now)
{
	for (size_t i = 0; i < now->n_processes; i++) {
		const struct skt_process *process = &now->processes[i];

		if (process->exited && !skt_snapshot_process(before, process->pid, process->start_time))
			return true;
	}
	return false;
}

static bool same_step(const struct recording *recording, const struct skt_file *file, size_t i,
		      const struct skt_step *got, const struct skt_snapshot *now)
{
	const struct recorded *made = &recording->made[i];

	if (!i || !begins_group(file, i))
		return same_text(made->step, step_text(got, now, true));
	/* the key frame holds no step: it is found anew, and is what the recorder found */
	return (has_process_back(&recording->made[i - 1].snapshot, &made->snapshot) ||
		same_as_matched(recording, i, got, now)) &&
	       (has_process_twice(&recording->made[i - 1].snapshot) ||
		same_text(made->step_seen, step_text(got, now, false)));
}

/* The next one, which is the i-th. */
static bool take_next(const struct recording *recording, const struct skt_file *file, struct skt_cursor *cursor,
		      size_t i)
{
	struct skt_step *step;
	struct skt_err err;
	int rc;

	skt_err_init(&err);
	rc = skt_cursor_next(cursor, &step, &err);
	if (rc != 1) {
		print_message("snapshot #%zu: %d: %s\n", i + 1, rc, err.message);
		return false;
	}
	return same_snapshot(recording, i, skt_cursor_snapshot(cursor)) &&
	       same_step(recording, file, i, step, skt_cursor_snapshot(cursor));
}

static bool is_at_end(struct skt_cursor *cursor)
{
	struct skt_step *step;

	/* and stays there */
	return skt_cursor_next(cursor, &step, NULL) == 0 && skt_cursor_next(cursor, &step, NULL) == 0;
}

static struct skt_cursor *new_cursor(const struct skt_file *file)
{
	struct skt_cursor *cursor;

	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	assert_null(skt_cursor_snapshot(cursor));
	return cursor;
}

static bool is_undamaged(const struct skt_file *file)
{
	size_t n;

	skt_file_damage(file, &n);
	return !n;
}

static bool comes_back(const struct recording *recording)
{
	struct skt_file *file = recording_open(recording);
	struct skt_cursor *cursor = new_cursor(file);
	struct skt_span span = skt_file_span(file);
	bool good = true;

	assert_true(is_undamaged(file));
	assert_int_equal(span.snapshots, recording->n);
	assert_int_equal(span.first, recording->made[0].snapshot.time);
	assert_int_equal(span.last, recording->made[recording->n - 1].snapshot.time);
	assert_int_equal(span.end, span.last + recording->header.interval);
	assert_int_equal(span.bytes, skt_writer_bytes(recording->writer));
	for (size_t i = 0; good && i < recording->n; i++)
		good = take_next(recording, file, cursor, i);
	if (good && !is_at_end(cursor)) {
		print_message("more than was recorded\n");
		good = false;
	}
	skt_cursor_free(cursor);
	skt_file_free(file);
	return good;
}

/* --- random chains --- */

static const struct chain {
	int64_t interval;
	unsigned n;
	unsigned worlds;
	uint32_t rows;
} chains[] = {
	{ 50 * SKT_NS_PER_MS, 200, 3, 5 },
	{ 50 * SKT_NS_PER_MS, 120, 2, 30 },
	{ SKT_NS_PER_S, 100, 6, 5 },
	{ SKT_NS_PER_S, 40, 3, 40 },
	{ 20 * SKT_NS_PER_S, 30, 5, 12 },
	/* every one is a key */
	{ 60 * SKT_NS_PER_S, 20, 5, 12 },
};

static void make_chain(const struct chain *chain, uint64_t seed, struct recording *recording)
{
	struct random random = { .state = seed };
	struct random_world world = { .sk_hidden = random_one_in(&random, 4), .rows = chain->rows };

	recording_begin(recording, chain->interval);
	recording->texts = true;
	for (unsigned i = 0; i < chain->n; i++) {
		/* now and then it is late, or the host slept */
		int64_t late = random_one_in(&random, 20) ? (int64_t)random_below(&random, 9) * SKT_NS_PER_S : 0;

		recording_add_random(recording, &random, &world, chain->interval + late);
	}
}

static void random_chains_come_back(bool ended)
{
	const char *only = getenv("SEED");

	for (size_t c = 0; c < sizeof(chains) / sizeof(*chains); c++) {
		uint64_t groups = 0, worlds = SANITIZED ? (chains[c].worlds + 2) / 3 : chains[c].worlds;

		for (uint64_t k = 1; k <= worlds; k++) {
			uint64_t seed = 1000 * (c + 1) + k;
			struct recording recording;
			struct skt_file *file;

			if (only && seed != strtoull(only, NULL, 0))
				continue;
			make_chain(&chains[c], seed, &recording);
			if (ended)
				recording_end(&recording);
			if (!comes_back(&recording))
				fail_msg("seed %llu", (unsigned long long)seed);
			file = recording_open(&recording);
			assert_int_equal(skt_file_span(file).ended, ended);
			groups += skt_file_span(file).groups;
			skt_file_free(file);
			recording_release(&recording);
		}
		assert_true(only || groups >= 3 * worlds);
	}
}

static void every_snapshot_and_step_of_a_recording_comes_back(void **state)
{
	(void)state;
	random_chains_come_back(true);
}

/* What a killed recorder leaves; blocks are written whole here, so at most those of a second are missing. */
static void so_it_does_without_an_end_block(void **state)
{
	struct chain chain = { SKT_NS_PER_S, 30, 1, 8 };
	struct recording recording;

	(void)state;
	make_chain(&chain, 42, &recording);
	assert_true(comes_back(&recording));
	recording_release(&recording);
}

/* --- groups --- */

/* A recording in which next to nothing happens: n snapshots, with rows rows. */
static void make_quiet(struct recording *recording, int64_t interval, unsigned n, uint32_t rows)
{
	struct random random = { .state = 77 };
	struct random_world world = { .rows = rows };

	recording_begin(recording, interval);
	recording->texts = true;
	do {
		recording_release(recording);
		recording_begin(recording, interval);
		recording->texts = true;
		recording_add_random(recording, &random, &world, interval);
	} while (recording->now.live_socks < rows);
	while (recording->n < n)
		recording_add_quiet(recording, &random, interval, 1);
	recording_end(recording);
}

static size_t longest_group(const struct skt_file *file)
{
	size_t longest = 0;

	for (size_t g = 0; g < file->n_groups; g++)
		longest = file->groups[g].snapshots > longest ? (size_t)file->groups[g].snapshots : longest;
	return longest;
}

static void a_group_is_no_longer_than_a_minute(void **state)
{
	struct recording recording;
	struct skt_file *file;

	(void)state;
	make_quiet(&recording, SKT_NS_PER_S, 200, 300);
	file = recording_open(&recording);
	assert_int_equal(longest_group(file), 60);
	assert_int_equal(file->n_groups, 4);
	skt_file_free(file);
	assert_true(comes_back(&recording));
	recording_release(&recording);
}

static void a_group_has_no_more_than_2048_snapshots(void **state)
{
	struct recording recording;
	struct skt_file *file;

	(void)state;
	make_quiet(&recording, SKT_NS_PER_MS, 2100, 20);
	file = recording_open(&recording);
	assert_int_equal(longest_group(file), 2048);
	assert_int_equal(file->n_groups, 2);
	skt_file_free(file);
	assert_true(comes_back(&recording));
	recording_release(&recording);
}

static void a_group_ends_when_its_steps_outgrow_its_key(void **state)
{
	struct chain chain = { SKT_NS_PER_S, 40, 1, 30 };
	struct recording recording;
	struct skt_file *file;

	(void)state;
	make_chain(&chain, 9, &recording);
	file = recording_open(&recording);
	assert_in_range(longest_group(file), 5, 30);
	skt_file_free(file);
	recording_release(&recording);
}

/* Twenty snapshots a second are not twenty blocks a second. */
static void steps_of_a_second_share_a_block(void **state)
{
	struct recording recording;
	unsigned char *bytes;
	size_t len, blocks = 0;

	(void)state;
	make_quiet(&recording, 50 * SKT_NS_PER_MS, 200, 40);
	bytes = recording_bytes(&recording, &len);
	/* the header has it first */
	for (size_t at = 160; at + 8 <= len; at++)
		blocks += !memcmp(bytes + at, bytes + 40, 8);
	free(bytes);
	assert_in_range(blocks, 200 / 20, 200 / 20 + 8);
	recording_release(&recording);
}

/* --- the index --- */

static void expect_same_groups(const struct skt_file *a, const struct skt_file *b)
{
	assert_int_equal(a->n_groups, b->n_groups);
	for (size_t g = 0; g < a->n_groups; g++) {
		assert_int_equal(a->groups[g].offset, b->groups[g].offset);
		assert_int_equal(a->groups[g].sequence, b->groups[g].sequence);
		assert_int_equal(a->groups[g].number, b->groups[g].number);
		assert_int_equal(a->groups[g].snapshots, b->groups[g].snapshots);
		assert_int_equal(a->groups[g].first, b->groups[g].first);
		assert_int_equal(a->groups[g].last, b->groups[g].last);
	}
}

/* 64 groups go into one index block. */
static void the_index_finds_what_looking_at_every_block_finds(void **state)
{
	static const unsigned groups[] = { 1, 2, 63, 64, 65, 127, 128, 129, 200 };

	(void)state;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		/* every snapshot is a key */
		struct chain chain = { 60 * SKT_NS_PER_S, groups[i], 1, 2 };
		struct recording recording;
		struct skt_file *indexed, *scanned;

		make_chain(&chain, groups[i], &recording);
		recording_end(&recording);
		indexed = recording_open(&recording);
		assert_int_equal(skt_file_open(recording.fd, RECORDING_NAME, SKT_OPEN_NO_INDEX, &scanned, NULL), 0);
		assert_true(skt_file_span(indexed).indexed);
		assert_false(skt_file_span(scanned).indexed);
		assert_int_equal(skt_file_span(indexed).snapshots, groups[i]);
		assert_int_equal(skt_file_span(indexed).end, skt_file_span(scanned).end);
		assert_int_equal(skt_file_span(indexed).bytes, skt_file_span(scanned).bytes);
		expect_same_groups(indexed, scanned);
		skt_file_free(indexed);
		skt_file_free(scanned);
		recording_release(&recording);
	}
}

/* A clock that was set by centuries: the first two are of one group, the others are not. */
static void the_index_holds_times_that_are_as_far_apart_as_can_be(void **state)
{
	static const int64_t seconds[] = { 0, 1, 100, 200 };
	struct skt_verification verification;
	struct recording recording;
	struct skt_file *file;

	(void)state;
	recording_begin(&recording, SKT_NS_PER_S);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
		struct skt_snapshot read;

		scene_begin(&read, NULL, seconds[i]);
		read.time = read.end = i % 2 ? BLOCK_TIME_MAX - SKT_NS_PER_S : -BLOCK_TIME_MAX;
		recording_add(&recording, &read);
		skt_snapshot_release(&read);
	}
	recording_end(&recording);
	file = recording_open(&recording);
	assert_int_equal(file->n_groups, 3);
	assert_true(skt_file_span(file).indexed);
	skt_file_free(file);
	assert_int_equal(skt_verify(recording.fd, RECORDING_NAME, NULL, &verification, NULL), 0);
	assert_int_equal(verification.verdict, SKT_WHOLE);
	assert_int_equal(verification.snapshots, 4);
	skt_verification_release(&verification);
	recording_release(&recording);
}

/* --- what the recorder does --- */

static void the_same_snapshots_make_the_same_bytes(void **state)
{
	struct chain chain = { SKT_NS_PER_S, 20, 1, 10 };
	struct recording one, two;
	unsigned char *a, *b;
	size_t a_len, b_len;

	(void)state;
	make_chain(&chain, 4, &one);
	make_chain(&chain, 4, &two);
	recording_end(&one);
	recording_end(&two);
	a = recording_bytes(&one, &a_len);
	b = recording_bytes(&two, &b_len);
	assert_int_equal(a_len, b_len);
	assert_memory_equal(a, b, a_len);
	free(a);
	free(b);
	recording_release(&one);
	recording_release(&two);
}

static void a_recording_of_no_snapshot_is_one(void **state)
{
	struct recording recording;
	struct skt_cursor *cursor;
	struct skt_span span;
	struct skt_file *file;

	(void)state;
	recording_begin(&recording, SKT_NS_PER_S);
	recording.texts = true;
	for (int ended = 0; ended < 2; ended++) {
		if (ended)
			assert_int_equal(skt_writer_end(recording.writer, SCENE_TIME, NULL), 0);
		file = recording_open(&recording);
		span = skt_file_span(file);
		assert_int_equal(span.snapshots, 0);
		assert_int_equal(span.groups, 0);
		assert_int_equal(span.first, 0);
		assert_int_equal(span.last, 0);
		assert_int_equal(span.ended, ended);
		assert_true(is_undamaged(file));
		cursor = new_cursor(file);
		assert_true(is_at_end(cursor));
		assert_null(skt_cursor_snapshot(cursor));
		skt_cursor_free(cursor);
		skt_file_free(file);
	}
	recording_release(&recording);
}

static void the_end_is_when_the_recorder_says(void **state)
{
	struct recording recording;
	struct random random = { .state = 6 };
	struct random_world world = { .rows = 3 };
	struct skt_span span;
	struct skt_file *file;

	(void)state;
	recording_begin(&recording, SKT_NS_PER_S);
	recording.texts = true;
	recording_add_random(&recording, &random, &world, SKT_NS_PER_S);
	file = recording_open(&recording);
	span = skt_file_span(file);
	assert_false(span.ended);
	assert_int_equal(span.end, recording.now.time + SKT_NS_PER_S);
	skt_file_free(file);
	assert_int_equal(skt_writer_end(recording.writer, recording.now.time + 123456789, NULL), 0);
	file = recording_open(&recording);
	span = skt_file_span(file);
	assert_true(span.ended);
	assert_int_equal(span.end, recording.now.time + 123456789);
	skt_file_free(file);
	recording_release(&recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_snapshot_and_step_of_a_recording_comes_back),
		cmocka_unit_test(so_it_does_without_an_end_block),
		cmocka_unit_test(a_group_is_no_longer_than_a_minute),
		cmocka_unit_test(a_group_has_no_more_than_2048_snapshots),
		cmocka_unit_test(a_group_ends_when_its_steps_outgrow_its_key),
		cmocka_unit_test(steps_of_a_second_share_a_block),
		cmocka_unit_test(the_index_finds_what_looking_at_every_block_finds),
		cmocka_unit_test(the_index_holds_times_that_are_as_far_apart_as_can_be),
		cmocka_unit_test(the_same_snapshots_make_the_same_bytes),
		cmocka_unit_test(a_recording_of_no_snapshot_is_one),
		cmocka_unit_test(the_end_is_when_the_recorder_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
