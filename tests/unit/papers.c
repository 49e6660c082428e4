/* SPDX-License-Identifier: MIT */
/*
 * Who processes are, read by many hands: what was read is what stands in their files, and makes the same of them as one
 * hand does.
 */
#include "proc/papers.h"

#include "proc/identity.h"
#include "scene.h"

#include <skt/capture.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* More than are read at once, and not a multiple of it. */
#define CROWD 70

/* The last two execute another program: one with many arguments, one that is deleted then. */
#define LONG_ONE    (CROWD - 2)
#define DELETED_ONE (CROWD - 1)
#define LONG_LENGTH 6000

static pid_t crowd[CROWD];
static char program[64];

/* ---- processes ---- */

/* For the children to say that they are as they will be; and one to which nobody writes, that they wait for. */
static int ready[2], quiet[2];

static _Noreturn void be(int number)
{
	static char text[LONG_LENGTH + 1];
	char name[32];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(name, sizeof(name), "one ) %d", number);
	prctl(PR_SET_NAME, name);
	if (!getuid() && number % 3 == 1)
		(void)!setresuid(1000 + (uid_t)number, 0, 0);
	memset(text, 'x', LONG_LENGTH);
	if (number == LONG_ONE)
		execl("/bin/sh", "sh", "-c", "echo >&$0; read x; exit", "9", text, (char *)NULL);
	if (number == DELETED_ONE)
		execl(program, "sh", "-c", "echo >&$0; read x; exit", "9", (char *)NULL);
	(void)!write(ready[1], "\n", 1);
	for (;;)
		pause();
}

static void copy(const char *from, const char *to)
{
	char bytes[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(out, bytes, (size_t)n), n);
	assert_int_equal(fchmod(out, 0700), 0);
	close(in);
	close(out);
}

/* It is as it will be. */
static pid_t begin(int number)
{
	pid_t pid = fork();
	char byte;

	assert_true(pid >= 0);
	if (!pid) {
		dup2(quiet[0], 0);
		dup2(ready[1], 9);
		be(number);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	return pid;
}

/* Each holds a listener that it inherits. */
static int gather_crowd(void **state)
{
	int listener;

	(void)state;
	snprintf(program, sizeof(program), "%s/papersXXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe2(quiet, O_CLOEXEC), 0);
	close(mkstemp(program));
	copy("/bin/sh", program);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(listen(listener, 1), 0);
	for (int i = 0; i < CROWD; i++)
		crowd[i] = begin(i);
	unlink(program);
	close(listener);
	return 0;
}

static int end_crowd(void **state)
{
	(void)state;
	for (int i = 0; i < CROWD; i++) {
		kill(crowd[i], SIGKILL);
		waitpid(crowd[i], NULL, 0);
	}
	return 0;
}

/* ---- what stands in their files ---- */

static size_t read_whole(pid_t pid, const char *file, char *ret, size_t size)
{
	char path[64];
	size_t len = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	while ((n = read(fd, ret + len, size - len)) > 0)
		len += (size_t)n;
	close(fd);
	return len;
}

static struct tree live(void)
{
	return (struct tree){ .fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), .live = true, .name = "/proc" };
}

static int handle_of(pid_t pid)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* The papers of one process; hands read those of two, and the other's are left. */
static void read_papers_of(pid_t pid, bool secret, struct papers ret[2])
{
	struct tree tree = live();
	struct crew *crew;

	assert_int_equal(crew_new(2, &crew), 0);
	papers_init(&ret[0], handle_of(pid), secret);
	papers_init(&ret[1], handle_of(crowd[0]), secret);
	papers_read(crew, &tree, ret, 2);
	crew_free(crew);
	close(tree.fd);
}

static void release_papers(struct papers papers[2])
{
	for (int i = 0; i < 2; i++) {
		close(papers[i].dir);
		papers_release(&papers[i]);
	}
}

static void what_was_read_is_what_the_file_says_and_is_given_once(void **state)
{
	static const char *const files[] = { "stat", "cgroup", "cmdline" };
	struct papers papers[2];
	char text[PAPER_MAX];
	const unsigned char *bytes;
	size_t len;
	int rc;

	(void)state;
	read_papers_of(crowd[1], false, papers);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		assert_true(papers_take(&papers[0], papers[0].dir, files[i], &bytes, &len, &rc));
		assert_int_equal(rc, 0);
		assert_int_equal(len, read_whole(crowd[1], files[i], text, sizeof(text)));
		assert_memory_equal(bytes, text, len);
		assert_false(papers_take(&papers[0], papers[0].dir, files[i], &bytes, &len, &rc));
	}
	assert_true(papers_take(&papers[0], papers[0].dir, "ns/net", &bytes, &len, &rc));
	assert_int_equal(readlink("/proc/self/ns/net", text, sizeof(text)), len);
	assert_memory_equal(bytes, text, len);
	assert_false(papers_take(&papers[0], papers[0].dir, "environ", &bytes, &len, &rc));
	assert_false(papers_take(NULL, papers[0].dir, "stat", &bytes, &len, &rc));
	release_papers(papers);
}

