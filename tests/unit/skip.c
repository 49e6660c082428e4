/* SPDX-License-Identifier: MIT */
#include "filter_of.h"
#include "recording.h"
#include "sanitized.h"
#include "scene.h"

#include "record/file.h"

#include <skt/coverage.h>
#include <skt/filter.h>
#include <skt/flow.h>
#include <skt/record.h>
#include <skt/render.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Flows and coverage of the groups that a question needs, held against those of all of them. */

struct answer {
	struct skt_buf flows;
	struct skt_coverage coverage;
	uint64_t unknown;
	int64_t first, last;
	size_t n;
	bool again; /* groups were added */
};

static void put_flows(const struct skt_flows *flows, struct skt_buf *out)
{
	struct skt_render render = { .format = SKT_FORMAT_JSONL, .host = "", .zone = SKT_ZONE_UTC };
	struct skt_kind kind = { .columns = NULL };

	skt_view_flows(&kind.view, false);
	skt_view_flows(&kind.flat, true);
	for (size_t i = 0; i < skt_flows_count(flows); i++) {
		struct skt_row row = skt_flows_row(flows, i);

		skt_render_rows(&render, &kind, &row, 1, out);
	}
}

enum { EXPRESSIONS = 60 };

/* A step that the cursor has come to, as the flows of one expression take it. */
static void take(struct skt_cursor *cursor, const struct skt_step *step, struct skt_flows *flows, struct answer *ret)
{
	const struct skt_snapshot *now = skt_cursor_snapshot(cursor);
	struct skt_skipped skipped = skt_cursor_skipped(cursor);
	const uint32_t *slots;
	size_t n;

	if (skipped.snapshots) {
		skt_coverage_skip(&ret->coverage, skipped.snapshots, skipped.first, skipped.last);
		assert_int_equal(skt_flows_skip(flows, &skipped, NULL), 0);
	}
	assert_int_equal(skt_flows_step(flows, now, step, NULL), 0);
	assert_int_equal(skt_coverage_step(&ret->coverage, now, step), 0);
	assert_int_equal(skt_cursor_next_slots(cursor, &slots, &n, NULL), 0);
	if (slots)
		assert_int_equal(skt_flows_renumber(flows, slots, n, NULL), 0);
}

/*
 * What flows of each expression there are, in one reading, for reading takes the most time: all of it, or for one
 * expression only the groups that are chosen; some may have to be added.
 */
static void fold(const struct skt_file *file, struct skt_filter *const *filters, size_t n, struct skt_choice *choice,
		 struct answer *ret)
{
	struct skt_flows *flows[EXPRESSIONS];
	struct skt_cursor *cursor;
	struct skt_step *step;
	int rc;

	for (size_t i = 0; i < n; i++) {
		struct skt_flows_options options = { .filter = filters[i], .kinds = UINT32_MAX, .host = "", .seed = 3 };

		memset(&ret[i], 0, sizeof(ret[i]));
		skt_buf_init(&ret[i].flows);
		assert_int_equal(skt_flows_new(&options, &flows[i]), 0);
		assert_int_equal(skt_coverage_init(&ret[i].coverage, UINT32_MAX, 5), 0);
	}
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	skt_cursor_choose(cursor, choice);
	while ((rc = skt_cursor_next(cursor, &step, NULL)) > 0)
		for (size_t i = 0; i < n; i++)
			take(cursor, step, flows[i], &ret[i]);
	assert_int_equal(rc, 0);
	for (size_t i = 0; i < n; i++) {
		const struct skt_flows_skipped *skips;
		size_t n_skips;

		assert_int_equal(skt_flows_end(flows[i], NULL), 0);
		if (choice) {
			struct skt_left left = skt_choice_left(choice, UINT32_MAX);

			skt_coverage_left(&ret[i].coverage, &left);
		}
		assert_int_equal(skt_coverage_end(&ret[i].coverage, INT64_MIN, INT64_MAX, skt_file_span(file).end), 0);
		skips = skt_flows_skips(flows[i], &n_skips);
		for (size_t k = 0; k < n_skips; k++) {
			if (skips[k].before)
				skt_choice_widen(choice, file, skips[k].skipped.number_first, 1, false);
			if (skips[k].behind)
				skt_choice_widen(choice, file, skips[k].skipped.number_last, 1, true);
			ret[i].again |= skips[k].before || skips[k].behind;
		}
		put_flows(flows[i], &ret[i].flows);
		ret[i].n = skt_flows_count(flows[i]);
		ret[i].unknown = skt_flows_unknown(flows[i], &ret[i].first, &ret[i].last);
		skt_flows_free(flows[i]);
	}
	skt_cursor_free(cursor);
}

