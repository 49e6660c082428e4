/* SPDX-License-Identifier: MIT */
#include "proc/walk.h"

#include "base/array.h"
#include "proc/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* One process while its descriptors are looked at. */
struct visit {
	struct walk *walk;
	struct look *look;
	struct owners *owners;
	uint32_t pid;
	int dir;	/* PID */
	int thread;	/* task/TID of a thread that has descriptors though the leader is a zombie, or -1 */
	uint64_t links; /* descriptors that were listed */
	bool vanishing; /* one of them was gone when it was asked */
};

void walk_init(struct walk *walk)
{
	walk->pids = NULL;
	walk->n_pids = 0;
	walk->room_pids = 0;
}

void walk_release(struct walk *walk)
{
	free(walk->pids);
	walk_init(walk);
}

static bool is_denied(int rc)
{
	return rc == -EACCES || rc == -EPERM;
}

static int compare_pids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* All names that are pids, in order (a kernel has them so; a tree of files in any). 0 or negative errno. */
static int list_pids(struct walk *walk, struct look *look)
{
	int fd = tree_open(look->tree, look->tree->fd, ".", TREE_DIRECTORY), rc = fd < 0 ? fd : 1;
	const char *name;

	walk->n_pids = 0;
	names_begin(&walk->processes, fd);
	while (rc > 0 && (rc = names_next(&walk->processes, &name)) > 0) {
		int64_t pid = tree_number(name, SKT_PID_MAX);

		if (pid <= 0)
			continue;
		if (array_room(&walk->pids, &walk->room_pids, walk->n_pids + 1, sizeof(*walk->pids)))
			rc = -ENOMEM;
		else
			walk->pids[walk->n_pids++] = (uint32_t)pid;
	}
	if (fd >= 0)
		close(fd);
	for (size_t i = 1; !rc && i < walk->n_pids; i++) {
		if (walk->pids[i - 1] < walk->pids[i])
			continue;
		qsort(walk->pids, walk->n_pids, sizeof(*walk->pids), compare_pids);
		break;
	}
	return rc;
}

/* A descriptor of a tree that is no link: told, and the others are read on. */
static int not_a_link(struct visit *visit, const char *name)
{
	struct skt_err err;
	char path[64];

	visit->look->snapshot->quality.malformed++;
	snprintf(path, sizeof(path), "%u/fd/%s", visit->pid, name);
	skt_err_set(&err, -EINVAL, "is no symbolic link");
	look_problem(visit->look, &err, path, 0);
	return 0;
}

/* One descriptor: 0, or what is wrong. One that was closed meanwhile is no link, and nothing is wrong. */
static int visit_fd(struct visit *visit, int fds, const char *name)
{
	int64_t fd = tree_number(name, INT32_MAX);
	char link[64];
	uint32_t inode;
	ssize_t len;

	if (fd < 0)
		return 0;
	visit->links++;
	len = tree_link(visit->look->tree, fds, name, link, sizeof(link));
	if (len == -ENOENT) {
		visit->vanishing = true;
		return 0;
	}
	if (len == -EINVAL)
		return not_a_link(visit, name);
	if (len < 0 && len != -ENAMETOOLONG)
		return (int)len;
	visit->look->snapshot->quality.links++;
	if (len < 0) /* the path of a file */
		return 0;
	inode = owners_find(visit->owners, visit->look, tree_link_inode(link, (size_t)len, "socket"));
	return inode == MAP_NONE ? 0 : owners_add(visit->owners, inode, visit->pid, (int32_t)fd);
}

/* The descriptors in one directory (PID/fd or task/TID/fd): 0, or what is wrong. */
static int visit_fds(struct visit *visit, int dir)
{
	int fds = tree_open(visit->look->tree, dir, "fd", TREE_DIRECTORY), rc = fds < 0 ? fds : 1;
	const char *name;

	names_begin(&visit->walk->fds, fds);
	while (rc > 0 && (rc = names_next(&visit->walk->fds, &name)) > 0) {
		rc = visit_fd(visit, fds, name);
		rc = rc ? rc : 1;
	}
	if (fds >= 0)
		close(fds);
	return rc;
}

/*
 * The threads of a zombie: the first of a process can end with pthread_exit(3) before the others, and then the
 * descriptors of all of them can be seen under task/TID only. (A thread of a living process that has left the
 * common table, unshare(2) with CLONE_FILES, is not looked for: that would be a directory more for each thread
 * of the host.)
 */
static int visit_threads(struct visit *visit)
{
	int tasks = tree_open(visit->look->tree, visit->dir, "task", TREE_DIRECTORY), rc = tasks < 0 ? tasks : 1;
	const char *name;

	names_begin(&visit->walk->threads, tasks);
	while (rc > 0 && (rc = names_next(&visit->walk->threads, &name)) > 0) {
		uint64_t links = visit->links;
		int thread;

		if (tree_number(name, SKT_PID_MAX) <= 0)
			continue;
		thread = tree_open(visit->look->tree, tasks, name, TREE_DIRECTORY | TREE_HANDLE);
		if (thread < 0)
			continue;
		rc = visit_fds(visit, thread);
		/* the leader itself is among them, and denied to all but root */
		rc = is_denied(rc) && tree_number(name, SKT_PID_MAX) == visit->pid ? 0 : rc;
		rc = rc == -ENOENT || rc == -ESRCH || !rc ? 1 : rc;
		if (visit->thread < 0 && visit->links > links)
			visit->thread = thread;
		else
			close(thread);
	}
	if (tasks >= 0)
		close(tasks);
	return rc;
}

