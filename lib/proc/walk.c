/* SPDX-License-Identifier: MIT */
#include "proc/walk.h"

#include "proc/visit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* How many links are asked before the clock is: some 200 us. */
#define SLICE 64

/* The work of a round is counted in links. This is what a process is beside its own: it is opened and listed. */
#define PROCESS_LINKS 4

/* What it takes to ask one link, as a rule. */
#define LINK_NS 2000

/* The hunt asks processes with at most so many links wholly. */
#define HUNT_MOST 1024

/*
 * Percent of the budget after which the lists end, and the audit, and what the hunt has. The others follow what changed and
 * are through soon; the hunt is not, and on a busy host some inode is missed at every look.
 */
#define LISTS_END  50
#define AUDIT_END  75
#define HUNT_HAS   25
#define NEVER_ENDS 0

/* One look while it lasts. */
struct search {
	struct walk *walk;
	struct look *look;
	struct ledger *ledger;
	struct owners *owners;
	int64_t start;	/* boot time, and so on */
	int64_t budget; /* ns; 0: none, and all is asked */
	int64_t counts; /* processes that were asked for their count alone */
	int64_t from;	/* when what is measured against the budget began, */
	int64_t done;	/* and what had been asked by then */
};

static int64_t asked(const struct search *search)
{
	return search->counts + search->look->snapshot->quality.links;
}

/*
 * Whether this part of the budget is spent: the time is over, and as much was asked as it is for. On a busy host the
 * time passes while others run.
 */
static bool is_over(const struct search *search, int64_t percent)
{
	int64_t part = search->budget / 100 * percent;

	return percent != NEVER_ENDS && asked(search) - search->done >= part / LINK_NS &&
	       look_clock(search->look, NULL) - search->from >= part;
}

/* ---- visits ---- */

static int begin(struct search *search, struct visit *visit, struct ledger_process *process)
{
	return visit_begin(visit, search->look, search->ledger, search->owners, process);
}

static int visit_all(struct search *search, struct ledger_process *process)
{
	struct visit visit;
	int rc = begin(search, &visit, process);

	if (!rc)
		rc = visit_whole(&visit);
	rc = visit_end(&visit, rc);
	process->visited = !rc;
	process->round = search->owners->begun;
	process->asked = search->owners->look;
	return rc < 0 ? rc : 0;
}

static bool has_lost(const struct ledger_process *process)
{
	for (size_t i = 0; i < process->n_links; i++)
		if (link_is_lost(&process->links[i]))
			return true;
	return false;
}

/* Whether its count is known, and another than was found. Ours changes with each handle, and a zombie has none. */
static bool is_changed(const struct search *search, const struct ledger_process *process)
{
	return search->ledger->counts && process->handle >= 0 && process->pid != search->ledger->self &&
	       process->count != process->n_links && !(process->zombie && !process->count);
}

/* Step 2. */
static int probe(struct search *search, struct ledger_process *process)
{
	bool lost = has_lost(process), changed = is_changed(search, process);
	struct visit visit;
	int rc;

	process->closed = 0;
	if (!changed && !(lost && search->owners->n_wanted))
		return 0;
	/* all of them at once: it has exited, or its first thread has */
	if (process->zombie || (changed && !process->count))
		return visit_all(search, process);
	rc = begin(search, &visit, process);
	if (!rc && lost)
		rc = visit_lost(&visit);
	if (!rc && ((changed && process->count > process->n_links) || lost))
		rc = visit_lowest(&visit);
	rc = visit_end(&visit, rc);
	return rc < 0 ? rc : 0;
}

/*
 * Whether fewer are open than are known, and no more fewer than were just found closed. While many come and go some close
 * between table and descriptors: at the next look their rows have gone, and they are asked.
 */
static bool is_explained(const struct ledger_process *process)
{
	return process->count < process->n_links && process->n_links - process->count <= process->closed;
}

/* Step 3: what is new in its list. */
static int list(struct search *search, struct ledger_process *process)
{
	struct visit visit;
	int rc = begin(search, &visit, process);

	if (!rc)
		rc = visit_list(&visit);
	if (!rc && process->n_links) {
		int32_t next = visit_links(&visit, 0, SIZE_MAX, true);

		rc = next < 0 ? next : 0;
	}
	if (!process->n_links)
		rc = visit_check(&visit, rc);
	rc = visit_end(&visit, rc);
	process->visited = process->visited && !rc;
	return rc < 0 ? rc : 0;
}

