/* SPDX-License-Identifier: MIT */
#ifndef PRESENT_H
#define PRESENT_H

/*
 * Some programs look themselves up in /proc by their number (ps, top), and give up where they are not there. So a
 * process that COMMAND starts, and COMMAND itself, is in the tree over /proc from the moment on at which it executes a
 * program:
 *
 *	/proc/4711 -> .real/4711
 *
 * The kernel holds each execve(2) until it is (seccomp_unotify(2)), so nobody is early. Numbers begin behind those that
 * were recorded, where the kernel lets us; one that a recorded process has stays his. What has exited goes with the
 * next that comes.
 */

/*
 * For the init: a process that sees to it, for all that are started from now on. dir is the tree over /proc. Where the
 * kernel does not have it, or somebody outside has it already, nothing is done, and such programs are not there.
 */
void present_begin(int dir);

#endif
