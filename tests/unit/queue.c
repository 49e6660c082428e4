/* SPDX-License-Identifier: MIT */
#include "recording.h"
#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * A writer with a thread: it waits for nobody, writes what one without a thread writes, and tells what it could not
 * keep.
 */

static const uint8_t random_bytes[24] = "recording of a test....";

enum { SNAPSHOTS_MOST = 600 };

/* A recording that is made of random snapshots, one each 100 ms: its blocks have ten. */
struct maker {
	struct recording recording; /* the same, written without a thread to a file of its own */
	/*
	 * What was handed to the writer: where a gap moves a group's border, matching starts anew elsewhere than there.
	 */
	struct skt_snapshot made[SNAPSHOTS_MOST];
	struct skt_writer *writer;
	struct skt_matcher *matcher;
	struct skt_snapshot now;
	struct skt_step step;
	struct random random;
	struct random_world world;
	uint64_t n;
	int errors[8]; /* that were returned, the first ones */
	int n_errors;
};

enum { INTERVAL = 100 * SKT_NS_PER_MS };

static void maker_begin(struct maker *maker, int fd, size_t queue_bytes, size_t queue_blocks)
{
	const struct skt_writer_options options = {
		.sync = SKT_SYNC_NONE, .threaded = true, .queue_bytes = queue_bytes, .queue_blocks = queue_blocks
	};

	memset(maker, 0, sizeof(*maker));
	maker->random.state = 11;
	maker->world.rows = 20;
	recording_begin(&maker->recording, INTERVAL);
	assert_int_equal(skt_writer_open(fd, RECORDING_NAME, &maker->recording.header, &options, random_bytes,
					 &maker->writer, NULL),
			 0);
	maker->matcher = skt_matcher_new(3);
	assert_int_equal(skt_snapshot_init(&maker->now, NULL, 5), 0);
	skt_step_init(&maker->step);
}

static void maker_release(struct maker *maker)
{
	for (uint64_t i = 0; i < maker->n; i++)
		skt_snapshot_release(&maker->made[i]);
	skt_writer_free(maker->writer);
	skt_step_release(&maker->step);
	skt_snapshot_release(&maker->now);
	skt_matcher_free(maker->matcher);
	recording_release(&maker->recording);
}

static void note(struct maker *maker, int rc)
{
	if (rc && maker->n_errors < 8)
		maker->errors[maker->n_errors++] = rc;
}

static void maker_add(struct maker *maker)
{
	struct skt_snapshot read;

	recording_random(&maker->recording, &maker->random, &maker->world, INTERVAL, &read);
	recording_add(&maker->recording, &read);
	assert_true(maker->n < SNAPSHOTS_MOST);
	assert_int_equal(skt_match(maker->matcher, &maker->now, &read, !maker->n, &maker->step), 0);
	assert_int_equal(skt_apply(&maker->now, &maker->step, NULL), 0);
	assert_int_equal(skt_snapshot_copy(&maker->now, &maker->made[maker->n++]), 0);
	note(maker, skt_writer_add(maker->writer, &maker->now, &maker->step, NULL));
	skt_snapshot_release(&read);
}

static void maker_end(struct maker *maker)
{
	recording_end(&maker->recording);
	note(maker, skt_writer_end(maker->writer, maker->now.time + INTERVAL, NULL));
}

/* What is in a file: everything that can be read of it is what was made. */
struct contents {
	uint64_t n;
	uint64_t told; /* in gaps */
	bool ended;
};

static struct contents read_contents(const struct maker *maker, int fd)
{
	struct contents contents = { 0 };
	const struct skt_damage *damage;
	struct skt_cursor *cursor;
	struct skt_file *file;
	struct skt_step *step;
	char why[256];
	size_t n;
	int rc;

	assert_int_equal(skt_file_open(fd, RECORDING_NAME, SKT_OPEN_NO_INDEX, &file, NULL), 0);
	contents.ended = skt_file_span(file).ended;
	damage = skt_file_damage(file, &n);
	for (size_t i = 0; i < n; i++) {
		assert_true(damage[i].gap);
		contents.told += damage[i].snapshots;
	}
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	while ((rc = skt_cursor_next(cursor, &step, NULL))) {
		const struct skt_snapshot *now = skt_cursor_snapshot(cursor);

		if (rc < 0)
			continue;
		contents.n++;
		if (!skt_snapshot_equal(&maker->made[now->number - 1], now, why, sizeof(why)))
			fail_msg("#%llu: %s", (unsigned long long)now->number, why);
	}
	skt_cursor_free(cursor);
	skt_file_free(file);
	return contents;
}

static void a_thread_keeps_every_snapshot(void **state)
{
	struct contents contents;
	struct maker maker;
	int fd = memfd_create("x", MFD_CLOEXEC);

	(void)state;
	maker_begin(&maker, fd, 0, 0);
	for (int i = 0; i < 300; i++)
		maker_add(&maker);
	maker_end(&maker);
	contents = read_contents(&maker, fd);
	assert_int_equal(maker.n_errors, 0);
	for (int i = 0; i < 300; i++)
		assert_true(skt_snapshot_equal(&maker.recording.made[i].snapshot, &maker.made[i], NULL, 0));
	assert_int_equal(contents.n, 300);
	assert_int_equal(contents.told, 0);
	assert_true(contents.ended);
	maker_release(&maker);
	close(fd);
}

