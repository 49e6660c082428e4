/* SPDX-License-Identifier: MIT */
#include "record/file.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/* Read the mark at an offset: 1, 0 it is damaged or none, -ENOMEM. */
static int read_mark(const struct skt_file *file, uint64_t offset, const struct block_head *head, struct skt_buf *block,
		     struct skt_mark *ret)
{
	const unsigned char *text;
	int rc;

	if (head->type != BLOCK_MARK || head->length > SKT_MARK_MAX)
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

int skt_file_marks(const struct skt_file *file, struct skt_mark **ret, size_t *ret_n, struct skt_err *err)
{
	struct skt_mark *marks = NULL;
	size_t n = 0, room = 0;
	struct block_head head;
	struct skt_buf block;
	int rc = 0;

	skt_buf_init(&block);
	for (uint64_t offset = file->begin; rc >= 0 && offset < file->span.bytes;) {
		if (file_read_head(file, offset, &head) <= 0) {
			offset = group_after(file, offset);
			continue;
		}
		rc = array_room(&marks, &room, n + 1, sizeof(*marks));
		if (!rc)
			rc = read_mark(file, offset, &head, &block, &marks[n]);
		n += rc > 0;
		offset += BLOCK_SIZE(&head);
	}
	skt_buf_release(&block);
	if (rc < 0) {
		skt_marks_free(marks, n);
		return skt_err_set(err, rc, "out of memory");
	}
	*ret = marks;
	*ret_n = n;
	return 0;
}
