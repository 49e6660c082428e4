/* SPDX-License-Identifier: MIT */
#include "query/flow.h"

#include "base/array.h"

#include <errno.h>
#include <string.h>

/*
 * Who the processes of the snapshot in force are, since when, and which of them are kept: an image is a process and the
 * program it ran, so that one that executed another is told apart from what it was. What was true of it when it was
 * first kept, but for its program and user, is not followed.
 */

/*
 * A number is one process's at a time, and of those that have exited few are listed: a recording that was made up must
 * not make looking for one slow.
 */
#define NAMESAKES_MAX 64

static uint64_t pid_hash(const struct skt_flows *flows, uint32_t pid)
{
	return hash_mix(flows->options.seed, pid);
}

/* ---- images ---- */

static int image_strings(struct skt_flows *flows, const struct skt_snapshot *snapshot,
			 const struct skt_process *process, struct skt_process *ret)
{
	int rc;

	*ret = *process;
	rc = flow_keep_string(flows, snapshot, process->comm, &ret->comm);
	if (!rc)
		rc = flow_keep_string(flows, snapshot, process->exe, &ret->exe);
	if (!rc)
		rc = flow_keep_string(flows, snapshot, process->cmdline, &ret->cmdline);
	if (!rc)
		rc = flow_keep_string(flows, snapshot, process->cgroup, &ret->cgroup);
	return rc;
}

static uint64_t image_hash(const struct skt_flows *flows, const struct skt_process *process)
{
	uint64_t hash = hash_mix(pid_hash(flows, process->pid), process->start_time);

	hash = hash_mix(hash, (uint64_t)process->comm << 32 | process->exe);
	hash = hash_mix(hash, (uint64_t)process->cmdline << 32 | process->uid);
	/* another boot has the same numbers, and its times of start are counted from another instant */
	return hash_mix(hash, flows->origins[flows->origin].boot);
}

static bool same_image(const struct skt_flows *flows, uint32_t image, const struct skt_process *b)
{
	const struct skt_process *a = &flows->kept.processes[image];

	return flows->origins[flows->images[image].origin].boot == flows->origins[flows->origin].boot &&
	       a->pid == b->pid && a->start_time == b->start_time && a->comm == b->comm && a->exe == b->exe &&
	       a->cmdline == b->cmdline && a->uid == b->uid;
}

/* The name of its parent, where that is among the processes. */
static int image_parent(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_process *process,
			uint32_t *ret)
{
	uint32_t i = process->has & SKT_BIT(SKT_P_PPID)
			     ? lookup_first(&flows->lives_by_pid, pid_hash(flows, process->ppid))
			     : MAP_NONE;

	*ret = NONE;
	for (unsigned n = 0; i != MAP_NONE && n < NAMESAKES_MAX; i = lookup_next(&flows->lives_by_pid, i), n++) {
		const struct skt_process *parent = &snapshot->processes[i];

		if (parent->pid == process->ppid && !parent->exited && parent->start_time <= process->start_time &&
		    parent->has & SKT_BIT(SKT_P_COMM))
			return flow_keep_string(flows, snapshot, parent->comm, ret);
	}
	return 0;
}

static int new_image(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct life *life,
		     const struct skt_process *process, const struct skt_process *kept, uint32_t *ret)
{
	struct image image = { .first_after = life->after,
			       .first_seen = life->until,
			       .last_until = INT64_MIN,
			       .was_there = life->was_there,
			       .origin = flows->origin };
	int rc = image_parent(flows, snapshot, process, &image.parent);

	if (!rc && array_room(&flows->images, &flows->room_images, flows->kept.n_processes + 1, sizeof(*flows->images)))
		rc = -ENOMEM;
	if (!rc)
		rc = lookup_add(&flows->images_by_key, image_hash(flows, kept));
	if (!rc)
		rc = skt_snapshot_add_process(&flows->kept, kept, ret);
	if (rc)
		return rc;
	if (process->exited) {
		image.end = IMAGE_EXITED;
		image.last_seen = life->last_seen;
		image.last_until = life->last_until;
	}
	flows->images[*ret] = image;
	return 0;
}

