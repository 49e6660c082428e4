/* SPDX-License-Identifier: MIT */
/*
 * A host full of connections, to measure on: `load SOCKETS PROCESSES SECONDS [CHURN]`.
 *
 * PROCESSES processes hold SOCKETS TCP sockets on loopback between them, each with a listener of its own and
 * both ends of its connections; CHURN connections a second, of all together, are closed (by a reset: no TIME_WAIT
 * piles up) and opened anew. Prints "ready SOCKETS" once all stand, and ends by itself after SECONDS, when its
 * parent ends it, or when its standard output is closed at the other end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
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

static struct connection open_connection(int listener, const struct sockaddr_in *at)
{
	struct connection c = { .client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .server = -1 };

	if (c.client < 0 || connect(c.client, (const struct sockaddr *)at, sizeof(*at)) < 0)
		die("cannot connect");
	c.server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (c.server < 0)
		die("cannot accept");
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

static _Noreturn void hold(int ready, long pairs, double churn, double end)
{
	struct connection *connections = calloc((size_t)pairs + 1, sizeof(*connections));
	struct sockaddr_in at;
	int listener = open_listener(&at);
	double begin;
	long renewed = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!connections)
		die("no memory");
	for (long i = 0; i < pairs; i++)
		connections[i] = open_connection(listener, &at);
	if (write(ready, "", 1) != 1)
		die("cannot tell");
	for (begin = now(); now() < end;) {
		long due = (long)((now() - begin) * churn);

		for (; pairs && renewed < due; renewed++) {
			close_connection(connections[renewed % pairs]);
			connections[renewed % pairs] = open_connection(listener, &at);
		}
		usleep(churn > 0 ? 10000 : 200000);
	}
	for (long i = 0; i < pairs; i++)
		close_connection(connections[i]);
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
	long sockets, processes, seconds, churn, pairs;
	int ready[2];
	double end;
	char byte;

	if (argc < 4 || argc > 5) {
		fprintf(stderr, "usage: load SOCKETS PROCESSES SECONDS [CHURN]\n");
		return 2;
	}
	sockets = number(argv[1], 2, SOCKETS_MAX);
	processes = number(argv[2], 1, PROCESSES_MAX);
	seconds = number(argv[3], 1, SECONDS_MAX);
	churn = argc > 4 ? number(argv[4], 0, 100000) : 0;
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
			close(ready[0]);
			hold(ready[1], pairs / processes + (i < pairs % processes), (double)churn / (double)processes,
			     end);
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
