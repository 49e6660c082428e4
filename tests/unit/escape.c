/* SPDX-License-Identifier: MIT */
#include <skt/escape.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(literal) literal, sizeof(literal) - 1

static void assert_bytes(const struct skt_buf *buf, const void *expect, size_t len)
{
	assert_false(buf->failed);
	assert_int_equal(buf->len, len);
	if (len)
		assert_memory_equal(buf->data, expect, len);
}

static void escapes_to(const void *bytes, size_t len, const char *expect)
{
	struct skt_buf out;

	skt_buf_init(&out);
	skt_escape(&out, bytes, len);
	assert_bytes(&out, expect, strlen(expect));
	skt_buf_release(&out);
}

static void stays(const char *text)
{
	escapes_to(text, strlen(text), text);
}

static void unescapes_to(const char *text, const void *expect, size_t len)
{
	struct skt_buf out;

	skt_buf_init(&out);
	skt_unescape(&out, text, strlen(text));
	assert_bytes(&out, expect, len);
	skt_buf_release(&out);
}

static void escapes_to_json(const void *bytes, size_t len, const char *expect)
{
	struct skt_buf out;

	skt_buf_init(&out);
	skt_escape_json(&out, bytes, len);
	assert_bytes(&out, expect, strlen(expect));
	skt_buf_release(&out);
}

/* The Unicode Standard, 15.0, table 3-7: the length of the well-formed sequence at the start, or 0. */
static size_t table_3_7(const unsigned char *s, size_t len)
{
	static const unsigned char rows[][5] = {
		/* first byte, second byte, length; the others are 80 to bf */
		{ 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		const unsigned char *r = rows[row];

		if (s[0] < r[0] || s[0] > r[1] || len < r[4] || (r[4] > 1 && (s[1] < r[2] || s[1] > r[3])))
			continue;
		for (size_t i = 2; i < r[4]; i++) {
			if (s[i] < 0x80 || s[i] > 0xbf)
				return 0;
		}
		return r[4];
	}
	return 0;
}

/* Valid UTF-8 without C0, DEL and C1. */
static bool is_clean(const unsigned char *s, size_t len)
{
	for (size_t at = 0, n; at < len; at += n) {
		n = table_3_7(s + at, len - at);
		if (!n || s[at] < 0x20 || s[at] == 0x7f || (s[at] == 0xc2 && s[at + 1] < 0xa0))
			return false;
	}
	return true;
}

/* The value of a JSON string (RFC 8259, section 7) of which s is the inside; only \" and \\ are to be expected. */
static bool read_json(const unsigned char *s, size_t len, struct skt_buf *ret)
{
	for (size_t at = 0; at < len; at++) {
		if (s[at] < 0x20 || s[at] == '"')
			return false;
		if (s[at] == '\\' && (++at == len || (s[at] != '"' && s[at] != '\\')))
			return false;
		skt_buf_byte(ret, s[at]);
	}
	return true;
}

/* Everything that holds for any bytes. */
static void keeps_its_promises(const void *bytes, size_t len)
{
	struct skt_buf text, back, json, value;

	skt_buf_init(&text);
	skt_buf_init(&back);
	skt_buf_init(&json);
	skt_buf_init(&value);
	skt_escape(&text, bytes, len);
	skt_escape_json(&json, bytes, len);
	skt_unescape(&back, (const char *)text.data, text.len);
	assert_bytes(&back, bytes, len);
	assert_true(is_clean(text.data, text.len));
	assert_true(is_clean(json.data, json.len));
	assert_true(read_json(json.data, json.len, &value));
	assert_bytes(&value, text.data, text.len);
	skt_buf_release(&text);
	skt_buf_release(&back);
	skt_buf_release(&json);
	skt_buf_release(&value);
}

static uint32_t next_random(void)
{
	static uint64_t state = 0x5eed;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

/* As UTF-8 would have it, even where it is none (surrogates). */
static size_t encode(uint32_t c, unsigned char *ret)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n; i-- > 1; c >>= 6)
		ret[i] = (unsigned char)(0x80 | (c & 0x3f));
	ret[0] = (unsigned char)(lead[n] | c);
	return n;
}

