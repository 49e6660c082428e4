/* SPDX-License-Identifier: MIT */
#ifndef STEPS_H
#define STEPS_H

/*
 * Steps as they come out of the inflate: a byte, then for each step the lengths of its sections (two bytes each) and
 * the sections. The first is a key frame.
 *
 * The mutator changes the inside of one section, of one record or column in it where it can, and puts lengths right
 * again.
 */
#include "record/codec.h"

#include "fuzz.h"

#include <string.h>

/* The mutator keeps no more. */
enum { STEPS_MAX = 12 };

/* The next step's sections. */
static inline bool split(struct cur *in, struct cur sections[SECTION_END])
{
	uint16_t lengths[SECTION_END] = { 0 };

	for (int id = SECTION_META; id < SECTION_END; id++)
		lengths[id] = cur_le16(in);
	for (int id = SECTION_META; id < SECTION_END; id++)
		sections[id] = cur_part(in, lengths[id]);
	return !in->bad;
}

/* --- mutating --- */

enum { SECTION_MOST = 4096 };

static void mutate_bytes(const uint8_t *bytes, size_t len, struct skt_buf *out)
{
	uint8_t room[SECTION_MOST];

	if (len > sizeof(room) / 2) {
		skt_buf_add(out, bytes, len);
		return;
	}
	memcpy(room, bytes, len);
	skt_buf_add(out, room, LLVMFuzzerMutate(room, len, len + 64 < sizeof(room) ? len + 64 : sizeof(room)));
}

/*
 * Records, columns and strings all begin with a length. At a place from which one fits, what it is the length of is
 * mutated, and the length made right: most such places are none, but there are so many that fuzzing finds those that
 * are.
 */
static void mutate_inside(const uint8_t *bytes, size_t len, uint64_t *state, struct skt_buf *out)
{
	for (int tries = 0; len && tries < 8; tries++) {
		size_t at = chosen(state, (uint32_t)len);
		struct skt_buf inner;
		struct cur in, part;
		size_t head;

		cur_init(&in, bytes + at, len - at);
		part = cur_part(&in, cur_varint(&in));
		if (in.bad || !cur_left(&part))
			continue;
		head = (size_t)(part.at - bytes) - at;
		skt_buf_init(&inner);
		/* of the same length is what a column of fixed width wants, the same bytes twice what a list does */
		if (chosen(state, 2)) {
			skt_buf_add(&inner, part.at, cur_left(&part));
			inner.data[chosen(state, (uint32_t)inner.len)] ^= (uint8_t)(1u << chosen(state, 8));
		} else {
			mutate_bytes(part.at, cur_left(&part), &inner);
		}
		skt_buf_add(out, bytes, at);
		skt_buf_varint(out, inner.len);
		skt_buf_add(out, inner.data, inner.len);
		skt_buf_add(out, bytes + at + head + cur_left(&part), len - at - head - cur_left(&part));
		skt_buf_release(&inner);
		return;
	}
	mutate_bytes(bytes, len, out);
}

/* All steps, with one section of one of them mutated, or a step put twice. */
static void mutate_steps(struct cur *in, unsigned n, uint64_t *state, struct skt_buf *out)
{
	unsigned which = chosen(state, n), id_chosen = SECTION_META + chosen(state, SECTION_END - 1);
	bool twice = !chosen(state, 16);
	struct cur sections[SECTION_END];

	for (unsigned i = 0; i < n && split(in, sections); i++) {
		struct skt_buf bytes[SECTION_END];

		for (unsigned id = SECTION_META; id < SECTION_END; id++) {
			const struct cur *section = &sections[id];

			skt_buf_init(&bytes[id]);
			if (i != which || twice || id != id_chosen)
				skt_buf_add(&bytes[id], section->at, cur_left(section));
			else if (chosen(state, 2))
				mutate_inside(section->at, cur_left(section), state, &bytes[id]);
			else
				mutate_bytes(section->at, cur_left(section), &bytes[id]);
		}
		for (int copies = i == which && twice ? 2 : 1; copies > 0; copies--) {
			for (int id = SECTION_META; id < SECTION_END; id++)
				skt_buf_le16(out, (uint16_t)bytes[id].len);
			for (int id = SECTION_META; id < SECTION_END; id++)
				skt_buf_add(out, bytes[id].data, bytes[id].len & UINT16_MAX);
		}
		for (int id = SECTION_META; id < SECTION_END; id++)
			skt_buf_release(&bytes[id]);
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	struct cur in, ahead, sections[SECTION_END];
	uint64_t state = seed;
	struct skt_buf out;
	unsigned n = 0;
	uint8_t front;

	cur_init(&in, data, size);
	skt_buf_init(&out);
	front = cur_byte(&in);
	skt_buf_byte(&out, chosen(&state, 16) ? front : (uint8_t)chosen(&state, 256));
	ahead = in;
	while (n < STEPS_MAX && split(&ahead, sections))
		n++;
	if (!n || !chosen(&state, 20))
		size = LLVMFuzzerMutate(data, size, max_size);
	else
		mutate_steps(&in, n, &state, &out);
	if (out.len > 1 && out.len <= max_size && !out.failed) {
		memcpy(data, out.data, out.len);
		size = out.len;
	}
	skt_buf_release(&out);
	return size;
}

#endif
