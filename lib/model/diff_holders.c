/* SPDX-License-Identifier: MIT */
#include "model/diff_holders.h"

#include "model/holding.h"

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

/* Who holds a row, or last did. */
struct run {
	const struct skt_snapshot *snapshot;
	const struct skt_owner *at;
	const struct skt_owner *end;
};

static struct run holders(const struct skt_snapshot *snapshot, const struct skt_sock *sock)
{
	struct holding holding = holding_of(sock);
	/* of none there may be no array either */
	const struct skt_owner *first = holding.n ? &snapshot->owners[holding.first] : NULL;

	return (struct run){ snapshot, first, first ? first + holding.n : NULL };
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

static const char *text_of(const struct run *run, uint32_t id, size_t *ret_len)
{
	return skt_strtab_get(run->snapshot->strings, id, ret_len);
}

static bool same_text(const struct run *x, uint32_t a, const struct run *y, uint32_t b)
{
	size_t a_len, b_len;
	const char *a_text = text_of(x, a, &a_len), *b_text = text_of(y, b, &b_len);

	return a_len == b_len && !memcmp(a_text, b_text, a_len);
}

/*
 * What setproctitle(3) leaves: one argument with blanks in it, which daemons write anew with each thing that they do.
 */
static bool is_title(const struct run *run, uint32_t cmdline)
{
	size_t len;
	const char *text = text_of(run, cmdline, &len);

	while (len && !text[len - 1])
		len--;
	return !memchr(text, '\0', len) && memchr(text, ' ', len);
}

/*
 * By which of its fields a process is seen to run another program now, 0: it is not. Any process may write its
 * arguments and its name anew: those that look like a title tell nothing, and the name only where nothing better is
 * known.
 */
static uint32_t other_program(const struct run *before, const struct run *after)
{
	const struct skt_process *was = process_at(before), *is = process_at(after);
	uint32_t both = was->has & is->has, fields = 0;

	if (both & SKT_BIT(SKT_P_EXE) && !same_text(before, was->exe, after, is->exe))
		fields |= SKT_BIT(SKT_P_EXE);
	if (both & SKT_BIT(SKT_P_CMDLINE) && !same_text(before, was->cmdline, after, is->cmdline) &&
	    (fields || !(is_title(before, was->cmdline) || is_title(after, is->cmdline))))
		fields |= SKT_BIT(SKT_P_CMDLINE);
	if (both & SKT_BIT(SKT_P_COMM) && !same_text(before, was->comm, after, is->comm) &&
	    (fields || !(both & SKT_BIT(SKT_P_EXE))))
		fields |= SKT_BIT(SKT_P_COMM);
	return fields;
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

/* Those that are in one list only. */
struct lone {
	unsigned n;
	uint64_t programs; /* the sum of their hashes: the same for the same ones, in any order */
	bool unknown;	   /* some program is not known */
	bool old;	   /* some process had begun when the earlier snapshot was taken, or may have */
};

static void take_lone(const struct diff_pairs *pairs, const struct diff_side *side, struct run *run, struct lone *lone)
{
	const struct diff_side *earlier =
		pairs->before.snapshot->time <= pairs->after.snapshot->time ? &pairs->before : &pairs->after;
	const struct skt_process *process = process_at(run);
	uint64_t program = side->program[run->at->process];
	struct skt_row row = { .boot_time = pairs->options->boot_time, .process = process };
	int64_t began;

	lone->n++;
	lone->programs += hash_mix(pairs->options->seed, program);
	lone->unknown |= !program;
	lone->old |= !skt_row_start_time(&row, &began) || began <= earlier->snapshot->time;
	pass_process(run);
}

/* Two lists, walked side by side. */
static void compare_holders(const struct diff_pairs *pairs, struct run before, struct run after, struct lone *came,
			    struct lone *went, struct diff_hands *ret)
{
	while (before.at < before.end || after.at < after.end) {
		int order = compare_processes(&before, &after);

		if (order < 0) {
			take_lone(pairs, &pairs->before, &before, went);
		} else if (order > 0) {
			take_lone(pairs, &pairs->after, &after, came);
		} else {
			uint32_t fields = other_program(&before, &after);

			if (fields && !ret->process_fields) {
				ret->process_fields = fields;
				ret->was_process = before.at->process;
				ret->is_process = after.at->process;
			}
			if (pass_process(&before) != pass_process(&after))
				ret->hands = SKT_HANDS_MOVED;
		}
	}
}

/* Whether the list of a row lacks somebody whom that of the other row may have, because a look was denied. */
static bool is_denied(const struct diff_pairs *pairs, const struct skt_sock *sock, const struct skt_sock *other)
{
	return sock->owner_gaps & SKT_GAP_DENIED && (pairs->options->uneven || !(other->owner_gaps & SKT_GAP_DENIED));
}

static void judge_holders(const struct diff_pairs *pairs, const struct skt_sock *was, const struct run *before,
			  const struct skt_sock *is, const struct run *after, struct diff_hands *ret)
{
	bool forward = pairs->before.snapshot->time <= pairs->after.snapshot->time;
	struct lone came = { 0 }, went = { 0 }, *newer = forward ? &came : &went, *older = forward ? &went : &came;
	bool newer_denied = forward ? is_denied(pairs, is, was) : is_denied(pairs, was, is);
	bool older_denied = forward ? is_denied(pairs, was, is) : is_denied(pairs, is, was);

	compare_holders(pairs, *before, *after, &came, &went, ret);
	ret->restarted = came.n && came.n == went.n && came.programs == went.programs && !came.unknown && !newer->old &&
			 !ret->process_fields;
	/* who was not searched for may have been there all the time */
	if (was->owner_gaps & SKT_GAP_UNSEARCHED)
		came.n = 0;
	if (is->owner_gaps & SKT_GAP_UNSEARCHED)
		went.n = 0;
	/* and so may he to whom a look was denied, unless he had not begun */
	ret->doubtful = (newer->n && newer->old && older_denied) || (older->n && newer_denied);
	if (newer->old && older_denied)
		newer->n = 0;
	if (newer_denied)
		older->n = 0;
	ret->restarted &= came.n && went.n;
	if (came.n)
		ret->hands = went.n ? SKT_HANDS_PASSED : SKT_HANDS_SHARED;
	else if (went.n)
		ret->hands = SKT_HANDS_RELEASED;
}

/* Closed by all its holders: nobody's any more. Who it was is known only to those who looked on. */
static bool is_orphan(const struct skt_sock *sock)
{
	return !sock->inode && (sock->owner == SKT_OWNER_CARRIED || sock->owner == SKT_OWNER_DETACHED);
}

void diff_hands(const struct diff_pairs *pairs, const struct skt_sock *was, const struct skt_sock *is,
		struct diff_hands *ret)
{
	struct run had = holders(pairs->before.snapshot, was), have = holders(pairs->after.snapshot, is);

	*ret = (struct diff_hands){ .hands = SKT_HANDS_SAME, .was_process = SKT_NO_SLOT, .is_process = SKT_NO_SLOT };
	if (is_orphan(was) && is_orphan(is))
		return;
	if (is->owner == SKT_OWNER_CARRIED || (was->inode && !is->inode)) {
		ret->hands = was->owner == SKT_OWNER_CARRIED ? SKT_HANDS_SAME : SKT_HANDS_ORPHANED;
	} else if (had.at == had.end && have.at == have.end) {
		return;
	} else if (had.at == had.end) {
		ret->hands = was->owner == SKT_OWNER_QUEUED ? SKT_HANDS_ACCEPTED : SKT_HANDS_FOUND;
		ret->doubtful = was->owner == SKT_OWNER_UNKNOWN && is_denied(pairs, was, is);
	} else if (have.at == have.end && is->owner == SKT_OWNER_UNKNOWN) {
		ret->doubtful = is_denied(pairs, is, was);
	} else {
		judge_holders(pairs, was, &had, is, &have, ret);
	}
}
