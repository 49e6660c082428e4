/* SPDX-License-Identifier: MIT */
#include "model/diff_pair.h"

#include "base/map.h"
#include "model/diff_holders.h"
#include "model/pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * On one boot:		the rules of match, table by table, from the earlier snapshot to the later one; then, of what
 *			they leave, both ends and the holders' programs, and at last both ends
 * Across boots, hosts:	both ends and the holders' programs, and then both ends, of all namespaces together
 */

static bool is_left_out(const struct diff_pairs *pairs, const struct skt_table *table, const struct skt_sock *sock)
{
	return !(pairs->options->tables & 1u << table->kind) ||
	       (sock->state == SKT_TIME_WAIT && !pairs->options->all && !pairs->options->time_wait);
}

static const struct skt_table *table_of(const struct diff_side *side, const struct skt_sock *sock)
{
	return &side->snapshot->tables[sock->table];
}

/* ---- which ends a row has ---- */

/* The first row of each ends, for others to be compared with. */
struct first {
	const struct diff_side *side;
	uint32_t slot;
};

static bool same_ends(const struct diff_pairs *pairs, const struct first *first, const struct diff_side *side,
		      const struct skt_sock *sock)
{
	const struct skt_sock *other = &first->side->snapshot->socks[first->slot];
	const struct skt_table *a = table_of(first->side, other), *b = table_of(side, sock);

	return a->kind == b->kind && (pairs->options->across || a->net_namespace == b->net_namespace) &&
	       other->local_port == sock->local_port && other->remote_port == sock->remote_port &&
	       !memcmp(other->local_address, sock->local_address, sizeof(sock->local_address)) &&
	       !memcmp(other->remote_address, sock->remote_address, sizeof(sock->remote_address));
}

static uint64_t hash_ends(const struct diff_pairs *pairs, const struct diff_side *side, const struct skt_sock *sock)
{
	const struct skt_table *table = table_of(side, sock);
	uint64_t hash = hash_mix(pairs->options->seed, table->kind), words[4];

	if (!pairs->options->across)
		hash = hash_mix(hash, table->net_namespace);
	memcpy(words, sock->local_address, sizeof(sock->local_address));
	memcpy(words + 2, sock->remote_address, sizeof(sock->remote_address));
	hash = hash_mix(hash, ((uint64_t)sock->local_port << 16) | sock->remote_port);
	for (unsigned i = 0; i < 4; i++)
		hash = hash_mix(hash, words[i]);
	return hash;
}

static void number_row(struct diff_pairs *pairs, struct diff_side *side, uint32_t slot, struct map *map,
		       struct first *firsts)
{
	const struct skt_sock *sock = &side->snapshot->socks[slot];
	uint64_t hash = hash_ends(pairs, side, sock);
	uint32_t i = map_first(map, hash);

	while (i != MAP_NONE && !same_ends(pairs, &firsts[i], side, sock))
		i = map_next(map, i);
	if (i == MAP_NONE) {
		i = pairs->n_ends++;
		firsts[i] = (struct first){ side, slot };
		map_add(map, hash, i);
	}
	side->ends[slot] = i;
	pairs->twins[i][side == &pairs->after]++;
}

/* The table of the same kind and namespace; NULL where there is none. */
static const struct skt_table *find_table(const struct map *map, const struct skt_snapshot *snapshot,
					  const struct skt_table *wanted, uint64_t hash)
{
	for (uint32_t i = map_first(map, hash); i != MAP_NONE; i = map_next(map, i)) {
		const struct skt_table *table = &snapshot->tables[i];

		if (table->kind == wanted->kind && table->net_namespace == wanted->net_namespace)
			return table;
	}
	return NULL;
}

static uint64_t hash_table(const struct diff_pairs *pairs, const struct skt_table *table)
{
	return hash_mix(hash_mix(pairs->options->seed, table->kind), table->net_namespace);
}

static int index_tables(const struct diff_pairs *pairs, const struct skt_snapshot *snapshot, struct map *map)
{
	if (map_reset(map, snapshot->n_tables))
		return -ENOMEM;
	for (size_t i = snapshot->n_tables; i-- > 0;)
		if (!snapshot->tables[i].gone)
			map_add(map, hash_table(pairs, &snapshot->tables[i]), (uint32_t)i);
	return 0;
}

