/* SPDX-License-Identifier: MIT */
#include "query_shape.h"

#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- whose field it is ---- */

static bool has_field(const struct query *query, enum query_view view, const char *name, size_t len)
{
	struct skt_kind kind = shape_kind_of(query, view);
	struct skt_view fields;

	shape_nameable(&kind, &fields);
	return skt_view_find(&fields, name, len);
}

void shape_tell_whose(const struct query *query, const char *list, const struct skt_view *of, struct skt_err *err)
{
	char views[64] = "";
	const char *name = list;
	size_t len, n = 0;

	/* the first name that is none here is the one that was refused */
	for (;; name += len + 1) {
		name += *name == '-';
		len = strcspn(name, ",");
		if (!skt_view_find(of, name, len))
			break;
		if (!name[len])
			return;
	}
	for (int view = 0; view < VIEWS; view++)
		if (has_field(query, (enum query_view)view, name, len))
			n += (size_t)snprintf(views + n, sizeof(views) - n, "%s%s", n ? ", " : "",
					      query_view_name((enum query_view)view));
	if (n)
		skt_err_set(err, -EINVAL, "'%.*s' is no field here, but of --view=%s", (int)len, name, views);
}

/* ---- --list-fields ---- */

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
