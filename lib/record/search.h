/* SPDX-License-Identifier: MIT */
#ifndef RECORD_SEARCH_H
#define RECORD_SEARCH_H

#include "record/file.h"

/*
 * Looking for the next good key block where heads cannot be followed. A place is believed when the checksum over the
 * whole block that its head claims is right; but claims may overlap, and a file may be full of heads that claim 64 MiB
 * each. So no claim is summed by itself. The bytes are summed once, as far as any claim reaches, with the sum so far
 * noted at every STRIDE-th; the sum of any part follows from those at its two ends:
 *
 *	begin    |    |    |    |    |    |    end of what was summed
 *	            ^ claim ^
 *
 * In all, each byte is read once for its sum and at most twice for the mark, and each claim costs at most two strides
 * more, however long it is: linear in the file.
 */
struct search {
	const struct skt_file *file;
	uint64_t begin; /* of what was summed */
	uint64_t end;
	uint32_t *sums; /* CRC-32 from begin to each stride's beginning, and to end */
	size_t n, room;
};

/*
 * Find the first good key block from *at on whose sequence and number are not lower than these: 1, and *at is where it
 * stands; 0 there is none; -ENOMEM. Each call of one search begins where the one before ended, or further on.
 */
int search_key(struct search *search, uint64_t sequence, uint64_t number, uint64_t *at, struct block_head *ret);
void search_release(struct search *search);

#endif
