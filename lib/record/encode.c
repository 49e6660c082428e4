/* SPDX-License-Identifier: MIT */
#include "record/codec.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

/* The twin of decode.c: the two read side by side, function for function. */

static void put_tables(const struct skt_step *step, struct skt_buf *out)
{
	skt_buf_varint(out, step->n_tables);
	for (size_t i = 0; i < step->n_tables; i++) {
		const struct skt_table_change *change = &step->tables[i];
		const struct skt_table *now = &change->now;

		skt_buf_varint(out, change->slot);
		skt_buf_byte(out, (unsigned char)(now->gone | change->raw_changed << 1));
		skt_buf_byte(out, now->kind);
		skt_buf_byte(out, now->source);
		skt_buf_byte(out, now->status);
		skt_buf_varint(out, now->net_namespace);
		skt_buf_varint(out, now->heading);
		skt_buf_zigzag(out, now->error);
		skt_buf_varint(out, now->read_time != 0);
		if (now->read_time)
			skt_buf_zigzag(out, now->read_time - step->time);
		skt_buf_varint(out, now->read_us);
		skt_buf_varint(out, now->duplicates);
		skt_buf_varint(out, now->malformed);
	}
}

/* Raw lines of the tables that changed them; apply has moved them into the snapshot. */
static void put_raw(const struct skt_step *step, const struct skt_snapshot *now, struct skt_buf *out)
{
	for (size_t i = 0; i < step->n_tables; i++) {
		const struct skt_table *table = &now->tables[step->tables[i].slot];

		if (!step->tables[i].raw_changed)
			continue;
		skt_buf_varint(out, table->n_raw);
		for (size_t k = 0; k < table->n_raw; k++) {
			skt_buf_varint(out, table->raw[k].before);
			skt_buf_varint(out, table->raw[k].text);
		}
	}
}

/* A record is preceded by its length, so that a later version can add to its end and this one's reader pass over it. */
static void put_record(const struct skt_buf *record, struct skt_buf *out)
{
	skt_buf_varint(out, record->len);
	skt_buf_add(out, record->data, record->len);
	out->failed |= record->failed;
}

static void put_meta(const struct skt_step *step, const struct skt_snapshot *now, struct skt_buf *out)
{
	const struct skt_quality *quality = &step->quality;

	skt_buf_le64(out, (uint64_t)step->time);
	skt_buf_le64(out, (uint64_t)step->boottime);
	skt_buf_zigzag(out, step->end - step->time);
	skt_buf_varint(out, step->missed);
	skt_buf_byte(out, quality->walk);
	skt_buf_varint(out, quality->processes);
	skt_buf_varint(out, quality->links);
	skt_buf_varint(out, quality->denied);
	skt_buf_varint(out, quality->vanished);
	skt_buf_varint(out, quality->unsearched);
	skt_buf_varint(out, quality->malformed);
	skt_buf_varint(out, quality->walk_us);
	put_tables(step, out);
	put_raw(step, now, out);
	skt_buf_varint(out, step->n_users);
	for (size_t i = 0; i < step->n_users; i++) {
		skt_buf_varint(out, step->users[i].uid);
		skt_buf_varint(out, step->users[i].name);
	}
	skt_buf_varint(out, quality->netns_denied);
	skt_buf_varint(out, quality->checked_since != 0);
	if (quality->checked_since)
		skt_buf_zigzag(out, quality->checked_since - step->time);
}

static void put_strings(const struct skt_strtab *strings, uint32_t first, struct skt_buf *out)
{
	uint32_t count = skt_strtab_count(strings);

	skt_buf_varint(out, count - first);
	for (uint32_t id = first; id < count; id++) {
		size_t len;
		const char *bytes = skt_strtab_get(strings, id, &len);

		skt_buf_varint(out, len);
		skt_buf_add(out, bytes, len);
	}
}

