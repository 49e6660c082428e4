/* SPDX-License-Identifier: MIT */
#include "base/io.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

int io_writev(int fd, struct iovec *parts, int n)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	while (n) {
		ssize_t wrote;

		if (!parts->iov_len) {
			parts++;
			n--;
			continue;
		}
		wrote = writev(fd, parts, n);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0 && errno == EAGAIN) {
			/* a pipe that whoever else has it does not want to wait for; we do */
			(void)poll(&ready, 1, -1);
			continue;
		}
		/* nothing, and no reason why: it could go on like that for ever */
		if (wrote <= 0)
			return wrote ? -errno : -EIO;
		for (; n && (size_t)wrote >= parts->iov_len; parts++, n--) {
			wrote -= (ssize_t)parts->iov_len;
			parts->iov_len = 0;
		}
		if (n) {
			parts->iov_base = (char *)parts->iov_base + wrote;
			parts->iov_len -= (size_t)wrote;
		}
	}
	return 0;
}

int64_t io_pread(int fd, void *bytes, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = pread(fd, (char *)bytes + done, len - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		done += (size_t)got;
	}
	return (int64_t)done;
}
