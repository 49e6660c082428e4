/* SPDX-License-Identifier: MIT */
#include "proc/line.h"
#include "random.h"
#include "scene.h"
#include "tree_files.h"

#include <skt/record.h>
#include <skt/tree.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* The law: what is written as a tree, and captured, is what it was. */

static const struct skt_host some_host = { .name = "obi-wan",
					   .kernel = "6.18.0",
					   .boot_id = "6f1c2a7e-0b1d-4c55-9d61-2b1f0a9c3e11",
					   .btime = INT64_C(1795351187) * SCENE_SECOND + 123456789 };

static char mark_text[] = "it\nbegan \xff", no_text[] = "";
static struct skt_place_mark some_marks[] = { { .time = SCENE_TIME - 1, .back = 3, .text = mark_text },
					      { .time = -1, .back = UINT32_MAX, .text = no_text },
					      { .time = SCENE_TIME, .back = 0, .text = mark_text } };

/* One of a few, by a number. */
static struct skt_place some_place(uint64_t number)
{
	struct skt_place place = { .interval = number % 5 ? SCENE_SECOND : 0, .gap = number % 3 ? 0 : UINT32_MAX };

	place.last = number % 2;
	place.until = place.last ? SCENE_TIME + 7 : 0;
	place.missed = place.last ? 9 : 0;
	place.marks = some_marks;
	place.n_marks = number % 4;
	return place;
}

/* Write, read, compare; tree.snapshot is what was read. Says what is not so. */
static bool comes_back(struct tree_files *tree, const struct skt_snapshot *snapshot, const struct skt_host *host)
{
	struct skt_place place = some_place(snapshot->number);
	int64_t time, boottime;
	char why[256] = "";
	struct skt_err err;

	skt_err_init(&err);
	if (skt_tree_write(snapshot, host, &place, tree->fd, &err)) {
		print_message("write: %s\n", err.message);
		return false;
	}
	tree->options.all_namespaces = true;
	tree_files_capture(tree);
	if (!scene_is_whole(&tree->snapshot, why, sizeof(why)) ||
	    !skt_snapshot_equal(snapshot, &tree->snapshot, why, sizeof(why))) {
		print_message("%s\n", why);
		return false;
	}
	if (skt_capture_host(tree->capture)->btime != host->btime ||
	    !skt_place_equal(&place, skt_capture_place(tree->capture, &time, &boottime)) || time != snapshot->time ||
	    boottime != snapshot->boottime) {
		print_message("time of the boot, or place\n");
		return false;
	}
	return true;
}

enum { WORLDS = 30, STEPS = 5 };

/*
 * Headings under which lines are rows, and processes that live in namespaces that there are: what makes reading a tree
 * give back much of it.
 */
static void make_plausible(struct random *random, struct skt_snapshot *read)
{
	static const uint64_t spaces[] = { UINT64_C(4026531840), 17 };

	for (size_t i = 0; i < read->n_tables; i++)
		if (read->tables[i].status == SKT_TABLE_FRESH)
			read->tables[i].heading = scene_string(read, line_heading(read->tables[i].kind));
	for (size_t i = 0; i < read->n_processes; i++) {
		read->processes[i].has |= SKT_BIT(SKT_P_NET_NAMESPACE);
		read->processes[i].net_namespace = spaces[random_below(random, 2)];
	}
}

/* Snapshots as a recording has them: with what was carried, stale and gone. */
static bool world_comes_back(uint64_t seed)
{
	static const uint32_t rows[] = { 2, 5, 12, 30 };
	struct random random = { .state = seed };
	struct random_world world = { .sk_hidden = random_one_in(&random, 4), .rows = rows[random_below(&random, 4)] };
	struct skt_matcher *matcher = skt_matcher_new(seed);
	struct skt_snapshot now, read;
	struct skt_step step;
	bool good = true;

	assert_int_equal(skt_snapshot_init(&now, NULL, seed), 0);
	skt_step_init(&step);
	for (unsigned i = 0; good && i < STEPS; i++) {
		struct skt_host host = some_host;
		struct tree_files tree;

		random_snapshot(&random, &world, &now, NULL, &read);
		if (seed % 3)
			make_plausible(&random, &read);
		assert_int_equal(skt_match(matcher, &now, &read, !i, &step), 0);
		assert_int_equal(skt_apply(&now, &step, NULL), 0);
		skt_snapshot_release(&read);
		host.net_namespace = random_one_in(&random, 2) ? UINT64_C(4026531840) : 0;
		host.big_endian = random_one_in(&random, 2);
		tree_files_init(&tree);
		good = comes_back(&tree, &now, &host);
		if (!good)
			print_message("seed %llu, step %u\n", (unsigned long long)seed, i);
		tree_files_release(&tree);
	}
	skt_step_release(&step);
	skt_snapshot_release(&now);
	skt_matcher_free(matcher);
	return good;
}

static void a_tree_that_is_captured_is_the_snapshot_that_it_was_written_of(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= WORLDS; seed++)
		bad += !world_comes_back(seed);
	if (bad)
		fail_msg("%u of %d worlds", bad, WORLDS);
}

