/* SPDX-License-Identifier: MIT */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The character at the start of bytes, and its length: 1 to 4, or 0 if it is not well-formed (Unicode, table 3-7). */
size_t utf8_decode(const unsigned char *bytes, size_t len, uint32_t *ret);

/* May it go to a screen as it is? include/skt/escape.h has the rule. */
bool utf8_is_printable(uint32_t c);

/* The columns that a printable character takes on a terminal: 0, 1 or 2 (Unicode 15.0). */
unsigned utf8_width(uint32_t c);

#endif
