/* SPDX-License-Identifier: MIT */
#include "proc/diag.h"

#include <skt/sock.h>

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* A dump answers while it is being asked for. */
#define ANSWER_MS 1000

int diag_join(int fd)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };

	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)))
		return -errno;
	for (int group = SKNLGRP_INET_TCP_DESTROY; group <= SKNLGRP_INET6_UDP_DESTROY; group++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)))
			return -errno;
	return 0;
}

/* What ends a dump has an error, too: 0 where there was none. */
static int answer(int fd)
{
	struct {
		struct nlmsghdr header;
		int error;
	} message;
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	ssize_t got = poll(&ready, 1, ANSWER_MS) > 0 ? recv(fd, &message, sizeof(message), MSG_DONTWAIT) : -1;

	if (got < (ssize_t)sizeof(message) ||
	    (message.header.nlmsg_type != NLMSG_DONE && message.header.nlmsg_type != NLMSG_ERROR))
		return -EBADMSG;
	return message.error;
}

bool diag_tells(int fd, unsigned kind)
{
	/* sockets in no state at all: nothing is listed */
	const struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 wanted;
	} request = { .header = { .nlmsg_len = sizeof(request),
				  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
				  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		      .wanted = { .sdiag_family = skt_table_kind_is_ipv6(kind) ? AF_INET6 : AF_INET,
				  .sdiag_protocol = skt_table_kind_is_tcp(kind) ? IPPROTO_TCP : IPPROTO_UDP } };

	return sendto(fd, &request, sizeof(request), 0, NULL, 0) == (ssize_t)sizeof(request) && !answer(fd);
}
