/* SPDX-License-Identifier: MIT */
#include "record/file.h"

#include "base/array.h"
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int file_read_header(struct skt_file *file, struct skt_err *err)
{
	unsigned char fixed[HEADER_FIXED_SIZE];
	unsigned char *bytes;
	int64_t got = io_pread(file->fd, fixed, sizeof(fixed), 0);
	size_t length = 0;
	int rc;

	if (got < 0)
		return skt_err_sys(err, (int)got, "cannot read");
	if (!got)
		return skt_err_set(err, -ENODATA, "file is empty");
	rc = header_fixed_get(fixed, (size_t)got, &file->header, file->sync, &length, err);
	if (rc)
		return rc;
	if (length > file->size)
		return skt_err_set(err, -ENODATA, "file ends inside the header: %llu bytes of %zu",
				   (unsigned long long)file->size, length);
	bytes = malloc(length);
	if (!bytes)
		return skt_err_set(err, -ENOMEM, "out of memory");
	got = io_pread(file->fd, bytes, length, 0);
	if (got == (int64_t)length)
		rc = header_facts_get(bytes, length, &file->header, err);
	else
		rc = got < 0 ? skt_err_sys(err, (int)got, "cannot read the header")
			     : skt_err_set(err, -ENODATA, "file ends inside the header");
	free(bytes);
	file->begin = length;
	return rc;
}

bool file_is_locked(int fd)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	return !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
}

int file_add_group(struct skt_file *file, const struct group *group)
{
	if (file->n_groups >= SKT_GROUPS_MAX)
		return -E2BIG;
	if (array_room(&file->groups, &file->room_groups, file->n_groups + 1, sizeof(*file->groups)))
		return -ENOMEM;
	file->groups[file->n_groups++] = *group;
	return 0;
}

