/* SPDX-License-Identifier: MIT */
#ifndef PROC_MESSAGES_H
#define PROC_MESSAGES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* What the kernel tells of its own accord: how it is taken from a netlink socket, and the thread that waits for it. */

/* So many are taken with one call of the system. */
#define MESSAGES_AT_ONCE 32

/*
 * Take what waits, one message in each `size` bytes, cut to that. ret_len: of each, 0 where it is not from the kernel,
 * for nobody else is believed: its messages have no sender. How many, or a negative errno: -EAGAIN nothing waits,
 * -ENOBUFS some were lost, -EINTR.
 */
int messages_take(int fd, unsigned char *bytes, size_t size, size_t ret_len[MESSAGES_AT_ONCE]);

/* A thread that sleeps until something comes, and ends when it is told to. */
struct waiter {
	pthread_t thread;
	bool threaded;
	int wake; /* can be read when it is to end; -1 */

	pthread_mutex_t lock; /* of what follows, and of what else it and others share */
	bool ending;
};

void waiter_init(struct waiter *waiter);

/* Make what wakes it. 0 or a negative errno. */
int waiter_open(struct waiter *waiter);

/* Start it, unless it runs. 0, or -EAGAIN: there are too many threads. */
int waiter_start(struct waiter *waiter, void *(*run)(void *), void *data);

/* Tell it to end, and wait until it has. Then it is released. */
void waiter_end(struct waiter *waiter);
void waiter_release(struct waiter *waiter);

#endif
