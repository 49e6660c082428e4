/* SPDX-License-Identifier: MIT */
#include "stretch.h"

#include "cli.h"

#include <errno.h>

/* No day is longer, and none has a time of day further from another of the same. */
#define DAY_MOST (26 * INT64_C(3600) * SKT_NS_PER_S)

/*
 * A time of day that the recording does not have is one just before it or just behind it: the first one that comes
 * after the beginning of what is asked about, where that has been named, else the nearest. false: the recording has it,
 * or there is none.
 */
static bool is_beside(const struct skt_file *file, int64_t ns, enum skt_zone zone, int64_t begins, int64_t *ret)
{
	int64_t before[4], after, first, end, least, most;
	size_t n;

	skt_file_reach(file, &first, &end);
	if (!skt_file_span(file).snapshots || __builtin_sub_overflow(first, DAY_MOST, &least) ||
	    __builtin_add_overflow(end, DAY_MOST, &most) || skt_time_of_day(ns, zone, first, end, &after, 1))
		return false;
	n = skt_time_of_day(ns, zone, least, first, before, 4);
	if (!n || n > 4 || !skt_time_of_day(ns, zone, end, most, &after, 1))
		return false;
	if (begins != INT64_MIN)
		*ret = begins <= before[n - 1] ? before[n - 1] : after;
	else
		*ret = first - before[n - 1] < after - end ? before[n - 1] : after;
	return true;
}

int stretch_time(const struct skt_file *file, const char *text, enum skt_zone zone, int64_t now, int64_t begins,
		 struct skt_time *ret, struct skt_err *err)
{
	struct skt_span span = skt_file_span(file);
	struct skt_time time;
	int64_t when;
	int rc = skt_time_parse(text, zone, now, &time, err);

	if (rc)
		return rc;
	*ret = time;
	if (!span.snapshots)
		return 0;
	if ((time.kind == SKT_TIME_AFTER_FIRST && !__builtin_add_overflow(span.first, time.ns, &when)) ||
	    (time.kind == SKT_TIME_BEFORE_LAST && !__builtin_sub_overflow(span.last, time.ns, &when)) ||
	    (time.kind == SKT_TIME_OF_DAY && is_beside(file, time.ns, zone, begins, &when)))
		*ret = (struct skt_time){ .kind = SKT_TIME_INSTANT, .ns = when };
	return 0;
}

int stretch_is_backwards(struct skt_err *err)
{
	return skt_err_set(err, -EINVAL, "--from is later than --to");
}

int stretch_check(const struct skt_file *file, int64_t from, int64_t to, enum skt_zone zone, struct skt_err *err)
{
	int64_t first, end;
	bool late, early;
	struct skt_buf text;

	if (from > to)
		return stretch_is_backwards(err);
	skt_file_reach(file, &first, &end);
	late = from > end;
	early = to < first;
	if (!skt_file_span(file).snapshots || (!late && !early))
		return 0;
	skt_buf_init(&text);
	skt_buf_text(&text, late ? "--from is " : "--to is ");
	skt_time_format(&text, late ? from : to, zone);
	skt_buf_text(&text, ": the recording goes from ");
	skt_time_format(&text, first, zone);
	skt_buf_text(&text, " to ");
	skt_time_format(&text, end, zone);
	skt_buf_byte(&text, '\0');
	skt_err_set(err, -ERANGE, "%s", text.failed ? "nothing was recorded then" : (char *)text.data);
	skt_buf_release(&text);
	return -ERANGE;
}

void stretch_put(struct skt_buf *line, int64_t after, int64_t until, enum skt_zone zone)
{
	if (after != INT64_MIN) {
		skt_buf_text(line, " from ");
		skt_time_format(line, after, zone);
	}
	if (until != INT64_MAX) {
		skt_buf_text(line, after != INT64_MIN ? " to " : " up to ");
		skt_time_format(line, until, zone);
	} else {
		skt_buf_text(line, " on");
	}
}

void stretch_put_outside(struct skt_buf *line, int64_t after, int64_t until, enum skt_zone zone)
{
	skt_buf_text(line, "nothing was recorded");
	stretch_put(line, after, until, zone);
}

static void tell_outside(const struct skt_file *file, int64_t after, int64_t until, enum skt_zone zone)
{
	struct skt_buf line;

	skt_buf_init(&line);
	stretch_put_outside(&line, after, until, zone);
	skt_buf_byte(&line, '\0');
	cli_say("%s: %s", skt_file_name(file), line.failed ? "out of memory" : (char *)line.data);
	skt_buf_release(&line);
}

void stretch_tell_outside(const struct skt_file *file, int64_t from, int64_t to, enum skt_zone zone)
{
	int64_t first, end;

	skt_file_reach(file, &first, &end);
	if (from != INT64_MIN && from < first)
		tell_outside(file, from, first, zone);
	if (to != INT64_MAX && to > end)
		tell_outside(file, end, to, zone);
}
