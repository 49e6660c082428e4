/* SPDX-License-Identifier: MIT */
#include "model/match.h"

#include "base/array.h"
#include "model/step.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct skt_matcher *skt_matcher_new(uint64_t seed)
{
	struct skt_matcher *matcher = calloc(1, sizeof(*matcher));

	if (!matcher)
		return NULL;
	matcher->seed = seed;
	map_init(&matcher->map);
	pairing_init(&matcher->pairing, seed);
	return matcher;
}

void skt_matcher_free(struct skt_matcher *matcher)
{
	if (!matcher)
		return;
	map_release(&matcher->map);
	pairing_release(&matcher->pairing);
	ordering_release(&matcher->ordering);
	free(matcher->process_slots);
	free(matcher->row_slots);
	free(matcher->offs);
	free(matcher);
}

static int match_users(struct match *match)
{
	struct skt_step *step = match->step;

	for (size_t i = 0; i < match->now->n_users; i++) {
		struct skt_user user = match->now->users[i];
		size_t have_len, len;
		const char *have = skt_snapshot_user(match->old, user.uid, &have_len);
		const char *name = skt_strtab_get(match->now->strings, user.name, &len);
		int rc;

		if (have && have_len == len && !memcmp(have, name, len))
			continue;
		rc = translate(&match->translation, &user.name);
		if (!rc)
			rc = array_room(&step->users, &step->room_users, step->n_users + 1, sizeof(*step->users));
		if (rc)
			return rc;
		step->users[step->n_users++] = user;
	}
	return 0;
}

static bool same_raw(const struct skt_table *a, const struct skt_table *b)
{
	if (a->n_raw != b->n_raw)
		return false;
	for (size_t i = 0; i < a->n_raw; i++)
		if (a->raw[i].before != b->raw[i].before || a->raw[i].text != b->raw[i].text)
			return false;
	return true;
}

static bool same_words(const struct skt_table *a, const struct skt_table *b)
{
	return a->status == b->status && a->source == b->source && a->error == b->error &&
	       a->read_time == b->read_time && a->read_us == b->read_us && a->duplicates == b->duplicates &&
	       a->malformed == b->malformed && a->heading == b->heading;
}

/*
 * Say now of a table, if that differs from what it said (have, NULL: nothing). now has neither rows nor raw lines;
 * those are of lines.
 */
static int add_words(struct match *match, uint32_t slot, const struct skt_table *have, const struct skt_table *now,
		     const struct skt_table *lines)
{
	struct skt_step *step = match->step;
	struct skt_table_change change = { .slot = slot, .now = *now };
	int rc = array_room(&step->tables, &step->room_tables, step->n_tables + 1, sizeof(*step->tables));

	if (!rc)
		rc = translate(&match->translation, &change.now.heading);
	for (size_t i = 0; !rc && i < lines->n_raw; i++) {
		uint32_t text = lines->raw[i].text;

		rc = translate(&match->translation, &text);
		if (!rc)
			rc = skt_table_add_raw(&change.now, lines->raw[i].before, text);
	}
	change.raw_changed = !rc && (!have || !same_raw(have, &change.now));
	if (change.raw_changed || (!rc && !same_words(have, &change.now))) {
		step->tables[step->n_tables++] = change;
		if (change.raw_changed)
			return 0;
		step->tables[step->n_tables - 1].now.raw = NULL;
		step->tables[step->n_tables - 1].now.n_raw = 0;
	}
	free(change.now.raw);
	return rc;
}

/* What a table says, without its rows and lines. */
static struct skt_table words_of(const struct skt_table *table)
{
	struct skt_table words = *table;

	words.order = NULL;
	words.n_rows = 0;
	words.raw = NULL;
	words.n_raw = 0;
	return words;
}

/* What a table that was read says now. */
static int match_words(struct match *match, uint32_t slot, const struct skt_table *have, const struct skt_table *table)
{
	struct skt_table now = words_of(table);

	return add_words(match, slot, have, &now, table);
}

/*
 * Lines were read under a heading that could not be believed: they are what the table says now. Its rows are not known,
 * which is not none, so those of the last good read stay, and when that was.
 */
static int match_unbelieved(struct match *match, uint32_t slot, uint8_t status, const struct skt_table *after)
{
	const struct skt_table *have = &match->old->tables[slot];
	struct skt_table now = words_of(after);

	now.status = status;
	now.read_time = have->read_time;
	now.read_us = have->read_us;
	now.duplicates = have->duplicates;
	return add_words(match, slot, have, &now, after);
}

/* A table that could not be read, or is gone: what was known of it, with another status. */
static int restate_table(struct match *match, uint32_t slot, uint8_t status, int32_t error, bool gone)
{
	const struct skt_table *have = &match->old->tables[slot];
	struct skt_step *step = match->step;
	struct skt_table_change *change;

	if (!gone && have->status == status && have->error == error)
		return 0;
	if (array_room(&step->tables, &step->room_tables, step->n_tables + 1, sizeof(*step->tables)))
		return -ENOMEM;
	change = &step->tables[step->n_tables++];
	*change = (struct skt_table_change){ .slot = slot, .now = words_of(have) };
	change->now.status = status;
	change->now.error = error;
	change->now.gone = gone;
	return 0;
}

