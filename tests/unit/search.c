/* SPDX-License-Identifier: MIT */
#include "random.h"
#include "recording.h"

#include "record/search.h"

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

/*
 * The next good key block is found wherever it stands, and what only claims to be one costs no more than its own bytes.
 */

static const uint8_t mark[8] = { 0xc0, 0xff, 0xee, 1, 2, 3, 4, 5 };

static void put_le32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

/* The head of a key block. */
static void put_head(uint8_t *at, uint64_t sequence, uint32_t length)
{
	struct block_head head = {
		.type = BLOCK_KEY, .length = length, .sequence = sequence, .number = sequence, .snapshots = 1
	};

	block_head_put(&head, mark, at);
}

/* A whole one, its payload as it lies there. Returns its size. */
static size_t put_block(uint8_t *at, uint64_t sequence, uint32_t length)
{
	static const uint8_t chain[CHAIN_SIZE] = "any";

	put_head(at, sequence, length);
	block_tail_put(at, at + BLOCK_HEAD_SIZE, length, chain, at + BLOCK_HEAD_SIZE + length);
	return BLOCK_HEAD_SIZE + (size_t)length + BLOCK_TAIL_SIZE;
}

/*
 * As the page says it: the first place at which a whole key block stands, with right checksums, that is not too early.
 */
static int find_slowly(const uint8_t *bytes, size_t len, size_t from, uint64_t least, size_t *ret)
{
	for (size_t at = from; at + BLOCK_HEAD_SIZE + BLOCK_TAIL_SIZE <= len; at++) {
		struct block_head head;
		const uint8_t *payload = bytes + at + BLOCK_HEAD_SIZE;

		if (memcmp(bytes + at, mark, 8) != 0 || !block_head_get(bytes + at, mark, &head) ||
		    head.type != BLOCK_KEY || head.snapshots != 1 || head.sequence < least || head.number < least ||
		    BLOCK_SIZE(&head) > len - at ||
		    !block_tail_is_good(bytes + at, payload, head.length, payload + head.length))
			continue;
		*ret = at;
		return 1;
	}
	return 0;
}

static void it_is_found_where_looking_at_every_byte_finds_it(void **state)
{
	enum { LEN = 60000 };
	uint8_t *bytes = malloc(LEN);
	unsigned found = 0;

	(void)state;
	assert_non_null(bytes);
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct random random = { .state = seed };
		struct skt_file file = { .size = LEN };
		struct search search = { .file = &file };
		uint64_t least = 1 + random_below(&random, 4), at = 0;
		size_t expected = 0, from = random_below(&random, 300);

		memcpy(file.sync, mark, 8);
		for (size_t i = 0; i < LEN; i++)
			bytes[i] = random_one_in(&random, 3) ? 0 : (uint8_t)random_bits(&random);
		/* blocks and heads of any length, over each other */
		for (unsigned n = random_below(&random, 60); n > 0; n--) {
			size_t where = random_below(&random, LEN - 200);
			size_t room = LEN - where - BLOCK_HEAD_SIZE - BLOCK_TAIL_SIZE;
			uint32_t length = random_below(&random, random_one_in(&random, 2) ? 700 : (uint32_t)room);
			uint64_t sequence = random_below(&random, 9);

			if (length > room)
				continue;
			if (random_one_in(&random, 2)) {
				put_block(bytes + where, sequence, length);
				continue;
			}
			put_head(bytes + where, sequence, length);
			/* and a length where its tail would have it */
			put_le32(bytes + where + BLOCK_HEAD_SIZE + length + BLOCK_TAIL_SIZE - 4, length);
		}
		file.fd = recording_memfd(bytes, LEN);
		/* on and on, as after each hole */
		for (;;) {
			struct block_head head;
			int there = find_slowly(bytes, LEN, from, least, &expected);

			at = from;
			assert_int_equal(search_key(&search, least, least, &at, &head), there);
			if (!there)
				break;
			assert_int_equal(at, expected);
			found++;
			from = at + (random_one_in(&random, 2) ? BLOCK_SIZE(&head) : 1);
			least = head.sequence;
		}
		search_release(&search);
		close(file.fd);
	}
	assert_true(found > 1000);
	free(bytes);
}

/* --- what it costs --- */

/* Bytes that this process has read so far; false where the kernel does not count them. */
static bool bytes_read(uint64_t *ret)
{
	FILE *io = fopen("/proc/self/io", "re");
	unsigned long long n;
	bool good = io && fscanf(io, "rchar: %llu", &n) == 1;

	if (io)
		fclose(io);
	*ret = good ? n : 0;
	return good;
}

