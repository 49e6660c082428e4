/* SPDX-License-Identifier: MIT */
#include "proc/visit.h"

#include "base/array.h"
#include "proc/identity.h"
#include "proc/links.h"
#include "proc/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How many numbers are tried in vain for each descriptor that is missing, and at least: there may be holes. */
#define TRIES_EACH 2
#define TRIES_MORE 16

static bool is_denied(int rc)
{
	return rc == -EACCES || rc == -EPERM;
}

int visit_begin(struct visit *visit, struct look *look, struct ledger *ledger, struct owners *owners,
		struct ledger_process *process)
{
	*visit = (struct visit){ .look = look, .ledger = ledger, .owners = owners, .process = process, .fds = -1 };
	visit->dir = -EACCES;
	if (!mounts_cover(look->mounts, process->pid, true))
		visit->dir = ledger_open(ledger, look, process);
	return visit->dir < 0 ? visit->dir : 0;
}

static int open_fds(struct visit *visit)
{
	if (visit->fds >= 0)
		return 0;
	visit->fds = ledger_open_at(visit->ledger, visit->look, visit->dir, "fd", TREE_DIRECTORY | TREE_HANDLE);
	return visit->fds < 0 ? visit->fds : 0;
}

/* ---- links ---- */

/* A descriptor of a tree that is no link: told, and the others are read on. */
static void not_a_link(struct visit *visit, int32_t fd)
{
	struct skt_err err;
	char path[64];

	visit->look->snapshot->quality.malformed++;
	snprintf(path, sizeof(path), "%u/fd/%d", visit->process->pid, fd);
	skt_err_set(&err, -EINVAL, "is no symbolic link");
	look_problem(visit->look, &err, path, 0);
}

/* What a descriptor is: 0 with the inode of a socket, or 0 where it is none; or a negative errno. */
static int ask(struct visit *visit, int fds, int32_t fd, uint64_t *ret_inode)
{
	char name[16], link[64];
	ssize_t len;

	snprintf(name, sizeof(name), "%d", fd);
	len = tree_link(visit->look->tree, fds, name, link, sizeof(link));
	*ret_inode = 0;
	if (len == -EINVAL) {
		not_a_link(visit, fd);
		return 0;
	}
	if (len < 0 && len != -ENAMETOOLONG)
		return (int)len;
	visit->look->snapshot->quality.links++;
	if (len > 0) /* or it is the path of a file */
		*ret_inode = tree_link_inode(link, (size_t)len, "socket");
	return 0;
}

/* Ask the descriptor of one link: 0, -ENOENT where it is closed, or what is wrong. */
static int read_link(struct visit *visit, struct ledger_link *link)
{
	uint64_t inode;
	int rc = ask(visit, visit->fds, link->fd, &inode);

	if (!rc)
		links_set(visit->owners, visit->process, link, inode);
	return rc;
}

int32_t visit_links(struct visit *visit, int32_t from, size_t most, bool unread)
{
	struct ledger_process *process = visit->process;
	size_t first = links_from(process, from), i = first;
	int32_t next = INT32_MAX;
	int rc = open_fds(visit);

	for (; !rc && i < process->n_links; i++) {
		struct ledger_link *link = &process->links[i];

		if (unread && link->row != LINK_UNREAD)
			continue;
		if (!most--) {
			next = link->fd;
			break;
		}
		rc = read_link(visit, link);
		if (rc == -ENOENT) {
			visit->vanishing = true;
			links_close(visit->owners, process, link);
			rc = 0;
		}
	}
	links_sweep(process, first);
	return rc ? rc : next;
}

int visit_lost(struct visit *visit)
{
	struct ledger_process *process = visit->process;
	uint64_t inode;
	int rc = open_fds(visit);

	for (size_t i = 0; !rc && i < process->n_links; i++) {
		struct ledger_link *link = &process->links[i];

		if (!link_is_lost(link))
			continue;
		inode = link->inode;
		rc = read_link(visit, link);
		process->closed += rc == -ENOENT || (!rc && link->inode != inode);
		if (rc == -ENOENT) {
			links_close(visit->owners, process, link);
			rc = 0;
		}
	}
	links_sweep(process, 0);
	return rc;
}

