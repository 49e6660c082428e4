/* SPDX-License-Identifier: MIT */
#include "proc/lived.h"

#include "base/array.h"
#include "model/copy.h"
#include "model/step.h"
#include "proc/births.h"
#include "proc/connector.h"
#include "proc/messages.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A message has 76 bytes; what is longer is of another kind. */
#define MESSAGE_SIZE 128

/* Once nobody is read any more, nothing is in a hurry: others are waited for, as many as the buffer holds. */
#define GATHER_NS 4000000

/* What is told in one call of lived_take() at most: as many as a second of 40,000 forks leaves. */
#define TAKEN_MAX ((size_t)1 << 17)

struct lived {
	struct skt_capture_options options;
	int fd;
	struct waiter waiter; /* its lock is of all that follows but `done` */
	bool begun;	      /* a snapshot was taken: from then on all is heard */
	struct births births;
	unsigned char bytes[MESSAGES_AT_ONCE][MESSAGE_SIZE];

	/* taken over, not told yet */
	struct skt_process *done; /* by pid */
	size_t n_done, room_done;
	struct skt_strtab *done_strings;
};

/* One helping: how many there were, 0 where nothing was left. */
static size_t drain(struct lived *lived)
{
	size_t len[MESSAGES_AT_ONCE];
	struct connector_event event;
	int n = messages_take(lived->fd, *lived->bytes, MESSAGE_SIZE, len);

	if (n == -ENOBUFS)
		lived->births.lost = true;
	if (n < 0)
		return n == -ENOBUFS || n == -EINTR;
	for (int i = 0; i < n; i++)
		if (len[i] && connector_parse(lived->bytes[i], len[i], &event) > 0)
			births_hear(&lived->births, &event);
	return (size_t)n;
}

static void *run(void *data)
{
	const struct timespec gather = { .tv_nsec = GATHER_NS };
	struct lived *lived = data;
	struct pollfd ready[] = { { .fd = lived->fd, .events = POLLIN },
				  { .fd = lived->waiter.wake, .events = POLLIN } };

	for (;;) {
		bool ending, hurry;

		while (poll(ready, 2, -1) < 0)
			continue;
		pthread_mutex_lock(&lived->waiter.lock);
		ending = lived->waiter.ending;
		if (!ending)
			drain(lived);
		hurry = births_may_read(&lived->births);
		pthread_mutex_unlock(&lived->waiter.lock);
		if (ending)
			return NULL;
		if (!hurry)
			nanosleep(&gather, NULL);
	}
}

void lived_hear(struct lived *lived, const struct connector_event *event)
{
	births_hear(&lived->births, event);
}

/* ---- beginning and end ---- */

struct lived *lived_new_deaf(const struct skt_capture_options *options, const struct tree *tree)
{
	struct lived *lived = calloc(1, sizeof(*lived));

	if (!lived)
		return NULL;
	lived->fd = -1;
	waiter_init(&lived->waiter);
	lived->options = *options;
	if (births_init(&lived->births, &lived->options, tree)) {
		lived_free(lived);
		return NULL;
	}
	return lived;
}

int lived_new(const struct skt_capture_options *options, const struct tree *tree, struct lived **ret)
{
	struct lived *lived = lived_new_deaf(options, tree);
	int rc;

	if (!lived)
		return -ENOMEM;
	rc = waiter_open(&lived->waiter);
	if (!rc) {
		lived->fd = options->processes_socket(options->events_data);
		rc = lived->fd < 0 ? lived->fd : connector_join(lived->fd);
	}
	if (rc) {
		lived_free(lived);
		return rc;
	}
	*ret = lived;
	return 0;
}

void lived_free(struct lived *lived)
{
	if (!lived)
		return;
	waiter_end(&lived->waiter);
	if (lived->fd >= 0)
		close(lived->fd);
	waiter_release(&lived->waiter);
	births_release(&lived->births);
	if (lived->done_strings)
		skt_strtab_unref(lived->done_strings);
	free(lived->done);
	free(lived);
}

int lived_start(struct lived *lived)
{
	return waiter_start(&lived->waiter, run, lived);
}

/* ---- at a snapshot ---- */

