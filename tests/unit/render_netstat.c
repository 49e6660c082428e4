/* SPDX-License-Identifier: MIT */
#include "render_scene.h"

/* What is expected here is what netstat of net-tools 2.10 printed for such a /proc. */

#define HEADING                                                                       \
	"Active Internet connections (servers and established)\n"                     \
	"Proto Recv-Q Send-Q Local Address           Foreign Address         State  " \
	"     PID/Program name    \n"

static struct scene *begin(void **state)
{
	struct scene *scene = *state;

	scene->render.heading = false;
	return scene;
}

static void the_heading_is_two_lines(void **state)
{
	assert_string_equal(render_scene(*state, SKT_FORMAT_NETSTAT), HEADING);
}

static void the_document_that_all_this_came_from(void **state)
{
	struct scene *scene = *state;

	scene_process(scene, 28850, "cherokee-worker", "/usr/sbin/cherokee-worker\0-a", 28);
	scene_sock(scene, scene_table(scene, SKT_TCP, 0), "0.0.0.0", 80, "0.0.0.0", 0, SKT_LISTEN);
	scene_own(scene, &(struct skt_owner){ 0, 3 }, 1);
	assert_string_equal(
		render_scene(scene, SKT_FORMAT_NETSTAT), HEADING
		"tcp        0      0 0.0.0.0:80              0.0.0.0:*               LISTEN      28850/cherokee-work \n");
}

static void long_ipv6_addresses_are_cut_before_their_ports(void **state)
{
	struct scene *scene = begin(state);
	uint32_t tcp6 = scene_table(scene, SKT_TCP6, 0);
	const char *address = "fd00:1234:5678:9abc:def0:1234:5678:9abc";

	scene_sock(scene, tcp6, address, 34812, address, 80, SKT_ESTABLISHED);
	scene_sock(scene, tcp6, "::ffff:127.0.0.1", 80, "::ffff:127.0.0.1", 53902, SKT_ESTABLISHED);
	scene_sock(scene, tcp6, "::", 80, "::", 0, SKT_LISTEN);
	scene_sock(scene, tcp6, "::1.2.3.4", 0, "::1.2.3.4", 65535, SKT_SYN_SENT);
	assert_string_equal(
		render_scene(scene, SKT_FORMAT_NETSTAT),
		"tcp6       0      0 fd00:1234:5678:9a:34812 fd00:1234:5678:9abc::80 ESTABLISHED -                   \n"
		"tcp6       0      0 127.0.0.1:80            127.0.0.1:53902         ESTABLISHED -                   \n"
		"tcp6       0      0 :::80                   :::*                    LISTEN      -                   \n"
		"tcp6       0      0 ::1.2.3.4:*             ::1.2.3.4:65535         SYN_SENT    -                   \n");
}

static void each_protocol_has_states_of_its_own(void **state)
{
	struct scene *scene = begin(state);
	uint32_t udp = scene_table(scene, SKT_UDP, 0), lite = scene_table(scene, SKT_UDPLITE6, 0);
	uint32_t raw = scene_table(scene, SKT_RAW, 0), tcp = scene_table(scene, SKT_TCP, 0);

	scene_sock(scene, udp, "0.0.0.0", 5353, "0.0.0.0", 0, SKT_CLOSE)->rx_queue = 832;
	scene_sock(scene, udp, "127.0.0.1", 42299, "127.0.0.1", 5353, SKT_ESTABLISHED);
	scene_sock(scene, udp, "127.0.0.1", 53, "0.0.0.0", 0, SKT_LISTEN);
	scene_sock(scene, lite, "::ffff:1.2.3.4", 53, "fd00:1234:5678:9abc:def0:1234:5678:9abc", 12345, 255);
	scene_sock(scene, raw, "0.0.0.0", 255, "0.0.0.0", 0, SKT_CLOSE);
	scene_sock(scene, tcp, "127.0.0.1", 1007, "127.0.0.1", 65535, SKT_CLOSE);
	scene_sock(scene, tcp, "127.0.0.1", 1000, "127.0.0.1", 65535, 0);
	assert_string_equal(
		render_scene(scene, SKT_FORMAT_NETSTAT),
		"udp      832      0 0.0.0.0:5353            0.0.0.0:*                           -                   \n"
		"udp        0      0 127.0.0.1:42299         127.0.0.1:5353          ESTABLISHED -                   \n"
		"udp        0      0 127.0.0.1:53            0.0.0.0:*               UNKNOWN     -                   \n"
		"udpl6      0      0 1.2.3.4:53              fd00:1234:5678:9a:12345 UNKNOWN     -                   \n"
		"raw        0      0 0.0.0.0:255             0.0.0.0:*               7           -                   \n"
		"tcp        0      0 127.0.0.1:1007          127.0.0.1:65535         CLOSE       -                   \n"
		"tcp        0      0 127.0.0.1:1000          127.0.0.1:65535                     -                   \n");
}

static void large_queues_push_their_line_to_the_right(void **state)
{
	struct scene *scene = begin(state);
	struct skt_sock *sock = scene_sock(scene, scene_table(scene, SKT_TCP, 0), "127.0.0.1", 1001, "127.0.0.1", 65535,
					   SKT_ESTABLISHED);

	sock->rx_queue = 1000000;
	sock->tx_queue = 4294967295;
	assert_string_equal(render_scene(scene, SKT_FORMAT_NETSTAT),
			    "tcp   1000000 4294967295 127.0.0.1:1001          127.0.0.1:65535         ESTABLISHED -"
			    "                   \n");
}

