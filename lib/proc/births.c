/* SPDX-License-Identifier: MIT */
#include "proc/births.h"

#include "model/copy.h"
#include "proc/connector.h"
#include "proc/identity.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* To read one takes so long on a busy host (Linux 6.18: 0.1 to 0.2 ms), and a few are read whatever the interval. */
#define READ_NS	   INT64_C(200000)
#define READ_LEAST 16

int births_init(struct births *births, const struct skt_capture_options *options, const struct tree *tree)
{
	int64_t most;

	skt_buf_init(&births->text);
	map_init(&births->by_pid);
	births->look = (struct look){ .tree = tree,
				      .options = options,
				      .snapshot = &births->own,
				      .problems = &births->problems,
				      .text = &births->text };
	most = look_budget(&births->look) / READ_NS;
	births->most_read = most < READ_LEAST ? READ_LEAST : most > SKT_LIVED_MAX ? SKT_LIVED_MAX : (uint32_t)most;
	for (uint32_t i = 0; i < LIVED_BIRTHS; i++)
		births->free[births->n_free++] = LIVED_BIRTHS - 1 - i;
	return skt_snapshot_init(&births->own, NULL, 0) || map_reset(&births->by_pid, LIVED_BIRTHS) ? -ENOMEM : 0;
}

void births_release(struct births *births)
{
	if (births->own.strings)
		skt_snapshot_release(&births->own);
	map_release(&births->by_pid);
	skt_buf_release(&births->text);
}

/* ---- what is heard ---- */

static uint64_t pid_hash(uint32_t pid)
{
	return hash_mix(0, pid);
}

static struct birth *find(struct births *births, uint32_t pid, uint32_t *ret_before)
{
	uint32_t i = map_first(&births->by_pid, pid_hash(pid));

	*ret_before = MAP_NONE;
	for (; i != MAP_NONE; *ret_before = i, i = map_next(&births->by_pid, i))
		if (births->list[i].process.pid == pid)
			return &births->list[i];
	return NULL;
}

static void let_go(struct births *births, struct birth *birth)
{
	birth->used = false;
	births->free[births->n_free++] = (uint32_t)(birth - births->list);
}

static void forget_living(struct births *births, struct birth *birth, uint32_t before)
{
	map_take(&births->by_pid, pid_hash(birth->process.pid), before, (uint32_t)(birth - births->list));
}

bool births_may_read(const struct births *births)
{
	return births->n_read < births->most_read && births->n_ended < SKT_LIVED_MAX &&
	       skt_strtab_bytes(births->own.strings) < LIVED_TEXT;
}

/* What is in its directory now. Whatever could not be had, for it has gone meanwhile, say, is not known. */
static void read_it(struct births *births, struct birth *birth)
{
	struct skt_process read;
	char name[16];
	uint64_t mark;
	int dir;

	if (!births_may_read(births))
		return;
	snprintf(name, sizeof(name), "%u", birth->process.pid);
	dir = tree_open(births->look.tree, births->look.tree->fd, name, TREE_DIRECTORY | TREE_HANDLE);
	if (dir < 0)
		return;
	births->n_read++;
	births->problems.n = 0;
	(void)identity_read(&births->look, dir, -1, birth->process.pid, &read, &mark);
	close(dir);
	if (!(read.has & SKT_BIT(SKT_P_START_TIME)))
		return;
	/* its last program is still its own when it is a zombie, and cannot be read */
	if (birth->read && !(read.has & SKT_BIT(SKT_P_EXE)))
		return;
	birth->process = read;
	birth->read = true;
}

static void hear_fork(struct births *births, const struct connector_event *event)
{
	uint32_t before;
	struct birth *birth = find(births, event->pid, &before);

	/* its end was lost */
	if (birth) {
		forget_living(births, birth, before);
		let_go(births, birth);
	}
	if (!births->n_free) {
		births->lost = true;
		return;
	}
	birth = &births->list[births->free[--births->n_free]];
	*birth = (struct birth){
		.began = event->when, .parent = event->parent, .used = true, .process = { .pid = event->pid }
	};
	map_add(&births->by_pid, pid_hash(event->pid), (uint32_t)(birth - births->list));
}

static void hear_exit(struct births *births, const struct connector_event *event)
{
	uint32_t before;
	struct birth *birth = find(births, event->pid, &before);

	if (!birth)
		return;
	forget_living(births, birth, before);
	if (births->n_ended >= SKT_LIVED_MAX) {
		births->more += births->more < UINT32_MAX;
		let_go(births, birth);
		return;
	}
	if (!birth->read)
		read_it(births, birth);
	birth->ended = event->when > 0 ? event->when : 1;
	births->n_ended++;
}

void births_hear(struct births *births, const struct connector_event *event)
{
	struct birth *birth;
	uint32_t before;

	if (event->pid > SKT_PID_MAX)
		return;
	if (event->what == CONNECTOR_FORK)
		hear_fork(births, event);
	else if (event->what == CONNECTOR_EXIT)
		hear_exit(births, event);
	else if (event->what == CONNECTOR_EXEC && (birth = find(births, event->pid, &before)) != NULL)
		read_it(births, birth);
}

/* ---- at a snapshot ---- */

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

size_t births_ended(const struct births *births, int64_t when, int64_t asleep, struct skt_process *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < LIVED_BIRTHS && n < SKT_LIVED_MAX; i++) {
		const struct birth *birth = &births->list[i];

		if (birth->used && birth->ended && birth->ended <= when)
			ret[n++] = finished(birth, asleep);
	}
	return n;
}

int births_keep_young(struct births *births, int64_t when, struct skt_strtab **ret)
{
	struct skt_strtab *strings = skt_strtab_new(0);
	struct translation translation;
	int rc = strings ? 0 : -ENOMEM;

	if (!rc)
		rc = translation_init(&translation, births->own.strings, strings);
	if (rc) {
		if (strings)
			skt_strtab_unref(strings);
		return rc;
	}
	births->more = 0;
	births->n_read = 0;
	births->n_ended = 0;
	births->n_free = 0;
	(void)map_reset(&births->by_pid, LIVED_BIRTHS);
	for (uint32_t i = 0; i < LIVED_BIRTHS; i++) {
		struct birth *birth = &births->list[i];

		if (!birth->used || birth->began <= when || (birth->ended && birth->ended <= when)) {
			birth->used = false;
			births->free[births->n_free++] = i;
			continue;
		}
		if (!rc)
			rc = translate_process(&translation, &birth->process);
		/* its texts are in the table that goes: nothing was read of it */
		if (rc) {
			birth->read = false;
			birth->process = (struct skt_process){ .pid = birth->process.pid };
		}
		if (birth->ended)
			births->n_ended++;
		else
			map_add(&births->by_pid, pid_hash(birth->process.pid), i);
	}
	/* what had ended until now is gone, and the caller cannot tell it */
	births->lost = rc != 0;
	translation_release(&translation);
	*ret = births->own.strings;
	births->own.strings = strings;
	return rc;
}
