/* SPDX-License-Identifier: MIT */
/*
 * A conversation with everything in it that a recorder can get wrong: sockets held by several processes, descriptors
 * that were duplicated, handed over a unix socket or inherited over execve(2), connections that nobody has accepted,
 * a zombie whose thread still holds one, and an argv that is hard to print.
 *
 * What is true is printed, a JSON object a line: {"name":,"pid":,...} of a process, and of a socket
 * {"name":,"table":,"local":,"remote":,"state":,"owners":[[pid,fd],...]}. Then "ready". A line on standard input closes
 * the connection `closing` actively and is answered with "closed"; the end of standard input ends all of it.
 */
#include "live.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static void die(const char *what)
{
	fprintf(stderr, "conversation: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int need(int rc, const char *what)
{
	if (rc < 0)
		die(what);
	return rc;
}

/* ---- telling the truth ---- */

static void print_end(const char *name, const struct sockaddr_storage *at)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)at;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)at;
	char text[INET6_ADDRSTRLEN];
	unsigned port;

	if (at->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
		port = ntohs(v6->sin6_port);
	} else {
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
		port = ntohs(v4->sin_port);
	}
	printf(",\"%s\":\"%s:", name, text);
	printf(port ? "%u\"" : "*\"", port);
}

/* Both ends of a socket. The end that is not connected is the wildcard of its family. */
static void tell_ends(const char *name, const char *table, int fd, const char *state)
{
	struct sockaddr_storage local = { .ss_family = AF_UNSPEC }, remote = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(local);

	need(getsockname(fd, (struct sockaddr *)&local, &len), "getsockname");
	len = sizeof(remote);
	if (getpeername(fd, (struct sockaddr *)&remote, &len) < 0)
		remote.ss_family = local.ss_family;
	printf("{\"name\":\"%s\",\"table\":\"%s\",\"state\":\"%s\"", name, table, state);
	print_end("local", &local);
	print_end("remote", &remote);
	printf(",\"owners\":[");
}

static void tell_one(const char *name, const char *table, int fd, const char *state)
{
	tell_ends(name, table, fd, state);
	printf("[%d,%d]]}\n", (int)getpid(), fd);
}

static void tell_process(const char *name, pid_t pid, const char *state, int threads, int uid)
{
	printf("{\"name\":\"%s\",\"pid\":%d,\"ppid\":%d,\"state\":\"%s\",\"threads\":%d,\"uid\":%d}\n", name, (int)pid,
	       (int)(pid == getpid() ? getppid() : getpid()), state, threads, uid);
}

/* ---- making sockets ---- */

static struct sockaddr_storage loopback(int family, socklen_t *ret_len)
{
	struct sockaddr_storage at = { .ss_family = (sa_family_t)family };

	if (family == AF_INET) {
		((struct sockaddr_in *)&at)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		*ret_len = sizeof(struct sockaddr_in);
	} else {
		((struct sockaddr_in6 *)&at)->sin6_addr = in6addr_loopback;
		*ret_len = sizeof(struct sockaddr_in6);
	}
	return at;
}

static int bound(int family, int type)
{
	socklen_t len;
	struct sockaddr_storage at = loopback(family, &len);
	int fd = need(socket(family, type | SOCK_CLOEXEC, 0), "socket");

	need(bind(fd, (struct sockaddr *)&at, len), "bind");
	return fd;
}

static int listener(int family)
{
	int fd = bound(family, SOCK_STREAM);

	need(listen(fd, 8), "listen");
	return fd;
}

/* Connect to where fd is bound. */
static int caller(int fd, int family, int type)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	int from = need(socket(family, type | SOCK_CLOEXEC, 0), "socket");

	need(getsockname(fd, (struct sockaddr *)&at, &len), "getsockname");
	need(connect(from, (struct sockaddr *)&at, len), "connect");
	return from;
}

static int accepted(int fd)
{
	return need(accept4(fd, NULL, NULL, SOCK_CLOEXEC), "accept");
}

/* ---- processes ---- */

#define DESCRIPTORS 256

/*
 * A child that ends with us, and has no descriptor but this socket. Its parent goes on when it has said so, with one
 * byte.
 */
static pid_t child(void (*be)(int to_parent, int socket), int socket)
{
	int pipes[2];
	char byte;
	pid_t pid;

	fflush(stdout);
	need(pipe2(pipes, O_CLOEXEC), "pipe");
	pid = need(fork(), "fork");
	if (!pid) {
		for (int fd = 3; fd < DESCRIPTORS; fd++)
			if (fd != pipes[1] && fd != socket)
				close(fd);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		be(pipes[1], socket);
		_exit(1);
	}
	close(pipes[1]);
	if (read(pipes[0], &byte, 1) != 1)
		die("child");
	close(pipes[0]);
	return pid;
}

