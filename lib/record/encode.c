/* SPDX-License-Identifier: MIT */
#include "record/codec.h"

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

static void put_processes(const struct skt_step *step, struct skt_buf *out)
{
	uint32_t slot = 0;

	skt_buf_varint(out, step->n_processes);
	for (size_t i = 0; i < step->n_processes; i++) {
		const struct skt_process_change *change = &step->processes[i];

		skt_buf_byte(out, change->change);
		skt_buf_zigzag(out, (int64_t)change->slot - slot);
		slot = change->slot;
		if (change->change == SKT_PROCESS_EXITED)
			continue;
		if (change->change == SKT_PROCESS_APPEARED) {
			skt_buf_varint(out, change->now.pid);
			skt_buf_varint(out, change->now.start_time);
			put_process(&change->now, UINT32_MAX, out);
		} else {
			skt_buf_varint(out, change->fields);
			put_process(&change->now, change->fields, out);
		}
	}
}

static bool is_opened(const struct skt_sock_change *change)
{
	return change->change == SKT_OPENED || change->change == SKT_PRESENT;
}

/* Slots of all changes of one kind. */
static void put_slots(const struct skt_step *step, uint8_t what, struct skt_buf *out)
{
	uint32_t slot = 0, n = 0;

	for (size_t i = 0; i < step->n_socks; i++)
		n += step->socks[i].change == what;
	skt_buf_varint(out, n);
	for (size_t i = 0; i < step->n_socks; i++) {
		if (step->socks[i].change != what)
			continue;
		skt_buf_zigzag(out, (int64_t)step->socks[i].slot - slot);
		slot = step->socks[i].slot;
	}
}

static void put_column(uint8_t id, const struct skt_buf *values, struct skt_buf *out)
{
	skt_buf_byte(out, id);
	skt_buf_varint(out, values->len);
	skt_buf_add(out, values->data, values->len);
	out->failed |= values->failed;
}

/* The owners of the rows that have this bit, as three columns in one: how many, whose, which descriptor. */
static void put_owners(const struct skt_step *step, const struct skt_snapshot *now, bool opened, struct skt_buf *out)
{
	uint32_t process = 0;

	for (size_t i = 0; i < step->n_socks; i++)
		if (opened ? is_opened(&step->socks[i]) : step->socks[i].fields & SKT_BIT(SKT_F_OWNERS))
			skt_buf_varint(out, step->socks[i].now.n_owners);
	for (size_t i = 0; i < step->n_socks; i++) {
		const struct skt_sock *sock = &step->socks[i].now;

		if (!(opened ? is_opened(&step->socks[i]) : step->socks[i].fields & SKT_BIT(SKT_F_OWNERS)))
			continue;
		for (uint32_t k = 0; k < sock->n_owners; k++) {
			const struct skt_owner *owner = &now->owners[sock->first_owner + k];

			skt_buf_zigzag(out, (int64_t)owner->process - process);
			process = owner->process;
			skt_buf_zigzag(out, owner->fd);
		}
	}
}

/* Every column of a section, of the rows that came, or of those that changed. */
static void put_columns(const struct skt_step *step, const struct skt_snapshot *now, uint8_t section, bool opened,
			struct skt_buf *out)
{
	struct skt_buf values, columns;
	unsigned n = 0;

	skt_buf_init(&values);
	skt_buf_init(&columns);
	for (size_t c = 0; c < n_row_columns; c++) {
		struct column_context context = { .column = &row_columns[c], .boottime = step->boottime };

		if (row_columns[c].section != section)
			continue;
		skt_buf_clear(&values);
		for (size_t i = 0; i < step->n_socks; i++) {
			const struct skt_sock_change *change = &step->socks[i];

			if (opened ? !is_opened(change) : !(change->fields & SKT_BIT(row_columns[c].id)))
				continue;
			context.ipv6 = skt_table_kind_is_ipv6(now->tables[change->now.table].kind);
			column_put(&context, opened ? NULL : &change->before, &change->now, &values);
		}
		if (!values.len)
			continue;
		put_column(row_columns[c].id, &values, &columns);
		n++;
	}
	if (section == SECTION_IDENTITY) {
		skt_buf_clear(&values);
		put_owners(step, now, opened, &values);
		if (values.len) {
			put_column(SKT_F_OWNERS, &values, &columns);
			n++;
		}
	}
	skt_buf_varint(out, n);
	skt_buf_add(out, columns.data, columns.len);
	out->failed |= columns.failed;
	skt_buf_release(&values);
	skt_buf_release(&columns);
}

