/* SPDX-License-Identifier: MIT */
#include "record/file.h"
#include "record/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The group whose first snapshot has this number, or n_groups. */
static size_t group_numbered(const struct skt_file *file, uint64_t number)
{
	size_t low = 0, high = file->n_groups;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (file->groups[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < file->n_groups && file->groups[low].number == number ? low : file->n_groups;
}

/* In which groups of a block one of the keys may be. */
static int find_keys(struct keys_block *block, const struct skt_key *keys, size_t n, uint64_t *ret, struct skt_err *err)
{
	*ret = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t groups;
		int rc = keys_block_find(block, &keys[i], &groups, err);

		if (rc)
			return rc;
		*ret |= groups;
	}
	return 0;
}

/* A group need not be read: what is known of it takes its place. */
static void leave(const struct skt_file *file, size_t group, const struct group_facts *facts, struct skt_choice *ret)
{
	const struct group *groups = file->groups;
	int64_t before = group ? groups[group].first - groups[group - 1].last : 0;
	int64_t behind = group + 1 < file->n_groups ? groups[group + 1].first - groups[group].last : 0;
	int64_t longest = before > behind ? before : behind;

	if (facts->longest > longest)
		longest = facts->longest;
	if (longest > ret->longest)
		ret->longest = longest;
	ret->missed += facts->missed;
	ret->groups[group] = false;
	ret->n_chosen--;
}

/* What one block says: 0, or -ENOMEM; a block that is damaged says nothing. */
static int ask(const struct skt_file *file, uint64_t offset, const struct skt_key *keys, size_t n, unsigned doubts,
	       struct skt_buf *bytes, struct skt_choice *ret)
{
	struct keys_block block = { .n_groups = 0 };
	struct block_head head;
	uint64_t found = 0;
	int rc = file_read_head(file, offset, &head) > 0 ? 0 : -EBADMSG;

	if (!rc)
		rc = file_read_block(file, offset, &head, bytes, NULL);
	if (!rc)
		rc = keys_block_get(bytes->data + BLOCK_HEAD_SIZE, head.length, &block, NULL);
	if (!rc)
		rc = find_keys(&block, keys, n, &found, NULL);
	for (size_t i = 0; i < block.n_groups && !rc; i++) {
		size_t group = group_numbered(file, block.groups[i].number);
		const struct group_facts *facts = &block.groups[i].facts;

		/* it stands behind the groups it is about */
		if (group < file->n_groups && file->groups[group].offset < offset && ret->groups[group] &&
		    !(found & UINT64_C(1) << i) && !(facts->doubts & doubts))
			leave(file, group, facts, ret);
	}
	keys_block_release(&block);
	return rc == -ENOMEM ? rc : 0;
}

static int find_in_file(const struct skt_file *file, const struct skt_key *keys, size_t n, unsigned doubts,
			struct skt_choice *ret)
{
	struct skt_buf bytes;
	int rc = 0;

	ret->groups = malloc(file->n_groups + 1);
	if (!ret->groups)
		return -ENOMEM;
	memset(ret->groups, true, file->n_groups);
	ret->n_groups = ret->n_chosen = file->n_groups;
	skt_buf_init(&bytes);
	for (size_t i = 0; i < file->n_keys && n && !file->no_index && !file->n_damage && !rc; i++)
		rc = ask(file, file->keys[i], keys, n, doubts, &bytes, ret);
	skt_buf_release(&bytes);
	return rc;
}

/* A file of a directory is opened for as long as it is asked; one that cannot be is read, and will tell why. */
static int find_in_part(const struct skt_file *whole, size_t i, const struct skt_key *keys, size_t n, unsigned doubts,
			struct skt_choice *ret)
{
	const struct dir_part *part = &whole->parts[i];
	struct skt_file file = *part->file;
	int rc;

	file.fd = file.n_keys ? skt_listed_open(whole->fd, &part->listed, NULL) : -1;
	if (file.fd < 0)
		file.n_keys = 0;
	rc = find_in_file(&file, keys, n, doubts, ret);
	if (file.fd >= 0)
		close(file.fd);
	return rc;
}

static int find_in_directory(const struct skt_file *whole, const struct skt_key *keys, size_t n, unsigned doubts,
			     struct skt_choice *ret)
{
	int rc = 0;

	ret->parts = calloc(whole->n_parts, sizeof(*ret->parts));
	if (!ret->parts)
		return -ENOMEM;
	ret->n_parts = whole->n_parts;
	for (size_t i = 0; i < whole->n_parts && !rc; i++) {
		struct skt_choice *part = &ret->parts[i];

		rc = find_in_part(whole, i, keys, n, doubts, part);
		ret->n_groups += part->n_groups;
		ret->n_chosen += part->n_chosen;
		ret->missed += part->missed;
		if (part->longest > ret->longest)
			ret->longest = part->longest;
	}
	return rc;
}

int skt_file_find(const struct skt_file *file, const struct skt_key *keys, size_t n, unsigned doubts,
		  struct skt_choice *ret, struct skt_err *err)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = file->n_parts ? find_in_directory(file, keys, n, doubts, ret) : find_in_file(file, keys, n, doubts, ret);
	if (!rc)
		return 0;
	skt_choice_release(ret);
	return skt_err_set(err, rc, "out of memory");
}

void skt_choice_release(struct skt_choice *choice)
{
	for (size_t i = 0; i < choice->n_parts; i++)
		free(choice->parts[i].groups);
	free(choice->parts);
	free(choice->groups);
	memset(choice, 0, sizeof(*choice));
}
