/* SPDX-License-Identifier: MIT */
#include "proc/tree.h"

#include "base/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From how much room a file is read on: more than most of them have. */
#define READ_SIZE 4096

/* openat2(2) says EAGAIN when something was renamed meanwhile; whoever keeps renaming does not keep us. */
#define OPEN_TRIES 16

static int open_path(const struct tree *tree, int dir, const char *path, unsigned flags)
{
	int how = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct open_how beneath = { .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	int fd, tries = 0;

	if (flags & TREE_DIRECTORY)
		how |= O_DIRECTORY;
	if (flags & TREE_HANDLE)
		how = O_PATH | O_CLOEXEC | (how & O_DIRECTORY);
	if (!(flags & TREE_LINKS))
		beneath.resolve |= RESOLVE_NO_SYMLINKS;
	beneath.flags = (uint64_t)how;
	do
		fd = tree->live ? openat(dir, path, how)
				: (int)syscall(SYS_openat2, dir, path, &beneath, sizeof(beneath));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN) && ++tries < OPEN_TRIES);
	return fd < 0 ? -errno : fd;
}

int tree_open(const struct tree *tree, int dir, const char *path, unsigned flags)
{
	int fd = open_path(tree, dir, path, flags);
	struct stat st;
	int rc = 0;

	/* what procfs has under a name is known; a tree can hold anything */
	if (fd < 0 || tree->live || (flags & TREE_DIRECTORY))
		return fd;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	else if (S_ISDIR(st.st_mode))
		rc = -EISDIR;
	else if (!S_ISREG(st.st_mode))
		rc = -EINVAL;
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

ssize_t tree_read(int fd, void *buffer, size_t size)
{
	ssize_t n;

	do
		n = read(fd, buffer, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int tree_file(const struct tree *tree, int dir, const char *path, unsigned flags, size_t max, struct skt_buf *buf)
{
	int fd = tree_open(tree, dir, path, flags);
	ssize_t n = 1;
	int rc = fd < 0 ? fd : 0;

	skt_buf_clear(buf);
	while (!rc && n > 0) {
		size_t room = READ_SIZE;
		char *at;

		/* the whole buffer as it has grown, so that a long file takes few calls */
		if (buf->size - buf->len > room)
			room = buf->size - buf->len;
		/* one byte over the limit tells that there is more */
		if (room > max + 1 - buf->len)
			room = max + 1 - buf->len;
		at = skt_buf_room(buf, room);
		n = at ? tree_read(fd, at, room) : -ENOMEM;
		if (n < 0)
			rc = (int)n;
		else
			buf->len += (size_t)n;
		if (buf->len > max) {
			buf->len = max;
			rc = -E2BIG;
		}
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

ssize_t tree_link(const struct tree *tree, int dir, const char *path, char *buffer, size_t size)
{
	bool deep = !tree->live && strchr(path, '/');
	ssize_t len;
	int fd = dir;

	/* the link's own directory is reached beneath the root, and the link then read without following any */
	if (deep) {
		struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
					.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };

		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
		if (fd < 0)
			return -errno;
		path = "";
	}
	len = readlinkat(fd, path, buffer, size);
	if (len < 0)
		len = -errno;
	else if ((size_t)len == size)
		len = -ENAMETOOLONG;
	if (deep)
		close(fd);
	return len;
}

/*
 * The kernel adds " (deleted)" to the name of a file that is no longer there, and a file may be called so. On a
 * live /proc the file itself tells, for the link leads to it whatever its name: it has no name left. (One that
 * had a second name passes for a file that is called so. In a tree the suffix decides, and where the process is gone.)
 */
ssize_t tree_program(const struct tree *tree, int dir, const char *path, char *buffer, size_t size, bool *ret_deleted)
{
	ssize_t len = tree_link(tree, dir, path, buffer, size), suffix_len = sizeof(TREE_DELETED) - 1;
	struct stat st;

	*ret_deleted = false;
	if (len <= suffix_len || memcmp(buffer + len - suffix_len, TREE_DELETED, (size_t)suffix_len) != 0)
		return len;
	if (tree->live && !fstatat(dir, path, &st, 0) && st.st_nlink)
		return len;
	*ret_deleted = true;
	return len - suffix_len;
}

uint64_t tree_link_inode(const char *link, size_t len, const char *type)
{
	size_t type_len = strlen(type);
	struct scan s = scan_of(link, len);
	uint64_t inode;

	if (len <= type_len || memcmp(link, type, type_len))
		return 0;
	s.at += type_len;
	scan_byte(&s, ':');
	scan_byte(&s, '[');
	inode = scan_decimal(&s, UINT64_MAX);
	scan_byte(&s, ']');
	return s.bad || s.loose || !scan_at_end(&s) ? 0 : inode;
}

int64_t tree_number(const char *name, uint32_t max)
{
	struct scan s = scan_of(name, strlen(name));
	uint64_t number = scan_decimal(&s, max);

	return s.bad || s.loose || !scan_at_end(&s) ? -1 : (int64_t)number;
}

/* What getdents64(2) fills in: struct linux_dirent64 of the kernel. */
struct entry {
	uint64_t inode;
	int64_t offset;
	unsigned short len;
	unsigned char type;
	char name[];
};

void names_begin(struct names *names, int fd)
{
	names->fd = fd;
	names->at = 0;
	names->len = 0;
}

int names_next(struct names *names, const char **ret)
{
	const struct entry *entry;

	if (names->at == names->len) {
		long len = syscall(SYS_getdents64, names->fd, names->buffer, sizeof(names->buffer));

		if (len <= 0)
			return len < 0 ? -errno : 0;
		names->at = 0;
		names->len = (size_t)len;
	}
	entry = (const struct entry *)(const void *)(names->buffer + names->at);
	names->at += entry->len;
	names->inode = entry->inode;
	*ret = entry->name;
	return 1;
}

int tree_err(struct skt_err *err, int code, const char *what)
{
	switch (code) {
	case -EXDEV:
		return skt_err_set(err, code, "%s: a link that leads out of the tree", what);
	case -EINVAL:
	case -ENXIO:
		return skt_err_set(err, code, "%s: not a regular file", what);
	default:
		return skt_err_sys(err, code, "%s", what);
	}
}
