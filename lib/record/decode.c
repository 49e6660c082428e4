/* SPDX-License-Identifier: MIT */
#include "record/reading.h"

#include "base/array.h"
#include "model/step.h"
#include "record/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * The twin of encode.c. Everything here comes from outside: a count is held against its limit, and memory is taken for
 * an item when its bytes have been seen, or for all at once when it is known that they are there. A number that is used
 * as an index is checked here or in skt_apply().
 */

bool reading_room(struct reading *reading, void *array, size_t *have, size_t n, size_t size)
{
	if (array_room(array, have, n, size))
		reading->no_memory = true;
	return !reading->no_memory;
}

uint32_t get_next_slot(struct cur *in, uint32_t *slot, bool first)
{
	uint64_t gap = cur_count(in, UINT32_MAX - *slot);

	if (!first && !gap)
		cur_fail(in);
	*slot += (uint32_t)gap;
	return *slot;
}

uint32_t get_slot(struct cur *in, uint32_t *slot)
{
	int64_t difference = cur_zigzag(in);

	if (difference > (int64_t)UINT32_MAX - *slot || difference < -(int64_t)*slot)
		cur_fail(in);
	else
		*slot = (uint32_t)(*slot + difference);
	return *slot;
}

int64_t get_time_near(struct cur *in, int64_t base)
{
	int64_t difference = cur_zigzag(in);

	if (!block_time_is_good(difference) || !block_time_is_good(base + difference)) {
		cur_fail(in);
		return 0;
	}
	return base + difference;
}

uint32_t get_string(struct reading *reading, struct cur *in)
{
	return (uint32_t)cur_count(in, skt_strtab_count(reading->old->strings) - 1);
}

struct cur get_record(struct cur *in)
{
	return cur_part(in, cur_varint(in));
}

static int get_strings(struct reading *reading, struct cur *in)
{
	struct skt_strtab *strings = reading->old->strings;
	size_t n = cur_count(in, at_most(cur_left(in), SKT_STRINGS_MAX));

	for (size_t i = 0; i < n && !in->bad; i++) {
		size_t len = cur_count(in, SKT_STRING_MAX);
		const unsigned char *bytes = cur_bytes(in, len);
		uint32_t expected = skt_strtab_count(strings), id;
		int rc;

		if (!bytes || expected >= SKT_STRINGS_MAX || skt_strtab_bytes(strings) + len + 1 > SKT_STRTAB_MAX) {
			cur_fail(in);
			break;
		}
		rc = skt_strtab_add(strings, bytes, len, &id);
		if (rc)
			return rc;
		/* a string stored twice would shift the numbers of all after it */
		if (id != expected)
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

static void get_change_of_process(struct reading *reading, struct skt_process_change *change, uint32_t *slot,
				  struct cur *section)
{
	struct cur record = get_record(section), *in = &record;

	memset(change, 0, sizeof(*change));
	change->change = cur_byte(in);
	change->slot = get_slot(in, slot);
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
		if (!change->fields)
			cur_fail(in);
		get_process(reading, &change->now, change->fields, in);
		break;
	default:
		cur_fail(in);
	}
	if (in->bad)
		cur_fail(section);
}

static void get_processes(struct reading *reading, struct cur *in)
{
	struct skt_step *step = reading->step;
	/* length, kind, slot and mask of what is known: the least that a change has */
	size_t n = cur_count(in, at_most(cur_left(in) / 4, SKT_PROCESSES_MAX));
	uint32_t slot = 0;

	for (; step->n_processes < n && !in->bad; step->n_processes++) {
		if (!reading_room(reading, &step->processes, &step->room_processes, step->n_processes + 1,
				  sizeof(*step->processes)))
			return;
		get_change_of_process(reading, &step->processes[step->n_processes], &slot, in);
		if (slot >= SKT_PROCESSES_MAX)
			cur_fail(in);
	}
}

static void get_timers(struct reading *reading, unsigned want, struct cur *in)
{
	struct skt_step *step = reading->step;
	size_t n = cur_count(in, at_most(cur_left(in) / 2, reading->old->n_socks));
	uint32_t slot = 0;

	if (!reading_room(reading, &step->timers, &step->room_timers, n, sizeof(*step->timers)))
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
	/* rows whose columns are not read have no timers */
	if (!(want & SKT_WANT_STATE))
		step->n_timers = 0;
}

static void get_order(struct reading *reading, struct cur *in)
{
	struct skt_step *step = reading->step;
	/* each drops a row that was there, or puts one that was or came */
	size_t n = cur_count(in, at_most(cur_left(in) / 4, 2 * reading->old->n_socks + step->n_socks));
	uint64_t puts = 0, run;
	uint32_t table = 0, slot = 0;

	if (!reading_room(reading, &step->edits, &step->room_edits, n, sizeof(*step->edits)))
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
		if (!step->edits[i].drop && !step->edits[i].put)
			cur_fail(in);
	}
	step->n_edits = n;
	/* a row is put because it came or because it moved: never more than there are */
	if (in->bad || puts > reading->old->n_socks + step->n_socks) {
		cur_fail(in);
		return;
	}
	if (!reading_room(reading, &step->puts, &step->room_puts, puts, sizeof(*step->puts)))
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
	size_t had = decoder->room;
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
	get_socks(&reading, want, key);
	get_events(&reading, &sections[SECTION_EVENTS]);
	if (want & SKT_WANT_ORDER) {
		get_timers(&reading, want, &sections[SECTION_RESIDUAL]);
		get_order(&reading, &sections[SECTION_RESIDUAL]);
	}
	/* who has not read which rows have a timer has none */
	if (!(want & SKT_WANT_STATE))
		ret->n_timers = 0;
	ret->unordered = !(want & SKT_WANT_ORDER);
	rc = finish(&reading, err);
	if (!rc)
		step_set_intervals(ret, old);
	return rc;
}

int step_decode_strings(struct cur *section, struct skt_snapshot *snapshot, struct skt_err *err)
{
	struct reading reading = { .old = snapshot };
	int rc = get_strings(&reading, section);

	if (rc)
		return skt_err_set(err, rc, "strings of the step");
	return section->bad
		       ? skt_err_set(err, -EBADMSG, "strings section is damaged at its byte %zu", cur_offset(section))
		       : 0;
}

void decoder_release(struct decoder *decoder)
{
	free(decoder->change_of);
	decoder->change_of = NULL;
	decoder->room = 0;
}
