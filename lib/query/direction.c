/* SPDX-License-Identifier: MIT */
#include "query/flow.h"

#include <string.h>

/*
 * Neither end of a connection says which one called; but an end at which somebody listens was called, and in the middle
 * of a handshake it shows.
 *
 *	local	 the other end is on this host: a loopback address, or the one this end has
 *	in	 SYN_RECV, or a listener of the same table has this port, at this address or at any
 *	out	 SYN_SENT, or no such listener: it was called, and its listener closed since, or it did the calling
 *	unknown	 raw sockets
 *	none	 it has no other end
 */

static bool is_zero(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i])
			return false;
	return true;
}

static bool is_loopback(const uint8_t address[16], bool ipv6)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (!ipv6)
		return address[0] == 127;
	if (!memcmp(address, mapped, sizeof(mapped)))
		return address[12] == 127;
	return is_zero(address, 15) && address[15] == 1;
}

enum direction flow_direction(const struct skt_flows *flows, const struct flow *flow, const struct skt_sock *sock,
			      unsigned kind)
{
	if (skt_sock_is_listening(sock, kind) || (!sock->remote_port && is_zero(sock->remote_address, 16)))
		return DIRECTION_NONE;
	if (is_loopback(sock->remote_address, skt_table_kind_is_ipv6(kind)) ||
	    !memcmp(sock->remote_address, sock->local_address, 16))
		return DIRECTION_LOCAL;
	if (kind == SKT_RAW || kind == SKT_RAW6)
		return DIRECTION_UNKNOWN;
	if (sock->state == SKT_SYN_SENT)
		return DIRECTION_OUT;
	if (sock->state == SKT_SYN_RECV || sock->state == SKT_NEW_SYN_RECV)
		return DIRECTION_IN;
	return listeners_has(&flows->listeners, flow->place, sock->local_address, sock->local_port) ? DIRECTION_IN
												    : DIRECTION_OUT;
}
