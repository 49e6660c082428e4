/* SPDX-License-Identifier: MIT */
#include "render/fields.h"

#include <skt/buf.h>
#include <skt/step.h>

#include <stdio.h>
#include <string.h>

static const void *member(const struct field *field, const struct row *row)
{
	return (field->of_process ? (const char *)row->process : (const char *)row->sock) + field->offset;
}

static bool set_number(struct value *ret, uint64_t number)
{
	ret->number = number;
	ret->negative = false;
	return true;
}

static bool set_text(struct value *ret, const char *text, size_t len)
{
	ret->text = text;
	ret->len = len;
	return true;
}

static bool set_word(struct value *ret, const char *word)
{
	return word && set_text(ret, word, strlen(word));
}

/* A name, or the number that has none. */
static bool set_name(struct value *ret, const char *name, unsigned number)
{
	if (name)
		return set_word(ret, name);
	snprintf(ret->room, sizeof(ret->room), "0x%02X", number);
	return set_word(ret, ret->room);
}

/* Getters of plain members. */

static bool get_unsigned(const struct field *field, const struct row *row, struct value *ret)
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

static bool get_signed(const struct field *field, const struct row *row, struct value *ret)
{
	int64_t number = *(const int32_t *)member(field, row);

	ret->negative = number < 0;
	ret->number = (uint64_t)(number < 0 ? -number : number);
	return true;
}

static bool get_bool(const struct field *field, const struct row *row, struct value *ret)
{
	return set_number(ret, *(const bool *)member(field, row));
}

static bool get_string(const struct field *field, const struct row *row, struct value *ret)
{
	ret->text = skt_strtab_get(row->snapshot->strings, *(const uint32_t *)member(field, row), &ret->len);
	return true;
}

static bool get_address(const struct field *field, const struct row *row, struct value *ret)
{
	bool ipv6 = skt_table_kind_is_ipv6(row->snapshot->tables[row->sock->table].kind);

	return set_word(ret, skt_address_format(member(field, row), ipv6, ret->room));
}

/* Getters of every row. */

static bool get_time(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	ret->time = row->snapshot->time;
	return true;
}

static bool get_host(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	return row->render->host && *row->render->host && set_word(ret, row->render->host);
}

/* Getters of a socket. */

static bool get_table(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	return set_word(ret, skt_table_kind_name(row->snapshot->tables[row->sock->table].kind));
}

static bool get_table_status(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	return set_word(ret, skt_table_status_name(row->snapshot->tables[row->sock->table].status));
}

static bool get_net_namespace(const struct field *field, const struct row *row, struct value *ret)
{
	uint64_t inode = row->snapshot->tables[row->sock->table].net_namespace;

	(void)field;
	return inode && set_number(ret, inode);
}

static bool get_state(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	return set_name(ret, skt_state_name(row->sock->state), row->sock->state);
}

static bool get_timer(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	return set_name(ret, skt_timer_name(row->sock->timer), row->sock->timer);
}

static bool get_timer_ms(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	return set_number(ret, (uint64_t)skt_sock_timer_ms(row->sock, row->snapshot->boottime - row->ago));
}

static bool get_user(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	ret->text = row_has_uid(row) ? skt_snapshot_user(row->snapshot, row->sock->uid, &ret->len) : NULL;
	return ret->text;
}

static bool get_sk(const struct field *field, const struct row *row, struct value *ret)
{
	int digits = row->sock->has & SKT_HAS_SHORT_SK ? 8 : 16;

	(void)field;
	snprintf(ret->room, sizeof(ret->room), "%0*llx", digits, (unsigned long long)row->sock->sk);
	return set_word(ret, ret->room);
}

static bool get_owner(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	return set_word(ret, skt_owner_state_name(row->sock->owner));
}

/* Getters of an owner or a process. */

static bool get_fd(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	return set_number(ret, (uint64_t)row->fd);
}

static bool get_start_time(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	return row_start_time(row, &ret->time);
}

static bool get_process_user(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	ret->text = skt_snapshot_user(row->snapshot, row->process->uid, &ret->len);
	return ret->text;
}

static bool get_container(const struct field *field, const struct row *row, struct value *ret)
{
	size_t len;
	const char *cgroup = skt_strtab_get(row->snapshot->strings, row->process->cgroup, &len);

	(void)field;
	return skt_container_id(cgroup, len, ret->room) && set_word(ret, ret->room);
}

