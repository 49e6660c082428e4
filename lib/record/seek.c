/* SPDX-License-Identifier: MIT */
#include "record/cursor.h"

#include <errno.h>
#include <string.h>

/* The last block, in the file's order, that suits: its number, or n_blocks. */
static size_t block_of_number(const struct skt_file *file, uint64_t number)
{
	size_t low = 0, high = file->n_blocks;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (file->blocks[middle].head.number <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : file->n_blocks;
}

/* The wall clock may have stepped back, so the blocks' times need not be sorted: the last one that begins in time. */
static size_t block_of_time(const struct skt_file *file, int64_t when)
{
	for (size_t i = file->n_blocks; i-- > 0;)
		if (file->blocks[i].head.first <= when)
			return i;
	return file->n_blocks;
}

static size_t key_before(const struct skt_file *file, size_t block)
{
	while (file->blocks[block].head.type != BLOCK_KEY)
		block--;
	return block;
}

/* When the next snapshot was taken, if it is in the same block: steps begin with their time. */
static bool peek_time(const struct skt_cursor *cursor, int64_t *ret_when)
{
	struct cur meta = cursor->in[SECTION_META];

	if (!cursor->left)
		return false;
	*ret_when = (int64_t)cur_le64(&meta);
	return !meta.bad;
}

/* How far to go: the last snapshot of this block whose number and time are not beyond. */
struct goal {
	size_t block;
	uint64_t number;
	int64_t when;
};

static bool is_there(const struct skt_cursor *cursor, const struct goal *goal)
{
	int64_t next;

	if (cursor->block <= goal->block)
		return false;
	return !cursor->left || cursor->now.number >= goal->number || (peek_time(cursor, &next) && next > goal->when);
}

static int walk_to(struct skt_cursor *cursor, const struct goal *goal, struct skt_err *err)
{
	struct skt_step *step;

	cursor_rewind(cursor, key_before(cursor->file, goal->block));
	do {
		int rc = skt_cursor_next(cursor, &step, err);

		if (rc < 0)
			return rc;
	} while (!is_there(cursor, goal));
	return 0;
}

/*
 * Go there. Where damage lies before it, go to the last snapshot that can be read instead, and say -EBADMSG all the same:
 * a step that failed half way leaves a snapshot that is neither, so the group is walked again up to the step before.
 */
static int go(struct skt_cursor *cursor, struct goal goal, struct skt_err *err)
{
	const struct skt_file *file = cursor->file;
	uint64_t good = 0;
	int rc = walk_to(cursor, &goal, err);

	while (rc < 0 && rc != -ENOMEM && goal.block < file->n_blocks) {
		size_t key = key_before(file, goal.block);
		struct skt_step *step;

		cursor_rewind(cursor, key);
		for (good = 0; cursor->block <= goal.block; good = cursor->now.number)
			if (skt_cursor_next(cursor, &step, NULL) <= 0)
				break;
		if (good) {
			struct goal reachable = { .block = block_of_number(file, good),
						  .number = good,
						  .when = INT64_MAX };

			walk_to(cursor, &reachable, NULL);
			return rc;
		}
		if (!key)
			break;
		goal = (struct goal){ .block = key - 1, .number = UINT64_MAX, .when = INT64_MAX };
	}
	return rc;
}

static void add_neighbour(struct skt_buf *text, const char *what, uint64_t number, int64_t when, enum skt_zone zone)
{
	skt_buf_printf(text, "%s #%llu at ", what, (unsigned long long)number);
	skt_time_format(text, when, zone);
}

/* -ERANGE, with the snapshots that are nearest. */
static int out_of_range(const struct skt_file *file, int64_t when, enum skt_zone zone, struct skt_err *err)
{
	struct skt_span span = file->span;
	struct skt_buf text;
	int rc;

	skt_buf_init(&text);
	skt_buf_text(&text, "no snapshot is in force at ");
	skt_time_format(&text, when, zone);
	add_neighbour(&text, ": the first is", 1, span.first, zone);
	add_neighbour(&text, ", the last is", span.snapshots, span.last, zone);
	skt_buf_text(&text, " and holds until ");
	skt_time_format(&text, span.end, zone);
	skt_buf_byte(&text, '\0');
	rc = skt_err_set(err, -ERANGE, "%s", text.failed ? "no snapshot is in force then" : (char *)text.data);
	skt_err_at(err, file->name, -1);
	skt_buf_release(&text);
	return rc;
}

static int seek_number(struct skt_cursor *cursor, uint64_t number, struct skt_err *err)
{
	const struct skt_file *file = cursor->file;
	struct goal goal = { .number = number, .when = INT64_MAX };

	if (number < 1 || number > file->span.snapshots) {
		skt_err_set(err, -ERANGE, "there is no snapshot #%llu: there are #1 to #%llu",
			    (unsigned long long)number, (unsigned long long)file->span.snapshots);
		skt_err_at(err, file->name, -1);
		return -ERANGE;
	}
	goal.block = block_of_number(file, number);
	return go(cursor, goal, err);
}

static int seek_instant(struct skt_cursor *cursor, int64_t when, enum skt_zone zone, struct skt_err *err)
{
	const struct skt_file *file = cursor->file;
	struct goal goal = { .number = UINT64_MAX, .when = when };

	goal.block = block_of_time(file, when);
	if (goal.block == file->n_blocks || when > file->span.end)
		return out_of_range(file, when, zone, err);
	return go(cursor, goal, err);
}

/* The only instant of the recording at which a clock on the wall shows this. */
static int time_of_day(const struct skt_file *file, int64_t ns, enum skt_zone zone, int64_t *ret_when,
		       struct skt_err *err)
{
	enum { SHOWN = 4 };
	int64_t found[SHOWN];
	size_t n = skt_time_of_day(ns, zone, file->span.first, file->span.end, found, SHOWN);
	struct skt_buf text;
	int rc;

	if (n == 1) {
		*ret_when = found[0];
		return 0;
	}
	skt_buf_init(&text);
	if (n) {
		skt_buf_printf(&text, "that time of day is %zu times in the recording:", n);
		for (size_t i = 0; i < n && i < SHOWN; i++) {
			skt_buf_byte(&text, ' ');
			skt_time_format(&text, found[i], zone);
		}
		skt_buf_text(&text, n > SHOWN ? " ..." : "");
	} else {
		skt_buf_text(&text, "that time of day is not in the recording, which goes from ");
		skt_time_format(&text, file->span.first, zone);
		skt_buf_text(&text, " to ");
		skt_time_format(&text, file->span.end, zone);
	}
	skt_buf_byte(&text, '\0');
	rc = skt_err_set(err, -ERANGE, "%s", text.failed ? "no such time of day" : (char *)text.data);
	skt_err_at(err, file->name, -1);
	skt_buf_release(&text);
	return rc;
}

int skt_cursor_seek(struct skt_cursor *cursor, const struct skt_time *time, enum skt_zone zone, int64_t *ret_when,
		    struct skt_err *err)
{
	const struct skt_file *file = cursor->file;
	struct skt_span span = file->span;
	int64_t when = 0;
	int rc = 0;

	if (!span.snapshots) {
		skt_err_set(err, -ERANGE, "there is no snapshot in it");
		skt_err_at(err, file->name, -1);
		return -ERANGE;
	}
	switch (time->kind) {
	case SKT_TIME_FIRST:
	case SKT_TIME_LAST:
	case SKT_TIME_NUMBER:
		rc = seek_number(cursor,
				 time->kind == SKT_TIME_FIRST  ? 1
				 : time->kind == SKT_TIME_LAST ? span.snapshots
							       : time->number,
				 err);
		if (cursor->has_now)
			*ret_when = cursor->now.time;
		return rc;
	case SKT_TIME_AFTER_FIRST:
	case SKT_TIME_BEFORE_LAST:
		rc = __builtin_add_overflow(time->kind == SKT_TIME_AFTER_FIRST ? span.first : span.last,
					    time->kind == SKT_TIME_AFTER_FIRST ? time->ns : -time->ns, &when);
		if (rc)
			return skt_err_set(err, -ERANGE, "time is out of range");
		break;
	case SKT_TIME_OF_DAY:
		rc = time_of_day(file, time->ns, zone, &when, err);
		break;
	case SKT_TIME_INSTANT:
		when = time->ns;
		break;
	}
	if (rc)
		return rc;
	*ret_when = when;
	return seek_instant(cursor, when, zone, err);
}
