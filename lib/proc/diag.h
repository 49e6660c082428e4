/* SPDX-License-Identifier: MIT */
#ifndef PROC_DIAG_H
#define PROC_DIAG_H

#include <stdbool.h>

/*
 * What sockets of NETLINK_SOCK_DIAG are asked, of one that was just opened. The kernel multicasts what becomes of
 * sockets to whoever joined (Linux 4.3), privileged or not, and only if it has the module that could be asked about
 * them.
 */

/*
 * Be told of each socket of TCP and UDP that is destroyed in its namespace. 0 or a negative errno; -EINVAL: there are
 * no such groups.
 */
int diag_join(int fd);

/* Whether this kernel has what tells of this kind of table (enum skt_table_kind). Not of a socket that has joined. */
bool diag_tells(int fd, unsigned kind);

#endif
