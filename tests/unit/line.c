/* SPDX-License-Identifier: MIT */
#include "proc/line.h"
#include "random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define BOOTTIME INT64_C(123456789012345)

static struct skt_strtab *strings;
static struct skt_buf out;

static int set_up(void **state)
{
	(void)state;
	strings = skt_strtab_new(7);
	skt_buf_init(&out);
	return !strings;
}

static int tear_down(void **state)
{
	(void)state;
	skt_strtab_unref(strings);
	skt_buf_release(&out);
	return 0;
}

static struct line_format format_of(unsigned kind)
{
	return (struct line_format){ .kind = (uint8_t)kind, .boottime = BOOTTIME };
}

static size_t after_colon(const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);

	return colon ? (size_t)(colon - line) : len;
}

/* The line, `sl` aside, comes back from the row. */
static void assert_comes_back(const struct line_format *format, const struct skt_sock *sock, const char *line,
			      size_t len)
{
	size_t want = after_colon(line, len), have;

	skt_buf_clear(&out);
	line_print(format, sock, (unsigned)strtoul(line, NULL, 10), strings, &out);
	assert_int_equal(skt_buf_status(&out), 0);
	have = after_colon((const char *)out.data, out.len);
	assert_int_equal(out.data[out.len - 1], '\n');
	if (out.len - 1 - have != len - want || memcmp(out.data + have, line + want, len - want))
		fail_msg("read    '%.*s'\nprinted '%.*s'", (int)len, line, (int)out.len - 1, (const char *)out.data);
}

static struct skt_sock parse_bytes(struct line_format format, const char *line, size_t len)
{
	struct skt_sock sock;
	size_t at = 0;

	if (line_parse(&format, line, len, strings, &sock, &at) != 1)
		fail_msg("'%.*s' is no row: column %zu", (int)len, line, at);
	assert_comes_back(&format, &sock, line, len);
	return sock;
}

/* A row that reads as the kernel spells it. */
static struct skt_sock parse(unsigned kind, const char *line)
{
	struct skt_sock sock = parse_bytes(format_of(kind), line, strlen(line));

	assert_false(skt_sock_has(&sock, SKT_F_TEXT));
	return sock;
}

/* The same in a table whose lines are filled up with blanks. */
static struct skt_sock parse_padded(unsigned kind, const char *line, int width)
{
	char padded[160];

	snprintf(padded, sizeof(padded), "%*s", -width, line);
	return parse(kind, padded);
}

/* A row that reads, but not as the kernel spells it. */
static struct skt_sock parse_text(unsigned kind, const char *line)
{
	struct skt_sock sock = parse_bytes(format_of(kind), line, strlen(line));

	assert_true(skt_sock_has(&sock, SKT_F_TEXT));
	return sock;
}

static void assert_no_row(unsigned kind, const char *line, size_t want_at)
{
	struct line_format format = format_of(kind);
	struct skt_sock sock;
	size_t at = SIZE_MAX;

	if (line_parse(&format, line, strlen(line), strings, &sock, &at) != 0)
		fail_msg("'%s' is a row", line);
	assert_int_equal(at, want_at);
	assert_int_equal(sock.has & (SKT_BIT(SKT_F_TEXT) | SKT_BIT(SKT_F_TAIL)), 0);
}

static void assert_address(const struct skt_sock *sock, bool ipv6, const char *local, const char *remote)
{
	char text[SKT_ADDRESS_SIZE];

	assert_string_equal(skt_address_format(sock->local_address, ipv6, text), local);
	assert_string_equal(skt_address_format(sock->remote_address, ipv6, text), remote);
}

/* Linux 6.18, as it stood in its table. */
#define ESTABLISHED                                                                                           \
	"   5: 0100007F:C07A 0100007F:A14F 01 00000000:00000000 00:00000000 00000000     0        0 11450 2 " \
	"00000000d69e28a0 20 0 0 10 -1                     "

