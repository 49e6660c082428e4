/* SPDX-License-Identifier: MIT */
#include <skt/time.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define S  SKT_NS_PER_S
#define MS SKT_NS_PER_MS

/* Sun Nov 22 14:03:07 UTC 2026, says date(1); so it says of all seconds since 1970 below. */
#define NOW (INT64_C(1795356187) * S + 250 * MS)

#define BERLIN	  "CET-1CEST,M3.5.0,M10.5.0/3"
#define HAVANA	  "CST5CDT,M3.2.0/0,M11.1.0/1"		 /* its clocks change at midnight */
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0" /* by half an hour */
#define DUBLIN	  "IST-1GMT0,M10.5.0,M3.5.0/1"		 /* daylight saving time is the other way about */
#define SAMOA	  "AAA10BBB-14,J364/0,J200/0"		 /* went without 30 December, as Samoa did in 2011 */

static void set_zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

static int back_to_utc(void **state)
{
	(void)state;
	set_zone("UTC0");
	return 0;
}

static uint64_t next_random(void)
{
	static uint64_t state = 0x7173;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Each is -EINVAL, with that message, and leaves the result alone. */

static void no_duration(const char *text, const char *message)
{
	struct skt_err err;
	int64_t ns = -7;

	skt_err_init(&err);
	assert_int_equal(skt_duration_parse(text, &ns, &err), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_string_equal(err.message, message);
	assert_int_equal(ns, -7);
	assert_int_equal(skt_duration_parse(text, &ns, NULL), -EINVAL);
}

static void refused(const char *text, enum skt_zone zone, const char *message)
{
	struct skt_time time = { .ns = -7 };
	struct skt_err err;

	skt_err_init(&err);
	assert_int_equal(skt_time_parse(text, zone, NOW, &time, &err), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_string_equal(err.message, message);
	assert_int_equal(time.ns, -7);
	assert_int_equal(skt_time_parse(text, zone, NOW, &time, NULL), -EINVAL);
}

static void no_time(const char *text, const char *message)
{
	refused(text, SKT_ZONE_UTC, message);
	assert_false(skt_time_is(text));
}

/* For a TIME that only its zone makes impossible. */
static void no_local_time(const char *text, const char *message)
{
	refused(text, SKT_ZONE_LOCAL, message);
	assert_true(skt_time_is(text));
}

static void duration(const char *text, int64_t expect)
{
	struct skt_err err;
	int64_t ns;

	assert_int_equal(skt_duration_parse(text, &ns, &err), 0);
	assert_int_equal(ns, expect);
}

static struct skt_time parsed(const char *text, enum skt_zone zone, int64_t now_ns)
{
	struct skt_time time;
	struct skt_err err;

	if (skt_time_parse(text, zone, now_ns, &time, &err))
		fail_msg("%s", err.message);
	assert_true(skt_time_is(text));
	return time;
}

static void instant(const char *text, enum skt_zone zone, int64_t expect)
{
	struct skt_time time = parsed(text, zone, NOW);

	assert_int_equal(time.kind, SKT_TIME_INSTANT);
	assert_int_equal(time.ns, expect);
}

static void formats_as(int64_t when_ns, enum skt_zone zone, const char *expect)
{
	struct skt_buf out;

	skt_buf_init(&out);
	skt_time_format(&out, when_ns, zone);
	skt_buf_byte(&out, '\0');
	assert_string_equal(out.data, expect);
	skt_buf_release(&out);
}

static void comes_back(int64_t when_ns, enum skt_zone zone)
{
	struct skt_time time;
	struct skt_buf out;

	skt_buf_init(&out);
	skt_time_format(&out, when_ns, zone);
	skt_buf_byte(&out, '\0');
	time = parsed((char *)out.data, SKT_ZONE_UTC, NOW);
	assert_int_equal(time.kind, SKT_TIME_INSTANT);
	assert_int_equal(time.ns, when_ns);
	skt_buf_release(&out);
}

static void duration_formats_as(int64_t ns, const char *expect)
{
	struct skt_buf out;

	skt_buf_init(&out);
	skt_duration_format(&out, ns);
	skt_buf_byte(&out, '\0');
	assert_string_equal(out.data, expect);
	skt_buf_release(&out);
}

/* Durations */

static void reads_a_number_and_a_unit(void **state)
{
	(void)state;
	duration("7ns", 7);
	duration("7us", 7000);
	duration("200ms", 200 * MS);
	duration("90s", 90 * S);
	duration("5m", 300 * S);
	duration("24h", 86400 * S);
	duration("2d", 172800 * S);
	duration("1w", 604800 * S);
	duration("007s", 7 * S);
}

static void reads_several_units_that_fall(void **state)
{
	(void)state;
	duration("2h30m", 9000 * S);
	duration("1d 2h", 93600 * S);
	duration("1w1d1h1m1s1ms1us1ns", 694861 * S + 1001001);
	duration("1h90m", 9000 * S);
	duration("1.5h 0.5s", 5400 * S + 500 * MS);
}

static void reads_fractions_to_the_nanosecond(void **state)
{
	(void)state;
	duration("1.5s", 1500 * MS);
	duration("0.000000001s", 1);
	duration("1.000000001s", S + 1);
	duration("0.1m", 6 * S);
	duration("0.00000000005m", 3);
	duration("0.001us", 1);
	duration("1.000000000000000000000000000000s", S);
	duration("2.0ns", 2);
	/* the longest fraction that is whole: 2^-16 of a week, which has 2^16 and 5^11 in it */
	duration("0.0000152587890625w", 604800 * S / 65536);
}

static void refuses_fractions_of_a_nanosecond(void **state)
{
	(void)state;
	no_duration("0.5ns", "'0.5ns' is no duration: '.5' is not in whole nanoseconds");
	no_duration("1.0000000001s", "'1.0000000001s' is no duration: '.0000000001' is not in whole nanoseconds");
	no_duration("0.00000000001m", "'0.00000000001m' is no duration: '.00000000001' is not in whole nanoseconds");
	no_duration("0.00000762939453125w",
		    "'0.00000762939453125w' is no duration: '.00000762939453125' is not in whole nanoseconds");
}

static void a_lone_zero_needs_no_unit(void **state)
{
	(void)state;
	duration("0", 0);
	duration("0.0", 0);
	duration("0s", 0);
	no_duration("0s0", "'0s0' is no duration: '0' has no unit (ns, us, ms, s, m, h, d or w)");
	no_duration("0 1s", "'0 1s' is no duration: ' 1s' follows its end");
}

static void refuses_a_number_without_a_unit(void **state)
{
	(void)state;
	no_duration("90", "'90' is no duration: '90' has no unit (ns, us, ms, s, m, h, d or w)");
	no_duration("1.5", "'1.5' is no duration: '1.5' has no unit (ns, us, ms, s, m, h, d or w)");
	no_duration("2h30", "'2h30' is no duration: '30' has no unit (ns, us, ms, s, m, h, d or w)");
	no_duration("0.5", "'0.5' is no duration: '0.5' has no unit (ns, us, ms, s, m, h, d or w)");
}

static void refuses_a_unit_that_is_none(void **state)
{
	(void)state;
	no_duration("3y", "'3y' is no duration: unit 'y' is not one of ns, us, ms, s, m, h, d or w");
	no_duration("3S", "'3S' is no duration: unit 'S' is not one of ns, us, ms, s, m, h, d or w");
	no_duration("3sec", "'3sec' is no duration: unit 'sec' is not one of ns, us, ms, s, m, h, d or w");
	no_duration("0x", "'0x' is no duration: unit 'x' is not one of ns, us, ms, s, m, h, d or w");
}

static void refuses_units_that_do_not_fall(void **state)
{
	(void)state;
	no_duration("30m2h", "'30m2h' is no duration: unit 'h' after 'm': the next must be smaller");
	no_duration("1s1s", "'1s1s' is no duration: unit 's' after 's': the next must be smaller");
	no_duration("1ns1us", "'1ns1us' is no duration: unit 'us' after 'ns': the next must be smaller");
}

static void refuses_a_duration_that_does_not_begin_with_a_digit(void **state)
{
	static const char *const texts[] = { "", "-5s", "+5s", " 5s", ".5s", "s" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char message[128];

		snprintf(message, sizeof(message), "'%s' is no duration: it must begin with a number, as 90s does",
			 texts[i]);
		no_duration(texts[i], message);
	}
}

static void refuses_what_follows_a_duration(void **state)
{
	(void)state;
	no_duration("5s ", "'5s ' is no duration: ' ' follows its end");
	no_duration("5s,", "'5s,' is no duration: ',' follows its end");
	no_duration("1d  2h", "'1d  2h' is no duration: '  2h' follows its end");
	no_duration("2h ago", "'2h ago' is no duration: ' ago' follows its end");
	no_duration("5.s", "'5.s' is no duration: no digit follows the point");
	no_duration("5 s", "'5 s' is no duration: '5' has no unit (ns, us, ms, s, m, h, d or w)");
}

static void refuses_more_than_a_hundred_years(void **state)
{
	(void)state;
	duration("36525d", INT64_C(3155760000) * S);
	duration("3155760000s", INT64_C(3155760000) * S);
	duration("3155760000000000000ns", INT64_C(3155760000) * S);
	no_duration("36526d", "'36526d' is no duration: '36526d' is more than 100 years (36525d)");
	no_duration("3155760000000000001ns",
		    "'3155760000000000001ns' is no duration: '3155760000000000001ns' is more than 100 years (36525d)");
	no_duration("36525d1ns", "'36525d1ns' is no duration: it is more than 100 years (36525d)");
	no_duration("36525.5d", "'36525.5d' is no duration: it is more than 100 years (36525d)");
	no_duration(
		"18446744073709551617ns", /* 2^64 + 1 */
		"'18446744073709551617ns' is no duration: '18446744073709551617ns' is more than 100 years (36525d)");
	no_duration("18446744074s", /* just over 2^64 ns */
		    "'18446744074s' is no duration: '18446744074s' is more than 100 years (36525d)");
}

static void writes_durations_as_people_do(void **state)
{
	(void)state;
	duration_formats_as(0, "0s");
	duration_formats_as(1, "1ns");
	duration_formats_as(999, "999ns");
	duration_formats_as(1500, "1.5us");
	duration_formats_as(1000, "1us");
	duration_formats_as(MS, "1ms");
	duration_formats_as(200 * MS, "200ms");
	duration_formats_as(S, "1s");
	duration_formats_as(200 * MS + 1, "200.000001ms");
	duration_formats_as(1500 * MS, "1.5s");
	duration_formats_as(S + 1, "1.000000001s");
	duration_formats_as(60 * S, "1m");
	duration_formats_as(90 * S, "90s");
	duration_formats_as(119 * S + 1, "119.000000001s");
	duration_formats_as(120 * S, "2m");
	duration_formats_as(150 * S, "2m30s");
	duration_formats_as(9000 * S, "2h30m");
	duration_formats_as(86400 * S, "1d");
	duration_formats_as(86400 * S + 500 * MS, "1d500ms");
	duration_formats_as(604800 * S, "7d");
	duration_formats_as(INT64_C(3155760000) * S, "36525d");
}

static void writes_a_negative_duration_with_a_sign(void **state)
{
	(void)state;
	duration_formats_as(-1, "-1ns");
	duration_formats_as(-1500 * MS, "-1.5s");
	/* 2^63 ns are 106751 days, 85636 seconds and 854775808 ns */
	duration_formats_as(INT64_MIN, "-106751d23h47m16.854775808s");
	duration_formats_as(INT64_MAX, "106751d23h47m16.854775807s");
}

static void a_duration_that_was_written_reads_the_same(void **state)
{
	(void)state;
	for (int round = 0; round < 100000; round++) {
		/* of every magnitude, and with zeros at the end in every second one */
		int64_t ns = (int64_t)((next_random() >> (next_random() % 64)) % UINT64_C(3155760000000000001));
		struct skt_buf out;

		if (round % 2)
			ns -= ns % (ns > 1000 * S ? 60 * S : ns > S ? 100 * MS : 100);
		skt_buf_init(&out);
		skt_duration_format(&out, ns);
		skt_buf_byte(&out, '\0');
		duration((char *)out.data, ns);
		skt_buf_release(&out);
	}
}

/* Instants as text */

static void writes_an_instant_as_rfc_3339(void **state)
{
	(void)state;
	formats_as(0, SKT_ZONE_UTC, "1970-01-01T00:00:00.000000000Z");
	formats_as(INT64_C(1795356187) * S + 123456789, SKT_ZONE_UTC, "2026-11-22T14:03:07.123456789Z");
	formats_as(-1, SKT_ZONE_UTC, "1969-12-31T23:59:59.999999999Z");
	formats_as(-S, SKT_ZONE_UTC, "1969-12-31T23:59:59.000000000Z");
}

static void writes_the_ends_of_the_range(void **state)
{
	(void)state;
	formats_as(INT64_MAX, SKT_ZONE_UTC, "2262-04-11T23:47:16.854775807Z");
	formats_as(INT64_MIN, SKT_ZONE_UTC, "1677-09-21T00:12:43.145224192Z");
	set_zone("XXX-24:59");
	formats_as(INT64_MAX, SKT_ZONE_LOCAL, "2262-04-12T23:46:16.854775807+23:59");
	set_zone("XXX24:59");
	formats_as(INT64_MIN, SKT_ZONE_LOCAL, "1677-09-20T00:13:43.145224192-23:59");
}

static void writes_the_offset_that_the_zone_had_then(void **state)
{
	(void)state;
	set_zone(BERLIN);
	formats_as(INT64_C(1795356187) * S, SKT_ZONE_LOCAL, "2026-11-22T15:03:07.000000000+01:00");
	formats_as(INT64_C(1782900000) * S, SKT_ZONE_LOCAL, "2026-07-01T12:00:00.000000000+02:00");
	formats_as(INT64_C(1774745999) * S + 5, SKT_ZONE_LOCAL, "2026-03-29T01:59:59.000000005+01:00");
	formats_as(INT64_C(1774746000) * S, SKT_ZONE_LOCAL, "2026-03-29T03:00:00.000000000+02:00");
	set_zone("NST3:30");
	formats_as(0, SKT_ZONE_LOCAL, "1969-12-31T20:30:00.000000000-03:30");
	set_zone("UTC0");
	formats_as(0, SKT_ZONE_LOCAL, "1970-01-01T00:00:00.000000000+00:00");
}

static void an_offset_with_seconds_is_cut_and_the_instant_kept(void **state)
{
	(void)state;
	set_zone("LMT-0:53:28"); /* Berlin until 1893 */
	formats_as(0, SKT_ZONE_LOCAL, "1970-01-01T00:53:00.000000000+00:53");
	set_zone("LMT0:25:21"); /* Dublin until 1880 */
	formats_as(0, SKT_ZONE_LOCAL, "1969-12-31T23:35:00.000000000-00:25");
	set_zone("LMT0:00:30");
	formats_as(0, SKT_ZONE_LOCAL, "1970-01-01T00:00:00.000000000+00:00");
}

static void an_instant_that_was_written_reads_the_same(void **state)
{
	static const char *const zones[] = { "UTC0", BERLIN,	    HAVANA,	    LORD_HOWE,	  DUBLIN,
					     SAMOA,  "LMT-0:53:28", "XXX-24:59:59", "XXX24:59:59" };

	(void)state;
	for (size_t zone = 0; zone < sizeof(zones) / sizeof(zones[0]); zone++) {
		set_zone(zones[zone]);
		comes_back(INT64_MIN, SKT_ZONE_LOCAL);
		comes_back(INT64_MAX, SKT_ZONE_LOCAL);
		comes_back(INT64_MIN, SKT_ZONE_UTC);
		comes_back(INT64_MAX, SKT_ZONE_UTC);
		for (int round = 0; round < 5000; round++)
			comes_back((int64_t)next_random(), round % 2 ? SKT_ZONE_LOCAL : SKT_ZONE_UTC);
	}
}

/* The grammar */

static void reads_first_and_last(void **state)
{
	(void)state;
	assert_int_equal(parsed("first", SKT_ZONE_UTC, 0).kind, SKT_TIME_FIRST);
	assert_int_equal(parsed("last", SKT_ZONE_UTC, 0).kind, SKT_TIME_LAST);
}

static void refuses_words_that_are_not_in_the_grammar(void **state)
{
#define EXPECTED                                                                                                  \
	"expected first, last, #3, +90s, -90s, 14:03, 2026-11-22T14:03:07Z, 1795356187.5, today, yesterday, now " \
	"or 2h ago"
	(void)state;
	no_time("", "'' is no TIME: " EXPECTED);
	no_time("tomorrow", "'tomorrow' is no TIME: " EXPECTED);
	no_time("First", "'First' is no TIME: " EXPECTED);
	no_time("lastly", "'lastly' is no TIME: " EXPECTED);
	no_time(" last", "' last' is no TIME: " EXPECTED);
	no_time("last ", "'last ' is no TIME: " EXPECTED);
	no_time("example.skt", "'example.skt' is no TIME: " EXPECTED);
}

static void reads_the_number_of_a_snapshot(void **state)
{
	struct skt_time time;

	(void)state;
	time = parsed("#1", SKT_ZONE_UTC, 0);
	assert_int_equal(time.kind, SKT_TIME_NUMBER);
	assert_int_equal(time.number, 1);
	assert_int_equal(parsed("#86400", SKT_ZONE_UTC, 0).number, 86400);
	assert_true(parsed("#18446744073709551614", SKT_ZONE_UTC, 0).number == UINT64_MAX - 1);
}

static void refuses_a_number_that_is_no_snapshot(void **state)
{
	(void)state;
	no_time("#0", "'#0' is no number of a snapshot: the first is #1");
	no_time("#", "'#' is no number of a snapshot: a number is expected after '#'");
	no_time("#-1", "'#-1' is no number of a snapshot: a number is expected after '#'");
	no_time("#3x", "'#3x' is no number of a snapshot: 'x' follows its end");
	no_time("#1.5", "'#1.5' is no number of a snapshot: '.5' follows its end");
	no_time("#18446744073709551615",
		"'#18446744073709551615' is no number of a snapshot: it is not below 18446744073709551615");
	no_time("#36893488147419103233", /* 2^65 + 1 */
		"'#36893488147419103233' is no number of a snapshot: it is not below 18446744073709551615");
}

static void reads_a_distance_from_either_end(void **state)
{
	struct skt_time time;

	(void)state;
	time = parsed("+90s", SKT_ZONE_UTC, 0);
	assert_int_equal(time.kind, SKT_TIME_AFTER_FIRST);
	assert_int_equal(time.ns, 90 * S);
	time = parsed("-1d 2h", SKT_ZONE_UTC, 0);
	assert_int_equal(time.kind, SKT_TIME_BEFORE_LAST);
	assert_int_equal(time.ns, 93600 * S);
	assert_int_equal(parsed("+0", SKT_ZONE_UTC, 0).ns, 0);
	assert_int_equal(parsed("-1.5s", SKT_ZONE_UTC, 0).ns, 1500 * MS);
}

static void refuses_a_distance_that_is_no_duration(void **state)
{
	(void)state;
	no_time("+90", "'+90' is no distance in time: '90' has no unit (ns, us, ms, s, m, h, d or w)");
	no_time("-", "'-' is no distance in time: it must begin with a number, as 90s does");
	no_time("+-5s", "'+-5s' is no distance in time: it must begin with a number, as 90s does");
	no_time("+ 5s", "'+ 5s' is no distance in time: it must begin with a number, as 90s does");
	no_time("-2h ago", "'-2h ago' is no distance in time: ' ago' follows its end");
	no_time("+101w36525d", "'+101w36525d' is no distance in time: it is more than 100 years (36525d)");
	no_time("-1795356187.5",
		"'-1795356187.5' is no distance in time: '1795356187.5' has no unit (ns, us, ms, s, m, h, d or w)");
}

static void reads_a_time_of_day(void **state)
{
	struct skt_time time;

	(void)state;
	time = parsed("14:03", SKT_ZONE_LOCAL, 0);
	assert_int_equal(time.kind, SKT_TIME_OF_DAY);
	assert_int_equal(time.ns, 50580 * S);
	assert_int_equal(parsed("14:03:07", SKT_ZONE_UTC, 0).ns, 50587 * S);
	assert_int_equal(parsed("14:03:07.5", SKT_ZONE_UTC, 0).ns, 50587 * S + 500 * MS);
	assert_int_equal(parsed("00:00", SKT_ZONE_UTC, 0).ns, 0);
	assert_int_equal(parsed("23:59:59.999999999", SKT_ZONE_UTC, 0).ns, 86400 * S - 1);
	assert_int_equal(parsed("00:00:00.1000000000", SKT_ZONE_UTC, 0).ns, 100 * MS);
}

static void refuses_a_minute_of_60(void **state)
{
	(void)state;
	no_time("14:60", "'14:60' is no time of day: minute 60 is not in 0 to 59");
	no_time("14:63", "'14:63' is no time of day: minute 63 is not in 0 to 59");
}

static void refuses_an_hour_of_24(void **state)
{
	(void)state;
	no_time("24:00", "'24:00' is no time of day: hour 24 is not in 0 to 23");
	no_time("2026-11-22T24:00:00Z", "'2026-11-22T24:00:00Z' is no date and time: hour 24 is not in 0 to 23");
}

static void refuses_a_leap_second(void **state)
{
	(void)state;
	no_time("23:59:60", "'23:59:60' is no time of day: second 60 is not in 0 to 59");
	no_time("2016-12-31T23:59:60Z", "'2016-12-31T23:59:60Z' is no date and time: second 60 is not in 0 to 59");
}

static void refuses_a_time_of_day_that_is_not_written_so(void **state)
{
	(void)state;
	no_time("9:03", "'9:03' is no time of day: the hour must have 2 digits, not 1");
	no_time("014:03", "'014:03' is no time of day: the hour must have 2 digits, not 3");
	no_time("14:3", "'14:3' is no time of day: the minute must have 2 digits, not 1");
	no_time("14:", "'14:' is no time of day: the minute must have 2 digits, not 0");
	no_time("14:03:", "'14:03:' is no time of day: the second must have 2 digits, not 0");
	no_time("14:03:7", "'14:03:7' is no time of day: the second must have 2 digits, not 1");
	no_time("14:03.5", "'14:03.5' is no time of day: '.5' follows its end");
	no_time("14:03:07.", "'14:03:07.' is no time of day: no digit follows the point");
	no_time("14:03:07,5", "'14:03:07,5' is no time of day: ',5' follows its end");
	no_time("14:03Z", "'14:03Z' is no time of day: 'Z' follows its end");
	no_time("14:03 ", "'14:03 ' is no time of day: ' ' follows its end");
	no_time("14:03:07.0000000001",
		"'14:03:07.0000000001' is no time of day: '.0000000001' is not in whole nanoseconds");
}

static void reads_rfc_3339(void **state)
{
	(void)state;
	instant("2026-11-22T14:03:07Z", SKT_ZONE_LOCAL, INT64_C(1795356187) * S);
	instant("2026-11-22t14:03:07z", SKT_ZONE_UTC, INT64_C(1795356187) * S);
	instant("2026-11-22 14:03:07.000000001Z", SKT_ZONE_UTC, INT64_C(1795356187) * S + 1);
	instant("2026-11-22T14:03Z", SKT_ZONE_UTC, INT64_C(1795356180) * S);
	instant("2026-11-22T14:03:07+01:00", SKT_ZONE_UTC, INT64_C(1795352587) * S);
	instant("2026-11-22T14:03:07-03:30", SKT_ZONE_UTC, INT64_C(1795368787) * S);
	instant("2026-11-22T14:03:07-00:00", SKT_ZONE_UTC, INT64_C(1795356187) * S);
	instant("2026-11-22T14:03:07+23:59", SKT_ZONE_UTC, (INT64_C(1795356187) - 86340) * S);
	instant("1969-12-31T23:59:59.75Z", SKT_ZONE_UTC, -250 * MS);
}

static void reads_a_date_and_time_in_the_zone_asked_for(void **state)
{
	(void)state;
	set_zone(BERLIN);
	instant("2026-11-22 14:03", SKT_ZONE_UTC, INT64_C(1795356180) * S);
	instant("2026-11-22 14:03", SKT_ZONE_LOCAL, INT64_C(1795352580) * S);
	instant("2026-11-22T14:03:07.5", SKT_ZONE_LOCAL, INT64_C(1795352587) * S + 500 * MS);
	instant("2026-07-01 12:00", SKT_ZONE_LOCAL, INT64_C(1782900000) * S);
	instant("2026-11-22 14:03Z", SKT_ZONE_LOCAL, INT64_C(1795356180) * S);
}

static void a_date_alone_is_its_midnight(void **state)
{
	(void)state;
	set_zone(BERLIN);
	instant("2026-11-22", SKT_ZONE_UTC, INT64_C(1795305600) * S);
	instant("2026-11-22", SKT_ZONE_LOCAL, INT64_C(1795302000) * S);
}

static void knows_the_gregorian_calendar(void **state)
{
	(void)state;
	instant("2000-02-29T12:00Z", SKT_ZONE_UTC, INT64_C(951825600) * S);
	instant("2100-02-28T23:59Z", SKT_ZONE_UTC, INT64_C(4107542340) * S);
	instant("1900-03-01", SKT_ZONE_UTC, INT64_C(-2203891200) * S);
	no_time("2026-02-29", "'2026-02-29' is no date: day 29 is not in 1 to 28");
	no_time("2100-02-29", "'2100-02-29' is no date: day 29 is not in 1 to 28");
	no_time("2000-02-30", "'2000-02-30' is no date: day 30 is not in 1 to 29");
	no_time("2026-04-31", "'2026-04-31' is no date: day 31 is not in 1 to 30");
	no_time("2026-12-32", "'2026-12-32' is no date: day 32 is not in 1 to 31");
	no_time("2026-11-00", "'2026-11-00' is no date: day 00 is not in 1 to 30");
	no_time("2026-13-01", "'2026-13-01' is no date: month 13 is not in 1 to 12");
	no_time("2026-00-01", "'2026-00-01' is no date: month 00 is not in 1 to 12");
}

static void a_month_has_no_day_after_its_last(void **state)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	(void)state;
	for (int month = 1; month <= 12; month++) {
		char text[32];

		snprintf(text, sizeof(text), "2024-%02d-%02d", month, days[month - 1]);
		assert_true(skt_time_is(text));
		snprintf(text, sizeof(text), "2024-%02d-%02d", month, days[month - 1] + 1);
		assert_false(skt_time_is(text));
	}
}

static void every_day_of_the_calendar_reads_as_the_next_one(void **state)
{
	struct skt_time time;

	(void)state;
	/* from 1 January 1678, which is 106650 days before 1970, says date(1), to the end of 2261 */
	for (int64_t day = -106650; day < 106651; day++) {
		time_t s = (time_t)(day * 86400);
		char text[16];
		struct tm tm;

		assert_non_null(gmtime_r(&s, &tm));
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
		assert_int_equal(skt_time_parse(text, SKT_ZONE_UTC, 0, &time, NULL), 0);
		assert_int_equal(time.ns, day * 86400 * S);
	}
}

static void refuses_a_date_that_is_not_written_so(void **state)
{
	(void)state;
	no_time("26-11-22", "'26-11-22' is no date: the year must have 4 digits, not 2");
	no_time("2026-1-22", "'2026-1-22' is no date: the month must have 2 digits, not 1");
	no_time("2026-11", "'2026-11' is no date: '-' is expected before the day");
	no_time("2026-11-", "'2026-11-' is no date: the day must have 2 digits, not 0");
	no_time("2026-11-2", "'2026-11-2' is no date: the day must have 2 digits, not 1");
	no_time("2026-11/22", "'2026-11/22' is no date: '-' is expected before the day");
	no_time("2026-11-22Z", "'2026-11-22Z' is no date and time: 'T' or a blank is expected before the hour");
	no_time("2026-11-22T", "'2026-11-22T' is no date and time: the hour must have 2 digits, not 0");
	no_time("2026-11-22  14:03", "'2026-11-22  14:03' is no date and time: the hour must have 2 digits, not 0");
	no_time("2026-11-22T14", "'2026-11-22T14' is no date and time: ':' is expected before the minute");
	no_time("2026-11-22T14:03 Z",
		"'2026-11-22T14:03 Z' is no date and time: ' Z' follows, where the end, Z or +01:00 is expected");
	no_time("2026-11-22T14:03Zulu", "'2026-11-22T14:03Zulu' is no date and time: 'ulu' follows its end");
	no_time("2026-11-22T14:03+0100",
		"'2026-11-22T14:03+0100' is no date and time: the offset's hour must have 2 digits, not 4");
	no_time("2026-11-22T14:03+01",
		"'2026-11-22T14:03+01' is no date and time: ':' is expected before the offset's minute");
	no_time("2026-11-22T14:03+24:00",
		"'2026-11-22T14:03+24:00' is no date and time: offset's hour 24 is not in 0 to 23");
	no_time("2026-11-22T14:03-01:60",
		"'2026-11-22T14:03-01:60' is no date and time: offset's minute 60 is not in 0 to 59");
	no_time("2026-11-22T14:03+01:00Z", "'2026-11-22T14:03+01:00Z' is no date and time: 'Z' follows its end");
}

static void reads_seconds_since_1970(void **state)
{
	(void)state;
	instant("1795356187.5", SKT_ZONE_LOCAL, INT64_C(1795356187) * S + 500 * MS);
	instant("1795356187", SKT_ZONE_UTC, INT64_C(1795356187) * S);
	instant("100000000", SKT_ZONE_UTC, INT64_C(100000000) * S);
	instant("000000000.000000001", SKT_ZONE_UTC, 1);
}

static void a_short_number_is_no_time(void **state)
{
#define SHORT "seconds since 1970 have 9 digits or more, durations a unit, and snapshots are #N"
	(void)state;
	no_time("90", "'90' is no TIME: " SHORT);
	no_time("0", "'0' is no TIME: " SHORT);
	no_time("99999999.5", "'99999999.5' is no TIME: " SHORT);
	no_time("14.03", "'14.03' is no TIME: " SHORT);
	no_time("1795356187.", "'1795356187.' is no TIME: no digit follows the point");
	no_time("1795356187.0000000001",
		"'1795356187.0000000001' is no TIME: '.0000000001' is not in whole nanoseconds");
}

#define RANGE "1677-09-21T00:12:43.145224192Z to 2262-04-11T23:47:16.854775807Z"

static void takes_the_last_instant_that_fits_and_refuses_the_next(void **state)
{
	(void)state;
	instant("9223372036.854775807", SKT_ZONE_UTC, INT64_MAX);
	no_time("9223372036.854775808", "'9223372036.854775808' is no TIME: it is not in " RANGE);
	no_time("9223372037", "'9223372037' is no TIME: it is not in " RANGE);
	no_time("1795356187500", "'1795356187500' is no TIME: it is not in " RANGE);
	no_time("18446744073709551617", "'18446744073709551617' is no TIME: it is not in " RANGE);
	instant("2262-04-11T23:47:16.854775807Z", SKT_ZONE_UTC, INT64_MAX);
	no_time("2262-04-11T23:47:16.854775808Z",
		"'2262-04-11T23:47:16.854775808Z' is no date and time: it is not in " RANGE);
	instant("2262-04-12T00:47:16.854775807+01:00", SKT_ZONE_UTC, INT64_MAX);
	no_time("2262-04-11T23:47:16-00:01", "'2262-04-11T23:47:16-00:01' is no date and time: it is not in " RANGE);
	no_time("2263-01-01", "'2263-01-01' is no date: year 2263 is not in 1677 to 2262");
}

static void takes_the_first_instant_that_fits_and_refuses_the_one_before(void **state)
{
	(void)state;
	instant("1677-09-21T00:12:43.145224192Z", SKT_ZONE_UTC, INT64_MIN);
	no_time("1677-09-21T00:12:43.145224191Z",
		"'1677-09-21T00:12:43.145224191Z' is no date and time: it is not in " RANGE);
	instant("1678-01-01", SKT_ZONE_UTC, INT64_C(-9214560000) * S);
	no_time("1676-12-31", "'1676-12-31' is no date: year 1676 is not in 1677 to 2262");
	refused("1677-09-21", SKT_ZONE_UTC, "'1677-09-21' is no instant: its beginning is not in " RANGE);
}

static void the_zone_decides_at_the_ends_of_the_range(void **state)
{
	(void)state;
	set_zone(BERLIN);
	instant("1677-09-21T01:12:43.145224192", SKT_ZONE_LOCAL, INT64_MIN);
	no_local_time("1677-09-21T00:12:43.145224192",
		      "'1677-09-21T00:12:43.145224192' is no instant: it is not in " RANGE);
	instant("2262-04-12T01:47:16.854775807", SKT_ZONE_LOCAL, INT64_MAX);
	no_local_time("2262-12-31 12:00", "'2262-12-31 12:00' is no instant: it is not in " RANGE);
}

static void reads_now_and_ago(void **state)
{
	(void)state;
	instant("now", SKT_ZONE_UTC, NOW);
	instant("2h ago", SKT_ZONE_UTC, NOW - 7200 * S);
	instant("1d 2h ago", SKT_ZONE_LOCAL, NOW - 93600 * S);
	instant("1d2.5h ago", SKT_ZONE_LOCAL, NOW - 95400 * S);
	instant("0.5s ago", SKT_ZONE_UTC, NOW - 500 * MS);
	instant("0 ago", SKT_ZONE_UTC, NOW);
	instant("123456789s ago", SKT_ZONE_UTC, NOW - INT64_C(123456789) * S);
}

static void refuses_a_duration_without_ago_or_sign(void **state)
{
	(void)state;
	no_time("2h", "'2h' is no TIME: a duration needs + or - in front, or ' ago' behind");
	no_time("2hago", "'2hago' is no TIME: unit 'hago' is not one of ns, us, ms, s, m, h, d or w");
	no_time("2h  ago", "'2h  ago' is no TIME: '  ago' follows, where ' ago' is expected");
	no_time("2h agony", "'2h agony' is no TIME: ' agony' follows, where ' ago' is expected");
	no_time("2 h ago", "'2 h ago' is no TIME: '2' has no unit (ns, us, ms, s, m, h, d or w)");
	no_time("ago", "'ago' is no TIME: " EXPECTED);
}

static void refuses_an_ago_that_lies_before_all_time(void **state)
{
	struct skt_time time;
	struct skt_err err;

	(void)state;
	assert_int_equal(parsed("5ns ago", SKT_ZONE_UTC, INT64_MIN + 5).ns, INT64_MIN);
	assert_int_equal(skt_time_parse("6ns ago", SKT_ZONE_UTC, INT64_MIN + 5, &time, &err), -EINVAL);
	assert_string_equal(err.message, "'6ns ago' is no instant: it is not in " RANGE);
	assert_int_equal(skt_time_parse("yesterday", SKT_ZONE_UTC, INT64_MIN, &time, &err), -EINVAL);
	assert_string_equal(err.message, "'yesterday' is no instant: its beginning is not in " RANGE);
}

static void today_and_yesterday_begin_at_midnight(void **state)
{
	(void)state;
	set_zone(BERLIN);
	instant("today", SKT_ZONE_UTC, INT64_C(1795305600) * S);
	instant("yesterday", SKT_ZONE_UTC, INT64_C(1795219200) * S);
	instant("today", SKT_ZONE_LOCAL, INT64_C(1795302000) * S);
	instant("yesterday", SKT_ZONE_LOCAL, INT64_C(1795215600) * S);
	/* a nanosecond before midnight in Berlin, and midnight */
	assert_int_equal(parsed("today", SKT_ZONE_LOCAL, INT64_C(1795302000) * S - 1).ns, INT64_C(1795215600) * S);
	assert_int_equal(parsed("today", SKT_ZONE_LOCAL, INT64_C(1795302000) * S).ns, INT64_C(1795302000) * S);
	/* before 1970 */
	assert_int_equal(parsed("today", SKT_ZONE_UTC, -1).ns, -86400 * S);
}

static void yesterday_is_a_date_and_not_24_hours(void **state)
{
	(void)state;
	set_zone(BERLIN);
	/* 26 October 2026, 12:00; the day before had 25 hours */
	assert_int_equal(parsed("yesterday", SKT_ZONE_LOCAL, INT64_C(1793012400) * S).ns, INT64_C(1792879200) * S);
	assert_int_equal(parsed("today", SKT_ZONE_LOCAL, INT64_C(1793012400) * S).ns, INT64_C(1792969200) * S);
}

/* Clock changes */

static void a_skipped_local_time_is_refused(void **state)
{
	(void)state;
	set_zone(BERLIN);
	instant("2026-03-29 01:59:59", SKT_ZONE_LOCAL, INT64_C(1774745999) * S);
	no_local_time("2026-03-29 02:00", "'2026-03-29 02:00' is no instant: the local clock skipped it; "
					  "2026-03-29T01:00:00+01:00 or 2026-03-29T03:00:00+02:00 may be meant");
	no_local_time("2026-03-29T02:30:00.5", "'2026-03-29T02:30:00.5' is no instant: the local clock skipped it; "
					       "2026-03-29T01:30:00.500000000+01:00 or "
					       "2026-03-29T03:30:00.500000000+02:00 may be meant");
	no_local_time("2026-03-29 02:59:59", "'2026-03-29 02:59:59' is no instant: the local clock skipped it; "
					     "2026-03-29T01:59:59+01:00 or 2026-03-29T03:59:59+02:00 may be meant");
	instant("2026-03-29 03:00", SKT_ZONE_LOCAL, INT64_C(1774746000) * S);
	instant("2026-03-29 02:30", SKT_ZONE_UTC, INT64_C(1774751400) * S);
	instant("2026-03-29 02:30+01:00", SKT_ZONE_LOCAL, INT64_C(1774747800) * S);
}

static void a_doubled_local_time_is_refused(void **state)
{
	(void)state;
	set_zone(BERLIN);
	instant("2026-10-25 01:59:59", SKT_ZONE_LOCAL, INT64_C(1792886399) * S);
	no_local_time("2026-10-25 02:00", "'2026-10-25 02:00' is no one instant: the local clock showed it at "
					  "2026-10-25T02:00:00+02:00 and at 2026-10-25T02:00:00+01:00");
	no_local_time("2026-10-25 02:59:59", "'2026-10-25 02:59:59' is no one instant: the local clock showed it at "
					     "2026-10-25T02:59:59+02:00 and at 2026-10-25T02:59:59+01:00");
	instant("2026-10-25 03:00", SKT_ZONE_LOCAL, INT64_C(1792893600) * S);
	instant("2026-10-25T02:30+02:00", SKT_ZONE_LOCAL, INT64_C(1792888200) * S);
	instant("2026-10-25T02:30+01:00", SKT_ZONE_LOCAL, INT64_C(1792891800) * S);
}

static void a_change_by_half_an_hour_is_noticed(void **state)
{
	(void)state;
	set_zone(LORD_HOWE);
	instant("2026-04-05 01:29:59", SKT_ZONE_LOCAL, INT64_C(1775312999) * S);
	no_local_time("2026-04-05 01:30", "'2026-04-05 01:30' is no one instant: the local clock showed it at "
					  "2026-04-05T01:30:00+11:00 and at 2026-04-05T01:30:00+10:30");
	instant("2026-04-05 02:00", SKT_ZONE_LOCAL, INT64_C(1775316600) * S);
	instant("2026-10-04 01:59:59", SKT_ZONE_LOCAL, INT64_C(1791041399) * S);
	no_local_time("2026-10-04 02:15", "'2026-10-04 02:15' is no instant: the local clock skipped it; "
					  "2026-10-04T01:45:00+10:30 or 2026-10-04T02:45:00+11:00 may be meant");
}

static void winter_time_that_counts_as_daylight_saving_is_no_different(void **state)
{
	(void)state;
	set_zone(DUBLIN);
	instant("2026-01-15 12:00", SKT_ZONE_LOCAL, INT64_C(1768478400) * S);
	instant("2026-07-15 12:00", SKT_ZONE_LOCAL, INT64_C(1784113200) * S);
	no_local_time("2026-10-25 01:30", "'2026-10-25 01:30' is no one instant: the local clock showed it at "
					  "2026-10-25T01:30:00+01:00 and at 2026-10-25T01:30:00+00:00");
}

static void a_day_without_midnight_begins_where_the_gap_ends(void **state)
{
	(void)state;
	set_zone(HAVANA);
	instant("2026-03-08", SKT_ZONE_LOCAL, INT64_C(1772946000) * S);
	/* noon of that day, and of the next */
	assert_int_equal(parsed("today", SKT_ZONE_LOCAL, INT64_C(1772985600) * S).ns, INT64_C(1772946000) * S);
	assert_int_equal(parsed("yesterday", SKT_ZONE_LOCAL, INT64_C(1773072000) * S).ns, INT64_C(1772946000) * S);
	no_local_time("2026-03-08 00:00", "'2026-03-08 00:00' is no instant: the local clock skipped it; "
					  "2026-03-07T23:00:00-05:00 or 2026-03-08T01:00:00-04:00 may be meant");
}

static void a_day_with_two_midnights_begins_at_the_first(void **state)
{
	(void)state;
	set_zone(HAVANA);
	instant("2026-11-01", SKT_ZONE_LOCAL, INT64_C(1793505600) * S);
	assert_int_equal(parsed("today", SKT_ZONE_LOCAL, INT64_C(1793552400) * S).ns, INT64_C(1793505600) * S);
	no_local_time("2026-11-01 00:00", "'2026-11-01 00:00' is no one instant: the local clock showed it at "
					  "2026-11-01T00:00:00-04:00 and at 2026-11-01T00:00:00-05:00");
}

static void a_day_that_the_zone_went_without_is_refused(void **state)
{
	struct skt_time time;
	struct skt_err err;

	(void)state;
	set_zone(SAMOA);
	instant("2011-12-29 23:59", SKT_ZONE_LOCAL, INT64_C(1325239140) * S);
	instant("2011-12-31", SKT_ZONE_LOCAL, INT64_C(1325239200) * S);
	no_local_time("2011-12-30", "'2011-12-30' is no instant: the local clock skipped the whole day");
	no_local_time("2011-12-30 12:00", "'2011-12-30 12:00' is no instant: the local clock skipped it; "
					  "2011-12-29T12:00:00-10:00 or 2011-12-31T12:00:00+14:00 may be meant");
	/* yesterday, on the 31st */
	assert_int_equal(skt_time_parse("yesterday", SKT_ZONE_LOCAL, INT64_C(1325250000) * S, &time, &err), -EINVAL);
	assert_string_equal(err.message, "'yesterday' is no instant: the local clock skipped the whole day");
}

/*
 * What the clock on the wall shows at an instant, that it means again: or it is refused, and named among the meanings.
 */
static void every_hour_of_a_year_is_found_again(void **state)
{
	static const char *const zones[] = { BERLIN, HAVANA, LORD_HOWE, DUBLIN, SAMOA, "XXX-24:59:59", "XXX24:59:59" };

	(void)state;
	for (size_t zone = 0; zone < sizeof(zones) / sizeof(zones[0]); zone++) {
		size_t refusals = 0;

		set_zone(zones[zone]);
		for (int64_t s = INT64_C(1767225600); s < INT64_C(1767225600) + 366 * 86400; s += 1800) {
			char wall[32], named[48];
			struct skt_time time;
			struct skt_err err;
			time_t t = (time_t)s;
			struct tm tm;

			assert_non_null(localtime_r(&t, &tm));
			strftime(wall, sizeof(wall), "%Y-%m-%d %H:%M:%S", &tm);
			if (!skt_time_parse(wall, SKT_ZONE_LOCAL, 0, &time, &err)) {
				assert_int_equal(time.ns, s * S);
				continue;
			}
			refusals++;
			strftime(named, sizeof(named), "%Y-%m-%dT%H:%M:%S%z", &tm);
			memmove(named + 23, named + 22, 3);
			named[22] = ':';
			assert_non_null(strstr(err.message, "showed it at"));
			assert_non_null(strstr(err.message, named));
		}
		/* an hour twice is four half hours, half an hour is two; Samoa's 24 are 96 */
		assert_int_equal(refusals, zone == 2 ? 2 : zone == 4 ? 96 : zone < 4 ? 4 : 0);
	}
}

/* Times of day */

static void finds_a_time_of_day_on_each_day(void **state)
{
	const int64_t noon = INT64_C(1795348800) * S; /* 22 November 2026 */
	int64_t found[8];

	(void)state;
	assert_int_equal(skt_time_of_day(43200 * S, SKT_ZONE_UTC, noon - 86400 * S, noon + 86400 * S, found, 8), 3);
	assert_int_equal(found[0], noon - 86400 * S);
	assert_int_equal(found[1], noon);
	assert_int_equal(found[2], noon + 86400 * S);
}

static void both_ends_count(void **state)
{
	const int64_t noon = INT64_C(1795348800) * S + 7;
	int64_t found[8];

	(void)state;
	assert_int_equal(skt_time_of_day(43200 * S + 7, SKT_ZONE_UTC, noon, noon, found, 8), 1);
	assert_int_equal(found[0], noon);
	assert_int_equal(skt_time_of_day(43200 * S + 7, SKT_ZONE_UTC, noon + 1, noon + 86400 * S - 1, found, 8), 0);
	assert_int_equal(skt_time_of_day(43200 * S + 7, SKT_ZONE_UTC, noon + 1, noon + 86400 * S, found, 8), 1);
	assert_int_equal(skt_time_of_day(43200 * S + 7, SKT_ZONE_UTC, noon, noon - 1, found, 8), 0);
}

static void counts_more_than_it_has_room_for(void **state)
{
	const int64_t noon = INT64_C(1795348800) * S;
	int64_t found[2] = { -7, -7 };

	(void)state;
	assert_int_equal(skt_time_of_day(43200 * S, SKT_ZONE_UTC, noon, noon + 9 * 86400 * S, found, 1), 10);
	assert_int_equal(found[0], noon);
	assert_int_equal(found[1], -7);
	assert_int_equal(skt_time_of_day(43200 * S, SKT_ZONE_UTC, noon, noon + 9 * 86400 * S, NULL, 0), 10);
}

static void a_clock_change_can_double_a_time_of_day(void **state)
{
	const int64_t first = INT64_C(1792792800), last = INT64_C(1793052000); /* 24 to 26 October, Berlin */
	int64_t found[8];

	(void)state;
	set_zone(BERLIN);
	assert_int_equal(skt_time_of_day(9000 * S, SKT_ZONE_LOCAL, first * S, last * S, found, 8), 4);
	assert_int_equal(found[0], INT64_C(1792801800) * S);
	assert_int_equal(found[1], INT64_C(1792888200) * S);
	assert_int_equal(found[2], INT64_C(1792891800) * S);
	assert_int_equal(found[3], INT64_C(1792978200) * S);
	assert_int_equal(skt_time_of_day(9000 * S, SKT_ZONE_UTC, first * S, last * S, found, 8), 3);
}

static void a_clock_change_can_skip_a_time_of_day(void **state)
{
	const int64_t first = INT64_C(1774652400), last = INT64_C(1774908000); /* 28 to 30 March, Berlin */
	int64_t found[8];

	(void)state;
	set_zone(BERLIN);
	assert_int_equal(skt_time_of_day(9000 * S, SKT_ZONE_LOCAL, first * S, last * S, found, 8), 2);
	assert_int_equal(found[0], INT64_C(1774661400) * S);
	assert_int_equal(found[1], INT64_C(1774830600) * S);
}

static void finds_the_very_second_of_a_clock_change(void **state)
{
	const int64_t first = INT64_C(1774724400), last = INT64_C(1774767600); /* 28 March 20:00 to 29 March 09:00 */
	int64_t found[2];

	(void)state;
	set_zone(BERLIN);
	assert_int_equal(skt_time_of_day(10800 * S, SKT_ZONE_LOCAL, first * S, last * S, found, 2), 1);
	assert_int_equal(found[0], INT64_C(1774746000) * S);
	assert_int_equal(skt_time_of_day(7199 * S, SKT_ZONE_LOCAL, first * S, last * S, found, 2), 1);
	assert_int_equal(found[0], INT64_C(1774745999) * S);
}

static void searches_all_time_without_overflow(void **state)
{
	static int64_t found[213600];
	size_t n;

	(void)state;
	/* midnights from 22 September 1677 to 11 April 2262 */
	n = skt_time_of_day(0, SKT_ZONE_UTC, INT64_MIN, INT64_MAX, found, 213600);
	assert_int_equal(n, 213503);
	assert_int_equal(found[0], INT64_C(-9223286400) * S);
	assert_int_equal(found[n - 1], INT64_C(9223286400) * S);
	/* at either end itself */
	assert_int_equal(skt_time_of_day(763145224192, SKT_ZONE_UTC, INT64_MIN, INT64_MIN, found, 1), 1);
	assert_int_equal(found[0], INT64_MIN);
	assert_int_equal(skt_time_of_day(85636854775807, SKT_ZONE_UTC, INT64_MAX, INT64_MAX, found, 1), 1);
	assert_int_equal(found[0], INT64_MAX);
	assert_int_equal(skt_time_of_day(763145224191, SKT_ZONE_UTC, INT64_MIN, INT64_MIN + S, found, 1), 0);
	/* 02:30 in Berlin: each year one less and one more */
	set_zone(BERLIN);
	n = skt_time_of_day(9000 * S, SKT_ZONE_LOCAL, INT64_C(1767222000) * S, INT64_C(1798758000) * S - 1, found, 999);
	assert_int_equal(n, 365);
	assert_true(skt_time_of_day(9000 * S, SKT_ZONE_LOCAL, INT64_MIN, INT64_MAX, found, 0) >= 213503);
}

static void what_is_no_time_of_day_is_never_shown(void **state)
{
	(void)state;
	assert_int_equal(skt_time_of_day(86400 * S, SKT_ZONE_UTC, INT64_MIN, INT64_MAX, NULL, 0), 0);
	assert_int_equal(skt_time_of_day(-1, SKT_ZONE_UTC, INT64_MIN, INT64_MAX, NULL, 0), 0);
}

/* What may stand behind an @ */

static void the_rest_of_a_file_name_is_no_time(void **state)
{
	static const char *const texts[] = {
		"example.skt",
		"host",
		"2026",
		"20261122T140300Z.skt",
		"first.skt",
		"2026-11-22.skt",
		"10.0.0.1",
		"1",
		"12345",
		"14-03",
		"14:03.skt",
		"+90s.skt",
		"#1.skt",
		"",
		"now.skt",
		"2h",
		"nowhere",
		"1795356187.skt",
		"1795356187.5.skt",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(skt_time_is(texts[i]));
}

static void the_test_asks_neither_zone_nor_clock(void **state)
{
	(void)state;
	set_zone(BERLIN);
	assert_true(skt_time_is("2026-03-29 02:30"));
	assert_true(skt_time_is("2026-10-25 02:30"));
	assert_true(skt_time_is("yesterday"));
	assert_true(skt_time_is("36525d ago"));
}

static void a_long_text_is_quoted_in_part(void **state)
{
	struct skt_time time;
	struct skt_err err;
	char text[200];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(skt_time_parse(text, SKT_ZONE_UTC, 0, &time, &err), -EINVAL);
	memcpy(text + 80, "...' is no TIME: ", 17);
	assert_memory_equal(err.message + 1, text, 97);
	assert_memory_equal(err.message, "'x", 2);
	/* nor is what follows the end quoted whole */
	memcpy(text, "#1", 2);
	memset(text + 2, 'y', sizeof(text) - 3);
	assert_int_equal(skt_time_parse(text, SKT_ZONE_UTC, 0, &time, &err), -EINVAL);
	assert_non_null(strstr(err.message, "yyy...' follows its end"));
	assert_int_equal(strlen(err.message), strlen("'...' is no number of a snapshot: '...' follows its end") + 160);
}

static void megabytes_of_text_are_only_text(void **state)
{
	static const struct {
		const char *head;
		bool zeros; /* it is a TIME with ten million zeros behind it */
	} texts[] = {
		{ "", true },	    { "#", false },	   { "+", true },
		{ "-0", true },	    { "1.", false },	   { "+1.", false },
		{ "1d1", false },   { "14:03:07.", true }, { "1795356187.", true },
		{ "2026-", false }, { "+1d1.", false },
	};
	static const char fills[] = "0159as ";
	const size_t size = 10 << 20;
	char *text = malloc(size + 1);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (size_t fill = 0; fills[fill]; fill++) {
			bool expect = texts[i].zeros && fills[fill] == '0';
			struct skt_time time;
			struct skt_err err;

			snprintf(text, size, "%s", texts[i].head);
			memset(text + strlen(text), fills[fill], size - strlen(text));
			text[size] = '\0';
			assert_int_equal(skt_time_is(text), expect);
			assert_int_equal(skt_time_parse(text, SKT_ZONE_UTC, 0, &time, &err), expect ? 0 : -EINVAL);
		}
	}
	free(text);
}

/* Zones */

static void takes_posix_zones(void **state)
{
	static const char *const zones[][2] = {
		{ "UTC0", "UTC" },
		{ "CET-1", "CET" },
		{ "EST5EDT", "EST" },
		{ "EST+5EDT4,M3.2.0,M11.1.0", "EST" },
		{ BERLIN, "CET" },
		{ HAVANA, "CST" },
		{ LORD_HOWE, "+1030" },
		{ DUBLIN, "IST" },
		{ SAMOA, "AAA" },
		{ "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "-03" },
		{ "IST-2IDT,M3.4.4/26,M10.5.0", "IST" }, /* Jerusalem: a Friday written as Thursday, 26:00 */
		{ "XXX-24:59:59YYY24:59:59,0/0:00:00,365/167:59:59", "XXX" },
		{ "LMT-0:53:28", "LMT" },
		{ "AAA3BBB2,J1,J365", "AAA" },
		{ "AAA3BBB2,M1.1.6,M12.5.0", "AAA" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		assert_true(skt_zone_is(zones[i][0], NULL));
		/* libc must take it too */
		set_zone(zones[i][0]);
		assert_string_equal(tzname[0], zones[i][1]);
	}
}

static void refuses_zones_that_libc_takes_for_utc_or_reads_otherwise(void **state)
{
	static const char *const zones[] = {
		"",
		"CET",
		"Europe/Nowhere",
		"CE-1",
		"-1",
		"CET-25",
		"CET-1:60",
		"CET-1:00:60",
		"CET-1:00:00:00",
		"CET-1:",
		"CET-1CE",
		"CET-1CEST,",
		"CET-1CEST,M3.5.0",
		"<CET-1",
		"<+>-1",
		"<C T>-1",
		"CET-1CEST,M3.5.0,M10.5.0,",
		"CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M0.5.0,M10.5.0",
		"CET-1CEST,M3.6.0,M10.5.0",
		"CET-1CEST,M3.0.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0",
		"CET-1CEST,M3.5,M10.5.0",
		"CET-1CEST,J0,J365",
		"CET-1CEST,J1,J366",
		"CET-1CEST,366,1",
		"CET-1CEST,M3.5.0/168,M10.5.0",
		"CET-1CEST,M3.5.0/,M10.5.0",
		"CET-1,M3.5.0,M10.5.0",
		" CET-1",
		"CET -1",
		"CET-1 ",
		"CET--1",
		":CET-1",
		"C\xc3\x89T-1",
		"CET-18446744073709551617",
		"CET-1CEST-25",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		assert_false(skt_zone_is(zones[i], NULL));
}

/* A zoneinfo directory of our own: DIR/zone/Area/{Good,...}, and DIR/Outside, which is a zone too. */

static char top[] = "/tmp/skt-time-XXXXXX";
static char zoneinfo[64];

static void put(const char *path, const void *data, size_t len)
{
	char name[128];
	int fd;

	snprintf(name, sizeof(name), "%s/%s", top, path);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(close(fd), 0);
}

/* tzfile(5), version 1: no transitions, one type (+05:00), the abbreviation "FIV". */
static const unsigned char zone_file[] = "TZif\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
					 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\001\0\0\0\004"
					 "\0\0\x46\x50\0\0FIV";

static int make_zoneinfo(void **state)
{
	unsigned char typeless[sizeof(zone_file)];
	char name[128];

	(void)state;
	if (!mkdtemp(top))
		return -1;
	snprintf(zoneinfo, sizeof(zoneinfo), "%s/zone", top);
	snprintf(name, sizeof(name), "%s/Area", zoneinfo);
	if (mkdir(zoneinfo, 0700) || mkdir(name, 0700))
		return -1;
	put("Outside", zone_file, sizeof(zone_file));
	put("zone/Good", zone_file, sizeof(zone_file));
	put("zone/Area/Good", zone_file, sizeof(zone_file));
	put("zone/..Good", zone_file, sizeof(zone_file));
	put("zone/Empty", "", 0);
	put("zone/Short", zone_file, 43);
	put("zone/zone.tab", "# tzdb timezone descriptions, at least 44 bytes\n", 48);
	memcpy(typeless, zone_file, sizeof(zone_file));
	typeless[39] = 0;
	put("zone/Typeless", typeless, sizeof(typeless));
	snprintf(name, sizeof(name), "%s/Fifo", zoneinfo);
	return mkfifo(name, 0600);
}

static int remove_zoneinfo(void **state)
{
	static const char *const paths[] = { "zone/Fifo",
					     "zone/Typeless",
					     "zone/zone.tab",
					     "zone/Short",
					     "zone/Empty",
					     "zone/..Good",
					     "zone/Area/Good",
					     "zone/Good",
					     "zone/Area",
					     "Outside",
					     "Thrice",
					     "zone",
					     "" };
	int rc = 0;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char name[128];

		snprintf(name, sizeof(name), "%s/%s", top, paths[i]);
		rc |= remove(name);
	}
	back_to_utc(state);
	return rc;
}

static void takes_a_file_of_the_zoneinfo_directory(void **state)
{
	char name[128];

	(void)state;
	assert_true(skt_zone_is("Good", zoneinfo));
	assert_true(skt_zone_is("Area/Good", zoneinfo));
	assert_true(skt_zone_is("..Good", zoneinfo));
	assert_false(skt_zone_is("Good", NULL));
	assert_false(skt_zone_is("Good", "/nonexistent"));
	/* and libc does read such a file */
	snprintf(name, sizeof(name), ":%s/Good", zoneinfo);
	set_zone(name);
	formats_as(0, SKT_ZONE_LOCAL, "1970-01-01T05:00:00.000000000+05:00");
}

/*
 * From +14:00 to +00:00 at 1970-01-01T00:00Z, and to -14:00 eight hours later: clocks showed 04:00 three times, which
 * no POSIX string can say.
 */
static const unsigned char thrice_file[] = "TZif\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
					   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\002\0\0\0\003\0\0\0\004"
					   "\0\0\0\0\0\0\x70\x80\001\002"
					   "\0\0\xc4\xe0\0\0\0\0\0\0\0\0\xff\xff\x3b\x20\0\0THR";

static void a_local_time_that_was_three_times_is_refused_with_the_first_two(void **state)
{
	char name[128];

	(void)state;
	put("Thrice", thrice_file, sizeof(thrice_file));
	snprintf(name, sizeof(name), ":%s/Thrice", top);
	set_zone(name);
	no_local_time("1970-01-01 04:00", "'1970-01-01 04:00' is no one instant: the local clock showed it at "
					  "1970-01-01T04:00:00+14:00 and at 1970-01-01T04:00:00+00:00");
	assert_int_equal(skt_time_of_day(14400 * S, SKT_ZONE_LOCAL, -43200 * S, 86400 * S, NULL, 0), 3);
}

static void refuses_a_file_that_is_no_zone(void **state)
{
	static const char *const names[] = { "Area",	 "Empty", "Short",   "zone.tab",
					     "Typeless", "Fifo",  "Missing", "Good/Good" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_false(skt_zone_is(names[i], zoneinfo));
}

static void refuses_a_name_that_leaves_the_directory(void **state)
{
	char absolute[128];

	(void)state;
	snprintf(absolute, sizeof(absolute), "%s/Outside", top);
	assert_true(skt_zone_is("Outside", top));
	assert_false(skt_zone_is("../Outside", zoneinfo));
	assert_false(skt_zone_is("Area/../../Outside", zoneinfo));
	assert_false(skt_zone_is(absolute, zoneinfo));
	assert_false(skt_zone_is(absolute + 1, zoneinfo));
	assert_false(skt_zone_is("", zoneinfo));
	assert_false(skt_zone_is(".", zoneinfo));
	assert_false(skt_zone_is("..", zoneinfo));
	assert_false(skt_zone_is("./Good", zoneinfo));
	assert_false(skt_zone_is("Area//Good", zoneinfo));
	assert_false(skt_zone_is("Area/", zoneinfo));
}

/* In the zone of whoever runs it, a test of zones proves nothing. */
#define test(name) cmocka_unit_test_setup_teardown(name, back_to_utc, back_to_utc)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(reads_a_number_and_a_unit),
		test(reads_several_units_that_fall),
		test(reads_fractions_to_the_nanosecond),
		test(refuses_fractions_of_a_nanosecond),
		test(a_lone_zero_needs_no_unit),
		test(refuses_a_number_without_a_unit),
		test(refuses_a_unit_that_is_none),
		test(refuses_units_that_do_not_fall),
		test(refuses_a_duration_that_does_not_begin_with_a_digit),
		test(refuses_what_follows_a_duration),
		test(refuses_more_than_a_hundred_years),
		test(writes_durations_as_people_do),
		test(writes_a_negative_duration_with_a_sign),
		test(a_duration_that_was_written_reads_the_same),
		test(writes_an_instant_as_rfc_3339),
		test(writes_the_ends_of_the_range),
		test(writes_the_offset_that_the_zone_had_then),
		test(an_offset_with_seconds_is_cut_and_the_instant_kept),
		test(an_instant_that_was_written_reads_the_same),
		test(reads_first_and_last),
		test(refuses_words_that_are_not_in_the_grammar),
		test(reads_the_number_of_a_snapshot),
		test(refuses_a_number_that_is_no_snapshot),
		test(reads_a_distance_from_either_end),
		test(refuses_a_distance_that_is_no_duration),
		test(reads_a_time_of_day),
		test(refuses_a_minute_of_60),
		test(refuses_an_hour_of_24),
		test(refuses_a_leap_second),
		test(refuses_a_time_of_day_that_is_not_written_so),
		test(reads_rfc_3339),
		test(reads_a_date_and_time_in_the_zone_asked_for),
		test(a_date_alone_is_its_midnight),
		test(knows_the_gregorian_calendar),
		test(a_month_has_no_day_after_its_last),
		test(every_day_of_the_calendar_reads_as_the_next_one),
		test(refuses_a_date_that_is_not_written_so),
		test(reads_seconds_since_1970),
		test(a_short_number_is_no_time),
		test(takes_the_last_instant_that_fits_and_refuses_the_next),
		test(takes_the_first_instant_that_fits_and_refuses_the_one_before),
		test(the_zone_decides_at_the_ends_of_the_range),
		test(reads_now_and_ago),
		test(refuses_a_duration_without_ago_or_sign),
		test(refuses_an_ago_that_lies_before_all_time),
		test(today_and_yesterday_begin_at_midnight),
		test(yesterday_is_a_date_and_not_24_hours),
		test(a_skipped_local_time_is_refused),
		test(a_doubled_local_time_is_refused),
		test(a_change_by_half_an_hour_is_noticed),
		test(winter_time_that_counts_as_daylight_saving_is_no_different),
		test(a_day_without_midnight_begins_where_the_gap_ends),
		test(a_day_with_two_midnights_begins_at_the_first),
		test(a_day_that_the_zone_went_without_is_refused),
		test(every_hour_of_a_year_is_found_again),
		test(finds_a_time_of_day_on_each_day),
		test(both_ends_count),
		test(counts_more_than_it_has_room_for),
		test(a_clock_change_can_double_a_time_of_day),
		test(a_clock_change_can_skip_a_time_of_day),
		test(finds_the_very_second_of_a_clock_change),
		test(searches_all_time_without_overflow),
		test(what_is_no_time_of_day_is_never_shown),
		test(the_rest_of_a_file_name_is_no_time),
		test(the_test_asks_neither_zone_nor_clock),
		test(a_long_text_is_quoted_in_part),
		test(megabytes_of_text_are_only_text),
		test(takes_posix_zones),
		test(refuses_zones_that_libc_takes_for_utc_or_reads_otherwise),
		test(takes_a_file_of_the_zoneinfo_directory),
		test(a_local_time_that_was_three_times_is_refused_with_the_first_two),
		test(refuses_a_file_that_is_no_zone),
		test(refuses_a_name_that_leaves_the_directory),
	};

	return cmocka_run_group_tests(tests, make_zoneinfo, remove_zoneinfo);
}
