/* SPDX-License-Identifier: MIT */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "facts.h"
#include "recorder.h"

/* Where the recording goes: the file, its header, and what happens when it cannot be written. */

/* Create the file, or take standard output, and give it its name for messages. */
int output_open(struct recorder *recorder, struct skt_err *err);

/*
 * Whether the recording is to end here, before more is written: it has its --max-size, or there is less room on its
 * filesystem than --min-free leaves to others, which is trouble. Said on stderr.
 */
bool output_is_full(struct recorder *recorder, int64_t now);

/*
 * How many bytes of room are missing, of those that --min-free leaves to others; and what there is to say of it, if any
 * are.
 */
uint64_t output_needs(const struct recorder *recorder);
int output_no_room(const struct recorder *recorder, struct skt_err *err);

/* What a file made now is called, but for its end: HOST-20261122T140300Z. */
void output_name(const struct recorder *recorder, char *ret, size_t size);

/* What stands in the header of a file that begins now, and its facts. */
void output_header(const struct recorder *recorder, struct skt_header *ret);
void output_facts(const struct recorder *recorder, struct facts *facts);

/* Write the header. */
int output_begin(struct recorder *recorder, struct skt_err *err);

/* Write the snapshot in force and the step that led to it. */
int output_add(struct recorder *recorder, struct skt_err *err);

/* Tell what came of writing, once: rc, if there is no going on, or 0. */
int output_failed(struct recorder *recorder, int rc, const struct skt_err *err);

/* What a signal says: false, to end. SIGUSR1 is a mark, SIGHUP of a flight recorder another file. */
bool output_signal(struct recorder *recorder, int signal);

/* Nothing comes before this instant: write what a kill until then should not cost. */
int output_wait(struct recorder *recorder, int64_t boottime, struct skt_err *err);

/*
 * Whatever ended the recording (rc, told here unless its reader went away), what was seen until then is written, and
 * the end; and what came of it is said. Returns rc, or what went wrong now.
 */
int output_end(struct recorder *recorder, int rc, struct skt_err *err);

#endif
