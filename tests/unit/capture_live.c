/* SPDX-License-Identifier: MIT */
/* What a capture makes of this host's own /proc. Each child ends with this program. */
#include <skt/capture.h>

#include "live.h"
#include "scene.h"
#include "tree_files.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ROLE	"SKT_CAPTURE_ROLE"
#define NOBODY	65534
#define SKIPPED 77

static int proc_fd;
static struct skt_capture *capture;
static struct skt_snapshot snapshot;

static int64_t nanoseconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void read_clock(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	(void)data;
	*ret_realtime = nanoseconds(CLOCK_REALTIME);
	*ret_boottime = nanoseconds(CLOCK_BOOTTIME);
}

/* From the directory proc_fd. */
static int begin_capture(const char *path)
{
	struct skt_capture_options options = { .name = path,
					       .tables = 1u << SKT_TCP | 1u << SKT_TCP6 | 1u << SKT_UDP,
					       .passwd_fd = -1,
					       .clock = { read_clock, NULL } };
	struct skt_err err;

	if (proc_fd < 0 || skt_snapshot_init(&snapshot, NULL, 1))
		return -1;
	return skt_capture_open(proc_fd, &options, &capture, &err);
}

static int open_capture(const char *path)
{
	proc_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return begin_capture(path);
}

static void close_capture(void)
{
	skt_capture_free(capture);
	skt_snapshot_release(&snapshot);
	close(proc_fd);
}

static int set_up(void **state)
{
	(void)state;
	return open_capture("/proc");
}

static int tear_down(void **state)
{
	(void)state;
	close_capture();
	return 0;
}

static void look(void)
{
	struct skt_err err;

	if (skt_capture_next(capture, &snapshot, &err))
		fail_msg("%s", err.message);
}

/*
 * The row of this local port and state, which must stand in the tables exactly once; NULL if it does not stand there.
 */
static const struct skt_sock *find(unsigned port, unsigned state)
{
	const struct skt_sock *found = NULL;

	for (size_t i = 0; i < snapshot.n_socks; i++) {
		const struct skt_sock *sock = &snapshot.socks[i];

		if (sock->local_port != port || sock->state != state || snapshot.tables[sock->table].kind != SKT_TCP)
			continue;
		assert_null(found);
		found = sock;
	}
	return found;
}

static const struct skt_sock *row(unsigned port, unsigned state)
{
	const struct skt_sock *sock = find(port, state);

	assert_non_null(sock);
	return sock;
}

static bool holds(const struct skt_sock *sock, pid_t pid, int fd)
{
	return scene_holds(&snapshot, sock, (uint32_t)pid, fd);
}

static const struct skt_process *process(pid_t pid)
{
	const struct skt_process *found = scene_pid(&snapshot, (uint32_t)pid);

	if (!found)
		fail_msg("process %d is not in the snapshot", (int)pid);
	return found;
}

static const char *string(uint32_t id)
{
	return skt_strtab_get(snapshot.strings, id, NULL);
}

static int open_listener(unsigned *ret_port)
{
	return live_listen(INADDR_LOOPBACK, ret_port);
}

/* What a child tells once it is ready. */
struct report {
	unsigned port;
	unsigned other_port;
	pid_t other_pid;
	int fd;
	int other_fd;
	int third_fd;
	int failed;
};

static int report_to = 1; /* in a child */

static _Noreturn void report_and_wait(const struct report *report)
{
	if (write(report_to, report, sizeof(*report)) != sizeof(*report))
		_exit(1);
	close(report_to);
	for (;;)
		pause();
}

struct child {
	pid_t pid;
	struct report report;
};

static void end(const struct child *child)
{
	if (child->report.other_pid > 0)
		kill(child->report.other_pid, SIGKILL);
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
}

/* Start a child that runs `run`, or where that is NULL executes `path` with this argv, and wait for its report. */
static struct child start(void (*run)(void), const char *path, char **argv)
{
	static char role[] = ROLE "=holder", *environment[] = { role, NULL };
	struct child child = { 0 };
	int pipe_fds[2];

