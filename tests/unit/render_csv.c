/* SPDX-License-Identifier: MIT */
#include "render_scene.h"

#include <skt/escape.h>

#define MAX_ROWS    64
#define MAX_COLUMNS 64

/* A document read back by the rules of RFC 4180; quoted tells "" from nothing. */
struct table {
	char *text;
	const char *cells[MAX_ROWS][MAX_COLUMNS];
	bool quoted[MAX_ROWS][MAX_COLUMNS];
	size_t n_rows, n_columns;
};

/* Read one field at *at in place, and step over the comma after it. */
static const char *read_field(char **at, bool *ret_quoted)
{
	char *field = *at, *to = *at;

	*ret_quoted = **at == '"';
	if (!*ret_quoted) {
		*at += strcspn(*at, ",\r\n\"");
		assert_int_not_equal(**at, '"');
		return field;
	}
	for (char *from = field + 1;; from++) {
		assert_int_not_equal(*from, '\0');
		if (*from == '"' && *++from != '"') {
			*at = from;
			*to = '\0';
			return field;
		}
		*to++ = *from;
	}
}

static void read_table(const char *text, struct table *ret)
{
	char *at = ret->text = strdup(text);

	ret->n_rows = ret->n_columns = 0;
	while (*at) {
		size_t column = 0;
		char end;

		do {
			assert_true(column < MAX_COLUMNS && ret->n_rows < MAX_ROWS);
			ret->cells[ret->n_rows][column] = read_field(&at, &ret->quoted[ret->n_rows][column]);
			column++;
			end = *at;
			*at++ = '\0';
		} while (end == ',');
		assert_int_equal(end, '\r');
		assert_int_equal(*at++, '\n');
		if (!ret->n_rows)
			ret->n_columns = column;
		assert_int_equal(column, ret->n_columns);
		ret->n_rows++;
	}
}

static size_t column_of(const struct table *table, const char *name)
{
	size_t found = MAX_COLUMNS;

	for (size_t i = 0; i < table->n_columns; i++) {
		if (strcmp(table->cells[0][i], name))
			continue;
		assert_int_equal(found, MAX_COLUMNS); /* a name stands there once */
		found = i;
	}
	assert_int_not_equal(found, MAX_COLUMNS);
	return found;
}

static void expect(const struct table *table, size_t row, const char *name, const char *value)
{
	size_t column = column_of(table, name);

	assert_string_equal(table->cells[row][column], value ? value : "");
	assert_true(!value || *value || table->quoted[row][column]);
	assert_true(value || !table->quoted[row][column]);
}

/* One socket with one owner of this comm and command line, as CSV and read back. */
static void render_one(struct scene *scene, const char *comm, const void *cmdline, size_t len, struct table *ret)
{
	if (!scene->snapshot.n_tables)
		scene_table(scene, SKT_TCP, 0);
	scene->snapshot.n_socks = 0;
	scene->snapshot.n_processes = 0;
	scene_sock(scene, 0, "10.0.0.1", 1, "10.0.0.2", 2, SKT_ESTABLISHED);
	scene_process(scene, 7, comm, cmdline, len);
	scene_own(scene, &(struct skt_owner){ 0, 3 }, 1);
	read_table(render_scene(scene, SKT_FORMAT_CSV), ret);
}

static void a_line_for_each_owner_with_its_row_repeated(void **state)
{
	struct scene *scene = *state;
	uint32_t tcp = scene_table(scene, SKT_TCP, 0);
	struct table table;

	scene_process(scene, 720, "nginx", "nginx", 5);
	scene_process(scene, 721, "nginx", "nginx", 5);
	scene_sock(scene, tcp, "0.0.0.0", 80, "0.0.0.0", 0, SKT_LISTEN);
	scene_own(scene, (struct skt_owner[]){ { 0, 6 }, { 1, 6 }, { 1, 8 } }, 3);
	scene_sock(scene, tcp, "10.0.0.1", 80, "10.0.0.2", 999, SKT_SYN_RECV)->owner = SKT_OWNER_QUEUED;
	read_table(render_scene(scene, SKT_FORMAT_CSV), &table);
	assert_int_equal(table.n_rows, 5);
	assert_string_equal(table.cells[0][0], "row");
	for (size_t row = 1; row <= 3; row++) {
		expect(&table, row, "row", "1");
		expect(&table, row, "local_port", "80");
		expect(&table, row, "owner", "held");
		expect(&table, row, "comm", "nginx");
	}
	expect(&table, 1, "pid", "720");
	expect(&table, 2, "pid", "721");
	expect(&table, 2, "fd", "6");
	expect(&table, 3, "fd", "8");
	expect(&table, 4, "row", "2");
	expect(&table, 4, "owner", "queued");
	expect(&table, 4, "pid", NULL);
	expect(&table, 4, "exited", NULL);
	free(table.text);
}

static void null_is_nothing_and_empty_text_is_quoted(void **state)
{
	struct scene *scene = *state;
	struct table table;

	render_one(scene, "", "", 0, &table);
	expect(&table, 1, "comm", "");
	expect(&table, 1, "cmdline", "[]");
	expect(&table, 1, "owner_gaps", "[]");
	expect(&table, 1, "user", NULL);
	expect(&table, 1, "drops", NULL);
	expect(&table, 1, "exe_deleted", "false");
	expect(&table, 1, "host", "web3");
	free(table.text);
}

