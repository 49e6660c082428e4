/* SPDX-License-Identifier: MIT */
#include "record/cursor.h"

#include <errno.h>
#include <string.h>

/*
 * Until when a group's last snapshot is in force: until the next one, or for an interval where the clock was set back
 * then.
 */
static int64_t group_end(const struct skt_file *file, size_t i)
{
	int64_t last = file->groups[i].last;
	int64_t next = i + 1 < file->n_groups ? file->groups[i + 1].first : file->span.end;

	return next > last ? next : last + file->header.interval;
}

/*
 * The group in which a snapshot is in force at this instant, or n_groups. A clock that is set back begins a group, so
 * times rise within each, but groups need not be sorted; of an instant that was shown twice it is the later one.
 */
static size_t group_of_time(const struct skt_file *file, int64_t when)
{
	for (size_t i = file->n_groups; i-- > 0;) {
		int64_t end = group_end(file, i);

		if (file->groups[i].first <= when && (when < end || (when == end && i + 1 == file->n_groups)))
			return i;
	}
	return file->n_groups;
}

/*
 * Walk from the start of a group to its last snapshot that is not beyond number and time. *ret_good: the last one that
 * could be read.
 */
static int walk(struct skt_cursor *cursor, size_t group, uint64_t number, int64_t when, uint64_t *ret_good,
		struct skt_err *err)
{
	int64_t next;

	cursor_rewind(cursor, group);
	*ret_good = 0;
	for (;;) {
		struct skt_step *step;
		int rc = cursor_next_in_file(cursor, &step, err);

		if (rc <= 0)
			return rc;
		*ret_good = cursor->now.number;
		if (*ret_good >= cursor->base + number)
			return 0;
		/* what cannot be read is tried, for what is wrong with it */
		rc = cursor_peek(cursor, &next);
		if (!rc || (rc > 0 && next > when))
			return 0;
	}
}

/*
 * Go there. Where damage lies before it, go to the last snapshot that can be read instead, and say what is damaged
 * all the same: a step that failed half way leaves a snapshot that is neither, so the group is walked again up to the
 * one before.
 */
static int go(struct skt_cursor *cursor, size_t group, uint64_t number, int64_t when, struct skt_err *err)
{
	uint64_t good, again;
	int rc = walk(cursor, group, number, when, &good, err);

	if (rc >= 0 || rc == -ENOMEM)
		return rc;
	while (!good && group)
		walk(cursor, --group, UINT64_MAX, INT64_MAX, &good, NULL);
	if (good)
		walk(cursor, group, good - cursor->base, INT64_MAX, &again, NULL);
	return rc;
}

static void add_neighbour(struct skt_buf *text, const char *what, uint64_t number, int64_t when, enum skt_zone zone)
{
	skt_buf_printf(text, "%s #%llu at ", what, (unsigned long long)number);
	skt_time_format(text, when, zone);
}

/* Between two files of a directory: the snapshots on either side. False where it is not there. */
static bool add_border(struct skt_buf *text, const struct skt_file *dir, int64_t when, enum skt_zone zone)
{
	const struct dir_part *before = NULL;

	for (size_t i = 0; i < dir->n_parts; i++) {
		const struct dir_part *part = &dir->parts[i];
		const struct skt_span *span = &part->file->span;

		if (!part->file->n_groups)
			continue;
		if (before && before->file->span.last <= when && when < span->first) {
			add_neighbour(text, ", in a gap: before it is",
				      before->listed.snapshots_before + before->file->span.number,
				      before->file->span.last, zone);
			add_neighbour(text, ", after it", part->listed.snapshots_before + span->number_first,
				      span->first, zone);
			return true;
		}
		before = part;
	}
	return false;
}