static void reads_each_column_of_an_established_row(void **state)
{
	struct skt_sock sock = parse(SKT_TCP, ESTABLISHED);

	(void)state;
	assert_address(&sock, false, "127.0.0.1", "127.0.0.1");
	assert_int_equal(sock.local_port, 49274);
	assert_int_equal(sock.remote_port, 41295);
	assert_int_equal(sock.state, SKT_ESTABLISHED);
	assert_int_equal(sock.uid, 0);
	assert_int_equal(sock.inode, 11450);
	assert_int_equal(sock.ref, 2);
	assert_int_equal(sock.sk, 0xd69e28a0);
	assert_int_equal(sock.rto, 20);
	assert_int_equal(sock.ato, 0);
	assert_int_equal(sock.quick, 0);
	assert_int_equal(sock.cwnd, 10);
	assert_int_equal(sock.ssthresh, -1);
	assert_int_equal(sock.has, SKT_BIT(SKT_F_REF) | SKT_BIT(SKT_F_SK) | SKT_BIT(SKT_F_RTO) | SKT_BIT(SKT_F_ATO) |
					   SKT_BIT(SKT_F_QUICK) | SKT_BIT(SKT_F_CWND) | SKT_BIT(SKT_F_SSTHRESH));
}

static void tells_apart_every_column(void **state)
{
	/* every number another one: queues 0x11 and 0x22, keepalive in 0x33 ticks, 0x44 retransmits, ... */
	struct skt_sock sock = parse_padded(SKT_TCP,
					    "   0: 0102A8C0:0016 6402A8C0:D903 08 00000011:00000022 02:00000033 "
					    "00000044  1000        5 4294967296 6 ffff88003d3af3c0 700 800 9 10 11",
					    149);

	(void)state;
	assert_address(&sock, false, "192.168.2.1", "192.168.2.100");
	assert_int_equal(sock.local_port, 22);
	assert_int_equal(sock.remote_port, 55555);
	assert_int_equal(sock.state, SKT_CLOSE_WAIT);
	assert_int_equal(sock.tx_queue, 0x11);
	assert_int_equal(sock.rx_queue, 0x22);
	assert_int_equal(sock.timer, 2);
	assert_int_equal(skt_sock_ticks(&sock, BOOTTIME), 0x33);
	assert_int_equal(sock.retransmits, 0x44);
	assert_int_equal(sock.uid, 1000);
	assert_int_equal(sock.probes, 5);
	assert_int_equal(sock.inode, UINT64_C(4294967296));
	assert_int_equal(sock.ref, 6);
	assert_int_equal(sock.sk, UINT64_C(0xffff88003d3af3c0));
	assert_int_equal(sock.rto, 700);
	assert_int_equal(sock.ato, 800);
	assert_int_equal(sock.quick, 9);
	assert_int_equal(sock.cwnd, 10);
	assert_int_equal(sock.ssthresh, 11);
	assert_int_equal(sock.table, 0);
	assert_int_equal(sock.n_owners, 0);
}

static void time_wait_and_syn_recv_rows_end_with_the_pointer(void **state)
{
	struct skt_sock wait = parse_padded(SKT_TCP,
					    "   2: 020200C0:9C84 507100CB:0050 06 00000000:00000000 03:000015B2 "
					    "00000000     0        0 0 3 000000006d7e5965",
					    149);
	struct skt_sock recv = parse(SKT_TCP6, "   3: 00000000000000000000000001000000:1F90 "
					       "00000000000000000000000001000000:BE3A 03 00000000:00000000 "
					       "01:00000064 00000000  1000        0 0 0 000000007496ad9b");

	(void)state;
	assert_int_equal(wait.state, SKT_TIME_WAIT);
	assert_int_equal(wait.timer, 3);
	assert_int_equal(skt_sock_ticks(&wait, BOOTTIME), 0x15b2);
	assert_int_equal(wait.inode, 0);
	assert_int_equal(wait.has, SKT_BIT(SKT_F_TIMER_MS) | SKT_BIT(SKT_F_REF) | SKT_BIT(SKT_F_SK));
	assert_int_equal(recv.state, SKT_SYN_RECV);
	assert_int_equal(recv.uid, 1000);
	assert_int_equal(recv.has, SKT_BIT(SKT_F_TIMER_MS) | SKT_BIT(SKT_F_REF) | SKT_BIT(SKT_F_SK));
}

