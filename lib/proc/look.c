/* SPDX-License-Identifier: MIT */
#include "proc/look.h"

#include <stdio.h>
#include <string.h>

void look_problem(struct look *look, const struct skt_err *err, const char *path, uint64_t line)
{
	struct problems *problems = look->problems;
	struct skt_err *kept;

	problems->total++;
	if (problems->n == SKT_PROBLEMS_MAX)
		return;
	kept = &problems->kept[problems->n++];
	*kept = *err;
	if (path)
		snprintf(kept->path, sizeof(kept->path), "%s%s%s", look->tree->name, *path ? "/" : "", path);
	kept->position = line ? (int64_t)line : -1;
}

int64_t look_clock(const struct look *look, int64_t *ret_realtime)
{
	int64_t realtime = 0, boottime = 0;

	look->options->clock.read(look->options->clock.data, &realtime, &boottime);
	if (ret_realtime)
		*ret_realtime = realtime;
	return boottime;
}

uint32_t look_microseconds(const struct look *look, int64_t start)
{
	int64_t took = (look_clock(look, NULL) - start) / 1000;

	if (took < 0)
		return 0;
	return took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
}

int64_t look_budget(const struct look *look)
{
	int64_t interval = look->options->interval;

	return interval > 0 ? (interval - 1) / 20 + 1 : 0;
}

int64_t look_full_walk(const struct look *look)
{
	return look->options->full_walk > 0 ? look->options->full_walk : SKT_FULL_WALK;
}
