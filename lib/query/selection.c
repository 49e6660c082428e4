/* SPDX-License-Identifier: MIT */
#include <skt/selection.h>

#include <skt/changes.h>

#include "base/array.h"
#include "query/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY UINT32_MAX
#define PORTS  65536

/*
 * A socket has a number, in the order in which they come. The second walk gives the same numbers, so what the first one
 * found is kept by them: one byte each.
 */
struct skt_selection {
	struct skt_selection_options options;
	uint8_t *truths; /* by number: enum skt_truth, the greatest */
	size_t n, room;
	uint32_t next;	/* number of the next one that comes */
	uint32_t *here; /* by slot: its number; NOBODY where it is free */
	bool *rows;	/* by slot: what skt_selection_rows() says */
	size_t n_slots, room_here, room_rows;
	bool *changed; /* processes, by slot */
	size_t room_changed;
	uint8_t *ports;		    /* local ones of those that are kept, a bit each, for each kind of table */
	struct skt_changes changes; /* of the step */
	bool *events;		    /* of it, what skt_selection_events() says */
	size_t room_events;
	uint64_t told, told_unknown; /* sockets that no look has seen: meant, and perhaps */
	bool again;
	int64_t unknown_first, unknown_last;
};

static int no_memory(struct skt_err *err)
{
	return skt_err_set(err, -ENOMEM, "out of memory");
}

int skt_selection_new(const struct skt_selection_options *options, struct skt_selection **ret)
{
	struct skt_selection *selection = calloc(1, sizeof(*selection));

	if (!selection)
		return -ENOMEM;
	selection->options = *options;
	selection->ports = calloc(SKT_TABLE_KINDS, PORTS / 8);
	if (!selection->ports) {
		free(selection);
		return -ENOMEM;
	}
	*ret = selection;
	return 0;
}

void skt_selection_free(struct skt_selection *selection)
{
	if (!selection)
		return;
	free(selection->truths);
	free(selection->here);
	free(selection->rows);
	free(selection->changed);
	free(selection->ports);
	free(selection->events);
	skt_changes_release(&selection->changes);
	free(selection);
}

void skt_selection_run(struct skt_selection *selection, const struct skt_origin *origin)
{
	selection->options.host = origin->host;
	selection->options.boot_time = origin->boot_time;
}

static enum skt_truth test(const struct skt_selection *selection, const struct skt_snapshot *snapshot,
			   const struct skt_sock *sock, const struct skt_event *event)
{
	const struct skt_selection_options *options = &selection->options;
	unsigned kind = snapshot->tables[sock->table].kind;
	struct skt_row row = { .host = options->host,
			       .boot_time = options->boot_time,
			       .snapshot = snapshot,
			       .sock = sock,
			       .event = event };

	if (!(options->kinds & 1u << kind) || (options->listening && !skt_sock_is_listening(sock, kind)))
		return SKT_FALSE;
	return options->filter ? skt_filter_test(options->filter, &row) : SKT_TRUE;
}

static uint8_t *port_byte(const struct skt_selection *selection, unsigned kind, uint16_t port)
{
	return &selection->ports[(kind * (size_t)PORTS + port) / 8];
}

static enum skt_truth see_sock(struct skt_selection *selection, const struct skt_snapshot *snapshot,
			       const struct skt_sock *sock, const struct skt_event *event)
{
	enum skt_truth now = test(selection, snapshot, sock, event);

	if (now == SKT_UNKNOWN) {
		if (!selection->unknown_first)
			selection->unknown_first = snapshot->time;
		selection->unknown_last = snapshot->time;
	}
	if (now != SKT_FALSE)
		*port_byte(selection, snapshot->tables[sock->table].kind, sock->local_port) |=
			(uint8_t)(1u << sock->local_port % 8);
	return now;
}

/* Whether it is meant as it is now. */
static void see(struct skt_selection *selection, const struct skt_snapshot *snapshot, uint32_t slot)
{
	uint8_t *truth = &selection->truths[selection->here[slot]];
	enum skt_truth now;

	if (*truth == SKT_TRUE)
		return;
	now = see_sock(selection, snapshot, &snapshot->socks[slot], NULL);
	if (now > *truth)
		*truth = (uint8_t)now;
}

/* The row that an event tells of; SKT_NO_SLOT: none. */
static uint32_t row_of(const struct skt_selection *selection, const struct skt_told *told)
{
	uint32_t slot = SKT_NO_SLOT;

	if (told->kind == SKT_TOLD_ROW)
		slot = told->at;
	else if (told->kind == SKT_TOLD_CHANGE || told->kind == SKT_TOLD_BEHIND)
		slot = selection->changes.step->socks[told->at].slot;
	return slot < selection->n_slots ? slot : SKT_NO_SLOT;
}

