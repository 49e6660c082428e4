/* SPDX-License-Identifier: MIT */
#include "model/match.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>

static int add_process_change(struct skt_step *step, const struct skt_process_change *change)
{
	if (array_room(&step->processes, &step->room_processes, step->n_processes + 1, sizeof(*step->processes)))
		return -ENOMEM;
	step->processes[step->n_processes++] = *change;
	return 0;
}

static uint64_t process_hash(const struct skt_matcher *matcher, const struct skt_process *process)
{
	return hash_mix(hash_mix(matcher->seed, process->pid), process->start_time);
}

/* The process of old that this one is, or MAP_NONE. What has exited comes back no more. */
static uint32_t find_process(const struct match *match, const struct skt_process *process)
{
	uint32_t i = map_first(&match->matcher->map, process_hash(match->matcher, process));

	for (; i != MAP_NONE; i = map_next(&match->matcher->map, i)) {
		const struct skt_process *have = &match->old->processes[i];

		if (have->pid == process->pid && have->start_time == process->start_time &&
		    (!have->exited || process->exited))
			return i;
	}
	return MAP_NONE;
}

static int match_process(struct match *match, const struct skt_process *process, uint32_t *ret_slot, bool *seen)
{
	struct skt_process_change change = { .now = *process };
	int rc = translate_process(&match->translation, &change.now);

	if (rc)
		return rc;
	change.slot = find_process(match, process);
	if (change.slot == MAP_NONE) {
		change.change = SKT_PROCESS_APPEARED;
		change.slot = match->next_process++;
		*ret_slot = change.slot;
		return add_process_change(match->step, &change);
	}
	*ret_slot = change.slot;
	seen[change.slot] = true;
	change.fields = skt_process_compare(&match->old->processes[change.slot], &change.now);
	if (!change.fields)
		return 0;
	if (change.now.exited)
		change.change = SKT_PROCESS_EXITED;
	else if (change.fields & (SKT_BIT(SKT_P_EXE) | SKT_BIT(SKT_P_CMDLINE)))
		change.change = SKT_PROCESS_EXEC;
	else
		change.change = SKT_PROCESS_CHANGED;
	return add_process_change(match->step, &change);
}

int match_processes(struct match *match)
{
	struct skt_matcher *matcher = match->matcher;
	const struct skt_snapshot *old = match->old, *now = match->now;
	bool *seen = calloc(old->n_processes + 1, sizeof(*seen));
	int rc = seen ? map_reset(&matcher->map, old->n_processes) : -ENOMEM;

	if (!rc)
		rc = array_room(&matcher->process_slots, &matcher->room_process_slots, now->n_processes,
				sizeof(uint32_t));
	for (size_t i = 0; !rc && i < old->n_processes; i++)
		if (skt_process_is_listed(&old->processes[i]))
			map_add(&matcher->map, process_hash(matcher, &old->processes[i]), (uint32_t)i);
	for (size_t i = 0; !rc && i < now->n_processes; i++)
		if (skt_process_is_listed(&now->processes[i]))
			rc = match_process(match, &now->processes[i], &matcher->process_slots[i], seen);
	for (size_t i = 0; !rc && i < old->n_processes; i++) {
		struct skt_process_change change = { .change = SKT_PROCESS_EXITED,
						     .slot = (uint32_t)i,
						     .fields = SKT_BIT(SKT_P_EXITED) };

		if (!seen[i] && !old->processes[i].exited)
			rc = add_process_change(match->step, &change);
	}
	free(seen);
	return rc;
}