static void expect_program(struct scene *scene, const void *cmdline, size_t len, const char *program)
{
	const char *line;

	if (!scene->snapshot.n_tables)
		scene_table(scene, SKT_TCP, 0);
	scene->snapshot.n_socks = 0;
	scene->snapshot.n_processes = 0;
	scene_process(scene, 1001, "comm", cmdline, len);
	scene_sock(scene, 0, "0.0.0.0", 80, "0.0.0.0", 0, SKT_LISTEN);
	scene_own(scene, &(struct skt_owner){ 0, 3 }, 1);
	line = render_scene(scene, SKT_FORMAT_NETSTAT);
	assert_int_equal(strlen(line), 80 + 20 + 1);
	assert_memory_equal(line + 80, program, strlen(program));
	assert_string_equal(line + 80 + strlen(program), &"                    \n"[strlen(program)]);
}

static void a_program_is_called_what_netstat_calls_it(void **state)
{
	struct scene *scene = begin(state);
	char deep[600];

	expect_program(scene, "/usr/sbin/nginx\0-g\0", 19, "1001/nginx");
	expect_program(scene, "nginx: worker process\0\0\0", 24, "1001/nginx: worker ");
	expect_program(scene, "", 0, "1001/");
	expect_program(scene, "./rel/path/prog\0", 16, "1001/./rel/path/pro");
	expect_program(scene, "/a/b/", 5, "1001/");
	expect_program(scene, "/usr/bin/perl -w /home/x/y z\0arg", 32, "1001/y z");
	expect_program(scene, "/x\0/y/z\0", 8, "1001/x");
	expect_program(scene, "cmd/", 4, "1001/cmd/");
	expect_program(scene, "\0arg", 4, "1001/");
	/* it reads 511 bytes: these end in a slash */
	memset(deep, 'y', sizeof(deep));
	memcpy(deep, "/bin/", 5);
	memcpy(deep + 510, "/zz", 3);
	expect_program(scene, deep, sizeof(deep), "1001/");
}

static void hostile_names_are_escaped_and_still_fit(void **state)
{
	struct scene *scene = begin(state);

	expect_program(scene, "\x1b[31mred\n\0", 10, "1001/\\x1b[31mred");
	expect_program(scene, "aaaaaaaaaaaa\x1b\0", 14, "1001/aaaaaaaaaaaa");
}

static void the_first_process_whose_command_line_is_known_is_named(void **state)
{
	struct scene *scene = begin(state);
	uint32_t tcp = scene_table(scene, SKT_TCP, 0);

	scene_process(scene, 20, "b", "/b/second", 9);
	scene_process(scene, 9, "b", "/b/first", 8);
	scene_process(scene, 5, "hidden", "", 0)->has = SKT_BIT(SKT_P_COMM);
	scene_sock(scene, tcp, "127.0.0.1", 1, "0.0.0.0", 0, SKT_LISTEN);
	scene_own(scene, (struct skt_owner[]){ { 0, 7 }, { 1, 8 }, { 2, 3 } }, 3);
	scene_sock(scene, tcp, "127.0.0.1", 2, "0.0.0.0", 0, SKT_LISTEN);
	scene_own(scene, &(struct skt_owner){ 2, 3 }, 1);
	assert_string_equal(line_of(render_scene(scene, SKT_FORMAT_NETSTAT), 0) + 80, "9/first             ");
	assert_string_equal(line_of(render_scene(scene, SKT_FORMAT_NETSTAT), 1) + 80, "5/hidden            ");
	scene->snapshot.processes[2].has = 0;
	assert_string_equal(line_of(render_scene(scene, SKT_FORMAT_NETSTAT), 1) + 80, "-                   ");
}

static void a_socket_without_an_inode_is_nobodys(void **state)
{
	struct scene *scene = begin(state);
	struct skt_sock *sock;

	scene_process(scene, 9, "b", "/b/first", 8);
	sock = scene_sock(scene, scene_table(scene, SKT_TCP, 0), "127.0.0.1", 1, "10.0.0.1", 2, SKT_TIME_WAIT);
	sock->inode = 0;
	scene_own(scene, &(struct skt_owner){ 0, 7 }, 1);
	scene->snapshot.socks[0].owner = SKT_OWNER_CARRIED;
	assert_string_equal(line_of(render_scene(scene, SKT_FORMAT_NETSTAT), 0) + 80, "-                   ");
}

int main(void)
{
#define TEST(claim) cmocka_unit_test_setup_teardown(claim, scene_set_up, scene_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_heading_is_two_lines),
		TEST(the_document_that_all_this_came_from),
		TEST(long_ipv6_addresses_are_cut_before_their_ports),
		TEST(each_protocol_has_states_of_its_own),
		TEST(large_queues_push_their_line_to_the_right),
		TEST(a_program_is_called_what_netstat_calls_it),
		TEST(hostile_names_are_escaped_and_still_fit),
		TEST(the_first_process_whose_command_line_is_known_is_named),
		TEST(a_socket_without_an_inode_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
