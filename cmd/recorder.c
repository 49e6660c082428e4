/* SPDX-License-Identifier: MIT */
#include "recorder.h"

#include "cli.h"
#include "clocks.h"
#include "output.h"
#include "recorder_trees.h"
#include "telling.h"
#include "ticks.h"
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWD "/etc/passwd"

/* How many ask for descriptors at once where all are read. */
#define HANDS 2

/* How much may pile up before a snapshot that is not written is made dense, and after how many it is in any case. */
#define FREE_SLOTS 8192
#define DENSE_EACH 1024

int64_t recorder_time(const struct recorder *recorder)
{
	int64_t realtime, boottime;

	recorder->clock.read(recorder->clock.data, &realtime, &boottime);
	return realtime;
}

/* ---- opening ---- */

/* Not all of a large host's processors: it has other things to do. */
static unsigned hands(void)
{
	return processors() < HANDS ? 1 : HANDS;
}

struct skt_capture_options recorder_capture_options(struct recorder *recorder, const char *name)
{
	return (struct skt_capture_options){
		.name = name,
		.tables = recorder->tables,
		.passwd_fd = recorder->passwd,
		.big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
		.clock = recorder->clock,
		.interval = recorder->count == 1 || recorder->trees_dir ? 0 : recorder->interval,
		.all_namespaces = !recorder->own_netns,
		.netns_interval = recorder->netns_interval,
		.full_walk = recorder->full_walk ? recorder->full_walk : 1,
		.cmdline = recorder->cmdline,
		.hands = hands(),
		.events_socket = recorder->no_events ? NULL : hearing_socket,
		/* another tree may be of another pid namespace */
		.processes_socket =
			recorder->no_events || strcmp(recorder->tree, LIVE_TREE) != 0 ? NULL : hearing_processes,
		.processes_clock = hearing_clock,
		.events_data = &recorder->hearing,
	};
}

