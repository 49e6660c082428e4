/* SPDX-License-Identifier: MIT */
#include "recording.h"
#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

/* A writer that goes on in another file: nothing is lost between the two, and each can be read without the other. */

enum { EACH = 25 };

static const uint8_t random_bytes[24] = "recording of a test....";
static const uint8_t sync_mark[8] = "another";

/* A recording in one file, and the same snapshots added to a writer that is told to go on in another. */
struct pair {
	struct recording one;
	struct skt_writer *writer;
	struct skt_matcher *matcher;
	struct skt_snapshot now;
	struct skt_step step;
	struct random random;
	struct skt_snapshot *made; /* those that the writer was given: two chains may tell twins apart in two ways */
	uint64_t n;
	int first; /* descriptors */
	int second;
};

static void pair_begin(struct pair *pair, bool threaded)
{
	const struct skt_writer_options options = { .sync = SKT_SYNC_NONE, .threaded = threaded };
	struct skt_header header;

	memset(pair, 0, sizeof(*pair));
	pair->random.state = 5;
	recording_begin(&pair->one, 300 * SKT_NS_PER_MS);
	header = pair->one.header;
	header.file_number = 7;
	header.snapshots_before = 1000;
	pair->first = memfd_create("first", MFD_CLOEXEC);
	pair->second = memfd_create("second", MFD_CLOEXEC);
	assert_int_equal(
		skt_writer_open(dup(pair->first), "first.skt", &header, &options, random_bytes, &pair->writer, NULL),
		0);
	pair->matcher = skt_matcher_new(3);
	assert_int_equal(skt_snapshot_init(&pair->now, NULL, 5), 0);
	skt_step_init(&pair->step);
}

static void pair_release(struct pair *pair)
{
	for (uint64_t i = 0; i < pair->n; i++)
		skt_snapshot_release(&pair->made[i]);
	free(pair->made);
	skt_writer_free(pair->writer);
	skt_step_release(&pair->step);
	skt_snapshot_release(&pair->now);
	skt_matcher_free(pair->matcher);
	recording_release(&pair->one);
	close(pair->first);
	close(pair->second);
}

static int pair_add(struct pair *pair, unsigned n)
{
	struct random_world world = { .rows = 12 };
	int failed = 0;

	for (; n; n--) {
		struct skt_snapshot read;

		recording_random(&pair->one, &pair->random, &world, 300 * SKT_NS_PER_MS, &read);
		recording_add(&pair->one, &read);
		assert_int_equal(skt_match(pair->matcher, &pair->now, &read, !pair->n++, &pair->step), 0);
		assert_int_equal(skt_apply(&pair->now, &pair->step, NULL), 0);
		pair->made = realloc(pair->made, pair->n * sizeof(*pair->made));
		assert_non_null(pair->made);
		assert_int_equal(skt_snapshot_copy(&pair->now, &pair->made[pair->n - 1]), 0);
		if (skt_writer_add(pair->writer, &pair->now, &pair->step, NULL))
			failed++;
		skt_snapshot_release(&read);
	}
	return failed;
}

static struct skt_header next_header(const struct pair *pair)
{
	struct skt_header header = pair->one.header;

	header.start = pair->now.time + 1234567;
	return header;
}

/* Wait until it is known whether the writer has gone on. */
static int gone_on(struct pair *pair, uint8_t chain[SKT_CHAIN_SIZE], uint8_t file[SKT_CHAIN_SIZE], struct skt_err *err)
{
	for (int i = 0; i < 10000; i++) {
		int rc = skt_writer_rotated(pair->writer, chain, file, err);

		if (rc)
			return rc;
		usleep(1000);
	}
	fail_msg("never told");
	return 0;
}

