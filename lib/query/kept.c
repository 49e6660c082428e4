/* SPDX-License-Identifier: MIT */
#include <skt/shape.h>

#include "query/tuple.h"

#include <errno.h>
#include <stdlib.h>

struct skt_kept {
	struct skt_field_info fields[SKT_VIEW_FIELDS];
	struct skt_view view;	/* of those */
	struct skt_view source; /* what is kept */
	struct skt_buf tuples;
	struct skt_buf at; /* size_t of each */
};

static bool get_kept(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	return tuple_get(row->subject, field->offset, ret);
}

int skt_kept_new(const struct skt_view *fields, struct skt_kept **ret)
{
	struct skt_kept *kept = calloc(1, sizeof(*kept));

	if (!kept)
		return -ENOMEM;
	kept->source = *fields;
	for (size_t i = 0; i < fields->n; i++) {
		kept->fields[i] = (struct skt_field_info){ .name = fields->fields[i]->name,
							   .type = fields->fields[i]->type,
							   .is_address = fields->fields[i]->is_address,
							   .meaning = fields->fields[i]->meaning,
							   .offset = (uint16_t)i,
							   .get = get_kept };
		kept->view.fields[i] = &kept->fields[i];
	}
	kept->view.n = fields->n;
	skt_buf_init(&kept->tuples);
	skt_buf_init(&kept->at);
	*ret = kept;
	return 0;
}

void skt_kept_free(struct skt_kept *kept)
{
	if (!kept)
		return;
	skt_buf_release(&kept->tuples);
	skt_buf_release(&kept->at);
	free(kept);
}

int skt_kept_add(struct skt_kept *kept, const struct skt_row *row)
{
	size_t at = kept->tuples.len;

	tuple_put(&kept->source, row, &kept->tuples);
	skt_buf_add(&kept->at, &at, sizeof(at));
	return kept->tuples.failed || kept->at.failed ? -ENOMEM : 0;
}

size_t skt_kept_count(const struct skt_kept *kept)
{
	return kept->at.len / sizeof(size_t);
}

const struct skt_view *skt_kept_view(const struct skt_kept *kept)
{
	return &kept->view;
}

struct skt_row skt_kept_row(const struct skt_kept *kept, size_t i)
{
	const size_t *at = (const size_t *)(const void *)kept->at.data;

	return (struct skt_row){ .subject = kept->tuples.data + at[i] };
}
