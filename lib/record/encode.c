/* SPDX-License-Identifier: MIT */
#include "record/encode.h"

#include <stdlib.h>
#include <string.h>

/* The twin of decode.c and decode_meta.c: they read side by side, function for function. */

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

static void put_findings(const struct skt_quality *quality, struct skt_buf *out)
{
	skt_buf_varint(out, quality->n_findings);
	for (uint32_t i = 0; i < quality->n_findings; i++) {
		const struct skt_finding *finding = &quality->findings[i];

		skt_buf_byte(out, finding->kind);
		skt_buf_byte(out, finding->table);
		skt_buf_varint(out, finding->pid);
		skt_buf_varint(out, (uint64_t)((int64_t)finding->fd + 1));
		skt_buf_varint(out, finding->inode);
		skt_buf_varint(out, finding->net_namespace);
	}
	skt_buf_varint(out, quality->more_findings);
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
	put_findings(quality, out);
	skt_buf_varint(out, quality->events_tables);
	skt_buf_varint(out, quality->events_deaf);
	skt_buf_varint(out, quality->events_lost_until != 0);
	if (quality->events_lost_until) {
		skt_buf_zigzag(out, quality->events_lost_since - step->time);
		skt_buf_zigzag(out, quality->events_lost_until - step->time);
	}
	skt_buf_byte(out, (uint8_t)(quality->lived_told | quality->lived_lost << 1));
	skt_buf_varint(out, quality->lived_more);
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
	put_events(encoder, step, now, &sections[SECTION_EVENTS]);
}

void encoder_release(struct encoder *encoder)
{
	free(encoder->rows);
	skt_buf_release(&encoder->values);
	skt_buf_release(&encoder->columns);
	free(encoder->event_rows);
	for (int id = 0; id < EVENT_COLUMNS; id++)
		skt_buf_release(&encoder->events[id]);
	memset(encoder, 0, sizeof(*encoder));
}
