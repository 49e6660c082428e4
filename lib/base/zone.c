/* SPDX-License-Identifier: MIT */
#include "base/zone.h"

#include "base/duration.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DAY_S INT64_C(86400)

/* tzset(3) takes offsets up to 24:59:59 to either side. */
#define OFFSET_MAX_S (25 * INT64_C(3600))

/*
 * How far apart a zone's offset is looked at to notice that it changes. The shortest time that a zone of tzdata 2026
 * ever kept one is four days (Freetown, 1939).
 */
#define LOOK_S (6 * INT64_C(3600))

int64_t instant_split(int64_t when_ns, int64_t *ret_ns)
{
	int64_t s = when_ns / SKT_NS_PER_S;
	int64_t ns = when_ns % SKT_NS_PER_S;

	if (ns < 0) {
		s--;
		ns += SKT_NS_PER_S;
	}
	*ret_ns = ns;
	return s;
}

bool instant_join(int64_t s, int64_t ns, int64_t *ret_ns)
{
	int64_t whole;

	/* The earliest instant is part of a second whose beginning does not fit. */
	if (s < 0) {
		s++;
		ns -= SKT_NS_PER_S;
	}
	return !__builtin_mul_overflow(s, SKT_NS_PER_S, &whole) && !__builtin_add_overflow(whole, ns, ret_ns);
}

int64_t zone_offset(enum skt_zone zone, int64_t s)
{
	time_t time = (time_t)s;
	struct tm tm;

	return zone == SKT_ZONE_LOCAL && localtime_r(&time, &tm) ? tm.tm_gmtoff : 0;
}

/* The last second, `until` at most, up to which the zone keeps the offset that it has at s. */
static int64_t same_offset(enum skt_zone zone, int64_t s, int64_t until)
{
	int64_t offset = zone_offset(zone, s);

	if (zone == SKT_ZONE_UTC)
		return until;
	while (s < until) {
		int64_t beyond = until - s < LOOK_S ? until : s + LOOK_S;

		if (zone_offset(zone, beyond) == offset) {
			s = beyond;
			continue;
		}
		while (beyond - s > 1) {
			int64_t middle = s + (beyond - s) / 2;

			if (zone_offset(zone, middle) == offset)
				s = middle;
			else
				beyond = middle;
		}
		return s;
	}
	return until;
}

/*
 *   wall          /             wall       /  /
 *    |           / after         |        /  /
 *    |- - - -|  - - skipped      |- - - -/- /- - twice
 *    |       /                   |      /  /
 *    |      / before             |  before  after
 *    +------------- instant      +------------- instant
 *
 * mktime(3) knows only changes between standard and daylight saving time, and picks one meaning without a word. So all
 * offsets that are in force about that time are tried: an instant is a meaning if the offset it needs is in force then.
 */
void zone_meanings(enum skt_zone zone, int64_t wall_s, struct meanings *ret)
{
	int64_t until = wall_s + OFFSET_MAX_S;
	int64_t last;

	memset(ret, 0, sizeof(*ret));
	for (int64_t first = wall_s - OFFSET_MAX_S; first <= until; first = last + 1) {
		int64_t s = wall_s - zone_offset(zone, first);

		last = same_offset(zone, first, until);
		if (s >= first && s <= last) {
			if (ret->count < 2)
				ret->s[ret->count] = s;
			ret->count++;
		} else if (s > last && !ret->count && wall_s - zone_offset(zone, last + 1) <= last) {
			ret->s[0] = wall_s - zone_offset(zone, last + 1);
			ret->s[1] = s;
			ret->resumes = last + 1;
		}
	}
}

