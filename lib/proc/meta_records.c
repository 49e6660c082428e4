/* SPDX-License-Identifier: MIT */
#include "proc/meta.h"

#include <string.h>

/* ---- users ---- */

void meta_put_user(struct skt_buf *out, const struct skt_strtab *strings, const struct skt_user *user)
{
	skt_buf_text(out, "user");
	meta_put_number(out, user->uid);
	meta_put_escaped(out, strings, user->name);
}

void meta_get_user(struct meta *meta, struct skt_strtab *strings, struct skt_user *ret)
{
	ret->uid = meta_32(meta);
	ret->name = meta_text(meta, strings);
	meta_done(meta);
}

/* ---- processes ---- */

void meta_mask(struct skt_process *process, uint32_t has)
{
	struct skt_process none = { .pid = process->pid };

	process->has &= has;
#define KEEP(field, member)                   \
	if (!(process->has & SKT_BIT(field))) \
	process->member = none.member
	KEEP(SKT_P_PPID, ppid);
	KEEP(SKT_P_UID, uid);
	KEEP(SKT_P_COMM, comm);
	KEEP(SKT_P_EXE, exe);
	KEEP(SKT_P_EXE, exe_deleted);
	KEEP(SKT_P_CMDLINE, cmdline);
	KEEP(SKT_P_CMDLINE, cmdline_truncated);
	KEEP(SKT_P_CGROUP, cgroup);
	KEEP(SKT_P_NET_NAMESPACE, net_namespace);
	KEEP(SKT_P_THREADS, threads);
	KEEP(SKT_P_STATE, state);
	KEEP(SKT_P_START_TIME, start_time);
#undef KEEP
}

void meta_put_process(struct skt_buf *out, const struct skt_strtab *strings, const struct meta_process *process)
{
	const struct skt_process *p = &process->process;

	skt_buf_text(out, process->here ? "process here" : "process tree");
	meta_put_number(out, p->pid);
	meta_put_number(out, p->has);
	meta_put_number(out, p->cmdline_truncated);
	if (process->here) {
		meta_put_number(out, process->in_tree);
		meta_put_number(out, p->ppid);
		meta_put_number(out, p->start_time);
		meta_put_number(out, p->net_namespace);
		meta_put_number(out, p->uid);
		meta_put_number(out, p->threads);
		meta_put_number(out, p->state);
		meta_put_number(out, p->exe_deleted);
		meta_put_number(out, p->exited);
	}
	skt_buf_byte(out, '\n');
	if (!process->here)
		return;
	meta_put_text(out, "comm", strings, p->comm);
	meta_put_text(out, "exe", strings, p->exe);
	meta_put_text(out, "cmdline", strings, p->cmdline);
	meta_put_text(out, "cgroup", strings, p->cgroup);
}

static uint32_t get_text_line(struct meta *meta, struct skt_strtab *strings, const char *word)
{
	uint32_t id;

	if (!meta_line(meta, word))
		meta_fail(meta);
	id = meta_text(meta, strings);
	meta_done(meta);
	return id;
}

void meta_get_process(struct meta *meta, struct skt_strtab *strings, struct meta_process *ret)
{
	struct skt_process *p = &ret->process;
	const char *where;
	size_t len;

	memset(ret, 0, sizeof(*ret));
	scan_byte(&meta->line, ' ');
	len = scan_until(&meta->line, ' ', &where);
	if (len != 4 || (memcmp(where, "here", 4) != 0 && memcmp(where, "tree", 4) != 0)) {
		meta_fail(meta);
		return;
	}
	ret->here = *where == 'h';
	ret->in_tree = !ret->here;
	p->pid = meta_32(meta);
	p->has = meta_32(meta);
	p->cmdline_truncated = meta_number(meta, 1);
	if (ret->here) {
		ret->in_tree = meta_number(meta, 1);
		p->ppid = meta_32(meta);
		p->start_time = meta_number(meta, UINT64_MAX);
		p->net_namespace = meta_number(meta, UINT64_MAX);
		p->uid = meta_32(meta);
		p->threads = meta_32(meta);
		p->state = meta_8(meta);
		p->exe_deleted = meta_number(meta, 1);
		p->exited = meta_number(meta, 1);
	}
	meta_done(meta);
	if (!ret->here)
		return;
	p->comm = get_text_line(meta, strings, "comm");
	p->exe = get_text_line(meta, strings, "exe");
	p->cmdline = get_text_line(meta, strings, "cmdline");
	p->cgroup = get_text_line(meta, strings, "cgroup");
}

