/* SPDX-License-Identifier: MIT */
#include "proc/lived.h"

#include "base/array.h"
#include "base/map.h"
#include "model/copy.h"
#include "model/step.h"
#include "proc/connector.h"
#include "proc/identity.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A message has 76 bytes; what is longer is of another kind. */
#define MESSAGE_SIZE 128
#define AT_ONCE	     32

/* Once nobody is read any more, nothing is in a hurry: others are waited for, as many as the buffer holds. */
#define GATHER_NS 4000000

/* What is told in one call of lived_take() at most: as many as a second of 40,000 forks leaves. */
#define TAKEN_MAX ((size_t)1 << 17)

/* To read one takes so long on a busy host (Linux 6.18: 0.1 to 0.2 ms), and a few are read whatever the interval. */
#define READ_NS	   INT64_C(200000)
#define READ_LEAST 16

struct birth {
	int64_t began; /* CLOCK_MONOTONIC, ns */
	int64_t ended; /* 0: not yet */
	uint32_t parent;
	bool used, read;
	struct skt_process process; /* strings of `own` */
};

struct lived {
	struct skt_capture_options options;
	int fd;
	int wake;
	pthread_t thread;
	bool threaded;

	pthread_mutex_t lock; /* of all that follows but `done` */
	bool ending;
	bool begun; /* a snapshot was taken: from then on all is heard */
	bool lost;
	uint32_t more;
	uint32_t n_ended, n_read;
	uint32_t
		most_read; /* of a step: what fits into the share of the interval that may be taken for what can wait */
	struct birth births[LIVED_BIRTHS];
	uint32_t free[LIVED_BIRTHS];
	size_t n_free;
	struct map by_pid;	 /* those that live */
	struct skt_snapshot own; /* nothing but strings */
	struct look look;	 /* of no snapshot */
	struct problems problems;
	struct skt_buf text;
	unsigned char bytes[AT_ONCE][MESSAGE_SIZE];

	/* taken over, not told yet */
	struct skt_process *done; /* by pid */
	size_t n_done, room_done;
	struct skt_strtab *done_strings;
};

static uint64_t pid_hash(uint32_t pid)
{
	return hash_mix(0, pid);
}

/* ---- what is heard ---- */

static struct birth *find(struct lived *lived, uint32_t pid, uint32_t *ret_before)
{
	uint32_t i = map_first(&lived->by_pid, pid_hash(pid));

	*ret_before = MAP_NONE;
	for (; i != MAP_NONE; *ret_before = i, i = map_next(&lived->by_pid, i))
		if (lived->births[i].process.pid == pid)
			return &lived->births[i];
	return NULL;
}

static void let_go(struct lived *lived, struct birth *birth)
{
	birth->used = false;
	lived->free[lived->n_free++] = (uint32_t)(birth - lived->births);
}

static void forget_living(struct lived *lived, struct birth *birth, uint32_t before)
{
	map_take(&lived->by_pid, pid_hash(birth->process.pid), before, (uint32_t)(birth - lived->births));
}

static bool may_read(const struct lived *lived)
{
	return lived->n_read < lived->most_read && lived->n_ended < SKT_LIVED_MAX &&
	       skt_strtab_bytes(lived->own.strings) < LIVED_TEXT;
}

/* What is in its directory now. Whatever could not be had, for it has gone meanwhile, say, is not known. */
static void read_it(struct lived *lived, struct birth *birth)
{
	struct skt_process read;
	char name[16];
	uint64_t mark;
	int dir;

	if (!may_read(lived))
		return;
	snprintf(name, sizeof(name), "%u", birth->process.pid);
	dir = tree_open(lived->look.tree, lived->look.tree->fd, name, TREE_DIRECTORY | TREE_HANDLE);
	if (dir < 0)
		return;
	lived->n_read++;
	lived->problems.n = 0;
	(void)identity_read(&lived->look, dir, -1, birth->process.pid, &read, &mark);
	close(dir);
	if (!(read.has & SKT_BIT(SKT_P_START_TIME)))
		return;
	/* its last program is still its own when it is a zombie, and cannot be read */
	if (birth->read && !(read.has & SKT_BIT(SKT_P_EXE)))
		return;
	birth->process = read;
	birth->read = true;
}

static void hear_fork(struct lived *lived, const struct connector_event *event)
{
	uint32_t before;
	struct birth *birth = find(lived, event->pid, &before);

	/* its end was lost */
	if (birth) {
		forget_living(lived, birth, before);
		let_go(lived, birth);
	}
	if (!lived->n_free) {
		lived->lost = true;
		return;
	}
	birth = &lived->births[lived->free[--lived->n_free]];
	*birth = (struct birth){
		.began = event->when, .parent = event->parent, .used = true, .process = { .pid = event->pid }
	};
	map_add(&lived->by_pid, pid_hash(event->pid), (uint32_t)(birth - lived->births));
}

