/* SPDX-License-Identifier: MIT */
#include "replay.h"

#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --self-test: there and back, one tree after the other, as sockrec --trees reads them. */

#define TREE "tree"

/* How much may pile up before what was read back is made dense. */
#define FREE_SLOTS 8192

/* What a recording of the trees would have now. */
struct back {
	struct skt_matcher *matcher;
	struct skt_snapshot now;
	struct skt_step step; /* that led there */
	bool from_nothing;
};

/* Nothing takes any time: the clock stands at the instant that was recorded, as it does for sockrec --trees. */
static void read_clock(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	const struct skt_snapshot *snapshot = data;

	*ret_realtime = snapshot->time;
	*ret_boottime = snapshot->boottime;
}

/* What of the host and of the place in the recording is another: NULL, nothing is. */
static const char *other_than(const struct replay *replay, const struct skt_capture *capture)
{
	const struct skt_host *was = &replay->host, *is = skt_capture_host(capture);
	const struct skt_place *place;
	int64_t time, boottime;

	if (strcmp(is->name, was->name) != 0)
		return "name of the host";
	if (strcmp(is->kernel, was->kernel) != 0)
		return "kernel";
	if (strcmp(is->boot_id, was->boot_id) != 0)
		return "boot id";
	if (is->btime != was->btime)
		return "time of the boot";
	/* where none was recorded the tree has to have one */
	if (was->net_namespace && is->net_namespace != was->net_namespace)
		return "network namespace of the host";
	place = skt_capture_place(capture, &time, &boottime);
	return place && skt_place_equal(place, &replay->place) ? NULL : "gap, marks or end";
}

/* Go on to the snapshot that was just read, with what was told on the way. */
static int go_on(struct back *back, const struct replay *replay, struct skt_capture *capture,
		 const struct skt_snapshot *read, struct skt_err *err)
{
	struct skt_snapshot *now = &back->now;
	int rc = 0;

	/* behind a gap nothing is in force */
	if (replay->place.gap || back->from_nothing) {
		skt_snapshot_clear(now, now->strings);
		back->from_nothing = true;
	} else if (now->n_socks / 2 > now->live_socks + FREE_SLOTS) {
		rc = skt_snapshot_compact(now);
	}
	if (!rc)
		rc = skt_match(back->matcher, now, read, back->from_nothing, &back->step);
	if (rc)
		return skt_err_set(err, rc, "out of memory");
	back->from_nothing = false;
	rc = skt_apply(now, &back->step, err);
	return rc || !skt_capture_tell(capture, now, &back->step) ? rc : skt_err_set(err, -ENOMEM, "out of memory");
}

/* Read a tree as capture does: 0 with the snapshot in ret and what else is another in ret_why, or what is wrong. */
static int read_back(struct replay *replay, struct back *back, int dirfd, struct skt_snapshot *ret,
		     const char **ret_why, struct skt_err *err)
{
	struct skt_snapshot *wanted = (struct skt_snapshot *)(uintptr_t)skt_cursor_snapshot(replay->cursor);
	struct skt_capture_options options = {
		.name = TREE,
		.tables = (1u << SKT_TABLE_KINDS) - 1,
		.passwd_fd = -1,
		.big_endian = replay->host.big_endian,
		.clock = { .read = read_clock, .data = wanted },
		.all_namespaces = true,
	};
	struct skt_capture *capture = NULL;
	int rc = skt_capture_open(dirfd, &options, &capture, err);

	if (!rc)
		rc = skt_capture_next(capture, ret, err);
	if (!rc)
		*ret_why = other_than(replay, capture);
	if (!rc)
		rc = go_on(back, replay, capture, ret, err);
	skt_capture_free(capture);
	return rc;
}

/* 1: what was read back is something else, which is told. */
static int test_snapshot(struct replay *replay, struct back *back, const struct skt_step *step, struct skt_err *err)
{
	const struct skt_snapshot *now = skt_cursor_snapshot(replay->cursor);
	struct skt_snapshot read;
	const char *other = NULL;
	char why[256] = "";
	int fd, rc = skt_snapshot_init(&read, NULL, 0);

	if (rc)
		return skt_err_set(err, rc, "out of memory");
	rc = replay_write(replay, TREE, step, err);
	fd = rc ? -1 : openat(replay->room.fd, TREE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!rc)
		rc = fd < 0 ? skt_err_sys(err, -errno, "cannot open the tree")
			    : read_back(replay, back, fd, &read, &other, err);
	if (!rc && (!skt_snapshot_equal(now, &read, why, sizeof(why)) || other ||
		    (step && !skt_told_equal(now, step, &back->now, &back->step, why, sizeof(why))))) {
		cli_say("%s: snapshot #%llu is another when it is read back: %s", skt_file_name(replay->file),
			(unsigned long long)now->number, *why ? why : other);
		rc = 1;
	}
	if (fd >= 0)
		close(fd);
	if (!room_clear(replay->room.fd, TREE) && rc >= 0)
		rc = skt_err_set(err, -ENOTEMPTY, "cannot remove the tree");
	skt_snapshot_release(&read);
	return rc;
}

static int begin(struct back *back, struct skt_err *err)
{
	*back = (struct back){ .matcher = skt_matcher_new(0), .from_nothing = true };
	skt_step_init(&back->step);
	if (back->matcher && !skt_snapshot_init(&back->now, NULL, 0))
		return 0;
	skt_matcher_free(back->matcher);
	return skt_err_set(err, -ENOMEM, "out of memory");
}

static void release(struct back *back)
{
	skt_matcher_free(back->matcher);
	skt_step_release(&back->step);
	skt_snapshot_release(&back->now);
}

/* How many came back, in ret_n: 0, 1 where one did not, or what is wrong. */
static int test_all(struct guard *guard, struct replay *replay, struct back *back, struct span *span,
		    unsigned long long *ret_n, struct skt_err *err)
{
	struct skt_step *step = NULL;
	int rc = span->at_from;

	while ((rc == 1 || (rc = span_next(replay, span, &step, err)) == 1) && !guard_says_to_end(guard)) {
		rc = test_snapshot(replay, back, step, err);
		if (rc)
			break;
		(*ret_n)++;
	}
	return rc;
}

int replay_self_test(struct guard *guard, void *data)
{
	struct replay *replay = data;
	unsigned long long n = 0;
	struct skt_err err;
	struct back back;
	struct span span;
	int rc;

	skt_err_init(&err);
	rc = begin(&back, &err);
	if (rc)
		return replay_end(replay, rc, &err);
	rc = span_open(replay, &span, &err);
	if (!rc)
		rc = room_make(&replay->room, &err);
	if (!rc)
		rc = test_all(guard, replay, &back, &span, &n, &err);
	release(&back);
	if (rc < 0)
		return replay_end(replay, rc, &err);
	printf("%llu snapshot%s written as trees, and read back as they were\n", n, n == 1 ? "" : "s");
	return replay->trouble ? CLI_TROUBLE : rc ? CLI_NO : CLI_YES;
}
