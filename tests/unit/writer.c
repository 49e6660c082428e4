/* SPDX-License-Identifier: MIT */
#include "recording.h"
#include "sanitized.h"
#include "scene.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Writes that fail: what was written before stays readable, what is lost is told, and the file is otherwise left alone.
 */

enum { SNAPSHOTS = 16 };

/* Snapshots to be recorded, with the step that leads to each: as sockrec has them. */
struct session {
	struct skt_snapshot reads[SNAPSHOTS]; /* as captured */
	struct skt_snapshot made[SNAPSHOTS];  /* as they are in force */
};

static struct session session;
static struct skt_header header = { .start = SCENE_TIME, .interval = 20 * SKT_NS_PER_S };
static const struct skt_writer_options options = { .sync = SKT_SYNC_NONE };
static const uint8_t random_bytes[24] = "twenty-four random bytes";

/* Groups of three. */
static int set_up(void **state)
{
	struct random random = { .state = 33 };
	struct random_world world = { .rows = 3 };
	struct recording recording;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	recording_begin(&recording, header.interval);
	for (size_t i = 0; i < SNAPSHOTS; i++) {
		recording_random(&recording, &random, &world, header.interval, &session.reads[i]);
		recording_add(&recording, &session.reads[i]);
		assert_int_equal(skt_snapshot_copy(&recording.made[i].snapshot, &session.made[i]), 0);
	}
	recording_release(&recording);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < SNAPSHOTS; i++) {
		skt_snapshot_release(&session.reads[i]);
		skt_snapshot_release(&session.made[i]);
	}
	return 0;
}

static void limit_size(uint64_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int new_file(void)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/writer-XXXXXX", dir ? dir : "/tmp");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(fchmod(fd, 0604), 0);
	return fd;
}

/* A recorder at work. */
struct recorder {
	struct skt_writer *writer;
	struct skt_matcher *matcher;
	struct skt_snapshot now;
	struct skt_step step;
	size_t n;
};

static int recorder_begin(struct recorder *recorder, int fd, struct skt_err *err)
{
	memset(recorder, 0, sizeof(*recorder));
	recorder->matcher = skt_matcher_new(1);
	skt_step_init(&recorder->step);
	assert_int_equal(skt_snapshot_init(&recorder->now, NULL, 1), 0);
	return skt_writer_open(fd, "out.skt", &header, &options, random_bytes, &recorder->writer, err);
}

static void recorder_release(struct recorder *recorder)
{
	skt_writer_free(recorder->writer);
	skt_matcher_free(recorder->matcher);
	skt_snapshot_release(&recorder->now);
	skt_step_release(&recorder->step);
}

static int recorder_take(struct recorder *recorder, struct skt_snapshot *read, struct skt_err *err)
{
	read->number = ++recorder->n;
	assert_int_equal(skt_match(recorder->matcher, &recorder->now, read, recorder->n == 1, &recorder->step), 0);
	assert_int_equal(skt_apply(&recorder->now, &recorder->step, NULL), 0);
	return skt_writer_add(recorder->writer, &recorder->now, &recorder->step, err);
}

static int recorder_add(struct recorder *recorder, struct skt_err *err)
{
	return recorder_take(recorder, &session.reads[recorder->n], err);
}

static int recorder_end(struct recorder *recorder, struct skt_err *err)
{
	return skt_writer_end(recorder->writer, recorder->now.time + header.interval, err);
}

/* Which snapshots can be read from a file, each of them as it was; and what was told of the others. */
struct contents {
	bool has[SNAPSHOTS + 1];
	unsigned n;
	unsigned told;
	bool torn;
	bool ended;
};

static void read_damage(const struct skt_file *file, struct contents *contents)
{
	size_t n;
	const struct skt_damage *damage = skt_file_damage(file, &n);

	for (size_t i = 0; i < n; i++) {
		contents->told += (unsigned)damage[i].snapshots;
		contents->torn |= damage[i].torn;
	}
}

static struct contents read_contents(int fd)
{
	struct contents contents = { .n = 0 };
	struct skt_cursor *cursor;
	struct skt_file *file;
	struct skt_step *step;
	int rc;

