/* SPDX-License-Identifier: MIT */
#include "bytes.h"
#include "failing_alloc.h"
#include "recording.h"
#include "sanitized.h"
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
#include <unistd.h>

#include <cmocka.h>

/* Memory is taken for what is there, not for what a number in a recording says is there. */

/* What is recorded: several steps in a block, and several groups. */
static struct recording original;

static int set_up(void **state)
{
	(void)state;
	recording_make_small(&original);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	recording_release(&original);
	return 0;
}

/* --- heads that lie --- */

/* Open, walk, seek in and verify whatever it is: how much memory was asked for. */
static size_t read_anything(const unsigned char *bytes, size_t len)
{
	static const struct skt_time times[] = { { .kind = SKT_TIME_LAST },
						 { .kind = SKT_TIME_NUMBER, .number = UINT32_MAX },
						 { .kind = SKT_TIME_INSTANT, .ns = SCENE_TIME } };
	struct skt_verification verification;
	struct skt_cursor *cursor = NULL;
	int fd = recording_memfd(bytes, len);
	struct skt_file *file = NULL;
	struct skt_step *step;
	unsigned calls = 0;
	int64_t when;

	failing_alloc_after(SIZE_MAX - 1);
	assert_int_equal(skt_file_open(fd, "x", SKT_OPEN_NO_INDEX, &file, NULL), 0);
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	while (skt_cursor_next(cursor, &step, NULL))
		assert_true(calls++ < 1000);
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		skt_cursor_seek(cursor, &times[i], SKT_ZONE_UTC, &when, NULL);
	assert_int_equal(skt_verify(fd, "x", NULL, &verification, NULL), 0);
	failing_alloc_stop();
	skt_verification_release(&verification);
	skt_cursor_free(cursor);
	skt_file_free(file);
	close(fd);
	return failing_alloc_asked();
}

/* A head with one number changed, and checksums that are right. */
static void tell_lie(unsigned char *block, const unsigned char *sync, struct block_head head, int lie)
{
	static const uint32_t lengths[] = { 0, 1, SKT_BLOCK_MAX, SKT_BLOCK_MAX + 1, UINT32_MAX };
	static const uint32_t counts[] = { 0, 2, 1u << 20, UINT32_MAX - 1, UINT32_MAX };
	static const uint64_t numbers[] = { 0, UINT32_MAX, BLOCK_NUMBER_MAX, UINT64_MAX - 1, UINT64_MAX };
	uint32_t length = head.length;

	if (lie < 5)
		head.length = lengths[lie];
	else if (lie < 10)
		head.snapshots = counts[lie - 5];
	else if (lie < 15)
		head.number = numbers[lie - 10];
	else
		head.sequence = numbers[lie - 15];
	block_head_put(&head, sync, block);
	block_tail_put(block, block + BLOCK_HEAD_SIZE, length, block + BLOCK_HEAD_SIZE + length,
		       block + BLOCK_HEAD_SIZE + length);
}

static void no_head_takes_more_memory_than_its_file_is_long(void **state)
{
	size_t len, most;
	unsigned char *bytes = recording_bytes(&original, &len);

	(void)state;
	most = 3 * read_anything(bytes, len);
	for (size_t at = first_block_at(bytes), next; at < len; at = next) {
		struct block_head head;

		assert_true(block_head_get(bytes + at, bytes + 40, &head));
		next = at + (size_t)BLOCK_SIZE(&head);
		for (int lie = 0; lie < 20; lie++) {
			unsigned char *lying = malloc(len);
			size_t asked;

			assert_non_null(lying);
			memcpy(lying, bytes, len);
			tell_lie(lying + at, lying + 40, head, lie);
			asked = read_anything(lying, len);
			if (asked > most)
				fail_msg("%zu bytes asked for, lie %d of the block at %zu", asked, lie, at);
			free(lying);
		}
	}
	free(bytes);
}

/* --- counts that lie --- */

struct encoded {
	struct skt_buf key[SECTION_END];
	struct skt_buf step[SECTION_END];
};