static bool is_escaped(uint32_t c)
{
	unsigned char bytes[4];
	size_t n = encode(c, bytes);
	struct skt_buf out;
	bool escaped;

	skt_buf_init(&out);
	skt_escape(&out, bytes, n);
	escaped = out.len != n;
	if (escaped && c != '\\')
		assert_int_equal(out.len, 4 * n);
	else if (!escaped)
		assert_memory_equal(out.data, bytes, n);
	skt_buf_release(&out);
	return escaped;
}

static size_t width_of(uint32_t c)
{
	char bytes[4];

	return skt_escape_width(bytes, encode(c, (unsigned char *)bytes));
}

static void leaves_printable_ascii_alone(void **state)
{
	(void)state;
	stays(" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~");
}

static void leaves_other_scripts_alone(void **state)
{
	(void)state;
	stays("Gr\u00fc\u00dfe, \u0434\u043e\u0431\u0440\u044b\u0439, \u6771\u4eac, \u05e9\u05dc\u05d5\u05dd, e\u0301, "
	      "\U0001f600, \ue000, \U0010fffd");
}

static void doubles_a_backslash(void **state)
{
	(void)state;
	escapes_to(BYTES("a\\b"), "a\\\\b");
	escapes_to(BYTES("\\x1b"), "\\\\x1b");
}

static void escapes_control_bytes(void **state)
{
	(void)state;
	escapes_to(BYTES("\0\a\b\t\n\v\f\r\033[31m\x1f\x7f"),
		   "\\x00\\x07\\x08\\x09\\x0a\\x0b\\x0c\\x0d\\x1b[31m\\x1f\\x7f");
	for (uint32_t c = 0; c < 0x20; c++)
		assert_true(is_escaped(c));
}

static void escapes_c1_controls_though_they_are_utf8(void **state)
{
	(void)state;
	escapes_to(BYTES("a\xc2\x9b"
			 "31m\xc2\x85"),
		   "a\\xc2\\x9b31m\\xc2\\x85");
	escapes_to(BYTES("\xc2\x80\xc2\x9f\xc2\xa0"), "\\xc2\\x80\\xc2\\x9f\xc2\xa0");
}

static void escapes_bytes_that_are_not_utf8(void **state)
{
	(void)state;
	escapes_to(BYTES("\x80\xbf\xfe\xff"), "\\x80\\xbf\\xfe\\xff");
	escapes_to(BYTES("Gr\xfc\xdf"
			 "e"),
		   "Gr\\xfc\\xdfe");
	escapes_to(BYTES("\xe2\x82z"), "\\xe2\\x82z");
	escapes_to(BYTES("z\xe2\x82"), "z\\xe2\\x82");
	escapes_to(BYTES("\xf0\x9f\x98\xc3\xbc"), "\\xf0\\x9f\\x98\xc3\xbc");
}

static void escapes_overlong_forms(void **state)
{
	(void)state;
	escapes_to(BYTES("\xc0\x80\xc0\xaf\xc1\xbf"), "\\xc0\\x80\\xc0\\xaf\\xc1\\xbf");
	escapes_to(BYTES("\xe0\x80\xaf\xe0\x9f\xbf"), "\\xe0\\x80\\xaf\\xe0\\x9f\\xbf");
	escapes_to(BYTES("\xf0\x80\x80\xaf\xf0\x8f\xbf\xbf"), "\\xf0\\x80\\x80\\xaf\\xf0\\x8f\\xbf\\xbf");
}

static void escapes_surrogates_and_what_lies_above_unicode(void **state)
{
	(void)state;
	escapes_to(BYTES("\xed\xa0\x80\xed\xbf\xbf\xed\x9f\xbf"), "\\xed\\xa0\\x80\\xed\\xbf\\xbf\xed\x9f\xbf");
	escapes_to(BYTES("\xf4\x90\x80\x80\xf5\x80\x80\x80"), "\\xf4\\x90\\x80\\x80\\xf5\\x80\\x80\\x80");
	escapes_to(BYTES("\xf8\x88\x80\x80\x80"), "\\xf8\\x88\\x80\\x80\\x80");
}

