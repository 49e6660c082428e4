/* SPDX-License-Identifier: MIT */
#ifndef SKT_PLACE_H
#define SKT_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Where a snapshot stands in its recording: what is told there, beside what was captured. .skt-meta of a tree that is
 * written of a recording carries it (skt/tree.h), so that a recording made of such trees tells the same.
 */
struct skt_place_mark {
	int64_t time; /* as in struct skt_mark, skt/record.h */
	/* 0: it stands behind the snapshot; else before it, and back - 1 lost snapshots lie in between */
	uint32_t back;
	char *text; /* "": none; may be hostile */
};

struct skt_step;

struct skt_place {
	int64_t interval;	      /* of the recording, ns; 0 unknown */
	uint32_t gap;		      /* snapshots missing right before this one, at least; 0: there is no gap */
	bool last;		      /* the recording ends with it; else until and missed are 0 */
	int64_t until;		      /* it is in force until then */
	uint32_t missed;	      /* ticks after it */
	struct skt_place_mark *marks; /* in their order; of one that was read: its own */
	size_t n_marks;
	/*
	 * The step that led to the snapshot, applied: its events and the processes that no look has seen are told, too.
	 * NULL: nothing of that. Borrowed. Of one that was read NULL; skt_capture_tell() gives what was told to the
	 * step that leads there then.
	 */
	const struct skt_step *told;
};

/* More at one place is nobody's doing: somebody pressed a key once a second for a day. */
#define SKT_PLACE_MARKS_MAX 65536

/* As long as a mark of a recording may be: SKT_MARK_MAX, skt/record.h. */
#define SKT_PLACE_MARK_TEXT 4096

/* Of one whose marks were allocated one by one. Harmless where it is all 0, which it is then. */
void skt_place_release(struct skt_place *place);

/* But for what was told on the way there: that is skt_told_equal()'s, skt/step.h. */
bool skt_place_equal(const struct skt_place *a, const struct skt_place *b);

#endif
