/* SPDX-License-Identifier: MIT */
#ifndef MODEL_DIFF_HOLDERS_H
#define MODEL_DIFF_HOLDERS_H

#include "model/diff_pair.h"

/* Who holds the rows of two snapshots, which have processes and strings of their own. */

/*
 * Which program a process runs, as one number: executable and arguments, or its name where neither is known; 0: nothing
 * is.
 */
uint64_t diff_program(const struct skt_snapshot *snapshot, const struct skt_process *process, uint64_t seed);

/*
 * The programs of a row's holders as one number, each counted once; 0 where there are no holders or one is not known.
 * program is that of each process. 0 or -ENOMEM.
 */
int diff_programs(const struct skt_snapshot *snapshot, const struct skt_sock *sock, const uint64_t *program,
		  uint64_t seed, uint64_t *ret);

/* What happened to who holds a socket. */
struct diff_hands {
	enum skt_hands hands;
	uint32_t process_fields; /* as in struct skt_difference */
	uint32_t was_process, is_process;
	bool restarted;
	bool doubtful; /* it would be something else if nobody had been denied a look */
};

/* Of a pair of rows of one boot. */
void diff_hands(const struct diff_pairs *pairs, const struct skt_sock *was, const struct skt_sock *is,
		struct diff_hands *ret);

#endif