static uint64_t table_hash(const struct match *match, const struct skt_table *table)
{
	return hash_mix(hash_mix(match->matcher->seed, table->kind), table->net_namespace);
}

/* Make these the tables in which find_table() looks. */
static int index_tables(struct match *match, const struct skt_table *tables, size_t n)
{
	struct map *map = &match->matcher->map;

	if (map_reset(map, n))
		return -ENOMEM;
	for (size_t i = n; i-- > 0;)
		if (!tables[i].gone)
			map_add(map, table_hash(match, &tables[i]), (uint32_t)i);
	return 0;
}

/* The table of the same kind and namespace, or MAP_NONE. */
static uint32_t find_table(const struct match *match, const struct skt_table *tables, const struct skt_table *wanted)
{
	const struct map *map = &match->matcher->map;
	uint32_t i = map_first(map, table_hash(match, wanted));

	while (i != MAP_NONE && (tables[i].kind != wanted->kind || tables[i].net_namespace != wanted->net_namespace))
		i = map_next(map, i);
	return i;
}

static int match_table(struct match *match, uint32_t slot, const struct skt_table *after)
{
	const struct skt_table *before = slot < match->old->n_tables ? &match->old->tables[slot] : NULL;
	int rc;

	if (before && after->status == SKT_TABLE_UNKNOWN) {
		/* not empty, not known: what was known stays */
		uint8_t status = before->status == SKT_TABLE_UNKNOWN ? SKT_TABLE_UNKNOWN : SKT_TABLE_STALE;

		uint32_t heading = after->heading;

		rc = translate(&match->translation, &heading);
		if (rc)
			return rc;
		if (after->n_raw || (heading && heading != before->heading))
			return match_unbelieved(match, slot, status, after);
		return restate_table(match, slot, status, after->error, false);
	}
	rc = match_words(match, slot, before, after);
	return rc ? rc : match_rows(match, slot, before, after);
}

static int match_table_gone(struct match *match, uint32_t slot)
{
	int rc = match_lost(match, slot);

	return rc ? rc : restate_table(match, slot, SKT_TABLE_UNKNOWN, match->old->tables[slot].error, true);
}

static int match_known_tables(struct match *match)
{
	const struct skt_snapshot *old = match->old, *now = match->now;
	int rc = index_tables(match, now->tables, now->n_tables);

	for (uint32_t slot = 0; !rc && slot < old->n_tables; slot++) {
		uint32_t at;

		if (old->tables[slot].gone)
			continue;
		at = find_table(match, now->tables, &old->tables[slot]);
		rc = at == MAP_NONE ? match_table_gone(match, slot) : match_table(match, slot, &now->tables[at]);
	}
	return rc;
}

static int match_new_tables(struct match *match)
{
	const struct skt_snapshot *old = match->old, *now = match->now;
	uint32_t slot = (uint32_t)old->n_tables;
	int rc = index_tables(match, old->tables, old->n_tables);

	for (size_t i = 0; !rc && i < now->n_tables; i++)
		if (!now->tables[i].gone && find_table(match, old->tables, &now->tables[i]) == MAP_NONE)
			rc = match_table(match, slot++, &now->tables[i]);
	return rc;
}

/* No timer is off yet. */
static int begin_timers(struct skt_matcher *matcher, size_t n)
{
	if (array_room(&matcher->offs, &matcher->room_offs, n, sizeof(*matcher->offs)))
		return -ENOMEM;
	if (n)
		memset(matcher->offs, 0, n * sizeof(*matcher->offs));
	return 0;
}

/* Those that are, by slot: there may be one for every row, and rows are met in another order. */
static int match_timers(struct match *match)
{
	struct skt_step *step = match->step;
	const int32_t *offs = match->matcher->offs;
	size_t n = match->old->n_socks;

	for (size_t slot = 0; slot < n; slot++) {
		if (!offs[slot])
			continue;
		if (array_room(&step->timers, &step->room_timers, step->n_timers + 1, sizeof(*step->timers)))
			return -ENOMEM;
		step->timers[step->n_timers++] = (struct skt_timer_off){ .slot = (uint32_t)slot, .off = offs[slot] };
	}
	return 0;
}

int skt_match(struct skt_matcher *matcher, struct skt_snapshot *old, const struct skt_snapshot *now, bool from_nothing,
	      struct skt_step *ret)
{
	struct match match = {
		.matcher = matcher,
		.old = old,
		.now = now,
		.from_nothing = from_nothing,
		.step = ret,
		.next_sock = (uint32_t)old->n_socks,
		.next_process = (uint32_t)old->n_processes,
	};
	int rc = translation_init(&match.translation, now->strings, old->strings);

	if (rc)
		return rc;
	skt_step_clear(ret);
	ret->number = now->number;
	ret->time = now->time;
	ret->end = now->end;
	ret->boottime = now->boottime;
	ret->missed = now->missed;
	ret->quality = now->quality;
	ret->from = from_nothing ? INT64_MIN : old->time;
	rc = begin_timers(matcher, old->n_socks);
	if (!rc)
		rc = match_users(&match);
	if (!rc)
		rc = match_processes(&match);
	if (!rc)
		rc = match_known_tables(&match);
	if (!rc)
		rc = match_new_tables(&match);
	if (!rc)
		rc = match_timers(&match);
	if (!rc)
		step_set_intervals(ret, old);
	translation_release(&match.translation);
	return rc;
}
