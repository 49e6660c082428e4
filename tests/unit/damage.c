/* SPDX-License-Identifier: MIT */
#include "bytes.h"
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

/*
 * A small recording cut at every byte, with every bit flipped, with its blocks in another order: nothing crashes,
 * nothing is read that was not recorded at that number, what is whole outside the damaged part of a group is read, and
 * the damage is told.
 */

enum { BLOCKS_MAX = 64 };

/* The sanitizers look at each nth byte or bit, which in a few bytes are all bits of one and both ways to read them. */
#define EACH(nth) (SANITIZED ? (nth) : 1)

struct part {
	struct block_head head;
	size_t offset;
	size_t size;
};

/* The recording that is damaged: its bytes, and where its blocks stand in them. */
static struct {
	struct recording recording;
	unsigned char *bytes;
	size_t len;
	size_t begin; /* of the first block */
	struct part parts[BLOCKS_MAX];
	size_t n_parts;
	int fd; /* a file that is overwritten again and again */
} whole;

/* Where blocks stand, by heads that are whole. */
static size_t find_parts(const unsigned char *bytes, size_t len, struct part parts[BLOCKS_MAX])
{
	size_t offset = first_block_at(bytes), n = 0;

	for (; offset < len; offset += parts[n++].size) {
		assert_true(n < BLOCKS_MAX);
		assert_true(block_head_get(bytes + offset, bytes + 40, &parts[n].head));
		parts[n].offset = offset;
		parts[n].size = (size_t)BLOCK_SIZE(&parts[n].head);
	}
	assert_int_equal(offset, len);
	return n;
}

static int set_up(void **state)
{
	size_t groups = SANITIZED ? 2 : 3;

	(void)state;
	recording_make(&whole.recording, 21, 3 * groups, 2, 20 * SKT_NS_PER_S);
	whole.bytes = recording_bytes(&whole.recording, &whole.len);
	whole.n_parts = find_parts(whole.bytes, whole.len, whole.parts);
	whole.begin = whole.parts[0].offset;
	whole.fd = recording_memfd("", 0);
	print_message("# %zu bytes, %zu blocks, %zu snapshots\n", whole.len, whole.n_parts, whole.recording.n);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(whole.bytes);
	recording_release(&whole.recording);
	close(whole.fd);
	return 0;
}

static void write_file(const unsigned char *bytes, size_t len)
{
	assert_int_equal(ftruncate(whole.fd, (off_t)len), 0);
	assert_int_equal(pwrite(whole.fd, bytes, len, 0), (ssize_t)len);
}

/* What could be read of the file. */
struct result {
	int rc; /* of opening */
	bool told;
	uint64_t told_at;   /* the first offset that damage or an error names */
	bool read[1 + 128]; /* by number */
	unsigned n;
	unsigned stops; /* that reading made */
};

static void note_damage(struct result *result, uint64_t offset)
{
	if (!result->told || offset < result->told_at)
		result->told_at = offset;
	result->told = true;
}

static void check_snapshot(struct result *result, const struct skt_snapshot *snapshot)
{
	assert_non_null(snapshot);
	assert_in_range(snapshot->number, 1, whole.recording.n);
	assert_false(result->read[snapshot->number]);
	result->read[snapshot->number] = true;
	result->n++;
	recording_expect(&whole.recording, snapshot->number, snapshot);
}

static void walk(struct skt_file *file, struct result *result)
{
	struct skt_cursor *cursor;
	uint64_t last = 0;
	bool anew = true;

	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	for (unsigned calls = 0;; calls++) {
		struct skt_step *step;
		struct skt_err err;
		int rc;

		assert_true(calls < 1000);
		skt_err_init(&err);
		rc = skt_cursor_next(cursor, &step, &err);
		if (!rc)
			break;
		if (rc < 0) {
			assert_int_equal(err.code, rc);
			assert_true(rc == -EBADMSG || rc == -EILSEQ || rc == -ENODATA || rc == -EPROTONOSUPPORT ||
				    rc == -E2BIG);
			assert_true(err.position >= 0 && *err.message && !strcmp(err.path, RECORDING_NAME));
			note_damage(result, (uint64_t)err.position);
			result->stops++;
			anew = true;
			continue;
		}
		check_snapshot(result, skt_cursor_snapshot(cursor));
		assert_int_equal(step->number, skt_cursor_snapshot(cursor)->number);
		assert_true(step->number > last);
		/* after a hole it starts from nothing, even if nothing is lost with it */
		assert_int_equal(step->from == INT64_MIN, anew);
		assert_true(anew || step->number == last + 1);
		last = step->number;
		anew = false;
	}
	skt_cursor_free(cursor);
}

