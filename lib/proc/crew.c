/* SPDX-License-Identifier: MIT */
#include "proc/crew.h"

#include "base/thread.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* What reads /proc has paths and names on its stack, and no more. */
#define STACK_SIZE ((size_t)256 << 10)

struct hand {
	struct crew *crew;
	pthread_t thread;
	unsigned number;
};

struct crew {
	struct hand hands[CREW_MAX];
	unsigned n_hands;

	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t more;  /* there is something to do, or it is over */
	pthread_cond_t done;  /* the last one was done */
	void (*what)(void *data, size_t i, unsigned hand);
	void *data;
	size_t n, next;
	unsigned busy;
	bool ending;
};

/* All that nobody has begun yet. The lock is held, but not while something is done. */
static void work(struct crew *crew, unsigned hand)
{
	while (crew->next < crew->n) {
		size_t i = crew->next++;

		crew->busy++;
		pthread_mutex_unlock(&crew->lock);
		crew->what(crew->data, i, hand);
		pthread_mutex_lock(&crew->lock);
		if (!--crew->busy && crew->next >= crew->n)
			pthread_cond_signal(&crew->done);
	}
}

static void *run(void *data)
{
	struct hand *hand = data;
	struct crew *crew = hand->crew;

	pthread_mutex_lock(&crew->lock);
	while (!crew->ending) {
		work(crew, hand->number);
		if (!crew->ending)
			pthread_cond_wait(&crew->more, &crew->lock);
	}
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

int crew_new(unsigned hands, struct crew **ret)
{
	struct crew *crew = calloc(1, sizeof(*crew));

	if (!crew)
		return -ENOMEM;
	crew->n_hands = 1;
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->more, NULL);
	pthread_cond_init(&crew->done, NULL);
	while (crew->n_hands < hands && crew->n_hands < CREW_MAX) {
		struct hand *hand = &crew->hands[crew->n_hands];

		*hand = (struct hand){ .crew = crew, .number = crew->n_hands };
		if (thread_start(&hand->thread, STACK_SIZE, run, hand))
			break;
		crew->n_hands++;
	}
	*ret = crew;
	return 0;
}

void crew_free(struct crew *crew)
{
	if (!crew)
		return;
	pthread_mutex_lock(&crew->lock);
	crew->ending = true;
	pthread_cond_broadcast(&crew->more);
	pthread_mutex_unlock(&crew->lock);
	for (unsigned i = 1; i < crew->n_hands; i++)
		pthread_join(crew->hands[i].thread, NULL);
	pthread_cond_destroy(&crew->done);
	pthread_cond_destroy(&crew->more);
	pthread_mutex_destroy(&crew->lock);
	free(crew);
}

unsigned crew_hands(const struct crew *crew)
{
	return crew->n_hands;
}

void crew_do(struct crew *crew, size_t n, void (*what)(void *data, size_t i, unsigned hand), void *data)
{
	pthread_mutex_lock(&crew->lock);
	crew->what = what;
	crew->data = data;
	crew->n = n;
	crew->next = 0;
	if (n > 1)
		pthread_cond_broadcast(&crew->more);
	work(crew, 0);
	while (crew->busy)
		pthread_cond_wait(&crew->done, &crew->lock);
	crew->n = 0;
	pthread_mutex_unlock(&crew->lock);
}
