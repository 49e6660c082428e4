/* SPDX-License-Identifier: MIT */
#include <skt/escape.h>

#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>

/* The length of the printable character at the start of bytes, or 0. */
static size_t printable(const unsigned char *bytes, size_t len)
{
	uint32_t c;
	size_t n;

	if (bytes[0] >= 0x20 && bytes[0] < 0x7f)
		return 1;
	n = utf8_decode(bytes, len, &c);
	return n && utf8_is_printable(c) ? n : 0;
}

static void add_escape(struct skt_buf *out, unsigned char byte, bool json)
{
	static const char digits[] = "0123456789abcdef";

	if (json)
		skt_buf_byte(out, '\\');
	if (json && byte == '"') {
		skt_buf_byte(out, byte);
		return;
	}
	skt_buf_byte(out, '\\');
	if (byte == '\\') {
		skt_buf_text(out, json ? "\\\\" : "\\");
		return;
	}
	skt_buf_byte(out, 'x');
	skt_buf_byte(out, (unsigned char)digits[byte >> 4]);
	skt_buf_byte(out, (unsigned char)digits[byte & 15]);
}

static void escape(struct skt_buf *out, const unsigned char *bytes, size_t len, bool json)
{
	size_t start = 0; /* of the run that stays as it is */

	if (!len)
		return;
	for (size_t at = 0; at < len;) {
		size_t n = printable(bytes + at, len - at);

		if (n && bytes[at] != '\\' && !(json && bytes[at] == '"')) {
			at += n;
			continue;
		}
		skt_buf_add(out, bytes + start, at - start);
		/* One byte is enough: what follows of a character that is cut off its first byte is invalid too. */
		add_escape(out, bytes[at], json);
		start = ++at;
	}
	skt_buf_add(out, bytes + start, len - start);
}

void skt_escape(struct skt_buf *out, const void *bytes, size_t len)
{
	escape(out, bytes, len, false);
}

void skt_escape_json(struct skt_buf *out, const void *bytes, size_t len)
{
	escape(out, bytes, len, true);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

size_t skt_escape_read(const char *text, size_t len, unsigned char *ret)
{
	int high, low;

	if (len < 2 || text[0] != '\\')
		return 0;
	if (text[1] == '\\') {
		*ret = '\\';
		return 2;
	}
	if (len < 4 || text[1] != 'x')
		return 0;
	high = hex_digit(text[2]);
	low = hex_digit(text[3]);
	if (high < 0 || low < 0)
		return 0;
	*ret = (unsigned char)(high << 4 | low);
	return 4;
}

void skt_unescape(struct skt_buf *out, const char *text, size_t len)
{
	size_t start = 0; /* of the run that stays as it is */

	if (!len)
		return;
	for (size_t at = 0; at < len;) {
		unsigned char byte;
		size_t n = skt_escape_read(text + at, len - at, &byte);

		if (!n) {
			at++;
			continue;
		}
		skt_buf_add(out, text + start, at - start);
		skt_buf_byte(out, byte);
		start = at += n;
	}
	skt_buf_add(out, text + start, len - start);
}

/* The length of what must not be cut in two at the start of text, and its columns. */
static size_t unit(const char *text, size_t len, size_t *ret_width)
{
	unsigned char byte;
	uint32_t c;
	size_t n = skt_escape_read(text, len, &byte);

	*ret_width = n;
	if (n)
		return n;
	n = utf8_decode((const unsigned char *)text, len, &c);
	*ret_width = n ? utf8_width(c) : 1;
	return n ? n : 1;
}

size_t skt_escape_width(const char *text, size_t len)
{
	size_t columns = 0;

	for (size_t at = 0, width; at < len; columns += width)
		at += unit(text + at, len - at, &width);
	return columns;
}

size_t skt_escape_fit(const char *text, size_t len, size_t width)
{
	size_t at = 0;

	while (at < len) {
		size_t columns;
		size_t n = unit(text + at, len - at, &columns);

		if (columns > width)
			break;
		width -= columns;
		at += n;
	}
	return at;
}
