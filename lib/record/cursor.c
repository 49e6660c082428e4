/* SPDX-License-Identifier: MIT */
#include "record/cursor.h"

#include "model/step.h"
#include "record/digest.h"
#include "record/events.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

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
	cursor_stop_ahead(cursor);
	cursor->want = want;
}

void skt_cursor_choose(struct skt_cursor *cursor, const struct skt_choice *choice)
{
	cursor_stop_ahead(cursor);
	cursor->choice = choice;
}

void skt_cursor_read_ahead(struct skt_cursor *cursor)
{
	cursor->read_ahead = true;
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
		if (block_holds_snapshots(&head) || (block_is_newer(&head) && head.snapshots))
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

/*
 * A step of this block that has been decoded already, and what it was decoded from is passed over. 1, 0 there is none,
 * or a negative errno.
 */
static int take_ready(struct skt_cursor *cursor, struct skt_snapshot *into, struct skt_step *step, struct skt_err *err)
{
	uint64_t i = cursor->step_number - cursor->first_number;
	struct skt_step had = *step;
	struct ahead_step *ready;
	int rc;

	if (!cursor->ready || i >= cursor->ready->n_steps)
		return 0;
	ready = &cursor->ready->steps[i];
	/* its strings would have other numbers here: they never have */
	if (ready->strings != skt_strtab_count(into->strings))
		return 0;
	rc = step_decode_strings(&cursor->in[SECTION_STRINGS], into, err);
	if (rc)
		return rc;
	*step = ready->step;
	ready->step = had;
	memcpy(cursor->in, ready->in, sizeof(cursor->in));
	return 1;
}

/*
 * Read a step of the file and take it. The limits are those of a group: what else a snapshot has room for is for the
 * step between two.
 */
static int take_step(struct skt_cursor *cursor, bool key, struct skt_snapshot *into, struct skt_step *step,
		     struct skt_err *err)
{
	int rc = take_ready(cursor, into, step, err);

	if (!rc)
		rc = step_decode(&cursor->decoder, cursor->in, cursor->want, into, key, step, err);
	if (rc >= 0)
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

/* Give back what a step takes, but for what was told and is found nowhere else. */
static void keep_told(struct skt_step *step)
{
	struct skt_step whole = *step;

	skt_step_init(step);
	step->events = whole.events;
	step->n_events = whole.n_events;
	step->room_events = whole.room_events;
	step->processes = whole.processes;
	step->n_processes = whole.n_processes;
	step->room_processes = whole.room_processes;
	whole.events = NULL;
	whole.processes = NULL;
	skt_step_release(&whole);
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
		keep_told(&cursor->key_step);
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
		return skt_err_set(err, -ENOMEM, "out of memory");
	if (rc)
		return rc;
	rc = step_carry_lived(&cursor->key_step, &cursor->next, &cursor->now, &cursor->step);
	return rc ? skt_err_set(err, rc, rc == -E2BIG ? "more processes than a snapshot may hold" : "out of memory")
		  : 0;
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
		return cursor_pass_hole(cursor, true, err, rc);
	rc = 1;
	if (!cursor->left)
		rc = cursor_next_block(cursor, err);
	if (rc <= 0)
		return rc;
	rc = cursor->key ? read_key(cursor, ret, err) : read_step(cursor, ret, err);
	cursor->step_number++;
	if (!rc && cursor->left == 1)
		rc = check_block(cursor, err);
	if (rc)
		return cursor_pass_hole(cursor, true, err, rc);
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
