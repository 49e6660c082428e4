/* SPDX-License-Identifier: MIT */
#ifndef MODEL_EQUAL_H
#define MODEL_EQUAL_H

#include <skt/snapshot.h>

/* Parts of skt_snapshot_equal(): x of a and y of b are the same, whatever their string ids. */
bool equal_strings(const struct skt_snapshot *a, uint32_t x, const struct skt_snapshot *b, uint32_t y);
bool equal_processes(const struct skt_snapshot *a, const struct skt_process *x, const struct skt_snapshot *b,
		     const struct skt_process *y);

/* All of two rows but who holds them. */
bool equal_columns(const struct skt_snapshot *a, const struct skt_sock *x, const struct skt_snapshot *b,
		   const struct skt_sock *y);

#endif
