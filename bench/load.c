/* SPDX-License-Identifier: MIT */
/*
 * A host full of connections, to measure on: `load [-b BRIEF] [-f FILES] SOCKETS PROCESSES SECONDS [CHURN [ACTIVE]]`.
 *
 * PROCESSES processes hold SOCKETS TCP sockets on loopback between them, each with a listener of its own and
 * both ends of its connections; CHURN connections a second, of all together, are closed (by a reset: no TIME_WAIT
 * piles up) and opened anew. ACTIVE times a second the ends of some connection exchange data of varying size, some of
 * which is left unread, so that queues, timers, acknowledgements and windows change as on a host at work; three
 * connections of five have SO_KEEPALIVE then. BRIEF connections a second come beside them, and are closed 10 ms later.
 * Each process opens /dev/null until it has FILES descriptors.
 *
 * What happens so many times a second is spread evenly over time and processes, but a process sleeps for 1 ms at least.
 * Prints "ready SOCKETS" once all stand, and ends by itself after SECONDS, when its parent ends it, when its standard
 * output is closed at the other end, or (exit status 1) when one of its processes failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOCKETS_MAX   400000
#define PROCESSES_MAX 5000
#define SECONDS_MAX   900
#define RATE_MAX      100000
#define FILES_MAX     10000

#define BRIEF_LIFE 0.010 /* s */
#define BRIEF_MOST 1024	 /* at a time, in one process */

struct connection {
	int client;
	int server;
};

/*
 * What happens so many times a second from the epoch on; the phase, below 1, is how much of the first interval is over
 * then.
 */
struct pace {
	double rate;
	double phase;
	long done;
};

/* Connections that are closed soon: a ring, the oldest at `first`. */
struct brief {
	struct connection connections[BRIEF_MOST];
	double until[BRIEF_MOST];
	size_t first, n;
};

/* What one process holds and does. */
struct holder {
	long pairs;
	long files;
	struct pace churn;
	struct pace active;
	struct pace brief;
	bool keepalive;
	uint64_t random;
	struct connection *connections;
	struct brief *brief_ones;
	int listener;
	struct sockaddr_in at;
};

/* When it all began, for every process. */
static double epoch;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int open_listener(struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (struct sockaddr *)at, len) < 0 || listen(fd, 16) < 0 ||
	    getsockname(fd, (struct sockaddr *)at, &len) < 0)
		die("cannot listen");
	return fd;
}

/* Below n; the same from one run to the next (xorshift64). */
static unsigned random_below(struct holder *holder, unsigned n)
{
	holder->random ^= holder->random << 13;
	holder->random ^= holder->random >> 7;
	holder->random ^= holder->random << 17;
	return (unsigned)(holder->random >> 32) % n;
}

static struct connection open_connection(struct holder *holder, long number)
{
	struct connection c = { .client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .server = -1 };
	int on = 1;