static void put_process(const struct skt_process *process, uint32_t fields, struct skt_buf *out)
{
	skt_buf_varint(out, process->has);
	if (fields & SKT_BIT(SKT_P_PPID))
		skt_buf_varint(out, process->ppid);
	if (fields & SKT_BIT(SKT_P_UID))
		skt_buf_varint(out, process->uid);
	if (fields & SKT_BIT(SKT_P_COMM))
		skt_buf_varint(out, process->comm);
	if (fields & SKT_BIT(SKT_P_EXE)) {
		skt_buf_varint(out, process->exe);
		skt_buf_byte(out, process->exe_deleted);
	}
	if (fields & SKT_BIT(SKT_P_CMDLINE)) {
		skt_buf_varint(out, process->cmdline);
		skt_buf_byte(out, process->cmdline_truncated);
	}
	if (fields & SKT_BIT(SKT_P_CGROUP))
		skt_buf_varint(out, process->cgroup);
	if (fields & SKT_BIT(SKT_P_NET_NAMESPACE))
		skt_buf_varint(out, process->net_namespace);
	if (fields & SKT_BIT(SKT_P_THREADS))
		skt_buf_varint(out, process->threads);
	if (fields & SKT_BIT(SKT_P_STATE))
		skt_buf_byte(out, process->state);
	if (fields & SKT_BIT(SKT_P_EXITED))
		skt_buf_byte(out, process->exited);
}

static void put_processes(struct encoder *encoder, const struct skt_step *step, struct skt_buf *out)
{
	struct skt_buf *record = &encoder->values;
	uint32_t slot = 0;

	skt_buf_varint(out, step->n_processes);
	for (size_t i = 0; i < step->n_processes; i++) {
		const struct skt_process_change *change = &step->processes[i];

		record->len = 0;
		skt_buf_byte(record, change->change);
		skt_buf_zigzag(record, (int64_t)change->slot - slot);
		slot = change->slot;
		if (change->change == SKT_PROCESS_APPEARED) {
			skt_buf_varint(record, change->now.pid);
			skt_buf_varint(record, change->now.start_time);
			put_process(&change->now, UINT32_MAX, record);
		} else {
			skt_buf_varint(record, change->fields);
			put_process(&change->now, change->fields, record);
		}
		put_record(record, out);
	}
}

static void put_events(struct encoder *encoder, const struct skt_step *step, struct skt_buf *out)
{
	struct skt_buf *record = &encoder->values;

	skt_buf_varint(out, step->n_events);
	for (size_t i = 0; i < step->n_events; i++) {
		const struct skt_event *event = &step->events[i];

		record->len = 0;
		skt_buf_byte(record, event->source);
		skt_buf_byte(record, event->change);
		skt_buf_zigzag(record, event->when - step->time);
		skt_buf_varint(record, event->slot == SKT_NO_SLOT ? 0 : (uint64_t)event->slot + 1);
		skt_buf_varint(record, event->table);
		skt_buf_add(record, event->local_address, sizeof(event->local_address));
		skt_buf_add(record, event->remote_address, sizeof(event->remote_address));
		skt_buf_le16(record, event->local_port);
		skt_buf_le16(record, event->remote_port);
		skt_buf_byte(record, event->state);
		skt_buf_varint(record, event->uid);
		skt_buf_varint(record, event->inode);
		skt_buf_varint(record, event->has);
		skt_buf_varint(record, event->bytes_sent);
		skt_buf_varint(record, event->bytes_received);
		skt_buf_varint(record, event->rtt_us);
		skt_buf_varint(record, event->retransmits);
		skt_buf_varint(record, event->duration_us);
		put_record(record, out);
	}
}

static bool is_opened(const struct skt_sock_change *change)
{
	return change->change == SKT_OPENED || change->change == SKT_PRESENT;
}

static int by_slot(const void *x, const void *y)
{
	uint32_t a = (*(const struct skt_sock_change *const *)x)->slot;
	uint32_t b = (*(const struct skt_sock_change *const *)y)->slot;

	return a < b ? -1 : a > b;
}

/* Which changes a list in the file is made of. */
struct choice {
	uint8_t what;	 /* of this kind (SKT_OPENED: SKT_PRESENT too) */
	uint32_t fields; /* and, unless 0, in one of these fields */
};

/* Gather them into encoder->rows, by slot: small gaps pack better than the kernel's order, which nothing here needs. */
static void choose(struct encoder *encoder, const struct skt_step *step, struct choice choice)
{
	bool sorted = true;

	encoder->n_rows = 0;
	if (array_room(&encoder->rows, &encoder->room, step->n_socks, sizeof(*encoder->rows))) {
		encoder->values.failed = true;
		return;
	}
	for (size_t i = 0; i < step->n_socks; i++) {
		const struct skt_sock_change *change = &step->socks[i];
		bool is = choice.what == SKT_OPENED ? is_opened(change) : change->change == choice.what;

		if (!is || (choice.fields && !(change->fields & choice.fields)))
			continue;
		sorted &= !encoder->n_rows || encoder->rows[encoder->n_rows - 1]->slot < change->slot;
		encoder->rows[encoder->n_rows++] = change;
	}
	if (!sorted)
		qsort(encoder->rows, encoder->n_rows, sizeof(*encoder->rows), by_slot);
}

