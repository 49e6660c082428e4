/* SPDX-License-Identifier: MIT */
#ifndef TESTS_REEL_H
#define TESTS_REEL_H

#include <skt/snapshot.h>
#include <skt/step.h>

#include <stdbool.h>

/* Snapshots in turn, each with the step that leads to it, as a cursor would hand them out. */
struct reel {
	struct skt_matcher *matcher;
	struct skt_snapshot now;
	struct skt_step step;
	struct skt_snapshot next; /* that is being made, with the strings of now (scene_begin()) */
	bool begun;
	bool gap; /* before the next one */
};

void reel_init(struct reel *reel);
void reel_release(struct reel *reel);

/*
 * The next one is complete: now is as it is, and step is what led there; from nothing where it is the first, or behind
 * a gap.
 */
void reel_take(struct reel *reel);

#endif
