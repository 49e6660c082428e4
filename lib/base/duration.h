/* SPDX-License-Identifier: MIT */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include <skt/err.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Durations of <skt/time.h>, and what reading a TIME shares with them. A *_read() takes what it can from *at, a
 * NUL-terminated text, and leaves *at behind it; where it returns -EINVAL, why has the reason, and the caller says
 * with refuse() which text was wrong.
 */

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool is_digit(char c);

/* A run of decimal digits, maybe empty, of which the length is returned; the value is UINT64_MAX where it is more. */
size_t digits_read(const char **at, uint64_t *ret);

/* What stands behind a point, borrowed from the text; n is 0 where there was no point. */
struct fraction {
	const char *digits;
	size_t n;
};

int fraction_read(const char **at, struct fraction *ret, struct skt_err *why);

/* That part of unit_ns; -EINVAL unless it is a whole number of nanoseconds. */
int fraction_ns(const struct fraction *fraction, uint64_t unit_ns, uint64_t *ret_ns, struct skt_err *why);

int duration_read(const char **at, int64_t *ret_ns, struct skt_err *why);

/* Give the reason and fail. The compiler has to see that this is never 0, or it takes results for unset. */
#define BECAUSE(why, ...) (skt_err_set(why, -EINVAL, __VA_ARGS__), -EINVAL)

/* "'TEXT' is no WHAT: WHY"; returns -EINVAL. */
int refuse(struct skt_err *err, const char *text, const char *what, const struct skt_err *why);

/* For "'%.*s%s'": n bytes of a text, or all, or its beginning and an ellipsis, since it may be megabytes long. */
#define QUOTED_MAX	   80
#define QUOTED(text, n)	   (n) > QUOTED_MAX ? QUOTED_MAX : (int)(n), (text), (n) > QUOTED_MAX ? "..." : ""
#define QUOTED_WHOLE(text) QUOTED(text, strnlen(text, QUOTED_MAX + 1))

#endif