/* How many were chosen, and their slots. */
static void put_slots(const struct encoder *encoder, struct skt_buf *out)
{
	uint32_t slot = 0;

	skt_buf_varint(out, encoder->n_rows);
	for (size_t i = 0; i < encoder->n_rows; i++) {
		skt_buf_varint(out, encoder->rows[i]->slot - slot);
		slot = encoder->rows[i]->slot;
	}
}

/* The owners of the rows that have this field, as three columns in one: how many, then whose and which descriptor. */
static void put_owners(struct encoder *encoder, const struct skt_snapshot *now, bool opened)
{
	struct skt_buf *out = &encoder->values;
	uint32_t process = 0;

	for (size_t i = 0; i < encoder->n_rows; i++)
		if (opened || encoder->rows[i]->fields & SKT_BIT(SKT_F_OWNERS))
			skt_buf_varint(out, encoder->rows[i]->now.n_owners);
	for (size_t i = 0; i < encoder->n_rows; i++) {
		const struct skt_sock *sock = &encoder->rows[i]->now;

		if (!opened && !(encoder->rows[i]->fields & SKT_BIT(SKT_F_OWNERS)))
			continue;
		for (uint32_t k = 0; k < sock->n_owners; k++) {
			const struct skt_owner *owner = &now->owners[sock->first_owner + k];

			skt_buf_zigzag(out, (int64_t)owner->process - process);
			process = owner->process;
			skt_buf_zigzag(out, owner->fd);
		}
	}
}

static bool has_value(const struct skt_sock_change *change, const struct column *column, bool opened)
{
	return opened || change->fields & SKT_BIT(column->id);
}

static void put_planes(struct encoder *encoder, const struct column *column, bool opened)
{
	struct skt_buf *out = &encoder->values;
	unsigned char *at;
	size_t n = 0;

	for (size_t i = 0; i < encoder->n_rows; i++)
		n += has_value(encoder->rows[i], column, opened);
	at = skt_buf_room(out, n * column->width);
	if (!at)
		return;
	for (size_t i = 0; i < encoder->n_rows; i++)
		if (has_value(encoder->rows[i], column, opened))
			column_put_planes(column, &encoder->rows[i]->now, at++, n);
	out->len += n * column->width;
}

static void put_values(struct encoder *encoder, const struct column *column, const struct skt_snapshot *now,
		       bool opened)
{
	struct column_context context = { .column = column, .boottime = now->boottime };

	for (size_t i = 0; i < encoder->n_rows; i++) {
		const struct skt_sock_change *change = encoder->rows[i];

		if (!has_value(change, column, opened))
			continue;
		context.ipv6 = skt_table_kind_is_ipv6(now->tables[change->now.table].kind);
		column_put(&context, opened ? NULL : &change->before, &change->now, &encoder->values);
	}
}

/* Every column of a section, of the chosen rows. One that has no values is left out. */
static void put_columns(struct encoder *encoder, const struct skt_snapshot *now, uint8_t section, bool opened,
			struct skt_buf *out)
{
	struct skt_buf *values = &encoder->values;
	unsigned n = 0;

	skt_buf_clear(&encoder->columns);
	for (size_t c = 0; c <= n_row_columns; c++) {
		const struct column *column = c < n_row_columns ? &row_columns[c] : NULL;

		values->len = 0;
		if (column && column->section == section && column->how == HOW_FIXED)
			put_planes(encoder, column, opened);
		else if (column && column->section == section)
			put_values(encoder, column, now, opened);
		else if (!column && section == SECTION_IDENTITY)
			put_owners(encoder, now, opened);
		if (!values->len)
			continue;
		skt_buf_byte(&encoder->columns, column ? column->id : SKT_F_OWNERS);
		skt_buf_varint(&encoder->columns, values->len);
		skt_buf_add(&encoder->columns, values->data, values->len);
		n++;
	}
	skt_buf_varint(out, n);
	skt_buf_add(out, encoder->columns.data, encoder->columns.len);
	out->failed |= encoder->columns.failed | values->failed;
}

/* Of which table each of the chosen rows is, as runs. */
static void put_table_runs(const struct encoder *encoder, struct skt_buf *out)
{
	for (size_t i = 0, run; i < encoder->n_rows; i += run) {
		uint32_t table = encoder->rows[i]->now.table;

		for (run = 1; i + run < encoder->n_rows && encoder->rows[i + run]->now.table == table;)
			run++;
		skt_buf_varint(out, run);
		skt_buf_varint(out, table);
	}
	skt_buf_varint(out, 0);
}