static void old_kernels_print_short_pointers(void **state)
{
	struct skt_sock sock = parse_padded(SKT_TCP,
					    "   5: 6B00A8C0:0016 30F4B5CA:C3AB 01 00000044:00000000 01:00000031 "
					    "00000000     0        0 4982752 3 f2e64940 55 4 0 2 -1",
					    149);

	(void)state;
	assert_address(&sock, false, "192.168.0.107", "202.181.244.48");
	assert_int_equal(sock.sk, 0xf2e64940);
	assert_true(sock.has & SKT_HAS_SHORT_SK);
	assert_int_equal(sock.ssthresh, -1);
}

static void addresses_are_in_the_machines_byte_order(void **state)
{
	static const char line[] = "   0: 20010DB8000000000000000000000001:0050 00000000000000000000FFFFC0A80101:D903 "
				   "01 00000000:00000000 00:00000000 00000000     0        0 7 1 0000000000000000";
	static const char little[] =
		"   0: B80D0120000000000000000001000000:0050 0000000000000000FFFF00000101A8C0:D903 "
		"01 00000000:00000000 00:00000000 00000000     0        0 7 1 0000000000000000";
	struct line_format format = format_of(SKT_TCP6);
	struct skt_sock sock;

	(void)state;
	sock = parse_bytes(format, little, strlen(little));
	assert_address(&sock, true, "2001:db8::1", "::ffff:192.168.1.1");
	format.big_endian = true;
	sock = parse_bytes(format, line, strlen(line));
	assert_address(&sock, true, "2001:db8::1", "::ffff:192.168.1.1");
	assert_int_equal(sock.local_port, 80);
	assert_false(skt_sock_has(&sock, SKT_F_TEXT));
}

static void datagram_rows_end_in_drops(void **state)
{
	struct skt_sock udp = parse_padded(SKT_UDP,
					   " 8864: 0100007F:D310 00000000:0000 07 00000000:00000000 00:00000000 "
					   "00000000     0        0 11459 2 00000000a808500a 4294967295",
					   127);
	struct skt_sock raw = parse(SKT_RAW, " 217: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 "
					     "00000000     0        0 11461 2 00000000bf46a3a5 12");
	struct skt_sock raw6 = parse(SKT_RAW6, "  101: 00000000000000000000000000000000:003A "
					       "00000000000000000000000000000000:0000 07 00000000:00000000 "
					       "00:00000000 00000000     0        0 11462 2 00000000ed603153 0");

	(void)state;
	assert_int_equal(udp.drops, UINT32_MAX);
	assert_int_equal(udp.has, SKT_BIT(SKT_F_REF) | SKT_BIT(SKT_F_SK) | SKT_BIT(SKT_F_DROPS));
	assert_int_equal(raw.drops, 12);
	assert_int_equal(raw.local_port, 1);
	assert_int_equal(raw6.local_port, 58);
}

static void columns_after_the_known_ones_are_kept(void **state)
{
	struct skt_sock sock =
		parse(SKT_UDP6, "    1: 00000000000000000000000000000000:0044 "
				"00000000000000000000000000000000:0000 07 00000000:00000000 "
				"00:00000000 00000000     0        0 5 2 0000000000000000 0 new  1\0012");
	size_t len;

	(void)state;
	assert_string_equal(skt_strtab_get(strings, sock.tail, &len), "new  1\0012");
	assert_true(skt_sock_has(&sock, SKT_F_TAIL));

	/* where a known column should stand, but does not */
	sock = parse(SKT_TCP6, "   1: 00000000000000000000000000000000:0044 00000000000000000000000000000000:0000 "
			       "0A 00000000:00000000 00:00000000 00000000     0        0 5 2 0000000000000000 x 4 5");
	assert_string_equal(skt_strtab_get(strings, sock.tail, &len), "x 4 5");
	assert_int_equal(sock.has, SKT_BIT(SKT_F_REF) | SKT_BIT(SKT_F_SK) | SKT_BIT(SKT_F_TAIL));

	/* drops were %d once */
	sock = parse(SKT_RAW, " 217: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0"
			      "        0 11461 2 00000000bf46a3a5 -3");
	assert_string_equal(skt_strtab_get(strings, sock.tail, &len), "-3");
}

