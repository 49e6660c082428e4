/* SPDX-License-Identifier: MIT */
#ifndef DIFFING_H
#define DIFFING_H

#include "comparable.h"
#include "instant.h"

#include <skt/diff.h>
#include <skt/filter.h>
#include <skt/render.h>

/* One run of sockdiff: what it was asked, the two sides, and what was found. */
struct diffing {
	struct skt_render render;
	const char *zone;
	bool between, all, force, quiet;
	bool time_wait;	      /* is compared as any other state */
	const char *count_by; /* as given, NULL without */
	struct skt_view by;   /* its fields */
	int64_t now;
	struct instant before, after;
	struct skt_filter *filter; /* NULL: everything */
	struct comparison comparison;
	struct skt_diff_sides sides;
	struct skt_diff diff;
	struct skt_between *passing;
	struct skt_difference *shown; /* those that the filter lets through */
	size_t n_shown;
	size_t same;			  /* sockets that do not differ */
	size_t unknown;			  /* differences of which the filter cannot say */
	size_t counts[2][SKT_DIFF_KINDS]; /* of those shown: loud, quiet */
	struct skt_buf out;
};

/* The seed of hashes. */
uint64_t diffing_seed(void);

/* What differs between the two sides, and what more speaks against comparing them. 0 or a negative errno. */
int diffing_find(struct diffing *diffing, struct skt_err *err);

/* Of that what is meant. 0 or -ENOMEM. */
int diffing_choose(struct diffing *diffing, struct skt_err *err);

/* Print it: the exit status, or a negative errno. */
int diffing_show(struct diffing *diffing, struct skt_err *err);

/* Why they are not compared, on stderr. */
void diffing_print_reasons(const struct diffing *diffing);

#endif