/* Those without a handle are asked for their count only when there is something to be found with them. */
static bool has_other_count(struct search *search, const struct ledger_process *process)
{
	char path[32];
	struct stat st;

	if (process->handle >= 0 || process->denied)
		return false;
	if (!search->ledger->counts)
		return true;
	search->counts++;
	snprintf(path, sizeof(path), "%u/fd", process->pid);
	return !fstatat(search->look->tree->fd, path, &st, AT_SYMLINK_NOFOLLOW) &&
	       (uint64_t)st.st_size != process->n_links;
}

/* ---- steps ---- */

static int visit_new(struct search *search)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < search->ledger->n_processes; i++) {
		struct ledger_process *process = &search->ledger->processes[i];

		/* who could not be read is asked again by the round, lest he be asked at every look */
		if (!process->visited && !process->denied)
			rc = visit_all(search, process);
	}
	return rc;
}

static int probe_all(struct search *search)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < search->ledger->n_processes; i++)
		rc = probe(search, &search->ledger->processes[i]);
	return rc;
}

static int list_changed(struct search *search)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < search->ledger->n_processes && !is_over(search, LISTS_END); i++) {
		struct ledger_process *process = &search->ledger->processes[i];

		if ((is_changed(search, process) && !is_explained(process)) ||
		    (search->owners->n_wanted && !search->ledger->counts))
			rc = list(search, process);
	}
	for (size_t i = 0; !rc && search->owners->n_wanted && i < search->ledger->n_processes; i++) {
		struct ledger_process *process = &search->ledger->processes[i];

		if (i % SLICE == SLICE - 1 && is_over(search, LISTS_END))
			break;
		if (has_other_count(search, process))
			rc = list(search, process);
	}
	return rc;
}

/* ---- rounds ---- */

static void begin_round(struct search *search)
{
	struct walk *walk = search->walk;

	owners_round_begins(search->owners);
	walk->underway = true;
	walk->at = 0;
	walk->at_fd = -1;
	walk->round_took = 0;
	walk->round_boot = look_clock(search->look, &walk->round_time);
}

static void complete_round(struct search *search)
{
	struct walk *walk = search->walk;

	walk->underway = false;
	walk->checked_since = walk->round_time;
	owners_round_completes(search->owners);
}

/* At most `most` links of one process: how much work that was, or -ENOMEM. */
static int64_t audit_some(struct search *search, struct ledger_process *process, uint64_t most)
{
	struct walk *walk = search->walk;
	struct visit visit;
	int32_t next = INT32_MAX;
	int64_t work = -(int64_t)search->look->snapshot->quality.links;
	int rc = begin(search, &visit, process);

	if (walk->at_fd < 0) {
		work += PROCESS_LINKS;
		rc = rc ? rc : visit_list(&visit);
		walk->at_fd = 0;
	}
	if (!rc) {
		next = visit_links(&visit, walk->at_fd, most, false);
		rc = next < 0 ? next : 0;
	}
	if (rc || next == INT32_MAX || visit.vanishing)
		rc = visit_check(&visit, rc);
	rc = visit_end(&visit, rc);
	process->visited = !rc;
	if (rc || next == INT32_MAX) {
		process->round = search->owners->begun;
		process->asked = search->owners->look;
		walk->at = process->pid + 1;
		walk->at_fd = -1;
	} else {
		walk->at = process->pid;
		walk->at_fd = next;
	}
	return rc < 0 ? rc : work + search->look->snapshot->quality.links;
}

/* Carry the round on by so much work, or until this part of the budget is spent. 0 or -ENOMEM. */
static int carry_on(struct search *search, uint64_t due, int64_t percent)
{
	int64_t start = look_clock(search->look, NULL);
	uint64_t done = 0;
	int rc = 0;

	while (!rc && search->walk->underway && done < due) {
		size_t i = ledger_from(search->ledger, search->walk->at);
		struct ledger_process *process = &search->ledger->processes[i];
		uint64_t most = due - done < SLICE ? due - done : SLICE;
		int64_t work;

		if (i == search->ledger->n_processes) {
			complete_round(search);
			break;
		}
		/* another process may have the number by now */
		if (process->pid != search->walk->at)
			search->walk->at_fd = -1;
		if (process->round == search->owners->begun) {
			search->walk->at = process->pid + 1;
			search->walk->at_fd = -1;
			continue;
		}
		work = audit_some(search, process, percent == NEVER_ENDS ? SIZE_MAX : most);
		if (work < 0)
			rc = (int)work;
		else
			done += (uint64_t)work;
		if (is_over(search, percent))
			break;
	}
	search->walk->round_took += look_clock(search->look, NULL) - start;
	if (!search->walk->underway)
		search->walk->last_took = search->walk->round_took;
	return rc;
}