	if (c.client < 0 || connect(c.client, (const struct sockaddr *)&holder->at, sizeof(holder->at)) < 0)
		die("cannot connect");
	c.server = accept(holder->listener, NULL, NULL);
	if (c.server < 0)
		die("cannot accept");
	if (holder->keepalive && number % 5 < 3) {
		setsockopt(c.client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
		setsockopt(c.server, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	}
	return c;
}

/* A reset on one end takes both sockets out of the tables at once. */
static void close_connection(struct connection c)
{
	struct linger hard = { .l_onoff = 1 };

	setsockopt(c.client, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(c.client);
	close(c.server);
}

static void receive_all(int fd)
{
	static char bytes[65536];

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

/*
 * From one byte to 16 KiB, every order of magnitude as likely; one time in fifty as much as the kernel takes, and that
 * waits in both queues.
 */
static void send_some(struct holder *holder, int fd)
{
	static const char bytes[65536];
	size_t size = (size_t)1 << random_below(holder, 14);

	size += random_below(holder, (unsigned)size);
	if (random_below(holder, 50))
		send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			;
}

/*
 * A question, and two times of three an answer; three times of ten the question is left unread until the next exchange.
 */
static void exchange(struct holder *holder)
{
	struct connection c = holder->connections[random_below(holder, (unsigned)holder->pairs)];
	bool from_server = random_below(holder, 2);
	int asks = from_server ? c.server : c.client, answers = from_server ? c.client : c.server;

	send_some(holder, asks);
	if (random_below(holder, 10) < 3)
		return;
	receive_all(answers);
	if (!random_below(holder, 3))
		return;
	send_some(holder, answers);
	receive_all(asks);
}

static long times_due(const struct pace *pace, double t)
{
	return (long)((t - epoch) * pace->rate + pace->phase);
}

/* The sooner of `next` and when this is due again. */
static double sooner(double next, const struct pace *pace)
{
	double due = pace->rate > 0 ? epoch + ((double)(pace->done + 1) - pace->phase) / pace->rate : next;

	return due < next ? due : next;
}

static void renew(struct holder *holder, long number)
{
	struct connection *c = &holder->connections[number % holder->pairs];

	close_connection(*c);
	*c = open_connection(holder, number % holder->pairs);
}

static void close_oldest(struct brief *brief)
{
	close_connection(brief->connections[brief->first]);
	brief->first = (brief->first + 1) % BRIEF_MOST;
	brief->n--;
}

static void open_brief(struct holder *holder)
{
	struct brief *brief = holder->brief_ones;
	size_t at;

	if (brief->n == BRIEF_MOST)
		close_oldest(brief);
	at = (brief->first + brief->n++) % BRIEF_MOST;
	brief->connections[at] = open_connection(holder, 0);
	brief->until[at] = now() + BRIEF_LIFE;
}

/* Do what is due, and sleep until more is. */
static void work(struct holder *holder, double end)
{
	struct pace *churn = &holder->churn, *active = &holder->active, *brief = &holder->brief;
	const struct brief *ones = holder->brief_ones;
	double t = now(), next;

	churn->done = times_due(churn, t);
	active->done = times_due(active, t);
	brief->done = times_due(brief, t);
	for (; t < end; t = now()) {
		while (ones->n && ones->until[ones->first] <= t)
			close_oldest(holder->brief_ones);
		for (; churn->done < times_due(churn, t); churn->done++)
			renew(holder, churn->done);
		for (; active->done < times_due(active, t); active->done++)
			exchange(holder);
		for (; brief->done < times_due(brief, t); brief->done++)
			open_brief(holder);
		next = sooner(sooner(sooner(t + 0.2, churn), active), brief);
		if (ones->n && ones->until[ones->first] < next)
			next = ones->until[ones->first];
		t = next - now();
		usleep(t > 0.001 ? (useconds_t)(t * 1e6) : 1000);
	}
}

/* Descriptors are given out from the lowest free number on. */
static void open_files(long n)
{
	for (int fd = -1; fd < n - 1;) {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			die("cannot open /dev/null");
	}
}

static _Noreturn void hold(int ready, struct holder holder, double end)
{
	holder.connections = calloc((size_t)holder.pairs + 1, sizeof(*holder.connections));
	holder.brief_ones = calloc(1, sizeof(*holder.brief_ones));
	if (!holder.connections || !holder.brief_ones)
		die("no memory");
	holder.listener = open_listener(&holder.at);
	for (long i = 0; i < holder.pairs; i++)
		holder.connections[i] = open_connection(&holder, i);
	/* there is nothing to renew, nor to talk on */
	if (!holder.pairs)
		holder.churn.rate = holder.active.rate = 0;
	/* one of them is `ready`, which is closed so that whoever waits for all of us learns of one that died */
	if (holder.files)
		open_files(holder.files + 1);
	if (write(ready, "", 1) != 1)
		die("cannot tell");
	close(ready);
	work(&holder, end);
	exit(0);
}

static long number(const char *text, long min, long max)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || end == text || value < min || value > max) {
		fprintf(stderr, "load: '%s' is no number from %ld to %ld\n", text, min, max);
		exit(2);
	}
	return value;
}

/* All it may, for connections are counted by the thousand. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("cannot ask for a limit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("cannot raise a limit");
}

struct asked {
	long sockets, processes, seconds, churn, active, brief, files;
	bool talks;
};

static struct asked read_arguments(int argc, char **argv)
{
	struct asked asked = { 0 };
	int option, left;

	while ((option = getopt(argc, argv, "b:f:")) != -1) {
		if (option == 'b')
			asked.brief = number(optarg, 0, RATE_MAX);
		else if (option == 'f')
			asked.files = number(optarg, 0, FILES_MAX);
		else
			exit(2);
	}
	argv += optind;
	left = argc - optind;
	if (left < 3 || left > 5) {
		fprintf(stderr, "usage: load [-b BRIEF] [-f FILES] SOCKETS PROCESSES SECONDS [CHURN [ACTIVE]]\n");
		exit(2);
	}
	asked.sockets = number(argv[0], 2, SOCKETS_MAX);
	asked.processes = number(argv[1], 1, PROCESSES_MAX);
	asked.seconds = number(argv[2], 1, SECONDS_MAX);
	asked.churn = left > 3 ? number(argv[3], 0, RATE_MAX) : 0;
	asked.active = left > 4 ? number(argv[4], 0, RATE_MAX) : 0;
	asked.talks = left > 4;
	return asked;
}

/* The i-th process's share of what all do together. */
static struct holder share(const struct asked *asked, long pairs, long i)
{
	double of = (double)asked->processes, phase = (double)i / of;

	return (struct holder){
		.pairs = pairs / asked->processes + (i < pairs % asked->processes),
		.files = asked->files,
		.churn = { .rate = (double)asked->churn / of, .phase = phase },
		.active = { .rate = (double)asked->active / of, .phase = phase },
		.brief = { .rate = (double)asked->brief / of, .phase = phase },
		.keepalive = asked->talks,
		.random = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(i + 1),
	};
}

static void wait_for_all(int ready, long processes)
{
	char byte;

	for (long i = 0; i < processes; i++)
		if (read(ready, &byte, 1) != 1) {
			fprintf(stderr, "load: a process ended too soon\n");
			exit(1);
		}
}

/* Until the end, or until nobody listens any more. Returns whether all processes did their work. */
static bool stand(double end)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	while (now() < end) {
		int status = 0;

		if (waitpid(-1, &status, WNOHANG) > 0 && status) {
			fprintf(stderr, "load: a process failed\n");
			return false;
		}
		if (poll(&out, 1, 200) > 0 && out.revents & (POLLERR | POLLHUP | POLLNVAL))
			break;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct asked asked = read_arguments(argc, argv);
	long pairs = asked.sockets > asked.processes ? (asked.sockets - asked.processes) / 2 : 0;
	pid_t parent = getpid();
	int ready[2];
	double end;

	raise_limit();
	epoch = now();
	end = epoch + (double)asked.seconds;
	if (pipe(ready) < 0)
		die("cannot make a pipe");
	for (long i = 0; i < asked.processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("cannot fork");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent)
				exit(1);
			close(ready[0]);
			hold(ready[1], share(&asked, pairs, i), end);
		}
	}
	close(ready[1]);
	wait_for_all(ready[0], asked.processes);
	printf("ready %ld\n", pairs * 2 + asked.processes);
	fflush(stdout);
	return stand(end) ? 0 : 1;
}
