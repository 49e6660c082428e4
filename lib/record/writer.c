/* SPDX-License-Identifier: MIT */
#include "record/file.h"

#include "base/array.h"
#include "base/io.h"
#include "record/digest.h"
#include "record/events.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
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

/* In one write: a gap, and the block behind it. */
#define MOST_PARTS 6

struct skt_writer {
	int fd;
	off_t start; /* where in the file it begins: what stands before is never taken back */
	char *name;
	enum skt_sync sync_when;
	int unsynced;	      /* why the disk did not keep what was written, until that is told */
	uint64_t unsynced_at; /* from where on */
	uint64_t synced;      /* bytes that it keeps */
	bool sync_fails;
	uint8_t sync[8];
	uint8_t chain[CHAIN_SIZE];
	crypto_hash_sha256_state sha; /* of all that was written */
	int64_t interval;
	uint64_t bytes;
	bool torn;	   /* behind them stands a part of a block that could not be cut off */
	uint64_t sequence; /* of the last block */

	/* the block being gathered */
	struct skt_buf sections[SECTION_END];
	struct block_head head;
	int64_t head_boottime;
	struct skt_buf payload;

	/* the group being written */
	bool began; /* false: the next snapshot begins one */
	int64_t group_boottime;
	int64_t last_time; /* of the last snapshot added: a clock that is set back begins a group, so times rise within each */
	struct group group;
	uint64_t key_bytes;
	uint64_t step_bytes;
	uint32_t strings; /* of the group's table, written so far */
	uint32_t digest;

	/* groups that no index tells yet */
	struct group *groups;
	size_t n_groups, room_groups;
	uint64_t index; /* offset of the last index block, 0 none */

	/* what could not be written since the last block that was */
	struct block_head gap;
	struct block_head refused; /* and after what is gathered: snapshots that no reader would take */
	uint64_t lost;
	uint64_t next_number; /* of the snapshot after the last one added */
	uint32_t missed;      /* ticks since then */

	struct encoder encoder;
	struct skt_matcher *matcher;
	struct skt_step key;
};

/* Back to the end of the last whole block. */
static int cut_back(struct skt_writer *writer)
{
	off_t end = writer->start + (off_t)writer->bytes;

	return ftruncate(writer->fd, end) || lseek(writer->fd, end, SEEK_SET) < 0 ? -errno : 0;
}

/*
 * All of it, or nothing: a file is cut back to where the write began. Where that fails too, nothing more is written
 * before it has been done: behind a part of a block nobody would find the next one, and what is cut off later would
 * not be what was left.
 */
static int write_whole(struct skt_writer *writer, const struct iovec *parts, int n, struct skt_err *err)
{
	struct iovec left[MOST_PARTS];
	unsigned long long length = 0, rest = 0;
	int rc = writer->torn ? cut_back(writer) : 0;

	if (rc) {
		skt_err_sys(err, rc, "cannot cut off the part of a block that stands here");
		return skt_err_at(err, writer->name, (int64_t)writer->bytes), rc;
	}
	writer->torn = false;
	for (int i = 0; i < n; i++) {
		left[i] = parts[i];
		length += parts[i].iov_len;
	}
	rc = io_writev(writer->fd, left, n);
	if (rc) {
		for (int i = 0; i < n; i++)
			rest += left[i].iov_len;
		/* a pipe cannot be cut, and says EINVAL: that matters if it has taken a part */
		writer->torn = cut_back(writer) && rest < length;
		if (writer->torn)
			skt_err_sys(err, rc, "cannot write %llu bytes, nor cut off the %llu that were written", length,
				    length - rest);
		else
			skt_err_sys(err, rc, "cannot write %llu bytes", length);
		skt_err_at(err, writer->name, (int64_t)writer->bytes);
		return rc;
	}
	for (int i = 0; i < n; i++)
		crypto_hash_sha256_update(&writer->sha, parts[i].iov_base, parts[i].iov_len);
	writer->bytes += length;
	return 0;
}

/*
 * Have the disk keep what was written. Where it cannot, that may be lost, though whoever reads the file today still sees
 * it, so it is told and stays where it is. It is also a reason to begin a new group: what is written from now on shall
 * not hang on blocks that may be gone tomorrow. Once it works again, a key that was just written is such a beginning.
 */
