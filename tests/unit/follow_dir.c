/* SPDX-License-Identifier: MIT */
#include "recording.h"
#include "scene.h"

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

/*
 * Following a directory in which a recorder rotates. Its files are what the writer makes, with the header that a
 * recorder gives it.
 */

struct world {
	char dir[64];
	int fd;
	struct random random;
	struct recording now; /* that is being written */
	uint64_t number, before;
	uint8_t chain[SKT_CHAIN_SIZE];
	/* who follows it */
	struct skt_file *file;
	struct skt_cursor *cursor;
};

static void world_begin(struct world *world)
{
	memset(world, 0, sizeof(*world));
	snprintf(world->dir, sizeof(world->dir), "/tmp/follow_dir.XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	world->fd = open(world->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(world->fd >= 0);
	world->random.state = 9;
}

static void name_of(uint64_t number, char ret[32])
{
	snprintf(ret, 32, "%llu.skt", (unsigned long long)number);
}

/* Begin the next file; run is the first byte of its run's id. */
static void begin_file(struct world *world, uint8_t run)
{
	const struct skt_writer_options options = { .sync = SKT_SYNC_NONE };
	uint8_t bytes[24] = { run };
	char name[32];

	recording_begin(&world->now, SKT_NS_PER_S);
	skt_writer_free(world->now.writer);
	close(world->now.fd);
	name_of(++world->number, name);
	world->now.fd = openat(world->fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	world->now.header.file_number = world->number;
	world->now.header.snapshots_before = world->before;
	memcpy(world->now.header.chain_before, world->chain, sizeof(world->chain));
	assert_int_equal(
		skt_writer_open(world->now.fd, name, &world->now.header, &options, bytes, &world->now.writer, NULL), 0);
}

static void add(struct world *world, unsigned n)
{
	struct random_world rows = { .rows = 5 };

	for (; n; n--)
		recording_add_random(&world->now, &world->random, &rows, SKT_NS_PER_S);
}

/* Without an end, where the recorder is killed. */
static void end_file(struct world *world, bool end)
{
	uint8_t file[SKT_CHAIN_SIZE];

	if (end)
		recording_end(&world->now);
	skt_writer_chain(world->now.writer, world->chain, file);
	world->before += world->now.n;
	recording_release(&world->now);
}

static void world_release(struct world *world)
{
	char name[32];

	skt_cursor_free(world->cursor);
	skt_file_free(world->file);
	for (uint64_t i = 1; i <= world->number; i++) {
		name_of(i, name);
		unlinkat(world->fd, name, 0);
	}
	close(world->fd);
	rmdir(world->dir);
}

/* A file of so many snapshots. */
static void put_file(struct world *world, uint8_t run, unsigned n, bool end)
{
	begin_file(world, run);
	add(world, n);
	end_file(world, end);
}

static struct skt_cursor *follow(struct world *world)
{
	assert_int_equal(skt_file_open(world->fd, world->dir, 0, &world->file, NULL), 0);
	assert_int_equal(skt_cursor_new(world->file, &world->cursor, NULL), 0);
	skt_cursor_follow(world->cursor);
	return world->cursor;
}

static void expect_next(struct skt_cursor *cursor, uint64_t number, bool from_nothing)
{
	struct skt_step *step;

	assert_int_equal(skt_cursor_next(cursor, &step, NULL), 1);
	assert_int_equal(step->number, number);
	assert_int_equal(skt_cursor_snapshot(cursor)->number, number);
	assert_int_equal(step->from == INT64_MIN, from_nothing);
}

static void expect_code(struct skt_cursor *cursor, int code, const char *message)
{
	struct skt_step *step;
	struct skt_err err;

	skt_err_init(&err);
	assert_int_equal(skt_cursor_next(cursor, &step, &err), code);
	if (message)
		assert_non_null(strstr(err.message, message));
}

static void goes_on_in_the_file_that_comes(void **state)
{
	struct skt_cursor *cursor;
	struct world world;

	(void)state;
	world_begin(&world);
	put_file(&world, 1, 3, true);
	cursor = follow(&world);
	for (uint64_t i = 1; i <= 3; i++)
		expect_next(cursor, i, i == 1);
	expect_code(cursor, -EAGAIN, NULL);
	expect_code(cursor, -EAGAIN, NULL);
	for (unsigned rotation = 0; rotation < 2; rotation++) {
		begin_file(&world, 1);
		expect_code(cursor, -EAGAIN, NULL);
		add(&world, 2);
		end_file(&world, true);
		/* not from nothing: what changed is told as it is within a file */
		expect_next(cursor, 4 + 2 * rotation, false);
		expect_next(cursor, 5 + 2 * rotation, false);
		expect_code(cursor, -EAGAIN, NULL);
	}
	world_release(&world);
}

static void a_run_that_was_killed_is_left_when_another_begins(void **state)
{
	struct skt_cursor *cursor;
	struct skt_step *step;
	struct world world;
	int rc;

	(void)state;
	world_begin(&world);
	put_file(&world, 1, 10, false);
	cursor = follow(&world);
	/* what was not written yet when it was killed is lost */
	while ((rc = skt_cursor_next(cursor, &step, NULL)) > 0)
		;
	assert_int_equal(rc, -EAGAIN);
	assert_true(skt_cursor_snapshot(cursor)->number >= 8);
	put_file(&world, 2, 1, true);
	expect_code(cursor, -ERESTART, "the recorder was started again here");
	expect_next(cursor, 11, true);
	world_release(&world);
}

/* It says which chain value the end of the file before would have had; there is no such end, and nothing is in it. */
static void a_file_that_was_only_begun_is_not_gone_on_in(void **state)
{
	uint8_t chain[SKT_CHAIN_SIZE];
	struct skt_cursor *cursor;
	struct skt_step *step;
	struct world world;
	int rc;

	(void)state;
	world_begin(&world);
	put_file(&world, 1, 10, false);
	memcpy(chain, world.chain, sizeof(chain));
	world.chain[0] ^= 1;
	begin_file(&world, 1);
	recording_release(&world.now);
	cursor = follow(&world);
	assert_int_equal(skt_file_span(world.file).files, 1);
	while ((rc = skt_cursor_next(cursor, &step, NULL)) > 0)
		;
	assert_int_equal(rc, -EAGAIN);
	expect_code(cursor, -EAGAIN, NULL);
	/* the next recorder removes it, and takes its number */
	unlinkat(world.fd, "2.skt", 0);
	world.number--;
	memcpy(world.chain, chain, sizeof(chain));
	put_file(&world, 2, 1, true);
	expect_code(cursor, -ERESTART, "the recorder was started again here");
	expect_next(cursor, 11, true);
	world_release(&world);
}

static void files_dropped_before_they_were_read_are_told_as_lost(void **state)
{
	struct skt_cursor *cursor;
	struct world world;

	(void)state;
	world_begin(&world);
	for (unsigned i = 0; i < 3; i++)
		put_file(&world, 1, 2, true);
	cursor = follow(&world);
	expect_next(cursor, 1, true);
	/* the file at hand is open, and read to its end; the next one is not */
	unlinkat(world.fd, "1.skt", 0);
	unlinkat(world.fd, "2.skt", 0);
	expect_next(cursor, 2, false);
	expect_code(cursor, -ESTALE, "file was dropped while it was read; snapshots #3 to #4 are lost");
	expect_next(cursor, 5, true);
	expect_next(cursor, 6, false);
	/* and so are those that came and went unseen */
	for (unsigned i = 0; i < 2; i++)
		put_file(&world, 1, 2, true);
	unlinkat(world.fd, "4.skt", 0);
	expect_code(cursor, -ENODATA, "snapshots #7 to #8 are lost");
	expect_next(cursor, 9, true);
	expect_next(cursor, 10, false);
	expect_code(cursor, -EAGAIN, NULL);
	world_release(&world);
}

static void another_file_of_the_same_name_is_not_taken_for_it(void **state)
{
	struct skt_cursor *cursor;
	struct world world;

	(void)state;
	world_begin(&world);
	for (unsigned i = 0; i < 2; i++)
		put_file(&world, 1, 2, true);
	cursor = follow(&world);
	renameat(world.fd, "1.skt", world.fd, "2.skt");
	expect_code(cursor, -ESTALE, "file was dropped");
	expect_code(cursor, -ESTALE, "another file is there now");
	world_release(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_in_the_file_that_comes),
		cmocka_unit_test(a_run_that_was_killed_is_left_when_another_begins),
		cmocka_unit_test(a_file_that_was_only_begun_is_not_gone_on_in),
		cmocka_unit_test(files_dropped_before_they_were_read_are_told_as_lost),
		cmocka_unit_test(another_file_of_the_same_name_is_not_taken_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
