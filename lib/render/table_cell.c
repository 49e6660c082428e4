/* SPDX-License-Identifier: MIT */
#include "render/table_cell.h"

#include "render/cells.h"
#include "render/holders.h"

#include <skt/escape.h>

#include <string.h>

/*
 * A cell, as it waits for the others: how it is written depends on them.
 *
 *	0  kind	  CELL_TEXT	says, length in 4 bytes, length of the shorter text in 4 bytes, both texts
 *		  CELL_TIME	sign or 0, 8 bytes
 */
#define TEXT_HEAD 10
#define TIME_LEN  10

static void put_text(struct skt_buf *out, bool says, const struct skt_buf *text, size_t short_at)
{
	uint32_t len = (uint32_t)(short_at ? short_at : text->len), short_len = (uint32_t)(text->len - len);

	if (text->failed || text->len > UINT32_MAX) {
		out->failed = true;
		return;
	}
	skt_buf_byte(out, CELL_TEXT);
	skt_buf_byte(out, says);
	skt_buf_add(out, &len, sizeof(len));
	skt_buf_add(out, &short_len, sizeof(short_len));
	if (text->len)
		skt_buf_add(out, text->data, text->len);
}

static void put_time(struct skt_buf *out, int64_t when, const char *sign)
{
	skt_buf_byte(out, CELL_TIME);
	skt_buf_byte(out, sign ? (unsigned char)*sign : 0);
	skt_buf_add(out, &when, sizeof(when));
}

bool cell_get(const unsigned char **at, const unsigned char *end, struct table_cell *ret)
{
	size_t left = (size_t)(end - *at);
	const unsigned char *from = *at;
	uint32_t len, short_len;

	*ret = (struct table_cell){ .kind = left ? *from : CELL_TEXT };
	if (left < TIME_LEN)
		return false;
	if (ret->kind == CELL_TIME) {
		ret->says = true;
		ret->sign = (char)from[1];
		memcpy(&ret->time, from + 2, sizeof(ret->time));
		*at += TIME_LEN;
		return true;
	}
	ret->says = from[1];
	memcpy(&len, from + 2, sizeof(len));
	memcpy(&short_len, from + 6, sizeof(short_len));
	if (len > left - TEXT_HEAD || short_len > left - TEXT_HEAD - len)
		return false;
	ret->text = (const char *)from + TEXT_HEAD;
	ret->len = len;
	ret->short_len = short_len;
	*at += TEXT_HEAD + len + short_len;
	return true;
}

/* ---- what stands in them ---- */

/* What happened one after another. */
static void put_words(const char *text, size_t len, bool is_short, struct skt_buf *out)
{
	for (size_t at = 0; at < len;) {
		const char *blank = memchr(text + at, ' ', len - at);
		size_t word = blank ? (size_t)(blank - text) - at : len - at;

		if (at)
			skt_buf_byte(out, '>');
		if (is_short)
			cell_short_state(text + at, word, out);
		else
			skt_buf_add(out, text + at, word);
		at += word + 1;
	}
}

/* The list of who holds it; of a socket that nobody does, why. */
static void put_holders(const struct skt_row *row, struct skt_buf *scratch, struct skt_buf *out)
{
	const struct holder *list;

	holders_put_state(row->sock, out);
	if (!row->sock->n_owners) {
		holders_put_candidates(row, scratch, out);
		return;
	}
	list = holders_list(row, scratch);
	if (!list) {
		out->failed = true;
		return;
	}
	holders_put(row, list, out);
	if (row->sock->owner_gaps)
		skt_buf_text(out, " +?");
}

/* Whether it says anything. */
static bool put_value(struct table_maker *maker, const struct skt_row *row, const struct skt_field_info *field,
		      struct skt_value *value, struct skt_buf *out)
{
	switch (field->type) {
	case SKT_TYPE_NUMBER:
		put_number_value(out, value);
		return value->number;
	case SKT_TYPE_BOOL:
		skt_buf_text(out, value->number ? "yes" : "no");
		return value->number;
	case SKT_TYPE_GAPS:
	case SKT_TYPE_FIELDS:
		put_set(field->type, value->number, &set_as_words, out);
		return value->number;
	case SKT_TYPE_ARGV:
		/* no more than a terminal could show; a character has at most 4 bytes */
		if (maker->render->width && value->len > (size_t)maker->render->width * 4)
			value->len = (size_t)maker->render->width * 4;
		cell_arguments(value->text, value->len, out);
		return true;
	case SKT_TYPE_BYTES:
		/* the empty text is not null */
		if (!value->len)
			skt_buf_text(out, "''");
		skt_escape(out, value->text, value->len);
		return true;
	case SKT_TYPE_OWNERS:
		put_holders(row, &maker->scratch, out);
		return true;
	case SKT_TYPE_CANDIDATES:
		if (row->candidates)
			holders_list_candidates(row, &maker->scratch, out);
		else
			skt_buf_byte(out, '-');
		return row->candidates;
	default:
		skt_escape(out, value->text, value->len);
		return true;
	}
}