/*
 * Whether it may be a zombie with living threads. Asked of whoever shows no descriptors, so most often of a kernel
 * thread: on a live /proc the directory of its threads tells with one call that there is only one.
 */
static bool has_threads(const struct visit *visit)
{
	struct stat st;

	if (!visit->look->tree->live)
		return true;
	return fstatat(visit->dir, "task", &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_nlink > 3;
}

/* All descriptors of the process, wherever they can be seen: 0, or what is wrong. */
static int visit_process(struct visit *visit)
{
	struct process_stat stat;
	int rc = visit_fds(visit, visit->dir), stat_rc;

	if (rc == -ENOMEM || (visit->links && !visit->vanishing && !is_denied(rc)))
		return rc;
	if (!visit->vanishing && !has_threads(visit))
		return rc;
	stat_rc = identity_stat(visit->look, visit->dir, visit->pid, &stat);
	if (stat_rc)
		/* in a tree it may lack: then what fd/ said holds */
		return rc || !visit->look->tree->live ? rc : stat_rc;
	if (!identity_is_zombie(stat.state))
		return rc;
	if (visit->vanishing)
		return -ESRCH;
	rc = visit_threads(visit);
	return rc == -ENOENT ? 0 : rc;
}

/* Name the process of the links that were found since `mark`. */
static int name_links(struct visit *visit, struct family *family, size_t mark)
{
	struct skt_process process;
	uint32_t slot;
	int rc = identity_read(visit->look, visit->dir, visit->thread, visit->pid, &process);

	if (!rc)
		rc = family_add(family, visit->look, &process, &slot);
	for (size_t i = mark; !rc && i < visit->owners->n_links_all; i++)
		visit->owners->links[i].process = slot;
	return rc;
}

/* Count what came of a process. What is told as a problem is what neither exit nor permission explains. */
static int count(struct visit *visit, int rc)
{
	struct skt_quality *quality = &visit->look->snapshot->quality;
	struct skt_err err;
	char path[32];

	if (!rc) {
		quality->processes++;
		return 0;
	}
	if (rc == -ENOMEM || rc == -E2BIG)
		return rc;
	if (visit->look->tree->live && (rc == -ENOENT || rc == -ESRCH)) {
		quality->vanished++;
		return 0;
	}
	quality->denied++;
	if (!is_denied(rc) && rc != -ENOENT && rc != -ESTALE) {
		snprintf(path, sizeof(path), "%u/fd", visit->pid);
		tree_err(&err, rc, "cannot read descriptors");
		look_problem(visit->look, &err, path, 0);
	}
	return 0;
}

static int walk_process(struct walk *walk, struct look *look, struct owners *owners, struct family *family,
			uint32_t pid)
{
	struct visit visit = { .walk = walk, .look = look, .owners = owners, .pid = pid, .thread = -1 };
	size_t mark = owners->n_links_all;
	char name[16];
	int rc;

	snprintf(name, sizeof(name), "%u", pid);
	visit.dir = tree_open(look->tree, look->tree->fd, name, TREE_DIRECTORY | TREE_HANDLE);
	if (visit.dir == -ENOTDIR) /* a file of a tree, whatever it is: not a process */
		return 0;
	rc = visit.dir < 0 ? visit.dir : visit_process(&visit);
	if (!rc && owners->n_links_all > mark)
		rc = name_links(&visit, family, mark);
	if (rc)
		owners->n_links_all = mark; /* whose they were is not known */
	if (visit.thread >= 0)
		close(visit.thread);
	if (visit.dir >= 0)
		close(visit.dir);
	return count(&visit, rc);
}

int walk_all(struct walk *walk, struct look *look, struct owners *owners, struct family *family, bool *ret_searched)
{
	struct skt_quality *quality = &look->snapshot->quality;
	struct skt_err err;
	int64_t start = look_clock(look, NULL);
	int rc = list_pids(walk, look);

	if (rc && rc != -ENOMEM) {
		skt_err_sys(&err, rc, "cannot list processes");
		look_problem(look, &err, "", 0);
		quality->denied++;
		rc = 0;
	}
	/* there is always a pid 1: where it is not shown, neither are others (hidepid=2, proc(5)) */
	if (look->tree->live && (!walk->n_pids || walk->pids[0] != 1))
		quality->denied++;
	for (size_t i = 0; !rc && i < walk->n_pids; i++)
		rc = walk_process(walk, look, owners, family, walk->pids[i]);
	*ret_searched = walk->n_pids || look->tree->live;
	quality->walk = *ret_searched ? SKT_WALK_FULL : SKT_WALK_NONE;
	quality->walk_us = look_microseconds(look, start);
	return rc;
}
