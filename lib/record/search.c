/* SPDX-License-Identifier: MIT */
#include "record/search.h"

#include "base/array.h"
#include "base/io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/*
 * A note of 4 bytes for as many: memory is a 64th of what is summed, and a claim costs no more than a small block does.
 */
#define STRIDE 256

/* Bytes read at a time: the first few after a hole are often enough. */
#define READ_LEAST 512
#define READ_MOST  16384

static int note(struct search *search, uint32_t sum)
{
	if (array_room(&search->sums, &search->room, search->n + 1, sizeof(*search->sums)))
		return -ENOMEM;
	search->sums[search->n++] = sum;
	return 0;
}

/* Sum all whole strides before this offset. 0, -ENOMEM, or what reading said. */
static int sum_up_to(struct search *search, uint64_t offset)
{
	unsigned char bytes[64 * STRIDE];

	while (search->end + STRIDE <= offset) {
		uint64_t strides = (offset - search->end) / STRIDE;
		size_t want = strides < 64 ? (size_t)strides * STRIDE : sizeof(bytes);
		int64_t got = io_pread(search->file->fd, bytes, want, search->end);

		if (got != (int64_t)want)
			return got < 0 ? (int)got : -ENODATA;
		for (size_t i = 0; i < want; i += STRIDE) {
			uint32_t sum = (uint32_t)crc32(search->sums[search->n - 1], bytes + i, STRIDE);

			if (note(search, sum))
				return -ENOMEM;
			search->end += STRIDE;
		}
	}
	return 0;
}

/* The CRC-32 of everything from where summing began up to this offset. */
static int sum_to(struct search *search, uint64_t offset, uint32_t *ret)
{
	unsigned char bytes[STRIDE];
	int rc = sum_up_to(search, offset);
	uint64_t stride = (offset - search->begin) / STRIDE;
	size_t rest = (size_t)((offset - search->begin) % STRIDE);
	int64_t got;

	if (rc)
		return rc;
	got = io_pread(search->file->fd, bytes, rest, offset - rest);
	if (got != (int64_t)rest)
		return got < 0 ? (int)got : -ENODATA;
	/* zlib takes no bytes at NULL for "begin anew", and none at all for none */
	*ret = (uint32_t)crc32(search->sums[stride], bytes, (uInt)rest);
	return 0;
}

static int begin_at(struct search *search, uint64_t offset)
{
	search->begin = offset;
	search->end = offset;
	search->n = 0;
	return note(search, 0);
}

/*
 * The CRC-32 of some bytes, from those of all before them and of all up to their end. zlib's crc32_combine(a, b, n)
 * makes the sum of two parts from theirs, where the second has n bytes; it is a's, n bytes on, XORed with b's. So it is
 * undone with b = 0.
 */
static int sum_of(struct search *search, uint64_t from, uint64_t to, uint32_t *ret)
{
	uint32_t before, all;
	int rc = !search->n || from > search->end ? begin_at(search, from) : 0;

	if (!rc)
		rc = sum_to(search, from, &before);
	if (!rc)
		rc = sum_to(search, to, &all);
	if (!rc)
		*ret = all ^ (uint32_t)crc32_combine(before, 0, (z_off_t)(to - from));
	return rc;
}

/* Whether the whole of the key block stands here, whose head is good: 1, 0, -ENOMEM. */
static int is_whole(struct search *search, uint64_t offset, const struct block_head *head)
{
	uint64_t end = offset + BLOCK_SIZE(head);
	unsigned char bytes[8];
	uint32_t sum, stated;
	struct cur in;
	int rc;

	if (end > search->file->size || end < offset ||
	    io_pread(search->file->fd, bytes, sizeof(bytes), end - sizeof(bytes)) != (int64_t)sizeof(bytes))
		return 0;
	cur_init(&in, bytes, sizeof(bytes));
	stated = cur_le32(&in);
	if (cur_le32(&in) != head->length)
		return 0;
	rc = sum_of(search, offset, end - sizeof(bytes), &sum);
	return rc == -ENOMEM ? rc : !rc && sum == stated;
}

int search_key(struct search *search, uint64_t sequence, uint64_t number, uint64_t *at, struct block_head *ret)
{
	const struct skt_file *file = search->file;
	unsigned char bytes[READ_MOST];
	size_t want = READ_LEAST;
	uint64_t from = *at;
	int64_t got;

	while ((got = io_pread(file->fd, bytes, want, from)) >= BLOCK_HEAD_SIZE) {
		/* marks with a whole head behind them; the others are in the next part too */
		const unsigned char *mark = bytes, *end = bytes + got - BLOCK_HEAD_SIZE + 8;

		for (; (mark = memmem(mark, (size_t)(end - mark), file->sync, 8)); mark++) {
			int rc;

			*at = from + (uint64_t)(mark - bytes);
			if (!block_head_get(mark, file->sync, ret) || ret->type != BLOCK_KEY || ret->snapshots != 1 ||
			    ret->sequence < sequence || ret->number < number)
				continue;
			rc = is_whole(search, *at, ret);
			if (rc)
				return rc;
		}
		from += (uint64_t)got - BLOCK_HEAD_SIZE + 1;
		want = want < READ_MOST ? 2 * want : READ_MOST;
	}
	return 0;
}

void search_release(struct search *search)
{
	free(search->sums);
	search->sums = NULL;
}
