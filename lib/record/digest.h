/* SPDX-License-Identifier: MIT */
#ifndef RECORD_DIGEST_H
#define RECORD_DIGEST_H

#include <skt/step.h>

/*
 * A digest of the rows in force, by which a decoder that went astray notices: the sum, modulo 2^32, over all rows of the CRC-32
 * of these numbers, each little-endian in eight bytes:
 *
 *	table, local port, remote port, local address (two numbers), remote address (two), inode, sk, rto, ato, tx_queue,
 *	rx_queue, retransmits, probes, uid, ref, quick, cwnd, ssthresh, drops, tail, text, has, state, timer, timer's instant
 *	in ns, owner, owner_gaps, number of owners, and of each owner process slot and fd
 *
 * A sum, so that a step costs what it changes.
 */
uint32_t digest_rows(struct skt_snapshot *snapshot);
uint32_t digest_step(uint32_t digest, struct skt_snapshot *now, const struct skt_step *step);

#endif
