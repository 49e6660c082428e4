/* SPDX-License-Identifier: MIT */
#ifndef SKT_TIME_H
#define SKT_TIME_H

#include <skt/buf.h>
#include <skt/err.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Time as people write it. Inside the library an instant is int64_t nanoseconds since 1970-01-01 UTC
 * and a duration int64_t nanoseconds; there is no second unit. Nothing here reads a clock: whoever
 * needs "now" passes it.
 */

#define SKT_NS_PER_S  INT64_C(1000000000)
#define SKT_NS_PER_MS INT64_C(1000000)

/* Which zone instants are read and written in. Local is the process's own (TZ, tzset(3)), which the program sets. */
enum skt_zone { SKT_ZONE_UTC, SKT_ZONE_LOCAL };

/*
 * "2026-11-22T14:03:07.123456789Z", or with the offset (+01:00) that the zone had at that instant (RFC 3339). Always
 * nine digits, so that columns align; the whole range of int64_t can be written, and skt_time_parse() reads it back.
 * An offset that RFC 3339 cannot write (local mean time, +00:53:28) is cut to minutes, the instant staying the same.
 */
void skt_time_format(struct skt_buf *out, int64_t when_ns, enum skt_zone zone);

/*
 * "90s", "1.5s", "200ms", "2h30m", as a person writes it, and exact: below a second in the largest unit that fits,
 * below two minutes in seconds (but "1m"), above that in days, hours, minutes and what is left, zeros left out.
 * skt_duration_parse() reads it back, unless it is negative ("-1.5s") or over 100 years.
 */
void skt_duration_format(struct skt_buf *out, int64_t duration_ns);

/*
 * A duration: a decimal number and a unit (ns us ms s m h d w), or several in falling order, one blank between them
 * or none ("2h30m", "1d 2h"). A lone zero needs no unit, any other number does. Negative or over 100 years (36525d)
 * is refused (-EINVAL). Fractions are exact: what is no whole number of nanoseconds is refused, not rounded.
 */
int skt_duration_parse(const char *text, int64_t *ret_ns, struct skt_err *err);

/*
 * A TIME, the one grammar of all tools:
 *
 *   first  last          the first and the last snapshot
 *   #N                   the Nth snapshot, from 1
 *   +DUR  -DUR           so long after the first, before the last
 *   14:03[:07[.5]]       the only such instant in the recording
 *   2026-11-22T14:03[:07[.5]][Z|+01:00]     RFC 3339; 't' or a blank for T, 'z' for Z; without zone: the
 *   2026-11-22 14:03                        one asked for; there are no leap seconds (:60)
 *   2026-11-22           the first instant of that day, in the zone asked for
 *   1795356187[.5]       seconds since 1970 (at least nine digits before the point)
 *   today  yesterday     the first instant of that day, in the zone asked for
 *   DUR ago              so long before now ("2h ago"), and `now` itself
 *
 * Numbers have exactly the digits shown, fractions up to nine that are not zero at the end. The first instant of a day
 * is midnight, unless a clock change skips it (then the end of the gap) or shows it twice (then the first).
 */
enum skt_time_kind {
	SKT_TIME_FIRST,
	SKT_TIME_LAST,
	SKT_TIME_NUMBER,      /* number */
	SKT_TIME_AFTER_FIRST, /* ns: duration */
	SKT_TIME_BEFORE_LAST, /* ns: duration */
	SKT_TIME_OF_DAY,      /* ns: since midnight by the clock on the wall */
	SKT_TIME_INSTANT,     /* ns: since 1970 UTC */
};

struct skt_time {
	enum skt_time_kind kind;
	uint64_t number;
	int64_t ns;
};

/*
 * Read a TIME. zone is for forms without an offset; now_ns for today, yesterday, now and ago. -EINVAL, with what was
 * expected, if it is not a TIME; or if it is one, but an instant that int64_t cannot hold, or a local time that the
 * zone skips or has twice (a clock change): then the message has the two instants that may be meant.
 */
int skt_time_parse(const char *text, enum skt_zone zone, int64_t now_ns, struct skt_time *ret, struct skt_err *err);

/*
 * Is this a TIME at all, as far as its text tells? The rule by which REC@TIME is split. skt_time_parse() may still
 * refuse it for what only the zone and the present can tell; what it takes is a TIME.
 */
bool skt_time_is(const char *text);

/*
 * The instants between first_ns and last_ns (both included) at which the clock on the wall shows
 * time_of_day_ns, in order: at most max are written to ret, and the number that exist is returned. A
 * clock change can make a day have none or two.
 */
size_t skt_time_of_day(int64_t time_of_day_ns, enum skt_zone zone, int64_t first_ns, int64_t last_ns, int64_t *ret,
		       size_t max);

/*
 * Is this the name of a time zone: a file in the zoneinfo directory (tzfile(5); NULL where there is no such directory),
 * or a POSIX TZ string (tzset(3)) such as "CET-1CEST,M3.5.0,M10.5.0/3"? A zone that tzset() would silently take for
 * UTC, or read otherwise than it is written, is refused; and so is a name that leaves the directory, for it may come
 * from a recording.
 */
bool skt_zone_is(const char *name, const char *zoneinfo);

#endif
