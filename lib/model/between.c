/* SPDX-License-Identifier: MIT */
#include <skt/diff.h>

#include "base/array.h"
#include "model/copies.h"
#include "model/opened.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* `found` of one of which nothing was said; of one in TIME_WAIT it is a number. */
#define NOT_FOUND UINT32_MAX

struct skt_between {
	struct copies copies;
	struct skt_difference *found;
	size_t n_found, room_found;
	struct skt_changes changes; /* of the step */
	struct skt_diff_told *told;
	size_t n_told, room_told;
	struct opened_set opened; /* those that are open */
};

struct skt_between *skt_between_new(uint64_t seed)
{
	struct skt_between *between = calloc(1, sizeof(*between));

	if (!between)
		return NULL;
	opened_init(&between->opened, seed);
	if (copies_init(&between->copies, seed)) {
		free(between);
		return NULL;
	}
	return between;
}

void skt_between_free(struct skt_between *between)
{
	if (!between)
		return;
	opened_release(&between->opened);
	copies_release(&between->copies);
	skt_changes_release(&between->changes);
	for (size_t i = 0; i < between->n_told; i++)
		free((void *)(uintptr_t)between->told[i].candidates.list);
	free(between->told);
	free(between->found);
	free(between);
}

const struct skt_snapshot *skt_between_snapshot(const struct skt_between *between)
{
	return &between->copies.snapshot;
}

const struct skt_difference *skt_between_found(const struct skt_between *between, size_t *ret_n)
{
	*ret_n = between->n_found;
	return between->found;
}

const struct skt_diff_told *skt_between_told(const struct skt_between *between)
{
	return between->told;
}

/* ---- what was told ---- */

static int copy_candidates(struct skt_between *between, const struct skt_candidates *from, struct skt_candidates *ret)
{
	struct skt_candidate *list = malloc((from->n + 1) * sizeof(*list));
	int rc = list ? 0 : -ENOMEM;

	for (uint32_t i = 0; !rc && i < from->n; i++) {
		list[i] = from->list[i];
		rc = copies_add_process(&between->copies, between->changes.snapshot, from->list[i].process,
					&list[i].process);
	}
	if (rc) {
		free(list);
		return rc;
	}
	*ret = (struct skt_candidates){ .list = list, .n = from->n, .more = from->more };
	return 0;
}

/* What the n-th event of the step told, kept: its number, from 1. */
static int copy_told(struct skt_between *between, uint32_t n, uint32_t *ret)
{
	const struct skt_candidates *candidates = skt_changes_candidates(&between->changes, n);
	struct skt_diff_told told = { .event = between->changes.step->events[n] };
	int rc = between->changes.failed ? -ENOMEM : 0;

	if (!rc)
		rc = array_room(&between->told, &between->room_told, between->n_told + 1, sizeof(*between->told));
	if (!rc && candidates)
		rc = copy_candidates(between, candidates, &told.candidates);
	if (rc)
		return rc;
	between->told[between->n_told++] = told;
	*ret = (uint32_t)between->n_told;
	return 0;
}

/* ---- what came and went ---- */

/* A change, and the event that tells of it; SKT_NO_SLOT: none does. */
struct change {
	const struct skt_sock_change *is;
	uint32_t event;
	int64_t after; /* of the change, or as the event has it */
	int64_t until;
};

static int add_found(struct skt_between *between, const struct skt_snapshot *now, const struct skt_sock *sock,
		     const struct opened *opened, const struct change *closed)
{
	int64_t until = closed->until > opened->since ? closed->until : opened->since;
	struct skt_difference item = { .kind = SKT_DIFF_TRANSIENT,
				       .after = SKT_NO_SLOT,
				       .passing = true,
				       .since = opened->since,
				       .until = until,
				       .lived_most = until - opened->since };
	int rc = copies_add_row(&between->copies, now, sock, &item.before);

	if (!rc && closed->event != SKT_NO_SLOT)
		rc = copy_told(between, closed->event, &item.told);
	if (rc)
		return rc;
	if (closed->after > opened->until)
		item.lived_least = closed->after - opened->until;
	if (array_room(&between->found, &between->room_found, between->n_found + 1, sizeof(*between->found)))
		return -ENOMEM;
	between->found[between->n_found++] = item;
	return 0;
}

/* It is over, and there is still to be seen that it was. */
static int take_time_wait(struct skt_between *between, const struct skt_snapshot *now, const struct skt_sock *last_seen,
			  const struct opened *opened, const struct change *change)
{
	const struct skt_sock *sock = &change->is->now;
	int rc = add_found(between, now, last_seen, opened, change);

	return rc ? rc
		  : opened_add(&between->opened, &now->tables[sock->table], sock, 0, 0,
			       (uint32_t)(between->n_found - 1));
}

static int take_opened(struct skt_between *between, const struct skt_snapshot *now, int64_t from,
		       const struct change *change)
{
	const struct skt_sock *sock = &change->is->now;
	int64_t since = change->is->after == INT64_MIN ? from : change->is->after;
	/* it was over before it was seen */
	struct opened seen = { .since = since, .until = change->until };

	if (sock->state == SKT_TIME_WAIT)
		return take_time_wait(between, now, sock, &seen, change);
	return opened_add(&between->opened, &now->tables[sock->table], sock, since, change->until, NOT_FOUND);
}

static int take_closed(struct skt_between *between, const struct skt_snapshot *now, const struct change *change)
{
	const struct skt_sock *sock = &change->is->before;
	struct opened opened;

	/* that of TIME_WAIT has been told */
	if (!opened_forget(&between->opened, &now->tables[sock->table], sock, &opened) || opened.found != NOT_FOUND)
		return 0;
	return add_found(between, now, sock, &opened, change);
}