/* Of a flight recorder: what is not there may have been. */
static void add_dropped(struct skt_buf *text, const struct skt_span *span)
{
	if (span->dropped_files)
		skt_buf_printf(text, "; %llu file%s before the first %s dropped",
			       (unsigned long long)span->dropped_files, span->dropped_files == 1 ? "" : "s",
			       span->dropped_files == 1 ? "was" : "were");
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
	if (!add_border(&text, file, when, zone)) {
		add_neighbour(&text, ": the first is", span.number_first, span.first, zone);
		add_neighbour(&text, ", the last is", span.number, span.last, zone);
		skt_buf_text(&text, " and holds until ");
		skt_time_format(&text, span.end, zone);
		if (when < span.first)
			add_dropped(&text, &span);
	}
	skt_buf_byte(&text, '\0');
	rc = skt_err_set(err, -ERANGE, "%s", text.failed ? "no snapshot is in force then" : (char *)text.data);
	skt_err_at(err, file->name, -1);
	skt_buf_release(&text);
	return rc;
}

/*
 * In a directory: go to the file that holds a snapshot, or would. *ret_next: number of the first snapshot in those
 * after it.
 */
static int enter_number(struct skt_cursor *cursor, uint64_t number, uint64_t *ret_next, struct skt_err *err)
{
	const struct skt_file *dir = cursor->whole;

	*ret_next = 0;
	for (size_t i = dir->n_parts; i-- > 0;) {
		const struct dir_part *part = &dir->parts[i];
		uint64_t first = part->listed.snapshots_before + part->file->span.number_first;

		if (!part->file->n_groups)
			continue;
		if (first <= number) {
			cursor_enter(cursor, i, false);
			return cursor_reach(cursor, err);
		}
		*ret_next = first;
	}
	return 0;
}

static int no_number(const struct skt_file *file, uint64_t number, struct skt_err *err)
{
	struct skt_buf text;

	skt_buf_init(&text);
	if (number < file->span.number_first)
		add_dropped(&text, &file->span);
	skt_buf_byte(&text, '\0');
	skt_err_set(err, -ERANGE, "there is no snapshot #%llu: there are #%llu to #%llu%s", (unsigned long long)number,
		    (unsigned long long)file->span.number_first, (unsigned long long)file->span.number,
		    text.failed ? "" : (char *)text.data);
	skt_buf_release(&text);
	return skt_err_at(err, file->name, -1), -ERANGE;
}

static int seek_number(struct skt_cursor *cursor, uint64_t number, struct skt_err *err)
{
	const struct skt_file *whole = cursor->whole, *file;
	uint64_t next, wanted, last;
	size_t group;
	int rc;

	if (number < whole->span.number_first || number > whole->span.number)
		return no_number(whole, number, err);
	rc = enter_number(cursor, number, &next, err);
	if (rc)
		return rc;
	file = cursor->file;
	wanted = number - cursor->base;
	group = file_group_of_number(file, wanted);
	last = file->groups[group].number + file->groups[group].snapshots - 1;
	if (wanted > last) {
		if (group + 1 < file->n_groups)
			next = cursor->base + file->groups[group + 1].number;
		skt_err_set(err, -ERANGE, "snapshot #%llu is lost: #%llu is the last before it, #%llu the next",
			    (unsigned long long)number, (unsigned long long)(cursor->base + last),
			    (unsigned long long)next);
		skt_err_at(err, file->name, -1);
		return -ERANGE;
	}
	return go(cursor, group, wanted, INT64_MAX, err);
}

