/* SPDX-License-Identifier: MIT */
/* A cursor from block to block: which one is next, what is gone over, and what is missing. */
#include "record/cursor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int cursor_pass_hole(struct skt_cursor *cursor, bool tried, struct skt_err *err, int code)
{
	const struct skt_file *file = cursor->file;
	/* within a block, from the step on that was tried last */
	uint64_t number = cursor->left ? cursor->step_number - 1 : cursor->number;
	uint64_t offset = cursor->left ? cursor->block_offset : cursor->offset;
	size_t next = file_group_from(file, offset + tried);
	uint64_t next_number;

	next_number = next < file->n_groups ? file->groups[next].number : file->span.number + 1;
	/* without memory nothing is lost but to this cursor, which may have taken half a step */
	if (err && code != -ENOMEM && next_number > number) {
		size_t used = strlen(err->message);

		snprintf(err->message + used, sizeof(err->message) - used, "; snapshots #%llu to #%llu %s",
			 (unsigned long long)(cursor->base + number),
			 (unsigned long long)(cursor->base + next_number - 1),
			 code == -EPROTONOSUPPORT ? "need a newer program" : "are lost");
	}
	skt_err_at(err, file->name, (int64_t)offset);
	cursor_rewind(cursor, next);
	cursor->ended = next == file->n_groups;
	return code;
}

static int no_block(struct skt_cursor *cursor, struct skt_err *err)
{
	/* a group may begin just here, and only what should stand before it be missing: it is tried, once */
	return cursor_pass_hole(cursor, cursor->chosen, err, skt_err_set(err, -EILSEQ, "no good block stands here"));
}

/* What of the file it stands in is to be read; NULL: all. */
static const struct skt_choice *choice_here(const struct skt_cursor *cursor)
{
	const struct skt_choice *choice = cursor->choice;

	if (!choice || !cursor->whole->n_parts)
		return choice;
	return cursor->part < choice->n_parts ? &choice->parts[cursor->part] : NULL;
}

/* The block that comes next, where a thread has it ready. */
static struct ahead_block *ready_block(struct skt_cursor *cursor, const struct block_head *head)
{
	if (!cursor->read_ahead || cursor->follow)
		return NULL;
	/* without a thread it is done here, as ever */
	if (!cursor->ahead &&
	    ahead_new(cursor->file, cursor->want, choice_here(cursor), cursor->offset, &cursor->ahead)) {
		cursor->read_ahead = false;
		return NULL;
	}
	return ahead_take(cursor->ahead, cursor->offset, head);
}

void cursor_stop_ahead(struct skt_cursor *cursor)
{
	ahead_free(cursor->ahead);
	cursor->ahead = NULL;
	cursor->ready = NULL;
}

static int inflate_block(struct skt_cursor *cursor, const struct block_head *head, struct skt_err *err)
{
	int rc = file_read_block(cursor->file, cursor->offset, head, &cursor->block, err);

	return rc ? rc
		  : payload_get(cursor->block.data + BLOCK_HEAD_SIZE, head->length, sections_wanted(cursor->want),
				cursor->sections, err);
}

/* Read the payload of a key or step block. */
static int load_block(struct skt_cursor *cursor, const struct block_head *head, struct skt_err *err)
{
	int rc = 0;

	cursor->ready = ready_block(cursor, head);
	if (!cursor->ready)
		rc = inflate_block(cursor, head, err);
	if (rc)
		return rc;
	for (int id = SECTION_META; cursor->ready && id < SECTION_END; id++) {
		struct skt_buf had = cursor->sections[id];

		cursor->sections[id] = cursor->ready->sections[id];
		cursor->ready->sections[id] = had;
	}
	for (int id = SECTION_META; id < SECTION_END; id++)
		cur_init(&cursor->in[id], cursor->sections[id].data, cursor->sections[id].len);
	cursor->block_offset = cursor->offset;
	cursor->offset += BLOCK_SIZE(head);
	cursor->sequence++;
	cursor->left = head->snapshots;
	cursor->first = head->first;
	cursor->last = head->last;
	cursor->step_number = head->number;
	cursor->first_number = head->number;
	cursor->number = head->number + head->snapshots;
	cursor->key = head->type == BLOCK_KEY;
	cursor->in_group = true;
	cursor->chosen = false;
	return 1;
}

