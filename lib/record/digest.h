/* SPDX-License-Identifier: MIT */
#ifndef RECORD_DIGEST_H
#define RECORD_DIGEST_H

#include <skt/step.h>

/*
 * A digest of the rows in force, by which a decoder that went astray notices: the sum, modulo 2^32, over all rows of
 * the low half of a 64-bit hash of these numbers:
 *
 *	table, local port, remote port, local address (two numbers), remote address (two), inode, sk, rto, ato,
 *	tx_queue, rx_queue, retransmits, probes, uid, ref, quick, cwnd, ssthresh, drops, tail, text, has, state, timer,
 *	timer's instant in ns, owner, owner_gaps, number of owners, and the hash, made in the same way, of each owner's
 *	process slot and fd
 *
 * hash = (hash ^ number) * 0x9e3779b97f4a7c15; hash ^= hash >> 32, from 0 on. A sum, so that a step costs what it
 * changes. Not a CRC-32, which took two fifths of the time of a walk: the chain stands against malice, and blocks have
 * a CRC against damage.
 */
uint32_t digest_rows(struct skt_snapshot *snapshot);
uint32_t digest_step(uint32_t digest, struct skt_snapshot *now, const struct skt_step *step);

#endif
