/* SPDX-License-Identifier: MIT */
#include "bytes.h"
#include "recording.h"
#include "sanitized.h"
#include "scene.h"
#include "step_text.h"

#include "record/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Two cursors go the same way, one of them with a thread that reads ahead: whatever they hand out and say is held
 * against each other.
 */

struct pair {
	struct skt_cursor *plain;
	struct skt_cursor *ahead;
	unsigned steps;
	unsigned ready; /* that the thread had decoded */
	unsigned errors;
};

static void pair_begin(struct pair *pair, const struct skt_file *file, const struct skt_choice *choice)
{
	memset(pair, 0, sizeof(*pair));
	assert_int_equal(skt_cursor_new(file, &pair->plain, NULL), 0);
	assert_int_equal(skt_cursor_new(file, &pair->ahead, NULL), 0);
	skt_cursor_choose(pair->plain, choice);
	skt_cursor_choose(pair->ahead, choice);
	skt_cursor_read_ahead(pair->ahead);
}

static void pair_release(struct pair *pair)
{
	skt_cursor_free(pair->plain);
	skt_cursor_free(pair->ahead);
}

static void expect_same_error(const struct skt_err *a, const struct skt_err *b)
{
	assert_int_equal(a->code, b->code);
	assert_int_equal(a->position, b->position);
	assert_string_equal(a->message, b->message);
}

static void expect_same_snapshot(const struct skt_snapshot *a, const struct skt_snapshot *b)
{
	char why[256] = "";

	assert_int_equal(!a, !b);
	if (a && !skt_snapshot_equal(a, b, why, sizeof(why)))
		fail_msg("#%llu: %s", (unsigned long long)a->number, why);
}

static void expect_same_slots(struct pair *pair)
{
	const uint32_t *a, *b;
	size_t n_a, n_b;

	assert_int_equal(skt_cursor_next_slots(pair->plain, &a, &n_a, NULL), 0);
	assert_int_equal(skt_cursor_next_slots(pair->ahead, &b, &n_b, NULL), 0);
	assert_int_equal(!a, !b);
	assert_int_equal(n_a, n_b);
	if (a)
		assert_memory_equal(a, b, n_a * sizeof(*a));
}

static void expect_same_step(const struct pair *pair, const struct skt_step *a, const struct skt_step *b)
{
	char *expected = step_text(a, skt_cursor_snapshot(pair->plain), true);
	char *got = step_text(b, skt_cursor_snapshot(pair->ahead), true);

	assert_true(step_text_same(expected, got));
	free(expected);
	free(got);
	/* and over the same slots */
	assert_int_equal(a->n_socks, b->n_socks);
	for (size_t i = 0; i < a->n_socks; i++) {
		assert_int_equal(a->socks[i].slot, b->socks[i].slot);
		assert_int_equal(a->socks[i].fields, b->socks[i].fields);
		assert_int_equal(a->socks[i].after, b->socks[i].after);
		assert_int_equal(a->socks[i].until, b->socks[i].until);
	}
}

/* Take the next step with both: whether there is one, or what was said in its place. */
static bool go_on(struct pair *pair)
{
	struct skt_step *a = NULL, *b = NULL;
	struct skt_err a_err, b_err;
	struct skt_skipped a_skipped, b_skipped;
	int rc;

	skt_err_init(&a_err);
	skt_err_init(&b_err);
	rc = skt_cursor_next(pair->plain, &a, &a_err);
	assert_int_equal(skt_cursor_next(pair->ahead, &b, &b_err), rc);
	a_skipped = skt_cursor_skipped(pair->plain);
	b_skipped = skt_cursor_skipped(pair->ahead);
	assert_int_equal(a_skipped.snapshots, b_skipped.snapshots);
	assert_int_equal(a_skipped.number_first, b_skipped.number_first);
	assert_int_equal(a_skipped.number_last, b_skipped.number_last);
	if (rc < 0)
		expect_same_error(&a_err, &b_err);
	pair->errors += rc < 0;
	if (rc > 0) {
		expect_same_step(pair, a, b);
		expect_same_snapshot(skt_cursor_snapshot(pair->plain), skt_cursor_snapshot(pair->ahead));
		expect_same_slots(pair);
		pair->steps++;
		pair->ready += pair->ahead->ready != NULL;
	}
	return rc != 0;
}

