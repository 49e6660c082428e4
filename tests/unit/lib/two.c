/* SPDX-License-Identifier: MIT */
#include "two.h"

#include <stdio.h>
#include <stdlib.h>

struct skt_snapshot a, b;
struct skt_matcher *matcher;
struct skt_step step;

void two_begin(void)
{
	scene_begin(&a, NULL, 0);
	scene_begin(&b, NULL, 1);
	scene_table(&a, SKT_TCP, 1);
	scene_table(&b, SKT_TCP, 1);
	matcher = skt_matcher_new(11);
	skt_step_init(&step);
	if (!matcher) {
		fputs("out of memory\n", stderr);
		abort();
	}
}

void two_end(void)
{
	skt_snapshot_release(&a);
	skt_snapshot_release(&b);
	skt_matcher_free(matcher);
	skt_step_release(&step);
}
