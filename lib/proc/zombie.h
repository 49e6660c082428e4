/* SPDX-License-Identifier: MIT */
#ifndef PROC_ZOMBIE_H
#define PROC_ZOMBIE_H

#include "proc/visit.h"

/*
 * The first thread of a process can end with pthread_exit(3) before the others, and then the descriptors of all of
 * them can be seen under task/TID only. (A thread of a living process that has left the common table, unshare(2) with
 * CLONE_FILES, is not looked for: that would be a directory more for each thread of the host.)
 *
 * Visit them: what they show, each link once, takes the place of what was known. 0, or what is wrong.
 */
int zombie_visit(struct visit *visit);

#endif
