/* SPDX-License-Identifier: MIT */
#include <skt/changes.h>

#include "base/array.h"
#include "model/candidates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *skt_source_name(unsigned source)
{
	static const char *const names[] = { "look", "look", "destroy" };

	return source < sizeof(names) / sizeof(*names) ? names[source] : "";
}

void skt_changes_release(struct skt_changes *changes)
{
	candidates_release(changes);
	free(changes->told);
	free(changes->dated);
	free(changes->order);
	free(changes->by_slot);
	memset(changes, 0, sizeof(*changes));
}

/* ---- which change an event is ---- */

/* The row that came with the change, or went. */
static const struct skt_sock *row_of(const struct skt_sock_change *change)
{
	bool went = change->change == SKT_CLOSED || change->change == SKT_LOST;

	return went ? &change->before : &change->now;
}

/* What is left of a connection when its socket has been destroyed. */
static bool is_remnant(const struct skt_sock *sock)
{
	return !sock->inode && (sock->state == SKT_TIME_WAIT || sock->state == SKT_FIN_WAIT2);
}

/* What an event of this socket is. SKT_TOLD_ROW: no end, and it is still listed. */
static enum skt_told_kind kind_of(const struct skt_sock_change *change)
{
	switch (change->change) {
	case SKT_CLOSED:
	case SKT_LOST:
		return SKT_TOLD_CHANGE;
	case SKT_CHANGED:
		return is_remnant(&change->now) && !is_remnant(&change->before) ? SKT_TOLD_CHANGE : SKT_TOLD_ROW;
	default:
		return is_remnant(&change->now) ? SKT_TOLD_BEHIND : SKT_TOLD_ROW;
	}
}

/*
 * Whether an event that only says the ends may be of it: what is left of a connection was told of when it became that.
 */
static bool may_be_told(const struct skt_sock_change *change)
{
	if (change->change == SKT_CLOSED)
		return !is_remnant(&change->before);
	return change->change != SKT_LOST && change->change != SKT_PRESENT && kind_of(change) != SKT_TOLD_ROW;
}

/* By the table and both ends; the remote port comes last, for an event may lack it. */
static int compare_ends(const struct skt_event *event, const struct skt_sock *sock)
{
	int order = compare_numbers(event->table, sock->table);

	if (!order)
		order = compare_numbers(event->local_port, sock->local_port);
	if (!order)
		order = memcmp(event->local_address, sock->local_address, 16);
	if (!order)
		order = memcmp(event->remote_address, sock->remote_address, 16);
	if (!order && event->has & SKT_BIT(SKT_E_REMOTE_PORT))
		order = compare_numbers(event->remote_port, sock->remote_port);
	return order;
}

static int compare_changes(const void *x, const void *y, void *data)
{
	const struct skt_step *step = data;
	uint32_t i = *(const uint32_t *)x, k = *(const uint32_t *)y;
	const struct skt_sock *a = row_of(&step->socks[i]), *b = row_of(&step->socks[k]);
	struct skt_event as = { .table = a->table,
				.local_port = a->local_port,
				.remote_port = a->remote_port,
				.has = SKT_BIT(SKT_E_REMOTE_PORT) };
	int order;

	memcpy(as.local_address, a->local_address, 16);
	memcpy(as.remote_address, a->remote_address, 16);
	order = compare_ends(&as, b);
	return order ? order : compare_numbers(i, k);
}

static int compare_slots(const void *x, const void *y, void *data)
{
	const struct skt_step *step = data;

	return compare_numbers(step->socks[*(const uint32_t *)x].slot, step->socks[*(const uint32_t *)y].slot);
}

/* The changes that an event may be, by their ends and by their rows. */
static int sort_changes(struct skt_changes *changes)
{
	const struct skt_step *step = changes->step;

	changes->n_order = 0;
	if (array_room(&changes->order, &changes->room_order, step->n_socks, sizeof(*changes->order)) ||
	    array_room(&changes->by_slot, &changes->room_by_slot, step->n_socks, sizeof(*changes->by_slot)))
		return -ENOMEM;
	for (uint32_t i = 0; i < step->n_socks; i++) {
		changes->by_slot[i] = i;
		if (may_be_told(&step->socks[i]))
			changes->order[changes->n_order++] = i;
	}
	if (changes->n_order > 1)
		qsort_r(changes->order, changes->n_order, sizeof(*changes->order), compare_changes,
			(void *)(uintptr_t)step);
	if (step->n_socks > 1)
		qsort_r(changes->by_slot, step->n_socks, sizeof(*changes->by_slot), compare_slots,
			(void *)(uintptr_t)step);
	return 0;
}

