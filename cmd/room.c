/* SPDX-License-Identifier: MIT */
#include "room.h"

#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX ".sockreplay-"

/* What will be the link. */
#define NAME_NEXT "next"

/* Deeper than any tree of ours; what is there besides was not made by us. */
#define DEPTH_MAX 16

/*
 * What a run of ours was called whose keeper is gone: nobody holds the lock. All that is ours and named so was made by
 * us.
 */
static void remove_stale(int parent, const char *name)
{
	struct stat status;
	int fd;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || strlen(name) != strlen(PREFIX) + 32 ||
	    strspn(name + strlen(PREFIX), "0123456789abcdef") != 32)
		return;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!fstat(fd, &status) && status.st_uid == geteuid() && (status.st_mode & 07777) == 0700 &&
	    !flock(fd, LOCK_EX | LOCK_NB))
		room_clear(parent, name);
	close(fd);
}

/* Both processes of a run were killed at once, or the machine crashed: what they left is removed by the next run. */
static void sweep(int parent)
{
	int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		remove_stale(parent, entry->d_name);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

int room_plan(struct room *room, const char *dir, struct skt_err *err)
{
	unsigned char random[16];
	char text[2 * sizeof(random) + 1];
	int rc = 0;

	*room = (struct room)ROOM_NONE;
	if (!realpath(dir, room->parent_path) ||
	    (room->parent = open(room->parent_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		rc = skt_err_sys(err, -errno, "cannot make a tree in it");
	if (rc)
		return skt_err_at(err, dir, -1);
	cli_random(random, sizeof(random));
	cli_hex(random, sizeof(random), text);
	snprintf(room->name, sizeof(room->name), PREFIX "%s", text);
	sweep(room->parent);
	return 0;
}

/* A link that led into a room which is no more. */
static void remove_stale_link(const struct room *room)
{
	char target[128] = "";
	struct stat status;

	if (readlinkat(room->parent, room->link, target, sizeof(target) - 1) > 0 &&
	    !strncmp(target, PREFIX, strlen(PREFIX)) && target[strlen(PREFIX) + 32] == '/' &&
	    fstatat(room->parent, target, &status, AT_SYMLINK_NOFOLLOW) && errno == ENOENT)
		unlinkat(room->parent, room->link, 0);
}

int room_plan_beside(struct room *room, const char *path, struct skt_err *err)
{
	size_t len = strlen(path), start;
	char dir[PATH_MAX], name[sizeof(room->link)];
	int rc;

	while (len > 1 && path[len - 1] == '/')
		len--;
	for (start = len; start && path[start - 1] != '/'; start--)
		;
	if (start == len || start >= sizeof(dir) || len - start >= sizeof(name)) {
		skt_err_set(err, len > start ? -ENAMETOOLONG : -EINVAL, "no name that a new directory can have");
		return skt_err_at(err, path, -1);
	}
	snprintf(name, sizeof(name), "%.*s", (int)(len - start), path + start);
	if (!strcmp(name, ".") || !strcmp(name, "..")) {
		skt_err_set(err, -EINVAL, "no name that a new directory can have");
		return skt_err_at(err, path, -1);
	}
	snprintf(dir, sizeof(dir), "%.*s", start ? (int)start : 1, start ? path : ".");
	rc = room_plan(room, dir, err);
	memcpy(room->link, name, sizeof(name));
	if (!rc)
		remove_stale_link(room);
	return rc;
}

/* Failed at something called this. */
static int failed(const struct room *room, int code, const char *what, struct skt_err *err)
{
	skt_err_sys(err, code, "%s", what);
	return skt_err_at(err, room->parent_path, -1);
}

int room_make(struct room *room, struct skt_err *err)
{
	struct stat ours, there;

	for (;;) {
		if (mkdirat(room->parent, room->name, 0700))
			return failed(room, -errno, "cannot make a directory in it", err);
		room->fd = openat(room->parent, room->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (room->fd < 0 && errno != ENOENT)
			return failed(room, -errno, "cannot open the directory made in it", err);
		/* where a file system has no locks, nobody gets this one, and nothing is taken for stale */
		if (room->fd >= 0)
			(void)flock(room->fd, LOCK_EX);
		if (room->fd >= 0 && !fstat(room->fd, &ours) &&
		    !fstatat(room->parent, room->name, &there, AT_SYMLINK_NOFOLLOW) && ours.st_ino == there.st_ino)
			return 0;
		/* before it was locked, another run took it for stale */
		if (room->fd >= 0)
			close(room->fd);
		room->fd = -1;
	}
}

int room_directory(const struct room *room, const char *name, struct skt_err *err)
{
	int fd = -1;

	if (!mkdirat(room->fd, name, 0777))
		fd = openat(room->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? failed(room, -errno, "cannot make a directory in it", err) : fd;
}

int room_path(const struct room *room, const char *name, char *ret, size_t size, struct skt_err *err)
{
	int n = snprintf(ret, size, "%s/%s/%s", strcmp(room->parent_path, "/") ? room->parent_path : "", room->name,
			 name);

	return n < 0 || (size_t)n >= size ? failed(room, -ENAMETOOLONG, "cannot name what is in it", err) : 0;
}

int room_link_path(const struct room *room, char *ret, size_t size, struct skt_err *err)
{
	int n;

	if (!room->link[0])
		return room_path(room, ROOM_LINK, ret, size, err);
	n = snprintf(ret, size, "%s/%s", strcmp(room->parent_path, "/") ? room->parent_path : "", room->link);
	return n < 0 || (size_t)n >= size ? failed(room, -ENAMETOOLONG, "cannot name what is in it", err) : 0;
}

/* Remove what a directory holds; what could not be is left. */
static bool clear(int parent, const char *name, unsigned depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct dirent *entry;
	bool clean = true;
	DIR *dir;

	if (fd < 0)
		return errno == ENOENT;
	dir = depth < DEPTH_MAX ? fdopendir(fd) : NULL;
	if (!dir) {
		close(fd);
		return false;
	}
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (!unlinkat(fd, entry->d_name, 0) || errno == ENOENT)
			continue;
		clean &= errno == EISDIR && clear(fd, entry->d_name, depth + 1);
	}
	closedir(dir);
	return clean && (!unlinkat(parent, name, AT_REMOVEDIR) || errno == ENOENT);
}

bool room_clear(int dir, const char *name)
{
	/*
	 * what is removed while it is read may hide what is left of a directory: it is looked at again, as long as that
	 * helps
	 */
	for (unsigned again = 0; again < 8; again++)
		if (clear(dir, name, 0))
			return true;
	return false;
}

int room_turn(struct room *room, const char *name, bool first, struct skt_err *err)
{
	bool beside = room->link[0];
	const char *link = beside ? room->link : ROOM_LINK;
	int dir = beside ? room->parent : room->fd, rc;
	char target[128];

	snprintf(target, sizeof(target), "%s%s%s", beside ? room->name : "", beside ? "/" : "", name);
	if (first) {
		/* an empty directory is as good as none; anything else is told by what follows */
		if (beside)
			(void)unlinkat(dir, link, AT_REMOVEDIR);
		rc = symlinkat(target, dir, link);
	} else {
		rc = symlinkat(target, room->fd, NAME_NEXT);
		rc = rc ? rc : renameat(room->fd, NAME_NEXT, dir, link);
	}
	return rc ? failed(room, -errno, "cannot make a link in it", err) : 0;
}

/* Whether the link is the one that we made. */
static bool is_ours(const struct room *room)
{
	size_t len = strlen(room->name);
	char target[128];
	ssize_t n = readlinkat(room->parent, room->link, target, sizeof(target));

	return n > (ssize_t)len && !memcmp(target, room->name, len) && target[len] == '/';
}

bool room_remove(struct room *room)
{
	bool gone;

	if (room->parent < 0)
		return true;
	if (room->link[0] && is_ours(room))
		unlinkat(room->parent, room->link, 0);
	gone = room_clear(room->parent, room->name);
	if (room->fd >= 0)
		close(room->fd);
	room->fd = -1;
	return gone;
}
