/* SPDX-License-Identifier: MIT */
#ifndef WATCH_H
#define WATCH_H

#include "recorder.h"

/* sockrec --watch: the changes of each step on standard output, as they are seen. */

/*
 * Print what is worth it of the step that was just taken. When nobody reads any more, watch.changes.closed is set,
 * which is an end in good order.
 */
int watch_step(struct recorder *recorder, struct skt_err *err);

/* The end of the document. What came of the run until then, and what it becomes. */
int watch_end(struct recorder *recorder, int rc, struct skt_err *err);

#endif
