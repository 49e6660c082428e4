/* SPDX-License-Identifier: MIT */
#include "query/count.h"

#include "model/getters.h"
#include "query/tuple.h"

#include <errno.h>
#include <stdlib.h>

uint64_t counts_difference(const uint64_t count[2])
{
	return count[0] > count[1] ? count[0] - count[1] : count[1] - count[0];
}

uint64_t counts_weight(const struct skt_counts *counts, const uint64_t count[2])
{
	return counts->options.sides ? counts_difference(count) : count[0];
}

static bool get_by(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct count_row *count = row->subject;
	const char *tuple = skt_strtab_get(count->counts->tuples, count->group, NULL);

	return tuple_get((const unsigned char *)tuple, field->offset, ret);
}

static bool get_stretch(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct count_row *count = row->subject;

	(void)field;
	return !__builtin_mul_overflow(count->stretch, count->counts->options.every, &ret->time);
}

static bool get_count(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct count_row *count = row->subject;

	return set_number(ret, count->count[field->offset]);
}

static bool get_difference(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	const struct count_row *count = row->subject;

	(void)field;
	set_number(ret, counts_difference(count->count));
	ret->negative = count->count[0] > count->count[1];
	return true;
}

/* What is there has a bar. */
static bool get_bar(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	static const char bars[SKT_BAR_MAX + 1] = "########################";
	const struct count_row *count = row->subject;
	const struct skt_counts *counts = count->counts;
	/* counts are of rows that were in memory: this does not overflow */
	uint64_t number = counts_weight(counts, count->count) * counts->bar;

	(void)field;
	ret->text = bars;
	ret->len = counts->most ? (size_t)((number + counts->most - 1) / counts->most) : 0;
	return true;
}

static const struct skt_field_info time_field = { "time", SKT_TYPE_TIME, .get = get_stretch,
						  .meaning = "when the stretch began" };
static const struct skt_field_info count_field = { "count", SKT_TYPE_NUMBER, .get = get_count,
						   .meaning = "how many rows" };
static const struct skt_field_info bar_field = { "", SKT_TYPE_WORD, .get = get_bar, .meaning = "how many rows" };
static const struct skt_field_info side_fields[] = {
	{ "before", SKT_TYPE_NUMBER, .get = get_count, .offset = 0, .meaning = "how many rows there were" },
	{ "after", SKT_TYPE_NUMBER, .get = get_count, .offset = 1, .meaning = "how many there are" },
	{ "difference", SKT_TYPE_NUMBER, .get = get_difference, .meaning = "how many more" },
};

static void add_counts(const struct skt_counts *counts, struct skt_view *view)
{
	if (counts->options.sides)
		for (size_t i = 0; i < sizeof(side_fields) / sizeof(*side_fields); i++)
			view->fields[view->n++] = &side_fields[i];
	else
		view->fields[view->n++] = &count_field;
}

void skt_counts_view(struct skt_counts *counts, bool for_table, unsigned bar, struct skt_view *ret)
{
	counts->bar = bar < SKT_BAR_MAX ? bar : SKT_BAR_MAX;
	ret->n = 0;
	if (counts->options.every)
		ret->fields[ret->n++] = &time_field;
	if (for_table) {
		add_counts(counts, ret);
		if (bar)
			ret->fields[ret->n++] = &bar_field;
	}
	for (size_t i = 0; i < counts->options.by.n && ret->n < SKT_VIEW_FIELDS - 3; i++)
		ret->fields[ret->n++] = &counts->by[i];
	if (!for_table)
		add_counts(counts, ret);
}

int skt_counts_new(const struct skt_counts_options *options, struct skt_counts **ret)
{
	struct skt_counts *counts = calloc(1, sizeof(*counts));

	if (!counts)
		return -ENOMEM;
	counts->options = *options;
	skt_buf_init(&counts->tuple);
	for (size_t i = 0; i < options->by.n; i++)
		counts->by[i] = (struct skt_field_info){ .name = options->by.fields[i]->name,
							 .type = options->by.fields[i]->type,
							 .is_address = options->by.fields[i]->is_address,
							 .meaning = options->by.fields[i]->meaning,
							 .offset = (uint16_t)i,
							 .get = get_by };
	counts->tuples = skt_strtab_new(options->seed);
	if (!counts->tuples) {
		skt_counts_free(counts);
		return -ENOMEM;
	}
	*ret = counts;
	return 0;
}

void skt_counts_free(struct skt_counts *counts)
{
	if (!counts)
		return;
	skt_strtab_unref(counts->tuples);
	skt_buf_release(&counts->tuple);
	free(counts->groups);
	free(counts->turns);
	free(counts->rows);
	free(counts);
}

size_t skt_counts_count(const struct skt_counts *counts)
{
	return counts->n_rows;
}

struct skt_row skt_counts_row(const struct skt_counts *counts, size_t i)
{
	return (struct skt_row){ .subject = &counts->rows[i] };
}
