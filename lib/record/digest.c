/* SPDX-License-Identifier: MIT */
#include "record/digest.h"

#include <endian.h>
#include <string.h>

/* Take one more number in. Multiplying carries a bit upwards only, the shift brings it down again. */
static uint64_t mix(uint64_t hash, uint64_t number)
{
	hash = (hash ^ number) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

static uint64_t mix_signed(uint64_t hash, int64_t number)
{
	return mix(hash, (uint64_t)number);
}

static uint64_t mix_address(uint64_t hash, const unsigned char address[16])
{
	uint64_t halves[2];

	memcpy(halves, address, sizeof(halves));
	return mix(mix(hash, le64toh(halves[0])), le64toh(halves[1]));
}

/*
 * The row in this slot got other holders. What they come to stays in the row: they may be thousands, and they lie
 * elsewhere.
 */
static void keep_owners(struct skt_snapshot *snapshot, uint32_t slot)
{
	struct skt_sock *sock = &snapshot->socks[slot];
	uint64_t hash = 0;

	for (uint32_t i = 0; i < sock->n_owners; i++) {
		const struct skt_owner *owner = &snapshot->owners[sock->first_owner + i];

		hash = mix_signed(mix(hash, owner->process), owner->fd);
	}
	sock->owners_hash = hash;
}

/* The columns of a row up to its timer. */
static uint64_t mix_columns(const struct skt_sock *sock)
{
	uint64_t hash = 0;

	hash = mix(hash, sock->table);
	hash = mix(hash, sock->local_port);
	hash = mix(hash, sock->remote_port);
	hash = mix_address(hash, sock->local_address);
	hash = mix_address(hash, sock->remote_address);
	hash = mix(hash, sock->inode);
	hash = mix(hash, sock->sk);
	hash = mix(hash, sock->rto);
	hash = mix(hash, sock->ato);
	hash = mix(hash, sock->tx_queue);
	hash = mix(hash, sock->rx_queue);
	hash = mix(hash, sock->retransmits);
	hash = mix_signed(hash, sock->probes);
	hash = mix(hash, sock->uid);
	hash = mix_signed(hash, sock->ref);
	hash = mix(hash, sock->quick);
	hash = mix(hash, sock->cwnd);
	hash = mix_signed(hash, sock->ssthresh);
	hash = mix(hash, sock->drops);
	hash = mix(hash, sock->tail);
	hash = mix(hash, sock->text);
	hash = mix(hash, sock->has);
	hash = mix(hash, sock->state);
	return mix(hash, sock->timer);
}

/* When the timer runs out, and who holds the row. */
static uint32_t mix_rest(const struct skt_sock *sock, int64_t timer_expires)
{
	uint64_t hash = sock->columns_hash;

	hash = mix_signed(hash, timer_expires);
	hash = mix(hash, sock->owner);
	hash = mix(hash, sock->owner_gaps);
	hash = mix(hash, sock->n_owners);
	hash = mix(hash, sock->owners_hash);
	return (uint32_t)hash;
}

/*
 * Of a row whose columns have been taken in: what they came to stays in it, for to reckon it again would be half of the
 * work.
 */
static uint32_t digest_row(const struct skt_sock *sock)
{
	return mix_rest(sock, sock->timer_expires);
}

static uint32_t take_row(struct skt_sock *sock)
{
	sock->columns_hash = mix_columns(sock);
	return digest_row(sock);
}

uint32_t digest_rows(struct skt_snapshot *snapshot)
{
	uint32_t digest = 0;

	for (uint32_t i = 0; i < snapshot->n_socks; i++) {
		if (snapshot->socks[i].table == SKT_NO_TABLE)
			continue;
		keep_owners(snapshot, i);
		digest += take_row(&snapshot->socks[i]);
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
			digest -= digest_row(&change->before);
		if (went)
			continue;
		if (came || change->fields & SKT_BIT(SKT_F_OWNERS))
			keep_owners(now, change->slot);
		digest += take_row(&now->socks[change->slot]);
	}
	/* of a row that changed as well both are told by its change */
	for (size_t i = 0; i < step->n_timers; i++) {
		const struct skt_sock *sock = &now->socks[step->timers[i].slot];

		if (step->timers[i].changed)
			continue;
		/* nothing else is another, and of some hosts every other row has one */
		digest += digest_row(sock);
		digest -= mix_rest(sock, step->timers[i].before);
	}
	return digest;
}
