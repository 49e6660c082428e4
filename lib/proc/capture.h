/* SPDX-License-Identifier: MIT */
#ifndef PROC_CAPTURE_H
#define PROC_CAPTURE_H

#include <skt/capture.h>

/*
 * Read a tree that was just written into ret, without .skt-meta, and with all processes that it has, for all were in
 * the snapshot. Everything is wanted of it; boottime is when it was taken. 0, or what is wrong, with err filled.
 */
int capture_written(int fd, bool big_endian, int64_t boottime, struct skt_snapshot *ret, struct skt_err *err);

#endif
