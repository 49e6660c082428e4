/* SPDX-License-Identifier: MIT */
#ifndef PROC_MISSED_H
#define PROC_MISSED_H

#include "proc/ledger.h"
#include "proc/line.h"
#include "proc/look.h"
#include "proc/owners.h"

/*
 * Rows that a reading of a table lacks although their sockets are there. The kernel hands out a table a page at a time,
 * and what it keeps between two pages is how many rows it has handed out: of the whole table (UDP and raw sockets:
 * udp_get_idx() of net/ipv4/udp.c, Linux 6.18), or of one chain of its hash (TCP: tcp_seek_last_pos() of
 * net/ipv4/tcp_ipv4.c). Where one of those goes in the meantime the next page begins one row too late. With a thousand
 * sockets of UDP that come and go in a second among six hundred that stay, every sixth reading lacks one of those that
 * stay (measured); of TCP one in some thousands does. Told as it was read, that would be a socket that was closed and
 * opened again.
 *
 *	rows of the look before	    a b c d e f g h		(owners.h has them: next)
 *	this reading		    a b c | e f h		| where a page ends
 *
 * Within a page nothing is passed over: g is gone. d, between the last row of a page and the first of the next one, may
 * be: if one of the descriptors that led to it still does, or nobody can say, or nobody is known who has it, the table
 * is read again, and a row of d in that reading is put into its place. What is in no reading is gone. For those without
 * a known holder, most of which are gone, it is read once more and within the budget of a look; for those that are held
 * twice, within a quarter of the interval or half a second.
 *
 * Only what was known in the look before, and has an inode, is found so. In a capture's first look nothing is known:
 * there a table of more than a page that is not of TCP is read twice, and what the second reading has between two rows
 * between which the first one came to the end of a page is put there, unless a row with its ends was read. A row that
 * is passed over when it is new, in a later look, comes a look late.
 */
struct missed_row {
	uint64_t inode;
	/* inode of the row behind which it stood; of several between two pages that behind which the first one stood */
	uint64_t behind;
	uint32_t number; /* of its inode (owners.h) */
	bool there;	 /* it was read the first time */
	bool wanted;
	bool held;
	bool found; /* it was read later: `sock` */
	struct skt_sock sock;
};

/* The place of the row that has this inode, from 0. */
struct missed_inode {
	uint64_t inode;
	size_t place;
};

/* Where a row that was found belongs: in front of this slot. */
struct missed_place {
	size_t at;
	uint32_t row;
};

struct missed {
	int64_t began; /* boot time at which the first reading did */
	/* with which row a page begins, from 0; or how many rows there are, where the last page had none */
	size_t *borders;
	size_t n_borders, room_borders;
	struct missed_row *rows; /* in the order of the table */
	size_t n_rows, room_rows;
	struct missed_inode *inodes; /* by inode, each once: where in `rows` */
	size_t n_inodes, room_inodes;
	size_t n_wanted;
	size_t n_held; /* of those */
	struct missed_place *places;
	size_t room_places;

	/* in a first look */
	struct missed_inode *read; /* by inode: where in the table */
	size_t n_read, room_read;
	struct missed_inode last; /* that the other reading has come to; inode 0: none */
	size_t n_sure;		  /* rows of which it is known whether they were passed over */
};

/* Of zeros it is one without memory. */
void missed_release(struct missed *missed);

/* A table is read, from this instant of boot time on. And: a page ended behind this many of its rows. 0 or -ENOMEM. */
void missed_begin(struct missed *missed, int64_t began);
int missed_border(struct missed *missed, size_t rows);

/*
 * The table, as it is in the look's snapshot from this slot on, is read to its end: which of the rows of the look
 * before may have been passed over. They are wanted then. 0 or -ENOMEM.
 */
int missed_find(struct missed *missed, struct look *look, const struct owners *owners, struct ledger *ledger,
		size_t first);

/*
 * Read the same file again, through a buffer, if some are wanted, and put those that it has where they stood, into the
 * table that is the snapshot's last and begins with this slot. What cannot be read has none. 0, -ENOMEM or -E2BIG.
 */
int missed_add(struct missed *missed, struct look *look, const struct line_format *format, int fd, char *buffer,
	       size_t size, size_t first);

/* ---- missed_put.c ---- */

/*
 * Put those that were found into that table. In a first look not what has the ends of another row. 0, -ENOMEM or
 * -E2BIG.
 */
int missed_put(struct missed *missed, struct skt_snapshot *snapshot, size_t first);

#endif
