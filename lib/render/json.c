/* SPDX-License-Identifier: MIT */
#include "render/formats.h"

#include <skt/escape.h>
#include <skt/time.h>

/* RFC 8259. Numbers stand as they are, beyond 2^53 too: who reads those as doubles loses their last digits. */

static void put_string(struct skt_buf *out, const char *bytes, size_t len)
{
	skt_buf_byte(out, '"');
	skt_escape_json(out, bytes, len);
	skt_buf_byte(out, '"');
}

void json_argv(const char *cmdline, size_t len, struct skt_buf *out)
{
	const char *at = cmdline, *arg;
	const char *separator = "";
	size_t arg_len;

	skt_buf_byte(out, '[');
	while (argv_next(&at, cmdline + len, &arg, &arg_len)) {
		skt_buf_text(out, separator);
		put_string(out, arg, arg_len);
		separator = ",";
	}
	skt_buf_byte(out, ']');
}

void json_gaps(uint64_t gaps, struct skt_buf *out)
{
	const char *separator = "[\"";

	for (unsigned gap = 1; gap <= SKT_GAPS_ALL; gap <<= 1) {
		if (!(gaps & gap))
			continue;
		skt_buf_text(out, separator);
		skt_buf_text(out, skt_owner_gap_name(gap));
		separator = "\",\"";
	}
	skt_buf_text(out, gaps & SKT_GAPS_ALL ? "\"]" : "[]");
}

void json_fields(uint64_t fields, struct skt_buf *out)
{
	const char *separator = "";

	skt_buf_byte(out, '[');
	for (unsigned i = 0; i < SKT_FIELDS; i++) {
		if (!(fields & SKT_BIT(i)))
			continue;
		skt_buf_text(out, separator);
		skt_buf_printf(out, "\"%s\"", skt_field_name(i));
		separator = ",";
	}
	skt_buf_byte(out, ']');
}

void json_socket(const struct row *row, bool now, uint32_t fields, struct skt_buf *out)
{
	struct view view;
	struct row side;

	view_within_change(&view, fields);
	if (!view.n || !row_of_change(row, now, &side))
		skt_buf_text(out, "null");
	else
		json_row(&view, &side, out);
}

static void put_owners(const struct row *row, struct skt_buf *out);

static void put_value(const struct field *field, const struct row *row, struct skt_buf *out)
{
	struct value value;

	if (field->type == FIELD_OWNERS) {
		put_owners(row, out);
		return;
	}
	if (!field_get(field, row, &value)) {
		skt_buf_text(out, "null");
		return;
	}
	switch (field->type) {
	case FIELD_NUMBER:
		put_number_value(out, &value);
		break;
	case FIELD_BOOL:
		skt_buf_text(out, value.number ? "true" : "false");
		break;
	case FIELD_WORD:
	case FIELD_BYTES:
		put_string(out, value.text, value.len);
		break;
	case FIELD_TIME:
		skt_buf_byte(out, '"');
		skt_time_format(out, value.time, row->render->zone);
		skt_buf_byte(out, '"');
		break;
	case FIELD_GAPS:
		json_gaps(value.number, out);
		break;
	case FIELD_ARGV:
		json_argv(value.text, value.len, out);
		break;
	case FIELD_FIELDS:
		json_fields(value.number, out);
		break;
	case FIELD_SOCKET:
		json_socket(row, value.number, UINT32_MAX, out);
		break;
	case FIELD_OWNERS:
		break;
	}
}

static void put_member(const struct field *field, const struct row *row, bool first, struct skt_buf *out)
{
	skt_buf_text(out, first ? "{\"" : ",\"");
	skt_buf_text(out, field->name);
	skt_buf_text(out, "\":");
	put_value(field, row, out);
}

static void put_owners(const struct row *row, struct skt_buf *out)
{
	const struct skt_owner *owners = row_owners(row);

	skt_buf_byte(out, '[');
	for (uint32_t n = 0; n < row->sock->n_owners; n++) {
		struct row owner = row_of_owner(row, &owners[n]);

		if (n)
			skt_buf_byte(out, ',');
		for (size_t i = 0; i < n_owner_fields; i++)
			put_member(&owner_fields[i], &owner, !i, out);
		skt_buf_byte(out, '}');
	}
	skt_buf_byte(out, ']');
}

void json_row(const struct view *view, const struct row *row, struct skt_buf *out)
{
	for (size_t i = 0; i < view->n; i++)
		put_member(view->fields[i], row, !i, out);
	skt_buf_byte(out, '}');
}
