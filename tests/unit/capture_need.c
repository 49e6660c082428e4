/* SPDX-License-Identifier: MIT */
/*
 * Holders looked for by need, on a running kernel: what a look finds without reading all, when the rest is found, and
 * what is said of it until then. In namespaces of its own (pid, mount, net), where nothing else comes or goes; by a
 * clock of its own, which creeps in a look, so that there is time for everything that is due, or races, so that there
 * is none for anything that can wait.
 */
#include <skt/capture.h>

#include "live.h"
#include "scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ROLE	 "SKT_NEED_ROLE"
#define SECOND	 INT64_C(1000000000)
#define INTERVAL (SECOND / 1000) /* which is good for 25 links */
#define ROUND	 (100 * SECOND)	 /* full_walk */

static int proc_fd;
static struct skt_capture *capture;
static struct skt_snapshot snapshot;
static int64_t clock_now, clock_step;
static unsigned hands;

static void read_clock(void *data, int64_t *ret_realtime, int64_t *ret_boottime)
{
	(void)data;
	*ret_boottime = clock_now;
	*ret_realtime = clock_now + 1000 * SECOND;
	clock_now += clock_step;
}

/* ---- a process that does as it is told ---- */

enum what { LISTEN, CLOSE, OPEN_FILE, DUP2, FORK, EXEC, NAME, THREAD, SEND, RECEIVE, LEADER_ENDS };

struct order {
	enum what what;
	int a, b;
};

struct answer {
	int value;
	unsigned port;
};

struct worker {
	pid_t pid;
	int orders;
};

static int passing[2]; /* over which descriptors are passed */

static void work(int orders);

static void *work_in_thread(void *data)
{
	work(*(int *)data);
	return NULL;
}

static int fork_worker(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static int execute(int orders)
{
	char fd[16], role[] = ROLE "=worker", name[] = "another";
	char *argv[] = { name, fd, NULL }, *environment[] = { role, NULL };

	snprintf(fd, sizeof(fd), "%d", orders);
	execve("/proc/self/exe", argv, environment);
	return -1;
}

static void work(int orders)
{
	static int kept;
	struct order order;
	pthread_t thread;

	while (read(orders, &order, sizeof(order)) == sizeof(order)) {
		struct answer answer = { 0 };

		switch (order.what) {
		case LISTEN:
			answer.value = live_listen(INADDR_ANY, &answer.port);
			break;
		case CLOSE:
			answer.value = close(order.a);
			break;
		case OPEN_FILE:
			answer.value = open("/dev/null", O_RDONLY);
			break;
		case DUP2:
			answer.value = dup2(order.a, order.b);
			break;
		case FORK:
			answer.value = fork_worker();
			break;
		case EXEC:
			answer.value = execute(orders);
			break;
		case NAME:
			answer.value = prctl(PR_SET_NAME, "renamed");
			break;
		case THREAD:
		case LEADER_ENDS:
			kept = orders;
			answer.value = pthread_create(&thread, NULL, work_in_thread, &kept);
			if (order.what == LEADER_ENDS) {
				if (write(orders, &answer, sizeof(answer)) < 0)
					_exit(1);
				pthread_exit(NULL);
			}
			break;
		case SEND:
			answer.value = live_pass(passing[0], order.a);
			break;
		case RECEIVE:
			answer.value = live_take(passing[1]);
			break;
		}
		if (write(orders, &answer, sizeof(answer)) < 0)
			_exit(1);
		if (order.what == THREAD) /* its thread does the work from now on */
			pause();
	}
	_exit(0);
}

/* set_tid: with this pid, or 0. */
static struct worker start_as(pid_t set_tid)
{
	struct clone_args arguments = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&set_tid, .set_tid_size = 1 };
	struct worker worker;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	worker.orders = pair[0];
	worker.pid = set_tid ? (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments)) : fork();
	assert_true(worker.pid >= 0);
	if (!worker.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		work(pair[1]);
	}
	close(pair[1]);
	return worker;
}

static struct worker start(void)
{
	return start_as(0);
}

static void end(const struct worker *worker)
{
	kill(worker->pid, SIGKILL);
	waitpid(worker->pid, NULL, 0);
	close(worker->orders);
}

