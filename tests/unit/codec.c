/* SPDX-License-Identifier: MIT */
#include "recording.h"
#include "sanitized.h"
#include "scene.h"
#include "step_text.h"

#include "record/codec.h"
#include "record/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * decode(encode(step)), taken by a reader who has nothing but the bytes, leads to the same snapshot in the same slots
 * with the same string ids, and says the same; for chains of random snapshots, several steps in a block.
 */

enum { WORLDS = SANITIZED ? 40 : 120, STEPS = 24 };

/* Who writes, and who reads what was written. */
struct both {
	struct skt_snapshot now;
	struct skt_snapshot read;
	struct skt_step step;
	struct skt_step step_read;
	struct encoder encoder;
	struct decoder decoder;
	struct skt_matcher *matcher;
	struct skt_buf sections[SECTION_END];
	uint32_t strings; /* written so far */
	char *says[8];	  /* what each step of the block said */
	struct skt_snapshot was[8];
	uint32_t digest; /* of what was read, step by step */
	unsigned n;
	unsigned changes[SKT_LOST + 1], process_changes[SKT_PROCESS_EXITED + 1], held_off, raw, puts;
};

static void both_begin(struct both *both, uint64_t seed)
{
	memset(both, 0, sizeof(*both));
	assert_int_equal(skt_snapshot_init(&both->now, NULL, seed), 0);
	assert_int_equal(skt_snapshot_init(&both->read, NULL, ~seed), 0);
	skt_step_init(&both->step);
	skt_step_init(&both->step_read);
	both->matcher = skt_matcher_new(seed);
	assert_non_null(both->matcher);
	for (int id = SECTION_META; id < SECTION_END; id++)
		skt_buf_init(&both->sections[id]);
}

static void both_end(struct both *both)
{
	skt_snapshot_release(&both->now);
	skt_snapshot_release(&both->read);
	skt_step_release(&both->step);
	skt_step_release(&both->step_read);
	skt_matcher_free(both->matcher);
	encoder_release(&both->encoder);
	decoder_release(&both->decoder);
	for (int id = SECTION_META; id < SECTION_END; id++)
		skt_buf_release(&both->sections[id]);
}

static void note(struct both *both, const struct skt_step *step)
{
	assert_true(both->n < sizeof(both->says) / sizeof(*both->says));
	both->says[both->n] = step_text(step, &both->now, true);
	assert_int_equal(skt_snapshot_copy(&both->now, &both->was[both->n++]), 0);
	for (size_t i = 0; i < step->n_socks; i++)
		both->changes[step->socks[i].change]++;
	for (size_t i = 0; i < step->n_processes; i++)
		both->process_changes[step->processes[i].change]++;
	for (size_t i = 0; i < step->n_tables; i++)
		both->raw += step->tables[i].raw_changed;
	both->held_off += (unsigned)step->n_timers;
	both->puts += (unsigned)step->n_puts;
}

static void encode(struct both *both, const struct skt_step *step, uint32_t first_string)
{
	step_encode(&both->encoder, step, &both->now, first_string, both->sections);
	both->strings = skt_strtab_count(both->now.strings);
	note(both, step);
}

/* The whole snapshot, dense, as the step from nothing. */
static void encode_key(struct both *both)
{
	struct skt_snapshot dense;

	assert_int_equal(skt_snapshot_init(&dense, NULL, 1), 0);
	assert_int_equal(skt_match(both->matcher, &dense, &both->now, true, &both->step), 0);
	assert_int_equal(skt_apply(&dense, &both->step, NULL), 0);
	skt_snapshot_release(&both->now);
	both->now = dense;
	encode(both, &both->step, 1);
}

/* The same things under the same numbers. */
static bool same_numbers(const struct skt_snapshot *a, const struct skt_snapshot *b)
{
	if (a->n_socks != b->n_socks || a->n_processes != b->n_processes || a->n_tables != b->n_tables ||
	    skt_strtab_count(a->strings) != skt_strtab_count(b->strings))
		return false;
	for (uint32_t i = 0; i < skt_strtab_count(a->strings); i++) {
		size_t a_len, b_len;
		const char *a_text = skt_strtab_get(a->strings, i, &a_len);
		const char *b_text = skt_strtab_get(b->strings, i, &b_len);

		if (a_len != b_len || memcmp(a_text, b_text, a_len))
			return false;
	}
	for (size_t i = 0; i < a->n_socks; i++) {
		const struct skt_sock *x = &a->socks[i], *y = &b->socks[i];

		if (x->table != y->table || x->tail != y->tail || x->text != y->text || x->n_owners != y->n_owners ||
		    x->timer_expires != y->timer_expires)
			return false;
	}
	for (size_t i = 0; i < a->n_processes; i++)
		if (a->processes[i].pid != b->processes[i].pid || a->processes[i].comm != b->processes[i].comm ||
		    a->processes[i].exited != b->processes[i].exited ||
		    a->processes[i].sockets != b->processes[i].sockets)
			return false;
	return true;
}

