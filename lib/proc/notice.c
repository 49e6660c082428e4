/* SPDX-License-Identifier: MIT */
#include "proc/notice.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* The members of struct tcp_info that are asked for, as far as this kernel has them. */
struct tcp_counts {
	const unsigned char *info;
	size_t len;
};

static bool get_info(const struct tcp_counts *counts, size_t offset, void *ret, size_t size)
{
	if (offset + size > counts->len)
		return false;
	memcpy(ret, counts->info + offset, size);
	return true;
}

#define GET_INFO(counts, member, ret) get_info(counts, offsetof(struct tcp_info, member), ret, sizeof(*(ret)))

/*
 * How long it had stood: for a direction in which no data went, the kernel's count since the last data begins where the
 * connection did. Of one that was never established it would begin at the boot.
 */
static bool get_duration(const struct tcp_counts *counts, uint64_t *ret_us)
{
	uint32_t segments_out, segments_in, since_sent, since_received;

	if (!GET_INFO(counts, tcpi_data_segs_out, &segments_out) ||
	    !GET_INFO(counts, tcpi_data_segs_in, &segments_in) || !GET_INFO(counts, tcpi_last_data_sent, &since_sent) ||
	    !GET_INFO(counts, tcpi_last_data_recv, &since_received))
		return false;
	if (segments_out && segments_in)
		return false;
	*ret_us = UINT64_C(1000) * (segments_out ? since_received : since_sent);
	return true;
}

static void take_info(const struct tcp_counts *counts, struct skt_event *event)
{
	uint64_t sent, again;
	bool established = GET_INFO(counts, tcpi_rtt, &event->rtt_us) && event->rtt_us;

	if (established)
		event->has |= SKT_BIT(SKT_E_RTT);
	if (GET_INFO(counts, tcpi_total_retrans, &event->retransmits))
		event->has |= SKT_BIT(SKT_E_RETRANSMITS);
	if (GET_INFO(counts, tcpi_bytes_received, &event->bytes_received))
		event->has |= SKT_BIT(SKT_E_BYTES_RECEIVED);
	/* Linux 4.19; what was acknowledged, which older ones have, counts SYN and FIN */
	if (!GET_INFO(counts, tcpi_bytes_sent, &sent) || !GET_INFO(counts, tcpi_bytes_retrans, &again))
		return;
	event->bytes_sent = sent < again ? 0 : sent - again;
	event->has |= SKT_BIT(SKT_E_BYTES_SENT);
	/* one that has these initialises the instants of the last data, too */
	if (established && get_duration(counts, &event->duration_us))
		event->has |= SKT_BIT(SKT_E_DURATION);
}

/* Look at the attributes. 0 or -EBADMSG. */
static int take_attributes(const unsigned char *at, size_t len, unsigned *ret_protocol, struct tcp_counts *ret_counts)
{
	while (len >= sizeof(struct nlattr)) {
		struct nlattr attribute;
		size_t whole;

		memcpy(&attribute, at, sizeof(attribute));
		if (attribute.nla_len < sizeof(attribute) || attribute.nla_len > len)
			return -EBADMSG;
		if ((attribute.nla_type & NLA_TYPE_MASK) == INET_DIAG_PROTOCOL && attribute.nla_len > sizeof(attribute))
			*ret_protocol = at[sizeof(attribute)];
		if ((attribute.nla_type & NLA_TYPE_MASK) == INET_DIAG_INFO) {
			ret_counts->info = at + sizeof(attribute);
			ret_counts->len = attribute.nla_len - sizeof(attribute);
		}
		whole = NLA_ALIGN(attribute.nla_len);
		if (whole > len)
			break;
		at += whole;
		len -= whole;
	}
	return 0;
}

static void take_ends(const struct inet_diag_msg *diag, struct skt_event *event)
{
	size_t size = diag->idiag_family == AF_INET6 ? 16 : 4;

	memcpy(event->local_address, diag->id.idiag_src, size);
	memcpy(event->remote_address, diag->id.idiag_dst, size);
	event->local_port = ntohs(diag->id.idiag_sport);
	event->remote_port = ntohs(diag->id.idiag_dport);
	event->state = diag->idiag_state;
	event->uid = diag->idiag_uid;
	event->inode = diag->idiag_inode;
	event->has |= (diag->idiag_uid ? SKT_BIT(SKT_E_UID) : 0) | (diag->idiag_inode ? SKT_BIT(SKT_E_INODE) : 0);
}

int notice_parse(const unsigned char *message, size_t len, struct notice *ret)
{
	const size_t head = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct inet_diag_msg));
	struct tcp_counts counts = { NULL, 0 };
	struct skt_event *event = &ret->event;
	struct inet_diag_msg diag;
	struct nlmsghdr header;
	unsigned protocol = 0;

	memset(ret, 0, sizeof(*ret));
	if (len < sizeof(header))
		return -EBADMSG;
	memcpy(&header, message, sizeof(header));
	if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > len)
		return -EBADMSG;
	if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return 0;
	if (header.nlmsg_len < head)
		return -EBADMSG;
	memcpy(&diag, message + NLMSG_HDRLEN, sizeof(diag));
	if (take_attributes(message + head, header.nlmsg_len - head, &protocol, &counts))
		return -EBADMSG;
	if ((diag.idiag_family != AF_INET && diag.idiag_family != AF_INET6) ||
	    (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP))
		return 0;
	ret->kind = (uint8_t)((protocol == IPPROTO_TCP ? SKT_TCP : SKT_UDP) + (diag.idiag_family == AF_INET6));
	event->source = SKT_SOURCE_DESTROY;
	event->change = SKT_CLOSED;
	event->slot = SKT_NO_SLOT;
	take_ends(&diag, event);
	/* a datagram socket may be without; TCP has lost it, and with it what was counted */
	if (protocol == IPPROTO_UDP || event->remote_port)
		event->has |= SKT_BIT(SKT_E_REMOTE_PORT);
	if (protocol == IPPROTO_TCP && event->remote_port)
		take_info(&counts, event);
	return 1;
}
