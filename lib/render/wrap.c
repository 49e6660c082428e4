/* SPDX-License-Identifier: MIT */
#include "render/wrap.h"

#include "render/lines.h"

#include <skt/escape.h>

#include <string.h>

/* Below the first word of the line above. */
#define INDENT 14

void wrap_part(struct wrap *wrap, const struct skt_buf *line)
{
	if (wrap->n < sizeof(wrap->ends) / sizeof(*wrap->ends))
		wrap->ends[wrap->n++] = line->len;
}

/* One line of what will be several. */
struct row {
	struct skt_buf text;
	bool is_begun; /* more than its indent stands in it */
	unsigned width;
	const char *colour;
	struct skt_buf *out;
};

static void end_row(struct row *row)
{
	/* what parts columns is not to be seen at an end */
	while (!row->text.failed && row->text.len && row->text.data[row->text.len - 1] == ' ')
		row->text.len--;
	line_end_coloured(&row->text, row->width, row->colour, row->out);
	skt_buf_clear(&row->text);
	skt_buf_fill(&row->text, ' ', INDENT);
	row->is_begun = false;
}

static bool fits(const struct row *row, const char *text, size_t len)
{
	while (len && text[len - 1] == ' ')
		len--;
	return skt_escape_width((char *)row->text.data, row->text.len) + skt_escape_width(text, len) <= row->width;
}

static void put(struct row *row, const char *text, size_t len)
{
	/* blanks are what parted it from the one before */
	while (!row->is_begun && row->text.len && len && *text == ' ') {
		text++;
		len--;
	}
	skt_buf_add(&row->text, text, len);
	row->is_begun |= len > 0;
}

/* A word that is too wide below the others stands further left, as far as it must. */
static void make_room(struct row *row, const char *text, size_t len)
{
	while (!row->is_begun && row->text.len && !fits(row, text, len))
		row->text.len--;
}

/* At its blanks, each with the word behind it. */
static void put_broken(struct row *row, const char *text, size_t len)
{
	while (len) {
		size_t blanks = 0, word;

		while (blanks < len && text[blanks] == ' ')
			blanks++;
		word = blanks;
		while (word < len && text[word] != ' ')
			word++;
		if (row->is_begun && !fits(row, text, word))
			end_row(row);
		make_room(row, text + blanks, word - blanks);
		put(row, text, word);
		text += word;
		len -= word;
	}
}

static void put_part(struct row *row, const char *text, size_t len, bool cut)
{
	if (!fits(row, text, len) && row->is_begun && !(cut && row->width > INDENT && fits(row, "  was ", 6)))
		end_row(row);
	if (cut || fits(row, text, len))
		put(row, text, len);
	else
		put_broken(row, text, len);
}

void wrap_end(const struct wrap *wrap, const struct skt_buf *line, unsigned width, const char *colour,
	      struct skt_buf *out)
{
	struct row row = { .width = width, .colour = colour, .out = out };
	const char *text = (const char *)line->data;
	size_t from = 0;

	if (line->failed || !width || width <= 2 * INDENT || skt_escape_width(text, line->len) <= width) {
		line_end_coloured(line, width, colour, out);
		return;
	}
	skt_buf_init(&row.text);
	for (size_t i = 0; i <= wrap->n; i++) {
		size_t end = i < wrap->n ? wrap->ends[i] : line->len;

		if (end > from)
			put_part(&row, text + from, end - from, wrap->cut && i == wrap->n);
		from = end;
	}
	if (row.is_begun)
		end_row(&row);
	out->failed |= row.text.failed;
	skt_buf_release(&row.text);
}
