/* SPDX-License-Identifier: MIT */
#ifndef PROC_WRITE_PROCESS_H
#define PROC_WRITE_PROCESS_H

#include <skt/buf.h>
#include <skt/capture.h>

#include "proc/plan.h"
#include "proc/plant.h"

/* A tree while it is being written. */
struct writing {
	const struct skt_snapshot *snapshot;
	const struct skt_host *host;
	const struct skt_place *place;
	int dir; /* the root */
	struct plan plan;
	struct plant plant;
	struct skt_buf text; /* of one file at a time */
	uint32_t made;	     /* files of net/ that were made up (meta.h) */
};

/* Make a file of the text. 0, or a negative errno with the error filled. */
int writing_text(struct writing *w, int dir, const char *name);

/* ns/net in dir, which leads to this namespace. */
int writing_namespace(struct writing *w, int dir, uint64_t net_namespace);

/* The directories of all processes that have one. */
int write_processes(struct writing *w);

#endif
