/* SPDX-License-Identifier: MIT */
#include "proc/line.h"

#include "base/scan.h"
#include "proc/put.h"
#include "proc/row.h"

#include <string.h>

/*
 * Each parse_x() has its print_x() beside it. A row of the IPv4 TCP table:
 *
 *	   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 9216 1 ...
 *	%4d : %08X    :%04X %08X    :%04X %02X %08X   :%08X    %02X:%08lX  %08X      %5u      %8d %lu
 *
 *	... 00000000f1f10d85 100 0 0 10 0 and blanks up to a width                        TCP
 *	... 000000006d7e5965                                                              TCP, TIME_WAIT and SYN_RECV
 *	    %p               %lu %lu %u %u %d
 *	... 00000000a808500a 0                                                            all others
 *	    %p               %u
 */

/* An address is printed as 32-bit words, each a number of the machine it is on; the model has network order. */
static void parse_address(struct scan *s, const struct line_format *format, uint8_t *ret)
{
	unsigned words = skt_table_kind_is_ipv6(format->kind) ? 4 : 1;

	for (unsigned w = 0; w < words; w++) {
		uint32_t word = (uint32_t)scan_hex(s, 8, false);

		for (unsigned i = 0; i < 4; i++)
			ret[4 * w + i] = (uint8_t)(word >> (format->big_endian ? 24 - 8 * i : 8 * i));
	}
}

static char *print_address(char *at, const struct line_format *format, const uint8_t *address)
{
	unsigned words = skt_table_kind_is_ipv6(format->kind) ? 4 : 1;

	for (unsigned w = 0; w < words; w++) {
		uint32_t word = 0;

		for (unsigned i = 0; i < 4; i++)
			word |= (uint32_t)address[4 * w + i] << (format->big_endian ? 24 - 8 * i : 8 * i);
		at = put_hex(at, word, 8, false);
	}
	return at;
}

/* Both ends. */
static void parse_ends(struct scan *s, const struct line_format *format, struct skt_sock *ret)
{
	scan_blank(s);
	parse_address(s, format, ret->local_address);
	scan_byte(s, ':');
	ret->local_port = (uint16_t)scan_hex(s, 4, false);
	scan_blank(s);
	parse_address(s, format, ret->remote_address);
	scan_byte(s, ':');
	ret->remote_port = (uint16_t)scan_hex(s, 4, false);
}

static char *print_ends(char *at, const struct line_format *format, const struct skt_sock *sock)
{
	*at++ = ' ';
	at = print_address(at, format, sock->local_address);
	*at++ = ':';
	at = put_hex(at, sock->local_port, 4, false);
	*at++ = ' ';
	at = print_address(at, format, sock->remote_address);
	*at++ = ':';
	return put_hex(at, sock->remote_port, 4, false);
}

/*
 * %08lX. Kernels before 3.10 print a timer that is overdue as the negative number it is: more ticks than a
 * countdown has. It reads as one that runs out now.
 */
static void parse_ticks(struct scan *s, const struct line_format *format, struct skt_sock *ret)
{
	const char *start = s->at;
	uint64_t ticks = scan_hex(s, 8, false);

	while (scan_sees_hex(s) && s->at - start < 16)
		ticks = ticks << 4 | scan_hex(s, 1, false);
	if (ticks > SKT_TICKS_MAX) {
		s->loose = true;
		ticks = 0;
	}
	s->loose |= s->at - start > 8;
	skt_sock_set_ticks(ret, ticks, format->boottime);
}

/* From state to inode. */
static void parse_columns(struct scan *s, const struct line_format *format, struct skt_sock *ret)
{
	int64_t uid;

	scan_blank(s);
	ret->state = (uint8_t)scan_hex(s, 2, false);
	scan_blank(s);
	ret->tx_queue = (uint32_t)scan_hex(s, 8, false);
	scan_byte(s, ':');
	ret->rx_queue = (uint32_t)scan_hex(s, 8, false);
	scan_blank(s);
	ret->timer = (uint8_t)scan_hex(s, 2, false);
	scan_byte(s, ':');
	parse_ticks(s, format, ret);
	scan_blank(s);
	ret->retransmits = (uint32_t)scan_hex(s, 8, false);
	/* %5d before Linux 3.13: nfsnobody was -2 */
	uid = scan_signed_column(s, 5, INT32_MIN, UINT32_MAX);
	s->loose |= uid < 0;
	ret->uid = (uint32_t)uid;
	ret->probes = (int32_t)scan_signed_column(s, 8, INT32_MIN, INT32_MAX);
	ret->inode = scan_column(s, 0, UINT64_MAX);
	scan_edge(s);
}

