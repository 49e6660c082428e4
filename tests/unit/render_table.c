/* SPDX-License-Identifier: MIT */
#include "render_scene.h"

#include <locale.h>
#include <wchar.h>

/* Columns that a line takes: the C library's opinion, for wcwidth(3) knows nothing of skt/escape.h. */
static size_t columns_of(const char *line)
{
	wchar_t wide[65536];
	size_t n = mbstowcs(wide, line, 65536);
	int width;

	assert_int_not_equal(n, (size_t)-1);
	width = wcswidth(wide, n);
	assert_true(width >= 0);
	return (size_t)width;
}

/* The rows of the drawing in lib/render/table.c, more or less. */
static void add_web_server(struct scene *scene)
{
	static const char master[] = "nginx: master process /usr/sbin/nginx -g daemon on;";
	static const char worker[] = "nginx: worker process\0\0\0\0";
	static const char curl[] = "curl\0-s\0\0https://203.0.113.9/a b\0";
	uint32_t tcp = scene_table(scene, SKT_TCP, 0), udp = scene_table(scene, SKT_UDP, 0);
	struct skt_sock *sock;

	assert_int_equal(skt_snapshot_add_user(&scene->snapshot, 0, scene_text(scene, "root")), 0);
	scene_process(scene, 7204, "nginx", worker, sizeof(worker) - 1);
	scene_process(scene, 7203, "nginx", master, sizeof(master));
	scene_process(scene, 991, "curl", curl, sizeof(curl) - 1)->exe_deleted = true;
	scene_sock(scene, tcp, "0.0.0.0", 80, "0.0.0.0", 0, SKT_LISTEN);
	scene_own(scene, (struct skt_owner[]){ { 0, 8 }, { 1, 6 }, { 0, 6 }, { 2, 3 } }, 4);
	sock = scene_sock(scene, tcp, "10.0.0.5", 41998, "203.0.113.9", 443, SKT_TIME_WAIT);
	sock->inode = 0;
	scene_own(scene, &(struct skt_owner){ 2, 5 }, 1);
	scene->snapshot.socks[1].owner = SKT_OWNER_CARRIED;
	sock = scene_sock(scene, udp, "0.0.0.0", 8472, "0.0.0.0", 0, SKT_CLOSE);
	sock->owner = SKT_OWNER_UNHELD;
	sock->rx_queue = 212992;
	sock->uid = 1000;
}

static void a_socket_a_line_with_its_owners_by_name(void **state)
{
	struct scene *scene = *state;

	add_web_server(scene);
	assert_string_equal(
		render_scene(scene, SKT_FORMAT_TABLE),
		"TABLE  STATE          RX  TX  LOCAL           REMOTE           USER  PROCESS PID/FD                     "
		"COMMAND\n"
		"tcp    LISTEN          0   0  0.0.0.0:80      0.0.0.0:*        root  curl 991/3, nginx 7203/6 7204/6,8  "
		"(deleted) curl -s '' https://203.0.113.9/a b\n"
		"tcp    TIME_WAIT       0   0  10.0.0.5:41998  203.0.113.9:443  -     (carried) curl 991/5               "
		"(deleted) curl -s '' https://203.0.113.9/a b\n"
		"udp    CLOSE      212992   0  0.0.0.0:8472    0.0.0.0:*        1000  (unheld)\n");
}

static void on_a_terminal_what_says_nothing_is_left_out(void **state)
{
	struct scene *scene = *state;

	add_web_server(scene);
	scene->render.width = 118;
	/* TX is nothing but zeros */
	assert_string_equal(
		render_scene(scene, SKT_FORMAT_TABLE),
		"TABLE STATE         RX LOCAL          REMOTE          USER PROCESS PID/FD                    "
		"COMMAND\n"
		"tcp   LISTEN         0 0.0.0.0:80     0.0.0.0:*       root curl 991/3, nginx 7203/6 7204/6,8 "
		"(deleted) curl -s '' htt…\n"
		"tcp   TIME_WAIT      0 10.0.0.5:41998 203.0.113.9:443 -    (carried) curl 991/5              "
		"(deleted) curl -s '' htt…\n"
		"udp   CLOSE     212992 0.0.0.0:8472   0.0.0.0:*       1000 (unheld)\n");
}

