/* SPDX-License-Identifier: MIT */
#ifndef PROC_LINE_H
#define PROC_LINE_H

#include <skt/buf.h>
#include <skt/snapshot.h>

#include <stdbool.h>
#include <stddef.h>

/*
 * One line of a socket table, both ways, side by side: what line_print() writes line_parse() read, byte for byte (the
 * row number `sl` aside). Layouts: net/ipv4/tcp_ipv4.c get_tcp4_sock(), get_openreq4(), get_timewait4_sock();
 * net/ipv6/tcp_ipv6.c; net/ipv4/udp.c udp4_format_sock(); net/ipv6/datagram.c __ip6_dgram_sock_seq_show();
 * net/ipv4/raw.c raw_sock_seq_show().
 */
struct line_format {
	uint8_t kind; /* enum skt_table_kind */
	bool big_endian;
	int64_t boottime; /* the snapshot's: timers count from it */
};

/*
 * No row that a kernel prints is longer: 88 bytes up to the end of two IPv6 addresses, 200 for all other columns at
 * their widest (two numbers of 20 digits, a pointer of 16, an inode of 20, the others of 11 at most).
 */
#define LINE_ROW_MAX 384

/*
 * Read one line (without its newline). Returns 1 and fills ret (owners and table left 0) when the columns up to inode
 * parse; 0 when they do not, with the column (byte offset) at which it went wrong through ret_at; or -ENOMEM, -E2BIG. A
 * row spelled otherwise than the kernel spells it keeps its text, columns after the known ones are kept as tail.
 */
int line_parse(const struct line_format *format, const char *line, size_t len, struct skt_strtab *strings,
	       struct skt_sock *ret, size_t *ret_at);

/* Append the line, with this row number and a newline. */
void line_print(const struct line_format *format, const struct skt_sock *sock, unsigned sl,
		const struct skt_strtab *strings, struct skt_buf *out);

/* The heading that a kernel prints over such a table, its words one blank apart. */
const char *line_heading(uint8_t kind);

/* Whether this is that heading, blanks aside. "ref pointer drops" may be missing: it was before Linux 2.6.27. */
bool line_is_heading(uint8_t kind, const char *line, size_t len);

#endif