/* ---- tables ---- */

void meta_put_table(struct skt_buf *out, const struct meta_table *table)
{
	const struct skt_table *t = &table->table;

	skt_buf_printf(out, "table %s", skt_table_kind_name(t->kind));
	meta_put_number(out, t->net_namespace);
	meta_put_number(out, t->source);
	meta_put_number(out, t->status);
	meta_put_signed(out, t->error);
	meta_put_signed(out, t->read_time);
	meta_put_number(out, t->read_us);
	meta_put_number(out, t->duplicates);
	meta_put_number(out, t->malformed);
	meta_put_number(out, table->lines);
	if (table->here)
		skt_buf_text(out, " here\n");
	else
		skt_buf_printf(out, " file %08x\n", table->crc);
}

uint8_t meta_kind(struct meta *meta)
{
	const char *word;
	char name[16];
	size_t len;
	int kind = -1;

	scan_byte(&meta->line, ' ');
	len = scan_until(&meta->line, ' ', &word);
	if (len < sizeof(name)) {
		memcpy(name, word, len);
		name[len] = '\0';
		kind = skt_table_kind_of(name);
	}
	if (kind < 0)
		meta_fail(meta);
	return kind < 0 ? 0 : (uint8_t)kind;
}

void meta_get_table(struct meta *meta, struct meta_table *ret)
{
	struct skt_table *t = &ret->table;
	const char *from;
	size_t len;

	memset(ret, 0, sizeof(*ret));
	t->kind = meta_kind(meta);
	t->net_namespace = meta_number(meta, UINT64_MAX);
	t->source = meta_8(meta);
	t->status = (uint8_t)meta_number(meta, SKT_TABLE_STALE);
	t->error = (int32_t)meta_signed(meta, INT32_MAX);
	t->read_time = meta_time(meta);
	t->read_us = meta_32(meta);
	t->duplicates = meta_32(meta);
	t->malformed = meta_32(meta);
	ret->lines = meta_number(meta, SKT_SOCKS_MAX + SKT_RAW_MAX);
	scan_byte(&meta->line, ' ');
	len = scan_until(&meta->line, ' ', &from);
	ret->here = len == 4 && !memcmp(from, "here", 4);
	if (!ret->here) {
		if (len != 4 || memcmp(from, "file", 4) != 0)
			meta_fail(meta);
		scan_byte(&meta->line, ' ');
		ret->crc = (uint32_t)scan_hex(&meta->line, 8, true);
	}
	if (t->error > 0)
		meta_fail(meta);
	meta_done(meta);
}

/* ---- rows ---- */

/*
 * What a recording can hold: 2^42 ms (skt.5), and half a tick less. A kernel prints no more than 2^32 ticks. A timer of
 * a hostile recording, whose clock goes back, can be further off: it is cut to that.
 */
#define TICKS_MAX ((UINT64_C(1) << 42) / 10 - 1)

static uint64_t ticks_of(const struct skt_sock *sock, int64_t boottime)
{
	uint64_t ticks = skt_sock_has(sock, SKT_F_TIMER_MS) ? skt_sock_ticks(sock, boottime) : 0;

	return ticks < TICKS_MAX ? ticks : TICKS_MAX;
}

void meta_put_address(struct skt_buf *out, const uint8_t address[16])
{
	skt_buf_byte(out, ' ');
	for (unsigned i = 0; i < 16; i++)
		skt_buf_printf(out, "%02x", address[i]);
}

void meta_address(struct meta *meta, uint8_t ret[16])
{
	scan_byte(&meta->line, ' ');
	for (unsigned i = 0; i < 16; i++)
		ret[i] = (uint8_t)scan_hex(&meta->line, 2, true);
}