/* The first in order whose ends are not below those of the event. */
static size_t first_of(const struct skt_changes *changes, const struct skt_event *event)
{
	size_t from = 0, to = changes->n_order;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (compare_ends(event, row_of(&changes->step->socks[changes->order[middle]])) > 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/*
 * No host closes so many sockets with the same ends between two looks: a recording that was made up must not make this
 * slow.
 */
#define TWINS_MAX 64

/*
 * Whether the change is the end of a row that a look had seen and that has no slot any more. It closed with this step,
 * where a group begins, or before: then what closes now has been read since, or is another one.
 */
static bool may_be_late(const struct skt_event *event, const struct skt_sock_change *change)
{
	bool other_inode =
		event->has & SKT_BIT(SKT_E_INODE) && change->before.inode && event->inode != change->before.inode;

	return change->change == SKT_CLOSED && event->when > change->after && !other_inode;
}

/* How well a change goes with the event; 0 not at all. What closed goes before what only is left. */
static unsigned fitness(const struct skt_changes *changes, const struct skt_event *event, uint32_t i)
{
	const struct skt_sock_change *change = &changes->step->socks[i];
	const struct skt_sock *was = change->change == SKT_OPENED ? &change->now : &change->before;
	bool same_inode = event->has & SKT_BIT(SKT_E_INODE) && event->inode && event->inode == was->inode;

	if (changes->dated[i] || (event->has & SKT_BIT(SKT_E_LATE) && !may_be_late(event, change)))
		return 0;
	/* a reset leaves nothing behind */
	if (!(event->has & SKT_BIT(SKT_E_REMOTE_PORT)) && change->change != SKT_CLOSED)
		return 0;
	return same_inode ? 4 : change->change == SKT_CLOSED ? 3 : change->change == SKT_CHANGED ? 2 : 1;
}

/* The change that has its ends. Without the remote port it has to be the only one. */
static uint32_t find_by_ends(const struct skt_changes *changes, const struct skt_event *event)
{
	size_t at = first_of(changes, event);
	unsigned best = 0, n = 0;
	uint32_t found = SKT_NO_SLOT;

	for (size_t i = at; i < changes->n_order && i - at < TWINS_MAX; i++) {
		uint32_t change = changes->order[i];
		unsigned fits;

		if (compare_ends(event, row_of(&changes->step->socks[change])))
			break;
		fits = fitness(changes, event, change);
		n += fits != 0;
		if (fits > best) {
			best = fits;
			found = change;
		}
	}
	return n == 1 || best == 4 || event->has & SKT_BIT(SKT_E_REMOTE_PORT) ? found : SKT_NO_SLOT;
}

static bool is_row(const struct skt_snapshot *snapshot, uint32_t slot)
{
	return slot < snapshot->n_socks && snapshot->socks[slot].table != SKT_NO_TABLE;
}

/* The change of the row that the event names. */
static uint32_t find_by_slot(const struct skt_changes *changes, const struct skt_event *event)
{
	size_t from = 0, to = changes->step->n_socks;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (changes->step->socks[changes->by_slot[middle]].slot < event->slot)
			from = middle + 1;
		else
			to = middle;
	}
	if (from == changes->step->n_socks || changes->step->socks[changes->by_slot[from]].slot != event->slot ||
	    changes->dated[changes->by_slot[from]])
		return SKT_NO_SLOT;
	return changes->by_slot[from];
}

static struct skt_told find(struct skt_changes *changes, uint32_t i)
{
	const struct skt_event *event = &changes->step->events[i];
	struct skt_told told = { .kind = SKT_TOLD_UNSEEN, .at = SKT_NO_SLOT };

	if (event->change != SKT_CLOSED)
		return told;
	if (event->has & SKT_BIT(SKT_E_LATE))
		told.kind = SKT_TOLD_LATE;
	if (event->slot != SKT_NO_SLOT)
		told.at = find_by_slot(changes, event);
	if (told.at == SKT_NO_SLOT && !is_row(changes->snapshot, event->slot))
		told.at = find_by_ends(changes, event);
	if (told.at != SKT_NO_SLOT)
		told.kind = (uint8_t)kind_of(&changes->step->socks[told.at]);
	if (told.kind == SKT_TOLD_CHANGE || told.kind == SKT_TOLD_BEHIND) {
		changes->dated[told.at] = i + 1;
	} else if (is_row(changes->snapshot, event->slot)) {
		told.kind = SKT_TOLD_ROW;
		told.at = event->slot;
	}
	return told;
}

static void find_all(struct skt_changes *changes, bool late)
{
	const struct skt_step *step = changes->step;

	for (uint32_t i = 0; i < step->n_events; i++) {
		bool is_late = step->events[i].has & SKT_BIT(SKT_E_LATE);

		if (is_late == late)
			changes->told[i] = find(changes, i);
	}
}

int skt_changes_take(struct skt_changes *changes, const struct skt_snapshot *snapshot, const struct skt_step *step)
{
	candidates_clear(changes);
	changes->snapshot = snapshot;
	changes->step = step;
	changes->failed = false;
	changes->n = 0;
	if (!step->n_events) {
		changes->n = step->n_socks;
		return 0;
	}
	if (array_room(&changes->told, &changes->room_told, step->n_events, sizeof(*changes->told)) ||
	    array_room(&changes->dated, &changes->room_dated, step->n_socks + 1, sizeof(*changes->dated)) ||
	    sort_changes(changes))
		return -ENOMEM;
	memset(changes->dated, 0, step->n_socks * sizeof(*changes->dated));
	/* what has a slot goes before what may be of any row with its ends */
	find_all(changes, false);
	find_all(changes, true);
	changes->n = step->n_events + step->n_socks;
	return 0;
}

/* ---- rows ---- */

int64_t skt_event_after(const struct skt_event *event)
{
	int64_t after;

	return __builtin_sub_overflow(event->when, (int64_t)event->late_us * 1000, &after) ? INT64_MIN + 1 : after;
}

/* A row of what the event says. */
static void make_sock(const struct skt_event *event, struct skt_sock *ret)
{
	*ret = (struct skt_sock){ .table = event->table,
				  .local_port = event->local_port,
				  .remote_port = event->remote_port,
				  .inode = event->has & SKT_BIT(SKT_E_INODE) ? event->inode : 0,
				  .uid = event->uid,
				  .state = event->state,
				  .owner = SKT_OWNER_UNSEEN };
	memcpy(ret->local_address, event->local_address, 16);
	memcpy(ret->remote_address, event->remote_address, 16);
	/* one that waited for others never had one */
	if (!(event->has & SKT_BIT(SKT_E_REMOTE_PORT)) && skt_sock_has_peer(ret))
		ret->has |= SKT_HAS_NO_REMOTE_PORT;
	if (!(event->has & SKT_BIT(SKT_E_UID)))
		ret->has |= SKT_HAS_NO_UID;
}

static void make_change(const struct skt_changes *changes, size_t i, struct skt_sock_change *ret)
{
	const struct skt_event *event = &changes->step->events[i];
	const struct skt_told *told = &changes->told[i];

	if (told->kind == SKT_TOLD_CHANGE) {
		*ret = changes->step->socks[told->at];
	} else {
		memset(ret, 0, sizeof(*ret));
		ret->change = event->change;
		ret->slot = told->kind == SKT_TOLD_ROW ? told->at : SKT_NO_SLOT;
		if (told->kind == SKT_TOLD_ROW)
			ret->before = changes->snapshot->socks[told->at];
		else
			make_sock(event, &ret->before);
		ret->now = ret->before;
	}
	/* that it was still there at a look is certain; how long the kernel took to tell, nobody knows */
	if (told->kind != SKT_TOLD_CHANGE || ret->after > event->when)
		ret->after = changes->step->from < event->when ? changes->step->from : skt_event_after(event);
	ret->until = event->when;
}

bool skt_changes_row(const struct skt_changes *changes, size_t i, struct skt_sock_change *room, struct skt_row *ret)
{
	const struct skt_step *step = changes->step;
	size_t n = changes->n - step->n_socks;

	ret->snapshot = changes->snapshot;
	ret->step = step;
	ret->event = NULL;
	ret->candidates = NULL;
	if (i < n) {
		make_change(changes, i, room);
		ret->change = room;
		ret->event = &step->events[i];
		return true;
	}
	ret->change = &step->socks[i - n];
	return !n || !changes->dated[i - n] || changes->told[changes->dated[i - n] - 1].kind != SKT_TOLD_CHANGE;
}

uint32_t skt_changes_event(const struct skt_changes *changes, size_t i)
{
	return changes->step->n_events && changes->dated[i] ? changes->dated[i] - 1 : SKT_NO_SLOT;
}

bool skt_changes_whole_row(struct skt_changes *changes, size_t i, struct skt_sock_change *room, struct skt_row *ret)
{
	bool is = skt_changes_row(changes, i, room, ret);

	if (is && ret->event)
		ret->candidates = skt_changes_candidates(changes, i);
	return is;
}

bool skt_changes_is_quiet(const struct skt_changes *changes, size_t i)
{
	size_t n = changes->n - changes->step->n_socks;

	if (i < n)
		return changes->told[i].kind == SKT_TOLD_LATE;
	return skt_change_is_quiet(changes->snapshot, &changes->step->socks[i - n]);
}
