/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ZONEINFO "/usr/share/zoneinfo"

int64_t cli_duration(const char *option, const char *text)
{
	struct skt_err err;
	int64_t ns;

	skt_err_init(&err);
	if (skt_duration_parse(text, &ns, &err))
		cli_usage("%s: %s", option, err.message);
	return ns;
}

uint64_t cli_number(const char *option, const char *text, uint64_t least, uint64_t most)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || number < least || number > most)
		cli_usage("%s: '%s' is no number from %" PRIu64 " to %" PRIu64, option, text, least, most);
	return number;
}

int64_t cli_signed(const char *option, const char *text, int64_t least, int64_t most)
{
	const char *digits = text + (*text == '-');
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (*digits < '0' || *digits > '9' || *end || errno || number < least || number > most)
		cli_usage("%s: '%s' is no number from %" PRId64 " to %" PRId64, option, text, least, most);
	return number;
}

double cli_factor(const char *option, const char *text)
{
	size_t whole = strspn(text, "0123456789"),
	       part = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
	size_t len = part ? whole + 1 + part : whole;
	double factor = whole && !text[len] ? strtod(text, NULL) : 0;

	if (factor < 0.001 || factor > 1e6)
		cli_usage("%s: '%s' is no number from 0.001 to 1000000", option, text);
	return factor;
}

const char *cli_name(const char *option, const char *text, const char *what)
{
	if (!*text)
		cli_usage("%s: '' names no %s", option, what);
	return text;
}

/* Capital letters only: a small m is a minute, where a duration may stand as well. */
uint64_t cli_size(const char *option, const char *text)
{
	static const char units[] = "KMGT";
	unsigned long long number;
	const char *unit;
	unsigned shift = 0;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (text[0] < '0' || text[0] > '9' || *end || errno || number > (uint64_t)INT64_MAX >> shift)
		cli_usage("%s: '%s' is no size such as 64M, 2G, 512K or a number of bytes", option, text);
	return number << shift;
}

uint32_t cli_percent(const char *option, const char *text)
{
	const char *at = text;
	uint32_t millionths = 0, unit = 10000;

	/* three digits, and then what is more than a million is refused */
	for (; *at >= '0' && *at <= '9' && at - text < 3; at++)
		millionths = millionths * 10 + (uint32_t)(*at - '0') * unit;
	if (at > text && *at == '.' && at[1] >= '0' && at[1] <= '9')
		for (at++; *at >= '0' && *at <= '9' && unit > 1; at++)
			millionths += (uint32_t)(*at - '0') * (unit /= 10);
	if (at == text || strcmp(at, "%") != 0 || millionths > 1000000)
		cli_usage("%s: '%s' is no percentage such as 5%% or 0.5%%, of at most 100%%", option, text);
	return millionths;
}

bool cli_is_zone(const char *name)
{
	return !strcmp(name, "UTC") || skt_zone_is(name, ZONEINFO);
}

enum skt_zone cli_zone(const char *name)
{
	if (!strcmp(name, "UTC"))
		return SKT_ZONE_UTC;
	if (!cli_is_zone(name) && access(ZONEINFO, F_OK))
		cli_usage("--tz: '%s': without " ZONEINFO " only UTC and TZ strings such as CET-1CEST are known", name);
	if (!cli_is_zone(name))
		cli_usage(
			"--tz: '%s' is no time zone: neither a name such as Europe/Berlin nor a TZ string such as CET-1CEST",
			name);
	if (setenv("TZ", name, 1)) {
		cli_say("cannot set the time zone: %s", strerror(errno));
		exit(cli_trouble());
	}
	tzset();
	return SKT_ZONE_LOCAL;
}
