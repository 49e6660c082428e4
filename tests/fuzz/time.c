/* SPDX-License-Identifier: MIT */
/* A line that may be a time zone, and a text that may be a TIME or a duration; without a line feed, only the text. */
#include "taken.h"

#include <skt/time.h>

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOW	 (INT64_C(1795356187) * SKT_NS_PER_S)
#define DAY_NS	 (INT64_C(86400) * SKT_NS_PER_S)
#define ZONE_MAX 120

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		__builtin_trap();
}

/*
 * libc keeps every abbreviation that it ever saw, in a list that it searches from the start. So that there are few of
 * them, they are made of X here, which changes nothing about what is a zone.
 */
static void set_zone(const char *name)
{
	static char env[3 + ZONE_MAX + 1] = "TZ=";
	char *zone = env + 3;
	bool quoted = false, is = skt_zone_is(name, NULL);

	for (; *name && *name != ','; name++, zone++) {
		quoted = *name == '<' || (quoted && *name != '>');
		*zone = isalpha((unsigned char)*name) || (quoted && *name != '<') ? 'X' : *name;
	}
	strcpy(zone, name);
	if (!is)
		strcpy(env + 3, "CET-1CEST,M3.5.0,M10.5.0/3");
	putenv(env);
	tzset();
	if (is)
		check(skt_zone_is(env + 3, NULL) && strspn(tzname[0], "X") >= 3);
}

static void check_duration(const char *text)
{
	struct skt_err err;
	struct skt_buf out;
	int64_t ns, again;
	int rc = skt_duration_parse(text, &ns, &err);

	check(rc == 0 || (rc == -EINVAL && err.code == rc && err.message[0]));
	if (rc)
		return;
	check(ns >= 0);
	skt_buf_init(&out);
	skt_duration_format(&out, ns);
	skt_buf_byte(&out, '\0');
	check(!skt_duration_parse((char *)out.data, &again, NULL) && again == ns);
	skt_buf_release(&out);
}

/* What was written reads the same, in whichever zone it was written. */
static void check_instant(int64_t when_ns, enum skt_zone zone)
{
	struct skt_time time;
	struct skt_buf out;

	skt_buf_init(&out);
	skt_time_format(&out, when_ns, zone);
	skt_buf_byte(&out, '\0');
	check(skt_time_is((char *)out.data));
	check(!skt_time_parse((char *)out.data, SKT_ZONE_UTC, 0, &time, NULL));
	check(time.kind == SKT_TIME_INSTANT && time.ns == when_ns);
	skt_buf_release(&out);
}

static void check_time_of_day(int64_t time_of_day_ns, enum skt_zone zone)
{
	int64_t found[8];
	size_t n;

	check(time_of_day_ns >= 0 && time_of_day_ns < DAY_NS);
	n = skt_time_of_day(time_of_day_ns, zone, NOW - DAY_NS, NOW + DAY_NS - 1, found, 8);
	check(zone == SKT_ZONE_UTC ? n == 2 : n <= 8);
	for (size_t i = 0; i < n; i++) {
		check(found[i] >= NOW - DAY_NS && found[i] < NOW + DAY_NS);
		check(!i || found[i] > found[i - 1]);
		if (zone == SKT_ZONE_UTC)
			check(found[i] % DAY_NS == time_of_day_ns);
	}
}

static void check_time(const char *text, enum skt_zone zone)
{
	struct skt_time time = { .ns = -1 };
	struct skt_err err;
	int rc = skt_time_parse(text, zone, NOW, &time, &err);

	check(rc == 0 || (rc == -EINVAL && err.code == rc && err.message[0] == '\''));
	if (rc)
		return;
	taken();
	check(skt_time_is(text));
	switch (time.kind) {
	case SKT_TIME_NUMBER:
		check(time.number > 0);
		break;
	case SKT_TIME_AFTER_FIRST:
	case SKT_TIME_BEFORE_LAST:
		check(time.ns >= 0);
		check_duration(text + 1);
		break;
	case SKT_TIME_OF_DAY:
		check_time_of_day(time.ns, zone);
		break;
	case SKT_TIME_INSTANT:
		check_instant(time.ns, zone);
		break;
	default:
		check(!strcmp(text, "first") || !strcmp(text, "last"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *input = malloc(size + 1);
	char *text = input, *line;

	if (!input)
		return 0;
	if (size)
		memcpy(input, data, size);
	input[size] = '\0';
	line = strchr(input, '\n');
	if (line) {
		*line = '\0';
		text = line + 1;
	}
	set_zone(line && line - input <= ZONE_MAX ? input : "");
	check_duration(text);
	check_time(text, SKT_ZONE_UTC);
	check_time(text, SKT_ZONE_LOCAL);
	free(input);
	return 0;
}
