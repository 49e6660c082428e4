/* SPDX-License-Identifier: MIT */
#include "replay.h"

#include "cli.h"
#include "doubts.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>

/* How often it is seen whether a recorder has written more. */
#define FOLLOW_NS (SKT_NS_PER_S / 5)

/* A recording may be of days, and lines of the table have the hour. */
static void put_day(struct replay *replay, int64_t time, char day[16])
{
	struct skt_buf text;

	skt_buf_init(&text);
	skt_time_format(&text, time, replay->zone);
	if (!text.failed && memcmp(text.data, day, 10) != 0) {
		if (*day && replay->changes.render.format == SKT_FORMAT_TABLE)
			skt_buf_printf(&replay->changes.text, "%.10s\n", (char *)text.data);
		memcpy(day, text.data, 10);
	}
	skt_buf_release(&text);
}

/* When it is due on the recorded clock: between the step before and this one. */
static int64_t boottime_of(const struct replay *replay, const struct skt_step *step, const struct skt_event *event)
{
	int64_t boottime;

	if (__builtin_sub_overflow(event->when, step->time, &boottime) ||
	    __builtin_add_overflow(boottime, step->boottime, &boottime) || boottime > step->boottime)
		return step->boottime;
	return boottime > replay->pace.latest ? boottime : replay->pace.latest;
}

/*
 * What was told stands in front, in the order of its instants; each is printed when it is due. How many are done, or a
 * negative errno. *ret_end: a signal has come.
 */
static ssize_t play_events(struct replay *replay, const struct skt_step *step, char day[16], bool *ret_end,
			   struct skt_err *err)
{
	struct changes *changes = &replay->changes;
	size_t i = 0;

	for (; i < changes->n && changes->which[i] < step->n_events; i++) {
		const struct skt_event *event = &step->events[changes->which[i]];
		int64_t due = pace_due(&replay->pace, boottime_of(replay, step, event));
		int rc;

		*ret_end = guard_wait(&replay->guard, due) != GUARD_TIME;
		if (*ret_end)
			break;
		put_day(replay, event->when, day);
		rc = changes_print(changes, i, i + 1, err);
		if (rc || changes->closed)
			return rc ? rc : (ssize_t)i;
	}
	return (ssize_t)i;
}

/* Print the steps of a span, each when it is due: 0 at its end or a signal, or what is wrong. */
/* What a run of the recorder saw is of its own host and boot, and of the tables that it recorded. */
static void take_run(struct replay *replay)
{
	const struct skt_header *header = skt_cursor_header(replay->cursor);

	replay_take_host(replay, header);
	replay->changes.render.boot_time = replay->host.btime;
	replay->recorded &= header->tables;
}

static int play(struct replay *replay, struct span *span, struct skt_err *err)
{
	struct changes *changes = &replay->changes;
	char day[16] = "";
	struct skt_step *step;
	int rc;

	if (span->at_from) {
		const struct skt_snapshot *first = skt_cursor_snapshot(replay->cursor);

		take_run(replay);
		put_day(replay, first->time, day);
		pace_begin(&replay->pace, first->boottime);
	}
	while ((rc = span_next(replay, span, &step, err)) != 0) {
		int64_t due = pace_now() + FOLLOW_NS;
		ssize_t done = 0;
		bool end = false;

		if (rc == -ENOMEM)
			return rc;
		if (rc == 1) {
			int failed;

			if (step->from == INT64_MIN)
				take_run(replay);
			failed = changes_take(changes, skt_cursor_snapshot(replay->cursor), step,
					      step->from == INT64_MIN, err);

			if (failed)
				return failed;
			/* the clock begins with the first step */
			if (!replay->pace.begun && replay->pace.speed > 0)
				pace_begin(&replay->pace, step->boottime);
			done = play_events(replay, step, day, &end, err);
			if (done < 0 || end || changes->closed)
				return done < 0 ? (int)done : 0;
			due = pace_due(&replay->pace, step->boottime);
			put_day(replay, step->time, day);
		}
		if (guard_wait(&replay->guard, due) != GUARD_TIME)
			return 0;
		if (rc == 1)
			rc = changes_print(changes, (size_t)done, changes->n, err);
		if (rc < 0 && rc != -EAGAIN)
			return rc;
		if (changes->closed)
			return 0;
	}
	return 0;
}

/* That nothing changed, or nothing that matches, can be said only where it is known of all. */
static int tell_doubts(struct replay *replay, const struct span *span, struct skt_err *err)
{
	const struct changes *changes = &replay->changes;
	struct asked asked = { changes->filter, replay->coverage->kinds, replay->recorded, false };

	/* whoever did not let it come to its end asks no more */
	if (changes->render.rows || changes->closed || replay->guard.signal)
		return 0;
	if (span_cover(replay, span))
		return skt_err_set(err, -ENOMEM, "out of memory");
	replay->trouble |= doubts_tell(replay->file, &asked, replay->coverage, replay->zone) || changes->unknown;
	return 0;
}

static int begin_coverage(struct replay *replay, struct skt_coverage *coverage, struct skt_err *err)
{
	const struct skt_filter *filter = replay->changes.filter;
	uint32_t kinds = (1u << SKT_TABLE_KINDS) - 1;
	uint64_t seed;

	cli_random(&seed, sizeof(seed));
	replay->coverage = coverage;
	return skt_coverage_init(coverage, filter ? skt_filter_kinds(filter) : kinds, seed)
		       ? skt_err_set(err, -ENOMEM, "out of memory")
		       : 0;
}

int replay_steps(struct replay *replay)
{
	struct changes *changes = &replay->changes;
	struct skt_coverage coverage;
	struct skt_err err;
	struct span span;
	int rc;

	skt_err_init(&err);
	/* a closed pipe is an error of write(2), which is an end in good order */
	signal(SIGPIPE, SIG_IGN);
	rc = begin_coverage(replay, &coverage, &err);
	if (!rc)
		rc = span_open(replay, &span, &err);
	if (!rc) {
		changes->signals = replay->guard.signals;
		changes->render.zone = replay->zone;
		changes->render.host = replay->host.name;
		changes->render.boot_time = replay->host.btime;
		replay->recorded = (1u << SKT_TABLE_KINDS) - 1;
		changes_begin(changes);
		rc = play(replay, &span, &err);
		/* one that came while a slow reader was waited for has not been asked for yet */
		if (!replay->guard.signal)
			guard_wait(&replay->guard, 0);
		changes->hurry = replay->guard.signal;
		rc = changes_end(changes, rc, &err);
		if (!rc)
			rc = tell_doubts(replay, &span, &err);
	}
	skt_coverage_release(&coverage);
	replay->coverage = NULL;
	if (rc) {
		cli_err(&err);
		replay->trouble = true;
	}
	if (replay->trouble)
		return CLI_TROUBLE;
	/* whoever went away has seen what he wanted */
	return changes->render.rows || changes->closed ? CLI_YES : CLI_NO;
}
