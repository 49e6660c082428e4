/* SPDX-License-Identifier: MIT */
#include "query_shape.h"

#include "cli.h"

#include <string.h>

/* --list-fields */

static bool set_text(struct skt_value *ret, const char *text)
{
	ret->text = text;
	ret->len = strlen(text);
	return true;
}

static bool get_name(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_text(ret, ((const struct skt_field_info *)row->subject)->name);
}

static bool get_type(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	static const char *const names[] = {
		[SKT_TYPE_NUMBER] = "number", [SKT_TYPE_BOOL] = "bool",	   [SKT_TYPE_WORD] = "word",
		[SKT_TYPE_BYTES] = "text",    [SKT_TYPE_TIME] = "time",	   [SKT_TYPE_GAPS] = "words",
		[SKT_TYPE_ARGV] = "texts",    [SKT_TYPE_FIELDS] = "words", [SKT_TYPE_SOCKET] = "socket",
		[SKT_TYPE_OWNERS] = "owners", [SKT_TYPE_WORDS] = "words",  [SKT_TYPE_CANDIDATES] = "owners",
	};
	const struct skt_field_info *about = row->subject;

	(void)field;
	return set_text(ret, about->is_address ? "address" : names[about->type]);
}

static bool get_holder(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	ret->number = ((const struct skt_field_info *)row->subject)->of_process;
	ret->negative = false;
	return true;
}

static bool get_meaning(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	(void)field;
	return set_text(ret, ((const struct skt_field_info *)row->subject)->meaning);
}

void shape_list_fields(struct query *query, enum query_view view)
{
	static const struct skt_field_info about[] = {
		{ "name", SKT_TYPE_WORD, .get = get_name },
		{ "type", SKT_TYPE_WORD, .get = get_type },
		{ "holder", SKT_TYPE_BOOL, .get = get_holder },
		{ "meaning", SKT_TYPE_BYTES, .get = get_meaning },
	};
	struct skt_kind of = shape_kind_of(query, view), kind = { .exact = true };
	struct skt_row rows[SKT_VIEW_FIELDS];
	struct skt_view fields;

	shape_nameable(&of, &fields);
	for (size_t i = 0; i < sizeof(about) / sizeof(*about); i++)
		kind.view.fields[kind.view.n++] = &about[i];
	for (size_t i = 0; i < fields.n; i++)
		rows[i] = (struct skt_row){ .subject = fields.fields[i] };
	skt_render_begin(&query->render, &query->out);
	skt_render_rows(&query->render, &kind, rows, fields.n, &query->out);
	skt_render_end(&query->render, &query->out);
	cli_write(&query->out);
}
