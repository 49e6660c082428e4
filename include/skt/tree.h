/* SPDX-License-Identifier: MIT */
#ifndef SKT_TREE_H
#define SKT_TREE_H

#include <skt/buf.h>
#include <skt/capture.h>
#include <skt/err.h>
#include <skt/place.h>
#include <skt/snapshot.h>

#include <stdbool.h>

/*
 * The way back: what was captured, as the kernel wrote it. A recorded instant becomes a directory that looks like
 * /proc, for programs that know nothing of recordings; and capture reads it back as the snapshot that it was.
 *
 *	.skt-meta		what a tree cannot say (below); other programs pass over it
 *	net/tcp ...		the tables of the host's own network namespace, as skt_table_text() has them
 *	self/ns/net, self/net	which namespace that is. A directory: there is no process behind it
 *	stat  uptime  sys/kernel/{hostname,osrelease,ostype,pid_max,random/boot_id}
 *	loadavg meminfo cpuinfo vmstat	not recorded, and there for readers that insist (ps, top, free)
 *	PID/{stat,status,statm,comm,cmdline,cgroup,exe,fd/N,ns/net,net}
 *
 * PID/net is a link to ../net where the process lives in the host's own namespace. Of those that live in another, the
 * one with the lowest number has that namespace's tables, and the others have a link to his.
 *
 * A table that is unknown has no file, unless lines of it were kept. Known readers give up where net/tcp, net/udp or
 * net/unix are missing: what was not recorded of these is there with a heading only. stat and status are complete in
 * form: what was not recorded is 0 in them (the state is '?'; effective and other uids are the real one again), a
 * command line that was not recorded is empty, and any other file or link of what was not recorded is missing. There
 * are no descriptors but sockets.
 *
 * .skt-meta holds what reading the tree alone would not give back: times, quality, users, its place in the recording,
 * owners that are no links (carried), gaps, tables that are stale, unknown or of a namespace in which no process of the
 * snapshot lives, processes that have exited, and whatever of a damaged or hostile recording has no place in a tree. It
 * is made by reading the tree just written and comparing; so what it does not mention is read from the tree, and a tree
 * may be edited: a table that is not as it was written any more is read as it stands, and what .skt-meta says of its
 * rows does not count; a process that was taken out is gone, one that was put in is there. Without .skt-meta it is a
 * tree like any other.
 *
 * It is text, of lines of words one blank apart. A TEXT is the last of its line and escaped (skt/escape.h), so it may
 * hold blanks. Numbers are decimal, addresses all their 16 bytes in hex, enumerations the numbers of these headers.
 *
 *	skt-tree 1			the version: another one is refused
 *	byte_order little|big		of the tables
 *	btime NS|unknown		of which the line in stat has the seconds; other ones there count, by now
 *	time NS				and end, boottime, number, missed, quality N...: as in struct skt_snapshot
 *	finding KIND TABLE PID FD INODE NET_NAMESPACE	and more_findings N
 *	made NAME...			files of net/ that were not recorded and are there for readers that insist
 *	zero FILE FIELD...		what was not recorded of any process, and stands in its file as 0 (for people:
 *					not read)
 *	interval NS			of the recording; and where the snapshot stands in it (skt/place.h):
 *	gap N				where one lies before it
 *	last UNTIL MISSED		where it is the last
 *	mark BACK TIME TEXT		each
 *	user UID NAME
 *	process tree PID HAS TRUNCATED	numbered from 0. It is in the tree, of which what is in HAS was recorded
 *	process here PID HAS TRUNCATED IN_TREE PPID START_TIME NET_NAMESPACE UID THREADS STATE EXE_DELETED EXITED
 *					it differs from what is in the tree, or is not there at all; a line each for
 *	comm TEXT			and exe, cmdline, cgroup
 *	table KIND NET_NAMESPACE SOURCE STATUS ERROR READ_TIME READ_US DUPLICATES MALFORMED LINES file CRC
 *					its LINES stand in its file, if that reads as what has this CRC-32, but for
 *					those told here
 *	table ... LINES here		all of its lines follow
 *	heading TEXT			if that is another
 *	row LINE ...			line LINE (from 0, the heading aside) is this row, but for its owners;
 *	tail TEXT			where it has one, and text TEXT
 *	raw LINE TEXT			line LINE is no row
 *	owner LINE OWNER GAPS P/FD ...	who holds the row, process by number, where the tree's links say otherwise
 *	told EVENTS LIVED		what was told on the way to the snapshot, if anything was: so many lines each of
 *	event KIND NET_NAMESPACE ROW WHEN SOURCE CHANGE STATE LOCAL_ADDRESS LOCAL_PORT REMOTE_ADDRESS REMOTE_PORT
 *	      HAS UID INODE BYTES_SENT BYTES_RECEIVED DURATION_US RTT_US RETRANSMITS LATE_US
 *					ROW: 0 none; 1 it went with the step; N + 2 the Nth row of its table, from 0
 *	process here ...		one that no look has seen, with its four lines; at most SKT_LIVED_MAX, which no
 *					recorder exceeds
 *	end
 *
 * Read, it is a stranger's: what does not read as it is written, down to a missing last line, is refused (-EBADMSG,
 * with the line), and so is what no recording could hold.
 */

/*
 * Write the snapshot as a tree into dirfd, an empty directory (borrowed; it can be read, and is on a file system with
 * symbolic links). host is what the recording says of its host: "", -1 and 0 where it says nothing. Its net_namespace
 * is the one whose tables are net/; where that is 0, the first table's. Its big_endian is the byte order in which
 * tables are written: the recorded machine's, if they are to be as they were recorded. place is where the snapshot
 * stands in its recording (NULL: nowhere).
 *
 * Modes are those of umask(2). Nothing is written but beneath dirfd, under names that are numbers or constants, and no
 * link is followed: whatever the recording holds ends up as the content of a file or the target of a link, and links
 * lead to where they say, or nowhere.
 *
 * Returns 0; -ENOTEMPTY; -ENOMEM; -ENOSYS without openat2(2) (Linux 5.6); or what the system says, with the file in the
 * message. Whole or not at all is the caller's: after a failure there is a part of a tree in dirfd, and it has no
 * .skt-meta, which is written last. So write into a new directory beside the place, and rename it.
 *
 * What capture (skt/capture.h: all tables, all namespaces, whole command lines) makes of the tree then is
 * skt_snapshot_equal() to the snapshot, whatever that holds (a cursor's must want all: SKT_WANT_ALL; and a
 * hostile timer that runs out later than in 2^42 ms is cut to that), and its host and place are the same. What equality
 * does not look at may differ: slots, string ids, where in its tick a timer runs out, and who held a row before nobody
 * did.
 */
int skt_tree_write(const struct skt_snapshot *snapshot, const struct skt_host *host, const struct skt_place *place,
		   int dirfd, struct skt_err *err);

/*
 * A table as the text that stood in its file: heading, rows in order, lines that are no rows in their places. Row
 * numbers (`sl`) count from 0 again, and rows dropped as duplicates are not there. big_endian is the recorded machine's
 * byte order.
 */
void skt_table_text(const struct skt_snapshot *snapshot, const struct skt_table *table, bool big_endian,
		    struct skt_buf *out);

#endif
