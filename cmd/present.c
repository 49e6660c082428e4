/* SPDX-License-Identifier: MIT */
#include "present.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REAL	 ".real/"
#define LAST_PID REAL "sys/kernel/ns_last_pid"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCH AUDIT_ARCH_AARCH64
#endif

/* ---- numbers ---- */

/* Behind all that were recorded: a kernel on which such a number is none refuses it. */
static void number_behind(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	unsigned long last = 0;

	while (listing && (entry = readdir(listing))) {
		unsigned long number = strtoul(entry->d_name, NULL, 10);

		last = number > last ? number : last;
	}
	if (listing)
		closedir(listing);
	else if (fd >= 0)
		close(fd);
	fd = openat(dir, LAST_PID, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)!dprintf(fd, "%lu", last);
	close(fd);
}

#ifdef ARCH

/* ---- who is there ---- */

/* Links to those that have exited lead nowhere. */
static void forget_exited(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (listing && (entry = readdir(listing)))
		if (entry->d_type == DT_LNK && entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    faccessat(dir, entry->d_name, F_OK, 0) && errno == ENOENT)
			unlinkat(dir, entry->d_name, 0);
	if (listing)
		closedir(listing);
	else if (fd >= 0)
		close(fd);
}

static void add(int dir, unsigned pid)
{
	char name[16], target[32];

	snprintf(name, sizeof(name), "%u", pid);
	snprintf(target, sizeof(target), REAL "%u", pid);
	(void)!symlinkat(target, dir, name);
}

/* ---- asking ---- */

/*
 * Have every execve(2) of this process and of all that come from it wait for an answer: where it is asked for, or -1.
 */
static int listen_to_all(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_execve, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_execveat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(filter) / sizeof(*filter), .filter = filter };

	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static _Noreturn void answer(int listener, int dir)
{
	/* a newer kernel may have more to say */
	union {
		struct seccomp_notif notice;
		char room[512];
	} question;
	union {
		struct seccomp_notif_resp response;
		char room[512];
	} reply;

	for (;;) {
		memset(&question, 0, sizeof(question));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &question.notice)) {
			/* ENOENT: whoever asked was killed meanwhile */
			if (errno == EINTR || errno == ENOENT)
				continue;
			_exit(0);
		}
		forget_exited(dir);
		add(dir, question.notice.pid);
		memset(&reply, 0, sizeof(reply));
		reply.response.id = question.notice.id;
		reply.response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply.response);
	}
}

void present_begin(int dir)
{
	int listener = listen_to_all();
	pid_t pid = listener < 0 ? -1 : fork();

	if (!pid)
		answer(listener, dir);
	if (listener >= 0)
		close(listener);
	number_behind(dir);
}

#else

void present_begin(int dir)
{
	number_behind(dir);
}

#endif
