/* SPDX-License-Identifier: MIT */
/*
 * A kernel that hides: loaded into sockrec (LD_PRELOAD), this leaves the row of one socket out of every table that is
 * read. BLIND is its inode.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ssize_t read(int fd, void *buffer, size_t size)
{
	ssize_t (*next)(int, void *, size_t) = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
	ssize_t n = next(fd, buffer, size);
	char *text = buffer, *found, *begin, *end, inode[32];

	if (n <= 0 || !getenv("BLIND"))
		return n;
	snprintf(inode, sizeof(inode), " %s ", getenv("BLIND"));
	found = memmem(text, (size_t)n, inode, strlen(inode));
	end = found ? memchr(found, '\n', (size_t)(text + n - found)) : NULL;
	begin = found ? memrchr(text, '\n', (size_t)(found - text)) : NULL;
	if (!begin || !end)
		return n;
	memmove(begin, end, (size_t)(text + n - end));
	return n - (end - begin);
}