/* Give each row of a side that is not left out its ends. map has the tables of the other side. */
static void number_side(struct diff_pairs *pairs, struct diff_side *side, const struct diff_side *other,
			const struct map *tables, struct map *map, struct first *firsts)
{
	for (size_t t = 0; t < side->snapshot->n_tables; t++) {
		const struct skt_table *table = &side->snapshot->tables[t];
		const struct skt_table *there;

		if (table->gone)
			continue;
		there = find_table(tables, other->snapshot, table, hash_table(pairs, table));
		/* not read is not empty: its rows may be there or not */
		if (there && there->status == SKT_TABLE_UNKNOWN && !pairs->options->across)
			continue;
		for (size_t i = 0; i < table->n_rows; i++)
			if (!is_left_out(pairs, table, &side->snapshot->socks[table->order[i]]))
				number_row(pairs, side, table->order[i], map, firsts);
	}
}

static int number_ends(struct diff_pairs *pairs)
{
	size_t n = pairs->before.snapshot->n_socks + pairs->after.snapshot->n_socks;
	struct first *firsts = malloc((n + 1) * sizeof(*firsts));
	struct map map, tables;
	int rc;

	map_init(&map);
	map_init(&tables);
	pairs->twins = calloc(n + 1, sizeof(*pairs->twins));
	rc = firsts && pairs->twins && !map_reset(&map, n) ? 0 : -ENOMEM;
	if (!rc)
		rc = index_tables(pairs, pairs->after.snapshot, &tables);
	if (!rc)
		number_side(pairs, &pairs->before, &pairs->after, &tables, &map, firsts);
	if (!rc)
		rc = index_tables(pairs, pairs->before.snapshot, &tables);
	if (!rc)
		number_side(pairs, &pairs->after, &pairs->before, &tables, &map, firsts);
	map_release(&tables);
	map_release(&map);
	free(firsts);
	return rc;
}

/* ---- pairs ---- */

static void join(struct diff_pairs *pairs, uint32_t before, uint32_t after)
{
	pairs->before.partner[before] = after;
	pairs->after.partner[after] = before;
}

/* One table on both sides; match's rules know which way time goes. */
static int pair_table(struct diff_pairs *pairs, struct pairing *pairing, const struct skt_table *before,
		      const struct skt_table *after)
{
	const struct diff_side *x = &pairs->before, *y = &pairs->after;
	bool forward = x->snapshot->time <= y->snapshot->time;
	int rc = forward ? pairing_find(pairing, x->snapshot, before, y->snapshot, after)
			 : pairing_find(pairing, y->snapshot, after, x->snapshot, before);

	for (size_t i = 0; !rc && i < before->n_rows; i++) {
		uint32_t other = forward ? pairing->of_old[i] : pairing->of_now[i];

		if (other != MAP_NONE && x->ends[before->order[i]] != DIFF_NONE &&
		    y->ends[after->order[other]] != DIFF_NONE)
			join(pairs, before->order[i], after->order[other]);
	}
	return rc;
}

static int pair_tables(struct diff_pairs *pairs)
{
	const struct skt_snapshot *before = pairs->before.snapshot, *after = pairs->after.snapshot;
	struct pairing pairing;
	struct map map;
	int rc;

	map_init(&map);
	pairing_init(&pairing, pairs->options->seed);
	rc = index_tables(pairs, after, &map);
	for (size_t t = 0; !rc && t < before->n_tables; t++) {
		const struct skt_table *there, *table = &before->tables[t];

		there = table->gone ? NULL : find_table(&map, after, table, hash_table(pairs, table));
		if (there)
			rc = pair_table(pairs, &pairing, table, there);
	}
	pairing_release(&pairing);
	map_release(&map);
	return rc;
}

static bool is_free(const struct diff_side *side, uint32_t slot)
{
	return side->ends[slot] != DIFF_NONE && side->partner[slot] == DIFF_NONE;
}

/* The programs of all rows that have no partner yet. */
static int find_programs(const struct diff_pairs *pairs, struct diff_side *side)
{
	const struct skt_snapshot *snapshot = side->snapshot;
	int rc = 0;

	for (uint32_t slot = 0; !rc && slot < snapshot->n_socks; slot++)
		if (is_free(side, slot))
			rc = diff_programs(snapshot, &snapshot->socks[slot], side->program, pairs->options->seed,
					   &side->programs[slot]);
	return rc;
}

static uint64_t key_of(const struct diff_pairs *pairs, const struct diff_side *side, uint32_t slot, bool programs)
{
	return hash_mix(hash_mix(pairs->options->seed, side->ends[slot]), programs ? side->programs[slot] : 0);
}

