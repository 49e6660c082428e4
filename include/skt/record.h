/* SPDX-License-Identifier: MIT */
#ifndef SKT_RECORD_H
#define SKT_RECORD_H

#include <skt/err.h>
#include <skt/step.h>
#include <skt/time.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A recording: a file of compressed blocks, only ever appended to. The layout is docs/man/skt.5.
 *
 *	header | block | block | ... | end block
 *
 * A group is a key block, which holds one whole snapshot, and the step blocks after it. A group can be read without
 * any other.
 */

#define SKT_MAJOR 1
#define SKT_MINOR 0

/* Limits, met before memory is taken. */
#define SKT_HEADER_MAX ((size_t)1 << 20)  /* facts: arguments and a note of up to 128 KiB each fit many times over */
#define SKT_BLOCK_MAX  ((size_t)64 << 20) /* stored bytes of a block: a key block of a million rows has about 20 MiB */
#define SKT_SECTION_MAX \
	((size_t)256 << 20) /* a section's bytes inflated: rows of 16 million sockets would not fit, a million do */

/* Something the recorder knew about itself and its host. Names are those of --info: "host.name", "boot.id", "kernel", ... */
struct skt_fact {
	const char *name;
	const char *value;
};

/* What stands in front of a recording. */
struct skt_header {
	uint16_t major;
	uint16_t minor;
	uint8_t recording_id[16]; /* random, one for each run of the recorder */
	int64_t start;		  /* ns since 1970 */
	int64_t start_boottime;	  /* CLOCK_BOOTTIME, ns */
	int64_t boot_time;	  /* ns since 1970 at which the host booted; -1 unknown */
	int64_t interval;	  /* ns between ticks; 0 where there were none */
	uint32_t tables;	  /* 1 << enum skt_table_kind */
	bool big_endian;	  /* the recorded machine's byte order */
	bool live;		  /* a running kernel's /proc; else a tree */
	struct skt_fact *facts;
	size_t n_facts;
};

/* The value of a fact, or NULL; borrowed. */
const char *skt_header_fact(const struct skt_header *header, const char *name);

/* ---- writing ---- */

struct skt_writer;

/*
 * Begin a recording on fd (a file just created, a pipe; borrowed), by writing its header. name is for messages;
 * random is 24 unpredictable bytes, of which the recording's id and sync mark are made.
 */
int skt_writer_open(int fd, const char *name, const struct skt_header *header, const uint8_t random[24],
		    struct skt_writer **ret, struct skt_err *err);
void skt_writer_free(struct skt_writer *writer);

/*
 * Add a snapshot: `now` is it, with the step that led to it applied. A group begins with the first one and when the
 * steps of the last have grown past it; then `now` is compacted first, so slots and strings read from it before are
 * void, and its string table is another. Steps of about a second go into one block. A block that cannot be written whole is
 * taken back where the file allows it.
 */
int skt_writer_add(struct skt_writer *writer, struct skt_snapshot *now, const struct skt_step *step,
		   struct skt_err *err);

/* Write what is held back, and the end block: until this instant the last snapshot was in force. */
int skt_writer_end(struct skt_writer *writer, int64_t when, int64_t boottime, struct skt_err *err);

/* Bytes written so far. */
uint64_t skt_writer_bytes(const struct skt_writer *writer);

/* ---- reading ---- */

struct skt_file;

/*
 * Open a recording for reading on fd (borrowed, positioned reads only). The header must be whole; blocks are found
 * by their headers, and what comes after the first one that is not whole is left out and told by skt_file_problem().
 */
int skt_file_open(int fd, const char *name, struct skt_file **ret, struct skt_err *err);
void skt_file_free(struct skt_file *file);

const struct skt_header *skt_file_header(const struct skt_file *file);
const char *skt_file_name(const struct skt_file *file);

struct skt_span {
	uint64_t snapshots;
	uint64_t groups;
	uint64_t bytes; /* of the file, as far as it is whole */
	int64_t first;	/* times of the first and last snapshot; 0 where there are none */
	int64_t last;
	int64_t end; /* until when the last one is in force: the end block's time, else its own and one interval */
	bool ended;  /* there is an end block */
};

struct skt_span skt_file_span(const struct skt_file *file);

/* Why the file is not whole: code 0 where it is. -ENODATA it stops inside a block (torn, or being written), -EBADMSG damaged. */
const struct skt_err *skt_file_problem(const struct skt_file *file);

/* A position in a recording, and the snapshot in force there. Any number of cursors may walk one file. */
struct skt_cursor;

int skt_cursor_new(const struct skt_file *file, struct skt_cursor **ret, struct skt_err *err);
void skt_cursor_free(struct skt_cursor *cursor);

/*
 * Go on to the next snapshot. 1: the step that leads to it is handed out, borrowed until the next call, and already applied;
 * 0: there is none; negative: damaged, and the next call goes on with the group after. The first step after opening or
 * damage starts from nothing.
 */
int skt_cursor_next(struct skt_cursor *cursor, struct skt_step **ret, struct skt_err *err);

/* The snapshot in force; NULL before the first. Borrowed until the next call. */
const struct skt_snapshot *skt_cursor_snapshot(const struct skt_cursor *cursor);

/*
 * Go to the snapshot that is in force at a TIME. -ERANGE: none is (before the first, after the end), or a time of day is on
 * several days or none; the message names the neighbours. *ret_when is the instant the TIME stands for. -EBADMSG: it is damaged.
 */
int skt_cursor_seek(struct skt_cursor *cursor, const struct skt_time *time, enum skt_zone zone, int64_t *ret_when,
		    struct skt_err *err);

/*
 * How REC@TIME is split: at the last '@' whose right side is a TIME and whose left side exists. exists says whether
 * a path does. Returns the length of the path, and the TIME (NULL: none, the whole is a path).
 */
size_t skt_operand_split(const char *operand, bool (*exists)(const char *path, size_t len, void *data), void *data,
			 const char **ret_time);

#endif
