/* SPDX-License-Identifier: MIT */
#include "hearing.h"

#include "clocks.h"
#include "manners.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What goes one way or the other: a descriptor, or a negative errno. */
union passed {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static bool pass(int to, int fd)
{
	union passed control = { .bytes = { 0 } };
	int answer = fd < 0 ? fd : 0;
	struct iovec part = { &answer, sizeof(answer) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.bytes);
		control.head = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	return sendmsg(to, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(answer);
}

/* The descriptor or errno that was passed; false where nobody is there any more. */
static bool take(int from, int *ret)
{
	union passed control;
	int answer;
	struct iovec part = { &answer, sizeof(answer) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.bytes)
	};
	const struct cmsghdr *head;
	ssize_t got;

	do
		got = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got != (ssize_t)sizeof(answer))
		return false;
	head = CMSG_FIRSTHDR(&message);
	*ret = answer < 0 ? answer : -EBADF;
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
		memcpy(ret, CMSG_DATA(head), sizeof(*ret));
	return true;
}

/* In the namespace of this thread. More than net.core.rmem_max takes CAP_NET_ADMIN. */
static int open_here(int protocol, uint64_t buffer)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	uint64_t bytes = buffer ? buffer : HEARING_BUFFER;
	/* the kernel doubles it */
	int half = bytes / 2 > INT32_MAX ? INT32_MAX : (int)(bytes / 2);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &half, sizeof(half)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &half, sizeof(half));
	return fd;
}

static int open_there(int netns, uint64_t buffer)
{
	if (netns < 0)
		return netns;
	return setns(netns, CLONE_NEWNET) ? -errno : open_here(NETLINK_SOCK_DIAG, buffer);
}

/*
 * Who stays in a namespace lives in it, and would be found there when all others have left: it goes home (own) each
 * time.
 */
static void serve(int fd, int own, uint64_t buffer)
{
	int netns;

	while (take(fd, &netns)) {
		int opened = open_there(netns, buffer);
		bool passed = !setns(own, CLONE_NEWNET) && pass(fd, opened);

		if (netns >= 0)
			close(netns);
		if (opened >= 0)
			close(opened);
		if (!passed)
			break;
	}
}

/* Nothing of the recorder's is kept but the way to it and, for what goes wrong, stderr. */
static void be_child(const struct hearing *hearing, int fd, pid_t parent)
{
	int own;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		return;
	prctl(PR_SET_NAME, "sockrec-netns");
	if (dup2(fd, STDIN_FILENO) < 0)
		return;
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0 || dup2(own, STDOUT_FILENO) < 0)
		return;
	close_range(STDERR_FILENO + 1, ~0u, 0);
	manners_drop(1u << CAP_SYS_ADMIN | 1u << CAP_NET_ADMIN);
	serve(STDIN_FILENO, STDOUT_FILENO, hearing->buffer);
}

void hearing_begin(struct hearing *hearing)
{
	pid_t parent = getpid();
	int pair[2];

	if (!manners_may(CAP_SYS_ADMIN) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return;
	hearing->child = fork();
	if (!hearing->child) {
		be_child(hearing, pair[1], parent);
		_exit(0);
	}
	close(pair[1]);
	if (hearing->child < 0) {
		hearing->child = 0;
		close(pair[0]);
		return;
	}
	hearing->fd = pair[0];
}

void hearing_end(struct hearing *hearing)
{
	if (!hearing->child)
		return;
	close(hearing->fd);
	while (waitpid(hearing->child, NULL, 0) < 0 && errno == EINTR)
		continue;
	hearing->child = 0;
}

int hearing_socket(void *data, int netns)
{
	struct hearing *hearing = data;
	int fd;

	if (netns < 0)
		return open_here(NETLINK_SOCK_DIAG, hearing->buffer);
	if (!hearing->child)
		return -EPERM;
	if (!pass(hearing->fd, netns) || !take(hearing->fd, &fd))
		return -ECHILD;
	return fd;
}

int hearing_processes(void *data)
{
	const struct hearing *hearing = data;

	return open_here(NETLINK_CONNECTOR, hearing->buffer);
}

int64_t hearing_clock(void *data)
{
	(void)data;
	return clock_ns(CLOCK_MONOTONIC);
}
