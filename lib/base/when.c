/* SPDX-License-Identifier: MIT */
#include "base/when.h"

#include "base/duration.h"
#include "base/zone.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static int end_read(const char *at, struct skt_err *why)
{
	if (!*at)
		return 0;
	return BECAUSE(why, "'%.*s%s' follows its end", QUOTED_WHOLE(at));
}

static int char_read(const char **at, char c, const char *before, struct skt_err *why)
{
	if (**at != c)
		return BECAUSE(why, "'%c' is expected before the %s", c, before);
	++*at;
	return 0;
}

/* A part of a date or of a time of day, which has so many digits and no fewer. */
static int part_read(const char **at, const char *what, size_t width, unsigned low, unsigned high, unsigned *ret,
		     struct skt_err *why)
{
	const char *start = *at;
	uint64_t value;
	size_t n = digits_read(at, &value);

	if (n != width)
		return BECAUSE(why, "the %s must have %zu digits, not %zu", what, width, n);
	if (value < low || value > high)
		return BECAUSE(why, "%s %.*s is not in %u to %u", what, (int)n, start, low, high);
	*ret = (unsigned)value;
	return 0;
}

/* 14:03[:07[.5]], as seconds since midnight and the rest. time_t has no place for the leap second 23:59:60. */
static int clock_read(const char **at, int64_t *ret_s, int64_t *ret_ns, struct skt_err *why)
{
	unsigned hour, minute, second = 0;
	struct fraction fraction = { .n = 0 };
	uint64_t ns;

	if (part_read(at, "hour", 2, 0, 23, &hour, why) || char_read(at, ':', "minute", why) ||
	    part_read(at, "minute", 2, 0, 59, &minute, why))
		return -EINVAL;
	if (**at == ':') {
		++*at;
		if (part_read(at, "second", 2, 0, 59, &second, why) || fraction_read(at, &fraction, why))
			return -EINVAL;
	}
	if (fraction_ns(&fraction, SKT_NS_PER_S, &ns, why))
		return -EINVAL;
	*ret_s = hour * 3600 + minute * 60 + second;
	*ret_ns = (int64_t)ns;
	return 0;
}

static int date_read(const char **at, int64_t *ret_s, struct skt_err *why)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned year, month, day, last;
	struct tm tm = { .tm_isdst = 0 };

	if (part_read(at, "year", 4, 1677, 2262, &year, why) || char_read(at, '-', "month", why) ||
	    part_read(at, "month", 2, 1, 12, &month, why) || char_read(at, '-', "day", why))
		return -EINVAL;
	last = days[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
	if (part_read(at, "day", 2, 1, last, &day, why))
		return -EINVAL;
	tm.tm_year = (int)year - 1900;
	tm.tm_mon = (int)month - 1;
	tm.tm_mday = (int)day;
	*ret_s = timegm(&tm);
	return 0;
}

/* Z, +01:00 or -01:00 */
static int offset_read(const char **at, int64_t *ret_s, struct skt_err *why)
{
	int sign = **at == '-' ? -1 : 1;
	unsigned hour, minute;

	*ret_s = 0;
	if (**at == 'Z' || **at == 'z') {
		++*at;
		return 0;
	}
	if (**at != '+' && **at != '-')
		return BECAUSE(why, "'%.*s%s' follows, where the end, Z or +01:00 is expected", QUOTED_WHOLE(*at));
	++*at;
	if (part_read(at, "offset's hour", 2, 0, 23, &hour, why) || char_read(at, ':', "offset's minute", why) ||
	    part_read(at, "offset's minute", 2, 0, 59, &minute, why))
		return -EINVAL;
	*ret_s = sign * (int64_t)(hour * 3600 + minute * 60);
	return 0;
}

static int instant_read(int64_t s, int64_t ns, struct reading *ret, struct skt_err *why)
{
	ret->time.kind = SKT_TIME_INSTANT;
	return instant_join(s, ns, &ret->time.ns) ? 0 : BECAUSE(why, "it is not in " INSTANT_RANGE);
}

static int date_and_clock_read(const char *at, struct reading *ret, const char **ret_what, struct skt_err *why)
{
	int64_t clock_s, offset_s;

	*ret_what = "date";
	if (date_read(&at, &ret->wall_s, why))
		return -EINVAL;
	ret->form = DAY;
	if (!*at)
		return 0;
	*ret_what = "date and time";
	if (*at != 'T' && *at != 't' && *at != ' ')
		return BECAUSE(why, "'T' or a blank is expected before the hour");
	++at;
	if (clock_read(&at, &clock_s, &ret->ns, why))
		return -EINVAL;
	ret->wall_s += clock_s;
	ret->form = WALL;
	if (!*at)
		return 0;
	if (offset_read(&at, &offset_s, why) || end_read(at, why))
		return -EINVAL;
	ret->form = SETTLED;
	return instant_read(ret->wall_s - offset_s, ret->ns, ret, why);
}

