/* SPDX-License-Identifier: MIT */
#include "record/reading.h"

#include "record/block.h"

#include <string.h>

/* The twin of encode_events.c. */

/* A column as it stands in the section. One that is not there says 0 of all. */
struct event_values {
	bool there;
	struct cur at;
	struct cur high;   /* HOW_FIXED: the upper plane */
	struct cur behind; /* the section, behind this column */
};

/* Events being read. */
struct telling {
	struct reading *reading;
	size_t tables; /* slots that may be named: of the old snapshot, and of this step */
	struct event_values columns[EVENT_COLUMNS];
	/* what the next one is written against */
	int64_t when;
	uint32_t late_us;
	uint64_t inode;
};

static size_t count_tables(const struct reading *reading)
{
	const struct skt_step *step = reading->step;
	size_t n = reading->old->n_tables;

	for (size_t i = 0; i < step->n_tables; i++)
		n += step->tables[i].slot >= reading->old->n_tables;
	return n;
}

/* ---- what stands there ---- */

/* Look at the runs of events that are alike: how many events there are. */
static size_t count_events(struct cur *in)
{
	size_t n = 0;
	uint64_t run;

	while ((run = cur_count(in, SKT_EVENTS_MAX - n)) != 0) {
		n += run;
		cur_bytes(in, 3);
	}
	return n;
}

static bool is_port(uint8_t id)
{
	return id == EVENT_LOCAL_PORT || id == EVENT_REMOTE_PORT;
}

/*
 * All columns: those that are known in order, each once and none without a value; one that is not known is whatever it
 * likes.
 */
static void get_event_columns(struct telling *telling, struct cur *in)
{
	unsigned n = (unsigned)cur_count(in, 255);
	uint8_t last = 0;

	for (unsigned c = 0; c < n && !in->bad; c++) {
		uint8_t id = cur_byte(in);
		struct cur values = cur_part(in, cur_varint(in));
		struct event_values *column;

		if (!id || id >= EVENT_COLUMNS)
			continue;
		if (id <= last || !cur_left(&values))
			cur_fail(in);
		last = id;
		column = &telling->columns[id];
		column->there = true;
		column->behind = *in;
		column->at = is_port(id) ? cur_part(&values, cur_left(&values) / 2) : values;
		if (is_port(id))
			column->high = values;
	}
	for (int id = EVENT_SAYS; id < EVENT_COLUMNS; id++)
		if (!telling->columns[id].there)
			telling->columns[id].behind = *in;
}

/* Where something is wrong, the section goes no further than behind the first such column. */
static void end_columns(struct telling *telling, struct cur *in)
{
	for (int id = EVENT_SAYS; id < EVENT_COLUMNS; id++) {
		struct event_values *column = &telling->columns[id];

		if (cur_is_done(&column->at) && cur_is_done(&column->high))
			continue;
		*in = column->behind;
		cur_fail(in);
		return;
	}
}

static void fail(struct telling *telling, enum event_column id)
{
	cur_fail(&telling->columns[id].at);
}

static uint64_t get_number(struct telling *telling, enum event_column id, uint64_t max)
{
	struct event_values *column = &telling->columns[id];

	return column->there ? cur_count(&column->at, max) : 0;
}

static int64_t get_difference(struct telling *telling, enum event_column id)
{
	struct event_values *column = &telling->columns[id];

	return column->there ? cur_zigzag(&column->at) : 0;
}

static void get_address(struct telling *telling, enum event_column id, bool ipv6, uint8_t ret[16])
{
	struct event_values *column = &telling->columns[id];
	size_t size = ipv6 ? 16 : 4;
	const unsigned char *bytes = column->there ? cur_bytes(&column->at, size) : NULL;

	memset(ret, 0, 16);
	if (bytes)
		memcpy(ret, bytes, size);
}

static uint16_t get_port(struct telling *telling, enum event_column id)
{
	struct event_values *column = &telling->columns[id];
	unsigned low = column->there ? cur_byte(&column->at) : 0;
	unsigned high = column->there ? cur_byte(&column->high) : 0;

	return (uint16_t)(high << 8 | low);
}

/* ---- one event ---- */

/*
 * Which row it is about; NULL: none, or none that is there, and then that is said. Whoever is handed the event finds it
 * by its slot.
 */
static const struct skt_sock *get_row(struct telling *telling, struct skt_event *event)
{
	const struct reading *reading = telling->reading;
	const struct skt_snapshot *old = reading->old;
	uint64_t number = get_number(telling, EVENT_ROW, (uint64_t)reading->n_listed + SKT_SOCKS_MAX);
	size_t slot;

	event->slot = SKT_NO_SLOT;
	if (!number)
		return NULL;
	slot = number <= reading->n_listed ? reading->step->socks[number - 1].slot : number - 1 - reading->n_listed;
	event->slot = (uint32_t)slot;
	if (slot < old->n_socks && old->socks[slot].table != SKT_NO_TABLE)
		return &old->socks[slot];
	if (slot >= old->n_socks && slot - old->n_socks < reading->n_opened)
		return &reading->step->socks[reading->first_opened + slot - old->n_socks].now;
	fail(telling, EVENT_ROW);
	return NULL;
}

/* What it has of its row; of none it is 0. */
static void take_row(struct skt_event *event, const struct skt_sock *row)
{
	if (!row)
		return;
	event->table = row->table;
	memcpy(event->local_address, row->local_address, sizeof(event->local_address));
	memcpy(event->remote_address, row->remote_address, sizeof(event->remote_address));
	event->local_port = row->local_port;
	event->remote_port = row->remote_port;
	event->inode = row->inode;
	event->uid = row->uid;
}

