/* SPDX-License-Identifier: MIT */
#include <skt/field.h>
#include "render_scene.h"

#include <locale.h>
#include <wchar.h>
#include <wctype.h>

/* What holds in every format. The C library judges what is UTF-8, and a checker of its own what is JSON (RFC 8259). */

static const enum skt_format formats[] = { SKT_FORMAT_TABLE, SKT_FORMAT_JSON, SKT_FORMAT_JSONL, SKT_FORMAT_CSV,
					   SKT_FORMAT_NETSTAT };

static bool may_stand_in_a_line(wint_t c)
{
	/* of the characters that reorder or hide text those that are best known */
	static const wchar_t hidden[] = { 0xad, 0x200b, 0x200e, 0x202a, 0x202e, 0x2066, 0x2069, 0xfeff, 0xe0041 };

	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		if (c == (wint_t)hidden[i])
			return false;
	return c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0);
}

static void assert_harmless(const char *text, bool is_csv)
{
	size_t len = strlen(text);
	mbstate_t shift = { 0 };

	while (len) {
		wchar_t c;
		size_t n = mbrtowc(&c, text, len, &shift);

		assert_true(n && n <= len);
		if (is_csv && c == '\r')
			assert_int_equal(text[1], '\n');
		else if (c != '\n')
			assert_true(may_stand_in_a_line((wint_t)c));
		text += n;
		len -= n;
	}
}

/* JSON: each returns what follows the thing it read. */
static const char *json_value(const char *at);

static const char *json_string(const char *at)
{
	assert_int_equal(*at++, '"');
	while (*at != '"') {
		assert_true((unsigned char)*at >= 0x20);
		if (*at++ == '\\')
			assert_non_null(memchr("\"\\/bfnrt", *at++, 8)); /* \u is never written */
	}
	return at + 1;
}

static const char *json_members(const char *at, char end, bool have_names)
{
	at++;
	if (*at == end)
		return at + 1;
	for (;;) {
		if (have_names) {
			at = json_string(at);
			assert_int_equal(*at++, ':');
		}
		at = json_value(at + strspn(at, "\n"));
		at += strspn(at, "\n");
		if (*at == end)
			return at + 1;
		assert_int_equal(*at++, ',');
	}
}

static const char *json_value(const char *at)
{
	size_t digits;

	switch (*at) {
	case '{':
		return json_members(at, '}', true);
	case '[':
		return json_members(at, ']', false);
	case '"':
		return json_string(at);
	case 't':
		assert_memory_equal(at, "true", 4);
		return at + 4;
	case 'f':
		assert_memory_equal(at, "false", 5);
		return at + 5;
	case 'n':
		assert_memory_equal(at, "null", 4);
		return at + 4;
	default:
		at += *at == '-';
		digits = strspn(at, "0123456789");
		assert_true(digits == 1 || (digits && *at != '0'));
		return at + digits;
	}
}

static void assert_json(const char *text, bool is_lines)
{
	do {
		text = json_value(text);
		assert_int_equal(*text++, '\n');
	} while (is_lines && *text);
	assert_int_equal(*text, '\0');
}

/* Sockets and processes in every format, cut and not. */
static void assert_all_harmless(struct scene *scene)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		bool is_csv = formats[i] == SKT_FORMAT_CSV, is_lines = formats[i] == SKT_FORMAT_JSONL;
		bool is_json = formats[i] == SKT_FORMAT_JSON || is_lines;

		for (scene->render.width = 0; scene->render.width <= 120; scene->render.width += 40) {
			assert_harmless(render_scene(scene, formats[i]), is_csv);
			if (is_json)
				assert_json((char *)scene->out.data, is_lines);
			assert_harmless(render_scene_processes(scene, formats[i]), is_csv);
			if (is_json)
				assert_json((char *)scene->out.data, is_lines);
		}
	}
}

/* A scene in which the host says this wherever it may say something. */
static void say_everywhere(struct scene *scene, const void *bytes, size_t len, const char *host)
{
	uint32_t id = scene_bytes(scene, bytes, len);
	struct skt_process *process;
	struct skt_sock *sock;

	if (!scene->snapshot.n_tables)
		scene_table(scene, SKT_TCP, 0);
	scene->snapshot.n_socks = 0;
	scene->snapshot.n_processes = 0;
	scene->snapshot.n_users = 0;
	scene->render.host = host;
	sock = scene_sock(scene, 0, "10.0.0.1", 1, "10.0.0.2", 2, SKT_ESTABLISHED);
	sock->has |= SKT_BIT(SKT_F_TAIL);
	sock->tail = id;
	process = scene_process(scene, 7, "", bytes, len);
	process->comm = process->exe = process->cgroup = id;
	process->state = len ? ((const uint8_t *)bytes)[0] : 0;
	scene_own(scene, &(struct skt_owner){ 0, 3 }, 1);
	assert_int_equal(skt_snapshot_add_user(&scene->snapshot, 0, id), 0);
	assert_int_equal(skt_snapshot_add_user(&scene->snapshot, 33, id), 0);
}

