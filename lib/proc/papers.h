/* SPDX-License-Identifier: MIT */
#ifndef PROC_PAPERS_H
#define PROC_PAPERS_H

#include "proc/crew.h"
#include "proc/tree.h"

/*
 * What identity.h reads of a process, read beforehand by many hands: in a first look at thousands of processes these
 * files are a third of all that the kernel is asked. Hands only read; what it means, and what is wrong with it, is
 * found by who takes it.
 *
 * A paper is read through the process's handle, as it would be without this, and given out once: who asks a second time
 * wants to know how it is now. What is long, or cannot be read for a reason that may pass (no descriptor is left), is
 * not among them.
 */
enum paper { PAPER_STAT, PAPER_STATUS, PAPER_CGROUP, PAPER_NET, PAPER_CMDLINE, PAPER_EXE, PAPERS };

/* As much as a file of procfs shows in one piece; more than nearly all command lines have. */
#define PAPER_MAX ((size_t)4096)

/* Of one process. */
struct papers {
	int dir;	  /* its handle; borrowed */
	bool secret;	  /* its command line is not to be read */
	bool exe_deleted; /* said with the paper of its program, as tree_program() does */
	struct skt_buf texts;
	struct {
		bool there;
		int rc;	   /* what reading it said */
		size_t at; /* where in texts it begins */
		size_t len;
	} paper[PAPERS];
};

/* Ready to be read. */
void papers_init(struct papers *papers, int dir, bool secret);
void papers_release(struct papers *papers);

/* Read those of n processes. */
void papers_read(struct crew *crew, const struct tree *tree, struct papers *papers, size_t n);

/*
 * The paper of this path beneath dir, if it is there: papers are of the process whose handle dir is (they may be NULL),
 * not of a thread of it or of another. True, with what reading it said in ret_rc and, where that is 0, its bytes, which
 * stay as long as papers do; NULL where there are none. It is there no more.
 */
bool papers_take(struct papers *papers, int dir, const char *path, const unsigned char **ret, size_t *ret_len,
		 int *ret_rc);

#endif
