/* SPDX-License-Identifier: MIT */
#ifndef QUERY_H
#define QUERY_H

#include <skt/buf.h>
#include <skt/filter.h>
#include <skt/record.h>
#include <skt/render.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A question to recordings. sockquery.c reads it from the command line and puts it to one recording after another;
 * each view has a file of its own, which answers for one recording that is open.
 */

/* What was asked for, and what came of it. */
struct query {
	struct skt_render render;
	struct skt_buf out;
	uint32_t kinds; /* 1 << enum skt_table_kind */
	bool listening;
	char **words; /* of the expression, n_words of them */
	size_t n_words;
	struct skt_filter *filter; /* NULL: no expression */
	const char *zone;	   /* as given */
	int64_t now;
	unsigned open_flags;
	bool several; /* recordings were named */
	bool info;
	bool verify;
	bool verify_chain; /* chain was given */
	uint8_t chain[SKT_CHAIN_SIZE];
	bool trouble;
	bool no;
	bool unsure; /* of some socket it is not known whether it matches */
};

/* The sockets at an instant, the last snapshot unless told: 0 or a negative errno; what could be read is shown all the same. */
int query_sockets(struct query *query, const struct skt_file *file, const char *time_text, struct skt_err *err);

#endif
