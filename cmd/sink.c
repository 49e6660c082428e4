/* SPDX-License-Identifier: MIT */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a signal is to remove; NULL: nothing. */
static const char *volatile to_remove;

static void on_signal(int number)
{
	const char *path = to_remove;

	if (path)
		unlink(path);
	/* as if there had been no handler: SA_RESETHAND */
	raise(number);
}

static void remove_on_signal(const char *path)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGXFSZ, SIGXCPU };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_NODEFER };
	struct sigaction had;

	to_remove = path;
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (!sigaction(signals[i], NULL, &had) && had.sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
}

static int fail(const struct sink *sink, int code, const char *what, struct skt_err *err)
{
	skt_err_sys(err, code, "%s", what);
	return skt_err_at(err, sink->path, -1), code;
}

/* A file without a name, in the directory in which it is to have one. */
static int open_unnamed(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int fd = dir ? open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) : -1;

	free(dir);
	return fd;
}

int sink_open(struct sink *sink, const char *path, struct skt_err *err)
{
	struct stat status;

	*sink = (struct sink){ .path = path, .fd = -1 };
	if (!strcmp(path, "-")) {
		sink->path = "standard output";
		if (isatty(STDOUT_FILENO)) {
			skt_err_set(err, -EINVAL,
				    "a recording is not for a terminal: redirect standard output, or name a file");
			return -EINVAL;
		}
		sink->fd = STDOUT_FILENO;
		sink->named = true;
		return 0;
	}
	/* said before the work is done; that it is so is seen to when it is named */
	if (!lstat(path, &status)) {
		skt_err_set(err, -EEXIST, "is there already, and nothing is written over it");
		return skt_err_at(err, path, -1), -EEXIST;
	}
	sink->fd = open_unnamed(path);
	if (sink->fd >= 0)
		return 0;
	sink->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (sink->fd < 0)
		return fail(sink, -errno, "cannot create", err);
	sink->named = true;
	remove_on_signal(path);
	return 0;
}

static int give_name(const struct sink *sink)
{
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", sink->fd);
	if (!linkat(AT_FDCWD, self, AT_FDCWD, sink->path, AT_SYMLINK_FOLLOW))
		return 0;
	if (errno != ENOENT)
		return -errno;
	/* there is no /proc here */
	return linkat(sink->fd, "", AT_FDCWD, sink->path, AT_EMPTY_PATH) ? -errno : 0;
}

int sink_keep(struct sink *sink, struct skt_err *err)
{
	int rc;

	/* pipes have nothing to sync */
	if (fdatasync(sink->fd) && errno != EINVAL && errno != EROFS)
		return fail(sink, -errno, "cannot write it to the disk", err);
	rc = sink->named ? 0 : give_name(sink);
	if (rc)
		return fail(sink, rc, "cannot create", err);
	to_remove = NULL;
	if (sink->fd != STDOUT_FILENO)
		close(sink->fd);
	sink->fd = -1;
	return 0;
}

void sink_drop(struct sink *sink)
{
	if (sink->fd < 0 || sink->fd == STDOUT_FILENO)
		return;
	if (sink->named)
		unlink(sink->path);
	to_remove = NULL;
	close(sink->fd);
	sink->fd = -1;
}
