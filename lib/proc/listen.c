/* SPDX-License-Identifier: MIT */
#include "proc/listen.h"

#include "base/array.h"
#include "proc/diag.h"
#include "proc/messages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* How long others are waited for after one came: so many wakes a second at most, and so far off are instants. */
#define GATHER_NS 4000000

/* A notice has 380 bytes on Linux 6.18; what is longer is cut, and then passed over. */
#define NOTICE_SIZE 1024

#define NOTICES_KEPT 8192

struct listen {
	struct skt_clock clock;
	int (*open)(void *data, int netns);
	void *data;
	uint32_t kinds; /* that are wanted, and of which the kernel tells */
	uint32_t most;	/* namespaces */
	int epoll;
	struct waiter waiter; /* its lock is of all that follows */
	int64_t woken;	      /* when the thread was woken by what it has not taken yet; 0: it sleeps */
	struct ear *ears;
	size_t n_ears, room_ears;
	struct notice *notices;
	size_t n, room;
	int64_t lost_since, lost_until;
	unsigned char bytes[MESSAGES_AT_ONCE][NOTICE_SIZE];
};

static int64_t now_of(const struct listen *listen)
{
	int64_t realtime, boottime;

	listen->clock.read(listen->clock.data, &realtime, &boottime);
	return realtime;
}

static void lose(struct listen *listen, int64_t since, int64_t until)
{
	if (!listen->lost_until || since < listen->lost_since)
		listen->lost_since = since;
	if (until > listen->lost_until)
		listen->lost_until = until;
}

static void hear(struct listen *listen, const struct ear *ear, const unsigned char *message, size_t len, int64_t now)
{
	int64_t late = listen->woken && listen->woken < now ? (now - listen->woken) / 1000 : 0;
	struct notice notice;

	if (notice_parse(message, len, &notice) <= 0)
		return;
	/* one that was never bound nor connected was in no table */
	if (!notice.event.local_port || !(listen->kinds & 1u << notice.kind))
		return;
	if (listen->n == LISTEN_NOTICES_MAX ||
	    array_room(&listen->notices, &listen->room, listen->n + 1, sizeof(*listen->notices))) {
		lose(listen, ear->empty, now);
		return;
	}
	notice.net_namespace = ear->inode;
	notice.event.when = now;
	notice.event.late_us = late > UINT32_MAX ? UINT32_MAX : (uint32_t)late;
	listen->notices[listen->n++] = notice;
}

/* Take all that there is, or, where more comes than that, as much as may be kept. */
static void drain(struct listen *listen, struct ear *ear)
{
	size_t len[MESSAGES_AT_ONCE];
	bool lost = false, empty = false;
	int64_t now = 0;

	for (size_t taken = 0; !empty && taken <= LISTEN_NOTICES_MAX;) {
		int n = messages_take(ear->fd, *listen->bytes, NOTICE_SIZE, len);

		if (n == -ENOBUFS) {
			lost = true;
			taken++;
			continue;
		}
		if (n == -EINTR)
			continue;
		now = now_of(listen);
		empty = n <= 0;
		taken += n > 0 ? (size_t)n : 0;
		for (int i = 0; i < n; i++)
			if (len[i])
				hear(listen, ear, listen->bytes[i], len[i], now);
	}
	if (lost)
		lose(listen, ear->empty, now);
	if (empty)
		ear->empty = now;
}

static struct ear *find(const struct listen *listen, uint64_t inode)
{
	for (size_t i = 0; i < listen->n_ears; i++)
		if (listen->ears[i].inode == inode)
			return &listen->ears[i];
	return NULL;
}

static struct ear *find_fd(const struct listen *listen, int fd)
{
	for (size_t i = 0; i < listen->n_ears; i++)
		if (listen->ears[i].fd == fd)
			return &listen->ears[i];
	return NULL;
}

/* ---- the thread ---- */

