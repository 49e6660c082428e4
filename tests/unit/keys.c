/* SPDX-License-Identifier: MIT */
#include "recording.h"
#include "scene.h"

#include "record/cursor.h"
#include "record/file.h"
#include "record/keys.h"

#include <skt/coverage.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Which groups hold a key: held against a walk over all of them, which asks each row and process. */

static const unsigned every_doubt = SKT_DOUBT_TABLES | SKT_DOUBT_OWNERS;

/* Several groups, each as long as the writer lets a minute be. */
static void make_groups(struct recording *recording, uint64_t seed, unsigned n)
{
	recording_make(recording, seed, n, 6, 10 * SKT_NS_PER_S);
}

static bool has_address(const struct skt_snapshot *snapshot, const uint8_t address[16])
{
	for (size_t i = 0; i < snapshot->n_socks; i++)
		if (snapshot->socks[i].table != SKT_NO_TABLE && !memcmp(snapshot->socks[i].remote_address, address, 16))
			return true;
	return false;
}

static bool has_port(const struct skt_snapshot *snapshot, uint16_t port, bool remote)
{
	for (size_t i = 0; i < snapshot->n_socks; i++) {
		const struct skt_sock *sock = &snapshot->socks[i];

		if (sock->table != SKT_NO_TABLE && (remote ? sock->remote_port : sock->local_port) == port)
			return true;
	}
	return false;
}

static bool has_pid(const struct skt_snapshot *snapshot, uint32_t pid)
{
	for (size_t i = 0; i < snapshot->n_processes; i++)
		if (skt_process_is_listed(&snapshot->processes[i]) && snapshot->processes[i].pid == pid)
			return true;
	return false;
}

static bool has_comm(const struct skt_snapshot *snapshot, const char *comm, size_t len)
{
	for (size_t i = 0; i < snapshot->n_processes; i++) {
		const struct skt_process *process = &snapshot->processes[i];
		size_t its_len;
		const char *its;

		if (!skt_process_is_listed(process) || !(process->has & SKT_BIT(SKT_P_COMM)))
			continue;
		its = skt_strtab_get(snapshot->strings, process->comm, &its_len);
		if (its_len == len && !memcmp(its, comm, len))
			return true;
	}
	return false;
}

static bool has_doubt(const struct skt_snapshot *snapshot, unsigned doubts)
{
	for (size_t i = 0; i < snapshot->n_tables && doubts & SKT_DOUBT_TABLES; i++) {
		const struct skt_table *table = &snapshot->tables[i];

		if (!table->gone && (table->status == SKT_TABLE_UNKNOWN || table->error || table->malformed))
			return true;
	}
	for (size_t i = 0; i < snapshot->n_socks && doubts & SKT_DOUBT_OWNERS; i++) {
		const struct skt_sock *sock = &snapshot->socks[i];

		if (sock->table != SKT_NO_TABLE &&
		    (sock->owner_gaps || sock->owner == SKT_OWNER_UNKNOWN || sock->owner == SKT_OWNER_DETACHED))
			return true;
	}
	for (size_t i = 0; i < snapshot->n_processes && doubts & SKT_DOUBT_OWNERS; i++)
		if (skt_process_is_listed(&snapshot->processes[i]) &&
		    !(snapshot->processes[i].has & SKT_BIT(SKT_P_COMM)))
			return true;
	return false;
}

/* What a question is about, and its key. */
struct asked {
	enum skt_key_kind kind;
	uint8_t address[16];
	uint16_t port;
	uint32_t pid;
	char comm[64];
	size_t comm_len;
	struct skt_key key;
};

static bool has(const struct skt_snapshot *snapshot, const struct asked *asked)
{
	switch (asked->kind) {
	case SKT_KEY_REMOTE_ADDRESS:
		return has_address(snapshot, asked->address);
	case SKT_KEY_LOCAL_PORT:
	case SKT_KEY_REMOTE_PORT:
		return has_port(snapshot, asked->port, asked->kind == SKT_KEY_REMOTE_PORT);
	case SKT_KEY_PID:
		return has_pid(snapshot, asked->pid);
	default:
		return has_comm(snapshot, asked->comm, asked->comm_len);
	}
}

