/* SPDX-License-Identifier: MIT */
#include <skt/field.h>

#include "model/getters.h"

#include <skt/buf.h>
#include <skt/step.h>

#include <stdio.h>
#include <string.h>

static const void *member(const struct skt_field_info *field, const struct skt_row *row)
{
	return (field->of_process ? (const char *)row->process : (const char *)row->sock) + field->offset;
}

/* A name, or the number that has none. */
static bool set_name(struct skt_value *ret, const char *name, unsigned number)
{
	if (name)
		return set_word(ret, name);
	snprintf(ret->room, sizeof(ret->room), "0x%02X", number);
	return set_word(ret, ret->room);
}

/* Getters of plain members. */

bool field_unsigned(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const void *at = member(field, row);

	switch (field->size) {
	case 1:
		return set_number(ret, *(const uint8_t *)at);
	case 2:
		return set_number(ret, *(const uint16_t *)at);
	case 4:
		return set_number(ret, *(const uint32_t *)at);
	default:
		return set_number(ret, *(const uint64_t *)at);
	}
}

static bool get_signed(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	int64_t number = *(const int32_t *)member(field, row);

	ret->negative = number < 0;
	ret->number = (uint64_t)(number < 0 ? -number : number);
	return true;
}

bool field_bool(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	return set_number(ret, *(const bool *)member(field, row));
}

bool field_string(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	ret->text = skt_strtab_get(row->snapshot->strings, *(const uint32_t *)member(field, row), &ret->len);
	return true;
}

static bool get_address(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	bool ipv6 = skt_table_kind_is_ipv6(row->snapshot->tables[row->sock->table].kind);

	if (field->offset == offsetof(struct skt_sock, local_address) && !skt_sock_has_local_address(row->sock))
		return false;
	return set_word(ret, skt_address_format(member(field, row), ipv6, ret->room));
}

/* Getters of every row. */

static bool get_time(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	/*
	 * a row that a look saw is of that snapshot, also once an event has told of its end; a change is of the event
	 */
	bool seen = row->sock && row->sock->owner != SKT_OWNER_UNSEEN && !row->change && !row->pair;

	(void)field;
	ret->time = row->event && !seen ? row->event->when : row->snapshot->time;
	return true;
}

static bool get_host(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return row->host && *row->host && set_word(ret, row->host);
}

static bool get_recording(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return row->recording && *row->recording && set_word(ret, row->recording);
}

const struct skt_field_info skt_recording_field = { "recording", SKT_TYPE_BYTES, .get = get_recording,
						    .meaning = "name of the recording, as it was given" };

/* Getters of a socket. */

static bool get_table(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_word(ret, skt_table_kind_name(row->snapshot->tables[row->sock->table].kind));
}

static bool get_table_status(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_word(ret, skt_table_status_name(row->snapshot->tables[row->sock->table].status));
}

static bool get_net_namespace(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	uint64_t inode = row->snapshot->tables[row->sock->table].net_namespace;

	(void)field;
	return inode && set_number(ret, inode);
}

static bool get_remote_port(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return skt_sock_has_remote_port(row->sock) && set_number(ret, row->sock->remote_port);
}

/* What an event does not say nobody knows. */
static bool get_inode(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return (row->sock->inode || row->sock->owner != SKT_OWNER_UNSEEN) && set_number(ret, row->sock->inode);
}

static bool get_state(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_name(ret, skt_state_name(row->sock->state), row->sock->state);
}

static bool get_timer(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_name(ret, skt_timer_name(row->sock->timer), row->sock->timer);
}

static bool get_timer_ms(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_number(ret, (uint64_t)skt_sock_timer_ms(row->sock, row->snapshot->boottime - row->ago));
}

static bool get_uid(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return (row->sock->owner != SKT_OWNER_UNSEEN || skt_row_has_uid(row)) && set_number(ret, row->sock->uid);
}

static bool get_user(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	ret->text = skt_row_has_uid(row) ? skt_snapshot_user(row->snapshot, row->sock->uid, &ret->len) : NULL;
	return ret->text;
}

static bool get_sk(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	int digits = row->sock->has & SKT_HAS_SHORT_SK ? 8 : 16;

	(void)field;
	snprintf(ret->room, sizeof(ret->room), "%0*llx", digits, (unsigned long long)row->sock->sk);
	return set_word(ret, ret->room);
}

static bool get_owner(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_word(ret, skt_owner_state_name(row->sock->owner));
}

/* Getters of a change. */

static bool get_bound(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	ret->time = *(const int64_t *)(const void *)((const char *)row->change + field->offset);
	return ret->time != INT64_MIN;
}

static bool get_change(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_word(ret, skt_change_name(row->change->change));
}

static bool get_hands(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_word(ret, skt_hands_name(skt_change_hands(row->snapshot, row->change)));
}

static bool get_changed(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_number(ret, skt_change_fields(row->change));
}