static void no_byte_of_the_host_reaches_a_terminal_raw(void **state)
{
	static const char *const worst[] = {
		"\x1b]0;owned\a",
		"\x1b[2J\x1b[H",
		"\r\n\t\v\f\b\x7f",
		"\xc2\x9b\x33\x31m",
		"\xff\xfe\x80\xc0\xaf",
		"\xe2\x80\xaegpj",
		"\xed\xa0\x80",
		"\xf4\x90\x80\x80",
		"\xc3",
		"\\x1b\\\\\\\"",
		"\",\"x\":[{]}",
		"a\"b,c;=d",
		"\xf3\xa0\x81\x81hi",
		"\xef\xbf\xbf",
		"-1+1@=",
		"%s%n%1000000d",
		"",
	};

	for (size_t i = 0; i < sizeof(worst) / sizeof(*worst); i++) {
		say_everywhere(*state, worst[i], strlen(worst[i]), worst[i]);
		assert_all_harmless(*state);
	}
}

static void nor_any_bytes_by_chance(void **state)
{
	uint64_t random = 88172645463325252; /* xorshift64 */
	char bytes[40], host[9];

	for (int round = 0; round < 300; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			bytes[i] = (char)(random >> 32);
		}
		memcpy(host, bytes, 8);
		host[8] = '\0';
		say_everywhere(*state, bytes, (size_t)round % sizeof(bytes), host);
		assert_all_harmless(*state);
	}
}

static void formats_have_names(void **state)
{
	(void)state;
	assert_int_equal(skt_format_of("table"), SKT_FORMAT_TABLE);
	assert_int_equal(skt_format_of("json"), SKT_FORMAT_JSON);
	assert_int_equal(skt_format_of("jsonl"), SKT_FORMAT_JSONL);
	assert_int_equal(skt_format_of("csv"), SKT_FORMAT_CSV);
	assert_int_equal(skt_format_of("netstat"), SKT_FORMAT_NETSTAT);
	assert_int_equal(skt_format_of("xml"), -1);
	assert_int_equal(skt_format_of(""), -1);
}

static void every_field_has_a_name_of_its_own_and_a_meaning(void **state)
{
	struct skt_view view;

	(void)state;
	skt_view_sockets(&view, true);
	assert_in_range(view.n, 1, SKT_VIEW_FIELDS);
	for (size_t i = 0; i < view.n; i++) {
		assert_true(*view.fields[i]->meaning);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(view.fields[i]->name, view.fields[j]->name);
	}
}

static void rows_are_counted_and_owners_are_not(void **state)
{
	struct scene *scene = *state;

	scene_process(scene, 7, "x", "", 0);
	scene_sock(scene, scene_table(scene, SKT_TCP, 0), "10.0.0.1", 1, "10.0.0.2", 2, SKT_ESTABLISHED);
	scene_own(scene, (struct skt_owner[]){ { 0, 3 }, { 0, 4 } }, 2);
	scene_sock(scene, 0, "10.0.0.1", 3, "10.0.0.2", 4, SKT_ESTABLISHED);
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		render_scene(scene, formats[i]);
		assert_int_equal(scene->render.rows, 2);
		render_scene_processes(scene, formats[i]);
		assert_int_equal(scene->render.rows, 1);
	}
}

static void rows_come_in_the_order_asked_for(void **state)
{
	struct scene *scene = *state;
	const uint32_t slots[] = { 1, 0 };

	scene->render.heading = false;
	scene_sock(scene, scene_table(scene, SKT_TCP, 0), "10.0.0.1", 1, "10.0.0.2", 2, SKT_ESTABLISHED);
	scene_sock(scene, 0, "10.0.0.1", 3, "10.0.0.2", 4, SKT_ESTABLISHED);
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		const char *first, *second;

		scene->render.format = formats[i];
		skt_buf_clear(&scene->out);
		skt_render_begin(&scene->render, &scene->out);
		skt_render_sockets(&scene->render, &scene->snapshot, slots, 2, &scene->out);
		skt_render_end(&scene->render, &scene->out);
		skt_buf_byte(&scene->out, '\0');
		first = strstr((char *)scene->out.data, "10.0.0.1");
		second = strstr(strchr(first, '\n'), "10.0.0.1");
		assert_true(strcspn(first, "3") < strcspn(first, "\n"));
		assert_true(strcspn(second, "3") > strcspn(second, "\n"));
	}
}

static void a_failed_buffer_stays_failed_and_is_left_alone(void **state)
{
	struct scene *scene = *state;

	say_everywhere(scene, "a\"b", 3, "h");
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		const uint32_t slot = 0;
		struct skt_buf out = { .failed = true };

		scene->render.format = formats[i];
		skt_render_begin(&scene->render, &out);
		skt_render_sockets(&scene->render, &scene->snapshot, &slot, 1, &out);
		skt_render_processes(&scene->render, &scene->snapshot, &slot, 1, &out);
		skt_render_end(&scene->render, &out);
		assert_true(out.failed);
		assert_null(out.data);
	}
}

int main(void)
{
#define TEST(claim) cmocka_unit_test_setup_teardown(claim, scene_set_up, scene_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(no_byte_of_the_host_reaches_a_terminal_raw),
		TEST(nor_any_bytes_by_chance),
		TEST(formats_have_names),
		TEST(every_field_has_a_name_of_its_own_and_a_meaning),
		TEST(rows_are_counted_and_owners_are_not),
		TEST(rows_come_in_the_order_asked_for),
		TEST(a_failed_buffer_stays_failed_and_is_left_alone),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
