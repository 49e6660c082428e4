/* SPDX-License-Identifier: MIT */
#include "proc/residents.h"

#include "base/array.h"
#include "proc/mounts.h"
#include "proc/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Who is younger is asked at each look, and everybody at two of them at least, however far apart they are. */
#define YOUNG_NS    INT64_C(2000000000)
#define YOUNG_LOOKS 2

/* A file that every namespace has, and of which the inode is its own as long as it lives (fs/proc/generic.c). */
#define OWN_FILE "net/dev"

void residents_init(struct residents *residents)
{
	memset(residents, 0, sizeof(*residents));
}

void residents_release(struct residents *residents)
{
	free(residents->list);
	free(residents->listed);
	residents_init(residents);
}

void residents_begin(struct residents *residents, const struct tree *tree, uint64_t own)
{
	struct stat st;

	residents->own = own;
	if (tree->live && !fstatat(tree->fd, OWN_FILE, &st, 0))
		residents->own_file = st.st_ino;
}

/* ---- asking ---- */

/*
 * Where a process or thread lives: 0, or what is wrong. Whoever may not be asked may still be seen to live where we
 * do: the files of his net/ are ours. So on a host without containers nothing is denied to anybody. What lies beneath a
 * mount is not asked, and does not lend its tables: both may be another's.
 */
static int ask(struct namespaces *all, const struct look *look, uint32_t pid, uint32_t thread, uint64_t *ret_inode)
{
	bool hidden = mounts_over(look->mounts, pid, MOUNTED_WHOLE | MOUNTED_NS);
	bool hidden_net = mounts_over(look->mounts, pid, MOUNTED_WHOLE | MOUNTED_NET);
	struct netns who = { .pid = pid, .thread = thread };
	char path[NETNS_PATH_SIZE + sizeof("/" OWN_FILE)];
	struct stat st;
	size_t len;
	int rc;

	netns_path(&who, path);
	len = strlen(path);
	strcpy(path + len, "/ns/net");
	rc = hidden ? -EACCES : netns_read(look, look->tree->fd, path, ret_inode);
	if (!rc && *ret_inode != all->residents.own)
		return hidden_net ? -EACCES : namespaces_take(all, look, pid, thread, path, *ret_inode);
	if (!tree_is_denied(rc) || !all->residents.own_file || hidden_net)
		return rc;
	strcpy(path + len, "/" OWN_FILE);
	if (fstatat(look->tree->fd, path, &st, 0) < 0)
		return errno == ENOENT || errno == ESRCH ? -errno : rc;
	if (st.st_ino != all->residents.own_file)
		return rc;
	*ret_inode = all->residents.own;
	return 0;
}

/*
 * What came of asking: only without memory it cannot go on. Who has gone lives nowhere, and a tree need not say; all
 * others may live anywhere.
 */
static int note(const struct look *look, struct resident *resident, int rc)
{
	bool silent = look->tree->live ? rc == -ENOENT || rc == -ESRCH : rc != -E2BIG && !tree_is_denied(rc);

	if (rc && rc != -ENOMEM && !silent)
		resident->denied = true;
	return rc == -ENOMEM ? rc : 0;
}

/* On a live /proc one call tells whether there is more than one thread. */
static bool has_threads(const struct look *look, const char *path)
{
	struct stat st;

	return !look->tree->live || (!fstatat(look->tree->fd, path, &st, AT_SYMLINK_NOFOLLOW) && st.st_nlink > 3);
}

static int ask_threads(struct namespaces *all, const struct look *look, struct resident *resident)
{
	char path[NETNS_PATH_SIZE];
	const char *name;
	int tasks, rc;

	snprintf(path, sizeof(path), "%u/task", resident->pid);
	if (!has_threads(look, path))
		return 0;
	tasks = tree_open(look->tree, look->tree->fd, path, TREE_DIRECTORY);
	if (tasks < 0)
		return note(look, resident, tasks);
	names_begin(&all->residents.threads, tasks);
	while ((rc = names_next(&all->residents.threads, &name)) > 0) {
		int64_t thread = tree_number(name, SKT_PID_MAX);
		uint64_t inode;

		if (thread <= 0 || thread == (int64_t)resident->pid)
			continue;
		rc = note(look, resident, ask(all, look, resident->pid, (uint32_t)thread, &inode));
		if (rc)
			break;
	}
	close(tasks);
	return note(look, resident, rc);
}

static int ask_resident(struct namespaces *all, const struct look *look, struct resident *resident)
{
	int rc;

	resident->denied = false;
	resident->inode = 0;
	rc = note(look, resident, ask(all, look, resident->pid, 0, &resident->inode));
	return rc ? rc : ask_threads(all, look, resident);
}

/* ---- who is there ---- */

