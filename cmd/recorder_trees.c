/* SPDX-License-Identifier: MIT */
#include "recorder_trees.h"

#include "cli.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For --trees the clock stands still at the instant that the tree is named for. */
static void read_tree_time(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	const struct recorder *recorder = data;

	*ret_realtime = recorder->tree_time;
	*ret_boottime = recorder->tree_time;
}

/* ---- opening ---- */

int recorder_trees_turn(struct recorder *recorder, size_t i, struct skt_err *err)
{
	int fd = trees_tree(&recorder->trees, i, recorder->tree_path, sizeof(recorder->tree_path), err);

	if (fd < 0)
		return fd;
	recorder->tree_time = recorder->trees.trees[i].when;
	if (recorder->tree_fd < 0) {
		recorder->tree_fd = fd;
		return 0;
	}
	/* the descriptor that capture reads is made to lead there, so that it remembers what it saw before */
	dup3(fd, recorder->tree_fd, O_CLOEXEC);
	close(fd);
	return 0;
}

/* Of one recording: what is known of its trees must not contradict. What one of them does not say the next one may. */
static bool is_another(struct recorder *recorder, const struct skt_host *host)
{
	if ((*recorder->host.boot_id && *host->boot_id && strcmp(recorder->host.boot_id, host->boot_id) != 0) ||
	    (recorder->host.net_namespace && host->net_namespace &&
	     recorder->host.net_namespace != host->net_namespace))
		return true;
	if (*host->boot_id)
		memcpy(recorder->host.boot_id, host->boot_id, sizeof(recorder->host.boot_id));
	if (host->net_namespace)
		recorder->host.net_namespace = host->net_namespace;
	return false;
}

/* What it says itself of its time. The interval of a recording is that of its first tree. */
static void note_place(struct recorder *recorder, const struct skt_capture *capture, struct named_tree *tree)
{
	const struct skt_place *place;
	int64_t time;

	tree->boottime = -1;
	place = skt_capture_place(capture, &time, &tree->boottime);
	if (place && !recorder->capture)
		recorder->interval_told = place->interval;
	if (place && time != tree->when)
		tree->boottime = -1;
}

/* Whether this is a tree, and one of the same recording as the first, which is opened for good. */
static int check_tree(struct recorder *recorder, struct named_tree *tree, struct skt_err *err)
{
	struct skt_capture_options asked = recorder_capture_options(recorder, recorder->tree_path);
	struct skt_capture *capture;
	int rc = skt_capture_open(recorder->tree_fd, &asked, &capture, err);

	if (rc)
		return rc;
	if (skt_capture_is_live(capture))
		rc = skt_err_set(err, -EINVAL, "it is a running kernel's /proc, not a tree of files");
	else if (is_another(recorder, skt_capture_host(capture)))
		rc = skt_err_set(err, -EINVAL, "boot or network namespace is another than in the trees before it");
	if (rc)
		skt_err_at(err, recorder->tree_path, -1);
	else
		note_place(recorder, capture, tree);
	if (rc || recorder->capture)
		skt_capture_free(capture);
	else
		recorder->capture = capture;
	return rc;
}

/* All are looked at before anything is written. */
int recorder_trees_open(struct recorder *recorder, struct skt_err *err)
{
	int rc = trees_open(recorder->trees_dir, &recorder->trees, err);

	recorder->clock = (struct skt_clock){ .read = read_tree_time, .data = recorder };
	recorder->tree = recorder->tree_path;
	for (size_t i = 0; !rc && i < recorder->trees.n; i++) {
		rc = recorder_trees_turn(recorder, i, err);
		if (!rc)
			rc = check_tree(recorder, &recorder->trees.trees[i], err);
	}
	if (!rc)
		trees_order(&recorder->trees);
	return rc ? rc : recorder_trees_turn(recorder, 0, err);
}

/* ---- one after the other ---- */

static int64_t later(int64_t when, int64_t by)
{
	int64_t sum;

	return __builtin_add_overflow(when, by, &sum) ? when : sum;
}

/* Of one that may not be known. */
static int64_t later_if_known(int64_t when, int64_t by)
{
	return when ? skt_time_known(later(when, by)) : 0;
}

/*
 * A tree that was written of a recording says itself when it was (.skt-meta). Whoever gives it another name moves it to
 * another time, with all that happened then. By how much.
 */
