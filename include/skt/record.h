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
#define SKT_GROUPS_MAX ((size_t)1 << 22)  /* a group is at least five seconds long: 240 days */
#define SKT_FILES_MAX  ((size_t)1 << 16)  /* of one directory: a file an hour for seven years */
/*
 * All sections of a block, inflated: a row has about 60 bytes of IPv4 or 80 of IPv6 in a key block, two million 160
 * MiB; the rest is for strings.
 */
#define SKT_SECTION_MAX ((size_t)256 << 20)

/*
 * What one cursor may take, whatever it reads: all limits, those in skt/snapshot.h and skt/strtab.h too, reached at
 * once. It is at its most in the step from one group to the next, none of whose rows are the same:
 *
 *	a block stored, and its sections		 384 MiB
 *	rows (176 bytes) of one group in room for two, and of the next	1056
 *	changes (384 bytes) of rows, that all go and as many come	1536
 *	processes and their changes			 512
 *	holders						 384
 *	strings, with their index			1008
 *	tables, raw lines, order, matching		 240
 *
 * That is 5 GiB; a host of ten thousand sockets needs a hundredth of it. A byte of a section costs less than 80 (the 15
 * of a row that came, where arrays have grown to twice what they hold), and a byte of a file a thousand times that, for
 * such is deflate.
 *
 * Time is limited by the file, too: at worst a minute and a half of a processor for a megabyte, which may be thirty
 * groups that begin with two million rows each. Steps cost what they say; for order and users, see SKT_WALKED_MAX.
 */
#define SKT_READER_MAX (UINT64_C(5) << 30)

/*
 * Something the recorder knew about itself and its host. Names are those of --info: "host.name", "boot.id", "kernel",
 * ...
 */
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

	/* which of the files of one directory it is; file_number 0 is written as 1 */
	uint64_t file_number;	   /* from 1 */
	uint64_t snapshots_before; /* recorded in the files before it */
	uint8_t chain_before[32];  /* of the last block of the file before it; zeros: there is none */

	struct skt_fact *facts;
	size_t n_facts;
	bool facts_damaged; /* set by reading: there are none, for they could not be believed */
};

/* The value of a fact, or NULL; borrowed. */
const char *skt_header_fact(const struct skt_header *header, const char *name);

/* ---- writing ---- */

/* When written blocks are made to stand on the disk (fdatasync(2)). A pipe has nothing to sync. */
enum skt_sync {
	SKT_SYNC_BLOCK, /* after each block: about once a second at most */
	SKT_SYNC_GROUP, /* after each key block: a machine that crashes costs a group */
	SKT_SYNC_NONE,
};

#define SKT_CHAIN_SIZE 32

/*
 * What may wait for a disk or a pipe that is slow: memory of blocks that are not yet compressed. At 10,000 sockets, 1 %
 * churn and 1 s it is that of half an hour, and at 50,000 the key blocks of ten groups. On top of it come the block
 * that is being gathered and, once compressed, the one that is being written.
 */
#define SKT_QUEUE_BYTES	 ((size_t)64 << 20)
#define SKT_QUEUE_BLOCKS ((size_t)1024) /* and of so many, where they are small: a quarter of an hour */

struct skt_writer_options {
	enum skt_sync sync;
	/*
	 * Compress and write in a thread of the writer's own, so that nobody waits for a disk or a pipe; it takes no
	 * signals. A block that there is no room for among those that wait is lost, and told as a gap. Otherwise blocks
	 * are written at once.
	 */
	bool threaded;
	size_t queue_bytes; /* 0: SKT_QUEUE_BYTES */
	size_t queue_blocks;
};

struct skt_writer;

/*
 * Begin a recording on fd (a file just created, a pipe; borrowed), by writing its header and, on a file, taking a write
 * lock (fcntl(2), F_OFD_SETLK) by which readers know that it is live. name is for messages; random is 24 unpredictable
 * bytes, of which the recording's id and sync mark are made.
 */