static struct answer tell(const struct worker *worker, enum what what, int a, int b)
{
	struct order order = { .what = what, .a = a, .b = b };
	struct answer answer;

	assert_int_equal(write(worker->orders, &order, sizeof(order)), sizeof(order));
	if (what != EXEC) {
		assert_int_equal(read(worker->orders, &answer, sizeof(answer)), sizeof(answer));
		assert_true(answer.value >= 0);
		return answer;
	}
	return tell(worker, NAME, 0, 0);
}

/* ---- looks ---- */

static void begin(int64_t interval)
{
	struct skt_capture_options options = { .name = "/proc",
					       .tables = 1u << SKT_TCP,
					       .passwd_fd = -1,
					       .clock = { read_clock, NULL },
					       .interval = interval,
					       .full_walk = ROUND,
					       .hands = hands };
	struct skt_err err;

	proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(proc_fd >= 0);
	assert_int_equal(skt_snapshot_init(&snapshot, NULL, 1), 0);
	assert_int_equal(skt_capture_open(proc_fd, &options, &capture, &err), 0);
}

static int set_up(void **state)
{
	(void)state;
	clock_now = 1000 * SECOND;
	hands = 1;
	return socketpair(AF_UNIX, SOCK_DGRAM, 0, passing);
}

static int tear_down(void **state)
{
	(void)state;
	skt_capture_free(capture);
	capture = NULL;
	skt_snapshot_release(&snapshot);
	close(proc_fd);
	close(passing[0]);
	close(passing[1]);
	return 0;
}

static void look(void)
{
	struct skt_err err;

	if (skt_capture_next(capture, &snapshot, &err))
		fail_msg("%s", err.message);
}

/* The first look, which reads all and takes so long that the others are by need. */
static void first_look(void)
{
	begin(INTERVAL);
	clock_step = INTERVAL / 10;
	look();
	clock_step = 0;
	assert_int_equal(snapshot.quality.walk, SKT_WALK_FULL);
}

/* One after so long, with no time for what can wait but the least of the audit ... */
static void hasty_look(int64_t after)
{
	clock_now += after;
	clock_step = INTERVAL;
	look();
	clock_step = 0;
	assert_int_equal(snapshot.quality.walk, SKT_WALK_PARTIAL);
}

/* ... or with time for all that is due. (A whole round in one of these is so fast that the next one is not by need.) */
static void patient_look(int64_t after)
{
	clock_now += after;
	clock_step = INTERVAL / 2000;
	look();
	clock_step = 0;
}

static const struct skt_sock *row(unsigned port)
{
	for (size_t i = 0; i < snapshot.n_socks; i++)
		if (snapshot.socks[i].local_port == port && snapshot.socks[i].state == SKT_LISTEN)
			return &snapshot.socks[i];
	fail_msg("no listener on %u", port);
	return NULL;
}

static bool holds(const struct skt_sock *sock, pid_t pid, int fd)
{
	return scene_holds(&snapshot, sock, (uint32_t)pid, fd);
}

static const struct skt_process *process(pid_t pid)
{
	return scene_pid(&snapshot, (uint32_t)pid);
}

#define assert_held_by(port, worker, fd)                            \
	do {                                                        \
		assert_int_equal(row(port)->owner, SKT_OWNER_HELD); \
		assert_true(holds(row(port), (worker).pid, fd));    \
	} while (0)

/* ---- many hands ---- */

#define CROWD	  100
#define MOST_HELD (8 * CROWD)

struct held {
	unsigned port;
	uint32_t pid;
	int32_t fd;
	uint32_t gaps;
};

/* Who holds what, in order. */
static size_t all_held(struct held *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < snapshot.n_socks; i++) {
		const struct skt_sock *sock = &snapshot.socks[i];

		for (uint32_t k = 0; k < sock->n_owners; k++) {
			const struct skt_owner *owner = &snapshot.owners[sock->first_owner + k];

			assert_true(n < MOST_HELD);
			ret[n++] = (struct held){ .port = sock->local_port,
						  .pid = snapshot.processes[owner->process].pid,
						  .fd = owner->fd,
						  .gaps = sock->owner_gaps };
		}
	}
	return n;
}