static void release(struct answer *answer)
{
	skt_buf_release(&answer->flows);
	skt_coverage_release(&answer->coverage);
}

static void expect_same(const struct answer *a, const struct answer *b, const char *text, uint64_t seed)
{
	const struct skt_coverage *x = &a->coverage, *y = &b->coverage;

	if (a->flows.len != b->flows.len || (a->flows.len && memcmp(a->flows.data, b->flows.data, a->flows.len)))
		fail_msg("seed %llu: %s:\n%.*s\nbut all say\n%.*s", (unsigned long long)seed, text, (int)a->flows.len,
			 (char *)a->flows.data, (int)b->flows.len, (char *)b->flows.data);
	if (a->unknown != b->unknown || (a->unknown && (a->first != b->first || a->last != b->last)))
		fail_msg("seed %llu: %s: %llu unknown, %llu are", (unsigned long long)seed, text,
			 (unsigned long long)a->unknown, (unsigned long long)b->unknown);
	assert_int_equal(x->snapshots, y->snapshots);
	assert_int_equal(x->first, y->first);
	assert_int_equal(x->last, y->last);
	assert_int_equal(x->blind_after, y->blind_after);
	assert_int_equal(x->blind_until, y->blind_until);
	assert_int_equal(x->blind_kinds, y->blind_kinds);
	assert_int_equal(x->heard_kinds, y->heard_kinds);
	assert_int_equal(x->missed, y->missed);
	assert_int_equal(x->denied, y->denied);
	assert_int_equal(x->netns_denied, y->netns_denied);
	assert_int_equal(x->n_holes, y->n_holes);
	for (size_t i = 0; i < x->n_holes; i++) {
		assert_int_equal(x->holes[i].kind, y->holes[i].kind);
		assert_int_equal(x->holes[i].table, y->holes[i].table);
		assert_int_equal(x->holes[i].error, y->holes[i].error);
		assert_int_equal(x->holes[i].net_namespace, y->holes[i].net_namespace);
		assert_int_equal(x->holes[i].after, y->holes[i].after);
		assert_int_equal(x->holes[i].until, y->holes[i].until);
	}
}

struct totals {
	unsigned asked;
	unsigned partly; /* answered without reading all */
	unsigned found;	 /* of those, with rows to show */
	unsigned again;
};

/* The groups that this asks for, and those that turn out to be wanted, say what all say. */
static void ask(const struct skt_file *file, const char *text, struct skt_filter *filter, const struct answer *all,
		uint64_t seed, struct totals *totals)
{
	struct skt_key keys[SKT_FILTER_KEYS];
	struct skt_question question = { .keys = keys, .from = INT64_MIN, .to = INT64_MAX };
	struct skt_choice choice;
	struct answer some;

	question.n_keys = skt_filter_keys(filter, keys, &question.doubts);
	assert_int_equal(skt_file_find(file, &question, &choice, NULL), 0);
	/* where all groups are wanted nothing is left out, and a few will do */
	if (choice.n_chosen == choice.n_groups && totals->asked % 10) {
		totals->asked++;
		skt_choice_release(&choice);
		return;
	}
	fold(file, &filter, 1, &choice, &some);
	totals->again += some.again;
	while (some.again) {
		release(&some);
		fold(file, &filter, 1, &choice, &some);
	}
	expect_same(&some, all, text, seed);
	totals->asked++;
	totals->partly += choice.n_chosen < choice.n_groups;
	totals->found += choice.n_chosen < choice.n_groups && some.n;
	release(&some);
	skt_choice_release(&choice);
}

