/* SPDX-License-Identifier: MIT */
#include "ticks.h"

#include "cli.h"

/* The remainder prefers small numbers by less than one in 2^64 / span, which is no help to anybody. */
static int64_t random_between(int64_t from, int64_t until)
{
	uint64_t random;

	cli_random(&random, sizeof(random));
	return from + (int64_t)(random % (uint64_t)(until - from));
}

/* A random tick of an interval that has begun already is drawn from what is left of it. */
static int64_t due(const struct ticks *ticks, int64_t ready)
{
	int64_t from = ticks->tick * ticks->interval, until = from + ticks->interval;

	if (ticks->exact)
		return from;
	if (from < ready)
		from = ready;
	if (until > ticks->end)
		until = ticks->end;
	return random_between(from, until);
}

int64_t ticks_next(struct ticks *ticks, int64_t ready, uint32_t *ret_missed)
{
	int64_t after_last = (ticks->end - 1) / ticks->interval + 1;
	int64_t next = (ready + (ticks->exact ? ticks->interval - 1 : 0)) / ticks->interval, missed;

	if (next <= ticks->tick)
		next = ticks->tick + 1;
	/* what would be due after the end is not missed */
	if (next > after_last || ready >= ticks->end)
		next = after_last;
	missed = next - ticks->tick - 1;
	*ret_missed = missed < UINT32_MAX ? (uint32_t)missed : UINT32_MAX;
	ticks->tick = next;
	return next == after_last ? -1 : due(ticks, ready);
}