	assert_int_equal(pipe(pipe_fds), 0);
	child.pid = fork();
	assert_true(child.pid >= 0);
	if (!child.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pipe_fds[0]);
		report_to = pipe_fds[1];
		if (run) {
			run();
		} else {
			dup2(report_to, 1);
			close(report_to);
			execve(path, argv, environment);
		}
		_exit(1);
	}
	close(pipe_fds[1]);
	if (read(pipe_fds[0], &child.report, sizeof(child.report)) != sizeof(child.report))
		child.report.failed = 1;
	close(pipe_fds[0]);
	if (child.report.failed) {
		end(&child);
		fail_msg("a child could not do its part");
	}
	return child;
}

/* Until the kernel says so: a process that has just been made, or has told what it did, is still on its way. */
static void wait_for_state(pid_t pid, char wanted)
{
	char path[64], text[512], state = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	while (state != wanted) {
		FILE *file = fopen(path, "r");
		char *name_end;

		if (!file)
			return;
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
		name_end = strrchr(text, ')');
		state = name_end ? name_end[2] : 0;
		usleep(1000);
	}
}

/* What this program does when it was executed as a child: listen, connect to itself, and fork. */
static int hold(void)
{
	struct report report = { 0 };
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	report.fd = open_listener(&report.port);
	report.other_fd = socket(AF_INET, SOCK_STREAM, 0);
	at.sin_port = htons((uint16_t)report.port);
	report.failed = connect(report.other_fd, (struct sockaddr *)&at, sizeof(at)) < 0;
	report.third_fd = accept(report.fd, NULL, NULL);
	report.other_pid = fork();
	if (!report.other_pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(1);
		for (;;)
			pause();
	}
	report_and_wait(&report);
}

static void a_listener_and_its_child_are_found_with_all_descriptors_and_their_exact_argv(void **state)
{
	static char name[] = "server", empty[] = "", bytes[] = "\377\376", escape[] = "\033[31mred\n";
	static const char cmdline[] = "server\0\0\377\376\0\033[31mred\n";
	char *argv[] = { name, empty, bytes, escape, NULL };
	struct child child = start(NULL, "/proc/self/exe", argv);
	const struct report *r = &child.report;
	const struct skt_sock *sock;
	char exe[4096];
	ssize_t exe_len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	size_t len;

	(void)state;
	wait_for_state(child.pid, 'S');
	wait_for_state(r->other_pid, 'S');
	look();
	/* the listener, and the end that it accepted */
	for (int pass = 0; pass < 2; pass++) {
		sock = row(r->port, pass ? SKT_ESTABLISHED : SKT_LISTEN);
		assert_int_equal(sock->owner, SKT_OWNER_HELD);
		assert_int_equal(sock->n_owners, 2);
		assert_true(holds(sock, child.pid, pass ? r->third_fd : r->fd));
		assert_true(holds(sock, r->other_pid, pass ? r->third_fd : r->fd));
	}
	sock = row(sock->remote_port, SKT_ESTABLISHED);
	assert_int_equal(sock->n_owners, 2);
	assert_true(holds(sock, child.pid, r->other_fd));
	for (int pass = 0; pass < 2; pass++) {
		const struct skt_process *p = process(pass ? r->other_pid : child.pid);

		assert_memory_equal(skt_strtab_get(snapshot.strings, p->cmdline, &len), cmdline, sizeof(cmdline));
		assert_int_equal(len, sizeof(cmdline));
		assert_int_equal(p->ppid, pass ? child.pid : getpid());
		assert_int_equal(p->uid, getuid());
		assert_int_equal(p->threads, 1);
		assert_int_equal(p->state, 'S');
		assert_true(exe_len > 0);
		exe[exe_len] = '\0';
		assert_string_equal(string(p->exe), exe);
		assert_false(p->exe_deleted);
		assert_true(p->has & SKT_BIT(SKT_P_NET_NAMESPACE));
		assert_int_equal(p->net_namespace, skt_capture_host(capture)->net_namespace);
		assert_true(p->start_time >= process(getpid())->start_time);
	}
	end(&child);
}

static void run_named(void)
{
	struct report report = { 0 };

	report.fd = open_listener(&report.port);
	prctl(PR_SET_NAME, ") R 1 \n\033[1m)");
	report_and_wait(&report);
}

