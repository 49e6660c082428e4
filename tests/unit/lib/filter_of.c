/* SPDX-License-Identifier: MIT */
#include "filter_of.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct skt_filter *filter_of(const char *text)
{
	const struct skt_filter_names names = { .zone = SKT_ZONE_UTC, .flows = true };
	char *word = (char *)(uintptr_t)text;
	struct skt_filter *filter = NULL;
	struct skt_err err;

	skt_err_init(&err);
	if (text && skt_filter_parse(&word, 1, &names, &filter, &err))
		fail_msg("%s: %s", text, err.message);
	return filter;
}
