/* SPDX-License-Identifier: MIT */
#include "bytes.h"
#include "recording.h"

#include "record/block.h"

#include <errno.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

/* The outside of a recording: heads and tails of blocks, and sections. Offsets are those of the drawing in block.h. */

static const uint8_t sync_mark[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

/* --- heads and tails --- */

static struct block_head some_head(void)
{
	return (struct block_head){ .type = BLOCK_STEPS,
				    .flags = BLOCK_ANCILLARY,
				    .length = 0x01020304,
				    .sequence = 0x1122334455667788,
				    .number = 0x0102030405060708,
				    .snapshots = 0xa0b0c0d0,
				    .first = -1795356187123456789,
				    .last = BLOCK_TIME_MAX };
}

static void a_head_comes_back(void **state)
{
	struct block_head head = some_head(), got;
	uint8_t bytes[BLOCK_HEAD_SIZE];

	(void)state;
	block_head_put(&head, sync_mark, bytes);
	assert_memory_equal(bytes, sync_mark, 8);
	assert_int_equal(bytes[8], BLOCK_STEPS);
	assert_int_equal(le(bytes + 12, 4), head.length);
	assert_int_equal(le(bytes + 16, 8), head.sequence);
	assert_int_equal(le(bytes + 24, 8), head.number);
	assert_int_equal(le(bytes + 32, 4), head.snapshots);
	assert_int_equal(le(bytes + 40, 8), (uint64_t)head.first);
	assert_int_equal(le(bytes + 48, 8), (uint64_t)head.last);
	assert_int_equal(le(bytes + 60, 4), crc32(0, bytes, 60));
	assert_true(block_head_get(bytes, sync_mark, &got));
	assert_int_equal(got.type, head.type);
	assert_int_equal(got.flags, head.flags);
	assert_int_equal(got.length, head.length);
	assert_int_equal(got.sequence, head.sequence);
	assert_int_equal(got.number, head.number);
	assert_int_equal(got.snapshots, head.snapshots);
	assert_int_equal(got.first, head.first);
	assert_int_equal(got.last, head.last);
}

static void a_head_with_any_bit_flipped_is_none(void **state)
{
	struct block_head head = some_head(), got;
	uint8_t bytes[BLOCK_HEAD_SIZE];

	(void)state;
	block_head_put(&head, sync_mark, bytes);
	for (size_t i = 0; i < 8 * sizeof(bytes); i++) {
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(block_head_get(bytes, sync_mark, &got));
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

static bool head_is_good(struct block_head head)
{
	uint8_t bytes[BLOCK_HEAD_SIZE];
	struct block_head got;

	block_head_put(&head, sync_mark, bytes);
	return block_head_get(bytes, sync_mark, &got);
}

static void a_head_over_a_limit_is_none(void **state)
{
	struct block_head head = some_head();

	(void)state;
	assert_true(head_is_good(head));
	head.length = SKT_BLOCK_MAX;
	assert_true(head_is_good(head));
	head.length = SKT_BLOCK_MAX + 1;
	assert_false(head_is_good(head));
	head.length = UINT32_MAX;
	assert_false(head_is_good(head));
	head = some_head();
	head.first = BLOCK_TIME_MAX + 1;
	assert_false(head_is_good(head));
	head.first = -BLOCK_TIME_MAX;
	assert_true(head_is_good(head));
	head.first = INT64_MIN;
	assert_false(head_is_good(head));
	head = some_head();
	head.last = INT64_MAX;
	assert_false(head_is_good(head));
	/* so that the number of a block's last snapshot, and of the next one, can be told */
	head = some_head();
	head.number = UINT64_MAX;
	assert_false(head_is_good(head));
	/* and which block is the next one */
	head = some_head();
	head.sequence = UINT64_C(1) << 62;
	assert_true(head_is_good(head));
	head.sequence++;
	assert_false(head_is_good(head));
	head.sequence = UINT64_MAX;
	assert_false(head_is_good(head));
}

static void a_tail_holds_for_its_block_only(void **state)
{
	struct block_head head = some_head();
	uint8_t bytes[BLOCK_HEAD_SIZE + 5 + BLOCK_TAIL_SIZE], chain[CHAIN_SIZE], before[CHAIN_SIZE];
	uint8_t *payload = bytes + BLOCK_HEAD_SIZE, *tail = payload + 5;
	crypto_hash_sha256_state sha;

	(void)state;
	head.length = 5;
	block_head_put(&head, sync_mark, bytes);
	memcpy(payload, "12345", 5);
	chain_start("header", 6, chain);
	crypto_hash_sha256(before, (const unsigned char *)"header", 6);
	assert_memory_equal(chain, before, CHAIN_SIZE);
	chain_next(bytes, payload, 5, chain);
	block_tail_put(bytes, payload, 5, chain, tail);
	crypto_hash_sha256_init(&sha);
	crypto_hash_sha256_update(&sha, before, CHAIN_SIZE);
	crypto_hash_sha256_update(&sha, bytes, BLOCK_HEAD_SIZE + 5);
	crypto_hash_sha256_final(&sha, before);
	assert_memory_equal(tail, before, CHAIN_SIZE);
	assert_int_equal(le(tail + 32, 4), crc32(0, bytes, BLOCK_HEAD_SIZE + 5 + CHAIN_SIZE));
	assert_int_equal(le(tail + 36, 4), 5);
	assert_true(block_tail_is_good(bytes, payload, 5, tail));
	for (size_t i = 0; i < 8 * sizeof(bytes); i++) {
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(block_tail_is_good(bytes, payload, 5, tail));
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

/* --- sections --- */

static void sections_init(struct skt_buf sections[SECTION_END])
{
	for (int id = 0; id < SECTION_END; id++)
		skt_buf_init(&sections[id]);
}

static void sections_release(struct skt_buf sections[SECTION_END])
{
	for (int id = 0; id < SECTION_END; id++)
		skt_buf_release(&sections[id]);
}

/* Incompressible, compressible, of one byte, and empty ones. */
static void fill_sections(struct skt_buf sections[SECTION_END])
{
	struct random random = { .state = 11 };

	for (int i = 0; i < 5000; i++)
		skt_buf_byte(&sections[SECTION_META], (unsigned char)random_bits(&random));
	skt_buf_fill(&sections[SECTION_STRINGS], 'x', 1000000);
	skt_buf_byte(&sections[SECTION_STATE], 7);
	for (int i = 0; i < 30000; i++)
		skt_buf_varint(&sections[SECTION_RESIDUAL], (uint64_t)i * 3);
}

static void sections_come_back_at_every_level(void **state)
{
	struct skt_buf sections[SECTION_END], got[SECTION_END], payload;

	(void)state;
	sections_init(sections);
	sections_init(got);
	skt_buf_init(&payload);
	fill_sections(sections);
	for (int level = 0; level <= 9; level++) {
		skt_buf_clear(&payload);
		assert_int_equal(payload_put(sections, level, &payload), 0);
		/* stored is the most that any takes */
		assert_true(payload.len <= 5000 + 1000000 + 1 + 90000 + 4 * SECTION_HEAD_SIZE);
		assert_int_equal(payload_get(payload.data, payload.len, UINT32_MAX, got, NULL), 0);
		for (int id = SECTION_META; id < SECTION_END; id++) {
			assert_int_equal(got[id].len, sections[id].len);
			if (got[id].len)
				assert_memory_equal(got[id].data, sections[id].data, got[id].len);
		}
	}
	/* what is not wanted is not there */
	assert_int_equal(payload_get(payload.data, payload.len, 1u << SECTION_STATE, got, NULL), 0);
	for (int id = SECTION_META; id < SECTION_END; id++)
		assert_int_equal(got[id].len, id == SECTION_STATE);
	skt_buf_release(&payload);
	sections_release(sections);
	sections_release(got);
}

/* A section as it is told to be, whatever it is. */
static void put_section(struct skt_buf *payload, uint8_t id, uint8_t codec, uint32_t inflated, uint32_t stored,
			const void *data, size_t len)
{
	skt_buf_byte(payload, id);
	skt_buf_byte(payload, codec);
	skt_buf_le16(payload, 0);
	skt_buf_le32(payload, inflated);
	skt_buf_le32(payload, stored);
	skt_buf_add(payload, data, len);
}

/* What a payload of one such section is answered with. */
static int get_one(uint8_t id, uint8_t codec, uint32_t inflated, uint32_t stored, const void *data, size_t len,
		   const char *words)
{
	struct skt_buf got[SECTION_END], payload;
	unsigned char *exact;
	struct skt_err err;
	int rc;

	sections_init(got);
	skt_buf_init(&payload);
	skt_err_init(&err);
	put_section(&payload, id, codec, inflated, stored, data, len);
	exact = malloc(payload.len);
	assert_non_null(exact);
	memcpy(exact, payload.data, payload.len);
	rc = payload_get(exact, payload.len, UINT32_MAX, got, &err);
	if (rc && !strstr(err.message, words))
		fail_msg("'%s' expected in '%s'", words, err.message);
	/* nothing is taken for a section that lies about its size */
	for (int i = 0; i < SECTION_END; i++)
		assert_true(got[i].size <= 2 * (size_t)(len + 4096) || rc == 0);
	free(exact);
	skt_buf_release(&payload);
	sections_release(got);
	return rc;
}

static void a_section_that_lies_is_refused(void **state)
{
	unsigned char zeros[1000] = { 0 }, packed[1100], twice[1100];
	uLongf len = sizeof(packed), len2;

	(void)state;
	assert_int_equal(compress(packed, &len, zeros, sizeof(zeros)), Z_OK);
	assert_int_equal(get_one(1, 1, 1000, (uint32_t)len, packed, len, ""), 0);
	/* about what it inflates to */
	assert_int_equal(get_one(1, 1, 999, (uint32_t)len, packed, len, "does not inflate to the 999 bytes"), -EBADMSG);
	assert_int_equal(get_one(1, 1, 1001, (uint32_t)len, packed, len, "does not inflate"), -EBADMSG);
	assert_int_equal(get_one(1, 1, 0, (uint32_t)len, packed, len, "does not inflate"), -EBADMSG);
	/* more than deflate can make of so few bytes: said before memory is taken */
	assert_int_equal(get_one(1, 1, 64u << 20, (uint32_t)len, packed, len, "states 67108864 bytes"), -EBADMSG);
	assert_int_equal(get_one(1, 1, (256u << 20) + 1, (uint32_t)len, packed, len, "exceeds the limit"), -E2BIG);
	assert_int_equal(get_one(1, 1, UINT32_MAX, (uint32_t)len, packed, len, "exceeds the limit"), -E2BIG);
	/* about what is stored */
	assert_int_equal(get_one(1, 1, 1000, (uint32_t)len - 1, packed, len, ""), -EBADMSG);
	assert_int_equal(get_one(1, 1, 1000, (uint32_t)len + 1, packed, len, "do not fill"), -EBADMSG);
	assert_int_equal(get_one(1, 1, 1000, UINT32_MAX, packed, len, "do not fill"), -EBADMSG);
	assert_int_equal(get_one(1, 0, 1000, 1000, zeros, 1000, ""), 0);
	assert_int_equal(get_one(1, 0, 1000, 999, zeros, 999, "states 1000 bytes"), -EBADMSG);
	assert_int_equal(get_one(1, 0, UINT32_MAX, 4, zeros, 4, "exceeds the limit"), -E2BIG);
	/* bytes after the end of what was compressed */
	memcpy(twice, packed, len);
	memcpy(twice + len, packed, len);
	len2 = 2 * len;
	assert_int_equal(get_one(1, 1, 1000, (uint32_t)len2, twice, len2, "does not inflate"), -EBADMSG);
	/* no zlib at all */
	assert_int_equal(get_one(1, 1, 10, 10, "0123456789", 10, "does not inflate"), -EBADMSG);
	assert_int_equal(get_one(1, 2, 10, 10, "0123456789", 10, "codec 2"), -EPROTONOSUPPORT);
	/* a head that is cut */
	assert_int_equal(get_one(1, 0, 0, 0, NULL, 0, ""), 0);
}

static void unknown_sections_are_passed_over(void **state)
{
	struct skt_buf got[SECTION_END], payload;

	(void)state;
	sections_init(got);
	skt_buf_init(&payload);
	put_section(&payload, 200, 77, UINT32_MAX, 3, "abc", 3);
	put_section(&payload, SECTION_STATE, 0, 2, 2, "xy", 2);
	put_section(&payload, 0, 0, 3, 3, "abc", 3);
	put_section(&payload, 255, 0, 1, 0, "", 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(payload_get(payload.data, payload.len, UINT32_MAX, got, NULL), 0);
		for (int id = 0; id < SECTION_END; id++)
			assert_int_equal(got[id].len, id == SECTION_STATE ? 2 : 0);
	}
	skt_buf_release(&payload);
	sections_release(got);
}

static void a_section_that_stands_twice_is_refused(void **state)
{
	struct skt_buf got[SECTION_END], payload;
	struct skt_err err;

	(void)state;
	sections_init(got);
	skt_buf_init(&payload);
	put_section(&payload, SECTION_STATE, 0, 2, 2, "xy", 2);
	put_section(&payload, SECTION_STATE, 0, 2, 2, "xy", 2);
	assert_int_equal(payload_get(payload.data, payload.len, UINT32_MAX, got, &err), -EBADMSG);
	assert_non_null(strstr(err.message, "twice"));
	skt_buf_release(&payload);
	sections_release(got);
}

/* Each alone is within the limit, and only the sum is not; the second is not even looked at. */
static void sections_over_the_limit_together_are_refused(void **state)
{
	struct skt_buf got[SECTION_END], payload;
	struct skt_err err;

	(void)state;
	assert_int_equal(get_one(SECTION_STATE, 1, 256u << 20, 2, "xy", 2, "states 268435456 bytes"), -EBADMSG);
	sections_init(got);
	skt_buf_init(&payload);
	put_section(&payload, SECTION_META, 0, 2, 2, "xy", 2);
	put_section(&payload, SECTION_STATE, 1, 256u << 20, 2, "xy", 2);
	assert_int_equal(payload_get(payload.data, payload.len, UINT32_MAX, got, &err), -E2BIG);
	assert_non_null(strstr(err.message, "268435458 bytes together exceed the limit of 268435456"));
	assert_int_equal(got[SECTION_STATE].size, 0);
	skt_buf_release(&payload);
	sections_release(got);
}

static void a_payload_cut_anywhere_is_refused_or_ends_between_sections(void **state)
{
	struct skt_buf sections[SECTION_END], got[SECTION_END], payload;
	size_t between = 0;

	(void)state;
	sections_init(sections);
	sections_init(got);
	skt_buf_init(&payload);
	skt_buf_text(&sections[SECTION_META], "meta");
	skt_buf_fill(&sections[SECTION_IDENTITY], 3, 400);
	skt_buf_text(&sections[SECTION_RESIDUAL], "residual");
	assert_int_equal(payload_put(sections, 6, &payload), 0);
	for (size_t len = 0; len < payload.len; len++) {
		unsigned char *exact = malloc(len + 1);
		int rc;

		assert_non_null(exact);
		memcpy(exact, payload.data, len);
		rc = payload_get(exact, len, UINT32_MAX, got, NULL);
		assert_true(rc == 0 || rc == -EBADMSG);
		between += !rc;
		free(exact);
	}
	assert_int_equal(between, 3);
	skt_buf_release(&payload);
	sections_release(sections);
	sections_release(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_comes_back),
		cmocka_unit_test(a_head_with_any_bit_flipped_is_none),
		cmocka_unit_test(a_head_over_a_limit_is_none),
		cmocka_unit_test(a_tail_holds_for_its_block_only),
		cmocka_unit_test(sections_come_back_at_every_level),
		cmocka_unit_test(a_section_that_lies_is_refused),
		cmocka_unit_test(unknown_sections_are_passed_over),
		cmocka_unit_test(a_section_that_stands_twice_is_refused),
		cmocka_unit_test(sections_over_the_limit_together_are_refused),
		cmocka_unit_test(a_payload_cut_anywhere_is_refused_or_ends_between_sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