	assert_int_equal(skt_file_open(fd, "out.skt", SKT_OPEN_NO_INDEX, &file, NULL), 0);
	read_damage(file, &contents);
	contents.ended = skt_file_span(file).ended;
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	while ((rc = skt_cursor_next(cursor, &step, NULL))) {
		char why[256];

		if (rc < 0)
			continue;
		assert_in_range(step->number, 1, SNAPSHOTS);
		if (!skt_snapshot_equal(&session.made[step->number - 1], skt_cursor_snapshot(cursor), why, sizeof(why)))
			fail_msg("#%llu: %s", (unsigned long long)step->number, why);
		assert_false(contents.has[step->number]);
		contents.has[step->number] = true;
		contents.n++;
	}
	skt_cursor_free(cursor);
	skt_file_free(file);
	return contents;
}

static enum skt_verdict verdict(int fd)
{
	struct skt_verification verification;
	enum skt_verdict is;

	assert_int_equal(skt_verify(fd, "out.skt", NULL, &verification, NULL), 0);
	is = verification.verdict;
	skt_verification_release(&verification);
	return is;
}

static uint64_t size_of(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return (uint64_t)status.st_size;
}

/* How long the file becomes when nothing fails. */
static uint64_t whole_size(void)
{
	struct recorder recorder;
	int fd = new_file();
	uint64_t size;

	assert_int_equal(recorder_begin(&recorder, fd, NULL), 0);
	while (recorder.n < SNAPSHOTS)
		assert_int_equal(recorder_add(&recorder, NULL), 0);
	assert_int_equal(recorder_end(&recorder, NULL), 0);
	size = size_of(fd);
	assert_int_equal(size, skt_writer_bytes(recorder.writer));
	assert_int_equal(skt_writer_lost(recorder.writer), 0);
	recorder_release(&recorder);
	assert_int_equal(read_contents(fd).n, SNAPSHOTS);
	assert_int_equal(verdict(fd), SKT_WHOLE);
	close(fd);
	return size;
}

/* --- a disk that is full, for good --- */

static void fill_disk(uint64_t limit)
{
	struct recorder recorder;
	struct contents contents;
	struct skt_err err;
	unsigned failed = 0;
	int fd = new_file();

	skt_err_init(&err);
	limit_size(limit);
	if (recorder_begin(&recorder, fd, &err)) {
		limit_size(UINT64_MAX);
		assert_int_equal(err.code, -EFBIG);
		/* nothing of a header, rather than half of it */
		assert_int_equal(size_of(fd), 0);
		recorder_release(&recorder);
		close(fd);
		return;
	}
	while (recorder.n < SNAPSHOTS) {
		uint64_t bytes = skt_writer_bytes(recorder.writer);
		int rc;

		skt_err_init(&err);
		rc = recorder_add(&recorder, &err);
		failed += rc != 0;
		assert_int_equal(err.code, rc);
		if (!rc)
			continue;
		assert_int_equal(rc, -EFBIG);
		assert_string_equal(err.path, "out.skt");
		assert_true(err.position >= (int64_t)bytes && strstr(err.message, "cannot write"));
	}
	(void)recorder_end(&recorder, NULL);
	limit_size(UINT64_MAX);
	/* no half of a block is left behind */
	assert_int_equal(size_of(fd), skt_writer_bytes(recorder.writer));
	assert_true(size_of(fd) <= limit);
	contents = read_contents(fd);
	assert_false(contents.torn);
	assert_true(failed == 0 || contents.n < SNAPSHOTS);
	assert_true(contents.n + skt_writer_lost(recorder.writer) >= SNAPSHOTS);
	/* those that are there are the first ones, or stand after a gap that is told */
	for (unsigned i = 1, hole = 0; i <= SNAPSHOTS; i++) {
		hole |= !contents.has[i];
		assert_true(!hole || !contents.has[i] || contents.told);
	}
	recorder_release(&recorder);
	close(fd);
}

static void a_full_disk_at_any_byte_leaves_what_was_before_it(void **state)
{
	uint64_t size = whole_size();

	(void)state;
	for (uint64_t limit = 0; limit < size; limit += (limit < 400 ? 1 : 17) * (SANITIZED ? 5 : 1))
		fill_disk(limit);
}

