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
