/* SPDX-License-Identifier: MIT */
#ifndef RECORD_OUTPUT_H
#define RECORD_OUTPUT_H

#include "record/block.h"
#include "record/keys.h"

#include <skt/record.h>

#include <sodium.h>
#include <stdbool.h>

/*
 * Where blocks go: compressed, put in sequence and chained, written whole or not at all, and made to stand on the disk.
 * What could not be written is remembered, and told as a gap with the block that follows it.
 *
 * It knows nothing of snapshots, and who gathers them nothing of files: what travels between the two are items, and
 * what became of them (struct output_state).
 */

enum output_what {
	OUTPUT_BLOCK, /* a key or step block */
	OUTPUT_END,   /* index and end block */
	OUTPUT_MARK,  /* its text is the first of the sections */
	OUTPUT_NEXT,  /* the same as an end, and on in another file */
};

/* Where it goes on. Given with the item, whatever becomes of it; the file descriptor is not. */
struct output_next {
	int fd;
	char *name;
	uint8_t sync[8];
	struct skt_buf header; /* as header_put() has it: what it says of the file before is filled in */
};

void output_next_free(struct output_next *next);

struct output_item {
	enum output_what what;
	struct block_head lost; /* snapshots: those that were lost before it, and are to be told */
	struct block_head head;
	uint64_t group; /* which one it belongs to, as whoever gathers counts them, from 1 */
	struct skt_buf sections[SECTION_END];
	struct skt_buf keys; /* of a block: what stands in it (keys.h) */
	struct group_facts facts;
	struct output_next *next;
};

/* What whoever gathers wants to know. Plain data. */
struct output_state {
	uint64_t bytes;	   /* of the file */
	uint64_t lost;	   /* snapshots that could not be written, those of the items' `lost` aside */
	uint64_t measured; /* the group of which the next two are */
	uint64_t key_bytes;
	uint64_t step_bytes;
	uint64_t over;			 /* nothing more is to be gathered for this group: 0 none yet */
	int unsynced;			 /* why the disk did not keep what was written, until that is told */
	uint64_t unsynced_at;		 /* from where on */
	uint8_t chain[CHAIN_SIZE];	 /* of the last block */
	crypto_hash_sha256_state sha;	 /* of all that was written */
	uint8_t ended_chain[CHAIN_SIZE]; /* the same two of the file before it, where it is not the first */
	uint8_t ended_file[CHAIN_SIZE];
};

struct output;

/* Begin a file with this header (its id and mark are made of random). The parameters are those of skt_writer_open(). */
int output_new(int fd, const char *name, const struct skt_header *header, enum skt_sync sync, const uint8_t random[24],
	       struct output **ret, struct skt_err *err);
void output_free(struct output *output);

/*
 * Take an item; the sections stay the caller's. Numbers of snapshots are those of the recorder, the first one of the
 * first file is 1. Where it cannot be written its snapshots are lost and will be told, and so are all step blocks up to
 * the next key. Where it cannot go on in another file, it goes on in this one as if nothing had been asked; the file
 * that it ended is closed.
 */
int output_take(struct output *output, struct output_item *item, struct skt_err *err);

/* header_put(), with a message. */
int output_header_put(const struct skt_header *header, const uint8_t sync[8], struct skt_buf *ret, struct skt_err *err);

/* Borrowed, and changed by each item. */
struct output_state *output_state(struct output *output);

/* Add snapshots to a gap: those that are in it already come before them. */
void gap_add(struct block_head *gap, const struct block_head *more);

#endif