static void a_device_that_takes_nothing_is_told(void **state)
{
	int fd = open("/dev/full", O_WRONLY);
	struct recorder recorder;
	struct skt_err err;

	(void)state;
	if (fd < 0)
		skip();
	skt_err_init(&err);
	assert_int_equal(recorder_begin(&recorder, fd, &err), -ENOSPC);
	assert_int_equal(err.code, -ENOSPC);
	assert_string_equal(err.path, "out.skt");
	recorder_release(&recorder);
	close(fd);
}

static void what_cannot_be_written_to_is_told(void **state)
{
	int fd = open("/dev/null", O_RDONLY);
	struct recorder recorder;
	struct skt_err err;

	(void)state;
	skt_err_init(&err);
	assert_int_equal(recorder_begin(&recorder, fd, &err), -EBADF);
	assert_true(strstr(err.message, "cannot write") != NULL);
	recorder_release(&recorder);
	close(fd);
}

/* --- a disk that is full for a while --- */

static void a_gap_is_told_once_writing_works_again(void **state)
{
	(void)state;
	for (size_t from = 1; from < SNAPSHOTS; from++)
		for (size_t n = 1; n <= 4 && from + n <= SNAPSHOTS; n++) {
			struct recorder recorder;
			struct contents contents;
			int fd = new_file();

			assert_int_equal(recorder_begin(&recorder, fd, NULL), 0);
			while (recorder.n < SNAPSHOTS) {
				bool full = recorder.n >= from && recorder.n < from + n;

				limit_size(full ? skt_writer_bytes(recorder.writer) + 30 : UINT64_MAX);
				assert_int_equal(recorder_add(&recorder, NULL), full ? -EFBIG : 0);
			}
			limit_size(UINT64_MAX);
			assert_int_equal(recorder_end(&recorder, NULL), 0);
			assert_int_equal(skt_writer_lost(recorder.writer), n);
			contents = read_contents(fd);
			assert_int_equal(contents.n, SNAPSHOTS - n);
			assert_int_equal(contents.told, n);
			assert_true(contents.ended);
			for (size_t i = 1; i <= SNAPSHOTS; i++)
				assert_int_equal(contents.has[i], i <= from || i > from + n);
			recorder_release(&recorder);
			close(fd);
		}
}

/* In a gap nothing is in force; the neighbours are named. */
static void in_a_gap_nothing_is_in_force(void **state)
{
	struct skt_time time = { .kind = SKT_TIME_INSTANT };
	struct skt_cursor *cursor;
	struct recorder recorder;
	struct skt_file *file;
	struct skt_err err;
	int fd = new_file();
	int64_t when;

	(void)state;
	assert_int_equal(recorder_begin(&recorder, fd, NULL), 0);
	while (recorder.n < 8) {
		limit_size(recorder.n >= 4 && recorder.n < 6 ? skt_writer_bytes(recorder.writer) : UINT64_MAX);
		recorder_add(&recorder, NULL);
	}
	limit_size(UINT64_MAX);
	assert_int_equal(recorder_end(&recorder, NULL), 0);
	assert_int_equal(skt_file_open(fd, "out.skt", 0, &file, NULL), 0);
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	/* #4 is in force for an interval, #5 and #6 are lost */
	time.ns = session.made[3].time + 1;
	assert_int_equal(skt_cursor_seek(cursor, &time, SKT_ZONE_UTC, &when, NULL), 0);
	assert_int_equal(skt_cursor_snapshot(cursor)->number, 4);
	time.ns = session.made[5].time + 1;
	skt_err_init(&err);
	assert_int_equal(skt_cursor_seek(cursor, &time, SKT_ZONE_UTC, &when, &err), -ERANGE);
	assert_true(strstr(err.message, "gap") && strstr(err.message, "#4"));
	time = (struct skt_time){ .kind = SKT_TIME_NUMBER, .number = 6 };
	assert_int_equal(skt_cursor_seek(cursor, &time, SKT_ZONE_UTC, &when, &err), -ERANGE);
	assert_true(strstr(err.message, "#4") && strstr(err.message, "#7"));
	time.number = 7;
	assert_int_equal(skt_cursor_seek(cursor, &time, SKT_ZONE_UTC, &when, &err), 0);
	assert_int_equal(skt_cursor_snapshot(cursor)->number, 7);
	skt_cursor_free(cursor);
	skt_file_free(file);
	recorder_release(&recorder);
	close(fd);
}