static int open_capture(struct recorder *recorder, struct skt_err *err)
{
	bool live = !strcmp(recorder->tree, LIVE_TREE);
	struct skt_capture_options asked;
	int tree = open(recorder->tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (tree < 0) {
		skt_err_sys(err, -errno, "cannot open");
		skt_err_at(err, recorder->tree, -1);
		return err->code;
	}
	/* names in another tree are another host's */
	recorder->passwd = live ? open(PASSWD, O_RDONLY | O_CLOEXEC) : -1;
	recorder->clock.read = clocks_read;
	raise_file_limit();
	if (live && !recorder->no_events && !recorder->own_netns && recorder->count != 1)
		hearing_begin(&recorder->hearing);
	asked = recorder_capture_options(recorder, recorder->tree);
	/* both stay open as long as the program runs */
	return skt_capture_open(tree, &asked, &recorder->capture, err);
}

int recorder_open(struct recorder *recorder, struct skt_err *err)
{
	uint64_t seed;
	int rc = recorder->trees_dir ? recorder_trees_open(recorder, err) : open_capture(recorder, err);

	cli_random(&seed, sizeof(seed));
	if (!rc && recorder_records(recorder))
		rc = output_open(recorder, err);
	if (!rc)
		manners_drop(MANNERS_RECORDER);
	/* the header has the capabilities that snapshots are taken with */
	if (!rc && recorder_records(recorder))
		rc = output_begin(recorder, err);
	if (rc)
		return rc;
	recorder->matcher = skt_matcher_new(seed);
	if (!recorder->matcher || skt_snapshot_init(&recorder->now, NULL, seed) ||
	    skt_snapshot_init(&recorder->read, recorder->now.strings, 0))
		return skt_err_set(err, -ENOMEM, "out of memory");
	skt_step_init(&recorder->step);
	recorder->from_nothing = true;
	return 0;
}

void recorder_release(struct recorder *recorder)
{
	skt_writer_free(recorder->writer);
	rotation_release(&recorder->rotation);
	skt_capture_free(recorder->capture);
	hearing_end(&recorder->hearing);
	trees_release(&recorder->trees);
	skt_matcher_free(recorder->matcher);
	skt_snapshot_release(&recorder->now);
	skt_snapshot_release(&recorder->read);
	skt_step_release(&recorder->step);
	skt_filter_free(recorder->watch.changes.filter);
}

/* ---- recording ---- */

/*
 * Whoever adds a user puts another file in the place of the old one: the descriptor that capture reads is made to
 * follow.
 */
static void follow_passwd(const struct recorder *recorder)
{
	struct stat open_one, named_one;
	int fd;

	if (recorder->passwd < 0 || fstat(recorder->passwd, &open_one) || stat(PASSWD, &named_one) ||
	    (open_one.st_ino == named_one.st_ino && open_one.st_dev == named_one.st_dev))
		return;
	fd = open(PASSWD, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	dup3(fd, recorder->passwd, O_CLOEXEC);
	close(fd);
}

/* Without a writer, whose groups do it, slots and strings of what is gone would pile up. */
static int make_dense(struct recorder *recorder, struct skt_err *err)
{
	struct skt_snapshot *now = &recorder->now;

	if (now->n_socks / 2 < now->live_socks + FREE_SLOTS && now->n_owners / 4 < now->live_socks + FREE_SLOTS &&
	    (recorder->snapshots + 1) % DENSE_EACH)
		return 0;
	return skt_snapshot_compact(now) ? skt_err_set(err, -ENOMEM, "out of memory") : 0;
}

/*
 * What was read is applied. A group that begins has all rows three times over for a moment, and that would be the
 * fourth.
 */
static int give_back(struct recorder *recorder, struct skt_err *err)
{
	if (!recorder->writer || !skt_writer_begins_group(recorder->writer, &recorder->now))
		return 0;
	skt_snapshot_release(&recorder->read);
	return skt_snapshot_init(&recorder->read, recorder->now.strings, 0) ? skt_err_set(err, -ENOMEM, "out of memory")
									    : 0;
}

/* What a tree of its own says of the way to it would be told at each look. */
static int take_told(struct recorder *recorder, struct skt_err *err)
{
	if (!recorder->trees_dir && !skt_capture_is_live(recorder->capture))
		return 0;
	/*
	 * what led to the first tree led there from one that is not here, as what is told before the first look is not
	 * recorded
	 */
	if (recorder->trees_dir && !recorder->snapshots && !recorder->lost)
		return 0;
	if (skt_capture_tell(recorder->capture, &recorder->now, &recorder->step))
		return skt_err_set(err, -ENOMEM, "out of memory");
	if (recorder->trees_dir)
		recorder_trees_told(recorder);
	return 0;
}

static int take_snapshot(struct recorder *recorder, uint32_t missed, struct skt_err *err)
{
	int rc;

	follow_passwd(recorder);
	/* the writer may have given `now` another string table */
	skt_snapshot_clear(&recorder->read, recorder->now.strings);
	rc = skt_capture_next(recorder->capture, &recorder->read, err);
	if (rc)
		return rc;
	if (recorder->trees_dir)
		rc = recorder_trees_before(recorder, err);
	else
		recorder->read.missed = missed;
	if (rc)
		return rc;
	recorder->read.number = recorder->snapshots + recorder->lost + 1;
	missed = recorder->read.missed;
	rc = skt_match(recorder->matcher, &recorder->now, &recorder->read, recorder->from_nothing, &recorder->step);
	if (rc)
		return skt_err_set(err, rc, "out of memory");
	rc = skt_apply(&recorder->now, &recorder->step, err);
	if (!rc)
		rc = take_told(recorder, err);
	if (!rc && recorder->watch.on)
		rc = watch_step(recorder, err);
	if (!rc)
		rc = give_back(recorder, err);
	if (!rc)
		rc = recorder->writer ? output_add(recorder, err) : make_dense(recorder, err);
	if (rc)
		return rc;
	/* the step from nothing has every row, and those that follow have few */
	if (recorder->from_nothing)
		skt_step_release(&recorder->step);
	recorder->from_nothing = false;
	if (!recorder->snapshots++) {
		recorder->first = recorder->now.boottime;
		tell_denied(recorder);
		tell_deaf(recorder);
	}
	recorder->last = recorder->now.boottime;
	recorder->missed += missed;
	tell_problems(recorder);
	tell_findings(recorder);
	tell_events(recorder);
	return 0;
}

/* Wait until this instant: true, or false when a signal says to end. */
static bool wait_until(struct recorder *recorder, int64_t when)
{
	for (;;) {
		int signal;

		int64_t left = when - clock_ns(CLOCK_BOOTTIME);
		struct timespec timeout = { .tv_sec = 0 };

		if (left > 0) {
			timeout.tv_sec = left / SKT_NS_PER_S;
			timeout.tv_nsec = left % SKT_NS_PER_S;
		}
		/* even when there is no time left, a signal that came during the snapshot is seen */
		signal = sigtimedwait(&recorder->signals, NULL, &timeout);
		if (signal > 0 && !output_signal(recorder, signal))
			return false;
		if (signal < 0 && errno == EAGAIN && clock_ns(CLOCK_BOOTTIME) >= when)
			return true;
	}
}

/*
 * Of the ticks that were passed over since the last snapshot's, which is `taken`, those that would have been due by
 * now.
 */
static uint32_t missed_by_now(const struct recorder *recorder, int64_t taken, uint32_t missed)
{
	int64_t passed = (clock_ns(CLOCK_BOOTTIME) - recorder->start) / recorder->interval - taken;

	return missed <= passed ? missed : passed > 0 ? (uint32_t)passed : 0;
}

/* The recording ends between two ticks, after which so many were missed. */
static int end_here(struct recorder *recorder, uint32_t missed)
{
	recorder->missed += missed;
	if (recorder->writer)
		skt_writer_missed(recorder->writer, missed);
	return 0;
}

/*
 * The same. But what was told since the last snapshot is recorded by one more look, out of turn, for an event is one of
 * a step.
 */
static int end_between(struct recorder *recorder, uint32_t missed, struct skt_err *err)
{
	if (!skt_capture_has_heard(recorder->capture))
		return end_here(recorder, missed);
	skt_capture_last(recorder->capture);
	return take_snapshot(recorder, missed, err);
}

/* One snapshot of each tree. */
static int run_trees(struct recorder *recorder, struct skt_err *err)
{
	recorder->start = recorder->tree_time;
	for (size_t i = 0; i < recorder->trees.n; i++) {
		int rc = recorder_trees_turn(recorder, i, err);

		if (!rc)
			rc = take_snapshot(recorder, 0, err);
		if (!rc)
			rc = recorder_trees_after(recorder, i + 1 == recorder->trees.n, err);
		if (rc)
			return rc;
		tell_status(recorder, recorder->tree_time);
		if (recorder->watch.changes.closed || !wait_until(recorder, 0) ||
		    output_is_full(recorder, clock_ns(CLOCK_BOOTTIME)))
			return 0;
	}
	return 0;
}

/*
 * Ticks that pass while a snapshot is being taken, or paid for, are missed and not made up for: the next snapshot says
 * how many.
 */
int recorder_run(struct recorder *recorder, struct skt_err *err)
{
	struct ticks ticks = { .interval = recorder->interval,
			       .end = recorder->duration ? recorder->duration : INT64_MAX,
			       .exact = recorder->exact };
	uint32_t missed = 0;

	if (recorder->trees_dir)
		return run_trees(recorder, err);
	recorder->start = clock_ns(CLOCK_BOOTTIME);
	recorder->room_at = recorder->start;
	spending_begin(&recorder->spending, recorder->start);
	for (;;) {
		int64_t taken = ticks.tick, now, ready, due;
		bool over;
		int rc;

		if (recorder->snapshots + 1 == recorder->count)
			skt_capture_last(recorder->capture);
		rc = take_snapshot(recorder, missed, err);
		if (rc)
			return rc;
		now = clock_ns(CLOCK_BOOTTIME);
		tell_status(recorder, now);
		if (recorder->snapshots == recorder->count)
			return 0;
		/* who watched has gone, and what there is to be recorded is not his alone */
		if (recorder->watch.changes.closed)
			return recorder->writer ? end_between(recorder, 0, err) : 0;
		ready = spending_ready(&recorder->spending, now);
		due = ticks_next(&ticks, ready - recorder->start, &missed);
		over = due < 0;
		if (ready > now && missed)
			tell_spending(recorder);
		due = recorder->start + (due < 0 ? ticks.end : due);
		rc = output_wait(recorder, due, err);
		if (rc)
			return rc;
		/* who was told to end does not wait for somebody who does not read what is watched */
		recorder->watch.changes.hurry = !wait_until(recorder, due);
		if (recorder->watch.changes.hurry || over)
			return end_between(recorder, missed_by_now(recorder, taken, missed), err);
		/* a snapshot may be a whole group's first, and there is no room for that */
		if (output_is_full(recorder, clock_ns(CLOCK_BOOTTIME)))
			return end_here(recorder, missed_by_now(recorder, taken, missed));
	}
}
