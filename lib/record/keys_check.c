/* SPDX-License-Identifier: MIT */
#include "record/keys_check.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

/* Load the next block that can be read; those that cannot are told. */
static int load(struct keys_check *check)
{
	const struct skt_file *file = check->file;

	check->group = 0;
	for (; check->at < file->n_keys; check->at++) {
		uint64_t offset = file->keys[check->at];
		struct block_head head;
		int rc = file_read_head(file, offset, &head) > 0 ? 0 : -EBADMSG;

		if (!rc)
			rc = file_read_block(file, offset, &head, &check->bytes, NULL);
		if (!rc)
			rc = keys_block_get(check->bytes.data + BLOCK_HEAD_SIZE, head.length, &check->block, NULL);
		if (!rc && check->block.n_groups)
			return 0;
		keys_block_release(&check->block);
		rc = rc == -ENOMEM ? rc : check->wrong(check->data, offset);
		if (rc)
			return rc;
	}
	return 0;
}

int keys_check_begin(struct keys_check *check, const struct skt_file *file, int (*wrong)(void *data, uint64_t offset),
		     void *data)
{
	uint64_t seed;

	memset(check, 0, sizeof(*check));
	randombytes_buf(&seed, sizeof(seed));
	dictionary_init(&check->dictionary, seed);
	check->file = file;
	check->wrong = wrong;
	check->data = data;
	return load(check);
}

void keys_check_release(struct keys_check *check)
{
	keys_block_release(&check->block);
	dictionary_release(&check->dictionary);
	skt_buf_release(&check->bytes);
	skt_buf_release(&check->keys);
	reads_release(&check->reads);
}

/* All groups of the block at hand have been read, or never will be. */
static int end_block(struct keys_check *check)
{
	uint64_t numbers[KEYS_GROUPS];
	uint64_t offset = check->file->keys[check->at];
	size_t n = check->block.n_groups;
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		numbers[i] = check->block.groups[i].number;
	if (check->spoiled)
		rc = 1;
	else if (check->group == n)
		rc = keys_block_equals(&check->block, &check->dictionary, numbers, n);
	keys_block_release(&check->block);
	dictionary_clear(&check->dictionary);
	check->in_group = false;
	check->spoiled = false;
	check->at++;
	if (!rc)
		rc = check->wrong(check->data, offset);
	return rc < 0 ? rc : load(check);
}

/* A group begins with this snapshot. */
static int begin_group(struct keys_check *check, uint64_t number)
{
	int rc = 0;

	check->in_group = false;
	if (check->at < check->file->n_keys && check->group == check->block.n_groups)
		rc = end_block(check);
	/* the numbers of a block rise, and so do those of groups: one that was passed over is never found */
	if (!rc && check->at < check->file->n_keys && check->block.groups[check->group].number == number) {
		check->in_group = true;
		check->group++;
	}
	return rc;
}

/*
 * What was not seen before the first snapshot of a group is told by who recorded it; where a step starts from nothing,
 * nobody else knows.
 */
static int follow_reads(struct keys_check *check, const struct skt_snapshot *now, bool key, bool from_nothing,
			const struct skt_step *step, struct group_facts *facts)
{
	if (!key)
		return reads_step(&check->reads, now, step, facts->blind, &facts->heard);
	if (from_nothing) {
		reads_forget(&check->reads);
		if (check->in_group) {
			const struct group_facts *told = &check->block.groups[check->group - 1].facts;

			memcpy(facts->blind, told->blind, sizeof(facts->blind));
			facts->heard = told->heard;
		}
	}
	return reads_begin_group(&check->reads, now, facts->blind, &facts->heard);
}

int keys_check_step(struct keys_check *check, const struct skt_cursor *cursor, const struct skt_step *step)
{
	const struct skt_snapshot *now = cursor->has_next ? &cursor->next : &cursor->now;
	struct group_facts facts = { .doubts = 0 };
	int rc = cursor->key ? begin_group(check, cursor->first_number) : 0;

	if (!rc)
		rc = follow_reads(check, now, cursor->key, !cursor->has_next, step, &facts);
	if (rc || !check->in_group)
		return rc;
	skt_buf_clear(&check->keys);
	if (cursor->key)
		keys_of_snapshot(now, &cursor->key_step, &check->keys, &facts);
	else
		keys_of_step(now, step, &check->keys, &facts);
	dictionary_add(&check->dictionary, &check->keys, &facts, check->group - 1);
	return check->dictionary.failed ? -ENOMEM : 0;
}

int keys_check_end(struct keys_check *check)
{
	int rc = 0;

	while (!rc && check->at < check->file->n_keys)
		rc = end_block(check);
	return rc;
}
