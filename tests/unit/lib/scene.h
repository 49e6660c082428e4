/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

#include <skt/snapshot.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Snapshots built by hand, and what must hold of every snapshot. No memory ends the test program: where that is
 * what is tested, the snapshot is filled by the library's own functions.
 */

#define SCENE_SECOND   INT64_C(1000000000)
#define SCENE_TIME     (INT64_C(1795356187) * SCENE_SECOND) /* of second 0 */
#define SCENE_BOOTTIME (INT64_C(5000) * SCENE_SECOND)

/* An empty snapshot of second n, with these strings (NULL: a table of its own). */
void scene_begin(struct skt_snapshot *snapshot, struct skt_strtab *strings, int64_t second);

/* Every table's order is that in which its rows were added. */
void scene_end(struct skt_snapshot *snapshot);

uint32_t scene_string(struct skt_snapshot *snapshot, const char *text);

/* A table that was read from a millisecond after the snapshot's time, for a millisecond. */
uint32_t scene_table(struct skt_snapshot *snapshot, unsigned kind, uint64_t net_namespace);

/* A row of table 0, from 10.0.0.1 to 10.0.0.2, nobody's. */
struct skt_sock scene_sock(uint16_t local_port, uint16_t remote_port, uint64_t inode, uint64_t sk, unsigned state);

/* Add it, or add it with one owner (held). Returns its slot. */
uint32_t scene_add(struct skt_snapshot *snapshot, struct skt_sock sock);
uint32_t scene_add_held(struct skt_snapshot *snapshot, struct skt_sock sock, uint32_t process, int32_t fd);

/* The run of owners of a row, in place of what it had. */
void scene_own(struct skt_snapshot *snapshot, uint32_t slot, const struct skt_owner *owners, uint32_t n);

uint32_t scene_process(struct skt_snapshot *snapshot, uint32_t pid, uint64_t start_time, const char *comm);

/* The process of this number, NULL: none; and whether it holds a row by this descriptor. */
const struct skt_process *scene_pid(const struct skt_snapshot *snapshot, uint32_t pid);
bool scene_holds(const struct skt_snapshot *snapshot, const struct skt_sock *sock, uint32_t pid, int32_t fd);

/*
 * Whether the snapshot is one: every live row stands once in its table's order and nowhere else, owners, processes,
 * tables and strings are in range, counts are right. Where it is not, what is wrong goes to why.
 */
bool scene_is_whole(const struct skt_snapshot *snapshot, char *why, size_t why_size);

#endif
