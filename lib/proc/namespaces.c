/* SPDX-License-Identifier: MIT */
#include "proc/namespaces.h"

#include "base/array.h"
#include "proc/mounts.h"
#include "proc/residents.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Newer than most headers (linux/nsfs.h). */
#ifndef NS_GET_ID
#define NS_GET_ID _IOR(0xb7, 13, uint64_t)
#endif

void namespaces_init(struct namespaces *all)
{
	all->list = NULL;
	all->n = 0;
	all->room = 0;
	residents_init(&all->residents);
}

void namespaces_release(struct namespaces *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->list[i].pin >= 0)
			close(all->list[i].pin);
	free(all->list);
	residents_release(&all->residents);
	namespaces_init(all);
}

static int add_netns(struct namespaces *all, const struct netns *netns)
{
	if (array_room(&all->list, &all->room, all->n + 1, sizeof(*all->list)))
		return -ENOMEM;
	all->list[all->n++] = *netns;
	return 0;
}

int namespaces_begin(struct namespaces *all, const struct tree *tree, uint64_t own)
{
	struct netns netns = { .inode = own, .own = true, .pin = -1, .read_at = INT64_MIN };
	struct rlimit limit;

	/* others need descriptors as well */
	all->pins_max = !getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur / 4 < NETNS_MAX
				? (uint32_t)(limit.rlim_cur / 4)
				: NETNS_MAX;
	residents_begin(&all->residents, tree, own);
	return add_netns(all, &netns);
}

void netns_path(const struct netns *netns, char path[NETNS_PATH_SIZE])
{
	if (netns->own)
		path[0] = '\0';
	else if (netns->thread)
		snprintf(path, NETNS_PATH_SIZE, "%u/task/%u", netns->pid, netns->thread);
	else
		snprintf(path, NETNS_PATH_SIZE, "%u", netns->pid);
}

int netns_read(const struct look *look, int dir, const char *path, uint64_t *ret)
{
	char link[64];
	ssize_t len = tree_link(look->tree, dir, path, link, sizeof(link));

	if (len < 0)
		return (int)len;
	*ret = tree_link_inode(link, (size_t)len, "net");
	return *ret ? 0 : -ENOENT;
}

uint64_t netns_id(int fd)
{
	uint64_t id;

	return ioctl(fd, NS_GET_ID, &id) ? 0 : id;
}

bool netns_is_there(const struct netns *netns, const struct look *look, int dir)
{
	uint64_t inode = 0;

	return netns->own || (!netns_read(look, dir, "ns/net", &inode) && inode == netns->inode);
}

static void forget(struct namespaces *all, size_t i)
{
	if (all->list[i].pin >= 0) {
		close(all->list[i].pin);
		all->pins--;
	}
	memmove(all->list + i, all->list + i + 1, (all->n - i - 1) * sizeof(*all->list));
	all->n--;
}

static struct netns *find(const struct namespaces *all, uint64_t inode)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->list[i].inode == inode)
			return &all->list[i];
	return NULL;
}

/*
 * Make sure of the number that a process was seen with. Returns 0 with a pin (-1: go on without), and the number that
 * the pin has, for he may have moved meanwhile; or what is wrong.
 */
static int pin(const struct namespaces *all, const struct look *look, const char *path, uint64_t *inode, int *ret)
{
	struct stat st;

	*ret = -1;
	if (!look->tree->live || all->pins >= all->pins_max)
		return 0;
	*ret = tree_open(look->tree, look->tree->fd, path, TREE_LINKS);
	if (*ret == -EMFILE || *ret == -ENFILE) {
		*ret = -1;
		return 0;
	}
	if (*ret < 0)
		return *ret;
	if (fstat(*ret, &st) < 0) {
		int rc = -errno;

		close(*ret);
		return rc;
	}
	*inode = st.st_ino;
	return 0;
}

int namespaces_take(struct namespaces *all, const struct look *look, uint32_t pid, uint32_t thread, const char *path,
		    uint64_t inode)
{
	struct netns *known = find(all, inode);
	struct netns netns = { .inode = inode, .pid = pid, .thread = thread, .pin = -1, .read_at = INT64_MIN };
	int rc;

	if (!known) {
		rc = pin(all, look, path, &netns.inode, &netns.pin);
		if (rc)
			return rc;
		netns.id = netns.pin < 0 ? 0 : netns_id(netns.pin);
		known = find(all, netns.inode);
		if (!known) {
			rc = all->n < NETNS_MAX ? add_netns(all, &netns) : -E2BIG;
			all->pins += !rc && netns.pin >= 0;
		}
		if (netns.pin >= 0 && (known || rc))
			close(netns.pin);
		if (!known)
			return rc;
	}
	if (!known->own && !known->pid && !known->dead) {
		known->pid = pid;
		known->thread = thread;
		all->without--;
	}
	return 0;
}

/* ---- lenders ---- */

/* What is seen of him may be another's from here on. */
static bool is_hidden(const struct look *look, const struct netns *netns)
{
	return mounts_over(look->mounts, netns->pid, MOUNTED_WHOLE | MOUNTED_NS | MOUNTED_NET);
}

/*
 * Whether each still lives where he did. One without a pin ends with him: it is dead until the end of this look, so
 * that its number, if others have it, comes back as another namespace.
 */
static void check_lenders(struct namespaces *all, const struct look *look)
{
	for (size_t i = all->n; i-- > 1;) {
		struct netns *netns = &all->list[i];
		char path[NETNS_PATH_SIZE + sizeof("/ns/net")];
		uint64_t inode = 0;

		if (!netns->pid)
			continue;
		netns_path(netns, path);
		strcat(path, "/ns/net");
		if (!is_hidden(look, netns) && !netns_read(look, look->tree->fd, path, &inode) && inode == netns->inode)
			continue;
		netns->pid = 0;
		netns->dead = look->tree->live && netns->pin < 0;
		netns->round = residents_next_round(&all->residents);
		all->without += !netns->dead;
	}
}

/* Those in which nobody is left, or nobody that can be told from strangers. */
static void forget_empty(struct namespaces *all)
{
	for (size_t i = all->n; i-- > 1;) {
		const struct netns *netns = &all->list[i];

		if (netns->pid || (!netns->dead && netns->round >= all->residents.round))
			continue;
		all->without -= !netns->dead;
		forget(all, i);
	}
}

int namespaces_look(struct namespaces *all, struct look *look)
{
	int64_t now;
	int rc;

	if (!look->options->all_namespaces || !all->list[0].inode)
		return 0;
	now = look_clock(look, NULL);
	rc = residents_list(&all->residents, look, now);
	check_lenders(all, look);
	if (!rc)
		rc = residents_ask(all, look, now);
	if (rc)
		return rc;
	forget_empty(all);
	look->snapshot->quality.netns_denied += residents_denied(&all->residents, look);
	return 0;
}
