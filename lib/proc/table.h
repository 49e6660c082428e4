/* SPDX-License-Identifier: MIT */
#ifndef PROC_TABLE_H
#define PROC_TABLE_H

#include "proc/doubles.h"
#include "proc/ledger.h"
#include "proc/look.h"
#include "proc/missed.h"
#include "proc/owners.h"

/*
 * Reads the socket tables. A table is not a snapshot: the kernel hands it out a page at a time, and
 * under churn the same socket comes twice (3,529 in 120 reads, measured), or not at all. Rows that come twice are
 * dropped and counted; those that are missing are looked for (missed.h).
 */
struct table_reader {
	char *buffer; /* as much of the file as has been read and not yet taken */
	size_t size;
	struct doubles doubles;
	const struct owners *owners; /* as they were in the look before; borrowed, as is */
	struct ledger *ledger;
	struct missed missed;
};

void table_reader_init(struct table_reader *reader, const struct owners *owners, struct ledger *ledger);
void table_reader_release(struct table_reader *reader);

/*
 * Read one table into the snapshot: rows in the kernel's order, lines that are no rows kept raw. fd is its file, or the
 * negative errno with which it could not be opened; path is what messages call it. A table that cannot be read or
 * believed is there with status unknown, its error, and no rows. 0, -ENOMEM or -E2BIG.
 */
int table_read(struct table_reader *reader, struct look *look, uint8_t kind, uint64_t net_namespace, int fd,
	       const char *path);

/*
 * Whether these n bytes, read into so much room, are the last that a kernel has. It fills a page with rows until the
 * next one would not fit, or there is none (fs/seq_file.c, seq_read_iter(); since Linux 2.6.0): a page with room for
 * the longest row was the last. To ask on and be told "no more" costs what counting all sockets of the host costs, for
 * tables of TCP and UDP are then gone along from their beginning; and where some have come in the meantime, as many
 * that were read are handed out again.
 */
bool table_was_last(const struct tree *tree, size_t n, size_t room);

/*
 * Put one into the snapshot that is not read this time: its rows are not known. error says why, or 0 where nothing is
 * wrong.
 */
int table_add_unread(struct look *look, uint8_t kind, uint64_t net_namespace, int32_t error);

#endif