/* A disk that is full now and then, in any way: what is not there was told. */
static void what_is_lost_is_told_however_often_writes_fail(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= (SANITIZED ? 60 : 300); seed++) {
		struct random random = { .state = seed };
		struct recorder recorder;
		struct contents contents;
		int fd = new_file();

		assert_int_equal(recorder_begin(&recorder, fd, NULL), 0);
		while (recorder.n < SNAPSHOTS) {
			uint64_t room = random_one_in(&random, 2) ? random_below(&random, 900) : 1u << 20;

			limit_size(skt_writer_bytes(recorder.writer) + room);
			recorder_add(&recorder, NULL);
		}
		limit_size(UINT64_MAX);
		assert_int_equal(recorder_end(&recorder, NULL), 0);
		contents = read_contents(fd);
		if (contents.n + contents.told != SNAPSHOTS || contents.told != skt_writer_lost(recorder.writer))
			fail_msg("seed %llu: %u read, %u told, %llu lost", (unsigned long long)seed, contents.n,
				 contents.told, (unsigned long long)skt_writer_lost(recorder.writer));
		assert_true(contents.ended);
		assert_int_equal(verdict(fd), SKT_WHOLE);
		recorder_release(&recorder);
		close(fd);
	}
}

/* --- pipes --- */

/* The pipe is big enough for all of it; `after` snapshots in, its reader goes away. */
static void close_pipe(size_t after, int copy)
{
	struct recorder recorder;
	char bytes[65536];
	struct skt_err err;
	ssize_t got;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(recorder_begin(&recorder, fds[1], NULL), 0);
	while (recorder.n < after)
		assert_int_equal(recorder_add(&recorder, NULL), 0);
	got = read(fds[0], bytes, sizeof(bytes));
	assert_int_equal(got, skt_writer_bytes(recorder.writer));
	assert_int_equal(pwrite(copy, bytes, (size_t)got, 0), got);
	close(fds[0]);
	skt_err_init(&err);
	assert_int_equal(recorder_add(&recorder, &err), -EPIPE);
	assert_string_equal(err.path, "out.skt");
	assert_int_equal(recorder_end(&recorder, &err), -EPIPE);
	recorder_release(&recorder);
	close(fds[1]);
}

static void a_pipe_that_closes_has_had_whole_blocks(void **state)
{
	(void)state;
	for (size_t after = 0; after < SNAPSHOTS; after++) {
		int fd = new_file();

		close_pipe(after, fd);
		assert_int_equal(read_contents(fd).n, after);
		assert_int_equal(verdict(fd), SKT_OPEN);
		close(fd);
	}
}

/* Goes away once there is more in the pipe than a page. */
static void *read_no_more(void *fd)
{
	int bytes, out = *(int *)fd;

	while (!ioctl(out, FIONREAD, &bytes) && bytes <= PIPE_BUF)
		usleep(1000);
	close(out);
	return NULL;
}

/*
 * Two pages have the header and a part of a block, which cannot be taken back: that is told once, and the pipe is
 * closed for what is written after it, too.
 */
static void a_pipe_that_closes_within_a_block_is_closed(void **state)
{
	struct random random = { .state = 34 };
	struct random_world world = { .rows = 2000 };
	struct recording recording;
	struct recorder recorder;
	struct skt_snapshot large;
	struct skt_err err;
	pthread_t reader;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	if (fcntl(fds[1], F_SETPIPE_SZ, 2 * PIPE_BUF) != 2 * PIPE_BUF) {
		/* pages are larger here */
		close(fds[0]);
		close(fds[1]);
		skip();
	}
	recording_begin(&recording, header.interval);
	recording_random(&recording, &random, &world, header.interval, &large);
	recording_release(&recording);
	assert_int_equal(recorder_begin(&recorder, fds[1], NULL), 0);
	assert_int_equal(pthread_create(&reader, NULL, read_no_more, &fds[0]), 0);
	skt_err_init(&err);
	assert_int_equal(recorder_take(&recorder, &large, &err), -EPIPE);
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_non_null(strstr(err.message, "nor cut off the "));
	assert_int_equal(recorder_end(&recorder, &err), -EPIPE);
	recorder_release(&recorder);
	skt_snapshot_release(&large);
	close(fds[1]);
}

