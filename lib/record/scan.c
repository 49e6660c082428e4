/* SPDX-License-Identifier: MIT */
#include "record/file.h"

#include "base/io.h"

#include <errno.h>
#include <string.h>

/*
 * Find every group by hopping from head to head. Where no good block stands, the next one is looked for by the file's sync mark; it
 * counts only when its checksum over all of it is right and it comes later in the sequence, so bytes that look like a block
 * (another recording in a command line, say) are not taken for one. Step blocks after a hole say nothing without
 * their key, and are lost up to the next key.
 */
struct scan {
	struct skt_file *file;
	uint64_t offset;
	uint64_t sequence; /* that the next block must have, or come after */
	uint64_t number;   /* that its first snapshot must have */
	uint64_t budget;   /* bytes that may still be checksummed in search of a block: linear in the file */
	bool in_group;
	bool told; /* a gap block accounts for the next jump of numbers */
	struct skt_buf block;
};

/* Whether this may stand here. Numbers may jump at a key where a gap was told, and after a hole. */
static bool fits(const struct scan *scan, const struct block_head *head)
{
	switch (head->type) {
	case BLOCK_KEY:
		return head->snapshots == 1 &&
		       (head->number == scan->number || (scan->told && head->number > scan->number));
	case BLOCK_STEPS:
		return head->snapshots && scan->in_group && head->number == scan->number;
	case BLOCK_END:
	case BLOCK_INDEX:
	case BLOCK_GAP:
		return true;
	default:
		return true;
	}
}

/* Whether a good key block that may come next stands at an offset: 1, 0, or -ENOMEM. */
static int is_key_at(struct scan *scan, uint64_t offset, struct block_head *ret)
{
	struct skt_file *file = scan->file;
	int rc;

	if (file_read_head(file, offset, ret) <= 0 || ret->type != BLOCK_KEY || ret->sequence < scan->sequence ||
	    ret->number < scan->number || ret->snapshots != 1 || BLOCK_SIZE(ret) > file->size - offset ||
	    BLOCK_SIZE(ret) > scan->budget)
		return 0;
	scan->budget -= BLOCK_SIZE(ret);
	rc = file_read_block(file, offset, ret, &scan->block, NULL);
	return rc == -ENOMEM ? rc : !rc;
}

/* Find the next good key block: 1, its offset in *at, which says from where on to look; 0 there is none; -ENOMEM. */
static int resync(struct scan *scan, uint64_t *at, struct block_head *ret)
{
	unsigned char bytes[16384];
	uint64_t from = *at;
	int64_t got;

	while ((got = io_pread(scan->file->fd, bytes, sizeof(bytes), from)) >= 8) {
		const unsigned char *mark = bytes, *end = bytes + got;

		for (; (mark = memmem(mark, (size_t)(end - mark), scan->file->sync, 8)); mark++) {
			int rc = is_key_at(scan, from + (uint64_t)(mark - bytes), ret);

			*at = from + (uint64_t)(mark - bytes);
			if (rc)
				return rc;
		}
		from += (uint64_t)got - 7;
	}
	return 0;
}

static int64_t last_time(const struct skt_file *file)
{
	return file->n_groups ? file->groups[file->n_groups - 1].last : INT64_MIN;
}

/* A hole begins here: tell it, and go on behind it. */
static int pass_hole(struct scan *scan, bool torn)
{
	struct skt_file *file = scan->file;
	struct skt_damage damage = { .offset = scan->offset, .after = last_time(file), .until = INT64_MAX };
	struct block_head head;
	/* what stands here may be good, and only what should stand before it be missing; after the end nothing is */
	uint64_t next = scan->offset;
	int found = file->span.ended ? 0 : resync(scan, &next, &head);

	if (found < 0)
		return found;
	if (found) {
		damage.length = next - scan->offset;
		damage.snapshots = head.number - scan->number;
		damage.until = head.first;
		scan->sequence = head.sequence;
		scan->number = head.number;
	} else {
		damage.length = file->size - scan->offset;
		damage.torn = torn;
	}
	scan->in_group = false;
	scan->offset = found ? next : file->size;
	/* what a recorder is writing at this moment is no damage */
	if (torn && !found && file->span.live)
		return 0;
	return file_add_damage(file, &damage);
}

static int take_gap(struct scan *scan, const struct block_head *head)
{
	struct skt_damage gap = {
		.offset = scan->offset, .snapshots = head->snapshots, .after = last_time(scan->file), .until = INT64_MAX
	};

	gap.gap = true;
	scan->told = true;
	scan->in_group = false;
	return file_add_damage(scan->file, &gap);
}

static int take_block(struct scan *scan, const struct block_head *head)
{
	struct skt_file *file = scan->file;
	struct group group = { .offset = scan->offset,
			       .sequence = head->sequence,
			       .number = head->number,
			       .snapshots = head->snapshots,
			       .first = head->first,
			       .last = head->last };
	struct group *last = file->n_groups ? &file->groups[file->n_groups - 1] : NULL;

	if (head->type < SKT_BLOCK_KINDS) {
		file->span.kinds[head->type].blocks++;
		file->span.kinds[head->type].bytes += BLOCK_SIZE(head);
	}
	switch (head->type) {
	case BLOCK_KEY:
		if (scan->told)
			file->damage[file->n_damage - 1].until = head->first;
		scan->in_group = true;
		scan->told = false;
		scan->number = head->number + 1;
		return file_add_group(file, &group);
	case BLOCK_STEPS:
		last->snapshots += head->snapshots;
		last->last = head->last;
		scan->number += head->snapshots;
		return 0;
	case BLOCK_END:
		file->span.ended = true;
		file->span.end = head->last;
		file->span.missed = head->snapshots;
		return 0;
	case BLOCK_GAP:
		return take_gap(scan, head);
	default:
		/* unknown, and not to be passed over: what it changes is not known, so the group ends here */
		scan->in_group &= (head->flags & BLOCK_ANCILLARY) != 0;
		return 0;
	}
}

static int take_next(struct scan *scan)
{
	struct skt_file *file = scan->file;
	struct block_head head;
	int rc = file_read_head(file, scan->offset, &head);

	if (rc <= 0 || head.sequence != scan->sequence || file->span.ended || !fits(scan, &head))
		return pass_hole(scan, !file->span.ended && file->size - scan->offset < BLOCK_HEAD_SIZE);
	if (BLOCK_SIZE(&head) > file->size - scan->offset)
		return pass_hole(scan, true);
	rc = take_block(scan, &head);
	scan->offset += BLOCK_SIZE(&head);
	scan->sequence++;
	file->span.bytes = scan->offset;
	return rc;
}

int file_scan(struct skt_file *file)
{
	struct scan scan = {
		.file = file, .offset = file->begin, .sequence = 1, .number = 1, .budget = 2 * file->size
	};
	int rc = 0;

	file->span.bytes = file->begin;
	skt_buf_init(&scan.block);
	while (!rc && scan.offset < file->size)
		rc = take_next(&scan);
	skt_buf_release(&scan.block);
	return rc;
}