static void ready(int to_parent)
{
	fflush(stdout);
	if (write(to_parent, "", 1) != 1)
		_exit(1);
}

#define SHARED_AGAIN 100

/* Holds the shared listener twice. */
static void be_sharer(int to_parent, int socket)
{
	need(dup3(socket, SHARED_AGAIN, O_CLOEXEC), "dup3");
	ready(to_parent);
	for (;;)
		pause();
}

/* Makes a socket, hands it over and forgets it. */
static void be_giver(int to_parent, int socket)
{
	int fd = listener(AF_INET);

	need(live_pass(socket, fd), "sendmsg");
	close(fd);
	ready(to_parent);
	for (;;)
		pause();
}

/* Goes on as another program, which says so itself: the pipe must outlive execve(2). */
static void be_heir(int to_parent, int socket)
{
	char number[16], heir[] = "heir", *argv[] = { heir, number, NULL };

	snprintf(number, sizeof(number), "%d", to_parent);
	fcntl(to_parent, F_SETFD, 0);
	fcntl(socket, F_SETFD, 0);
	execv("/proc/self/exe", argv);
}

static void be_nobody(int to_parent, int socket)
{
	(void)socket;
	need(setresgid(NOBODY, NOBODY, NOBODY), "setresgid");
	need(setresuid(NOBODY, NOBODY, NOBODY), "setresuid");
	tell_one("of nobody", "udp", bound(AF_INET, SOCK_DGRAM), "CLOSE");
	ready(to_parent);
	for (;;)
		pause();
}

static int zombie_pipe;

static void *outlive(void *data)
{
	(void)data;
	/* until the leader is a zombie */
	for (;;) {
		char path[64], stat[256] = "", *close_paren;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)getpid());
		file = fopen(path, "re");
		if (!file || !fgets(stat, sizeof(stat), file))
			_exit(1);
		fclose(file);
		close_paren = strrchr(stat, ')');
		if (close_paren && close_paren[2] == 'Z')
			break;
		usleep(1000);
	}
	ready(zombie_pipe);
	for (;;)
		pause();
	return NULL;
}

/* The first thread ends, another one stays. */
static void be_zombie(int to_parent, int socket)
{
	pthread_t thread;

	(void)socket;
	zombie_pipe = to_parent;
	tell_one("of a zombie's thread", "udp", bound(AF_INET, SOCK_DGRAM), "CLOSE");
	fflush(stdout);
	if (pthread_create(&thread, NULL, outlive, NULL))
		_exit(1);
	/* pthread_exit(3) would load a library to unwind the stack */
	syscall(SYS_exit, 0);
}

static void *idle(void *data)
{
	for (;;)
		pause();
	return data;
}

/* ---- the conversation ---- */

static void talk(int family, const char *table)
{
	char name[32];
	int from = listener(family), to, peer;

	snprintf(name, sizeof(name), "%s listener", table);
	tell_one(name, table, from, "LISTEN");
	to = caller(from, family, SOCK_STREAM);
	peer = accepted(from);
	snprintf(name, sizeof(name), "%s caller", table);
	tell_one(name, table, to, "ESTABLISHED");
	snprintf(name, sizeof(name), "%s peer", table);
	tell_one(name, table, peer, "ESTABLISHED");
}

static void datagrams(int family, const char *table)
{
	char name[32];
	int fd = bound(family, SOCK_DGRAM);

	snprintf(name, sizeof(name), "%s bound", table);
	tell_one(name, table, fd, "CLOSE");
	snprintf(name, sizeof(name), "%s connected", table);
	tell_one(name, table, caller(fd, family, SOCK_DGRAM), "ESTABLISHED");
}

