/* SPDX-License-Identifier: MIT */
#include "model/tables.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash(const struct skt_snapshot *snapshot, uint8_t kind, uint64_t net_namespace)
{
	return hash_mix(hash_mix(skt_strtab_seed(snapshot->strings), kind), net_namespace);
}

/* Those that are there, in a map with room for n. */
static int index_tables(const struct skt_snapshot *snapshot, struct map *map, size_t n)
{
	int rc = map_reset(map, n);

	for (size_t i = 0; !rc && i < snapshot->n_tables; i++) {
		const struct skt_table *table = &snapshot->tables[i];

		if (!table->gone)
			map_add(map, hash(snapshot, table->kind, table->net_namespace), (uint32_t)i);
	}
	return rc;
}

int tables_know(struct skt_snapshot *snapshot)
{
	struct skt_tables_known *known;

	if (snapshot->tables_known)
		return 0;
	known = calloc(1, sizeof(*known));
	if (!known)
		return -ENOMEM;
	map_init(&known->by_identity);
	if (index_tables(snapshot, &known->by_identity, snapshot->n_tables)) {
		free(known);
		return -ENOMEM;
	}
	for (size_t i = 0; i < snapshot->n_tables; i++) {
		known->rows += snapshot->tables[i].n_rows;
		known->raw += snapshot->tables[i].n_raw;
	}
	snapshot->tables_known = known;
	return 0;
}

void tables_forget(struct skt_snapshot *snapshot)
{
	if (!snapshot->tables_known)
		return;
	map_release(&snapshot->tables_known->by_identity);
	free(snapshot->tables_known->row_marks);
	free(snapshot->tables_known->table_marks);
	free(snapshot->tables_known);
	snapshot->tables_known = NULL;
}

/* Room for a mark of each of n slots; those that are new are not set. */
static int room_for_marks(bool **marks, size_t *room, size_t n)
{
	size_t had = *room;

	if (array_room(marks, room, n, sizeof(bool)))
		return -ENOMEM;
	if (*room > had)
		memset(*marks + had, 0, *room - had);
	return 0;
}

int tables_room_for_marks(struct skt_snapshot *snapshot)
{
	struct skt_tables_known *known = snapshot->tables_known;

	if (room_for_marks(&known->row_marks, &known->room_rows, snapshot->n_socks))
		return -ENOMEM;
	return room_for_marks(&known->table_marks, &known->room_tables, snapshot->n_tables);
}

uint32_t tables_find(const struct skt_snapshot *snapshot, uint8_t kind, uint64_t net_namespace)
{
	const struct map *map = &snapshot->tables_known->by_identity;
	uint32_t i = map_first(map, hash(snapshot, kind, net_namespace));

	while (i != MAP_NONE &&
	       (snapshot->tables[i].kind != kind || snapshot->tables[i].net_namespace != net_namespace))
		i = map_next(map, i);
	return i;
}

int tables_add(struct skt_snapshot *snapshot, const struct skt_table *table)
{
	struct map *map = &snapshot->tables_known->by_identity;
	uint32_t slot = (uint32_t)snapshot->n_tables;
	int rc = snapshot_push_table(snapshot, table);

	if (rc)
		return rc;
	/* a map grows by doubling, so that all of its growing is no more work than filling it once more */
	if (slot >= map->room)
		return index_tables(snapshot, map, (size_t)slot + 1);
	map_add(map, hash(snapshot, table->kind, table->net_namespace), slot);
	return 0;
}

void tables_take(struct skt_snapshot *snapshot, uint32_t slot)
{
	struct map *map = &snapshot->tables_known->by_identity;
	const struct skt_table *table = &snapshot->tables[slot];
	uint64_t h = hash(snapshot, table->kind, table->net_namespace);
	uint32_t before = MAP_NONE;

	for (uint32_t i = map_first(map, h); i != MAP_NONE; before = i, i = map_next(map, i)) {
		if (i != slot)
			continue;
		map_take(map, h, before, i);
		return;
	}
}