/* ---- one tree after the other, as sockrec --trees reads them ---- */

/* What was recorded of the trees of a recording is that recording. */
static bool trees_come_back(uint64_t seed)
{
	struct random random = { .state = seed };
	struct random_world world = { .rows = 8 };
	struct skt_matcher *matcher = skt_matcher_new(seed);
	struct skt_snapshot now, again, read;
	struct skt_step step;
	struct tree_files trees;
	int64_t boottime = 0;
	bool good = true;

	assert_int_equal(skt_snapshot_init(&now, NULL, seed), 0);
	assert_int_equal(skt_snapshot_init(&again, NULL, seed), 0);
	skt_step_init(&step);
	tree_files_init(&trees);
	for (unsigned i = 0; good && i < STEPS; i++) {
		struct skt_host host = some_host;
		struct tree_files tree;
		char why[256] = "";

		random_snapshot(&random, &world, &now, NULL, &read);
		make_plausible(&random, &read);
		assert_true(read.boottime >= boottime);
		boottime = read.boottime;
		assert_int_equal(skt_match(matcher, &now, &read, !i, &step), 0);
		assert_int_equal(skt_apply(&now, &step, NULL), 0);
		skt_snapshot_release(&read);
		tree_files_init(&tree);
		host.net_namespace = UINT64_C(4026531840);
		assert_int_equal(skt_tree_write(&now, &host, NULL, tree.fd, NULL), 0);
		/* the descriptor that capture has leads to the next tree */
		assert_true(dup2(tree.fd, trees.fd) >= 0);
		trees.options.all_namespaces = true;
		tree_files_capture(&trees);
		good = skt_snapshot_equal(&now, &trees.snapshot, why, sizeof(why));
		assert_int_equal(skt_match(matcher, &again, &trees.snapshot, !i, &step), 0);
		assert_int_equal(skt_apply(&again, &step, NULL), 0);
		good = good && skt_snapshot_equal(&now, &again, why, sizeof(why));
		if (!good)
			print_message("seed %llu, step %u: %s\n", (unsigned long long)seed, i, why);
		tree_files_release(&tree);
	}
	tree_files_release(&trees);
	skt_step_release(&step);
	skt_snapshot_release(&now);
	skt_snapshot_release(&again);
	skt_matcher_free(matcher);
	return good;
}

static void trees_of_a_recording_are_recorded_as_that_recording(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= WORLDS; seed++)
		bad += !trees_come_back(seed);
	if (bad)
		fail_msg("%u of %d worlds", bad, WORLDS);
}

/* ---- fixtures ---- */

static bool scene_comes_back(const char *path)
{
	struct tree_files scene, tree;
	bool good;

	tree_files_init(&scene);
	tree_files_init(&tree);
	scene.options.all_namespaces = true;
	close(scene.fd);
	scene.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(scene.fd >= 0);
	tree_files_capture(&scene);
	good = comes_back(&tree, &scene.snapshot, skt_capture_host(scene.capture));
	if (good) {
		const struct skt_host *was = skt_capture_host(scene.capture), *is = skt_capture_host(tree.capture);

		assert_string_equal(is->name, was->name);
		assert_string_equal(is->kernel, was->kernel);
		assert_string_equal(is->boot_id, was->boot_id);
		assert_int_equal(is->btime, was->btime);
		assert_int_equal(is->net_namespace, was->net_namespace);
		assert_int_equal(is->big_endian, was->big_endian);
	}
	tree_files_release(&tree);
	tree_files_release(&scene);
	return good;
}

static bool recording_comes_back(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	struct skt_cursor *cursor;
	struct skt_file *file;
	struct skt_step *step;
	bool good = true;

	assert_true(fd >= 0);
	if (skt_file_open(fd, path, 0, &file, NULL)) {
		close(fd);
		return true;
	}
	assert_int_equal(skt_cursor_new(file, &cursor, NULL), 0);
	/* all of them would take their time, and those that are damaged are all of one */
	for (unsigned n = 0; good && (rc = skt_cursor_next(cursor, &step, NULL)) != 0; n++) {
		struct tree_files tree;

		if (rc < 0 || (strstr(path, "/v1-") ? n > 10 && n % 32 : n > 1))
			continue;
		tree_files_init(&tree);
		good = comes_back(&tree, skt_cursor_snapshot(cursor), &some_host);
		tree_files_release(&tree);
	}
	skt_cursor_free(cursor);
	skt_file_free(file);
	close(fd);
	return good;
}