static void rows_spelled_otherwise_keep_their_text(void **state)
{
	struct skt_sock sock;

	(void)state;
	/* the seed's: blanks collapsed */
	sock = parse_text(SKT_TCP,
			  "0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4847458 1 "
			  "e6060560 300 0 0 2 -1");
	assert_int_equal(sock.inode, 4847458);
	assert_int_equal(sock.local_port, 80);
	assert_int_equal(sock.ssthresh, -1);

	/* trailing blanks cut by an editor, added by one, a carriage return, a tab, lower case, leading zeros, -2 */
#define HEAD "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000"
	parse_text(SKT_TCP, HEAD "     0        0 1 1 0000000000000000 100 0 0 10 0");
	parse_text(SKT_RAW, HEAD "     0        0 1 1 0000000000000000 1 ");
	parse_text(SKT_RAW, HEAD "     0        0 1 1 0000000000000000 1\r");
	parse_text(SKT_RAW, HEAD "\t    0        0 1 1 0000000000000000 1");
	parse_text(SKT_RAW, HEAD "     0        0 1\t1 0000000000000000 1");
	parse_text(SKT_RAW, HEAD "     0        0 1 1 0000000000000000 1\tx");
	parse_text(SKT_RAW, HEAD "     0        0 1 1 000000000000000A 1");
	parse_text(SKT_RAW, HEAD "    00        0 1 1 0000000000000000 1");
	parse_text(SKT_RAW, HEAD "     0        0 01 1 0000000000000000 1");
	parse_text(SKT_RAW, HEAD "     0       -0 1 1 0000000000000000 1");
	sock = parse_text(SKT_RAW, HEAD "    -2        0 1 1 0000000000000000 1");
	assert_int_equal(sock.uid, UINT32_MAX - 1);
	parse_text(SKT_RAW, "   0: 0100007f:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0"
			    "        0 1");
}

static void a_signed_column_holds_the_smallest_number(void **state)
{
	struct skt_sock sock = parse_padded(
		SKT_TCP, HEAD "     0        0 9216 -2147483648 00000000f1f10d85 100 0 0 10 -2147483648", 149);

	(void)state;
	assert_int_equal(sock.ref, INT32_MIN);
	assert_int_equal(sock.ssthresh, INT32_MIN);
}

static void a_null_pointer_is_none(void **state)
{
	struct skt_sock sock = parse_text(SKT_TCP, HEAD "     0        0 9 1 (null) 100 0 0 10 0");

	(void)state;
	assert_false(skt_sock_has(&sock, SKT_F_SK));
	assert_int_equal(sock.rto, 100);
	assert_true(skt_sock_has(&sock, SKT_F_SSTHRESH));
}

static void a_negative_countdown_keeps_its_text(void **state)
{
	struct skt_sock sock = parse_text(SKT_RAW, "   0: 0100007F:1F90 00000000:0000 01 00000000:00000000 "
						   "01:FFFFFFFFFFFFFFF6 00000000     0        0 9");

	(void)state;
	assert_int_equal(sock.timer, 1);
	assert_int_equal(skt_sock_ticks(&sock, BOOTTIME), 0);

	/* the longest that is one */
	sock = parse(SKT_RAW, "   0: 0100007F:1F90 00000000:0000 01 00000000:00000000 01:FFFFFFFF 00000000     0"
			      "        0 9");
	assert_int_equal(skt_sock_ticks(&sock, BOOTTIME), UINT32_MAX);
	parse_text(SKT_RAW, "   0: 0100007F:1F90 00000000:0000 01 00000000:00000000 01:0FFFFFFFF 00000000     0"
			    "        0 9");
	assert_no_row(SKT_RAW, "   0: 0100007F:1F90 00000000:0000 01 00000000:00000000 01:0000000000000000F", 74);
}