static void sync_file(struct skt_writer *writer, bool key)
{
	bool failed;
	int rc;

	do
		rc = fdatasync(writer->fd);
	while (rc && errno == EINTR);
	/* a pipe has nothing to sync, and says so */
	failed = rc && errno != EINVAL && errno != EROFS;
	if (failed && !writer->unsynced) {
		writer->unsynced = -errno;
		writer->unsynced_at = writer->synced;
	}
	if (failed != writer->sync_fails && (failed || !key))
		writer->began = false;
	writer->sync_fails = failed;
	writer->synced = writer->bytes;
}

/* What stands around a payload. */
struct frame {
	uint8_t head[BLOCK_HEAD_SIZE];
	uint8_t tail[BLOCK_TAIL_SIZE];
};

/* Make a block of this head (length and sequence are filled in) and payload, the next one in the chain: three parts to be written. */
static void make_block(const struct skt_writer *writer, struct block_head *head, const struct skt_buf *payload,
		       uint64_t sequence, uint8_t chain[CHAIN_SIZE], struct frame *ret, struct iovec ret_parts[3])
{
	head->length = (uint32_t)payload->len;
	head->sequence = sequence;
	block_head_put(head, writer->sync, ret->head);
	chain_next(ret->head, payload->data, payload->len, chain);
	block_tail_put(ret->head, payload->data, payload->len, chain, ret->tail);
	ret_parts[0] = (struct iovec){ .iov_base = ret->head, .iov_len = sizeof(ret->head) };
	ret_parts[1] = (struct iovec){ .iov_base = payload->data, .iov_len = payload->len };
	ret_parts[2] = (struct iovec){ .iov_base = ret->tail, .iov_len = sizeof(ret->tail) };
}

/*
 * Write a block. The gap that is to be told goes with it, in the same write: were it there without the block, another
 * loss would be told by another gap, and a disk that is nearly full would fill with them.
 */
static int write_block(struct skt_writer *writer, struct block_head *head, const struct skt_buf *payload,
		       struct skt_err *err)
{
	const struct skt_buf nothing = { .data = NULL };
	uint64_t sequence = writer->sequence;
	uint8_t chain[CHAIN_SIZE];
	struct frame gap, block;
	struct iovec parts[MOST_PARTS];
	int n = 0, rc;

	memcpy(chain, writer->chain, CHAIN_SIZE);
	if (writer->gap.snapshots) {
		make_block(writer, &writer->gap, &nothing, ++sequence, chain, &gap, parts);
		n += 3;
	}
	make_block(writer, head, payload, ++sequence, chain, &block, parts + n);
	rc = write_whole(writer, parts, n + 3, err);
	if (rc)
		return rc;
	memcpy(writer->chain, chain, CHAIN_SIZE);
	writer->sequence = sequence;
	memset(&writer->gap, 0, sizeof(writer->gap));
	if (writer->sync_when == SKT_SYNC_BLOCK || (writer->sync_when == SKT_SYNC_GROUP && head->type == BLOCK_KEY))
		sync_file(writer, head->type == BLOCK_KEY);
	return 0;
}

/* Tell where the groups since the last index are. */
static int write_index(struct skt_writer *writer, struct skt_err *err)
{
	struct block_head head = { .type = BLOCK_INDEX, .flags = BLOCK_ANCILLARY };
	uint64_t offset = writer->bytes + (writer->gap.snapshots ? BLOCK_SIZE(&writer->gap) : 0);
	int rc;

	if (!writer->n_groups)
		return 0;
	skt_buf_clear(&writer->payload);
	index_put(offset, writer->index, writer->groups, writer->n_groups, &writer->payload);
	rc = skt_buf_status(&writer->payload);
	if (rc)
		return skt_err_set(err, rc, "out of memory");
	rc = write_block(writer, &head, &writer->payload, err);
	if (rc)
		return rc;
	writer->index = offset;
	writer->n_groups = 0;
	return 0;
}