/* --- what else is in the file's neighbourhood --- */

static void the_mode_of_the_file_is_left_alone(void **state)
{
	struct recorder recorder;
	struct stat status;
	int fd = new_file();

	(void)state;
	assert_int_equal(recorder_begin(&recorder, fd, NULL), 0);
	assert_int_equal(recorder_add(&recorder, NULL), 0);
	limit_size(skt_writer_bytes(recorder.writer) + 9);
	assert_int_equal(recorder_add(&recorder, NULL), -EFBIG);
	limit_size(UINT64_MAX);
	assert_int_equal(recorder_end(&recorder, NULL), 0);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0604);
	recorder_release(&recorder);
	close(fd);
}

/* sockrec -o - >>file: a write that fails takes back what was written, and nothing else. */
static void what_stood_in_the_file_before_is_not_taken_back(void **state)
{
	static const char precious[] = "what stood in the file before";

	(void)state;
	for (int append = 0; append < 2; append++) {
		char bytes[sizeof(precious)] = "";
		struct recorder recorder;
		int fd = new_file();

		assert_int_equal(write(fd, precious, sizeof(precious)), sizeof(precious));
		if (append) {
			assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
			assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		}
		limit_size(sizeof(precious) + 40);
		assert_int_equal(recorder_begin(&recorder, fd, NULL), -EFBIG);
		limit_size(UINT64_MAX);
		recorder_release(&recorder);
		assert_int_equal(size_of(fd), sizeof(precious));
		assert_int_equal(recorder_begin(&recorder, fd, NULL), 0);
		limit_size(sizeof(precious) + skt_writer_bytes(recorder.writer) + 20);
		assert_int_equal(recorder_add(&recorder, NULL), -EFBIG);
		limit_size(UINT64_MAX);
		assert_int_equal(size_of(fd), sizeof(precious) + skt_writer_bytes(recorder.writer));
		assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
		assert_memory_equal(bytes, precious, sizeof(precious));
		recorder_release(&recorder);
		close(fd);
	}
}

/* What a reader would refuse is not written. */
static void what_could_not_be_read_is_not_written(void **state)
{
	struct skt_header bad[4] = { header, header, header, header };
	struct skt_writer *writer;
	int fd = new_file();

	(void)state;
	bad[0].start = INT64_MAX;
	bad[1].boot_time = INT64_MIN;
	bad[2].interval = -1;
	bad[3].start_boottime = INT64_MAX;
	for (int i = 0; i < 4; i++) {
		struct skt_err err;

		skt_err_init(&err);
		assert_true(skt_writer_open(fd, "x", &bad[i], &options, random_bytes, &writer, &err) < 0);
		assert_true(*err.message);
		assert_int_equal(size_of(fd), 0);
	}
	close(fd);
}

/* --- times --- */

/* A snapshot that a reader would refuse, in the place of another: it alone is lost. */
static void lose_one(size_t which, void (*spoil)(struct skt_snapshot *, struct skt_step *), const char *words)
{
	struct recorder recorder;
	struct contents contents;
	int fd = new_file();

	assert_int_equal(recorder_begin(&recorder, fd, NULL), 0);
	while (recorder.n < SNAPSHOTS) {
		struct skt_snapshot *now = &recorder.now, before;
		struct skt_table table;
		uint64_t bytes = skt_writer_bytes(recorder.writer);
		struct skt_err err;
		int rc;

		skt_err_init(&err);
		if (recorder.n != which) {
			assert_int_equal(recorder_add(&recorder, &err), 0);
			continue;
		}
		session.reads[recorder.n].number = recorder.n + 1;
		assert_int_equal(
			skt_match(recorder.matcher, now, &session.reads[recorder.n], !recorder.n, &recorder.step), 0);
		assert_int_equal(skt_apply(now, &recorder.step, NULL), 0);
		before = *now;
		assert_true(now->n_tables > 0);
		table = now->tables[0];
		spoil(now, &recorder.step);
		rc = skt_writer_add(recorder.writer, now, &recorder.step, &err);
		assert_int_equal(rc, -EINVAL);
		assert_int_equal(err.code, -EINVAL);
		assert_string_equal(err.path, "out.skt");
		if (!strstr(err.message, words) || !strstr(err.message, "snapshot #"))
			fail_msg("'%s' expected in '%s'", words, err.message);
		assert_int_equal(skt_writer_bytes(recorder.writer), bytes);
		recorder.step.n_events = 0;
		now->time = before.time;
		now->boottime = before.boottime;
		now->end = before.end;
		now->tables[0].gone = table.gone;
		now->tables[0].read_time = table.read_time;
		recorder.n++;
	}
	assert_int_equal(skt_writer_lost(recorder.writer), 1);
	assert_int_equal(recorder_end(&recorder, NULL), 0);
	contents = read_contents(fd);
	assert_int_equal(contents.n, SNAPSHOTS - 1);
	assert_int_equal(contents.told, 1);
	assert_false(contents.has[which + 1]);
	assert_int_equal(verdict(fd), SKT_WHOLE);
	recorder_release(&recorder);
	close(fd);
}

