/* SPDX-License-Identifier: MIT */
#include "record/gather.h"

#include "base/array.h"
#include "model/step.h"
#include "record/columns.h"
#include "record/digest.h"
#include "record/events.h"

#include <errno.h>

/* A group begins anew when its steps have grown to four times its key block, so keys are a fifth at most ... */
#define GROUP_GROWTH 4
/* ... but not sooner than this, and not later. */
#define GROUP_LEAST_NS	     (5 * SKT_NS_PER_S)
#define GROUP_MOST_NS	     (60 * SKT_NS_PER_S)
#define GROUP_MOST_SNAPSHOTS 2048

/* 0 if a reader takes this time, which is said to be so far from another one; else -EINVAL. */
static int check_time(const struct skt_snapshot *now, const char *what, int64_t when, int64_t base, struct skt_err *err)
{
	if (block_time_is_good(when) && block_time_is_good(when - base))
		return 0;
	return skt_err_set(err, -EINVAL,
			   "snapshot #%llu has a %s of %lld ns, which is not within %lld of 1970 and of its time",
			   (unsigned long long)now->number, what, (long long)when, (long long)BLOCK_TIME_MAX);
}

/* The same of how far a timer is from its snapshot, which a clock that jumped can leave far behind. */
static int check_timer(const struct skt_snapshot *now, const struct skt_sock *sock, struct skt_err *err)
{
	int64_t ms;

	if (!skt_sock_has(sock, SKT_F_TIMER_MS))
		return 0;
	ms = (sock->timer_expires - timer_base(now->boottime)) / SKT_NS_PER_MS;
	if (ms <= TIMER_MS_MAX && ms >= -TIMER_MS_MAX)
		return 0;
	return skt_err_set(err, -EINVAL,
			   "snapshot #%llu has a timer %lld ms from its boottime, which is not within %lld",
			   (unsigned long long)now->number, (long long)ms, (long long)TIMER_MS_MAX);
}

/* Of the rows that are written: all that there are with a key, else those that changed. */
static int check_timers(const struct skt_snapshot *now, const struct skt_step *step, bool key, struct skt_err *err)
{
	int rc = 0;

	for (size_t i = 0; !key && !rc && i < step->n_socks; i++)
		rc = check_timer(now, &step->socks[i].now, err);
	for (size_t t = 0; key && !rc && t < now->n_tables; t++)
		for (size_t i = 0; !now->tables[t].gone && !rc && i < now->tables[t].n_rows; i++)
			rc = check_timer(now, &now->socks[now->tables[t].order[i]], err);
	return rc;
}

int gather_check(const struct skt_snapshot *now, const struct skt_step *step, bool key, struct skt_err *err)
{
	int rc = check_time(now, "time", now->time, 0, err);

	if (!rc && (now->boottime < 0 || !block_time_is_good(now->boottime)))
		return skt_err_set(
			err, -EINVAL, "snapshot #%llu has a boottime of %lld ns, which is not within 0 to %lld",
			(unsigned long long)now->number, (long long)now->boottime, (long long)BLOCK_TIME_MAX);
	if (!rc)
		rc = check_time(now, "end", now->end, now->time, err);
	for (size_t i = 0; i < now->n_tables && !rc; i++)
		if (!now->tables[i].gone && now->tables[i].read_time)
			rc = check_time(now, "table read", now->tables[i].read_time, now->time, err);
	if (!rc)
		rc = check_timers(now, step, key, err);
	for (size_t i = 0; i < step->n_events && !rc; i++) {
		rc = check_time(now, "event", step->events[i].when, now->time, err);
		if (!rc && i && step->events[i].when < step->events[i - 1].when)
			rc = skt_err_set(err, -EINVAL,
					 "snapshot #%llu has event %zu of a time before that of event %zu",
					 (unsigned long long)now->number, i + 1, i);
	}
	return rc;
}

bool skt_writer_begins_group(const struct skt_writer *writer, const struct skt_snapshot *now)
{
	struct output_state state = queue_state(writer->queue);
	int64_t age = now->boottime - writer->group_boottime;

	return !writer->began || state.over >= writer->group || skt_snapshot_is_over(now) || age >= GROUP_MOST_NS ||
	       age < 0 || now->time < writer->last_time || writer->group_snapshots >= GROUP_MOST_SNAPSHOTS ||
	       (age >= GROUP_LEAST_NS && state.measured == writer->group &&
		state.step_bytes >= GROUP_GROWTH * state.key_bytes);
}

/*
 * Of the step that led to a snapshot, only what was told cannot be found anew where it is made dense: events, and
 * processes that no look has seen. Both go into a step of their own, in the dense one's numbers.
 */
static int carry_told(const struct skt_step *step, const struct skt_snapshot *now, struct skt_snapshot *dense,
		      struct skt_step *told)
{
	int rc = events_carry(step->events, step->n_events, now, dense, told);

	return rc ? rc : step_carry_lived(step, now, dense, told);
}

