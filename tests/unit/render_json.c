/* SPDX-License-Identifier: MIT */
#include "render_scene.h"

/* One listener with one owner and every optional column. */
static void add_listener(struct scene *scene)
{
	static const char cmdline[] = "nginx\0\0-g\0daemon \"off\";"; /* the last NUL is the literal's */
	uint32_t table = scene_table(scene, SKT_TCP, 4026531840);
	struct skt_sock *sock = scene_sock(scene, table, "0.0.0.0", 80, "0.0.0.0", 0, SKT_LISTEN);

	sock->has = SKT_OPTIONAL & ~SKT_BIT(SKT_F_TEXT);
	sock->tail = scene_text(scene, "7 a\tb");
	sock->sk = 0xadb4f7f1;
	sock->rto = 100;
	sock->ato = UINT64_C(18446744073709551615);
	sock->quick = 3;
	sock->cwnd = 10;
	sock->ssthresh = -1;
	sock->drops = 4294967295;
	sock->ref = -2;
	sock->tx_queue = 1;
	sock->rx_queue = 2;
	sock->retransmits = 5;
	sock->probes = 6;
	sock->timer = 2;
	sock->timer_expires = scene->snapshot.boottime + 123 * SKT_TICK_NS + SKT_TICK_NS / 2;
	sock->inode = UINT64_C(9007199254740993); /* 2^53 + 1 */
	sock->owner_gaps = SKT_GAP_DENIED | SKT_GAP_UNSEARCHED;
	assert_int_equal(skt_snapshot_add_user(&scene->snapshot, 0, scene_text(scene, "root")), 0);
	scene_process(scene, 7203, "nginx", cmdline, sizeof(cmdline));
	scene_own(scene, &(struct skt_owner){ 0, 6 }, 1);
}

static void every_field_has_its_name_and_place(void **state)
{
	struct scene *scene = *state;

	add_listener(scene);
	assert_string_equal(
		render_scene(scene, SKT_FORMAT_JSONL),
		"{\"time\":\"2026-11-22T14:03:07.500000000Z\",\"host\":\"web3\",\"table\":\"tcp\","
		"\"table_status\":\"fresh\",\"net_namespace\":4026531840,\"local_address\":\"0.0.0.0\","
		"\"local_port\":80,\"remote_address\":\"0.0.0.0\",\"remote_port\":0,\"state\":\"LISTEN\","
		"\"tx_queue\":1,\"rx_queue\":2,\"timer\":\"keepalive\",\"timer_ms\":1230,\"retransmits\":5,\"uid\":0,"
		"\"user\":\"root\",\"probes\":6,\"inode\":9007199254740993,\"ref\":-2,\"sk\":\"00000000adb4f7f1\","
		"\"rto\":100,\"ato\":18446744073709551615,\"quick\":3,\"cwnd\":10,\"ssthresh\":-1,"
		"\"drops\":4294967295,\"tail\":\"7 a\\\\x09b\",\"owner\":\"held\","
		"\"owner_gaps\":[\"denied\",\"unsearched\"],\"owners\":[{\"pid\":7203,\"fd\":6,"
		"\"start_time\":\"2026-11-22T13:04:07.500000000Z\",\"ppid\":1,\"process_uid\":33,"
		"\"process_user\":null,\"comm\":\"nginx\",\"exe\":\"/usr/sbin/nginx\",\"exe_deleted\":false,"
		"\"cmdline\":[\"nginx\",\"\",\"-g\",\"daemon \\\"off\\\";\"],\"cmdline_truncated\":false,"
		"\"cgroup\":\"0::/system.slice/nginx.service\",\"container\":null,"
		"\"process_net_namespace\":4026531840,\"threads\":2,\"process_state\":\"S\",\"exited\":false}]}\n");
}

