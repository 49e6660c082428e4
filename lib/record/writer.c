/* SPDX-License-Identifier: MIT */
#include "record/block.h"

#include "base/io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* A group begins anew when its steps have grown to four times its key block, so keys are a fifth at most ... */
#define GROUP_GROWTH 4
/* ... but not sooner than this, and not later. */
#define GROUP_LEAST_NS	     (5 * SKT_NS_PER_S)
#define GROUP_MOST_NS	     (60 * SKT_NS_PER_S)
#define GROUP_MOST_SNAPSHOTS 2048

/* What a killed recorder may lose: steps of this long wait for each other in one block. */
#define BLOCK_NS SKT_NS_PER_S

/* zlib's default where there is time for it; at short intervals the fast one (measured: 2 % more bytes, a third of the time). */
#define LEVEL_SLOW    6
#define LEVEL_FAST    1
#define LEVEL_SLOW_NS (SKT_NS_PER_S / 2)

struct skt_writer {
	int fd;
	char *name;
	uint8_t sync[8];
	uint8_t chain[CHAIN_SIZE];
	int64_t interval;
	uint64_t bytes;
	uint64_t sequence;

	/* the block being gathered */
	struct skt_buf sections[SECTION_END];
	struct block_head head;
	int64_t head_boottime;

	/* the group being written */
	bool began;
	int64_t group_boottime;
	uint64_t group_snapshots;
	uint64_t key_bytes;
	uint64_t step_bytes;
	uint32_t strings; /* of the group's table, written so far */

	struct encoder encoder;
	struct skt_matcher *matcher;
	struct skt_step key;
	struct skt_buf payload;
};

/* All of it, or nothing: a file is cut back to where the write began. */
static int write_whole(struct skt_writer *writer, struct iovec *parts, int n, struct skt_err *err)
{
	uint64_t length = 0;
	int rc;

	for (int i = 0; i < n; i++)
		length += parts[i].iov_len;
	rc = io_writev(writer->fd, parts, n);
	if (rc) {
		/* a pipe cannot be cut, and says EINVAL; the reader finds a torn block there */
		if (ftruncate(writer->fd, (off_t)writer->bytes) == 0)
			lseek(writer->fd, (off_t)writer->bytes, SEEK_SET);
		skt_err_sys(err, rc, "cannot write %llu bytes", (unsigned long long)length);
		skt_err_at(err, writer->name, (int64_t)writer->bytes);
		return rc;
	}
	writer->bytes += length;
	return 0;
}

static int write_block(struct skt_writer *writer, struct skt_err *err)
{
	uint8_t head[BLOCK_HEAD_SIZE], tail[BLOCK_TAIL_SIZE], chain[CHAIN_SIZE];
	struct iovec parts[3];
	int rc;

	skt_buf_clear(&writer->payload);
	rc = payload_put(writer->sections, writer->interval >= LEVEL_SLOW_NS ? LEVEL_SLOW : LEVEL_FAST,
			 &writer->payload);
	if (rc) {
		skt_err_set(err, rc, "block of %zu bytes cannot be packed", writer->payload.len);
		skt_err_at(err, writer->name, (int64_t)writer->bytes);
		return rc;
	}
	writer->head.length = (uint32_t)writer->payload.len;
	writer->head.sequence = writer->sequence + 1;
	block_head_put(&writer->head, writer->sync, head);
	memcpy(chain, writer->chain, CHAIN_SIZE);
	block_tail_put(head, writer->payload.data, writer->payload.len, chain, tail);
	parts[0] = (struct iovec){ .iov_base = head, .iov_len = sizeof(head) };
	parts[1] = (struct iovec){ .iov_base = writer->payload.data, .iov_len = writer->payload.len };
	parts[2] = (struct iovec){ .iov_base = tail, .iov_len = sizeof(tail) };
	rc = write_whole(writer, parts, 3, err);
	if (rc)
		return rc;
	memcpy(writer->chain, chain, CHAIN_SIZE);
	writer->sequence++;
	if (writer->head.type == BLOCK_KEY)
		writer->key_bytes = sizeof(head) + writer->payload.len + sizeof(tail);
	else
		writer->step_bytes += sizeof(head) + writer->payload.len + sizeof(tail);
	/* a pipe has nothing to sync and says so; a disk that cannot is trouble that the next write meets */
	(void)fdatasync(writer->fd);
	return 0;
}

/* Write the steps gathered so far, if there are any. */
static int flush(struct skt_writer *writer, struct skt_err *err)
{
	int rc = writer->head.snapshots ? write_block(writer, err) : 0;

	for (int id = SECTION_META; id < SECTION_END; id++)
		skt_buf_clear(&writer->sections[id]);
	memset(&writer->head, 0, sizeof(writer->head));
	return rc;
}