static void a_wide_row_number_leaves_less_padding(void **state)
{
	(void)state;
	parse_padded(SKT_TCP,
		     "12345: 0100007F:C07A 0100007F:A14F 01 00000000:00000000 00:00000000 00000000     0        0 "
		     "11450 2 00000000d69e28a0 20 0 0 10 -1",
		     149);
	/* how the number itself is spelled is not kept */
	parse_padded(SKT_TCP,
		     "5: 0100007F:C07A 0100007F:A14F 01 00000000:00000000 00:00000000 00000000     0        0 "
		     "11450 2 00000000d69e28a0 20 0 0 10 -1",
		     146);
}

static void what_does_not_fit_is_no_row(void **state)
{
	(void)state;
	assert_no_row(SKT_TCP, "", 0);
	assert_no_row(SKT_TCP, "    ", 4);
	assert_no_row(SKT_TCP, "   0", 4);
	assert_no_row(SKT_TCP, "   x: 0100007F:1F90", 3);
	assert_no_row(SKT_TCP, "4294967296: 0100007F:1F90", 9);
	assert_no_row(SKT_TCP, "   0: 0100007F:01F90 00000000:0000 0A", 19);
	assert_no_row(SKT_TCP, "   0: 0100007F1F90", 14);
	assert_no_row(SKT_TCP, "   0: 0100007G:1F90", 13);
	assert_no_row(SKT_TCP, "   0: 0100007F:1F90 00000000:0000 100 00000000:00000000", 36);
	assert_no_row(SKT_TCP6, HEAD "     0        0 1", 14);
	assert_no_row(SKT_TCP, HEAD "     0        0", 90);
	assert_no_row(SKT_TCP, HEAD "     0        0 12x 1", 93);
	assert_no_row(SKT_TCP, HEAD "     0        0 18446744073709551616", 110);
	assert_no_row(SKT_TCP, HEAD " 4294967296        0 1", 85);
	assert_no_row(SKT_TCP, HEAD " -2147483649        0 1", 86);
	assert_no_row(SKT_TCP, HEAD "     0 2147483648 1", 91);
}

static void any_bytes_may_stand_in_a_line(void **state)
{
	static const char zeros[300];
	static const char in_tail[] = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     "
				      "0        0 1 1 0000000000000000 1 \0\377\033[2J";
	struct line_format format = format_of(SKT_TCP);
	struct skt_sock sock;
	size_t at, len;

	(void)state;
	assert_int_equal(line_parse(&format, zeros, sizeof(zeros), strings, &sock, &at), 0);
	format.kind = SKT_RAW;
	sock = parse_bytes(format, in_tail, sizeof(in_tail) - 1);
	assert_false(skt_sock_has(&sock, SKT_F_TEXT));
	assert_memory_equal(skt_strtab_get(strings, sock.tail, &len), "\0\377\033[2J", 6);
	assert_int_equal(len, 6);
}

/* Cut anywhere, a row is one that comes back, or none; never one with an inode that its line does not have. */
static void a_cut_line_comes_back_or_is_no_row(void **state)
{
	struct line_format format = format_of(SKT_TCP);
	struct skt_sock sock;
	size_t at, rows = 0;

	(void)state;
	for (size_t len = 0; len < sizeof(ESTABLISHED); len++) {
		int rc = line_parse(&format, ESTABLISHED, len, strings, &sock, &at);

		if (!rc)
			continue;
		assert_int_equal(rc, 1);
		assert_comes_back(&format, &sock, ESTABLISHED, len);
		assert_true(len == sizeof(ESTABLISHED) - 1 || skt_sock_has(&sock, SKT_F_TEXT));
		rows++;
	}
	assert_true(rows > 50);
	assert_true(rows < 61); /* "11450" ends at 97 of 149 */
}

static void a_line_over_the_limit_is_refused(void **state)
{
	static const char head[] = HEAD "     0        0 1 1 0000000000000000 1 ";
	struct line_format format = format_of(SKT_RAW);
	size_t len = sizeof(head) - 1 + SKT_STRING_MAX + 1, at;
	char *line = malloc(len);
	struct skt_sock sock;

	(void)state;
	assert_non_null(line);
	memset(line, 'x', len);
	memcpy(line, head, sizeof(head) - 1);
	assert_int_equal(line_parse(&format, line, len, strings, &sock, &at), -E2BIG);
	assert_int_equal(line_parse(&format, line, (size_t)2 << 20, strings, &sock, &at), 1);
	assert_comes_back(&format, &sock, line, (size_t)2 << 20);
	free(line);
}

