/* SPDX-License-Identifier: MIT */
#include "proc/family.h"

#include "base/array.h"
#include "proc/identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void family_init(struct family *family)
{
	memset(family, 0, sizeof(*family));
	map_init(&family->by_pid);
}

void family_release(struct family *family)
{
	map_release(&family->by_pid);
	free(family->known);
	family_init(family);
}

int family_begin(struct family *family)
{
	return map_reset(&family->by_pid, 0);
}

static uint64_t pid_hash(const struct look *look, uint32_t pid)
{
	return hash_mix(skt_strtab_seed(look->snapshot->strings), pid);
}

static bool is_there(const struct family *family, const struct look *look, uint32_t pid)
{
	uint32_t i = map_first(&family->by_pid, pid_hash(look, pid));

	while (i != MAP_NONE && look->snapshot->processes[i].pid != pid)
		i = map_next(&family->by_pid, i);
	return i != MAP_NONE;
}

int family_add(struct family *family, struct look *look, const struct skt_process *process, uint32_t *ret)
{
	int rc = skt_snapshot_add_process(look->snapshot, process, ret);
	uint32_t n = (uint32_t)look->snapshot->n_processes;

	if (rc)
		return rc;
	if (n <= family->by_pid.room) {
		map_add(&family->by_pid, pid_hash(look, process->pid), *ret);
		return 0;
	}
	rc = map_reset(&family->by_pid, 2 * (size_t)n);
	for (uint32_t i = 0; !rc && i < n; i++)
		map_add(&family->by_pid, pid_hash(look, look->snapshot->processes[i].pid), i);
	return rc;
}

/* Read the process of this number: 1 with all of it in ret, 0 if it is not to be had, or -ENOMEM, -E2BIG. */
static int read_process(struct look *look, uint32_t pid, struct skt_process *ret)
{
	char name[16];
	int dir, rc;

	snprintf(name, sizeof(name), "%u", pid);
	dir = tree_open(look->tree, look->tree->fd, name, TREE_DIRECTORY | TREE_HANDLE);
	if (dir < 0)
		return 0;
	rc = identity_read(look, dir, -1, pid, ret);
	close(dir);
	if (rc == -ENOMEM || rc == -E2BIG)
		return rc;
	return !rc;
}

static int add_known(struct family *family, struct look *look)
{
	for (size_t i = 0; i < family->n_known; i++) {
		const struct known_process *known = &family->known[i];
		struct skt_process process;
		uint32_t slot;
		int rc;

		if (is_there(family, look, known->pid))
			continue;
		rc = read_process(look, known->pid, &process);
		if (rc > 0 && known->start_time == process.start_time &&
		    known->has_start_time == ((process.has & SKT_BIT(SKT_P_START_TIME)) != 0))
			rc = family_add(family, look, &process, &slot);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/*
 * Parents of all that are there, those that this adds included: each is asked for its parent once, so that a
 * loop in a tree ends. A number may have been given anew since it was read: nobody is older than his parent.
 */
static int add_ancestors(struct family *family, struct look *look)
{
	for (size_t i = 0; i < look->snapshot->n_processes; i++) {
		struct skt_process child = look->snapshot->processes[i], parent;
		uint32_t slot;
		int rc;

		if (!child.ppid || child.ppid > SKT_PID_MAX || is_there(family, look, child.ppid))
			continue;
		rc = read_process(look, child.ppid, &parent);
		if (rc > 0 && (!look->tree->live || parent.start_time <= child.start_time))
			rc = family_add(family, look, &parent, &slot);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int remember(struct family *family, const struct look *look)
{
	size_t n = look->snapshot->n_processes;

	if (array_room(&family->known, &family->room_known, n, sizeof(*family->known)))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct skt_process *process = &look->snapshot->processes[i];

		family->known[i] = (struct known_process){
			.pid = process->pid,
			.has_start_time = process->has & SKT_BIT(SKT_P_START_TIME),
			.start_time = process->start_time,
		};
	}
	family->n_known = n;
	return 0;
}

int family_complete(struct family *family, struct look *look)
{
	int rc = add_known(family, look);

	if (!rc)
		rc = add_ancestors(family, look);
	return rc ? rc : remember(family, look);
}