static bool is_rich(const struct skt_step *step)
{
	bool raw = false;

	for (size_t i = 0; i < step->n_tables; i++)
		raw |= step->tables[i].raw_changed;
	return raw && step->n_socks > 40 && step->n_processes > 4 && step->n_timers > 2 && step->n_puts > 20 &&
	       step->n_owners > 10 && step->n_users;
}

static void encode_one(struct encoder *encoder, const struct skt_step *step, const struct skt_snapshot *now,
		       uint32_t first_string, struct skt_buf sections[SECTION_END])
{
	for (int id = 0; id < SECTION_END; id++)
		skt_buf_clear(&sections[id]);
	step_encode(encoder, step, now, first_string, sections);
}

/* The whole of a snapshot, and a step from it in which a lot happens. */
static void encode(struct encoded *encoded)
{
	struct random random = { .state = 8 };
	struct random_world world = { .rows = 30 };
	struct skt_matcher *matcher = skt_matcher_new(1);
	struct encoder encoder = { .n_rows = 0 };
	struct skt_snapshot now, read, dense;
	struct recording front = { .fd = -1 };
	struct skt_step step;
	uint32_t strings;

	memset(encoded, 0, sizeof(*encoded));
	skt_step_init(&step);
	assert_int_equal(skt_snapshot_init(&now, NULL, 1), 0);
	do {
		assert_int_equal(skt_snapshot_init(&dense, NULL, 1), 0);
		assert_int_equal(skt_match(matcher, &dense, &now, true, &step), 0);
		assert_int_equal(skt_apply(&dense, &step, NULL), 0);
		encode_one(&encoder, &step, &dense, 1, encoded->key);
		skt_snapshot_release(&now);
		now = dense;
		strings = skt_strtab_count(now.strings);
		front.now = now;
		recording_random(&front, &random, &world, SKT_NS_PER_S, &read);
		assert_int_equal(skt_match(matcher, &now, &read, false, &step), 0);
		assert_int_equal(skt_apply(&now, &step, NULL), 0);
		encode_one(&encoder, &step, &now, strings, encoded->step);
		skt_snapshot_release(&read);
	} while (!is_rich(&step));
	encoder_release(&encoder);
	skt_step_release(&step);
	skt_snapshot_release(&now);
	skt_matcher_free(matcher);
}

static void encoded_release(struct encoded *encoded)
{
	for (int id = 0; id < SECTION_END; id++) {
		skt_buf_release(&encoded->key[id]);
		skt_buf_release(&encoded->step[id]);
	}
}

/* Decode and take a step that may be anything: how much memory was asked for. */
static size_t decode(const struct skt_buf sections[SECTION_END], struct skt_snapshot *old, bool key, int *ret_rc)
{
	struct decoder decoder = { .room = 0 };
	struct cur in[SECTION_END];
	struct skt_step step;
	char why[256];
	int rc;

	skt_step_init(&step);
	for (int id = 0; id < SECTION_END; id++)
		cur_init(&in[id], sections[id].data, sections[id].len);
	failing_alloc_after(SIZE_MAX - 1);
	rc = step_decode(&decoder, in, SKT_WANT_ALL, old, key, &step, NULL);
	if (!rc)
		rc = skt_apply(old, &step, NULL);
	failing_alloc_stop();
	assert_true(rc == 0 || rc == -EBADMSG || rc == -E2BIG || rc == -ENOMEM);
	if (!rc && !scene_is_whole(old, why, sizeof(why)))
		fail_msg("%s", why);
	*ret_rc = rc;
	decoder_release(&decoder);
	skt_step_release(&step);
	return failing_alloc_asked();
}

/*
 * Put a number in place of the byte at an offset of a section, and `more` bytes after it, so that counts which are
 * bounded by the bytes that are left have room to lie in.
 */
