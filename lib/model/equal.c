/* SPDX-License-Identifier: MIT */
#include "model/equal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two snapshots being compared, and where the first difference is told. */
struct pair {
	const struct skt_snapshot *a;
	const struct skt_snapshot *b;
	char *why;
	size_t why_size;
};

static bool differ(const struct pair *pair, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns false, so that saying it and returning is one statement. */
static bool differ(const struct pair *pair, const char *format, ...)
{
	va_list args;

	if (pair->why) {
		va_start(args, format);
		vsnprintf(pair->why, pair->why_size, format, args);
		va_end(args);
	}
	return false;
}

static bool same_string(const struct pair *pair, uint32_t a, uint32_t b)
{
	size_t a_len, b_len;
	const char *a_text = skt_strtab_get(pair->a->strings, a, &a_len);
	const char *b_text = skt_strtab_get(pair->b->strings, b, &b_len);

	return a_len == b_len && !memcmp(a_text, b_text, a_len);
}

static bool same_process(const struct pair *pair, const struct skt_process *a, const struct skt_process *b)
{
	struct skt_process b_here = *b;

	b_here.comm = a->comm;
	b_here.exe = a->exe;
	b_here.cmdline = a->cmdline;
	b_here.cgroup = a->cgroup;
	if (a->pid != b->pid || skt_process_compare(a, &b_here) || !same_string(pair, a->comm, b->comm) ||
	    !same_string(pair, a->exe, b->exe) || !same_string(pair, a->cmdline, b->cmdline) ||
	    !same_string(pair, a->cgroup, b->cgroup))
		return differ(pair, "process %u differs from process %u", a->pid, b->pid);
	return true;
}

/* Columns, and of these fields. */
static bool same_columns(const struct pair *pair, const struct skt_sock *a, const struct skt_sock *b, uint32_t fields)
{
	struct skt_sock b_here = *b;

	b_here.tail = a->tail;
	b_here.text = a->text;
	fields &= skt_sock_compare(a, &b_here);
	if (fields)
		return differ(pair, "a row differs in fields %#x", fields);
	if (memcmp(a->local_address, b->local_address, 16) || memcmp(a->remote_address, b->remote_address, 16) ||
	    a->local_port != b->local_port || a->remote_port != b->remote_port)
		return differ(pair, "a row has other ends");
	if (!same_string(pair, a->tail, b->tail) || !same_string(pair, a->text, b->text))
		return differ(pair, "a row has another tail or text");
	if (skt_sock_ticks(a, pair->a->boottime) != skt_sock_ticks(b, pair->b->boottime))
		return differ(pair, "a row has %llu ticks, not %llu",
			      (unsigned long long)skt_sock_ticks(b, pair->b->boottime),
			      (unsigned long long)skt_sock_ticks(a, pair->a->boottime));
	return true;
}

static bool same_row(const struct pair *pair, const struct skt_sock *a, const struct skt_sock *b)
{
	if (!same_columns(pair, a, b, UINT32_MAX))
		return false;
	if (a->n_owners != b->n_owners)
		return differ(pair, "a row has %u owners, not %u", b->n_owners, a->n_owners);
	for (uint32_t i = 0; i < a->n_owners; i++) {
		const struct skt_owner *x = &pair->a->owners[a->first_owner + i];
		const struct skt_owner *y = &pair->b->owners[b->first_owner + i];

		if (x->fd != y->fd)
			return differ(pair, "an owner has descriptor %d, not %d", y->fd, x->fd);
		if (!same_process(pair, &pair->a->processes[x->process], &pair->b->processes[y->process]))
			return false;
	}
	return true;
}

static bool same_table(const struct pair *pair, const struct skt_table *a, const struct skt_table *b)
{
	const char *name = skt_table_kind_name(a->kind);

	if (a->kind != b->kind || a->net_namespace != b->net_namespace)
		return differ(pair, "other tables");
	if (a->source != b->source || a->status != b->status || a->error != b->error || a->read_time != b->read_time ||
	    a->read_us != b->read_us || a->duplicates != b->duplicates || a->malformed != b->malformed ||
	    !same_string(pair, a->heading, b->heading))
		return differ(pair, "table %s has another status, quality or heading", name);
	if (a->n_rows != b->n_rows || a->n_raw != b->n_raw)
		return differ(pair, "table %s has %zu rows and %zu raw lines, not %zu and %zu", name, b->n_rows,
			      b->n_raw, a->n_rows, a->n_raw);
	for (size_t i = 0; i < a->n_raw; i++)
		if (a->raw[i].before != b->raw[i].before || !same_string(pair, a->raw[i].text, b->raw[i].text))
			return differ(pair, "table %s has another raw line", name);
	for (size_t i = 0; i < a->n_rows; i++)
		if (!same_row(pair, &pair->a->socks[a->order[i]], &pair->b->socks[b->order[i]]))
			return false;
	return true;
}

static int by_identity(const void *x, const void *y)
{
	const struct skt_process *a = *(const struct skt_process *const *)x;
	const struct skt_process *b = *(const struct skt_process *const *)y;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->start_time != b->start_time)
		return a->start_time < b->start_time ? -1 : 1;
	return (int)a->exited - (int)b->exited;
}

