/* SPDX-License-Identifier: MIT */
#include "bytes.h"
#include "recording.h"
#include "scene.h"

#include "record/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Cursors: several on one file, on parts of what is recorded, and on a file that is being written. */

static void make_chain(struct recording *recording, uint64_t seed, unsigned n)
{
	struct random random = { .state = seed };
	struct random_world world = { .rows = 10 };

	recording_begin(recording, SKT_NS_PER_S);
	while (recording->n < n)
		recording_add_random(recording, &random, &world, SKT_NS_PER_S);
}

static struct skt_cursor *new_cursor(const struct skt_file *file)
{
	struct skt_cursor *cursor;

	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	assert_null(skt_cursor_snapshot(cursor));
	return cursor;
}

/* The cursor stands on the i-th snapshot, counted from 0. */
static void expect_at(const struct recording *recording, size_t i, const struct skt_cursor *cursor)
{
	const struct skt_snapshot *snapshot = skt_cursor_snapshot(cursor);
	char why[256];

	recording_expect(recording, i + 1, snapshot);
	if (!scene_is_whole(snapshot, why, sizeof(why)))
		fail_msg("#%zu: %s", i + 1, why);
}

static void take_next(const struct recording *recording, size_t i, struct skt_cursor *cursor)
{
	struct skt_step *step;

	assert_int_equal(skt_cursor_next(cursor, &step, NULL), 1);
	assert_int_equal(step->number, i + 1);
	expect_at(recording, i, cursor);
}

static void expect_end(struct skt_cursor *cursor)
{
	struct skt_step *step;

	/* and it stays there */
	assert_int_equal(skt_cursor_next(cursor, &step, NULL), 0);
	assert_int_equal(skt_cursor_next(cursor, &step, NULL), 0);
}

static void two_cursors_walk_one_file_each_by_itself(void **state)
{
	struct random random = { .state = 5 };
	struct recording recording;
	struct skt_cursor *cursors[2];
	struct skt_file *file;
	size_t at[2] = { 0 };

	(void)state;
	make_chain(&recording, 3, 40);
	recording_end(&recording);
	file = recording_open(&recording);
	cursors[0] = new_cursor(file);
	cursors[1] = new_cursor(file);
	while (at[0] + at[1] < 2 * recording.n) {
		unsigned which = random_below(&random, 2);

		for (unsigned steps = random_below(&random, 7); steps && at[which] < recording.n; steps--)
			take_next(&recording, at[which]++, cursors[which]);
		/* what the other one does is nothing to this one */
		if (at[!which])
			expect_at(&recording, at[!which] - 1, cursors[!which]);
	}
	expect_end(cursors[0]);
	skt_cursor_free(cursors[0]);
	expect_end(cursors[1]);
	skt_cursor_free(cursors[1]);
	skt_file_free(file);
	recording_release(&recording);
}

static void one_cursor_seeks_while_another_walks(void **state)
{
	struct random random = { .state = 6 };
	struct recording recording;
	struct skt_cursor *walks, *seeks;
	struct skt_file *file;

	(void)state;
	make_chain(&recording, 4, 30);
	recording_end(&recording);
	file = recording_open(&recording);
	walks = new_cursor(file);
	seeks = new_cursor(file);
	for (size_t i = 0; i < recording.n; i++) {
		struct skt_time time = { .kind = SKT_TIME_NUMBER, .number = 1 + random_below(&random, 30) };
		int64_t when;

		take_next(&recording, i, walks);
		assert_int_equal(skt_cursor_seek(seeks, &time, SKT_ZONE_UTC, &when, NULL), 0);
		expect_at(&recording, time.number - 1, seeks);
		expect_at(&recording, i, walks);
	}
	skt_cursor_free(walks);
	skt_cursor_free(seeks);
	skt_file_free(file);
	recording_release(&recording);
}

