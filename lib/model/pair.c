/* SPDX-License-Identifier: MIT */
#include "model/pair.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Rows are paired by keys that grow weaker, what one pass leaves going to the next:
 *
 *	0  in step: both tables walked side by side; survivors hardly ever move
 *	1  both ends, inode and sk
 *	2  both ends and inode, in order (twins)
 *	3  both ends and sk, one inode being zero (lost or gained)
 *	4  both ends, one inode being zero, if there is one candidate on either side
 *
 * A pass builds a hash of the old rows under its key and takes the first candidate for each new row, so
 * each is linear however many rows share a key.
 */

/* One table on each side. */
struct side {
	const struct skt_snapshot *snapshot;
	const struct skt_table *table;
};

static const struct skt_sock *row(const struct side *side, uint32_t i)
{
	return &side->snapshot->socks[side->table->order[i]];
}

static bool same_ends(const struct skt_sock *a, const struct skt_sock *b)
{
	return a->local_port == b->local_port && a->remote_port == b->remote_port &&
	       !memcmp(a->local_address, b->local_address, sizeof(a->local_address)) &&
	       !memcmp(a->remote_address, b->remote_address, sizeof(a->remote_address));
}

/* Nothing follows TIME_WAIT: the same ends in another state are another connection. */
static bool is_over(const struct skt_sock *sock)
{
	return sock->state == SKT_TIME_WAIT;
}

/* Only what is not accepted yet has no inode and can gain one. */
static bool may_gain(const struct skt_sock *sock)
{
	return !sock->inode && (sock->state == SKT_ESTABLISHED || sock->state == SKT_SYN_RECV ||
				sock->state == SKT_NEW_SYN_RECV || sock->state == SKT_CLOSE_WAIT);
}

/* Only what was closed by its last holder can have lost one (tcp_close_state() leaves these states). */
static bool may_have_lost(const struct skt_sock *sock)
{
	return !sock->inode &&
	       (sock->state == SKT_FIN_WAIT1 || sock->state == SKT_FIN_WAIT2 || sock->state == SKT_CLOSING ||
		sock->state == SKT_LAST_ACK || sock->state == SKT_TIME_WAIT || sock->state == SKT_CLOSE);
}

/* What a key holds, besides both ends. */
enum { KEY_INODE = 1, KEY_SK = 2, KEY_ENDS = 0 };

static uint64_t hash(const struct pairing *pairing, const struct skt_sock *sock, unsigned key)
{
	uint64_t words[4];
	uint64_t h;

	memcpy(words, sock->local_address, sizeof(sock->local_address));
	memcpy(words + 2, sock->remote_address, sizeof(sock->remote_address));
	h = hash_mix(pairing->seed, ((uint64_t)sock->local_port << 16) | sock->remote_port);
	h = hash_mix(h, words[0]);
	h = hash_mix(h, words[2]);
	if (words[1] | words[3]) {
		h = hash_mix(h, words[1]);
		h = hash_mix(h, words[3]);
	}
	if (key & KEY_INODE)
		h = hash_mix(h, sock->inode);
	if (key & KEY_SK)
		h = hash_mix(h, sock->sk);
	return h;
}

static bool same_key(const struct skt_sock *a, const struct skt_sock *b, unsigned key)
{
	return same_ends(a, b) && (!(key & KEY_INODE) || a->inode == b->inode) && (!(key & KEY_SK) || a->sk == b->sk);
}

static void join(struct pairing *pairing, uint32_t old, uint32_t now)
{
	pairing->of_old[old] = now;
	pairing->of_now[now] = old;
}

/* Nothing but a known `sk` tells twins apart: rows without are left to the passes that look at all candidates. */
static bool is_same(const struct skt_sock *old, const struct skt_sock *now)
{
	return old->sk && same_key(old, now, KEY_INODE | KEY_SK) && is_over(old) == is_over(now);
}

static void in_step(struct pairing *pairing, const struct side *old, const struct side *now)
{
	enum { LOOK_AHEAD = 8 };
	uint32_t i = 0, j = 0;
	uint32_t n_old = (uint32_t)old->table->n_rows, n_now = (uint32_t)now->table->n_rows;

	while (i < n_old && j < n_now) {
		uint32_t ahead;

		for (ahead = 0; ahead < LOOK_AHEAD; ahead++) {
			bool skip_old = i + ahead < n_old && is_same(row(old, i + ahead), row(now, j));
			bool skip_now =
				!skip_old && ahead && j + ahead < n_now && is_same(row(old, i), row(now, j + ahead));

			if (!skip_old && !skip_now)
				continue;
			i += skip_old ? ahead : 0;
			j += skip_now ? ahead : 0;
			join(pairing, i, j);
			break;
		}
		i++;
		j++;
	}
}

