/* SPDX-License-Identifier: MIT */
#include "record/output.h"

#include "base/array.h"
#include "record/whole.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * zlib's default where there is time for it; at short intervals the fast one (measured: 2 % more bytes, a third of the
 * time).
 */
#define LEVEL_SLOW    6
#define LEVEL_FAST    1
#define LEVEL_SLOW_NS (SKT_NS_PER_S / 2)

/*
 * What stands in the groups since the last index. Where that cannot be told, they will be read, which costs nothing but
 * time: err says why, and all else goes on.
 */
static void write_keys(struct output *output, struct skt_err *err)
{
	struct block_head head = { .type = BLOCK_KEYS, .flags = BLOCK_ANCILLARY };
	uint64_t numbers[KEYS_GROUPS];
	size_t n = 0;

	for (size_t i = output->keyed; i < output->n_groups && n < KEYS_GROUPS; i++)
		numbers[n++] = output->groups[i].number;
	skt_buf_clear(&output->payload);
	if (n && !output->keys.failed && !dictionary_put(&output->keys, numbers, n, &output->payload) &&
	    output->payload.len <= SKT_BLOCK_MAX)
		(void)whole_write_block(output, &head, &output->payload, err);
	dictionary_clear(&output->keys);
	output->keyed = output->n_groups;
}

/* Tell where the groups since the last index are. */
static int write_index(struct output *output, struct skt_err *err)
{
	struct block_head head = { .type = BLOCK_INDEX, .flags = BLOCK_ANCILLARY };
	uint64_t offset;
	int rc;

	if (!output->n_groups)
		return 0;
	write_keys(output, err);
	offset = output->state.bytes + (output->gap.snapshots ? BLOCK_SIZE(&output->gap) : 0);
	skt_buf_clear(&output->payload);
	index_put(offset, output->index, output->groups, output->n_groups, &output->payload);
	rc = skt_buf_status(&output->payload);
	if (rc)
		return skt_err_set(err, rc, "out of memory");
	rc = whole_write_block(output, &head, &output->payload, err);
	if (rc)
		return rc;
	output->index = offset;
	output->n_groups = 0;
	output->keyed = 0;
	return 0;
}

/* The group is complete: remember it for the index. */
static int end_group(struct output *output, struct skt_err *err)
{
	if (!output->group.snapshots)
		return 0;
	if (array_room(&output->groups, &output->room_groups, output->n_groups + 1, sizeof(*output->groups)))
		return skt_err_set(err, -ENOMEM, "out of memory");
	output->groups[output->n_groups++] = output->group;
	memset(&output->group, 0, sizeof(output->group));
	/* what follows a gap is the next group: an index has time until then */
	return output->n_groups < INDEX_GROUPS || output->gap.snapshots ? 0 : write_index(output, err);
}

void gap_add(struct block_head *gap, const struct block_head *more)
{
	if (!more->snapshots)
		return;
	if (!gap->snapshots) {
		*gap = *more;
		gap->type = BLOCK_GAP;
		gap->flags = BLOCK_ANCILLARY;
		gap->length = 0;
		gap->snapshots = 0;
	}
	gap->last = more->last;
	gap->snapshots += more->snapshots;
}

static int write_sections(struct output *output, const struct output_item *item, struct skt_err *err)
{
	struct block_head head = item->head;
	struct group *group = &output->group;
	struct output_state *state = &output->state;
	uint64_t offset;
	int rc;

	skt_buf_clear(&output->payload);
	rc = payload_put(item->sections, output->level, &output->payload);
	if (rc) {
		skt_err_set(err, rc, rc == -E2BIG ? "block exceeds its limit" : "out of memory");
		return skt_err_at(err, output->name, (int64_t)state->bytes), rc;
	}
	rc = whole_write_block(output, &head, &output->payload, err);
	if (rc)
		return rc;
	/* a gap may stand before it */
	offset = state->bytes - BLOCK_SIZE(&head);
	if (head.type == BLOCK_KEY) {
		*group = (struct group){
			.offset = offset, .sequence = output->sequence, .number = head.number, .first = head.first
		};
		state->measured = item->group;
		state->key_bytes = state->bytes - offset;
		state->step_bytes = 0;
	} else {
		state->step_bytes += state->bytes - offset;
	}
	group->snapshots += head.snapshots;
	group->last = head.last;
	dictionary_add(&output->keys, &item->keys, &item->facts, output->n_groups - output->keyed);
	return 0;
}

static int take_block(struct output *output, const struct output_item *item, struct skt_err *err)
{
	bool key = item->head.type == BLOCK_KEY;
	int rc = key ? end_group(output, err) : 0, wrote = 0;

	gap_add(&output->gap, &item->lost);
	output->current = item->group;
	if (key)
		output->broken = false;
	/* steps say nothing without what stands before them: why that is lost was said when it was */
	if (!output->broken) {
		wrote = write_sections(output, item, rc ? NULL : err);
		output->broken = wrote != 0;
	}
	if (output->broken) {
		gap_add(&output->gap, &item->head);
		output->state.lost += item->head.snapshots;
		output->state.over = item->group;
	}
	return rc ? rc : wrote;
}

/* All that comes before an end block. */
static int before_end(struct output *output, const struct output_item *item, struct skt_err *err)
{
	int rc = end_group(output, err);

	gap_add(&output->gap, &item->lost);
	return rc ? rc : write_index(output, err);
}

static int take_end(struct output *output, const struct output_item *item, struct skt_err *err)
{
	const struct skt_buf nothing = { .data = NULL };
	struct block_head head = item->head;
	int rc = before_end(output, item, err);

	if (!rc)
		rc = whole_write_block(output, &head, &nothing, err);
	if (output->sync_when == SKT_SYNC_GROUP)
		whole_sync(output, false);
	return rc;
}

