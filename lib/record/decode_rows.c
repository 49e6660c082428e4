/* SPDX-License-Identifier: MIT */
#include "record/reading.h"

#include <stdlib.h>
#include <string.h>

/* Room for n more changes; false (and no_memory) where there is none. */
static bool room_for_changes(struct reading *reading, size_t n)
{
	struct skt_step *step = reading->step;

	return reading_room(reading, &step->socks, &step->room_socks, step->n_socks + n, sizeof(*step->socks));
}

/* The same, zeroed. */
static bool more_changes(struct reading *reading, size_t n)
{
	if (!room_for_changes(reading, n))
		return false;
	if (n)
		memset(reading->step->socks + reading->step->n_socks, 0, n * sizeof(*reading->step->socks));
	return true;
}

/* The change that this step has told of a row already, or NULL. */
static struct skt_sock_change *change_of(const struct reading *reading, uint32_t slot)
{
	uint32_t number = reading->decoder->change_of[slot];

	return number ? &reading->step->socks[number - 1] : NULL;
}

/*
 * Look at n slots without taking them: they rise, and each is a row that is there. A row that went in this step is
 * there no more. A change is 384 bytes and its slot may be one: memory is taken when all have been seen.
 */
static bool slots_are_good(const struct reading *reading, struct cur *in, size_t n)
{
	const struct skt_snapshot *old = reading->old;
	uint32_t slot = 0;

	for (size_t i = 0; i < n; i++) {
		const struct skt_sock_change *change;

		get_next_slot(in, &slot, !i);
		if (in->bad || slot >= old->n_socks || old->socks[slot].table == SKT_NO_TABLE)
			return false;
		change = change_of(reading, slot);
		if (change && change->change != SKT_CHANGED)
			return false;
	}
	return true;
}

static void get_slots(struct reading *reading, uint8_t what, struct cur *in)
{
	size_t n = cur_count(in, at_most(cur_left(in), reading->old->n_socks));
	struct cur ahead = *in;
	uint32_t slot = 0;

	if (!slots_are_good(reading, &ahead, n)) {
		cur_fail(&ahead);
		*in = ahead;
		return;
	}
	if (!more_changes(reading, n))
		return;
	for (size_t i = 0; i < n; i++) {
		struct skt_sock_change *change = &reading->step->socks[reading->step->n_socks++];

		change->change = what;
		change->slot = get_next_slot(in, &slot, !i);
		reading->decoder->change_of[change->slot] = (uint32_t)reading->step->n_socks;
	}
}

/* Room for n of them; false (and no_memory) where there is none. To be released in either case. */
static bool rows_init(struct reading *reading, struct rows *rows, size_t n, bool changed)
{
	rows->n = n;
	rows->changes = calloc(n + 1, sizeof(*rows->changes));
	rows->fields = changed ? calloc(n + 1, sizeof(*rows->fields)) : NULL;
	reading->no_memory |= !rows->changes || (changed && !rows->fields);
	return !reading->no_memory;
}

static void rows_release(struct rows *rows)
{
	free(rows->changes);
	free(rows->fields);
}

/* The columns of the last n changes, which are rows that came. */
static void get_columns_of_new(struct reading *reading, uint8_t section, size_t n, struct cur *in)
{
	size_t first = reading->step->n_socks - n;
	struct rows rows;

	if (rows_init(reading, &rows, n, false)) {
		for (size_t i = 0; i < n; i++)
			rows.changes[i] = &reading->step->socks[first + i];
		get_columns(reading, section, &rows, in);
	}
	rows_release(&rows);
}

/* Look at the runs of rows that came, without taking them. */
static bool runs_are_good(const struct reading *reading, struct cur *in, struct coming *ret)
{
	/* an address and a port at either end, and a byte each for state, owner and gaps */
	enum { LEAST_BYTES = 4 + 2 + 4 + 2 + 3 };
	uint64_t run;

	memset(ret, 0, sizeof(*ret));
	while ((run = cur_count(in, cur_left(in))) != 0) {
		uint8_t kind = kind_of(reading, (uint32_t)cur_count(in, SKT_TABLES_MAX));

		if (in->bad || kind >= SKT_TABLE_KINDS || ret->rows + run > cur_left(in) / LEAST_BYTES ||
		    ret->rows + run > SKT_SOCKS_MAX - at_most(reading->old->n_socks, SKT_SOCKS_MAX))
			return false;
		ret->rows += run;
		ret->address_bytes += run * (skt_table_kind_is_ipv6(kind) ? 16 : 4);
	}
	return !in->bad;
}

