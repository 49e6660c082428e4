/* SPDX-License-Identifier: MIT */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * Write all of these parts, however short the system's writes are, waiting where a pipe is full. 0 or a negative errno.
 * What was written is taken off the parts: after a failure they say what was not.
 */
int io_writev(int fd, struct iovec *parts, int n);

/* Read len bytes at an offset: how many there were (fewer only at the end of the file), or a negative errno. */
int64_t io_pread(int fd, void *bytes, size_t len, uint64_t offset);

#endif
