/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include "cli.h"
#include "pace.h"

#include <skt/time.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Not the tool's own: who kills all of that name means what was started. */
#define KEEPER_NAME "replay-keeper"

/* By which the keeper hears that its face is gone: one that nobody sends. */
#define FACE_GONE SIGRTMIN

/*
 * Signals that by default end a program, and that people send. A crash of the face is seen by the keeper all the same.
 */
static const int ends[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2 };

void guard_begin(struct guard *guard)
{
	sigset_t others;

	*guard = (struct guard){ .proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC) };
	guard->umask = umask(0077);
	sigemptyset(&guard->signals);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		struct sigaction action;

		/* what somebody had ignored (nohup(1), a shell's background) stays so */
		if (!sigaction(ends[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(&guard->signals, ends[i]);
	}
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &guard->signals, &guard->mask);
	sigemptyset(&others);
	sigaddset(&others, SIGCHLD);
	sigaddset(&others, FACE_GONE);
	sigprocmask(SIG_BLOCK, &others, NULL);
}

_Noreturn void guard_die(const struct guard *guard, int sig)
{
	struct rlimit none = { 0, 0 };
	sigset_t only;

	(void)guard;
	setrlimit(RLIMIT_CORE, &none);
	sigemptyset(&only);
	sigaddset(&only, sig);
	signal(sig, SIG_DFL);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &only, NULL);
	_exit(128 + sig);
}

int guard_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- waiting ---- */

/*
 * Whether the terminal sent it: then all of its foreground has it, COMMAND too. The keeper is not among them, and is
 * told.
 */
static bool is_of_terminal(const struct guard *guard, const siginfo_t *info)
{
	return info->si_code == SI_KERNEL ||
	       (info->si_code == SI_QUEUE && info->si_pid == guard->face && info->si_value.sival_int);
}

/* Take note of children that have ended: true, if the one that is waited for has. */
static bool reap(struct guard *guard)
{
	bool ended = false;
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != guard->child)
			continue;
		guard->status = status;
		ended = true;
	}
	if (ended)
		guard->child = 0;
	return ended;
}

/* The next signal, or 0 when it is time. */
static int next_signal(const sigset_t *set, int64_t until, siginfo_t *ret)
{
	for (;;) {
		struct timespec timeout = { .tv_sec = 0 };
		int64_t left = until == INT64_MAX ? 0 : until - pace_now();
		int sig;

		if (left > 0) {
			timeout.tv_sec = left / SKT_NS_PER_S;
			timeout.tv_nsec = left % SKT_NS_PER_S;
		}
		sig = sigtimedwait(set, ret, until == INT64_MAX ? NULL : &timeout);
		if (sig > 0)
			return sig;
		if (errno == EAGAIN && pace_now() >= until)
			return 0;
	}
}

/*
 * A program may have other uses for a signal, so only who was asked twice to end, or did not in good time, is killed.
 */
static void hand_on(struct guard *guard, int sig)
{
	bool is_end = sig == SIGINT || sig == SIGTERM;

	kill(guard->child, is_end && guard->told ? SIGKILL : sig);
	guard->told |= is_end;
	if (sig == SIGTERM && !guard->kill_at)
		guard->kill_at = pace_now() + GUARD_PATIENCE;
}

enum guard_event guard_wait(struct guard *guard, int64_t until)
{
	sigset_t set = guard->signals;

	sigaddset(&set, SIGCHLD);
	sigaddset(&set, FACE_GONE);
	for (;;) {
		int64_t patience = guard->child && guard->kill_at ? guard->kill_at : INT64_MAX;
		siginfo_t info;
		int sig;

		/* a child that ended before the signal was blocked */
		if (guard->child && reap(guard))
			return GUARD_CHILD;
		sig = next_signal(&set, until < patience ? until : patience, &info);
		if (guard->face && getppid() != guard->face) {
			guard->signal = SIGKILL;
			return GUARD_SIGNAL;
		}
		if (!sig && pace_now() >= until)
			return GUARD_TIME;
		if (!sig) {
			kill(guard->child, SIGKILL);
			guard->kill_at = 0;
			continue;
		}
		if (sig == SIGCHLD || sig == FACE_GONE)
			continue;
		if (!guard->child) {
			guard->signal = sig;
			return GUARD_SIGNAL;
		}
		if (!is_of_terminal(guard, &info))
			hand_on(guard, sig);
	}
}

/* ---- ending ---- */

/* Kill what the kernel says are our children: false, if it does not. */
static bool kill_children(const struct guard *guard)
{
	int fd = openat(guard->proc, "thread-self/children", O_RDONLY | O_CLOEXEC);
	FILE *list = fd < 0 ? NULL : fdopen(fd, "r");
	int pid;

	if (!list) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (fscanf(list, "%d", &pid) == 1)
		if (pid > 0)
			kill(pid, SIGKILL);
	fclose(list);
	return true;
}

/* The children of those that are killed become ours: it is asked until there are none. */
static void end_children(struct guard *guard)
{
	int status;

	if (guard->child)
		kill(guard->child, SIGKILL);
	guard->child = 0;
	while (waitpid(-1, &status, kill_children(guard) ? 0 : WNOHANG) > 0 || errno == EINTR)
		;
}

static _Noreturn void keep(struct guard *guard, pid_t face, struct room *room,
			   int (*run)(struct guard *guard, void *data), void *data)
{
	int status;

	prctl(PR_SET_NAME, KEEPER_NAME);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	guard->face = face;
	guard->group = getpgrp();
	setpgid(0, 0);
	signal(SIGTTOU, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, FACE_GONE);
	status = getppid() == face ? run(guard, data) : cli_trouble();
	end_children(guard);
	if (!room_remove(room)) {
		cli_say("%s/%s: cannot remove all of it", room->parent_path, room->name);
		status = cli_trouble();
	}
	status = cli_end(status);
	if (guard->signal && guard->signal != SIGKILL)
		guard_die(guard, guard->signal);
	_exit(status);
}

/* Hand on signals until the keeper has ended; how. */
static int face_keeper(const struct guard *guard, pid_t keeper)
{
	sigset_t set = guard->signals;

	sigaddset(&set, SIGCHLD);
	for (;;) {
		siginfo_t info;
		int sig, status;
		pid_t pid;

		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == keeper)
				return status;
		sig = next_signal(&set, INT64_MAX, &info);
		if (sig != SIGCHLD)
			sigqueue(keeper, sig, (union sigval){ .sival_int = info.si_code == SI_KERNEL });
	}
}

int guarded(struct guard *guard, struct room *room, int (*run)(struct guard *guard, void *data), void *data)
{
	pid_t face = getpid(), keeper;
	int status;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fflush(NULL);
	keeper = fork();
	if (!keeper)
		keep(guard, face, room, run, data);
	if (keeper < 0) {
		cli_say("cannot fork: %s", strerror(errno));
		return cli_trouble();
	}
	status = face_keeper(guard, keeper);
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	/* it has cleaned up if it could */
	end_children(guard);
	room_remove(room);
	if (WTERMSIG(status) == SIGKILL || !sigismember(&guard->signals, WTERMSIG(status))) {
		cli_say("the process that did the work was killed (%s)", strsignal(WTERMSIG(status)));
		return cli_trouble();
	}
	guard_die(guard, WTERMSIG(status));
}