/* After the rows that came were given their numbers, and before those that went lose them. */
static void see_event(struct skt_selection *selection, size_t i)
{
	const struct skt_changes *changes = &selection->changes;
	uint32_t slot = row_of(selection, &changes->told[i]);
	struct skt_row row = { .host = NULL };
	struct skt_sock_change change;
	const struct skt_filter *filter = selection->options.filter;
	bool of_events = filter && filter->of_events;
	enum skt_truth truth = SKT_FALSE;
	uint8_t *of_row = NULL;

	skt_changes_row(changes, i, &change, &row);
	if (slot != SKT_NO_SLOT && selection->here[slot] != NOBODY)
		of_row = &selection->truths[selection->here[slot]];
	if (!selection->again || !of_row)
		truth = see_sock(selection, changes->snapshot, &change.before, row.event);
	/* what a look says was asked at each snapshot that had it */
	if (of_row && !selection->again && truth > *of_row && of_events)
		*of_row = (uint8_t)truth;
	if (!of_row && !selection->again) {
		selection->told += truth == SKT_TRUE;
		selection->told_unknown += truth == SKT_UNKNOWN;
	}
	selection->events[i] = of_row ? selection->rows[slot] : truth != SKT_FALSE;
}

static int see_events(struct skt_selection *selection, const struct skt_snapshot *snapshot, const struct skt_step *step)
{
	if (!step->n_events)
		return 0;
	if (skt_changes_take(&selection->changes, snapshot, step) ||
	    array_room(&selection->events, &selection->room_events, step->n_events, sizeof(*selection->events)))
		return -ENOMEM;
	for (size_t i = 0; i < step->n_events; i++)
		see_event(selection, i);
	return 0;
}

static bool is_kept(const struct skt_selection *selection, const struct skt_snapshot *snapshot, uint32_t slot)
{
	const struct skt_sock *sock = &snapshot->socks[slot];
	unsigned kind = snapshot->tables[sock->table].kind;

	if (selection->truths[selection->here[slot]] != SKT_FALSE)
		return true;
	return skt_sock_is_listening(sock, kind) &&
	       *port_byte(selection, kind, sock->local_port) & 1u << sock->local_port % 8;
}

static int come(struct skt_selection *selection, const struct skt_snapshot *snapshot, uint32_t slot,
		struct skt_err *err)
{
	if (selection->next == NOBODY)
		return skt_err_set(err, -E2BIG, "more than %u sockets", NOBODY - 1);
	if (selection->again && selection->next == selection->n)
		return skt_err_set(err, -ESTALE, "recording has changed while it was read");
	selection->here[slot] = selection->next++;
	if (!selection->again) {
		if (array_room(&selection->truths, &selection->room, selection->n + 1, sizeof(*selection->truths)))
			return no_memory(err);
		selection->truths[selection->n++] = SKT_FALSE;
		see(selection, snapshot, slot);
	}
	selection->rows[slot] = selection->again && is_kept(selection, snapshot, slot);
	return 0;
}

static int make_room(struct skt_selection *selection, size_t n, struct skt_err *err)
{
	if (array_room(&selection->here, &selection->room_here, n + 1, sizeof(*selection->here)) ||
	    array_room(&selection->rows, &selection->room_rows, n + 1, sizeof(*selection->rows)))
		return no_memory(err);
	for (; selection->n_slots < n; selection->n_slots++) {
		selection->here[selection->n_slots] = NOBODY;
		selection->rows[selection->n_slots] = false;
	}
	return 0;
}

static int begin(struct skt_selection *selection, const struct skt_snapshot *snapshot, struct skt_err *err)
{
	int rc;

	selection->n_slots = 0;
	rc = make_room(selection, snapshot->n_socks, err);
	for (uint32_t i = 0; !rc && i < snapshot->n_socks; i++)
		if (snapshot->socks[i].table != SKT_NO_TABLE)
			rc = come(selection, snapshot, i, err);
	return rc;
}

/* What every snapshot may say anew of rows that did not change, or the name of a user that comes late. */
static void see_all(struct skt_selection *selection, const struct skt_snapshot *snapshot)
{
	for (uint32_t i = 0; i < snapshot->n_socks; i++)
		if (snapshot->socks[i].table != SKT_NO_TABLE)
			see(selection, snapshot, i);
}

