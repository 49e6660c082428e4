/* SPDX-License-Identifier: MIT */
#include "proc/tell.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * By what a notice and a row are compared; in this order, so that those which agree in all that a reset leaves stand
 * together.
 */
struct ends {
	uint64_t net_namespace;
	uint8_t kind;
	uint8_t remote_address[16];
	uint16_t local_port;
	uint16_t remote_port;
	uint8_t local_address[16];
};

struct told_row {
	struct ends ends;
	uint32_t slot;	  /* SKT_NO_SLOT: it went with an earlier step */
	int64_t boottime; /* of the step it went with */
	uint32_t uid;
	uint64_t inode;
	bool stays; /* something is left of it, in TIME_WAIT */
	bool told;
};

void tell_release(struct tell *tell)
{
	free(tell->waiting);
	free(tell->rows);
	memset(tell, 0, sizeof(*tell));
}

static int compare_partly(const struct ends *a, const struct ends *b)
{
	int order = compare_numbers(a->net_namespace, b->net_namespace);

	if (!order)
		order = compare_numbers(a->kind, b->kind);
	if (!order)
		order = memcmp(a->remote_address, b->remote_address, sizeof(a->remote_address));
	return order ? order : compare_numbers(a->local_port, b->local_port);
}

static int compare_ends(const struct ends *a, const struct ends *b)
{
	int order = compare_partly(a, b);

	if (!order)
		order = compare_numbers(a->remote_port, b->remote_port);
	return order ? order : memcmp(a->local_address, b->local_address, sizeof(a->local_address));
}

/* Of the same ends one of this step comes first, and of these the lower slot. */
static int compare_rows(const void *left, const void *right)
{
	const struct told_row *a = left, *b = right;
	int order = compare_ends(&a->ends, &b->ends);

	return order ? order : compare_numbers(a->slot, b->slot);
}

static int compare_notices(const void *left, const void *right)
{
	const struct notice *a = left, *b = right;

	return (a->event.when > b->event.when) - (a->event.when < b->event.when);
}

/* ---- rows ---- */

static void take_ends(struct ends *ends, const struct skt_sock *sock, const struct skt_table *table)
{
	ends->net_namespace = table->net_namespace;
	ends->kind = table->kind;
	memcpy(ends->remote_address, sock->remote_address, sizeof(ends->remote_address));
	ends->local_port = sock->local_port;
	ends->remote_port = sock->remote_port;
	memcpy(ends->local_address, sock->local_address, sizeof(ends->local_address));
}

/* TIME_WAIT, and what waits for the end of its handshake, have no socket that could be destroyed. */
static bool has_no_socket(const struct skt_sock *sock)
{
	return sock->state == SKT_TIME_WAIT || sock->state == SKT_SYN_RECV || sock->state == SKT_NEW_SYN_RECV;
}

/* What the kernel keeps of a connection that has no socket any more; FIN_WAIT2 may be that, too. */
static bool may_be_left_over(const struct skt_sock *sock)
{
	return !sock->inode && (sock->state == SKT_TIME_WAIT || sock->state == SKT_FIN_WAIT2);
}

/* Whether a socket went with this change, as far as rows show: NULL, or the row as it was while it had one. */
static const struct skt_sock *row_that_went(const struct skt_sock_change *change)
{
	switch (change->change) {
	case SKT_CLOSED:
	case SKT_LOST:
		return has_no_socket(&change->before) ? NULL : &change->before;
	case SKT_CHANGED:
		return !has_no_socket(&change->before) && may_be_left_over(&change->now) ? &change->before : NULL;
	case SKT_OPENED:
		return may_be_left_over(&change->now) ? &change->now : NULL;
	default:
		return NULL;
	}
}

static int add_row(struct tell *tell, const struct skt_snapshot *now, uint32_t slot, const struct skt_sock *sock,
		   bool stays)
{
	struct told_row *row;

	if (sock->table >= now->n_tables || now->tables[sock->table].kind > SKT_UDP6)
		return 0;
	if (array_room(&tell->rows, &tell->room_rows, tell->n_rows + 1, sizeof(*tell->rows)))
		return -ENOMEM;
	row = &tell->rows[tell->n_rows++];
	*row = (struct told_row){
		.slot = slot, .boottime = now->boottime, .uid = sock->uid, .inode = sock->inode, .stays = stays
	};
	take_ends(&row->ends, sock, &now->tables[sock->table]);
	return 0;
}

