/* SPDX-License-Identifier: MIT */
#ifndef SKT_STRTAB_H
#define SKT_STRTAB_H

#include <stddef.h>
#include <stdint.h>

/*
 * An interned string table: equal bytes have equal ids, so strings compare as numbers within one
 * table (and only there). Ids count from 0 in the order of first use; 0 is the empty string. Strings are
 * bytes with a length: they may hold NUL, and are followed by one that is not counted. Nothing is ever
 * removed; whoever wants a smaller table copies what it needs into a new one.
 *
 * A table is shared by reference count, for capture and all its snapshots use one. It is not locked.
 */
struct skt_strtab;

/*
 * Limits, met before memory is taken. A string: a command line may be 2 MiB (ARG_MAX, execve(2)), and a table line is
 * kept whole up to that.
 */
#define SKT_STRING_MAX ((size_t)4 << 20)
/*
 * All strings of a group, and their bytes with one more for each: half a kilobyte for the command line of each of half
 * a million processes. In memory a table may have twice as much, as a snapshot may.
 */
#define SKT_STRTAB_MAX	((size_t)256 << 20)
#define SKT_STRINGS_MAX (1u << 22)

/*
 * A new table holding "" with one reference, given to the caller; NULL without memory. seed (from getrandom(2), say)
 * keeps others from choosing collisions.
 */
struct skt_strtab *skt_strtab_new(uint64_t seed);
struct skt_strtab *skt_strtab_ref(struct skt_strtab *strings);
void skt_strtab_unref(struct skt_strtab *strings);

/*
 * The id of these bytes, added unless they are there: 0, -ENOMEM, or -E2BIG over a limit. The bytes are copied; they
 * are not a part of a string of this table, for an add moves those.
 */
int skt_strtab_add(struct skt_strtab *strings, const void *bytes, size_t len, uint32_t *ret_id);

/*
 * The bytes of a string, borrowed until the next add; its length through len unless NULL. An id that is not in the
 * table is "".
 */
const char *skt_strtab_get(const struct skt_strtab *strings, uint32_t id, size_t *ret_len);

/* How many strings, and how many bytes they hold. */
uint32_t skt_strtab_count(const struct skt_strtab *strings);
size_t skt_strtab_bytes(const struct skt_strtab *strings);

/* The seed it was made with, for a table that is to replace it. */
uint64_t skt_strtab_seed(const struct skt_strtab *strings);

#endif
