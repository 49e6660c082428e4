/* SPDX-License-Identifier: MIT */
#ifndef PROC_IDENTITY_H
#define PROC_IDENTITY_H

#include "proc/look.h"

/*
 * What is known of one process, read from the handle of its directory: as long as the handle is open, its
 * number cannot come to mean another process.
 */

/* What stat(5) says: fields 3, 4, 9, 20 and 22, and the name between the first '(' and the last ')'. */
struct process_stat {
	uint32_t pid;
	uint32_t ppid;
	uint32_t threads;
	uint64_t start_time;
	uint64_t mark; /* of the name and of where program and arguments lie in memory: execve(2) changes it */
	uint8_t state;
	bool exiting;	  /* it has begun to exit: what it had is being taken from it */
	const char *comm; /* in the look's text */
	size_t comm_len;
};

/*
 * PID/stat. 0; -ENOENT where there is none (on a live /proc the process has exited); -EBADMSG where it does not
 * read as the kernel writes it, -ESTALE where it speaks of another process, both told as problems; or what the
 * system says.
 */
int identity_stat(struct look *look, int dir, uint32_t pid, struct process_stat *ret);

/*
 * All of it into ret. thread is the handle of a thread that lives on while its leader is a zombie, or -1:
 * the command line, the program and the namespace of such a process are to be had from it alone. ret_mark is its
 * stat's, 0 where that cannot be read.
 * Returns 0; -ESRCH when the process has exited; -ESTALE when another process's files stand in the
 * place of its own; -ENOMEM, -E2BIG.
 */
int identity_read(struct look *look, int dir, int thread, uint32_t pid, struct skt_process *ret, uint64_t *ret_mark);

/*
 * What is kept of a command line, by the options: its length from here on, and whether that is less than there was.
 * Also for one that does not come out of cmdline.
 */
size_t identity_cmdline(enum skt_cmdline policy, const char *text, size_t len, bool *truncated);

/* The other way: stat and status of a process (identity_text.c). */
void identity_text_stat(const struct skt_snapshot *snapshot, const struct skt_process *process, struct skt_buf *out);
void identity_text_status(const struct skt_snapshot *snapshot, const struct skt_process *process, struct skt_buf *out);

/* PF_EXITING of the flags in stat (include/linux/sched.h): set before memory, program and descriptors go. */
#define PROCESS_EXITING 0x4

/* Whether the state is that of a process that has exited: of its own it has nothing left but its name. */
static inline bool identity_is_zombie(uint8_t state)
{
	return state == 'Z' || state == 'X' || state == 'x';
}

#endif
