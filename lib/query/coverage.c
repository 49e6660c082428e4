/* SPDX-License-Identifier: MIT */
#include <skt/coverage.h>

#include "base/array.h"
#include "model/heard.h"
#include "query/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct skt_coverage_place {
	uint64_t net_namespace;
	int64_t since;	   /* when it was first listed, or the look before that; INT64_MIN: at the first look */
	int64_t last_read; /* INT64_MIN: never */
	int64_t hole;	   /* since when it could not be read, where there is an error */
	int32_t error;
	uint8_t kind;
	bool there;
};

int skt_coverage_init(struct skt_coverage *coverage, uint32_t kinds, uint64_t seed)
{
	struct lookup *by_key = malloc(sizeof(*by_key));
	struct heard *heard = calloc(1, sizeof(*heard));

	memset(coverage, 0, sizeof(*coverage));
	coverage->kinds = kinds;
	coverage->seed = seed;
	coverage->first = INT64_MIN;
	coverage->last = INT64_MIN;
	coverage->rest = INT64_MIN;
	coverage->earliest = INT64_MAX;
	if (!by_key || !heard) {
		free(by_key);
		free(heard);
		return -ENOMEM;
	}
	lookup_init(by_key);
	coverage->by_key = by_key;
	coverage->heard = heard;
	return 0;
}

void skt_coverage_release(struct skt_coverage *coverage)
{
	if (coverage->by_key)
		lookup_release(coverage->by_key);
	free(coverage->by_key);
	free(coverage->heard);
	free(coverage->holes);
	free(coverage->places);
	memset(coverage, 0, sizeof(*coverage));
}

static int add_hole(struct skt_coverage *coverage, const struct skt_hole *hole)
{
	if (coverage->n_holes >= SKT_HOLES_MAX) {
		coverage->more_holes++;
		return 0;
	}
	if (array_room(&coverage->holes, &coverage->room_holes, coverage->n_holes + 1, sizeof(*coverage->holes)))
		return -ENOMEM;
	coverage->holes[coverage->n_holes++] = *hole;
	return 0;
}

/* Nothing was looked at in between; a clock that was set back says nothing. */
static void see_blind(struct skt_coverage *coverage, uint32_t kinds, int64_t after, int64_t until)
{
	uint64_t length, have;

	if (after == INT64_MIN || until <= after)
		return;
	coverage->blind_kinds |= kinds;
	length = (uint64_t)until - (uint64_t)after;
	have = (uint64_t)coverage->blind_until - (uint64_t)coverage->blind_after;
	/* of equally long ones that which ended first, in whatever order they come */
	if (length < have || (length == have && until >= coverage->blind_until))
		return;
	coverage->blind_after = after;
	coverage->blind_until = until;
}

/* Between two reads of a table of this kind. */
static void see_interval(struct skt_coverage *coverage, unsigned kind, int64_t after, int64_t until)
{
	if (heard_all(coverage->heard, kind, after, until))
		coverage->heard_kinds |= 1u << kind;
	else
		see_blind(coverage, 1u << kind, after, until);
}

void skt_coverage_skip(struct skt_coverage *coverage, uint64_t snapshots, int64_t first, int64_t last)
{
	if (!coverage->snapshots)
		coverage->first = first;
	if (first < coverage->earliest)
		coverage->earliest = first;
	coverage->snapshots += snapshots;
	coverage->last = last;
	for (size_t i = 0; i < coverage->n_places; i++) {
		coverage->places[i].there = false;
		coverage->places[i].last_read = INT64_MIN;
		coverage->places[i].since = INT64_MIN;
	}
}

void skt_coverage_left(struct skt_coverage *coverage, const struct skt_left *left)
{
	coverage->heard_kinds |= left->heard_kinds;
	see_blind(coverage, left->blind_kinds, left->blind_after, left->blind_until);
	coverage->missed += left->missed;
	coverage->denied = left->denied > coverage->denied ? left->denied : coverage->denied;
	coverage->netns_denied =
		left->netns_denied > coverage->netns_denied ? left->netns_denied : coverage->netns_denied;
}

static struct skt_coverage_place *find(struct skt_coverage *coverage, const struct skt_table *table, uint64_t hash)
{
	const struct lookup *by_key = coverage->by_key;