static void escapes_non_characters(void **state)
{
	(void)state;
	for (uint32_t c = 0xfdd0; c <= 0xfdef; c++)
		assert_true(is_escaped(c));
	for (uint32_t plane = 0; plane <= 0x10; plane++) {
		assert_true(is_escaped(plane << 16 | 0xfffe));
		assert_true(is_escaped(plane << 16 | 0xffff));
		assert_false(is_escaped(plane << 16 | 0xfffd) && plane != 0xe);
	}
	assert_false(is_escaped(0xfdcf));
	assert_false(is_escaped(0xfdf0));
}

static void escapes_what_reorders_or_hides_text(void **state)
{
	static const uint32_t ends[][2] = {
		{ 0xad, 0xad },	      { 0x34f, 0x34f },	  { 0x61c, 0x61c },	{ 0x115f, 0x1160 },
		{ 0x17b4, 0x17b5 },   { 0x180b, 0x180f }, { 0x200b, 0x200f },	{ 0x2028, 0x202e },
		{ 0x2060, 0x206f },   { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f },	{ 0xfeff, 0xfeff },
		{ 0xffa0, 0xffa0 },   { 0xfff0, 0xfffb }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
		{ 0xe0000, 0xe0fff },
	};

	(void)state;
	/* "Trojan Source", CVE-2021-42574; and a hidden instruction in tags */
	escapes_to(BYTES("ad\u202emin"), "ad\\xe2\\x80\\xaemin");
	escapes_to(BYTES("ssh\u200bd"), "ssh\\xe2\\x80\\x8bd");
	escapes_to(BYTES("a\U000e0041"), "a\\xf3\\xa0\\x81\\x81");
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		/* before the tags lies a non-character */
		assert_int_equal(is_escaped(ends[i][0] - 1), ends[i][0] == 0xe0000);
		assert_true(is_escaped(ends[i][0]));
		assert_true(is_escaped(ends[i][1]));
		assert_false(is_escaped(ends[i][1] + 1));
	}
}

/*
 * 65 controls, 66 non-characters, 4174 default ignorables (the total that DerivedCoreProperties.txt states), U+2028,
 * U+2029, U+FFF9..U+FFFB; and the backslash.
 */
static void escapes_4311_characters_and_no_others(void **state)
{
	size_t escaped = 0;

	(void)state;
	for (uint32_t c = 0; c <= 0x10ffff; c++)
		escaped += (c < 0xd800 || c > 0xdfff) && is_escaped(c);
	assert_int_equal(escaped, 65 + 66 + 4174 + 2 + 3 + 1);
}

static void nothing_escapes_to_nothing(void **state)
{
	(void)state;
	escapes_to(NULL, 0, "");
	escapes_to("x", 0, "");
	escapes_to_json(NULL, 0, "");
	unescapes_to("", NULL, 0);
	assert_int_equal(skt_escape_width(NULL, 0), 0);
	assert_int_equal(skt_escape_fit(NULL, 0, 80), 0);
}

static void every_pair_of_bytes_comes_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= 0xffff; i++) {
		unsigned char pair[] = { (unsigned char)(i >> 8), (unsigned char)i };

		keeps_its_promises(pair, sizeof(pair));
	}
}

/* Bytes that are near the edges of table 3-7, so that many sequences are almost or quite well-formed. */
static void random_bytes_come_back(void **state)
{
	static const unsigned char edges[] =
		"\\x00aF\"\n\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc2\xdf\xe0\xed\xef\xf0\xf4\xf5\xff";

	(void)state;
	for (int round = 0; round < 200000; round++) {
		unsigned char bytes[32];
		size_t len = next_random() % (sizeof(bytes) + 1);

		for (size_t i = 0; i < len; i++)
			bytes[i] =
				round % 2 ? (unsigned char)next_random() : edges[next_random() % (sizeof(edges) - 1)];
		keeps_its_promises(bytes, len);
	}
}