/* And from there into the key: events are all that it has of them, processes come after those that it found. */
static int add_told(struct skt_step *key, struct skt_step *told)
{
	if (array_room(&key->processes, &key->room_processes, key->n_processes + told->n_processes,
		       sizeof(*key->processes)))
		return -ENOMEM;
	for (size_t i = 0; i < told->n_processes; i++)
		key->processes[key->n_processes++] = told->processes[i];
	key->events = told->events;
	key->n_events = told->n_events;
	key->room_events = told->room_events;
	told->events = NULL;
	told->n_events = 0;
	told->room_events = 0;
	return 0;
}

/*
 * The step that leads to a dense snapshot from nothing. It is not applied to anything: rows, owners and processes are
 * found in the order in which the snapshot has them, and with its strings, so it has the numbers already that applying
 * would give.
 */
static int find_key(struct skt_writer *writer, const struct skt_snapshot *dense, struct skt_step *key)
{
	struct skt_snapshot nothing;
	int rc = skt_snapshot_init(&nothing, dense->strings, 0);

	if (rc)
		return rc;
	rc = skt_match(writer->matcher, &nothing, dense, true, key);
	skt_snapshot_release(&nothing);
	return rc;
}

/*
 * The whole snapshot, as the step that leads to it from nothing. A dense copy takes the place of `now`: it is what a
 * reader will have, with a table of only the strings in use. What was there goes before the step is found, for of each
 * of the three all rows are.
 */
static int put_dense(struct skt_writer *writer, struct skt_snapshot *now, const struct skt_step *step,
		     struct skt_err *err)
{
	struct skt_snapshot dense;
	struct skt_step key, told;
	int rc = skt_snapshot_copy(now, &dense);

	if (rc)
		return skt_err_set(err, rc,
				   rc == -E2BIG ? "snapshot exceeds what a recording may hold" : "out of memory");
	skt_step_init(&key);
	skt_step_init(&told);
	if (carry_told(step, now, &dense, &told)) {
		rc = skt_err_set(err, -ENOMEM, "out of memory");
		skt_snapshot_release(&dense);
	} else if (skt_snapshot_is_over(&dense)) {
		/* with those that no look has seen */
		rc = skt_err_set(err, -E2BIG, "snapshot exceeds what a recording may hold");
		skt_snapshot_release(&dense);
	} else {
		skt_snapshot_release(now);
		*now = dense;
		if (find_key(writer, now, &key) || add_told(&key, &told))
			rc = skt_err_set(err, -ENOMEM, "out of memory");
	}
	if (!rc) {
		step_encode(&writer->encoder, &key, now, 1, writer->item.sections);
		keys_of_snapshot(now, &key, &writer->item.keys, &writer->item.facts);
	}
	/* it is the largest thing there is, and not needed for a minute */
	skt_step_release(&key);
	skt_step_release(&told);
	return rc;
}

/* Whether this step itself leads from nothing to all that is there, as a recorder's first does. */
static bool is_key(const struct skt_snapshot *now, const struct skt_step *step)
{
	return step->from == INT64_MIN && !step->unordered && step->n_socks == now->n_socks &&
	       step->n_processes == now->n_processes && step->n_tables == now->n_tables &&
	       step->n_users == now->n_users && !skt_snapshot_is_over(now);
}

static int add_key(struct skt_writer *writer, struct skt_snapshot *now, const struct skt_step *step,
		   struct skt_err *err)
{
	int rc = 0;

	if (is_key(now, step)) {
		step_encode(&writer->encoder, step, now, 1, writer->item.sections);
		keys_of_snapshot(now, step, &writer->item.keys, &writer->item.facts);
	} else {
		rc = put_dense(writer, now, step, err);
	}
	if (rc)
		return rc;
	if (!writer->began)
		reads_forget(&writer->reads);
	/* without these keys are not written, but nothing is lost */
	writer->item.keys.failed |=
		reads_begin_group(&writer->reads, now, writer->item.facts.blind, &writer->item.facts.heard) != 0;
	writer->began = true;
	writer->group_boottime = now->boottime;
	writer->group++;
	writer->group_snapshots = 0;
	writer->digest = digest_rows(now);
	writer->item.head.type = BLOCK_KEY;
	return 0;
}

int gather(struct skt_writer *writer, struct skt_snapshot *now, const struct skt_step *step, bool key,
	   struct skt_err *err)
{
	struct block_head *head = &writer->item.head;
	int rc = 0;

	if (!head->snapshots) {
		head->type = BLOCK_STEPS;
		head->number = now->number;
		head->first = now->time;
		writer->head_boottime = now->boottime;
	}
	head->last = now->time;
	head->snapshots++;
	writer->next_number = now->number + 1;
	writer->last_time = now->time;
	if (key) {
		rc = add_key(writer, now, step, err);
	} else {
		step_encode(&writer->encoder, step, now, writer->strings, writer->item.sections);
		keys_of_step(now, step, &writer->item.keys, &writer->item.facts);
		writer->item.keys.failed |=
			reads_step(&writer->reads, now, step, writer->item.facts.blind, &writer->item.facts.heard) != 0;
		writer->digest = digest_step(writer->digest, now, step);
	}
	writer->group_snapshots++;
	writer->strings = skt_strtab_count(now->strings);
	return rc;
}
