/* SPDX-License-Identifier: MIT */
#include "replay.h"

#include "cli.h"
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * A tree that moves in time. Each is written before it is due, and the link is turned to it when it is; the one before
 * is kept until the next turn, for a program that is just reading it. Snapshots that are due already when they are read
 * are passed over, so that a tree which takes long to write delays none of those after it. The last is not, nor the
 * last before a gap; that it is one is known only when the cursor has gone on, and so it is gone back to.
 *
 *	LINK -> .sockreplay-f00d.../17
 */
struct moving {
	struct replay *replay;
	struct span span;
	char now[32];	 /* what the link leads to; "": it is not there yet */
	char before[32]; /* "": there is none */
	uint64_t passed; /* the one before the cursor was passed over, or the one there; 0: it was not */
	int64_t over;	 /* when the one beyond --to is due, where the cursor got there */
};

static int turn(struct moving *moving, const char *name, struct skt_err *err)
{
	struct room *room = &moving->replay->room;
	int rc = room_turn(room, name, !moving->now[0], err);

	if (rc)
		return rc;
	if (moving->before[0])
		room_clear(room->fd, moving->before);
	memcpy(moving->before, moving->now, sizeof(moving->before));
	snprintf(moving->now, sizeof(moving->now), "%s", name);
	return 0;
}

/*
 * Write the tree of the snapshot in force, and turn to it when it is due: 1; 0 where a signal or the command's end came
 * first.
 */
static int show(struct moving *moving, int64_t due, struct skt_err *err)
{
	char name[32];
	int rc;

	snprintf(name, sizeof(name), "%llu", (unsigned long long)skt_cursor_snapshot(moving->replay->cursor)->number);
	moving->passed = 0;
	rc = replay_write(moving->replay, name, NULL, err);
	if (!rc && guard_wait(&moving->replay->guard, due) != GUARD_TIME)
		return 0;
	if (!rc)
		rc = turn(moving, name, err);
	return rc ? rc : 1;
}

/* The first tree, which is there at once, and the command on it. */
static int begin(struct moving *moving, struct skt_err *err)
{
	struct replay *replay = moving->replay;
	struct skt_step *step;
	char path[4352];
	int rc;

	rc = moving->span.at_from ? 1 : span_next(replay, &moving->span, &step, err);
	if (rc <= 0)
		return rc ? rc : skt_err_set(err, -ERANGE, "there is no snapshot to show");
	rc = show(moving, 0, err);
	if (rc <= 0)
		return rc;
	pace_begin(&replay->pace, skt_cursor_snapshot(replay->cursor)->boottime);
	rc = room_link_path(&replay->room, path, sizeof(path), err);
	if (!rc && replay->argv)
		rc = command_start(&replay->guard, replay->argv, path, err);
	return rc ? rc : 1;
}

static int go_to(struct moving *moving, uint64_t number, struct skt_err *err)
{
	struct replay *replay = moving->replay;
	struct skt_time time = { .kind = SKT_TIME_NUMBER, .number = number };
	int64_t when;
	int rc = skt_cursor_seek(replay->cursor, &time, replay->zone, &when, err);

	return rc ? skt_err_at(err, skt_file_name(replay->file), -1) : 0;
}

/* The one that was passed over is in force, and for longer than it takes to read the next: as show(). */
static int show_passed(struct moving *moving, struct skt_err *err)
{
	int rc = go_to(moving, moving->passed, err);

	return rc ? rc : show(moving, 0, err);
}

/* The next one, which is behind a gap, is not due yet: until then it is the last before the gap that is in force. */
static int show_before(struct moving *moving, uint64_t next, struct skt_err *err)
{
	int rc = show_passed(moving, err);

	if (rc <= 0)
		return rc;
	rc = go_to(moving, next, err);
	return rc ? rc : 1;
}

/* All that follow: 1 at the end of the recording, 0 where something else ended it. */
static int move(struct moving *moving, struct skt_err *err)
{
	struct replay *replay = moving->replay;
	struct skt_step *step;
	int rc;

	while ((rc = span_next(replay, &moving->span, &step, err)) == 1) {
		int64_t due = pace_due(&replay->pace, step->boottime);
		uint64_t number = step->number;

		if (due <= pace_now() && number != moving->span.to) {
			moving->passed = number;
			rc = guard_wait(&moving->replay->guard, 0) == GUARD_TIME;
		} else {
			rc = moving->passed && step->from == INT64_MIN ? show_before(moving, number, err) : 1;
			if (rc == 1)
				rc = show(moving, due, err);
		}
		if (rc <= 0)
			return rc;
	}
	if (moving->span.over)
		moving->over = pace_due(&replay->pace, step->boottime);
	if (!rc && moving->passed) {
		rc = show_passed(moving, err);
		if (rc <= 0)
			return rc;
	}
	return rc < 0 ? rc : 1;
}

/* The last snapshot is in force for a while; a command is waited for in any case. */
static void stay(struct moving *moving)
{
	struct replay *replay = moving->replay;
	const struct skt_snapshot *last = skt_cursor_snapshot(replay->cursor);
	int64_t due = pace_now(), left;

	if (moving->span.over) {
		due = moving->over;
	} else if (last) {
		left = skt_file_span(replay->file).end - last->time;
		due = pace_due(&replay->pace, last->boottime + (left > 0 ? left : 0));
	}
	guard_wait(&replay->guard, replay->argv ? INT64_MAX : due);
}

int replay_moving(struct guard *guard, void *data)
{
	struct replay *replay = data;
	struct moving moving = { .replay = replay };
	struct skt_err err;
	int rc;

	skt_err_init(&err);
	rc = span_open(replay, &moving.span, &err);
	if (!rc)
		rc = room_make(&replay->room, &err);
	rc = rc ? rc : begin(&moving, &err);
	if (rc == 1)
		rc = move(&moving, &err);
	if (rc == 1)
		stay(&moving);
	if (rc < 0) {
		cli_err(&err);
		return cli_trouble();
	}
	/* with 0 the signal speaks, or the command has */
	if (replay->argv && !guard->signal)
		return guard_status(guard->status);
	return replay->trouble ? cli_trouble() : CLI_YES;
}
