/* SPDX-License-Identifier: MIT */
#include "record/cursor.h"

#include "record/digest.h"
#include "record/events.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void cursor_begin(struct skt_cursor *cursor)
{
	cursor_rewind(cursor, 0);
	cursor->offset = cursor->file->begin;
	cursor->sequence = 1;
	cursor->number = 1;
	cursor->chosen = false;
	cursor->ended = false;
}

int skt_cursor_new(const struct skt_file *file, struct skt_cursor **ret, struct skt_err *err)
{
	struct skt_cursor *cursor = calloc(1, sizeof(*cursor));
	uint64_t seed;

	if (!cursor)
		return skt_err_set(err, -ENOMEM, "out of memory");
	/* not out of the file: who wrote it could choose what collides */
	randombytes_buf(&seed, sizeof(seed));
	cursor->file = file;
	cursor->whole = file;
	cursor->here.fd = -1;
	cursor->want = SKT_WANT_ALL;
	if (file->n_parts)
		cursor_enter(cursor, 0, false);
	else
		cursor_begin(cursor);
	cursor->matcher = skt_matcher_new(seed);
	if (!cursor->matcher || skt_snapshot_init(&cursor->now, NULL, seed) ||
	    skt_snapshot_init(&cursor->next, NULL, seed)) {
		skt_cursor_free(cursor);
		return skt_err_set(err, -ENOMEM, "out of memory");
	}
	*ret = cursor;
	return 0;
}

void skt_cursor_free(struct skt_cursor *cursor)
{
	if (!cursor)
		return;
	cursor_leave(cursor);
	skt_buf_release(&cursor->block);
	for (int id = SECTION_META; id < SECTION_END; id++)
		skt_buf_release(&cursor->sections[id]);
	decoder_release(&cursor->decoder);
	skt_matcher_free(cursor->matcher);
	skt_snapshot_release(&cursor->now);
	skt_snapshot_release(&cursor->next);
	skt_step_release(&cursor->step);
	skt_step_release(&cursor->key_step);
	numbering_release(&cursor->numbering);
	free(cursor);
}

void skt_cursor_want(struct skt_cursor *cursor, unsigned want)
{
	cursor->want = want;
}

void skt_cursor_choose(struct skt_cursor *cursor, const struct skt_choice *choice)
{
	cursor->choice = choice;
}

struct skt_skipped skt_cursor_skipped(const struct skt_cursor *cursor)
{
	return cursor->skipped;
}

void skt_cursor_follow(struct skt_cursor *cursor)
{
	cursor->follow = true;
}

void cursor_rewind(struct skt_cursor *cursor, size_t group)
{
	const struct skt_file *file = cursor->file;

	cursor->left = 0;
	cursor->in_group = false;
	cursor->chosen = true;
	cursor->ended = false;
	cursor->has_now = false;
	cursor->has_next = false;
	if (group < file->n_groups) {
		cursor->offset = file->groups[group].offset;
		cursor->sequence = file->groups[group].sequence;
		cursor->number = file->groups[group].number;
	} else if (!file->n_groups) {
		/* nothing is there yet: it may come, for one who follows */
		cursor->offset = file->begin;
		cursor->sequence = 1;
		cursor->number = 1;
	} else {
		cursor->offset = file->span.bytes;
		cursor->ended = true;
	}
}

const struct skt_header *skt_cursor_header(const struct skt_cursor *cursor)
{
	return &cursor->file->header;
}

const struct skt_snapshot *skt_cursor_snapshot(const struct skt_cursor *cursor)
{
	return cursor->has_now ? &cursor->now : NULL;
}

int cursor_peek(const struct skt_cursor *cursor, int64_t *ret_when)
{
	struct cur meta = cursor->in[SECTION_META];
	uint64_t offset = cursor->offset;
	struct block_head head;

	if (cursor->left) {
		cur_varint(&meta);
		*ret_when = (int64_t)cur_le64(&meta);
		return meta.bad ? -1 : 1;
	}
	while (!cursor->ended && offset < cursor->file->span.bytes) {
		if (file_read_head(cursor->file, offset, &head) <= 0)
			return -1;
		*ret_when = head.first;
		if (head.type == BLOCK_KEY || head.type == BLOCK_STEPS || (block_is_newer(&head) && head.snapshots))
			return 1;
		offset += BLOCK_SIZE(&head);
	}
	return 0;
}

int skt_cursor_next_slots(struct skt_cursor *cursor, const uint32_t **ret, size_t *ret_n, struct skt_err *err)
{
	*ret = NULL;
	*ret_n = 0;
	if (!cursor->has_next)
		return 0;
	if (!cursor->numbering.rows && numbering_find(&cursor->now, &cursor->next, &cursor->numbering))
		return skt_err_set(err, -ENOMEM, "out of memory");
	*ret = cursor->numbering.rows;
	*ret_n = cursor->now.n_socks;
	return 0;
}

