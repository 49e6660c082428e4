/* SPDX-License-Identifier: MIT */
#include "record/keys.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/*
 * A block of keys:
 *
 *	groups   n, then of each: number of its first snapshot, longest interval, ticks missed, doubts
 *	kinds    n, then of each: kind, full, pages: of each its first key, keys, bytes inflated and stored
 *	pages    deflated, one after the other
 *
 * A page has keys in the order of their bytes, each as what it shares with the one before and what it does not, with
 * the groups in which it is. So a key is found by the first keys, and one page is inflated.
 */
#define PAGE_KEYS 1024

void group_facts_add(struct group_facts *facts, const struct group_facts *more)
{
	for (size_t kind = 0; kind < SKT_TABLE_KINDS; kind++)
		blind_add(&facts->blind[kind], more->blind[kind].after, more->blind[kind].until);
	facts->missed += more->missed;
	facts->denied = more->denied > facts->denied ? more->denied : facts->denied;
	facts->netns_denied = more->netns_denied > facts->netns_denied ? more->netns_denied : facts->netns_denied;
	facts->heard |= more->heard;
	facts->doubts |= more->doubts;
}

void dictionary_init(struct dictionary *dictionary, uint64_t seed)
{
	memset(dictionary, 0, sizeof(*dictionary));
	dictionary->seed = seed;
}

void dictionary_release(struct dictionary *dictionary)
{
	map_release(&dictionary->map);
	skt_buf_release(&dictionary->bytes);
	free(dictionary->keys);
	memset(dictionary, 0, sizeof(*dictionary));
}

void dictionary_clear(struct dictionary *dictionary)
{
	uint64_t seed = dictionary->seed;

	dictionary_release(dictionary);
	dictionary_init(dictionary, seed);
}

static uint64_t hash_key(const struct dictionary *dictionary, uint8_t kind, const void *bytes, size_t len)
{
	return hash_bytes(hash_mix(dictionary->seed, kind), bytes, len);
}

/* Twice the room, with all keys in it. */
static int grow(struct dictionary *dictionary)
{
	size_t room = dictionary->map.room ? 2 * dictionary->map.room : 1024;

	if (map_reset(&dictionary->map, room))
		return -ENOMEM;
	for (size_t i = 0; i < dictionary->n_keys; i++) {
		const struct dictionary_key *key = &dictionary->keys[i];

		map_add(&dictionary->map, hash_key(dictionary, key->kind, dictionary->bytes.data + key->at, key->len),
			(uint32_t)i);
	}
	return 0;
}

static int add_new(struct dictionary *dictionary, uint64_t hash, uint8_t kind, const void *bytes, uint8_t len,
		   uint64_t groups)
{
	size_t at = dictionary->bytes.len;

	if (dictionary->n_of[kind] > KEYS_MOST || ++dictionary->n_of[kind] > KEYS_MOST)
		return 0;
	if (dictionary->n_keys >= dictionary->map.room && grow(dictionary))
		return -ENOMEM;
	if (array_room(&dictionary->keys, &dictionary->room_keys, dictionary->n_keys + 1, sizeof(*dictionary->keys)))
		return -ENOMEM;
	skt_buf_add(&dictionary->bytes, bytes, len);
	dictionary->keys[dictionary->n_keys] =
		(struct dictionary_key){ .at = at, .kind = kind, .len = len, .groups = groups };
	map_add(&dictionary->map, hash, (uint32_t)dictionary->n_keys++);
	return skt_buf_status(&dictionary->bytes);
}

static int add_key(struct dictionary *dictionary, uint8_t kind, const void *bytes, uint8_t len, uint64_t groups)
{
	uint64_t hash = hash_key(dictionary, kind, bytes, len);
	uint32_t i = dictionary->n_keys ? map_first(&dictionary->map, hash) : MAP_NONE;

	for (; i != MAP_NONE; i = map_next(&dictionary->map, i)) {
		struct dictionary_key *key = &dictionary->keys[i];

		if (key->kind == kind && key->len == len && !memcmp(dictionary->bytes.data + key->at, bytes, len)) {
			key->groups |= groups;
			return 0;
		}
	}
	return add_new(dictionary, hash, kind, bytes, len, groups);
}

void dictionary_add(struct dictionary *dictionary, const struct skt_buf *keys, const struct group_facts *facts,
		    size_t group)
{
	struct cur in;

	if (group >= KEYS_GROUPS || dictionary->failed)
		return;
	group_facts_add(&dictionary->facts[group], facts);
	dictionary->failed = keys->failed;
	cur_init(&in, keys->data, keys->len);
	while (!dictionary->failed && cur_left(&in)) {
		uint8_t kind = cur_byte(&in), len = cur_byte(&in);
		const unsigned char *bytes = cur_bytes(&in, len);

		dictionary->failed = add_key(dictionary, kind, bytes, len, UINT64_C(1) << group) != 0;
	}
}

/* ---- writing ---- */

