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

/*
 * The process of old that this one is, or MAP_NONE. What has exited comes back no more, so an identity may be there
 * twice, exited and come back: each is followed by its like, and only what is left of old may have exited since.
 */
static uint32_t find_process(const struct match *match, const struct skt_process *process, const bool *seen)
{
	uint32_t i = map_first(&match->matcher->map, process_hash(match->matcher, process));
	uint32_t alive = MAP_NONE, unnamed = MAP_NONE;

	for (; i != MAP_NONE; i = map_next(&match->matcher->map, i)) {
		const struct skt_process *have = &match->old->processes[i];

		if (seen[i] || have->pid != process->pid || have->start_time != process->start_time)
			continue;
		if (have->exited == process->exited && skt_process_is_listed(have))
			return i;
		if (process->exited && !have->exited && alive == MAP_NONE)
			alive = i;
		if (process->exited && have->exited && unnamed == MAP_NONE)
			unnamed = i;
	}
	return alive != MAP_NONE ? alive : unnamed;
}

/* A process that is exiting loses its program, command line and namespace before its number: what they were stays known. */
#define STAYS_KNOWN (SKT_BIT(SKT_P_EXE) | SKT_BIT(SKT_P_CMDLINE) | SKT_BIT(SKT_P_NET_NAMESPACE))

static void keep_known(const struct skt_process *old, struct skt_process *now)
{
	uint32_t lost = old->has & ~now->has & STAYS_KNOWN;

	now->has |= lost;
	if (lost & SKT_BIT(SKT_P_EXE)) {
		now->exe = old->exe;
		now->exe_deleted = old->exe_deleted;
	}
	if (lost & SKT_BIT(SKT_P_CMDLINE)) {
		now->cmdline = old->cmdline;
		now->cmdline_truncated = old->cmdline_truncated;
	}
	if (lost & SKT_BIT(SKT_P_NET_NAMESPACE))
		now->net_namespace = old->net_namespace;
}

static int match_process(struct match *match, const struct skt_process *process, uint32_t *ret_slot, bool *seen)
{
	struct skt_process_change change = { .now = *process };
	int rc = translate_process(&match->translation, &change.now);
	uint32_t known;

	if (rc)
		return rc;
	change.slot = find_process(match, process, seen);
	if (change.slot == MAP_NONE) {
		change.change = SKT_PROCESS_APPEARED;
		change.slot = match->next_process++;
		*ret_slot = change.slot;
		return add_process_change(match->step, &change);
	}
	*ret_slot = change.slot;
	seen[change.slot] = true;
	keep_known(&match->old->processes[change.slot], &change.now);
	change.fields = skt_process_compare(&match->old->processes[change.slot], &change.now);
	if (!change.fields)
		return 0;
	/* what becomes known only now was not changed by an execve */
	known = match->old->processes[change.slot].has & change.now.has;
	if (change.fields & SKT_BIT(SKT_P_EXITED))
		change.change = SKT_PROCESS_EXITED;
	else if (change.fields & known & (SKT_BIT(SKT_P_EXE) | SKT_BIT(SKT_P_CMDLINE)))
		change.change = SKT_PROCESS_EXEC;
	else
		change.change = SKT_PROCESS_CHANGED;
	return add_process_change(match->step, &change);
}

/* Those that live, or those that have exited. */
static int match_those(struct match *match, bool exited, bool *seen)
{
	const struct skt_snapshot *now = match->now;
	int rc = 0;

	for (size_t i = 0; !rc && i < now->n_processes; i++)
		if (now->processes[i].exited == exited && skt_process_is_listed(&now->processes[i]))
			rc = match_process(match, &now->processes[i], &match->matcher->process_slots[i], seen);
	return rc;
}

int match_processes(struct match *match)
{
	struct skt_matcher *matcher = match->matcher;
	const struct skt_snapshot *old = match->old;
	bool *seen = calloc(old->n_processes + 1, sizeof(*seen));
	int rc = seen ? map_reset(&matcher->map, old->n_processes) : -ENOMEM;

	if (!rc)
		rc = array_room(&matcher->process_slots, &matcher->room_process_slots, match->now->n_processes,
				sizeof(uint32_t));
	/* also those that exited and that no row names: one may be carried by a row again */
	for (size_t i = old->n_processes; !rc && i-- > 0;)
		map_add(&matcher->map, process_hash(matcher, &old->processes[i]), (uint32_t)i);
	if (!rc)
		rc = match_those(match, false, seen);
	if (!rc)
		rc = match_those(match, true, seen);
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