	for (uint32_t i = lookup_first(by_key, hash); i != MAP_NONE; i = lookup_next(by_key, i))
		if (coverage->places[i].kind == table->kind &&
		    coverage->places[i].net_namespace == table->net_namespace)
			return &coverage->places[i];
	return NULL;
}

static int place_of(struct skt_coverage *coverage, const struct skt_table *table, struct skt_coverage_place **ret)
{
	uint64_t hash = hash_mix(hash_mix(coverage->seed, table->net_namespace), table->kind);

	*ret = find(coverage, table, hash);
	if (*ret)
		return 0;
	if (array_room(&coverage->places, &coverage->room_places, coverage->n_places + 1, sizeof(*coverage->places)) ||
	    lookup_add(coverage->by_key, hash))
		return -ENOMEM;
	*ret = &coverage->places[coverage->n_places++];
	memset(*ret, 0, sizeof(**ret));
	(*ret)->kind = table->kind;
	(*ret)->net_namespace = table->net_namespace;
	(*ret)->last_read = INT64_MIN;
	(*ret)->since = INT64_MIN;
	return 0;
}

static int end_hole(struct skt_coverage *coverage, struct skt_coverage_place *place, int64_t until)
{
	struct skt_hole hole = { .kind = SKT_HOLE_TABLE,
				 .table = place->kind,
				 .error = place->error,
				 .net_namespace = place->net_namespace,
				 .after = place->hole,
				 .until = until };

	if (!place->error)
		return 0;
	place->error = 0;
	return add_hole(coverage, &hole);
}

/* It is gone, or this is the end: was it ever read? */
static int end_place(struct skt_coverage *coverage, struct skt_coverage_place *place, int64_t until)
{
	struct skt_hole hole = { .kind = SKT_HOLE_UNREAD,
				 .table = place->kind,
				 .net_namespace = place->net_namespace,
				 .after = place->since,
				 .until = until };
	bool unread = place->last_read == INT64_MIN && !place->error;

	return unread ? add_hole(coverage, &hole) : end_hole(coverage, place, until);
}

static int see_table(struct skt_coverage *coverage, const struct skt_table *table, const struct skt_snapshot *snapshot,
		     int64_t since)
{
	struct skt_coverage_place *place;
	int rc = coverage->kinds & 1u << table->kind ? place_of(coverage, table, &place) : 1;

	if (rc)
		return rc < 0 ? rc : 0;
	if (table->gone) {
		rc = place->there ? end_place(coverage, place, snapshot->time) : 0;
		place->there = false;
		return rc;
	}
	/* a number that was free is another namespace's now */
	if (!place->there && place->last_read != INT64_MIN && since != INT64_MIN)
		place->last_read = INT64_MIN;
	if (!place->there && place->last_read == INT64_MIN)
		place->since = since;
	place->there = true;
	if (table->read_time && table->read_time != place->last_read) {
		int64_t after = place->last_read != INT64_MIN ? place->last_read : place->since;

		see_interval(coverage, place->kind, after, table->read_time);
		rc = end_hole(coverage, place, table->read_time);
		place->last_read = table->read_time;
	}
	if (!rc && table->error && table->status != SKT_TABLE_FRESH && !place->error) {
		place->error = table->error;
		place->hole = place->last_read != INT64_MIN ? place->last_read : place->since;
	}
	return rc;
}

static int see_tables(struct skt_coverage *coverage, const struct skt_snapshot *snapshot, const struct skt_step *step)
{
	int rc = 0;

	/* over a gap a table that is listed on both sides is taken for the same, and was not read in between */
	if (!step || step->from == INT64_MIN) {
		for (size_t i = 0; i < snapshot->n_tables && !rc; i++)
			if (!snapshot->tables[i].gone)
				rc = see_table(coverage, &snapshot->tables[i], snapshot, INT64_MIN);
		return rc;
	}
	for (size_t i = 0; i < step->n_tables && !rc; i++)
		rc = see_table(coverage, &snapshot->tables[step->tables[i].slot], snapshot, step->from);
	return rc;
}

