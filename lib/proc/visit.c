/* SPDX-License-Identifier: MIT */
#include "proc/visit.h"

#include "base/array.h"
#include "proc/identity.h"
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

static void set_link(struct visit *visit, struct ledger_link *link, uint64_t inode)
{
	if (link->inode == inode && (link->row < LINK_ROWS || link->row == LINK_NONE || link->row == LINK_STRANGE))
		return;
	if (link->inode != inode)
		visit->process->moved = visit->owners->look;
	visit->process->n_sockets -= link->inode != 0;
	visit->process->n_sockets += inode != 0;
	owners_unlink(visit->owners, link->row);
	link->inode = inode;
	link->row = owners_link(visit->owners, inode);
}

static void drop_link(struct visit *visit, const struct ledger_link *link)
{
	visit->process->moved = visit->owners->look;
	visit->process->n_sockets -= link->inode != 0;
	owners_unlink(visit->owners, link->row);
}

static void drop_links(struct visit *visit)
{
	for (size_t i = 0; i < visit->process->n_links; i++)
		drop_link(visit, &visit->process->links[i]);
	visit->process->n_links = 0;
	visit->process->visited = false;
	visit->process->zombie = false;
}

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

static size_t find_link(const struct ledger_process *process, int32_t fd)
{
	/* none is negative */
	return array_below(process->links, process->n_links, sizeof(*process->links), offsetof(struct ledger_link, fd),
			   (uint32_t)fd);
}

/* Ask the descriptor of one link: 0, -ENOENT where it is closed, or what is wrong. */
static int read_link(struct visit *visit, struct ledger_link *link)
{
	uint64_t inode;
	int rc = ask(visit, visit->fds, link->fd, &inode);

	if (!rc)
		set_link(visit, link, inode);
	return rc;
}

/* Take out the links that were closed: those whose fd is negative. */
static void sweep(struct ledger_process *process, size_t from)
{
	size_t n = from;

	for (size_t i = from; i < process->n_links; i++)
		if (process->links[i].fd >= 0)
			process->links[n++] = process->links[i];
	process->n_links = n;
}

int32_t visit_links(struct visit *visit, int32_t from, size_t most, bool unread)
{
	struct ledger_process *process = visit->process;
	size_t first = find_link(process, from), i = first;
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
			drop_link(visit, link);
			link->fd = -1;
			rc = 0;
		}
	}
	sweep(process, first);
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
			drop_link(visit, link);
			link->fd = -1;
			rc = 0;
		}
	}
	sweep(process, 0);
	return rc;
}

/* Add a link in its place. 0 or -ENOMEM. */
static int insert_link(struct ledger_process *process, size_t at, int32_t fd)
{
	if (array_room(&process->links, &process->room_links, process->n_links + 1, sizeof(*process->links)))
		return -ENOMEM;
	memmove(process->links + at + 1, process->links + at, (process->n_links - at) * sizeof(*process->links));
	process->links[at] = (struct ledger_link){ .fd = fd, .row = LINK_UNREAD };
	process->n_links++;
	return 0;
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
			rc = insert_link(process, i, fd);
		if (rc)
			break;
		set_link(visit, &process->links[i++], inode);
		missing -= missing != 0;
	}
	return rc;
}

/* ---- lists ---- */

static int compare_links(const void *a, const void *b)
{
	const struct ledger_link *x = a, *y = b;

	if (x->fd != y->fd)
		return x->fd < y->fd ? -1 : 1;
	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

/* The descriptors in one directory (PID/fd or task/TID/fd) into scratch, behind those that are there, unread. */
static int list_fds(struct visit *visit, int dir)
{
	struct ledger *ledger = visit->ledger;
	int fds = ledger_open_at(ledger, visit->look, dir, "fd", TREE_DIRECTORY), rc = fds < 0 ? fds : 1;
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
		if (array_room(&ledger->scratch, &ledger->room_scratch, ledger->n_scratch + 1,
			       sizeof(*ledger->scratch)))
			rc = -ENOMEM;
		else
			ledger->scratch[ledger->n_scratch++] =
				(struct ledger_link){ .fd = (int32_t)fd, .row = LINK_UNREAD };
	}
	if (fds >= 0)
		close(fds);
	return rc;
}