static struct result read_file(unsigned flags)
{
	struct result result = { .rc = 0 };
	const struct skt_damage *damage;
	struct skt_file *file;
	struct skt_err err;
	size_t n;

	skt_err_init(&err);
	result.rc = skt_file_open(whole.fd, RECORDING_NAME, flags, &file, &err);
	if (result.rc) {
		assert_int_equal(err.code, result.rc);
		assert_true(*err.message && !strcmp(err.path, RECORDING_NAME));
		return result;
	}
	damage = skt_file_damage(file, &n);
	for (size_t i = 0; i < n; i++)
		note_damage(&result, damage[i].offset);
	walk(file, &result);
	skt_file_free(file);
	return result;
}

static enum skt_verdict verdict(void)
{
	struct skt_verification verification;
	enum skt_verdict is;

	assert_int_equal(skt_verify(whole.fd, RECORDING_NAME, NULL, &verification, NULL), 0);
	is = verification.verdict;
	/* damage without a place would be no help */
	for (size_t i = 0; i < verification.n_damage; i++)
		assert_true(verification.damage[i].offset <= whole.len * 3);
	assert_true(is != SKT_DAMAGED || verification.n_damage);
	skt_verification_release(&verification);
	return is;
}

static bool holds_snapshots(const struct part *part)
{
	return part->head.type == BLOCK_KEY || part->head.type == BLOCK_STEPS;
}

/* Every snapshot of these blocks was read, and no other. */
static void expect_parts(const struct result *result, const bool good[BLOCKS_MAX])
{
	unsigned n = 0;

	for (size_t p = 0; p < whole.n_parts; p++)
		for (uint32_t k = 0; holds_snapshots(&whole.parts[p]) && k < whole.parts[p].head.snapshots; k++) {
			uint64_t number = whole.parts[p].head.number + k;

			if (result->read[number] != good[p])
				fail_msg("#%llu was%s read", (unsigned long long)number,
					 result->read[number] ? "" : " not");
			n += good[p];
		}
	assert_int_equal(result->n, n);
}

static void undamaged_it_is_whole(void **state)
{
	bool all[BLOCKS_MAX];

	(void)state;
	memset(all, 1, sizeof(all));
	write_file(whole.bytes, whole.len);
	for (unsigned flags = 0; flags < 4; flags++) {
		struct result result = read_file(flags);

		assert_int_equal(result.rc, 0);
		assert_false(result.told);
		expect_parts(&result, all);
	}
	assert_int_equal(verdict(), SKT_WHOLE);
}

/* --- cuts --- */

static void check_cut(size_t len)
{
	struct result result;
	bool good[BLOCKS_MAX] = { false }, between = len == whole.begin;

	write_file(whole.bytes, len);
	result = read_file(len % 2 ? SKT_OPEN_NO_INDEX : 0);
	if (len < whole.begin) {
		assert_int_equal(result.rc, len && len < 8 ? -EBADMSG : -ENODATA);
		return;
	}
	assert_int_equal(result.rc, 0);
	for (size_t p = 0; p < whole.n_parts; p++) {
		good[p] = whole.parts[p].offset + whole.parts[p].size <= len;
		between |= whole.parts[p].offset + whole.parts[p].size == len;
	}
	expect_parts(&result, good);
	assert_int_equal(result.told, !between);
	/* before it nothing stops reading, and there it ends */
	assert_int_equal(result.stops, 0);
	assert_int_equal(verdict(), between ? SKT_OPEN : SKT_TORN);
	result = read_file(SKT_OPEN_STRICT);
	assert_int_equal(result.rc, -EBADMSG);
}

static void cut_at_any_byte_all_before_is_read(void **state)
{
	(void)state;
	for (size_t len = 0; len < whole.len; len += EACH(3))
		check_cut(len);
}

/* --- zeros --- */