int skt_writer_open(int fd, const char *name, const struct skt_header *header, const struct skt_writer_options *options,
		    const uint8_t random[24], struct skt_writer **ret, struct skt_err *err);
void skt_writer_free(struct skt_writer *writer);

/*
 * Add a snapshot: `now` is it, with the step that led to it applied. A group begins with the first one and when the
 * steps of the last have grown past it; then `now` is compacted first, so slots and strings read from it before are
 * void, and its string table is another. Steps of about a second go into one block.
 *
 * A block that cannot be written whole is taken back, and what was in it is lost: the error says why, and the writer
 * can be used on. Once writing works again, a gap block tells what is missing, and a new group begins. Where a part of
 * a block was written and cannot be taken back, as in a pipe, that is what the recording ends with.
 *
 *	-EINVAL		a time in the snapshot (a negative boottime, say) or in an event is one that no reader takes;
 *			nothing was written, and the snapshot is lost in the same way; numbers go on with the next one
 *	-ENOBUFS	there is no room for a block among those that wait for the thread; it is lost in the same way
 *
 * Of what fails in the thread the first error since the last call is returned here, once, whatever became of this
 * snapshot; -EPIPE before any other.
 */
int skt_writer_add(struct skt_writer *writer, struct skt_snapshot *now, const struct skt_step *step,
		   struct skt_err *err);

/*
 * Whether a group begins with this snapshot, were it added now. That takes memory for all rows twice over until it is
 * done: whoever has some to spare gives it back before.
 */
bool skt_writer_begins_group(const struct skt_writer *writer, const struct skt_snapshot *now);

/*
 * The next snapshot will not be added before this instant of boottime: what would have been held back for more than a
 * second by then is written now. Fails as skt_writer_add() does.
 */
int skt_writer_wait(struct skt_writer *writer, int64_t boottime, struct skt_err *err);

/*
 * Snapshots that are not there were taken after the last one that was added, at least so many (not 0): a gap tells of
 * them, and the next one, which is numbered behind them, begins a group. -E2BIG: more than a gap can tell (2^32 - 1).
 */
int skt_writer_gap(struct skt_writer *writer, uint64_t snapshots, struct skt_err *err);

/* Ticks that were missed after the last snapshot: the end block tells them. */
void skt_writer_missed(struct skt_writer *writer, uint32_t missed);

/*
 * Write what is held back, an index, and the end block, and wait until it is written: until this instant the last
 * snapshot was in force. Where what was held back is lost, the others are tried all the same, and the gap told.
 */
int skt_writer_end(struct skt_writer *writer, int64_t when, struct skt_err *err);

/*
 * Mark this instant: a block of its own, with this text ("": none), right behind the snapshots added so far, which are
 * written with it. -E2BIG: text is longer than SKT_MARK_MAX. Returns what skt_writer_add() does.
 */
#define SKT_MARK_MAX 4096 /* a sentence or two */
int skt_writer_mark(struct skt_writer *writer, int64_t when, const char *text, struct skt_err *err);

/*
 * End this file with the snapshot that was added last, in force until header->start, and go on in another, fd (just
 * created, borrowed), which begins with a key frame and as a group that needs no other file. Id, file number, snapshots
 * and chain value before of its header are filled in; random is 8 unpredictable bytes. Numbers that skt_writer_add() is
 * given go on.
 *
 * It comes to pass when all before it has been written. skt_writer_rotated() says once what became of it: 1, this file
 * has ended with this chain value and this SHA-256, and its descriptor is closed; 0, that is not known yet, or was
 * told; negative: the other file could not be begun (what is in it is of no use), or this one not be ended, and
 * recording goes on in this one. Ask before another is begun.
 */
int skt_writer_rotate(struct skt_writer *writer, int fd, const char *name, const struct skt_header *header,
		      const uint8_t random[8], struct skt_err *err);
int skt_writer_rotated(struct skt_writer *writer, uint8_t ret_chain[SKT_CHAIN_SIZE], uint8_t ret_file[SKT_CHAIN_SIZE],
		       struct skt_err *err);