/* A thread of it, say, or another process: what it wants to know is in its own files. */
static void who_asks_for_another_directory_gets_none(void **state)
{
	struct papers papers[2];
	const unsigned char *bytes;
	size_t len;
	int rc;

	(void)state;
	read_papers_of(crowd[1], false, papers);
	assert_false(papers_take(&papers[0], papers[1].dir, "stat", &bytes, &len, &rc));
	assert_true(papers_take(&papers[0], papers[0].dir, "stat", &bytes, &len, &rc));
	release_papers(papers);
}

static void a_command_line_that_is_not_to_be_kept_is_not_read(void **state)
{
	struct papers papers[2];
	const unsigned char *bytes;
	size_t len;
	int rc;

	(void)state;
	read_papers_of(crowd[LONG_ONE], true, papers);
	assert_false(papers_take(&papers[0], papers[0].dir, "cmdline", &bytes, &len, &rc));
	assert_true(papers_take(&papers[0], papers[0].dir, "stat", &bytes, &len, &rc));
	assert_null(memmem(papers[0].texts.data, papers[0].texts.len, "xxxxxxxx", 8));
	release_papers(papers);
}

static void what_is_long_is_left_to_be_read_whole(void **state)
{
	struct papers papers[2];
	const unsigned char *bytes;
	size_t len;
	int rc;

	(void)state;
	read_papers_of(crowd[LONG_ONE], false, papers);
	assert_false(papers_take(&papers[0], papers[0].dir, "cmdline", &bytes, &len, &rc));
	assert_true(papers_take(&papers[1], papers[1].dir, "cmdline", &bytes, &len, &rc));
	release_papers(papers);
}

static void a_process_that_is_gone_is_told_as_gone(void **state)
{
	struct tree tree = live();
	struct papers papers;
	struct crew *crew;
	const unsigned char *bytes;
	pid_t pid = fork();
	size_t len;
	int rc;

	(void)state;
	if (!pid)
		for (;;)
			pause();
	papers_init(&papers, handle_of(pid), false);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(crew_new(2, &crew), 0);
	papers_read(crew, &tree, &papers, 1);
	crew_free(crew);
	assert_true(papers_take(&papers, papers.dir, "stat", &bytes, &len, &rc));
	assert_true(rc == -ENOENT || rc == -ESRCH);
	close(papers.dir);
	papers_release(&papers);
	close(tree.fd);
}

/* A zombie's stat can be read and its executable not, its command line is empty; and some find nothing at all. */
static void where_there_are_no_bytes_there_is_no_place_of_any(void **state)
{
	struct papers papers[2], none;
	const unsigned char *bytes = (const unsigned char *)"";
	pid_t pid = fork();
	siginfo_t info;
	size_t len;
	int rc;

	(void)state;
	if (!pid)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	read_papers_of(pid, false, papers);
	waitpid(pid, NULL, 0);
	assert_true(papers[0].texts.len > 0);
	assert_true(papers_take(&papers[0], papers[0].dir, "exe", &bytes, &len, &rc));
	assert_int_equal(rc, -ENOENT);
	assert_null(bytes);
	bytes = (const unsigned char *)"";
	assert_true(papers_take(&papers[0], papers[0].dir, "cmdline", &bytes, &len, &rc));
	assert_int_equal(rc, 0);
	assert_int_equal(len, 0);
	assert_null(bytes);
	release_papers(papers);
	/* the sanitizers see to it that nothing is added to NULL */
	papers_init(&none, -1, false);
	none.paper[PAPER_STAT].there = true;
	none.paper[PAPER_STAT].rc = -ENOENT;
	assert_true(papers_take(&none, -1, "stat", &bytes, &len, &rc));
	assert_int_equal(rc, -ENOENT);
	assert_null(bytes);
	papers_release(&none);
}

/* ---- what is made of it ---- */

static void read_clock(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	(void)data;
	*ret_realtime = *ret_boottime = INT64_C(1000000000);
}

static void check_text(const struct skt_snapshot *snapshot, uint32_t id, const char *text, size_t text_len)
{
	size_t len;
	const char *bytes = skt_strtab_get(snapshot->strings, id, &len);

	assert_int_equal(len, text_len);
	assert_memory_equal(bytes, text, len);
}