static void hear_exit(struct lived *lived, const struct connector_event *event)
{
	uint32_t before;
	struct birth *birth = find(lived, event->pid, &before);

	if (!birth)
		return;
	forget_living(lived, birth, before);
	if (lived->n_ended >= SKT_LIVED_MAX) {
		lived->more += lived->more < UINT32_MAX;
		let_go(lived, birth);
		return;
	}
	if (!birth->read)
		read_it(lived, birth);
	birth->ended = event->when > 0 ? event->when : 1;
	lived->n_ended++;
}

void lived_hear(struct lived *lived, const struct connector_event *event)
{
	struct birth *birth;
	uint32_t before;

	if (event->pid > SKT_PID_MAX)
		return;
	if (event->what == CONNECTOR_FORK)
		hear_fork(lived, event);
	else if (event->what == CONNECTOR_EXIT)
		hear_exit(lived, event);
	else if (event->what == CONNECTOR_EXEC && (birth = find(lived, event->pid, &before)) != NULL)
		read_it(lived, birth);
}

/* One helping: how many there were, 0 where nothing was left. Only the kernel is believed: its messages have no sender. */
static size_t drain(struct lived *lived)
{
	struct sockaddr_nl from[AT_ONCE];
	struct mmsghdr messages[AT_ONCE];
	struct iovec parts[AT_ONCE];
	struct connector_event event;
	int n;

	for (int i = 0; i < AT_ONCE; i++) {
		parts[i] = (struct iovec){ lived->bytes[i], MESSAGE_SIZE };
		messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &from[i],
							     .msg_namelen = sizeof(from[i]),
							     .msg_iov = &parts[i],
							     .msg_iovlen = 1 } };
	}
	n = recvmmsg(lived->fd, messages, AT_ONCE, MSG_DONTWAIT, NULL);
	if (n < 0 && errno == ENOBUFS)
		lived->lost = true;
	if (n < 0)
		return errno == ENOBUFS || errno == EINTR;
	for (int i = 0; i < n; i++)
		if (messages[i].msg_hdr.msg_namelen == sizeof(from[i]) && !from[i].nl_pid &&
		    connector_parse(lived->bytes[i], messages[i].msg_len, &event) > 0)
			lived_hear(lived, &event);
	return (size_t)n;
}

static void *run(void *data)
{
	const struct timespec gather = { .tv_nsec = GATHER_NS };
	struct lived *lived = data;
	struct pollfd ready[] = { { .fd = lived->fd, .events = POLLIN }, { .fd = lived->wake, .events = POLLIN } };

	for (;;) {
		bool ending, hurry;

		while (poll(ready, 2, -1) < 0)
			continue;
		pthread_mutex_lock(&lived->lock);
		ending = lived->ending;
		if (!ending)
			drain(lived);
		hurry = may_read(lived);
		pthread_mutex_unlock(&lived->lock);
		if (ending)
			return NULL;
		if (!hurry)
			nanosleep(&gather, NULL);
	}
}

/* ---- beginning and end ---- */

struct lived *lived_new_deaf(const struct skt_capture_options *options, const struct tree *tree)
{
	struct lived *lived = calloc(1, sizeof(*lived));
	int64_t most;

	if (!lived)
		return NULL;
	lived->fd = -1;
	lived->wake = -1;
	pthread_mutex_init(&lived->lock, NULL);
	lived->options = *options;
	skt_buf_init(&lived->text);
	map_init(&lived->by_pid);
	lived->look = (struct look){ .tree = tree,
				     .options = &lived->options,
				     .snapshot = &lived->own,
				     .problems = &lived->problems,
				     .text = &lived->text };
	most = look_budget(&lived->look) / READ_NS;
	lived->most_read = most < READ_LEAST ? READ_LEAST : most > SKT_LIVED_MAX ? SKT_LIVED_MAX : (uint32_t)most;
	for (uint32_t i = 0; i < LIVED_BIRTHS; i++)
		lived->free[lived->n_free++] = LIVED_BIRTHS - 1 - i;
	if (skt_snapshot_init(&lived->own, NULL, 0) || map_reset(&lived->by_pid, LIVED_BIRTHS)) {
		lived_free(lived);
		return NULL;
	}
	return lived;
}

int lived_new(const struct skt_capture_options *options, const struct tree *tree, struct lived **ret)
{
	struct lived *lived = lived_new_deaf(options, tree);
	int rc = 0;

	if (!lived)
		return -ENOMEM;
	lived->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (lived->wake < 0)
		rc = -errno;
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
	const uint64_t one = 1;

	if (!lived)
		return;
	if (lived->threaded) {
		pthread_mutex_lock(&lived->lock);
		lived->ending = true;
		pthread_mutex_unlock(&lived->lock);
		while (write(lived->wake, &one, sizeof(one)) < 0 && errno == EINTR)
			continue;
		pthread_join(lived->thread, NULL);
	}
	if (lived->fd >= 0)
		close(lived->fd);
	if (lived->wake >= 0)
		close(lived->wake);
	pthread_mutex_destroy(&lived->lock);
	if (lived->own.strings)
		skt_snapshot_release(&lived->own);
	if (lived->done_strings)
		skt_strtab_unref(lived->done_strings);
	map_release(&lived->by_pid);
	skt_buf_release(&lived->text);
	free(lived->done);
	free(lived);
}

