/* SPDX-License-Identifier: MIT */
#include "record/ahead.h"

#include "base/array.h"
#include "base/thread.h"
#include "model/outline.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/*
 * What is ready and waits: of ten thousand sockets a step has 400 KB, and a group's first one 4 MB, room for which is
 * given back.
 */
#define READY_BLOCKS 8
#define READY_BYTES  ((size_t)8 << 20)
#define SPARE_BYTES  ((size_t)1 << 20)

/*
 * A block over one of these is left to the cursor. A byte of a section may take 80 of memory (SKT_READER_MAX), so a
 * recording that was made up takes no more here than an eighth of what it takes of the cursor; and a group of a hundred
 * thousand sockets begins with less.
 */
#define STORED_MOST   ((uint32_t)4 << 20)
#define INFLATED_MOST ((size_t)8 << 20)

/* Inflating keeps what is large in memory of its own. */
#define STACK_SIZE ((size_t)1 << 20)

struct ahead {
	const struct skt_file *file;
	struct group *groups; /* those that are read, in their order */
	size_t n_groups;
	unsigned want;
	pthread_t thread;
	bool started;

	/* the thread's own */
	struct skt_buf block;
	struct decoder decoder;
	struct skt_snapshot outline;

	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t more;  /* something is ready, or will not be */
	pthread_cond_t less;  /* something was taken, or nothing is wanted any more */
	struct ahead_block *first;
	struct ahead_block **last;
	size_t n_ready, bytes;
	uint64_t at; /* nothing before this offset will be ready any more but what is */
	bool stop;
	struct ahead_block *taken; /* the cursor's */
	struct ahead_block *spare;
};

uint32_t sections_wanted(unsigned want)
{
	uint32_t wanted = 1u << SECTION_META | 1u << SECTION_STRINGS | 1u << SECTION_IDENTITY | 1u << SECTION_EVENTS;

	if (want & SKT_WANT_STATE)
		wanted |= 1u << SECTION_STATE;
	if (want & SKT_WANT_ORDER)
		wanted |= 1u << SECTION_RESIDUAL;
	return wanted;
}

/* ---- blocks ---- */

static void free_blocks(struct ahead_block *block)
{
	while (block) {
		struct ahead_block *next = block->next;

		for (int id = SECTION_META; id < SECTION_END; id++)
			skt_buf_release(&block->sections[id]);
		for (size_t i = 0; i < block->room_steps; i++)
			skt_step_release(&block->steps[i].step);
		free(block->steps);
		free(block);
		block = next;
	}
}

static size_t memory_of_step(const struct skt_step *step)
{
	return step->room_socks * sizeof(*step->socks) + step->room_processes * sizeof(*step->processes) +
	       step->room_events * sizeof(*step->events) + step->room_owners * sizeof(*step->owners) +
	       step->room_puts * sizeof(*step->puts) + step->room_timers * sizeof(*step->timers);
}

static size_t memory_of(const struct ahead_block *block)
{
	size_t bytes = sizeof(*block);

	for (int id = SECTION_META; id < SECTION_END; id++)
		bytes += block->sections[id].size;
	for (size_t i = 0; i < block->room_steps; i++)
		bytes += memory_of_step(&block->steps[i].step);
	return bytes;
}

/* Room for one more step; those there was room for before keep their arrays. */
static bool room_for_step(struct ahead_block *block)
{
	size_t had = block->room_steps;

	if (array_room(&block->steps, &block->room_steps, block->n_steps + 1, sizeof(*block->steps)))
		return false;
	for (; had < block->room_steps; had++)
		skt_step_init(&block->steps[had].step);
	return true;
}

/* A block to be filled, once there is room for it; NULL: nothing is wanted any more, or there is no memory. */
static struct ahead_block *new_block(struct ahead *ahead)
{
	struct ahead_block *block = NULL;

	pthread_mutex_lock(&ahead->lock);
	while (!ahead->stop && ahead->n_ready && (ahead->n_ready >= READY_BLOCKS || ahead->bytes >= READY_BYTES))
		pthread_cond_wait(&ahead->less, &ahead->lock);
	if (!ahead->stop) {
		block = ahead->spare;
		if (block)
			ahead->spare = block->next;
		else
			block = calloc(1, sizeof(*block));
	}
	pthread_mutex_unlock(&ahead->lock);
	if (block) {
		block->next = NULL;
		block->n_steps = 0;
	}
	return block;
}