static int compare(const unsigned char *a, size_t a_len, const unsigned char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int by_kind_and_bytes(const void *x, const void *y, void *data)
{
	const struct dictionary_key *a = x, *b = y;
	const unsigned char *bytes = data;

	if (a->kind != b->kind)
		return a->kind - b->kind;
	return compare(bytes + a->at, a->len, bytes + b->at, b->len);
}

void dictionary_sort(struct dictionary *dictionary)
{
	if (dictionary->n_keys)
		qsort_r(dictionary->keys, dictionary->n_keys, sizeof(*dictionary->keys), by_kind_and_bytes,
			dictionary->bytes.data);
	/* the keys have other places now: nothing more can be added */
	map_release(&dictionary->map);
}

static size_t shared_with(const unsigned char *bytes, const struct dictionary_key *before,
			  const struct dictionary_key *key)
{
	size_t n = 0;

	while (before && n < before->len && n < key->len && bytes[before->at + n] == bytes[key->at + n])
		n++;
	return n;
}

/* Deflate n keys as a page; its description goes to `out`, its bytes to `pages`. */
static int put_page(const struct dictionary *dictionary, const struct dictionary_key *keys, size_t n,
		    struct skt_buf *page, struct skt_buf *out, struct skt_buf *pages)
{
	const unsigned char *bytes = dictionary->bytes.data;
	uLongf stored;
	unsigned char *room;

	skt_buf_clear(page);
	for (size_t i = 0; i < n; i++) {
		size_t shared = shared_with(bytes, i ? &keys[i - 1] : NULL, &keys[i]);

		skt_buf_varint(page, shared);
		skt_buf_varint(page, keys[i].len - shared);
		skt_buf_add(page, bytes + keys[i].at + shared, keys[i].len - shared);
		skt_buf_varint(page, keys[i].groups);
	}
	stored = compressBound(page->len);
	room = skt_buf_room(pages, stored);
	if (page->failed || !room || compress2(room, &stored, page->data, page->len, 6) != Z_OK)
		return -ENOMEM;
	pages->len += stored;
	skt_buf_varint(out, keys->len);
	skt_buf_add(out, bytes + keys->at, keys->len);
	skt_buf_varint(out, n);
	skt_buf_varint(out, page->len);
	skt_buf_varint(out, stored);
	return 0;
}

/* Its n keys begin with the first-th of the dictionary, of which there may be none at all. */
static int put_kind(const struct dictionary *dictionary, uint8_t kind, size_t first, size_t n, struct skt_buf *page,
		    struct skt_buf *out, struct skt_buf *pages)
{
	bool full = dictionary->n_of[kind] > KEYS_MOST;
	int rc = 0;

	skt_buf_byte(out, kind);
	skt_buf_byte(out, full);
	if (full)
		n = 0;
	skt_buf_varint(out, (n + PAGE_KEYS - 1) / PAGE_KEYS);
	for (size_t at = 0; at < n && !rc; at += PAGE_KEYS)
		rc = put_page(dictionary, dictionary->keys + first + at, n - at < PAGE_KEYS ? n - at : PAGE_KEYS, page,
			      out, pages);
	return rc;
}

static void put_facts(const struct group_facts *facts, int64_t *before, struct skt_buf *out)
{
	uint8_t kinds = 0;

	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++)
		if (facts->blind[kind].until > facts->blind[kind].after)
			kinds |= (uint8_t)(1u << kind);
	skt_buf_varint(out, facts->missed);
	skt_buf_varint(out, facts->denied);
	skt_buf_varint(out, facts->netns_denied);
	skt_buf_byte(out, facts->doubts);
	skt_buf_byte(out, facts->heard);
	skt_buf_byte(out, kinds);
	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++) {
		const struct blind *blind = &facts->blind[kind];

		if (!(kinds & 1u << kind))
			continue;
		skt_buf_zigzag(out, (int64_t)((uint64_t)blind->after - (uint64_t)*before));
		skt_buf_varint(out, (uint64_t)blind->until - (uint64_t)blind->after);
		*before = blind->after;
	}
}

int dictionary_put(struct dictionary *dictionary, const uint64_t *numbers, size_t n, struct skt_buf *out)
{
	struct skt_buf page, pages;
	int64_t before = 0;
	size_t at = 0;
	int rc = 0;

	skt_buf_init(&page);
	skt_buf_init(&pages);
	if (n > KEYS_GROUPS)
		n = KEYS_GROUPS;
	skt_buf_varint(out, n);
	for (size_t i = 0; i < n; i++) {
		skt_buf_varint(out, numbers[i] - (i ? numbers[i - 1] : 0));
		put_facts(&dictionary->facts[i], &before, out);
	}
	dictionary_sort(dictionary);
	skt_buf_varint(out, SKT_KEY_KINDS - 1);
	for (uint8_t kind = 1; kind < SKT_KEY_KINDS && !rc; kind++) {
		size_t first = at;

		while (at < dictionary->n_keys && dictionary->keys[at].kind == kind)
			at++;
		rc = put_kind(dictionary, kind, first, at - first, &page, out, &pages);
	}
	skt_buf_add(out, pages.data, pages.len);
	skt_buf_release(&page);
	skt_buf_release(&pages);
	return rc ? rc : skt_buf_status(out);
}