static bool get_process_state(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	ret->room[0] = (char)row->process->state;
	return set_text(ret, ret->room, 1);
}

/* Getters of a change. */

static bool get_bound(const struct field *field, const struct row *row, struct value *ret)
{
	ret->time = *(const int64_t *)(const void *)((const char *)row->change + field->offset);
	return ret->time != INT64_MIN;
}

static bool get_change(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	return set_word(ret, skt_change_name(row->change->change));
}

static bool get_hands(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	return set_word(ret, skt_hands_name(skt_change_hands(row->snapshot, row->change)));
}

static bool get_changed(const struct field *field, const struct row *row, struct value *ret)
{
	(void)field;
	return set_number(ret, skt_change_fields(row->change));
}

static bool get_before(const struct field *field, const struct row *row, struct value *ret)
{
	struct row before;

	(void)field;
	return row_of_change(row, false, &before) && set_number(ret, 0);
}

static bool get_after(const struct field *field, const struct row *row, struct value *ret)
{
	struct row after;

	(void)field;
	return row_of_change(row, true, &after) && set_number(ret, 1);
}

/* The descriptors. */

#define SOCK(m)	   .offset = offsetof(struct skt_sock, m), .size = sizeof(((struct skt_sock *)NULL)->m)
#define PROCESS(m) .offset = offsetof(struct skt_process, m), .size = sizeof(((struct skt_process *)NULL)->m)
#define NEEDS(bit) .needs = SKT_BIT(bit)

static const struct field head_fields[] = {
	{ "time", FIELD_TIME, .get = get_time, .meaning = "when the snapshot was taken" },
	{ "host", FIELD_BYTES, .get = get_host, .meaning = "name of the recorded host" },
};

static const struct field socket_fields[] = {
	{ "table", FIELD_WORD, .get = get_table, .meaning = "file under /proc/net in which it stood" },
	{ "table_status", FIELD_WORD, .get = get_table_status,
	  .meaning = "fresh; stale: of the last good read; unknown: never read" },
	{ "net_namespace", FIELD_NUMBER, .get = get_net_namespace, .meaning = "inode of its network namespace" },
	{ "local_address", FIELD_WORD, .get = get_address, SOCK(local_address),
	  .meaning = "as inet_ntop(3) writes it" },
	{ "local_port", FIELD_NUMBER, .get = get_unsigned, SOCK(local_port),
	  .meaning = "port; of a raw socket its protocol" },
	{ "remote_address", FIELD_WORD, .get = get_address, SOCK(remote_address),
	  .meaning = "as inet_ntop(3) writes it" },
	{ "remote_port", FIELD_NUMBER, .get = get_unsigned, SOCK(remote_port), .meaning = "port" },
	{ "state", FIELD_WORD, .get = get_state, .meaning = "the kernel's name without TCP_" },
	{ "tx_queue", FIELD_NUMBER, .get = get_unsigned, SOCK(tx_queue), .meaning = "bytes not yet acknowledged" },
	{ "rx_queue", FIELD_NUMBER, .get = get_unsigned, SOCK(rx_queue),
	  .meaning = "bytes not yet read; of LISTEN connections not yet accepted" },
	{ "timer", FIELD_WORD, .get = get_timer, .meaning = "off retransmit keepalive time_wait probe" },
	{ "timer_ms", FIELD_NUMBER, .get = get_timer_ms, NEEDS(SKT_F_TIMER_MS),
	  .meaning = "milliseconds until the timer runs out" },
	{ "retransmits", FIELD_NUMBER, .get = get_unsigned, SOCK(retransmits),
	  .meaning = "times that the oldest segment was sent again" },
	{ "uid", FIELD_NUMBER, .get = get_unsigned, SOCK(uid),
	  .meaning = "the socket's uid; 0 says nothing where inode is 0" },
	{ "user", FIELD_BYTES, .get = get_user, .meaning = "name of uid on the recorded host" },
	{ "probes", FIELD_NUMBER, .get = get_signed, SOCK(probes),
	  .meaning = "unanswered probes: the column headed timeout" },
	{ "inode", FIELD_NUMBER, .get = get_unsigned, SOCK(inode), .meaning = "what socket:[N] names; 0 without one" },
	{ "ref", FIELD_NUMBER, .get = get_signed, SOCK(ref), NEEDS(SKT_F_REF), .meaning = "references to it" },
	{ "sk", FIELD_WORD, .get = get_sk, NEEDS(SKT_F_SK), .meaning = "the hashed kernel pointer, hexadecimal" },
	{ "rto", FIELD_NUMBER, .get = get_unsigned, SOCK(rto), NEEDS(SKT_F_RTO),
	  .meaning = "retransmission timeout, in ticks" },
	{ "ato", FIELD_NUMBER, .get = get_unsigned, SOCK(ato), NEEDS(SKT_F_ATO),
	  .meaning = "delayed acknowledgement timeout, in ticks" },
	{ "quick", FIELD_NUMBER, .get = get_unsigned, SOCK(quick), NEEDS(SKT_F_QUICK),
	  .meaning = "quick acknowledgements left, twice, plus 1 in interactive mode" },
	{ "cwnd", FIELD_NUMBER, .get = get_unsigned, SOCK(cwnd), NEEDS(SKT_F_CWND),
	  .meaning = "congestion window, in segments" },
	{ "ssthresh", FIELD_NUMBER, .get = get_signed, SOCK(ssthresh), NEEDS(SKT_F_SSTHRESH),
	  .meaning = "slow start threshold, -1 none yet; of LISTEN the fast open queue's limit" },
	{ "drops", FIELD_NUMBER, .get = get_unsigned, SOCK(drops), NEEDS(SKT_F_DROPS),
	  .meaning = "datagrams dropped for want of room" },
	{ "tail", FIELD_BYTES, .get = get_string, SOCK(tail), NEEDS(SKT_F_TAIL),
	  .meaning = "columns after the known ones, as they stood" },
	{ "owner", FIELD_WORD, .get = get_owner, .meaning = "held carried queued detached unheld unknown" },
	{ "owner_gaps", FIELD_GAPS, .get = get_unsigned, SOCK(owner_gaps),
	  .meaning = "why owners may be incomplete: denied vanished unsearched" },
	{ "owners", FIELD_OWNERS, .meaning = "every process and descriptor that held it" },
};