int lives_image(struct skt_flows *flows, const struct skt_snapshot *snapshot, uint32_t slot, uint32_t *ret)
{
	struct life *life = &flows->lives[slot];
	const struct skt_process *process = &snapshot->processes[slot];
	struct skt_process kept;
	uint32_t i;
	int rc;

	*ret = life->image;
	if (life->image != NONE)
		return 0;
	rc = image_strings(flows, snapshot, process, &kept);
	if (rc)
		return rc;
	for (i = lookup_first(&flows->images_by_key, image_hash(flows, &kept)); i != MAP_NONE;
	     i = lookup_next(&flows->images_by_key, i))
		if (same_image(flows, i, &kept))
			break;
	if (i == MAP_NONE) {
		rc = new_image(flows, snapshot, life, process, &kept, &i);
	} else if (!process->exited) {
		flows->images[i].end = IMAGE_STILL;
		flows->images[i].last_until = INT64_MIN;
		flows->images[i].origin = flows->origin;
	}
	life->image = i;
	*ret = i;
	return rc;
}

/* The image is over: it was seen last then, and was gone until then. */
static void end_image(struct skt_flows *flows, struct life *life, enum image_end end, int64_t last_seen, int64_t until)
{
	struct image *image;

	if (life->image == NONE)
		return;
	image = &flows->images[life->image];
	life->image = NONE;
	if (image->end != IMAGE_STILL)
		return;
	image->end = (uint8_t)end;
	image->last_seen = last_seen;
	image->last_until = until;
}

/* ---- lives ---- */

static int add_life(struct skt_flows *flows, const struct life *life)
{
	if (array_room(&flows->lives, &flows->room_lives, flows->n_lives + 1, sizeof(*flows->lives)) ||
	    lookup_add(&flows->lives_by_pid, pid_hash(flows, life->pid)))
		return -ENOMEM;
	flows->lives[flows->n_lives++] = *life;
	return 0;
}

/* One from before the border or the gap, which is used up; NULL where it is new. */
static struct life *old_life(struct skt_flows *flows, const struct skt_process *process)
{
	uint32_t i = lookup_first(&flows->old_by_pid, pid_hash(flows, process->pid));

	for (unsigned n = 0; i != MAP_NONE && n < NAMESAKES_MAX; i = lookup_next(&flows->old_by_pid, i), n++)
		if (flows->old_lives[i].pid == process->pid && flows->old_lives[i].start_time == process->start_time)
			return &flows->old_lives[i];
	return NULL;
}

static bool same_bytes(const struct skt_flows *flows, uint32_t kept, const struct skt_snapshot *snapshot, uint32_t id)
{
	size_t a_len, b_len;
	const char *a = skt_strtab_get(flows->kept.strings, kept, &a_len);
	const char *b = skt_strtab_get(snapshot->strings, id, &b_len);

	return a_len == b_len && !memcmp(a, b, a_len);
}

/*
 * Behind a skip: whether a step over all that lies between would call it the image that it was, as see_process() does.
 */
static bool is_still(const struct skt_flows *flows, uint32_t image, const struct skt_snapshot *snapshot,
		     const struct skt_process *process)
{
	const struct skt_process *kept;
	uint32_t known;

	if (image == NONE)
		return false;
	kept = &flows->kept.processes[image];
	known = kept->has & process->has;
	return kept->uid == process->uid &&
	       (!(known & SKT_BIT(SKT_P_EXE)) || same_bytes(flows, kept->exe, snapshot, process->exe)) &&
	       (!(known & SKT_BIT(SKT_P_CMDLINE)) || same_bytes(flows, kept->cmdline, snapshot, process->cmdline));
}

/* Slots that are not known yet: processes that appeared, or all of them, after a border or a gap. */
static int see_new(struct skt_flows *flows, const struct skt_snapshot *snapshot, int64_t after, int64_t until,
		   bool was_there)
{
	int rc = 0;

	while (flows->n_lives < snapshot->n_processes && !rc) {
		uint32_t slot = (uint32_t)flows->n_lives;
		const struct skt_process *process = &snapshot->processes[slot];
		struct life *old = flows->n_old_lives ? old_life(flows, process) : NULL;
		struct life life = { .pid = process->pid,
				     .start_time = process->start_time,
				     .after = after,
				     .until = until,
				     .last_seen = until,
				     .last_until = INT64_MIN,
				     .was_there = was_there,
				     .image = NONE };
		uint32_t before = old ? old->image : NONE, image;

		if (old) {
			life = *old;
			life.changed = false;
			old->image = NONE;
		}
		/* nobody saw what it did in a gap: it may run another program by now */
		if (old && flows->skipping)
			life.image = is_still(flows, before, snapshot, process) ? before : NONE;
		else if (old && !flows->old_over_border)
			life.image = NONE;
		/* an image that no flow names was not seen to begin */
		before = flows->skipping ? NONE : before;
		rc = add_life(flows, &life);
		if (rc || process->exited)
			continue;
		if (life.image == NONE && (before != NONE || flows->options.processes)) {
			rc = lives_image(flows, snapshot, slot, &image);
			if (!rc && before != NONE && image != before) {
				struct life gone = { .image = before };

				end_image(flows, &gone, IMAGE_BROKEN, flows->time, INT64_MIN);
				flows->images[image].first_after = INT64_MIN;
				flows->images[image].first_seen = until;
				flows->images[image].was_there = true;
			}
		}
	}
	return rc;
}

