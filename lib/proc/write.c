/* SPDX-License-Identifier: MIT */
#include <skt/tree.h>

#include <errno.h>

int skt_tree_write(const struct skt_snapshot *snapshot, const struct skt_host *host, int dirfd, struct skt_err *err)
{
	(void)snapshot;
	(void)host;
	(void)dirfd;
	return skt_err_set(err, -ENOSYS, "writing trees is still to come");
}
