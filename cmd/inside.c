/* SPDX-License-Identifier: MIT */
#include "inside.h"

#include "cli.h"
#include "command.h"
#include "order.h"
#include "present.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROC "/proc"
#define REAL ".real"

static int refused(const char *call, struct skt_err *err)
{
	return skt_err_sys(err, -errno, "--mount: not allowed here: %s", call);
}

/* ---- namespaces ---- */

static int write_map(const struct guard *guard, const char *path, const char *text, struct skt_err *err)
{
	int fd = openat(guard->proc, path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
	int code = errno;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return skt_err_sys(err, -code, "--mount: not allowed here: write to /proc/%s", path);
	return 0;
}

/* Everybody stays who he is. */
static int map_users(const struct guard *guard, uid_t uid, gid_t gid, struct skt_err *err)
{
	char text[64];
	int rc;

	/* kernels before 3.19 have no such file, and do not ask for it */
	rc = write_map(guard, "self/setgroups", "deny", err);
	if (rc && rc != -ENOENT)
		return rc;
	snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	rc = write_map(guard, "self/uid_map", text, err);
	snprintf(text, sizeof(text), "%u %u 1", gid, gid);
	return rc ? rc : write_map(guard, "self/gid_map", text, err);
}

static int leave(const struct guard *guard, struct skt_err *err)
{
	int namespaces = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID, rc = 0;
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(namespaces)) {
		if (errno != EPERM || unshare(namespaces | CLONE_NEWUSER))
			return refused("unshare(2)", err);
		rc = map_users(guard, uid, gid, err);
	}
	/* nothing that is mounted here is seen outside */
	if (!rc && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		rc = refused("mount(2) of private propagation", err);
	return rc;
}

/* Programs that talk to themselves over the loopback can; where they cannot, that is no reason to do nothing. */
static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	(void)ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
}

/* ---- the init ---- */

/* What is about whoever asks is not of the past. */
static int link_self(int proc, struct skt_err *err)
{
	static const char *const links[][2] = { { "self", REAL "/self" },
						{ "thread-self", REAL "/thread-self" },
						{ "mounts", "self/mounts" } };

	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		if (symlinkat(links[i][1], proc, links[i][0]))
			return skt_err_sys(err, -errno, "cannot make %s in the tree", links[i][0]);
	return 0;
}

static int mount_tree(const struct inside *inside, struct skt_err *err)
{
	int proc = -1, rc;

	if (mount("tmpfs", PROC, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755"))
		return refused("mount(2) of a tmpfs", err);
	proc = open(PROC, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return skt_err_sys(err, -errno, "cannot open the tree");
	rc = inside->write(inside->data, proc, err);
	if (!rc)
		rc = order_tree(proc, err);
	/* that of the tree is nobody */
	if (!rc && !room_clear(proc, "self"))
		rc = skt_err_set(err, -ENOTEMPTY, "cannot replace self in the tree");
	if (!rc && mkdirat(proc, REAL, 0555))
		rc = skt_err_sys(err, -errno, "cannot make a directory in the tree");
	if (!rc && mount("proc", PROC "/" REAL, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		rc = refused("mount(2) of a procfs", err);
	if (!rc)
		rc = link_self(proc, err);
	if (!rc)
		present_begin(proc);
	close(proc);
	return rc;
}

static _Noreturn void be_init(struct guard *guard, const struct inside *inside, int line)
{
	struct skt_err err;
	char byte;
	int rc;

	skt_err_init(&err);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* the keeper is there, and has put us into the group that COMMAND is to be in */
	if (read(line, &byte, 1) != 1)
		_exit(COMMAND_TROUBLE);
	guard->face = 0;
	guard->group = 0;
	/* anybody may look into a /proc */
	umask(0022);
	raise_loopback();
	rc = mount_tree(inside, &err);
	if (!rc)
		rc = command_start(guard, inside->argv, PROC, &err);
	if (rc) {
		cli_err(&err);
		_exit(COMMAND_TROUBLE);
	}
	if (guard_wait(guard, INT64_MAX) == GUARD_CHILD)
		_exit(guard_status(guard->status));
	_exit(128 + guard->signal);
}

int inside_run(struct guard *guard, const struct inside *inside)
{
	struct skt_err err;
	int line[2], rc;
	pid_t init;

	skt_err_init(&err);
	rc = pipe2(line, O_CLOEXEC) ? skt_err_sys(&err, -errno, "cannot make a pipe") : leave(guard, &err);
	if (rc) {
		cli_err(&err);
		return COMMAND_TROUBLE;
	}
	init = fork();
	if (!init) {
		close(line[1]);
		be_init(guard, inside, line[0]);
	}
	if (init < 0) {
		skt_err_sys(&err, -errno, "cannot fork");
		cli_err(&err);
		return COMMAND_TROUBLE;
	}
	guard->child = init;
	setpgid(init, guard->group);
	if (write(line[1], "", 1) < 0)
		kill(init, SIGKILL);
	close(line[0]);
	close(line[1]);
	return guard_wait(guard, INT64_MAX) == GUARD_CHILD ? guard_status(guard->status) : 128 + guard->signal;
}
