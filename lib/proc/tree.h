/* SPDX-License-Identifier: MIT */
#ifndef PROC_TREE_H
#define PROC_TREE_H

#include <skt/buf.h>
#include <skt/err.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The files of a /proc, or of a tree of files that looks like it, reached from directory handles only.
 * A tree may come from anyone: what is opened in it lies beneath its root, is a regular file or a
 * directory, and symbolic links are followed only where TREE_LINKS says so. On a running kernel's /proc
 * (live) the kernel's own links are followed, and paths are as short as they look.
 */
struct tree {
	int fd;		  /* the root; borrowed */
	bool live;	  /* procfs */
	const char *name; /* what messages call the root */
};

enum tree_flags {
	TREE_LINKS = 1, /* links of a tree are followed, as long as they stay beneath `dir` */
	TREE_DIRECTORY = 2,
	TREE_HANDLE = 4, /* to open others from, not to read (O_PATH) */
};

/*
 * Open path, from the handle dir. A new descriptor or a negative errno: -EISDIR for a directory where a file
 * was asked for, -EINVAL for what is neither (a fifo or device: it is not read), -ELOOP for a link that is not
 * followed, -EXDEV for one that leaves the tree. Never waits for a fifo's writer.
 */
int tree_open(const struct tree *tree, int dir, const char *path, unsigned flags);

/* Read on from a descriptor, an interrupted call aside: bytes, 0 at the end, or a negative errno. */
ssize_t tree_read(int fd, void *buffer, size_t size);

/* That it may not be read, and not that it is not there. */
static inline bool tree_is_denied(int rc)
{
	return rc == -EACCES || rc == -EPERM;
}

/*
 * A whole file into buf, which is cleared first. Returns 0, or -E2BIG with the first `max` bytes in buf where
 * the file has more, or a negative errno.
 */
int tree_file(const struct tree *tree, int dir, const char *path, unsigned flags, size_t max, struct skt_buf *buf);

/* Where a link points, as readlinkat(2); -ENAMETOOLONG where that does not fit. No NUL is added. */
ssize_t tree_link(const struct tree *tree, int dir, const char *path, char *buffer, size_t size);

/*
 * The same of the program that a process executes: whether its file is deleted, and its name without what the kernel
 * adds then.
 */
#define TREE_DELETED " (deleted)"
ssize_t tree_program(const struct tree *tree, int dir, const char *path, char *buffer, size_t size, bool *ret_deleted);

/* The number N of a link that reads "<type>:[N]" ("socket", "net"), or 0. */
uint64_t tree_link_inode(const char *link, size_t len, const char *type);

/* A name that is a decimal number up to max and spelled as the kernel spells it, or -1. */
int64_t tree_number(const char *name, uint32_t max);

/*
 * Say why something of the tree could not be had: what the system calls by another name is told as what it is in a
 * tree. Returns code.
 */
int tree_err(struct skt_err *err, int code, const char *what);

/*
 * The names in a directory, through a buffer that is large so that the kernel is seldom asked:
 *
 *	names_begin(&names, fd);
 *	while ((rc = names_next(&names, &name)) > 0) ...
 */
#define TREE_NAMES_SIZE ((size_t)64 << 10)
struct names {
	int fd;
	size_t at;
	size_t len;
	uint64_t inode; /* of the name that was given last */
	_Alignas(8) char buffer[TREE_NAMES_SIZE];
};

void names_begin(struct names *names, int fd);

/* 1 with a name, borrowed until the next call; 0 at the end; or a negative errno. */
int names_next(struct names *names, const char **ret);

#endif
