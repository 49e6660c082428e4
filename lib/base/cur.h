/* SPDX-License-Identifier: MIT */
#ifndef BASE_CUR_H
#define BASE_CUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A cursor over bytes from outside: the only code that touches the raw bytes of a recording. The first
 * field that does not fit sticks: later calls return 0 and leave `at` where it went wrong, so that a
 * parser reads like the layout it parses and tests `bad` once at the end.
 */
struct cur {
	const unsigned char *start;
	const unsigned char *at;
	const unsigned char *end;
	bool bad;
};

void cur_init(struct cur *cur, const void *bytes, size_t len);

uint8_t cur_byte(struct cur *cur);
uint16_t cur_le16(struct cur *cur);
uint32_t cur_le32(struct cur *cur);
uint64_t cur_le64(struct cur *cur);

/* LEB128: at most ten bytes, none of them superfluous. */
uint64_t cur_long_varint(struct cur *cur);

static inline uint64_t cur_varint(struct cur *cur)
{
	/* nearly all numbers of a recording are one byte */
	if (!cur->bad && cur->at != cur->end && *cur->at < 0x80)
		return *cur->at++;
	return cur_long_varint(cur);
}

static inline int64_t cur_zigzag(struct cur *cur)
{
	uint64_t value = cur_varint(cur);

	return (int64_t)(value >> 1 ^ -(value & 1));
}

/* A varint that is at most max; anything over it is bad. */
uint64_t cur_count(struct cur *cur, uint64_t max);

/* The next len bytes, borrowed from what was given to cur_init(); NULL (and bad) where there are fewer. */
const unsigned char *cur_bytes(struct cur *cur, size_t len);

/* A cursor over the next len bytes, which this one passes over. */
struct cur cur_part(struct cur *cur, size_t len);

void cur_fail(struct cur *cur);

static inline size_t cur_left(const struct cur *cur)
{
	return (size_t)(cur->end - cur->at);
}

/* Where it stands, or went wrong, counted from the start. */
static inline size_t cur_offset(const struct cur *cur)
{
	return (size_t)(cur->at - cur->start);
}

/* Everything was read and nothing went wrong. */
static inline bool cur_is_done(const struct cur *cur)
{
	return !cur->bad && cur->at == cur->end;
}

#endif
