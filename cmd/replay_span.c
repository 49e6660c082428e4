/* SPDX-License-Identifier: MIT */
#include "replay.h"

#include "cli.h"
#include "stretch.h"

#include <errno.h>

/*
 * What a TIME was resolved to: the snapshot in force then, or the instant, where none is and it is outside or in a gap.
 */
struct place {
	uint64_t number; /* 0: none is */
	int64_t time;	 /* of the snapshot, or that instant */
	int64_t when;	 /* the instant that the TIME stands for */
	bool lost;	 /* it is the last before the one asked for, which cannot be read */
};

static int resolve(struct replay *replay, const char *text, int64_t begins, struct skt_cursor *cursor,
		   struct place *ret, struct skt_err *err)
{
	const struct skt_snapshot *found;
	struct skt_time time;
	int rc = stretch_time(replay->file, text, replay->zone, replay->now, begins, &time, err);

	if (rc)
		return rc;
	ret->when = INT64_MIN;
	rc = skt_cursor_seek(cursor, &time, replay->zone, &ret->when, err);
	if (rc == -ERANGE && ret->when != INT64_MIN) {
		ret->number = 0;
		ret->time = ret->when;
		return 0;
	}
	found = skt_cursor_snapshot(cursor);
	if (!found)
		return rc;
	/*
	 * where the one asked for is damaged, it is the last one before it, and that it is damaged is told on the way
	 */
	ret->lost = rc != 0;
	ret->number = found->number;
	ret->time = found->time;
	if (ret->when == INT64_MIN)
		ret->when = found->time;
	return 0;
}

/* The instants as far as a clock can say that they are outside: a snapshot is in the recording, whatever it says. */
static int64_t begins(const struct place *from)
{
	return from->number ? INT64_MIN : from->when;
}

static int64_t ends(const struct place *to)
{
	return to->number ? INT64_MAX : to->when;
}

/* Numbers are in order whatever the clock did. */
static int check(const struct replay *replay, const struct place *from, const struct place *to, struct skt_err *err)
{
	if (from->number && to->number && from->number > to->number)
		return stretch_is_backwards(err);
	if (from->number && to->number)
		return 0;
	if (from->when > to->when)
		return stretch_is_backwards(err);
	return stretch_check(replay->file, begins(from), ends(to), replay->zone, err);
}

static void say_end(const char *what, uint64_t number, int64_t when, enum skt_zone zone, struct skt_buf *line)
{
	skt_buf_text(line, what);
	if (number)
		skt_buf_printf(line, "snapshot %llu, ", (unsigned long long)number);
	skt_time_format(line, when, zone);
}

static void say_span(const struct replay *replay, const struct span *span)
{
	struct skt_span all = skt_file_span(replay->file);
	const char *host = replay->host.name;
	struct skt_buf line;

	skt_buf_init(&line);
	skt_buf_printf(&line, "%s%s", host, *host ? " " : "");
	if (replay->from)
		say_end("from ", span->from, span->from_time, replay->zone, &line);
	else
		say_end("from ", all.number_first, all.first, replay->zone, &line);
	if (replay->to)
		say_end(" to ", span->to, span->to_time, replay->zone, &line);
	else if (!replay->follow)
		say_end(" to ", all.number, all.last, replay->zone, &line);
	skt_buf_byte(&line, '\0');
	if (!line.failed)
		cli_say("%s: %s", skt_file_name(replay->file), (char *)line.data);
	skt_buf_release(&line);
}

static int new_cursor(struct replay *replay, struct skt_err *err)
{
	skt_cursor_free(replay->cursor);
	replay->cursor = NULL;
	return skt_cursor_new(replay->file, &replay->cursor, err);
}

static int find_ends(struct replay *replay, struct place *from, struct place *to, struct skt_err *err)
{
	struct skt_cursor *cursor = NULL;
	int rc = 0;

	if (replay->from)
		rc = resolve(replay, replay->from, INT64_MIN, replay->cursor, from, err);
	if (!rc && replay->to) {
		rc = skt_cursor_new(replay->file, &cursor, err);
		if (!rc)
			rc = resolve(replay, replay->to, from->when, cursor, to, err);
		skt_cursor_free(cursor);
	}
	if (!rc && !replay->follow)
		rc = check(replay, from, to, err);
	return rc;
}

/* The snapshot in force was looked at. In the midst of a recording all is as if it were seen for the first time. */
static int cover(struct replay *replay, const struct skt_step *step, struct skt_err *err)
{
	struct skt_coverage *coverage = replay->coverage;

	if (!coverage)
		return 0;
	if (step && !coverage->snapshots && step->from != INT64_MIN)
		step = NULL;
	return skt_coverage_step(coverage, skt_cursor_snapshot(replay->cursor), step)
		       ? skt_err_set(err, -ENOMEM, "out of memory")
		       : 0;
}

