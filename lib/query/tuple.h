/* SPDX-License-Identifier: MIT */
#ifndef QUERY_TUPLE_H
#define QUERY_TUPLE_H

#include <skt/buf.h>
#include <skt/field.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The values of some fields of a row as bytes that own themselves: what rows are grouped by, sorted by, and kept as.
 * Equal values are equal bytes.
 *
 *	tag    then
 *	NULL   nothing
 *	PLUS   a number, 8 bytes of this machine
 *	MINUS  the absolute value of one below 0
 *	TIME   8 bytes
 *	TEXT   length in 4 bytes, text
 *	FROM   length in 4 bytes, 4 or 6, the address in 16 bytes, its text
 *
 * Nothing of this leaves the program, but processes of it hand it on to each other.
 */

/* Of a row of a socket and a holder, or of one that has none: then what is the holder's is null. */
void tuple_put(const struct skt_view *fields, const struct skt_row *row, struct skt_buf *out);

/* falling[i]: the other way round; NULL: none. Null is last anyway. */
int tuple_compare(const unsigned char *a, const unsigned char *b, size_t n, const bool *falling);

/* Whether these bytes are n values, and no more. */
bool tuple_is_whole(const unsigned char *tuple, size_t len, size_t n);

/* The i-th value: false where it is null. Text is borrowed from the tuple. */
bool tuple_get(const unsigned char *tuple, size_t i, struct skt_value *ret);

#endif