static void sort_rows(struct tell *tell)
{
	if (tell->n_rows)
		qsort(tell->rows, tell->n_rows, sizeof(*tell->rows), compare_rows);
}

static int add_rows(struct tell *tell, const struct skt_snapshot *now, const struct skt_step *step)
{
	int rc = 0;

	for (size_t i = 0; i < step->n_socks && !rc; i++) {
		const struct skt_sock_change *change = &step->socks[i];
		const struct skt_sock *sock = row_that_went(change);
		bool stays = change->change == SKT_CHANGED || change->change == SKT_OPENED;

		rc = sock ? add_row(tell, now, change->slot, sock, stays) : 0;
	}
	sort_rows(tell);
	return rc;
}

/* Those that are still listed, and may have gone since. */
static int add_listed(struct tell *tell, const struct skt_snapshot *now)
{
	int rc = 0;

	for (uint32_t i = 0; i < now->n_socks && !rc; i++)
		if (!has_no_socket(&now->socks[i]) && !may_be_left_over(&now->socks[i]))
			rc = add_row(tell, now, i, &now->socks[i], false);
	sort_rows(tell);
	return rc;
}

/* What may still be told of later. Too many of these are those of which nothing will be. */
static void keep_rows(struct tell *tell, const struct skt_step *step)
{
	size_t n = 0;

	for (size_t i = 0; i < tell->n_rows && n < TELL_ROWS; i++) {
		struct told_row row = tell->rows[i];

		if (row.told || step->boottime - row.boottime > TELL_NS || step->boottime < row.boottime)
			continue;
		row.slot = SKT_NO_SLOT;
		tell->rows[n++] = row;
	}
	tell->n_rows = n;
	if (tell->room_rows <= 2 * (size_t)TELL_ROWS)
		return;
	/* what many that went at once needed is not kept */
	struct told_row *less = realloc(tell->rows, TELL_ROWS * sizeof(*less));

	if (less) {
		tell->rows = less;
		tell->room_rows = TELL_ROWS;
	}
}

/* ---- notices ---- */