static bool decode_step(struct both *both, struct cur in[SECTION_END], unsigned i, bool key)
{
	struct skt_err err;
	char why[256] = "";
	char *says;
	bool good;

	skt_err_init(&err);
	if (step_decode(&both->decoder, in, SKT_WANT_ALL, &both->read, key, &both->step_read, &err) ||
	    (both->step_read.number = both->was[i].number, skt_apply(&both->read, &both->step_read, &err))) {
		print_message("%s\n", err.message);
		return false;
	}
	both->digest = key ? digest_rows(&both->read) : digest_step(both->digest, &both->read, &both->step_read);
	if (both->digest != digest_rows(&both->read)) {
		print_message("the digest went astray\n");
		return false;
	}
	says = step_text(&both->step_read, &both->read, true);
	good = step_text_same(both->says[i], says);
	free(says);
	if (good && !skt_snapshot_equal(&both->was[i], &both->read, why, sizeof(why)))
		good = false;
	if (good && !scene_is_whole(&both->read, why, sizeof(why)))
		good = false;
	if (*why)
		print_message("%s\n", why);
	return good;
}

/* Read the block, and begin another. */
static bool decode_block(struct both *both, bool key)
{
	struct cur in[SECTION_END];
	bool good = true;

	for (int id = SECTION_META; id < SECTION_END; id++) {
		assert_int_equal(skt_buf_status(&both->sections[id]), 0);
		cur_init(&in[id], both->sections[id].data, both->sections[id].len);
	}
	for (unsigned i = 0; i < both->n; i++) {
		good = good && decode_step(both, in, i, key);
		skt_snapshot_release(&both->was[i]);
		free(both->says[i]);
	}
	for (int id = SECTION_META; id < SECTION_END; id++) {
		if (good && !cur_is_done(&in[id])) {
			print_message("section %s is not read to its end\n", section_name((unsigned)id));
			good = false;
		}
		skt_buf_clear(&both->sections[id]);
	}
	both->n = 0;
	if (good && !same_numbers(&both->now, &both->read)) {
		print_message("other slots or strings\n");
		good = false;
	}
	return good;
}

static bool begin_group(struct both *both)
{
	struct skt_strtab *strings = skt_strtab_new(17);

	encode_key(both);
	skt_snapshot_clear(&both->read, strings);
	skt_strtab_unref(strings);
	return decode_block(both, true);
}

static bool walk_world(uint64_t seed, struct both *both)
{
	static const uint32_t rows[] = { 1, 4, 12, 40 };
	static const int64_t passes[] = { 50 * SKT_NS_PER_MS, SKT_NS_PER_S, 70 * SKT_NS_PER_S };
	struct random random = { .state = seed };
	struct random_world world = { .sk_hidden = random_one_in(&random, 4), .rows = rows[random_below(&random, 4)] };
	int64_t passed = passes[random_below(&random, 3)];
	struct recording front = { .fd = -1 };
	bool good = true;

	for (unsigned i = 0; good && i < STEPS; i++) {
		struct skt_snapshot seen;
		bool key;

		front.now = both->now;
		recording_random(&front, &random, &world, passed, &seen);
		key = !i || random_one_in(&random, 10);
		if (both->n == 5 || (both->n && (key || random_one_in(&random, 2))))
			good = decode_block(both, false);
		assert_int_equal(skt_match(both->matcher, &both->now, &seen, !i, &both->step), 0);
		assert_int_equal(skt_apply(&both->now, &both->step, NULL), 0);
		skt_snapshot_release(&seen);
		if (!key)
			encode(both, &both->step, both->strings);
		else if (good)
			good = begin_group(both);
	}
	for (unsigned i = 0; i < both->n; i++) {
		skt_snapshot_release(&both->was[i]);
		free(both->says[i]);
	}
	both->n = 0;
	return good;
}