static void a_hostile_name_is_read_as_it_is(void **state)
{
	struct child child = start(run_named, NULL, NULL);

	(void)state;
	look();
	assert_true(holds(row(child.report.port, SKT_LISTEN), child.pid, child.report.fd));
	assert_string_equal(string(process(child.pid)->comm), ") R 1 \n\033[1m)");
	assert_int_equal(process(child.pid)->ppid, getpid());
	end(&child);
}

static void copy_program(const char *path)
{
	int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_WRONLY | O_CREAT | O_EXCL, 0755);
	char buffer[65536];
	ssize_t n;

	assert_true(from >= 0 && to >= 0);
	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		assert_int_equal(write(to, buffer, (size_t)n), n);
	close(from);
	close(to);
}

static void a_deleted_program_is_known_and_one_that_is_only_called_so_too(void **state)
{
	static char name[] = "server", *argv[] = { name, NULL };
	char dir[200], path[256];
	const char *tmp = getenv("TMPDIR");
	struct child child;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/skt-exe-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x (deleted)", dir);
	copy_program(path);
	child = start(NULL, path, argv);
	look();
	assert_string_equal(string(process(child.pid)->exe), path);
	assert_false(process(child.pid)->exe_deleted);
	remove_all(dir);
	look();
	assert_string_equal(string(process(child.pid)->exe), path);
	assert_true(process(child.pid)->exe_deleted);
	end(&child);
}

static void *wait_for_ever(void *data)
{
	const struct report *report = data;

	wait_for_state(getpid(), 'Z'); /* the first thread */
	report_and_wait(report);
}

static void run_zombie(void)
{
	static struct report report;
	pthread_t thread;

	report.fd = open_listener(&report.port);
	report.failed = pthread_create(&thread, NULL, wait_for_ever, &report);
	if (report.failed)
		report_and_wait(&report);
	pthread_exit(NULL);
}

static void a_thread_that_outlives_the_first_still_holds(void **state)
{
	struct child child = start(run_zombie, NULL, NULL);

	(void)state;
	look();
	assert_true(holds(row(child.report.port, SKT_LISTEN), child.pid, child.report.fd));
	assert_int_equal(row(child.report.port, SKT_LISTEN)->n_owners, 1);
	assert_int_equal(process(child.pid)->state, 'Z');
	assert_int_equal(process(child.pid)->threads, 2);
	assert_true(process(child.pid)->cmdline);
	assert_true(process(child.pid)->exe);
	end(&child);
}

static void run_zombie_alone(void)
{
	struct report report = { 0 };

	report.fd = open_listener(&report.port);
	report.other_pid = fork();
	if (!report.other_pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(report_to);
		for (;;)
			pause();
	}
	report_and_wait(&report);
}

static void a_process_that_has_exited_and_is_not_waited_for_has_no_command_line(void **state)
{
	struct child child = start(run_zombie_alone, NULL, NULL);

	(void)state;
	look();
	assert_true(process(child.report.other_pid)->has & SKT_BIT(SKT_P_CMDLINE));
	kill(child.report.other_pid, SIGKILL);
	wait_for_state(child.report.other_pid, 'Z');
	look();
	assert_int_equal(process(child.report.other_pid)->state, 'Z');
	assert_false(process(child.report.other_pid)->has & SKT_BIT(SKT_P_CMDLINE));
	assert_false(process(child.report.other_pid)->has & SKT_BIT(SKT_P_EXE));
	assert_int_equal(row(child.report.port, SKT_LISTEN)->n_owners, 1);
	child.report.other_pid = 0;
	end(&child);
}

static void dup2_over_a_socket_changes_the_owners_and_not_the_count(void **state)
{
	unsigned port, other_port;
	int fd = open_listener(&port), other_fd = open_listener(&other_port);

	(void)state;
	look();
	assert_true(holds(row(port, SKT_LISTEN), getpid(), fd));
	assert_true(holds(row(other_port, SKT_LISTEN), getpid(), other_fd));
	assert_int_equal(dup2(fd, other_fd), other_fd);
	look();
	assert_int_equal(row(port, SKT_LISTEN)->n_owners, 2);
	assert_true(holds(row(port, SKT_LISTEN), getpid(), fd));
	assert_true(holds(row(port, SKT_LISTEN), getpid(), other_fd));
	assert_null(find(other_port, SKT_LISTEN));
	close(fd);
	close(other_fd);
}