/* A cursor that went on to the end has the last snapshot still. */
static void the_last_snapshot_stays_in_force_at_the_end(void **state)
{
	struct recording recording;
	struct skt_cursor *cursor;
	struct skt_file *file;

	(void)state;
	make_chain(&recording, 8, 12);
	recording_end(&recording);
	file = recording_open(&recording);
	cursor = new_cursor(file);
	for (size_t i = 0; i < recording.n; i++)
		take_next(&recording, i, cursor);
	expect_end(cursor);
	expect_at(&recording, recording.n - 1, cursor);
	skt_cursor_free(cursor);
	skt_file_free(file);
	recording_release(&recording);
}

/* --- parts --- */

/* What a row is and whose: all but counters and timers. */
static void expect_same_identity(const struct skt_snapshot *all, const struct skt_snapshot *some, uint32_t slot)
{
	const struct skt_sock *a = &all->socks[slot], *b = &some->socks[slot];

	assert_int_equal(a->table, b->table);
	if (a->table == SKT_NO_TABLE)
		return;
	assert_memory_equal(a->local_address, b->local_address, 16);
	assert_memory_equal(a->remote_address, b->remote_address, 16);
	assert_int_equal(a->local_port, b->local_port);
	assert_int_equal(a->remote_port, b->remote_port);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->inode, b->inode);
	assert_int_equal(a->owner, b->owner);
	assert_int_equal(a->owner_gaps, b->owner_gaps);
	assert_int_equal(a->n_owners, b->n_owners);
	for (uint32_t i = 0; i < a->n_owners; i++) {
		const struct skt_owner *x = &all->owners[a->first_owner + i], *y = &some->owners[b->first_owner + i];

		assert_int_equal(x->process, y->process);
		assert_int_equal(x->fd, y->fd);
	}
}

/* Timers that a step pulls: who leaves out the order leaves that out as well, until the row's instant is told anew. */
static void follow_pulls(bool *pulled, const struct skt_step *step)
{
	for (size_t i = 0; i < step->n_timers; i++)
		pulled[step->timers[i].slot] = true;
	for (size_t i = 0; i < step->n_socks; i++)
		if (step->socks[i].change != SKT_CHANGED || step->socks[i].fields & SKT_BIT(SKT_F_TIMER_MS))
			pulled[step->socks[i].slot] = false;
}

static void expect_same_state(const struct skt_sock *all, const struct skt_sock *some, bool pulled)
{
	struct skt_sock there = *some;

	/* what matching may have left of the order is not state */
	assert_int_equal(skt_sock_compare(all, &there), 0);
	if (!pulled)
		assert_int_equal(all->timer_expires, some->timer_expires);
}

static bool begins_group(const struct skt_file *file, size_t i)
{
	for (size_t g = 0; g < file->n_groups; g++)
		if (file->groups[g].number == i + 1)
			return true;
	return false;
}

static void walk_in_part(const struct recording *recording, unsigned want)
{
	struct skt_file *file = recording_open(recording);
	struct skt_cursor *all = new_cursor(file), *some = new_cursor(file);
	bool pulled[4096] = { false };

	skt_cursor_want(some, want);
	for (size_t i = 0; i < recording->n; i++) {
		const struct skt_snapshot *a, *b;
		struct skt_step *step, *part;

		assert_int_equal(skt_cursor_next(all, &step, NULL), 1);
		assert_int_equal(skt_cursor_next(some, &part, NULL), 1);
		assert_int_equal(part->number, step->number);
		assert_int_equal(part->time, step->time);
		assert_int_equal(part->n_processes, step->n_processes);
		a = skt_cursor_snapshot(all);
		b = skt_cursor_snapshot(some);
		assert_int_equal(a->live_socks, b->live_socks);
		/* where a group begins, rows that look alike may be told apart otherwise without their counters */
		if (i && begins_group(file, i)) {
			memset(pulled, 0, sizeof(pulled));
			continue;
		}
		assert_in_range(a->n_socks, 0, sizeof(pulled) / sizeof(*pulled));
		if (!(want & SKT_WANT_ORDER))
			follow_pulls(pulled, step);
		assert_int_equal(a->n_socks, b->n_socks);
		for (uint32_t slot = 0; slot < a->n_socks; slot++) {
			expect_same_identity(a, b, slot);
			if (want & SKT_WANT_STATE && a->socks[slot].table != SKT_NO_TABLE)
				expect_same_state(&a->socks[slot], &b->socks[slot], pulled[slot]);
		}
	}
	expect_end(some);
	skt_cursor_free(all);
	skt_cursor_free(some);
	skt_file_free(file);
}