static void hand_over(struct ahead *ahead, struct ahead_block *block)
{
	block->bytes = memory_of(block);
	pthread_mutex_lock(&ahead->lock);
	*ahead->last = block;
	ahead->last = &block->next;
	ahead->n_ready++;
	ahead->bytes += block->bytes;
	ahead->at = block->offset + 1;
	pthread_cond_signal(&ahead->more);
	pthread_mutex_unlock(&ahead->lock);
}

/* Nothing before this offset comes any more. Whether anything is wanted still. */
static bool go_to(struct ahead *ahead, uint64_t offset)
{
	bool stop;

	pthread_mutex_lock(&ahead->lock);
	ahead->at = offset;
	stop = ahead->stop;
	pthread_cond_signal(&ahead->more);
	pthread_mutex_unlock(&ahead->lock);
	return !stop;
}

/* ---- the thread ---- */

/* Decode its steps, as far as they go. Whether all are there, and the next block can be decoded, too. */
static bool decode_steps(struct ahead *ahead, struct ahead_block *block)
{
	struct cur in[SECTION_END];
	size_t bytes = 0;

	memset(in, 0, sizeof(in));
	for (int id = SECTION_META; id < SECTION_END; id++)
		cur_init(&in[id], block->sections[id].data, block->sections[id].len);
	while (block->n_steps < block->head.snapshots) {
		struct ahead_step *step;

		if (bytes > READY_BYTES || !room_for_step(block))
			return false;
		step = &block->steps[block->n_steps];
		step->strings = skt_strtab_count(ahead->outline.strings);
		if (step_decode(&ahead->decoder, in, ahead->want, &ahead->outline, block->head.type == BLOCK_KEY,
				&step->step, NULL) ||
		    outline_take(&ahead->outline, &step->step))
			return false;
		memcpy(step->in, in, sizeof(in));
		bytes += memory_of_step(&step->step);
		block->n_steps++;
	}
	return true;
}

static size_t inflated(const struct ahead_block *block)
{
	size_t bytes = 0;

	for (int id = SECTION_META; id < SECTION_END; id++)
		bytes += block->sections[id].len;
	return bytes;
}

/* Make a block ready: false where it, or what comes behind it in its group, is left to the cursor. */
static bool prepare(struct ahead *ahead, uint64_t offset, const struct block_head *head)
{
	struct ahead_block *block = head->length <= STORED_MOST ? new_block(ahead) : NULL;
	bool good;

	if (!block)
		return false;
	block->offset = offset;
	block->head = *head;
	good = !file_read_block(ahead->file, offset, head, &ahead->block, NULL) &&
	       !payload_get(ahead->block.data + BLOCK_HEAD_SIZE, head->length, sections_wanted(ahead->want),
			    block->sections, NULL) &&
	       inflated(block) <= INFLATED_MOST;
	if (!good) {
		free_blocks(block);
		return false;
	}
	good = decode_steps(ahead, block);
	hand_over(ahead, block);
	return good;
}

/* An outline of nothing, with a string table of its own. */
static bool begin_group(struct ahead *ahead)
{
	struct skt_strtab *strings = skt_strtab_new(skt_strtab_seed(ahead->outline.strings));

	if (!strings)
		return false;
	skt_snapshot_clear(&ahead->outline, strings);
	skt_strtab_unref(strings);
	return true;
}

/* The blocks of a group up to `end`, as far as all is well: what is not is the cursor's to find. */
static void read_group(struct ahead *ahead, const struct group *group, uint64_t end)
{
	uint64_t offset = group->offset, sequence = group->sequence, number = group->number;
	struct block_head head;
	bool in_group = false;

	while (go_to(ahead, offset) && offset < end && file_read_head(ahead->file, offset, &head) > 0 &&
	       block_fits(&head, sequence, number, in_group) && BLOCK_SIZE(&head) <= end - offset) {
		if (block_holds_snapshots(&head)) {
			if ((head.type == BLOCK_KEY) == in_group || !prepare(ahead, offset, &head))
				return;
			in_group = true;
			number = head.number + head.snapshots;
		} else if (head.type == BLOCK_GAP || head.type == BLOCK_END || block_is_newer(&head)) {
			return;
		}
		offset += BLOCK_SIZE(&head);
		sequence++;
	}
}

