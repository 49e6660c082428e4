/* SPDX-License-Identifier: MIT */
/*
 * Steps (steps.h), of which the byte in front says what is wanted of them (SKT_WANT_*). What can be taken is a snapshot
 * in every respect; and written anew, it is read as the same.
 */
#include "record/block.h"

#include "steps.h"
#include "taken.h"
#include "scene.c" /* targets link nothing but the library */

#include <errno.h>

static void check_whole(const struct skt_snapshot *snapshot)
{
	char why[256] = "";

	check(scene_is_whole(snapshot, why, sizeof(why)), why);
}

static void begin(struct skt_buf sections[SECTION_END], struct cur in[SECTION_END], bool written)
{
	for (int id = 0; id < SECTION_END; id++)
		if (written)
			cur_init(&in[id], sections[id].data, sections[id].len);
		else
			skt_buf_init(&sections[id]);
}

/* Further from the snapshot than a column says: it came with one boottime and is written with another. */
static bool has_timer_far_off(const struct skt_snapshot *now)
{
	for (size_t i = 0; i < now->n_socks; i++) {
		int64_t ms = now->socks[i].timer_expires / SKT_NS_PER_MS - now->boottime / SKT_NS_PER_MS;

		if (skt_sock_has(&now->socks[i], SKT_F_TIMER_MS) && (ms >= TIMER_MS_MAX || ms <= -TIMER_MS_MAX))
			return true;
	}
	return false;
}

/* The same of the instants of its tables' reads, which came with the time of an earlier step. A writer refuses it. */
static bool has_read_far_off(const struct skt_snapshot *now)
{
	for (size_t i = 0; i < now->n_tables; i++) {
		const struct skt_table *table = &now->tables[i];

		if (!table->gone && table->read_time && !block_time_is_good(table->read_time - now->time))
			return true;
	}
	return false;
}

/* Write a step that led to now, read it, and take it: twin becomes what now is. */
static void rewrite(const struct skt_step *step, const struct skt_snapshot *now, uint32_t first_string, bool key,
		    struct skt_snapshot *twin)
{
	struct skt_buf sections[SECTION_END];
	struct encoder encoder = { .n_rows = 0 };
	struct decoder decoder = { .room = 0 };
	struct cur in[SECTION_END];
	char why[256] = "";
	struct skt_step again;
	struct skt_err err;

	skt_err_init(&err);
	skt_step_init(&again);
	begin(sections, in, false);
	step_encode(&encoder, step, now, first_string, sections);
	begin(sections, in, true);
	if (!step_decode(&decoder, in, SKT_WANT_ALL, twin, key, &again, &err)) {
		again.number = now->number;
		check(!skt_apply(twin, &again, &err), err.message);
		check(skt_snapshot_equal(now, twin, why, sizeof(why)), why);
		check(again.n_events == step->n_events, "events are more or fewer");
		for (size_t i = 0; i < step->n_events; i++)
			check(!memcmp(&again.events[i], &step->events[i], sizeof(*step->events)),
			      "an event is another");
		for (int id = SECTION_META; id < SECTION_END; id++)
			check(cur_is_done(&in[id]), section_name((unsigned)id));
	} else {
		check(has_timer_far_off(now) || has_read_far_off(now), err.message);
	}
	skt_step_release(&again);
	decoder_release(&decoder);
	encoder_release(&encoder);
	for (int id = SECTION_META; id < SECTION_END; id++)
		skt_buf_release(&sections[id]);
}

/* As a recorder would at the beginning of a group. */
static void check_key(const struct skt_snapshot *now)
{
	struct skt_matcher *matcher = skt_matcher_new(1);
	struct skt_snapshot dense, twin;
	struct skt_step key;

	skt_step_init(&key);
	check(!skt_snapshot_init(&dense, NULL, 1) && !skt_snapshot_init(&twin, NULL, 2), "memory");
	check(!skt_match(matcher, &dense, now, true, &key), "match");
	check(!skt_apply(&dense, &key, NULL), "apply");
	check_whole(&dense);
	rewrite(&key, &dense, 1, true, &twin);
	skt_step_release(&key);
	skt_snapshot_release(&dense);
	skt_snapshot_release(&twin);
	skt_matcher_free(matcher);
}

static bool is_an_answer(int rc)
{
	return rc == 0 || rc == -EBADMSG || rc == -E2BIG || rc == -ENOMEM;
}

static void take_steps(struct cur *in, unsigned want, struct skt_snapshot *now, struct skt_snapshot *twin)
{
	struct decoder decoder = { .room = 0 };
	struct cur sections[SECTION_END];
	struct skt_step step;
	bool whole = want == SKT_WANT_ALL;

	skt_step_init(&step);
	for (unsigned i = 0; i < STEPS_MAX && split(in, sections); i++) {
		uint32_t strings = skt_strtab_count(now->strings);
		struct skt_err err;
		int rc;

		skt_err_init(&err);
		rc = step_decode(&decoder, sections, want, now, !i, &step, &err);
		check(is_an_answer(rc) && rc == err.code, "an answer that is none");
		if (rc)
			break;
		step.number = i + 1;
		rc = skt_apply(now, &step, &err);
		check(is_an_answer(rc) && rc == err.code, "an answer that is none");
		if (rc)
			break;
		taken();
		if (!whole)
			continue;
		check_whole(now);
		if (has_timer_far_off(now))
			break;
		rewrite(&step, now, strings, !i, twin);
		check_key(now);
	}
	skt_step_release(&step);
	decoder_release(&decoder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct skt_snapshot now, twin;
	struct cur in;
	unsigned want;

	cur_init(&in, data, size);
	want = cur_byte(&in) & SKT_WANT_ALL;
	if (skt_snapshot_init(&now, NULL, 1) || skt_snapshot_init(&twin, NULL, 2))
		abort();
	take_steps(&in, want, &now, &twin);
	skt_snapshot_release(&now);
	skt_snapshot_release(&twin);
	return 0;
}
