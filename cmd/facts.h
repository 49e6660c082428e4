/* SPDX-License-Identifier: MIT */
#ifndef FACTS_H
#define FACTS_H

#include <skt/capture.h>
#include <skt/record.h>

/*
 * What a recording says of its host and of its recorder, so that whoever reads it later knows under which
 * circumstances it came to be: names and values of text. What cannot be found out is left out.
 */
struct facts {
	struct skt_fact *facts;
	size_t n;
	size_t room;
};

void facts_init(struct facts *facts);
void facts_release(struct facts *facts);

/* Copies both; nothing is added for NULL, "" or without memory. */
void facts_add(struct facts *facts, const char *name, const char *value);

/* host.*: from the tree, and where that is the running kernel's also from the system. */
void facts_of_host(struct facts *facts, const struct skt_host *host, bool live);

/* recorder.*: this program, how it was called and by whom, and what could have been put under it. */
void facts_of_recorder(struct facts *facts, char **argv, const char *tree, uint32_t tables);

/* This process' capabilities in effect, in hex, as recorder.capabilities has them; "" where that is not known. */
void facts_capabilities(char *ret, size_t size);

#endif
