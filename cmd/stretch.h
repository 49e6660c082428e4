/* SPDX-License-Identifier: MIT */
#ifndef STRETCH_H
#define STRETCH_H

#include <skt/record.h>
#include <skt/time.h>

#include <stdbool.h>
#include <stdint.h>

/* What --from and --to mean, whichever tool has them: INT64_MIN and INT64_MAX where they are not given. */

/*
 * Read a TIME that begins or ends a stretch. It need not be in the recording: +90s, -90s and a time of day that the
 * recording does not have become an instant beside it. Such a time of day is the first one that comes after `begins`,
 * or where that is INT64_MIN the nearest. What is left as it was given (first, last, #N, a time of day) is looked up
 * with skt_cursor_seek(). 0 or a negative errno.
 */
int stretch_time(const struct skt_file *file, const char *text, enum skt_zone zone, int64_t now, int64_t begins,
		 struct skt_time *ret, struct skt_err *err);

/*
 * A stretch that the recording has nothing of, or that ends before it begins, is asked about by mistake: negative, with
 * what is wrong.
 */
int stretch_check(const struct skt_file *file, int64_t from, int64_t to, enum skt_zone zone, struct skt_err *err);
int stretch_is_backwards(struct skt_err *err);

/* " from ... to ...", " up to ..." where there is no beginning, and " from ... on". */
void stretch_put(struct skt_buf *line, int64_t after, int64_t until, enum skt_zone zone);

/* Of what is asked about and lies outside the recording. */
void stretch_put_outside(struct skt_buf *line, int64_t after, int64_t until, enum skt_zone zone);

/* The same on stderr, a line for what lies before the recording and one for what lies behind. */
void stretch_tell_outside(const struct skt_file *file, int64_t from, int64_t to, enum skt_zone zone);

#endif