static void each_comes_back(const char *dir, const char *suffix, bool (*comes)(const char *path))
{
	DIR *list = opendir(dir);
	const struct dirent *entry;
	unsigned n = 0, bad = 0;

	assert_non_null(list);
	while ((entry = readdir(list))) {
		const char *end = strchr(entry->d_name, '.');
		char path[512];

		if (strcmp(end ? end : "", suffix) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		n++;
		if (!comes(path)) {
			print_message("%s\n", path);
			bad++;
		}
	}
	closedir(list);
	assert_true(n > 8);
	assert_int_equal(bad, 0);
}

static void every_scene_comes_back(void **state)
{
	(void)state;
	each_comes_back("fixtures/proc", "", scene_comes_back);
}

static void snapshots_of_every_recording_come_back(void **state)
{
	(void)state;
	each_comes_back("fixtures/rec", ".skt", recording_comes_back);
}

/* ---- what stands in it ---- */

/* A file of the tree, NUL-terminated; NULL where there is none. Freed by the caller. */
static char *content(const struct tree_files *tree, const char *path, size_t *ret_len)
{
	int fd = openat(tree->fd, path, O_RDONLY | O_NOFOLLOW);
	struct stat st;
	char *text;

	if (fd < 0)
		return NULL;
	assert_int_equal(fstat(fd, &st), 0);
	text = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
	close(fd);
	if (ret_len)
		*ret_len = (size_t)st.st_size;
	return text;
}

static void assert_content(const struct tree_files *tree, const char *path, const char *expected)
{
	char *text = content(tree, path, NULL);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static bool exists(const struct tree_files *tree, const char *path)
{
	struct stat st;

	return !fstatat(tree->fd, path, &st, AT_SYMLINK_NOFOLLOW);
}

static void assert_link(const struct tree_files *tree, const char *path, const char *expected)
{
	char target[256] = "";

	assert_true(readlinkat(tree->fd, path, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, expected);
}

static void take(struct tree_files *scene, const char *path)
{
	tree_files_init(scene);
	close(scene->fd);
	scene->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scene->options.all_namespaces = true;
	tree_files_capture(scene);
}

/* Their row numbers count from 0, as ours do. */
static void tables_are_byte_for_byte_what_the_kernel_wrote(void **state)
{
	static const char *const paths[] = { "net/tcp", "net/tcp6" };
	struct tree_files scene, tree;

	(void)state;
	take(&scene, "fixtures/proc/kinds");
	tree_files_init(&tree);
	assert_int_equal(skt_tree_write(&scene.snapshot, skt_capture_host(scene.capture), NULL, tree.fd, NULL), 0);
	for (unsigned i = 0; i < 2; i++) {
		size_t len_was, len_is;
		char *was = content(&scene, paths[i], &len_was), *is = content(&tree, paths[i], &len_is);

		assert_true(was && is && len_was > 400);
		assert_int_equal(len_is, len_was);
		assert_memory_equal(is, was, len_is);
		free(was);
		free(is);
	}
	tree_files_release(&tree);
	tree_files_release(&scene);
}

/* net/ipv4/tcp_ipv4.c, tcp4_seq_show() */
#define TCP_HEADING                                                                                                     \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode             " \
	"                                        "

/* A scene by hand: a server with a child that nothing is known of, and one in another namespace. */
static void fill(struct skt_snapshot *s)
{
	struct skt_process *process;
	uint32_t server, other;

	scene_begin(s, NULL, 3);
	server = scene_process(s, 700, 4242, "a) b\n\\");
	scene_process(s, 701, 0, "");
	other = scene_process(s, 702, 4300, "inside");
	process = &s->processes[server];
	process->has = SKT_BIT(SKT_P_EXITED) - 1;
	process->uid = 33;
	process->threads = 7;
	process->state = 'S';
	process->net_namespace = 4026531840;
	process->exe = scene_string(s, "/usr/sbin/server");
	process->exe_deleted = true;
	process->cgroup = scene_string(s, "0::/system.slice/server.service");
	assert_int_equal(skt_strtab_add(s->strings, "server\0-x\0", 10, &process->cmdline), 0);
	s->processes[server + 1].has = 0;
	s->processes[server + 1].ppid = 0;
	s->processes[server + 1].exe = 0;
	s->processes[other].has = SKT_BIT(SKT_P_NET_NAMESPACE) | SKT_BIT(SKT_P_COMM) | SKT_BIT(SKT_P_START_TIME);
	s->processes[other].ppid = 0;
	s->processes[other].exe = 0;
	s->processes[other].net_namespace = 17;
	scene_table(s, SKT_TCP, 4026531840);
	scene_table(s, SKT_TCP6, 4026531840);
	scene_table(s, SKT_TCP, 17);
	s->tables[0].heading = scene_string(s, TCP_HEADING);
	s->tables[2].heading = scene_string(s, TCP_HEADING);
	s->tables[1].status = SKT_TABLE_UNKNOWN;
	s->tables[1].error = -EACCES;
	s->tables[1].heading = 0;
	scene_add_held(s, scene_sock(80, 0, 1000, 0xabc, SKT_LISTEN), server, 3);
	scene_end(s);
}

static void write_filled(struct tree_files *tree)
{
	struct skt_snapshot snapshot;
	struct skt_host host = some_host;

	tree_files_init(tree);
	tree->options.all_namespaces = true;
	host.net_namespace = 4026531840;
	fill(&snapshot);
	assert_int_equal(skt_tree_write(&snapshot, &host, NULL, tree->fd, NULL), 0);
	skt_snapshot_release(&snapshot);
}

static void files_of_a_process_read_as_proc_5_says(void **state)
{
	struct tree_files tree;
	char *text;
	unsigned fields = 0;

	(void)state;
	write_filled(&tree);
	text = content(&tree, "700/stat", NULL);
	assert_non_null(text);
	assert_memory_equal(text, "700 (a) b\n\\) S 1 0 ", 19);
	/* from field 3 on: 52 in all, threads the 20th and start time the 22nd */
	for (char *at = strrchr(text, ')') + 2, *save; (at = strtok_r(at, " \n", &save)); at = NULL, fields++) {
		if (fields == 17)
			assert_string_equal(at, "7");
		if (fields == 19)
			assert_string_equal(at, "4242");
	}
	assert_int_equal(fields, 50);
	free(text);
	text = content(&tree, "700/status", NULL);
	assert_non_null(text);
	/* fs/proc/array.c escapes a newline and a backslash there, and only there */
	assert_memory_equal(text, "Name:\ta) b\\n\\\\\nUmask:", 21);
	assert_non_null(strstr(text, "\nState:\tS (sleeping)\nTgid:\t700\n"));
	assert_non_null(strstr(text, "\nPPid:\t1\n"));
	assert_non_null(strstr(text, "\nUid:\t33\t33\t33\t33\nGid:\t"));
	assert_non_null(strstr(text, "\nThreads:\t7\n"));
	free(text);
	assert_content(&tree, "700/comm", "a) b\n\\\n");
	assert_content(&tree, "700/cgroup", "0::/system.slice/server.service\n");
	assert_content(&tree, "700/statm", "0 0 0 0 0 0 0\n");
	assert_content(&tree, "700/cmdline", "server");
	assert_link(&tree, "700/exe", "/usr/sbin/server (deleted)");
	assert_link(&tree, "700/fd/3", "socket:[1000]");
	assert_link(&tree, "700/ns/net", "net:[4026531840]");
	assert_link(&tree, "700/net", "../net");
	tree_files_release(&tree);
}

static void what_was_not_recorded_of_a_process_is_0_or_not_there(void **state)
{
	struct tree_files tree;
	char *text;

	(void)state;
	write_filled(&tree);
	text = content(&tree, "701/stat", NULL);
	assert_non_null(text);
	assert_memory_equal(text, "701 () ? 0 0 ", 13);
	free(text);
	assert_content(&tree, "701/cmdline", "");
	assert_false(exists(&tree, "701/exe"));
	assert_false(exists(&tree, "701/cgroup"));
	assert_false(exists(&tree, "701/ns"));
	assert_true(exists(&tree, "701/fd"));
	/* and is still unknown when it is read */
	tree_files_capture(&tree);
	assert_int_equal(tree_files_process(&tree, 701)->has, 0);
	tree_files_release(&tree);
}

static void the_host_is_as_it_was(void **state)
{
	struct tree_files tree;
	char *text;

	(void)state;
	write_filled(&tree);
	assert_content(&tree, "sys/kernel/hostname", "obi-wan\n");
	assert_content(&tree, "sys/kernel/osrelease", "6.18.0\n");
	assert_content(&tree, "sys/kernel/random/boot_id", "6f1c2a7e-0b1d-4c55-9d61-2b1f0a9c3e11\n");
	/* second 3 of a scene that begins 5000 s after boot */
	assert_content(&tree, "uptime", "5003.00 0.00\n");
	text = content(&tree, "stat", NULL);
	assert_non_null(strstr(text, "\nbtime 1795351187\n"));
	free(text);
	/* which is cut, and still the instant is known */
	tree_files_capture(&tree);
	assert_int_equal(skt_capture_host(tree.capture)->btime, INT64_C(1795351187123456789));
	assert_link(&tree, "self/ns/net", "net:[4026531840]");
	tree_files_release(&tree);
}

static void another_namespace_is_shown_by_who_lives_in_it(void **state)
{
	struct tree_files tree;

	(void)state;
	write_filled(&tree);
	assert_link(&tree, "702/ns/net", "net:[17]");
	assert_true(exists(&tree, "702/net/tcp"));
	tree_files_release(&tree);
}

/* What was read is sooner believed than what was read before it. */
static void of_two_sockets_under_one_descriptor_the_one_that_was_seen_has_the_link(void **state)
{
	struct skt_host host = some_host;
	struct skt_snapshot snapshot;
	struct tree_files tree;
	struct skt_sock sock;

	(void)state;
	for (unsigned stale = 0; stale < 2; stale++) {
		fill(&snapshot);
		sock = scene_sock(81, 0, stale ? 999 : 1001, 0xabd, SKT_LISTEN);
		sock.table = 2;
		scene_add_held(&snapshot, sock, 0, 3);
		snapshot.tables[stale ? 2 : 0].status = SKT_TABLE_STALE;
		scene_end(&snapshot);
		host.net_namespace = 4026531840;
		tree_files_init(&tree);
		if (!comes_back(&tree, &snapshot, &host))
			fail();
		assert_link(&tree, "700/fd/3", stale ? "socket:[1000]" : "socket:[1001]");
		skt_snapshot_release(&snapshot);
		tree_files_release(&tree);
	}
}

static void a_table_that_is_unknown_has_no_file_and_is_not_empty(void **state)
{
	struct tree_files tree;

	(void)state;
	write_filled(&tree);
	assert_false(exists(&tree, "net/tcp6"));
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.tables[1].kind, SKT_TCP6);
	assert_int_equal(tree.snapshot.tables[1].status, SKT_TABLE_UNKNOWN);
	assert_int_equal(tree.snapshot.tables[1].error, -EACCES);
	tree_files_release(&tree);
}

/* psutil opens net/udp and net/unix, whatever it is asked for, and fails where they are missing. */
static void files_that_readers_insist_on_are_there_and_are_no_tables(void **state)
{
	struct tree_files tree;
	char *text;

	(void)state;
	write_filled(&tree);
	assert_content(&tree, "net/unix", "Num       RefCount Protocol Flags    Type St Inode Path\n");
	assert_true(exists(&tree, "net/udp"));
	/* procps: ps and top */
	assert_content(&tree, "loadavg", "0.00 0.00 0.00 0/0 0\n");
	assert_true(exists(&tree, "meminfo") && exists(&tree, "vmstat") && exists(&tree, "cpuinfo"));
	text = content(&tree, ".skt-meta", NULL);
	assert_non_null(strstr(text, "\nzero ../meminfo "));
	assert_non_null(strstr(text, "\nzero ../loadavg "));
	free(text);
	assert_int_equal(tree_files_capture(&tree)->n_tables, 3);
	tree_files_release(&tree);
}

static void a_directory_that_is_not_empty_is_refused(void **state)
{
	struct tree_files tree;
	struct skt_snapshot snapshot;
	struct skt_err err;

	(void)state;
	tree_files_init(&tree);
	fill(&snapshot);
	tree_file_text(&tree, ".hidden", "");
	assert_int_equal(skt_tree_write(&snapshot, &some_host, NULL, tree.fd, &err), -ENOTEMPTY);
	assert_string_equal(err.message, "cannot write a tree: Directory not empty");
	assert_false(exists(&tree, "net"));
	skt_snapshot_release(&snapshot);
	tree_files_release(&tree);
}

static void what_fails_is_named(void **state)
{
	struct tree_files tree;
	struct skt_snapshot snapshot;
	struct skt_err err;
	struct rlimit limit, none;
	int rc;

	(void)state;
	tree_files_init(&tree);
	fill(&snapshot);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	none = limit;
	none.rlim_cur = 500;
	setrlimit(RLIMIT_FSIZE, &none);
	rc = skt_tree_write(&snapshot, &some_host, NULL, tree.fd, &err);
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(rc, -EFBIG);
	assert_string_equal(err.message, "cannot write '700/status': File too large");
	assert_false(exists(&tree, ".skt-meta"));
	skt_snapshot_release(&snapshot);
	tree_files_release(&tree);
}

/* ---- hostile recordings ---- */

static const char *const evil[] = { "../../victim", "/", "..", "", "a/b", "\xff\x1b[2J", "fd/../../../victim" };

/* All names in a directory and below are numbers or known, and nothing is anything but file, link and directory. */
static int check_name(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static const char *const known[] = { ".skt-meta", "net",       "self",	  "sys",    "kernel", "random",
					     "hostname",  "osrelease", "boot_id", "stat",   "status", "statm",
					     "comm",	  "cmdline",   "cgroup",  "exe",    "fd",     "ns",
					     "loadavg",	  "meminfo",   "cpuinfo", "vmstat", "ostype", "pid_max",
					     "uptime",	  "tcp",       "tcp6",	  "udp",    "unix" };
	const char *name = path + ftw->base;

	(void)type;
	if (!ftw->level)
		return 0;
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode) && !S_ISLNK(st->st_mode))
		return 1;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(name, known[i]))
			return 0;
	return name[strspn(name, "0123456789")] ? 1 : 0;
}