static int64_t move_in_time(struct skt_snapshot *read, int64_t when)
{
	int64_t by = when - read->time;

	if (!by)
		return 0;
	read->time = when;
	read->end = later(read->end, by);
	read->quality.checked_since = later_if_known(read->quality.checked_since, by);
	for (size_t i = 0; i < read->n_tables; i++)
		read->tables[i].read_time = later_if_known(read->tables[i].read_time, by);
	return by;
}

/*
 * Some more of the snapshots that are missing before the next one. Of those before the first group readers know by its
 * number.
 */
static int tell_gap(struct recorder *recorder, uint64_t snapshots, struct skt_err *err)
{
	recorder->lost += snapshots;
	return snapshots && recorder->writer ? skt_writer_gap(recorder->writer, snapshots, err) : 0;
}

static int tell_mark(struct recorder *recorder, const struct skt_place_mark *mark, struct skt_err *err)
{
	int64_t when = later(mark->time, recorder->moved_by);
	int rc = recorder->writer ? skt_writer_mark(recorder->writer, when, mark->text, err) : 0;

	return output_failed(recorder, rc, err);
}

/*
 * Whether trees that led to this one are not here: what was told on the way from them is not, either, and nobody
 * listened then. Numbers are those of the recording; a tree that does not say its own has none.
 */
static void note_missing(struct recorder *recorder, const struct skt_place *place)
{
	struct skt_snapshot *read = &recorder->read;

	if (place && recorder->snapshots && !place->gap && read->number != recorder->tree_number + 1) {
		read->quality.events_tables = 0;
		read->quality.lived_told = false;
	}
	recorder->tree_number = place ? read->number : UINT64_MAX;
}

int recorder_trees_before(struct recorder *recorder, struct skt_err *err)
{
	int64_t time, boottime;
	const struct skt_place *place = skt_capture_place(recorder->capture, &time, &boottime);
	uint64_t left;
	int rc = 0;

	recorder->moved_by = move_in_time(&recorder->read, recorder->tree_time);
	note_missing(recorder, place);
	if (!place)
		return 0;
	left = place->gap;
	if (left) {
		if (recorder->watch.on && recorder->snapshots)
			cli_say("%s: gap: %llu snapshot%s before it could not be recorded: what came and went there is not known",
				recorder->tree_path, (unsigned long long)left, left == 1 ? "" : "s");
		skt_snapshot_clear(&recorder->now, recorder->now.strings);
		recorder->from_nothing = true;
	}
	for (size_t i = 0; !rc && i < place->n_marks && place->marks[i].back; i++) {
		/* so many of the gap are behind the mark */
		uint64_t behind = place->marks[i].back - 1;

		if (left > behind) {
			rc = tell_gap(recorder, left - behind, err);
			left = behind;
		}
		if (!rc)
			rc = tell_mark(recorder, &place->marks[i], err);
	}
	return rc ? rc : tell_gap(recorder, left, err);
}

/*
 * An event's instant by that much later. Every one is an instant, 0 too, and none may be behind the next one then: what
 * would be further from 1970, or from its snapshot, than a recording has it stands at the border. No tree is of an
 * instant before 1970.
 */
static int64_t move_event(int64_t when, int64_t by, int64_t snapshot)
{
	int64_t from = snapshot - TREES_WHEN_MAX;

	if (__builtin_add_overflow(when, by, &when))
		when = by < 0 ? INT64_MIN : INT64_MAX;
	if (when < from)
		return from;
	return when > TREES_WHEN_MAX ? TREES_WHEN_MAX : when;
}

void recorder_trees_told(struct recorder *recorder)
{
	for (size_t i = 0; i < recorder->step.n_events; i++) {
		int64_t *when = &recorder->step.events[i].when;

		*when = move_event(*when, recorder->moved_by, recorder->now.time);
	}
}

int recorder_trees_after(struct recorder *recorder, bool last, struct skt_err *err)
{
	int64_t time, boottime;
	const struct skt_place *place = skt_capture_place(recorder->capture, &time, &boottime);
	int rc = 0;

	for (size_t i = 0; place && !rc && i < place->n_marks; i++)
		if (!place->marks[i].back)
			rc = tell_mark(recorder, &place->marks[i], err);
	if (rc || !last || !place || !place->last)
		return rc;
	/* what the clock says when all is done is the end of the recording */
	recorder->tree_time = later(place->until, recorder->moved_by);
	recorder->missed += place->missed;
	if (recorder->writer)
		skt_writer_missed(recorder->writer, place->missed);
	return 0;
}
