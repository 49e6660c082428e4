/* SPDX-License-Identifier: MIT */
#include "replay.h"

#include "cli.h"
#include "command.h"
#include "inside.h"
#include "slice_facts.h"

#include <skt/tree.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE  "tree"
#define TREES "trees"

int replay_end(struct replay *replay, int rc, struct skt_err *err)
{
	if (rc)
		cli_err(err);
	return rc || replay->trouble ? cli_trouble() : CLI_YES;
}

static void say_lack(const struct replay *replay, struct skt_buf *line)
{
	skt_buf_text(line, "; trees cannot say so, and to who reads them there are no others");
	skt_buf_byte(line, '\0');
	cli_say("%s: %s", skt_file_name(replay->file), line->failed ? "out of memory" : (char *)line->data);
	skt_buf_clear(line);
}

void replay_tell_lacks(const struct replay *replay)
{
	/* of a stretch nothing was read yet */
	const struct skt_header *header =
		replay->cursor ? skt_cursor_header(replay->cursor) : skt_file_header(replay->file);
	const uint32_t all = (1u << SKT_TABLE_KINDS) - 1;
	const char *before = "only these tables were recorded: ";
	struct skt_buf line;

	skt_buf_init(&line);
	if (slice_is_too_small(header, NULL, all, false, &line))
		say_lack(replay, &line);
	for (unsigned kind = 0; kind < SKT_TABLE_KINDS && (header->tables & all) != all; kind++) {
		if (!(header->tables & 1u << kind))
			continue;
		skt_buf_printf(&line, "%s%s", before, skt_table_kind_name(kind));
		before = ", ";
	}
	if (line.len)
		say_lack(replay, &line);
	skt_buf_release(&line);
}

static void copy_fact(const struct skt_header *header, const char *name, char *ret, size_t size)
{
	const char *value = skt_header_fact(header, name);

	snprintf(ret, size, "%s", value ? value : "");
}

void replay_take_host(struct replay *replay, const struct skt_header *header)
{
	const char *net_namespace = skt_header_fact(header, "host.net_namespace");

	replay->host.btime = header->boot_time;
	replay->host.big_endian = header->big_endian;
	copy_fact(header, "host.name", replay->host.name, sizeof(replay->host.name));
	copy_fact(header, "host.kernel", replay->host.kernel, sizeof(replay->host.kernel));
	copy_fact(header, "host.boot_id", replay->host.boot_id, sizeof(replay->host.boot_id));
	/* a number that is none is a namespace that no table is of: then the first is taken */
	replay->host.net_namespace = net_namespace ? strtoull(net_namespace, NULL, 10) : 0;
}

static int write_tree(struct replay *replay, const struct skt_step *step, int dirfd, struct skt_err *err)
{
	int rc = replay_place(replay, step, err);

	replay_take_host(replay, skt_cursor_header(replay->cursor));
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

int replay_to_tree(struct guard *guard, void *data)
{
	struct replay *replay = data;
	struct skt_err err;
	int rc;

	skt_err_init(&err);
	rc = room_make(&replay->room, &err);
	if (!rc)
		rc = replay_write(replay, TREE, NULL, &err);
	if (!rc && !guard_says_to_end(guard))
		rc = take_place(replay, TREE, replay->to_tree, &err);
	return replay_end(replay, rc, &err);
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
		if (rc || guard_says_to_end(&replay->guard))
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
	return replay_end(replay, rc, &err);
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
	if (!rc && !guard_says_to_end(guard))
		rc = command_start(guard, replay->argv, path, &err);
	if (rc || guard->signal)
		return replay_end(replay, rc, &err);
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
