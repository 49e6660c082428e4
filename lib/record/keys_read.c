/* SPDX-License-Identifier: MIT */
#include "record/keys.h"

#include "record/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/*
 * A page is inflated into exactly what it states. A key has two bytes at least, one of them new but for the first of
 * an empty name, so a page of PAGE_MOST bytes is far more than PAGE_KEYS keys of the greatest length.
 */
#define PAGE_MOST  (UINT64_C(1) << 20)
#define PAGES_MOST (KEYS_MOST + 1)

static int damaged(struct skt_err *err)
{
	return skt_err_set(err, -EBADMSG, "block of keys is damaged");
}

static int compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

static void get_facts(struct cur *in, int64_t *before, struct group_facts *ret)
{
	uint8_t kinds;

	ret->missed = cur_varint(in);
	ret->denied = (uint32_t)cur_count(in, UINT32_MAX);
	ret->netns_denied = (uint32_t)cur_count(in, UINT32_MAX);
	ret->doubts = cur_byte(in);
	ret->heard = cur_byte(in);
	kinds = cur_byte(in);
	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++) {
		struct blind *blind = &ret->blind[kind];

		*blind = (struct blind){ .after = 0 };
		if (!(kinds & 1u << kind))
			continue;
		if (__builtin_add_overflow(*before, cur_zigzag(in), &blind->after) ||
		    __builtin_add_overflow(blind->after, (int64_t)cur_count(in, INT64_MAX), &blind->until) ||
		    !block_time_is_good(blind->after) || !block_time_is_good(blind->until) ||
		    blind->until <= blind->after)
			cur_fail(in);
		*before = blind->after;
	}
}

static void get_groups(struct cur *in, struct keys_block *ret)
{
	uint64_t number = 0;
	int64_t blind = 0;

	ret->n_groups = cur_count(in, KEYS_GROUPS);
	for (size_t i = 0; i < ret->n_groups; i++) {
		struct keys_group *group = &ret->groups[i];
		uint64_t before = number;

		number += cur_varint(in);
		group->number = number;
		get_facts(in, &blind, &group->facts);
		if (number <= before)
			cur_fail(in);
	}
}

static void get_page(struct cur *in, struct keys_page *ret)
{
	ret->first_len = cur_count(in, SKT_KEY_MAX);
	ret->first = cur_bytes(in, ret->first_len);
	ret->n_keys = cur_count(in, KEYS_MOST);
	ret->inflated = cur_count(in, PAGE_MOST);
	ret->stored_len = cur_count(in, PAGE_MOST);
	if (!ret->n_keys)
		cur_fail(in);
}

/* A kind that is not known here: its pages, which come after those of all others, are passed over. */
static void pass_kind(struct cur *in, size_t n, uint64_t *passed)
{
	for (size_t i = 0; i < n && !in->bad; i++) {
		struct keys_page page;

		get_page(in, &page);
		*passed += page.stored_len;
	}
}

/* 0, or -ENOMEM; what is wrong sticks to `in`. */
static int get_kind(struct cur *in, uint8_t *last, struct keys_block *ret, uint64_t *passed)
{
	uint8_t number = cur_byte(in), full = cur_byte(in);
	/* a page is described in four bytes at least */
	size_t n = cur_count(in, cur_left(in) / 4 < PAGES_MOST ? cur_left(in) / 4 : PAGES_MOST);
	struct keys_kind *kind;

	if (number <= *last || full > 1 || (full && n))
		cur_fail(in);
	*last = number;
	if (!in->bad && number >= SKT_KEY_KINDS)
		pass_kind(in, n, passed);
	if (in->bad || number >= SKT_KEY_KINDS)
		return 0;
	kind = &ret->kinds[number];
	kind->there = true;
	kind->full = full;
	kind->n_pages = n;
	kind->pages = calloc(n + 1, sizeof(*kind->pages));
	if (!kind->pages)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		get_page(in, &kind->pages[i]);
	for (size_t i = 1; i < n && !in->bad; i++)
		if (compare(kind->pages[i - 1].first, kind->pages[i - 1].first_len, kind->pages[i].first,
			    kind->pages[i].first_len) >= 0)
			cur_fail(in);
	return 0;
}

int keys_block_get(const void *payload, size_t length, struct keys_block *ret, struct skt_err *err)
{
	struct cur in;
	uint64_t n, passed = 0;
	uint8_t last = 0;
	int rc = 0;

	memset(ret, 0, sizeof(*ret));
	cur_init(&in, payload, length);
	get_groups(&in, ret);
	n = cur_count(&in, UINT8_MAX);
	for (uint64_t i = 0; i < n && !in.bad && !rc; i++)
		rc = get_kind(&in, &last, ret, &passed);
	if (rc)
		return skt_err_set(err, rc, "out of memory");
	for (unsigned k = 1; k < SKT_KEY_KINDS; k++)
		for (size_t i = 0; i < ret->kinds[k].n_pages; i++)
			ret->kinds[k].pages[i].stored = cur_bytes(&in, ret->kinds[k].pages[i].stored_len);
	cur_bytes(&in, passed);
	return cur_is_done(&in) ? 0 : damaged(err);
}

void keys_block_release(struct keys_block *block)
{
	for (unsigned k = 1; k < SKT_KEY_KINDS; k++)
		free(block->kinds[k].pages);
	skt_buf_release(&block->page);
	memset(block, 0, sizeof(*block));
}