static void who_wants_less_is_told_the_same_of_it(void **state)
{
	(void)state;
	for (uint64_t seed = 20; seed < 26; seed++) {
		struct recording recording;

		make_chain(&recording, seed, 40);
		recording_end(&recording);
		for (unsigned want = SKT_WANT_IDENTITY; want <= SKT_WANT_ALL; want++)
			walk_in_part(&recording, want);
		recording_release(&recording);
	}
}

/* --- following --- */

/* Another opening of the file, as another program has it: the recorder's lock is seen by it. */
static int open_again(const struct recording *recording)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", recording->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void a_file_is_followed_while_it_is_written(void **state)
{
	struct random random = { .state = 9 };
	struct random_world world = { .rows = 5 };
	struct recording recording;
	struct skt_cursor *cursor;
	struct skt_file *file;
	struct skt_step *step;
	int fd;

	(void)state;
	make_chain(&recording, 9, 3);
	fd = open_again(&recording);
	assert_int_equal(skt_file_open(fd, RECORDING_NAME, 0, &file, NULL), 0);
	assert_true(skt_file_span(file).live);
	assert_false(skt_file_span(file).ended);
	cursor = new_cursor(file);
	skt_cursor_follow(cursor);
	for (size_t i = 0; i < 40; i++) {
		if (i >= 3)
			recording_add_random(&recording, &random, &world, SKT_NS_PER_S);
		take_next(&recording, i, cursor);
		if (i >= 3)
			assert_int_equal(skt_cursor_next(cursor, &step, NULL), -EAGAIN);
	}
	assert_int_equal(skt_cursor_next(cursor, &step, NULL), -EAGAIN);
	recording_end(&recording);
	expect_end(cursor);
	skt_cursor_free(cursor);
	skt_file_free(file);
	close(fd);
	recording_release(&recording);
}

/* Every byte appended by itself: whole blocks are seen as they become whole, and nothing is taken for damage. */
static void a_block_is_seen_when_it_is_whole_and_not_before(void **state)
{
	struct recording recording;
	struct skt_cursor *cursor;
	struct skt_file *file;
	struct skt_step *step;
	unsigned char *bytes;
	size_t len, begin = 0, seen = 0;
	int fd;

	(void)state;
	make_chain(&recording, 10, 8);
	recording_end(&recording);
	bytes = recording_bytes(&recording, &len);
	begin = first_block_at(bytes);
	fd = recording_memfd(bytes, begin);
	assert_int_equal(skt_file_open(fd, RECORDING_NAME, 0, &file, NULL), 0);
	cursor = new_cursor(file);
	skt_cursor_follow(cursor);
	for (size_t at = begin; at < len; at++) {
		int rc;

		assert_int_equal(pwrite(fd, bytes + at, 1, (off_t)at), 1);
		rc = skt_cursor_next(cursor, &step, NULL);
		if (rc == 1)
			expect_at(&recording, seen++, cursor);
		else
			assert_int_equal(rc, at + 1 < len ? -EAGAIN : 0);
	}
	assert_int_equal(seen, recording.n);
	skt_cursor_free(cursor);
	skt_file_free(file);
	close(fd);
	free(bytes);
	recording_release(&recording);
}

