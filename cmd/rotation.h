/* SPDX-License-Identifier: MIT */
#ifndef ROTATION_H
#define ROTATION_H

#include <skt/err.h>
#include <skt/record.h>

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A flight recorder (--rotate): a directory of files, each of which says which one was before it; the oldest are
 * dropped.
 *
 *	idle ---> preparing ---> going ---> dropping ---> idle
 *	  due: a thread looks     the writer   a thread removes
 *	  through the directory   ends one     what the header of
 *	  and makes a file        file and     the new file says
 *	                          begins the   was dropped
 *	                          next
 *
 * A directory may be as slow as a disk, so what is done in it is done by a thread, and snapshots are taken meanwhile.
 * What is dropped stands in the next file before it is: nothing goes unrecorded, though a crash may leave what was to
 * go.
 */

struct recorder;
struct job;

struct rotation {
	/* what was asked for */
	const char *rotate; /* NULL: a single file */
	const char *keep;
	uint64_t size; /* of --rotate; 0: by age */
	int64_t age;
	uint64_t keep_size;
	int64_t keep_age;

	/* at work */
	int dir;
	char name[NAME_MAX + 1]; /* of the file being written */
	uint64_t number;
	int64_t begun;	   /* CLOCK_BOOTTIME */
	int64_t not_until; /* the same: after a failure */
	bool asked;	   /* by SIGHUP */
	bool again;	   /* was asked, and has not come to a new file yet */
	bool no_room;	   /* on the disk, as --min-free has it */
	bool none_left;	   /* and nothing to be dropped */
	bool failed;	   /* and was told */
	enum { ROTATION_IDLE, ROTATION_PREPARING, ROTATION_GOING, ROTATION_DROPPING } stage;
	pthread_t thread;
	struct job *job;
};

/* Read the argument of --rotate or --keep: one of the two is set. */
void rotation_read(const char *option, const char *argument, uint64_t *ret_size, int64_t *ret_age);

/*
 * Open the directory (made where it is not there) and make the first file: recorder->out and path. -EBUSY: another
 * recorder is at work in it. The header's number, snapshots and chain value before are filled in.
 */
int rotation_open(struct recorder *recorder, struct skt_header *header, struct skt_err *err);

/* Begin the recording in that file, with this header, to which facts are added. */
int rotation_begin(struct recorder *recorder, struct skt_header *header, struct skt_err *err);

/* Before a snapshot is added, which may be the first of the next file; and after. */
void rotation_before(struct recorder *recorder);
void rotation_after(struct recorder *recorder);

/* There is too little room on the disk: drop the oldest files. False: there are none left. */
bool rotation_make_room(struct recorder *recorder);

/* The recording has ended: finish what was begun. */
void rotation_end(struct recorder *recorder);

void rotation_release(struct rotation *rotation);

#endif
