/* SPDX-License-Identifier: MIT */
/*
 * Rows shaped: what is named, in which order they come, and how many there are of a kind. Expectations are made by
 * hand.
 */
#include <skt/shape.h>

#include "render_scene.h"

#include <errno.h>

#define SECOND INT64_C(1000000000)

static const struct skt_view *nameable(void)
{
	static struct skt_view view;
	struct skt_view sockets, flat;

	skt_view_sockets(&sockets, false);
	skt_view_sockets(&flat, true);
	skt_view_nameable(&sockets, &flat, &view);
	return &view;
}

static size_t rows_of(struct scene *scene, struct skt_row *rows)
{
	for (size_t i = 0; i < scene->snapshot.n_socks; i++)
		rows[i] = (struct skt_row){ .host = "web3",
					    .boot_time = SCENE_BOOT,
					    .snapshot = &scene->snapshot,
					    .sock = &scene->snapshot.socks[i] };
	return scene->snapshot.n_socks;
}

/* The indices of rows in this order: "2 0 1". */
static const char *order(struct scene *scene, const char *list)
{
	static char text[256];
	struct skt_row rows[32];
	size_t n = rows_of(scene, rows), len = 0;
	struct skt_order order;
	uint32_t *which;

	assert_int_equal(skt_order_parse(list, nameable(), &order, NULL), 0);
	assert_int_equal(skt_order_rows(&order, rows, n, &which), 0);
	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%u", i ? " " : "", which[i]);
	free(which);
	return text;
}

static void put_value(const struct skt_field_info *field, const struct skt_row *row, char *text, size_t size)
{
	struct skt_value value;
	size_t len = strlen(text);

	if (!skt_field_get(field, row, &value))
		snprintf(text + len, size - len, "null");
	else if (field->type == SKT_TYPE_NUMBER)
		snprintf(text + len, size - len, "%s%llu", value.negative ? "-" : "", (unsigned long long)value.number);
	else if (field->type == SKT_TYPE_TIME)
		snprintf(text + len, size - len, "%llds",
			 (long long)((value.time - (SCENE_TIME - SCENE_TIME % SECOND)) / SECOND));
	else
		snprintf(text + len, size - len, "%.*s", (int)value.len, value.text);
}

/* All that was counted: "nginx 2|curl 1". Ends the counting, and frees. */
static const char *counted(struct skt_counts *counts, size_t top)
{
	static char text[4096];
	struct skt_view view;

	text[0] = '\0';
	assert_int_equal(skt_counts_end(counts, top, NULL), 0);
	skt_counts_view(counts, false, 0, &view);
	for (size_t i = 0; i < skt_counts_count(counts); i++) {
		struct skt_row row = skt_counts_row(counts, i);

		if (i)
			strcat(text, "|");
		for (size_t k = 0; k < view.n; k++) {
			if (k)
				strcat(text, " ");
			put_value(view.fields[k], &row, text, sizeof(text));
		}
	}
	skt_counts_free(counts);
	return text;
}

static struct skt_counts *counts_by(const char *list, int64_t every, bool sides)
{
	struct skt_counts_options options = { .every = every, .sides = sides, .seed = 3 };
	struct skt_counts *counts;

	if (list)
		assert_int_equal(skt_fields_parse(list, nameable(), &options.by, NULL), 0);
	assert_int_equal(skt_counts_new(&options, &counts), 0);
	return counts;
}

static const char *count(struct scene *scene, const char *list, size_t top)
{
	struct skt_counts *counts = counts_by(list, 0, false);
	struct skt_row rows[32];
	size_t n = rows_of(scene, rows);

	for (size_t i = 0; i < n; i++)
		assert_int_equal(skt_counts_add(counts, 0, &rows[i], 0, 0), 0);
	return counted(counts, top);
}

/* ---- names ---- */

static void fields_come_as_they_are_named(void **state)
{
	struct skt_view view;

	(void)state;
	assert_int_equal(skt_fields_parse("pid,local_port,owners", nameable(), &view, NULL), 0);
	assert_int_equal(view.n, 3);
	assert_string_equal(view.fields[0]->name, "pid");
	assert_string_equal(view.fields[1]->name, "local_port");
	assert_string_equal(view.fields[2]->name, "owners");
	assert_true(skt_view_has_holder(&view));
	assert_int_equal(skt_fields_parse("local_port", nameable(), &view, NULL), 0);
	assert_false(skt_view_has_holder(&view));
}

