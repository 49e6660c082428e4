/* SPDX-License-Identifier: MIT */
#ifndef FOLDER_H
#define FOLDER_H

#include <skt/err.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The files of a flight recorder in its directory. */

struct folder_file {
	char name[NAME_MAX + 1];
	uint64_t number;	   /* of the file, from 1 */
	uint64_t snapshots_before; /* in the files before it */
	uint64_t last_number;	   /* of its last snapshot */
	uint64_t snapshots;	   /* that are in it */
	uint64_t bytes;		   /* that it takes on the disk */
	int64_t start;
	int64_t first; /* of its snapshots */
	int64_t last;
	char boot_id[64]; /* "": unknown */
	bool live;	  /* a recorder has it locked */
	bool ended;
	bool empty; /* there is a header, and nothing behind it */
	uint8_t recording_id[16];
	bool facts_damaged;
	bool unsure;  /* for that it may be somebody else's: it is not to be dropped, and counts for no size */
	bool drop;    /* it is to go */
	bool dropped; /* it has gone */
};

struct folder {
	struct folder_file *files; /* by number, then by start */
	size_t n, room;
};

/*
 * The fact by which a file is known to be one of a flight recorder, and not somebody's recording that happens to lie
 * there.
 */
#define FOLDER_FACT "recorder.rotate"

/*
 * Read the headers of all there are, but that of one name. Whatever is no recording of a flight recorder is left out;
 * one that cannot tell, because its facts are damaged, is among them, for whoever reads the directory has it, too.
 */
int folder_read(int dir, const char *but, struct folder *ret, struct skt_err *err);
void folder_release(struct folder *folder);

#endif
