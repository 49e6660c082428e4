/* SPDX-License-Identifier: MIT */
#ifndef PROC_ROUND_H
#define PROC_ROUND_H

#include "proc/batch.h"
#include "proc/visit.h"
#include "proc/walk.h"

/* One look for owners while it lasts. */
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

/* How much was asked in this look: links and counts. */
int64_t search_asked(const struct search *search);

/*
 * Whether so many percent of the budget are spent: the time is over, and as much was asked as it is for. On a busy host
 * the time passes while others run.
 */
bool search_is_over(const struct search *search, int64_t percent);

/* visit_begin() */
int search_visit(struct search *search, struct visit *visit, struct ledger_process *process);

/* All of its links were asked in this look: in this round it need not be asked again. */
void search_asked_all(const struct search *search, struct ledger_process *process);

/* The rounds of walk.h. */

/*
 * The share of the round that is due in this look, so that it is complete in time. 0, -ENOMEM or -E2BIG, as the others.
 */
int round_audit(struct search *search);

/* Carry the round on by so much work, or until so many percent of the budget are spent. */
int round_carry_on(struct search *search, uint64_t due, int64_t percent);

/* A round that begins and ends in this look, by as many hands as the options have. */
int round_whole(struct search *search);

#endif