static void refused(const char *list, bool of_order, const char *message)
{
	struct skt_order order;
	struct skt_err err;

	skt_err_init(&err);
	if (of_order)
		assert_int_equal(skt_order_parse(list, nameable(), &order, &err), -EINVAL);
	else
		assert_int_equal(skt_fields_parse(list, nameable(), &order.fields, &err), -EINVAL);
	assert_string_equal(err.message, message);
}

static void a_name_that_is_none_is_told_with_the_nearest(void **state)
{
	(void)state;
	refused("local_prot", false, "'local_prot' is no field; nearest: local_port; see sockquery --list-fields");
	refused("Comm", false, "'Comm' is no field; nearest: comm; see sockquery --list-fields");
	refused("CMDLINE", false,
		"'CMDLINE' is no field; nearest: cmdline, cmdline_truncated; see sockquery --list-fields");
	refused("pid,comn", false, "'comn' is no field; nearest: comm; see sockquery --list-fields");
	refused("xyzzyxyzzy", false, "'xyzzyxyzzy' is no field; see sockquery --list-fields");
	/* more letters than any name */
	refused("local_port_local_port_local_port_local_port", false,
		"'local_port_local_port_local_port_local_port' is no field; see sockquery --list-fields");
}

static void wrong_lists_are_refused(void **state)
{
	(void)state;
	refused("", false, "'' lacks the name of a field");
	refused("pid,", false, "'pid,' lacks the name of a field");
	refused(",pid", false, "',pid' lacks the name of a field");
	refused("pid,-pid", true, "'pid' is named twice");
	refused("owners", true, "'owners' is a list and has no order");
	refused("-pid", false, "'-pid' is no field; nearest: pid, ppid, uid; see sockquery --list-fields");
}

/* ---- order ---- */

static void addresses_sort_as_addresses(void **state)
{
	struct scene *scene = *state;
	uint32_t tcp = scene_table(scene, SKT_TCP, 0), tcp6 = scene_table(scene, SKT_TCP6, 0);

	scene_sock(scene, tcp6, "::1", 1, "::", 0, SKT_LISTEN);
	scene_sock(scene, tcp, "10.0.0.10", 1, "0.0.0.0", 0, SKT_LISTEN);
	scene_sock(scene, tcp, "10.0.0.2", 1, "0.0.0.0", 0, SKT_LISTEN);
	scene_sock(scene, tcp6, "::", 1, "::", 0, SKT_LISTEN);
	scene_sock(scene, tcp, "9.255.0.0", 1, "0.0.0.0", 0, SKT_LISTEN);
	assert_string_equal(order(scene, "local_address"), "4 2 1 3 0");
	assert_string_equal(order(scene, "-local_address"), "0 3 1 2 4");
}

static void numbers_sort_as_numbers_and_signs_count(void **state)
{
	struct scene *scene = *state;
	static const int32_t ssthresh[] = { 10, -1, 2, -20, 0 };
	uint32_t tcp = scene_table(scene, SKT_TCP, 0);

	for (size_t i = 0; i < 5; i++) {
		struct skt_sock *sock = scene_sock(scene, tcp, "10.0.0.1", 1, "10.0.0.2", 2, SKT_ESTABLISHED);

		sock->has |= SKT_BIT(SKT_F_SSTHRESH);
		sock->ssthresh = ssthresh[i];
	}
	assert_string_equal(order(scene, "ssthresh"), "3 1 4 2 0");
}

static void null_is_last_both_ways(void **state)
{
	struct scene *scene = *state;
	uint32_t tcp = scene_table(scene, SKT_TCP, 0);

	for (uint32_t i = 0; i < 4; i++) {
		struct skt_sock *sock = scene_sock(scene, tcp, "10.0.0.1", 1, "10.0.0.2", 2, SKT_ESTABLISHED);

		sock->cwnd = 10 - i;
		if (i % 2)
			sock->has |= SKT_BIT(SKT_F_CWND);
	}
	assert_string_equal(order(scene, "cwnd"), "3 1 0 2");
	assert_string_equal(order(scene, "-cwnd"), "1 3 0 2");
}

static void equal_rows_stay_as_they_were(void **state)
{
	struct scene *scene = *state;
	uint32_t tcp = scene_table(scene, SKT_TCP, 0);

	/* 2 1 0 2 1 0 ... */
	for (uint16_t i = 0; i < 9; i++)
		scene_sock(scene, tcp, "10.0.0.1", 2 - i % 3, "10.0.0.2", i, SKT_ESTABLISHED);
	assert_string_equal(order(scene, "local_port"), "2 5 8 1 4 7 0 3 6");
	assert_string_equal(order(scene, "-local_port"), "0 3 6 1 4 7 2 5 8");
	assert_string_equal(order(scene, "local_port,-remote_port"), "8 5 2 7 4 1 6 3 0");
}

