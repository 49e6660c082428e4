/* SPDX-License-Identifier: MIT */
#include "proc/ledger.h"

#include "base/array.h"
#include "proc/identity.h"
#include "proc/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Descriptors that are left to the rest of the program: tables, directories that are read, the recording. */
#define NOT_FOR_HANDLES 64

/* How many handles are given up when there is no descriptor left. */
#define GIVE_UP 32

void ledger_init(struct ledger *ledger, const struct tree *tree)
{
	struct rlimit limit = { 0, 0 };
	struct stat st;
	char text[16];
	ssize_t len;

	memset(ledger, 0, offsetof(struct ledger, names));
	if (!tree->live)
		return;
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur > (rlim_t)2 * NOT_FOR_HANDLES)
		ledger->max_handles = (size_t)limit.rlim_cur - NOT_FOR_HANDLES;
	if (ledger->max_handles > SKT_PROCESSES_MAX)
		ledger->max_handles = SKT_PROCESSES_MAX;
	len = tree_link(tree, tree->fd, "self", text, sizeof(text));
	if (len > 0) {
		int64_t pid;

		text[len] = '\0';
		pid = tree_number(text, SKT_PID_MAX);
		ledger->self = pid > 0 ? (uint32_t)pid : 0;
	}
	/* we have some open ourselves */
	ledger->counts = !fstatat(tree->fd, "self/fd", &st, 0) && st.st_size > 0;
}

static void drop_handle(struct ledger *ledger, struct ledger_process *process)
{
	if (process->handle < 0)
		return;
	ledger->is_handle[process->handle] = false;
	ledger->n_handles--;
	close(process->handle);
	process->handle = -1;
}

static void release_process(struct ledger *ledger, struct ledger_process *process)
{
	drop_handle(ledger, process);
	free(process->links);
}

void ledger_release(struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->n_processes; i++)
		release_process(ledger, &ledger->processes[i]);
	free(ledger->processes);
	free(ledger->other);
	free(ledger->scratch.links);
	free(ledger->is_handle);
	skt_strtab_unref(ledger->strings);
	memset(ledger, 0, offsetof(struct ledger, names));
}

void ledger_forget(struct ledger *ledger, struct ledger_process *process)
{
	struct ledger_process empty = { .pid = process->pid,
					.entry = process->entry,
					.handle = -1,
					.links = process->links,
					.room_links = process->room_links };

	drop_handle(ledger, process);
	*process = empty;
}

size_t ledger_from(const struct ledger *ledger, uint32_t pid)
{
	return array_below(ledger->processes, ledger->n_processes, sizeof(*ledger->processes),
			   offsetof(struct ledger_process, pid), pid);
}

struct ledger_process *ledger_find(struct ledger *ledger, uint32_t pid)
{
	size_t i = ledger_from(ledger, pid);

	return i < ledger->n_processes && ledger->processes[i].pid == pid ? &ledger->processes[i] : NULL;
}

/* ---- coming and going ---- */

