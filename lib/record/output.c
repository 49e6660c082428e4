/* SPDX-License-Identifier: MIT */
#include "record/output.h"

#include "base/array.h"
#include "base/io.h"
#include "record/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* zlib's default where there is time for it; at short intervals the fast one (measured: 2 % more bytes, a third of the time). */
#define LEVEL_SLOW    6
#define LEVEL_FAST    1
#define LEVEL_SLOW_NS (SKT_NS_PER_S / 2)

/* In one write: a gap, and the block behind it. */
#define MOST_PARTS 6

struct output {
	int fd;
	off_t start; /* where in the file it begins: what stands before is never taken back */
	char *name;
	enum skt_sync sync_when;
	int level;	 /* of compression */
	uint64_t synced; /* bytes that the disk keeps */
	bool sync_fails;
	uint8_t sync[8];
	uint8_t id[16];
	uint64_t number;   /* of the file, from 1 */
	uint64_t before;   /* snapshots in those before it */
	uint64_t base;	   /* of them, those of this recorder: numbers begin anew in each file */
	bool torn;	   /* behind what is whole stands a part of a block that could not be cut off */
	bool broken;	   /* what the next step block would carry on is lost */
	uint64_t current;  /* group, as whoever gathers counts them */
	uint64_t sequence; /* of the last block */
	struct skt_buf payload;
	struct output_state state;

	/* the group being written, and those that no index tells yet */
	struct group group;
	struct group *groups;
	size_t n_groups, room_groups;
	uint64_t index;		/* offset of the last index block, 0 none */
	size_t keyed;		/* of those groups, so many have had their keys told, or never will */
	struct dictionary keys; /* of the others, and of the group being written */

	struct block_head gap; /* what could not be written since the last block that was */
};

/* Back to the end of the last whole block. */
static int cut_back(struct output *output)
{
	off_t end = output->start + (off_t)output->state.bytes;

	return ftruncate(output->fd, end) || lseek(output->fd, end, SEEK_SET) < 0 ? -errno : 0;
}

/*
 * All of it, or nothing: a file is cut back to where the write began. Where that fails too, nothing more is written
 * before it has been done: behind a part of a block nobody would find the next one, and what is cut off later would
 * not be what was left.
 */
static int write_whole(struct output *output, const struct iovec *parts, int n, struct skt_err *err)
{
	struct iovec left[MOST_PARTS];
	unsigned long long length = 0, rest = 0;
	int rc = output->torn ? cut_back(output) : 0;

	if (rc) {
		skt_err_sys(err, rc, "cannot cut off the part of a block that stands here");
		return skt_err_at(err, output->name, (int64_t)output->state.bytes), rc;
	}
	output->torn = false;
	for (int i = 0; i < n; i++) {
		left[i] = parts[i];
		length += parts[i].iov_len;
	}
	rc = io_writev(output->fd, left, n);
	if (rc) {
		for (int i = 0; i < n; i++)
			rest += left[i].iov_len;
		/* a pipe cannot be cut, and says EINVAL: that matters if it has taken a part */
		output->torn = cut_back(output) && rest < length;
		if (output->torn)
			skt_err_sys(err, rc, "cannot write %llu bytes, nor cut off the %llu that were written", length,
				    length - rest);
		else
			skt_err_sys(err, rc, "cannot write %llu bytes", length);
		skt_err_at(err, output->name, (int64_t)output->state.bytes);
		return rc;
	}
	for (int i = 0; i < n; i++)
		crypto_hash_sha256_update(&output->state.sha, parts[i].iov_base, parts[i].iov_len);
	output->state.bytes += length;
	return 0;
}

/*
 * Have the disk keep what was written. Where it cannot, that may be lost, though whoever reads the file today still sees
 * it, so it is told and stays where it is. It is also a reason to begin a new group: what is written from now on shall
 * not hang on blocks that may be gone tomorrow. Once it works again, a key that was just written is such a beginning.
 */
static void sync_file(struct output *output, bool key)
{
	bool failed;
	int rc;

	do
		rc = fdatasync(output->fd);
	while (rc && errno == EINTR);
	/* a pipe has nothing to sync, and says so */
	failed = rc && errno != EINVAL && errno != EROFS;
	if (failed && !output->state.unsynced) {
		output->state.unsynced = -errno;
		output->state.unsynced_at = output->synced;
	}
	if (failed != output->sync_fails && (failed || !key))
		output->state.over = output->current;
	output->sync_fails = failed;
	output->synced = output->state.bytes;
}

/* What stands around a payload. */
struct frame {
	uint8_t head[BLOCK_HEAD_SIZE];
	uint8_t tail[BLOCK_TAIL_SIZE];
};

