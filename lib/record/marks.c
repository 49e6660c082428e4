/* SPDX-License-Identifier: MIT */
#include "record/file.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void skt_marks_free(struct skt_mark *marks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(marks[i].text);
	free(marks);
}

/* Where to go on after something that is no block: the first group that begins later. */
static uint64_t group_after(const struct skt_file *file, uint64_t offset)
{
	for (size_t i = 0; i < file->n_groups; i++)
		if (file->groups[i].offset > offset)
			return file->groups[i].offset;
	return file->span.bytes;
}

/* Read the mark at an offset: 1, 0 it is damaged, -ENOMEM. */
static int read_mark(const struct skt_file *file, uint64_t offset, const struct block_head *head, struct skt_buf *block,
		     struct skt_mark *ret)
{
	const unsigned char *text;
	int rc;

	if (head->length > SKT_MARK_MAX)
		return 0;
	rc = file_read_block(file, offset, head, block, NULL);
	if (rc)
		return rc == -ENOMEM ? rc : 0;
	text = block->data + BLOCK_HEAD_SIZE;
	if (memchr(text, 0, head->length))
		return 0;
	*ret = (struct skt_mark){ .time = head->first, .number = head->number, .text = malloc(head->length + 1) };
	if (!ret->text)
		return -ENOMEM;
	memcpy(ret->text, text, head->length);
	ret->text[head->length] = '\0';
	return 1;
}

struct marks {
	struct skt_mark *marks;
	size_t n, room;
	bool missing; /* some may be */
};

/* The marks of one file; before: snapshots in those before it. */
static int add_marks(struct marks *marks, const struct skt_file *file, uint64_t before)
{
	struct block_head head;
	struct skt_buf block;
	int rc = 0;

	skt_buf_init(&block);
	for (uint64_t offset = file->begin; rc >= 0 && offset < file->span.bytes;) {
		if (file_read_head(file, offset, &head) <= 0) {
			offset = group_after(file, offset);
			marks->missing = true;
			continue;
		}
		offset += BLOCK_SIZE(&head);
		if (head.type != BLOCK_MARK)
			continue;
		rc = array_room(&marks->marks, &marks->room, marks->n + 1, sizeof(*marks->marks));
		if (!rc)
			rc = read_mark(file, offset - BLOCK_SIZE(&head), &head, &block, &marks->marks[marks->n]);
		marks->missing |= !rc;
		if (rc > 0 && marks->marks[marks->n].number)
			marks->marks[marks->n].number += before;
		marks->n += rc > 0;
	}
	skt_buf_release(&block);
	return rc < 0 ? rc : 0;
}

/* One that was dropped since has none. */
static int add_marks_of_part(struct marks *marks, const struct skt_file *dir, const struct dir_part *part)
{
	struct skt_file file = *part->file;
	int rc;

	file.fd = skt_listed_open(dir->fd, &part->listed, NULL);
	if (file.fd < 0)
		return file.fd == -ENOMEM ? file.fd : 0;
	rc = add_marks(marks, &file, part->listed.snapshots_before);
	close(file.fd);
	return rc;
}

int skt_file_marks(const struct skt_file *file, struct skt_mark **ret, size_t *ret_n, struct skt_err *err)
{
	struct marks marks = { NULL, 0, 0, false };
	int rc = file->n_parts ? 0 : add_marks(&marks, file, 0);

	for (size_t i = 0; i < file->n_parts && !rc; i++)
		rc = add_marks_of_part(&marks, file, &file->parts[i]);
	if (rc) {
		skt_marks_free(marks.marks, marks.n);
		return skt_err_set(err, rc, "out of memory");
	}
	*ret = marks.marks;
	*ret_n = marks.n;
	return marks.missing;
}
