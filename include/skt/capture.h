/* SPDX-License-Identifier: MIT */
#ifndef SKT_CAPTURE_H
#define SKT_CAPTURE_H

#include <skt/err.h>
#include <skt/place.h>
#include <skt/snapshot.h>
#include <skt/step.h>

#include <stdbool.h>
#include <stdint.h>

/*
 * Capture: the one place that reads /proc, or a tree of files that looks like it. Everything is opened
 * through one directory handle; no path to /proc is known here. What is missing is unknown, what is
 * wrong is counted and told as a problem, and neither ends a recording.
 */

/* A clock, so that tests bring theirs. Instants in ns. */
struct skt_clock {
	void (*read)(void *data, int64_t *ret_realtime, int64_t *ret_boottime);
	void *data;
};

/* What is kept of command lines: they hold secrets. */
enum skt_cmdline {
	SKT_CMDLINE_FULL,
	SKT_CMDLINE_ARGV0, /* the first argument; cmdline_truncated where there were more */
	SKT_CMDLINE_NONE,  /* unknown; not even read */
};

struct skt_capture_options {
	const char *name; /* what the tree is called in messages ("/proc"); borrowed for as long as the capture lives */
	uint32_t tables;  /* 1 << enum skt_table_kind for each wanted */
	/* passwd(5) of the recorded host, for user names; -1: none. Borrowed. No name service is asked. */
	int passwd_fd;
	bool big_endian; /* the recorded machine's byte order, in which the tables print addresses */
	enum skt_cmdline cmdline;
	struct skt_clock clock;
	/* ns from one snapshot to the next: what may wait is kept to a part of it; 0: all is read in each */
	int64_t interval;
	int64_t full_walk;   /* ns within which everything is read again that is not read each time; 0: SKT_FULL_WALK */
	bool all_namespaces; /* network namespaces: all that somebody lives in, not only the tree's own */
	int64_t netns_interval; /* ns in which each of the others is read at least once; 0: SKT_NETNS_INTERVAL */
	/*
	 * How many may ask for descriptors at once where all are read in one call, 4 at most: the caller, and threads
	 * that are made when they are first needed, take no signals, and end with the capture. 0, 1: the caller alone.
	 */
	unsigned hands;

	/*
	 * A socket(2) of NETLINK_SOCK_DIAG in the network namespace that a descriptor leads to (-1: the own one), with
	 * the buffer it shall have; or a negative errno. The capture closes it. NULL: nobody listens to sockets that
	 * go. It is asked for while skt_capture_open() or skt_capture_next() runs.
	 */
	int (*events_socket)(void *data, int netns);
	/*
	 * A socket(2) of NETLINK_CONNECTOR, the same way, and CLOCK_MONOTONIC in ns, by which its messages go. NULL:
	 * nobody listens to processes that come and go. Numbers are those of the first pid namespace: the tree has to
	 * be of that.
	 */
	int (*processes_socket)(void *data);
	int64_t (*processes_clock)(void *data);
	void *events_data;
};

#define SKT_FULL_WALK	   INT64_C(30000000000)
#define SKT_NETNS_INTERVAL INT64_C(10000000000)

/* The recorded host, as far as the tree tells. Text is "" and btime -1 where it does not. */
struct skt_host {
	char name[65];		/* sys/kernel/hostname */
	char kernel[65];	/* sys/kernel/osrelease */
	char boot_id[37];	/* sys/kernel/random/boot_id */
	int64_t btime;		/* ns since 1970 at which it booted, from stat(5) */
	uint64_t net_namespace; /* inode of self/ns/net; 0 unknown */
	bool big_endian;	/* the byte order of its tables */
};

struct skt_capture;

/*
 * Begin to capture from the directory proc_fd (borrowed until skt_capture_free()). Fails, with what is wrong,
 * if it is not a directory with net/ in it, or none of the wanted tables exists there. Whether it is a running
 * kernel's /proc (statfs(2) says procfs) or a tree of files is found out here (and whether .skt-meta is in that): on a
 * live one equal rows without `sk` are duplicates, in a tree twins; in a tree every path is resolved beneath proc_fd
 * (openat2(2)).
 */
int skt_capture_open(int proc_fd, const struct skt_capture_options *options, struct skt_capture **ret,
		     struct skt_err *err);
void skt_capture_free(struct skt_capture *capture);

bool skt_capture_is_live(const struct skt_capture *capture);
const struct skt_host *skt_capture_host(const struct skt_capture *capture);