static int collect(struct pairing *pairing, size_t n_old, size_t n_now)
{
	if (array_room(&pairing->left_old, &pairing->room_left_old, n_old, sizeof(uint32_t)) ||
	    array_room(&pairing->left_now, &pairing->room_left_now, n_now, sizeof(uint32_t)))
		return -1;
	pairing->n_left_old = 0;
	pairing->n_left_now = 0;
	for (uint32_t i = 0; i < n_old; i++)
		if (pairing->of_old[i] == MAP_NONE)
			pairing->left_old[pairing->n_left_old++] = i;
	for (uint32_t i = 0; i < n_now; i++)
		if (pairing->of_now[i] == MAP_NONE)
			pairing->left_now[pairing->n_left_now++] = i;
	return 0;
}

static size_t keep_unpaired(uint32_t *left, size_t n, const uint32_t *of)
{
	size_t kept = 0;

	for (size_t k = 0; k < n; k++)
		if (of[left[k]] == MAP_NONE)
			left[kept++] = left[k];
	return kept;
}

/*
 * Fill map with the rows left of one side that suit, hashed by key; `over` goes into the hash too, so that
 * all candidates under one hash may really follow. Last first, so that the first comes out first.
 */
static int index_rows(struct pairing *pairing, struct map *map, const struct side *side, const uint32_t *left, size_t n,
		      unsigned key, bool (*suits)(const struct skt_sock *))
{
	if (map_reset(map, side->table->n_rows))
		return -1;
	for (size_t k = n; k-- > 0;) {
		const struct skt_sock *sock = row(side, left[k]);

		if (suits(sock))
			map_add(map, hash_mix(hash(pairing, sock, key), is_over(sock)), left[k]);
	}
	return 0;
}

static bool any(const struct skt_sock *sock)
{
	(void)sock;
	return true;
}

static bool has_sk(const struct skt_sock *sock)
{
	return sock->sk != 0;
}

/* The first old row in the map with this row's key, taken out of it; over: one that is in TIME_WAIT. MAP_NONE: none. */
static uint32_t take(struct pairing *pairing, const struct side *old, const struct skt_sock *sock, unsigned key,
		     bool over)
{
	uint64_t h = hash_mix(hash(pairing, sock, key), over);
	uint32_t before = MAP_NONE;

	for (uint32_t i = map_first(&pairing->map, h); i != MAP_NONE; before = i, i = map_next(&pairing->map, i)) {
		const struct skt_sock *candidate = row(old, i);

		if (!same_key(candidate, sock, key) || is_over(candidate) != over)
			continue;
		map_take(&pairing->map, h, before, i);
		return i;
	}
	return MAP_NONE;
}

/* Pass 1 and 2. */
static int by_key(struct pairing *pairing, const struct side *old, const struct side *now, unsigned key,
		  bool (*suits)(const struct skt_sock *))
{
	if (index_rows(pairing, &pairing->map, old, pairing->left_old, pairing->n_left_old, key, suits))
		return -1;
	for (size_t k = 0; k < pairing->n_left_now; k++) {
		const struct skt_sock *sock = row(now, pairing->left_now[k]);
		uint32_t found = MAP_NONE;

		if (!suits(sock))
			continue;
		if (is_over(sock))
			found = take(pairing, old, sock, key, true);
		if (found == MAP_NONE)
			found = take(pairing, old, sock, key, false);
		if (found != MAP_NONE)
			join(pairing, found, pairing->left_now[k]);
	}
	return 0;
}

static bool has_inode(const struct skt_sock *sock)
{
	return sock->inode != 0;
}

static bool has_inode_and_sk(const struct skt_sock *sock)
{
	return sock->inode && sock->sk;
}

static bool may_gain_and_has_sk(const struct skt_sock *sock)
{
	return may_gain(sock) && sock->sk;
}

/* Pass 3, in one direction: old rows that suit, new rows that the other end of the change suits. */
static int by_sk(struct pairing *pairing, const struct side *old, const struct side *now, bool losing)
{
	if (index_rows(pairing, &pairing->map, old, pairing->left_old, pairing->n_left_old, KEY_SK,
		       losing ? has_inode_and_sk : may_gain_and_has_sk))
		return -1;
	for (size_t k = 0; k < pairing->n_left_now; k++) {
		const struct skt_sock *sock = row(now, pairing->left_now[k]);
		uint32_t found;

		if (losing ? !may_have_lost(sock) : !has_inode(sock))
			continue;
		found = take(pairing, old, sock, KEY_SK, false);
		if (found != MAP_NONE)
			join(pairing, found, pairing->left_now[k]);
	}
	return 0;
}