static void what_was_encoded_is_decoded(void **state)
{
	const char *only = getenv("SEED");
	unsigned bad = 0, total[SKT_LOST + 1] = { 0 }, processes[SKT_PROCESS_EXITED + 1] = { 0 };
	unsigned held_off = 0, raw = 0, puts = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= WORLDS; seed++) {
		struct both both;

		if (only && seed != strtoull(only, NULL, 0))
			continue;
		both_begin(&both, seed);
		if (!walk_world(seed, &both)) {
			print_message("seed %llu\n", (unsigned long long)seed);
			bad++;
			both_end(&both);
			break;
		}
		for (int i = 0; i <= SKT_LOST; i++)
			total[i] += both.changes[i];
		for (int i = 0; i <= SKT_PROCESS_EXITED; i++)
			processes[i] += both.process_changes[i];
		held_off += both.held_off;
		raw += both.raw;
		puts += both.puts;
		both_end(&both);
	}
	assert_false(bad);
	if (only)
		return;
	/* the worlds held what they are to prove */
	for (int i = SKT_PRESENT; i <= SKT_LOST; i++)
		assert_true(total[i] > 100);
	for (int i = SKT_PROCESS_APPEARED; i <= SKT_PROCESS_EXITED; i++)
		assert_true(processes[i] > 100);
	assert_true(held_off > 100 && raw > 100 && puts > 1000);
}

/* --- every member at its ends --- */

static void set_extreme(struct skt_sock *row, bool high)
{
	memset(row->local_address, high ? 0xff : 0, 16);
	memset(row->remote_address, high ? 0xff : 0, 16);
	row->local_port = row->remote_port = high ? UINT16_MAX : 0;
	row->inode = row->sk = row->rto = row->ato = high ? UINT64_MAX : 0;
	row->tx_queue = row->rx_queue = row->retransmits = row->uid = high ? UINT32_MAX : 0;
	row->quick = row->cwnd = row->drops = high ? UINT32_MAX : 0;
	row->probes = row->ref = row->ssthresh = high ? INT32_MAX : INT32_MIN;
	row->has = SKT_OPTIONAL | (high ? SKT_HAS_SHORT_SK : 0);
	row->state = row->timer = row->owner = row->owner_gaps = high ? UINT8_MAX : 0;
}

static void set_extreme_words(struct skt_snapshot *snapshot, bool high)
{
	struct skt_quality *quality = &snapshot->quality;
	struct skt_table *table = &snapshot->tables[0];
	uint32_t most = high ? UINT32_MAX : 0;

	/* the year 2116 is as far as the format goes */
	snapshot->time = high ? (INT64_C(1) << 62) - 1 : 1;
	snapshot->end = snapshot->time;
	snapshot->boottime = high ? (INT64_C(1) << 62) - 1 : 0;
	snapshot->missed = most;
	*quality = (struct skt_quality){ .walk = high ? UINT8_MAX : 0,
					 .processes = most,
					 .links = most,
					 .denied = most,
					 .vanished = most,
					 .unsearched = most,
					 .malformed = most,
					 .walk_us = most,
					 .netns_denied = most,
					 .checked_since = snapshot->time,
					 .events_tables = most,
					 .events_deaf = most,
					 .events_lost_since = snapshot->time,
					 .events_lost_until = snapshot->time,
					 .lived_told = high,
					 .lived_lost = high,
					 .lived_more = most,
					 .n_findings = 1,
					 .more_findings = most,
					 .findings = { { .kind = high ? UINT8_MAX : 0,
							 .table = high ? SKT_TABLE_KINDS - 1 : 0,
							 .pid = most,
							 .fd = high ? INT32_MAX : -1,
							 .inode = high ? UINT64_MAX : 0,
							 .net_namespace = high ? UINT64_MAX : 0 } } };
	table->net_namespace = high ? UINT64_MAX : 0;
	table->error = high ? 0 : INT32_MIN;
	table->read_time = snapshot->time;
	table->read_us = table->duplicates = table->malformed = most;
}

static void set_extreme_process(struct skt_process *process, bool high)
{
	process->pid = process->ppid = process->uid = process->threads = high ? UINT32_MAX : 0;
	process->start_time = process->net_namespace = high ? UINT64_MAX : 0;
	process->has = high ? SKT_BIT(SKT_PROCESS_FIELDS) - 1 : 0;
	process->state = high ? UINT8_MAX : 0;
	process->exe_deleted = process->cmdline_truncated = high;
}