static void commands_go_before_processes_do(void **state)
{
	struct scene *scene = *state;

	add_web_server(scene);
	scene->render.width = 93;
	assert_string_equal(
		render_scene(scene, SKT_FORMAT_TABLE),
		"TABLE STATE         RX LOCAL          REMOTE          USER PROCESS PID/FD\n"
		"tcp   LISTEN         0 0.0.0.0:80     0.0.0.0:*       root curl 991/3, nginx 7203/6 7204/6,8\n"
		"tcp   TIME_WAIT      0 10.0.0.5:41998 203.0.113.9:443 -    (carried) curl 991/5\n"
		"udp   CLOSE     212992 0.0.0.0:8472   0.0.0.0:*       1000 (unheld)\n");
	scene->render.width = 80;
	assert_string_equal(render_scene(scene, SKT_FORMAT_TABLE),
			    "TABLE STATE     LOCAL          REMOTE          USER PROCESS PID/FD\n"
			    "tcp   LISTEN    0.0.0.0:80     0.0.0.0:*       root curl 991/3, nginx 7203/6 72…\n"
			    "tcp   TIME_WAIT 10.0.0.5:41998 203.0.113.9:443 -    (carried) curl 991/5\n"
			    "udp   CLOSE     0.0.0.0:8472   0.0.0.0:*       1000 (unheld)\n");
}

/* As sockquery(1) has it: of LOCAL the port is left, and queues, table, namespace and states go before it does. */
static void the_local_port_stays_until_all_but_both_peers_are_gone(void **state)
{
	struct scene *scene = *state;

	add_web_server(scene);
	scene->render.width = 68;
	assert_string_equal(render_scene(scene, SKT_FORMAT_TABLE),
			    "STATE     LOCAL  REMOTE          PROCESS PID/FD\n"
			    "LISTEN    :80    0.0.0.0:*       curl 991/3, nginx 7203/6 7204/6,8\n"
			    "TIME_WAIT :41998 203.0.113.9:443 (carried) curl 991/5\n"
			    "CLOSE     :8472  0.0.0.0:*       (unheld)\n");
	scene->render.width = 60;
	assert_string_equal(render_scene(scene, SKT_FORMAT_TABLE),
			    "LOCAL  REMOTE          PROCESS PID/FD\n"
			    ":80    0.0.0.0:*       curl 991/3, nginx 7203/6 7204/6,8\n"
			    ":41998 203.0.113.9:443 (carried) curl 991/5\n"
			    ":8472  0.0.0.0:*       (unheld)\n");
	scene->render.width = 40;
	assert_string_equal(render_scene(scene, SKT_FORMAT_TABLE), "REMOTE          PROCESS PID/FD\n"
								   "0.0.0.0:*       curl 991/3, nginx 7203/…\n"
								   "203.0.113.9:443 (carried) curl 991/5\n"
								   "0.0.0.0:*       (unheld)\n");
}

/* What is too narrow for the address has room for the port of one, too. */
static void of_a_local_ipv6_end_the_port_is_left_as_of_any(void **state)
{
	struct scene *scene = *state;
	uint32_t tcp6 = scene_table(scene, SKT_TCP6, 1);

	scene_sock(scene, tcp6, "fd00:1234:5678:9abc:def0:1234:5678:9abc", 34812, "::1", 443, SKT_ESTABLISHED);
	scene_sock(scene, tcp6, "::", 0, "::", 0, SKT_CLOSE);
	scene->render.width = 48;
	assert_string_equal(render_scene(scene, SKT_FORMAT_TABLE), "STATE       LOCAL  REMOTE    PROCESS PID/FD\n"
								   "ESTABLISHED :34812 [::1]:443 (unknown)\n"
								   "CLOSE       :*     [::]:*    (unknown)\n");
}

static void owner_of(struct scene *scene, enum skt_owner_state owner, unsigned gaps, const char *expect)
{
	const char *line, *user;

	scene->snapshot.n_socks = 0;
	scene_sock(scene, 0, "10.0.0.1", 1, "10.0.0.2", 2, SKT_ESTABLISHED);
	if (owner == SKT_OWNER_HELD)
		scene_own(scene, &(struct skt_owner){ 0, 4 }, 1);
	scene->snapshot.socks[0].owner = (uint8_t)owner;
	scene->snapshot.socks[0].owner_gaps = (uint8_t)gaps;
	scene->render.heading = false;
	line = line_of(render_scene(scene, SKT_FORMAT_TABLE), 0);
	user = strstr(line, ":2  0  ");
	assert_non_null(user);
	assert_string_equal(user + 7, expect);
}

