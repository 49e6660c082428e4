/* SPDX-License-Identifier: MIT */
#ifndef PROC_META_H
#define PROC_META_H

#include <skt/buf.h>
#include <skt/capture.h>
#include <skt/err.h>
#include <skt/place.h>
#include <skt/snapshot.h>

#include "base/scan.h"

/*
 * .skt-meta of a tree: what reading the tree alone does not give back, line by line as skt/tree.h says.
 *
 * All that stands here comes from outside. What is read is held against the limits of what it becomes; a number of a
 * process is checked where it is used. Each put_x() has its get_x() beside it.
 */
#define META_FILE    ".skt-meta"
#define META_VERSION 1

/*
 * Twice what a table of two million rows takes that nobody was allowed to look for, at 25 bytes each, or what all
 * strings of a group take.
 */
#define META_MAX ((size_t)256 << 20)

/* Files of net/ that may be made up: those of the tables by kind, and net/unix. */
#define META_MADE_UNIX SKT_TABLE_KINDS

struct meta_head {
	bool big_endian;
	int64_t btime; /* ns, where the line in stat has but seconds; -1 unknown */
	int64_t time;
	int64_t end;
	int64_t boottime;
	uint64_t number;
	uint32_t missed;
	struct skt_quality quality;
	uint32_t made; /* 1 << enum skt_table_kind or META_MADE_UNIX */
};

struct meta_process {
	struct skt_process process; /* for one in the tree: pid, has and cmdline_truncated alone */
	bool here;		    /* all of it is told */
	bool in_tree;		    /* the tree has files of it, and links of what it holds */
};

struct meta_table {
	struct skt_table table; /* without rows, lines and heading */
	uint64_t lines;
	bool here;
	uint32_t crc;
};

/*
 * Reading: a line is taken by its first word, and then its fields one by one. The first failure sticks: nothing is
 * taken from then on, every field is 0, and meta_err() says where it was.
 */
struct meta {
	const char *next; /* the line after the one that is being read */
	const char *end;
	struct scan line;
	uint64_t number; /* of that line, from 1 */
	bool bad;
	int rc;		      /* -ENOMEM or -E2BIG, which is nobody's fault */
	struct skt_buf *text; /* for one text at a time; borrowed */
};

/* Begin to read bytes, borrowed. 0; -EPROTONOSUPPORT or -EBADMSG with err filled where it is none of this version. */
int meta_begin(struct meta *meta, const char *bytes, size_t len, struct skt_buf *text, struct skt_err *err);

/* Whether the next line begins with this word; then it is taken, and meta_done() says that all of it was. */
bool meta_line(struct meta *meta, const char *word);
void meta_done(struct meta *meta);

/* Fail. What was wrong: 0, or negative with err filled (path: the file's name). */
void meta_fail(struct meta *meta);
int meta_err(const struct meta *meta, struct skt_err *err);

/* Whether another field stands in the line, and the next one. */
bool meta_more(const struct meta *meta);
uint64_t meta_number(struct meta *meta, uint64_t max);
int64_t meta_signed(struct meta *meta, int64_t max);

uint32_t meta_32(struct meta *meta);
uint8_t meta_8(struct meta *meta);
int64_t meta_time(struct meta *meta);
uint8_t meta_kind(struct meta *meta); /* enum skt_table_kind, by its name */
void meta_address(struct meta *meta, uint8_t ret[16]);
/* The same in a table of this kind: of IPv4 it has four bytes and no others, for recordings have no more of it. */
void meta_address_of(struct meta *meta, uint8_t kind, uint8_t ret[16]);

/* The rest of the line: in meta->text, and as a string of this table. */
void meta_bytes(struct meta *meta);
uint32_t meta_text(struct meta *meta, struct skt_strtab *strings);

/*
 * Writing: a blank and a number; a blank, a text and the end of the line; a line "word TEXT"; and the line of one that
 * is no row.
 */
void meta_put_number(struct skt_buf *out, uint64_t number);
void meta_put_signed(struct skt_buf *out, int64_t number);
void meta_put_address(struct skt_buf *out, const uint8_t address[16]);
void meta_put_escaped(struct skt_buf *out, const struct skt_strtab *strings, uint32_t id);
void meta_put_text(struct skt_buf *out, const char *word, const struct skt_strtab *strings, uint32_t id);
void meta_put_raw(struct skt_buf *out, const struct skt_strtab *strings, uint64_t line, uint32_t id);

void meta_put_head(struct skt_buf *out, const struct meta_head *head);
void meta_get_head(struct meta *meta, struct meta_head *ret);

/*
 * What follows the head. ret is all 0, or another one, which is released; it is the caller's where reading fails, too.
 */
void meta_put_place(struct skt_buf *out, const struct skt_place *place);
void meta_get_place(struct meta *meta, struct skt_place *ret);

void meta_put_user(struct skt_buf *out, const struct skt_strtab *strings, const struct skt_user *user);
void meta_get_user(struct meta *meta, struct skt_strtab *strings, struct skt_user *ret);

void meta_put_process(struct skt_buf *out, const struct skt_strtab *strings, const struct meta_process *process);
void meta_get_process(struct meta *meta, struct skt_strtab *strings, struct meta_process *ret);

void meta_put_table(struct skt_buf *out, const struct meta_table *table);
void meta_get_table(struct meta *meta, struct meta_table *ret);

/* The columns of a row of a snapshot of this boottime: without its table and its owners. */
void meta_put_row(struct skt_buf *out, const struct skt_strtab *strings, uint64_t line, const struct skt_sock *sock,
		  int64_t boottime);
void meta_get_row(struct meta *meta, struct skt_strtab *strings, int64_t boottime, struct skt_sock *ret);

/* Only what was recorded of a process that was read: all else becomes 0. */
void meta_mask(struct skt_process *process, uint32_t has);

#endif
