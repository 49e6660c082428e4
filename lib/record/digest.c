/* SPDX-License-Identifier: MIT */
#include "record/digest.h"

#include <endian.h>
#include <string.h>
#include <zlib.h>

static unsigned char *put(unsigned char *at, uint64_t value)
{
	uint64_t bytes = htole64(value);

	memcpy(at, &bytes, sizeof(bytes));
	return at + sizeof(bytes);
}

/* A descriptor that was handed on may be held by thousands: their part of the sum is kept in the row, for as long as they stay. */
#define OWNERS_FEW 8

static uint32_t digest_owners(const struct skt_snapshot *snapshot, const struct skt_sock *sock)
{
	unsigned char bytes[2 * 8];
	uint32_t crc = 0;

	for (uint32_t i = 0; i < sock->n_owners; i++) {
		const struct skt_owner *owner = &snapshot->owners[sock->first_owner + i];

		put(put(bytes, owner->process), (uint64_t)(int64_t)owner->fd);
		crc = (uint32_t)crc32(crc, bytes, sizeof(bytes));
	}
	return crc;
}

/* The row in this slot got other holders. */
static void keep_owners(struct skt_snapshot *snapshot, uint32_t slot)
{
	struct skt_sock *sock = &snapshot->socks[slot];

	if (sock->n_owners > OWNERS_FEW)
		sock->owners_crc = digest_owners(snapshot, sock);
}

static uint32_t digest_row(const struct skt_snapshot *snapshot, const struct skt_sock *sock)
{
	/* room for the row and one owner: most rows are one run of the checksum */
	unsigned char bytes[32 * 8], *at = bytes;
	uint32_t crc = 0;

	at = put(at, sock->table);
	at = put(at, sock->local_port);
	at = put(at, sock->remote_port);
	memcpy(at, sock->local_address, 16);
	memcpy(at + 16, sock->remote_address, 16);
	at = put(at + 32, sock->inode);
	at = put(at, sock->sk);
	at = put(at, sock->rto);
	at = put(at, sock->ato);
	at = put(at, sock->tx_queue);
	at = put(at, sock->rx_queue);
	at = put(at, sock->retransmits);
	at = put(at, (uint64_t)(int64_t)sock->probes);
	at = put(at, sock->uid);
	at = put(at, (uint64_t)(int64_t)sock->ref);
	at = put(at, sock->quick);
	at = put(at, sock->cwnd);
	at = put(at, (uint64_t)(int64_t)sock->ssthresh);
	at = put(at, sock->drops);
	at = put(at, sock->tail);
	at = put(at, sock->text);
	at = put(at, sock->has);
	at = put(at, sock->state);
	at = put(at, sock->timer);
	at = put(at, (uint64_t)sock->timer_expires);
	at = put(at, sock->owner);
	at = put(at, sock->owner_gaps);
	at = put(at, sock->n_owners);
	if (sock->n_owners > OWNERS_FEW) {
		crc = (uint32_t)crc32(0, bytes, (uInt)(at - bytes));
		return (uint32_t)crc32_combine(crc, sock->owners_crc, (z_off_t)sock->n_owners * 16);
	}
	for (uint32_t i = 0; i < sock->n_owners; i++) {
		const struct skt_owner *owner = &snapshot->owners[sock->first_owner + i];

		if (i) {
			crc = (uint32_t)crc32(crc, bytes, (uInt)(at - bytes));
			at = bytes;
		}
		at = put(put(at, owner->process), (uint64_t)(int64_t)owner->fd);
	}
	return (uint32_t)crc32(crc, bytes, (uInt)(at - bytes));
}

uint32_t digest_rows(struct skt_snapshot *snapshot)
{
	uint32_t digest = 0;

	for (uint32_t i = 0; i < snapshot->n_socks; i++) {
		if (snapshot->socks[i].table == SKT_NO_TABLE)
			continue;
		keep_owners(snapshot, i);
		digest += digest_row(snapshot, &snapshot->socks[i]);
	}
	return digest;
}

uint32_t digest_step(uint32_t digest, struct skt_snapshot *now, const struct skt_step *step)
{
	for (size_t i = 0; i < step->n_socks; i++) {
		const struct skt_sock_change *change = &step->socks[i];
		bool came = change->change == SKT_OPENED || change->change == SKT_PRESENT;
		bool went = change->change == SKT_CLOSED || change->change == SKT_LOST;

		if (!came)
			digest -= digest_row(now, &change->before);
		if (went)
			continue;
		if (came || change->fields & SKT_BIT(SKT_F_OWNERS))
			keep_owners(now, change->slot);
		digest += digest_row(now, &now->socks[change->slot]);
	}
	return digest;
}