#define CHANGE(m) .offset = offsetof(struct skt_sock_change, m)
static const struct field change_fields[] = {
	{ "time_after", FIELD_TIME, .get = get_bound, CHANGE(after), .meaning = "it happened after this, " },
	{ "time_until", FIELD_TIME, .get = get_bound, CHANGE(until), .meaning = "and until this" },
	{ "change", FIELD_WORD, .get = get_change, .meaning = "present opened closed changed lost" },
	{ "hands", FIELD_WORD, .get = get_hands,
	  .meaning = "of its holders: accepted found shared passed released moved orphaned" },
	{ "fields", FIELD_FIELDS, .get = get_changed, .meaning = "which of its fields changed" },
};

static const struct field side_fields[] = {
	{ "before", FIELD_SOCKET, .get = get_before, .meaning = "the socket as it was" },
	{ "after", FIELD_SOCKET, .get = get_after, .meaning = "the socket as it is now" },
};

#define OF_PROCESS .of_process = true
const struct field owner_fields[] = {
	{ "pid", FIELD_NUMBER, OF_PROCESS, .get = get_unsigned, PROCESS(pid), .meaning = "process id" },
	{ "fd", FIELD_NUMBER, OF_PROCESS, .of_link = true, .get = get_fd, .meaning = "descriptor that was the socket" },
	{ "start_time", FIELD_TIME, OF_PROCESS, .get = get_start_time, .meaning = "when the process started" },
	{ "ppid", FIELD_NUMBER, OF_PROCESS, .get = get_unsigned, PROCESS(ppid), NEEDS(SKT_P_PPID),
	  .meaning = "its parent's pid" },
	{ "process_uid", FIELD_NUMBER, OF_PROCESS, .get = get_unsigned, PROCESS(uid), NEEDS(SKT_P_UID),
	  .meaning = "its real uid" },
	{ "process_user", FIELD_BYTES, OF_PROCESS, .get = get_process_user, NEEDS(SKT_P_UID),
	  .meaning = "name of process_uid on the recorded host" },
	{ "comm", FIELD_BYTES, OF_PROCESS, .get = get_string, PROCESS(comm), NEEDS(SKT_P_COMM),
	  .meaning = "the kernel's name for it, at most 15 bytes" },
	{ "exe", FIELD_BYTES, OF_PROCESS, .get = get_string, PROCESS(exe), NEEDS(SKT_P_EXE),
	  .meaning = "path of its program" },
	{ "exe_deleted", FIELD_BOOL, OF_PROCESS, .get = get_bool, PROCESS(exe_deleted), NEEDS(SKT_P_EXE),
	  .meaning = "that path is no longer its program" },
	{ "cmdline", FIELD_ARGV, OF_PROCESS, .get = get_string, PROCESS(cmdline), NEEDS(SKT_P_CMDLINE),
	  .meaning = "its arguments; a process may write over them" },
	{ "cmdline_truncated", FIELD_BOOL, OF_PROCESS, .get = get_bool, PROCESS(cmdline_truncated),
	  NEEDS(SKT_P_CMDLINE), .meaning = "only the beginning of them was kept" },
	{ "cgroup", FIELD_BYTES, OF_PROCESS, .get = get_string, PROCESS(cgroup), NEEDS(SKT_P_CGROUP),
	  .meaning = "its control groups" },
	{ "container", FIELD_WORD, OF_PROCESS, .get = get_container, NEEDS(SKT_P_CGROUP),
	  .meaning = "12 hexadecimal digits, from the cgroup" },
	{ "process_net_namespace", FIELD_NUMBER, OF_PROCESS, .get = get_unsigned, PROCESS(net_namespace),
	  NEEDS(SKT_P_NET_NAMESPACE), .meaning = "inode of the namespace it is in" },
	{ "threads", FIELD_NUMBER, OF_PROCESS, .get = get_unsigned, PROCESS(threads), NEEDS(SKT_P_THREADS),
	  .meaning = "how many it has" },
	{ "process_state", FIELD_BYTES, OF_PROCESS, .get = get_process_state, NEEDS(SKT_P_STATE),
	  .meaning = "R S D Z T t X I, as in proc(5)" },
	{ "exited", FIELD_BOOL, OF_PROCESS, .get = get_bool, PROCESS(exited), .meaning = "it is gone" },
};
const size_t n_owner_fields = sizeof(owner_fields) / sizeof(*owner_fields);

