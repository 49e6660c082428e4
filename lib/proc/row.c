/* SPDX-License-Identifier: MIT */
#include "proc/row.h"

#include <endian.h>
#include <string.h>

/* UDP's row number had 4 columns before Linux 2.6.29: such rows are spelled otherwise, and keep their text. */
const struct row_layout row_layouts[SKT_TABLE_KINDS] = {
	[SKT_TCP] = { 4, 149 },	    [SKT_TCP6] = { 4, 0 },     [SKT_UDP] = { 5, 127 }, [SKT_UDP6] = { 5, 0 },
	[SKT_UDPLITE] = { 5, 127 }, [SKT_UDPLITE6] = { 5, 0 }, [SKT_RAW] = { 4, 0 },   [SKT_RAW6] = { 5, 0 },
};

/* What is left of a line. What goes wrong makes it bad for good. */
struct row {
	const char *at, *end;
	bool bad;
};

/* Each is a handful of instructions, a row is thirty of them, and there are tens of thousands of rows each second. */
#define QUICK static inline __attribute__((always_inline))

/* The same byte eight times. */
#define EIGHT(byte) (UINT64_C(0x0101010101010101) * (byte))

/*
 * Eight hex digits of one case, all at once: each digit is a byte of x, the first the lowest. A letter has bit 6 set,
 * and its value is that of its low four bits and 9; the digits are these if they are spelled like that and 10 or more
 * are letters.
 */
QUICK bool eight_digits(uint64_t x, bool lower, uint32_t *ret)
{
	uint64_t letters = x >> 6 & EIGHT(1);
	uint64_t value = (x & EIGHT(15)) + letters * 9;
	bool good = !(value & EIGHT(0xf0)) && ((value + EIGHT(6)) >> 4 & EIGHT(1)) == letters &&
		    x == value + EIGHT('0') + letters * (uint64_t)((lower ? 'a' : 'A') - 10 - '0');

	value = (value << 4 | value >> 8) & UINT64_C(0x00ff00ff00ff00ff);
	value = (value << 8 | value >> 16) & UINT64_C(0x0000ffff0000ffff);
	*ret = (uint32_t)(value << 16 | value >> 32);
	return good;
}

/* %0<digits>X, or x; digits is 2, 4 or 8. The line is long enough. */
QUICK uint32_t take_hex(struct row *row, unsigned digits, bool lower)
{
	/* zeros in front of those that there are */
	uint64_t x = EIGHT('0');
	uint32_t value;

	memcpy((char *)&x + 8 - digits, row->at, digits);
	row->bad |= !eight_digits(le64toh(x), lower, &value);
	row->at += digits;
	return value;
}

/* The line is long enough. */
QUICK void take_byte(struct row *row, char c)
{
	row->bad |= *row->at++ != c;
}

/* A number of digits without zeros in front, so short that it cannot be too large: %u, %lu. */
QUICK uint64_t take_number(struct row *row, unsigned digits)
{
	const char *start = row->at;
	uint64_t value = 0;
	unsigned digit;
	size_t len;

	for (; row->at < row->end && (digit = (unsigned char)*row->at - (unsigned)'0') <= 9; row->at++)
		value = value * 10 + digit;
	len = (size_t)(row->at - start);
	row->bad |= !len || len > digits || (len > 1 && *start == '0');
	return value;
}

/* The one blank between columns, if it stands here. */
QUICK void take_blank(struct row *row)
{
	if (row->at < row->end && *row->at == ' ')
		row->at++;
	else
		row->bad = true;
}

/* A blank, and then a number that is set to the right of so many columns. */
QUICK uint64_t take_column(struct row *row, unsigned width, unsigned digits)
{
	const char *start;
	uint64_t value;
	size_t len;

	take_blank(row);
	start = row->at;
	for (unsigned i = 1; i < width && row->at < row->end && *row->at == ' '; i++)
		row->at++;
	value = take_number(row, digits);
	len = (size_t)(row->at - start);
	/* blanks only where there is room for them */
	row->bad |= len < width || (len > width && *start == ' ');
	return value;
}

/* Digits that no number of 32 and of 64 bits needs all of: what has more of them is left to line_parse(). */
#define DIGITS_32 9
#define DIGITS_64 18

QUICK int32_t take_signed(struct row *row)
{
	uint32_t value;

	take_blank(row);
	if (row->at == row->end || *row->at != '-')
		return (int32_t)take_number(row, DIGITS_32);
	row->at++;
	/* too long a number is bad, and here whatever it is: as it may be the smallest, it is negated without a sign */
	value = (uint32_t)take_number(row, DIGITS_32);
	row->bad |= !value;
	return (int32_t)-value;
}

QUICK void take_address(struct row *row, const struct line_format *format, unsigned words, uint8_t *ret)
{
	for (unsigned i = 0; i < words; i++) {
		uint32_t word = take_hex(row, 8, false);

		word = format->big_endian ? htobe32(word) : htole32(word);
		memcpy(ret + 4 * (size_t)i, &word, sizeof(word));
	}
}