static void knows_the_headings(void **state)
{
	static const char tcp[] = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
				  "timeout inode                                                     ";
	static const char udp[] = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
				  "timeout inode ref pointer drops            ";
	static const char raw6[] = "  sl  local_address                         remote_address                        "
				   "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops";

	(void)state;
	assert_true(line_is_heading(SKT_TCP, tcp, strlen(tcp)));
	assert_true(line_is_heading(SKT_UDP, udp, strlen(udp)));
	assert_true(line_is_heading(SKT_UDPLITE, udp, strlen(udp)));
	assert_true(line_is_heading(SKT_RAW6, raw6, strlen(raw6)));
	assert_true(line_is_heading(SKT_RAW, tcp, strlen(tcp))); /* before 2.6.27 */
	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++)
		assert_true(line_is_heading((uint8_t)kind, line_heading((uint8_t)kind),
					    strlen(line_heading((uint8_t)kind))));

	assert_false(line_is_heading(SKT_TCP, udp, strlen(udp)));
	assert_false(line_is_heading(SKT_TCP6, tcp, strlen(tcp)));
	assert_false(line_is_heading(SKT_TCP, "", 0));
	assert_false(line_is_heading(SKT_TCP, tcp, 30));
	for (size_t cut = 1; cut < 90; cut++)
		assert_false(line_is_heading(SKT_TCP, tcp, cut));
	assert_false(line_is_heading(SKT_UDP, udp, strlen(udp) - 20)); /* "ref pointer" */
	assert_false(line_is_heading(SKT_TCP,
				     "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
				     "retrnsmt   uid  timeout inode more",
				     99));
	assert_false(line_is_heading(SKT_TCP, ESTABLISHED, strlen(ESTABLISHED)));
}

static struct random random_source;

/* A number of a random size, often 0: tables are full of small ones. */
static uint64_t random_number(void)
{
	return random_bits(&random_source) >> (random_bits(&random_source) & 63) >>
	       (random_bits(&random_source) & 1) * 63;
}

/* The kernel's own formats, printed by libc. */
static int print_as_kernel(unsigned kind, char *line, size_t size, bool old, bool *ret_short, uint64_t *ret_inode)
{
	int pad = kind == SKT_TCP ? 149 : kind == SKT_UDP || kind == SKT_UDPLITE ? 127 : 0, n;
	unsigned words = kind & 1 ? 4 : 1;

	*ret_short = (kind == SKT_TCP || kind == SKT_TCP6) && !(random_bits(&random_source) & 3);
	*ret_inode = random_number();
	n = snprintf(line, size, kind == SKT_TCP || kind == SKT_TCP6 || kind == SKT_RAW ? "%4d:" : "%5d:",
		     (int)(random_bits(&random_source) % 20000));
	for (unsigned end = 0; end < 2; end++) {
		line[n++] = ' ';
		for (unsigned w = 0; w < words; w++)
			n += snprintf(line + n, size - (size_t)n, "%08X", (uint32_t)random_number());
		n += snprintf(line + n, size - (size_t)n, ":%04X", (uint16_t)random_number());
	}
	n += snprintf(line + n, size - (size_t)n, " %02X %08X:%08X %02X:%08lX %08X %5u %8d %lu %d",
		      (uint8_t)random_number(), (uint32_t)random_number(), (uint32_t)random_number(),
		      (unsigned)random_bits(&random_source) % 5, (unsigned long)(uint32_t)random_number(),
		      (uint32_t)random_number(), (uint32_t)random_number(), (int)random_number(),
		      (unsigned long)*ret_inode, (int)random_number());
	n += old ? snprintf(line + n, size - (size_t)n, " %08x", (uint32_t)random_number())
		 : snprintf(line + n, size - (size_t)n, " %016lx", (unsigned long)random_number());
	if (kind == SKT_TCP || kind == SKT_TCP6) {
		if (!*ret_short)
			n += snprintf(line + n, size - (size_t)n, " %lu %lu %u %u %d", (unsigned long)random_number(),
				      (unsigned long)random_number(), (uint32_t)random_number(),
				      (uint32_t)random_number(), (int)random_number());
	} else if (random_bits(&random_source) & 7) {
		n += snprintf(line + n, size - (size_t)n, " %u", (uint32_t)random_number());
	}
	while (n < pad)
		line[n++] = ' ';
	return n;
}