/* Of the bytes from here on only the file's length was written before the machine crashed, and `more` beyond it. */
static void check_zeros(size_t from, size_t more)
{
	unsigned char *bytes = calloc(1, whole.len + more);
	size_t torn = 0;
	bool good[BLOCKS_MAX], ended;
	struct result result;

	assert_non_null(bytes);
	memcpy(bytes, whole.bytes, from);
	write_file(bytes, whole.len + more);
	/* what is as it was is good, though its last bytes are zeros, too */
	for (size_t p = 0; p < whole.n_parts; p++) {
		size_t end = whole.parts[p].offset + whole.parts[p].size;

		good[p] = !memcmp(bytes, whole.bytes, end);
		if (good[p])
			torn = p + 1;
	}
	ended = torn == whole.n_parts;
	for (unsigned flags = 0; flags <= SKT_OPEN_NO_INDEX; flags++) {
		result = read_file(flags);
		assert_int_equal(result.rc, 0);
		expect_parts(&result, good);
		assert_int_equal(result.stops, 0);
		assert_int_equal(result.told, !ended || more);
		if (result.told)
			assert_int_equal(result.told_at, ended ? whole.len : whole.parts[torn].offset);
	}
	/* nothing is written behind an end block, so nothing can be missing there */
	assert_int_equal(verdict(), !ended ? SKT_TORN : more ? SKT_DAMAGED : SKT_WHOLE);
	free(bytes);
}

static void what_ends_in_zeros_is_torn_where_they_begin(void **state)
{
	(void)state;
	for (size_t from = whole.begin; from <= whole.len; from += EACH(5)) {
		check_zeros(from, 0);
		if (from % 7 == 0 || from + 8 > whole.len)
			check_zeros(from, 5000);
	}
}

/* Zeros that something follows, or that follow bytes which are no block, are damage. */
static void zeros_that_no_crash_leaves_are_damage(void **state)
{
	const struct part *part = &whole.parts[whole.n_parts - 3];
	unsigned char *bytes = malloc(whole.len);

	(void)state;
	assert_non_null(bytes);
	memcpy(bytes, whole.bytes, whole.len);
	memset(bytes + part->offset, 0, whole.len - part->offset);
	bytes[whole.len - 1] = 1;
	write_file(bytes, whole.len);
	assert_int_equal(verdict(), SKT_DAMAGED);
	bytes[whole.len - 1] = 0;
	memcpy(bytes + part->offset, "text", 4);
	write_file(bytes, whole.len);
	assert_int_equal(verdict(), SKT_DAMAGED);
	/* a payload that is another, and zeros for a tail */
	memcpy(bytes, whole.bytes, whole.len);
	memset(bytes + part->offset + part->size - 4, 0, whole.len - part->offset - part->size + 4);
	bytes[part->offset + BLOCK_HEAD_SIZE] ^= 1;
	write_file(bytes, whole.len);
	assert_int_equal(verdict(), SKT_DAMAGED);
	free(bytes);
}

/* --- bits --- */

static size_t part_at(size_t byte)
{
	size_t p = 0;

	while (p + 1 < whole.n_parts && whole.parts[p + 1].offset <= byte)
		p++;
	return p;
}

/* The block's head is another, with its checksum mended. What else it is made of stays. */
static void write_head(size_t at, const struct block_head *head)
{
	uint8_t bytes[BLOCK_HEAD_SIZE];

	block_head_put(head, whole.bytes + 40, bytes);
	write_file(whole.bytes, whole.len);
	assert_int_equal(pwrite(whole.fd, bytes, sizeof(bytes), (off_t)whole.parts[at].offset), sizeof(bytes));
}

/*
 * A head that is good but for its length, which reaches beyond the file: what stands behind it has been found all the
 * same.
 */
static void check_claim(size_t at, uint32_t length)
{
	struct block_head head = whole.parts[at].head;
	bool good[BLOCKS_MAX];

	head.length = length;
	write_head(at, &head);
	memset(good, 1, sizeof(good));
	for (size_t p = at; p < whole.n_parts && (p == at || whole.parts[p].head.type != BLOCK_KEY); p++)
		good[p] = false;
	for (unsigned flags = 0; flags <= SKT_OPEN_NO_INDEX; flags += SKT_OPEN_NO_INDEX) {
		struct result result = read_file(flags);

		assert_int_equal(result.rc, 0);
		expect_parts(&result, good);
		assert_true(result.told);
		assert_int_equal(result.told_at, whole.parts[at].offset);
	}
	assert_int_equal(verdict(), SKT_DAMAGED);
}

static void a_block_that_claims_more_than_there_is_costs_its_group(void **state)
{
	size_t last_key = 0;

	(void)state;
	for (size_t p = 0; p < whole.n_parts; p++)
		last_key = whole.parts[p].head.type == BLOCK_KEY ? p : last_key;
	for (size_t at = 0; at < last_key; at++) {
		check_claim(at, (uint32_t)whole.len);
		check_claim(at, SKT_BLOCK_MAX);
	}
}

