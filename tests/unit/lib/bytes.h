/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BYTES_H
#define TESTS_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Numbers in recordings, least significant byte first, without the code under test. */

static inline void put_le(unsigned char *at, uint64_t value, int width)
{
	for (int i = 0; i < width; i++)
		at[i] = (unsigned char)(value >> (8 * i));
}

static inline uint64_t le(const unsigned char *at, int width)
{
	uint64_t value = 0;

	for (int i = width; i-- > 0;)
		value = value << 8 | at[i];
	return value;
}

/* Where the first block of a recording stands, by the length that its header has. */
static inline size_t first_block_at(const unsigned char *recording)
{
	return (size_t)le(recording + 12, 4);
}

#endif