int visit_lowest(struct visit *visit)
{
	struct ledger_process *process = visit->process;
	size_t missing = process->count > process->n_links ? process->count - process->n_links : 0;
	size_t i = 0, tries = missing * TRIES_EACH + TRIES_MORE;
	int rc = open_fds(visit);

	for (int32_t fd = 0; !rc && (missing || visit->owners->n_wanted) && tries; fd++) {
		uint64_t inode;

		if (i < process->n_links && process->links[i].fd == fd) {
			i++;
			continue;
		}
		tries--;
		rc = ask(visit, visit->fds, fd, &inode);
		if (rc == -ENOENT) {
			rc = 0;
			continue;
		}
		if (!rc)
			rc = links_insert(process, i, fd);
		if (rc)
			break;
		links_set(visit->owners, process, &process->links[i++], inode);
		missing -= missing != 0;
	}
	return rc;
}

/* ---- lists ---- */

/* The descriptors in one directory (PID/fd or task/TID/fd) into scratch, behind those that are there, unread. */
static int list_fds(struct visit *visit, int fds)
{
	struct ledger *ledger = visit->ledger;
	int rc = fds < 0 ? fds : 1;
	bool ours = visit->process->pid == ledger->self;
	const char *name;

	names_begin(&ledger->names, fds);
	while (rc > 0 && (rc = names_next(&ledger->names, &name)) > 0) {
		int64_t fd = tree_number(name, INT32_MAX);

		if (fd < 0)
			continue;
		/* handles on directories are no sockets */
		if (ours && (size_t)fd < ledger->room_is_handle && ledger->is_handle[fd])
			continue;
		if (link_list_add(&ledger->scratch, (int32_t)fd))
			rc = -ENOMEM;
	}
	return rc;
}

int visit_list(struct visit *visit)
{
	struct ledger_process *process = visit->process;
	int rc;

	visit->ledger->scratch.n = 0;
	/* it stays open, for they are asked next */
	visit->fds = ledger_open_at(visit->ledger, visit->look, visit->dir, "fd", TREE_DIRECTORY);
	rc = list_fds(visit, visit->fds);
	if (rc)
		return rc;
	if (process->zombie)
		links_drop(visit->owners, visit->process);
	link_list_sort(&visit->ledger->scratch);
	links_take(visit->owners, process, &visit->ledger->scratch);
	process->count = (uint32_t)process->n_links;
	return 0;
}

/* ---- threads of a zombie ---- */

/* The descriptors that one thread shows, asked, behind those of the others in scratch. Fewer when one is closed meanwhile. */
static int read_thread(struct visit *visit, int thread)
{
	struct ledger *ledger = visit->ledger;
	size_t first = ledger->scratch.n, n = first;
	int fds = ledger_open_at(ledger, visit->look, thread, "fd", TREE_DIRECTORY), rc = list_fds(visit, fds);

	for (size_t i = first; !rc && i < ledger->scratch.n; i++) {
		struct ledger_link link = ledger->scratch.links[i];

		rc = ask(visit, fds, link.fd, &link.inode);
		if (!rc)
			ledger->scratch.links[n++] = link;
		else if (rc == -ENOENT)
			rc = 0;
	}
	ledger->scratch.n = n;
	if (fds >= 0)
		close(fds);
	return rc;
}

/* The threads' links, each once, take the place of those that were known. */
static int take_threads(struct visit *visit)
{
	struct ledger_process *process = visit->process;
	struct ledger *ledger = visit->ledger;

	link_list_sort(&ledger->scratch);
	if (array_room(&process->links, &process->room_links, ledger->scratch.n, sizeof(*process->links)))
		return -ENOMEM;
	links_drop(visit->owners, visit->process);
	for (size_t i = 0; i < ledger->scratch.n; i++) {
		const struct ledger_link *link = &ledger->scratch.links[i];

		if (i && !links_compare(link - 1, link))
			continue;
		process->links[process->n_links] = *link;
		process->links[process->n_links++].row = owners_link(visit->owners, link->inode);
		process->n_sockets += link->inode != 0;
	}
	process->zombie = process->n_links != 0;
	process->count = 0;
	return 0;
}