/* Rows that did not change, but that may be meant now: by what moves, or for somebody holds them who did. */
static int see_unchanged(struct skt_selection *selection, const struct skt_snapshot *snapshot,
			 const struct skt_step *step, struct skt_err *err)
{
	unsigned needs = selection->options.filter ? skt_filter_needs(selection->options.filter) : 0;

	if (selection->again || !selection->options.filter)
		return 0;
	if (step->n_users || needs & SKT_NEEDS_LOOKS) {
		see_all(selection, snapshot);
		return 0;
	}
	if (!step->n_processes || !(needs & SKT_NEEDS_OWNERS))
		return 0;
	if (array_room(&selection->changed, &selection->room_changed, snapshot->n_processes + 1,
		       sizeof(*selection->changed)))
		return no_memory(err);
	memset(selection->changed, 0, snapshot->n_processes);
	for (size_t i = 0; i < step->n_processes; i++)
		selection->changed[step->processes[i].slot] = true;
	for (uint32_t i = 0; i < snapshot->n_socks; i++) {
		const struct skt_sock *sock = &snapshot->socks[i];
		bool changed = false;

		if (sock->table == SKT_NO_TABLE)
			continue;
		for (uint32_t k = 0; k < sock->n_owners && !changed; k++)
			changed = selection->changed[snapshot->owners[sock->first_owner + k].process];
		if (changed)
			see(selection, snapshot, i);
	}
	return 0;
}

int skt_selection_step(struct skt_selection *selection, const struct skt_snapshot *snapshot,
		       const struct skt_step *step, struct skt_err *err)
{
	int rc;

	if (!step || step->from == INT64_MIN) {
		rc = begin(selection, snapshot, err);
		if (!rc && step && see_events(selection, snapshot, step))
			rc = no_memory(err);
		return rc;
	}
	rc = make_room(selection, snapshot->n_socks, err);
	for (size_t i = 0; !rc && i < step->n_socks; i++) {
		const struct skt_sock_change *change = &step->socks[i];

		if (change->change == SKT_OPENED || change->change == SKT_PRESENT)
			rc = come(selection, snapshot, change->slot, err);
		else if (change->change == SKT_CHANGED && !selection->again)
			see(selection, snapshot, change->slot);
	}
	if (!rc && see_events(selection, snapshot, step))
		rc = no_memory(err);
	/* where one closed, rows says of it what it said, until the slot is taken again */
	for (size_t i = 0; !rc && i < step->n_socks; i++)
		if (step->socks[i].change == SKT_CLOSED || step->socks[i].change == SKT_LOST)
			selection->here[step->socks[i].slot] = NOBODY;
	return rc ? rc : see_unchanged(selection, snapshot, step, err);
}

int skt_selection_renumber(struct skt_selection *selection, const uint32_t *slots, size_t n, struct skt_err *err)
{
	uint32_t *here = malloc((selection->n_slots + 1) * sizeof(*here));
	bool *rows = malloc((selection->n_slots + 1) * sizeof(*rows));
	size_t had = selection->n_slots < n ? selection->n_slots : n, most = 0;
	int rc = here && rows ? 0 : no_memory(err);

	for (size_t i = 0; !rc && i < had; i++) {
		here[i] = selection->here[i];
		rows[i] = selection->rows[i];
		if (here[i] != NOBODY && slots[i] != SKT_NO_SLOT && slots[i] >= most)
			most = (size_t)slots[i] + 1;
	}
	selection->n_slots = 0;
	if (!rc)
		rc = make_room(selection, most, err);
	for (size_t i = 0; !rc && i < had; i++) {
		if (here[i] == NOBODY || slots[i] == SKT_NO_SLOT)
			continue;
		selection->here[slots[i]] = here[i];
		selection->rows[slots[i]] = rows[i];
	}
	free(here);
	free(rows);
	return rc;
}

struct skt_selected skt_selection_again(struct skt_selection *selection)
{
	struct skt_selected selected = { .sockets = selection->n,
					 .matched = selection->told,
					 .unknown = selection->told_unknown };

	for (size_t i = 0; i < selection->n; i++) {
		selected.matched += selection->truths[i] == SKT_TRUE;
		selected.unknown += selection->truths[i] == SKT_UNKNOWN;
	}
	if (selected.unknown) {
		selected.unknown_first = selection->unknown_first;
		selected.unknown_last = selection->unknown_last;
	}
	selection->again = true;
	selection->next = 0;
	selection->n_slots = 0;
	return selected;
}

const bool *skt_selection_rows(const struct skt_selection *selection)
{
	return selection->rows;
}

const bool *skt_selection_events(const struct skt_selection *selection)
{
	return selection->events;
}
