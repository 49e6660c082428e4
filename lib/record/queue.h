/* SPDX-License-Identifier: MIT */
#ifndef RECORD_QUEUE_H
#define RECORD_QUEUE_H

#include "record/output.h"

/*
 * Between whoever gathers blocks and the output: items wait here for a thread that takes them, one after the other, so
 * that a disk or a pipe that is slow makes nobody wait but the thread. What may wait is bounded; a block for which
 * there is no room is refused, and never waited for. Without a thread an item is taken at once.
 *
 *	gatherer --- put ---> | item item item | --- the thread ---> output
 *	         <-- state, errors ------------------------------------'
 */
struct queue;

int queue_new(const struct skt_writer_options *options, struct queue **ret, struct skt_err *err);

/* Give it the output, before anything is put in. */
void queue_attach(struct queue *queue, struct output *output);

/* What still waits is dropped, and so is the output. */
void queue_free(struct queue *queue);

/*
 * Put an item in; on success its sections are the queue's, and empty (without a thread they are the caller's as
 * before). -ENOBUFS: it is a block or a mark, and there is no room; -ENOMEM. Where it goes on is the queue's in any
 * case. What becomes of it is told by queue_error().
 */
int queue_put(struct queue *queue, struct output_item *item);

/* Whether a block of this many bytes would be refused now. */
bool queue_is_full(struct queue *queue, size_t bytes);

/* Wait until all that was put in has been taken. */
void queue_wait(struct queue *queue);

/* As it was after the last item that was taken. */
struct output_state queue_state(struct queue *queue);

/*
 * What failed first since this was asked last, once: 0 nothing. That a pipe has no reader any more comes before all
 * else, for nothing can be written after it.
 */
int queue_error(struct queue *queue, struct skt_err *err);

/* What became of the last OUTPUT_NEXT, once: 1 it goes on in the other file, 0 nothing new, or why not. */
int queue_gone_on(struct queue *queue, struct skt_err *err);

/* As queue_error() of what the disk did not keep; *ret_at is from where on. */
int queue_unsynced(struct queue *queue, uint64_t *ret_at);

#endif