/* Rows that changed in a field of this section: slots, masks, columns. */
static void put_changed(struct encoder *encoder, const struct skt_step *step, const struct skt_snapshot *now,
			uint8_t section, struct skt_buf *out)
{
	uint32_t fields = section == SECTION_IDENTITY ? IDENTITY_FIELDS : ~IDENTITY_FIELDS;

	choose(encoder, step, (struct choice){ .what = SKT_CHANGED, .fields = fields });
	put_slots(encoder, out);
	for (size_t i = 0; i < encoder->n_rows; i++)
		skt_buf_varint(out, encoder->rows[i]->fields & fields);
	put_columns(encoder, now, section, false, out);
}

static void put_socks(struct encoder *encoder, const struct skt_step *step, const struct skt_snapshot *now,
		      struct skt_buf sections[SECTION_END])
{
	choose(encoder, step, (struct choice){ .what = SKT_CLOSED });
	put_slots(encoder, &sections[SECTION_IDENTITY]);
	choose(encoder, step, (struct choice){ .what = SKT_LOST });
	put_slots(encoder, &sections[SECTION_IDENTITY]);
	choose(encoder, step, (struct choice){ .what = SKT_OPENED });
	put_table_runs(encoder, &sections[SECTION_IDENTITY]);
	put_columns(encoder, now, SECTION_IDENTITY, true, &sections[SECTION_IDENTITY]);
	put_columns(encoder, now, SECTION_STATE, true, &sections[SECTION_STATE]);
	put_changed(encoder, step, now, SECTION_IDENTITY, &sections[SECTION_IDENTITY]);
	put_changed(encoder, step, now, SECTION_STATE, &sections[SECTION_STATE]);
}

static void put_timers(const struct skt_step *step, struct skt_buf *out)
{
	uint32_t slot = 0;

	skt_buf_varint(out, step->n_timers);
	for (size_t i = 0; i < step->n_timers; i++) {
		skt_buf_varint(out, step->timers[i].slot - slot);
		slot = step->timers[i].slot;
	}
	for (size_t i = 0; i < step->n_timers; i++)
		skt_buf_zigzag(out, step->timers[i].off);
}

static void put_order(const struct skt_step *step, struct skt_buf *out)
{
	uint32_t table = 0, slot = 0;

	skt_buf_varint(out, step->n_edits);
	for (size_t i = 0; i < step->n_edits; i++) {
		skt_buf_zigzag(out, (int64_t)step->edits[i].table - table);
		table = step->edits[i].table;
	}
	for (size_t i = 0; i < step->n_edits; i++)
		skt_buf_varint(out, step->edits[i].keep);
	for (size_t i = 0; i < step->n_edits; i++)
		skt_buf_varint(out, step->edits[i].drop);
	for (size_t i = 0; i < step->n_edits; i++)
		skt_buf_varint(out, step->edits[i].put);
	/* runs of slots that follow each other: new rows are numbered in order, so there are few */
	for (size_t i = 0, run; i < step->n_puts; i += run) {
		for (run = 1; i + run < step->n_puts && step->puts[i + run] == step->puts[i] + run;)
			run++;
		skt_buf_varint(out, run);
		skt_buf_zigzag(out, (int64_t)step->puts[i] - slot);
		slot = step->puts[i] + (uint32_t)run;
	}
	skt_buf_varint(out, 0);
}

void step_encode(struct encoder *encoder, const struct skt_step *step, const struct skt_snapshot *now,
		 uint32_t first_string, struct skt_buf sections[SECTION_END])
{
	skt_buf_clear(&encoder->values);
	put_meta(step, now, &encoder->values);
	put_record(&encoder->values, &sections[SECTION_META]);
	put_strings(now->strings, first_string, &sections[SECTION_STRINGS]);
	put_processes(encoder, step, &sections[SECTION_IDENTITY]);
	put_socks(encoder, step, now, sections);
	put_timers(step, &sections[SECTION_RESIDUAL]);
	put_order(step, &sections[SECTION_RESIDUAL]);
	put_events(encoder, step, &sections[SECTION_EVENTS]);
}

void encoder_release(struct encoder *encoder)
{
	free(encoder->rows);
	skt_buf_release(&encoder->values);
	skt_buf_release(&encoder->columns);
	memset(encoder, 0, sizeof(*encoder));
}