static int time_of_day_read(const char *at, struct reading *ret, struct skt_err *why)
{
	int64_t s, ns;

	if (clock_read(&at, &s, &ns, why) || end_read(at, why))
		return -EINVAL;
	ret->time.kind = SKT_TIME_OF_DAY;
	ret->time.ns = s * SKT_NS_PER_S + ns;
	return 0;
}

static int epoch_read(const char *at, struct reading *ret, struct skt_err *why)
{
	struct fraction fraction;
	uint64_t s, ns;

	if (digits_read(&at, &s) < 9)
		return BECAUSE(why, "seconds since 1970 have 9 digits or more, durations a unit, and snapshots are #N");
	if (fraction_read(&at, &fraction, why) || fraction_ns(&fraction, SKT_NS_PER_S, &ns, why))
		return -EINVAL;
	return instant_read(s > INT64_MAX ? INT64_MAX : (int64_t)s, (int64_t)ns, ret, why);
}

static int ago_read(const char *at, struct reading *ret, struct skt_err *why)
{
	if (duration_read(&at, &ret->ns, why))
		return -EINVAL;
	ret->form = AGO;
	if (!strcmp(at, " ago"))
		return 0;
	if (!*at)
		return BECAUSE(why, "a duration needs + or - in front, or ' ago' behind");
	return BECAUSE(why, "'%.*s%s' follows, where ' ago' is expected", QUOTED_WHOLE(at));
}

static int number_read(const char *at, struct reading *ret, struct skt_err *why)
{
	ret->time.kind = SKT_TIME_NUMBER;
	if (!digits_read(&at, &ret->time.number))
		return BECAUSE(why, "a number is expected after '#'");
	if (!ret->time.number)
		return BECAUSE(why, "the first is #1");
	if (ret->time.number == UINT64_MAX)
		return BECAUSE(why, "it is not below %ju", (uintmax_t)UINT64_MAX);
	return end_read(at, why);
}

static int distance_read(const char *at, struct reading *ret, struct skt_err *why)
{
	ret->time.kind = *at == '+' ? SKT_TIME_AFTER_FIRST : SKT_TIME_BEFORE_LAST;
	at++;
	return duration_read(&at, &ret->time.ns, why) ? -EINVAL : end_read(at, why);
}

/* Which form begins with a digit is told by what follows the digits. */
static int digit_first_read(const char *text, struct reading *ret, const char **ret_what, struct skt_err *why)
{
	const char *at = text;
	uint64_t ignored;

	digits_read(&at, &ignored);
	if (*at == '-')
		return date_and_clock_read(text, ret, ret_what, why);
	if (*at == ':') {
		*ret_what = "time of day";
		return time_of_day_read(text, ret, why);
	}
	if (*at == '.') {
		at++;
		digits_read(&at, &ignored);
	}
	return *at ? ago_read(text, ret, why) : epoch_read(text, ret, why);
}

int reading_read(const char *text, struct reading *ret, const char **ret_what, struct skt_err *why)
{
	static const struct {
		const char *word;
		struct reading reading;
	} words[] = {
		{ "first", { .form = SETTLED, .time.kind = SKT_TIME_FIRST } },
		{ "last", { .form = SETTLED, .time.kind = SKT_TIME_LAST } },
		{ "today", { .form = DAYS_AGO, .days = 0 } },
		{ "yesterday", { .form = DAYS_AGO, .days = 1 } },
		{ "now", { .form = AGO, .ns = 0 } },
	};

	*ret_what = "TIME";
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(text, words[i].word)) {
			*ret = words[i].reading;
			return 0;
		}
	}
	memset(ret, 0, sizeof(*ret));
	if (is_digit(*text))
		return digit_first_read(text, ret, ret_what, why);
	if (*text == '+' || *text == '-') {
		*ret_what = "distance in time";
		return distance_read(text, ret, why);
	}
	if (*text == '#') {
		*ret_what = "number of a snapshot";
		return number_read(text + 1, ret, why);
	}
	return BECAUSE(why, "expected first, last, #3, +90s, -90s, 14:03, 2026-11-22T14:03:07Z, 1795356187.5, today, "
			    "yesterday, now or 2h ago");
}
