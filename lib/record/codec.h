/* SPDX-License-Identifier: MIT */
#ifndef RECORD_CODEC_H
#define RECORD_CODEC_H

#include "record/columns.h"

#include <skt/record.h>

/* A step as bytes, in the sections of a block; several steps may follow each other in each section. */

/* Scratch of the encoder, kept from one step to the next; begins zeroed. */
struct encoder {
	const struct skt_sock_change **rows;
	size_t n_rows;
	size_t room;
	struct skt_buf values;
	struct skt_buf columns;
	struct event_row *event_rows;
	size_t room_event_rows;
	struct skt_buf events[EVENT_COLUMNS];
};

void encoder_release(struct encoder *encoder);

/*
 * Append a step. It has been applied: `now` is the snapshot it led to, and changes have their `before`. A step from
 * nothing is a key frame. Strings from number first_string on are appended with it (a key frame's begin with 1).
 */
void step_encode(struct encoder *encoder, const struct skt_step *step, const struct skt_snapshot *now,
		 uint32_t first_string, struct skt_buf sections[SECTION_END]);

/* Scratch of the decoder, kept from one step to the next. */
struct decoder {
	uint32_t *change_of; /* for each slot the number of its change + 1, 0 where there is none yet */
	size_t room;
};

void decoder_release(struct decoder *decoder);

/*
 * Read the next step of each section, to be applied to old (whose string table gets its strings; for a key frame old is
 * empty). want is what of it (SKT_WANT_*; the others' sections are not touched). The step's number is the caller's to
 * set. 0, -EBADMSG, -ENOMEM, -E2BIG.
 */
int step_decode(struct decoder *decoder, struct cur sections[SECTION_END], unsigned want, struct skt_snapshot *old,
		bool key, struct skt_step *ret, struct skt_err *err);

/* Of a step that somebody else has decoded only its strings, which snapshot's table gets. 0 or a negative errno. */
int step_decode_strings(struct cur *section, struct skt_snapshot *snapshot, struct skt_err *err);

#endif
