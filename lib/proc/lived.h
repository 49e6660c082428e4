/* SPDX-License-Identifier: MIT */
#ifndef PROC_LIVED_H
#define PROC_LIVED_H

#include "proc/look.h"

/*
 * Processes that began and ended between two snapshots, of which no look can know: the kernel tells of them
 * (proc/connector.h), and a thread, which hears it at once, reads what there is to be read when one executes a program,
 * for a moment later it may be gone.
 *
 *	fork	its number and its parent's, and when
 *	exec	/proc/PID is read, as it is for whoever holds a socket
 *	exit	if it executed nothing, what is left: its name, user and cgroup, while it is a zombie
 *
 * By the instants of these messages, not by when they are heard, is it decided to which step they belong: began after
 * the snapshot before, ended before this one. A process that lives on at a snapshot is forgotten then. A leader that
 * ends before its threads counts as ended; if a look finds it (it is among the snapshot's processes) it is no such
 * process.
 */

struct lived;

/* Begin to listen, where it is allowed. 0, or what is wrong. The tree is borrowed. */
int lived_new(const struct skt_capture_options *options, const struct tree *tree, struct lived **ret);
void lived_free(struct lived *lived);

/* Start the thread, once, so that it has no rights which were given up before. 0, -ENOMEM or -EAGAIN. */
int lived_start(struct lived *lived);

/* Whether somebody ended, or it was lost who, that was not taken over. */
bool lived_has_heard(struct lived *lived);

/*
 * Take over those that ended before this snapshot (the last one: until now), and say in its quality how far they are
 * all. 0 or -ENOMEM: then there are none to tell.
 */
int lived_take(struct lived *lived, struct skt_snapshot *snapshot, bool last);

/* Give those to the step, which has been applied and led to this snapshot, and to the snapshot. 0 or -ENOMEM. */
int lived_tell(struct lived *lived, struct skt_snapshot *now, struct skt_step *step);

/*
 * What the thread does with each message, and the table that it fills: without a socket or a thread, for tests, is a
 * lived of lived_new_deaf().
 */
struct connector_event;
struct lived *lived_new_deaf(const struct skt_capture_options *options, const struct tree *tree);
void lived_hear(struct lived *lived, const struct connector_event *event);

#endif