/* A group that makes its reader walk along more than it may is not read to its end. */
static void a_group_that_costs_too_much_is_refused(void **state)
{
	struct recording recording;
	struct skt_file *file;

	(void)state;
	make_chain(&recording, 14, 40);
	recording_end(&recording);
	file = recording_open(&recording);
	for (int moved = 0; moved < 2; moved++) {
		struct skt_cursor *cursor = new_cursor(file);
		size_t before = 0, i = 0;
		struct skt_step *step;
		struct skt_err err;

		skt_err_init(&err);
		/* up to a step that costs something */
		for (; moved ? !cursor->now.moved : !cursor->now.walked; i++)
			take_next(&recording, i, cursor);
		before = i - 1;
		skt_cursor_free(cursor);
		cursor = new_cursor(file);
		for (i = 0; i < before; i++)
			take_next(&recording, i, cursor);
		/* the limit itself is no more than may be */
		if (moved)
			cursor->now.moved = SKT_MOVED_MAX;
		else
			cursor->now.walked = SKT_WALKED_MAX;
		assert_int_equal(skt_cursor_next(cursor, &step, &err), -E2BIG);
		assert_non_null(strstr(err.message, "exceeds what a group may hold"));
		assert_true(before < file->groups[0].snapshots);
		skt_cursor_free(cursor);
	}
	skt_file_free(file);
	recording_release(&recording);
}

/* What a recorder has not finished is no damage, not even where nothing else is there yet. */
static void a_first_block_that_is_being_written_is_the_end(void **state)
{
	struct recording recording;
	unsigned char *bytes;
	size_t begin, len;

	(void)state;
	make_chain(&recording, 11, 0);
	bytes = recording_bytes(&recording, &begin);
	free(bytes);
	recording_add_quiet(&recording, &(struct random){ .state = 11 }, SKT_NS_PER_S, 0);
	bytes = recording_bytes(&recording, &len);
	for (size_t part = begin; part < len; part++) {
		struct skt_cursor *cursor;
		struct skt_file *file;
		size_t n;
		int fd;

		assert_int_equal(ftruncate(recording.fd, (off_t)part), 0);
		fd = open_again(&recording);
		assert_int_equal(skt_file_open(fd, RECORDING_NAME, 0, &file, NULL), 0);
		assert_true(skt_file_span(file).live);
		skt_file_damage(file, &n);
		assert_int_equal(n, 0);
		cursor = new_cursor(file);
		expect_end(cursor);
		skt_cursor_free(cursor);
		skt_file_free(file);
		close(fd);
	}
	free(bytes);
	recording_release(&recording);
}

/* --- the first block --- */

/*
 * The recording with its first block's head as it is given, or (NULL) with its mark gone; then groups are as many as
 * before it.
 */
static int with_first(unsigned groups, const struct block_head *head)
{
	struct recording recording;
	unsigned char *bytes, *block;
	struct block_head was;
	size_t len;
	int fd;

	recording_make(&recording, 9, groups, 4, 70 * SKT_NS_PER_S);
	bytes = recording_bytes(&recording, &len);
	block = bytes + first_block_at(bytes);
	assert_true(block_head_get(block, bytes + 40, &was));
	if (head) {
		struct block_head now = *head;

		now.length = was.length;
		block_head_put(&now, bytes + 40, block);
		block_tail_put(block, block + BLOCK_HEAD_SIZE, was.length, block + BLOCK_HEAD_SIZE + was.length,
			       block + BLOCK_HEAD_SIZE + was.length);
	} else {
		block[0] ^= 1;
	}
	fd = recording_memfd(bytes, len);
	free(bytes);
	recording_release(&recording);
	return fd;
}

static void expect_trouble_first(unsigned groups, const struct block_head *head, int code)
{
	int fd = with_first(groups, head);
	struct skt_cursor *cursor;
	struct skt_file *file;
	struct skt_step *step;
	struct skt_err err;

	skt_err_init(&err);
	assert_int_equal(skt_file_open(fd, "x", 0, &file, NULL), 0);
	cursor = new_cursor(file);
	assert_int_equal(skt_cursor_next(cursor, &step, &err), code);
	assert_int_equal(err.code, code);
	assert_int_equal(err.position, file->begin);
	for (unsigned i = 1; i < groups; i++) {
		assert_int_equal(skt_cursor_next(cursor, &step, &err), 1);
		assert_int_equal(step->number, i + 1);
	}
	expect_end(cursor);
	skt_cursor_free(cursor);
	skt_file_free(file);
	close(fd);
}

