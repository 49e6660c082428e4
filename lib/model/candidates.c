/* SPDX-License-Identifier: MIT */
#include "model/candidates.h"

#include "base/array.h"
#include "model/holding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A TCP socket that waits for others, or did until this step. */
struct skt_listening {
	uint32_t table;
	uint16_t port;
	const struct skt_sock *sock;
};

const char *skt_because_name(unsigned because)
{
	static const char *const names[] = { NULL, "listener", "lived" };

	return because < sizeof(names) / sizeof(*names) ? names[because] : NULL;
}

void candidates_clear(struct skt_changes *changes)
{
	for (size_t i = 0; i < changes->n_runs; i++)
		free(changes->runs[i]);
	changes->n_runs = 0;
	changes->n_listening = 0;
	changes->n_lived = 0;
	changes->sought = false;
}

void candidates_release(struct skt_changes *changes)
{
	candidates_clear(changes);
	free(changes->runs);
	free(changes->listening);
	free(changes->lived);
}

/* ---- who there is ---- */

static int add_listening(struct skt_changes *changes, const struct skt_sock *sock)
{
	unsigned kind;

	if (sock->table == SKT_NO_TABLE)
		return 0;
	kind = changes->snapshot->tables[sock->table].kind;
	/* others are spoken to, and accept nothing */
	if (!skt_table_kind_is_tcp(kind) || !skt_sock_is_listening(sock, kind))
		return 0;
	if (array_room(&changes->listening, &changes->room_listening, changes->n_listening + 1,
		       sizeof(*changes->listening)))
		return -ENOMEM;
	changes->listening[changes->n_listening++] =
		(struct skt_listening){ .table = sock->table, .port = sock->local_port, .sock = sock };
	return 0;
}

static int compare_places(const struct skt_listening *a, uint32_t table, uint16_t port)
{
	int order = compare_numbers(a->table, table);

	return order ? order : compare_numbers(a->port, port);
}

static int compare_listening(const void *x, const void *y)
{
	const struct skt_listening *a = x, *b = y;
	int order = compare_places(a, b->table, b->port);

	return order ? order : memcmp(a->sock->local_address, b->sock->local_address, 16);
}

static int compare_starts(const void *x, const void *y, void *data)
{
	const struct skt_snapshot *snapshot = data;
	const struct skt_process *a = &snapshot->processes[*(const uint32_t *)x];
	const struct skt_process *b = &snapshot->processes[*(const uint32_t *)y];
	int order = compare_numbers(a->start_time, b->start_time);

	return order ? order : compare_numbers(a->pid, b->pid);
}

static int seek_listening(struct skt_changes *changes)
{
	const struct skt_step *step = changes->step;
	int rc = 0;

	for (size_t i = 0; i < changes->snapshot->n_socks && !rc; i++)
		rc = add_listening(changes, &changes->snapshot->socks[i]);
	for (size_t i = 0; i < step->n_socks && !rc; i++)
		if (step->socks[i].change == SKT_CLOSED)
			rc = add_listening(changes, &step->socks[i].before);
	if (!rc && changes->n_listening > 1)
		qsort(changes->listening, changes->n_listening, sizeof(*changes->listening), compare_listening);
	return rc;
}

/* Those that came with this step, and are gone. */
static int seek_lived(struct skt_changes *changes)
{
	const struct skt_step *step = changes->step;

	for (size_t i = 0; i < step->n_processes; i++) {
		const struct skt_process_change *change = &step->processes[i];

		if (change->change != SKT_PROCESS_APPEARED || !changes->snapshot->processes[change->slot].exited)
			continue;
		if (array_room(&changes->lived, &changes->room_lived, changes->n_lived + 1, sizeof(*changes->lived)))
			return -ENOMEM;
		changes->lived[changes->n_lived++] = change->slot;
	}
	if (changes->n_lived > 1)
		qsort_r(changes->lived, changes->n_lived, sizeof(*changes->lived), compare_starts,
			(void *)(uintptr_t)changes->snapshot);
	return 0;
}

/* ---- who may have been it ---- */

