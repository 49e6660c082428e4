/* SPDX-License-Identifier: MIT */
#ifndef RECORD_FILE_H
#define RECORD_FILE_H

#include "record/block.h"

/* A group: where its key block stands, and what is in it as far as it is good. */
struct group {
	uint64_t offset;
	uint64_t sequence; /* of the key block */
	uint64_t number;   /* of its first snapshot */
	uint64_t snapshots;
	int64_t first; /* times of its first and last one */
	int64_t last;
};

struct skt_file {
	int fd;
	char *name;
	struct skt_header header;
	uint8_t sync[8];
	uint64_t begin; /* of the first block */
	uint64_t size;	/* of the file when it was opened */
	struct group *groups;
	size_t n_groups, room_groups;
	bool no_index;	/* keys are not to be believed either */
	uint64_t *keys; /* offsets of blocks of keys, in any order */
	size_t n_keys, room_keys;
	struct skt_damage *damage;
	size_t n_damage, room_damage;
	bool cut; /* behind the last good block stands the beginning of another: torn, or being written */
	struct skt_span span;

	/* a directory: fd is its own, and the rest above but damage and span is empty */
	struct dir_part *parts;
	size_t n_parts, room_parts;
};

/* How a file of a directory follows from the one before it. */
enum part_link {
	LINK_FIRST,
	LINK_GOES_ON, /* the recorder went on in it, without a pause */
	LINK_RESTART, /* another run of the recorder */
	LINK_MISSING, /* files that stood between are not there */
	LINK_BROKEN,  /* its number is the next, but its chain is not */
};

/* A file of a directory. Nothing is open (file->fd is -1) before a cursor gets there. */
struct dir_part {
	struct skt_listed listed;
	struct skt_file *file; /* without facts */
	enum part_link link;
	uint8_t chain[CHAIN_SIZE]; /* of its last good block */
	char machine[65];	   /* hash of its machine-id; "" unknown */
};

/* Open the directory file->fd. */
int dir_open(struct skt_file *file, unsigned flags, struct skt_err *err);
void dir_release(struct skt_file *file);

/* How next follows from a file with that header, machine and chain value; -ENOTUNIQ: not at all. */
int dir_link(const struct skt_header *before, const uint8_t chain[CHAIN_SIZE], const struct skt_header *next,
	     bool same_machine);

/* Chain value of the block that ends at this offset, or of the header where none does: 0 or a negative errno. */
int file_chain(const struct skt_file *file, uint64_t offset, uint8_t ret[CHAIN_SIZE]);

/* Read the header: file->fd and size are there. */
int file_read_header(struct skt_file *file, struct skt_err *err);

/* Whether a recorder holds its lock; only asked, so that no recorder is ever held up by a reader. */
bool file_is_locked(int fd);

#define BLOCK_SIZE(head) (BLOCK_HEAD_SIZE + (uint64_t)(head)->length + BLOCK_TAIL_SIZE)

/* Read the head at an offset: 1 good, 0 not (or the file ends inside it), or a negative errno. */
int file_read_head(const struct skt_file *file, uint64_t offset, struct block_head *ret);

/*
 * Read the whole block at an offset, whose head was read before, into `block` (emptied first): its bytes, tail
 * included, the checksum proven. 0; -ENODATA the file ends inside it; -EBADMSG, with the bytes in the block all the
 * same; -ENOMEM; or what the system said.
 */
int file_read_block(const struct skt_file *file, uint64_t offset, const struct block_head *head, struct skt_buf *block,
		    struct skt_err *err);

int file_add_group(struct skt_file *file, const struct group *group);
/*
 * The last group that begins with this snapshot or before it: that which holds it, or would; n_groups where it is
 * before all.
 */
size_t file_group_of_number(const struct skt_file *file, uint64_t number);

/* The first group that begins at this offset or later; n_groups where there is none. */
size_t file_group_from(const struct skt_file *file, uint64_t offset);

int file_add_keys(struct skt_file *file, uint64_t offset);
int file_add_damage(struct skt_file *file, const struct skt_damage *damage);

/* Find groups and damage by hopping over all blocks. 0, -ENOMEM, -E2BIG. */
int file_scan(struct skt_file *file);

/* Find groups by the index: 1 done, 0 there is none that can be used (and file is as before), or -ENOMEM. */
int file_read_index(struct skt_file *file);

/* Groups in one index block: what the writer puts into one, and what a reader takes memory for. */
#define INDEX_GROUPS	 64
#define INDEX_GROUPS_MAX 65536

/* The payload of an index block: where it stands, where the one before it does (0: none), and groups. */
void index_put(uint64_t offset, uint64_t before, const struct group *groups, size_t n, struct skt_buf *out);

#endif
