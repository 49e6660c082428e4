/* SPDX-License-Identifier: MIT */
/*
 * Any bytes, escaped and turned back; and the same bytes taken as a text that somebody else may have escaped. The first
 * byte is the number of columns to cut at.
 */
#include "taken.h"

#include <skt/escape.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		__builtin_trap();
}

/* Well-formed UTF-8 (Unicode, table 3-7) without C0, DEL and C1. */
static bool is_clean(const unsigned char *s, size_t len)
{
	for (size_t at = 0; at < len;) {
		unsigned char c = s[at++], low = 0x80, high = 0xbf;
		int more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

		if (c < 0x20 || c == 0x7f || (c >= 0x80 && c < 0xc2) || c > 0xf4)
			return false;
		low = c == 0xc2 || c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : low;
		high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : high;
		for (; more; more--, low = 0x80, high = 0xbf) {
			if (at == len || s[at] < low || s[at] > high)
				return false;
			at++;
		}
	}
	return true;
}

static void check_json(const struct skt_buf *json, const struct skt_buf *text)
{
	size_t n = 0;

	check(is_clean(json->data, json->len));
	for (size_t at = 0; at < json->len; at++, n++) {
		check(json->data[at] != '"');
		if (json->data[at] == '\\') {
			check(++at < json->len);
			check(json->data[at] == '"' || json->data[at] == '\\');
		}
		check(n < text->len && text->data[n] == json->data[at]);
	}
	check(n == text->len);
}

static void check_cut(const char *text, size_t len, size_t columns)
{
	size_t width = skt_escape_width(text, len);
	size_t cut = skt_escape_fit(text, len, columns);
	struct skt_buf whole, halves;

	check(width <= len);
	check(cut <= len);
	check(skt_escape_width(text, cut) <= columns);
	check(cut == len ? width <= columns : skt_escape_width(text, cut) + 4 > columns);
	check(skt_escape_width(text, cut) + skt_escape_width(text + cut, len - cut) == width);
	skt_buf_init(&whole);
	skt_buf_init(&halves);
	skt_unescape(&whole, text, len);
	skt_unescape(&halves, text, cut);
	skt_unescape(&halves, text + cut, len - cut);
	check(whole.len <= len);
	check(whole.len == halves.len && (!whole.len || !memcmp(whole.data, halves.data, whole.len)));
	skt_buf_release(&whole);
	skt_buf_release(&halves);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct skt_buf text, back, json;
	size_t columns = 0;

	if (size) {
		columns = *data++;
		size--;
	}
	skt_buf_init(&text);
	skt_buf_init(&back);
	skt_buf_init(&json);
	skt_escape(&text, data, size);
	check(is_clean(text.data, text.len));
	skt_unescape(&back, (const char *)text.data, text.len);
	check(back.len == size && (!size || !memcmp(back.data, data, size)));
	skt_escape_json(&json, data, size);
	check_json(&json, &text);
	if (text.len)
		taken();
	if (text.len)
		check_cut((const char *)text.data, text.len, columns);
	if (size)
		check_cut((const char *)data, size, columns);
	skt_buf_release(&text);
	skt_buf_release(&back);
	skt_buf_release(&json);
	return 0;
}
