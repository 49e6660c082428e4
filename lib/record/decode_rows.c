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

/* The change that this step has told of a row already, or NULL. */
static struct skt_sock_change *change_of(const struct reading *reading, uint32_t slot)
{
	uint32_t number = reading->decoder->change_of[slot];

	return number ? &reading->step->socks[number - 1] : NULL;
}

/*
 * Look at n slots without taking them: they rise, and each is a row that is there. A row that went in this step is there no
 * more. A change is 350 bytes and its slot may be one: memory is taken when all have been seen.
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
	size_t total = 0, most = SKT_OWNERS_MAX - at_most(reading->old->n_owners + step->n_owners, SKT_OWNERS_MAX);

	for (size_t i = 0; i < n && !in->bad; i++) {
		rows[i]->now.n_owners = (uint32_t)cur_count(in, cur_left(in));
		total += rows[i]->now.n_owners;
		if (total > at_most(cur_left(in) / 2, most))
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

/* A column as it stands in a section. */
struct given {
	uint8_t id;
	size_t place;		     /* in row_columns, the owners' behind all; of those that are known */
	const struct column *column; /* NULL for the owners and for one that is not known */
	struct cur values;
	bool known;
};

static bool is_owners(uint8_t id)
{
	return id == SKT_F_OWNERS;
}

/*
 * The next column: false where it is damaged. Those that are known stand in the section that they belong to, in the order of
 * row_columns, each once and none without a value. One that is not known is whatever it likes.
 */
static bool next_column(struct cur *in, uint8_t section, struct given *given)
{
	size_t next = given->known ? given->place + 1 : given->place, place;

	given->id = cur_byte(in);
	given->values = cur_part(in, cur_varint(in));
	given->column = NULL;
	given->known = false;
	for (place = 0; place < n_row_columns && row_columns[place].id != given->id;)
		place++;
	/* for the next call the place is where a known one may stand, not behind one that is passed over */
	given->place = next;
	if (place == n_row_columns && !is_owners(given->id))
		return !in->bad;
	if (place < n_row_columns)
		given->column = &row_columns[place];
	given->known = true;
	given->place = place;
	return !in->bad && cur_left(&given->values) && place >= next &&
	       section == (given->column ? given->column->section : SECTION_IDENTITY);
}

/* Rows that came: how many, and how many bytes an address column of theirs has. */
struct coming {
	size_t rows;
	size_t address_bytes;
};

/* What no row is without. */
#define ALWAYS_THERE                                                                                \
	(SKT_BIT(SKT_F_LOCAL_ADDRESS) | SKT_BIT(SKT_F_LOCAL_PORT) | SKT_BIT(SKT_F_REMOTE_ADDRESS) | \
	 SKT_BIT(SKT_F_REMOTE_PORT) | SKT_BIT(SKT_F_STATE) | SKT_BIT(SKT_F_OWNER) | SKT_BIT(SKT_F_OWNER_GAPS))

/*
 * Look at the columns of rows that came, without taking them: whether those that no row is without are there, and all as long
 * as they must be. Before this has been seen no memory is taken for a row.
 */
static bool columns_are_good(struct cur in, const struct coming *coming)
{
	unsigned columns = (unsigned)cur_count(&in, 255);
	struct given given = { .known = false };
	uint32_t seen = 0;

	for (unsigned c = 0; c < columns; c++) {
		size_t len;
		bool good;

		if (!next_column(&in, SECTION_IDENTITY, &given))
			return false;
		if (!given.known)
			continue;
		len = cur_left(&given.values);
		if (given.column && given.column->how == HOW_FIXED)
			good = len == coming->rows * given.column->width;
		else if (given.column && given.column->how == HOW_ADDRESS)
			good = len == coming->address_bytes;
		else
			good = len >= coming->rows;
		if (!good)
			return false;
		seen |= SKT_BIT(given.id);
	}
	return !in.bad && (!coming->rows || !(ALWAYS_THERE & ~seen));
}

/* Columns that this program knows. */
#define KNOWN_FIELDS (SKT_BIT(SKT_FIELDS) - 1)

/* The fields whose change is told in a section, those not known included. */
static uint32_t fields_of(uint8_t section)
{
	return section == SECTION_IDENTITY ? IDENTITY_FIELDS : ~(IDENTITY_FIELDS | FIXED_FIELDS);
}

/* Whether a row has a value in the column of timers: one whose timer is off has none, whatever its mask says. */
static bool has_timer_value(const struct skt_sock_change *change, bool opened)
{
	return (opened || change->fields & SKT_BIT(SKT_F_TIMER_MS)) && skt_sock_has(&change->now, SKT_F_TIMER_MS);
}