void lives_forget_old(struct skt_flows *flows)
{
	for (size_t i = 0; i < flows->n_old_lives; i++)
		end_image(flows, &flows->old_lives[i], IMAGE_BROKEN, flows->time, INT64_MIN);
	flows->n_old_lives = 0;
}

int lives_begin(struct skt_flows *flows, const struct skt_snapshot *snapshot)
{
	return see_new(flows, snapshot, INT64_MIN, snapshot->time, true);
}

static int see_process(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_step *step,
		       const struct skt_process_change *change, bool *ret_revisit)
{
	struct life *life = &flows->lives[change->slot];
	uint32_t image;

	switch (change->change) {
	case SKT_PROCESS_EXEC:
		end_image(flows, life, IMAGE_EXEC, step->from, step->time);
		life->after = step->from;
		life->until = step->time;
		life->was_there = false;
		break;
	case SKT_PROCESS_EXITED:
		end_image(flows, life, IMAGE_EXITED, step->from, step->time);
		life->last_seen = step->from;
		life->last_until = step->time;
		return 0;
	case SKT_PROCESS_CHANGED:
		/* another user is another image; anything else is the one that there is */
		life->image = change->fields & SKT_BIT(SKT_P_UID) ? NONE : life->image;
		break;
	default:
		if (!skt_change_is_lived(snapshot, change))
			return 0;
		/* no look has seen it */
		life->last_seen = INT64_MIN;
		life->last_until = step->time;
		return flows->options.processes ? lives_image(flows, snapshot, change->slot, &image) : 0;
	}
	life->changed = true;
	*ret_revisit |= snapshot->processes[change->slot].sockets != 0;
	return flows->options.processes ? lives_image(flows, snapshot, change->slot, &image) : 0;
}

int lives_step(struct skt_flows *flows, const struct skt_snapshot *snapshot, const struct skt_step *step,
	       bool *ret_revisit)
{
	bool nothing = step->from == INT64_MIN;
	int rc = see_new(flows, snapshot, nothing ? INT64_MIN : step->from, step->time, nothing);

	if (rc)
		return rc;
	lives_forget_old(flows);
	for (size_t i = 0; i < flows->n_changed; i++)
		flows->lives[flows->changed[i]].changed = false;
	flows->n_changed = 0;
	for (size_t i = 0; i < step->n_processes && !rc; i++) {
		rc = see_process(flows, snapshot, step, &step->processes[i], ret_revisit);
		if (!rc &&
		    array_room(&flows->changed, &flows->room_changed, flows->n_changed + 1, sizeof(*flows->changed)))
			rc = -ENOMEM;
		if (!rc)
			flows->changed[flows->n_changed++] = step->processes[i].slot;
	}
	return rc;
}

void lives_set_aside(struct skt_flows *flows, bool over_border)
{
	struct life *lives = flows->old_lives;
	size_t room = flows->room_old_lives;
	struct lookup by_pid = flows->old_by_pid;

	flows->old_lives = flows->lives;
	flows->n_old_lives = flows->n_lives;
	flows->room_old_lives = flows->room_lives;
	flows->old_by_pid = flows->lives_by_pid;
	flows->lives = lives;
	flows->n_lives = 0;
	flows->room_lives = room;
	flows->lives_by_pid = by_pid;
	flows->old_over_border = over_border;
	flows->n_changed = 0;
	lookup_clear(&flows->lives_by_pid);
}

void lives_end(struct skt_flows *flows)
{
	for (size_t i = 0; i < flows->kept.n_processes; i++)
		if (flows->images[i].end == IMAGE_STILL)
			flows->images[i].last_seen = flows->time;
}