static void go_all_the_way(struct pair *pair)
{
	for (unsigned calls = 0; go_on(pair); calls++)
		assert_true(calls < 10000);
}

/* A random recording, opened, and random numbers for what is asked of it. */
struct made {
	struct random random;
	struct recording recording;
	struct skt_file *file;
};

static void made_begin(struct made *made, uint64_t seed, size_t n, uint32_t rows, int64_t passed)
{
	made->random.state = seed;
	recording_make(&made->recording, seed, n, rows, passed);
	made->file = recording_open(&made->recording);
}

static void made_release(struct made *made)
{
	skt_file_free(made->file);
	recording_release(&made->recording);
}

static void all_steps_are_the_same(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= (SANITIZED ? 3 : 6); seed++) {
		/* one to a block, or many */
		int64_t passed = seed % 2 ? 10 * SKT_NS_PER_S : SKT_NS_PER_S / 20;
		struct made made;
		struct pair pair;

		made_begin(&made, seed, 150, 1 + seed % 12, passed);
		pair_begin(&pair, made.file, NULL);
		go_all_the_way(&pair);
		assert_int_equal(pair.steps, made.recording.n);
		assert_int_equal(pair.ready, made.recording.n);
		assert_int_equal(pair.errors, 0);
		pair_release(&pair);
		made_release(&made);
	}
}

static void so_they_are_of_groups_that_are_chosen(void **state)
{
	struct made made;

	(void)state;
	made_begin(&made, 5, 100, 12, 10 * SKT_NS_PER_S);
	for (int i = 0; i < 20; i++) {
		struct skt_question question = { .from = INT64_MIN, .to = INT64_MAX };
		struct skt_choice choice;
		struct pair pair;

		assert_int_equal(skt_file_find(made.file, &question, &choice, NULL), 0);
		for (size_t k = 0; k < choice.n_groups; k++)
			choice.groups[k] = !random_one_in(&made.random, 3);
		pair_begin(&pair, made.file, &choice);
		go_on(&pair);
		/* the thread keeps to what was chosen when it began, and the cursor goes by what is chosen */
		if (i % 3 == 0)
			skt_choice_all(&choice);
		go_all_the_way(&pair);
		assert_true(pair.ready);
		pair_release(&pair);
		skt_choice_release(&choice);
	}
	made_release(&made);
}

static void and_wherever_it_goes_to_in_between(void **state)
{
	struct made made;
	struct pair pair;

	(void)state;
	made_begin(&made, 6, 100, 12, 10 * SKT_NS_PER_S);
	pair_begin(&pair, made.file, NULL);
	for (int i = 0; i < 60; i++) {
		struct skt_time time = { .kind = SKT_TIME_NUMBER, .number = 1 + random_below(&made.random, 102) };
		struct skt_err a, b;
		int64_t when;
		int rc;

		skt_err_init(&a);
		skt_err_init(&b);
		if (random_one_in(&made.random, 10)) {
			skt_cursor_want(pair.plain, i % 2 ? SKT_WANT_IDENTITY : SKT_WANT_ALL);
			skt_cursor_want(pair.ahead, i % 2 ? SKT_WANT_IDENTITY : SKT_WANT_ALL);
		}
		rc = skt_cursor_seek(pair.plain, &time, SKT_ZONE_UTC, &when, &a);
		assert_int_equal(skt_cursor_seek(pair.ahead, &time, SKT_ZONE_UTC, &when, &b), rc);
		if (rc)
			expect_same_error(&a, &b);
		for (uint32_t n = random_below(&made.random, 30); n; n--)
			go_on(&pair);
	}
	assert_true(pair.ready > pair.steps / 4);
	pair_release(&pair);
	made_release(&made);
}