/* Something that stands in a snapshot, or hardly anywhere. */
static bool pick(const struct skt_snapshot *snapshot, struct random *random, struct asked *ret)
{
	const struct skt_sock *sock =
		snapshot->n_socks ? &snapshot->socks[random_below(random, (uint32_t)snapshot->n_socks)] : NULL;
	const struct skt_process *process =
		snapshot->n_processes ? &snapshot->processes[random_below(random, (uint32_t)snapshot->n_processes)]
				      : NULL;
	const char *comm;

	memset(ret, 0, sizeof(*ret));
	ret->kind = (enum skt_key_kind)(1 + random_below(random, SKT_KEY_KINDS - 1));
	if (ret->kind <= SKT_KEY_REMOTE_PORT ? !sock || sock->table == SKT_NO_TABLE : !process)
		return false;
	switch (ret->kind) {
	case SKT_KEY_REMOTE_ADDRESS:
		memcpy(ret->address, sock->remote_address, 16);
		return skt_key_of_address(ret->address, skt_table_kind_is_ipv6(snapshot->tables[sock->table].kind),
					  &ret->key);
	case SKT_KEY_LOCAL_PORT:
	case SKT_KEY_REMOTE_PORT:
		ret->port = ret->kind == SKT_KEY_REMOTE_PORT ? sock->remote_port : sock->local_port;
		return skt_key_of_port(ret->port, ret->kind == SKT_KEY_REMOTE_PORT, &ret->key);
	case SKT_KEY_PID:
		ret->pid = process->pid + (random_one_in(random, 4) ? 1000000 : 0);
		return skt_key_of_pid(ret->pid, &ret->key);
	default:
		if (!(process->has & SKT_BIT(SKT_P_COMM)))
			return false;
		comm = skt_strtab_get(snapshot->strings, process->comm, &ret->comm_len);
		if (ret->comm_len > sizeof(ret->comm))
			return false;
		memcpy(ret->comm, comm, ret->comm_len);
		return skt_key_of_comm(comm, ret->comm_len, &ret->key);
	}
}

static struct skt_choice find(const struct skt_file *file, const struct skt_key *key, unsigned doubts)
{
	const struct skt_question question = {
		.keys = key, .n_keys = 1, .doubts = doubts, .from = INT64_MIN, .to = INT64_MAX
	};
	struct skt_choice choice;

	assert_int_equal(skt_file_find(file, &question, &choice, NULL), 0);
	return choice;
}

/* Group by group: chosen where, and but for the last only where, some snapshot has it, or one of these doubts. */
static void expect_choice(const struct recording *recording, const struct skt_file *file, const struct asked *asked,
			  unsigned doubts, bool exact)
{
	struct skt_choice choice = find(file, &asked->key, doubts);
	size_t chosen = 0;

	assert_int_equal(choice.n_groups, file->n_groups);
	for (size_t g = 0; g < file->n_groups; g++) {
		uint64_t number = file->groups[g].number;
		bool wanted = false;

		for (uint64_t i = number; i < number + file->groups[g].snapshots && !wanted; i++)
			wanted = has(&recording->made[i - 1].snapshot, asked) ||
				 has_doubt(&recording->made[i - 1].snapshot, doubts);
		if (wanted)
			assert_true(choice.groups[g]);
		else if (exact && g + 1 < file->n_groups)
			assert_false(choice.groups[g]);
		chosen += choice.groups[g];
	}
	assert_int_equal(choice.n_chosen, chosen);
	skt_choice_release(&choice);
}

static void a_key_is_found_in_the_groups_that_have_it(void **state)
{
	struct random random = { .state = 77 };

	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct recording recording;
		struct skt_file *file;
		struct asked asked;
		size_t asked_for = 0;

		make_groups(&recording, seed, 100);
		file = recording_open(&recording);
		assert_true(file->n_groups > 5);
		assert_int_equal(file->n_keys, 1);
		while (asked_for < 300) {
			const struct recorded *made = &recording.made[random_below(&random, (uint32_t)recording.n)];

			if (!pick(&made->snapshot, &random, &asked))
				continue;
			asked_for++;
			/*
			 * a process is a key as long as it is listed at some instant of a block, which is a little more
			 * than at its snapshots
			 */
			expect_choice(&recording, file, &asked, 0, asked.kind <= SKT_KEY_REMOTE_PORT);
			expect_choice(&recording, file, &asked, SKT_DOUBT_OWNERS, false);
			expect_choice(&recording, file, &asked, every_doubt, false);
		}
		skt_file_free(file);
		recording_release(&recording);
	}
}

