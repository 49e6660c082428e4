/* SPDX-License-Identifier: MIT */
#include "model/match.h"

#include "base/array.h"

#include <errno.h>
#include <string.h>

static struct skt_sock_change *new_change(struct match *match, uint8_t what, uint32_t slot)
{
	struct skt_step *step = match->step;
	struct skt_sock_change *change;

	if (array_room(&step->socks, &step->room_socks, step->n_socks + 1, sizeof(*step->socks)))
		return NULL;
	change = &step->socks[step->n_socks++];
	memset(change, 0, sizeof(*change));
	change->change = what;
	change->slot = slot;
	return change;
}

/*
 * A row that lost its inode is carried by those who held it: in the look before, or before that, when its table was
 * read and it was closed before its holder's descriptors were (the look between has an inode that nobody holds).
 */
static bool is_carried(const struct skt_sock *old, const struct skt_sock *now)
{
	return !now->inode && !now->n_owners &&
	       (old->owner == SKT_OWNER_HELD || old->owner == SKT_OWNER_CARRIED || old->n_last);
}

/* Give the row back to those who held it last; slots are old's already. */
static int add_last_owners(struct match *match, const struct skt_sock *old, struct skt_sock *now)
{
	struct skt_step *step = match->step;

	if (array_room(&step->owners, &step->room_owners, step->n_owners + old->n_last, sizeof(*step->owners)))
		return -ENOMEM;
	now->first_owner = (uint32_t)step->n_owners;
	now->n_owners = old->n_last;
	memcpy(step->owners + step->n_owners, match->old->owners + old->first_last,
	       old->n_last * sizeof(*step->owners));
	step->n_owners += old->n_last;
	return 0;
}

/* Put owners into the step; process slots are old's. */
static int add_owners(struct match *match, struct skt_sock *sock)
{
	struct skt_step *step = match->step;
	uint32_t first = sock->first_owner;

	if (array_room(&step->owners, &step->room_owners, step->n_owners + sock->n_owners, sizeof(*step->owners)))
		return -ENOMEM;
	sock->first_owner = (uint32_t)step->n_owners;
	for (uint32_t i = 0; i < sock->n_owners; i++) {
		struct skt_owner owner = match->now->owners[first + i];

		owner.process = match->matcher->process_slots[owner.process];
		step->owners[step->n_owners++] = owner;
	}
	return 0;
}

static bool same_owners(const struct match *match, const struct skt_sock *old, const struct skt_sock *now)
{
	if (old->n_owners != now->n_owners)
		return false;
	for (uint32_t i = 0; i < now->n_owners; i++) {
		const struct skt_owner *a = &match->old->owners[old->first_owner + i];
		const struct skt_owner *b = &match->now->owners[now->first_owner + i];

		if (a->fd != b->fd || a->process != match->matcher->process_slots[b->process])
			return false;
	}
	return true;
}

/* How long after the snapshot's instant, at which counts are taken to be read, the table's last row may have been. */
static int64_t lateness(const struct skt_snapshot *snapshot, const struct skt_table *table)
{
	/* longer than any read: the clock was set in between */
	const uint64_t most = 10 * UINT64_C(1000000000);
	uint64_t late = (uint64_t)table->read_us * 1000;

	if (table->read_time > snapshot->time)
		late += (uint64_t)table->read_time - (uint64_t)snapshot->time;
	return (int64_t)(late < most ? late : most);
}

/*
 * How many ticks a count may be off what it was expected to be: one, for the kernel rounds, and those that fit into the
 * longer of the two reads, for what is expected follows from the read before.
 */
static int64_t timer_slack(const struct match *match, const struct skt_table *before, const struct skt_table *after)
{
	int64_t was = lateness(match->old, before), is = lateness(match->now, after);

	return 1 + ((was > is ? was : is) + SKT_TICK_NS - 1) / SKT_TICK_NS;
}

/*
 * Hold the instant of expiry where the count is not too far off; ret_off is by how many ticks, by which apply will pull
 * it.
 */
static uint32_t match_timer(const struct match *match, const struct skt_table *table, const struct skt_sock *old,
			    struct skt_sock *now, int32_t *ret_off)
{
	int64_t slack = timer_slack(match, &match->old->tables[old->table], table);
	int64_t boottime = match->now->boottime, off;
	struct skt_sock held = *old;

