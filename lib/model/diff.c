/* SPDX-License-Identifier: MIT */
#include <skt/diff.h>

#include "base/array.h"
#include "model/diff_holders.h"
#include "model/diff_pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Instants of expiry that are no further apart are the same: a tick and the time that it takes to read a table. */
#define TIMER_SLACK_NS INT64_C(100000000)

/* What matters unless all is asked for. */
#define LOUD (SKT_BIT(SKT_F_STATE) | SKT_BIT(SKT_F_UID))

/* What is another one's on another boot, and says nothing. */
#define OF_BOOT (SKT_BIT(SKT_F_INODE) | SKT_BIT(SKT_F_SK) | SKT_BIT(SKT_F_TIMER_MS))

/* How well was looked. */
#define OF_LOOK (SKT_BIT(SKT_F_OWNER) | SKT_BIT(SKT_F_OWNER_GAPS))

const char *skt_difference_name(unsigned kind)
{
	static const char *const names[] = { "", "opened", "closed", "changed", "replaced", "passed", "transient" };

	return kind < sizeof(names) / sizeof(*names) ? names[kind] : "";
}

bool skt_difference_is_quiet(const struct skt_difference *difference)
{
	if (difference->kind == SKT_DIFF_PASSED)
		return difference->restarted;
	return difference->kind == SKT_DIFF_REPLACED && difference->programs_known && difference->same_programs;
}

static bool same_string(const struct skt_snapshot *a, uint32_t x, const struct skt_snapshot *b, uint32_t y)
{
	size_t x_len, y_len;
	const char *x_bytes = skt_strtab_get(a->strings, x, &x_len), *y_bytes = skt_strtab_get(b->strings, y, &y_len);

	return x_len == y_len && !memcmp(x_bytes, y_bytes, x_len);
}

static uint32_t compare_timers(const struct skt_sock *was, const struct skt_sock *is)
{
	uint64_t apart;

	if (!(was->has & is->has & SKT_BIT(SKT_F_TIMER_MS)))
		return 0;
	apart = was->timer_expires > is->timer_expires ? (uint64_t)was->timer_expires - (uint64_t)is->timer_expires
						       : (uint64_t)is->timer_expires - (uint64_t)was->timer_expires;
	return apart > (uint64_t)TIMER_SLACK_NS ? SKT_BIT(SKT_F_TIMER_MS) : 0;
}

/* Which fields differ between two rows of two snapshots, but for their owners. */
static uint32_t compare_rows(const struct diff_pairs *pairs, const struct skt_sock *was, const struct skt_sock *is)
{
	const struct skt_snapshot *before = pairs->before.snapshot, *after = pairs->after.snapshot;
	struct skt_sock same_texts = *is;
	uint32_t fields;

	/* their ids are of two tables of strings */
	same_texts.tail = was->tail;
	same_texts.text = was->text;
	fields = skt_sock_compare(was, &same_texts) | compare_timers(was, is);
	if (was->has & is->has & SKT_BIT(SKT_F_TAIL) && !same_string(before, was->tail, after, is->tail))
		fields |= SKT_BIT(SKT_F_TAIL);
	if (fields & SKT_BIT(SKT_F_HAS))
		fields |= (was->has ^ is->has) & SKT_OPTIONAL;
	fields &= ~(SKT_BIT(SKT_F_HAS) | SKT_BIT(SKT_F_TEXT) | OF_LOOK);
	return pairs->options->across ? fields & ~OF_BOOT : fields;
}

static struct skt_difference *add(struct skt_diff *diff, uint8_t kind)
{
	struct skt_difference *item;

	if (array_room(&diff->items, &diff->room, diff->n + 1, sizeof(*diff->items)))
		return NULL;
	item = &diff->items[diff->n++];
	memset(item, 0, sizeof(*item));
	item->kind = kind;
	item->before = SKT_NO_SLOT;
	item->after = SKT_NO_SLOT;
	return item;
}

static int add_same(struct skt_diff *diff, uint32_t slot)
{
	if (array_room(&diff->same, &diff->room_same, diff->n_same + 1, sizeof(*diff->same)))
		return -ENOMEM;
	diff->same[diff->n_same++] = slot;
	return 0;
}

/*
 * When a row stood in its table: the read that it was found by, which for a table that waits for its turn is an old
 * one.
 */
static int64_t seen(const struct skt_snapshot *snapshot, uint32_t slot)
{
	const struct skt_table *table = &snapshot->tables[snapshot->socks[slot].table];

	return table->status == SKT_TABLE_STALE && table->read_time ? table->read_time : snapshot->time;
}

/* What is said of each, whatever it is. */
static void describe(const struct diff_pairs *pairs, struct skt_difference *item)
{
	const struct skt_snapshot *before = pairs->before.snapshot, *after = pairs->after.snapshot;
	uint32_t ends = item->before != SKT_NO_SLOT ? pairs->before.ends[item->before] : pairs->after.ends[item->after];
	int64_t was = item->before != SKT_NO_SLOT ? seen(before, item->before) : before->time;
	int64_t is = item->after != SKT_NO_SLOT ? seen(after, item->after) : after->time;

	item->twins_before = pairs->twins[ends][0];
	item->twins_after = pairs->twins[ends][1];
	item->since = was < is ? was : is;
	item->until = was < is ? is : was;
}

