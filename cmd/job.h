/* SPDX-License-Identifier: MIT */
#ifndef JOB_H
#define JOB_H

#include "facts.h"
#include "folder.h"
#include "recorder.h"

/*
 * What a thread is to do in the directory of --rotate, and what came of it. While it is at work nobody else looks at
 * this.
 */
struct job {
	struct recorder *recorder;
	struct folder folder;
	struct facts facts;
	bool no_room;
	size_t drops;
	int fd; /* the new file, -1 there is none */
	char name[NAME_MAX + 1];
	char path[sizeof(((struct recorder *)0)->path)];
	int rc;
	struct skt_err err;
};

struct job *job_new(struct recorder *recorder); /* NULL: out of memory */

/* The new file, where there is one, stays. */
void job_free(struct job *job);

/* Where a file of the directory is. */
void job_path(const struct recorder *recorder, const char *name, char *ret, size_t size);

/* A new file that nobody else has: HOST-TIME.skt, or with a number behind it. 0, or why there is none. */
int job_create(struct job *job);

/* Which files of the folder are to go; and facts that say so for the header of the next. */
void job_plan_drops(struct job *job);
void job_add_drops(struct job *job);

/* Which files are not to go, whatever --keep says, for they may be somebody else's; and which have gone. */
void job_tell_unsure(const struct job *job);
void job_tell_dropped(const struct job *job);

/* For a thread, data being the job: what there is, what is to go, and where to go on. */
void *job_prepare(void *data);

/* For a thread: remove what the header of the new file says was dropped, once the disk keeps that. */
void *job_drop(void *data);

#endif
