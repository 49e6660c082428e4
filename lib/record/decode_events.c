/* SPDX-License-Identifier: MIT */
#include "record/reading.h"

#include <string.h>

/* What an event may name: what is in the old snapshot, and behind its last slots what comes with this step. */
struct nameable {
	size_t tables;
	size_t rows;
};

static struct nameable find_nameable(const struct reading *reading)
{
	const struct skt_snapshot *old = reading->old;
	const struct skt_step *step = reading->step;
	struct nameable nameable = { .tables = old->n_tables, .rows = old->n_socks };

	for (size_t i = 0; i < step->n_tables; i++)
		nameable.tables += step->tables[i].slot >= old->n_tables;
	for (size_t i = 0; i < step->n_socks; i++)
		nameable.rows += step->socks[i].slot >= old->n_socks;
	return nameable;
}

/* Whoever is handed the event finds its table and its row by these slots. */
static bool names_what_is_there(const struct reading *reading, const struct nameable *nameable,
				const struct skt_event *event)
{
	const struct skt_snapshot *old = reading->old;

	if (event->table < old->n_tables ? old->tables[event->table].gone : event->table >= nameable->tables)
		return false;
	if (event->slot < old->n_socks)
		return old->socks[event->slot].table != SKT_NO_TABLE;
	return event->slot == SKT_NO_SLOT || event->slot < nameable->rows;
}

static void get_event(struct reading *reading, const struct nameable *nameable, struct skt_event *event,
		      struct cur *section)
{
	struct cur record = get_record(section), *in = &record;
	const unsigned char *local, *remote;
	uint64_t slot;

	memset(event, 0, sizeof(*event));
	event->source = cur_byte(in);
	event->change = cur_byte(in);
	event->when = get_time_near(in, reading->step->time);
	slot = cur_count(in, SKT_SOCKS_MAX);
	event->slot = slot ? (uint32_t)slot - 1 : SKT_NO_SLOT;
	event->table = (uint32_t)cur_count(in, SKT_TABLES_MAX);
	local = cur_bytes(in, sizeof(event->local_address));
	remote = cur_bytes(in, sizeof(event->remote_address));
	if (local && remote) {
		memcpy(event->local_address, local, sizeof(event->local_address));
		memcpy(event->remote_address, remote, sizeof(event->remote_address));
	}
	event->local_port = cur_le16(in);
	event->remote_port = cur_le16(in);
	event->state = cur_byte(in);
	event->uid = (uint32_t)cur_count(in, UINT32_MAX);
	event->inode = cur_varint(in);
	event->has = (uint32_t)cur_count(in, UINT32_MAX);
	event->bytes_sent = cur_varint(in);
	event->bytes_received = cur_varint(in);
	event->rtt_us = (uint32_t)cur_count(in, UINT32_MAX);
	event->retransmits = (uint32_t)cur_count(in, UINT32_MAX);
	event->duration_us = cur_varint(in);
	event->late_us = (uint32_t)cur_count(in, UINT32_MAX);
	if (in->bad || !names_what_is_there(reading, nameable, event))
		cur_fail(section);
}

void get_events(struct reading *reading, struct cur *in)
{
	/* two addresses, two ports, and a byte for each of the other fields and the length */
	enum { LEAST_BYTES = 16 + 16 + 2 + 2 + 15 };
	struct skt_step *step = reading->step;
	size_t n = cur_count(in, at_most(cur_left(in) / LEAST_BYTES, SKT_EVENTS_MAX));
	struct nameable nameable = n ? find_nameable(reading) : (struct nameable){ 0 };

	for (; step->n_events < n && !in->bad; step->n_events++) {
		struct skt_event *event;

		if (!reading_room(reading, &step->events, &step->room_events, step->n_events + 1,
				  sizeof(*step->events)))
			return;
		event = &step->events[step->n_events];
		get_event(reading, &nameable, event, in);
		if (step->n_events && event->when < event[-1].when)
			cur_fail(in);
	}
}
