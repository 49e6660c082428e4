/* SPDX-License-Identifier: MIT */
#include "proc/repair.h"

#include "base/array.h"
#include "proc/identity.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t pid_hash(const struct repair *repair, uint32_t pid)
{
	return hash_mix(skt_strtab_seed(repair->now->strings), pid);
}

static uint32_t find_read(const struct repair *repair, uint32_t pid)
{
	uint32_t i = map_first(&repair->read_by_pid, pid_hash(repair, pid));

	while (i != MAP_NONE && repair->read->processes[i].pid != pid)
		i = map_next(&repair->read_by_pid, i);
	return i;
}

static int add_process(struct repair *repair, const struct skt_process *process, uint32_t at)
{
	uint32_t slot;
	int rc = skt_snapshot_add_process(repair->now, process, &slot);

	if (!rc && at != MAP_NONE)
		repair->slot_of_read[at] = slot;
	if (!rc)
		repair->slots[repair->n_slots++] = slot;
	return rc;
}

/* The options hold for what is told here, too. */
int repair_cmdline(const struct repair *repair, struct skt_process *process)
{
	enum skt_cmdline policy = repair->look->options->cmdline;
	size_t len, kept;
	const char *text = skt_strtab_get(repair->now->strings, process->cmdline, &len);
	struct skt_buf *copy = repair->meta->text;

	if (policy == SKT_CMDLINE_NONE) {
		meta_mask(process, ~SKT_BIT(SKT_P_CMDLINE));
		return 0;
	}
	kept = identity_cmdline(policy, text, len, &process->cmdline_truncated);
	if (kept == len)
		return 0;
	/* an add may move what it is given of the table itself */
	skt_buf_clear(copy);
	skt_buf_add(copy, text, kept);
	return copy->failed ? -ENOMEM : skt_strtab_add(repair->now->strings, copy->data, kept, &process->cmdline);
}

static int take_process(struct repair *repair)
{
	struct meta_process told;
	struct skt_process process;
	uint32_t at;
	int rc = 0;

	meta_get_process(repair->meta, repair->now->strings, &told);
	if (repair->meta->bad)
		return 0;
	if (array_room(&repair->slots, &repair->room_slots, repair->n_slots + 1, sizeof(*repair->slots)))
		return -ENOMEM;
	at = told.in_tree ? find_read(repair, told.process.pid) : MAP_NONE;
	/* two lines of one */
	if (at != MAP_NONE && repair->slot_of_read[at] != REPAIR_NOBODY) {
		meta_fail(repair->meta);
		return 0;
	}
	/* whoever edits a tree may take a process out of it */
	if (told.in_tree && at == MAP_NONE) {
		repair->slots[repair->n_slots++] = REPAIR_NOBODY;
		return 0;
	}
	process = told.process;
	if (told.here) {
		rc = repair_cmdline(repair, &process);
	} else {
		process = repair->read->processes[at];
		process.cmdline_truncated |= told.process.cmdline_truncated;
		meta_mask(&process, told.process.has);
	}
	return rc ? rc : add_process(repair, &process, at);
}

/* Those that the tree has and .skt-meta does not know: somebody put them there. */
static int add_other_processes(struct repair *repair)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < repair->read->n_processes; i++)
		if (repair->slot_of_read[i] == REPAIR_NOBODY)
			rc = skt_snapshot_add_process(repair->now, &repair->read->processes[i],
						      &repair->slot_of_read[i]);
	return rc;
}

int repair_processes(struct repair *repair)
{
	size_t n = repair->read->n_processes;
	int rc = map_reset(&repair->read_by_pid, n);

	repair->slot_of_read = calloc(n + 1, sizeof(*repair->slot_of_read));
	if (rc || !repair->slot_of_read)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		map_add(&repair->read_by_pid, pid_hash(repair, repair->read->processes[i].pid), i);
		repair->slot_of_read[i] = REPAIR_NOBODY;
	}
	while (!rc && meta_line(repair->meta, "process"))
		rc = take_process(repair);
	return rc ? rc : add_other_processes(repair);
}
