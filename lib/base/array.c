/* SPDX-License-Identifier: MIT */
#include "base/array.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int array_room(void *array, size_t *room, size_t n, size_t item_size)
{
	size_t more = *room ? *room : 16;
	void *items;

	if (n <= *room)
		return 0;
	while (more < n) {
		if (more > SIZE_MAX / 2)
			return -ENOMEM;
		more *= 2;
	}
	if (more > SIZE_MAX / item_size)
		return -ENOMEM;
	/* *array is a `struct x *` of any x: copied as bytes, not read through a void ** */
	memcpy(&items, array, sizeof(items));
	items = realloc(items, more * item_size);
	if (!items)
		return -ENOMEM;
	memcpy(array, &items, sizeof(items));
	*room = more;
	return 0;
}

size_t array_below(const void *items, size_t n, size_t item_size, size_t member, uint32_t key)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint32_t found;

		memcpy(&found, (const char *)items + middle * item_size + member, sizeof(found));
		if (found < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
