/* SPDX-License-Identifier: MIT */
/*
 * A conversation to look at: a listener on a free port of 127.0.0.1, and in a child a client that is
 * connected to it. Prints "PORT LISTENER_PID CLIENT_PID" once all three sockets stand, then holds them
 * until it is ended (or for a minute, should nobody do so). scripts/demo records it.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOLD_S 60

static void client(struct sockaddr_in to)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		_exit(1);
	sleep(HOLD_S);
	_exit(0);
}

int main(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	pid_t child;

	if (listener < 0 || bind(listener, (struct sockaddr *)&at, len) < 0 || listen(listener, 8) < 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &len) < 0) {
		perror("talker");
		return 1;
	}
	child = fork();
	if (child == 0) {
		close(listener);
		client(at);
	}
	alarm(HOLD_S); /* a child that cannot connect leaves accept() waiting */
	if (child < 0 || accept(listener, NULL, NULL) < 0) {
		perror("talker");
		return 1;
	}
	printf("%d %d %d\n", ntohs(at.sin_port), (int)getpid(), (int)child);
	fflush(stdout);
	pause();
	return 0;
}