static int channel[2];

static void run_receiver(void)
{
	struct report report = { 0 };

	report.fd = live_take(channel[1]);
	report.failed = report.fd < 0;
	report_and_wait(&report);
}

static void a_socket_that_was_passed_is_the_receivers(void **state)
{
	struct child child;
	unsigned port;
	int fd = open_listener(&port);

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, channel), 0);
	assert_int_equal(live_pass(channel[0], fd), 0);
	close(fd);
	/* on its way it is in nobody's table */
	look();
	assert_int_equal(row(port, SKT_LISTEN)->n_owners, 0);
	assert_int_not_equal(row(port, SKT_LISTEN)->owner, SKT_OWNER_UNHELD);
	child = start(run_receiver, NULL, NULL);
	look();
	assert_int_equal(row(port, SKT_LISTEN)->n_owners, 1);
	assert_true(holds(row(port, SKT_LISTEN), child.pid, child.report.fd));
	end(&child);
	close(channel[0]);
	close(channel[1]);
}

static void a_backlog_and_its_remains_need_no_owner(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	unsigned port;
	int listener = open_listener(&port), client = socket(AF_INET, SOCK_STREAM, 0), server;

	(void)state;
	at.sin_port = htons((uint16_t)port);
	assert_int_equal(connect(client, (struct sockaddr *)&at, sizeof(at)), 0);
	look();
	assert_int_equal(row(port, SKT_ESTABLISHED)->inode, 0);
	assert_int_equal(row(port, SKT_ESTABLISHED)->owner, SKT_OWNER_QUEUED);
	server = accept(listener, NULL, NULL);
	look();
	assert_true(holds(row(port, SKT_ESTABLISHED), getpid(), server));
	close(server);
	close(client);
	look();
	assert_int_equal(row(port, SKT_TIME_WAIT)->owner, SKT_OWNER_DETACHED);
	close(listener);
}