/* The group is complete: remember it for the index. */
static int end_group(struct skt_writer *writer, struct skt_err *err)
{
	if (!writer->group.snapshots)
		return 0;
	if (array_room(&writer->groups, &writer->room_groups, writer->n_groups + 1, sizeof(*writer->groups)))
		return skt_err_set(err, -ENOMEM, "out of memory");
	writer->groups[writer->n_groups++] = writer->group;
	memset(&writer->group, 0, sizeof(writer->group));
	/* what follows a gap is the next group: an index has time until then */
	return writer->n_groups < INDEX_GROUPS || writer->gap.snapshots ? 0 : write_index(writer, err);
}

/* These snapshots are in the gap, too; those that are in it already come before them. */
static void add_to_gap(struct skt_writer *writer, const struct block_head *head)
{
	if (!head->snapshots)
		return;
	if (!writer->gap.snapshots) {
		writer->gap = *head;
		writer->gap.type = BLOCK_GAP;
		writer->gap.flags = BLOCK_ANCILLARY;
		writer->gap.snapshots = 0;
	}
	writer->gap.last = head->last;
	writer->gap.snapshots += head->snapshots;
}

/* What was gathered is lost: it is told once writing works again, and what comes next begins a group. */
static void lose(struct skt_writer *writer)
{
	add_to_gap(writer, &writer->head);
	writer->lost += writer->head.snapshots;
	writer->began = false;
}

/* What was gathered has been written, or is in the gap: what was refused since comes after it. */
static void lose_refused(struct skt_writer *writer)
{
	add_to_gap(writer, &writer->refused);
	memset(&writer->refused, 0, sizeof(writer->refused));
}

static int write_gathered(struct skt_writer *writer, struct skt_err *err)
{
	struct block_head *head = &writer->head;
	struct group *group = &writer->group;
	uint64_t offset;
	int rc;

	skt_buf_le32(&writer->sections[SECTION_META], writer->digest);
	skt_buf_clear(&writer->payload);
	rc = payload_put(writer->sections, writer->interval >= LEVEL_SLOW_NS ? LEVEL_SLOW : LEVEL_FAST,
			 &writer->payload);
	if (rc) {
		skt_err_set(err, rc, rc == -E2BIG ? "block exceeds its limit" : "out of memory");
		return skt_err_at(err, writer->name, (int64_t)writer->bytes), rc;
	}
	rc = write_block(writer, head, &writer->payload, err);
	if (rc)
		return rc;
	/* a gap may stand before it */
	offset = writer->bytes - BLOCK_SIZE(head);
	if (head->type == BLOCK_KEY) {
		*group = (struct group){
			.offset = offset, .sequence = writer->sequence, .number = head->number, .first = head->first
		};
		writer->key_bytes = writer->bytes - offset;
	} else {
		writer->step_bytes += writer->bytes - offset;
	}
	group->snapshots += head->snapshots;
	group->last = head->last;
	return 0;
}

/* Nothing is gathered any more. */
static void drop(struct skt_writer *writer)
{
	for (int id = SECTION_META; id < SECTION_END; id++)
		skt_buf_clear(&writer->sections[id]);
	memset(&writer->head, 0, sizeof(writer->head));
}

/* Write the steps gathered so far, if there are any. */
static int flush(struct skt_writer *writer, struct skt_err *err)
{
	int rc = writer->head.snapshots ? write_gathered(writer, err) : 0;

	if (rc)
		lose(writer);
	drop(writer);
	return rc;
}

/* Where the next byte goes: 0 in a pipe. */
static off_t position(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	off_t at = lseek(fd, 0, flags >= 0 && flags & O_APPEND ? SEEK_END : SEEK_CUR);

	return at > 0 ? at : 0;
}

