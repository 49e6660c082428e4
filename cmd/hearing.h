/* SPDX-License-Identifier: MIT */
#ifndef HEARING_H
#define HEARING_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Sockets that hear of others which go, in any network namespace. To enter one takes CAP_SYS_ADMIN, which the recorder
 * does not keep: a child does it, which has nothing but that, reads nothing, and does nothing else:
 *
 *	sockrec --- descriptor of a namespace ---> child
 *	        <--- socket(2) opened in it ------
 *
 * It ends when the recorder does, however that ends. Without the capability there is no child, and the own namespace is
 * the only one.
 */
struct hearing {
	uint64_t buffer; /* bytes for what is not taken yet; 0: HEARING_BUFFER */
	pid_t child;	 /* 0: none */
	int fd;		 /* to it */
};

/*
 * Eight thousand notices, what 5,000 connections a second leave in 1.6 seconds. The kernel takes it when it is needed.
 */
#define HEARING_BUFFER (UINT64_C(8) << 20)

/* Start the child, if it is of use. Before threads and the capture, which would be its, too. */
void hearing_begin(struct hearing *hearing);
void hearing_end(struct hearing *hearing);

/* For struct skt_capture_options: data is the hearing. A socket, or a negative errno. */
int hearing_socket(void *data, int netns);

/*
 * The same, of processes: to be told takes CAP_NET_ADMIN, once, before it is given up. And the clock of what is told.
 */
int hearing_processes(void *data);
int64_t hearing_clock(void *data);

#endif
