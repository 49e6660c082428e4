/* SPDX-License-Identifier: MIT */
#include "render/holders.h"

#include <skt/changes.h>
#include <skt/escape.h>

#include "base/array.h"

#include <stdlib.h>

#define NO_COMM UINT32_MAX

static int compare_in_name(const struct holder *a, const struct holder *b)
{
	int by_pid = compare_numbers(a->pid, b->pid);

	return by_pid ? by_pid : (a->fd > b->fd) - (a->fd < b->fd);
}

static int compare_names(const void *va, const void *vb)
{
	const struct holder *a = va, *b = vb;
	int by_name = compare_numbers(a->comm, b->comm);

	return by_name ? by_name : compare_in_name(a, b);
}

static int compare_ranks(const void *va, const void *vb)
{
	const struct holder *a = va, *b = vb;
	int by_rank = compare_numbers(a->rank, b->rank);

	return by_rank ? by_rank : compare_names(a, b);
}

static void set(const struct skt_row *row, uint32_t slot, int32_t fd, struct holder *ret)
{
	const struct skt_process *process = &row->snapshot->processes[slot];

	ret->comm = process->has & SKT_BIT(SKT_P_COMM) ? process->comm : NO_COMM;
	ret->pid = process->pid;
	ret->fd = fd;
	ret->process = slot;
}

static void sort(struct holder *list, size_t n)
{
	if (n > 1)
		qsort(list, n, sizeof(*list), compare_names);
	for (size_t i = 0; i < n; i++)
		list[i].rank = i && list[i].comm == list[i - 1].comm ? list[i - 1].rank : list[i].pid;
	if (n > 1)
		qsort(list, n, sizeof(*list), compare_ranks);
}

const struct holder *holders_list(const struct skt_row *row, struct skt_buf *scratch)
{
	const struct skt_owner *owners = skt_row_owners(row);
	size_t n = row->sock->n_owners;
	struct holder *list;

	skt_buf_clear(scratch);
	list = skt_buf_room(scratch, n * sizeof(*list));
	if (!list)
		return NULL;
	for (size_t i = 0; i < n; i++)
		set(row, owners[i].process, owners[i].fd, &list[i]);
	sort(list, n);
	return list;
}

static void put_comm(const struct skt_row *row, uint32_t comm, struct skt_buf *out)
{
	size_t len;
	const char *bytes = skt_strtab_get(row->snapshot->strings, comm, &len);

	if (comm == NO_COMM)
		skt_buf_byte(out, '?');
	else if (!len)
		skt_buf_text(out, "''");
	else
		skt_escape(out, bytes, len);
}

void holders_put(const struct skt_row *row, const struct holder *list, struct skt_buf *out)
{
	for (size_t i = 0; i < row->sock->n_owners; i++) {
		const struct holder *before = i ? &list[i - 1] : NULL;

		if (before && before->comm == list[i].comm && before->pid == list[i].pid) {
			skt_buf_byte(out, ',');
			skt_buf_number(out, (uint64_t)list[i].fd);
			continue;
		}
		if (!before || before->comm != list[i].comm) {
			skt_buf_text(out, before ? ", " : "");
			put_comm(row, list[i].comm, out);
		}
		skt_buf_byte(out, ' ');
		skt_buf_number(out, list[i].pid);
		skt_buf_byte(out, '/');
		skt_buf_number(out, (uint64_t)list[i].fd);
	}
}

void holders_list_candidates(const struct skt_row *row, struct skt_buf *scratch, struct skt_buf *out)
{
	const struct skt_candidates *candidates = row->candidates;
	struct holder *list;

	if (!candidates)
		return;
	skt_buf_clear(scratch);
	list = skt_buf_room(scratch, (candidates->n + (size_t)1) * sizeof(*list));
	if (!list) {
		out->failed = true;
		return;
	}
	for (uint32_t i = 0; i < candidates->n; i++)
		set(row, candidates->list[i].process, 0, &list[i]);
	sort(list, candidates->n);
	for (uint32_t i = 0; i < candidates->n; i++) {
		if (!i || list[i].comm != list[i - 1].comm) {
			skt_buf_text(out, i ? ", " : "");
			put_comm(row, list[i].comm, out);
		}
		skt_buf_byte(out, ' ');
		skt_buf_number(out, list[i].pid);
	}
	if (candidates->more)
		skt_buf_printf(out, "%s%u more", candidates->n ? ", or " : "one of ", candidates->more);
}

void holders_put_candidates(const struct skt_row *row, struct skt_buf *scratch, struct skt_buf *out)
{
	if (!row->candidates)
		return;
	skt_buf_text(out, " perhaps ");
	holders_list_candidates(row, scratch, out);
}

void holders_put_state(const struct skt_sock *sock, struct skt_buf *out)
{
	const char *separator = ": ";

	if (sock->owner == SKT_OWNER_HELD && sock->n_owners)
		return;
	skt_buf_byte(out, '(');
	skt_buf_text(out, skt_owner_state_name(sock->owner));
	for (unsigned gap = 1; gap <= SKT_GAPS_ALL && sock->owner == SKT_OWNER_UNKNOWN; gap <<= 1) {
		if (!(sock->owner_gaps & gap))
			continue;
		skt_buf_text(out, separator);
		skt_buf_text(out, skt_owner_gap_name(gap));
		separator = " ";
	}
	skt_buf_text(out, sock->n_owners ? ") " : ")");
}
