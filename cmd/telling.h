/* SPDX-License-Identifier: MIT */
#ifndef TELLING_H
#define TELLING_H

#include "recorder.h"

/* What sockrec says on standard error. */

/* What is wrong with the tree, each thing once; a recording made of such a tree is trouble at the end. */
void tell_problems(struct recorder *recorder);

/* Once: whose holders cannot be told, and why. */
void tell_denied(const struct recorder *recorder);

/* Once, after the first snapshot: that nobody tells of sockets that go, or not everywhere. */
void tell_deaf(const struct recorder *recorder);

/* Once: that something of it was lost. */
void tell_events(struct recorder *recorder);

/* What was found that a healthy host seldom shows, each thing once. It is no trouble. */
void tell_findings(struct recorder *recorder);

/* Once: that --max-cpu makes it skip ticks. */
void tell_spending(struct recorder *recorder);

/* Once: that the disk may lose what it has taken. */
void tell_unsynced(struct recorder *recorder);

/* On a terminal, a few times a second: what has been recorded so far. */
void tell_status(struct recorder *recorder, int64_t now);

/* The last line: what was recorded, and the values that prove it later. */
void tell_end(struct recorder *recorder);

#endif