/* All that stands in a file is what was made, from this one on, numbered from 1. */
static void expect_snapshots(const struct pair *pair, int fd, size_t from, size_t n)
{
	struct skt_cursor *cursor;
	struct skt_file *file;
	struct skt_step *step;
	char why[256];
	size_t seen = 0;

	assert_int_equal(skt_file_open(fd, "x.skt", 0, &file, NULL), 0);
	skt_file_damage(file, &seen);
	assert_int_equal(seen, 0);
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	for (; skt_cursor_next(cursor, &step, NULL) > 0; seen++) {
		struct skt_snapshot now = *skt_cursor_snapshot(cursor);

		assert_true(seen < n);
		assert_int_equal(now.number, seen + 1);
		now.number = from + seen + 1;
		if (!skt_snapshot_equal(&pair->made[from + seen], &now, why, sizeof(why)))
			fail_msg("#%zu: %s", seen + 1, why);
	}
	assert_int_equal(seen, n);
	skt_cursor_free(cursor);
	skt_file_free(file);
}

static void goes_on(bool threaded)
{
	uint8_t chain[SKT_CHAIN_SIZE], sha[SKT_CHAIN_SIZE];
	struct skt_verification verified;
	struct skt_header header;
	struct skt_file *file;
	struct pair pair;

	pair_begin(&pair, threaded);
	assert_int_equal(pair_add(&pair, EACH), 0);
	header = next_header(&pair);
	assert_int_equal(skt_writer_rotate(pair.writer, pair.second, "second.skt", &header, sync_mark, NULL), 0);
	/* nobody waits for it */
	assert_int_equal(pair_add(&pair, EACH), 0);
	assert_int_equal(gone_on(&pair, chain, sha, NULL), 1);
	assert_int_equal(skt_writer_rotated(pair.writer, chain, sha, NULL), 0);
	assert_int_equal(skt_writer_end(pair.writer, pair.now.time + SKT_NS_PER_S, NULL), 0);

	assert_int_equal(skt_verify(pair.first, "first.skt", NULL, &verified, NULL), 0);
	assert_int_equal(verified.verdict, SKT_WHOLE);
	assert_memory_equal(verified.chain, chain, sizeof(chain));
	assert_memory_equal(verified.file, sha, sizeof(sha));
	skt_verification_release(&verified);
	expect_snapshots(&pair, pair.first, 0, EACH);
	assert_int_equal(skt_file_open(pair.first, "first.skt", 0, &file, NULL), 0);
	assert_int_equal(skt_file_span(file).end, header.start);
	assert_int_equal(skt_file_header(file)->file_number, 7);
	skt_file_free(file);

	assert_int_equal(skt_verify(pair.second, "second.skt", NULL, &verified, NULL), 0);
	assert_int_equal(verified.verdict, SKT_WHOLE);
	skt_verification_release(&verified);
	expect_snapshots(&pair, pair.second, EACH, EACH);
	assert_int_equal(skt_file_open(pair.second, "second.skt", 0, &file, NULL), 0);
	assert_int_equal(skt_file_header(file)->file_number, 8);
	assert_int_equal(skt_file_header(file)->snapshots_before, 1000 + EACH);
	assert_memory_equal(skt_file_header(file)->chain_before, chain, sizeof(chain));
	assert_memory_equal(skt_file_header(file)->recording_id, random_bytes, 16);
	assert_string_equal(skt_header_fact(skt_file_header(file), "note"), "made by a test");
	skt_file_free(file);
	pair_release(&pair);
}

static void a_recording_goes_on_in_another_file(void **state)
{
	(void)state;
	goes_on(false);
	goes_on(true);
}

