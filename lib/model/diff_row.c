/* SPDX-License-Identifier: MIT */
#include <skt/diff.h>

#include "model/getters.h"

#include <stddef.h>
#include <string.h>

static const struct skt_diff_row *about(const struct skt_row *row)
{
	return row->subject;
}

static bool get_time(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	ret->time = about(row)->time;
	return true;
}

static bool get_host(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const char *host = about(row)->host;

	(void)field;
	return host && *host && set_word(ret, host);
}

static bool get_instant(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	memcpy(&ret->time, (const char *)about(row)->difference + field->offset, sizeof(ret->time));
	return true;
}

static bool get_change(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_word(ret, skt_difference_name(about(row)->difference->kind));
}

static bool get_hands(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct skt_difference *difference = about(row)->difference;

	(void)field;
	if (difference->executed && difference->hands == SKT_HANDS_SAME)
		return set_word(ret, "executed");
	return set_word(ret, skt_hands_name(difference->hands));
}

static bool get_fields(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_number(ret, about(row)->difference->fields);
}

static bool get_same_programs(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct skt_difference *difference = about(row)->difference;

	(void)field;
	return difference->programs_known && set_number(ret, difference->same_programs);
}

static bool get_restarted(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_number(ret, skt_difference_is_quiet(about(row)->difference));
}

/* Of a process that runs another program; null where none does. */
static bool get_process_fields(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	static const char *const names[] = {
		NULL, "exe", "cmdline", "exe cmdline", "comm", "exe comm", "cmdline comm", "exe cmdline comm",
	};
	uint32_t fields = about(row)->difference->process_fields;
	unsigned which = fields & SKT_BIT(SKT_P_EXE) ? 1 : 0;

	(void)field;
	which += fields & SKT_BIT(SKT_P_CMDLINE) ? 2 : 0;
	which += fields & SKT_BIT(SKT_P_COMM) ? 4 : 0;
	return set_word(ret, names[which]);
}

static bool get_twins(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct skt_difference *difference = about(row)->difference;
	uint32_t number;

	memcpy(&number, (const char *)difference + field->offset, sizeof(number));
	return !difference->passing && set_number(ret, number);
}

static bool get_lived(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct skt_difference *difference = about(row)->difference;
	int64_t ns;

	memcpy(&ns, (const char *)difference + field->offset, sizeof(ns));
	return difference->passing && set_number(ret, (uint64_t)ns / 1000000);
}

static bool get_forced(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_number(ret, about(row)->forced);
}

static bool get_side(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	bool now = !strcmp(field->name, "after");

	return (now ? row->pair->after : row->pair->before) && set_number(ret, now);
}

#define ITEM(m) .offset = offsetof(struct skt_difference, m)
static const struct skt_field_info fields[] = {
	{ "time", SKT_TYPE_TIME, .get = get_time, .meaning = "when the second snapshot was taken" },
	{ "host", SKT_TYPE_BYTES, .get = get_host, .meaning = "name of its host" },
	{ "time_after", SKT_TYPE_TIME, .get = get_instant, ITEM(since), .meaning = "it happened after this, " },
	{ "time_until", SKT_TYPE_TIME, .get = get_instant, ITEM(until), .meaning = "and until this" },
	{ "change", SKT_TYPE_WORD, .get = get_change, .meaning = "opened closed changed replaced passed transient" },
	{ "hands", SKT_TYPE_WORD, .get = get_hands,
	  .meaning = "of its holders: accepted found shared passed released moved orphaned executed" },
	{ "fields", SKT_TYPE_FIELDS, .get = get_fields, .meaning = "which of its fields differ" },
	{ "same_programs", SKT_TYPE_BOOL, .get = get_same_programs,
	  .meaning = "whether its holders run the same programs as before" },
	{ "restarted", SKT_TYPE_BOOL, .get = get_restarted,
	  .meaning = "whether it was only started again by the same programs, which is no difference by itself" },
	{ "process_fields", SKT_TYPE_WORDS, .get = get_process_fields,
	  .meaning = "by what a holder is seen to run another program: exe cmdline comm" },
	{ "twins_before", SKT_TYPE_NUMBER, .get = get_twins, ITEM(twins_before),
	  .meaning = "sockets with this table and these ends in the first snapshot" },
	{ "twins_after", SKT_TYPE_NUMBER, .get = get_twins, ITEM(twins_after), .meaning = "and in the second" },
	{ "lived_ms_least", SKT_TYPE_NUMBER, .get = get_lived, ITEM(lived_least),
	  .meaning = "milliseconds for which one that came and went was there at least" },
	{ "lived_ms_most", SKT_TYPE_NUMBER, .get = get_lived, ITEM(lived_most), .meaning = "and at most" },
	{ "forced", SKT_TYPE_BOOL, .get = get_forced,
	  .meaning = "the snapshots are not comparable and were compared all the same" },
};
#define N_FIELDS (sizeof(fields) / sizeof(*fields))

static const struct skt_field_info sides[] = {
	{ "before", SKT_TYPE_SOCKET, .get = get_side, .meaning = "the socket as it was" },
	{ "after", SKT_TYPE_SOCKET, .get = get_side, .meaning = "the socket as it is" },
};

static void add(struct skt_view *view, const struct skt_field_info *field)
{
	view->fields[view->n++] = field;
}

void skt_view_differences(struct skt_view *ret, bool flat)
{
	struct skt_view sockets;

	ret->n = 0;
	for (size_t i = 0; i < N_FIELDS; i++)
		add(ret, &fields[i]);
	for (size_t i = 0; i < skt_n_event_fields; i++)
		add(ret, &skt_event_fields[i]);
	skt_view_sockets(&sockets, true);
	/* time and host are there already */
	for (size_t i = 2; flat && i < sockets.n; i++)
		add(ret, sockets.fields[i]);
	add(ret, &sides[0]);
	if (!flat)
		add(ret, &sides[1]);
}
