/* SPDX-License-Identifier: MIT */
/*
 * Those who live in network namespaces of their own:
 *
 *	dweller PORT here	this process, in the one that it is started in
 *	dweller PORT N		N children, each in a new one
 *	dweller PORT thread	a thread of this process, in a new one, while the others stay here
 *
 * Each has the loopback up, a listener on 127.0.0.1:PORT, a connection to it that it has accepted, and a UDP socket at
 * the same address. Prints "INODE PID" for each, the namespace's number and the process's, and holds all of it until it
 * is ended (or for two minutes, should nobody do so), and its children with it.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOLD_S 120

static in_port_t port;

static void die(const char *what)
{
	perror(what);
	_exit(1);
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		die("loopback");
	request.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		die("loopback");
	close(fd);
}

static void settle(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	int datagrams = socket(AF_INET, SOCK_DGRAM, 0), yes = 1;
	char path[64];
	struct stat st;

	raise_loopback();
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(listener, 8) < 0 ||
	    connect(client, (struct sockaddr *)&at, sizeof(at)) < 0 || accept(listener, NULL, NULL) < 0 ||
	    bind(datagrams, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("sockets");
	snprintf(path, sizeof(path), "/proc/thread-self/ns/net");
	if (stat(path, &st) < 0)
		die(path);
	printf("%llu %d\n", (unsigned long long)st.st_ino, (int)getpid());
	fflush(stdout);
}

static void move_out(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		die("unshare");
	settle();
}

static void *live(void *unused)
{
	(void)unused;
	move_out();
	pause();
	return NULL;
}

static void child(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	move_out();
	pause();
	_exit(0);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 3)
		return 2;
	port = htons((in_port_t)atoi(argv[1]));
	alarm(HOLD_S);
	if (!strcmp(argv[2], "here")) {
		settle();
	} else if (!strcmp(argv[2], "thread")) {
		if (pthread_create(&thread, NULL, live, NULL))
			die("thread");
	} else {
		for (int n = atoi(argv[2]); n > 0; n--)
			if (!fork())
				child();
	}
	pause();
	return 0;
}