static void put_field(struct table_maker *maker, size_t column, const struct skt_row *row, struct skt_buf *out)
{
	const struct skt_field_info *field = maker->fields[column], *sign = maker->signs[column];
	struct skt_buf *text = &maker->text;
	struct skt_value value = { .number = 0 }, is;
	bool signs, says = false;
	size_t short_at = 0;

	if (!skt_field_is_list(field) && ((field->of_process && !row->process) || !skt_field_get(field, row, &value))) {
		skt_buf_byte(text, '-');
		put_text(out, false, text, 0);
		return;
	}
	signs = sign && skt_field_get(sign, row, &is) && is.number;
	if (field->type == SKT_TYPE_TIME) {
		put_time(out, value.time, signs ? maker->columns[column].sign : NULL);
		return;
	}
	if (signs)
		skt_buf_text(text, maker->columns[column].sign);
	if (field->type == SKT_TYPE_WORDS) {
		put_words(value.text, value.len, false, text);
		short_at = text->len;
		put_words(value.text, value.len, true, text);
		/* nobody looked while it was there */
		if (!value.len)
			skt_buf_byte(text, '-');
		says = value.len;
	} else {
		says = put_value(maker, row, field, &value, text);
	}
	put_text(out, says, text, short_at);
}

static size_t put_endpoint(const struct skt_row *row, bool local, struct skt_buf *out)
{
	const struct skt_sock *sock = row->sock;
	bool ipv6 = skt_table_kind_is_ipv6(row->snapshot->tables[sock->table].kind);
	size_t short_at;

	cell_end(sock, local, ipv6, out);
	short_at = out->len;
	return cell_short_end(sock, local, ipv6, out) ? short_at : 0;
}

static void put_command(const struct skt_row *about, struct skt_buf *scratch, struct skt_buf *out)
{
	struct skt_row row = *about;

	if (!row.process && row.sock && row.sock->n_owners) {
		const struct holder *list = holders_list(about, scratch);

		if (list)
			row.process = &row.snapshot->processes[list->process];
		out->failed |= !list;
	}
	if (row.process)
		cell_command(&row, out);
}

static void put_table(const struct skt_row *row, struct skt_buf *out)
{
	const struct skt_table *table = &row->snapshot->tables[row->sock->table];

	skt_buf_text(out, skt_table_kind_name(table->kind));
	if (table->status != SKT_TABLE_FRESH)
		skt_buf_printf(out, "(%s)", skt_table_status_name(table->status));
}

static void put_user(const struct skt_row *row, struct skt_buf *out)
{
	if (row->process)
		cell_user(row, row->process->has & SKT_BIT(SKT_P_UID), row->process->uid, out);
	else
		cell_user(row, skt_row_has_uid(row), row->sock->uid, out);
}

/* What tells recordings apart is mostly the name of the file. */
static size_t put_recording(const struct skt_row *row, struct skt_buf *out)
{
	const char *name = row->recording ? row->recording : "", *slash = strrchr(name, '/');
	size_t len = strlen(name), at = slash && slash[1] ? (size_t)(slash - name) + 1 : 0, short_at;

	skt_escape(out, name, len);
	short_at = out->len;
	if (len - at > 4 && !strcmp(name + len - 4, ".skt"))
		len -= 4;
	skt_escape(out, name + at, len - at);
	return short_at;
}

static void put_cell(struct table_maker *maker, size_t column, const struct skt_row *row, struct skt_buf *out)
{
	struct skt_buf *text = &maker->text;
	uint64_t net_namespace;
	size_t short_at = 0;

	skt_buf_clear(text);
	switch (maker->columns[column].cell) {
	case SKT_CELL_FIELD:
		put_field(maker, column, row, out);
		return;
	case SKT_CELL_TABLE:
		put_table(row, text);
		break;
	case SKT_CELL_LOCAL:
		short_at = put_endpoint(row, true, text);
		break;
	case SKT_CELL_REMOTE:
		short_at = put_endpoint(row, false, text);
		break;
	case SKT_CELL_NETNS:
		net_namespace = row->snapshot->tables[row->sock->table].net_namespace;
		if (net_namespace)
			skt_buf_number(text, net_namespace);
		break;
	case SKT_CELL_HOLDERS:
		put_holders(row, &maker->scratch, text);
		break;
	case SKT_CELL_USER:
		put_user(row, text);
		break;
	case SKT_CELL_COMMAND:
		put_command(row, &maker->scratch, text);
		break;
	case SKT_CELL_RECORDING:
		short_at = put_recording(row, text);
		break;
	}
	put_text(out, true, text, short_at);
}

void cells_put(struct table_maker *maker, const struct skt_row *row, struct skt_buf *out)
{
	for (size_t i = 0; i < maker->n; i++)
		put_cell(maker, i, row, out);
}
