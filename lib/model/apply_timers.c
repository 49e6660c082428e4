/* SPDX-License-Identifier: MIT */
#include "model/step.h"

#include "base/array.h"
#include "model/tables.h"

#include <errno.h>
#include <stddef.h>

static struct skt_timer_off *find_timer(const struct skt_step *step, uint32_t slot)
{
	return &step->timers[array_below(step->timers, step->n_timers, sizeof(*step->timers),
					 offsetof(struct skt_timer_off, slot), slot)];
}

/* A row may have changed and its timer be off as well. Rows whose timer is off are marked. */
static int apply_timers_of_changed(struct skt_snapshot *snapshot, struct skt_step *step, struct skt_err *err)
{
	const bool *marked = snapshot->tables_known->row_marks;

	for (size_t i = 0; i < step->n_socks; i++) {
		struct skt_sock_change *change = &step->socks[i];
		struct skt_timer_off *timer;

		if (!marked[change->slot])
			continue;
		timer = find_timer(step, change->slot);
		if (change->change != SKT_CHANGED || change->fields & SKT_BIT(SKT_F_TIMER_MS))
			return step_misfit(err, "timer, told and off, of socket", change->slot);
		timer->changed = true;
		change->now.timer_expires = snapshot->socks[timer->slot].timer_expires;
	}
	return 0;
}

int apply_timers(struct skt_snapshot *snapshot, struct skt_step *step, struct skt_err *err)
{
	bool *marks;
	int rc;

	if (!step->n_timers)
		return 0;
	for (size_t i = 0; i < step->n_timers; i++) {
		struct skt_timer_off *timer = &step->timers[i];
		struct skt_sock *sock = timer->slot < snapshot->n_socks ? &snapshot->socks[timer->slot] : NULL;

		if (!sock || sock->table == SKT_NO_TABLE || (i && timer->slot <= step->timers[i - 1].slot))
			return step_misfit(err, "timer of socket", timer->slot);
		timer->before = sock->timer_expires;
		timer->changed = false;
		if (!skt_sock_pull_timer(sock, timer->off, snapshot->boottime))
			return step_misfit(err, "ticks of socket", timer->slot);
	}
	if (tables_room_for_marks(snapshot))
		return skt_err_set(err, -ENOMEM, "timers of rows");
	marks = snapshot->tables_known->row_marks;
	for (size_t i = 0; i < step->n_timers; i++)
		marks[step->timers[i].slot] = true;
	rc = apply_timers_of_changed(snapshot, step, err);
	for (size_t i = 0; i < step->n_timers; i++)
		marks[step->timers[i].slot] = false;
	return rc;
}