static void add_held_sockets(struct scene *scene)
{
	uint32_t tcp = scene_table(scene, SKT_TCP, 0);

	scene_process(scene, 30, "nginx", "nginx", 6);
	scene_process(scene, 10, "nginx", "nginx", 6);
	scene_process(scene, 20, "curl", "curl", 5);
	scene_sock(scene, tcp, "0.0.0.0", 80, "0.0.0.0", 0, SKT_LISTEN);
	scene_own(scene, (struct skt_owner[]){ { 0, 8 }, { 1, 6 }, { 1, 7 } }, 3);
	scene_sock(scene, tcp, "10.0.0.1", 81, "10.0.0.2", 443, SKT_ESTABLISHED);
	scene_own(scene, &(struct skt_owner){ 2, 5 }, 1);
	scene_sock(scene, tcp, "10.0.0.1", 82, "10.0.0.2", 443, SKT_TIME_WAIT);
}

static void of_several_holders_the_one_that_comes_first_decides(void **state)
{
	struct scene *scene = *state;

	/* pids 10 and 30; 20; none */
	add_held_sockets(scene);
	assert_string_equal(order(scene, "pid"), "0 1 2");
	assert_string_equal(order(scene, "-pid"), "0 1 2");
	assert_string_equal(order(scene, "comm"), "1 0 2");
}

static void a_row_for_each_holder(void **state)
{
	struct scene *scene = *state;
	struct skt_row rows[32], *more;
	struct skt_view view;
	size_t n;

	add_held_sockets(scene);
	n = rows_of(scene, rows);
	assert_int_equal(skt_fields_parse("local_port,fd", nameable(), &view, NULL), 0);
	assert_int_equal(skt_rows_of_holders(&view, rows, n, &more, &n), 0);
	assert_int_equal(n, 5);
	assert_int_equal(more[2].fd, 7);
	assert_int_equal(more[2].process->pid, 10);
	assert_null(more[4].process);
	free(more);
	/* two descriptors of one process are one row where nobody asks for descriptors */
	n = rows_of(scene, rows);
	assert_int_equal(skt_fields_parse("local_port,pid", nameable(), &view, NULL), 0);
	assert_int_equal(skt_rows_of_holders(&view, rows, n, &more, &n), 0);
	assert_int_equal(n, 4);
	free(more);
}

/* ---- counts ---- */

static void the_largest_group_comes_first_and_equal_ones_by_value(void **state)
{
	struct scene *scene = *state;
	uint32_t tcp = scene_table(scene, SKT_TCP, 0);

	scene_sock(scene, tcp, "10.0.0.1", 1, "10.0.0.10", 1, SKT_ESTABLISHED);
	scene_sock(scene, tcp, "10.0.0.1", 2, "10.0.0.2", 1, SKT_ESTABLISHED);
	scene_sock(scene, tcp, "10.0.0.1", 3, "10.0.0.7", 1, SKT_ESTABLISHED);
	scene_sock(scene, tcp, "10.0.0.1", 4, "10.0.0.7", 1, SKT_TIME_WAIT);
	assert_string_equal(count(scene, "remote_address", 0), "10.0.0.7 2|10.0.0.2 1|10.0.0.10 1");
	assert_string_equal(count(scene, "remote_address", 2), "10.0.0.7 2|10.0.0.2 1");
	assert_string_equal(count(scene, "remote_address,state", 1), "10.0.0.2 ESTABLISHED 1");
	assert_string_equal(count(scene, NULL, 0), "4");
}

static void a_socket_counts_once_with_each_name_of_its_holders(void **state)
{
	struct scene *scene = *state;

	add_held_sockets(scene);
	assert_string_equal(count(scene, "comm", 0), "curl 1|nginx 1|null 1");
	assert_string_equal(count(scene, "pid", 0), "10 1|20 1|30 1|null 1");
	assert_string_equal(count(scene, "fd,comm", 0), "5 curl 1|6 nginx 1|7 nginx 1|8 nginx 1|null null 1");
}

static void nothing_makes_no_groups(void **state)
{
	assert_string_equal(count(*state, "comm", 0), "");
	assert_string_equal(count(*state, NULL, 0), "");
}