/* The first group that begins at this offset or later; n_groups where there is none. */
static size_t group_from(const struct skt_file *file, uint64_t offset)
{
	size_t low = 0, high = file->n_groups;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (file->groups[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * What stands here cannot be read: the rest of its group is lost. Go on to the next group, and say what is missing;
 * err already says why.
 */
static int pass_hole(struct skt_cursor *cursor, bool tried, struct skt_err *err, int code)
{
	const struct skt_file *file = cursor->file;
	/* within a block, from the step on that was tried last */
	uint64_t number = cursor->left ? cursor->step_number - 1 : cursor->number;
	uint64_t offset = cursor->left ? cursor->block_offset : cursor->offset;
	size_t next = group_from(file, offset + tried);
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
	return pass_hole(cursor, cursor->chosen, err, skt_err_set(err, -EBADMSG, "no good block stands here"));
}

/* Read the payload of a key or step block. */
static int load_block(struct skt_cursor *cursor, const struct block_head *head, struct skt_err *err)
{
	uint32_t wanted = 1u << SECTION_META | 1u << SECTION_STRINGS | 1u << SECTION_IDENTITY | 1u << SECTION_EVENTS;
	int rc = file_read_block(cursor->file, cursor->offset, head, &cursor->block, err);

	if (cursor->want & SKT_WANT_STATE)
		wanted |= 1u << SECTION_STATE;
	if (cursor->want & SKT_WANT_ORDER)
		wanted |= 1u << SECTION_RESIDUAL;
	if (!rc)
		rc = payload_get(cursor->block.data + BLOCK_HEAD_SIZE, head->length, wanted, cursor->sections, err);
	if (rc)
		return rc;
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
	/* where there is no group, what is wrong is before the first; but a block that was cut off, or is being written, is not wrong */
	return cursor->file->n_groups || cursor->file->cut ? cursor->file->span.bytes : cursor->file->size;
}

/* What of the file it stands in is to be read; NULL: all. */
static const struct skt_choice *choice_here(const struct skt_cursor *cursor)
{
	const struct skt_choice *choice = cursor->choice;

	if (!choice || !cursor->whole->n_parts)
		return choice;
	return cursor->part < choice->n_parts ? &choice->parts[cursor->part] : NULL;
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
	first = group = group_from(file, cursor->offset);
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

/* Read the next block that holds steps. 1; 0 at the end; -EAGAIN when following and none is whole yet; or what is lost. */
static int next_block(struct skt_cursor *cursor, struct skt_err *err)
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
			if (group_from(cursor->file, cursor->offset + 1) < cursor->file->n_groups)
				return pass_hole(
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
			return rc < 0 ? pass_hole(cursor, true, err, rc) : rc;
		case BLOCK_GAP:
			return take_gap(cursor, &head, err);
		case BLOCK_END:
			cursor->ended = true;
			break;
		default:
			if (block_is_newer(&head))
				return pass_hole(cursor, true, err,
						 skt_err_set(err, -EPROTONOSUPPORT,
							     "block of type %u is not known to this program",
							     head.type));
			cursor->offset += BLOCK_SIZE(&head);
			cursor->sequence++;
		}
	}
	return 0;
}

/* A fresh string table for the next group: what the last one's numbers meant is over. */
static int renew(struct skt_snapshot *snapshot)
{
	struct skt_strtab *strings = skt_strtab_new(skt_strtab_seed(snapshot->strings));

	if (!strings)
		return -ENOMEM;
	skt_snapshot_clear(snapshot, strings);
	skt_strtab_unref(strings);
	return 0;
}

/* What the head says of a block's times is what whoever seeks goes by: it is held against the steps. */
static int check_time(const struct skt_cursor *cursor, bool first, int64_t when, struct skt_err *err)
{
	if ((first && when != cursor->first) || (cursor->left == 1 && when != cursor->last))
		return skt_err_set(err, -EBADMSG, "snapshot #%llu is of another time than its block says",
				   (unsigned long long)cursor->step_number);
	if (!cursor->key && when < cursor->now.time)
		return skt_err_set(err, -EBADMSG, "snapshot #%llu is of a time before that of #%llu in its group",
				   (unsigned long long)cursor->step_number,
				   (unsigned long long)cursor->step_number - 1);
	return 0;
}

/* Read a step of the file and take it. The limits are those of a group: what else a snapshot has room for is for the step between two. */
static int take_step(struct skt_cursor *cursor, bool key, struct skt_snapshot *into, struct skt_step *step,
		     struct skt_err *err)
{
	int rc = step_decode(&cursor->decoder, cursor->in, cursor->want, into, key, step, err);

	if (!rc)
		rc = check_time(cursor, key || cursor->step_number == cursor->first_number, step->time, err);
	if (rc)
		return rc;
	step->number = cursor->base + cursor->step_number;
	rc = skt_apply(into, step, err);
	if (!rc && skt_snapshot_is_over(into))
		rc = skt_err_set(err, -E2BIG, "snapshot #%llu exceeds what a group may hold",
				 (unsigned long long)step->number);
	return rc;
}

/* Memory for more rows than this is not kept from one group to the next: SKT_READER_MAX counts on it. */
#define ROWS_KEPT 65536

/* The next group's snapshot takes the place of the one before, which is used up. */
static int change_groups(struct skt_cursor *cursor, struct skt_err *err)
{
	struct skt_snapshot old = cursor->now;
	struct skt_strtab *strings;

	cursor->now = cursor->next;
	cursor->next = old;
	cursor->has_next = false;
	if (cursor->step.room_socks > ROWS_KEPT)
		skt_step_release(&cursor->step);
	if (old.room_socks <= ROWS_KEPT)
		return 0;
	strings = skt_strtab_new(skt_strtab_seed(old.strings));
	if (!strings)
		return skt_err_set(err, -ENOMEM, "out of memory");
	skt_snapshot_release(&cursor->next);
	skt_snapshot_init(&cursor->next, strings, 0);
	skt_strtab_unref(strings);
	return 0;
}

static int read_key(struct skt_cursor *cursor, struct skt_step **ret, struct skt_err *err)
{
	struct skt_snapshot *into = cursor->has_now ? &cursor->next : &cursor->now;
	int rc = renew(into);

	if (rc)
		return skt_err_set(err, rc, "out of memory");
	rc = take_step(cursor, true, into, &cursor->key_step, err);
	if (rc)
		return rc;
	if (cursor->want == SKT_WANT_ALL)
		cursor->digest = digest_rows(into);
	if (!cursor->has_now) {
		cursor->has_now = true;
		*ret = &cursor->key_step;
		return 0;
	}
	/* it is as large as the snapshot, and what is handed on is another */
	if (cursor->key_step.room_socks > ROWS_KEPT)
		skt_step_release(&cursor->key_step);
	/* rows without an order are matched in that of their slots */
	if (!(cursor->want & SKT_WANT_ORDER) && (skt_snapshot_order(&cursor->now) || skt_snapshot_order(&cursor->next)))
		return skt_err_set(err, -ENOMEM, "out of memory");
	rc = skt_match(cursor->matcher, &cursor->now, &cursor->next, false, &cursor->step);
	if (rc)
		return skt_err_set(err, rc, "out of memory");
	cursor->has_next = true;
	*ret = &cursor->step;
	rc = skt_apply(&cursor->now, &cursor->step, err);
	/* matching finds all that changed, but not what was told in between */
	if (!rc && events_carry(cursor->key_step.events, cursor->key_step.n_events, &cursor->next, &cursor->now,
				&cursor->step))
		rc = skt_err_set(err, -ENOMEM, "out of memory");
	return rc;
}

static int read_step(struct skt_cursor *cursor, struct skt_step **ret, struct skt_err *err)
{
	int rc = take_step(cursor, false, &cursor->now, &cursor->step, err);

	*ret = &cursor->step;
	if (!rc && cursor->want == SKT_WANT_ALL)
		cursor->digest = digest_step(cursor->digest, &cursor->now, &cursor->step);
	return rc;
}

/* The block is used up: nothing may be left in it, and the rows must be those that the recorder had. */
static int check_block(struct skt_cursor *cursor, struct skt_err *err)
{
	const struct skt_snapshot *rows = cursor->has_next ? &cursor->next : &cursor->now;
	uint32_t stated = cur_le32(&cursor->in[SECTION_META]);

	for (unsigned id = SECTION_META; id < SECTION_END; id++) {
		bool wanted = (id != SECTION_STATE || cursor->want & SKT_WANT_STATE) &&
			      (id != SECTION_RESIDUAL || cursor->want & SKT_WANT_ORDER);

		if (wanted && !cur_is_done(&cursor->in[id]))
			return skt_err_set(err, -EBADMSG, "%s section is not what its steps fill", section_name(id));
	}
	if (cursor->want == SKT_WANT_ALL && stated != cursor->digest)
		return skt_err_set(err, -EBADMSG, "rows went astray at #%llu: their digest is %08x, %08x is stated",
				   (unsigned long long)rows->number, cursor->digest, stated);
	return 0;
}

int cursor_next_in_file(struct skt_cursor *cursor, struct skt_step **ret, struct skt_err *err)
{
	int rc;

	numbering_release(&cursor->numbering);
	rc = cursor->has_next ? change_groups(cursor, err) : 0;
	if (rc)
		return pass_hole(cursor, true, err, rc);
	rc = 1;
	if (!cursor->left)
		rc = next_block(cursor, err);
	if (rc <= 0)
		return rc;
	rc = cursor->key ? read_key(cursor, ret, err) : read_step(cursor, ret, err);
	cursor->step_number++;
	if (!rc && cursor->left == 1)
		rc = check_block(cursor, err);
	if (rc)
		return pass_hole(cursor, true, err, rc);
	cursor->left--;
	return 1;
}

int skt_cursor_next(struct skt_cursor *cursor, struct skt_step **ret, struct skt_err *err)
{
	int rc;

	memset(&cursor->skipped, 0, sizeof(cursor->skipped));
	if (!cursor->whole->n_parts)
		return cursor_next_in_file(cursor, ret, err);
	do {
		rc = cursor_reach(cursor, err);
		if (!rc)
			rc = cursor_next_in_file(cursor, ret, err);
		else
			return rc;
		if (rc && rc != -EAGAIN)
			return rc;
		rc = cursor_cross(cursor, rc, err);
	} while (rc > 0);
	return rc;
}
