/* SPDX-License-Identifier: MIT */
#ifndef RECORD_ENCODE_H
#define RECORD_ENCODE_H

#include "record/codec.h"

/* Which changes a list in the file is made of. */
struct choice {
	uint8_t what;	 /* of this kind (SKT_OPENED: SKT_PRESENT too) */
	uint32_t fields; /* and, unless 0, in one of these fields */
};

/* Gather them into encoder->rows, by slot: small gaps pack better than the kernel's order, which nothing here needs. */
void encoder_choose(struct encoder *encoder, const struct skt_step *step, struct choice choice);

/* Rows that closed or were lost, came, and changed: everything of a step that is about sockets but timers and order. */
void put_socks(struct encoder *encoder, const struct skt_step *step, const struct skt_snapshot *now,
	       struct skt_buf sections[SECTION_END]);

/* ---- encode_events.c ---- */

/* What was told since the snapshot before. */
void put_events(struct encoder *encoder, const struct skt_step *step, const struct skt_snapshot *now,
		struct skt_buf *out);

#endif
