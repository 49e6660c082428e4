/* SPDX-License-Identifier: MIT */
#ifndef MODEL_STEP_H
#define MODEL_STEP_H

#include <skt/step.h>

#include "model/copy.h"

/*
 * Set after and until of every socket change of a step that is about to be applied to old. They follow from when its
 * table was read: after the last good read before, until the end of this one. What came to a table that was not read
 * before, be it a namespace's that was only found now, is `present` and has no earliest instant, for who did not look
 * cannot say that it opened. Where only owners differ it is after all links were checked before (quality.checked_since
 * of old), until the end of the look. Slots that do not fit are passed over.
 */
void step_set_intervals(struct skt_step *step, const struct skt_snapshot *old);

/*
 * Processes that no look has seen, for they began and ended between two: they are in the step that covers both, and in
 * its snapshot from then on not listed (SKT_LIVED_MAX). Neither is found by matching, so they are added to a step that
 * was applied, and to the snapshot it led to: one, with its strings translated, or those of a step that led to the same
 * snapshot in another numbering (`from`). 0, -ENOMEM, or -E2BIG: the snapshot has no room.
 */
int step_add_lived(struct skt_step *step, struct skt_snapshot *now, struct translation *translation,
		   const struct skt_process *process);
int step_carry_lived(const struct skt_step *told, const struct skt_snapshot *from, struct skt_snapshot *to,
		     struct skt_step *step);

/* apply_timers.c: the timers that were read a tick or so off, once rows have been changed. As skt_apply(). */
int apply_timers(struct skt_snapshot *snapshot, struct skt_step *step, struct skt_err *err);

/*
 * Copy the fields in the mask, SKT_BIT(enum skt_field), from one row to another: all that a change may say, but for
 * owners.
 */
void step_take_fields(struct skt_sock *to, const struct skt_sock *from, uint32_t fields);

/* -EBADMSG: a step does not fit its snapshot. what is wrong, and in which slot. */
int step_misfit(struct skt_err *err, const char *what, uint32_t number);

#endif