int skt_writer_open(int fd, const char *name, const struct skt_header *header, enum skt_sync sync,
		    const uint8_t random[24], struct skt_writer **ret, struct skt_err *err)
{
	struct skt_writer *writer = calloc(1, sizeof(*writer));
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
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
	writer->start = position(fd);
	writer->sync_when = sync;
	writer->interval = header->interval;
	writer->next_number = 1;
	writer->last_time = header->start;
	crypto_hash_sha256_init(&writer->sha);
	writer->name = malloc(strlen(name) + 1);
	writer->matcher = skt_matcher_new(seed);
	rc = header_put(&ours, writer->sync, &bytes);
	if (!writer->name || !writer->matcher)
		rc = -ENOMEM;
	if (rc) {
		if (rc == -E2BIG)
			skt_err_set(err, rc, "header exceeds the limit of %zu bytes", SKT_HEADER_MAX);
		else if (rc == -EINVAL)
			skt_err_set(err, rc, "header has a time or number out of range");
		else
			skt_err_set(err, rc, "out of memory");
		goto out;
	}
	memcpy(writer->name, name, strlen(name) + 1);
	/* a pipe takes no lock, and neither do some network filesystems: such a file is then OPEN, not LIVE */
	(void)fcntl(fd, F_OFD_SETLK, &lock);
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
	free(writer->groups);
	free(writer->name);
	free(writer);
}

/* 0 if a reader takes this time, which is said to be so far from another one; else -EINVAL. */
static int check_time(const struct skt_snapshot *now, const char *what, int64_t when, int64_t base, struct skt_err *err)
{
	if (block_time_is_good(when) && block_time_is_good(when - base))
		return 0;
	return skt_err_set(err, -EINVAL,
			   "snapshot #%llu has a %s of %lld ns, which is not within %lld of 1970 and of its time",
			   (unsigned long long)now->number, what, (long long)when, (long long)BLOCK_TIME_MAX);
}

/* Whether a reader would take the times of this snapshot and the events that came with it. */
static int check_times(const struct skt_snapshot *now, const struct skt_step *step, struct skt_err *err)
{
	int rc = check_time(now, "time", now->time, 0, err);

	if (!rc && (now->boottime < 0 || !block_time_is_good(now->boottime)))
		return skt_err_set(
			err, -EINVAL, "snapshot #%llu has a boottime of %lld ns, which is not within 0 to %lld",
			(unsigned long long)now->number, (long long)now->boottime, (long long)BLOCK_TIME_MAX);
	if (!rc)
		rc = check_time(now, "end", now->end, now->time, err);
	for (size_t i = 0; i < now->n_tables && !rc; i++)
		if (!now->tables[i].gone && now->tables[i].read_time)
			rc = check_time(now, "table read", now->tables[i].read_time, now->time, err);
	for (size_t i = 0; i < step->n_events && !rc; i++)
		rc = check_time(now, "event", step->events[i].when, now->time, err);
	return rc;
}

/* It is lost as if it could not be written; the times of the gap are those that can be. */
static void refuse(struct skt_writer *writer, const struct skt_snapshot *now)
{
	struct block_head *refused = &writer->refused;

	if (block_time_is_good(now->time))
		writer->last_time = now->time;
	if (!refused->snapshots) {
		refused->number = now->number;
		refused->first = writer->last_time;
	}
	refused->last = writer->last_time;
	refused->snapshots++;
	writer->lost++;
	writer->next_number = now->number + 1;
	/* the next step leads on from what nobody will have */
	writer->began = false;
}

static bool group_is_over(const struct skt_writer *writer, const struct skt_snapshot *now)
{
	int64_t age = now->boottime - writer->group_boottime;

	return !writer->began || skt_snapshot_is_over(now) || age >= GROUP_MOST_NS || age < 0 ||
	       now->time < writer->last_time ||
	       writer->group.snapshots + writer->head.snapshots >= GROUP_MOST_SNAPSHOTS ||
	       (age >= GROUP_LEAST_NS && writer->step_bytes >= GROUP_GROWTH * writer->key_bytes);
}

/*
 * The whole snapshot, as the step that leads to it from nothing. The snapshot which that makes takes the place of
 * `now`: it is what a reader will have, dense and with a table of only the strings in use. Of the step that led to it only the
 * events cannot be found anew.
 */
static int add_key(struct skt_writer *writer, struct skt_snapshot *now, const struct skt_step *step,
		   struct skt_err *err)
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
	if (!rc && skt_snapshot_is_over(&dense))
		rc = skt_err_set(err, -E2BIG, "snapshot exceeds what a recording may hold");
	if (!rc && events_carry(step->events, step->n_events, now, &dense, &writer->key))
		rc = skt_err_set(err, -ENOMEM, "out of memory");
	if (rc) {
		skt_snapshot_release(&dense);
		return rc;
	}
	step_encode(&writer->encoder, &writer->key, &dense, 1, writer->sections);
	skt_snapshot_release(now);
	*now = dense;
	writer->began = true;
	writer->group_boottime = now->boottime;
	writer->step_bytes = 0;
	writer->digest = digest_rows(now);
	writer->head.type = BLOCK_KEY;
	return 0;
}