static int compare_pids(const void *left, const void *right)
{
	const struct skt_process *a = left, *b = right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a->start_time > b->start_time) - (a->start_time < b->start_time);
}

static int take(struct lived *lived, struct skt_snapshot *snapshot, int64_t when, int64_t asleep)
{
	int rc = array_room(&lived->done, &lived->room_done, SKT_LIVED_MAX, sizeof(*lived->done));

	if (rc)
		return rc;
	/* what was not told is none of the next snapshot's */
	if (lived->done_strings)
		skt_strtab_unref(lived->done_strings);
	lived->done_strings = NULL;
	lived->n_done = 0;
	if (lived->begun)
		lived->n_done = births_ended(&lived->births, when, asleep, lived->done);
	if (lived->n_done)
		qsort(lived->done, lived->n_done, sizeof(*lived->done), compare_pids);
	snapshot->quality.lived_told = lived->begun;
	snapshot->quality.lived_lost = lived->begun && lived->births.lost;
	snapshot->quality.lived_more = lived->begun ? lived->births.more : 0;
	lived->begun = true;
	rc = births_keep_young(&lived->births, when, &lived->done_strings);
	/* their texts stayed behind */
	if (rc)
		lived->n_done = 0;
	return rc;
}

static void drain_all(struct lived *lived)
{
	if (lived->fd >= 0)
		for (size_t taken = 0, n = 1; n && taken < TAKEN_MAX; taken += n)
			n = drain(lived);
}

bool lived_has_heard(struct lived *lived)
{
	bool heard;

	pthread_mutex_lock(&lived->waiter.lock);
	drain_all(lived);
	heard = lived->begun && (lived->births.n_ended || lived->births.more || lived->births.lost);
	pthread_mutex_unlock(&lived->waiter.lock);
	return heard;
}

int lived_take(struct lived *lived, struct skt_snapshot *snapshot, bool last)
{
	const struct skt_clock *clock = &lived->options.clock;
	int64_t realtime, boottime, monotonic = lived->options.processes_clock(lived->options.events_data);
	int rc;

	clock->read(clock->data, &realtime, &boottime);
	pthread_mutex_lock(&lived->waiter.lock);
	drain_all(lived);
	rc = take(lived, snapshot, last ? INT64_MAX : snapshot->boottime - (boottime - monotonic),
		  boottime - monotonic);
	pthread_mutex_unlock(&lived->waiter.lock);
	return rc;
}

/*
 * One that a look has seen is among the snapshot's processes. Start times of the two sources may differ by a tick or
 * so.
 */
static void drop_seen(struct lived *lived, const struct skt_snapshot *now)
{
	size_t n = 0;

	for (size_t i = 0; i < now->n_processes; i++) {
		const struct skt_process *seen = &now->processes[i];
		size_t at = array_below(lived->done, lived->n_done, sizeof(*lived->done),
					offsetof(struct skt_process, pid), seen->pid);

		for (; at < lived->n_done && lived->done[at].pid == seen->pid; at++)
			if (seen->start_time + 2 >= lived->done[at].start_time &&
			    seen->start_time <= lived->done[at].start_time + 2)
				lived->done[at].exited = false;
	}
	for (size_t i = 0; i < lived->n_done; i++)
		if (lived->done[i].exited)
			lived->done[n++] = lived->done[i];
	lived->n_done = n;
}

int lived_tell(struct lived *lived, struct skt_snapshot *now, struct skt_step *step)
{
	struct translation translation;
	size_t i = 0;
	int rc;

	if (!lived->n_done || step->from == INT64_MIN) {
		lived->n_done = 0;
		return 0;
	}
	drop_seen(lived, now);
	rc = translation_init(&translation, lived->done_strings, now->strings);
	if (rc)
		return rc;
	for (; i < lived->n_done && !rc; i++)
		rc = step_add_lived(step, now, &translation, &lived->done[i]);
	/* the snapshot is full: what it cannot hold is counted with what was too much before */
	if (rc == -E2BIG) {
		step->quality.lived_more += (uint32_t)(lived->n_done - i + 1);
		now->quality.lived_more = step->quality.lived_more;
		rc = 0;
	}
	lived->n_done = 0;
	translation_release(&translation);
	return rc;
}
