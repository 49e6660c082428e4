/* SPDX-License-Identifier: MIT */
#include "record/reading.h"

#include <errno.h>
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

static void get_slots(struct reading *reading, uint8_t what, struct cur *in)
{
	size_t n = cur_count(in, at_most(cur_left(in), reading->old->n_socks));
	uint32_t slot = 0;

	if (!more_changes(reading, n))
		return;
	for (size_t i = 0; i < n && !in->bad; i++) {
		struct skt_sock_change *change = &reading->step->socks[reading->step->n_socks++];

		change->change = what;
		change->slot = get_next_slot(in, &slot, !i);
	}
}

/* The kind of a table that is in the old snapshot or comes with this step. */
static uint8_t kind_of(const struct reading *reading, uint32_t table)
{
	const struct skt_step *step = reading->step;
	size_t low = 0, high = step->n_tables;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (step->tables[middle].slot < table)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < step->n_tables && step->tables[low].slot == table)
		return step->tables[low].now.kind;
	return table < reading->old->n_tables ? reading->old->tables[table].kind : SKT_TABLE_KINDS;
}

static void get_owners(struct reading *reading, struct skt_sock_change *const *rows, size_t n, struct cur *in)
{
	struct skt_step *step = reading->step;
	uint32_t process = 0;
	size_t total = 0;

	for (size_t i = 0; i < n && !in->bad; i++) {
		rows[i]->now.n_owners = (uint32_t)cur_count(in, cur_left(in));
		total += rows[i]->now.n_owners;
		if (total > at_most(cur_left(in) / 2, SKT_OWNERS_MAX))
			cur_fail(in);
	}
	if (in->bad ||
	    !reading_room(reading, &step->owners, &step->room_owners, step->n_owners + total, sizeof(*step->owners)))
		return;
	for (size_t i = 0; i < n; i++) {
		rows[i]->now.first_owner = (uint32_t)step->n_owners;
		for (uint32_t k = 0; k < rows[i]->now.n_owners && !in->bad; k++) {
			struct skt_owner *owner = &step->owners[step->n_owners];
			int64_t fd;

			owner->process = get_slot(in, &process);
			fd = cur_zigzag(in);
			if (fd < INT32_MIN || fd > INT32_MAX)
				cur_fail(in);
			owner->fd = (int32_t)fd;
			step->n_owners++;
		}
	}
}

static void get_planes(const struct column *column, struct skt_sock_change *const *rows, size_t n, struct cur *in)
{
	const unsigned char *at = cur_bytes(in, n * column->width);

	for (size_t i = 0; at && i < n; i++)
		column_get_planes(column, &rows[i]->now, at + i, n);
}

/* The values of one column that is not HOW_FIXED, for the rows given (those that have the field). */
static void get_values(struct reading *reading, const struct column *column, struct skt_sock_change *const *rows,
		       size_t n, bool opened, struct cur *in)
{
	struct column_context context = { .column = column, .boottime = reading->step->boottime };
	uint32_t strings = skt_strtab_count(reading->old->strings);
	uint32_t table = SKT_NO_TABLE;

	for (size_t i = 0; i < n && !in->bad; i++) {
		if (column->how == HOW_ADDRESS && rows[i]->now.table != table) {
			table = rows[i]->now.table;
			context.ipv6 = skt_table_kind_is_ipv6(kind_of(reading, table));
		}
		column_get(&context, opened ? NULL : &rows[i]->before, &rows[i]->now, in);
		if (rows[i]->now.tail >= strings || rows[i]->now.text >= strings)
			cur_fail(in);
	}
}

static const struct column *find_column(uint8_t id, uint8_t section)
{
	for (size_t c = 0; c < n_row_columns; c++)
		if (row_columns[c].id == id && row_columns[c].section == section)
			return &row_columns[c];
	return NULL;
}

/*
 * The columns of rows that came, or of those that changed in this section. A column that is not known is
 * passed over; one that is not there means nobody had it.
 */
static void get_columns(struct reading *reading, uint8_t section, struct skt_sock_change *const *rows, size_t n,
			bool opened, struct cur *in)
{
	unsigned columns = (unsigned)cur_count(in, 255);
	struct skt_sock_change *const *given = rows;
	struct skt_sock_change **with = NULL;

	if (n && !opened) {
		given = with = malloc(n * sizeof(struct skt_sock_change *));
		reading->no_memory |= !with;
	}
	for (unsigned c = 0; c < columns && !in->bad && !reading->no_memory; c++) {
		uint8_t id = cur_byte(in);
		struct cur values = cur_part(in, cur_varint(in));
		const struct column *column = find_column(id, section);
		size_t n_given = opened ? n : 0;

		if (!column && !(id == SKT_F_OWNERS && section == SECTION_IDENTITY))
			continue;
		for (size_t i = 0; !opened && i < n; i++)
			if (rows[i]->fields & SKT_BIT(id))
				with[n_given++] = rows[i];
		if (!column)
			get_owners(reading, given, n_given, &values);
		else if (column->how == HOW_FIXED)
			get_planes(column, given, n_given, &values);
		else
			get_values(reading, column, given, n_given, opened, &values);
		if (!cur_is_done(&values))
			cur_fail(in);
	}
	free(with);
}

