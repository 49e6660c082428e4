/* SPDX-License-Identifier: MIT */
#include "proc/messages.h"

#include "base/thread.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

int messages_take(int fd, unsigned char *bytes, size_t size, size_t ret_len[MESSAGES_AT_ONCE])
{
	struct sockaddr_nl from[MESSAGES_AT_ONCE];
	struct mmsghdr messages[MESSAGES_AT_ONCE];
	struct iovec parts[MESSAGES_AT_ONCE];
	int n;

	for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
		parts[i] = (struct iovec){ bytes + (size_t)i * size, size };
		messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &from[i],
							     .msg_namelen = sizeof(from[i]),
							     .msg_iov = &parts[i],
							     .msg_iovlen = 1 } };
	}
	n = recvmmsg(fd, messages, MESSAGES_AT_ONCE, MSG_DONTWAIT, NULL);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		bool is_kernel = messages[i].msg_hdr.msg_namelen == sizeof(from[i]) && !from[i].nl_pid;

		ret_len[i] = is_kernel ? messages[i].msg_len : 0;
	}
	return n;
}

void waiter_init(struct waiter *waiter)
{
	waiter->threaded = false;
	waiter->ending = false;
	waiter->wake = -1;
	pthread_mutex_init(&waiter->lock, NULL);
}

int waiter_open(struct waiter *waiter)
{
	waiter->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return waiter->wake < 0 ? -errno : 0;
}

int waiter_start(struct waiter *waiter, void *(*run)(void *), void *data)
{
	int rc = waiter->threaded ? 0 : thread_start(&waiter->thread, 0, run, data);

	waiter->threaded = !rc;
	return rc;
}

void waiter_end(struct waiter *waiter)
{
	const uint64_t one = 1;

	if (!waiter->threaded)
		return;
	pthread_mutex_lock(&waiter->lock);
	waiter->ending = true;
	pthread_mutex_unlock(&waiter->lock);
	while (write(waiter->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
	pthread_join(waiter->thread, NULL);
	waiter->threaded = false;
}

void waiter_release(struct waiter *waiter)
{
	waiter_end(waiter);
	if (waiter->wake >= 0)
		close(waiter->wake);
	pthread_mutex_destroy(&waiter->lock);
}
