/* SPDX-License-Identifier: MIT */
#ifndef QUERY_TALLY_H
#define QUERY_TALLY_H

#include <skt/time.h>

#include <stddef.h>
#include <stdint.h>

/* What recordings answered, one after the other: "never" in all of them is one sentence, which nobody has to put together from hundreds. */

enum verdict { VERDICT_YES, VERDICT_NO, VERDICT_CANNOT_SAY, VERDICT_UNREAD, VERDICTS };

/* As --coverage has it: "yes", "no", "cannot say"; and "could not be read". */
const char *verdict_name(enum verdict verdict);

/* All 0 to begin with. Plain data, which travels from one process to another. */
struct tally {
	uint64_t recordings[VERDICTS];
	uint64_t snapshots; /* that were looked at ... */
	int64_t first;	    /* ... from this instant to that one, where there are any */
	int64_t last;
};

/* One more recording; first and last are of no account without snapshots. */
void tally_add(struct tally *tally, enum verdict verdict, uint64_t snapshots, int64_t first, int64_t last);

/* And all of those. */
void tally_join(struct tally *tally, const struct tally *more);

/* How many recordings there are in it. */
uint64_t tally_count(const struct tally *tally);

/* The sentence, on stderr. */
void tally_tell(const struct tally *tally, enum skt_zone zone);

#endif