size_t skt_time_of_day(int64_t time_of_day_ns, enum skt_zone zone, int64_t first_ns, int64_t last_ns, int64_t *ret,
		       size_t max)
{
	int64_t ns, first_rest, until_rest, last;
	int64_t wall_s = instant_split(time_of_day_ns, &ns);
	int64_t first = instant_split(first_ns, &first_rest);
	int64_t until = instant_split(last_ns, &until_rest);
	size_t n = 0;

	if (wall_s < 0 || wall_s >= DAY_S)
		return 0;
	/* From here on whole seconds: those at which ns more is still within the two ends. */
	first += ns < first_rest;
	until -= ns > until_rest;
	for (; first <= until; first = last + 1) {
		int64_t ahead = (wall_s - first - zone_offset(zone, first)) % DAY_S;

		last = same_offset(zone, first, until);
		for (int64_t s = first + (ahead < 0 ? ahead + DAY_S : ahead); s <= last; s += DAY_S, n++) {
			if (n < max)
				instant_join(s, ns, &ret[n]);
		}
	}
	return n;
}

/* A POSIX TZ string, step by step: each takes what it can from *at, or returns false. */

static bool take_number(const char **at, unsigned low, unsigned high)
{
	uint64_t value;

	return digits_read(at, &value) && value >= low && value <= high;
}

static bool take_char(const char **at, char c)
{
	if (**at != c)
		return false;
	++*at;
	return true;
}

/* "CET", or in angle brackets where it has digits or a sign: "<+0330>". */
static bool take_abbreviation(const char **at)
{
	const char *start = *at + (**at == '<');
	size_t n;

	if (**at != '<') {
		n = strspn(start, LETTERS);
		*at += n;
		return n >= 3;
	}
	n = strspn(start, LETTERS "0123456789+-");
	*at = start + n;
	return n >= 3 && take_char(at, '>');
}

/* [+-]HH[:MM[:SS]]. libc cuts larger hours, minutes and seconds down to the limit without a word. */
static bool take_clock(const char **at, unsigned hour_max)
{
	if (**at == '+' || **at == '-')
		++*at;
	if (!take_number(at, 0, hour_max))
		return false;
	for (int i = 0; i < 2 && **at == ':'; i++) {
		++*at;
		if (!take_number(at, 0, 59))
			return false;
	}
	return true;
}

/* ",M3.5.0/2": month, week and day of the week; or ",J59" or ",59", day of the year without and with the leap day. */
static bool take_rule(const char **at)
{
	if (!take_char(at, ','))
		return false;
	if (take_char(at, 'M')) {
		if (!take_number(at, 1, 12) || !take_char(at, '.') || !take_number(at, 1, 5) || !take_char(at, '.') ||
		    !take_number(at, 0, 6))
			return false;
	} else if (!(take_char(at, 'J') ? take_number(at, 1, 365) : take_number(at, 0, 365))) {
		return false;
	}
	return !take_char(at, '/') || take_clock(at, 167); /* more than 24 hours: RFC 8536, 3.3.1 */
}

static bool is_posix_zone(const char *name)
{
	const char *at = name;

	if (!take_abbreviation(&at) || !take_clock(&at, 24))
		return false;
	if (!*at)
		return true;
	if (!take_abbreviation(&at))
		return false;
	if (*at && *at != ',' && !take_clock(&at, 24))
		return false;
	return !*at || (take_rule(&at) && take_rule(&at) && !*at);
}

/* Relative, and no way up: no part is empty, "." or "..". */
static bool stays_inside(const char *name)
{
	for (;;) {
		size_t n = strcspn(name, "/");

		if (!n || (name[0] == '.' && (n == 1 || (n == 2 && name[1] == '.'))))
			return false;
		if (!name[n])
			return true;
		name += n + 1;
	}
}

/* tzfile(5): the first header has the magic, and at least one type of local time. */
static bool is_zone_file(int fd)
{
	enum { HEADER = 44, TYPES = 36 };
	static const unsigned char none[4];
	unsigned char header[HEADER];
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) && read(fd, header, HEADER) == HEADER &&
	       !memcmp(header, "TZif", 4) && memcmp(header + TYPES, none, sizeof(none));
}

bool skt_zone_is(const char *name, const char *zoneinfo)
{
	int dir, fd;
	bool is = false;

	if (is_posix_zone(name))
		return true;
	if (!zoneinfo || !stays_inside(name))
		return false;
	dir = open(zoneinfo, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return false;
	/* Not to be held up by a fifo that someone left there. */
	fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0) {
		is = is_zone_file(fd);
		close(fd);
	}
	close(dir);
	return is;
}