static void every_character_comes_back(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		unsigned char bytes[4];

		keeps_its_promises(bytes, encode(c, bytes));
	}
}

static void unescapes_hex_in_either_case(void **state)
{
	(void)state;
	unescapes_to("\\x1b\\xC3\\xbC\\xAf\\xFf\\x09", BYTES("\x1b\xc3\xbc\xaf\xff\t"));
	unescapes_to("a\\x00b", BYTES("a\0b"));
	unescapes_to("\\\\x41\\x41", BYTES("\\x41A"));
}

static void unescaping_leaves_what_is_no_escape(void **state)
{
	(void)state;
	unescapes_to("\\", BYTES("\\"));
	unescapes_to("\\x", BYTES("\\x"));
	unescapes_to("a\\x4", BYTES("a\\x4"));
	unescapes_to("\\xg1\\x1g\\x:0\\x/0\\x`0\\x@0", BYTES("\\xg1\\x1g\\x:0\\x/0\\x`0\\x@0"));
	unescapes_to("\\n\\t\\0\\u0041\\X41", BYTES("\\n\\t\\0\\u0041\\X41"));
	unescapes_to("\\\\\\", BYTES("\\\\"));
}

/* On copies that end where the text does, which is what the address sanitizer watches. */
static void nothing_is_read_past_the_end(void **state)
{
	static const char text[] = "\\x41\\x41\u6771";

	(void)state;
	for (size_t len = 1; len < sizeof(text); len++) {
		char *copy = malloc(len);
		struct skt_buf out;

		assert_non_null(copy);
		memcpy(copy, text, len);
		skt_buf_init(&out);
		skt_unescape(&out, copy, len);
		assert_int_equal(out.len, len < 8 ? len / 4 + len % 4 : 2 + len - 8);
		/* a character that is cut off is one stray byte after the other */
		assert_int_equal(skt_escape_width(copy, len), len < 11 ? len : 10);
		assert_int_equal(skt_escape_fit(copy, len, 99), len);
		skt_escape(&out, copy, len);
		skt_escape_json(&out, copy, len);
		skt_buf_release(&out);
		free(copy);
	}
}

static void json_escapes_quotes_and_every_backslash_once_more(void **state)
{
	(void)state;
	escapes_to_json(BYTES("say \"hi\""), "say \\\"hi\\\"");
	escapes_to_json(BYTES("C:\\x"), "C:\\\\\\\\x");
	escapes_to_json(BYTES("\033[0m\n"), "\\\\x1b[0m\\\\x0a");
	escapes_to_json(BYTES("\xff \u6771\u4eac \u202e/"), "\\\\xff \u6771\u4eac \\\\xe2\\\\x80\\\\xae/");
}

static void a_failed_buffer_stays_as_it_is(void **state)
{
	struct skt_buf out;

	(void)state;
	skt_buf_init(&out);
	skt_buf_text(&out, "x");
	out.failed = true;
	skt_escape(&out, BYTES("a\\\x1b"));
	skt_escape_json(&out, BYTES("a\"\x1b"));
	skt_unescape(&out, BYTES("a\\x1b"));
	assert_true(out.failed);
	assert_int_equal(out.len, 1);
	skt_buf_release(&out);
}

static void a_column_for_each_narrow_character(void **state)
{
	(void)state;
	assert_int_equal(skt_escape_width(BYTES("nginx: worker")), 13);
	assert_int_equal(skt_escape_width(BYTES("Gr\u00fc\u00dfe")), 5);
	/* East Asian Width A, H and N are narrow here: alpha, halfwidth katakana, a regional indicator */
	assert_int_equal(skt_escape_width(BYTES("\u03b1\uff71\U0001f1e6")), 3);
}

static void an_escape_is_as_wide_as_it_looks(void **state)
{
	(void)state;
	assert_int_equal(skt_escape_width(BYTES("\\x1b[0m")), 7);
	assert_int_equal(skt_escape_width(BYTES("\\\\x1b")), 5);
	assert_int_equal(skt_escape_width(BYTES("\\x1")), 3);
}

