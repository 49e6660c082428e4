/* SPDX-License-Identifier: MIT */
#include "record/file.h"

#include "base/array.h"
#include "base/io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int read_header(struct skt_file *file, uint64_t size, uint64_t *ret_length, struct skt_err *err)
{
	unsigned char fixed[HEADER_FIXED_SIZE];
	struct skt_err why;
	unsigned char *bytes;
	int64_t got = io_pread(file->fd, fixed, sizeof(fixed), 0);
	size_t length;
	int rc;

	if (got < 0)
		return skt_err_sys(err, (int)got, "cannot read");
	if (!got)
		return skt_err_set(err, -ENODATA, "file is empty");
	skt_err_init(&why);
	length = header_length(fixed, (size_t)got, &why);
	if (!length)
		return skt_err_set(err, why.code, "%s", why.message);
	if (length > size)
		return skt_err_set(err, -ENODATA, "file ends inside the header: %llu bytes of %zu",
				   (unsigned long long)size, length);
	bytes = malloc(length);
	if (!bytes)
		return skt_err_set(err, -ENOMEM, "out of memory");
	got = io_pread(file->fd, bytes, length, 0);
	if (got == (int64_t)length)
		rc = header_get(bytes, length, &file->header, file->sync, err);
	else
		rc = got < 0 ? skt_err_sys(err, (int)got, "cannot read the header")
			     : skt_err_set(err, -ENODATA, "file ends inside the header");
	free(bytes);
	*ret_length = length;
	return rc;
}

static int add_block(struct skt_file *file, const struct block_head *head, uint64_t offset)
{
	struct skt_span *span = &file->span;

	if (array_room(&file->blocks, &file->room, file->n_blocks + 1, sizeof(*file->blocks)))
		return -ENOMEM;
	file->blocks[file->n_blocks++] = (struct block){ .head = *head, .offset = offset };
	if (!span->snapshots)
		span->first = head->first;
	span->last = head->last;
	span->end = head->last + file->header.interval;
	span->snapshots += head->snapshots;
	span->groups += head->type == BLOCK_KEY;
	return 0;
}

/* A block's place in the file's order: sequence and snapshot numbers go on from the one before, and the first is a key. */
static bool follows(const struct skt_file *file, const struct block_head *head, uint64_t sequence)
{
	const struct block *before = file->n_blocks ? &file->blocks[file->n_blocks - 1] : NULL;

	if (head->sequence != sequence)
		return false;
	if (head->type != BLOCK_KEY && head->type != BLOCK_STEPS)
		return true;
	if (!head->snapshots || (head->type == BLOCK_KEY && head->snapshots != 1))
		return false;
	if (!before)
		return head->type == BLOCK_KEY;
	return head->number == before->head.number + before->head.snapshots;
}

/* Hop from head to head up to size; whatever is not whole ends it and is the file's problem. -ENOMEM is the only failure. */
static int find_blocks(struct skt_file *file, uint64_t offset, uint64_t size)
{
	uint64_t sequence = 1;

	for (; offset < size; sequence++) {
		unsigned char bytes[BLOCK_HEAD_SIZE];
		struct block_head head;
		uint64_t length;
		int64_t got = io_pread(file->fd, bytes, sizeof(bytes), offset);
		int rc = 0;

		if (got < 0)
			rc = skt_err_sys(&file->problem, (int)got, "cannot read");
		else if (file->span.ended)
			rc = skt_err_set(&file->problem, -EBADMSG, "%llu bytes after the end block",
					 (unsigned long long)(size - offset));
		else if (got < (int64_t)sizeof(bytes))
			rc = skt_err_set(&file->problem, -ENODATA, "file ends inside the head of a block");
		else if (!block_head_get(bytes, file->sync, &head) || !follows(file, &head, sequence))
			rc = skt_err_set(&file->problem, -EBADMSG,
					 "no good block here; %llu bytes from here on are lost",
					 (unsigned long long)(size - offset));
		length = rc ? 0 : BLOCK_HEAD_SIZE + (uint64_t)head.length + BLOCK_TAIL_SIZE;
		if (!rc && length > size - offset)
			rc = skt_err_set(&file->problem, -ENODATA, "file ends inside a block: %llu bytes of %llu",
					 (unsigned long long)(size - offset), (unsigned long long)length);
		if (rc) {
			skt_err_at(&file->problem, file->name, (int64_t)offset);
			break;
		}
		if (head.type == BLOCK_END) {
			file->span.ended = true;
			file->span.end = head.last;
		} else if (head.type == BLOCK_KEY || head.type == BLOCK_STEPS) {
			if (add_block(file, &head, offset))
				return -ENOMEM;
		}
		offset += length;
	}
	file->span.bytes = offset;
	return 0;
}