/* Where the recorder tells of fewer snapshots than are missing, the group behind is read all the same. */
static void behind_a_gap_that_tells_too_few_all_is_read(void **state)
{
	(void)state;
	for (size_t at = 0; at + 1 < whole.n_parts; at++) {
		struct block_head head = whole.parts[at].head;
		bool good[BLOCKS_MAX];

		if (head.type != BLOCK_STEPS || whole.parts[at + 1].head.type != BLOCK_KEY)
			continue;
		head.type = BLOCK_GAP;
		head.snapshots--;
		write_head(at, &head);
		memset(good, 1, sizeof(good));
		good[at] = false;
		for (unsigned flags = 0; flags <= SKT_OPEN_NO_INDEX; flags++) {
			struct result result = read_file(flags);

			assert_int_equal(result.rc, 0);
			expect_parts(&result, good);
			/* the gap, and the jump behind it */
			assert_int_equal(result.stops, 2);
		}
		assert_int_equal(verdict(), SKT_DAMAGED);
	}
}

/* Flags are for types that are not known. */
static void an_index_without_its_flag_is_one(void **state)
{
	(void)state;
	for (size_t at = 0; at < whole.n_parts; at++) {
		struct block_head head = whole.parts[at].head;
		struct result result;
		bool good[BLOCKS_MAX];

		if (head.type != BLOCK_INDEX)
			continue;
		assert_int_equal(head.flags, BLOCK_ANCILLARY);
		head.flags = 0;
		write_head(at, &head);
		memset(good, 1, sizeof(good));
		result = read_file(SKT_OPEN_NO_INDEX);
		expect_parts(&result, good);
		assert_false(result.told);
	}
}

/* A flip that leaves nothing but zeros cannot be told from a block whose last bytes were never written. */
static bool is_zero_from(size_t byte)
{
	while (byte < whole.len && !whole.bytes[byte])
		byte++;
	return byte == whole.len;
}

static void check_flip(size_t bit)
{
	size_t byte = bit / 8, at = part_at(byte);
	bool good[BLOCKS_MAX];
	struct result result;

	whole.bytes[byte] ^= (unsigned char)(1 << bit % 8);
	assert_int_equal(pwrite(whole.fd, whole.bytes + byte, 1, (off_t)byte), 1);
	result = read_file(bit % 2 ? SKT_OPEN_NO_INDEX : 0);
	if (byte < HEADER_FIXED_SIZE) {
		assert_true(result.rc < 0);
	} else if (byte < whole.begin) {
		/* without its facts */
		assert_int_equal(result.rc, 0);
		memset(good, 1, sizeof(good));
		expect_parts(&result, good);
		assert_true(result.told);
		assert_int_equal(result.told_at, HEADER_FIXED_SIZE);
		assert_int_equal(verdict(), SKT_DAMAGED);
	} else {
		assert_int_equal(result.rc, 0);
		memset(good, 1, sizeof(good));
		/* the rest of its group */
		for (size_t p = at; holds_snapshots(&whole.parts[at]) && p < whole.n_parts; p++) {
			if (p > at && whole.parts[p].head.type == BLOCK_KEY)
				break;
			good[p] = false;
		}
		expect_parts(&result, good);
		if (holds_snapshots(&whole.parts[at])) {
			assert_true(result.told);
			assert_in_range(result.told_at, whole.parts[at].offset, byte);
		}
		/* verifying reads all of it once more: two or three bits of each byte will do */
		if (bit % 3 == 0)
			assert_int_equal(verdict(), is_zero_from(byte) ? SKT_TORN : SKT_DAMAGED);
	}
	whole.bytes[byte] ^= (unsigned char)(1 << bit % 8);
	assert_int_equal(pwrite(whole.fd, whole.bytes + byte, 1, (off_t)byte), 1);
}

static void with_any_bit_flipped_all_but_its_group_is_read(void **state)
{
	(void)state;
	write_file(whole.bytes, whole.len);
	for (size_t bit = 0; bit < 8 * whole.len; bit += EACH(7))
		check_flip(bit);
}

/*
 * The chain begins with the header: where that is damaged, the first value is believed, and the others must follow from
 * it.
 */
