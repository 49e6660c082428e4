/* SPDX-License-Identifier: MIT */
/*
 * The least that finding all holders can be without remembering any: ask of every descriptor of every process what it
 * is, and do nothing with the answer. Prints how many were asked.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static long ask(int fds)
{
	DIR *dir = fdopendir(fds);
	struct dirent *entry;
	char target[64];
	long asked = 0;

	if (!dir) {
		close(fds);
		return 0;
	}
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && readlinkat(fds, entry->d_name, target, sizeof(target)) > 0)
			asked++;
	closedir(dir);
	return asked;
}

int main(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	char path[300];
	long asked = 0;

	if (!proc) {
		perror("readlinks: /proc");
		return 1;
	}
	while ((entry = readdir(proc))) {
		int fds;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "%s/fd", entry->d_name);
		fds = openat(dirfd(proc), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fds >= 0) /* a process that ended, or one that may not be asked */
			asked += ask(fds);
	}
	closedir(proc);
	printf("%ld\n", asked);
	return 0;
}