/* Forks, each with a socket of its own, as fast as it can. */
static void run_forks(void)
{
	struct report report = { 0 };
	pid_t pid = fork();

	if (pid) {
		report.other_pid = pid;
		report_and_wait(&report);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(report_to);
	for (;;) {
		pid = fork();
		if (!pid) {
			open_listener(&report.port);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

static void processes_that_come_and_go_harm_no_look(void **state)
{
	struct child child = start(run_forks, NULL, NULL);
	unsigned ports[50];
	int fds[50];

	(void)state;
	for (int i = 0; i < 50; i++)
		fds[i] = open_listener(&ports[i]);
	for (int turn = 0; turn < 30; turn++) {
		look();
		for (int i = 0; i < 50; i++) {
			assert_int_equal(row(ports[i], SKT_LISTEN)->n_owners, 1);
			assert_true(holds(row(ports[i], SKT_LISTEN), getpid(), fds[i]));
		}
		for (size_t i = 0; i < snapshot.n_processes; i++)
			assert_true(snapshot.processes[i].has & SKT_BIT(SKT_P_START_TIME));
	}
	for (int i = 0; i < 50; i++)
		close(fds[i]);
	end(&child);
}

/*
 * In namespaces of its own: run `inside` as pid 1 of one, with its /proc at dir and without the descriptor fd. Its
 * exit status, or SKIPPED.
 */
static int in_pid_namespace(int (*inside)(const char *dir, unsigned port), const char *options, unsigned port, int fd)
{
	const char *tmp = getenv("TMPDIR");
	char dir[200];
	int status = 0;
	pid_t pid;

	snprintf(dir, sizeof(dir), "%s/skt-proc-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNS | CLONE_NEWPID) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
			_exit(SKIPPED);
		pid = fork();
		if (!pid) {
			close(fd);
			_exit(mount("proc", dir, "proc", 0, options) ? SKIPPED : inside(dir, port));
		}
		waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
	waitpid(pid, &status, 0);
	rmdir(dir);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int look_twice(const char *dir, unsigned port)
{
	const struct skt_sock *sock;
	struct skt_err err;
	unsigned own_port;
	int fd = open_listener(&own_port);

	if (open_capture(dir))
		return 2;
	if (skt_capture_next(capture, &snapshot, &err))
		return 3;
	sock = find(port, SKT_LISTEN);
	if (!sock || sock->owner != SKT_OWNER_UNKNOWN || sock->owner_gaps != SKT_GAP_UNSEARCHED)
		return 4;
	if (skt_capture_next(capture, &snapshot, &err))
		return 5;
	sock = find(port, SKT_LISTEN);
	if (!sock || sock->owner != SKT_OWNER_UNHELD || sock->owner_gaps || sock->n_owners)
		return 6;
	sock = find(own_port, SKT_LISTEN);
	if (!sock || sock->owner != SKT_OWNER_HELD || sock->owner_gaps || !holds(sock, 1, fd))
		return 7;
	close_capture();
	return 0;
}

/* The holder lives outside: inside, two complete looks find nobody. */
static void two_complete_looks_prove_that_nobody_holds(void **state)
{
	unsigned port;
	int fd = open_listener(&port), rc = in_pid_namespace(look_twice, NULL, port, fd);

	(void)state;
	close(fd);
	if (rc == SKIPPED)
		skip();
	assert_int_equal(rc, 0);
}

/* Where processes of others are not even listed, none of the looks is complete. */
static int look_twice_as_nobody(const char *dir, unsigned port)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		const struct skt_sock *sock;
		struct skt_err err;

		/* before it loses the right to go there: TMPDIR may be root's alone */
		proc_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(SKIPPED);
		if (begin_capture(dir))
			_exit(2);
		for (int i = 0; i < 2; i++)
			if (skt_capture_next(capture, &snapshot, &err))
				_exit(3);
		sock = find(port, SKT_LISTEN);
		if (!sock || sock->owner != SKT_OWNER_UNKNOWN || sock->owner_gaps != SKT_GAP_DENIED)
			_exit(4);
		_exit(snapshot.quality.denied ? 0 : 5);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void hidden_processes_are_a_gap(void **state)
{
	unsigned port;
	int fd = open_listener(&port);

	(void)state;
	for (int i = 0; i < 2; i++) {
		int rc = in_pid_namespace(look_twice_as_nobody, i ? "hidepid=1" : "hidepid=2", port, fd);

		if (rc == SKIPPED)
			skip();
		assert_int_equal(rc, 0);
	}
	close(fd);
}

static void the_host_is_this_one(void **state)
{
	const struct skt_host *host = skt_capture_host(capture);
	char name[65], text[64];
	struct stat st;
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");

	(void)state;
	assert_true(skt_capture_is_live(capture));
	assert_int_equal(gethostname(name, sizeof(name)), 0);
	assert_string_equal(host->name, name);
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(host->boot_id, text);
	assert_int_equal(stat("/proc/self/ns/net", &st), 0);
	assert_int_equal(host->net_namespace, st.st_ino);
	assert_true(llabs(host->btime + nanoseconds(CLOCK_BOOTTIME) - nanoseconds(CLOCK_REALTIME)) <
		    INT64_C(3000000000));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(a_listener_and_its_child_are_found_with_all_descriptors_and_their_exact_argv),
		TEST(a_hostile_name_is_read_as_it_is),
		TEST(a_deleted_program_is_known_and_one_that_is_only_called_so_too),
		TEST(a_thread_that_outlives_the_first_still_holds),
		TEST(a_process_that_has_exited_and_is_not_waited_for_has_no_command_line),
		TEST(dup2_over_a_socket_changes_the_owners_and_not_the_count),
		TEST(a_socket_that_was_passed_is_the_receivers),
		TEST(a_backlog_and_its_remains_need_no_owner),
		TEST(processes_that_come_and_go_harm_no_look),
		TEST(two_complete_looks_prove_that_nobody_holds),
		TEST(hidden_processes_are_a_gap),
		TEST(the_host_is_this_one),
	};

	if (getenv(ROLE))
		return hold();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
