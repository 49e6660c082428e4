/* SPDX-License-Identifier: MIT */
#ifndef MODEL_DIFF_HOLDERS_H
#define MODEL_DIFF_HOLDERS_H

#include "model/diff_pair.h"

/* Who holds the rows of two snapshots, which have processes and strings of their own. */

/* Which program a process runs, as one number: executable and arguments, or its name where neither is known; 0: nothing is. */
uint64_t diff_program(const struct skt_snapshot *snapshot, const struct skt_process *process, uint64_t seed);

/*
 * The programs of a row's holders as one number, each counted once; 0 where there are no holders or one is not known. program is
 * that of each process. 0 or -ENOMEM.
 */
int diff_programs(const struct skt_snapshot *snapshot, const struct skt_sock *sock, const uint64_t *program,
		  uint64_t seed, uint64_t *ret);

/*
 * What happened to who holds it, on one boot; ret_executed: the same process runs another executable now. gaps are those in a
 * list of owners in which one who is not in it may be.
 */
enum skt_hands diff_hands(const struct skt_snapshot *before, const struct skt_sock *was,
			  const struct skt_snapshot *after, const struct skt_sock *is, unsigned gaps,
			  bool *ret_executed);

#endif