/*
 * Whether the disk kept what it was told to (enum skt_sync): 0, or why it did not since this was asked last. What it
 * did not keep may be gone once the machine has been started again; it is not taken back and the writer can be used on.
 * Ask after each snapshot, and after the end.
 */
int skt_writer_synced(struct skt_writer *writer, struct skt_err *err);

/* Bytes written so far, and snapshots that could not be; while a thread writes, as it last said. */
uint64_t skt_writer_bytes(const struct skt_writer *writer);
uint64_t skt_writer_lost(const struct skt_writer *writer);

/*
 * The chain value of the last block written, and the SHA-256 of all whole blocks: of the file, unless a write failed
 * half way and what it left could not be cut off.
 */
void skt_writer_chain(const struct skt_writer *writer, uint8_t ret_chain[SKT_CHAIN_SIZE],
		      uint8_t ret_file[SKT_CHAIN_SIZE]);

/* ---- slices ---- */

/*
 * A slice is a smaller recording: a stretch of another one, with some of its sockets. Its snapshots are handed over as
 * a cursor yields them, and written by writer (borrowed), to which nobody else adds any. Times, quality and all that is
 * said of tables stay as they are; snapshots are numbered from 1.
 */
struct skt_slice;

int skt_slice_new(struct skt_writer *writer, uint64_t seed, struct skt_slice **ret); /* 0 or -ENOMEM */
void skt_slice_free(struct skt_slice *slice);

/*
 * The next snapshot, and the step that led to it (NULL: the slice begins in the middle of a group); rows (by slot;
 * NULL: all) are those that are kept, as skt_snapshot_pick() does. A step from nothing, unless it is the first, stands
 * behind a gap, which is told. Fails as skt_writer_add() does.
 */
int skt_slice_add(struct skt_slice *slice, const struct skt_snapshot *snapshot, const struct skt_step *step,
		  const bool *rows, struct skt_err *err);

/*
 * Which events of the next step are kept, by number (borrowed until then). NULL, as without this: those of rows that
 * are, and of sockets that no look has seen.
 */
void skt_slice_events(struct skt_slice *slice, const bool *events);

/*
 * What comes next is missing: so many snapshots, 0 where that is not known, which counts as one. For the end: between
 * two snapshots it is found.
 */
int skt_slice_gap(struct skt_slice *slice, uint64_t snapshots, struct skt_err *err);

/* ---- reading ---- */

struct skt_file;

/* How to open. */
enum {
	SKT_OPEN_NO_INDEX = 1, /* look at every block's head, as if there were no index */
	SKT_OPEN_STRICT = 2,   /* refuse a recording that is not whole */
};

/*
 * Open a recording for reading on fd (borrowed, positioned reads only). The fixed part of the header must be whole;
 * facts that are damaged are dropped, and told. Groups are found by the index, each entry of which is checked against
 * the key block it names, or by hopping from block to block. What is damaged is passed over to the next good group, and
 * told by skt_file_damage(); payloads are not looked at before a cursor reads them.
 *
 * A directory is one recording if the recordings in it (NAME.skt, regular files) chain to each other: their numbers,
 * the chain value of each file's last block in the header of the next, or else the id of the run, or a number and
 * machine that fit. -ENOTUNIQ: they do not, and are several recordings (skt_listing_read()). -ENOENT: there is none.
 * Its snapshots have the numbers they were given when they were recorded: where the oldest files were dropped, the
 * first that is there is not #1. Only a cursor keeps a file open, and only one.
 */
int skt_file_open(int fd, const char *name, unsigned flags, struct skt_file **ret, struct skt_err *err);
void skt_file_free(struct skt_file *file);

/* Of a directory: of its newest file, see skt_cursor_header(). */
const struct skt_header *skt_file_header(const struct skt_file *file);
const char *skt_file_name(const struct skt_file *file);

/* Chain value of its last good block, of a directory that of its newest file's. 0 or a negative errno. */
int skt_file_chain(const struct skt_file *file, uint8_t ret[SKT_CHAIN_SIZE]);

