/* SPDX-License-Identifier: MIT */
/*
 * Some hundreds of sockets in every state that TCP and UDP have, held by a few processes, none of which moves: so that
 * two programs that look one after the other see the same. Over loopback alone; where a state is a step on the way to
 * another, the step is made to wait:
 *
 *	SYN_SENT	the listener's backlog is full, so nobody answers
 *	SYN_RECV	TCP_DEFER_ACCEPT: the listener waits for data
 *	FIN_WAIT1	data stands before the FIN, and the peer's window is closed, for it does not read
 *	CLOSING		the same, and the peer has sent its FIN too
 *	LAST_ACK	the same, after the peer's FIN
 *	FIN_WAIT2	the peer does not close (CLOSE_WAIT)
 *	TIME_WAIT	lasts a minute by itself
 *
 * Usage: crowd ROUNDS. Prints "ready", ends with its standard input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_S 300
#define SMALL	   4096 /* socket buffers: full soon */

static int need(int rc, const char *what)
{
	if (rc < 0) {
		fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
		exit(1);
	}
	return rc;
}

/* An address in loopback: IPv4, IPv6, or the wildcard of both. */
enum where { V4, V6, ANY, ANY6ONLY };

static socklen_t address(enum where where, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = where == V4 ? AF_INET : AF_INET6;
	if (where == V4)
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		v6->sin6_addr = where == V6 ? in6addr_loopback : in6addr_any;
	return where == V4 ? sizeof(*v4) : sizeof(*v6);
}

static int new_socket(enum where where, int type)
{
	int fd = need(socket(where == V4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0), "socket"), size = SMALL;
	int v6only = where == ANY6ONLY;

	if (where != V4)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return fd;
}

static int bound(enum where where, int type)
{
	struct sockaddr_storage at;
	socklen_t len = address(where, &at);
	int fd = new_socket(where, type);

	need(bind(fd, (struct sockaddr *)&at, len), "bind");
	return fd;
}

static int listener(enum where where, int backlog)
{
	int fd = bound(where, SOCK_STREAM);

	need(listen(fd, backlog), "listen");
	return fd;
}

/* Connect to fd by a family that it understands; at once or, if there is no answer, never. */
static int caller(int fd, enum where by, int type, bool answered)
{
	struct sockaddr_storage at, to;
	socklen_t len = sizeof(at);
	int from = new_socket(by, type);

	need(getsockname(fd, (struct sockaddr *)&at, &len), "getsockname");
	len = address(by, &to);
	/* the port stands at the same place in both */
	((struct sockaddr_in *)&to)->sin_port = ((struct sockaddr_in *)&at)->sin_port;
	if (!answered)
		fcntl(from, F_SETFL, O_NONBLOCK);
	if (connect(from, (struct sockaddr *)&to, len) < 0 && (answered || errno != EINPROGRESS))
		need(-1, "connect");
	return from;
}

static void pair(int fd, enum where by, int ret[2])
{
	ret[0] = caller(fd, by, SOCK_STREAM, true);
	ret[1] = need(accept4(fd, NULL, NULL, SOCK_CLOEXEC), "accept");
}

/* Write until nothing more goes in: the peer does not read, so its window closes. */
static void fill(int fd)
{
	static const char bytes[SMALL];
	int idle = 0;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	/* what is on its way may still find room */
	while (idle < 3) {
		if (write(fd, bytes, sizeof(bytes)) > 0) {
			idle = 0;
		} else {
			idle++;
			usleep(2000);
		}
	}
}

/* Until the end of the stream has arrived at fd. */
static void await_end(int fd)
{
	char byte;

	need((int)recv(fd, &byte, 1, MSG_PEEK), "recv");
}

static void connections(enum where where, enum where by)
{
	int fd = listener(where, 64), p[2];

	pair(fd, by, p); /* ESTABLISHED */

	pair(fd, by, p); /* FIN_WAIT2, CLOSE_WAIT */
	need(shutdown(p[0], SHUT_WR), "shutdown");
	await_end(p[1]);

	pair(fd, by, p); /* FIN_WAIT1 */
	fill(p[0]);
	need(shutdown(p[0], SHUT_WR), "shutdown");

	pair(fd, by, p); /* CLOSING, FIN_WAIT2 */
	fill(p[0]);
	need(shutdown(p[0], SHUT_WR), "shutdown");
	need(shutdown(p[1], SHUT_WR), "shutdown");

	pair(fd, by, p); /* FIN_WAIT2, LAST_ACK */
	need(shutdown(p[0], SHUT_WR), "shutdown");
	await_end(p[1]);
	fill(p[1]);
	need(shutdown(p[1], SHUT_WR), "shutdown");

	pair(fd, by, p); /* TIME_WAIT */
	close(p[0]);
	await_end(p[1]);
	close(p[1]);

	caller(fd, by, SOCK_STREAM, true); /* ESTABLISHED, and at the other end one that nobody has accepted */
}

static void handshakes(enum where where, enum where by)
{
	int patience = PATIENCE_S, full = listener(where, 0), deferring = listener(where, 64);

	caller(full, by, SOCK_STREAM, true);
	caller(full, by, SOCK_STREAM, false); /* SYN_SENT */
	setsockopt(deferring, IPPROTO_TCP, TCP_DEFER_ACCEPT, &patience, sizeof(patience));
	caller(deferring, by, SOCK_STREAM, true); /* SYN_RECV */
}

static void datagrams(enum where where, enum where by)
{
	int fd = bound(where, SOCK_DGRAM);

	caller(fd, by, SOCK_DGRAM, true);
	if (write(caller(fd, by, SOCK_DGRAM, true), "waits", 5) != 5)
		need(-1, "write");
}

static void all(void)
{
	static const enum where ways[][2] = { { V4, V4 }, { V6, V6 }, { ANY, V4 }, { ANY6ONLY, V6 } };

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		connections(ways[i][0], ways[i][1]);
		handshakes(ways[i][0], ways[i][1]);
		datagrams(ways[i][0], ways[i][1]);
	}
}

/* A process that holds what its parent had so far, and some of its own. */
static void holder(int rounds, int to_parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (rounds-- > 0)
		all();
	if (write(to_parent, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 1, pipes[2];
	char bytes[64];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	need(pipe2(pipes, O_CLOEXEC), "pipe");
	all();
	for (int i = 1; i < rounds; i++) {
		pid_t pid = need(fork(), "fork");

		if (!pid)
			holder(1, pipes[1]);
		if (read(pipes[0], bytes, 1) != 1)
			need(-1, "child");
	}
	/* raw sockets take privilege: without it there are none */
	if (socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP) >= 0)
		socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, bytes, sizeof(bytes)) > 0)
		;
	return 0;
}