static int compare_residents(const void *a, const void *b)
{
	const struct resident *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* What is known of those that were there before goes over to those that are listed. */
static void take_over(struct residents *residents, size_t n_listed)
{
	struct resident *before = residents->list;
	size_t room = residents->room;

	for (size_t i = 0, at = 0; i < n_listed; i++) {
		while (at < residents->n && before[at].pid < residents->listed[i].pid)
			at++;
		if (at < residents->n && before[at].pid == residents->listed[i].pid)
			residents->listed[i] = before[at];
	}
	residents->list = residents->listed;
	residents->room = residents->room_listed;
	residents->n = n_listed;
	residents->listed = before;
	residents->room_listed = room;
}

int residents_list(struct residents *residents, const struct look *look, int64_t now)
{
	int fd = tree_open(look->tree, look->tree->fd, ".", TREE_DIRECTORY), rc = fd < 0 ? fd : 1;
	/* at the first look there is no telling who is young: everybody is asked once */
	struct resident resident = { .since = residents->begun ? now : now - YOUNG_NS,
				     .asked = residents->begun ? 0 : YOUNG_LOOKS - 1 };
	size_t n = 0;
	const char *name;

	names_begin(&residents->processes, fd);
	while (rc > 0 && (rc = names_next(&residents->processes, &name)) > 0) {
		int64_t pid = tree_number(name, SKT_PID_MAX);

		if (pid <= 0)
			continue;
		resident.pid = (uint32_t)pid;
		if (array_room(&residents->listed, &residents->room_listed, n + 1, sizeof(*residents->listed)))
			rc = -ENOMEM;
		else
			residents->listed[n++] = resident;
	}
	if (fd >= 0)
		close(fd);
	if (rc) {
		look->snapshot->quality.netns_denied++;
		return rc == -ENOMEM ? rc : 0;
	}
	if (n)
		qsort(residents->listed, n, sizeof(*residents->listed), compare_residents);
	take_over(residents, n);
	return 0;
}

/* Who was seen there before is asked first. */
static int ask_neighbours(struct namespaces *all, const struct look *look)
{
	int rc = 0;

	for (size_t i = 1; !rc && all->without && i < all->n; i++) {
		uint64_t inode = all->list[i].inode;

		if (all->list[i].dead)
			continue;

		/* asking may add to the list, and moves it then */
		for (size_t k = 0; !rc && k < all->residents.n && !all->list[i].pid; k++)
			if (all->residents.list[k].inode == inode)
				rc = ask_resident(all, look, &all->residents.list[k]);
	}
	return rc;
}

/* ---- rounds ---- */

static int ask_young(struct namespaces *all, const struct look *look, int64_t now)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < all->residents.n; i++) {
		struct resident *resident = &all->residents.list[i];

		if (resident->asked >= YOUNG_LOOKS && now - resident->since >= YOUNG_NS)
			continue;
		resident->asked += resident->asked < YOUNG_LOOKS;
		rc = ask_resident(all, look, resident);
	}
	return rc;
}

/* Ask the next one of the round, by place; behind the last one it ends. */
static int ask_next(struct namespaces *all, const struct look *look, size_t *at)
{
	int rc = *at < all->residents.n ? ask_resident(all, look, &all->residents.list[*at]) : 0;

	if (++*at < all->residents.n) {
		all->residents.next = all->residents.list[*at].pid;
		return rc;
	}
	*at = 0;
	all->residents.next = 0;
	all->residents.round++;
	return rc;
}

/* Where the round goes on. */
static size_t next_place(const struct namespaces *all)
{
	return array_below(all->residents.list, all->residents.n, sizeof(*all->residents.list),
			   offsetof(struct resident, pid), all->residents.next);
}

/* What is spent at a look on those that have lost their lender: a twentieth of the interval, but not nothing. */
static int64_t budget(const struct look *look)
{
	const int64_t least = 2000000;

	if (!look->tree->live || !look->options->interval)
		return INT64_MAX;
	return look->options->interval / 20 < least ? least : look->options->interval / 20;
}

/*
 * The slice that is due; and where somebody is wanted, as much as the budget allows, until he is found or nobody is
 * left to be asked. A tree does not cost much, and has moved in no time: there everybody is asked.
 */
static int ask_round(struct namespaces *all, const struct look *look, int64_t now)
{
	int64_t full_walk = look->options->full_walk ? look->options->full_walk : SKT_FULL_WALK;
	int64_t passed = now - all->residents.last, start = look_clock(look, NULL);
	uint64_t round = all->residents.round, wanted = 0;
	size_t at = next_place(all), due;
	int rc = 0;

	if (passed < 0 || passed > full_walk || !look->tree->live)
		passed = full_walk;
	due = (size_t)((double)all->residents.n * (double)passed / (double)full_walk) + 1;
	while (!rc && due-- && all->residents.round == round)
		rc = ask_next(all, look, &at);
	for (size_t i = 1; i < all->n; i++)
		if (!all->list[i].pid && !all->list[i].dead && all->list[i].round > wanted)
			wanted = all->list[i].round;
	while (!rc && all->without && all->residents.round <= wanted && look_clock(look, NULL) - start < budget(look))
		rc = ask_next(all, look, &at);
	return rc;
}

int residents_ask(struct namespaces *all, const struct look *look, int64_t now)
{
	struct residents *residents = &all->residents;
	int rc = ask_young(all, look, now);

	if (!rc)
		rc = ask_neighbours(all, look);
	if (!rc && (residents->begun || all->without))
		rc = ask_round(all, look, now);
	residents->begun |= !rc;
	residents->last = now;
	return rc;
}

uint64_t residents_next_round(const struct residents *residents)
{
	return residents->next ? residents->round + 1 : residents->round;
}

uint32_t residents_denied(const struct residents *residents, const struct look *look)
{
	uint32_t denied = 0;

	for (size_t i = 0; i < residents->n; i++)
		denied += residents->list[i].denied;
	/* there is always a pid 1: where it is not shown, neither are others (hidepid=2, proc(5)) */
	if (look->tree->live && (!residents->n || residents->list[0].pid != 1))
		denied++;
	return denied;
}
