/* SPDX-License-Identifier: MIT */
#include "record/encode.h"

#include "base/array.h"

#include <string.h>

/* The twin of decode_events.c. */

/* The row that an event is about, as the step finds or brings it, and its number in the file; NULL and 0: none. */
struct event_row {
	const struct skt_sock *row;
	uint64_t number;
};

static size_t below(const struct encoder *encoder, uint32_t slot)
{
	size_t low = 0, high = encoder->n_rows;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (encoder->rows[middle]->slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Those that stand in one list of IDENTITY, which has `listed` rows before it. */
static void find_listed(struct encoder *encoder, const struct skt_step *step, struct choice choice, size_t *listed)
{
	encoder_choose(encoder, step, choice);
	for (size_t i = 0; i < step->n_events; i++) {
		struct event_row *found = &encoder->event_rows[i];
		uint32_t slot = step->events[i].slot;
		size_t at = below(encoder, slot);

		if (at == encoder->n_rows || encoder->rows[at]->slot != slot)
			continue;
		found->row = choice.what == SKT_OPENED ? &encoder->rows[at]->now : &encoder->rows[at]->before;
		found->number = 1 + *listed + at;
	}
	*listed += encoder->n_rows;
}

static void find_rows(struct encoder *encoder, const struct skt_step *step, const struct skt_snapshot *now)
{
	size_t listed = 0;

	memset(encoder->event_rows, 0, step->n_events * sizeof(*encoder->event_rows));
	find_listed(encoder, step, (struct choice){ .what = SKT_CLOSED }, &listed);
	find_listed(encoder, step, (struct choice){ .what = SKT_LOST }, &listed);
	find_listed(encoder, step, (struct choice){ .what = SKT_OPENED }, &listed);
	find_listed(encoder, step, (struct choice){ .what = SKT_CHANGED, .fields = IDENTITY_FIELDS }, &listed);
	for (size_t i = 0; i < step->n_events; i++) {
		struct event_row *found = &encoder->event_rows[i];
		uint32_t slot = step->events[i].slot;

		if (found->number || slot == SKT_NO_SLOT)
			continue;
		/* of what an event may say, nothing has changed in it */
		found->row = slot < now->n_socks ? &now->socks[slot] : NULL;
		found->number = 1 + listed + slot;
	}
}

/* What of the event is not as its row has it. */
static uint32_t find_says(const struct skt_event *event, const struct skt_event *last, const struct skt_sock *row)
{
	static const struct skt_sock none;
	const struct skt_sock *as = row ? row : &none;
	uint32_t says = 0;

	if (last && event->when == last->when && event->late_us == last->late_us)
		says |= SAYS_SAME_INSTANT;
	if (event->table != as->table)
		says |= SAYS_TABLE;
	if (memcmp(event->local_address, as->local_address, sizeof(event->local_address)) != 0)
		says |= SAYS_LOCAL_ADDRESS;
	if (event->local_port != as->local_port)
		says |= SAYS_LOCAL_PORT;
	if (memcmp(event->remote_address, as->remote_address, sizeof(event->remote_address)) != 0)
		says |= SAYS_REMOTE_ADDRESS;
	if (event->remote_port != as->remote_port)
		says |= SAYS_REMOTE_PORT;
	if (event->inode != as->inode)
		says |= SAYS_INODE;
	if (event->uid != as->uid)
		says |= SAYS_UID;
	if ((event->bytes_sent && !(event->has & SKT_BIT(SKT_E_BYTES_SENT))) ||
	    (event->bytes_received && !(event->has & SKT_BIT(SKT_E_BYTES_RECEIVED))) ||
	    (event->rtt_us && !(event->has & SKT_BIT(SKT_E_RTT))) ||
	    (event->retransmits && !(event->has & SKT_BIT(SKT_E_RETRANSMITS))) ||
	    (event->duration_us && !(event->has & SKT_BIT(SKT_E_DURATION))))
		says |= SAYS_UNKNOWN;
	return says;
}

/* What the next event is written against. */
struct before {
	int64_t when;
	uint32_t late_us;
	uint64_t inode;
};

static void put_own(struct skt_buf columns[EVENT_COLUMNS], const struct skt_event *event, uint32_t says, bool ipv6,
		    struct before *before)
{
	size_t address = ipv6 ? 16 : 4;

	if (!(says & SAYS_SAME_INSTANT)) {
		skt_buf_zigzag(&columns[EVENT_WHEN], event->when - before->when);
		skt_buf_zigzag(&columns[EVENT_LATE], (int64_t)event->late_us - before->late_us);
		before->when = event->when;
		before->late_us = event->late_us;
	}
	if (says & SAYS_TABLE)
		skt_buf_varint(&columns[EVENT_TABLE], event->table);
	if (says & SAYS_LOCAL_ADDRESS)
		skt_buf_add(&columns[EVENT_LOCAL_ADDRESS], event->local_address, address);
	if (says & SAYS_LOCAL_PORT)
		skt_buf_le16(&columns[EVENT_LOCAL_PORT], event->local_port);
	if (says & SAYS_REMOTE_ADDRESS)
		skt_buf_add(&columns[EVENT_REMOTE_ADDRESS], event->remote_address, address);
	if (says & SAYS_REMOTE_PORT)
		skt_buf_le16(&columns[EVENT_REMOTE_PORT], event->remote_port);
	if (says & SAYS_INODE) {
		skt_buf_zigzag(&columns[EVENT_INODE], (int64_t)(event->inode - before->inode));
		before->inode = event->inode;
	}
	if (says & SAYS_UID)
		skt_buf_varint(&columns[EVENT_UID], event->uid);
}

static void put_counts(struct skt_buf columns[EVENT_COLUMNS], const struct skt_event *event, uint32_t says)
{
	uint32_t has = says & SAYS_UNKNOWN ? UINT32_MAX : event->has;

	if (has & SKT_BIT(SKT_E_BYTES_SENT))
		skt_buf_varint(&columns[EVENT_BYTES_SENT], event->bytes_sent);
	if (has & SKT_BIT(SKT_E_BYTES_RECEIVED))
		skt_buf_varint(&columns[EVENT_BYTES_RECEIVED], event->bytes_received);
	if (has & SKT_BIT(SKT_E_RTT))
		skt_buf_varint(&columns[EVENT_RTT], event->rtt_us);
	if (has & SKT_BIT(SKT_E_RETRANSMITS))
		skt_buf_varint(&columns[EVENT_RETRANSMITS], event->retransmits);
	if (has & SKT_BIT(SKT_E_DURATION)) {
		skt_buf_varint(&columns[EVENT_DURATION_MS], event->duration_us / 1000);
		skt_buf_varint(&columns[EVENT_DURATION_US], event->duration_us % 1000);
	}
}

/* How many events in a row have the same source, change and state, and these. */
static void put_runs(const struct skt_step *step, struct skt_buf *out)
{
	for (size_t i = 0, run; i < step->n_events; i += run) {
		const struct skt_event *event = &step->events[i];

		for (run = 1; i + run < step->n_events && event[run].source == event->source &&
			      event[run].change == event->change && event[run].state == event->state;)
			run++;
		skt_buf_varint(out, run);
		skt_buf_byte(out, event->source);
		skt_buf_byte(out, event->change);
		skt_buf_byte(out, event->state);
	}
	skt_buf_varint(out, 0);
}

/*
 * Whether a column is written at all: those that every event has a value in are, and of others those that are not 0 in
 * all.
 */
static bool is_told(const struct skt_buf *column, int id)
{
	if (id <= EVENT_FIELDS)
		return true;
	for (size_t i = 0; i < column->len; i++)
		if (column->data[i])
			return true;
	return false;
}

static void put_column(const struct skt_buf *column, int id, struct skt_buf *out)
{
	skt_buf_byte(out, (unsigned char)id);
	skt_buf_varint(out, column->len);
	if (id != EVENT_LOCAL_PORT && id != EVENT_REMOTE_PORT) {
		skt_buf_add(out, column->data, column->len);
		return;
	}
	for (size_t plane = 0; plane < 2; plane++)
		for (size_t i = plane; i < column->len; i += 2)
			skt_buf_byte(out, column->data[i]);
}

void put_events(struct encoder *encoder, const struct skt_step *step, const struct skt_snapshot *now,
		struct skt_buf *out)
{
	struct skt_buf *columns = encoder->events;
	struct before before = { .when = step->time };
	unsigned n = 0;

	put_runs(step, out);
	if (!step->n_events)
		return;
	if (array_room(&encoder->event_rows, &encoder->room_event_rows, step->n_events, sizeof(*encoder->event_rows))) {
		out->failed = true;
		return;
	}
	find_rows(encoder, step, now);
	for (int id = EVENT_SAYS; id < EVENT_COLUMNS; id++)
		skt_buf_clear(&columns[id]);
	for (size_t i = 0; i < step->n_events; i++) {
		const struct skt_event *event = &step->events[i];
		const struct event_row *of = &encoder->event_rows[i];
		uint32_t says = find_says(event, i ? event - 1 : NULL, of->row);

		skt_buf_varint(&columns[EVENT_SAYS], says);
		skt_buf_varint(&columns[EVENT_ROW], of->number);
		skt_buf_varint(&columns[EVENT_FIELDS], event->has);
		put_own(columns, event, says, skt_table_kind_is_ipv6(now->tables[event->table].kind), &before);
		put_counts(columns, event, says);
	}
	for (int id = EVENT_SAYS; id < EVENT_COLUMNS; id++)
		n += is_told(&columns[id], id);
	skt_buf_varint(out, n);
	for (int id = EVENT_SAYS; id < EVENT_COLUMNS; id++) {
		if (is_told(&columns[id], id))
			put_column(&columns[id], id, out);
		out->failed |= columns[id].failed;
	}
	out->failed |= encoder->values.failed;
}