static void wide_characters_take_two_columns(void **state)
{
	/* The edges of blocks as EastAsianWidth.txt has them: Jamo, CJK, Kana, Hangul, fullwidth, emoji, plane 2 */
	static const uint32_t wide[] = { 0x1100, 0x115e, 0x231a, 0x3000, 0x3041,  0x4e00,  0x9fff,  0xac00, 0xd7a3,
					 0xf900, 0xff01, 0xff60, 0xffe0, 0x1f600, 0x1f90c, 0x20000, 0x3fffd };
	static const uint32_t narrow[] = { 0x10ff, 0x2319, 0x303f, 0x4dc0, 0xa4cf, 0xff61, 0xffe7, 0x1f321, 0xe000 };

	(void)state;
	assert_int_equal(skt_escape_width(BYTES("\u6771\u4eac")), 4);
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		assert_int_equal(width_of(wide[i]), 2);
	for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++)
		assert_int_equal(width_of(narrow[i]), 1);
}

static void combining_marks_take_no_column(void **state)
{
	/*
	 * Mn and Me of several scripts, two of which EastAsianWidth.txt has as wide; Hangul vowel and final consonant
	 */
	static const uint32_t zero[] = { 0x300,	 0x36f,	 0x488,	 0x5b0,	 0x64b,	  0x93c,   0xe31,  0x20d0,
					 0x20dd, 0x302a, 0x3099, 0xfe20, 0x16fe4, 0x1e000, 0x1161, 0x11ff };

	(void)state;
	assert_int_equal(skt_escape_width(BYTES("e\u0301a\u0300\u0316")), 2);
	for (size_t i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
		assert_int_equal(width_of(zero[i]), 0);
	assert_int_equal(width_of(0x903), 1); /* Mc: a mark with room of its own */
	/* A syllable, decomposed: one leading consonant's room */
	assert_int_equal(skt_escape_width(BYTES("\u1112\u1161\u11ab")), 2);
}

/*
 * The totals that Unicode 15.0 states for W and F (182516) and for Mn and Me (1985 + 13). Seven are both and count as
 * marks; of the marks 263 are invisible and so come only as escapes, as do two of the wide. 159 + 23 + 49 are Hangul
 * vowels and final consonants.
 */
static void the_widths_add_up_to_the_totals_of_unicode(void **state)
{
	size_t count[3] = { 0 };

	(void)state;
	for (uint32_t c = 0x20; c <= 0x10ffff; c++) {
		if ((c < 0xd800 || c > 0xdfff) && !is_escaped(c))
			count[width_of(c)]++;
	}
	assert_int_equal(count[0], 1985 + 13 - 263 + 159 + 23 + 49);
	assert_int_equal(count[2], 182516 - 7 - 2);
}

static void fits_whole_characters_and_escapes_only(void **state)
{
	(void)state;
	assert_int_equal(skt_escape_fit(BYTES("nginx"), 3), 3);
	assert_int_equal(skt_escape_fit(BYTES("nginx"), 5), 5);
	assert_int_equal(skt_escape_fit(BYTES("nginx"), 80), 5);
	assert_int_equal(skt_escape_fit(BYTES("nginx"), 0), 0);
	assert_int_equal(skt_escape_fit(BYTES("a\\x1bz"), 4), 1);
	assert_int_equal(skt_escape_fit(BYTES("a\\x1bz"), 5), 5);
	assert_int_equal(skt_escape_fit(BYTES("\\\\\\\\"), 3), 2);
	assert_int_equal(skt_escape_fit(BYTES("\\\\x1b"), 3), 3);
	assert_int_equal(skt_escape_fit(BYTES("\u6771\u4eac"), 3), 3);
	assert_int_equal(skt_escape_fit(BYTES("\u6771\u4eac"), 1), 0);
}

static void keeps_a_combining_mark_with_its_character(void **state)
{
	(void)state;
	assert_int_equal(skt_escape_fit(BYTES("e\u0301\u0316x"), 1), 5);
	assert_int_equal(skt_escape_fit(BYTES("e\u0301\u0316x"), 0), 0);
}

/* For any text and any width: what fits is not wider, one more unit would be, and both halves are text of their own. */
static void a_cut_takes_as_much_as_fits_and_loses_nothing(void **state)
{
	static const char *const pieces[] = { "a",	    "\\x1b",  "\\\\",  "\u00fc", "\u6771", "e\u0301",
					      "\U0001f600", "\u0316", "\\xf0", " ",	 "\\x5c",  "x1b" };

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct skt_buf text, whole, halves;
		size_t width, columns, cut;
		const char *s;

		skt_buf_init(&text);
		skt_buf_init(&whole);
		skt_buf_init(&halves);
		for (uint32_t i = 0, n = 1 + next_random() % 12; i < n; i++)
			skt_buf_text(&text, pieces[next_random() % (sizeof(pieces) / sizeof(pieces[0]))]);
		s = (const char *)text.data;
		width = skt_escape_width(s, text.len);
		columns = next_random() % (width + 1);
		cut = skt_escape_fit(s, text.len, columns);
		assert_int_equal(skt_escape_fit(s, text.len, width), text.len);
		assert_true(skt_escape_width(s, cut) <= columns);
		/* nothing is wider than an escape */
		assert_true(cut == text.len || skt_escape_width(s, cut) + 4 > columns);
		assert_int_equal(skt_escape_width(s, cut) + skt_escape_width(s + cut, text.len - cut), width);
		assert_true(is_clean(text.data, cut));
		skt_unescape(&whole, s, text.len);
		skt_unescape(&halves, s, cut);
		skt_unescape(&halves, s + cut, text.len - cut);
		assert_bytes(&halves, whole.data, whole.len);
		skt_buf_release(&text);
		skt_buf_release(&whole);
		skt_buf_release(&halves);
	}
}

