/* SPDX-License-Identifier: MIT */
#include "render/formats.h"

#include "render/cells.h"

#include <skt/changes.h>
#include <skt/escape.h>
#include <skt/time.h>

#include <string.h>

/* RFC 8259. Numbers stand as they are, beyond 2^53 too: who reads those as doubles loses their last digits. */

static void put_string(struct skt_buf *out, const char *bytes, size_t len)
{
	skt_buf_byte(out, '"');
	skt_escape_json(out, bytes, len);
	skt_buf_byte(out, '"');
}

static void put_argv(const char *cmdline, size_t len, struct skt_buf *out)
{
	const char *at = cmdline, *arg;
	const char *separator = "";
	size_t arg_len;

	skt_buf_byte(out, '[');
	while (skt_argv_next(&at, cmdline + len, &arg, &arg_len)) {
		skt_buf_text(out, separator);
		put_string(out, arg, arg_len);
		separator = ",";
	}
	skt_buf_byte(out, ']');
}

static void put_words(const char *text, size_t len, struct skt_buf *out)
{
	skt_buf_text(out, "[");
	for (size_t at = 0; at < len;) {
		const char *blank = memchr(text + at, ' ', len - at);
		size_t word = blank ? (size_t)(blank - text) - at : len - at;

		if (at)
			skt_buf_byte(out, ',');
		put_string(out, text + at, word);
		at += word + (blank != NULL);
	}
	skt_buf_byte(out, ']');
}

static void put_name_and_value(const struct skt_field_info *field, const struct skt_row *row, struct skt_buf *out)
{
	skt_buf_byte(out, '"');
	skt_buf_text(out, field->name);
	skt_buf_text(out, "\":");
	json_value(field, row, out);
}

static void put_member(const struct skt_field_info *field, const struct skt_row *row, bool first, struct skt_buf *out)
{
	skt_buf_byte(out, first ? '{' : ',');
	put_name_and_value(field, row, out);
}

static void put_owners(const struct skt_field_info *field, const struct skt_row *row, struct skt_buf *out)
{
	const struct skt_owner *owners = skt_row_owners(row);

	skt_buf_byte(out, '[');
	for (uint32_t n = 0; n < row->sock->n_owners; n++) {
		struct skt_row owner = skt_row_of_owner(row, &owners[n]);

		if (n)
			skt_buf_byte(out, ',');
		for (size_t i = 0; i < skt_n_owner_fields; i++)
			put_member(&skt_owner_fields[i], &owner, !i, out);
		for (size_t i = 0; i < field->n_more; i++)
			put_member(&field->more[i], &owner, false, out);
		skt_buf_byte(out, '}');
	}
	skt_buf_byte(out, ']');
}

static void put_candidates(const struct skt_row *row, struct skt_buf *out)
{
	const struct skt_candidates *candidates = row->candidates;

	if (!row->event) {
		skt_buf_text(out, "null");
		return;
	}
	skt_buf_byte(out, '[');
	for (uint32_t n = 0; candidates && n < candidates->n; n++) {
		struct skt_row candidate = *row;
		const char *separator = n ? ",{" : "{";

		candidate.process = &row->snapshot->processes[candidates->list[n].process];
		for (size_t i = 0; i < skt_n_owner_fields; i++) {
			if (skt_owner_fields[i].of_link)
				continue;
			skt_buf_text(out, separator);
			put_name_and_value(&skt_owner_fields[i], &candidate, out);
			separator = ",";
		}
		skt_buf_printf(out, ",\"because\":\"%s\"}", skt_because_name(candidates->list[n].because));
	}
	skt_buf_byte(out, ']');
}

void json_socket(const struct skt_row *row, bool now, uint32_t fields, struct skt_buf *out)
{
	struct skt_view view;
	struct skt_row side;

	skt_view_within_change(&view, fields);
	if (!view.n || !skt_row_of_change(row, now, &side))
		skt_buf_text(out, "null");
	else
		json_row(&view, &side, out);
}

void json_value(const struct skt_field_info *field, const struct skt_row *row, struct skt_buf *out)
{
	struct skt_value value;

	if (field->type == SKT_TYPE_OWNERS) {
		put_owners(field, row, out);
		return;
	}
	if (field->type == SKT_TYPE_CANDIDATES) {
		put_candidates(row, out);
		return;
	}
	if ((field->of_process && !row->process) || !skt_field_get(field, row, &value)) {
		skt_buf_text(out, "null");
		return;
	}
	switch (field->type) {
	case SKT_TYPE_NUMBER:
		put_number_value(out, &value);
		break;
	case SKT_TYPE_BOOL:
		skt_buf_text(out, value.number ? "true" : "false");
		break;
	case SKT_TYPE_WORD:
	case SKT_TYPE_BYTES:
		put_string(out, value.text, value.len);
		break;
	case SKT_TYPE_TIME:
		skt_buf_byte(out, '"');
		skt_time_format(out, value.time, row->render->zone);
		skt_buf_byte(out, '"');
		break;
	case SKT_TYPE_GAPS:
	case SKT_TYPE_FIELDS:
		put_set(field->type, value.number, &set_as_json, out);
		break;
	case SKT_TYPE_ARGV:
		put_argv(value.text, value.len, out);
		break;
	case SKT_TYPE_SOCKET:
		json_socket(row, value.number, UINT32_MAX, out);
		break;
	case SKT_TYPE_WORDS:
		put_words(value.text, value.len, out);
		break;
	case SKT_TYPE_OWNERS:
	case SKT_TYPE_CANDIDATES:
		break;
	}
}

void json_row(const struct skt_view *view, const struct skt_row *row, struct skt_buf *out)
{
	for (size_t i = 0; i < view->n; i++)
		put_member(view->fields[i], row, !i, out);
	skt_buf_byte(out, '}');
}