/*
 * Kinds of block, as sockquery --info counts them: "key", "steps", "end", "index", "gap", "mark", "keys"; "" for a
 * number without a name.
 */
#define SKT_BLOCK_KINDS 8
const char *skt_block_kind_name(unsigned kind);

struct skt_span {
	uint64_t snapshots; /* that the blocks found hold */
	uint64_t groups;
	uint64_t bytes;	 /* of the file, up to the end of the last good block */
	uint64_t number; /* of the last snapshot */
	uint64_t number_first;
	int64_t first; /* times of the first and last snapshot; 0 where there are none */
	int64_t last;
	uint32_t missed; /* ticks missed after the last snapshot, where there is an end block */
	int64_t end;	 /* until when the last one is in force: the end block's time, else its own and one interval */
	bool ended;	 /* there is an end block */
	bool live;	 /* a recorder holds its lock */
	bool indexed;	 /* groups were found by the index */

	/*
	 * intact, but of a kind that only a newer program knows, or behind such a block in its group; where no index
	 * was used
	 */
	uint64_t newer_blocks;
	uint64_t newer_snapshots;
	struct {
		uint64_t blocks;
		uint64_t bytes;
	} kinds[SKT_BLOCK_KINDS]; /* where no index was used */

	/* of a directory; else 0 */
	uint64_t files;
	uint64_t runs; /* of the recorder, as far as their files are there */
	/* before the first that is there, as some file says; those that none tells are damage */
	uint64_t dropped_files;
	uint64_t dropped_snapshots; /* that were in them; 0 where more files are missing */
	uint64_t others;	    /* that are no recordings, or no part of this one */
};

struct skt_span skt_file_span(const struct skt_file *file);

/*
 * The earliest instant at which a snapshot is in force, and the one from which on none is any more: not those of the
 * first and the last snapshot, where the clock was set back in between. Whether it was, so that times do not rise.
 */
bool skt_file_reach(const struct skt_file *file, int64_t *ret_first, int64_t *ret_end);

/* A part of the file that is lost or cannot be read, or of the recording that was never written. */
struct skt_damage {
	uint64_t offset; /* bytes of the file; length 0: no byte is wrong, but blocks are missing, or a gap was told */
	uint64_t length;
	uint64_t snapshots; /* lost with it; 0 where that cannot be told */
	int64_t after;	    /* time of the last good snapshot before it, INT64_MIN where there is none */
	int64_t until;	    /* of the first good one after it, INT64_MAX where there is none */
	bool torn;	    /* the file stops inside a block: cut off, or written when it was copied */
	bool gap;	    /* told by the recorder, which could not write */
	bool facts;	    /* those of the header; no snapshot is lost with them */
	bool newer;	    /* nothing is damaged, but only a newer program can read it */
	char *why;	    /* what reading the block said, where its bytes are those that were written; else NULL */

	/* in a directory */
	const char *file; /* which file it is in, or before; NULL: the recording is one file */
	uint64_t files;	  /* this many are missing before it */
	bool unchained; /* it does not follow from the one before it: one of them was changed, shortened or exchanged */
	bool unreadable; /* it is a recording, and cannot be opened */
	bool restart;	 /* no damage: the recorder was started again, and nothing was recorded in between */
};

/* What is lost, in the file's order; found on opening. Borrowed. */
const struct skt_damage *skt_file_damage(const struct skt_file *file, size_t *ret_n);

/* An instant that somebody marked while it was recorded. */
struct skt_mark {
	int64_t time;
	uint64_t number; /* of the snapshot before it in its file; 0: there is none */
	char *text;	 /* "": none; may be hostile */
};

/*
 * All marks, in order, as far as they are good; for each, memory of less than twice its bytes in the file. Given. 0; 1
 * where a block is damaged that is one, or may be, so that not all may be there; or negative.
 */
int skt_file_marks(const struct skt_file *file, struct skt_mark **ret, size_t *ret_n, struct skt_err *err);
void skt_marks_free(struct skt_mark *marks, size_t n);

/* A position in a recording, and the snapshot in force there. Any number of cursors may walk one file. */
struct skt_cursor;

