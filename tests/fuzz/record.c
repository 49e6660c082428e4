/* SPDX-License-Identifier: MIT */
/*
 * A whole recording: opened with and without its index, walked, sought in, asked for keys and marks, verified.
 * recording.h mutates it.
 */
#include "record/file.h"

#include "recording.h"
#include "scene.c" /* targets link nothing but the library */
#include "taken.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static bool is_an_answer(int rc)
{
	return rc == 0 || rc == -EBADMSG || rc == -EILSEQ || rc == -E2BIG || rc == -ENOMEM || rc == -ENODATA ||
	       rc == -EPROTONOSUPPORT || rc == -ERANGE;
}

static void walk(struct skt_file *file, unsigned want)
{
	struct skt_cursor *cursor;
	struct skt_step *step;
	uint64_t calls = 0;
	int rc;

	check(!skt_cursor_new(file, &cursor, NULL), "memory");
	skt_cursor_want(cursor, want);
	do {
		struct skt_err err;
		char why[256] = "";

		skt_err_init(&err);
		rc = skt_cursor_next(cursor, &step, &err);
		check(rc == 1 || (is_an_answer(rc) && rc == err.code), "an answer that is none");
		if (rc == 1 && want == SKT_WANT_ALL)
			check(scene_is_whole(skt_cursor_snapshot(cursor), why, sizeof(why)), why);
		if (rc == 1)
			taken();
		/* every answer uses up a block or a step, and each has bytes of its own */
		check(calls++ <= file->size, "no end");
	} while (rc);
	skt_cursor_free(cursor);
}

static void seek(struct skt_file *file)
{
	struct skt_span span = skt_file_span(file);
	const struct skt_time times[] = {
		{ .kind = SKT_TIME_FIRST },
		{ .kind = SKT_TIME_LAST },
		{ .kind = SKT_TIME_NUMBER, .number = span.number / 2 },
		{ .kind = SKT_TIME_NUMBER, .number = UINT64_MAX },
		{ .kind = SKT_TIME_INSTANT, .ns = span.first + (span.last / 2 - span.first / 2) },
		{ .kind = SKT_TIME_INSTANT, .ns = span.end },
		{ .kind = SKT_TIME_BEFORE_LAST, .ns = SKT_NS_PER_S },
		{ .kind = SKT_TIME_INSTANT, .ns = INT64_MIN },
	};
	struct skt_cursor *cursor;

	check(!skt_cursor_new(file, &cursor, NULL), "memory");
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		struct skt_step *step;
		int64_t when;
		int rc = skt_cursor_seek(cursor, &times[i], SKT_ZONE_UTC, &when, NULL);

		check(is_an_answer(rc), "an answer that is none");
		check(rc || skt_cursor_snapshot(cursor), "nothing is there");
		rc = skt_cursor_next(cursor, &step, NULL);
		check(rc == 1 || is_an_answer(rc), "an answer that is none");
	}
	skt_cursor_free(cursor);
}

/* Groups that are chosen by a key, walked, and what is said of those that are not. */
static void choose(struct skt_file *file, const struct skt_key *key)
{
	struct skt_question question = { .keys = key, .n_keys = 1, .from = INT64_MIN, .to = INT64_MAX };
	struct skt_choice choice;
	struct skt_cursor *cursor;
	struct skt_step *step;
	struct skt_left left;
	uint64_t calls = 0;

	check(!skt_file_find(file, &question, &choice, NULL), "memory");
	check(!skt_cursor_new(file, &cursor, NULL), "memory");
	check(choice.n_chosen <= choice.n_groups, "more groups than there are");
	left = skt_choice_left(&choice, UINT32_MAX);
	check(left.blind_after <= left.blind_until, "an interval that ends before it begins");
	skt_cursor_choose(cursor, &choice);
	while (skt_cursor_next(cursor, &step, NULL)) {
		struct skt_skipped skipped = skt_cursor_skipped(cursor);

		check(!skipped.snapshots || skipped.number_last - skipped.number_first >= skipped.snapshots - 1,
		      "more snapshots than have numbers");
		check(calls++ <= file->size, "no end");
	}
	skt_choice_widen(&choice, file, 2, 1, false);
	skt_cursor_free(cursor);
	skt_choice_release(&choice);
}

static void ask(struct skt_file *file)
{
	struct skt_mark *marks;
	struct skt_key key;
	size_t n;
	int rc = skt_file_marks(file, &marks, &n, NULL);

	check(rc == 1 || is_an_answer(rc), "an answer that is none");
	if (rc >= 0)
		skt_marks_free(marks, n);
	skt_key_of_port(443, true, &key);
	choose(file, &key);
	skt_key_of_comm("nobody", 6, &key);
	choose(file, &key);
}

static void verify(int fd)
{
	struct skt_verification verification;
	int rc = skt_verify(fd, "x", NULL, &verification, NULL);

	check(is_an_answer(rc), "an answer that is none");
	if (rc)
		return;
	check(verification.verdict != SKT_DAMAGED || verification.n_damage, "damage nowhere");
	skt_verification_release(&verification);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct skt_file *file;
	struct skt_err err;
	int rc;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	for (unsigned flags = 0; flags <= SKT_OPEN_NO_INDEX; flags++) {
		skt_err_init(&err);
		rc = skt_file_open(fd, "x", flags, &file, &err);
		check(is_an_answer(rc) && rc == err.code, "an answer that is none");
		if (rc)
			return 0;
		walk(file, SKT_WANT_ALL);
		if (!flags) {
			walk(file, SKT_WANT_IDENTITY);
			walk(file, SKT_WANT_STATE);
			seek(file);
			ask(file);
		}
		skt_file_free(file);
	}
	verify(fd);
	return 0;
}
