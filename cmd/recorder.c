/* SPDX-License-Identifier: MIT */
#include "recorder.h"

#include "cli.h"
#include "output.h"
#include "telling.h"
#include "ticks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWD "/etc/passwd"

int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * SKT_NS_PER_S + now.tv_nsec;
}

void read_clocks(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	(void)data;
	*ret_realtime = clock_ns(CLOCK_REALTIME);
	*ret_boottime = clock_ns(CLOCK_BOOTTIME);
}

/* ---- opening ---- */

static int open_capture(struct recorder *recorder, struct skt_err *err)
{
	bool live = !strcmp(recorder->tree, LIVE_TREE);
	struct skt_capture_options asked = {
		.name = recorder->tree,
		.tables = recorder->tables,
		.big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
		.clock = { .read = read_clocks },
		.cmdline = recorder->cmdline,
	};
	int tree = open(recorder->tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (tree < 0) {
		skt_err_sys(err, -errno, "cannot open");
		skt_err_at(err, recorder->tree, -1);
		return err->code;
	}
	/* names in another tree are another host's */
	recorder->passwd = live ? open(PASSWD, O_RDONLY | O_CLOEXEC) : -1;
	asked.passwd_fd = recorder->passwd;
	/* both stay open as long as the program runs */
	return skt_capture_open(tree, &asked, &recorder->capture, err);
}

int recorder_open(struct recorder *recorder, struct skt_err *err)
{
	uint64_t seed;
	int rc = open_capture(recorder, err);

	cli_random(&seed, sizeof(seed));
	if (!rc)
		rc = output_open(recorder, err);
	if (!rc)
		manners_drop();
	/* the header has the capabilities that snapshots are taken with */
	if (!rc)
		rc = output_begin(recorder, err);
	if (rc)
		return rc;
	recorder->matcher = skt_matcher_new(seed);
	if (!recorder->matcher || skt_snapshot_init(&recorder->now, NULL, seed) ||
	    skt_snapshot_init(&recorder->read, recorder->now.strings, 0))
		return skt_err_set(err, -ENOMEM, "out of memory");
	skt_step_init(&recorder->step);
	return 0;
}

void recorder_release(struct recorder *recorder)
{
	skt_writer_free(recorder->writer);
	skt_capture_free(recorder->capture);
	skt_matcher_free(recorder->matcher);
	skt_snapshot_release(&recorder->now);
	skt_snapshot_release(&recorder->read);
	skt_step_release(&recorder->step);
}

/* ---- recording ---- */

/* Whoever adds a user puts another file in the place of the old one: the descriptor that capture reads is made to follow. */
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

static int take_snapshot(struct recorder *recorder, uint32_t missed, struct skt_err *err)
{
	int rc;

	follow_passwd(recorder);
	/* the writer may have given `now` another string table */
	skt_snapshot_clear(&recorder->read, recorder->now.strings);
	rc = skt_capture_next(recorder->capture, &recorder->read, err);
	if (rc)
		return rc;
	recorder->read.number = recorder->snapshots + 1;
	recorder->read.missed = missed;
	rc = skt_match(recorder->matcher, &recorder->now, &recorder->read, !recorder->snapshots, &recorder->step);
	if (rc)
		return skt_err_set(err, rc, "out of memory");
	rc = skt_apply(&recorder->now, &recorder->step, err);
	if (!rc)
		rc = output_add(recorder, err);
	if (rc)
		return rc;
	if (!recorder->snapshots++) {
		recorder->first = recorder->now.boottime;
		tell_denied(recorder);
	}
	recorder->last = recorder->now.boottime;
	recorder->missed += missed;
	tell_problems(recorder);
	return 0;
}

/* Wait until this instant: true, or false when a signal says to end. */
static bool wait_until(const struct recorder *recorder, int64_t when)
{
	for (;;) {
		int64_t left = when - clock_ns(CLOCK_BOOTTIME);
		struct timespec timeout = { .tv_sec = 0 };

		if (left > 0) {
			timeout.tv_sec = left / SKT_NS_PER_S;
			timeout.tv_nsec = left % SKT_NS_PER_S;
		}
		/* even when there is no time left, a signal that came during the snapshot is seen */
		if (sigtimedwait(&recorder->signals, NULL, &timeout) > 0)
			return false;
		if (errno == EAGAIN && clock_ns(CLOCK_BOOTTIME) >= when)
			return true;
	}
}

/* Ticks that were missed after the last snapshot, which was that of tick `taken`: of those passed over, what would have been due by now. */
static void missed_at_end(struct recorder *recorder, int64_t taken, uint32_t missed)
{
	int64_t passed = (clock_ns(CLOCK_BOOTTIME) - recorder->start) / recorder->interval - taken;

	if (missed > passed)
		missed = passed > 0 ? (uint32_t)passed : 0;
	recorder->missed += missed;
	skt_writer_missed(recorder->writer, missed);
}

/*
 * Ticks that pass while a snapshot is being taken, or paid for, are missed and not made up for: the next snapshot says how
 * many.
 */
int recorder_run(struct recorder *recorder, struct skt_err *err)
{
	struct ticks ticks = { .interval = recorder->interval,
			       .end = recorder->duration ? recorder->duration : INT64_MAX,
			       .exact = recorder->exact };
	uint32_t missed = 0;

	recorder->start = clock_ns(CLOCK_BOOTTIME);
	recorder->room_at = recorder->start;
	spending_begin(&recorder->spending, recorder->start);
	for (;;) {
		int64_t taken = ticks.tick, now, ready, due;
		int rc = take_snapshot(recorder, missed, err);

		if (rc)
			return rc;
		now = clock_ns(CLOCK_BOOTTIME);
		tell_status(recorder, now);
		if (recorder->snapshots == recorder->count)
			return 0;
		ready = spending_ready(&recorder->spending, now);
		due = ticks_next(&ticks, ready - recorder->start, &missed);
		if (ready > now && missed)
			tell_spending(recorder);
		if (!wait_until(recorder, recorder->start + (due < 0 ? ticks.end : due)) || due < 0 ||
		    output_is_full(recorder, clock_ns(CLOCK_BOOTTIME))) {
			missed_at_end(recorder, taken, missed);
			return 0;
		}
	}
}
