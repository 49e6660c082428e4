/* SPDX-License-Identifier: MIT */
#include "proc/connector.h"

#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The members of struct proc_event that each has: in front of the union, and the ids in it. */
#define EVENT_HEAD offsetof(struct proc_event, event_data)
#define EVENT_IDS  4

static int take_event(const unsigned char *at, size_t len, struct connector_event *ret)
{
	struct proc_event event;
	uint32_t id[EVENT_IDS] = { 0 };
	size_t n = len < EVENT_HEAD ? 0 : (len - EVENT_HEAD) / sizeof(*id), wanted = 2;

	if (!n)
		return -EBADMSG;
	memcpy(&event, at, EVENT_HEAD);
	memcpy(id, at + EVENT_HEAD, (n < EVENT_IDS ? n : EVENT_IDS) * sizeof(*id));
	/* what never happens with a kernel's clock would overflow where it is counted with */
	if (event.timestamp_ns > INT64_MAX / 2)
		return -EBADMSG;
	ret->when = (int64_t)event.timestamp_ns;
	switch ((unsigned)event.what) {
	case PROC_EVENT_NONE:
		ret->what = CONNECTOR_ANSWER;
		ret->error = id[0];
		return 1;
	case PROC_EVENT_FORK:
		ret->what = CONNECTOR_FORK;
		ret->parent = id[1];
		wanted = EVENT_IDS;
		break;
	case PROC_EVENT_EXEC:
		ret->what = CONNECTOR_EXEC;
		break;
	case PROC_EVENT_EXIT:
		ret->what = CONNECTOR_EXIT;
		break;
	default:
		return 0;
	}
	if (n < wanted)
		return -EBADMSG;
	/* the number of the thread, then that of the process */
	ret->pid = id[wanted - 1];
	return id[wanted - 2] == id[wanted - 1];
}

int connector_parse(const unsigned char *message, size_t len, struct connector_event *ret)
{
	const size_t head = NLMSG_HDRLEN + sizeof(struct cn_msg);
	struct nlmsghdr header;
	struct cn_msg cn;

	memset(ret, 0, sizeof(*ret));
	if (len < head)
		return -EBADMSG;
	memcpy(&header, message, sizeof(header));
	memcpy(&cn, message + NLMSG_HDRLEN, sizeof(cn));
	if (header.nlmsg_len < head || header.nlmsg_len > len || cn.len > header.nlmsg_len - head)
		return -EBADMSG;
	if (cn.id.idx != CN_IDX_PROC || cn.id.val != CN_VAL_PROC)
		return 0;
	ret->asked = cn.ack;
	return take_event(message + head, cn.len, ret);
}

/* The kernel answers while it is asked: the answer is there, behind what others had it tell already. */
static int read_answer(int fd, uint32_t asked)
{
	unsigned char message[1024];
	struct connector_event event;
	struct sockaddr_nl from;
	ssize_t got;

	do {
		socklen_t len = sizeof(from);

		got = recvfrom(fd, message, sizeof(message), MSG_DONTWAIT, (struct sockaddr *)&from, &len);
		if (got > 0 && len == sizeof(from) && !from.nl_pid &&
		    connector_parse(message, (size_t)got, &event) > 0 && event.what == CONNECTOR_ANSWER &&
		    event.asked == asked)
			return event.error > 4095 ? -EPERM : -(int)event.error;
	} while (got >= 0 || errno == EINTR || errno == ENOBUFS);
	return -EPERM;
}

int connector_join(int fd)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	const enum proc_cn_mcast_op listen = PROC_CN_MCAST_LISTEN;
	unsigned char message[NLMSG_HDRLEN + sizeof(struct cn_msg) + sizeof(listen)];
	struct nlmsghdr header = { .nlmsg_len = sizeof(message), .nlmsg_type = NLMSG_DONE };
	struct cn_msg cn = { .id = { CN_IDX_PROC, CN_VAL_PROC }, .len = sizeof(listen) };
	socklen_t len = sizeof(address);

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    getsockname(fd, (struct sockaddr *)&address, &len))
		return -errno;
	/* all who listen hear the answer: ours is that with our own number, and one more */
	cn.ack = address.nl_pid;
	memcpy(message, &header, sizeof(header));
	memcpy(message + NLMSG_HDRLEN, &cn, sizeof(cn));
	memcpy(message + NLMSG_HDRLEN + sizeof(cn), &listen, sizeof(listen));
	if (send(fd, message, sizeof(message), 0) != (ssize_t)sizeof(message))
		return -errno;
	return read_answer(fd, cn.ack + 1);
}
