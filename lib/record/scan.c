/* SPDX-License-Identifier: MIT */
#include "record/search.h"

#include "base/io.h"

#include <errno.h>
#include <string.h>

/*
 * Find every group by hopping from head to head. Where no good block stands, the next one is looked for by the file's
 * sync mark; it counts only when its checksum over all of it is right and it comes later in the sequence, so bytes that
 * look like a block (another recording in a command line, say) are not taken for one. Step blocks after a hole say
 * nothing without their key, and are lost up to the next key.
 */
struct scan {
	struct skt_file *file;
	uint64_t offset;
	uint64_t sequence; /* that the next block must have, or come after */
	uint64_t number;   /* that its first snapshot must have */
	uint64_t zeros;	   /* from here on the file is nothing but zeros */
	bool in_group;
	bool told;  /* a gap or newer blocks were told last, and when they end is not known yet */
	bool newer; /* this program does not know a block of the group, and cannot read what follows it */
	struct search search;
	struct skt_buf block;
};

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
	int found = file->span.ended ? 0 : search_key(&scan->search, scan->sequence, scan->number, &next, &head);

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
	scan->told = false;
	scan->newer = false;
	scan->offset = found ? next : file->size;
	file->cut = torn && !found;
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
	scan->newer = false;
	scan->in_group = false;
	scan->number += head->snapshots;
	return file_add_damage(scan->file, &gap);
}

/* A block that a newer program wrote, or steps behind one: intact, but nothing that can be read. */
static int take_newer(struct scan *scan, const struct block_head *head)
{
	struct skt_file *file = scan->file;
	struct skt_damage newer = { .offset = scan->offset, .after = last_time(file), .until = INT64_MAX };
	struct skt_damage *last;

	newer.newer = true;
	if (!scan->newer && file_add_damage(file, &newer))
		return -ENOMEM;
	last = &file->damage[file->n_damage - 1];
	last->length = scan->offset + BLOCK_SIZE(head) - last->offset;
	last->snapshots += head->snapshots;
	file->span.newer_blocks++;
	file->span.newer_snapshots += head->snapshots;
	scan->newer = true;
	scan->told = true;
	return 0;
}

/* More snapshots of the group: they belong to it, even where they cannot be read. */
static void lengthen_group(struct scan *scan, const struct block_head *head)
{
	struct group *last;

	scan->number += head->snapshots;
	if (!scan->in_group || !head->snapshots)
		return;
	last = &scan->file->groups[scan->file->n_groups - 1];
	last->snapshots += head->snapshots;
	last->last = head->last;
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
	int rc = 0;

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
		scan->newer = false;
		scan->number = head->number + 1;
		return file_add_group(file, &group);
	case BLOCK_STEPS:
		rc = scan->newer ? take_newer(scan, head) : 0;
		lengthen_group(scan, head);
		return rc;
	case BLOCK_END:
		file->span.ended = true;
		file->span.end = head->last;
		file->span.missed = head->snapshots;
		return 0;
	case BLOCK_GAP:
		return take_gap(scan, head);
	case BLOCK_KEYS:
		return file_add_keys(file, scan->offset);
	default:
		if (!block_is_newer(head))
			return 0;
		/* what it changes is not known: the rest of the group cannot be read, but goes on in number */
		rc = take_newer(scan, head);
		lengthen_group(scan, head);
		return rc;
	}
}

/* From where on a file is nothing but zeros: its size, where its last byte is another. */
static uint64_t find_zeros(const struct skt_file *file)
{
	unsigned char bytes[16384];
	uint64_t end = file->size;

	while (end) {
		size_t want = end < sizeof(bytes) ? (size_t)end : sizeof(bytes);

		if (io_pread(file->fd, bytes, want, end - want) != (int64_t)want)
			return file->size;
		for (size_t i = want; i; i--)
			if (bytes[i - 1])
				return end - want + i;
		end -= want;
	}
	return 0;
}

/* Whether what stands here is the beginning of a head, and zeros as far as the file goes. */
static bool is_head_cut_to_zeros(const struct scan *scan)
{
	unsigned char mark[8];
	uint64_t left = scan->zeros - scan->offset;
	size_t known = left < sizeof(mark) ? (size_t)left : sizeof(mark);

	return left < BLOCK_HEAD_SIZE && io_pread(scan->file->fd, mark, known, scan->offset) == (int64_t)known &&
	       !memcmp(mark, scan->file->sync, known);
}

/* Whether the block with this head is not whole only because it is zeros from some byte on: 1, 0, -ENOMEM. */
static int is_cut_to_zeros(struct scan *scan, const struct block_head *head)
{
	uint64_t tail_at = scan->offset + BLOCK_SIZE(head) - BLOCK_TAIL_SIZE;
	size_t known = scan->zeros > tail_at ? (size_t)(scan->zeros - tail_at) : 0;
	size_t last = BLOCK_TAIL_SIZE - 4;
	uint8_t expected[BLOCK_TAIL_SIZE];
	const unsigned char *payload, *tail;
	int rc;

	/* a tail ends in the length, and that in zeros: only where more is missing the block is read */
	for (uint32_t length = head->length; length; length >>= 8)
		last++;
	if (known >= last)
		return 0;
	rc = file_read_block(scan->file, scan->offset, head, &scan->block, NULL);
	if (rc != -EBADMSG)
		return rc == -ENOMEM ? rc : 0;
	payload = scan->block.data + BLOCK_HEAD_SIZE;
	tail = payload + head->length;
	/* the tail that it would have, as far as it was written */
	block_tail_put(scan->block.data, payload, head->length, tail, expected);
	memset(expected + known, 0, sizeof(expected) - known);
	return !memcmp(tail, expected, sizeof(expected));
}

static int take_next(struct scan *scan)
{
	struct skt_file *file = scan->file;
	struct block_head head;
	int rc = file_read_head(file, scan->offset, &head);

	if (file->span.ended)
		return pass_hole(scan, false);
	/*
	 * a machine that crashed may leave a file that is longer than what was written of it: torn, as if it were cut
	 * there
	 */
	if (rc <= 0)
		return pass_hole(scan, file->size - scan->offset < BLOCK_HEAD_SIZE || scan->zeros <= scan->offset ||
					       is_head_cut_to_zeros(scan));
	if (!block_fits(&head, scan->sequence, scan->number, scan->in_group))
		return pass_hole(scan, false);
	rc = BLOCK_SIZE(&head) > file->size - scan->offset ? 1 : is_cut_to_zeros(scan, &head);
	if (rc)
		return rc < 0 ? rc : pass_hole(scan, true);
	rc = take_block(scan, &head);
	scan->offset += BLOCK_SIZE(&head);
	scan->sequence++;
	file->span.bytes = scan->offset;
	return rc;
}

int file_scan(struct skt_file *file)
{
	struct scan scan = {
		.file = file, .offset = file->begin, .sequence = 1, .number = 1, .search = { .file = file }
	};
	int rc = 0;

	file->span.bytes = file->begin;
	skt_buf_init(&scan.block);
	scan.zeros = find_zeros(file);
	while (!rc && scan.offset < file->size)
		rc = take_next(&scan);
	skt_buf_release(&scan.block);
	search_release(&scan.search);
	return rc;
}