static char *print_columns(char *at, const struct line_format *format, const struct skt_sock *sock)
{
	*at++ = ' ';
	at = put_hex(at, sock->state, 2, false);
	*at++ = ' ';
	at = put_hex(at, sock->tx_queue, 8, false);
	*at++ = ':';
	at = put_hex(at, sock->rx_queue, 8, false);
	*at++ = ' ';
	at = put_hex(at, sock->timer, 2, false);
	*at++ = ':';
	at = put_hex(at, skt_sock_ticks(sock, format->boottime), 8, false);
	*at++ = ' ';
	at = put_hex(at, sock->retransmits, 8, false);
	*at++ = ' ';
	at = put_decimal(at, sock->uid, false, 5);
	*at++ = ' ';
	at = put_signed(at, sock->probes, 8);
	*at++ = ' ';
	return put_decimal(at, sock->inode, false, 0);
}

/*
 * A column that may be missing: false, with nothing taken, unless a number stands next. What stands there
 * instead begins the tail.
 */
static bool optional(struct scan *s, struct skt_sock *ret, enum skt_field field, uint64_t max, uint64_t *ret_value)
{
	struct scan column = *s;
	uint64_t value = scan_column(&column, 0, max);

	scan_edge(&column);
	if (column.bad)
		return false;
	*s = column;
	*ret_value = value;
	ret->has |= SKT_BIT(field);
	return true;
}

static bool optional_signed(struct scan *s, struct skt_sock *ret, enum skt_field field, int32_t *ret_value)
{
	struct scan column = *s;
	int64_t value = scan_signed_column(&column, 0, INT32_MIN, INT32_MAX);

	scan_edge(&column);
	if (column.bad)
		return false;
	*s = column;
	*ret_value = (int32_t)value;
	ret->has |= SKT_BIT(field);
	return true;
}

/*
 * The kernel's pointer, hashed or zeroed: 16 hex digits, or 8 on a 32-bit kernel. It may also be a word in
 * parentheses, (null) or (____ptrval____) while there was no entropy yet: then there is none.
 */
static bool optional_pointer(struct scan *s, struct skt_sock *ret)
{
	struct scan column = *s, narrow;
	const char *word;

	scan_blank(&column);
	if (scan_sees(&column, '(')) {
		size_t len = scan_until(&column, ' ', &word);

		if (word[len - 1] != ')')
			return false;
		column.loose = true;
		*s = column;
		return true;
	}
	narrow = column;
	ret->sk = scan_hex(&column, 16, true);
	scan_edge(&column);
	if (column.bad) {
		column = narrow;
		ret->sk = scan_hex(&column, 8, true);
		scan_edge(&column);
		if (column.bad) {
			ret->sk = 0;
			return false;
		}
		ret->has |= SKT_HAS_SHORT_SK;
	}
	ret->has |= SKT_BIT(SKT_F_SK);
	*s = column;
	return true;
}

/* The columns after inode, as far as they are there. */
static void parse_optional(struct scan *s, const struct line_format *format, struct skt_sock *ret)
{
	uint64_t quick = 0, cwnd = 0, drops = 0;
	bool more = optional_signed(s, ret, SKT_F_REF, &ret->ref) && optional_pointer(s, ret);

	/* each stands only behind the one before it */
	if (more && skt_table_kind_is_tcp(format->kind))
		(void)(optional(s, ret, SKT_F_RTO, UINT64_MAX, &ret->rto) &&
		       optional(s, ret, SKT_F_ATO, UINT64_MAX, &ret->ato) &&
		       optional(s, ret, SKT_F_QUICK, UINT32_MAX, &quick) &&
		       optional(s, ret, SKT_F_CWND, UINT32_MAX, &cwnd) &&
		       optional_signed(s, ret, SKT_F_SSTHRESH, &ret->ssthresh));
	else if (more)
		optional(s, ret, SKT_F_DROPS, UINT32_MAX, &drops);
	ret->quick = (uint32_t)quick;
	ret->cwnd = (uint32_t)cwnd;
	ret->drops = (uint32_t)drops;
}

static char *put_column(char *at, const struct skt_sock *sock, enum skt_field field, uint64_t value)
{
	if (!skt_sock_has(sock, field))
		return at;
	*at++ = ' ';
	return put_decimal(at, value, false, 0);
}

static char *put_signed_column(char *at, const struct skt_sock *sock, enum skt_field field, int32_t value)
{
	if (!skt_sock_has(sock, field))
		return at;
	*at++ = ' ';
	return put_signed(at, value, 0);
}

static char *print_optional(char *at, const struct skt_sock *sock)
{
	at = put_signed_column(at, sock, SKT_F_REF, sock->ref);
	if (skt_sock_has(sock, SKT_F_SK)) {
		*at++ = ' ';
		at = put_hex(at, sock->sk, sock->has & SKT_HAS_SHORT_SK ? 8 : 16, true);
	}
	at = put_column(at, sock, SKT_F_RTO, sock->rto);
	at = put_column(at, sock, SKT_F_ATO, sock->ato);
	at = put_column(at, sock, SKT_F_QUICK, sock->quick);
	at = put_column(at, sock, SKT_F_CWND, sock->cwnd);
	at = put_signed_column(at, sock, SKT_F_SSTHRESH, sock->ssthresh);
	return put_column(at, sock, SKT_F_DROPS, sock->drops);
}