static void negative_boottime(struct skt_snapshot *now, struct skt_step *step)
{
	(void)step;
	now->boottime = -1;
}

static void late_boottime(struct skt_snapshot *now, struct skt_step *step)
{
	(void)step;
	now->boottime = INT64_C(1) << 62;
}

static void late_time(struct skt_snapshot *now, struct skt_step *step)
{
	(void)step;
	now->time = INT64_MAX;
}

static void early_time(struct skt_snapshot *now, struct skt_step *step)
{
	(void)step;
	now->time = INT64_MIN;
}

static void late_end(struct skt_snapshot *now, struct skt_step *step)
{
	(void)step;
	now->end = INT64_C(1) << 62;
}

/* Within the limit itself, but not within it of the snapshot. */
static void far_end(struct skt_snapshot *now, struct skt_step *step)
{
	(void)step;
	now->end = -((INT64_C(1) << 62) - 1);
}

static void late_read(struct skt_snapshot *now, struct skt_step *step)
{
	(void)step;
	now->tables[0].gone = false;
	now->tables[0].read_time = INT64_MAX;
}

static void late_event(struct skt_snapshot *now, struct skt_step *step)
{
	static struct skt_event event = { .when = INT64_MAX, .slot = SKT_NO_SLOT };

	(void)now;
	free(step->events);
	step->events = malloc(sizeof(event));
	assert_non_null(step->events);
	step->events[0] = event;
	step->n_events = step->room_events = 1;
}

static void events_that_go_back(struct skt_snapshot *now, struct skt_step *step)
{
	free(step->events);
	step->events = calloc(2, sizeof(*step->events));
	assert_non_null(step->events);
	step->n_events = step->room_events = 2;
	step->events[0] = (struct skt_event){ .when = now->time, .slot = SKT_NO_SLOT };
	step->events[1] = (struct skt_event){ .when = now->time - 1, .slot = SKT_NO_SLOT };
}