static int take_mark(struct output *output, const struct output_item *item, struct skt_err *err)
{
	struct block_head head = item->head;

	gap_add(&output->gap, &item->lost);
	return whole_write_block(output, &head, &item->sections[SECTION_META], err);
}

/* Begin the next file: behind a block with this chain value, which ends this one, and so many snapshots. */
static int begin_next(const struct output *output, const struct output_next *next, const uint8_t chain[CHAIN_SIZE],
		      uint64_t snapshots, struct output **ret, struct skt_err *err)
{
	struct skt_header header;
	uint8_t sync[8], random[24];
	size_t length;
	int rc = header_fixed_get(next->header.data, next->header.len, &header, sync, &length, err);

	if (rc)
		return rc;
	rc = header_facts_get(next->header.data, length, &header, err);
	if (!rc) {
		memcpy(random, output->id, sizeof(output->id));
		memcpy(random + sizeof(output->id), next->sync, sizeof(next->sync));
		header.file_number = output->number + 1;
		header.snapshots_before = output->before + snapshots;
		memcpy(header.chain_before, chain, CHAIN_SIZE);
		rc = output_new(next->fd, next->name, &header, output->sync_when, random, ret, err);
	}
	header_release(&header);
	return rc;
}

/*
 * The header of the next file is written before the end of this one: where the disk is full this one can still go on.
 * It says which value the end will have.
 */
static int take_next(struct output *output, const struct output_item *item, struct skt_err *err)
{
	const struct skt_buf nothing = { .data = NULL };
	struct block_head head = item->head;
	struct output *next = NULL, ended;
	struct made end;
	int rc = before_end(output, item, err);

	if (rc)
		return rc;
	whole_make(output, &head, &nothing, &end);
	rc = begin_next(output, item->next, end.chain, head.number - 1, &next, err);
	if (!rc)
		rc = whole_write(output, &end, true, err);
	if (rc) {
		output_free(next);
		return rc;
	}
	ended = *output;
	*output = *next;
	*next = ended;
	close(ended.fd);
	output->base = ended.base + head.number - 1;
	output->current = ended.current;
	output->state.over = ended.state.over;
	output->state.lost = ended.state.lost;
	output->state.unsynced = ended.state.unsynced;
	output->state.unsynced_at = ended.state.unsynced_at;
	/* that it lacks keys keeps it from nothing */
	skt_err_init(err);
	memcpy(output->state.ended_chain, ended.state.chain, CHAIN_SIZE);
	crypto_hash_sha256_final(&ended.state.sha, output->state.ended_file);
	output_free(next);
	return 0;
}

int output_take(struct output *output, struct output_item *item, struct skt_err *err)
{
	item->head.number -= output->base;
	item->lost.number -= item->lost.snapshots ? output->base : 0;
	switch (item->what) {
	case OUTPUT_BLOCK:
		return take_block(output, item, err);
	case OUTPUT_MARK:
		return take_mark(output, item, err);
	case OUTPUT_NEXT:
		return take_next(output, item, err);
	case OUTPUT_END:
	default:
		return take_end(output, item, err);
	}
}

void output_next_free(struct output_next *next)
{
	if (!next)
		return;
	skt_buf_release(&next->header);
	free(next->name);
	free(next);
}

struct output_state *output_state(struct output *output)
{
	return &output->state;
}

int output_header_put(const struct skt_header *header, const uint8_t sync[8], struct skt_buf *ret, struct skt_err *err)
{
	int rc = header_put(header, sync, ret);

	if (rc == -E2BIG)
		return skt_err_set(err, rc, "header exceeds the limit of %zu bytes", SKT_HEADER_MAX);
	if (rc == -EINVAL)
		return skt_err_set(err, rc, "header has a time or number out of range");
	return rc ? skt_err_set(err, rc, "out of memory") : 0;
}

int output_new(int fd, const char *name, const struct skt_header *header, enum skt_sync sync, const uint8_t random[24],
	       struct output **ret, struct skt_err *err)
{
	struct output *output = calloc(1, sizeof(*output));
	struct skt_header ours = *header;
	struct skt_buf bytes;
	uint64_t seed;
	int rc;

	skt_buf_init(&bytes);
	if (!output)
		return skt_err_set(err, -ENOMEM, "out of memory");
	memcpy(ours.recording_id, random, sizeof(ours.recording_id));
	memcpy(output->sync, random + 16, sizeof(output->sync));
	memcpy(output->id, random, sizeof(output->id));
	output->number = header->file_number ? header->file_number : 1;
	output->before = header->snapshots_before;
	output->fd = fd;
	output->start = whole_position(fd);
	output->sync_when = sync;
	output->level = header->interval >= LEVEL_SLOW_NS ? LEVEL_SLOW : LEVEL_FAST;
	/* not what stands in the file: whoever reads it could choose what collides */
	randombytes_buf(&seed, sizeof(seed));
	dictionary_init(&output->keys, seed);
	crypto_hash_sha256_init(&output->state.sha);
	output->name = malloc(strlen(name) + 1);
	rc = output->name ? output_header_put(&ours, output->sync, &bytes, err)
			  : skt_err_set(err, -ENOMEM, "out of memory");
	if (!rc) {
		memcpy(output->name, name, strlen(name) + 1);
		rc = whole_begin(output, &bytes, err);
	}
	skt_buf_release(&bytes);
	if (rc)
		output_free(output);
	else
		*ret = output;
	return rc;
}

void output_free(struct output *output)
{
	if (!output)
		return;
	skt_buf_release(&output->payload);
	dictionary_release(&output->keys);
	free(output->groups);
	free(output->name);
	free(output);
}
