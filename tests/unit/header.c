/* SPDX-License-Identifier: MIT */
#include "bytes.h"
#include "recording.h"

#include "record/block.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

/*
 * The header of a recording: all of it comes back, and what cannot be read is refused with a reason. Offsets are those
 * of header.c's drawing.
 */

static const uint8_t sync_mark[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static struct skt_header some_header(struct skt_fact *facts, size_t n)
{
	return (struct skt_header){
		.recording_id = "0123456789abcde",
		.start = 1795356187123456789,
		.start_boottime = 5000000000001,
		.boot_time = -1,
		.interval = 50000000,
		.tables = 0x8000000f,
		.big_endian = true,
		.live = true,
		.file_number = 3,
		.snapshots_before = UINT64_C(123456789012),
		.chain_before = "a chain value of thirty-two byte",
		.facts = facts,
		.n_facts = n,
	};
}

/* Its bytes, in a buffer of exactly their length; given to the caller. */
static unsigned char *header_bytes(const struct skt_header *header, size_t *ret_len)
{
	unsigned char *bytes;
	struct skt_buf out;

	skt_buf_init(&out);
	assert_int_equal(header_put(header, sync_mark, &out), 0);
	bytes = malloc(out.len);
	assert_non_null(bytes);
	memcpy(bytes, out.data, out.len);
	*ret_len = out.len;
	skt_buf_release(&out);
	return bytes;
}

/* Both checksums: that of the fixed part, and that of all. */
static void mend_header(unsigned char *bytes, size_t len)
{
	put_le(bytes + 156, crc32(0, bytes, 156), 4);
	put_le(bytes + len - 4, crc32(0, bytes, (uInt)(len - 4)), 4);
}

/* Read it in its two parts. */
static int header_get(const unsigned char *bytes, size_t len, struct skt_header *ret, uint8_t ret_sync[8])
{
	size_t stated;
	int rc = header_fixed_get(bytes, len, ret, ret_sync, &stated, NULL);

	if (rc)
		return rc;
	assert_int_equal(stated, len);
	return header_facts_get(bytes, len, ret, NULL);
}

static void every_fact_of_the_header_comes_back(void **state)
{
	char note[70000];
	struct skt_fact facts[] = { { "host.name", "a" }, { "", "" },		{ "note", note },
				    { "empty", "" },	  { "host.name", "b" }, { "bytes", "\x01\xff\n\x1b[2J" } };
	struct skt_header header = some_header(facts, 6), got;
	uint8_t sync[8];
	unsigned char *bytes;
	size_t len;

	(void)state;
	memset(note, 'n', sizeof(note) - 1);
	note[sizeof(note) - 1] = '\0';
	bytes = header_bytes(&header, &len);
	assert_int_equal(header_get(bytes, len, &got, sync), 0);
	assert_int_equal(got.major, SKT_MAJOR);
	assert_int_equal(got.minor, SKT_MINOR);
	assert_memory_equal(got.recording_id, header.recording_id, 16);
	assert_memory_equal(sync, sync_mark, 8);
	assert_int_equal(got.start, header.start);
	assert_int_equal(got.start_boottime, header.start_boottime);
	assert_int_equal(got.boot_time, -1);
	assert_int_equal(got.interval, header.interval);
	assert_int_equal(got.tables, header.tables);
	assert_true(got.big_endian);
	assert_true(got.live);
	assert_int_equal(got.file_number, 3);
	assert_int_equal(got.snapshots_before, UINT64_C(123456789012));
	assert_memory_equal(got.chain_before, "a chain value of thirty-two byte", 32);
	assert_false(got.facts_damaged);
	assert_int_equal(got.n_facts, 6);
	for (int i = 0; i < 6; i++) {
		assert_string_equal(got.facts[i].name, facts[i].name);
		assert_string_equal(got.facts[i].value, facts[i].value);
	}
	/* the first of a name */
	assert_string_equal(skt_header_fact(&got, "host.name"), "a");
	assert_string_equal(skt_header_fact(&got, "empty"), "");
	assert_null(skt_header_fact(&got, "host"));
	header_release(&got);
	free(bytes);
}

static void the_header_stands_where_the_page_says(void **state)
{
	struct skt_fact fact = { "k", "vv" };
	struct skt_header header = some_header(&fact, 1);
	unsigned char *bytes;
	size_t len;

	(void)state;
	bytes = header_bytes(&header, &len);
	assert_int_equal(len, 160 + 6 + 3 + 4);
	assert_memory_equal(bytes, "\x89SKT\r\n\x1a\n", 8);
	assert_int_equal(le(bytes + 8, 2), 1);
	assert_int_equal(le(bytes + 12, 4), len);
	assert_int_equal(le(bytes + 16, 8), 0);
	assert_memory_equal(bytes + 24, header.recording_id, 16);
	assert_memory_equal(bytes + 40, sync_mark, 8);
	assert_int_equal(le(bytes + 48, 8), header.start);
	assert_int_equal(le(bytes + 56, 8), header.start_boottime);
	assert_int_equal(le(bytes + 64, 8), UINT64_MAX);
	assert_int_equal(le(bytes + 72, 8), header.interval);
	assert_int_equal(le(bytes + 80, 4), header.tables);
	assert_int_equal(bytes[84], 1);
	assert_int_equal(bytes[85], 1);
	assert_int_equal(le(bytes + 88, 8), 3);
	assert_int_equal(le(bytes + 96, 8), header.snapshots_before);
	assert_memory_equal(bytes + 104, header.chain_before, 32);
	assert_int_equal(le(bytes + 156, 4), crc32(0, bytes, 156));
	assert_int_equal(le(bytes + 160, 2), 1);
	assert_int_equal(le(bytes + 162, 4), 2);
	assert_memory_equal(bytes + 166, "kvv", 3);
	assert_int_equal(le(bytes + len - 4, 4), crc32(0, bytes, (uInt)(len - 4)));
	free(bytes);
}

static void the_first_file_is_number_one_unless_the_caller_says_otherwise(void **state)
{
	struct skt_header header = some_header(NULL, 0);
	unsigned char *bytes;
	size_t len;

	(void)state;
	header.file_number = 0;
	bytes = header_bytes(&header, &len);
	assert_int_equal(le(bytes + 88, 8), 1);
	free(bytes);
}

/* Open a file of these bytes: what it says, and with which words. */
static int open_bytes(const unsigned char *bytes, size_t len, const char *words)
{
	int fd = recording_memfd(bytes, len), rc;
	struct skt_file *file;
	struct skt_err err;

	skt_err_init(&err);
	rc = skt_file_open(fd, "x.skt", 0, &file, &err);
	if (!rc)
		skt_file_free(file);
	else if (err.code != rc || strcmp(err.path, "x.skt") || !strstr(err.message, words))
		fail_msg("%d: '%s': '%s' expected in '%s'", err.code, err.path, words, err.message);
	close(fd);
	return rc;
}

static void what_is_no_recording_is_refused(void **state)
{
	static const char text[] = "Netid State Recv-Q Send-Q Local Address:Port\n";
	char zeros[200] = { 0 };

	(void)state;
	assert_int_equal(open_bytes((const unsigned char *)"", 0, "empty"), -ENODATA);
	assert_int_equal(open_bytes((const unsigned char *)text, sizeof(text) - 1, "not a recording"), -EBADMSG);
	assert_int_equal(open_bytes((const unsigned char *)"x", 1, "not a recording"), -EBADMSG);
	/* RFC 1952 */
	assert_int_equal(open_bytes((const unsigned char *)"\x1f\x8b\x08", 3,
				    "not a recording but compressed with gzip: uncompress it first"),
			 -EBADMSG);
	assert_int_equal(open_bytes((const unsigned char *)"\x1f", 1, "not a recording"), -EBADMSG);
	assert_int_equal(open_bytes((const unsigned char *)zeros, sizeof(zeros), "not a recording"), -EBADMSG);
	/* what became of the mark when it went through a text-mode transfer */
	assert_int_equal(open_bytes((const unsigned char *)"\x89SKT\n\x1a\n\1\0\0\0", 11, "not a recording"), -EBADMSG);
}

static void a_directory_or_a_pipe_is_refused(void **state)
{
	struct skt_file *file;
	struct skt_err err;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	skt_err_init(&err);
	assert_int_equal(skt_file_open(fds[0], "pipe", 0, &file, &err), -EINVAL);
	assert_string_equal(err.path, "pipe");
	close(fds[0]);
	close(fds[1]);
	/* a descriptor that is none */
	assert_int_equal(skt_file_open(fds[0], "closed", 0, &file, &err), -EBADF);
}

static void a_header_cut_anywhere_is_refused(void **state)
{
	struct skt_fact fact = { "host.name", "test" };
	struct skt_header header = some_header(&fact, 1);
	unsigned char *bytes;
	size_t len;

	(void)state;
	bytes = header_bytes(&header, &len);
	assert_int_equal(open_bytes(bytes, len, ""), 0);
	for (size_t i = 8; i < len; i++)
		assert_int_equal(open_bytes(bytes, i, "file ends inside the header"), -ENODATA);
	free(bytes);
}

/* Open what may be opened: whether it could be, and what was told of its facts. */
static bool facts_are_told_as_damaged(const unsigned char *bytes, size_t len)
{
	int fd = recording_memfd(bytes, len);
	const struct skt_damage *damage;
	struct skt_file *file;
	bool damaged;
	size_t n;

	assert_int_equal(skt_file_open(fd, "x.skt", 0, &file, NULL), 0);
	damage = skt_file_damage(file, &n);
	damaged = n != 0;
	assert_int_equal(damaged, skt_file_header(file)->facts_damaged);
	if (damaged) {
		assert_int_equal(n, 1);
		assert_true(damage->facts);
		assert_int_equal(damage->offset, 160);
		assert_int_equal(damage->length, len - 160);
		assert_int_equal(skt_file_header(file)->n_facts, 0);
		/* and the rest of the header is as it was */
		assert_int_equal(skt_file_header(file)->start, 1795356187123456789);
	}
	skt_file_free(file);
	assert_int_equal(skt_file_open(fd, "x.skt", SKT_OPEN_STRICT, &file, NULL), -EBADMSG);
	close(fd);
	return damaged;
}

static void with_any_bit_of_its_fixed_part_flipped_a_header_is_refused(void **state)
{
	struct skt_fact fact = { "host.name", "test" };
	struct skt_header header = some_header(&fact, 1);
	unsigned char *bytes;
	size_t len;

	(void)state;
	bytes = header_bytes(&header, &len);
	for (size_t i = 0; i < 8 * HEADER_FIXED_SIZE; i++) {
		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
		assert_true(open_bytes(bytes, len, "") < 0);
		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	free(bytes);
}

static void with_any_bit_of_its_facts_flipped_it_is_read_without_them(void **state)
{
	struct skt_fact fact = { "host.name", "test" };
	struct skt_header header = some_header(&fact, 1);
	unsigned char *bytes;
	size_t len;

	(void)state;
	bytes = header_bytes(&header, &len);
	assert_false(facts_are_told_as_damaged(bytes, len));
	for (size_t i = 8 * HEADER_FIXED_SIZE; i < 8 * len; i++) {
		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
		assert_true(facts_are_told_as_damaged(bytes, len));
		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	free(bytes);
}

/* Changed at an offset, with a checksum that is right. */
static int open_changed(size_t at, uint64_t value, int width, const char *words)
{
	struct skt_fact fact = { "host.name", "test" };
	struct skt_header header = some_header(&fact, 1);
	unsigned char *bytes;
	size_t len;
	int rc;

	bytes = header_bytes(&header, &len);
	put_le(bytes + at, value, width);
	mend_header(bytes, len);
	rc = open_bytes(bytes, len, words);
	free(bytes);
	return rc;
}

static void a_wrong_checksum_is_told(void **state)
{
	struct skt_header header = some_header(NULL, 0);
	unsigned char *bytes;
	size_t len;

	(void)state;
	bytes = header_bytes(&header, &len);
	bytes[50] ^= 1;
	assert_int_equal(open_bytes(bytes, len, "checksum"), -EBADMSG);
	free(bytes);
}

static void newer_versions_are_refused_or_read_as_they_ask(void **state)
{
	(void)state;
	assert_int_equal(open_changed(8, 2, 2, "format version 2, this program reads 1"), -EPROTONOSUPPORT);
	assert_int_equal(open_changed(8, 0, 2, "format version 0, this program reads 1"), -EPROTONOSUPPORT);
	assert_int_equal(open_changed(8, 0xffff, 2, "format version 65535"), -EPROTONOSUPPORT);
	/* even if what follows is laid out in another way */
	assert_int_equal(open_changed(10, 1, 2, ""), 0);
	assert_int_equal(open_changed(10, 0xffff, 2, ""), 0);
	for (int bit = 0; bit < 32; bit++) {
		char words[64];

		snprintf(words, sizeof(words), "needs features %#x", 1u << bit);
		assert_int_equal(open_changed(16, UINT64_C(1) << bit, 4, words), -EPROTONOSUPPORT);
		assert_int_equal(open_changed(20, UINT64_C(1) << bit, 4, ""), 0);
	}
	/* bytes that are reserved */
	for (size_t at = 86; at < 88; at++)
		assert_int_equal(open_changed(at, 0xff, 1, ""), 0);
	for (size_t at = 136; at < 156; at++)
		assert_int_equal(open_changed(at, 0xff, 1, ""), 0);
	/* other bits of the two that are flags */
	assert_int_equal(open_changed(84, 0xfe, 1, ""), 0);
	assert_int_equal(open_changed(85, 0xff, 1, ""), 0);
}

static void a_header_over_its_limits_is_refused(void **state)
{
	const uint64_t late = UINT64_C(1) << 62;

	(void)state;
	assert_int_equal(open_changed(12, SKT_HEADER_MAX + 1, 4, "1048577 bytes is not within 164 to 1048576"),
			 -EBADMSG);
	assert_int_equal(open_changed(12, UINT32_MAX, 4, "not within"), -EBADMSG);
	assert_int_equal(open_changed(12, 163, 4, "not within"), -EBADMSG);
	assert_int_equal(open_changed(12, 0, 4, "not within"), -EBADMSG);
	assert_int_equal(open_changed(12, SKT_HEADER_MAX, 4, "file ends inside the header"), -ENODATA);
	for (size_t at = 48; at <= 72; at += 8) {
		assert_int_equal(open_changed(at, late, 8, "out of range"), -EBADMSG);
		assert_int_equal(open_changed(at, UINT64_C(1) << 63, 8, "out of range"), -EBADMSG);
		assert_int_equal(open_changed(at, late - 1, 8, ""), 0);
	}
	assert_int_equal(open_changed(72, UINT64_MAX, 8, "out of range"), -EBADMSG);
	assert_int_equal(open_changed(88, 0, 8, "number out of range"), -EBADMSG);
	assert_int_equal(open_changed(88, UINT64_MAX, 8, ""), 0);
	assert_int_equal(open_changed(96, late + 1, 8, "number out of range"), -EBADMSG);
	assert_int_equal(open_changed(96, late, 8, ""), 0);
}

/* Changed at an offset, with checksums that are right: whether the facts are told as damaged. */
static bool damages_facts(size_t at, uint64_t value, int width)
{
	struct skt_fact fact = { "host.name", "test" };
	struct skt_header header = some_header(&fact, 1);
	unsigned char *bytes;
	bool damaged;
	size_t len;

	bytes = header_bytes(&header, &len);
	put_le(bytes + at, value, width);
	mend_header(bytes, len);
	damaged = facts_are_told_as_damaged(bytes, len);
	free(bytes);
	return damaged;
}

static void facts_that_do_not_fit_are_dropped(void **state)
{
	(void)state;
	/* name and value of "host.name" "test" stand from 166 on, 13 bytes */
	assert_true(damages_facts(160, 0xffff, 2));
	assert_true(damages_facts(162, UINT32_MAX, 4));
	assert_true(damages_facts(162, 5, 4));
	assert_true(damages_facts(162, 3, 4));
	assert_true(damages_facts(166, 0, 1));
	assert_true(damages_facts(178, 0, 1));
	assert_true(damages_facts(160, 8, 2));
	assert_false(damages_facts(166, 'H', 1));
}

static void a_header_that_could_not_be_read_is_not_written(void **state)
{
	char *huge = malloc(SKT_HEADER_MAX + 1);
	struct skt_fact fact = { "n", huge };
	struct skt_header header = some_header(&fact, 1);
	struct skt_buf out;

	(void)state;
	assert_non_null(huge);
	memset(huge, 'x', SKT_HEADER_MAX);
	huge[SKT_HEADER_MAX] = '\0';
	skt_buf_init(&out);
	assert_int_equal(header_put(&header, sync_mark, &out), -E2BIG);
	/* the longest that fits: 160 bytes in front, 6 for the lengths, 1 for the name, 4 for the checksum */
	huge[SKT_HEADER_MAX - 171] = '\0';
	assert_int_equal(header_put(&header, sync_mark, &out), 0);
	assert_int_equal(out.len, SKT_HEADER_MAX);
	assert_int_equal(open_bytes(out.data, out.len, ""), 0);
	/* a name's length has two bytes */
	huge[65536] = '\0';
	fact = (struct skt_fact){ huge, "v" };
	assert_int_equal(header_put(&header, sync_mark, &out), -E2BIG);
	skt_buf_release(&out);
	free(huge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fact_of_the_header_comes_back),
		cmocka_unit_test(the_header_stands_where_the_page_says),
		cmocka_unit_test(the_first_file_is_number_one_unless_the_caller_says_otherwise),
		cmocka_unit_test(what_is_no_recording_is_refused),
		cmocka_unit_test(a_directory_or_a_pipe_is_refused),
		cmocka_unit_test(a_header_cut_anywhere_is_refused),
		cmocka_unit_test(with_any_bit_of_its_fixed_part_flipped_a_header_is_refused),
		cmocka_unit_test(with_any_bit_of_its_facts_flipped_it_is_read_without_them),
		cmocka_unit_test(a_wrong_checksum_is_told),
		cmocka_unit_test(newer_versions_are_refused_or_read_as_they_ask),
		cmocka_unit_test(a_header_over_its_limits_is_refused),
		cmocka_unit_test(facts_that_do_not_fit_are_dropped),
		cmocka_unit_test(a_header_that_could_not_be_read_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
