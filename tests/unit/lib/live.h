/* SPDX-License-Identifier: MIT */
#ifndef TESTS_LIVE_H
#define TESTS_LIVE_H

#include <netinet/in.h>

/* Sockets of the running kernel, for tests that look at it. Each is -1 where it failed. */

/* One that listens at this address (INADDR_LOOPBACK, INADDR_ANY), on a port that the kernel chooses. */
int live_listen(in_addr_t address, unsigned *ret_port);

/*
 * Pass a descriptor over a socket of AF_UNIX, which returns 0, and take one that was passed, which is closed on
 * execve(2).
 */
int live_pass(int over, int fd);
int live_take(int over);

#endif
