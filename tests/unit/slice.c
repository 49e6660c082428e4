/* SPDX-License-Identifier: MIT */
#include "filter_of.h"
#include "random.h"
#include "recording.h"
#include "scene.h"

#include <skt/selection.h>

#include <dirent.h>
#include <errno.h>
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

/* A slice says of what it keeps what the source says, and of what is missing there that it is missing. */

#define SLICE "slice.skt"

static struct skt_file *open_fd(int fd, const char *name)
{
	struct skt_file *file;
	struct skt_err err;

	skt_err_init(&err);
	if (skt_file_open(fd, name, 0, &file, &err))
		return NULL;
	return file;
}

/* All of it, with these rows of each (NULL: all), into a memfd. Returns how many snapshots were written. */
static uint64_t slice_all(const struct skt_file *file, const bool *rows, int out)
{
	static const uint8_t bytes[24] = "slice made by a test....";
	const struct skt_writer_options options = { .sync = SKT_SYNC_NONE };
	struct skt_header header = *skt_file_header(file);
	struct skt_writer *writer;
	struct skt_cursor *cursor;
	struct skt_slice *slice;
	struct skt_step *step;
	struct skt_err err;
	uint64_t n = 0;
	bool lost = false;
	int rc;

	header.file_number = 1;
	header.snapshots_before = 0;
	skt_err_init(&err);
	assert_int_equal(skt_writer_open(out, SLICE, &header, &options, bytes, &writer, &err), 0);
	assert_int_equal(skt_slice_new(writer, 7, &slice), 0);
	assert_int_equal(skt_cursor_new(file, &cursor, &err), 0);
	while ((rc = skt_cursor_next(cursor, &step, &err))) {
		lost = rc < 0;
		if (rc < 0)
			continue;
		rc = skt_slice_add(slice, skt_cursor_snapshot(cursor), step, rows, &err);
		if (rc)
			fail_msg("%s", err.message);
		n++;
	}
	if (lost)
		assert_int_equal(skt_slice_gap(slice, 0, &err), 0);
	assert_int_equal(skt_writer_end(writer, skt_file_span(file).end, &err), 0);
	skt_cursor_free(cursor);
	skt_slice_free(slice);
	skt_writer_free(writer);
	return n;
}

/* The next snapshot; *ret_lost: something is missing before it. */
static const struct skt_snapshot *next(struct skt_cursor *cursor, bool *ret_lost)
{
	struct skt_step *step;
	int rc;

	*ret_lost = false;
	while ((rc = skt_cursor_next(cursor, &step, NULL)) < 0)
		*ret_lost = true;
	return rc ? skt_cursor_snapshot(cursor) : NULL;
}

/* Both decode to the same, number aside where something is missing: how many snapshots are may not be known. */
static void assert_same(const struct skt_file *a, const struct skt_file *b, const char *name)
{
	struct skt_cursor *of_a, *of_b;
	bool all = true;

	assert_int_equal(skt_cursor_new(a, &of_a, NULL), 0);
	assert_int_equal(skt_cursor_new(b, &of_b, NULL), 0);
	for (bool first = true;; first = false) {
		bool lost_a, lost_b;
		const struct skt_snapshot *x = next(of_a, &lost_a), *y = next(of_b, &lost_b);
		struct skt_snapshot numbered;
		char why[200];

		/* what is missing before the first is no gap of the slice, which begins there */
		if (!first && lost_a != lost_b)
			fail_msg("%s: a gap is %s the slice", name, lost_a ? "not in" : "only in");
		all &= !lost_a;
		if (!x || !y) {
			assert_true(!x && !y);
			break;
		}
		/* nor are those that a directory has no more */
		all &= !first || x->number == 1;
		numbered = *y;
		if (!all)
			numbered.number = x->number;
		if (!skt_snapshot_equal(x, &numbered, why, sizeof(why)))
			fail_msg("%s: snapshot %llu: %s", name, (unsigned long long)x->number, why);
	}
	skt_cursor_free(of_a);
	skt_cursor_free(of_b);
}

/* Whole, as sockquery --verify has it. */
static void assert_verifies(int fd)
{
	struct skt_verification found;

	assert_int_equal(skt_verify(fd, SLICE, NULL, &found, NULL), 0);
	assert_int_equal(found.verdict, SKT_WHOLE);
	skt_verification_release(&found);
}

static void slice_and_compare(const struct skt_file *file, const char *name)
{
	int out = recording_memfd("", 0);
	struct skt_file *slice;

	if (slice_all(file, NULL, out)) {
		assert_verifies(out);
		slice = open_fd(out, SLICE);
		assert_non_null(slice);
		assert_same(file, slice, name);
		skt_file_free(slice);
	}
	close(out);
}

