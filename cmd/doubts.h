/* SPDX-License-Identifier: MIT */
#ifndef DOUBTS_H
#define DOUBTS_H

#include <skt/coverage.h>
#include <skt/filter.h>
#include <skt/record.h>
#include <skt/time.h>

#include <stdbool.h>
#include <stdint.h>

/* Why "none" is not "never", whichever tool is asked: what of a recording keeps it from being an answer. */

/* What is asked about. */
struct asked {
	const struct skt_filter *filter; /* NULL: all */
	uint32_t kinds;			 /* tables that it may be true in, 1 << enum skt_table_kind */
	uint32_t recorded;		 /* those that were, all over the stretch */
	bool listening;			 /* only sockets that listen */
};

/*
 * Each reason on a line on stderr: it was not recorded, or was left out of a slice, or could not be read. false: there
 * is none.
 */
bool doubts_tell(const struct skt_file *file, const struct asked *asked, const struct skt_coverage *coverage,
		 enum skt_zone zone);

/* Where some of these tables are not among those that were recorded, that is said, and it is true. */
bool doubts_tell_unrecorded(const struct skt_file *file, uint32_t kinds, uint32_t recorded);

/* Their names, each behind a blank. */
void doubts_put_kinds(uint32_t kinds, struct skt_buf *line);

#endif