/* Listeners at the event's own end: at its very address, or else at any. */
static void find_listening(const struct skt_changes *changes, const struct skt_event *event, size_t *ret_from,
			   size_t *ret_to)
{
	static const uint8_t any[16];
	size_t from = 0, to = changes->n_listening, anys;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (compare_places(&changes->listening[middle], event->table, event->local_port) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	/* zeros are the smallest address */
	for (to = from;
	     to < changes->n_listening && !compare_places(&changes->listening[to], event->table, event->local_port) &&
	     !memcmp(changes->listening[to].sock->local_address, any, 16);
	     to++)
		;
	*ret_from = from;
	*ret_to = anys = to;
	for (from = anys;
	     from < changes->n_listening && !compare_places(&changes->listening[from], event->table, event->local_port);
	     from++) {
		int order = memcmp(changes->listening[from].sock->local_address, event->local_address, 16);

		if (order > 0)
			break;
		if (order < 0)
			continue;
		if (*ret_to == anys)
			*ret_from = from;
		*ret_to = from + 1;
	}
}

/* Processes that had begun by then; a start is told in ticks. */
static size_t count_lived(const struct skt_changes *changes, int64_t when)
{
	const struct skt_snapshot *snapshot = changes->snapshot;
	int64_t ago, boottime;
	size_t n = 0;

	if (__builtin_sub_overflow(snapshot->time, when, &ago) ||
	    __builtin_sub_overflow(snapshot->boottime, ago, &boottime) || boottime < 0)
		return 0;
	while (n < changes->n_lived &&
	       snapshot->processes[changes->lived[n]].start_time <= (uint64_t)boottime / SKT_TICK_NS + 1)
		n++;
	return n;
}

static void add(struct skt_candidates *run, struct skt_candidate *list, uint32_t process, enum skt_because because)
{
	for (uint32_t i = 0; i < run->n; i++)
		if (list[i].process == process)
			return;
	if (run->n == SKT_CANDIDATES_MAX)
		run->more++;
	else
		list[run->n++] = (struct skt_candidate){ .process = process, .because = (uint8_t)because };
}

static void add_holders(const struct skt_changes *changes, const struct skt_sock *sock, struct skt_candidates *run,
			struct skt_candidate *list)
{
	struct holding holding = holding_of(sock);

	for (uint32_t i = 0; i < holding.n; i++)
		add(run, list, changes->snapshot->owners[holding.first + i].process, SKT_BECAUSE_LISTENER);
}

static const struct skt_candidates *new_run(struct skt_changes *changes, size_t from, size_t to, size_t lived)
{
	struct skt_candidates *run = NULL, *smaller;
	struct skt_candidate *list;

	if (array_room(&changes->runs, &changes->room_runs, changes->n_runs + 1, sizeof(*changes->runs)) ||
	    !(run = calloc(1, sizeof(*run) + SKT_CANDIDATES_MAX * sizeof(*list)))) {
		changes->failed = true;
		return NULL;
	}
	list = (struct skt_candidate *)(run + 1);
	for (size_t i = from; i < to; i++)
		add_holders(changes, changes->listening[i].sock, run, list);
	if (run->n + lived > SKT_CANDIDATES_MAX)
		run->more += (uint32_t)lived;
	else
		for (size_t i = 0; i < lived; i++)
			add(run, list, changes->lived[i], SKT_BECAUSE_LIVED);
	smaller = realloc(run, sizeof(*run) + run->n * sizeof(*list));
	run = smaller ? smaller : run;
	run->list = (struct skt_candidate *)(run + 1);
	changes->runs[changes->n_runs++] = run;
	changes->last_from = from;
	changes->last_to = to;
	changes->last_lived = lived;
	return run;
}

const struct skt_candidates *skt_changes_candidates(struct skt_changes *changes, size_t i)
{
	const struct skt_event *event = &changes->step->events[i];
	const struct skt_candidates *run;
	size_t from, to, lived;

	if (changes->told[i].kind != SKT_TOLD_UNSEEN && changes->told[i].kind != SKT_TOLD_BEHIND)
		return NULL;
	if (!changes->sought && (seek_listening(changes) || seek_lived(changes))) {
		changes->failed = true;
		return NULL;
	}
	changes->sought = true;
	find_listening(changes, event, &from, &to);
	lived = count_lived(changes, event->when);
	/* those of one burst are mostly the same */
	if (changes->n_runs && from == changes->last_from && to == changes->last_to && lived == changes->last_lived)
		run = changes->runs[changes->n_runs - 1];
	else
		run = new_run(changes, from, to, lived);
	return run && (run->n || run->more) ? run : NULL;
}
