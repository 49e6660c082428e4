/* SPDX-License-Identifier: MIT */
#include "render/groups.h"

#include "model/holding.h"
#include "render/cells.h"

#include <skt/escape.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The heading of each process that is the first to hold something; those of one text are one group. */
struct heading {
	size_t at, len; /* in the text of all */
	uint32_t side;	/* 0 before, 1 after, 2 between */
	uint32_t process;
	uint32_t group;
};

#define NO_HEADING UINT32_MAX
#define NO_HOLDER  0 /* the group of those that nobody is known to hold: the first */

/* A listener that is held: who waits in its backlog is nobody else's. */
struct listening {
	uint64_t net_namespace;
	const struct skt_sock *sock;
	uint8_t kind;
};

void groups_init(struct groups *groups)
{
	memset(groups, 0, sizeof(*groups));
	skt_buf_init(&groups->text);
}

static const struct skt_diff_side *side_of(const struct skt_diff_sides *sides, unsigned side)
{
	return side == 0 ? &sides->before : side == 1 ? &sides->after : &sides->between;
}

bool groups_holder(const struct skt_diff_sides *sides, const struct skt_difference *item, uint32_t *ret_side,
		   uint32_t *ret_process)
{
	for (unsigned after = 2; after-- > 0;) {
		unsigned side = item->passing ? 2 : after;
		uint32_t slot = after ? item->after : item->before;
		const struct skt_snapshot *snapshot = side_of(sides, side)->snapshot;
		struct holding holding;

		if (slot == SKT_NO_SLOT || !snapshot)
			continue;
		holding = holding_of(&snapshot->socks[slot]);
		if (!holding.n)
			continue;
		*ret_side = side;
		*ret_process = snapshot->owners[holding.first].process;
		return true;
	}
	return false;
}

void groups_put_program(const struct skt_render *render, const struct skt_diff_sides *sides, unsigned of,
			uint32_t process, struct skt_buf *out)
{
	const struct skt_diff_side *side = side_of(sides, of);
	struct skt_row row = { .render = render,
			       .snapshot = side->snapshot,
			       .process = &side->snapshot->processes[process] };
	const char *comm;
	size_t len;

	if (row.process->has & SKT_BIT(SKT_P_COMM)) {
		comm = skt_strtab_get(side->snapshot->strings, row.process->comm, &len);
		skt_escape(out, comm, len);
	} else {
		skt_buf_byte(out, '?');
	}
	if (row.process->has & (SKT_BIT(SKT_P_CMDLINE) | SKT_BIT(SKT_P_EXE))) {
		skt_buf_text(out, ": ");
		cell_command(&row, out);
	}
}

static int add_heading(const struct skt_render *render, const struct skt_diff_sides *sides, struct groups *groups,
		       uint32_t side, uint32_t process, size_t room)
{
	struct heading *heading = &groups->headings[groups->n];

	if (groups->n == room)
		return -ENOMEM;
	*heading = (struct heading){ .at = groups->text.len, .side = side, .process = process };
	groups_put_program(render, sides, side, process, &groups->text);
	heading->len = groups->text.len - heading->at;
	groups->of_process[side][process] = (uint32_t)++groups->n;
	return 0;
}