/* More than one batch of processes, and more than one piece of one of them; a zombie, and a leader that has ended. */
static void many_hands_find_what_one_finds(void **state)
{
	static struct held one[MOST_HELD], many[MOST_HELD];
	static struct worker crowd[CROWD];
	pid_t zombie = fork();
	uint64_t links;
	size_t n;

	(void)state;
	if (!zombie)
		_exit(0);
	for (size_t i = 0; i < CROWD; i++) {
		crowd[i] = start();
		for (size_t k = 0; k < i % 5; k++)
			tell(&crowd[i], LISTEN, 0, 0);
	}
	for (int i = 0; i < 900; i++)
		tell(&crowd[7], i % 7 ? OPEN_FILE : LISTEN, 0, 0);
	tell(&crowd[8], LEADER_ENDS, 0, 0);
	first_look();
	n = all_held(one);
	links = snapshot.quality.links;
	assert_int_equal(snapshot.quality.vanished + snapshot.quality.denied, 0);
	assert_int_equal(n, 20 * (0 + 1 + 2 + 3 + 4) + 129);
	skt_capture_free(capture);
	skt_snapshot_release(&snapshot);
	close(proc_fd);
	hands = 4;
	first_look();
	assert_int_equal(all_held(many), n);
	assert_memory_equal(one, many, n * sizeof(*one));
	assert_int_equal(snapshot.quality.links, links);
	assert_int_equal(snapshot.quality.vanished + snapshot.quality.denied, 0);
	/* what is known by many hands is as good as what is known by one */
	tell(&crowd[7], LISTEN, 0, 0);
	hasty_look(SECOND);
	assert_int_equal(all_held(many), n + 1);
	for (size_t i = 0; i < CROWD; i++)
		end(&crowd[i]);
	waitpid(zombie, NULL, 0);
}

/* ---- what is found at once ---- */

static void a_socket_of_a_new_process_is_found_at_once(void **state)
{
	struct worker worker;
	struct answer a;

	(void)state;
	first_look();
	worker = start();
	a = tell(&worker, LISTEN, 0, 0);
	hasty_look(SECOND);
	assert_held_by(a.port, worker, a.value);
	end(&worker);
}

static void a_new_socket_of_a_known_holder_is_found_by_its_number(void **state)
{
	struct worker worker = start();
	struct answer a, b;

	(void)state;
	/* far more descriptors than the least of an audit looks at */
	for (int i = 0; i < 500; i++)
		tell(&worker, OPEN_FILE, 0, 0);
	a = tell(&worker, LISTEN, 0, 0);
	first_look();
	assert_held_by(a.port, worker, a.value);
	b = tell(&worker, LISTEN, 0, 0);
	hasty_look(SECOND);
	assert_held_by(a.port, worker, a.value);
	assert_held_by(b.port, worker, b.value);
	assert_true(snapshot.quality.links < 200);
	/* nobody can say that there are no others */
	assert_int_equal(row(a.port)->owner_gaps, 0);
	assert_int_equal(row(b.port)->owner_gaps, SKT_GAP_UNSEARCHED);
	end(&worker);
}

static void a_socket_that_takes_the_number_of_another_is_found_though_the_count_is_the_same(void **state)
{
	struct worker worker = start();
	struct answer a, b;

	(void)state;
	for (int i = 0; i < 500; i++)
		tell(&worker, OPEN_FILE, 0, 0);
	a = tell(&worker, LISTEN, 0, 0);
	first_look();
	tell(&worker, CLOSE, a.value, 0);
	b = tell(&worker, LISTEN, 0, 0);
	assert_int_equal(b.value, a.value);
	hasty_look(SECOND);
	assert_held_by(b.port, worker, b.value);
	assert_int_equal(row(b.port)->n_owners, 1);
	end(&worker);
}