/* A snapshot is in force until the next one; before a gap, for one interval. */
static int check_gap(struct skt_cursor *cursor, int64_t when, enum skt_zone zone, struct skt_err *err)
{
	const struct skt_file *file = cursor->file;

	for (size_t i = 0; i < file->n_damage; i++) {
		const struct skt_damage *damage = &file->damage[i];
		struct skt_buf text;

		if (damage->after != cursor->now.time || when <= damage->after + file->header.interval ||
		    when >= damage->until)
			continue;
		skt_buf_init(&text);
		skt_buf_text(&text, "no snapshot is in force at ");
		skt_time_format(&text, when, zone);
		add_neighbour(&text, ", in a gap: before it is", cursor->now.number, damage->after, zone);
		if (damage->until != INT64_MAX) {
			skt_buf_text(&text, ", after it the one at ");
			skt_time_format(&text, damage->until, zone);
		}
		skt_buf_byte(&text, '\0');
		skt_err_set(err, -ERANGE, "%s", text.failed ? "no snapshot is in force in a gap" : (char *)text.data);
		skt_err_at(err, file->name, -1);
		skt_buf_release(&text);
		cursor_rewind(cursor, file->n_groups);
		return -ERANGE;
	}
	return 0;
}

/*
 * In a directory: go to the file in which a snapshot is in force then; of an instant that was shown twice, the later
 * one.
 */
static int enter_time(struct skt_cursor *cursor, int64_t when, struct skt_err *err)
{
	const struct skt_file *dir = cursor->whole;

	for (size_t i = dir->n_parts; i-- > 0;) {
		const struct skt_file *file = dir->parts[i].file;

		if (group_of_time(file, when) == file->n_groups)
			continue;
		cursor_enter(cursor, i, false);
		return cursor_reach(cursor, err);
	}
	return 0;
}

static int seek_instant(struct skt_cursor *cursor, int64_t when, enum skt_zone zone, struct skt_err *err)
{
	const struct skt_file *file;
	size_t group;
	int rc = enter_time(cursor, when, err);

	if (rc)
		return rc;
	file = cursor->file;
	group = group_of_time(file, when);
	if (group == file->n_groups)
		return out_of_range(cursor->whole, when, zone, err);
	rc = go(cursor, group, file->groups[group].number + file->groups[group].snapshots - 1, when, err);
	return rc ? rc : check_gap(cursor, when, zone, err);
}

/* First and last instant, and whether some group begins before one that stands before it ended; last: of that one. */
static bool widen(const struct skt_file *file, int64_t *first, int64_t *end, int64_t *last)
{
	bool back = false;

	for (size_t i = 0; i < file->n_groups; i++) {
		*first = file->groups[i].first < *first ? file->groups[i].first : *first;
		*end = group_end(file, i) > *end ? group_end(file, i) : *end;
		back |= file->groups[i].first < *last;
		*last = file->groups[i].last;
	}
	for (size_t i = 0; i < file->n_parts; i++)
		back |= widen(file->parts[i].file, first, end, last);
	return back;
}

bool skt_file_reach(const struct skt_file *file, int64_t *ret_first, int64_t *ret_end)
{
	int64_t last = INT64_MIN;

	*ret_first = file->span.first;
	*ret_end = file->span.end;
	return widen(file, ret_first, ret_end, &last);
}

int skt_cursor_peek(const struct skt_cursor *cursor, int64_t *ret_when)
{
	return cursor_peek(cursor, ret_when);
}

/* The only instant of the recording at which a clock on the wall shows this. */
static int time_of_day(const struct skt_file *file, int64_t ns, enum skt_zone zone, int64_t *ret_when,
		       struct skt_err *err)
{
	enum { SHOWN = 4 };
	int64_t found[SHOWN], first, end;
	struct skt_buf text;
	size_t n;
	int rc;

	skt_file_reach(file, &first, &end);
	n = skt_time_of_day(ns, zone, first, end, found, SHOWN);
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
		skt_time_format(&text, first, zone);
		skt_buf_text(&text, " to ");
		skt_time_format(&text, end, zone);
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
	const struct skt_file *file = cursor->whole;
	struct skt_span span = file->span;
	int64_t when = 0;
	int rc = 0;

	cursor_stop_ahead(cursor);
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
				 time->kind == SKT_TIME_FIRST  ? span.number_first
				 : time->kind == SKT_TIME_LAST ? span.number
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
