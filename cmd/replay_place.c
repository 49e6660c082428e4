/* SPDX-License-Identifier: MIT */
#include "replay.h"

#include "recording.h"

#include <errno.h>
#include <stdlib.h>

/* What is behind the last snapshot of the recording is there once it has ended. */
static void place_end(struct replay *replay, uint64_t number)
{
	struct skt_span all = skt_file_span(replay->file);

	replay->place.last = all.ended && all.number == number;
	replay->place.until = replay->place.last ? all.end : 0;
	replay->place.missed = replay->place.last ? all.missed : 0;
}

/* Marks stand in the recording's order, and behind the snapshot of their number, which may be lost. */
static int place_marks(struct replay *replay, uint64_t before, uint64_t number, struct skt_err *err)
{
	struct skt_place *place = &replay->place;
	size_t from = 0, to;

	while (from < replay->n_marks && replay->marks[from].number < before)
		from++;
	for (to = from; to < replay->n_marks && replay->marks[to].number <= number; to++)
		;
	if (to - from > SKT_PLACE_MARKS_MAX)
		return skt_err_set(err, -E2BIG, "%zu marks at snapshot #%llu exceed the limit of %u", to - from,
				   (unsigned long long)number, SKT_PLACE_MARKS_MAX);
	free(place->marks);
	place->n_marks = 0;
	place->marks = calloc(to - from + 1, sizeof(*place->marks));
	if (!place->marks)
		return skt_err_set(err, -ENOMEM, "out of memory");
	for (; from < to; from++) {
		uint64_t back = number - replay->marks[from].number;

		place->marks[place->n_marks++] = (struct skt_place_mark){
			.time = replay->marks[from].time,
			.back = back < UINT32_MAX ? (uint32_t)back : UINT32_MAX,
			.text = replay->marks[from].text,
		};
	}
	return 0;
}

/* The last snapshot before this one that was read. What was dropped of a directory is no gap. */
static uint64_t number_before(const struct replay *replay)
{
	uint64_t before = replay->placed ? replay->placed : replay->before;

	return before ? before : skt_file_span(replay->file).dropped_snapshots;
}

/* Snapshots that are missing before this one, to which the step leads. */
static uint64_t gap_before(const struct replay *replay, const struct skt_step *step, uint64_t number)
{
	uint64_t before = number_before(replay);

	if (number > before + 1)
		return number - before - 1;
	/* that nothing leads from there to here is to be seen, though no number is missing */
	return replay->placed && step->from == INT64_MIN;
}

static int load_marks(struct replay *replay, struct skt_err *err)
{
	int rc = skt_file_marks(replay->file, &replay->marks, &replay->n_marks, err);

	/* one at the beginning of a file has the number 0, which may be in the midst of a directory */
	if (rc > 0) {
		recording_tell_marks(skt_file_name(replay->file));
		replay->trouble = true;
		rc = 0;
	}
	for (size_t i = 1; !rc && i < replay->n_marks; i++)
		if (replay->marks[i].number < replay->marks[i - 1].number)
			replay->marks[i].number = replay->marks[i - 1].number;
	return rc;
}

int replay_place(struct replay *replay, const struct skt_step *step, struct skt_err *err)
{
	uint64_t number = skt_cursor_snapshot(replay->cursor)->number, gap = 0, marks_from = number;
	int rc = replay->placed ? 0 : load_marks(replay, err);

	if (rc)
		return rc;
	if (step) {
		gap = gap_before(replay, step, number);
		/* of those behind the last before --from some may be within the span */
		marks_from = replay->placed ? replay->placed + 1 : replay->before;
	}
	replay->place.interval = skt_file_header(replay->file)->interval;
	replay->place.gap = gap < UINT32_MAX ? (uint32_t)gap : UINT32_MAX;
	replay->placed = number;
	replay->place.told = step;
	place_end(replay, number);
	return place_marks(replay, marks_from, number, err);
}

void replay_place_release(struct replay *replay)
{
	free(replay->place.marks);
	skt_marks_free(replay->marks, replay->n_marks);
}
