/* SPDX-License-Identifier: MIT */
#include "record/verify.h"

#include "record/cursor.h"
#include "record/keys_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The pass that reads: where it is among the damage that is known, and among the groups. */
struct reading_all {
	const struct skt_file *file;
	struct skt_verification *ret;
	struct skt_cursor *cursor;
	size_t known, n_known;
	size_t group;
	size_t open; /* of the damage that it found itself: what comes after it is not known yet */
	int64_t last;
};

/*
 * Whether reading stopped where something is known to be wrong. Stops come in the file's order, and so does what is
 * known.
 */
static bool is_known(struct reading_all *reading, const struct skt_err *stop)
{
	const struct skt_damage *damage = reading->ret->damage;
	uint64_t offset = (uint64_t)stop->position;

	while (reading->known < reading->n_known && damage[reading->known].offset < offset)
		reading->known++;
	/* where no byte is wrong but blocks are missing, the block that stands there may be wrong by itself */
	for (size_t i = reading->known; i < reading->n_known && damage[i].offset == offset; i++)
		if (damage[i].length || stop->code == -EILSEQ)
			return true;
	return false;
}

/* Damage, and in words why. 0 or -ENOMEM. */
static int add_damage(struct reading_all *reading, struct skt_damage *damage, const char *why)
{
	size_t size = strlen(why) + 1;

	damage->why = malloc(size);
	if (!damage->why)
		return -ENOMEM;
	memcpy(damage->why, why, size);
	if (!verify_add_damage(reading->ret, damage))
		return 0;
	free(damage->why);
	return -ENOMEM;
}

/* Good bytes that say what cannot be: their group cannot be read from snapshot `next` on. */
static int add_unreadable(struct reading_all *reading, const struct block_head *head, uint64_t next,
			  const struct skt_err *stop)
{
	const struct skt_file *file = reading->file;
	uint64_t offset = (uint64_t)stop->position, end;
	struct skt_damage damage = {
		.offset = offset, .length = BLOCK_SIZE(head), .after = reading->last, .until = INT64_MAX
	};

	while (reading->group + 1 < file->n_groups && file->groups[reading->group + 1].offset <= offset)
		reading->group++;
	end = file->groups[reading->group].number + file->groups[reading->group].snapshots;
	damage.snapshots = end > next ? end - next : 0;
	return add_damage(reading, &damage, stop->message);
}

/* Reading stopped, and goes on with the next group: 0, or -ENOMEM. */
static int take_stop(struct reading_all *reading, uint64_t next, const struct skt_err *stop)
{
	struct block_head head;

	/* a gap is told, and what is known needs no telling */
	if (stop->code == -ENOMEM || stop->code == -ENODATA || is_known(reading, stop))
		return stop->code == -ENOMEM ? -ENOMEM : 0;
	if (file_read_head(reading->file, (uint64_t)stop->position, &head) <= 0 || !block_holds_snapshots(&head))
		return 0;
	return add_unreadable(reading, &head, next, stop);
}

static void take_snapshot(struct reading_all *reading)
{
	struct skt_verification *ret = reading->ret;

	ret->snapshots++;
	reading->last = skt_cursor_snapshot(reading->cursor)->time;
	for (; reading->open < ret->n_damage; reading->open++)
		ret->damage[reading->open].until = reading->last;
}

/* What is missing before a block comes before what is wrong with it. */
static int by_offset(const void *x, const void *y)
{
	const struct skt_damage *a = x, *b = y;

	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return a->length < b->length ? -1 : a->length > b->length;
}

/* Keys that are not those of their groups hide them from whoever looks for one. */
static int add_wrong_keys(void *data, uint64_t offset)
{
	struct reading_all *reading = data;
	struct block_head head;
	struct skt_damage damage = { .offset = offset, .after = INT64_MIN, .until = INT64_MAX };

	if (file_read_head(reading->file, offset, &head) > 0)
		damage.length = BLOCK_SIZE(&head);
	return add_damage(reading, &damage, "its keys are not those of the groups that it names");
}

int verify_steps(const struct skt_file *file, struct skt_verification *ret, struct skt_err *err)
{
	struct reading_all reading = {
		.file = file, .ret = ret, .n_known = ret->n_damage, .open = ret->n_damage, .last = INT64_MIN
	};
	/* of what is damaged keys cannot be told */
	bool with_keys = !ret->n_damage;
	struct keys_check keys = { .file = NULL };
	int rc = skt_cursor_new(file, &reading.cursor, err), got = 1;

	if (!rc && with_keys && keys_check_begin(&keys, file, add_wrong_keys, &reading))
		rc = skt_err_set(err, -ENOMEM, "out of memory");
	while (!rc && got) {
		const struct skt_cursor *cursor = reading.cursor;
		uint64_t next = cursor->left ? cursor->step_number : cursor->number;
		struct skt_step *step;
		struct skt_err stop;

		skt_err_init(&stop);
		got = skt_cursor_next(reading.cursor, &step, &stop);
		if (got > 0)
			take_snapshot(&reading);
		/* what is not read of a group cannot be held against its keys */
		if (got < 0 && stop.code != -ENODATA)
			keys.spoiled = true;
		if ((got > 0 && with_keys && keys_check_step(&keys, cursor, step)) ||
		    (got < 0 && take_stop(&reading, next, &stop)))
			rc = skt_err_set(err, -ENOMEM, "out of memory");
	}
	if (!rc && with_keys && keys_check_end(&keys))
		rc = skt_err_set(err, -ENOMEM, "out of memory");
	if (with_keys)
		keys_check_release(&keys);
	skt_cursor_free(reading.cursor);
	if (ret->n_damage)
		qsort(ret->damage, ret->n_damage, sizeof(*ret->damage), by_offset);
	return rc;
}