/* The longest interval between two reads of a table of these kinds, by walking over all of it. */
static void look_for_blind(const struct skt_file *file, uint32_t kinds, int64_t *ret_after, int64_t *ret_until)
{
	struct skt_coverage coverage;
	struct skt_cursor *cursor;
	struct skt_step *step;

	assert_int_equal(skt_coverage_init(&coverage, kinds, 1), 0);
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	while (skt_cursor_next(cursor, &step, NULL) > 0)
		assert_int_equal(skt_coverage_step(&coverage, skt_cursor_snapshot(cursor), step), 0);
	*ret_after = coverage.blind_after;
	*ret_until = coverage.blind_until;
	skt_cursor_free(cursor);
	skt_coverage_release(&coverage);
}

static void what_is_told_of_groups_that_are_not_read_is_so(void **state)
{
	(void)state;
	for (uint64_t seed = 9; seed < 20; seed++) {
		struct recording recording;
		struct skt_choice choice;
		struct skt_file *file;
		struct skt_key nobody;
		uint64_t missed = 0;
		uint32_t denied = 0;
		size_t n;

		make_groups(&recording, seed, 60);
		file = recording_open(&recording);
		skt_key_of_pid(4000000, &nobody);
		choice = find(file, &nobody, 0);
		assert_int_equal(choice.n_chosen, 1);
		n = file->groups[file->n_groups - 1].number - 1;
		for (size_t i = 0; i < n; i++) {
			const struct skt_snapshot *snapshot = &recording.made[i].snapshot;

			missed += snapshot->missed;
			denied = snapshot->quality.denied > denied ? snapshot->quality.denied : denied;
		}
		assert_int_equal(skt_choice_left(&choice, 0).missed, missed);
		assert_int_equal(skt_choice_left(&choice, 0).denied, denied);
		for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++) {
			struct skt_left left = skt_choice_left(&choice, 1u << kind);
			int64_t after, until;

			/* with what ends in the group behind, which is read */
			look_for_blind(file, 1u << kind, &after, &until);
			assert_int_equal(left.blind_after, after);
			assert_int_equal(left.blind_until, until);
		}
		skt_choice_release(&choice);
		skt_file_free(file);
		recording_release(&recording);
	}
}

static void without_an_index_all_groups_are_read(void **state)
{
	struct recording recording;
	struct skt_choice choice;
	struct skt_file *file;
	struct skt_key nobody;

	(void)state;
	make_groups(&recording, 11, 30);
	skt_key_of_pid(4000000, &nobody);
	assert_int_equal(skt_file_open(recording.fd, RECORDING_NAME, SKT_OPEN_NO_INDEX, &file, NULL), 0);
	choice = find(file, &nobody, 0);
	assert_int_equal(choice.n_chosen, file->n_groups);
	skt_choice_release(&choice);
	skt_file_free(file);
	recording_release(&recording);
}

/* Chosen groups are walked as ever; each run of others is told before what comes next. */
static void expect_walk(const struct recording *recording, const struct skt_file *file, const struct skt_choice *choice)
{
	struct skt_cursor *cursor;
	struct skt_step *step;
	size_t at = 0, g = 0;
	int rc;

	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	skt_cursor_choose(cursor, choice);
	do {
		uint64_t skipped = 0;
		int64_t first = 0, last = 0;

		rc = skt_cursor_next(cursor, &step, NULL);
		assert_in_range(rc, 0, 1);
		for (; g < file->n_groups && file->groups[g].number == at + 1 && !choice->groups[g]; g++) {
			first = skipped ? first : file->groups[g].first;
			last = file->groups[g].last;
			skipped += file->groups[g].snapshots;
			at += file->groups[g].snapshots;
		}
		assert_int_equal(skt_cursor_skipped(cursor).snapshots, skipped);
		if (skipped) {
			assert_int_equal(skt_cursor_skipped(cursor).first, first);
			assert_int_equal(skt_cursor_skipped(cursor).last, last);
		}
		if (rc) {
			if (skipped)
				assert_int_equal(step->from, INT64_MIN);
			recording_expect(recording, at + 1, skt_cursor_snapshot(cursor));
			at++;
			if (at == file->groups[g].number + file->groups[g].snapshots - 1)
				g++;
		}
	} while (rc);
	assert_int_equal(at, recording->n);
	skt_cursor_free(cursor);
}

