/* SPDX-License-Identifier: MIT */
#include "base/cur.h"

void cur_init(struct cur *cur, const void *bytes, size_t len)
{
	static const unsigned char nothing[1];

	cur->start = bytes ? bytes : nothing;
	cur->at = cur->start;
	cur->end = cur->start + len;
	cur->bad = false;
}

void cur_fail(struct cur *cur)
{
	cur->bad = true;
}

const unsigned char *cur_bytes(struct cur *cur, size_t len)
{
	const unsigned char *bytes = cur->at;

	if (cur->bad || len > cur_left(cur)) {
		cur->bad = true;
		return NULL;
	}
	cur->at += len;
	return bytes;
}

struct cur cur_part(struct cur *cur, size_t len)
{
	const unsigned char *bytes = cur_bytes(cur, len);
	struct cur part;

	cur_init(&part, bytes, bytes ? len : 0);
	part.bad = !bytes;
	return part;
}

static uint64_t little_endian(struct cur *cur, size_t width)
{
	const unsigned char *bytes = cur_bytes(cur, width);
	uint64_t value = 0;

	for (size_t i = width; bytes && i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

uint8_t cur_byte(struct cur *cur)
{
	if (cur->bad || cur->at == cur->end) {
		cur->bad = true;
		return 0;
	}
	return *cur->at++;
}

uint16_t cur_le16(struct cur *cur)
{
	return (uint16_t)little_endian(cur, 2);
}

uint32_t cur_le32(struct cur *cur)
{
	return (uint32_t)little_endian(cur, 4);
}

uint64_t cur_le64(struct cur *cur)
{
	return little_endian(cur, 8);
}

uint64_t cur_long_varint(struct cur *cur)
{
	const unsigned char *at = cur->at, *end = cur->bad ? at : cur->end;
	uint64_t value = 0;
	unsigned shift = 0;

	for (; at < end; shift += 7) {
		uint8_t byte = *at++;

		/* the tenth byte has one bit left, and no byte but the first may be an empty top */
		if ((shift == 63 && byte > 1) || (shift && !byte))
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		cur->at = at;
		return value;
	}
	/* where it went wrong: behind the byte that did not fit */
	cur->at = cur->bad ? cur->at : at;
	cur->bad = true;
	return 0;
}

uint64_t cur_count(struct cur *cur, uint64_t max)
{
	uint64_t value = cur_varint(cur);

	if (value > max) {
		cur->bad = true;
		return 0;
	}
	return value;
}