static void compare_bytes(const unsigned char *bytes, size_t len, struct pair *total)
{
	int fd = recording_memfd(bytes, len);
	struct skt_file *file;
	struct pair pair;

	if (!skt_file_open(fd, "test.skt", 0, &file, NULL)) {
		pair_begin(&pair, file, NULL);
		go_all_the_way(&pair);
		total->steps += pair.steps;
		total->ready += pair.ready;
		total->errors += pair.errors;
		pair_release(&pair);
		skt_file_free(file);
	}
	close(fd);
}

static void what_is_damaged_is_told_in_the_same_words_and_places(void **state)
{
	struct made made;
	struct pair total = { .steps = 0 };
	unsigned char *bytes;
	size_t len;

	(void)state;
	made_begin(&made, 7, 12, 2, 20 * SKT_NS_PER_S);
	bytes = recording_bytes(&made.recording, &len);
	for (size_t at = 0; at < len; at += SANITIZED ? 41 : 13) {
		bytes[at] ^= (unsigned char)(1u << at % 8);
		compare_bytes(bytes, len, &total);
		bytes[at] ^= (unsigned char)(1u << at % 8);
	}
	for (size_t at = 0; at < len; at += SANITIZED ? 83 : 29)
		compare_bytes(bytes, at, &total);
	assert_true(total.errors > 50);
	assert_true(total.ready > 1000);
	free(bytes);
	made_release(&made);
}

/*
 * A block whose checksums are right, and which says what no recorder would: what is wrong with it shows when it is
 * decoded.
 */
static void what_only_decoding_finds_is_told_by_the_cursor(void **state)
{
	struct made made;
	struct pair total = { .steps = 0 };
	unsigned char *bytes;
	size_t len, at, n = 0;

	(void)state;
	made_begin(&made, 8, 12, 2, 20 * SKT_NS_PER_S);
	bytes = recording_bytes(&made.recording, &len);
	at = (size_t)first_block_at(bytes);
	for (struct block_head head; at < len; at += (size_t)BLOCK_SIZE(&head)) {
		unsigned char *payload = bytes + at + BLOCK_HEAD_SIZE, *tail;

		assert_true(block_head_get(bytes + at, bytes + 40, &head));
		tail = payload + head.length;
		if (!block_holds_snapshots(&head))
			continue;
		/* small sections are stored as they are: their numbers are next to each other at the end */
		for (size_t k = head.length - 1; k + 40 > head.length; k -= 3) {
			unsigned char was[BLOCK_TAIL_SIZE], byte = payload[k];

			memcpy(was, tail, sizeof(was));
			payload[k] ^= (unsigned char)(1 + k % 5);
			block_tail_put(bytes + at, payload, head.length, was, tail);
			compare_bytes(bytes, len, &total);
			payload[k] = byte;
			memcpy(tail, was, sizeof(was));
			n++;
		}
	}
	assert_true(n > 100);
	assert_true(total.errors > n / 2);
	free(bytes);
	made_release(&made);
}

static void who_is_let_go_in_the_middle_leaves_nothing(void **state)
{
	struct made made;

	(void)state;
	made_begin(&made, 9, 100, 12, 10 * SKT_NS_PER_S);
	for (unsigned n = 0; n < 60; n += 3) {
		struct skt_cursor *cursor;
		struct skt_step *step;

		assert_int_equal(skt_cursor_new(made.file, &cursor, NULL), 0);
		skt_cursor_read_ahead(cursor);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(skt_cursor_next(cursor, &step, NULL), 1);
		skt_cursor_free(cursor);
	}
	made_release(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_steps_are_the_same),
		cmocka_unit_test(so_they_are_of_groups_that_are_chosen),
		cmocka_unit_test(and_wherever_it_goes_to_in_between),
		cmocka_unit_test(what_is_damaged_is_told_in_the_same_words_and_places),
		cmocka_unit_test(what_only_decoding_finds_is_told_by_the_cursor),
		cmocka_unit_test(who_is_let_go_in_the_middle_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
