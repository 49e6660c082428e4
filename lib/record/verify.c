/* SPDX-License-Identifier: MIT */
#include "record/verify.h"

#include "base/io.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/*
 * Verifying looks at every byte. Holes are those that opening without an index finds, and blocks whose checksum, or
 * chain value, is wrong: a chain value that does not follow from the block before says that a block was changed,
 * left out or put elsewhere, by someone who mended its checksum. Then all of it is read, as anybody would who wants
 * every snapshot: what was written wrong in the first place, no sum can tell.
 */

const char *skt_verdict_name(enum skt_verdict verdict)
{
	static const char *const names[] = { "WHOLE", "LIVE", "OPEN", "TORN", "DAMAGED" };

	return names[verdict];
}

struct verifying {
	struct skt_file *file;
	const uint8_t *wanted; /* chain value, NULL none */
	struct skt_verification *ret;
	struct skt_buf block;
	uint64_t offset;
	uint64_t number; /* after the last good block */
	int64_t last;
	size_t hole;   /* the next one that opening found */
	bool chained;  /* the chain value before is known */
	bool in_group; /* nothing of the group at hand was lost so far */
};

int verify_add_damage(struct skt_verification *ret, const struct skt_damage *damage)
{
	struct skt_damage *all = realloc(ret->damage, (ret->n_damage + 1) * sizeof(*all));

	if (!all)
		return -ENOMEM;
	ret->damage = all;
	all[ret->n_damage++] = *damage;
	return 0;
}

static int hash_file(int fd, uint64_t size, uint8_t ret[SKT_CHAIN_SIZE], struct skt_err *err)
{
	enum { PART = 1 << 20 };
	unsigned char *bytes = malloc(PART);
	crypto_hash_sha256_state sha;
	int rc = bytes ? 0 : skt_err_set(err, -ENOMEM, "out of memory");

	crypto_hash_sha256_init(&sha);
	for (uint64_t done = 0; !rc && done < size;) {
		int64_t got = io_pread(fd, bytes, size - done < PART ? (size_t)(size - done) : PART, done);

		if (got <= 0)
			rc = got ? skt_err_sys(err, (int)got, "cannot read")
				 : skt_err_set(err, -ENODATA, "file became shorter while it was read");
		else
			crypto_hash_sha256_update(&sha, bytes, (unsigned long long)got);
		done += got > 0 ? (uint64_t)got : 0;
	}
	crypto_hash_sha256_final(&sha, ret);
	free(bytes);
	return rc;
}

/* What was damaged so far lies before the block at hand, or is it. */
static void note_chain(struct verifying *verifying)
{
	struct skt_verification *ret = verifying->ret;

	if (!verifying->wanted || ret->found_chain || memcmp(ret->chain, verifying->wanted, CHAIN_SIZE) != 0)
		return;
	ret->found_chain = true;
	ret->has_chain = !ret->n_damage;
	for (size_t i = 0; i < ret->n_damage; i++)
		ret->damaged_before += ret->damage[i].length;
}

/* A block whose head is good: its checksum, then its place in the chain. */
static int check_block(struct verifying *verifying, const struct block_head *head)
{
	struct skt_verification *ret = verifying->ret;
	struct skt_damage damage = { .offset = verifying->offset,
				     .length = BLOCK_SIZE(head),
				     .snapshots = block_holds_snapshots(head) ? head->snapshots : 0,
				     .after = verifying->last,
				     .until = INT64_MAX };
	const unsigned char *bytes;
	uint8_t chain[CHAIN_SIZE];
	int rc = file_read_block(verifying->file, verifying->offset, head, &verifying->block, NULL);

	if (rc == -ENOMEM)
		return rc;
	if (head->type == BLOCK_KEY) {
		/* the end of what was lost before it */
		if (!verifying->in_group && ret->n_damage && ret->damage[ret->n_damage - 1].until == INT64_MAX &&
		    !ret->damage[ret->n_damage - 1].facts)
			ret->damage[ret->n_damage - 1].until = head->first;
		verifying->in_group = true;
	}
	if (rc) {
		verifying->chained = false;
		/* what stands in a block that is passed over is nothing to those after it */
		if (block_holds_snapshots(head) || block_is_newer(head))
			verifying->in_group = false;
		return verify_add_damage(ret, &damage);
	}
	bytes = verifying->block.data;
	memcpy(chain, ret->chain, CHAIN_SIZE);
	chain_next(bytes, bytes + BLOCK_HEAD_SIZE, head->length, chain);
	memcpy(ret->chain, bytes + BLOCK_HEAD_SIZE + head->length, CHAIN_SIZE);
	if (verifying->chained && memcmp(chain, ret->chain, CHAIN_SIZE) && verify_add_damage(ret, &damage))
		return -ENOMEM;
	verifying->chained = true;
	note_chain(verifying);
	ret->blocks++;
	if (head->type == BLOCK_GAP) {
		ret->gaps++;
		ret->unwritten += head->snapshots;
	}
	if (!block_holds_snapshots(head))
		return 0;
	if (verifying->in_group)
		verifying->last = head->last;
	else if (ret->n_damage)
		/* a good block, but without those before it in its group it says nothing */
		ret->damage[ret->n_damage - 1].snapshots += head->snapshots;
	return 0;
}

