/* SPDX-License-Identifier: MIT */
/*
 * A block of keys, asked for keys that it may have and one that it may not, and held against a dictionary. The mutator
 * changes what is behind the inflate of one page, too.
 */
#include "record/keys.h"

#include "fuzz.h"
#include "taken.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dictionary dictionary;
	struct keys_block block;
	uint64_t numbers[KEYS_GROUPS] = { 0 };
	uint64_t groups;
	struct skt_key key;

	dictionary_init(&dictionary, 1);
	if (!keys_block_get(data, size, &block, NULL)) {
		taken();
		for (unsigned kind = 1; kind < SKT_KEY_KINDS; kind++) {
			skt_key_of_comm("sh", 2, &key);
			key.kind = (uint8_t)kind;
			keys_block_find(&block, &key, &groups, NULL);
			for (size_t i = 0; i < block.kinds[kind].n_pages && i < 4; i++) {
				const struct keys_page *page = &block.kinds[kind].pages[i];

				memcpy(key.bytes, page->first, page->first_len);
				key.len = (uint8_t)page->first_len;
				/* it is there, for its page says so, or the page is damaged */
				check(keys_block_find(&block, &key, &groups, NULL) || groups, "a key that is nowhere");
			}
		}
		for (size_t i = 0; i < block.n_groups; i++) {
			numbers[i] = block.groups[i].number;
			dictionary.facts[i] = block.groups[i].facts;
		}
		keys_block_equals(&block, &dictionary, numbers, block.n_groups);
	}
	keys_block_release(&block);
	dictionary_release(&dictionary);
	return 0;
}

/* --- mutating --- */

/* A page is far smaller, unless it is one of a liar. */
enum { PAGE_ROOM = 4096 };

static const struct keys_page *choose_page(const struct keys_block *block, uint64_t *state)
{
	const struct keys_page *chosen_page = NULL;
	uint32_t n = 0;

	for (unsigned kind = 1; kind < SKT_KEY_KINDS; kind++)
		for (size_t i = 0; i < block->kinds[kind].n_pages; i++)
			if (!chosen(state, ++n))
				chosen_page = &block->kinds[kind].pages[i];
	return chosen_page;
}

/*
 * The block with this page's keys mutated; how long they are is put right in the page's description. False: it does not
 * inflate.
 */
static bool mutate_page(const uint8_t *data, size_t size, const struct keys_page *page, uint64_t *state,
			struct skt_buf *out)
{
	const uint8_t *end = page->first + page->first_len;
	uint8_t keys[PAGE_ROOM], stored[PAGE_ROOM + 256];
	uLongf len = sizeof(keys) / 2, stored_len = sizeof(stored);
	uint64_t n_keys = page->n_keys;
	struct cur in;

	if (uncompress(keys, &len, page->stored, page->stored_len) != Z_OK)
		return false;
	len = LLVMFuzzerMutate(keys, len, sizeof(keys));
	if (!chosen(state, 4))
		n_keys += chosen(state, 3) - 1;
	if (compress2(stored, &stored_len, keys, len, 1) != Z_OK)
		return false;
	skt_buf_add(out, data, (size_t)(end - data));
	skt_buf_varint(out, n_keys);
	skt_buf_varint(out, len);
	skt_buf_varint(out, stored_len);
	cur_init(&in, end, (size_t)(data + size - end));
	for (int i = 0; i < 3; i++)
		cur_varint(&in);
	skt_buf_add(out, in.at, (size_t)(page->stored - in.at));
	skt_buf_add(out, stored, stored_len);
	end = page->stored + page->stored_len;
	skt_buf_add(out, end, (size_t)(data + size - end));
	return true;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	const struct keys_page *page = NULL;
	struct keys_block block;
	uint64_t state = seed;
	struct skt_buf out;

	skt_buf_init(&out);
	if (!keys_block_get(data, size, &block, NULL) && chosen(&state, 4))
		page = choose_page(&block, &state);
	if (!page || !mutate_page(data, size, page, &state, &out)) {
		size = LLVMFuzzerMutate(data, size, max_size);
	} else if (!out.failed && out.len <= max_size) {
		memcpy(data, out.data, out.len);
		size = out.len;
	}
	skt_buf_release(&out);
	keys_block_release(&block);
	return size;
}
