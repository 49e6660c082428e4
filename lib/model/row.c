/* SPDX-License-Identifier: MIT */
#include <skt/field.h>

#include <skt/time.h>

#include <string.h>

struct skt_row skt_row_of_owner(const struct skt_row *row, const struct skt_owner *owner)
{
	struct skt_row of_owner = *row;

	of_owner.process = &row->snapshot->processes[owner->process];
	of_owner.fd = owner->fd;
	of_owner.owner = owner;
	return of_owner;
}

/* Each side has a snapshot of its own; what the row is about, and how it is written, goes with it. */
static bool of_pair(const struct skt_row *row, bool now, struct skt_row *ret)
{
	const struct skt_row *side = now ? row->pair->after : row->pair->before;

	if (!side)
		return false;
	*ret = *side;
	ret->pair = row->pair;
	ret->subject = row->subject;
	ret->render = row->render;
	return true;
}

bool skt_row_of_change(const struct skt_row *row, bool now, struct skt_row *ret)
{
	const struct skt_sock_change *change = row->change;
	bool is_new;
	uint64_t ago;

	if (row->pair)
		return of_pair(row, now, ret);
	is_new = change->change == SKT_OPENED || change->change == SKT_PRESENT;
	ago = (uint64_t)row->step->time - (uint64_t)row->step->from;
	if (now ? change->change == SKT_CLOSED || change->change == SKT_LOST : is_new)
		return false;
	*ret = *row;
	ret->sock = now ? &change->now : &change->before;
	/* timers count down to the snapshot in which it stood; the instants of a damaged recording may be any */
	ret->ago = !now && row->snapshot->boottime > 0 && ago < (uint64_t)row->snapshot->boottime ? (int64_t)ago : 0;
	return true;
}

static bool is_zero(const uint8_t address[16])
{
	static const uint8_t zero[16];

	return !memcmp(address, zero, sizeof(zero));
}

bool skt_sock_has_peer(const struct skt_sock *sock)
{
	return sock->remote_port || !is_zero(sock->remote_address);
}

bool skt_sock_has_local_address(const struct skt_sock *sock)
{
	return sock->owner != SKT_OWNER_UNSEEN || !is_zero(sock->local_address) || !skt_sock_has_peer(sock);
}

bool skt_sock_has_remote_port(const struct skt_sock *sock)
{
	return sock->owner != SKT_OWNER_UNSEEN || !(sock->has & SKT_HAS_NO_REMOTE_PORT);
}

bool skt_row_has_uid(const struct skt_row *row)
{
	const struct skt_sock *sock = row->sock;

	/*
	 * TIME_WAIT's uid is a constant 0 (get_timewait4_sock(), which prints FIN_WAIT2 too), and so is, where the
	 * kernel asks the socket's file (sock_i_uid()), that of any socket without one: root must not be blamed for
	 * those. A SYN_RECV shows its listener's.
	 */
	if (sock->owner == SKT_OWNER_UNSEEN)
		return !(sock->has & SKT_HAS_NO_UID);
	return sock->uid || sock->inode || sock->state == SKT_SYN_RECV;
}

bool skt_row_start_time(const struct skt_row *row, int64_t *ret)
{
	int64_t boot = row->boot_time;

	/* the ticks may come from a tree that somebody made up */
	if (boot < 0 || row->process->start_time > (uint64_t)((INT64_MAX - boot) / SKT_TICK_NS))
		return false;
	*ret = boot + (int64_t)row->process->start_time * SKT_TICK_NS;
	return true;
}

bool skt_argv_next(const char **at, const char *end, const char **ret, size_t *ret_len)
{
	const char *nul;

	if (*at == end)
		return false;
	nul = memchr(*at, '\0', (size_t)(end - *at));
	*ret = *at;
	*ret_len = (size_t)((nul ? nul : end) - *at);
	*at = nul ? nul + 1 : end;
	return true;
}