static void where_the_other_file_cannot_be_begun_it_goes_on_in_this_one(void **state)
{
	uint8_t chain[SKT_CHAIN_SIZE], sha[SKT_CHAIN_SIZE];
	struct skt_header header;
	struct skt_err err;
	struct pair pair;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	if (full < 0)
		skip();
	for (int threaded = 0; threaded < 2; threaded++) {
		pair_begin(&pair, threaded);
		assert_int_equal(pair_add(&pair, EACH), 0);
		header = next_header(&pair);
		assert_int_equal(skt_writer_rotate(pair.writer, full, "full.skt", &header, sync_mark, NULL), 0);
		skt_err_init(&err);
		assert_int_equal(gone_on(&pair, chain, sha, &err), -ENOSPC);
		assert_string_equal(err.path, "full.skt");
		assert_int_equal(pair_add(&pair, EACH), 0);
		/* the next one may go well */
		header = next_header(&pair);
		assert_int_equal(skt_writer_rotate(pair.writer, pair.second, "second.skt", &header, sync_mark, NULL),
				 0);
		assert_int_equal(gone_on(&pair, chain, sha, &err), 1);
		assert_int_equal(pair_add(&pair, EACH), 0);
		assert_int_equal(skt_writer_end(pair.writer, pair.now.time + SKT_NS_PER_S, NULL), 0);
		expect_snapshots(&pair, pair.first, 0, 2 * EACH);
		expect_snapshots(&pair, pair.second, 2 * EACH, EACH);
		pair_release(&pair);
	}
	close(full);
}