static int inflate_page(struct keys_block *block, const struct keys_page *page, struct skt_err *err)
{
	uLongf got = page->inflated;
	uLong used = page->stored_len;
	unsigned char *room;

	skt_buf_clear(&block->page);
	room = skt_buf_room(&block->page, page->inflated + 1);
	if (!room)
		return skt_err_set(err, -ENOMEM, "out of memory");
	if (uncompress2(room, &got, page->stored, &used) != Z_OK || got != page->inflated || used != page->stored_len)
		return damaged(err);
	block->page.len = page->inflated;
	return 0;
}

/* A key, and where: walked from page to page and key to key, in rising order. */
struct walk {
	struct cur in;
	uint8_t bytes[SKT_KEY_MAX];
	size_t len;
	uint64_t groups;
	size_t left;
	bool began;
};

static int begin_page(struct keys_block *block, const struct keys_page *page, struct walk *ret, struct skt_err *err)
{
	int rc = inflate_page(block, page, err);

	cur_init(&ret->in, block->page.data, rc ? 0 : page->inflated);
	ret->left = page->n_keys;
	ret->began = false;
	return rc;
}

/* The next key of the page: 1, 0 at its end, -EBADMSG. The first one is the one that its description names. */
static int next_key(struct walk *walk, const struct keys_page *page, struct skt_err *err)
{
	uint8_t before[SKT_KEY_MAX];
	size_t before_len = walk->len, shared, more;
	const unsigned char *bytes;

	if (!walk->left)
		return cur_is_done(&walk->in) ? 0 : damaged(err);
	memcpy(before, walk->bytes, sizeof(before));
	shared = cur_count(&walk->in, walk->began ? before_len : 0);
	more = cur_count(&walk->in, SKT_KEY_MAX - shared);
	bytes = cur_bytes(&walk->in, more);
	walk->groups = cur_varint(&walk->in);
	if (walk->in.bad || !walk->groups)
		return damaged(err);
	memcpy(walk->bytes + shared, bytes, more);
	walk->len = shared + more;
	if (walk->began ? compare(before, before_len, walk->bytes, walk->len) >= 0
			: compare(page->first, page->first_len, walk->bytes, walk->len) != 0)
		return damaged(err);
	walk->began = true;
	walk->left--;
	return 1;
}

int keys_block_find(struct keys_block *block, const struct skt_key *key, uint64_t *ret, struct skt_err *err)
{
	const struct keys_kind *kind = &block->kinds[key->kind];
	size_t low = 0, high = kind->n_pages;
	struct walk walk = { .len = 0 };
	int rc;

	*ret = 0;
	if (!kind->there || kind->full) {
		*ret = UINT64_MAX;
		return 0;
	}
	/* the last page whose first key is not beyond it */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct keys_page *page = &kind->pages[middle];

		if (compare(page->first, page->first_len, key->bytes, key->len) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return 0;
	rc = begin_page(block, &kind->pages[low - 1], &walk, err);
	if (rc)
		return rc;
	while ((rc = next_key(&walk, &kind->pages[low - 1], err)) > 0)
		if (!compare(walk.bytes, walk.len, key->bytes, key->len))
			*ret = walk.groups;
	return rc;
}

/* ---- verifying ---- */

/* Whether the dictionary's next key is this one. */
static bool is_next(const struct dictionary *dictionary, size_t at, uint8_t kind, const struct walk *walk)
{
	const struct dictionary_key *key;

	if (at >= dictionary->n_keys)
		return false;
	key = &dictionary->keys[at];
	return key->kind == kind && key->groups == walk->groups &&
	       !compare(dictionary->bytes.data + key->at, key->len, walk->bytes, walk->len);
}

/* The kind's keys, all pages in turn, against those of a sorted dictionary from *at on: 1, 0, -ENOMEM. */
static int kind_equals(struct keys_block *block, uint8_t number, const struct dictionary *dictionary, size_t *at)
{
	const struct keys_kind *kind = &block->kinds[number];
	bool full = dictionary->n_of[number] > KEYS_MOST;

	if (!kind->there || kind->full != full)
		return 0;
	for (size_t i = 0; i < kind->n_pages; i++) {
		struct walk walk = { .len = 0 };
		int rc = begin_page(block, &kind->pages[i], &walk, NULL);

		if (!rc)
			rc = next_key(&walk, &kind->pages[i], NULL);
		for (; rc > 0; rc = next_key(&walk, &kind->pages[i], NULL), ++*at)
			if (!is_next(dictionary, *at, number, &walk))
				return 0;
		if (rc)
			return rc == -ENOMEM ? rc : 0;
	}
	while (full && *at < dictionary->n_keys && dictionary->keys[*at].kind == number)
		++*at;
	return *at >= dictionary->n_keys || dictionary->keys[*at].kind != number;
}

static bool facts_equal(const struct group_facts *a, const struct group_facts *b)
{
	for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++)
		if (a->blind[kind].after != b->blind[kind].after || a->blind[kind].until != b->blind[kind].until)
			return false;
	return a->missed == b->missed && a->denied == b->denied && a->netns_denied == b->netns_denied &&
	       a->heard == b->heard && a->doubts == b->doubts;
}

int keys_block_equals(struct keys_block *block, struct dictionary *dictionary, const uint64_t *numbers, size_t n)
{
	size_t at = 0;
	int rc = 1;

	if (dictionary->failed)
		return -ENOMEM;
	if (block->n_groups != n)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (block->groups[i].number != numbers[i] ||
		    !facts_equal(&block->groups[i].facts, &dictionary->facts[i]))
			return 0;
	dictionary_sort(dictionary);
	for (uint8_t kind = 1; kind < SKT_KEY_KINDS && rc > 0; kind++)
		rc = kind_equals(block, kind, dictionary, &at);
	return rc;
}
