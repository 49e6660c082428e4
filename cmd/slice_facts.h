/* SPDX-License-Identifier: MIT */
#ifndef SLICE_FACTS_H
#define SLICE_FACTS_H

#include "facts.h"
#include "query.h"

/*
 * What a slice says of itself in the facts of its header: what it is a part of, and which part. Those of a slice of a
 * slice stand behind those of the first.
 */

/*
 * The facts of a slice: of the source's header those that are so for it, too, and its own. first: number of its first
 * snapshot there. 0 or a negative errno.
 */
int slice_facts(struct facts *facts, const struct query *query, const struct skt_file *file,
		const struct skt_header *header, const struct walk *walk, uint64_t first, struct skt_err *err);

/*
 * Whether what is asked about may lie outside of what is in this recording, because it is a slice of some sockets only:
 * then, which those are is added to ret, in words. filter is NULL where all is asked about; kinds is 1 << enum
 * skt_table_kind.
 */
bool slice_is_too_small(const struct skt_header *header, const struct skt_filter *filter, uint32_t kinds,
			bool listening, struct skt_buf *ret);

/*
 * Whether two recordings hold sockets of the same choice: both are no slices, or their expressions and tables are the
 * same.
 */
bool slice_is_alike(const struct skt_header *a, const struct skt_header *b);

#endif