static void trouble_at_the_first_block_is_told_as_anywhere(void **state)
{
	struct block_head unknown = { .type = 77, .sequence = 1, .number = 1 };
	struct block_head steps = { .type = BLOCK_STEPS, .sequence = 1, .number = 1, .snapshots = 1 };
	struct block_head two = { .type = BLOCK_KEY, .sequence = 1, .number = 1, .snapshots = 2 };

	(void)state;
	for (unsigned groups = 1; groups < 4; groups++) {
		expect_trouble_first(groups, NULL, -EILSEQ);
		expect_trouble_first(groups, &unknown, -EPROTONOSUPPORT);
		expect_trouble_first(groups, &steps, -EILSEQ);
		expect_trouble_first(groups, &two, -EILSEQ);
	}
}

/* --- over a group's border --- */

/* The row in this slot as it was before the step that was just taken; NULL where there was none. */
static const struct skt_sock *row_before(const struct skt_snapshot *snapshot, const struct skt_step *step,
					 uint32_t slot)
{
	for (size_t i = 0; i < step->n_socks; i++)
		if (step->socks[i].slot == slot)
			return step->socks[i].change == SKT_OPENED ? NULL : &step->socks[i].before;
	return &snapshot->socks[slot];
}

static void expect_same_row(const struct skt_sock *a, const struct skt_sock *b)
{
	assert_int_equal(a->local_port, b->local_port);
	assert_int_equal(a->remote_port, b->remote_port);
	assert_int_equal(a->inode, b->inode);
	assert_int_equal(a->sk, b->sk);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->tx_queue, b->tx_queue);
	assert_int_equal(a->rx_queue, b->rx_queue);
}

/* Groups of two snapshots, in which rows are often hard to tell apart. */
static void rows_can_be_followed_over_a_groups_border(void **state)
{
	struct recording recording;
	struct skt_sock *rows = NULL;
	uint32_t *slots = NULL;
	struct skt_cursor *cursor;
	struct skt_file *file;
	struct skt_step *step;
	size_t n = 0, followed = 0;

	(void)state;
	recording_make(&recording, 21, 40, 30, 35 * SKT_NS_PER_S);
	file = recording_open(&recording);
	cursor = new_cursor(file);
	while (skt_cursor_next(cursor, &step, NULL) > 0) {
		const struct skt_snapshot *now = skt_cursor_snapshot(cursor);
		const uint32_t *next;

		for (size_t i = 0; i < n; i++) {
			assert_int_equal(slots[i] == SKT_NO_SLOT, rows[i].table == SKT_NO_TABLE);
			if (slots[i] == SKT_NO_SLOT)
				continue;
			assert_non_null(row_before(now, step, slots[i]));
			expect_same_row(&rows[i], row_before(now, step, slots[i]));
			followed++;
		}
		assert_int_equal(skt_cursor_next_slots(cursor, &next, &n, NULL), 0);
		assert_int_equal(next != NULL, n != 0);
		if (!next)
			continue;
		assert_int_equal(n, now->n_socks);
		rows = realloc(rows, n * sizeof(*rows));
		slots = realloc(slots, n * sizeof(*slots));
		assert_true(rows && slots);
		memcpy(rows, now->socks, n * sizeof(*rows));
		memcpy(slots, next, n * sizeof(*slots));
	}
	assert_true(followed > 100);
	free(rows);
	free(slots);
	skt_cursor_free(cursor);
	skt_file_free(file);
	recording_release(&recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_cursors_walk_one_file_each_by_itself),
		cmocka_unit_test(one_cursor_seeks_while_another_walks),
		cmocka_unit_test(the_last_snapshot_stays_in_force_at_the_end),
		cmocka_unit_test(who_wants_less_is_told_the_same_of_it),
		cmocka_unit_test(a_file_is_followed_while_it_is_written),
		cmocka_unit_test(a_block_is_seen_when_it_is_whole_and_not_before),
		cmocka_unit_test(a_group_that_costs_too_much_is_refused),
		cmocka_unit_test(a_first_block_that_is_being_written_is_the_end),
		cmocka_unit_test(trouble_at_the_first_block_is_told_as_anywhere),
		cmocka_unit_test(rows_can_be_followed_over_a_groups_border),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