static void where_there_is_no_owner_there_is_a_word(void **state)
{
	struct scene *scene = *state;

	scene_table(scene, SKT_TCP, 0);
	scene_process(scene, 5, "sshd", "", 0)->has &= ~(SKT_BIT(SKT_P_CMDLINE) | SKT_BIT(SKT_P_EXE));
	owner_of(scene, SKT_OWNER_UNHELD, 0, "(unheld)");
	owner_of(scene, SKT_OWNER_QUEUED, 0, "(queued)");
	owner_of(scene, SKT_OWNER_DETACHED, 0, "(detached)");
	owner_of(scene, SKT_OWNER_UNKNOWN, 0, "(unknown)");
	owner_of(scene, SKT_OWNER_UNKNOWN, SKT_GAP_DENIED, "(unknown: denied)");
	owner_of(scene, SKT_OWNER_UNKNOWN, SKT_GAPS_ALL, "(unknown: denied vanished unsearched)");
	owner_of(scene, SKT_OWNER_HELD, 0, "sshd 5/4");
	owner_of(scene, SKT_OWNER_HELD, SKT_GAP_DENIED, "sshd 5/4 +?");
}

/* The only column, of one row. */
static void owner_gaps_are(struct scene *scene, unsigned gaps, const char *expect)
{
	struct skt_row row = { .snapshot = &scene->snapshot, .sock = scene->snapshot.socks, .render = &scene->render };
	struct skt_kind kind = { .columns = NULL };
	struct skt_view all;

	skt_view_sockets(&all, false);
	for (size_t i = 0; i < all.n; i++)
		if (!strcmp(all.fields[i]->name, "owner_gaps"))
			skt_view_add(&kind.view, all.fields[i]);
	assert_int_equal(kind.view.n, 1);
	scene->snapshot.socks[0].owner_gaps = (uint8_t)gaps;
	scene->render.format = SKT_FORMAT_TABLE;
	scene->render.heading = false;
	skt_buf_clear(&scene->out);
	skt_render_rows(&scene->render, &kind, &row, 1, &scene->out);
	skt_buf_byte(&scene->out, '\0');
	assert_false(scene->out.failed);
	assert_string_equal((char *)scene->out.data, expect);
}

static void a_set_of_words_is_words_and_not_json(void **state)
{
	struct scene *scene = *state;

	scene_table(scene, SKT_TCP, 0);
	scene_sock(scene, 0, "10.0.0.1", 1, "10.0.0.2", 2, SKT_ESTABLISHED);
	owner_gaps_are(scene, SKT_GAPS_ALL, "denied,vanished,unsearched\n");
	owner_gaps_are(scene, SKT_GAP_VANISHED, "vanished\n");
	owner_gaps_are(scene, 0, "none\n");
}

static void commands_that_are_not_there_are_replaced(void **state)
{
	struct scene *scene = *state;

	scene->render.heading = false;
	scene_sock(scene, scene_table(scene, SKT_TCP, 0), "10.0.0.1", 1, "10.0.0.2", 2, SKT_ESTABLISHED);
	scene_process(scene, 5, "kworker/0:1", "", 0);
	scene_own(scene, &(struct skt_owner){ 0, 4 }, 1);
	assert_non_null(strstr(render_scene(scene, SKT_FORMAT_TABLE), "  kworker/0:1 5/4  [kworker/0:1]\n"));
	scene->snapshot.processes[0].has &= ~SKT_BIT(SKT_P_CMDLINE);
	assert_non_null(strstr(render_scene(scene, SKT_FORMAT_TABLE), "  kworker/0:1 5/4  /usr/sbin/nginx\n"));
	scene->snapshot.processes[0].has = 0;
	assert_non_null(strstr(render_scene(scene, SKT_FORMAT_TABLE), "  ? 5/4\n"));
	scene->snapshot.processes[0].has = SKT_BIT(SKT_P_CMDLINE);
	scene->snapshot.processes[0].cmdline = scene_text(scene, "half a comma");
	scene->snapshot.processes[0].cmdline_truncated = true;
	assert_non_null(strstr(render_scene(scene, SKT_FORMAT_TABLE), "  ? 5/4  half a comma…\n"));
}

