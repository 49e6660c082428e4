/* SPDX-License-Identifier: MIT */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Takes the fields of a line of kernel text one after the other. The bytes are borrowed and may be
 * any: nothing ends at a NUL. Two flags stick:
 *
 *   bad     what stands here cannot be parsed. Later calls do nothing and yield 0; `at` stays where it
 *           went wrong. A reader of many fields tests once, at the end.
 *   loose   it parses, but the kernel's printf would have spelled it otherwise (more blanks, leading
 *           zeros, the other case): printing the value does not give the bytes back.
 */
struct scan {
	const char *at;
	const char *end;
	bool bad;
	bool loose;
};

static inline struct scan scan_of(const char *bytes, size_t len)
{
	return (struct scan){ .at = bytes, .end = bytes + len };
}

static inline bool scan_at_end(const struct scan *s)
{
	return s->at == s->end;
}

/* Whether c stands next. */
static inline bool scan_sees(const struct scan *s, char c)
{
	return !s->bad && s->at < s->end && *s->at == c;
}

/* This very byte. */
static inline void scan_byte(struct scan *s, char c)
{
	if (scan_sees(s, c))
		s->at++;
	else
		s->bad = true;
}

/* As many of c as there are, perhaps none: their number. */
static inline size_t scan_run(struct scan *s, char c)
{
	const char *start = s->at;

	while (scan_sees(s, c))
		s->at++;
	return (size_t)(s->at - start);
}

/* At least one blank: how many. A tab is a blank that the kernel's tables do not have. */
static inline size_t scan_blanks(struct scan *s)
{
	const char *start = s->at;

	for (; !s->bad && s->at < s->end && (*s->at == ' ' || *s->at == '\t'); s->at++)
		s->loose |= *s->at == '\t';
	if (s->at == start)
		s->bad = true;
	return (size_t)(s->at - start);
}

/* The one blank that stands between fields. */
static inline void scan_blank(struct scan *s)
{
	s->loose |= scan_blanks(s) != 1;
}

/* At a blank or the end, that is, where a field may end. */
static inline void scan_edge(struct scan *s)
{
	if (!s->bad && s->at < s->end && *s->at != ' ' && *s->at != '\t')
		s->bad = true;
}

/* Of each byte: its value as a hex digit, and whether it is one, in upper or in lower case. */
#define SCAN_HEX   0x10
#define SCAN_UPPER 0x20
#define SCAN_LOWER 0x40
#define D(value)   (SCAN_HEX | (value))
#define U(value)   (SCAN_HEX | SCAN_UPPER | (value))
#define L(value)   (SCAN_HEX | SCAN_LOWER | (value))
static const uint8_t scan_hex_digits[256] = {
	['0'] = D(0),  ['1'] = D(1),  ['2'] = D(2),  ['3'] = D(3),  ['4'] = D(4),  ['5'] = D(5),
	['6'] = D(6),  ['7'] = D(7),  ['8'] = D(8),  ['9'] = D(9),  ['A'] = U(10), ['B'] = U(11),
	['C'] = U(12), ['D'] = U(13), ['E'] = U(14), ['F'] = U(15), ['a'] = L(10), ['b'] = L(11),
	['c'] = L(12), ['d'] = L(13), ['e'] = L(14), ['f'] = L(15),
};
#undef D
#undef U
#undef L

/* At a hex digit of either case. */
static inline bool scan_sees_hex(const struct scan *s)
{
	return !s->bad && s->at < s->end && scan_hex_digits[(unsigned char)*s->at];
}

/* Exactly so many hex digits, at most 16: %0<digits>X, or %0<digits>x where lower is set. */
static inline uint64_t scan_hex(struct scan *s, unsigned digits, bool lower)
{
	uint64_t value = 0;
	unsigned all = SCAN_HEX, any = 0;

	if (s->bad)
		return 0;
	if ((size_t)(s->end - s->at) >= digits) {
		for (unsigned i = 0; i < digits; i++) {
			unsigned digit = scan_hex_digits[(unsigned char)s->at[i]];

			all &= digit;
			any |= digit;
			value = value << 4 | (digit & 15);
		}
		if (all) {
			s->loose |= (any & (lower ? SCAN_UPPER : SCAN_LOWER)) != 0;
			s->at += digits;
			return value;
		}
	}
	while (scan_sees_hex(s))
		s->at++;
	s->bad = true;
	return 0;
}

/* A decimal number up to max: %lu. */
static inline uint64_t scan_decimal(struct scan *s, uint64_t max)
{
	const char *start = s->at;
	uint64_t value = 0;

	for (; !s->bad && s->at < s->end; s->at++) {
		unsigned digit = (unsigned char)*s->at - (unsigned)'0';

		if (digit > 9)
			break;
		if (value > (max - digit) / 10 || digit > max) {
			s->bad = true;
			return 0;
		}
		value = value * 10 + digit;
	}
	if (s->at == start)
		s->bad = true;
	s->loose |= s->at - start > 1 && *start == '0';
	return s->bad ? 0 : value;
}

/* The same with a sign, from min (below 0) to max: %ld. */
static inline int64_t scan_signed(struct scan *s, int64_t min, int64_t max)
{
	if (scan_sees(s, '-')) {
		uint64_t value;

		s->at++;
		value = scan_decimal(s, (uint64_t)-min);
		s->loose |= !value;
		return (int64_t)-value;
	}
	return (int64_t)scan_decimal(s, (uint64_t)max);
}

/* A blank and then a decimal number set to the right of `width` columns: " %<width>u". */
static inline uint64_t scan_column(struct scan *s, unsigned width, uint64_t max)
{
	size_t blanks = scan_blanks(s);
	const char *start = s->at;
	uint64_t value = scan_decimal(s, max);
	size_t digits = (size_t)(s->at - start);

	s->loose |= blanks != (digits < width ? width - digits + 1 : 1);
	return value;
}

/* The same with a sign: " %<width>d". */
static inline int64_t scan_signed_column(struct scan *s, unsigned width, int64_t min, int64_t max)
{
	size_t blanks = scan_blanks(s);
	const char *start = s->at;
	int64_t value = scan_signed(s, min, max);
	size_t digits = (size_t)(s->at - start);

	s->loose |= blanks != (digits < width ? width - digits + 1 : 1);
	return value;
}

/* What stands from here to the first c, which is not taken, or to the end: its length, its bytes through ret. */
static inline size_t scan_until(struct scan *s, char c, const char **ret)
{
	const char *found = s->bad || scan_at_end(s) ? NULL : memchr(s->at, c, (size_t)(s->end - s->at));

	*ret = s->at;
	if (!s->bad)
		s->at = found ? found : s->end;
	return (size_t)(s->at - *ret);
}

#endif
