/* SPDX-License-Identifier: MIT */
#include "proc/family.h"

#include "proc/identity.h"
#include "proc/papers.h"

#include <errno.h>
#include <unistd.h>

/*
 * The part of the budget in which processes are asked whether they are still what they were, and how many are asked at
 * least.
 */
#define PART	    4
#define ASKED_LEAST 16

/* How many are read at once by many hands, some 2 KB of each. */
#define READ_MOST 64

/* ---- who a process is ---- */

/* A thread that lives on while its leader is a zombie: a descriptor, or -1. */
static int open_thread(struct look *look, struct ledger *ledger, const struct ledger_process *process, int dir)
{
	int tasks, thread = -1;
	const char *name;

	if (!process->zombie)
		return -1;
	tasks = ledger_open_at(ledger, look, dir, "task", TREE_DIRECTORY);
	names_begin(&ledger->threads, tasks);
	while (tasks >= 0 && thread < 0 && names_next(&ledger->threads, &name) > 0) {
		int64_t tid = tree_number(name, SKT_PID_MAX);

		if (tid > 0 && tid != process->pid)
			thread = ledger_open_at(ledger, look, tasks, name, TREE_DIRECTORY | TREE_HANDLE);
	}
	if (tasks >= 0)
		close(tasks);
	return thread;
}

static bool has_start(const struct skt_process *identity)
{
	return identity->has & SKT_BIT(SKT_P_START_TIME);
}

/* In a tree nothing else tells that another has the number. */
static bool is_another(const struct ledger_process *process, const struct skt_process *identity)
{
	return process->listed && (process->has_start != has_start(identity) ||
				   (process->has_start && process->start_time != identity->start_time));
}

/* Read who it is through dir. 0; -ESRCH, -ESTALE where it is not to be had; -ENOMEM, -E2BIG. */
static int read_identity(struct look *look, struct ledger *ledger, struct ledger_process *process, int dir)
{
	int thread = open_thread(look, ledger, process, dir);
	struct skt_process identity;
	uint64_t mark;
	int rc = identity_read(look, dir, thread, process->pid, &identity, &mark);

	if (thread >= 0)
		close(thread);
	if (rc)
		return rc;
	if (is_another(process, &identity)) {
		if (look->tree->live)
			return -ESRCH;
		process->listed = false;
	}
	process->identity = identity;
	process->mark = mark;
	process->identified = true;
	process->identified_at = look_clock(look, NULL);
	process->has_start = has_start(&identity);
	process->start_time = identity.start_time;
	return 0;
}

static int identify(struct look *look, struct ledger *ledger, struct ledger_process *process)
{
	int dir = ledger_open(ledger, look, process), rc, close_rc;

	if (dir < 0)
		return dir;
	rc = read_identity(look, ledger, process, dir);
	close_rc = ledger_close(ledger, look, process, dir);
	return rc ? rc : close_rc;
}

/* ---- who it still is ---- */

/* Through dir: whether all of it is to be read again. Or a negative errno. */
static int is_stale(struct look *look, const struct ledger_process *process, int dir)
{
	const struct skt_process *identity = &process->identity;
	struct process_stat stat;
	int rc;

	if (!look_budget(look) || look_clock(look, NULL) - process->identified_at >= look_full_walk(look))
		return 1;
	rc = identity_stat(look, dir, process->pid, &stat);
	if (rc)
		return rc == -ENOENT ? -ESRCH : rc;
	return stat.mark != process->mark || stat.ppid != identity->ppid ||
	       identity_is_zombie(stat.state) != identity_is_zombie(identity->state);
}

static int ask_again(struct look *look, struct ledger *ledger, struct ledger_process *process)
{
	int dir = ledger_open(ledger, look, process), rc, close_rc;

	if (dir < 0)
		return dir;
	rc = is_stale(look, process, dir);
	if (rc > 0)
		rc = read_identity(look, ledger, process, dir);
	close_rc = ledger_close(ledger, look, process, dir);
	return rc ? rc : close_rc;
}

/*
 * It is gone, or not to be had. What it held is nobody's, and nothing that is known of it is true of whoever comes
 * next.
 */
static int lose(struct look *look, struct ledger *ledger, struct owners *owners, struct ledger_process *process, int rc)
{
	if (rc == -ENOMEM || rc == -E2BIG)
		return rc;
	for (size_t i = 0; i < process->n_links; i++)
		owners_unlink(owners, process->links[i].row);
	if (look->tree->live && (rc == -ENOENT || rc == -ESRCH))
		look->snapshot->quality.vanished += process->n_links != 0;
	else if (process->n_links)
		look->snapshot->quality.denied++;
	ledger_forget(ledger, process);
	return 0;
}

/* All in turn, from where the look before ended. */
static int ask_all(struct family *family, struct look *look, struct ledger *ledger, struct owners *owners)
{
	int64_t start = look_clock(look, NULL), budget = look_budget(look) / PART;
	size_t first = 0, asked = 0;
	int rc = 0;

	while (first < ledger->n_processes && ledger->processes[first].pid < family->at)
		first++;
	for (size_t k = 0; !rc && k < ledger->n_processes; k++) {
		struct ledger_process *process = &ledger->processes[(first + k) % ledger->n_processes];

		if (!process->identified)
			continue;
		family->at = process->pid;
		if (asked++ >= ASKED_LEAST && budget && look_clock(look, NULL) - start >= budget)
			return 0;
		rc = ask_again(look, ledger, process);
		/* that it cannot be read now (EMFILE, say) changes nothing of who it is */
		if (rc && rc != -ENOENT && rc != -ESRCH && rc != -ESTALE && rc != -ENOMEM && rc != -E2BIG)
			rc = 0;
		if (rc)
			rc = lose(look, ledger, owners, process, rc);
	}
	family->at = 0;
	return rc;
}

