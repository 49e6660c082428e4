/* SPDX-License-Identifier: MIT */
#include "base/duration.h"

#include <skt/time.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define MINUTE_NS (UINT64_C(60) * SKT_NS_PER_S)
#define HOUR_NS	  (60 * MINUTE_NS)
#define DAY_NS	  (24 * HOUR_NS)

/* A hundred Julian years: more is a slip of the finger, and no sum of two such components can wrap. */
#define LIMIT_NS   (36525 * DAY_NS)
#define LIMIT_TEXT "100 years (36525d)"

static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "ns", 1 },	    { "us", 1000 },   { "ms", SKT_NS_PER_MS }, { "s", SKT_NS_PER_S },
	{ "m", MINUTE_NS }, { "h", HOUR_NS }, { "d", DAY_NS },	       { "w", 7 * DAY_NS },
};

#define UNITS	   (sizeof(units) / sizeof(units[0]))
#define UNIT_NAMES "ns, us, ms, s, m, h, d or w"

bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int refuse(struct skt_err *err, const char *text, const char *what, const struct skt_err *why)
{
	return skt_err_set(err, -EINVAL, "'%.*s%s' is no %s: %s", QUOTED_WHOLE(text), what, why->message);
}

size_t digits_read(const char **at, uint64_t *ret)
{
	const char *start = *at;
	uint64_t value = 0;

	for (; is_digit(**at); ++*at) {
		unsigned digit = (unsigned)(**at - '0');

		value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
	}
	*ret = value;
	return (size_t)(*at - start);
}

int fraction_read(const char **at, struct fraction *ret, struct skt_err *why)
{
	uint64_t ignored;

	ret->digits = *at;
	ret->n = 0;
	if (**at != '.')
		return 0;
	ret->digits = ++*at;
	ret->n = digits_read(at, &ignored);
	return ret->n ? 0 : BECAUSE(why, "no digit follows the point");
}

/*
 * From the last digit to the first, dividing by ten at each. What a step yields is ten times what the next one yields
 * less a whole number; so the end is whole only if every step is, and nothing is rounded however many digits there are.
 */
int fraction_ns(const struct fraction *fraction, uint64_t unit_ns, uint64_t *ret_ns, struct skt_err *why)
{
	uint64_t ns = 0;

	for (size_t i = fraction->n; i--;) {
		ns += (uint64_t)(fraction->digits[i] - '0') * unit_ns;
		if (ns % 10)
			return BECAUSE(why, "'.%.*s%s' is not in whole nanoseconds",
				       QUOTED(fraction->digits, fraction->n));
		ns /= 10;
	}
	*ret_ns = ns;
	return 0;
}

/* The unit at *at, which stands behind number; NULL, and why, where there is none. */
static const struct unit *unit_read(const char **at, const char *number, struct skt_err *why)
{
	const char *name = *at;
	size_t len = strspn(name, LETTERS);

	for (size_t i = 0; i < UNITS; i++) {
		if (strlen(units[i].name) == len && !memcmp(units[i].name, name, len)) {
			*at += len;
			return &units[i];
		}
	}
	if (len)
		skt_err_set(why, -EINVAL, "unit '%.*s%s' is not one of " UNIT_NAMES, QUOTED(name, len));
	else
		skt_err_set(why, -EINVAL, "'%.*s%s' has no unit (" UNIT_NAMES ")",
			    QUOTED(number, (size_t)(name - number)));
	return NULL;
}

static bool is_bare_zero(const char *at, uint64_t whole, const struct fraction *fraction)
{
	return !whole && strspn(fraction->digits, "0") >= fraction->n && (!*at || *at == ' ');
}

/* A number and a unit, which must be under the unit before (NULL: the first). *ret_unit is NULL for a bare zero. */
static int component_read(const char **at, const struct unit *before, const struct unit **ret_unit, uint64_t *ret_ns,
			  struct skt_err *why)
{
	const char *number = *at;
	const struct unit *unit;
	struct fraction fraction;
	uint64_t whole, part;

