/* SPDX-License-Identifier: MIT */
#ifndef INFO_TOTALS_H
#define INFO_TOTALS_H

#include <skt/buf.h>
#include <skt/record.h>

/* How many findings are listed: as many lines as a person reads. */
#define FOUND_MAX 64

/* What only reading all of it tells. */
struct totals {
	uint64_t snapshots;
	uint64_t sockets; /* over all snapshots */
	uint64_t most;
	uint64_t missed;
	uint64_t duplicates;
	uint64_t malformed;
	uint64_t denied;       /* snapshots with processes that could not be read */
	uint64_t netns_denied; /* or that may live in a network namespace which was not */
	uint64_t changes;
	uint64_t events;
	uint64_t lived, lived_heard, lived_lost, lived_more; /* processes that no look has seen */
	uint64_t heard; /* snapshots until which somebody listened to sockets that go */
	uint64_t deaf;	/* of these, not in all namespaces */
	uint64_t lost;	/* and that something was lost before */
	int64_t lost_ns;
	uint64_t holes;
	uint64_t gaps; /* of them: the recorder told them */
	uint64_t clock_steps;
	int64_t offset;			     /* of the wall clock to boot time, at the snapshot before */
	uint64_t findings;		     /* snapshots with some */
	uint64_t sampled;		     /* rows whose text was measured */
	uint64_t sampled_text;		     /* bytes of it */
	struct skt_finding found[FOUND_MAX]; /* each once, and when it was first */
	int64_t found_at[FOUND_MAX];
	size_t n_found;
	bool more_found;
};

/* Read all of it; totals is all 0 before. Holes are told on stderr and counted. 0, or -ENOMEM with err filled. */
int totals_read(const struct skt_file *file, struct totals *totals, struct skt_err *err);

/* What was told, of sockets and of processes; and what the look found strange. */
void totals_event_lines(const struct totals *totals, struct skt_buf *out);
void totals_finding_lines(const struct totals *totals, enum skt_zone zone, struct skt_buf *out);

#endif