/* Make a block of this head (length and sequence are filled in) and payload, the next one in the chain: three parts to be written. */
static void make_block(const struct output *output, struct block_head *head, const struct skt_buf *payload,
		       uint64_t sequence, uint8_t chain[CHAIN_SIZE], struct frame *ret, struct iovec ret_parts[3])
{
	head->length = (uint32_t)payload->len;
	head->sequence = sequence;
	block_head_put(head, output->sync, ret->head);
	chain_next(ret->head, payload->data, payload->len, chain);
	block_tail_put(ret->head, payload->data, payload->len, chain, ret->tail);
	ret_parts[0] = (struct iovec){ .iov_base = ret->head, .iov_len = sizeof(ret->head) };
	ret_parts[1] = (struct iovec){ .iov_base = payload->data, .iov_len = payload->len };
	ret_parts[2] = (struct iovec){ .iov_base = ret->tail, .iov_len = sizeof(ret->tail) };
}

/* A block made to be written, with the gap that is to be told before it, and what is so once it has been. */
struct made {
	struct frame gap, block;
	struct iovec parts[MOST_PARTS];
	int n;
	bool with_gap;
	uint64_t sequence;
	uint8_t chain[CHAIN_SIZE];
};

/*
 * The gap that is to be told goes with the block, in the same write: were it there without it, another loss would be told
 * by another gap, and a disk that is nearly full would fill with them. A mark is not what is to follow a gap.
 */
static void make(struct output *output, struct block_head *head, const struct skt_buf *payload, struct made *ret)
{
	const struct skt_buf nothing = { .data = NULL };

	ret->n = 0;
	ret->sequence = output->sequence;
	ret->with_gap = output->gap.snapshots && head->type != BLOCK_MARK;
	memcpy(ret->chain, output->state.chain, CHAIN_SIZE);
	if (ret->with_gap) {
		make_block(output, &output->gap, &nothing, ++ret->sequence, ret->chain, &ret->gap, ret->parts);
		ret->n = 3;
	}
	make_block(output, head, payload, ++ret->sequence, ret->chain, &ret->block, ret->parts + ret->n);
	ret->n += 3;
}

static int write_made(struct output *output, const struct made *made, bool key, struct skt_err *err)
{
	int rc = write_whole(output, made->parts, made->n, err);

	if (rc)
		return rc;
	memcpy(output->state.chain, made->chain, CHAIN_SIZE);
	output->sequence = made->sequence;
	if (made->with_gap)
		memset(&output->gap, 0, sizeof(output->gap));
	if (output->sync_when == SKT_SYNC_BLOCK || (output->sync_when == SKT_SYNC_GROUP && key))
		sync_file(output, key);
	return 0;
}

static int write_block(struct output *output, struct block_head *head, const struct skt_buf *payload,
		       struct skt_err *err)
{
	struct made made;

	make(output, head, payload, &made);
	return write_made(output, &made, head->type == BLOCK_KEY, err);
}

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
		(void)write_block(output, &head, &output->payload, err);
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
	rc = write_block(output, &head, &output->payload, err);
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
	rc = write_block(output, &head, &output->payload, err);
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
		rc = write_block(output, &head, &nothing, err);
	if (output->sync_when == SKT_SYNC_GROUP)
		sync_file(output, false);
	return rc;
}

static int take_mark(struct output *output, const struct output_item *item, struct skt_err *err)
{
	struct block_head head = item->head;

	gap_add(&output->gap, &item->lost);
	return write_block(output, &head, &item->sections[SECTION_META], err);
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
 * The header of the next file is written before the end of this one: where the disk is full this one can still go on. It says
 * which value the end will have.
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
	make(output, &head, &nothing, &end);
	rc = begin_next(output, item->next, end.chain, head.number - 1, &next, err);
	if (!rc)
		rc = write_made(output, &end, true, err);
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

/* Where the next byte goes: 0 in a pipe. */
static off_t position(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	off_t at = lseek(fd, 0, flags >= 0 && flags & O_APPEND ? SEEK_END : SEEK_CUR);

	return at > 0 ? at : 0;
}

/* Write the header, with which the chain begins. */
static int begin_file(struct output *output, const struct skt_buf *header, struct skt_err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct iovec part = { .iov_base = header->data, .iov_len = header->len };

	/* a pipe takes no lock, and neither do some network filesystems: such a file is then OPEN, not LIVE */
	(void)fcntl(output->fd, F_OFD_SETLK, &lock);
	chain_start(header->data, header->len, output->state.chain);
	return write_whole(output, &part, 1, err);
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
	output->start = position(fd);
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
		rc = begin_file(output, &bytes, err);
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
