/* SPDX-License-Identifier: MIT */
#ifndef QUERY_COVERAGE_H
#define QUERY_COVERAGE_H

#include "query.h"

/* What was looked at, and the verdict, as a line of JSON: query_coverage.c says the same to people. */
void coverage_json(struct query *query, const struct skt_file *file, const struct walk *walk,
		   const struct answer *answer, const char *verdict);

#endif