static void *run(void *data)
{
	struct ahead *ahead = data;

	for (size_t i = 0; i < ahead->n_groups; i++) {
		uint64_t end = i + 1 < ahead->n_groups ? ahead->groups[i + 1].offset : ahead->file->span.bytes;

		if (!go_to(ahead, ahead->groups[i].offset) || !begin_group(ahead))
			break;
		read_group(ahead, &ahead->groups[i], end);
	}
	go_to(ahead, UINT64_MAX);
	return NULL;
}

/* ---- the cursor's side ---- */

/* Which groups: copied, for a choice may be made wider, or be gone, while the thread lives. */
static int copy_groups(struct ahead *ahead, const struct skt_choice *choice, uint64_t offset)
{
	const struct skt_file *file = ahead->file;
	size_t i = file_group_from(file, offset);

	ahead->groups = malloc((file->n_groups - i + 1) * sizeof(*ahead->groups));
	if (!ahead->groups)
		return -ENOMEM;
	for (; i < file->n_groups; i++)
		if (!choice || (i < choice->n_groups && choice->groups[i]))
			ahead->groups[ahead->n_groups++] = file->groups[i];
	return 0;
}

int ahead_new(const struct skt_file *file, unsigned want, const struct skt_choice *choice, uint64_t offset,
	      struct ahead **ret)
{
	struct ahead *ahead = calloc(1, sizeof(*ahead));
	uint64_t seed;
	int rc;

	if (!ahead)
		return -ENOMEM;
	randombytes_buf(&seed, sizeof(seed));
	ahead->file = file;
	ahead->want = want;
	ahead->last = &ahead->first;
	skt_buf_init(&ahead->block);
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->more, NULL);
	pthread_cond_init(&ahead->less, NULL);
	rc = copy_groups(ahead, choice, offset);
	if (!rc)
		rc = skt_snapshot_init(&ahead->outline, NULL, seed);
	if (!rc)
		rc = thread_start(&ahead->thread, STACK_SIZE, run, ahead);
	ahead->started = !rc;
	if (rc) {
		ahead_free(ahead);
		return rc;
	}
	*ret = ahead;
	return 0;
}

void ahead_free(struct ahead *ahead)
{
	if (!ahead)
		return;
	if (ahead->started) {
		pthread_mutex_lock(&ahead->lock);
		ahead->stop = true;
		pthread_cond_signal(&ahead->less);
		pthread_mutex_unlock(&ahead->lock);
		pthread_join(ahead->thread, NULL);
	}
	free_blocks(ahead->first);
	free_blocks(ahead->taken);
	free_blocks(ahead->spare);
	pthread_mutex_destroy(&ahead->lock);
	pthread_cond_destroy(&ahead->more);
	pthread_cond_destroy(&ahead->less);
	skt_snapshot_release(&ahead->outline);
	decoder_release(&ahead->decoder);
	skt_buf_release(&ahead->block);
	free(ahead->groups);
	free(ahead);
}

static void put_aside(struct ahead *ahead, struct ahead_block *block)
{
	if (memory_of(block) > SPARE_BYTES) {
		block->next = NULL;
		free_blocks(block);
		return;
	}
	block->next = ahead->spare;
	ahead->spare = block;
}

/* The first of those that are ready, which are fewer now. */
static struct ahead_block *pop(struct ahead *ahead)
{
	struct ahead_block *block = ahead->first;

	ahead->first = block->next;
	if (!ahead->first)
		ahead->last = &ahead->first;
	block->next = NULL;
	ahead->n_ready--;
	ahead->bytes -= block->bytes;
	pthread_cond_signal(&ahead->less);
	return block;
}

static bool same_head(const struct block_head *a, const struct block_head *b)
{
	return a->type == b->type && a->length == b->length && a->sequence == b->sequence && a->number == b->number &&
	       a->snapshots == b->snapshots && a->first == b->first && a->last == b->last;
}

struct ahead_block *ahead_take(struct ahead *ahead, uint64_t offset, const struct block_head *head)
{
	struct ahead_block *block = NULL;

	pthread_mutex_lock(&ahead->lock);
	if (ahead->taken)
		put_aside(ahead, ahead->taken);
	ahead->taken = NULL;
	for (;;) {
		/* what the cursor has gone past */
		while (ahead->first && ahead->first->offset < offset)
			put_aside(ahead, pop(ahead));
		if (ahead->first || ahead->at > offset)
			break;
		pthread_cond_wait(&ahead->more, &ahead->lock);
	}
	if (ahead->first && ahead->first->offset == offset && same_head(&ahead->first->head, head))
		ahead->taken = block = pop(ahead);
	pthread_mutex_unlock(&ahead->lock);
	return block;
}
