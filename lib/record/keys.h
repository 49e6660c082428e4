/* SPDX-License-Identifier: MIT */
#ifndef RECORD_KEYS_H
#define RECORD_KEYS_H

#include "base/cur.h"
#include "base/map.h"
#include "record/reads.h"

#include <skt/record.h>

/*
 * A dictionary of what stands in groups: for each remote address, port, pid and name of a process, in which of the
 * groups that one index block tells. A question that asks for one of them need not read the others.
 *
 *	snapshot, step --- keys_of_x() ---> raw keys of a block --- keys_add() ---> dictionary --- keys_put() ---> block
 *
 * A block that could not be written leaves nothing in it, for its keys are added when it has been.
 */

/* One bit of a bitmap for each. */
#define KEYS_GROUPS 64

/* Keys of one kind. With more the kind is full: it says nothing, and costs no more memory (some 40 bytes a key). */
#define KEYS_MOST (1u << 18)

/*
 * Ports below this are keys: those above are picked at random by clients (ip_local_port_range), and stand in every
 * group.
 */
#define KEYS_PORTS 32768

/* What a question has to know of a group that it does not read. */
struct group_facts {
	/* of intervals that end in it, those that began in the group before included */
	struct blind blind[SKT_TABLE_KINDS];
	uint64_t missed; /* ticks, with those before its first snapshot */
	uint32_t denied; /* as in struct skt_quality, at its worst snapshot */
	uint32_t netns_denied;
	uint8_t heard;	/* tables of which such an interval was not blind: all that went was told of */
	uint8_t doubts; /* enum skt_doubt, ored */
};

void group_facts_add(struct group_facts *facts, const struct group_facts *more);

/*
 * What a snapshot from nothing, or a step and the snapshot it led to, brings: raw keys are appended, facts are added
 * to, but for what was not seen, which reads_x() finds.
 */
void keys_of_snapshot(const struct skt_snapshot *now, const struct skt_step *step, struct skt_buf *keys,
		      struct group_facts *facts);
void keys_of_step(const struct skt_snapshot *now, const struct skt_step *step, struct skt_buf *keys,
		  struct group_facts *facts);

struct dictionary_key {
	size_t at; /* of its bytes */
	uint8_t kind;
	uint8_t len;
	uint64_t groups; /* a bit each */
};

struct dictionary {
	uint64_t seed;
	struct map map;
	struct skt_buf bytes;
	struct dictionary_key *keys;
	size_t n_keys, room_keys;
	uint32_t n_of[SKT_KEY_KINDS];
	bool failed; /* there was no memory: it is not written */
	struct group_facts facts[KEYS_GROUPS];
};

void dictionary_init(struct dictionary *dictionary, uint64_t seed);
void dictionary_release(struct dictionary *dictionary);
void dictionary_clear(struct dictionary *dictionary);

/* Raw keys and facts of a block of this group, counted from 0; those beyond KEYS_GROUPS are passed over. */
void dictionary_add(struct dictionary *dictionary, const struct skt_buf *keys, const struct group_facts *facts,
		    size_t group);

/* In the order of kinds and bytes; nothing can be added any more. */
void dictionary_sort(struct dictionary *dictionary);

/* The payload of a block for groups whose first snapshots have these numbers. 0 or -ENOMEM. */
int dictionary_put(struct dictionary *dictionary, const uint64_t *numbers, size_t n, struct skt_buf *out);

/* ---- reading ---- */

/* A page of keys of one kind, inflated when it is asked for. */
struct keys_page {
	const unsigned char *first; /* key */
	size_t first_len;
	size_t n_keys;
	size_t inflated;
	const unsigned char *stored;
	size_t stored_len;
};

struct keys_kind {
	bool there;
	bool full;
	size_t n_pages;
	struct keys_page *pages;
};

struct keys_group {
	uint64_t number; /* of its first snapshot */
	struct group_facts facts;
};

/* A block, as far as it has been looked at: all but the pages. It borrows the payload. */
struct keys_block {
	struct keys_group groups[KEYS_GROUPS];
	size_t n_groups;
	struct keys_kind kinds[SKT_KEY_KINDS];
	struct skt_buf page; /* scratch */
};

/* 0, -EBADMSG or -ENOMEM; release it in any case. */
int keys_block_get(const void *payload, size_t length, struct keys_block *ret, struct skt_err *err);
void keys_block_release(struct keys_block *block);

/* In which groups a key is: 0, -EBADMSG, -ENOMEM. A kind that says nothing has all of them. */
int keys_block_find(struct keys_block *block, const struct skt_key *key, uint64_t *ret, struct skt_err *err);

/* Whether it says what this dictionary does of these groups: 1, 0, or -ENOMEM. */
int keys_block_equals(struct keys_block *block, struct dictionary *dictionary, const uint64_t *numbers, size_t n);

#endif