static struct told_row *first_not_below(struct tell *tell, const struct ends *ends,
					int (*order)(const struct ends *, const struct ends *))
{
	size_t low = 0, high = tell->n_rows;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (order(&tell->rows[middle].ends, ends) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return tell->rows + low;
}

static struct told_row *find_row(struct tell *tell, const struct ends *ends)
{
	struct told_row *end, *row;

	if (!tell->n_rows)
		return NULL;
	end = tell->rows + tell->n_rows;
	row = first_not_below(tell, ends, compare_ends);
	for (; row < end && !compare_ends(&row->ends, ends); row++)
		if (!row->told)
			return row;
	return NULL;
}

/* The only one that agrees in what a reset leaves, which is nothing of the row. */
static struct told_row *find_only(struct tell *tell, const struct ends *ends)
{
	static const uint8_t none[16];
	struct told_row *end, *row, *found = NULL;

	if (!tell->n_rows)
		return NULL;
	end = tell->rows + tell->n_rows;
	row = first_not_below(tell, ends, compare_partly);
	for (; row < end && !compare_partly(&row->ends, ends); row++) {
		if (row->told || row->stays || !row->ends.remote_port ||
		    (memcmp(ends->local_address, none, sizeof(none)) != 0 &&
		     memcmp(ends->local_address, row->ends.local_address, sizeof(none)) != 0))
			continue;
		if (found)
			return NULL;
		found = row;
	}
	return found;
}

static void give_row(struct skt_event *event, struct told_row *row)
{
	row->told = true;
	event->slot = row->slot;
	if (row->slot == SKT_NO_SLOT)
		event->has |= SKT_BIT(SKT_E_LATE);
	if (row->inode) {
		event->uid = row->uid;
		event->inode = row->inode;
		event->has |= SKT_BIT(SKT_E_UID) | SKT_BIT(SKT_E_INODE);
	}
	memcpy(event->local_address, row->ends.local_address, sizeof(event->local_address));
	event->remote_port = row->ends.remote_port;
	event->has |= SKT_BIT(SKT_E_REMOTE_PORT);
}

/* The table that a notice is about, of those that are there or went with this step; NULL: it is not recorded. */
static const struct skt_table *find_table(const struct skt_snapshot *now, const struct skt_step *step,
					  const struct notice *notice)
{
	const struct skt_table *gone = NULL;

	for (size_t i = 0; i < now->n_tables; i++)
		if (!now->tables[i].gone && now->tables[i].kind == notice->kind &&
		    now->tables[i].net_namespace == notice->net_namespace)
			return &now->tables[i];
	for (size_t i = 0; i < step->n_tables; i++) {
		const struct skt_table *table = &now->tables[step->tables[i].slot];

		if (table->gone && table->kind == notice->kind && table->net_namespace == notice->net_namespace)
			gone = table;
	}
	return gone;
}

/*
 * Whether the look after which nothing about it can change is still to come. A table that cannot be read is not waited
 * for, nor is an instant that a clock which was set back has yet to reach.
 */
static bool is_early(const struct skt_snapshot *now, const struct skt_table *table, const struct notice *notice)
{
	return !table->gone && !table->error && table->read_time < notice->event.when && notice->event.when <= now->end;
}

static int add_event(struct skt_step *step, const struct skt_event *event)
{
	if (step->n_events == SKT_EVENTS_MAX ||
	    array_room(&step->events, &step->room_events, step->n_events + 1, sizeof(*step->events)))
		return -ENOMEM;
	step->events[step->n_events++] = *event;
	return 0;
}

/*
 * One pass over what waits: those whose ends are known whole, then the others, so that these have what is left. Returns
 * how many are still there, to be waited for or, in the first pass, looked at in the second.
 */
static int place(struct tell *tell, const struct skt_snapshot *now, struct skt_step *step, bool whole, bool last)
{
	const struct skt_table *table = NULL;
	size_t left = 0;
	int rc = 0;

	for (size_t i = 0; i < tell->n_waiting; i++) {
		struct notice notice = tell->waiting[i];
		struct skt_event *event = &notice.event;
		struct ends ends = { notice.net_namespace, notice.kind,	       { 0 },
				     event->local_port,	   event->remote_port, { 0 } };
		struct told_row *row;

		if (!table || table->kind != notice.kind || table->net_namespace != notice.net_namespace)
			table = find_table(now, step, &notice);
		if (!table)
			continue;
		memcpy(ends.remote_address, event->remote_address, sizeof(ends.remote_address));
		memcpy(ends.local_address, event->local_address, sizeof(ends.local_address));
		row = find_row(tell, &ends);
		if (!row && !whole && !(event->has & SKT_BIT(SKT_E_REMOTE_PORT)))
			row = find_only(tell, &ends);
		if (rc || (!row && (whole || (!last && is_early(now, table, &notice))))) {
			tell->waiting[left++] = notice;
			continue;
		}
		event->table = (uint32_t)(table - now->tables);
		if (row)
			give_row(event, row);
		rc = step->from == INT64_MIN ? 0 : add_event(step, event);
	}
	tell->n_waiting = left;
	return rc;
}

static int compare_events(const void *left, const void *right)
{
	const struct skt_event *a = left, *b = right;

	return (a->when > b->when) - (a->when < b->when);
}

static int place_both(struct tell *tell, const struct skt_snapshot *now, struct skt_step *step, bool last)
{
	int rc = place(tell, now, step, true, last);

	return rc ? rc : place(tell, now, step, false, last);
}

int tell_step(struct tell *tell, const struct skt_snapshot *now, struct skt_step *step, bool last)
{
	int rc = add_rows(tell, now, step);

	if (!rc && tell->n_waiting) {
		qsort(tell->waiting, tell->n_waiting, sizeof(*tell->waiting), compare_notices);
		rc = place_both(tell, now, step, false);
		/*
		 * what was heard before its table was read has its place now: it is not of a row that was listed then
		 */
		if (!rc && last && tell->n_waiting) {
			rc = add_listed(tell, now);
			if (!rc)
				rc = place_both(tell, now, step, true);
		}
		if (step->n_events)
			qsort(step->events, step->n_events, sizeof(*step->events), compare_events);
	}
	keep_rows(tell, step);
	return rc;
}
