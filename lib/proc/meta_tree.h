/* SPDX-License-Identifier: MIT */
#ifndef PROC_META_TREE_H
#define PROC_META_TREE_H

#include "proc/look.h"
#include "proc/meta.h"
#include "proc/told.h"

/*
 * What .skt-meta is for. A tree is read as any other, and what that gives is compared with what it was written of
 * (meta_write()); read again, it is put right (meta_apply()). So nobody has to know what exactly a tree cannot say.
 */

/* The lines of a table in its file's order, the heading aside. */
struct meta_lines {
	const struct skt_table *table;
	size_t row, raw; /* how many of each were given */
	uint32_t slot;	 /* of the row that was given last */
	uint32_t text;	 /* of the line that is none */
};

/* The next one: false at the end. */
bool meta_next_line(struct meta_lines *lines, bool *ret_raw);

/* CRC-32 of the table's text, made in `text`. Without memory text has failed. */
uint32_t meta_crc(const struct skt_snapshot *snapshot, const struct skt_table *table, bool big_endian,
		  struct skt_buf *text);

/*
 * All of .skt-meta into out: what differs between the snapshot and what was read of its tree (changed only to be
 * searched). 0, -ENOMEM or -E2BIG.
 */
int meta_write(const struct skt_snapshot *is, struct skt_snapshot *read, const struct meta_head *head,
	       const struct skt_place *place, struct skt_buf *text, struct skt_buf *out);

/*
 * Make the look's snapshot (empty) what was read of the tree, put right by what follows the place in meta. The options
 * say which tables, namespaces and command lines are wanted; own is the tree's own namespace. Tables of the tree that
 * were edited are told as problems. What was told on the way to the snapshot goes into told, which is empty. 0;
 * -EBADMSG with err filled; -ENOMEM, -E2BIG.
 */
int meta_apply(struct meta *meta, const struct meta_head *head, struct look *look, struct skt_snapshot *read,
	       uint64_t own, struct told *told, struct skt_err *err);

#endif
