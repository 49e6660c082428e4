/* SPDX-License-Identifier: MIT */
#ifndef QUERY_TALLY_H
#define QUERY_TALLY_H

#include <skt/coverage.h>
#include <skt/time.h>

#include <stddef.h>
#include <stdint.h>

/*
 * What recordings answered, one after the other: "never" in all of them is one sentence, which nobody has to put
 * together from hundreds.
 */

enum verdict { VERDICT_YES, VERDICT_NO, VERDICT_CANNOT_SAY, VERDICT_UNREAD, VERDICTS };

/* As --coverage has it: "yes", "no", "cannot say"; and "could not be read". */
const char *verdict_name(enum verdict verdict);

#define TALLY_NAME_MAX 4096 /* as long as a path may be */

/* Those in which nothing matches: what such an answer is worth is said once of all of them. */
struct tally_none {
	uint64_t recordings;
	uint64_t snapshots;
	uint64_t unrepeated; /* so many of them have no two reads of a table: there is no interval */
	uint64_t denied;     /* and in so many there may be network namespaces that were not looked at */
	uint64_t missed;     /* ticks */
	int64_t blind_after; /* the longest interval between two looks; both 0: there is none ... */
	int64_t blind_until;
	char name[TALLY_NAME_MAX]; /* ... and where it is */
	/*
	 * 1 << kind: tables that have one in any; those that have none somewhere, for all that went was told of; and
	 * those of which that is not so in some recording where something was read twice, be it that they were not
	 * looked at
	 */
	uint32_t blind_kinds;
	uint32_t heard_kinds;
	uint32_t deaf_kinds;
	/*
	 * where changes were asked for, and there were none: sockets that match all the same, and in how many of them
	 */
	uint64_t unchanged;
	uint64_t with_unchanged;
};

/* All 0 to begin with. Plain data, which travels from one process to another. */
struct tally {
	uint64_t recordings[VERDICTS];
	uint64_t snapshots; /* that were looked at ... */
	int64_t first;	    /* ... from this instant to that one, where there are any */
	int64_t last;
	struct tally_none none;
};

/* One more recording; first and last are of no account without snapshots. */
void tally_add(struct tally *tally, enum verdict verdict, uint64_t snapshots, int64_t first, int64_t last);

/* In this one nothing matches. */
void tally_add_none(struct tally_none *none, const struct skt_coverage *coverage, const char *name);

/* And all of those. */
void tally_join(struct tally *tally, const struct tally *more);

/* How many recordings there are in it. */
uint64_t tally_count(const struct tally *tally);

/* The sentence, on stderr. */
void tally_tell(const struct tally *tally, enum skt_zone zone);

#endif
