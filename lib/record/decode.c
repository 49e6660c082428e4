/* SPDX-License-Identifier: MIT */
#include "record/block.h"

#include "base/array.h"
#include "model/step.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * The twin of encode.c. Everything here comes from outside: a count is bounded before memory is taken
 * for it, by what the snapshot holds or by the bytes that are left (each item takes at least one), and a
 * number that is used as an index is checked here or in skt_apply().
 */

/* A step being read, and the snapshot it will be applied to. */
struct reading {
	struct decoder *decoder;
	struct cur *in; /* the sections */
	struct skt_snapshot *old;
	struct skt_step *step;
	bool no_memory;
};

static size_t at_most(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool room(struct reading *reading, void *array, size_t *have, size_t n, size_t size)
{
	if (array_room(array, have, n, size))
		reading->no_memory = true;
	return !reading->no_memory;
}

static int64_t get_time(struct cur *in)
{
	int64_t when = (int64_t)cur_le64(in);

	if (!block_time_is_good(when)) {
		cur_fail(in);
		return 0;
	}
	return when;
}

/* A time written as a difference to the step's. */
static int64_t get_time_near(struct cur *in, int64_t base)
{
	int64_t difference = cur_zigzag(in);

	if (!block_time_is_good(difference) || !block_time_is_good(base + difference)) {
		cur_fail(in);
		return 0;
	}
	return base + difference;
}

static uint32_t get_string(struct reading *reading, struct cur *in)
{
	return (uint32_t)cur_count(in, skt_strtab_count(reading->old->strings) - 1);
}

static void get_table(struct reading *reading, struct skt_table_change *change, struct cur *in)
{
	struct skt_table *now = &change->now;
	uint8_t flags;

	memset(change, 0, sizeof(*change));
	change->slot = (uint32_t)cur_count(in, SKT_TABLES_MAX);
	flags = cur_byte(in);
	now->gone = flags & 1;
	change->raw_changed = flags >> 1 & 1;
	now->kind = cur_byte(in);
	now->source = cur_byte(in);
	now->status = cur_byte(in);
	if (now->kind >= SKT_TABLE_KINDS || now->status > SKT_TABLE_STALE || flags > 3)
		cur_fail(in);
	now->net_namespace = cur_varint(in);
	now->heading = get_string(reading, in);
	now->error = (int32_t)cur_zigzag(in);
	if (cur_count(in, 1))
		now->read_time = get_time_near(in, reading->step->time);
	now->read_us = (uint32_t)cur_count(in, UINT32_MAX);
	now->duplicates = (uint32_t)cur_count(in, UINT32_MAX);
	now->malformed = (uint32_t)cur_count(in, UINT32_MAX);
}

static void get_raw(struct reading *reading, struct skt_table_change *change, struct cur *in)
{
	uint64_t n = cur_count(in, cur_left(in) / 2);

	for (uint64_t i = 0; i < n && !in->bad; i++) {
		uint32_t before = (uint32_t)cur_count(in, SKT_SOCKS_MAX);
		uint32_t text = get_string(reading, in);
		int rc = in->bad ? 0 : skt_table_add_raw(&change->now, before, text);

		if (rc == -ENOMEM)
			reading->no_memory = true;
		if (rc)
			cur_fail(in);
	}
}

static void get_tables(struct reading *reading, struct cur *in)
{
	struct skt_step *step = reading->step;
	size_t n = cur_count(in, cur_left(in));

	if (n > SKT_TABLES_MAX || !room(reading, &step->tables, &step->room_tables, n, sizeof(*step->tables))) {
		cur_fail(in);
		return;
	}
	for (; step->n_tables < n && !in->bad; step->n_tables++)
		get_table(reading, &step->tables[step->n_tables], in);
	for (size_t i = 0; i < step->n_tables && !in->bad; i++)
		if (step->tables[i].raw_changed)
			get_raw(reading, &step->tables[i], in);
}

static void get_meta(struct reading *reading, struct cur *in)
{
	struct skt_step *step = reading->step;
	struct skt_quality *quality = &step->quality;
	size_t n;

	step->time = get_time(in);
	step->boottime = get_time(in);
	if (step->boottime < 0)
		cur_fail(in);
	step->end = get_time_near(in, step->time);
	step->missed = (uint32_t)cur_count(in, UINT32_MAX);
	quality->walk = cur_byte(in);
	quality->processes = (uint32_t)cur_count(in, UINT32_MAX);
	quality->links = (uint32_t)cur_count(in, UINT32_MAX);
	quality->denied = (uint32_t)cur_count(in, UINT32_MAX);
	quality->vanished = (uint32_t)cur_count(in, UINT32_MAX);
	quality->unsearched = (uint32_t)cur_count(in, UINT32_MAX);
	quality->malformed = (uint32_t)cur_count(in, UINT32_MAX);
	quality->walk_us = (uint32_t)cur_count(in, UINT32_MAX);
	get_tables(reading, in);
	n = cur_count(in, at_most(cur_left(in) / 2, SKT_USERS_MAX));
	if (!room(reading, &step->users, &step->room_users, n, sizeof(*step->users)))
		return;
	for (; step->n_users < n && !in->bad; step->n_users++) {
		step->users[step->n_users].uid = (uint32_t)cur_count(in, UINT32_MAX);
		step->users[step->n_users].name = get_string(reading, in);
	}
}

static int get_strings(struct reading *reading, struct cur *in)
{
	size_t n = cur_count(in, cur_left(in));

	for (size_t i = 0; i < n && !in->bad; i++) {
		size_t len = cur_count(in, SKT_STRING_MAX);
		const unsigned char *bytes = cur_bytes(in, len);
		uint32_t expected = skt_strtab_count(reading->old->strings);
		uint32_t id;
		int rc = bytes ? skt_strtab_add(reading->old->strings, bytes, len, &id) : 0;

		if (rc)
			return rc;
		/* a string stored twice would shift the numbers of all after it */
		if (bytes && id != expected)
			cur_fail(in);
	}
	return 0;
}

static void get_process(struct reading *reading, struct skt_process *process, uint32_t fields, struct cur *in)
{
	process->has = (uint32_t)cur_count(in, UINT32_MAX);
	if (fields & SKT_BIT(SKT_P_PPID))
		process->ppid = (uint32_t)cur_count(in, UINT32_MAX);
	if (fields & SKT_BIT(SKT_P_UID))
		process->uid = (uint32_t)cur_count(in, UINT32_MAX);
	if (fields & SKT_BIT(SKT_P_COMM))
		process->comm = get_string(reading, in);
	if (fields & SKT_BIT(SKT_P_EXE)) {
		process->exe = get_string(reading, in);
		process->exe_deleted = cur_byte(in) & 1;
	}
	if (fields & SKT_BIT(SKT_P_CMDLINE)) {
		process->cmdline = get_string(reading, in);
		process->cmdline_truncated = cur_byte(in) & 1;
	}
	if (fields & SKT_BIT(SKT_P_CGROUP))
		process->cgroup = get_string(reading, in);
	if (fields & SKT_BIT(SKT_P_NET_NAMESPACE))
		process->net_namespace = cur_varint(in);
	if (fields & SKT_BIT(SKT_P_THREADS))
		process->threads = (uint32_t)cur_count(in, UINT32_MAX);
	if (fields & SKT_BIT(SKT_P_STATE))
		process->state = cur_byte(in);
	if (fields & SKT_BIT(SKT_P_EXITED))
		process->exited = cur_byte(in) & 1;
}

/* A slot in rising order: none stands twice, for all but the first are told by a gap of at least one. */
static uint32_t get_next_slot(struct cur *in, uint32_t *slot, bool first)
{
	uint64_t gap = cur_count(in, UINT32_MAX - *slot);

	if (!first && !gap)
		cur_fail(in);
	*slot += (uint32_t)gap;
	return *slot;
}

/* A slot written as the difference to the one before it. */
static uint32_t get_slot(struct cur *in, uint32_t *slot)
{
	int64_t difference = cur_zigzag(in);

	if (difference > (int64_t)UINT32_MAX - *slot || difference < -(int64_t)*slot)
		cur_fail(in);
	else
		*slot = (uint32_t)(*slot + difference);
	return *slot;
}

static void get_processes(struct reading *reading, struct cur *in)
{
	struct skt_step *step = reading->step;
	size_t n = cur_count(in, at_most(cur_left(in) / 2, SKT_PROCESSES_MAX));
	uint32_t slot = 0;

	if (!room(reading, &step->processes, &step->room_processes, n, sizeof(*step->processes)))
		return;
	for (; step->n_processes < n && !in->bad; step->n_processes++) {
		struct skt_process_change *change = &step->processes[step->n_processes];

		memset(change, 0, sizeof(*change));
		change->change = cur_byte(in);
		change->slot = get_slot(in, &slot);
		switch (change->change) {
		case SKT_PROCESS_APPEARED:
			change->now.pid = (uint32_t)cur_count(in, UINT32_MAX);
			change->now.start_time = cur_varint(in);
			get_process(reading, &change->now, UINT32_MAX, in);
			break;
		case SKT_PROCESS_EXEC:
		case SKT_PROCESS_CHANGED:
		case SKT_PROCESS_EXITED:
			change->fields = (uint32_t)cur_count(in, UINT32_MAX);
			get_process(reading, &change->now, change->fields, in);
			break;
		default:
			cur_fail(in);
		}
	}
}

/* Room for n more changes, zeroed; false (and no_memory) where there is none. */
static bool more_changes(struct reading *reading, size_t n)
{
	struct skt_step *step = reading->step;

	if (!room(reading, &step->socks, &step->room_socks, step->n_socks + n, sizeof(*step->socks)))
		return false;
	if (n)
		memset(step->socks + step->n_socks, 0, n * sizeof(*step->socks));
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
	if (in->bad || !room(reading, &step->owners, &step->room_owners, step->n_owners + total, sizeof(*step->owners)))
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

/* The values of one column, for the rows given (those that have the field). */
static void get_column(struct reading *reading, const struct column *column, struct skt_sock_change *const *rows,
		       size_t n, bool opened, struct cur *in)
{
	struct column_context context = { .column = column, .boottime = reading->step->boottime };
	uint32_t strings = skt_strtab_count(reading->old->strings);
	uint32_t table = SKT_NO_TABLE;

	for (unsigned plane = 0; column->how == HOW_FIXED && plane < column->width; plane++)
		for (size_t i = 0; i < n; i++)
			column_get_plane(column, plane, &rows[i]->now, in);
	for (size_t i = 0; column->how != HOW_FIXED && i < n && !in->bad; i++) {
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
	struct skt_sock_change **with = NULL;

	if (n) {
		with = malloc(n * sizeof(struct skt_sock_change *));
		reading->no_memory |= !with;
	}
	for (unsigned c = 0; c < columns && !in->bad && !reading->no_memory; c++) {
		uint8_t id = cur_byte(in);
		struct cur values = cur_part(in, cur_varint(in));
		const struct column *column = find_column(id, section);
		size_t n_with = 0;

		if (!column && !(id == SKT_F_OWNERS && section == SECTION_IDENTITY))
			continue;
		for (size_t i = 0; i < n; i++)
			if (opened || (rows[i]->fields & SKT_BIT(id)))
				with[n_with++] = rows[i];
		if (column)
			get_column(reading, column, with, n_with, opened, &values);
		else
			get_owners(reading, with, n_with, &values);
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
	uint32_t allowed = section == SECTION_IDENTITY ? IDENTITY_FIELDS : ~IDENTITY_FIELDS;
	size_t n = cur_count(in, at_most(cur_left(in) / 2, old->n_socks));
	struct skt_sock_change **rows;
	uint32_t slot = 0;

	if (!more_changes(reading, n))
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
	/* where no row's timer has a value, there is no column that would say so of those that ended */
	for (size_t i = 0; rows && i < n && !in->bad; i++) {
		if (skt_sock_has(&rows[i]->now, SKT_F_TIMER_MS))
			continue;
		rows[i]->now.timer_expires = 0;
		rows[i]->now.timer_off = 0;
	}
	free(rows);
}

static void get_timers(struct reading *reading, struct cur *in)
{
	struct skt_step *step = reading->step;
	size_t n = cur_count(in, at_most(cur_left(in) / 2, reading->old->n_socks));
	uint32_t slot = 0;

	if (!room(reading, &step->timers, &step->room_timers, n, sizeof(*step->timers)))
		return;
	for (size_t i = 0; i < n; i++)
		step->timers[i].slot = get_next_slot(in, &slot, !i);
	for (size_t i = 0; i < n && !in->bad; i++) {
		int64_t off = cur_zigzag(in);

		if (off < INT32_MIN || off > INT32_MAX)
			cur_fail(in);
		step->timers[i].off = (int32_t)off;
	}
	step->n_timers = n;
}

static void get_order(struct reading *reading, struct cur *in)
{
	struct skt_step *step = reading->step;
	/* each drops a row that was there, or puts one that was or came */
	size_t n = cur_count(in, at_most(cur_left(in) / 4, 2 * reading->old->n_socks + step->n_socks));
	uint64_t puts = 0, run;
	uint32_t table = 0, slot = 0;

	if (!room(reading, &step->edits, &step->room_edits, n, sizeof(*step->edits)))
		return;
	for (size_t i = 0; i < n; i++)
		step->edits[i].table = get_slot(in, &table);
	for (size_t i = 0; i < n; i++)
		step->edits[i].keep = (uint32_t)cur_count(in, SKT_SOCKS_MAX);
	for (size_t i = 0; i < n; i++)
		step->edits[i].drop = (uint32_t)cur_count(in, SKT_SOCKS_MAX);
	for (size_t i = 0; i < n; i++) {
		step->edits[i].put = (uint32_t)cur_count(in, SKT_SOCKS_MAX);
		puts += step->edits[i].put;
	}
	step->n_edits = n;
	/* a row is put because it came or because it moved: never more than there are */
	if (in->bad || puts > reading->old->n_socks + step->n_socks) {
		cur_fail(in);
		return;
	}
	if (!room(reading, &step->puts, &step->room_puts, puts, sizeof(*step->puts)))
		return;
	while ((run = cur_count(in, puts - step->n_puts)) != 0) {
		get_slot(in, &slot);
		for (; run && !in->bad; run--)
			step->puts[step->n_puts++] = slot++;
	}
	if (step->n_puts != puts)
		cur_fail(in);
}

static int finish(struct reading *reading, struct skt_err *err)
{
	if (reading->no_memory)
		return skt_err_set(err, -ENOMEM, "out of memory");
	for (int s = SECTION_META; s < SECTION_END; s++)
		if (reading->in[s].bad)
			return skt_err_set(err, -EBADMSG, "%s section is damaged at its byte %zu", section_name(s),
					   cur_offset(&reading->in[s]));
	return 0;
}

int step_decode(struct decoder *decoder, struct cur sections[SECTION_END], unsigned want, struct skt_snapshot *old,
		bool key, struct skt_step *ret, struct skt_err *err)
{
	struct reading reading = { .decoder = decoder, .in = sections, .old = old, .step = ret };
	struct skt_sock_change **opened;
	size_t had = decoder->room, first, n;
	int rc;

	skt_step_clear(ret);
	if (array_room(&decoder->change_of, &decoder->room, old->n_socks + 1, sizeof(*decoder->change_of)))
		return skt_err_set(err, -ENOMEM, "out of memory");
	memset(decoder->change_of + had, 0, (decoder->room - had) * sizeof(*decoder->change_of));
	rc = get_strings(&reading, &sections[SECTION_STRINGS]);
	if (rc)
		return skt_err_set(err, rc, "strings of the step");
	ret->from = key ? INT64_MIN : old->time;
	get_meta(&reading, &sections[SECTION_META]);
	get_processes(&reading, &sections[SECTION_IDENTITY]);
	get_slots(&reading, SKT_CLOSED, &sections[SECTION_IDENTITY]);
	get_slots(&reading, SKT_LOST, &sections[SECTION_IDENTITY]);
	n = get_opened(&reading, key, &sections[SECTION_IDENTITY]);
	first = ret->n_socks - n;
	opened = rows_from(&reading, first, n);
	if (opened && want & SKT_WANT_STATE)
		get_columns(&reading, SECTION_STATE, opened, n, true, &sections[SECTION_STATE]);
	free(opened);
	get_changed(&reading, SECTION_IDENTITY, &sections[SECTION_IDENTITY]);
	if (want & SKT_WANT_STATE)
		get_changed(&reading, SECTION_STATE, &sections[SECTION_STATE]);
	for (size_t i = first + n; i < ret->n_socks; i++)
		decoder->change_of[ret->socks[i].slot] = 0;
	if (want & SKT_WANT_ORDER) {
		get_timers(&reading, &sections[SECTION_RESIDUAL]);
		get_order(&reading, &sections[SECTION_RESIDUAL]);
	}
	ret->unordered = !(want & SKT_WANT_ORDER);
	rc = finish(&reading, err);
	if (!rc)
		step_set_intervals(ret, old);
	return rc;
}

void decoder_release(struct decoder *decoder)
{
	free(decoder->change_of);
	decoder->change_of = NULL;
	decoder->room = 0;
}