static void a_time_that_no_reader_takes_costs_its_snapshot_only(void **state)
{
	static const struct {
		void (*spoil)(struct skt_snapshot *, struct skt_step *);
		const char *words;
	} bad[] = {
		{ negative_boottime, "boottime of -1 ns" },
		{ late_boottime, "boottime of 4611686018427387904 ns" },
		{ late_time, "time of 9223372036854775807 ns" },
		{ early_time, "time of -9223372036854775808 ns" },
		{ late_end, "end of 4611686018427387904 ns" },
		{ far_end, "end of -4611686018427387903 ns" },
		{ late_read, "table read of 9223372036854775807 ns" },
		{ late_event, "event of 9223372036854775807 ns" },
		{ events_that_go_back, "event 2 of a time before that of event 1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		for (size_t which = 0; which < SNAPSHOTS; which++)
			lose_one(which, bad[i].spoil, bad[i].words);
}

static void an_end_that_no_reader_takes_is_refused(void **state)
{
	struct recorder recorder;
	struct skt_err err;
	int fd = new_file();

	(void)state;
	assert_int_equal(recorder_begin(&recorder, fd, NULL), 0);
	assert_int_equal(recorder_add(&recorder, NULL), 0);
	skt_err_init(&err);
	assert_int_equal(skt_writer_end(recorder.writer, INT64_MAX, &err), -EINVAL);
	assert_non_null(strstr(err.message, "end at 9223372036854775807 ns"));
	assert_int_equal(recorder_end(&recorder, NULL), 0);
	assert_int_equal(verdict(fd), SKT_WHOLE);
	recorder_release(&recorder);
	close(fd);
}

/* --- limits --- */

/* Namespaces that come and go: in two seconds more tables than a group may have slots for. */
static void a_group_ends_before_its_slots_run_out(void **state)
{
	enum { TABLES = 8192, MADE = 20 };
	struct recording recording;
	struct skt_cursor *cursor;
	struct skt_step *step;
	struct skt_file *file;

	(void)state;
	recording_begin(&recording, 100 * SKT_NS_PER_MS);
	for (uint64_t i = 0; i < MADE; i++) {
		struct skt_snapshot read;

		scene_begin(&read, NULL, 0);
		read.time += (int64_t)i * 100 * SKT_NS_PER_MS;
		read.end = read.time;
		read.boottime += (int64_t)i * 100 * SKT_NS_PER_MS;
		for (uint64_t k = 0; k < TABLES; k++)
			scene_table(&read, SKT_TCP, i << 32 | k);
		scene_end(&read);
		recording_add(&recording, &read);
		skt_snapshot_release(&read);
		assert_true(recording.now.n_tables <= SKT_TABLES_MAX);
	}
	recording_end(&recording);
	file = recording_open(&recording);
	/* eight snapshots fill a group's 65536 */
	assert_int_equal(skt_file_span(file).groups, 3);
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	for (size_t i = 0; i < MADE; i++) {
		assert_int_equal(skt_cursor_next(cursor, &step, NULL), 1);
		recording_expect(&recording, i + 1, skt_cursor_snapshot(cursor));
	}
	assert_int_equal(skt_cursor_next(cursor, &step, NULL), 0);
	skt_cursor_free(cursor);
	skt_file_free(file);
	recording_release(&recording);
}

/* And so it does before a reader would have to walk along its rows, or move them, too often. */
static void a_group_ends_before_its_rows_are_moved_too_often(void **state)
{
	struct random random = { .state = 12 };
	struct random_world world = { .rows = 30 };
	struct recording recording;
	struct skt_file *file;

	(void)state;
	recording_begin(&recording, SKT_NS_PER_MS);
	recording_add_random(&recording, &random, &world, SKT_NS_PER_MS);
	/* sooner or later a row comes, goes or moves; the limit itself is no more than may be */
	recording.now.walked = SKT_WALKED_MAX;
	while (recording.now.walked)
		recording_add_random(&recording, &random, &world, SKT_NS_PER_MS);
	recording.now.moved = SKT_MOVED_MAX;
	while (recording.now.moved)
		recording_add_random(&recording, &random, &world, SKT_NS_PER_MS);
	recording_add_random(&recording, &random, &world, SKT_NS_PER_MS);
	assert_true(recording.n < 100);
	recording_end(&recording);
	file = recording_open(&recording);
	assert_int_equal(skt_file_span(file).groups, 3);
	skt_file_free(file);
	recording_release(&recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_disk_at_any_byte_leaves_what_was_before_it),
		cmocka_unit_test(a_device_that_takes_nothing_is_told),
		cmocka_unit_test(what_cannot_be_written_to_is_told),
		cmocka_unit_test(a_gap_is_told_once_writing_works_again),
		cmocka_unit_test(in_a_gap_nothing_is_in_force),
		cmocka_unit_test(what_is_lost_is_told_however_often_writes_fail),
		cmocka_unit_test(a_pipe_that_closes_has_had_whole_blocks),
		cmocka_unit_test(a_pipe_that_closes_within_a_block_is_closed),
		cmocka_unit_test(the_mode_of_the_file_is_left_alone),
		cmocka_unit_test(what_stood_in_the_file_before_is_not_taken_back),
		cmocka_unit_test(what_could_not_be_read_is_not_written),
		cmocka_unit_test(a_time_that_no_reader_takes_costs_its_snapshot_only),
		cmocka_unit_test(an_end_that_no_reader_takes_is_refused),
		cmocka_unit_test(a_group_ends_before_its_slots_run_out),
		cmocka_unit_test(a_group_ends_before_its_rows_are_moved_too_often),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