/* The number that was free is taken and another is free: neither the count nor what is known of any number tells. */
static void a_socket_in_a_gap_that_has_moved_is_found_at_once(void **state)
{
	struct worker worker = start(), other = start();
	struct answer file = tell(&worker, OPEN_FILE, 0, 0), shared, closed, in_gap, again;

	(void)state;
	for (int i = 0; i < 500; i++)
		tell(&worker, OPEN_FILE, 0, 0);
	shared = tell(&worker, LISTEN, 0, 0);
	closed = tell(&worker, LISTEN, 0, 0);
	tell(&worker, SEND, shared.value, 0);
	tell(&other, RECEIVE, 0, 0);
	tell(&worker, CLOSE, file.value, 0);
	first_look();
	assert_int_equal(row(shared.port)->n_owners, 2);
	tell(&worker, CLOSE, closed.value, 0);
	in_gap = tell(&worker, LISTEN, 0, 0);
	assert_int_equal(in_gap.value, file.value);
	again = tell(&worker, LISTEN, 0, 0);
	assert_int_equal(again.value, closed.value);
	tell(&worker, CLOSE, shared.value, 0);
	hasty_look(SECOND);
	assert_held_by(in_gap.port, worker, in_gap.value);
	assert_held_by(again.port, worker, again.value);
	assert_true(snapshot.quality.links < 200);
	/* and that it has one fewer than is known is followed up once none of its sockets has just gone */
	patient_look(SECOND);
	assert_int_equal(row(shared.port)->n_owners, 1);
	assert_false(holds(row(shared.port), worker.pid, shared.value));
	end(&worker);
	end(&other);
}

static void a_child_that_inherits_is_found_at_once(void **state)
{
	struct worker worker = start();
	struct answer a = tell(&worker, LISTEN, 0, 0);
	pid_t child;

	(void)state;
	first_look();
	child = tell(&worker, FORK, 0, 0).value;
	hasty_look(SECOND);
	assert_int_equal(row(a.port)->n_owners, 2);
	assert_true(holds(row(a.port), child, a.value));
	assert_non_null(process(child));
	assert_int_equal(process(child)->ppid, worker.pid);
	kill(child, SIGKILL);
	end(&worker);
}

/* ---- what takes the audit ---- */

static void a_socket_that_was_put_over_a_file_is_found_by_the_audit(void **state)
{
	struct worker worker = start();
	struct answer file = tell(&worker, OPEN_FILE, 0, 0), a;

	(void)state;
	for (int i = 0; i < 500; i++)
		tell(&worker, OPEN_FILE, 0, 0);
	a = tell(&worker, LISTEN, 0, 0);
	first_look();
	tell(&worker, DUP2, a.value, file.value);
	patient_look(SECOND);
	assert_int_equal(row(a.port)->n_owners, 1);
	/* in its time, and not before all was read */
	for (int i = 0; i < 100; i++)
		patient_look(SECOND);
	assert_int_equal(row(a.port)->n_owners, 2);
	assert_true(holds(row(a.port), worker.pid, file.value));
	end(&worker);
}

static void a_socket_without_a_holder_is_hunted_from_the_next_look_on(void **state)
{
	struct worker worker = start(), other = start();
	struct answer file = tell(&other, OPEN_FILE, 0, 0), a = tell(&worker, LISTEN, 0, 0);
	int received;

	(void)state;
	first_look();
	tell(&worker, SEND, a.value, 0);
	/* its count stays the same */
	tell(&other, CLOSE, file.value, 0);
	received = tell(&other, RECEIVE, 0, 0).value;
	assert_int_equal(received, file.value);
	tell(&worker, CLOSE, a.value, 0);
	patient_look(SECOND);
	assert_int_equal(row(a.port)->owner, SKT_OWNER_UNKNOWN);
	assert_int_equal(row(a.port)->owner_gaps, SKT_GAP_UNSEARCHED);
	patient_look(SECOND / 1000);
	assert_held_by(a.port, other, received);
	assert_int_equal(row(a.port)->n_owners, 1);
	end(&worker);
	end(&other);
}

static void a_hunt_in_vain_is_a_quarter_of_the_budget(void **state)
{
	struct worker worker = start(), other = start();
	struct answer a = tell(&worker, LISTEN, 0, 0);

	(void)state;
	for (int i = 0; i < 2000; i++)
		tell(&worker, OPEN_FILE, 0, 0);
	/* good for 1000 links */
	begin(40 * INTERVAL);
	clock_step = 40 * INTERVAL / 10;
	look();
	clock_step = 0;
	/* on its way to another, and in nobody's hands */
	tell(&worker, SEND, a.value, 0);
	tell(&worker, CLOSE, a.value, 0);
	for (int i = 0; i < 5; i++) {
		clock_now += SECOND;
		clock_step = 40 * INTERVAL;
		look();
		clock_step = 0;
		assert_int_equal(row(a.port)->owner, SKT_OWNER_UNKNOWN);
		if (i)
			assert_in_range(snapshot.quality.links, 250, 400);
	}
	end(&worker);
	end(&other);
}

