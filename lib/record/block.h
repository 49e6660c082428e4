/* SPDX-License-Identifier: MIT */
#ifndef RECORD_BLOCK_H
#define RECORD_BLOCK_H

#include "record/codec.h"

#include <skt/record.h>

/*
 * The outside of a recording: file header and blocks. All numbers little-endian.
 *
 *	block:	head (64 bytes)  payload (`length` bytes)  tail (40 bytes)
 *
 *	head	OFFSET SIZE                        tail	OFFSET SIZE
 *		0      8    sync mark			0      32   chain value
 *		8      1    type			32     4    CRC-32 of head, payload and chain value
 *		9      1    flags			36     4    length again
 *		10     2    0
 *		12     4    length of the payload
 *		16     8    sequence, from 1
 *		24     8    number of the first snapshot
 *		32     4    snapshots
 *		36     4    0
 *		40     8    time of the first snapshot
 *		48     8    time of the last one
 *		56     4    0
 *		60     4    CRC-32 of the 60 bytes before
 *
 * The chain value is SHA-256(chain value of the block before || head || payload); before the first block
 * it is SHA-256 of the file header.
 */
#define BLOCK_HEAD_SIZE 64
#define BLOCK_TAIL_SIZE 40
#define CHAIN_SIZE	32

/* Stored; never reused. */
enum block_type {
	BLOCK_KEY = 1,
	BLOCK_STEPS = 2,
	/*
	 * no payload; its time is until when the last snapshot is in force, its number one past that one, and its
	 * snapshots the ticks missed since
	 */
	BLOCK_END = 3,
	BLOCK_INDEX = 4, /* where groups are; ancillary */
	/* no payload; `snapshots` from `number` on, from `first` to `last`, could not be written; ancillary */
	BLOCK_GAP = 5,
	BLOCK_MARK = 6, /* somebody marked this instant, after snapshot `number`; the payload is text; ancillary */
	BLOCK_KEYS = 7, /* what stands in the groups that the index block behind it tells; ancillary */
};

/* An unknown block with this flag may be passed over; one without it ends what can be read of its group. */
#define BLOCK_ANCILLARY 1

/* Instants this far from 1970 are refused, so that sums of two fit into int64_t: years 1824 to 2116. */
#define BLOCK_TIME_MAX ((INT64_C(1) << 62) - 1)

/* The same for numbers of snapshots and blocks, so that what comes after a block can be told. */
#define BLOCK_NUMBER_MAX (UINT64_C(1) << 62)

static inline bool block_time_is_good(int64_t when)
{
	return when <= BLOCK_TIME_MAX && when >= -BLOCK_TIME_MAX;
}

struct block_head {
	uint8_t type;
	uint8_t flags;
	uint32_t length;
	uint64_t sequence;
	uint64_t number;
	uint32_t snapshots;
	int64_t first; /* times */
	int64_t last;
};

/* What is known here; of other types only those with BLOCK_ANCILLARY may be passed over. */
static inline bool block_is_known(uint8_t type)
{
	return type >= BLOCK_KEY && type <= BLOCK_GAP;
}

static inline bool block_holds_snapshots(const struct block_head *head)
{
	return head->type == BLOCK_KEY || head->type == BLOCK_STEPS;
}

/*
 * A block that may not be passed over, and of which only a newer program knows what it changes. Of known types flags
 * say nothing.
 */
static inline bool block_is_newer(const struct block_head *head)
{
	return !block_is_known(head->type) && !(head->flags & BLOCK_ANCILLARY);
}

/*
 * Whether a block may stand where one with this sequence is expected, and this number of a snapshot; in_group says
 * whether a key block and all since of its group were good.
 */
bool block_fits(const struct block_head *head, uint64_t sequence, uint64_t number, bool in_group);

/* The head as bytes; sync is the file's mark. */
void block_head_put(const struct block_head *head, const uint8_t sync[8], uint8_t ret[BLOCK_HEAD_SIZE]);

/* Read a head: false if mark or checksum are wrong, or a number is over its limit. */
bool block_head_get(const uint8_t bytes[BLOCK_HEAD_SIZE], const uint8_t sync[8], struct block_head *ret);

/* Turn the chain value of the block before into this one's. */
void chain_next(const uint8_t head[BLOCK_HEAD_SIZE], const void *payload, size_t length, uint8_t chain[CHAIN_SIZE]);

/* The tail of a block that has this chain value. */
void block_tail_put(const uint8_t head[BLOCK_HEAD_SIZE], const void *payload, size_t length,
		    const uint8_t chain[CHAIN_SIZE], uint8_t ret[BLOCK_TAIL_SIZE]);

/* Whether a tail's CRC and length fit the head and payload before it. */
bool block_tail_is_good(const uint8_t head[BLOCK_HEAD_SIZE], const void *payload, size_t length,
			const uint8_t tail[BLOCK_TAIL_SIZE]);

/*
 * A payload is a list of sections, each compressed by itself:
 *
 *	id (1)  codec (1: 0 stored, 1 zlib)  0 (2)  bytes inflated (4)  bytes stored (4)  data
 */
#define SECTION_HEAD_SIZE 12
enum { CODEC_STORED = 0, CODEC_ZLIB = 1 };

/* Append the sections, compressed at this zlib level. Empty ones are left out. 0, -ENOMEM, -E2BIG. */
int payload_put(const struct skt_buf sections[SECTION_END], int level, struct skt_buf *out);

/*
 * Inflate the wanted sections (a bit each) of a payload into buffers, each to exactly the length it states; unknown
 * ones are passed over. 0, -EBADMSG, -E2BIG, -ENOMEM.
 */
int payload_get(const void *payload, size_t length, uint32_t wanted, struct skt_buf ret[SECTION_END],
		struct skt_err *err);

/* The file header as bytes, id and sync mark included: 0, -ENOMEM, -E2BIG, -EINVAL for what would not be read. */
int header_put(const struct skt_header *header, const uint8_t sync[8], struct skt_buf *out);

/*
 * Read it, in two parts: the fixed one, from the file's first HEADER_FIXED_SIZE bytes (or fewer, where it has no more),
 * which says how long all of it is; then, from all of these bytes, the facts, which are dropped where they are damaged.
 * What header_fixed_get() filled is released with header_release().
 */
#define HEADER_FIXED_SIZE 160
int header_fixed_get(const void *bytes, size_t length, struct skt_header *ret, uint8_t ret_sync[8], size_t *ret_length,
		     struct skt_err *err);
int header_facts_get(const void *bytes, size_t length, struct skt_header *header, struct skt_err *err);
void header_release(struct skt_header *header);

/* Whether these bytes begin as a recording does. */
bool header_is_recording(const void *bytes, size_t length);

/* The chain value before the first block. */
void chain_start(const void *header, size_t length, uint8_t ret[CHAIN_SIZE]);

#endif
