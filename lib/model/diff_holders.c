/* SPDX-License-Identifier: MIT */
#include "model/diff_holders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mix_string(uint64_t hash, const struct skt_snapshot *snapshot, uint32_t id, uint64_t what)
{
	size_t len;
	const char *bytes = skt_strtab_get(snapshot->strings, id, &len);

	return hash_mix(hash_bytes(hash, bytes, len), what);
}

uint64_t diff_program(const struct skt_snapshot *snapshot, const struct skt_process *process, uint64_t seed)
{
	const uint32_t better = SKT_BIT(SKT_P_EXE) | SKT_BIT(SKT_P_CMDLINE);
	uint64_t hash = seed;

	if (process->has & SKT_BIT(SKT_P_EXE))
		hash = mix_string(hash, snapshot, process->exe, SKT_P_EXE);
	if (process->has & SKT_BIT(SKT_P_CMDLINE))
		hash = mix_string(hash, snapshot, process->cmdline, SKT_P_CMDLINE);
	if (!(process->has & better)) {
		if (!(process->has & SKT_BIT(SKT_P_COMM)))
			return 0;
		hash = mix_string(hash, snapshot, process->comm, SKT_P_COMM);
	}
	return hash ? hash : 1;
}

/* Who holds a row; where that is not known just now, who held it when it last was. */
struct run {
	const struct skt_snapshot *snapshot;
	const struct skt_owner *at;
	const struct skt_owner *end;
};

static struct run holders(const struct skt_snapshot *snapshot, const struct skt_sock *sock)
{
	bool last = !sock->n_owners && sock->owner == SKT_OWNER_UNKNOWN;
	uint32_t n = last ? sock->n_last : sock->n_owners;
	const struct skt_owner *first = n ? snapshot->owners + (last ? sock->first_last : sock->first_owner) : NULL;

	return (struct run){ snapshot, first, first + n };
}

static int by_number(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

int diff_programs(const struct skt_snapshot *snapshot, const struct skt_sock *sock, const uint64_t *program,
		  uint64_t seed, uint64_t *ret)
{
	struct run run = holders(snapshot, sock);
	uint64_t few[16], *list = few, hash = seed;
	size_t n = (size_t)(run.end - run.at);

	*ret = 0;
	if (n > sizeof(few) / sizeof(*few))
		list = malloc(n * sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		list[i] = program[run.at[i].process];
	if (n > 1)
		qsort(list, n, sizeof(*list), by_number);
	for (size_t i = 0; i < n; i++)
		if (!i || list[i] != list[i - 1])
			hash = hash_mix(hash, list[i]);
	if (n && list[0])
		*ret = hash ? hash : 1;
	if (list != few)
		free(list);
	return 0;
}

static const struct skt_process *process_at(const struct run *run)
{
	return &run->snapshot->processes[run->at->process];
}

/* Owners are listed by pid. */
static int compare_processes(const struct run *a, const struct run *b)
{
	const struct skt_process *x, *y;

	if (a->at == a->end || b->at == b->end)
		return a->at == a->end ? b->at != b->end : -1;
	x = process_at(a);
	y = process_at(b);
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->start_time > y->start_time) - (x->start_time < y->start_time);
}

static bool runs_another(const struct run *before, const struct run *after)
{
	const struct skt_process *was = process_at(before), *is = process_at(after);
	size_t was_len, is_len;
	const char *was_exe, *is_exe;

	if (!(was->has & is->has & SKT_BIT(SKT_P_EXE)))
		return false;
	was_exe = skt_strtab_get(before->snapshot->strings, was->exe, &was_len);
	is_exe = skt_strtab_get(after->snapshot->strings, is->exe, &is_len);
	return was_len != is_len || memcmp(was_exe, is_exe, is_len) != 0;
}

/* Go past one process; its descriptors, as one number. */
static uint64_t pass_process(struct run *run)
{
	uint32_t process = run->at->process;
	uint64_t descriptors = 0;

	for (; run->at < run->end && run->at->process == process; run->at++)
		descriptors = hash_mix(descriptors, (uint64_t)run->at->fd);
	return descriptors;
}

/* Two lists, walked side by side. What was not searched for may have been there. */
static enum skt_hands compare_holders(struct run before, struct run after, bool may_have_come, bool may_have_gone,
				      bool *ret_executed)
{
	bool came = false, went = false, moved = false;

	while (before.at < before.end || after.at < after.end) {
		int order = compare_processes(&before, &after);

		if (!order) {
			*ret_executed |= runs_another(&before, &after);
			moved |= pass_process(&before) != pass_process(&after);
		} else if (order < 0) {
			went = may_have_gone;
			pass_process(&before);
		} else {
			came = may_have_come;
			pass_process(&after);
		}
	}
	if (came)
		return went ? SKT_HANDS_PASSED : SKT_HANDS_SHARED;
	if (went)
		return SKT_HANDS_RELEASED;
	return moved ? SKT_HANDS_MOVED : SKT_HANDS_SAME;
}

enum skt_hands diff_hands(const struct skt_snapshot *before, const struct skt_sock *was,
			  const struct skt_snapshot *after, const struct skt_sock *is, unsigned gaps,
			  bool *ret_executed)
{
	struct run had = holders(before, was), have = holders(after, is);

	*ret_executed = false;
	if (is->owner == SKT_OWNER_CARRIED || (was->inode && !is->inode))
		return was->owner == SKT_OWNER_CARRIED ? SKT_HANDS_SAME : SKT_HANDS_ORPHANED;
	if (had.at == had.end && have.at == have.end)
		return SKT_HANDS_SAME;
	if (had.at == had.end)
		return was->owner == SKT_OWNER_QUEUED ? SKT_HANDS_ACCEPTED : SKT_HANDS_FOUND;
	if (have.at == have.end && is->owner == SKT_OWNER_UNKNOWN)
		return SKT_HANDS_SAME;
	return compare_holders(had, have, !(was->owner_gaps & gaps), !(is->owner_gaps & gaps), ret_executed);
}