size_t file_group_of_number(const struct skt_file *file, uint64_t number)
{
	size_t low = 0, high = file->n_groups;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (file->groups[middle].number <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : file->n_groups;
}

size_t file_group_from(const struct skt_file *file, uint64_t offset)
{
	size_t low = 0, high = file->n_groups;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (file->groups[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int file_add_keys(struct skt_file *file, uint64_t offset)
{
	if (array_room(&file->keys, &file->room_keys, file->n_keys + 1, sizeof(*file->keys)))
		return -ENOMEM;
	file->keys[file->n_keys++] = offset;
	return 0;
}

int file_add_damage(struct skt_file *file, const struct skt_damage *damage)
{
	if (array_room(&file->damage, &file->room_damage, file->n_damage + 1, sizeof(*file->damage)))
		return -ENOMEM;
	file->damage[file->n_damage++] = *damage;
	return 0;
}

static void measure(struct skt_file *file)
{
	struct skt_span *span = &file->span;
	const struct group *last = file->n_groups ? &file->groups[file->n_groups - 1] : NULL;

	span->groups = file->n_groups;
	for (size_t i = 0; i < file->n_groups; i++)
		span->snapshots += file->groups[i].snapshots;
	if (!last)
		return;
	span->number = last->number + last->snapshots - 1;
	span->number_first = file->groups[0].number;
	span->first = file->groups[0].first;
	span->last = last->last;
	/* a recorder whose clock was set back may end before its last snapshot */
	if (!span->ended || span->end < last->last)
		span->end = last->last + file->header.interval;
}

static int add_facts_damage(struct skt_file *file)
{
	struct skt_damage damage = { .offset = HEADER_FIXED_SIZE,
				     .length = file->begin - HEADER_FIXED_SIZE,
				     .after = INT64_MIN,
				     .until = INT64_MAX,
				     .facts = true };

	return file->header.facts_damaged ? file_add_damage(file, &damage) : 0;
}

static int find_groups(struct skt_file *file, unsigned flags, struct skt_err *err)
{
	int rc = add_facts_damage(file);

	file->no_index = flags & SKT_OPEN_NO_INDEX;
	if (!rc && !(flags & SKT_OPEN_NO_INDEX))
		rc = file_read_index(file);
	file->span.indexed = rc > 0;
	if (!rc)
		rc = file_scan(file);
	if (rc < 0)
		return skt_err_set(err, rc, rc == -E2BIG ? "too many groups" : "out of memory");
	measure(file);
	if ((flags & SKT_OPEN_STRICT) && (file->n_damage || (!file->span.ended && !file->span.live)))
		return skt_err_set(err, -EBADMSG, "recording is not whole: see sockquery --verify");
	return 0;
}

int skt_file_open(int fd, const char *name, unsigned flags, struct skt_file **ret, struct skt_err *err)
{
	struct skt_file *file = calloc(1, sizeof(*file));
	struct stat status;
	int rc;

	if (!file)
		return skt_err_set(err, -ENOMEM, "out of memory");
	file->fd = fd;
	file->name = malloc(strlen(name) + 1);
	if (!file->name) {
		rc = skt_err_set(err, -ENOMEM, "out of memory");
	} else if (fstat(fd, &status)) {
		rc = skt_err_sys(err, -errno, "cannot stat");
	} else if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
		rc = skt_err_set(err, -EINVAL, "not a regular file");
	} else if (S_ISDIR(status.st_mode)) {
		memcpy(file->name, name, strlen(name) + 1);
		rc = dir_open(file, flags, err);
	} else {
		memcpy(file->name, name, strlen(name) + 1);
		/* the lock first: a recorder that ends in between has then written all of what is read */
		file->span.live = file_is_locked(fd);
		file->size = (uint64_t)status.st_size;
		rc = file_read_header(file, err);
	}
	if (!rc && !file->n_parts)
		rc = find_groups(file, flags, err);
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
	dir_release(file);
	header_release(&file->header);
	free(file->groups);
	free(file->keys);
	free(file->damage);
	free(file->name);
	free(file);
}

const struct skt_header *skt_file_header(const struct skt_file *file)
{
	return file->n_parts ? &file->parts[file->n_parts - 1].file->header : &file->header;
}

const char *skt_file_name(const struct skt_file *file)
{
	return file->name;
}

int skt_file_chain(const struct skt_file *file, uint8_t ret[CHAIN_SIZE])
{
	if (!file->n_parts)
		return file_chain(file, file->span.bytes, ret);
	memcpy(ret, file->parts[file->n_parts - 1].chain, CHAIN_SIZE);
	return 0;
}

struct skt_span skt_file_span(const struct skt_file *file)
{
	return file->span;
}

const struct skt_damage *skt_file_damage(const struct skt_file *file, size_t *ret_n)
{
	*ret_n = file->n_damage;
	return file->damage;
}

int file_read_head(const struct skt_file *file, uint64_t offset, struct block_head *ret)
{
	unsigned char bytes[BLOCK_HEAD_SIZE];
	int64_t got = io_pread(file->fd, bytes, sizeof(bytes), offset);

	if (got < 0)
		return (int)got;
	return got == (int64_t)sizeof(bytes) && block_head_get(bytes, file->sync, ret);
}

int file_read_block(const struct skt_file *file, uint64_t offset, const struct block_head *head, struct skt_buf *block,
		    struct skt_err *err)
{
	size_t length = (size_t)BLOCK_SIZE(head);
	unsigned char *bytes;
	int64_t got;
	int rc = 0;

	skt_buf_clear(block);
	bytes = skt_buf_room(block, length);
	if (!bytes)
		return skt_err_set(err, -ENOMEM, "out of memory");
	got = io_pread(file->fd, bytes, length, offset);
	if (got < 0) {
		rc = skt_err_sys(err, (int)got, "cannot read a block of %zu bytes", length);
	} else if (got < (int64_t)length) {
		rc = skt_err_set(err, -ENODATA, "file ends inside a block: %lld bytes of %zu", (long long)got, length);
	} else {
		block->len = length;
		if (!block_tail_is_good(bytes, bytes + BLOCK_HEAD_SIZE, head->length,
					bytes + BLOCK_HEAD_SIZE + head->length))
			rc = skt_err_set(err, -EBADMSG, "block of %zu bytes is damaged: its checksum is wrong", length);
	}
	if (rc)
		skt_err_at(err, file->name, (int64_t)offset);
	return rc;
}

int file_chain(const struct skt_file *file, uint64_t offset, uint8_t ret[CHAIN_SIZE])
{
	unsigned char *header;
	int64_t got;

	if (offset >= file->begin + BLOCK_HEAD_SIZE + BLOCK_TAIL_SIZE) {
		got = io_pread(file->fd, ret, CHAIN_SIZE, offset - BLOCK_TAIL_SIZE);
		return got == CHAIN_SIZE ? 0 : got < 0 ? (int)got : -ENODATA;
	}
	header = malloc(file->begin);
	if (!header)
		return -ENOMEM;
	got = io_pread(file->fd, header, file->begin, 0);
	if (got == (int64_t)file->begin)
		chain_start(header, file->begin, ret);
	free(header);
	return got == (int64_t)file->begin ? 0 : got < 0 ? (int)got : -ENODATA;
}
