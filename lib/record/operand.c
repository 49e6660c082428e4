/* SPDX-License-Identifier: MIT */
#include <skt/record.h>

#include <string.h>

size_t skt_operand_split(const char *operand, bool (*exists)(const char *path, size_t len, void *data), void *data,
			 const char **ret_time)
{
	size_t len = strlen(operand);

	*ret_time = NULL;
	if (exists(operand, len, data))
		return len;
	for (size_t at = len; at-- > 0;) {
		if (operand[at] != '@' || !skt_time_is(operand + at + 1) || !exists(operand, at, data))
			continue;
		*ret_time = operand + at + 1;
		return at;
	}
	return len;
}
