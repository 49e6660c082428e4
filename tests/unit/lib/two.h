/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TWO_H
#define TESTS_TWO_H

#include "scene.h"

#include <skt/step.h>

/*
 * Two snapshots a second apart, each with the table of tcp in namespace 1 as table 0, and what it takes to go from one
 * to the other.
 */
extern struct skt_snapshot a, b;
extern struct skt_matcher *matcher;
extern struct skt_step step;

void two_begin(void);
void two_end(void);

#endif
