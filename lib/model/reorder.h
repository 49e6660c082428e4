/* SPDX-License-Identifier: MIT */
#ifndef MODEL_REORDER_H
#define MODEL_REORDER_H

#include <skt/step.h>

/*
 * The part of skt_apply() that is about the order of rows, when everything else of the step has been taken: rows that
 * closed or were lost leave it, and edits are made to it. They are from outside: -EBADMSG where in the end not every
 * row stands once in its own table's order. Or -ENOMEM.
 */
int reorder(struct skt_snapshot *snapshot, const struct skt_step *step, struct skt_err *err);

/* No order was read: tables have none. */
void reorder_forget(struct skt_snapshot *snapshot);

#endif