/* The column of timers is not there: then nobody has one. */
static bool nobody_has_a_timer(struct skt_sock_change *const *rows, size_t n, bool opened)
{
	for (size_t i = 0; i < n; i++)
		if (has_timer_value(rows[i], opened))
			return false;
	return true;
}

/*
 * The columns of rows that came, or of those that changed in this section. A column that is not known is passed over. One that
 * is not there means that of rows that came nobody had it; a row that changed in it must have it.
 */
static void get_columns(struct reading *reading, uint8_t section, struct skt_sock_change *const *rows, size_t n,
			bool opened, struct cur *in)
{
	unsigned columns = (unsigned)cur_count(in, 255);
	struct skt_sock_change *const *given_rows = rows;
	struct skt_sock_change **with = NULL;
	struct given given = { .known = false };
	/* what rows changed in, and what columns were there */
	uint32_t fields = 0, seen = 0;

	if (n && !opened) {
		given_rows = with = malloc(n * sizeof(struct skt_sock_change *));
		reading->no_memory |= !with;
	}
	for (size_t i = 0; !opened && i < n; i++)
		fields |= rows[i]->fields & fields_of(section);
	for (unsigned c = 0; c < columns && !in->bad && !reading->no_memory; c++) {
		size_t n_given = opened ? n : 0;

		if (!next_column(in, section, &given)) {
			cur_fail(in);
			break;
		}
		if (!given.known)
			continue;
		seen |= SKT_BIT(given.id);
		for (size_t i = 0; !opened && i < n; i++)
			if (rows[i]->fields & SKT_BIT(given.id))
				with[n_given++] = rows[i];
		if (!given.column)
			get_owners(reading, given_rows, n_given, &given.values);
		else if (given.column->how == HOW_FIXED)
			get_planes(given.column, given_rows, n_given, &given.values);
		else
			get_values(reading, given.column, given_rows, n_given, opened, &given.values);
		if (!cur_is_done(&given.values))
			cur_fail(in);
	}
	if (fields & KNOWN_FIELDS & ~SKT_BIT(SKT_F_TIMER_MS) & ~seen)
		cur_fail(in);
	if (section == SECTION_STATE && !(seen & SKT_BIT(SKT_F_TIMER_MS)) && !nobody_has_a_timer(rows, n, opened))
		cur_fail(in);
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
	struct skt_sock_change **rows;
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
	rows = rows_from(reading, first, coming.rows);
	if (rows)
		get_columns(reading, SECTION_IDENTITY, rows, coming.rows, true, in);
	free(rows);
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
	change->before = old->socks[slot];
	change->now = old->socks[slot];
	reading->decoder->change_of[slot] = (uint32_t)reading->step->n_socks;
	return change;
}

/* Rows that changed in a field of this section. */
static void get_changed(struct reading *reading, uint8_t section, struct cur *in)
{
	size_t n = cur_count(in, at_most(cur_left(in) / 2, reading->old->n_socks));
	struct skt_sock_change **rows;
	struct cur ahead = *in;
	uint32_t slot = 0;

	if (!slots_are_good(reading, &ahead, n) || !masks_are_good(&ahead, n, fields_of(section))) {
		cur_fail(&ahead);
		*in = ahead;
		return;
	}
	if (!room_for_changes(reading, n))
		return;
	rows = calloc(n + 1, sizeof(*rows));
	if (!rows) {
		reading->no_memory = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		rows[i] = changed(reading, get_next_slot(in, &slot, !i));
	for (size_t i = 0; i < n; i++) {
		uint32_t fields = (uint32_t)cur_varint(in);

		rows[i]->fields |= fields;
		/* a timer that is off has no value in its column */
		if (fields & SKT_BIT(SKT_F_TIMER_MS))
			rows[i]->now.timer_expires = 0;
	}
	get_columns(reading, section, rows, n, false, in);
	for (size_t i = 0; section == SECTION_STATE && i < n; i++) {
		uint32_t turned = rows[i]->before.has ^ rows[i]->now.has;

		/* one that got a timer says when it runs out, and one that lost it that it is 0 */
		if (turned & SKT_BIT(SKT_F_TIMER_MS) & ~rows[i]->fields)
			cur_fail(in);
	}
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
	for (size_t i = 0; i < step->n_socks; i++)
		if (step->socks[i].slot < reading->old->n_socks)
			reading->decoder->change_of[step->socks[i].slot] = 0;
}
