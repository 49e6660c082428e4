/* SPDX-License-Identifier: MIT */
#include "record/whole.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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
		/* nobody reads that pipe any more, whoever asks first */
		if (output->closed)
			rc = -EPIPE;
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
		output->closed = rc == -EPIPE;
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
 * Have the disk keep what was written. Where it cannot, that may be lost, though whoever reads the file today still
 * sees it, so it is told and stays where it is. It is also a reason to begin a new group: what is written from now on
 * shall not hang on blocks that may be gone tomorrow. Once it works again, a key that was just written is such a
 * beginning.
 */
void whole_sync(struct output *output, bool key)
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

/*
 * Make a block of this head (length and sequence are filled in) and payload, the next one in the chain: three parts to
 * be written.
 */
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

/*
 * The gap that is to be told goes with the block, in the same write: were it there without it, another loss would be
 * told by another gap, and a disk that is nearly full would fill with them. A mark is not what is to follow a gap.
 */
void whole_make(struct output *output, struct block_head *head, const struct skt_buf *payload, struct made *ret)
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

int whole_write(struct output *output, const struct made *made, bool key, struct skt_err *err)
{
	int rc = write_whole(output, made->parts, made->n, err);

	if (rc)
		return rc;
	memcpy(output->state.chain, made->chain, CHAIN_SIZE);
	output->sequence = made->sequence;
	if (made->with_gap)
		memset(&output->gap, 0, sizeof(output->gap));
	if (output->sync_when == SKT_SYNC_BLOCK || (output->sync_when == SKT_SYNC_GROUP && key))
		whole_sync(output, key);
	return 0;
}

int whole_write_block(struct output *output, struct block_head *head, const struct skt_buf *payload,
		      struct skt_err *err)
{
	struct made made;

	whole_make(output, head, payload, &made);
	return whole_write(output, &made, head->type == BLOCK_KEY, err);
}

off_t whole_position(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	off_t at = lseek(fd, 0, flags >= 0 && flags & O_APPEND ? SEEK_END : SEEK_CUR);

	return at > 0 ? at : 0;
}

int whole_begin(struct output *output, const struct skt_buf *header, struct skt_err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct iovec part = { .iov_base = header->data, .iov_len = header->len };

	/* a pipe takes no lock, and neither do some network filesystems: such a file is then OPEN, not LIVE */
	(void)fcntl(output->fd, F_OFD_SETLK, &lock);
	chain_start(header->data, header->len, output->state.chain);
	return write_whole(output, &part, 1, err);
}
