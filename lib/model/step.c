/* SPDX-License-Identifier: MIT */
#include <skt/step.h>

#include "base/array.h"
#include "model/step.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *skt_change_name(unsigned change)
{
	static const char *const names[] = { "", "present", "opened", "closed", "changed", "lost" };

	return change < sizeof(names) / sizeof(*names) ? names[change] : "";
}

const char *skt_process_change_name(unsigned change)
{
	static const char *const names[] = { "", "appeared", "exec", "changed", "exited" };

	return change < sizeof(names) / sizeof(*names) ? names[change] : "";
}

/* Changes for which there is always room once there was: some 400 KB. */
#define KEPT_ROOM 1024

void skt_step_init(struct skt_step *step)
{
	memset(step, 0, sizeof(*step));
}

void skt_step_clear(struct skt_step *step)
{
	for (size_t i = 0; i < step->n_tables; i++)
		free(step->tables[i].now.raw);
	step->n_tables = 0;
	step->n_processes = 0;
	/* a step that leads to a whole snapshot is large, and those after it are not */
	if (step->room_socks > KEPT_ROOM && step->n_socks < step->room_socks / 4) {
		free(step->socks);
		step->socks = NULL;
		step->room_socks = 0;
	}
	step->n_socks = 0;
	step->n_timers = 0;
	step->n_edits = 0;
	step->n_puts = 0;
	step->n_owners = 0;
	step->n_users = 0;
	step->n_events = 0;
	step->unordered = false;
}

void skt_step_release(struct skt_step *step)
{
	skt_step_clear(step);
	free(step->tables);
	free(step->processes);
	free(step->socks);
	free(step->timers);
	free(step->edits);
	free(step->puts);
	free(step->owners);
	free(step->users);
	free(step->events);
	skt_step_init(step);
}

int step_misfit(struct skt_err *err, const char *what, uint32_t number)
{
	return skt_err_set(err, -EBADMSG, "step does not fit its snapshot: %s %u", what, number);
}

/* What the step says of this table, or NULL where it says nothing. */
static const struct skt_table *words_after(const struct skt_step *step, uint32_t slot)
{
	size_t i = array_below(step->tables, step->n_tables, sizeof(*step->tables),
			       offsetof(struct skt_table_change, slot), slot);

	return i < step->n_tables && step->tables[i].slot == slot ? &step->tables[i].now : NULL;
}

#define OF_OWNERS (SKT_BIT(SKT_F_OWNER) | SKT_BIT(SKT_F_OWNER_GAPS) | SKT_BIT(SKT_F_OWNERS))

void step_set_intervals(struct skt_step *step, const struct skt_snapshot *old)
{
	uint32_t at = SKT_NO_TABLE;
	int64_t after = 0, until = 0;
	bool unseen = false;

	for (size_t i = 0; i < step->n_socks; i++) {
		struct skt_sock_change *change = &step->socks[i];
		bool opened = change->change == SKT_OPENED || change->change == SKT_PRESENT;
		uint32_t table = opened			       ? change->now.table
				 : change->slot < old->n_socks ? old->socks[change->slot].table
							       : SKT_NO_TABLE;

		if (table != at || !i) {
			const struct skt_table *before = table < old->n_tables ? &old->tables[table] : NULL;
			const struct skt_table *words = words_after(step, table);

			if (!words)
				words = before;
			unseen = step->from == INT64_MIN || !before || before->status == SKT_TABLE_UNKNOWN;
			after = unseen ? INT64_MIN : before->read_time;
			until = words && words->read_time && !words->gone
					? words->read_time + (int64_t)words->read_us * 1000
					: step->time;
			at = table;
		}
		if (opened)
			change->change = unseen ? SKT_PRESENT : SKT_OPENED;
		change->after = after;
		change->until = until;
		/* links are not in the table, and not all of them are read at every look */
		if (change->change == SKT_CHANGED && !(change->fields & ~OF_OWNERS)) {
			int64_t since = old->quality.checked_since;

			change->after = unseen || !since ? INT64_MIN : since;
			change->until = step->end;
		}
	}
}

bool skt_change_is_lived(const struct skt_snapshot *snapshot, const struct skt_process_change *change)
{
	const struct skt_process *process = &snapshot->processes[change->slot];

	return change->change == SKT_PROCESS_APPEARED && process->exited && !process->sockets;
}

int step_add_lived(struct skt_step *step, struct skt_snapshot *now, struct translation *translation,
		   const struct skt_process *process)
{
	struct skt_process_change change = { .change = SKT_PROCESS_APPEARED, .now = *process };
	int rc = translate_process(translation, &change.now);

	if (!rc && array_room(&step->processes, &step->room_processes, step->n_processes + 1, sizeof(*step->processes)))
		rc = -ENOMEM;
	if (!rc)
		rc = skt_snapshot_add_process(now, &change.now, &change.slot);
	if (!rc)
		step->processes[step->n_processes++] = change;
	return rc;
}

int step_carry_lived(const struct skt_step *told, const struct skt_snapshot *from, struct skt_snapshot *to,
		     struct skt_step *step)
{
	struct translation translation;
	int rc = translation_init(&translation, from->strings, to->strings);

	for (size_t i = 0; i < told->n_processes && !rc; i++) {
		const struct skt_process_change *change = &told->processes[i];

		if (skt_change_is_lived(from, change))
			rc = step_add_lived(step, to, &translation, &from->processes[change->slot]);
	}
	translation_release(&translation);
	return rc;
}