int skt_cursor_new(const struct skt_file *file, struct skt_cursor **ret, struct skt_err *err);
void skt_cursor_free(struct skt_cursor *cursor);

/*
 * What of a recording a cursor inflates. Without order the rows of a table stand in none; without state their counters
 * are 0.
 */
enum { SKT_WANT_IDENTITY = 0, SKT_WANT_STATE = 1, SKT_WANT_ORDER = 2, SKT_WANT_ALL = 3 };
void skt_cursor_want(struct skt_cursor *cursor, unsigned want);

/*
 * Read ahead: from the next group on a thread of the cursor's own inflates and decodes what comes, while the caller is
 * busy with what was handed out. Whatever is handed out, or said, is the same. It takes some 20 MiB more for ten
 * thousand sockets. Who follows reads by himself.
 */
void skt_cursor_read_ahead(struct skt_cursor *cursor);

/*
 * Go on beyond the end that the file had when it was opened: blocks that are written later are read when they are
 * whole.
 */
void skt_cursor_follow(struct skt_cursor *cursor);

/*
 * Go on to the next snapshot. 1: the step that leads to it is handed out, borrowed until the next call, and already
 * applied; 0: there is none; -EAGAIN: none yet, when following. Other negative ones: damaged or a gap, what is lost is
 * in the message, and the next call goes on with the group after. So it is before the first group, too. The first step
 * after opening, damage or a gap starts from nothing. In a directory it goes on from file to file, as from group to
 * group. Who follows goes on in files that come.
 *
 *	-EILSEQ		not the block that should stand there
 *	-ERESTART	the recorder was started again there, which is no damage; the first step after starts from
 *			nothing
 *	-ESTALE		a file was dropped or exchanged meanwhile, and is lost
 */
int skt_cursor_next(struct skt_cursor *cursor, struct skt_step **ret, struct skt_err *err);

/* The snapshot in force; NULL before the first. Borrowed until the next call. */
const struct skt_snapshot *skt_cursor_snapshot(const struct skt_cursor *cursor);

/*
 * When the snapshot was taken that comes next in the file it stands in: 1, 0 none does, -1 what stands there cannot be
 * read.
 */
int skt_cursor_peek(const struct skt_cursor *cursor, int64_t *ret_when);

/*
 * The header of the file it stands in: in a directory another run's may tell another boot. Borrowed until the next
 * call.
 */
const struct skt_header *skt_cursor_header(const struct skt_cursor *cursor);

/*
 * Slots mean something within a group only. The step that leads into another group is handed out over the slots of the
 * one before, and at the next call rows stand in others: for each of the ret_n slots of rows this is the one that it
 * will have then, SKT_NO_SLOT where it is free. *ret is borrowed until the next call, and NULL after any other step:
 * slots stay as they are. 0 or -ENOMEM.
 */
int skt_cursor_next_slots(struct skt_cursor *cursor, const uint32_t **ret, size_t *ret_n, struct skt_err *err);

/*
 * Go to the snapshot that is in force at a TIME. -ERANGE: none is (before the first, after the end), or a time of day
 * is on several days or none; the message names the neighbours. *ret_when is the instant the TIME stands for. -EBADMSG
 * or -EILSEQ: it is damaged.
 */
int skt_cursor_seek(struct skt_cursor *cursor, const struct skt_time *time, enum skt_zone zone, int64_t *ret_when,
		    struct skt_err *err);

/* ---- finding ---- */

/*
 * A recording knows of each group which addresses, ports and processes stand in it, so that a question about one of
 * them reads those groups only. A key is what it is known by: bytes of at most SKT_KEY_MAX. Each function makes one,
 * and returns whether recordings have such keys at all.
 */
enum skt_key_kind {
	SKT_KEY_REMOTE_ADDRESS = 1, /* 16 bytes; IPv4 as ::ffff:0:0/96, so that it is found in both tables */
	SKT_KEY_LOCAL_PORT = 2,	    /* 2 bytes, high one first, as in all numbers, for keys are sorted */
	SKT_KEY_REMOTE_PORT = 3,
	SKT_KEY_PID = 4,  /* 4 bytes */
	SKT_KEY_COMM = 5, /* its first 64 bytes */
	SKT_KEY_KINDS,
};

