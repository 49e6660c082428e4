/* SPDX-License-Identifier: MIT */
#include "record/file.h"

#include "base/io.h"

#include <errno.h>
#include <stdlib.h>

/*
 * An index block tells where the groups before it are, up to the index block before, which it points to. From the end
 * of a finished file all are found without touching anything between:
 *
 *	key steps ... key steps | index <---- key steps ... | index | end
 *	                            \________________________/
 *
 * It is a hint: every entry is checked against the key block that stands there, and if one does not hold, all
 * are forgotten and the blocks are asked.
 */

void index_put(uint64_t offset, uint64_t before, const struct group *groups, size_t n, struct skt_buf *out)
{
	struct group last = { 0 };

	skt_buf_le64(out, offset);
	skt_buf_le64(out, before);
	skt_buf_varint(out, n);
	for (size_t i = 0; i < n; i++) {
		const struct group *group = &groups[i];

		skt_buf_varint(out, group->offset - last.offset);
		skt_buf_varint(out, group->sequence - last.sequence);
		skt_buf_varint(out, group->number - last.number);
		skt_buf_varint(out, group->snapshots);
		skt_buf_zigzag(out, group->first - last.first);
		skt_buf_zigzag(out, group->last - group->first);
		last = *group;
	}
}

/*
 * As it differs from another time. The groups of a recording whose clock was set are as far from each other as two
 * times can be, which is further than other differences.
 */
static int64_t get_time(struct cur *in, int64_t base)
{
	int64_t when;

	if (__builtin_add_overflow(base, cur_zigzag(in), &when) || !block_time_is_good(when)) {
		cur_fail(in);
		return base;
	}
	return when;
}

static void get_group(struct cur *in, struct group *last)
{
	last->offset += cur_varint(in);
	last->sequence += cur_varint(in);
	last->number += cur_varint(in);
	last->snapshots = cur_varint(in);
	last->first = get_time(in, last->first);
	last->last = get_time(in, last->first);
}

/* The head of the block that ends at this offset, and where it begins; 0 where there is none. */
static uint64_t block_before(const struct skt_file *file, uint64_t end, struct block_head *ret)
{
	unsigned char bytes[4];
	uint64_t length;
	struct cur in;

	if (end < file->begin + BLOCK_HEAD_SIZE + BLOCK_TAIL_SIZE ||
	    io_pread(file->fd, bytes, sizeof(bytes), end - sizeof(bytes)) != (int64_t)sizeof(bytes))
		return 0;
	cur_init(&in, bytes, sizeof(bytes));
	length = BLOCK_HEAD_SIZE + (uint64_t)cur_le32(&in) + BLOCK_TAIL_SIZE;
	if (length > end - file->begin || file_read_head(file, end - length, ret) <= 0 || BLOCK_SIZE(ret) != length)
		return 0;
	return end - length;
}

/* Add the groups of one index block, last to first, as the blocks are read. */
static int add_backwards(struct skt_file *file, struct cur *in, size_t n)
{
	struct group last = { 0 };
	struct group *groups = calloc(n + 1, sizeof(*groups));
	int rc = groups ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && groups; i++) {
		get_group(in, &last);
		groups[i] = last;
	}
	for (size_t i = n; i-- > 0 && !rc;)
		rc = file_add_group(file, &groups[i]);
	free(groups);
	return rc;
}

static void turn_round(struct skt_file *file)
{
	for (size_t i = 0, k = file->n_groups; i + 1 < k; i++) {
		struct group group = file->groups[--k];

		file->groups[k] = file->groups[i];
		file->groups[i] = group;
	}
}

/* The block right before an index block is that of the keys in its groups, where there is one. */
static int add_keys(struct skt_file *file, uint64_t index)
{
	struct block_head head;
	uint64_t offset = block_before(file, index, &head);

	return offset && head.type == BLOCK_KEYS ? file_add_keys(file, offset) : 0;
}

/* Read one index block; *at becomes the offset of the one before it. 1, 0 it cannot be used, -ENOMEM. */
static int read_one(struct skt_file *file, uint64_t *at, struct skt_buf *block)
{
	struct block_head head;
	struct cur in;
	uint64_t own, before;
	size_t n;
	int rc;

	if (*at < file->begin || file_read_head(file, *at, &head) <= 0 || head.type != BLOCK_INDEX)
		return 0;
	rc = file_read_block(file, *at, &head, block, NULL);
	if (rc)
		return rc == -ENOMEM ? rc : 0;
	cur_init(&in, block->data + BLOCK_HEAD_SIZE, head.length);
	own = cur_le64(&in);
	before = cur_le64(&in);
	n = cur_count(&in, INDEX_GROUPS_MAX);
	rc = add_backwards(file, &in, n);
	/*
	 * it stands where it was written: nothing before it was taken out or put in; and each points further back, so
	 * that a circle cannot be followed for ever
	 */
	if (rc || !cur_is_done(&in) || own != *at || before >= *at)
		return rc == -ENOMEM ? rc : 0;
	rc = add_keys(file, *at);
	*at = before;
	return rc ? rc : 1;
}

/* Every entry names a key block that stands there, one after the other without a jump. */
static bool holds(const struct skt_file *file, const struct block_head *end)
{
	uint64_t number = 1;

	for (size_t i = 0; i < file->n_groups; i++) {
		const struct group *group = &file->groups[i];
		struct block_head head;

		if (group->number != number || (i && group->offset <= file->groups[i - 1].offset) ||
		    group->snapshots > UINT32_MAX || !group->snapshots ||
		    file_read_head(file, group->offset, &head) <= 0 || head.type != BLOCK_KEY ||
		    head.sequence != group->sequence || head.number != number || head.first != group->first)
			return false;
		number += group->snapshots;
	}
	return file->n_groups && number == end->number;
}

int file_read_index(struct skt_file *file)
{
	struct block_head end, head;
	uint64_t offset = block_before(file, file->size, &end);
	uint64_t at = offset && end.type == BLOCK_END ? block_before(file, offset, &head) : 0;
	struct skt_buf block;
	int rc = 0;

	skt_buf_init(&block);
	if (at)
		rc = file_read_block(file, offset, &end, &block, NULL);
	rc = rc == -ENOMEM ? rc : at && !rc;
	while (rc > 0 && at)
		rc = read_one(file, &at, &block);
	skt_buf_release(&block);
	turn_round(file);
	if (rc > 0 && !holds(file, &end))
		rc = 0;
	if (rc > 0) {
		file->span.ended = true;
		file->span.end = end.last;
		file->span.missed = end.snapshots;
		file->span.bytes = file->size;
	} else {
		file->n_groups = 0;
		file->n_keys = 0;
	}
	return rc;
}
