/* SPDX-License-Identifier: MIT */
#ifndef MODEL_CANDIDATES_H
#define MODEL_CANDIDATES_H

#include <skt/changes.h>

/* Who may have held a socket that no look has seen: a half of struct skt_changes. */

/* Those of another step are not these. */
void candidates_clear(struct skt_changes *changes);
void candidates_release(struct skt_changes *changes);

#endif
