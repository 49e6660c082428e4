/* SPDX-License-Identifier: MIT */
#include "replay.h"

#include "cli.h"
#include "command.h"
#include "inside.h"

#include <skt/tree.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE  "tree"
#define TREES "trees"

/* Whatever went wrong with a tree is told here; the exit status. */
static int end(struct replay *replay, int rc, struct skt_err *err)
{
	if (rc)
		cli_err(err);
	return rc || replay->trouble ? cli_trouble() : CLI_YES;
}

static int write_tree(struct replay *replay, const struct skt_step *step, int dirfd, struct skt_err *err)
{
	int rc = replay_place(replay, step, err);

	return rc ? rc : skt_tree_write(skt_cursor_snapshot(replay->cursor), &replay->host, &replay->place, dirfd, err);
}

int replay_write(struct replay *replay, const char *name, const struct skt_step *step, struct skt_err *err)
{
	int fd = room_directory(&replay->room, name, err), rc;

	if (fd < 0)
		return fd;
	rc = write_tree(replay, step, fd, err);
	if (rc)
		skt_err_at(err, replay->to_tree ? replay->to_tree : replay->room.parent_path, -1);
	close(fd);
	return rc;
}

/* What is whole takes its place; a directory that is there may be empty. */
static int take_place(const struct replay *replay, const char *name, const char *path, struct skt_err *err)
{
	if (!renameat(replay->room.fd, name, replay->room.parent, replay->room.link))
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST)
		skt_err_set(err, -EEXIST, "there is something in it");
	else
		skt_err_sys(err, -errno, "cannot put the tree in its place");
	return skt_err_at(err, path, -1);
}

/* Whether something says to end, between two things to do. */
static bool is_to_end(struct guard *guard)
{
	return guard_wait(guard, 0) != GUARD_TIME;
}

int replay_to_tree(struct guard *guard, void *data)
{
	struct replay *replay = data;
	struct skt_err err;
	int rc;

	skt_err_init(&err);
	rc = room_make(&replay->room, &err);
	if (!rc)
		rc = replay_write(replay, TREE, NULL, &err);
	if (!rc && !is_to_end(guard))
		rc = take_place(replay, TREE, replay->to_tree, &err);
	return end(replay, rc, &err);
}

/* ---- a tree for every snapshot ---- */

/* The instant as sockrec --trees reads it, and as it sorts. */
static int name_of(const struct skt_snapshot *snapshot, char ret[64], struct skt_err *err)
{
	struct skt_buf text;

	skt_buf_init(&text);
	skt_time_format(&text, snapshot->time, SKT_ZONE_UTC);
	skt_buf_byte(&text, '\0');
	snprintf(ret, 64, "%s", text.failed ? "" : (char *)text.data);
	skt_buf_release(&text);
	return *ret ? 0 : skt_err_set(err, -ENOMEM, "out of memory");
}

