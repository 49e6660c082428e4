/* SPDX-License-Identifier: MIT */
#ifndef SINK_H
#define SINK_H

#include <skt/err.h>

#include <stdbool.h>

/*
 * A file that is there when it is complete, and not before: it has no name until then, so nothing is left of one that
 * was interrupted, however that was. Where the filesystem cannot do that, it has its name from the beginning, and is
 * removed when it is dropped or the program is told to end.
 */
struct sink {
	const char *path; /* borrowed; for messages "standard output" */
	int fd;		  /* -1: none */
	bool named;	  /* it has its name already, or needs none */
};

/*
 * Begin a file of this name, which must not be there yet, with mode 0600; `-` is standard output, unless that is a
 * terminal.
 */
int sink_open(struct sink *sink, const char *path, struct skt_err *err);

/* It is complete: it stands on the disk, and has its name. 0 or a negative errno, and then it is to be dropped. */
int sink_keep(struct sink *sink, struct skt_err *err);

/* Whatever is there and was not kept, is gone. */
void sink_drop(struct sink *sink);

#endif
