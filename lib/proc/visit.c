/* SPDX-License-Identifier: MIT */
#include "proc/visit.h"

#include "proc/identity.h"
#include "proc/links.h"
#include "proc/mounts.h"
#include "proc/zombie.h"

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

int visit_begin(struct visit *visit, struct look *look, struct ledger *ledger, struct owners *owners,
		struct ledger_process *process)
{
	*visit = (struct visit){ .look = look, .ledger = ledger, .owners = owners, .process = process, .fds = -1 };
	visit->dir = -EACCES;
	if (!mounts_over(look->mounts, process->pid, MOUNTED_FDS))
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

int visit_ask(const struct tree *tree, int fds, int32_t fd, uint64_t *ret_inode)
{
	char name[16], link[64];
	ssize_t len;

	snprintf(name, sizeof(name), "%d", fd);
	len = tree_link(tree, fds, name, link, sizeof(link));
	*ret_inode = 0;
	if (len == -ENAMETOOLONG) /* it is the path of a file */
		return 0;
	if (len < 0)
		return (int)len;
	*ret_inode = tree_link_inode(link, (size_t)len, "socket");
	return 0;
}

int visit_ask_one(struct visit *visit, int fds, int32_t fd, uint64_t *ret_inode)
{
	int rc = visit_ask(visit->look->tree, fds, fd, ret_inode);

	if (rc == -EINVAL) {
		not_a_link(visit, fd);
		return 0;
	}
	visit->look->snapshot->quality.links += !rc;
	return rc;
}

/* Ask the descriptor of one link: 0, -ENOENT where it is closed, or what is wrong. */
static int read_link(struct visit *visit, struct ledger_link *link)
{
	uint64_t inode;
	int rc = visit_ask_one(visit, visit->fds, link->fd, &inode);

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
		rc = visit_ask_one(visit, visit->fds, fd, &inode);
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

int visit_list_fds(struct visit *visit, int fds)
{
	struct ledger *ledger = visit->ledger;

	return link_list_read(&ledger->scratch, fds, &ledger->names,
			      visit->process->pid == ledger->self ? ledger : NULL);
}

/* Those that were listed, in order, are those that there are. */
static void take_list(struct visit *visit, struct link_list *list)
{
	if (visit->process->zombie)
		links_drop(visit->owners, visit->process);
	links_take(visit->owners, visit->process, list);
	visit->process->count = (uint32_t)visit->process->n_links;
}

int visit_list(struct visit *visit)
{
	struct link_list *list = &visit->ledger->scratch;
	int rc;

	list->n = 0;
	/* it stays open, for they are asked next */
	visit->fds = ledger_open_at(visit->ledger, visit->look, visit->dir, "fd", TREE_DIRECTORY);
	rc = visit_list_fds(visit, visit->fds);
	if (rc)
		return rc;
	link_list_sort(list);
	take_list(visit, list);
	return 0;
}

void visit_take(struct visit *visit, struct link_list *list, const uint64_t *answers)
{
	struct ledger_process *process = visit->process;

	take_list(visit, list);
	for (size_t i = 0; i < process->n_links; i++) {
		struct ledger_link *link = &process->links[i];

		if (answers[i] == VISIT_CLOSED) {
			visit->vanishing = true;
			links_close(visit->owners, process, link);
		} else {
			visit->look->snapshot->quality.links++;
			links_set(visit->owners, process, link, answers[i]);
		}
	}
	links_sweep(process, 0);
}

/* ---- the check ---- */

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

	if (visit->dir < 0 || rc == -ENOMEM || (visit->process->n_links && !visit->vanishing && !tree_is_denied(rc)))
		return rc;
	if (!visit->vanishing && !has_threads(visit))
		return rc;
	stat_rc = identity_stat(visit->look, visit->dir, visit->process->pid, &stat);
	if (stat_rc)
		/* in a tree it may lack: then what fd/ said holds */
		return rc || !visit->look->tree->live ? rc : stat_rc;
	if (!identity_is_zombie(stat.state))
		return rc;
	return visit->vanishing ? -ESRCH : zombie_visit(visit);
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
	if (!tree_is_denied(rc) && rc != -ENOENT && rc != -ESTALE) {
		snprintf(path, sizeof(path), "%u/fd", process->pid);
		tree_err(&err, rc, "cannot read descriptors");
		look_problem(visit->look, &err, path, 0);
	}
	return 1;
}

void visit_leave(struct visit *visit)
{
	if (visit->fds >= 0)
		close(visit->fds);
	if (visit->dir >= 0 && visit->dir != visit->process->handle)
		close(visit->dir);
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