static void what_is_unknown_is_null_and_not_left_out(void **state)
{
	struct scene *scene = *state;
	struct skt_process *process;

	scene->render.host = "";
	scene->render.boot_time = -1;
	scene_sock(scene, scene_table(scene, SKT_UDP, 0), "127.0.0.1", 53, "0.0.0.0", 0, SKT_CLOSE);
	process = scene_process(scene, 9, "x", "", 0);
	process->has = 0;
	scene_own(scene, &(struct skt_owner){ 0, 0 }, 1);
	assert_string_equal(
		render_scene(scene, SKT_FORMAT_JSONL),
		"{\"time\":\"2026-11-22T14:03:07.500000000Z\",\"host\":null,\"table\":\"udp\","
		"\"table_status\":\"fresh\",\"net_namespace\":null,\"local_address\":\"127.0.0.1\","
		"\"local_port\":53,\"remote_address\":\"0.0.0.0\",\"remote_port\":0,\"state\":\"CLOSE\","
		"\"tx_queue\":0,\"rx_queue\":0,\"timer\":\"off\",\"timer_ms\":null,\"retransmits\":0,\"uid\":0,"
		"\"user\":null,\"probes\":0,\"inode\":4847458,\"ref\":null,\"sk\":null,\"rto\":null,\"ato\":null,"
		"\"quick\":null,\"cwnd\":null,\"ssthresh\":null,\"drops\":null,\"tail\":null,\"owner\":\"held\","
		"\"owner_gaps\":[],\"owners\":[{\"pid\":9,\"fd\":0,\"start_time\":null,\"ppid\":null,"
		"\"process_uid\":null,\"process_user\":null,\"comm\":null,\"exe\":null,\"exe_deleted\":null,"
		"\"cmdline\":null,\"cmdline_truncated\":null,\"cgroup\":null,\"container\":null,"
		"\"process_net_namespace\":null,\"threads\":null,\"process_state\":null,\"exited\":false}]}\n");
}

static void numbers_without_a_name_are_told_in_hex(void **state)
{
	struct scene *scene = *state;
	struct skt_sock *sock = scene_sock(scene, scene_table(scene, SKT_RAW6, 0), "::1", 58, "::", 0, 0x1f);
	const char *text;

	sock->timer = 7;
	sock->sk = 0xe6060560;
	sock->has = SKT_BIT(SKT_F_SK) | SKT_HAS_SHORT_SK;
	text = render_scene(scene, SKT_FORMAT_JSON);
	assert_non_null(strstr(text, "\"state\":\"0x1F\""));
	assert_non_null(strstr(text, "\"timer\":\"0x07\""));
	assert_non_null(strstr(text, "\"sk\":\"e6060560\""));
	assert_non_null(strstr(text, "\"local_address\":\"::1\""));
}

/* One row of this state, inode and uid: does it name root? */
static bool names_root(struct scene *scene, enum skt_state tcp_state, uint64_t inode)
{
	struct skt_sock *sock;

	if (!scene->snapshot.n_tables)
		scene_table(scene, SKT_TCP, 0);
	scene->snapshot.n_socks = 0;
	sock = scene_sock(scene, 0, "10.0.0.1", 1, "10.0.0.2", 2, tcp_state);
	sock->inode = inode;
	return strstr(render_scene(scene, SKT_FORMAT_JSON), "\"uid\":0,\"user\":\"root\"");
}

static void root_is_not_blamed_for_a_uid_that_the_kernel_made_up(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(skt_snapshot_add_user(&scene->snapshot, 0, scene_text(scene, "root")), 0);
	assert_true(names_root(scene, SKT_ESTABLISHED, 5));
	assert_true(names_root(scene, SKT_SYN_RECV, 0));
	assert_false(names_root(scene, SKT_TIME_WAIT, 0));
	assert_false(names_root(scene, SKT_FIN_WAIT1, 0));
}

static void expect_argv(struct scene *scene, const void *cmdline, size_t len, const char *expect)
{
	char member[256];

	if (!scene->snapshot.n_tables)
		scene_table(scene, SKT_TCP, 0);
	scene->snapshot.n_socks = 0;
	scene->snapshot.n_processes = 0;
	scene_sock(scene, 0, "10.0.0.1", 1, "10.0.0.2", 2, SKT_ESTABLISHED);
	scene_process(scene, 1, "x", cmdline, len);
	scene_own(scene, &(struct skt_owner){ 0, 3 }, 1);
	snprintf(member, sizeof(member), "\"cmdline\":%s,", expect);
	assert_non_null(strstr(render_scene(scene, SKT_FORMAT_JSON), member));
}

