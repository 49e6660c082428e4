/* SPDX-License-Identifier: MIT */
#ifndef PROC_PLANT_H
#define PROC_PLANT_H

#include <skt/err.h>

#include <stddef.h>

/*
 * The one place that creates files. A name is a constant or a number, one step below a directory that was made here or
 * is the tree's root; it must not be there yet, and no link in its place is followed. What a recording holds is the
 * content of a file, or what a link says, and is never a path to this program.
 */
struct plant {
	char where[64];	     /* the directory that is being filled, as messages call it: "" or "700/fd/" */
	struct skt_err *err; /* may be NULL */
};

/* Make a directory: a descriptor of it, or a negative errno with err filled. */
int plant_directory(struct plant *plant, int dir, const char *name);

/* Make a file with these bytes, or a link that leads to target. 0, or a negative errno with err filled. */
int plant_file(struct plant *plant, int dir, const char *name, const void *bytes, size_t len);
int plant_link(struct plant *plant, int dir, const char *name, const char *target);

#endif