/* Second 0 is a multiple of 10 seconds since 1970, less 7. */
static void a_row_counts_in_each_stretch_that_it_touches(void **state)
{
	struct scene *scene = *state;
	const int64_t zero = SCENE_TIME - SCENE_TIME % SECOND;
	struct skt_counts *counts = counts_by("state", 10 * SECOND, false);
	uint32_t tcp = scene_table(scene, SKT_TCP, 0);
	struct skt_row rows[32];

	assert_int_equal(zero / SECOND % 10, 7);
	scene_sock(scene, tcp, "10.0.0.1", 1, "10.0.0.2", 1, SKT_ESTABLISHED);
	scene_sock(scene, tcp, "10.0.0.1", 2, "10.0.0.2", 1, SKT_CLOSE);
	rows_of(scene, rows);
	/* stretches begin at -7, 3, 13, 23, 33 */
	assert_int_equal(skt_counts_add(counts, 0, &rows[0], zero, zero + 13 * SECOND), 0);
	assert_int_equal(skt_counts_add(counts, 0, &rows[0], zero + 3 * SECOND, zero + 13 * SECOND - 1), 0);
	assert_int_equal(skt_counts_add(counts, 0, &rows[1], zero + 5 * SECOND, zero + 5 * SECOND), 0);
	assert_int_equal(skt_counts_add(counts, 0, &rows[0], zero + 40 * SECOND, zero + 40 * SECOND), 0);
	assert_string_equal(counted(counts, 0),
			    "-7s ESTABLISHED 1|3s ESTABLISHED 2|3s CLOSE 1|13s ESTABLISHED 1|33s ESTABLISHED 1");
}

static void by_time_the_top_is_of_all_time(void **state)
{
	struct scene *scene = *state;
	struct skt_counts *counts = counts_by("local_port", SECOND, false);
	uint32_t tcp = scene_table(scene, SKT_TCP, 0);
	struct skt_row rows[32];

	scene_sock(scene, tcp, "10.0.0.1", 1, "10.0.0.2", 1, SKT_ESTABLISHED);
	scene_sock(scene, tcp, "10.0.0.1", 2, "10.0.0.2", 1, SKT_CLOSE);
	rows_of(scene, rows);
	for (int64_t i = 0; i < 3; i++)
		assert_int_equal(skt_counts_add(counts, 0, &rows[1], i * SECOND, i * SECOND), 0);
	assert_int_equal(skt_counts_add(counts, 0, &rows[0], 1, 1), 0);
	assert_int_equal(skt_counts_add(counts, 0, &rows[0], 1, 1), 0);
	assert_int_equal(skt_counts_end(counts, 1, NULL), 0);
	assert_int_equal(skt_counts_count(counts), 3);
	skt_counts_free(counts);
}

/* What two counted apart, of different rows: as if one had counted all. */
static void counts_of_two_become_those_of_one(void **state)
{
	static const char *const lists[] = { "state,local_address", "local_port" };
	struct scene *scene = *state;
	uint32_t tcp = scene_table(scene, SKT_TCP, 0);
	struct skt_row rows[32];

	scene_sock(scene, tcp, "10.0.0.1", 1, "10.0.0.2", 1, SKT_ESTABLISHED);
	scene_sock(scene, tcp, "10.0.0.1", 2, "10.0.0.2", 1, SKT_CLOSE);
	scene_sock(scene, tcp, "10.0.0.9", 2, "10.0.0.2", 1, SKT_CLOSE);
	rows_of(scene, rows);
	for (size_t k = 0; k < 4; k++) {
		const int64_t every = k & 1 ? 10 * SECOND : 0;
		struct skt_counts *one = counts_by(lists[k / 2], every, false);
		struct skt_counts *parts[2] = { counts_by(lists[k / 2], every, false),
						counts_by(lists[k / 2], every, false) };
		struct skt_counts *both = counts_by(lists[k / 2], every, false);
		char want[1024];

		for (int64_t i = 0; i < 40; i++) {
			const struct skt_row *row = &rows[i % 3];

			assert_int_equal(skt_counts_add(one, 0, row, i * SECOND, i * 2 * SECOND), 0);
			assert_int_equal(skt_counts_add(parts[i / 11 % 2], 0, row, i * SECOND, i * 2 * SECOND), 0);
		}
		for (size_t p = 0; p < 2; p++) {
			struct skt_counts_place place = { 0 };
			struct skt_buf group;

			skt_buf_init(&group);
			for (;;) {
				skt_buf_clear(&group);
				skt_counts_save(parts[p], &place, &group);
				if (!group.len)
					break;
				assert_int_equal(skt_counts_merge(both, group.data, group.len), 0);
				/* a part of it is none */
				for (size_t len = 0; len < group.len; len++)
					assert_int_equal(skt_counts_merge(parts[p], group.data, len), -EBADMSG);
			}
			skt_buf_release(&group);
			skt_counts_free(parts[p]);
		}
		snprintf(want, sizeof(want), "%s", counted(one, 0));
		assert_string_equal(counted(both, 0), want);
	}
}