static void *run(void *data)
{
	const struct timespec gather = { .tv_nsec = GATHER_NS };
	struct listen *listen = data;
	struct epoll_event ready[64];
	bool ending = false;

	while (!ending) {
		int n = epoll_wait(listen->epoll, ready, sizeof(ready) / sizeof(*ready), -1);

		pthread_mutex_lock(&listen->waiter.lock);
		if (!listen->woken)
			listen->woken = now_of(listen);
		ending = listen->waiter.ending;
		pthread_mutex_unlock(&listen->waiter.lock);
		if (!ending)
			nanosleep(&gather, NULL);
		pthread_mutex_lock(&listen->waiter.lock);
		for (int i = 0; i < n; i++) {
			struct ear *ear = find_fd(listen, ready[i].data.fd);

			if (ear)
				drain(listen, ear);
		}
		listen->woken = 0;
		pthread_mutex_unlock(&listen->waiter.lock);
	}
	return NULL;
}

/* ---- ears ---- */

/* A socket in the namespace that netns leads to (-1: the own one), which is told of sockets that go. */
static int open_ear(struct listen *listen, int netns)
{
	int fd = listen->open(listen->data, netns);
	int rc = fd < 0 ? fd : diag_join(fd);

	if (rc && fd >= 0)
		close(fd);
	return rc ? rc : fd;
}

/* 0, -ENOMEM, or what is wrong. */
static int add_ear(struct listen *listen, uint64_t inode, int netns)
{
	struct epoll_event ready = { .events = EPOLLIN };
	int64_t now = now_of(listen);
	struct ear ear = { .inode = inode, .wanted = true, .since = now, .empty = now };

	if (array_room(&listen->ears, &listen->room_ears, listen->n_ears + 1, sizeof(*listen->ears)))
		return -ENOMEM;
	ear.fd = open_ear(listen, netns);
	if (ear.fd < 0)
		return ear.fd;
	ready.data.fd = ear.fd;
	listen->ears[listen->n_ears++] = ear;
	if (epoll_ctl(listen->epoll, EPOLL_CTL_ADD, ear.fd, &ready)) {
		int rc = -errno;

		close(ear.fd);
		listen->n_ears--;
		return rc;
	}
	return 0;
}

/* Of those that are wanted. One kernel has all namespaces. */
static uint32_t kinds_told(struct listen *listen, uint32_t wanted)
{
	int fd = listen->open(listen->data, -1);
	uint32_t kinds = 0;

	for (unsigned kind = SKT_TCP; fd >= 0 && kind <= SKT_UDP6; kind++)
		kinds |= wanted & 1u << kind && diag_tells(fd, kind) ? 1u << kind : 0;
	if (fd >= 0)
		close(fd);
	return kinds;
}

static uint32_t most_ears(void)
{
	struct rlimit limit;

	/* others need descriptors as well */
	return !getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur / 8 < LISTEN_MAX ? (uint32_t)(limit.rlim_cur / 8)
										    : LISTEN_MAX;
}

int listen_new(const struct skt_capture_options *options, uint64_t own, struct listen **ret, uint32_t *ret_kinds)
{
	struct epoll_event end = { .events = EPOLLIN, .data.fd = -1 };
	struct listen *listen = calloc(1, sizeof(*listen));
	int rc;

	if (!listen)
		return -ENOMEM;
	waiter_init(&listen->waiter);
	listen->clock = options->clock;
	listen->open = options->events_socket;
	listen->data = options->events_data;
	listen->most = most_ears();
	listen->epoll = epoll_create1(EPOLL_CLOEXEC);
	rc = listen->epoll < 0 ? -errno : waiter_open(&listen->waiter);
	if (!rc && epoll_ctl(listen->epoll, EPOLL_CTL_ADD, listen->waiter.wake, &end))
		rc = -errno;
	if (!rc)
		rc = add_ear(listen, own, -1);
	if (!rc) {
		listen->kinds = kinds_told(listen, options->tables);
		rc = listen->kinds ? 0 : -EOPNOTSUPP;
	}
	if (rc) {
		listen_free(listen);
		return rc;
	}
	*ret_kinds = listen->kinds;
	*ret = listen;
	return 0;
}

