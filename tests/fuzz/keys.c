/* SPDX-License-Identifier: MIT */
#include "record/keys.h"

#include "taken.h"

#include <stdlib.h>
#include <string.h>

/* A block of keys, asked for keys that it may have and one that it may not, and held against a dictionary. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
				if (!keys_block_find(&block, &key, &groups, NULL) && !groups)
					abort();
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
