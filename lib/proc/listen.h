/* SPDX-License-Identifier: MIT */
#ifndef PROC_LISTEN_H
#define PROC_LISTEN_H

#include "proc/namespaces.h"
#include "proc/notice.h"

/*
 * Who listens to what the kernel says of sockets that it destroys (proc/notice.h): one socket in each network namespace
 * that is recorded, and one thread that takes what they are told, so that nothing waits for a snapshot.
 *
 *	a notice comes		the thread wakes, waits some milliseconds for others, and takes all of them
 *	nothing comes		nothing is done
 *	a snapshot is taken	what came until then is taken over (listen_take())
 *
 * What the kernel could not hand over (its buffer was full), or what nobody took over in time, is lost, and told with
 * the interval in which that was.
 */

/*
 * What may wait to be taken over, of all namespaces: 16 MiB. It is what 5,000 connections a second leave in 26 seconds.
 */
#define LISTEN_NOTICES_MAX ((size_t)1 << 17)

/* Sockets, and so namespaces: as many as a host full of containers has, and no more than a part of the descriptors. */
#define LISTEN_MAX 1024

/* One namespace. */
struct ear {
	uint64_t inode;
	int fd;
	int64_t since; /* ns since 1970: from when on it has been listened to */
	int64_t empty; /* the same: when nothing was left to be taken, last */
	bool wanted;   /* by the namespaces there are now */
};

struct listen;

/*
 * Begin to listen in the own namespace, of this inode. ret_kinds: of which of the wanted tables the kernel tells. 0, or
 * what is wrong: such sockets are not allowed, there are no such groups, or it tells of none (-EOPNOTSUPP).
 */
int listen_new(const struct skt_capture_options *options, uint64_t own, struct listen **ret, uint32_t *ret_kinds);
void listen_free(struct listen *listen);

/*
 * Follow the namespaces as they are now. The first call starts the thread, so that it has no rights which were given up
 * before. 0, -ENOMEM or -EAGAIN (there are too many threads).
 */
int listen_follow(struct listen *listen, const struct namespaces *all);

/* Whether something was told until now, or lost, that was not taken over. */
bool listen_has_heard(struct listen *listen);

/*
 * Take over what was told until now: n notices behind those that are there. Says in quality what was lost, and which
 * namespaces were not listened to since that instant. 0 or -ENOMEM, when nothing was taken.
 */
int listen_take(struct listen *listen, const struct namespaces *all, int64_t since, struct notice **notices,
		size_t *room, size_t *n, struct skt_quality *quality);

#endif
