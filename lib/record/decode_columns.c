/* SPDX-License-Identifier: MIT */
#include "record/reading.h"

#include "base/array.h"

#include <stdlib.h>

uint8_t kind_of(const struct reading *reading, uint32_t table)
{
	const struct skt_step *step = reading->step;
	size_t i = array_below(step->tables, step->n_tables, sizeof(*step->tables),
			       offsetof(struct skt_table_change, slot), table);

	if (i < step->n_tables && step->tables[i].slot == table)
		return step->tables[i].now.kind;
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

static void get_addresses(struct reading *reading, const struct column *column, struct skt_sock_change *const *rows,
			  size_t n, struct cur *in)
{
	struct column_context context = { .column = column };
	uint32_t table = SKT_NO_TABLE;

	for (size_t i = 0; i < n && !in->bad; i++) {
		if (rows[i]->now.table != table) {
			table = rows[i]->now.table;
			context.ipv6 = skt_table_kind_is_ipv6(kind_of(reading, table));
		}
		column_get(&context, NULL, &rows[i], 1, in);
	}
}

/* The values of one column that is not HOW_FIXED, for the rows given (those that have the field). */
static void get_values(struct reading *reading, const struct column *column, struct skt_sock_change *const *rows,
		       size_t n, bool opened, struct cur *in)
{
	struct column_context context = { .column = column, .boottime = reading->step->boottime };
	uint32_t strings = skt_strtab_count(reading->old->strings);

	column_get(&context, opened ? NULL : reading->old->socks, rows, n, in);
	if (column->id != SKT_F_TAIL && column->id != SKT_F_TEXT)
		return;
	for (size_t i = 0; i < n && !in->bad; i++)
		if (rows[i]->now.tail >= strings || rows[i]->now.text >= strings)
			cur_fail(in);
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
 * The next column: false where it is damaged. Those that are known stand in the section that they belong to, in the
 * order of row_columns, each once and none without a value. One that is not known is whatever it likes.
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

/* What no row is without. */
#define ALWAYS_THERE                                                                                \
	(SKT_BIT(SKT_F_LOCAL_ADDRESS) | SKT_BIT(SKT_F_LOCAL_PORT) | SKT_BIT(SKT_F_REMOTE_ADDRESS) | \
	 SKT_BIT(SKT_F_REMOTE_PORT) | SKT_BIT(SKT_F_STATE) | SKT_BIT(SKT_F_OWNER) | SKT_BIT(SKT_F_OWNER_GAPS))

bool columns_are_good(struct cur in, const struct coming *coming)
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

uint32_t fields_of(uint8_t section)
{
	return section == SECTION_IDENTITY ? IDENTITY_FIELDS : ~(IDENTITY_FIELDS | FIXED_FIELDS);
}

/*
 * The column of timers is not there: then nobody has one. One whose timer is off has no value in it, whatever its mask
 * says.
 */
static bool nobody_has_a_timer(const struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		if ((!rows->fields || rows->fields[i] & SKT_BIT(SKT_F_TIMER_MS)) &&
		    skt_sock_has(&rows->changes[i]->now, SKT_F_TIMER_MS))
			return false;
	return true;
}

static void get_column(struct reading *reading, const struct column *column, struct skt_sock_change *const *rows,
		       size_t n, bool opened, struct cur *in)
{
	if (!column)
		get_owners(reading, rows, n, in);
	else if (column->how == HOW_FIXED)
		get_planes(column, rows, n, in);
	else if (column->how == HOW_ADDRESS)
		get_addresses(reading, column, rows, n, in);
	else
		get_values(reading, column, rows, n, opened, in);
	if (!cur_is_done(in))
		cur_fail(in);
}

/* Of the rows those that changed in this field, in turn. Returns how many. */
static size_t pick(const struct rows *rows, uint8_t id, struct skt_sock_change **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		ret[n] = rows->changes[i];
		n += rows->fields[i] >> id & 1;
	}
	return n;
}

void get_columns(struct reading *reading, uint8_t section, const struct rows *rows, struct cur *in)
{
	unsigned columns = (unsigned)cur_count(in, 255);
	struct skt_sock_change **with = NULL;
	struct given given = { .known = false };
	/* what rows changed in, and what columns were there */
	uint32_t fields = 0, seen = 0;

	if (rows->fields) {
		with = malloc((rows->n + 1) * sizeof(struct skt_sock_change *));
		reading->no_memory |= !with;
	}
	for (size_t i = 0; rows->fields && i < rows->n; i++)
		fields |= rows->fields[i];
	for (unsigned c = 0; c < columns && !in->bad && !reading->no_memory; c++) {
		size_t n = rows->n;

		if (!next_column(in, section, &given)) {
			cur_fail(in);
			break;
		}
		if (!given.known)
			continue;
		seen |= SKT_BIT(given.id);
		if (with)
			n = pick(rows, given.id, with);
		get_column(reading, given.column, with ? with : rows->changes, n, !with, &given.values);
		if (given.values.bad)
			cur_fail(in);
	}
	if (fields & KNOWN_FIELDS & ~SKT_BIT(SKT_F_TIMER_MS) & ~seen)
		cur_fail(in);
	if (section == SECTION_STATE && !(seen & SKT_BIT(SKT_F_TIMER_MS)) && !nobody_has_a_timer(rows))
		cur_fail(in);
	free(with);
}
