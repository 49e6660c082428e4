/* SPDX-License-Identifier: MIT */
#ifndef RENDER_GROUPS_H
#define RENDER_GROUPS_H

#include <skt/buf.h>
#include <skt/render.h>

/* Differences in groups of one program each, in the order of what their headings say. */

/* A difference, and what it is sorted by. */
struct group_entry {
	const struct skt_difference *item;
	const struct skt_sock *sock; /* as it is, or was */
	uint64_t net_namespace;
	uint32_t heading;
	uint32_t group;
	uint8_t kind; /* of its table */
};

struct heading;
struct listening;
struct groups {
	struct skt_buf text;
	struct heading *headings;
	size_t n;
	uint32_t *of_process[3];	/* for each process of a side its heading, plus 1; 0: none yet */
	struct heading **of_group;	/* one of each group's; those that nobody is known to hold have none */
	struct listening *listening[2]; /* the listeners before and after, once one is looked for */
	size_t n_listening[2];
};

void groups_init(struct groups *groups);
void groups_release(struct groups *groups);

/* Find the group of each entry; what waits in a listener's backlog is in that of the listener. 0 or -ENOMEM. */
int groups_find(const struct skt_render *render, const struct skt_diff_sides *sides, struct group_entry *entries,
		size_t n, struct groups *groups);

void groups_put_heading(const struct groups *groups, uint32_t group, struct skt_buf *line);

/*
 * The process that a difference is listed under, and on which side (0 before, 1 after, 2 between): that with the lowest
 * pid, of now, or of before. False where there is none.
 */
bool groups_holder(const struct skt_diff_sides *sides, const struct skt_difference *item, uint32_t *ret_side,
		   uint32_t *ret_process);

/* Its name and command line. */
void groups_put_program(const struct skt_render *render, const struct skt_diff_sides *sides, unsigned side,
			uint32_t process, struct skt_buf *out);

#endif