static void whatever_a_kernel_prints_comes_back_without_text(void **state)
{
	char line[512];

	(void)state;
	for (int i = 0; i < 80000; i++) {
		struct line_format format = format_of((unsigned)i % SKT_TABLE_KINDS);
		struct skt_sock sock;
		uint64_t inode;
		bool cut;
		int n;

		format.big_endian = i & 8;
		n = print_as_kernel(format.kind, line, sizeof(line), i & 16, &cut, &inode);
		sock = parse_bytes(format, line, (size_t)n);
		if (sock.has & (SKT_BIT(SKT_F_TEXT) | SKT_BIT(SKT_F_TAIL)))
			fail_msg("'%.*s' has text or tail", n, line);
		assert_int_equal(sock.inode, inode);
		assert_int_equal(!skt_sock_has(&sock, SKT_F_RTO), cut || !skt_table_kind_is_tcp(format.kind));
		assert_int_equal(!!(sock.has & SKT_HAS_SHORT_SK), !!(i & 16));
		/* with its number as it stood, the whole line */
		assert_int_equal(out.len - 1, n);
		assert_memory_equal(out.data, line, (size_t)n);
	}
}

static void a_damaged_row_comes_back_or_is_none(void **state)
{
	static const char bytes[] = "0123456789ABCDEFabcdef:    -x\t\r\0";
	char line[600];
	int rows = 0;

	(void)state;
	for (int i = 0; i < 80000; i++) {
		struct line_format format = format_of((unsigned)i % SKT_TABLE_KINDS);
		struct skt_sock sock;
		uint64_t inode;
		size_t at;
		bool cut;
		int n = print_as_kernel(format.kind, line, 512, i & 16, &cut, &inode), rc;

		for (uint64_t harm = random_bits(&random_source) % 3 + 1; harm; harm--) {
			int where = (int)(random_bits(&random_source) % (uint64_t)n);
			char byte = bytes[random_bits(&random_source) % (sizeof(bytes) - 1)];

			if (random_bits(&random_source) & 1) {
				line[where] = byte;
			} else if (random_bits(&random_source) & 1) {
				memmove(line + where + 1, line + where, (size_t)(n++ - where));
				line[where] = byte;
			} else {
				memmove(line + where, line + where + 1, (size_t)(--n - where));
			}
		}
		rc = line_parse(&format, line, (size_t)n, strings, &sock, &at);
		assert_true(rc == 0 || rc == 1);
		if (!rc) {
			assert_true(at <= (size_t)n);
			continue;
		}
		assert_comes_back(&format, &sock, line, (size_t)n);
		rows++;
	}
	assert_true(rows > 10000);
}

/* Sockets of this test, of every kind that it may open, in every state that it can bring about. */
static int fds[32];
static size_t n_fds;

static int opened(int fd)
{
	if (fd >= 0 && n_fds < sizeof(fds) / sizeof(*fds))
		fds[n_fds++] = fd;
	return fd;
}

static void open_connections(int family, bool defer)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} at = { .sa.sa_family = (sa_family_t)family };
	socklen_t len = family == AF_INET ? sizeof(at.in) : sizeof(at.in6);
	int listener = opened(socket(family, SOCK_STREAM, 0)), client, server, on = 1;

	if (family == AF_INET)
		at.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		at.in6.sin6_addr = in6addr_loopback;
	if (listener < 0 || bind(listener, &at.sa, len) || listen(listener, 8) || getsockname(listener, &at.sa, &len))
		return;
	/* a bare ACK is not enough for this listener: the connection stays in SYN_RECV */
	if (defer)
		setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, sizeof(on));
	client = opened(socket(family, SOCK_STREAM, 0));
	if (connect(client, &at.sa, len) || defer)
		return;
	server = opened(accept(listener, NULL, NULL));
	setsockopt(server, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	client = socket(family, SOCK_STREAM, 0);
	if (!connect(client, &at.sa, len)) {
		close(client); /* the first to close: it goes to TIME_WAIT, by way of FIN_WAIT2 */
		close(accept(listener, NULL, NULL));
	} else {
		close(client);
	}
}