static int compare_texts(const void *x, const void *y, void *data)
{
	const struct heading *a = *(struct heading *const *)x, *b = *(struct heading *const *)y;
	const struct skt_buf *text = data;
	int order = memcmp(text->data + a->at, text->data + b->at, a->len < b->len ? a->len : b->len);

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

/* Give headings their groups, those of the same text the same, in the order of the texts. */
static int number_groups(struct groups *groups)
{
	struct heading **order = malloc((groups->n + 1) * sizeof(struct heading *));
	uint32_t group = NO_HOLDER;

	groups->of_group = order;
	if (!order || groups->text.failed)
		return -ENOMEM;
	/* groups are counted from 1, and no more than those before are written over */
	order++;
	for (size_t i = 0; i < groups->n; i++)
		order[i] = &groups->headings[i];
	if (groups->n > 1)
		qsort_r(order, groups->n, sizeof(*order), compare_texts, &groups->text);
	for (size_t i = 0; i < groups->n; i++) {
		struct heading *heading = order[i];

		if (!i || compare_texts(&groups->of_group[group], &heading, &groups->text) != 0)
			groups->of_group[++group] = heading;
		heading->group = group;
	}
	return 0;
}

void groups_release(struct groups *groups)
{
	skt_buf_release(&groups->text);
	for (unsigned side = 0; side < 2; side++)
		free(groups->listening[side]);
	free(groups->headings);
	free(groups->of_group);
	for (unsigned side = 0; side < 3; side++)
		free(groups->of_process[side]);
}

/* ---- what waits in a backlog ---- */

#define COMPARE(member)             \
	if (a->member != b->member) \
	return a->member < b->member ? -1 : 1

static int compare_listening(const void *x, const void *y)
{
	const struct listening *a = x, *b = y;

	COMPARE(kind);
	COMPARE(net_namespace);
	COMPARE(sock->local_port);
	return memcmp(a->sock->local_address, b->sock->local_address, sizeof(a->sock->local_address));
}

static int find_listening(struct groups *groups, unsigned side, const struct skt_snapshot *snapshot)
{
	struct listening *list;
	size_t n = 0;

	if (groups->listening[side])
		return 0;
	for (size_t i = 0; i < snapshot->n_socks; i++)
		n += snapshot->socks[i].table != SKT_NO_TABLE && snapshot->socks[i].state == SKT_LISTEN;
	list = groups->listening[side] = malloc((n + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < snapshot->n_socks; i++) {
		const struct skt_sock *sock = &snapshot->socks[i];

		if (sock->table != SKT_NO_TABLE && sock->state == SKT_LISTEN && sock->n_owners)
			list[n++] = (struct listening){ snapshot->tables[sock->table].net_namespace, sock,
							snapshot->tables[sock->table].kind };
	}
	if (n > 1)
		qsort(list, n, sizeof(*list), compare_listening);
	groups->n_listening[side] = n;
	return 0;
}

/* That which waits at the end of this one, by its address or at any. */
static const struct skt_sock *listener_of(const struct groups *groups, unsigned side, const struct group_entry *entry)
{
	struct skt_sock ends[2] = { *entry->sock, *entry->sock };

	memset(ends[1].local_address, 0, sizeof(ends[1].local_address));
	for (unsigned i = 0; i < 2; i++) {
		struct listening wanted = { entry->net_namespace, &ends[i], entry->kind };
		const struct listening *found = bsearch(&wanted, groups->listening[side], groups->n_listening[side],
							sizeof(wanted), compare_listening);

		if (found)
			return found->sock;
	}
	return NULL;
}

/* Whose group an entry is in: 1, and *ret_side and *ret_process; 0: nobody's; -ENOMEM. */
static int find_head(struct groups *groups, const struct skt_diff_sides *sides, const struct group_entry *entry,
		     uint32_t *ret_side, uint32_t *ret_process)
{
	if (groups_holder(sides, entry->item, ret_side, ret_process))
		return 1;
	if (entry->sock->owner != SKT_OWNER_QUEUED)
		return 0;
	for (unsigned side = 2; side-- > 0;) {
		const struct skt_snapshot *snapshot = side_of(sides, side)->snapshot;
		const struct skt_sock *listener;

		/* before the first one there was none */
		if (!snapshot)
			continue;
		if (find_listening(groups, side, snapshot))
			return -ENOMEM;
		listener = listener_of(groups, side, entry);
		if (!listener)
			continue;
		*ret_side = side;
		*ret_process = snapshot->owners[listener->first_owner].process;
		return 1;
	}
	return 0;
}

int groups_find(const struct skt_render *render, const struct skt_diff_sides *sides, struct group_entry *entries,
		size_t n, struct groups *groups)
{
	size_t room = 0;
	int rc = 0;

	for (unsigned side = 0; side < 3; side++) {
		const struct skt_snapshot *snapshot = side_of(sides, side)->snapshot;
		size_t processes = snapshot ? snapshot->n_processes : 0;

		groups->of_process[side] = calloc(processes + 1, sizeof(uint32_t));
		if (!groups->of_process[side])
			return -ENOMEM;
		room += processes;
	}
	groups->headings = malloc((room + 1) * sizeof(*groups->headings));
	if (!groups->headings)
		return -ENOMEM;
	for (size_t i = 0; !rc && i < n; i++) {
		uint32_t side, process;
		int found = find_head(groups, sides, &entries[i], &side, &process);

		entries[i].heading = NO_HEADING;
		if (found > 0 && !groups->of_process[side][process])
			rc = add_heading(render, sides, groups, side, process, room);
		if (found > 0 && !rc)
			entries[i].heading = groups->of_process[side][process] - 1;
		if (found < 0)
			rc = found;
	}
	if (!rc)
		rc = number_groups(groups);
	for (size_t i = 0; !rc && i < n; i++)
		entries[i].group =
			entries[i].heading == NO_HEADING ? NO_HOLDER : groups->headings[entries[i].heading].group;
	return rc;
}

void groups_put_heading(const struct groups *groups, uint32_t group, struct skt_buf *line)
{
	if (group == NO_HOLDER)
		skt_buf_text(line, "no known holder");
	else if (groups->of_group[group]->len)
		skt_buf_add(line, groups->text.data + groups->of_group[group]->at, groups->of_group[group]->len);
}
