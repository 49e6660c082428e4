/* SPDX-License-Identifier: MIT */
#include "proc/plant.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const struct plant *plant, int rc, const char *what, const char *name)
{
	return skt_err_sys(plant->err, rc, "cannot %s '%s%s'", what, plant->where, name);
}

int plant_directory(struct plant *plant, int dir, const char *name)
{
	int fd;

	if (mkdirat(dir, name, 0777) < 0)
		return fail(plant, -errno, "create", name);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? fail(plant, -errno, "open", name) : fd;
}

int plant_file(struct plant *plant, int dir, const char *name, const void *bytes, size_t len)
{
	/* io_writev() does not write to what it is given */
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666), rc;

	if (fd < 0)
		return fail(plant, -errno, "create", name);
	rc = len ? io_writev(fd, &part, 1) : 0;
	if (close(fd) < 0 && !rc)
		rc = -errno;
	return rc ? fail(plant, rc, "write", name) : 0;
}

int plant_link(struct plant *plant, int dir, const char *name, const char *target)
{
	return symlinkat(target, dir, name) < 0 ? fail(plant, -errno, "create", name) : 0;
}
