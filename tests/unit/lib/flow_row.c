/* SPDX-License-Identifier: MIT */
#include "flow_row.h"

#include <skt/flow.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct skt_field_info *field_of(const char *name, bool process)
{
	static struct skt_view view;

	if (process)
		skt_view_flow_processes(&view);
	else
		skt_view_flows(&view, true);
	for (size_t i = 0; i < view.n; i++)
		if (!strcmp(view.fields[i]->name, name))
			return view.fields[i];
	fail_msg("no field %s", name);
	return NULL;
}

bool flow_row_get(const struct skt_row *row, const char *name, struct skt_value *ret)
{
	return skt_field_get(field_of(name, !row->sock), row, ret);
}

void expect_null(const struct skt_row *row, const char *name)
{
	struct skt_value value;

	if (flow_row_get(row, name, &value))
		fail_msg("%s is not null", name);
}

void expect_time(const struct skt_row *row, const char *name, int64_t when)
{
	struct skt_value value;

	if (!flow_row_get(row, name, &value))
		fail_msg("%s is null", name);
	if (value.time != when)
		fail_msg("%s is %lld ns off", name, (long long)(value.time - when));
}

void expect_number(const struct skt_row *row, const char *name, uint64_t number)
{
	struct skt_value value;

	if (!flow_row_get(row, name, &value))
		fail_msg("%s is null", name);
	if (value.number != number)
		fail_msg("%s is %llu", name, (unsigned long long)value.number);
}

void expect_text(const struct skt_row *row, const char *name, const char *text)
{
	struct skt_value value;

	if (!flow_row_get(row, name, &value))
		fail_msg("%s is null", name);
	if (value.len != strlen(text) || memcmp(value.text, text, value.len) != 0)
		fail_msg("%s is %.*s", name, (int)value.len, value.text);
}
