/* SPDX-License-Identifier: MIT */
#include "record/cursor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int skt_cursor_new(const struct skt_file *file, struct skt_cursor **ret, struct skt_err *err)
{
	struct skt_cursor *cursor = calloc(1, sizeof(*cursor));
	uint64_t seed;

	if (!cursor)
		return skt_err_set(err, -ENOMEM, "out of memory");
	/* the recorder's random id: who wrote the file knows it, and a matcher here is linear in what he chose to write */
	memcpy(&seed, file->header.recording_id, sizeof(seed));
	cursor->file = file;
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
	skt_buf_release(&cursor->payload);
	for (int id = SECTION_META; id < SECTION_END; id++)
		skt_buf_release(&cursor->sections[id]);
	decoder_release(&cursor->decoder);
	skt_matcher_free(cursor->matcher);
	skt_snapshot_release(&cursor->now);
	skt_snapshot_release(&cursor->next);
	skt_step_release(&cursor->step);
	skt_step_release(&cursor->key_step);
	free(cursor);
}

void cursor_rewind(struct skt_cursor *cursor, size_t block)
{
	cursor->block = block;
	cursor->left = 0;
	cursor->has_now = false;
	cursor->has_next = false;
}

const struct skt_snapshot *skt_cursor_snapshot(const struct skt_cursor *cursor)
{
	return cursor->has_now ? &cursor->now : NULL;
}

/* Read the next block. 1, 0 at the end of what is whole, or negative. */
static int next_block(struct skt_cursor *cursor, struct skt_err *err)
{
	const struct block *block;
	int rc;

	if (cursor->block >= cursor->file->n_blocks)
		return 0;
	block = &cursor->file->blocks[cursor->block++];
	rc = file_read_block(cursor->file, block, &cursor->payload, err);
	if (!rc)
		rc = payload_get(cursor->payload.data, cursor->payload.len, UINT32_MAX, cursor->sections, err);
	if (rc) {
		skt_err_at(err, cursor->file->name, (int64_t)block->offset);
		return rc;
	}
	for (int id = SECTION_META; id < SECTION_END; id++)
		cur_init(&cursor->in[id], cursor->sections[id].data, cursor->sections[id].len);
	cursor->left = block->head.snapshots;
	cursor->number = block->head.number;
	cursor->key = block->head.type == BLOCK_KEY;
	return 1;
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

static int read_key(struct skt_cursor *cursor, struct skt_step **ret, struct skt_err *err)
{
	struct skt_snapshot *into = cursor->has_now ? &cursor->next : &cursor->now;
	int rc = renew(into);

	if (rc)
		return skt_err_set(err, rc, "out of memory");
	rc = step_decode(&cursor->decoder, cursor->in, into, true, &cursor->key_step, err);
	if (!rc) {
		cursor->key_step.number = cursor->number;
		rc = skt_apply(into, &cursor->key_step, err);
	}
	if (rc)
		return rc;
	if (!cursor->has_now) {
		cursor->has_now = true;
		*ret = &cursor->key_step;
		return 0;
	}
	rc = skt_match(cursor->matcher, &cursor->now, &cursor->next, false, &cursor->step);
	if (rc)
		return skt_err_set(err, rc, "out of memory");
	cursor->has_next = true;
	*ret = &cursor->step;
	return skt_apply(&cursor->now, &cursor->step, err);
}

static int read_step(struct skt_cursor *cursor, struct skt_step **ret, struct skt_err *err)
{
	int rc = step_decode(&cursor->decoder, cursor->in, &cursor->now, false, &cursor->step, err);

	if (rc)
		return rc;
	cursor->step.number = cursor->number;
	*ret = &cursor->step;
	return skt_apply(&cursor->now, &cursor->step, err);
}

/* After damage: the rest of the group cannot be known. */
static void give_up_group(struct skt_cursor *cursor)
{
	size_t block = cursor->block;

	while (block < cursor->file->n_blocks && cursor->file->blocks[block].head.type != BLOCK_KEY)
		block++;
	cursor_rewind(cursor, block);
}

int skt_cursor_next(struct skt_cursor *cursor, struct skt_step **ret, struct skt_err *err)
{
	int rc = 1;

	if (cursor->has_next) {
		struct skt_snapshot old = cursor->now;

		cursor->now = cursor->next;
		cursor->next = old;
		cursor->has_next = false;
	}
	if (!cursor->left)
		rc = next_block(cursor, err);
	if (!rc)
		return 0;
	if (rc > 0) {
		rc = cursor->key ? read_key(cursor, ret, err) : read_step(cursor, ret, err);
		if (rc)
			skt_err_at(err, cursor->file->name, (int64_t)cursor->file->blocks[cursor->block - 1].offset);
	}
	if (rc < 0) {
		give_up_group(cursor);
		return rc;
	}
	cursor->left--;
	cursor->number++;
	if (!cursor->left) {
		for (int id = SECTION_META; id < SECTION_END; id++) {
			if (cur_is_done(&cursor->in[id]))
				continue;
			rc = skt_err_set(err, -EBADMSG, "%s section holds more than its steps", section_name(id));
			skt_err_at(err, cursor->file->name, (int64_t)cursor->file->blocks[cursor->block - 1].offset);
			give_up_group(cursor);
			return rc;
		}
	}
	return 1;
}