static void a_slice_of_everything_is_the_same(void **state)
{
	struct recording recording;
	struct skt_file *file;

	(void)state;
	recording_make(&recording, 11, 150, 30, SCENE_SECOND);
	file = recording_open(&recording);
	slice_and_compare(file, "random");
	skt_file_free(file);
	recording_release(&recording);
}

static void every_kept_recording_and_every_damaged_one_is_the_same_with_its_gaps(void **state)
{
	DIR *dir = opendir("fixtures/rec");
	const struct dirent *entry;
	size_t n = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		const char *end = strrchr(entry->d_name, '.');
		struct skt_file *file;
		int fd;

		if (strncmp(entry->d_name, "dir-", 4) != 0 && (!end || strcmp(end, ".skt") != 0))
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		file = open_fd(fd, entry->d_name);
		if (file)
			slice_and_compare(file, entry->d_name);
		n += file && skt_file_span(file).snapshots;
		skt_file_free(file);
		close(fd);
	}
	closedir(dir);
	assert_true(n > 30);
}

/* ---- some rows ---- */

/* init 1 -> shell 20 -> worker 300, who holds row 0; daemon 40, of init, holds row 1. */
static void make_family(struct skt_snapshot *ret)
{
	const struct {
		uint32_t pid, ppid;
		const char *comm;
	} family[] = { { 1, 0, "init" }, { 20, 1, "shell" }, { 300, 20, "worker" }, { 40, 1, "daemon" } };
	uint32_t slots[4];

	scene_begin(ret, NULL, 0);
	scene_table(ret, SKT_TCP, 0);
	for (size_t i = 0; i < 4; i++) {
		slots[i] = scene_process(ret, family[i].pid, family[i].pid, family[i].comm);
		ret->processes[slots[i]].ppid = family[i].ppid;
		ret->processes[slots[i]].has |= SKT_BIT(SKT_P_PPID);
	}
	scene_add_held(ret, scene_sock(1000, 80, 11, 1, SKT_ESTABLISHED), slots[2], 3);
	scene_add_held(ret, scene_sock(1001, 80, 12, 2, SKT_ESTABLISHED), slots[3], 4);
	scene_add(ret, scene_sock(1002, 80, 13, 3, SKT_ESTABLISHED));
	scene_end(ret);
}

static void holders_go_along_with_their_ancestors_and_nobody_else(void **state)
{
	const bool rows[3] = { true, false, true };
	struct skt_snapshot all, some;
	uint32_t slots[3];
	char why[200];

	(void)state;
	make_family(&all);
	assert_int_equal(skt_snapshot_init(&some, NULL, 1), 0);
	assert_int_equal(skt_snapshot_pick(&all, rows, &some, slots), 0);
	if (!scene_is_whole(&some, why, sizeof(why)))
		fail_msg("%s", why);
	assert_int_equal(some.live_socks, 2);
	assert_int_equal(slots[1], SKT_NO_SLOT);
	assert_int_equal(some.socks[slots[0]].local_port, 1000);
	assert_int_equal(some.socks[slots[2]].local_port, 1002);
	assert_non_null(skt_snapshot_process(&some, 300, 300));
	assert_non_null(skt_snapshot_process(&some, 20, 20));
	assert_non_null(skt_snapshot_process(&some, 1, 1));
	assert_null(skt_snapshot_process(&some, 40, 40));
	skt_snapshot_release(&some);
	skt_snapshot_release(&all);
}

static void who_has_the_parents_number_but_began_later_is_not_the_parent(void **state)
{
	const bool rows[3] = { true, false, false };
	struct skt_snapshot all, some;
	uint32_t slots[3];

	(void)state;
	make_family(&all);
	for (size_t i = 0; i < all.n_processes; i++)
		if (all.processes[i].pid == 20)
			all.processes[i].start_time = 301;
	assert_int_equal(skt_snapshot_init(&some, NULL, 1), 0);
	assert_int_equal(skt_snapshot_pick(&all, rows, &some, slots), 0);
	assert_int_equal(some.n_processes, 1);
	skt_snapshot_release(&some);
	skt_snapshot_release(&all);
}