/*
 * The first thread of a process can end with pthread_exit(3) before the others, and then the descriptors of all of
 * them can be seen under task/TID only. (A thread of a living process that has left the common table, unshare(2) with
 * CLONE_FILES, is not looked for: that would be a directory more for each thread of the host.)
 */
static int visit_threads(struct visit *visit)
{
	struct ledger *ledger = visit->ledger;
	int tasks = ledger_open_at(ledger, visit->look, visit->dir, "task", TREE_DIRECTORY), rc = tasks < 0 ? tasks : 1;
	const char *name;

	ledger->scratch.n = 0;
	names_begin(&ledger->threads, tasks);
	while (rc > 0 && (rc = names_next(&ledger->threads, &name)) > 0) {
		int64_t tid = tree_number(name, SKT_PID_MAX);
		int thread;

		if (tid <= 0)
			continue;
		thread = ledger_open_at(ledger, visit->look, tasks, name, TREE_DIRECTORY | TREE_HANDLE);
		if (thread < 0)
			continue;
		rc = read_thread(visit, thread);
		close(thread);
		/* the leader itself is among them, and denied to all but root */
		rc = is_denied(rc) && tid == visit->process->pid ? 0 : rc;
		rc = rc == -ENOENT || rc == -ESRCH || !rc ? 1 : rc;
	}
	if (tasks >= 0)
		close(tasks);
	rc = rc == -ENOENT ? 0 : rc;
	return rc ? rc : take_threads(visit);
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

int visit_check(struct visit *visit, int rc)
{
	struct process_stat stat;
	int stat_rc;

	if (visit->dir < 0 || rc == -ENOMEM || (visit->process->n_links && !visit->vanishing && !is_denied(rc)))
		return rc;
	if (!visit->vanishing && !has_threads(visit))
		return rc;
	stat_rc = identity_stat(visit->look, visit->dir, visit->process->pid, &stat);
	if (stat_rc)
		/* in a tree it may lack: then what fd/ said holds */
		return rc || !visit->look->tree->live ? rc : stat_rc;
	if (!identity_is_zombie(stat.state))
		return rc;
	return visit->vanishing ? -ESRCH : visit_threads(visit);
}

int visit_whole(struct visit *visit)
{
	int rc = visit_list(visit);

	if (!rc) {
		int32_t next = visit_links(visit, 0, SIZE_MAX, false);

		rc = next < 0 ? next : 0;
	}
	return visit_check(visit, rc);
}

/* ---- the end ---- */

/* What is told as a problem is what neither exit nor permission explains. */
static int fail(struct visit *visit, int rc)
{
	struct ledger_process *process = visit->process;
	struct skt_err err;
	char path[32];

	links_drop(visit->owners, visit->process);
	if (rc == -ENOMEM || rc == -E2BIG)
		return rc;
	if (visit->look->tree->live && (rc == -ENOENT || rc == -ESRCH)) {
		visit->look->snapshot->quality.vanished++;
		return 1;
	}
	if (rc == -ENOTDIR) { /* a file of a tree, whatever it is: not a process */
		process->no_process = true;
		return 1;
	}
	process->denied = true;
	if (!is_denied(rc) && rc != -ENOENT && rc != -ESTALE) {
		snprintf(path, sizeof(path), "%u/fd", process->pid);
		tree_err(&err, rc, "cannot read descriptors");
		look_problem(visit->look, &err, path, 0);
	}
	return 1;
}

int visit_end(struct visit *visit, int rc)
{
	if (visit->fds >= 0)
		close(visit->fds);
	visit->process->looked_at = true;
	if (visit->dir >= 0) {
		int close_rc = ledger_close(visit->ledger, visit->look, visit->process, visit->dir);

		rc = rc ? rc : close_rc;
	}
	if (rc)
		return fail(visit, rc);
	visit->process->denied = false;
	return 0;
}