static int write_each(struct replay *replay, struct span *span, int dirfd, struct skt_err *err)
{
	struct skt_step *step = NULL;
	char name[64];
	int rc = span->at_from;

	while (rc || (rc = span_next(replay, span, &step, err)) == 1) {
		const struct skt_snapshot *now = skt_cursor_snapshot(replay->cursor);
		int fd = -1;

		rc = name_of(now, name, err);
		if (!rc && mkdirat(dirfd, name, 0777))
			rc = errno == EEXIST
				     ? skt_err_set(err, -EEXIST, "snapshot #%llu is of the same instant as another, %s",
						   (unsigned long long)now->number, name)
				     : skt_err_sys(err, -errno, "cannot make a directory for %s", name);
		if (!rc && (fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
			rc = skt_err_sys(err, -errno, "cannot open the directory made for %s", name);
		if (!rc)
			rc = write_tree(replay, step, fd, err);
		if (fd >= 0)
			close(fd);
		if (rc || is_to_end(&replay->guard))
			break;
	}
	return rc;
}

int replay_to_trees(struct guard *guard, void *data)
{
	struct replay *replay = data;
	struct skt_err err;
	struct span span;
	int fd = -1, rc;

	skt_err_init(&err);
	rc = span_open(replay, &span, &err);
	if (!rc)
		rc = room_make(&replay->room, &err);
	if (!rc)
		rc = fd = room_directory(&replay->room, TREES, &err);
	if (fd >= 0) {
		rc = write_each(replay, &span, fd, &err);
		close(fd);
	}
	if (!rc && !guard->signal)
		rc = take_place(replay, TREES, replay->to_trees, &err);
	skt_err_at(&err, replay->to_trees, -1);
	return end(replay, rc, &err);
}

/* ---- a command ---- */

int replay_command(struct guard *guard, void *data)
{
	struct replay *replay = data;
	struct skt_err err;
	char path[4352];
	int rc;

	skt_err_init(&err);
	rc = room_make(&replay->room, &err);
	if (!rc)
		rc = replay_write(replay, TREE, NULL, &err);
	if (!rc)
		rc = room_path(&replay->room, TREE, path, sizeof(path), &err);
	if (!rc && !is_to_end(guard))
		rc = command_start(guard, replay->argv, path, &err);
	if (rc || guard->signal)
		return end(replay, rc, &err);
	return guard_wait(guard, INT64_MAX) == GUARD_CHILD ? guard_status(guard->status) : COMMAND_TROUBLE;
}

static int write_inside(void *data, int dirfd, struct skt_err *err)
{
	return write_tree(data, NULL, dirfd, err);
}

int replay_inside(struct guard *guard, void *data)
{
	struct replay *replay = data;
	struct inside inside = { .write = write_inside, .data = replay, .argv = replay->argv };

	return inside_run(guard, &inside);
}

/* ---- there and back ---- */

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

/* Read a tree as capture does: 0 with the snapshot in ret and what else is another in ret_why, or what is wrong. */
static int read_back(struct replay *replay, int dirfd, struct skt_snapshot *ret, const char **ret_why,
		     struct skt_err *err)
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
	skt_capture_free(capture);
	return rc;
}

/* 1: what was read back is something else, which is told. */
static int test_snapshot(struct replay *replay, const struct skt_step *step, struct skt_err *err)
{
	const struct skt_snapshot *now = skt_cursor_snapshot(replay->cursor);
	struct skt_snapshot back;
	const char *other = NULL;
	char why[256] = "";
	int fd, rc = skt_snapshot_init(&back, NULL, 0);

	if (rc)
		return skt_err_set(err, rc, "out of memory");
	rc = replay_write(replay, TREE, step, err);
	fd = rc ? -1 : openat(replay->room.fd, TREE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!rc)
		rc = fd < 0 ? skt_err_sys(err, -errno, "cannot open the tree")
			    : read_back(replay, fd, &back, &other, err);
	if (!rc && (!skt_snapshot_equal(now, &back, why, sizeof(why)) || other)) {
		cli_say("%s: snapshot #%llu is another when it is read back: %s", skt_file_name(replay->file),
			(unsigned long long)now->number, *why ? why : other);
		rc = 1;
	}
	if (fd >= 0)
		close(fd);
	if (!room_clear(replay->room.fd, TREE) && rc >= 0)
		rc = skt_err_set(err, -ENOTEMPTY, "cannot remove the tree");
	skt_snapshot_release(&back);
	return rc;
}

int replay_self_test(struct guard *guard, void *data)
{
	struct replay *replay = data;
	unsigned long long n = 0;
	struct skt_step *step = NULL;
	struct skt_err err;
	struct span span;
	int rc;

	skt_err_init(&err);
	rc = span_open(replay, &span, &err);
	if (!rc)
		rc = room_make(&replay->room, &err);
	if (rc)
		return end(replay, rc, &err);
	rc = span.at_from;
	while ((rc == 1 || (rc = span_next(replay, &span, &step, &err)) == 1) && !is_to_end(guard)) {
		rc = test_snapshot(replay, step, &err);
		if (rc)
			break;
		n++;
	}
	if (rc < 0)
		return end(replay, rc, &err);
	printf("%llu snapshot%s written as trees, and read back as they were\n", n, n == 1 ? "" : "s");
	return replay->trouble ? CLI_TROUBLE : rc ? CLI_NO : CLI_YES;
}
