/* SPDX-License-Identifier: MIT */
/*
 * A host full of connections, to measure on: `load SOCKETS PROCESSES SECONDS [CHURN [ACTIVE]]`.
 *
 * PROCESSES processes hold SOCKETS TCP sockets on loopback between them, each with a listener of its own and
 * both ends of its connections; CHURN connections a second, of all together, are closed (by a reset: no TIME_WAIT
 * piles up) and opened anew. ACTIVE times a second the ends of some connection exchange data of varying size, some of
 * which is left unread, so that queues, timers, acknowledgements and windows change as on a host at work; three
 * connections of five have SO_KEEPALIVE then. Prints "ready SOCKETS" once all stand, and ends by itself after SECONDS,
 * when its parent ends it, or when its standard output is closed at the other end.
 */
#include <arpa/inet.h>
#include <errno.h>
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

struct connection {
	int client;
	int server;
};

/* What one process holds and does. */
struct holder {
	long pairs;
	double churn; /* a second */
	double active;
	bool keepalive;
	uint64_t random;
	struct connection *connections;
	int listener;
	struct sockaddr_in at;
};

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
	c.server = accept4(holder->listener, NULL, NULL, SOCK_CLOEXEC);
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

/* From one byte to 16 KiB, every order of magnitude as likely; one time in fifty as much as the kernel takes, and that waits in both queues. */
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

/* A question, and two times of three an answer; three times of ten the question is left unread until the next exchange. */
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

static double earlier(double next, bool is, double other)
{
	return is && other < next ? other : next;
}

/* Do what is due, and sleep until more is. */
static void work(struct holder *holder, double end)
{
	double begin = now(), t;
	long renewed = 0, exchanged = 0;

	while ((t = now()) < end) {
		double next = t + 0.2;

		for (; holder->pairs && renewed < (long)((t - begin) * holder->churn); renewed++) {
			struct connection *c = &holder->connections[renewed % holder->pairs];

			close_connection(*c);
			*c = open_connection(holder, renewed % holder->pairs);
		}
		for (; holder->pairs && exchanged < (long)((t - begin) * holder->active); exchanged++)
			exchange(holder);
		next = earlier(next, holder->churn > 0, begin + (double)(renewed + 1) / holder->churn);
		next = earlier(next, holder->active > 0, begin + (double)(exchanged + 1) / holder->active);
		t = next - now();
		usleep(t > 0.001 ? (useconds_t)(t * 1e6) : 1000);
	}
}

static _Noreturn void hold(int ready, struct holder holder, double end)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	holder.connections = calloc((size_t)holder.pairs + 1, sizeof(*holder.connections));
	holder.listener = open_listener(&holder.at);
	if (!holder.connections)
		die("no memory");
	for (long i = 0; i < holder.pairs; i++)
		holder.connections[i] = open_connection(&holder, i);
	if (write(ready, "", 1) != 1)
		die("cannot tell");
	work(&holder, end);
	for (long i = 0; i < holder.pairs; i++)
		close_connection(holder.connections[i]);
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

int main(int argc, char **argv)
{
	long sockets, processes, seconds, churn, active, pairs;
	int ready[2];
	double end;
	char byte;

	if (argc < 4 || argc > 6) {
		fprintf(stderr, "usage: load SOCKETS PROCESSES SECONDS [CHURN [ACTIVE]]\n");
		return 2;
	}
	sockets = number(argv[1], 2, SOCKETS_MAX);
	processes = number(argv[2], 1, PROCESSES_MAX);
	seconds = number(argv[3], 1, SECONDS_MAX);
	churn = argc > 4 ? number(argv[4], 0, 100000) : 0;
	active = argc > 5 ? number(argv[5], 0, 100000) : 0;
	pairs = (sockets - processes) / 2 > 0 ? (sockets - processes) / 2 : 0;
	raise_limit();
	end = now() + (double)seconds;
	if (pipe(ready) < 0)
		die("cannot make a pipe");
	for (long i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("cannot fork");
		if (!pid) {
			struct holder holder = {
				.pairs = pairs / processes + (i < pairs % processes),
				.churn = (double)churn / (double)processes,
				.active = (double)active / (double)processes,
				.keepalive = argc > 5,
				.random = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(i + 1),
			};

			close(ready[0]);
			hold(ready[1], holder, end);
		}
	}
	close(ready[1]);
	for (long i = 0; i < processes; i++)
		if (read(ready[0], &byte, 1) != 1) {
			fprintf(stderr, "load: a process ended too soon\n");
			return 1;
		}
	printf("ready %ld\n", pairs * 2 + processes);
	fflush(stdout);
	for (struct pollfd out = { .fd = STDOUT_FILENO }; now() < end && waitpid(-1, NULL, WNOHANG) >= 0;)
		if (poll(&out, 1, 200) > 0 && out.revents & (POLLERR | POLLHUP | POLLNVAL))
			break;
	return 0;
}
