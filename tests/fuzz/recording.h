/* SPDX-License-Identifier: MIT */
#ifndef RECORDING_H
#define RECORDING_H

/*
 * A mutator that knows how a recording is laid out, so that changes reach what lies behind checksums, lengths, deflate
 * and digests.
 */
#include "record/block.h"
#include "record/digest.h"

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { BLOCKS_MAX = 64, HEADER_LEAST = HEADER_FIXED_SIZE + 4, SECTION_MOST = 1 << 16 };

/* A recording taken apart: sections are inflated, and the digest is cut off. */
struct parts {
	struct skt_buf header;
	struct part {
		struct block_head head;
		bool has_sections;
		uint32_t digest;
		struct skt_buf sections[SECTION_END];
		struct skt_buf payload; /* where it has none */
	} blocks[BLOCKS_MAX];
	size_t n;
};

static void parts_release(struct parts *parts)
{
	skt_buf_release(&parts->header);
	for (size_t b = 0; b < parts->n; b++) {
		skt_buf_release(&parts->blocks[b].payload);
		for (int id = 0; id < SECTION_END; id++)
			skt_buf_release(&parts->blocks[b].sections[id]);
	}
}

static uint32_t le32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The head without believing it: checksum and mark are made good when it is put together again. */
static bool take_head(const uint8_t *data, struct block_head *ret)
{
	uint8_t bytes[BLOCK_HEAD_SIZE];
	uint32_t crc;

	memcpy(bytes, data, sizeof(bytes));
	crc = (uint32_t)crc32(0, bytes, 60);
	for (int i = 0; i < 4; i++)
		bytes[60 + i] = (uint8_t)(crc >> 8 * i);
	return block_head_get(bytes, bytes, ret);
}

static void take_payload(struct part *part, const uint8_t *data, size_t len)
{
	struct skt_buf *meta = &part->sections[SECTION_META];

	part->has_sections = (part->head.type == BLOCK_KEY || part->head.type == BLOCK_STEPS) &&
			     !payload_get(data, len, UINT32_MAX, part->sections, NULL) && meta->len >= 4;
	if (!part->has_sections) {
		skt_buf_add(&part->payload, data, len);
		return;
	}
	meta->len -= 4;
	part->digest = le32(meta->data + meta->len);
}

static bool take_apart(const uint8_t *data, size_t size, struct parts *ret)
{
	size_t at;

	memset(ret, 0, sizeof(*ret));
	if (size < HEADER_LEAST)
		return false;
	at = le32(data + 12);
	if (at < HEADER_LEAST || at > size)
		return false;
	skt_buf_add(&ret->header, data, at - 4);
	while (ret->n < BLOCKS_MAX && size - at >= BLOCK_HEAD_SIZE + BLOCK_TAIL_SIZE) {
		struct part *part = &ret->blocks[ret->n];

		if (!take_head(data + at, &part->head) ||
		    part->head.length > size - at - BLOCK_HEAD_SIZE - BLOCK_TAIL_SIZE)
			break;
		ret->n++;
		take_payload(part, data + at + BLOCK_HEAD_SIZE, part->head.length);
		at += (size_t)BLOCK_SIZE(&part->head);
	}
	return true;
}

/*
 * What the rows of a block are after its steps, so that the digest lets them through. False once a step cannot be
 * taken.
 */
static bool find_digest(struct part *part, struct skt_snapshot *now)
{
	struct decoder decoder = { .room = 0 };
	bool key = part->head.type == BLOCK_KEY, good = true;
	struct cur in[SECTION_END];
	struct skt_step step;

	skt_step_init(&step);
	for (int id = 0; id < SECTION_END; id++)
		cur_init(&in[id], part->sections[id].data, part->sections[id].len);
	if (key) {
		struct skt_strtab *strings = skt_strtab_new(1);

		skt_snapshot_clear(now, strings);
		skt_strtab_unref(strings);
	}
	for (uint32_t i = 0; good && i < part->head.snapshots; i++)
		good = !step_decode(&decoder, in, SKT_WANT_ALL, now, key, &step, NULL) && !skt_apply(now, &step, NULL);
	if (good)
		part->digest = digest_rows(now);
	skt_step_release(&step);
	decoder_release(&decoder);
	return good;
}

static void put_le32(struct skt_buf *out, uint32_t value)
{
	skt_buf_le32(out, value);
}

static void put_block(struct part *part, const uint8_t sync[8], uint8_t chain[CHAIN_SIZE], int level,
		      struct skt_buf *out)
{
	uint8_t head[BLOCK_HEAD_SIZE], tail[BLOCK_TAIL_SIZE];
	struct skt_buf payload;

	skt_buf_init(&payload);
	if (part->has_sections) {
		put_le32(&part->sections[SECTION_META], part->digest);
		payload_put(part->sections, level, &payload);
	} else {
		skt_buf_add(&payload, part->payload.data, part->payload.len);
	}
	part->head.length = (uint32_t)payload.len;
	block_head_put(&part->head, sync, head);
	chain_next(head, payload.data, payload.len, chain);
	block_tail_put(head, payload.data, payload.len, chain, tail);
	skt_buf_add(out, head, sizeof(head));
	skt_buf_add(out, payload.data, payload.len);
	skt_buf_add(out, tail, sizeof(tail));
	skt_buf_release(&payload);
}

/* The checksum of the header's fixed part. */
static void mend_fixed(uint8_t *header)
{
	uint32_t checksum = (uint32_t)crc32(0, header, HEADER_FIXED_SIZE - 4);

	for (int i = 0; i < 4; i++)
		header[HEADER_FIXED_SIZE - 4 + i] = (uint8_t)(checksum >> (8 * i));
}