static int by_namespace(const void *x, const void *y)
{
	const struct skt_table *a = *(const struct skt_table *const *)x;
	const struct skt_table *b = *(const struct skt_table *const *)y;

	if (a->net_namespace != b->net_namespace)
		return a->net_namespace < b->net_namespace ? -1 : 1;
	return (int)a->kind - (int)b->kind;
}

/* The processes, or tables, that count, sorted: NULL without memory. */
static const struct skt_process **sorted_processes(const struct skt_snapshot *snapshot, size_t *ret_n)
{
	const struct skt_process **list = malloc((snapshot->n_processes + 1) * sizeof(struct skt_process *));
	size_t n = 0;

	for (size_t i = 0; list && i < snapshot->n_processes; i++)
		if (skt_process_is_listed(&snapshot->processes[i]))
			list[n++] = &snapshot->processes[i];
	if (list)
		qsort(list, n, sizeof(*list), by_identity);
	*ret_n = n;
	return list;
}

static const struct skt_table **sorted_tables(const struct skt_snapshot *snapshot, size_t *ret_n)
{
	const struct skt_table **list = malloc((snapshot->n_tables + 1) * sizeof(struct skt_table *));
	size_t n = 0;

	for (size_t i = 0; list && i < snapshot->n_tables; i++)
		if (!snapshot->tables[i].gone)
			list[n++] = &snapshot->tables[i];
	if (list)
		qsort(list, n, sizeof(*list), by_namespace);
	*ret_n = n;
	return list;
}

static bool same_findings(const struct skt_quality *a, const struct skt_quality *b)
{
	if (a->n_findings != b->n_findings || a->more_findings != b->more_findings)
		return false;
	for (uint32_t i = 0; i < a->n_findings; i++)
		if (!skt_finding_equal(&a->findings[i], &b->findings[i]))
			return false;
	return true;
}

static bool same_header(const struct pair *pair)
{
	const struct skt_snapshot *a = pair->a, *b = pair->b;
	const struct skt_quality *p = &a->quality, *q = &b->quality;

	if (a->number != b->number || a->time != b->time || a->end != b->end || a->boottime != b->boottime ||
	    a->missed != b->missed)
		return differ(pair, "number, times or missed ticks");
	if (p->walk != q->walk || p->processes != q->processes || p->links != q->links || p->denied != q->denied ||
	    p->vanished != q->vanished || p->unsearched != q->unsearched || p->malformed != q->malformed ||
	    p->walk_us != q->walk_us || p->netns_denied != q->netns_denied || p->checked_since != q->checked_since)
		return differ(pair, "quality");
	if (p->events_tables != q->events_tables || p->events_deaf != q->events_deaf ||
	    p->events_lost_since != q->events_lost_since || p->events_lost_until != q->events_lost_until ||
	    p->lived_told != q->lived_told || p->lived_lost != q->lived_lost || p->lived_more != q->lived_more)
		return differ(pair, "what was told of");
	if (!same_findings(p, q))
		return differ(pair, "findings");
	if (a->n_users != b->n_users)
		return differ(pair, "%zu users, not %zu", b->n_users, a->n_users);
	for (size_t i = 0; i < a->n_users; i++)
		if (a->users[i].uid != b->users[i].uid || !same_string(pair, a->users[i].name, b->users[i].name))
			return differ(pair, "user %u", a->users[i].uid);
	return true;
}

bool skt_snapshot_equal(const struct skt_snapshot *a, const struct skt_snapshot *b, char *why, size_t why_size)
{
	struct pair pair = { .a = a, .b = b, .why = why, .why_size = why_size };
	size_t n_ap, n_bp, n_at, n_bt;
	const struct skt_process **ap = sorted_processes(a, &n_ap), **bp = sorted_processes(b, &n_bp);
	const struct skt_table **at = sorted_tables(a, &n_at), **bt = sorted_tables(b, &n_bt);
	bool same = same_header(&pair);

	if (!ap || !bp || !at || !bt)
		same = differ(&pair, "out of memory");
	else if (same && n_ap != n_bp)
		same = differ(&pair, "%zu processes, not %zu", n_bp, n_ap);
	else if (same && n_at != n_bt)
		same = differ(&pair, "%zu tables, not %zu", n_bt, n_at);
	for (size_t i = 0; same && i < n_ap; i++)
		same = same_process(&pair, ap[i], bp[i]);
	for (size_t i = 0; same && i < n_at; i++)
		same = same_table(&pair, at[i], bt[i]);
	free(ap);
	free(bp);
	free(at);
	free(bt);
	return same;
}

bool equal_strings(const struct skt_snapshot *a, uint32_t x, const struct skt_snapshot *b, uint32_t y)
{
	struct pair pair = { .a = a, .b = b };

	return same_string(&pair, x, y);
}

bool equal_processes(const struct skt_snapshot *a, const struct skt_process *x, const struct skt_snapshot *b,
		     const struct skt_process *y)
{
	struct pair pair = { .a = a, .b = b };

	return same_process(&pair, x, y);
}

bool equal_columns(const struct skt_snapshot *a, const struct skt_sock *x, const struct skt_snapshot *b,
		   const struct skt_sock *y)
{
	struct pair pair = { .a = a, .b = b };

	return same_columns(&pair, x, y, ~(SKT_BIT(SKT_F_OWNER) | SKT_BIT(SKT_F_OWNER_GAPS)));
}