int span_open(struct replay *replay, struct span *span, struct skt_err *err)
{
	struct place from = { .time = INT64_MIN, .when = INT64_MIN }, to = { .time = INT64_MAX, .when = INT64_MAX };
	int rc;

	if (!skt_file_span(replay->file).snapshots && !replay->follow) {
		skt_err_set(err, -ERANGE, "there is no snapshot in it");
		return skt_err_at(err, skt_file_name(replay->file), -1);
	}
	rc = new_cursor(replay, err);
	if (!rc)
		rc = find_ends(replay, &from, &to, err);
	/* before the first, or in a gap: what comes next is looked for from the beginning */
	if (!rc && replay->from && !from.number)
		rc = new_cursor(replay, err);
	if (rc) {
		skt_err_at(err, skt_file_name(replay->file), -1);
		return rc;
	}
	*span = (struct span){ .from = from.number,
			       .from_time = from.time,
			       .to = to.number,
			       .to_time = to.time,
			       .at_from = from.number != 0,
			       .to_lost = to.lost,
			       .at_to = from.number && from.number == to.number };
	if (replay->follow)
		skt_cursor_follow(replay->cursor);
	say_span(replay, span);
	if (!replay->follow)
		stretch_tell_outside(replay->file, begins(&from), ends(&to), replay->zone);
	return span->at_from ? cover(replay, NULL, err) : 0;
}

static void tell(struct replay *replay, const struct skt_damage *one)
{
	recording_tell_damage(skt_file_name(replay->file), one, 1, replay->zone);
	replay->trouble = true;
}

/* Whether it is of the span, as far as its clock says so. */
static bool is_within(const struct span *span, const struct skt_damage *one)
{
	return one->until > span->from_time && one->after < span->to_time;
}

/* What is lost of the recording, from the place that has not been told of up to an instant. */
static void tell_until(struct replay *replay, struct span *span, int64_t when)
{
	size_t n;
	const struct skt_damage *damage = skt_file_damage(replay->file, &n);

	for (; span->told < n && damage[span->told].after < when; span->told++)
		if (is_within(span, &damage[span->told]))
			tell(replay, &damage[span->told]);
}

/* The same up to this one, which reading came upon: between two numbers it is of the span, whatever the clock said. */
static void tell_known(struct replay *replay, struct span *span, const struct skt_damage *known)
{
	size_t n;
	const struct skt_damage *damage = skt_file_damage(replay->file, &n);
	bool told = damage + span->told > known && is_within(span, known);

	for (; damage + span->told < known; span->told++)
		if (is_within(span, &damage[span->told]))
			tell(replay, &damage[span->told]);
	if (damage + span->told == known)
		span->told++;
	if (!told && (span->from || known->until > span->from_time) && (span->to || known->after < span->to_time))
		tell(replay, known);
}

/* What reading found, unless opening did. */
static void tell_found(struct replay *replay, struct span *span, const struct skt_err *err)
{
	const struct skt_damage *known = recording_known(replay->file, err);

	if (known) {
		tell_known(replay, span, known);
		return;
	}
	replay->trouble = true;
	cli_err(err);
}

int span_cover(struct replay *replay, const struct span *span)
{
	struct skt_coverage *coverage = replay->coverage;
	int64_t end = skt_file_span(replay->file).end;

	/* what a recorder has written since was followed */
	if (replay->follow && coverage->last > end)
		end = coverage->last;
	return skt_coverage_end(coverage, span->from ? INT64_MIN : span->from_time,
				span->to || span->over ? INT64_MAX : span->to_time, end);
}

static bool is_over(const struct span *span, const struct skt_step *step)
{
	return span->to ? step->number > span->to : step->time > span->to_time;
}

int span_next(struct replay *replay, struct span *span, struct skt_step **ret, struct skt_err *err)
{
	for (;;) {
		int rc = skt_cursor_next(replay->cursor, ret, err);

		if (!rc)
			tell_until(replay, span, span->to_time);
		if (!rc || rc == -EAGAIN || rc == -ENOMEM)
			return rc;
		if (rc < 0) {
			/* what stands behind the last one is not asked about */
			if (!span->at_to || span->to_lost) {
				tell_found(replay, span, err);
				if (replay->coverage)
					skt_coverage_lost(replay->coverage);
			}
			skt_err_init(err);
			continue;
		}
		span->over = is_over(span, *ret);
		if (span->over)
			return 0;
		if (!span->from && (*ret)->time < span->from_time) {
			replay->before = (*ret)->number;
			/* what is lost before the span is none of its holes */
			if (replay->coverage)
				replay->coverage->lost = false;
			continue;
		}
		span->at_to = span->to == (*ret)->number;
		tell_until(replay, span, (*ret)->time);
		rc = cover(replay, *ret, err);
		return rc ? rc : 1;
	}
}
