/* SPDX-License-Identifier: MIT */
#ifndef DIFF_COUNTS_H
#define DIFF_COUNTS_H

#include <skt/diff.h>
#include <skt/filter.h>
#include <skt/render.h>
#include <skt/shape.h>

/* sockdiff --count-by: how many sockets of each kind there were before, and are after, of those that were compared. */
struct diff_counts {
	const struct skt_diff *diff;
	const struct skt_diff_sides *sides;
	const struct skt_filter *filter; /* NULL: all */
	struct skt_view by;
	bool all; /* also of those kinds of which there are as many */
	uint64_t seed;
};

/* What a list of fields names, or a message and exit 2. */
void diff_counts_parse(const char *list, struct skt_view *ret);

/* Append the rows. 0 or a negative errno. */
int diff_counts_show(const struct diff_counts *asked, struct skt_render *render, struct skt_buf *out,
		     struct skt_err *err);

#endif