void meta_address_of(struct meta *meta, uint8_t kind, uint8_t ret[16])
{
	static const uint8_t none[12];

	meta_address(meta, ret);
	if (!skt_table_kind_is_ipv6(kind) && memcmp(ret + 4, none, sizeof(none)) != 0)
		meta_fail(meta);
}

void meta_put_row(struct skt_buf *out, const struct skt_strtab *strings, uint64_t line, const struct skt_sock *sock,
		  int64_t boottime)
{
	skt_buf_text(out, "row");
	meta_put_number(out, line);
	meta_put_address(out, sock->local_address);
	meta_put_number(out, sock->local_port);
	meta_put_address(out, sock->remote_address);
	meta_put_number(out, sock->remote_port);
	meta_put_number(out, sock->inode);
	meta_put_number(out, sock->sk);
	meta_put_number(out, sock->rto);
	meta_put_number(out, sock->ato);
	meta_put_number(out, sock->tx_queue);
	meta_put_number(out, sock->rx_queue);
	meta_put_number(out, sock->retransmits);
	meta_put_signed(out, sock->probes);
	meta_put_number(out, sock->uid);
	meta_put_signed(out, sock->ref);
	meta_put_number(out, sock->quick);
	meta_put_number(out, sock->cwnd);
	meta_put_signed(out, sock->ssthresh);
	meta_put_number(out, sock->drops);
	meta_put_number(out, sock->has);
	meta_put_number(out, sock->state);
	meta_put_number(out, sock->timer);
	/* the column: its instant is held a little differently by each who counts on from it */
	meta_put_number(out, ticks_of(sock, boottime));
	skt_buf_byte(out, '\n');
	if (sock->tail)
		meta_put_text(out, "tail", strings, sock->tail);
	if (sock->text)
		meta_put_text(out, "text", strings, sock->text);
}

/* A number with a sign of 32 bits. */
static int32_t get_int(struct meta *meta)
{
	int64_t number = meta_signed(meta, -(int64_t)INT32_MIN);

	if (number > INT32_MAX)
		meta_fail(meta);
	return (int32_t)number;
}

void meta_get_row(struct meta *meta, struct skt_strtab *strings, int64_t boottime, struct skt_sock *ret)
{
	uint64_t ticks;

	memset(ret, 0, sizeof(*ret));
	meta_address(meta, ret->local_address);
	ret->local_port = (uint16_t)meta_number(meta, UINT16_MAX);
	meta_address(meta, ret->remote_address);
	ret->remote_port = (uint16_t)meta_number(meta, UINT16_MAX);
	ret->inode = meta_number(meta, UINT64_MAX);
	ret->sk = meta_number(meta, UINT64_MAX);
	ret->rto = meta_number(meta, UINT64_MAX);
	ret->ato = meta_number(meta, UINT64_MAX);
	ret->tx_queue = meta_32(meta);
	ret->rx_queue = meta_32(meta);
	ret->retransmits = meta_32(meta);
	ret->probes = get_int(meta);
	ret->uid = meta_32(meta);
	ret->ref = get_int(meta);
	ret->quick = meta_32(meta);
	ret->cwnd = meta_32(meta);
	ret->ssthresh = get_int(meta);
	ret->drops = meta_32(meta);
	ret->has = meta_32(meta);
	ret->state = meta_8(meta);
	ret->timer = meta_8(meta);
	ticks = meta_number(meta, skt_sock_has(ret, SKT_F_TIMER_MS) ? TICKS_MAX : 0);
	/* in the middle of the tick, as skt_sock_set_ticks() has it, who would not have one at 0 */
	if (skt_sock_has(ret, SKT_F_TIMER_MS))
		ret->timer_expires = boottime - boottime % 1000000 + (int64_t)ticks * SKT_TICK_NS + SKT_TICK_NS / 2;
	meta_done(meta);
	if (meta_line(meta, "tail")) {
		ret->tail = meta_text(meta, strings);
		meta_done(meta);
	}
	if (meta_line(meta, "text")) {
		ret->text = meta_text(meta, strings);
		meta_done(meta);
	}
}
