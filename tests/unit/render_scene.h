/* SPDX-License-Identifier: MIT */
#ifndef RENDER_SCENE_H
#define RENDER_SCENE_H

#include <skt/render.h>

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A snapshot that is made up by hand, and what is rendered of it. */
struct scene {
	struct skt_snapshot snapshot;
	struct skt_render render;
	struct skt_buf out; /* NUL-terminated by render_scene() */
};

/* 2026-11-22T14:03:07.5Z; the host booted an hour before. */
#define SCENE_TIME (INT64_C(1795356187500000000))
#define SCENE_BOOT (INT64_C(1795352587500000000))

static inline int scene_set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene || skt_snapshot_init(&scene->snapshot, NULL, 1))
		return -1;
	scene->snapshot.time = SCENE_TIME;
	scene->snapshot.boottime = INT64_C(3600000000000);
	scene->render.heading = true;
	scene->render.host = "web3";
	scene->render.boot_time = SCENE_BOOT;
	skt_buf_init(&scene->out);
	*state = scene;
	return 0;
}

static inline int scene_tear_down(void **state)
{
	struct scene *scene = *state;

	skt_snapshot_release(&scene->snapshot);
	skt_buf_release(&scene->out);
	free(scene);
	return 0;
}

static inline uint32_t scene_bytes(struct scene *scene, const void *bytes, size_t len)
{
	uint32_t id;

	assert_int_equal(skt_strtab_add(scene->snapshot.strings, bytes, len, &id), 0);
	return id;
}

static inline uint32_t scene_text(struct scene *scene, const char *text)
{
	return scene_bytes(scene, text, strlen(text));
}

static inline uint32_t scene_table(struct scene *scene, enum skt_table_kind kind, uint64_t net_namespace)
{
	struct skt_table table = { .kind = (uint8_t)kind,
				   .source = SKT_SOURCE_PROC,
				   .status = SKT_TABLE_FRESH,
				   .net_namespace = net_namespace };
	uint32_t slot;

	assert_int_equal(skt_snapshot_add_table(&scene->snapshot, &table, &slot), 0);
	return slot;
}

/* A row without owners; borrowed until the next one. */
static inline struct skt_sock *scene_sock(struct scene *scene, uint32_t table, const char *local, uint16_t local_port,
					  const char *remote, uint16_t remote_port, enum skt_state state)
{
	struct skt_sock sock = { .table = table,
				 .local_port = local_port,
				 .remote_port = remote_port,
				 .state = (uint8_t)state,
				 .inode = 4847458 };
	int family = strchr(local, ':') ? AF_INET6 : AF_INET;
	uint32_t slot;

	assert_int_equal(inet_pton(family, local, sock.local_address), 1);
	assert_int_equal(inet_pton(family, remote, sock.remote_address), 1);
	assert_int_equal(skt_snapshot_add_sock(&scene->snapshot, &sock, &slot), 0);
	return &scene->snapshot.socks[slot];
}

/* A process of which all is known; borrowed until the next one. */
static inline struct skt_process *scene_process(struct scene *scene, uint32_t pid, const char *comm,
						const void *cmdline, size_t len)
{
	struct skt_process process = { .pid = pid,
				       .ppid = 1,
				       .start_time = 6000,
				       .net_namespace = 4026531840,
				       .uid = 33,
				       .threads = 2,
				       .state = 'S' };
	uint32_t slot;

	process.has = (UINT32_C(1) << SKT_PROCESS_FIELDS) - 1;
	process.comm = scene_text(scene, comm);
	process.exe = scene_text(scene, "/usr/sbin/nginx");
	process.cgroup = scene_text(scene, "0::/system.slice/nginx.service");
	process.cmdline = scene_bytes(scene, cmdline, len);
	assert_int_equal(skt_snapshot_add_process(&scene->snapshot, &process, &slot), 0);
	return &scene->snapshot.processes[slot];
}

/* The row that was added last is held by these. */
static inline void scene_own(struct scene *scene, const struct skt_owner *owners, size_t n)
{
	struct skt_sock *sock = &scene->snapshot.socks[scene->snapshot.n_socks - 1];

	assert_int_equal(skt_snapshot_add_owners(&scene->snapshot, owners, n, &sock->first_owner), 0);
	sock->n_owners = (uint32_t)n;
	sock->owner = SKT_OWNER_HELD;
}

/* What `render` prints of the first n slots, be they rows' or processes'. */
static inline const char *render_slots(struct scene *scene, enum skt_format format, size_t n,
				       void (*render)(struct skt_render *, const struct skt_snapshot *,
						      const uint32_t *, size_t, struct skt_buf *))
{
	uint32_t *slots = calloc(n + 1, sizeof(*slots));

	assert_non_null(slots);
	for (size_t i = 0; i < n; i++)
		slots[i] = (uint32_t)i;
	scene->render.format = format;
	skt_buf_clear(&scene->out);
	skt_render_begin(&scene->render, &scene->out);
	render(&scene->render, &scene->snapshot, slots, n, &scene->out);
	skt_render_end(&scene->render, &scene->out);
	free(slots);
	skt_buf_byte(&scene->out, '\0');
	assert_int_equal(skt_buf_status(&scene->out), 0);
	return (const char *)scene->out.data;
}

/* All rows, in slot order. */
static inline const char *render_scene(struct scene *scene, enum skt_format format)
{
	return render_slots(scene, format, scene->snapshot.n_socks, skt_render_sockets);
}

static inline const char *render_scene_processes(struct scene *scene, enum skt_format format)
{
	return render_slots(scene, format, scene->snapshot.n_processes, skt_render_processes);
}

/* The nth line of text (from 0) without its end; borrowed until the next call. */
static inline const char *line_of(const char *text, size_t n)
{
	static char line[65536];
	size_t len;

	for (; n; n--) {
		text = strchr(text, '\n');
		assert_non_null(text);
		text++;
	}
	len = strcspn(text, "\n");
	assert_true(len < sizeof(line));
	memcpy(line, text, len);
	line[len] = '\0';
	return line;
}

#endif
