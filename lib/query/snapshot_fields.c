/* SPDX-License-Identifier: MIT */
#include <skt/coverage.h>

#include <string.h>

void skt_look_of(const struct skt_snapshot *snapshot, struct skt_look *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->number = snapshot->number;
	ret->time = snapshot->time;
	ret->end = snapshot->end;
	ret->missed = snapshot->missed;
	ret->sockets = snapshot->live_socks;
	ret->quality = snapshot->quality;
	for (size_t i = 0; i < snapshot->n_tables; i++) {
		const struct skt_table *table = &snapshot->tables[i];

		if (table->gone)
			continue;
		ret->tables++;
		ret->stale += table->status == SKT_TABLE_STALE;
		ret->unknown += table->status == SKT_TABLE_UNKNOWN;
		ret->failed += table->error != 0;
		ret->duplicates += table->duplicates;
		ret->malformed += table->malformed;
	}
}

static const void *member(const struct skt_field_info *field, const struct skt_row *row)
{
	return (const char *)row->subject + field->offset;
}

static bool get_time(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	ret->time = *(const int64_t *)member(field, row);
	return true;
}

static bool get_host(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	ret->text = row->host;
	ret->len = row->host ? strlen(row->host) : 0;
	return ret->len;
}

static bool get_checked_since(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct skt_look *look = row->subject;

	(void)field;
	ret->time = look->quality.checked_since;
	return ret->time;
}

static bool get_number(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const void *at = member(field, row);

	ret->number = field->size == sizeof(uint64_t) ? *(const uint64_t *)at : *(const uint32_t *)at;
	ret->negative = false;
	return true;
}

static bool get_took(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct skt_look *look = row->subject;
	int64_t took;

	(void)field;
	/* the clock may have been set in between */
	if (__builtin_sub_overflow(look->end, look->time, &took) || took < 0)
		return false;
	ret->number = (uint64_t)took / 1000000;
	ret->negative = false;
	return true;
}

static bool get_walk(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	static const char *const names[] = {
		[SKT_WALK_NONE] = "none", [SKT_WALK_FULL] = "full", [SKT_WALK_PARTIAL] = "partial"
	};
	const struct skt_look *look = row->subject;

	(void)field;
	ret->text = look->quality.walk < sizeof(names) / sizeof(*names) ? names[look->quality.walk] : "unknown";
	ret->len = strlen(ret->text);
	return true;
}

static bool get_walk_ms(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct skt_look *look = row->subject;

	(void)field;
	ret->number = look->quality.walk_us / 1000;
	ret->negative = false;
	return true;
}

#define TIME(m) SKT_TYPE_TIME, .get = get_time, .offset = offsetof(struct skt_look, m)
#define NUMBER(m)                                                                   \
	SKT_TYPE_NUMBER, .get = get_number, .offset = offsetof(struct skt_look, m), \
			 .size = sizeof(((struct skt_look *)NULL)->m)

static const struct skt_field_info fields[] = {
	{ "time", TIME(time), .meaning = "when it was taken: before the first table was read" },
	{ "host", SKT_TYPE_BYTES, .get = get_host, .meaning = "name of the recorded host" },
	{ "snapshot", NUMBER(number), .meaning = "its number, from 1" },
	{ "end_time", TIME(end), .meaning = "after the last read" },
	{ "took_ms", SKT_TYPE_NUMBER, .get = get_took, .meaning = "milliseconds in between" },
	{ "missed", NUMBER(missed), .meaning = "ticks missed since the one before" },
	{ "sockets", NUMBER(sockets), .meaning = "rows of all tables" },
	{ "tables", NUMBER(tables), .meaning = "tables of all namespaces" },
	{ "tables_stale", NUMBER(stale), .meaning = "of those, with rows of an older read" },
	{ "tables_unknown", NUMBER(unknown), .meaning = "of those, never read" },
	{ "tables_failed", NUMBER(failed), .meaning = "of those, that could not be read" },
	{ "duplicates", NUMBER(duplicates), .meaning = "rows dropped, for the same was read before" },
	{ "malformed", NUMBER(malformed), .meaning = "lines of tables that are no row" },
	{ "walk", SKT_TYPE_WORD, .get = get_walk, .meaning = "the look for owners: none, full, or partial (by need)" },
	{ "processes", NUMBER(quality.processes), .meaning = "whose descriptors were looked at" },
	{ "links", NUMBER(quality.links), .meaning = "descriptors that were read" },
	{ "denied", NUMBER(quality.denied), .meaning = "processes whose descriptors could not be read" },
	{ "vanished", NUMBER(quality.vanished), .meaning = "processes that exited meanwhile" },
	{ "unsearched", NUMBER(quality.unsearched), .meaning = "processes that the look did not reach" },
	{ "malformed_files", NUMBER(quality.malformed),
	  .meaning = "files of processes that do not read as the kernel writes them" },
	{ "netns_denied", NUMBER(quality.netns_denied),
	  .meaning = "processes that may live in a network namespace that is not known" },
	{ "walk_ms", SKT_TYPE_NUMBER, .get = get_walk_ms, .meaning = "milliseconds that the look for owners took" },
	{ "checked_since", SKT_TYPE_TIME, .get = get_checked_since,
	  .meaning = "every descriptor was read since then; null: not all were yet" },
};

void skt_view_snapshots(struct skt_view *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		ret->fields[ret->n++] = &fields[i];
}
