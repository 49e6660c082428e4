/* SPDX-License-Identifier: MIT */
#include "record/queue.h"

#include "base/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Deflate and the library keep what is large in memory of their own; the frames of the output have a few KiB. */
#define STACK_SIZE ((size_t)1 << 20)

struct node {
	struct node *next;
	size_t bytes;
	struct output_item item;
};

struct queue {
	struct output *output; /* the thread's, while there is one */
	bool threaded;
	pthread_t thread;
	size_t most_bytes;
	size_t most_items;

	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t more;  /* there is something to take, or an end of it */
	pthread_cond_t less;  /* something was taken */
	struct node *first;
	struct node **last;
	size_t bytes; /* of those that wait and of the one that is being taken */
	size_t items;
	bool ending;
	struct output_state state;
	int unsynced;
	uint64_t unsynced_at;
	struct skt_err error; /* code 0: none */
	int gone_on;	      /* as queue_gone_on() has it, */
	struct skt_err why;   /* and why not */
};

static size_t memory_of(const struct output_item *item)
{
	size_t bytes = sizeof(struct node);

	for (int id = SECTION_META; id < SECTION_END; id++)
		bytes += item->sections[id].size;
	return bytes + item->keys.size;
}

static void free_node(struct node *node)
{
	for (int id = SECTION_META; id < SECTION_END; id++)
		skt_buf_release(&node->item.sections[id]);
	skt_buf_release(&node->item.keys);
	output_next_free(node->item.next);
	free(node);
}

/* Tell what became of an item. The lock is held, or there is no thread. */
static void publish(struct queue *queue, enum output_what what, const struct skt_err *err)
{
	struct output_state *state = output_state(queue->output);

	if (state->unsynced && !queue->unsynced) {
		queue->unsynced = state->unsynced;
		queue->unsynced_at = state->unsynced_at;
	}
	state->unsynced = 0;
	if (what == OUTPUT_NEXT) {
		queue->gone_on = err->code ? err->code : 1;
		queue->why = *err;
	} else if (err->code && (!queue->error.code || err->code == -EPIPE))
		queue->error = *err;
	queue->state = *state;
}

static void take(struct queue *queue, struct output_item *item, struct skt_err *err)
{
	int rc;

	skt_err_init(err);
	rc = output_take(queue->output, item, err);
	if (rc && !err->code)
		err->code = rc;
}

static void *run(void *data)
{
	struct queue *queue = data;

	pthread_mutex_lock(&queue->lock);
	for (;;) {
		struct node *node = queue->first;
		struct skt_err err;

		if (!node && queue->ending)
			break;
		if (!node) {
			pthread_cond_wait(&queue->more, &queue->lock);
			continue;
		}
		queue->first = node->next;
		if (!queue->first)
			queue->last = &queue->first;
		pthread_mutex_unlock(&queue->lock);
		take(queue, &node->item, &err);
		pthread_mutex_lock(&queue->lock);
		publish(queue, node->item.what, &err);
		queue->bytes -= node->bytes;
		queue->items--;
		free_node(node);
		pthread_cond_signal(&queue->less);
	}
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

int queue_new(const struct skt_writer_options *options, struct queue **ret, struct skt_err *err)
{
	struct queue *queue = calloc(1, sizeof(*queue));
	int rc = 0;

	if (!queue)
		return skt_err_set(err, -ENOMEM, "out of memory");
	queue->most_bytes = options->queue_bytes ? options->queue_bytes : SKT_QUEUE_BYTES;
	queue->most_items = options->queue_blocks ? options->queue_blocks : SKT_QUEUE_BLOCKS;
	queue->last = &queue->first;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->more, NULL);
	pthread_cond_init(&queue->less, NULL);
	if (options->threaded)
		rc = thread_start(&queue->thread, STACK_SIZE, run, queue);
	queue->threaded = options->threaded && !rc;
	if (rc) {
		queue_free(queue);
		return skt_err_sys(err, rc, "cannot start a thread");
	}
	*ret = queue;
	return 0;
}

