/* SPDX-License-Identifier: MIT */
#ifndef PROC_PUT_H
#define PROC_PUT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Numbers as the kernel's printf writes them, the other way of base/scan.h. Each writes at `at`, where
 * there must be room, and returns where it stopped; no NUL is added.
 */

/* %0<digits>X, or x where lower is set. */
static inline char *put_hex(char *at, uint64_t value, unsigned digits, bool lower)
{
	const char *set = lower ? "0123456789abcdef" : "0123456789ABCDEF";

	for (unsigned i = digits; i-- > 0; value >>= 4)
		at[i] = set[value & 15];
	return at + digits;
}

/* %<width>u, with a minus in front where negative is set. */
static inline char *put_decimal(char *at, uint64_t value, bool negative, unsigned width)
{
	char digits[24];
	unsigned n = 0;

	do
		digits[n++] = (char)('0' + value % 10);
	while (value /= 10);
	if (negative)
		digits[n++] = '-';
	for (; width > n; width--)
		*at++ = ' ';
	while (n)
		*at++ = digits[--n];
	return at;
}

/* %<width>d */
static inline char *put_signed(char *at, int64_t value, unsigned width)
{
	return put_decimal(at, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0, width);
}

#endif