/* Signals are for the caller's threads, who know what to do with them. */
int lived_start(struct lived *lived)
{
	sigset_t all, before;
	int rc;

	if (lived->threaded)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&lived->thread, NULL, run, lived);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	lived->threaded = !rc;
	return -rc;
}

/* ---- at a snapshot ---- */

static int compare_pids(const void *left, const void *right)
{
	const struct skt_process *a = left, *b = right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return (a->start_time > b->start_time) - (a->start_time < b->start_time);
}

/* As the recording has it: asleep is by how much the clock of start times is ahead of that of messages. */
static struct skt_process finished(const struct birth *birth, int64_t asleep)
{
	struct skt_process process = birth->process;
	uint64_t began = (uint64_t)(birth->began + asleep) / SKT_TICK_NS;

	/* its number may have come to mean another one when it was read */
	if (birth->read && process.start_time > began + 1)
		process = (struct skt_process){ .pid = process.pid };
	if (!(process.has & SKT_BIT(SKT_P_START_TIME)))
		process.start_time = began;
	process.ppid = birth->parent;
	process.has |= SKT_BIT(SKT_P_PPID) | SKT_BIT(SKT_P_START_TIME) | SKT_BIT(SKT_P_EXITED);
	process.exited = true;
	return process;
}

/* Those that began after the snapshot stay for the next one, with strings of their own. 0 or -ENOMEM. */
static int keep_young(struct lived *lived, int64_t when)
{
	struct skt_strtab *strings = skt_strtab_new(0);
	struct translation translation;
	int rc = strings ? 0 : -ENOMEM;

	if (!rc)
		rc = translation_init(&translation, lived->own.strings, strings);
	if (rc) {
		if (strings)
			skt_strtab_unref(strings);
		return rc;
	}
	lived->n_ended = 0;
	lived->n_free = 0;
	(void)map_reset(&lived->by_pid, LIVED_BIRTHS);
	for (uint32_t i = 0; i < LIVED_BIRTHS; i++) {
		struct birth *birth = &lived->births[i];

		if (!birth->used || birth->began <= when || (birth->ended && birth->ended <= when)) {
			birth->used = false;
			lived->free[lived->n_free++] = i;
			continue;
		}
		if (!rc)
			rc = translate_process(&translation, &birth->process);
		if (birth->ended)
			lived->n_ended++;
		else
			map_add(&lived->by_pid, pid_hash(birth->process.pid), i);
	}
	translation_release(&translation);
	lived->done_strings = lived->own.strings;
	lived->own.strings = strings;
	return rc;
}

static int take(struct lived *lived, struct skt_snapshot *snapshot, int64_t asleep)
{
	int64_t when = snapshot->boottime - asleep;
	int rc = array_room(&lived->done, &lived->room_done, SKT_LIVED_MAX, sizeof(*lived->done));

	if (rc)
		return rc;
	/* what was not told is none of the next snapshot's */
	if (lived->done_strings)
		skt_strtab_unref(lived->done_strings);
	lived->done_strings = NULL;
	lived->n_done = 0;
	for (size_t i = 0; i < LIVED_BIRTHS && lived->begun; i++) {
		const struct birth *birth = &lived->births[i];

		if (birth->used && birth->ended && birth->ended <= when && lived->n_done < SKT_LIVED_MAX)
			lived->done[lived->n_done++] = finished(birth, asleep);
	}
	if (lived->n_done)
		qsort(lived->done, lived->n_done, sizeof(*lived->done), compare_pids);
	snapshot->quality.lived_told = lived->begun;
	snapshot->quality.lived_lost = lived->begun && lived->lost;
	snapshot->quality.lived_more = lived->begun ? lived->more : 0;
	lived->begun = true;
	lived->lost = false;
	lived->more = 0;
	lived->n_read = 0;
	return keep_young(lived, when);
}

int lived_take(struct lived *lived, struct skt_snapshot *snapshot)
{
	const struct skt_clock *clock = &lived->options.clock;
	int64_t realtime, boottime, monotonic = lived->options.processes_clock(lived->options.events_data);
	int rc;

	clock->read(clock->data, &realtime, &boottime);
	pthread_mutex_lock(&lived->lock);
	if (lived->fd >= 0)
		for (size_t taken = 0, n = 1; n && taken < TAKEN_MAX; taken += n)
			n = drain(lived);
	rc = take(lived, snapshot, boottime - monotonic);
	pthread_mutex_unlock(&lived->lock);
	return rc;
}

/* One that a look has seen is among the snapshot's processes. Start times of the two sources may differ by a tick or so. */
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
