/* SPDX-License-Identifier: MIT */
#ifndef QUERY_MANY_H
#define QUERY_MANY_H

#include "query.h"

/*
 * Put the question to many recordings, as many at once as there are processors, each in a process of its own: memory is
 * that of so many recordings, and one that cannot be read costs its own answer and no other. What they say comes in the
 * order of the operands, as if they had been asked one after another; meanwhile it is kept in temporary files. On a
 * terminal it is told how far it has come.
 */
void query_many(struct query *query, char *const *operands, size_t n,
		void (*ask)(struct query *query, const char *operand));

#endif
