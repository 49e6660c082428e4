/* SPDX-License-Identifier: MIT */
#include <skt/time.h>

#include "base/duration.h"
#include "base/when.h"
#include "base/zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S INT64_C(86400)

#define STAMP_SIZE 48

/* fraction is put in as it is: ".5", or "". */
static void stamp(char *ret, int64_t s, const char *fraction, enum skt_zone zone)
{
	/*
	 * RFC 3339 writes offsets in minutes, up to 23:59. Zones had seconds until about 1900, and TZ can be anything:
	 * with another offset close to it, that can be written, the text still means the same instant.
	 */
	int minutes = (int)(zone_offset(zone, s) / 60);
	char offset[16] = "Z";
	struct tm tm;
	time_t wall_s;
	size_t n;

	minutes = minutes < -1439 ? -1439 : minutes > 1439 ? 1439 : minutes;
	if (zone != SKT_ZONE_UTC)
		snprintf(offset, sizeof(offset), "%c%02d:%02d", minutes < 0 ? '-' : '+', abs(minutes) / 60,
			 abs(minutes) % 60);
	wall_s = (time_t)(s + INT64_C(60) * minutes);
	gmtime_r(&wall_s, &tm);
	n = strftime(ret, STAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(ret + n, STAMP_SIZE - n, "%s%s", fraction, offset);
}

void skt_time_format(struct skt_buf *out, int64_t when_ns, enum skt_zone zone)
{
	char fraction[16], text[STAMP_SIZE];
	int64_t ns;
	int64_t s = instant_split(when_ns, &ns);

	snprintf(fraction, sizeof(fraction), ".%09d", (int)ns);
	stamp(text, s, fraction, zone);
	skt_buf_text(out, text);
}

/*
 * The one instant at which the clock showed what was read. Where there is none or more than one, say what may be meant,
 * in a form that can be put in its place.
 */
static int settle_wall(const struct reading *reading, enum skt_zone zone, struct skt_time *ret, const char **ret_what,
		       struct skt_err *why)
{
	char fraction[16] = "", one[STAMP_SIZE], other[STAMP_SIZE];
	struct meanings meanings;

	zone_meanings(zone, reading->wall_s, &meanings);
	if (meanings.count == 1) {
		if (!instant_join(meanings.s[0], reading->ns, &ret->ns))
			return skt_err_set(why, -EINVAL, "it is not in " INSTANT_RANGE);
		return 0;
	}
	if (reading->ns)
		snprintf(fraction, sizeof(fraction), ".%09d", (int)reading->ns);
	stamp(one, meanings.s[0], fraction, zone);
	stamp(other, meanings.s[1], fraction, zone);
	if (!meanings.count)
		return skt_err_set(why, -EINVAL, "the local clock skipped it; %s or %s may be meant", one, other);
	*ret_what = "one instant";
	return skt_err_set(why, -EINVAL, "the local clock showed it at %s and at %s", one, other);
}

/* The first instant of a day, which a clock change may make another than midnight. */
static int settle_day(int64_t wall_s, enum skt_zone zone, struct skt_time *ret, struct skt_err *why)
{
	struct meanings meanings;
	int64_t s;

	zone_meanings(zone, wall_s, &meanings);
	s = meanings.count ? meanings.s[0] : meanings.resumes;
	if (s + zone_offset(zone, s) - wall_s >= DAY_S)
		return skt_err_set(why, -EINVAL, "the local clock skipped the whole day");
	if (!instant_join(s, 0, &ret->ns))
		return skt_err_set(why, -EINVAL, "its beginning is not in " INSTANT_RANGE);
	return 0;
}

static int settle_days_ago(int days, enum skt_zone zone, int64_t now_ns, struct skt_time *ret, struct skt_err *why)
{
	int64_t ignored;
	int64_t now_s = instant_split(now_ns, &ignored);
	int64_t wall_s = now_s + zone_offset(zone, now_s);
	int64_t since_midnight = (wall_s % DAY_S + DAY_S) % DAY_S;

	return settle_day(wall_s - since_midnight - days * DAY_S, zone, ret, why);
}

int skt_time_parse(const char *text, enum skt_zone zone, int64_t now_ns, struct skt_time *ret, struct skt_err *err)
{
	struct skt_time settled = { .kind = SKT_TIME_INSTANT };
	struct reading reading;
	struct skt_err why;
	const char *what;
	int rc;

	rc = reading_read(text, &reading, &what, &why);
	if (rc)
		return refuse(err, text, what, &why);
	what = "instant";
	switch (reading.form) {
	case SETTLED:
		settled = reading.time;
		break;
	case WALL:
		rc = settle_wall(&reading, zone, &settled, &what, &why);
		break;
	case DAY:
		rc = settle_day(reading.wall_s, zone, &settled, &why);
		break;
	case DAYS_AGO:
		rc = settle_days_ago(reading.days, zone, now_ns, &settled, &why);
		break;
	case AGO:
		if (__builtin_sub_overflow(now_ns, reading.ns, &settled.ns))
			rc = skt_err_set(&why, -EINVAL, "it is not in " INSTANT_RANGE);
		break;
	}
	if (rc)
		return refuse(err, text, what, &why);
	*ret = settled;
	return 0;
}

bool skt_time_is(const char *text)
{
	struct reading reading;
	struct skt_err why;
	const char *what;

	return !reading_read(text, &reading, &what, &why);
}
