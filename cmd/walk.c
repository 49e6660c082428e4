/* SPDX-License-Identifier: MIT */
#include "walk.h"

#include "cli.h"
#include "clocks.h"
#include "recording.h"
#include "stretch.h"

#include <errno.h>
#include <string.h>

static int no_memory(struct skt_err *err)
{
	return skt_err_set(err, -ENOMEM, "out of memory");
}

/*
 * The instant that a TIME stands for, whether or not a snapshot is in force at it. begins: INT64_MIN, or that of the
 * stretch which it ends.
 */
static int resolve(const struct skt_file *file, const char *text, const struct walk_range *range, int64_t begins,
		   int64_t *ret, struct skt_err *err)
{
	struct skt_cursor *cursor = NULL;
	struct skt_time time;
	int rc = stretch_time(file, text, range->zone, range->now, begins, &time, err);

	if (rc)
		return rc;
	if (time.kind == SKT_TIME_INSTANT) {
		*ret = time.ns;
		return 0;
	}
	rc = skt_cursor_new(file, &cursor, err);
	if (!rc)
		rc = skt_cursor_seek(cursor, &time, range->zone, ret, err);
	skt_cursor_free(cursor);
	return rc;
}

/*
 * The snapshot in force at the beginning, if one is: else the walk goes from the first on, and hands out those that
 * come later.
 */
static int go_to(struct walk *walk, const struct skt_time *time, enum skt_zone zone, struct skt_err *err)
{
	int64_t when;
	int rc = skt_cursor_seek(walk->cursor, time, zone, &when, err);

	if (!rc) {
		walk->pending = true;
		return 0;
	}
	if (walk->instant || rc == -ENOMEM)
		return rc;
	skt_cursor_free(walk->cursor);
	walk->cursor = NULL;
	return skt_cursor_new(walk->file, &walk->cursor, err);
}

int walk_begin(struct walk *walk, const struct skt_file *file, const struct walk_range *range, uint32_t kinds,
	       struct skt_err *err)
{
	struct skt_time time = { .kind = SKT_TIME_LAST };
	int64_t first, end;
	uint64_t seed;
	int rc;

	memset(walk, 0, sizeof(*walk));
	walk->file = file;
	walk->from = INT64_MIN;
	walk->to = INT64_MAX;
	walk->tables = UINT32_MAX;
	walk->instant = range->instant != NULL;
	walk->follow = range->follow;
	cli_random(&seed, sizeof(seed));
	if (skt_coverage_init(&walk->coverage, kinds, seed))
		return no_memory(err);
	rc = skt_cursor_new(file, &walk->cursor, err);
	if (!rc && range->from)
		rc = resolve(file, range->from, range, INT64_MIN, &walk->from, err);
	if (!rc && range->to)
		rc = resolve(file, range->to, range, walk->from, &walk->to, err);
	if (!rc && !range->follow)
		rc = stretch_check(file, walk->from, walk->to, range->zone, err);
	if (rc) {
		skt_err_at(err, skt_file_name(file), -1);
		return rc;
	}
	if (range->instant) {
		rc = skt_time_parse(range->instant, range->zone, range->now, &time, err);
		return rc ? rc : go_to(walk, &time, range->zone, err);
	}
	/* an instant may come more than once, and one beyond the end before one within: all is read */
	walk->set_back = !range->follow && (range->from || range->to) && skt_file_reach(file, &first, &end);
	if (range->from && !walk->set_back) {
		time = (struct skt_time){ .kind = SKT_TIME_INSTANT, .ns = walk->from };
		rc = go_to(walk, &time, range->zone, err);
	} else if (range->follow && skt_file_span(file).snapshots) {
		rc = go_to(walk, &time, range->zone, err);
	}
	if (!rc && range->follow)
		skt_cursor_follow(walk->cursor);
	else if (!rc && range->alone && processors() > 1)
		skt_cursor_read_ahead(walk->cursor);
	return rc;
}

void walk_release(struct walk *walk)
{
	skt_cursor_free(walk->cursor);
	skt_coverage_release(&walk->coverage);
}

/* What stands here cannot be read. What opening found is told with the rest of it, at the end. */
static void tell_lost(struct walk *walk, const struct skt_err *err)
{
	/* files that are missing have no position */
	bool gap = err->code == -ENODATA && err->position >= 0;
	bool told = err->code == -ERESTART || (walk->follow && gap);

	if (recording_known(walk->file, err))
		return;
	/* the recorder's own words, that nothing was recorded, are no damage */
	walk->lost |= !told;
	if (!walk->quiet)
		cli_err(err);
}

void walk_choose(struct walk *walk, const struct skt_choice *choice)
{
	walk->choice = choice;
	skt_cursor_choose(walk->cursor, choice);
}

static void go_over(struct walk *walk)
{
	struct skt_skipped skipped = skt_cursor_skipped(walk->cursor);

	if (!walk->choice || !skipped.snapshots)
		return;
	walk->skipped = skipped;
	skt_coverage_skip(&walk->coverage, skipped.snapshots, skipped.first, skipped.last);
}

/*
 * Where times do not rise: whether a snapshot belongs to the stretch, for it is in it, or in force where it begins.
 * Of one that the clock was set back behind nobody knows for how long it was: for an interval.
 */
