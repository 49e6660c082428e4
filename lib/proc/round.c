/* SPDX-License-Identifier: MIT */
#include "proc/round.h"

#include <errno.h>

/* How many links are asked before the clock is: some 200 us. */
#define SLICE 64

/* The work of a round is counted in links. This is what a process is beside its own: it is opened and listed. */
#define PROCESS_LINKS 4

/* What it takes to ask one link, as a rule. */
#define LINK_NS 2000

/* Percent of the budget after which the audit ends; and that of a round that is made in one look. */
#define AUDIT_END  75
#define NEVER_ENDS 0

int64_t search_asked(const struct search *search)
{
	return search->counts + search->look->snapshot->quality.links;
}

bool search_is_over(const struct search *search, int64_t percent)
{
	int64_t part = search->budget / 100 * percent;

	return percent != NEVER_ENDS && search_asked(search) - search->done >= part / LINK_NS &&
	       look_clock(search->look, NULL) - search->from >= part;
}

int search_visit(struct search *search, struct visit *visit, struct ledger_process *process)
{
	return visit_begin(visit, search->look, search->ledger, search->owners, process);
}

void search_asked_all(const struct search *search, struct ledger_process *process)
{
	process->round = search->owners->begun;
	process->asked = search->owners->look;
}

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
	walk->checked_since = skt_time_known(walk->round_time);
	owners_round_completes(search->owners);
}

/* At most `most` links of one process: how much work that was, or -ENOMEM. */
static int64_t audit_some(struct search *search, struct ledger_process *process, uint64_t most)
{
	struct walk *walk = search->walk;
	struct visit visit;
	int32_t next = INT32_MAX;
	int64_t work = -(int64_t)search->look->snapshot->quality.links;
	int rc = search_visit(search, &visit, process);

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
		search_asked_all(search, process);
		walk->at = process->pid + 1;
		walk->at_fd = -1;
	} else {
		walk->at = process->pid;
		walk->at_fd = next;
	}
	return rc < 0 ? rc : work + search->look->snapshot->quality.links;
}

int round_carry_on(struct search *search, uint64_t due, int64_t percent)
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
		if (search_is_over(search, percent))
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

int round_audit(struct search *search)
{
	if (!search->walk->underway)
		begin_round(search);
	return round_carry_on(search, work_due(search), AUDIT_END);
}

/* ---- all in one look ---- */

/* The plain ones by many hands: what is left of the round are those with which something is not as usual. */
static int visit_together(struct search *search, struct batch *batch)
{
	struct ledger *ledger = search->ledger;
	int64_t start = look_clock(search->look, NULL);
	size_t i = 0;
	int rc = 0;

	while (!rc && i < ledger->n_processes) {
		struct ledger_process *processes[BATCH_MOST];
		bool visited[BATCH_MOST];
		size_t n = 0;

		for (; i < ledger->n_processes && n < BATCH_MOST; i++)
			if (ledger->processes[i].pid != ledger->self)
				processes[n++] = &ledger->processes[i];
		rc = batch_visit(batch, search->look, ledger, search->owners, processes, n, visited);
		for (size_t k = 0; !rc && k < n; k++)
			if (visited[k])
				search_asked_all(search, processes[k]);
	}
	batch_clear(batch);
	search->walk->round_took += look_clock(search->look, NULL) - start;
	return rc;
}

/*
 * Many hands are for the first round, which is long, and for who waits for it. Where all fits into the budget each time
 * one is enough; and whether it does is then told by what one takes.
 */
static bool is_shared(const struct search *search)
{
	return search->look->tree->live && search->look->options->hands > 1 &&
	       (!search->walk->last_took || !search->budget);
}

int round_whole(struct search *search)
{
	struct walk *walk = search->walk;
	bool shared = is_shared(search);
	int rc = shared && !walk->batch ? batch_new(search->look->options->hands, &walk->batch) : 0;

	if (rc)
		return rc;
	begin_round(search);
	if (shared)
		rc = visit_together(search, walk->batch);
	return rc ? rc : round_carry_on(search, UINT64_MAX, NEVER_ENDS);
}