/* All of a pipe, into a file of which the bytes are to be read. */
static int drain(int pipe)
{
	int fd = memfd_create("drained", MFD_CLOEXEC);
	char bytes[4096];
	ssize_t got;

	while ((got = read(pipe, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(fd, bytes, (size_t)got), got);
	return fd;
}

struct reader {
	pthread_t thread;
	int pipe;
	int fd;
};

static void *run_reader(void *data)
{
	struct reader *reader = data;

	reader->fd = drain(reader->pipe);
	return NULL;
}

/* Nobody reads the pipe while 600 snapshots are added; only then does somebody begin to. */
static struct contents through_a_full_pipe(struct maker *maker, size_t queue_bytes, size_t queue_blocks)
{
	struct contents contents;
	struct reader reader;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
	maker_begin(maker, ends[1], queue_bytes, queue_blocks);
	/* were anybody to wait, this would not end */
	alarm(100);
	for (int i = 0; i < 600; i++)
		maker_add(maker);
	reader.pipe = ends[0];
	assert_int_equal(pthread_create(&reader.thread, NULL, run_reader, &reader), 0);
	maker_end(maker);
	alarm(0);
	close(ends[1]);
	pthread_join(reader.thread, NULL);
	contents = read_contents(maker, reader.fd);
	assert_true(contents.ended);
	close(reader.fd);
	close(ends[0]);
	return contents;
}

static void a_pipe_that_nobody_reads_makes_nobody_wait(void **state)
{
	struct contents contents;
	struct maker maker;

	(void)state;
	contents = through_a_full_pipe(&maker, 0, 0);
	assert_int_equal(maker.n_errors, 0);
	assert_int_equal(contents.n, 600);
	assert_int_equal(contents.told, 0);
	maker_release(&maker);
}

static void expect_gap(struct maker *maker, const struct contents *contents)
{
	assert_true(maker->n_errors > 0);
	for (int i = 0; i < maker->n_errors; i++)
		assert_int_equal(maker->errors[i], -ENOBUFS);
	assert_in_range(contents->n, 10, 500);
	assert_int_equal(contents->n + contents->told, 600);
	assert_int_equal(skt_writer_lost(maker->writer), contents->told);
}

static void a_queue_without_room_tells_a_gap(void **state)
{
	struct contents contents;
	struct maker maker;

	(void)state;
	contents = through_a_full_pipe(&maker, 65536, 0);
	expect_gap(&maker, &contents);
	maker_release(&maker);
	contents = through_a_full_pipe(&maker, 0, 4);
	expect_gap(&maker, &contents);
	maker_release(&maker);
}

/* Not even one fits, and that one is let in: a recording of nothing but gaps helps nobody. */
static void a_block_that_is_larger_than_the_queue_is_written(void **state)
{
	struct contents contents;
	struct maker maker;
	int fd = memfd_create("x", MFD_CLOEXEC);

	(void)state;
	maker_begin(&maker, fd, 1, 0);
	for (int i = 0; i < 30; i++)
		maker_add(&maker);
	maker_end(&maker);
	contents = read_contents(&maker, fd);
	assert_true(contents.n >= 1);
	assert_int_equal(contents.n + contents.told, 30);
	maker_release(&maker);
	close(fd);
}

static void a_pipe_without_a_reader_is_told(void **state)
{
	struct maker maker;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	maker_begin(&maker, ends[1], 0, 0);
	close(ends[0]);
	for (int i = 0; i < 30; i++)
		maker_add(&maker);
	maker_end(&maker);
	assert_true(maker.n_errors > 0);
	assert_int_equal(maker.errors[0], -EPIPE);
	maker_release(&maker);
	close(ends[1]);
}

static void a_writer_can_be_dropped_with_what_waits(void **state)
{
	struct maker maker;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
	maker_begin(&maker, ends[1], 0, 0);
	for (int i = 0; i < 200; i++)
		maker_add(&maker);
	/* the one that is being written cannot be given up */
	close(ends[0]);
	alarm(100);
	maker_release(&maker);
	alarm(0);
	close(ends[1]);
}

/* It would end the program in the place of a thread that waits for it. */
static void the_thread_takes_no_signal(void **state)
{
	sigset_t set, before;
	struct timespec second = { .tv_sec = 1 };
	struct maker maker;
	int fd = memfd_create("x", MFD_CLOEXEC);

	(void)state;
	maker_begin(&maker, fd, 0, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	assert_int_equal(kill(getpid(), SIGUSR2), 0);
	assert_int_equal(sigtimedwait(&set, NULL, &second), SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	maker_add(&maker);
	maker_end(&maker);
	maker_release(&maker);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_keeps_every_snapshot),
		cmocka_unit_test(a_pipe_that_nobody_reads_makes_nobody_wait),
		cmocka_unit_test(a_queue_without_room_tells_a_gap),
		cmocka_unit_test(a_block_that_is_larger_than_the_queue_is_written),
		cmocka_unit_test(a_pipe_without_a_reader_is_told),
		cmocka_unit_test(a_writer_can_be_dropped_with_what_waits),
		cmocka_unit_test(the_thread_takes_no_signal),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