static void only_chosen_groups_are_walked(void **state)
{
	struct random random = { .state = 5 };
	struct recording recording;
	struct skt_choice choice = { .n_groups = 0 };
	struct skt_file *file;

	(void)state;
	make_groups(&recording, 3, 90);
	file = recording_open(&recording);
	choice.n_groups = file->n_groups;
	choice.groups = calloc(file->n_groups, sizeof(*choice.groups));
	assert_non_null(choice.groups);
	for (int round = 0; round < 30; round++) {
		for (size_t g = 0; g < file->n_groups; g++)
			choice.groups[g] = random_one_in(&random, round % 5 + 1);
		expect_walk(&recording, file, &choice);
	}
	free(choice.groups);
	skt_file_free(file);
	recording_release(&recording);
}

/* Some keys of a kind, in no order, each in some groups. */
static void fill(struct dictionary *dictionary, uint8_t kind, uint32_t n, uint32_t step)
{
	const struct group_facts facts = { .blind = { { 3, 8 } }, .missed = 1, .doubts = 2 };
	struct skt_buf keys;

	skt_buf_init(&keys);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t number = (uint32_t)((uint64_t)i * step % n);

		skt_buf_clear(&keys);
		skt_buf_byte(&keys, kind);
		skt_buf_byte(&keys, 4);
		for (int byte = 24; byte >= 0; byte -= 8)
			skt_buf_byte(&keys, (uint8_t)(number >> byte));
		dictionary_add(dictionary, &keys, &facts, number % KEYS_GROUPS);
		dictionary_add(dictionary, &keys, &facts, number / 7 % KEYS_GROUPS);
	}
	skt_buf_release(&keys);
}

static void put(struct dictionary *dictionary, struct skt_buf *ret)
{
	uint64_t numbers[KEYS_GROUPS];

	for (size_t i = 0; i < KEYS_GROUPS; i++)
		numbers[i] = 10 * i + 1;
	skt_buf_init(ret);
	assert_int_equal(dictionary_put(dictionary, numbers, KEYS_GROUPS, ret), 0);
}

static void each_of_many_keys_is_found_and_no_other(void **state)
{
	enum { N = 5003 };
	struct dictionary dictionary;
	struct keys_block block;
	struct skt_buf bytes;
	struct skt_key key;
	uint64_t groups;

	(void)state;
	dictionary_init(&dictionary, 1);
	fill(&dictionary, SKT_KEY_PID, N, 1237);
	put(&dictionary, &bytes);
	assert_int_equal(keys_block_get(bytes.data, bytes.len, &block, NULL), 0);
	for (uint32_t i = 0; i < N; i++) {
		skt_key_of_pid(i, &key);
		assert_int_equal(keys_block_find(&block, &key, &groups, NULL), 0);
		assert_true(groups == (UINT64_C(1) << i % KEYS_GROUPS | UINT64_C(1) << i / 7 % KEYS_GROUPS));
	}
	skt_key_of_pid(N, &key);
	assert_int_equal(keys_block_find(&block, &key, &groups, NULL), 0);
	assert_true(!groups);
	keys_block_release(&block);
	dictionary_release(&dictionary);
	skt_buf_release(&bytes);
}

static void a_kind_with_too_many_keys_says_nothing(void **state)
{
	struct dictionary dictionary;
	struct keys_block block;
	struct skt_buf bytes;
	struct skt_key key;
	uint64_t groups;

	(void)state;
	dictionary_init(&dictionary, 1);
	fill(&dictionary, SKT_KEY_PID, KEYS_MOST + 1, 1);
	fill(&dictionary, SKT_KEY_COMM, 10, 1);
	put(&dictionary, &bytes);
	assert_int_equal(keys_block_get(bytes.data, bytes.len, &block, NULL), 0);
	skt_key_of_pid(KEYS_MOST + 100, &key);
	assert_int_equal(keys_block_find(&block, &key, &groups, NULL), 0);
	assert_true(groups == UINT64_MAX);
	key.kind = SKT_KEY_COMM;
	assert_int_equal(keys_block_find(&block, &key, &groups, NULL), 0);
	assert_true(!groups);
	assert_true(bytes.len < 1000);
	keys_block_release(&block);
	dictionary_release(&dictionary);
	skt_buf_release(&bytes);
}

