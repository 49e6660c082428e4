/* SPDX-License-Identifier: MIT */
#ifndef COMMAND_H
#define COMMAND_H

#include "guard.h"

/* What may be run on a tree, as env(1) has it. */
enum { COMMAND_TROUBLE = 125, COMMAND_NOT_EXECUTABLE = 126, COMMAND_NOT_FOUND = 127 };

/*
 * Start it on this tree: PROC_ROOT (ss), HOST_PROC (gopsutil and its like) and SKT_PROC name it. It becomes
 * guard->child. What cannot be executed says so, and ends with COMMAND_NOT_FOUND or COMMAND_NOT_EXECUTABLE.
 */
int command_start(struct guard *guard, char **argv, const char *tree, struct skt_err *err);

#endif