static bool get_before(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	struct skt_row before;

	(void)field;
	return skt_row_of_change(row, false, &before) && set_number(ret, 0);
}

static bool get_after(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	struct skt_row after;

	(void)field;
	return skt_row_of_change(row, true, &after) && set_number(ret, 1);
}

/* The descriptors. */

#define SOCK(m)	   .offset = offsetof(struct skt_sock, m), .size = sizeof(((struct skt_sock *)NULL)->m)
#define NEEDS(bit) .needs = SKT_BIT(bit)

static const struct skt_field_info head_fields[] = {
	{ "time", SKT_TYPE_TIME, .moves = true, .get = get_time, .meaning = "when the snapshot was taken" },
	{ "host", SKT_TYPE_BYTES, .get = get_host, .meaning = "name of the recorded host" },
};

static const struct skt_field_info socket_fields[] = {
	{ "table", SKT_TYPE_WORD, .get = get_table, .meaning = "file under /proc/net in which it stood" },
	{ "table_status", SKT_TYPE_WORD, .moves = true, .get = get_table_status,
	  .meaning = "fresh; stale: of the last good read; unknown: never read" },
	{ "net_namespace", SKT_TYPE_NUMBER, .get = get_net_namespace, .meaning = "inode of its network namespace" },
	{ "local_address", SKT_TYPE_WORD, .is_address = true, .get = get_address, SOCK(local_address),
	  .meaning = "as inet_ntop(3) writes it" },
	{ "local_port", SKT_TYPE_NUMBER, .get = field_unsigned, SOCK(local_port),
	  .meaning = "port; of a raw socket its protocol" },
	{ "remote_address", SKT_TYPE_WORD, .is_address = true, .get = get_address, SOCK(remote_address),
	  .meaning = "as inet_ntop(3) writes it" },
	{ "remote_port", SKT_TYPE_NUMBER, .get = get_remote_port, .meaning = "port; null where a reset lost it" },
	{ "state", SKT_TYPE_WORD, .get = get_state, .meaning = "the kernel's name without TCP_" },
	{ "tx_queue", SKT_TYPE_NUMBER, .of_look = true, .get = field_unsigned, SOCK(tx_queue),
	  .meaning = "bytes not yet acknowledged" },
	{ "rx_queue", SKT_TYPE_NUMBER, .of_look = true, .get = field_unsigned, SOCK(rx_queue),
	  .meaning = "bytes not yet read; of LISTEN connections not yet accepted" },
	{ "timer", SKT_TYPE_WORD, .of_look = true, .get = get_timer,
	  .meaning = "off retransmit keepalive time_wait probe" },
	{ "timer_ms", SKT_TYPE_NUMBER, .moves = true, .get = get_timer_ms, NEEDS(SKT_F_TIMER_MS),
	  .meaning = "milliseconds until the timer runs out" },
	{ "retransmits", SKT_TYPE_NUMBER, .of_look = true, .get = field_unsigned, SOCK(retransmits),
	  .meaning = "times that the oldest segment was sent again" },
	{ "uid", SKT_TYPE_NUMBER, .get = get_uid, .meaning = "the socket's uid; 0 says nothing where inode is 0" },
	{ "user", SKT_TYPE_BYTES, .get = get_user, .meaning = "name of uid on the recorded host" },
	{ "probes", SKT_TYPE_NUMBER, .of_look = true, .get = get_signed, SOCK(probes),
	  .meaning = "unanswered probes: the column headed timeout" },
	{ "inode", SKT_TYPE_NUMBER, .get = get_inode, .meaning = "what socket:[N] names; 0 without one" },
	{ "ref", SKT_TYPE_NUMBER, .get = get_signed, SOCK(ref), NEEDS(SKT_F_REF), .meaning = "references to it" },
	{ "sk", SKT_TYPE_WORD, .get = get_sk, NEEDS(SKT_F_SK), .meaning = "the hashed kernel pointer, hexadecimal" },
	{ "rto", SKT_TYPE_NUMBER, .get = field_unsigned, SOCK(rto), NEEDS(SKT_F_RTO),
	  .meaning = "retransmission timeout, in ticks" },
	{ "ato", SKT_TYPE_NUMBER, .get = field_unsigned, SOCK(ato), NEEDS(SKT_F_ATO),
	  .meaning = "delayed acknowledgement timeout, in ticks" },
	{ "quick", SKT_TYPE_NUMBER, .get = field_unsigned, SOCK(quick), NEEDS(SKT_F_QUICK),
	  .meaning = "quick acknowledgements left, twice, plus 1 in interactive mode" },
	{ "cwnd", SKT_TYPE_NUMBER, .get = field_unsigned, SOCK(cwnd), NEEDS(SKT_F_CWND),
	  .meaning = "congestion window, in segments" },
	{ "ssthresh", SKT_TYPE_NUMBER, .get = get_signed, SOCK(ssthresh), NEEDS(SKT_F_SSTHRESH),
	  .meaning = "slow start threshold, -1 none yet; of LISTEN the fast open queue's limit" },
	{ "drops", SKT_TYPE_NUMBER, .get = field_unsigned, SOCK(drops), NEEDS(SKT_F_DROPS),
	  .meaning = "datagrams dropped for want of room" },
	{ "tail", SKT_TYPE_BYTES, .get = field_string, SOCK(tail), NEEDS(SKT_F_TAIL),
	  .meaning = "columns after the known ones, as they stood" },
	{ "owner", SKT_TYPE_WORD, .get = get_owner, .meaning = "held carried queued detached unheld unknown unseen" },
	{ "owner_gaps", SKT_TYPE_GAPS, .get = field_unsigned, SOCK(owner_gaps),
	  .meaning = "why owners may be incomplete: denied vanished unsearched" },
	{ "owners", SKT_TYPE_OWNERS, .meaning = "every process and descriptor that held it" },
};