/* How much work is left to this round. */
static uint64_t work_left(const struct search *search)
{
	uint64_t left = 0;

	for (size_t i = 0; i < search->ledger->n_processes; i++) {
		const struct ledger_process *process = &search->ledger->processes[i];

		if (process->round == search->owners->begun)
			continue;
		left += process->n_links + PROCESS_LINKS;
		for (size_t k = 0; process->pid == search->walk->at && k < process->n_links; k++)
			left -= process->links[k].fd < search->walk->at_fd;
	}
	return left;
}

/* What of the round is due in this look, so that it is complete in time: what is left by the time that is left. */
static uint64_t work_due(const struct search *search)
{
	const struct walk *walk = search->walk;
	int64_t passed = search->start - walk->last_look, left;

	left = walk->round_boot + look_full_walk(search->look) - search->start;
	if (left <= passed || passed <= 0)
		return UINT64_MAX;
	return (uint64_t)((double)work_left(search) * (double)passed / (double)left) + 1;
}

/* Step 4. */
static int audit(struct search *search)
{
	if (!search->walk->underway)
		begin_round(search);
	return carry_on(search, work_due(search), AUDIT_END);
}

/* Whether it is among the likeliest to have what was missed, and is asked with little trouble. */
static bool is_prey(const struct search *search, const struct ledger_process *process)
{
	uint32_t look = search->owners->look;

	return process->moved + 1 >= look && process->asked != look && process->n_links <= HUNT_MOST &&
	       !process->denied;
}

/* Step 5. */
static int hunt(struct search *search)
{
	struct ledger *ledger = search->ledger;
	size_t first = ledger_from(ledger, search->walk->hunt_at);
	int rc = 0;

	search->from = look_clock(search->look, NULL);
	search->done = asked(search);
	for (size_t k = 0; !rc && search->owners->n_missed && k < ledger->n_processes; k++) {
		struct ledger_process *process = &ledger->processes[(first + k) % ledger->n_processes];

		if (!is_prey(search, process))
			continue;
		search->walk->hunt_at = process->pid;
		if (is_over(search, HUNT_HAS))
			return 0;
		rc = visit_all(search, process);
	}
	/* at most one round ends in a look */
	if (rc || !search->owners->n_missed || !search->walk->underway || is_over(search, HUNT_HAS))
		return rc;
	return carry_on(search, UINT64_MAX, HUNT_HAS);
}

static int look_by_need(struct search *search)
{
	int rc = visit_new(search);

	if (!rc)
		rc = probe_all(search);
	if (!rc)
		rc = list_changed(search);
	if (!rc)
		rc = audit(search);
	return rc ? rc : hunt(search);
}

static int look_wholly(struct search *search)
{
	begin_round(search);
	return carry_on(search, UINT64_MAX, NEVER_ENDS);
}

/* ---- a look ---- */

static bool is_whole(const struct search *search)
{
	return !search->look->tree->live || !search->budget || !search->walk->last_took ||
	       look_full_walk(search->look) <= search->look->options->interval ||
	       search->walk->last_took <= search->budget;
}

/* Everyone that is listed is one of these: looked at, denied, or not reached. */
static void count(struct search *search)
{
	struct skt_quality *quality = &search->look->snapshot->quality;

	for (size_t i = 0; i < search->ledger->n_processes; i++) {
		const struct ledger_process *process = &search->ledger->processes[i];

		if (process->no_process)
			continue;
		quality->denied += process->denied;
		quality->processes += process->looked_at && process->visited;
		quality->unsearched += !process->looked_at && !process->denied;
	}
}

int walk_look(struct walk *walk, struct look *look, struct ledger *ledger, struct owners *owners)
{
	struct search search = { .walk = walk, .look = look, .ledger = ledger, .owners = owners };
	struct skt_quality *quality = &look->snapshot->quality;
	struct skt_err err;
	bool whole;
	int rc;

	search.start = look_clock(look, NULL);
	search.from = search.start;
	search.budget = look_budget(look);
	rc = ledger_begin(ledger, look);
	if (rc == -ENOMEM)
		return rc;
	if (rc) {
		skt_err_sys(&err, rc, "cannot list processes");
		look_problem(look, &err, "", 0);
		quality->denied++;
	}
	/* there is always a pid 1: where it is not shown, neither are others (hidepid=2, proc(5)) */
	if (look->tree->live && (!ledger->n_processes || ledger->processes[0].pid != 1))
		quality->denied++;
	owners_count(owners, look, ledger);
	if (!ledger->n_processes && !look->tree->live)
		return 0;
	whole = is_whole(&search);
	rc = whole ? look_wholly(&search) : look_by_need(&search);
	count(&search);
	walk->last_look = search.start;
	quality->walk = whole ? SKT_WALK_FULL : SKT_WALK_PARTIAL;
	quality->checked_since = walk->checked_since;
	quality->walk_us = look_microseconds(look, search.start);
	return rc;
}