/* Whether the holders of both rows run the same programs, as far as that is known. */
static int compare_programs(const struct diff_pairs *pairs, struct skt_difference *item)
{
	const struct diff_side *before = &pairs->before, *after = &pairs->after;
	uint64_t was, is;
	int rc = diff_programs(before->snapshot, &before->snapshot->socks[item->before], before->program,
			       pairs->options->seed, &was);

	if (!rc)
		rc = diff_programs(after->snapshot, &after->snapshot->socks[item->after], after->program,
				   pairs->options->seed, &is);
	if (rc)
		return rc;
	item->programs_known = was && is;
	item->same_programs = was && was == is;
	return 0;
}

static int add_unsure(struct skt_diff *diff, uint32_t before, uint32_t after)
{
	if (array_room(&diff->unsure, &diff->room_unsure, diff->n_unsure + 1, sizeof(*diff->unsure)))
		return -ENOMEM;
	diff->unsure[diff->n_unsure++] = (struct skt_unsure){ before, after };
	return 0;
}

/* Whether other hands are told, or whether all is. */
static bool are_told(const struct diff_pairs *pairs, enum skt_hands hands)
{
	switch (hands) {
	case SKT_HANDS_SAME:
		return false;
	case SKT_HANDS_FOUND:
	case SKT_HANDS_MOVED:
		return pairs->options->all;
	default:
		return true;
	}
}

/* A pair: what it is, if it is anything. */
static int judge(const struct diff_pairs *pairs, uint32_t slot, struct skt_diff *diff)
{
	const struct diff_side *before = &pairs->before, *after = &pairs->after;
	uint32_t was_slot = after->partner[slot], loud = LOUD;
	const struct skt_sock *was = &before->snapshot->socks[was_slot], *is = &after->snapshot->socks[slot];
	struct diff_hands found = { .hands = SKT_HANDS_SAME };
	uint32_t fields = compare_rows(pairs, was, is);
	bool other = pairs->is_other[was_slot], passed;
	struct skt_difference *item;

	if (!other && !pairs->options->across)
		diff_hands(pairs, was, is, &found);
	/* who closes it loses its inode, and with it its uid; who accepts it makes both */
	if (found.hands == SKT_HANDS_ORPHANED || found.hands == SKT_HANDS_ACCEPTED)
		loud &= ~SKT_BIT(SKT_F_UID);
	if (other)
		loud |= SKT_BIT(SKT_F_INODE);
	if (!pairs->options->all)
		fields &= loud;
	passed = found.hands == SKT_HANDS_SHARED || found.hands == SKT_HANDS_PASSED ||
		 found.hands == SKT_HANDS_RELEASED || found.process_fields;
	if (passed || other || are_told(pairs, found.hands))
		fields |= SKT_BIT(SKT_F_OWNERS);
	if (!are_told(pairs, found.hands))
		found.hands = SKT_HANDS_SAME;
	if (found.doubtful && add_unsure(diff, was_slot, slot))
		return -ENOMEM;
	if (!other && !fields)
		return add_same(diff, slot);
	item = add(diff, other ? SKT_DIFF_REPLACED : passed ? SKT_DIFF_PASSED : SKT_DIFF_CHANGED);
	if (!item)
		return -ENOMEM;
	item->before = was_slot;
	item->after = slot;
	item->hands = (uint8_t)found.hands;
	item->restarted = found.restarted;
	item->executed = found.process_fields;
	item->process_fields = found.process_fields;
	item->was_process = found.was_process;
	item->is_process = found.is_process;
	item->fields = fields;
	describe(pairs, item);
	return compare_programs(pairs, item);
}

static int add_lone(const struct diff_pairs *pairs, uint8_t kind, uint32_t slot, struct skt_diff *diff)
{
	struct skt_difference *item = add(diff, kind);

	if (!item)
		return -ENOMEM;
	if (kind == SKT_DIFF_CLOSED)
		item->before = slot;
	else
		item->after = slot;
	describe(pairs, item);
	return 0;
}

static int collect(const struct diff_pairs *pairs, const struct diff_side *side, struct skt_diff *diff)
{
	bool is_after = side == &pairs->after;
	int rc = 0;

	for (size_t t = 0; !rc && t < side->snapshot->n_tables; t++) {
		const struct skt_table *table = &side->snapshot->tables[t];

		for (size_t i = 0; !rc && !table->gone && i < table->n_rows; i++) {
			uint32_t slot = table->order[i];

			if (side->ends[slot] == DIFF_NONE)
				continue;
			if (side->partner[slot] == DIFF_NONE)
				rc = add_lone(pairs, is_after ? SKT_DIFF_OPENED : SKT_DIFF_CLOSED, slot, diff);
			else if (is_after)
				rc = judge(pairs, slot, diff);
		}
	}
	return rc;
}

int skt_diff_find(const struct skt_snapshot *before, const struct skt_snapshot *after,
		  const struct skt_diff_options *options, struct skt_diff *ret)
{
	struct diff_pairs pairs;
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = diff_pairs_find(&pairs, before, after, options);
	if (!rc)
		rc = collect(&pairs, &pairs.before, ret);
	if (!rc)
		rc = collect(&pairs, &pairs.after, ret);
	diff_pairs_release(&pairs);
	return rc;
}

void skt_diff_release(struct skt_diff *diff)
{
	free(diff->items);
	free(diff->same);
	free(diff->unsure);
	memset(diff, 0, sizeof(*diff));
}
