/* SPDX-License-Identifier: MIT */
#ifndef RECORD_ENCODE_H
#define RECORD_ENCODE_H

#include "record/codec.h"

/* Rows that closed or were lost, came, and changed: everything of a step that is about sockets but timers and order. */
void put_socks(struct encoder *encoder, const struct skt_step *step, const struct skt_snapshot *now,
	       struct skt_buf sections[SECTION_END]);

#endif