static int take_changed(struct skt_between *between, const struct skt_snapshot *now, const struct change *closed)
{
	const struct skt_sock_change *change = closed->is;
	bool was_over = change->before.state == SKT_TIME_WAIT, is_over = change->now.state == SKT_TIME_WAIT;
	struct opened opened;

	if ((was_over == is_over && change->before.inode == change->now.inode) ||
	    !opened_forget(&between->opened, &now->tables[change->before.table], &change->before, &opened))
		return 0;
	if (was_over)
		return 0;
	if (is_over)
		return take_time_wait(between, now, &change->before, &opened, closed);
	return opened_add(&between->opened, &now->tables[change->now.table], &change->now, opened.since, opened.until,
			  NOT_FOUND);
}

/* One that no look has seen came and went between two of them. */
static int take_unseen(struct skt_between *between, const struct skt_snapshot *now, int64_t from, uint32_t n)
{
	const struct skt_event *event = &between->changes.step->events[n];
	struct change closed = { .event = n, .after = skt_event_after(event), .until = event->when };
	struct skt_sock_change change;
	struct opened opened = { .since = from < event->when ? from : event->when, .until = event->when };
	struct skt_row row = { .host = NULL };
	int64_t lasted, begun;

	skt_changes_row(&between->changes, n, &change, &row);
	if (event->has & SKT_BIT(SKT_E_DURATION) && event->duration_us <= INT64_MAX / 1000) {
		lasted = (int64_t)event->duration_us * 1000;
		if (!__builtin_sub_overflow(event->when, lasted, &begun) && begun > opened.since) {
			opened.since = begun;
			opened.until = begun;
		}
	}
	return add_found(between, now, &change.before, &opened, &closed);
}

/* So many were found last, at most, of which one may be told of late. */
#define LATE_MAX 1024

/* What was found before, and no event had told of yet. */
static int take_late(struct skt_between *between, uint32_t n)
{
	const struct skt_event *event = &between->changes.step->events[n];
	const struct skt_table *table = &between->changes.snapshot->tables[event->table];

	for (size_t i = between->n_found; i > 0 && between->n_found - i < LATE_MAX; i--) {
		struct skt_difference *item = &between->found[i - 1];
		const struct skt_sock *sock = &between->copies.snapshot.socks[item->before];
		const struct skt_table *has = &between->copies.snapshot.tables[sock->table];

		if (item->told || has->kind != table->kind || has->net_namespace != table->net_namespace ||
		    sock->local_port != event->local_port || sock->remote_port != event->remote_port ||
		    memcmp(sock->local_address, event->local_address, 16) != 0 ||
		    memcmp(sock->remote_address, event->remote_address, 16) != 0)
			continue;
		return copy_told(between, n, &item->told);
	}
	return 0;
}

static int take_told(struct skt_between *between, const struct skt_snapshot *now, int64_t from)
{
	const struct skt_changes *changes = &between->changes;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < changes->step->n_events; i++) {
		if (changes->told[i].kind == SKT_TOLD_UNSEEN)
			rc = take_unseen(between, now, from, i);
		else if (changes->told[i].kind == SKT_TOLD_LATE)
			rc = take_late(between, i);
	}
	return rc;
}

static struct change change_of(const struct skt_between *between, size_t i)
{
	const struct skt_step *step = between->changes.step;
	const struct skt_sock_change *is = &step->socks[i];
	uint32_t event = skt_changes_event(&between->changes, i);
	int64_t until;

	if (event == SKT_NO_SLOT)
		return (struct change){ is, event, is->after, is->until };
	/* it was there at a look, and until then it had not happened */
	until = step->events[event].when;
	return (struct change){ is, event, is->after < until ? is->after : skt_event_after(&step->events[event]),
				until };
}

int skt_between_step(struct skt_between *between, const struct skt_snapshot *now, const struct skt_step *step)
{
	int rc = skt_changes_take(&between->changes, now, step);
	int64_t from = step->from != INT64_MIN ? step->from : between->copies.snapshot.time;

	/* those that close make room for others of their ends */
	for (size_t i = 0; !rc && i < step->n_socks; i++) {
		struct change change = change_of(between, i);

		if (change.is->change == SKT_CLOSED || change.is->change == SKT_LOST)
			rc = take_closed(between, now, &change);
	}
	for (size_t i = 0; !rc && i < step->n_socks; i++) {
		struct change change = change_of(between, i);

		if (change.is->change == SKT_CHANGED)
			rc = take_changed(between, now, &change);
		else if (change.is->change == SKT_OPENED)
			rc = take_opened(between, now, step->from, &change);
	}
	if (!rc)
		rc = take_told(between, now, from);
	between->copies.snapshot.time = step->time;
	between->copies.snapshot.boottime = step->boottime;
	return rc;
}

int skt_between_end(struct skt_between *between, const struct skt_snapshot *last, bool is_second)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < last->n_socks; i++) {
		const struct skt_sock *sock = &last->socks[i];
		struct skt_difference *item;
		struct opened opened;
		uint32_t slot;

		if (sock->table == SKT_NO_TABLE || sock->state != SKT_TIME_WAIT ||
		    !opened_forget(&between->opened, &last->tables[sock->table], sock, &opened))
			continue;
		rc = copies_add_row(&between->copies, last, sock, &slot);
		if (rc)
			break;
		item = &between->found[opened.found];
		item->kind = is_second ? SKT_DIFF_OPENED : SKT_DIFF_CLOSED;
		item->before = is_second ? SKT_NO_SLOT : slot;
		item->after = is_second ? slot : SKT_NO_SLOT;
	}
	return rc;
}