int skt_writer_open(int fd, const char *name, const struct skt_header *header, const uint8_t random[24],
		    struct skt_writer **ret, struct skt_err *err)
{
	struct skt_writer *writer = calloc(1, sizeof(*writer));
	struct skt_header ours = *header;
	struct skt_buf bytes;
	struct iovec part;
	uint64_t seed;
	int rc;

	skt_buf_init(&bytes);
	if (!writer)
		return skt_err_set(err, -ENOMEM, "out of memory");
	memcpy(ours.recording_id, random, sizeof(ours.recording_id));
	memcpy(writer->sync, random + 16, sizeof(writer->sync));
	memcpy(&seed, random, sizeof(seed));
	writer->fd = fd;
	writer->interval = header->interval;
	writer->name = malloc(strlen(name) + 1);
	writer->matcher = skt_matcher_new(seed);
	rc = header_put(&ours, writer->sync, &bytes);
	if (!writer->name || !writer->matcher)
		rc = -ENOMEM;
	if (rc) {
		if (rc == -E2BIG)
			skt_err_set(err, rc, "header exceeds the limit of %zu bytes", SKT_HEADER_MAX);
		else
			skt_err_set(err, rc, "out of memory");
		goto out;
	}
	memcpy(writer->name, name, strlen(name) + 1);
	chain_start(bytes.data, bytes.len, writer->chain);
	part = (struct iovec){ .iov_base = bytes.data, .iov_len = bytes.len };
	rc = write_whole(writer, &part, 1, err);
out:
	skt_buf_release(&bytes);
	if (rc)
		skt_writer_free(writer);
	else
		*ret = writer;
	return rc;
}

void skt_writer_free(struct skt_writer *writer)
{
	if (!writer)
		return;
	for (int id = SECTION_META; id < SECTION_END; id++)
		skt_buf_release(&writer->sections[id]);
	skt_buf_release(&writer->payload);
	skt_step_release(&writer->key);
	encoder_release(&writer->encoder);
	skt_matcher_free(writer->matcher);
	free(writer->name);
	free(writer);
}

static bool group_is_over(const struct skt_writer *writer, const struct skt_snapshot *now)
{
	int64_t age = now->boottime - writer->group_boottime;

	return !writer->began || age >= GROUP_MOST_NS || age < 0 || writer->group_snapshots >= GROUP_MOST_SNAPSHOTS ||
	       (age >= GROUP_LEAST_NS && writer->step_bytes >= GROUP_GROWTH * writer->key_bytes);
}

/*
 * The whole snapshot, as the step that leads to it from nothing. The snapshot which that makes takes the place of
 * `now`: it is what a reader will have, dense and with a table of only the strings in use.
 */
static int add_key(struct skt_writer *writer, struct skt_snapshot *now, struct skt_err *err)
{
	struct skt_snapshot dense;
	int rc = skt_snapshot_init(&dense, NULL, skt_strtab_seed(now->strings));

	if (rc)
		return skt_err_set(err, rc, "out of memory");
	rc = skt_match(writer->matcher, &dense, now, true, &writer->key);
	if (rc)
		skt_err_set(err, rc, "out of memory");
	else
		rc = skt_apply(&dense, &writer->key, err);
	if (rc) {
		skt_snapshot_release(&dense);
		return rc;
	}
	step_encode(&writer->encoder, &writer->key, &dense, 1, writer->sections);
	skt_snapshot_release(now);
	*now = dense;
	writer->began = true;
	writer->group_boottime = now->boottime;
	writer->group_snapshots = 0;
	writer->step_bytes = 0;
	writer->head.type = BLOCK_KEY;
	return 0;
}

int skt_writer_add(struct skt_writer *writer, struct skt_snapshot *now, const struct skt_step *step,
		   struct skt_err *err)
{
	bool key = group_is_over(writer, now);
	int rc = 0;

	if (key)
		rc = flush(writer, err);
	if (!writer->head.snapshots) {
		writer->head.type = BLOCK_STEPS;
		writer->head.number = now->number;
		writer->head.first = now->time;
		writer->head_boottime = now->boottime;
	}
	if (!rc && key)
		rc = add_key(writer, now, err);
	else if (!rc)
		step_encode(&writer->encoder, step, now, writer->strings, writer->sections);
	if (rc)
		return rc;
	writer->strings = skt_strtab_count(now->strings);
	writer->head.last = now->time;
	writer->head.snapshots++;
	writer->group_snapshots++;
	if (key || now->boottime - writer->head_boottime + writer->interval >= BLOCK_NS)
		rc = flush(writer, err);
	return rc;
}

int skt_writer_end(struct skt_writer *writer, int64_t when, int64_t boottime, struct skt_err *err)
{
	int rc = flush(writer, err);

	(void)boottime;
	if (rc)
		return rc;
	writer->head.type = BLOCK_END;
	writer->head.first = when;
	writer->head.last = when;
	rc = write_block(writer, err);
	memset(&writer->head, 0, sizeof(writer->head));
	return rc;
}

uint64_t skt_writer_bytes(const struct skt_writer *writer)
{
	return writer->bytes;
}