/* Open it, and say how many times its size was read for that. */
static struct skt_file *open_and_count(const uint8_t *bytes, size_t len, uint64_t *ret_times)
{
	int fd = recording_memfd(bytes, len);
	struct skt_file *file;
	uint64_t before, after;

	if (!bytes_read(&before))
		skip();
	assert_int_equal(skt_file_open(fd, "x", 0, &file, NULL), 0);
	bytes_read(&after);
	*ret_times = (after - before) / len;
	return file;
}

static size_t put_header(uint8_t *at)
{
	struct skt_header header = { .interval = 1 };
	struct skt_buf out;
	size_t len;

	skt_buf_init(&out);
	assert_int_equal(header_put(&header, mark, &out), 0);
	len = out.len;
	memcpy(at, out.data, len);
	skt_buf_release(&out);
	return len;
}

enum { CLAIM = 1 << 20 };

/* A million bytes of heads that claim a million bytes each, with a length where each of their tails would be. */
static void good_heads_that_claim_much_cost_little_and_hide_nothing(void **state)
{
	size_t len = 4 * CLAIM, at;
	uint8_t *bytes = calloc(1, len);
	struct skt_file *file;
	uint64_t times;

	(void)state;
	assert_non_null(bytes);
	at = put_header(bytes) + 1;
	for (uint64_t i = 0; i < CLAIM / BLOCK_HEAD_SIZE; i++, at += BLOCK_HEAD_SIZE) {
		put_head(bytes + at, 1, CLAIM);
		put_le32(bytes + at + BLOCK_HEAD_SIZE + CLAIM + BLOCK_TAIL_SIZE - 4, CLAIM);
	}
	put_block(bytes + 3 * CLAIM, 2, 1000);
	file = open_and_count(bytes, len, &times);
	assert_int_equal(skt_file_span(file).groups, 1);
	assert_int_equal(file->groups[0].offset, 3 * CLAIM);
	/* one by one, it would be 4000 times */
	assert_in_range(times, 1, 8);
	close(file->fd);
	skt_file_free(file);
	free(bytes);
}

/* The same before each of many good blocks: what was summed for one hole is not summed again for the next. */
static void holes_that_follow_each_other_cost_no_more(void **state)
{
	size_t len = 4 * CLAIM, at, n = 0;
	uint8_t *bytes = calloc(1, len);
	struct skt_file *file;
	uint64_t times;

	(void)state;
	assert_non_null(bytes);
	for (at = put_header(bytes); at + 1000 < CLAIM;) {
		put_head(bytes + at, n + 1, CLAIM);
		put_le32(bytes + at + BLOCK_HEAD_SIZE + CLAIM + BLOCK_TAIL_SIZE - 4, CLAIM);
		/* no head may be believed at the place where one is expected */
		bytes[at + 60] ^= 1;
		at += BLOCK_HEAD_SIZE;
		put_head(bytes + at, n + 1, CLAIM);
		put_le32(bytes + at + BLOCK_HEAD_SIZE + CLAIM + BLOCK_TAIL_SIZE - 4, CLAIM);
		at += BLOCK_HEAD_SIZE;
		at += put_block(bytes + at, ++n, 300);
	}
	bytes[len - 1] = 1;
	file = open_and_count(bytes, len, &times);
	assert_int_equal(skt_file_span(file).groups, n);
	assert_int_equal(file->n_damage, n + 1);
	assert_in_range(times, 1, 8);
	close(file->fd);
	skt_file_free(file);
	free(bytes);
}

/* A mark of zeros in a file of zeros stands at every byte. */
static void a_mark_at_every_byte_costs_no_more(void **state)
{
	static const uint8_t none[8] = { 0 };
	struct skt_header header = { .interval = 1 };
	size_t len = 4 * CLAIM;
	uint8_t *bytes = calloc(1, len);
	struct skt_file *file;
	struct skt_buf out;
	uint64_t times;

	(void)state;
	assert_non_null(bytes);
	skt_buf_init(&out);
	assert_int_equal(header_put(&header, none, &out), 0);
	memcpy(bytes, out.data, out.len);
	bytes[len - 1] = 1;
	file = open_and_count(bytes, len, &times);
	assert_int_equal(file->n_damage, 1);
	assert_in_range(times, 1, 8);
	close(file->fd);
	skt_file_free(file);
	skt_buf_release(&out);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_found_where_looking_at_every_byte_finds_it),
		cmocka_unit_test(good_heads_that_claim_much_cost_little_and_hide_nothing),
		cmocka_unit_test(holes_that_follow_each_other_cost_no_more),
		cmocka_unit_test(a_mark_at_every_byte_costs_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
