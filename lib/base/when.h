/* SPDX-License-Identifier: MIT */
#ifndef BASE_WHEN_H
#define BASE_WHEN_H

#include <skt/time.h>

#include <stdint.h>

/* A TIME as far as its text alone tells; <skt/time.h> has the grammar. */
struct reading {
	enum { SETTLED, WALL, DAY, DAYS_AGO, AGO } form;
	struct skt_time time; /* SETTLED */
	int64_t wall_s;	      /* WALL, DAY: what the clock on the wall shows, see base/zone.h */
	int64_t ns;	      /* WALL: the rest of its second; AGO: the duration */
	int days;	      /* DAYS_AGO */
};

/* 0, or -EINVAL: then text "is no *ret_what", and why says why. */
int reading_read(const char *text, struct reading *ret, const char **ret_what, struct skt_err *why);

#endif
