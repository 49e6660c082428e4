/* SPDX-License-Identifier: MIT */
#include "record/reading.h"

#include "record/block.h"

#include <errno.h>
#include <string.h>

/* What a step says of itself: when it was taken, how well the look went, its tables and the names of users. */

static int64_t get_time(struct cur *in)
{
	int64_t when = (int64_t)cur_le64(in);

	if (!block_time_is_good(when)) {
		cur_fail(in);
		return 0;
	}
	return when;
}

static void get_table(struct reading *reading, struct skt_table_change *change, struct cur *in)
{
	struct skt_table *now = &change->now;
	int64_t error;
	uint8_t flags;

	memset(change, 0, sizeof(*change));
	change->slot = (uint32_t)cur_count(in, SKT_TABLES_MAX - 1);
	flags = cur_byte(in);
	now->gone = flags & 1;
	change->raw_changed = flags >> 1 & 1;
	now->kind = cur_byte(in);
	now->source = cur_byte(in);
	now->status = cur_byte(in);
	/* a table that is gone has no lines any more */
	if (now->kind >= SKT_TABLE_KINDS || now->status > SKT_TABLE_STALE || flags > 2)
		cur_fail(in);
	now->net_namespace = cur_varint(in);
	now->heading = get_string(reading, in);
	error = cur_zigzag(in);
	if (error > 0 || error < INT32_MIN)
		cur_fail(in);
	now->error = (int32_t)error;
	if (cur_count(in, 1))
		now->read_time = get_time_near(in, reading->step->time);
	now->read_us = (uint32_t)cur_count(in, UINT32_MAX);
	now->duplicates = (uint32_t)cur_count(in, UINT32_MAX);
	now->malformed = (uint32_t)cur_count(in, UINT32_MAX);
}

/* had is how many there were for tables before it. */
static size_t get_raw(struct reading *reading, struct skt_table_change *change, size_t had, struct cur *in)
{
	size_t n = cur_count(in, at_most(cur_left(in) / 2, SKT_RAW_MAX - had));

	for (uint64_t i = 0; i < n && !in->bad; i++) {
		uint32_t before = (uint32_t)cur_count(in, SKT_SOCKS_MAX);
		uint32_t text = get_string(reading, in);
		int rc = in->bad ? 0 : skt_table_add_raw(&change->now, before, text);

		if (rc == -ENOMEM)
			reading->no_memory = true;
		if (rc)
			cur_fail(in);
	}
	return n;
}

static void get_tables(struct reading *reading, struct cur *in)
{
	struct skt_step *step = reading->step;
	size_t n = cur_count(in, at_most(cur_left(in), SKT_TABLES_MAX)), raw = 0;

	for (; step->n_tables < n && !in->bad; step->n_tables++) {
		if (!reading_room(reading, &step->tables, &step->room_tables, step->n_tables + 1,
				  sizeof(*step->tables)))
			return;
		get_table(reading, &step->tables[step->n_tables], in);
	}
	for (size_t i = 0; i < step->n_tables && !in->bad; i++)
		if (step->tables[i].raw_changed)
			raw += get_raw(reading, &step->tables[i], raw, in);
}

/* By rising uids, so that a name is put in its place without looking for it. */
static void get_users(struct reading *reading, struct cur *in)
{
	struct skt_step *step = reading->step;
	size_t n = cur_count(in, at_most(cur_left(in) / 2, SKT_USERS_MAX));

	for (; step->n_users < n && !in->bad; step->n_users++) {
		struct skt_user *user;

		if (!reading_room(reading, &step->users, &step->room_users, step->n_users + 1, sizeof(*step->users)))
			return;
		user = &step->users[step->n_users];
		user->uid = (uint32_t)cur_count(in, UINT32_MAX);
		user->name = get_string(reading, in);
		if (step->n_users && user->uid <= user[-1].uid)
			cur_fail(in);
	}
}

static void get_findings(struct skt_quality *quality, struct cur *in)
{
	size_t n = cur_count(in, SKT_FINDINGS_MAX);

	for (quality->n_findings = 0; quality->n_findings < n && !in->bad; quality->n_findings++) {
		struct skt_finding *finding = &quality->findings[quality->n_findings];

		finding->kind = cur_byte(in);
		finding->table = cur_byte(in);
		finding->pid = (uint32_t)cur_count(in, UINT32_MAX);
		finding->fd = (int32_t)((int64_t)cur_count(in, (uint64_t)INT32_MAX + 1) - 1);
		finding->inode = cur_varint(in);
		finding->net_namespace = cur_varint(in);
		if (finding->table >= SKT_TABLE_KINDS)
			cur_fail(in);
	}
	quality->more_findings = (uint32_t)cur_count(in, UINT32_MAX);
}

static void get_lived(struct skt_quality *quality, struct cur *in)
{
	unsigned how = cur_byte(in);

	if (how > 3)
		cur_fail(in);
	quality->lived_told = how & 1;
	quality->lived_lost = how & 2;
	quality->lived_more = (uint32_t)cur_count(in, UINT32_MAX);
}

void get_meta(struct reading *reading, struct cur *section)
{
	struct cur record = get_record(section), *in = &record;
	struct skt_step *step = reading->step;
	struct skt_quality *quality = &step->quality;

	step->time = get_time(in);
	step->boottime = get_time(in);
	if (step->boottime < 0)
		cur_fail(in);
	step->end = get_time_near(in, step->time);
	step->missed = (uint32_t)cur_count(in, UINT32_MAX);
	quality->walk = cur_byte(in);
	quality->processes = (uint32_t)cur_count(in, UINT32_MAX);
	quality->links = (uint32_t)cur_count(in, UINT32_MAX);
	quality->denied = (uint32_t)cur_count(in, UINT32_MAX);
	quality->vanished = (uint32_t)cur_count(in, UINT32_MAX);
	quality->unsearched = (uint32_t)cur_count(in, UINT32_MAX);
	quality->malformed = (uint32_t)cur_count(in, UINT32_MAX);
	quality->walk_us = (uint32_t)cur_count(in, UINT32_MAX);
	get_tables(reading, in);
	get_users(reading, in);
	quality->netns_denied = (uint32_t)cur_count(in, UINT32_MAX);
	quality->checked_since = cur_count(in, 1) ? get_time_near(in, step->time) : 0;
	get_findings(quality, in);
	quality->events_tables = (uint32_t)cur_count(in, UINT32_MAX);
	quality->events_deaf = (uint32_t)cur_count(in, UINT32_MAX);
	quality->events_lost_since = 0;
	quality->events_lost_until = 0;
	if (cur_count(in, 1)) {
		quality->events_lost_since = get_time_near(in, step->time);
		quality->events_lost_until = get_time_near(in, step->time);
		if (!quality->events_lost_until || quality->events_lost_until < quality->events_lost_since)
			cur_fail(in);
	}
	get_lived(quality, in);
	if (in->bad)
		cur_fail(section);
}
