/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_TREES_H
#define RECORDER_TREES_H

#include "recorder.h"

/* sockrec --trees: trees in place of looks at a host, one after the other. */

/* Look at all of them, and make the first the one that is captured. */
int recorder_trees_open(struct recorder *recorder, struct skt_err *err);

/* Make a tree the one that is captured, and its time the clock's. */
int recorder_trees_turn(struct recorder *recorder, size_t i, struct skt_err *err);

/*
 * What was just captured of the tree is what comes next: it is moved to the time that the tree is named for, and the
 * gap and the marks that were before it are told; behind a gap nothing is in force.
 */
int recorder_trees_before(struct recorder *recorder, struct skt_err *err);

/* What was told on the way to it is in the step: moved as it is. */
void recorder_trees_told(struct recorder *recorder);

/* It has been added: the marks behind it, and the end, if the recording ended there. */
int recorder_trees_after(struct recorder *recorder, bool last, struct skt_err *err);

#endif
