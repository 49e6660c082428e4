/* SPDX-License-Identifier: MIT */
#ifndef RENDER_WRAP_H
#define RENDER_WRAP_H

#include <skt/buf.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * A line of parts that may be wider than the terminal: what does not fit stands below, indented, part by part, and a
 * part that is wider than a line of its own is broken at its blanks. The last part may be one that is cut instead, for
 * it tells nothing that must be seen.
 */
struct wrap {
	size_t ends[16]; /* of each part but the last */
	size_t n;
	bool cut; /* the last part */
};

/* The part that was being built ends here. More than there is room for are one. */
void wrap_part(struct wrap *wrap, const struct skt_buf *line);

/*
 * All of it goes out, in lines no wider than `width` (0: one line), each between what turns a colour on and off ("":
 * none).
 */
void wrap_end(const struct wrap *wrap, const struct skt_buf *line, unsigned width, const char *colour,
	      struct skt_buf *out);

#endif