void queue_attach(struct queue *queue, struct output *output)
{
	pthread_mutex_lock(&queue->lock);
	queue->output = output;
	queue->state = *output_state(output);
	pthread_mutex_unlock(&queue->lock);
}

void queue_free(struct queue *queue)
{
	struct node *node, *next;

	if (!queue)
		return;
	pthread_mutex_lock(&queue->lock);
	queue->ending = true;
	node = queue->first;
	queue->first = NULL;
	pthread_cond_signal(&queue->more);
	pthread_mutex_unlock(&queue->lock);
	if (queue->threaded)
		pthread_join(queue->thread, NULL);
	for (; node; node = next) {
		next = node->next;
		free_node(node);
	}
	pthread_cond_destroy(&queue->less);
	pthread_cond_destroy(&queue->more);
	pthread_mutex_destroy(&queue->lock);
	output_free(queue->output);
	free(queue);
}

/* One block is always let in, however large: else it never would be. The lock is held. */
static bool is_full(const struct queue *queue, size_t bytes)
{
	return queue->items && (queue->items >= queue->most_items || bytes > queue->most_bytes ||
				queue->bytes > queue->most_bytes - bytes);
}

int queue_put(struct queue *queue, struct output_item *item)
{
	struct skt_err err;
	struct node *node;
	int rc = 0;

	if (!queue->threaded) {
		take(queue, item, &err);
		publish(queue, item->what, &err);
		output_next_free(item->next);
		item->next = NULL;
		return 0;
	}
	node = malloc(sizeof(*node));
	if (!node) {
		output_next_free(item->next);
		item->next = NULL;
		return -ENOMEM;
	}
	*node = (struct node){ .bytes = memory_of(item), .item = *item };
	pthread_mutex_lock(&queue->lock);
	if ((item->what == OUTPUT_BLOCK || item->what == OUTPUT_MARK) && is_full(queue, node->bytes)) {
		rc = -ENOBUFS;
	} else {
		*queue->last = node;
		queue->last = &node->next;
		queue->bytes += node->bytes;
		queue->items++;
		pthread_cond_signal(&queue->more);
	}
	pthread_mutex_unlock(&queue->lock);
	if (rc) {
		free(node);
		return rc;
	}
	for (int id = SECTION_META; id < SECTION_END; id++)
		skt_buf_init(&item->sections[id]);
	skt_buf_init(&item->keys);
	item->next = NULL;
	return 0;
}

bool queue_is_full(struct queue *queue, size_t bytes)
{
	bool full;

	pthread_mutex_lock(&queue->lock);
	full = is_full(queue, bytes);
	pthread_mutex_unlock(&queue->lock);
	return full;
}

void queue_wait(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	while (queue->items)
		pthread_cond_wait(&queue->less, &queue->lock);
	pthread_mutex_unlock(&queue->lock);
}

struct output_state queue_state(struct queue *queue)
{
	struct output_state state;

	pthread_mutex_lock(&queue->lock);
	state = queue->state;
	pthread_mutex_unlock(&queue->lock);
	return state;
}

int queue_error(struct queue *queue, struct skt_err *err)
{
	struct skt_err error;

	pthread_mutex_lock(&queue->lock);
	error = queue->error;
	queue->error.code = 0;
	pthread_mutex_unlock(&queue->lock);
	if (error.code && err)
		*err = error;
	return error.code;
}

int queue_gone_on(struct queue *queue, struct skt_err *err)
{
	int rc;

	pthread_mutex_lock(&queue->lock);
	rc = queue->gone_on;
	queue->gone_on = 0;
	if (rc < 0 && err)
		*err = queue->why;
	pthread_mutex_unlock(&queue->lock);
	return rc;
}

int queue_unsynced(struct queue *queue, uint64_t *ret_at)
{
	int rc;

	pthread_mutex_lock(&queue->lock);
	rc = queue->unsynced;
	*ret_at = queue->unsynced_at;
	queue->unsynced = 0;
	pthread_mutex_unlock(&queue->lock);
	return rc;
}