static int check_blocks(struct verifying *verifying)
{
	const struct skt_file *file = verifying->file;

	/* where the header is not what it was, the first chain value is taken on trust, and the rest follows from it */
	if (file->header.facts_damaged) {
		verifying->chained = false;
		if (verify_add_damage(verifying->ret, &file->damage[verifying->hole++]))
			return -ENOMEM;
	}
	while (verifying->offset < file->size) {
		const struct skt_damage *hole =
			verifying->hole < file->n_damage ? &file->damage[verifying->hole] : NULL;
		struct block_head head;
		int rc;

		if (hole && hole->offset == verifying->offset && !hole->gap && !hole->newer) {
			verifying->hole++;
			verifying->offset += hole->length;
			verifying->chained = false;
			verifying->in_group = false;
			rc = verify_add_damage(verifying->ret, hole);
		} else {
			if (hole && hole->offset == verifying->offset)
				verifying->hole++;
			if (file_read_head(file, verifying->offset, &head) <= 0)
				break; /* the tail that a recorder is writing */
			if (BLOCK_SIZE(&head) > file->size - verifying->offset)
				break;
			rc = check_block(verifying, &head);
			verifying->offset += BLOCK_SIZE(&head);
		}
		if (rc)
			return rc;
	}
	return 0;
}

/* An index that the blocks do not bear out could hide a group from whoever believes it. */
static int check_index(struct verifying *verifying, const char *name, struct skt_err *err)
{
	const struct skt_file *blocks = verifying->file;
	struct skt_damage damage = { .offset = blocks->size, .after = INT64_MIN, .until = INT64_MAX };
	struct skt_file *file = NULL;
	bool same;
	int rc = skt_file_open(blocks->fd, name, 0, &file, err);

	if (rc)
		return rc;
	same = file->n_groups == blocks->n_groups;
	for (size_t i = 0; same && i < file->n_groups; i++)
		same = file->groups[i].offset == blocks->groups[i].offset &&
		       file->groups[i].snapshots == blocks->groups[i].snapshots &&
		       file->groups[i].first == blocks->groups[i].first &&
		       file->groups[i].last == blocks->groups[i].last;
	/* a file that ended well has an index that can be used */
	if (!same || (blocks->span.ended && !blocks->n_damage && blocks->n_groups && !file->span.indexed))
		rc = verify_add_damage(verifying->ret, &damage);
	skt_file_free(file);
	return rc;
}

static enum skt_verdict judge(const struct verifying *verifying)
{
	const struct skt_verification *ret = verifying->ret;
	const struct skt_span *span = &verifying->file->span;

	if (ret->n_damage == 1 && ret->damage[0].torn)
		return SKT_TORN;
	if (ret->n_damage)
		return SKT_DAMAGED;
	return span->ended ? SKT_WHOLE : span->live ? SKT_LIVE : SKT_OPEN;
}

int skt_verify(int fd, const char *name, const uint8_t chain[SKT_CHAIN_SIZE], struct skt_verification *ret,
	       struct skt_err *err)
{
	struct verifying verifying = { .wanted = chain, .ret = ret, .last = INT64_MIN, .chained = true };
	unsigned char *header = NULL;
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = skt_file_open(fd, name, SKT_OPEN_NO_INDEX, &verifying.file, err);
	if (rc)
		return rc;
	if (verifying.file->n_parts) {
		skt_file_free(verifying.file);
		skt_err_set(err, -EISDIR, "is a directory: each of its files is verified by itself");
		return skt_err_at(err, name, -1);
	}
	verifying.offset = verifying.file->begin;
	header = malloc(verifying.file->begin);
	if (!header)
		rc = skt_err_set(err, -ENOMEM, "out of memory");
	else if (io_pread(fd, header, verifying.file->begin, 0) != (int64_t)verifying.file->begin)
		rc = skt_err_set(err, -EIO, "cannot read the header again");
	if (!rc) {
		chain_start(header, verifying.file->begin, ret->chain);
		note_chain(&verifying);
		rc = check_blocks(&verifying);
		if (rc)
			skt_err_set(err, rc, "out of memory");
	}
	if (!rc)
		rc = verify_steps(verifying.file, ret, err);
	/* where blocks are damaged, that the index does not fit them is no news */
	if (!rc && !ret->n_damage)
		rc = check_index(&verifying, name, err);
	if (!rc)
		rc = hash_file(fd, verifying.file->size, ret->file, err);
	ret->newer_blocks = verifying.file->span.newer_blocks;
	ret->newer_snapshots = verifying.file->span.newer_snapshots;
	if (!rc)
		ret->verdict = judge(&verifying);
	else
		skt_verification_release(ret);
	skt_err_at(err, name, -1);
	skt_buf_release(&verifying.block);
	skt_file_free(verifying.file);
	free(header);
	return rc;
}

void skt_verification_release(struct skt_verification *verification)
{
	for (size_t i = 0; i < verification->n_damage; i++)
		free(verification->damage[i].why);
	free(verification->damage);
	verification->damage = NULL;
	verification->n_damage = 0;
}