#define SKT_KEY_MAX 64

struct skt_key {
	uint8_t kind; /* enum skt_key_kind */
	uint8_t len;
	uint8_t bytes[SKT_KEY_MAX];
};

bool skt_key_of_address(const uint8_t address[16], bool ipv6, struct skt_key *ret); /* not of 0.0.0.0 and :: */
bool skt_key_of_port(uint16_t port, bool remote, struct skt_key *ret);		    /* not of those from 32768 on */
bool skt_key_of_pid(uint32_t pid, struct skt_key *ret);
bool skt_key_of_comm(const char *comm, size_t len, struct skt_key *ret);

/* Why a group has to be read all the same. */
enum skt_doubt {
	/*
	 * some table was unknown, could not be read, or had lines that are no rows; an event lacks its port, or events
	 * were lost
	 */
	SKT_DOUBT_TABLES = 1,
	/* of some row it is not known for certain who holds or held it, or of a process what it is called */
	SKT_DOUBT_OWNERS = 2,
};

/* What is asked: rows that have one of these keys, in a stretch of time. No keys: all groups are chosen. */
struct skt_question {
	const struct skt_key *keys; /* borrowed */
	size_t n_keys;
	unsigned doubts; /* enum skt_doubt, ored: a group of which one of these stands is read all the same */
	int64_t from;	 /* INT64_MIN: from the beginning */
	int64_t to;	 /* INT64_MAX: to the end */
};

/* Groups to be read. */
struct skt_choice {
	bool *groups; /* of each whether it is chosen */
	size_t n_groups;
	size_t n_chosen;
	struct group_facts *facts; /* private: of each */
	bool *told;		   /* and whether there are any */

	struct skt_choice *parts; /* of a directory: of each of its files; the numbers above are of all of them */
	size_t n_parts;
};

/*
 * The groups in which one of these keys may be, or in which one of these doubts stands. All that the recording says
 * nothing of are among them, and those that tell what lies between them: where the stretch begins and ends, the last
 * one of a file (of a directory's files the first, too), and those beside doubtful tables. All there are where
 * something in it is damaged or missing, so that what is said of a hole stays in one place, the cursor. Opened with
 * SKT_OPEN_NO_INDEX, all. Release it with skt_choice_release(). 0 or -ENOMEM.
 */
int skt_file_find(const struct skt_file *file, const struct skt_question *question, struct skt_choice *ret,
		  struct skt_err *err);
void skt_choice_release(struct skt_choice *choice);

/* Choose n groups more: the one with the snapshot of this number, and those behind it, or, backwards, before it. */
void skt_choice_widen(struct skt_choice *choice, const struct skt_file *file, uint64_t number, size_t n,
		      bool backwards);

/* Choose all. */
void skt_choice_all(struct skt_choice *choice);

/* What is known of the groups that were asked about and are not chosen, as coverage counts it (skt/coverage.h). */
struct skt_left {
	uint64_t missed; /* ticks */
	uint32_t denied;
	uint32_t netns_denied;
	/*
	 * the longest interval between two reads of a table of these kinds in which what went was not told of, those
	 * that end in the first group behind included; both 0: none
	 */
	int64_t blind_after;
	int64_t blind_until;
	uint32_t blind_kinds; /* of which tables there is one, */
	uint32_t heard_kinds; /* and of which one in which it was */
};

struct skt_left skt_choice_left(const struct skt_choice *choice, uint32_t kinds);

/* What a cursor went over: snapshots from a first to a last number and time. */
struct skt_skipped {
	uint64_t snapshots; /* 0: it went over nothing */
	uint64_t number_first;
	uint64_t number_last;
	int64_t first;
	int64_t last;
};

/* Read only the groups of this choice (of the same file, borrowed; NULL: all). */
void skt_cursor_choose(struct skt_cursor *cursor, const struct skt_choice *choice);