/* A test of something that stands in this snapshot. */
static void random_test(const struct skt_snapshot *snapshot, struct random *random, char text[256])
{
	const struct skt_sock *sock = &snapshot->socks[random_below(random, (uint32_t)snapshot->n_socks)];
	const struct skt_process *process =
		snapshot->n_processes ? &snapshot->processes[random_below(random, (uint32_t)snapshot->n_processes)]
				      : NULL;
	struct skt_row row = { .host = "", .snapshot = snapshot, .sock = sock };
	const char *comm = "nobody-is-called-this";
	size_t comm_len = strlen(comm);
	char address[64] = "10.0.0.1";
	struct skt_view view;

	skt_view_sockets(&view, false);
	for (size_t i = 0; i < view.n; i++) {
		struct skt_value value = { 0 };
		struct skt_buf out;

		if (strcmp(view.fields[i]->name, "remote_address") || !skt_field_get(view.fields[i], &row, &value))
			continue;
		skt_buf_init(&out);
		skt_buf_add(&out, value.text, value.len);
		skt_buf_byte(&out, 0);
		snprintf(address, sizeof(address), "%s", (char *)out.data);
		skt_buf_release(&out);
	}
	if (process && process->has & SKT_BIT(SKT_P_COMM)) {
		const char *its = skt_strtab_get(snapshot->strings, process->comm, &comm_len);

		comm = memchr(its, '"', comm_len) || memchr(its, '\\', comm_len) || !comm_len ? "odd" : its;
		comm_len = comm == its ? comm_len : 3;
	}
	switch (random_below(random, 10)) {
	case 0:
		snprintf(text, 256, "dst [%s]", address);
		break;
	case 1:
		snprintf(text, 256, "dst [%s]:%u", address, sock->remote_port);
		break;
	case 2:
		snprintf(text, 256, "dport = :%u", sock->remote_port);
		break;
	case 3:
		snprintf(text, 256, "local_port in (%u, %u)", sock->local_port, sock->remote_port);
		break;
	case 4:
		snprintf(text, 256, "pid = %u", process ? process->pid : 77);
		break;
	case 5:
		snprintf(text, 256, "pid in (%u, 4000000)", process ? process->pid : 77);
		break;
	case 6:
		snprintf(text, 256, "comm = \"%.*s\"", (int)comm_len, comm);
		break;
	case 8:
		snprintf(text, 256, "bytes_sent > 1500");
		break;
	case 7:
		snprintf(text, 256, "remote_address = [%s]", address);
		break;
	default:
		snprintf(text, 256, "state established");
		break;
	}
}

static void random_expression(const struct recording *recording, struct random *random, char text[1024])
{
	static const char *const joins[] = { "and", "or", "and not" };
	unsigned n = 1 + random_below(random, 3);

	text[0] = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct skt_snapshot *snapshot;
		char test[256];
		size_t len = strlen(text);

		do {
			snapshot = &recording->made[random_below(random, (uint32_t)recording->n)].snapshot;
		} while (!snapshot->n_socks);
		random_test(snapshot, random, test);
		snprintf(text + len, 1024 - len, "%s %s %s", i ? " " : "", i ? joins[random_below(random, 3)] : "",
			 test);
	}
}

