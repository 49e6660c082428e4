/* SPDX-License-Identifier: MIT */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Grow an array: *array is a pointer to items of item_size bytes with room for *room of them; afterwards it has
 * room for at least n. 0, or -ENOMEM with the array as it was.
 */
int array_room(void *array, size_t *room, size_t n, size_t item_size);

/*
 * In n items of item_size bytes that rise by a uint32_t which lies `member` bytes into each: how many there are below
 * key, which is the place of the first that is not.
 */
size_t array_below(const void *items, size_t n, size_t item_size, size_t member, uint32_t key);

/* Which one comes first, as qsort(3) asks. */
static inline int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

#endif