/* The papers of one are read, and then it ends: what is made of them is what it was. */
static void a_program_is_deleted_that_was_when_its_name_was_read(void **state)
{
	const struct skt_capture_options options = { .cmdline = SKT_CMDLINE_FULL };
	struct problems problems = { .n = 0 };
	struct papers papers[2];
	struct skt_snapshot snapshot;
	struct skt_process process;
	struct tree tree = live();
	struct look look = {
		.tree = &tree, .options = &options, .snapshot = &snapshot, .problems = &problems, .papers = &papers[0]
	};
	struct skt_buf text;
	uint64_t mark;
	pid_t pid;

	(void)state;
	close(open(program, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700));
	copy("/bin/sh", program);
	pid = begin(DELETED_ONE);
	unlink(program);
	read_papers_of(pid, false, papers);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(skt_snapshot_init(&snapshot, NULL, 1), 0);
	skt_buf_init(&text);
	look.text = &text;
	assert_int_equal(identity_read(&look, papers[0].dir, -1, (uint32_t)pid, &process, &mark), 0);
	check_text(&snapshot, process.exe, program, strlen(program));
	assert_true(process.exe_deleted);
	skt_buf_release(&text);
	skt_snapshot_release(&snapshot);
	release_papers(papers);
	close(tree.fd);
}

static void take(unsigned hands, enum skt_cmdline cmdline, struct skt_snapshot *ret)
{
	struct skt_capture_options options = { .name = "/proc",
					       .tables = 1u << SKT_TCP,
					       .passwd_fd = -1,
					       .clock = { read_clock, NULL },
					       .cmdline = cmdline,
					       .hands = hands };
	int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct skt_capture *capture;
	struct skt_err err;

	assert_int_equal(skt_snapshot_init(ret, NULL, 1), 0);
	assert_int_equal(skt_capture_open(fd, &options, &capture, &err), 0);
	assert_int_equal(skt_capture_next(capture, ret, &err), 0);
	skt_capture_free(capture);
	close(fd);
}

static const struct skt_process *of(const struct skt_snapshot *snapshot, pid_t pid)
{
	const struct skt_process *found = scene_pid(snapshot, (uint32_t)pid);

	if (!found)
		fail_msg("process %d is not there", (int)pid);
	return found;
}

static void each_is_who_his_files_say(void **state)
{
	struct skt_snapshot snapshot;

	(void)state;
	take(2, SKT_CMDLINE_FULL, &snapshot);
	for (int i = 0; i < CROWD; i++) {
		const struct skt_process *process = of(&snapshot, crowd[i]);
		static char text[LONG_LENGTH * 2];
		char name[32];

		check_text(&snapshot, process->cmdline, text, read_whole(crowd[i], "cmdline", text, sizeof(text)));
		assert_int_equal(process->uid, !getuid() && i % 3 == 1 ? 1000 + i : (int)getuid());
		assert_int_equal(process->ppid, getpid());
		assert_true(process->sockets > 0);
		snprintf(name, sizeof(name), "one ) %d", i);
		if (i < LONG_ONE)
			check_text(&snapshot, process->comm, name, strlen(name));
		if (i == DELETED_ONE)
			check_text(&snapshot, process->exe, program, strlen(program));
		assert_int_equal(process->exe_deleted, i == DELETED_ONE);
		assert_false(process->cmdline_truncated);
	}
	skt_snapshot_release(&snapshot);
}

static void many_hands_make_the_same_of_it_as_one(void **state)
{
	static const enum skt_cmdline policies[] = { SKT_CMDLINE_FULL, SKT_CMDLINE_ARGV0, SKT_CMDLINE_NONE };

	(void)state;
	for (size_t k = 0; k < sizeof(policies) / sizeof(*policies); k++) {
		struct skt_snapshot one, many;

		take(1, policies[k], &one);
		take(4, policies[k], &many);
		for (int i = 0; i < CROWD; i++) {
			struct skt_process a = *of(&one, crowd[i]), b = *of(&many, crowd[i]);
			uint32_t *of_a[] = { &a.comm, &a.exe, &a.cmdline, &a.cgroup };
			uint32_t *of_b[] = { &b.comm, &b.exe, &b.cmdline, &b.cgroup };

			for (size_t j = 0; j < 4; j++) {
				size_t len;
				const char *bytes = skt_strtab_get(one.strings, *of_a[j], &len);

				check_text(&many, *of_b[j], bytes, len);
				*of_a[j] = *of_b[j];
			}
			assert_int_equal(skt_process_compare(&a, &b), 0);
			assert_int_equal(a.has, b.has);
			assert_true(a.start_time == b.start_time);
		}
		skt_snapshot_release(&one);
		skt_snapshot_release(&many);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_read_is_what_the_file_says_and_is_given_once),
		cmocka_unit_test(who_asks_for_another_directory_gets_none),
		cmocka_unit_test(a_command_line_that_is_not_to_be_kept_is_not_read),
		cmocka_unit_test(what_is_long_is_left_to_be_read_whole),
		cmocka_unit_test(a_process_that_is_gone_is_told_as_gone),
		cmocka_unit_test(where_there_are_no_bytes_there_is_no_place_of_any),
		cmocka_unit_test(a_program_is_deleted_that_was_when_its_name_was_read),
		cmocka_unit_test(each_is_who_his_files_say),
		cmocka_unit_test(many_hands_make_the_same_of_it_as_one),
	};

	return cmocka_run_group_tests(tests, gather_crowd, end_crowd);
}