static void lie(const struct encoded *encoded, bool key, int section, size_t at, uint64_t number, size_t more)
{
	const struct skt_buf *honest = key ? encoded->key : encoded->step;
	struct skt_buf sections[SECTION_END], lying;
	struct skt_snapshot old;
	size_t asked, bytes = 0;
	int rc;

	memcpy(sections, honest, sizeof(sections));
	skt_buf_init(&lying);
	skt_buf_add(&lying, honest[section].data, at);
	skt_buf_varint(&lying, number);
	skt_buf_add(&lying, honest[section].data + at + 1, honest[section].len - at - 1);
	skt_buf_fill(&lying, 1, more);
	sections[section] = lying;
	for (int id = 0; id < SECTION_END; id++)
		bytes += sections[id].len;
	assert_int_equal(skt_snapshot_init(&old, NULL, 1), 0);
	if (!key) {
		decode(encoded->key, &old, true, &rc);
		assert_int_equal(rc, 0);
	}
	asked = decode(sections, &old, key, &rc);
	/* a change of a row is 400 bytes, and is told in 15; arrays grow by doubling */
	if (asked > 65536 + 128 * bytes)
		fail_msg("%zu bytes asked for %zu: %llu at byte %zu of the %s section of a %s", asked, bytes,
			 (unsigned long long)number, at, section_name((unsigned)section), key ? "key" : "step");
	skt_snapshot_release(&old);
	skt_buf_release(&lying);
}

static void no_number_takes_more_memory_than_there_are_bytes_for(void **state)
{
	static const uint64_t numbers[] = { 127,       65536, 1u << 20, (1u << 24) - 1, UINT32_MAX, UINT64_C(1) << 60,
					    UINT64_MAX };
	struct encoded encoded;

	(void)state;
	encode(&encoded);
	for (int key = 0; key < 2; key++)
		for (int id = SECTION_META; id < SECTION_END; id++)
			for (size_t n = 0; n < sizeof(numbers) / sizeof(*numbers); n++)
				for (size_t at = 0; at < (key ? encoded.key : encoded.step)[id].len;
				     at += SANITIZED ? 5 : 1)
					lie(&encoded, key, id, at, numbers[n], 0);
	encoded_release(&encoded);
}

/* The same where a megabyte follows: a count may then be as high as that has room for. */
static void nor_does_it_where_there_are_many(void **state)
{
	static const uint64_t numbers[] = { 5000, 60000, 300000, 520000, 1000000 };
	struct encoded encoded;

	(void)state;
	encode(&encoded);
	for (int key = 0; key < 2; key++)
		for (int id = SECTION_META; id < SECTION_END; id++)
			for (size_t n = 0; n < sizeof(numbers) / sizeof(*numbers); n++)
				for (size_t at = 0; at < (key ? encoded.key : encoded.step)[id].len;
				     at += 1 + at / (SANITIZED ? 3 : 16))
					lie(&encoded, key, id, at, numbers[n], 1u << 20);
	encoded_release(&encoded);
}

/* Many runs of rows, each of which alone would fit. */
static void runs_of_rows_are_counted_together(void **state)
{
	struct encoded encoded;
	struct skt_buf identity;
	struct skt_snapshot old;
	size_t asked;
	int rc;

	(void)state;
	encode(&encoded);
	skt_buf_init(&identity);
	/* no process, none closed, none lost */
	skt_buf_fill(&identity, 0, 3);
	for (int i = 0; i < 5000; i++) {
		skt_buf_varint(&identity, 1000);
		skt_buf_varint(&identity, 0);
	}
	skt_buf_fill(&identity, 0, 30000);
	skt_buf_release(&encoded.key[SECTION_IDENTITY]);
	encoded.key[SECTION_IDENTITY] = identity;
	assert_int_equal(skt_snapshot_init(&old, NULL, 1), 0);
	asked = decode(encoded.key, &old, true, &rc);
	assert_int_equal(rc, -EBADMSG);
	assert_true(asked < 128 * identity.len);
	skt_snapshot_release(&old);
	encoded_release(&encoded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_head_takes_more_memory_than_its_file_is_long),
		cmocka_unit_test(no_number_takes_more_memory_than_there_are_bytes_for),
		cmocka_unit_test(nor_does_it_where_there_are_many),
		cmocka_unit_test(runs_of_rows_are_counted_together),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