	if (!digits_read(at, &whole))
		return BECAUSE(why, "it must begin with a number, as 90s does");
	if (fraction_read(at, &fraction, why))
		return -EINVAL;
	*ret_unit = NULL;
	*ret_ns = 0;
	if (!before && is_bare_zero(*at, whole, &fraction))
		return 0;
	unit = unit_read(at, number, why);
	if (!unit || fraction_ns(&fraction, unit->ns, &part, why))
		return -EINVAL;
	if (before && unit >= before)
		return BECAUSE(why, "unit '%s' after '%s': the next must be smaller", unit->name, before->name);
	if (whole > LIMIT_NS / unit->ns)
		return BECAUSE(why, "'%.*s%s' is more than " LIMIT_TEXT, QUOTED(number, (size_t)(*at - number)));
	*ret_unit = unit;
	*ret_ns = whole * unit->ns + part;
	return 0;
}

int duration_read(const char **at, int64_t *ret_ns, struct skt_err *why)
{
	const struct unit *unit = NULL;
	uint64_t total = 0;

	for (;;) {
		uint64_t ns;

		if (component_read(at, unit, &unit, &ns, why))
			return -EINVAL;
		total += ns;
		if (total > LIMIT_NS)
			return BECAUSE(why, "it is more than " LIMIT_TEXT);
		if (unit && **at == ' ' && is_digit((*at)[1]))
			++*at;
		else if (!unit || !is_digit(**at))
			break;
	}
	*ret_ns = (int64_t)total;
	return 0;
}

int skt_duration_parse(const char *text, int64_t *ret_ns, struct skt_err *err)
{
	const char *at = text;
	struct skt_err why;
	int64_t ns;

	if (duration_read(&at, &ns, &why))
		return refuse(err, text, "duration", &why);
	if (*at) {
		skt_err_set(&why, -EINVAL, "'%.*s%s' follows its end", QUOTED_WHOLE(at));
		return refuse(err, text, "duration", &why);
	}
	*ret_ns = ns;
	return 0;
}

/* ns in a unit that is a power of ten. */
static void add_decimal(struct skt_buf *out, uint64_t ns, const struct unit *unit)
{
	uint64_t rest = ns % unit->ns;

	skt_buf_printf(out, "%" PRIu64, ns / unit->ns);
	if (rest)
		skt_buf_byte(out, '.');
	for (; rest; rest %= unit->ns) {
		rest *= 10;
		skt_buf_byte(out, (unsigned char)('0' + rest / unit->ns));
	}
	skt_buf_text(out, unit->name);
}

/* Take as many of a unit as there are, and write them unless there are none. */
static uint64_t take(struct skt_buf *out, uint64_t ns, const struct unit *unit)
{
	if (ns >= unit->ns)
		skt_buf_printf(out, "%" PRIu64 "%s", ns / unit->ns, unit->name);
	return ns % unit->ns;
}

void skt_duration_format(struct skt_buf *out, int64_t duration_ns)
{
	enum { SECOND = 3, MINUTE, HOUR, DAY }; /* in units */
	uint64_t ns = duration_ns < 0 ? 0 - (uint64_t)duration_ns : (uint64_t)duration_ns;
	size_t unit = SECOND;

	if (duration_ns < 0)
		skt_buf_byte(out, '-');
	/* Below two minutes people say 90s, not 1m30s. */
	if (ns >= 2 * MINUTE_NS || ns == MINUTE_NS) {
		ns = take(out, ns, &units[DAY]);
		ns = take(out, ns, &units[HOUR]);
		ns = take(out, ns, &units[MINUTE]);
		if (!ns)
			return;
	}
	while (ns && ns < units[unit].ns)
		unit--;
	add_decimal(out, ns, &units[unit]);
}