/* Of what closed now and then, and of what no look has seen; late, or without what a reset loses, here and there. */
static void tell(const struct skt_snapshot *now, struct skt_step *step, struct random *random)
{
	size_t room = step->n_socks + 2, n = 0;

	if (step->from == INT64_MIN)
		return;
	free(step->events);
	step->events = calloc(room, sizeof(*step->events));
	assert_non_null(step->events);
	step->room_events = room;
	for (size_t i = 0; i < room; i++) {
		const struct skt_sock_change *change = i < step->n_socks ? &step->socks[i] : NULL;
		struct skt_event *event = &step->events[n];
		const struct skt_sock *sock;

		if (change && (change->change != SKT_CLOSED || random_one_in(random, 3)))
			continue;
		if (!change && (!now->n_socks || !random_one_in(random, 3)))
			continue;
		sock = change ? &change->before : &now->socks[random_below(random, (uint32_t)now->n_socks)];
		if (sock->table == SKT_NO_TABLE)
			continue;
		*event = (struct skt_event){ .when = step->time - 1000000 + (int64_t)n * 1000,
					     .source = SKT_SOURCE_DESTROY,
					     .change = SKT_CLOSED,
					     .state = SKT_CLOSE,
					     .slot = change ? change->slot : SKT_NO_SLOT,
					     .table = sock->table,
					     .local_port = (uint16_t)(sock->local_port + !change),
					     .remote_port = sock->remote_port,
					     .has = SKT_BIT(SKT_E_REMOTE_PORT) | SKT_BIT(SKT_E_BYTES_SENT),
					     .bytes_sent = random_below(random, 3000) };
		memcpy(event->local_address, sock->local_address, 16);
		memcpy(event->remote_address, sock->remote_address, 16);
		if (!change && random_one_in(random, 40))
			event->has &= ~SKT_BIT(SKT_E_REMOTE_PORT);
		n++;
	}
	step->n_events = n;
}

/*
 * One after another; quiet: what is known is known for certain but here and there, for else every group has its doubts.
 */
static void add(struct recording *recording, struct random *random, const struct random_world *world, bool quiet)
{
	struct skt_snapshot read;

	recording_random(recording, random, world, 10 * SKT_NS_PER_S, &read);
	if (quiet) {
		read.quality.events_tables = random_one_in(random, 20) ? 3 : UINT32_MAX >> (32 - SKT_TABLE_KINDS);
		read.quality.events_deaf = random_one_in(random, 20);
	}
	if (quiet && !random_one_in(random, 200)) {
		read.quality.events_lost_since = 0;
		read.quality.events_lost_until = 0;
	}
	for (size_t i = 0; i < read.n_tables && quiet; i++) {
		struct skt_table *table = &read.tables[i];

		if (random_one_in(random, 200))
			continue;
		table->malformed = 0;
		table->error = 0;
		if (table->status == SKT_TABLE_UNKNOWN) {
			table->status = SKT_TABLE_FRESH;
			table->read_time = read.time + 1;
		}
	}
	for (size_t i = 0; i < read.n_socks && quiet; i++) {
		struct skt_sock *sock = &read.socks[i];

		if (random_one_in(random, 2000))
			continue;
		sock->owner_gaps = 0;
		if (sock->owner == SKT_OWNER_UNKNOWN || sock->owner == SKT_OWNER_DETACHED)
			sock->owner = SKT_OWNER_UNHELD;
		if (random_one_in(random, 8))
			sock->remote_address[3] = (uint8_t)random_below(random, 255);
		if (random_one_in(random, 8))
			sock->remote_port = (uint16_t)random_below(random, 40000);
	}
	recording_add(recording, &read);
	skt_snapshot_release(&read);
}

/* ---- a directory ---- */

enum { SNAPSHOTS = 120, EACH = 43 };

static char dir[] = "/tmp/skip.XXXXXX";
static int dir_fd = -1;

