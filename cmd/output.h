/* SPDX-License-Identifier: MIT */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "recorder.h"

/* Where the recording goes: the file, its header, and what happens when it cannot be written. */

/* Create the file, or take standard output, and give it its name for messages. */
int output_open(struct recorder *recorder, struct skt_err *err);

/*
 * Whether the recording is to end here, before more is written: it has its --max-size, or there is less room on its
 * filesystem than --min-free leaves to others, which is trouble. Said on stderr.
 */
bool output_is_full(struct recorder *recorder, int64_t now);

/* Write the header. */
int output_begin(struct recorder *recorder, struct skt_err *err);

/* Write the snapshot in force and the step that led to it. */
int output_add(struct recorder *recorder, struct skt_err *err);

/*
 * Whatever ended the recording (rc, told here unless its reader went away), what was seen until then is written, and the end;
 * and what came of it is said. Returns rc, or what went wrong now.
 */
int output_end(struct recorder *recorder, int rc, struct skt_err *err);

#endif