static void add(struct view *view, const struct field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		view->fields[view->n++] = &fields[i];
}

void view_of_sockets(struct view *ret, bool flat)
{
	const size_t n = sizeof(socket_fields) / sizeof(*socket_fields);

	ret->n = 0;
	add(ret, head_fields, sizeof(head_fields) / sizeof(*head_fields));
	add(ret, socket_fields, flat ? n - 1 : n);
	if (flat)
		add(ret, owner_fields, n_owner_fields);
}

void view_of_processes(struct view *ret)
{
	ret->n = 0;
	add(ret, head_fields, sizeof(head_fields) / sizeof(*head_fields));
	for (size_t i = 0; i < n_owner_fields; i++)
		if (!owner_fields[i].of_link)
			add(ret, &owner_fields[i], 1);
}

void view_of_changes(struct view *ret, bool flat)
{
	const size_t n = sizeof(socket_fields) / sizeof(*socket_fields);

	ret->n = 0;
	add(ret, head_fields, sizeof(head_fields) / sizeof(*head_fields));
	add(ret, change_fields, sizeof(change_fields) / sizeof(*change_fields));
	if (flat) {
		add(ret, socket_fields, n - 1);
		add(ret, owner_fields, n_owner_fields);
	}
	add(ret, side_fields, flat ? 1 : 2);
}

static bool is_among(const struct field *field, uint32_t fields)
{
	for (unsigned i = 0; i < SKT_FIELDS; i++)
		if (fields & SKT_BIT(i) && !strcmp(field->name, skt_field_name(i)))
			return true;
	return false;
}

void view_within_change(struct view *ret, uint32_t fields)
{
	ret->n = 0;
	for (size_t i = 0; i < sizeof(socket_fields) / sizeof(*socket_fields); i++)
		if (fields == UINT32_MAX || is_among(&socket_fields[i], fields))
			add(ret, &socket_fields[i], 1);
}

bool field_get(const struct field *field, const struct row *row, struct value *ret)
{
	if (field->needs && (field->needs & ~(field->of_process ? row->process->has : row->sock->has)))
		return false;
	return field->get(field, row, ret);
}
