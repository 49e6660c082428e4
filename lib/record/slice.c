/* SPDX-License-Identifier: MIT */
#include <skt/record.h>

#include "base/array.h"
#include "model/step.h"
#include "record/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct skt_slice {
	struct skt_writer *writer; /* borrowed */
	struct skt_matcher *matcher;
	struct skt_snapshot now;    /* in force in the slice */
	struct skt_snapshot picked; /* what comes next */
	struct skt_step step;
	uint32_t *slots; /* from the source's rows to those of picked */
	size_t room_slots;
	uint32_t *tables; /* the same of tables */
	size_t room_tables;
	struct skt_event *events; /* of the step, as picked numbers rows */
	size_t n_events, room_events;
	const bool *keep_events; /* of the next step; NULL: not told */
	uint64_t source_number;	 /* of the last snapshot, 0: none yet */
	uint64_t number;	 /* the same in the slice */
};

int skt_slice_new(struct skt_writer *writer, uint64_t seed, struct skt_slice **ret)
{
	struct skt_slice *slice = calloc(1, sizeof(*slice));

	if (!slice)
		return -ENOMEM;
	slice->writer = writer;
	slice->matcher = skt_matcher_new(seed);
	if (!slice->matcher || skt_snapshot_init(&slice->now, NULL, seed) ||
	    skt_snapshot_init(&slice->picked, NULL, seed)) {
		skt_slice_free(slice);
		return -ENOMEM;
	}
	*ret = slice;
	return 0;
}

void skt_slice_free(struct skt_slice *slice)
{
	if (!slice)
		return;
	skt_matcher_free(slice->matcher);
	skt_snapshot_release(&slice->now);
	skt_snapshot_release(&slice->picked);
	skt_step_release(&slice->step);
	free(slice->slots);
	free(slice->tables);
	free(slice->events);
	free(slice);
}

/* Nothing leads from what stands there to what comes next. */
static int begin_again(struct skt_slice *slice)
{
	struct skt_strtab *strings = skt_strtab_new(skt_strtab_seed(slice->now.strings));

	if (!strings)
		return -ENOMEM;
	skt_snapshot_clear(&slice->now, strings);
	skt_strtab_unref(strings);
	return 0;
}

/* Tables that are gone were left out, and the others follow each other as they did. */
static int number_tables(struct skt_slice *slice, const struct skt_snapshot *snapshot)
{
	uint32_t n = 0;

	if (array_room(&slice->tables, &slice->room_tables, snapshot->n_tables + 1, sizeof(*slice->tables)))
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->n_tables; i++)
		slice->tables[i] = snapshot->tables[i].gone ? SKT_NO_SLOT : n++;
	return 0;
}

/*
 * What was told of rows that are kept, or, where they closed with this very step, were. An event of a row that no look
 * has seen is kept as well, unless it was said which are.
 */
static int pick_events(struct skt_slice *slice, const struct skt_snapshot *snapshot, const struct skt_step *step,
		       const bool *rows)
{
	size_t n = step ? step->n_events : 0;

	slice->n_events = 0;
	if (!n)
		return 0;
	if (number_tables(slice, snapshot) ||
	    array_room(&slice->events, &slice->room_events, n, sizeof(*slice->events)))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct skt_event event = step->events[i];
		bool seen = event.slot < snapshot->n_socks;
		bool kept = slice->keep_events ? slice->keep_events[i] : !seen || !rows || rows[event.slot];

		if (!kept || slice->tables[event.table] == SKT_NO_SLOT)
			continue;
		event.table = slice->tables[event.table];
		event.slot = seen ? slice->slots[event.slot] : SKT_NO_SLOT;
		/* that it was seen is still true */
		if (event.slot == SKT_NO_SLOT && step->events[i].slot != SKT_NO_SLOT)
			event.has |= SKT_BIT(SKT_E_LATE);
		slice->events[slice->n_events++] = event;
	}
	return 0;
}

void skt_slice_events(struct skt_slice *slice, const bool *events)
{
	slice->keep_events = events;
}

/* The step from what stands there to what was picked, taken. */
static int make_step(struct skt_slice *slice, bool from_nothing, const struct skt_snapshot *source,
		     const struct skt_step *told, struct skt_err *err)
{
	int rc = skt_match(slice->matcher, &slice->now, &slice->picked, from_nothing, &slice->step);

	if (rc)
		return skt_err_set(err, rc,
				   rc == -E2BIG ? "snapshot exceeds what a recording may hold" : "out of memory");
	rc = skt_apply(&slice->now, &slice->step, err);
	if (!rc && events_carry(slice->events, slice->n_events, &slice->picked, &slice->now, &slice->step))
		rc = skt_err_set(err, -ENOMEM, "out of memory");
	if (rc || !told)
		return rc;
	rc = step_carry_lived(told, source, &slice->now, &slice->step);
	return rc ? skt_err_set(err, rc, rc == -E2BIG ? "snapshot exceeds what a recording may hold" : "out of memory")
		  : 0;
}

int skt_slice_add(struct skt_slice *slice, const struct skt_snapshot *snapshot, const struct skt_step *step,
		  const bool *rows, struct skt_err *err)
{
	bool from_nothing = !step || step->from == INT64_MIN;
	int rc;

	if (slice->number && from_nothing) {
		uint64_t next = slice->source_number + 1;

		rc = skt_slice_gap(slice, snapshot->number > next ? snapshot->number - next : 0, err);
		if (rc)
			return rc;
	}
	rc = from_nothing ? begin_again(slice) : 0;
	if (!rc && array_room(&slice->slots, &slice->room_slots, snapshot->n_socks + 1, sizeof(*slice->slots)))
		rc = -ENOMEM;
	if (!rc)
		rc = skt_snapshot_pick(snapshot, rows, &slice->picked, slice->slots);
	if (!rc)
		rc = pick_events(slice, snapshot, step, rows);
	slice->keep_events = NULL;
	if (rc)
		return skt_err_set(err, rc, "out of memory");
	slice->source_number = snapshot->number;
	slice->picked.number = ++slice->number;
	/* what was missed before the slice begins is none of it */
	if (!step)
		slice->picked.missed = 0;
	/*
	 * who lived only between two looks may have held what is only told of: of what is selected only that is left
	 * open
	 */
	rc = make_step(slice, from_nothing, snapshot, !from_nothing && (!rows || slice->n_events) ? step : NULL, err);
	return rc ? rc : skt_writer_add(slice->writer, &slice->now, &slice->step, err);
}

int skt_slice_gap(struct skt_slice *slice, uint64_t snapshots, struct skt_err *err)
{
	/* a gap of none would be none: readers know of it by the numbers */
	uint64_t lost = snapshots ? snapshots : 1;
	int rc = skt_writer_gap(slice->writer, lost, err);

	if (!rc)
		slice->number += lost;
	return rc;
}