static void more_rows_than_anybody_draws_are_refused(void **state)
{
	struct scene *scene = *state;
	struct skt_counts *counts = counts_by("local_port", 1, false);
	uint32_t tcp = scene_table(scene, SKT_TCP, 0);
	struct skt_row rows[32];
	struct skt_err err;

	scene_sock(scene, tcp, "10.0.0.1", 1, "10.0.0.2", 1, SKT_ESTABLISHED);
	rows_of(scene, rows);
	assert_int_equal(skt_counts_add(counts, 0, &rows[0], INT64_MIN, INT64_MAX), 0);
	assert_int_equal(skt_counts_end(counts, 0, &err), -E2BIG);
	skt_counts_free(counts);
}

static void sides_are_compared_and_the_largest_difference_is_first(void **state)
{
	struct scene *scene = *state;
	struct skt_counts *counts = counts_by("state", 0, true);
	uint32_t tcp = scene_table(scene, SKT_TCP, 0);
	struct skt_row rows[32];

	scene_sock(scene, tcp, "10.0.0.1", 1, "10.0.0.2", 1, SKT_ESTABLISHED);
	scene_sock(scene, tcp, "10.0.0.1", 2, "10.0.0.2", 1, SKT_LISTEN);
	scene_sock(scene, tcp, "10.0.0.1", 3, "10.0.0.2", 1, SKT_CLOSE_WAIT);
	rows_of(scene, rows);
	/* before: 3 established, 1 listen; after: 1 established, 1 listen, 1 close-wait */
	for (int i = 0; i < 3; i++)
		assert_int_equal(skt_counts_add(counts, 0, &rows[0], 0, 0), 0);
	assert_int_equal(skt_counts_add(counts, 0, &rows[1], 0, 0), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(skt_counts_add(counts, 1, &rows[i], 0, 0), 0);
	assert_string_equal(counted(counts, 0), "ESTABLISHED 3 1 -2|CLOSE_WAIT 0 1 1|LISTEN 1 1 0");
}

static void a_bar_is_as_long_as_its_share_and_never_nothing(void **state)
{
	struct scene *scene = *state;
	struct skt_counts *counts = counts_by("local_port", 0, false);
	static const unsigned lens[] = { 24, 12, 1 };
	uint32_t tcp = scene_table(scene, SKT_TCP, 0);
	struct skt_row rows[32];
	struct skt_view view;

	for (uint16_t i = 0; i < 3; i++)
		scene_sock(scene, tcp, "10.0.0.1", i, "10.0.0.2", 1, SKT_ESTABLISHED);
	rows_of(scene, rows);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(skt_counts_add(counts, 0, &rows[0], 0, 0), 0);
		if (i % 2)
			assert_int_equal(skt_counts_add(counts, 0, &rows[1], 0, 0), 0);
	}
	assert_int_equal(skt_counts_add(counts, 0, &rows[2], 0, 0), 0);
	assert_int_equal(skt_counts_end(counts, 0, NULL), 0);
	skt_counts_view(counts, true, 100, &view);
	for (size_t i = 0; i < 3; i++) {
		struct skt_row row = skt_counts_row(counts, i);
		struct skt_value value;

		assert_true(skt_field_get(view.fields[1], &row, &value));
		assert_int_equal(value.len, lens[i]);
		assert_int_equal(strspn(value.text, "#"), SKT_BAR_MAX);
	}
	skt_counts_free(counts);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fields_come_as_they_are_named),
		TEST(a_name_that_is_none_is_told_with_the_nearest),
		TEST(wrong_lists_are_refused),
		TEST(addresses_sort_as_addresses),
		TEST(numbers_sort_as_numbers_and_signs_count),
		TEST(null_is_last_both_ways),
		TEST(equal_rows_stay_as_they_were),
		TEST(of_several_holders_the_one_that_comes_first_decides),
		TEST(a_row_for_each_holder),
		TEST(the_largest_group_comes_first_and_equal_ones_by_value),
		TEST(a_socket_counts_once_with_each_name_of_its_holders),
		TEST(nothing_makes_no_groups),
		TEST(a_row_counts_in_each_stretch_that_it_touches),
		TEST(by_time_the_top_is_of_all_time),
		TEST(counts_of_two_become_those_of_one),
		TEST(more_rows_than_anybody_draws_are_refused),
		TEST(sides_are_compared_and_the_largest_difference_is_first),
		TEST(a_bar_is_as_long_as_its_share_and_never_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