/*
 * What skt_cursor_next() went over the last time: before the step that it handed out, which then starts from nothing,
 * before the end that it came to, or before what it told.
 */
struct skt_skipped skt_cursor_skipped(const struct skt_cursor *cursor);

/* ---- verifying ---- */

enum skt_verdict {
	SKT_WHOLE, /* chain intact, all of it readable, end block present */
	SKT_LIVE,  /* intact and readable, and a recorder holds the lock */
	/* intact, but without an end block: copied while written, killed, or cut there, which cannot be told apart */
	SKT_OPEN,
	SKT_TORN,    /* intact up to a block that is cut off */
	SKT_DAMAGED, /* bytes are changed, missing, or not where they were written; or say what cannot be */
};

const char *skt_verdict_name(enum skt_verdict verdict);

struct skt_verification {
	enum skt_verdict verdict;
	uint8_t chain[SKT_CHAIN_SIZE]; /* of the last good block */
	uint8_t file[SKT_CHAIN_SIZE];  /* SHA-256 of all bytes */
	uint64_t blocks;
	uint64_t snapshots; /* that can be read */
	uint64_t gaps;	    /* told by the recorder, and the snapshots that it could not write */
	uint64_t unwritten;
	uint64_t newer_blocks; /* intact, but only a newer program can read them */
	uint64_t newer_snapshots;
	bool found_chain;	 /* some block carries the chain value that was asked for ... */
	bool has_chain;		 /* ... and nothing is damaged up to its end */
	uint64_t damaged_before; /* bytes that are, where it was found */
	struct skt_damage *damage;
	size_t n_damage;
};

/*
 * Read a whole recording and check every byte of it: header, every block's checksum, sequence and chain value, and the
 * index against the groups; then decode and apply every step. chain (NULL: none) is a value written down elsewhere, to
 * be looked for among the blocks: it vouches for the bytes before it, not for what they say. ret is released with
 * skt_verification_release().
 */
int skt_verify(int fd, const char *name, const uint8_t chain[SKT_CHAIN_SIZE], struct skt_verification *ret,
	       struct skt_err *err);
void skt_verification_release(struct skt_verification *verification);

/* ---- directories ---- */

/* A file of a directory that is a recording, by its header. */
struct skt_listed {
	char *path; /* as messages name it: DIR/NAME */
	const char *name;
	int error; /* 0, or why it cannot be read; then nothing below is known */
	uint64_t number;
	uint64_t snapshots_before;
	int64_t start;
	uint8_t recording_id[16];
	uint8_t chain_before[SKT_CHAIN_SIZE];
	bool rotates;	    /* a flight recorder made it */
	bool facts_damaged; /* so that cannot be told */
	uint64_t dropped;   /* highest number of a file that it says was dropped; 0: none */
};

struct skt_listing {
	struct skt_listed *files; /* by number, then start */
	size_t n;
	/* the highest of all: files after that one, and before the first that is there, are missing */
	uint64_t dropped;
	/*
	 * That are no recordings: another name than *.skt, no regular file, or other bytes. Where a flight recorder was
	 * at work, recordings that it did not make as well.
	 */
	uint64_t others;
};

/* List a directory (borrowed). Links and fifos in it are not opened. ret is released with skt_listing_release(). */
int skt_listing_read(int fd, const char *name, struct skt_listing *ret, struct skt_err *err);
void skt_listing_release(struct skt_listing *listing);

/* Open one of them for reading: a descriptor, given to the caller, or a negative errno. */
int skt_listed_open(int fd, const struct skt_listed *listed, struct skt_err *err);

/* ---- operands ---- */

/*
 * How REC@TIME is split: at the last '@' whose right side is a TIME and whose left side exists. exists says whether
 * a path does. Returns the length of the path, and the TIME (NULL: none, the whole is a path).
 */
size_t skt_operand_split(const char *operand, bool (*exists)(const char *path, size_t len, void *data), void *data,
			 const char **ret_time);

#endif
