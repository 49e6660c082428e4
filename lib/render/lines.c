/* SPDX-License-Identifier: MIT */
#include "render/lines.h"

#include "model/holding.h"
#include "render/cells.h"
#include "render/holders.h"

#include <skt/escape.h>

void line_pad(struct skt_buf *line, size_t start, size_t width)
{
	size_t has = line->len - start;

	skt_buf_fill(line, ' ', has < width ? width - has + 1 : 1);
}

void line_state(unsigned state, struct skt_buf *line)
{
	const char *name = skt_state_name(state);

	if (name)
		skt_buf_text(line, name);
	else
		skt_buf_printf(line, "0x%02X", state);
}

void line_holders(const struct skt_row *about, struct skt_buf *scratch, struct skt_buf *line)
{
	struct holding holding = holding_of(about->sock);
	struct skt_sock sock = *about->sock;
	struct skt_row row = *about;
	const struct holder *list;

	sock.first_owner = holding.first;
	sock.n_owners = holding.n;
	row.sock = &sock;
	holders_put_state(&sock, line);
	if (!sock.n_owners) {
		holders_put_candidates(about, scratch, line);
		return;
	}
	list = holders_list(&row, scratch);
	if (!list) {
		line->failed = true;
		return;
	}
	holders_put(&row, list, line);
	if (sock.owner_gaps)
		skt_buf_text(line, " +?");
}

void line_told(const struct skt_row *row, struct skt_buf *line)
{
	const struct skt_event *event = row->event;

	if (event && event->has & SKT_BIT(SKT_E_BYTES_SENT))
		skt_buf_printf(line, "  sent %llu", (unsigned long long)event->bytes_sent);
	if (event && event->has & SKT_BIT(SKT_E_BYTES_RECEIVED))
		skt_buf_printf(line, "  received %llu", (unsigned long long)event->bytes_received);
}

void line_value(const struct skt_field_info *field, const struct skt_row *row, struct skt_buf *line)
{
	struct skt_value value;

	if (field->type == SKT_TYPE_OWNERS || field->type == SKT_TYPE_CANDIDATES || !skt_field_get(field, row, &value))
		return;
	if (field->type == SKT_TYPE_NUMBER)
		put_number_value(line, &value);
	else if (field->type == SKT_TYPE_GAPS)
		put_set(field->type, value.number, &set_as_words, line);
	else
		skt_escape(line, value.text, value.len);
}

void line_end_coloured(const struct skt_buf *line, unsigned width, const char *colour, struct skt_buf *out)
{
	const char *text = (const char *)line->data;
	size_t len = line->len;
	bool cut = width && !line->failed && skt_escape_width(text, len) > width;

	if (line->failed) {
		out->failed = true;
		return;
	}
	if (cut)
		len = skt_escape_fit(text, len, width - 1);
	while (len && text[len - 1] == ' ')
		len--;
	skt_buf_text(out, colour);
	skt_buf_add(out, text, len);
	skt_buf_text(out, cut ? "\xe2\x80\xa6" : "");
	skt_buf_text(out, *colour ? "\x1b[0m\n" : "\n");
}

void line_end(const struct skt_buf *line, unsigned width, struct skt_buf *out)
{
	line_end_coloured(line, width, "", out);
}

bool line_needs_namespaces(const struct skt_snapshot *snapshot)
{
	uint64_t first = 0;

	for (size_t i = 0; i < snapshot->n_tables; i++) {
		uint64_t one = snapshot->tables[i].net_namespace;

		if (snapshot->tables[i].gone || !one)
			continue;
		if (first && one != first)
			return true;
		first = one;
	}
	return false;
}
