/* SPDX-License-Identifier: MIT */
#include "render/formats.h"

#include "render/cells.h"

#include <skt/escape.h>
#include <skt/time.h>

#include <string.h>

/*
 * RFC 4180: lines end in CRLF, a field with a quote, comma or line end in it is quoted and quotes are doubled. Beyond
 * it: nothing between the commas is null, "" is the empty text, and a list is the text of a JSON array.
 *
 * A spreadsheet runs a text that begins with = + - or @ as a formula, quoted or not, and whoever names a process
 * would love to run one on the analyst's machine. So such a character is written \xNN, by the one escape that is used
 * everywhere (skt/escape.h): spreadsheets leave a backslash alone, and skt_unescape() gives the byte back.
 * The same after a semicolon, which splits cells where the decimal sign is a comma, and for the full-width forms of
 * the four, which East Asian editions take for them. Tabs and line ends are escaped anyway.
 */

/* The length of a character at the start of text that could begin a formula, or 0. */
static size_t formula_sign(const char *text, size_t len)
{
	static const char signs[] = { '=', '+', '-', '@' };
	static const char *const wide[] = { "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\x9d", "\xef\xbc\xa0" };

	if (!len)
		return 0;
	if (memchr(signs, text[0], sizeof(signs)))
		return 1;
	for (size_t i = 0; i < sizeof(wide) / sizeof(*wide); i++)
		if (len >= 3 && !memcmp(text, wide[i], 3))
			return 3;
	return 0;
}

static void put_quoted(const char *text, size_t len, const char *escape, struct skt_buf *out)
{
	bool begins = true; /* a cell, here */

	skt_buf_byte(out, '"');
	for (size_t at = 0; at < len; at++) {
		size_t sign = begins ? formula_sign(text + at, len - at) : 0;

		begins = text[at] == ';';
		for (size_t i = 0; i < sign; i++)
			skt_buf_printf(out, "%s%02x", escape, (unsigned char)text[at + i]);
		if (sign) {
			at += sign - 1;
			continue;
		}
		if (text[at] == '"')
			skt_buf_byte(out, '"');
		skt_buf_byte(out, (unsigned char)text[at]);
	}
	skt_buf_byte(out, '"');
}

/* What stands in out from `start` on becomes a quoted field. escape is \x, as such text writes it. */
static void quote(struct skt_buf *out, size_t start, const char *escape)
{
	struct skt_buf text;

	if (out->failed)
		return;
	skt_buf_init(&text);
	skt_buf_add(&text, out->data + start, out->len - start);
	out->len = start;
	if (text.failed)
		out->failed = true;
	else
		put_quoted((char *)text.data, text.len, escape, out);
	skt_buf_release(&text);
}

/* Whether text may stand as it is. */
static bool is_plain(const char *text, size_t len)
{
	if (!len || formula_sign(text, len))
		return false;
	for (size_t i = 0; i < len; i++)
		if (text[i] == '"' || text[i] == ',' || text[i] == ';')
			return false;
	return true;
}

static void put_bytes(const char *bytes, size_t len, struct skt_buf *out)
{
	size_t start = out->len;

	skt_escape(out, bytes, len);
	if (!out->failed && !is_plain((char *)out->data + start, out->len - start))
		quote(out, start, "\\x");
}

/* Of a row that changed what was different before; the others stand in the columns as they are, or were. */
static void put_before(const struct skt_row *row, struct skt_buf *out)
{
	size_t start = out->len;

	if (row->pair ? !row->pair->before || !row->pair->after : row->change->change != SKT_CHANGED)
		return;
	json_socket(row, false, row->pair ? row->pair->fields : skt_change_fields(row->change), out);
	quote(out, start, "\\\\x");
}

/* The value, but of lists that are of the row itself; false: null. */
static bool get(const struct skt_field_info *field, const struct skt_row *row, struct skt_value *ret)
{
	if (field->type == SKT_TYPE_OWNERS)
		return true;
	if (field->type == SKT_TYPE_CANDIDATES)
		return row->event;
	return skt_field_get(field, row, ret);
}

static void put_value(const struct skt_field_info *field, const struct skt_row *row, struct skt_buf *out)
{
	struct skt_value value;
	size_t start = out->len;

	if (!get(field, row, &value))
		return;
	switch (field->type) {
	case SKT_TYPE_NUMBER:
		put_number_value(out, &value);
		break;
	case SKT_TYPE_BOOL:
		skt_buf_text(out, value.number ? "true" : "false");
		break;
	case SKT_TYPE_WORD:
		skt_buf_add(out, value.text, value.len);
		break;
	case SKT_TYPE_BYTES:
		put_bytes(value.text, value.len, out);
		break;
	case SKT_TYPE_TIME:
		skt_time_format(out, value.time, row->render->zone);
		break;
	case SKT_TYPE_SOCKET:
		put_before(row, out);
		break;
	case SKT_TYPE_OWNERS:
	case SKT_TYPE_CANDIDATES:
	case SKT_TYPE_GAPS:
	case SKT_TYPE_FIELDS:
	case SKT_TYPE_ARGV:
	case SKT_TYPE_WORDS:
		json_value(field, row, out);
		quote(out, start, "\\\\x");
		break;
	}
}

void csv_heading(const struct skt_view *view, struct skt_buf *out)
{
	for (size_t i = 0; i < view->n; i++) {
		if (i)
			skt_buf_byte(out, ',');
		skt_buf_text(out, view->fields[i]->name);
	}
	skt_buf_text(out, "\r\n");
}

void csv_row(const struct skt_view *view, const struct skt_row *row, struct skt_buf *out)
{
	for (size_t i = 0; i < view->n; i++) {
		if (i)
			skt_buf_byte(out, ',');
		if (row->process || !view->fields[i]->of_process)
			put_value(view->fields[i], row, out);
	}
	skt_buf_text(out, "\r\n");
}