/* Pointers to the changes [first, n_socks) of the step; they do not move until the next more_changes(). */
static struct skt_sock_change **rows_from(struct reading *reading, size_t first, size_t n)
{
	struct skt_sock_change **rows = malloc((n + 1) * sizeof(*rows));

	if (!rows) {
		reading->no_memory = true;
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		rows[i] = &reading->step->socks[first + i];
	return rows;
}

/* Rows that came. Returns how many; they are the last ones in the step. */
static size_t get_opened(struct reading *reading, bool key, struct cur *in)
{
	/* an address and a port at either end, and a byte each for state, owner and gaps */
	enum { LEAST_BYTES = 4 + 2 + 4 + 2 + 3 };
	size_t first = reading->step->n_socks, total = 0;
	struct skt_sock_change **rows;
	uint64_t run;

	while ((run = cur_count(in, cur_left(in))) != 0) {
		uint32_t table = (uint32_t)cur_count(in, SKT_TABLES_MAX);
		struct skt_sock_change *changes;

		if (kind_of(reading, table) >= SKT_TABLE_KINDS || total + run > cur_left(in) / LEAST_BYTES ||
		    total + run > SKT_SOCKS_MAX - reading->old->n_socks)
			cur_fail(in);
		if (in->bad || !more_changes(reading, run))
			return 0;
		changes = reading->step->socks + reading->step->n_socks;
		for (uint64_t i = 0; i < run; i++) {
			changes[i].change = key ? SKT_PRESENT : SKT_OPENED;
			changes[i].slot = (uint32_t)(reading->old->n_socks + total + i);
			changes[i].now.table = table;
		}
		reading->step->n_socks += run;
		total += run;
	}
	rows = rows_from(reading, first, total);
	if (rows)
		get_columns(reading, SECTION_IDENTITY, rows, total, true, in);
	free(rows);
	return total;
}

/* Rows that changed in a field of this section: a row may change in both, and is one change then. */
static void get_changed(struct reading *reading, uint8_t section, struct cur *in)
{
	const struct skt_snapshot *old = reading->old;
	uint32_t *change_of = reading->decoder->change_of;
	uint32_t allowed = section == SECTION_IDENTITY ? IDENTITY_FIELDS : ~(IDENTITY_FIELDS | FIXED_FIELDS);
	size_t n = cur_count(in, at_most(cur_left(in) / 2, old->n_socks));
	struct skt_sock_change **rows;
	uint32_t slot = 0;

	if (!room_for_changes(reading, n))
		return;
	rows = rows_from(reading, 0, n);
	for (size_t i = 0; rows && i < n && !in->bad; i++) {
		struct skt_sock_change *change = &reading->step->socks[reading->step->n_socks];

		get_next_slot(in, &slot, !i);
		if (slot >= old->n_socks || old->socks[slot].table == SKT_NO_TABLE)
			cur_fail(in);
		else if (change_of[slot]) {
			rows[i] = &reading->step->socks[change_of[slot] - 1];
		} else {
			rows[i] = change;
			change->change = SKT_CHANGED;
			change->slot = slot;
			change->fields = 0;
			change->before = old->socks[slot];
			change->now = old->socks[slot];
			change_of[slot] = (uint32_t)++reading->step->n_socks;
		}
	}
	for (size_t i = 0; rows && i < n && !in->bad; i++) {
		uint32_t fields = (uint32_t)cur_count(in, UINT32_MAX);

		/* bits of one section only, and each row once in it */
		if (!fields || (fields & ~allowed) || (rows[i]->fields & allowed))
			cur_fail(in);
		rows[i]->fields |= fields;
		/* a timer that is off has no value in its column */
		if (fields & SKT_BIT(SKT_F_TIMER_MS)) {
			rows[i]->now.timer_expires = 0;
			rows[i]->now.timer_off = 0;
		}
	}
	if (rows && !in->bad)
		get_columns(reading, section, rows, n, false, in);
	free(rows);
}

void get_socks(struct reading *reading, unsigned want, bool key)
{
	struct cur *identity = &reading->in[SECTION_IDENTITY], *state = &reading->in[SECTION_STATE];
	struct skt_step *step = reading->step;
	struct skt_sock_change **opened;
	size_t first, n;

	get_slots(reading, SKT_CLOSED, identity);
	get_slots(reading, SKT_LOST, identity);
	n = get_opened(reading, key, identity);
	first = step->n_socks - n;
	opened = rows_from(reading, first, n);
	if (opened && want & SKT_WANT_STATE)
		get_columns(reading, SECTION_STATE, opened, n, true, state);
	free(opened);
	get_changed(reading, SECTION_IDENTITY, identity);
	if (want & SKT_WANT_STATE)
		get_changed(reading, SECTION_STATE, state);
	for (size_t i = first + n; i < step->n_socks; i++)
		reading->decoder->change_of[step->socks[i].slot] = 0;
}