/* The first row of before with these ends (and programs), taken out of the map. */
static uint32_t take(const struct diff_pairs *pairs, struct map *map, uint32_t slot, bool programs)
{
	const struct diff_side *before = &pairs->before, *after = &pairs->after;
	uint64_t key = key_of(pairs, after, slot, programs);
	uint32_t last = MAP_NONE;

	for (uint32_t i = map_first(map, key); i != MAP_NONE; last = i, i = map_next(map, i)) {
		if (before->ends[i] != after->ends[slot] || (programs && before->programs[i] != after->programs[slot]))
			continue;
		map_take(map, key, last, i);
		return i;
	}
	return MAP_NONE;
}

/* The rows of a side in the order of its tables, one after the other. */
struct walk {
	const struct skt_snapshot *snapshot;
	size_t table;
	size_t row;
};

static uint32_t next_row(struct walk *walk)
{
	for (; walk->table < walk->snapshot->n_tables; walk->table++, walk->row = 0) {
		const struct skt_table *table = &walk->snapshot->tables[walk->table];

		if (!table->gone && walk->row < table->n_rows)
			return table->order[walk->row++];
	}
	return DIFF_NONE;
}

/* What has no partner gets the first of those with its ends, and its programs where these are asked for. */
static int pair_by_ends(struct diff_pairs *pairs, struct map *map, bool programs)
{
	struct diff_side *before = &pairs->before, *after = &pairs->after;
	struct walk walk = { .snapshot = after->snapshot };
	uint32_t slot;

	if (map_reset(map, before->snapshot->n_socks))
		return -ENOMEM;
	/* last first, so that the first comes out first */
	for (size_t t = before->snapshot->n_tables; t-- > 0;) {
		const struct skt_table *table = &before->snapshot->tables[t];

		for (size_t i = table->gone ? 0 : table->n_rows; i-- > 0;)
			if (is_free(before, table->order[i]))
				map_add(map, key_of(pairs, before, table->order[i], programs), table->order[i]);
	}
	while ((slot = next_row(&walk)) != DIFF_NONE) {
		uint32_t found = is_free(after, slot) ? take(pairs, map, slot, programs) : MAP_NONE;
		uint64_t was, is;

		if (found == MAP_NONE)
			continue;
		was = before->programs[found];
		is = after->programs[slot];
		join(pairs, found, slot);
		/* across boots all else is another, too: only the program tells */
		pairs->is_other[found] = !pairs->options->across || (was && is && was != is);
	}
	return 0;
}

static int begin_side(const struct diff_pairs *pairs, const struct skt_snapshot *snapshot, struct diff_side *side)
{
	size_t rows = snapshot->n_socks + 1, processes = snapshot->n_processes + 1;

	side->snapshot = snapshot;
	side->partner = malloc(rows * sizeof(*side->partner));
	side->ends = malloc(rows * sizeof(*side->ends));
	side->programs = calloc(rows, sizeof(*side->programs));
	side->program = malloc(processes * sizeof(*side->program));
	if (!side->partner || !side->ends || !side->programs || !side->program)
		return -ENOMEM;
	memset(side->partner, 0xff, rows * sizeof(*side->partner));
	memset(side->ends, 0xff, rows * sizeof(*side->ends));
	for (size_t i = 0; i < snapshot->n_processes; i++)
		side->program[i] = diff_program(snapshot, &snapshot->processes[i], pairs->options->seed);
	return 0;
}

int diff_pairs_find(struct diff_pairs *pairs, const struct skt_snapshot *before, const struct skt_snapshot *after,
		    const struct skt_diff_options *options)
{
	struct map map;
	int rc;

	memset(pairs, 0, sizeof(*pairs));
	map_init(&map);
	pairs->options = options;
	pairs->is_other = calloc(before->n_socks + 1, sizeof(*pairs->is_other));
	rc = pairs->is_other ? begin_side(pairs, before, &pairs->before) : -ENOMEM;
	if (!rc)
		rc = begin_side(pairs, after, &pairs->after);
	if (!rc)
		rc = number_ends(pairs);
	if (!rc && !options->across)
		rc = pair_tables(pairs);
	if (!rc)
		rc = find_programs(pairs, &pairs->before);
	if (!rc)
		rc = find_programs(pairs, &pairs->after);
	if (!rc)
		rc = pair_by_ends(pairs, &map, true);
	if (!rc)
		rc = pair_by_ends(pairs, &map, false);
	map_release(&map);
	return rc;
}

static void release_side(struct diff_side *side)
{
	free(side->partner);
	free(side->ends);
	free(side->programs);
	free(side->program);
}

void diff_pairs_release(struct diff_pairs *pairs)
{
	release_side(&pairs->before);
	release_side(&pairs->after);
	free(pairs->is_other);
	free(pairs->twins);
	memset(pairs, 0, sizeof(*pairs));
}