/*
 * From the row number on to retransmits: columns that stand in the same place in every row, each of words of 8 digits
 * in an address.
 */
QUICK void take_columns(struct row *row, const struct line_format *format, unsigned words, struct skt_sock *ret)
{
	const size_t length = 54 + 16 * (size_t)words;

	if ((size_t)(row->end - row->at) < length) {
		row->bad = true;
		return;
	}
	take_byte(row, ' ');
	take_address(row, format, words, ret->local_address);
	take_byte(row, ':');
	ret->local_port = (uint16_t)take_hex(row, 4, false);
	take_byte(row, ' ');
	take_address(row, format, words, ret->remote_address);
	take_byte(row, ':');
	ret->remote_port = (uint16_t)take_hex(row, 4, false);
	take_byte(row, ' ');
	ret->state = (uint8_t)take_hex(row, 2, false);
	take_byte(row, ' ');
	ret->tx_queue = take_hex(row, 8, false);
	take_byte(row, ':');
	ret->rx_queue = take_hex(row, 8, false);
	take_byte(row, ' ');
	ret->timer = (uint8_t)take_hex(row, 2, false);
	take_byte(row, ':');
	skt_sock_set_ticks(ret, take_hex(row, 8, false), format->boottime);
	take_byte(row, ' ');
	ret->retransmits = take_hex(row, 8, false);
}

/* The other columns that every row has. */
static void take_more(struct row *row, struct skt_sock *ret)
{
	ret->uid = (uint32_t)take_column(row, 5, DIGITS_32);
	ret->probes = (int32_t)take_column(row, 8, DIGITS_32);
	ret->inode = take_column(row, 0, DIGITS_64);
}

/* All of the columns after inode that such a row has. */
static void take_rest(struct row *row, uint8_t kind, struct skt_sock *ret)
{
	ret->ref = take_signed(row);
	if (row->end - row->at < 17) {
		row->bad = true;
		return;
	}
	take_byte(row, ' ');
	ret->sk = (uint64_t)take_hex(row, 8, true) << 32;
	ret->sk |= take_hex(row, 8, true);
	ret->has |= SKT_BIT(SKT_F_REF) | SKT_BIT(SKT_F_SK);
	if (!skt_table_kind_is_tcp(kind)) {
		ret->drops = (uint32_t)take_column(row, 0, DIGITS_32);
		ret->has |= SKT_BIT(SKT_F_DROPS);
		return;
	}
	/* TIME_WAIT and SYN_RECV have no more: blanks follow, or nothing */
	if (row->at == row->end || (row->at + 1 < row->end && row->at[1] == ' '))
		return;
	ret->rto = take_column(row, 0, DIGITS_64);
	ret->ato = take_column(row, 0, DIGITS_64);
	ret->quick = (uint32_t)take_column(row, 0, DIGITS_32);
	ret->cwnd = (uint32_t)take_column(row, 0, DIGITS_32);
	ret->ssthresh = take_signed(row);
	ret->has |= SKT_BIT(SKT_F_RTO) | SKT_BIT(SKT_F_ATO) | SKT_BIT(SKT_F_QUICK) | SKT_BIT(SKT_F_CWND) |
		    SKT_BIT(SKT_F_SSTHRESH);
}

/* Nothing is left but the blanks that fill a line, behind a row number that takes so many bytes, up to its width. */
static bool is_filled(const struct row *row, const char *text, size_t number, unsigned width)
{
	static const char blanks[] = "                                                                                "
				     "                                                                                ";
	size_t left = (size_t)(row->end - row->at), len = number + (size_t)(row->at - text);

	return left == (len < width ? width - len : 0) && left < sizeof(blanks) && !memcmp(row->at, blanks, left);
}

bool row_parse(const struct line_format *format, const char *line, size_t len, struct skt_sock *ret)
{
	const struct row_layout *layout = &row_layouts[format->kind];
	struct row row = { .at = line, .end = line + len };
	const char *number, *text;
	size_t digits;

	memset(ret, 0, sizeof(*ret));
	while (row.at < row.end && *row.at == ' ')
		row.at++;
	number = row.at;
	(void)take_number(&row, DIGITS_32);
	digits = (size_t)(row.at - number);
	text = row.at + 1;
	if (row.bad || row.at == row.end || *row.at++ != ':')
		return false;
	if (skt_table_kind_is_ipv6(format->kind))
		take_columns(&row, format, 4, ret);
	else
		take_columns(&row, format, 1, ret);
	if (row.bad)
		return false;
	take_more(&row, ret);
	take_rest(&row, format->kind, ret);
	return !row.bad && is_filled(&row, text, (digits < layout->sl ? layout->sl : digits) + 1, layout->width);
}
