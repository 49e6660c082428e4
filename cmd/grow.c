/* SPDX-License-Identifier: MIT */
#include "grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int grow(void *array, size_t *room, size_t n, size_t item_size)
{
	size_t more = *room ? 2 * *room : 64;
	void *items;

	if (n < *room)
		return 0;
	/* *array is a `struct x *` of any x: copied as bytes, not read through a void ** */
	memcpy(&items, array, sizeof(items));
	items = reallocarray(items, more, item_size);
	if (!items)
		return -ENOMEM;
	memcpy(array, &items, sizeof(items));
	*room = more;
	return 0;
}
