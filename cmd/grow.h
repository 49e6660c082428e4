/* SPDX-License-Identifier: MIT */
#ifndef GROW_H
#define GROW_H

#include <stddef.h>

/*
 * Make room for one more: *array is a pointer to n items of item_size bytes with room for *room of them. 0, or -ENOMEM
 * with the array as it was.
 */
int grow(void *array, size_t *room, size_t n, size_t item_size);

#endif