static void damaged_facts_do_not_make_the_blocks_suspect(void **state)
{
	struct skt_verification verification;
	struct part *second = &whole.parts[1];
	uint8_t chain[CHAIN_SIZE];
	unsigned char *bytes, *tail;

	(void)state;
	write_file(whole.bytes, whole.len);
	assert_int_equal(pwrite(whole.fd, "!", 1, HEADER_FIXED_SIZE + 8), 1);
	assert_int_equal(skt_verify(whole.fd, RECORDING_NAME, NULL, &verification, NULL), 0);
	assert_int_equal(verification.verdict, SKT_DAMAGED);
	assert_int_equal(verification.n_damage, 1);
	assert_true(verification.damage[0].facts);
	assert_int_equal(verification.snapshots, whole.recording.n);
	skt_verification_release(&verification);
	/* another chain value in the second block, with a checksum that is right */
	bytes = malloc(whole.len);
	assert_non_null(bytes);
	memcpy(bytes, whole.bytes, whole.len);
	bytes[HEADER_FIXED_SIZE + 8] = '!';
	tail = bytes + second->offset + second->size - BLOCK_TAIL_SIZE;
	memcpy(chain, tail, sizeof(chain));
	chain[0] ^= 1;
	block_tail_put(bytes + second->offset, bytes + second->offset + BLOCK_HEAD_SIZE, second->head.length, chain,
		       tail);
	write_file(bytes, whole.len);
	assert_int_equal(skt_verify(whole.fd, RECORDING_NAME, NULL, &verification, NULL), 0);
	assert_in_range(verification.n_damage, 2, 3);
	assert_int_equal(verification.damage[1].offset, second->offset);
	skt_verification_release(&verification);
	free(bytes);
}

/* --- blocks --- */

/* The header, then blocks of the recording in any order. */
static void write_parts(const size_t *order, size_t n)
{
	unsigned char *bytes = malloc(whole.begin + n * whole.len);
	size_t len = whole.begin;

	assert_non_null(bytes);
	memcpy(bytes, whole.bytes, len);
	for (size_t i = 0; i < n; i++) {
		memcpy(bytes + len, whole.bytes + whole.parts[order[i]].offset, whole.parts[order[i]].size);
		len += whole.parts[order[i]].size;
	}
	write_file(bytes, len);
	free(bytes);
}

static void check_damaged(void)
{
	for (unsigned flags = 0; flags < 2; flags++) {
		struct result result = read_file(flags);

		assert_int_equal(result.rc, 0);
	}
	assert_int_equal(verdict(), SKT_DAMAGED);
}

static void a_block_that_stands_twice_is_read_once(void **state)
{
	size_t order[BLOCKS_MAX + 1], n = whole.n_parts;

	(void)state;
	for (size_t twice = 0; twice < n; twice++)
		for (size_t where = 0; where <= n; where++) {
			if (where == twice || where == twice + 1)
				continue;
			for (size_t i = 0; i <= n; i++)
				order[i] = i < where ? i : i == where ? twice : i - 1;
			write_parts(order, n + 1);
			check_damaged();
		}
}

static void a_block_that_is_missing_is_missed(void **state)
{
	size_t order[BLOCKS_MAX], n = whole.n_parts;

	(void)state;
	/* without its last block it is open, as if it were still written */
	for (size_t missing = 0; missing < n - 1; missing++) {
		for (size_t i = 0; i < n - 1; i++)
			order[i] = i < missing ? i : i + 1;
		write_parts(order, n - 1);
		check_damaged();
	}
}

static void blocks_in_another_order_are_told(void **state)
{
	struct random random = { .state = 5 };
	uint32_t order[BLOCKS_MAX];
	size_t places[BLOCKS_MAX];

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		bool same = true;

		for (uint32_t p = 0; p < whole.n_parts; p++)
			order[p] = p;
		random_shuffle(&random, order, whole.n_parts);
		for (size_t p = 0; p < whole.n_parts; p++) {
			places[p] = order[p];
			same &= order[p] == p;
		}
		write_parts(places, whole.n_parts);
		if (!same)
			check_damaged();
	}
}

/* --- anything --- */