/* More was told than could be taken: it may have been told over several steps. */
static int lose_events(struct skt_coverage *coverage, const struct skt_quality *quality)
{
	struct skt_hole hole = { .kind = SKT_HOLE_EVENTS,
				 .after = quality->events_lost_since,
				 .until = quality->events_lost_until };
	struct skt_hole *last = coverage->n_holes ? &coverage->holes[coverage->n_holes - 1] : NULL;

	if (!last || last->kind != SKT_HOLE_EVENTS || last->until < hole.after)
		return add_hole(coverage, &hole);
	last->after = hole.after < last->after ? hole.after : last->after;
	last->until = hole.until > last->until ? hole.until : last->until;
	return 0;
}

/* What was told of what went since the snapshot before; where the stretch begins that is none of it. */
static int listen(struct skt_coverage *coverage, const struct skt_snapshot *snapshot, bool begins)
{
	const struct skt_quality *quality = &snapshot->quality;

	heard_step(coverage->heard, snapshot, begins);
	if (begins || !quality->events_lost_until || !(quality->events_tables & coverage->kinds))
		return 0;
	return lose_events(coverage, quality);
}

int skt_coverage_step(struct skt_coverage *coverage, const struct skt_snapshot *snapshot, const struct skt_step *step)
{
	struct skt_hole hole = { .kind = SKT_HOLE_LOST, .after = coverage->last, .until = snapshot->time };
	bool begins = !step || step->from == INT64_MIN;
	int rc = 0;

	if (coverage->lost)
		rc = add_hole(coverage, &hole);
	coverage->lost = false;
	if (!rc)
		rc = listen(coverage, snapshot, begins);
	if (begins)
		for (size_t i = 0; i < coverage->n_places; i++)
			coverage->places[i].there = false;
	if (!rc)
		rc = see_tables(coverage, snapshot, step);
	/* of what is not there after a gap nobody knows whether it was there in it */
	if (!coverage->snapshots++)
		coverage->first = snapshot->time;
	if (snapshot->time < coverage->earliest)
		coverage->earliest = snapshot->time;
	coverage->last = snapshot->time;
	if (step)
		coverage->missed += snapshot->missed;
	if (snapshot->quality.denied > coverage->denied)
		coverage->denied = snapshot->quality.denied;
	if (snapshot->quality.netns_denied > coverage->netns_denied)
		coverage->netns_denied = snapshot->quality.netns_denied;
	return rc;
}

void skt_coverage_lost(struct skt_coverage *coverage)
{
	coverage->lost = true;
}

/* Whether nothing is known up to the first snapshot for what stands before it is lost. */
static bool is_lost_before(const struct skt_coverage *coverage)
{
	for (size_t i = 0; i < coverage->n_holes; i++)
		if (coverage->holes[i].kind == SKT_HOLE_LOST && coverage->holes[i].after == INT64_MIN)
			return true;
	return false;
}

void skt_coverage_rest(struct skt_coverage *coverage, int64_t until, uint64_t missed)
{
	coverage->rest = until;
	coverage->missed += missed;
}

int skt_coverage_end(struct skt_coverage *coverage, int64_t from, int64_t to, int64_t end)
{
	struct skt_hole before = { .kind = SKT_HOLE_OUTSIDE, .after = from, .until = coverage->earliest };
	struct skt_hole lost = { .kind = SKT_HOLE_LOST, .after = coverage->last, .until = to };
	struct skt_hole after = { .kind = SKT_HOLE_OUTSIDE, .after = end, .until = to };
	int64_t until = coverage->rest > coverage->last ? coverage->rest : coverage->last;
	int rc = 0;

	if (coverage->snapshots && from != INT64_MIN && from < coverage->earliest && !is_lost_before(coverage))
		rc = add_hole(coverage, &before);
	for (size_t i = 0; i < coverage->n_places && !rc; i++) {
		struct skt_coverage_place *place = &coverage->places[i];

		if (!place->there)
			continue;
		see_blind(coverage, 1u << place->kind, place->last_read, until);
		rc = end_place(coverage, place, coverage->last);
	}
	if (!rc && coverage->lost)
		rc = add_hole(coverage, &lost);
	else if (!rc && to != INT64_MAX && to > end)
		rc = add_hole(coverage, &after);
	return rc;
}