/* A block of one dictionary held against another. */
static int compare(struct dictionary *block_of, struct dictionary *with, size_t n)
{
	uint64_t numbers[KEYS_GROUPS];
	struct keys_block block;
	struct skt_buf bytes;
	int rc;

	for (size_t i = 0; i < KEYS_GROUPS; i++)
		numbers[i] = 10 * i + 1;
	put(block_of, &bytes);
	assert_int_equal(keys_block_get(bytes.data, bytes.len, &block, NULL), 0);
	rc = keys_block_equals(&block, with, numbers, n);
	keys_block_release(&block);
	skt_buf_release(&bytes);
	dictionary_release(block_of);
	dictionary_release(with);
	return rc;
}

static void one_key_or_group_or_fact_that_differs_is_noticed(void **state)
{
	struct dictionary a, b;

	(void)state;
	for (int what = 0; what < 6; what++) {
		dictionary_init(&a, 1);
		dictionary_init(&b, 2);
		fill(&a, SKT_KEY_PID, 3000, 7);
		fill(&b, SKT_KEY_PID, what == 1 ? 3001 : what == 2 ? 2999 : 3000, 1);
		memcpy(a.facts, b.facts, sizeof(a.facts));
		if (what == 3)
			a.keys[1234].groups ^= UINT64_C(1) << 63;
		if (what == 4)
			a.facts[17].doubts ^= 1;
		assert_int_equal(compare(&a, &b, what == 5 ? KEYS_GROUPS - 1 : KEYS_GROUPS), what == 0);
	}
}

/* How long it is could not even be said. */
static void an_interval_of_times_that_there_are_not_is_refused(void **state)
{
	static const struct {
		int64_t after, until;
		bool good;
	} blind[] = {
		{ 1, 2, true },
		{ -BLOCK_TIME_MAX, BLOCK_TIME_MAX, true },
		{ -BLOCK_TIME_MAX - 1, BLOCK_TIME_MAX, false },
		{ -BLOCK_TIME_MAX, BLOCK_TIME_MAX + 1, false },
		{ INT64_MIN + 2, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(blind) / sizeof(*blind); i++) {
		struct dictionary dictionary;
		struct keys_block block;
		struct skt_buf bytes;
		int rc;

		dictionary_init(&dictionary, 1);
		dictionary.facts[3].blind[SKT_TCP].after = blind[i].after;
		dictionary.facts[3].blind[SKT_TCP].until = blind[i].until;
		put(&dictionary, &bytes);
		rc = keys_block_get(bytes.data, bytes.len, &block, NULL);
		assert_int_equal(rc, blind[i].good ? 0 : -EBADMSG);
		keys_block_release(&block);
		dictionary_release(&dictionary);
		skt_buf_release(&bytes);
	}
}

static void any_bit_flipped_in_a_block_is_refused_or_harmless(void **state)
{
	struct dictionary dictionary;
	struct skt_buf bytes;
	struct skt_key key;
	unsigned refused = 0;

	(void)state;
	dictionary_init(&dictionary, 1);
	fill(&dictionary, SKT_KEY_PID, 50, 7);
	fill(&dictionary, SKT_KEY_COMM, 50, 7);
	put(&dictionary, &bytes);
	skt_key_of_pid(17, &key);
	for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
		struct keys_block block;
		uint64_t groups;

		bytes.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
		if (keys_block_get(bytes.data, bytes.len, &block, NULL) || keys_block_find(&block, &key, &groups, NULL))
			refused++;
		keys_block_release(&block);
		bytes.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	assert_true(refused > bytes.len);
	dictionary_release(&dictionary);
	skt_buf_release(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_found_in_the_groups_that_have_it),
		cmocka_unit_test(what_is_told_of_groups_that_are_not_read_is_so),
		cmocka_unit_test(without_an_index_all_groups_are_read),
		cmocka_unit_test(only_chosen_groups_are_walked),
		cmocka_unit_test(each_of_many_keys_is_found_and_no_other),
		cmocka_unit_test(a_kind_with_too_many_keys_says_nothing),
		cmocka_unit_test(one_key_or_group_or_fact_that_differs_is_noticed),
		cmocka_unit_test(an_interval_of_times_that_there_are_not_is_refused),
		cmocka_unit_test(any_bit_flipped_in_a_block_is_refused_or_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