static void the_audit_asks_every_link_once_within_its_time(void **state)
{
	struct worker worker = start();
	int64_t began;
	int looks = 0;

	(void)state;
	for (int i = 0; i < 500; i++)
		tell(&worker, OPEN_FILE, 0, 0);
	tell(&worker, LISTEN, 0, 0);
	first_look();
	began = snapshot.quality.checked_since;
	assert_true(began > 0 && began <= snapshot.end);
	while (snapshot.quality.checked_since == began) {
		patient_look(SECOND);
		assert_int_equal(snapshot.quality.walk, SKT_WALK_PARTIAL);
		assert_true(snapshot.quality.links < 100);
		assert_true(++looks < 105);
	}
	assert_true(looks > 90);
	/* it began with the look after the first */
	assert_true(snapshot.quality.checked_since > began);
	assert_true(snapshot.quality.checked_since <= snapshot.time - 90 * SECOND);
	end(&worker);
}

static void a_new_socket_is_unsearched_until_a_round_that_began_afterwards(void **state)
{
	struct worker worker = start();
	struct answer a;
	int64_t opened;

	(void)state;
	tell(&worker, LISTEN, 0, 0);
	first_look();
	for (int i = 0; i < 50; i++)
		patient_look(SECOND);
	a = tell(&worker, LISTEN, 0, 0);
	patient_look(SECOND);
	opened = snapshot.time;
	for (int i = 0; i < 300 && row(a.port)->owner_gaps; i++) {
		assert_int_equal(row(a.port)->owner_gaps, SKT_GAP_UNSEARCHED);
		patient_look(SECOND);
	}
	assert_int_equal(row(a.port)->owner_gaps, 0);
	assert_true(snapshot.quality.checked_since > opened);
	assert_true(snapshot.quality.checked_since < opened + 110 * SECOND);
	end(&worker);
}

static void nobody_holds_a_socket_once_two_rounds_found_nobody(void **state)
{
	struct worker worker = start();
	struct answer a = tell(&worker, LISTEN, 0, 0);
	int rounds = 0;
	int64_t round;

	(void)state;
	first_look();
	/* on its way it is in nobody's table */
	tell(&worker, SEND, a.value, 0);
	tell(&worker, CLOSE, a.value, 0);
	patient_look(SECOND);
	round = snapshot.quality.checked_since;
	for (int i = 0; i < 20 && row(a.port)->owner != SKT_OWNER_UNHELD; i++) {
		assert_int_equal(row(a.port)->owner, SKT_OWNER_UNKNOWN);
		assert_int_equal(row(a.port)->owner_gaps, SKT_GAP_UNSEARCHED);
		patient_look(ROUND);
		rounds += snapshot.quality.checked_since != round;
		round = snapshot.quality.checked_since;
	}
	assert_int_equal(row(a.port)->owner, SKT_OWNER_UNHELD);
	assert_int_equal(row(a.port)->owner_gaps, 0);
	/* the one that was under way does not count */
	assert_int_equal(rounds, 3);
	end(&worker);
}

/* ---- who is gone ---- */

static void a_holder_that_is_gone_is_dropped_at_once(void **state)
{
	struct worker worker = start(), other = start();
	struct answer a = tell(&worker, LISTEN, 0, 0);
	int received;

	(void)state;
	tell(&worker, SEND, a.value, 0);
	received = tell(&other, RECEIVE, 0, 0).value;
	first_look();
	assert_int_equal(row(a.port)->n_owners, 2);
	end(&worker);
	hasty_look(SECOND);
	assert_int_equal(row(a.port)->n_owners, 1);
	assert_held_by(a.port, other, received);
	assert_null(process(worker.pid));
	end(&other);
}

