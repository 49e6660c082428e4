/* SPDX-License-Identifier: MIT */
#ifndef MODEL_HOLDING_H
#define MODEL_HOLDING_H

#include <skt/sock.h>

/* A run of its snapshot's owners. */
struct holding {
	uint32_t first;
	uint32_t n;
};

/* Who holds a row; where that is not known just now, who held it when it last was. */
static inline struct holding holding_of(const struct skt_sock *sock)
{
	if (!sock->n_owners && sock->owner == SKT_OWNER_UNKNOWN)
		return (struct holding){ sock->first_last, sock->n_last };
	return (struct holding){ sock->first_owner, sock->n_owners };
}

#endif
