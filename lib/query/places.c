/* SPDX-License-Identifier: MIT */
#include "query/flow.h"

#include "base/array.h"

#include <errno.h>
#include <string.h>

/* Tables that there were, and who listens in them. */

static int new_place(struct skt_flows *flows, const struct skt_table *table, uint64_t hash, uint32_t *ret)
{
	struct skt_table kept = { .kind = table->kind,
				  .source = table->source,
				  .status = SKT_TABLE_FRESH,
				  .net_namespace = table->net_namespace };
	int rc = skt_snapshot_add_table(&flows->kept, &kept, ret);

	if (rc)
		return rc;
	if (array_room(&flows->places, &flows->room_places, flows->kept.n_tables, sizeof(*flows->places)))
		return -ENOMEM;
	memset(&flows->places[*ret], 0, sizeof(*flows->places));
	return lookup_add(&flows->places_by_key, hash);
}

static int find_place(struct skt_flows *flows, const struct skt_table *table, uint32_t *ret)
{
	uint64_t hash = hash_mix(hash_mix(flows->options.seed, table->net_namespace), table->kind);
	uint32_t i = lookup_first(&flows->places_by_key, hash);

	for (; i != MAP_NONE; i = lookup_next(&flows->places_by_key, i)) {
		const struct skt_table *have = &flows->kept.tables[i];

		if (have->kind == table->kind && have->net_namespace == table->net_namespace) {
			*ret = i;
			return 0;
		}
	}
	return new_place(flows, table, hash, ret);
}

int flow_place(struct skt_flows *flows, const struct skt_snapshot *snapshot, uint32_t table, uint32_t *ret)
{
	int rc = 0;

	if (array_room(&flows->place_of, &flows->room_place_of, table + (size_t)1, sizeof(*flows->place_of)))
		return -ENOMEM;
	while (flows->n_place_of <= table)
		flows->place_of[flows->n_place_of++] = NONE;
	if (flows->place_of[table] == NONE)
		rc = find_place(flows, &snapshot->tables[table], &flows->place_of[table]);
	*ret = flows->place_of[table];
	return rc;
}

/* A table was read, if its rows are of another time than they were. */
int flow_see_table(struct skt_flows *flows, const struct skt_snapshot *snapshot, uint32_t slot)
{
	const struct skt_table *table = &snapshot->tables[slot];
	uint32_t place;
	int rc;

	/* its listeners are still to be forgotten */
	if (table->gone)
		return 0;
	/* another table may have been given the slot */
	if (slot < flows->n_place_of)
		flows->place_of[slot] = NONE;
	rc = flow_place(flows, snapshot, slot, &place);
	if (rc)
		return rc;
	if (table->read_time && table->read_time != flows->places[place].last_read) {
		flows->places[place].read_before = flows->places[place].last_read;
		flows->places[place].last_read = table->read_time;
		flows->places[place].reads++;
	}
	return 0;
}

int flow_add_listener(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_sock *sock)
{
	uint32_t place;
	int rc;

	if (!skt_sock_is_listening(sock, snapshot->tables[sock->table].kind))
		return 0;
	rc = flow_place(flows, snapshot, sock->table, &place);
	return rc ? rc : listeners_add(&flows->listeners, place, sock->local_address, sock->local_port);
}

static int remove_listener(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_sock *sock)
{
	uint32_t place;
	int rc;

	if (!skt_sock_is_listening(sock, snapshot->tables[sock->table].kind))
		return 0;
	rc = flow_place(flows, snapshot, sock->table, &place);
	if (!rc)
		listeners_remove(&flows->listeners, place, sock->local_address, sock->local_port);
	return rc;
}

/*
 * Before the rows that come are looked at: a listener that came between two looks may have its connections among them.
 */
int flow_see_listeners(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_step *step)
{
	int rc = 0;

	for (size_t i = 0; i < step->n_socks && !rc; i++) {
		const struct skt_sock_change *change = &step->socks[i];

		if (change_is_new(change) ||
		    (change->change == SKT_CHANGED && change->before.state != change->now.state))
			rc = flow_add_listener(flows, snapshot, &change->now);
	}
	return rc;
}

/* And after: one that went was there until then. */
int flow_forget_listeners(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_step *step)
{
	int rc = 0;

	for (size_t i = 0; i < step->n_socks && !rc; i++) {
		const struct skt_sock_change *change = &step->socks[i];

		if (!change_is_new(change) &&
		    (change->change != SKT_CHANGED || change->before.state != change->now.state))
			rc = remove_listener(flows, snapshot, &change->before);
	}
	return rc;
}