/* ---- the snapshot ---- */

static int add(struct look *look, struct ledger_process *process)
{
	int rc = skt_snapshot_add_process(look->snapshot, &process->identity, &process->slot);

	process->added = !rc;
	process->listed |= !rc;
	return rc;
}

/* Whether it is to be identified, and in the usual way: through its own handle. */
static bool is_plain(const struct ledger_process *process)
{
	return !process->identified && process->handle >= 0 && !process->zombie && ledger_is_holder(process);
}

/*
 * Who holders are, of whom nothing is known yet: read by many hands, understood by one. Those that are not plain are
 * left.
 */
static int identify_together(struct look *look, struct ledger *ledger, struct owners *owners, struct crew *crew)
{
	bool secret = look->options->cmdline == SKT_CMDLINE_NONE;
	size_t i = 0;
	int rc = 0;

	while (!rc && i < ledger->n_processes) {
		struct ledger_process *processes[READ_MOST];
		struct papers papers[READ_MOST];
		size_t n = 0;

		for (; i < ledger->n_processes && n < READ_MOST; i++) {
			if (!is_plain(&ledger->processes[i]))
				continue;
			processes[n] = &ledger->processes[i];
			papers_init(&papers[n++], ledger->processes[i].handle, secret);
		}
		papers_read(crew, look->tree, papers, n);
		for (size_t k = 0; !rc && k < n; k++) {
			look->papers = &papers[k];
			rc = read_identity(look, ledger, processes[k], processes[k]->handle);
			look->papers = NULL;
			if (rc)
				rc = lose(look, ledger, owners, processes[k], rc);
		}
		for (size_t k = 0; k < n; k++)
			papers_release(&papers[k]);
	}
	return rc;
}

int family_holders(struct family *family, struct look *look, struct ledger *ledger, struct owners *owners,
		   struct crew *crew)
{
	int rc = ledger_translate(ledger, look);

	if (!rc)
		rc = ask_all(family, look, ledger, owners);
	if (!rc && crew)
		rc = identify_together(look, ledger, owners, crew);
	for (size_t i = 0; !rc && i < ledger->n_processes; i++) {
		struct ledger_process *process = &ledger->processes[i];

		if (!ledger_is_holder(process))
			continue;
		if (!process->identified) {
			rc = identify(look, ledger, process);
			if (rc) {
				rc = lose(look, ledger, owners, process, rc);
				continue;
			}
		}
		rc = add(look, process);
	}
	return rc;
}

static int add_listed(struct look *look, struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->n_processes; i++) {
		struct ledger_process *process = &ledger->processes[i];
		int rc = 0;

		if (!(process->listed || (look->whole && !process->no_process)) || process->added)
			continue;
		if (!process->identified)
			rc = identify(look, ledger, process);
		if (!rc && (process->listed || look->whole))
			rc = add(look, process);
		if (rc == -ENOMEM || rc == -E2BIG)
			return rc;
		/* another in a tree is no longer of the family */
		if (rc)
			ledger_forget(ledger, process);
	}
	return 0;
}

/*
 * The parent that it had when it was identified may have exited, and its number may be another's: then it has another.
 */
static struct ledger_process *find_parent(struct look *look, struct ledger *ledger, struct ledger_process *child)
{
	struct skt_process *identity = &child->identity;
	struct ledger_process *parent = ledger_find(ledger, identity->ppid);
	struct process_stat stat;
	int dir;

	if (!look->tree->live || (parent && !(parent->has_start && parent->start_time > identity->start_time)))
		return parent;
	dir = ledger_open(ledger, look, child);
	if (dir < 0)
		return NULL;
	if (!identity_stat(look, dir, child->pid, &stat)) {
		identity->ppid = stat.ppid;
		look->snapshot->processes[child->slot].ppid = stat.ppid;
	}
	ledger_close(ledger, look, child, dir);
	return ledger_find(ledger, identity->ppid);
}

/*
 * Parents of all that are there, those that this adds included: each is asked for its parent once, so that a loop in a
 * tree ends.
 */
static int add_ancestors(struct look *look, struct ledger *ledger)
{
	for (size_t i = 0; i < look->snapshot->n_processes; i++) {
		struct ledger_process *child = ledger_find(ledger, look->snapshot->processes[i].pid), *parent;
		int rc = 0;

		if (!child || !child->identity.ppid)
			continue;
		parent = find_parent(look, ledger, child);
		if (!parent || parent->added || parent->no_process)
			continue;
		if (!parent->identified)
			rc = identify(look, ledger, parent);
		if (rc == -ENOMEM || rc == -E2BIG)
			return rc;
		/* nobody is older than his parent */
		if (rc || (look->tree->live && parent->identity.start_time > child->identity.start_time))
			continue;
		rc = add(look, parent);
		if (rc)
			return rc;
	}
	return 0;
}

int family_others(struct look *look, struct ledger *ledger)
{
	int rc = add_listed(look, ledger);

	return rc ? rc : add_ancestors(look, ledger);
}
