/* SPDX-License-Identifier: MIT */
#include "record/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a killed recorder may lose: steps of this long wait for each other in one block. */
#define BLOCK_NS SKT_NS_PER_S

/* Nothing is gathered any more. */
static void drop(struct skt_writer *writer)
{
	for (int id = SECTION_META; id < SECTION_END; id++)
		skt_buf_clear(&writer->item.sections[id]);
	skt_buf_clear(&writer->item.keys);
	memset(&writer->item.facts, 0, sizeof(writer->item.facts));
	memset(&writer->item.head, 0, sizeof(writer->item.head));
}

/* What was gathered is lost: it is told once writing works again, and what comes next begins a group. */
static void lose(struct skt_writer *writer)
{
	gap_add(&writer->item.lost, &writer->item.head);
	writer->lost += writer->item.head.snapshots;
	writer->began = false;
	drop(writer);
}

/* What was gathered is on its way, or in the gap: what was refused since comes after it. */
static void lose_refused(struct skt_writer *writer)
{
	gap_add(&writer->item.lost, &writer->refused);
	memset(&writer->refused, 0, sizeof(writer->refused));
}

static int no_room(const struct skt_writer *writer, struct skt_err *err)
{
	skt_err_set(err, -ENOBUFS, "too much waits to be written: disk or pipe are too slow");
	return skt_err_at(err, writer->name, -1), -ENOBUFS;
}

/* Hand on what is to be written; what was lost before it goes with it. Where there is no room for it, it is lost. */
static int hand_on(struct skt_writer *writer, struct skt_err *err)
{
	int rc = queue_put(writer->queue, &writer->item);

	if (rc == -ENOBUFS)
		no_room(writer, err);
	else if (rc)
		skt_err_set(err, rc, "out of memory");
	if (rc && writer->item.what == OUTPUT_BLOCK)
		lose(writer);
	if (rc)
		return rc;
	memset(&writer->item.lost, 0, sizeof(writer->item.lost));
	drop(writer);
	return 0;
}

/* The steps gathered so far, if there are any. */
static int flush(struct skt_writer *writer, struct skt_err *err)
{
	struct output_item *item = &writer->item;

	if (!item->head.snapshots)
		return 0;
	skt_buf_le32(&item->sections[SECTION_META], writer->digest);
	item->what = OUTPUT_BLOCK;
	item->group = writer->group;
	if (item->head.type == BLOCK_KEY) {
		writer->key_bytes = 0;
		for (int id = SECTION_META; id < SECTION_END; id++)
			writer->key_bytes += item->sections[id].size;
	}
	return hand_on(writer, err);
}