static int compare_processes(const void *a, const void *b)
{
	const struct ledger_process *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* All names that are pids into `other`, in order (a kernel has them so; a tree of files in any). */
static int list_pids(struct ledger *ledger, struct look *look, size_t *ret_n)
{
	int fd = ledger_open_at(ledger, look, look->tree->fd, ".", TREE_DIRECTORY), rc = fd < 0 ? fd : 1;
	const char *name;
	bool sorted = true;
	size_t n = 0;

	names_begin(&ledger->names, fd);
	while (rc > 0 && (rc = names_next(&ledger->names, &name)) > 0) {
		int64_t pid = tree_number(name, SKT_PID_MAX);

		if (pid <= 0)
			continue;
		if (array_room(&ledger->other, &ledger->room_other, n + 1, sizeof(*ledger->other))) {
			rc = -ENOMEM;
			break;
		}
		sorted = sorted && (!n || ledger->other[n - 1].pid < (uint32_t)pid);
		ledger->other[n++] = (struct ledger_process){ .pid = (uint32_t)pid,
							      .entry = look->tree->live ? ledger->names.inode : 0,
							      .handle = -1 };
	}
	if (fd >= 0)
		close(fd);
	if (!sorted)
		qsort(ledger->other, n, sizeof(*ledger->other), compare_processes);
	*ret_n = n;
	return rc;
}

/* Whether something is known of it that must not be told of another. */
static bool is_known(const struct ledger_process *process)
{
	return process->n_sockets || process->identified || process->listed;
}

/* What is known of those that are still there goes over into `other`, which then takes the place. */
static void merge(struct ledger *ledger, size_t n)
{
	struct ledger_process *now = ledger->other, *before = ledger->processes;
	size_t room = ledger->room_other, i = 0;

	for (size_t k = 0; k < n; k++) {
		while (i < ledger->n_processes && before[i].pid < now[k].pid)
			release_process(ledger, &before[i++]);
		if (i < ledger->n_processes && before[i].pid == now[k].pid) {
			uint64_t entry = now[k].entry;
			now[k] = before[i++];
			now[k].same_entry = now[k].entry == entry;
			now[k].entry = entry;
			/*
			 * of whom something is known is asked (check()); of others nothing else says that they are the
			 * same
			 */
			if (!now[k].same_entry && now[k].handle < 0 && !is_known(&now[k]))
				ledger_forget(ledger, &now[k]);
		}
	}
	while (i < ledger->n_processes)
		release_process(ledger, &before[i++]);
	ledger->processes = now;
	ledger->n_processes = n;
	ledger->room_processes = room;
	ledger->other = before;
	ledger->room_other = 0;
}

static bool is_gone(int rc)
{
	return rc == -ENOENT || rc == -ESRCH || rc == -ESTALE;
}

/* Whether it is still the process that it was. */
static void check(struct ledger *ledger, struct look *look, struct ledger_process *process)
{
	struct stat st;
	int dir;

	process->added = false;
	process->looked_at = false;
	if (!look->tree->live) {
		process->n_links = 0;
		process->n_sockets = 0;
		process->identified = false;
		process->denied = false;
		process->no_process = false;
		return;
	}
	if (process->handle >= 0) {
		if (!fstatat(process->handle, "fd", &st, AT_SYMLINK_NOFOLLOW))
			process->count = (uint32_t)st.st_size;
		else if (errno == ENOENT || errno == ESRCH)
			ledger_forget(ledger, process);
		return;
	}
	if (!is_known(process))
		return;
	dir = ledger_open(ledger, look, process);
	if (dir >= 0)
		dir = ledger_close(ledger, look, process, dir);
	/* when nothing more can be opened it is taken to be the same as long as the kernel lists it as the same */
	if (dir < 0 && (is_gone(dir) || !process->same_entry))
		ledger_forget(ledger, process);
}

int ledger_begin(struct ledger *ledger, struct look *look)
{
	size_t n = 0, room = ledger->room_processes;
	int rc = list_pids(ledger, look, &n);

	if (rc == -ENOMEM)
		return rc;
	/* those of a running kernel that cannot be listed are those that were there before, as far as they still are */
	if (rc && look->tree->live) {
		for (size_t i = 0; i < ledger->n_processes; i++)
			ledger->processes[i].same_entry = false;
	} else {
		merge(ledger, rc ? 0 : n);
		ledger->room_other = room;
	}
	for (size_t i = 0; i < ledger->n_processes; i++)
		check(ledger, look, &ledger->processes[i]);
	return rc;
}

/* ---- handles ---- */

/*
 * There is no descriptor left: some of those that we took ourselves are given back, and no more than are left are taken
 * again.
 */
static bool give_up_handles(struct ledger *ledger, int rc)
{
	size_t left = GIVE_UP;

	if ((rc != -EMFILE && rc != -ENFILE) || !ledger->n_handles)
		return false;
	for (size_t i = ledger->n_processes; left && i-- > 0;) {
		struct ledger_process *process = &ledger->processes[i];

		/* without its start time it cannot be told from whoever has its number next */
		if (process->handle < 0 || !process->has_start)
			continue;
		drop_handle(ledger, process);
		left--;
	}
	ledger->max_handles = ledger->n_handles;
	return left < GIVE_UP;
}

int ledger_open_at(struct ledger *ledger, struct look *look, int dir, const char *path, unsigned flags)
{
	int fd = tree_open(look->tree, dir, path, flags);

	if (give_up_handles(ledger, fd))
		fd = tree_open(look->tree, dir, path, flags);
	return fd;
}

/* Its start time through its directory: 0, -ESRCH when it is gone, or why it cannot be known. */
static int read_start(struct ledger *ledger, struct look *look, struct ledger_process *process, int dir)
{
	struct process_stat stat;
	int rc = identity_stat(look, dir, process->pid, &stat);

	if (give_up_handles(ledger, rc))
		rc = identity_stat(look, dir, process->pid, &stat);
	if (rc)
		return rc == -ENOENT ? -ESRCH : rc;
	if (process->has_start && process->start_time != stat.start_time)
		return -ESRCH;
	process->has_start = true;
	process->start_time = stat.start_time;
	return 0;
}

int ledger_open(struct ledger *ledger, struct look *look, struct ledger_process *process)
{
	char name[16];
	int dir, rc;

	if (process->handle >= 0)
		return process->handle;
	/* beneath one it is read only by who has a handle from before */
	if (mounts_over(look->mounts, process->pid, MOUNTED_WHOLE | MOUNTED_FDS))
		return -EACCES;
	snprintf(name, sizeof(name), "%u", process->pid);
	dir = ledger_open_at(ledger, look, look->tree->fd, name, TREE_DIRECTORY | TREE_HANDLE);
	if (dir < 0 || !look->tree->live || !is_known(process))
		return dir;
	rc = process->has_start ? read_start(ledger, look, process, dir) : -ESRCH;
	if (!rc)
		return dir;
	close(dir);
	return rc;
}

static bool take_handle(struct ledger *ledger, struct ledger_process *process, int dir)
{
	size_t room = ledger->room_is_handle;

	if (array_room(&ledger->is_handle, &ledger->room_is_handle, (size_t)dir + 1, sizeof(*ledger->is_handle)))
		return false;
	memset(ledger->is_handle + room, 0, (ledger->room_is_handle - room) * sizeof(*ledger->is_handle));
	ledger->is_handle[dir] = true;
	ledger->n_handles++;
	process->handle = dir;
	return true;
}

bool ledger_is_holder(const struct ledger_process *process)
{
	for (size_t i = 0; i < process->n_links; i++)
		if (process->links[i].row < LINK_ROWS)
			return true;
	return false;
}

int ledger_close(struct ledger *ledger, struct look *look, struct ledger_process *process, int dir)
{
	bool room = ledger->n_handles < ledger->max_handles;
	int rc = 0;

	if (dir == process->handle)
		return 0;
	if (look->tree->live && is_known(process)) {
		/* whoever is a holder is identified in this look, with its start time */
		if (!process->has_start && !(room && ledger_is_holder(process)))
			rc = read_start(ledger, look, process, dir);
		if (!rc && room && take_handle(ledger, process, dir))
			return 0;
		if (!rc && !process->has_start)
			rc = read_start(ledger, look, process, dir);
	}
	close(dir);
	return rc;
}

/* ---- strings ---- */

static int translate(struct skt_strtab *from, struct skt_strtab *to, uint32_t *id)
{
	size_t len;
	const char *bytes = skt_strtab_get(from, *id, &len);

	return skt_strtab_add(to, bytes, len, id);
}

static int translate_identity(struct skt_strtab *from, struct skt_strtab *to, struct skt_process *identity)
{
	int rc = translate(from, to, &identity->comm);

	if (!rc)
		rc = translate(from, to, &identity->exe);
	if (!rc)
		rc = translate(from, to, &identity->cmdline);
	return rc ? rc : translate(from, to, &identity->cgroup);
}

int ledger_translate(struct ledger *ledger, struct look *look)
{
	struct skt_strtab *to = look->snapshot->strings;
	int rc = 0;

	if (ledger->strings == to)
		return 0;
	for (size_t i = 0; !rc && i < ledger->n_processes; i++)
		if (ledger->processes[i].identified)
			rc = translate_identity(ledger->strings, to, &ledger->processes[i].identity);
	for (size_t i = 0; rc && i < ledger->n_processes; i++)
		ledger->processes[i].identified = false;
	skt_strtab_unref(ledger->strings);
	ledger->strings = skt_strtab_ref(to);
	return rc;
}