static void limit_size(uint64_t bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A file that has a gap to tell tells it, and only then is another begun. */
static void where_this_file_cannot_be_ended_it_goes_on_in_it(void **state)
{
	uint8_t chain[SKT_CHAIN_SIZE], sha[SKT_CHAIN_SIZE];
	const struct skt_damage *damage;
	struct skt_header header;
	struct skt_file *file;
	struct pair pair;
	uint64_t lost;
	size_t n;
	int failed;

	(void)state;
	pair_begin(&pair, false);
	assert_int_equal(pair_add(&pair, EACH), 0);
	limit_size(skt_writer_bytes(pair.writer) + 50);
	header = next_header(&pair);
	assert_int_equal(skt_writer_rotate(pair.writer, pair.second, "second.skt", &header, sync_mark, NULL), 0);
	assert_int_equal(gone_on(&pair, chain, sha, NULL), -EFBIG);
	limit_size(RLIM_INFINITY);
	failed = pair_add(&pair, EACH);
	assert_int_equal(ftruncate(pair.second, 0), 0);
	lseek(pair.second, 0, SEEK_SET);
	assert_int_equal(skt_writer_rotate(pair.writer, pair.second, "second.skt", &header, sync_mark, NULL), 0);
	assert_int_equal(gone_on(&pair, chain, sha, NULL), 1);
	assert_int_equal(pair_add(&pair, EACH), 0);
	assert_int_equal(skt_writer_end(pair.writer, pair.now.time + SKT_NS_PER_S, NULL), 0);
	expect_snapshots(&pair, pair.second, 2 * EACH, EACH);
	/* what was held back at that moment may be lost, and then it is told, in the file that it belongs to */
	lost = skt_writer_lost(pair.writer);
	assert_true(failed <= 1 && lost <= 4);
	assert_int_equal(skt_file_open(pair.first, "first.skt", SKT_OPEN_NO_INDEX, &file, NULL), 0);
	damage = skt_file_damage(file, &n);
	assert_int_equal(n, lost ? 1 : 0);
	assert_true(!n || (damage->gap && damage->snapshots == lost));
	assert_int_equal(skt_file_span(file).snapshots + lost, 2 * EACH);
	assert_true(skt_file_span(file).ended);
	skt_file_free(file);
	pair_release(&pair);
}

static void what_no_reader_would_take_is_refused(void **state)
{
	struct skt_header header;
	struct skt_err err;
	struct pair pair;

	(void)state;
	pair_begin(&pair, false);
	assert_int_equal(pair_add(&pair, 3), 0);
	header = next_header(&pair);
	header.start = INT64_MAX;
	skt_err_init(&err);
	assert_int_equal(skt_writer_rotate(pair.writer, pair.second, "second.skt", &header, sync_mark, &err), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_int_equal(pair_add(&pair, 3), 0);
	assert_int_equal(skt_writer_end(pair.writer, pair.now.time, NULL), 0);
	expect_snapshots(&pair, pair.first, 0, 6);
	pair_release(&pair);
}

/* --- marks --- */

static void marks_come_back_in_order(void **state)
{
	static const char *const texts[] = { "", "deploy \033[31m began", "an end\n", "" };
	struct skt_mark *marks;
	struct skt_file *file;
	struct pair pair;
	char longest[SKT_MARK_MAX + 2];
	size_t n;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[SKT_MARK_MAX + 1] = '\0';
	for (unsigned flags = 0; flags <= SKT_OPEN_NO_INDEX; flags++) {
		pair_begin(&pair, false);
		/* one before any snapshot, the others behind 10, 20 and 30 */
		for (int i = 0; i < 4; i++) {
			if (i)
				assert_int_equal(pair_add(&pair, 10), 0);
			assert_int_equal(skt_writer_mark(pair.writer, SCENE_TIME + i, texts[i], NULL), 0);
		}
		assert_int_equal(skt_writer_mark(pair.writer, SCENE_TIME, longest, NULL), -E2BIG);
		assert_int_equal(skt_writer_end(pair.writer, pair.now.time + SKT_NS_PER_S, NULL), 0);
		expect_snapshots(&pair, pair.first, 0, 30);
		assert_int_equal(skt_file_open(pair.first, "x.skt", flags, &file, NULL), 0);
		assert_int_equal(skt_file_marks(file, &marks, &n, NULL), 0);
		assert_int_equal(n, 4);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(marks[i].time, SCENE_TIME + (int64_t)i);
			assert_int_equal(marks[i].number, 10 * i);
			assert_string_equal(marks[i].text, texts[i]);
		}
		skt_marks_free(marks, n);
		skt_file_free(file);
		pair_release(&pair);
	}
}

/* A mark is not what leads on from a gap. */
static void a_mark_in_a_gap_leaves_the_gap_to_what_follows(void **state)
{
	const struct skt_damage *damage;
	struct skt_verification verified;
	struct skt_mark *marks;
	struct skt_file *file;
	struct pair pair;
	size_t n;

	(void)state;
	pair_begin(&pair, false);
	assert_int_equal(pair_add(&pair, EACH), 0);
	limit_size(skt_writer_bytes(pair.writer) + 50);
	/* recording one is cut short, too, which nobody looks at */
	assert_int_equal(skt_writer_mark(pair.writer, SCENE_TIME, "before", NULL), -EFBIG);
	limit_size(RLIM_INFINITY);
	assert_int_equal(skt_writer_mark(pair.writer, SCENE_TIME, "in it", NULL), 0);
	assert_int_equal(pair_add(&pair, EACH), 0);
	assert_int_equal(skt_writer_end(pair.writer, pair.now.time + SKT_NS_PER_S, NULL), 0);
	assert_int_equal(skt_verify(pair.first, "x.skt", NULL, &verified, NULL), 0);
	assert_int_equal(verified.verdict, SKT_WHOLE);
	skt_verification_release(&verified);
	assert_int_equal(skt_file_open(pair.first, "x.skt", SKT_OPEN_NO_INDEX, &file, NULL), 0);
	damage = skt_file_damage(file, &n);
	assert_true(n == 1 && damage->gap);
	assert_int_equal(skt_file_marks(file, &marks, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_string_equal(marks[0].text, "in it");
	skt_marks_free(marks, n);
	skt_file_free(file);
	pair_release(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recording_goes_on_in_another_file),
		cmocka_unit_test(where_the_other_file_cannot_be_begun_it_goes_on_in_this_one),
		cmocka_unit_test(where_this_file_cannot_be_ended_it_goes_on_in_it),
		cmocka_unit_test(what_no_reader_would_take_is_refused),
		cmocka_unit_test(marks_come_back_in_order),
		cmocka_unit_test(a_mark_in_a_gap_leaves_the_gap_to_what_follows),
	};

	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
