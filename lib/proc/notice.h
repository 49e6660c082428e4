/* SPDX-License-Identifier: MIT */
#ifndef PROC_NOTICE_H
#define PROC_NOTICE_H

#include <skt/step.h>

/*
 * What the kernel says of a socket when it destroys it (sock_diag(7), the groups SKNLGRP_INET_TCP_DESTROY and its three
 * siblings): a netlink message with struct inet_diag_msg, then attributes, of which INET_DIAG_PROTOCOL and, for TCP,
 * INET_DIAG_INFO (struct tcp_info, shorter on older kernels) are of use. On Linux 6.18:
 *
 *	state		TCP is in CLOSE whatever it was before
 *	uid, inode	0, for the socket has no file any more
 *	remote port	0 after a reset by this end or a connect(2) that failed, and counters are 0, too; so is the
 *			local address unless it was bound
 *	received	counts the other end's FIN as a byte
 */
struct notice {
	uint64_t net_namespace; /* not in the message */
	uint8_t kind;		/* enum skt_table_kind: tcp, tcp6, udp, udp6 */
	struct skt_event event; /* source, change, state, ends and what is known; the others are 0 */
};

/*
 * 1: this message is one; 0: it is of another type or protocol; -EBADMSG: it is cut short, or says nonsense of its
 * lengths.
 */
int notice_parse(const unsigned char *message, size_t len, struct notice *ret);

#endif