/* They stand by instant, and one is as far from its step as a table's read may be. */
static void get_instant(struct telling *telling, bool first)
{
	int64_t when, late;

	if (__builtin_add_overflow(telling->when, get_difference(telling, EVENT_WHEN), &when) ||
	    !block_time_is_good(when) || !block_time_is_good(when - telling->reading->step->time) ||
	    (!first && when < telling->when)) {
		fail(telling, EVENT_WHEN);
		when = telling->when;
	}
	if (__builtin_add_overflow((int64_t)telling->late_us, get_difference(telling, EVENT_LATE), &late) || late < 0 ||
	    late > UINT32_MAX) {
		fail(telling, EVENT_LATE);
		late = 0;
	}
	telling->when = when;
	telling->late_us = (uint32_t)late;
}

static void get_own(struct telling *telling, struct skt_event *event, uint32_t says)
{
	const struct skt_snapshot *old = telling->reading->old;
	bool ipv6;

	if (says & SAYS_TABLE)
		event->table = (uint32_t)get_number(telling, EVENT_TABLE, SKT_TABLES_MAX);
	if (event->table < old->n_tables ? old->tables[event->table].gone : event->table >= telling->tables)
		fail(telling, EVENT_TABLE);
	ipv6 = skt_table_kind_is_ipv6(kind_of(telling->reading, event->table));
	/* its row may be of another table */
	if (!ipv6) {
		memset(event->local_address + 4, 0, 12);
		memset(event->remote_address + 4, 0, 12);
	}
	if (says & SAYS_LOCAL_ADDRESS)
		get_address(telling, EVENT_LOCAL_ADDRESS, ipv6, event->local_address);
	if (says & SAYS_LOCAL_PORT)
		event->local_port = get_port(telling, EVENT_LOCAL_PORT);
	if (says & SAYS_REMOTE_ADDRESS)
		get_address(telling, EVENT_REMOTE_ADDRESS, ipv6, event->remote_address);
	if (says & SAYS_REMOTE_PORT)
		event->remote_port = get_port(telling, EVENT_REMOTE_PORT);
	if (says & SAYS_INODE) {
		telling->inode += (uint64_t)get_difference(telling, EVENT_INODE);
		event->inode = telling->inode;
	}
	if (says & SAYS_UID)
		event->uid = (uint32_t)get_number(telling, EVENT_UID, UINT32_MAX);
}

static void get_counts(struct telling *telling, struct skt_event *event, uint32_t says)
{
	uint32_t has = says & SAYS_UNKNOWN ? UINT32_MAX : event->has;

	if (has & SKT_BIT(SKT_E_BYTES_SENT))
		event->bytes_sent = get_number(telling, EVENT_BYTES_SENT, UINT64_MAX);
	if (has & SKT_BIT(SKT_E_BYTES_RECEIVED))
		event->bytes_received = get_number(telling, EVENT_BYTES_RECEIVED, UINT64_MAX);
	if (has & SKT_BIT(SKT_E_RTT))
		event->rtt_us = (uint32_t)get_number(telling, EVENT_RTT, UINT32_MAX);
	if (has & SKT_BIT(SKT_E_RETRANSMITS))
		event->retransmits = (uint32_t)get_number(telling, EVENT_RETRANSMITS, UINT32_MAX);
	if (has & SKT_BIT(SKT_E_DURATION)) {
		uint64_t ms = get_number(telling, EVENT_DURATION_MS, UINT64_MAX / 1000);

		if (__builtin_add_overflow(ms * 1000, get_number(telling, EVENT_DURATION_US, 999), &event->duration_us))
			fail(telling, EVENT_DURATION_US);
	}
}

static void get_event(struct telling *telling, struct skt_event *event, bool first)
{
	uint32_t says = (uint32_t)get_number(telling, EVENT_SAYS, UINT32_MAX);

	take_row(event, get_row(telling, event));
	event->has = (uint32_t)get_number(telling, EVENT_FIELDS, UINT32_MAX);
	if (!(says & SAYS_SAME_INSTANT))
		get_instant(telling, first);
	else if (first)
		fail(telling, EVENT_SAYS);
	event->when = telling->when;
	event->late_us = telling->late_us;
	get_own(telling, event, says);
	get_counts(telling, event, says);
}

/* ---- all of them ---- */

/*
 * Whether there is a value for each in the columns that no event is without: before that is known no memory is taken.
 */
static bool are_there(const struct telling *telling, size_t n)
{
	for (int id = EVENT_SAYS; id <= EVENT_FIELDS; id++)
		if (cur_left(&telling->columns[id].at) < n)
			return false;
	return true;
}

static void get_runs(struct telling *telling, struct cur *runs)
{
	struct skt_step *step = telling->reading->step;
	uint64_t run;

	while ((run = cur_varint(runs)) != 0) {
		uint8_t source = cur_byte(runs), change = cur_byte(runs), state = cur_byte(runs);

		for (; run; run--) {
			struct skt_event *event = &step->events[step->n_events];

			memset(event, 0, sizeof(*event));
			event->source = source;
			event->change = change;
			event->state = state;
			get_event(telling, event, !step->n_events++);
		}
	}
}

void get_events(struct reading *reading, struct cur *in)
{
	struct telling telling = { .reading = reading, .when = reading->step->time };
	struct cur runs = *in;
	size_t n = count_events(in);

	if (!n || in->bad)
		return;
	telling.tables = count_tables(reading);
	get_event_columns(&telling, in);
	if (in->bad)
		return;
	if (!are_there(&telling, n)) {
		cur_fail(in);
		return;
	}
	if (!reading_room(reading, &reading->step->events, &reading->step->room_events, n,
			  sizeof(*reading->step->events)))
		return;
	get_runs(&telling, &runs);
	end_columns(&telling, in);
}