/* Rows that came. Returns how many; they are the last ones in the step. */
static size_t get_opened(struct reading *reading, bool key, struct cur *in)
{
	size_t first = reading->step->n_socks;
	struct coming coming;
	struct cur ahead = *in;
	uint64_t run;

	if (!runs_are_good(reading, &ahead, &coming) || !columns_are_good(ahead, &coming)) {
		cur_fail(&ahead);
		*in = ahead;
		return 0;
	}
	if (!more_changes(reading, coming.rows))
		return 0;
	while ((run = cur_varint(in)) != 0) {
		uint32_t table = (uint32_t)cur_varint(in);

		for (; run; run--) {
			struct skt_sock_change *change = &reading->step->socks[reading->step->n_socks];

			change->change = key ? SKT_PRESENT : SKT_OPENED;
			change->slot = (uint32_t)(reading->old->n_socks + (reading->step->n_socks++ - first));
			change->now.table = table;
		}
	}
	get_columns_of_new(reading, SECTION_IDENTITY, coming.rows, in);
	return coming.rows;
}

/* Look at n masks without taking them: bits of one section only, and none of them empty. */
static bool masks_are_good(struct cur *in, size_t n, uint32_t allowed)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t fields = (uint32_t)cur_count(in, UINT32_MAX);

		if (in->bad || !fields || fields & ~allowed)
			return false;
	}
	return true;
}

/* The change of a row that changed: a row may have changed in both sections, and is one change then. */
static struct skt_sock_change *changed(struct reading *reading, uint32_t slot)
{
	const struct skt_snapshot *old = reading->old;
	struct skt_sock_change *change = change_of(reading, slot);

	if (change)
		return change;
	change = &reading->step->socks[reading->step->n_socks++];
	change->change = SKT_CHANGED;
	change->slot = slot;
	change->fields = 0;
	/* of the rest of it only what changed is looked at, before skt_apply() makes it whole */
	change->now.has = old->socks[slot].has;
	change->now.tail = 0;
	change->now.text = 0;
	reading->decoder->change_of[slot] = (uint32_t)reading->step->n_socks;
	return change;
}

/* What of the rows that changed is as their masks say it is. */
static bool timers_are_good(const struct reading *reading, const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		uint32_t had = reading->old->socks[rows->changes[i]->slot].has,
			 turned = had ^ rows->changes[i]->now.has;

		/* one that got a timer says when it runs out, and one that lost it that it is 0 */
		if (turned & SKT_BIT(SKT_F_TIMER_MS) & ~rows->changes[i]->fields)
			return false;
	}
	return true;
}

/* Rows that changed in a field of this section. */
static void get_changed(struct reading *reading, uint8_t section, struct cur *in)
{
	size_t n = cur_count(in, at_most(cur_left(in) / 2, reading->old->n_socks));
	struct rows rows = { .n = 0 };
	struct cur ahead = *in;
	uint32_t slot = 0;

	if (!slots_are_good(reading, &ahead, n) || !masks_are_good(&ahead, n, fields_of(section))) {
		cur_fail(&ahead);
		*in = ahead;
		return;
	}
	if (!room_for_changes(reading, n))
		return;
	if (!rows_init(reading, &rows, n, true)) {
		rows_release(&rows);
		return;
	}
	for (size_t i = 0; i < n; i++)
		rows.changes[i] = changed(reading, get_next_slot(in, &slot, !i));
	for (size_t i = 0; i < n; i++) {
		rows.fields[i] = (uint32_t)cur_varint(in);
		rows.changes[i]->fields |= rows.fields[i];
		/* a timer that is off has no value in its column */
		if (rows.fields[i] & SKT_BIT(SKT_F_TIMER_MS))
			rows.changes[i]->now.timer_expires = 0;
	}
	get_columns(reading, section, &rows, in);
	if (section == SECTION_STATE && !timers_are_good(reading, &rows))
		cur_fail(in);
	rows_release(&rows);
}

void get_socks(struct reading *reading, unsigned want, bool key)
{
	struct cur *identity = &reading->in[SECTION_IDENTITY], *state = &reading->in[SECTION_STATE];
	struct skt_step *step = reading->step;

	get_slots(reading, SKT_CLOSED, identity);
	get_slots(reading, SKT_LOST, identity);
	reading->first_opened = step->n_socks;
	reading->n_opened = get_opened(reading, key, identity);
	if (want & SKT_WANT_STATE)
		get_columns_of_new(reading, SECTION_STATE, reading->n_opened, state);
	get_changed(reading, SECTION_IDENTITY, identity);
	reading->n_listed = step->n_socks;
	if (want & SKT_WANT_STATE)
		get_changed(reading, SECTION_STATE, state);
	for (size_t i = 0; i < step->n_socks; i++)
		if (step->socks[i].slot < reading->old->n_socks)
			reading->decoder->change_of[step->socks[i].slot] = 0;
}
