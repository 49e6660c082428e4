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
	size_t group = file_group_of_number(file, number);

	return group < file->n_groups && file->groups[group].number == number ? group : file->n_groups;
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

/* What one block says: 0, or -ENOMEM; a block that is damaged says nothing. */
static int ask(const struct skt_file *file, uint64_t offset, const struct skt_question *question, struct skt_buf *bytes,
	       struct skt_choice *ret)
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
		rc = find_keys(&block, question->keys, question->n_keys, &found, NULL);
	for (size_t i = 0; i < block.n_groups && !rc; i++) {
		size_t group = group_numbered(file, block.groups[i].number);

		/* it stands behind the groups it is about */
		if (group >= file->n_groups || file->groups[group].offset >= offset || ret->told[group])
			continue;
		ret->told[group] = true;
		ret->facts[group] = block.groups[i].facts;
		ret->groups[group] = found & UINT64_C(1) << i || block.groups[i].facts.doubts & question->doubts;
	}
	keys_block_release(&block);
	return rc == -ENOMEM ? rc : 0;
}

/* Times rise from group to group, unless the clock was set back: then nobody can say by them where a stretch begins. */
static bool is_sorted(const struct skt_file *file)
{
	for (size_t i = 1; i < file->n_groups; i++)
		if (file->groups[i].first < file->groups[i - 1].last)
			return false;
	return true;
}

/* What of a table could not be read is told from the read before it to the read behind it. */
static void choose_beside_doubts(struct skt_choice *choice, unsigned doubts)
{
	for (size_t i = 0; i < choice->n_groups; i++) {
		if (choice->told[i] && !(choice->facts[i].doubts & doubts & SKT_DOUBT_TABLES))
			continue;
		choice->groups[i] = true;
		if (i)
			choice->groups[i - 1] = true;
		/* one that nothing is told of is read from its first snapshot on */
		if (choice->told[i] && i + 1 < choice->n_groups)
			choice->groups[i + 1] = true;
	}
}

/*
 * What lies only in part within the stretch, or not at all, which costs nothing; and where it ends what is there then.
 */
static void choose_ends(const struct skt_file *file, const struct skt_question *question, bool first,
			struct skt_choice *choice)
{
	size_t end = 0;

	if (!choice->n_groups)
		return;
	for (size_t i = 0; i < choice->n_groups; i++)
		if (question->from != INT64_MIN && file->groups[i].first <= question->from)
			choice->groups[i] = true;
	while (end < choice->n_groups && file->groups[end].last <= question->to)
		end++;
	if (end)
		choice->groups[end - 1] = true;
	for (; end < choice->n_groups; end++)
		choice->groups[end] = true;
	choice->groups[0] |= first;
}

static size_t count(const struct skt_choice *choice)
{
	size_t n = 0;

	for (size_t i = 0; i < choice->n_groups; i++)
		n += choice->groups[i];
	return n;
}

static int find_in_file(const struct skt_file *file, const struct skt_question *question, bool first, bool all,
			struct skt_choice *ret)
{
	bool stretch = question->from != INT64_MIN || question->to != INT64_MAX;
	bool able = question->n_keys && !all && !file->no_index && !file->n_damage && file->n_keys &&
		    (!stretch || is_sorted(file));
	struct skt_buf bytes;
	int rc = 0;

	ret->groups = malloc(file->n_groups + 1);
	ret->told = calloc(file->n_groups + 1, sizeof(*ret->told));
	ret->facts = calloc(able ? file->n_groups + 1 : 1, sizeof(*ret->facts));
	if (!ret->groups || !ret->told || !ret->facts)
		return -ENOMEM;
	memset(ret->groups, true, file->n_groups);
	ret->n_groups = ret->n_chosen = file->n_groups;
	if (!able)
		return 0;
	skt_buf_init(&bytes);
	for (size_t i = 0; i < file->n_keys && !rc; i++)
		rc = ask(file, file->keys[i], question, &bytes, ret);
	skt_buf_release(&bytes);
	choose_beside_doubts(ret, question->doubts);
	choose_ends(file, question, first, ret);
	ret->n_chosen = count(ret);
	return rc;
}

/* A file of a directory is opened for as long as it is asked; one that cannot be is read, and will tell why. */
static int find_in_part(const struct skt_file *whole, size_t i, const struct skt_question *question, bool all,
			struct skt_choice *ret)
{
	const struct dir_part *part = &whole->parts[i];
	struct skt_file file = *part->file;
	int rc;

	file.fd = file.n_keys ? skt_listed_open(whole->fd, &part->listed, NULL) : -1;
	if (file.fd < 0)
		file.n_keys = 0;
	rc = find_in_file(&file, question, true, all, ret);
	if (file.fd >= 0)
		close(file.fd);
	return rc;
}