static void nothing_in_a_recording_leads_out_of_the_directory(void **state)
{
	struct tree_files outside, tree;
	struct skt_snapshot snapshot;
	char path[512];

	(void)state;
	tree_files_init(&outside);
	tree_files_init(&tree);
	tree_file_text(&outside, "victim", "untouched");
	tree_file_directory(&outside, "tree");
	close(tree.fd);
	tree.fd = openat(outside.fd, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fill(&snapshot);
	for (size_t i = 0; i < sizeof(evil) / sizeof(*evil); i++) {
		uint32_t slot =
			scene_process(&snapshot, i % 2 ? 700 + (uint32_t)i : UINT32_MAX - (uint32_t)i, 1, evil[i]);
		struct skt_process *process = &snapshot.processes[slot];
		struct skt_owner owner = { .process = slot, .fd = INT32_MAX - (int32_t)i };

		process->exe = process->cmdline = process->cgroup = process->comm;
		process->has = UINT32_MAX;
		process->state = '/';
		process->net_namespace = i;
		scene_table(&snapshot, SKT_UDPLITE + (unsigned)i % 2, 100 + i);
		assert_int_equal(skt_table_add_raw(&snapshot.tables[0], 0, process->comm), 0);
		scene_own(&snapshot, 0, &owner, 1);
	}
	scene_end(&snapshot);
	if (!comes_back(&tree, &snapshot, &some_host))
		fail();
	assert_content(&outside, "victim", "untouched");
	snprintf(path, sizeof(path), "%s/tree", outside.dir);
	assert_int_equal(nftw(path, check_name, 16, FTW_PHYS), 0);
	tree_file_remove(&outside, "tree");
	tree_file_remove(&outside, "victim");
	assert_int_equal(rmdir(outside.dir), 0);
	skt_snapshot_release(&snapshot);
	tree_files_release(&outside);
	tree_files_release(&tree);
}

/* 2^42 ms is the most that a recording holds; a clock that went back makes more of it. */
static void a_timer_further_off_than_any_recording_says_is_cut(void **state)
{
	struct skt_snapshot snapshot;
	struct tree_files tree;

	(void)state;
	tree_files_init(&tree);
	fill(&snapshot);
	snapshot.socks[0].timer = 1;
	snapshot.socks[0].has |= SKT_BIT(SKT_F_TIMER_MS);
	snapshot.boottime = 0;
	snapshot.socks[0].timer_expires = INT64_MAX - 1;
	assert_int_equal(skt_tree_write(&snapshot, &some_host, NULL, tree.fd, NULL), 0);
	tree_files_capture(&tree);
	assert_int_equal(skt_sock_ticks(tree_files_row(&tree, 1000), 0), 439804651109);
	skt_snapshot_release(&snapshot);
	tree_files_release(&tree);
}

/* ---- trees that were edited ---- */

static int capture_rc(struct tree_files *tree, struct skt_err *err)
{
	struct skt_capture *capture;
	int rc = skt_capture_open(tree->fd, &tree->options, &capture, err);

	if (rc)
		return rc;
	rc = skt_capture_next(capture, &tree->snapshot, err);
	skt_capture_free(capture);
	return rc;
}

static void replace(struct tree_files *tree, const char *path, const char *from, const char *to)
{
	char *text = content(tree, path, NULL), *at = strstr(text, from), *now;

	assert_non_null(at);
	now = calloc(1, strlen(text) + strlen(to) + 1);
	assert_non_null(now);
	memcpy(now, text, (size_t)(at - text));
	strcat(now, to);
	strcat(now, at + strlen(from));
	tree_file_text(tree, path, now);
	free(now);
	free(text);
}

static void an_edited_table_is_read_as_it_stands_and_told(void **state)
{
	struct tree_files tree;
	const struct skt_sock *row;

	(void)state;
	write_filled(&tree);
	replace(&tree, "net/tcp", ":0050 ", ":1F90 ");
	tree_files_capture(&tree);
	row = tree_files_row(&tree, 1000);
	assert_non_null(row);
	assert_int_equal(row->local_port, 8080);
	assert_string_equal(tree_files_owners(&tree, row), "700/3");
	assert_int_equal(tree.snapshot.time, SCENE_TIME + 3 * SCENE_SECOND);
	assert_int_equal(tree.snapshot.tables[0].read_time, tree.snapshot.time);
	assert_string_equal(tree_files_problem(&tree, "tree/net/tcp", -1),
			    "it is not as it was written: what '.skt-meta' says of its rows does not count");
	tree_files_release(&tree);
}

static void an_edited_time_of_the_boot_counts(void **state)
{
	struct tree_files tree;

	(void)state;
	write_filled(&tree);
	replace(&tree, "stat", "btime 1795351187\n", "btime 1795351188\n");
	tree_files_capture(&tree);
	assert_int_equal(skt_capture_host(tree.capture)->btime, INT64_C(1795351188000000000));
	tree_files_release(&tree);
}

/* What no tree of ours has: no gap of none, no text with a NUL, and the lines stand in one order. */
static void places_that_no_recording_has_are_refused(void **state)
{
	static const char *const bad[] = { "gap 0\n",	     "gap 4294967296\n",      "last 5\n",
					   "mark 0 7\n",     "mark 0 7 \\x00\n",      "mark -1 7 x\n",
					   "gap 2\ngap 2\n", "mark 0 7 x\nlast 5 0\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char with[128];
		struct tree_files tree;
		struct skt_err err;

		skt_err_init(&err);
		write_filled(&tree);
		snprintf(with, sizeof(with), "interval 0\n%s", bad[i]);
		replace(&tree, ".skt-meta", "interval 0\n", with);
		assert_int_equal(capture_rc(&tree, &err), -EBADMSG);
		assert_non_null(strstr(err.message, "does not read as it is written, at its line "));
		tree_files_release(&tree);
	}
}

static void a_process_that_was_taken_out_of_a_tree_is_gone(void **state)
{
	struct tree_files tree;

	(void)state;
	write_filled(&tree);
	tree_file_remove(&tree, "700");
	tree_files_capture(&tree);
	assert_null(tree_files_process(&tree, 700));
	assert_non_null(tree_files_process(&tree, 702));
	assert_int_equal(tree_files_row(&tree, 1000)->owner, SKT_OWNER_UNHELD);
	tree_files_release(&tree);
}

static void what_was_put_into_a_tree_is_read_with_it(void **state)
{
	struct tree_files tree;

	(void)state;
	write_filled(&tree);
	tree_file_process(&tree, 900, "added", 1, 77);
	tree_file_socket(&tree, 900, 5, 1000);
	tree_file_table(&tree, SKT_RAW, NULL);
	tree_files_capture(&tree);
	assert_int_equal(tree.snapshot.n_tables, 4);
	assert_int_equal(tree.snapshot.tables[3].kind, SKT_RAW);
	assert_string_equal(tree_files_owners(&tree, tree_files_row(&tree, 1000)), "700/3 900/5");
	tree_files_release(&tree);
}

/* ---- .skt-meta as a stranger's ---- */

static void a_meta_that_is_cut_anywhere_is_refused(void **state)
{
	struct tree_files tree;
	struct skt_err err;
	size_t len;
	char *text;

	(void)state;
	write_filled(&tree);
	text = content(&tree, ".skt-meta", &len);
	for (size_t i = 0; i < len; i++) {
		tree_file_bytes(&tree, ".skt-meta", text, i);
		assert_int_equal(capture_rc(&tree, &err), -EBADMSG);
	}
	tree_file_bytes(&tree, ".skt-meta", text, len);
	assert_int_equal(capture_rc(&tree, &err), 0);
	free(text);
	tree_files_release(&tree);
}

static void a_meta_with_any_bit_turned_is_refused_or_harmless(void **state)
{
	struct tree_files tree;
	struct skt_err err;
	char why[256] = "";
	size_t len;
	char *text;

	(void)state;
	write_filled(&tree);
	text = content(&tree, ".skt-meta", &len);
	for (size_t i = 0; i < 8 * len; i += 3) {
		int rc;

		text[i / 8] ^= (char)(1 << i % 8);
		tree_file_bytes(&tree, ".skt-meta", text, len);
		text[i / 8] ^= (char)(1 << i % 8);
		rc = capture_rc(&tree, &err);
		assert_true(!rc || rc == -EBADMSG || rc == -EPROTONOSUPPORT);
		if (!rc && !scene_is_whole(&tree.snapshot, why, sizeof(why)))
			fail_msg("bit %zu: %s", i, why);
	}
	free(text);
	tree_files_release(&tree);
}

static void refusals_say_what_is_wrong_and_where(void **state)
{
	static const struct {
		const char *from, *to, *message;
		int code;
	} cases[] = {
		{ "skt-tree 1\n", "skt-tree 2\n", "'.skt-meta' is of version 2, and this program knows 1",
		  -EPROTONOSUPPORT },
		{ "skt-tree 1\n", "something\n", "'.skt-meta' is none: its first line is not 'skt-tree 1'", -EBADMSG },
		{ "missed 0\n", "missed 00\n", "'.skt-meta' does not read as it is written, at its line 8", -EBADMSG },
		{ "boottime 5", "boottime -5", "'.skt-meta' does not read as it is written, at its line 6", -EBADMSG },
		{ "end\n", "end\nend\n", "'.skt-meta' does not read as it is written, at its line 27", -EBADMSG },
		{ "table tcp 17 ", "table tcp 4026531840 ", NULL, -EBADMSG },
		{ "process tree 701 ", "process tree 700 ", NULL, -EBADMSG },
		{ "owner 0 ", "owner 1 ", NULL, -EBADMSG },
		{ " 0/3\n", " 9/3\n", NULL, -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tree_files tree;
		struct skt_err err;

		skt_err_init(&err);
		write_filled(&tree);
		/* for the last two: what is said of the first row of the first table */
		if (i >= 7)
			replace(&tree, ".skt-meta", "table tcp6", "owner 0 1 0 0/3\ntable tcp6");
		replace(&tree, ".skt-meta", cases[i].from, cases[i].to);
		assert_int_equal(capture_rc(&tree, &err), cases[i].code);
		if (cases[i].message)
			assert_string_equal(err.message, cases[i].message);
		assert_string_equal(err.path, "tree");
		tree_files_release(&tree);
	}
}

static void a_link_in_its_place_is_not_followed(void **state)
{
	struct tree_files tree;
	struct skt_err err;

	(void)state;
	write_filled(&tree);
	assert_int_equal(renameat(tree.fd, ".skt-meta", tree.fd, "elsewhere"), 0);
	tree_file_link(&tree, ".skt-meta", "elsewhere");
	assert_int_equal(capture_rc(&tree, &err), -ELOOP);
	tree_files_release(&tree);
}

/* ---- options ---- */

/* One whose command line the tree cannot hold whole is told in .skt-meta, and is nobody's secret there either. */
static void command_lines_are_kept_as_the_options_say_wherever_they_stand(void **state)
{
	static const struct {
		enum skt_cmdline policy;
		const char *expected;
		bool has;
	} cases[] = { { SKT_CMDLINE_FULL, "curl\0-u\0secret\0", true },
		      { SKT_CMDLINE_ARGV0, "curl\0", true },
		      { SKT_CMDLINE_NONE, "", false } };

	(void)state;
	for (unsigned exited = 0; exited < 2; exited++)
		for (unsigned i = 0; i < 3; i++) {
			struct skt_snapshot snapshot;
			struct tree_files tree;
			const struct skt_process *process;
			const char *text;
			size_t len;

			fill(&snapshot);
			snapshot.processes[0].exited = exited;
			assert_int_equal(skt_strtab_add(snapshot.strings, "curl\0-u\0secret\0", 15,
							&snapshot.processes[0].cmdline),
					 0);
			tree_files_init(&tree);
			assert_int_equal(skt_tree_write(&snapshot, &some_host, NULL, tree.fd, NULL), 0);
			tree.options.cmdline = cases[i].policy;
			tree_files_capture(&tree);
			process = tree_files_process(&tree, 700);
			assert_non_null(process);
			text = skt_strtab_get(tree.snapshot.strings, process->cmdline, &len);
			assert_int_equal(len, i ? strlen(cases[i].expected) + (i == 1) : 15);
			assert_memory_equal(text, cases[i].expected, len);
			assert_int_equal(!!(process->has & SKT_BIT(SKT_P_CMDLINE)), cases[i].has);
			assert_int_equal(process->cmdline_truncated, i == 1);
			skt_snapshot_release(&snapshot);
			tree_files_release(&tree);
		}
}

static void only_the_tables_that_are_wanted_are_read(void **state)
{
	struct tree_files tree;

	(void)state;
	write_filled(&tree);
	tree.options.tables = 1u << SKT_TCP;
	tree.options.all_namespaces = false;
	assert_int_equal(tree_files_capture(&tree)->n_tables, 1);
	tree_files_release(&tree);
}

/* Nobody is asked twice: of a table that is unknown and nothing else there is still a recording. */
static void a_tree_of_which_no_table_is_known_is_one(void **state)
{
	struct tree_files tree;

	(void)state;
	write_filled(&tree);
	tree.options.tables = 1u << SKT_TCP6;
	assert_int_equal(tree_files_capture(&tree)->n_tables, 1);
	assert_int_equal(tree.snapshot.tables[0].error, -EACCES);
	tree_files_release(&tree);
}

/* Some 100,000 files are made: in memory, where there is a place for that, and all in one directory, whatever fails. */
static char memory[64];

static int begin_in_memory(void **state)
{
	(void)state;
	snprintf(memory, sizeof(memory), "/dev/shm/skt-trees-XXXXXX");
	if (!mkdtemp(memory))
		*memory = '\0';
	return *memory ? setenv("TMPDIR", memory, 1) : 0;
}

static int end_in_memory(void **state)
{
	(void)state;
	if (*memory)
		remove_all(memory);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_that_is_captured_is_the_snapshot_that_it_was_written_of),
		cmocka_unit_test(trees_of_a_recording_are_recorded_as_that_recording),
		cmocka_unit_test(every_scene_comes_back),
		cmocka_unit_test(snapshots_of_every_recording_come_back),
		cmocka_unit_test(tables_are_byte_for_byte_what_the_kernel_wrote),
		cmocka_unit_test(files_of_a_process_read_as_proc_5_says),
		cmocka_unit_test(what_was_not_recorded_of_a_process_is_0_or_not_there),
		cmocka_unit_test(the_host_is_as_it_was),
		cmocka_unit_test(another_namespace_is_shown_by_who_lives_in_it),
		cmocka_unit_test(of_two_sockets_under_one_descriptor_the_one_that_was_seen_has_the_link),
		cmocka_unit_test(a_table_that_is_unknown_has_no_file_and_is_not_empty),
		cmocka_unit_test(files_that_readers_insist_on_are_there_and_are_no_tables),
		cmocka_unit_test(a_directory_that_is_not_empty_is_refused),
		cmocka_unit_test(what_fails_is_named),
		cmocka_unit_test(nothing_in_a_recording_leads_out_of_the_directory),
		cmocka_unit_test(a_timer_further_off_than_any_recording_says_is_cut),
		cmocka_unit_test(an_edited_table_is_read_as_it_stands_and_told),
		cmocka_unit_test(an_edited_time_of_the_boot_counts),
		cmocka_unit_test(places_that_no_recording_has_are_refused),
		cmocka_unit_test(a_process_that_was_taken_out_of_a_tree_is_gone),
		cmocka_unit_test(what_was_put_into_a_tree_is_read_with_it),
		cmocka_unit_test(a_meta_that_is_cut_anywhere_is_refused),
		cmocka_unit_test(a_meta_with_any_bit_turned_is_refused_or_harmless),
		cmocka_unit_test(refusals_say_what_is_wrong_and_where),
		cmocka_unit_test(a_link_in_its_place_is_not_followed),
		cmocka_unit_test(command_lines_are_kept_as_the_options_say_wherever_they_stand),
		cmocka_unit_test(only_the_tables_that_are_wanted_are_read),
		cmocka_unit_test(a_tree_of_which_no_table_is_known_is_one),
	};

	return cmocka_run_group_tests(tests, begin_in_memory, end_in_memory);
}
