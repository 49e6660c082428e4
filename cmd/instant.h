/* SPDX-License-Identifier: MIT */
#ifndef INSTANT_H
#define INSTANT_H

#include "recording.h"

#include <skt/capture.h>
#include <skt/record.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One side of a comparison: an instant of a recording, or a tree (or /proc itself) as it is now. Recordings are opened
 * first, for a tree is looked at in the way in which the other side was.
 */
struct instant {
	const char *operand;
	const char *name; /* of the file or tree */
	const char *time; /* the TIME, NULL: none was given */
	bool is_tree;
	bool is_live;	  /* a running kernel's /proc */
	bool is_implicit; /* the first or the last snapshot, and nobody said so */
	bool is_first;	  /* and it is the first */

	const struct skt_snapshot *snapshot;

	/* what is known of where it is from; "" and -1 where that is not */
	const char *host;
	const char *boot_id;
	const char *netns;	  /* "all" or "own" */
	const char *cmdline;	  /* "full", "argv0" or "none" */
	const char *euid;	  /* of who looked */
	const char *capabilities; /* his, in hex */
	int64_t boot_time;
	uint32_t tables; /* 1 << enum skt_table_kind: those looked for */

	struct recording recording;
	struct skt_file *file;
	struct skt_cursor *cursor;
	int tree_fd, passwd_fd;
	struct skt_capture *capture;
	struct skt_snapshot captured;
	char own_euid[16];
	char own_capabilities[32];
};

/* Whether a word names a recording, one at a TIME, or a tree. */
bool instant_is_operand(const char *word);

/* None: it can be released. */
void instant_init(struct instant *instant, const char *operand);

/*
 * Say which one it is. A recording is opened, and a tree is not looked at yet. On failure, too, it is to be released.
 */
int instant_open(const char *operand, struct instant *ret, struct skt_err *err);

/* Whether it is standard input, perhaps at a TIME. */
bool instant_is_input(const char *operand);

/* The recording of the other operand, when it is named once, or when both are standard input: it is read once. */
int instant_open_again(const struct instant *other, const char *operand, struct instant *ret, struct skt_err *err);

/* Read the snapshot: of a recording that in force at its TIME, or the first or the last one. */
int instant_seek(struct instant *instant, bool first, enum skt_zone zone, int64_t now, struct skt_err *err);

/* Take the snapshot of a tree, looking for what the other side (NULL: anything) was looked at for. */
int instant_look(struct instant *instant, const struct instant *other, struct skt_err *err);

void instant_release(struct instant *instant);

#endif
