/* SPDX-License-Identifier: MIT */
#include "model/heard.h"

void heard_step(struct heard *heard, const struct skt_snapshot *now, bool from_nothing)
{
	const struct skt_quality *quality = &now->quality;

	heard->before = from_nothing ? INT64_MAX : heard->last;
	heard->last = now->time;
	heard->kinds = quality->events_deaf || quality->events_lost_until ? 0 : quality->events_tables;
}
