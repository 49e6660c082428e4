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

/*
 * What a process of old can be found as. What has exited comes back no more, so an identity may be there several times,
 * and in a file that somebody made very often: the kind goes into the hash, and what was found is taken out, so that
 * the first candidate is the one.
 */
enum kind { ALIVE, NAMED, UNNAMED };

static enum kind kind_of(const struct skt_process *process)
{
	return !process->exited ? ALIVE : skt_process_is_listed(process) ? NAMED : UNNAMED;
}

static uint64_t process_hash(const struct skt_matcher *matcher, const struct skt_process *process, enum kind kind)
{
	return hash_mix(hash_mix(hash_mix(matcher->seed, process->pid), process->start_time), kind);
}

/* The first process of old that is of this identity and kind, taken out of the map; MAP_NONE where there is none. */
static uint32_t take(struct match *match, const struct skt_process *process, enum kind kind)
{
	struct map *map = &match->matcher->map;
	uint64_t hash = process_hash(match->matcher, process, kind);
	uint32_t before = MAP_NONE;

	for (uint32_t i = map_first(map, hash); i != MAP_NONE; before = i, i = map_next(map, i)) {
		const struct skt_process *have = &match->old->processes[i];

		if (have->pid != process->pid || have->start_time != process->start_time || kind_of(have) != kind)
			continue;
		map_take(map, hash, before, i);
		return i;
	}
	return MAP_NONE;
}

/*
 * The process of old that this one is, or MAP_NONE: each is followed by its like, and only what is left of old may have
 * exited since, or be named again.
 */
static uint32_t find_process(struct match *match, const struct skt_process *process)
{
	uint32_t found = take(match, process, process->exited ? NAMED : ALIVE);

	if (found == MAP_NONE && process->exited)
		found = take(match, process, ALIVE);
	if (found == MAP_NONE && process->exited)
		found = take(match, process, UNNAMED);
	return found;
}

/*
 * A process that is exiting loses its program, command line and namespace before its number: what they were stays
 * known.
 */
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
	change.slot = find_process(match, process);
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
		map_add(&matcher->map, process_hash(matcher, &old->processes[i], kind_of(&old->processes[i])),
			(uint32_t)i);
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