static void open_datagram(int family, int type, int protocol)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 at6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	int fd = opened(socket(family, type, protocol));

	if (fd < 0)
		return;
	if (family == AF_INET)
		(void)!bind(fd, (struct sockaddr *)&at, sizeof(at));
	else
		(void)!bind(fd, (struct sockaddr *)&at6, sizeof(at6));
}

/* One table of this host, line by line: how many rows it has. */
static unsigned check_real_table(unsigned kind, uint32_t *ret_states)
{
	struct line_format format = format_of(kind);
	struct skt_sock sock;
	char path[64], line[1024];
	unsigned rows = 0;
	size_t at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/net/%s", skt_table_kind_name(kind));
	file = fopen(path, "r");
	if (!file)
		return 0;
	assert_non_null(fgets(line, sizeof(line), file));
	assert_true(line_is_heading((uint8_t)kind, line, strlen(line) - 1));
	while (fgets(line, sizeof(line), file)) {
		size_t len = strlen(line) - 1;

		if (line_parse(&format, line, len, strings, &sock, &at) != 1)
			fail_msg("%s: '%s' is no row: column %zu", path, line, at);
		assert_comes_back(&format, &sock, line, len);
		if (sock.has & (SKT_BIT(SKT_F_TEXT) | SKT_BIT(SKT_F_TAIL)))
			fail_msg("%s: '%s' has text or tail", path, line);
		assert_int_equal(out.len, len + 1);
		assert_memory_equal(out.data, line, out.len);
		*ret_states |= 1u << sock.state;
		rows++;
	}
	fclose(file);
	return rows;
}

static void every_row_of_this_hosts_tables_comes_back(void **state)
{
	uint32_t states = 0, ignored = 0;

	(void)state;
	open_connections(AF_INET, false);
	open_connections(AF_INET6, false);
	open_connections(AF_INET, true);
	open_connections(AF_INET6, true);
	open_datagram(AF_INET, SOCK_DGRAM, 0);
	open_datagram(AF_INET6, SOCK_DGRAM, 0);
	open_datagram(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);
	open_datagram(AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE);
	open_datagram(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	open_datagram(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	assert_true(check_real_table(SKT_TCP, &states) >= 4);
	assert_true(states & 1u << SKT_LISTEN);
	assert_true(states & 1u << SKT_ESTABLISHED);
	assert_true(states & 1u << SKT_TIME_WAIT);
	assert_true(states & 1u << SKT_SYN_RECV);
	assert_true(check_real_table(SKT_UDP, &ignored) >= 1);
	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++)
		check_real_table(kind, &ignored);
	while (n_fds)
		close(fds[--n_fds]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(reads_each_column_of_an_established_row),
		TEST(tells_apart_every_column),
		TEST(time_wait_and_syn_recv_rows_end_with_the_pointer),
		TEST(old_kernels_print_short_pointers),
		TEST(addresses_are_in_the_machines_byte_order),
		TEST(datagram_rows_end_in_drops),
		TEST(columns_after_the_known_ones_are_kept),
		TEST(rows_spelled_otherwise_keep_their_text),
		TEST(a_signed_column_holds_the_smallest_number),
		TEST(a_null_pointer_is_none),
		TEST(a_negative_countdown_keeps_its_text),
		TEST(a_wide_row_number_leaves_less_padding),
		TEST(what_does_not_fit_is_no_row),
		TEST(any_bytes_may_stand_in_a_line),
		TEST(a_cut_line_comes_back_or_is_no_row),
		TEST(a_line_over_the_limit_is_refused),
		TEST(knows_the_headings),
		TEST(whatever_a_kernel_prints_comes_back_without_text),
		TEST(a_damaged_row_comes_back_or_is_none),
		TEST(every_row_of_this_hosts_tables_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