int skt_file_open(int fd, const char *name, struct skt_file **ret, struct skt_err *err)
{
	struct skt_file *file = calloc(1, sizeof(*file));
	uint64_t header_end = 0;
	struct stat status;
	int rc;

	if (!file)
		return skt_err_set(err, -ENOMEM, "out of memory");
	file->fd = fd;
	skt_err_init(&file->problem);
	file->name = malloc(strlen(name) + 1);
	if (!file->name)
		rc = skt_err_set(err, -ENOMEM, "out of memory");
	else if (fstat(fd, &status))
		rc = skt_err_sys(err, -errno, "cannot stat");
	else if (!S_ISREG(status.st_mode))
		rc = skt_err_set(err, -EINVAL, "not a regular file");
	else
		rc = read_header(file, (uint64_t)status.st_size, &header_end, err);
	if (!rc) {
		memcpy(file->name, name, strlen(name) + 1);
		rc = find_blocks(file, header_end, (uint64_t)status.st_size);
		if (rc)
			skt_err_set(err, rc, "out of memory");
	}
	if (rc) {
		skt_err_at(err, name, -1);
		skt_file_free(file);
		return rc;
	}
	*ret = file;
	return 0;
}

void skt_file_free(struct skt_file *file)
{
	if (!file)
		return;
	header_release(&file->header);
	free(file->blocks);
	free(file->name);
	free(file);
}

const struct skt_header *skt_file_header(const struct skt_file *file)
{
	return &file->header;
}

const char *skt_file_name(const struct skt_file *file)
{
	return file->name;
}

struct skt_span skt_file_span(const struct skt_file *file)
{
	return file->span;
}

const struct skt_err *skt_file_problem(const struct skt_file *file)
{
	return &file->problem;
}

int file_read_block(const struct skt_file *file, const struct block *block, struct skt_buf *payload,
		    struct skt_err *err)
{
	size_t length = BLOCK_HEAD_SIZE + (size_t)block->head.length + BLOCK_TAIL_SIZE;
	unsigned char *bytes;
	int64_t got;
	int rc = 0;

	skt_buf_clear(payload);
	bytes = skt_buf_room(payload, length);
	if (!bytes)
		return skt_err_set(err, -ENOMEM, "out of memory");
	got = io_pread(file->fd, bytes, length, block->offset);
	if (got < 0)
		rc = skt_err_sys(err, (int)got, "cannot read a block of %zu bytes", length);
	else if (got < (int64_t)length)
		rc = skt_err_set(err, -ENODATA, "file ends inside a block: %lld bytes of %zu", (long long)got, length);
	else if (!block_tail_is_good(bytes, bytes + BLOCK_HEAD_SIZE, block->head.length,
				     bytes + BLOCK_HEAD_SIZE + block->head.length))
		rc = skt_err_set(err, -EBADMSG, "block of %zu bytes is damaged: its checksum is wrong", length);
	if (rc) {
		skt_err_at(err, file->name, (int64_t)block->offset);
		return rc;
	}
	/* the head and the tail have done their work */
	memmove(bytes, bytes + BLOCK_HEAD_SIZE, block->head.length);
	payload->len = block->head.length;
	return 0;
}