static int take_gap(struct skt_cursor *cursor, const struct block_head *head, struct skt_err *err)
{
	skt_err_set(err, -ENODATA, "gap: %u snapshots from #%llu on could not be written", head->snapshots,
		    (unsigned long long)(cursor->base + head->number));
	skt_err_at(err, cursor->file->name, (int64_t)cursor->offset);
	cursor->offset += BLOCK_SIZE(head);
	cursor->sequence++;
	cursor->number += head->snapshots;
	cursor->in_group = false;
	cursor->has_now = false;
	return -ENODATA;
}

/* How far the file reaches for this cursor. */
static uint64_t limit(const struct skt_cursor *cursor)
{
	struct stat status;

	if (cursor->follow && !fstat(cursor->file->fd, &status))
		return (uint64_t)status.st_size;
	/*
	 * where there is no group, what is wrong is before the first; but a block that was cut off, or is being
	 * written, is not wrong
	 */
	return cursor->file->n_groups || cursor->file->cut ? cursor->file->span.bytes : cursor->file->size;
}

/* A group begins here: go over those that are not to be read. */
static bool skip_groups(struct skt_cursor *cursor)
{
	const struct skt_file *file = cursor->file;
	const struct skt_choice *choice = choice_here(cursor);
	struct skt_skipped *skipped = &cursor->skipped;
	size_t first, group;

	if (!choice)
		return false;
	first = group = file_group_from(file, cursor->offset);
	while (group < choice->n_groups && file->groups[group].offset >= cursor->offset && !choice->groups[group])
		group++;
	if (group == first || file->groups[first].offset != cursor->offset)
		return false;
	if (!skipped->snapshots) {
		skipped->number_first = cursor->base + file->groups[first].number;
		skipped->first = file->groups[first].first;
	}
	for (size_t i = first; i < group; i++)
		skipped->snapshots += file->groups[i].snapshots;
	skipped->number_last = cursor->base + file->groups[group - 1].number + file->groups[group - 1].snapshots - 1;
	skipped->last = file->groups[group - 1].last;
	cursor_rewind(cursor, group);
	return true;
}

int cursor_next_block(struct skt_cursor *cursor, struct skt_err *err)
{
	uint64_t end = limit(cursor);

	while (!cursor->ended) {
		struct block_head head;
		int rc;

		if (cursor->offset + BLOCK_HEAD_SIZE > end)
			return cursor->follow ? -EAGAIN : 0;
		if (file_read_head(cursor->file, cursor->offset, &head) <= 0 ||
		    !block_fits(&head, cursor->sequence, cursor->number, cursor->in_group))
			return no_block(cursor, err);
		if (BLOCK_SIZE(&head) > end - cursor->offset) {
			if (cursor->follow)
				return -EAGAIN;
			/* groups were found behind it: it was not cut off, its length is a lie */
			if (file_group_from(cursor->file, cursor->offset + 1) < cursor->file->n_groups)
				return cursor_pass_hole(
					cursor, true, err,
					skt_err_set(err, -EBADMSG, "a block claims more bytes than there are"));
			return 0;
		}
		switch (head.type) {
		case BLOCK_KEY:
			if (skip_groups(cursor))
				break;
			/* fall through */
		case BLOCK_STEPS:
			rc = load_block(cursor, &head, err);
			return rc < 0 ? cursor_pass_hole(cursor, true, err, rc) : rc;
		case BLOCK_GAP:
			return take_gap(cursor, &head, err);
		case BLOCK_END:
			cursor->ended = true;
			break;
		default:
			if (block_is_newer(&head))
				return cursor_pass_hole(cursor, true, err,
							skt_err_set(err, -EPROTONOSUPPORT,
								    "block of type %u is not known to this program",
								    head.type));
			cursor->offset += BLOCK_SIZE(&head);
			cursor->sequence++;
		}
	}
	return 0;
}