static void sort_scratch(struct ledger *ledger)
{
	for (size_t i = 1; i < ledger->n_scratch; i++) {
		if (compare_links(&ledger->scratch[i - 1], &ledger->scratch[i]) < 0)
			continue;
		qsort(ledger->scratch, ledger->n_scratch, sizeof(*ledger->scratch), compare_links);
		break;
	}
}

/* What is known of those that are still there goes over into scratch, which takes the place of the links. */
static void merge_scratch(struct visit *visit)
{
	struct ledger_process *process = visit->process;
	struct ledger *ledger = visit->ledger;
	struct ledger_link *links = process->links;
	size_t room = process->room_links, n = ledger->n_scratch, i = 0;

	for (size_t k = 0; k < n; k++) {
		while (i < process->n_links && links[i].fd < ledger->scratch[k].fd)
			drop_link(visit, &links[i++]);
		if (i < process->n_links && links[i].fd == ledger->scratch[k].fd)
			ledger->scratch[k] = links[i++];
	}
	while (i < process->n_links)
		drop_link(visit, &links[i++]);
	/* where nothing has come or gone its own array stays, for it has just the room it needs */
	if (n <= room) {
		if (n)
			memcpy(links, ledger->scratch, n * sizeof(*links));
	} else {
		process->links = ledger->scratch;
		process->room_links = ledger->room_scratch;
		ledger->scratch = links;
		ledger->room_scratch = room;
	}
	process->n_links = n;
}

int visit_list(struct visit *visit)
{
	struct ledger_process *process = visit->process;
	int rc;

	visit->ledger->n_scratch = 0;
	rc = list_fds(visit, visit->dir);
	if (rc)
		return rc;
	if (process->zombie)
		drop_links(visit);
	sort_scratch(visit->ledger);
	merge_scratch(visit);
	process->count = (uint32_t)process->n_links;
	return 0;
}

/* ---- threads of a zombie ---- */

/* The descriptors that one thread shows, asked, behind those of the others in scratch. Fewer when one is closed meanwhile. */
static int read_thread(struct visit *visit, int thread)
{
	struct ledger *ledger = visit->ledger;
	size_t first = ledger->n_scratch, n = first;
	int fds, rc = list_fds(visit, thread);

	if (rc)
		return rc;
	fds = ledger_open_at(ledger, visit->look, thread, "fd", TREE_DIRECTORY | TREE_HANDLE);
	rc = fds < 0 ? fds : 0;
	for (size_t i = first; !rc && i < ledger->n_scratch; i++) {
		struct ledger_link link = ledger->scratch[i];

		rc = ask(visit, fds, link.fd, &link.inode);
		if (!rc)
			ledger->scratch[n++] = link;
		else if (rc == -ENOENT)
			rc = 0;
	}
	ledger->n_scratch = n;
	if (fds >= 0)
		close(fds);
	return rc;
}

/* The threads' links, each once, take the place of those that were known. */
static int take_threads(struct visit *visit)
{
	struct ledger_process *process = visit->process;
	struct ledger *ledger = visit->ledger;

	sort_scratch(ledger);
	if (array_room(&process->links, &process->room_links, ledger->n_scratch, sizeof(*process->links)))
		return -ENOMEM;
	drop_links(visit);
	for (size_t i = 0; i < ledger->n_scratch; i++) {
		const struct ledger_link *link = &ledger->scratch[i];

		if (i && !compare_links(link - 1, link))
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

	ledger->n_scratch = 0;
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

	drop_links(visit);
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
