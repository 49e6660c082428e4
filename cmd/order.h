/* SPDX-License-Identifier: MIT */
#ifndef ORDER_H
#define ORDER_H

#include <skt/err.h>

/*
 * /proc lists processes and descriptors by their numbers, and there are programs that name the first holder of a socket
 * that they come upon, or the last. A tmpfs lists what was put there last first, or last, as its kernel's version has
 * it.
 *
 * Have the tmpfs at `dir` list its processes, and the descriptors of each, as /proc does; what is not a number is left
 * where it is. Where it cannot be done, the order is what it was.
 */
int order_tree(int dir, struct skt_err *err);

#endif