static void text_that_was_not_escaped_is_measured_too(void **state)
{
	(void)state;
	assert_int_equal(skt_escape_width(BYTES("a\xff\xc3")), 3);
	assert_int_equal(skt_escape_fit(BYTES("\xc3\xff\xc3"), 2), 2);
	assert_int_equal(skt_escape_width(BYTES("\x1b\n")), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_printable_ascii_alone),
		cmocka_unit_test(leaves_other_scripts_alone),
		cmocka_unit_test(doubles_a_backslash),
		cmocka_unit_test(escapes_control_bytes),
		cmocka_unit_test(escapes_c1_controls_though_they_are_utf8),
		cmocka_unit_test(escapes_bytes_that_are_not_utf8),
		cmocka_unit_test(escapes_overlong_forms),
		cmocka_unit_test(escapes_surrogates_and_what_lies_above_unicode),
		cmocka_unit_test(escapes_non_characters),
		cmocka_unit_test(escapes_what_reorders_or_hides_text),
		cmocka_unit_test(escapes_4311_characters_and_no_others),
		cmocka_unit_test(nothing_escapes_to_nothing),
		cmocka_unit_test(every_pair_of_bytes_comes_back),
		cmocka_unit_test(random_bytes_come_back),
		cmocka_unit_test(every_character_comes_back),
		cmocka_unit_test(unescapes_hex_in_either_case),
		cmocka_unit_test(unescaping_leaves_what_is_no_escape),
		cmocka_unit_test(nothing_is_read_past_the_end),
		cmocka_unit_test(json_escapes_quotes_and_every_backslash_once_more),
		cmocka_unit_test(a_failed_buffer_stays_as_it_is),
		cmocka_unit_test(a_column_for_each_narrow_character),
		cmocka_unit_test(an_escape_is_as_wide_as_it_looks),
		cmocka_unit_test(wide_characters_take_two_columns),
		cmocka_unit_test(combining_marks_take_no_column),
		cmocka_unit_test(the_widths_add_up_to_the_totals_of_unicode),
		cmocka_unit_test(fits_whole_characters_and_escapes_only),
		cmocka_unit_test(keeps_a_combining_mark_with_its_character),
		cmocka_unit_test(a_cut_takes_as_much_as_fits_and_loses_nothing),
		cmocka_unit_test(text_that_was_not_escaped_is_measured_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
