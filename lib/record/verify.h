/* SPDX-License-Identifier: MIT */
#ifndef RECORD_VERIFY_H
#define RECORD_VERIFY_H

#include "record/file.h"

/* Add to what was found damaged; `why` of it, if any, is taken over. 0 or -ENOMEM. */
int verify_add_damage(struct skt_verification *ret, const struct skt_damage *damage);

/*
 * Decode and apply every step, and hold blocks of keys against what is in their groups: counts snapshots, and adds
 * damage where the file reads wrongly though its sums are right. The damage is in the order of the file then. 0 or
 * negative with err filled.
 */
int verify_steps(const struct skt_file *file, struct skt_verification *ret, struct skt_err *err);

#endif
