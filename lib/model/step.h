/* SPDX-License-Identifier: MIT */
#ifndef MODEL_STEP_H
#define MODEL_STEP_H

#include <skt/step.h>

/*
 * Set after and until of every socket change of a step that is about to be applied to old. They follow from when its
 * table was read: after the last good read before, until the end of this one. What came to a table that was not read
 * before, be it a namespace's that was only found now, is `present` and has no earliest instant, for who did not look
 * cannot say that it opened. Where only owners differ it is after all links were checked before (quality.checked_since
 * of old), until the end of the look. Slots that do not fit are passed over.
 */
void step_set_intervals(struct skt_step *step, const struct skt_snapshot *old);

/* -EBADMSG: a step does not fit its snapshot. what is wrong, and in which slot. */
int step_misfit(struct skt_err *err, const char *what, uint32_t number);

#endif