/* The number is given anew at once, to a process that has descriptors of the same numbers and no sockets of ours. */
static void lend_number(int handles)
{
	struct worker worker = start(), other = start(), heir;
	struct answer a = tell(&worker, LISTEN, 0, 0);
	struct rlimit limit, few = { (rlim_t)handles, (rlim_t)handles };
	uint64_t start_time;

	getrlimit(RLIMIT_NOFILE, &limit);
	tell(&worker, SEND, a.value, 0);
	tell(&other, RECEIVE, 0, 0);
	few.rlim_max = limit.rlim_max;
	if (handles)
		setrlimit(RLIMIT_NOFILE, &few);
	first_look();
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_int_equal(row(a.port)->n_owners, 2);
	start_time = process(worker.pid)->start_time;
	end(&worker);
	usleep(30000); /* start times are in ticks of 10 ms */
	heir = start_as(worker.pid);
	assert_int_equal(heir.pid, worker.pid);
	while (tell(&heir, OPEN_FILE, 0, 0).value < a.value)
		;
	hasty_look(SECOND);
	assert_int_equal(row(a.port)->n_owners, 1);
	assert_false(holds(row(a.port), heir.pid, a.value));
	assert_true(!process(heir.pid) || process(heir.pid)->start_time > start_time);
	end(&heir);
	end(&other);
}

static void a_number_that_is_given_anew_lends_nothing(void **state)
{
	(void)state;
	lend_number(0);
}

static void a_number_that_is_given_anew_lends_nothing_where_no_handle_could_be_had(void **state)
{
	(void)state;
	lend_number(100); /* all of which are for others */
}

/* ---- who it is ---- */

static void execve_is_seen_at_the_next_look(void **state)
{
	struct worker worker = start();
	struct answer a = tell(&worker, LISTEN, 0, 0);
	uint64_t start_time;

	(void)state;
	first_look();
	assert_string_not_equal(skt_strtab_get(snapshot.strings, process(worker.pid)->cmdline, NULL), "another");
	start_time = process(worker.pid)->start_time;
	tell(&worker, EXEC, 0, 0);
	hasty_look(SECOND);
	assert_string_equal(skt_strtab_get(snapshot.strings, process(worker.pid)->cmdline, NULL), "another");
	assert_string_equal(skt_strtab_get(snapshot.strings, process(worker.pid)->comm, NULL), "renamed");
	assert_int_equal(process(worker.pid)->start_time, start_time);
	assert_held_by(a.port, worker, a.value);
	end(&worker);
}

static void threads_that_come_change_nothing_of_who_a_process_is_until_it_is_read_again(void **state)
{
	struct worker worker = start();
	struct answer a = tell(&worker, LISTEN, 0, 0);

	(void)state;
	first_look();
	assert_int_equal(process(worker.pid)->threads, 1);
	tell(&worker, THREAD, 0, 0);
	patient_look(SECOND);
	assert_int_equal(process(worker.pid)->threads, 1);
	patient_look(ROUND);
	assert_int_equal(process(worker.pid)->threads, 2);
	assert_held_by(a.port, worker, a.value);
	end(&worker);
}