static bool is_in_stretch(const struct walk *walk, int64_t time)
{
	int64_t next;

	if (time > walk->to)
		return false;
	if (time >= walk->from)
		return true;
	if (skt_cursor_peek(walk->cursor, &next) <= 0 || next < time)
		next = time + skt_cursor_header(walk->cursor)->interval;
	return next > walk->from;
}

/* Pass over what cannot be read, and what lies outside the stretch. */
static int next_in_stretch(struct walk *walk, struct skt_step **ret, struct skt_err *err)
{
	for (;;) {
		int rc;

		skt_err_init(err);
		rc = skt_cursor_next(walk->cursor, ret, err);
		go_over(walk);
		if (rc == -ENOMEM || rc == -EAGAIN || !rc)
			return rc;
		if (rc < 0 && walk->choice && !recording_known(walk->file, err)) {
			walk->lost = true;
			return -EBADMSG;
		}
		if (rc < 0) {
			tell_lost(walk, err);
			/* what is lost before the stretch begins is none of its holes */
			skt_coverage_lost(&walk->coverage);
			continue;
		}
		if (walk->set_back) {
			if (is_in_stretch(walk, (*ret)->time))
				return 1;
			/* what comes is seen as if for the first time */
			walk->begun = false;
			continue;
		}
		if ((*ret)->time > walk->to)
			return 0;
		if ((*ret)->time >= walk->from || walk->begun)
			return 1;
		walk->coverage.lost = false;
	}
}

/* The step from the snapshot in force at the beginning covers what was told before it, too. */
static void leave_out_before(struct skt_step *step, int64_t from)
{
	size_t n = 0;

	while (n < step->n_events && step->events[n].when < from)
		n++;
	if (!n)
		return;
	step->n_events -= n;
	memmove(step->events, step->events + n, step->n_events * sizeof(*step->events));
}

int walk_next(struct walk *walk, const struct skt_snapshot **ret_snapshot, struct skt_step **ret_step,
	      struct skt_err *err)
{
	struct skt_step *step = NULL;
	int rc = 1;

	memset(&walk->skipped, 0, sizeof(walk->skipped));
	if (walk->pending)
		walk->pending = false;
	else if (walk->instant)
		return 0;
	else
		rc = next_in_stretch(walk, &step, err);
	if (rc <= 0)
		return rc;
	*ret_snapshot = skt_cursor_snapshot(walk->cursor);
	walk->interval = skt_cursor_header(walk->cursor)->interval;
	walk->number = (*ret_snapshot)->number;
	/* in the middle of a recording everything is as if it were seen for the first time */
	*ret_step = walk->begun || (step && step->from == INT64_MIN) ? step : NULL;
	walk->begun = true;
	/* where a run begins, nothing leads there */
	if (!*ret_step || (*ret_step)->from == INT64_MIN)
		walk->tables &= skt_cursor_header(walk->cursor)->tables;
	if (*ret_step)
		leave_out_before(*ret_step, walk->from);
	if (skt_coverage_step(&walk->coverage, *ret_snapshot, *ret_step))
		return no_memory(err);
	return 1;
}

uint32_t walk_tables(const struct walk *walk)
{
	return walk->coverage.snapshots ? walk->tables : skt_file_header(walk->file)->tables;
}

/*
 * A snapshot before a gap is in force for an interval: where the stretch ends within that, what is lost is none of it.
 * A clock that was set back may have shown the same once more behind the gap.
 */
static void forget_behind(struct walk *walk)
{
	int64_t held;

	if (walk->set_back || !walk->number || walk->to == INT64_MAX ||
	    __builtin_add_overflow(walk->coverage.last, walk->interval, &held))
		return;
	if (walk->to <= held)
		walk->coverage.lost = false;
}

/*
 * Nothing was looked at behind the last snapshot of the stretch. An end that comes within an interval is as good as the
 * look that would have come then, unless that is what the stretch ends with.
 */
static void see_rest(struct walk *walk, int64_t end)
{
	struct skt_span span = skt_file_span(walk->file);
	bool is_last = walk->number == span.number && !walk->follow;
	int64_t until = is_last ? span.end : end, ordinary;

	if (walk->instant || !walk->number || walk->coverage.lost)
		return;
	until = walk->to < until ? walk->to : until;
	if (walk->to > until && !__builtin_add_overflow(walk->coverage.last, walk->interval, &ordinary) &&
	    until <= ordinary)
		until = walk->coverage.last;
	skt_coverage_rest(&walk->coverage, until, is_last && walk->to >= span.end ? span.missed : 0);
}

int walk_end(struct walk *walk, struct skt_err *err)
{
	int64_t first, end;

	skt_file_reach(walk->file, &first, &end);
	/* who follows has seen it grow */
	if (walk->follow && walk->number && walk->coverage.last + walk->interval > end)
		end = walk->coverage.last + walk->interval;
	if (walk->choice) {
		struct skt_left left = skt_choice_left(walk->choice, walk->coverage.kinds);

		skt_coverage_left(&walk->coverage, &left);
	}
	forget_behind(walk);
	see_rest(walk, end);
	if (skt_coverage_end(&walk->coverage, walk->from, walk->to, end))
		return no_memory(err);
	return 0;
}