/* A file with a few things wrong at once; never longer than three of it. */
static size_t wreck(struct random *random, unsigned char *bytes)
{
	size_t len = whole.len;

	memcpy(bytes, whole.bytes, len);
	for (unsigned wounds = 1 + random_below(random, 4); wounds && len > whole.begin; wounds--) {
		size_t at = whole.begin + random_below(random, (uint32_t)(len - whole.begin));
		size_t n = random_below(random, random_one_in(random, 2) ? 8 : 400);
		size_t from = whole.begin + random_below(random, (uint32_t)(len - whole.begin));

		n = n < len - at ? n : len - at;
		from = from < len - n ? from : len - n;
		switch (random_below(random, 5)) {
		case 0: /* other bytes */
			for (size_t i = 0; i < n; i++)
				bytes[at + i] = (unsigned char)random_bits(random);
			break;
		case 1: /* a hole, as a filesystem leaves after a crash */
			memset(bytes + at, 0, n);
			break;
		case 2: /* bytes of another place */
			memmove(bytes + at, bytes + from, n);
			break;
		case 3: /* missing */
			memmove(bytes + at, bytes + at + n, len - at - n);
			len -= n;
			break;
		default: /* too many */
			if (len + n > 3 * whole.len)
				break;
			memmove(bytes + at + n, bytes + at, len - at);
			len += n;
			break;
		}
	}
	return len;
}

static void wrecked_in_any_way_it_yields_nothing_that_was_not_recorded(void **state)
{
	unsigned char *bytes = malloc(3 * whole.len + 512);

	(void)state;
	assert_non_null(bytes);
	for (uint64_t seed = 1; seed <= (SANITIZED ? 1000 : 10000); seed++) {
		struct random random = { .state = seed };
		size_t len = wreck(&random, bytes);
		struct result result;

		write_file(bytes, len);
		result = read_file(seed % 2 ? SKT_OPEN_NO_INDEX : 0);
		assert_int_equal(result.rc, 0);
		if (len != whole.len || memcmp(bytes, whole.bytes, len))
			assert_int_not_equal(verdict(), SKT_WHOLE);
	}
	free(bytes);
}

/* --- seeking in what is damaged --- */

static void seek_number(struct skt_cursor *cursor, uint64_t number, bool readable)
{
	struct skt_time time = { .kind = SKT_TIME_NUMBER, .number = number };
	const struct skt_snapshot *snapshot;
	struct result result = { .rc = 0 };
	int64_t when;
	int rc = skt_cursor_seek(cursor, &time, SKT_ZONE_UTC, &when, NULL);

	snapshot = skt_cursor_snapshot(cursor);
	if (readable) {
		assert_int_equal(rc, 0);
		assert_int_equal(snapshot->number, number);
	} else {
		assert_true(rc < 0);
	}
	if (snapshot)
		check_snapshot(&result, snapshot);
}

static void what_is_whole_can_be_sought(void **state)
{
	(void)state;
	for (size_t p = 0; p < whole.n_parts; p++) {
		struct skt_cursor *cursor;
		struct skt_file *file;
		bool lost = false;

		if (!holds_snapshots(&whole.parts[p]))
			continue;
		write_file(whole.bytes, whole.len);
		assert_int_equal(pwrite(whole.fd, "damage", 6, (off_t)(whole.parts[p].offset + 70)), 6);
		assert_int_equal(skt_file_open(whole.fd, RECORDING_NAME, 0, &file, NULL), 0);
		assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
		for (size_t q = 0; q < whole.n_parts; q++) {
			if (!holds_snapshots(&whole.parts[q]))
				continue;
			lost = q == p || (lost && whole.parts[q].head.type != BLOCK_KEY);
			for (uint32_t k = 0; k < whole.parts[q].head.snapshots; k++)
				seek_number(cursor, whole.parts[q].head.number + k, !lost);
		}
		skt_cursor_free(cursor);
		skt_file_free(file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(undamaged_it_is_whole),
		cmocka_unit_test(cut_at_any_byte_all_before_is_read),
		cmocka_unit_test(what_ends_in_zeros_is_torn_where_they_begin),
		cmocka_unit_test(zeros_that_no_crash_leaves_are_damage),
		cmocka_unit_test(a_block_that_claims_more_than_there_is_costs_its_group),
		cmocka_unit_test(behind_a_gap_that_tells_too_few_all_is_read),
		cmocka_unit_test(an_index_without_its_flag_is_one),
		cmocka_unit_test(with_any_bit_flipped_all_but_its_group_is_read),
		cmocka_unit_test(damaged_facts_do_not_make_the_blocks_suspect),
		cmocka_unit_test(a_block_that_stands_twice_is_read_once),
		cmocka_unit_test(a_block_that_is_missing_is_missed),
		cmocka_unit_test(blocks_in_another_order_are_told),
		cmocka_unit_test(wrecked_in_any_way_it_yields_nothing_that_was_not_recorded),
		cmocka_unit_test(what_is_whole_can_be_sought),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