#define CHANGE(m) .offset = offsetof(struct skt_sock_change, m)
static const struct skt_field_info change_fields[] = {
	{ "time_after", SKT_TYPE_TIME, .get = get_bound, CHANGE(after), .meaning = "it happened after this, " },
	{ "time_until", SKT_TYPE_TIME, .get = get_bound, CHANGE(until), .meaning = "and until this" },
	{ "change", SKT_TYPE_WORD, .get = get_change, .meaning = "present opened closed changed lost" },
	{ "hands", SKT_TYPE_WORD, .get = get_hands,
	  .meaning = "of its holders: accepted found shared passed released moved orphaned" },
	{ "fields", SKT_TYPE_FIELDS, .get = get_changed, .meaning = "which of its fields changed" },
};

static const struct skt_field_info side_fields[] = {
	{ "before", SKT_TYPE_SOCKET, .get = get_before, .meaning = "the socket as it was" },
	{ "after", SKT_TYPE_SOCKET, .get = get_after, .meaning = "the socket as it is now" },
};

void skt_view_add(struct skt_view *view, const struct skt_field_info *field)
{
	if (view->n < SKT_VIEW_FIELDS)
		view->fields[view->n++] = field;
}

static void add(struct skt_view *view, const struct skt_field_info *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		view->fields[view->n++] = &fields[i];
}

void skt_view_testable(struct skt_view *ret)
{
	skt_view_sockets(ret, true);
	for (size_t i = 0; i < skt_n_event_fields; i++)
		if (!skt_field_is_list(&skt_event_fields[i]))
			add(ret, &skt_event_fields[i], 1);
}

void skt_view_sockets(struct skt_view *ret, bool flat)
{
	const size_t n = sizeof(socket_fields) / sizeof(*socket_fields);

	ret->n = 0;
	add(ret, head_fields, sizeof(head_fields) / sizeof(*head_fields));
	add(ret, socket_fields, flat ? n - 1 : n);
	if (flat)
		add(ret, skt_owner_fields, skt_n_owner_fields);
}

void skt_view_processes(struct skt_view *ret)
{
	ret->n = 0;
	add(ret, head_fields, sizeof(head_fields) / sizeof(*head_fields));
	for (size_t i = 0; i < skt_n_owner_fields; i++)
		if (!skt_owner_fields[i].of_link)
			add(ret, &skt_owner_fields[i], 1);
}

void skt_view_changes(struct skt_view *ret, bool flat)
{
	const size_t n = sizeof(socket_fields) / sizeof(*socket_fields);

	ret->n = 0;
	add(ret, head_fields, sizeof(head_fields) / sizeof(*head_fields));
	add(ret, change_fields, sizeof(change_fields) / sizeof(*change_fields));
	add(ret, skt_event_fields, skt_n_event_fields);
	if (flat) {
		add(ret, socket_fields, n - 1);
		add(ret, skt_owner_fields, skt_n_owner_fields);
	}
	add(ret, side_fields, flat ? 1 : 2);
}

static bool is_among(const struct skt_field_info *field, uint32_t fields)
{
	for (unsigned i = 0; i < SKT_FIELDS; i++)
		if (fields & SKT_BIT(i) && !strcmp(field->name, skt_field_name(i)))
			return true;
	return false;
}

void skt_view_within_change(struct skt_view *ret, uint32_t fields)
{
	ret->n = 0;
	for (size_t i = 0; i < sizeof(socket_fields) / sizeof(*socket_fields); i++)
		if (fields == UINT32_MAX || is_among(&socket_fields[i], fields))
			add(ret, &socket_fields[i], 1);
}

bool skt_field_get(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	if (field->needs && !field->of_event &&
	    (field->needs & ~(field->of_process ? row->process->has : row->sock->has)))
		return false;
	if (field->of_look && row->sock->owner == SKT_OWNER_UNSEEN)
		return false;
	return field->get(field, row, ret);
}
