/* SPDX-License-Identifier: MIT */
#ifndef TREES_H
#define TREES_H

#include <skt/err.h>

#include <stddef.h>
#include <stdint.h>

/* What a recording can hold, skt.5: up to the year 2116, and so far from the time of its snapshot. */
#define TREES_WHEN_MAX ((INT64_C(1) << 62) - 1)

/* A directory of trees, each named for the instant that it shows: sockrec --trees. */
struct trees {
	const char *dir; /* borrowed */
	int fd;
	struct named_tree {
		int64_t when;	  /* ns since 1970 */
		int64_t boottime; /* of one that says itself that it is of that instant; else -1 */
		char *name;
	} * trees; /* in their order */
	size_t n;
};

/*
 * List them. All that is in the directory must be named for an instant: 2026-11-22T14:03:07.5Z (RFC 3339),
 * 20261122T140307Z, or decimal seconds since 1970; no two for the same. -ENOENT where there is none.
 */
int trees_open(const char *dir, struct trees *ret, struct skt_err *err);
void trees_release(struct trees *trees);

/*
 * They are listed by time. But of a clock that was set back while it was recorded the trees tell, if boottime was
 * filled in for all of them: then they are in the order of that.
 */
void trees_order(struct trees *trees);

/* Open one: a descriptor of its directory. Its path is written to ret_path. Links are not followed. */
int trees_tree(const struct trees *trees, size_t i, char *ret_path, size_t size, struct skt_err *err);

#endif
