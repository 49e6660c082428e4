/* SPDX-License-Identifier: MIT */
#ifndef SKT_PROCESS_H
#define SKT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A process that held a socket, or an ancestor of one. Identity is (boot id, pid, start time): execve
 * keeps it, and changes comm, exe and cmdline. What could not be read has no bit in `has` and is unknown.
 * Source: proc(5), fs/proc/array.c.
 */
enum skt_process_field {
	SKT_P_PPID,
	SKT_P_UID, /* the real uid, JSON process_uid */
	SKT_P_COMM,
	SKT_P_EXE,     /* with exe_deleted */
	SKT_P_CMDLINE, /* with cmdline_truncated; a kernel thread has an empty one */
	SKT_P_CGROUP,
	SKT_P_NET_NAMESPACE,
	SKT_P_THREADS,
	SKT_P_STATE,
	SKT_P_START_TIME,
	SKT_P_EXITED,
	SKT_PROCESS_FIELDS,
};

/* No kernel numbers processes higher: PID_MAX_LIMIT, include/linux/threads.h. */
#define SKT_PID_MAX (1u << 22)

struct skt_process {
	uint32_t pid;
	uint32_t ppid;
	uint64_t start_time; /* ticks since boot (field 22 of stat); part of the identity */
	uint64_t net_namespace;
	uint32_t uid;
	uint32_t comm;	  /* string ids, here to cgroup */
	uint32_t exe;	  /* the link's target, without the kernel's " (deleted)" */
	uint32_t cmdline; /* the argv array, each argument followed by NUL, as /proc has it */
	uint32_t cgroup;  /* the file, without the last newline */
	uint32_t threads; /* this and state are as they were when it was identified: capture does not follow them */
	uint32_t has;	  /* SKT_BIT(enum skt_process_field) */
	uint8_t state;	  /* R S D Z T t X I */
	bool exe_deleted;
	bool cmdline_truncated;
	bool exited;	  /* gone, and kept only because a carried socket names it */
	uint32_t sockets; /* how many owner entries of live rows name it; kept by apply, not compared */
};

/* One link that was read: this process had the socket as this descriptor. */
struct skt_owner {
	uint32_t process; /* slot in the snapshot's processes */
	int32_t fd;
};

/* A user name of the recorded host, for www-data here is not www-data there. */
struct skt_user {
	uint32_t uid;
	uint32_t name; /* string id */
};

/* Whether it is part of the snapshot: it exists, or a carried socket names it. */
static inline bool skt_process_is_listed(const struct skt_process *process)
{
	return !process->exited || process->sockets;
}

/* What differs between two processes of one string table, as a mask of SKT_BIT(enum skt_process_field). */
uint32_t skt_process_compare(const struct skt_process *a, const struct skt_process *b);

/*
 * The container in a cgroup path: the first 12 hex digits of the last run of 64 (Docker, containerd,
 * CRI-O, Podman all name the scope after the container's id). Writes 12 digits and NUL to ret and returns
 * true, or returns false.
 */
bool skt_container_id(const char *cgroup, size_t len, char ret[13]);

#endif