	*ret_off = 0;
	if (!skt_sock_has(old, SKT_F_TIMER_MS) || !skt_sock_has(now, SKT_F_TIMER_MS))
		return skt_sock_has(old, SKT_F_TIMER_MS) || skt_sock_has(now, SKT_F_TIMER_MS) ? SKT_BIT(SKT_F_TIMER_MS)
											      : 0;
	off = (int64_t)skt_sock_ticks(now, boottime) - (int64_t)skt_sock_ticks(old, boottime);
	if (old->timer != now->timer || off < -slack || off > slack)
		return SKT_BIT(SKT_F_TIMER_MS);
	if (off && !skt_sock_pull_timer(&held, off, boottime))
		return SKT_BIT(SKT_F_TIMER_MS);
	now->timer_expires = held.timer_expires;
	*ret_off = (int32_t)off;
	return 0;
}

static int match_survivor(struct match *match, uint32_t slot, const struct skt_table *table, const struct skt_sock *row)
{
	const struct skt_sock *old = &match->old->socks[slot];
	struct skt_sock now = *row;
	struct skt_sock_change *change;
	bool carried;
	uint32_t fields;
	int32_t off;
	int rc;

	if (now.tail || now.text) {
		rc = translate(&match->translation, &now.tail);
		if (!rc)
			rc = translate(&match->translation, &now.text);
		if (rc)
			return rc;
	}
	carried = is_carried(old, &now);
	if (carried) {
		now.owner = SKT_OWNER_CARRIED;
		now.owner_gaps = old->owner_gaps;
	}
	fields = match_timer(match, table, old, &now, &off);
	fields |= skt_sock_compare(old, &now);
	if (carried ? old->n_last != 0 : !same_owners(match, old, row))
		fields |= SKT_BIT(SKT_F_OWNERS);
	if (off)
		match->matcher->offs[slot] = off;
	if (!fields)
		return 0;
	change = new_change(match, SKT_CHANGED, slot);
	if (!change)
		return -ENOMEM;
	change->fields = fields;
	change->now = now;
	change->now.table = old->table;
	change->now.first_owner = row->first_owner;
	if (carried && old->n_last)
		return add_last_owners(match, old, &change->now);
	if (fields & SKT_BIT(SKT_F_OWNERS))
		return add_owners(match, &change->now);
	change->now.n_owners = 0;
	return 0;
}

static int match_opened(struct match *match, uint32_t slot, uint32_t table, const struct skt_sock *row)
{
	struct skt_sock_change *change = new_change(match, match->from_nothing ? SKT_PRESENT : SKT_OPENED, slot);
	int rc;

	if (!change)
		return -ENOMEM;
	change->now = *row;
	change->now.table = table;
	change->now.listed = false;
	rc = translate(&match->translation, &change->now.tail);
	if (!rc)
		rc = translate(&match->translation, &change->now.text);
	return rc ? rc : add_owners(match, &change->now);
}

int match_rows(struct match *match, uint32_t slot, const struct skt_table *before, const struct skt_table *after)
{
	static const struct skt_table nothing;
	struct skt_matcher *matcher = match->matcher;
	struct pairing *pairing = &matcher->pairing;
	const struct skt_table *had = before ? before : &nothing;
	int rc = pairing_find(pairing, match->old, had, match->now, after);

	if (!rc)
		rc = array_room(&matcher->row_slots, &matcher->room_row_slots, after->n_rows, sizeof(uint32_t));
	for (size_t i = 0; !rc && i < had->n_rows; i++)
		if (pairing->of_old[i] == MAP_NONE)
			rc = new_change(match, SKT_CLOSED, had->order[i]) ? 0 : -ENOMEM;
	for (size_t i = 0; !rc && i < after->n_rows; i++) {
		const struct skt_sock *row = &match->now->socks[after->order[i]];

		if (pairing->of_now[i] != MAP_NONE) {
			matcher->row_slots[i] = had->order[pairing->of_now[i]];
			rc = match_survivor(match, matcher->row_slots[i], after, row);
		} else {
			matcher->row_slots[i] = match->next_sock++;
			rc = match_opened(match, matcher->row_slots[i], slot, row);
		}
	}
	if (rc)
		return rc;
	return order_find(&matcher->ordering, pairing, slot, had->n_rows, after->n_rows, matcher->row_slots,
			  match->step);
}

int match_lost(struct match *match, uint32_t slot)
{
	const struct skt_table *table = &match->old->tables[slot];

	for (size_t i = 0; i < table->n_rows; i++)
		if (!new_change(match, SKT_LOST, table->order[i]))
			return -ENOMEM;
	return 0;
}