static int gather(struct skt_writer *writer, struct skt_snapshot *now, const struct skt_step *step, bool key,
		  struct skt_err *err)
{
	int rc = 0;

	if (!writer->head.snapshots) {
		writer->head.type = BLOCK_STEPS;
		writer->head.number = now->number;
		writer->head.first = now->time;
		writer->head_boottime = now->boottime;
	}
	writer->head.last = now->time;
	writer->head.snapshots++;
	writer->next_number = now->number + 1;
	writer->last_time = now->time;
	if (key) {
		rc = add_key(writer, now, step, err);
	} else {
		step_encode(&writer->encoder, step, now, writer->strings, writer->sections);
		writer->digest = digest_step(writer->digest, now, step);
	}
	if (rc) {
		lose(writer);
		drop(writer);
	}
	writer->strings = skt_strtab_count(now->strings);
	return rc;
}

int skt_writer_add(struct skt_writer *writer, struct skt_snapshot *now, const struct skt_step *step,
		   struct skt_err *err)
{
	bool key = group_is_over(writer, now);
	int rc = check_times(now, step, err), flushed;

	if (rc) {
		refuse(writer, now);
		return skt_err_at(err, writer->name, -1), rc;
	}
	if (key) {
		rc = flush(writer, err);
		if (!rc)
			rc = end_group(writer, err);
		lose_refused(writer);
	}
	/* the snapshot is added all the same: that the one before was lost is no reason to lose this one */
	flushed = gather(writer, now, step, key || !writer->began, rc ? NULL : err);
	if (!flushed && (key || now->boottime - writer->head_boottime + writer->interval >= BLOCK_NS))
		flushed = flush(writer, rc ? NULL : err);
	return rc ? rc : flushed;
}

void skt_writer_missed(struct skt_writer *writer, uint32_t missed)
{
	writer->missed = missed;
}

int skt_writer_end(struct skt_writer *writer, int64_t when, struct skt_err *err)
{
	struct block_head head = { .type = BLOCK_END, .first = when, .last = when };
	struct skt_buf nothing;
	int lost, rc;

	skt_buf_init(&nothing);
	if (!block_time_is_good(when)) {
		skt_err_set(err, -EINVAL, "end at %lld ns is not within %lld of 1970", (long long)when,
			    (long long)BLOCK_TIME_MAX);
		return skt_err_at(err, writer->name, -1), -EINVAL;
	}
	lost = flush(writer, err);
	/* what was lost just now is told all the same, if writing works again */
	err = lost ? NULL : err;
	rc = end_group(writer, err);
	lose_refused(writer);
	if (!rc)
		rc = write_index(writer, err);
	head.number = writer->next_number;
	head.snapshots = writer->missed;
	if (!rc)
		rc = write_block(writer, &head, &nothing, err);
	if (writer->sync_when == SKT_SYNC_GROUP)
		sync_file(writer, false);
	return lost ? lost : rc;
}

int skt_writer_synced(struct skt_writer *writer, struct skt_err *err)
{
	int rc = writer->unsynced;

	writer->unsynced = 0;
	if (!rc)
		return 0;
	skt_err_sys(err, rc, "the disk may not have kept what was written from here on");
	return skt_err_at(err, writer->name, (int64_t)writer->unsynced_at), rc;
}

uint64_t skt_writer_bytes(const struct skt_writer *writer)
{
	return writer->bytes;
}

uint64_t skt_writer_lost(const struct skt_writer *writer)
{
	return writer->lost;
}

void skt_writer_chain(const struct skt_writer *writer, uint8_t ret_chain[CHAIN_SIZE], uint8_t ret_file[CHAIN_SIZE])
{
	crypto_hash_sha256_state sha = writer->sha;

	memcpy(ret_chain, writer->chain, CHAIN_SIZE);
	crypto_hash_sha256_final(&sha, ret_file);
}
