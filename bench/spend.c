/* SPDX-License-Identifier: MIT */
/*
 * What a command costs: `spend RUNS COMMAND [ARG...]` runs it so many times, one after the other, its output thrown
 * away, and prints three numbers: wall time and CPU time (user and system) in ms, each the median, and the most memory
 * it held, in MiB.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS_MAX 1000

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double to_ms(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

static int by_size(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return a < b ? -1 : a > b;
}

static _Noreturn void start(char **argv)
{
	int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(nowhere, STDIN_FILENO);
	dup2(nowhere, STDOUT_FILENO);
	dup2(nowhere, STDERR_FILENO);
	execvp(argv[0], argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	double wall[RUNS_MAX], cpu[RUNS_MAX];
	long runs = argc > 2 ? strtol(argv[1], NULL, 10) : 0, most = 0;

	if (runs < 1 || runs > RUNS_MAX) {
		fprintf(stderr, "usage: spend RUNS COMMAND [ARG...]\n");
		return 2;
	}
	for (long i = 0; i < runs; i++) {
		double begin = now_ms();
		struct rusage usage;
		int status;
		pid_t pid = fork();

		if (!pid)
			start(argv + 2);
		if (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
			perror("spend");
			return 2;
		}
		/* 1 is an answer of some: lsof says so when it found nothing */
		if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
			fprintf(stderr, "spend: %s failed\n", argv[2]);
			return 1;
		}
		wall[i] = now_ms() - begin;
		cpu[i] = to_ms(usage.ru_utime) + to_ms(usage.ru_stime);
		most = usage.ru_maxrss > most ? usage.ru_maxrss : most;
	}
	qsort(wall, (size_t)runs, sizeof(*wall), by_size);
	qsort(cpu, (size_t)runs, sizeof(*cpu), by_size);
	printf("%.2f %.2f %.1f\n", wall[runs / 2], cpu[runs / 2], (double)most / 1024);
	return 0;
}