/* A listener for both families, called by IPv4. */
static void talk_mapped(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(any);
	int both = need(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"), zero = 0, from;

	setsockopt(both, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	need(bind(both, (struct sockaddr *)&any, len), "bind");
	need(listen(both, 8), "listen");
	need(getsockname(both, (struct sockaddr *)&any, &len), "getsockname");
	to.sin_port = any.sin6_port;
	from = need(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	need(connect(from, (struct sockaddr *)&to, sizeof(to)), "connect");
	tell_one("mapped listener", "tcp6", both, "LISTEN");
	tell_one("mapped caller", "tcp", from, "ESTABLISHED");
	tell_one("mapped peer", "tcp6", accepted(both), "ESTABLISHED");
}

static void share(void)
{
	int fd = listener(AF_INET);
	pid_t sharer = child(be_sharer, fd);

	tell_ends("shared", "tcp", fd, "LISTEN");
	printf("[%d,%d],[%d,%d],[%d,%d]]}\n", (int)getpid(), fd, (int)sharer, fd, (int)sharer, SHARED_AGAIN);
	tell_process("sharer", sharer, "S", 1, (int)getuid());
	fd = bound(AF_INET, SOCK_DGRAM);
	tell_ends("duplicated", "udp", fd, "CLOSE");
	printf("[%d,%d],[%d,%d]]}\n", (int)getpid(), fd, (int)getpid(), need(fcntl(fd, F_DUPFD_CLOEXEC, 200), "dup"));
}

static void hand_over(void)
{
	int pair[2], fd;
	pid_t pid;

	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
	pid = child(be_giver, pair[1]);
	tell_process("giver", pid, "S", 1, (int)getuid());
	tell_one("handed over", "tcp", need(live_take(pair[0]), "recvmsg"), "LISTEN");
	fd = listener(AF_INET);
	pid = child(be_heir, fd);
	tell_process("heir", pid, "S", 1, (int)getuid());
	tell_ends("inherited", "tcp", fd, "LISTEN");
	printf("[%d,%d]]}\n", (int)pid, fd);
	close(fd);
}

/*
 * A connection that nobody has accepted: its other end has no descriptor to ask, and is told by what the caller sees.
 */
static void queue(void)
{
	struct sockaddr_storage local, remote;
	socklen_t len = sizeof(local);
	int fd = listener(AF_INET), from = caller(fd, AF_INET, SOCK_STREAM);

	tell_one("caller in queue", "tcp", from, "ESTABLISHED");
	getsockname(from, (struct sockaddr *)&remote, &len);
	len = sizeof(local);
	getpeername(from, (struct sockaddr *)&local, &len);
	tell_one("queue's listener", "tcp", fd, "LISTEN");
	printf("{\"name\":\"queued\",\"table\":\"tcp\",\"state\":\"ESTABLISHED\"");
	print_end("local", &local);
	print_end("remote", &remote);
	printf(",\"owners\":[]}\n");
}

int main(int argc, char **argv)
{
	static char hard[][24] = { "talk\033[31m\007",
				   "",
				   "\xff\xfe not UTF-8 \x80",
				   "caf\xc3\xa9 \xe2\x82\xac",
				   "back\\slash \\x41",
				   "line\nbreak",
				   " \t'\"$(id);",
				   "" };
	char *hard_argv[sizeof(hard) / sizeof(*hard) + 1] = { NULL }, line[64];
	int listening, closing, peer;
	pthread_t thread;

	if (argc == 2 && !strcmp(argv[0], "heir")) {
		prctl(PR_SET_NAME, "the heir");
		ready(atoi(argv[1]));
		close(atoi(argv[1]));
		for (;;)
			pause();
	}
	if (argc == 1) {
		for (size_t i = 0; i < sizeof(hard) / sizeof(*hard); i++)
			hard_argv[i] = hard[i];
		execv("/proc/self/exe", hard_argv);
		die("execv");
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "a) R 1 (\033[2J\xff");
	signal(SIGPIPE, SIG_IGN);

	share();
	hand_over();
	tell_process("nobody", child(be_nobody, -1), "S", 1, NOBODY);
	/* the file system's thread count of a zombie leader holds both */
	tell_process("zombie", child(be_zombie, -1), "Z", 2, (int)getuid());
	talk(AF_INET, "tcp");
	talk(AF_INET6, "tcp6");
	talk_mapped();
	datagrams(AF_INET, "udp");
	datagrams(AF_INET6, "udp6");
	queue();
	listening = listener(AF_INET);
	closing = caller(listening, AF_INET, SOCK_STREAM);
	peer = accepted(listening);
	tell_one("closing", "tcp", closing, "ESTABLISHED");
	tell_one("closing's peer", "tcp", peer, "ESTABLISHED");
	tell_one("closing's listener", "tcp", listening, "LISTEN");
	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread, NULL, idle, NULL))
			die("pthread_create");
	tell_process("talker", getpid(), "S", 3, (int)getuid());
	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	close(closing);
	/* its end has arrived when nothing more can be read */
	if (read(peer, line, 1) != 0)
		die("read");
	close(peer);
	puts("closed");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}