/* Keep bytes of the line as a string of the row. */
static int keep(struct skt_strtab *strings, const char *bytes, size_t len, struct skt_sock *ret, enum skt_field field,
		uint32_t *ret_id)
{
	int rc = skt_strtab_add(strings, bytes, len, ret_id);

	if (!rc)
		ret->has |= SKT_BIT(field);
	return rc;
}

/* The blanks behind the last column are taken off; `loose` unless they fill the line up to the layout's width. */
static void take_padding(struct scan *s, const struct row_layout *layout, uint64_t sl)
{
	const char *end = s->end;
	size_t prefix = 1, len, padding;

	do
		prefix++;
	while (sl /= 10);
	if (prefix < layout->sl + 1u)
		prefix = layout->sl + 1u;
	while (s->end > s->at && (s->end[-1] == ' ' || s->end[-1] == '\t' || s->end[-1] == '\r'))
		s->loose |= *--s->end != ' ';
	len = prefix + (size_t)(s->end - s->at);
	padding = len < layout->width ? layout->width - len : 0;
	s->loose |= (size_t)(end - s->end) != padding;
}

int line_parse(const struct line_format *format, const char *line, size_t len, struct skt_strtab *strings,
	       struct skt_sock *ret, size_t *ret_at)
{
	struct scan s = scan_of(line, len);
	const char *text;
	uint64_t sl;
	int rc = 0;

	if (row_parse(format, line, len, ret))
		return 1;
	memset(ret, 0, sizeof(*ret));
	scan_run(&s, ' ');
	sl = scan_decimal(&s, UINT32_MAX);
	scan_byte(&s, ':');
	s.loose = false; /* the row number is nobody's property: how it is spelled is not kept */
	text = s.at;
	if (!s.bad)
		take_padding(&s, &row_layouts[format->kind], sl);
	parse_ends(&s, format, ret);
	parse_columns(&s, format, ret);
	if (s.bad) {
		*ret_at = (size_t)(s.at - line);
		return 0;
	}
	parse_optional(&s, format, ret);
	if (!scan_at_end(&s)) {
		s.loose |= *s.at != ' ';
		rc = keep(strings, s.at + 1, (size_t)(s.end - s.at - 1), ret, SKT_F_TAIL, &ret->tail);
	}
	if (!rc && s.loose)
		rc = keep(strings, text, (size_t)(line + len - text), ret, SKT_F_TEXT, &ret->text);
	return rc ? rc : 1;
}

void line_print(const struct line_format *format, const struct skt_sock *sock, unsigned sl,
		const struct skt_strtab *strings, struct skt_buf *out)
{
	const struct row_layout *layout = &row_layouts[format->kind];
	char row[LINE_ROW_MAX], *at = put_decimal(row, sl, false, layout->sl);
	const char *bytes;
	size_t len, start = out->len;

	*at++ = ':';
	if (skt_sock_has(sock, SKT_F_TEXT)) {
		skt_buf_add(out, row, (size_t)(at - row));
		bytes = skt_strtab_get(strings, sock->text, &len);
		skt_buf_add(out, bytes, len);
		skt_buf_byte(out, '\n');
		return;
	}
	at = print_ends(at, format, sock);
	at = print_columns(at, format, sock);
	at = print_optional(at, sock);
	skt_buf_add(out, row, (size_t)(at - row));
	if (skt_sock_has(sock, SKT_F_TAIL)) {
		bytes = skt_strtab_get(strings, sock->tail, &len);
		skt_buf_byte(out, ' ');
		skt_buf_add(out, bytes, len);
	}
	if (!out->failed && out->len - start < layout->width)
		skt_buf_fill(out, ' ', layout->width - (out->len - start));
	skt_buf_byte(out, '\n');
}

/*
 * The words are the same from IPv4 to IPv6 but for one; "ref pointer drops" came to the datagram tables in Linux
 * 2.6.27.
 */
const char *line_heading(uint8_t kind)
{
#define COLUMNS " st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode"
	static const char *const headings[] = {
		"sl local_address rem_address" COLUMNS " ref pointer drops",
		"sl local_address remote_address" COLUMNS " ref pointer drops",
		"sl local_address rem_address" COLUMNS,
		"sl local_address remote_address" COLUMNS,
	};
#undef COLUMNS
	return headings[(skt_table_kind_is_tcp(kind) ? 2 : 0) + skt_table_kind_is_ipv6(kind)];
}

bool line_is_heading(uint8_t kind, const char *line, size_t len)
{
	struct scan s = scan_of(line, len);
	const char *word = line_heading(kind), *found;

	for (;;) {
		size_t expected = strcspn(word, " ");

		scan_run(&s, ' ');
		if (scan_at_end(&s))
			return !*word || !strcmp(word, "ref pointer drops");
		if (!expected || scan_until(&s, ' ', &found) != expected || memcmp(found, word, expected))
			return false;
		word += expected;
		word += *word == ' ';
	}
}