static int find_in_directory(const struct skt_file *whole, const struct skt_question *question, struct skt_choice *ret)
{
	bool all = false;
	int rc = 0;

	/* a restart lies between two files, and is read */
	for (size_t i = 0; i < whole->n_damage; i++)
		all |= !whole->damage[i].restart;
	ret->parts = calloc(whole->n_parts, sizeof(*ret->parts));
	if (!ret->parts)
		return -ENOMEM;
	ret->n_parts = whole->n_parts;
	for (size_t i = 0; i < whole->n_parts && !rc; i++) {
		struct skt_choice *part = &ret->parts[i];

		rc = find_in_part(whole, i, question, all, part);
		ret->n_groups += part->n_groups;
		ret->n_chosen += part->n_chosen;
	}
	return rc;
}

int skt_file_find(const struct skt_file *file, const struct skt_question *question, struct skt_choice *ret,
		  struct skt_err *err)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = file->n_parts ? find_in_directory(file, question, ret) : find_in_file(file, question, false, false, ret);
	if (!rc)
		return 0;
	skt_choice_release(ret);
	return skt_err_set(err, rc, "out of memory");
}

static void release(struct skt_choice *choice)
{
	free(choice->groups);
	free(choice->told);
	free(choice->facts);
}

void skt_choice_release(struct skt_choice *choice)
{
	for (size_t i = 0; i < choice->n_parts; i++)
		release(&choice->parts[i]);
	free(choice->parts);
	release(choice);
	memset(choice, 0, sizeof(*choice));
}

/* The group that has this snapshot; n_groups where none does. */
static size_t group_with(const struct skt_file *file, uint64_t number)
{
	size_t group = file_group_of_number(file, number);

	if (group < file->n_groups && number - file->groups[group].number >= file->groups[group].snapshots)
		return file->n_groups;
	return group;
}

static size_t widen(struct skt_choice *choice, const struct skt_file *file, uint64_t number, size_t n, bool backwards)
{
	size_t group = group_with(file, number), more = 0;

	if (group >= choice->n_groups)
		return 0;
	for (; n; n--) {
		more += !choice->groups[group];
		choice->groups[group] = true;
		if (backwards ? !group : group + 1 == choice->n_groups)
			break;
		group = backwards ? group - 1 : group + 1;
	}
	choice->n_chosen += more;
	return more;
}

void skt_choice_widen(struct skt_choice *choice, const struct skt_file *file, uint64_t number, size_t n, bool backwards)
{
	if (!choice->n_parts) {
		widen(choice, file, number, n, backwards);
		return;
	}
	/* files begin and end with groups that are chosen: no stretch of others goes from one to the next */
	for (size_t i = 0; i < choice->n_parts; i++) {
		uint64_t before = file->parts[i].listed.snapshots_before;

		if (number > before)
			choice->n_chosen +=
				widen(&choice->parts[i], file->parts[i].file, number - before, n, backwards);
	}
}

void skt_choice_all(struct skt_choice *choice)
{
	for (size_t i = 0; i < choice->n_parts; i++)
		skt_choice_all(&choice->parts[i]);
	if (!choice->n_parts)
		memset(choice->groups, true, choice->n_groups);
	choice->n_chosen = choice->n_groups;
}

static void add_left(const struct skt_choice *choice, uint32_t kinds, struct blind *blind, struct skt_left *ret)
{
	for (size_t i = 0; i < choice->n_groups; i++) {
		const struct group_facts *facts;

		if (choice->groups[i] && (!i || choice->groups[i - 1]))
			continue;
		facts = &choice->facts[i];
		for (unsigned kind = 0; kind < SKT_TABLE_KINDS; kind++)
			if (kinds & 1u << kind && facts->blind[kind].until > facts->blind[kind].after) {
				blind_add(blind, facts->blind[kind].after, facts->blind[kind].until);
				ret->blind_kinds |= 1u << kind;
			}
		ret->heard_kinds |= kinds & facts->heard;
		if (choice->groups[i])
			continue;
		ret->missed += facts->missed;
		ret->denied = facts->denied > ret->denied ? facts->denied : ret->denied;
		ret->netns_denied = facts->netns_denied > ret->netns_denied ? facts->netns_denied : ret->netns_denied;
	}
}

struct skt_left skt_choice_left(const struct skt_choice *choice, uint32_t kinds)
{
	struct skt_left left = { .missed = 0 };
	struct blind blind = { .after = 0 };

	if (!choice->n_parts)
		add_left(choice, kinds, &blind, &left);
	for (size_t i = 0; i < choice->n_parts; i++)
		add_left(&choice->parts[i], kinds, &blind, &left);
	left.blind_after = blind.after;
	left.blind_until = blind.until;
	return left;
}
