/* SPDX-License-Identifier: MIT */
#ifndef RECORD_EVENTS_H
#define RECORD_EVENTS_H

#include <skt/step.h>

/*
 * Where a group begins, the same snapshot has two numberings: that of the group before, and the key block's own. Add to
 * a step the events that were told in the one numbering, in the other: `from` and `to` say the same, row for row in the
 * same order. A row that is not among them (it closed with this step) has no slot in the other numbering, and its event
 * is SKT_E_LATE; what was told of a table that is gone cannot be said in it, and is left out. 0 or -ENOMEM.
 */
int events_carry(const struct skt_event *events, size_t n, const struct skt_snapshot *from,
		 const struct skt_snapshot *to, struct skt_step *step);

#endif
