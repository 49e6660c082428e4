/* SPDX-License-Identifier: MIT */
/* Rows as kernels spell them, read the short way, against line_parse(), which reads any line. */
#include "proc/row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BOOTTIME INT64_C(123456789012345)

/* Linux 6.18 but for addresses and the last of tcp, whose queues, timer and counts are as large as they get. */
static const struct {
	uint8_t kind;
	const char *text; /* from the colon on, without blanks at the end */
} rows[] = {
	{ SKT_TCP, ": 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4847458 1 "
		   "00000000f1f10d85 100 0 0 10 0" },
	{ SKT_TCP, ": 0100007F:C07A 0100007F:A14F 01 000000A0:00000001 02:00000B45 00000002     0       12 11450 2 "
		   "ffffffffd69e28a0 20 4 30 10 -1" },
	{ SKT_TCP, ": 0100007F:A8E4 0100007F:1F90 06 00000000:00000000 03:00001769 00000000     0        0 0 3 "
		   "000000006d7e5965" },
	{ SKT_TCP, ": FEDCBA98:7654 89ABCDEF:3210 0B FFFFFFFF:FFFFFFFF 04:FFFFFFFF FFFFFFFF 999999999 99999999 "
		   "999999999999999999 999999999 0123456789abcdef 999999999999999999 999999999999999999 999999999 "
		   "999999999 -999999999" },
	{ SKT_TCP6, ": 00000000000000000000000001000000:0016 B80D01200000000000000000FEDCBA98:C07A 01 "
		    "00000000:00000000 00:00000000 00000000  1000        0 4847459 1 00000000f1f10d86 100 0 0 10 0" },
	{ SKT_UDP, ": 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 16214 2 "
		   "00000000a808500a 7" },
	{ SKT_UDP6, ": 00000000000000000000000000000000:14E9 00000000000000000000000000000000:0000 07 "
		    "00000000:00000000 00:00000000 00000000   114        0 16215 2 00000000a808500b 0" },
	{ SKT_RAW, ": 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 16216 2 "
		   "00000000a808500c 0" },
};
#define N_ROWS (sizeof(rows) / sizeof(*rows))

static struct skt_strtab *strings;

static int set_up(void **state)
{
	(void)state;
	strings = skt_strtab_new(7);
	return !strings;
}

static int tear_down(void **state)
{
	(void)state;
	skt_strtab_unref(strings);
	return 0;
}

static struct line_format format_of(uint8_t kind)
{
	return (struct line_format){ .kind = kind, .boottime = BOOTTIME };
}

/* The line, with this row number, as wide as its table: its length. */
static size_t spell(size_t i, unsigned sl, char line[512])
{
	const struct row_layout *layout = &row_layouts[rows[i].kind];
	int len = snprintf(line, 512, "%*u%s", layout->sl, sl, rows[i].text);

	if (len < layout->width)
		len += snprintf(line + len, 512 - (size_t)len, "%*s", layout->width - len, "");
	return (size_t)len;
}

static void reads_what_kernels_print(void **state)
{
	static const unsigned sls[] = { 0, 5, 4321, 99999, 1234567 };
	struct line_format format;
	struct skt_sock sock;
	char line[512];

	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		for (size_t k = 0; k < sizeof(sls) / sizeof(*sls); k++) {
			format = format_of(rows[i].kind);
			if (!row_parse(&format, line, spell(i, sls[k], line), &sock))
				fail_msg("not read: '%s'", line);
		}
	}
}

/*
 * What it reads line_parse() reads as the same, with nothing kept as text. That one is made to read the line itself by
 * a zero in front of the row number, which row_parse() leaves to it and which is nobody's property.
 */
static void check(uint8_t kind, const char *line, size_t len, unsigned *ret_read)
{
	struct line_format format = format_of(kind);
	struct skt_sock quick, thorough;
	char other[600];
	size_t at, sl = 0;

	if (!row_parse(&format, line, len, &quick))
		return;
	++*ret_read;
	while (line[sl] == ' ')
		sl++;
	snprintf(other, sizeof(other), "0%.*s", (int)(len - sl), line + sl);
	assert_false(row_parse(&format, other, len - sl + 1, &thorough));
	if (line_parse(&format, other, len - sl + 1, strings, &thorough, &at) != 1 ||
	    memcmp(&quick, &thorough, sizeof(quick)))
		fail_msg("read otherwise: '%.*s'", (int)len, line);
}

static void what_it_reads_line_parse_reads_as_the_same_whatever_byte_is_another(void **state)
{
	static const char bytes[] = "0159afgAFG@`:/ -\t.\x80\xb0\xc1\xff";
	unsigned read = 0, of = 0;
	char line[512], other[600];

	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		size_t len = spell(i, 4321, line);

		for (size_t at = 0; at < len; at++) {
			for (const char *byte = bytes; *byte; byte++, of += 3) {
				/* in the place of one, before it, and in place of two */
				memcpy(other, line, len);
				other[at] = *byte;
				check(rows[i].kind, other, len, &read);
				memcpy(other + at + 1, line + at, len - at);
				check(rows[i].kind, other, len + 1, &read);
				if (at + 1 == len)
					continue;
				memcpy(other + at + 1, line + at + 2, len - at - 2);
				check(rows[i].kind, other, len - 1, &read);
			}
		}
	}
	/* both happen often, or nothing was tested */
	assert_true(read > of / 50 && read < of / 2);
}

static void gives_up_at_every_end_of_a_line_that_is_not_whole(void **state)
{
	unsigned read = 0;
	char line[512];

	(void)state;
	for (size_t i = 0; i < N_ROWS; i++) {
		size_t len = spell(i, 4321, line);

		for (size_t cut = 0; cut < len; cut++) {
			/* memory of that length, so that a sanitizer sees what is read behind it */
			char *part = malloc(cut ? cut : 1);

			memcpy(part, line, cut);
			check(rows[i].kind, part, cut, &read);
			free(part);
		}
	}
	/* but where a number is cut in two, or the columns behind the pointer are, which some rows do not have */
	assert_true(read > 0 && read < 8 * N_ROWS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(reads_what_kernels_print),
		TEST(what_it_reads_line_parse_reads_as_the_same_whatever_byte_is_another),
		TEST(gives_up_at_every_end_of_a_line_that_is_not_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