static void lines_that_are_no_rows_stay_between_the_rows_that_are_left(void **state)
{
	const bool rows[3] = { false, true, true };
	struct skt_snapshot all, some;
	uint32_t slots[3];

	(void)state;
	make_family(&all);
	for (uint32_t before = 0; before <= 3; before++)
		assert_int_equal(skt_table_add_raw(&all.tables[0], before, scene_string(&all, "junk")), 0);
	assert_int_equal(skt_snapshot_init(&some, NULL, 1), 0);
	assert_int_equal(skt_snapshot_pick(&all, rows, &some, slots), 0);
	assert_int_equal(some.tables[0].n_raw, 4);
	assert_int_equal(some.tables[0].raw[0].before, 0);
	assert_int_equal(some.tables[0].raw[1].before, 0);
	assert_int_equal(some.tables[0].raw[2].before, 1);
	assert_int_equal(some.tables[0].raw[3].before, 2);
	skt_snapshot_release(&some);
	skt_snapshot_release(&all);
}

/* ---- what was told ---- */

static void what_was_told_of_a_kept_row_or_of_none_goes_along(void **state)
{
	static const uint8_t bytes[24] = "slice made by a test....";
	const struct skt_writer_options options = { .sync = SKT_SYNC_NONE };
	const struct skt_header header = { .start = SCENE_TIME, .boot_time = -1, .tables = 1u << SKT_TCP };
	const bool rows[3] = { false, true, false };
	const uint32_t of[3] = { 0, 1, SKT_NO_SLOT };
	struct skt_event events[3];
	struct skt_step step, *told;
	struct skt_snapshot all;
	struct skt_writer *writer;
	struct skt_cursor *cursor;
	struct skt_slice *slice;
	struct skt_file *file;
	int fd = recording_memfd("", 0);

	(void)state;
	make_family(&all);
	all.number = 1;
	skt_step_init(&step);
	step.from = INT64_MIN;
	memset(events, 0, sizeof(events));
	for (size_t i = 0; i < 3; i++)
		events[i] = (struct skt_event){ .when = all.time + (int64_t)i,
						.source = 9,
						.change = SKT_CLOSED,
						.state = SKT_CLOSE,
						.slot = of[i] };
	step.events = events;
	step.n_events = 3;
	assert_int_equal(skt_writer_open(fd, SLICE, &header, &options, bytes, &writer, NULL), 0);
	assert_int_equal(skt_slice_new(writer, 7, &slice), 0);
	assert_int_equal(skt_slice_add(slice, &all, &step, rows, NULL), 0);
	assert_int_equal(skt_writer_end(writer, all.time, NULL), 0);
	skt_slice_free(slice);
	skt_writer_free(writer);

	file = open_fd(fd, SLICE);
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	assert_int_equal(skt_cursor_next(cursor, &told, NULL), 1);
	assert_int_equal(told->n_events, 2);
	assert_int_equal(told->events[0].when, all.time + 1);
	assert_int_equal(skt_cursor_snapshot(cursor)->socks[told->events[0].slot].local_port, 1001);
	assert_int_equal(told->events[1].slot, SKT_NO_SLOT);
	skt_cursor_free(cursor);
	skt_file_free(file);
	skt_snapshot_release(&all);
	close(fd);
}

/* ---- for their whole life ---- */

/* Walk over all of it, and in the second walk count the snapshots in which a row of this port is kept. */
static unsigned walk(const struct skt_file *file, struct skt_selection *selection, uint16_t port)
{
	struct skt_cursor *cursor;
	struct skt_step *step;
	unsigned kept = 0;

	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	while (skt_cursor_next(cursor, &step, NULL) > 0) {
		const struct skt_snapshot *now = skt_cursor_snapshot(cursor);
		const uint32_t *slots;
		const bool *rows;
		size_t n;

		assert_int_equal(skt_selection_step(selection, now, step, NULL), 0);
		rows = skt_selection_rows(selection);
		for (size_t i = 0; i < now->n_socks; i++)
			kept += now->socks[i].table != SKT_NO_TABLE && now->socks[i].local_port == port && rows[i];
		assert_int_equal(skt_cursor_next_slots(cursor, &slots, &n, NULL), 0);
		if (slots)
			assert_int_equal(skt_selection_renumber(selection, slots, n, NULL), 0);
	}
	skt_cursor_free(cursor);
	return kept;
}

/* A recording of seconds 0 to n - 1 in which each has these rows of table 0. */
static struct skt_file *record(struct recording *recording, int n,
			       void (*add_rows)(struct skt_snapshot *now, int second))
{
	recording_begin(recording, SCENE_SECOND);
	for (int i = 0; i < n; i++) {
		struct skt_snapshot now;

		scene_begin(&now, NULL, i);
		scene_table(&now, SKT_TCP, 0);
		add_rows(&now, i);
		scene_end(&now);
		recording_add(recording, &now);
		skt_snapshot_release(&now);
	}
	recording_end(recording);
	return recording_open(recording);
}