static void a_table_that_is_not_fresh_says_so(void **state)
{
	struct scene *scene = *state;
	uint32_t table = scene_table(scene, SKT_TCP6, 0);

	scene_sock(scene, table, "::1", 443, "::", 0, SKT_LISTEN);
	scene->snapshot.tables[table].status = SKT_TABLE_STALE;
	assert_memory_equal(line_of(render_scene(scene, SKT_FORMAT_TABLE), 1), "tcp6(stale)  LISTEN", 19);
	assert_non_null(strstr(line_of(render_scene(scene, SKT_FORMAT_TABLE), 1), "  [::1]:443  [::]:*  "));
}

static void namespaces_are_told_where_there_are_several(void **state)
{
	struct scene *scene = *state;

	scene_sock(scene, scene_table(scene, SKT_TCP, 4026531840), "10.0.0.1", 80, "0.0.0.0", 0, SKT_LISTEN);
	scene_sock(scene, 0, "10.0.0.1", 81, "0.0.0.0", 0, SKT_LISTEN);
	assert_null(strstr(render_scene(scene, SKT_FORMAT_TABLE), "4026531840"));
	scene_sock(scene, scene_table(scene, SKT_TCP, 4026532201), "10.0.0.1", 80, "0.0.0.0", 0, SKT_LISTEN);
	assert_non_null(strstr(line_of(render_scene(scene, SKT_FORMAT_TABLE), 0), "       NETNS  PROCESS PID/FD"));
	assert_non_null(strstr(line_of(render_scene(scene, SKT_FORMAT_TABLE), 1), "  4026531840  (unknown)"));
	assert_non_null(strstr(line_of(render_scene(scene, SKT_FORMAT_TABLE), 3), "  4026532201  (unknown)"));
}

static void nothing_is_a_heading(void **state)
{
	struct scene *scene = *state;

	assert_string_equal(render_scene(scene, SKT_FORMAT_TABLE),
			    "TABLE  STATE  RX  TX  LOCAL  REMOTE  USER  PROCESS PID/FD  COMMAND\n");
	scene->render.width = 80;
	assert_string_equal(render_scene(scene, SKT_FORMAT_TABLE),
			    "TABLE  STATE  LOCAL  REMOTE  USER  PROCESS PID/FD  COMMAND\n");
	assert_string_equal(render_scene_processes(scene, SKT_FORMAT_TABLE),
			    "PID  PPID  USER  STATE  THREADS  STARTED  NAME  COMMAND\n");
	scene->render.heading = false;
	assert_string_equal(render_scene(scene, SKT_FORMAT_TABLE), "");
}