/* Rows that came: how many, of which table each (as runs), and their columns. */
static void put_opened(const struct skt_step *step, const struct skt_snapshot *now, struct skt_buf *out)
{
	uint32_t table = 0, run = 0;

	for (size_t i = 0; i < step->n_socks; i++) {
		if (!is_opened(&step->socks[i]))
			continue;
		if (run && step->socks[i].now.table != table) {
			skt_buf_varint(out, run);
			skt_buf_varint(out, table);
			run = 0;
		}
		table = step->socks[i].now.table;
		run++;
	}
	if (run) {
		skt_buf_varint(out, run);
		skt_buf_varint(out, table);
	}
	skt_buf_varint(out, 0);
	put_columns(step, now, SECTION_IDENTITY, true, out);
}

/* Rows that changed in a field of this section: slots, masks, columns. */
static void put_changed(const struct skt_step *step, const struct skt_snapshot *now, uint8_t section,
			struct skt_buf *out)
{
	uint32_t fields = section == SECTION_IDENTITY ? IDENTITY_FIELDS : ~IDENTITY_FIELDS;
	uint32_t slot = 0, n = 0;

	for (size_t i = 0; i < step->n_socks; i++)
		n += (step->socks[i].fields & fields) != 0;
	skt_buf_varint(out, n);
	for (size_t i = 0; i < step->n_socks; i++) {
		if (!(step->socks[i].fields & fields))
			continue;
		skt_buf_zigzag(out, (int64_t)step->socks[i].slot - slot);
		slot = step->socks[i].slot;
	}
	for (size_t i = 0; i < step->n_socks; i++)
		if (step->socks[i].fields & fields)
			skt_buf_varint(out, step->socks[i].fields & fields);
	put_columns(step, now, section, false, out);
}

static void put_residual(const struct skt_step *step, struct skt_buf *out)
{
	uint32_t slot = 0;

	skt_buf_varint(out, step->n_timers);
	for (size_t i = 0; i < step->n_timers; i++) {
		skt_buf_zigzag(out, (int64_t)step->timers[i].slot - slot);
		slot = step->timers[i].slot;
	}
	for (size_t i = 0; i < step->n_timers; i++)
		skt_buf_zigzag(out, step->timers[i].off);
	skt_buf_varint(out, step->n_edits);
	for (size_t i = 0; i < step->n_edits; i++) {
		skt_buf_varint(out, step->edits[i].table);
		skt_buf_varint(out, step->edits[i].keep);
		skt_buf_varint(out, step->edits[i].drop);
		skt_buf_varint(out, step->edits[i].put);
	}
	/* runs of slots that follow each other: new rows are numbered in order, so there are few */
	slot = 0;
	for (size_t i = 0; i < step->n_puts;) {
		size_t run = 1;

		while (i + run < step->n_puts && step->puts[i + run] == step->puts[i] + run)
			run++;
		skt_buf_varint(out, run);
		skt_buf_zigzag(out, (int64_t)step->puts[i] - slot);
		slot = step->puts[i] + (uint32_t)run;
		i += run;
	}
	skt_buf_varint(out, 0);
}

void step_encode(const struct skt_step *step, const struct skt_snapshot *now, uint32_t first_string,
		 struct skt_buf sections[SECTION_END])
{
	put_meta(step, now, &sections[SECTION_META]);
	put_strings(now->strings, first_string, &sections[SECTION_STRINGS]);
	put_processes(step, &sections[SECTION_IDENTITY]);
	put_slots(step, SKT_CLOSED, &sections[SECTION_IDENTITY]);
	put_slots(step, SKT_LOST, &sections[SECTION_IDENTITY]);
	put_opened(step, now, &sections[SECTION_IDENTITY]);
	put_changed(step, now, SECTION_IDENTITY, &sections[SECTION_IDENTITY]);
	put_columns(step, now, SECTION_STATE, true, &sections[SECTION_STATE]);
	put_changed(step, now, SECTION_STATE, &sections[SECTION_STATE]);
	put_residual(step, &sections[SECTION_RESIDUAL]);
}