/* What the expression selects: rows of port 1000 are kept in so many snapshots, and those of 1001 in none. */
static struct skt_selected keep(const struct skt_file *file, const char *expression, unsigned kept)
{
	struct skt_filter *filter = filter_of(expression);
	struct skt_selection_options options = { .kinds = (1u << SKT_TABLE_KINDS) - 1, .filter = filter };
	struct skt_selection *selection;
	struct skt_selected selected;

	assert_int_equal(skt_selection_new(&options, &selection), 0);
	walk(file, selection, 1000);
	selected = skt_selection_again(selection);
	assert_int_equal(walk(file, selection, 1000), kept);
	skt_selection_again(selection);
	assert_int_equal(walk(file, selection, 1001), 0);
	skt_selection_free(selection);
	skt_filter_free(filter);
	return selected;
}

static void add_one_that_is_established_once(struct skt_snapshot *now, int second)
{
	scene_add(now, scene_sock(1001, 80, 12, 2, SKT_SYN_SENT));
	if (second < 140)
		scene_add(now, scene_sock(1000, 80, 11, 1, second == 100 ? SKT_ESTABLISHED : SKT_CLOSE_WAIT));
	scene_add(now, scene_sock(1000, 0, 13, 3, SKT_LISTEN));
}

static void a_socket_that_matches_once_is_kept_for_its_whole_life(void **state)
{
	struct recording recording;
	struct skt_file *file = record(&recording, 150, add_one_that_is_established_once);
	struct skt_selected selected;

	(void)state;
	/* it goes over borders of groups */
	assert_true(skt_file_span(file).groups > 1);
	/* and so is its listener, which is there all the time */
	selected = keep(file, "state established", 140 + 150);
	assert_int_equal(selected.sockets, 3);
	assert_int_equal(selected.matched, 1);
	skt_file_free(file);
	recording_release(&recording);
}

/* Neither changes, and the second is gone before it would be meant. */
static void add_two_that_do_not_change(struct skt_snapshot *now, int second)
{
	scene_add(now, scene_sock(1000, 80, 11, 1, SKT_ESTABLISHED));
	if (second < 50)
		scene_add(now, scene_sock(1001, 80, 12, 2, SKT_ESTABLISHED));
}

static void a_socket_is_kept_that_is_meant_later_though_its_row_does_not_change(void **state)
{
	struct recording recording;
	struct skt_file *file = record(&recording, 150, add_two_that_do_not_change);
	struct skt_selected selected;

	(void)state;
	selected = keep(file, "time > 2026-11-22T14:05:00Z", 150);
	assert_int_equal(selected.sockets, 2);
	assert_int_equal(selected.matched, 1);
	skt_file_free(file);
	recording_release(&recording);
}

/* Nobody looked for the holder of 1000 from the 20th to the 29th second, when it closed; nobody holds 1001. */
static void add_one_whose_holder_is_not_known(struct skt_snapshot *now, int second)
{
	struct skt_sock sock = scene_sock(1000, 80, 11, 1, SKT_ESTABLISHED);

	sock.owner = SKT_OWNER_UNKNOWN;
	sock.owner_gaps = SKT_GAP_UNSEARCHED;
	if (second >= 20 && second < 30)
		scene_add(now, sock);
	scene_add(now, scene_sock(1001, 80, 12, 2, SKT_ESTABLISHED));
}

static void a_socket_of_which_it_is_not_known_is_kept_and_counted(void **state)
{
	struct recording recording;
	struct skt_file *file = record(&recording, 40, add_one_whose_holder_is_not_known);
	struct skt_selected selected;

	(void)state;
	selected = keep(file, "pid = 7", 10);
	assert_int_equal(selected.sockets, 2);
	assert_int_equal(selected.matched, 0);
	assert_int_equal(selected.unknown, 1);
	assert_int_equal(selected.unknown_first, SCENE_TIME + 20 * SCENE_SECOND);
	assert_in_range(selected.unknown_last - SCENE_TIME, 20 * SCENE_SECOND, 29 * SCENE_SECOND);
	skt_file_free(file);
	recording_release(&recording);
}

/* ---- what an expression lies within ---- */

