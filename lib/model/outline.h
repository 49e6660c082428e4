/* SPDX-License-Identifier: MIT */
#ifndef MODEL_OUTLINE_H
#define MODEL_OUTLINE_H

#include <skt/step.h>

/*
 * An outline is what of a snapshot the next step of a recording is decoded against, and nothing else: which rows and
 * tables there are, what their columns say, and how many owners were counted. It has no owners, processes, users,
 * timers or order, and is good for nothing but decoding. Who decodes ahead of others keeps one beside their snapshot,
 * for a step that has been applied is not what was read any more.
 */

/*
 * Take a step that has not been applied, and is not changed. 0; -EBADMSG: it cannot be applied at all; -ENOMEM, -E2BIG.
 */
int outline_take(struct skt_snapshot *outline, const struct skt_step *step);

#endif