/*
 * One snapshot into ret, which is initialised, and is emptied first (its string table is kept and added
 * to). Tables are read first and descriptors after. number, missed and owners' history are the caller's business.
 *
 * Holders are looked for by need: what is known of each process from one look to the next is not read again at every
 * one, but within full_walk; in between only inodes without a known holder are looked for. Where all of it takes no
 * more than a part of the interval each look is a full one, as are the first, one without an interval, and each of a
 * tree of files. quality tells which it was.
 *
 * In a snapshot are all holders, their ancestors up to pid 1, and each process that was in an earlier one and still
 * exists; so a process that is missing from the next snapshot has exited. A process is identified through a handle on
 * its directory when it is first in a snapshot, when it has executed another program, and within full_walk again:
 * its threads and state are as they were then.
 *
 * Tables of the tree's own network namespace are read each time. Those of others (an empty one costs 7 ms, measured)
 * take turns on a running kernel, all of them at the first call: as many as fit into a twentieth of the interval, the
 * oldest first, and more where that is needed to read each once in netns_interval, up to half of the interval. One
 * whose turn it is not is there with status unknown, error 0 and no rows; one of a namespace that nobody lives in any
 * more is not there. A namespace that somebody moved into is found at once if he is new, else within full_walk. Where
 * it is not known which namespace is the tree's own (self/ns/net), that one is the only one.
 *
 * Findings are made of a running kernel only. To know a socket that is in use and in no table its descriptor is copied
 * for a moment (pidfd_getfd(2)); where that is not allowed nothing is said of it.
 *
 * A table that cannot be read, or whose heading is not the kernel's (-EBADMSG; its lines are kept raw), is there
 * with status unknown. An inode that nobody is known to hold is `unheld` once all descriptors were read twice since it
 * was first seen without finding anybody, in a tree once; until then it is unknown with the gaps of the look, or
 * unsearched where it had none. A holder's row is `unsearched`, too, until all were read once. A tree without processes
 * says nothing of owners; a process of a tree without fd/ counts as denied. A zombie has no command line, program or
 * namespace: they are unknown, not empty.
 *
 * A tree that was written of a snapshot (skt/tree.h) says itself, in .skt-meta, when it was and what links and files
 * cannot: then ret is that snapshot, with number and missed, as far as the options want it.
 *
 * Returns 0, or -ENOMEM or -E2BIG, or -EBADMSG or -EPROTONOSUPPORT where .skt-meta is wrong or newer; whatever else
 * fails is in the snapshot.
 */
int skt_capture_next(struct skt_capture *capture, struct skt_snapshot *ret, struct skt_err *err);

/*
 * Of a tree that was written of a snapshot, what .skt-meta said when it was opened or last read: the snapshot's time
 * and boottime, and where it stood in its recording. Borrowed until the next call. NULL: it is another.
 */
const struct skt_place *skt_capture_place(const struct skt_capture *capture, int64_t *ret_time, int64_t *ret_boottime);

/*
 * Of which tables' sockets the kernel tells when they go: 1 << enum skt_table_kind each; 0 with the reason in *ret_why
 * (a negative errno; 0: nobody asked). Found out when the capture was opened, for a running kernel with an interval.
 */
uint32_t skt_capture_events(const struct skt_capture *capture, int *ret_why);

/*
 * Whether the kernel tells of processes that come and go: 0; or why not, a negative errno (1: nobody asked). The same
 * way.
 */
int skt_capture_processes(const struct skt_capture *capture);

/* Whether something was told, or it is known that something was lost, since the last snapshot was taken. */
bool skt_capture_has_heard(struct skt_capture *capture);

/*
 * The next snapshot is the last one. What is told while it is taken, and would be that of the next step, is put into
 * its own: so nothing that was heard is left over.
 */
void skt_capture_last(struct skt_capture *capture);

/*
 * Put into the step what was told since the one before of sockets that went (struct skt_event), and, into `now` as
 * well, processes that began and ended since (skt_change_is_lived()): after the snapshot was captured, matched, and the
 * step applied to `now`. A thread listens all the time, so instants are right to some milliseconds; quality says what
 * was lost, and where nobody listened. Of a tree that was written of a snapshot: what was told before that. 0 or
 * -ENOMEM.
 */
int skt_capture_tell(struct skt_capture *capture, struct skt_snapshot *now, struct skt_step *step);

/*
 * What was wrong with the tree in the last snapshot (a file that cannot be read, a line that is no row), each with
 * path and line. At most SKT_PROBLEMS_MAX are kept, ret_total says how many there were. Processes that exited or
 * are denied are no problems: quality counts them. Borrowed until the next call.
 */
#define SKT_PROBLEMS_MAX 64
const struct skt_err *skt_capture_problems(const struct skt_capture *capture, size_t *ret_kept, uint64_t *ret_total);

#endif
