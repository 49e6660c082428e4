/* SPDX-License-Identifier: MIT */
#include "order.h"

#include "grow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASIDE ".aside"

struct numbers {
	unsigned *all; /* in the order of the listing */
	size_t n, room;
	bool rising;
};

static int add(struct numbers *numbers, const char *name)
{
	if (!*name || name[strspn(name, "0123456789")])
		return 0;
	if (grow(&numbers->all, &numbers->room, numbers->n, sizeof(*numbers->all)))
		return -ENOMEM;
	numbers->all[numbers->n] = (unsigned)strtoul(name, NULL, 10);
	numbers->rising &= !numbers->n || numbers->all[numbers->n - 1] < numbers->all[numbers->n];
	numbers->n++;
	return 0;
}

static int list(int dir, struct numbers *ret)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	ret->n = 0;
	ret->rising = true;
	if (!listing) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while (!rc && (entry = readdir(listing)))
		rc = add(ret, entry->d_name);
	closedir(listing);
	return rc;
}

static int compare(const void *a, const void *b)
{
	unsigned left = *(const unsigned *)a, right = *(const unsigned *)b;

	return (left > right) - (left < right);
}

/* What is renamed goes where a kernel puts what is new. */
static void put_anew(int dir, unsigned number)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", number);
	if (!renameat(dir, name, dir, ASIDE))
		(void)renameat(dir, ASIDE, dir, name);
}

/* Try both: the last one first, and the first one first. */
static int order(int dir, struct numbers *numbers)
{
	int rc = list(dir, numbers);

	for (unsigned attempt = 0; !rc && !numbers->rising && attempt < 2; attempt++) {
		qsort(numbers->all, numbers->n, sizeof(*numbers->all), compare);
		for (size_t i = 0; i < numbers->n; i++)
			put_anew(dir, numbers->all[attempt ? i : numbers->n - 1 - i]);
		rc = list(dir, numbers);
	}
	return rc;
}

static int order_descriptors(int dir, unsigned pid)
{
	struct numbers numbers = { .all = NULL };
	char path[32];
	int fd, rc;

	snprintf(path, sizeof(path), "%u/fd", pid);
	fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	rc = order(fd, &numbers);
	free(numbers.all);
	close(fd);
	return rc;
}

int order_tree(int dir, struct skt_err *err)
{
	struct numbers processes = { .all = NULL };
	int rc = order(dir, &processes);

	for (size_t i = 0; !rc && i < processes.n; i++)
		rc = order_descriptors(dir, processes.all[i]);
	free(processes.all);
	return rc ? skt_err_sys(err, rc, "cannot order the tree") : 0;
}
