/* SPDX-License-Identifier: MIT */
#include "record/keys.h"

#include <string.h>

/* Which keys a snapshot or a step brings, and which doubts. */

static void put_key(struct skt_buf *keys, const struct skt_key *key)
{
	skt_buf_byte(keys, key->kind);
	skt_buf_byte(keys, key->len);
	skt_buf_add(keys, key->bytes, key->len);
}

bool skt_key_of_address(const uint8_t address[16], bool ipv6, struct skt_key *ret)
{
	static const uint8_t nobody[16], mapped[12] = { [10] = 0xff, [11] = 0xff };

	ret->kind = SKT_KEY_REMOTE_ADDRESS;
	ret->len = 16;
	memcpy(ret->bytes, address, 16);
	if (!ipv6) {
		memcpy(ret->bytes, mapped, sizeof(mapped));
		memcpy(ret->bytes + sizeof(mapped), address, 4);
	}
	return memcmp(address, nobody, ipv6 ? 16 : 4) != 0;
}

bool skt_key_of_port(uint16_t port, bool remote, struct skt_key *ret)
{
	ret->kind = remote ? SKT_KEY_REMOTE_PORT : SKT_KEY_LOCAL_PORT;
	ret->len = 2;
	ret->bytes[0] = (uint8_t)(port >> 8);
	ret->bytes[1] = (uint8_t)port;
	return port < KEYS_PORTS;
}

bool skt_key_of_pid(uint32_t pid, struct skt_key *ret)
{
	ret->kind = SKT_KEY_PID;
	ret->len = 4;
	for (int i = 0; i < 4; i++)
		ret->bytes[i] = (uint8_t)(pid >> (24 - 8 * i));
	return true;
}

bool skt_key_of_comm(const char *comm, size_t len, struct skt_key *ret)
{
	ret->kind = SKT_KEY_COMM;
	ret->len = (uint8_t)(len < SKT_KEY_MAX ? len : SKT_KEY_MAX);
	memcpy(ret->bytes, comm, ret->len);
	return true;
}

static void put_ends(struct skt_buf *keys, bool ipv6, const uint8_t remote[16], uint16_t local_port,
		     uint16_t remote_port)
{
	struct skt_key key;

	if (skt_key_of_address(remote, ipv6, &key))
		put_key(keys, &key);
	if (skt_key_of_port(local_port, false, &key))
		put_key(keys, &key);
	if (skt_key_of_port(remote_port, true, &key))
		put_key(keys, &key);
}

static void put_sock(struct skt_buf *keys, const struct skt_snapshot *now, const struct skt_sock *sock,
		     struct group_facts *facts)
{
	/* what was never seen held was somebody's all the same */
	if (sock->owner_gaps || sock->owner == SKT_OWNER_UNKNOWN || sock->owner == SKT_OWNER_DETACHED)
		facts->doubts |= SKT_DOUBT_OWNERS;
	put_ends(keys, skt_table_kind_is_ipv6(now->tables[sock->table].kind), sock->remote_address, sock->local_port,
		 sock->remote_port);
}

static void put_process(struct skt_buf *keys, const struct skt_snapshot *now, const struct skt_process *process,
			struct group_facts *facts)
{
	struct skt_key key;
	const char *comm;
	size_t len;

	skt_key_of_pid(process->pid, &key);
	put_key(keys, &key);
	if (!(process->has & SKT_BIT(SKT_P_COMM))) {
		/* any name may be its own */
		facts->doubts |= SKT_DOUBT_OWNERS;
		return;
	}
	comm = skt_strtab_get(now->strings, process->comm, &len);
	skt_key_of_comm(comm, len, &key);
	put_key(keys, &key);
}

static void put_events(struct skt_buf *keys, const struct skt_snapshot *now, const struct skt_step *step,
		       struct group_facts *facts)
{
	for (size_t i = 0; i < step->n_events; i++) {
		const struct skt_event *event = &step->events[i];

		put_ends(keys, skt_table_kind_is_ipv6(now->tables[event->table].kind), event->remote_address,
			 event->local_port, event->remote_port);
		/* nobody saw whose it was, and a port that was lost may have been any */
		if (event->slot == SKT_NO_SLOT)
			facts->doubts |= SKT_DOUBT_OWNERS;
		if (!(event->has & SKT_BIT(SKT_E_REMOTE_PORT)))
			facts->doubts |= SKT_DOUBT_TABLES;
	}
}

static void add_quality(const struct skt_snapshot *now, struct group_facts *facts)
{
	for (size_t i = 0; i < now->n_tables; i++) {
		const struct skt_table *table = &now->tables[i];

		if (!table->gone && (table->status == SKT_TABLE_UNKNOWN || table->error || table->malformed))
			facts->doubts |= SKT_DOUBT_TABLES;
	}
	/* which addresses were in what was lost nobody knows */
	if (now->quality.events_lost_until)
		facts->doubts |= SKT_DOUBT_TABLES;
	if (now->quality.denied > facts->denied)
		facts->denied = now->quality.denied;
	if (now->quality.netns_denied > facts->netns_denied)
		facts->netns_denied = now->quality.netns_denied;
	facts->missed += now->missed;
}

void keys_of_snapshot(const struct skt_snapshot *now, const struct skt_step *step, struct skt_buf *keys,
		      struct group_facts *facts)
{
	for (size_t i = 0; i < now->n_socks; i++)
		if (now->socks[i].table != SKT_NO_TABLE)
			put_sock(keys, now, &now->socks[i], facts);
	for (size_t i = 0; i < now->n_processes; i++)
		if (skt_process_is_listed(&now->processes[i]))
			put_process(keys, now, &now->processes[i], facts);
	put_events(keys, now, step, facts);
	add_quality(now, facts);
}

void keys_of_step(const struct skt_snapshot *now, const struct skt_step *step, struct skt_buf *keys,
		  struct group_facts *facts)
{
	for (size_t i = 0; i < step->n_socks; i++)
		if (step->socks[i].change != SKT_CLOSED && step->socks[i].change != SKT_LOST)
			put_sock(keys, now, &step->socks[i].now, facts);
	for (size_t i = 0; i < step->n_processes; i++)
		/* who lived only between two looks held no row, and no flow is found by his name */
		if (step->processes[i].change != SKT_PROCESS_EXITED && !skt_change_is_lived(now, &step->processes[i]))
			put_process(keys, now, &step->processes[i].now, facts);
	put_events(keys, now, step, facts);
	add_quality(now, facts);
}