/* The recording again, with everything right that is not meant to be wrong. */
static void put_together(struct parts *parts, uint64_t *state, struct skt_buf *out)
{
	bool digests = chosen(state, 8), sequences = chosen(state, 4), numbers = chosen(state, 4);
	uint8_t chain[CHAIN_SIZE], sync[8];
	bool usable = false;
	struct skt_snapshot now;
	uint64_t number = 1;
	uint32_t length = (uint32_t)parts->header.len + 4;

	for (int i = 0; i < 4; i++)
		parts->header.data[12 + i] = (uint8_t)(length >> 8 * i);
	memcpy(sync, parts->header.data + 40, 8);
	skt_buf_add(out, parts->header.data, parts->header.len);
	mend_fixed(out->data);
	put_le32(out, (uint32_t)crc32(0, out->data, (uInt)out->len));
	chain_start(out->data, out->len, chain);
	if (skt_snapshot_init(&now, NULL, 1))
		abort();
	for (size_t b = 0; b < parts->n; b++) {
		struct part *part = &parts->blocks[b];

		if (sequences)
			part->head.sequence = b + 1;
		if (numbers && part->head.type <= BLOCK_END)
			part->head.number = number;
		if (part->head.type <= BLOCK_STEPS)
			number = part->head.number + part->head.snapshots;
		if (part->has_sections && digests && (usable || part->head.type == BLOCK_KEY))
			usable = find_digest(part, &now);
		put_block(part, sync, chain, chosen(state, 3) ? 1 : 0, out);
	}
	skt_snapshot_release(&now);
}

static void mutate_buffer(struct skt_buf *buf)
{
	size_t most = buf->len + 512;

	if (most > SECTION_MOST || !skt_buf_room(buf, most - buf->len))
		return;
	buf->len = LLVMFuzzerMutate(buf->data, buf->len, most);
}

static void mutate_head(struct block_head *head, uint64_t *state)
{
	static const uint64_t odd[] = { 0,	   1, 2, 255, 65536, UINT32_MAX, UINT64_C(1) << 32, UINT64_C(1) << 62,
					UINT64_MAX };
	uint64_t value = chosen(state, 2) ? odd[chosen(state, 9)] : chosen(state, 40);

	switch (chosen(state, 7)) {
	case 0:
		head->type = (uint8_t)chosen(state, 8);
		break;
	case 1:
		head->flags ^= 1;
		break;
	case 2:
		head->sequence = value;
		break;
	case 3:
		head->number = value;
		break;
	case 4:
		head->snapshots = (uint32_t)value;
		break;
	case 5:
		head->first = (int64_t)value;
		break;
	default:
		head->last = (int64_t)value;
		break;
	}
}

static void copy_buf(struct skt_buf *to, const struct skt_buf *from)
{
	skt_buf_init(to);
	skt_buf_add(to, from->data, from->len);
}

/* Twice, not at all, or with another. */
static void move_blocks(struct parts *parts, uint64_t *state)
{
	size_t a = chosen(state, (uint32_t)parts->n), b = chosen(state, (uint32_t)parts->n);
	struct part part = parts->blocks[a];

	switch (chosen(state, 3)) {
	case 0:
		if (parts->n == BLOCKS_MAX)
			break;
		memmove(&parts->blocks[b + 1], &parts->blocks[b], (parts->n - b) * sizeof(part));
		parts->n++;
		for (int id = 0; id < SECTION_END; id++)
			copy_buf(&parts->blocks[b].sections[id], &part.sections[id]);
		copy_buf(&parts->blocks[b].payload, &part.payload);
		parts->blocks[b].head = part.head;
		parts->blocks[b].has_sections = part.has_sections;
		break;
	case 1:
		for (int id = 0; id < SECTION_END; id++)
			skt_buf_release(&part.sections[id]);
		skt_buf_release(&part.payload);
		memmove(&parts->blocks[a], &parts->blocks[a + 1], (parts->n - a - 1) * sizeof(part));
		parts->n--;
		break;
	default:
		parts->blocks[a] = parts->blocks[b];
		parts->blocks[b] = part;
		break;
	}
}

static void mutate_parts(struct parts *parts, uint64_t *state)
{
	struct part *part = parts->n ? &parts->blocks[chosen(state, (uint32_t)parts->n)] : NULL;

	switch (part ? chosen(state, 10) : 0) {
	case 0:
		/* the mark, lengths and sizes of the fixed part stay */
		if (parts->header.len > HEADER_FIXED_SIZE)
			LLVMFuzzerMutate(parts->header.data + HEADER_FIXED_SIZE, parts->header.len - HEADER_FIXED_SIZE,
					 parts->header.len - HEADER_FIXED_SIZE);
		break;
	case 1:
		mutate_head(&part->head, state);
		break;
	case 2:
		move_blocks(parts, state);
		break;
	default:
		mutate_buffer(part->has_sections ? &part->sections[1 + chosen(state, SECTION_END - 1)]
						 : &part->payload);
		break;
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	static struct parts parts;
	uint64_t state = seed;
	struct skt_buf out;

	if (!chosen(&state, 6))
		size = LLVMFuzzerMutate(data, size, max_size);
	/* in one of twelve, checksums stay wrong */
	if (!chosen(&state, 12))
		return size;
	if (take_apart(data, size, &parts)) {
		for (uint32_t n = chosen(&state, 3); n > 0; n--)
			mutate_parts(&parts, &state);
		skt_buf_init(&out);
		put_together(&parts, &state, &out);
		if (!out.failed && out.len <= max_size) {
			memcpy(data, out.data, out.len);
			size = out.len;
		}
		skt_buf_release(&out);
	}
	parts_release(&parts);
	return size;
}

#endif