/* How many rows in the map have these ends (2 means several), and the last of them. */
static unsigned candidates(const struct pairing *pairing, const struct map *map, const struct side *side,
			   const struct skt_sock *sock, bool over, uint32_t *ret)
{
	uint64_t h = hash_mix(hash(pairing, sock, KEY_ENDS), over);
	unsigned n = 0;

	for (uint32_t i = map_first(map, h); n < 2 && i != MAP_NONE; i = map_next(map, i)) {
		if (!same_ends(row(side, i), sock) || is_over(row(side, i)) != over)
			continue;
		*ret = i;
		n++;
	}
	return n;
}

/*
 * Pass 4, in one direction. A row in TIME_WAIT is no candidate on the old side: it has neither an inode to lose nor one
 * to gain.
 */
static int by_ends(struct pairing *pairing, const struct side *old, const struct side *now, bool losing)
{
	if (index_rows(pairing, &pairing->map, old, pairing->left_old, pairing->n_left_old, KEY_ENDS,
		       losing ? has_inode : may_gain) ||
	    index_rows(pairing, &pairing->map_now, now, pairing->left_now, pairing->n_left_now, KEY_ENDS,
		       losing ? may_have_lost : has_inode))
		return -1;
	for (size_t k = 0; k < pairing->n_left_now; k++) {
		uint32_t j = pairing->left_now[k];
		const struct skt_sock *sock = row(now, j);
		uint32_t i, other;

		if (losing ? !may_have_lost(sock) : !has_inode(sock))
			continue;
		if (candidates(pairing, &pairing->map, old, sock, false, &i) != 1)
			continue;
		if (candidates(pairing, &pairing->map_now, now, sock, true, &other) +
			    candidates(pairing, &pairing->map_now, now, sock, false, &other) !=
		    1)
			continue;
		join(pairing, i, j);
	}
	return 0;
}

void pairing_init(struct pairing *pairing, uint64_t seed)
{
	memset(pairing, 0, sizeof(*pairing));
	pairing->seed = seed;
}

void pairing_release(struct pairing *pairing)
{
	map_release(&pairing->map);
	map_release(&pairing->map_now);
	free(pairing->of_old);
	free(pairing->of_now);
	free(pairing->left_old);
	free(pairing->left_now);
	pairing_init(pairing, pairing->seed);
}

int pairing_find(struct pairing *pairing, const struct skt_snapshot *old, const struct skt_table *old_table,
		 const struct skt_snapshot *now, const struct skt_table *now_table)
{
	struct side before = { .snapshot = old, .table = old_table };
	struct side after = { .snapshot = now, .table = now_table };

	if (array_room(&pairing->of_old, &pairing->room_old, old_table->n_rows, sizeof(uint32_t)) ||
	    array_room(&pairing->of_now, &pairing->room_now, now_table->n_rows, sizeof(uint32_t)))
		return -ENOMEM;
	if (old_table->n_rows)
		memset(pairing->of_old, 0xff, old_table->n_rows * sizeof(uint32_t));
	if (now_table->n_rows)
		memset(pairing->of_now, 0xff, now_table->n_rows * sizeof(uint32_t));
	in_step(pairing, &before, &after);
	if (collect(pairing, old_table->n_rows, now_table->n_rows))
		return -ENOMEM;
	for (unsigned pass = 1; pass <= 6 && pairing->n_left_old && pairing->n_left_now; pass++) {
		int rc = 0;

		switch (pass) {
		case 1:
			rc = by_key(pairing, &before, &after, KEY_INODE | KEY_SK, has_sk);
			break;
		case 2:
			rc = by_key(pairing, &before, &after, KEY_INODE, any);
			break;
		case 3:
		case 4:
			rc = by_sk(pairing, &before, &after, pass == 3);
			break;
		case 5:
		case 6:
			rc = by_ends(pairing, &before, &after, pass == 5);
			break;
		}
		if (rc)
			return -ENOMEM;
		pairing->n_left_old = keep_unpaired(pairing->left_old, pairing->n_left_old, pairing->of_old);
		pairing->n_left_now = keep_unpaired(pairing->left_now, pairing->n_left_now, pairing->of_now);
	}
	return 0;
}
