/* SPDX-License-Identifier: MIT */
#include "model/outline.h"

#include "model/step.h"
#include "model/tables.h"

#include <errno.h>

static int take_table(struct skt_snapshot *outline, const struct skt_table_change *change)
{
	struct skt_table now = change->now;

	/* lines and order are the snapshot's */
	now.raw = NULL;
	now.n_raw = 0;
	now.order = NULL;
	now.n_rows = 0;
	if (change->slot > outline->n_tables)
		return -EBADMSG;
	if (change->slot == outline->n_tables)
		return snapshot_push_table(outline, &now);
	outline->tables[change->slot] = now;
	return 0;
}

static int take_row(struct skt_snapshot *outline, const struct skt_sock_change *change)
{
	struct skt_sock row = change->now;
	uint32_t slot;

	if (change->change == SKT_OPENED || change->change == SKT_PRESENT) {
		if (change->slot != outline->n_socks)
			return -EBADMSG;
		outline->n_owners += row.n_owners;
		return skt_snapshot_add_sock(outline, &row, &slot);
	}
	if (change->slot >= outline->n_socks)
		return -EBADMSG;
	if (change->change != SKT_CHANGED) {
		outline->socks[change->slot].table = SKT_NO_TABLE;
		return 0;
	}
	step_take_fields(&outline->socks[change->slot], &change->now, change->fields);
	if (change->fields & SKT_BIT(SKT_F_OWNERS))
		outline->n_owners += change->now.n_owners;
	return 0;
}

int outline_take(struct skt_snapshot *outline, const struct skt_step *step)
{
	int rc = 0;

	outline->time = step->time;
	outline->quality = step->quality;
	for (size_t i = 0; i < step->n_tables && !rc; i++)
		rc = take_table(outline, &step->tables[i]);
	for (size_t i = 0; i < step->n_socks && !rc; i++)
		rc = take_row(outline, &step->socks[i]);
	return rc;
}
