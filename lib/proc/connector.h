/* SPDX-License-Identifier: MIT */
#ifndef PROC_CONNECTOR_H
#define PROC_CONNECTOR_H

#include <stddef.h>
#include <stdint.h>

/*
 * What the kernel says of processes that begin, execute another program and end (linux/cn_proc.h,
 * drivers/connector/cn_proc.c): a message of NETLINK_CONNECTOR with struct cn_msg, then struct proc_event. It tells who
 * is in its first namespaces of users, pids and network only, and numbers are those of the first pid namespace. Threads
 * are told of as processes are; they are passed over.
 */
enum connector_what {
	CONNECTOR_ANSWER, /* to who asked to be told, with `error` */
	CONNECTOR_FORK,
	CONNECTOR_EXEC,
	CONNECTOR_EXIT,
};

struct connector_event {
	uint8_t what;
	uint32_t pid;
	uint32_t parent; /* of CONNECTOR_FORK */
	uint32_t error;	 /* of CONNECTOR_ANSWER: 0, or an errno */
	uint32_t asked;	 /* the same: of which question, one more than its `ack` */
	int64_t when;	 /* CLOCK_MONOTONIC, ns */
};

/*
 * 1: this message is one; 0: it is of something else, or of a thread; -EBADMSG: it is cut short, or says nonsense of
 * its lengths.
 */
int connector_parse(const unsigned char *message, size_t len, struct connector_event *ret);

/*
 * Be told, on a socket that was just opened. 0 or a negative errno: -EPERM where the kernel says so, or nothing, as it
 * does to who lives in other namespaces of users or pids; -ECONNREFUSED in another of the network, or where it cannot
 * do it.
 */
int connector_join(int fd);

#endif