static void what_is_within_an_expression_is_found(void **state)
{
	static const struct {
		const char *filter, *wider;
		bool within;
	} cases[] = {
		{ "dst 10.1.2.3", "dst 10.0.0.0/8", true },
		{ "dst 10.1.0.0/16", "dst 10.0.0.0/8", true },
		{ "dst 10.0.0.0/7", "dst 10.0.0.0/8", false },
		{ "dst 11.1.2.3", "dst 10.0.0.0/8", false },
		{ "src 10.1.2.3", "dst 10.0.0.0/8", false },
		{ "dst 10.1.2.3:443", "dst 10.0.0.0/8", true },
		{ "dst 10.1.2.3", "dst 10.1.2.3:443", false },
		{ "dst 10.1.2.3:80", "dst 10.1.2.3:443", false },
		{ "not dst 10.1.2.3", "not dst 10.0.0.0/8", false },
		{ "not dst 10.1.2.3", "not dst 10.1.2.3", true },
		{ "comm = nginx", "comm = nginx", true },
		{ "comm = nginx", "comm = apache", false },
		{ "comm = nginx and pid = 7", "comm = nginx", true },
		{ "comm = nginx or pid = 7", "comm = nginx", false },
		{ "comm = nginx", "comm = nginx or pid = 7", true },
		{ "comm = nginx", "comm = nginx and pid = 7", false },
		{ "pid = 7 and comm = nginx", "comm = nginx and pid = 7", true },
		{ "( comm = a and pid = 1 ) or ( comm = a and pid = 2 )", "comm = a", true },
		{ "( comm = a and pid = 1 ) or ( comm = b and pid = 2 )", "comm = a", false },
		{ "not ( comm = a or pid = 1 )", "not ( comm = a or pid = 1 )", true },
		{ "not ( comm = a )", "comm = a", false },
		{ "comm != a", "comm = a", false },
		{ "comm != a", "comm != a", true },
		{ "pid in (1)", "pid in (1,2)", true },
		{ "pid in (1,2)", "pid in (1)", false },
		{ "pid > 10", "pid > 5", false }, /* it is, and that is not looked at */
		{ "state established", "state connected", true },
		{ "state connected", "state established", false },
		{ "exclude connected", "exclude established", true },
		{ "exclude established", "exclude connected", false },
		{ "dport = :443", "dport = :443", true },
		{ "dport = :80", "dport = :443", false },
		{ "cmdline ~ 'java'", "cmdline ~ 'java'", true },
		{ "cmdline ~ 'java'", "cmdline ~ 'perl'", false },
		{ "dst 10.1.2.3", "dst inet6:[::]/0", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct skt_filter *filter = filter_of(cases[i].filter), *wider = filter_of(cases[i].wider);

		if (skt_filter_implies(filter, wider) != cases[i].within)
			fail_msg("'%s' is %swithin '%s'", cases[i].filter, cases[i].within ? "not " : "",
				 cases[i].wider);
		skt_filter_free(filter);
		skt_filter_free(wider);
	}
}

/* Lists within lists of both, which by trying every way would take for ever. */
static void an_expression_made_to_take_long_does_not(void **state)
{
	struct skt_filter *a, *b;
	struct skt_buf text;

	(void)state;
	skt_buf_init(&text);
	for (int i = 0; i < 60; i++)
		skt_buf_text(&text, "( ");
	skt_buf_text(&text, "comm = a");
	for (int i = 0; i < 60; i++)
		skt_buf_printf(&text, " %s comm = b )", i % 2 ? "and" : "or");
	skt_buf_byte(&text, '\0');
	a = filter_of((char *)text.data);
	/* the last of the names is another one */
	*strrchr((char *)text.data, 'b') = 'c';
	b = filter_of((char *)text.data);
	(void)skt_filter_implies(a, b);
	skt_filter_free(a);
	skt_filter_free(b);
	skt_buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slice_of_everything_is_the_same),
		cmocka_unit_test(every_kept_recording_and_every_damaged_one_is_the_same_with_its_gaps),
		cmocka_unit_test(holders_go_along_with_their_ancestors_and_nobody_else),
		cmocka_unit_test(who_has_the_parents_number_but_began_later_is_not_the_parent),
		cmocka_unit_test(lines_that_are_no_rows_stay_between_the_rows_that_are_left),
		cmocka_unit_test(what_was_told_of_a_kept_row_or_of_none_goes_along),
		cmocka_unit_test(a_socket_that_matches_once_is_kept_for_its_whole_life),
		cmocka_unit_test(a_socket_is_kept_that_is_meant_later_though_its_row_does_not_change),
		cmocka_unit_test(a_socket_of_which_it_is_not_known_is_kept_and_counted),
		cmocka_unit_test(what_is_within_an_expression_is_found),
		cmocka_unit_test(an_expression_made_to_take_long_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
