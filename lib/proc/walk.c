/* SPDX-License-Identifier: MIT */
#include "proc/walk.h"

#include "proc/batch.h"
#include "proc/round.h"
#include "proc/visit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* How many processes are asked for their count before the clock is: some 200 us. */
#define SLICE 64

/* The hunt asks processes with at most so many links wholly. */
#define HUNT_MOST 1024

/*
 * Percent of the budget after which the lists end, and what the hunt has. The others follow what changed and
 * are through soon; the hunt is not, and on a busy host some inode is missed at every look.
 */
#define LISTS_END 50
#define HUNT_HAS  25

/* ---- visits ---- */

static int visit_all(struct search *search, struct ledger_process *process)
{
	struct visit visit;
	int rc = search_visit(search, &visit, process);

	if (!rc)
		rc = visit_whole(&visit);
	rc = visit_end(&visit, rc);
	process->visited = !rc;
	search_asked_all(search, process);
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
	rc = search_visit(search, &visit, process);
	if (!rc && lost)
		rc = visit_lost(&visit);
	if (!rc && ((changed && process->count > process->n_links) || lost))
		rc = visit_lowest(&visit);
	rc = visit_end(&visit, rc);
	return rc < 0 ? rc : 0;
}

/*
 * Whether fewer are open than are known, and no more fewer than were just found closed. While many come and go some
 * close between table and descriptors: at the next look their rows have gone, and they are asked.
 */
static bool is_explained(const struct ledger_process *process)
{
	return process->count < process->n_links && process->n_links - process->count <= process->closed;
}

/* Step 3: what is new in its list. */
static int list(struct search *search, struct ledger_process *process)
{
	struct visit visit;
	int rc = search_visit(search, &visit, process);

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

	for (size_t i = 0; !rc && i < search->ledger->n_processes && !search_is_over(search, LISTS_END); i++) {
		struct ledger_process *process = &search->ledger->processes[i];

		if ((is_changed(search, process) && !is_explained(process)) ||
		    (search->owners->n_wanted && !search->ledger->counts))
			rc = list(search, process);
	}
	for (size_t i = 0; !rc && search->owners->n_wanted && i < search->ledger->n_processes; i++) {
		struct ledger_process *process = &search->ledger->processes[i];

		if (i % SLICE == SLICE - 1 && search_is_over(search, LISTS_END))
			break;
		if (has_other_count(search, process))
			rc = list(search, process);
	}
	return rc;
}

/* ---- the hunt ---- */

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
	search->done = search_asked(search);
	for (size_t k = 0; !rc && search->owners->n_missed && k < ledger->n_processes; k++) {
		struct ledger_process *process = &ledger->processes[(first + k) % ledger->n_processes];

		if (!is_prey(search, process))
			continue;
		search->walk->hunt_at = process->pid;
		if (search_is_over(search, HUNT_HAS))
			return 0;
		rc = visit_all(search, process);
	}
	/* at most one round ends in a look */
	if (rc || !search->owners->n_missed || !search->walk->underway || search_is_over(search, HUNT_HAS))
		return rc;
	return round_carry_on(search, UINT64_MAX, HUNT_HAS);
}

static int look_by_need(struct search *search)
{
	int rc = visit_new(search);

	if (!rc)
		rc = probe_all(search);
	if (!rc)
		rc = list_changed(search);
	if (!rc)
		rc = round_audit(search);
	return rc ? rc : hunt(search);
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

void walk_release(struct walk *walk)
{
	batch_free(walk->batch);
	walk->batch = NULL;
}

struct crew *walk_crew(const struct walk *walk)
{
	return walk->batch ? batch_crew(walk->batch) : NULL;
}

void walk_rest(struct walk *walk, const struct look *look)
{
	if (look_budget(look))
		walk_release(walk);
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
	rc = whole ? round_whole(&search) : look_by_need(&search);
	count(&search);
	walk->last_look = search.start;
	quality->walk = whole ? SKT_WALK_FULL : SKT_WALK_PARTIAL;
	quality->checked_since = walk->checked_since;
	quality->walk_us = look_microseconds(look, search.start);
	return rc;
}