int skt_writer_open(int fd, const char *name, const struct skt_header *header, const struct skt_writer_options *options,
		    const uint8_t random[24], struct skt_writer **ret, struct skt_err *err)
{
	struct skt_writer *writer = calloc(1, sizeof(*writer));
	struct output *output;
	uint64_t seed;
	int rc = -ENOMEM;

	memcpy(&seed, random, sizeof(seed));
	if (writer) {
		writer->interval = header->interval;
		writer->next_number = 1;
		writer->last_time = header->start;
		writer->name = malloc(strlen(name) + 1);
		writer->matcher = skt_matcher_new(seed);
	}
	if (writer && writer->name && writer->matcher) {
		memcpy(writer->name, name, strlen(name) + 1);
		/* first of all, for nothing is to be written if it fails */
		rc = queue_new(options, &writer->queue, err);
		if (!rc)
			rc = output_new(fd, name, header, options->sync, random, &output, err);
		if (!rc)
			queue_attach(writer->queue, output);
	} else {
		skt_err_set(err, rc, "out of memory");
	}
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
		skt_buf_release(&writer->item.sections[id]);
	skt_buf_release(&writer->item.keys);
	reads_release(&writer->reads);
	encoder_release(&writer->encoder);
	skt_matcher_free(writer->matcher);
	queue_free(writer->queue);
	free(writer->next_name);
	free(writer->name);
	free(writer);
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

/* There is no room for the key that this snapshot would be: it is not even encoded. */
static int pass_over(struct skt_writer *writer, const struct skt_snapshot *now, struct skt_err *err)
{
	struct block_head *head = &writer->item.head;

	*head = (struct block_head){ .number = now->number, .snapshots = 1, .first = now->time, .last = now->time };
	writer->next_number = now->number + 1;
	writer->last_time = now->time;
	lose(writer);
	return no_room(writer, err);
}

int skt_writer_add(struct skt_writer *writer, struct skt_snapshot *now, const struct skt_step *step,
		   struct skt_err *err)
{
	bool key = skt_writer_begins_group(writer, now);
	int rc = gather_check(now, step, key, err), more;

	if (rc) {
		refuse(writer, now);
		return skt_err_at(err, writer->name, -1), rc;
	}
	if (key) {
		rc = flush(writer, err);
		lose_refused(writer);
	}
	/* the snapshot is added all the same: that the one before was lost is no reason to lose this one */
	if (key && queue_is_full(writer->queue, writer->key_bytes)) {
		more = pass_over(writer, now, rc ? NULL : err);
	} else {
		more = gather(writer, now, step, key, rc ? NULL : err);
		if (more)
			lose(writer);
	}
	if (!more && (key || now->boottime - writer->head_boottime + writer->interval >= BLOCK_NS))
		more = flush(writer, rc ? NULL : err);
	if (!rc)
		rc = more;
	return rc ? rc : queue_error(writer->queue, err);
}

int skt_writer_wait(struct skt_writer *writer, int64_t boottime, struct skt_err *err)
{
	int rc = boottime - writer->head_boottime > BLOCK_NS ? flush(writer, err) : 0;

	return rc ? rc : queue_error(writer->queue, err);
}

int skt_writer_gap(struct skt_writer *writer, uint64_t snapshots, struct skt_err *err)
{
	struct block_head *refused = &writer->refused;

	if (snapshots > UINT32_MAX - refused->snapshots)
		return skt_err_set(err, -E2BIG, "gap of %llu snapshots exceeds the limit of %u",
				   (unsigned long long)snapshots, UINT32_MAX);
	if (!refused->snapshots) {
		refused->number = writer->next_number;
		refused->first = writer->last_time;
		refused->last = writer->last_time;
	}
	refused->snapshots += (uint32_t)snapshots;
	writer->next_number += snapshots;
	writer->began = false;
	return 0;
}

void skt_writer_missed(struct skt_writer *writer, uint32_t missed)
{
	writer->missed = missed;
}

int skt_writer_end(struct skt_writer *writer, int64_t when, struct skt_err *err)
{
	int rc, more;

	if (!block_time_is_good(when)) {
		skt_err_set(err, -EINVAL, "end at %lld ns is not within %lld of 1970", (long long)when,
			    (long long)BLOCK_TIME_MAX);
		return skt_err_at(err, writer->name, -1), -EINVAL;
	}
	rc = flush(writer, err);
	lose_refused(writer);
	writer->item.what = OUTPUT_END;
	writer->item.head = (struct block_head){ .type = BLOCK_END,
						 .number = writer->next_number,
						 .snapshots = writer->missed,
						 .first = when,
						 .last = when };
	/* what was lost just now is told all the same, if writing works again */
	more = hand_on(writer, rc ? NULL : err);
	queue_wait(writer->queue);
	if (!rc)
		rc = more;
	return rc ? rc : queue_error(writer->queue, err);
}

int skt_writer_mark(struct skt_writer *writer, int64_t when, const char *text, struct skt_err *err)
{
	struct output_item *item = &writer->item;
	size_t len = strlen(text);
	int rc;

	if (len > SKT_MARK_MAX)
		return skt_err_set(err, -E2BIG, "mark of %zu bytes exceeds the limit of %d", len, SKT_MARK_MAX);
	if (!block_time_is_good(when))
		return skt_err_set(err, -EINVAL, "mark at %lld ns is not within %lld of 1970", (long long)when,
				   (long long)BLOCK_TIME_MAX);
	/* what was gathered stands before it, and is written now: whoever sets a mark wants to look there soon */
	rc = flush(writer, err);
	lose_refused(writer);
	skt_buf_text(&item->sections[SECTION_META], text);
	item->what = OUTPUT_MARK;
	item->head = (struct block_head){ .type = BLOCK_MARK,
					  .flags = BLOCK_ANCILLARY,
					  .number = writer->next_number - 1,
					  .first = when,
					  .last = when };
	if (skt_buf_status(&item->sections[SECTION_META]))
		rc = skt_err_set(err, -ENOMEM, "out of memory");
	if (!rc)
		rc = hand_on(writer, err);
	drop(writer);
	return rc ? rc : queue_error(writer->queue, err);
}

static struct output_next *next_new(int fd, const char *name, const struct skt_header *header, const uint8_t random[8],
				    struct skt_err *err)
{
	struct output_next *next = calloc(1, sizeof(*next));

	if (next)
		next->name = malloc(strlen(name) + 1);
	if (!next || !next->name) {
		output_next_free(next);
		skt_err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	strcpy(next->name, name);
	next->fd = fd;
	memcpy(next->sync, random, sizeof(next->sync));
	if (output_header_put(header, next->sync, &next->header, err)) {
		output_next_free(next);
		return NULL;
	}
	return next;
}

int skt_writer_rotate(struct skt_writer *writer, int fd, const char *name, const struct skt_header *header,
		      const uint8_t random[8], struct skt_err *err)
{
	struct skt_err why;
	struct output_next *next;
	char *copy;
	int rc;

	/* it can be done later, when there is room for what was gathered until now */
	if (queue_is_full(writer->queue, 0))
		return no_room(writer, err);
	skt_err_init(&why);
	next = next_new(fd, name, header, random, &why);
	copy = next ? malloc(strlen(name) + 1) : NULL;
	if (!copy) {
		output_next_free(next);
		if (!next && err)
			*err = why;
		return next ? skt_err_set(err, -ENOMEM, "out of memory") : why.code;
	}
	free(writer->next_name);
	writer->next_name = strcpy(copy, name);
	(void)flush(writer, NULL);
	lose_refused(writer);
	writer->began = false;
	writer->item.what = OUTPUT_NEXT;
	writer->item.next = next;
	writer->item.head = (struct block_head){ .type = BLOCK_END,
						 .number = writer->next_number,
						 .snapshots = writer->missed,
						 .first = header->start,
						 .last = header->start };
	rc = hand_on(writer, err);
	drop(writer);
	return rc;
}

int skt_writer_rotated(struct skt_writer *writer, uint8_t ret_chain[CHAIN_SIZE], uint8_t ret_file[CHAIN_SIZE],
		       struct skt_err *err)
{
	struct output_state state;
	int rc = queue_gone_on(writer->queue, err);

	if (rc <= 0)
		return rc;
	state = queue_state(writer->queue);
	memcpy(ret_chain, state.ended_chain, CHAIN_SIZE);
	memcpy(ret_file, state.ended_file, CHAIN_SIZE);
	free(writer->name);
	writer->name = writer->next_name;
	writer->next_name = NULL;
	return rc;
}

int skt_writer_synced(struct skt_writer *writer, struct skt_err *err)
{
	uint64_t at;
	int rc = queue_unsynced(writer->queue, &at);

	if (!rc)
		return 0;
	skt_err_sys(err, rc, "the disk may not have kept what was written from here on");
	return skt_err_at(err, writer->name, (int64_t)at), rc;
}

uint64_t skt_writer_bytes(const struct skt_writer *writer)
{
	return queue_state(writer->queue).bytes;
}

uint64_t skt_writer_lost(const struct skt_writer *writer)
{
	return writer->lost + queue_state(writer->queue).lost;
}

void skt_writer_chain(const struct skt_writer *writer, uint8_t ret_chain[CHAIN_SIZE], uint8_t ret_file[CHAIN_SIZE])
{
	struct output_state state = queue_state(writer->queue);

	memcpy(ret_chain, state.chain, CHAIN_SIZE);
	crypto_hash_sha256_final(&state.sha, ret_file);
}