/* Rows with everything that is wide. */
static void add_wide_rows(struct scene *scene)
{
	uint32_t tcp6 = scene_table(scene, SKT_TCP6, 1);
	struct skt_owner owners[50];
	const char *address = "fd00:1234:5678:9abc:def0:1234:5678:9abc";

	add_web_server(scene);
	scene_process(scene, 11, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e x", 11);
	scene_process(scene, 12, "\x1b]0;\a\xff\\", "\x1b[31m\xcc\x81\xc3\xa9\xc3\0\xf0\x9f\x98\x80 \n", 18);
	for (int i = 0; i < 50; i++)
		owners[i] = (struct skt_owner){ (uint32_t)i % 5, 1000 + i };
	scene_sock(scene, tcp6, address, 34812, address, 65535, SKT_ESTABLISHED)->uid = 4294967295;
	scene_own(scene, owners, 50);
	scene_sock(scene, tcp6, "::1", 1, "::", 0, SKT_LISTEN);
	scene_own(scene, &(struct skt_owner){ 3, 1 }, 1);
	scene_sock(scene, tcp6, "::1", 2, "::", 0, SKT_LISTEN);
	scene_own(scene, &(struct skt_owner){ 4, 1 }, 1);
}

/* No line is wider, none ends in a blank, none ends in half an escape or half a character. */
static void assert_fits(const char *text, size_t width)
{
	while (*text) {
		const char *line = line_of(text, 0);
		size_t len = strlen(line);

		assert_true(columns_of(line) <= width);
		assert_true(len && line[len - 1] != ' ');
		for (const char *at = strchr(line, '\\'); at; at = strchr(at + 2, '\\'))
			assert_true(at[1] == '\\' || (at[1] == 'x' && strspn(at + 2, "0123456789abcdef") >= 2));
		text += len + 1;
	}
}

static void no_line_is_wider_than_the_terminal(void **state)
{
	struct scene *scene = *state;

	add_wide_rows(scene);
	for (scene->render.width = 1; scene->render.width <= 200; scene->render.width++) {
		assert_fits(render_scene(scene, SKT_FORMAT_TABLE), scene->render.width);
		assert_fits(render_scene_processes(scene, SKT_FORMAT_TABLE), scene->render.width);
	}
}

static void nothing_is_cut_without_a_terminal(void **state)
{
	struct scene *scene = *state;
	const char *text;

	add_wide_rows(scene);
	text = render_scene(scene, SKT_FORMAT_TABLE);
	assert_null(strstr(text, "\xe2\x80\xa6"));
	assert_non_null(strstr(text, ",1049"));
	assert_non_null(strstr(text, "[fd00:1234:5678:9abc:def0:1234:5678:9abc]:65535"));
}

static void one_long_list_does_not_widen_all_lines(void **state)
{
	struct scene *scene = *state;
	const char *line;

	add_wide_rows(scene);
	line = line_of(render_scene(scene, SKT_FORMAT_TABLE), 1);
	assert_true(strlen(line) < 300);
}

static void an_ipv6_address_does_not_push_the_processes_off_the_screen(void **state)
{
	struct scene *scene = *state;
	const char *text;

	add_wide_rows(scene);
	scene->render.width = 110;
	text = render_scene(scene, SKT_FORMAT_TABLE);
	assert_non_null(strstr(line_of(text, 1), " curl 991/3, nginx"));
	assert_non_null(strstr(line_of(text, 3), " (unheld)"));
	/* and stands there with both its ends */
	assert_non_null(strstr(line_of(text, 4), " [fd00:1234:…:5678:9abc]:34812 [fd00:1234:…:5678:9abc]:"));
	scene->render.width = 260;
	text = render_scene(scene, SKT_FORMAT_TABLE);
	assert_non_null(strstr(line_of(text, 4), " [fd00:1234:5678:9abc:def0:1234:5678:9abc]:34812 "));
}

static void processes_are_told_with_their_start(void **state)
{
	struct scene *scene = *state;
	static const char cmdline[] = "curl\0-s";

	scene_process(scene, 991, "curl", cmdline, sizeof(cmdline));
	scene_process(scene, 2, "kthreadd", "", 0)->has = SKT_BIT(SKT_P_COMM) | SKT_BIT(SKT_P_CMDLINE);
	assert_string_equal(render_scene_processes(scene, SKT_FORMAT_TABLE),
			    "PID  PPID  USER  STATE  THREADS  STARTED               CONTAINER  NAME      COMMAND\n"
			    "991     1  33    S            2  2026-11-22T13:04:07Z             curl      curl -s\n"
			    "  2     -  -                  -  2026-11-22T13:04:07Z             kthreadd  [kthreadd]\n");
}

int main(void)
{
#define TEST(claim) cmocka_unit_test_setup_teardown(claim, scene_set_up, scene_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_socket_a_line_with_its_owners_by_name),
		TEST(on_a_terminal_what_says_nothing_is_left_out),
		TEST(commands_go_before_processes_do),
		TEST(the_local_port_stays_until_all_but_both_peers_are_gone),
		TEST(of_a_local_ipv6_end_the_port_is_left_as_of_any),
		TEST(where_there_is_no_owner_there_is_a_word),
		TEST(a_set_of_words_is_words_and_not_json),
		TEST(commands_that_are_not_there_are_replaced),
		TEST(a_table_that_is_not_fresh_says_so),
		TEST(namespaces_are_told_where_there_are_several),
		TEST(nothing_is_a_heading),
		TEST(no_line_is_wider_than_the_terminal),
		TEST(nothing_is_cut_without_a_terminal),
		TEST(one_long_list_does_not_widen_all_lines),
		TEST(an_ipv6_address_does_not_push_the_processes_off_the_screen),
		TEST(processes_are_told_with_their_start),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