static void quotes_commas_and_line_ends_come_back(void **state)
{
	struct scene *scene = *state;
	struct table table;

	render_one(scene, "a,\"b\"\r\n", "x,\0\"y\"\0\n", 8, &table);
	expect(&table, 1, "comm", "a,\"b\"\\x0d\\x0a");
	expect(&table, 1, "cmdline", "[\"x,\",\"\\\"y\\\"\",\"\\\\x0a\"]");
	free(table.text);
}

/* The comm comes back as written, by the one escape, and no cell begins as a formula does. */
static void expect_disarmed(struct scene *scene, const char *comm, const char *written)
{
	struct table table;
	struct skt_buf back;

	render_one(scene, comm, "x", 1, &table);
	expect(&table, 1, "comm", written);
	skt_buf_init(&back);
	skt_unescape(&back, written, strlen(written));
	assert_int_equal(back.len, strlen(comm));
	assert_memory_equal(back.data, comm, back.len);
	skt_buf_release(&back);
	free(table.text);
}

static void a_formula_is_not_one_for_a_spreadsheet(void **state)
{
	struct scene *scene = *state;

	expect_disarmed(scene, "=cmd|'/C calc'!A0", "\\x3dcmd|'/C calc'!A0");
	expect_disarmed(scene, "+1", "\\x2b1");
	expect_disarmed(scene, "-bash", "\\x2dbash");
	expect_disarmed(scene, "@SUM(A1)", "\\x40SUM(A1)");
	expect_disarmed(scene, "==1", "\\x3d=1");
	expect_disarmed(scene, "\t=1", "\\x09=1");
	expect_disarmed(scene, "a;=1;b", "a;\\x3d1;b");
	expect_disarmed(scene, ";=1", ";\\x3d1");
	expect_disarmed(scene,
			"\xef\xbc\x9d"
			"1",
			"\\xef\\xbc\\x9d1");
	expect_disarmed(scene, "a;", "a;");
	expect_disarmed(scene, "a=b-c", "a=b-c");
}

static void a_formula_in_a_list_is_not_one_either(void **state)
{
	struct scene *scene = *state;
	struct table table;

	render_one(scene, "x", "sh\0-c\0a;=1\0", 11, &table);
	expect(&table, 1, "cmdline", "[\"sh\",\"-c\",\"a;\\\\x3d1\"]");
	free(table.text);
}

static void numbers_below_zero_are_numbers(void **state)
{
	struct scene *scene = *state;
	struct skt_sock *sock;
	struct table table;

	sock = scene_sock(scene, scene_table(scene, SKT_TCP, 0), "10.0.0.1", 1, "10.0.0.2", 2, SKT_ESTABLISHED);
	sock->has = SKT_BIT(SKT_F_SSTHRESH);
	sock->ssthresh = -1;
	read_table(render_scene(scene, SKT_FORMAT_CSV), &table);
	expect(&table, 1, "ssthresh", "-1");
	free(table.text);
}

static void the_heading_comes_once_and_only_if_wanted(void **state)
{
	struct scene *scene = *state;
	struct skt_buf out;
	const char *text;

	scene->render.format = SKT_FORMAT_CSV;
	skt_buf_init(&out);
	skt_render_begin(&scene->render, &out);
	skt_render_sockets(&scene->render, &scene->snapshot, NULL, 0, &out);
	skt_render_sockets(&scene->render, &scene->snapshot, NULL, 0, &out);
	skt_render_end(&scene->render, &out);
	skt_buf_byte(&out, '\0');
	text = (char *)out.data;
	assert_memory_equal(text, "row,time,host,table,table_status,net_namespace,", 47);
	assert_ptr_equal(strchr(text, '\n') + 1, text + out.len - 1);
	skt_buf_release(&out);
	scene->render.heading = false;
	assert_string_equal(render_scene(scene, SKT_FORMAT_CSV), "");
}

static void processes_have_their_own_columns(void **state)
{
	struct scene *scene = *state;
	struct table table;

	scene_process(scene, 7, "x", "y", 1);
	read_table(render_scene_processes(scene, SKT_FORMAT_CSV), &table);
	assert_int_equal(table.n_rows, 2);
	assert_string_equal(table.cells[0][0], "time");
	expect(&table, 1, "pid", "7");
	expect(&table, 1, "cmdline", "[\"y\"]");
	for (size_t i = 0; i < table.n_columns; i++)
		assert_string_not_equal(table.cells[0][i], "fd");
	free(table.text);
}

int main(void)
{
#define TEST(claim) cmocka_unit_test_setup_teardown(claim, scene_set_up, scene_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_line_for_each_owner_with_its_row_repeated), TEST(null_is_nothing_and_empty_text_is_quoted),
		TEST(quotes_commas_and_line_ends_come_back),	   TEST(a_formula_is_not_one_for_a_spreadsheet),
		TEST(a_formula_in_a_list_is_not_one_either),	   TEST(numbers_below_zero_are_numbers),
		TEST(the_heading_comes_once_and_only_if_wanted),   TEST(processes_have_their_own_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