static int open_next(uint64_t number)
{
	char name[32];

	snprintf(name, sizeof(name), "%llu.skt", (unsigned long long)number);
	return openat(dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

/* Write into files of a directory from now on. */
static void begin_files(struct recording *recording)
{
	const struct skt_writer_options options = { .sync = SKT_SYNC_NONE };
	static const uint8_t bytes[24] = "files of a directory";

	assert_true(mkdtemp(dir) && (dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
	skt_writer_free(recording->writer);
	close(recording->fd);
	recording->fd = open_next(1);
	assert_int_equal(
		skt_writer_open(recording->fd, "1.skt", &recording->header, &options, bytes, &recording->writer, NULL),
		0);
}

static void next_file(struct recording *recording)
{
	uint8_t chain[SKT_CHAIN_SIZE], sha[SKT_CHAIN_SIZE];
	struct skt_header header = recording->header;
	static const uint8_t mark[8] = "another";

	header.start = recording->now.time + 1;
	recording->fd = open_next(recording->n / EACH + 1);
	assert_int_equal(skt_writer_rotate(recording->writer, recording->fd, "next.skt", &header, mark, NULL), 0);
	assert_int_equal(skt_writer_rotated(recording->writer, chain, sha, NULL), 1);
}

static void end_files(void)
{
	char name[32];

	for (int i = 1; i <= SNAPSHOTS / EACH + 1; i++) {
		snprintf(name, sizeof(name), "%d.skt", i);
		assert_int_equal(unlinkat(dir_fd, name, 0), 0);
	}
	close(dir_fd);
	assert_int_equal(rmdir(dir), 0);
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
}

static void compare_random(bool quiet, bool files, struct totals *totals)
{
	struct random random = { .state = 4711 + quiet };
	struct skt_filter *filters[EXPRESSIONS];
	struct answer all[EXPRESSIONS];
	char texts[EXPRESSIONS][1024];

	for (uint64_t seed = 1; seed <= (SANITIZED ? 4 : 12); seed++) {
		struct random own = { .state = seed };
		struct random_world world = { .rows = quiet ? 3 : 8 };
		struct recording recording;
		struct skt_file *file;

		recording_begin(&recording, 10 * SKT_NS_PER_S);
		recording.tell = tell;
		recording.random = &own;
		if (files)
			begin_files(&recording);
		while (recording.n < SNAPSHOTS) {
			add(&recording, &own, &world, quiet);
			if (files && recording.n % EACH == 0)
				next_file(&recording);
		}
		recording_end(&recording);
		file = NULL;
		if (files)
			assert_int_equal(skt_file_open(dir_fd, dir, 0, &file, NULL), 0);
		else
			file = recording_open(&recording);
		for (int i = 0; i < EXPRESSIONS; i++) {
			random_expression(&recording, &random, texts[i]);
			filters[i] = filter_of(texts[i]);
		}
		fold(file, filters, EXPRESSIONS, NULL, all);
		for (int i = 0; i < EXPRESSIONS; i++) {
			ask(file, texts[i], filters[i], &all[i], seed, totals);
			release(&all[i]);
			skt_filter_free(filters[i]);
		}
		skt_file_free(file);
		recording_release(&recording);
		if (files)
			end_files();
	}
}

static void flows_and_coverage_of_some_groups_are_those_of_all(void **state)
{
	struct totals totals = { .asked = 0 };

	(void)state;
	compare_random(false, false, &totals);
	compare_random(true, false, &totals);
	print_message("# %u asked, %u of them not of all groups, %u of those with rows, %u in more than one turn\n",
		      totals.asked, totals.partly, totals.found, totals.again);
	assert_true(totals.partly > totals.asked / 20);
	assert_true(totals.found);
}

static void so_they_are_of_the_files_of_a_directory(void **state)
{
	struct totals totals = { .asked = 0 };

	(void)state;
	compare_random(true, true, &totals);
	print_message("# %u asked, %u of them not of all groups, %u of those with rows, %u in more than one turn\n",
		      totals.asked, totals.partly, totals.found, totals.again);
	assert_true(totals.partly > totals.asked / 20);
	assert_true(totals.found && totals.again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_and_coverage_of_some_groups_are_those_of_all),
		cmocka_unit_test(so_they_are_of_the_files_of_a_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