void listen_free(struct listen *listen)
{
	if (!listen)
		return;
	waiter_end(&listen->waiter);
	for (size_t i = 0; i < listen->n_ears; i++)
		close(listen->ears[i].fd);
	if (listen->epoll >= 0)
		close(listen->epoll);
	waiter_release(&listen->waiter);
	free(listen->ears);
	free(listen->notices);
	free(listen);
}

/* What was told in a namespace that has gone is told, and it is let go of: the kernel keeps none for us. */
static void drop_unwanted(struct listen *listen)
{
	for (size_t i = listen->n_ears; i-- > 0;) {
		struct ear *ear = &listen->ears[i];

		if (ear->wanted)
			continue;
		drain(listen, ear);
		close(ear->fd);
		memmove(ear, ear + 1, (listen->n_ears - i - 1) * sizeof(*ear));
		listen->n_ears--;
	}
}

int listen_follow(struct listen *listen, const struct namespaces *all)
{
	int rc = waiter_start(&listen->waiter, run, listen);

	if (rc)
		return rc;
	pthread_mutex_lock(&listen->waiter.lock);
	for (size_t i = 0; i < listen->n_ears; i++)
		listen->ears[i].wanted = false;
	for (size_t i = 0; i < all->n && rc != -ENOMEM; i++) {
		struct ear *ear = find(listen, all->list[i].inode);

		if (ear)
			ear->wanted = true;
		else if (all->list[i].pin >= 0 && listen->n_ears < listen->most)
			rc = add_ear(listen, all->list[i].inode, all->list[i].pin);
	}
	drop_unwanted(listen);
	pthread_mutex_unlock(&listen->waiter.lock);
	return rc == -ENOMEM ? rc : 0;
}

static uint32_t count_deaf(const struct listen *listen, const struct namespaces *all, int64_t since)
{
	uint32_t deaf = 0;

	for (size_t i = 0; i < all->n; i++) {
		const struct ear *ear = find(listen, all->list[i].inode);

		deaf += !ear || ear->since > since;
	}
	return deaf;
}

bool listen_has_heard(struct listen *listen)
{
	bool heard;

	pthread_mutex_lock(&listen->waiter.lock);
	for (size_t i = 0; i < listen->n_ears; i++)
		drain(listen, &listen->ears[i]);
	heard = listen->n || listen->lost_until;
	pthread_mutex_unlock(&listen->waiter.lock);
	return heard;
}

int listen_take(struct listen *listen, const struct namespaces *all, int64_t since, struct notice **notices,
		size_t *room, size_t *n, struct skt_quality *quality)
{
	int64_t oldest;
	int rc;

	pthread_mutex_lock(&listen->waiter.lock);
	oldest = listen->n_ears ? listen->ears[0].empty : 0;
	for (size_t i = 0; i < listen->n_ears; i++)
		drain(listen, &listen->ears[i]);
	if (*n + listen->n > LISTEN_NOTICES_MAX) {
		listen->n = LISTEN_NOTICES_MAX - *n;
		lose(listen, listen->n ? listen->notices[listen->n - 1].event.when : oldest, now_of(listen));
	}
	rc = array_room(notices, room, *n + listen->n, sizeof(**notices));
	if (!rc && listen->n) {
		memcpy(*notices + *n, listen->notices, listen->n * sizeof(*listen->notices));
		*n += listen->n;
	}
	/* what a burst needed is not kept for good */
	if (!rc && listen->room > NOTICES_KEPT) {
		free(listen->notices);
		listen->notices = NULL;
		listen->room = 0;
	}
	if (!rc) {
		listen->n = 0;
		quality->events_tables = listen->kinds;
		quality->events_deaf = count_deaf(listen, all, since);
		quality->events_lost_since = listen->lost_since;
		quality->events_lost_until = listen->lost_until;
		listen->lost_since = 0;
		listen->lost_until = 0;
	}
	pthread_mutex_unlock(&listen->waiter.lock);
	return rc;
}
