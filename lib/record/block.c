/* SPDX-License-Identifier: MIT */
#include "record/block.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* crc32() takes an unsigned int length; nothing here is longer than SKT_BLOCK_MAX. */
static uint32_t crc(uint32_t before, const void *bytes, size_t len)
{
	return len ? (uint32_t)crc32(before, bytes, (uInt)len) : before;
}

static void put(uint8_t *at, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

const char *skt_block_kind_name(unsigned kind)
{
	static const char *const names[SKT_BLOCK_KINDS] = { "", "key", "steps", "end", "index", "gap", "mark", "keys" };

	return kind < SKT_BLOCK_KINDS ? names[kind] : "";
}

void block_head_put(const struct block_head *head, const uint8_t sync[8], uint8_t ret[BLOCK_HEAD_SIZE])
{
	memset(ret, 0, BLOCK_HEAD_SIZE);
	memcpy(ret, sync, 8);
	ret[8] = head->type;
	ret[9] = head->flags;
	put(ret + 12, head->length, 4);
	put(ret + 16, head->sequence, 8);
	put(ret + 24, head->number, 8);
	put(ret + 32, head->snapshots, 4);
	put(ret + 40, (uint64_t)head->first, 8);
	put(ret + 48, (uint64_t)head->last, 8);
	put(ret + 60, crc(0, ret, 60), 4);
}

bool block_head_get(const uint8_t bytes[BLOCK_HEAD_SIZE], const uint8_t sync[8], struct block_head *ret)
{
	struct cur in;

	cur_init(&in, bytes, BLOCK_HEAD_SIZE);
	if (memcmp(cur_bytes(&in, 8), sync, 8))
		return false;
	ret->type = cur_byte(&in);
	ret->flags = cur_byte(&in);
	cur_le16(&in);
	ret->length = cur_le32(&in);
	ret->sequence = cur_le64(&in);
	ret->number = cur_le64(&in);
	ret->snapshots = cur_le32(&in);
	cur_le32(&in);
	ret->first = (int64_t)cur_le64(&in);
	ret->last = (int64_t)cur_le64(&in);
	cur_le32(&in);
	return cur_le32(&in) == crc(0, bytes, 60) && ret->length <= SKT_BLOCK_MAX &&
	       ret->sequence <= BLOCK_NUMBER_MAX && ret->number <= BLOCK_NUMBER_MAX && block_time_is_good(ret->first) &&
	       block_time_is_good(ret->last);
}

bool block_fits(const struct block_head *head, uint64_t sequence, uint64_t number, bool in_group)
{
	if (head->sequence != sequence)
		return false;
	switch (head->type) {
	case BLOCK_KEY:
		return head->snapshots == 1 && head->number == number;
	case BLOCK_STEPS:
		return head->snapshots && head->number == number && in_group;
	case BLOCK_END:
	case BLOCK_GAP:
		return head->number == number;
	case BLOCK_INDEX:
		return true;
	default:
		/* it may hold snapshots, in a way that is not known */
		return head->flags & BLOCK_ANCILLARY || !head->snapshots || head->number == number;
	}
}

void chain_next(const uint8_t head[BLOCK_HEAD_SIZE], const void *payload, size_t length, uint8_t chain[CHAIN_SIZE])
{
	crypto_hash_sha256_state sha;

	crypto_hash_sha256_init(&sha);
	crypto_hash_sha256_update(&sha, chain, CHAIN_SIZE);
	crypto_hash_sha256_update(&sha, head, BLOCK_HEAD_SIZE);
	crypto_hash_sha256_update(&sha, payload, length);
	crypto_hash_sha256_final(&sha, chain);
}

void block_tail_put(const uint8_t head[BLOCK_HEAD_SIZE], const void *payload, size_t length,
		    const uint8_t chain[CHAIN_SIZE], uint8_t ret[BLOCK_TAIL_SIZE])
{
	memcpy(ret, chain, CHAIN_SIZE);
	put(ret + 32, crc(crc(crc(0, head, BLOCK_HEAD_SIZE), payload, length), chain, CHAIN_SIZE), 4);
	put(ret + 36, length, 4);
}

bool block_tail_is_good(const uint8_t head[BLOCK_HEAD_SIZE], const void *payload, size_t length,
			const uint8_t tail[BLOCK_TAIL_SIZE])
{
	struct cur in;
	uint32_t checksum;

	cur_init(&in, tail + CHAIN_SIZE, BLOCK_TAIL_SIZE - CHAIN_SIZE);
	checksum = crc(crc(crc(0, head, BLOCK_HEAD_SIZE), payload, length), tail, CHAIN_SIZE);
	return cur_le32(&in) == checksum && cur_le32(&in) == length;
}

void chain_start(const void *header, size_t length, uint8_t ret[CHAIN_SIZE])
{
	crypto_hash_sha256(ret, header, length);
}

static int put_section(unsigned id, const struct skt_buf *section, int level, struct skt_buf *out)
{
	uLongf stored = compressBound(section->len);
	unsigned char *head, *data;

	head = skt_buf_room(out, SECTION_HEAD_SIZE + stored);
	if (!head)
		return -ENOMEM;
	data = head + SECTION_HEAD_SIZE;
	if (compress2(data, &stored, section->data, section->len, level) != Z_OK)
		return -ENOMEM;
	memset(head, 0, SECTION_HEAD_SIZE);
	head[0] = (unsigned char)id;
	head[1] = CODEC_ZLIB;
	if (stored >= section->len) {
		head[1] = CODEC_STORED;
		stored = section->len;
		memcpy(data, section->data, stored);
	}
	put(head + 4, section->len, 4);
	put(head + 8, stored, 4);
	out->len += SECTION_HEAD_SIZE + stored;
	return 0;
}

int payload_put(const struct skt_buf sections[SECTION_END], int level, struct skt_buf *out)
{
	size_t together = 0;

	for (unsigned id = SECTION_META; id < SECTION_END; id++)
		together += sections[id].len;
	if (together > SKT_SECTION_MAX)
		return -E2BIG;
	for (unsigned id = SECTION_META; id < SECTION_END; id++) {
		int rc = skt_buf_status(&sections[id]);

		if (!rc && sections[id].len)
			rc = put_section(id, &sections[id], level, out);
		if (rc)
			return rc;
	}
	return out->len > SKT_BLOCK_MAX ? -E2BIG : 0;
}

/* Deflate makes at most 1032 bytes of one (RFC 1951: 258 bytes from 2 bits): a section that states more is a lie. */
#define DEFLATE_MOST 1032

/*
 * A large section has memory of its length and no more, and none is kept for the next block: six may be large, one
 * after the other.
 */
#define SECTION_KEPT ((size_t)1 << 20)

static void *section_room(struct skt_buf *buf, size_t n)
{
	if (n <= SECTION_KEPT)
		return skt_buf_room(buf, n);
	skt_buf_release(buf);
	buf->data = malloc(n);
	if (buf->data)
		buf->size = n;
	return buf->data;
}

static int get_section(struct cur *data, uint8_t codec, size_t inflated, struct skt_buf *ret, struct skt_err *err)
{
	size_t stored = cur_left(data);
	uLongf got = inflated;
	uLong used = stored;
	void *room;

	if (inflated > SKT_SECTION_MAX)
		return skt_err_set(err, -E2BIG, "section of %zu bytes exceeds the limit of %zu", inflated,
				   SKT_SECTION_MAX);
	if (codec > CODEC_ZLIB)
		return skt_err_set(err, -EPROTONOSUPPORT, "section has codec %u, this program knows 0 and 1", codec);
	if (codec == CODEC_STORED ? inflated != stored : inflated / DEFLATE_MOST > stored)
		return skt_err_set(err, -EBADMSG, "section states %zu bytes inflated, %zu are stored", inflated,
				   stored);
	room = section_room(ret, inflated + 1);
	if (!room)
		return skt_err_set(err, -ENOMEM, "out of memory");
	if (codec == CODEC_STORED)
		memcpy(room, cur_bytes(data, stored), stored);
	else if (uncompress2(room, &got, cur_bytes(data, stored), &used) != Z_OK || got != inflated || used != stored)
		return skt_err_set(err, -EBADMSG, "section does not inflate to the %zu bytes it states", inflated);
	ret->len += inflated;
	return 0;
}

int payload_get(const void *payload, size_t length, uint32_t wanted, struct skt_buf ret[SECTION_END],
		struct skt_err *err)
{
	size_t together = 0;
	uint32_t seen = 0;
	struct cur in;

	for (int id = SECTION_META; id < SECTION_END; id++) {
		if (ret[id].size > SECTION_KEPT)
			skt_buf_release(&ret[id]);
		skt_buf_clear(&ret[id]);
	}
	cur_init(&in, payload, length);
	while (!in.bad && cur_left(&in)) {
		uint8_t id = cur_byte(&in);
		uint8_t codec = cur_byte(&in);
		uint16_t zero = cur_le16(&in);
		uint32_t inflated = cur_le32(&in);
		struct cur data = cur_part(&in, cur_le32(&in));
		int rc;

		(void)zero;
		if (in.bad)
			break;
		if (id < SECTION_META || id >= SECTION_END || !(wanted & 1u << id))
			continue;
		if (seen & 1u << id)
			return skt_err_set(err, -EBADMSG, "section %u stands twice in its block", id);
		seen |= 1u << id;
		if (inflated <= SKT_SECTION_MAX && inflated > SKT_SECTION_MAX - together)
			return skt_err_set(err, -E2BIG, "sections of %zu bytes together exceed the limit of %zu",
					   together + inflated, SKT_SECTION_MAX);
		together += inflated;
		rc = get_section(&data, codec, inflated, &ret[id], err);
		if (rc)
			return rc;
	}
	return in.bad ? skt_err_set(err, -EBADMSG, "sections do not fill their block") : 0;
}
