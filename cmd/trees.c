/* SPDX-License-Identifier: MIT */
#include "trees.h"

#include "grow.h"

#include <skt/time.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A tree a second for twelve days; with their names, 64 MiB. */
#define TREES_MAX ((size_t)1 << 20)

#define DIGITS "0123456789"

/* 1795356187.5; few digits will do, for a tree that was made up may well be called 1. */
static int read_seconds(const char *name, int64_t *ret)
{
	size_t whole = strspn(name, DIGITS);
	int64_t ns = 0;

	if (!whole || whole > 10)
		return -EINVAL;
	for (size_t i = 0; i < whole; i++)
		ns = ns * 10 + (name[i] - '0');
	if (ns >= INT64_MAX / SKT_NS_PER_S)
		return -EINVAL;
	ns *= SKT_NS_PER_S;
	name += whole;
	if (*name == '.') {
		size_t part = strspn(++name, DIGITS);
		int64_t unit = SKT_NS_PER_S;

		if (!part || part > 9)
			return -EINVAL;
		for (; part; part--)
			ns += (*name++ - '0') * (unit /= 10);
	}
	*ret = ns;
	return *name ? -EINVAL : 0;
}

/*
 * 2026-11-22T14:03:07.5Z, and with an offset. What a TIME may be besides (today, 14:03, ...) names no instant for good.
 */
static int read_rfc3339(const char *name, int64_t *ret)
{
	size_t len = strlen(name);
	struct skt_time time;

	if (len < 20 || name[10] != 'T' || (name[len - 1] != 'Z' && name[len - 6] != '+' && name[len - 6] != '-') ||
	    skt_time_parse(name, SKT_ZONE_UTC, 0, &time, NULL) || time.kind != SKT_TIME_INSTANT)
		return -EINVAL;
	*ret = time.ns;
	return 0;
}

static int read_name(const char *name, int64_t *ret)
{
	char text[64];

	if (!name[strspn(name, DIGITS ".")])
		return read_seconds(name, ret);
	/* 20261122T140307Z */
	if (strspn(name, DIGITS) == 8 && name[8] == 'T' && strspn(name + 9, DIGITS) == 6 && strlen(name) < 32) {
		snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%s", name, name + 4, name + 6, name + 9,
			 name + 11, name + 13);
		name = text;
	}
	return read_rfc3339(name, ret);
}

static int add(struct trees *trees, size_t *room, const char *name, struct skt_err *err)
{
	int64_t when;

	if (read_name(name, &when) || when < 0 || when > TREES_WHEN_MAX)
		return skt_err_set(
			err, -EINVAL,
			"'%s' is not named for an instant: 2026-11-22T14:03:07Z, 20261122T140307Z or 1795356187.5",
			name);
	if (trees->n == TREES_MAX)
		return skt_err_set(err, -E2BIG, "more than %zu trees", TREES_MAX);
	if (grow(&trees->trees, room, trees->n, sizeof(*trees->trees)))
		return skt_err_set(err, -ENOMEM, "out of memory");
	trees->trees[trees->n].when = when;
	trees->trees[trees->n].name = strdup(name);
	if (!trees->trees[trees->n].name)
		return skt_err_set(err, -ENOMEM, "out of memory");
	trees->n++;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct named_tree *left = a, *right = b;

	return left->when < right->when ? -1 : left->when > right->when;
}

static int compare_boottimes(const void *a, const void *b)
{
	const struct named_tree *left = a, *right = b;

	if (left->boottime != right->boottime)
		return left->boottime < right->boottime ? -1 : 1;
	return compare(a, b);
}

void trees_order(struct trees *trees)
{
	for (size_t i = 0; i < trees->n; i++)
		if (trees->trees[i].boottime < 0)
			return;
	qsort(trees->trees, trees->n, sizeof(*trees->trees), compare_boottimes);
}

static int list(struct trees *trees, DIR *dir, struct skt_err *err)
{
	const struct dirent *entry;
	size_t room = 0;
	int rc = 0;

	errno = 0;
	while (!rc && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = add(trees, &room, entry->d_name, err);
		errno = 0;
	}
	if (!rc && errno)
		rc = skt_err_sys(err, -errno, "cannot list");
	if (!rc && !trees->n)
		rc = skt_err_set(err, -ENOENT, "there is no tree in it");
	if (rc)
		return rc;
	qsort(trees->trees, trees->n, sizeof(*trees->trees), compare);
	for (size_t i = 1; i < trees->n; i++)
		if (trees->trees[i].when == trees->trees[i - 1].when)
			return skt_err_set(err, -EINVAL, "'%s' and '%s' are the same instant", trees->trees[i - 1].name,
					   trees->trees[i].name);
	return 0;
}

int trees_open(const char *path, struct trees *ret, struct skt_err *err)
{
	struct trees trees = { .dir = path, .fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	int listed = trees.fd < 0 ? -1 : fcntl(trees.fd, F_DUPFD_CLOEXEC, 0), rc;
	DIR *dir = listed < 0 ? NULL : fdopendir(listed);

	if (dir)
		rc = list(&trees, dir, err);
	else
		rc = skt_err_sys(err, -errno, "cannot open");
	if (dir)
		closedir(dir);
	else if (listed >= 0)
		close(listed);
	if (!rc) {
		*ret = trees;
		return 0;
	}
	skt_err_at(err, path, -1);
	trees_release(&trees);
	return rc;
}

void trees_release(struct trees *trees)
{
	for (size_t i = 0; i < trees->n; i++)
		free(trees->trees[i].name);
	free(trees->trees);
	if (trees->fd >= 0)
		close(trees->fd);
	*trees = (struct trees){ .fd = -1 };
}

int trees_tree(const struct trees *trees, size_t i, char *ret_path, size_t size, struct skt_err *err)
{
	int fd = openat(trees->fd, trees->trees[i].name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	snprintf(ret_path, size, "%s/%s", trees->dir, trees->trees[i].name);
	if (fd >= 0)
		return fd;
	skt_err_sys(err, -errno, "cannot open");
	skt_err_at(err, ret_path, -1);
	return err->code;
}
