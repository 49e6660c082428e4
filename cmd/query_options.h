/* SPDX-License-Identifier: MIT */
#ifndef QUERY_OPTIONS_H
#define QUERY_OPTIONS_H

#include "query.h"

/* The command line of sockquery: what it asks, and of what. */

struct query_operands {
	char **operands; /* REC[@TIME] each, borrowed from the command line but for standard input */
	size_t n;
	char *standard_input; /* "-@TIME", NULL without */
	bool format;	      /* one was asked for */
};

/*
 * Into a query that is as it is without options. What is wrong, or does not go together, is a mistake: exit 2. Without
 * operands: --list-fields.
 */
void query_options(int argc, char **argv, struct query *query, struct query_operands *ret);
void query_operands_release(struct query_operands *operands);

/* Read the expression, if there is one, anew: instants in it are read in the zone that is known by now. */
void query_read_expression(struct query *query);

#endif