static void a_child_gets_another_parent_when_its_own_is_gone(void **state)
{
	struct worker worker = start();
	struct answer a = tell(&worker, LISTEN, 0, 0);
	pid_t child = tell(&worker, FORK, 0, 0).value;

	(void)state;
	first_look();
	assert_int_equal(process(child)->ppid, worker.pid);
	end(&worker);
	/* PDEATHSIG is SIGKILL; whoever was told in time lives on */
	if (!kill(child, 0)) {
		hasty_look(SECOND);
		assert_true(!process(child) || process(child)->ppid != (uint32_t)worker.pid);
	}
	(void)a;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void identities_outlive_the_table_of_strings_they_were_read_into(void **state)
{
	struct worker worker = start();
	struct answer a = tell(&worker, LISTEN, 0, 0);
	struct skt_strtab *another = skt_strtab_new(77);
	uint32_t id;

	(void)state;
	assert_int_equal(skt_strtab_add(another, "something else first", 20, &id), 0);
	first_look();
	skt_snapshot_clear(&snapshot, another);
	skt_strtab_unref(another);
	hasty_look(SECOND);
	assert_held_by(a.port, worker, a.value);
	assert_string_equal(skt_strtab_get(snapshot.strings, process(worker.pid)->comm, NULL), "capture_need");
	end(&worker);
}

/* ---- zombies ---- */

static void threads_of_a_leader_that_ends_still_hold(void **state)
{
	struct worker worker = start();
	struct answer a = tell(&worker, LISTEN, 0, 0), b;

	(void)state;
	first_look();
	tell(&worker, LEADER_ENDS, 0, 0);
	usleep(50000);
	hasty_look(SECOND);
	assert_held_by(a.port, worker, a.value);
	assert_int_equal(process(worker.pid)->state, 'Z');
	assert_true(process(worker.pid)->has & SKT_BIT(SKT_P_CMDLINE));
	b = tell(&worker, LISTEN, 0, 0);
	for (int i = 0; i < 3; i++)
		patient_look(ROUND);
	assert_held_by(a.port, worker, a.value);
	assert_held_by(b.port, worker, b.value);
	tell(&worker, CLOSE, b.value, 0);
	patient_look(SECOND);
	assert_held_by(a.port, worker, a.value);
	end(&worker);
}

static void where_all_fits_into_the_interval_all_is_read_each_time(void **state)
{
	struct worker worker = start();
	struct answer file = tell(&worker, OPEN_FILE, 0, 0), a = tell(&worker, LISTEN, 0, 0);

	(void)state;
	begin(INTERVAL);
	clock_step = 0;
	look();
	tell(&worker, DUP2, a.value, file.value);
	clock_now += SECOND;
	look();
	assert_int_equal(snapshot.quality.walk, SKT_WALK_FULL);
	assert_int_equal(row(a.port)->n_owners, 2);
	assert_int_equal(row(a.port)->owner_gaps, 0);
	end(&worker);
}

/* ---- namespaces of our own ---- */

static int test_all(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TEST(many_hands_find_what_one_finds),
		TEST(a_socket_of_a_new_process_is_found_at_once),
		TEST(a_new_socket_of_a_known_holder_is_found_by_its_number),
		TEST(a_socket_that_takes_the_number_of_another_is_found_though_the_count_is_the_same),
		TEST(a_socket_in_a_gap_that_has_moved_is_found_at_once),
		TEST(a_child_that_inherits_is_found_at_once),
		TEST(a_socket_that_was_put_over_a_file_is_found_by_the_audit),
		TEST(a_socket_without_a_holder_is_hunted_from_the_next_look_on),
		TEST(a_hunt_in_vain_is_a_quarter_of_the_budget),
		TEST(the_audit_asks_every_link_once_within_its_time),
		TEST(a_new_socket_is_unsearched_until_a_round_that_began_afterwards),
		TEST(nobody_holds_a_socket_once_two_rounds_found_nobody),
		TEST(a_holder_that_is_gone_is_dropped_at_once),
		TEST(a_number_that_is_given_anew_lends_nothing),
		TEST(a_number_that_is_given_anew_lends_nothing_where_no_handle_could_be_had),
		TEST(execve_is_seen_at_the_next_look),
		TEST(threads_that_come_change_nothing_of_who_a_process_is_until_it_is_read_again),
		TEST(a_child_gets_another_parent_when_its_own_is_gone),
		TEST(identities_outlive_the_table_of_strings_they_were_read_into),
		TEST(threads_of_a_leader_that_ends_still_hold),
		TEST(where_all_fits_into_the_interval_all_is_read_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		perror(path);
	if (fd >= 0)
		close(fd);
}

static int skip_all(const char *why)
{
	printf("1..0 # SKIP no namespaces of our own: %s: %s\n", why, strerror(errno));
	return 0;
}

static int first_process(void)
{
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("proc", "/proc", "proc", 0, NULL))
		return skip_all("mount");
	return test_all();
}

/* In a child of its own, for whoever has unshared cannot have children any more once the first of them has ended. */
static int in_namespaces(void)
{
	int flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET, status = 1;
	uid_t uid = getuid();
	char map[64];
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(flags | (uid ? CLONE_NEWUSER : 0)))
		return skip_all("unshare");
	if (uid) {
		write_file("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "0 %u 1", uid);
		write_file("/proc/self/uid_map", map);
	}
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(first_process());
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	int status = 1;
	pid_t pid;

	if (getenv(ROLE) && argc > 1)
		work(atoi(argv[1]));
	pid = fork();
	if (!pid) {
		status = in_namespaces();
		fflush(stdout);
		_exit(status);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