static void a_command_line_is_split_however_it_ends(void **state)
{
	struct scene *scene = *state;

	expect_argv(scene, "", 0, "[]");
	expect_argv(scene, "\0", 1, "[\"\"]");
	expect_argv(scene, "\0\0", 2, "[\"\",\"\"]");
	expect_argv(scene, "a", 1, "[\"a\"]");
	expect_argv(scene, "a\0", 2, "[\"a\"]");
	expect_argv(scene, "a\0b", 3, "[\"a\",\"b\"]");
	expect_argv(scene, "a\0\0b\0", 5, "[\"a\",\"\",\"b\"]");
	expect_argv(scene, "nginx: worker\0\0\0", 16, "[\"nginx: worker\",\"\",\"\"]");
	expect_argv(scene, "\xff\x1b[2J\\\"\n\0", 9, "[\"\\\\xff\\\\x1b[2J\\\\\\\\\\\"\\\\x0a\"]");
}

static void a_start_time_beyond_the_end_of_time_is_null(void **state)
{
	struct scene *scene = *state;

	add_listener(scene);
	scene->snapshot.processes[0].start_time = UINT64_MAX;
	assert_non_null(strstr(render_scene(scene, SKT_FORMAT_JSON), "\"start_time\":null"));
}

static void a_container_is_named_by_its_cgroup(void **state)
{
	struct scene *scene = *state;

	add_listener(scene);
	scene->snapshot.processes[0].cgroup =
		scene_text(scene, "0::/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	assert_non_null(strstr(render_scene(scene, SKT_FORMAT_JSON), "\"container\":\"0123456789ab\""));
}

static void json_is_one_array_over_all_calls(void **state)
{
	struct scene *scene = *state;
	struct skt_buf out;
	const uint32_t slot = 0;

	scene->render.format = SKT_FORMAT_JSON;
	assert_string_equal(render_scene(scene, SKT_FORMAT_JSON), "[]\n");
	add_listener(scene);
	skt_buf_init(&out);
	skt_render_begin(&scene->render, &out);
	skt_render_sockets(&scene->render, &scene->snapshot, &slot, 1, &out);
	skt_render_sockets(&scene->render, &scene->snapshot, &slot, 0, &out);
	skt_render_sockets(&scene->render, &scene->snapshot, &slot, 1, &out);
	skt_render_end(&scene->render, &out);
	skt_buf_byte(&out, '\0');
	assert_int_equal(scene->render.rows, 2);
	assert_memory_equal(out.data, "[\n{\"time\"", 9);
	assert_non_null(strstr((char *)out.data, "}]},\n{\"time\""));
	assert_string_equal((char *)out.data + out.len - 7, "}]}\n]\n");
	skt_buf_release(&out);
}

static void a_process_row_has_an_owners_fields_but_fd(void **state)
{
	struct scene *scene = *state;

	add_listener(scene);
	assert_string_equal(
		render_scene_processes(scene, SKT_FORMAT_JSONL),
		"{\"time\":\"2026-11-22T14:03:07.500000000Z\",\"host\":\"web3\",\"pid\":7203,"
		"\"start_time\":\"2026-11-22T13:04:07.500000000Z\",\"ppid\":1,\"process_uid\":33,"
		"\"process_user\":null,\"comm\":\"nginx\",\"exe\":\"/usr/sbin/nginx\",\"exe_deleted\":false,"
		"\"cmdline\":[\"nginx\",\"\",\"-g\",\"daemon \\\"off\\\";\"],\"cmdline_truncated\":false,"
		"\"cgroup\":\"0::/system.slice/nginx.service\",\"container\":null,"
		"\"process_net_namespace\":4026531840,\"threads\":2,\"process_state\":\"S\",\"exited\":false}\n");
}

int main(void)
{
#define TEST(claim) cmocka_unit_test_setup_teardown(claim, scene_set_up, scene_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(every_field_has_its_name_and_place),
		TEST(what_is_unknown_is_null_and_not_left_out),
		TEST(numbers_without_a_name_are_told_in_hex),
		TEST(root_is_not_blamed_for_a_uid_that_the_kernel_made_up),
		TEST(a_command_line_is_split_however_it_ends),
		TEST(a_start_time_beyond_the_end_of_time_is_null),
		TEST(a_container_is_named_by_its_cgroup),
		TEST(json_is_one_array_over_all_calls),
		TEST(a_process_row_has_an_owners_fields_but_fd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