/* From one end of every member to the other, as one chain. */
static void every_member_survives_at_its_ends(void **state)
{
	struct both both;

	(void)state;
	both_begin(&both, 1);
	for (int i = 0; i < 6; i++) {
		struct skt_snapshot seen;
		bool high = i & 1;

		scene_begin(&seen, NULL, i);
		scene_table(&seen, i & 2 ? SKT_TCP6 : SKT_TCP, 0);
		scene_process(&seen, 1, 1, i & 2 ? "" : "comm");
		for (int k = 0; k < 3; k++) {
			struct skt_sock row = scene_sock(1, 1, 1, 1, 1);

			set_extreme(&row, high ^ (k == 1));
			if (!(i & 2)) {
				memset(row.local_address + 4, 0, 12);
				memset(row.remote_address + 4, 0, 12);
			}
			row.timer = 1;
			skt_sock_set_ticks(&row, high ? SKT_TICKS_MAX : 0, 0);
			row.tail = scene_string(&seen, high ? "tail" : "");
			if (k)
				scene_add(&seen, row);
			else
				scene_add_held(&seen, row, 0, high ? INT32_MAX : INT32_MIN);
		}
		scene_end(&seen);
		set_extreme_words(&seen, high);
		set_extreme_process(&seen.processes[0], high);
		if (skt_sock_has(&seen.socks[0], SKT_F_TIMER_MS))
			for (int k = 0; k < 3; k++)
				skt_sock_set_ticks(&seen.socks[k], high ? SKT_TICKS_MAX : 0, seen.boottime);
		assert_int_equal(skt_match(both.matcher, &both.now, &seen, !i, &both.step), 0);
		assert_int_equal(skt_apply(&both.now, &both.step, NULL), 0);
		skt_snapshot_release(&seen);
		if (!i) {
			assert_true(begin_group(&both));
			continue;
		}
		encode(&both, &both.step, both.strings);
		assert_true(decode_block(&both, false));
		/* and the same as a key */
		assert_true(begin_group(&both));
	}
	both_end(&both);
}

/* --- strings --- */

static void strings_keep_every_byte_and_the_longest_fits(void **state)
{
	char *longest = malloc(SKT_STRING_MAX);
	struct skt_snapshot seen;
	struct both both;
	char all[256];

	(void)state;
	assert_non_null(longest);
	for (size_t i = 0; i < SKT_STRING_MAX; i++)
		longest[i] = (char)(i * i >> 7);
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	both_begin(&both, 2);
	scene_begin(&seen, NULL, 0);
	scene_table(&seen, SKT_UDP, 5);
	scene_process(&seen, 7, 7, "x");
	assert_int_equal(skt_strtab_add(seen.strings, longest, SKT_STRING_MAX, &seen.processes[0].cmdline), 0);
	assert_int_equal(skt_strtab_add(seen.strings, all, sizeof(all), &seen.processes[0].comm), 0);
	assert_int_equal(skt_snapshot_add_user(&seen, UINT32_MAX, seen.processes[0].comm), 0);
	assert_int_equal(skt_snapshot_add_user(&seen, 0, 0), 0);
	scene_add_held(&seen, scene_sock(1, 2, 3, 4, 5), 0, 6);
	scene_end(&seen);
	assert_int_equal(skt_match(both.matcher, &both.now, &seen, true, &both.step), 0);
	assert_int_equal(skt_apply(&both.now, &both.step, NULL), 0);
	assert_true(begin_group(&both));
	skt_snapshot_release(&seen);
	both_end(&both);
	free(longest);
}

static void a_snapshot_of_nothing_at_all_is_one(void **state)
{
	struct skt_snapshot seen;
	struct both both;

	(void)state;
	both_begin(&both, 3);
	for (int i = 0; i < 3; i++) {
		scene_begin(&seen, NULL, i);
		assert_int_equal(skt_match(both.matcher, &both.now, &seen, !i, &both.step), 0);
		assert_int_equal(skt_apply(&both.now, &both.step, NULL), 0);
		skt_snapshot_release(&seen);
		if (i)
			encode(&both, &both.step, both.strings);
		assert_true(i ? decode_block(&both, false) : begin_group(&both));
	}
	both_end(&both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_encoded_is_decoded),
		cmocka_unit_test(every_member_survives_at_its_ends),
		cmocka_unit_test(strings_keep_every_byte_and_the_longest_fits),
		cmocka_unit_test(a_snapshot_of_nothing_at_all_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
