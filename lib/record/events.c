/* SPDX-License-Identifier: MIT */
#include "record/events.h"

#include "base/array.h"
#include "record/numbering.h"

#include <errno.h>

int events_carry(const struct skt_event *events, size_t n, const struct skt_snapshot *from,
		 const struct skt_snapshot *to, struct skt_step *step)
{
	struct numbering numbering = { NULL, NULL };
	int rc;

	if (!n)
		return 0;
	rc = numbering_find(from, to, &numbering);
	if (!rc)
		rc = array_room(&step->events, &step->room_events, step->n_events + n, sizeof(*step->events));
	for (size_t i = 0; !rc && i < n; i++) {
		struct skt_event event = events[i];

		if (event.table >= from->n_tables || numbering.tables[event.table] == SKT_NO_SLOT)
			continue;
		event.table = numbering.tables[event.table];
		if (event.slot != SKT_NO_SLOT) {
			event.slot = event.slot < from->n_socks ? numbering.rows[event.slot] : SKT_NO_SLOT;
			/* that it was seen is still true */
			event.has |= event.slot == SKT_NO_SLOT ? SKT_BIT(SKT_E_LATE) : 0;
		}
		step->events[step->n_events++] = event;
	}
	numbering_release(&numbering);
	return rc;
}
